"""How high each card stands: near its neighbours, never on top of another card."""

from __future__ import annotations

from collections.abc import Sequence

ROUNDS = 4       # to the right and back; further rounds move cards by less than a line's width
BOTH_ROUNDS = 3  # at the end each card looks both ways


def spread(desired: Sequence[float], weight: Sequence[float], distance: Sequence[float]) -> list[float]:
    """Positions closest to the desired ones (weighted least squares) that keep their distances.

    Shapes: desired (n,), weight (n,), distance (n - 1,): the least distance between neighbours -> (n,).
    Source: pool adjacent violators; Barlow et al., Statistical Inference under Order Restrictions (1972).

    >>> spread([0.0, 0.0, 9.0], [1.0, 1.0, 1.0], [4.0, 4.0])
    [-2.0, 2.0, 9.0]
    """
    offsets = [0.0]
    for gap in distance:
        offsets.append(offsets[-1] + gap)
    blocks: list[tuple[float, float, int]] = []  # mean, weight, members
    for wanted, own_weight, offset in zip(desired, weight, offsets):
        mean, total, members = wanted - offset, own_weight, 1
        while blocks and blocks[-1][0] >= mean:
            other_mean, other_total, other_members = blocks.pop()
            mean = (mean * total + other_mean * other_total) / (total + other_total)
            total += other_total
            members += other_members
        blocks.append((mean, total, members))
    positions: list[float] = []
    for mean, _, members in blocks:
        for _ in range(members):
            positions.append(mean + offsets[len(positions)])
    return positions


def place_columns(
    columns: Sequence[Sequence[int]],
    before: Sequence[Sequence[int]],
    after: Sequence[Sequence[int]],
    distances: Sequence[Sequence[float]],
    is_bend: Sequence[bool],
) -> list[float]:
    """The height of each node's centre; bends of long edges pull harder, so that these run straight.

    Shapes: columns list nodes from top to bottom, distances the least distance between each two neighbours.
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
    _sweep(range(1, count), columns, pulls_before, distances, y)  # results stand between their arguments
    return y


Pull = list[tuple[int, float]]


def _pulls(neighbours: Sequence[Sequence[int]], is_bend: Sequence[bool]) -> list[Pull]:
    strength = {(False, False): 1.0, (False, True): 2.0, (True, False): 2.0, (True, True): 8.0}
    return [
        [(other, strength[is_bend[node], is_bend[other]]) for other in others] for node, others in enumerate(neighbours)
    ]


def _sweep(
    order: range,
    columns: Sequence[Sequence[int]],
    pulls: list[Pull],
    distances: Sequence[Sequence[float]],
    y: list[float],
) -> None:
    for index in order:
        column = columns[index]
        desired, weights = [], []
        for node in column:
            # Plain loops, not sum(): since Python 3.12 sum() of floats rounds differently, and bytes must not.
            total, weight = 0.01 * y[node], 0.01
            for other, pull in pulls[node]:
                total += pull * y[other]
                weight += pull
            desired.append(total / weight)
            weights.append(weight)
        for node, height in zip(column, spread(desired, weights, distances[index])):
            y[node] = height
