"""How numbers, shapes and slices are spelled in the text of a program."""

from __future__ import annotations

import math
from collections.abc import Sequence


def literal(number: float) -> str:
    """A number as it may stand anywhere in an expression: -2.0 ** x would be -(2.0 ** x).

    >>> literal(0.5), literal(-2.0), literal(-math.inf)
    ('0.5', '(-2.0)', '(-np.inf)')
    """
    if 0.0 < number < math.inf:
        return repr(number)
    if math.isfinite(number):
        return repr(number) if math.copysign(1.0, number) > 0.0 else f"({number!r})"
    return "np.nan" if number != number else "np.inf" if number > 0.0 else "(-np.inf)"


def shape_literal(shape: Sequence[int | str]) -> str:
    """A shape as a tuple, in which "n" is the number of examples.

    >>> shape_literal((3, "n")), shape_literal(("n",)), shape_literal(())
    ('(3, n)', '(n,)', '()')
    """
    return f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"


def slice_literal(indices: Sequence[int]) -> str | None:
    """The slice that picks these indices; None if they do not rise evenly.

    >>> slice_literal([2, 3, 4]), slice_literal([0, 3, 6]), slice_literal([1, 0])
    ('[2:5]', '[0:7:3]', None)
    """
    first, step = indices[0], indices[1] - indices[0] if len(indices) > 1 else 1
    if step <= 0 or list(indices) != list(range(first, first + step * len(indices), step)):
        return None
    return f"[{first}:{indices[-1] + 1}]" if step == 1 else f"[{first}:{indices[-1] + 1}:{step}]"
