"""The hottest operators by hand: what the table says for two Values, or a Value and a plain number, without the way.

Each falls back on the general one whenever something is unusual; a test holds each to its row.
"""

from __future__ import annotations

from math import pow as power_of
from math import tanh as tanh_of
from typing import Any

from . import ops
from .operators import Operators
from .recording import recording
from .row import Op

add, subtract, multiply, divide, power, tanh, relu = (
    ops.add, ops.subtract, ops.multiply, ops.divide, ops.power, ops.tanh, ops.relu,
)  # fmt: skip


new = object.__new__
INFINITE = float("inf")


def _node(kind: Any, data: float, op: Op, left: Any, right: Any, d_left: float, d_right: float, requires: bool) -> Any:
    out = new(kind)  # __init__ would take as long as all of this
    out.data = data
    out.grad = 0.0
    out._uses = 0
    if recording():
        out.operation = op
        out._left = left
        out._right = right
        out._d_left = d_left
        out._d_right = d_right
        out.requires_grad = requires
    else:
        out.operation = None
        out._left = out._right = 0.0
        out.requires_grad = False
    return out


class FastOperators(Operators):
    """For a class with the slots of Value."""

    __slots__ = ()
    data: float
    requires_grad: bool

    def __add__(self, other: Any) -> Any:
        kind = self.__class__
        if other.__class__ is kind:
            if recording():  # `_node`, written out: sums and products are what a network is made of
                out = new(kind)
                out.data = self.data + other.data
                out.grad = 0.0
                out._uses = 0
                out.operation = add
                out._left = self
                out._right = other
                out._d_left = out._d_right = 1.0
                out.requires_grad = self.requires_grad or other.requires_grad
                return out
            return _node(kind, self.data + other.data, add, self, other, 1.0, 1.0, False)
        if other.__class__ is int:
            other += 0.0  # a quicker float()
        if other.__class__ is float:
            return _node(kind, self.data + other, add, self, other, 1.0, 0.0, self.requires_grad)
        return Operators.__add__(self, other)

    def __radd__(self, other: Any) -> Any:
        if other.__class__ is int:
            other += 0.0  # a quicker float()
        if other.__class__ is float:
            return _node(self.__class__, other + self.data, add, other, self, 0.0, 1.0, self.requires_grad)
        return Operators.__radd__(self, other)

    def __sub__(self, other: Any) -> Any:
        kind = self.__class__
        if other.__class__ is kind:
            requires = self.requires_grad or other.requires_grad
            return _node(kind, self.data - other.data, subtract, self, other, 1.0, -1.0, requires)
        if other.__class__ is int:
            other += 0.0  # a quicker float()
        if other.__class__ is float:
            return _node(kind, self.data - other, subtract, self, other, 1.0, 0.0, self.requires_grad)
        return Operators.__sub__(self, other)

    def __mul__(self, other: Any) -> Any:
        kind = self.__class__
        if other.__class__ is kind:
            if recording():  # `_node`, written out
                out = new(kind)
                out._d_right = a = self.data
                out._d_left = b = other.data
                out.data = a * b
                out.grad = 0.0
                out._uses = 0
                out.operation = multiply
                out._left = self
                out._right = other
                out.requires_grad = self.requires_grad or other.requires_grad
                return out
            return _node(kind, self.data * other.data, multiply, self, other, 0.0, 0.0, False)
        if other.__class__ is int:
            other += 0.0  # a quicker float()
        if other.__class__ is float:
            return _node(kind, self.data * other, multiply, self, other, other, 0.0, self.requires_grad)
        return Operators.__mul__(self, other)

    def __rmul__(self, other: Any) -> Any:
        if other.__class__ is int:
            other += 0.0  # a quicker float()
        if other.__class__ is float:
            return _node(self.__class__, other * self.data, multiply, other, self, 0.0, other, self.requires_grad)
        return Operators.__rmul__(self, other)

    def __truediv__(self, other: Any) -> Any:
        if other.__class__ is int:
            other += 0.0  # a quicker float()
        if other.__class__ is float and other:
            out = self.data / other
            return _node(self.__class__, out, divide, self, other, 1.0 / other, 0.0, self.requires_grad)
        return Operators.__truediv__(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        if other.__class__ is int:
            other += 0.0  # a quicker float()
        if other.__class__ is float and self.data:
            out = other / self.data
            return _node(self.__class__, out, divide, other, self, 0.0, -out / self.data, self.requires_grad)
        return Operators.__rtruediv__(self, other)

    def __pow__(self, other: Any) -> Any:
        if other.__class__ is int:
            other += 0.0  # a quicker float()
        if other.__class__ is float and other and self.data:
            try:
                out, slope = power_of(self.data, other), other * power_of(self.data, other - 1.0)
            except (ArithmeticError, ValueError):
                slope = INFINITE
            if -INFINITE < slope < INFINITE:
                return _node(self.__class__, out, power, self, other, slope, 0.0, self.requires_grad)
        return Operators.__pow__(self, other)

    def __neg__(self) -> Any:
        return _node(self.__class__, -self.data, ops.neg, self, 0.0, -1.0, 0.0, self.requires_grad)

    def tanh(self) -> Any:
        out = tanh_of(self.data)
        return _node(self.__class__, out, tanh, self, 0.0, 1.0 - out * out, 0.0, self.requires_grad)

    def relu(self) -> Any:
        out = self.data if self.data > 0.0 else 0.0
        if self.data != self.data:
            return Operators.relu(self)
        return _node(self.__class__, out, relu, self, 0.0, float(self.data > 0.0), 0.0, self.requires_grad)
