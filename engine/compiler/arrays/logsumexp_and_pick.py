"""Two kinds of array instructions, of which a cross-entropy is made: logsumexp, and pick."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...ops import logsumexp, where
from ..literals import literal
from .buffers import Shape, View, ViewOrNumber
from .contributions import Contribution, Scaled, factor, product
from .gradients import Gradients
from .plan import Array, Lane, Operand, Step
from .writer import Writer, as_column, empty_integers, name_in_comment

FEW = 4  # the largest of so few rows is found faster by calls of maximum than by one reduction
SMALL = 64  # from so many choices or fewer, one is picked by a product with a one-hot table; from more, by its index
LARGEST = float(np.finfo(float).max)


class LogSumExp:
    """log(sum(exp(values))) of each lane. The largest value is subtracted first, so that nothing overflows."""

    def forward(self, writer: Writer, step: Step, out: View) -> None:
        lanes, values = len(step.sizes), writer.together(step.operands[0], solid=True)
        alike, starts = len(set(step.sizes)) == 1, writer.starts(step.sizes)
        if lanes > 1 and alike:
            values, out = writer.reshaped(values, (lanes, step.sizes[0])), writer.reshaped(out, (lanes, 1))
        whole, largest = writer.temporary(out.shape), writer.temporary(out.shape)
        if alike:
            spread = shift = self._largest(writer, values, lanes, out.shape, step.target in writer.mean_parts)
        else:
            comment = f"{name_in_comment(largest)} = max({name_in_comment(values)})"
            writer.statement("maximum.reduceat({0}, {1}, 0, None, {out})", [values, starts], largest, comment)
            shift = writer.ufunc("minimum", [writer.ufunc("maximum", [largest, -LARGEST]), LARGEST])
            spread = writer.spread(shift, step.sizes)
        shifted, logs, of_shifted, of_logs = None, None, "", ""
        if lanes == 1 and step.target in writer.mean_parts and len(values.shape) == 2:
            # Both in one array: the mean of a cross-entropy is then one product with the array that `one_hot` gives.
            count = int(values.shape[0])
            both = writer.temporary((count + 1, "n"))
            shifted, logs = both.window(f"[:{count}]", values.shape), both.window(f"[{count}:]", out.shape)
            name = name_in_comment(both)
            of_shifted = f"{name}[:{count}] = {name_in_comment(values)} - {name_in_comment(spread)}"
            of_logs = f"{name}[{count}] = log({name_in_comment(whole)})"
        shifted = writer.ufunc("subtract", [values, spread], shifted, of_shifted)
        powers = writer.ufunc("exp", [shifted])
        comment = f"{name_in_comment(whole)} = sum({name_in_comment(powers)})"
        if lanes == 1:
            writer.add_up(powers, whole)
        elif alike:
            writer.statement("add.reduce({0}, 1, None, {out}, True)", [powers], whole, comment)
        else:
            writer.statement("add.reduceat({0}, {1}, 0, None, {out})", [powers, starts], whole, comment)
        logs = writer.ufunc("log", [whole], logs, of_logs)
        writer.saved[step] = powers, whole, shifted
        writer.ufunc("add", [logs, shift], out, f"{name_in_comment(out)} = logsumexp({name_in_comment(values)})")

    def _largest(self, writer: Writer, values: View, lanes: int, shape: Shape, infinite: bool) -> ViewOrNumber:
        """The largest of each lane's values. It is made finite, unless it may be `infinite`."""
        count = values.shape[0]
        if lanes == 1 and isinstance(count, int) and count <= FEW and len(values.shape) == 2:
            rows: list[ViewOrNumber] = [values.window(f"[{i}:{i + 1}]", shape) for i in range(count)]
            largest, *others = rows if infinite else [-LARGEST, *rows]
            for i, row in enumerate(others, start=count - len(others) + 1):
                target = writer.temporary(shape)
                comment = f"{name_in_comment(target)} = max({name_in_comment(values)}[:{i}])"
                largest = writer.ufunc("maximum", [row, largest], target, comment)
        else:
            largest = writer.temporary(shape)
            target = largest if lanes > 1 or len(shape) == 1 else largest.window("[0]", shape[1:])
            more = f", {target is largest}" + f", {-LARGEST}" * (not infinite)
            writer.statement(f"maximum.reduce({{0}}, {int(lanes > 1)}, None, {{out}}{more})", [values], target,
                             f"{name_in_comment(largest)} = max({name_in_comment(values)})")  # fmt: skip
        return largest if infinite else writer.ufunc("minimum", [largest, LARGEST])

    def backward(self, gradients: Gradients, step: Step, upstream: Scaled) -> None:
        """Each value gets its softmax probability times the upstream gradient."""
        writer, lanes = gradients.writer, len(step.sizes)
        powers, whole, _ = writer.saved[step]
        view, alike = upstream.view, len(set(step.sizes)) == 1
        if view is not None and lanes > 1 and alike:
            view = view if view.shape[0] == lanes else gradients.full(Scaled(writer, view), step.target)
            view = writer.reshaped(view, (lanes, 1))
        above = factor(writer, upstream.number, upstream.power) if view is None else view
        share = writer.ufunc("divide", [above, whole])
        masked = view is not None and gradients.masks(step)
        if masked:
            share = writer.spelled(where, [above, share, 0.0])
        share = share if alike else writer.spread(share, step.sizes)

        def write(out: View | None) -> View:
            if masked:
                return writer.spelled(where, [share, writer.ufunc("multiply", [powers, share]), 0.0], out)
            return writer.ufunc("multiply", [powers, share], out)

        scale = Scaled(writer, None) if view is None else Scaled(writer, None, upstream.number, upstream.power)
        gradients.contribute(step.operands[0], Contribution(powers.shape, write), scale, step.target.batched)


