"""Chains of additions in the code, each taken together as one sum or one dot product."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

from ...ops import add, dot, identity, multiply, total
from ..scalar.code import Argument, Code, Ref, Scalar, uses_of

SUMS = {add, total, dot}
# What is added up: one argument; or two factors, and the place of their product; or the left and the right factors of a
# dot product, and its place.
Summand = tuple[tuple[Argument, ...], Any]
# Work on scalars: the operation, "sum" or "dot", and its arguments. A dot product is one of what is the same for all
# examples with what varies: its arguments are the left factors, which are the same for all, then the right ones.
Task = tuple[Any, tuple[Argument, ...]]


def flatten(code: Code, outputs: Sequence[Scalar]) -> Flattened:
    """The work on scalars that the outputs need, with each chain of additions in one."""
    flat, uses = Flattened(code), uses_of(code, outputs)  # an output counts twice, so that no sum takes it in
    places = [place for place in range(code.start, len(uses)) if uses[place]]
    sums = flat.sums(places, uses)
    for place in places:
        kind, arguments = code.operations[place], code.arguments[place]
        if place in sums:
            kind, arguments = flat.sum(sums[place], place)
        elif kind in SUMS:
            continue
        elif flat.copies:
            arguments = flat.resolved(arguments)
        if kind is identity:
            flat.copies[place] = arguments[0]
        else:
            flat.tasks[place] = kind, arguments
    flat.outputs = flat.resolved([output.place if isinstance(output, Ref) else output for output in outputs])
    return flat


class Flattened:
    """The code as tasks, in which each chain of additions is one sum or dot product."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self.batched = list(code.batched)
        self.tasks: dict[int, Task] = {}  # by their places; tasks that the code does not have get further places
        self.parts: dict[int, list[int]] = {}  # of a sum: the products and sums that it took in
        self.copies: dict[int, Argument] = {}  # the places that only repeat another result, and that result
        self.outputs: tuple[Argument, ...] = ()

    def resolved(self, arguments: Iterable[Argument]) -> tuple[Argument, ...]:
        copies = self.copies
        return tuple([copies.get(a, a) if a.__class__ is int else a for a in arguments])

    def _new(self, task: Task, part_of: list[int]) -> int:
        """The place of a task that the code does not have; it stands for these places, which it is a part of."""
        self.batched.append(any(a.__class__ is int and self.batched[a] for a in task[1]))
        place = len(self.batched) - 1
        self.tasks[place], self.parts[place] = task, part_of
        return place

    def sums(self, places: Sequence[int], uses: Sequence[int]) -> dict[int, list[Summand]]:
        """The sums that are part of no other sum, and what they add up; `uses` says how often each result is used.

        A sum takes in a sum that nothing else uses. On its left side it always does, for `a + b + c` is such a chain.
        On its right side a sum of several products stays whole: it may be one of the neurons that make a matrix.
        """
        operations, arguments = self.code.operations, self.code.arguments
        products, chains = [0] * len(operations), list[int]()  # for each sum, how many products are in it; all sums
        for place in places:
            op: Any = operations[place]
            if op is multiply:
                products[place] = 1
            elif op in SUMS:
                chains.append(place)
                if op is dot:
                    products[place] = len(arguments[place]) // 2
                else:
                    for a in arguments[place]:
                        if a.__class__ is int and (uses[a] == 1 or operations[a] is multiply):
                            products[place] += products[a]
        found: dict[int, list[Summand]] = {}
        within: set[int] = set()
        for place in reversed(chains):
            if place in within:
                continue
            parts, summands, stack = list[int](), list[Summand](), list[Any]([place])
            while stack:
                a = stack.pop()
                op, leftmost = operations[a] if a.__class__ is int else None, not summands
                if op is multiply:
                    parts.append(a)
                    summands.append((arguments[a], a))
                elif op in SUMS and (a == place or (uses[a] == 1 and (leftmost or products[a] < 2))):
                    if a != place:
                        within.add(a)
                        parts.append(a)
                    if op is dot:
                        summands.append((arguments[a], a))
                    else:
                        stack += arguments[a][::-1]  # so that its left side is next
                else:
                    summands.append(((a,), None))
            found[place], self.parts[place] = summands, parts
        return found

    def sum(self, summands: list[Summand], whole: int) -> Task:
        """The task for the sum at the place `whole`.

        What is the same for all examples times what varies makes a dot product, together with what is the same and
        stands alone (times 1). The other summands are added up.
        """
        lefts, rights = list[Any](), list[Any]()
        alone, number = list[Argument](), 0.0
        parts, rest = list[Any](), list[Any]()
        batched: Any = self.batched
        operations, within = self.code.operations, [*self.parts[whole], whole]
        for factors, place in summands:
            if self.copies:
                factors = self.resolved(factors)
            pairs: Any = (factors,)
            if len(factors) > 2:
                one, other = factors[: len(factors) // 2], factors[len(factors) // 2 :]
                if self._is_neuron(one, other):
                    lefts += other if batched[one[0]] else one
                    rights += one if batched[one[0]] else other
                    continue
                pairs = zip(one, other)
            for factors in pairs:
                first, second = factors[0], factors[-1]
                alike = first.__class__ is second.__class__
                if alike and first.__class__ is float:
                    number += first if len(factors) == 1 else first * second
                elif alike and batched[first] is not batched[second]:
                    lefts.append(second if batched[first] else first)
                    rights.append(first if batched[first] else second)
                elif len(factors) == 1:
                    (rest if batched[first] else alone).append(first)
                else:
                    rest.append(place if operations[place] is multiply else self._new((multiply, factors), [place]))
        if rights:
            order = sorted(rights)
            if order != rights:
                lefts = [left for left, _ in sorted(zip(lefts, rights), key=itemgetter(1))]
            parts.append(("dot", (*lefts, *alone, *order, *[1.0] * len(alone))))
        else:
            rest += alone
        for flag in (True, False) if rest else ():
            if group := sorted([a for a in rest if batched[a] is flag]):
                kind = add if len(group) == 2 else "sum"
                parts.append(group[0] if len(group) == 1 else (kind, tuple(group)))
        if number != 0.0 or not parts:
            parts.append(number)
        task = parts[0]
        for part in parts[1:]:  # one after the other, because what varies and what does not cannot be in one array
            left, right = (self._new(p, within) if isinstance(p, tuple) else p for p in (task, part))
            task = add, (left, right)
        return task if isinstance(task, tuple) else (identity, (task,))

    def _is_neuron(self, one: Sequence[Any], other: Sequence[Any]) -> bool:
        """Whether one side of a dot product varies as a whole, and the other one not at all."""
        try:
            varies = [set(map(self.batched.__getitem__, side)) for side in (one, other)]
        except TypeError:  # there is a number among them
            return False
        return varies in ([{False}, {True}], [{True}, {False}])
