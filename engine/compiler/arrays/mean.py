"""The mean of the output over the examples: where the output is a sum, the means of its parts are added up."""

from __future__ import annotations

from typing import Any, NamedTuple

from ...ops import add, subtract
from . import plan as planned
from .forward import Forward
from .ir import Array, Number, Operand, Rows, is_batched
from .plan import Lane, Plan


class Part(NamedTuple):
    """One part of the mean, which is a "number"; the product of two operands, "dot"; the same, "picked" by a label; a
    "row", times 1 / n; or what is the same for all examples: the "inner" product of two operands, or one "fixed" row.
    """

    sign: str
    kind: str
    operands: tuple[Any, ...]
    factors: tuple[float, ...] = ()  # of what is the same for all examples
    label: Rows | None = None  # of "picked"


def mean_parts(plan: Plan) -> list[planned.Array]:
    """The output, and what it is the sum or the difference of: if one of these is nan, the mean is nan."""
    makers = {step.target: step for step in plan.steps}
    parts: list[planned.Array] = []
    todo = [plan.outputs[0]]
    while todo:
        operand = todo.pop()
        if isinstance(operand, Lane) and operand.array.lanes == 1:
            parts.append(operand.array)
            maker = makers.get(operand.array)
            if maker is not None and (maker.kind is add or maker.kind is subtract):
                todo += [operands[0] for operands in maker.operands]
    return parts


def mean(forward: Forward, output: Operand) -> list[Part]:
    """The parts whose means add up to that of the output."""
    parts: list[Part] = []
    todo: list[tuple[Operand, str]] = [(output, "+")]
    while todo:
        operand, sign = todo.pop()
        array: Any = operand.array if isinstance(operand, Rows) else None
        if array is not None and is_batched(operand) and array.lanes == 1 and array.op in ("add", "subtract"):
            first, second = array.args
            both = is_batched(first) and is_batched(second)
            if not both or first.array in forward.picks or second.array in forward.picks:
                other = sign if array.op == "add" else "-" if sign == "+" else "+"
                if array.op == "subtract" and (entropy := _cross_entropy(forward, first, second)):
                    parts.append(Part(other, "dot", entropy))
                else:
                    todo += [(second, other), (first, sign)]
                continue
        parts.append(_part(forward, operand, sign))
    return parts


def _cross_entropy(forward: Forward, first: Operand, second: Operand) -> tuple[Operand, Operand] | None:
    """What to multiply for the mean of second - first; None if they are no pick and no logsumexp of one cross-entropy.

    The largest logit, which is subtracted from both, cancels and is left out.
    """
    if not isinstance(second, Rows) or second.array not in forward.picks or not isinstance(first, Rows):
        return None
    if forward.logsumexp_of(second.array) is not first.array:
        return None
    shifted, log, step = forward.shifted[first.array]
    width = step.sizes[0]
    _needs_no_check(forward, second.array)
    both = forward.program.write("scatter", [shifted, log], width + 1, True, (tuple(range(width)), (width,)))
    return both, forward.hot(second.array).array.whole


def _part(forward: Forward, operand: Operand, sign: str) -> Part:
    if isinstance(operand, Number):
        return Part(sign, "number", (operand,))
    if not operand.array.batched:
        return _fixed(operand, sign)
    if operand.array in forward.picks:  # a product of the choices and the table; with the label, to check that
        step, choices, label = forward.picks[operand.array]
        _needs_no_check(forward, operand.array)
        choices = forward.program.full(choices, step.sizes[0], True)
        return Part(sign, "picked", (choices, forward.hot(operand.array)), label=label)
    return Part(sign, "row", (operand,))  # times 1 / n


def _fixed(operand: Rows, sign: str) -> Part:
    """What is the same for all examples; a constant factor, or a sum of products, is written into the text."""
    array = operand.array
    if array.op == "multiply" and isinstance(array.args[1], Number) and array.args[1].power == 0:
        x = array.args[0]
        inner = _fixed(x if x.count == 1 else x.row(operand.start), sign)
        return inner._replace(factors=(array.args[1].number, *inner.factors))
    if array.op == "inner":
        return Part(sign, "inner", array.args)
    return Part(sign, "fixed", (operand,))


def _needs_no_check(forward: Forward, picked: Array) -> None:
    """If a label is out of range, the mean is nan, and the labels are checked then."""
    [index] = picked.args[1].array.args
    if index.array in forward.checked:
        forward.checked.remove(index.array)
