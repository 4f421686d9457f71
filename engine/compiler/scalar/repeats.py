"""What repeats in straight-line code, such as the steps of a long chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, pairwise, repeat
from math import lcm
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .code import Code, Ref, Scalar

WORTH = 100  # so many instructions have to be in the repetitions of a loop ...
OFTEN = 4  # ... and it repeats at least so often
WINDOW = 4  # so many instructions have to be alike before a repetition is looked for
LONGEST = 3000  # instructions in what repeats
NEXT = 4  # of what is alike, so many that follow are looked at
SIZES = 64  # so many distances between them are tried
AT_ONCE = 24  # a shorter loop of which nothing but the end is read does several repetitions at once
MIXED = np.cumprod(np.full(WINDOW, 0x9E3779B97F4A7C1))  # odd numbers, whose multiples spread over all numbers

Places = NDArray[np.int64]


class Loop(NamedTuple):
    """Instructions from `start` on: so many, and how often they repeat, each time with arguments at even distances."""

    start: int
    size: int
    times: int

    @property
    def last(self) -> int:
        """Where the last repetition begins."""
        return self.start + self.size * (self.times - 1)

    @property
    def end(self) -> int:
        return self.start + self.size * self.times

    @property
    def repetitions(self) -> Places:
        """For each instruction, where its repetition begins."""
        return np.arange(self.start, self.end, self.size).repeat(self.size)

    def rows(self, of: NDArray[Any]) -> NDArray[Any]:
        """What is known of each instruction (a column) in each repetition (a row)."""
        return of[self.start : self.end].reshape(self.times, self.size)

    def together(self, count: int) -> Loop:
        """So many repetitions as one; what is left over stands alone."""
        return Loop(self.start, self.size * count, self.times // count)


class Instructions:
    """Instructions of a code, as arrays, and what repeats in them. A position is one in the list of these instructions.

    An argument reads an element of an array: 0, all results; or another one, such as an input. In each repetition, it
    reads one of the same array, further on by a distance that stays the same, and may be 0.
    """

    def __init__(
        self, code: Code, places: Sequence[int], results: Sequence[Scalar],
        leaves: Mapping[int, tuple[int, int]] | None = None, worth: int = WORTH,
    ) -> None:  # fmt: skip
        """`places`: where the instructions stand in the code. `worth`: so many have to be in a loop.

        `leaves`: for each place that is none of these, its array, a negative number, and its element; then each
        repetition may have numbers of its own, too. Without it, each leaf and each number is an array by itself.
        """
        count, leaf = len(places), ~np.arange(len(code.operations))
        self.places, self.worth = places, worth
        self.arguments = list(map(code.arguments.__getitem__, places))
        self.lengths = np.fromiter(map(len, self.arguments), np.int64, count)
        self.starts = np.concatenate([[0], np.cumsum(self.lengths)])
        self.readers = np.repeat(np.arange(count), self.lengths)
        self.positions, array_of = leaf.copy(), leaf.copy()  # of each place of the code; negative where it is a leaf
        for place, (array, element) in (leaves or {}).items():
            self.positions[place], array_of[place] = ~element, array
        self.positions[places], array_of[places] = np.arange(count), 0
        flat: list[Any] = list(chain.from_iterable(self.arguments))
        is_number = np.fromiter(map(isinstance, flat, repeat(float)), bool, len(flat))
        values = np.array(flat, float)
        self.reads, self.arrays = np.full(len(flat), -1), np.full(len(flat), -1)  # the element, and its array
        read = values[~is_number].astype(np.int64)
        self.reads[~is_number], self.arrays[~is_number] = self.positions[read], array_of[read]
        if leaves is None:
            numbers = np.unique(values[is_number].view(np.int64), return_inverse=True)[1]
            self.reads[is_number] = self.arrays[is_number] = ~(numbers + len(code.operations))
        inner = self.reads >= 0
        self.edges = self.reads[inner], self.readers[inner]  # each result that is read, and its reader
        self.uses = np.bincount(self.edges[0], minlength=count)  # by how many arguments each is read
        given = [int(self.positions[result.place]) for result in results if isinstance(result, Ref)]
        self.results = np.array([position for position in given if position >= 0], np.int64)
        self.last_readers = np.zeros(count, np.int64)
        self.last_readers[self.edges[0]] = self.edges[1]
        self.last_readers[self.results] = count
        self.operations = np.fromiter(map(id, map(code.operations.__getitem__, places)), np.int64, count)
        fixed = np.add.reduceat(self.arrays * MIXED[1], self.starts[:-1])
        self.kinds = (self.operations + self.lengths) * MIXED[0] + fixed

    def columns(self, loop: Loop) -> Places:
        """What each argument (a column) reads in each repetition (a row)."""
        return self.reads[self.starts[loop.start] : self.starts[loop.end]].reshape(loop.times, -1)

    def candidates(self) -> list[Loop]:
        """What may be a loop. Of two that overlap, the one that saves more instructions is taken first."""
        found, count = list[tuple[int, int, int, int]](), len(self.operations)
        for size in self._sizes():
            least = max(self.worth, OFTEN * size)
            differs = np.flatnonzero(self.kinds[size:] != self.kinds[:-size])
            for start, end in _stretches(0, differs, count - size, least - size):
                even = _stretches(start, self._uneven(start, end, size), end - size, least - 2 * size)
                found += [(first - last - size, size, first, last + 2 * size) for first, last in even]
        chosen, taken = list[Loop](), np.zeros(count, bool)
        for _, size, start, end in sorted(found):
            gone = start + np.flatnonzero(taken[start:end])
            for first, last in _stretches(start, gone, end, max(self.worth, OFTEN * size)):
                loop = self._where_it_begins(first, last, size)
                taken[loop.start : loop.end] = True
                chosen.append(loop)
        return sorted(chosen)

    def _sizes(self) -> list[int]:
        """How far apart instructions often stand that are alike, and begin with some others that are alike, too."""
        count = max(len(self.operations) - WINDOW + 1, 0)
        windows = sum(self.kinds[i : count + i] * MIXED[i] for i in range(WINDOW))
        order = np.argsort(windows, kind="stable")
        windows, often = windows[order], np.zeros(LONGEST + 1, np.int64)
        for k in range(1, NEXT + 1):
            apart = (order[k:] - order[:-k])[windows[k:] == windows[:-k]]
            often += np.bincount(apart[apart <= LONGEST], minlength=LONGEST + 1)
        return [int(size) for size in np.argsort(-often, kind="stable")[:SIZES] if often[size]]

    def _uneven(self, start: int, end: int, size: int) -> Places:
        """Which instructions, of those that are like the ones `size` later, are not followed by arguments at even
        distances."""
        for known in (self.operations, self.lengths):
            if (known[start:end] != known[start + size : end + size]).any():  # two kinds may have one number
                return np.arange(start, end)
        first, second, last = self.starts[[start, start + size, end + size]]
        distance, reads, arrays = second - first, self.reads[first:last], self.arrays[first:last]
        steps, moved = reads[distance:] - reads[:-distance], arrays[distance:] != arrays[:-distance]
        uneven = (steps[distance:] != steps[:-distance]) | moved[distance:] | moved[:-distance]
        found: Places = self.readers[first : last - 2 * distance][uneven]
        return found

    def _where_it_begins(self, start: int, end: int, size: int) -> Loop:
        """The loop of these instructions, from that one on before which the fewest results are still to be read.
        One that is read once counts twice: it would need no line of its own."""
        times, left = divmod(end - start, size)
        middle, count, at = start + times // 2 * size, 3 * size, np.arange(size)
        until = np.minimum(self.last_readers[middle : middle + size] - middle, at + 2 * size)
        weights = 1 + (self.uses[middle : middle + size] == 1)
        began, ended = (np.bincount(places + 1, weights, count + 1)[:count] for places in (at, until))
        alive = np.cumsum(began - ended).reshape(3, size).sum(axis=0)
        return Loop(start + left - int(np.argmin(alive[left::-1])), size, times)

    def _worth_it(self, loop: Loop) -> bool:
        return loop.times >= OFTEN and loop.times * loop.size >= self.worth

    def leaving(self, groups: NDArray[Any]) -> NDArray[np.bool_]:
        """Which results are read in another group of instructions than their own, or given away."""
        (reads, readers), found = self.edges, np.zeros(len(self.operations), bool)
        found[self.results] = True
        found[reads[groups[reads] != groups[readers]]] = True
        return found


class Repeats(Instructions):
    """The loops of a code, in a text of which each number has a name: of what no instruction computes, one name is one
    number, and an argument that moves reads one line of the same or of another loop."""

    def __init__(self, code: Code, places: Sequence[int], results: Sequence[Scalar]) -> None:
        super().__init__(code, places, results)
        self.owners = np.full(len(places), -1)  # the loop that each instruction is part of
        self.loops: list[Loop] = []
        for candidate in self.candidates():
            loop = self._part(candidate)
            if self._worth_it(loop):
                self.owners[loop.start : loop.end] = len(self.loops)
                self.loops.append(loop)

    def _part(self, loop: Loop) -> Loop:
        """The repetitions of the loop in which each argument that moves reads one line of another loop; none if the
        text cannot say it."""
        if not self._worth_it(loop):
            return loop
        reads, sizes = self.columns(loop), np.array([*(other.size for other in self.loops), 1])
        steps = reads[1] - reads[0]
        own = (steps == loop.size) & (reads[-1] >= loop.start)
        back = (loop.start - reads[0][own].min(initial=loop.start - 1) - 1) // loop.size + 1  # repetitions
        others = (steps != 0) & ~own
        moved = sizes[self.owners[reads[loop.times // 2, others]]]
        whole = lcm(*(moved // np.gcd(moved, steps[others])).tolist())  # then each moves by whole repetitions
        if (count := -(-int(back) // whole) * whole) > 1:
            return self._part(loop.together(count))
        owners, apart = self.owners[reads[:, others]], loop.rows(self.apart([loop]))
        alike = np.hstack([owners, apart & ~apart[loop.times // 2]])
        cuts = [0, *np.flatnonzero((alike[1:] != alike[:-1]).any(axis=1)) + 1, loop.times]
        first, end = max(pairwise(cuts), key=lambda cut: cut[1] - cut[0])
        loop = Loop(loop.start + loop.size * first, loop.size, end - first)
        series = set(zip(reads[first].tolist(), reads[end - 1].tolist()))
        if (
            (owners[first] < 0).any()
            or (steps[others] % sizes[owners[first]]).any()
            or len({last for _, last in series}) < len(series)  # one name may not be two numbers
        ):
            return loop._replace(times=0)
        at = np.arange(len(self.places))
        if others.any() or self.leaving((at >= loop.start) & (at < loop.end))[loop.start : loop.last].any():
            return loop
        return loop.together(max(min(AT_ONCE // loop.size, loop.times // OFTEN), 1))

    def apart(self, loops: Sequence[Loop]) -> NDArray[np.bool_]:
        """Which results have lines of their own if these are the loops: they are not read once, and that in the same
        repetition."""
        repetitions = np.full(len(self.places), -1)
        for loop in loops:
            repetitions[loop.start : loop.end] = loop.repetitions
        found: NDArray[np.bool_] = (self.uses != 1) | self.leaving(repetitions)
        return found


def _stretches(start: int, breaks: Places, end: int, least: int) -> list[tuple[int, int]]:
    """Where at least so many instructions stand side by side without a break: the first one, and the end."""
    bounds = np.concatenate([[start - 1], breaks, [end]])
    wide = np.flatnonzero(np.diff(bounds) > least)
    return list(zip((bounds[wide] + 1).tolist(), bounds[wide + 1].tolist()))
