"""Which functions of a program run in C: they are built where that is possible, in a thread of its own for "auto"."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any

from ..expression import NoExpression

BACKENDS = ("numpy", "c", "auto")


class Functions:
    """The functions in C of what was traced for one shape, each built once."""

    def __init__(self) -> None:
        self.made: dict[str, Any] = {}
        self.problems: dict[str, str] = {}  # why a function runs in NumPy
        self.building: dict[str, threading.Thread] = {}

    def get(self, name: str, make: Callable[[], Any], when_built: Callable[[], None] | None) -> Any:
        """What `make` gives, under that name; None if it cannot be had, of which a RuntimeWarning tells once.

        It is made now; or, if there is something to call `when_built`, in a thread, and None is returned meanwhile.
        """
        if name in self.made or name in self.problems:
            return self.made.get(name)
        if when_built is None:
            self._make(name, make)
        elif name not in self.building:

            def build() -> None:
                try:
                    self._make(name, make)
                except Exception as problem:  # a fault of ours, which Python shows: then NumPy runs for good
                    self.problems[name] = f"{type(problem).__name__}: {problem}"
                    raise
                if name in self.made:
                    when_built()

            thread = self.building[name] = threading.Thread(target=build, name=f"chainrule builds {name}", daemon=True)
            thread.start()
        return self.made.get(name)

    def wait(self) -> None:
        """Wait until everything that is being built is there."""
        for thread in list(self.building.values()):
            thread.join()

    def _make(self, name: str, make: Callable[[], Any]) -> None:
        from .compilers import NoCompiler  # only who wants C waits until this is imported

        try:
            self.made[name] = make()
        except (NoCompiler, NoExpression) as problem:
            known = str(problem) in self.problems.values()
            self.problems[name] = str(problem)
            if not known:
                said = f"the program runs in NumPy, not in C: {problem}"
                warnings.warn(said, RuntimeWarning, stacklevel=_level())


def _level() -> int:
    """Which caller is outside of the compiler."""
    level, frame = 2, sys._getframe(2)
    package = __name__.rpartition(".run")[0]
    while frame.f_back and str(frame.f_globals.get("__name__", "")).startswith(package):
        level, frame = level + 1, frame.f_back
    return level


def checked(backend: Any) -> str:
    """The backend; ValueError for a name that is none."""
    if not isinstance(backend, str) or backend not in BACKENDS:
        raise ValueError(f"backend={backend!r} is not one of {', '.join(map(repr, BACKENDS))}")
    return str(backend)
