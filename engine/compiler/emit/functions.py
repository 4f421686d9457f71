"""Whole functions in NumPy: from a plan through all passes on arrays to the text."""

from __future__ import annotations

from collections.abc import Sequence
from operator import add
from typing import Any

from ..arrays.beside import beside
from ..arrays.forward import Forward, array_program
from ..arrays.ir import Array, Operand, Rows, lines
from ..arrays.layout import examples_in_rows, name_the_rest
from ..arrays.mean import Part, mean, mean_parts
from ..arrays.place import Placement, needed, place
from ..arrays.plan import Plan, Step
from ..arrays.whole import results
from .numpy import NumPy

LARGE = 10_000  # a gradient of more numbers is written where it is returned; to copy a smaller one takes less time


def numpy_source(
    plan: Plan, name: str, head: str, without_gradient: Sequence[int] = (), stages: dict[str, str] | None = None
) -> tuple[str, list[tuple[str, tuple[Step, ...]]]]:
    """The text of bind(n, theta), which returns the function of that name; and its lines, each with its steps.

    The name is "value", "value_and_grad", "per_example", "input_gradients", or "careful": a value_and_grad that is
    exact for infinite logits, and for inputs that are nan where nothing chooses them, too; the other one gives nan
    there. The parameters `without_gradient` get 0.0. The array program after each pass is noted in `stages`.
    """
    exact = name != "value_and_grad"
    forward = array_program(plan, () if exact else mean_parts(plan), divides=name != "value")
    _note(stages, "forward", forward.program.code)
    found: list[Any] = results(forward, name, exact)
    parts = mean(forward, found.pop(0)) if name in ("value_and_grad", "careful") else []
    fresh = None
    if parts and isinstance(found[0], Rows):
        found = [_gradient(forward, found[0])]
        fresh = found[0].array if found[0].count > LARGE else None
    rowwise = {forward.arrays[array] for array in examples_in_rows(plan)}
    read = [*found, *(each for part in parts for each in part.operands)]
    roots = {*forward.checked, *(each.array for each in read if isinstance(each, Rows))}
    code = needed(forward.program.code, roots)
    name_the_rest(code, constants="c")
    _note(stages, "derive", forward.program.code)
    code = beside(code, roots, {fresh, *rowwise})
    _note(stages, "join", code)
    placement = place(code, roots, {fresh, *rowwise})
    _note(stages, "place", code, placement)
    text = NumPy(code, placement, rowwise, fresh, exact)
    if parts:
        _return_gradient(text, parts, found[0], forward, without_gradient)
    elif name == "value":
        text.line(f"return [{', '.join(map(text.output, found))}]")
    else:
        arrays = [plan.theta] if name == "per_example" else plan.inputs
        given = ", ".join(
            "None" if x is None else text.of(x, True) if isinstance(x, Rows) else f"np.zeros(({array.lanes}, n))"
            for x, array in zip(found, arrays)
        )
        text.line(f"return {given}" if name == "per_example" else f"return [{given}]")
    return text.function(head), [(line.text, line.steps) for line in text.lines]


def _note(
    stages: dict[str, str] | None, name: str, code: Sequence[Array], placement: Placement | None = None
) -> None:  # fmt: skip
    if stages is not None:  # to write the lines takes a tenth of the time of all passes
        places = [placement.said(array) if placement else "" for array in code]
        stages[name] = "\n".join(map(add, lines(code), places))


def _gradient(forward: Forward, whole: Rows) -> Rows:
    """The gradient as all of an array, which may be returned; the mean stands beside it."""
    count = forward.theta.lanes
    returned_where_written = count > LARGE and whole.array.op not in ("scatter", "full")
    if returned_where_written or not whole.complete or whole.array.op in ("theta", "numbers"):
        whole = forward.program.write("full", [whole], count, False)
    whole.array.name = whole.array.name or "dtheta"
    return whole


def _return_gradient(
    text: NumPy, parts: Sequence[Part], whole: Operand, forward: Forward, without_gradient: Sequence[int]
) -> None:
    """The last line of a value_and_grad: the mean and its gradient, in an array that belongs to the caller."""
    count = forward.theta.lanes
    if not isinstance(whole, Rows):
        return text.line(f"return {text.mean(parts)}, np.zeros({count})")
    result = text.of(whole, False)
    if without_gradient:
        indices = text.constant(f"np.array({list(without_gradient)})")
        text.line(f"{result}[{indices}] = 0.0", "requires_grad=False")
    returned = result if text.fresh else f"{result}.copy()"
    if forward.unmasked:
        checked = f"{text.mean(parts)} + {result}.dot({text.constant(f'np.zeros({count})')})"
        return text.line(f"return {checked}, {returned}", "the mean, or nan if its gradient is, and its gradient")
    last = text.lines[-1]
    if not text.fresh and last.text.startswith("add(") and last.text.endswith(f", {result})"):  # a new sum: no copy
        text.lines.pop()
        returned = last.text.removesuffix(f", {result})") + ")"
    return text.line(f"return {text.mean(parts)}, {returned}", "the mean, and its gradient")
