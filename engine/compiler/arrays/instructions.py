"""Stage 3: the kinds of array instructions: how each is computed, and what it passes back to its operands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...ops import logsumexp, pick
from .buffers import Shape, View, pair
from .choices import LogSumExp, Pick
from .contributions import Made, Term, product, there
from .pack import Lane, Operand, Step
from .writer import Writer, ends_its_array, plain, trailing_ones

if TYPE_CHECKING:
    from .derive import Backward

PRODUCT = ("{0}.dot({1}, {out})", "matmul({0}, {1}, {out})")  # of two matrices; of several pairs


class Row:
    """An operation of the table on each lane: its NumPy spelling, and its local derivatives."""

    def forward(self, writer: Writer, step: Step, out: View) -> None:
        writer.saved[step] = [writer.window(operands, step.target.batched) for operands in step.operands]
        writer.spelled(step.kind, writer.saved[step], out)

    def backward(self, back: Backward, step: Step, above: Term) -> None:
        """By the local derivatives of the table."""
        writer = back.writer
        names = [Term(writer, view) if isinstance(view, View) else view for view in writer.saved[step]]
        out, partials = Term(writer, writer.whole(step.target)), step.kind.partials
        slopes = partials(out, *names) if callable(partials) else None
        wanted: dict[tuple[tuple[Operand, ...], View | None], Term] = {}
        for place, operands in enumerate(step.operands):
            if not back.wanted.isdisjoint(writer.plan.by_array(operands)):
                slope = partials[place](out, *names) if slopes is None else slopes[place]
                slope = slope if isinstance(slope, Term) else Term(writer, None, slope)
                key = tuple(operands), slope.view
                twice = wanted.get(key)  # a · a
                wanted[key] = Term(writer, slope.view, slope.number + twice.number) if twice else slope
        for (these, _), slope in wanted.items():
            if slope.number != 0.0:
                back.contribute(these, *product(writer, slope, above), step.target.batched)


class Grid:
    """Dot products of each left with each right side: one product of matrices for each right side."""

    def forward(self, writer: Writer, step: Step, out: View) -> None:
        rights, lefts, width = step.sizes
        together = writer.together(step.operands[0], solid=True)
        weights = writer.reshaped(together, (lefts, width), "W" + step.target.name[1:])
        weights = writer.known.setdefault(("matrix", weights), weights)  # used again, it has the name that it had
        lanes, right = self._right(writer, step)
        writer.saved[step] = weights, right, lanes
        out = out if rights == 1 else writer.reshaped(out, (rights, lefts))
        says = f"{step.target.name} = {weights.name} @ {right.buffer.name}"
        writer.line(PRODUCT[rights > 1], [weights, right], out, says)

    def _right(self, writer: Writer, step: Step) -> tuple[int, View]:
        """The right side of a grid, and how many of its rows are no ones: the bias is one more column of the left."""
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
            if writer.ones[first.array] == ones and first.index == 0:
                return lanes, whole
            return lanes, whole.window(f"[{first.index}:{first.array.lanes + ones}]", (width, "n"))
        shape: Shape = (rights, width, "n")
        made = writer.temporary(shape, f"np.ones({pair(shape)})", "r")
        if lanes:
            part = writer.together([o for i, o in enumerate(operands) if i % width < lanes], solid=True)
            writer.line("{out}[...] = {0}", [writer.reshaped(part, (rights, lanes))],
                      made.window(f"[:, :{lanes}]", (rights, lanes, "n")))  # fmt: skip
        return lanes, made if rights > 1 else made.window("[0]", (width, "n"))

    def backward(self, back: Backward, step: Step, above: Term) -> None:
        writer, (rights, lefts, width) = back.writer, step.sizes
        weights, right, lanes = writer.saved[step]
        upstream = back.full(above, step.target)
        name = upstream.buffer.name
        turned = right.window(".T", right.shape[::-1], f"{right.buffer.name}T")
        if rights > 1:
            upstream = writer.reshaped(upstream, (rights, lefts))
            turned = right.window(".transpose(0, 2, 1)", (rights, "n", width))

        def to_weights(out: View | None) -> View:
            whole = replace(out, name=f"d{weights.name}") if out else writer.temporary((lefts, width))
            each = whole if rights == 1 else writer.temporary((rights, lefts, width))
            writer.line(PRODUCT[rights > 1], [upstream, turned], each,
                        f"{whole.name or whole.buffer.name} = {name} @ {right.buffer.name}.T")  # fmt: skip
            if rights > 1:
                writer.line("add.reduce({0}, axis=0, out={out})", [each], whole)
            return whole

        back.contribute(step.operands[0], Made((lefts, width), to_weights), Term(writer, None), False)
        if not lanes:
            return
        shape: Shape = (lanes, "n") if rights == 1 else (rights, lanes, "n")
        cut = weights if lanes == width else weights.window(f"[:, :{lanes}]", (lefts, lanes))
        across = cut.window(".T", (lanes, lefts), f"{weights.name}T")

        def to_right(out: View | None) -> View:
            out = out or writer.temporary(shape)
            writer.line(PRODUCT[rights > 1 or not out.solid], [across, upstream], out,  # .dot wants one piece of memory
                        f"{out.buffer.name} = {weights.name}.T @ {name}")  # fmt: skip
            return out

        operands = [o for i, o in enumerate(step.operands[1]) if i % width < lanes]
        back.contribute(operands, Made(shape, to_right), Term(writer, None), True)


class Sum:
    """Sums of lanes, each of as many as it has."""

    def forward(self, writer: Writer, step: Step, out: View) -> None:
        terms, sizes = step.operands[0], step.sizes
        if len(sizes) == 1 and (squares := writer.products(terms)) is not None:
            text = f"{plain(out)} = {plain(squares[0])} @ {plain(squares[1])}"
            writer.line("{0}.dot({1}, {out})", squares, out.window(".reshape(())", ()), text)
        elif len(sizes) == 1:
            writer.add_up(writer.together(terms), out)
        elif len(set(sizes)) == 1:
            block = writer.reshaped(writer.together(terms, solid=True), (len(sizes), sizes[0]))
            writer.line("add.reduce({0}, axis=1, out={out})", [block], out)
        else:
            writer.line("add.reduceat({0}, {1}, 0, None, {out})", [writer.together(terms), writer.starts(sizes)], out,
                        f"{plain(out)} = sums({plain(writer.together(terms))})")  # fmt: skip

    def backward(self, back: Backward, step: Step, above: Term) -> None:
        """Each term gets the gradient of its sum."""
        writer, sizes, made = back.writer, step.sizes, None
        view = above.view
        if view is not None and (len(sizes) == 1 or view.shape[0] == 1):
            made = there(writer, view)
        elif view is not None:
            made = there(writer, writer.spread(view, sizes))
        back.contribute(step.operands[0], made, Term(writer, None, above.number, above.power), step.target.batched)


ROW = Row()
KINDS: Mapping[Any, Any] = {"dot": Grid(), "sum": Sum(), logsumexp: LogSumExp(), pick: Pick()}


def kind_of(step: Step) -> Any:
    """Who knows how to compute it (`forward`) and what it passes back (`backward`)."""
    return KINDS.get(step.kind, ROW)


def forward(writer: Writer) -> None:
    """The lines of the forward program."""
    for array in writer.plan.inputs:
        writer.line(f"{{out}}[:] = {array.given}", [], writer.whole(array), f"{array.name} = {array.given}")
    for step in writer.plan.steps:
        writer.step = step
        kind_of(step).forward(writer, step, writer.whole(step.target))
    writer.step = None
