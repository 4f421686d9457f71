"""The edges of a drawing, as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from ..common.colours import shade_class
from ..common.svg import Point
from ..common.text import markup
from .scene import Edge

ARROW = 10.0  # length of an arrow's tip


def edge_svg(number: int, edge: Edge, stops: Sequence[Point], shade: int) -> str:
    """One edge through its stops: in turn a curve between two columns and a straight line through a column."""
    tip_x, tip_y = stops[-1]
    path = f"M{stops[0][0]:.1f} {stops[0][1]:.1f}"
    for index, ((x, y), (to_x, to_y)) in enumerate(pairwise([*stops[:-1], (tip_x - ARROW * 0.7, tip_y)])):
        middle = (x + to_x) / 2
        curve = f"C{middle:.1f} {y:.1f} {middle:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"
        path += f"H{to_x:.1f}" if index % 2 else curve
    high = 4.0 + 0.25 * abs(shade)
    tip = f"M{tip_x:.1f} {tip_y:.1f}l{-ARROW:.1f} {-high:.1f}v{2 * high:.1f}z"
    closed = "" if edge.is_open else " closed"
    kind = shade_class(shade) if math.isfinite(edge.passed) else "odd"
    return (
        f'<g class="edge {kind}{closed}" data-edge="{number}" data-ends="{edge.start} {edge.end}">'
        f"<title>{markup(edge.detail)}</title>"
        f'<path class="line" d="{path}"/><path class="tip" d="{tip}"/></g>\n'
    )
