"""Stage 3: what a loss is made of: logsumexp over lanes, and the choice of one of them by a label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...ops import logsumexp
from ..emit.text import literal
from .buffers import Argument, Shape, View
from .contributions import Made, Term, factor, product
from .pack import Array, Lane, Operand, Step
from .writer import Writer, aside, integers, plain

if TYPE_CHECKING:
    from .derive import Backward

FEW = 4  # rows, of which some calls of maximum cost less than one reduction
TABLE = 64  # for more choices, what is picked is looked up and not multiplied
LARGEST = float(np.finfo(float).max)


class LogSumExp:
    """log(sum(exp(values))) and its softmax; the largest is taken out first, so that nothing overflows."""

    def forward(self, writer: Writer, step: Step, out: View) -> None:
        lanes, values = len(step.sizes), writer.together(step.operands[0], solid=True)
        alike, starts = len(set(step.sizes)) == 1, writer.starts(step.sizes)
        if lanes > 1 and alike:
            values, out = writer.reshaped(values, (lanes, step.sizes[0])), writer.reshaped(out, (lanes, 1))
        whole, largest = writer.temporary(out.shape), writer.temporary(out.shape)
        if alike:
            spread = shift = self._largest(writer, values, lanes, out.shape, step.target in writer.shown)
        else:
            says = f"{plain(largest)} = max({plain(values)})"
            writer.line("maximum.reduceat({0}, {1}, 0, None, {out})", [values, starts], largest, says)
            shift = writer.ufunc("minimum", [writer.ufunc("maximum", [largest, -LARGEST]), LARGEST])
            spread = writer.spread(shift, step.sizes)
        shifted, logs, of_shifted, of_logs = None, None, "", ""
        if lanes == 1 and step.target in writer.shown and len(values.shape) == 2:  # one array, for one product
            count = int(values.shape[0])
            both = writer.temporary((count + 1, "n"))
            shifted, logs = both.window(f"[:{count}]", values.shape), both.window(f"[{count}:]", out.shape)
            of_shifted = f"{plain(both)}[:{count}] = {plain(values)} - {plain(spread)}"
            of_logs = f"{plain(both)}[{count}] = log({plain(whole)})"
        shifted = writer.ufunc("subtract", [values, spread], shifted, of_shifted)
        powers = writer.ufunc("exp", [shifted])
        says = f"{plain(whole)} = sum({plain(powers)})"
        if lanes == 1:
            writer.add_up(powers, whole)
        elif alike:
            writer.line("add.reduce({0}, 1, None, {out}, True)", [powers], whole, says)
        else:
            writer.line("add.reduceat({0}, {1}, 0, None, {out})", [powers, starts], whole, says)
        logs = writer.ufunc("log", [whole], logs, of_logs)
        writer.saved[step] = powers, whole, shifted
        writer.ufunc("add", [logs, shift], out, f"{plain(out)} = logsumexp({plain(values)})")

    def _largest(self, writer: Writer, values: View, lanes: int, shape: Shape, infinite: bool) -> Argument:
        """The largest of each lane's values, made finite; or infinite, too."""
        count = values.shape[0]
        if lanes == 1 and isinstance(count, int) and count <= FEW and len(values.shape) == 2:
            rows: list[Argument] = [values.window(f"[{i}:{i + 1}]", shape) for i in range(count)]
            largest, *others = rows if infinite else [-LARGEST, *rows]
            for i, row in enumerate(others, start=count - len(others) + 1):  # less than one reduction of a few rows
                target = writer.temporary(shape)
                says = f"{plain(target)} = max({plain(values)}[:{i}])"
                largest = writer.ufunc("maximum", [row, largest], target, says)
        else:
            largest = writer.temporary(shape)
            target = largest if lanes > 1 or len(shape) == 1 else largest.window("[0]", shape[1:])
            more = f", {target is largest}" + f", {-LARGEST}" * (not infinite)
            writer.line(f"maximum.reduce({{0}}, {int(lanes > 1)}, None, {{out}}{more})", [values], target,
                        f"{plain(largest)} = max({plain(values)})")  # fmt: skip
        return largest if infinite else writer.ufunc("minimum", [largest, LARGEST])

    def backward(self, back: Backward, step: Step, above: Term) -> None:
        """Each value gets its softmax probability of the gradient."""
        writer, lanes = back.writer, len(step.sizes)
        powers, whole, _ = writer.saved[step]
        view, alike = above.view, len(set(step.sizes)) == 1
        if view is not None and lanes > 1 and alike:
            view = view if view.shape[0] == lanes else back.full(Term(writer, view), step.target)
            view = writer.reshaped(view, (lanes, 1))
        share = writer.ufunc("divide", [factor(writer, above.number, above.power) if view is None else view, whole])
        share = share if alike else writer.spread(share, step.sizes)

        def write(out: View | None) -> View:
            return writer.ufunc("multiply", [powers, share], out)

        waiting = Term(writer, None) if view is None else Term(writer, None, above.number, above.power)
        back.contribute(step.operands[0], Made(powers.shape, write), waiting, step.target.batched)


