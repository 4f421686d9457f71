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

Vector = tuple[int, ...]
Side = tuple[int, int]  # a vector, by its number, and where in it a shorter one begins


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
    """The different vectors on one side of the sums; one that is a piece of a longer one is found there."""

    def __init__(self, vectors: Iterable[Vector]) -> None:
        self.whole: list[Vector] = []
        self.at: dict[Vector, Side] = {}
        self.home: dict[int, Side] = {}  # of each scalar
        for vector in sorted(dict.fromkeys(vectors), key=len, reverse=True):
            number, start = self.home.get(vector[0], (-1, 0))
            if number < 0 or self.whole[number][start : start + len(vector)] != vector:
                number, start = self.new(vector), 0
            self.at[vector] = number, start

    def new(self, vector: Vector) -> int:
        number = len(self.whole)
        self.whole.append(vector)
        for position, scalar in enumerate(vector):
            self.home.setdefault(scalar, (number, position))
        return number


class _Entry(NamedTuple):
    """A result: the sum over so many factors of a row and of a column, from these positions on."""

    place: int
    row: int
    row_start: int
    column: int
    column_start: int
    length: int


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
        tasks[hub] = Task(grid, tuple(factors))
        tasks.update(dict.fromkeys(grid.places, Task("of", (hub,))))
        ordered = _in_order(tasks, flat.outputs)
        if ordered is not None:  # else one of the results is needed for a factor of another one
            flat.batched.append(True)
            flat.tasks = ordered


def _grids(flat: Flattened) -> list[Products]:
    sums = {place: pairs for place, task in flat.tasks.items() if (pairs := _pairs(flat, task))}
    if not sums:
        return []
    lefts, rights = (_Vectors(pairs[side] for pairs in sums.values()) for side in (0, 1))
    entries = [_Entry(place, *lefts.at[left], *rights.at[right], len(left))
               for place, (left, right) in sums.items()]  # fmt: skip
    parts = _connected(entries)
    _add_single_products(flat, sums, lefts, rights, parts)
    depth: dict[int, int] = {}
    for place, task in flat.tasks.items():
        depth[place] = 1 + max([depth.get(a, 0) for a in task.arguments if a.__class__ is int], default=0)
    alike: defaultdict[tuple[int, ...], list[Products]] = defaultdict(list)
    for part in parts:
        grid = _grid(part, lefts.whole, rights.whole)
        if grid is not None:
            depths = [depth[place] for place in grid.places]
            alike[(*grid.sizes[1:], min(depths), max(depths))].append(grid)
    return [_side_by_side(same) for same in alike.values()]


def _pairs(flat: Flattened, task: Task) -> tuple[Vector, Vector] | None:
    """The factors on the left and on the right, if a task adds up products of what varies."""
    if task.kind != "sum" and task.kind is not add:
        return None
    factors: list[tuple[int, int]] = []
    for a in task.arguments:
        product = flat.tasks.get(a) if a.__class__ is int else None
        if product is None or product.kind is not multiply:
            return None
        one, other = product.arguments
        if not (one.__class__ is int and other.__class__ is int and flat.batched[one] and flat.batched[other]):
            return None
        factors.append((one, other))
    left, right = zip(*factors)
    return left, right


def _connected(entries: Iterable[_Entry]) -> list[list[_Entry]]:
    """The results in groups: those that share a row or a column are in one."""
    above: dict[tuple[str, int], tuple[str, int]] = {}

    def top(node: tuple[str, int]) -> tuple[str, int]:
        while (higher := above.setdefault(node, node)) != node:
            above[node] = node = above[higher]
        return node

    entries = list(entries)
    for entry in entries:
        above[top(("row", entry.row))] = top(("column", entry.column))
    groups: defaultdict[tuple[str, int], list[_Entry]] = defaultdict(list)
    for entry in entries:
        groups[top(("row", entry.row))].append(entry)
    return list(groups.values())


