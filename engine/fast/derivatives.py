"""First derivatives at plain numbers: the chain rule with numbers alone, and without changing any `.grad`."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import Any

from ..op import Op
from ..operators import local_derivatives
from ..ops import add, identity, multiply
from .neurons import FusedSum
from .waiting import UNCOUNTED, Missing, Waiting

Slopes = dict[Any, float]  # for each node, the derivative of the result to it as far as it has come


def derivatives(root: Any, leaves: list[Any], unchanged: bool = False) -> list[float] | None:
    """d root / d leaf for each of these leaves; None where only gradients() can tell.

    That is where data changed after the forward pass, a node was made by hand, a derivative is not finite, or the
    result depends on the variable of a derivative around this one.

    `unchanged`: no data have been written since these leaves were made. Then only a node that is older than they are
    can disagree with its row, and a walk through such a node ends at one whose arguments are all numbers or other
    leaves. So no node is compared with its row, unless the walk meets such an end, or a node of another class than the
    root: then it begins again, and compares each.
    """
    mark = object()
    try:
        for trusting in (True, False) if unchanged else (False,):
            # A leaf has no local derivatives: their places are quicker than a dictionary of the leaves.
            for leaf in leaves:
                leaf._d_left, leaf._d_right = 0.0, mark
            if _walk(root, mark, trusting):
                found = [leaf._d_left for leaf in leaves]
                if isfinite(sum(found)):  # so is each of them
                    return found
        return None
    finally:
        for leaf in leaves:
            leaf._d_left = leaf._d_right = 0.0


def _walk(root: Any, mark: object, trusting: bool) -> bool:
    """Add d root / d leaf to the `_d_left` of each leaf that has the mark; False where that cannot be told.

    `trusting`: compare no node with its row, as long as all nodes are made of leaves with the mark.
    """
    so_far: Slopes = {}  # for the nodes that several others were made of
    waiting: Waiting = {}
    missing = Missing()
    aside: list[Any] = []  # nodes that get a gradient of 0, which are not walked
    not_chosen: list[Any] = []  # what rows that choose have not chosen
    nodes: list[Any] = []
    upstreams: list[float] = []
    kind = root.__class__
    node, upstream = root, 1.0
    while True:
        left, right = node._left, node._right
        if left.__class__ is float and (right.__class__ is float or right.__class__ is FusedSum):
            edges = _certain_edges(node, trusting)
            if edges is None:
                return False
            if trusting and (node.__class__ is not kind or _is_apart([child for child, _ in edges], mark)):
                return False
            count = UNCOUNTED if right.__class__ is FusedSum else 1  # all sums of a layer are one user of its inputs
            chooses = node.operation.__class__ is Op and node.operation.chooses
            for child, slope in edges:
                if child.__class__ is float:
                    continue
                part = slope * upstream
                if slope == 0.0 and chooses:
                    not_chosen.append(child)
                elif child._d_right is mark:
                    child._d_left += part
                elif part == 0.0 or child.operation is None:
                    aside.append(child)
                else:
                    so_far[child] = so_far.get(child, 0.0) + part
                    parts = waiting[child] = waiting.get(child, 0) + count
                    if parts == child._users:
                        del waiting[child]
                        nodes.append(child)
                        upstreams.append(so_far[child])
        else:
            if not trusting:
                if not _holds(node, left, right):
                    return False
            elif node.__class__ is not kind:
                return False
            following = None  # the next node is mostly an argument of this one, as in backward.py
            if left.__class__ is not float:
                part = node._d_left * upstream
                if left.operation is None:
                    if left._d_right is mark:
                        left._d_left += part
                    elif left._variable or (trusting and _is_apart((left, right), mark)):
                        return False
                elif left._users == 1 and part:
                    following, part_of_following = left, part
                elif part == 0.0:
                    aside.append(left)
                elif left in so_far:
                    so_far[left] += part
                    parts = waiting[left] = waiting[left] + 1
                    if parts == left._users:
                        del waiting[left]
                        nodes.append(left)
                        upstreams.append(so_far[left])
                else:
                    so_far[left], waiting[left] = part, 1
            if right.__class__ is not float:
                part = node._d_right * upstream
                if right.operation is None:
                    if right._d_right is mark:
                        right._d_left += part
                    elif right._variable or (trusting and left.__class__ is float):
                        return False
                elif right._users == 1 and part:
                    if following is not None:
                        nodes.append(following)
                        upstreams.append(part_of_following)
                    node, upstream = right, part
                    continue
                elif part == 0.0:
                    aside.append(right)
                elif right in so_far:
                    so_far[right] += part
                    parts = waiting[right] = waiting[right] + 1
                    if parts == right._users:
                        del waiting[right]
                        nodes.append(right)
                        upstreams.append(so_far[right])
                else:
                    so_far[right], waiting[right] = part, 1
            if following is not None:
                node, upstream = following, part_of_following
                continue
        if not nodes:
            nodes += missing.deepest(waiting)
            if not nodes:
                break
            upstreams += [so_far[node] for node in nodes]
        node, upstream = nodes.pop(), upstreams.pop()
    of_kind = kind if trusting else None
    return _passes_zero(aside, mark, of_kind) and _passes_zero(not_chosen, mark, of_kind, walked=False)


def _is_apart(arguments: Iterable[Any], mark: object) -> bool:
    """Whether all of these are numbers and leaves that no derivative is taken to."""
    return all(a.__class__ is float or (a.operation is None and a._d_right is not mark) for a in arguments)


def _passes_zero(nodes: list[Any], mark: object, of_kind: Any, walked: bool = True) -> bool:
    """Whether 0 is what these nodes pass on to all that they were made of; False where only gradients() can tell.

    What is not walked gets no gradient, whatever its local derivatives are. `of_kind` is the class of the nodes that
    are not compared with their rows.
    """
    seen: set[Any] = set()
    while nodes:
        node = nodes.pop()
        if node in seen:
            continue
        seen.add(node)
        if node._variable:
            return False
        if node.operation is not None:
            edges = _certain_edges(node, of_kind is not None)
            if edges is None or (walked and not all(isfinite(slope) for _, slope in edges)):
                return False
            arguments = [argument for argument, _ in edges if argument.__class__ is not float]
            if of_kind is not None and (node.__class__ is not of_kind or _is_apart(arguments, mark)):
                return False
            nodes += arguments
    return True


def _holds(node: Any, left: Any, right: Any) -> bool:
    """Whether a node of one or two arguments has the value and the local derivatives of its row, and is no variable of
    another derivative."""
    op = node.operation
    a = left if left.__class__ is float else left._data
    b = right if right.__class__ is float else right._data
    if op is add:
        return a + b == node._data  # type: ignore[no-any-return]
    if op is multiply:  # its local derivatives are the numbers that it was made of
        left_holds = node._d_left == b or left.__class__ is float
        return a * b == node._data and left_holds and (node._d_right == a or right.__class__ is float)
    rules = op.partials
    try:
        if op.arity == 1:
            now = op.forward(a)
            slopes_hold = rules[0](now, a) == node._d_left
        else:
            now = op.forward(a, b)
            slopes_hold = left.__class__ is float or rules[0](now, a, b) == node._d_left
            slopes_hold = slopes_hold and (right.__class__ is float or rules[1](now, a, b) == node._d_right)
    except (ArithmeticError, ValueError):
        return False
    return slopes_hold and now == node._data and not (op is identity and node._variable)


def _certain_edges(node: Any, trusting: bool) -> Any:
    """(argument, local derivative) for each argument of a node; None if it was made by hand, or data changed.

    Those of a fused sum are all that its products and sums were made of.
    """
    fused = node._right
    if fused.__class__ is FusedSum:
        weights, inputs, start = fused.weights, fused.inputs, fused.start
        if not trusting:
            now = [weight._data for weight in weights], inputs.numbers(), start._data
            if now != (fused.weight_data, fused.input_data, fused.start_data):
                return None
        return [*zip(weights, fused.input_data), (start, 1.0), *zip(inputs, fused.weight_data)]
    op, edges = node.operation, node._edges
    if not isinstance(op, Op) or "_backward" in node.__dict__:
        return None
    return edges if trusting or _row_holds(node, op, edges) else None


def _row_holds(node: Any, op: Op, edges: Any) -> bool:
    """Whether a node has the value and the local derivatives of its row."""
    numbers = [a if a.__class__ is float else a._data for a, _ in edges]
    wanted = [a.__class__ is not float for a, _ in edges]
    try:
        now = op.forward(*numbers)
        slopes = local_derivatives(op, now, numbers, wanted) if now == node._data else None
    except (ArithmeticError, LookupError, ValueError):
        return False
    return slopes is not None and all(not w or new == old for w, new, (_, old) in zip(wanted, slopes, edges))
