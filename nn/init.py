"""Where weights start."""

from __future__ import annotations

import math
import operator
import random
from collections.abc import Callable
from typing import Protocol, cast

__all__ = ["Initialiser", "Source", "fan_in", "initialiser", "source", "uniform"]


class Source(Protocol):
    """What numbers are drawn from: the module `random`, a random.Random, a NumPy Generator."""

    def uniform(self, low: float, high: float, /) -> float: ...


Initialiser = Callable[[int, Source], float]  # (number of inputs, source) -> one weight


def source(rng: Source | int | None = None) -> Source:
    """The global `random` for None, a generator of its own for a seed, else `rng` itself.

    Errors: TypeError for what is neither a whole number nor something to draw from.

    >>> source(7).uniform(-1, 1) == source(7).uniform(-1, 1)
    True
    """
    if rng is None:
        return cast(Source, random)
    if callable(getattr(rng, "uniform", None)):
        return cast(Source, rng)
    try:
        return random.Random(operator.index(cast(int, rng)))  # also a NumPy integer
    except TypeError:
        raise TypeError(
            f"rng is a seed (a whole number) or a generator like random.Random(0), got {type(rng).__name__} {rng!r}"
        ) from None


def initialiser(init: Initialiser | None) -> Initialiser:
    """fan_in() for None, else `init` itself; TypeError if it makes no weights.

    >>> initialiser(uniform(0.5, 0.5))(16, source(0))
    0.5
    """
    if init is None:
        return fan_in()
    for maker, example in ((uniform, "uniform(-1, 1)"), (fan_in, "fan_in()")):
        if cast(object, init) is maker:
            raise TypeError(f"init={maker.__name__} makes no weights until it is called; write init=nn.init.{example}")
    if not callable(init):
        raise TypeError(
            "init is a function (number of inputs, generator) -> weight, like nn.init.uniform(-1, 1); "
            f"got {type(init).__name__} {init!r}"
        )
    return init


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
