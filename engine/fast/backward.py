"""backward() without a topological sort: a node passes its gradient on when all of its users have passed theirs."""

from __future__ import annotations

from typing import Any

from ..graph import walked_edges
from ..op import Op
from .neurons import FusedSum, SharedInputs
from .waiting import Missing, Waiting, collect, count

NOT_REACHED = float("0.0")  # an object of its own, which is a gradient like another


def backpropagate(root: Any) -> None:
    """Do the same as graph.backpropagate, which is written as in a textbook."""
    waiting: Waiting = {}
    missing = Missing()
    root.grad = 1.0
    stack: list[Any] = []
    following = root
    while True:  # not `while stack`: CPython 3.11 would run it unspecialised, at half the speed, until the eighth call
        if following is None:
            if not stack:
                stack = missing.deepest(waiting) if waiting else []
                if not stack:
                    if missing.not_chosen:
                        _forget(root, missing.not_chosen)
                    return
            following = stack.pop()
        node, following = following, None  # the next node is mostly an argument of this one: not by way of the stack
        upstream = node.grad
        # Written out for the left and the right argument: a loop over the two takes one and a half times as long.
        child, other = node._left, node._right  # both at once: another thread may look at a fused sum
        if child.__class__ is not float:
            if child._requires_grad:
                if child.operation is None:
                    child.grad += node._d_left * upstream
                elif child._users == 1:
                    child.grad = node._d_left * upstream or 0.0
                    following = child
                else:  # `collect`, written out
                    parts = waiting.get(child)
                    if parts is None:
                        child.grad = node._d_left * upstream or 0.0
                        waiting[child] = 1
                    else:
                        child.grad += node._d_left * upstream
                        parts += 1
                        if parts == child._users:
                            del waiting[child]
                            following = child
                        else:
                            waiting[child] = parts
        elif other.__class__ is float:  # a row of any number of arguments, or what was made by hand
            if node._more is not None:
                _pass_to_many(node, waiting, stack, missing.not_chosen)
            continue
        if other.__class__ is not float:
            if other.__class__ is FusedSum:
                other.pass_back(upstream, waiting, stack)
            elif other._requires_grad:
                if other.operation is None:
                    other.grad += node._d_right * upstream
                elif other._users == 1:
                    other.grad = node._d_right * upstream or 0.0
                    if following is not None:
                        stack.append(following)
                    following = other
                else:  # the same
                    parts = waiting.get(other)
                    if parts is None:
                        other.grad = node._d_right * upstream or 0.0
                        waiting[other] = 1
                    else:
                        other.grad += node._d_right * upstream
                        parts += 1
                        if parts == other._users:
                            del waiting[other]
                            if following is not None:
                                stack.append(following)
                            following = other
                        else:
                            waiting[other] = parts


def _pass_to_many(node: Any, waiting: Waiting, stack: list[Any], not_chosen: list[Any]) -> None:
    if node.__class__ is SharedInputs:
        node.pass_back(waiting, stack)
    elif "_backward" not in node.__dict__:
        upstream = node.grad
        edges = node._more
        if node.operation.__class__ is Op and node.operation.chooses:
            left_out = [child for child, slope in edges if slope == 0.0 and child.__class__ is not float]
            for child in left_out:
                if child.operation is not None and child._requires_grad and child not in waiting:
                    child.grad = NOT_REACHED  # until something else passes it a part: the first one is assigned
                    not_chosen.append(child)
            edges = [edge for edge in edges if edge[1] != 0.0]
        for child, slope in edges:
            if child.__class__ is not float and child._requires_grad:
                if child.operation is None:
                    child.grad += slope * upstream
                else:
                    collect(child, slope * upstream, waiting, stack)
    else:
        inner = [child for child in node._prev if child.operation is not None and child._requires_grad]
        for child in inner:
            if child not in waiting:
                child.grad = 0.0
                waiting[child] = 0
        node._backward()
        for child in inner:
            count(child, waiting, stack)


def _forget(root: Any, not_chosen: list[Any]) -> None:
    """Set the gradients behind what a row did not choose to 0, but those of nodes that are reached in another way."""
    # Where a user's class stores gradients in a way of its own, the object may be another one.
    not_chosen = [node for node in not_chosen if node.grad is NOT_REACHED or not (node._plain or node.grad)]
    if not_chosen:  # mostly none: the logits that pick leaves out are in the logsumexp beside it
        reached = _behind([root], walked=True)
        for node in _behind(not_chosen, walked=False):
            if node not in reached and node._requires_grad:
                node.grad = 0.0
                if node.__class__ is not SharedInputs and node._right.__class__ is FusedSum:
                    node._right.passed = 0.0


def _behind(nodes: list[Any], walked: bool) -> set[Any]:
    """These inner nodes and all that they were made of, hidden ones too; if `walked`, along `walked_edges` only."""
    seen: set[Any] = set()
    while nodes:
        node = nodes.pop()
        if node not in seen and node.operation is not None:
            seen.add(node)
            right = node._right
            if node.__class__ is SharedInputs:
                children: Any = node
            elif right.__class__ is FusedSum:
                children = (right.inputs, right.start, *right.weights)
            else:
                children = [child for _, (child, _) in walked_edges(node)] if walked else node._prev
            nodes += [child for child in children if child.__class__ is not float]
    return seen
