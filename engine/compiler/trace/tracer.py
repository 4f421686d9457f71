"""Call the function on Values that write down what is done to them, and that notice when their numbers are read."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import FunctionType
from typing import Any

import numpy as np

from ... import ops
from ...copying import deep_copy, reduce
from ...fast.operators import FastOperators
from ...numeric import number, one_number
from ...op import OPS, Op
from ...operators import NumberIsTraced, Operators
from ...recording import enable_grad, recording
from ...value import Value
from .tape import Tape, TraceError, current, current_tape, forbid, new, stored_number, user_line

_number: Any = Value.__dict__["_data"]  # the slots themselves, which Traced's properties hide
_grad: Any = Value.__dict__["grad"]
ONE_AT_A_TIME = threading.RLock()  # while one thread traces a function, its parameters have another class

WIDE = 8  # inputs
LISTED = {"dict": "return list(result.values())", "generator": "return list(result)", "map": "return list(result)",
          "coroutine": "write a function without async, or return asyncio.run(result)"}  # fmt: skip
# The code of the operators that know the number of a Value, and leave those that are traced to the general ones.
WRITTEN_OUT = {method.__code__ for method in vars(FastOperators).values() if isinstance(method, FunctionType)}


class Traced(Value):
    """A Value in a function that is being traced: an input, a parameter, or what was computed from them.

    In other threads, a parameter that is being traced behaves as it did before.
    """

    __slots__ = ()
    original: type[Value] = Value
    _notes_reads = False
    __decided__ = False  # both sides of a where run, since which one is taken differs from example to example
    __outranks__ = True  # a user's own class too: nothing that is done while tracing may be missing on the tape

    def _called(self) -> str:
        """Its label, or what made it, as in `the result of tanh(x0)`."""
        if self.label or not isinstance(self.operation, Op):
            return self.label or "an input or a parameter"
        names = ["..." if a.__class__ is not float and not a.label else getattr(a, "label", "") or f"{a:g}" for a in
                 self.arguments]  # fmt: skip
        return f"the result of {self.operation.write(names if len(names) < 4 else [*names[:2], '...'], plain=True)}"

    @classmethod
    def __weighted__(cls, weights: Sequence[Any], inputs: Sequence[Any], start: Any) -> Any:
        """The sum of a wide neuron as one dot product, which is traced much faster than its terms one by one."""
        tape = current()
        if tape is None or not tape.sums_at_once or len(weights) != len(inputs) or len(weights) < WIDE:
            return None
        of_weights, of_inputs = {*map(type, weights)}, {*map(type, inputs)}
        if of_weights == {cls} and of_inputs <= {cls, float} and recording():
            return tape.record(cls, ops.dot, 0.0, 0.0, (*weights, *inputs)) + start
        if all_are(Traced, of_weights) and all_are((Traced, float), of_inputs):
            return ops.dot(weights, inputs) + start
        return None

    @property
    def data(self) -> float:
        """To read it fixes the trace to this example's number: that is an error, or is noted if frozen="allow"."""
        if sys._getframe(1).f_code in WRITTEN_OUT:
            raise NumberIsTraced
        tape = current()
        if tape is None:
            return stored_number(self)
        where = user_line(f"the number of {self._called()} was read")
        if not tape.allow:
            raise tape.failed(
                f"{where}: what follows holds for this example alone, so it cannot be compiled. Write it with "
                "operations (where, maximum, step, pick): in place of math.exp(x), chainrule.exp(x), without float() "
                "and .data; in place of `if x > 0`, where(step(x), a, b), with "
                "where(step(x), x, 1.0) in place of x wherever a has no value at x <= 0; maximum(a, b) or "
                "logsumexp(values) in place of max(). If the first example decides for all others, use "
                'compile(..., frozen="allow")'
            )
        tape.numbers_read.append(where)
        return tape.number(self)

    @data.setter
    def data(self, data: float) -> None:
        forbid(".data was written: a function that is compiled cannot change numbers")
        _number.__set__(self, data)

    @property
    def grad(self) -> float:
        """No gradient is computed while tracing, so to read one is an error."""
        forbid(".grad was read: in a compiled function, use gradients(y, xs)")
        result: float = _grad.__get__(self)
        return result

    @grad.setter
    def grad(self, grad: float) -> None:
        forbid(".grad was written: a function that is compiled cannot change gradients")
        _grad.__set__(self, grad)

    def __index__(self) -> int:
        forbid(
            "a list was indexed by a traced number, or something was counted by it, as in range(k); write "
            "pick(values, index), or Table(rows)[index], and in place of range(k) a range to the largest k there is, "
            "with where(step(k - i), a, 0.0) for what counts"
        )
        raise TypeError("indices are integers, not Values; write pick(values, index), or Table(rows)[index]")

    def __hash__(self) -> int:
        tape = current()
        if tape is not None and id(self) in tape.integers:
            raise tape.failed(
                f"{user_line(f'{self.label} was looked up in a dictionary or a set')}: an integer that is traced has "
                "no number there; write pick(values, index), or Table(rows)[index]"
            )
        return object.__hash__(self)

    def __repr__(self) -> str:
        try:
            return super().__repr__() if current() is None else f"Traced({self.label or self._op or 'input'})"
        except TraceError:  # what was computed while tracing has no number
            return f"Traced({self.label or self._op})"

    def _wrapped_in(self, node: Value) -> None:
        """Value(x), where x is a plain number as long as nothing is traced: that Value stands for x."""
        tape = current()
        if tape is None:
            one_number(self)  # the error that eager code raises
            return
        outer: Any = node
        outer.__class__ = _traced_class(node.__class__)
        outer.operation, outer._left, outer._right = ops.identity, self, 0.0
        tape.wrap(outer)

    @classmethod
    def __apply__(cls, op: Op, arguments: Sequence[Any]) -> Any:
        tape = current()
        if tape is None:
            return cls.original.__apply__(op, arguments)
        if not recording():
            raise tape.failed(
                f"{user_line(f'{op.name} was called inside no_grad()')}, where results remember nothing, so it cannot "
                "be compiled; take no_grad() out of the function"
            )
        if not all_are(Value, {*map(type, arguments)}):
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

    @property  # type: ignore[misc]
    def _prev(self) -> tuple[Value, ...]:
        return tuple([argument for argument in self.arguments if argument.__class__ is not float])

    @property
    def _edges(self) -> tuple[tuple[Any, float], ...]:
        return tuple((argument, 0.0) for argument in self.arguments)  # local derivatives come from the rules, later

    def _check_unchanged(self) -> None:
        """Nothing can change while a function is traced."""

    @property
    def _local_grads(self) -> tuple[float, ...]:
        forbid("_local_grads was read: in a compiled function, use gradients(y, xs)")
        return ()  # in another thread only parameters are looked at, and a leaf has no arguments

    def backward(self) -> None:
        """An error while a function is traced."""
        forbid("backward() was called: in a compiled function, use gradients(y, xs)")
        stored_number(self)  # an error for what was computed while tracing, which has no number
        super().backward()

    def detach(self) -> Value:
        """An error while a function is traced, unless it may read numbers."""
        tape = current()
        if tape is not None and not tape.allow:
            forbid(
                f"the number of {self._called()} was read by detach(): a program derives all that it computes, so what "
                "is to have no gradient has to come from outside; compute it where the program is called, and hand it "
                'in as an input. If the first example decides for all others, use compile(..., frozen="allow")'
            )
        return super().detach()

    def refresh(self) -> None:
        """An error while a function is traced."""
        forbid("refresh() was called: in a compiled function nothing is out of date")
        super().refresh()

    def __deepcopy__(self, memo: dict[int, Any]) -> Value:
        return deep_copy(self, self.original, memo)  # type: ignore[no-any-return]

    def __reduce__(self) -> tuple[Any, ...]:
        return reduce(self, self.original)


