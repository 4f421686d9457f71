"""worksheet(): a computation for paper, with blanks to fill in, and its key on a page of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from chainrule.engine import Value

from ..common.choices import check_kind
from ..common.formulas import read
from ..common.page import page_html
from ..common.saving import open_in_browser, write_text
from ..common.text import markup, short
from ..common.values import through, values_of
from ..graph.drawing import drawing_of
from ..graph.folding import names_as_drawn
from ..graph.scene import Scene, scene_of
from .chain_rule import applications, gradients_after
from .narration import LOCAL, Narrator

BLANK = "______"
MOST_LINES = 200
GIVEN = 6  # digits of a leaf: with four, as in a picture, many a line of the key would not follow from what is given
MOST_CARDS = 30  # of the picture; a larger one cannot be read on paper
Part = tuple[str, list[str]]  # its title and its lines


class Worksheet:
    """A sheet and its key, each with a picture and two parts; str() is the text of both, .html the pages to print."""

    def __init__(self, title: str, given: str, parts: Sequence[Part], key: Sequence[Part], pictures: Sequence[str],
                 notes: Sequence[str]) -> None:  # fmt: skip
        self.title, self.given = title, given
        self.parts, self.key, self.notes = tuple(parts), tuple(key), tuple(notes)
        self._pictures = pictures

    def __str__(self) -> str:
        return f"{_text(self.title, self.given, self.parts, self.notes)}\n\n{_text('Key', '', self.key, ())}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f'<pre style="line-height:1.5">{markup(self)}</pre>'

    @property
    def html(self) -> str:
        """A page for the sheet, on which nothing is answered, and one for the key: print it, or make a PDF of it."""
        empty, full = self._pictures or ("", "")
        said = "".join([f"<p>{markup(line)}</p>" for line in (self.given, *self.notes)])
        name = '<p class="name">Name: <span></span> &emsp; Date: <span></span></p>'
        sheet = f"<section><h1>{markup(self.title)}</h1>{name}{empty}{said}{_lists(self.parts)}</section>"
        key = f'<section class="key"><h1>Key</h1>{full}{_lists(self.key)}</section>'
        return page_html(self.title, f"<main>{sheet}\n{key}</main>", None, "stepper", "worksheet", "light")

    def show(self) -> None:
        """Open the page in a browser.

        Errors: RuntimeError where no browser can be started; it says where the page is.
        """
        open_in_browser(self.html)

    def save(self, path: str | Path) -> Path:
        """Write a .txt or an .html file, by the ending of its name; return its path.

        Errors: ValueError for any other ending.
        """
        return write_text(path, {".txt": f"{self}\n", ".html": self.html})


def worksheet(value: Value, *, title: str = "The chain rule by hand") -> Worksheet:
    """The computation of `value` and its backpropagation, for paper: blanks to fill in, and the key on another page.

    The leaves are given, to six digits; each number that follows from them is asked for, and none is told by a later
    line.
    No .grad is changed. Print the page that `.save("sheet.html")` writes; `str()` is the same as text.

    Errors: TypeError for what is not a Value; ValueError for more than 200 lines, for a node with a hand-written
    `_backward`, and for data that changed after the forward pass, for which the key would be wrong.

    >>> from chainrule import Value
    >>> a, b = Value(3.0, label="a"), Value(-2.0, label="b")
    >>> y = a * b + a; y.label = "y"
    >>> print(worksheet(y))
    The chain rule by hand
    Given: a = 3, b = −2.
    Forward: compute each value
      1. v1 = a × b = ______
      2. y = v1 + a = ______
    Backward: local derivative × upstream gradient, added up. y.grad = 1: y changes exactly as fast as itself
      1. y through v1: local derivative ______ × y.grad ______, so v1.grad is now ______
      2. y through a: local derivative ______ × y.grad ______, so a.grad is now ______
      3. v1 through a: local derivative ______ × v1.grad ______, so a.grad is now ______
      4. v1 through b: local derivative ______ × v1.grad ______, so b.grad is now ______
    <BLANKLINE>
    Key
    Forward: compute each value
      1. v1 = a × b: 3 × (−2) = −6
      2. y = v1 + a: −6 + 3 = −3
    Backward: local derivative × upstream gradient, added up. y.grad = 1: y changes exactly as fast as itself
      1. v1.grad: 0 + 1 × 1 = 1
      2. a.grad: 0 + 1 × 1 = 1
      3. a.grad: 1 + (−2) × 1 = −1
      4. b.grad: 0 + 3 × 1 = 3
    """
    check_kind("title", title, isinstance(title, str), "a text")
    order = values_of(value)
    narrator = Narrator(order, names_as_drawn(order))
    applied, names = applications(order), narrator.names
    if any(narrator.found.stale):
        which, root = names[narrator.found.stale.index(True)], names[-1]
        raise ValueError(f"{which} is stale: data changed after the forward pass; call {root}.refresh() first")
    made = [index for index, one in enumerate(order) if one.operation]
    if (count := len(made) + len(applied)) > MOST_LINES:
        raise ValueError(f"a worksheet of {names[-1]} would have {count:,} lines to fill in by hand, and {MOST_LINES} "
                         "are the most: take a smaller model, or one neuron of it")  # fmt: skip
    asked, told = [], []
    for step in applied:
        giver, into = names[step.giver], f"{names[step.receiver]}.grad"
        way = f"{giver} through {through(narrator.arguments_of(step.giver), step.argument)}"
        asked.append(f"{way}: {LOCAL} {BLANK} × {giver}.grad {BLANK}, so {into} is now {BLANK}")
        told.append(f"{into}: {narrator.text(step).numbers}")
    computed = [narrator.computed(index) for index in made]
    forward = "Forward: compute each value"
    backward = f"Backward: {LOCAL} × upstream gradient, added up. {narrator.seed()}"
    parts = [(forward, [f"{formula} = {BLANK}" for formula, _ in computed]), (backward, asked)]
    key = [(forward, [f"{formula}: {numbers}" for formula, numbers in computed]), (backward, told)]
    given = ", ".join([_given(name, one.data) for name, one in zip(names, order) if not one.operation])
    grads = gradients_after(applied, order)
    pictures = []
    if len(order) <= MOST_CARDS:
        scenes = [scene_of(order, names, grads) for _ in range(2)]
        _empty(scenes[0], order)
        pictures = [drawing_of(scene, "light").in_text for scene in scenes]
    return Worksheet(title, f"Given: {given}.", parts, key, pictures, narrator.frozen())


def _given(name: str, data: float) -> str:
    printed = short(data, GIVEN)
    return f"{name} {'=' if read(printed) == data else '≈'} {printed}"


def _empty(scene: Scene, order: Sequence[Value]) -> None:
    """Leave out what the sheet asks for, and keep what is given: the data of the leaves."""
    scene.title, scene.has_gradients, scene.notices = "the computation, with blanks", False, []
    for card, value in zip(scene.cards, order):
        card.data = "" if value.operation else short(value.data, GIVEN)
        card.grad, card.strength, card.detail = "", 0.0, card.name
    for edge in scene.edges:
        edge.label, edge.passed, edge.local, edge.detail = "", 0.0, 0.0, ""


def _text(title: str, given: str, parts: Sequence[Part], notes: Sequence[str]) -> str:
    lines = [title, *([given] if given else []), *notes]
    for head, said in parts:
        lines += [head, *[f"{number:>3}. {line}" for number, line in enumerate(said, 1)]]
    return "\n".join(lines)


def _lists(parts: Sequence[Part]) -> str:
    return "".join(
        f"<h2>{markup(head)}</h2>\n<ol>{''.join([f'<li>{_blanks(markup(line))}</li>' for line in said])}</ol>"
        for head, said in parts
    )


def _blanks(line: str) -> str:
    return line.replace(BLANK, '<span class="blank"></span>')
