"""Folding: the values of a neuron, of a layer or of a sum become one card, and their edges one edge."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from chainrule.engine import Value
from chainrule.engine.numeric import counted
from chainrule.nn.modules import Unit

from ..common.text import full, short
from ..common.values import badge_text, expression_of, unlike, value_names
from .bundles import edges_between, strongest
from .groups import MANY_CARDS, Group, Grouping, grouped
from .neurons import Product, products_of, units_of
from .reading import Reading, reading_of
from .repeats import Repeat
from .scene import Card, Edge, Matrix, Row, Scene, finished, value_card
from .sums import MANY_TERMS

__all__ = ["choose_fold", "folded_scene", "names_as_drawn", "units_of"]

FEW_PARAMETERS = 5  # of a neuron: so many are named on its card, with their values and gradients
FEW_NUMBERS = 6  # plain inputs: so many are a chip each, more of them share one
LONGEST_LIST = 40  # parameters or terms in one tooltip
MOST_BARS = 48


def choose_fold(units: Sequence[Unit | None]) -> str:
    """Whether fold="auto" folds a graph of these values: "none" or "auto"."""
    return "none" if len(units) <= MANY_CARDS else "auto"


def folded_scene(
    order: Sequence[Value],
    names: Sequence[str] | None,
    units: Sequence[Unit | None],
    by: str,
    *,
    grads: Sequence[float] | None = None,
    roots: Sequence[int] = (),
    example: int | None = None,
) -> Scene:
    """The graph with one card for each neuron ("neurons") or each layer ("layers"), for sums, and for other values.

    Errors: ValueError for an example that there is not.
    """
    reading = reading_of(order, names or [""] * len(order), grads, roots)
    grouping = grouped(reading, units, by, example)
    results = _results(reading, grouping)
    if names is None:
        reading.names = _names(order, grouping, results)
    cards = [_card(reading, grouping, group, own) for group, own in zip(grouping.groups, results)]
    for card, name in zip(cards, unlike([card.name for card in cards])):
        card.name = name
    edges, faint = edges_between(reading, grouping, cards, results)
    chips, chip_edges = _chips(reading, grouping, cards)
    scene = finished(reading, cards, edges)
    scene.card_of, scene.faint, scene.left_out, scene.fold = grouping.place, faint, grouping.left_out, by
    if chips:
        scene.cards = chips + cards
        for edge in edges + faint:
            edge.start, edge.end = edge.start + len(chips), edge.end + len(chips)
        scene.edges = chip_edges + edges
        scene.card_of = [(card + len(chips), row) for card, row in grouping.place]
    scene.hints = _hints(grouping, scene)
    return scene


def _results(reading: Reading, grouping: Grouping) -> list[list[int]]:
    """The values of each group that are used outside of it, or that are results; the last one if there are none."""
    seen = set(reading.roots)
    for end, parents in enumerate(reading.parents):
        for start in parents:
            if grouping.place[start] != grouping.place[end]:
                seen.add(start)
    found = []
    for group in grouping.groups:
        if group.sum:
            found.append([group.sum.top])
        elif group.kind == "leaves":
            found.append(group.members)
        elif group.repeat:
            found.append([index for index in group.members if index in seen and reading.parents[index]])
        else:
            own = [index for index in group.members if index in seen and reading.parents[index]]
            found.append(own or group.members[-1:])
    return found


def names_as_drawn(order: Sequence[Value]) -> list[str]:
    """The names of all values, as draw() has them."""
    units = units_of(order)
    by = choose_fold(units)
    if by == "none":
        return value_names(order)
    reading = reading_of(order, [""] * len(order), None, ())
    grouping = grouped(reading, units, by)
    return _names(order, grouping, _results(reading, grouping))


def _names(order: Sequence[Value], grouping: Grouping, results: Sequence[Sequence[int]]) -> list[str]:
    """The names of all values; those that can be seen come first, so that they are v1, v2, …"""
    seen = sorted([index for own in results for index in own])
    rest = sorted(set(range(len(order))) - set(seen))
    names = [""] * len(order)
    for index, name in zip(seen + rest, value_names([order[index] for index in seen + rest])):
        names[index] = name
    return names


# --- cards


def _card(reading: Reading, grouping: Grouping, group: Group, results: Sequence[int]) -> Card:
    if group.sum:
        return _sum_card(reading, grouping, group)
    if group.repeat:
        return _repeat_card(reading, group, group.repeat)
    if group.kind == "leaves":
        return _leaves_card(reading, group.members)
    if group.kind == "value":
        card, unit = value_card(reading, group.members[0]), group.unit
        if unit and reading.order[group.members[0]].label == unit[1]:
            card.column = unit[0]
        return card
    card = _folded_card(reading, group, results)
    if group.kind == "table":
        _add_rows(reading, group, card)
    return card


def _folded_card(reading: Reading, group: Group, results: Sequence[int]) -> Card:
    """The card of a neuron or of a layer."""
    order, names = reading.order, reading.names
    layer, neuron = group.unit or ("", "")
    parameters = [index for index in group.members if order[index].operation is None]
    grads = [reading.shown[index] for index in results]
    name = neuron if group.kind == "neuron" else layer or neuron
    if len(results) == 1 and order[results[0]].label and group.kind == "neuron":
        name = names[results[0]]  # the user's own label, or h1_1 (2) for the neuron's second call
    lines = [f"{name}: {counted(len(group.members), 'value')} folded, {len(parameters)} of them parameters"]
    lines += [f"{names[i]}: data {full(order[i].data)}, grad {full(reading.shown[i])}" for i in results[:LONGEST_LIST]]
    lines += ["gradients of its parameters:"] if parameters else []
    lines += [f"{names[index]} {full(reading.shown[index])}" for index in parameters[:LONGEST_LIST]]
    lines += [f"… and {len(parameters) - LONGEST_LIST} more"] if len(parameters) > LONGEST_LIST else []
    marks = _marks(reading, group.members)
    lines += marks.texts
    card = Card(
        name=name,
        data=_span([order[index].data for index in results]),
        grad=_span(grads),
        strength=strongest(grads),
        detail="\n".join(lines),
        note=f"{len(results)} calls" if len(results) > 1 and group.kind == "neuron" else "",
        badge=badge_text(order[results[-1]]),
        box=(layer or None) if group.kind == "neuron" else None,
        is_root=any(index in reading.roots for index in results),
        is_fold=True,
        layer=layer or neuron,
        is_stale=marks.is_stale,
        is_left_over=bool(marks.texts),
        has_odd_data=marks.is_odd,
    )
    if group.kind == "neuron" and len(parameters) <= FEW_PARAMETERS and len(results) == 1:
        card.rows = _parameter_rows(reading, group.members, parameters)
    else:
        card.bars = bars_of([reading.shown[index] for index in parameters])
        if group.kind == "neuron":
            card.terms = _parameter_rows(reading, group.members, parameters)
    if group.kind == "layer":
        card.note = f"{len({reading.order[i].label for i in results})} neurons"
    return card


@dataclass
class _Marks:
    is_stale: bool
    is_odd: bool
    texts: list[str]  # what is said of gradients that are left over


def _marks(reading: Reading, members: Sequence[int]) -> _Marks:
    found = reading.found
    texts = []
    for index in members:
        if found.left_over[index]:
            texts += [line for line in value_card(reading, index).detail.split("\n") if line[:1] == "*"]
    is_odd = any(not math.isfinite(reading.order[index].data) for index in members)
    return _Marks(any(found.stale[index] for index in members), is_odd, texts)


def _row(reading: Reading, index: int, name: str = "", note: str = "") -> Row:
    value, grad = reading.order[index], reading.shown[index]
    text, strength = (short(grad), grad) if value.requires_grad else ("—", 0.0)
    said = f"grad {full(grad)}" if value.requires_grad else "requires_grad=False: no gradient"
    name = name or reading.names[index]
    row = Row(name, short(value.data), text, strength, f"{name}\ndata {full(value.data)}\n{said}", note, index)
    row.data_kind = "odd" if not math.isfinite(value.data) else "stale" if reading.found.stale[index] else ""
    row.is_left_over = reading.found.left_over[index]
    return row


def _parameter_rows(reading: Reading, members: Sequence[int], parameters: Sequence[int]) -> list[Row]:
    """A line for each parameter, with what it is multiplied with."""
    times = {}
    for one in products_of(reading, members):
        times[one.weight] = _factor(reading, one)
    return [_row(reading, index, note=f"× {times[index]}" if index in times else "") for index in parameters]


def _factor(reading: Reading, one: Product) -> str:
    return short(one.number) if one.value is None else reading.names[one.value]


def _add_rows(reading: Reading, group: Group, card: Card) -> None:
    """Make the card of a layer a table: a row for each neuron, and beside them the matrix of their weights."""
    columns: dict[object, str] = {}
    weights: list[dict[object, int]] = []
    for members in group.rows:
        own: dict[object, int] = {}
        row = _row(reading, members[-1])
        parameters = [index for index in members if not reading.parents[index]]
        row.terms = _parameter_rows(reading, members, [index for index in members if not reading.parents[index]])
        row.detail += f"\n{counted(len(members), 'value')} folded, {len(parameters)} of them parameters"
        marks = _marks(reading, members)
        row.detail += "".join(["\n" + text for text in marks.texts])
        row.is_left_over = bool(marks.texts)
        has_odd_grad = any(not math.isfinite(reading.shown[index]) for index in members)
        row.data_kind = "odd" if marks.is_odd or has_odd_grad else "stale" if marks.is_stale else ""
        card.rows.append(row)
        for place, one in enumerate(products_of(reading, members)):
            column = ("number", place) if one.value is None else one.value
            columns.setdefault(column, _factor(reading, one))
            own[column] = one.weight
        weights.append(own)
    card.is_table, card.bars = True, []
    card.note = counted(len(card.rows), "neuron")
    card.is_left_over = card.is_stale = card.has_odd_data = False  # its rows say so
    if columns:
        tables: list[list[list[float | None]]] = []
        for numbers in ([value.data for value in reading.order], reading.shown):
            tables.append([[numbers[own[column]] if column in own else None for column in columns] for own in weights])
        card.matrix = Matrix(list(columns.values()), tables[0], tables[1])


def _leaves_card(reading: Reading, members: Sequence[int]) -> Card:
    """The card of leaves that many sums use: a row for each of them."""
    rows = [_row(reading, index) for index in members]
    card = Card(f"{len(rows)} leaves", "data", "grad", 0.0, f"{len(rows)} leaves that many sums use", "shared")
    card.rows, card.is_table = rows, True
    return card


def _sum_card(reading: Reading, grouping: Grouping, group: Group) -> Card:
    """The card of a chain of additions; what its terms are made of may be on it, too."""
    one = group.sum
    assert one is not None  # for the type checker: a group of this kind has its sum
    order = reading.order
    card = value_card(reading, one.top)
    count = len(one.terms)
    drawn = [place for place, term in enumerate(one.terms) if grouping.groups[grouping.place[term][0]] is not group]
    what = "examples" if one is grouping.over else "terms"
    card.badge = "Σ" if one.scaled is None else "mean"
    card.note = f"of {count} {what}"
    card.is_fold = True
    if len(drawn) == count:
        sides = " + ".join([reading.names[term] for term in one.terms])
        card.note = sides if len(sides) <= 40 else card.note
    elif count <= MANY_TERMS and one is not grouping.over:
        card.rows = [
            _row(reading, term, _term_name(reading, grouping, group, place, term))
            for place, term in enumerate(one.terms)
        ]
    else:
        card.strip = [order[term].data for term in one.terms]
    if one is grouping.over:
        (card.chosen,) = drawn
    inside = group.members
    numbers = [short(order[term].data) for term in one.terms[:LONGEST_LIST]]
    lines = card.detail.split("\n")
    said = f"{card.badge} of {count} {what}: {', '.join(numbers)}" + (", …" if count > LONGEST_LIST else "")
    card.detail = "\n".join([f"{card.name}: {said}", *lines[1:]])
    card.terms = [
        _row(reading, term, _term_name(reading, grouping, group, place, term)) for place, term in enumerate(one.terms)
    ]
    marks = _marks(reading, inside)
    card.is_stale, card.has_odd_data = marks.is_stale, marks.is_odd
    card.is_left_over = bool(marks.texts)
    return card


def _repeat_card(reading: Reading, group: Group, repeat: Repeat) -> Card:
    """The card of many steps that are alike; its rows show what changes from the first to the last of them."""
    order, names, count = reading.order, reading.names, len(repeat.steps)
    outputs = [values[-1] for values in repeat.passed_on]
    last = value_card(reading, outputs[-1])
    made = len([index for index in repeat.steps[0] if reading.parents[index]])
    changing = [list(own) for own in zip(*repeat.passed_on)] + [list(own) for own in zip(*repeat.given)]
    rows = [_change(reading, own) for own in changing if len(own) == count]
    card = Card(f"× {count}", last.data, last.grad, last.strength, "", f"{made} operations each", "…")
    card.rows, card.is_fold, card.is_root = rows[:FEW_PARAMETERS], True, last.is_root
    card.strip = [order[index].data for index in outputs]
    card.terms = [_row(reading, index) for index in outputs]
    marks = _marks(reading, group.members)
    card.is_stale, card.has_odd_data, card.is_left_over = marks.is_stale, marks.is_odd, bool(marks.texts)
    said = [f"{counted(count, 'step')} like the one before, of {made} operations each", *[row.detail for row in rows]]
    said += [f"{names[outputs[-1]]}: data {full(order[outputs[-1]].data)}, grad {full(reading.shown[outputs[-1]])}"]
    card.detail = "\n".join([*said, *marks.texts])
    return card


def _change(reading: Reading, values: Sequence[int]) -> Row:
    """How one value of a step changes from the first step to the last one."""
    first, last = _row(reading, values[0]), _row(reading, values[-1])
    value = reading.order[values[0]]
    name = f"{first.name} … {last.name}" if value.label else f"{badge_text(value) or 'leaf'} in each"
    data, grad = (one if one == other else f"{one} → {other}"
                  for one, other in ((first.data, last.data), (first.grad, last.grad)))  # fmt: skip
    return Row(
        name, data, grad, strongest([reading.shown[index] for index in values]), f"{name}: data {data}, grad {grad}"
    )


def _term_name(reading: Reading, grouping: Grouping, group: Group, place: int, term: int) -> str:
    if group.sum is grouping.over:
        return f"example {place}"
    is_drawn = grouping.groups[grouping.place[term][0]] is not group
    if is_drawn or reading.order[term].label:
        return reading.names[term]
    return expression_of(reading.order[term], [reading.names[parent] for parent in reading.parents[term]])


def _span(numbers: Sequence[float]) -> str:
    odd = [number for number in numbers if not math.isfinite(number)]
    if odd or len(set(numbers)) == 1:
        return short((odd or numbers)[0])
    return f"{short(min(numbers), 3)} … {short(max(numbers), 3)}" if numbers else ""


def bars_of(grads: Sequence[float]) -> list[float]:
    """As many bars as can be told apart; each shows the strongest gradient of a stretch of parameters."""
    if len(grads) <= MOST_BARS:
        return list(grads)
    bounds = [len(grads) * i // MOST_BARS for i in range(MOST_BARS + 1)]
    return [strongest(grads[low:high]) for low, high in pairwise(bounds)]


# --- chips of plain numbers


def _chips(reading: Reading, grouping: Grouping, cards: Sequence[Card]) -> tuple[list[Card], list[Edge]]:
    """Cards for the plain numbers that neurons multiply with their weights; all neurons that read the same share them.

    The edges count the cards with the chips before them.
    """
    readers: dict[tuple[tuple[int, float], ...], list[int]] = {}
    for number, group in enumerate(grouping.groups):
        if group.kind in ("neuron", "table", "layer"):
            products = [products_of(reading, members) for members in group.rows or [group.members]]
            given = [
                tuple((place, one.number) for place, one in enumerate(own, 1) if one.value is None) for own in products
            ]
            if given[0] and all(own == given[0] for own in given):
                readers.setdefault(given[0], []).append(number)
    chips: list[Card] = []
    ends: list[tuple[int, int]] = []
    for numbers, users in readers.items():
        made = _chips_of(numbers)
        ends += [(len(chips) + place, user) for place in range(len(made)) for user in users]
        chips += made
    detail = "plain numbers have no gradient: nothing goes back"
    return chips, [Edge(chip, len(chips) + user, 0.0, "", 0.0, detail, False) for chip, user in ends]


def _chips_of(given: Sequence[tuple[int, float]]) -> list[Card]:
    """A chip for each of a few inputs, with its place among all of them, or one chip for many."""
    numbers = [number for _, number in given]
    if len(numbers) <= FEW_NUMBERS:
        return [
            Card(f"input {place}", short(number), "", 0.0, f"a plain number: {full(number)}", is_chip=True)
            for place, number in given
        ]
    listed = ", ".join(map(short, numbers[:LONGEST_LIST])) + (", …" if len(numbers) > LONGEST_LIST else "")
    span = f"{short(min(numbers), 3)} … {short(max(numbers), 3)}"
    detail = f"{len(numbers)} plain numbers: {listed}"
    return [Card(counted(len(numbers), "input"), span, "", 0.0, detail, is_chip=True, strip=list(numbers))]


# --- sentences


def _hints(grouping: Grouping, scene: Scene) -> list[str]:
    said = []
    kinds = [grouping.groups[number].kind for number, _ in grouping.place]
    shared = {scene.card_of[index][0] for index, kind in enumerate(kinds) if kind == "leaves"}
    if any(edge.start in shared for edge in scene.faint):
        said.append("No lines are drawn from the shared leaves: the sums name them.")
    if any(edge.start not in shared for edge in scene.faint):
        said.append("Where there are many edges, only the strongest are drawn.")
    if any(group.repeat for group in grouping.groups):
        said.append('Steps that are alike are folded; fold="none" draws all of them.')
    if grouping.over:
        count = len(grouping.over.terms)
        chosen = next(card.chosen for card in scene.cards if card.chosen is not None)
        other = chosen + 1 if chosen + 1 < count else 0
        said.append(f"Example {chosen} of {count} (0 to {count - 1}) is drawn; example={other} draws another one.")
    return said