def _add_single_products(
    flat: Flattened, sums: Mapping[int, object], lefts: _Vectors, rights: _Vectors, parts: list[list[_Entry]]
) -> None:
    """A row of one factor, as the first row of causal attention has it, is no sum: find those that are complete."""
    used = {a for place, task in flat.tasks.items() if place not in sums for a in task.arguments}
    used.update(flat.outputs)
    part_of = {entry.column: i for i, part in enumerate(parts) for entry in part}
    counts = [len({entry.column for entry in part}) for part in parts]
    rows: defaultdict[tuple[int, int], list[tuple[int, Side]]] = defaultdict(list)
    for place, task in flat.tasks.items():
        if task.kind is multiply and place in used:
            left, right = task.arguments
            if left.__class__ is int and flat.batched[left] and left not in lefts.home and right in rights.home:
                side = rights.home[right]  # type: ignore[index]
                rows[left, part_of[side[0]]].append((place, side))
    for (left, i), found in rows.items():
        if len({column for _, (column, _) in found}) == counts[i] == len(found):
            row = lefts.new((left,))
            parts[i] += [_Entry(place, row, 0, column, start, 1) for place, (column, start) in found]


def _grid(part: list[_Entry], lefts: list[Vector], rights: list[Vector]) -> Products | None:
    """The matrices of which these are the results; None if they are none, or too few to be worth it."""
    rows = sorted({entry.row for entry in part}, key=lefts.__getitem__)
    columns = sorted({entry.column for entry in part}, key=rights.__getitem__)
    if len(rows) < 2 or len(columns) < 2 or len(part) != len({(entry.row, entry.column) for entry in part}):
        return None
    of_rows, of_columns = _offsets(part)
    first = min(*of_rows.values(), *of_columns.values())
    width = max(*(start + len(lefts[row]) for row, start in of_rows.items()),
                *(start + len(rights[column]) for column, start in of_columns.items())) - first  # fmt: skip
    for entry in part:
        start, other = of_rows[entry.row], of_columns[entry.column]
        end = min(start + len(lefts[entry.row]), other + len(rights[entry.column]))
        if start + entry.row_start != other + entry.column_start or (
            max(start, other) != start + entry.row_start or end != start + entry.row_start + entry.length
        ):
            return None  # of the products of the whole row and column, it adds up a part only
    products = sum(entry.length for entry in part)
    if products < max(FEWEST, DENSITY * len(rows) * len(columns) * width):
        return None
    sides = []
    for numbers, offsets, vectors in ((rows, of_rows, lefts), (columns, of_columns, rights)):
        side: list[Argument] = []
        for number in numbers:
            before = offsets[number] - first
            vector = vectors[number]
            side += [0.0] * before + list(vector) + [0.0] * (width - before - len(vector))
        sides.append(side)
    row_of, column_of = ({number: i for i, number in enumerate(numbers)} for numbers in (rows, columns))
    places = {entry.place: row_of[entry.row] * len(columns) + column_of[entry.column] for entry in part}
    return Products((1, len(rows), len(columns), width), sides[0], sides[1], places)


def _offsets(part: list[_Entry]) -> tuple[dict[int, int], dict[int, int]]:
    """Where each row and each column begins, so that factors of one product stand at one position."""
    neighbours: defaultdict[tuple[bool, int], list[tuple[tuple[bool, int], int]]] = defaultdict(list)
    for entry in part:
        row, column, apart = (True, entry.row), (False, entry.column), entry.row_start - entry.column_start
        neighbours[row].append((column, apart))
        neighbours[column].append((row, -apart))
    found: dict[tuple[bool, int], int] = {(True, part[0].row): 0}
    todo = list(found)
    while todo:
        node = todo.pop()
        for other, apart in neighbours[node]:
            if other not in found:
                found[other] = found[node] + apart
                todo.append(other)
    sides = [{number: start for (is_row, number), start in found.items() if is_row is side} for side in (True, False)]
    return sides[0], sides[1]


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
                waiting = [a for a in tasks[place].arguments if a.__class__ is int and a in tasks and a not in found]
                if not begun.isdisjoint(waiting):
                    return None
                stack += waiting
    return found
