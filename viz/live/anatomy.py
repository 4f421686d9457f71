"""What a network is made of: its neurons, what goes into them, and where their numbers stand on a tape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.engine import OPS, Op, Value, topological_order

ADDED = {"add", "total"}


class Anatomy:
    """The neurons that are found while a function is traced, and the Values whose numbers the page shows of them.

    A neuron is {name, layer, column, sum, output, bias, terms, activation}: `sum`, `output` and the second number of
    each term count among the nodes, the first number of a term and the bias among the parameters.
    """

    def __init__(self, parameters: Sequence[Value]) -> None:
        self.place = {id(p): k for k, p in enumerate(parameters)}
        self.neurons: list[dict[str, Any]] = []
        self.nodes: list[Value] = []
        self._index: dict[int, int] = {}  # by the id of a node, its number

    def look(self, inputs: Sequence[Value], loss: Value) -> list[Value]:
        """Find the neurons behind this loss, and return the nodes, which the function returns too."""
        self.neurons, self.nodes, self._index = [], [], {}
        order = topological_order(loss)
        depth = self._depths(order)
        for x in inputs:
            self._node(x)
        for value in order:
            unit = value.__dict__.get("unit")
            if unit and value.operation is not None:
                self._neuron(value, unit, depth[id(value)])
        return list(self.nodes)

    def _depths(self, order: Sequence[Value]) -> dict[int, int]:
        """How many neurons stand before each value, itself among them, on the longest way to it."""
        depth: dict[int, int] = {}
        for value in order:
            own = bool(value.__dict__.get("unit")) and value.operation is not None
            depth[id(value)] = own + max([depth.get(id(a), 0) for a in _arguments(value)], default=0)
        return depth

    def _node(self, value: Value) -> int:
        if id(value) not in self._index:
            self._index[id(value)] = len(self.nodes)
            self.nodes.append(value)
        return self._index[id(value)]

    def _neuron(self, output: Value, unit: tuple[str, str], column: int) -> None:
        found = self._sum_behind(output, unit)
        if found is None:
            return
        z, terms, bias = found
        activation = "linear" if z is output else ""
        operation = output.operation
        if isinstance(operation, Op) and operation.arity == 1 and output.arguments[0] is z:
            activation = operation.name if OPS.get(operation.name) is operation else ""
        self.neurons.append({
            "name": unit[1], "layer": unit[0], "column": column, "sum": self._node(z), "output": self._node(output),
            "bias": bias, "terms": [[weight, self._node(x) if isinstance(x, Value) else -1] for weight, x in terms],
            "activation": activation,
        })  # fmt: skip

    def _sum_behind(self, output: Value, unit: tuple[str, str]) -> tuple[Value, list[tuple[int, Any]], int] | None:
        """The sum b + w1·x1 + … that the output was computed from, its (weight, input) pairs, and the bias."""
        stack, seen = [output], set[int]()
        while stack and len(seen) < 50:
            value = stack.pop(0)
            seen.add(id(value))
            split = self._terms(value, unit)
            if split:
                return value, *split
            stack += [a for a in _arguments(value) if a.operation is not None and id(a) not in seen
                      and not a.__dict__.get("unit")]  # fmt: skip
        return None

    def _terms(self, value: Value, unit: tuple[str, str]) -> tuple[list[tuple[int, Any]], int] | None:
        terms, bias, stack = list[tuple[int, Any]](), -1, [value]
        while stack:
            one = stack.pop()
            name = one.operation.name if isinstance(one.operation, Op) else ""
            arguments = list(one.arguments)
            if self._own(one, unit):
                if bias >= 0:
                    return None
                bias = self.place[id(one)]
            elif name in ADDED and all(isinstance(a, Value) for a in arguments):
                stack += reversed(arguments)
            elif name == "multiply" and self._own(arguments[0], unit):
                terms.append((self.place[id(arguments[0])], arguments[1]))
            elif name == "multiply" and self._own(arguments[1], unit):
                terms.append((self.place[id(arguments[1])], arguments[0]))
            elif name == "dot" and all(self._own(a, unit) for a in arguments[: len(arguments) // 2]):
                half = len(arguments) // 2
                terms += [(self.place[id(w)], x) for w, x in zip(arguments[:half], arguments[half:])]
            else:
                return None
        return (terms, bias) if terms else None

    def _own(self, value: Any, unit: tuple[str, str]) -> bool:
        """Whether it is a parameter of that unit."""
        return isinstance(value, Value) and id(value) in self.place and value.__dict__.get("unit") == unit


def _arguments(value: Value) -> list[Value]:
    return [a for a in value.arguments if isinstance(a, Value)]
