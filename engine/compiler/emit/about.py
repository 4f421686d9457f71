"""What a file says of a program beside its numbers: what the inputs are called, and what the outputs mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


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
