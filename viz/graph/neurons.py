"""Which values belong to one neuron or one layer, and what a neuron multiplies with what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chainrule.engine import Value
from chainrule.nn import units as units_by_value
from chainrule.nn.modules import Unit

from ..common.joining import group_of, join
from ..common.text import clean
from .reading import Reading
from .sums import badge_of

Key = tuple[str | int, ...]  # values with the same key make one card; first is the kind of the card


def units_of(order: Sequence[Value]) -> list[Unit | None]:
    """The layer and the neuron of each value, as nn marks them; None for a value that belongs to no neuron."""
    marks = units_by_value(order)
    cleaned: dict[Unit, Unit] = {}
    units: list[Unit | None] = []
    for value in order:
        mark = marks.get(value)
        # Anybody may set an attribute `unit`; one that does not name a layer and a neuron was not set by nn.
        if mark and isinstance(mark, tuple) and len(mark) == 2:
            if mark not in cleaned:
                cleaned[mark] = (clean(mark[0]), clean(mark[1]))
            units.append(cleaned[mark])
        else:
            units.append(None)
    return units


def keys_by_call(keys: Sequence[Key], reading: Reading, units: Sequence[Unit | None]) -> list[Key]:
    """A key for each call of each unit: for what one call computed, and for the parameters that it used first.

    A recurrent neuron is called on its own results; one card for all of its calls would be part of a circle.
    """
    order = reading.order
    call = list(range(len(order)))
    depth = [0] * len(order)
    for end, parents in enumerate(reading.parents):
        for start in parents:
            depth[end] = max(depth[end], depth[start] + 1)
            returned = order[start].label == (units[start] or ("", ""))[1]  # a neuron's result has the neuron's name
            if units[end] and keys[start] == keys[end] and order[start].operation is not None and not returned:
                join(start, end, call)
    calls = [group_of(index, call) for index in range(len(order))]
    deepest: dict[int, int] = {}
    for index, own in enumerate(calls):
        deepest[own] = max(deepest.get(own, 0), depth[index])
    users: dict[int, list[int]] = {}
    for end, parents in enumerate(reading.parents):
        for start in parents:
            if units[end] and keys[start] == keys[end] and order[start].operation is None:
                users.setdefault(start, []).append(calls[end])
    for leaf, among in users.items():
        calls[leaf] = min(among, key=deepest.__getitem__)
    return [(*key, calls[index]) if units[index] else key for index, key in enumerate(keys)]


@dataclass(frozen=True)
class Product:
    """A weight, and what it is multiplied with: a value outside of the neuron, or a plain number."""

    weight: int
    value: int | None
    number: float = 0.0


def products_of(reading: Reading, members: Sequence[int]) -> list[Product]:
    """The products of a neuron's own weights with what comes from outside, in their order; each weight once."""
    key = ("products", members[0])
    if key in reading.remembered:
        return list(reading.remembered[key])
    inside, found = set(members), {}
    for index in members:
        value = reading.order[index]
        if badge_of(value) != "×" or value.label:
            continue
        parents = reading.parents[index]
        own = [parent for parent in parents if parent in inside and not reading.parents[parent]]
        if len(own) != 1 or own[0] in found:
            continue
        others = [parent for parent in parents if parent != own[0]]
        if len(parents) == 1:
            (number,) = [a for a in value.arguments if not isinstance(a, Value)]
            found[own[0]] = Product(own[0], None, float(number))
        elif others and others[0] not in inside:
            found[own[0]] = Product(own[0], others[0])
    reading.remembered[key] = list(found.values())
    return list(found.values())
