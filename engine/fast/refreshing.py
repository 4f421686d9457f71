"""refresh() without a topological sort, and without the table for the hottest rows."""

from __future__ import annotations

from typing import Any

from ..graph import needs_row
from ..ops import add, multiply, power, subtract, tanh
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
    stack: list[Any] = []
    node = root
    while True:
        order.append(node)
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
        following = None  # the next node is mostly an argument of this one, as in backward.py
        if left.__class__ is not float:
            if left.operation is not None:
                if left._users == 1:
                    following = left
                else:
                    waiting.setdefault(left, 1)
        elif right.__class__ is float or right.__class__ is FusedSum:
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
            right = 0.0
        if right.__class__ is not float and right.operation is not None:
            if right._users == 1:
                if following is not None:
                    stack.append(following)
                following = right
            else:
                waiting.setdefault(right, 1)
        if following is None:
            if not stack:
                stack = missing.deepest(waiting)
                if not stack:
                    return order
            following = stack.pop()
        node = following


def refresh(root: Any) -> None:
    """Do the same as graph.refresh, which is the general way."""
    if root.operation is None:
        return
    order = users_first(root)
    order.reverse()
    before = [(node._data, node._d_left, node._d_right, node._requires_grad) for node in order]
    pairs: list[Any] = []  # of the nodes that have (argument, local derivative) pairs
    sums: list[Any] = []
    parameters: dict[Any, Any] = {}
    try:
        with enable_grad():
            for node in order:
                op, left, right = node.operation, node._left, node._right
                if left.__class__ is not float:
                    a, b, learns = left._data, right, left._requires_grad
                    if right.__class__ is not float:
                        b, learns = right._data, learns or right._requires_grad
                elif right.__class__ is FusedSum:
                    sums.append((right, right.weight_data, right.input_data, right.start_data))
                    right.refresh(node, parameters)
                    continue
                elif right.__class__ is not float:
                    a, b, learns = left, right._data, right._requires_grad
                elif node.__class__ is SharedInputs:
                    node._data = as_floats(node)
                    continue
                else:
                    pairs.append((node, node._more))
                    node._compute(op, node.arguments)
                    continue
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
                elif not _by_row(node, op, left, right, a, b):
                    continue
                node._requires_grad = learns
    except BaseException:
        for node, (data, d_left, d_right, flag) in zip(order, before):
            node._data, node._d_left, node._d_right, node._requires_grad = data, d_left, d_right, flag
        for node, more in pairs:
            node._more = more
        for fused, weight_data, input_data, start_data in sums:
            fused.weight_data, fused.input_data, fused.start_data = weight_data, input_data, start_data
        raise


def _by_row(node: Any, op: Any, left: Any, right: Any, a: float, b: float) -> bool:
    """Compute a node of one or two arguments from its row, without lists; False if the general way has done all."""
    try:
        if op.arity == 1:
            out = op.forward(a)
            d_left, d_right = op.partials[0](out, a), 0.0
        else:
            out = op.forward(a, b)
            d_left = 0.0 if left.__class__ is float else op.partials[0](out, a, b)
            d_right = 0.0 if right.__class__ is float else op.partials[1](out, a, b)
    except (ArithmeticError, ValueError):
        node._compute(op, node.arguments)  # it knows what to do where the value or a local derivative is undefined
        return False
    node._data, node._d_left, node._d_right = out, d_left, d_right
    return True
