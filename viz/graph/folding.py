"""Folding of large graphs: the values of a neuron, or of a layer, become one card."""

from __future__ import annotations

import heapq
import math
from collections.abc import Hashable, Sequence
from dataclasses import replace
from itertools import pairwise

from chainrule.engine import Value
from chainrule.nn import units as units_by_value
from chainrule.nn.modules import Unit

from ..common.text import clean, full, short
from ..common.values import badge_text, unlike
from .scene import Card, Edge, Scene, scene_of

MANY_CARDS = 60  # a graph of more cards is folded by neuron, if it has neurons
MANY_NEURONS = 60  # a graph of more neurons is folded by layer
LONGEST_LIST = 40  # parameters in one tooltip
MOST_BARS = 48

GroupKey = Hashable  # values with the same key make one card


def units_of(order: Sequence[Value]) -> list[Unit | None]:
    """The layer and the neuron of each value, as nn marks them; None for a value that belongs to no neuron."""
    marks = units_by_value(order)
    units: list[Unit | None] = []
    for value in order:
        mark = marks.get(value)
        # Anybody may set an attribute `unit`; one that does not name a layer and a neuron was not set by nn.
        is_named = isinstance(mark, tuple) and len(mark) == 2
        units.append((clean(mark[0]), clean(mark[1])) if mark and is_named else None)
    return units


def choose_fold(units: Sequence[Unit | None]) -> str:
    """What fold="auto" means for this graph: "none", "neurons" or "layers"."""
    neurons = set(units) - {None}
    if len(units) <= MANY_CARDS or not neurons:
        return "none"
    return "neurons" if len(neurons) <= MANY_NEURONS else "layers"


def folded_scene(
    order: Sequence[Value],
    names: Sequence[str],
    units: Sequence[Unit | None],
    by: str,
    *,
    grads: Sequence[float] | None = None,
) -> Scene:
    """The graph with one card for each neuron ("neurons") or each layer ("layers"), and the rest as it is."""
    whole = scene_of(order, names, grads)
    shown = [value.grad for value in order] if grads is None else list(grads)
    groups = _groups(order, whole.edges, units, by)
    card_of = {index: number for number, group in enumerate(groups) for index in group}
    outputs = _outputs(whole.edges, card_of, len(order))
    cards = []
    for group in groups:
        unit = units[group[0]]
        is_one = unit is None or len(group) == 1
        single = [whole.cards[index] for index in group]
        cards.append(single[0] if is_one else _folded_card(group, order, names, outputs, unit, by, single, shown))
    for card, name in zip(cards, unlike([card.name for card in cards])):
        card.name = name
    cards[-1].is_root = True
    edges = _folded_edges(whole.edges, card_of, cards, outputs, names)
    return Scene(cards, edges, whole.has_gradients, whole.title, whole.notices)


def _groups(order: Sequence[Value], edges: Sequence[Edge], units: Sequence[Unit | None], by: str) -> list[list[int]]:
    """The values of each card, with the cards in topological order.

    A recurrent neuron is called on its own results; one card for all of its calls would be part of a circle. So each
    call gets a card of its own, and if there still is a circle then, nothing is folded.
    """
    keys: list[GroupKey] = []
    for index, unit in enumerate(units):
        keys.append(("value", index) if unit is None else (unit if by == "neurons" else unit[0]))
    groups = _sorted_groups(keys, edges)
    if groups is None:
        groups = _sorted_groups(_keys_by_call(keys, order, edges, units), edges)
    return groups if groups is not None else [[index] for index in range(len(order))]


def _sorted_groups(keys: Sequence[GroupKey], edges: Sequence[Edge]) -> list[list[int]] | None:
    """The values of each key, in topological order, or None if there is a circle."""
    members: dict[GroupKey, list[int]] = {}
    for index, key in enumerate(keys):
        members.setdefault(key, []).append(index)
    after: dict[GroupKey, list[GroupKey]] = {key: [] for key in members}
    waiting = dict.fromkeys(members, 0)
    for start, end in dict.fromkeys([(keys[edge.start], keys[edge.end]) for edge in edges]):
        if start != end:
            after[start].append(end)
            waiting[end] += 1
    ready = [(members[key][0], key) for key, count in waiting.items() if count == 0]
    heapq.heapify(ready)
    found = []
    while ready:
        _, key = heapq.heappop(ready)
        found.append(members[key])
        for end in after[key]:
            waiting[end] -= 1
            if waiting[end] == 0:
                heapq.heappush(ready, (members[end][0], end))
    return found if len(found) == len(members) else None


def _keys_by_call(
    keys: Sequence[GroupKey], order: Sequence[Value], edges: Sequence[Edge], units: Sequence[Unit | None]
) -> list[GroupKey]:
    """A key for each call of each unit: for what one call computed, and for the parameters that it used first."""
    call = list(range(len(order)))
    depth = [0] * len(order)
    for edge in edges:
        start = order[edge.start]
        depth[edge.end] = max(depth[edge.end], depth[edge.start] + 1)
        returned = start.label == (units[edge.start] or ("", ""))[1]  # a neuron's result has the neuron's name
        if keys[edge.start] == keys[edge.end] and start.operation is not None and not returned:
            _join(call, edge.start, edge.end)
    calls = [_find(call, index) for index in range(len(order))]
    deepest: dict[int, int] = {}
    for index, own in enumerate(calls):
        deepest[own] = max(deepest.get(own, 0), depth[index])
    users: dict[int, list[int]] = {}
    for edge in edges:
        if keys[edge.start] == keys[edge.end] and order[edge.start].operation is None:
            users.setdefault(edge.start, []).append(calls[edge.end])
    for leaf, among in users.items():
        calls[leaf] = min(among, key=deepest.__getitem__)
    return [(key, calls[index]) for index, key in enumerate(keys)]


