"""The mean of the output over the examples: where the output is a sum, the means of its parts are added up."""

from __future__ import annotations

from typing import Any, NamedTuple

from ...ops import add, subtract
from . import plan as planned
from .forward import Forward
from .ir import Array, Number, Operand, Rows
from .plan import Lane, Plan
from .rules import number_of


class Part(NamedTuple):
    """One part of the mean: an operand that is the same for all examples, or the sum of the products of two of them.

    The choices of a pick, times its table, have its label, which is checked if the mean is nan.
    """

    sign: str
    operands: tuple[Any, ...]
    factors: tuple[float, ...] = ()  # numbers that it is multiplied with
    label: Rows | None = None


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
    todo: list[tuple[Any, str, tuple[float, ...]]] = [(output, "+", ())]
    while todo:
        operand, sign, factors = todo.pop()
        array: Any = operand.array if isinstance(operand, Rows) else None
        if array is None:
            parts.append(Part(sign, (operand,)))
        elif not array.batched:
            number = number_of(array.args[1]) if array.op == "multiply" else None
            if number is None:
                parts.append(Part(sign, array.args if array.op == "inner" else (operand,), factors))
            else:  # a constant factor is written into the text
                [x, _] = array.args
                todo.append((x if x.count == 1 else x.row(operand.start), sign, (*factors, number)))
        elif array.lanes == 1 and array.op in ("add", "subtract"):
            first, second = array.args
            other = sign if array.op == "add" else "-" if sign == "+" else "+"
            if array.op == "subtract" and (entropy := _cross_entropy(forward, first, second)):
                parts.append(Part(other, entropy))
            else:
                todo += [(second, other, ()), (first, sign, ())]
        elif array in forward.picks:  # a product of the choices and the table
            step, choices, label = forward.picks[array]
            _needs_no_check(forward, array)
            choices = forward.program.full(choices, step.sizes[0], True)
            parts.append(Part(sign, (choices, forward.hot(array)), label=label))
        else:
            parts.append(Part(sign, (operand, Number(1.0, -1))))
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


def _needs_no_check(forward: Forward, picked: Array) -> None:
    """If a label is out of range, the mean is nan, and the labels are checked then."""
    [index] = picked.args[1].array.args
    if index.array in forward.checked:
        forward.checked.remove(index.array)
