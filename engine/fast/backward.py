"""backward() without a topological sort: a node passes its gradient on when all of its users have passed theirs.

Each node counts its users, so the last one is known when it comes. Users that are no part of the graph (another loss, a
metric, a result that nobody kept) never come. Then the deepest of the nodes that wait are complete all the same, for
whatever is made of a node is deeper than it: from there on nodes wait by depth, and nobody counts.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Any

from .neurons import FusedSum, SharedInputs


class ByDepth(dict[int, list[Any]]):
    """Nodes by their depth, the deepest first. Whoever takes them may add nodes that are less deep."""

    __slots__ = ("depths",)

    def __init__(self) -> None:
        self.depths: list[int] = []  # a heap, of negative numbers

    def add(self, node: Any) -> None:
        depth = node._depth
        if depth in self:
            self[depth].append(node)
        else:
            self[depth] = [node]
            heappush(self.depths, -depth)

    def deepest(self) -> list[Any]:
        """The nodes of the largest depth; none at the end."""
        return self.pop(-heappop(self.depths)) if self.depths else []


class Waiting(dict[Any, int]):
    """For each node that has a part of its gradient, how many users are still to come; 0 when nobody counts."""

    __slots__ = ("by_depth",)

    def __init__(self) -> None:
        self.by_depth: ByDepth | None = None

    def enter(self, node: Any, left: int) -> None:
        """A node waits from now on, for so many users."""
        if self.by_depth is None:
            self[node] = left
        else:
            self[node] = 0
            self.by_depth.add(node)

    def count(self, node: Any, stack: list[Any]) -> None:
        """One user less to come; after the last one the node goes on the stack."""
        if (left := self[node]) == 1:
            del self[node]
            stack.append(node)
        else:
            self[node] = left - 1

    def collect(self, node: Any, part: float, stack: list[Any]) -> None:
        """A part of a node's gradient."""
        if node in self:
            node.grad += part
            self.count(node, stack)
        else:
            node.grad = part or 0.0
            if node._users > 1:
                self.enter(node, node._users - 1)
            else:
                stack.append(node)

    def complete(self) -> list[Any]:
        """The nodes whose gradients are complete, though users are missing; none at the end."""
        if self.by_depth is None:
            self.by_depth = ByDepth()
            for node in self:
                self[node] = 0
                self.by_depth.add(node)
        return self.by_depth.deepest()


def backpropagate(root: Any) -> None:
    """What graph.backpropagate does, which is the textbook's way."""
    waiting = Waiting()
    root.grad = 1.0
    stack = [root]
    while True:  # not `while stack`: CPython 3.11 would run it unspecialised, at half the speed, until the eighth call
        if not stack:
            stack = waiting.complete() if waiting else stack
            if not stack:
                return
        node = stack.pop()
        upstream = node.grad
        # Written out for the left and the right argument: a loop over the two takes half as long again.
        child, other = node._left, node._right  # both at once: another thread may look at a fused sum
        if child.__class__ is not float:
            if child.requires_grad:
                if child.operation is None:
                    child.grad += node._d_left * upstream
                elif child._users == 1:
                    child.grad = node._d_left * upstream or 0.0  # never -0.0: a gradient begins at 0.0 and is added to
                    stack.append(child)
                else:  # waiting.collect, written out
                    left = waiting.get(child)
                    if left is None:
                        child.grad = node._d_left * upstream or 0.0
                        waiting.enter(child, child._users - 1)
                    else:
                        child.grad += node._d_left * upstream
                        if left == 1:
                            del waiting[child]
                            stack.append(child)
                        else:
                            waiting[child] = left - 1
        elif other.__class__ is float:  # a row of any number of arguments, or what was made by hand
            if node._more is not None:
                _pass_to_many(node, stack, waiting)
            continue
        if other.__class__ is not float:
            if other.__class__ is FusedSum:
                other.pass_back(upstream, stack, waiting)
            elif other.requires_grad:
                if other.operation is None:
                    other.grad += node._d_right * upstream
                elif other._users == 1:
                    other.grad = node._d_right * upstream or 0.0
                    stack.append(other)
                else:  # the same
                    left = waiting.get(other)
                    if left is None:
                        other.grad = node._d_right * upstream or 0.0
                        waiting.enter(other, other._users - 1)
                    else:
                        other.grad += node._d_right * upstream
                        if left == 1:
                            del waiting[other]
                            stack.append(other)
                        else:
                            waiting[other] = left - 1


def _pass_to_many(node: Any, stack: list[Any], waiting: Waiting) -> None:
    if node.__class__ is SharedInputs:
        node.pass_back(stack, waiting)
    elif "_backward" not in node.__dict__:
        upstream = node.grad
        for child, slope in node._more:
            if child.__class__ is not float and child.requires_grad:
                if child.operation is None:
                    child.grad += slope * upstream
                else:
                    waiting.collect(child, slope * upstream, stack)
    else:
        inner = [child for child in node._prev if child.operation is not None and child.requires_grad]
        for child in inner:
            if child not in waiting:
                child.grad = 0.0
                waiting.enter(child, child._users)
        node._backward()
        for child in inner:
            waiting.count(child, stack)
