"""What a file says of a program beside its numbers: how it is called, and what its inputs and outputs mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

from ..literals import shape_literal


@dataclass(frozen=True)
class About:
    """The names are texts of users, or numbers; they may hold anything, and are escaped where they are written.

    `mean` and `scale` tell how the program scales its first input before all else, and `answer` (mean, scale) how it
    scales its output back. Of one output, what is above `threshold` is the second class.
    """

    columns: Sequence[str] = ()
    classes: Sequence[Any] = ()
    mean: Sequence[float] = ()
    scale: Sequence[float] = ()
    answer: tuple[float, float] | None = None
    threshold: float = 0.0
    classifies: bool = False


class Interface(NamedTuple):
    """How a program is called: the shape of each input of one example, and whether it holds integers."""

    shapes: Sequence[tuple[int, ...]]
    whole: Sequence[bool]
    outputs: int | None  # the length of the list that f returned, None if it was none
    batch: bool
    parameters: int

    @property
    def names(self) -> list[str]:
        """Those of the inputs in a text: x, y; or x, u1, u2, …"""
        count = len(self.shapes)
        return ["x", "y"] if count == 2 else ["x", *(f"u{i}" for i in range(1, count))][:count]

    @property
    def sizes(self) -> list[int]:
        """How many numbers an example has in each input."""
        return [prod(shape) for shape in self.shapes]

    @property
    def places(self) -> list[tuple[int, int]]:
        """Where each number of an example stands: in which input, and where in that."""
        return [(i, lane) for i, size in enumerate(self.sizes) for lane in range(size)]

    def said(self) -> str:
        """The inputs, and the parameters, each with its shape; "" where there are none.

        >>> Interface([(4,), ()], [False, True], None, True, 3).said()
        'x (n, 4); y (n,) of whole numbers; theta (3,)'
        >>> Interface([()], [False], None, False, 0).said()
        'x, one number'
        """
        said = []
        for name, shape, integers in zip(self.names, self.shapes, self.whole):
            full: tuple[int | str, ...] = ("n", *shape) if self.batch else shape
            said.append(name + (f" {shape_literal(full)}" if full else ", one number") + " of whole numbers" * integers)
        return "; ".join([*said, *[f"theta ({self.parameters},)"] * bool(self.parameters)])
