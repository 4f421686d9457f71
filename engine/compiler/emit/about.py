"""What a file says of a program beside its numbers: what the inputs are called, and what the outputs mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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


def shapes_said(
    names: Sequence[str], shapes: Sequence[tuple[int, ...]], whole: Sequence[bool], batch: bool, parameters: int
) -> str:
    """The inputs of a program, and its parameters, each with its shape; "" where there are none.

    >>> shapes_said(["x", "y"], [(4,), ()], [False, True], True, 3)
    'x (n, 4); y (n,) of whole numbers; theta (3,)'
    >>> shapes_said(["x"], [()], [False], False, 0)
    'x, one number'
    """
    said = []
    for name, shape, integers in zip(names, shapes, whole):
        full: tuple[int | str, ...] = ("n", *shape) if batch else shape
        said.append(name + (f" {shape_literal(full)}" if full else ", one number") + " of whole numbers" * integers)
    return "; ".join([*said, *[f"theta ({parameters},)"] * bool(parameters)])
