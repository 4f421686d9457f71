"""How numbers, shapes, slices and the rows of the table are spelled in the text of a program."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from itertools import pairwise

from ..op import Op

SHORT = 10  # indices


def literal(number: float, infinity: str = "np.inf", nan: str = "np.nan") -> str:
    """A number as it may stand anywhere in an expression: -2.0 ** x would be -(2.0 ** x).

    >>> literal(0.5), literal(-2.0), literal(-math.inf), literal(-math.inf, "Infinity")
    ('0.5', '(-2.0)', '(-np.inf)', '(-Infinity)')
    """
    if 0.0 < number < math.inf:
        return repr(number)
    if math.isfinite(number):
        return repr(number) if math.copysign(1.0, number) > 0.0 else f"({number!r})"
    return nan if number != number else infinity if number > 0.0 else f"(-{infinity})"


def wrapped(numbers: Iterable[str], indent: str = "  ") -> str:
    """Numbers with commas between them, in lines that fit on a page; there, no negative number needs its parentheses.

    >>> wrapped([literal(-0.5), literal(2.0), literal(-math.inf)])
    '  -0.5, 2.0, -np.inf'
    """
    text = ", ".join([one.strip("()") for one in numbers])
    return textwrap.fill(text, 118, initial_indent=indent, subsequent_indent=indent,
                         break_on_hyphens=False, break_long_words=False)  # fmt: skip


def shape_literal(shape: Sequence[int | str]) -> str:
    """A shape as a tuple, in which "n" is the number of examples.

    >>> shape_literal((3, "n")), shape_literal(("n",)), shape_literal(())
    ('(3, n)', '(n,)', '()')
    """
    return f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"


def evenly(indices: Sequence[int]) -> range | None:
    """These indices, of which there is at least one, as a range; None if they do not rise evenly.

    >>> evenly([0, 3, 6]), evenly([1, 0])
    (range(0, 7, 3), None)
    """
    step = indices[1] - indices[0] if len(indices) > 1 else 1
    found = range(indices[0], indices[-1] + 1, step) if step > 0 else range(0)
    same = len(found) == len(indices) and (found == indices or list(found) == list(indices))  # two ranges, or not
    return found if same else None


def slice_literal(indices: Sequence[int]) -> str | None:
    """The slice that picks these indices; None if they do not rise evenly.

    >>> slice_literal([2, 3, 4]), slice_literal([0, 3, 6]), slice_literal([1, 0])
    ('[2:5]', '[0:7:3]', None)
    """
    found = evenly(indices)
    return None if found is None else f"[{found[0]}:{found[-1] + 1}" + f":{found.step}" * (found.step > 1) + "]"


def indices_literal(indices: Sequence[int]) -> str:
    """An array of indices. Long lists that repeat a pattern are spelled by it, so that texts stay short.

    >>> indices_literal([3, 1]), indices_literal(range(0, 40, 4))
    ('np.array([3, 1])', 'np.arange(0, 37, 4)')
    >>> indices_literal([i + j for i in (0, 9, 5, 7, 30, 2) for j in (0, 1, 2, 3)])
    'np.add.outer(np.array([0, 9, 5, 7, 30, 2]), np.array([0, 1, 2, 3])).ravel()'
    >>> indices_literal([*range(20), *range(7, 28, 2)])
    'np.r_[0:20, 7:28:2]'
    """
    plain = f"np.array({list(indices)})"
    count = len(indices)
    if count < SHORT:
        return plain
    steps = [b - a for a, b in pairwise(indices)]
    if steps[0] != 0 and steps.count(steps[0]) == count - 1:
        return f"np.arange({indices[0]}, {indices[-1] + (1 if steps[0] > 0 else -1)}, {steps[0]})"
    for size in range(count // 2, 1, -1):  # the last steps within each block of so many are those of the first block
        if count % size == 0 and all(steps[i : i + size - 1] == steps[: size - 1] for i in range(size, count, size)):
            starts, offsets = indices[::size], [i - indices[0] for i in indices[:size]]
            return f"np.add.outer({indices_literal(starts)}, {indices_literal(offsets)}).ravel()"
    different = [0, *[i + 1 for i, step in enumerate(steps) if step != 0]]
    if 2 * len(different) <= count:
        counts = [b - a for a, b in pairwise([*different, count])]
        return f"np.repeat({indices_literal([indices[i] for i in different])}, {indices_literal(counts)})"
    runs = _runs(indices, steps)
    return min(plain, f"np.r_[{', '.join(runs)}]", key=len)


def _runs(indices: Sequence[int], steps: Sequence[int]) -> list[str]:
    """The indices as slices, a slice for each run that rises evenly."""
    runs, start = [], 0
    while start < len(indices):
        end = start + 1
        while end < len(indices) and steps[end - 1] == steps[start] > 0:
            end += 1
        end = end if end - start > 2 else start + 1
        runs.append(str(slice_literal(indices[start:end])).strip("[]") if end - start > 1 else str(indices[start]))
        start = end
    return runs


def listed(op: Op, arguments: Iterable[str], alike: bool = False) -> str:
    """The arguments of a row that takes any number, as one list. NumPy's functions need arrays of one shape in it."""
    one_shape = alike or "np." not in op.numpy or "broadcast" in op.numpy
    text = ", ".join(arguments)
    return f"[{text}]" if one_shape else f"np.broadcast_arrays({text})"
