"""Which numbers a Dropout keeps, where that is decided from outside: by fit, for all examples of a mini-batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

__all__ = ["SOURCE", "chances", "kept"]

Source = Callable[[int, float], Sequence[Any]]  # (how many, rate) -> 1.0 for what is kept, else 0.0
SOURCE: ContextVar[Source | None] = ContextVar("SOURCE", default=None)


@contextmanager
def kept(flags: Sequence[Any]) -> Iterator[None]:
    """While it lasts, every Dropout takes the next of these flags, 1.0 or 0.0, instead of drawing them."""
    rest = iter(flags)
    token = SOURCE.set(lambda count, _: [flag for _, flag in zip(range(count), rest)])
    try:
        yield
    finally:
        SOURCE.reset(token)


def chances(run: Callable[[], Any]) -> list[float]:
    """The rates at which the Dropouts drop, one for each number that passes them while `run` runs."""
    rates = list[float]()

    def count(many: int, rate: float) -> Sequence[float]:
        rates.extend([rate] * many)
        return [1.0] * many

    token = SOURCE.set(count)
    try:
        run()
    finally:
        SOURCE.reset(token)
    return rates
