"""What stands on a card below its head: rows of numbers, the matrix of a layer's weights, bars and strips, as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from ..common.colours import class_of
from ..common.text import markup, shortened, text_width
from .scene import Card, Matrix, Row

ROW = 19.0  # height of a row
HEAD = 54.0  # of a table: its name, and the captions over its columns
CAPTIONS = 47.0  # the line on which these stand
FOOT = 8.0
SIZE, DIGIT = 14.0, 8.7  # of the texts in rows, and the width of a digit
BESIDE = 10.0  # between two columns of a row
CELL, WIDEST_MATRIX, NARROWEST_CELL = 12.0, 400.0, 4.0
PADDING = 12.0


def row_widths(rows: Sequence[Row]) -> tuple[float, float, float, float]:
    """The widths of the columns of some rows: names, notes, data and gradients."""
    names = min(max([text_width(row.name, SIZE, bold=True) for row in rows]), 130.0)
    notes = min(max([text_width(row.note, SIZE) for row in rows]), 120.0)
    data = max([DIGIT * max(len(row.data), row.room[0]) for row in rows])
    grads = max([DIGIT * max(len(row.grad) + row.is_left_over, row.room[1]) for row in rows])
    return names, notes + BESIDE if notes else 0.0, data + 1.5 * BESIDE, grads + BESIDE


def rows_svg(
    rows: Sequence[Row],
    left: float,
    right: float,
    top: float,
    largest: float,
    widths: tuple[float, float, float, float] | None = None,
) -> tuple[str, str]:
    """The tints of some rows, and their texts; the columns end at `right`."""
    if not rows:
        return "", ""
    names, notes, _, grads = widths or row_widths(rows)
    below, above = [], []
    for place, row in enumerate(rows):
        y = top + ROW * place
        shade = class_of(row.strength, largest)
        below.append(
            f'<path class="tint {shade}" d="M{right - grads + 4:.0f} {y:.0f}h{grads:.0f}v{ROW - 1:.0f}h{-grads:.0f}z"/>'
        )
        if shade == "odd":
            line = f"M{right - grads:.0f} {y + ROW / 2:.1f}h{grads:.0f}"
            below.append(f'<path class="stripes low" data-of="grad {place}" d="{line}"/>')
        if row.data_kind:
            beside = left + names + BESIDE + notes  # no pattern below words
            below.append(_mark(row.data_kind, beside, right - grads - 4, y, place))
        base = y + 14
        star = " *" * row.is_left_over
        name, note = shortened(row.name, names, SIZE, bold=True), shortened(row.note, notes - 6, SIZE)
        note = note and f'<text class="faint" x="{left + names + BESIDE:.0f}" y="{base:.0f}">{markup(note)}</text>'
        above.append(
            f'<g class="row" data-row="{place}"><title>{markup(row.detail)}</title>'
            f'<text class="key" x="{left:.0f}" y="{base:.0f}">{markup(name)}</text>{note}'
            f'<text class="figure" x="{right - grads - 4:.0f}" y="{base:.0f}">{row.data}</text>'
            f'<text class="figure grad" x="{right:.0f}" y="{base:.0f}">{row.grad}{star}</text></g>'
        )
    return "".join(below), "".join(above)


def _mark(kind: str, left: float, right: float, y: float, place: int) -> str:
    """The pattern behind the numbers of a row: stripes for nan and inf, slanting lines for what is stale."""
    if kind == "odd":
        line = f"M{left:.0f} {y + ROW / 2:.1f}h{right - left:.0f}"
        return f'<path class="stripes low" data-of="data {place}" d="{line}"/>'
    high = ROW - 3
    starts = [left + 9 * place for place in range(int((right - left - high) / 9))]
    lines = "".join([f"M{x:.0f} {y + ROW - 2:.0f}l{high:.0f} {-high:.0f}" for x in starts])
    return f'<path class="hatching" data-of="data {place}" d="{lines}"/>'


# --- a layer as a table


def matrix_size(matrix: Matrix | None) -> tuple[int, float]:
    """How many columns of squares there are, and how wide each is; a square may stand for several weights."""
    if matrix is None:
        return 0, 0.0
    most = int(WIDEST_MATRIX / NARROWEST_CELL)
    count = len(matrix.columns)
    shown = count if count <= most else math.ceil(count / math.ceil(count / most))
    return shown, min(CELL, WIDEST_MATRIX / shown)


def matrix_width(matrix: Matrix | None) -> float:
    shown, cell = matrix_size(matrix)
    return shown * cell


def table_widths(card: Card) -> tuple[float, float, float, float]:
    """The widths of the columns of a table, which have captions where there are numbers."""
    names, notes, data, grads = row_widths(card.rows)
    if not (card.data or card.grad):
        return names, notes, data, grads
    least = [text_width(caption, SIZE) for caption in ("data", "grad")]
    return names, notes, max(data, least[0] + 1.5 * BESIDE), max(grads, least[1] + BESIDE)


def table_width(card: Card, indent: float) -> float:
    """The width of a table; its name begins at `indent`."""
    beside = matrix_width(card.matrix)
    head = indent + min(text_width(card.name, 15.0, bold=True), 240.0) + 16 + text_width(card.note, SIZE)
    rows = math.fsum(table_widths(card))
    captions = text_width("gradients", SIZE) + 2 * BESIDE + math.fsum(table_widths(card)[2:]) if beside else 0.0
    inside = max(beside + (BESIDE if beside else 0.0) + rows, captions)
    return math.ceil(max(2 * PADDING + inside, head + PADDING))


def _caption(matrix: Matrix, has_gradients: bool) -> str:
    if not has_gradients:
        return "weights"
    return "gradients of weights" if matrix_width(matrix) > 130 else "gradients"


def table_height(card: Card) -> float:
    return HEAD + ROW * len(card.rows) + FOOT


def row_middle(place: int | None) -> float:
    """The height of the middle of a row below the upper edge of its table; None stands for all rows: their captions."""
    return CAPTIONS - 4 if place is None else HEAD + ROW * place + (ROW - 1) / 2


def table_svg(card: Card, width: float, indent: float, largest: float, largest_cell: float) -> tuple[str, str]:
    """What is below the rim of a table, and what is above it."""
    right = width - PADDING
    widths = table_widths(card)
    beside = matrix_width(card.matrix)
    left, grads = PADDING + beside + (BESIDE if beside else 0.0), widths[-1]
    below, above = rows_svg(card.rows, left, right, HEAD, largest, widths)
    note = f'<text class="faint end" x="{right:.0f}" y="22">{markup(card.note)}</text>'
    captions = "".join(
        [
            f'<text class="faint end" x="{x:.0f}" y="{CAPTIONS:.0f}">{caption}</text>'
            for x, caption in ((right - grads - 4, "data"), (right, "grad"))
            if card.data or card.grad
        ]
    )
    if card.matrix:
        has_gradients = any(map(any, card.matrix.gradients))
        caption = _caption(card.matrix, has_gradients)
        captions += f'<text class="faint caption" x="{PADDING:.0f}" y="{CAPTIONS:.0f}">{caption}</text>'
        below += matrix_svg(card.matrix, has_gradients, largest_cell)
    name = shortened(card.name, width - indent - 14 - PADDING - text_width(card.note, SIZE), 15.0, bold=True)
    return below, f'<text class="name" x="{indent:.1f}" y="22">{markup(name)}</text>{note}{captions}{above}'


def matrix_svg(matrix: Matrix, has_gradients: bool, largest: float) -> str:
    """The squares, as one path for each shade, so that many take little room in a file."""
    numbers = matrix.gradients if has_gradients else matrix.weights
    shown, cell = matrix_size(matrix)
    stretch = math.ceil(len(matrix.columns) / shown)
    paths: dict[str, list[str]] = {}
    gap = 1.0 if cell > 6 else 0.4
    for row, values in enumerate(numbers):
        y = HEAD + ROW * row
        for column in range(shown):
            among = [value for value in values[column * stretch : (column + 1) * stretch] if value is not None]
            if among:
                strongest = max(among, key=lambda one: math.inf if one != one else abs(one))
                d = f"M{PADDING + column * cell:.4g} {y:.4g}h{cell - gap:.3g}v{ROW - 1:.3g}h-{cell - gap:.3g}z"
                paths.setdefault(class_of(strongest, largest), []).append(d)
    inside = "".join([f'<path class="cell {shade}" d="{"".join(parts)}"/>' for shade, parts in sorted(paths.items())])
    said = "gradients of the weights" if has_gradients else "weights"
    columns = ", ".join(matrix.columns[:40]) + (", …" if len(matrix.columns) > 40 else "")
    each = f" Each square shows the strongest of {stretch}." if stretch > 1 else ""
    title = f"{said}: a row for each neuron, a column for each of {columns}.{each}"
    kind = "matrix gradients" if has_gradients else "matrix"
    return f'<g class="{kind}"><title>{markup(title)}</title>{inside}</g>'


# --- bars and strips


def bars_svg(bars: Sequence[float], left: float, room: float, middle: float, largest: float) -> str:
    """A bar for the gradient of each parameter, upwards for a positive one; `largest` has the full height."""
    half = 10.0
    step = room / max(len(bars), 4)
    parts = [f'<path class="axis" d="M{left:.1f} {middle:.1f}h{room:.1f}"/>']
    for index, bar in enumerate(bars):
        share = 1.0 if not math.isfinite(bar) else math.sqrt(min(abs(bar) / largest, 1.0)) if largest else 0.0
        size = max(share * half, 0.6)
        parts.append(
            f'<rect class="bar {class_of(bar, largest)}" x="{left + index * step:.1f}" '
            f'y="{middle - size if bar > 0 else middle:.1f}" width="{step * 0.86:.1f}" height="{size:.1f}"/>'
        )
    return "".join(parts)


def strip_svg(numbers: Sequence[float], chosen: int | None, left: float, room: float, top: float) -> str:
    """A small column for each of the numbers, from zero; the chosen one is marked. Few pixels show the largest ones."""
    height = 24.0
    most = int(room / 2)
    if len(numbers) > most:
        bounds = [len(numbers) * i // most for i in range(most + 1)]
        chosen = (
            next((i for i in range(most) if bounds[i] <= chosen < bounds[i + 1]), None) if chosen is not None else None
        )
        numbers = [max(numbers[low:high], key=_size) for low, high in pairwise(bounds)]
    finite = [number for number in numbers if math.isfinite(number)]
    low, high = min([0.0, *finite]), max([0.0, *finite])
    span = (high - low) or 1.0
    step = min(room / len(numbers), 12.0)
    zero = top + height * high / span
    parts = [f'<path class="axis" d="M{left:.1f} {zero:.1f}h{room:.1f}"/>']
    paths: dict[str, list[str]] = {}
    for place, number in enumerate(numbers):
        kind = "odd" if not math.isfinite(number) else "chosen" if place == chosen else "part"
        size = height * number / span if math.isfinite(number) else height
        d = f"M{left + place * step:.1f} {zero:.1f}v{-size:.1f}h{step * 0.8:.1f}v{size:.1f}z"
        paths.setdefault(kind, []).append(d)
    marks = "".join([f'<path class="bar {kind}" d="{"".join(ds)}"/>' for kind, ds in paths.items()])
    if chosen is not None:
        marks += f'<path class="mark" d="M{left + (chosen + 0.4) * step:.1f} {top + height + 3:.1f}l3.5 6h-7z"/>'
    return "".join(parts) + marks


def _size(number: float) -> float:
    return abs(number) if number == number else math.inf
