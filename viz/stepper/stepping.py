"""steps(): backpropagation as a page that goes through it one application of the chain rule at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from chainrule.engine import Value

from ..common.colours import level, shade_class
from ..common.page import page
from ..common.picture import SCROLL_BAR, SMALLEST_SCALE, Drawing, Shown
from ..common.text import markup, short, value_names
from ..graph.drawing import drawing_of
from ..graph.scene import scene_of
from .chain import Application, applications, values_of
from .words import Line, explain_step, in_brackets

MOST_STEPS = 400
PANEL_HEIGHT = 226.0
BUTTONS = (
    ("first", "to the beginning", "⏮"),
    ("back", "one step back", "◀"),
    ("play", "play or pause", "▶ Play"),
    ("next", "one step on", "▶"),
    ("end", "to the end", "⏭"),
)

Segments = list[tuple[str, str]]  # CSS class and text


class Page(Shown):
    """A page with a picture in it; .save() writes the page (.html) or its picture (.svg)."""

    def __init__(self, html: str, picture: Drawing, panel_height: float) -> None:
        self._html = html
        self._picture = picture
        self._panel_height = panel_height
        self.width = picture.width
        self.height = picture.height
        self.title = picture.title

    @property
    def svg(self) -> str:
        return self._picture.svg

    @property
    def html(self) -> str:
        return self._html

    @property
    def frame(self) -> str:
        """As high as the picture is when it has shrunk to the frame's width, and the panel below it."""
        whole, panel = self.height, self._panel_height
        shrunk = f"clamp({whole * SMALLEST_SCALE + SCROLL_BAR:.0f}px,{100 * whole / self.width:.2f}cqw,{whole:.0f}px)"
        # A browser that knows no container's width takes the first height.
        return f"width:100%;height:{whole + panel:.0f}px;height:calc({shrunk} + {panel:.0f}px)"

    def _repr_html_(self) -> str:
        return f'<div style="width:100%;container-type:inline-size">{super()._repr_html_()}</div>'

    def __str__(self) -> str:
        return self._html


def steps(loss: Value, *, theme: str = "auto") -> Page:
    """A page that steps through the backpropagation of `loss`; nobody's .grad is touched.

    Errors: ValueError for more than 400 applications of the chain rule, or for a node with a hand-written `_backward`.

    >>> from chainrule import Value
    >>> a = Value(2.0, label="a")
    >>> steps(a * a)
    <Page: v1 = 4, computed from 1 value>
    """
    order = values_of(loss)
    names = value_names(order)
    links = sum([len(value._prev) for value in order])
    if links > MOST_STEPS:
        raise ValueError(
            f"{names[-1]} needs {links:,} applications of the chain rule, too many to step through (at most "
            f"{MOST_STEPS}): step through a part of it, such as one neuron's output, or read explain({names[-1]})"
        )
    applied = applications(order)
    grads = [0.0] * (len(order) - 1) + [1.0]
    for step in applied:
        grads[step.receiver] = step.after
    scene = scene_of(order, names, grads)
    picture = drawing_of(scene, theme, all_shades=True)
    largest = max([abs(grad) for grad in grads if math.isfinite(grad)], default=1.0)
    edges = {(link.end, link.argument): number for number, link in enumerate(scene.links)}
    number = {id(value): index for index, value in enumerate(order)}
    told = [_before(names[-1]), _seed(len(order) - 1, names[-1], largest)]
    for step in applied:
        words = explain_step(step, order, names, number)
        told.append(_step(step, words, names, edges[step.giver, step.argument], largest))
    start = ["0" if value.requires_grad else "—" for value in order]
    data = {"names": names, "start": start, "steps": told}
    html = page(f"Backpropagation of {names[-1]}, step by step", _body(picture), data, "stepper", "stepper", theme)
    return Page(html, picture, PANEL_HEIGHT)


def _before(root: str) -> dict[str, Any]:
    why = [("", "Before backward(), every gradient is 0. It starts at the result, "), ("strong", root),
           ("", ", and walks back: each value is reached when all that use it are done.")]
    update = [("strong", "backward()"), ("", " goes from right to left")]
    return {"receiver": None, "giver": None, "edge": None, "update": update, "numbers": [], "why": why}


def _seed(root: int, name: str, largest: float) -> dict[str, Any]:
    why = [("strong", name), ("", " changes exactly as fast as itself: "), ("slope", f"∂{name}/∂{name}"), ("", " = 1.")]
    return {
        "receiver": root, "giver": None, "edge": None, "grad": "1", "shade": shade_class(level(1.0, largest)),
        "update": [("strong", name), ("", ".grad = 1")], "numbers": [], "why": why,
    }


def _step(step: Application, words: Line, names: Sequence[str], edge: int, largest: float) -> dict[str, Any]:
    out, into = names[step.giver], names[step.receiver]
    slope = short(step.local)
    earlier: Segments = [("", f"{short(step.before)} + ")] if step.turn else []
    if step.turn:
        slope = in_brackets(step.local)
    sign = "above" if step.after > 0 else "below" if step.after < 0 else "strong"
    return {
        "receiver": step.receiver,
        "giver": step.giver,
        "edge": edge,
        "grad": short(step.after),
        "shade": shade_class(level(step.after, largest)),
        "update": [("strong", into), ("", ".grad += "), ("slope", f"∂{out}/∂{into}"), ("", " × "),
                   ("giver", f"{out}.grad")],
        "numbers": [*earlier, ("slope", slope), ("", " × "), ("giver", in_brackets(step.upstream)), ("", " = "),
                    (sign, short(step.after))],
        "why": _sentence(step, words, into),
    }


def _sentence(step: Application, words: Line, into: str) -> Segments:
    why: Segments = [("", words.made + ". ")]
    if words.why:
        why.append(("", words.why[:1].upper() + words.why[1:] + ": "))
    why += [("slope", words.slope), ("", ".")]
    if step.turn:
        why += [("", " "), ("strong", into), ("", f" already had gradient {short(step.before)}: it is used more than "
                "once, so contributions "), ("strong", "add up"), ("", " (that is why it is +=).")]
    return why


def _body(picture: Drawing) -> str:
    buttons = "".join(
        [f'<button type="button" id="{name}" aria-label="{label}" title="{label}">{sign}</button>'
         for name, label, sign in BUTTONS]
    )
    return (
        f'<main class="drawing" id="drawing" tabindex="-1" aria-label="{markup(picture.title)}">'
        f"{picture.shrinking_svg}</main>\n"
        f'<section class="foot" id="foot" aria-label="steps"><div class="controls">{buttons}'
        '<input type="range" id="slider" min="0" max="0" value="0" step="1" aria-label="step">'
        '<output id="counter" for="slider"></output></div>\n'
        '<div class="panel" aria-live="polite"><div><p class="update" id="update"></p>'
        '<p class="numbers" id="numbers"></p></div><p id="why"></p></div>\n'
        '<p class="keys"><kbd>←</kbd> <kbd>→</kbd> step, <kbd>Home</kbd> <kbd>End</kbd>, <kbd>space</kbd> to play; '
        "a click on a card goes to its step</p></section>"
    )
