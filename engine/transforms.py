"""Derivatives of functions, of any order. No `.grad` is changed."""

from __future__ import annotations

import functools
import itertools
import math
import operator
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .fast.derivatives import derivatives
from .graph import needs_row, topological_order
from .numeric import number
from .op import OPS, Op
from .operators import Operators, has_no_slope, local_derivatives
from .ops import dot, identity, where
from .reads import Lost, Watch, is_trying, lost_path
from .recording import enable_grad
from .value import Value

__all__ = ["grad", "gradients", "hessian", "hvp", "jacobian", "value_and_grad"]


def gradients(y: Value, xs: Any) -> Any:
    """d y / d x for each x, as Values with graphs of their own, which can be differentiated again.

    Shapes: a list of Values, one for each x (one Value for one x). An x that y does not depend on gets Value(0.0).
    Errors: ValueError if data changed after the forward pass, TypeError for hand-made nodes.

    >>> from chainrule import Value
    >>> x = Value(3.0)
    >>> [slope] = gradients(x**3, [x])
    >>> slope.data, gradients(slope, [x])[0].data
    (27.0, 18.0)
    """
    if isinstance(xs, Value):
        return gradients(y, [xs])[0]
    if not isinstance(y, Value):
        raise TypeError(f"gradients: y is {type(y).__name__} {y!r}, not a Value")
    for x in (xs := list(xs) if hasattr(xs, "__iter__") else [xs]):
        if not isinstance(x, Value):
            raise TypeError(f"gradients: an x is {type(x).__name__} {x!r}, not a Value; of a model, give .parameters()")
    reached, on_the_way = {id(x) for x in xs}, []
    order = topological_order(y)
    of_a_program = not all(node.__decided__ for node in order)  # it follows its parameters, as after refresh()
    for node in order:
        if any(id(argument) in reached for argument in node._prev):
            reached.add(id(node))
            on_the_way.append(node)
        if not of_a_program and isinstance(node.operation, Op) and "_backward" not in node.__dict__:
            node._check_unchanged()
    upstream: dict[int, Any] = {id(y): 1.0} if id(y) in reached else {}
    masked = _maybe_not_chosen(order) if of_a_program else set[int]()
    for node in reversed(on_the_way):
        if id(node) in upstream:
            _pass_back(node, upstream, reached, id(node) in masked)
    return [_as_value(upstream.get(id(x), 0.0)) for x in xs]


def _maybe_not_chosen(order: Sequence[Value]) -> set[int]:
    """The nodes of a program that may have an infinite slope, or none, in examples in which they are not chosen."""
    found, behind = set[int](), set[int]()
    if any(isinstance(node.operation, Op) and node.operation.chooses for node in order):
        for node in order:
            if isinstance(node.operation, Op) and (
                has_no_slope(node.operation) or any(id(argument) in found for argument in node._prev)
            ):
                found.add(id(node))
        for node in reversed(order):
            if id(node) in behind or (isinstance(node.operation, Op) and node.operation.chooses):
                behind.update(map(id, node._prev))
    return found & behind


def _pass_back(node: Value, upstream: dict[int, Any], reached: set[int], masked: bool) -> None:
    """The chain rule at one node, with the rules of the table run on Values; `masked`: 0 times any slope is 0."""
    op, arguments, above = needs_row(node, "differentiate"), node.arguments, upstream[id(node)]
    rules: Any = op.partials
    all_slopes = functools.cache(lambda: rules(node, *arguments)) if op.variadic else list
    for place, argument in enumerate(arguments):
        if id(argument) not in reached or (op.chooses and node.__decided__ and node._edges[place][1] == 0.0):
            continue
        try:
            slope = all_slopes()[place] if op.variadic else rules[place](node, *arguments)
            if isinstance(slope, float) and reads_numbers(op):
                raise ArithmeticError
        except ArithmeticError:
            slope = _slope_without_rule(op, node, place)
        if isinstance(slope, float) and slope == 0.0:
            continue
        passed = _product(slope, above)
        if masked and isinstance(slope, Value) and isinstance(above, Value):
            passed = where(above, passed, 0.0)
        so_far = upstream.get(id(argument))
        upstream[id(argument)] = passed if so_far is None else so_far + passed


