"""Words for each application of the chain rule: what explain() writes and what the page of steps() shows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from chainrule.engine import Op, Value

from ..common.checks import STRIPED, first_not_finite, look_at
from ..common.formulas import DIGITS, Formula, agrees, equation, product, read
from ..common.text import short
from ..common.values import expression_of, through, value_names
from .chain_rule import Application
from .local_derivatives import LocalText, local_texts

LOCAL = "local derivative"
BLOCKED = "What a choice leaves out gets nothing at all, not even a product of 0 and a number that is not finite"
MOST_NAMES = 8  # in one sentence


@dataclass(frozen=True)
class StepText:
    """The text of one application of the chain rule."""

    update: str  # n.grad += local derivative × o.grad
    numbers: str  # 0 + 0.5 × 1 = 0.5
    terms: list[str]  # the numbers of that one by one: what was there before, and the two factors
    sign: str  # = or ≈ before the result
    made: str  # o = tanh(n)
    slope: str  # local derivative through n = 1 − o^2 = 1 − 0.7071^2 = 0.5
    why: str  # why the slope is what it is; '' where the table does not say
    together: str  # through the 1st n: 3, through the 2nd n: 3, together 6; '' where n is used once in o
    use: str  # n is used twice; this is the 1st contribution to its gradient; '' where it is used once


class Narrator:
    """Says of each application of the chain rule in a graph what it does, with names and numbers."""

    def __init__(self, order: Sequence[Value], names: Sequence[str] | None = None) -> None:
        self.order = order
        self.names = value_names(order) if names is None else list(names)
        self.number = {id(value): index for index, value in enumerate(order)}
        self.found = look_at(order, [value.grad for value in order])
        self.root = self.names[-1]
        self._locals: dict[int, list[LocalText]] = {}

    def arguments_of(self, giver: int) -> list[str]:
        """The names of the Values among the arguments, in order."""
        return [self.names[self.number[id(parent)]] for parent in self.order[giver]._prev]

    def text(self, step: Application) -> StepText:
        """The text of one application of the chain rule."""
        giver, out, into = self.order[step.giver], self.names[step.giver], self.names[step.receiver]
        arguments = self.arguments_of(step.giver)
        if step.giver not in self._locals:
            self._locals[step.giver] = local_texts(giver, out, arguments, self.found.changed[step.giver])
        local = self._locals[step.giver][step.argument]
        terms, sign, result = product(step.before, step.local, step.upstream, step.after)
        blocked = step.is_left_out and not math.isfinite(step.local * step.upstream)
        if blocked:
            sign = "="
        made = expression_of(giver, arguments)
        return StepText(
            update=f"{into}.grad += {LOCAL} × {out}.grad",
            numbers=f"{terms[0]} + {terms[1]} × {terms[2]} {sign} {result}",
            terms=terms,
            sign=sign,
            made=f"{out} = {made}" if made else out,
            slope=f"{LOCAL} through {through(arguments, step.argument)} = {local.equation}",
            why=BLOCKED if blocked else local.why,
            together=_together(giver, arguments, step.argument),
            use=_use(step, into),
        )

    def computed(self, index: int) -> tuple[str, str]:
        """How a value was computed, in names and in numbers: n = s + b and −6 + 6.881 = 0.8814."""
        value, name = self.order[index], self.names[index]
        made, operation = expression_of(value, self.arguments_of(index)), value.operation
        if not isinstance(operation, Op):
            return (f"{name} = {made}" if made else name), short(value.data)

        def in_numbers(digits: int) -> Formula:
            return Formula.of(operation, [Formula.printed(float(a), digits) for a in value.arguments])

        return f"{name} = {made}", equation([in_numbers], value.data)

    def kept(self, index: int) -> str:
        """The local derivatives of a computed value, which wait for the way back; '' if there are none."""
        value, arguments = self.order[index], self.arguments_of(index)
        if not value.requires_grad:
            return ""
        pairs = [
            f"through {through(arguments, place)}: {short(local)}"
            for place, (parent, local) in enumerate(zip(value._prev, value._local_grads))
            if parent.requires_grad
        ]
        return listed(pairs)

    def seed(self) -> str:
        """What is said before the first application."""
        if not self.order[-1].requires_grad:
            return f"backward() does nothing: requires_grad is False for all that {self.root} was computed from"
        return f"{self.root}.grad = 1: {self.root} changes exactly as fast as itself"

    def frozen(self) -> list[str]:
        """A sentence about the leaves that get no gradient, if there are any."""
        names = [n for value, n in zip(self.order, self.names) if not value.requires_grad and not value.operation]
        return [f"Nothing goes back to {listed(names)}: requires_grad is False."] if names else []

    def notes(self, grads: Sequence[float] | None = None) -> list[str]:
        """What a reader has to know besides: frozen leaves, stale numbers and, after backpropagation, nan and inf."""
        said = self.frozen()
        if any(self.found.stale):
            which = self.names[self.found.stale.index(True)]
            said.append(f"{which} is stale: data changed after the forward pass; call {self.root}.refresh().")
        if grads is not None and (bad := first_not_finite(self.order, self.names, grads)):
            said.append(bad.removeprefix(STRIPED))
        return said


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, …

    >>> ordinal(2), ordinal(11), ordinal(21)
    ('2nd', '11th', '21st')
    """
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number % 100 not in (11, 12, 13) else "th"
    return f"{number}{ending}"


def _use(step: Application, name: str) -> str:
    if step.turns == 1:
        return ""
    times = "twice" if step.turns == 2 else f"{step.turns} times"
    said = f"{name} is used {times}; this is the {ordinal(step.turn + 1)} contribution to its gradient"
    return f"{said}, and contributions add up: that is why it is +=" if step.turn else said


def listed(names: Sequence[str]) -> str:
    """The names in a row, the first few of many.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    shown = list(names[:MOST_NAMES])
    last = shown.pop() if len(names) <= MOST_NAMES else f"{len(names) - MOST_NAMES} more"
    return f"{', '.join(shown)} and {last}" if shown else last


def _together(giver: Value, arguments: Sequence[str], argument: int) -> str:
    """At the last place of a value that is used more than once in one operation: what all its places have."""
    name = arguments[argument]
    places = [place for place, other in enumerate(arguments) if other == name]
    if len(places) == 1 or argument != places[-1]:
        return ""
    slopes = [giver._local_grads[place] for place in places]
    whole = sum(slopes)
    for digits in DIGITS:
        texts = [short(slope, digits) for slope in slopes]
        if agrees(sum(map(read, texts)), whole):
            break
    parts = [f"through {through(arguments, place)}: {text}" for place, text in zip(places, texts)]
    about = "" if agrees(sum(map(read, texts)), whole) else "about "
    return f"{', '.join(parts)}, together {about}{short(whole)}".replace("through", "Through", 1)
