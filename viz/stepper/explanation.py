"""explain(): backpropagation in words, in Markdown and in LaTeX; of a whole result, or the chain for one value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from chainrule.engine import Value

from ..common.choices import check_choice
from ..common.colours import THEMES
from ..common.page import page_html
from ..common.saving import open_in_browser, write_text
from ..common.text import clean, markup, short
from ..common.values import through, values_of
from ..graph.folding import names_as_drawn
from . import chains
from .chain_rule import Application, applications, gradients_after
from .narration import Narrator, StepText
from .sums import chain_as_latex, sums_as_latex

_MARKDOWN = re.compile(r"[\\`*_{}\[\]<>#|~$&]")


class Explanation:
    """A whole derivation, step by step: str() is its text; .markdown and .latex are for notebooks and slides."""

    def __init__(self, title: str, steps: Sequence[StepText], notes: Sequence[str] = (), latex: str = "",
                 theme: str = "auto") -> None:  # fmt: skip
        self.title = title
        self._theme = theme
        self.steps = tuple(steps)
        self.notes = tuple(notes)
        self.latex = latex

    def _lines(self) -> list[tuple[str, list[str]]]:
        """Each step as its head and what is said of it."""
        found = []
        for step in self.steps:
            said = [f"{sentence}." for sentence in (step.why, step.together, step.use) if sentence]
            found.append((f"{step.update}: {step.numbers}", [f"{step.made}; {step.slope}", *said]))
        return found

    def __str__(self) -> str:
        lines = [self.title]
        for head, said in self._lines():
            lines += [head, *[f"    {line}" for line in said]]
        return "\n".join([*lines, *self.notes])

    __repr__ = __str__

    @property
    def markdown(self) -> str:
        """The text as a numbered list, and the formulas in dollar signs below it."""
        lines = [f"**{_plain(self.title)}**", ""]
        for place, (head, said) in enumerate(self._lines(), 1):
            lines.append("  \n   ".join([f"{place}. {_plain(head)}", *map(_plain, said)]))
        lines += ["", *[f"{_plain(note)}  " for note in self.notes], f"$$\n{self.latex}\n$$"]
        return "\n".join(lines) + "\n"

    def _repr_html_(self) -> str:
        return f'<pre style="line-height:1.5">{markup(self)}</pre>'

    @property
    def html(self) -> str:
        """A page of its own, for the screen in the theme that was asked for, and for paper."""
        items = []
        for head, said in self._lines():
            below = "".join([f'<p class="said">{markup(line)}</p>' for line in said])
            items.append(f'<li><p class="head">{markup(head)}</p>{below}</li>\n')
        steps = f"<ol>\n{''.join(items)}</ol>\n" if items else ""
        notes = "".join([f'<p class="note">{markup(note)}</p>\n' for note in self.notes])
        body = f"<main><h1>{markup(self.title)}</h1>\n{steps}{notes}</main>"
        return page_html(self.title, body, None, "stepper", "explanation", self._theme)

    def show(self) -> None:
        """Open the page in a browser.

        Errors: RuntimeError where no browser can be started; it says where the page is.
        """
        open_in_browser(self.html)

    def save(self, path: str | Path) -> Path:
        """Write a .txt, an .html, a .md (Markdown) or a .tex (LaTeX) file, by the ending of its name; return its path.

        Errors: ValueError for any other ending.
        """
        texts = {".txt": f"{self}\n", ".html": self.html, ".md": self.markdown, ".tex": f"\\[\n{self.latex}\n\\]\n"}
        return write_text(path, texts)


class ChainExplanation(Explanation):
    """The chain for one value: the ways from it to the result, and each local derivative on them."""

    def __init__(self, title: str, ways: Sequence[str], slopes: Sequence[tuple[str, str]], notes: Sequence[str],
                 latex: str, theme: str) -> None:  # fmt: skip
        super().__init__(title, (), notes, latex, theme)
        self.ways = tuple(ways)
        self.slopes = tuple(slopes)

    def _lines(self) -> list[tuple[str, list[str]]]:
        along: list[tuple[str, list[str]]] = [(way, []) for way in self.ways]
        return [*along, *[(equation, [f"{why}."] if why else []) for equation, why in self.slopes]]


def _plain(text: str) -> str:
    """The text for Markdown, in which no sign of it means anything."""
    return _MARKDOWN.sub(lambda found: {"&": "&amp;", "<": "&lt;"}.get(found[0], "\\" + found[0]), clean(text))


def explain(value: Value, of: Value | None = None, *, theme: str = "auto") -> Explanation:
    """Every application of the chain rule behind the gradients of `value`, in words; no .grad is changed.

    With a second value, the one chain for it: how `value` changes with `of`, as products of local derivatives along
    the ways that lead from the one to the other. `.markdown` and `.latex` are the same for notebooks and slides, and
    `.show()` and `.save("explained.html")` make a page, whose `theme` is "light", "dark" or "auto": as the reader's
    system has it.

    Errors: TypeError for what is not a Value; ValueError for a node with a hand-written `_backward`, for a second
    value that the first was not computed from, and for an unknown theme.

    >>> from chainrule import Value
    >>> n = Value(0.5, label="n")
    >>> o = n * n; o.label = "o"
    >>> print(explain(o))
    o.grad = 1: o changes exactly as fast as itself.
    n.grad += local derivative × o.grad: 0 + 0.5 × 1 = 0.5
        o = n × n; local derivative through the 1st n = n = 0.5
        The local derivative of a product through one factor is the other factor.
        n is used twice; this is the 1st contribution to its gradient.
    n.grad += local derivative × o.grad: 0.5 + 0.5 × 1 = 1
        o = n × n; local derivative through the 2nd n = n = 0.5
        The local derivative of a product through one factor is the other factor.
        Through the 1st n: 0.5, through the 2nd n: 0.5, together 1.
        n is used twice; this is the 2nd contribution to its gradient, and contributions add up: that is why it is +=.
    >>> x = Value(2.0, label="x"); y = (x * 3.0).tanh(); y.label = "y"
    >>> print(explain(y, x))
    y changes 7.373e−5 times as fast as x: x.grad = 7.373e−5.
    x → v1 → y: 3 × 2.45765e−5 = 7.373e−5
    v1 = x × 3; local derivative through x = 3
        The local derivative of a product through one factor is the other factor.
    y = tanh(v1); local derivative through v1 = 1 − y^2 = 1 − 0.99998771^2 = 2.458e−5
        The slope of tanh is one minus the square of tanh, so it is flat where tanh is near 1 or −1.
    """
    check_choice("theme", theme, THEMES)
    order = values_of(value)
    narrator = Narrator(order, names_as_drawn(order))
    applied = applications(narrator.order)
    if of is not None:
        return _chain(narrator, applied, of, theme)
    steps = [narrator.text(step) for step in applied]
    notes = narrator.notes(gradients_after(applied, narrator.order))
    return Explanation(f"{narrator.seed()}.", steps, notes, sums_as_latex(narrator, applied), theme)


def _chain(narrator: Narrator, applied: Sequence[Application], of: Value, theme: str) -> Explanation:
    order, names, root = narrator.order, narrator.names, narrator.root
    if not isinstance(of, Value):
        raise TypeError(f"explain({root}, …) needs a Value second, got {type(of).__name__} {of!r}")
    start = narrator.number.get(id(of))
    if start is None:
        raise ValueError(f"{root} was not computed from {of.name()}")
    name, found = names[start], chains.chains_of(applied, start, len(order) - 1)
    if not found.count:
        why = "requires_grad is False" if not of.requires_grad or not order[-1].requires_grad else "no way leads back"
        return ChainExplanation(f"Nothing goes back from {root} to {name}: {why}.", [], [], [], "", theme)
    gradient = short(found.gradient)
    pace = {"1": f"changes as fast as {name}", "−1": f"changes as fast as {name}, in the other direction",
            "0": f"does not change with {name}"}  # fmt: skip
    title = f"{root} {pace.get(gradient, f'changes {gradient} times as fast as {name}')}: {name}.grad = {gradient}."
    if start == len(order) - 1:
        title = f"{narrator.seed()}."
    if found.count > 1:
        title = f"{title[:-1]}, the sum over the {found.count:,} ways that lead from {name} to {root}."
    ways = [_way(narrator, path, name) for path in found.paths if path.steps]
    notes = narrator.notes(gradients_after(applied, order))
    if found.count > len(found.paths):
        rest = found.gradient - sum(path.product for path in found.paths)
        notes.insert(0, f"These are the strongest of {found.count:,} ways; all others together bring {short(rest)}.")
    used = {(step.giver, step.argument): step for path in found.paths for step in path.steps}
    slopes = []
    for place in sorted(used):
        text = narrator.text(used[place])
        slopes.append((f"{text.made}; {text.slope}", text.why))
    return ChainExplanation(title, ways, slopes, notes, chain_as_latex(narrator, found, start), theme)


def _way(narrator: Narrator, path: chains.Path, name: str) -> str:
    """x → v1 → y: 3 × 0.5 = 1.5; where a value is used twice in the next one, the arrow says which use it is."""
    way = name
    for step in path.steps:
        arguments = narrator.arguments_of(step.giver)
        use = through(arguments, step.argument)
        told = "" if use == arguments[step.argument] else f" ({use.removeprefix('the ').partition(' ')[0]} use)"
        way += f"{told} → {narrator.names[step.giver]}"
    texts, sign, product = chains.factors(path)
    return f"{way}: {' × '.join(texts)} {sign} {product}" if len(texts) > 1 else f"{way}: {product}"
