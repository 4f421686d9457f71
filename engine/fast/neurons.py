"""The sums of neurons, start + w1·x1 + w2·x2 + …: one node each, until code reads its arguments.

A network is made of such sums, and hardly anybody looks at their products and partial sums: backward() passes through
all of a neuron's at once. Whoever asks for the arguments finds the nodes that `+` and `*` make.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import mul as times
from typing import Any

from ..numeric import one_number
from ..ops import add, multiply
from ..recording import recording
from .operators import FastOperators, constant, new
from .waiting import Waiting, collect, count


def as_floats(numbers: Iterable[Any]) -> list[float]:
    """The numbers, of which some may be Values, as plain floats."""
    data = [x if x.__class__ is float else x._data for x in numbers]
    return data if {*map(type, data)} <= {float} else [one_number(x) for x in data]


class SharedInputs(tuple[Any, ...]):
    """The inputs of a layer: a hidden node of the graph. Its arguments are the inputs, its users the neurons' sums.

    It is deeper than the inputs and less deep than the products. Its gradient has a number for each of the inputs.
    """

    kind: Any  # the class of the Values among them; float if there are none, None if there are several classes
    _data: Sequence[float]  # the inputs' numbers when the first sum was made of them
    is_stale: bool  # whether the numbers have to be read again: a user's code may have run since
    folds_for: Any  # the class of the sums that may be fused, once that is known
    grads: list[float]
    _users: int  # the sums
    _depth: int  # 0 until a sum is made of it
    # What follows makes it a node for walks over the graph; it has no number of its own.
    operation = ""
    grad: Any = 0.0
    _left: Any = 0.0
    _right: Any = 0.0
    _d_left = _d_right = 0.0
    requires_grad = _requires_grad = True
    _more = ()

    __hash__, __eq__ = object.__hash__, object.__eq__

    def __new__(cls, given: Iterable[Any]) -> SharedInputs:
        self = tuple.__new__(cls, [x + 0.0 if x.__class__ is int else x for x in given])
        kinds = {*map(type, self)} - {float}
        self.kind = float if not kinds else kinds.pop() if len(kinds) == 1 else None
        self._users, self._depth, self.is_stale, self.folds_for = 0, 0, True, None
        return self

    def numbers(self) -> Sequence[float]:
        return [x if x.__class__ is float else x._data for x in self]

    def used_by(self, kind: Any) -> Sequence[float]:
        """Count one more sum, whose class is `kind`, and return the inputs' numbers."""
        if self.is_stale:
            self._data, self.is_stale = self.numbers(), not kind._ours
        if not self._depth:
            depth = 0
            for x in self:
                if x.__class__ is not float:
                    x._users += 1
                    depth = max(depth, x._depth)
            self._depth = depth + 1
        self._users += 1
        return self._data

    def pass_back(self, waiting: Waiting, stack: list[Any]) -> None:
        """Pass the gradients on to the inputs, after all sums have passed theirs."""
        for x, part in zip(self, self.grads):
            if x.__class__ is not float and x._requires_grad:
                if x.operation is None:
                    x.grad += part
                else:
                    collect(x, part, waiting, stack)


