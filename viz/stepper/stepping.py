"""steps(): a page that goes through backpropagation, one application of the chain rule at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from chainrule.engine import Value

from ..common.choices import check_choice
from ..common.colours import THEMES, shade_class, shade_of
from ..common.page import page_html
from ..common.picture import Drawing, Page
from ..common.text import markup, short
from ..common.values import value_names, values_of
from ..graph.drawing import drawing_of
from ..graph.scene import scene_of
from .chain_rule import Application, applications
from .explanation import StepText, explain_step, in_brackets

MOST_STEPS = 400
PANEL_HEIGHT = 226.0
BUTTONS = (
    ("first", "to the beginning", "⏮"),
    ("back", "one step back", "◀"),
    ("play", "play or pause", "▶ Play"),
    ("next", "one step on", "▶"),
    ("end", "to the end", "⏭"),
)

Segments = list[tuple[str, str]]  # pieces of a line: CSS class and text


def steps(loss: Value, *, theme: str = "auto") -> Page:
    """A page that steps through the backpropagation of `loss`; no .grad is changed.

    `theme` is "light", "dark" or "auto": as the reader's system has it.

    Errors: ValueError for more than 400 applications of the chain rule, for a node with a hand-written `_backward` and
    for an unknown theme; TypeError for what is not a Value.

    >>> from chainrule import Value
    >>> a = Value(2.0, label="a")
    >>> steps(a * a)
    <Page: v1 = 4, computed from 1 value>
    """
    check_choice("theme", theme, THEMES)
    order = values_of(loss)
    names = value_names(order)
    count = sum([len(value._prev) for value in order])
    if count > MOST_STEPS:
        raise ValueError(
            f"{names[-1]} needs {count:,} applications of the chain rule, too many to step through (at most "
            f"{MOST_STEPS}): step through a part of it, such as one neuron's output, or read explain({names[-1]})"
        )
    applied = applications(order)
    grads = [0.0] * (len(order) - 1) + [1.0]
    for step in applied:
        grads[step.receiver] = step.after
    scene = scene_of(order, names, grads)
    picture = drawing_of(scene, theme, all_shades=True)
    largest = max([abs(grad) for grad in grads if math.isfinite(grad)], default=1.0)
    edges = {(edge.end, edge.argument): number for number, edge in enumerate(scene.edges)}
    number = {id(value): index for index, value in enumerate(order)}
    shown = [_before(names[-1]), _seed(len(order) - 1, names[-1], largest)]
    for step in applied:
        text = explain_step(step, order, names, number)
        shown.append(_step(step, text, names, edges[step.giver, step.argument], largest))
    start = ["0" if value.requires_grad else "—" for value in order]
    data = {"names": names, "start": start, "steps": shown}
    html = page_html(f"Backpropagation of {names[-1]}, step by step", _body(picture), data, "stepper", "stepper", theme)
    return Page(html, picture, PANEL_HEIGHT)


def _before(root: str) -> dict[str, Any]:
    why = [
        ("", "Before backward(), every gradient is 0. It starts at the result, "),
        ("strong", root),
        ("", ", and walks back: each value is reached when all that use it are done."),
    ]
    update = [("strong", "backward()"), ("", " goes from right to left")]
    return {"receiver": None, "giver": None, "edge": None, "update": update, "numbers": [], "why": why}


def _seed(root: int, name: str, largest: float) -> dict[str, Any]:
    why = [("strong", name), ("", " changes exactly as fast as itself: "), ("slope", f"∂{name}/∂{name}"), ("", " = 1.")]
    return {
        "receiver": root,
        "giver": None,
        "edge": None,
        "grad": "1",
        "shade": shade_class(shade_of(1.0, largest)),
        "update": [("strong", name), ("", ".grad = 1")],
        "numbers": [],
        "why": why,
    }


def _step(step: Application, text: StepText, names: Sequence[str], edge: int, largest: float) -> dict[str, Any]:
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
        "shade": shade_class(shade_of(step.after, largest)),
        "update": [
            ("strong", into),
            ("", ".grad += "),
            ("slope", f"∂{out}/∂{into}"),
            ("", " × "),
            ("giver", f"{out}.grad"),
        ],
        "numbers": [
            *earlier,
            ("slope", slope),
            ("", " × "),
            ("giver", in_brackets(step.upstream)),
            ("", " = "),
            (sign, short(step.after)),
        ],
        "why": _sentence(step, text, into),
    }


def _sentence(step: Application, text: StepText, into: str) -> Segments:
    why: Segments = [("", text.made + ". ")]
    if text.why:
        why.append(("", text.why[:1].upper() + text.why[1:] + ": "))
    why += [("slope", text.slope), ("", ".")]
    if step.turn:
        why += [
            ("", " "),
            ("strong", into),
            ("", f" already had gradient {short(step.before)}: it is used more than once, so contributions "),
            ("strong", "add up"),
            ("", " (that is why it is +=)."),
        ]
    return why


def _body(picture: Drawing) -> str:
    buttons = "".join(
        [
            f'<button type="button" id="{name}" aria-label="{label}" title="{label}">{sign}</button>'
            for name, label, sign in BUTTONS
        ]
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
