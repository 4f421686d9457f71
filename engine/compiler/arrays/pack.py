"""Packing: equal scalar work becomes the lanes of one array instruction, and layers of neurons matrix products."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain, count
from typing import Any

from ...ops import add, logsumexp, multiply, pick
from ..scalar.code import Argument, Code, Scalar
from .flattening import Flattened, flatten
from .layout import name_arrays
from .order import reorder
from .plan import Array, Lane, Operand, Plan, Step
from .products import Products, find_products

Lanes = dict[int, int]  # for each place in the code, in which lane of a step it is


class _Agenda:
    """The order of the work: of the kinds that are ready, the one with the lowest mean depth is next, all at once.

    What is the same for all examples comes first. Its gradients then come last, when all parts of them are there.
    """

    def __init__(self, flat: Flattened, leaves: Sequence[Lane]) -> None:
        self.flat = flat
        self.lanes: list[Any] = [*leaves]  # for each place, once it is computed
        self.lanes += [None] * (len(flat.batched) - len(leaves))
        self.steps: list[Step] = []
        first, self._waiting, self._users, self._depth = _reachable(flat, len(leaves))
        self._ready: defaultdict[Any, list[int]] = defaultdict(list)
        self._sums: defaultdict[Any, int] = defaultdict(int)  # of the depths of those that are ready
        self._make_ready(first)

    def _make_ready(self, places: Iterable[int]) -> None:
        flat, ready, sums, depth = self.flat, self._ready, self._sums, self._depth
        for place in places:
            key = _group_key(flat, place)
            ready[key].append(place)
            sums[key] += depth[place]

    def run(self) -> None:
        batched, sums, ready, waiting = self.flat.batched, self._sums, self._ready, self._waiting
        while ready:
            key = min(ready, key=lambda k: (batched[ready[k][0]], sums[k] / len(ready[k])))
            places = sorted(ready.pop(key))
            del sums[key]
            kind, _ = self.flat.tasks[places[0]]
            if kind == "dot":
                self._grids(places)
            elif isinstance(kind, Products):
                g, i, j, _ = kind.sizes
                sides = [self.operands(kind.left), self.operands(kind.right)]
                self._add("products", kind.places, sides, kind.sizes, g * i * j)
            elif kind != "of":  # what is a result of products of matrices is there already
                self._step(kind, dict(zip(places, count())))
            for place in places:
                for user in self._users.get(place, ()):
                    waiting[user] -= 1
                    if not waiting[user]:
                        self._make_ready([user])

    def operands(self, arguments: Iterable[Argument]) -> list[Operand]:
        lanes = self.lanes
        return [lanes[a] if a.__class__ is int else a for a in arguments]

    def _add(
        self, kind: Any, places: Lanes, operands: list[list[Operand]], sizes: tuple[int, ...] = (), lanes: int = 0
    ) -> None:  # fmt: skip
        """A step of so many lanes, or of one for each place."""
        target = Array(lanes or len(places), self.flat.batched[next(iter(places))])
        self.steps.append(Step(kind, target, operands, sizes, self._stands_for(places)))
        for place, lane in zip(places, target.some_lanes(places.values())):
            self.lanes[place] = lane

    def _stands_for(self, places: Iterable[int]) -> list[int]:
        parts, found = self.flat.parts, list[int]()
        for place in places:
            if place in parts:
                found += parts[place]
            found.append(place)
        return found

    def _step(self, kind: Any, places: Lanes) -> None:
        tasks = self.flat.tasks
        arguments = [tasks[place][1] for place in places]
        if kind == "sum" or kind is logsumexp:
            terms = self.operands(chain.from_iterable(arguments))
            self._add(kind, places, [terms], tuple(map(len, arguments)))
        elif kind is pick:
            choices = self.operands(a for these in arguments for a in these[:-1])
            self._add(kind, places, [choices, self.operands(these[-1] for these in arguments)],
                      tuple(len(these) - 1 for these in arguments))  # fmt: skip
        else:
            self._add(kind, places, [self.operands(column) for column in zip(*arguments)])

    def _grids(self, places: list[int]) -> None:
        """The dot products as complete grids, in which each left side is multiplied with each right side."""
        by_right: defaultdict[tuple[Argument, ...], dict[tuple[Argument, ...], int]] = defaultdict(dict)
        for place in places:
            _, arguments = self.flat.tasks[place]
            half = len(arguments) // 2
            known = by_right[arguments[half:]]
            if arguments[:half] in known:  # the same sum, written in another order
                self.flat.copies[place] = known[arguments[:half]]
            else:
                known[arguments[:half]] = place
        grids: dict[tuple[Any, ...], list[tuple[Argument, ...]]] = {}
        for right, known in by_right.items():
            grids.setdefault(tuple(known), []).append(right)
        alone = [(lefts[0], rights[0]) for lefts, rights in grids.items() if len(lefts) == len(rights) == 1]
        if alone and len(alone) > len(alone[0][0]):
            self._side_by_side(dict(zip([by_right[right][left] for left, right in alone], count())), alone)
            grids = {lefts: rights for lefts, rights in grids.items() if len(lefts) > 1 or len(rights) > 1}
        for lefts, rights in grids.items():
            computed = dict(zip([by_right[right][left] for left in lefts for right in rights], count()))
            sides = [self.operands(chain.from_iterable(each)) for each in (lefts, zip(*rights))]
            self._add("dot", computed, sides, (len(rights), len(lefts), len(lefts[0])))
        for place in places:
            if self.lanes[place] is None:
                self.lanes[place] = self.lanes[self.flat.copies[place]]  # type: ignore[index]

    def _side_by_side(self, places: Lanes, sides: list[tuple[tuple[Argument, ...], tuple[Argument, ...]]]) -> None:
        """Dot products that have no side in common, as of gains and shifts: all products at once, and then all sums."""
        operands = [self.operands(a for pair in sides for a in pair[side]) for side in (0, 1)]
        varying = [i for i, right in enumerate(operands[1]) if isinstance(right, Lane)]
        products = Array(len(varying), True)
        sides_varying = [[side[i] for i in varying] for side in operands]
        self.steps.append(Step(multiply, products, sides_varying, (), self._stands_for(places)))
        terms, width = operands[0], len(sides[0][0])
        for lane, i in enumerate(varying):
            terms[i] = Lane(products, lane)
        if width == 2:
            self._add(add, places, [terms[::2], terms[1::2]])
        else:
            self._add("sum", places, [terms], (width,) * len(places))


def schedule(code: Code, outputs: Sequence[Scalar], inputs: Sequence[Array], parameters: int) -> Plan:
    """The plan that computes the outputs. The lanes of the inputs, one after the other, are x0, x1, … of the code."""
    flat = flatten(code, outputs)
    find_products(flat)
    theta = Array(parameters, False, "theta")
    leaves = chain.from_iterable(array.some_lanes(range(array.lanes)) for array in (*inputs, theta))
    agenda = _Agenda(flat, list(leaves))  # the code begins with the inputs and parameters
    agenda.run()
    plan = Plan(agenda.steps, list(inputs), theta, reorder(agenda.steps, agenda.operands(flat.outputs)))
    name_arrays(plan)
    return plan


def _reachable(flat: Flattened, leaves: int) -> tuple[list[int], dict[int, int], dict[int, list[int]], dict[int, int]]:
    """Of the tasks that the outputs need: those that wait for no other one; how many each other one waits for; which
    tasks use each one; and how deep it is. Before all tasks are the places of so many inputs and parameters."""
    first, needs = list[int](), dict[int, list[int]]()
    users: defaultdict[int, list[int]] = defaultdict(list)
    wanted = {output for output in flat.outputs if output.__class__ is int}
    for place, (_, given) in reversed(flat.tasks.items()):  # arguments stand before the tasks that use them
        if place in wanted:
            arguments = [a for a in given if a.__class__ is int and a >= leaves]
            if not arguments:
                first.append(place)
                continue
            needs[place] = arguments = list(dict.fromkeys(arguments))  # in their own order, which a set would not keep
            for argument in arguments:
                wanted.add(argument)
                users[argument].append(place)
    depth = dict.fromkeys(first, 1)
    for place, arguments in reversed(needs.items()):
        depth[place] = 1 + max(map(depth.__getitem__, arguments))
    return first, dict(zip(needs, map(len, needs.values()))), users, depth


def _group_key(flat: Flattened, place: int) -> Any:
    """What has to be equal for two tasks, so that one instruction can do both."""
    kind, arguments = flat.tasks[place]
    if kind.__class__ is not str and kind is not logsumexp:
        batched: Any = flat.batched
        if len(arguments) == 2:  # as most have; a list would take twice the time
            a, b = arguments
            return (kind, "number" if a.__class__ is float else batched[a],
                    "number" if b.__class__ is float else batched[b])  # fmt: skip
        return kind, *["number" if a.__class__ is float else batched[a] for a in arguments]
    if kind == "dot":  # the numbers 1.0 at the end count, too; only their class tells them from the place 1
        return kind, len(arguments), next(i for i, a in enumerate(reversed(arguments)) if a.__class__ is int)
    return kind, flat.batched[place]  # the lengths of sums may differ
