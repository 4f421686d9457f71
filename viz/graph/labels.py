"""Where the labels of edges stand: each on its own edge, and clear of the other labels and edges.

A label for which there is no such room is left out; it also stands in the words that the edge itself has.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cached_property

from ..common.svg import Point
from .edges import ARROW
from .placing import CROWD
from .scene import Edge

REMEMBERED = 40  # edges and labels that a label is kept clear of; where there are more, nobody can read them anyway
SHARES = (0.5, 0.45, 0.55, 0.4, 0.6, 0.35, 0.65, 0.3, 0.7, 0.25, 0.75, 0.2, 0.8)  # of the edge, the best first
HALF_HEIGHT, ASIDE = 8.0, 3.0  # of a label: its paper, which reaches as far aside of its text
HALF_TEXT = 6.0
CLEAR = HALF_HEIGHT + 1  # above and below the middle of a label
SAMPLES = 24  # points on each edge; they are closer together than a label is high
ON_EDGE, ON_LABEL, OUTSIDE = 1.0, 20.0, 1.0  # the cost of each point of an edge, each tenth of a label, each pixel

Piece = tuple[Point, Point]  # the ends of the curve of an edge between two columns
Labelled = tuple[int, Edge, Piece]  # an edge's number, the edge, and its last piece
Spot = tuple[float, float, float]  # the middle of a label, and half of its width


def has_label(edge: Edge, beside: int) -> bool:
    """Whether an edge shows its label, where `beside` labelled ones lead into the same column.

    In a crowd, a × 0 has none; where many edges come out of a table, none of them has.
    """
    if edge.start_row is not None and beside > 2 * CROWD:
        return False
    return edge.label != "" and (beside <= CROWD or edge.local != 0.0)


def labels_svg(labelled: Sequence[Labelled], pieces: Sequence[Piece]) -> str:
    """The labels between two columns; `pieces` are all the edges there."""
    spots: list[Spot] = []
    curves = {piece: _Curve(piece) for piece in pieces} if len(pieces) <= REMEMBERED else {}
    for _, edge, piece in labelled:
        spots.append(_best_spot(edge, piece, curves, spots[-REMEMBERED:]))
    if len(labelled) <= REMEMBERED:  # again, because the first labels did not know the later ones
        for index, (_, edge, piece) in enumerate(labelled):
            others = spots[:index] + spots[index + 1 :]
            if any(_overlap(spots[index], other) for other in others):
                spots[index] = _best_spot(edge, piece, curves, others)
    shown: dict[int, list[Spot]] = {}  # by height, in steps of a label's
    texts = []
    for (number, edge, _), spot in zip(labelled, spots):
        height = int(spot[1] // (2 * HALF_HEIGHT))
        near = [other for step in (-1, 0, 1) for other in shown.get(height + step, ())]
        if not any(_hides(spot, other) for other in near):
            shown.setdefault(height, []).append(spot)
            texts.append(_label(number, edge, spot))
    return "".join(texts)


class _Curve:
    """Points on a curve, which goes to the right, and either down all the way or up all the way."""

    def __init__(self, piece: Piece) -> None:
        self.piece = piece
        (self.left, start), (self.right, end) = piece
        self.sign = 1.0 if start <= end else -1.0
        self.top, self.bottom = min(start, end) - CLEAR, max(start, end) + CLEAR

    @cached_property
    def points(self) -> tuple[list[float], list[float]]:
        (left, start), (right, end) = self.piece
        wide, first, high = right - left, self.sign * start, self.sign * (end - start)
        return [left + wide * share for share in ACROSS], [first + high * share for share in DOWN]

    def points_within(self, x: float, y: float, half: float) -> int:
        """How many points are less than `half` aside of a place, and less than CLEAR above or below it."""
        if not (self.top < y < self.bottom and self.left < x + half and x - half < self.right):
            return 0
        y *= self.sign
        xs, ys = self.points
        first = max(bisect_right(xs, x - half), bisect_right(ys, y - CLEAR))
        return max(0, min(bisect_left(xs, x + half), bisect_left(ys, y + CLEAR)) - first)


def _best_spot(edge: Edge, piece: Piece, curves: dict[Piece, _Curve], others: Sequence[Spot]) -> Spot:
    half = len(edge.label) * 4.3 + ASIDE
    (start, _), (end, _) = piece
    best, least = (0.0, 0.0, half), float("inf")
    for share in SHARES:
        x, y = _on_curve(piece, share)
        cost = OUTSIDE * (max(0.0, start + 2 - x + half) + max(0.0, x + half - end + ARROW))
        for other_spot in others:
            if area := _overlap((x, y, half), other_spot):
                cost += ON_LABEL * (1.0 + area / (4 * half * HALF_HEIGHT) * 10)
        for other, curve in curves.items():
            if other != piece:
                cost += ON_EDGE * curve.points_within(x, y, half)
        if cost < least:
            best, least = (x, y, half), cost
        if cost == 0.0:
            break
    return best


def _overlap(one: Spot, other: Spot) -> float:
    """The area in which two labels, with a little room around them, lie on each other."""
    across = one[2] + other[2] + 2 - abs(one[0] - other[0])
    down = 2 * HALF_HEIGHT + 1 - abs(one[1] - other[1])
    return across * down if across > 0.0 and down > 0.0 else 0.0


def _hides(one: Spot, other: Spot) -> bool:
    """Whether the paper of one label lies on the text of the other."""
    return abs(one[0] - other[0]) < one[2] + other[2] - ASIDE and abs(one[1] - other[1]) < HALF_HEIGHT + HALF_TEXT


def _label(number: int, edge: Edge, spot: Spot) -> str:
    x, y, half = spot
    soft = " faint" if abs(edge.local) == 1.0 else ""
    return (
        f'<g class="tag" data-label="{number}">'
        f'<rect class="paper" x="{x - half:.1f}" y="{y - HALF_HEIGHT:.1f}" width="{2 * half:.1f}" '
        f'height="{2 * HALF_HEIGHT:.0f}" rx="4"/>'
        f'<text class="label{soft}" x="{x:.1f}" y="{y + 4:.1f}">{edge.label}</text></g>\n'
    )


def _on_curve(piece: Piece, share: float) -> Point:
    """A point of the Bézier curve whose two handles lie half-way across, each at the height of its end."""
    start, end = piece
    return start[0] + (end[0] - start[0]) * _across(share), start[1] + (end[1] - start[1]) * _down(share)


def _across(share: float) -> float:
    return 1.5 * share * (1 - share) + share * share * share


def _down(share: float) -> float:
    return share * share * (3 - 2 * share)


ACROSS, DOWN = ([way(index / SAMPLES) for index in range(1, SAMPLES)] for way in (_across, _down))
