"""What compiled programs need while they run: NumPy alone. A saved program has this text in it, imports and all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import Context
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIZES = 16  # for how many numbers of examples buffers are kept


class Pool:
    """A function's copies that nobody is running now, each with buffers of its own: two threads never share them."""

    def __init__(self, bind: Callable[[int], Callable[..., Any]]) -> None:
        self._bind = bind  # makes a copy for so many examples
        self._free: dict[int, list[Callable[..., Any]]] = {}

    def run(self, n: int, theta: Any, arrays: Sequence[Any], then: Callable[[Any], Any] | None = None) -> Any:
        """What the function returns; then(it), before anybody else works in the same buffers."""
        try:
            run = self._free[n].pop()
        except (KeyError, IndexError):
            run = self._bind(n)
        result = run(theta, *arrays)
        if then is not None:
            result = then(result)
        free = self._free.get(n)
        if free is None:
            for old in list(self._free)[: len(self._free) - SIZES + 1]:
                self._free.pop(old, None)
            free = self._free.setdefault(n, [])
        free.append(run)
        return result


class Call:
    """One call: its inputs, checked, and its results as arrays of the caller's own."""

    def __init__(self, given: Sequence[Any], batch: bool) -> None:
        self.batch = batch
        self.arrays = [np.asarray(each) for each in given]
        for place, array in enumerate(self.arrays):
            if array.dtype.kind not in "fiub":
                raise TypeError(f"input {place} has dtype {array.dtype}; it has to be numbers")
        lengths = {len(array) for array in self.arrays if array.ndim} if batch else set()
        if len(lengths) > 1:
            raise ValueError(f"inputs of {' and '.join(map(str, sorted(lengths)))} examples; they have to be as many")
        self.rows = lengths.pop() if lengths else None
        if self.rows == 0:
            raise ValueError("an empty batch: there are 0 examples")
        self.shapes = [array.shape[1:] if batch and array.ndim else array.shape for array in self.arrays]

    def expect(self, shapes: Sequence[tuple[int, ...]], whole: Sequence[bool]) -> Call:
        """Itself, if one example has these shapes, and numbers of these kinds."""
        for place, (array, wanted) in enumerate(zip(self.arrays, shapes)):
            if self.shapes[place] != wanted:
                raise ValueError(f"input {place}: one example has shape {self.shapes[place]}; it has to be {wanted}")
            if whole[place] and array.dtype.kind == "f":
                raise TypeError(f"input {place} has dtype {array.dtype}; it has to be whole numbers")
            if not whole[place] and array.dtype.kind != "f":
                self.arrays[place] = array.astype(float)
        return self

    def outputs(self, pool: Pool, theta: Any, several: bool) -> Any:
        """(n,), or (n, outputs) if there are several; without a batch a float, or (outputs,)."""
        table = pool.run(self.rows or 1, theta, self.arrays, self.table)
        if several:
            return table
        return table[..., 0] if self.batch else float(table[0])

    def value_and_grad(self, pool: Pool, theta: Any) -> tuple[float, NDArray[np.float64]]:
        """The mean over the examples, and its gradient."""
        value, gradient = pool.run(self.rows or 1, theta, self.arrays)
        return float(value), gradient

    def input_gradients(self, pool: Pool, theta: Any) -> Any:
        """One array for each input, of its shape; None for integers."""
        tables = pool.run(self.rows or 1, theta, self.arrays, lambda slopes: [self.table(each) for each in slopes])
        found = [table.reshape((*self._leading, *shape)) if array.dtype.kind == "f" else None
                 for array, shape, table in zip(self.arrays, self.shapes, tables)]  # fmt: skip
        return found[0] if len(found) == 1 else tuple(found)

    def table(self, results: Sequence[Any]) -> NDArray[np.float64]:
        """A column for each result."""
        table = np.empty((*self._leading, len(results)))
        for place, result in enumerate(results):
            table[..., place] = result
        return table

    @property
    def _leading(self) -> tuple[int, ...]:
        return () if self.rows is None else (self.rows,)


def parameters(given: Any, count: int) -> NDArray[np.float64]:
    """The numbers of so many parameters."""
    theta: NDArray[np.float64] = np.asarray(given, dtype=float)
    if theta.shape != (count,):
        raise ValueError(f"theta has shape {theta.shape}; there are {count} parameters")
    return theta


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
    outside = places.size and np.maximum.reduce(places.view(np.uintp), axis=None) >= count
    if outside or (places is not index and (places != index).any()):
        wrong = index[(places != index) | (places < 0) | (places >= count)]
        raise IndexError(f"pick: index {wrong[0]:g} is none of 0, …, {count - 1}: there are {count} values")
    return places


def sum_of_picked(choices: Any, hot: Any) -> Any:
    """The sum of what is picked: a product with 1.0 where it is picked, 0.0 elsewhere, unless 0.0 · inf spoils it."""
    total = choices.dot(hot)
    return total if total == total else choices[hot == 1.0].sum()
