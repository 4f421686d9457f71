"""curves(): how the loss and the metrics went over the epochs."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..common.colours import DARK, LIGHT, THEMES, Theme
from ..common.page import page
from ..common.picture import Drawing
from ..common.text import clean, fit, markup, short
from ..graph.layout.placing import spread
from ..stepper.stepping import Page

PANEL, HEIGHT = 480.0, 330.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 96.0, 52.0, 48.0
SERIES_COLOURS = 6
MOST_POINTS = 2000  # of one line; a screen has no more columns
FOOT_HEIGHT = 110.0
LABEL_HEIGHT = 34.0

Point = tuple[float, float]


class History(Protocol):
    """What curves() reads of a training history."""

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
    """One line; `colour` counts the colours of the theme."""

    name: str
    numbers: tuple[float, ...]
    colour: int


def curves(history: History, *, theme: str = "auto") -> Page:
    """The losses over the epochs and, if there are any, the metrics beside them.

    Errors: ValueError for a history without epochs, or with a list that is longer than its epochs.
    """
    epochs = list(history.epochs)
    if not epochs:
        raise ValueError("there is nothing to draw: the history has no epochs")
    losses = _series({"train": history.train_loss, "test": history.test_loss}, len(epochs))
    metrics = _series(history.metrics, len(epochs))
    panels = [("loss", losses)] if losses else []
    if metrics:
        both = all("accuracy" in series.name for series in metrics)
        panels.append(("accuracy" if both else "metrics", _without_common_word(metrics) if both else metrics))
    picture = _picture(epochs, panels, theme)
    data: dict[str, Any] = {
        "epochs": epochs,
        "lines": [_line(place, [*losses, *metrics], len(losses)) for place in range(len(epochs))],
        "x": [round(_across(epoch, epochs), 1) for epoch in epochs],
        "panel": PANEL,
    }
    body = (
        f'<main class="drawing">{picture.shrinking_svg}</main>\n'
        '<section class="foot"><div class="controls"><input type="range" id="slider" min="0" max="0" value="0" '
        'step="1" aria-label="epoch"><output id="counter" for="slider"></output></div>'
        f'<p class="numbers" id="numbers" aria-live="polite">{markup(data["lines"][-1])}</p></section>'
    )
    return Page(page(picture.title, body, data, "plots", "curves", theme), picture, FOOT_HEIGHT)


def _series(lists: Mapping[str, Sequence[float]], count: int) -> list[Series]:
    found: list[Series] = []
    for name, numbers in lists.items():
        if len(numbers) > count:
            raise ValueError(f"{clean(name)} has {len(numbers)} numbers for {count} epochs")
        if len(numbers):
            colour = 1 if "test" in name else 0 if "train" in name else (2 + len(found)) % SERIES_COLOURS
            found.append(Series(clean(name), tuple([float(number) for number in numbers]), colour))
    return found


def _without_common_word(metrics: Sequence[Series]) -> list[Series]:
    """ "train accuracy" under the heading "accuracy" is "train"."""
    return [Series(one.name.replace("accuracy", "").strip() or one.name, one.numbers, one.colour) for one in metrics]


def _line(place: int, series: Sequence[Series], losses: int) -> str:
    parts = []
    for index, one in enumerate(series):
        if place < len(one.numbers):
            name = f"{one.name} loss" if index < losses else one.name
            parts.append(f"{name} {short(one.numbers[place])}")
    return " · ".join(parts)


def _across(epoch: int, epochs: Sequence[int]) -> float:
    first, last = min(epochs), max(epochs)
    return LEFT + (PANEL - LEFT - RIGHT) * ((epoch - first) / (last - first) if last > first else 0.5)


def round_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers from `low` to `high` or a little outside: steps of 1, 2 or 5 times a power of ten.

    >>> round_ticks(0.0, 1.13)
    [0.0, 0.5, 1.0, 1.5]
    >>> round_ticks(3.0, 3.0)
    [2.0, 2.5, 3.0, 3.5, 4.0]
    """
    if not high > low:
        low, high = low - (abs(low) * 0.1 or 1.0) if abs(low) > 10 else low - 1.0, low + max(abs(low) * 0.1, 1.0)
    size = high / most - low / most
    exponent = int(f"{size:e}".partition("e")[2])  # log10 may differ in the last bit between machines
    for factor in (1, 2, 5, 10):
        step = factor * float(f"1e{exponent}")
        if step >= size:
            break
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    decimals = max(0, -exponent)
    return [round(index * step, decimals) for index in range(first, last + 1)]


def _epoch_ticks(first: int, last: int) -> list[int]:
    """The first epoch and the round ones after it."""
    round_ones = [int(tick) for tick in round_ticks(first, last) if tick == int(tick) and tick <= last]
    apart = (last - first) / 12
    return [first, *[epoch for epoch in dict.fromkeys(round_ones) if epoch > first + apart]]


