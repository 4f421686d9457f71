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
    product: float  # of the local derivatives along the way; 0 where a choice lets nothing through


@dataclass(frozen=True)
class Chains:
    """All ways from one value to the result, of which the strongest are listed."""

    count: int
    paths: list[Path]
    gradient: float  # the sum of the products of all of them, as the chain rule has it


def chains_of(applied: Sequence[Application], value: int, root: int) -> Chains:
    """The ways from the value to the root, by the applications of the chain rule in the order of backward().

    >>> step = Application(giver=1, receiver=0, argument=0, local=3.0, upstream=1.0, before=0.0, after=3.0,
    ...                    turn=0, turns=1)
    >>> chains_of([step], 0, 1).gradient
    3.0
    """
    count = {value: 1}
    best: dict[int, list[tuple[float, bool, Any]]] = {value: [(1.0, True, None)]}  # the ways are linked lists
    for step in reversed(applied):  # from the arguments to their results
        if step.receiver not in count:
            continue
        count[step.giver] = count.get(step.giver, 0) + count[step.receiver]
        longer = []
        for product, is_open, way in best[step.receiver]:
            goes_on = is_open and not step.is_left_out
            longer.append((step.local * product if goes_on else 0.0, goes_on, (step, way)))
        best[step.giver] = heapq.nlargest(MOST_PATHS, best.get(step.giver, []) + longer, key=_size)
    gradient = next((step.after for step in reversed(applied) if step.receiver == value), float(value == root))
    paths = []
    for product, _, way in best.get(root, []):
        steps: list[Application] = []
        while way is not None:
            step, way = way
            steps.append(step)
        paths.append(Path(tuple(reversed(steps)), product))
    return Chains(count.get(root, 0), paths, gradient)


def _size(one: tuple[float, bool, Any]) -> float:
    return math.inf if one[0] != one[0] else abs(one[0])


def factors(path: Path) -> tuple[list[str], str, str]:
    """The local derivatives of a path as texts, = or ≈, and the product: 2 × 1 × 0.5 = 1."""
    numbers = [step.local for step in path.steps]
    is_left_out = any(step.is_left_out for step in path.steps)
    for digits in DIGITS:
        texts = [short(number, digits) for number in numbers]
        if holds := is_left_out or agrees(math.prod(map(read, texts)), path.product):
            break
    else:
        texts = [short(number) for number in numbers]
    return [texts[0], *map(in_brackets, texts[1:])] if texts else ["1"], "=" if holds else "≈", short(path.product)
