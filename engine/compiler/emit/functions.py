"""Whole functions in NumPy: from a plan through all passes on arrays to the text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..arrays.forward import Forward
from ..arrays.ir import Array, Operand, Rows, lines
from ..arrays.layout import examples_in_rows
from ..arrays.mean import mean, mean_parts
from ..arrays.plan import Plan, Step
from ..arrays.whole import results
from .numpy import LARGE, NumPy


def numpy_source(
    plan: Plan, name: str, head: str, without_gradient: Sequence[int] = (), stages: dict[str, str] | None = None
) -> tuple[str, list[tuple[str, tuple[Step, ...]]]]:
    """The text of bind(n, theta), which returns the function of that name; and its lines, each with its steps.

    The name is "value", "value_and_grad", "per_example", "input_gradients", or "careful": a value_and_grad that is
    exact for infinite logits, too, where the other one gives nan. The parameters `without_gradient` get 0.0. The array
    program after each pass is noted in `stages`.
    """
    forward = Forward(plan, mean_parts(plan) if name == "value_and_grad" else (), name != "value")
    if stages is not None:
        stages["forward"] = "\n".join(lines(forward.program.code))
    found: Any = results(forward, name)
    rowwise = {forward.arrays[array] for array in examples_in_rows(plan)}
    if name in ("value_and_grad", "careful"):
        text = _value_and_grad(forward, found[0], found[1], rowwise, without_gradient, exact=name == "careful")
    else:
        text = _writer(forward, found, rowwise)
        if name == "value":
            returned = ", ".join(map(text.output, found))
        else:
            given = [plan.theta] if name == "per_example" else plan.inputs
            returned = ", ".join(
                "None" if x is None else text.of(x, True) if isinstance(x, Rows) else f"np.zeros(({array.lanes}, n))"
                for x, array in zip(found, given)
            )
        text.line(f"return {returned}" if name == "per_example" else f"return [{returned}]")
    if stages is not None:
        stages["derive"] = "\n".join(lines(forward.program.code))
        stages["place"] = "\n".join(lines(text.code))
    return text.function(head), [(line.text, line.steps) for line in text.lines]


def _writer(
    forward: Forward, wanted: Sequence[Operand], rowwise: set[Array], fresh: Array | None = None, exact: bool = True
) -> NumPy:
    roots = [one.array for one in wanted if isinstance(one, Rows)]
    return NumPy(forward.program.code, [*roots, *forward.checked], rowwise, fresh, exact)


def _value_and_grad(
    forward: Forward, output: Operand, whole: Rows, rowwise: set[Array], without_gradient: Sequence[int], exact: bool
) -> NumPy:  # fmt: skip
    theta = forward.theta
    parts = mean(forward, output)
    operands = [operand for part in parts for operand in part.operands[: 2 if part.kind == "picked" else None]]
    if not isinstance(whole, Rows):
        text = _writer(forward, operands, rowwise, exact=exact)
        text.line(f"return {text.mean(parts)}, np.zeros({theta.lanes})")
        return text
    returned_where_written = theta.lanes > LARGE and whole.array.op not in ("scatter", "full")
    if returned_where_written or not whole.complete or whole.array.op in ("theta", "numbers"):
        whole = forward.program.write("full", [whole], theta.lanes, False)
    whole.array.name = whole.array.name or "dtheta"
    fresh = whole.array if theta.lanes > LARGE else None
    text = _writer(forward, [whole, *operands], rowwise, fresh, exact)
    result = text.of(whole, False)
    if without_gradient:
        indices = text.constant(f"np.array({list(without_gradient)})")
        text.line(f"{result}[{indices}] = 0.0", "requires_grad=False")
    last = text.lines[-1]
    returned = result if fresh else f"{result}.copy()"
    if not fresh and last.text.startswith("add(") and last.text.endswith(f", {result})"):  # a new sum needs no copy
        text.lines.pop()
        returned = last.text.removesuffix(f", {result})") + ")"
    text.line(f"return {text.mean(parts)}, {returned}", "the mean, and its gradient")
    return text
