"""Stage 2: from traced Values to a list of instructions, simplified; and the backward program from the same rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...graph import needs_row, topological_order
from ...op import Op
from ...operators import Operators
from ...ops import add, multiply
from ...value import Value
from ..trace.tape import raw

Term = Any  # a Ref, or a float


class Ref(Operators):
    """The result of an instruction; the rules of the table run on it and so write further instructions."""

    __slots__ = ("code", "place")

    def __init__(self, code: Code, place: int) -> None:
        self.code = code
        self.place = place

    @classmethod
    def __apply__(cls, op: Op, arguments: Sequence[Term]) -> Term:
        code = next(argument.code for argument in arguments if isinstance(argument, Ref))
        return code.apply(op, arguments)


class Code:
    """Instructions in order: an operation on earlier results and numbers. None is written twice."""

    def __init__(self) -> None:
        self.operations: list[Op | str] = []  # a string: the name of an input or a parameter
        self.arguments: list[tuple[int | float, ...]] = []  # an int is a place, a float a number
        self.batched: list[bool] = []  # whether it differs from example to example
        self.labels: list[str] = []  # of the scalar node that it stands for
        self.others: dict[int, list[str]] = {}  # of further ones: all are the same number
        self._known: dict[tuple[Any, ...], int] = {}

    def leaf(self, name: str, batched: bool, label: str = "") -> int:
        return self._write(name, name, (), batched, label)

    def _write(self, key: Any, op: Op | str, arguments: tuple[int | float, ...], batched: bool, label: str) -> int:
        place = self._known.get(key)
        if place is None:
            place = self._known[key] = len(self.operations)
            self.operations.append(op)
            self.arguments.append(arguments)
            self.batched.append(batched)
            self.labels.append(label)
        elif label:
            self.others.setdefault(place, []).append(label)
        return place

    def nodes(self, place: int) -> list[str]:
        """The scalar nodes that it stands for, by their labels; an instruction of the backward program has none."""
        first = self.labels[place]
        return [first, *self.others.get(place, ())] if first else self.others.get(place, [])

    def put(self, op: Op, arguments: tuple[int | float, ...], label: str = "") -> int | float:
        """The place of op's result; a number where all arguments are; an argument where op leaves it as it is."""
        batched, numbers = False, 0
        for argument in arguments:
            if argument.__class__ is float:
                numbers += 1
            elif self.batched[argument]:  # type: ignore[index]
                batched = True
        if not numbers:
            return self._write((op, arguments), op, arguments, batched, label)
        if numbers == len(arguments):
            return constant(op, arguments)
        for place, neutral in enumerate(op.neutral):
            if arguments[place] == neutral and arguments[place].__class__ is float:
                return arguments[1 - place]
        if 0.0 in arguments:  # or the first place; 0.0 and -0.0 are equal, but not the same constant
            return self._write((op, *map(repr, arguments)), op, arguments, batched, label)
        if len(arguments) == 2:  # one of them is a number
            return self._write((op, arguments, arguments[0].__class__), op, arguments, batched, label)
        return self._write((op, arguments, *map(type, arguments)), op, arguments, batched, label)  # 1.0 is no place

    def apply(self, op: Op, arguments: Sequence[Term]) -> Term:
        """The same, for rules: of Refs and numbers."""
        result = self.put(op, tuple([a.place if isinstance(a, Ref) else float(a) for a in arguments]))
        return Ref(self, result) if result.__class__ is int else result


def constant(op: Op, numbers: Sequence[float]) -> float:
    """What NumPy gives: a compiled program follows IEEE 754."""
    if "np." not in op.numpy:
        try:
            return float(op.on_arrays(*numbers))  # Python's operators give the same, raise, or turn complex
        except (ArithmeticError, TypeError):
            pass
    with np.errstate(all="ignore"):
        return float(op.on_arrays(*map(np.float64, numbers)))


