"""Whole functions in NumPy: the forward lines, the backward lines, and what is returned."""

from __future__ import annotations

from collections.abc import Sequence

from ...ops import add, multiply, pick, subtract
from ..arrays.buffers import Block, View, ViewOrNumber
from ..arrays.derive import write_gradients
from ..arrays.instructions import write_forward
from ..arrays.joining import joined
from ..arrays.logsumexp_and_pick import first_rows, logsumexp_of, one_hot
from ..arrays.plan import Array, Lane, Operand, Plan, Step
from ..arrays.writer import Writer
from ..literals import literal


def numpy_source(plan: Plan, name: str, head: str, without_gradient: Sequence[int] = ()) -> tuple[str, Block]:
    """The text of bind(n, theta), which returns the function of that name; and its statements.

    The name is "value", "value_and_grad", "input_gradients", or "careful": a value_and_grad that is exact for infinite
    logits, too, where the other one gives nan. The parameters `without_gradient` get 0.0.
    """
    if name == "value":
        writer = _value(plan)
    elif name == "input_gradients":
        writer = _input_gradients(plan)
    else:
        writer = _value_and_grad(plan, without_gradient, () if name == "careful" else _mean_parts(plan))
    writer.block.statements = joined(writer.block.needed())
    return writer.block.function(head), writer.block


def _value(plan: Plan) -> Writer:
    writer = Writer(plan)
    write_forward(writer)
    text, arguments = _outputs(writer)
    writer.statement(f"return [{text}]", arguments, None)
    return writer


def _value_and_grad(plan: Plan, without_gradient: Sequence[int], mean_parts: Sequence[Array]) -> Writer:
    power = -1 if _varies(plan.outputs[0]) else 0  # the mean over n examples begins with a gradient of 1 / n for each
    writer, gradients = write_gradients(plan, [plan.theta], power, mean_parts)
    text, arguments = _mean(writer, plan.outputs[0])
    gradient = gradients.gradient(plan.theta)
    if gradient is None:
        writer.statement(f"return {text}, np.zeros({plan.theta.lanes})", arguments, None)
        return writer
    if without_gradient:
        indices = writer.indices(without_gradient)
        writer.statement("{0}[{1}] = 0.0", [gradient, indices], None, "requires_grad=False")
    last, copy = writer.block.statements[-1], "" if writer.block.fresh else ".copy()"
    result, parts = f"{{{len(arguments)}}}{copy}", [gradient]
    if copy and last.out == gradient and last.text == "add({0}, {1}, {out})":  # a new sum needs no copy
        result, parts = f"add({{{len(arguments)}}}, {{{len(arguments) + 1}}})", list(last.arguments)  # type: ignore[arg-type]
        writer.block.statements.pop()
    writer.statement(f"return {text}, {result}", [*arguments, *parts], None, "the mean, and its gradient")
    return writer


def _input_gradients(plan: Plan) -> Writer:
    writer, gradients = write_gradients(plan, [array for array in plan.inputs if array.lanes], 0)
    found = [gradients.gradient(array) for array in plan.inputs]
    fields = iter(range(len(found)))
    text = ", ".join(f"np.zeros(({array.lanes}, n))" if gradient is None else f"{{{next(fields)}}}"
                     for array, gradient in zip(plan.inputs, found))  # fmt: skip
    writer.statement(f"return [{text}]", [gradient for gradient in found if gradient is not None], None)
    return writer


def _mean_parts(plan: Plan) -> list[Array]:
    """The output, and what it is the sum or the difference of: if one of these is nan, the mean is nan."""
    makers = {step.target: step for step in plan.steps}
    parts: list[Array] = []
    todo = [plan.outputs[0]]
    while todo:
        operand = todo.pop()
        if isinstance(operand, Lane) and operand.array.lanes == 1:
            parts.append(operand.array)
            maker = makers.get(operand.array)
            if maker is not None and (maker.kind is add or maker.kind is subtract):
                todo += [operands[0] for operands in maker.operands]
    return parts


def _varies(output: Operand) -> bool:
    return isinstance(output, Lane) and output.array.batched


def _outputs(writer: Writer) -> tuple[str, list[ViewOrNumber]]:
    texts: list[str] = []
    arguments: list[ViewOrNumber] = []
    for output in writer.plan.outputs:
        if isinstance(output, Lane):
            texts.append(f"{{{len(arguments)}}}[{output.index}]")
            arguments.append(writer.whole(output.array))
        else:
            texts.append(literal(output))
    return ", ".join(texts), arguments


