"""The formula of each local derivative: the rules of the table of operations, run on names instead of numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from chainrule.engine import Op, Value
from chainrule.engine.operators import Operators

from ..common.text import short

# How strongly the signs of formulas bind, as in any schoolbook; a sign that is missing here gets brackets.
BINDING = {"+": 1, "−": 1, "×": 2, "÷": 2, "^": 3}
PREFIXES = {"−": 2, "√": 4}  # −a binds as strongly as a product
ASSOCIATIVE = frozenset("+×")
CLOSED = 9  # names and function calls, which never need brackets
PROBES = (3.7, 0.3)  # numbers that only a neutral operation leaves as they are


class Formula(Operators):
    """A written formula; an operation on formulas gives the formula of its result.

    >>> a, b = Formula("a"), Formula("b")
    >>> (1.0 - a * a) / (a - b)
    (1 − a × a) ÷ (a − b)
    """

    __slots__ = ("binding", "text")

    def __init__(self, text: str, binding: int = CLOSED) -> None:
        self.text = text
        self.binding = binding

    @classmethod
    def __apply__(cls, op: Op, arguments: Sequence[Any]) -> Formula:
        for index, argument in enumerate(arguments):
            if isinstance(argument, Formula) and _changes_nothing(op, arguments, index):
                return argument
        parts = [one if isinstance(one, Formula) else cls(short(float(one))) for one in arguments]
        sign = op.symbol.replace("{}", "").strip()
        if op.variadic or not (op.symbol.startswith("{}") or op.symbol.endswith("{}")):
            return cls(op.write([part.text for part in parts]))
        is_prefix = len(parts) == 1
        binding = (PREFIXES if is_prefix else BINDING).get(sign, 0)
        inside = [_bracketed_part(part, binding, sign, is_prefix or i > 0) for i, part in enumerate(parts)]
        return cls(op.write(inside), binding)

    def __repr__(self) -> str:
        return self.text


def _bracketed_part(part: Formula, binding: int, sign: str, follows: bool) -> str:
    """A part of a larger formula, in brackets if it needs them; `follows` says whether the sign stands before it."""
    if part.binding == CLOSED:
        bare = not part.text.startswith("−") or (not follows and binding < BINDING["^"])
    elif follows:
        bare = part.binding > binding or (sign in ASSOCIATIVE and part.binding == binding > 0)
        bare = bare and not part.text.startswith("−")
    else:
        bare = part.binding >= binding > 0 and sign != "^"
    return part.text if bare else f"({part.text})"


def _changes_nothing(op: Op, arguments: Sequence[Any], index: int) -> bool:
    """Whether the constants beside this argument are neutral, as in + 0, × 1 and ^ 1; the operation is tried out."""
    constants = [argument for i, argument in enumerate(arguments) if i != index]
    if not constants or op.variadic or not all(isinstance(constant, (int, float)) for constant in constants):
        return False
    try:
        return all(
            op.forward(*(probe if i == index else float(argument) for i, argument in enumerate(arguments))) == probe
            for probe in PROBES
        )
    except (ArithmeticError, ValueError):
        return False  # what is undefined at a probe is not neutral


def local_formulas(value: Value, name: str, names: Sequence[str]) -> list[str]:
    """The local derivative to each Value among the arguments: its formula, the same in numbers, and the result.

    >>> from chainrule import Value
    >>> a, b = Value(3.0), Value(-2.0)
    >>> local_formulas(a * b, "d", ["a", "b"])
    ['b = −2', 'a = 3']
    >>> local_formulas(a.tanh(), "t", ["a"])
    ['1 − t × t = 1 − 0.9951 × 0.9951 = 0.009866']
    """
    results = [short(local) for local in value._local_grads]
    operation = value.operation
    if operation is None or isinstance(operation, str):
        return results
    numbers = [telling_digits(parent.data) for parent in value._prev]
    in_names = _slopes(operation, value, Formula(name), [Formula(text) for text in names])
    in_numbers = _slopes(operation, value, Formula(telling_digits(value.data)), [Formula(text) for text in numbers])
    equations = []
    for formula, numeric, result in zip(in_names, in_numbers, results):
        sides = list(dict.fromkeys([formula, numeric, result]))
        equations.append(" = ".join([side for side in sides if side]))
    return equations


def telling_digits(number: float) -> str:
    """Four digits, or eight where four would make it a whole number: 1 − 1 × 1 = 0.00005 explains nothing.

    >>> telling_digits(0.70710678), telling_digits(0.99997339), telling_digits(2.0)
    ('0.7071', '0.99997339', '2')
    """
    text = short(number)
    return text if float(number).is_integer() or not text.replace("−", "").isdigit() else short(number, 8)


def _slopes(operation: Op, value: Value, out: Formula, names: Sequence[Formula]) -> list[str]:
    """What the rules of the operation's row write, for each Value among the arguments; '' where a rule cannot."""
    given = iter(names)
    arguments = [next(given) if isinstance(argument, Value) else argument for argument in value.arguments]
    rules = operation.quick or operation.partials
    if callable(rules):
        slopes = _result_or([""] * len(arguments), partial(rules, out, *arguments))
    else:
        slopes = [_result_or("", partial(rule, out, *arguments)) for rule in rules]
    texts = [slope.text if isinstance(slope, Formula) else short(slope) if slope != "" else "" for slope in slopes]
    return [text for text, argument in zip(texts, value.arguments) if isinstance(argument, Value)]


def _result_or(otherwise: Any, run: Callable[[], Any]) -> Any:
    try:
        return run()
    except (ArithmeticError, TypeError, ValueError):
        return otherwise  # at a pole, or where a rule of the user's own takes only floats, there is just the number
