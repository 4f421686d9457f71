"""What one row of the table of operations is, and how a row is applied to numbers."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from .numeric import counted, number, readable, runs_operations

Rule = Callable[..., Any]
ANYWHERE = (-5.0, 5.0)
FAR = 1e4

NOT_RUN = float("nan")  # stands for the side of a where that was a function and did not run

OPS: dict[str, Op] = {}


class DomainError(ValueError, ArithmeticError):
    """The operation has no value at these finite numbers, or a pole: log(0), 1 / 0, sqrt(-1).

    >>> from chainrule import DomainError, log
    >>> try:
    ...     log(-1.0)
    ... except DomainError as error:
    ...     print(isinstance(error, ValueError))
    True
    """


LAZY = """\
A side may be a function of no arguments; then only the side that is taken runs:

    {name}(step(p), lambda: sqrt(p), 0.0)     # at p = -1: 0.0, with slope 0

Without the `lambda` both sides run, and sqrt(-1) is a DomainError. The side that is not taken gets no gradient. In a
function that is compiled, both sides run for all examples. What works everywhere is a second {name} inside, which gives
the side that is not taken an argument that does no harm:

    {name}(step(p), sqrt({name}(step(p), p, 1.0)), 0.0)"""


def everywhere(*_: float) -> bool:
    return True


class Case(NamedTuple):
    """The branch that an operation takes at certain numbers; {0}, {1}, … stand for its arguments.

    >>> Case("{1} is smaller", "{1} < {0}").said.format("a", "b")
    'b is smaller'
    """

    said: str | tuple[str, ...]  # "{1} is smaller"; or a text for each argument, '' where this says nothing of it
    holds: str = ""  # "{1} < {0}": a comparison that is true there; pictures show it with the numbers
    slopes: tuple[Rule, ...] = ()  # the slopes in this branch, where they are no plain numbers


@dataclass(frozen=True, eq=False, kw_only=True)
class Op:
    """One operation: everything that the library knows about it stands in its row.

    It is called with floats, Values, arrays of either, or instances of any other class that has an `__apply__`
    (see `Operators`). Its help is made from its row: `help(cr.where)` tells the order of the arguments.

    >>> from chainrule import Value, tanh
    >>> tanh(0.0), tanh(Value(0.0)).data
    (0.0, 0.0)
    """

    name: str
    forward: Callable[..., float]  # on floats
    partials: tuple[Rule, ...] | Rule  # (output, *arguments) -> local derivative, for each argument; or one for all
    symbol: str = ""  # for drawings: a {} for each argument, or one for all of them; name({}) if empty
    numpy: str = ""  # its spelling on arrays; np.name({}) if empty
    operator: bool = False  # whether Python has an operator for it, in place of a method
    badge: str = ""  # the round badge in drawings; its name if empty
    micrograd: str = ""  # what micrograd calls it in `_op`; its name if empty
    what: str = ""  # what it computes, in a sentence, with its domain in words
    why: str | tuple[str, ...] = ""  # the local derivative in words: a text, or one for each argument
    slopes: tuple[Rule, ...] | Rule | None = None  # `partials` as people write them, without guards against overflow
    case: Callable[..., Case | None] | None = None  # from the arguments' numbers to the branch that is taken, in words
    domain: Callable[..., bool] = everywhere  # where the value is defined
    smooth: Callable[..., bool] = everywhere  # where the rules hold
    everyday: tuple[tuple[float, float], ...] = (ANYWHERE, ANYWHERE)  # see `intervals`
    ulp: float = 2.0  # the largest error of the value, in units of its last place
    eps: float = 4.0  # the largest error of a local derivative d, in units of 2^-52 max(1, |d|)
    neutral: tuple[float | None, ...] = ()  # for each argument the number that leaves the other one as it is
    flatten: Callable[..., Sequence[Any]] | None = None  # from the arguments as called to those of the node
    chooses: bool = False  # whether an argument of slope 0 is not chosen: it gets no gradient, not even 0 * inf
    lazy: bool = False  # whether the second and the third argument may be functions, of which only the chosen one runs
    example: tuple[Any, ...] = ()  # arguments for the example in its help, if it flattens them
    quick: tuple[Rule, ...] | None = None  # for programs, where `partials` are slow; right to 4 eps

    def __post_init__(self) -> None:
        places = ", ".join(["{}"] * abs(self.arity))
        for field, default in (("symbol", f"{self.name}({places})"), ("numpy", f"np.{self.name}({places})")):
            object.__setattr__(self, field, getattr(self, field) or default)
        self._check_lengths()
        # What help(), inspect.signature() and an editor's `?` ask an object for.
        object.__setattr__(self, "__signature__", self._signature())
        object.__setattr__(self, "__doc__", self._help())

    def _check_lengths(self) -> None:
        if self.slopes is not None and callable(self.slopes) != self.variadic:
            needed = "one function that returns all slopes" if self.variadic else "a tuple of functions"
            raise ValueError(f"slopes of {self.name}: {needed} is needed, as in its partials")
        for field, texts in (("why", self.why), ("slopes", self.slopes)):
            if isinstance(texts, tuple) and len(texts) != self.arity:
                wanted = "a text for all of them, as it takes any number" if self.variadic else f"{self.arity}"
                raise ValueError(
                    f"{field} of {self.name} has {counted(len(texts), 'entry')} for its arguments, not {wanted}"
                )

    def _signature(self) -> inspect.Signature:
        """The arguments as called, by the names that `flatten` or the first rule gives to its own parameters."""
        rule = self.partials if callable(self.partials) else next(iter(self.partials), None)
        names = _parameters(self.flatten) or _parameters(rule)[1:]  # the first parameter of a rule is the output
        if not names or (not self.flatten and len(names) != abs(self.arity)):
            names = [f"a{place}" for place in range(abs(self.arity))]
        one, several = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL
        kind = several if self.variadic and not self.flatten else one
        return inspect.Signature([inspect.Parameter(name, kind) for name in names])

    def _help(self) -> str:
        names = ", ".join(self.argument_names)
        said = [f"{self.name}({names})", self.what]
        if not self.flatten:
            said.append("It takes numbers, Values, and arrays of them.")
        if self.has_method:
            first, _, others = names.partition(", ")
            said[-1] += f" As a method: {first}.{self.name}({others})."
        if self.operator:
            said[-1] += f" As an operator: {self.write(self.argument_names, plain=True)}."
        if self.lazy:
            said.append(LAZY.format(name=self.name))
        if isinstance(self.why, tuple):
            said += [f"Local derivative through {name}: {why}." for name, why in zip(self.argument_names, self.why)]
        elif self.why:
            said.append(f"Local derivative: {self.why}.")
        if self.domain is not everywhere:
            said.append("Errors: DomainError for finite numbers at which it has no value.")
        return "\n\n".join(filter(None, said))

    def add_example(self) -> None:
        """Add an example to the help; it is computed, so it has to wait until the rules can run."""
        object.__setattr__(self, "__doc__", f"{self._help()}\n\n{self._example()}")

    def _example(self) -> str:
        """The value at everyday numbers, and the local derivatives there, to four digits."""
        if self.flatten:
            return self._example_of_lists()
        shares = (0.7, 0.4, 0.6)
        numbers = [round(low + share * (high - low), 1) for share, (low, high) in zip(shares, self.intervals())]
        names, made = ", ".join(self.argument_names), ", ".join([f"Value({one})" for one in numbers])
        out = self.forward(*numbers)
        rules = () if callable(self.partials) else self.partials
        slopes = [float(rule(out, *numbers)) + 0.0 for rule in rules]  # 0.0 in place of -0.0
        found = ", ".join([str(round(one, 4)) for one in (out, *slopes)])
        shown = ["result.data", *[f"{name}.grad" for name in self.argument_names]]
        asked = ", ".join([f"round({one}, 4)" for one in shown])
        return (f">>> from chainrule import Value, {self.name}\n>>> {names} = {made}\n"
                f">>> result = {self.name}({names})\n>>> result.backward()\n>>> {asked}\n({found})")  # fmt: skip

    def _example_of_lists(self) -> str:
        """The same for a row of lists, which hold Values; an index beside them is a plain number."""
        flat = self.flatten(*self.example)  # type: ignore[misc]
        out = self.forward(*flat)
        slopes = iter(self.partials(out, *flat))  # type: ignore[operator]
        names, lines, shown, found = self.argument_names, [f">>> from chainrule import Value, {self.name}"], [], []
        for name, given in zip(names, self.example):
            made = given
            if isinstance(given, list):
                made = "[" + ", ".join([f"Value({one})" for one in given]) + "]"
                shown.append(f", [round(one.grad, 4) for one in {name}]")
                found.append(f", {[round(float(next(slopes)), 4) for _ in given]}")
            lines.append(f">>> {name} = {made}")
        lines += [f">>> result = {self.name}({', '.join(names)})", ">>> result.backward()"]
        return "\n".join([*lines, f">>> round(result.data, 4){''.join(shown)}", f"({round(out, 4)}{''.join(found)})"])

    @property
    def argument_names(self) -> list[str]:
        """The names of its arguments as called, in order."""
        return [str(one) for one in inspect.signature(self).parameters.values()]

    def why_through(self, place: int) -> str:
        """The local derivative to the argument at that place in words; '' where the row does not say."""
        return self.why[place] if isinstance(self.why, tuple) else self.why

    @property
    def has_method(self) -> bool:
        """Whether it is a method of Values too; what takes lists or any number of arguments is a function only."""
        return not (self.operator or self.variadic or self.flatten)

    @property
    def numpy_name(self) -> str:
        """What NumPy calls it, where its spelling is one function of NumPy's, applied to the arguments; else ''."""
        spelled = re.fullmatch(r"np\.(\w+)\(\{\}(, \{\})?\)", self.numpy)
        return spelled[1] if spelled and not self.variadic else ""

    def intervals(self, count: int = 0) -> list[tuple[float, float]]:
        """The everyday interval of each argument; the last one that the row names stands for all further arguments.

        `count`: how many arguments, for a row that takes any number; without it, as many as the row names intervals.
        """
        count = self.arity if not self.variadic else count or len(self.everyday)
        return [self.everyday[min(place, len(self.everyday) - 1)] for place in range(count)]

    @cached_property
    def arity(self) -> int:
        """How many arguments it takes; -1 for any number."""
        return -1 if callable(self.partials) else len(self.partials)

    @cached_property
    def variadic(self) -> bool:
        """Whether it takes any number of arguments."""
        return callable(self.partials)

    @cached_property
    def squashes(self) -> bool:
        """Whether it takes one argument and levels off on both sides, like tanh."""
        if self.arity != 1 or not (self.domain(-FAR) and self.domain(FAR)):
            return False
        try:
            ends = [(self.forward(end), self.forward(2 * end)) for end in (-FAR, FAR)]
        except (ArithmeticError, ValueError):
            return False
        return all(abs(end - farther) < 1e-3 for end, farther in ends) and ends[0] != ends[1]

    @cached_property
    def on_arrays(self) -> Callable[..., Any]:
        """The NumPy spelling as a function; where Python would raise, it gives what IEEE 754 says."""
        names = [] if callable(self.partials) else [f"a{i}" for i in range(len(self.partials))]
        parameters = ", ".join(names) or "*arguments"
        spelled = self.numpy.format(*(names or ["arguments"]))
        # The text is the row's own, never a user's: rows are written in source code.
        function: Callable[..., Any] = eval(f"lambda {parameters}: {spelled}", dict(NAMES))
        return function

    def __call__(self, *arguments: Any) -> Any:
        if self.flatten:
            try:
                arguments = tuple(self.flatten(*arguments))
            except TypeError as problem:
                said = str(problem).replace(self.flatten.__name__, self.name)
                raise type(problem)(f"{self.name} takes lists of numbers and Values: {said}") from None
        if len(arguments) != self.arity >= 0:
            raise TypeError(f"{self.name} takes {counted(self.arity, 'argument')}, got {len(arguments)}")
        special, floats, arrays, lazy = None, True, False, False  # special: the class whose __apply__ it will be
        for argument in arguments:
            kind = argument.__class__
            if kind is not float and kind is not special:
                floats = False
                if hasattr(kind, "__apply__"):
                    if special is None or issubclass(kind, special) or _outranks(kind, special):
                        special = kind
                elif issubclass(kind, np.ndarray):
                    arrays = True
                elif self.lazy and callable(argument):
                    lazy = True
        if arrays and any(map(np.ndim, arguments)):
            return self._one_by_one(arguments)
        if lazy:
            return self(*self._run_sides(*arguments))
        if special:
            return special.__apply__(self, arguments)
        return self.evaluate(arguments if floats else [number(argument, self.name) for argument in arguments])

    def _run_sides(self, condition: Any, *sides: Any) -> list[Any]:
        """The arguments, where sides are functions: the results, and NOT_RUN for the side that is not taken.

        While a function is traced, and wherever else the condition has no number so far, both sides run.
        """
        taken = None
        if getattr(condition.__class__, "__decided__", not runs_operations(condition)):
            taken = 0 if (condition if runs_operations(condition) else number(condition, self.name)) else 1
        return [
            condition,
            *[
                side if runs_operations(side) or not callable(side) else side() if place == taken or taken is None
                else NOT_RUN for place, side in enumerate(sides)
            ],
        ]  # fmt: skip

    def _one_by_one(self, arguments: Sequence[Any]) -> Any:
        """The operation, applied to arrays element by element."""
        if self.flatten:
            raise TypeError(
                f"{self.name} takes lists of numbers and Values, got a list of arrays; for each row, write "
                f"[{self.name}(row) for row in ...], for all numbers together .ravel()"
            )
        with np.errstate(all="ignore"):
            result = np.frompyfunc(self, len(arguments), 1)(*arguments)
        return result if any(map(runs_operations, result.flat)) else result.astype(float)

    def evaluate(self, numbers: Sequence[float], arguments: Sequence[Any] = ()) -> float:
        """The value at these numbers. DomainError (with the names of `arguments`) where it has none."""
        try:
            return self.forward(*numbers)
        except (ArithmeticError, ValueError) as error:
            with np.errstate(all="ignore"):
                value = float(self.on_arrays(*map(np.float64, numbers)))
            if isinstance(error, OverflowError) or not all(map(math.isfinite, numbers)):
                return value  # overflow gives inf; inf and nan propagate
            problem = "real" if math.isnan(value) else "finite"
            raise DomainError(f"{self.formula(numbers, arguments)} has no {problem} value") from None

    def formula(self, numbers: Sequence[float], arguments: Sequence[Any] = ()) -> str:
        """The operation with its numbers and, where they have labels, its names.

        >>> from chainrule import Value, divide
        >>> divide.formula([1.0, 0.0], [1.0, Value(0.0, label="p")])
        '1.0 / p with p = 0.0'
        """
        labels = [readable(getattr(argument, "label", "")) for argument in arguments] or [""] * len(numbers)
        names = [label or repr(value) for label, value in zip(labels, numbers, strict=True)]
        if self.symbol.startswith("{}") and not labels[0] and numbers[0] < 0.0:
            names[0] = f"({names[0]})"  # -8.0 ** 0.5 would be another number
        spelled = dict.fromkeys(f"{label} = {value!r}" for label, value in zip(labels, numbers, strict=True) if label)
        return self.write(names, plain=True) + (f" with {', '.join(spelled)}" if spelled else "")

    def write(self, names: Sequence[str], plain: bool = False) -> str:
        """The symbol with these names in it; `plain`: in characters that a keyboard has."""
        symbol = self.symbol
        if plain:
            for sign, typed in (("×", "*"), ("÷", "/"), ("−", "-"), ("√{}", "sqrt({})"), ("^", " ** ")):
                symbol = symbol.replace(sign, typed)
        return symbol.format(", ".join(names)) if self.variadic else symbol.format(*names)

    def __repr__(self) -> str:
        return f"<operation {self.name}>"

    def __reduce__(self) -> tuple[Callable[[str], Op], tuple[str]]:
        return operation, (self.name,)

    def __deepcopy__(self, memo: dict[int, Any]) -> Op:
        return self


