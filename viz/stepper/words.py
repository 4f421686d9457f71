"""Why each local derivative is what it is: the rules of the table, run on names instead of numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from chainrule.engine import Op, Value
from chainrule.engine.operators import Operators

from ..common.picture import write_text
from ..common.text import expression, markup, short, value_names
from .chain import Application, applications, values_of

# How strongly the signs of formulas bind, as in any schoolbook; a sign that is not here gets brackets.
BINDING = {"+": 1, "−": 1, "×": 2, "÷": 2, "^": 3}
PREFIXES = {"−": 2, "√": 4}  # −a
ASSOCIATIVE = frozenset("+×")
CLOSED = 9  # names, function calls: never in need of brackets
PROBES = (3.7, 0.3)


class Name(Operators):
    """A piece of formula; what is done to it, is written down.

    >>> a, b = Name("a"), Name("b")
    >>> (1.0 - a * a) / (a - b)
    (1 − a × a) ÷ (a − b)
    """

    __slots__ = ("binding", "text")

    def __init__(self, text: str, binding: int = CLOSED) -> None:
        self.text = text
        self.binding = binding

    @classmethod
    def __apply__(cls, op: Op, arguments: Sequence[Any]) -> Name:
        for place, argument in enumerate(arguments):
            if isinstance(argument, Name) and _changes_nothing(op, arguments, place):
                return argument
        parts = [argument if isinstance(argument, Name) else Name(short(float(argument))) for argument in arguments]
        sign = op.symbol.replace("{}", "").strip()
        if op.variadic or not (op.symbol.startswith("{}") or op.symbol.endswith("{}")):
            return cls(op.write([part.text for part in parts]))
        is_prefix = len(parts) == 1
        binding = (PREFIXES if is_prefix else BINDING).get(sign, 0)
        inside = [_bracketed(part, binding, sign, is_prefix or i > 0) for i, part in enumerate(parts)]
        return cls(op.write(inside), binding)

    def __repr__(self) -> str:
        return self.text


def _bracketed(part: Name, binding: int, sign: str, follows: bool) -> str:
    if part.binding == CLOSED:
        bare = not part.text.startswith("−") or (not follows and binding < BINDING["^"])
    elif follows:
        bare = part.binding > binding or (sign in ASSOCIATIVE and part.binding == binding > 0)
        bare = bare and not part.text.startswith("−")
    else:
        bare = part.binding >= binding > 0 and sign != "^"
    return part.text if bare else f"({part.text})"


def _changes_nothing(op: Op, arguments: Sequence[Any], place: int) -> bool:
    """Whether the constants beside this argument are neutral: + 0, × 1, ^ 1. Tried out, not known by name."""
    constants = [argument for i, argument in enumerate(arguments) if i != place]
    if not constants or op.variadic or not all(isinstance(constant, (int, float)) for constant in constants):
        return False
    try:
        return all(
            op.forward(*(probe if i == place else float(argument) for i, argument in enumerate(arguments))) == probe
            for probe in PROBES
        )
    except (ArithmeticError, ValueError):
        return False  # undefined there, so not neutral


def local_formulas(value: Value, name: str, names: Sequence[str]) -> list[str]:
    """The local derivative to each Value among the arguments: formula, numbers, result.

    >>> from chainrule import Value
    >>> a, b = Value(3.0), Value(-2.0)
    >>> local_formulas(a * b, "d", ["a", "b"])
    ['b = −2', 'a = 3']
    >>> local_formulas(a.tanh(), "t", ["a"])
    ['1 − t × t = 1 − 0.9951 × 0.9951 = 0.009866']
    """
    results = [short(local) for local in value._local_grads]
    operation = value.operation
    if operation is None or isinstance(operation, str):
        return results
    numbers = [telling(parent.data) for parent in value._prev]
    in_names = _run(operation, value, Name(name), [Name(text) for text in names])
    in_numbers = _run(operation, value, Name(telling(value.data)), [Name(text) for text in numbers])
    lines = []
    for formula, numeric, result in zip(in_names, in_numbers, results):
        steps = list(dict.fromkeys([formula, numeric, result]))
        lines.append(" = ".join([step for step in steps if step]))
    return lines


def telling(number: float) -> str:
    """Four digits, or eight where four would make it a whole number: 1 − 1 × 1 = 0.00005 explains nothing.

    >>> telling(0.70710678), telling(0.99997339), telling(2.0)
    ('0.7071', '0.99997339', '2')
    """
    text = short(number)
    return text if float(number).is_integer() or not text.replace("−", "").isdigit() else short(number, 8)


def _run(operation: Op, value: Value, out: Name, names: Sequence[Name]) -> list[str]:
    """What the row's rules write, for the Values among the arguments."""
    given = iter(names)
    arguments = [next(given) if isinstance(argument, Value) else argument for argument in value.arguments]
    rules = operation.partials
    if callable(rules):
        slopes = _written(partial(rules, out, *arguments), [""] * len(arguments))
    else:
        slopes = [_written(partial(rule, out, *arguments), "") for rule in rules]
    texts = [slope.text if isinstance(slope, Name) else short(slope) if slope != "" else "" for slope in slopes]
    return [text for text, argument in zip(texts, value.arguments) if isinstance(argument, Value)]