def _find(call: list[int], index: int) -> int:
    while call[index] != index:
        call[index] = call[call[index]]
        index = call[index]
    return index


def _join(call: list[int], one: int, other: int) -> None:
    first, second = _find(call, one), _find(call, other)
    call[max(first, second)] = min(first, second)


def _outputs(edges: Sequence[Edge], card_of: dict[int, int], count: int) -> list[bool]:
    """Which values are used outside their own card; the root counts as one of them."""
    seen_outside = [False] * count
    seen_outside[-1] = True
    for edge in edges:
        if card_of[edge.start] != card_of[edge.end]:
            seen_outside[edge.start] = True
    return seen_outside


def _span(numbers: Sequence[float]) -> str:
    odd = [number for number in numbers if not math.isfinite(number)]
    if odd or len(set(numbers)) == 1:
        return short((odd or numbers)[0])
    return f"{short(min(numbers), 3)} … {short(max(numbers), 3)}" if numbers else ""


def _folded_card(
    group: list[int],
    order: Sequence[Value],
    names: Sequence[str],
    outputs: Sequence[bool],
    unit: Unit | None,
    by: str,
    single: Sequence[Card],
    shown: Sequence[float],
) -> Card:
    """The card of a neuron or of a layer; `single` are the cards of its values."""
    layer, neuron = unit or ("", "")
    parameters = [index for index in group if order[index].operation is None]
    results = [index for index in group if outputs[index] and order[index].operation is not None] or group[-1:]
    grads = [shown[index] for index in results]
    name = neuron if by == "neurons" else layer or neuron
    last = order[results[-1]]
    if last.label == name and len(results) == 1:
        name = names[results[0]]  # h1_1 (2) for the neuron's second call, as formulas call its result
    lines = [f"{name}: {len(group)} values folded, {len(parameters)} of them parameters"]
    lines += [f"{names[i]}: data {full(order[i].data)}, grad {full(shown[i])}" for i in results[:LONGEST_LIST]]
    lines += ["gradients of its parameters:"] if parameters else []
    lines += [f"{names[index]} {full(shown[index])}" for index in parameters[:LONGEST_LIST]]
    lines += [f"… and {len(parameters) - LONGEST_LIST} more"] if len(parameters) > LONGEST_LIST else []
    lines += [line for card in single if card.is_left_over for line in card.detail.split("\n") if line[:1] == "*"]
    return Card(
        name=name,
        data=_span([order[index].data for index in results]),
        grad=_span(grads),
        strength=_strongest(grads),
        detail="\n".join(lines),
        note=f"{len(group)} values" if by == "layers" else (f"{len(results)} calls" if len(results) > 1 else ""),
        badge=badge_text(last),
        box=(layer or None) if by == "neurons" else None,
        is_fold=True,
        layer=layer or neuron,
        bars=_bars([shown[index] for index in parameters]),
        is_stale=any(card.is_stale for card in single),
        is_left_over=any(card.is_left_over for card in single),
        has_odd_data=any(card.has_odd_data for card in single),
        members=tuple(group),
    )


def _strongest(numbers: Sequence[float]) -> float:
    """The number that is farthest from 0; nan comes before all."""
    return max(numbers, key=lambda number: math.inf if number != number else abs(number))


def _bars(grads: Sequence[float]) -> list[float]:
    """As many bars as can be told apart; each shows the strongest gradient of a stretch of parameters."""
    if len(grads) <= MOST_BARS:
        return list(grads)
    bounds = [len(grads) * i // MOST_BARS for i in range(MOST_BARS + 1)]
    return [_strongest(grads[low:high]) for low, high in pairwise(bounds)]


def _folded_edges(
    edges: Sequence[Edge], card_of: dict[int, int], cards: Sequence[Card], outputs: Sequence[bool], names: Sequence[str]
) -> list[Edge]:
    """The edges between different cards; those into a folded card, or from several results of one, become one edge."""
    results = [0] * len(cards)
    for index, card in card_of.items():
        results[card] += outputs[index]
    found: list[Edge] = []
    bundles: dict[tuple[int, int], list[Edge]] = {}
    for edge in edges:
        start, end = card_of[edge.start], card_of[edge.end]
        if start == end:
            continue
        if cards[end].is_fold or (cards[start].is_fold and results[start] > 1):
            bundles.setdefault((start, end), []).append(edge)
        else:
            found.append(replace(edge, start=start, end=end))
    for (start, end), bundle in bundles.items():
        found.append(_bundle(start, end, bundle, names))
    return found


def _bundle(start: int, end: int, bundle: Sequence[Edge], names: Sequence[str]) -> Edge:
    passed = _strongest([edge.passed for edge in bundle])
    strongest = next(edge for edge in bundle if edge.passed is passed or edge.passed == passed)
    if not (is_open := any(edge.is_open for edge in bundle)):
        detail = "nothing goes back: requires_grad is False"
    else:
        detail = f"{names[strongest.end]} passes {full(strongest.passed)} back to {names[strongest.start]}"
    if len(bundle) > 1 and is_open:
        total = sum(abs(edge.passed) for edge in bundle)
        detail = f"{len(bundle)} edges; the strongest is drawn: {detail}\nsum of |gradient| over all: {short(total)}"
    return Edge(start, end, strongest.passed, "", strongest.local, detail, is_open)
