"""Whole functions as array programs, for languages other than NumPy: what is computed, and what of it is returned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .derive import differentiate
from .forward import Forward
from .ir import ZERO, Array, Number, Operand, Rows, is_batched
from .layout import name_arrays
from .place import needed
from .plan import Plan


@dataclass(frozen=True)
class Function:
    """The instructions of one function in order, of which every array has a name of its own.

    "value": `results` are the outputs. "value_and_grad": the output, of which the mean is wanted, and the gradient of
    that mean. "input_gradients": a gradient for each input, of all its lanes; None for one of integers.
    """

    name: str
    code: list[Array]
    inputs: list[Array]
    results: list[Operand | None]
    still: Sequence[int] = ()  # the parameters whose gradient is 0.0


def whole(plan: Plan, name: str, without_gradient: Sequence[int] = ()) -> Function:
    """The function of that name, exact for infinite logits; it checks the indices of every pick."""
    name_arrays(plan)
    forward = Forward(plan)
    inputs = [forward.arrays[given] for given in plan.inputs]
    results: list[Operand | None] = [*forward.outputs]
    if name == "value_and_grad":
        theta, [output] = forward.theta, forward.outputs
        [gradient] = differentiate(forward, output, [theta], -1 if is_batched(output) else 0)
        results = [output, ZERO if gradient == ZERO else forward.program.full(gradient, theta.lanes, False)]
    elif name == "input_gradients":
        wanted = [array for given, array in zip(plan.inputs, inputs) if array.lanes and not given.whole_numbers]
        found = dict(zip(wanted, differentiate(forward, forward.outputs[0], wanted, 0)))
        results = [_full(forward, found[array], array) if array in found else None for array in inputs]
    roots = [each.array for each in results if isinstance(each, Rows)]
    code = needed(forward.program.code, [*roots, *forward.checked])
    _name(code)
    return Function(name, code, inputs, results, without_gradient if name == "value_and_grad" else ())


def _full(forward: Forward, gradient: Operand, array: Array) -> Operand:
    return gradient if isinstance(gradient, Number) else forward.program.full(gradient, array.lanes, True)


def _name(code: Sequence[Array]) -> None:
    """Names as in a textbook, each once; t1, t2, … for the arrays that have none there."""
    taken, count = set[str](), 0
    for array in code:
        while not array.name or array.name in taken:
            count += 1
            array.name = f"t{count}"
        taken.add(array.name)
