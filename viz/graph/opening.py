"""What a page needs to open a card, to choose a neuron and to switch a matrix: plain data for a script."""

from __future__ import annotations

import re
from typing import Any

from ..common.colours import class_of, shade_class, shade_of
from ..common.svg import Point
from .placing import Placing
from .scene import Card, Row, Scene
from .tables import matrix_svg, row_middle, row_widths

MOST_CHARACTERS = 400_000  # of all that can be opened; a notebook stores it with the drawing


def opening_of(scene: Scene, placing: Placing, largest: float, largest_passed: float, height: float) -> dict[str, Any]:
    """The rows of the cards that can be opened, the weights of matrices, and the edges that are not drawn."""
    opened: dict[str, Any] = {}
    most = max(6, int((height - 70) / 19))
    size = 0
    for number, card in enumerate(scene.cards):
        for key, name, rows in _openable(number, card):
            opened[key] = _entry(name, rows, most, largest)
            size += sum(len(text) + 4 for row in opened[key][2] for text in row)
            if size > MOST_CHARACTERS:
                del opened[key]
                return _whole(scene, placing, opened, largest_passed)
    return _whole(scene, placing, opened, largest_passed)


def _openable(number: int, card: Card) -> list[tuple[str, str, list[Row]]]:
    found = [(f"{number}", card.name, card.terms)] if card.terms else []
    rows = card.rows if card.is_table else []
    return found + [(f"{number}.{place}", row.name, row.terms) for place, row in enumerate(rows) if row.terms]


def _entry(name: str, rows: list[Row], most: int, largest: float) -> list[Any]:
    shown = rows
    if len(rows) > most:  # the strongest of them, in their order
        strongest = sorted(rows, key=lambda row: -abs(row.strength) if row.strength == row.strength else -1e308)
        chosen = {id(row) for row in strongest[: most - 1]}
        shown = [row for row in rows if id(row) in chosen]
        shown.append(Row(f"… and {len(rows) - len(shown)} with smaller gradients", "", "", 0.0))
    widths = [round(width) for width in row_widths(shown)]
    lines = [
        [row.name, row.note, row.data, row.grad + " *" * row.is_left_over, class_of(row.strength, largest)]
        for row in shown
    ]
    return [name, widths, lines]


def _whole(scene: Scene, placing: Placing, opened: dict[str, Any], largest_passed: float) -> dict[str, Any]:
    weights = {}
    for number, card in enumerate(scene.cards):
        if card.matrix and scene.shows == "gradient" and any(map(any, card.matrix.gradients)):
            numbers = [abs(one) for row in card.matrix.weights for one in row if one is not None and one == one]
            weights[str(number)] = matrix_svg(card.matrix, False, max(numbers, default=0.0))
    lines = []
    for edge in scene.faint:
        start, end = placing.rectangles[edge.start], placing.rectangles[edge.end]
        out = (start.right, start.middle if edge.start_row is None else start.y + row_middle(edge.start_row))
        into = (end.x, end.middle if edge.end_row is None else end.y + row_middle(edge.end_row))
        shade = shade_class(shade_of(edge.passed, largest_passed))
        lines.append([_key(edge.start, edge.start_row), _key(edge.end, edge.end_row), shade, _curve(out, into)])
    return {"open": opened, "weights": weights, "lines": lines}


def _key(card: int, row: int | None) -> str:
    return f"{card}" if row is None else f"{card}.{row}"


def _curve(start: Point, end: Point) -> str:
    (x, y), (to_x, to_y) = start, end
    middle = (x + to_x) / 2
    return f"M{x:.0f} {y:.0f}C{middle:.0f} {y:.0f} {middle:.0f} {to_y:.0f} {to_x:.0f} {to_y:.0f}"


def shades_in(opening: dict[str, Any]) -> set[str]:
    """The classes of the tints and the edges that the script may make."""
    rows = {row[4] for _, _, rows in opening["open"].values() for row in rows}
    squares = re.findall(r'class="bar (\w+)"', "".join(opening["weights"].values()))
    return rows | {line[2] for line in opening["lines"]} | set(squares)
