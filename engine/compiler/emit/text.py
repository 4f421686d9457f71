"""What all programs' texts have in common: numbers, what is needed, and how a text becomes a function."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ...op import NAMES
from ..run import running
from ..scalar.code import Code, Ref, Term


def literal(number: float) -> str:
    """A number as it may stand anywhere in an expression: -2.0 ** x would be -(2.0 ** x)."""
    if 0.0 < number < math.inf:
        return repr(number)
    if math.isfinite(number):
        return repr(number) if math.copysign(1.0, number) > 0.0 else f"({number!r})"
    return "np.nan" if number != number else "np.inf" if number > 0.0 else "(-np.inf)"


def needed(code: Code, results: Iterable[Term]) -> list[int]:
    """The places that the results depend on, in order."""
    wanted = bytearray(len(code.operations))
    for result in results:
        if isinstance(result, Ref):
            wanted[result.place] = 1
    for place in range(len(wanted) - 1, -1, -1):  # arguments stand before what is made of them
        if wanted[place]:
            for argument in code.arguments[place]:
                if argument.__class__ is int:
                    wanted[argument] = 1
    return [place for place, is_wanted in enumerate(wanted) if is_wanted]


def uses_of(code: Code, places: Iterable[int], results: Iterable[Term]) -> list[int]:
    """How often each place is used by these; what is returned, more than once."""
    uses = [0] * len(code.operations)
    for place in places:
        for argument in code.arguments[place]:
            if argument.__class__ is int:
                uses[argument] += 1
    for result in results:
        if isinstance(result, Ref):
            uses[result.place] += 2
    return uses


def build(name: str, text: str, functions: Mapping[str, Any] | None = None) -> Callable[..., Any]:
    """The function of that source. It holds nothing that a user typed: names are ours, numbers are literals."""
    names: dict[str, Any] = {**vars(running), **NAMES, **(functions or {})}
    exec(compile(text, f"<chainrule {name}>", "exec"), names)
    function: Callable[..., Any] = names[name]
    return function
