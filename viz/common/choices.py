"""The checks of arguments: one of a few words, such as theme="dark", a positive number, a whole number."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from numbers import Real


def check_choice(argument: str, given: object, choices: Iterable[str]) -> None:
    """Refuse what is not one of the choices; the error names the argument and all of them.

    Errors: ValueError for anything else.

    >>> check_choice("theme", "blue", ["light", "dark"])
    Traceback (most recent call last):
    ValueError: theme='blue' is not one of 'light', 'dark'
    """
    known = list(choices)
    if not (isinstance(given, str) and given in known):
        raise ValueError(f"{argument}={given!r} is not one of {', '.join(map(repr, known))}")


def positive_number(argument: str, given: object, such_as: str, hint: str = "") -> float:
    """The number as a float; `hint` is said besides where it is none.

    Errors: TypeError for what is no number, ValueError for one that is not positive and finite.

    >>> positive_number("seconds", "x", "1.5")
    Traceback (most recent call last):
    TypeError: seconds is 'x'; it has to be a number, such as 1.5
    """
    if isinstance(given, bool) or not isinstance(given, Real):
        raise TypeError(f"{argument} is {given!r}; it has to be a number, {hint or f'such as {such_as}'}")
    number = float(given)
    if not (math.isfinite(number) and number > 0.0):
        raise ValueError(f"{argument} is {given!r}; it has to be positive and finite, such as {such_as}")
    return number


def whole_number(argument: str, given: object) -> int:
    """The number as an int.

    Errors: TypeError for what is no whole number.

    >>> whole_number("example", 1.5)
    Traceback (most recent call last):
    TypeError: example is 1.5; it has to be a whole number, such as 2
    """
    try:
        if isinstance(given, bool):
            raise TypeError
        return operator.index(given)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{argument} is {given!r}; it has to be a whole number, such as 2") from None
