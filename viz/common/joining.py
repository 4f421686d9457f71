"""Indices that are joined into groups, two at a time; a group is known by its smallest index."""

from __future__ import annotations


def group_of(index: int, first: list[int]) -> int:
    """The smallest index of the group. `first` has for each index an earlier one of its group, or the index itself.

    >>> first = list(range(4))
    >>> join(3, 1, first)
    >>> [group_of(index, first) for index in range(4)]
    [0, 1, 2, 1]
    """
    while first[index] != index:
        first[index] = first[first[index]]  # so that the way is shorter next time
        index = first[index]
    return index


def join(one: int, other: int, first: list[int]) -> None:
    """Make one group of those of the two indices."""
    one, other = group_of(one, first), group_of(other, first)
    first[max(one, other)] = min(one, other)
