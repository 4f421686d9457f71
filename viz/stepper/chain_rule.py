"""The chain rule, one application after the other, as backward() goes through a graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chainrule.engine import Value

from ..common.text import clean
from ..common.values import is_handwritten


@dataclass(frozen=True)
class Application:
    """One `receiver.grad += local derivative × giver.grad`; giver and receiver are indices in topological order."""

    giver: int
    receiver: int
    argument: int  # which argument of the giver the receiver is, among those that are Values
    local: float  # the local derivative
    upstream: float  # the gradient of the giver
    before: float  # the gradient of the receiver before this application
    after: float  # and after it
    turn: int  # how many contributions the receiver had before this one

    @property
    def passed(self) -> float:
        return self.local * self.upstream


def applications(order: Sequence[Value]) -> list[Application]:
    """Every application of the chain rule in the order of backward(), from the last value back; no .grad is changed.

    Errors: ValueError for a node with a hand-written `_backward`.

    >>> from chainrule import Value
    >>> a = Value(3.0, label="a")
    >>> [(one.before, one.after) for one in applications([a, a + a])]
    [(0.0, 1.0), (1.0, 2.0)]
    """
    number = {id(value): index for index, value in enumerate(order)}
    adjoint = [0.0] * len(order)
    adjoint[-1] = 1.0
    turns = [0] * len(order)
    found = []
    for giver in reversed(range(len(order))):
        value = order[giver]
        if is_handwritten(value):
            name = clean(value.label or value._op)
            raise ValueError(
                f"{name} was made by hand: only its own _backward knows its local derivatives; "
                "draw() shows it, and with a row in the table of operations it could be explained step by step"
            )
        for argument, (parent, local) in enumerate(zip(value._prev, value._local_grads)):
            if parent.requires_grad and value.requires_grad:
                receiver, upstream = number[id(parent)], adjoint[giver]
                before, after = adjoint[receiver], adjoint[receiver] + local * upstream
                found.append(Application(giver, receiver, argument, local, upstream, before, after, turns[receiver]))
                adjoint[receiver] = after
                turns[receiver] += 1
    return found


def gradients_after(applied: Sequence[Application], order: Sequence[Value]) -> list[float]:
    """The gradient of each value after these applications, if all were 0 before."""
    grads = [0.0] * (len(order) - 1) + [float(order[-1].requires_grad)]
    for step in applied:
        grads[step.receiver] = step.after
    return grads
