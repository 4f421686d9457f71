"""explain(): backpropagation in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chainrule.engine import Op, Value

from ..common.picture import write_text
from ..common.text import markup, short
from ..common.values import expression_of, value_names, values_of
from .chain_rule import Application, applications
from .formulas import local_formulas


@dataclass(frozen=True)
class StepText:
    """The text of one application of the chain rule."""

    update: str  # n.grad += ∂o/∂n × o.grad
    numbers: str  # 0.5 × 1 = 0.5
    made: str  # o = tanh(n)
    slope: str  # ∂o/∂n = 1 − o × o = …
    why: str  # why the local derivative is what it is; '' where the table does not say


def explain_step(
    step: Application, order: Sequence[Value], names: Sequence[str], number: Mapping[int, int]
) -> StepText:
    """The text of one application of the chain rule; `number` maps the id of each value to its index in `order`."""
    giver = order[step.giver]
    out, into = names[step.giver], names[step.receiver]
    arguments = [names[number[id(parent)]] for parent in giver._prev]
    formula = local_formulas(giver, out, arguments)[step.argument]
    product = f"{in_brackets(step.local) if step.turn else short(step.local)} × {in_brackets(step.upstream)}"
    earlier = f"{short(step.before)} + " if step.turn else ""
    made = expression_of(giver, arguments)
    operation = giver.operation
    return StepText(
        update=f"{into}.grad += ∂{out}/∂{into} × {out}.grad",
        numbers=f"{earlier}{product} = {short(step.after)}",
        made=f"{out} = {made}" if made else out,
        slope=f"∂{out}/∂{into} = {formula}",
        why=operation.why if isinstance(operation, Op) else "a node made by hand",
    )


def in_brackets(number: float) -> str:
    """A number as it stands in a product: in brackets if it is negative."""
    text = short(number)
    return f"({text})" if text.startswith("−") else text


class Explanation:
    """A whole derivation, step by step; str() is its text."""

    def __init__(self, title: str, steps: Sequence[StepText]) -> None:
        self.title = title
        self.steps = tuple(steps)

    def __str__(self) -> str:
        lines = [self.title]
        for step in self.steps:
            lines.append(f"{step.update} = {step.numbers}")
            lines.append(f"    {step.made}; {step.slope}" + (f"  ({step.why})" if step.why else ""))
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f'<pre style="line-height:1.5">{markup(self)}</pre>'

    def save(self, path: str | Path) -> Path:
        """Write the text into a .txt file or, as a page, into an .html file, and return its path.

        Errors: ValueError for any other ending.
        """
        head = f'<meta charset="utf-8"><title>{markup(self.title)}</title>'
        page = f'<!doctype html><html lang="en"><head>{head}</head><body>{self._repr_html_()}</body></html>\n'
        return write_text(path, {".txt": f"{self}\n", ".html": page})


def explain(value: Value) -> Explanation:
    """Every application of the chain rule behind the gradients of `value`, in words; no .grad is changed.

    Errors: TypeError for what is not a Value; ValueError for a node with a hand-written `_backward`.

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
    steps = [explain_step(step, order, names, number) for step in applications(order)]
    return Explanation(f"{names[-1]}.grad = 1, for {names[-1]} changes as fast as itself", steps)