def _mean(writer: Writer, output: Operand) -> tuple[str, list[ViewOrNumber]]:
    """The mean of an output over the examples, as text with a {} for each argument, and the arguments.

    Where the output is a sum, a part whose mean is computed in a better way stands for itself.
    """
    text = ""
    arguments: list[ViewOrNumber] = []
    todo = [(output, "+")]
    while todo:
        operand, sign = todo.pop()
        maker = writer.makers.get(operand.array) if isinstance(operand, Lane) else None
        if maker is not None and (maker.kind is add or maker.kind is subtract) and _varies(operand):
            parts = [operands[operand.index] for operands in maker.operands]  # type: ignore[union-attr]
            if any(not _varies(part) or _one_hot(writer, part) for part in parts):
                second_sign = sign if maker.kind is add else "-" if sign == "+" else "+"
                if maker.kind is subtract and (negative_mean := _cross_entropy(writer, parts, arguments)):
                    text += f" {second_sign} {negative_mean}"
                    continue
                todo += [(parts[1], second_sign), (parts[0], sign)]
                continue
        text += f" {sign} {_part(writer, operand, arguments)}"
    return text.replace(" - ", "-", 1) if text.startswith(" - ") else text.removeprefix(" + "), arguments


def _cross_entropy(writer: Writer, parts: Sequence[Operand], arguments: list[ViewOrNumber]) -> str | None:
    """The mean of pick(logits, label) - logsumexp(logits); None if the two parts are no cross-entropy.

    The largest logit, which is subtracted from both, cancels and is left out.
    """
    total, choice = (writer.makers.get(part.array) if isinstance(part, Lane) else None for part in parts)
    if choice is None or total is None or choice.kind is not pick or logsumexp_of(writer, choice) is not total:
        return None
    if (found := one_hot(writer, choice)) is None:
        return None
    _forget_check(writer, choice)
    _, _, shifted = writer.saved[total]
    both = View(shifted.buffer, "", found[0].shape)
    return _dot([each.window(".reshape(-1)", (-1,)) for each in (both, found[0])], arguments)


def _one_hot(writer: Writer, operand: Operand) -> tuple[View, View] | None:
    maker = writer.makers.get(operand.array) if isinstance(operand, Lane) else None
    return one_hot(writer, maker) if maker is not None and maker.kind is pick else None


def _part(writer: Writer, operand: Operand, arguments: list[ViewOrNumber]) -> str:
    """The mean of one part, as text with a {} for each of its arguments, which are added to `arguments`."""
    if not isinstance(operand, Lane):
        return literal(operand)
    if not operand.array.batched:
        return _fixed(writer, operand, arguments)
    if found := _one_hot(writer, operand):
        return _picked(writer, writer.makers[operand.array], found, arguments)
    row = writer.whole(operand.array).window(f"[{operand.index}]", ("n",))
    return _dot([row, writer.constant("np.full(n, 1.0 / n)", ("n",))], arguments)


def _dot(factors: Sequence[View], arguments: list[ViewOrNumber]) -> str:
    arguments += factors
    return f"{{{len(arguments) - 2}}}.dot({{{len(arguments) - 1}}})"


def _picked(writer: Writer, step: Step, found: tuple[View, View], arguments: list[ViewOrNumber]) -> str:
    """The mean of what a label picks; nan if the label is out of range."""
    _forget_check(writer, step)
    choices = writer.together(step.operands[0], solid=True)
    first, table, plus_1 = len(arguments), first_rows(found[0], step.sizes[0]), found[1]
    arguments += [choices.window(".reshape(-1)", (-1,)), table.window(".reshape(-1)", (-1,)), plus_1]
    return f"mean_picked({{{first}}}, {{{first + 1}}}, {{{first + 2}}}, {step.sizes[0]})"


def _forget_check(writer: Writer, step: Step) -> None:
    """Remove the check of the labels: if one is out of range, the mean is nan, and they are checked then."""
    label = step.operands[1][0]
    check = writer.checks.get((label.array, step.sizes[0])) if isinstance(label, Lane) else None
    if check in writer.block.statements:
        writer.block.statements.remove(check)


def _fixed(writer: Writer, operand: Lane, arguments: list[ViewOrNumber]) -> str:
    """A part that is the same for all examples; a constant factor, or a sum of products, is written into the text."""
    first, maker = len(arguments), writer.makers.get(operand.array)
    if maker is not None and maker.kind is multiply:
        both = [operands[operand.index] for operands in maker.operands]
        number, lane = sorted(both, key=lambda factor: isinstance(factor, Lane))
        if isinstance(lane, Lane) and not isinstance(number, Lane):
            return f"{literal(number)} * {_fixed(writer, lane, arguments)}"
    one = maker is not None and maker.kind == "sum" and len(maker.sizes) == 1
    if maker is not None and one and (factors := writer.products(maker.operands[0])) is not None:
        arguments += factors
        return f"{{{first}}}.dot({{{first + 1}}})"
    arguments.append(writer.whole(operand.array))
    return f"{{{first}}}[{operand.index}]"
