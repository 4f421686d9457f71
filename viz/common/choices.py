"""The check of arguments that take one of a few words, such as theme="dark"."""

from __future__ import annotations

from collections.abc import Iterable


def check_choice(argument: str, given: object, choices: Iterable[str]) -> None:
    """Refuse what is not one of the choices; the error names the argument and all of them.

    Errors: ValueError for anything else.

    >>> check_choice("theme", "blue", ["light", "dark"])
    Traceback (most recent call last):
    ValueError: theme='blue' is not one of 'light', 'dark'
    """
    known = list(choices)
    if given not in known:
        raise ValueError(f"{argument}={given!r} is not one of {', '.join(map(repr, known))}")
