"""What is to be drawn of a graph, as plain data: cards, and the edges between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from chainrule.engine import Value

from ..common.text import full, short
from ..common.values import badge_text, expression_of, is_handwritten


@dataclass
class Card:
    """One value, or many values folded into one."""

    name: str
    data: str
    grad: str
    strength: float  # the gradient that the tint shows
    detail: str  # the tooltip
    note: str = ""  # what stands at the right of the name: the expression
    badge: str = ""  # '' for a leaf
    box: str | None = None  # the cards of one box stand in a frame that has this title
    is_root: bool = False
    is_fold: bool = False
    bars: list[float] = field(default_factory=list)


@dataclass
class Edge:
    """An argument on its way into a result; `start` and `end` are the numbers of their cards."""

    start: int
    end: int
    passed: float  # the gradient that goes back along the edge
    label: str  # × the local derivative; '' where several edges are drawn as one
    local: float  # the local derivative
    detail: str  # the tooltip
    is_open: bool = True  # False where no gradient goes back: requires_grad=False
    argument: int = 0  # which argument of its result it is


@dataclass
class Scene:
    """Cards in topological order (the last one is the root) and the edges between them."""

    cards: list[Card]
    edges: list[Edge]
    has_gradients: bool
    title: str


def scene_of(order: Sequence[Value], names: Sequence[str], grads: Sequence[float] | None = None) -> Scene:
    """One card for each value and one edge for each argument; `grads` replace the values' own gradients, if given."""
    shown = [value.grad for value in order] if grads is None else list(grads)
    number = {id(value): index for index, value in enumerate(order)}
    root = names[-1]
    cards: list[Card] = []
    edges: list[Edge] = []
    for index, value in enumerate(order):
        parents = [number[id(parent)] for parent in value._prev]
        note = expression_of(value, [names[parent] for parent in parents])
        cards.append(_card(value, names[index], note, shown[index], root))
        for argument, (parent, local) in enumerate(zip(parents, value._local_grads)):
            edge = _edge(parent, index, argument, local, shown[index], names)
            if is_handwritten(value):
                edge.passed, edge.label = 0.0, "×?"
                edge.detail = f"{names[index]} has a hand-written _backward: only that knows its local derivatives"
            edge.is_open = value.requires_grad and order[parent].requires_grad
            edges.append(edge)
    cards[-1].is_root = True
    count = len(order) - 1
    has_gradients = any(grad != 0.0 for grad in shown)
    title = f"{root} = {short(order[-1].data)}, computed from {count} value{'s' * (count != 1)}"
    return Scene(cards, edges, has_gradients, title)


def _card(value: Value, name: str, note: str, grad: float, root: str) -> Card:
    detail = f"{name} = {note}\n" if note else f"{name}\n"
    detail += f"data {full(value.data)}\n"
    if not value.requires_grad:
        detail += "requires_grad=False: no gradient"
        return Card(name, short(value.data), "—", 0.0, detail, note, badge_text(value))
    detail += f"grad {full(grad)}"
    if math.isfinite(grad) and grad:
        detail += f"\na little more {name}, by ε, moves {root} by {short(grad)} × ε"
    return Card(name, short(value.data), short(grad), grad, detail, note, badge_text(value))


def _edge(start: int, end: int, argument: int, local: float, upstream: float, names: Sequence[str]) -> Edge:
    detail = (
        f"∂{names[end]}/∂{names[start]} = {full(local)}\n"
        f"{names[start]}.grad gets {short(local)} × {short(upstream)} = {short(local * upstream)} along this edge"
    )
    return Edge(start, end, local * upstream, f"×{short(local, 3)}", local, detail, argument=argument)
