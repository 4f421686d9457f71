"""Training and evaluation: whether a model computes something else while it is trained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from types import FunctionType
from typing import Any

from .parameters import Holder, parts

__all__ = ["in_mode", "reads_mode"]


@contextmanager
def in_mode(model: Any, *, training: bool) -> Iterator[None]:
    """While it lasts, `training` is so in all parts of the model."""
    others = [part for part in parts(model) if part.training is not training]
    before = [part.training for part in others]
    try:
        for part in others:
            part.training = training
        yield
    finally:
        for part, was in zip(others, before):
            part.training = was


def reads_mode(model: Any) -> bool:
    """Whether a part of the model is of a class whose code asks for `training`, as that of Dropout does."""
    return any(_asks(part.__class__) for part in parts(model))


@lru_cache(256)
def _asks(kind: type[Any]) -> bool:
    own = [base for base in kind.__mro__ if base is not Holder]
    methods = [method for base in own for method in vars(base).values() if isinstance(method, FunctionType)]
    return any("training" in method.__code__.co_names for method in methods)
