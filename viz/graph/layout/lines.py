"""A long graph is broken into lines, as a text is: columns go on below, and edges come back from the right."""

from __future__ import annotations

import math
from collections.abc import Sequence

LONGEST = 2000.0  # pixels; a drawing that is wider is broken
LINE = 1680.0  # and no line of it is wider than this, unless one column is: it fits a window of 1,600 pixels
NEW_LINE, EMPTY, EDGE = 3.0, 4.0, 1.0  # the costs of a line, of one that is empty, and of an edge that is broken


def lines_of(widths: Sequence[float], edges: Sequence[tuple[int, int, int]]) -> list[int]:
    """The number of the line in which each column stands; breaks are where few edges pass.

    Shapes: widths (columns,) with the gap after each; edges (card, from column, to column) -> (columns,).

    >>> lines_of([500.0] * 5, [(0, 0, 1), (1, 1, 2), (2, 1, 3), (3, 2, 4), (4, 3, 4)])
    [0, 0, 0, 1, 1]
    """
    if math.fsum(widths) <= LONGEST:
        return [0] * len(widths)
    passing = _passing(len(widths), edges)
    best, start_of = [0.0], [0]  # the least cost of the first n columns, and where their last line begins
    for end in range(1, len(widths) + 1):
        least, where, width = float("inf"), end - 1, 0.0
        for start in range(end - 1, -1, -1):
            width += widths[start]
            if width > LINE and start < end - 1:
                break
            room = max(0.0, 1.0 - width / LINE)
            cost = best[start] + NEW_LINE + EMPTY * room * room + (EDGE * passing[start - 1] if start else 0.0)
            if cost < least:
                least, where = cost, start
        best.append(least)
        start_of.append(where)
    lines, end, bounds = [0] * len(widths), len(widths), []
    while end:
        bounds.append(start_of[end])
        end = start_of[end]
    for number, start in enumerate(reversed(bounds)):
        lines[start:] = [number] * (len(widths) - start)
    return lines


def _passing(columns: int, edges: Sequence[tuple[int, int, int]]) -> list[int]:
    """How many lines pass between each two columns; the edges out of one card share theirs."""
    last: dict[int, tuple[int, int]] = {}
    for card, start, end in edges:
        last[card] = (start, max(end, last.get(card, (start, end))[1]))
    change = [0] * (columns + 1)
    for start, end in last.values():
        change[start] += 1
        change[end] -= 1
    passing, total = [], 0
    for one in change[:columns]:
        total += one
        passing.append(total)
    return passing
