"""Derivatives against finite differences, with an error that is estimated, not guessed."""

from __future__ import annotations

import functools
import math
import random
import reprlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .graph import topological_order
from .higher_orders import rule_problem
from .numeric import counted
from .op import Op
from .operators import local_derivatives
from .recording import enable_grad
from .reports import Finding, Report
from .value import Value

EPS = 2.0**-52
TINY = 2.0**-1022  # below it, rounding is no longer relative
ROOM = 1e-7  # relative; a wrong derivative is off by far more, a right one by 1e-10


def gradcheck(f: Callable[..., Any], *xs: Any, value: Callable[[float], Any] = Value) -> Report:
    """Compare the gradient that f's backward() gives with finite differences, for every number in xs.

    `value` makes the leaves: with a class of your own that has .data, .grad and .backward(), it checks that.

    Shapes: each of xs a number or an array of any shape, handed to f as one Value or an array of them.
    Errors: TypeError for what is no function, and where there are no numbers to check it at.
    Source: Richardson extrapolation of central differences; Ridders, Advances in Engineering Software 4 (1982).

    >>> print(gradcheck(lambda x, y: x * y.tanh(), 2.0, 0.5))
    gradcheck of 2 derivatives, largest relative error ...: all is well
    """
    if not callable(f) or not xs:
        missing = "no numbers to check it at" if callable(f) else f"{type(f).__name__} {reprlib.repr(f)} as f"
        raise TypeError(f"gradcheck got {missing}; write gradcheck(f, 2.0), with a function f of as many arguments")
    numbers = [float(number) for x in xs for number in np.ravel(x)]
    names = [
        f"argument {i}{list(place) if place else ''}" for i, x in enumerate(xs) for place in np.ndindex(np.shape(x))
    ]
    leaves = [value(number) for number in numbers]
    with enable_grad():
        y = _call(f, xs, leaves)
    before = [(node, node.grad) for node in topological_order(y)] if isinstance(y, Value) else []
    y.backward()
    slopes = [float(leaf.grad) for leaf in leaves]
    for node, grad in before:  # parameters of a model may be among them, which keep the gradients that they had
        node.grad = grad

    def moved(place: int, number: float) -> float:
        return float(_call(f, xs, [value(x) for x in (*numbers[:place], number, *numbers[place + 1 :])]).data)

    errors, findings = [0.0], []
    for place, slope in enumerate(slopes):
        where = f"{names[place]} = {numbers[place]!r}"
        error, finding = _compare(where, slope, functools.partial(moved, place), numbers[place])
        errors.append(error)
        findings += finding
    checked = f"gradcheck of {counted(len(leaves), 'derivative')}, largest relative error {max(errors):.1e}"
    return Report(checked, tuple(findings))


def check_row(op: Op, points: int = 100, seed: int = 0) -> Report:
    """The rules of a row against finite differences, at random points of its everyday intervals.

    >>> from chainrule import tanh
    >>> bool(check_row(tanh))
    True
    """
    chance, errors, findings, checked = random.Random(seed), [0.0], [], 0
    if problem := rule_problem(op):
        findings.append(Finding("no higher derivatives", f"{problem}; write the rule with the library's operations"))
    if problem := spelling_problem(op):
        findings.append(Finding("wrong spelling", problem))
    for _ in range(points):
        numbers = [chance.uniform(*interval) for interval in op.intervals()]
        if not (op.domain(*numbers) and op.smooth(*numbers)):
            continue
        try:
            slopes = local_derivatives(op, op.evaluate(numbers), numbers, [True] * len(numbers))
        except LookupError:  # a row that picks has no value where the number is not an index
            continue
        checked += 1
        for place, slope in enumerate(slopes):

            def moved(x: float, place: int = place, numbers: list[float] = numbers) -> float:
                return op.evaluate([*numbers[:place], x, *numbers[place + 1 :]])

            where = f"{op.formula(numbers)}, argument {place}"
            error, finding = _compare(where, slope, moved, numbers[place])
            errors.append(error)
            findings += finding
    if not checked:
        said = f"no point that was tried in {op.everyday} lies in its domain and where its rules hold"
        findings.append(Finding("not checked", said))
    return Report(
        f"{op.name} at {counted(checked, 'point')}, largest relative error {max(errors):.1e}", tuple(findings[:5])
    )


