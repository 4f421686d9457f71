"""Stage 2: equal scalar work side by side: scalars become lanes of arrays, and layers of neurons matrix products."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ...op import Op
from ...ops import add, dot, identity, logsumexp, multiply, pick, total
from ..emit.text import needed, uses_of
from ..scalar.code import Code, Ref, Term

SUMS = (add, total, dot)
Argument = int | float  # a place in the code, or a number
# What is added up: an argument; or two factors, and the place of their product, if that is made anyway.
_Term = tuple[tuple[Argument, ...], int | None]


@dataclass(frozen=True)
class Node:
    """Work on scalars: an operation; a sum; or a dot product of parameters (left) with what differs by example."""

    kind: Any  # the row, "sum" or "dot"
    arguments: tuple[Argument, ...]  # of a dot: left, then right


@dataclass(eq=False)
class Array:
    """One named array of the program. Shapes: (lanes, examples) if batched, else (lanes,)."""

    name: str
    lanes: int
    batched: bool
    given: str = ""  # of an input: what the caller gave, laid out so
    whole_numbers: bool = False  # an input of integers


class Lane(NamedTuple):
    array: Array
    index: int  # type: ignore[assignment]  # in place of tuple.index


Operand = Lane | float
Groups = dict[Array | None, tuple[list[int], list[int]]]


@dataclass(eq=False)
class Step:
    """One array instruction: the same work on each lane.

    A row: `operands[i]` holds argument i of every lane.
    "dot", a complete grid: the left factors, row by row, and the right ones; `sizes` (rights, lefts, width).
    "sum" and logsumexp: all terms, lane by lane; `sizes` says how many each lane has.
    pick: all choices, lane by lane, `sizes` how many each lane has; and the indices.
    """

    kind: Any  # the row, "sum" or "dot"
    target: Array
    operands: list[list[Operand]]
    places: list[int]
    sizes: tuple[int, ...] = ()
    stands_for: list[int] = field(default_factory=list)  # places in the code; those of its sums' parts, too


@dataclass
class Plan:
    steps: list[Step]
    inputs: list[Array]
    theta: Array
    outputs: list[Operand]

    def __post_init__(self) -> None:
        self._groups = {id(operands): by_array(operands) for step in self.steps for operands in step.operands}

    def by_array(self, operands: Sequence[Operand]) -> Groups:
        """The function of that name; of the steps' own lists, which are long, it is known."""
        return self._groups.get(id(operands)) or by_array(operands)


def by_array(operands: Sequence[Operand]) -> Groups:
    """For each array the places of its lanes among the operands, and the lanes; numbers under None."""
    groups: Groups = {}
    places, lanes = list[int](), list[int]()
    last: Any = groups  # no array, and not None
    for place, operand in enumerate(operands):
        array, lane = operand if operand.__class__ is Lane else (None, 0)
        if array is not last:
            places, lanes = groups.setdefault(array, ([], []))
            last = array
        places.append(place)
        lanes.append(lane)
    return groups


