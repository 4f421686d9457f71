"""Dropout: a part of a layer's outputs is set to 0 while a model is trained."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

from chainrule.engine import Table, Value

from .arguments import given
from .init import Generator, generator
from .masks import SOURCE
from .modules import Module, check_numbers

__all__ = ["Dropout"]


class Dropout(Module):
    """Each of the inputs is set to 0 with the probability `rate`, and the others are divided by 1 - rate.

    It does so while `training` is True: train() and eval() of the model switch it; `fit` and `predict` do so by
    themselves. In a loop of one's own, the numbers are drawn from `rng`; `fit` draws them from its seed.

    Shapes: x (n,) or a single number -> as x.
    Errors: ValueError if the rate is not from 0 to below 1.
    Source: Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov, Dropout (2014), section 10.

    >>> drop = Dropout(0.5, rng=0)
    >>> [float(x) for x in drop([1.0, 1.0, 1.0, 1.0])]
    [2.0, 2.0, 0.0, 0.0]
    >>> drop.eval()([1.0, 1.0])
    [1.0, 1.0]
    """

    rate: float
    rng: Generator

    def __init__(self, rate: float = 0.5, *, rng: Generator | int | None = None) -> None:
        if not isinstance(rate, Real) or isinstance(rate, bool):
            raise TypeError(f"the rate of Dropout is a number, got {given(rate)}")
        if not 0 <= rate < 1:
            raise ValueError(f"the rate of Dropout is a share from 0 to below 1, got {rate!r}")
        self.rate, self.rng = float(rate), generator(rng)

    def __call__(self, x: Any) -> Any:
        if not self.training or self.rate == 0:
            return x
        single = isinstance(x, Value) or not hasattr(x, "__len__")
        inputs = [x] if single else x
        check_numbers(inputs)
        keep = (SOURCE.get() or self._drawn)(len(inputs), self.rate)
        outputs = [one * (flag * (1 / (1 - self.rate))) for one, flag in zip(inputs, keep, strict=True)]
        return outputs[0] if single else Table(outputs)

    def _drawn(self, count: int, rate: float) -> Sequence[float]:
        return [float(self.rng.uniform(0, 1) >= rate) for _ in range(count)]

    def __repr__(self) -> str:
        return f"Dropout({self.rate:g})"
