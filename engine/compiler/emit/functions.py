"""Whole functions in NumPy: from a plan through all passes on arrays to the text."""

from __future__ import annotations

from collections.abc import Sequence

from ..arrays.derive import differentiate
from ..arrays.forward import Forward
from ..arrays.ir import ZERO, Array, Operand, Rows, is_batched, lines
from ..arrays.layout import examples_in_rows, name_arrays
from ..arrays.mean import mean, mean_parts
from ..arrays.plan import Plan, Step
from .numpy import LARGE, NumPy


def numpy_source(
    plan: Plan, name: str, head: str, without_gradient: Sequence[int] = (), stages: dict[str, str] | None = None
) -> tuple[str, list[tuple[str, tuple[Step, ...]]]]:
    """The text of bind(n, theta), which returns the function of that name; and its lines, each with its steps.

    The name is "value", "value_and_grad", "per_example", "input_gradients", or "careful": a value_and_grad that is
    exact for infinite logits, too, where the other one gives nan. The parameters `without_gradient` get 0.0. The array
    program after each pass is noted in `stages`.
    """
    name_arrays(plan)
    forward = Forward(plan, mean_parts(plan) if name == "value_and_grad" else ())
    if stages is not None:
        stages["forward"] = "\n".join(lines(forward.program.code))
    outputs = forward.outputs
    rowwise = {forward.arrays[array] for array in examples_in_rows(plan)}
    if name == "value":
        text = _writer(forward, outputs, rowwise)
        text.line(f"return [{', '.join(map(text.output, outputs))}]")
    elif name == "input_gradients":
        text = _input_gradients(forward, outputs[0], rowwise)
    elif name == "per_example":
        [gradient] = differentiate(forward, outputs[0], [forward.theta], 0, each=True)
        gradient = forward.program.full(gradient, forward.theta.lanes, True)
        text = _writer(forward, [gradient], rowwise)
        text.line(f"return {text.of(gradient, True)}")
    else:
        text = _value_and_grad(forward, outputs[0], rowwise, without_gradient, exact=name == "careful")
    if stages is not None:
        stages["derive"] = "\n".join(lines(forward.program.code))
        stages["place"] = "\n".join(lines(text.code))
    return text.function(head), [(line.text, line.steps) for line in text.lines]


def _writer(
    forward: Forward, results: Sequence[Operand], rowwise: set[Array], fresh: Array | None = None, exact: bool = True
) -> NumPy:
    roots = [result.array for result in results if isinstance(result, Rows)]
    return NumPy(forward.program.code, [*roots, *forward.checked], rowwise, fresh, exact)


def _input_gradients(forward: Forward, output: Operand, rowwise: set[Array]) -> NumPy:
    wanted = [forward.arrays[array] for array in forward.plan.inputs]
    found = differentiate(forward, output, [array for array in wanted if array.lanes], 0)
    gradients = dict(zip([array for array in wanted if array.lanes], found))
    full = {array: forward.program.full(g, array.lanes, True) for array, g in gradients.items() if g != ZERO}
    text = _writer(forward, list(full.values()), rowwise)
    parts = [text.of(full[array], True) if array in full else f"np.zeros(({array.lanes}, n))" for array in wanted]
    text.line(f"return [{', '.join(parts)}]")
    return text


def _value_and_grad(
    forward: Forward, output: Operand, rowwise: set[Array], without_gradient: Sequence[int], exact: bool
) -> NumPy:  # fmt: skip
    theta, power = forward.theta, -1 if is_batched(output) else 0
    [gradient] = differentiate(forward, output, [theta], power)
    parts = mean(forward, output)
    operands = [operand for part in parts for operand in part.operands[: 2 if part.kind == "picked" else None]]
    if gradient == ZERO:
        text = _writer(forward, operands, rowwise, exact=exact)
        text.line(f"return {text.mean(parts)}, np.zeros({theta.lanes})")
        return text
    whole = forward.program.full(gradient, theta.lanes, False)
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
