"""Numbers that are read out of Values: by float(), math, `.data`, an array of floats, a format.

A number has no derivative, so a result that is computed from one has lost a path. Printing and comparing lose nothing.
Nobody can see what a plain float is used for; but it can be tried out.

**In a derivative** (grad, value_and_grad, jacobian, hessian, hvp), a `Watch` lists each number that is read and depends
on the variables. If there are any, `lost_path` runs the function again and lets the same reads give slightly other
numbers, while the Values stay as they are. A stopping rule or a line that prints does the same as before, and the
result is the same. A result that was computed from a read number follows it: it moves on with each larger shift, where
a branch that happens to flip jumps once. A number read as an integer (int(), round(), math.floor) moves by 1, 2 and 3.

So the function runs once more where it reads numbers, and a few times more before an error. Nothing is shown of that:
what these runs print is dropped, `random` and `numpy.random` go on from where they were, and the `.data` that they
write are put back. What else a function does (append to a list, write to a file, use a generator of its own) is done
again.

What cannot be told: a number that decides how often a loop runs, or which branch is taken, is taken for a comparison;
so is one of which only the whole part is used (`float(x) // 1`), whose slope is 0. So are the numbers by which a
minimiser (`scipy.optimize.minimize_scalar`) finds its place, for it compares them. A function that gives other results
each time it runs (a generator of its own, a counter) is believed as long as its result depends on the variables at all.
A path that contributes less than rounding is not seen. What is computed in another process is not seen.

**In eager code** there is no function to run again. Each Value notes where float(), int(), round() or math took its
number (a short expression does so at its leaves), and `diagnose` names those that the loss is made of. It leaves out
what the text of the line shows to be printed or compared; of all others it cannot know whether they went into the loss.
"""

from __future__ import annotations

import ast
import contextlib
import itertools
import linecache
import math
import os
import random
import site
import sys
import sysconfig
import weakref
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import get_ident
from types import FrameType
from typing import Any

import numpy as np

from .recording import recording

SHIFT = 1e-4  # of a number's size: far above rounding, and so small that hardly a comparison turns out otherwise
NOTES = 8  # different places that a Value remembers
SHORT = 4  # operations one after the other
PLACES = 16  # different lines that are tried one by one

_floor = __name__.rpartition(".")[0]
_package = (_floor.rpartition(".")[0] or _floor) + "."
_silent = (_floor + ".", _package + "viz.")  # the modules whose own reads do not count: they know what they do
_messenger = _floor + ".fast.leaves"  # reads for whoever calls it
_library = tuple(
    {os.path.dirname(os.__file__) + os.sep, *[folder + os.sep for folder in site.getsitepackages()],
     *[sysconfig.get_path(name) + os.sep for name in ("purelib", "platlib")], site.getusersitepackages() + os.sep}
)  # fmt: skip

watching: list[Watch] = []  # the derivatives that are being taken, in all threads: one that a function starts, too


@dataclass(frozen=True)
class Line:
    """A line of the user's code."""

    file: str
    number: int

    def __str__(self) -> str:
        return f"{self.file}:{self.number}"

    @property
    def text(self) -> str:
        return linecache.getline(self.file, self.number).strip()

    @property
    def only_shows_or_compares(self) -> bool:
        """Whether the statement on this line prints the number or compares it, as far as its text can be found."""
        try:
            tree = ast.parse("".join(linecache.getlines(self.file)))
        except (SyntaxError, ValueError):
            return False
        around = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.stmt) and node.lineno <= self.number <= (node.end_lineno or node.lineno)
        ]
        around = [statement for statement in around if not isinstance(statement, (ast.Pass, ast.Break, ast.Continue))]
        return bool(around) and _harmless(around[-1], self.number)


SHOWING = {"print", "debug", "info", "warning", "error", "write", "log", "set_description", "set_postfix", "add_scalar"}


def _harmless(statement: ast.stmt, line: int) -> bool:
    if isinstance(statement, (ast.If, ast.While, ast.Assert)):
        return line <= (statement.test.end_lineno or line)
    value = getattr(statement, "value", None)
    if isinstance(statement, ast.Expr) and isinstance(value, ast.Call):
        return getattr(value.func, "id", getattr(value.func, "attr", "")) in SHOWING
    return isinstance(value, (ast.Compare, ast.JoinedStr))


def _is_in(frame: FrameType, modules: str | tuple[str, ...]) -> bool:
    return (frame.f_globals.get("__name__") or "").startswith(modules)


def users_line(frame: FrameType) -> Line:
    """The line in the user's own code that runs in this frame, or that called what does."""
    found: FrameType | None = frame
    while found and (_is_in(found, _package) or found.f_code.co_filename.startswith(_library)):
        found = found.f_back
    found = found or frame
    return Line(found.f_code.co_filename, found.f_lineno)


def read(node: Any, number: Any, whole: bool = False, note: bool = False) -> Any:
    """What a reader is given for a node's number; it is called by the method that is asked for the number.

    `whole`: it is an integer. `note`: also outside of derivatives, remember where it was read.
    """
    if watching:
        frame = sys._getframe(2)
        while _is_in(frame, _messenger) and frame.f_back:
            frame = frame.f_back
        if not _is_in(frame, _silent):
            for watch in tuple(watching):
                number = watch.read(node, number, whole, frame)
    elif note and node._notes_reads and recording():
        _note(node, sys._getframe(2))
    return number


