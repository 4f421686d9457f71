"""Initialisers: functions that draw the first number of a weight."""

from __future__ import annotations

import math
import operator
import random
from collections.abc import Callable
from typing import Protocol, cast

from .arguments import finite_number, given

__all__ = ["Generator", "Initialiser", "fan_in", "generator", "initialiser", "uniform"]


class Generator(Protocol):
    """What random numbers are drawn from: the module `random`, a random.Random, a NumPy Generator."""

    def uniform(self, low: float, high: float, /) -> float: ...


Initialiser = Callable[[int, Generator], float]  # (number of inputs, generator) -> one weight
NAMED = {  # how others begin the name of an initialiser: what it is here
    "he": "fan_in(2**0.5)", "kaiming": "fan_in(2**0.5)", "lecun": "fan_in()", "uniform": "uniform(-1, 1)",
}  # fmt: skip


def generator(rng: Generator | int | None = None) -> Generator:
    """The global `random` for None, a new generator for a seed, else `rng` itself.

    Errors: TypeError if `rng` is neither a whole number nor a generator.

    >>> generator(7).uniform(-1, 1) == generator(7).uniform(-1, 1)
    True
    """
    if rng is None:
        return cast(Generator, random)
    if callable(getattr(rng, "uniform", None)) and not isinstance(rng, type):
        return cast(Generator, rng)
    try:
        return random.Random(operator.index(cast(int, rng)))  # operator.index takes NumPy's integers too
    except TypeError:
        raise TypeError(
            f"rng is a seed (a whole number) or a generator like random.Random(0), got {given(rng)}"
        ) from None


def initialiser(init: Initialiser | None) -> Initialiser:
    """fan_in() for None, else `init` itself.

    Errors: TypeError if `init` is no function, or is `uniform` or `fan_in` without a call.

    >>> initialiser(uniform(0.5, 0.5))(16, generator(0))
    0.5
    """
    if init is None:
        return fan_in()
    for maker, example in ((uniform, "uniform(-1, 1)"), (fan_in, "fan_in()")):
        if cast(object, init) is maker:
            raise TypeError(
                f"init={maker.__name__} makes an initialiser when it is called; write init=nn.init.{example}"
            )
    if not callable(init) or isinstance(init, type):
        like = NAMED.get(str(init).lower().partition("_")[0], "uniform(-1, 1)")
        raise TypeError(
            f"init is a function (number of inputs, generator) -> weight, like nn.init.{like}; got {given(init)}"
        )
    return init


def uniform(low: float, high: float) -> Initialiser:
    """Weights between low and high, whatever the number of inputs; uniform(-1, 1) draws micrograd's numbers.

    >>> uniform(2.0, 2.0)(16, generator(0))
    2.0
    """
    if not finite_number("low", low) <= finite_number("high", high):
        raise ValueError(f"uniform(low, high) needs low <= high; got low={low!r} and high={high!r}")
    return lambda inputs, rng: float(rng.uniform(low, high))


def fan_in(gain: float = 1.0) -> Initialiser:
    """Weights between ±gain·√(3/inputs): their variance is gain²/inputs, so a neuron's sum is spread as its inputs are.

    A gain of √2 makes up for the half of the numbers that ReLU sets to 0 (He et al., 2015).
    Source: LeCun, Bottou, Orr & Müller, Efficient BackProp (1998), section 4.6.

    >>> abs(fan_in()(3, generator(0))) <= 1.0
    True
    """
    finite_number("gain", gain)
    return lambda inputs, rng: float(rng.uniform(-1, 1) * (gain * math.sqrt(3 / inputs)))
