"""The text of long chains: what repeats is written as a loop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..scalar.code import Code, Scalar
from ..scalar.repeats import Loop, Repeats, ordered

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
    slower = floats and len(places) < LARGE and found.smallest < SMALL
    return straight if slower or not found.loops else _Writer(found, names, uses).blocks()


class _Writer:
    """The blocks of a code with loops."""

    def __init__(self, found: Repeats, names: dict[int, str], uses: list[int]) -> None:
        self.found, self.names, self.uses, self.places = found, names, uses, found.places
        self.orders: list[list[int]] = []
        self.kept: set[int] = set()  # the last positions of the lines whose results are kept in a list
        for position in np.flatnonzero(found.apart & (found.owners < 0)).tolist():
            uses[self.places[position]] = 2
        for loop in found.loops:
            alone: Any = loop.rows(found.apart).any(axis=0)
            self.orders.append(self._order(loop, alone))
            for place, is_alone in zip(self.places[loop.last : loop.end], alone.tolist()):
                uses[place] = 1 + is_alone
            later = found.read_later(loop)
            inner = found.results[(found.results >= loop.start) & (found.results < loop.last)]
            for positions in (found.reads[later], inner):
                self.kept.update((loop.last + np.unique((positions - loop.start) % loop.size)).tolist())
            outside = found.reads[later & (found.owners[found.readers] < 0)]
            for position in {*outside.tolist(), *inner.tolist()}:
                names[self.places[position]] = self._name(position)

    def _order(self, loop: Loop, alone: NDArray[np.bool_]) -> list[int]:
        """The lines in an order in which what reads a number of the repetition before stands above its successor."""
        within, across = self.found.dependences(loop)
        reader = dict(within)
        ends = []
        for line, read in across:
            end = line
            while not alone[end]:  # it stands inside of another line
                end = reader[end]
            if end != read:
                ends.append((end, read))
        order = ordered(loop.size, [*within, *ends])
        if order is None:
            alone[[line for line, _ in across]] = True
            order = ordered(loop.size, [*within, *across])
        assert order is not None  # because the loop was taken
        return order

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
        found, start = list[Block](), 0
        for loop, order in zip(self.found.loops, self.orders):
            found += [self._alone(start, loop.start), self._loop(loop, order)]
            start = loop.end
        found.append(self._alone(start, len(self.places)))
        return found

    def _alone(self, start: int, end: int) -> Block:
        return Block(zip(self.places[start:end], self.found.arguments[start:end]))

    def _loop(self, loop: Loop, order: Sequence[int]) -> Block:
        reads, names, places = self.found.columns(loop), self.names, self.places
        head, lists, body = list[str](), dict[str, str](), []
        for line in order:
            given: list[Any] = []
            column = self.found.starts[loop.start + line] - self.found.starts[loop.start]
            for i, argument in enumerate(self.found.arguments[loop.last + line], column):
                first, read = int(reads[0, i]), int(reads[-1, i])
                step = int(reads[1, i]) - first
                if first >= 0 and read < loop.start:  # in another loop, or before all
                    name = self._name(read) if step == 0 else f"v{places[read]}"
                    if step:
                        lists[name] = self._slice(first, read, step)
                    argument = ~len(names)
                    names[argument] = name
                elif loop.last - loop.size <= read < loop.last:  # in the repetition before
                    argument = places[read + loop.size]
                    start = f"{names[argument]} = {self._name(first)}"
                    head += [start] * (start not in head)
                given.append(argument)
            body.append((places[loop.last + line], tuple(given)))
        kept = [names[places[position]] for position in range(loop.last, loop.end) if position in self.kept]
        head += [f"{name}s = []" for name in kept]
        head += _head(loop.times, lists)
        repeated = {places[loop.last + i]: places[loop.start + i : loop.end : loop.size] for i in range(loop.size)}
        return Block(body, head, [f"{name}s.append({name})" for name in kept], repeated)

    def _slice(self, first: int, last: int, step: int) -> str:
        """The elements of a list that an argument reads, one after the other."""
        loop = self.found.loops[self.found.owners[first]]
        line, step = (first - loop.start) % loop.size, step // loop.size
        start, end = (first - loop.start) // loop.size, (last - loop.start) // loop.size + step
        name = f"{self.names[self.places[loop.last + line]]}s"
        if (start, end, step) == (0, loop.times, 1):
            return name
        if (start, end, step) == (loop.times - 1, -1, -1):
            return f"reversed({name})"
        return f"{name}[{start}:{end if end >= 0 else ''}:{step}]"


def _head(times: int, lists: dict[str, str]) -> list[str]:
    """The lines with which a loop begins; `lists`: what its variables read, one element after the other."""
    if not lists:
        return [f"for _ in range({times}):"]
    names, texts = ", ".join(lists), ", ".join(lists.values())
    if len(lists) == 1:
        return [f"for {names} in {texts}:"]
    if len(names) + len(texts) < WIDTH:
        return [f"for {names} in zip({texts}):"]
    return ["for (", *_indented(names), ") in zip(", *_indented(texts), "):"]


def _indented(text: str) -> list[str]:
    return wrap(text, WIDTH, initial_indent="        ", subsequent_indent="        ", break_on_hyphens=False)
