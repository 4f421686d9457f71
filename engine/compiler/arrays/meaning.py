"""What the words of an array program mean, said plainly in NumPy: in any precision, with every array at hand.

It is slow, and for measuring: how far float32 or int8 is off, and which numbers an array holds. The words "divisors"
and "beside", which are written for NumPy alone, are not among them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...op import Op
from .ir import WORDS, Array, Number, Operand
from .whole import Function

Numbers = NDArray[Any]  # (lanes, n), or (lanes, 1) for what is the same for all examples
Word = Callable[["Meaning", Array], Numbers]


class Meaning:
    """The arrays of a function for some inputs: `arrays` holds them, `results` what the function returns.

    Shapes: each input (n, lanes). `words` are meanings to be taken instead of those here, by the name of the word.
    """

    def __init__(
        self, function: Function, theta: Any, inputs: Sequence[Any], dtype: Any = np.float64,
        words: Mapping[str, Word] | None = None,
    ) -> None:  # fmt: skip
        self.dtype, self.theta = dtype, np.asarray(theta, dtype)[:, None]
        self.given = {array: np.asarray(each, dtype).T for array, each in zip(function.inputs, inputs)}
        self.n = max([each.shape[1] for each in self.given.values()], default=1)
        self.arrays: dict[Array, Numbers] = {}
        words = {**WORD, **(words or {})}
        with np.errstate(all="ignore"):
            for array in function.code:
                found = words[array.op](self, array) if array.op in WORDS else self._elementwise(array)
                shape = array.lanes, self.n if array.batched else 1
                self.arrays[array] = np.broadcast_to(np.asarray(found, dtype), shape)
            self.results = [None if x is None else self.of(x) for x in function.results]

    def of(self, x: Operand) -> Numbers:
        """The rows of an operand."""
        if isinstance(x, Number):
            return np.full((1, 1), x.number * float(self.n) ** x.power, self.dtype)
        return self.arrays[x.array][x.start : x.start + x.step * x.count : x.step]

    def _elementwise(self, array: Array) -> Numbers:
        given = [self.of(x) for x in array.args]
        if isinstance(array.op, Op):
            found: Numbers = array.op.on_arrays(*given)
            return found
        return np.asarray(getattr(np, array.op)(*given))

    def right_sides(self, x: Operand, height: int, ones: int) -> Numbers:
        """So many rows of a matrix, whose columns are the examples, or all examples at all positions; and rows of ones.

        Shapes: (height + ones, columns).
        """
        rows = self.of(x).reshape(height, -1)
        return np.concatenate([rows, np.ones((ones, rows.shape[1]), self.dtype)])

    def indices(self, x: Operand) -> NDArray[np.intp]:
        return self.of(x).astype(np.intp)


def _scatter(m: Meaning, array: Array) -> Numbers:
    out = np.zeros((array.lanes, m.n if array.batched else 1), m.dtype)
    for x, places in zip(array.args, array.extra[0]):
        np.add.at(out, list(places), m.of(x))
    return out


def _matmul(m: Meaning, array: Array) -> Numbers:
    _, lefts, width, ones = array.extra
    W, H = m.of(array.args[0]).reshape(lefts, width), m.right_sides(array.args[1], width - ones, ones)
    return (W @ H).reshape(array.lanes, -1)


def _outer(m: Meaning, array: Array) -> Numbers:
    _, lefts, width, ones = array.extra
    H = m.right_sides(array.args[1], width - ones, ones)
    return (m.of(array.args[0]).reshape(lefts, -1) @ H.T).reshape(-1, 1)


def _back(m: Meaning, array: Array) -> Numbers:
    _, lefts, width, keep = array.extra
    W, G = m.of(array.args[0]).reshape(lefts, width), m.of(array.args[1]).reshape(lefts, -1)
    return (W[:, :keep].T @ G).reshape(array.lanes, -1)


def _einsum(m: Meaning, array: Array) -> Numbers:
    one, other, result, sizes = array.extra
    given = [m.of(x).reshape(*[dict(sizes)[axis] for axis in axes], m.n) for x, axes in zip(array.args, (one, other))]
    return np.asarray(np.einsum(f"{one}n,{other}n->{result}n", *given)).reshape(array.lanes, -1)


def _reduced(m: Meaning, array: Array, reduce: Any) -> Numbers:
    [x], [sizes, *across] = array.args, array.extra
    if across:
        return np.asarray(reduce(m.of(x).reshape(sizes[0], len(sizes), -1), axis=0))
    return np.stack([reduce(part, axis=0) for part in np.split(m.of(x), np.cumsum(sizes)[:-1])])


def _inner(m: Meaning, array: Array) -> Numbers:
    a, b = map(m.of, array.args)
    found: Numbers = np.sum(a * b, axis=0, keepdims=True)
    return found


def _index(m: Meaning, array: Array) -> Numbers:
    _, used, source = array.extra
    return m.of(array.args[0]) if used is None else m.given[source][list(used)]


def _flat(m: Meaning, array: Array) -> Numbers:
    at, width, *_ = array.extra
    return np.asarray(at).reshape(-1, width)[np.arange(array.lanes)[:, None], m.indices(array.args[0])]


def _pick(m: Meaning, array: Array) -> Numbers:
    choices, rows = m.of(array.args[0]), m.indices(array.args[1])
    found: Numbers = choices[rows, np.arange(rows.shape[1]) * (choices.shape[1] > 1)]
    return found


def _put(m: Meaning, array: Array) -> Numbers:
    rows = m.indices(array.args[1])
    out = np.zeros((array.lanes, m.n if array.batched else 1), m.dtype)
    columns: Any = np.arange(rows.shape[1]) * (out.shape[1] > 1)
    np.add.at(out, (rows, columns), m.of(array.args[0]))
    return out


def _hot(m: Meaning, array: Array) -> Numbers:
    _, label = array.extra
    found: Numbers = (m.given[label] == np.arange(array.lanes)[:, None]) / m.n
    return found


WORD: Mapping[str, Word] = {
    "theta": lambda m, array: m.theta,
    "input": lambda m, array: m.given[array],
    "numbers": lambda m, array: np.array([[x.number] for x in array.args]),
    "full": lambda m, array: m.of(array.args[0]),
    "take": lambda m, array: m.of(array.args[0])[list(array.extra[0])],
    "scatter": _scatter,
    "matmul": _matmul,
    "outer": _outer,
    "back": _back,
    "einsum": _einsum,
    "sum": lambda m, array: _reduced(m, array, np.sum),
    "inner": _inner,
    "largest": lambda m, array: _reduced(m, array, np.max),
    "examples": lambda m, array: np.broadcast_to(m.of(array.args[0]), (array.lanes, m.n)).sum(axis=1, keepdims=True),
    "index": _index,
    "flat": _flat,
    "pick": _pick,
    "put": _put,
    "hot": _hot,
}
