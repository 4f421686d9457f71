"""What is to be drawn of a graph, as plain data: cards, and the edges between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from chainrule.engine import Value
from chainrule.engine.numeric import counted

from ..common.checks import left_over_text, notices
from ..common.formulas import product
from ..common.text import full, short
from ..common.values import badge_text, expression_of, is_handwritten, through
from .reading import Reading, reading_of


@dataclass
class Row:
    """One line of a card that has several: a parameter of a neuron, a neuron of a layer, a term of a sum."""

    name: str
    data: str
    grad: str
    strength: float  # the gradient that the tint shows
    detail: str = ""  # the tooltip
    note: str = ""  # what stands between the name and the number: "× x1"
    value: int | None = None  # the number of the Value in its topological order
    terms: list[Row] = field(default_factory=list)  # what is shown when the row is opened
    room: tuple[int, int] = (0, 0)  # characters of the longest data and gradient that a page will show here
    data_kind: str = ""  # "odd" for nan and inf, "stale" for what was computed before data changed
    is_left_over: bool = False


@dataclass
class Matrix:
    """The weights between two layers: a row for each neuron that they lead to, a column for each that they come from.

    Shapes: weights and gradients (rows, columns); None where there is no weight.
    """

    columns: list[str]
    weights: list[list[float | None]]
    gradients: list[list[float | None]]


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
    column: str | None = None  # cards that have the same one share a column, if they can
    is_root: bool = False
    is_fold: bool = False
    is_bare: bool = False  # without data and gradient: a part of a model's architecture
    is_chip: bool = False  # plain numbers, which have no gradient
    layer: str = ""  # of folded values; the bars of one layer share a scale
    bars: list[float] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)  # parameters of a neuron, or neurons of a layer
    matrix: Matrix | None = None
    is_table: bool = False  # a layer whose neurons are rows, with a place of its own for each edge
    strip: list[float] = field(default_factory=list)  # the data of the parts, as small columns
    chosen: int | None = None  # which of the parts is drawn
    terms: list[Row] = field(default_factory=list)  # what the card shows when it is opened
    is_stale: bool = False  # data changed after it was computed
    is_left_over: bool = False  # its gradient is another one than its edges bring
    has_odd_data: bool = False  # nan or inf
    room: int = 0  # characters of the longest number that a page will show here


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
    start_row: int | None = None  # the row of a table in which it begins
    end_row: int | None = None  # and the one to which it leads


@dataclass
class Scene:
    """Cards in topological order (the last one is a root) and the edges between them."""

    cards: list[Card]
    edges: list[Edge]
    has_gradients: bool
    title: str
    notices: list[str] = field(default_factory=list)  # sentences that a reader of the whole picture needs
    faint: list[Edge] = field(default_factory=list)  # edges that are drawn only for a neuron that was chosen
    hints: list[str] = field(default_factory=list)  # sentences that say what was left out, and how it can be seen
    card_of: list[tuple[int, int | None]] = field(default_factory=list)  # the card, and its row, of each value
    shows: str = "gradient"  # what tints and widths show: "gradient" or "weight"
    left_out: set[int] = field(default_factory=set)  # the values of examples that are not drawn
    fold: str = "none"


def scene_of(order: Sequence[Value], names: Sequence[str], grads: Sequence[float] | None = None) -> Scene:
    """One card for each value and one edge for each argument; `grads` replace the values' own gradients, if given."""
    reading = reading_of(order, names, grads)
    cards = [value_card(reading, index) for index in range(len(order))]
    edges = [
        value_edge(reading, parent, index, argument)
        for index, parents in enumerate(reading.parents)
        for argument, parent in enumerate(parents)
    ]
    return finished(reading, cards, edges)


def finished(reading: Reading, cards: list[Card], edges: list[Edge]) -> Scene:
    """The scene, with its title and with the sentences that a reader needs."""
    order, names, roots = reading.order, reading.names, reading.roots
    count = len(order) - len(roots)
    results = ", ".join([f"{names[root]} = {short(order[root].data)}" for root in roots[:4]])
    results += ", …" if len(roots) > 4 else ""
    title = f"{results}, computed from {counted(count, 'value')}"
    said = notices(order, names, reading.shown, reading.found, len(roots))
    place: list[tuple[int, int | None]] = [(index, None) for index in range(len(order))]
    return Scene(cards, edges, reading.has_gradients, title, said, card_of=place)


def value_card(reading: Reading, index: int) -> Card:
    """The card of one value."""
    value, name, grad = reading.order[index], reading.names[index], reading.shown[index]
    found, root = reading.found, reading.names[-1]
    note = expression_of(value, [reading.names[parent] for parent in reading.parents[index]])
    is_odd = not math.isfinite(value.data)
    lines = [f"{name} = {note}" if note else name, f"data {full(value.data)}"]
    lines.append(f"grad {full(grad)}" if value.requires_grad else "requires_grad=False: no gradient")
    text, strength = (short(grad), grad) if value.requires_grad else ("—", 0.0)
    card = Card(name, short(value.data), text, strength, "", note, badge_text(value), has_odd_data=is_odd)
    card.is_root = index in reading.roots
    if (moves := reading.moves) and (said := _moves(name, root, moves[index], value)):
        lines.append(said)
    came = found.brought[index]
    if found.left_over[index] and came is not None:
        card.is_left_over = True
        lines.append(left_over_text(name, grad, came))
    if found.stale[index]:
        card.is_stale = True
        lines.append(f"stale: data changed after this was computed; call {root}.refresh()")
    card.detail = "\n".join(lines)
    return card


def value_edge(reading: Reading, start: int, end: int, argument: int) -> Edge:
    """The edge from one value to another one, of which it is that argument."""
    local, upstream = reading.slopes[end][argument], reading.shown[end]
    edge = Edge(start, end, reading.passed(start, end, argument), f"×{short(local, 3)}", local, "", argument=argument)
    edge.is_open = reading.is_open(start, end)
    names = reading.names
    if is_handwritten(reading.order[end]):
        edge.passed, edge.label = 0.0, "×?"
        edge.detail = f"{names[end]} has a hand-written _backward: only that knows its local derivatives"
    else:
        arguments = [names[parent] for parent in reading.parents[end]]
        edge.detail = _edge_detail(edge, names, arguments, upstream if reading.has_gradients else None)
    return edge


def gets_text(name: str, local: float, upstream: float, passed: float) -> str:
    """What a value gets along an edge: w.grad gets 2 × 1 = 2 along this edge."""
    (_, one, other), sign, result = product(None, local, upstream, passed)
    if passed == 0.0 and not math.isfinite(local * upstream):
        return f"nothing goes back along this edge, not even {one} × {other}: a choice leaves it out"
    return f"{name}.grad gets {one} × {other} {sign} {result} along this edge"


def _moves(name: str, root: str, derivative: float, value: Value) -> str:
    """What a gradient means, by the derivative of the root, whatever the gradients that are shown belong to."""
    if not (math.isfinite(derivative) and derivative and value.requires_grad) or name == root:
        return ""
    return f"a little more {name}, by ε, moves {root} by about {short(derivative)} × ε"


def _edge_detail(edge: Edge, names: Sequence[str], arguments: Sequence[str], upstream: float | None) -> str:
    start, end = names[edge.start], names[edge.end]
    detail = f"local derivative of {end} through {through(list(arguments), edge.argument)} = {full(edge.local)}"
    if not edge.is_open:
        return f"{detail}\nnothing goes back along this edge: requires_grad is False"
    if upstream is None:
        return detail
    return f"{detail}\n{gets_text(start, edge.local, upstream, edge.passed)}"