def _written(run: Callable[[], Any], otherwise: Any) -> Any:
    try:
        return run()
    except (ArithmeticError, TypeError, ValueError):
        return otherwise  # a rule of the user's own that takes nothing but floats, or a pole: the number must do


@dataclass(frozen=True)
class Line:
    """The text of one application of the chain rule."""

    update: str   # n.grad += ∂o/∂n × o.grad
    numbers: str  # 0.5 × 1 = 0.5
    made: str     # o = tanh(n)
    slope: str    # ∂o/∂n = 1 − o × o = …
    why: str      # a phrase, may be empty


def explain_step(step: Application, order: Sequence[Value], names: Sequence[str], number: dict[int, int]) -> Line:
    """The words for one application of the chain rule; `number` maps id(value) to its place in `order`."""
    giver = order[step.giver]
    out, into = names[step.giver], names[step.receiver]
    arguments = [names[number[id(parent)]] for parent in giver._prev]
    formula = local_formulas(giver, out, arguments)[step.argument]
    product = f"{in_brackets(step.local) if step.turn else short(step.local)} × {in_brackets(step.upstream)}"
    earlier = f"{short(step.before)} + " if step.turn else ""
    made = expression(giver, arguments)
    operation = giver.operation
    return Line(
        update=f"{into}.grad += ∂{out}/∂{into} × {out}.grad",
        numbers=f"{earlier}{product} = {short(step.after)}",
        made=f"{out} = {made}" if made else out,
        slope=f"∂{out}/∂{into} = {formula}",
        why=operation.why if isinstance(operation, Op) else "a node made by hand",
    )


def in_brackets(number: float) -> str:
    """A number as a factor: in brackets if negative."""
    text = short(number)
    return f"({text})" if text.startswith("−") else text


class Explanation:
    """The whole derivation, line by line; str() is the text."""

    def __init__(self, title: str, lines: Sequence[Line]) -> None:
        self.title = title
        self.lines = tuple(lines)

    def __str__(self) -> str:
        parts = [self.title]
        for line in self.lines:
            parts.append(f"{line.update} = {line.numbers}")
            parts.append(f"    {line.made}; {line.slope}" + (f"  ({line.why})" if line.why else ""))
        return "\n".join(parts)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f'<pre style="line-height:1.5">{markup(self)}</pre>'

    def save(self, path: str | Path) -> Path:
        """Write the text into a .txt file or, as a page, into an .html file; the path comes back."""
        page = f'<!doctype html><meta charset="utf-8"><title>{markup(self.title)}</title>{self._repr_html_()}\n'
        return write_text(path, {".txt": f"{self}\n", ".html": page})


def explain(value: Value) -> Explanation:
    """Every application of the chain rule behind the gradients of `value`, in words; no .grad is touched.

    >>> from chainrule import Value
    >>> n = Value(0.5, label="n")
    >>> o = n * n; o.label = "o"
    >>> print(explain(o))
    o.grad = 1, for o changes as fast as itself
    n.grad += ∂o/∂n × o.grad = 0.5 × 1 = 0.5
        o = n × n; ∂o/∂n = n = 0.5  (for a product the local derivative is the other factor)
    n.grad += ∂o/∂n × o.grad = 0.5 + 0.5 × 1 = 1
        o = n × n; ∂o/∂n = n = 0.5  (for a product the local derivative is the other factor)
    """
    order = values_of(value)
    names = value_names(order)
    number = {id(one): index for index, one in enumerate(order)}
    lines = [explain_step(step, order, names, number) for step in applications(order)]
    return Explanation(f"{names[-1]}.grad = 1, for {names[-1]} changes as fast as itself", lines)
