"""The text of long chains: what repeats is written as a loop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import Any, NamedTuple

import numpy as np

from ..scalar.code import Code, Scalar
from ..scalar.repeats import Loop, Repeats

MANY = 1500, 300  # instructions on floats, and on columns; a shorter text has no loops
SMALL, LARGE = 5, 5000  # instructions; on floats, a loop of fewer is slower than its lines if the text has fewer
WIDTH = 100  # characters


class Block(NamedTuple):
    """Lines of a text: a loop, or instructions that stand alone. In a loop, they are those of the last repetition."""

    body: Iterable[tuple[int, tuple[Any, ...]]]  # the places of the instructions, and their arguments
    head: Sequence[str] = ()
    tail: Sequence[str] = ()  # these lines stand in the loop, too
    repeated: dict[int, Sequence[int]] | None = None  # for each place, those of all repetitions


def blocks(
    code: Code, places: Sequence[int], results: Sequence[Scalar], names: dict[int, str], uses: list[int], floats: bool
) -> list[Block]:
    """The instructions at these places, which are no leaves, as blocks.

    A name stands for one number of the code: in a loop, for that of the last repetition. What is read of the others is
    kept in a list. Where that is so, `names` and `uses` are changed: what is used twice gets a line of its own.
    """
    straight = [Block(zip(places, map(code.arguments.__getitem__, places)))]
    if len(places) < MANY[not floats]:
        return straight
    found = Repeats(code, places, results)
    smallest = min([loop.size for loop in found.loops], default=0)
    slower = floats and len(places) < LARGE and smallest < SMALL
    return straight if slower or not found.loops else _Writer(found, names, uses).blocks()


class _Writer:
    """The blocks of a code with loops."""

    def __init__(self, found: Repeats, names: dict[int, str], uses: list[int]) -> None:
        self.found, self.names, self.uses, self.places = found, names, uses, found.places
        self.kept: set[int] = set()  # the last positions of the lines whose results are kept in a list
        alone, read, shown = found.apart(found.loops), found.leaving(found.owners), found.owners < 0
        for loop in found.loops:
            last = slice(loop.last, loop.end)
            shown[last], alone[last] = True, loop.rows(alone).any(axis=0)
            self.kept.update((np.flatnonzero(loop.rows(read)[:-1].any(axis=0)) + loop.last).tolist())
        for position in np.flatnonzero(shown).tolist():
            uses[self.places[position]] = 1 + int(alone[position])
        named = np.concatenate([found.reads[found.owners[found.readers] < 0], found.results])
        named = named[named >= 0]
        for position in np.unique(named[found.owners[named] >= 0]).tolist():
            names[self.places[position]] = self._name(position)

    def _name(self, position: int) -> str:
        """The name of a result, or an element of the list in which it is kept."""
        owner = self.found.owners[position]
        if owner >= 0:
            loop = self.found.loops[owner]
            if loop.start <= position < loop.last:
                times, line = divmod(position - loop.start, loop.size)
                return f"{self.names[self.places[loop.last + line]]}s[{times}]"
        return self.names[self.places[position]]

    def blocks(self) -> list[Block]:
        """All blocks, in order."""
        found, start, alone = list[Block](), 0, list(zip(self.places, self.found.arguments))
        for loop in self.found.loops:
            found += [Block(alone[start : loop.start]), self._loop(loop)]
            start = loop.end
        return [*found, Block(alone[start:])]

    def _loop(self, loop: Loop) -> Block:
        reads, names, places = self.found.columns(loop), self.names, self.places
        before, lists, body = self._before(loop), dict[str, str](), []
        for position in range(loop.last, loop.end):
            given: list[Any] = []
            column = self.found.starts[position] - self.found.starts[loop.last]
            for i, argument in enumerate(self.found.arguments[position], column):
                first, read = int(reads[0, i]), int(reads[-1, i])
                step = int(reads[1, i]) - first
                if read in before or 0 <= first < loop.start:
                    name = before.get(read) or (f"v{places[read]}" if step else self._name(read))
                    if step and read not in before:
                        lists[name] = self._slice(first, read, step)
                    argument = ~len(names)
                    names[argument] = name
                given.append(argument)
            body.append((places[position], tuple(given)))
        kept = [names[places[position]] for position in range(loop.last, loop.end) if position in self.kept]
        head = [f"{name} = {self._name(read - loop.last + loop.start)}" for read, name in before.items()]
        head += [*(f"{name}s = []" for name in kept), *_head(loop.times, lists)]
        after = {name: names[places[read + loop.size]] for read, name in before.items()}
        tail = [f"{name}s.append({name})" for name in kept]
        tail += [f"{name} = {now}" for name, now in after.items() if name != now]
        repeated = {places[loop.last + i]: places[loop.start + i : loop.end : loop.size] for i in range(loop.size)}
        return Block(body, head, tail, repeated)

    def _before(self, loop: Loop) -> dict[int, str]:
        """What the last repetition reads of the one before, and its name there: that of its successor, unless a line
        below the successor's reads it, too."""
        found, ends = self.found, dict[int, int]()  # of what is read: its last reader that stands alone
        for position in range(loop.end - 1, loop.last - 1, -1):
            end = position if self.uses[self.places[position]] > 1 else ends[position]
            for read in found.reads[found.starts[position] : found.starts[position + 1]].tolist():
                ends[read] = max(end, ends.get(read, end))
        before = {}
        for read in range(loop.last - loop.size, loop.last):
            if read in ends:
                below = ends[read] > read + loop.size
                before[read] = f"v{self.places[read]}" if below else self.names[self.places[read + loop.size]]
        return before

    def _slice(self, first: int, last: int, step: int) -> str:
        """The elements of a list that an argument reads, one after the other."""
        loop = self.found.loops[self.found.owners[first]]
        line, step = (first - loop.start) % loop.size, step // loop.size
        start, end = (first - loop.start) // loop.size, (last - loop.start) // loop.size + step
        name = f"{self.names[self.places[loop.last + line]]}s"
        if (start, end, step) == (0, loop.times, 1):
            return name
        return f"{name}[{start}:{end if end >= 0 else ''}:{step}]"


def _head(times: int, lists: dict[str, str]) -> list[str]:
    """The lines with which a loop begins; `lists`: what its variables read, one element after the other."""
    names, texts = ", ".join(lists) or "_", ", ".join(lists.values()) or f"range({times})"
    if len(names) + len(texts) > WIDTH:
        return ["for (", *_indented(names), ") in zip(", *_indented(texts), "):"]
    return [f"for {names} in zip({texts}):" if len(lists) > 1 else f"for {names} in {texts}:"]


def _indented(text: str) -> list[str]:
    return wrap(text, WIDTH, initial_indent="        ", subsequent_indent="        ", break_on_hyphens=False)
