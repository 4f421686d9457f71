"""The colours of both themes; gradients are orange below zero and blue above, which the colour-blind can tell apart."""

from __future__ import annotations

import math
from dataclasses import dataclass

STEPS = 8  # shades on each side of zero
THEMES = ("auto", "light", "dark")
DARK_SCREEN = "screen and (prefers-color-scheme:dark)"  # the readers for whom "auto" is dark; paper never is

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Theme:
    """The colours of a theme; an ink is the colour of text, a tint the colour behind a gradient.

    Text has a contrast of at least 4.5 to what is below it, and edges and bars of 3; a test measures all pictures.
    """

    paper: str
    card: str
    leaf: str
    box: str
    box_line: str
    line: str
    strong_line: str
    ink: str
    soft_ink: str
    faint_ink: str
    badge: str
    badge_ink: str
    receiver: str
    giver: str
    below_ink: str
    above_ink: str
    zero: Colour
    tint_below: Colour
    tint_above: Colour
    cell_zero: Colour
    edge_zero: Colour
    edge_below: Colour
    edge_above: Colour
    odd: str
    tint_odd: str


LIGHT = Theme(
    paper="#ffffff", card="#ffffff", leaf="#f5f7f9", box="#f1f5f8", box_line="#c5ced8", line="#8b95a4",
    strong_line="#1c2430", ink="#1c2430", soft_ink="#56606f", faint_ink="#646e7b", badge="#1c2430",
    badge_ink="#ffffff", receiver="#7c3aed", giver="#0b7d66", below_ink="#b45309", above_ink="#1d64b4",
    zero=(247, 246, 244), tint_below=(238, 154, 77), tint_above=(120, 173, 228),
    cell_zero=(222, 226, 232), edge_zero=(134, 141, 152), edge_below=(205, 90, 0), edge_above=(33, 110, 200),
    odd="#a3123f", tint_odd="#f7d3de",
)  # fmt: skip
DARK = Theme(
    paper="#12161d", card="#171c24", leaf="#1c222c", box="#161b23", box_line="#333c49", line="#6b7686",
    strong_line="#f0f3f7", ink="#eef1f5", soft_ink="#b4bdc9", faint_ink="#97a2b1", badge="#e6ebf2",
    badge_ink="#171c24", receiver="#b794ff", giver="#2fc9a4", below_ink="#ffa94d", above_ink="#7ab8ff",
    zero=(34, 38, 46), tint_below=(148, 88, 32), tint_above=(44, 96, 156),
    cell_zero=(60, 67, 79), edge_zero=(103, 112, 126), edge_below=(245, 140, 34), edge_above=(80, 158, 245),
    odd="#ff7aa2", tint_odd="#5c1f35",
)  # fmt: skip


def shade_of(strength: float, largest: float) -> int:
    """The shade of a gradient beside the largest one, from -STEPS to STEPS; it is 0 for zero and for nan.

    The square root makes small gradients visible; unlike a logarithm, it is the same on every machine.

    >>> shade_of(-1.5, 1.5), shade_of(0.001, 1.5), shade_of(0.0, 1.5)
    (-8, 1, 0)
    """
    if math.isnan(strength) or strength == 0.0:
        return 0
    share = 1.0 if math.isinf(strength) or largest <= 0.0 else math.sqrt(min(abs(strength) / largest, 1.0))
    shade = max(1, math.floor(share * STEPS + 0.5))
    return shade if strength > 0 else -shade


def class_of(strength: float, largest: float) -> str:
    """The CSS class of a gradient: that of its shade, or "odd" for nan and inf, which have a pattern of their own.

    >>> class_of(-1.5, 1.5), class_of(math.nan, 1.5)
    ('n8', 'odd')
    """
    return shade_class(shade_of(strength, largest)) if math.isfinite(strength) else "odd"


def shade_class(shade: int) -> str:
    """The CSS class of a shade: n8 … n1 below zero, z, p1 … p8 above."""
    return "z" if shade == 0 else f"{'p' if shade > 0 else 'n'}{abs(shade)}"


def mixed(start: Colour, end: Colour, part: int, whole: int) -> str:
    """The colour on the way from the start to the end, `part` of `whole` steps along, as CSS.

    >>> mixed((0, 0, 0), (255, 255, 255), 1, 2)
    '#808080'
    """
    return "#" + "".join([f"{(a * (whole - part) + b * part + whole // 2) // whole:02x}" for a, b in zip(start, end)])


def colour_of(text: str) -> Colour:
    """The three numbers of a colour as CSS has it.

    >>> colour_of("#1c2430")
    (28, 36, 48)
    """
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)
