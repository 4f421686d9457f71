"""Stage 3: the instructions as text that a person can read: NumPy on arrays (examples,), or Python on floats."""

from __future__ import annotations

import math
from contextvars import Context
from functools import partial
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..row import NAMES, OPS, Op
from .lowering import Code, Ref, Term


def literal(number: float) -> str:
    """A number as it may stand anywhere in an expression: -2.0 ** x would be -(2.0 ** x)."""
    if math.isfinite(number):
        return repr(number) if math.copysign(1.0, number) > 0.0 else f"({number!r})"
    return "np.nan" if number != number else "np.inf" if number > 0.0 else "(-np.inf)"


def written(term: Term | int) -> str:
    if isinstance(term, Ref):
        term = term.place
    return f"v{term}" if isinstance(term, int) else literal(term)


def expression(op: Op, arguments: Sequence[int | float], floats: bool) -> str:
    names = [written(a) for a in arguments]
    if floats and ("np." in op.numpy or op.variadic):
        return f"{op.name}({', '.join(names)})"
    return op.numpy.format(f"[{', '.join(names)}]") if op.variadic else op.numpy.format(*names)


def needed(code: Code, results: Iterable[Term]) -> list[int]:
    """The places that the results depend on, in order."""
    found: set[int] = set()
    stack = [result.place for result in results if isinstance(result, Ref)]
    while stack:
        place = stack.pop()
        if place not in found:
            found.add(place)
            stack += [a for a in code.arguments[place] if isinstance(a, int)]
    return sorted(found)


def lines(code: Code, results: Sequence[Term], floats: bool = False) -> list[tuple[str, int]]:
    """Each instruction that the results need, as (text, place)."""
    said = []
    for place in needed(code, results):
        op = code.operations[place]
        text = f"{op[0]}[{op[1:]}]" if isinstance(op, str) else expression(op, code.arguments[place], floats)
        said.append((f"v{place} = {text}", place))
    return said


def source(name: str, code: Code, results: Sequence[Term], floats: bool = False) -> str:
    """A function of the inputs x and the parameters p, both lists of columns or numbers."""
    body = [f"    {text}" for text, _ in lines(code, results, floats)]
    returned = ", ".join(written(result) for result in results)
    return "\n".join([f"def {name}(x, p):", *body, f"    return [{returned}]", ""])


def build(name: str, text: str, floats: bool) -> Callable[[Any, Any], Any]:
    """The function of that source. It holds nothing that a user typed: names are ours, numbers are literals."""
    names: dict[str, Any] = {**NAMES, "in_range": in_range, "mean_picked": mean_picked, "silent": silent, **({op.name: op.forward for op in OPS.values()} if floats else {})}
    exec(compile(text, f"<chainrule {name}>", "exec"), names)
    function: Callable[[Any, Any], Any] = names[name]
    return function


def silent(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, without NumPy's warnings of overflow and such. For one thread at a time."""
    if np.lib.NumpyVersion(np.__version__) < "2.0.0":
        return np.errstate(all="ignore")(function)
    context = Context()
    context.run(np.seterr, all="ignore")
    return partial(context.run, function)  # a tenth of the time of np.errstate


def in_range(index: Any, count: int) -> Any:
    """The indices of a pick as integers, all of them below count."""
    places = index if index.dtype == np.intp else index.astype(np.intp)
    if places.size and np.maximum.reduce(places.view(np.uintp), axis=None) >= count or (
        places is not index and (places != index).any()
    ):
        wrong = index[(places != index) | (places < 0) | (places >= count)]
        raise IndexError(f"pick: index {wrong[0]:g} is none of 0, …, {count - 1}: there are {count} values")
    return places


def mean_picked(choices: Any, hot: Any, plus_1: Any, count: int) -> Any:
    """The mean of what is picked: a product with 1 / n there, 0.0 elsewhere; nan for what is no choice, and for 0.0 · inf."""
    mean = choices.dot(hot)
    if mean != mean:
        in_range(plus_1 - 1, count)
        mean = choices.reshape(count, -1)[plus_1 - 1, np.arange(plus_1.size)].mean()
    return mean