class FusedSum:
    """Stands where a sum has its last product: the arguments of all products and sums, and the data at the forward
    pass."""

    __slots__ = ("input_data", "inputs", "passed", "start", "start_data", "weight_data", "weights")
    weights: tuple[Any, ...]
    inputs: SharedInputs
    start: Any
    weight_data: Sequence[float]
    input_data: Sequence[float]
    start_data: float
    passed: float  # the gradient of the sum at the last backward()
    _depth = -1  # never that of the sum: see waiting.py

    def unfold(self, node: Any) -> None:
        """Make the nodes that the operators would have made."""
        kind, total, data, depth = node.__class__, self.start, self.start_data, self.inputs._depth + 1
        for weight, x, a, b in zip(self.weights, self.inputs, self.weight_data, self.input_data):
            product, before = new(kind), total
            product._data, product.grad, product.operation, product._requires_grad = a * b, self.passed, multiply, True
            product._left, product._right, product._d_left = weight, x, b
            product._users, product._depth = 1, depth
            product._d_right = 0.0
            if x.__class__ is not float:
                product._d_right = a
                x._users += 1
            data = data + product._data
            total = new(kind)
            total._data, total.grad, total.operation, total._requires_grad = data, self.passed, add, True
            total._left, total._right, total._d_left, total._d_right = before, product, 1.0, 1.0
            depth += 1
            total._users, total._depth = 1, depth
        # Another thread, or code that ran in between, may have been here: the nodes of whoever came first are kept.
        before, product = node.__dict__.setdefault("_unfolded", (before, product))
        if node._right is self:
            # In one statement, so that no interrupt comes in between.
            node._left, node._d_left, node._d_right, node._right = before, 1.0, 1.0, product
        node.__dict__.pop("_unfolded", None)

    def pass_back(self, upstream: float, waiting: Waiting, stack: list[Any]) -> None:
        """The chain rule for all of these nodes: each weight gets its input times the gradient, and the reverse."""
        self.passed = upstream
        for weight, slope in zip(self.weights, self.input_data):
            if weight._requires_grad:
                if weight.operation is None:
                    weight.grad += slope * upstream
                else:
                    collect(weight, slope * upstream, waiting, stack)
        start = self.start
        if start._requires_grad:
            if start.operation is None:
                start.grad += upstream
            else:
                collect(start, upstream, waiting, stack)
        inputs = self.inputs
        if inputs.kind is not float:
            if inputs in waiting:
                inputs.grads = [part + slope * upstream for part, slope in zip(inputs.grads, self.weight_data)]
            else:
                inputs.grads = [0.0 + slope * upstream for slope in self.weight_data]
                waiting[inputs] = 0
            count(inputs, waiting, stack)

    def learns(self) -> bool:
        """Whether the bias and all weights require gradients, as they did when the sum was fused."""
        return self.start._requires_grad and False not in [w._requires_grad for w in self.weights]

    def refresh(self, node: Any, known: dict[Any, Any]) -> None:
        """Compute the sum anew, after its inputs; `known` has the numbers of the parameters of other sums."""
        weights, self.weight_data, self.start_data = known.get(self.start, (None, (), 0.0))
        if weights != self.weights:
            self.weight_data, [self.start_data] = as_floats(self.weights), as_floats([self.start])
            known[self.start] = self.weights, self.weight_data, self.start_data
        self.input_data = self.inputs._data
        data = self.start_data
        for a, b in zip(self.weight_data, self.input_data):
            data += a * b
        node._data = data


def weighted_sum(weights: Iterable[Any], inputs: Iterable[Any], start: Any) -> Any:
    """start + w1·x1 + w2·x2 + …, fused where start and weights are leaves that learn, and the inputs numbers or Values
    of their class; else as the operators make it. Inside no_grad() the result has no arguments."""
    kind = start.__class__
    inputs = inputs if inputs.__class__ is SharedInputs else SharedInputs(inputs)
    folds = inputs.folds_for is kind  # the sum before this one was asked all this
    if not folds and getattr(kind, "__add__", None) is FastOperators.__add__ and kind.__mul__ is FastOperators.__mul__:
        folds = kind._plain and (inputs.kind is kind or inputs.kind is float)
        inputs.folds_for = kind if folds else None
    if weights.__class__ is not list:
        inputs.is_stale = True  # to go through them may run a user's code
    weights = tuple(weights)
    weight_data: list[float] = []
    if folds and start.operation is None and start._requires_grad:
        weight_data = [w._data for w in weights if w.__class__ is kind and w.operation is None and w._requires_grad]
    if not len(weight_data) == len(weights) == len(inputs) > 0:
        at_once = getattr(kind, "__weighted__", None)  # a class of Values may have a way of its own
        if at_once is not None and (total := at_once(weights, inputs, start)) is not None:
            return total
        inputs.is_stale = True  # the operators may run a user's code: the next sum reads its inputs anew
        return sum(map(times, weights, inputs), start)
    recorded = recording()
    if recorded and not inputs.is_stale:  # `used_by`, written out
        inputs._users += 1
        input_data = inputs._data
    else:
        input_data = inputs.used_by(kind) if recorded else inputs.numbers()
    start_data = data = start._data
    for a, b in zip(weight_data, input_data):
        data = data + a * b  # not +=: data may be an array
    if not recorded:
        return constant(kind, data)
    fused = new(FusedSum)
    fused.weights, fused.inputs, fused.start, fused.passed = weights, inputs, start, 0.0
    fused.weight_data, fused.input_data, fused.start_data = weight_data, input_data, start_data
    out = new(kind)
    out._data, out.grad, out.operation = data, 0.0, add
    out._left, out._right = 0.0, fused
    out._d_left = out._d_right = 0.0
    out._requires_grad = True
    out._users, out._depth = 0, inputs._depth + 1 + len(weights)
    return out


def whole_sums(root: Any) -> tuple[list[Any], int]:
    """The nodes that `root` was made of, in any order, and how many they are with those inside the sums of neurons.

    The products and partial sums inside a fused sum are counted, but not made, so they are not among the nodes.
    """
    nodes, seen, stack, inside = list[Any](), set[int](), [root], 0
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        nodes.append(node)
        if node.operation is None:
            continue
        fused = getattr(node, "_right", None)
        if fused.__class__ is FusedSum:
            inside += 2 * len(fused.weights) - 1
            stack += [*fused.weights, fused.start, *[x for x in fused.inputs if x.__class__ is not float]]
        else:
            stack += node._prev
    return nodes, len(nodes) + inside
