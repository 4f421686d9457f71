"""The chain rule, one application after the other, as backward() goes through a graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from chainrule.engine import Value
from chainrule.engine.graph import leaves_out

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
    turns: int  # how many it has in the end
    is_left_out: bool = False  # a choice lets nothing at all through, not even 0 × inf

    @property
    def passed(self) -> float:
        return 0.0 if self.is_left_out else self.local * self.upstream


def applications(order: Sequence[Value], walk: Sequence[int] | None = None) -> list[Application]:
    """Every application of the chain rule, from the last value back; no .grad is changed.

    `walk`: the places in `order` of the values that were computed, each after its arguments; the chain rule goes
    through them backwards. Where it is not given, they have the order of `order`.

    Unlike the engine's `applications`, this has one for an argument that was not chosen, too: it gets 0.

    Errors: ValueError for a node with a hand-written `_backward`.

    >>> from chainrule import Value
    >>> a = Value(3.0, label="a")
    >>> [(one.before, one.after) for one in applications([a, a + a])]
    [(0.0, 1.0), (1.0, 2.0)]
    """
    number = {id(value): index for index, value in enumerate(order)}
    adjoint = [0.0] * len(order)
    adjoint[-1] = 1.0
    found: list[Application] = []
    backwards = list(reversed(range(len(order)) if walk is None else walk))
    edges = [(giver, *edge) for giver in backwards for edge in _open_edges(order[giver])]
    reached = {len(order) - 1}  # what is behind the side of a choice that was not taken gets nothing
    turns, in_all = Counter[int](), Counter(number[id(parent)] for _, _, parent, _ in edges)
    for giver, argument, parent, local in edges:
        receiver, upstream = number[id(parent)], adjoint[giver]
        before = after = adjoint[receiver]
        is_left_out = giver not in reached or leaves_out(order[giver], local)
        if not is_left_out:
            reached.add(receiver)
            after = before + local * upstream
        turn, count = turns[receiver], in_all[receiver]
        found.append(Application(giver, receiver, argument, local, upstream, before, after, turn, count, is_left_out))
        adjoint[receiver] = after
        turns[receiver] += 1
    return found


def _open_edges(value: Value) -> list[tuple[int, Value, float]]:
    """Place, argument and local derivative of each Value to which this one passes its gradient."""
    if is_handwritten(value):
        name = clean(value.label or value._op)
        raise ValueError(
            f"{name} was made by hand: only its own _backward knows its local derivatives; "
            "draw() shows it, and with a row in the table of operations it could be explained step by step"
        )
    if not value.requires_grad:
        return []
    pairs = enumerate(zip(value._prev, value._local_grads))
    return [(argument, parent, local) for argument, (parent, local) in pairs if parent.requires_grad]


def gradients_after(applied: Sequence[Application], order: Sequence[Value]) -> list[float]:
    """The gradient of each value after these applications, if all were 0 before."""
    grads = [0.0] * (len(order) - 1) + [float(order[-1].requires_grad)]
    for step in applied:
        grads[step.receiver] = step.after
    return grads
