"""Products whose both sides vary, as attention has them: sums of products that make up whole matrices are found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import NamedTuple

import numpy as np

from ...ops import add, multiply
from ..scalar.code import Argument
from .flattening import Flattened, Task

FEWEST = 16  # products of scalars; fewer are multiplied and added one by one
DENSITY = 0.3  # and so are those that fill less of the matrices than this

ADDS = {"sum", add}  # the kinds of tasks that add up
Vector = tuple[int, ...]


@dataclass(eq=False, repr=False)
class Products:
    """Products of matrices side by side: result (g, i, j) is the sum over k of left (g, i, k) times right (g, j, k).

    A factor that a matrix does not have is the number 0.0. A result that nobody wants has no place.
    """

    sizes: tuple[int, int, int, int]  # of g, i, j, k
    left: list[Argument]
    right: list[Argument]
    places: dict[int, int] = field(default_factory=dict)  # for each result that is wanted, which of the results it is


class _Vectors:
    """The different vectors on one side of the sums; one whose scalars are all in a longer one is a part of that."""

    def __init__(self, vectors: Iterable[Vector]) -> None:
        self.whole: list[dict[int, int]] = []  # the scalars of each, with the positions that they get
        self.at: dict[Vector, int] = {}  # which of these a vector is a part of
        self.home: dict[int, int] = {}  # and a scalar
        for vector in sorted(dict.fromkeys(vectors), key=len, reverse=True):
            number = self.home.get(vector[0])
            if number is None or not self.whole[number].keys() >= {*vector}:
                number = self.new(vector)
            self.at[vector] = number

    def new(self, vector: Vector) -> int:
        number = len(self.whole)
        self.whole.append(dict.fromkeys(vector, -1))
        for scalar in vector:
            self.home.setdefault(scalar, number)
        return number


class _Entry(NamedTuple):
    """A result: the sum of the products of scalars of a row with scalars of a column."""

    place: int
    row: int
    column: int
    pairs: list[tuple[int, int]]


def rising_axes(sizes: Sequence[int], numbers: Sequence[int]) -> tuple[tuple[int, ...], list[int]]:
    """An order of three axes in which these numbers, one for each place, rise; and the places in that order.

    A number of -1 may stand anywhere. If there is no such order, all stays as it is.
    """
    places, given = np.arange(len(numbers)).reshape(sizes), np.array(numbers)
    for axes in permutations(range(3)):
        order = places.transpose(axes).ravel()
        there = given[order]
        if (np.diff(there[there >= 0]) > 0).all():
            return axes, order.tolist()
    return (0, 1, 2), places.ravel().tolist()


def find_products(flat: Flattened) -> None:
    """Put products of matrices in place of the sums that they compute."""
    grids = _grids(flat)
    for grid in grids:
        tasks = dict(flat.tasks)
        factors = dict.fromkeys(a for a in (*grid.left, *grid.right) if a.__class__ is int)
        hub = len(flat.batched)
        tasks[hub] = grid, tuple(factors)
        tasks.update(dict.fromkeys(grid.places, ("of", (hub,))))
        ordered = _in_order(tasks, flat.outputs)
        if ordered is not None:  # else one of the results is needed for a factor of another one
            flat.batched.append(True)
            flat.tasks = ordered


def _grids(flat: Flattened) -> list[Products]:
    sums = {place: pairs for place, (kind, arguments) in flat.tasks.items()
            if kind in ADDS and (pairs := _pairs(flat, arguments))}  # fmt: skip
    if not sums:
        return []
    lefts, rights = (_Vectors(pairs[side] for pairs in sums.values()) for side in (0, 1))
    _add_single_products(flat, sums, lefts, rights)
    entries = [_Entry(place, lefts.at[left], rights.at[right], [*zip(left, right)])
               for place, (left, right) in sums.items()]  # fmt: skip
    depth: dict[int, int] = {}
    for place, (_, arguments) in flat.tasks.items():
        depth[place] = 1 + max([depth.get(a, 0) for a in arguments if a.__class__ is int], default=0)
    alike: defaultdict[tuple[int, ...], list[Products]] = defaultdict(list)
    for part in _connected(entries):
        grid = _grid(part, lefts.whole, rights.whole)
        if grid is not None:
            depths = [depth[place] for place in grid.places]
            alike[(*grid.sizes[1:], min(depths), max(depths))].append(grid)
    return [_side_by_side(same) for same in alike.values()]


def _pairs(flat: Flattened, arguments: Sequence[Argument]) -> tuple[Vector, Vector] | None:
    """The factors on the left and on the right, if what is added up are products of what varies."""
    factors: list[tuple[int, int]] = []
    for a in arguments:
        kind, product = flat.tasks.get(a, (None, ())) if a.__class__ is int else (None, ())
        if kind is not multiply:
            return None
        one, other = product
        if not (one.__class__ is int and other.__class__ is int and flat.batched[one] and flat.batched[other]):
            return None
        factors.append((one, other))
    left, right = zip(*factors)
    return left, right


def _connected(entries: Sequence[_Entry]) -> list[list[_Entry]]:
    """The results in groups: those that share a row or a column are in one, each after one that it shares it with."""
    sharing: defaultdict[tuple[str, int], list[_Entry]] = defaultdict(list)
    for entry in entries:
        sharing["row", entry.row].append(entry)
        sharing["column", entry.column].append(entry)
    groups: list[list[_Entry]] = []
    for first in entries:
        group, todo = dict[int, _Entry](), sharing.pop(("row", first.row), [])
        while todo:
            entry = todo.pop(0)
            group[entry.place] = entry
            todo += sharing.pop(("row", entry.row), []) + sharing.pop(("column", entry.column), [])
        if group:
            groups.append([*group.values()])
    return groups


def _add_single_products(
    flat: Flattened, sums: dict[int, tuple[Vector, Vector]], lefts: _Vectors, rights: _Vectors
) -> None:
    """A row of one factor, as the first row of causal attention has it, is no sum: find those with all columns."""
    used = {a for place, (_, arguments) in flat.tasks.items() if place not in sums for a in arguments}
    used.update(flat.outputs)
    columns: defaultdict[int, set[int]] = defaultdict(set)  # of each row
    for left_side, right_side in sums.values():
        columns[lefts.at[left_side]].add(rights.at[right_side])
    rows: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for place, (kind, arguments) in flat.tasks.items():
        if kind is multiply and place in used:
            left, right = arguments
            if left.__class__ is int and flat.batched[left] and left not in lefts.home and right in rights.home:
                rows[left].append((place, right))  # type: ignore[arg-type]
    for left, found in rows.items():
        its = [rights.home[right] for _, right in found]
        if {*its} in columns.values() and len({*its}) == len(its):
            lefts.at[left,] = lefts.new((left,))
            for place, right in found:
                rights.at[right,] = rights.home[right]
                sums[place] = (left,), (right,)


def _grid(part: list[_Entry], lefts: Sequence[dict[int, int]], rights: Sequence[dict[int, int]]) -> Products | None:
    """The matrices of which these are the results; None if they are none, or too few to be worth it."""
    rows = sorted({entry.row for entry in part}, key=lambda row: [*lefts[row]])
    columns = sorted({entry.column for entry in part}, key=lambda column: [*rights[column]])
    if len(rows) < 2 or len(columns) < 2 or len(part) != len({(entry.row, entry.column) for entry in part}):
        return None
    width = 0
    for entry in part:  # the factors of a product stand in one position
        row, column = lefts[entry.row], rights[entry.column]
        for left, right in entry.pairs:
            position = max(row[left], column[right])
            if position < 0:
                position, width = width, width + 1
            if row[left] not in (position, -1) or column[right] not in (position, -1):
                return None
            row[left] = column[right] = position
    products = sum(len(entry.pairs) for entry in part)
    if products < max(FEWEST, DENSITY * len(rows) * len(columns) * width):
        return None
    for entry in part:  # of the products of the whole row and column, none is left out
        both = {*lefts[entry.row].values()} & {*rights[entry.column].values()}
        if len(both) != len(entry.pairs):
            return None
    sides = []
    for numbers, vectors in ((rows, lefts), (columns, rights)):
        side: list[Argument] = [0.0] * (len(numbers) * width)
        for i, number in enumerate(numbers):
            for scalar, position in vectors[number].items():
                side[i * width + position] = scalar
        sides.append(side)
    row_of, column_of = ({number: i for i, number in enumerate(numbers)} for numbers in (rows, columns))
    places = {entry.place: row_of[entry.row] * len(columns) + column_of[entry.column] for entry in sorted(part)}
    return Products((1, len(rows), len(columns), width), sides[0], sides[1], places)


def _side_by_side(grids: list[Products]) -> Products:
    """Several products of matrices of the same sizes as one."""
    _, rows, columns, width = grids[0].sizes
    places = {place: g * rows * columns + i for g, grid in enumerate(grids) for place, i in grid.places.items()}
    return Products((len(grids), rows, columns, width), [a for grid in grids for a in grid.left],
                    [a for grid in grids for a in grid.right], places)  # fmt: skip


def _in_order(tasks: Mapping[int, Task], outputs: Iterable[Argument]) -> dict[int, Task] | None:
    """The tasks that the outputs need, with arguments before what uses them; None if that cannot be."""
    found: dict[int, Task] = {}
    begun: set[int] = set()
    for start in outputs:
        stack: list[int] = [start] if start.__class__ is int and start in tasks else []
        while stack:
            place = stack[-1]
            if place in found:
                stack.pop()
            elif place in begun:
                found[place] = tasks[stack.pop()]
            else:
                begun.add(place)
                waiting = [a for a in tasks[place][1] if a.__class__ is int and a in tasks and a not in found]
                if not begun.isdisjoint(waiting):
                    return None
                stack += waiting
    return found
