"""The sums of neurons, start + w1·x1 + w2·x2 + …: one node each, until somebody looks at what it is made of.

A network is made of such sums, and most of their products and partial sums are never looked at: backward() passes
through all of a neuron's at once. Whoever asks for the arguments finds the nodes that `+` and `*` make.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import mul as times
from typing import Any

from ..graph import LEAF, pass_to_shared
from ..ops import add, multiply
from ..recording import recording
from .operators import FastOperators, constant, new

Groups = dict[int, Any]  # of neurons, by the inputs they share: [how many are to come, how many there are, the inputs]


class Inputs(tuple[Any, ...]):
    """The inputs of a layer's neurons, numbers and Values: read and counted once for `sums` sums made in a row,
    no user's code in between."""

    values: list[Any]  # those that are no plain numbers
    kind: Any  # their class; float if there are none, None if there are several classes
    sums: int  # how many are announced
    to_come: int  # announced, counted in the Values' `_uses`, and not yet made
    folded: int  # made, and looked at by nobody
    data: Sequence[float]  # the inputs' numbers, as the sums to come will use them
    by: Any  # the class of these sums

    def __new__(cls, given: Iterable[Any], sums: int = 1) -> Inputs:
        self = tuple.__new__(cls, given)
        kinds = {*map(type, self)}
        if int in kinds:
            return cls([x + 0.0 if x.__class__ is int else x for x in self], sums)
        self.values = [x for x in self if x.__class__ is not float] if float in kinds else [*self]
        kinds.discard(float)
        self.kind = float if not kinds else kinds.pop() if len(kinds) == 1 else None
        self.sums, self.to_come, self.folded = sums, 0, 0
        return self

    def numbers(self) -> Sequence[float]:
        return [x if x.__class__ is float else x.data for x in self]

    def numbers_for_a_sum(self, by: Any) -> Sequence[float]:
        """The inputs' numbers, for one more sum of that class; counts it."""
        if self.to_come == 0:
            self.data, self.by, sums = self.numbers(), by, self.sums if by._ours else 1
            for x in self.values:
                x._uses += sums
            self.to_come = sums  # last: after Ctrl-C in between too many are waited for, never too few
        self.to_come -= 1
        self.folded += 1
        return self.data

    def done(self) -> None:
        """Take back the count of sums that were announced and not made."""
        count, self.to_come = self.to_come, 0
        for x in self.values if count else ():
            x._uses -= count


