"""First derivatives at plain numbers: the chain rule with numbers alone, and without changing any `.grad`."""

from __future__ import annotations

from math import isfinite
from typing import Any

from ..op import Op
from ..operators import local_derivatives
from ..ops import add, identity, multiply
from .neurons import FusedSum
from .waiting import Missing, Waiting

Slopes = dict[Any, float]  # for each node, the derivative of the result to it as far as it has come


def derivatives(root: Any, leaves: list[Any]) -> list[float] | None:
    """d root / d leaf for each of these leaves; None where only gradients() can tell.

    That is where data changed after the forward pass, a node was made by hand, a derivative is not finite, or the
    result depends on the variable of a derivative around this one.
    """
    found: Slopes = dict.fromkeys(leaves, 0.0)
    so_far: Slopes = {}  # for the nodes that wait
    waiting: Waiting = {}  # here only the keys matter: users are not counted
    missing = Missing()
    aside: list[Any] = []  # nodes that get a gradient of 0, which are not walked
    not_chosen: list[Any] = []  # what rows that choose have not chosen

    def collect(child: Any, slope: float, upstream: float) -> None:
        if child in found:
            found[child] += slope * upstream
        elif slope * upstream == 0.0 or child.operation is None:
            aside.append(child)
        elif child in so_far:
            so_far[child] += slope * upstream
        else:
            so_far[child] = slope * upstream
            waiting[child] = 1

    nodes, slopes = [root], [1.0]
    while True:
        if not nodes:
            nodes = missing.deepest(waiting)
            if not nodes:
                result = [found[leaf] for leaf in leaves]
                certain = all(map(isfinite, result)) and _passes_zero(aside) and _passes_zero(not_chosen, walked=False)
                return result if certain else None
            slopes = [so_far[node] for node in nodes]
        node, upstream = nodes.pop(), slopes.pop()
        left, right = node._left, node._right
        if left.__class__ is float and (right.__class__ is float or right.__class__ is FusedSum):
            edges = _edges_of_a_neuron(right) if right.__class__ is FusedSum else _edges_of_many(node)
            if edges is None:
                return None
            chooses = node.operation.__class__ is Op and node.operation.chooses
            for child, slope in edges:
                if child.__class__ is not float:
                    if slope == 0.0 and chooses:
                        not_chosen.append(child)
                    else:
                        collect(child, slope, upstream)
            continue
        op = node.operation
        a = left if left.__class__ is float else left._data
        b = right if right.__class__ is float else right._data
        if op is add:
            unchanged = a + b == node._data
        elif op is multiply:  # its local derivatives are the numbers that it was made of
            unchanged = a * b == node._data and (node._d_left == b or left.__class__ is float)
            unchanged = unchanged and (node._d_right == a or right.__class__ is float)
        else:
            unchanged = _holds(node, op, a, b)
        if not unchanged:
            return None
        # Written out for the left and the right argument, as in backward.py.
        if left.__class__ is not float:
            slope = node._d_left
            if left.operation is None:
                if left in found:
                    found[left] += slope * upstream
                elif left._variable:
                    return None
            elif left._users == 1 and slope:
                nodes.append(left)
                slopes.append(slope * upstream)
            else:
                collect(left, slope, upstream)
        if right.__class__ is not float:
            slope = node._d_right
            if right.operation is None:
                if right in found:
                    found[right] += slope * upstream
                elif right._variable:
                    return None
            elif right._users == 1 and slope:
                nodes.append(right)
                slopes.append(slope * upstream)
            else:
                collect(right, slope, upstream)


def _passes_zero(nodes: list[Any], walked: bool = True) -> bool:
    """Whether 0 is what these nodes pass on to all that they were made of; False where only gradients() can tell.

    What is not walked gets no gradient, whatever its local derivatives are.
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
            edges = node._edges
            if not _row_holds(node) or (walked and not all(isfinite(slope) for _, slope in edges)):
                return False
            nodes += [argument for argument, _ in edges if argument.__class__ is not float]
    return True


def _holds(node: Any, op: Any, a: float, b: float) -> bool:
    """Whether a node of one or two arguments has the value and the local derivatives of its row, and is no variable of
    another derivative."""
    left, right, rules = node._left, node._right, op.partials
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


def _edges_of_many(node: Any) -> Any:
    """The edges of a row of any number of arguments that is unchanged; None for a node that was made by hand."""
    return node._more if _row_holds(node) else None


def _row_holds(node: Any) -> bool:
    """Whether a node has the value and the local derivatives of its row; not if it was made by hand."""
    op, edges = node.operation, node._edges
    if not isinstance(op, Op) or "_backward" in node.__dict__:
        return False
    numbers = [a if a.__class__ is float else a._data for a, _ in edges]
    wanted = [a.__class__ is not float for a, _ in edges]
    try:
        now = op.forward(*numbers)
        slopes = local_derivatives(op, now, numbers, wanted) if now == node._data else None
    except (ArithmeticError, LookupError, ValueError):
        return False
    return slopes is not None and all(not w or new == old for w, new, (_, old) in zip(wanted, slopes, edges))


def _edges_of_a_neuron(fused: FusedSum) -> Any:
    """(argument, local derivative) for all that a neuron's sum was made of; None if its data changed."""
    weights, inputs, start = fused.weights, fused.inputs, fused.start
    now = [weight._data for weight in weights], inputs.numbers(), start._data
    if now != (fused.weight_data, fused.input_data, fused.start_data):
        return None
    return [*zip(weights, fused.input_data), (start, 1.0), *zip(inputs, fused.weight_data)]