class Pick:
    """Of each lane's choices the one that its index names."""

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
        index = self._whole_numbers(writer, step.operands[1], width)
        where = self._places(writer, at, width, index, array.batched, (lanes, "n" if step.target.batched else 1))
        writer.saved[step] = array, where
        flat = writer.whole(array).window(".reshape(-1)", (-1,))
        says = f"{out.buffer.name} = {flat.buffer.name}[{plain(index)}]"
        writer.line('{0}.take({1}, None, {out}, "clip")', [flat, where], aside(out, True), says)

    def backward(self, back: Backward, step: Step, above: Term) -> None:
        """Only what was picked gets the gradient."""
        writer = back.writer
        array, where = writer.saved[step]
        if (found := hot(writer, step)) is not None:
            made, term = product(writer, Term(writer, first_rows(found[0], step.sizes[0]), 1.0, 1), above)
            return back.contribute(step.operands[0], made, term, True)
        whole = writer.whole(array)
        count = f"{array.lanes}{' * n' if array.batched else ''}"
        waiting = Term(writer, None, above.number, above.power)
        if above.view is None:
            text, parts = f"np.bincount({{0}}.reshape(-1), minlength={count})", [where]
        else:
            upstream = back.full(Term(writer, above.view), step.target)
            text = f"np.bincount({{0}}.reshape(-1), weights={{1}}.reshape(-1), minlength={count})"
            parts = [where, upstream]

        def write(out: View | None) -> View:
            out = out or writer.temporary(whole.shape)
            writer.line(f"{{out}}[...] = {text}.reshape({{out}}.shape)", parts, out)
            return out

        made = Made(whole.shape, write)
        if array in back.wanted:
            back.contribute([Lane(array, i) for i in range(array.lanes)], made, waiting, array.batched)
        else:  # gathered from others
            back.contribute(step.operands[0], made, waiting, array.batched)

    def _places(self, writer: Writer, at: Sequence[int], width: int, index: View, batched: bool, shape: Shape) -> View:
        """Where in the memory of the array what is picked stands: choice c of lane l is its lane at[l · width + c]."""
        starts, stride = at[::width], (at[1] - at[0] if width > 1 else 0)
        times, plus = (" * n", " + np.arange(n)") if batched else ("", "")
        made = integers(shape)
        if all(place == starts[i // width] + stride * (i % width) for i, place in enumerate(at)):
            offsets = writer.constant(f"np.array({starts})[:, None]{times}{plus}", shape)
            key, step = ("places", index, offsets, stride), writer.constant(f"np.array({stride}{times})", ())
            if key not in writer.known:
                where = writer.once(key, shape, "multiply({0}, {1}, {out})", [index, step], made)
                writer.line("add({0}, {1}, {out})", [where, offsets], where)
            return writer.known[key]
        table = writer.indices(at)
        lanes = writer.constant(f"np.arange(0, {len(at)}, {width})[:, None]", (len(starts), 1))
        text = f"{{out}}[...] = {{1}}[{{0}} + {{2}}]{times}{plus}"
        return writer.once(("places", index, table, batched), shape, text, [index, table, lanes], made)

    def _whole_numbers(self, writer: Writer, operands: Sequence[Operand], count: int) -> View:
        """The indices of a pick as integers, below count: an IndexError else."""
        arrays = {o.array if isinstance(o, Lane) else None for o in operands}
        [array, *others] = arrays
        if array is not None and not others and array.whole_numbers:
            shape: Shape = (array.lanes, "n")
            key = ("whole numbers", array)
            every = writer.once(key, shape, f"{{out}}[:] = {array.given}", [], integers(shape))
            lanes = [o.index for o in operands]  # type: ignore[union-attr]
            used = sorted(set(lanes))
            if ("checked", array, tuple(used), count) not in writer.known:
                writer.known["checked", array, tuple(used), count] = every
                rows = writer.rows(every, used, integers)
                unsigned = rows.window(".view(np.uintp)", rows.shape)  # in which -1 is large
                unsigned = unsigned.window("[0]", ("n",)) if len(used) == 1 else unsigned
                text = f"if maximum.reduce({{0}}, axis=None) >= {count}: in_range({{1}}, {count})"
                writer.line(text, [unsigned, rows], None, f"labels: 0, …, {count - 1}")
                writer.checks[array, count] = writer.block.lines[-1]
            else:
                writer.checks.pop((array, count), None)  # for more than one
            return writer.rows(every, used if len(used) == 1 else lanes, integers)
        values = writer.window(operands, True)
        if isinstance(values, float):
            values = writer.constant(f"np.full((1, 1), {literal(values)})", (1, 1))
        text = f"{{out}}[...] = in_range({{0}}, {count})"
        return writer.once(("whole", values, count), values.shape, text, [values], integers(values.shape))


def hot(writer: Writer, step: Step) -> tuple[View, View] | None:
    """1.0 / n where a choice was picked, 0.0 elsewhere, and nan for what is no choice; and the labels plus 1.

    None where that is no small table, or the index is no label. For a cross-entropy there is a row of -1.0 / n, too.
    """
    array, index = writer.saved[step][0], step.operands[1][0]
    width = step.sizes[0]
    if len(step.sizes) > 1 or width > TABLE or not array.batched or not isinstance(index, Lane):
        return None
    if not index.array.whole_numbers or index.array.lanes > 1:
        return None
    given, key = index.array.given, ("labels plus 1", index.array)
    if key not in writer.known:
        plus_1 = writer.known[key] = writer.temporary(("n",), integers(("n",)))
        out = plus_1 if given.isidentifier() else plus_1.window("[None]", (1, "n"))  # (n,) or one number; else (1, n)
        one = writer.constant("np.array(1)", ())
        writer.line(f"add({given}, {{0}}, {{out}})", [one], out, f"{plain(plus_1)} = {given} + 1")
    plus_1 = writer.known[key]
    choices, rows, says = f"np.eye({width}) / n", width, f"one_hot({index.array.given}) / n"
    if logsumexp_of(writer, step):
        says = f"[one_hot({index.array.given}) / n, -1 / n]"
        choices, rows = f"np.vstack([{choices}, np.full({width}, -1.0 / n)])", width + 1
    no_choice = f"np.full(({rows}, 1), np.nan)"
    table = writer.constant(f"np.hstack([{no_choice}, {choices}, {no_choice}])", (rows, width + 2))
    text = '{0}.take({1}, 1, {out}, "clip")'
    return writer.once(("hot", plus_1, rows, width), (rows, "n"), text, [table, plus_1], "", says), plus_1


def first_rows(view: View, count: int) -> View:
    return view if view.shape[0] == count else view.window(f"[:{count}]", (count, *view.shape[1:]))


def logsumexp_of(writer: Writer, step: Step) -> Step | None:
    """The logsumexp of the choices of that pick, if both are terms of the mean."""
    for other in writer.plan.steps if step.target in writer.shown else ():
        if other.kind is logsumexp and other.target in writer.shown and other.operands[0] == step.operands[0]:
            return other
    return None
