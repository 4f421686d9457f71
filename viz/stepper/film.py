"""`walk`: the backward walk as a picture that moves by itself, for slides and web pages; no script runs in it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chainrule.engine import Application, Value, applications

from ..common.choices import check_choice, positive_number
from ..common.colours import DARK, LIGHT, THEMES, Theme
from ..common.formulas import product
from ..common.picture import Drawing
from ..common.svg import drawing_id
from ..common.text import markup, short, shortened
from ..common.values import value_names, values_of
from ..graph.drawing import drawing_of
from ..graph.scene import scene_of

MOST_STEPS = 60  # a longer film nobody looks at
CAPTION = 46.0
REST = 2  # steps for which the end is shown


def walk(loss: Value, *, seconds: float = 1.6, theme: str = "auto") -> Drawing:
    """An animated SVG of the backpropagation of `loss`: each step shows one application of the chain rule.

    `seconds` is how long a step takes. Readers who want no motion see the end. `.save("walk.svg")` writes it, as
    `steps(loss).save("walk.svg", animated=True)` does.

    Errors: ValueError for more than 60 applications, or seconds that are not positive; TypeError for what is no number.

    >>> from chainrule import Value
    >>> a = Value(3.0, label="a")
    >>> walk(a * a)
    <Drawing: v1 = 9, computed from 1 value>
    """
    check_choice("theme", theme, THEMES)
    seconds = positive_number("seconds", seconds, "1.6")
    order = values_of(loss)
    names, applied = value_names(order), list(applications(loss))
    if len(applied) > MOST_STEPS:
        raise ValueError(
            f"{names[-1]} needs {len(applied)} applications of the chain rule, and a film has at most {MOST_STEPS}: "
            "take a part of it, such as one neuron's output"
        )
    index = {id(value): i for i, value in enumerate(order)}
    grads = [0.0] * (len(order) - 1) + [1.0]
    for one in applied:
        grads[index[id(one.argument)]] = one.after
    scene = scene_of(order, names, grads)
    picture = drawing_of(scene, theme, all_shades=True)
    film = _Film(len(applied) + 1 + REST, seconds, drawing_id(picture.svg))
    svg = picture.svg.replace(re.findall(r'id="([\w-]+)"', picture.svg)[0], film.name)
    edges = {(edge.end, edge.argument): number for number, edge in enumerate(scene.edges)}
    texts: dict[int, list[tuple[int, str]]] = {len(order) - 1: [(0, "1")]}
    lines = [f"{names[-1]}.grad = 1: it changes exactly as fast as itself"]
    for step, one in enumerate(applied, start=1):
        giver, receiver = index[id(one.node)], index[id(one.argument)]
        texts.setdefault(receiver, [(0, "0")]).append((step, short(one.after)))
        lines.append(_line(one, names[giver], names[receiver]))
        svg = _lit(svg, f'data-card="{receiver}"', "rim", "receives", step, film)
        svg = _lit(svg, f'data-card="{giver}"', "rim", "gives", step, film)
        place = [i for i, a in enumerate(one.node.arguments) if isinstance(a, Value)].index(one.place)
        svg = _lit(svg, f'data-edge="{edges[giver, place]}"', "line", "receives", step, film)
        svg = _with_width(svg, edges[giver, place], step, film)
    for card, shown in texts.items():
        svg = _with_class(svg, card, film.shown(shown[min(1, len(shown) - 1)][0], film.steps))
        svg = _with_texts(svg, card, shown, film)
    return _finished(svg, picture, film, lines, theme)


class _Film:
    """When each part of the picture is seen: style rules, with one @keyframes for each time."""

    def __init__(self, steps: int, seconds: float, name: str) -> None:
        self.steps, self.length, self.name = steps, steps * seconds, f"{name}-walk"
        self.rules: list[str] = []

    def shown(self, start: int, end: int) -> str:
        """The class of what is seen from the beginning of a step until the end of another."""
        kind = f"t{start}-{end}"
        frames = [(0, 0 if start else 1), (start, 1)] + ([(end, 0)] if end < self.steps else [])
        self._rule(f".{kind}", kind, "opacity", [(at, str(number)) for at, number in dict(frames).items()])
        return kind

    def _rule(self, selector: str, kind: str, what: str, frames: Sequence[tuple[int, str]]) -> None:
        name = f"{self.name}-{kind}"
        inside = "".join([f"{100 * at / self.steps:.3f}%{{{what}:{number}}}" for at, number in frames])
        rule = f"@keyframes {name}{{{inside}}}\n#{self.name} {selector}{{{self._animation(name)}}}\n"
        if rule not in self.rules:
            self.rules.append(rule)

    def _animation(self, name: str) -> str:
        return f"animation:{name} {self.length:.2f}s step-end infinite"


def _line(one: Application, giver: str, receiver: str) -> str:
    """What a step says, in words and in numbers."""
    texts, sign, result = product(one.before, one.local_derivative, one.upstream, one.after)
    before, local, upstream = texts
    return f"{receiver}.grad += local derivative × {giver}.grad:  {before or 0} + {local} × {upstream} {sign} {result}"


def _lit(svg: str, where: str, kind: str, role: str, step: int, film: _Film) -> str:
    """The rim of a card, or the line of an edge, once more in the colour of its role, for one step."""
    found = re.compile(rf'<(\w+) class="{kind}"([^>]*)/>').search(svg, svg.index(where))
    if found is None:
        return svg
    again = f'<{found[1]} class="lit {role} {film.shown(step, step + 1)} past"{found[2]}/>'
    return svg[: found.end()] + again + svg[found.end() :]


def _with_class(svg: str, card: int, kind: str) -> str:
    """The tint of a card, from the step on in which it gets its gradient."""
    begin = svg.index(f'data-card="{card}"')
    end = svg.index("</g>", begin)
    return svg[:begin] + svg[begin:end].replace('class="tint ', f'class="{kind} tint ', 1) + svg[end:]


def _with_width(svg: str, edge: int, step: int, film: _Film) -> str:
    """The colour and the width of an edge, from the step on that passes a gradient along it; before, it is thin."""
    begin = svg.rindex("<g ", 0, svg.index(f'data-edge="{edge}"'))
    end = svg.index("</g>", begin)
    group = svg[begin:end]
    thin = "".join(re.findall(r'<path class="(?:line|tip)"[^>]*/>', group))
    wide = group.replace('class="edge ', f'class="{film.shown(step, film.steps)} edge ', 1)
    return f'{svg[:begin]}<g class="edge z {film.shown(0, step)} past">{thin}</g>\n{wide}{svg[end:]}'


def _with_texts(svg: str, card: int, shown: list[tuple[int, str]], film: _Film) -> str:
    """The gradient of a card as several texts, each of which is seen in its time; the last one stays without motion."""
    ends = [start for start, _ in shown[1:]] + [film.steps]
    begin = svg.index(f'data-card="{card}"')
    found = re.compile(r'<text class="(number grad[^"]*)"([^>]*)>([^<]*)</text>').search(svg, begin)
    if found is None:
        return svg
    texts = []
    for (start, text), end in zip(shown, ends):
        last = "" if end == film.steps else " past"
        texts.append(f'<text class="{found[1]} {film.shown(start, end)}{last}"{found[2]}>{text}</text>')
    return svg[: found.start()] + "".join(texts) + svg[found.end() :]


def _finished(svg: str, picture: Drawing, film: _Film, lines: Sequence[str], theme: str) -> Drawing:
    """The picture with the captions below it, and the style that moves it."""
    width, height = picture.width, picture.height
    captions = []
    for step, line in enumerate(lines):
        last = step == len(lines) - 1
        kind = film.shown(step, film.steps if last else step + 1)
        fitting = markup(shortened(line, width - 32, 15))
        kinds = f"caption {kind}{'' if last else ' past'}"
        captions.append(f'<text class="{kinds}" x="16" y="{height + 24:.0f}">{fitting}</text>')

    def colours(of: Theme) -> str:
        return f"#{film.name}{{--receives:{of.receiver};--gives:{of.giver}}}\n#{film.name} .caption{{fill:{of.ink}}}\n"

    still = f"#{film.name} *{{animation:none!important}}\n#{film.name} .past{{opacity:0}}"
    still = f"@media (prefers-reduced-motion:reduce){{{still}}}\n"
    style = colours(DARK if theme == "dark" else LIGHT) + "".join(film.rules) + still
    style += f"@media (prefers-color-scheme:dark){{{colours(DARK)}}}\n" if theme == "auto" else ""
    style += f"#{film.name} .caption{{font-size:15px}}\n#{film.name} .lit{{fill:none;stroke-width:4.5px}}\n"
    style += "".join([f"#{film.name} .{role}{{stroke:var(--{role})}}\n" for role in ("receives", "gives")])
    whole = height + CAPTION
    svg = svg.replace(f"{width:.0f} {height:.0f}", f"{width:.0f} {whole:.0f}", 1)
    svg = svg.replace(f'height="{height:.0f}"', f'height="{whole:.0f}"', 1)
    paper = '<rect class="paper" width="100%" height="100%"/>'
    svg = svg.replace("</style>", f"{style}</style>\n{paper}", 1)
    svg = svg.removesuffix("</svg>\n") + "\n".join(captions) + "\n</svg>\n"
    return Drawing(svg, width, whole, picture.title, theme)
