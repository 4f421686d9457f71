"""One panel of curves(): axes, curves, what stands out, and the names at the ends of the curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..common.colours import Theme
from ..common.spacing import spread
from ..common.svg import Point
from ..common.text import markup, short, shortened
from ..common.ticks import epoch_ticks
from .axes import Axis, axis_for
from .runs import Mark, Series, finite_numbers

PANEL, HEIGHT = 400.0, 352.0  # two of them fit a window of 700 pixels with texts of 11
LEFT, RIGHT, TOP, BOTTOM = 64.0, 100.0, 74.0, 48.0
DOWN = HEIGHT - BOTTOM
MOST_POINTS = 2000  # of one curve; a screen has no more columns of pixels
LABEL_HEIGHT, NAME_HEIGHT = 34.0, 15.0  # of a name with its number, and alone
SAMPLE = 18.0  # length of the piece of its curve before a name, where colours are used again


@dataclass(frozen=True)
class Panel:
    """One panel: its curves, and how they are drawn."""

    heading: str
    series: Sequence[Series]
    is_log: bool
    may_be_log: bool
    with_zero: bool = False
    best: Sequence[Mark] = field(default_factory=tuple)
    diverged: Sequence[Mark] = field(default_factory=tuple)


def across(epochs: Sequence[int], wanted: Sequence[int]) -> list[float]:
    """How far to the right each of the wanted epochs stands; `epochs` are all."""
    first, last = min(epochs), max(epochs)
    room = PANEL - LEFT - RIGHT
    return [LEFT + room * ((epoch - first) / (last - first) if last > first else 0.5) for epoch in wanted]


def panel_svg(panel: Panel, epochs: Sequence[int]) -> str:
    """The panel as SVG; where there are two axes to choose from, the other one is there, too, and hidden."""
    parts = [f'<text class="heading" x="{LEFT:.0f}" y="28">{markup(panel.heading)}</text>\n']
    marked = epoch_ticks(min(epochs), max(epochs))
    for epoch, x in zip(marked, across(epochs, marked)):
        parts.append(f'<text class="tick middle" x="{x:.1f}" y="{DOWN + 20:.1f}">{epoch}</text>\n')
    parts.append(f'<text class="tick middle" x="{(LEFT + PANEL - RIGHT) / 2:.1f}" y="{DOWN + 40:.1f}">epoch</text>\n')
    parts.append(f'<path class="cursor grid" visibility="hidden" d="M0 {TOP:.1f}V{DOWN:.1f}"/>\n')
    parts += _told(panel)
    parts += _divergences(panel.diverged, epochs)
    parts.append(_scaled(panel, epochs, panel.is_log))
    if panel.may_be_log:
        parts.append(_scaled(panel, epochs, not panel.is_log).replace("<g ", '<g display="none" ', 1))
    return "".join(parts)


def _told(panel: Panel) -> list[str]:
    """A line below the heading that names what stands out: the best epoch, or where a training diverged."""
    best = [f"{f'{mark.run} ' if mark.run else ''}epoch {mark.epoch}" for mark in panel.best]
    worst = [f"{f'{mark.run} ' if mark.run else ''}diverged at epoch {mark.epoch}" for mark in panel.diverged]
    parts, y, room = [], 50.0, PANEL - LEFT - 8
    if worst:
        text = markup(shortened(", ".join(worst), room, 13, bold=True))
        parts.append(f'<text class="diverged" x="{LEFT:.1f}" y="{y:.1f}">{text}</text>\n')
        y += 16
    if best:
        what = f", {panel.best[0].kind} {short(panel.best[0].number)}" if len(best) == 1 else ""
        text = markup(shortened(f"best: {', '.join(best)}{what}", room - 14, 13))
        parts.append(f'<circle class="ring" cx="{LEFT + 5:.1f}" cy="{y - 4.5:.1f}" r="5"/>'
                     f'<text class="tick" x="{LEFT + 16:.1f}" y="{y:.1f}">{text}</text>\n')  # fmt: skip
    return parts


def _divergences(marks: Sequence[Mark], epochs: Sequence[int]) -> list[str]:
    places = across(epochs, [mark.epoch for mark in marks])
    return [f'<path class="fall" d="M{x:.1f} {TOP:.1f}V{DOWN:.1f}"><title>{markup(mark.kind)} diverged at epoch '
            f"{mark.epoch}: {short(mark.number)}</title></path>\n" for x, mark in zip(places, marks)]  # fmt: skip


def _scaled(panel: Panel, epochs: Sequence[int], is_log: bool) -> str:
    """What depends on the upright axis."""
    axis = axis_for(finite_numbers(panel.series), is_log, panel.with_zero)
    kind = f'data-scale="{"log" if is_log else "linear"}"' if panel.may_be_log else 'class="scale"'
    parts = [f"<g {kind}>\n"]
    for tick in axis.ticks:
        y = _height(axis, tick)
        parts.append(
            f'<path class="grid" d="M{LEFT:.1f} {y:.1f}H{PANEL - RIGHT:.1f}"/>'
            f'<text class="tick end" x="{LEFT - 8:.1f}" y="{y + 4:.1f}">{short(tick, 3)}</text>\n'
        )
    ends: list[tuple[float, Series]] = []
    for one in panel.series:
        places = across(epochs, one.epochs)
        points = [(x, _height(axis, n)) if math.isfinite(n) else None for x, n in zip(places, one.numbers)]
        parts.append(_curve(points, one))
        reached = [point for point in points if point is not None]
        if reached and not one.is_dashed:  # the whole line of the same colour has the name
            ends.append((reached[-1][1], one))
    for x, mark in zip(across(epochs, [mark.epoch for mark in panel.best]), panel.best):
        y = _height(axis, mark.number)
        told = f"{markup(mark.kind)} is lowest at epoch {mark.epoch}: {short(mark.number)}"
        parts.append(
            f'<circle class="ring c{mark.colour}" cx="{x:.1f}" cy="{y:.1f}" r="6"><title>{told}</title></circle>\n'
        )
    return "".join(parts) + _end_labels(ends) + "</g>\n"


def _height(axis: Axis, number: float) -> float:
    return DOWN - (DOWN - TOP) * axis.share(number)


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
    line = f'<path class="{_line_class(series)}" d="{"".join(lines)}"/>' if lines else ""
    return f"<g><title>{markup(series.full_name)}</title>{line}{''.join(dots)}</g>\n"


def _line_class(series: Series) -> str:
    return (
        f"curve c{series.colour}"
        + (" dashed" if series.is_dashed else "")
        + f" again{series.again}" * (series.again > 0)
    )


def _end_labels(ends: Sequence[tuple[float, Series]]) -> str:
    """The name and the last number of each curve at its end, moved apart where they would touch."""
    room = DOWN - TOP + NAME_HEIGHT
    most = int(room / NAME_HEIGHT)
    if len(ends) > most:  # of so many layers, the first and the last ones and some between them are named
        ends = [ends[place * (len(ends) - 1) // (most - 1)] for place in range(most)]
    ordered = sorted(ends, key=lambda end: end[0])
    high = min(LABEL_HEIGHT, room / max(len(ordered), 1))  # many layers have no room for their numbers
    has_numbers, has_samples = high == LABEL_HEIGHT, any(one.again for _, one in ordered)
    heights = spread([y for y, _ in ordered], [1.0] * len(ordered), [high] * (len(ordered) - 1))
    heights = [y + max(0.0, TOP - heights[0]) for y in heights]
    lift = max(0.0, heights[-1] + 20.0 * has_numbers - DOWN) if heights else 0.0
    x, aside = PANEL - RIGHT + 8, (SAMPLE + 6) * has_samples
    parts = []
    for y, (_, one) in zip(heights, ordered):
        name = markup(shortened(one.name, RIGHT - 12 - aside, 13, bold=True))
        if has_samples:
            parts.append(f'<path class="{_line_class(one)}" d="M{x:.1f} {y - lift - 4.5:.1f}h{SAMPLE:.0f}"/>')
        parts.append(f'<text class="end-label t{one.colour}" x="{x + aside:.1f}" y="{y - lift:.1f}">{name}</text>')
        if has_numbers:
            parts.append(f'<text class="tick" x="{x:.1f}" y="{y - lift + 15:.1f}">{short(one.numbers[-1])}</text>\n')
    return "".join(parts)


def rules(theme: Theme) -> dict[str, str]:
    """The style rules of the plot, by selector."""
    curve_colours = [theme.above_ink, theme.below_ink, theme.receiver, theme.giver, theme.ink, theme.soft_ink]
    found = {
        ".paper": f"fill:{theme.paper}",
        "text": f"font:13px system-ui,'Segoe UI','Noto Sans','DejaVu Sans',sans-serif;fill:{theme.soft_ink}",
        ".heading": f"font-size:15px;font-weight:700;fill:{theme.ink}",
        ".end-label": "font-weight:700",
        ".end": "text-anchor:end",
        ".middle": "text-anchor:middle",
        ".grid": f"stroke:{theme.box_line};stroke-width:1px",
        ".cursor": f"stroke:{theme.receiver};stroke-width:1.5px",
        ".curve": "fill:none;stroke-width:2.2px;stroke-linejoin:round;stroke-linecap:round",
        ".dashed": "stroke-dasharray:7 5",
        ".again1": "stroke-dasharray:7 3",
        ".again2": "stroke-dasharray:2 3",
        ".again3": "stroke-dasharray:8 2 2 2",
        ".ring": f"fill:none;stroke:{theme.ink};stroke-width:1.8px",
        ".fall": f"fill:none;stroke:{theme.odd};stroke-width:2px;stroke-dasharray:2 4",
        ".diverged": f"font-weight:700;fill:{theme.odd}",
    }
    for index, colour in enumerate(curve_colours):
        found[f".c{index}"] = f"stroke:{colour}"
        found[f".t{index}"] = f"fill:{colour}"
    return found
