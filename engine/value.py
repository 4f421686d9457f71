"""Value: one number that remembers how it was made, so that backward() can apply the chain rule to it.

`a * b` calls the row `multiply`, which comes here by `_from_row`: it computes the number, and stores the arguments with
their local derivatives, which `_edges` lists. `_chain_rule` is what backward() does at one node, and
`graph.backpropagate` does it at all of them, as in a textbook. fast/ does the same sooner, and can be left unread. The
rest is what people expect of a number, and of micrograd's Value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from . import copying, graph
from .fast.backward import backpropagate
from .fast.neurons import FusedSum
from .fast.operators import FastOperators
from .fast.refreshing import refresh
from .micrograd import MicrogradNames
from .numeric import LikeANumber, number, one_number, readable
from .op import DomainError, Op
from .operators import local_derivatives
from .reads import read, watching, written
from .recording import recording

SWITCHED = [0]  # how often a leaf was frozen or thawed: programs compare it, which is quicker than to ask each leaf


class Value(FastOperators, LikeANumber, MicrogradNames):
    """One number, its gradient, and the operation and arguments that made it.

    `data` is the number, `grad` the gradient, as backward() has left it, and `label` the name in pictures and errors.
    With requires_grad=False it is a constant, which gets no gradient. `_children` and `_op` are micrograd's, for nodes
    that are made by hand.

    Errors: TypeError for what is not one real number.

    >>> a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    >>> c = a * b + a
    >>> c.backward()
    >>> c.data, a.grad, b.grad
    (-4.0, -2.0, 2.0)
    """

    __slots__ = {
        "_data": "The number, a float.",
        "grad": "The gradient: the derivative of a result to this value, as backward() has left it.",
        "operation": "The row that made it; a string if it was made by hand, None for a leaf.",
        "_requires_grad": "Whether backward() gives it a gradient; the property requires_grad reads and writes it.",
        # A node of one or two arguments keeps them here, Values and floats. A missing argument is stored as 0.0.
        "_left": "The first argument.",
        "_right": "The second argument; for a fused sum, what stands for its products until they are read.",
        "_d_left": "The local derivative to the first argument.",
        "_d_right": "The local derivative to the second argument.",
        # From these two fast/backward.py knows when a gradient is complete. Each way of making a node writes them.
        "_users": "How many nodes were made of it.",
        "_depth": "How many operations lie between it and the farthest leaf; in deep chains fewer count.",
        "__dict__": "Attributes that people hang on it, and those below.",
        "__weakref__": "Weak references to it.",
    }

    __decided__ = True  # see Operators
    operation: Op | str | None
    label: str = ""
    _more: tuple[tuple[Any, float], ...] | None = None  # (argument, local derivative) pairs of all other nodes
    _variable: bool = False  # whether a derivative to it is being taken, see transforms.py

    def __init__(
        self, data: float, _children: Sequence[Value] = (), _op: str | Sequence[float] = "", label: str = "",
        *, requires_grad: bool = True,
    ) -> None:  # fmt: skip
        self._clear()
        if data.__class__ is float:
            self._data = data
        elif hasattr(data, "_wrapped_in"):  # a number of a function that is being compiled
            data._wrapped_in(self)
        else:
            self._data = one_number(data)
        if label:
            self.label = label
        self._requires_grad = requires_grad
        if _children or _op:
            self._more = graph.edges_by_hand(_children, _op)
            self._becomes_inner(_op if isinstance(_op, str) else "", self.arguments)

    @property
    def data(self) -> float:
        """The number. To write it changes nothing that was computed before, see `refresh`."""
        number: float = _number(self)
        return read(self, number) if watching else number

    @data.setter
    def data(self, data: float) -> None:
        if watching:
            written(self)
        if data.__class__ is not float:
            if isinstance(data, Value):
                raise TypeError(f"data is a plain number, got {data!r}; write .data of it")
            data = one_number(data)
        _set_number(self, data)

    @property
    def requires_grad(self) -> bool:
        """Whether backward() gives it a gradient; compiled programs read this of their parameters at each call."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if self.operation is None:
            SWITCHED[0] += 1
        self._requires_grad = wanted

    def _clear(self) -> None:
        """What a new leaf has beside its number."""
        self.grad, self.operation, self._requires_grad = 0.0, None, True
        self._left = self._right = self._d_left = self._d_right = 0.0
        self._users = self._depth = 0

    @classmethod
    def _from_row(cls, op: Op, arguments: Sequence[Any]) -> Value:
        """A new node, computed by the row. fast/operators.py makes the same node in fewer steps."""
        out = cls.__new__(cls)
        out._clear()
        out._compute(op, [a if isinstance(a, Value) else number(a, op.name) for a in arguments])
        return out

    def _compute(self, op: Op, arguments: Sequence[Any]) -> None:
        """Compute the value and the local derivatives from the row and these arguments."""
        numbers = [a if a.__class__ is float else one_number(a._data) for a in arguments]
        self._data = op.evaluate(numbers, arguments)
        self._requires_grad = recording() and any(a._requires_grad for a in arguments if a.__class__ is not float)
        if recording():
            wanted = [a.__class__ is not float for a in arguments]
            self._record(op, arguments, local_derivatives(op, self._data, numbers, wanted))

    def _record(self, op: Op, arguments: Sequence[Any], slopes: Sequence[float]) -> None:
        """Remember the row, the arguments and the local derivatives."""
        if op.variadic or op.arity > 2 or op.chooses:
            self._more = tuple(zip(arguments, slopes))
        else:
            self._left, self._d_left = arguments[0], slopes[0]
            self._right, self._d_right = (arguments[1], slopes[1]) if len(arguments) > 1 else (0.0, 0.0)
        self._becomes_inner(op, arguments)

    def _becomes_inner(self, operation: Op | str, arguments: Sequence[Any]) -> None:
        """From now on it is the result of an operation on these arguments, each of which has one more user."""
        if self.operation is None:  # a node that refresh() computes anew has been counted before
            self.operation = operation
            for value in (a for a in arguments if a.__class__ is not float):
                value._users += 1
                self._depth = max(self._depth, value._depth + 1)

    @property
    def _edges(self) -> tuple[tuple[Any, float], ...]:
        """(argument, local derivative) for each argument, in order."""
        if self._right.__class__ is FusedSum:  # a fused sum, whose products and partial sums are made now
            self._right.unfold(self)
        if self._more is not None:
            return self._more
        if not isinstance(self.operation, Op):
            return ()
        return ((self._left, self._d_left), (self._right, self._d_right))[: self.operation.arity]

    @property
    def arguments(self) -> tuple[Any, ...]:
        """The Values and floats that the operation was applied to, in order."""
        return tuple(argument for argument, _ in self._edges)

    def _chain_rule(self) -> None:
        """The chain rule at this node: each argument gets the local derivative times the upstream gradient."""
        for _, (argument, local_derivative) in graph.walked_edges(self):
            if isinstance(argument, Value) and argument.requires_grad:
                argument.grad += local_derivative * self.grad

    @property
    def _backward(self) -> Callable[[], object]:
        """What backward() does at this node; a learner may write their own: `out._backward = ...`."""
        return self.__dict__.get("_backward", self._chain_rule)  # type: ignore[no-any-return]

    @_backward.setter
    def _backward(self, by_hand: Callable[[], object]) -> None:
        if not callable(by_hand):
            raise TypeError(f"_backward has to be a function that adds to the arguments' .grad, got {by_hand!r}")
        self._more, self._left, self._right = self._edges, 0.0, 0.0
        if self.operation is None:
            # A neuron is not counted as a user of its weights. With so many users, a leaf that became an inner node
            # waits until nothing else is left to do: then all that is made of it has passed its gradient on.
            self._users += 1 << 28
            self.operation = ""
        self.__dict__["_backward"] = by_hand

    def backward(self) -> None:
        """Add d self / d leaf to the `.grad` of every leaf; give inner nodes their gradient of this call.

        >>> a = Value(3.0)
        >>> b = a + a
        >>> b.backward(); b.backward()
        >>> a.grad, b.grad
        (4.0, 1.0)
        """
        if self.operation is None:
            self.grad += float(self.requires_grad)
        elif self.requires_grad:
            try:
                backpropagate(self)  # what graph.backpropagate does: _backward() of each node, users before arguments
            except TypeError:
                graph.check_gradients_are_numbers(self)
                raise

    def zero_grad(self) -> None:
        """Set `.grad` to 0; of a model, model.zero_grad() does that to each parameter."""
        self.grad = 0.0

    def refresh(self) -> None:
        """Compute this value anew from its leaves, after their data changed.

        >>> a = Value(2.0); b = a * a; a.data = 5.0; b.refresh(); b.data
        25.0
        """
        refresh(self)

    def _check_unchanged(self) -> None:
        """ValueError if the arguments' data are no longer those of the forward pass."""
        op, arguments = graph.needs_row(self, "differentiate"), self.arguments
        numbers = [a if a.__class__ is float else a._data for a in arguments]
        try:
            now = op.evaluate(numbers, arguments)
        except DomainError as problem:
            raise DomainError(f"{self.name()} was {self._data!r} at the forward pass, now {problem}: data changed in "
                              "between; call y.refresh()") from None  # fmt: skip
        if not _equal(now, self._data):
            raise ValueError(f"{self.name()} was {self._data!r} at the forward pass, now "
                             f"{op.formula(numbers, arguments)} is {now!r}: data changed in between; "
                             "call y.refresh()")  # fmt: skip
        edges = self._edges
        for (argument, slope), new in zip(edges, local_derivatives(op, now, numbers, [True] * len(edges))):
            if argument.__class__ is not float and not _equal(new, slope):
                raise ValueError(f"the local derivative of {self.name()} to {argument.name()} was {slope!r} at the "
                                 f"forward pass, now that of {op.formula(numbers, arguments)} is {float(new)!r}: data "
                                 "changed in between; call y.refresh()")  # fmt: skip

    def detach(self) -> Value:
        """A leaf with the same number, through which no gradient passes."""
        return Value(self._data, label=self.label, requires_grad=False)

    def name(self) -> str:
        """The name of this value in errors and reports."""
        kind = self._op or ("leaf" if self.operation is None else "hand-made")
        return readable(self.label) or f"the {kind} node with data {self._data!r}"

    def __deepcopy__(self, memo: dict[int, Any]) -> Value:
        return copying.deep_copy(self, type(self), memo)  # type: ignore[no-any-return]

    def __reduce__(self) -> tuple[Any, ...]:
        return copying.reduce(self, type(self))

    def __setstate__(self, state: Any) -> None:
        copying.set_state(self, state)


# The slot itself: a class may have a property in its place.
_number, _set_number = Value.__dict__["_data"].__get__, Value.__dict__["_data"].__set__


def _equal(some: float, other: float) -> bool:
    """Whether two numbers are the same, nan too."""
    return some == other or (some != some and other != other)
