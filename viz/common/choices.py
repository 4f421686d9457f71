"""The checks of arguments: one of a few words, such as theme="dark", numbers, lists of texts."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from numbers import Real

from .text import clean


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


def check_kind(argument: str, given: object, holds: bool, wanted: str) -> None:
    """Refuse what is not of the kind that is wanted.

    Errors: TypeError, which names the argument, what it is and what it has to be.

    >>> check_kind("y", 3, False, "a Value")
    Traceback (most recent call last):
    TypeError: y is int 3; it has to be a Value
    """
    if not holds:
        raise TypeError(f"{argument} is {type(given).__name__} {given!r:.60}; it has to be {wanted}")


def list_of_texts(argument: str, given: object) -> list[str]:
    """The texts, each made harmless; numbers in it count as texts.

    Errors: TypeError for one text alone and for what is no list.

    >>> list_of_texts("labels", "slow")
    Traceback (most recent call last):
    TypeError: labels is the text 'slow'; it has to be a list of texts
    """
    if isinstance(given, (str, bytes)):
        raise TypeError(f"{argument} is the text {given!r}; it has to be a list of texts")
    check_kind(argument, given, isinstance(given, Iterable), "a list of texts")
    return [clean(text) for text in given]  # type: ignore[attr-defined]
