"""What compiled programs need while they run, which is NumPy alone. A saved program holds a copy of this text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import Context
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Runner = Callable[..., Any]
MANY, CHUNK = 4096, 1024  # so many examples run in chunks of so many
SIZES = 16  # the buffers are kept for so many different numbers of examples


class Pool:
    """Copies of one function that are not running now. Each has its own buffers, so threads never share any."""

    last: tuple[Any, list[Runner]] = None, []  # the caller's parameters in the last call, and functions that read them

    def __init__(self, bind: Callable[[int, FloatArray], Runner], n: int) -> None:
        self._bind, self._n = bind, n
        self._copying: list[tuple[FloatArray, Runner]] = []  # functions with a copy of the parameters, and that copy

    def run(self, theta: FloatArray, arrays: Sequence[Any], then: Callable[[Any], Any] | None = None) -> Any:
        """What a function returns; or then(it), which is called before another thread works in the same buffers."""
        last, bound = self.last
        if theta is last:  # the caller updates one array in place: it need not be copied
            try:
                run = bound.pop()
            except IndexError:  # other threads are running all of them
                run = self._bind(self._n, theta)
            result = run(*arrays) if then is None else then(run(*arrays))
            bound.append(run)
            return result
        if theta.flags.c_contiguous:
            self.last = theta, []
        try:
            own, run = self._copying.pop()
        except IndexError:
            own = np.empty(theta.shape)
            run = self._bind(self._n, own)
        own[:] = theta
        result = run(*arrays) if then is None else then(run(*arrays))
        self._copying.append((own, run))
        return result


class Pools:
    """The pools of a function, one for each number of examples that was used recently."""

    def __init__(self, make: Callable[[int], Pool]) -> None:
        self._make, self._pools = make, dict[int, Pool]()

    def of(self, n: int) -> Pool:
        """The pool for n examples."""
        pool = self._pools.get(n)
        if pool is None:
            for old in list(self._pools)[: max(0, len(self._pools) - SIZES + 1)]:
                self._pools.pop(old, None)
            pool = self._pools.setdefault(n, self._make(n))
        return pool


class Chunks(Pool):
    """A value_and_grad that runs on some of the examples after the others, whose arrays then stay in the cache."""

    def __init__(self, pools: Pools, n: int, dimensions: Sequence[int]) -> None:
        self._pools, self._n, self._dimensions = pools, n, dimensions  # how many each input of one example has

    def run(self, theta: FloatArray, arrays: Sequence[Any], then: Callable[[Any], Any] | None = None) -> Any:
        """The mean over all examples, and its gradient."""
        mean, gradient = 0.0, np.zeros(theta.shape)
        batched = [np.ndim(array) > count for array, count in zip(arrays, self._dimensions)]  # a bare number is not
        for start in range(0, self._n, CHUNK):
            part = [array[start : start + CHUNK] if each else array for array, each in zip(arrays, batched)]
            count = min(CHUNK, self._n - start)
            try:
                value, slopes = self._pools.of(count).run(theta, part)
            except IndexError:  # the error is to name the example by its place among all of them
                return self._pools.of(self._n).run(theta, arrays, then)
            mean += value * (count / self._n)
            gradient += slopes * (count / self._n)
        return (mean, gradient) if then is None else then((mean, gradient))


class Call:
    """One call: it checks the inputs, and copies the results to new arrays for the caller."""

    def __init__(self, given: Sequence[Any], batch: bool) -> None:
        self.batch = batch
        self.arrays = [_array(each, f"input {i}") for i, each in enumerate(given)]
        for i, array in enumerate(self.arrays):
            if array.dtype.kind not in "fiub":
                raise TypeError(f"input {i} has dtype {array.dtype}; an input holds numbers, so write x.astype(float)")
            if array.dtype.kind == "f" and array.dtype.itemsize > 8:
                self.arrays[i] = array.astype(float)  # all numbers are float64
            if array.dtype.kind != "f" and array.dtype != np.intp:
                if array.dtype.newbyteorder("=") == np.uint64 and (array > np.iinfo(np.intp).max).any():
                    raise ValueError(f"input {i} has integers above 2**63 - 1; write x.astype(float)")
                self.arrays[i] = array.astype(np.intp)
        lengths = {len(array) for array in self.arrays if array.ndim} if batch else set()
        if len(lengths) > 1:
            counts = " and ".join(map(str, sorted(lengths)))
            raise ValueError(f"the inputs have {counts} examples; all need the same number")
        self.examples = lengths.pop() if lengths else None
        if self.examples == 0:
            raise ValueError("the batch is empty: the inputs have 0 examples, and at least 1 is needed")
        self.shapes = [array.shape[1:] if batch and array.ndim else array.shape for array in self.arrays]

    def expect(self, shapes: Sequence[tuple[int, ...]], whole: Sequence[bool]) -> Call:
        """This call, if one example has these shapes, and integers where `whole` says so."""
        for i, (array, wanted) in enumerate(zip(self.arrays, shapes)):
            if self.shapes[i] != wanted:
                raise ValueError(f"one example of input {i} has shape {self.shapes[i]}; this program takes {wanted}")
            if whole[i] and array.dtype.kind == "f":
                raise TypeError(f"input {i} has dtype {array.dtype}; this program takes integers there")
            if not whole[i] and array.dtype.kind != "f":
                self.arrays[i] = array.astype(float)
        return self

    def outputs(self, pools: Pools, theta: Any, several: bool) -> Any:
        """Shapes: (n,), or (n, outputs) if there are several; without a batch a float, or (outputs,)."""
        return pools.of(self.examples or 1).run(theta, self.arrays, self.finish("value", several))

    def value_and_grad(self, pools: Pools, theta: Any) -> tuple[float, FloatArray]:
        """The mean over the examples, and its gradient."""
        value, gradient = pools.of(self.examples or 1).run(theta, self.arrays)
        return float(value), gradient

    def input_gradients(self, pools: Pools, theta: Any) -> Any:
        """An array for each input, with its shape; None for an input of integers."""
        return pools.of(self.examples or 1).run(theta, self.arrays, self.finish("input_gradients"))

    def finish(self, name: str, several: bool = False) -> Callable[[Any], Any]:
        """A function that copies what the function of that name returned.

        It serves all calls of the same shapes, so it must not hold this one, whose arrays may be large.
        """
        leading, batch = () if self.examples is None else (self.examples,), self.batch
        inputs = [(array.dtype.kind == "f", (*leading, *shape)) for array, shape in zip(self.arrays, self.shapes)]

        def one(results: Any) -> Any:
            output = np.empty(leading)
            output[...] = results[0]
            return output if batch else float(output)

        def table(results: Sequence[Any]) -> FloatArray:
            """The results as the columns of one array."""
            columns = np.empty((*leading, len(results)))
            for i, result in enumerate(results):
                columns[..., i] = result
            return columns

        def transposed(found: Any) -> FloatArray:
            if isinstance(found, list):
                return table(found)
            copied: FloatArray = found.T.copy()
            return copied if leading or len(copied) != 1 else copied[0]

        def slopes(found: Any) -> Any:
            each = [transposed(of_input).reshape(shape) if floats else None
                    for of_input, (floats, shape) in zip(found, inputs)]  # fmt: skip
            return each[0] if len(each) == 1 else tuple(each)

        if name == "value":
            return table if several else one
        return transposed if name == "per_example" else slopes


def parameters(given: Any, count: int) -> FloatArray:
    """The numbers of the parameters, as an array; an error if there are not `count` of them."""
    theta: FloatArray = _array(given, "theta", float)
    if theta.shape != (count,):
        raise ValueError(f"theta has shape {theta.shape}; it needs shape ({count},), a number for each parameter")
    return theta


def _array(given: Any, name: str, dtype: Any = None) -> NDArray[Any]:
    try:
        return np.asarray(given, dtype)
    except (TypeError, ValueError) as problem:
        said = f"{type(given).__name__} {given!r:.60}"
        said = "lists of different lengths" if "inhomogeneous" in str(problem) else said
        raise type(problem)(f"{name} needs numbers, in an array or in lists of one length; got {said}") from None


def silent(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function without NumPy's warnings, of overflow for example. Only one thread at a time may call it."""
    if np.lib.NumpyVersion(np.__version__) < "2.0.0":
        return np.errstate(all="ignore")(function)
    context = Context()
    context.run(np.seterr, all="ignore")
    return partial(context.run, function)  # it takes a tenth of the time of np.errstate


