"""The hottest operators written out, and a short way for rows of one or two arguments: what the table says, sooner.

Each falls back on the general operator whenever something is unusual. A test holds each of them to its row.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import cosh as cosh_of
from math import pow as power_of
from math import tanh as tanh_of
from types import MemberDescriptorType
from typing import Any, TypeVar

from ..op import Op
from ..operators import NumberIsTraced, Operators
from ..ops import add, divide, multiply, neg, power, relu, subtract, tanh
from ..recording import recording
from .waiting import DEEP

Kind = TypeVar("Kind", bound="FastOperators")

new = object.__new__  # __init__ would take as long as all the rest


def constant(kind: Any, data: float) -> Any:
    """What an operation makes where nothing is recorded."""
    out = new(kind)
    out._data, out.grad, out.operation, out._requires_grad = data, 0.0, None, False
    out._left = out._right = out._d_left = out._d_right = 0.0
    out._users = out._depth = 0
    return out


def _node(data: float, op: Op, left: Any, right: Any, d_left: float, d_right: float, argument: Any) -> Any:
    """A node made of one Value, `argument`, and perhaps a number."""
    if not recording():
        return constant(argument.__class__, data)
    out = new(argument.__class__)
    out._data, out.grad, out.operation = data, 0.0, op
    out._left, out._right = left, right
    out._d_left, out._d_right = d_left, d_right
    out._requires_grad, out._users = argument._requires_grad, 0
    depth = argument._depth
    out._depth = depth + 1 if depth < DEEP else depth
    argument._users += 1
    return out


def _node_of_two(data: float, op: Op, left: Any, right: Any, d_left: float, d_right: float) -> Any:
    """A node made of two Values of one class."""
    if not recording():
        return constant(left.__class__, data)
    out = new(left.__class__)
    out._data, out.grad, out.operation = data, 0.0, op
    out._left, out._right = left, right
    out._d_left, out._d_right = d_left, d_right
    out._requires_grad, out._users = left._requires_grad or right._requires_grad, 0
    depth, others = left._depth, right._depth
    out._depth = (depth if depth > others else others) + 1
    left._users += 1
    right._users += 1
    return out


def power_and_slope(base: float, exponent: float) -> tuple[float, float] | None:
    """base ** exponent and its local derivative to the base; None where the row has to be asked."""
    if exponent and base:
        try:
            if exponent == 2.0:
                out, slope = base * base, 2.0 * base
            else:
                lowered = base * base if exponent == 3.0 else power_of(base, exponent - 1.0)
                out, slope = power_of(base, exponent), exponent * lowered
            if slope - slope == 0.0:  # it is finite
                return out, slope
        except (ArithmeticError, ValueError):
            pass
    return None


def tanh_and_slope(data: float) -> tuple[float, float]:
    """tanh and its local derivative."""
    sech = 0.0 if data > 710.0 or data < -710.0 else 1.0 / cosh_of(data)  # beyond, cosh overflows
    return tanh_of(data), sech * sech


class FastOperators(Operators):
    """For a class with the slots of Value."""

    __slots__ = ()
    _data: float
    grad: float
    operation: Any
    _requires_grad: bool
    _users: int
    _depth: int
    _left: Any
    _right: Any
    _d_left: float
    _d_right: float
    _from_row: Any  # the general way
    _ours: bool  # whether it is Value itself, whose operations run no user's code
    _plain: bool  # whether its numbers are stored in slots, and its class cannot tell how results were made and stored;
    # rows and neurons ask for it, the operators below do not

    def __init_subclass__(cls) -> None:
        cls._ours = FastOperators in cls.__bases__
        if not next(kind for kind in cls.__mro__ if "data" in kind.__dict__).__dict__.get("_ours", False):
            cls._data = cls.data  # type: ignore[attr-defined]  # a class that stores its numbers in its own way
        usual = cls.__setattr__ is object.__setattr__ and cls.__new__ is object.__new__
        cls._plain = usual and isinstance(cls._data, MemberDescriptorType)

    @classmethod
    def __apply__(cls, op: Op, arguments: Sequence[Any]) -> Any:
        """A row of one or two arguments on floats, without the lists of the general way."""
        if op.chooses or not cls._plain:
            return cls._from_row(op, arguments)
        try:
            if op.arity == 1:
                (x,), (rule,) = arguments, op.partials  # type: ignore[misc]
                if x.__class__ is cls and (data := x._data).__class__ is float:
                    out = op.forward(data)
                    return _node(out, op, x, 0.0, rule(out, data) if recording() else 0.0, 0.0, x)
            elif op.arity == 2:
                left, right = (x + 0.0 if x.__class__ is int else x for x in arguments)
                a = left._data if left.__class__ is cls else left
                b = right._data if right.__class__ is cls else right
                if a.__class__ is float and b.__class__ is float:
                    out, (d_left, d_right) = op.forward(a, b), op.partials  # type: ignore[misc]
                    if left.__class__ is float:
                        return _node(out, op, left, right, 0.0, d_right(out, a, b), right)
                    if right.__class__ is float:
                        return _node(out, op, left, right, d_left(out, a, b), 0.0, left)
                    return _node_of_two(out, op, left, right, d_left(out, a, b), d_right(out, a, b))
        except (ArithmeticError, ValueError):
            pass
        return cls._from_row(op, arguments)

    def __add__(self: Kind, other: Any) -> Kind:
        try:
            if other.__class__ is (kind := self.__class__):
                if not recording():
                    return constant(kind, self._data + other._data)
                out = new(kind)  # `_node_of_two`, written out: sums and products are what most is made of
                out._data, out.grad, out.operation = self._data + other._data, 0.0, add
                out._left, out._right = self, other
                out._d_left = out._d_right = 1.0
                out._requires_grad, out._users = self._requires_grad or other._requires_grad, 0
                depth, others = self._depth, other._depth
                out._depth = (depth if depth > others else others) + 1
                self._users += 1
                other._users += 1
                return out
            if other.__class__ is int:
                other += 0.0  # a quicker float()
            if other.__class__ is float:
                if not recording():
                    return constant(kind, self._data + other)
                out = new(kind)  # `_node`, written out
                out._data, out.grad, out.operation = self._data + other, 0.0, add
                out._left, out._right = self, other
                out._d_left, out._d_right = 1.0, 0.0
                out._requires_grad, out._users = self._requires_grad, 0
                depth = self._depth
                out._depth = depth + 1 if depth < DEEP else depth
                self._users += 1
                return out
        except NumberIsTraced:
            pass
        return Operators.__add__(self, other)

    def __radd__(self: Kind, other: Any) -> Kind:
        try:
            if other.__class__ is int:
                other += 0.0
            if other.__class__ is float:
                return _node(other + self._data, add, other, self, 0.0, 1.0, self)
        except NumberIsTraced:
            pass
        return Operators.__radd__(self, other)

    def __sub__(self: Kind, other: Any) -> Kind:
        try:
            if other.__class__ is self.__class__:
                return _node_of_two(self._data - other._data, subtract, self, other, 1.0, -1.0)
            if other.__class__ is int:
                other += 0.0
            if other.__class__ is float:
                return _node(self._data - other, subtract, self, other, 1.0, 0.0, self)
        except NumberIsTraced:
            pass
        return Operators.__sub__(self, other)

    def __rsub__(self: Kind, other: Any) -> Kind:
        try:
            if other.__class__ is int:
                other += 0.0
            if other.__class__ is float:
                return _node(other - self._data, subtract, other, self, 0.0, -1.0, self)
        except NumberIsTraced:
            pass
        return Operators.__rsub__(self, other)

    def __mul__(self: Kind, other: Any) -> Kind:
        try:
            if other.__class__ is (kind := self.__class__):
                if not recording():
                    return constant(kind, self._data * other._data)
                out = new(kind)  # `_node_of_two`, written out
                out._d_right = a = self._data
                out._d_left = b = other._data
                out._data, out.grad, out.operation = a * b, 0.0, multiply
                out._left, out._right = self, other
                out._requires_grad, out._users = self._requires_grad or other._requires_grad, 0
                depth, others = self._depth, other._depth
                out._depth = (depth if depth > others else others) + 1
                self._users += 1
                other._users += 1
                return out
            if other.__class__ is int:
                other += 0.0
            if other.__class__ is float:
                if not recording():
                    return constant(kind, self._data * other)
                out = new(kind)  # `_node`, written out
                out._data, out.grad, out.operation = self._data * other, 0.0, multiply
                out._left, out._right = self, other
                out._d_left, out._d_right = other, 0.0
                out._requires_grad, out._users = self._requires_grad, 0
                depth = self._depth
                out._depth = depth + 1 if depth < DEEP else depth
                self._users += 1
                return out
        except NumberIsTraced:
            pass
        return Operators.__mul__(self, other)

    def __rmul__(self: Kind, other: Any) -> Kind:
        try:
            if other.__class__ is int:
                other += 0.0
            if other.__class__ is float:
                return _node(other * self._data, multiply, other, self, 0.0, other, self)
        except NumberIsTraced:
            pass
        return Operators.__rmul__(self, other)

    def __truediv__(self: Kind, other: Any) -> Kind:
        try:
            if other.__class__ is self.__class__ and other._data:
                out, slope = self._data / other._data, 1.0 / other._data
                return _node_of_two(out, divide, self, other, slope, -out / other._data)
            if other.__class__ is int:
                other += 0.0
            if other.__class__ is float and other:
                out = self._data / other
                return _node(out, divide, self, other, 1.0 / other, 0.0, self)
        except NumberIsTraced:
            pass
        return Operators.__truediv__(self, other)

    def __rtruediv__(self: Kind, other: Any) -> Kind:
        try:
            if other.__class__ is int:
                other += 0.0
            if other.__class__ is float and self._data:
                out = other / self._data
                return _node(out, divide, other, self, 0.0, -out / self._data, self)
        except NumberIsTraced:
            pass
        return Operators.__rtruediv__(self, other)

    def __pow__(self: Kind, other: Any) -> Kind:
        try:
            if other.__class__ is int:
                other += 0.0
            if other.__class__ is float and (found := power_and_slope(self._data, other)):
                return _node(found[0], power, self, other, found[1], 0.0, self)
        except NumberIsTraced:
            pass
        return Operators.__pow__(self, other)

    def __neg__(self: Kind) -> Kind:
        try:
            return _node(-self._data, neg, self, 0.0, -1.0, 0.0, self)
        except NumberIsTraced:
            pass
        return Operators.__neg__(self)

    def tanh(self: Kind) -> Kind:
        try:
            data, slope = tanh_and_slope(self._data)
            if not recording():
                return constant(self.__class__, data)
            out = new(self.__class__)  # `_node`, written out: many networks are made of it
            out._data, out.grad, out.operation = data, 0.0, tanh
            out._left, out._right = self, 0.0
            out._d_left, out._d_right = slope, 0.0
            out._requires_grad, out._users = self._requires_grad, 0
            depth = self._depth
            out._depth = depth + 1 if depth < DEEP else depth
            self._users += 1
            return out
        except NumberIsTraced:
            pass
        return Operators.tanh(self)

    def relu(self: Kind) -> Kind:
        try:
            data = self._data
            if data > 0.0:
                return _node(data, relu, self, 0.0, 1.0, 0.0, self)
            if data <= 0.0:
                return _node(0.0, relu, self, 0.0, 0.0, 0.0, self)
        except NumberIsTraced:
            pass
        return Operators.relu(self)  # nan
