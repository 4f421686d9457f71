"""Axes: where a number stands on a linear or on a logarithmic axis, and which numbers stand beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..common.ticks import power_ticks, round_ticks


@dataclass(frozen=True)
class Axis:
    """An upright axis; `share` says how far up a number stands, from 0 to 1."""

    ticks: Sequence[float]
    is_log: bool = False

    def share(self, number: float) -> float:
        if self.is_log:
            low, high = math.log10(self.ticks[0]), math.log10(self.ticks[-1])
            return (math.log10(number) - low) / (high - low)
        scale = max(abs(self.ticks[0]), abs(self.ticks[-1]))  # without it, the largest numbers would overflow
        low, high = self.ticks[0] / scale, self.ticks[-1] / scale
        return (number / scale - low) / (high - low)


def axis_for(numbers: Sequence[float], is_log: bool, with_zero: bool) -> Axis:
    """An axis for these finite numbers.

    >>> axis_for([0.5, 20.0], is_log=True, with_zero=False).ticks
    [0.1, 1.0, 10.0, 100.0]
    """
    if is_log:
        return Axis(power_ticks(min(numbers), max(numbers)), is_log=True)
    wide = [*numbers, 0.0] if with_zero else numbers
    return Axis(round_ticks(min(wide, default=0.0), max(wide, default=1.0)))
