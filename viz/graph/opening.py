"""What a page needs to open a card, to choose a neuron and to switch a matrix: plain data for a script."""

from __future__ import annotations

import re
from typing import Any

from ..common.colours import class_of, shade_class, shade_of
from ..common.icons import button
from ..common.svg import Point
from ..common.tints import tint_rules
from .placing import Placing
from .scene import Card, Row, Scene
from .tables import matrix_svg

MOST_ROWS = 300  # of one card
MOST_CHARACTERS = 400_000  # of all that can be opened; a notebook stores it with the drawing


def opening_of(scene: Scene, placing: Placing, largest: float, largest_passed: float) -> dict[str, Any]:
    """The rows of the cards that can be opened, the weights of matrices, and the edges that are not drawn."""
    opened: dict[str, Any] = {}
    size = 0
    for number, card in enumerate(scene.cards):
        for key, name, rows in _openable(number, card):
            lines = _lines(rows, largest)
            size += sum(len(text) + 4 for line in lines for text in line)
            if size > MOST_CHARACTERS:
                return _whole(scene, placing, opened, largest_passed)
            opened[key] = [name, lines]
    return _whole(scene, placing, opened, largest_passed)


def opening_panel(theme: str) -> str:
    """The part of the page in which a card is opened: beside the picture, or below it in a narrow window."""
    inside = (
        f'<h2 id="opened" aria-live="polite"></h2>{button("close", "close (Esc)", "close")}<table id="rows"></table>'
    )
    return (
        f"<style>{tint_rules('.opening', theme)}</style>\n"
        f'<aside class="opening" id="opening" hidden aria-label="the opened card">{inside}</aside>\n'
    )


def _openable(number: int, card: Card) -> list[tuple[str, str, list[Row]]]:
    found = [(f"{number}", card.name, card.terms)] if card.terms else []
    rows = card.rows if card.is_table else []
    return found + [(f"{number}.{place}", row.name, row.terms) for place, row in enumerate(rows) if row.terms]


def _lines(rows: list[Row], largest: float) -> list[list[str]]:
    lines = [
        [row.name, row.note, row.data, row.grad + " *" * row.is_left_over, class_of(row.strength, largest)]
        for row in rows[:MOST_ROWS]
    ]
    if len(rows) > MOST_ROWS:
        lines.append([f"… and {len(rows) - MOST_ROWS:,} more", "", "", "", "z"])
    return lines


def _whole(scene: Scene, placing: Placing, opened: dict[str, Any], largest_passed: float) -> dict[str, Any]:
    weights = {}
    for number, card in enumerate(scene.cards):
        if card.matrix and scene.shows == "gradient" and any(map(any, card.matrix.gradients)):
            numbers = [abs(one) for row in card.matrix.weights for one in row if one is not None and one == one]
            weights[str(number)] = matrix_svg(card.matrix, False, max(numbers, default=0.0))
    lines = []
    for edge in scene.faint:
        start, end = placing.rectangles[edge.start], placing.rectangles[edge.end]
        out = (start.right, placing.height_at(edge.start, edge.start_row))
        into = (end.x, placing.height_at(edge.end, edge.end_row))
        shade = shade_class(shade_of(edge.passed, largest_passed))
        lines.append([_key(edge.start, edge.start_row), _key(edge.end, edge.end_row), shade, _curve(out, into)])
    heads = (["", "weight"] if scene.shows == "weight" else ["data", "grad"]) if opened else []
    return {"open": opened, "weights": weights, "lines": lines, "heads": heads}


def _key(card: int, row: int | None) -> str:
    return f"{card}" if row is None else f"{card}.{row}"


def _curve(start: Point, end: Point) -> str:
    (x, y), (to_x, to_y) = start, end
    middle = (x + to_x) / 2
    return f"M{x:.0f} {y:.0f}C{middle:.0f} {y:.0f} {middle:.0f} {to_y:.0f} {to_x:.0f} {to_y:.0f}"


def shades_in(opening: dict[str, Any]) -> set[str]:
    """The classes of the squares and the edges that the script may make."""
    squares = re.findall(r'class="bar (\w+)"', "".join(opening["weights"].values()))
    return {line[2] for line in opening["lines"]} | set(squares)
