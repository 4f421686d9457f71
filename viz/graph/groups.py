"""Which values of a graph make one card together: those of a neuron, of a layer, of a sum, of a repeated step."""

from __future__ import annotations

import heapq
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from chainrule.nn.modules import Unit

from ..common.choices import whole_number
from .neurons import Key, keys_by_call
from .reading import Reading
from .repeats import Repeat, repeats_in
from .sums import (
    FEWEST_TERMS,
    MANY_TERMS,
    Sum,
    are_alike,
    find_insides,
    made_inside,
    products_in,
    sum_over_examples,
    sums_of,
)

MANY_CARDS = 30  # where there are more, steps that are alike are folded
MOST_REPEATS = 4
FEWEST_LEAVES, FEWEST_USERS = 4, 3  # leaves that so many sums of products use are the rows of one card
FEW_NEURONS = 8  # in a layer; where there are more, they are the rows of one card
FEW_LINES = 60  # between two layers; where there are as many, a matrix shows the weights
MANY_NEURONS = 40  # in a layer; where there are more, fold="auto" makes one card of all


@dataclass
class Group:
    """The values of one card."""

    kind: str  # "value", "neuron", "layer", "table", "sum", "repeat" or "leaves"
    members: list[int]
    unit: Unit | None = None
    sum: Sum | None = None
    repeat: Repeat | None = None
    rows: list[list[int]] = field(default_factory=list)  # of a layer: the values of each neuron


@dataclass
class Grouping:
    """All groups in topological order, and where each value is: its group, and its row in a table."""

    groups: list[Group]
    place: list[tuple[int, int | None]]
    left_out: set[int]  # values of examples that are not drawn
    over: Sum | None  # the sum over the examples


def grouped(
    reading: Reading, units: Sequence[Unit | None], by: str, example: int | None = None, has_tables: bool = True
) -> Grouping:
    """The groups for fold="neurons" or "layers", or "auto", which decides for each layer; or "none".

    Errors: ValueError for an example that there is not.
    """
    sums = sums_of(reading, units) if by != "none" or example is not None else []
    over = sum_over_examples(reading, units, sums)
    if example is not None:
        example = _checked_example(example, over)
    keys: list[Key] = [("value", index) for index in range(len(reading.order))]
    for index, unit in enumerate(units):
        if unit is not None and by != "none":
            keys[index] = ("layer", unit[0]) if by == "layers" else ("neuron", *unit)
    left_out: set[int] = set()
    folded: dict[Key, Sum] = {}
    for one in sums:
        products = products_in(reading, one, units) if by == "auto" and one is not over else []
        is_long = by != "none" and (len(one.terms) >= FEWEST_TERMS or products)
        if one is over or (is_long and one.head not in left_out):
            own = _sum_members(reading, one, units, (example or 0) if one is over else None)
            own.update(products)
            key: Key = ("sum", one.top)
            folded[key] = one
            for index in own:
                keys[index] = key
            if one is over:
                left_out = own - {*one.inner, one.top}
    if by == "auto":
        _join_leaves(keys, reading, left_out)
    groups = _in_order(keys, reading, left_out)
    if groups is None:
        keys = keys_by_call(keys, reading, [None if index in left_out else unit for index, unit in enumerate(units)])
        groups = _in_order(keys, reading, left_out)
    if groups is None:
        keys = [("value", index) for index in range(len(keys))]
        folded, left_out, over = {}, set(), None
        groups = _in_order(keys, reading, left_out) or {}
    if has_tables and by in ("auto", "neurons"):
        keys, groups = _with_tables(keys, groups, reading, by, left_out)
    repeats: dict[Key, Repeat] = {}
    while by == "auto" and len(groups) > MANY_CARDS and len(repeats) < MOST_REPEATS:
        if (repeat := repeats_in(groups, keys, reading)) is None:
            break
        merged, key = list(keys), ("repeat", len(repeats))
        for values in repeat.steps:
            for index in values:
                merged[index] = key
        if (ordered := _in_order(merged, reading, left_out)) is None:
            break
        keys, groups, repeats[key] = merged, ordered, repeat
    return _grouping(groups, units, folded, left_out, over, repeats)


def _join_leaves(keys: list[Key], reading: Reading, left_out: set[int]) -> None:
    """Give the leaves that many sums of products use a key of their own, such as the weights of a recurrent cell."""
    shared = []
    for index, value in enumerate(reading.order):
        if value.operation is None and value.label and keys[index][0] == "value" and index not in reading.roots:
            users = {keys[user] for user in reading.users[index] if user not in left_out}
            if len(users) >= FEWEST_USERS and all(key[0] == "sum" for key in users):
                shared.append(index)
    if len(shared) >= FEWEST_LEAVES:
        for index in shared:
            keys[index] = ("leaves",)


