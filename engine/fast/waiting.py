"""When a node's gradient is complete: nodes that wait for the users that have not passed their part on.

Each node counts its users (the operators, `Value._becomes_inner` and neurons.py do), so the last one is known when it
comes. Users that are no part of the graph (another loss, a metric, a result that was freed) never come. When nothing
else is left to do, the deepest of the nodes that wait are complete all the same, for whatever is made of a node is
deeper than it.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import islice
from typing import Any

# Nodes, and how many parts of their gradient have come; negative where users are no longer counted.
Waiting = dict[Any, int]
UNCOUNTED = -(1 << 60)


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
    """The nodes that wait for users which are no part of the graph, by their depth; and what rows did not choose."""

    __slots__ = ("by_depth", "depths", "known", "not_chosen")

    def __init__(self) -> None:
        self.by_depth: dict[int, list[Any]] = {}
        self.depths: list[int] = []  # a heap, of negative numbers
        self.known = 0  # how many nodes have come here
        self.not_chosen: list[Any] = []

    def deepest(self, waiting: Waiting) -> list[Any]:
        """The nodes whose gradients are complete, when nothing else is left to do; none at the end.

        Nobody counts the users of a node that once came here. It stays among those that wait, before all later ones.
        """
        nodes: list[Any] = []
        last = None
        new, self.known = len(waiting) - self.known, len(waiting)
        for node in islice(reversed(waiting), new):
            waiting[node] = UNCOUNTED
            depth = node._depth
            if depth != last:
                last, nodes = depth, self.by_depth.setdefault(depth, [])
                if not nodes:
                    heappush(self.depths, -depth)
            nodes.append(node)
        return self.by_depth.pop(-heappop(self.depths)) if self.depths else []
