"""What callbacks answer, those of `fit` and those of `sweep`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["wants_an_end"]


def wants_an_end(callback: Callable[..., object], *given: Any) -> bool:
    """Call it; whether it returns True, Python's or NumPy's, or raises StopIteration. Other answers mean nothing."""
    try:
        answer = callback(*given)
    except StopIteration:
        return True
    return isinstance(answer, (bool, np.bool_)) and bool(answer)
