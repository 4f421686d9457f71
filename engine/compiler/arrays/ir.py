"""What an array program is made of: instructions, each of which makes one array, and their operands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..literals import evenly, literal, slice_literal
from .plan import Step


class Array:
    """One instruction, and the array that it makes: `lanes` rows, each of them n numbers if it is batched.

    Its op is the name of one of NumPy's ufuncs, a row of the table that is made of something else, or one of the words
    in WORDS.
    """

    __slots__ = ("args", "batched", "extra", "lanes", "name", "ones", "op", "reads", "steps", "writes")

    def __init__(self, op: Any, args: tuple[Operand, ...], lanes: int, batched: bool, extra: tuple[Any, ...]) -> None:
        self.op, self.lanes, self.batched, self.extra = op, lanes, batched, extra
        self.work_on(args)
        self.name = ""  # as in a textbook; if it has none, it gets a number in the text
        self.ones = 0  # how many rows of ones stand behind its lanes, so that a bias can be a column of the weights
        self.steps: tuple[Step, ...] = ()  # the instructions of the plan that it belongs to
        self.writes: tuple[list[bool], bool, bool] | None = None  # of a scatter: what `place` has found about its parts

    @property
    def whole(self) -> Rows:
        return Rows(self, 0, 1, self.lanes)

    def work_on(self, args: tuple[Operand, ...]) -> None:
        """Give it these operands. Their arrays are listed once, since many passes ask for them."""
        self.args: tuple[Any, ...] = args  # which of them can only be Rows, its op says
        self.reads = [a.array for a in args if isinstance(a, Rows)]


class Rows(NamedTuple):
    """An operand: evenly spaced rows of an array."""

    array: Array
    start: int
    step: int
    count: int  # type: ignore[assignment]  # it hides tuple.count

    @property
    def complete(self) -> bool:
        return self.start == 0 and self.count == self.array.lanes

    @property
    def places(self) -> range:
        """Which rows of its array they are."""
        return range(self.start, self.start + self.step * self.count, self.step)

    def row(self, index: int) -> Rows:
        return Rows(self.array, self.start + self.step * index, 1, 1)


class Number(NamedTuple):
    """An operand: number · n^power in each row, for each example."""

    number: float
    power: int = 0


Operand = Rows | Number
ZERO, ONE = Number(0.0), Number(1.0)

WORDS = {
    "theta": "the parameters",
    "input": "what the caller gives, with an example in each column",
    "numbers": "constants, a number for each lane",
    "full": "its argument, repeated to so many lanes and examples",
    "take": "these lanes of its argument, in any order",
    "scatter": "its arguments, each put in places of its own; where two meet, they add up, and elsewhere there is 0",
    "matmul": "the product of a matrix with its right sides, which stand side by side",
    "outer": "what a product passes back to its matrix",
    "back": "what a product passes back to its right sides",
    "einsum": "the product of two arrays with named axes, summed over those axes that the result lacks",
    "sum": "the sums of so many rows each, which stand together; or across: first come the first rows of all sums",
    "divisors": "n times the sum of its rows, as often as it has rows, and below them the sum",
    "inner": "the sum of all products of two rows of parameters",
    "largest": "the largest of so many rows each, which may stand across, too",
    "beside": "several arrays as one: a window on their memory, in which they lie one below the other, with their ones",
    "examples": "the sum over the examples",
    "index": "the indices of a pick as integers, after a check that each of them exists",
    "flat": "where what is picked stands in the flattened choices",
    "pick": "what stands there",
    "put": "an array that holds its argument there, and 0 elsewhere",
    "hot": "1 / n where the label is the row's number, and 0 elsewhere",
}  # fmt: skip


def shown(operand: Operand, name: str = "") -> str:
    """An operand as text; `name` is that of its array."""
    if isinstance(operand, Rows):
        return name if operand.complete else name + (slice_literal(operand.places) or "")
    power = f" {'*' if operand.power > 0 else '/'} n" if operand.power else ""
    return literal(operand.number) + power + f"**{abs(operand.power)}" * (abs(operand.power) > 1)


def lines(code: Sequence[Array]) -> list[str]:
    """The instructions as text. An array that has no name is called a and its place."""
    names = {array: array.name or f"a{place}" for place, array in enumerate(code)}
    return [
        f"{names[array]} = {getattr(array.op, 'name', array.op)}("
        + ", ".join(shown(a, names[a.array] if isinstance(a, Rows) else "") for a in array.args)
        + f")  # {array.lanes}{' × n' * array.batched}"
        for array in code
    ]


def rows(array: Array, indices: Sequence[int]) -> Rows | None:
    """These rows as an operand; None if they are not evenly spaced."""
    found = evenly(indices)
    return None if found is None else Rows(array, found.start, found.step, len(found))


def is_batched(operand: Operand | None) -> bool:
    return isinstance(operand, Rows) and operand.array.batched
