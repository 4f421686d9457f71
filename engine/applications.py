"""The chain rule, one application after the other, for those who want to print it, or stop in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .graph import has_own_backward, topological_order, walked_edges
from .value import Value

__all__ = ["Application", "applications"]


@dataclass(frozen=True)
class Application:
    """One `argument.grad += local_derivative * upstream`, as backward() makes it at `node`.

    >>> from chainrule import Value, applications
    >>> a = Value(3.0, label="a")
    >>> for one in applications(a + a):
    ...     print(one)
    a: 0.0 + 1.0 * 1.0 = 1.0
    a: 1.0 + 1.0 * 1.0 = 2.0
    >>> [(one.place, one.use, one.passed) for one in applications(a + a)]
    [(0, 1, 1.0), (1, 2, 1.0)]
    """

    node: Value  # whose turn it is
    argument: Value  # which gets a part of its gradient
    place: int  # which of the node's arguments that is, counted from 0; numbers count, too
    local_derivative: float
    upstream: float  # the gradient of the node
    before: float  # the gradient of the argument before this application
    after: float  # and after it
    use: int  # which part of the argument's gradient this is, counted from 1: an argument is passed one for each use

    @property
    def passed(self) -> float:
        """What the argument's gradient grows by."""
        return self.local_derivative * self.upstream

    def __str__(self) -> str:
        return f"{self.argument.name()}: {self.before} + {self.local_derivative} * {self.upstream} = {self.after}"


def applications(root: Value) -> Iterator[Application]:
    """Every application of the chain rule in the order of backward(), from the root back; no `.grad` is changed.

    The gradients begin at 0 and are those of this root alone. What gets no gradient (a leaf with requires_grad=False,
    the side of a `where` that is not taken) has no application.
    Errors: TypeError for what is not a Value, and for a node with a hand-written `_backward`.

    >>> from chainrule import Value
    >>> x, w = Value(2.0, label="x"), Value(-3.0, label="w")
    >>> for one in applications((x * w).tanh()):
    ...     if abs(one.passed) < 1e-4:
    ...         print(f"nearly nothing goes from {one.node._op} to {one.argument.name()}")
    ...         break
    nearly nothing goes from tanh to the * node with data -6.0
    """
    if not isinstance(root, Value):
        raise TypeError(f"applications of {type(root).__name__} {root!r}: it has to be a Value")
    order = topological_order(root)
    for node in order:
        if has_own_backward(node):
            raise TypeError(
                f"{node.name()} has a hand-written _backward: only that knows its local derivatives; add a row "
                "(chainrule.register) to get this"
            )
    gradients, uses = {id(root): 1.0}, dict.fromkeys(map(id, order), 0)
    for node in reversed(order):
        if id(node) not in gradients or not node.requires_grad:
            continue
        upstream = gradients[id(node)]
        for place, (argument, slope) in walked_edges(node):
            if isinstance(argument, Value) and argument.requires_grad:
                before = gradients.get(id(argument), 0.0)
                after = gradients[id(argument)] = before + slope * upstream
                uses[id(argument)] += 1
                yield Application(node, argument, place, slope, upstream, before, after, uses[id(argument)])
