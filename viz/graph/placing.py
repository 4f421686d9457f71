"""Where everything stands: the layout's columns in pixels, broken into lines, and the points of each edge."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ..common.svg import Point
from .cards import BADGE, Rectangle, badge_width, card_height, card_width
from .layout.layered import BOX_ABOVE, BOX_BELOW, Layout
from .layout.lines import lines_of
from .scene import Card, Edge, Scene
from .tables import DIGIT, row_middle

GAP, CROWDED_GAP, WIDEST_GAP = 64.0, 136.0, 200.0  # between two columns
BESIDE_LABEL = 34.0  # room for an edge's beginning, and for its arrow
CROWD = 4  # labelled edges between two columns
MARGIN = 20.0
NARROW = 0.75  # of a column's width
BOX_ASIDE = 14.0  # between a box and the cards in it
TWINS_APART = 18.0  # between the two edges of a + a
WIDEST_EMPTY = 40.0  # between two cards of a line
TRACK = 7.0  # between two edges on their way back to the left
ROOM_LEFT, ROOM_RIGHT, ROOM_BELOW = 84.0, 22.0, 30.0  # for edges that go on in the next line


@dataclass(frozen=True)
class Return:
    """The way of an edge from the end of a line to the beginning of the next one."""

    right: float
    below: float
    left: float
    aside: float = 0.0  # how far below the end of the edge it arrives, beside the others that lead to the same card


class Placing:
    """The places of the cards and the edges of a scene, in pixels."""

    def __init__(self, scene: Scene, arranged_by: Callable[..., Layout]) -> None:
        self.scene = scene
        heights = [card_height(card) for card in scene.cards]
        edges = [(edge.start, edge.end) for edge in scene.edges]
        boxes, layers = [card.box for card in scene.cards], [card.box or card.column for card in scene.cards]
        self.layout = arranged_by(heights, edges, boxes, layers)
        self.crowd = Counter([self.layout.column[edge.end] for edge in scene.edges if edge.label])
        self.starts, self.ends = {start for start, _ in edges}, {end for _, end in edges}
        self.twins = Counter([ends_of(edge) for edge in scene.edges])
        self._place(heights)

    def _place(self, heights: Sequence[float]) -> None:
        cards, column = self.scene.cards, self.layout.column
        count = max(column) + 1
        widths = [0.0] * count
        for card, own in zip(cards, column):
            widths[own] = max(widths[own], card_width(card))
        gaps = [*self._gaps(count), 0.0]
        runs = [(edge.start, column[edge.start], column[edge.end]) for edge in self.scene.edges]
        self.line = lines_of([width + gap for width, gap in zip(widths, gaps)], runs)
        count_lines = self.line[-1] + 1
        self.last = [own for own, (line, after) in enumerate(pairwise([*self.line, count_lines])) if line != after]
        if count_lines > 1:
            self.layout = self._squeezed(heights)
        y = self.layout.y
        returning = self._returning()
        highs = self._spans(
            [q - h / 2 - (BOX_ABOVE if card.box else 0.0) for q, h, card in zip(y, heights, cards)], min
        )
        lows = self._spans([q + h / 2 + (BOX_BELOW if card.box else 0.0) for q, h, card in zip(y, heights, cards)], max)
        down, top = [], MARGIN
        self.below: list[float] = []  # where the edges that go on in the next line run
        for number in range(count_lines):
            down.append(top - highs[number])
            top += lows[number] - highs[number]
            self.below.append(top + ROOM_BELOW / 2)
            top += ROOM_BELOW + TRACK * len(returning[number])
        self.bottom = max(low + own for low, own in zip(lows, down))
        self.down = [down[own] for own in self.line]
        self._columns(widths, gaps, returning)
        self.rectangles = [
            self._rectangle(number, widths[own], round(q - h / 2 + self.down[own], 1), h)
            for number, (own, q, h) in enumerate(zip(column, y, heights))
        ]
        self._tracks(returning)

    def _rectangle(self, number: int, width: float, y: float, height: float) -> Rectangle:
        """A card is as wide as its column; much narrower ones without edges at a side keep their own width there."""
        card, left = self.scene.cards[number], self.left[self.layout.column[number]]
        own = card_width(card)
        if card.box or own > NARROW * width or (number in self.starts and number in self.ends):
            return Rectangle(left, y, width, height)
        return Rectangle(left + width - own if number in self.starts else left, y, own, height)

    def _squeezed(self, heights: Sequence[float]) -> Layout:
        """The layout without the empty room that the cards of other lines have left in each line."""
        layout = self.layout
        spans: list[list[tuple[float, float]]] = [[] for _ in range(self.line[-1] + 1)]
        for card, column, y, height in zip(self.scene.cards, layout.column, layout.y, heights):
            top, bottom = y - height / 2, y + height / 2
            spans[self.line[column]].append((top - BOX_ABOVE, bottom + BOX_BELOW) if card.box else (top, bottom))
        for bends in layout.bends:
            for column, y in bends:
                spans[self.line[column]].append((y, y))
        moves = [_moves(sorted(own)) for own in spans]

        def moved(column: int, y: float) -> float:
            tops, shifts = moves[self.line[column]]
            return y - shifts[bisect_right(tops, y) - 1]

        ys = [moved(column, y) for column, y in zip(layout.column, layout.y)]
        return Layout(layout.column, ys, [[(own, moved(own, y)) for own, y in bends] for bends in layout.bends])

    def _spans(self, own: Sequence[float], choose: Callable[[Sequence[float]], float]) -> list[float]:
        """The highest or the lowest point of each line."""
        points: list[list[float]] = [[] for _ in range(self.line[-1] + 1)]
        for column, y in zip(self.layout.column, own):
            points[self.line[column]].append(y)
        for bends in self.layout.bends:
            for column, y in bends:
                points[self.line[column]].append(y)
        return [choose(ys) for ys in points]

    def _columns(self, widths: Sequence[float], gaps: Sequence[float], returning: Sequence[Sequence[int]]) -> None:
        """The left and the right edge of each column, and how wide all is."""
        cards, column = self.scene.cards, self.layout.column
        self.left: list[float] = []
        self.right: list[float] = []
        in_column: list[list[Card]] = [[] for _ in widths]
        for card, own in zip(cards, column):
            in_column[own].append(card)
        for own, (width, gap) in enumerate(zip(widths, gaps)):
            if own == 0 or self.line[own] != self.line[own - 1]:
                at_edge = in_column[own]
                overhang = max([BOX_ASIDE + BADGE if one.box else badge_width(one.badge) / 2 for one in at_edge])
                x = MARGIN + (overhang if any(one.badge for one in at_edge) else 0.0)
                x += ROOM_LEFT + TRACK * len(returning[self.line[own] - 1]) if own else 0.0
            self.left.append(x)
            self.right.append(x + width)
            x += width + gap
        asides = [BOX_ASIDE if card.box else 0.0 for card in cards]
        self.width = max([self.right[own] + aside for own, aside in zip(column, asides)]) + MARGIN
        for last, edges in zip(self.last, returning):
            end = self.right[last] + ROOM_RIGHT + TRACK * len(edges) + MARGIN
            self.width = max(self.width, end if edges else 0.0)

    def _returning(self) -> list[list[int]]:
        """The edges that go on in the next line, by line; of those that leave one card in one bend, only one."""
        column = self.layout.column
        ways: list[dict[tuple[float, float], int]] = [{} for _ in self.last]
        for index, edge in enumerate(self.scene.edges):
            for number in range(self.line[column[edge.start]], self.line[column[edge.end]]):
                ways[number].setdefault(self._way(index, self.last[number]), index)
        return [[index for _, index in sorted([(-y, index) for (y, _), index in own.items()])] for own in ways]

    def _way(self, number: int, last: int) -> tuple[float, float]:
        """The heights at which an edge leaves the last column of a line and enters the first one of the next."""
        edge, bends, y = self.scene.edges[number], self.layout.bends[number], self.layout.y
        if not bends:
            return y[edge.start], y[edge.end]
        before, after = last - bends[0][0], last + 1 - bends[0][0]
        leaves = bends[before][1] if 0 <= before < len(bends) else y[edge.start]
        return leaves, bends[after][1] if 0 <= after < len(bends) else y[edge.end]

    def _tracks(self, returning: Sequence[Sequence[int]]) -> None:
        """For each way back to the left, the lines on which it runs."""
        self.returns: dict[tuple[int, tuple[float, float]], Return] = {}
        for last, below, edges in zip(self.last, self.below, returning):
            for place, index in enumerate(edges):
                aside = TRACK * place
                way = Return(self.right[last] + ROOM_RIGHT + aside, below + aside, MARGIN + aside)
                self.returns[last, self._way(index, last)] = way
        self.arrivals = self._arrivals()

    def _arrivals(self) -> dict[int, float]:
        """How far above or below the middle of a card the edges meet it that come from the line before, by edge."""
        column, firsts = self.layout.column, {last + 1 for last in self.last}
        into: dict[int, list[int]] = {}
        for index, edge in enumerate(self.scene.edges):
            if column[edge.end] in firsts and not self.scene.cards[edge.end].is_table:
                into.setdefault(edge.end, []).append(index)
        found = {}
        for end, edges in into.items():
            last = column[end] - 1
            edges.sort(key=lambda index: -self.returns[last, self._way(index, last)].left)  # so that none crosses
            apart = min(TWINS_APART, self.rectangles[end].height / len(edges))
            for place, index in enumerate(edges):
                found[index] = (place - (len(edges) - 1) / 2) * apart
        return found

    def way_back(self, number: int, column: int) -> Return | None:
        """How an edge goes on after a column, if its next column stands in the next line."""
        if column + 1 >= len(self.line) or self.line[column] == self.line[column + 1]:
            return None
        way = self.returns[column, self._way(number, column)]
        if column + 1 == self.layout.column[self.scene.edges[number].end]:
            aside = self.arrivals.get(number, 0.0)
            return replace(way, aside=aside - _on_badge(aside))
        return way

    def _gaps(self, columns: int) -> list[float]:
        """The room between columns: steep edges and many labels get more of it."""
        steepest = [0.0] * (columns - 1)
        layout = self.layout
        for edge, bends in zip(self.scene.edges, layout.bends):
            points = [*bends, (layout.column[edge.end], layout.y[edge.end])]
            if not bends or bends[0][0] == layout.column[edge.start] + 1:
                points = [(layout.column[edge.start], layout.y[edge.start]), *points]
            for (gap, one), (_, other) in pairwise(points):
                steepest[gap] = max(steepest[gap], abs(one - other))
        labels = [self.crowd[gap + 1] for gap in range(columns - 1)]
        framed = [0.0] * (columns + 1)
        for card, column in zip(self.scene.cards, layout.column):
            framed[column] = BOX_ASIDE * 2 if card.box else framed[column]
        least = [max(CROWDED_GAP if many > CROWD else GAP, own) for many, own in zip(labels, self._room_for_labels())]
        steep = [max(0.0, one - 200.0) * 0.12 for one in steepest]
        beside = [max(framed[gap : gap + 2]) for gap in range(columns - 1)]
        return [min(gap + more, WIDEST_GAP) + room for gap, more, room in zip(least, steep, beside)]

    def _room_for_labels(self) -> list[float]:
        """How much room the labels need before each column: for the widest one, the badge and an arrow."""
        cards, column = self.scene.cards, self.layout.column
        room = [0.0] * (max(column) + 1)
        for edge in self.scene.edges:
            own = column[edge.end]
            if edge.label and self.crowd[own] <= 2 * CROWD:
                labels = min(self.twins[ends_of(edge)], 2)  # those of a + a stand side by side
                needed = (
                    labels * (DIGIT * len(edge.label) + 8) + badge_width(cards[edge.end].badge) / 2 + BESIDE_LABEL - 8
                )
                room[own] = max(room[own], min(needed, WIDEST_GAP))
        return room[1:]

    def stops(self, number: int, twin: int) -> list[tuple[int, Point]]:
        """The points of an edge with their columns: out of its card, into and out of those on the way, and its end."""
        edge, bends = self.scene.edges[number], self.layout.bends[number]
        aside = (twin - (self.twins[ends_of(edge)] - 1) / 2) * TWINS_APART
        start, end, column = self.rectangles[edge.start], self.rectangles[edge.end], self.layout.column
        out = self.height_at(edge.start, edge.start_row)
        into = self.height_at(edge.end, edge.end_row)
        # The twin edges of a + a part on the way and meet the badge a little above and below its middle.
        limit = min(max(aside, -30.0), 30.0)
        stops = [(column[edge.start], (start.right, out + limit))]
        if bends and bends[0][0] > column[edge.start] + 1:  # it branches off from a longer edge
            (own, y), *bends = bends
            stops = [(own, (self.right[own], y + self.down[own] + aside))]
        for own, y in bends:
            height = y + self.down[own] + aside
            stops += [(own, (self.left[own], height)), (own, (self.right[own], height))]
        card = self.scene.cards[edge.end]
        reach = 0.0 if card.is_table else badge_width(card.badge) / 2
        tip = (end.x - reach + abs(limit) * 0.2, into + limit * 0.45)
        if arrival := _on_badge(self.arrivals.get(number, 0.0)):
            tip = (end.x - reach + abs(arrival) * 0.3, into + arrival)
        return [*stops, (column[edge.end], tip)]

    def height_at(self, card: int, row: int | None) -> float:
        """The height at which edges meet a card, or a row of it."""
        at = self.rectangles[card]
        return at.y + row_middle(row) if self.scene.cards[card].is_table else at.middle

    def members_of_boxes(self) -> dict[tuple[int, str], list[Rectangle]]:
        members: dict[tuple[int, str], list[Rectangle]] = {}
        for card, rectangle, column in zip(self.scene.cards, self.rectangles, self.layout.column):
            if card.box is not None:
                members.setdefault((column, card.box), []).append(rectangle)
        return members


def _moves(spans: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """Where a gap between spans ends, and how far all below it is moved up; upper gaps count for what is below."""
    tops, shifts, bottom = [float("-inf")], [0.0], spans[0][1]
    for top, end in spans:
        if top - bottom > WIDEST_EMPTY:
            tops.append(top)
            shifts.append(shifts[-1] + top - bottom - WIDEST_EMPTY)
        bottom = max(bottom, end)
    return tops, shifts


def _on_badge(aside: float) -> float:
    """The height at which an edge meets a round badge that is so far aside of its way."""
    return min(max(aside, -TWINS_APART / 2), TWINS_APART / 2)


def ends_of(edge: Edge) -> tuple[int, int | None, int, int | None]:
    return edge.start, edge.start_row, edge.end, edge.end_row
