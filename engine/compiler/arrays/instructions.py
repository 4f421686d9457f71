"""The kinds of array instructions: which lines compute each, and what it passes back to its operands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...ops import logsumexp, pick
from ..literals import shape_literal
from .buffers import Shape, View
from .contributions import Contribution, Scaled, existing, product
from .gradients import Gradients
from .layout import ends_its_array, trailing_ones
from .logsumexp_and_pick import LogSumExp, Pick
from .plan import Lane, Operand, Step
from .writer import Writer, name_in_comment

PRODUCT = ("{0}.dot({1}, {out})", "matmul({0}, {1}, {out})")  # of two matrices; of several pairs of matrices


class Elementwise:
    """An operation of the table on each lane, by its NumPy spelling and its local derivatives."""

    def forward(self, writer: Writer, step: Step, out: View) -> None:
        writer.saved[step] = [writer.broadcastable(operands, step.target.batched) for operands in step.operands]
        writer.spelled(step.kind, writer.saved[step], out)

    def backward(self, gradients: Gradients, step: Step, upstream: Scaled) -> None:
        """Each operand gets its local derivative times the upstream gradient."""
        writer = gradients.writer
        arguments = [Scaled(writer, view) if isinstance(view, View) else view for view in writer.saved[step]]
        out, partials = Scaled(writer, writer.whole(step.target)), step.kind.quick or step.kind.partials
        slopes = partials(out, *arguments) if callable(partials) else None
        wanted: dict[tuple[tuple[Operand, ...], View | None], Scaled] = {}
        for i, operands in enumerate(step.operands):
            if not gradients.wanted.isdisjoint(writer.plan.by_array(operands)):
                slope = partials[i](out, *arguments) if slopes is None else slopes[i]
                slope = slope if isinstance(slope, Scaled) else Scaled(writer, None, slope)
                key = tuple(operands), slope.view
                twice = wanted.get(key)  # the same operands with the same local derivative, as in a * a
                wanted[key] = Scaled(writer, slope.view, slope.number + twice.number) if twice else slope
        for (these, _), slope in wanted.items():
            if slope.number != 0.0:
                passed = product(writer, slope, upstream, gradients.masks(step))
                gradients.contribute(these, *passed, step.target.batched)


class Grid:
    """The dot products of each left side with each right side: one product of matrices for each right side."""

    def forward(self, writer: Writer, step: Step, out: View) -> None:
        rights, lefts, width = step.sizes
        together = writer.together(step.operands[0], solid=True)
        weights = writer.reshaped(together, (lefts, width), "W" + step.target.name[1:])
        weights = writer.known.setdefault(("matrix", weights), weights)  # a matrix that is used again keeps its name
        lanes, right = self._right(writer, step)
        writer.saved[step] = weights, right, lanes
        out = out if rights == 1 else writer.reshaped(out, (rights, lefts))
        comment = f"{step.target.name} = {weights.name} @ {right.buffer.name}"
        writer.statement(PRODUCT[rights > 1], [weights, right], out, comment)

    def _right(self, writer: Writer, step: Step) -> tuple[int, View]:
        """How many rows of each right side are lanes (the others, behind them, hold ones), and the right sides.

        A row of ones makes the bias one more column of the weights on the left.
        """
        rights, _, width = step.sizes
        operands = step.operands[1]
        ones = trailing_ones(step)
        lanes = width - ones
        if ones == 0:
            if rights == 1:
                return lanes, writer.together(operands)
            return lanes, writer.reshaped(writer.together(operands, solid=True), (rights, width))
        first = operands[0]
        if rights == 1 and isinstance(first, Lane) and ends_its_array(operands[:lanes]):
            writer.whole(first.array)
            whole = writer.everything[first.array]
            if writer.ones_behind[first.array] == ones and first.index == 0:
                return lanes, whole
            return lanes, whole.window(f"[{first.index}:{first.array.lanes + ones}]", (width, "n"))
        shape: Shape = (rights, width, "n")
        everything = writer.temporary(shape, f"np.ones({shape_literal(shape)})", "r")
        if lanes:
            part = writer.together([o for i, o in enumerate(operands) if i % width < lanes], solid=True)
            writer.statement("{out}[...] = {0}", [writer.reshaped(part, (rights, lanes))],
                             everything.window(f"[:, :{lanes}]", (rights, lanes, "n")))  # fmt: skip
        return lanes, everything if rights > 1 else everything.window("[0]", (width, "n"))

    def backward(self, gradients: Gradients, step: Step, upstream: Scaled) -> None:
        """With z = W @ h, W gets dz @ h.T and h gets W.T @ dz."""
        writer, (rights, lefts, width) = gradients.writer, step.sizes
        weights, right, lanes = writer.saved[step]
        gradient = gradients.full(upstream, step.target)
        name = gradient.buffer.name
        if gradients.masks(step) and rights == 1:  # examples whose gradient is 0 take no part, whatever the factors are
            text = "{out}[...] = np.where(({0} != 0.0).any(axis=0), {1}, 0.0)"
            right = writer.once(("masked", gradient, right), right.shape, text, [gradient, right])
        transposed = right.window(".T", right.shape[::-1], f"{right.buffer.name}T")
        if rights > 1:
            gradient = writer.reshaped(gradient, (rights, lefts))
            transposed = right.window(".transpose(0, 2, 1)", (rights, "n", width))

        def to_weights(out: View | None) -> View:
            whole = replace(out, name=f"d{weights.name}") if out else writer.temporary((lefts, width))
            each = whole if rights == 1 else writer.temporary((rights, lefts, width))
            writer.statement(PRODUCT[rights > 1], [gradient, transposed], each,
                             f"{whole.name or whole.buffer.name} = {name} @ {right.buffer.name}.T")  # fmt: skip
            if rights > 1:
                writer.statement("add.reduce({0}, axis=0, out={out})", [each], whole)
            return whole

        gradients.contribute(step.operands[0], Contribution((lefts, width), to_weights), Scaled(writer, None), False)
        if not lanes:
            return
        shape: Shape = (lanes, "n") if rights == 1 else (rights, lanes, "n")
        cut = weights if lanes == width else weights.window(f"[:, :{lanes}]", (lefts, lanes))
        across = cut.window(".T", (lanes, lefts), f"{weights.name}T")

        def to_right(out: View | None) -> View:
            out = out or writer.temporary(shape)
            text = PRODUCT[rights > 1 or not out.solid]  # .dot writes into one piece of memory only
            writer.statement(text, [across, gradient], out, f"{out.buffer.name} = {weights.name}.T @ {name}")
            return out

        operands = [o for i, o in enumerate(step.operands[1]) if i % width < lanes]
        gradients.contribute(operands, Contribution(shape, to_right), Scaled(writer, None), True)


class Sum:
    """The sums of some lanes each; they may differ in length."""

    def forward(self, writer: Writer, step: Step, out: View) -> None:
        terms, sizes = step.operands[0], step.sizes
        if len(sizes) == 1 and (factors := writer.products(terms)) is not None:
            comment = f"{name_in_comment(out)} = {name_in_comment(factors[0])} @ {name_in_comment(factors[1])}"
            writer.statement("{0}.dot({1}, {out})", factors, out.window(".reshape(())", ()), comment)
        elif len(sizes) == 1:
            writer.add_up(writer.together(terms), out)
        elif len(set(sizes)) == 1:
            block = writer.reshaped(writer.together(terms, solid=True), (len(sizes), sizes[0]))
            writer.statement("add.reduce({0}, axis=1, out={out})", [block], out)
        else:
            together, starts = writer.together(terms), writer.starts(sizes)
            comment = f"{name_in_comment(out)} = sums({name_in_comment(together)})"
            writer.statement("add.reduceat({0}, {1}, 0, None, {out})", [together, starts], out, comment)

    def backward(self, gradients: Gradients, step: Step, upstream: Scaled) -> None:
        """Each term gets the gradient of its sum."""
        writer, sizes, contribution = gradients.writer, step.sizes, None
        view = upstream.view
        if view is not None and (len(sizes) == 1 or view.shape[0] == 1):
            contribution = existing(writer, view)
        elif view is not None:
            contribution = existing(writer, writer.spread(view, sizes))
        scale = Scaled(writer, None, upstream.number, upstream.power)
        gradients.contribute(step.operands[0], contribution, scale, step.target.batched)


ELEMENTWISE = Elementwise()
KINDS: Mapping[Any, Any] = {"dot": Grid(), "sum": Sum(), logsumexp: LogSumExp(), pick: Pick()}


def kind_of(step: Step) -> Any:
    """What writes the lines that compute the instruction (`forward`), and those of what it passes back (`backward`)."""
    return KINDS.get(step.kind, ELEMENTWISE)


def write_forward(writer: Writer) -> None:
    """The lines of the forward program."""
    for array in writer.plan.inputs:
        writer.statement(f"{{out}}[:] = {array.given}", [], writer.whole(array), f"{array.name} = {array.given}")
    for step in writer.plan.steps:
        writer.step = step
        kind_of(step).forward(writer, step, writer.whole(step.target))
    writer.step = None
