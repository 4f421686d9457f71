"""Whether a result was computed from numbers that a function has read, so that its derivative has lost a path.

Nobody can see what a plain float is used for; but it can be tried out. `lost_path` runs the function again and lets the
same reads give slightly other numbers, while the Values stay as they are. A stopping rule or a line that prints does
the same as before, and the result is the same. A result that was computed from a read number follows it: it moves on
with each larger shift, where a branch that happens to flip jumps once. A number read as an integer (int(), round(),
math.floor) moves by 1, 2 and 3.

So the function runs once more where it reads numbers, and a few times more before an error. Nothing is shown of that:
what these runs print is dropped, `random` and `numpy.random` go on from where they were, and the `.data` that they
write are put back. What else a function does (append to a list, write to a file, use a generator of its own) is done
again.

What cannot be told: a number that decides how often a loop runs, or which branch is taken, is taken for a comparison;
so is one of which only the whole part is used (`float(x) // 1`), whose slope is 0. So are the numbers by which a
minimiser (`scipy.optimize.minimize_scalar`) finds its place, for it compares them. A function that gives other results
each time it runs (a generator of its own, a counter) is believed as long as its result depends on the variables at all.
A path that contributes less than rounding is not seen. What is computed in another process is not seen.
"""

from __future__ import annotations

import contextlib
import random
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import get_ident
from types import FrameType
from typing import Any

import numpy as np

from .op import OPS
from .ops import identity
from .reads import Watch, watching
from .user_code import Line, line_of

SHIFT = 1e-4  # of a number's size: far above rounding, and so small that hardly a comparison turns out otherwise
PLACES = 16  # different lines that are tried one by one


@dataclass(frozen=True)
class Lost:
    """Where a number was read with which the result is computed, and of which node; its text says what to write."""

    line: Line
    node: Any

    def __str__(self) -> str:
        text = self.line.text
        name = self.node.name() if self.node.label or self.node.operation not in (None, identity) else "a variable"
        functions = [f for f in re.findall(r"\b(?:math|cmath|np|numpy|statistics)\.(\w+)", text) if f in OPS]
        if functions:
            instead = f"write cr.{functions[0]}, which takes Values"
        elif re.search(r"\bint\(|\bround\(|floor|ceil|trunc", text):
            instead = "write cr.floor, cr.ceil, cr.trunc or cr.rint, which take Values and have the slope 0"
        elif re.search(r"\bfloat\(|\.data\b|\.item\(|\.astype\(", text):
            instead = "use the Value itself, and chainrule's functions in place of math's (cr.sin, cr.exp)"
        else:
            instead = (
                "for an array that holds Values write np.empty(n, dtype=object), or a list; for a function of math's "
                "or NumPy's its name in chainrule (cr.sin)"
            )
        read = f"the number of {name} was read" + (f" in {text!r}" if text else "")
        return (
            f"{self.line}: {read}, and the result is computed from it, so that its derivative would be lost: {instead}."
            " If it is meant to be a constant, read .detach() of it"
        )


Prepare = Callable[[], tuple[Sequence[Any], Callable[[], Any]]]
Numbers = list[float]


def lost_path(watch: Watch, result: Any, prepare: Prepare) -> Lost | None:
    """Where the result of the watched run lost its dependence on the variables; None if it did not.

    `prepare` gives fresh variables, and the function that runs on them.
    """
    found = [(node, line, whole) for node, line, whole in watch.found if watch.depends(node)]
    first = _numbers(result)
    if not found or first is None or _made_by_hand(result):
        return None
    trial = _Trial(watch, first, any(watch.depends(y) for y in _items(result) if hasattr(y, "_prev")), prepare)
    with _unseen(watch):
        kinds = [kind for kind in (False, True) if any(whole == kind for *_, whole in found)]
        for whole in kinds:
            if trial.follows(whole):
                lines = list(dict.fromkeys(line for _, line, kind in found if kind == whole))
                culprit = trial.culprit(lines, whole)
                return Lost(culprit, next(node for node, line, _ in found if line == culprit))
    return None


class _Endless(BaseException):
    """A run with shifted numbers reads far more of them than the first run: its loop does not end."""


class _ShiftingWatch(Watch):
    """A run in which whoever reads a number that depends on the variables gets a slightly different one."""

    shifts = True

    def __init__(
        self, variables: Sequence[Any], shift: float, steps: int, *, alike: bool, only: Line | None, limit: int
    ) -> None:
        """`shift` is a share of the number's size, `steps` what is added to an integer.

        `alike`: all are shifted by the same share. `only`: the one line whose numbers are shifted. `limit`: how many
        numbers may be read.
        """
        super().__init__(variables)
        self.shift, self.steps, self.alike, self.only, self.left = shift, steps, alike, only, limit
        self._order: dict[Any, int] = {}  # the nodes whose numbers were shifted, in the order of their first reads

    def read(self, node: Any, number: Any, whole: bool, frame: FrameType) -> Any:
        if self.paused:
            return number
        self.left -= 1
        if self.left < 0:
            raise _Endless
        if not self.depends(node) or (self.only and line_of(frame) != self.only):
            return number
        if whole:
            return number + self.steps
        # Each node its own shift, always the same: equal numbers do not cancel, and a - a stays 0.
        size = 1.0 if self.alike else 1.0 + 0.618034 * self._order.setdefault(node, len(self._order)) % 1.0
        return number + self.shift * size * (abs(number) or 1.0)