def lower(
    outputs: Sequence[Value], inputs: Sequence[Value], parameters: Sequence[Value], tape: Sequence[Value] = ()
) -> tuple[Code, list[Term], list[Value]]:
    """The code that computes the outputs, where they are in it, and the Values that are constants in it.

    The inputs come first in it, then the parameters. The tape has nodes in the order in which they were made; what is
    older stands on no tape.
    """
    code, constants = Code(), list[Value]()
    terms: dict[int, int | float] = {}
    for prefix, batched, leaves in (("x", True, inputs), ("p", False, parameters)):
        for i, value in enumerate(leaves):
            terms[id(value)] = code.leaf(f"{prefix}{i}", batched, value.label)

    def term(value: Any) -> int | float:
        """Of a number, or of a Value that is on no tape."""
        if value.__class__ is float:
            return value
        for node in () if id(value) in terms else topological_order(value):
            if id(node) not in terms and node.operation is None:
                constants.append(node)
                terms[id(node)] = raw(node)
            elif id(node) not in terms:
                write(node, needs_row(node, "compile"), node.arguments)
        return terms[id(value)]

    def write(node: Value, op: Op, arguments: Sequence[Any]) -> None:
        try:
            places = tuple([a if a.__class__ is float else terms[id(a)] for a in arguments])
        except KeyError:
            places = tuple(map(term, arguments))
        terms[id(node)] = code.put(op, places, node.label or op.micrograd or op.name)

    for made in _reached(outputs, tape):
        write(*made)
    places = tuple([term(output) for output in outputs])
    return code, [Ref(code, place) if place.__class__ is int else place for place in places], constants


def _reached(outputs: Sequence[Value], tape: Sequence[Any]) -> list[tuple[Value, Op, tuple[Any, ...]]]:
    """The nodes on the tape that the outputs are made of, with their rows and arguments."""
    wanted = {id(output) for output in outputs}
    two = {op for op in {node.operation for node in tape} if op.arity == 2}
    found: list[tuple[Value, Op, tuple[Any, ...]]] = []
    for node in reversed(tape):
        if id(node) in wanted:
            op, more = node.operation, node._more
            if more is None:
                more = (node._left, node._right) if op in two else (node._left,)
            found.append((node, op, more))
            wanted.update(map(id, more))
    return found[::-1]


def differentiate(code: Code, output: Term, wanted: Sequence[int]) -> list[Term]:
    """Write the backward program of one output behind the code; the slopes to the inputs and parameters there."""
    if not isinstance(output, Ref):
        return [0.0] * len(wanted)
    reached = bytearray(len(code.operations))
    for leaf in wanted:
        reached[leaf] = True
    for place, arguments in enumerate(code.arguments[: output.place + 1]):
        for a in arguments:
            if a.__class__ is int and reached[a]:
                reached[place] = True
    upstream: dict[int, Term] = {output.place: 1.0} if reached[output.place] else {}
    for place in reversed(range(output.place + 1)):
        op, above = code.operations[place], upstream.get(place)
        if above is None or isinstance(op, str):
            continue
        terms, out = [Ref(code, a) if a.__class__ is int else a for a in code.arguments[place]], Ref(code, place)
        slopes = op.partials(out, *terms) if callable(op.partials) else None
        for i, a in enumerate(code.arguments[place]):
            if a.__class__ is float or not reached[a]:  # type: ignore[index]
                continue
            slope = op.partials[i](out, *terms) if slopes is None else slopes[i]  # type: ignore[index]
            if slope.__class__ is float and slope == 0.0:
                continue
            both_numbers = slope.__class__ is above.__class__ is float
            passed = slope * above if both_numbers else code.apply(multiply, (slope, above))
            before = upstream.get(a)  # type: ignore[arg-type]
            upstream[a] = passed if before is None else code.apply(add, (before, passed))  # type: ignore[index]
    return [upstream.get(leaf, 0.0) for leaf in wanted]
