"""Many steps of training in one call: the gradient and the rule of an optimiser, both in C."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..emit.c import CFunction
from .compilers import library
from .native import aligned, library_text
from .running import FloatArray

POINTERS = 8  # in front of the arrays that the rule remembers, and of the inputs
TRAIN = """
/* Steps on one mini-batch after the other. It returns how many it took; -1 - that, if the last one was not finite. */
CR_EXPORT long chainrule_train(long rows, long batch, long taken, double *const *a) {{
  double *const theta = a[0], *const w = a[1], *const value = a[2], *const g = a[3], *const squares = a[4];
  double *const before = a[5];
  const double *const rates = a[6], *const settings = a[7];
  long step = 0;
  for (long start = 0; start < rows; start += batch) {{
    const long m = rows - start < batch ? rows - start : batch;
    const double *const x[] = {{{inputs}}};
    if (cr_value_and_grad(m, theta, x, w, value, g) || !(value[0] - value[0] == 0.0)) return step;
    if (!(cr_add_squares({parameters}, g, squares) < INFINITY)) return -1 - step;
    CR_LOOP for (long i = 0; i < {moved}; i++) before[i] = theta[i];
    cr_rule({moved}, (double)(taken + step), rates[step], settings, theta, g, a + {pointers});
    if (!(cr_inner({moved}, theta, 1, theta, 1) < INFINITY)) return -1 - step;
    if (!(cr_inner({moved}, g, 1, g, 1) < INFINITY)) return -1 - step;
    step++;
  }}
  return step;
}}
"""


class Epochs:
    """Steps of training in C: the function computes mean and gradient, and `rule` moves the parameters.

    The rule is the text of `static void cr_rule(long n, double taken, double rate, const double *settings, double
    *theta, double *gradient, double *const *memory)`, where `taken` is the number of steps before, and memory holds the
    arrays that it keeps from step to step, so many as `memories` says. It moves the first `moved` parameters, and may
    change the gradient to what it has used.

    Errors: NoCompiler where it cannot be built.
    """

    def __init__(self, function: CFunction, rule: str, moved: int, memories: int) -> None:
        self.function, self.moved, self.memories = function, moved, memories
        inputs = ", ".join(f"a[{POINTERS + memories + i}] + start * {lanes}" for i, lanes in enumerate(function.inputs))
        train = TRAIN.format(inputs=inputs, parameters=function.parameters, moved=moved, pointers=POINTERS)
        self.text = library_text(function, rule + train)
        self._call: Any = library(self.text).chainrule_train
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

        Shapes: inputs (n, …), theta (P,), squares (P,), rates (steps,).
        """
        given = [np.ascontiguousarray(one, dtype=float) for one in inputs]
        arrays = [theta, self._w, self._value, self.gradient, squares, self.before, rates, settings, *memory, *given]
        assert all(array.flags.c_contiguous and array.dtype == np.float64 for array in arrays)
        pointers = (ctypes.c_void_p * len(arrays))(*[array.ctypes.data for array in arrays])
        numbers = [ctypes.c_long(number) for number in (len(given[0]), batch, taken)]
        done = self._call(*numbers, pointers)
        return (done, True) if done >= 0 else (-1 - done, False)