def _parameters(function: Any) -> list[str]:
    """The names of a function's parameters; none for what is not written in Python, as `tuple`."""
    return list(inspect.signature(function).parameters) if inspect.isfunction(function) else []


def _outranks(kind: Any, other: Any) -> bool:
    """Whether `kind` says that it outranks the classes that do not descend from it, and `other` is one of these."""
    return getattr(kind, "__outranks__", False) and not issubclass(other, kind)


def operation(name: str) -> Op:
    """The row of that name."""
    try:
        return OPS[name]
    except KeyError:
        raise KeyError(f"there is no operation {name!r} here; if it is your own, register its row first") from None


def no_such_index(index: float, count: int) -> IndexError:
    """What pick says to an index that none of its `count` values has."""
    problem = "is out of range" if index % 1 == 0 else "is not a whole number"
    has = f"{count} values (indices 0 to {count - 1})" if count > 1 else "1 value (index 0)" if count else "no values"
    return IndexError(f"index {index:g} {problem}: pick has {has}")


def picked(choices: Sequence[Any], index: Any) -> Any:
    """pick on arrays: in each place, the choice that the index at this place names."""
    index = np.asarray(index)
    places = index.astype(np.intp)
    wrong = (places != index) | (places < 0) | (places >= len(choices))
    if wrong.any():
        raise no_such_index(index[wrong][0], len(choices))
    if len(choices) < 32:  # the largest number that np.choose takes
        return np.choose(places, choices)
    *columns, places = np.broadcast_arrays(*choices, places)
    return np.take_along_axis(np.stack(columns), places[None], axis=0)[0]


NAMES = {"np": np, "math": math, "picked": picked}  # what a NumPy spelling may use
