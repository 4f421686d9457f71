"""First derivatives at plain numbers: the chain rule with numbers alone, and nobody's `.grad` touched."""

from __future__ import annotations

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
    waiting: Waiting = {}  # nobody counts
    missing = Missing()
    so_far: Slopes = {}  # of the nodes that wait
    stack: list[tuple[Any, float]] = [(root, 1.0)]
    while True:
        if not stack:
            stack = [(node, so_far[node]) for node in missing.deepest(waiting)]
            if not stack:
                return [found[leaf] for leaf in leaves]
        node, upstream = stack.pop()
        left, right = node._left, node._right
        if right.__class__ is FusedSum:
            if not _pass_through(right, upstream, found, so_far, waiting):
                return None
            continue
        if left.__class__ is float and right.__class__ is float:
            if not _row_is_unchanged(node):
                return None
            edges: Any = node._more
        else:
            op = node.operation
            a = left if left.__class__ is float else left.data
            b = right if right.__class__ is float else right.data
            if op is add:
                unchanged = a + b == node.data
            elif op is multiply:
                unchanged = a * b == node.data
            else:
                unchanged = _is_unchanged(node, op, a, b)
            if not unchanged:
                return None
            edges = ((left, node._d_left), (right, node._d_right))
        for child, slope in edges:
            if child.__class__ is float or slope == 0.0:
                continue
            if child in found:
                found[child] += slope * upstream
            elif child.operation is None:
                if child._variable:
                    return None
            elif child._users == 1:
                stack.append((child, slope * upstream))
            elif child in so_far:
                so_far[child] += slope * upstream
            else:
                so_far[child] = slope * upstream
                waiting[child] = 1


def _is_unchanged(node: Any, op: Any, a: float, b: float) -> bool:
    """Whether a node of one or two arguments still has the value of its row, and is no variable itself."""
    try:
        now = op.forward(a) if op.arity == 1 else op.forward(a, b)
    except (ArithmeticError, ValueError):
        return False
    return now == node.data and not (op is identity and node._variable)


def _row_is_unchanged(node: Any) -> bool:
    """The same for a row of any number of arguments; not of a node that was made by hand."""
    if not isinstance(node.operation, Op) or "_backward" in node.__dict__:
        return False
    try:
        return node.operation.forward(*map(float, node.arguments)) == node.data  # type: ignore[no-any-return]
    except (ArithmeticError, LookupError, ValueError):
        return False


def _pass_through(fused: FusedSum, upstream: float, found: Slopes, so_far: Slopes, waiting: Waiting) -> bool:
    """The chain rule for a neuron's sum; False if its data changed, or a weight is none of a neuron's any more."""
    weights, inputs, start = fused.weights, fused.inputs, fused.start
    if start.data != fused.start_data or inputs.numbers() != fused.input_data:
        return False
    for weight, slope, data in zip((*weights, start), (*fused.input_data, 1.0), (*fused.weight_data, start.data)):
        if weight in found:
            found[weight] += slope * upstream
        elif weight.operation is not None or weight._variable or weight.data != data:
            return False
    for x, slope in zip(inputs, fused.weight_data):
        if x.__class__ is float or slope == 0.0:
            continue
        if x in found:
            found[x] += slope * upstream
        elif x.operation is None:
            if x._variable:
                return False
        else:
            so_far[x] = so_far.get(x, 0.0) + slope * upstream
            waiting[x] = 1
    return True
