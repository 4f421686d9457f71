"""An array program while it is written: no instruction twice, and each as simple as the rules make it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...op import Op
from ...operators import Operators
from ..expression import as_ufuncs, spelled
from .ir import Array, Number, Operand, Rows, is_batched, lines, rows
from .plan import Step
from .rules import RULES, left_as_it_is


class Program:
    """The instructions in order."""

    def __init__(self) -> None:
        self.code: list[Array] = []
        self.step: Step | None = None  # the instruction of the plan that is being written
        self._known: dict[tuple[Any, ...], Array] = {}

    def write(self, op: Any, args: Sequence[Operand], lanes: int, batched: bool, *extra: Any) -> Rows:
        """The array that the instruction makes; if there is such an instruction already, nothing is written."""
        key = (op, lanes, batched, extra, *[a if isinstance(a, Rows) else (repr(a.number), a.power) for a in args])
        array = self._known.get(key)
        if array is None:
            array = self._known[key] = Array(op, tuple(args), lanes, batched, extra)
            array.steps = (self.step,) if self.step else ()
            self.code.append(array)
        return array.whole

    def lines(self) -> list[str]:
        """The instructions as text."""
        return lines(self.code)

    def ufunc(self, name: str, *args: Operand) -> Operand:
        """What one of NumPy's functions that work number by number makes, after the rules for it."""
        if (same := left_as_it_is(name, args)) is not None:
            return same
        rule = RULES.get(name)
        if rule is not None:
            simpler = rule(self, *args)
            if simpler is not None:
                return simpler  # type: ignore[no-any-return]
        if all(isinstance(a, Number) and a.power == 0 for a in args):
            with np.errstate(all="ignore"):
                return Number(float(getattr(np, name)(*[np.float64(a.number) for a in args])))  # type: ignore[union-attr]
        return self.elementwise(name, *args)

    def elementwise(self, op: Any, *args: Operand) -> Rows:
        arrays = [a for a in args if isinstance(a, Rows)]
        lanes = max([a.count for a in arrays], default=1)
        return self.write(op, args, lanes, any(a.array.batched for a in arrays))

    def apply(self, op: Op, args: Sequence[Operand]) -> Operand:
        """What a row of the table makes, by its NumPy spelling."""
        tree = as_ufuncs(op)
        if tree is None:
            return self.elementwise(op, *args)
        return spelled(tree, args, lambda name, given: self.ufunc(name, *given), Number)

    def taken(self, x: Operand, indices: Sequence[int]) -> Operand:
        """These rows of an operand; one that is the same in all rows stays as it is."""
        if isinstance(x, Number) or x.count == 1:
            return x
        if (evenly := rows(x.array, [*map(x.places.__getitem__, indices)])) is not None:
            return evenly
        return self.write("take", [x], len(indices), x.array.batched, tuple(indices))

    def spread(self, x: Operand, sizes: Sequence[int], across: bool = False) -> Operand:
        """The rows of an operand, each repeated as often as its size says; `across`: all of them, and all again."""
        if len(sizes) == 1:
            return x
        if across:
            return self.taken(x, list(range(len(sizes))) * sizes[0])
        return self.taken(x, [i for i, size in enumerate(sizes) for _ in range(size)])

    def sums(self, x: Operand, sizes: tuple[int, ...], across: bool = False) -> Operand:
        """The sums of so many rows each; `across`: the first rows of all sums come first, then the second ones, …"""
        if isinstance(x, Number) or (x.count == 1 < sum(sizes)):
            if len(set(sizes)) == 1:
                return self.ufunc("multiply", x, Number(float(sizes[0])))
            x = self.full(x, sum(sizes), is_batched(x))
        if x.step != 1 and len(sizes) > 1:
            x = self.full(x, x.count, x.array.batched)
        inner = x.array
        if len(sizes) == 1 and not inner.batched and x.complete and inner.op in ("multiply", "square"):
            factors = inner.args * 2 if inner.op == "square" else inner.args
            if all(isinstance(a, Rows) and a.count == x.count for a in factors):
                return self.write("inner", factors, 1, False)
        if set(sizes) == {1}:
            return x
        return self.write("sum", [x], len(sizes), inner.batched, sizes, *[across] * across)

    def full(self, x: Operand, lanes: int, batched: bool) -> Rows:
        """An operand in as many rows, and for each example, in one piece of memory."""
        if isinstance(x, Rows) and x.count == lanes and x.array.batched is batched and x.step == 1:
            return x
        return self.write("full", [x], lanes, batched)


class Symbol(Operators):
    """An operand on which the rules of the table run."""

    __slots__ = ("operand", "program")

    def __init__(self, program: Program, operand: Operand) -> None:
        self.program, self.operand = program, operand

    @classmethod
    def __apply__(cls, op: Op, arguments: Sequence[Any]) -> Any:
        program = next(a.program for a in arguments if isinstance(a, Symbol))
        return symbol(program, program.apply(op, list(map(operand, arguments))))


def symbol(program: Program, operand: Operand) -> Any:
    """What the rules of the table get for an operand: a float, or a Symbol."""
    return operand.number if isinstance(operand, Number) and operand.power == 0 else Symbol(program, operand)


def operand(symbol: Any) -> Operand:
    """The operand that a rule of the table gave."""
    return symbol.operand if isinstance(symbol, Symbol) else Number(float(symbol))
