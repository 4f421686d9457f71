"""What compiled programs need while they run: NumPy alone. A saved program has this text in it, imports and all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import Context
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Runner = Callable[..., Any]
SIZES = 16  # for how many numbers of examples buffers are kept


class Pool:
    """Functions that nobody is running now, each with buffers of its own: two threads never share them."""

    last: tuple[Any, list[Runner]] = None, []  # the caller's parameters, and functions that work in them

    def __init__(self, bind: Callable[[int, Array], Runner], n: int) -> None:
        self._bind, self._n = bind, n
        self._copying: list[tuple[Array, Runner]] = []  # with parameters of their own

    def run(self, theta: Array, arrays: Sequence[Any], then: Callable[[Any], Any] | None = None) -> Any:
        """What a function returns; then(it), before anybody else works in the same buffers."""
        last, bound = self.last
        if theta is last:  # an array that is updated in place: no copy at each call
            try:
                run = bound.pop()
            except IndexError:  # others are running them all
                run = self._bind(self._n, theta)
            result = run(*arrays) if then is None else then(run(*arrays))
            bound.append(run)
            return result
        if theta.flags.c_contiguous:
            self.last = theta, []
        own, run = _popped(self._copying) or self._owning(np.empty(theta.shape))
        own[:] = theta
        result = run(*arrays) if then is None else then(run(*arrays))
        self._copying.append((own, run))
        return result

    def _owning(self, own: Array) -> tuple[Array, Runner]:
        return own, self._bind(self._n, own)


def _popped(free: list[Any]) -> Any:
    """The last one, or None; another thread may take it in between."""
    try:
        return free.pop()
    except IndexError:
        return None


class Pools:
    """A function's pools, for the numbers of examples that came last."""

    def __init__(self, make: Callable[[int], Pool]) -> None:
        self._make, self._pools = make, dict[int, Pool]()

    def of(self, n: int) -> Pool:
        """The pool for so many examples."""
        pool = self._pools.get(n)
        if pool is None:
            for old in list(self._pools)[: max(0, len(self._pools) - SIZES + 1)]:
                self._pools.pop(old, None)
            pool = self._pools.setdefault(n, self._make(n))
        return pool


class Call:
    """One call: its inputs, checked, and its results as arrays of the caller's own."""

    def __init__(self, given: Sequence[Any], batch: bool) -> None:
        self.batch = batch
        self.arrays = [_array(each, f"input {place}") for place, each in enumerate(given)]
        for place, array in enumerate(self.arrays):
            if array.dtype.kind not in "fiub":
                raise TypeError(f"input {place} has dtype {array.dtype}; it has to be numbers, like x.astype(float)")
            if array.dtype.kind != "f" and array.dtype != np.intp:
                if array.dtype.newbyteorder("=") == np.uint64 and (array > np.iinfo(np.intp).max).any():
                    raise ValueError(f"input {place} has whole numbers above 2**63 - 1; write x.astype(float)")
                self.arrays[place] = array.astype(np.intp)
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

    def outputs(self, pools: Pools, theta: Any, several: bool) -> Any:
        """(n,), or (n, outputs) if there are several; without a batch a float, or (outputs,)."""
        table = pools.of(self.rows or 1).run(theta, self.arrays, self.table)
        if several:
            return table
        return table[..., 0] if self.batch else float(table[0])

    def value_and_grad(self, pools: Pools, theta: Any) -> tuple[float, Array]:
        """The mean over the examples, and its gradient."""
        value, gradient = pools.of(self.rows or 1).run(theta, self.arrays)
        return float(value), gradient

    def input_gradients(self, pools: Pools, theta: Any) -> Any:
        """One array for each input, of its shape; None for integers."""
        tables = pools.of(self.rows or 1).run(theta, self.arrays, lambda slopes: [self.table(each) for each in slopes])
        found = [table.reshape((*self._leading, *shape)) if array.dtype.kind == "f" else None
                 for array, shape, table in zip(self.arrays, self.shapes, tables)]  # fmt: skip
        return found[0] if len(found) == 1 else tuple(found)

    def table(self, results: Sequence[Any]) -> Array:
        """A column for each result."""
        table = np.empty((*self._leading, len(results)))
        for place, result in enumerate(results):
            table[..., place] = result
        return table

    @property
    def _leading(self) -> tuple[int, ...]:
        return () if self.rows is None else (self.rows,)


def parameters(given: Any, count: int) -> Array:
    """The numbers of so many parameters."""
    theta: Array = _array(given, "theta", float)
    if theta.shape != (count,):
        raise ValueError(f"theta has shape {theta.shape}; there are {count} parameters")
    return theta


def _array(given: Any, name: str, dtype: Any = None) -> NDArray[Any]:
    try:
        return np.asarray(given, dtype)
    except (TypeError, ValueError) as problem:
        said = f"{type(given).__name__} {given!r:.60}"
        said = "lists of different lengths" if "inhomogeneous" in str(problem) else said
        raise type(problem)(f"{name}: numbers wanted, in lists of one length or an array; got {said}") from None


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
        wrong = (places != index) | (places < 0) | (places >= count)
        problem = "is out of range" if (first := index[wrong][0]) % 1 == 0 else "is not a whole number"
        has = f"{count} values (indices 0 to {count - 1})" if count > 1 else "1 value (index 0)"
        said = f"index {first:g} {problem}: pick has {has}"
        raise IndexError(said + f", in example {np.argwhere(wrong)[0][-1]}" * (index.shape[-1:] > (1,)))
    return places


def mean_picked(choices: Any, hot: Any, plus_1: Any, count: int) -> Any:
    """The mean of what is picked: a product with 1 / n there, 0.0 elsewhere; nan: no choice was named, or 0.0 · inf."""
    mean = choices.dot(hot)
    if mean != mean:
        in_range(plus_1 - 1, count)
        mean = choices.reshape(count, -1)[plus_1 - 1, np.arange(plus_1.size)].mean()
    return mean
