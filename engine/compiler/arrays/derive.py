"""The backward part of an array program: in reverse order, what each instruction passes back to its operands."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...op import Op
from ...operators import has_no_slope
from ...ops import logsumexp, pick, where
from ..literals import evenly
from ..scalar.derive import chooses
from .forward import Forward, Link
from .ir import ZERO, Array, Number, Operand, Rows, is_batched
from .place import Places
from .plan import Step
from .program import operand, symbol


def differentiate(
    forward: Forward, output: Operand, wanted: Sequence[Array], power: int, each: bool = False, exact: bool = False
) -> list[Operand]:
    """The gradients of an output with respect to the wanted arrays; its own gradient is n^power.

    `each`: every example has a gradient of its own; else what an array that is the same for all examples gets from
    each of them adds up. `exact`: what is not chosen passes nothing on though inputs are nan or infinite; if it is
    False, `forward.unmasked` tells whether that would take further instructions.
    """
    backward = Backward(forward, wanted, each, exact)
    backward.give(output, Number(1.0, power), 1, is_batched(output))
    for link in reversed(forward.links):
        if link.out.array in backward.parts and link.out.array not in wanted:
            backward.pass_back(link)
    gradients = [backward.collected(array) for array in wanted]
    forward.program.step = None
    return gradients


class Backward:
    """The gradients so far: for each array, what was passed to which of its rows, and by which step of the plan."""

    def __init__(self, forward: Forward, wanted: Sequence[Array], each: bool, exact: bool) -> None:
        self.program, self.each, self.exact = forward.program, each, exact
        self.forward = forward
        self.parts: dict[Array, list[tuple[Places, Operand, Step | None]]] = {}
        self.reached = set(wanted)  # the wanted arrays, and all that depend on one
        self.risky: set[Array] = set()  # the arrays that may have infinite slopes, see scalar/derive.py
        self.varying: set[Array] = set()  # the arrays that are made of an input, which may be nan
        self.behind: set[Array] = set()  # those that are something that is chosen, or not
        self.always: dict[Array, set[int]] = {}  # their rows that get a gradient besides, whatever is chosen
        choosing = any(chooses(link.kind) for link in forward.links)
        for link in forward.links:
            arrays = [a.array for a in link.args if isinstance(a, Rows)]
            if not self.reached.isdisjoint(arrays):
                self.reached.add(link.out.array)
            no_slope = isinstance(link.kind, Op) and has_no_slope(link.kind)
            if choosing and (no_slope or not self.risky.isdisjoint(arrays)):
                self.risky.add(link.out.array)
            if choosing and any((a.op == "input" and not a.extra[1]) or a in self.varying for a in arrays):
                self.varying.add(link.out.array)

    def pass_back(self, link: Link) -> None:
        """Give each operand of an instruction what it gets."""
        array = link.out.array
        self.program.step = link.step
        upstream = self.collected(array, link.step)
        del self.parts[array]
        if len(self.always.get(array, ())) == array.lanes:
            self.behind.discard(array)
        for a in link.args if self.risky or self.varying else ():
            if isinstance(a, Rows) and (array in self.behind or chooses(link.kind)):
                self.behind.add(a.array)
            elif isinstance(a, Rows):
                self.always.setdefault(a.array, set()).update(link.extra[0] if link.kind == "take" else a.places)
        ADJOINTS.get(link.kind, Backward._elementwise)(self, link, upstream)

    def masked(self, link: Link) -> bool:
        """Whether to see to it that nothing is passed on where the gradient is 0, whatever the slopes are."""
        array = link.out.array
        if link.kind is where or array not in self.behind:
            return False  # the slopes of a where are 0 and 1, whatever its arguments are
        if array in self.risky or array not in self.varying:
            return array in self.risky
        self.forward.unmasked |= not self.exact
        return self.exact

    def wants(self, to: Operand) -> bool:
        return isinstance(to, Rows) and to.array in self.reached

    def give(self, to: Operand, g: Operand, count: int, batched: bool) -> None:
        """Add g to the gradient of an operand. It was passed back by `count` lanes, for each example if `batched`."""
        if not isinstance(to, Rows) or not self.wants(to):
            return
        if batched and not to.array.batched:
            g = self._over_examples(g)
        if to.count == 1 < count:
            g = self.program.sums(g, (count,))
        self.parts.setdefault(to.array, []).append((to.places, g, self.program.step))

    def _over_examples(self, g: Operand) -> Operand:
        if self.each:
            return g
        if isinstance(g, Number):
            return Number(g.number, g.power + 1)
        if not g.array.batched:
            return self.program.ufunc("multiply", g, Number(1.0, 1))
        return self.program.write("examples", [g], g.count, False)

    def collected(self, array: Array, step: Step | None = None) -> Operand:
        """The sum of what was passed to an array. It may be one row or a number that is the same in all rows.

        `step`: the one that made the array; if there is none, what is added belongs to the step that passed it back.
        """
        merged: dict[Places, Operand] = {}
        for to, g, giver in self.parts.get(array, ()):
            self.program.step = step or giver
            merged[to] = self.program.ufunc("add", merged[to], g) if to in merged else g
        every = range(array.lanes)
        g = merged.get(every, ZERO)
        if merged.keys() - {every}:
            if every in merged:  # it comes last if the others are apart, and else first
                del merged[every]
                rows_of_others = [row for part in merged for row in part]
                last = len(rows_of_others) == len(set(rows_of_others)) == array.lanes
                merged = {**merged, every: g} if last else {every: g, **merged}
            batched = any(map(is_batched, merged.values())) or (array.batched and not self.each)
            g = self.program.write("scatter", [*merged.values()], array.lanes, batched, tuple(map(tuple, merged)))
        if isinstance(g, Rows) and g.complete and not g.array.name and array.name:
            g.array.name = "d" + (array.name[1:] if array.name[0] == "z" else array.name)
        return g

    # --- one rule for each kind

    def _elementwise(self, link: Link, upstream: Operand) -> None:
        """Each operand gets its local derivative times the upstream gradient."""
        program, partials = self.program, link.kind.quick or link.kind.partials
        out, args = symbol(program, link.out), [symbol(program, a) for a in link.args]
        slopes = partials(out, *args) if callable(partials) else None
        for i, to in enumerate(link.args):
            if not self.wants(to):
                continue
            slope = operand(partials[i](out, *args) if slopes is None else slopes[i])
            if slope == ZERO:
                continue
            passed = program.ufunc("multiply", slope, upstream)
            if isinstance(slope, Rows) and isinstance(upstream, Rows) and self.masked(link):
                passed = program.apply(where, [upstream, passed, ZERO])
            self.give(to, passed, link.out.count, link.out.array.batched)

    def _grid(self, link: Link, upstream: Operand) -> None:
        """With z = W @ h, W gets dz @ h.T and h gets W.T @ dz."""
        rights, lefts, width, ones, keep = link.extra
        left, right = link.args
        side: Any = right
        g = self.program.full(upstream, rights * lefts, True)
        if self.wants(left):
            if self.masked(link):  # where the whole gradient is 0, nothing takes part, whatever the factors are
                sizes = self.program.ufunc("absolute", g)
                there = self.program.sums(sizes, (lefts,) * rights, across=rights > 1)
                there = self.program.spread(there, (keep,) * rights, across=True)
                side = self.program.apply(where, [there, right, ZERO])
                side.array.ones = ones * rights
            outer = self.program.write("outer", [g, side, left], lefts * width, self.each, rights, lefts, width, ones)
            self.give(left, outer, lefts * width, False)
        if self.wants(right):
            back = self.program.write("back", [left, g], rights * keep, True, rights, lefts, width, keep)
            self.give(right, back, rights * keep, True)

    def _products(self, link: Link, upstream: Operand) -> None:
        """Each side gets the product of the upstream gradient with the other side, summed over the axes it lacks."""
        program, (left, right) = self.program, link.args
        left_axes, right_axes, axes, sizes = link.extra
        g = program.full(upstream, link.out.count, True)
        one, two = (left, left_axes), (right, right_axes)
        for (side, its_axes), (other, other_axes) in ((one, two), (two, one)):
            if self.wants(side):
                extra = axes, other_axes, its_axes, sizes
                passed: Operand = program.write("einsum", [g, other], side.count, True, *extra)
                if self.masked(link):  # examples whose gradient is 0 take no part, whatever the factors are
                    passed = self._one_by_one(g, other, *extra)
                self.give(side, passed, side.count, True)

    def _one_by_one(
        self, g: Rows, other: Rows, axes: str, other_axes: str, to_axes: str, sizes: Sequence[tuple[str, int]]
    ) -> Operand:
        """An einsum as a sum of products, in which a g of 0 makes a product 0."""
        every = to_axes + "".join(axis for axis, _ in sizes if axis not in to_axes)
        shape = [dict(sizes)[axis] for axis in every]
        at = dict(zip(every, np.indices(shape)))
        factors = []
        for x, its_axes in ((g, axes), (other, other_axes)):
            lanes = np.ravel_multi_index([at[axis] for axis in its_axes], [dict(sizes)[axis] for axis in its_axes])
            factors.append(self.program.taken(x, lanes.ravel().tolist()))
        products = self.program.ufunc("multiply", *factors)
        products = self.program.apply(where, [factors[0], products, ZERO])
        count = math.prod(shape[: len(to_axes)])
        return self.program.sums(products, (math.prod(shape) // count,) * count)

    def _sum(self, link: Link, upstream: Operand) -> None:
        """Each term gets the gradient of its sum."""
        sizes, across = link.extra
        self.give(link.args[0], self.program.spread(upstream, sizes, across), sum(sizes), link.out.array.batched)

    def _logsumexp(self, link: Link, upstream: Operand) -> None:
        """Each value gets its softmax probability times the upstream gradient."""
        program = self.program
        values, powers, whole = link.args
        if isinstance(whole, Rows) and whole.array.op == "divisors" and isinstance(upstream, Number):
            passed = program.ufunc("divide", powers, whole.array.whole._replace(count=powers.count))
            passed = program.ufunc("multiply", passed, Number(upstream.number, upstream.power + 1))
            return self.give(values, passed, powers.count, True)
        share = program.spread(program.ufunc("divide", upstream, whole), *link.extra)
        passed = program.ufunc("multiply", powers, share)
        if isinstance(upstream, Rows) and self.masked(link):
            passed = program.apply(where, [program.spread(upstream, *link.extra), passed, ZERO])
        self.give(values, passed, powers.count, link.out.array.batched)

    def _pick(self, link: Link, upstream: Operand) -> None:
        """Only what was picked gets the upstream gradient."""
        source, index = link.args
        if link.extra == ("hot",):
            hot = self.forward.hot(link.out.array)
            slope = self.program.ufunc("multiply", hot, Number(1.0, 1))
            return self.give(source, self.program.ufunc("multiply", slope, upstream), hot.count, True)
        lanes, batched, count = source.array.lanes, source.array.batched, link.out.count
        if self.each and not batched:  # the index, too, has to tell the examples apart
            batched, flat = True, index.array
            index = self.program.write("flat", flat.args, count, True, *flat.extra[:3], True)
        full = isinstance(upstream, Number)
        g = upstream if full else self.program.full(upstream, count, index.array.batched)
        self.give(source, self.program.write("put", [g, index], lanes, batched), lanes, batched)

    def _take(self, link: Link, upstream: Operand) -> None:
        """A lane that was taken several times gets the sum."""
        [lanes], source = link.extra, link.args[0].array
        unique = sorted(set(lanes))
        if len(lanes) > len(unique) > 1 and list(lanes) == unique * (len(lanes) // len(unique)):  # all, again and again
            g = self.program.sums(upstream, (len(lanes) // len(unique),) * len(unique), across=True)
        else:
            g = self.program.taken(upstream, sorted(range(len(lanes)), key=lanes.__getitem__))
            if len(unique) < len(lanes):
                g = self.program.sums(g, tuple(map(Counter(lanes).__getitem__, unique)))
        self.parts.setdefault(source, []).append((evenly(unique) or tuple(unique), g, self.program.step))

    def _scatter(self, link: Link, upstream: Operand) -> None:
        batched = link.out.array.batched
        for part, places in zip(link.args, link.extra[0]):
            if self.wants(part):
                self.give(part, self.program.taken(upstream, places), len(places), batched)

    def _full(self, link: Link, upstream: Operand) -> None:
        self.give(link.args[0], upstream, link.out.count, link.out.array.batched)


ADJOINTS: Mapping[Any, Any] = {
    "dot": Backward._grid,
    "products": Backward._products,
    "sum": Backward._sum,
    logsumexp: Backward._logsumexp,
    pick: Backward._pick,
    "take": Backward._take,
    "scatter": Backward._scatter,
    "full": Backward._full,
}
