"""The marks and the hatching of classes, which are told apart by them, too, and not by their colour alone."""

from __future__ import annotations

from collections.abc import Sequence

# Paths around 0: a diamond, a disc, a triangle, a square, a cross, …
SHAPES = ("M0 -6L6 0L0 6L-6 0z", "M5 0A5 5 0 1 0 -5 0A5 5 0 1 0 5 0z", "M0 -6L6 5H-6z", "M-5 -5H5V5H-5z",
          "M-2 -6H2V-2H6V2H2V6H-2V2H-6V-2H-2z", "M0 6L6 -5H-6z", "M-6 -2H6V2H-6z", "M-2 -6H2V6H-2z",
          "M-6 -6L0 -2L6 -6L2 0L6 6L0 2L-6 6L-2 0z", "M0 -6L2 -2L6 -2L3 1L4 6L0 3L-4 6L-3 1L-6 -2L-2 -2z")  # fmt: skip

# The lines over the area of each class: their slopes, and how many cells they are apart.
HATCHES = (("", 1), ("/", 4), ("\\", 4), ("-", 3), ("|", 3), ("/\\", 4), ("-|", 4), ("/", 2), ("\\", 2), ("-", 2))


def hatching(labels: Sequence[int], row: int, left: float, y: float, wide: float, high: float) -> str:
    """Lines over the cells of a row of a map, in directions of each class, so that it can be read without colours.

    >>> hatching([0, 3, 1], 0, 0.0, 0.0, 6.0, 6.0)
    '<path class="hatch" d="M6 3h6"/>\\n'
    """
    d = []
    for column, label in enumerate(labels):
        slopes, apart = HATCHES[label % len(HATCHES)]
        x = left + column * wide
        if "-" in slopes and row % apart == 0:
            d.append(f"M{x:.4g} {y + high / 2:.4g}h{wide:.4g}")
        if "|" in slopes and column % apart == 0:
            d.append(f"M{x + wide / 2:.4g} {y:.4g}v{high:.4g}")
        if "/" in slopes and (column - row) % apart == 0:
            d.append(f"M{x:.4g} {y + high:.4g}l{wide:.4g} {-high:.4g}")
        if "\\" in slopes and (column + row) % apart == 0:
            d.append(f"M{x:.4g} {y:.4g}l{wide:.4g} {high:.4g}")
    return f'<path class="hatch" d="{"".join(d)}"/>\n' if d else ""
