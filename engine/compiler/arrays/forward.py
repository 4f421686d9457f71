"""From a plan to the array program: the operands of each instruction are gathered, and rows become ufuncs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...ops import exp, logsumexp, pick
from . import plan as planned
from .ir import Array, Number, Operand, Rows, is_batched, rows
from .plan import Lane, Plan, Step, by_array
from .products import rising_axes
from .program import Program

LARGEST = Number(float(np.finfo(float).max))
FEW = 8  # from so many classes or fewer, it is faster to divide by a whole array than to lay one row beside all others
SMALL = 64  # from so many choices or fewer, one is picked by a product with a one-hot table; from more, by its index


class Link(NamedTuple):
    """What has a rule for its gradient: an instruction of the plan, or a gathering of operands."""

    kind: Any  # that of the instruction, or "take", "scatter" or "full"
    args: tuple[Any, ...]
    out: Rows
    extra: tuple[Any, ...]
    step: Step | None


def array_program(plan: Plan, mean_parts: Collection[planned.Array] = (), divides: bool = False) -> Forward:
    """The array program that computes the outputs of a plan.

    `mean_parts` are the arrays that only their means are wanted of: they may be nan where they should be infinite.
    `divides`: a softmax of few classes is wanted, and divides by an array of its shape.
    """
    forward = Forward(plan, mean_parts, divides)
    for step in plan.steps:
        forward.compute(step)
    forward.program.step = None
    forward.outputs = [Rows(forward.arrays[each.array], each.index, 1, 1) if isinstance(each, Lane) else Number(each)
                       for each in plan.outputs]  # fmt: skip
    return forward


class Forward:
    """The forward part of an array program, and what derives it needs."""

    def __init__(self, plan: Plan, mean_parts: Collection[planned.Array], divides: bool) -> None:
        self.plan, self.mean_parts, self.divides = plan, mean_parts, divides
        self.program = Program()
        self.links: list[Link] = []
        self.arrays: dict[planned.Array, Array] = {}
        self.theta = self.arrays[plan.theta] = self.program.write("theta", (), plan.theta.lanes, False).array
        self.theta.name = "theta"
        self.softmax: dict[Array, tuple[Operand, Operand, Operand, Step]] = {}  # of a logsumexp: see _probabilities
        self.shifted: dict[Array, tuple[Operand, Operand, Step]] = {}  # of a logsumexp: its values, shifted; the log
        self.picks: dict[Array, tuple[Step, Rows, Rows]] = {}  # the choices and the label of a pick with a table
        self.checked: list[Array] = []  # the indices that have to be checked, once for each pick
        self.outputs: list[Operand] = []
        self.unmasked = False  # whether its derivative is nan where an input that nothing chose is; see derive.py
        for given in plan.inputs:
            array = self.program.write("input", (), given.lanes, True, given.given, given.whole_numbers).array
            array.name = given.name
            self.arrays[given] = array

    def compute(self, step: Step) -> None:
        """Write what a step does."""
        self.program.step = step
        out = KINDS.get(step.kind, Forward._elementwise)(self, step)
        lanes, batched = step.target.lanes, step.target.batched
        if isinstance(out, Number) or not out.complete or out.count != lanes or out.array.batched is not batched:
            out = self._linked("full", [out], lanes, batched)
        out.array.name = out.array.name or step.target.name
        self.arrays[step.target] = out.array

    def _linked(self, op: str, args: Sequence[Operand], lanes: int, batched: bool, *extra: Any) -> Rows:
        """Write an instruction that gathers operands, and note how its gradient goes back."""
        before = len(self.program.code)
        out = self.program.write(op, args, lanes, batched, *extra)
        if len(self.program.code) > before:
            self.links.append(Link(op, tuple(args), out, extra, self.program.step))
        return out

    def _done(self, step: Step, args: Sequence[Operand], out: Operand, *extra: Any) -> Operand:
        if isinstance(out, Rows) and out.complete:  # else it is a number, or rows of an operand, times 1
            self.links.append(Link(step.kind, tuple(args), out, extra, step))
        return out

    # --- operands

    def gather(self, operands: Sequence[planned.Operand], solid: bool = True, padding: bool = False) -> Rows:
        """These operands as rows of one array; if `solid`, in one piece of memory. Numbers that are `padding` are 0."""
        parts: list[Operand] = []
        groups = by_array(operands)
        if padding and len(groups) > 1:
            groups = {array: found for array, found in groups.items() if array is not None}
        for array, (positions, lanes) in groups.items():
            if array is None:
                numbers = [Number(operands[i]) for i in positions]  # type: ignore[arg-type]
                parts.append(self.program.write("numbers", numbers, len(numbers), False))
            else:
                source = self.arrays[array]
                taken = rows(source, lanes)
                parts.append(taken or self._linked("take", [source.whole], len(lanes), source.batched, tuple(lanes)))
        if len(parts) == 1 and isinstance(parts[0], Rows) and (parts[0].step == 1 or not solid) and (
            parts[0].count == len(operands)
        ):  # fmt: skip
            return parts[0]
        where = tuple([tuple(positions) for positions, _ in groups.values()])
        return self._linked("scatter", parts, len(operands), any(map(is_batched, parts)), where)

    def broadcastable(self, operands: Sequence[planned.Operand]) -> Operand:
        """The operands as rows of one array, or as one row or number if all are equal."""
        first = operands[0]
        if isinstance(first, Lane):
            if operands[-1] == first and operands.count(first) == len(operands):
                return Rows(self.arrays[first.array], first.index, 1, 1)
        elif len({repr(each) for each in operands}) == 1:
            return Number(first)
        return self.gather(operands, solid=False)

    # --- kinds of instructions

    def _elementwise(self, step: Step) -> Operand:
        args: list[Operand] = []
        for operands in step.operands:
            again = bool(args) and operands == step.operands[0]  # as in a square
            args.append(args[0] if again else self.broadcastable(operands))
        out = self._probabilities(args[0]) if step.kind is exp else None
        return self._done(step, args, out or self.program.apply(step.kind, args))

    def _probabilities(self, x: Operand) -> Operand | None:
        """exp(values - logsumexp(values)) without a second exp: the powers by their sums."""
        if not isinstance(x, Rows) or x.array.op != "subtract" or not x.complete:
            return None
        values, logs = x.array.args
        whole = logs.array if isinstance(logs, Rows) else None
        if whole is not None and whole.op == "take":
            whole = whole.args[0].array
        if whole not in self.softmax:
            return None
        its_values, powers, sums, step = self.softmax[whole]
        if values != its_values or logs != self.program.spread(whole.whole, step.sizes, step.across):
            return None
        return self.program.ufunc("divide", powers, self.program.spread(sums, step.sizes, step.across))

    def _grid(self, step: Step) -> Operand:
        """The dot products of each left side with each right side."""
        rights, lefts, width = step.sizes
        lanes = step.operands[1]
        ones = lanes[::rights].count(1.0)
        keep = width - ones
        left = self.gather(step.operands[0])
        right = self.gather(lanes[: keep * rights])
        if ones and right.places.stop != right.array.lanes:  # behind them, there is no room for ones
            right = self._linked("full", [right], right.count, True)
        right.array.ones = max(right.array.ones, ones * rights)
        out = self.program.write("matmul", [left, right], rights * lefts, True, rights, lefts, width, ones)
        return self._done(step, [left, right], out, rights, lefts, width, ones, keep)

    def _products(self, step: Step) -> Operand:
        g, i, j, k = step.sizes
        left, left_axes = self._matrices(step.operands[0], {"g": g, "i": i, "k": k})
        right, right_axes = self._matrices(step.operands[1], {"g": g, "j": j, "k": k})
        extra = left_axes, right_axes, step.axes, tuple(zip("gijk", step.sizes))
        out = self.program.write("einsum", [left, right], g * i * j, True, *extra)
        return self._done(step, [left, right], out, *extra)

    def _matrices(self, operands: Sequence[planned.Operand], sizes: dict[str, int]) -> tuple[Rows, str]:
        """The factors of products of matrices, and their axes, in an order in which little has to be moved."""
        lanes = [a.index if isinstance(a, Lane) else -1 for a in operands]
        axes, order = rising_axes([*sizes.values()], lanes)
        return self.gather([operands[i] for i in order], padding=True), "".join([*sizes][axis] for axis in axes)

    def _sum(self, step: Step) -> Operand:
        terms = self.gather(step.operands[0], solid=len(step.sizes) > 1)
        return self._done(step, [terms], self.program.sums(terms, step.sizes, step.across), step.sizes, step.across)

    def _logsumexp(self, step: Step) -> Operand:
        """The largest value is subtracted first, so that nothing overflows."""
        ufunc, sizes = self.program.ufunc, step.sizes
        values = self.gather(step.operands[0])
        across = [True] * step.across
        shift: Operand = self.program.write("largest", [values], len(sizes), values.array.batched, sizes, *across)
        quick = len(sizes) == 1 and step.target in self.mean_parts and values.array.batched
        if not quick:
            shift = ufunc("minimum", ufunc("maximum", shift, Number(-LARGEST.number)), LARGEST)
        shifted = ufunc("subtract", values, self.program.spread(shift, sizes, step.across))
        powers = ufunc("exp", shifted)
        if self.divides and len(sizes) == 1 and sizes[0] <= FEW and values.array.batched:
            rows_of_sums = self.program.write("divisors", [powers], sizes[0] + 1, True)
            whole: Operand = rows_of_sums.row(sizes[0])
        else:
            whole = self.program.sums(powers, sizes, step.across)
        log = ufunc("log", whole)
        out: Any = ufunc("add", log, shift)
        if quick:
            self.shifted[out.array] = shifted, log, step
        else:
            self.softmax[out.array] = values, powers, whole, step
        return self._done(step, [values, powers, whole], out, sizes, step.across)

    def _pick(self, step: Step) -> Operand:
        """For each lane, the one of its choices that its index names."""
        lanes, width, choices = len(step.sizes), step.sizes[0], step.operands[0]
        groups = by_array(choices)
        [array, *others] = groups
        if others or array is None:
            source, at = self.gather(choices), range(len(choices))
        else:
            source, at = self.arrays[array].whole, groups[array][1]  # type: ignore[assignment]
        index = self._index(step.operands[1], width)
        batched = source.array.batched
        rows_of_indices = lanes, step.target.batched
        flat = self.program.write("flat", [index], *rows_of_indices, tuple(at), width, source.array.lanes, batched)
        out = self.program.write("pick", [source, flat], lanes, step.target.batched)
        label = self._label(step, batched)
        if label is not None:
            picked = self.gather(choices, solid=False)
            self.picks[out.array] = step, picked, label
            return self._done(step, [picked, label], out, "hot")
        return self._done(step, [source, flat], out, "flat")

    def hot(self, picked: Array) -> Rows:
        """The table of a pick: a row for each choice, with 1 / n where it was picked, and 0 elsewhere.

        If a label is out of range, its whole column is nan. For a cross-entropy there is one more row, of -1 / n.
        """
        step, _, label = self.picks[picked]
        more = self.logsumexp_of(picked) is not None
        table = self.program.write("hot", (), step.sizes[0] + more, True, step.sizes[0], label.array)
        return Rows(table.array, 0, 1, step.sizes[0])

    def logsumexp_of(self, picked: Array) -> Array | None:
        """The logsumexp of the same choices as this pick has, if of both only the means are wanted."""
        step = self.picks[picked][0]
        for array, (_, _, other) in self.shifted.items() if step.target in self.mean_parts else ():
            if other.operands[0] == step.operands[0]:
                return array
        return None

    def _label(self, step: Step, batched: bool) -> Rows | None:
        """The label that chooses, if it is an integer input, and a table with a row for each choice is small."""
        index = step.operands[1][0]
        if len(step.sizes) > 1 or step.sizes[0] > SMALL or not batched or not isinstance(index, Lane):
            return None
        alone = index.array.whole_numbers and index.array.lanes == 1
        return self.arrays[index.array].whole if alone else None

    def _index(self, operands: Sequence[planned.Operand], count: int) -> Rows:
        """The indices of a pick as integers; the program raises an IndexError if one is not in 0, …, count - 1."""
        [(array, (_, lanes)), *others] = by_array(operands).items()
        if array is not None and array.whole_numbers and not others:
            used = tuple(sorted(set(lanes)))
            index = self.program.write("index", (), len(used), True, count, used, self.arrays[array])
            places: Sequence[int] = [used.index(lane) for lane in lanes]
        else:
            value = self.broadcastable(operands)
            places = range(value.count if isinstance(value, Rows) else 1)
            index = self.program.write("index", [value], len(places), is_batched(value), count, None, None)
        self.checked.append(index.array)
        return self.program.taken(index, places)  # type: ignore[return-value]


KINDS: dict[Any, Any] = {
    "dot": Forward._grid, "sum": Forward._sum, logsumexp: Forward._logsumexp, pick: Forward._pick,
    "products": Forward._products,
}  # fmt: skip
