"""Warnings at the line of the user's that called chainrule."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

__all__ = ["warn"]

NN = Path(__file__).parent


def warn(said: str) -> None:
    """A RuntimeWarning that names the first line on the way out that is not in nn."""
    level, frame = 1, sys._getframe()
    while frame.f_back and NN in Path(frame.f_code.co_filename).parents:
        level, frame = level + 1, frame.f_back
    warnings.warn(said, RuntimeWarning, stacklevel=level)
