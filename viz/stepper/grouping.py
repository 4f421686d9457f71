"""Which computed values belong together in the stepper: those of one card, and of one call of a neuron."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Sequence
from itertools import groupby

from ..common.joining import group_of, join

Parents = Sequence[Sequence[int]]  # for each value in topological order, the numbers of its arguments


def groups_of(
    parents: Parents, card_of: Sequence[int], is_named: Sequence[bool], late: Collection[int] = ()
) -> list[list[int]]:
    """The computed values, card by card and call by call; each group comes after those that it was computed from.

    A neuron that is called for each of a hundred examples has one card and a hundred groups. `is_named` says which
    values have a label: the result of a call has one, so that what a later call makes of it is another group. The
    `late` values are in groups of their own, which come as late as they can.

    >>> groups_of([[], [0], [0], [1, 2]], [0, 1, 2, 1], [False] * 4)
    [[2], [1, 3]]
    """
    computed = [index for index, arguments in enumerate(parents) if arguments]
    first = list(range(len(parents)))  # of each value, a value of the same group that comes earlier
    for index in computed:
        for parent in parents[index]:
            is_alike = card_of[parent] == card_of[index] and (parent in late) == (index in late)
            if parents[parent] and is_alike and not is_named[parent]:
                join(parent, index, first)
    groups = _sorted_groups(parents, computed, [group_of(index, first) for index in range(len(parents))], late)
    if groups is None:  # two groups need each other: the values come as they were computed
        groups = [list(run) for _, run in groupby(computed, key=card_of.__getitem__)]
    return groups


def _sorted_groups(
    parents: Parents, computed: Sequence[int], key: Sequence[int], late: Collection[int]
) -> list[list[int]] | None:
    members: dict[int, list[int]] = {}
    for index in computed:
        members.setdefault(key[index], []).append(index)
    before: dict[int, set[int]] = {
        own: {key[parent] for index in group for parent in parents[index] if parents[parent]} - {own}
        for own, group in members.items()
    }
    after: dict[int, list[int]] = {own: [] for own in members}
    for own, needed in before.items():
        for other in needed:
            after[other].append(own)
    waiting = {own: len(needed) for own, needed in before.items()}
    ready = [(own in late, own) for own, count in waiting.items() if not count]
    heapq.heapify(ready)
    found = []
    while ready:
        _, own = heapq.heappop(ready)
        found.append(members[own])
        for user in after[own]:
            waiting[user] -= 1
            if not waiting[user]:
                heapq.heappush(ready, (user in late, user))
    return found if len(found) == len(members) else None
