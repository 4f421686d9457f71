"""First derivatives at plain numbers: the chain rule with numbers alone, and nobody's `.grad` touched."""

from __future__ import annotations

import math
from typing import Any

from ..op import Op
from ..ops import add, identity, multiply
from .neurons import FusedSum
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
    not_chosen: list[Any] = []  # the same, of rows that choose

    def collect(child: Any, slope: float, upstream: float) -> None:
        if child in found:
            found[child] += slope * upstream
        elif slope == 0.0 or child.operation is None:
            aside.append(child)
            if upstream - upstream != 0.0:  # whether a slope of 0 stops inf and nan, the row's rule says
                found[leaves[0]] = math.nan
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
                undecided = any(slope != slope for slope in found.values())
                undecided = undecided or _has_variable(aside, finite=True) or _has_variable(not_chosen, finite=False)
                return None if undecided else [found[leaf] for leaf in leaves]
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
        a = left if left.__class__ is float else left.data
        b = right if right.__class__ is float else right.data
        unchanged = a + b == node.data if op is add else a * b == node.data if op is multiply else None
        if not (_holds(node, op, a, b) if unchanged is None else unchanged):
            return None
        # Written out for the left and the right argument, as in backward.py.
        if left.__class__ is not float:
            slope = node._d_left
            if left.operation is None:
                if left in found:
                    found[left] += slope * upstream
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
                    found[right] += slope * upstream
                elif right._variable:
                    return None
            elif slope and right._users == 1:
                nodes.append(right)
                slopes.append(slope * upstream)
            else:
                collect(right, slope, upstream)


def _has_variable(nodes: list[Any], finite: bool) -> bool:
    """Whether the variable of another derivative is among these nodes and what they were made of; if `finite`, also
    whether a local derivative there is inf or nan, which makes nan of a slope of 0."""
    seen: set[Any] = set()
    while nodes:
        node = nodes.pop()
        if node not in seen:
            seen.add(node)
            if node._variable:
                return True
            for argument, slope in node._edges:
                if finite and slope - slope != 0.0:
                    return True
                if argument.__class__ is not float:
                    nodes.append(argument)
    return False


def _holds(node: Any, op: Any, a: float, b: float) -> bool:
    """Whether a node of one or two arguments has the value of its row, and is no variable of another derivative."""
    try:
        now = op.forward(a) if op.arity == 1 else op.forward(a, b)
    except (ArithmeticError, ValueError):
        return False
    return now == node.data and not (op is identity and node._variable)


def _edges_of_many(node: Any) -> Any:
    """The edges of a row of any number of arguments that has its value; None of a node that was made by hand."""
    if not isinstance(node.operation, Op) or "_backward" in node.__dict__:
        return None
    try:
        return node._more if node.operation.forward(*map(float, node.arguments)) == node.data else None
    except (ArithmeticError, LookupError, ValueError):
        return None


def _edges_of_a_neuron(fused: FusedSum) -> Any:
    """(argument, local derivative) for all that a neuron's sum was made of; None if its data changed."""
    weights, inputs, start = fused.weights, fused.inputs, fused.start
    now = [weight.data for weight in weights], inputs.numbers(), start.data
    if now != (fused.weight_data, fused.input_data, fused.start_data):
        return None
    return [*zip(weights, fused.input_data), (start, 1.0), *zip(inputs, fused.weight_data)]