def in_range(index: Any, count: int) -> Any:
    """The indices of a pick as integers; an IndexError if one is not in 0, …, count - 1."""
    whole = index if index.dtype == np.intp else index.astype(np.intp)
    outside = whole.size and np.maximum.reduce(whole.view(np.uintp), axis=None) >= count
    if outside or (whole is not index and (whole != index).any()):
        wrong = (whole != index) | (whole < 0) | (whole >= count)
        problem = "is out of range" if (first := index[wrong][0]) % 1 == 0 else "is not a whole number"
        has = f"{count} values (indices 0 to {count - 1})" if count > 1 else "1 value (index 0)"
        example = f", in example {np.argwhere(wrong)[0][-1]}" * (index.shape[-1:] > (1,))
        raise IndexError(f"index {first:g} {problem}: pick has {has}{example}")
    return whole


def exact_matmul(one: Any, there: Any, other: Any, also_there: Any, out: Any) -> None:
    """The product of matrices, in which a factor that is not there adds nothing, even to what is infinite or nan."""
    products = one[..., None] * other[..., None, :, :]
    products[~np.broadcast_to(there[..., None] & also_there[..., None, :, :], products.shape)] = 0.0
    products.sum(axis=-2, out=out)


def mean_picked(choices: Any, hot: Any, plus_1: Any, count: int) -> Any:
    """The mean of what is picked: a product with a table that holds 1 / n for what is picked, and 0.0 elsewhere.

    It is nan if an index is out of range, which is an error, or if a choice is infinite; then it is computed anew.
    """
    mean = choices.dot(hot)
    if mean != mean:
        in_range(plus_1 - 1, count)
        mean = choices.reshape(count, -1)[plus_1 - 1, np.arange(plus_1.size)].mean()
    return mean