class _Trial:
    """Runs of the function with shifted numbers."""

    def __init__(self, watch: Watch, first: Numbers, reached: bool, prepare: Prepare) -> None:
        self.first, self.reached, self.prepare, self.watch = first, reached, prepare, watch
        self.base = first
        self.scale = max(watch.largest(), *map(abs, first), 0.0) if first else 0.0
        self.sign = 1
        self.alike = False
        self.states = _random_states()
        self.limit = 4 * len(watch.found) + 1000

    def run(self, times: int, whole: bool, only: Line | None = None) -> Numbers | None:
        """The result with numbers shifted by so many times the usual shift; None if the function raised an error."""
        _set_random_states(self.states)
        for node, data in self.watch.written.items():
            node._data = data
        variables, function = self.prepare()
        shift, steps = (0.0, self.sign * times) if whole else (self.sign * times * SHIFT, 0)
        again = _ShiftingWatch(variables, shift, steps, alike=self.alike, only=only, limit=self.limit)
        try:
            with again:
                return _numbers(function())
        except (Exception, _Endless):
            return None
        finally:
            self.watch.written = {**again.written, **self.watch.written}

    def follows(self, whole: bool) -> bool:
        """Whether the result follows the numbers that were read.

        Each number is shifted by a share of its own. To a solver that chooses its own steps these are noise, by which
        its result leaps: a result that moves, but does not follow, is tried again with one share for all numbers.
        """
        self.alike = False
        if self._moves_on(whole):
            return True
        self.alike = self.moves and not whole
        return self.alike and self._moves_on(whole)

    def _moves_on(self, whole: bool) -> bool:
        """Whether the result moves on with each larger shift of the numbers."""
        self.moves = True
        moved = self.run(1, whole)
        if moved is None:  # outside of a domain, or there is no such index
            self.sign = -1
            moved = self.run(1, whole)
        if moved is None:
            return not self.reached
        if _same(moved, self.first):
            self.moves = False
            return False
        base = self.run(0, whole)
        if base is None or _same(moved, base):
            return False
        if not _same(base, self.first):
            other = self.run(0, whole)
            if other is None or not _same(base, other):  # it gives other results each time
                return not self.reached
        self.base = base
        steps = [moved, *[self.run(times, whole) for times in ((2, 3) if whole else (2, 4))]]
        if any(step is None or len(step) != len(base) for step in steps):
            return not self.reached
        for place, number in enumerate(base):
            small, middle, large = (abs(step[place] - number) for step in steps)  # type: ignore[index]
            if whole or not self.reached:
                if len({number, *[step[place] for step in steps]}) == 4:  # type: ignore[index]
                    return True
            elif small and 1.2 < middle / small < 3.2 and 1.2 < large / middle < 3.2 and self._goes_on(place, large):
                return True
        return False

    def _goes_on(self, place: int, large: float) -> bool:
        """Whether a move is far above rounding, or else grows with a larger shift."""
        if large > 2**-36 * self.scale:
            return True
        far = self.run(64, False)
        if far is None or len(far) != len(self.base):
            return False
        moved = abs(far[place] - self.base[place])
        return moved > 2**-46 * self.scale and 3.0 <= moved / large < 60.0

    def culprit(self, lines: Sequence[Line], whole: bool) -> Line:
        """The first of these lines whose numbers alone move the result."""
        for line in lines[:PLACES] if len(lines) > 1 else []:
            moved = self.run(2, whole, line)
            if moved is None or not _same(moved, self.base):
                return line
        return lines[0]


def _items(result: Any) -> list[Any]:
    """The outputs of a function, in a flat list."""
    items = np.empty(1, dtype=object)
    items[0] = result
    if isinstance(result, (list, tuple, np.ndarray)):
        items = np.array(result, dtype=object)
    return list(items.flat)


def _made_by_hand(result: Any) -> bool:
    """Whether a node on the way was: it takes its number from outside, and has no derivative that could be lost."""
    nodes, seen = [y for y in _items(result) if hasattr(y, "_prev")], set()
    while nodes:
        node = nodes.pop()
        if node not in seen:
            seen.add(node)
            if isinstance(node.operation, str):
                return True
            nodes += node._prev
    return False


def _numbers(result: Any) -> Numbers | None:
    """The numbers of the outputs; None if they are something else."""
    try:
        return [float(getattr(item, "_data", item)) for item in _items(result)]
    except (TypeError, ValueError):
        return None


def _same(some: Numbers, others: Numbers) -> bool:
    """Whether two runs gave the same numbers, up to rounding."""
    return len(some) == len(others) and all(
        a == b or (a != a and b != b) or abs(a - b) <= 2**-46 * max(abs(a), abs(b)) for a, b in zip(some, others)
    )


@contextlib.contextmanager
def _unseen(watch: Watch) -> Iterator[None]:
    """What runs inside it leaves no trace: in output, random numbers, data that are written, and other watches."""
    states, data = _random_states(), {node: node._data for node in watch.written}
    around = [w for w in tuple(watching) if w.thread == get_ident() and not w.paused]
    muted = _Muted(sys.stdout), _Muted(sys.stderr)
    sys.stdout, sys.stderr = muted
    for each in around:
        each.paused = True
    try:
        yield
    finally:
        for each in around:
            each.paused = False
        for stream, name in zip(muted, ("stdout", "stderr")):
            stream.thread = 0
            if getattr(sys, name) is stream:
                setattr(sys, name, stream.stream)
        for node, number in {**watch.written, **data}.items():
            node._data = number
        _set_random_states(states)


def _random_states() -> tuple[Any, Any]:
    return random.getstate(), np.random.get_state()  # noqa: NPY002 - what users of the old functions go on from


def _set_random_states(states: tuple[Any, Any]) -> None:
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002


class _Muted:
    """A stream that drops what this thread writes to it."""

    def __init__(self, stream: Any) -> None:
        self.stream, self.thread = stream, get_ident()

    def write(self, text: str) -> int:
        return len(text) if self.thread == get_ident() or self.stream is None else self.stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)
