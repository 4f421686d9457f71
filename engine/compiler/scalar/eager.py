"""Whether the code gives what the function gives eagerly: control flow may read no number, and so pass every trace."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...fast.leaves import data_of
from ...recording import enable_grad
from ...value import Value
from ..trace.tracer import as_outputs
from .code import Code, Ref, Scalar, computed

CLOSE = 1e-12  # relative to the larger one; where they differ by more, rounding is given a chance to explain it
NOISE = 1e-15  # the relative error that each operation gets then


def compare_with_eager(
    f: Callable[..., Any], examples: Mapping[int, Sequence[NDArray[Any]]], code: Code, outputs: Sequence[Scalar],
    parameters: Sequence[Value],
) -> None:  # fmt: skip
    """ValueError where f, run eagerly on an example, gives other numbers than the code; the examples by their numbers.

    Nothing is compared where f has no value: the program gives nan there, or raises itself.
    """
    theta = data_of(parameters)
    numbers: list[float] = []
    for i, example in examples.items():
        which = f"example {i}"
        result = _eagerly(f, example, which)
        if result is None:
            continue
        eager = [float(output) for output in as_outputs(result)[0]]
        leaves = [float(number) for array in example for number in array.ravel().tolist()] + theta
        try:
            numbers = _evaluated(code, leaves, numbers)
            found = _taken(outputs, numbers)
            if _agree(eager, found, [0.0] * len(found)):
                continue
            shaken = [_taken(outputs, _evaluated(code, leaves, noise=sign * NOISE)) for sign in (1.0, -1.0)]
        except LookupError:  # of a pick, whose index is out of range
            continue
        room = [100.0 * max(abs(a - b), abs(c - b)) for a, b, c in zip(shaken[0], found, shaken[1])]
        if not _agree(eager, found, room):
            raise ValueError(
                f"{which}: run eagerly, the function gives {_shown(eager)}, and as it was traced "
                f"{_shown(found)}. Something that reads no number steers it: try and except, type(x) or isinstance, "
                "repr, or chance. A program cannot follow that: write it with where(), and hand in as inputs what "
                "changes"
            )


def _eagerly(f: Callable[..., Any], example: Sequence[NDArray[Any]], which: str) -> Any:
    """What f gives for Values in place of floats; if it wants plain numbers, or Values only, for those."""
    problem: Exception | None = None
    for floats, integers in ((True, False), (False, False), (True, True)):
        given = [_given(array, floats if array.dtype.kind == "f" else integers) for array in example]
        try:
            with enable_grad(), np.errstate(all="ignore"):
                return f(*given)
        except (ArithmeticError, LookupError, RecursionError):
            return None
        except (TypeError, AttributeError) as error:
            problem = problem or error
        except Exception as error:
            problem = error
            break
    assert problem is not None
    if hasattr(problem, "add_note"):  # Python 3.11
        problem.add_note(f"(It was raised when the function ran eagerly on {which}; while it was traced, it was not.)")
    raise problem


def _given(array: NDArray[Any], as_values: bool) -> Any:
    """An input of f: one number, or a new array, which f may change."""
    if not as_values:
        return array.astype(object) if array.ndim else array.item()  # Python's numbers: NumPy's wrap
    values = np.empty(array.size, dtype=object)
    values[:] = [Value(float(number)) for number in array.ravel().tolist()]
    return values.reshape(array.shape) if array.ndim else values[0]


def _evaluated(
    code: Code, leaves: Sequence[float], of_another: Sequence[float] = (), noise: float = 0.0
) -> list[float]:  # fmt: skip
    """The result of each operation, on floats; `of_another` example, if given, brings what is the same for all."""
    numbers, count = list(leaves), len(leaves)
    operations: Any = code.operations[count:]
    known: Any = of_another[count:] or repeat(None)
    given: Any
    for op, arguments, varies, number in zip(operations, code.arguments[count:], code.batched[count:], known):
        if varies or number is None:
            try:
                if len(arguments) == 2:  # as most have; a list would take twice the time
                    a, b = arguments
                    a, b = given = numbers[a] if a.__class__ is int else a, numbers[b] if b.__class__ is int else b
                    number = op.forward(a, b)
                else:
                    given = [numbers[a] if a.__class__ is int else a for a in arguments]
                    number = op.forward(*given)
            except (ArithmeticError, ValueError):
                number = computed(op, given)
            if noise:
                number *= 1.0 + noise * (1 + len(numbers) % 3)
        numbers.append(number)
    return numbers


def _taken(outputs: Sequence[Scalar], numbers: Sequence[float]) -> list[float]:
    return [numbers[output.place] if isinstance(output, Ref) else output for output in outputs]


def _agree(eager: Sequence[float], found: Sequence[float], allowed: Sequence[float]) -> bool:
    return len(eager) == len(found) and all(
        a == b or (a != a and b != b) or abs(a - b) <= max(CLOSE * max(abs(a), abs(b)), room)
        for a, b, room in zip(eager, found, allowed)
    )


def _shown(numbers: Sequence[float]) -> str:
    return repr(numbers[0]) if len(numbers) == 1 else f"[{', '.join(map(repr, numbers[:5]))}]"
