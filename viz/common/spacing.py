"""Keeping marks on a line apart: cards of a column, labels at the ends of curves."""

from __future__ import annotations

from collections.abc import Sequence


def spread(desired: Sequence[float], weight: Sequence[float], distance: Sequence[float]) -> list[float]:
    """The positions closest to the desired ones (weighted least squares) that keep their distances.

    Shapes: desired (n,), weight (n,), distance (n - 1,): the least distance between neighbours -> (n,).
    Source: pool adjacent violators; Barlow et al., Statistical Inference under Order Restrictions (1972).

    >>> spread([0.0, 0.0, 9.0], [1.0, 1.0, 1.0], [4.0, 4.0])
    [-2.0, 2.0, 9.0]
    """
    if len(desired) < 2:
        return list(desired)
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