def spelling_problem(op: Op) -> str:
    """What is wrong with the row's NumPy spelling on arrays of several rows, compared with `forward`; '' if nothing.

    Compiled programs apply it to arrays (lanes, examples), among which may be single rows, which are broadcast.
    """
    intervals = op.intervals()
    shares = np.array([(0.1, 0.55, 0.8), (0.35, 0.7, 0.9)])  # of the intervals: rows, columns and arguments differ
    whole = [low + (high - low) * (shares + 0.05 * k / len(intervals)) for k, (low, high) in enumerate(intervals)]
    mixed = whole if op.variadic else [*whole[:1], *(array[:1] for array in whole[1:])]
    for arrays in (whole, mixed):
        points = [[float(array.flat[i]) for array in np.broadcast_arrays(*arrays)] for i in range(arrays[0].size)]
        shapes = " and ".join(dict.fromkeys(str(array.shape) for array in arrays))
        try:
            wanted = np.reshape([op.evaluate(numbers) for numbers in points], arrays[0].shape)
            with np.errstate(all="ignore"):
                found = np.asarray(op.on_arrays(*arrays))
        except (ArithmeticError, LookupError):
            return ""  # the row has no value at one of these points, so they tell nothing about it
        except Exception as problem:
            return f"numpy={op.numpy!r} does not run on arrays of shape {shapes}: {problem}"
        if found.shape != wanted.shape:
            return f"numpy={op.numpy!r} gives shape {found.shape} for arrays of shape {shapes}, not {wanted.shape}"
        agree = np.isclose(found, wanted, rtol=ROOM, atol=ROOM, equal_nan=True).ravel()
        if not agree.all():
            i = int(agree.argmin())
            gives, forward = float(found.flat[i]), float(wanted.flat[i])
            return f"numpy={op.numpy!r} gives {gives!r} at {points[i]} in arrays, and forward gives {forward!r}"
    return ""


def _call(f: Callable[..., Any], xs: Sequence[Any], leaves: Sequence[Any]) -> Any:
    """f of these leaves, in the shapes of xs."""
    rest, arguments = iter(leaves), []
    for x in xs:
        part = [next(rest) for _ in range(np.size(x))]
        arguments.append(np.array(part, dtype=object).reshape(np.shape(x)) if np.ndim(x) else part[0])
    y = f(*arguments)
    if not (hasattr(y, "backward") and hasattr(y, "data")):
        raise TypeError(f"gradcheck: the function returned {type(y).__name__} {y!r}, not one Value")
    return y


def _compare(where: str, slope: float, f: Callable[[float], float], x: float) -> tuple[float, list[Finding]]:
    """The relative error of a derivative, and a finding if it is larger than finite differences can explain."""
    tries, problem = [], "near it the function is not finite"
    for size in {max(1.0, abs(x)), abs(x) or 1.0}:  # a step as small as x does not reach a pole or a kink at 0
        try:
            tries.append(slope_of(f, x, size))
        except (ArithmeticError, ValueError) as none:
            problem = f"near it the function has no value ({none})"
    if not (tries := [one for one in tries if math.isfinite(sum(one))]):
        return 0.0, [Finding("not checked", f"{where}: {problem}")]
    measured, unsure, scale = min(tries, key=lambda one: one[1] / one[2] if one[2] else math.inf)
    scale = max(scale, abs(slope)) or 1.0
    error = abs(slope - measured) / scale
    if unsure > 1e-3 * scale:
        return 0.0, [Finding("not checked", f"{where}: both sides disagree there; is it a kink or a jump?")]
    if error <= ROOM + 10 * unsure / scale:
        return error, []
    said = f"{where}: backward() gives {slope!r}, differences give {measured:.10g} (relative error {error:.1e})"
    return error, [Finding("wrong derivative", said)]


def slope_of(f: Callable[[float], float], x: float, size: float) -> tuple[float, float, float]:
    """The central difference at x, extrapolated; an estimate of its error; and how large derivatives near x are.

    `size`: the distance in x over which the function may change its shape.

    The error of truncation falls with h^2, that of rounding grows as eps / h. After extrapolation the first one falls
    with h^4, and they balance at h = eps^(1/5).
    """
    h = EPS ** (1 / 5) * size / 8
    above, below, above2, below2 = f(x + h), f(x - h), f(x + 2 * h), f(x - 2 * h)
    near, far = (above - below) / (2 * h), (above2 - below2) / (4 * h)
    jump, jump2 = abs(above - 2 * f(x) + below) / h, abs(above2 - 2 * f(x) + below2) / (2 * h)
    scale = max(abs(near), abs(far), abs(f(x)) / max(1.0, abs(x)))
    kink = jump > 1e-3 * scale and jump2 < 1.5 * jump  # between smooth sides it would halve with h
    rounding = max(EPS * abs(above), EPS * abs(below), TINY) / h
    if kink:
        return near, jump, max(scale, jump)
    # Next to a minimum the derivative itself is small; the curvature says how large derivatives near it are.
    scale = max(scale, jump / h * size)
    return near + (near - far) / 3, abs(near - far) / 15 + rounding, scale
