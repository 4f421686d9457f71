"""Random numbers that a function draws: a program would repeat those of its trace for ever."""

from __future__ import annotations

import functools
import pickle
import random
import sys
from collections.abc import Callable, Iterable
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from ...value import Value

FAR = 20_000  # objects that are looked at, from the function on
NOTHING = (Value, np.ndarray, ModuleType, str, float, int, type(None))  # what holds no generator
GENERATORS = (random.Random, np.random.Generator, np.random.RandomState)
LIBRARIES = {*sys.stdlib_module_names, "chainrule", "numpy"} - {"__main__"}
EMPTY = CellType()


def sources(f: Callable[..., Any]) -> list[Any]:
    """The generators of `random` and `numpy.random`, and those that can be reached from f."""
    of_numpy: Any = np.random.get_state
    found = [random.getstate.__self__, of_numpy.__self__]  # type: ignore[attr-defined]
    seen, todo, ways = set[int](), [f], dict[type, Any]()
    while todo and len(seen) < FAR:
        one: Any = todo.pop()
        kind = type(one)
        if kind not in ways:
            ways[kind] = _way_into(kind)
        within = ways[kind]
        if within is None or id(one) in seen:
            continue
        seen.add(id(one))
        if within is _state:
            found.append(one)
        else:
            todo += within(one)
    return found


def states(generators: Iterable[Any]) -> list[Any]:
    """Their states now, which can be compared."""
    return list(map(_state, generators))


def _state(generator: Any) -> Any:
    if isinstance(generator, random.Random):
        return generator.getstate()
    bits = generator.bit_generator if isinstance(generator, np.random.Generator) else generator._bit_generator
    return pickle.dumps(bits.state)


def _way_into(kind: type) -> Callable[[Any], Any] | None:
    """What lists what an object of this class holds; None if it holds no generator, `_state` if it is one."""
    if issubclass(kind, NOTHING):
        return None
    if issubclass(kind, GENERATORS):
        return _state
    if issubclass(kind, (list, tuple, set, frozenset)):
        return _elements
    if issubclass(kind, dict):
        return kind.values
    if kind is FunctionType:
        return _variables
    if hasattr(kind, "__self__"):  # a method, maybe one that is not written in Python
        return lambda method: (method.__self__, getattr(method, "__func__", None))
    if kind is functools.partial:
        return lambda partial: (partial.func, *partial.args, *partial.keywords.values())
    if kind is type:  # the methods of a class of the user's own
        return lambda one: [] if _of_a_library(one) else [*one.__bases__, *vars(one).values()]
    return lambda one: [kind, *vars(one).values()] if hasattr(one, "__dict__") else []


def _elements(container: Any) -> Any:
    return [] if container and isinstance(next(iter(container)), NOTHING) else container


def _variables(function: Any) -> list[Any]:
    if _of_a_library(function):
        return []
    cells = [cell.cell_contents for cell in function.__closure__ or () if cell != EMPTY]
    given = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    variables = function.__globals__
    return cells + given + [variables[name] for name in _names(function.__code__) if name in variables]


def _of_a_library(one: Any) -> bool:
    return (one.__module__ or "").partition(".")[0] in LIBRARIES


def _names(code: CodeType) -> list[str]:
    """The names of globals that the code may use, that of functions inside it too."""
    names = list(code.co_names)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            names += _names(inner)
    return names
