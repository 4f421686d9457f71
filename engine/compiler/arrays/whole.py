"""Whole functions as array programs: what is computed, and what of it is returned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .derive import differentiate
from .forward import Forward, array_program
from .ir import ZERO, Array, Operand, Rows, is_batched
from .layout import examples_in_rows, name_the_rest
from .place import needed
from .plan import Plan
from .program import Program


@dataclass(frozen=True)
class Function:
    """The instructions of one function in order, of which every array has a name of its own; `results`: see there."""

    name: str
    code: list[Array]
    inputs: list[Array]
    parameters: int
    results: list[Operand | None]
    roots: list[Array]  # what has to be computed: the results, and the indices that are checked
    rowwise: set[Array]  # the inputs that had better stay as given, with an example in each row
    still: Sequence[int] = ()  # the parameters whose gradient is 0.0

    @property
    def rows(self) -> list[int]:
        """How many lanes each result has; an input of integers has none."""
        if self.name == "input_gradients":
            return [0 if x is None else array.lanes for x, array in zip(self.results, self.inputs)]
        return [*[1] * (len(self.results) - 1), 1 if self.name == "value" else self.parameters]


def whole(plan: Plan, name: str, without_gradient: Sequence[int] = ()) -> Function:
    """The function of that name, exact for infinite logits and inputs; it checks the indices of every pick."""
    forward = array_program(plan)
    inputs = [forward.arrays[given] for given in plan.inputs]
    found = results(forward, name, True)
    roots = [*[each.array for each in found if isinstance(each, Rows)], *forward.checked]
    code = needed(forward.program.code, roots)
    name_the_rest(code)
    rowwise = {forward.arrays[array] for array in examples_in_rows(plan)}
    still = without_gradient if name == "value_and_grad" else ()
    return Function(name, code, inputs, plan.theta.lanes, found, roots, rowwise, still)


def results(forward: Forward, name: str, exact: bool) -> list[Operand | None]:
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
        found = dict(zip(wanted, differentiate(forward, output, wanted, 0, exact=exact)))
        gradients = {array: _full(program, slope, array, True) for array, slope in found.items()}
        return [None if one.whole_numbers else gradients.get(forward.arrays[one], ZERO) for one in inputs]
    each = name == "per_example"
    [slope] = differentiate(forward, output, [theta], -1 if is_batched(output) and not each else 0, each, exact)
    gradient = _full(program, slope, theta, each)
    return [gradient] if each else [output, gradient]


def _full(program: Program, gradient: Operand, array: Array, batched: bool) -> Operand:
    return gradient if gradient == ZERO else program.full(gradient, array.lanes, batched)
