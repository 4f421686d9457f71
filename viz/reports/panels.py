"""The pictures of a report, each as SVG: the confusion matrix, predictions beside the truth, and the map of a plane."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.colours import STEPS, Theme, colour_of, mixed, shade_class, shade_of
from ..common.picture import Drawing
from ..common.shapes import SHAPES, hatching
from ..common.svg import drawing_id, svg_document, themed_rules
from ..common.text import clean, markup, shortened, text_width
from ..common.ticks import round_ticks
from .findings import Plane, rounded

__all__ = ["beside_the_truth", "confusion", "mapped", "residuals"]

COLOURS = 6  # of classes; with more, they are used again
SIDE = 320.0  # of a square plot
LEFT, TOP, RIGHT, BOTTOM = 74.0, 44.0, 30.0, 52.0
LEGEND = 20.0  # the height of a line of the legend
MOST_POINTS = 600
SHADES = 6  # of a map: from a class that is hardly likelier than the others to one that is sure


def confusion(counts: NDArray[np.int64], classes: Sequence[Any], theme: str) -> Drawing:
    """How many rows of each class were taken for which, the truth from top to bottom."""
    names = [clean(one) for one in classes]
    cell = max(26.0, min(56.0, 400.0 / len(names)))
    longest = max(text_width(name, 13) for name in names) + 12
    room, wide = min(130.0, longest), max(cell, min(130.0, longest, 400.0 / len(names)))
    left, top = room + 26, 66.0
    parts = [f'<text class="heading" x="{left:.0f}" y="22">confusion</text>\n',
             f'<text x="{left:.0f}" y="40">taken for</text>\n',
             f'<text class="end" x="{left - 8:.1f}" y="{top - 8:.0f}">true</text>\n']  # fmt: skip
    for j, name in enumerate(names):
        x = left + (j + 0.5) * wide
        parts.append(
            f'<text class="middle" x="{x:.1f}" y="{top - 8:.1f}">{markup(shortened(name, wide - 4, 13))}</text>\n'
        )
    for i, name in enumerate(names):
        y, total = top + i * cell, max(int(counts[i].sum()), 1)
        words = markup(shortened(name, room, 13))
        parts.append(f'<text class="end" x="{left - 8:.1f}" y="{y + cell / 2 + 4:.1f}">{words}</text>\n')
        for j, count in enumerate(counts[i].tolist()):
            x, shade = left + j * wide, shade_of(count, total)
            said = markup(f"{name} taken for {names[j]}: {count}")
            place = f'x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{cell:.1f}"'
            word = f'class="{"count" if count else "zero"} middle" x="{x + wide / 2:.1f}" y="{y + cell / 2 + 5:.1f}"'
            tint = shade_class(shade if i == j else -shade)
            parts.append(
                f'<g><title>{said}</title><rect class="cell {tint}" {place}/><text {word}>{count}</text></g>\n'
            )
    width = left + len(names) * wide + 20
    pairs = [(i, j) for i in range(len(names)) for j in range(len(names)) if counts[i, j]]
    spoken = [f"{names[i]} taken for {names[j]}: {counts[i, j]}" for i, j in pairs]
    title = f"confusion matrix: {'; '.join(spoken)}"  # of an image, a screen reader says its name alone
    return _drawing(title, max(width, 220.0), top + len(names) * cell + 20, "".join(parts), theme)


def beside_the_truth(truth: NDArray[Any], answers: NDArray[Any], name: str, theme: str) -> Drawing:
    """Each row as a point: the truth to the right, the prediction upwards; on the line the two are equal."""
    both = np.concatenate([truth, answers])
    ticks = round_ticks(float(both.min()), float(both.max()))
    low, high = ticks[0], ticks[-1]
    parts = [_heading("predictions and truth"), _axes(ticks, ticks, f"true {name}", "predicted")]
    (x0, y0), (x1, y1) = _at(low, low, (low, high), (low, high)), _at(high, high, (low, high), (low, high))
    parts.append(f'<path class="diagonal" d="M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}"/>\n')
    for row in _some(len(truth)):
        x, y = _at(float(truth[row]), float(answers[row]), (low, high), (low, high))
        said = markup(f"true {rounded(truth[row])}, predicted {rounded(answers[row])}")
        parts.append(f'<circle class="point f0" cx="{x:.1f}" cy="{y:.1f}" r="3.2"><title>{said}</title></circle>\n')
    return _drawing("predictions beside the truth", LEFT + SIDE + RIGHT, TOP + SIDE + BOTTOM, "".join(parts), theme)


def residuals(truth: NDArray[Any], answers: NDArray[Any], theme: str) -> Drawing:
    """Each row as a point: the prediction to the right, and by how much it is too large upwards."""
    errors = answers - truth
    across, largest = round_ticks(float(answers.min()), float(answers.max())), float(np.abs(errors).max())
    up = round_ticks(-largest, largest)
    xs, ys = (across[0], across[-1]), (up[0], up[-1])
    parts = [_heading("residuals"), _axes(across, up, "predicted", "predicted less true")]
    (x0, y0), (x1, y1) = _at(xs[0], 0.0, xs, ys), _at(xs[1], 0.0, xs, ys)
    parts.append(f'<path class="diagonal" d="M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}"/>\n')
    for row in _some(len(truth)):
        x, y = _at(float(answers[row]), float(errors[row]), xs, ys)
        said = markup(f"predicted {rounded(answers[row])}, off by {rounded(errors[row], 3)}")
        parts.append(f'<circle class="point f1" cx="{x:.1f}" cy="{y:.1f}" r="3.2"><title>{said}</title></circle>\n')
    return _drawing("residuals", LEFT + SIDE + RIGHT, TOP + SIDE + BOTTOM, "".join(parts), theme)


def mapped(
    field: Plane, points: Sequence[NDArray[Any]], truth: NDArray[Any], classes: Sequence[Any], name: str, theme: str
) -> Drawing:
    """What the model says everywhere, with the rows as marks of the class that is true."""
    if len(field.names) == 1:
        return _curve(field, points[0], truth, name, theme)
    xs, ys = field.spans
    parts = [_heading("what it says where")]
    hatched = []
    rows, columns = field.answers.shape
    wide, high = SIDE / columns, SIDE / rows
    surplus = (field.sureness - 1 / len(classes)) / (1 - 1 / len(classes))
    shades = np.round(np.clip(surplus, 0.0, 1.0) * SHADES).astype(int)
    for i in range(rows):
        y, start = TOP + SIDE - (i + 1) * high, 0
        hatched.append(hatching(field.answers[i].tolist(), i, LEFT, y, wide, high))
        for j in range(1, columns + 1):  # cells of the same tint side by side are one rectangle
            if j < columns and (field.answers[i, j], shades[i, j]) == (field.answers[i, start], shades[i, start]):
                continue
            parts.append(
                f'<rect class="field g{int(field.answers[i, start]) % COLOURS}{shades[i, start]}" '
                f'x="{LEFT + start * wide:.1f}" y="{y:.1f}" width="{(j - start) * wide:.1f}" height="{high:.1f}"/>\n'
            )
            start = j
    parts += hatched
    inner = [[tick for tick in round_ticks(*span) if span[0] <= tick <= span[1]] for span in (xs, ys)]
    parts.append(_axes(inner[0], inner[1], clean(field.names[0]), clean(field.names[1]), xs, ys))
    for row in _some(len(truth)):
        x, y = _at(float(points[0][row]), float(points[1][row]), xs, ys)
        if np.isfinite([x, y]).all():
            parts.append(_mark(int(truth[row]), x, y, 0.66, clean(classes[int(truth[row])])))
    for place, one in enumerate(classes):
        y = TOP + SIDE + BOTTOM + place * LEGEND
        swatch = hatching([place] * 5, 0, LEFT, y - 9, 5.7, 10.0), f"field g{place % COLOURS}{SHADES}"
        parts.append(
            f'<rect class="{swatch[1]}" x="{LEFT:.1f}" y="{y - 9:.1f}" width="28.5" height="10"/>{swatch[0]}'
            f"{_mark(place, LEFT + 44, y - 4, 0.9)}"
            f'<text x="{LEFT + 58:.1f}" y="{y:.1f}">{markup(shortened(clean(one), SIDE - 60, 13))}</text>\n'
        )
    height = TOP + SIDE + BOTTOM + LEGEND * len(classes)
    return _drawing("what the model says where", LEFT + SIDE + RIGHT, height, "".join(parts), theme)


def _mark(label: int, x: float, y: float, size: float, said: str = "") -> str:
    """The mark of a class, which has a shape and a colour."""
    title = f"<title>{markup(said)}</title>" if said else ""
    place = f'transform="translate({x:.1f} {y:.1f}) scale({size})"'
    return f'<path class="point f{label % COLOURS}" {place} d="{SHAPES[label % len(SHAPES)]}">{title}</path>\n'


def _curve(field: Plane, points: NDArray[Any], truth: NDArray[Any], name: str, theme: str) -> Drawing:
    (low, high), reached = field.spans[0], np.concatenate([field.answers, truth])
    ticks = round_ticks(float(reached.min()), float(reached.max()))
    ys = (ticks[0], ticks[-1])
    across = [tick for tick in round_ticks(low, high) if low <= tick <= high]
    parts = [_heading("what it says where"), _axes(across, ticks, clean(field.names[0]), name, (low, high), ys)]
    for row in _some(len(truth)):
        x, y = _at(float(points[row]), float(truth[row]), (low, high), ys)
        if np.isfinite(x):
            parts.append(f'<circle class="point f1" cx="{x:.1f}" cy="{y:.1f}" r="3.2"/>\n')
    steps = np.linspace(low, high, len(field.answers)).tolist()
    line = "L".join([f"{x:.1f} {y:.1f}" for x, y in (_at(a, b, (low, high), ys) for a, b in zip(steps, field.answers))])
    parts.append(f'<path class="answer" d="M{line}"/>\n')
    return _drawing("what the model says where", LEFT + SIDE + RIGHT, TOP + SIDE + BOTTOM, "".join(parts), theme)


def _heading(words: str) -> str:
    return f'<text class="heading" x="{LEFT:.0f}" y="22">{words}</text>\n'


def _at(x: float, y: float, xs: tuple[float, float], ys: tuple[float, float]) -> tuple[float, float]:
    across, up = (x - xs[0]) / (xs[1] - xs[0]), (y - ys[0]) / (ys[1] - ys[0])
    return LEFT + SIDE * across, TOP + SIDE * (1 - up)


def _axes(
    across: Sequence[float],
    up: Sequence[float],
    below: str,
    beside: str,
    xs: tuple[float, float] | None = None,
    ys: tuple[float, float] | None = None,
) -> str:
    xs, ys = xs or (across[0], across[-1]), ys or (up[0], up[-1])
    parts = [f'<rect class="frame" x="{LEFT:.1f}" y="{TOP:.1f}" width="{SIDE:.1f}" height="{SIDE:.1f}"/>\n']
    for tick in _apart(across):
        x, _ = _at(tick, ys[0], xs, ys)
        parts.append(f'<text class="tick middle" x="{x:.1f}" y="{TOP + SIDE + 17:.1f}">{rounded(tick)}</text>\n')
    for tick in up:
        _, y = _at(xs[0], tick, xs, ys)
        parts.append(f'<text class="tick end" x="{LEFT - 7:.1f}" y="{y + 4:.1f}">{rounded(tick)}</text>\n')
    middle = LEFT + SIDE / 2
    parts.append(f'<text class="middle" x="{middle:.1f}" y="{TOP + SIDE + 36:.1f}">'
                 f"{markup(shortened(clean(below), SIDE, 13))}</text>\n")  # fmt: skip
    parts.append(f'<text class="middle" transform="translate(16,{TOP + SIDE / 2:.1f}) rotate(-90)">'
                 f"{markup(shortened(clean(beside), SIDE, 13))}</text>\n")  # fmt: skip
    return "".join(parts)


def _apart(ticks: Sequence[float]) -> Sequence[float]:
    """Every tick, or every second one and so on, so that their numbers do not touch."""
    widest = max([text_width(rounded(tick), 13) for tick in ticks]) + 10
    every = math.ceil(widest * (len(ticks) - 1) / SIDE)
    return ticks[:: max(every, 1)]


def _some(count: int) -> list[int]:
    """Rows that are drawn: all of them, or as many as can be told apart, spread evenly."""
    rows: list[int] = np.unique(np.linspace(0, count - 1, min(count, MOST_POINTS)).astype(int)).tolist()
    return rows


def _drawing(title: str, width: float, height: float, parts: str, theme: str) -> Drawing:
    body = f'<rect class="paper" width="{width:.0f}" height="{height:.0f}" rx="10"/>\n{parts}'
    name = drawing_id(theme + body)
    return Drawing(
        svg_document(name, width, height, title, themed_rules(name, theme, _rules), body), width, height, title
    )


def _rules(theme: Theme) -> dict[str, str]:
    colours = [theme.above_ink, theme.below_ink, theme.receiver, theme.giver, theme.odd, theme.faint_ink]
    rules = {
        ".paper": f"fill:{theme.paper}",
        "text": f"font:13px system-ui,'Segoe UI','Noto Sans','DejaVu Sans',sans-serif;fill:{theme.soft_ink}",
        ".heading": f"font-size:15px;font-weight:700;fill:{theme.ink}",
        ".count": f"fill:{theme.ink};font-weight:700",
        ".end": "text-anchor:end",
        ".middle": "text-anchor:middle",
        ".cell": f"stroke:{theme.box_line}",
        ".frame": f"fill:none;stroke:{theme.box_line}",
        ".diagonal": f"fill:none;stroke:{theme.line};stroke-dasharray:5 4",
        ".answer": f"fill:none;stroke:{theme.above_ink};stroke-width:2.4px",
        ".field": "shape-rendering:crispEdges",
        ".hatch": f"fill:none;stroke:{theme.soft_ink};stroke-width:.7px;stroke-opacity:.55",
        ".point": f"stroke:{theme.paper};stroke-width:1px",
    }
    for shade in range(-STEPS, STEPS + 1):
        strongest = theme.tint_above if shade > 0 else theme.tint_below
        colour = mixed(colour_of(theme.paper), strongest, abs(shade), STEPS)
        rules[f".{shade_class(shade)}"] = f"fill:{colour}"
    for index, colour in enumerate(colours):
        rules[f".f{index}"] = f"fill:{colour}"
        for shade in range(SHADES + 1):
            rules[f".g{index}{shade}"] = (
                f"fill:{mixed(colour_of(theme.paper), colour_of(colour), 1 + shade, 3 * SHADES)}"
            )
    return rules
