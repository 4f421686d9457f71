"""Each local derivative as people write it: its formula, the same in numbers, and why; all of it from the table."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from chainrule.engine import Op, Value
from chainrule.engine.op import Case, Rule

from ..common.formulas import DIGITS, Formula, equation, read
from ..common.text import full, short
from ..common.values import through

COMPARED = {"<": operator.lt, ">": operator.gt, "=": operator.eq, "≠": operator.ne}
EXACT = 0  # digits: in full
READABLE = 400  # characters of a formula
NO_NUMBER = "At these numbers there is no local derivative: it is nan, not a number"
STALE = "Data changed after the forward pass; this is the local derivative of that time"


@dataclass(frozen=True)
class LocalText:
    """What is said of one local derivative."""

    equation: str  # 1 − o^2 = 1 − 0.7071^2 = 0.5
    why: str = ""  # a sentence without its full stop; '' where the table does not say
    formula: str = ""  # 1 − o^2; '' where there is just a number


def local_texts(value: Value, name: str, names: Sequence[str], is_stale: bool = False) -> list[LocalText]:
    """The local derivative to each Value among the arguments; `names` are those of these Values, in order.

    `is_stale`: data changed after the forward pass, so that formulas would give other numbers than were used.

    >>> from chainrule import Value, minimum
    >>> a, b = Value(0.5), Value(-2.0)
    >>> [one.equation for one in local_texts(a * b, "d", ["a", "b"])]
    ['b = −2', 'a = 0.5']
    >>> local_texts(minimum(a, b), "d", ["a", "b"])[1].why
    'b is smaller (−2 < 0.5): b gets all of the gradient'
    """
    operation, results = value.operation, value._local_grads
    if not isinstance(operation, Op):
        return [LocalText(short(local), "The local derivative was given by hand") for local in results]
    if is_stale:
        return [LocalText(short(local), STALE) for local in results]
    places = [place for place, argument in enumerate(value.arguments) if isinstance(argument, Value)]
    row = _RowInWords(operation, value, name, [through(names, index) for index in range(len(names))], list(names))
    return [row.text(place, index, local) for index, (place, local) in enumerate(zip(places, results))]


class _RowInWords:
    """The row of one node, with the names and the numbers of the node's arguments."""

    def __init__(self, op: Op, value: Value, name: str, told_apart: list[str], names: list[str]) -> None:
        self.op, self.value, self.name, self.told_apart, self.names = op, value, name, told_apart, names
        self.numbers = [float(argument) for argument in value.arguments]
        self.case = _case(op, self.numbers)

    def text(self, place: int, index: int, local: float) -> LocalText:
        """What is said of the argument at that place, the one of that index among the Values."""
        said = self._said(place)
        is_plain = said != "" and not (self.case and self.case.slopes)
        written = None if is_plain else self._formula(place, local)
        formula = written or LocalText(short(local))
        if not said and math.isnan(local):
            return LocalText(formula.equation, NO_NUMBER)
        if not said:
            return LocalText(formula.equation, _capital(self.op.why_through(place)), formula.formula)
        said += f": {_effect(self.told_apart[index], local, formula.formula)}"
        return LocalText(formula.equation, said, formula.formula)

    def _said(self, place: int) -> str:
        """The branch that was taken, with its numbers; '' if the row names none."""
        if self.case is None:
            return ""
        said = self.case.said if isinstance(self.case.said, str) else self.case.said[place]
        if not said:
            return ""
        given = iter(self.told_apart)
        names = [next(given) if isinstance(a, Value) else f"the number {short(float(a))}" for a in self.value.arguments]
        holds = _comparison(self.case.holds, self.numbers)
        clause, comma, rest = said.partition(", ")  # b is not 0 (−2 ≠ 0), so a is chosen
        sentence = clause.format(*names) + (f" ({holds})" if holds else "") + comma + rest.format(*names)
        if not sentence.startswith(tuple(self.names)):  # no name of the user's is written with a capital
            sentence = _capital(sentence)
        return sentence

    def _formula(self, place: int, local: float) -> LocalText | None:
        """The equation and the formula in names; None where no formula holds, or where nobody would read it."""
        rules = (self.case.slopes if self.case else ()) or self.op.slopes or self.op.quick or self.op.partials
        in_full = _run(rules, place, self._in_names(EXACT))
        if not isinstance(in_full, Formula) or not math.isclose(in_full.number, local, rel_tol=1e-6, abs_tol=1e-300):
            return None
        if len(in_full.text) > READABLE:
            return None

        def names_side(digits: int) -> Formula:
            return _run(rules, place, self._in_names(digits))  # type: ignore[no-any-return]

        def numbers_side(digits: int) -> Formula:
            return _run(rules, place, self._in_numbers(digits))  # type: ignore[no-any-return]

        return LocalText(equation([names_side, numbers_side], local), "", in_full.text)

    def _in_names(self, digits: int) -> list[Any]:
        given = iter(self.names)
        arguments = [
            Formula.named(next(given), float(a.data), digits) if isinstance(a, Value) else float(a)
            for a in self.value.arguments
        ]
        return [Formula.named(self.name, float(self.value.data), digits), *arguments]

    def _in_numbers(self, digits: int) -> list[Any]:
        arguments = [
            Formula.printed(float(a.data), digits) if isinstance(a, Value) else float(a) for a in self.value.arguments
        ]
        return [Formula.printed(float(self.value.data), digits), *arguments]


def _case(op: Op, numbers: Sequence[float]) -> Case | None:
    if op.case is None:
        return None
    case = _result_or(None, partial(op.case, *numbers))
    return None if case is None else Case(*case)


def _run(rules: Rule | tuple[Rule, ...], place: int, given: Sequence[Any]) -> Any:
    """What a rule writes for the argument at that place; None where it cannot."""
    if callable(rules):
        return _result_or(None, lambda: rules(*given)[place])
    return _result_or(None, lambda: rules[place](*given))


def _result_or(otherwise: Any, run: Callable[[], Any]) -> Any:
    try:
        return run()
    except (ArithmeticError, TypeError, ValueError, LookupError):
        return otherwise  # at a pole, or where a rule of the user's own takes only floats, there is just the number


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _comparison(holds: str, numbers: Sequence[float]) -> str:
    """The comparison with numbers, in as many digits as it takes for it to be true; '' where it is not.

    >>> _comparison("{1} < {0}", [0.5, -2.0]), _comparison("{0} > 0", [0.0])
    ('−2 < 0.5', '')
    """
    for digits in (*DIGITS, 12, EXACT) if holds else ():
        texts = [short(number, digits) if digits else full(number) for number in numbers]
        left, sign, right = holds.format(*texts).split(" ")
        if COMPARED[sign](read(left), read(right)):
            return f"{left} {sign} {right}"
    return ""


def _effect(name: str, local: float, formula: str) -> str:
    """What a branch means for an argument; its local derivative is a number there, unless there is a formula."""
    if formula:
        return f"the local derivative is {formula}"
    if not math.isfinite(local):
        return (
            f"there is no local derivative ({short(local)})" if local != local else "the local derivative is infinite"
        )
    known = {1.0: "all of the gradient", 0.5: "half of the gradient", 0.0: "nothing",
             -1.0: "the gradient with its sign changed"}  # fmt: skip
    if local in known:
        return f"{name} gets {known[local]}"
    return (
        f"{name} gets {short(local)} of the gradient"
        if 0.0 < local < 1.0
        else f"the local derivative is {short(local)}"
    )
