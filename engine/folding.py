"""The sums of neurons, start + w1·x1 + w2·x2 + …: one node each, until somebody looks at what it is made of.

A network is made of such sums, and most of their products and partial sums are never looked at: backward() passes
through all of a neuron's at once. Whoever asks for the arguments finds the nodes that `+` and `*` make.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import mul as times
from typing import Any

from .fast import FastOperators, new
from .graph import LEAF, pass_to_shared
from .ops import add, multiply
from .recording import recording


class Inputs(tuple[Any, ...]):
    """What the neurons of a layer share: numbers and Values."""

    def __init__(self, given: Iterable[Any]) -> None:
        self.kinds = {x.__class__ for x in self} - {float}
        self.numbers: list[float] = []  # when they are wanted: a traced Value notices that it is read
        self.values: list[Any] = []

    def read(self) -> list[float]:
        """The numbers, all of Values of one class and of floats."""
        if not self.numbers:
            self.values = [x for x in self if x.__class__ is not float]
            self.numbers = [x if x.__class__ is float else x.data for x in self]
        return self.numbers


class Folded(tuple[Any, ...]):
    """Stands where a sum has its last product: (weights, inputs, start), and their numbers at the forward pass."""

    __slots__ = ()
    _uses = 0  # as no argument has

    def unfold(self, node: Any) -> None:
        """Make the nodes that the operators would have made."""
        kind = node.__class__
        weights, inputs, total, numbers, others, data = self
        for weight, x, a, b in zip(weights, inputs, numbers, others):
            product, before = new(kind), total
            product.data, product.grad, product.operation, product._uses = a * b, node.grad, multiply, 1
            product._left, product._right, product._d_left = weight, x, b
            product._d_right = a if x.__class__ is kind else 0.0
            data += product.data
            total = new(kind)
            total.data, total.grad, total.operation, total._uses = data, node.grad, add, 1
            total._left, total._right, total._d_left, total._d_right = before, product, 1.0, 1.0
        # Another thread, or code that ran in between, may have been here: the first to say so is right.
        before, product = node.__dict__.setdefault("_unfolded", (before, product))
        if node._right is self:
            node._left, node._d_left, node._d_right, node._right = before, 1.0, 1.0, product
        node.__dict__.pop("_unfolded", None)

    def arguments(self) -> list[Any]:
        """Of the products, and the start."""
        weights, inputs, start, *_ = self
        return [*weights, *inputs.values, start]

    def pass_back(self, upstream: float, stack: list[Any], waiting: dict[Any, int]) -> None:
        """The chain rule for all of these nodes: each weight gets its input times the gradient, and the reverse."""
        weights, inputs, start, numbers, others, _ = self
        for weight, slope in zip(weights, others):
            if weight._uses >= LEAF:
                weight.grad += slope * upstream
            elif weight._uses > 0:
                pass_to_shared(weight, slope * upstream, stack, waiting)
        if start._uses >= LEAF:
            start.grad += upstream
        elif start._uses > 0:
            pass_to_shared(start, upstream, stack, waiting)
        if inputs.values:
            for x, slope in zip(inputs, numbers):
                if x.__class__ is float:
                    continue
                uses = x._uses
                if uses >= LEAF:
                    x.grad += slope * upstream
                elif uses > 0:  # `pass_to_shared`, written out
                    left = waiting.get(x)
                    if left is None:
                        x.grad, left = 0.0, uses
                    x.grad += slope * upstream
                    if left > 1:
                        waiting[x] = left - 1
                    else:
                        waiting.pop(x, None)
                        stack.append(x)


def weighted_sum(weights: Iterable[Any], inputs: Iterable[Any], start: Any) -> Any:
    """start + w1·x1 + w2·x2 + …, folded if the weights are leaves that learn; else as the operators make it."""
    kind = start.__class__
    ours = getattr(kind, "__add__", None) is FastOperators.__add__ and kind.__mul__ is FastOperators.__mul__
    if ours and start._uses >= LEAF and recording():
        weights = tuple(weights)
        inputs = inputs if inputs.__class__ is Inputs else Inputs(inputs)
        if inputs.kinds <= {kind}:
            numbers = [w.data for w in weights if w.__class__ is kind and w._uses >= LEAF]
            if len(numbers) == len(weights) == len(inputs) > 0:
                return _folded(weights, inputs, start, numbers)
    return sum(map(times, weights, inputs), start)


def _folded(weights: tuple[Any, ...], inputs: Any, start: Any, numbers: list[float]) -> Any:
    others = inputs.read()
    data = first = start.data
    for a, b in zip(numbers, others):
        data += a * b
    for x in inputs.values:
        x._uses += 1
    out = new(start.__class__)
    out.data, out.grad, out.operation, out._uses = data, 0.0, add, 0
    out._left = out._d_left = out._d_right = 0.0
    out._right = Folded((weights, inputs, start, numbers, others, first))
    return out
