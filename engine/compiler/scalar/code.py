"""Code: a list of instructions on the scalars of one example. It simplifies each instruction as it is put in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ...op import Op
from ...operators import Operators
from ...ops import add, divide, multiply, subtract

Argument = int | float  # of an instruction: the place of an earlier result in the code, or a number
Scalar = Any  # a Ref, or a float: what the rules of the table run on while they write code
Source = tuple[str, int]  # the file and line of the user's own code that wrote an instruction


class Ref(Operators):
    """The result of an instruction. The rules of the table run on it, and so write further instructions."""

    __slots__ = ("code", "place")

    def __init__(self, code: Code, place: int) -> None:
        self.code = code
        self.place = place

    @classmethod
    def __apply__(cls, op: Op, arguments: Sequence[Scalar]) -> Scalar:
        code = next(argument.code for argument in arguments if isinstance(argument, Ref))
        return code.apply(op, arguments)


def _binary(op: Op, general: Callable[[Any, Any], Any], reflected: bool) -> Callable[[Any, Any], Any]:
    """A method of Ref that writes to the code directly where it can; `general` is the method for all other cases."""

    def method(self: Ref, other: Any) -> Any:
        if other.__class__ is not Ref and other.__class__ is not float:
            return general(self, other)
        argument: Any = other.place if other.__class__ is Ref else other
        result: Any = self.code.put(op, (argument, self.place) if reflected else (self.place, argument))
        return Ref(self.code, result) if result.__class__ is int else result

    return method


for _method, _op in (("add", add), ("sub", subtract), ("mul", multiply), ("truediv", divide)):
    for _prefix in ("__", "__r"):
        _spelled = f"{_prefix}{_method}__"
        setattr(Ref, _spelled, _binary(_op, getattr(Operators, _spelled), _prefix == "__r"))


class Code:
    """Instructions in order: each applies an operation to earlier results and numbers. None is written twice.

    A place is the position of an instruction in these lists, and stands for its result. Inputs and parameters come
    first.
    """

    def __init__(self) -> None:
        self.start = 0  # the place of the first instruction that is neither an input nor a parameter
        self.operations: list[Op | str] = []  # a string is the name of an input or a parameter
        self.arguments: list[tuple[Argument, ...]] = []
        self.batched: list[bool] = []  # whether the result differs from example to example
        self.labels: list[str] = []  # the label of the Value that the instruction stands for
        self.unmasked = False  # whether its gradient is nan where an input that nothing chose is; see derive.py
        self.more_labels: dict[int, list[str]] = {}  # those of further Values that turned out to be the same number
        self.sources: list[Source | None] = []
        self._known: defaultdict[Op, dict[Any, int]] = defaultdict(dict)  # of each operation: places, by arguments

    def leaf(self, name: str, batched: bool, label: str = "") -> int:
        """The place of an input or a parameter."""
        return self.leaves([name], batched, [label])[0]

    def leaves(self, names: Sequence[str], batched: bool, labels: Sequence[str]) -> range:
        """The places of inputs or of parameters, all at once, because there may be many."""
        places = range(len(self.operations), len(self.operations) + len(names))
        self.operations += names
        self.arguments += [()] * len(names)
        self.batched += [batched] * len(names)
        self.labels += labels
        self.sources += [None] * len(names)
        self.start = places.stop
        return places

    def labels_at(self, place: int) -> list[str]:
        """The labels of the Values that an instruction stands for; one of the backward program stands for none."""
        first = self.labels[place]
        return [first, *self.more_labels.get(place, ())] if first else self.more_labels.get(place, [])

    def put(self, op: Op, arguments: tuple[Argument, ...], label: str = "", source: Source | None = None) -> Argument:
        """Where the result of op is: at a place, which is an earlier one if the same was computed before.

        If all arguments are numbers, the result is a number; if op leaves an argument as it is, that argument.
        """
        key: Any
        varies: Any = self.batched
        if len(arguments) == 2:  # as most have; a loop would take twice the time
            a, b = arguments
            if a.__class__ is b.__class__:
                if a.__class__ is float:
                    return computed(op, arguments)
                batched, key = varies[a] or varies[b], arguments
            else:
                first = a.__class__ is float
                number, other = (a, b) if first else (b, a)
                if op.neutral and number == op.neutral[0 if first else 1]:
                    return other
                # No place equals a number with a fraction; but 1.0 equals the place 1, and 0.0 and -0.0 are equal.
                batched, key = varies[other], arguments if number % 1.0 else (repr(number), other, first)
        else:
            batched, numbers = False, 0
            for argument in arguments:
                if argument.__class__ is float:
                    numbers += 1
                elif varies[argument]:
                    batched = True
            if numbers == len(arguments):
                return computed(op, arguments)
            key = tuple(map(repr, arguments)) if numbers else arguments
        new = len(varies)
        place = self._known[op].setdefault(key, new)
        if place == new:
            self.operations.append(op)
            self.arguments.append(arguments)
            varies.append(batched)
            self.labels.append(label)
            self.sources.append(source)
        elif label:
            self.more_labels.setdefault(place, []).append(label)
            self.sources[place] = self.sources[place] or source
        return place

    def applied(self) -> dict[Op, int]:
        """How many instructions apply each operation."""
        return {op: len(known) for op, known in self._known.items()}

    def lines(self) -> Iterator[str]:
        """The instructions as text. A result is named v and its place."""
        for op, arguments in zip(self.operations, self.arguments):
            yield op if isinstance(op, str) else f"{op.name}({', '.join(map(self._name, arguments))})"

    def _name(self, argument: Argument) -> str:
        op = self.operations[argument] if isinstance(argument, int) else repr(argument)
        return op if isinstance(op, str) else f"v{argument}"

    def apply(self, op: Op, arguments: Sequence[Scalar]) -> Scalar:
        """`put` for the rules of the table, which work with Refs and numbers."""
        result = self.put(op, tuple([a.place if isinstance(a, Ref) else float(a) for a in arguments]))
        return Ref(self, result) if result.__class__ is int else result


def computed(op: Op, numbers: Sequence[float]) -> float:
    """What NumPy gives for these numbers: a compiled program follows IEEE 754."""
    if "np." not in op.numpy:
        try:
            return float(op.on_arrays(*numbers))  # Python's operators give the same, raise, or give a complex number
        except (ArithmeticError, TypeError):
            pass
    with np.errstate(all="ignore"):
        return float(op.on_arrays(*map(np.float64, numbers)))


def uses_of(code: Code, results: Iterable[Scalar]) -> list[int]:
    """For each place, how often what the results need uses it; a result counts as used twice more."""
    uses = [0] * len(code.operations)
    for result in results:
        if isinstance(result, Ref):
            uses[result.place] += 2
    for place in range(len(uses) - 1, code.start - 1, -1):  # arguments stand before the instructions that use them
        if uses[place]:
            for argument in code.arguments[place]:
                if argument.__class__ is int:
                    uses[argument] += 1
    return uses


def needed(code: Code, results: Iterable[Scalar]) -> list[int]:
    """The places that the results depend on, in order."""
    return [place for place, uses in enumerate(uses_of(code, results)) if uses]
