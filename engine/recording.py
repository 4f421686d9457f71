"""Whether operations are recorded: the one piece of state that no Value holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_recording: ContextVar[bool] = ContextVar("recording", default=True)
recording = _recording.get


@contextmanager
def no_grad() -> Iterator[None]:
    """Inside it, results remember nothing: no operation, no arguments, no gradient. Also a decorator.

    >>> from engine import Value
    >>> with no_grad():
    ...     y = Value(2.0) * 3
    >>> y.data, y.arguments, y.requires_grad
    (6.0, (), False)
    """
    before = _recording.set(False)
    try:
        yield
    finally:
        _recording.reset(before)
