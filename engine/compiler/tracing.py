"""Stage 1: call the function on Values that write down what is done to them and notice when their numbers are read."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from math import copysign
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from .. import ops
from ..numbers import number
from ..operators import Operators
from ..recording import enable_grad, recording
from ..row import OPS, Op
from ..value import Value

OURS, PYTHON = Path(__file__).resolve().parents[1], Path(os.__file__).parent
LIBRARIES = tuple(f"{folder}{os.sep}" for folder in (OURS, Path(np.__file__).parent, PYTHON))
_data: Any = Value.__dict__["data"]  # the slots, past Traced.data and Traced.grad
_grad: Any = Value.__dict__["grad"]
ONE_AT_A_TIME = threading.RLock()  # parameters change their class while a function is traced
new = object.__new__


@dataclass(frozen=True)
class Frozen:
    """A place where the function read a number, so that it was traced for that number alone."""

    file: str
    line: int
    read: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.read}"


class TraceError(TypeError):
    """The function cannot be traced: what it does depends on numbers of one example."""


class Tape:
    """What a function does, in order. Its nodes have no numbers: those are computed for one who may look."""

    def __init__(self, inputs: Sequence[Value], example: Sequence[float], allow: bool) -> None:
        self.nodes: list[Traced] = []
        self.numbers = dict(zip(map(id, inputs), example))
        self.integers = {id(x) for x in inputs if not x.requires_grad}
        self.allow = allow
        self.frozen: list[Frozen] = []
        self.error: TraceError | None = None  # the first one, for a function that catches it

    def record(self, kind: Any, op: Op, left: Any, right: Any, more: tuple[Any, ...] | None = None) -> Any:
        """The node for an operation."""
        node = new(kind)
        node.operation = op
        node._left = left
        node._right = right
        node.requires_grad = True
        if more is not None:
            node._more = more
        self.nodes.append(node)
        return node

    def failed(self, said: str) -> TraceError:
        """The error to raise. NumPy, or the function itself, may catch it and go on: then it comes at the end."""
        problem = TraceError(said)
        self.error = self.error or problem
        return problem

    def number(self, value: Value) -> float:
        """The number of any Value in this example."""
        stack: list[Any] = [value]
        while stack:
            node = stack.pop()
            if node.operation is None or not isinstance(node, Traced) or id(node) in self.numbers:
                continue
            waiting = [a for a in node.arguments if isinstance(a, Traced) and a.operation and id(a) not in self.numbers]
            if waiting:
                stack += (node, *waiting)
            else:
                numbers = [a if a.__class__ is float else self._known(a) for a in node.arguments]
                self.numbers[id(node)] = node.operation.evaluate(numbers, node.arguments)
        return self._known(value)

    def _known(self, value: Value) -> float:
        known = self.numbers.get(id(value))
        return raw(value) if known is None else known


class Replay(Tape):
    """The tape of another run. As long as that does the same as the first one, it gets the nodes of the first."""

    def __init__(self, inputs: Sequence[Value], example: Sequence[float], allow: bool, first: Tape) -> None:
        super().__init__(inputs, example, allow)
        self.expected = iter(first.nodes)
        self.differs: Frozen | None = None  # the first place where the runs did not do the same

    def record(self, kind: Any, op: Op, left: Any, right: Any, more: tuple[Any, ...] | None = None) -> Any:
        """The node of the first run for the same operation, or else a new one."""
        node = next(self.expected, None)
        if (
            node is not None
            and node.operation is op
            and (node._left is left or same(node._left, left))
            and (node._right is right or same(node._right, right))
            and (more is None or (len(more) == len(node._more or ()) and all(map(same, more, node._more or ()))))
        ):
            node._left, node._right = left, right  # gradients to this run's own constants find them
            if more is not None:
                node._more = more
            return node
        self.expected = iter(())
        self.differs = self.differs or _reader(op.name)
        return super().record(kind, op, left, right, more)


_tape: ContextVar[Tape | None] = ContextVar("tape", default=None)  # None: nothing is traced here, whatever others do
current = _tape.get


class Traced(Value):
    """A Value in a function that is being traced: an input, a parameter, or what was computed from them.

    For other threads, to whom a parameter is what it was, it behaves as that.
    """

    __slots__ = ()
    original: type[Value] = Value

    @property
    def data(self) -> float:
        """Reading it freezes the trace to this example's number: an error, or noted."""
        tape = current()
        if tape is None:
            return raw(self)
        place = _reader(f"the number of {self.label or self._op or 'an input or a parameter'} was read")
        if not tape.allow:
            raise tape.failed(
                f"{place}: what follows holds for this example alone, so it cannot be compiled. Write it with "
                'operations (where, maximum, step, pick), or use compile(..., frozen="allow")'
            )
        tape.frozen.append(place)
        return tape.number(self)

    @data.setter
    def data(self, data: float) -> None:
        _only_elsewhere(".data was written: a function that is compiled cannot change numbers")
        _data.__set__(self, data)

    @property
    def grad(self) -> float:
        """None is computed while tracing."""
        _only_elsewhere(".grad was read: in a compiled function, use gradients(y, xs)")
        return _slot(_grad, self)

    @grad.setter
    def grad(self, grad: float) -> None:
        _only_elsewhere(".grad was written: a function that is compiled cannot change gradients")
        _grad.__set__(self, grad)

    def __index__(self) -> int:
        _only_elsewhere("a list was indexed by a traced number; write pick(values, index), or Table(rows)[index]")
        raise TypeError("indices are integers, not Values; write pick(values, index), or Table(rows)[index]")

    def __eq__(self, other: object) -> bool:
        """Of the objects, as with any Value; comparing with a number is reading, or `label == 2` would be False."""
        if isinstance(other, (Real, np.bool_)) and current() is not None:
            return bool(self.data == other)
        return NotImplemented if other is not self else True

    def __hash__(self) -> int:
        tape = current()
        if tape is not None and id(self) in tape.integers:
            raise tape.failed(
                f"{_reader(f'{self.label} was looked up in a dictionary or a set')}: a traced integer has no number "
                "there; write pick(values, index), or Table(rows)[index]"
            )
        return object.__hash__(self)

    def __repr__(self) -> str:
        elsewhere = current() is None and self.operation is None  # a parameter
        return super().__repr__() if elsewhere else f"Traced({self.label or self._op or 'input'})"

    def __reduce__(self) -> tuple[Any, ...]:
        make, (_, *state), attributes = super().__reduce__()
        return make, (self.original, *state), attributes

    @classmethod
    def __apply__(cls, op: Op, arguments: Sequence[Any]) -> Value:
        tape = current()
        if tape is None:
            return cls.original.__apply__(op, arguments)
        if not recording():
            raise tape.failed(f"{_reader(op.name)} inside no_grad(): a compiled function has to remember all it does")
        arguments = [a if isinstance(a, Value) else number(a, op.name) for a in arguments]
        if op.variadic or op.arity > 2:
            return tape.record(cls, op, 0.0, 0.0, tuple(arguments))  # type: ignore[no-any-return]
        return tape.record(cls, op, *arguments, *[0.0] * (2 - op.arity))  # type: ignore[no-any-return]

    @property
    def arguments(self) -> tuple[Any, ...]:
        """The Values and floats that the operation was applied to, in order."""
        if self._more is not None:
            return self._more
        op = self.operation
        return () if not isinstance(op, Op) else (self._left, self._right) if op.arity == 2 else (self._left,)

    @property
    def _edges(self) -> tuple[tuple[Any, float], ...]:
        return tuple((argument, 0.0) for argument in self.arguments)  # local derivatives come from the rules, later

    def _check_unchanged(self) -> None:
        """Nothing changes while tracing."""

    @property
    def _local_grads(self) -> tuple[float, ...]:
        _only_elsewhere("_local_grads was read: in a compiled function, use gradients(y, xs)")
        return ()  # of a leaf

    def backward(self) -> None:
        """Not while tracing."""
        _only_elsewhere("backward() was called: in a compiled function, use gradients(y, xs)")
        super().backward()

    def refresh(self) -> None:
        """Not while tracing."""
        _only_elsewhere("refresh() was called: in a compiled function nothing is out of date")
        super().refresh()


