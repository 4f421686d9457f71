"""Training and evaluation: whether a model computes something else while it is trained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from types import FunctionType
from typing import Any

from .dropout import Dropout
from .parameters import parts

__all__ = ["in_training", "reads_mode"]


def reads_mode(model: Any) -> bool:
    """Whether a part of the model is a Dropout, or of a class of a user's own whose code asks for `training`."""
    return any(isinstance(part, Dropout) or _asks(part.__class__) for part in parts(model))


@contextmanager
def in_training(model: Any) -> Iterator[None]:
    """While it lasts, all parts of the model have training=True."""
    before = [(part, part.training) for part in parts(model) if not part.training]
    try:
        for part, _ in before:
            part.training = True
        yield
    finally:
        for part, was in before:
            part.training = was


@lru_cache(256)
def _asks(kind: type[Any]) -> bool:
    own = [base for base in kind.__mro__ if not base.__module__.startswith("chainrule.")]
    methods = [method for base in own for method in vars(base).values() if isinstance(method, FunctionType)]
    return any("training" in method.__code__.co_names for method in methods)
