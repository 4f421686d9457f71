"""Stage 1: call the function on Values that write down what is done to them and notice when their numbers are read."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from numbers import Real
from typing import Any

import numpy as np

from ... import ops
from ...graph import LEAF, NEVER
from ...numeric import number
from ...op import OPS, Op
from ...operators import Operators
from ...recording import enable_grad, recording
from ...value import Value
from .tape import Tape, TraceError, current, current_tape, forbid, new, place, raw

_data: Any = Value.__dict__["data"]  # the slots, past Traced.data and Traced.grad
_grad: Any = Value.__dict__["grad"]
ONE_AT_A_TIME = threading.RLock()  # parameters change their class while a function is traced


class Traced(Value):
    """A Value in a function that is being traced: an input, a parameter, or what was computed from them.

    For other threads, to whom a parameter is what it was, it behaves as that.
    """

    __slots__ = ()
    original: type[Value] = Value
    __outranks__ = True  # a user's own class too: nothing that is done while tracing may be missing on the tape

    @property
    def data(self) -> float:
        """Reading it freezes the trace to this example's number: an error, or noted."""
        tape = current()
        if tape is None:
            return raw(self)
        where = place(f"the number of {self.label or self._op or 'an input or a parameter'} was read")
        if not tape.allow:
            raise tape.failed(
                f"{where}: what follows holds for this example alone, so it cannot be compiled. Write it with "
                'operations (where, maximum, step, pick), or use compile(..., frozen="allow")'
            )
        tape.frozen.append(where)
        return tape.number(self)

    @data.setter
    def data(self, data: float) -> None:
        forbid(".data was written: a function that is compiled cannot change numbers")
        _data.__set__(self, data)

    @property
    def grad(self) -> float:
        """None is computed while tracing."""
        forbid(".grad was read: in a compiled function, use gradients(y, xs)")
        result: float = _grad.__get__(self)
        return result

    @grad.setter
    def grad(self, grad: float) -> None:
        forbid(".grad was written: a function that is compiled cannot change gradients")
        _grad.__set__(self, grad)

    def __index__(self) -> int:
        forbid("a list was indexed by a traced number; write pick(values, index), or Table(rows)[index]")
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
                f"{place(f'{self.label} was looked up in a dictionary or a set')}: a traced integer has no number "
                "there; write pick(values, index), or Table(rows)[index]"
            )
        return object.__hash__(self)

    def __repr__(self) -> str:
        try:
            return super().__repr__() if current() is None else f"Traced({self.label or self._op or 'input'})"
        except TraceError:  # what was computed while tracing has no number
            return f"Traced({self.label or self._op})"

    @classmethod
    def __apply__(cls, op: Op, arguments: Sequence[Any]) -> Any:
        tape = current()
        if tape is None:
            return cls.original.__apply__(op, arguments)
        if not recording():
            raise tape.failed(f"{place(op.name)} inside no_grad(): a compiled function has to remember all it does")
        arguments = [a if isinstance(a, Value) else number(a, op.name) for a in arguments]
        if op.variadic or op.arity > 2:
            return tape.record(cls, op, 0.0, 0.0, tuple(arguments))
        return tape.record(cls, op, *arguments, *[0.0] * (2 - op.arity))

    @property
    def arguments(self) -> tuple[Any, ...]:
        """The Values and floats that the operation was applied to, in order."""
        if self._more is not None:
            return self._more
        op = self.operation
        return () if not isinstance(op, Op) else (self._left, self._right) if op.arity == 2 else (self._left,)

    @property
    def _prev(self) -> tuple[Value, ...]:
        return tuple([argument for argument in self.arguments if argument.__class__ is not float])

    @property
    def _edges(self) -> tuple[tuple[Any, float], ...]:
        return tuple((argument, 0.0) for argument in self.arguments)  # local derivatives come from the rules, later

    def _check_unchanged(self) -> None:
        """Nothing changes while tracing."""

    @property
    def _local_grads(self) -> tuple[float, ...]:
        forbid("_local_grads was read: in a compiled function, use gradients(y, xs)")
        return ()  # of a leaf

    def backward(self) -> None:
        """Not while tracing."""
        forbid("backward() was called: in a compiled function, use gradients(y, xs)")
        raw(self)  # what was computed while tracing has none
        super().backward()

    def refresh(self) -> None:
        """Not while tracing."""
        forbid("refresh() was called: in a compiled function nothing is out of date")
        super().refresh()


def _unary(op: Op, general: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A method of Traced, straight to the tape where nothing is unusual."""

    def method(self: Any) -> Any:
        tape = current()
        return tape.record(self.__class__, op, self, 0.0) if tape is not None and recording() else general(self)

    return method


def _binary(op: Op, general: Callable[[Any, Any], Any], reflected: bool) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        tape, kind = current(), self.__class__
        if other.__class__ is int:
            other += 0.0  # a quicker float()
        if tape is not None and (other.__class__ is kind or other.__class__ is float) and recording():
            return tape.record(kind, op, other, self) if reflected else tape.record(kind, op, self, other)
        return general(self, other)

    return method


for _name, _op in {**{op.name: op for op in OPS.values() if op.arity == 1}, "__neg__": ops.neg}.items():
    if hasattr(Operators, _name):
        setattr(Traced, _name, _unary(_op, getattr(Operators, _name)))
for _name, _op in [("add", ops.add), ("sub", ops.subtract), ("mul", ops.multiply), ("truediv", ops.divide),
                   ("pow", ops.power)]:  # fmt: skip
    for _prefix in ("__", "__r"):
        _spelled = f"{_prefix}{_name}__"
        setattr(Traced, _spelled, _binary(_op, getattr(Operators, _spelled), _prefix == "__r"))


def traced(requires_grad: bool) -> Traced:
    """An input; an integer one requires no gradient."""
    node = new(Traced)
    node.operation, node._uses = None, LEAF if requires_grad else LEAF + NEVER
    return node


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
        token = current_tape.set(tape)
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
            current_tape.reset(token)


def trace(
    f: Callable[..., Any], arguments: Sequence[Any], parameters: Sequence[Value], tape: Tape
) -> tuple[list[Value], bool]:
    """Run f once: its outputs, and whether it gave a list of them.

    Errors: TraceError where f reads a number, TypeError if it gives something else than Values and numbers.
    """
    try:
        with tracing(parameters, tape):
            result = f(*arguments)
    finally:
        if tape.error is not None:
            raise tape.error  # also where the function has caught it
    result = result.item() if isinstance(result, np.ndarray) and result.ndim == 0 else result
    several = hasattr(result, "__len__") and not isinstance(result, (dict, str))
    if several and not len(result):
        raise TypeError(f"compile: the function returned no output: {result!r}")
    outputs = []
    for output in result if several else [result]:
        try:
            outputs.append(output if isinstance(output, Value) else Value(number(output, "compile")))
        except TypeError:
            instead = "; return one Value, or a flat list of them" if several else ""
            said = f"compile: the function returned {type(output).__name__} {output!r}, not a Value{instead}"
            raise TypeError(said) from None
    return outputs, several