def _binary(op: Op, general: Callable[[Any, Any], Any], reflected: bool) -> Callable[[Any, Any], Any]:
    """An operator of Traced, straight to the tape where nothing is unusual."""

    def forwards(self: Any, other: Any) -> Any:
        tape, kind = current(), self.__class__
        if other.__class__ is int:
            other += 0.0  # a quicker float()
        if tape is not None and (other.__class__ is kind or other.__class__ is float) and recording():
            return tape.record(kind, op, self, other)
        return general(self, other)

    def backwards(self: Any, other: Any) -> Any:
        tape = current()
        if other.__class__ is int:
            other += 0.0
        if tape is not None and other.__class__ is float and recording():
            return tape.record(self.__class__, op, other, self)
        return general(self, other)

    return backwards if reflected else forwards


def _missing(sign: str) -> Callable[..., Any]:
    """What plain integers have and Values have not."""

    def method(self: Any, *_: Any) -> Any:
        _only_elsewhere(f"{sign} is no operation that can be compiled; compute it before, and hand it in as an input")
        return NotImplemented

    return method


def _unary(op: Op, general: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def method(self: Any) -> Any:
        tape = current()
        return tape.record(self.__class__, op, self, 0.0) if tape is not None and recording() else general(self)

    return method


for _op in OPS.values():
    if _op.arity == 1 and hasattr(Operators, _op.name):
        setattr(Traced, _op.name, _unary(_op, getattr(Operators, _op.name)))
for _spelled, _op in {
    "__add__": ops.add, "__radd__": ops.add, "__sub__": ops.subtract, "__rsub__": ops.subtract,
    "__mul__": ops.multiply, "__rmul__": ops.multiply, "__truediv__": ops.divide, "__rtruediv__": ops.divide,
    "__pow__": ops.power, "__rpow__": ops.power,
}.items():  # fmt: skip
    setattr(Traced, _spelled, _binary(_op, getattr(Operators, _spelled), _spelled.startswith("__r")))
for _name, _sign in {"mod": "%", "floordiv": "//", "and": "&", "or": "|", "xor": "^"}.items():
    for _prefix in ("__", "__r"):
        setattr(Traced, f"{_prefix}{_name}__", _missing(_sign))
Traced.__neg__ = _unary(ops.neg, Operators.__neg__)  # type: ignore[method-assign]


def _only_elsewhere(said: str) -> None:
    tape = current()
    if tape is not None:
        raise tape.failed(str(_reader(said)))


def _slot(slot: Any, value: Value) -> float:
    try:
        number: float = slot.__get__(value)
    except AttributeError:
        raise TraceError(
            f"{value.label or value._op or 'a Value'} has no number here: it belongs to a function that was traced. A "
            "function that is compiled cannot keep Values (in a list, an attribute, a cache) for another call, or for "
            "another thread: return them, or hand them in"
        ) from None
    return number


def raw(value: Value) -> float:
    """The number of any Value that has one, unnoticed."""
    return _slot(_data, value)


def traced(label: str, requires_grad: bool = True) -> Traced:
    """An input; an integer one requires no gradient."""
    node = new(Traced)
    node.operation, node.label, node.requires_grad = None, label, requires_grad
    return node


def same(a: Any, b: Any) -> bool:
    """Whether two arguments are the same one, the same number, or constants of the same number."""
    if a is b or a.__class__ is not b.__class__:
        return a is b
    if a.__class__ is float:
        return a != a and b != b if a != b else copysign(1.0, a) == copysign(1.0, b)
    if isinstance(a, Traced) or a.operation is not None or b.operation is not None:
        return False
    return same(a.data, b.data)


def _in_a_library(file: str) -> bool:
    ours = file.startswith(LIBRARIES[:2])
    return ours or (file.startswith(LIBRARIES[2]) and "site-packages" not in file)  # those stand in Python's folder


def _reader(what: str) -> Frozen:
    """Where, outside the engine, NumPy and Python's own modules, that happens; looked up only when it does."""
    frame = sys._getframe(1)
    while frame.f_back and _in_a_library(frame.f_code.co_filename):
        frame = frame.f_back
    return Frozen(frame.f_code.co_filename, frame.f_lineno, what)


def _noticing(kind: type[Value]) -> type[Value]:
    """The class that a parameter of this class has meanwhile: with the methods and slots of its own."""
    if issubclass(kind, Traced):
        return kind
    return Traced if kind is Value else type(kind.__name__, (kind, Traced), {"__slots__": (), "original": kind})


@contextmanager
def paused_collector() -> Iterator[None]:
    """Inside it, nobody looks for garbage: a tape is large and has none, and looking would take longer than tracing."""
    was_on = gc.isenabled()
    try:
        gc.disable()
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def tracing(parameters: Sequence[Value], tape: Tape) -> Iterator[None]:
    """Inside it, the parameters notice when they are read, too."""
    with ONE_AT_A_TIME:
        token = _tape.set(tape)
        classes = [parameter.__class__ for parameter in parameters]
        kinds = {kind: _noticing(kind) for kind in set(classes)}
        try:
            for parameter in parameters:
                parameter.__class__ = kinds[parameter.__class__]
            with enable_grad():
                yield
        finally:
            for parameter, kind in zip(parameters, classes):
                parameter.__class__ = kind
            _tape.reset(token)


@dataclass
class Trace:
    """What a function gave, and what it did for it."""

    outputs: list[Value]
    several: bool  # whether it gave a list of them
    tape: Tape

    def is_as(self, first: Trace) -> bool:
        """Whether another run did and gave the same; if False, it may still have come to the same in another way."""
        alike = len(self.outputs) == len(first.outputs) and all(map(same, self.outputs, first.outputs))
        return alike and self.several == first.several


def trace(f: Callable[..., Any], arguments: Sequence[Any], parameters: Sequence[Value], tape: Tape) -> Trace:
    """Run f once.

    Errors: TraceError where f reads a number, TypeError if it gives something else than Values and numbers.
    """
    try:
        with tracing(parameters, tape):
            result = f(*arguments)
    except Exception as problem:
        if tape.error not in (None, problem):
            raise tape.error from problem
        raise
    if tape.error is not None:
        raise tape.error
    several = hasattr(result, "__len__") and not isinstance(result, (dict, str))
    if several and not len(result):
        raise TypeError(f"compile: the function returned no output: {result!r}")
    outputs = []
    for output in result if several else [result]:
        try:
            outputs.append(output if isinstance(output, Value) else Value(number(output, "compile")))
        except TypeError:
            raise TypeError(f"compile: the function returned {type(output).__name__} {output!r}, not a Value") from None
    return Trace(outputs, several, tape)
