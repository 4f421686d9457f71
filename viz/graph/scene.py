"""What is to be drawn of a graph, as plain data: cards, and the edges between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from chainrule.engine import Value

from ..common.checks import left_over_text, look_at, notices
from ..common.formulas import product
from ..common.text import full, short
from ..common.values import badge_text, expression_of, is_handwritten, through


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
    layer: str = ""  # of folded values; the bars of one layer share a scale
    bars: list[float] = field(default_factory=list)
    is_stale: bool = False  # data changed after it was computed
    is_left_over: bool = False  # its gradient is another one than its edges bring
    has_odd_data: bool = False  # nan or inf
    members: tuple[int, ...] = ()  # the numbers of its values in topological order; pages that go through them ask


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
    notices: list[str] = field(default_factory=list)  # sentences that a reader of the whole picture needs

    @property
    def card_of(self) -> list[tuple[int, int | None]]:
        """The card, and its row if it has rows, of each value."""
        found = {index: (number, None) for number, card in enumerate(self.cards) for index in card.members}
        return [found[index] for index in range(len(found))]


def scene_of(order: Sequence[Value], names: Sequence[str], grads: Sequence[float] | None = None) -> Scene:
    """One card for each value and one edge for each argument; `grads` replace the values' own gradients, if given."""
    shown = [value.grad for value in order] if grads is None else list(grads)
    number = {id(value): index for index, value in enumerate(order)}
    root = names[-1]
    found = look_at(order, shown)
    has_gradients = any(grad != 0.0 for grad in shown)
    moves = found.derivatives if has_gradients and not any(found.stale) else None
    cards: list[Card] = []
    edges: list[Edge] = []
    for index, value in enumerate(order):
        parents = [number[id(parent)] for parent in value._prev]
        arguments = [names[parent] for parent in parents]
        card = _card(value, names[index], expression_of(value, arguments), shown[index])
        came = found.brought[index]
        if moves:
            card.detail += _moves(names[index], root, moves[index], value)
        if found.left_over[index] and came is not None:
            card.is_left_over = True
            card.detail += "\n" + left_over_text(names[index], shown[index], came)
        if found.stale[index]:
            card.is_stale = True
            card.detail += f"\nstale: data changed after this was computed; call {root}.refresh()"
        card.members = (index,)
        cards.append(card)
        for argument, (parent, local) in enumerate(zip(parents, value._local_grads)):
            edge = Edge(parent, index, local * shown[index], f"×{short(local, 3)}", local, "", argument=argument)
            edge.is_open = value.requires_grad and order[parent].requires_grad
            if not edge.is_open:
                edge.passed = 0.0
            if is_handwritten(value):
                edge.passed, edge.label = 0.0, "×?"
                edge.detail = f"{names[index]} has a hand-written _backward: only that knows its local derivatives"
            else:
                edge.detail = _edge_detail(edge, names, arguments, shown[index] if has_gradients else None)
            edges.append(edge)
    cards[-1].is_root = True
    count = len(order) - 1
    title = f"{root} = {short(order[-1].data)}, computed from {count} value{'s' * (count != 1)}"
    return Scene(cards, edges, has_gradients, title, notices(order, names, shown, found))


def _card(value: Value, name: str, note: str, grad: float) -> Card:
    detail = f"{name} = {note}\n" if note else f"{name}\n"
    detail += f"data {full(value.data)}\n"
    is_odd = not math.isfinite(value.data)
    if not value.requires_grad:
        detail += "requires_grad=False: no gradient"
        return Card(name, short(value.data), "—", 0.0, detail, note, badge_text(value), has_odd_data=is_odd)
    detail += f"grad {full(grad)}"
    return Card(name, short(value.data), short(grad), grad, detail, note, badge_text(value), has_odd_data=is_odd)


def _moves(name: str, root: str, derivative: float, value: Value) -> str:
    """What a gradient means, by the derivative of the root, whatever the gradients that are shown belong to."""
    if not (math.isfinite(derivative) and derivative and value.requires_grad) or name == root:
        return ""
    return f"\na little more {name}, by ε, moves {root} by about {short(derivative)} × ε"


def _edge_detail(edge: Edge, names: Sequence[str], arguments: Sequence[str], upstream: float | None) -> str:
    start, end = names[edge.start], names[edge.end]
    detail = f"local derivative of {end} through {through(list(arguments), edge.argument)} = {full(edge.local)}"
    if not edge.is_open:
        return f"{detail}\nnothing goes back along this edge: requires_grad is False"
    if upstream is None:
        return detail
    (_, local, other), sign, result = product(None, edge.local, upstream, edge.passed)
    return f"{detail}\n{start}.grad gets {local} × {other} {sign} {result} along this edge"
