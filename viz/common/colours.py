"""Colours: orange below zero, blue above, in equal steps to both sides; told apart by the colour-blind too."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

STEPS = 8   # shades to each side of zero
THEMES = ("auto", "light", "dark")

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Theme:
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
    edge_zero: Colour
    edge_below: Colour
    edge_above: Colour


LIGHT = Theme(
    paper="#ffffff", card="#ffffff", leaf="#f5f7f9", box="#f1f5f8", box_line="#c5ced8", line="#8b95a4",
    strong_line="#1c2430", ink="#1c2430", soft_ink="#56606f", faint_ink="#6b7583", badge="#1c2430",
    badge_ink="#ffffff", receiver="#7c3aed", giver="#0b7d66", below_ink="#b45309", above_ink="#1d64b4",
    zero=(247, 246, 244), tint_below=(238, 154, 77), tint_above=(120, 173, 228),
    edge_zero=(214, 218, 224), edge_below=(230, 115, 12), edge_above=(45, 125, 210),
)  # fmt: skip
DARK = Theme(
    paper="#12161d", card="#171c24", leaf="#1c222c", box="#161b23", box_line="#333c49", line="#6b7686",
    strong_line="#f0f3f7", ink="#eef1f5", soft_ink="#b4bdc9", faint_ink="#97a2b1", badge="#e6ebf2",
    badge_ink="#171c24", receiver="#b794ff", giver="#2fc9a4", below_ink="#ffa94d", above_ink="#7ab8ff",
    zero=(34, 38, 46), tint_below=(148, 88, 32), tint_above=(44, 96, 156),
    edge_zero=(70, 78, 91), edge_below=(245, 140, 34), edge_above=(80, 158, 245),
)  # fmt: skip


def level(strength: float, largest: float) -> int:
    """The shade of a gradient, -STEPS … STEPS; 0 for zero and for nan.

    The square root lets small gradients be seen; it is exact on every machine, which a logarithm is not.

    >>> level(-1.5, 1.5), level(0.001, 1.5), level(0.0, 1.5)
    (-8, 1, 0)
    """
    if math.isnan(strength) or strength == 0.0:
        return 0
    share = 1.0 if math.isinf(strength) or largest <= 0.0 else math.sqrt(min(abs(strength) / largest, 1.0))
    shade = max(1, math.floor(share * STEPS + 0.5))
    return shade if strength > 0 else -shade


def shade_class(shade: int) -> str:
    """The CSS class of a shade: n8 … n1, z, p1 … p8."""
    return "z" if shade == 0 else f"{'p' if shade > 0 else 'n'}{abs(shade)}"


def _mixed(start: Colour, end: Colour, part: int, whole: int) -> str:
    return "#" + "".join([f"{(a * (whole - part) + b * part + whole // 2) // whole:02x}" for a, b in zip(start, end)])


def _colour_rules(theme: Theme) -> dict[str, str]:
    """What the theme decides, selector by selector."""
    rules = {
        ".paper": f"fill:{theme.paper}",
        ".face": f"fill:{theme.card}",
        ".leaf .face": f"fill:{theme.leaf}",
        ".rim": f"stroke:{theme.line}",
        ".root .rim": f"stroke:{theme.strong_line}",
        ".fold .rim": f"stroke:{theme.soft_ink}",
        ".box": f"fill:{theme.box};stroke:{theme.box_line}",
        "text": f"fill:{theme.ink}",
        ".soft": f"fill:{theme.soft_ink}",
        ".faint": f"fill:{theme.faint_ink}",
        ".badge": f"fill:{theme.badge}",
        ".sign": f"fill:{theme.badge_ink}",
        ".axis": f"stroke:{theme.box_line}",
        ".receives .rim": f"stroke:{theme.receiver}",
        ".gives .rim": f"stroke:{theme.giver}",
        ".edge.active .line": f"stroke:{theme.receiver}",
        ".edge.active .tip": f"fill:{theme.receiver}",
    }
    for shade in range(-STEPS, STEPS + 1):
        name, size = shade_class(shade), abs(shade)
        below = shade < 0
        tint = _mixed(theme.zero, theme.tint_below if below else theme.tint_above, size + 2, STEPS + 2)
        edge = _mixed(theme.edge_zero, theme.edge_below if below else theme.edge_above, size + 2, STEPS + 2)
        plain = _mixed(theme.edge_zero, theme.edge_zero, 0, 1)
        rules[f".tint.{name}"] = f"fill:{tint if shade else 'none'}"
        rules[f".edge.{name} .line"] = f"stroke:{edge if shade else plain}"
        rules[f".edge.{name} .tip"] = f"fill:{edge if shade else plain}"
        rules[f".bar.{name}"] = f"fill:{edge if shade else plain}"
    return rules


FIXED = {
    "text": "font-family:system-ui,'Segoe UI','Noto Sans','DejaVu Sans',sans-serif;font-size:13px",
    ".name": "font-size:15px;font-weight:700",
    ".number": "font-family:ui-monospace,'Noto Sans Mono','DejaVu Sans Mono',Menlo,Consolas,monospace;"
    "font-size:15px;text-anchor:end",
    ".end": "text-anchor:end",
    ".sign": "font-weight:700;text-anchor:middle",
    ".label": "font-family:ui-monospace,'Noto Sans Mono','DejaVu Sans Mono',Menlo,Consolas,monospace;font-size:12px;"
    "text-anchor:middle",
    ".title": "font-weight:700",
    ".rim": "fill:none;stroke-width:1.5px",
    ".fold .rim": "stroke-width:1.8px",
    ".root .rim": "stroke-width:3px",
    ".receives .rim": "stroke-width:3.5px;stroke-dasharray:6 4",
    ".gives .rim": "stroke-width:3.5px",
    ".line": "fill:none",
    ".closed .line": "stroke-dasharray:3 4",
    ".axis": "stroke-width:1px",
    ".edge.active .line": "stroke-width:4px;stroke-dasharray:7 4",
}


def style_sheet(drawing: str, theme: str, used: Iterable[int]) -> str:
    """The rules of one drawing, each of them for it alone; `used` are the shades that occur.

    Errors: ValueError for a theme that there is none of.
    """
    if theme not in THEMES:
        raise ValueError(f"theme {theme!r}: there are {', '.join(THEMES)}")
    shades = sorted(set(used))
    unused = {shade_class(shade) for shade in range(-STEPS, STEPS + 1)} - {shade_class(shade) for shade in shades}
    rules = dict(FIXED)
    for shade in shades:
        rules[f".edge.{shade_class(shade)} .line"] = f"stroke-width:{1 + 0.5 * abs(shade):.1f}px"
    # `active` has to win over the shades, so it comes last.
    rules[".edge.active .line"] = rules.pop(".edge.active .line")
    text = _scoped(drawing, rules)
    text += _scoped(drawing, _wanted(_colour_rules(DARK if theme == "dark" else LIGHT), unused))
    if theme == "auto":
        dark = _scoped(drawing, _wanted(_colour_rules(DARK), unused))
        text += f"@media (prefers-color-scheme:dark){{\n{dark}}}\n"
    return text


def _wanted(rules: dict[str, str], unused: set[str]) -> dict[str, str]:
    kept = {
        selector: rule
        for selector, rule in rules.items()
        if not unused.intersection(selector.replace(" ", ".").split("."))
    }
    for last in (".edge.active .line", ".edge.active .tip"):
        kept[last] = kept.pop(last)
    return kept


def _scoped(drawing: str, rules: dict[str, str]) -> str:
    return "".join([f"#{drawing} {selector}{{{rule}}}\n" for selector, rule in rules.items()])
