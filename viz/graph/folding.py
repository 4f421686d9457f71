"""Large graphs: the values of a neuron, or of a layer, as one card."""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Sequence
from dataclasses import replace
from itertools import pairwise

from chainrule import nn
from chainrule.engine import Value

from ..common.text import badge, clean, full, short
from .scene import Card, Link, Scene, scene_of

MANY_CARDS = 60      # beyond this a graph folds, where it has neurons
MANY_NEURONS = 60    # beyond this neurons fold into layers
LONGEST_LIST = 40    # parameters in one tooltip
MOST_BARS = 48

Key = Hashable
Units = list[tuple[str, str] | None]  # layer and neuron, value by value


def units_of(order: Sequence[Value]) -> Units:
    """The layer and the neuron of each value, as nn marks them; None for values of no neuron."""
    marks = nn.units(order)
    units: Units = []
    for value in order:
        mark = marks.get(value)
        # `unit` is an attribute that anybody may set; what does not name a layer and a neuron is none of nn's.
        is_named = isinstance(mark, tuple) and len(mark) == 2
        units.append((clean(mark[0]), clean(mark[1])) if mark and is_named else None)
    return units


def choose_fold(units: Units) -> str:
    """What fold="auto" means for this graph."""
    neurons = set(units) - {None}
    if len(units) <= MANY_CARDS or not neurons:
        return "none"
    return "neurons" if len(neurons) <= MANY_NEURONS else "layers"


def fold(order: Sequence[Value], names: Sequence[str], units: Units, by: str) -> Scene:
    """The graph with one card for each neuron ("neurons") or each layer ("layers"), and the rest as it is."""
    whole = scene_of(order, names)
    members = _members(order, whole.links, units, by)
    at = {index: place for place, group in enumerate(members) for index in group}
    outputs = _outputs(whole.links, at, len(order))
    cards = []
    for group in members:
        unit = units[group[0]]
        is_one = unit is None or len(group) == 1
        cards.append(whole.cards[group[0]] if is_one else _folded_card(group, order, names, outputs, unit, by))
    cards[-1].is_root = True
    return Scene(cards, _folded_links(whole.links, at, cards, outputs, names), whole.has_gradients, whole.title)


def _members(order: Sequence[Value], links: Sequence[Link], units: Units, by: str) -> list[list[int]]:
    """Which values make one card, cards in topological order.

    A neuron that is called on its own results (a recurrent one) would make a circle: it folds call by call, and what
    still makes a circle then stays unfolded.
    """
    keys: list[Key] = []
    for index, unit in enumerate(units):
        keys.append(("value", index) if unit is None else (unit if by == "neurons" else unit[0]))
    for split in (_by_call, _one_by_one):
        groups = _sorted_groups(keys, links)
        if groups is not None:
            return groups
        keys = split(keys, order, links, units)
    return _sorted_groups(keys, links) or [[index] for index in range(len(order))]


def _sorted_groups(keys: Sequence[Key], links: Sequence[Link]) -> list[list[int]] | None:
    """The groups in topological order, or None if they form a circle."""
    members: dict[Key, list[int]] = {}
    for index, key in enumerate(keys):
        members.setdefault(key, []).append(index)
    after: dict[Key, list[Key]] = {key: [] for key in members}
    waiting = dict.fromkeys(members, 0)
    for start, end in dict.fromkeys([(keys[link.start], keys[link.end]) for link in links]):
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


def _by_call(keys: Sequence[Key], order: Sequence[Value], links: Sequence[Link], units: Units) -> list[Key]:
    """Each call of a unit on its own: the results that hang together, and the parameters with the earliest call."""
    call = list(range(len(order)))
    depth = [0] * len(order)
    for link in links:
        start = order[link.start]
        depth[link.end] = max(depth[link.end], depth[link.start] + 1)
        returned = start.label == (units[link.start] or ("", ""))[1]  # what bears the neuron's name is its result
        if keys[link.start] == keys[link.end] and start.operation is not None and not returned:
            _join(call, link.start, link.end)
    calls = [_find(call, index) for index in range(len(order))]
    deepest: dict[int, int] = {}
    for index, own in enumerate(calls):
        deepest[own] = max(deepest.get(own, 0), depth[index])
    users: dict[int, list[int]] = {}
    for link in links:
        if keys[link.start] == keys[link.end] and order[link.start].operation is None:
            users.setdefault(link.start, []).append(calls[link.end])
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


