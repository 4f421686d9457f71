"""What a walk over a graph may ask of a node."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from .op import Op


class Node(Protocol):
    """A Value, as graph.py, copying.py and the walks in fast/ see it: they stand below value.py and cannot name it.

    A leaf has the operation None and no arguments. The operation of a node that was made by hand is a string.
    """

    data: float
    grad: float
    operation: Op | str | None
    requires_grad: bool

    @property
    def arguments(self) -> tuple[Any, ...]:
        """The nodes and floats that the operation was applied to, in order."""

    @property
    def _edges(self) -> tuple[tuple[Any, float], ...]:
        """(argument, local derivative) for each argument, in order."""

    @property
    def _prev(self) -> tuple[Any, ...]:
        """The nodes among the arguments, in order, with repeats."""

    def name(self) -> str:
        """How errors call it."""


AnyNode = TypeVar("AnyNode", bound=Node)
