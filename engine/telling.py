"""Warnings at the line of the user's that called chainrule, even if they are given in a thread that builds C for it."""

from __future__ import annotations

import sys
import threading
import warnings
from typing import Any

Place = tuple[str, int, str, dict[Any, Any]]  # file, line, module, and what Python has warned of there
PLACES = threading.local()  # in each thread that makes a function in C: `now`, the line of the user's that wants it


def user_place() -> Place:
    """The first line on the way out that is not in chainrule, as `warnings.warn_explicit` takes it."""
    frame, package = sys._getframe(1), __name__.partition(".engine.")[0]
    while frame.f_back and f"{frame.f_globals.get('__name__', '')}.".startswith(f"{package}."):
        frame = frame.f_back
    names = frame.f_globals
    registry = names.setdefault("__warningregistry__", {})
    return frame.f_code.co_filename, frame.f_lineno, str(names.get("__name__", "")), registry


def tell(said: str) -> None:
    """A RuntimeWarning at the line of the user's that called, or for which this thread makes a function in C."""
    file, line, module, registry = getattr(PLACES, "now", None) or user_place()
    warnings.warn_explicit(said, RuntimeWarning, file, line, module, registry)
