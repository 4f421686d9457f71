"""Checks of single arguments: numbers, counts, switches, seeds, texts and paths. Each error names the argument."""

from __future__ import annotations

import math
import operator
import os
import reprlib
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from numbers import Real
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any

import numpy as np

__all__ = [
    "below_one", "count", "file_path", "finite_number", "flag", "given", "instance_hint", "limit", "listed",
    "named_hint", "not_negative", "positive_number", "seeded", "switch", "text",
]  # fmt: skip


def given(thing: Any) -> str:
    """What was given instead, as errors show it: its type and, shortened, the thing.

    >>> given("0.1"), given([1, 2]), given(given)
    ("str '0.1'", 'list [1, 2]', 'the function given')
    """
    if isinstance(thing, (type, FunctionType, MethodType)):
        return f"the {'class' if isinstance(thing, type) else type(thing).__name__} {thing.__name__}"
    return f"{type(thing).__name__} {reprlib.repr(thing)}"


def named_hint(thing: Any, names: Iterable[str]) -> str:
    """What to write where the name of one of ours was given in place of it; "" for anything else.

    >>> named_hint("Cross-Entropy", ["mse", "cross_entropy"]), named_hint("adam", ["SGD", "Adam"])
    ('; write nn.cross_entropy', '; write nn.Adam')
    """
    ours = {name.lower(): name for name in names}
    near = get_close_matches(thing.lower().replace("-", "_"), ours, 1, 0.8) if isinstance(thing, str) else []
    return f"; write nn.{ours[near[0]]}" if near else ""


def instance_hint(thing: Any) -> str:
    """What to write where a class was given in place of an instance of it; "" for anything else."""
    return f"; write {thing.__name__}(...)" if isinstance(thing, type) else ""


def finite_number(name: str, number: Any) -> float:
    """A real number as a float; TypeError for what is none, ValueError for nan and inf."""
    if not isinstance(number, Real) or isinstance(number, (bool, np.bool_)):
        raise TypeError(f"{name} must be a number, got {given(number)}")
    try:
        found = float(number)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise ValueError(f"{name} must be a finite number, got {reprlib.repr(number)}")
    return found


def positive_number(name: str, number: Any) -> float:
    return _number(name, number, "a positive number", lambda found: found > 0)


def not_negative(name: str, number: Any) -> float:
    return _number(name, number, "at least 0", lambda found: found >= 0)


def below_one(name: str, number: Any) -> float:
    return _number(name, number, "at least 0 and below 1", lambda found: 0 <= found < 1)


def limit(name: str, number: Any) -> float | None:
    """A positive number, or None where there is no limit."""
    return None if number is None else positive_number(name, number)


def _number(name: str, number: Any, what: str, holds: Callable[[float], bool]) -> float:
    try:
        found = finite_number(name, number)
    except ValueError:
        found = math.nan  # of which nothing holds
    if not holds(found):
        raise ValueError(f"{name} must be {what}, got {reprlib.repr(number)}")
    return found


def count(name: str, number: Any, of: str = "", least: int = 1) -> int:
    """A whole number as an int: TypeError for what is none, ValueError if it is below `least`."""
    try:
        if isinstance(number, (bool, np.bool_)):
            raise TypeError
        whole = operator.index(number)
    except TypeError:
        raise TypeError(f"{name} is a whole number{of and f' of {of}'}, got {given(number)}") from None
    if whole < least:
        raise ValueError(f"{name} must be at least {least}, got {number}")
    return whole


def flag(name: str, wanted: Any) -> bool:
    if not isinstance(wanted, (bool, np.bool_)):
        raise TypeError(f"{name} is True or False, got {given(wanted)}")
    return bool(wanted)


def switch(name: str, wanted: Any) -> bool:
    """As `flag`, and 1 and 0 are taken, too, which people write for both."""
    return bool(wanted) if isinstance(wanted, int) and wanted in (0, 1) else flag(name, wanted)


def listed(name: str, things: Any) -> list[Any]:
    """Several things as a list; TypeError for one thing, and for a text."""
    if not isinstance(things, Iterable) or isinstance(things, (str, bytes, type)):
        raise TypeError(f"{name} holds several things, in a list, got {given(things)}")
    return list(things)


def seeded(name: str, seed: Any) -> np.random.Generator:
    """A generator of random numbers, from a whole number, None, or a generator that is there already."""
    if isinstance(seed, np.random.Generator):
        return seed
    if isinstance(seed, (np.random.SeedSequence, np.random.BitGenerator)):
        return np.random.default_rng(seed)
    try:
        whole = None if seed is None else operator.index(seed)
    except TypeError:
        raise TypeError(f"{name} is a whole number or a NumPy Generator, got {given(seed)}; write {name}=0") from None
    if whole is not None and whole < 0:
        raise ValueError(f"{name} is a whole number of at least 0, got {seed!r}; write {name}={-whole}")
    return np.random.default_rng(whole)


def text(name: str, wanted: Any, example: str) -> str:
    if not isinstance(wanted, str):
        raise TypeError(f"{name} is a text, got {given(wanted)}; write {name}={example!r}")
    return wanted


def file_path(path: Any, example: str, name: str = "path") -> Path:
    """The path of a file; TypeError for what is no path, ValueError for an empty one."""
    try:
        spelled = os.fspath(path)
    except TypeError:
        raise TypeError(f"{name} is the path of a file, got {given(path)}; write {name}={example!r}") from None
    if isinstance(spelled, bytes):
        raise TypeError(f"{name} is a text or a pathlib.Path, got {given(path)}; write {name}={os.fsdecode(spelled)!r}")
    if not spelled.strip():
        raise ValueError(f"{name} is empty; write {name}={example!r}")
    return Path(spelled)
