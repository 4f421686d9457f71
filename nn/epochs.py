"""Whole epochs in one call in C: the rule of an optimiser becomes C by running it once on symbols."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from types import FunctionType, MethodType
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

from chainrule.engine import Program
from chainrule.engine.compiler.emit.c_words import WORDS, number, primitive
from chainrule.engine.compiler.expression import NoExpression

from .stepping import Numbers, Optimiser

__all__ = ["Column", "InC", "Rule", "Symbol", "Untraceable", "rule_of"]


class Untraceable(Exception):
    """A rule does something that cannot be written as the same lines in C for each parameter and each step."""


class Symbol:
    """A number that is the same for all parameters: a setting, the learning rate, the number of steps, or made of them.

    `value` is the number of a setting now: a rule may ask whether it is 0, as in `if self.momentum`. It is None for
    what may change with each step.
    """

    def __init__(self, text: str, value: float | None) -> None:
        self.text, self.value = text, value

    def __bool__(self) -> bool:
        if self.value is None:
            raise Untraceable("it branches on a number that may change with each step")
        return bool(self.value)

    def __lt__(self, other: object) -> bool:
        raise Untraceable("it compares a number with another one")

    __le__ = __gt__ = __ge__ = __lt__
    __eq__ = __ne__ = __lt__
    __hash__ = None  # type: ignore[assignment]

    def __neg__(self) -> Symbol:
        return Symbol(f"(-{self.text})", _now(lambda x: -x, self))


def _now(function: Callable[..., float], *given: Any) -> float | None:
    """The function of what the arguments are now; None if one of them may change with each step."""
    values = [one.value if isinstance(one, Symbol) else one for one in given]
    return None if None in values else function(*values)


def _operator(word: str, function: Callable[[float, float], float], turned: bool) -> Callable[[Symbol, Any], Any]:
    def apply(self: Symbol, other: Any) -> Any:
        if not isinstance(other, (Symbol, int, float)):
            return NotImplemented
        pair = (other, self) if turned else (self, other)
        return Symbol(WORDS[word].format(*map(_scalar, pair)), _now(function, *pair))

    return apply


for _name, _word, _function in (
    ("add", "add", lambda a, b: a + b), ("sub", "subtract", lambda a, b: a - b),
    ("mul", "multiply", lambda a, b: a * b), ("truediv", "divide", lambda a, b: a / b),
    ("pow", "power", lambda a, b: a**b),
):  # fmt: skip
    setattr(Symbol, f"__{_name}__", _operator(_word, _function, False))
    setattr(Symbol, f"__r{_name}__", _operator(_word, _function, True))


class _Mathematics:
    """The module math, whose functions take symbols, too."""

    def __getattr__(self, name: str) -> Any:
        function = getattr(math, name)
        if not callable(function):
            return function

        def apply(*arguments: Any) -> Any:
            if not any(isinstance(a, Symbol) for a in arguments):
                return function(*arguments)
            return Symbol(_spelled(name, [_scalar(a) for a in arguments]), _now(function, *arguments))

        return apply


def _spelled(name: str, texts: Sequence[str]) -> str:
    try:
        return primitive(name, texts)
    except NoExpression as problem:
        raise Untraceable(str(problem)) from None


def _scalar(x: Any) -> str:
    if isinstance(x, np.ndarray) and x.ndim == 0:  # a setting, which a rule has put into an array
        x = x.item()
    if isinstance(x, Symbol):
        return x.text
    if isinstance(x, (int, float, np.number)):
        return number(float(x))
    raise Untraceable(f"it computes with {type(x).__name__}")


class Column(NDArrayOperatorsMixin):
    """An array with a number for each parameter, of which C has the number of one parameter as a variable."""

    __array_priority__ = 1.0

    def __init__(self, rule: _Writer, name: str) -> None:
        self.rule, self.name = rule, name

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **more: Any) -> Any:
        if method != "__call__" or more or ufunc.nout != 1:
            raise Untraceable(f"it calls {ufunc.__name__} in a way of its own")
        text = _spelled(ufunc.__name__, [self.rule.text(x) for x in inputs])
        return self.rule.put(text, out[0] if out else None)

    def __array_function__(self, function: Any, types: Any, arguments: Any, named: Any) -> Any:
        name = function.__name__
        if name == "copyto" and len(arguments) == 2 and not named:
            self.rule.put(self.rule.text(arguments[1]), arguments[0])
            return None
        if name == "where" and len(arguments) == 3:
            return self.rule.put(_spelled("where", [self.rule.text(x) for x in arguments]), None)
        raise Untraceable(f"it calls {name}")

    def dot(self, other: Any) -> Any:
        return _Squares(self, other)

    def copy(self) -> Column:
        return self.rule.put(self.name, None)

    def __setitem__(self, key: Any, given: Any) -> None:
        if key is not Ellipsis and key != slice(None):
            raise Untraceable("it changes some of the parameters alone")
        self.rule.put(self.rule.text(given), self)

    def __bool__(self) -> bool:
        raise Untraceable("it branches on an array")

    __len__ = __iter__ = __float__ = __getitem__ = __bool__


class _Squares:
    """The sum of the squares of a gradient, which is finite: else the loop in C leaves the step to NumPy."""

    def __init__(self, one: Column, other: Any) -> None:
        self.whole = one is other and one.name in one.rule.finite

    def __lt__(self, other: Any) -> bool:
        if self.whole and other == math.inf:
            return True
        raise Untraceable("it branches on a sum")


class _Writer:
    """The lines of a rule in C."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.scalars: dict[str, str] = {}
        self.count = 0
        self.finite = {"gradient"}  # the columns of whose squares the loop in C sees that their sum is finite

    def text(self, x: Any) -> str:
        if isinstance(x, Column):
            return x.name
        text = _scalar(x)
        return self.scalars.setdefault(text, f"k{len(self.scalars)}")

    def put(self, text: str, target: Any) -> Column:
        if target is None:
            self.count += 1
            self.lines.append(f"double c{self.count} = {text};")
            return Column(self, f"c{self.count}")
        if not isinstance(target, Column):
            raise Untraceable("it writes into an array that it does not keep")
        self.lines.append(f"{target.name} = {text};")
        return target


