"""The edges of a drawing, as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from ..common.colours import shade_class
from ..common.svg import Point
from ..common.text import markup
from .placing import Return
from .scene import Edge

ARROW = 10.0  # length of an arrow's tip
CORNER = 8.0  # radius
BEFORE_TIP = 24.0  # where an edge that has come back turns to its card


def edge_svg(number: int, edge: Edge, stops: Sequence[Point], shade: int, returns: Sequence[Return | None]) -> str:
    """One edge through its stops: in turn a curve between two columns and a straight line through a column.

    Where the next column stands in the next line, `returns` has the way to it; else it has None for each curve.
    """
    tip_x, tip_y = stops[-1]
    path = f"M{stops[0][0]:.1f} {stops[0][1]:.1f}"
    for index, ((x, y), (to_x, to_y)) in enumerate(pairwise([*stops[:-1], (tip_x - ARROW * 0.7, tip_y)])):
        back = None if index % 2 else returns[index // 2]
        if index % 2:
            path += f"H{to_x:.1f}"
        elif back:
            path += _way_back(back, to_x, to_y)
        else:
            middle = (x + to_x) / 2
            path += f"C{middle:.1f} {y:.1f} {middle:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"
    high = 4.0 + 0.25 * abs(shade)
    tip = f"M{tip_x:.1f} {tip_y:.1f}l{-ARROW:.0f} {-high:.2f}v{2 * high:.1f}z"
    closed = "" if edge.is_open else " closed"
    kind = shade_class(shade) if math.isfinite(edge.passed) else "odd"
    return (
        f'<g class="edge {kind}{closed}" data-edge="{number}" data-ends="{edge.start} {edge.end}">'
        f"<title>{markup(edge.detail)}</title>"
        f'<path class="line" d="{path}"/><path class="tip" d="{tip}"/></g>\n'
    )


def _way_back(back: Return, x: float, y: float) -> str:
    """To the right, down, to the left, down, and to the right again, around corners."""
    r, tip, y = CORNER, (x, y), y + back.aside
    x -= BEFORE_TIP if back.aside else 0.0
    curve = f"C{x + 12:.1f} {y:.1f} {x + 12:.1f} {tip[1]:.1f} {tip[0]:.1f} {tip[1]:.1f}" if back.aside else ""
    return (
        f"H{back.right - r:.1f}q{r:.0f} 0 {r:.0f} {r:.0f}V{back.below - r:.1f}q0 {r:.0f} {-r:.0f} {r:.0f}"
        f"H{back.left + r:.1f}q{-r:.0f} 0 {-r:.0f} {r:.0f}V{y - r:.1f}q0 {r:.0f} {r:.0f} {r:.0f}H{x:.1f}{curve}"
    )
