"""Stage 3: whole functions: the forward lines, the backward lines, and what is returned."""

from __future__ import annotations

from collections.abc import Sequence

from ...ops import add, multiply, pick, subtract
from ..arrays.buffers import Argument, Block, View
from ..arrays.choices import first_rows, hot, logsumexp_of
from ..arrays.derive import write_program
from ..arrays.instructions import forward
from ..arrays.joining import joined
from ..arrays.pack import Array, Lane, Operand, Plan, Step
from ..arrays.writer import Writer
from .text import literal


def source_of_arrays(plan: Plan, name: str, head: str, kept: Sequence[int] = ()) -> tuple[str, Block]:
    """The text of bind(n), which returns value, value_and_grad or input_gradients; and its lines.

    "careful" is value_and_grad for logits among which there are infinite ones: the other one then says nan.
    """
    if name == "value":
        writer = _value(plan)
    elif name == "input_gradients":
        writer = _input_gradients(plan)
    else:
        writer = _value_and_grad(plan, kept, () if name == "careful" else _shown(plan))
    writer.block.lines = joined(writer.block.needed())
    return writer.block.function(head), writer.block


def _value(plan: Plan) -> Writer:
    writer = Writer(plan)
    forward(writer)
    text, arguments = _outputs(writer)
    writer.line(f"return [{text}]", arguments, None)
    return writer


def _value_and_grad(plan: Plan, kept: Sequence[int], shown: Sequence[Array]) -> Writer:
    writer, backward = write_program(plan, [plan.theta], -1 if _varies(plan.outputs[0]) else 0, shown)
    text, arguments = _mean(writer, plan.outputs[0])
    gradient = backward.gradient(plan.theta)
    if gradient is None:
        writer.line(f"return {text}, np.zeros({plan.theta.lanes})", arguments, None)
        return writer
    if kept:
        writer.line("{0}[{1}] = 0.0", [gradient, writer.indices(kept)], None, "requires_grad=False")
    last, copy = writer.block.lines[-1], "" if writer.block.fresh else ".copy()"
    result, parts = f"{{{len(arguments)}}}{copy}", [gradient]
    if copy and last.out == gradient and last.text == "add({0}, {1}, {out})":  # a sum is the caller's own, too
        result, parts = f"add({{{len(arguments)}}}, {{{len(arguments) + 1}}})", list(last.arguments)  # type: ignore[arg-type]
        writer.block.lines.pop()
    writer.line(f"return {text}, {result}", [*arguments, *parts], None, "the mean, and its gradient")
    return writer


def _input_gradients(plan: Plan) -> Writer:
    writer, backward = write_program(plan, [array for array in plan.inputs if array.lanes], 0)
    slopes = [backward.gradient(array) for array in plan.inputs]
    places = iter(range(len(slopes)))
    text = ", ".join(f"np.zeros(({array.lanes}, n))" if slope is None else f"{{{next(places)}}}"
                     for array, slope in zip(plan.inputs, slopes))  # fmt: skip
    writer.line(f"return [{text}]", [slope for slope in slopes if slope is not None], None)
    return writer


def _shown(plan: Plan) -> list[Array]:
    """The output, and what it is the sum or the difference of: if there is a nan, the mean is nan."""
    makers = {step.target: step for step in plan.steps}
    shown: list[Array] = []
    todo = [plan.outputs[0]]
    while todo:
        operand = todo.pop()
        if isinstance(operand, Lane) and operand.array.lanes == 1:
            shown.append(operand.array)
            maker = makers.get(operand.array)
            if maker is not None and (maker.kind is add or maker.kind is subtract):
                todo += [operands[0] for operands in maker.operands]
    return shown


def _varies(output: Operand) -> bool:
    return isinstance(output, Lane) and output.array.batched


def _outputs(writer: Writer) -> tuple[str, list[Argument]]:
    texts: list[str] = []
    arguments: list[Argument] = []
    for output in writer.plan.outputs:
        if isinstance(output, Lane):
            texts.append(f"{{{len(arguments)}}}[{output.index}]")
            arguments.append(writer.whole(output.array))
        else:
            texts.append(literal(output))
    return ", ".join(texts), arguments


