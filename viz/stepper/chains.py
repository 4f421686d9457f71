"""The chain for one value: the paths that lead from it to the result, and the product of the slopes along each."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..common.formulas import DIGITS, agrees, in_brackets, read
from ..common.text import short
from .chain_rule import Application

MOST_PATHS = 6  # are shown: the strongest ones


@dataclass(frozen=True)
class Path:
    """One way from a value to the result; `steps` are its applications of the chain rule, from the value on."""

    steps: tuple[Application, ...]
    product: float  # of the local derivatives along the way


@dataclass(frozen=True)
class Chains:
    """All ways from one value to the result, of which the strongest are listed."""

    count: int
    paths: list[Path]
    gradient: float  # the sum of the products of all of them


def chains_of(applied: Sequence[Application], value: int, root: int) -> Chains:
    """The ways from the value to the root, by the applications of the chain rule in the order of backward().

    >>> step = Application(giver=1, receiver=0, argument=0, local=3.0, upstream=1.0, before=0.0, after=3.0,
    ...                    turn=0, turns=1)
    >>> chains_of([step], 0, 1).gradient
    3.0
    """
    count = {value: 1}
    best: dict[int, list[tuple[float, Any]]] = {value: [(1.0, None)]}  # products, and the ways as linked lists
    total = {value: 1.0}
    for step in reversed(applied):  # from the arguments to their results
        if step.receiver not in count:
            continue
        count[step.giver] = count.get(step.giver, 0) + count[step.receiver]
        total[step.giver] = total.get(step.giver, 0.0) + step.local * total[step.receiver]
        longer = [(step.local * product, (step, way)) for product, way in best[step.receiver]]
        best[step.giver] = heapq.nlargest(MOST_PATHS, best.get(step.giver, []) + longer, key=_size)
    paths = []
    for product, way in best.get(root, []):
        steps: list[Application] = []
        while way is not None:
            step, way = way
            steps.append(step)
        paths.append(Path(tuple(reversed(steps)), product))
    return Chains(count.get(root, 0), paths, total.get(root, 0.0))


def _size(one: tuple[float, Any]) -> float:
    return math.inf if one[0] != one[0] else abs(one[0])


def factors(path: Path) -> tuple[list[str], str, str]:
    """The local derivatives of a path as texts, = or ≈, and the product: 2 × 1 × 0.5 = 1."""
    numbers = [step.local for step in path.steps]
    for digits in DIGITS:
        texts = [short(number, digits) for number in numbers]
        if holds := agrees(math.prod(map(read, texts)), path.product):
            break
    else:
        texts = [short(number) for number in numbers]
    return [texts[0], *map(in_brackets, texts[1:])] if texts else ["1"], "=" if holds else "≈", short(path.product)