Traced.__name__ = "Value"  # as which users know it: Python's own errors say the name of the class


def all_are(kinds: Any, classes: Iterable[type]) -> bool:
    """Whether all of these classes are made from one of the kinds."""
    return all(issubclass(one, kinds) for one in classes)


def _unary(op: Op, general: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A method of Traced that writes to the tape directly where it can; `general` is the method for all other cases."""

    def method(self: Any) -> Any:
        tape = current()
        return tape.record(self.__class__, op, self, 0.0) if tape is not None and recording() else general(self)

    return method


def _binary(op: Op, general: Callable[[Any, Any], Any], reflected: bool) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        tape, kind = current(), self.__class__
        if other.__class__ is int:
            other += 0.0  # does what float() does, in less time
        if tape is not None and (other.__class__ is kind or other.__class__ is float) and recording():
            return tape.record(kind, op, other, self) if reflected else tape.record(kind, op, self, other)
        return general(self, other)

    return method


for _method, _op in {**{op.name: op for op in OPS.values() if op.arity == 1}, "__neg__": ops.neg}.items():
    if hasattr(Operators, _method):
        setattr(Traced, _method, _unary(_op, getattr(Operators, _method)))
for _method, _op in [("add", ops.add), ("sub", ops.subtract), ("mul", ops.multiply), ("truediv", ops.divide),
                   ("pow", ops.power)]:  # fmt: skip
    for _prefix in ("__", "__r"):
        _spelled = f"{_prefix}{_method}__"
        setattr(Traced, _spelled, _binary(_op, getattr(Operators, _spelled), _prefix == "__r"))


def traced_input(requires_grad: bool) -> Traced:
    """An input of the function. One that holds integers requires no gradient."""
    node = new(Traced)
    node.operation, node._requires_grad, node._users, node._depth = None, requires_grad, 0, 0
    return node


def _traced_class(kind: type[Value]) -> type[Value]:
    """The class that a parameter of this class has while it is traced; it keeps its own methods and slots."""
    if issubclass(kind, Traced):
        return kind
    if kind is Value:
        return Traced
    if "_while_traced" not in vars(kind):  # each run has to find the same class, and it goes with its own class
        made = type(kind.__name__, (kind, Traced), {"__slots__": (), "original": kind})
        kind._while_traced = made  # type: ignore[attr-defined]
    found: type[Value] = vars(kind)["_while_traced"]
    return found


@contextmanager
def paused_collector() -> Iterator[None]:
    """Inside it, the garbage collector is off: a tape has no garbage, and to search it takes longer than to trace."""
    was_on = gc.isenabled()
    try:
        gc.disable()
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def as_traced(parameters: Sequence[Value]) -> Iterator[None]:
    """Inside it, the parameters are Traced, so that they too notice when they are read."""
    with ONE_AT_A_TIME:
        classes = list(map(type, parameters))
        kinds = {kind: _traced_class(kind) for kind in set(classes)}
        try:
            for parameter in parameters:
                parameter.__class__ = kinds[parameter.__class__]
            yield
        finally:
            for parameter, kind in zip(parameters, classes):
                parameter.__class__ = kind


def settle(nodes: Sequence[Any]) -> None:
    """Make ordinary Values of the nodes that no input is part of. The function may have kept them, as a cached_property
    does: they then hold what eager code would have computed.

    It is done when their tape is read, and the parameters have their own class again.
    """
    for node in nodes:
        op, arguments = node.operation, node.arguments
        if not isinstance(node, Traced) or any(isinstance(a, Traced) for a in arguments):
            continue
        try:
            op.evaluate([float(a) for a in arguments])
        except (ArithmeticError, LookupError):  # it has no value; then eager code would have kept nothing
            continue
        node.__class__ = node.original  # type: ignore[assignment]
        node.__dict__.pop("_more", None)
        node._clear()
        with enable_grad():
            node._compute(op, arguments)


def run_on_tape(f: Callable[..., Any], arguments: Sequence[Any], tape: Tape) -> tuple[list[Value], bool]:
    """Run f once while the tape records: its outputs, and whether it returned a list of them.

    Its parameters have to be `as_traced`, or it would compute with their numbers.
    Errors: TraceError where f reads a number, TypeError if it returns something else than Values and numbers.
    """
    token = current_tape.set(tape)
    try:
        with enable_grad():
            result = f(*arguments)
    finally:
        current_tape.reset(token)
        if tape.error is not None:
            raise tape.error  # even if the function has caught it
    return as_outputs(result)


def as_outputs(result: Any) -> tuple[list[Value], bool]:
    """What a function returned, as a list of Values, and whether it returned a list."""
    result = result.item() if isinstance(result, np.ndarray) and result.ndim == 0 else result
    if isinstance(result, (set, frozenset)):
        raise TypeError("compile: the function returned a set, whose order is no order; return a list of Values")
    several = hasattr(result, "__len__") and not isinstance(result, (dict, str))
    if several and not len(result):
        raise TypeError(f"compile: the function returned no output, {result!r}; return a Value, or a list of Values")
    outputs = []
    for output in result if several else [result]:
        try:
            outputs.append(output if isinstance(output, Value) else Value(number(output, "compile")))
        except TypeError:
            instead = "return one Value, or a flat list of them"
            instead = "is there a return?" if result is None else LISTED.get(type(result).__name__, instead)
            said = f"compile: the function returned {type(output).__name__} {output!r}, not a Value; {instead}"
            raise TypeError(said) from None
    return outputs, several
