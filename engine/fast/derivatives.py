"""First derivatives at plain numbers: the chain rule with numbers alone, and nobody's `.grad` touched."""

from __future__ import annotations

from typing import Any

from ..op import Op
from ..operators import local_derivatives
from ..ops import add, identity, multiply, power
from .neurons import FusedSum
from .operators import power_and_slope
from .waiting import Missing, Waiting

Slopes = dict[Any, float]  # for each node, the derivative of the result to it as far as it has come


def derivatives(root: Any, leaves: list[Any]) -> list[float] | None:
    """d root / d leaf for each of these leaves; None where only gradients() can tell.

    That is where data changed after the forward pass, a node was made by hand, or the result depends on the variable of
    a derivative around this one.
    """
    found: Slopes = dict.fromkeys(leaves, 0.0)
    so_far: Slopes = {}  # of the nodes that wait
    waiting: Waiting = {}  # nobody counts
    missing = Missing()
    aside: list[Any] = []  # leaves, and what stands behind edges of slope 0, which are not walked

    def collect(child: Any, slope: float, upstream: float) -> None:
        if child in found:
            found[child] += slope * upstream if slope else 0.0
        elif slope == 0.0 or child.operation is None:
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
                return None if _has_variable(aside) else [found[leaf] for leaf in leaves]
            slopes = [so_far[node] for node in nodes]
        node, upstream = nodes.pop(), slopes.pop()
        left, right = node._left, node._right
        if left.__class__ is float and (right.__class__ is float or right.__class__ is FusedSum):
            edges = _edges_of_a_neuron(right) if right.__class__ is FusedSum else _edges_of_many(node)
            if edges is None:
                return None
            for child, slope in edges:
                if child.__class__ is not float:
                    collect(child, slope, upstream)
            continue
        op = node.operation
        a = left if left.__class__ is float else left._data
        b = right if right.__class__ is float else right._data
        if op is add:
            unchanged = a + b == node._data
        elif op is multiply:  # the local derivatives too: 0 * b is 0 for any b
            unchanged = a * b == node._data and (
                left.__class__ is float or right.__class__ is float or (node._d_left == b and node._d_right == a)
            )
        else:
            unchanged = _holds(node, op, a, b)
        if not unchanged:
            return None
        # Written out for the left and the right argument, as in backward.py.
        if left.__class__ is not float:
            slope = node._d_left
            if left.operation is None:
                if left in found:
                    found[left] += slope * upstream if slope else 0.0
                elif left._variable:
                    return None
            elif slope and left._users == 1:
                nodes.append(left)
                slopes.append(slope * upstream)
            else:
                collect(left, slope, upstream)
        if right.__class__ is not float:
            slope = node._d_right
            if right.operation is None:
                if right in found:
                    found[right] += slope * upstream if slope else 0.0
                elif right._variable:
                    return None
            elif slope and right._users == 1:
                nodes.append(right)
                slopes.append(slope * upstream)
            else:
                collect(right, slope, upstream)


def _has_variable(nodes: list[Any]) -> bool:
    """Whether the variable of another derivative is among these nodes and what they were made of."""
    seen: set[Any] = set()
    while nodes:
        node = nodes.pop()
        if node not in seen:
            seen.add(node)
            if node._variable:
                return True
            nodes += node._prev
    return False


def _holds(node: Any, op: Any, a: float, b: float) -> bool:
    """Whether a node of one or two arguments has the value and the slopes of its row, and is no variable of another
    derivative."""
    try:
        if op.arity == 1:
            out = op.forward(a)
            return (
                out == node._data and op.partials[0](out, a) == node._d_left and not (op is identity and node._variable)
            )
        if op is power and node._right.__class__ is float and (found := power_and_slope(a, b)):
            return found == (node._data, node._d_left)
        out = op.forward(a, b)
        return (
            out == node._data
            and (node._left.__class__ is float or op.partials[0](out, a, b) == node._d_left)
            and (node._right.__class__ is float or op.partials[1](out, a, b) == node._d_right)
        )
    except (ArithmeticError, ValueError):
        return False


def _edges_of_many(node: Any) -> Any:
    """The edges of a row of any number of arguments, where value and slopes are those of the row; None of a node that
    was made by hand."""
    if not isinstance(op := node.operation, Op) or "_backward" in node.__dict__:
        return None
    edges = node._more
    numbers = [a if a.__class__ is float else a._data for a, _ in edges]
    try:
        if (out := op.forward(*numbers)) != node._data:
            return None
        wanted = [a.__class__ is not float for a, _ in edges]
        slopes = local_derivatives(op, out, numbers, wanted)
    except (ArithmeticError, LookupError, ValueError):
        return None
    return edges if all(new == old or not want for (_, old), new, want in zip(edges, slopes, wanted)) else None


def _edges_of_a_neuron(fused: FusedSum) -> Any:
    """(argument, local derivative) for all that a neuron's sum was made of; None if its data changed."""
    weights, inputs, start = fused.weights, fused.inputs, fused.start
    now = [weight._data for weight in weights], inputs.numbers(), start._data
    if now != (fused.weight_data, fused.input_data, fused.start_data):
        return None
    return [*zip(weights, fused.input_data), (start, 1.0), *zip(inputs, fused.weight_data)]