class Pick:
    """For each lane, the one of its choices that its index names."""

    def forward(self, writer: Writer, step: Step, out: View) -> None:
        lanes, width = len(step.sizes), step.sizes[0]
        choices = step.operands[0]
        first = choices[0]
        if any(not isinstance(o, Lane) or o.array is not first.array for o in choices):  # type: ignore[union-attr]
            together = writer.together(choices)
            array = Array(f"{step.target.name}_choices", len(choices), len(together.shape) == 2)
            writer.arrays[array] = together
            choices = [Lane(array, i) for i in range(len(choices))]
        array = choices[0].array  # type: ignore[union-attr]
        at = [o.index for o in choices]  # type: ignore[union-attr]
        index = self._checked_indices(writer, step.operands[1], width)
        where = self._flat_indices(writer, at, width, index, array.batched, (lanes, "n" if step.target.batched else 1))
        writer.saved[step] = array, where
        flat = writer.whole(array).window(".reshape(-1)", (-1,))
        comment = f"{out.buffer.name} = {flat.buffer.name}[{name_in_comment(index)}]"
        writer.statement('{0}.take({1}, None, {out}, "clip")', [flat, where], as_column(out, True), comment)

    def backward(self, gradients: Gradients, step: Step, upstream: Scaled) -> None:
        """Only what was picked gets the upstream gradient."""
        writer = gradients.writer
        array, where = writer.saved[step]
        if (found := one_hot(writer, step)) is not None:
            slope = Scaled(writer, first_rows(found[0], step.sizes[0]), 1.0, 1)
            return gradients.contribute(step.operands[0], *product(writer, slope, upstream), True)
        whole = writer.whole(array)
        count = f"{array.lanes}{' * n' if array.batched else ''}"
        scale = Scaled(writer, None, upstream.number, upstream.power)
        if upstream.view is None:
            text, parts = f"np.bincount({{0}}.reshape(-1), minlength={count})", [where]
        else:
            text = f"np.bincount({{0}}.reshape(-1), weights={{1}}.reshape(-1), minlength={count})"
            parts = [where, gradients.full(Scaled(writer, upstream.view), step.target)]

        def write(out: View | None) -> View:
            out = out or writer.temporary(whole.shape)
            writer.statement(f"{{out}}[...] = {text}.reshape({{out}}.shape)", parts, out)
            return out

        contribution = Contribution(whole.shape, write)
        if array in gradients.wanted:
            gradients.contribute([Lane(array, i) for i in range(array.lanes)], contribution, scale, array.batched)
        else:  # the choices were copied together from several arrays
            gradients.contribute(step.operands[0], contribution, scale, array.batched)

    def _flat_indices(
        self, writer: Writer, at: Sequence[int], width: int, index: View, batched: bool, shape: Shape
    ) -> View:
        """Where the flattened array holds what is picked; choice c of lane l is the array's lane at[l · width + c]."""
        starts, stride = at[::width], (at[1] - at[0] if width > 1 else 0)
        times, plus = (" * n", " + np.arange(n)") if batched else ("", "")
        initial = empty_integers(shape)
        if all(lane == starts[i // width] + stride * (i % width) for i, lane in enumerate(at)):
            offsets = writer.constant(f"np.array({starts})[:, None]{times}{plus}", shape)
            key, distance = ("flat", index, offsets, stride), writer.constant(f"np.array({stride}{times})", ())
            if key not in writer.known:
                where = writer.once(key, shape, "multiply({0}, {1}, {out})", [index, distance], initial)
                writer.statement("add({0}, {1}, {out})", [where, offsets], where)
            return writer.known[key]
        table = writer.indices(at)
        lanes = writer.constant(f"np.arange(0, {len(at)}, {width})[:, None]", (len(starts), 1))
        text = f"{{out}}[...] = {{1}}[{{0}} + {{2}}]{times}{plus}"
        return writer.once(("flat", index, table, batched), shape, text, [index, table, lanes], initial)

    def _checked_indices(self, writer: Writer, operands: Sequence[Operand], count: int) -> View:
        """The indices of a pick, as integers; the program raises an IndexError if one is not in 0, …, count - 1."""
        arrays = {o.array if isinstance(o, Lane) else None for o in operands}
        [array, *others] = arrays
        if array is not None and not others and array.whole_numbers:
            shape: Shape = (array.lanes, "n")
            key = ("whole numbers", array)
            every = writer.once(key, shape, f"{{out}}[:] = {array.given}", [], empty_integers(shape))
            lanes = [o.index for o in operands]  # type: ignore[union-attr]
            used = sorted(set(lanes))
            if ("checked", array, tuple(used), count) not in writer.known:
                writer.known["checked", array, tuple(used), count] = every
                rows = writer.rows(every, used, empty_integers)
                unsigned = rows.window(".view(np.uintp)", rows.shape)  # then -1 is a large number
                unsigned = unsigned.window("[0]", ("n",)) if len(used) == 1 else unsigned
                text = f"if maximum.reduce({{0}}, axis=None) >= {count}: in_range({{1}}, {count})"
                writer.statement(text, [unsigned, rows], None, f"labels: 0, …, {count - 1}")
                writer.checks[array, count] = writer.block.statements[-1]
            else:
                writer.checks.pop((array, count), None)  # now several picks rely on it
            return writer.rows(every, used if len(used) == 1 else lanes, empty_integers)
        values = writer.broadcastable(operands, True)
        if isinstance(values, float):
            values = writer.constant(f"np.full((1, 1), {literal(values)})", (1, 1))
        text = f"{{out}}[...] = in_range({{0}}, {count})"
        return writer.once(("whole", values, count), values.shape, text, [values], empty_integers(values.shape))


def one_hot(writer: Writer, step: Step) -> tuple[View, View] | None:
    """A table with a row for each choice: 1 / n where it was picked, 0.0 elsewhere; and the labels plus 1.

    If a label is out of range, its whole column is nan. For a cross-entropy there is one more row, of -1 / n.
    None if the table would be large, or if the index is not an integer input that is a label for each example.
    """
    array, index = writer.saved[step][0], step.operands[1][0]
    width = step.sizes[0]
    if len(step.sizes) > 1 or width > SMALL or not array.batched or not isinstance(index, Lane):
        return None
    if not index.array.whole_numbers or index.array.lanes > 1:
        return None
    given, key = index.array.given, ("labels plus 1", index.array)
    if key not in writer.known:
        plus_1 = writer.known[key] = writer.temporary(("n",), empty_integers(("n",)))
        one_dimension = given.isidentifier()  # then the input is (n,) or one number, and otherwise it is (1, n)
        out = plus_1 if one_dimension else plus_1.window("[None]", (1, "n"))
        one = writer.constant("np.array(1)", ())
        writer.statement(f"add({given}, {{0}}, {{out}})", [one], out, f"{name_in_comment(plus_1)} = {given} + 1")
    plus_1 = writer.known[key]
    choices, rows, comment = f"np.eye({width}) / n", width, f"one_hot({index.array.given}) / n"
    if logsumexp_of(writer, step):
        comment = f"[one_hot({index.array.given}) / n, -1 / n]"
        choices, rows = f"np.vstack([{choices}, np.full({width}, -1.0 / n)])", width + 1
    out_of_range = f"np.full(({rows}, 1), np.nan)"
    table = writer.constant(f"np.hstack([{out_of_range}, {choices}, {out_of_range}])", (rows, width + 2))
    text = '{0}.take({1}, 1, {out}, "clip")'
    return writer.once(("hot", plus_1, rows, width), (rows, "n"), text, [table, plus_1], "", comment), plus_1


def first_rows(view: View, count: int) -> View:
    """The view without the rows that stand behind the first `count`."""
    return view if view.shape[0] == count else view.window(f"[:{count}]", (count, *view.shape[1:]))


def logsumexp_of(writer: Writer, step: Step) -> Step | None:
    """The logsumexp of the same choices as this pick has, if both are parts of the mean."""
    for other in writer.plan.steps if step.target in writer.mean_parts else ():
        if other.kind is logsumexp and other.target in writer.mean_parts and other.operands[0] == step.operands[0]:
            return other
    return None
