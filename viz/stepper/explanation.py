"""explain(): backpropagation in words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from chainrule.engine import Value

from ..common.saving import write_text
from ..common.text import markup
from ..common.values import values_of
from .chain_rule import applications, gradients_after
from .narration import Narrator, StepText


class Explanation:
    """A whole derivation, step by step; str() is its text."""

    def __init__(self, title: str, steps: Sequence[StepText], notes: Sequence[str] = ()) -> None:
        self.title = title
        self.steps = tuple(steps)
        self.notes = tuple(notes)

    def __str__(self) -> str:
        lines = [self.title]
        for step in self.steps:
            lines.append(f"{step.update}: {step.numbers}")
            lines.append(f"    {step.made}; {step.slope}")
            lines += [f"    {said}." for said in (step.why, step.together) if said]
        return "\n".join([*lines, *self.notes])

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
    o.grad = 1: o changes exactly as fast as itself.
    n.grad += local derivative × o.grad: 0.5 × 1 = 0.5
        o = n × n; local derivative through the 1st n = n = 0.5
        The local derivative of a product through one factor is the other factor.
    n.grad += local derivative × o.grad: 0.5 + 0.5 × 1 = 1
        o = n × n; local derivative through the 2nd n = n = 0.5
        The local derivative of a product through one factor is the other factor.
        Through the 1st n: 0.5, through the 2nd n: 0.5, together 1.
    """
    narrator = Narrator(values_of(value))
    applied = applications(narrator.order)
    steps = [narrator.text(step) for step in applied]
    return Explanation(f"{narrator.seed()}.", steps, narrator.notes(gradients_after(applied, narrator.order)))