def _note(node: Any, frame: FrameType) -> None:
    """Write it down at the node and, since a short expression is soon gone, at the leaves that it was made of."""
    if _is_in(frame, _package):
        return
    place = frame.f_code, frame.f_lasti
    notes = node.__dict__.setdefault("_reads", {})
    if place in notes or len(notes) >= NOTES:
        return
    line = users_line(frame)
    notes[place] = line, node._data, None
    leaves, reader = [node], weakref.ref(node)
    while leaves and 0 < node._depth <= SHORT:
        leaf = leaves.pop()
        if leaf.operation is not None:
            leaves += leaf._prev
        elif place in (notes := leaf.__dict__.setdefault("_reads", {})) or len(notes) < NOTES:
            notes[place] = line, leaf._data, reader  # in a loop, the last time counts


def lines_read(node: Any, graph: Container[Any]) -> list[Line]:
    """Where the number that this Value has now was read, except to print it or to compare it.

    What was read of a node of the graph is said of that node, and not of the leaves that it was made of.
    """
    lines = [
        line
        for line, number, reader in list(node.__dict__.get("_reads", {}).values())
        if number == node._data and (reader is None or reader() is None or reader() not in graph)
    ]
    return [line for line in dict.fromkeys(lines) if not line.only_shows_or_compares]


class _Endless(BaseException):
    """A run with shifted numbers reads far more of them than the first run: its loop does not end."""


_tickets = itertools.count()
_session = os.urandom(8).hex()  # a pickle from another process knows no node of this one


class Watch:
    """One run of a function whose derivative is taken: which numbers it reads that depend on the variables."""

    paused = False
    # Of a run with shifted numbers:
    shifts = False
    shift, steps = 0.0, 0
    alike = False  # whether all are shifted by the same share of their size
    only: Line | None = None  # the line whose numbers alone are shifted
    left = 0  # how many more numbers may be read

    def __init__(self, variables: Sequence[Any]) -> None:
        self._variables = variables
        self.found: list[tuple[Any, Line, bool]] = []  # (node, line, whether it was read as an integer)
        self.written: dict[Any, float] = {}  # the data that Values had before they were written
        self.thread = get_ident()

    def __enter__(self) -> Watch:
        watching.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        watching.remove(self)

    @cached_property
    def _depends(self) -> dict[Any, bool]:
        return dict.fromkeys(self._variables, True)

    @cached_property
    def kept(self) -> dict[int, Any]:
        """Nodes that were pickled, by their ticket."""
        return {}

    @cached_property
    def _order(self) -> dict[Any, int]:
        """The nodes whose numbers were shifted, in the order in which they were first read."""
        return {}

    def depends(self, node: Any) -> bool:
        """Whether a node is one of the variables, or was made of one."""
        known, stack = self._depends, [node]
        while stack:
            here = stack[-1]
            if here in known:
                stack.pop()
                continue
            arguments = here._prev
            waiting = [argument for argument in arguments if argument not in known]
            if waiting:
                stack += waiting
            else:
                known[here] = any(known[argument] for argument in arguments)
        return known[node]

    def largest(self) -> float:
        """The largest number among the nodes that were looked at."""
        sizes = [abs(node._data) for node in self._depends]
        return max((size for size in sizes if size < math.inf), default=0.0)

    def read(self, node: Any, number: Any, whole: bool, frame: FrameType) -> Any:
        if self.paused:
            return number
        if not self.shifts:
            self.found.append((node, users_line(frame), whole))
            return number
        self.left -= 1
        if self.left < 0:
            raise _Endless
        if not self.depends(node) or (self.only and users_line(frame) != self.only):
            return number
        if whole:
            return number + self.steps
        # Each node its own shift, always the same: equal numbers do not cancel, and a - a stays 0.
        size = 1.0 if self.alike else 1.0 + 0.618034 * self._order.setdefault(node, len(self._order)) % 1.0
        return number + self.shift * size * (abs(number) or 1.0)


def written(node: Any) -> None:
    """To be called before data are written while a derivative is taken."""
    for watch in tuple(watching):
        watch.written.setdefault(node, node._data)


def in_derivative(node: Any) -> bool:
    """Whether a derivative is being taken to what this node was made of; its copies are the node itself then."""
    return any(watch.depends(node) for watch in tuple(watching))


def ticket(node: Any) -> tuple[str, int]:
    """By which `held` finds this node again, as long as its derivative is being taken."""
    number = next(_tickets)
    for watch in tuple(watching):
        if watch.depends(node):
            watch.kept[number] = node
    return _session, number


def held(ticket: tuple[str, int]) -> Any:
    """The node with that ticket; None if its derivative is no longer being taken, or is taken elsewhere."""
    session, number = ticket
    return next((w.kept[number] for w in tuple(watching) if session == _session and number in w.kept), None)


def is_trying() -> bool:
    """Whether this thread is in a run with shifted numbers, in which nothing has to be watched."""
    return bool(watching) and any(watch.shifts and watch.thread == get_ident() for watch in tuple(watching))


@dataclass(frozen=True)
class Lost:
    """Where a number was read with which the result is computed, and of which node."""

    line: Line
    node: Any


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
        again = Watch(variables)
        again.shifts, again.alike, again.left, again.only = True, self.alike, self.limit, only
        again.shift, again.steps = (0.0, self.sign * times) if whole else (self.sign * times * SHIFT, 0)
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
        if self._follows(whole):
            return True
        self.alike = self.moves and not whole
        return self.alike and self._follows(whole)

    def _follows(self, whole: bool) -> bool:
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