class _Standing:
    """Stands for an optimiser in its own rule: settings are symbols, and what it remembers are columns."""

    def __init__(self, optimiser: Optimiser, **replaced: Any) -> None:
        self.__dict__.update(optimiser.__dict__, **replaced)
        self.__dict__["_kind"] = type(optimiser)

    def __getattr__(self, name: str) -> Any:
        """What the class of the optimiser has under that name."""
        kind = self.__dict__["_kind"]
        try:
            found = inspect.getattr_static(kind, name)
        except AttributeError:
            raise Untraceable(f"it reads {name}") from None
        if isinstance(found, property) and found.fget:
            return _with_symbols(found.fget)(self)
        if isinstance(found, FunctionType):
            return MethodType(_with_symbols(found), self)
        return getattr(kind, name)


def _with_symbols(function: Any) -> Any:
    """The function with a module math whose functions take symbols."""
    names = function.__globals__
    if names.get("math") is math:
        names = {**names, "math": _Mathematics()}
    made = FunctionType(function.__code__, names, function.__name__, function.__defaults__, function.__closure__)
    made.__kwdefaults__ = function.__kwdefaults__
    return made


class Rule:
    """The rule of an optimiser in C: its text, and the numbers and arrays that it works with."""

    def __init__(self, text: str, settings: Numbers) -> None:
        self.text, self.settings = text, settings


def rule_of(optimiser: Optimiser) -> Rule:
    """The rule, with its weight decay, as a function in C; see `engine.compiler.run.epochs.Epochs`.

    Errors: Untraceable where it is no sequence of operations on each parameter alone.
    """
    if optimiser.clip_norm is not None or optimiser.clip_value is not None:
        raise Untraceable("it clips the gradient")
    writer = _Writer()
    names = [name for name in optimiser.settings if type(optimiser.__dict__.get(name)) in (int, float)]
    values = [float(optimiser.__dict__[name]) for name in names]
    symbols: dict[str, Any] = {name: Symbol(f"settings[{i}]", values[i]) for i, name in enumerate(names)}
    symbols["learning_rate"] = Symbol("rate", None)
    columns = {name: Column(writer, f"memory_{i}") for i, name in enumerate(optimiser.memory)}
    theta, gradient = Column(writer, "theta"), Column(writer, "gradient")
    standing: Any = _Standing(
        optimiser, **symbols, **columns, schedule=None, steps=Symbol("taken", None),
        _scratch=Column(writer, "scratch"), _last=None, _arrays=(), _squared=(None, None),
        _as_arrays=lambda *numbers: tuple([np.array(x, dtype=object) for x in numbers]),
    )  # fmt: skip
    start = dict(standing.__dict__)
    try:
        used: Any = standing.decay(theta, gradient) if optimiser.weight_decay else gradient
        writer.finite.add(used.name)
        moved = standing.update(theta, used)
    except Untraceable:
        raise
    except Exception as problem:
        raise Untraceable(f"{type(problem).__name__}: {problem}") from problem
    for name, found in standing.__dict__.items():
        if name not in optimiser.memory and found is not start.get(name):
            raise Untraceable(f"it changes {name}, which is not in its memory")
    kept = [standing.__dict__[name] for name in optimiser.memory]
    if not all(isinstance(one, Column) for one in (used, moved, *kept)):
        raise Untraceable("what it keeps is no array with a number for each parameter")
    return Rule(_text(writer, moved, used, kept), np.array([*values, 0.0]))  # 0.0: there is always memory to point at


