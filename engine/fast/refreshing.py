"""refresh() without a topological sort, and without the table for the hottest rows."""

from __future__ import annotations

from typing import Any

from ..graph import needs_row
from ..ops import add, multiply, power, subtract, tanh
from ..reads import refreshing
from ..recording import enable_grad
from .neurons import FusedSum, SharedInputs, as_floats
from .operators import power_and_slope, tanh_and_slope
from .waiting import Missing, Waiting


def users_first(root: Any) -> list[Any]:
    """The inner nodes of a graph, hidden ones too, each before its arguments; fused sums stay fused.

    Errors: TypeError for a node that was made by hand.
    """
    order: list[Any] = []
    waiting: Waiting = {}  # users are not counted here
    missing = Missing()
    learning: dict[Any, Any] = {}  # the weights that were seen with a bias: the sums of a neuron have the same
    stack = [root]
    while True:
        if not stack:
            stack = missing.deepest(waiting)
            if not stack:
                return order
        node = stack.pop()
        left, right = node._left, node._right
        if right.__class__ is FusedSum and learning.get(right.start) != right.weights:
            if right.learns():
                learning[right.start] = right.weights
                for parameter in (right.start, *right.weights):
                    if parameter.operation is not None:  # it was a leaf when the sum was made
                        needs_row(parameter, "refresh")
            else:
                right.unfold(node)
                left, right = node._left, node._right
        if left.__class__ is not float and left.operation is not None:
            if left._users == 1:
                stack.append(left)
            else:
                waiting.setdefault(left, 1)
        elif left.__class__ is float and (right.__class__ is float or right.__class__ is FusedSum):
            if right.__class__ is FusedSum:
                children: Any = (right.inputs,)
            elif node.__class__ is SharedInputs:
                children = node
            else:
                needs_row(node, "refresh")
                children = node._prev
            for child in children:
                if child.__class__ is not float and child.operation is not None:
                    waiting.setdefault(child, 1)
            order.append(node)
            continue
        order.append(node)
        if right.__class__ is not float and right.operation is not None:
            if right._users == 1:
                stack.append(right)
            else:
                waiting.setdefault(right, 1)


def refresh(root: Any) -> None:
    """Do the same as graph.refresh, which is the general way."""
    if root.operation is None:
        return
    refreshing()
    order = users_first(root)
    order.reverse()
    before: list[Any] = []
    pairs: list[Any] = []  # of the nodes that have (argument, local derivative) pairs
    sums: list[Any] = []
    parameters: dict[Any, Any] = {}
    try:
        with enable_grad():
            for node in order:
                op, left, right = node.operation, node._left, node._right
                before.append((node._data, node._d_left, node._d_right, node._requires_grad))
                if right.__class__ is FusedSum:
                    sums.append((right, right.weight_data, right.input_data, right.start_data))
                    right.refresh(node, parameters)
                    continue
                if node.__class__ is SharedInputs:
                    node._data = as_floats(node)
                    continue
                a = left if left.__class__ is float else left._data
                b = right if right.__class__ is float else right._data
                if not (a.__class__ is float and b.__class__ is float):
                    node._compute(op, node.arguments)  # a user wrote another kind of number into .data
                    continue
                if op is add:
                    node._data = a + b
                elif op is multiply:
                    node._data = a * b
                    if left.__class__ is not float:
                        node._d_left = b
                    if right.__class__ is not float:
                        node._d_right = a
                elif op is subtract:
                    node._data = a - b
                elif op is power and right.__class__ is float and (found := power_and_slope(a, b)):
                    node._data, node._d_left = found
                elif op is tanh:
                    node._data, node._d_left = tanh_and_slope(a)
                else:
                    if node._more is not None:
                        pairs.append((node, node._more))
                    _by_row(node, op, left, right, a, b)
                    continue
                if left.__class__ is float:
                    node._requires_grad = right._requires_grad
                else:
                    node._requires_grad = left._requires_grad or (right.__class__ is not float and right._requires_grad)
    except BaseException:
        for node, (data, d_left, d_right, flag) in zip(order, before):
            node._data, node._d_left, node._d_right, node._requires_grad = data, d_left, d_right, flag
        for node, more in pairs:
            node._more = more
        for fused, weight_data, input_data, start_data in sums:
            fused.weight_data, fused.input_data, fused.start_data = weight_data, input_data, start_data
        raise


def _by_row(node: Any, op: Any, left: Any, right: Any, a: float, b: float) -> None:
    """Compute the node from its row; where the row takes one or two arguments, without lists."""
    if node._more is None:
        try:
            if op.arity == 1:
                node._data = out = op.forward(a)
                node._d_left = op.partials[0](out, a)
                node._requires_grad = left._requires_grad
                return
            out = op.forward(a, b)
            d_left = 0.0 if left.__class__ is float else op.partials[0](out, a, b)
            d_right = 0.0 if right.__class__ is float else op.partials[1](out, a, b)
            node._data, node._d_left, node._d_right = out, d_left, d_right
            node._requires_grad = any(x._requires_grad for x in (left, right) if x.__class__ is not float)
            return
        except (ArithmeticError, ValueError):
            pass  # the general way knows what to do where the value or a local derivative is undefined
    node._compute(op, node.arguments)
