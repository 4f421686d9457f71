"""curves(): the loss and the metrics of a training over its epochs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..common.choices import check_choice
from ..common.colours import THEMES, Theme
from ..common.page import page_html
from ..common.picture import Drawing, Page
from ..common.spacing import spread
from ..common.svg import Point, drawing_id, svg_document, themed_rules
from ..common.text import clean, markup, short, shortened
from .ticks import epoch_ticks, round_ticks

PANEL, HEIGHT = 480.0, 330.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 96.0, 52.0, 48.0
SERIES_COLOURS = 6
MOST_POINTS = 2000  # of one curve; a screen has no more columns of pixels
FOOT_HEIGHT = 110.0
LABEL_HEIGHT = 34.0


class HistoryLike(Protocol):
    """What curves() reads of a training history, such as the one that fit() returns."""

    @property
    def epochs(self) -> Sequence[int]: ...
    @property
    def train_loss(self) -> Sequence[float]: ...
    @property
    def test_loss(self) -> Sequence[float]: ...
    @property
    def metrics(self) -> Mapping[str, Sequence[float]]: ...


@dataclass(frozen=True)
class Series:
    """The numbers of one curve; `colour` is the number of one of the theme's colours."""

    name: str
    numbers: tuple[float, ...]
    colour: int


def curves(history: HistoryLike, *, theme: str = "auto") -> Page:
    """A page with the losses over the epochs and, if there are any, the metrics beside them.

    `theme` is "light", "dark" or "auto": as the reader's system has it.

    Errors: ValueError for a history without epochs, for a list that is longer than its epochs, for an unknown theme.

    >>> from chainrule import History
    >>> history = History()
    >>> history.epochs, history.train_loss = [1, 2], [0.5, 0.25]
    >>> curves(history)
    <Page: training, epochs 1 to 2>
    """
    check_choice("theme", theme, THEMES)
    epochs = list(history.epochs)
    if not epochs:
        raise ValueError("there is nothing to draw: the history has no epochs")
    losses = _series({"train": history.train_loss, "test": history.test_loss}, len(epochs))
    metrics = _series(history.metrics, len(epochs))
    panels = [("loss", losses)] if losses else []
    if metrics:
        are_accuracies = all("accuracy" in series.name for series in metrics)
        panels.append(("accuracy", _without_common_word(metrics)) if are_accuracies else ("metrics", metrics))
    picture = _picture(epochs, panels, theme)
    data: dict[str, Any] = {
        "epochs": epochs,
        "lines": [_numbers_text(index, [*losses, *metrics], len(losses)) for index in range(len(epochs))],
        "x": [round(x, 1) for x in _across(epochs)],
        "panel": PANEL,
    }
    body = (
        '<section class="foot"><div class="controls"><input type="range" id="slider" min="0" max="0" value="0" '
        'step="1" aria-label="epoch"><output id="counter" for="slider"></output></div>'
        f'<p class="numbers" id="numbers" aria-live="polite">{markup(data["lines"][-1])}</p></section>\n' + picture.view
    )
    html = page_html(picture.title, body, data, "plots", "curves", theme, shape=(picture.width, picture.height))
    return Page(html, picture, FOOT_HEIGHT)


def _series(lists: Mapping[str, Sequence[float]], count: int) -> list[Series]:
    found: list[Series] = []
    for name, numbers in lists.items():
        if len(numbers) > count:
            raise ValueError(
                f"{clean(name)} has {len(numbers)} numbers for {count} epochs; give at most one number for each epoch"
            )
        if len(numbers):
            colour = 1 if "test" in name else 0 if "train" in name else (2 + len(found)) % SERIES_COLOURS
            found.append(Series(clean(name), tuple([float(number) for number in numbers]), colour))
    return found


def _without_common_word(metrics: Sequence[Series]) -> list[Series]:
    """The series with shorter names: under the heading "accuracy", "train accuracy" is "train"."""
    return [Series(one.name.replace("accuracy", "").strip() or one.name, one.numbers, one.colour) for one in metrics]


def _numbers_text(index: int, series: Sequence[Series], losses: int) -> str:
    """The numbers of the epoch at that index, with their names; the first `losses` series are losses."""
    parts = []
    for number, one in enumerate(series):
        if index < len(one.numbers):
            name = f"{one.name} loss" if number < losses else one.name
            parts.append(f"{name} {short(one.numbers[index])}")
    return " · ".join(parts)


def _across(epochs: Sequence[int], wanted: Sequence[int] | None = None) -> list[float]:
    """How far to the right each of the wanted epochs stands; each of all, if none are named."""
    first, last = min(epochs), max(epochs)
    room = PANEL - LEFT - RIGHT
    return [
        LEFT + room * ((epoch - first) / (last - first) if last > first else 0.5)
        for epoch in (epochs if wanted is None else wanted)
    ]


def _picture(epochs: Sequence[int], panels: Sequence[tuple[str, Sequence[Series]]], theme: str) -> Drawing:
    across = PANEL * max(len(panels), 1)
    body = f'<rect class="paper" width="{across:.0f}" height="{HEIGHT:.0f}" rx="10"/>\n'
    for index, (heading, series) in enumerate(panels):
        body += f'<g transform="translate({index * PANEL:.0f},0)">\n{_panel(heading, series, epochs)}</g>\n'
    name = drawing_id(theme + body)
    title = f"training, epochs {min(epochs)} to {max(epochs)}"
    svg = svg_document(name, across, HEIGHT, title, themed_rules(name, theme, _rules), body)
    return Drawing(svg, across, HEIGHT, title, theme)