def _text(writer: _Writer, moved: Column, used: Column, kept: Sequence[Column]) -> str:
    places = range(len(kept))
    lines = [
        "static long cr_rule(long n, double taken, double rate, const double *settings, double *all_theta, double "
        "*all_gradient, double *const *memory, double *before, double *squares) {",
        *[f"  double *const all_memory_{i} = memory[{i}];" for i in places],
        *[f"  const double {name} = {text};" for text, name in writer.scalars.items()],
        "  const double most = 1e308 / (double)n;",
        "  long wrong = 0;",
        "  (void)taken; (void)rate; (void)settings; (void)memory;",
        "  CR_LOOP for (long i = 0; i < n; i++) {",
        "    double theta = all_theta[i], gradient = all_gradient[i], square = gradient * gradient, scratch = 0.0;",
        *[f"    double memory_{i} = all_memory_{i}[i];" for i in places],
        "    before[i] = theta; squares[i] += square;",
        *[f"    {line}" for line in writer.lines],
        f"    all_theta[i] = {moved.name}; all_gradient[i] = {used.name};",
        *[f"    all_memory_{i}[i] = {column.name};" for i, column in enumerate(kept)],
        f"    wrong |= !(square < most) | !({moved.name} * {moved.name} < most) | !({used.name} * {used.name} < most);",
        "    (void)gradient; (void)scratch;\n  }\n  return wrong;\n}",
    ]
    return "\n".join(lines)


class InC:
    """The steps of a training in C, where the program and the rule of the optimiser allow it."""

    def __init__(self, program: Program, optimiser: Optimiser) -> None:
        self.program, self.optimiser = program, optimiser
        self.known: tuple[dict[str, Any] | None, Rule | None] = None, None  # settings, and the rule that they make

    def rule(self) -> Rule | None:
        """The rule with the settings of now; None if it cannot be written in C."""
        optimiser = self.optimiser
        plain = {name: one for name, one in optimiser.__dict__.items() if isinstance(one, (int, float, str))}
        settings = {name: one for name, one in plain.items() if name not in ("steps", "learning_rate")}
        if self.known[0] != settings:
            try:
                rule = rule_of(optimiser)
            except Untraceable:
                rule = None
            self.known = settings, rule
        return self.known[1]

    def steps(
        self, inputs: Sequence[NDArray[Any]], size: int, numbers: Numbers, theta: Numbers, squares: Numbers
    ) -> int:
        """Take a step for each mini-batch of these inputs, in order; returns how many were taken.

        `numbers` are those of all parameters; theta, which is the first part of them, is moved.
        The rest, which begins with one that is not finite or that cannot be taken in C, is left to others.
        """
        optimiser, moved, last = self.optimiser, len(theta), -(-len(inputs[0]) // size)
        rule = self.rule() if all(p.requires_grad for p in optimiser.params) else None
        if rule is None:
            return 0
        memory = [getattr(optimiser, name) for name in optimiser.memory]
        epochs = self.program.epochs(rule.text, moved, *[column[:size] for column in inputs])
        if epochs is None:
            return 0
        schedule, first = optimiser.schedule, optimiser.steps
        rates = np.full(last, optimiser.learning_rate)
        if schedule is not None:
            rates *= [schedule(first + step, optimiser.planned) for step in range(last)]
        before = theta.copy(), squares.copy(), [one.copy() for one in memory]
        taken, finite = epochs.run(inputs, size, numbers, squares, rates, rule.settings, memory, first)
        if not finite:  # the steps before are taken again, so that the one in question is explained
            theta[:], squares[:] = before[:2]
            for one, old in zip(memory, before[2]):
                one[:] = old
            taken, _ = epochs.run([one[: taken * size] for one in inputs], size, numbers, squares, rates, rule.settings,
                                  memory, first) if taken else (0, True)  # fmt: skip
        if taken:
            optimiser.__dict__["steps"] += taken
            last_step = epochs.before.copy(), epochs.gradient[:moved].copy(), optimiser.learning_rate
            optimiser.__dict__["_last"] = last_step
        return int(taken)
