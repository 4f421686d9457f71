"""Whether operations are recorded: the one piece of state that no Value holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

_recording: ContextVar[bool] = ContextVar("recording", default=True)
recording = _recording.get


@contextmanager
def _switched(on: bool) -> Iterator[None]:
    before = recording()
    try:  # Ctrl-C may come at any point from here on, and the old state has to come back
        _recording.set(on)
        yield
    finally:
        _recording.set(before)


def no_grad() -> AbstractContextManager[None]:
    """Inside it, results remember nothing: no operation, no arguments, no gradient. Also a decorator: @no_grad().

    >>> from chainrule import Value
    >>> with no_grad():
    ...     y = Value(2.0) * 3
    >>> y.data, y.arguments, y.requires_grad
    (6.0, (), False)
    """
    return _switched(False)


def enable_grad() -> AbstractContextManager[None]:
    """Inside it, results remember how they were made, even if it stands inside no_grad().

    >>> from chainrule import Value, no_grad
    >>> x = Value(2.0)
    >>> with no_grad():
    ...     with enable_grad():
    ...         y = x * x
    >>> y.backward()
    >>> x.grad
    4.0
    """
    return _switched(True)