def _panel(heading: str, series: Sequence[Series], epochs: Sequence[int]) -> str:
    finite = [number for one in series for number in one.numbers if math.isfinite(number)]
    if heading == "loss":
        finite.append(0.0)
    ticks = round_ticks(min(finite, default=0.0), max(finite, default=1.0))
    down = HEIGHT - BOTTOM

    scale = max(abs(ticks[0]), abs(ticks[-1]))  # without it, the largest numbers would overflow
    low, high = ticks[0] / scale, ticks[-1] / scale

    def height(number: float) -> float:
        return down - (down - TOP) * ((number / scale - low) / (high - low))

    parts = [f'<text class="heading" x="{LEFT:.0f}" y="28">{markup(heading)}</text>\n']
    for tick in ticks:
        y = height(tick)
        parts.append(
            f'<path class="grid" d="M{LEFT:.1f} {y:.1f}H{PANEL - RIGHT:.1f}"/>'
            f'<text class="tick end" x="{LEFT - 8:.1f}" y="{y + 4:.1f}">{short(tick)}</text>\n'
        )
    marked = epoch_ticks(min(epochs), max(epochs))
    for epoch, x in zip(marked, _across(epochs, marked)):
        parts.append(f'<text class="tick middle" x="{x:.1f}" y="{down + 20:.1f}">{epoch}</text>\n')
    parts.append(f'<text class="tick middle" x="{(LEFT + PANEL - RIGHT) / 2:.1f}" y="{down + 40:.1f}">epoch</text>\n')
    parts.append(f'<path class="cursor grid" visibility="hidden" d="M0 {TOP:.1f}V{down:.1f}"/>\n')
    ends: list[tuple[float, Series]] = []
    across = _across(epochs)
    for one in series:
        points = [(x, height(number)) if math.isfinite(number) else None for x, number in zip(across, one.numbers)]
        parts.append(_curve(points, one))
        reached = [point for point in points if point is not None]
        if reached:
            ends.append((reached[-1][1], one))
    return "".join(parts) + _end_labels(ends)


def _curve(points: Sequence[Point | None], series: Series) -> str:
    """One curve, interrupted where a number is not finite; a point without neighbours is drawn as a dot."""
    runs: list[list[Point]] = [[]]
    every = max(1, len(points) // MOST_POINTS)
    for index, point in enumerate(points):
        if point is None:
            runs.append([])
        elif index % every == 0 or index == len(points) - 1:
            runs[-1].append(point)
    lines = ["M" + "L".join([f"{x:.1f} {y:.1f}" for x, y in run]) for run in runs if len(run) > 1]
    dots = [
        f'<circle class="t{series.colour}" cx="{run[0][0]:.1f}" cy="{run[0][1]:.1f}" r="3.5"/>'
        for run in runs
        if len(run) == 1
    ]
    line = f'<path class="curve c{series.colour}" d="{"".join(lines)}"/>' if lines else ""
    return f"<g><title>{markup(series.name)}</title>{line}{''.join(dots)}</g>\n"


def _end_labels(ends: Sequence[tuple[float, Series]]) -> str:
    """The name and the last number of each curve at its end, moved apart where they would touch."""
    ordered = sorted(ends, key=lambda end: end[0])
    heights = spread([y for y, _ in ordered], [1.0] * len(ordered), [LABEL_HEIGHT] * (len(ordered) - 1))
    lift = max(0.0, heights[-1] + 20.0 - (HEIGHT - BOTTOM)) if heights else 0.0
    x = PANEL - RIGHT + 8
    parts = []
    for y, (_, one) in zip(heights, ordered):
        name = markup(shortened(one.name, RIGHT - 12, 13, bold=True))
        parts.append(
            f'<text class="end-label t{one.colour}" x="{x:.1f}" y="{y - lift:.1f}">{name}</text>'
            f'<text class="tick" x="{x:.1f}" y="{y - lift + 15:.1f}">{short(one.numbers[-1])}</text>\n'
        )
    return "".join(parts)


def _rules(theme: Theme) -> dict[str, str]:
    """The style rules of the plot, by selector."""
    curve_colours = [theme.above_ink, theme.below_ink, theme.receiver, theme.giver, theme.ink, theme.soft_ink]
    rules = {
        ".paper": f"fill:{theme.paper}",
        "text": f"font:13px system-ui,'Segoe UI','Noto Sans','DejaVu Sans',sans-serif;fill:{theme.soft_ink}",
        ".heading": f"font-size:15px;font-weight:700;fill:{theme.ink}",
        ".end-label": "font-weight:700",
        ".end": "text-anchor:end",
        ".middle": "text-anchor:middle",
        ".grid": f"stroke:{theme.box_line};stroke-width:1px",
        ".cursor": f"stroke:{theme.receiver};stroke-width:1.5px",
        ".curve": "fill:none;stroke-width:2.2px;stroke-linejoin:round;stroke-linecap:round",
    }
    for index, colour in enumerate(curve_colours):
        rules[f".c{index}"] = f"stroke:{colour}"
        rules[f".t{index}"] = f"fill:{colour}"
    return rules
