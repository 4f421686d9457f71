"""Between Values and plain numbers: what counts as a number, and what a Value does where one is expected."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np


def runs_operations(this: Any) -> bool:
    """Whether it has an `__apply__`, which says what an operation does to it: Values, names, tracers."""
    return hasattr(this.__class__, "__apply__")


def number(given: Any, where: str) -> float:
    """A float from what stands for one number; `where` names the place in the error."""
    if isinstance(given, (Real, np.bool_)):
        return float(given)
    if isinstance(given, np.ndarray) and given.ndim == 0:
        return number(given.item(), where)
    hint = "; in a list or an array, take one after the other" if hasattr(given, "__len__") else ""
    raise TypeError(f"{where} takes numbers and Values, got {type(given).__name__} {given!r}{hint}")


def one_number(given: Any) -> float:
    """The float that a Value holds; TypeError that says what to write instead."""
    if given.__class__ is float:
        return float(given)
    if isinstance(given, Real) and not isinstance(given, bool):
        return float(given)
    if isinstance(given, np.ndarray) and given.ndim == 0:
        return one_number(given.item())
    instead = ""
    if isinstance(given, str):
        instead = f"; write Value(float({given!r}))"
    elif isinstance(given, (bool, np.bool_)):
        instead = f"; write Value({float(given)})"
    elif runs_operations(given):
        instead = "; it is one already: use it as it is"
    elif isinstance(given, (complex, np.complexfloating)):
        instead = "; only real numbers have derivatives here: take .real and .imag"
    elif hasattr(given, "__len__"):
        instead = "; for a list, write [Value(x) for x in ...]"
    raise TypeError(f"a Value holds one number, got {type(given).__name__} {given!r}{instead}")


class LikeANumber:
    """Comparing, converting and formatting act on `.data`; == and hash stay those of the object."""

    __slots__ = ()
    data: float
    grad: float

    def __repr__(self) -> str:
        return f"Value(data={float(self.data)}, grad={float(self.grad)})"

    def __format__(self, spec: str) -> str:
        return format(self.data, spec) if spec else repr(self)

    def __lt__(self, other: Any) -> bool:
        return bool(self.data < getattr(other, "data", other))

    def __le__(self, other: Any) -> bool:
        return bool(self.data <= getattr(other, "data", other))

    def __gt__(self, other: Any) -> bool:
        return bool(self.data > getattr(other, "data", other))

    def __ge__(self, other: Any) -> bool:
        return bool(self.data >= getattr(other, "data", other))

    def __bool__(self) -> bool:
        return bool(self.data)

    def __float__(self) -> float:
        return float(self.data)

    def __int__(self) -> int:
        return int(self.data)
