"""A graph as it is read once for a picture: its values in order, who is made of whom, and what is noticed of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from chainrule.engine import Value
from chainrule.engine.graph import leaves_out

from ..common.checks import Findings, look_at
from ..common.values import is_handwritten


@dataclass
class Reading:
    """What all cards and edges of one picture are made from; the lists follow the topological order."""

    order: Sequence[Value]
    names: Sequence[str]
    parents: list[list[int]]  # the Values among the arguments
    slopes: list[tuple[float, ...]]  # the local derivative through each parent
    shown: Sequence[float]  # the gradients
    roots: list[int]
    found: Findings
    has_gradients: bool
    remembered: dict[Any, Any] = field(default_factory=dict)  # what is asked for more than once

    @cached_property
    def moves(self) -> list[float] | None:
        """∂root/∂value, where there is one root and all local derivatives are those of the data that are shown."""
        if len(self.roots) > 1 or not self.has_gradients or any(self.found.stale):
            return None
        return self.found.derivatives

    @cached_property
    def users(self) -> list[list[int]]:
        """The values that each value is an argument of; a repeated argument has its user twice."""
        users: list[list[int]] = [[] for _ in self.order]
        for index, parents in enumerate(self.parents):
            for parent in parents:
                users[parent].append(index)
        return users

    def is_open(self, start: int, end: int) -> bool:
        """Whether a gradient goes back from the value `end` to its argument `start`."""
        return self.order[end].requires_grad and self.order[start].requires_grad

    def is_left_out(self, end: int, argument: int) -> bool:
        """Whether a choice keeps all gradients from going back from the value `end` to that argument."""
        return not self.found.reached[end] or leaves_out(self.order[end], self.slopes[end][argument])

    def passed(self, start: int, end: int, argument: int) -> float:
        """The gradient that goes back along an edge; 0 where none does, or where only a user's code knows it."""
        if not self.is_open(start, end) or is_handwritten(self.order[end]) or self.is_left_out(end, argument):
            return 0.0
        return self.slopes[end][argument] * self.shown[end]


def reading_of(
    order: Sequence[Value], names: Sequence[str], grads: Sequence[float] | None = None, roots: Sequence[int] = ()
) -> Reading:
    """Read a graph; `grads` replace the values' own gradients, and the only root is the last value, if not given."""
    shown = [value.grad for value in order] if grads is None else list(grads)
    number = {id(value): index for index, value in enumerate(order)}
    parents = [[number[id(parent)] for parent in value._prev] for value in order]
    slopes = [tuple(value._local_grads) for value in order]
    ends = list(roots) or [len(order) - 1]
    found = look_at(order, shown, parents, slopes, ends)
    return Reading(order, names, parents, slopes, shown, ends, found, any(grad != 0.0 for grad in shown))