def _mean(writer: Writer, output: Operand) -> tuple[str, list[Argument]]:
    """The mean of an output over the examples; parts of it whose mean is known otherwise stand apart."""
    text = ""
    arguments: list[Argument] = []
    todo = [(output, "+")]
    while todo:
        operand, sign = todo.pop()
        maker = writer.makers.get(operand.array) if isinstance(operand, Lane) else None
        if maker is not None and (maker.kind is add or maker.kind is subtract) and _varies(operand):
            parts = [operands[operand.index] for operands in maker.operands]  # type: ignore[union-attr]
            if any(not _varies(part) or _hot(writer, part) for part in parts):
                turned = sign if maker.kind is add else "-" if sign == "+" else "+"
                if maker.kind is subtract and (turned_mean := _cross_entropy(writer, parts, arguments)):
                    text += f" {turned} {turned_mean}"
                    continue
                todo += [(parts[1], turned), (parts[0], sign)]
                continue
        text += f" {sign} {_part(writer, operand, arguments)}"
    return text.replace(" - ", "-", 1) if text.startswith(" - ") else text.removeprefix(" + "), arguments


def _cross_entropy(writer: Writer, parts: Sequence[Operand], arguments: list[Argument]) -> str | None:
    """The mean of pick(logits, label) - logsumexp(logits), without the largest logit; None for other parts."""
    total, choice = (writer.makers.get(part.array) if isinstance(part, Lane) else None for part in parts)
    if choice is None or total is None or choice.kind is not pick or logsumexp_of(writer, choice) is not total:
        return None
    if (found := hot(writer, choice)) is None:
        return None
    _forget_check(writer, choice)
    _, _, shifted = writer.saved[total]
    both = View(shifted.buffer, "", found[0].shape)
    return _dot([each.window(".reshape(-1)", (-1,)) for each in (both, found[0])], arguments)


def _hot(writer: Writer, operand: Operand) -> tuple[View, View] | None:
    maker = writer.makers.get(operand.array) if isinstance(operand, Lane) else None
    return hot(writer, maker) if maker is not None and maker.kind is pick else None


def _part(writer: Writer, operand: Operand, arguments: list[Argument]) -> str:
    """The mean of one part, as text with places for what is added to the arguments."""
    if not isinstance(operand, Lane):
        return literal(operand)
    if not operand.array.batched:
        return _fixed(writer, operand, arguments)
    if found := _hot(writer, operand):
        return _picked(writer, writer.makers[operand.array], found, arguments)
    row = writer.whole(operand.array).window(f"[{operand.index}]", ("n",))
    return _dot([row, writer.constant("np.full(n, 1.0 / n)", ("n",))], arguments)


def _dot(factors: Sequence[View], arguments: list[Argument]) -> str:
    arguments += factors
    return f"{{{len(arguments) - 2}}}.dot({{{len(arguments) - 1}}})"


def _picked(writer: Writer, step: Step, found: tuple[View, View], arguments: list[Argument]) -> str:
    """The mean of what a label picks: nan if there is no such choice."""
    _forget_check(writer, step)
    choices = writer.together(step.operands[0], solid=True)
    first, table, plus_1 = len(arguments), first_rows(found[0], step.sizes[0]), found[1]
    arguments += [choices.window(".reshape(-1)", (-1,)), table.window(".reshape(-1)", (-1,)), plus_1]
    return f"mean_picked({{{first}}}, {{{first + 1}}}, {{{first + 2}}}, {step.sizes[0]})"


def _forget_check(writer: Writer, step: Step) -> None:
    """The mean is nan if a label is no choice."""
    label = step.operands[1][0]
    check = writer.checks.get((label.array, step.sizes[0])) if isinstance(label, Lane) else None
    if check in writer.block.lines:
        writer.block.lines.remove(check)


def _fixed(writer: Writer, operand: Lane, arguments: list[Argument]) -> str:
    """What is the same for all examples: factors and sums of products stand in the text itself."""
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