def _checked_example(example: int, over: Sum | None) -> int:
    if over is None:
        raise ValueError(
            f"example={example} chooses one of the examples that a loss is the mean or the sum of; this result is "
            "not a sum of parts that are alike"
        )
    count, example = len(over.terms), whole_number("example", example)
    if not -count <= example < count:
        raise ValueError(f"example={example} is out of range: there are {count} examples (0 to {count - 1})")
    return example % count


def _sum_members(reading: Reading, one: Sum, units: Sequence[Unit | None], example: int | None) -> set[int]:
    """The values that are on a sum's card: what adds, and what its terms are made of, where they are not drawn."""
    own = {*one.inner, one.top}
    if example is not None:
        for place, values in enumerate(one.inside):
            own.update(values if place != example else ())
    elif len(one.terms) > MANY_TERMS:
        if not one.inside:
            find_insides(reading, one)
        made = [values for values in made_inside(reading, one) if values]
        if are_alike(reading, made) and not any(units[index] for values in made for index in values):
            own.update(index for values in one.inside for index in values)
    return own


def _in_order(keys: Sequence[Key], reading: Reading, left_out: set[int]) -> dict[Key, list[int]] | None:
    """The values of each key, in topological order, or None if there is a circle."""
    members: dict[Key, list[int]] = {}
    for index, key in enumerate(keys):
        members.setdefault(key, []).append(index)
    after: dict[Key, dict[Key, None]] = {key: {} for key in members}
    waiting = dict.fromkeys(members, 0)
    for end, parents in enumerate(reading.parents):
        own = keys[end]
        for start in parents if end not in left_out else ():
            if keys[start] != own and own not in after[keys[start]]:
                after[keys[start]][own] = None
                waiting[own] += 1
    turn = _turns(members)
    ready = [(turn[key], key) for key, count in waiting.items() if count == 0]
    heapq.heapify(ready)
    found = {}
    while ready:
        _, key = heapq.heappop(ready)
        found[key] = members[key]
        for user in after[key]:
            waiting[user] -= 1
            if waiting[user] == 0:
                heapq.heappush(ready, (turn[user], user))
    return found if len(found) == len(members) else None


def _turns(members: dict[Key, list[int]]) -> dict[Key, tuple[int, list[int]]]:
    """What comes first: what was computed first, but the neurons of a layer by their numbers: h1, h2, …, h10."""
    first: dict[object, int] = {}
    for key, own in members.items():
        if key[0] == "neuron":
            first[key[1]] = min(own[0], first.get(key[1], own[0]))
    return {
        key: (first[key[1]], _numbers_in(key[2])) if key[0] == "neuron" else (own[0], [])
        for key, own in members.items()
    }


def _numbers_in(name: object) -> list[int]:
    return [int(number) for number in re.findall("[0-9]+", str(name))]


def _with_tables(
    keys: list[Key], groups: dict[Key, list[int]], reading: Reading, by: str, left_out: set[int]
) -> tuple[list[Key], dict[Key, list[int]]]:
    """The same groups, with those of the neurons of a layer as one, where they are many or have many arguments."""
    layers: dict[str, list[Key]] = {}
    for key in groups:
        if key[0] == "neuron":
            layers.setdefault(str(key[1]), []).append(key)
    changed: dict[Key, Key] = {}
    for layer, neurons in layers.items():
        lines = len({(key, keys[p]) for key in neurons for index in groups[key] for p in reading.parents[index]
                     if keys[p] != key})  # fmt: skip
        if len(neurons) > FEW_NEURONS or (lines >= FEW_LINES and len(neurons) > 3):
            kind = "layer" if by == "auto" and len(neurons) > MANY_NEURONS else "table"
            changed.update((key, (kind, layer)) for key in neurons)
    if not changed:
        return keys, groups
    merged = [changed.get(key, key) for key in keys]
    found = _in_order(merged, reading, left_out)
    return (merged, found) if found is not None else (keys, groups)


def _grouping(
    groups: dict[Key, list[int]],
    units: Sequence[Unit | None],
    folded: dict[Key, Sum],
    left_out: set[int],
    over: Sum | None,
    repeats: dict[Key, Repeat],
) -> Grouping:
    found: list[Group] = []
    place: list[tuple[int, int | None]] = [(0, None)] * len(units)
    for key, members in groups.items():
        kind = str(key[0])
        own = Group(kind, members, units[members[0]], folded.get(key), repeats.get(key))
        neurons = {unit for index in members if (unit := units[index])} if kind in ("table", "layer") else set()
        rows = {unit: row for row, unit in enumerate(sorted(neurons, key=lambda unit: (_numbers_in(unit[1]), unit)))}
        own.rows = [[] for _ in rows]
        for leaf, index in enumerate(members):
            row = leaf if kind == "leaves" else None
            if (unit := units[index]) and rows:
                row = rows[unit]
                own.rows[row].append(index)
            place[index] = (len(found), row if kind in ("table", "leaves") else None)
        if kind in ("neuron", "layer") and len(members) == 1:
            own.kind = "value"
        found.append(own)
    return Grouping(found, place, left_out, over)
