"""A program as plain lists of numbers and trees, for a machine that is not Python: the live page interprets them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ...op import Op
from ..expression import Tree, expression
from ..scalar.code import Code, Ref, Scalar, needed
from ..scalar.derive import Applied, differentiate

NAMES = ("value", "value_and_grad", "input_gradients", "steps")


class TapeRow(NamedTuple):
    """An operation that a tape uses."""

    op: Op
    expression: Tree

    @property
    def name(self) -> str:
        return self.op.name


class Step(NamedTuple):
    """One application of the chain rule; the numbers in it are places or, below 0, numbers, as in `Tape.arguments`."""

    giver: int
    argument: int  # which argument of the giver the receiver is
    receiver: int
    local: int
    upstream: int
    passed: int
    before: int  # the receiver's gradient before
    after: int


@dataclass(frozen=True)
class Tape:
    """Operations in order. A place is a number: first the inputs, then the parameters, then one for each operation.

    The arguments of operation i are arguments[starts[i]:starts[i + 1]]: places, or -1 - k for numbers[k].
    """

    inputs: int
    parameters: int
    rows: list[TapeRow]
    operations: list[int]  # the row of each
    starts: list[int]
    arguments: list[int]
    numbers: list[float]
    results: list[int]  # as arguments
    labels: dict[int, list[str]]  # of the places that stand for Values: the labels of these
    steps: list[Step] = field(default_factory=list)


def tape_of(
    code: Code, outputs: Sequence[Scalar], inputs: int, parameters: int, name: str = "value", output: int = 0
) -> Tape:
    """The tape that computes the outputs, or one output and its gradient: `name` is one of NAMES."""
    if name not in NAMES:
        raise ValueError(f"tape: {name!r} is not one of {', '.join(map(repr, NAMES))}")
    record: list[Applied] = []
    results, forward = list(outputs), len(code.operations)
    if name != "value":
        leaves = range(inputs) if name == "input_gradients" else range(inputs, inputs + parameters)
        results = [outputs[output], *differentiate(code, outputs[output], leaves, record if name == "steps" else None)]
    if name == "steps":
        results += outputs
    kept = {place: place for place in range(inputs + parameters)}
    for place in needed(code, [*results, *(one for applied in record for one in applied[3:])]):
        kept.setdefault(place, len(kept))
    places = list(kept)[inputs + parameters :]
    numbers: dict[str, int] = {}
    values: list[float] = []

    def at(given: Scalar) -> int:
        if given.__class__ is not float:
            return kept[given.place if isinstance(given, Ref) else given]
        known = numbers.setdefault(repr(given), len(values))  # repr, because 0.0 and -0.0 are equal
        if known == len(values):
            values.append(given)
        return -1 - known

    rows: dict[Op, int] = {}
    operations, starts, arguments = list[int](), [0], list[int]()
    for place in places:
        op = code.operations[place]
        assert isinstance(op, Op)  # only inputs and parameters are none
        operations.append(rows.setdefault(op, len(rows)))
        arguments += map(at, code.arguments[place])
        starts.append(len(arguments))
    return Tape(
        inputs, parameters, [TapeRow(op, expression(op)) for op in rows], operations, starts, arguments, values,
        [at(result) for result in results],
        {kept[place]: labels for place in kept if place < forward and (labels := code.labels_at(place))},
        [Step(kept[giver], i, kept[receiver], *map(at, rest)) for giver, i, receiver, *rest in record
         if giver in kept],
    )  # fmt: skip


def slope_expression(op: Op) -> Tree:
    """The local derivative of a row of one argument as a tree: "a0" is the argument, "a1" the output."""
    code = Code()
    argument, output = (Ref(code, code.leaf(name, True)) for name in ("a0", "a1"))
    slope = (op.quick or op.partials)[0](output, argument)  # type: ignore[index]
    return _as_tree(code, slope.place if isinstance(slope, Ref) else float(slope))


def _as_tree(code: Code, what: int | float) -> Tree:
    if isinstance(what, float):
        return what
    op = code.operations[what]
    return op if isinstance(op, str) else _replaced(expression(op), [_as_tree(code, a) for a in code.arguments[what]])


def _replaced(tree: Tree, arguments: Sequence[Tree]) -> Tree:
    """The tree with other trees in place of its arguments."""
    if isinstance(tree, str):
        return arguments[int(tree[1:])]
    return (tree[0], *(_replaced(one, arguments) for one in tree[1:])) if isinstance(tree, tuple) else tree
