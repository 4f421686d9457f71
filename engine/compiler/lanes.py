"""Stage 2b: equal scalar work side by side: scalars become lanes of arrays, and layers of neurons matrix products."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..ops import add, dot, identity, multiply, total
from ..row import Op
from .emitting import needed
from .lowering import Code, Ref, Term

SUMS = (add, total, dot)
Argument = int | float  # a place in the code, or a number


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


@dataclass(frozen=True)
class Lane:
    array: Array
    index: int


Operand = Lane | float


@dataclass(eq=False)
class Step:
    """One array instruction: the same work on each lane. `operands[i]` holds argument i of every lane."""

    kind: Any
    target: Array
    operands: list[list[Operand]]
    places: list[int]


@dataclass
class Plan:
    steps: list[Step]
    inputs: Array
    theta: Array
    outputs: list[Operand]


@dataclass(frozen=True)
class _Term:
    """What is added up: an argument, or the product of two, which stands at `place` if it is made anyway."""

    factors: tuple[Argument, ...]
    place: int | None = None


class _Flattened:
    """The code with its chains of additions as sums and dot products."""

    def __init__(self, code: Code, outputs: Sequence[Term]) -> None:
        self.code = code
        self.batched = list(code.batched)
        self.nodes: dict[int, Node] = {}
        self.outputs = [output.place if isinstance(output, Ref) else output for output in outputs]
        self.uses: defaultdict[int, int] = defaultdict(int)
        places = needed(code, outputs)
        for place in places:
            for argument in code.arguments[place]:
                if isinstance(argument, int):
                    self.uses[argument] += 1
        for output in self.outputs:
            if isinstance(output, int):
                self.uses[output] += 2  # an output is not swallowed by a sum
        for place in places:
            op = code.operations[place]
            if isinstance(op, Op):
                self.nodes[place] = self._sum(place) if op in SUMS else Node(op, code.arguments[place])

    def _new(self, node: Node, batched: bool) -> int:
        self.batched.append(batched)
        self.nodes[len(self.batched) - 1] = node
        return len(self.batched) - 1

    def _terms(self, place: int) -> Iterator[_Term]:
        """The terms of the sum at this place; chains of sums that nothing else uses are followed."""
        stack = self._parts(place)[::-1]
        while stack:
            term = stack.pop()
            only = term.factors[0]
            op = self.code.operations[only] if len(term.factors) == 1 and isinstance(only, int) else None
            if op in SUMS and isinstance(only, int) and self.uses[only] == 1:
                stack += self._parts(only)[::-1]
            elif op is multiply and isinstance(only, int):
                yield _Term(self.code.arguments[only], only)
            else:
                yield term

    def _parts(self, place: int) -> list[_Term]:
        arguments = self.code.arguments[place]
        half = len(arguments) // 2
        if self.code.operations[place] is dot:
            return [_Term(pair) for pair in zip(arguments[:half], arguments[half:])]
        return [_Term((argument,)) for argument in arguments]

    def _varies(self, argument: Argument) -> bool:
        return isinstance(argument, int) and self.batched[argument]

    def _sum(self, place: int) -> Node:
        """Parameters times what varies, and parameters alone (times 1), make a dot product; the rest is summed."""
        pairs, alone, rest, number = [], [], [], 0.0
        parts: list[Any] = []
        for term in self._terms(place):
            left, right = sorted(term.factors, key=self._varies) if len(term.factors) == 2 else (*term.factors, 0.0)
            if len(term.factors) == 2 and isinstance(left, int) and self._varies(right) and not self._varies(left):
                pairs.append((left, right))
            elif len(term.factors) == 1 and isinstance(left, int) and not self._varies(left):
                alone.append(left)
            elif isinstance(made := self._made(term), float):
                number += made
            else:
                rest.append(made)
        if pairs:
            pairs = sorted(pairs, key=lambda pair: pair[1]) + [(left, 1.0) for left in alone]
            parts.append(Node("dot", (*(left for left, _ in pairs), *(right for _, right in pairs))))
        else:
            rest += alone
        varying, fixed = ([a for a in rest if self._varies(a) is flag] for flag in (True, False))
        parts += [self._total(group) for group in (varying, fixed) if group]
        if number != 0.0:
            parts.append(number)
        node: Node = parts[0]
        for part in parts[1:]:  # one by one: what varies and what is fixed do not stand in one array
            left, right = (self._new(p, self._node_varies(p)) if isinstance(p, Node) else p for p in (node, part))
            node = Node(add, (left, right))
        return node

    def _node_varies(self, node: Node) -> bool:
        return any(map(self._varies, node.arguments))

    def _made(self, term: _Term) -> Argument:
        if all(isinstance(factor, float) for factor in term.factors):
            return math.prod(term.factors)
        if len(term.factors) == 1:
            return term.factors[0]
        if term.place is not None:
            return term.place
        return self._new(Node(multiply, term.factors), any(map(self._varies, term.factors)))

    def _total(self, terms: Sequence[Argument]) -> Node:
        return Node({1: identity, 2: add}.get(len(terms), "sum"), tuple(terms))


def plan(code: Code, outputs: Sequence[Term], inputs: int, parameters: int) -> Plan:
    """Schedule the scalars: of what is ready, the kind with the lowest mean depth, all of it as one instruction."""
    flat = _Flattened(code, outputs)
    x, theta = Array("x", inputs, True), Array("theta", parameters, False)
    lanes: dict[int, Lane] = {}
    for place, name in enumerate(code.operations):
        if isinstance(name, str):
            lanes[place] = Lane(x if name[0] == "x" else theta, int(name[1:]))
    waiting, users, depth = _reachable(flat, lanes)
    ready: defaultdict[Any, list[int]] = defaultdict(list)
    for place, count in waiting.items():
        if count == 0:
            ready[_kind(flat, place, lanes)].append(place)
    steps: list[Step] = []
    while ready:
        kind = min(ready, key=lambda k: sum(depth[p] for p in ready[k]) / len(ready[k]))
        places = sorted(ready.pop(kind))
        node = flat.nodes[places[0]]
        target = Array(f"h{len(steps)}", len(places), flat.batched[places[0]])
        columns = zip(*(flat.nodes[place].arguments for place in places))
        operands = [[lanes[a] if isinstance(a, int) else a for a in column] for column in columns]
        steps.append(Step(node.kind, target, operands, places))
        for lane, place in enumerate(places):
            lanes[place] = Lane(target, lane)
        for place in places:
            for user in users[place]:
                waiting[user] -= 1
                if waiting[user] == 0:
                    ready[_kind(flat, user, lanes)].append(user)
    return Plan(steps, x, theta, [lanes[o] if isinstance(o, int) else o for o in flat.outputs])


def _reachable(
    flat: _Flattened, leaves: dict[int, Lane]
) -> tuple[dict[int, int], dict[int, list[int]], dict[int, int]]:
    """For each node that the outputs need: how many arguments it waits for, who uses it, how deep it is."""
    waiting: dict[int, int] = {}
    users: defaultdict[int, list[int]] = defaultdict(list)
    depth: dict[int, int] = dict.fromkeys(leaves, 0)
    stack = [output for output in flat.outputs if isinstance(output, int) and output not in leaves]
    while stack:
        place = stack.pop()
        if place in waiting:
            continue
        before = {a for a in flat.nodes[place].arguments if isinstance(a, int) and a not in leaves}
        waiting[place] = len(before)
        for argument in before:
            users[argument].append(place)
        stack += before
    todo, left = [p for p, count in waiting.items() if count == 0], dict(waiting)
    while todo:
        place = todo.pop()
        depth[place] = 1 + max((depth[a] for a in flat.nodes[place].arguments if isinstance(a, int)), default=0)
        for user in users[place]:
            left[user] -= 1
            if left[user] == 0:
                todo.append(user)
    return waiting, users, depth


def _kind(flat: _Flattened, place: int, lanes: dict[int, Lane]) -> Any:
    """What has to be equal for two scalars to stand in one instruction."""
    node = flat.nodes[place]
    half = len(node.arguments) // 2
    if node.kind == "dot":
        return "dot", node.arguments[half:]
    domains = ("number" if isinstance(a, float) else flat.batched[a] for a in node.arguments)
    return node.kind, flat.batched[place], *domains
