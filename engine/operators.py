"""The protocol `__apply__`: what a class says to have operations applied to it; Python's operators, and the methods."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from functools import cache
from numbers import Real
from typing import Any

import numpy as np

from . import ops
from .methods import Methods
from .numeric import number, runs_operations
from .op import OPS, Op, Rule, everywhere

NO_NUMBERS = {str, bytes, list, tuple, type(None)}  # what people put beside an operator that none of them takes


def _binary(op: Op, left: Any, right: Any) -> Any:
    other = right if isinstance(left, Operators) else left
    if runs_operations(other) or isinstance(other, (int, float, np.number, np.bool_, Real)):
        return op(left, right)
    if other.__class__ in NO_NUMBERS:
        number(other, op.name)  # says what to write
    return NotImplemented  # for an array: NumPy then asks each of its elements


class NumberIsTraced(Exception):
    """A Value in a function that is being traced has no number to compute with: the general operator takes it.

    It comes here where a method was called as that of a class, as in `Value.tanh(x)`, or by `super()`.
    """


class Operators(Methods):
    """A kind of number that the rows of the table run on: Values, names in explanations, what the compiler traces.

    **The contract.** A class takes part if it has a class method `__apply__(cls, op, arguments)`, inherited from here
    or not. It is called with a row and the arguments of the node, in order; lists are already flattened to one
    sequence. At least one argument is an instance of such a class. The others are what the caller wrote:
    `number(argument, op.name)` makes floats of them, or says that they are none. It returns the result of the
    operation, usually a new instance, and changes no argument. The row gives it the value (`op.evaluate`) and the
    symbol (`op.write`), `local_derivatives` the local derivatives.

    **Who outranks whom** when classes mix: a class outranks those that it descends from, and one with
    `__outranks__ = True` also all those that do not descend from it. Otherwise the first argument decides. Arrays come
    before all classes: the operation is applied to each of their elements.

    >>> class Interval(Operators):
    ...     def __init__(self, low, high):
    ...         self.ends = (low, high)
    ...     @classmethod
    ...     def __apply__(cls, op, arguments):  # right for rows that only rise
    ...         ends = [a.ends if isinstance(a, Interval) else (a, a) for a in arguments]
    ...         return cls(*[op.evaluate(numbers) for numbers in zip(*ends)])
    >>> (Interval(0.0, 1.0).tanh() + 1.0).ends
    (1.0, 1.7615941559557649)
    """

    __slots__ = ()
    __outranks__ = False
    __decided__ = False  # whether its number is known when an operation is applied: then one side of a where runs

    @classmethod
    def __apply__(cls, op: Op, arguments: Sequence[Any]) -> Any:
        said = f"{cls.__name__} does not say how {op.name} is applied to it"
        raise TypeError(f"{said}: it needs a class method __apply__(cls, op, arguments)")

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

    def __xor__(self, other: Any) -> Any:
        raise TypeError("^ is no power in Python, but the exclusive or of bits; for a power, write x ** y")

    __rxor__ = __xor__

    def __mod__(self, other: Any) -> Any:
        return _binary(ops.mod, self, other)

    def __rmod__(self, other: Any) -> Any:
        return _binary(ops.mod, other, self)

    def __floordiv__(self, other: Any) -> Any:
        return _binary(ops.floor_divide, self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return _binary(ops.floor_divide, other, self)

    def __divmod__(self, other: Any) -> Any:
        whole = self // other
        return whole if whole is NotImplemented else (whole, self % other)

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    def __neg__(self) -> Any:
        return ops.neg(self)

    def __pos__(self) -> Any:
        """The number itself: a real one is its own conjugate."""
        return self

    conjugate = __pos__  # np.var and np.std ask everything for it

    def __abs__(self) -> Any:
        """The absolute value, whose slope at 0 is taken as 0."""
        return ops.absolute(self)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **keywords: Any) -> Any:
        if method == "__call__" and not keywords and ufunc in PYTHON:
            left, right = inputs
            if getattr(left, "ndim", None) == 0:  # a scalar of NumPy's; it comes here from its own operators
                return PYTHON[ufunc](left.item(), right)
        return _ufunc(ufunc, method, inputs, keywords)

    abs = __abs__


# Ufuncs of NumPy's and SciPy's: those that Python's operators do, those that mean a row of another name, and those that
# ask for the number, as a comparison does.
PYTHON = {np.add: operator.add, np.subtract: operator.sub, np.multiply: operator.mul, np.divide: operator.truediv,
          np.power: operator.pow, np.less: operator.lt, np.less_equal: operator.le, np.greater: operator.gt,
          np.greater_equal: operator.ge, np.remainder: operator.mod, np.floor_divide: operator.floordiv}  # fmt: skip
ROWS = {"radians": "deg2rad", "degrees": "rad2deg", "fabs": "absolute", "fmax": "maximum", "fmin": "minimum",
        "expit": "sigmoid", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2",
        "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "gammaln": "lgamma", "psi": "digamma"}  # fmt: skip
ASKS = {"isnan", "isinf", "isfinite", "signbit"}


def _ufunc(ufunc: Any, method: str, inputs: Sequence[Any], keywords: dict[str, Any]) -> Any:
    """What a ufunc of NumPy's or SciPy's is where a single number of a class with operators is among its arguments."""
    if method == "__call__" and not keywords:
        name = ufunc.__name__
        op = OPS.get(ROWS.get(name, name))
        if op is not None and op.has_method and op.arity == ufunc.nin:
            return op(*inputs)
        if ufunc is np.divmod:  # no loop for objects in NumPy
            return np.floor_divide(*inputs), np.remainder(*inputs)
        if name in ASKS:
            return ufunc(*map(float, inputs))
    objects = []  # as NumPy does it, by Python's operators
    for x in inputs:
        objects.append(x)
        if isinstance(x, Operators):
            objects[-1] = np.empty((), dtype=object)
            objects[-1][()] = x
    try:
        return getattr(ufunc, method)(*objects, **keywords)
    except TypeError as problem:
        if "not supported for the input types" not in str(problem):
            raise
        raise TypeError(
            f"{ufunc.__name__} takes plain numbers, and there is no operation of that name here; write it with the "
            "operations that there are, or add a row (chainrule.register)"
        ) from None


def add_method(op: Op) -> None:
    """Make the row a method; NumPy calls methods of its own names on arrays of objects, so it has that name too."""
    if not op.has_method:
        return
    first, *others = op.argument_names
    names = ", ".join(["self", *others])
    # Made from text, it is as quick as a method in a class and names its arguments; argument names are identifiers.
    method = eval(f"lambda {names}: _op({names})", {"_op": op})
    method.__name__, method.__qualname__, method.__module__ = op.name, f"Operators.{op.name}", __name__
    means = f"{first}.{op.name}({', '.join(others)}) is {op.name}({', '.join(op.argument_names)})."
    method.__doc__ = f"{op.what}\n\n{means}" if op.what else means
    setattr(Methods, op.name, method)
    if op.numpy_name and not hasattr(Operators, op.numpy_name):
        setattr(Methods, op.numpy_name, method)


def remove_method(op: Op) -> None:
    """Undo what `add_method` did."""
    method = vars(Methods).get(op.name)
    for name in [name for name, here in vars(Methods).items() if method and here is method]:
        delattr(Methods, name)


for _op in OPS.values():
    add_method(_op)


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
    """The local derivatives of `op` to its arguments: 0.0 where one is not wanted, inf or nan where there is none."""
    if callable(op.partials):
        if len(slopes := list(_slope(op.partials, out, numbers))) != len(numbers):
            said = f"the rule of {op.name} returned a list of length {len(slopes)}"
            raise TypeError(f"{said}; it needs one local derivative for each of the {len(numbers)} arguments")
        return slopes
    return [_slope(rule, out, numbers) if want else 0.0 for rule, want in zip(op.partials, wanted)]


@cache
def has_no_slope(op: Op) -> bool:
    """Whether an operation has no value, or no finite slope, at some numbers: log, the cube root at 0, exp at 1000."""
    if op.domain is not everywhere:
        return True
    if op.variadic:
        return False
    wanted = [True] * op.arity
    try:
        for number in (0.0, 1e3, -1e3):
            numbers = [number] * op.arity
            if not all(map(math.isfinite, local_derivatives(op, op.evaluate(numbers), numbers, wanted))):
                return True
    except (ArithmeticError, ValueError, TypeError, LookupError):
        return True
    return False


def _slope(rule: Rule, out: float, numbers: Sequence[float]) -> Any:
    try:
        return rule(out, *numbers)
    except (ArithmeticError, ValueError):
        slopes = rule(Ieee(out), *map(Ieee, numbers))
        if isinstance(slopes, list):
            return [slope.number if isinstance(slope, Ieee) else slope for slope in slopes]
        return slopes.number if isinstance(slopes, Ieee) else slopes
