"""The operators and methods of everything that the rules of the table run on."""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from . import ops
from .numeric import runs_operations
from .op import OPS, Op, Rule


def _binary(op: Op, left: Any, right: Any) -> Any:
    other = right if isinstance(left, Operators) else left
    if runs_operations(other) or isinstance(other, (int, float, np.number, np.bool_, Real)):
        return op(left, right)
    return NotImplemented  # NumPy then goes through its array element by element


class Operators:
    """Operators and methods, one for each row; `__apply__` says what an operation does to this kind of number."""

    __slots__ = ()

    @classmethod
    def __apply__(cls, op: Op, arguments: Sequence[Any]) -> Any:
        raise TypeError(f"{cls.__name__} does not say how {op.name} is applied to it")

    def __add__(self, other: Any) -> Any:
        return _binary(ops.add, self, other)

    def __radd__(self, other: Any) -> Any:
        return _binary(ops.add, other, self)

    def __sub__(self, other: Any) -> Any:
        return _binary(ops.subtract, self, other)

    def __rsub__(self, other: Any) -> Any:
        return _binary(ops.subtract, other, self)

    def __mul__(self, other: Any) -> Any:
        return _binary(ops.multiply, self, other)

    def __rmul__(self, other: Any) -> Any:
        return _binary(ops.multiply, other, self)

    def __truediv__(self, other: Any) -> Any:
        return _binary(ops.divide, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _binary(ops.divide, other, self)

    def __pow__(self, other: Any) -> Any:
        return _binary(ops.power, self, other)

    def __rpow__(self, other: Any) -> Any:
        return _binary(ops.power, other, self)

    def __neg__(self) -> Any:
        return ops.neg(self)

    def __pos__(self) -> Any:
        return self

    conjugate = __pos__  # np.var and np.std ask everything for it

    def __abs__(self) -> Any:
        return ops.absolute(self)

    def identity(self) -> Any:
        return ops.identity(self)

    def exp(self) -> Any:
        return ops.exp(self)

    def expm1(self) -> Any:
        return ops.expm1(self)

    def log(self) -> Any:
        return ops.log(self)

    def log1p(self) -> Any:
        return ops.log1p(self)

    def sqrt(self) -> Any:
        return ops.sqrt(self)

    def sin(self) -> Any:
        return ops.sin(self)

    def cos(self) -> Any:
        return ops.cos(self)

    def tan(self) -> Any:
        return ops.tan(self)

    def asin(self) -> Any:
        return ops.asin(self)

    def acos(self) -> Any:
        return ops.acos(self)

    def atan(self) -> Any:
        return ops.atan(self)

    def atan2(self, x: Any) -> Any:
        return ops.atan2(self, x)

    def sinh(self) -> Any:
        return ops.sinh(self)

    def cosh(self) -> Any:
        return ops.cosh(self)

    def asinh(self) -> Any:
        return ops.asinh(self)

    def acosh(self) -> Any:
        return ops.acosh(self)

    def atanh(self) -> Any:
        return ops.atanh(self)

    def hypot(self, other: Any) -> Any:
        return ops.hypot(self, other)

    def erf(self) -> Any:
        return ops.erf(self)

    def tanh(self) -> Any:
        return ops.tanh(self)

    def sigmoid(self) -> Any:
        return ops.sigmoid(self)

    def relu(self) -> Any:
        return ops.relu(self)

    def step(self) -> Any:
        return ops.step(self)

    def absolute(self) -> Any:
        return ops.absolute(self)

    def softplus(self) -> Any:
        return ops.softplus(self)

    def leaky_relu(self) -> Any:
        return ops.leaky_relu(self)

    def elu(self) -> Any:
        return ops.elu(self)

    def silu(self) -> Any:
        return ops.silu(self)

    def gelu(self) -> Any:
        return ops.gelu(self)

    def minimum(self, other: Any) -> Any:
        return ops.minimum(self, other)

    def maximum(self, other: Any) -> Any:
        return ops.maximum(self, other)

    def where(self, a: Any, b: Any) -> Any:
        return ops.where(self, a, b)


def _add_numpy_name(op: Op) -> None:
    """NumPy calls methods of its own names on arrays of objects: give each row's method that name too."""
    spelled = re.fullmatch(r"np\.(\w+)\(\{\}(, \{\})?\)", op.numpy)
    if spelled and hasattr(Operators, op.name) and not hasattr(Operators, spelled[1]):
        setattr(Operators, spelled[1], getattr(Operators, op.name))


for _op in OPS.values():
    _add_numpy_name(_op)


def register(op: Op) -> Op:
    """Add a row of your own to the table: a function, a method, and its place in derivatives and drawings.

    Errors: ValueError for a name that is no identifier or is taken, and for a row that does not run.

    >>> from chainrule import Op, Value, grad, register
    >>> import math
    >>> cube = register(Op(name="cube", forward=lambda a: a * a * a, partials=(lambda out, a: 3.0 * a * a,),
    ...                    numpy="{} ** 3", why="three times the square"))
    >>> Value(2.0).cube().data, grad(grad(cube))(2.0)
    (8.0, 12.0)
    >>> from chainrule import unregister
    >>> unregister(cube)
    """
    from .value import Value  # value.py is made of this module

    if not isinstance(op, Op):
        raise TypeError(f"register takes a row, Op(name=..., forward=..., partials=...), got {op!r}")
    if not op.name.isidentifier() or keyword.iskeyword(op.name):
        raise ValueError(f"an operation's name is a method's name too; {op.name!r} can be none")
    if op.name in OPS or hasattr(Value, op.name) or op.name in Value.__slots__:
        raise ValueError(f"the name {op.name!r} is taken: {OPS.get(op.name, 'an attribute of Value')}")
    _try_out(op)
    OPS[op.name] = op
    if not op.variadic:
        setattr(Operators, op.name, lambda self, *others: op(self, *others))
        _add_numpy_name(op)
    return op


def _try_out(op: Op) -> None:
    """Run all of a row once, so that what is wrong with it is said now and not from inside some day."""
    count = len(op.everyday) if op.variadic else op.arity
    if not count or op.symbol.count("{}") != abs(op.arity):
        raise ValueError(f"{op.name}: {op.symbol!r} needs one {{}}, partials=(rule, ...) one rule, for each argument")
    numbers = [low + 0.7 * (high - low) for low, high in (op.everyday * count)[:count]]
    part = "forward"
    try:
        out = op.evaluate(numbers)
        part = "partials"
        local_derivatives(op, out, numbers, [True] * count)
        part = f"numpy={op.numpy!r}"
        op.on_arrays(*map(np.float64, numbers))
    except ArithmeticError:
        pass  # undefined at these numbers: nothing is learnt
    except Exception as problem:
        hint = " (partials=(rule,) for a fixed number of arguments; a bare rule returns a list)" * op.variadic
        raise ValueError(f"{op.name}: {part} does not run at {numbers}: {problem}{hint}") from problem


def unregister(op: Op) -> None:
    """Take a row that was registered out of the table again."""
    if op not in OPS.values():
        raise ValueError(f"{op!r} is no row of the table")
    del OPS[op.name]
    if not op.variadic:
        method = vars(Operators)[op.name]
        for name in [name for name, here in vars(Operators).items() if here is method]:  # NumPy's name for it, too
            delattr(Operators, name)


class Ieee(Operators):
    """A number that follows IEEE 754 where Python raises: 1 / 0 is inf, log(-1) is nan."""

    __slots__ = ("number",)

    def __init__(self, number: Any) -> None:
        self.number = float(number)

    @classmethod
    def __apply__(cls, op: Op, arguments: Sequence[Any]) -> Ieee:
        with np.errstate(all="ignore"):
            return Ieee(op.on_arrays(*(np.float64(getattr(a, "number", a)) for a in arguments)))


def local_derivatives(op: Op, out: float, numbers: Sequence[float], wanted: Sequence[bool]) -> list[float]:
    """The slopes of `op` to each argument, 0.0 where it is not wanted; inf or nan where there is none."""
    if callable(op.partials):
        if len(slopes := list(_slope(op.partials, out, numbers))) != len(numbers):
            raise TypeError(f"{op.name}: {len(slopes)} slope(s) for {len(numbers)} argument(s)")
        return slopes
    return [_slope(rule, out, numbers) if want else 0.0 for rule, want in zip(op.partials, wanted)]


def _slope(rule: Rule, out: float, numbers: Sequence[float]) -> Any:
    try:
        return rule(out, *numbers)
    except (ArithmeticError, ValueError):
        slopes = rule(Ieee(out), *map(Ieee, numbers))
        if isinstance(slopes, list):
            return [slope.number if isinstance(slope, Ieee) else slope for slope in slopes]
        return slopes.number if isinstance(slopes, Ieee) else slopes
