"""Many steps of training in one call: the rule of an optimiser in C, beside the library that has the gradient."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .native import Native, aligned, library_text, loaded
from .running import FloatArray

MEMORY = 4  # pointers in front of those to the arrays that the rule remembers
TRAIN = f"""
/* Steps on one mini-batch after the other. It returns how many it took, or, if
   the numbers of one were not finite, -1 minus how many it took before.
   `given` is what value_and_grad is called with; its inputs, of which an example has so many numbers as `lanes` says,
   move on from one mini-batch to the next. So this text is the same for all programs. */
CR_EXPORT long chainrule_train(
    long (*value_and_grad)(long n, double *const *given), double **given, const long *lanes, long inputs,
    long parameters, long moved, long rows, long batch, long taken, double *const *a) {{
  double *const theta = given[0], *const value = given[2], *const g = given[3];
  double *const squares = a[0], *const before = a[1];
  const double *const rates = a[2], *const settings = a[3];
  long step = 0;
  for (long start = 0; start < rows; start += batch) {{
    const long m = rows - start < batch ? rows - start : batch;
    if (value_and_grad(m, given) || !(value[0] - value[0] == 0.0)) return step;
    for (long i = moved; i < parameters; i++) squares[i] += g[i] * g[i];
    if (!(cr_inner(parameters - moved, g + moved, 1, g + moved, 1) < INFINITY)) return -1 - step;
    if (cr_rule(moved, (double)(taken + step), rates[step], settings, theta, g, a + {MEMORY}, before, squares))
      return -1 - step;
    for (long i = 0; i < inputs; i++) given[4 + i] += m * lanes[i];
    step++;
  }}
  return step;
}}
"""


class Epochs:
    """Steps of training in C: `native` computes mean and gradient, and `rule` moves the parameters.

    The rule is the text of `static long cr_rule(long n, double taken, double rate, const double *settings, double
    *theta, double *gradient, double *const *memory, double *before, double *squares)`, where `taken` is the number of
    steps before, and memory holds the arrays that it keeps from step to step, each of `moved` numbers. It reads
    settings[0], memory[0] and so on by their numbers, writes into `before` what theta was, adds the squares of the
    gradient to `squares`, moves the first `moved` parameters, and may change the gradient to what it has used. It
    returns 0 if the squares of the gradient, of what it has used, and of the new theta all have finite sums.

    Errors: NoCompiler where it cannot be built, ValueError if there are fewer than `moved` parameters.
    """

    def __init__(self, native: Native, rule: str, moved: int) -> None:
        function = native.function
        if not 0 <= moved <= function.parameters:
            raise ValueError(f"epochs: the rule cannot move {moved} of {function.parameters} parameters")
        self.text = library_text(rule + TRAIN)
        self._value_and_grad = ctypes.cast(native.call, ctypes.c_void_p)
        self._lanes = (ctypes.c_long * len(function.inputs))(*function.inputs)
        self._sizes = [ctypes.c_long(size) for size in (len(function.inputs), function.parameters, moved)]
        self._function, self._moved = function, moved
        self._settings, self._memory = (_how_many(rule, name) for name in ("settings", "memory"))
        self._call = loaded(self.text, "chainrule_train")
        self._call.restype = ctypes.c_long
        self._w, self._value = aligned(function.memory), aligned(1)
        self.gradient, self.before = aligned(function.parameters), aligned(moved)

    def run(
        self, inputs: Sequence[NDArray[Any]], batch: int, theta: FloatArray, squares: FloatArray, rates: FloatArray,
        settings: FloatArray, memory: Sequence[FloatArray], taken: int,
    ) -> tuple[int, bool]:  # fmt: skip
        """Take a step for each mini-batch of the rows; returns how many were taken, and whether all was finite.

        theta and what the rule remembers are changed in place, the squares of the gradients are added to `squares`, and
        `rates` has the learning rate of each step. Afterwards `before` has what theta was before the last step, and
        `gradient` the last gradient. Where a gradient or theta is not finite, all of these have something of that step.

        Shapes: inputs (n, …), theta (P,), squares (P,), rates (steps,), each array of the memory (moved,).
        Errors: ValueError where an array is missing or holds too few numbers, TypeError where it is none of float64.
        """
        columns = [np.ascontiguousarray(one, dtype=float) for one in inputs]
        self._check(columns, batch, theta, squares, rates, settings, memory)
        given = _pointers(theta, self._w, self._value, self.gradient, *columns)
        kept = _pointers(squares, self.before, rates, settings, *memory)
        numbers = [ctypes.c_long(number) for number in (len(columns[0]), batch, taken)]
        done = self._call(self._value_and_grad, given, self._lanes, *self._sizes, *numbers, kept)
        return (done, True) if done >= 0 else (-1 - done, False)

    def _check(
        self, columns: Sequence[FloatArray], batch: int, theta: FloatArray, squares: FloatArray, rates: FloatArray,
        settings: FloatArray, memory: Sequence[FloatArray],
    ) -> None:  # fmt: skip
        """C trusts what it gets: an array that is too short would end the process."""
        lanes, parameters = self._function.inputs, self._function.parameters
        for what, given, wanted in (("inputs", columns, len(lanes)), ("arrays of memory", memory, self._memory)):
            if len(given) < wanted:
                raise ValueError(f"epochs: got {len(given)} of the {wanted} {what} that are needed")
        if batch < 1:
            raise ValueError(f"epochs: a mini-batch of {batch} examples; at least 1 is needed")
        rows = len(columns[0])
        sizes = [("theta", theta, parameters), ("squares", squares, parameters), ("rates", rates, -(-rows // batch)),
                 ("settings", settings, self._settings)]  # fmt: skip
        sizes += [(f"inputs[{i}]", column, rows * count) for i, (column, count) in enumerate(zip(columns, lanes))]
        sizes += [(f"memory[{i}]", one, self._moved) for i, one in enumerate(memory)]
        for name, array, count in sizes:
            if array.dtype != np.float64 or not array.flags.c_contiguous:
                raise TypeError(f"epochs: {name} has to be a contiguous array of float64, got dtype {array.dtype}")
            if array.size < count:
                raise ValueError(f"epochs: {name} has size {array.size}; at least {count} is needed")


def _how_many(rule: str, name: str) -> int:
    """How many numbers or arrays of that name the text of a rule reads."""
    return max([1 + int(place) for place in re.findall(rf"\b{name}\[(\d+)\]", rule)], default=0)


def _pointers(*arrays: NDArray[Any]) -> Any:
    return (ctypes.c_void_p * len(arrays))(*[array.ctypes.data for array in arrays])
