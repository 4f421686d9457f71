"""Rules that make an instruction simpler while it is written: a dictionary from a word to its rule.

A rule gets the program and the operands. It returns an operand that holds the same numbers, or None if it does not
apply. What it needs for that it writes with `program.ufunc`, to which all rules are applied again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...op import OPS
from .ir import ZERO, Number, Operand, Rows

# For each word that is a row of the table, too: at each place, the number that leaves the other operand as it is.
NEUTRAL = {op.name: op.neutral for op in OPS.values() if op.neutral}
MODEST = 1e4  # factors between 1 / MODEST and MODEST are multiplied first: no number over- or underflows by that


def number_of(operand: Operand) -> float | None:
    """The number that an operand is everywhere, whatever n is; None if it is no such operand."""
    return operand.number if isinstance(operand, Number) and operand.power == 0 else None


def left_as_it_is(name: str, operands: Sequence[Operand]) -> Operand | None:
    """The operand that the other one, a neutral number, leaves as it is; None if there is no such number."""
    for i, neutral in enumerate(NEUTRAL.get(name, ())):
        if neutral is not None and number_of(operands[i]) == neutral:
            return operands[1 - i]
    return None


def _multiply(program: Any, a: Operand, b: Operand) -> Any:
    if isinstance(a, Number):
        a, b = b, a  # a number stands on the right
    if isinstance(b, Number):
        if isinstance(a, Number):
            return Number(a.number * b.number, a.power + b.power)
        return _scaled(program, a, b)
    for one, other in ((a, b), (b, a)):
        x = _negated(one)
        if x is not None and isinstance(_factor(other), Number):  # it takes the sign
            return program.ufunc("multiply", x, _negative(program, other))
    return program.ufunc("square", a) if a == b else None


def _factor(operand: Operand) -> Operand | None:
    """The second factor of a product; None if it is no product."""
    is_product = isinstance(operand, Rows) and operand.array.op == "multiply" and operand.complete
    return operand.array.args[1] if is_product else None  # type: ignore[union-attr]


def _scaled(program: Any, a: Rows, d: Number) -> Any:
    """(x · c) · d is x · (c · d)."""
    x, c = a.array.args if a.array.op == "multiply" and a.complete else (a, None)
    if isinstance(c, Number) and all(
        1.0 / MODEST <= abs(factor) <= MODEST for factor in (c.number, d.number, c.number * d.number)
    ):
        return program.ufunc("multiply", x, Number(c.number * d.number, c.power + d.power))
    return program.elementwise("multiply", a, d)


def _negative(program: Any, a: Operand) -> Any:
    """NumPy 2.4's np.negative gives wrong results for numbers that lie 64 bytes apart."""
    return program.ufunc("multiply", a, Number(-1.0))


def _power(program: Any, a: Operand, b: Operand) -> Any:
    return program.ufunc("square", a) if number_of(b) == 2.0 else None


def _add(program: Any, a: Operand, b: Operand) -> Any:
    if isinstance(a, Number) and isinstance(b, Number):
        return Number(a.number + b.number, a.power) if a.power == b.power else None
    if a == b:
        return program.ufunc("multiply", a, Number(2.0))
    for one, other in ((a, b), (b, a)):
        negated = _product_negated(program, other)
        if negated is not None:
            return program.ufunc("subtract", one, negated)
    return None


def _subtract(program: Any, a: Operand, b: Operand) -> Any:
    negated = _product_negated(program, b)
    return None if negated is None else program.ufunc("add", a, negated)


def _negated(operand: Operand) -> Operand | None:
    """What an operand is -1 times of."""
    factor = _factor(operand)
    return operand.array.args[0] if factor is not None and number_of(factor) == -1.0 else None  # type: ignore[union-attr]


def _product_negated(program: Any, operand: Operand) -> Any:
    """What an operand is -1 times of, which may stand in one of its factors: (-x) · y is -1 times x · y."""
    negated = _negated(operand)
    if negated is None and _factor(operand) is not None:
        a, b = operand.array.args  # type: ignore[union-attr]
        for one, other in ((a, b), (b, a)):
            if (x := _negated(one)) is not None:
                return program.ufunc("multiply", x, other)
    return negated


def _sign(program: Any, a: Operand) -> Any:
    """The sign of max(x, 0) is the smaller one of its next whole number and 1, which is faster on large arrays."""
    if isinstance(a, Number) or a.count == 1 or a.array.op != "maximum" or ZERO not in a.array.args:
        return None
    return program.ufunc("minimum", program.ufunc("ceil", a), Number(1.0))


RULES: Mapping[str, Callable[..., Any]] = {
    "add": _add,
    "multiply": _multiply,
    "negative": _negative,
    "positive": lambda program, a: a,
    "power": _power,
    "sign": _sign,
    "subtract": _subtract,
}
