"""Which card stands above which: an order within each column that leaves few edges crossing."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence

SWEEPS = 6
PATIENCE = 2            # sweeps without an improvement before giving up
TRANSPOSE_LIMIT = 4000  # swapping neighbours is quadratic in an edge fan; beyond this many links sweeps must do


def order_columns(
    columns: list[list[int]],
    before: Sequence[Sequence[int]],
    after: Sequence[Sequence[int]],
    group: Sequence[str | None],
) -> list[list[int]]:
    """The columns with their members rearranged; members of one group stay together, in the order they came.

    Shapes: before[v] and after[v] list v's neighbours in the column to the left and to the right.
    Source: Sugiyama, Tagawa & Toda (1981); transposition from Gansner et al., A Technique for Drawing Directed
    Graphs (1993).

    >>> order_columns([[0, 1], [2, 3]], [[], [], [1], [0]], [[3], [2], [], []], [None] * 4)
    [[0, 1], [3, 2]]
    """
    place = [0] * len(before)
    columns = [_keep_together(column, group) for column in columns]
    _number(columns, place)
    best, fewest, waited = columns, _crossings(columns, after, place), 0
    for _ in range(SWEEPS):
        if fewest == 0 or waited == PATIENCE:
            break
        columns = [list(column) for column in columns]
        for column in columns[1:]:
            _sort_column(column, before, place, group)
        for column in reversed(columns[:-1]):
            _sort_column(column, after, place, group)
        if sum(map(len, after)) <= TRANSPOSE_LIMIT:
            _transpose(columns, before, after, place, group)
        count = _crossings(columns, after, place)
        if count < fewest:
            best, fewest, waited = [list(column) for column in columns], count, 0
        else:
            waited += 1
    return best


def _number(columns: list[list[int]], place: list[int]) -> None:
    for column in columns:
        for index, node in enumerate(column):
            place[node] = index


def _keep_together(column: list[int], group: Sequence[str | None]) -> list[int]:
    first: dict[str, int] = {}
    for index, node in enumerate(column):
        name = group[node]
        if name is not None:
            first.setdefault(name, index)
    keyed = [(first[name] if (name := group[node]) is not None else index, index) for index, node in enumerate(column)]
    return [column[index] for _, index in sorted(keyed)]


def _sort_column(
    column: list[int], neighbours: Sequence[Sequence[int]], place: list[int], group: Sequence[str | None]
) -> None:
    """Sort by the mean place of the neighbours on one side; nodes without any keep their slots."""
    means: dict[int, float] = {}
    members: dict[str, list[float]] = {}
    for node in column:
        if neighbours[node]:
            mean = sum([place[other] for other in neighbours[node]]) / len(neighbours[node])
            means[node] = mean
            name = group[node]
            if name is not None:
                members.setdefault(name, []).append(mean)
    # A group moves as one: its mean is a quotient of the integer-valued sums above, the same on every machine.
    centre = {name: sorted(values)[len(values) // 2] for name, values in members.items()}
    movable = [node for node in column if node in means]
    keys = {
        node: (centre[name], name, place[node]) if (name := group[node]) is not None else (means[node], "", place[node])
        for node in movable
    }
    ordered = iter(sorted(movable, key=keys.__getitem__))
    mixed = [next(ordered) if node in means else node for node in column]
    column[:] = _keep_together(mixed, group) if members else mixed
    for index, node in enumerate(column):
        place[node] = index


def _crossings(columns: list[list[int]], after: Sequence[Sequence[int]], place: list[int]) -> int:
    _number(columns, place)
    count = 0
    for column in columns:
        seen: list[int] = []
        for node in column:
            ends = sorted([place[other] for other in after[node]])
            for end in ends:
                count += len(seen) - bisect_right(seen, end)
            for end in ends:
                insort(seen, end)
    return count


def _transpose(
    columns: list[list[int]],
    before: Sequence[Sequence[int]],
    after: Sequence[Sequence[int]],
    place: list[int],
    group: Sequence[str | None],
) -> None:
    """Swap neighbours while that removes crossings."""
    for _ in range(3):
        improved = False
        for column in columns:
            for index in range(len(column) - 1):
                upper, lower = column[index], column[index + 1]
                if group[upper] is not None or group[lower] is not None:
                    continue
                gain = _gain(before[upper], before[lower], place) + _gain(after[upper], after[lower], place)
                if gain > 0:
                    column[index], column[index + 1] = lower, upper
                    place[upper], place[lower] = index + 1, index
                    improved = True
        if not improved:
            return


def _gain(upper: Sequence[int], lower: Sequence[int], place: list[int]) -> int:
    """How many crossings fewer there are when the two nodes change places."""
    gain = 0
    for one in upper:
        for other in lower:
            gain += (place[one] > place[other]) - (place[one] < place[other])
    return gain
