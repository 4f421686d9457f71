"""Between Values and plain numbers: what counts as a number, and what a Value does where a number is expected."""

from __future__ import annotations

import decimal
import math
import operator
from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np

from .reads import read

LONGEST = 60  # characters of a label in an error; what is longer is cut off


def runs_operations(this: Any) -> bool:
    """Whether it has an `__apply__`, which says what an operation does to it: Values, names, tracers."""
    return hasattr(this.__class__, "__apply__")


def number(given: Any, where: str) -> float:
    """A float from what stands for one number; `where` names the place in the error."""
    if given.__class__ is int or isinstance(given, (Real, np.bool_)):  # asking for the class first is quicker
        return float(given)
    if isinstance(given, np.ndarray) and given.ndim == 0 and not _is_masked(given):
        return number(given.item(), where)
    raise TypeError(f"{where} takes numbers and Values, got {type(given).__name__} {given!r:.80}{_as_float(given)}")


def _is_masked(given: Any) -> bool:
    return isinstance(given, np.ma.MaskedArray) and given.ndim == 0 and bool(given.mask)


def _as_float(given: Any) -> str:
    """What to write for something that is no number and can be made one; '' if it cannot."""
    if _is_masked(given):
        return "; it is masked: fill it before, as in array.filled(0.0), or leave it out"
    if isinstance(given, (str, bytes)):
        try:
            float(given)
        except ValueError:
            return ""
        return f"; write float({given!r})"
    if not hasattr(given, "__len__") and np.shape(given) == ():
        if callable(getattr(given, "item", None)):
            return "; write .item() behind it"  # a tensor of another library
        return "; write float(...) around it" if hasattr(given, "__float__") else ""
    if getattr(given, "shape", None) == () and callable(getattr(given, "item", None)):
        return "; write .item() behind it"
    return "; take its elements one by one" if hasattr(given, "__len__") else ""


def one_number(given: Any) -> float:
    """The float that a Value holds; TypeError that says what to write instead."""
    if given.__class__ is float:
        return float(given)
    if isinstance(given, Real) and not isinstance(given, bool):
        return float(given)
    if isinstance(given, np.ndarray) and given.ndim == 0 and not _is_masked(given):
        return one_number(given.item())
    instead = ""
    if _is_masked(given):
        instead = _as_float(given)
    elif isinstance(given, (str, bytes)):
        instead = f"; write Value(float({given!r}))" if _as_float(given) else ""
    elif isinstance(given, (bool, np.bool_)):
        instead = f"; write Value({float(given)})"
    elif runs_operations(given):
        instead = "; use it as it is, without Value(...) around it"
    elif isinstance(given, (complex, np.complexfloating)):
        instead = "; only real numbers have derivatives here: take .real and .imag"
    elif getattr(given, "shape", None) == () and callable(getattr(given, "item", None)):
        instead = "; write .item() behind it, as in Value(x.item())"
    elif isinstance(given, dict):
        instead = "; for a dict, write {name: Value(x) for name, x in numbers.items()}"
    elif callable(getattr(given, "tolist", None)) and len(getattr(given, "shape", ())) > 1:
        instead = f"; its shape is {tuple(given.shape)}: write [[Value(x) for x in row] for row in array.tolist()]"
    elif callable(getattr(given, "tolist", None)):
        instead = "; for a list, write [Value(x) for x in array.tolist()]"
    elif hasattr(given, "__len__"):
        instead = "; for a list, write [Value(x) for x in ...]"
    elif hasattr(given, "__float__"):
        instead = "; write Value(float(...))"
    raise TypeError(f"a Value holds one number, got {type(given).__name__} {given!r}{instead}")


def counted(count: int, what: str) -> str:
    """How many of something, in the singular for one.

    >>> counted(1, "input"), counted(2, "class"), counted(0, "entry")
    ('1 input', '2 classes', '0 entries')
    """
    several = what[:-1] + "ies" if what.endswith("ry") else what + ("es" if what.endswith("s") else "s")
    return f"{count} {what if count == 1 else several}"


def readable(label: object) -> str:
    """A user's text, for one line of an error: without characters that control a terminal, and not too long.

    >>> readable("a\\n\\x1b[31mb")
    'a\ufffd\ufffd[31mb'
    """
    text = "".join(sign if sign.isprintable() else "\ufffd" for sign in str(label)[: LONGEST + 1])
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _comparison(sign: Callable[[Any, Any], Any]) -> Callable[[Any, Any], bool]:
    def compare(self: Any, other: Any) -> bool:
        if isinstance(other, LikeANumber):
            other = other._data
        elif isinstance(other, np.ndarray) and other.ndim:
            return NotImplemented  # type: ignore[no-any-return]  # NumPy then compares element by element
        return bool(sign(self._data, other))

    return compare


class LikeANumber:
    """Comparisons, conversions and formats use the number; == between Values and hash are those of the objects."""

    __slots__ = ()
    _data: float
    grad: float
    _notes_reads = True  # whether it remembers where its number was read

    def __repr__(self) -> str:
        return f"Value(data={float(read(self, self._data))}, grad={float(self.grad)})"

    def __format__(self, spec: str) -> str:
        return format(read(self, self._data), spec) if spec else repr(self)

    def __eq__(self, other: object) -> bool:
        """Whether both are one object; with a plain number, whether that is the number."""
        if isinstance(other, (Real, np.bool_, decimal.Decimal)) or (isinstance(other, np.ndarray) and not other.ndim):
            return bool(self._data == other)
        return self is other or NotImplemented

    __hash__ = object.__hash__

    __lt__, __le__ = _comparison(operator.lt), _comparison(operator.le)
    __gt__, __ge__ = _comparison(operator.gt), _comparison(operator.ge)

    def __bool__(self) -> bool:
        return bool(self._data)

    def __float__(self) -> float:
        return read(self, float(self._data), note=True)  # type: ignore[no-any-return]

    def item(self) -> float:
        """The number alone, as float(...) gives it: no gradient goes through it."""
        return read(self, float(self._data))  # type: ignore[no-any-return]

    def __int__(self) -> int:
        return read(self, int(self._data), whole=True, note=True)  # type: ignore[no-any-return]

    def __floor__(self) -> int:
        return read(self, math.floor(self._data), whole=True, note=True)  # type: ignore[no-any-return]

    def __ceil__(self) -> int:
        return read(self, math.ceil(self._data), whole=True, note=True)  # type: ignore[no-any-return]

    def __trunc__(self) -> int:
        return read(self, math.trunc(self._data), whole=True, note=True)  # type: ignore[no-any-return]

    def __round__(self, digits: int | None = None) -> float:
        number = round(float(self._data), digits)
        return read(self, number, whole=digits is None, note=True)  # type: ignore[no-any-return]
