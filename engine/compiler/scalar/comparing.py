"""Whether two runs of a function gave the same program."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from .code import Code, Ref, Scalar


def compare(one: Code, outputs: Sequence[Scalar], other: Code, others: Sequence[Scalar], runs: str) -> None:
    """ValueError where they differ: a program that two examples disagree on would hold for one of them only."""
    if _from_the_outputs(one, outputs) == _from_the_outputs(other, others):
        return  # the same, up to the order: a run that finds something in a cache has it earlier
    for line, line_of_other in zip_longest(one.lines(), other.lines(), fillvalue="nothing more"):
        if line != line_of_other:
            raise ValueError(
                f"{runs} give different programs: {line} against {line_of_other}. Is there a branch on a number in the "
                "function, a random number, or something that it keeps from one run to the next, as a counter or a "
                "running mean? Write branches with where(), and hand random numbers in as inputs, and what is kept, too"
            )
    where = [[out.place if isinstance(out, Ref) else repr(out) for out in results] for results in (outputs, others)]
    if where[0] != where[1]:
        raise ValueError(
            f"{runs} give different outputs: is there a branch on a number in the function? Write it with where()"
        )


def _from_the_outputs(code: Code, outputs: Sequence[Scalar]) -> list[object]:
    """What the outputs need, in an order that depends on the outputs alone: arguments before what is made of them."""
    known: dict[object, int] = {}
    found: list[object] = []
    stack = [(output.place, False) for output in reversed(outputs) if isinstance(output, Ref)]
    while stack:
        place, ready = stack.pop()
        if place in known:
            continue
        arguments = code.arguments[place]
        if ready:
            known[place] = len(found)
            # an argument that is a number stands as its text: 1.0 is not the place 1, and nan equals nothing
            found.append((code.operations[place], *(known[a] if a.__class__ is int else repr(a) for a in arguments)))
        else:
            stack.append((place, True))
            stack += [(a, False) for a in reversed(arguments) if a.__class__ is int]
    return [*found, *(known[out.place] if isinstance(out, Ref) else repr(out) for out in outputs)]
