"""steps(): a page that goes through backpropagation, one application of the chain rule at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from chainrule.engine import Value

from ..common.choices import check_choice
from ..common.colours import THEMES, class_of
from ..common.icons import button
from ..common.page import page_html
from ..common.picture import Drawing, Page
from ..common.text import short
from ..common.values import values_of
from ..graph.drawing import drawing_of
from ..graph.scene import scene_of
from .chain_rule import Application, applications, gradients_after
from .narration import LOCAL, Narrator, StepText

MOST_STEPS = 400
PANEL_HEIGHT = 226.0
BUTTONS = (
    button("first", "to the beginning", "first"),
    button("back", "one step back", "back"),
    button("play", "play or pause", "play", "Play", pressed="pause"),
    button("next", "one step on", "next"),
    button("end", "to the end", "last"),
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
    narrator = Narrator(values_of(loss))
    order, names = narrator.order, narrator.names
    count = sum([len(value._prev) for value in order])
    if count > MOST_STEPS:
        raise ValueError(
            f"{names[-1]} needs {count:,} applications of the chain rule, too many to step through (at most "
            f"{MOST_STEPS}): step through a part of it, such as one neuron's output, or read explain({names[-1]})"
        )
    applied = applications(order)
    grads = gradients_after(applied, order)
    scene = scene_of(order, names, grads)
    picture = drawing_of(scene, theme, all_shades=True)
    largest = max([abs(grad) for grad in grads if math.isfinite(grad)], default=1.0)
    edges = {(edge.end, edge.argument): number for number, edge in enumerate(scene.edges)}
    shown = [_before(narrator, grads)]
    if loss.requires_grad:
        shown.append(_seed(len(order) - 1, names[-1], largest))
    for step in applied:
        shown.append(_step(step, narrator.text(step), names, edges[step.giver, step.argument], largest))
    start = ["0" if value.requires_grad else "—" for value in order]
    data = {"names": names, "start": start, "steps": shown}
    html = page_html(
        f"Backpropagation of {names[-1]}, step by step",
        _body(picture),
        data,
        "stepper",
        "stepper",
        theme,
        shape=(picture.width, picture.height),
    )
    return Page(html, picture, PANEL_HEIGHT)


def _before(narrator: Narrator, grads: Sequence[float]) -> dict[str, Any]:
    why = [
        ("", "Before backward(), every gradient is 0. It starts at the result, "),
        ("strong", narrator.root),
        ("", ", and walks back: each value is reached when all that use it are done."),
    ]
    update = [("strong", "backward()"), ("", " goes from right to left")]
    if not narrator.order[-1].requires_grad:
        why, update = [("", narrator.seed() + ".")], [("strong", "backward()"), ("", " does nothing here")]
    why += [("", f" {note}") for note in narrator.notes(grads)]
    return {"receiver": None, "giver": None, "edge": None, "update": update, "numbers": [], "why": why}


def _seed(root: int, name: str, largest: float) -> dict[str, Any]:
    why = [("strong", name), ("", " changes exactly as fast as itself: "), ("slope", f"∂{name}/∂{name}"), ("", " = 1.")]
    return {
        "receiver": root,
        "giver": None,
        "edge": None,
        "grad": "1",
        "shade": class_of(1.0, largest),
        "update": [("strong", name), ("", ".grad = 1")],
        "numbers": [],
        "why": why,
    }


def _step(step: Application, text: StepText, names: Sequence[str], edge: int, largest: float) -> dict[str, Any]:
    out, into = names[step.giver], names[step.receiver]
    before, local, upstream = text.terms
    earlier: Segments = [("", f"{before} + ")] if before else []
    sign = "above" if step.after > 0 else "below" if step.after < 0 else "strong"
    return {
        "receiver": step.receiver,
        "giver": step.giver,
        "edge": edge,
        "grad": short(step.after),
        "shade": class_of(step.after, largest),
        "update": [
            ("strong", into),
            ("", ".grad += "),
            ("slope", LOCAL),
            ("", " × "),
            ("giver", f"{out}.grad"),
        ],
        "numbers": [
            *earlier,
            ("slope", local),
            ("", " × "),
            ("giver", upstream),
            ("", f" {text.sign} "),
            (sign, short(step.after)),
        ],
        "why": _sentence(step, text, into),
    }


def _sentence(step: Application, text: StepText, into: str) -> Segments:
    why: Segments = [("", text.made + ". "), ("slope", text.slope[:1].upper() + text.slope[1:]), ("", ".")]
    why += [("", f" {said}.") for said in (text.why, text.together) if said]
    if step.turn:
        why += [
            ("", " "),
            ("strong", into),
            ("", " is used more than once, so its contributions "),
            ("strong", "add up"),
            ("", f" (that is why it is +=): before this one it had {short(step.before)}."),
        ]
    return why


def _body(picture: Drawing) -> str:
    return (
        f'<section class="foot" id="foot" aria-label="steps"><div class="controls">{"".join(BUTTONS)}'
        '<input type="range" id="slider" min="0" max="0" value="0" step="1" aria-label="step">'
        '<output id="counter" for="slider"></output></div>\n'
        '<div class="panel" aria-live="polite"><div><p class="update" id="update"></p>'
        '<p class="numbers" id="numbers"></p></div><p id="why"></p></div>\n'
        '<p class="keys"><kbd>←</kbd> <kbd>→</kbd> step, <kbd>Home</kbd> <kbd>End</kbd>, <kbd>space</kbd> to play; '
        "a click on a card goes to its step; <kbd>+</kbd> <kbd>−</kbd> <kbd>0</kbd> size of the picture</p></section>\n"
        + picture.view
    )
