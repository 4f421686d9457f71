"""Formulas as people write them, together with the number that a formula has with its numbers as they are printed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from chainrule.engine import Op
from chainrule.engine.operators import Operators

from .text import full, short

# How strongly the signs of formulas bind, as in any schoolbook; a sign that is missing here gets brackets.
BINDING = {"+": 1, "−": 1, "×": 2, "÷": 2, "^": 3}
PREFIXES = {"−": 2, "√": 4}  # −a binds as strongly as a product
ASSOCIATIVE = frozenset("+×")
CLOSED = 9  # names and function calls, which never need brackets
PROBES = (3.7, 0.3)  # numbers that only a neutral operation leaves as they are
DIGITS = (4, 6, 8)  # a printed number has the fewest with which its equation holds
CLOSE = 0.01  # an equation that holds with none of these is written with ≈, if it holds to one part in a hundred
_SIGNS = re.compile(r"[-+*/^=<>×÷−]")


def read(text: str) -> float:
    """The number that `short` or `full` wrote.

    >>> read("−1.5e−7")
    -1.5e-07
    """
    return float(text.replace("−", "-"))


def agrees(number: float, result: float) -> bool:
    """Whether the two are printed alike: `=` between them is true to the digits that are printed."""
    return short(number) == short(result)


class Formula(Operators):
    """A written formula and its number; an operation on formulas gives the formula and the number of its result.

    `digits` says how the constants in it are printed (0: in full). They count as they are printed.

    >>> a, b = Formula("a", 3.0), Formula("b", -2.0)
    >>> (1.0 - a * a) / (a - b), (a * b).number
    ((1 − a × a) ÷ (a − b), -6.0)
    """

    __slots__ = ("binding", "digits", "number", "text")

    def __init__(self, text: str, number: float = math.nan, binding: int = CLOSED, digits: int = DIGITS[0]) -> None:
        self.text = text
        self.number = number
        self.binding = binding
        self.digits = digits

    @classmethod
    def named(cls, name: str, number: float, digits: int = DIGITS[0]) -> Formula:
        """A name; one that looks like a formula, such as x1*w1 + b, has brackets beside signs, and w1 (2) beside ^."""
        return cls(name, number, 0 if _SIGNS.search(name) else BINDING["×"] if " (" in name else CLOSED, digits)

    @classmethod
    def printed(cls, number: float, digits: int = DIGITS[0]) -> Formula:
        """A number as it is printed."""
        text = short(number, digits) if digits else full(number)
        return cls(text, read(text), CLOSED, digits)

    @classmethod
    def __apply__(cls, op: Op, arguments: Sequence[Any]) -> Formula:
        for index, argument in enumerate(arguments):
            if isinstance(argument, Formula) and _changes_nothing(op, arguments, index):
                return argument
        digits = next(one.digits for one in arguments if isinstance(one, Formula))
        return cls.of(op, [one if isinstance(one, Formula) else cls.printed(float(one), digits) for one in arguments])

    @classmethod
    def of(cls, op: Op, parts: Sequence[Formula]) -> Formula:
        """The operation, written with these parts; nothing is left out."""
        try:
            number = op.evaluate([part.number for part in parts])
        except (ArithmeticError, ValueError, LookupError):
            number = math.nan
        sign, digits = op.symbol.replace("{}", "").strip(), parts[0].digits if parts else DIGITS[0]
        if op.variadic or not (op.symbol.startswith("{}") or op.symbol.endswith("{}")):
            return cls(op.write([part.text for part in parts]), number, CLOSED, digits)
        if not sign:  # a copy
            return cls(parts[0].text, number, parts[0].binding, digits)
        is_prefix = len(parts) == 1
        binding = (PREFIXES if is_prefix else BINDING).get(sign, 0)
        inside = [_bracketed_part(part, binding, sign, is_prefix or i > 0) for i, part in enumerate(parts)]
        return cls(op.write(inside), number, binding, digits)

    def __repr__(self) -> str:
        return self.text


def _bracketed_part(part: Formula, binding: int, sign: str, follows: bool) -> str:
    """A part of a larger formula, in brackets if it needs them; `follows` says whether the sign stands before it."""
    if part.binding == CLOSED:
        bare = not part.text.startswith("−") or (not follows and 0 < binding < BINDING["^"])
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


def equation(sides: Sequence[Callable[[int], Formula]], result: float) -> str:
    """side = side = result, with as many digits as make it true; ≈ where that takes more than eight.

    A side gets the number of digits to print its numbers with. One that is not even close is left out.

    >>> equation([lambda digits: 1.0 - Formula.printed(0.99953444, digits) ** 2.0], 1.0 - 0.99953444**2)
    '1 − 0.99953444^2 = 0.0009309'
    """
    shown = short(result)
    for digits in DIGITS:
        written = [side(digits) for side in sides]
        if all(agrees(one.number, result) for one in written):
            return " = ".join(dict.fromkeys([*[one.text for one in written], shown]))
    written = [side(DIGITS[0]) for side in sides]
    close = [one.text for one in written if math.isclose(one.number, result, rel_tol=CLOSE)]
    return " ≈ ".join(dict.fromkeys([*close, shown]))


def product(before: float | None, factor: float, other: float, result: float) -> tuple[list[str], str, str]:
    """The texts of `before + factor × other`, the sign = or ≈, and the text of the result.

    The first text is '' where there is no `before`. A negative factor that a sign precedes is in brackets.

    >>> product(-6.0, -2.0, 1.0, -8.0)
    (['−6', '(−2)', '1'], '=', '−8')
    """
    numbers = [before or 0.0, factor, other]
    for digits in DIGITS:
        texts = [short(number, digits) for number in numbers]
        start, left, right = map(read, texts)
        holds = agrees(left * right if before is None else start + left * right, result)
        if holds:
            break
    else:
        texts = [short(number) for number in numbers]
    first = "" if before is None else texts[0]
    left_text = texts[1] if before is None else in_brackets(texts[1])
    return [first, left_text, in_brackets(texts[2])], "=" if holds else "≈", short(result)


def in_brackets(text: str) -> str:
    """A number as it stands after a sign: in brackets if it is negative."""
    return f"({text})" if text.startswith("−") else text
