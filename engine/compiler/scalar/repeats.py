"""What repeats in straight-line code, such as the steps of a long chain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from itertools import chain, pairwise, repeat
from math import lcm
from operator import itemgetter
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
ENDS = 3  # repetitions at each end that may be left out of a loop
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
    """Instructions in order, as arrays, and what repeats in them. A position is one in this order.

    An argument reads an element of an array: 0, all results; or another one, such as an input. In each repetition, it
    reads one of the same array, further on by a distance that stays the same, and may be 0.
    """

    def __init__(
        self, operations: Sequence[Any], lengths: Iterable[int], reads: Places, arrays: Places, results: Places,
        worth: int,
    ) -> None:  # fmt: skip
        """`reads`, `arrays`: which element of which array each argument reads. One that is no result is negative.

        `lengths`: how many arguments each instruction has. `results`: the positions of those that are given away."""
        count = len(operations)
        self.reads, self.arrays, self.results, self.worth = reads, arrays, results, worth
        self.lengths = np.fromiter(lengths, np.int64, count)
        self.starts = np.concatenate([[0], np.cumsum(self.lengths)])
        self.readers = np.repeat(np.arange(count), self.lengths)
        self.uses = np.bincount(reads[reads >= 0], minlength=count)  # by how many arguments each is read
        self.operations = np.fromiter(map(id, operations), np.int64, count)
        fixed = np.add.reduceat(arrays * MIXED[1], self.starts[:-1])
        self.kinds = (self.operations + self.lengths) * MIXED[0] + fixed

    def columns(self, loop: Loop, of: Places | None = None) -> Places:
        """What each argument (a column) reads in each repetition (a row); or what else is known of it."""
        first, last = self.starts[loop.start], self.starts[loop.end]
        return (self.reads if of is None else of)[first:last].reshape(loop.times, -1)

    def candidates(self) -> list[Loop]:
        """What may be a loop. Of two that overlap, the one that saves more instructions is taken first."""
        found, explained, count = list[tuple[int, int, int]](), list[tuple[int, int, int]](), len(self.operations)
        for size in sorted(self._sizes()):
            least = max(self.worth, OFTEN * size)
            multiple = [(start, end) for start, end, other in explained if size % other == 0]
            differs = np.flatnonzero(self.kinds[size:] != self.kinds[:-size])
            for start, end in _stretches(0, differs, count - size, least - size):
                if any(first <= start and end + size <= last for first, last in multiple):
                    continue
                even = _stretches(start, self._uneven(start, end, size), end - size, least - 2 * size)
                found += [(first, last + 2 * size, size) for first, last in even]
                if len(even) == 1 and end - start - even[0][1] + even[0][0] - size < least:
                    explained.append((start, end + size, size))  # in twice the size there is nothing more
        chosen, taken = list[Loop](), np.zeros(count, bool)
        for start, end, size in sorted(found, key=lambda found: (found[0] - found[1] + found[2], found[2])):
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
        """The loop of these instructions, from that one on for which it carries as few results as can be from one
        repetition to the next. One that is read once counts twice, because it would need no line of its own."""
        times, left = divmod(end - start, size)
        second = start + size
        of_second = slice(self.starts[second], self.starts[second + size])
        reads, readers = self.reads[of_second] - second, self.readers[of_second] - second
        own = (reads >= -size) & (self.reads[of_second] != self.reads[self.starts[start] : self.starts[second]])
        reads, readers = reads[own], readers[own]
        furthest = dict(zip(reads.tolist(), readers.tolist()))  # each line's last reader
        single = self.uses[start : start + 2 * size].tolist()
        carried = np.zeros(2 * size + 1, np.int64)
        for read, reader in furthest.items():
            weight = 1 + (single[size + read] == 1)
            carried[size + read + 1] += weight
            carried[size + reader + 1] -= weight
        total = np.cumsum(carried)
        cost = (total[:size] + total[size : 2 * size])[: left + 1]
        later = left - int(np.argmin(cost[::-1]))
        return Loop(start + later, size, times)

    def _worth_it(self, loop: Loop) -> bool:
        return loop.times >= OFTEN and loop.times * loop.size >= self.worth

    def leaving(self, groups: Places) -> NDArray[np.bool_]:
        """Which results are read in another group of instructions than their own, or given away."""
        inside = self.reads >= 0
        reads, readers = self.reads[inside], self.readers[inside]
        found = np.zeros(len(self.operations), bool)
        found[self.results] = True
        found[reads[groups[reads] != groups[readers]]] = True
        return found


class Repeats(Instructions):
    """The loops of a code, in a text of which each number has a name: of what no instruction computes, one name is one
    number, and an argument that moves reads one line of the same or of another loop."""

    def __init__(self, code: Code, places: Sequence[int], results: Sequence[Scalar]) -> None:
        of_places, count = itemgetter(*places), len(places)
        self.places, self.arguments = places, of_places(code.arguments)
        flat: list[Any] = list(chain.from_iterable(self.arguments))
        is_number = np.fromiter(map(isinstance, flat, repeat(float)), bool, len(flat))
        values = np.array(flat, float)
        positions = ~np.arange(len(code.operations))
        positions[places] = np.arange(count)
        reads = np.empty(len(flat), np.int64)
        reads[~is_number] = positions[values[~is_number].astype(np.int64)]
        numbers = np.unique(values[is_number].view(np.int64), return_inverse=True)[1]
        reads[is_number] = ~(numbers + len(code.operations))
        given = np.array([p for r in results if isinstance(r, Ref) and (p := positions[r.place]) >= 0], np.int64)
        super().__init__(
            of_places(code.operations), map(len, self.arguments), reads, np.minimum(reads, 0), given, WORTH
        )
        self.owners = np.full(count, -1)  # the loop that each instruction is part of
        self.loops: list[Loop] = []
        for loop in self.candidates():
            self._take(loop)
        self.smallest = min([loop.size for loop in self.loops], default=0)  # instructions in one repetition
        apart = self._apart()
        self.loops = [self._several_at_once(self._without_odd_ends(loop, apart)) for loop in self.loops]
        self.owners[:] = -1
        for i, loop in enumerate(self.loops):
            self.owners[loop.start : loop.end] = i
        self.apart = self._apart()

    def _take(self, loop: Loop) -> None:
        """Add the loop, or a part of it in which each argument that moves reads one line of another loop."""
        reads = self.columns(loop)
        steps = reads[1] - reads[0]
        own = (steps == loop.size) & (reads[-1] >= loop.start)
        back = (loop.start - int(reads[0][own].min(initial=loop.start)) - 1) // loop.size + 1  # repetitions
        others = (steps != 0) & ~own
        sizes = np.array([*(other.size for other in self.loops), 1])[self.owners[reads[loop.times // 2, others]]]
        whole = lcm(*set((sizes // np.gcd(sizes, steps[others])).tolist()))  # then each moves by whole repetitions
        loop = loop.together(max(-(-back // whole), 1) * whole)
        if loop.times > 1 and ordered(loop.size, chain(*self.dependences(loop))) is None:
            loop = loop.together(2)  # the first one reads what the second one computed
        if not self._worth_it(loop):
            return
        reads = self.columns(loop)
        steps = reads[1] - reads[0]
        own = (steps == loop.size) & (reads[0] >= loop.start - loop.size)
        others = np.flatnonzero((steps != 0) & ~own)
        owners = self.owners[reads[:, others]]
        cuts = [0, *np.flatnonzero((owners[1:] != owners[:-1]).any(axis=1)) + 1, loop.times]
        first, end = max(pairwise(cuts), key=lambda cut: cut[1] - cut[0])
        loop = Loop(loop.start + loop.size * first, loop.size, end - first)
        if not self._worth_it(loop) or (owners[first] < 0).any():
            return
        reads = reads[first:end]
        series = set(zip(reads[0][others].tolist(), reads[-1][others].tolist()))
        ends = {last for _, last in series}  # one name may not be two numbers
        if (
            (steps[others] % [self.loops[owner].size for owner in owners[first]]).any()
            or len(ends) < len(series)
            or not ends.isdisjoint(reads[0][steps == 0].tolist())
        ):
            return
        self.owners[loop.start : loop.end] = len(self.loops)
        self.loops.append(loop)

    def dependences(self, loop: Loop) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Pairs of a line and another one that reads it; and of a line and another one that it reads, which holds the
        number of the repetition before."""
        second, within, across = loop.start + loop.size, list[tuple[int, int]](), list[tuple[int, int]]()
        of_second = slice(self.starts[second], self.starts[second + loop.size])
        for read, reader in zip(self.reads[of_second].tolist(), (self.readers[of_second] - second).tolist()):
            if read >= second:
                within.append((read - second, reader))
            elif read >= loop.start and read - loop.start != reader:
                across.append((reader, read - loop.start))
        return within, across

    def read_later(self, loop: Loop) -> NDArray[np.bool_]:
        """Which arguments outside of the loop read what another repetition than the last one computes."""
        outside = (self.readers < loop.start) | (self.readers >= loop.end)
        return outside & (self.reads >= loop.start) & (self.reads < loop.last)

    def _apart(self) -> NDArray[np.bool_]:
        """Which results have lines of their own: they are not read once, and that in the same repetition."""
        repetitions = np.full(len(self.places), -1)
        for loop in self.loops:
            repetitions[loop.start : loop.end] = loop.repetitions
        found: NDArray[np.bool_] = (self.uses != 1) | self.leaving(repetitions)
        return found

    def _without_odd_ends(self, loop: Loop, apart: NDArray[np.bool_]) -> Loop:
        """The loop without its first and its last repetitions if a line of these alone has to stand apart."""
        rows, ends = loop.rows(apart), min(ENDS, (loop.times - 1) // 2)
        odd: Any = (rows & ~rows[ends:-ends].any(axis=0)).any(axis=1)
        first = max([i + 1 for i in range(ends) if odd[i]], default=0)
        last = max([i + 1 for i in range(ends) if odd[-1 - i]], default=0)
        if first and self._moves_through(loop.start, loop.start + loop.size * first):
            first = 0
        if last and self._moves_through(loop.end - loop.size * last, loop.end):
            last = 0
        shorter = Loop(loop.start + loop.size * first, loop.size, loop.times - first - last)
        return shorter if self._worth_it(shorter) else loop

    def _moves_through(self, first: int, end: int) -> bool:
        """Whether an argument of a loop reads one of these, and others in its other repetitions."""
        for loop in self.loops:
            reads = self.columns(loop)
            moving = reads[:, (reads[1] != reads[0]) & (reads[1] < loop.start)]
            if ((moving >= first) & (moving < end)).any():
                return True
        return False

    def _several_at_once(self, loop: Loop) -> Loop:
        """A short loop of which nothing but the end is read, with several repetitions as one."""
        reads = self.columns(loop)
        steps, together = reads[1] - reads[0], min(AT_ONCE // loop.size, loop.times // OFTEN)
        inner = (self.results >= loop.start) & (self.results < loop.last)
        if together < 2 or ((steps != 0) & (steps != loop.size)).any() or inner.any() or self.read_later(loop).any():
            return loop
        return loop.together(together)


def _stretches(start: int, breaks: Places, end: int, least: int) -> list[tuple[int, int]]:
    """Where at least so many instructions stand side by side without a break: the first one, and the end."""
    bounds = np.concatenate([[start - 1], breaks, [end]])
    wide = np.flatnonzero(np.diff(bounds) > least)
    return list(zip((bounds[wide] + 1).tolist(), bounds[wide + 1].tolist()))


def ordered(count: int, pairs: Iterable[tuple[int, int]]) -> list[int] | None:
    """So many lines, of each pair the first one above the second one; None if that cannot be.

    >>> ordered(3, [(1, 0)]), ordered(2, [(0, 1), (1, 0)])
    ([1, 0, 2], None)
    """
    below: list[list[int]] = [[] for _ in range(count)]
    above = [0] * count
    for first, second in pairs:
        below[first].append(second)
        above[second] += 1
    ready, order = [line for line in range(count) if not above[line]], list[int]()
    while ready:
        line = heappop(ready)
        order.append(line)
        for other in below[line]:
            above[other] -= 1
            if not above[other]:
                heappush(ready, other)
    return order if len(order) == count else None
