"""Where weights start."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Protocol, cast

__all__ = ["Initialiser", "Source", "fan_in", "source", "uniform"]


class Source(Protocol):
    """What numbers are drawn from: the module `random`, a random.Random, a NumPy Generator."""

    def uniform(self, low: float, high: float, /) -> float: ...


Initialiser = Callable[[int, Source], float]  # (number of inputs, source) -> one weight


def source(rng: Source | int | None = None) -> Source:
    """The global `random` for None, a generator of its own for a seed, else `rng` itself.

    >>> source(7).uniform(-1, 1) == source(7).uniform(-1, 1)
    True
    """
    if rng is None:
        return cast(Source, random)
    return random.Random(rng) if isinstance(rng, int) else rng


def uniform(low: float, high: float) -> Initialiser:
    """Weights between low and high, whatever the number of inputs; (-1, 1) gives micrograd's numbers.

    >>> uniform(2.0, 2.0)(16, source(0))
    2.0
    """
    return lambda inputs, rng: float(rng.uniform(low, high))


def fan_in(gain: float = 1.0) -> Initialiser:
    """Weights between ±gain·√(3/inputs): variance gain²/inputs, so that a neuron's sum keeps its inputs' spread.

    A gain of √2 makes up for the half that ReLU cuts off (He et al., 2015).
    Source: LeCun, Bottou, Orr & Müller, Efficient BackProp (1998), section 4.6.

    >>> abs(fan_in()(3, source(0))) <= 1.0
    True
    """
    return lambda inputs, rng: float(rng.uniform(-1, 1) * (gain * math.sqrt(3 / inputs)))