def _one_by_one(keys: Sequence[Key], order: Sequence[Value], links: Sequence[Link], units: Units) -> list[Key]:
    return list(range(len(order)))


def _outputs(links: Sequence[Link], at: dict[int, int], count: int) -> list[bool]:
    """Which values are used outside their own card; the root is."""
    seen_outside = [False] * count
    seen_outside[-1] = True
    for link in links:
        if at[link.start] != at[link.end]:
            seen_outside[link.start] = True
    return seen_outside


def _span(numbers: Sequence[float]) -> str:
    if len(set(numbers)) == 1:
        return short(numbers[0])
    return f"{short(min(numbers), 3)} … {short(max(numbers), 3)}" if numbers else ""


def _folded_card(
    group: list[int],
    order: Sequence[Value],
    names: Sequence[str],
    outputs: Sequence[bool],
    unit: tuple[str, str] | None,
    by: str,
) -> Card:
    layer, neuron = unit or ("", "")
    parameters = [index for index in group if order[index].operation is None]
    results = [index for index in group if outputs[index] and order[index].operation is not None] or group[-1:]
    grads = [order[index].grad for index in results]
    name = neuron if by == "neurons" else layer or neuron
    last = order[results[-1]]
    lines = [f"{name}: {len(group)} values folded, {len(parameters)} of them parameters"]
    lines += [f"{names[i]}: data {full(order[i].data)}, grad {full(order[i].grad)}" for i in results[:LONGEST_LIST]]
    lines += ["gradients of its parameters:"] if parameters else []
    lines += [f"{names[index]} {full(order[index].grad)}" for index in parameters[:LONGEST_LIST]]
    lines += [f"… and {len(parameters) - LONGEST_LIST} more"] if len(parameters) > LONGEST_LIST else []
    return Card(
        name=name,
        data=_span([order[index].data for index in results]),
        grad=_span(grads),
        strength=max(grads, key=abs),
        detail="\n".join(lines),
        note=f"{len(group)} values" if by == "layers" else (f"{len(results)} calls" if len(results) > 1 else ""),
        badge=badge(last),
        box=(layer or None) if by == "neurons" else None,
        is_fold=True,
        bars=_bars([order[index].grad for index in parameters]),
    )


def _bars(grads: Sequence[float]) -> list[float]:
    """As many bars as can be told apart; each stands for the strongest of the gradients it stands for."""
    if len(grads) <= MOST_BARS:
        return list(grads)
    edges = [len(grads) * i // MOST_BARS for i in range(MOST_BARS + 1)]
    return [max(grads[low:high], key=abs) for low, high in pairwise(edges)]


def _folded_links(
    links: Sequence[Link], at: dict[int, int], cards: Sequence[Card], outputs: Sequence[bool], names: Sequence[str]
) -> list[Link]:
    """Links between different cards; those into a folded card, or from several results of one, become one."""
    results = [0] * len(cards)
    for index, place in at.items():
        results[place] += outputs[index]
    found: list[Link] = []
    bundles: dict[tuple[int, int], list[Link]] = {}
    for link in links:
        start, end = at[link.start], at[link.end]
        if start == end:
            continue
        if cards[end].is_fold or (cards[start].is_fold and results[start] > 1):
            bundles.setdefault((start, end), []).append(link)
        else:
            found.append(replace(link, start=start, end=end))
    for (start, end), bundle in bundles.items():
        found.append(_bundle(start, end, bundle, names))
    return found


def _bundle(start: int, end: int, bundle: Sequence[Link], names: Sequence[str]) -> Link:
    strongest = max(bundle, key=lambda link: abs(link.passed))
    detail = f"{names[strongest.end]} passes {full(strongest.passed)} back to {names[strongest.start]}"
    if len(bundle) > 1:
        total = 0.0
        for link in bundle:
            total += abs(link.passed)
        detail = f"{len(bundle)} edges; the strongest is drawn: {detail}\nsum of |gradient| over all: {short(total)}"
    is_open = any(link.is_open for link in bundle)
    return Link(start, end, strongest.passed, "", strongest.local, detail, is_open)
