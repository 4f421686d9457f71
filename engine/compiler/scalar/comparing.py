"""Whether two runs of a function gave the same program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from .code import Argument, Code, Ref, Scalar


def compare(one: Code, outputs: Sequence[Scalar], other: Code, others: Sequence[Scalar], runs: str) -> None:
    """ValueError where they differ: a program that two examples disagree on would hold for one of them only."""
    for line, line_of_other in zip_longest(_lines(one), _lines(other), fillvalue="nothing more"):
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


def _lines(code: Code) -> Iterator[str]:
    for op, arguments in zip(code.operations, code.arguments):
        yield op if isinstance(op, str) else f"{op.name}({', '.join(_name(code, a) for a in arguments)})"


def _name(code: Code, argument: Argument) -> str:
    """A number, the name of an input or a parameter, or the name of a result, v and its place."""
    op = code.operations[argument] if isinstance(argument, int) else repr(argument)
    return op if isinstance(op, str) else f"v{argument}"