class Folded:
    """Stands where a sum has its last product: all products' and sums' arguments, and the data at the forward pass."""

    __slots__ = ("input_data", "inputs", "passed", "start", "start_data", "weight_data", "weights")
    weights: tuple[Any, ...]
    inputs: Inputs
    start: Any
    weight_data: Sequence[float]
    input_data: Sequence[float]
    start_data: float
    passed: float  # the gradient that backward() brought here
    _uses = 0  # no argument has 0 (it has a user, or is below NEVER): so backward() tells this from a Value

    def unfold(self, node: Any) -> None:
        """Make the nodes that the operators would have made."""
        kind, total, data = node.__class__, self.start, self.start_data
        for weight, x, a, b in zip(self.weights, self.inputs, self.weight_data, self.input_data):
            product, before = new(kind), total
            product.data, product.grad, product.operation, product._uses = a * b, self.passed, multiply, 1
            product._left, product._right, product._d_left = weight, x, b
            product._d_right = 0.0 if x.__class__ is float else a
            data = data + product.data
            total = new(kind)
            total.data, total.grad, total.operation, total._uses = data, self.passed, add, 1
            total._left, total._right, total._d_left, total._d_right = before, product, 1.0, 1.0
        # Another thread, or code that ran in between, may have been here: the first to say so is right.
        before, product = node.__dict__.setdefault("_unfolded", (before, product))
        if node._right is self:
            node._left, node._d_left, node._d_right = before, 1.0, 1.0
            node._right = product  # last: who sees it finds the rest
            self.inputs.folded -= 1
        node.__dict__.pop("_unfolded", None)

    def arguments(self) -> list[Any]:
        """Of the products, and the start."""
        return [*self.weights, *self.inputs.values, self.start]

    def pass_back(self, upstream: float, stack: list[Any], waiting: dict[Any, int], groups: Groups | None) -> None:
        """The chain rule for all of these nodes: each weight gets its input times the gradient, and the reverse."""
        self.passed = upstream
        for weight, slope in zip(self.weights, self.input_data):
            if weight._uses >= LEAF:
                weight.grad += slope * upstream
            elif weight._uses > 0:
                pass_to_shared(weight, slope * upstream, stack, waiting)
        start = self.start
        if start._uses >= LEAF:
            start.grad += upstream
        elif start._uses > 0:
            pass_to_shared(start, upstream, stack, waiting)
        values, slopes = self.inputs.values, self.weight_data
        if 0 < len(values) < len(slopes):
            slopes = [slope for slope, x in zip(slopes, self.inputs) if x.__class__ is not float]
        if groups is None:
            for x, slope in zip(values, slopes):
                if x._uses >= LEAF:
                    x.grad += slope * upstream
                elif x._uses > 0:
                    pass_to_shared(x, slope * upstream, stack, waiting)
        elif values:
            self._pass_to_inputs(slopes, upstream, stack, waiting, groups)

    def _pass_to_inputs(
        self, slopes: Sequence[float], upstream: float, stack: list[Any], waiting: dict[Any, int], groups: Groups
    ) -> None:
        """The neurons of a layer are counted together: not each of them at each input."""
        values = self.inputs.values
        group = groups.get(id(values))
        if group is None:
            group = groups[id(values)] = [self.inputs.folded, self.inputs.folded, values]
            for x in values:
                if 0 < x._uses < LEAF and x not in waiting:
                    x.grad, waiting[x] = 0.0, x._uses
        for x, slope in zip(values, slopes):
            if x._uses > 0:
                x.grad += slope * upstream
        group[0] -= 1
        if group[0] == 0:
            for x in values:
                if 0 < x._uses < LEAF:
                    waiting[x] -= group[1]
                    if waiting[x] == 0:
                        del waiting[x]
                        stack.append(x)


def weighted_sum(weights: Iterable[Any], inputs: Iterable[Any], start: Any) -> Any:
    """start + w1·x1 + w2·x2 + …, folded where start and weights are leaves that learn, and the inputs numbers or Values
    of their class; else as the operators make it. Where nothing is recorded, the number alone."""
    kind = start.__class__
    inputs = inputs if inputs.__class__ is Inputs else Inputs(inputs)
    folds = inputs.to_come > 0 and inputs.by is kind  # the sum before this one was asked all this
    if not folds and getattr(kind, "__add__", None) is FastOperators.__add__ and kind.__mul__ is FastOperators.__mul__:
        folds = kind._plain and (inputs.kind is kind or inputs.kind is float)
    weights = tuple(weights)
    weight_data = [w.data for w in weights if w.__class__ is kind and w._uses >= LEAF] if folds else []
    if not (len(weight_data) == len(weights) == len(inputs) > 0 and start._uses >= LEAF):
        inputs.done()  # the operators may run a user's code: from here each sum reads its inputs anew
        return sum(map(times, weights, inputs), start)
    recorded = recording()
    input_data = inputs.numbers_for_a_sum(kind) if recorded else inputs.numbers()
    start_data = data = start.data
    for a, b in zip(weight_data, input_data):
        data = data + a * b  # not +=: data may be an array
    if not recorded:
        return constant(kind, data)
    folded = new(Folded)
    folded.weights, folded.inputs, folded.start, folded.passed = weights, inputs, start, 0.0
    folded.weight_data, folded.input_data, folded.start_data = weight_data, input_data, start_data
    out = new(kind)
    out.data, out.grad, out.operation, out._uses = data, 0.0, add, 0
    out._left, out._right, out._d_left, out._d_right = 0.0, folded, 0.0, 0.0
    return out
