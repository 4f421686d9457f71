"""Derivatives of functions, of any order. No `.grad` is changed."""

from __future__ import annotations

import functools
import itertools
import operator
import reprlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .fast.derivatives import derivatives
from .graph import topological_order
from .higher_orders import as_value, gradients
from .lost_paths import lost_path
from .numeric import counted, number
from .ops import dot, identity
from .reads import Watch, is_trying
from .recording import enable_grad
from .value import Value

__all__ = ["grad", "hessian", "hvp", "jacobian", "value_and_grad"]


class _Variable:
    """One argument of a function as fresh Values: a number as one, an array or nested lists as an object array."""

    def __init__(self, given: Any) -> None:
        self.shape = () if isinstance(given, Value) else _shape(given)
        if not self.shape:
            numbers = [given]
        elif isinstance(given, np.ndarray) and given.dtype.kind in "fiu":
            numbers = given.ravel().tolist()  # plain numbers: NumPy scalars are slow
        else:
            numbers = list(given) if len(self.shape) == 1 else list(np.array(given, dtype=object).ravel())
        self.symbolic = any(issubclass(kind, Value) for kind in {*map(type, numbers)})
        # Fresh nodes, so that uses of the same Value elsewhere in the function are not counted.
        self.nodes = [
            identity(x) if isinstance(x, Value) else Value(x if x.__class__ is float else number(x, "a derivative"))
            for x in numbers
        ]
        self.argument: Any = _objects(self.nodes).reshape(self.shape) if self.shape else self.nodes[0]

    def shaped(self, derivatives: Sequence[Any]) -> Any:
        """One for each node, in the form of the argument."""
        return _array(derivatives).reshape(self.shape) if self.shape else derivatives[0]


def _shape(given: Any) -> tuple[int, ...]:
    try:
        return np.shape(given)
    except ValueError:
        raise ValueError(f"an argument is a number or an array, got lists of different lengths: {given!r}") from None


def _array(derivatives: Sequence[Any]) -> Any:
    """A flat array of derivatives, which are all Values, or all floats."""
    symbolic = len(derivatives) > 0 and isinstance(derivatives[0], Value)
    return _objects(derivatives) if symbolic else np.array(derivatives, float)


def _objects(items: Sequence[Any]) -> Any:
    return np.fromiter(items, dtype=object, count=len(items))  # array[:] = items would look into each


Prepared = tuple[list[_Variable], Callable[[], Any]]  # variables, and the function that runs on them


def _run(
    function: Callable[..., Any], places: Sequence[int], arguments: Sequence[Any]
) -> tuple[Any, list[_Variable], bool]:
    """The function's result on fresh Values, these variables, and whether it is known that no data were written.

    Errors: TypeError if the function computed its result from numbers that it read from them, see lost_paths.py.
    """
    variables, call = _prepared(function, places, arguments)
    if is_trying():  # the derivative around this one watches the run
        return call(), variables, False
    with Watch(_nodes(variables)) as watch:
        result = call()
    unchanged = not watch.written
    if watch.found:

        def again() -> tuple[list[Value], Callable[[], Any]]:
            fresh, call = _prepared(function, places, arguments)
            return _nodes(fresh), call

        with watch:
            lost = lost_path(watch, result, again)
        if lost:
            raise TypeError(str(lost))
    return result, variables, unchanged


def _nodes(variables: Sequence[_Variable]) -> list[Value]:
    return [node for variable in variables for node in variable.nodes]


def _prepared(function: Callable[..., Any], places: Sequence[int], arguments: Sequence[Any]) -> Prepared:
    """Fresh variables, and the function that runs on them while they are marked."""
    for place in places:
        if not -len(arguments) <= place < len(arguments):
            count = counted(len(arguments), "argument")
            raise IndexError(f"argnums: there is no argument {place}; the function was called with {count}")
    if len({place % len(arguments) for place in places}) < len(places):
        raise ValueError(f"argnums {tuple(places)} name the same argument twice")
    variables = [_Variable(arguments[place]) for place in places]
    replaced = list(arguments)
    for place, variable in zip(places, variables):
        replaced[place] = variable.argument
    nodes = _nodes(variables)

    def call() -> Any:
        for node in nodes:
            node._variable = True
        try:
            return function(*replaced)
        finally:
            for node in nodes:
                del node._variable

    return variables, call


def _slopes(
    outputs: Sequence[Value], variables: Sequence[_Variable], unchanged: bool
) -> tuple[list[list[Any]], Callable[[Value], Any]]:
    """The derivatives of each output to each node of the variables, and the function that finishes a value.

    Both give floats, or Values where a derivative around this one depends on them.
    """
    nodes = [node for variable in variables for node in variable.nodes]
    if not any(variable.symbolic for variable in variables):
        numbers = [derivatives(y, nodes, unchanged) if y._plain else None for y in outputs]
        if not any(row is None for row in numbers):
            return numbers, _number  # type: ignore[return-value]
        if not any(node._variable for y in outputs for node in topological_order(y)):
            return [[slope._data for slope in gradients(y, nodes)] for y in outputs], _number
    return [gradients(y, nodes) for y in outputs], lambda value: value


