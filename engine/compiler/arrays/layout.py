"""What is settled about the arrays of a plan before a line is written: their names, and how they lie in memory."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from ...op import Op
from . import ir
from .plan import Array, Lane, Plan, by_array

MANY_FEATURES = 32  # from here on it takes longer to transpose an input than to multiply it with an example in each row


def name_arrays(plan: Plan) -> None:
    """Name the arrays as textbooks do: z1 = W1 @ h0, h1 = tanh(z1), …"""
    numbers: dict[Array, int] = {}  # the products that no activation was applied to so far
    products = count(1)
    for position, step in enumerate(plan.steps):
        step.target.name = f"v{position + 1}"
        if step.kind == "dot":
            numbers[step.target] = number = next(products)
            step.target.name = f"z{number}"
        elif isinstance(step.kind, Op) and len(step.operands) == 1:
            [source, *others] = by_array(step.operands[0])
            if source and not others and (number := numbers.pop(source, 0)):
                step.target.name = f"h{number}"


def name_the_rest(code: Iterable[ir.Array], constants: str = "t") -> None:
    """Give each array a name of its own: t1, t2, … where textbooks have none. Constants have a letter of their own."""
    taken, numbers = {"theta", "n"}, {"t": count(1), constants: count(1)}
    unnamed = []
    for array in code:
        if not array.name or (array.name in taken and array.op != "theta"):
            unnamed.append(array)
        taken.add(array.name)
    for array in unnamed:
        letter = constants if array.op == "numbers" else "t"
        while not array.name or array.name in taken:
            array.name = f"{letter}{next(numbers[letter])}"
        taken.add(array.name)


def examples_in_rows(plan: Plan) -> set[Array]:
    """The wide inputs that are only used as the right side of products: they stay as given, with an example a row."""
    wide = {array for array in plan.inputs if array.lanes >= MANY_FEATURES}
    if wide:
        wide -= {array for step in plan.steps for i, operands in enumerate(step.operands)
                 if step.kind != "dot" or (i and step.sizes[0] > 1) for array in by_array(operands)}  # fmt: skip
    return wide - {output.array for output in plan.outputs if isinstance(output, Lane)}