class _Flattened:
    """The code with its chains of additions as sums and dot products."""

    def __init__(self, code: Code, outputs: Sequence[Term]) -> None:
        self.code = code
        self.batched = list(code.batched)
        self.nodes: dict[int, Node] = {}
        self.parts: defaultdict[int, list[int]] = defaultdict(list)  # of a sum: the products and sums in it
        self.same: dict[int, Argument] = {}  # what is only a copy, and of what
        places = needed(code, outputs)
        self._uses = uses_of(code, places, outputs)  # an output, used more than once, is swallowed by no sum
        sums = self._sums(places)
        for place in places:
            op = code.operations[place]
            if place in sums:
                node = self._sum(sums[place])
            elif op in SUMS or not isinstance(op, Op):
                continue
            else:
                node = Node(op, self._resolved(code.arguments[place]))
            if node.kind is identity:
                self.same[place] = node.arguments[0]
            else:
                self.nodes[place] = node
        self.outputs = self._resolved([output.place if isinstance(output, Ref) else output for output in outputs])

    def _resolved(self, arguments: Iterable[Argument]) -> tuple[Argument, ...]:
        same = self.same
        return tuple([same.get(a, a) if a.__class__ is int else a for a in arguments]) if same else tuple(arguments)

    def _new(self, node: Node) -> int:
        self.batched.append(any(map(self._varies, node.arguments)))
        self.nodes[len(self.batched) - 1] = node
        return len(self.batched) - 1

    def _sums(self, places: Sequence[int]) -> dict[int, list[_Term]]:
        """The sums that are in no other sum, and their terms; sums that nothing else uses are followed.

        To the left always: `a + b + c` is a chain. To the right a sum of two or more products stays whole: it may be
        one of several neurons, which make a matrix together.
        """
        operations, arguments, uses = self.code.operations, self.code.arguments, self._uses
        products = [0] * len(operations)  # how many are in the sum at each place
        for place in places:
            op: Any = operations[place]
            if op is multiply:
                products[place] = 1
            elif op is dot:
                products[place] = len(arguments[place]) // 2
            elif op in SUMS:
                for a in arguments[place]:
                    if a.__class__ is int and (uses[a] == 1 or operations[a] is multiply):
                        products[place] += products[a]
        found: dict[int, list[_Term]] = {}
        within: set[int] = set()
        for place in reversed(places):
            if place in within or operations[place] not in SUMS:
                continue
            terms: list[_Term] = []
            stack: list[tuple[Argument, bool]] = [(place, True)]
            while stack:
                a, leftmost = stack.pop()
                op = operations[a] if a.__class__ is int else None
                if op in SUMS and (a == place or (uses[a] == 1 and (leftmost or products[a] < 2))):  # type: ignore[index]
                    if a != place:
                        within.add(a)  # type: ignore[arg-type]
                        self.parts[place].append(a)  # type: ignore[arg-type]
                    parts = arguments[a]  # type: ignore[index]
                    if op is dot:
                        terms += [(pair, None) for pair in zip(parts[: len(parts) // 2], parts[len(parts) // 2 :])]
                    else:
                        stack += [(part, False) for part in parts[:0:-1]]
                        stack.append((parts[0], leftmost))
                elif op is multiply:
                    self.parts[place].append(a)  # type: ignore[arg-type]
                    terms.append((arguments[a], a))  # type: ignore[index, arg-type]
                else:
                    terms.append(((a,), None))
            found[place] = terms
        return found

    def _varies(self, argument: Argument) -> bool:
        return argument.__class__ is int and self.batched[argument]

    def _sum(self, terms: list[_Term]) -> Node:
        """Parameters times what varies, and parameters alone (times 1), make a dot product; the rest is summed."""
        pairs: list[tuple[Argument, Argument]] = []
        alone, rest, number = [], [], 0.0
        parts: list[Any] = []
        batched = self.batched
        for factors, place in terms:
            if self.same:
                factors = self._resolved(factors)
            first, second = factors[0], factors[-1]
            if first.__class__ is int and second.__class__ is int:
                if batched[first] is not batched[second]:
                    pairs.append((second, first) if batched[first] else (first, second))
                    continue
                if len(factors) == 1 and not batched[first]:
                    alone.append(first)
                    continue
            made = self._made(factors, place)
            if made.__class__ is float:
                number += made
            else:
                rest.append(made)
        if pairs:
            pairs = sorted(pairs, key=lambda pair: pair[1]) + [(left, 1.0) for left in alone]
            parts.append(Node("dot", (*[left for left, _ in pairs], *[right for _, right in pairs])))
        else:
            rest += alone
        varying, fixed = (sorted(a for a in rest if self._varies(a) is flag) for flag in (True, False))
        parts += [self._total(group) for group in (varying, fixed) if group]
        if number != 0.0 or not parts:
            parts.append(number)
        node = parts[0]
        for part in parts[1:]:  # one by one: what varies and what is fixed do not stand in one array
            left, right = (self._new(p) if isinstance(p, Node) else p for p in (node, part))
            node = Node(add, (left, right))
        return node if isinstance(node, Node) else Node(identity, (node,))

    def _made(self, factors: tuple[Argument, ...], place: int | None) -> Argument:
        if all(factor.__class__ is float for factor in factors):
            return math.prod(factors)
        if len(factors) == 1:
            return factors[0]
        return self._new(Node(multiply, factors)) if place is None else place

    def _total(self, terms: Sequence[Argument]) -> Node | Argument:
        return terms[0] if len(terms) == 1 else Node(add if len(terms) == 2 else "sum", tuple(terms))


class _Agenda:
    """The schedule: of what is ready, the kind with the lowest mean depth, all of it at once.

    What is the same for all examples comes first, and so its gradients come last, when the others are written.
    """

    def __init__(self, flat: _Flattened, lanes: dict[int, Lane]) -> None:
        self.flat = flat
        self.lanes = lanes
        self.steps: list[Step] = []
        self._waiting, self._users, self._depth = _reachable(flat, lanes)
        self._ready: defaultdict[Any, list[int]] = defaultdict(list)
        for place, count in self._waiting.items():
            if count == 0:
                self._ready[_kind(flat, place)].append(place)

    def run(self) -> None:
        batched, depth, ready = self.flat.batched, self._depth, self._ready
        while ready:
            kind = min(ready, key=lambda k: (batched[ready[k][0]], sum(depth[p] for p in ready[k]) / len(ready[k])))
            places = sorted(ready.pop(kind))
            if self.flat.nodes[places[0]].kind == "dot":
                self._grids(places)
            else:
                self._step(places)
            for place in places:
                for user in self._users[place]:
                    self._waiting[user] -= 1
                    if self._waiting[user] == 0:
                        ready[_kind(self.flat, user)].append(user)

    def _operands(self, arguments: Iterable[Argument]) -> list[Operand]:
        lanes = self.lanes
        return [lanes[a] if a.__class__ is int else a for a in arguments]

    def _add(self, kind: Any, places: list[int], operands: list[list[Operand]], sizes: tuple[int, ...] = ()) -> None:
        target = Array(f"v{len(self.steps) + 1}", len(places), self.flat.batched[places[0]])
        stands_for = [part for place in places for part in (*self.flat.parts[place], place)]
        self.steps.append(Step(kind, target, operands, places, sizes, stands_for))
        for lane, place in enumerate(places):
            self.lanes[place] = Lane(target, lane)

    def _step(self, places: list[int]) -> None:
        arguments = [self.flat.nodes[place].arguments for place in places]
        kind = self.flat.nodes[places[0]].kind
        if kind == "sum" or kind is logsumexp:
            terms = self._operands(a for these in arguments for a in these)
            self._add(kind, places, [terms], tuple(map(len, arguments)))
        elif kind is pick:
            choices = self._operands(a for these in arguments for a in these[:-1])
            self._add(kind, places, [choices, self._operands(these[-1] for these in arguments)],
                      tuple(len(these) - 1 for these in arguments))  # fmt: skip
        else:
            self._add(kind, places, [self._operands(column) for column in zip(*arguments)])

    def _grids(self, places: list[int]) -> None:
        """The dots as complete grids: each of these left sides times each of those right sides."""
        rows: defaultdict[tuple[Argument, ...], dict[tuple[Argument, ...], int]] = defaultdict(dict)
        for place in places:
            arguments = self.flat.nodes[place].arguments
            half = len(arguments) // 2
            known = rows[arguments[half:]]
            if arguments[:half] in known:  # the same sum, written twice in another order
                self.flat.same[place] = known[arguments[:half]]
            else:
                known[arguments[:half]] = place
        grids: dict[tuple[Any, ...], list[tuple[Argument, ...]]] = {}
        for right, known in rows.items():
            grids.setdefault(tuple(known), []).append(right)
        alone = [(lefts[0], rights[0]) for lefts, rights in grids.items() if len(lefts) == len(rights) == 1]
        if alone and len(alone) > len(alone[0][0]):
            self._side_by_side([rows[right][left] for left, right in alone], alone)
            grids = {lefts: rights for lefts, rights in grids.items() if len(lefts) > 1 or len(rights) > 1}
        for lefts, rights in grids.items():
            made = [rows[right][left] for right in rights for left in lefts]
            sides = [self._operands(a for side in sides for a in side) for sides in (lefts, rights)]
            self._add("dot", made, sides, (len(rights), len(lefts), len(lefts[0])))
        for place in places:
            if place not in self.lanes:
                self.lanes[place] = self.lanes[self.flat.same[place]]  # type: ignore[index]

    def _side_by_side(self, places: list[int], sides: list[tuple[tuple[Argument, ...], tuple[Argument, ...]]]) -> None:
        """Dots that share nothing, as gains and shifts: all products as one instruction, then all sums."""
        operands = [self._operands(a for pair in sides for a in pair[side]) for side in (0, 1)]
        varying = [i for i, right in enumerate(operands[1]) if isinstance(right, Lane)]
        products = Array(f"v{len(self.steps) + 1}", len(varying), True)
        self.steps.append(Step(multiply, products, [[side[i] for i in varying] for side in operands], []))
        terms, width = operands[0], len(sides[0][0])
        for lane, i in enumerate(varying):
            terms[i] = Lane(products, lane)
        if width == 2:
            self._add(add, places, [terms[::2], terms[1::2]])
        else:
            self._add("sum", places, [terms], (width,) * len(places))


def plan(code: Code, outputs: Sequence[Term], inputs: Sequence[Array], parameters: int) -> Plan:
    """Schedule the scalars as array instructions. The inputs' lanes, one after the other, are x0, x1, …"""
    flat = _Flattened(code, outputs)
    theta = Array("theta", parameters, False)
    every = [Lane(array, index) for array in inputs for index in range(array.lanes)]
    every += [Lane(theta, index) for index in range(parameters)]
    lanes = dict(enumerate(every))  # inputs and parameters are what the code begins with
    agenda = _Agenda(flat, lanes)
    agenda.run()
    return Plan(agenda.steps, list(inputs), theta, agenda._operands(flat.outputs))


def _reachable(
    flat: _Flattened, leaves: dict[int, Lane]
) -> tuple[dict[int, int], dict[int, list[int]], dict[int, int]]:
    """For each node that the outputs need: how many arguments it waits for, who uses it, how deep it is."""
    needs: dict[int, list[int]] = {}
    users: defaultdict[int, list[int]] = defaultdict(list)
    wanted = {output for output in flat.outputs if output.__class__ is int}
    for place in reversed(flat.nodes):  # arguments stand before what is made of them
        if place in wanted:  # in their order, each once: a set's order would vary with the places
            arguments = [a for a in flat.nodes[place].arguments if a.__class__ is int and a not in leaves]
            needs[place] = before = list(dict.fromkeys(arguments))
            wanted.update(before)
            for argument in before:
                users[argument].append(place)
    depth: dict[int, int] = {}
    for place in reversed(needs):
        depth[place] = 1 + max(map(depth.__getitem__, needs[place]), default=0)
    waiting = {place: len(before) for place, before in needs.items()}
    return waiting, users, depth


def _kind(flat: _Flattened, place: int) -> Any:
    """What has to be equal for two scalars to stand in one instruction."""
    node = flat.nodes[place]
    if node.kind == "dot":  # with as many ones behind: the number 1.0 and the place 1 are equal, but differ
        ones = next(i for i, a in enumerate(reversed(node.arguments)) if a.__class__ is int)
        return "dot", len(node.arguments), ones
    if node.kind == "sum" or node.kind is logsumexp:  # of any length
        return node.kind, flat.batched[place]
    domains = ("number" if isinstance(a, float) else flat.batched[a] for a in node.arguments)
    return node.kind, flat.batched[place], *domains
