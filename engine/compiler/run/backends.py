"""Which functions of a program run in C: they are built where that is possible, in a thread of its own for "auto"."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from ...telling import PLACES, Place, tell, user_place
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
            if name in self.building:
                self.building[name].join()
            else:
                self._make(name, make, user_place())
        elif name not in self.building:
            place = user_place()

            def build() -> None:
                try:
                    self._make(name, make, place)
                except Exception as problem:  # a fault of ours, which Python shows: then NumPy runs for good
                    self.problems[name] = f"{type(problem).__name__}: {problem}"
                    raise
                if name in self.made:
                    when_built()

            thread = self.building[name] = threading.Thread(target=build, name=f"chainrule builds {name}", daemon=True)
            thread.start()
        return self.made.get(name)

    def is_building(self) -> bool:
        """Whether something is being built now."""
        return any(thread.is_alive() for thread in list(self.building.values()))

    def wait(self) -> None:
        """Wait until everything that is being built is there."""
        for thread in list(self.building.values()):
            thread.join()

    def _make(self, name: str, make: Callable[[], Any], place: Place) -> None:
        from .compilers import NoCompiler  # only who wants C waits until this is imported

        PLACES.now = place
        try:
            self.made[name] = make()
        except (NoCompiler, NoExpression) as problem:
            known = str(problem) in self.problems.values()
            self.problems[name] = str(problem)
            if not known:
                tell(f"the program runs in NumPy, not in C: {problem}")
        finally:
            del PLACES.now


def checked(backend: Any) -> str:
    """The backend; ValueError for a name that is none."""
    if not isinstance(backend, str) or backend not in BACKENDS:
        raise ValueError(f"backend={backend!r} is not one of {', '.join(map(repr, BACKENDS))}")
    return str(backend)
