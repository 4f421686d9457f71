"""Which card stands above which: an order within each column with few crossings of edges."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator, Sequence

SWEEPS = 8
PATIENCE = 2  # sweeps without an improvement before giving up
TRANSPOSE_LIMIT = 4000  # edges; swapping neighbours is quadratic where many edges meet; beyond this it is left out


def order_columns(
    columns: list[list[int]],
    before: Sequence[Sequence[int]],
    after: Sequence[Sequence[int]],
    box: Sequence[str | None],
) -> list[list[int]]:
    """The columns with their members rearranged; members of one box stay together, in the order of their numbers.

    So do those that have the same neighbours, as the inputs of a layer have: no other order has fewer crossings.

    Shapes: before[v] and after[v] list the neighbours of v in the columns to its left and right, box[v] is its box.
    Source: Sugiyama, Tagawa & Toda (1981); transposition from Gansner et al., A Technique for Drawing Directed
    Graphs (1993).

    >>> order_columns([[0, 1], [2, 3]], [[], [], [1], [0]], [[3], [2], [], []], [None] * 4)
    [[0, 1], [3, 2]]
    """
    best, fewest = columns, -1
    is_small = sum(map(len, after)) <= TRANSPOSE_LIMIT
    for start in _starts(columns, before, after) if is_small else [columns]:
        found, count = _untangled(start, before, after, box, is_small)
        if fewest < 0 or count < fewest:
            best, fewest = found, count
        if fewest == 0:
            break
    return [_twins_by_number(column, before, after, box) for column in best]


def _twins_by_number(
    column: list[int], before: Sequence[Sequence[int]], after: Sequence[Sequence[int]], box: Sequence[str | None]
) -> list[int]:
    twins: dict[tuple[object, ...], list[int]] = {}
    kinds = [(box[node], tuple(sorted(before[node])), tuple(sorted(after[node]))) for node in column]
    for kind, node in zip(kinds, column):
        twins.setdefault(kind, []).append(node)
    ordered = {kind: iter(sorted(own)) for kind, own in twins.items()}
    return [next(ordered[kind]) for kind in kinds]


def _starts(
    columns: list[list[int]], before: Sequence[Sequence[int]], after: Sequence[Sequence[int]]
) -> Iterator[list[list[int]]]:
    """Orders to begin with, which lead to different ends: as given, and as walks over the graph meet the nodes."""
    yield columns
    leaves = [node for node, neighbours in enumerate(before) if not neighbours]
    results = [node for node, neighbours in enumerate(after) if not neighbours]
    yield _as_met(columns, results, [neighbours[::-1] for neighbours in before])
    yield _as_met(columns, leaves[::-1], after)


def _as_met(columns: list[list[int]], first: list[int], onward: Sequence[Sequence[int]]) -> list[list[int]]:
    column = {node: number for number, members in enumerate(columns) for node in members}
    found: list[list[int]] = [[] for _ in columns]
    seen: set[int] = set()
    stack = list(first)
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            found[column[node]].append(node)
            stack.extend(reversed(onward[node]))
    return found


def _untangled(
    columns: list[list[int]],
    before: Sequence[Sequence[int]],
    after: Sequence[Sequence[int]],
    box: Sequence[str | None],
    has_swaps: bool,
) -> tuple[list[list[int]], int]:
    """The best order that sweeps over the columns find from this start, and how many edges cross in it."""
    slot = [0] * len(before)  # the number of each node in its column, from the top
    columns = [_keep_together(column, box) for column in columns]
    _number(columns, slot)
    best, fewest, waited = columns, _crossings(columns, after, slot), 0
    for sweep in range(SWEEPS):
        if fewest == 0 or waited == PATIENCE:
            break
        columns = [list(column) for column in columns]
        ways = [(columns[1:], before), (columns[-2::-1], after)]
        for among, neighbours in reversed(ways) if sweep % 2 else ways:  # to the right and back, or the other way round
            for column in among:
                _sort_column(column, neighbours, slot, box)
        if has_swaps:
            _transpose(columns, before, after, slot, box, sweep % 2 == 1)
        count = _crossings(columns, after, slot)
        if count < fewest:
            best, fewest, waited = [list(column) for column in columns], count, 0
        else:
            waited += 1
    return best, fewest


def _number(columns: list[list[int]], slot: list[int]) -> None:
    for column in columns:
        for index, node in enumerate(column):
            slot[node] = index


def _keep_together(column: list[int], box: Sequence[str | None]) -> list[int]:
    """The members of each box where the first of them stands, in the order of their numbers: h1, h2, h3."""
    first: dict[str, int] = {}
    for index, node in enumerate(column):
        name = box[node]
        if name is not None:
            first.setdefault(name, index)
    keyed = [
        (index, 0, node) if (name := box[node]) is None else (first[name], node, node)
        for index, node in enumerate(column)
    ]
    return [node for *_, node in sorted(keyed)]


def _sort_column(
    column: list[int], neighbours: Sequence[Sequence[int]], slot: list[int], box: Sequence[str | None]
) -> None:
    """Sort by the mean slot of the neighbours on one side; nodes without such neighbours keep their slots."""
    if len(column) < 2:
        return  # it has the slot 0 already
    # The means are quotients of sums of whole numbers, so they are the same on every machine.
    means = {node: sum([slot[other] for other in near]) / len(near) for node in column if (near := neighbours[node])}
    members: dict[str, list[float]] = {}
    for node, mean in means.items():
        if (name := box[node]) is not None:
            members.setdefault(name, []).append(mean)
    if members:  # a box moves as one
        centre = {name: sorted(values)[len(values) // 2] for name, values in members.items()}
        keys = [(centre.get(box[node] or "", mean), box[node] or "", slot[node], node) for node, mean in means.items()]
        ordered = iter([node for *_, node in sorted(keys)])
    else:
        ordered = iter([node for *_, node in sorted([(mean, slot[node], node) for node, mean in means.items()])])
    mixed = [next(ordered) if node in means else node for node in column]
    column[:] = _keep_together(mixed, box) if members else mixed
    for index, node in enumerate(column):
        slot[node] = index


def _crossings(columns: list[list[int]], after: Sequence[Sequence[int]], slot: list[int]) -> int:
    _number(columns, slot)
    count = 0
    for column in columns:
        if len(column) < 2:
            continue
        seen: list[int] = []
        for node in column:
            near = after[node]
            if len(near) == 1:
                end = slot[near[0]]
                count += len(seen) - bisect_right(seen, end)
                insort(seen, end)
            elif near:
                ends = sorted([slot[other] for other in near])
                for end in ends:
                    count += len(seen) - bisect_right(seen, end)
                for end in ends:
                    insort(seen, end)
    return count


def _transpose(
    columns: list[list[int]],
    before: Sequence[Sequence[int]],
    after: Sequence[Sequence[int]],
    slot: list[int],
    box: Sequence[str | None],
    also_equal: bool,
) -> None:
    """Swap neighbours in a column as long as that removes crossings; `also_equal` leads out of dead ends."""
    for _ in range(3):
        improved = False
        for column in columns:
            for index in range(len(column) - 1):
                upper, lower = column[index], column[index + 1]
                if box[upper] is not None or box[lower] is not None:
                    continue
                gain = _gain(before[upper], before[lower], slot) + _gain(after[upper], after[lower], slot)
                if gain > 0 or (gain == 0 and also_equal):
                    column[index], column[index + 1] = lower, upper
                    slot[upper], slot[lower] = index + 1, index
                    improved = gain > 0 or improved
        if not improved:
            return


def _gain(upper: Sequence[int], lower: Sequence[int], slot: list[int]) -> int:
    """How many crossings disappear when the two nodes are swapped."""
    gain = 0
    for one in upper:
        at = slot[one]
        for other in lower:
            if at > (there := slot[other]):
                gain += 1
            elif at < there:
                gain -= 1
    return gain
