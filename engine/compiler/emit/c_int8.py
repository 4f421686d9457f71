"""Matrices of parameters as bytes, for programs in C: a quarter of their size in float, an eighth of that in double."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrays.ir import Array
from ..arrays.meaning import Meaning
from ..arrays.whole import Function
from .c import Writer
from .c_function import SLACK, CFunction
from .c_places import DURING, Unit

MOST = 127  # the largest byte
BYTES = 4  # of a float, in which the bytes of a right side lie


class Bytes(NamedTuple):
    """A matrix as bytes, and what its product with a right side x is made of.

    q = round(x · steps + zero), as bytes; then the product is scales · (weights @ q) + offsets, in whole numbers except
    for the last step. Each row of the matrix has a scale of its own; the offsets hold the bias, too.
    Shapes: weights (lefts, width) int8, scales and offsets (lefts,).
    """

    weights: NDArray[np.int8]
    scales: NDArray[np.float64]
    offsets: NDArray[np.float64]
    steps: float
    zero: float

    def product(self, x: NDArray[Any]) -> NDArray[Any]:
        """What the text in C computes, in the precision of x. Shapes: x (width, columns) -> (lefts, columns)."""
        kind = x.dtype.type
        odd = (0 * x).sum(axis=0)  # nan where a number is not finite
        steps = np.floor(np.nan_to_num(x) * kind(self.steps) + kind(self.zero) + kind(0.5))
        q = np.clip(steps, -MOST - 1, MOST)
        sums = self.weights.astype(np.int64) @ q.astype(np.int64)
        whole = self.scales[:, None].astype(kind) * sums.astype(kind) + self.offsets[:, None].astype(kind) + odd
        found: NDArray[Any] = whole
        return found


def as_bytes(meaning: Meaning, code: Sequence[Array]) -> dict[Array, Bytes]:
    """The products of matrices in this code. The ranges of their right sides are those that they have in `meaning`."""
    found = dict[Array, Bytes]()
    for array in code:
        if array.op != "matmul":
            continue
        _, lefts, width, ones = array.extra
        matrix = meaning.of(array.args[0]).reshape(lefts, width)
        weights, bias = matrix[:, : width - ones], matrix[:, width - ones :].sum(axis=1)
        side = meaning.right_sides(array.args[1], width - ones, 0)
        low, high = min(0.0, float(side.min())), max(0.0, float(side.max()))
        steps = (2 * MOST + 1) / (high - low) if high > low else 1.0
        zero = float(np.floor(-MOST - 1 - low * steps + 0.5))
        scales = np.maximum(np.abs(weights).max(axis=1, initial=0.0), 1e-30) / MOST
        rounded = np.rint(weights / scales[:, None]).astype(np.int8)
        product_scales = scales / steps
        offsets = bias - product_scales * zero * rounded.sum(axis=1, dtype=np.int64)
        found[array] = Bytes(rounded, product_scales, offsets, steps, zero)
    return found


def in_bytes(function: Function, theta: Sequence[float], inputs: Sequence[Any]) -> Meaning:
    """The function in float32, with its products in bytes, and these inputs for their ranges, too.

    Shapes: each input (n, lanes).
    """
    products = as_bytes(Meaning(function, theta, inputs), function.code)

    def product(m: Meaning, array: Array) -> NDArray[Any]:
        _, _, width, ones = array.extra
        sides = m.right_sides(array.args[1], width - ones, 0)
        return products[array].product(sides).reshape(array.lanes, -1)

    return Meaning(function, theta, inputs, np.float32, {"matmul": product})


def byte_function(function: Function, theta: Sequence[float], examples: Sequence[Any]) -> CFunction:
    """The function "value" in C for one example; the parameters are constants in it. Its text is for float.

    Shapes: each of the examples' inputs (n, lanes).
    """
    return _Writer(function, theta, examples).function_in_c()._replace(parameters=0)


class _Writer(Writer):
    """What does not depend on the example is computed now, and stands in the text as a constant."""

    def __init__(self, function: Function, theta: Sequence[float], examples: Sequence[Any]) -> None:
        super().__init__(function, 1)
        meaning = Meaning(replace(function, code=self.code), theta, examples)
        self.constants = {array: one[:, 0].tolist() for array, one in meaning.arrays.items() if not array.batched}
        self.products = as_bytes(meaning, self.code)
        self.row = self.memory - SLACK
        widest = max([one.weights.shape[1] for one in self.products.values()], default=1)
        self.memory += -(-widest // BYTES)

    def _units(self, time: int) -> list[Unit]:
        return super()._units(time) if time == DURING else []

    def _unstored(self) -> set[Array]:
        return super()._unstored() | {array for array in self.code if not array.batched}

    def _start(self) -> list[str]:
        every, self.code = self.code, [array for array in self.code if array.batched]
        lines = super()._start()
        self.code = every
        return lines

    def spot(self, array: Array, row: int) -> tuple[str, int]:
        """A row of an array: the memory in which it lies, and how far from its start."""
        known = self.constants.get(array)
        return super().spot(array, row) if known is None else (self.table(known), row)

    def _matmul(self, array: Array) -> str:
        rights, lefts, width, ones = array.extra
        one, keep = self.products[array], width - ones
        X = self._side(array.args[1])[0]
        weights = self.table(one.weights.ravel().tolist(), "cr_byte")
        scales, offsets = self.table(one.scales.tolist()), self.table(one.offsets.tolist())
        numbers = f"{one.steps!r}, {one.zero!r}, {scales}, {offsets}, (cr_byte *)(w + {self.row})"
        return f"  cr_bytes({rights}, {lefts}, {keep}, {weights}, {X}, {numbers}, {self.at(array)});"
