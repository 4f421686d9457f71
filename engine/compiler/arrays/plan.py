"""A plan: the array instructions of the forward program."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import repeat
from operator import itemgetter
from typing import Any, NamedTuple


@dataclass(eq=False)
class Array:
    """One array of the program. Shapes: (lanes, examples) if batched, else (lanes,)."""

    lanes: int
    batched: bool
    name: str = ""
    given: str = ""  # of an input: the text of what the caller gave, with a lane in each row
    whole_numbers: bool = False  # whether it is an input of integers

    def some_lanes(self, indices: Iterable[int]) -> Iterator[Lane]:
        """These lanes; many of them take half the time that calls of Lane would take."""
        return map(_lane, zip(repeat(self), indices))


class Lane(NamedTuple):
    """One row of an array: a scalar of the traced function, for all examples."""

    array: Array
    index: int  # type: ignore[assignment]  # it hides tuple.index


_lane: Any = partial(tuple.__new__, Lane)
Operand = Lane | float
LanesByArray = Mapping[Array | None, tuple[Sequence[int], Sequence[int]]]


@dataclass(eq=False)
class Step:
    """One array instruction: the same work on each lane of its target.

    An operation of the table: `operands[i]` holds argument i of every lane.
    "dot", a complete grid: the left factors, row by row, and the right ones, column by column; `sizes` is (rights,
    lefts, width). The lanes of its target are those of the first left side, then those of the second, and so on.
    "products": the left and the right factors; `sizes` is that of the Products, and `axes` the order of its results.
    "sum" and logsumexp: all terms, lane by lane; `sizes` says how many each lane has. If they are `across`, the first
    terms of all lanes come first, then the second ones, and so on.
    pick: all choices, lane by lane, and the indices; `sizes` says how many choices each lane has.
    """

    kind: Any  # the operation, "sum", "dot" or "products"
    target: Array
    operands: list[list[Operand]]
    sizes: tuple[int, ...] = ()
    stands_for: list[int] = field(default_factory=list)  # its results, and the parts of its sums: places in the code
    across: bool = False
    axes: str = "gij"


@dataclass
class Plan:
    """The instructions in order, the arrays that come in, and the operands that go out."""

    steps: list[Step]
    inputs: list[Array]
    theta: Array
    outputs: list[Operand]


def by_array(operands: Sequence[Operand]) -> LanesByArray:
    """For each array, the positions at which its lanes are among the operands, and the lanes; for None, the numbers."""
    given: Any = operands
    with suppress(TypeError, IndexError):  # of a number, which is no pair, and of no operands
        arrays = list(map(itemgetter(0), given))
        if arrays.count(arrays[0]) == len(arrays):  # as most are; the loop would take five times the time
            return {arrays[0]: (range(len(arrays)), list(map(itemgetter(1), given)))}
    groups: dict[Array | None, tuple[list[int], list[int]]] = {}
    positions, lanes = list[int](), list[int]()
    last: Any = groups  # something that is neither an array nor None
    for position, operand in enumerate(operands):
        array, lane = operand if operand.__class__ is Lane else (None, 0)
        if array is not last:
            positions, lanes = groups.setdefault(array, ([], []))
            last = array
        positions.append(position)
        lanes.append(lane)
    return groups
