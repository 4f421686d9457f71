"""Stage 1: call the function on Values that notice when somebody looks at their numbers."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from ..fast import FastOperators
from ..numbers import number
from ..operators import Operators
from ..recording import enable_grad, recording
from ..row import Op
from ..value import Value

LIBRARIES = tuple(f"{folder}{os.sep}" for folder in (Path(__file__).resolve().parents[1], Path(np.__file__).parent))
_data: Any = Value.__dict__["data"]  # the slot, past Traced.data
ONE_AT_A_TIME = threading.RLock()  # parameters change their class while a function is traced


@dataclass(frozen=True)
class Frozen:
    """A place where the function read a number, so that it was traced for that number alone."""

    file: str
    line: int
    read: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.read}"


_frozen: ContextVar[list[Frozen] | None] = ContextVar("frozen", default=None)  # None: reading is an error


class TraceError(TypeError):
    """The function cannot be traced: what it does depends on numbers of one example."""


class Traced(Value):
    """A Value in a function that is being traced: an input, a parameter, or what was computed from them."""

    __slots__ = ()

    @property
    def data(self) -> float:
        """Reading it freezes the trace to this example's number: an error, or noted."""
        frozen = _frozen.get()
        place = _reader(f"the number of {self.label or self._op or 'an input or a parameter'} was read")
        if frozen is None:
            raise TraceError(
                f"{place}: what follows holds for this example alone, so it cannot be compiled. Write it with "
                'operations (where, maximum, step, pick), or use compile(..., frozen="allow")'
            )
        frozen.append(place)
        return raw(self)

    @data.setter
    def data(self, _: float) -> NoReturn:
        raise TraceError(f"{_reader('.data was written')}: a function that is compiled cannot change numbers")

    def __index__(self) -> int:
        where = _reader("a list was indexed")
        raise TraceError(f"{where} by a traced number; write pick(values, index)")

    def __repr__(self) -> str:
        return f"Traced({self.label or self._op or 'input'})"

    @classmethod
    def __apply__(cls, op: Op, arguments: Sequence[Any]) -> Value:
        if not recording():
            raise TraceError(f"{_reader(op.name)} inside no_grad(): a compiled function has to remember all it does")
        arguments = [a if isinstance(a, Value) else number(a, op.name) for a in arguments]
        return traced(op.evaluate([a if a.__class__ is float else raw(a) for a in arguments]), op, arguments)

    def _check_unchanged(self) -> None:
        """Nothing changes while tracing."""

    @property
    def _local_grads(self) -> NoReturn:
        raise TraceError(f"{_reader('_local_grads was read')}: in a compiled function, use gradients(y, xs)")

    def backward(self) -> NoReturn:
        raise TraceError(f"{_reader('backward() was called')}: in a compiled function, use gradients(y, xs)")


# The fast operators look at numbers: the general ones do not.
for _name in vars(FastOperators):
    if callable(getattr(FastOperators, _name)) and hasattr(Operators, _name) and _name in vars(Operators):
        setattr(Traced, _name, vars(Operators)[_name])


def raw(value: Value) -> float:
    """The number of any Value, unnoticed."""
    result: float = _data.__get__(value)
    return result


def traced(data: float, op: Op | None = None, arguments: Sequence[Any] = (), label: str = "") -> Traced:
    """A node without local derivatives: those are derived from the rules later."""
    node = Traced.__new__(Traced)
    node._clear()
    _data.__set__(node, data)
    node.label, node.requires_grad = label, True
    if op is not None:
        node._record(op, arguments, [0.0] * len(arguments))
    return node


def _reader(what: str) -> Frozen:
    """Where, outside the engine and NumPy, that happens; looked up only when it does."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_code.co_filename.startswith(LIBRARIES):
        frame = frame.f_back
    return Frozen(frame.f_code.co_filename, frame.f_lineno, what)


@contextmanager
def tracing(parameters: Sequence[Value], allow: bool) -> Iterator[list[Frozen]]:
    """Inside it, the parameters notice when they are read, too."""
    noted: list[Frozen] = []
    with ONE_AT_A_TIME:
        token = _frozen.set(noted if allow else None)
        classes = [parameter.__class__ for parameter in parameters]
        try:
            for parameter in parameters:
                parameter.__class__ = Traced
            with enable_grad():
                yield noted
        finally:
            for parameter, kind in zip(parameters, classes):
                parameter.__class__ = kind
            _frozen.reset(token)


def trace(
    f: Callable[..., Any], arguments: Sequence[Any], parameters: Sequence[Value], allow: bool
) -> tuple[list[Value], bool, list[Frozen]]:
    """The outputs of f (Values), whether it gave a list of them, and what was frozen."""
    with tracing(parameters, allow) as noted:
        result = f(*arguments)
    several = not isinstance(result, Value) and hasattr(result, "__len__")
    if several and not len(result):
        raise TypeError(f"compile: the function returned no output: {result!r}")
    outputs = []
    for output in result if several else [result]:
        try:
            outputs.append(output if isinstance(output, Value) else Value(number(output, "compile")))
        except TypeError:
            raise TypeError(f"compile: the function returned {type(output).__name__} {output!r}, not a Value") from None
    return outputs, several, noted
