"""Derivatives as Values with graphs of their own, which can be differentiated again."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

from .graph import has_own_backward, needs_row, topological_order
from .numeric import number
from .op import Op
from .operators import Operators, has_no_slope, local_derivatives
from .ops import where
from .value import Value

__all__ = ["as_value", "gradients", "rule_problem"]


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
    of_a_program = not all(node.__decided__ for node in order)  # its numbers are not known yet, or change later
    for node in order:
        if any(id(argument) in reached for argument in node._prev):
            reached.add(id(node))
            on_the_way.append(node)
        if not of_a_program and isinstance(node.operation, Op) and not has_own_backward(node):
            node._check_unchanged()
    upstream: dict[int, Any] = {id(y): 1.0} if id(y) in reached else {}
    masked = _maybe_not_chosen(order) if of_a_program else set[int]()
    for node in reversed(on_the_way):
        if id(node) in upstream:
            _pass_back(node, upstream, reached, id(node) in masked)
    return [as_value(upstream.get(id(x), 0.0)) for x in xs]


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
            if isinstance(slope, float) and rule_problem(op):
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
def rule_problem(op: Op) -> str:
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


def as_value(given: Any) -> Value:
    return given if isinstance(given, Value) else Value(number(given, "a derivative"))
