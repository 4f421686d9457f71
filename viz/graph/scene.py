"""A graph as what is drawn of it: cards, and links between them, as plain data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from chainrule.engine import Value

from ..common.text import badge, expression, full, short
from ..stepper.chain import is_handwritten


@dataclass
class Card:
    """One value, or many folded into one."""

    name: str
    data: str
    grad: str
    strength: float                # the gradient that the tint shows
    detail: str                    # the tooltip
    note: str = ""                 # at the right of the name: the expression
    badge: str = ""                # '' for a leaf
    box: str | None = None         # cards of one box get a frame and this title
    is_root: bool = False
    is_fold: bool = False
    bars: list[float] = field(default_factory=list)


@dataclass
class Link:
    """An argument on its way into a result."""

    start: int
    end: int
    passed: float     # the gradient that goes back along it
    label: str        # × the local derivative; '' where several links are drawn as one
    local: float
    detail: str
    is_open: bool = True  # False where no gradient goes back: requires_grad=False
    argument: int = 0


@dataclass
class Scene:
    """Cards in topological order (the last one is the root) and the links between them."""

    cards: list[Card]
    links: list[Link]
    has_gradients: bool
    title: str


def scene_of(order: Sequence[Value], names: Sequence[str], grads: Sequence[float] | None = None) -> Scene:
    """One card for each value, one link for each argument; `grads` instead of the values' own, if given."""
    shown = [value.grad for value in order] if grads is None else list(grads)
    number = {id(value): index for index, value in enumerate(order)}
    root = names[-1]
    cards: list[Card] = []
    links: list[Link] = []
    for index, value in enumerate(order):
        parents = [number[id(parent)] for parent in value._prev]
        note = expression(value, [names[parent] for parent in parents])
        cards.append(_card(value, names[index], note, shown[index], root))
        for argument, (parent, local) in enumerate(zip(parents, value._local_grads)):
            link = _link(parent, index, argument, local, shown[index], names)
            if is_handwritten(value):
                link.passed, link.label = 0.0, "×?"
                link.detail = f"{names[index]} has a hand-written _backward: only that knows its local derivatives"
            link.is_open = value.requires_grad and order[parent].requires_grad
            links.append(link)
    cards[-1].is_root = True
    count = len(order) - 1
    has_gradients = any(grad != 0.0 for grad in shown)
    title = f"{root} = {short(order[-1].data)}, computed from {count} value{'s' * (count != 1)}"
    return Scene(cards, links, has_gradients, title)


def _card(value: Value, name: str, note: str, grad: float, root: str) -> Card:
    detail = f"{name} = {note}\n" if note else f"{name}\n"
    detail += f"data {full(value.data)}\n"
    if not value.requires_grad:
        detail += "requires_grad=False: no gradient"
        return Card(name, short(value.data), "—", 0.0, detail, note, badge(value))
    detail += f"grad {full(grad)}"
    if math.isfinite(grad) and grad:
        detail += f"\na little more {name}, by ε, moves {root} by {short(grad)} × ε"
    return Card(name, short(value.data), short(grad), grad, detail, note, badge(value))


def _link(start: int, end: int, argument: int, local: float, upstream: float, names: Sequence[str]) -> Link:
    detail = (
        f"∂{names[end]}/∂{names[start]} = {full(local)}\n"
        f"{names[start]}.grad gets {short(local)} × {short(upstream)} = {short(local * upstream)} along this edge"
    )
    return Link(start, end, local * upstream, f"×{short(local, 3)}", local, detail, argument=argument)