class _Anything(Operators):
    """Stands in the place of a number, of which nothing is known."""

    __slots__ = ()

    @classmethod
    def __apply__(cls, op: Op, arguments: Sequence[Any]) -> Any:
        return cls()


@functools.cache
def reads_numbers(op: Op) -> str:
    """What is wrong with a row that has a rule for plain numbers only, such as math.cos(a); '' where nothing is."""
    rules: Any = op.partials
    arguments = [_Anything() for _ in (op.everyday if op.variadic else op.partials)]  # type: ignore[union-attr]
    try:
        for rule in [rules] if op.variadic else rules:
            rule(_Anything(), *arguments)
    except TypeError as problem:
        return f"a rule of {op.name} takes plain numbers only ({problem})"
    return ""


def _slope_without_rule(op: Op, node: Value, place: int) -> Any:
    """The local derivative where the rule divides by 0, as for √x at 0: backward()'s number, with derivatives nan."""

    def slope(*numbers: float) -> float:
        wanted = [i == place for i in range(len(numbers))]
        return local_derivatives(op, op.evaluate(numbers), numbers, wanted)[place]

    _ = node.data  # the number belongs to this example: while a function is compiled, reading it is an error, or noted
    row = Op(name=f"slope_of_{op.name}", forward=slope, partials=lambda out, *numbers: [math.nan] * len(numbers),
             numpy="np.nan")  # fmt: skip
    return row(*node.arguments)


def _product(slope: Any, above: Any) -> Any:
    """slope · above; a factor of 1 makes no node."""
    if isinstance(slope, float) and slope == 1.0:
        return above
    return slope if isinstance(above, float) and above == 1.0 else slope * above


def _as_value(given: Any) -> Value:
    return given if isinstance(given, Value) else Value(number(given, "a derivative"))


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
    """The function's result on fresh Values, marked as variables of a derivative that is being taken.

    With it the variables, and whether it is known that no data were written meanwhile.

    Errors: TypeError if the function computed its result from numbers that it read from them, see reads.py.
    """
    variables, call = _prepared(function, places, arguments)
    if is_trying():  # the derivative around this one looks at it
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
            raise TypeError(_advice(lost))
    return result, variables, unchanged


def _nodes(variables: Sequence[_Variable]) -> list[Value]:
    return [node for variable in variables for node in variable.nodes]


def _advice(lost: Lost) -> str:
    text = lost.line.text
    name = lost.node.name() if lost.node.label or lost.node.operation not in (None, identity) else "a variable"
    functions = [f for f in re.findall(r"\b(?:math|cmath|np|numpy|statistics)\.(\w+)", text) if f in OPS]
    if functions:
        instead = f"write cr.{functions[0]}, which takes Values"
    elif re.search(r"\bint\(|\bround\(|floor|ceil|trunc", text):
        instead = "write cr.floor, cr.ceil, cr.trunc or cr.round, which take Values and have the slope 0"
    elif re.search(r"\bfloat\(|\.data\b|\.item\(|\.astype\(", text):
        instead = "use the Value itself, and chainrule's functions in place of math's (cr.sin, cr.exp)"
    else:
        instead = (
            "for an array that holds Values write np.empty(n, dtype=object), or a list; for a function of math's or "
            "NumPy's its name in chainrule (cr.sin)"
        )
    return (
        f"{lost.line}: the number of {name} was read{f' in {text!r}' if text else ''}, and the result is computed from "
        f"it, so that its derivative would be lost: {instead}. If it is meant to be a constant, read .detach() of it"
    )


def _prepared(function: Callable[..., Any], places: Sequence[int], arguments: Sequence[Any]) -> Prepared:
    """Fresh variables, and the function that runs on them while they are marked."""
    for place in places:
        if not -len(arguments) <= place < len(arguments):
            count = f"{len(arguments)} argument" + "s" * (len(arguments) != 1)
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
    if not isinstance(y, Value) and np.ndim(y) != 0:
        raise TypeError(f"{name}: the function returned {type(y).__name__} {y!r}, not one Value; {instead}")
    try:
        return _as_value(y)
    except TypeError:
        raise TypeError(f"{name}: the function returned {type(y).__name__} {y!r}, not a Value") from None


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
