"""Whole functions as array programs: what is computed, and what of it is returned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .derive import differentiate
from .forward import Forward, array_program
from .ir import ZERO, Array, Operand, Rows, is_batched
from .layout import name_the_rest
from .place import needed
from .plan import Plan
from .program import Program


@dataclass(frozen=True)
class Function:
    """The instructions of one function in order, of which every array has a name of its own; `results`: see there."""

    name: str
    code: list[Array]
    inputs: list[Array]
    results: list[Operand | None]
    still: Sequence[int] = ()  # the parameters whose gradient is 0.0


def whole(plan: Plan, name: str, without_gradient: Sequence[int] = ()) -> Function:
    """The function of that name, exact for infinite logits; it checks the indices of every pick."""
    forward = array_program(plan)
    inputs = [forward.arrays[given] for given in plan.inputs]
    found = results(forward, name)
    roots = [each.array for each in found if isinstance(each, Rows)]
    code = needed(forward.program.code, [*roots, *forward.checked])
    name_the_rest(code)
    return Function(name, code, inputs, found, without_gradient if name == "value_and_grad" else ())


def results(forward: Forward, name: str) -> list[Operand | None]:
    """What the function of that name returns; what is needed for it is added to the program.

    "value": the outputs. "value_and_grad": the output, of which the mean is wanted, and the gradient of that mean.
    "per_example": the gradient of each example. "input_gradients": a gradient for each input, of all its lanes; None
    for one of integers. A gradient that is a number is that number in all lanes.
    """
    theta, program, inputs = forward.theta, forward.program, forward.plan.inputs
    if name == "value":
        return [*forward.outputs]
    [output] = forward.outputs
    if name == "input_gradients":
        wanted = [forward.arrays[given] for given in inputs if given.lanes and not given.whole_numbers]
        found = dict(zip(wanted, differentiate(forward, output, wanted, 0)))
        gradients = {array: _full(program, slope, array, True) for array, slope in found.items()}
        return [None if one.whole_numbers else gradients.get(forward.arrays[one], ZERO) for one in inputs]
    each = name == "per_example"
    [slope] = differentiate(forward, output, [theta], -1 if is_batched(output) and not each else 0, each)
    gradient = _full(program, slope, theta, each)
    return [gradient] if each else [output, gradient]


def _full(program: Program, gradient: Operand, array: Array, batched: bool) -> Operand:
    return gradient if gradient == ZERO else program.full(gradient, array.lanes, batched)
