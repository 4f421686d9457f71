"""Numbers that are read out of Values: by float(), math, `.data`, an array of floats, a format.

A number has no derivative, so a result that is computed from one has lost a path. Printing and comparing lose nothing.
Nobody can see what a plain float is used for.

**In a derivative** (grad, value_and_grad, jacobian, hessian, hvp), a `Watch` lists each number that is read and depends
on the variables. If there are any, lost_paths.py tries out whether the result was computed from them.

**In eager code** there is no function to run again. Each Value notes where float(), int(), round() or math took its
number (a short expression does so at its leaves), and `diagnose` names those that the loss is made of. It leaves out
what the text of the line shows to be printed or compared; of all others it cannot know whether they went into the loss.
"""

from __future__ import annotations

import itertools
import math
import os
import sys
import weakref
from collections.abc import Container, Sequence
from functools import cached_property
from threading import get_ident
from types import FrameType
from typing import Any

from .recording import recording
from .user_code import PACKAGE, Line, is_in, line_of

NOTES = 8  # different places that a Value remembers
SHORT = 4  # operations one after the other
SILENT = (PACKAGE + "engine.", PACKAGE + "viz.")  # modules whose own reads do not count: they lose no path
MESSENGER = PACKAGE + "engine.fast.leaves"  # reads for whoever calls it

watching: list[Watch] = []  # the derivatives that are being taken, in all threads, since a function may start one


def read(node: Any, number: Any, whole: bool = False, note: bool = False) -> Any:
    """The number that whoever reads it gets; the method of the Value that was asked for its number calls this.

    `whole`: the number is an integer. `note`: also outside of derivatives, remember where it was read.
    """
    if watching:
        frame = sys._getframe(2)
        while is_in(frame, MESSENGER) and frame.f_back:
            frame = frame.f_back
        if not is_in(frame, SILENT):
            for watch in tuple(watching):
                number = watch.read(node, number, whole, frame)
    elif note and node._notes_reads and recording():
        _note(node, sys._getframe(2))
    return number


def _note(node: Any, frame: FrameType) -> None:
    """Write the line down at the node and, since a short expression is soon gone, at the leaves that it was made of."""
    if is_in(frame, PACKAGE):
        return
    place = frame.f_code, frame.f_lasti
    notes = node.__dict__.setdefault("_reads", {})
    if place in notes or len(notes) >= NOTES:
        return
    line = line_of(frame)
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


_tickets = itertools.count()
_session = os.urandom(8).hex()  # a pickle from another process knows no node of this one


class Watch:
    """One run of a function whose derivative is taken: which numbers it reads that depend on the variables."""

    paused = False
    shifts = False  # whether it gives what reads a number another one, see lost_paths.py

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
        """The number that the reader gets; `whole`: it is read as an integer."""
        if not self.paused:
            self.found.append((node, line_of(frame), whole))
        return number


def written(node: Any) -> None:
    """To be called before data are written while a derivative is taken."""
    for watch in tuple(watching):
        watch.written.setdefault(node, node._data)


def in_derivative(node: Any) -> bool:
    """Whether a derivative is being taken to what this node was made of; its copies are the node itself then."""
    return any(watch.depends(node) for watch in tuple(watching))


def ticket(node: Any) -> tuple[str, int]:
    """A ticket by which `held` finds this node again, as long as its derivative is being taken."""
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
