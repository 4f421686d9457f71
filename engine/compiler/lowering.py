"""Stage 2: from traced Values to a list of instructions, simplified; and the backward program from the same rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph import needs_row, topological_order
from ..operators import Operators
from ..ops import add, multiply
from ..row import Op
from ..value import Value
from .tracing import raw

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
        self.nodes: list[list[str]] = []  # the scalar nodes that it stands for
        self._known: dict[tuple[Any, ...], int] = {}

    def leaf(self, name: str, batched: bool, label: str = "") -> Ref:
        return self._write(name, (), batched, label)

    def _write(self, operation: Op | str, arguments: tuple[int | float, ...], batched: bool, label: str) -> Ref:
        # 0.0 and -0.0 are equal, but no more the same constant than nan is different from itself
        key = (operation, *(repr(a) for a in arguments))
        place = self._known.setdefault(key, len(self.operations))
        if place == len(self.operations):
            self.operations.append(operation)
            self.arguments.append(arguments)
            self.batched.append(batched)
            self.nodes.append([])
        if label:
            self.nodes[place].append(label)
        return Ref(self, place)

    def apply(self, op: Op, arguments: Sequence[Term], label: str = "") -> Term:
        """The result of op; a number where all arguments are, and an argument itself where op leaves it as it is."""
        arguments = [a if isinstance(a, Ref) else float(a) for a in arguments]  # an int would be a place
        if not any(isinstance(argument, Ref) for argument in arguments):
            return constant(op, arguments)
        for place, neutral in enumerate(op.neutral):
            if isinstance(arguments[place], float) and arguments[place] == neutral:
                return arguments[1 - place]
        places = tuple(a.place if isinstance(a, Ref) else a for a in arguments)
        batched = any(self.batched[place] for place in places if isinstance(place, int))
        return self._write(op, places, batched, label)

    def refs(self, place: int) -> list[Term]:
        return [Ref(self, a) if isinstance(a, int) else a for a in self.arguments[place]]


def constant(op: Op, numbers: Sequence[float]) -> float:
    """What NumPy gives: a compiled program follows IEEE 754."""
    with np.errstate(all="ignore"):
        return float(op.on_arrays(*map(np.float64, numbers)))


def lower(
    outputs: Sequence[Value], inputs: Sequence[Value], parameters: Sequence[Value]
) -> tuple[Code, list[Term], list[Value]]:
    """The code that computes the outputs, where they are in it, and the Values that are constants in it."""
    code, terms, constants = Code(), dict[int, Term](), dict[int, Value]()
    for i, value in enumerate(inputs):
        terms[id(value)] = code.leaf(f"x{i}", True, value.label)
    for i, value in enumerate(parameters):
        terms[id(value)] = code.leaf(f"p{i}", False, value.label)
    for output in outputs:
        for node in topological_order(output):
            if id(node) in terms:
                continue
            if node.operation is None:
                constants[id(node)] = node
                terms[id(node)] = raw(node)
                continue
            op = needs_row(node, "compile")
            arguments = [terms[id(a)] if isinstance(a, Value) else a for a in node.arguments]
            terms[id(node)] = code.apply(op, arguments, node.label or node._op)
    return code, [terms[id(output)] for output in outputs], list(constants.values())


def differentiate(code: Code, output: Term, wanted: Sequence[str]) -> list[Term]:
    """Write the backward program of one output behind the code; the slopes to the inputs and parameters named."""
    if not isinstance(output, Ref):
        return [0.0] * len(wanted)
    forward = output.place + 1
    leaves = {name: place for place, name in enumerate(code.operations[:forward]) if isinstance(name, str)}
    reached = {leaves[name] for name in wanted if name in leaves}
    for place in range(forward):
        if not reached.isdisjoint(a for a in code.arguments[place] if isinstance(a, int)):
            reached.add(place)
    upstream: dict[int, Term] = {output.place: 1.0} if output.place in reached else {}
    for place in reversed(range(forward)):
        op, above = code.operations[place], upstream.get(place)
        if above is None or isinstance(op, str):
            continue
        arguments = code.refs(place)
        slopes = op.partials(Ref(code, place), *arguments) if callable(op.partials) else None
        for i, argument in enumerate(arguments):
            if not isinstance(argument, Ref) or argument.place not in reached:
                continue
            slope = op.partials[i](Ref(code, place), *arguments) if slopes is None else slopes[i]  # type: ignore[index]
            if isinstance(slope, float) and slope == 0.0:
                continue
            passed = code.apply(multiply, (slope, above))
            before = upstream.get(argument.place)
            upstream[argument.place] = passed if before is None else code.apply(add, (before, passed))
    return [upstream.get(leaves[name], 0.0) if name in leaves else 0.0 for name in wanted]