def _number(value: Value) -> float:
    return value._data


def _scalar(y: Any, name: str, instead: str) -> Value:
    said = f"{name}: the function returned {type(y).__name__} {reprlib.repr(y)}, not one Value"
    if not isinstance(y, Value) and np.ndim(y) != 0:
        raise TypeError(f"{said}; {instead}")
    try:
        return as_value(y)
    except TypeError:
        raise TypeError(said) from None


def _derived_from(f: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """functools.wraps(f), and a TypeError if f is not a function."""
    if not callable(f):
        raise TypeError(f"expected a function, got {type(f).__name__} {f!r}; for a Value write gradients(y, xs)")
    return functools.wraps(f)


def value_and_grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., tuple[Any, Any]]:
    """The function that gives f's value and its gradient.

    Shapes: a pair of a float and what grad gives.
    Errors: those of grad.

    >>> value_and_grad(lambda x: x * x)(3.0)
    (9.0, 6.0)
    """
    if isinstance(argnums, (bool, str)):
        raise TypeError(f"argnums is the place of an argument, or several, as in (0, 1); got {argnums!r}")
    several = isinstance(argnums, Sequence)
    places = [operator.index(place) for place in (argnums if isinstance(argnums, Sequence) else [argnums])]

    @_derived_from(f)
    def wrapped(*arguments: Any, **keywords: Any) -> tuple[Any, Any]:
        with enable_grad():
            result, variables, unchanged = _run(functools.partial(f, **keywords), places, arguments)
            y = _scalar(result, "grad", "is jacobian meant?")
            [slopes], finish = _slopes([y], variables, unchanged)
            rest = iter(slopes)
            parts = tuple(variable.shaped([next(rest) for _ in variable.nodes]) for variable in variables)
        return finish(y), parts if several else parts[0]

    return wrapped


def grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """The derivative of f to one of its arguments, or to several.

    Shapes: x a number -> float; x (n,) -> (n,) float64; a tuple of argnums -> a tuple.
    Errors: TypeError if f returns anything but one Value or number.

    >>> grad(lambda x: x**3)(2.0), grad(grad(lambda x: x**3))(2.0)
    (12.0, 12.0)
    >>> grad(lambda x: x[0] * x[1])([3.0, 4.0])
    array([4., 3.])
    """
    both = value_and_grad(f, argnums)
    return functools.wraps(f)(lambda *arguments, **keywords: both(*arguments, **keywords)[1])


def jacobian(f: Callable[..., Any]) -> Callable[..., Any]:
    """The derivatives of each of f's outputs to its first argument.

    Shapes: x (n,), m outputs -> (m, n); a number in -> (m,); one output -> (n,). For arrays of any shape: the shape of
    the outputs, then the shape of x.
    Errors: TypeError if f returns anything but Values and numbers.

    >>> jacobian(lambda x: [x[0] * x[1], x[0] + x[1]])([3.0, 4.0])
    array([[4., 3.],
           [1., 1.]])
    """

    @_derived_from(f)
    def wrapped(*arguments: Any, **keywords: Any) -> Any:
        with enable_grad():
            result, [variable], unchanged = _run(functools.partial(f, **keywords), [0], arguments)
            shape = () if isinstance(result, Value) else _shape(result)
            results = [result] if not shape else list(result if len(shape) == 1 else np.array(result, object).ravel())
            outputs = [_scalar(y, "jacobian", "return one Value, or an array of them") for y in results]
            all_slopes, _ = _slopes(outputs, [variable], unchanged)
            if not shape:
                return variable.shaped(all_slopes[0])
            return _array([*itertools.chain.from_iterable(all_slopes)]).reshape(*shape, *variable.shape)

    return wrapped


def hessian(f: Callable[..., Any]) -> Callable[..., Any]:
    """The second derivatives of f to its first argument.

    Shapes: x (n,) -> (n, n); a number -> float; x of any shape -> that shape twice.
    Where the second derivatives jump or do not exist (a**b at a = 0), it may be asymmetric: the entry [i, j] is the
    derivative to x[j] of the derivative to x[i].
    Errors: those of grad.

    >>> hessian(lambda x: x[0] * x[0] * x[1])([3.0, 4.0])
    array([[8., 6.],
           [6., 0.]])
    """
    return jacobian(grad(f))


def hvp(f: Callable[..., Any]) -> Callable[..., Any]:
    """The product of f's Hessian with a vector, without the Hessian.

    Shapes: x and v of one shape -> the same shape; numbers -> float.
    Errors: those of grad.

    >>> hvp(lambda x: x[0] * x[0] * x[1])([3.0, 4.0], [1.0, 0.0])
    array([8., 6.])
    """
    slope = grad(f)

    @functools.wraps(f)
    def wrapped(x: Any, v: Any) -> Any:
        if np.shape(x) != np.shape(v):
            raise ValueError(f"hvp: x has shape {np.shape(x)} and v has {np.shape(v)}; they have to be equal")
        # v is a variable, too: where it is made of Values, so is the product.
        return grad(lambda y, w: dot(np.ravel(slope(y)), np.ravel(w)), argnums=(0, 1))(x, v)[0]

    return wrapped
