"""The peer of W13: a class `Value` of about forty lines that does what the one in Karpathy's microgpt.py does.

It is written anew, since we know of no licence of the file (a gist of February 2026). All that its time depends on is
as published: slots, local derivatives stored as numbers beside the arguments, a node for each constant, `a - b` as
`a + b * -1`, `a / b` as `a * b**-1`, and a topological sort by a function that calls itself.
"""

from __future__ import annotations

import math
from typing import Any


class Value:
    __slots__ = ("_arguments", "_slopes", "data", "grad")

    def __init__(self, data: float, arguments: tuple[Value, ...] = (), slopes: tuple[float, ...] = ()) -> None:
        self.data = data
        self.grad: float = 0
        self._arguments = arguments
        self._slopes = slopes

    def __add__(self, other: Any) -> Value:
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, (self, other), (1, 1))

    def __mul__(self, other: Any) -> Value:
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, power: float) -> Value:
        return Value(self.data**power, (self,), (power * self.data ** (power - 1),))

    def log(self) -> Value:
        return Value(math.log(self.data), (self,), (1 / self.data,))

    def exp(self) -> Value:
        return Value(math.exp(self.data), (self,), (math.exp(self.data),))

    def relu(self) -> Value:
        return Value(max(0, self.data), (self,), (float(self.data > 0),))

    def __neg__(self) -> Any:
        return self * -1

    def __sub__(self, other: Any) -> Any:
        return self + (-other)

    def __truediv__(self, other: Any) -> Any:
        return self * other**-1

    def __radd__(self, other: Any) -> Any:
        return self + other

    def __rmul__(self, other: Any) -> Any:
        return self * other

    def __rsub__(self, other: Any) -> Any:
        return other + (-self)

    def __rtruediv__(self, other: Any) -> Any:
        return other * self**-1

    def backward(self) -> None:
        order: list[Value] = []
        seen: set[Value] = set()

        def visit(node: Value) -> None:
            if node not in seen:
                seen.add(node)
                for argument in node._arguments:
                    visit(argument)
                order.append(node)

        visit(self)
        self.grad = 1
        for node in reversed(order):
            for argument, slope in zip(node._arguments, node._slopes):
                argument.grad += slope * node.grad
