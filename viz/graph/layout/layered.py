"""A layered layout: columns from left to right in the order of the computation, few crossings and short edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from .ordering import order_columns
from .vertical import vertical_positions

CARD_GAP = 20.0  # between two cards of a column
BEND_GAP = 12.0  # between long edges that pass through a column
BEND_HEIGHT = 4.0
LONG, BRANCH = 40, 4  # an edge over more than LONG columns has only its BRANCH last bends: all would be quadratic
BOX_ABOVE = 34.0  # room for the title and the frame of a box over its first card
BOX_BELOW = 14.0


@dataclass(frozen=True)
class Layout:
    """The column of each card and the y of its centre, in pixels; how wide a column is, the drawing decides.

    Shapes: column and y have one entry for each card; bends has one list of (column, y) for each edge, from left to
    right. Where an edge has no bend in the column after its card, it branches off from a longer edge of that card.
    """

    column: list[int]
    y: list[float]
    bends: list[list[tuple[int, float]]]


def arrange(
    heights: Sequence[float],
    edges: Sequence[tuple[int, int]],
    boxes: Sequence[str | None] | None = None,
    layers: Sequence[str | None] | None = None,
) -> Layout:
    """A layered layout of cards numbered in topological order; edges lead from arguments to results.

    Shapes: heights (n,), edges pairs (from, to) with from < to, boxes (n,): the name of each card's box, or None;
    layers (n,): cards of one layer share a column, as those of one box do.
    Errors: ValueError for an edge that does not lead from a lower number to a higher one.

    >>> layout = arrange([80.0, 80.0, 80.0], [(0, 2), (1, 2)])
    >>> layout.column, layout.y
    ([0, 0, 1], [-50.0, 50.0, 0.0])
    """
    for start, end in edges:
        if not 0 <= start < end < len(heights):
            raise ValueError(
                f"edge ({start}, {end}) has to lead from a card to a later one; there are {len(heights)} cards"
            )
    column = _columns(len(heights), edges, layers or boxes or [None] * len(heights))
    net = _Net(column, edges)
    box: list[str | None] = [None] * len(net.column)
    for node, name in enumerate(boxes or ()):
        box[node] = name
    order = order_columns(net.members(), net.before, net.after, box)
    tall = list(heights) + [BEND_HEIGHT] * (len(net.column) - len(heights))
    distances = [distances_between(members, tall, box, len(heights)) for members in order]
    is_bend = [node >= len(heights) for node in range(len(net.column))]
    y = vertical_positions(order, net.before, net.after, distances, is_bend)
    bends = [[(net.column[node], y[node]) for node in net.path(start, end)] for start, end in edges]
    return Layout(column, y[: len(heights)], bends)


def _columns(count: int, edges: Sequence[tuple[int, int]], layers: Sequence[str | None]) -> list[int]:
    """Each card as far left as its arguments allow, then next to its users where that makes no other edge longer.

    Cards of one layer that can stand in one column do so: they move together.
    """
    arguments: list[list[int]] = [[] for _ in range(count)]
    users: list[list[int]] = [[] for _ in range(count)]
    for start, end in dict.fromkeys(edges):
        arguments[end].append(start)
        users[start].append(end)
    column = [0] * count
    for node in range(count):
        column[node] = max([column[argument] + 1 for argument in arguments[node]], default=0)
    together: dict[tuple[str, int], list[int]] = {}
    for node, layer in enumerate(layers):
        if layer is not None:
            together.setdefault((layer, column[node]), []).append(node)
    moves_along = [False] * count  # a card with one user alone, whose arguments have no other user either
    for node in range(count):
        is_free = len(users[node]) == 1 and all(moves_along[argument] for argument in arguments[node])
        moves_along[node] = is_free and layers[node] is None
    first_of = {node: own[0] for own in together.values() for node in own}  # with which all of them are moved
    by_column = sorted(range(count), key=lambda node: (column[node], node))
    for node in reversed(by_column):
        layer = layers[node]
        if first_of.get(node, node) != node:
            continue
        own = [node] if layer is None else together[layer, column[node]]
        outward = [user for one in own for user in users[one]]
        if outward:
            inward = {argument for one in own for argument in arguments[one]}
            room = min([column[user] for user in outward]) - 1
            held = sum([not moves_along[argument] for argument in inward])
            if held <= len(set(outward)):
                for one in own:
                    column[one] = room
    first = min(column, default=0)
    return [own - first for own in column]


class _Net:
    """The graph with a bend in each column that an edge passes; edges that leave one card share their bends."""

    def __init__(self, column: Sequence[int], edges: Sequence[tuple[int, int]]) -> None:
        self.column = list(column)
        self.before: list[list[int]] = [[] for _ in column]
        self.after: list[list[int]] = [[] for _ in column]
        self._farthest: dict[int, int] = {}  # the column of each card's last user
        for start, end in edges:
            self._farthest[start] = max(self._farthest.get(start, 0), column[end])
        self._bends = {start: self._lead(start, last) for start, last in self._farthest.items()}
        for start, end in dict.fromkeys(edges):
            span = column[end] - column[start] - 1
            self._link(self._bends[start][span - 1] if span else start, end)

    def _lead(self, start: int, last: int) -> list[int]:
        """New bends from a card to the column before `last`."""
        bends = []
        previous = start
        for passed in range(self.column[start] + 1, last):
            bends.append(len(self.column))
            self.column.append(passed)
            self.before.append([])
            self.after.append([])
            self._link(previous, bends[-1])
            previous = bends[-1]
        return bends

    def _link(self, left: int, right: int) -> None:
        self.after[left].append(right)
        self.before[right].append(left)

    def path(self, start: int, end: int) -> list[int]:
        """The bends of an edge; of a long edge beside a longer one, only the last bends, where it leaves that one."""
        bends = self._bends[start][: self.column[end] - self.column[start] - 1]
        return bends[-BRANCH:] if len(bends) > LONG and self.column[end] < self._farthest[start] else bends

    def members(self) -> list[list[int]]:
        """The nodes of each column in the order in which a walk from the results meets them: no crossings in a tree."""
        found: list[list[int]] = [[] for _ in range(max(self.column, default=-1) + 1)]
        seen = [False] * len(self.column)
        stack = [node for node in reversed(range(len(self.column))) if not self.after[node]]
        while stack:
            node = stack.pop()
            if not seen[node]:
                seen[node] = True
                found[self.column[node]].append(node)
                stack.extend(reversed(self.before[node]))
        return found


def distances_between(
    members: Sequence[int], heights: Sequence[float], box: Sequence[str | None], cards: int
) -> list[float]:
    """The least distance between the middles of neighbours in a column; nodes from number `cards` on are bends."""
    distances = []
    for upper, lower in pairwise(members):
        distance = (heights[upper] + heights[lower]) / 2
        distance += CARD_GAP if upper < cards or lower < cards else BEND_GAP
        if box[upper] != box[lower]:
            distance += BOX_BELOW if box[upper] is not None else 0.0
            distance += BOX_ABOVE if box[lower] is not None else 0.0
        distances.append(distance)
    return distances
