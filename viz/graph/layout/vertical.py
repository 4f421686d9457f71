"""The height at which each card stands: near its neighbours, and never on top of another card."""

from __future__ import annotations

from collections.abc import Sequence

from ...common.spacing import spread

ROUNDS = 4  # sweeps to the right and back; further ones move cards by less than the width of a line
BOTH_ROUNDS = 3  # the last sweeps, in which the neighbours on both sides pull at each card


def vertical_positions(
    columns: Sequence[Sequence[int]],
    before: Sequence[Sequence[int]],
    after: Sequence[Sequence[int]],
    distances: Sequence[Sequence[float]],
    is_bend: Sequence[bool],
) -> list[float]:
    """The y of the centre of each node; bends of long edges pull harder, so that these edges run straight.

    Shapes: columns list their nodes from top to bottom, distances the least distance between each two neighbours.
    """
    y = [0.0] * len(before)
    for column, gaps in zip(columns, distances):
        height = 0.0
        for index, node in enumerate(column):
            height += gaps[index - 1] if index else 0.0
            y[node] = height
        for node in column:
            y[node] -= height / 2
    pulls_before = _pulls(before, is_bend)
    pulls_after = _pulls(after, is_bend)
    pulls_both = [left + right for left, right in zip(pulls_before, pulls_after)]
    count = len(columns)
    for _ in range(ROUNDS):
        _sweep(range(1, count), columns, pulls_before, distances, y)
        _sweep(range(count - 2, -1, -1), columns, pulls_after, distances, y)
    for _ in range(BOTH_ROUNDS):
        _sweep(range(count), columns, pulls_both, distances, y)
        _sweep(range(count - 1, -1, -1), columns, pulls_both, distances, y)
    _sweep(range(1, count), columns, pulls_before, distances, y)  # so that results stand between their arguments
    return y


Pulls = list[tuple[int, float]]  # the neighbours of a node, and how strongly each pulls


def _pulls(neighbours: Sequence[Sequence[int]], is_bend: Sequence[bool]) -> list[Pulls]:
    strength = {(False, False): 1.0, (False, True): 2.0, (True, False): 2.0, (True, True): 8.0}
    return [
        [(other, strength[is_bend[node], is_bend[other]]) for other in others] for node, others in enumerate(neighbours)
    ]


def _sweep(
    order: range,
    columns: Sequence[Sequence[int]],
    pulls: list[Pulls],
    distances: Sequence[Sequence[float]],
    y: list[float],
) -> None:
    for index in order:
        column = columns[index]
        desired, weights = [], []
        for node in column:
            # A loop, because sum() rounds differently since Python 3.12, and the bytes of a drawing must not.
            total, weight = 0.01 * y[node], 0.01
            for other, pull in pulls[node]:
                total += pull * y[other]
                weight += pull
            desired.append(total / weight)
            weights.append(weight)
        for node, position in zip(column, spread(desired, weights, distances[index])):
            y[node] = position
