"""The backward program: what each array instruction passes back, in reverse order."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from .gradients import Gradients, modes_of
from .instructions import kind_of, write_forward
from .plan import Array, Lane, Operand, Plan
from .writer import Writer


def write_backward(gradients: Gradients, output: Operand, power: int) -> None:
    """The backward lines; the gradient with respect to the output itself is n^power."""
    if not isinstance(output, Lane) or output.array not in gradients.wanted:
        return
    writer = gradients.writer
    gradients.start(output.array, output.index, power)
    for step in reversed(writer.plan.steps):
        if step.target in gradients.collected and step.target not in gradients.targets:
            writer.step = step
            gradients.go_behind(step)
            kind_of(step).backward(gradients, step, gradients.collected[step.target])
    writer.step = None


def write_gradients(
    plan: Plan, targets: Sequence[Array], power: int, mean_parts: Collection[Array] = ()
) -> tuple[Writer, Gradients]:
    """The forward and the backward lines of the first output.

    They are written with guesses of how contributions add up, and once more if a guess was wrong.
    """
    modes: list[str] = []
    for _ in range(2):
        writer = Writer(plan, mean_parts)
        write_forward(writer)
        gradients = Gradients(writer, targets, modes)
        write_backward(gradients, plan.outputs[0], power)
        modes = modes_of(gradients.contributed, targets)
        if modes == gradients.modes:
            break
    return writer, gradients
