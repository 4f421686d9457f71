"""steps(): a page that goes through a computation, its backpropagation and an update, one step at a time."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import partial

from chainrule.engine import Value

from ..common.choices import check_choice
from ..common.colours import THEMES
from ..common.icons import button
from ..common.page import page_html
from ..common.picture import Drawing, Page
from ..common.text import clean
from ..common.tints import tint_rules
from ..common.values import values_of
from ..graph.drawing import FOLDS, drawing_of
from ..graph.folding import choose_fold, folded_scene, units_of
from ..graph.scene import scene_of
from .acts import Acts, grouped, names_by_sight
from .chain_rule import applications, gradients_after
from .film import walk
from .narration import Narrator
from .one_example import passed_over, said_of
from .updating import checked_learning_rate, moves, parameters_among, said_of_moves

MOST_STEPS = 20_000  # a page of more takes seconds to open
PANEL_HEIGHT, OPENED_HEIGHT = 262.0, 260.0
ACTS = (("act0", "Forward", "to the first step of the forward pass"),
        ("act1", "Backward", "to the first step of the backward pass"),
        ("act2", "Update", "to the first step of the update"))  # fmt: skip
BUTTONS = (
    button("first", "to the beginning", "first"),
    button("back", "one step back", "back"),
    button("play", "play or pause", "play", "Play", pressed="pause"),
    button("next", "one step on", "next"),
    button("end", "to the end", "last"),
)


def steps(
    loss: Value,
    *,
    learning_rate: float | None = 0.1,
    parameters: Iterable[Value] | None = None,
    example: int | None = None,
    fold: str = "auto",
    theme: str = "auto",
) -> Page:
    """A page that steps through `loss` in three acts: forward, backward, and an update; nothing is changed.

    Forward, each value is computed from its arguments. Backward, each argument gets its local derivative times the
    upstream gradient. In the update each parameter moves by -learning_rate × its gradient, and `loss` is computed anew.
    The `parameters` are those of the neurons; where there are none, all leaves, but for those named as data (x, x1, y,
    target) beside others named as weights (w, w1, b). learning_rate=None leaves the update out. `example` is that of
    `draw`: of a loss over many examples one is gone through, and what the others bring to the gradients is one step.
    `fold` is that of `draw`, too: of a folded picture, the card at work is opened beside it. `theme` is "light", "dark"
    or "auto": as the reader's system has it. The address of the page takes a step: ?step=6. `.save("walk.svg",
    animated=True)` writes the backward act as a picture that moves by itself.

    Errors: ValueError for more than 20,000 applications of the chain rule, for a node with a hand-written `_backward`,
    for a learning rate that is not positive, for a parameter that cannot move, for an example that there is not, for
    an unknown fold or theme; TypeError for what is not a Value.

    >>> from chainrule import Value
    >>> a = Value(2.0, label="a")
    >>> steps(a * a)
    <Page: v1 = 4, computed from 1 value>
    """
    check_choice("theme", theme, THEMES)
    check_choice("fold", fold, FOLDS)
    rate = checked_learning_rate(learning_rate)
    order = values_of(loss)
    number = {id(value): index for index, value in enumerate(order)}
    parents = [[number[id(parent)] for parent in value._prev] for value in order]
    grads = gradients_after(applications(order), order)
    units = units_of(order)
    by = choose_fold(units) if fold == "auto" else fold
    over: set[int] = set()  # what belongs to other examples
    if by == "none" and example is None:
        narrator = Narrator(order)
        scene = scene_of(order, narrator.names, grads)
    else:
        scene = folded_scene(order, None, units, by, grads=grads, example=example)
        over = set() if example is None else passed_over(parents, scene)
        narrator = Narrator(order, names_by_sight(order, parents, scene, over))
        scene = folded_scene(order, narrator.names, units, by, grads=grads, example=example)
    _check_size(sum([len(own) for index, own in enumerate(parents) if index not in over]), loss, bool(scene.left_out))
    groups = grouped(narrator, parents, scene, over)
    applied = applications(order, [index for group in groups for index in group])
    grads = gradients_after(applied, order)
    acts = Acts(narrator, parents, scene, groups, [unit[1] if unit else "" for unit in units], over)
    largest = max([abs(grad) for grad in grads if math.isfinite(grad)], default=1.0)
    said, others = said_of(scene) if over else ("", 0)
    # The sentence about nan and inf stands in the picture, which shows it no sooner than the first of them.
    shown = [["start", [said] * bool(said) + narrator.notes()], *acts.forward()]
    stays = ""
    if loss.requires_grad:
        shown += acts.backward(applied, largest)
        if rate is not None:
            which = parameters_among(order, [unit is not None for unit in units], parameters)
            shown += acts.update(moves(order, grads, which, rate))
            stays = said_of_moves(order, narrator.names, which, parameters is not None)
    acts.keep_room(shown)
    picture = drawing_of(scene, theme, all_shades=True)
    data = {
        **acts.page_data(),
        "steps": shown,
        "others": others,
        "stays": stays,
        "why_none": "" if loss.requires_grad else narrator.seed(),
    }
    body = _body(picture, has_lines := bool(data["groups"]), any(units), theme)
    title, shape = f"{narrator.root}, step by step", (picture.width, picture.height)
    html = page_html(title, body, data, "stepper", "stepper", theme, shape=shape)
    return Page(html, picture, PANEL_HEIGHT + OPENED_HEIGHT * has_lines, partial(walk, loss, theme=theme))


def _check_size(count: int, loss: Value, is_over_examples: bool) -> None:
    if count > MOST_STEPS:
        name = clean(loss.label) or "result"
        one = "one of its examples, steps(loss, example=0)" if is_over_examples else "the loss of one example"
        raise ValueError(
            f"{name} needs {count:,} applications of the chain rule, too many to step through (at most "
            f"{MOST_STEPS:,}): step through {one}, or through one neuron's output, or ask explain({name}, w) for "
            "one value"
        )


def _body(picture: Drawing, has_lines: bool, has_neurons: bool, theme: str) -> str:
    tabs = "".join(
        [
            f'<button type="button" id="{name}" aria-label="{label}" title="{label}"><b>{number}</b> {text}</button>'
            for number, (name, text, label) in enumerate(ACTS, 1)
        ]
    )
    skip = "next neuron" if has_neurons else "next value"
    group = button("skip", f"to the {skip} (N)", "skip", skip)
    opened = '<section class="opened" id="opened" aria-label="the card at work, opened"></section>\n'
    return (
        f"<style>{tint_rules('.cell', theme)}</style>\n"
        f'<section class="foot" aria-label="steps"><div class="controls"><span class="acts" role="group" '
        f'aria-label="acts">{tabs}</span>{"".join(BUTTONS[:4])}{group}{BUTTONS[4]}'
        '<input type="range" id="slider" min="0" max="0" value="0" step="1" aria-label="step">'
        '<output id="counter" for="slider"></output></div>\n'
        '<div class="panel" aria-live="polite"><div><p class="update" id="update"></p>'
        '<p class="numbers" id="numbers"></p></div><p id="why"></p></div>\n'
        '<p class="keys"><kbd>←</kbd> <kbd>→</kbd> step, <kbd>N</kbd> '
        f"{skip}, <kbd>Home</kbd> <kbd>End</kbd>, <kbd>space</kbd> to play; a click on a card goes to its step; "
        "<kbd>+</kbd> <kbd>−</kbd> <kbd>0</kbd> size of the picture</p></section>\n"
        f'{picture.view}{opened if has_lines else ""}<ol class="printed" id="printed" hidden></ol>'
    )
