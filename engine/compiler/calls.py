"""Remembered calls: arrays of the kinds that a program ran on before need no check and no conversion."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import CodeType
from typing import Any

from numpy import ndarray

from .run.running import SIZES, Call, Pool, Pools
from .trace.tracer import ONE_AT_A_TIME

# Under a name and the shape of the first array: whether given arrays are of the kinds that ran, the pool that ran them,
# and what copies the results.
Remembered = dict[Any, tuple[Callable[..., bool], Pool, Any]]
KEPT = 4 * SIZES  # calls, of four functions


def remember(
    calls: Remembered, key: Any, arrays: Sequence[Any], call: Call, pools: Pools, kept: Mapping[str, Pools],
    unchanged: Callable[[], bool] | None, finish: Any = None,
) -> None:  # fmt: skip
    """Remember a call, if its inputs were taken as the caller gave them, without a conversion.

    It is not, if its pools are none of those that are `kept`: they run NumPy, and C was built meanwhile.
    `unchanged` says whether what the program holds as constants is still so; None if there is nothing to ask.
    """
    if all(given.__class__ is float or given is used for given, used in zip(arrays, call.arrays)):
        with ONE_AT_A_TIME:
            while len(calls) >= KEPT:
                del calls[next(iter(calls))]
            pool = pools.of(call.examples or 1)
            if any(pools is one for one in kept.values()):
                calls[key] = same_kinds(arrays, unchanged), pool, finish


def same_kinds(arrays: Sequence[Any], unchanged: Callable[[], bool] | None) -> Callable[..., bool]:
    """A function that says whether others have the shapes and types of these arrays, and `unchanged` says so, too.

    The call is remembered under the shape of the first one, which is not compared again.
    """
    tests, names = list[str](), dict[str, Any](ndarray=ndarray)
    for i, array in enumerate(arrays):
        if array.__class__ is float:
            tests.append(f"x{i}.__class__ is float")
        else:
            names[f"dtype{i}"], names[f"shape{i}"] = array.dtype, array.shape
            dtype = f"(x{i}.dtype is dtype{i} or x{i}.dtype == dtype{i})"
            tests.append(f"x{i}.__class__ is ndarray and {dtype}" + f" and x{i}.shape == shape{i}" * (i > 0))
    if unchanged is not None:
        tests.append("unchanged()")
        names["unchanged"] = unchanged
    given = "".join(f"x{i}=None, " for i in range(len(arrays)))
    exec(_compiled(f"def same_kinds({given}*more):\n    return {' and '.join([*tests, 'not more'])}\n"), names)
    function: Callable[..., bool] = names["same_kinds"]
    return function


@cache
def _compiled(text: str) -> CodeType:
    """The code of a text; there are few, since they hold neither shapes nor types."""
    return compile(text, "<chainrule same_kinds>", "exec")