def _picture(epochs: Sequence[int], panels: Sequence[tuple[str, Sequence[Series]]], theme: str) -> Drawing:
    if theme not in THEMES:
        raise ValueError(f"theme {theme!r}: there are {', '.join(THEMES)}")
    across = PANEL * max(len(panels), 1)
    body = f'<rect class="paper" width="{across:.0f}" height="{HEIGHT:.0f}" rx="10"/>\n'
    for place, (heading, series) in enumerate(panels):
        body += f'<g transform="translate({place * PANEL:.0f},0)">\n{_panel(heading, series, epochs)}</g>\n'
    name = "cr-" + hashlib.sha256(f"{theme}{body}".encode()).hexdigest()[:10]
    style = _style(name, DARK if theme == "dark" else LIGHT)
    if theme == "auto":
        style += f"@media (prefers-color-scheme:dark){{\n{_style(name, DARK)}}}\n"
    title = f"training, epochs {min(epochs)} to {max(epochs)}"
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{name}" viewBox="0 0 {across:.0f} {HEIGHT:.0f}" '
        f'width="{across:.0f}" height="{HEIGHT:.0f}" role="img" aria-label="{title}">\n'
        f"<style>\n{style}</style>\n{body}</svg>\n"
    )
    return Drawing(svg, across, HEIGHT, title)


def _panel(heading: str, series: Sequence[Series], epochs: Sequence[int]) -> str:
    finite = [number for one in series for number in one.numbers if math.isfinite(number)]
    if heading == "loss":
        finite.append(0.0)
    ticks = round_ticks(min(finite, default=0.0), max(finite, default=1.0))
    down = HEIGHT - BOTTOM

    scale = max(abs(ticks[0]), abs(ticks[-1]))  # the largest numbers would overflow without it
    low, high = ticks[0] / scale, ticks[-1] / scale

    def height(number: float) -> float:
        return down - (down - TOP) * ((number / scale - low) / (high - low))

    parts = [f'<text class="heading" x="{LEFT:.0f}" y="28">{markup(heading)}</text>\n']
    for tick in ticks:
        y = height(tick)
        parts.append(f'<path class="grid" d="M{LEFT:.1f} {y:.1f}H{PANEL - RIGHT:.1f}"/>'
                     f'<text class="tick end" x="{LEFT - 8:.1f}" y="{y + 4:.1f}">{short(tick)}</text>\n')
    for epoch in _epoch_ticks(min(epochs), max(epochs)):
        x = _across(epoch, epochs)
        parts.append(f'<text class="tick middle" x="{x:.1f}" y="{down + 20:.1f}">{epoch}</text>\n')
    parts.append(f'<text class="tick middle" x="{(LEFT + PANEL - RIGHT) / 2:.1f}" y="{down + 40:.1f}">epoch</text>\n')
    parts.append(f'<path class="cursor grid" visibility="hidden" d="M0 {TOP:.1f}V{down:.1f}"/>\n')
    ends: list[tuple[float, Series]] = []
    for one in series:
        points = [(_across(epoch, epochs), height(number)) if math.isfinite(number) else None
                  for epoch, number in zip(epochs, one.numbers)]
        parts.append(_curve(points, one))
        reached = [point for point in points if point is not None]
        if reached:
            ends.append((reached[-1][1], one))
    return "".join(parts) + _end_labels(ends)


def _curve(points: Sequence[Point | None], series: Series) -> str:
    """One line, broken where a number is not finite; a point without neighbours is a dot."""
    runs: list[list[Point]] = [[]]
    every = max(1, len(points) // MOST_POINTS)
    for index, point in enumerate(points):
        if point is None:
            runs.append([])
        elif index % every == 0 or index == len(points) - 1:
            runs[-1].append(point)
    lines = ["M" + "L".join([f"{x:.1f} {y:.1f}" for x, y in run]) for run in runs if len(run) > 1]
    dots = [f'<circle class="t{series.colour}" cx="{run[0][0]:.1f}" cy="{run[0][1]:.1f}" r="3.5"/>'
            for run in runs if len(run) == 1]
    line = f'<path class="curve c{series.colour}" d="{"".join(lines)}"/>' if lines else ""
    return f"<g><title>{markup(series.name)}</title>{line}{''.join(dots)}</g>\n"


def _end_labels(ends: Sequence[tuple[float, Series]]) -> str:
    """Each line's name and last number at its end, moved apart where they would touch."""
    ordered = sorted(ends, key=lambda end: end[0])
    heights = spread([y for y, _ in ordered], [1.0] * len(ordered), [LABEL_HEIGHT] * (len(ordered) - 1))
    lift = max(0.0, heights[-1] + 20.0 - (HEIGHT - BOTTOM)) if heights else 0.0
    x = PANEL - RIGHT + 8
    parts = []
    for y, (_, one) in zip(heights, ordered):
        name = markup(fit(one.name, RIGHT - 12, 13, bold=True))
        parts.append(f'<text class="end-label t{one.colour}" x="{x:.1f}" y="{y - lift:.1f}">{name}</text>'
                     f'<text class="tick" x="{x:.1f}" y="{y - lift + 15:.1f}">{short(one.numbers[-1])}</text>\n')
    return "".join(parts)


def _style(name: str, theme: Theme) -> str:
    lines = [theme.above_ink, theme.below_ink, theme.receiver, theme.giver, theme.ink, theme.soft_ink]
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
    for index, colour in enumerate(lines):
        rules[f".c{index}"] = f"stroke:{colour}"
        rules[f".t{index}"] = f"fill:{colour}"
    return "".join([f"#{name} {selector}{{{rule}}}\n" for selector, rule in rules.items()])
