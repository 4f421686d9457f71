"""Whether two runs of a function gave the same program."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from .code import Code, Ref, Scalar


def compare(one: Code, outputs: Sequence[Scalar], other: Code, others: Sequence[Scalar], runs: str) -> None:
    """ValueError where they differ: a program that two examples disagree on would hold for one of them only."""
    for line, line_of_other in zip_longest(one.lines(), other.lines(), fillvalue="nothing more"):
        if line != line_of_other:
            raise ValueError(
                f"{runs} give different programs: {line} against {line_of_other}. Is there a branch on a number, or "
                "a random number, in the function? Write branches with where(), and hand random numbers in as inputs"
            )
    where = [[out.place if isinstance(out, Ref) else repr(out) for out in results] for results in (outputs, others)]
    if where[0] != where[1]:
        raise ValueError(
            f"{runs} give different outputs: is there a branch on a number in the function? Write it with where()"
        )
