"""What repeats in straight-line code, such as the steps of a long chain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from itertools import chain, pairwise, repeat
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .code import Code, Ref, Scalar

WORTH = 100  # so many instructions have to be in the repetitions of a loop ...
OFTEN = 4  # ... and it repeats at least so often
WINDOW = 4  # so many instructions have to be alike before a repetition is looked for
LONGEST = 3000  # instructions in what repeats
TRIES = 4  # periods that are looked at for each instruction
AT_ONCE = 24  # a shorter loop of which nothing but the end is read does several repetitions at once
PATIENCE = 100  # so many times what looks alike may turn out not to repeat, and then nothing more is looked for
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

    def together(self, count: int) -> Loop:
        """So many repetitions as one; what is left over stands alone."""
        return Loop(self.start, self.size * count, self.times // count)


class Repeats:
    """The loops of a code. A position is one in the list of instructions, and a negative number stands for what no
    instruction computes."""

    def __init__(self, code: Code, places: Sequence[int], results: Sequence[Scalar]) -> None:
        of_places = itemgetter(*places)
        self.places, self.arguments = places, of_places(code.arguments)
        flat: list[Any] = list(chain.from_iterable(self.arguments))
        count = len(places)
        self.lengths = np.fromiter(map(len, self.arguments), np.int64, count)
        self.starts = np.concatenate([[0], np.cumsum(self.lengths)])
        is_number = np.fromiter(map(isinstance, flat, repeat(float)), bool, len(flat))
        values = np.array(flat, float)
        positions = ~np.arange(len(code.operations))
        positions[places] = np.arange(count)
        self.reads = np.empty(len(flat), np.int64)  # the position of each argument
        self.reads[~is_number] = positions[values[~is_number].astype(np.int64)]
        numbers = np.unique(values[is_number].view(np.int64), return_inverse=True)[1]
        self.reads[is_number] = ~(numbers + len(code.operations))
        self.readers = np.repeat(np.arange(count), self.lengths)
        self.uses = np.bincount(self.reads[self.reads >= 0], minlength=count)  # by how many arguments each is read
        self.results = np.array([p for r in results if isinstance(r, Ref) and (p := positions[r.place]) >= 0], np.int64)
        self.operations = np.fromiter(map(id, of_places(code.operations)), np.int64, count)
        fixed = np.add.reduceat(np.minimum(self.reads, 0) * MIXED[1], self.starts[:-1])
        self.kinds = (self.operations + self.lengths) * MIXED[0] + fixed
        self.owners = np.full(count, -1)  # the loop that each instruction is part of
        self.loops: list[Loop] = []
        for loop in self._candidates():
            self._take(loop)
        apart = self._apart()
        self.loops = [self._several_at_once(self._without_odd_ends(loop, apart)) for loop in self.loops]
        self.owners[:] = -1
        for i, loop in enumerate(self.loops):
            self.owners[loop.start : loop.end] = i
        self.apart = self._apart()

    def columns(self, loop: Loop) -> Places:
        """What each argument (a column) reads in each repetition (a row)."""
        first, last = self.starts[loop.start], self.starts[loop.end]
        return self.reads[first:last].reshape(loop.times, -1)

    def _candidates(self) -> list[Loop]:
        count = len(self.places)
        windows = sum(self.kinds[i : count - WINDOW + i + 1] * MIXED[i] for i in range(WINDOW))
        order = np.argsort(windows, kind="stable")
        same = np.flatnonzero(windows[order[1:]] == windows[order[:-1]])
        later = np.full(count, count)  # where the same window stands next
        later[order[same]] = order[same + 1]
        following, alike, found, i, in_vain = later.tolist(), windows.tolist(), list[Loop](), 0, 0
        while i < count and in_vain < PATIENCE:
            candidate, loop = following[i], None
            for _ in range(TRIES):
                size = candidate - i
                end = i + size * (OFTEN - 1)
                if size > LONGEST or end >= len(alike):
                    break
                if alike[end] == alike[candidate + size] == alike[i]:
                    loop = self._going_on(i, size)
                    if loop is not None:
                        found.append(loop)
                        break
                    in_vain += 1
                candidate = following[candidate]
            i = i + 1 if loop is None else loop.end
        return found

    def _going_on(self, start: int, size: int) -> Loop | None:
        """How long the arguments go on at even distances; the first repetition may read something else."""
        differs = np.flatnonzero(self.kinds[start + size :] != self.kinds[start:-size])
        times = (int(differs[0]) + size if len(differs) else len(self.places) - start) // size
        if times < OFTEN:
            return None
        operations = self.operations[start : start + size * times].reshape(times, size)
        lengths = self.lengths[start : start + size * times].reshape(times, size)
        if (operations != operations[0]).any() or (lengths != lengths[0]).any():  # two kinds may have one number
            return None
        reads = self.columns(Loop(start, size, times))
        steps = np.diff(reads, axis=0)
        even = ((steps == steps[1]) & ((steps == 0) | (np.minimum(reads[1:], reads[:-1]) >= 0))).all(axis=1)
        if not even[0]:
            start, even, times = start + size, even[1:], times - 1
        times = times if even.all() else int(np.argmin(even)) + 1
        later = self._where_to_begin(Loop(start, size, times)) if times > OFTEN else 0
        loop = Loop(start + later, size, times - (later > 0))
        return loop if _worth_it(loop) else None

    def _where_to_begin(self, loop: Loop) -> int:
        """How many instructions later the loop begins if it carries as few results as can be from one repetition to
        the next. One that is read once counts twice, because it would need no line of its own."""
        second, size = loop.start + loop.size, loop.size
        of_second = slice(self.starts[second], self.starts[second + size])
        reads, readers = self.reads[of_second] - second, self.readers[of_second] - second
        own = (reads >= -size) & (self.reads[of_second] != self.reads[self.starts[loop.start] : self.starts[second]])
        reads, readers = reads[own], readers[own]
        furthest = dict(zip(reads.tolist(), readers.tolist()))  # each line's last reader
        single = self.uses[loop.start : loop.start + 2 * size].tolist()
        carried = np.zeros(2 * size + 1, np.int64)
        for read, reader in furthest.items():
            weight = 1 + (single[size + read] == 1)
            carried[size + read + 1] += weight
            carried[size + reader + 1] -= weight
        total = np.cumsum(carried)
        cost = total[:size] + total[size : 2 * size]
        return int(size - 1 - np.argmin(cost[::-1]))

    def _take(self, loop: Loop) -> None:
        """Add the loop, or a part of it in which each argument that moves reads one line of another loop."""
        reads = self.columns(loop)
        own = (reads[1] - reads[0] == loop.size) & (reads[-1] >= loop.start)
        back = (loop.start - int(reads[0][own].min(initial=loop.start)) - 1) // loop.size + 1  # repetitions
        loop = loop.together(max(back, 1))
        if loop.times > 1 and ordered(loop.size, chain(*self.dependences(loop))) is None:
            loop = loop.together(2)  # the first one reads what the second one computed
        if not _worth_it(loop):
            return
        reads = self.columns(loop)
        steps = reads[1] - reads[0]
        own = (steps == loop.size) & (reads[0] >= loop.start - loop.size)
        others = np.flatnonzero((steps != 0) & ~own)
        owners = self.owners[reads[:, others]]
        cuts = [0, *np.flatnonzero((owners[1:] != owners[:-1]).any(axis=1)) + 1, loop.times]
        first, end = max(pairwise(cuts), key=lambda cut: cut[1] - cut[0])
        loop = Loop(loop.start + loop.size * first, loop.size, end - first)
        if not _worth_it(loop) or (owners[first] < 0).any():
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
        count = len(self.places)
        repetition, total = np.zeros(count, np.int64), 1
        for loop in self.loops:
            repetition[loop.start : loop.end] = total + np.arange(loop.size * loop.times) // loop.size
            total += loop.times
        inside = self.reads >= 0
        reads, readers = self.reads[inside], self.readers[inside]
        apart: NDArray[np.bool_] = self.uses != 1
        apart[self.results] = True
        apart[reads[repetition[reads] != repetition[readers]]] = True
        return apart

    def _without_odd_ends(self, loop: Loop, apart: NDArray[np.bool_]) -> Loop:
        """The loop without its first and its last repetition if a line of these alone has to stand apart."""
        rows = apart[loop.start : loop.end].reshape(loop.times, loop.size)
        inner = rows[1:-1].any(axis=0)
        odd = [bool((row & ~inner).any()) and not self._moves_through(first, first + loop.size)
               for row, first in ((rows[0], loop.start), (rows[-1], loop.last))]  # fmt: skip
        shorter = Loop(loop.start + loop.size * odd[0], loop.size, loop.times - sum(odd))
        return shorter if _worth_it(shorter) else loop

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


def _worth_it(loop: Loop) -> bool:
    return loop.times >= OFTEN and loop.times * loop.size >= WORTH


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
