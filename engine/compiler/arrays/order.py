"""The order of the lanes: each array has them as what reads it needs them, so that little is copied to other places."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ...ops import logsumexp, pick
from .plan import Array, Lane, Operand, Step
from .products import rising_axes

SETTLED, LAYER, GROUPS, ANY = 4, 3, 2, 1  # how strongly something wishes for an order


class _Wish(NamedTuple):
    strength: int
    lanes: list[int]


def reorder(steps: Sequence[Step], outputs: Sequence[Operand]) -> list[Operand]:
    """Give the lanes of each step an order, from the last step to the first; the outputs as lanes of that order.

    A layer that is used at several positions settles the order, as its result holds all positions of the first neuron,
    then all of the second one, and so on: then it is one product of matrices.
    """
    if not any(step.kind == "products" or (step.kind == "dot" and step.sizes[0] > 1) for step in steps):
        return list(outputs)
    wishes = {step.target: _Wish(SETTLED, list(range(step.target.lanes))) for step in steps if step.kind == "dot"}
    new: dict[Array, list[int]] = {}  # for each lane, where it is in the new order

    def wish(operands: Iterable[Operand], strength: int) -> None:
        read: dict[Array, dict[int, None]] = {}
        for operand in operands:
            if isinstance(operand, Lane):
                read.setdefault(operand.array, {})[operand.index] = None
        for array, lanes in read.items():
            before = wishes.get(array)
            if before is None or (strength, len(lanes)) > (before.strength, len(before.lanes)):
                wishes[array] = _Wish(strength, list(lanes))

    for step in reversed(steps):
        strength = ANY
        if step.kind == "dot":
            strength = LAYER
        elif wished := wishes.get(step.target):
            strength = wished.strength
            if step.kind == "products":
                lanes = _axes(step, wished.lanes)
            else:
                lanes = list(dict.fromkeys([*wished.lanes, *range(step.target.lanes)]))
                _permute(step, lanes)
            where = new[step.target] = [0] * len(lanes)
            for i, lane in enumerate(lanes):
                where[lane] = i
        if step.kind == "sum" or step.kind is logsumexp:
            strength = max(strength, ANY if _across(step, wishes) else GROUPS)
        for operands in step.operands:
            wish(operands, strength)
    for step in steps:
        step.operands = [_moved(operands, new) for operands in step.operands]
    return _moved(outputs, new)


def _moved(operands: Iterable[Operand], new: dict[Array, list[int]]) -> list[Operand]:
    return [Lane(a.array, new[a.array][a.index]) if isinstance(a, Lane) and a.array in new else a for a in operands]


def _axes(step: Step, wished: list[int]) -> list[int]:
    """The results of products of matrices in the order that is wished, if it is that of some order of the axes."""
    ranks = [-1] * step.target.lanes
    for rank, lane in enumerate(wished):
        ranks[lane] = rank
    axes, lanes = rising_axes(step.sizes[:3], ranks)
    step.axes = "".join("gij"[axis] for axis in axes)
    return lanes


def _permute(step: Step, lanes: Sequence[int]) -> None:
    if step.kind == "sum" or step.kind is logsumexp or step.kind is pick:
        ends = np.cumsum(step.sizes).tolist()
        terms = step.operands[0]
        step.operands[0] = [a for lane in lanes for a in terms[ends[lane] - step.sizes[lane] : ends[lane]]]
        step.sizes = tuple([step.sizes[lane] for lane in lanes])
        if step.kind is pick:
            step.operands[1] = [step.operands[1][lane] for lane in lanes]
    else:
        step.operands = [[operands[lane] for lane in lanes] for operands in step.operands]


def _across(step: Step, wishes: dict[Array, _Wish]) -> bool:
    """Whether the terms of each sum stand apart, the first ones of all sums first; the terms are put in that order."""
    count, size, terms = len(step.sizes), step.sizes[0], step.operands[0]
    if count < 2 or size < 2 or len(set(step.sizes)) > 1:
        return False
    first, second = terms[:2]
    if isinstance(first, Lane) and isinstance(second, Lane) and first.array is second.array in wishes and (
        (first.index, second.index) in pairwise(wishes[first.array].lanes)
    ):  # fmt: skip
        return False
    step.across = True
    step.operands[0] = [terms[i * size + j] for j in range(size) for i in range(count)]
    return True
