"""When a node's gradient is complete: nodes that wait for the users that have not passed their part on.

Each node counts its users (the operators, `Value._becomes_inner` and neurons.py do), so the last one is known when it
comes. Users that are no part of the graph (another loss, a metric, a result that was freed) never come. When nothing
else is left to do, the deepest of the nodes that wait are complete all the same, for whatever is made of a node is
deeper than it. Only beyond DEEP, what the operators make of one Value is as deep as it is: for a long chain they would
have to make a number for each node, a tenth of its time. There the steps along such chains decide, too, and are counted
when they have to be.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import islice
from typing import Any

# Nodes, and how many parts of their gradient have come; negative where users are no longer counted.
Waiting = dict[Any, int]
UNCOUNTED = -(1 << 60)
DEEP = 256  # up to here Python has each number ready
NOT_ASKED = -(1 << 60)  # stands for steps that nobody has counted yet; such a group is looked at first


def count(node: Any, waiting: Waiting, stack: list[Any]) -> None:
    """Count one more part; after the last one, put the node on the stack."""
    parts = waiting[node] + 1
    if parts == node._users:
        del waiting[node]
        stack.append(node)
    else:
        waiting[node] = parts


def collect(node: Any, part: float, waiting: Waiting, stack: list[Any]) -> None:
    """Add a part to a node's gradient, and count it."""
    if node in waiting:
        node.grad += part
    else:
        node.grad = part or 0.0  # never -0.0: a gradient begins at 0.0 and is added to
        waiting[node] = 0
    count(node, waiting, stack)


class Missing:
    """The nodes that wait for users which are no part of the graph, in groups; and what rows did not choose."""

    __slots__ = ("groups", "known", "not_chosen", "order", "steps")

    def __init__(self) -> None:
        self.groups: dict[tuple[int, int], list[Any]] = {}  # by `-depth` and `-steps`, or NOT_ASKED in its place
        self.order: list[tuple[int, int]] = []  # a heap of their keys
        self.steps: dict[Any, int] = {}  # see `_steps`
        self.known = 0  # how many nodes have come here
        self.not_chosen: list[Any] = []

    def deepest(self, waiting: Waiting) -> list[Any]:
        """The nodes whose gradients are complete, when nothing else is left to do; none at the end.

        A node that once came here stays among those that wait, before all later ones.
        """
        new, self.known = len(waiting) - self.known, len(waiting)
        nodes = [*islice(reversed(waiting), new)]
        depth = nodes[0]._depth if nodes else -1
        for node in nodes:
            if node._depth != depth:
                break
        else:  # all of one depth, mostly no less deep than those that came before
            before = -self.order[0][0] if self.order else -2
            if before < depth < DEEP:
                return nodes
            if before == depth < DEEP:
                return nodes + self.groups.pop(heappop(self.order))
        group: list[Any] = []
        last = None
        for node in nodes:
            waiting[node] = UNCOUNTED  # whatever comes for it, it is complete when its turn comes
            depth = node._depth
            if depth != last:
                last, group = depth, self._group(-depth, NOT_ASKED)
            group.append(node)
        while self.order:
            depth, steps = key = heappop(self.order)
            nodes = self.groups.pop(key)
            if -depth < DEEP or steps != NOT_ASKED:
                return nodes
            others = bool(self.order) and self.order[0][0] == depth  # of this depth, but their steps are known
            if not others and all(_below(node) is None for node in nodes):
                return nodes
            for node in nodes:
                self._group(depth, -self._steps(node)).append(node)
        return []

    def _group(self, depth: int, steps: int) -> list[Any]:
        key = depth, steps
        if key not in self.groups:
            self.groups[key] = []
            heappush(self.order, key)
        return self.groups[key]

    def _steps(self, node: Any) -> int:
        """How many operations on one Value, one after the other, have made it: these nodes are of one depth."""
        chain = []
        below = node
        while below is not None and below not in self.steps:
            chain.append(below)
            below = _below(below)
        steps = -1 if below is None else self.steps[below]
        for above in reversed(chain):
            steps += 1
            self.steps[above] = steps
        return self.steps[node]


def _below(node: Any) -> Any:
    """The only argument of a node that is as deep as it; None of all other nodes."""
    argument = node._left if node._left.__class__ is not float else node._right
    if argument.__class__ is float:  # its arguments are elsewhere
        argument = next((child for child, _ in node._more or () if child.__class__ is not float), None)
    return argument if argument is not None and argument._depth == node._depth else None
