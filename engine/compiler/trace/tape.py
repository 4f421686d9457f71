"""The tape: what a function does, written down in order, and where it does something that cannot be written down."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from math import copysign
from operator import is_
from pathlib import Path
from typing import Any

import numpy as np

from ...graph import topological_order
from ...op import Op
from ...ops import identity
from ...value import Value

_folders = [Path(__file__).resolve().parents[2], Path(np.__file__).parent, Path(os.__file__).parent]
_folders.append(_folders[0].parent / "nn")
# Before version 1.25, NumPy has frames of code that is in no file.
LIBRARY = re.compile(
    "|".join(re.escape(f"{folder}{os.sep}") for folder in _folders) + "(?!site-packages)|<__array_function__ internals>"
)
_data: Any = Value.__dict__["_data"]  # the slot itself: reading that of Traced would count as reading a number
new = object.__new__


@dataclass(frozen=True)
class Frozen:
    """A line on which the function read a number, so that what was traced holds for that number alone."""

    file: str
    line: int
    read: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.read}"


class TraceError(TypeError):
    """The function cannot be traced, because what it does depends on the numbers of one example.

    >>> import numpy as np
    >>> from chainrule import TraceError, Value, compile
    >>> try:
    ...     compile(lambda x: x * float(x), params=[Value(1.0)])(np.array([1.0, 2.0]))
    ... except TraceError as error:
    ...     print("was read" in str(error))
    True
    """


class Tape:
    """The operations of one run, in order. Their results have no numbers; `number` computes one that may be read."""

    def __init__(
        self, inputs: Sequence[Value], example: Sequence[float], allow: bool, sums_at_once: bool = False
    ) -> None:  # fmt: skip
        for i, x in enumerate(inputs):
            x.__dict__ = {"label": f"x{i}"}  # this also removes the attributes that an earlier run has set
        self.nodes: list[Any] = []
        self.lines: list[tuple[str, int]] = []  # of the user's own code, for each node
        self.numbers = dict(zip(map(id, inputs), example))
        self.integers = {id(x) for x in inputs if not x.requires_grad}
        self.allow = allow
        self.numbers_read: list[Frozen] = []
        self.sums_at_once = sums_at_once  # whether a neuron's sum is one instruction, whose terms add up in any order
        self.error: TraceError | None = None  # the first one, which is raised even if the function catches it

    def record(self, kind: Any, op: Op, left: Any, right: Any, more: tuple[Any, ...] | None = None) -> Any:
        """Make the node for an operation, and add it to the tape."""
        node = new(kind)
        node.operation = op
        node._left = left
        node._right = right
        node._requires_grad = True
        node._users = 0
        if more is not None:
            node._more = more
        self.nodes.append(node)
        self.lines.append(own_line(sys._getframe(2)))
        return node

    def wrap(self, node: Any) -> None:
        """Add a node that was made already: Value(x) of a traced x."""
        self.nodes.append(node)
        self.lines.append(own_line(sys._getframe(2)))

    def failed(self, said: str) -> TraceError:
        """The error to raise. NumPy or the function itself may catch it; then it is raised when the run is over."""
        problem = TraceError(said)
        self.error = self.error or problem
        return problem

    def number(self, value: Value) -> float:
        """The number that any Value has in this example."""
        known, stack = self.numbers, [value]
        while stack:
            node: Any = stack.pop()
            try:
                known.setdefault(id(node), _data.__get__(node))
            except AttributeError:  # it is an input, or was computed in the function
                waiting = [a for a in node._prev if id(a) not in known]
                if waiting:
                    stack += (node, *waiting)
                elif id(node) not in known:
                    numbers = [a if a.__class__ is float else known[id(a)] for a in node.arguments]
                    known[id(node)] = node.operation.evaluate(numbers, node.arguments)
        return known[id(value)]


class Replay(Tape):
    """The tape of another run. As long as that run does what the first one did, it is given the first one's nodes."""

    def __init__(self, inputs: Sequence[Value], example: Sequence[float], allow: bool, first: Tape) -> None:
        super().__init__(inputs, example, allow, first.sums_at_once)
        self.expected = iter(first.nodes)
        self.differs: Frozen | None = None  # the first line on which this run did something else

    def record(self, kind: Any, op: Op, left: Any, right: Any, more: tuple[Any, ...] | None = None) -> Any:
        """The node that the first run has for the same operation; a new one if it has none."""
        node = next(self.expected, None)
        if (
            node is not None
            and node.operation is op
            and (node._left is left or same_argument(node._left, left))
            and (node._right is right or same_argument(node._right, right))
            and (more is None or _same_arguments(more, node._more))
        ):
            node._left, node._right = left, right  # gradients() inside the function looks for this run's own constants
            if more is not None:
                node._more = more
            return node
        self.expected = iter(())
        self.differs = self.differs or user_line(op.name)
        return super().record(kind, op, left, right, more)

    def wrap(self, node: Any) -> None:
        """The nodes of both runs stay; `same_argument` knows that they stand for the same."""
        expected = next(self.expected, None)
        if expected is None or not same_argument(expected, node):
            self.expected = iter(())
            self.differs = self.differs or user_line("Value")
            super().wrap(node)


def _same_arguments(one: Sequence[Any], other: Sequence[Any]) -> bool:
    return len(one) == len(other) and (all(map(is_, one, other)) or all(map(same_argument, one, other)))


# None where nothing is being traced in this thread; another thread may be tracing at the same time.
current_tape: ContextVar[Tape | None] = ContextVar("tape", default=None)
current = current_tape.get


def stored_number(value: Value) -> float:
    """The number of any Value that has one; this does not count as reading it."""
    try:
        number: float = _data.__get__(value)
    except AttributeError:
        raise TraceError(
            f"{value.label or value._op or 'a Value'} has no number here: it belongs to a function that was traced. A "
            "function that is compiled cannot keep Values (in a list, an attribute, a cache) for another call, or for "
            "another thread; return them, or hand them in as inputs"
        ) from None
    return number


def same_argument(a: Any, b: Any) -> bool:
    """Whether two arguments are one object, the same number, or constants that were made in the same way."""
    if a is b or a.__class__ is not b.__class__:
        return a is b
    if a.__class__ is float:
        return a != a and b != b if a != b else copysign(1.0, a) == copysign(1.0, b)
    if hasattr(a, "original"):  # it is a Traced
        return a.operation is identity and b.operation is identity and same_argument(a._left, b._left)
    orders = topological_order(a), topological_order(b)
    return len(orders[0]) == len(orders[1]) and all(
        x is y or (x.operation is y.operation and not hasattr(x, "original") and same_argument(x._data, y._data))
        for x, y in zip(*orders)
    )


@cache  # to match a file's name takes longer than all else in a trace
def is_library(file: str) -> bool:
    """Whether the engine, the layer nn, NumPy or Python brings this file."""
    return LIBRARY.match(file) is not None


def own_line(frame: Any) -> tuple[str, int]:
    """The file and the line that run now in the user's own code, seen from a frame of the library's."""
    while is_library(file := frame.f_code.co_filename) and frame.f_back:  # in this order: to look at f_back takes time
        frame = frame.f_back
    return file, frame.f_lineno


def user_line(what: str) -> Frozen:
    """The line that runs now in the user's own code, with what it did."""
    return Frozen(*own_line(sys._getframe(2)), what)


def forbid(said: str) -> None:
    """Raise a TraceError if this thread is tracing a function; do nothing for code in other threads."""
    tape = current()
    if tape is not None:
        raise tape.failed(str(user_line(said)))
