"""The style sheet of a drawn graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..common.colours import STEPS, Theme, mixed, shade_class
from ..common.svg import scoped_rules, themed_rules

FIXED = {
    "text": "font-family:system-ui,'Segoe UI','Noto Sans','DejaVu Sans',sans-serif;font-size:14px",
    ".name": "font-size:15px;font-weight:700",
    ".number": "font-family:ui-monospace,'Noto Sans Mono','DejaVu Sans Mono',Menlo,Consolas,monospace;"
    "font-size:15px;text-anchor:end",
    ".end": "text-anchor:end",
    ".key": "font-size:14px;font-weight:600",
    ".figure": "font-family:ui-monospace,'Noto Sans Mono','DejaVu Sans Mono',Menlo,Consolas,monospace;"
    "font-size:14px;text-anchor:end",
    ".sign": "font-weight:700;text-anchor:middle",
    ".label": "font-family:ui-monospace,'Noto Sans Mono','DejaVu Sans Mono',Menlo,Consolas,monospace;font-size:14px;"
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
    ".hatching": "fill:none;stroke-width:1px",
    ".stripes": "fill:none;stroke-width:22px;stroke-dasharray:2 5;stroke-opacity:0.35",
    ".low": "stroke-width:17px",
    ".edge.chosen .line": "stroke-width:2px",
    ".picked .key": "text-decoration:underline",
    ".edge.odd .line": "stroke-width:5px;stroke-dasharray:2 3",
    ".edge.active .line": "stroke-width:4px;stroke-dasharray:7 4",
}


MARKS = (
    "odd",
    "hatching",
    "stripes",
    "low",
    "notice",
    "hint",
    "key",
    "figure",
    "part",
    "chosen",
    "mark",
    "cell",
)  # classes that few drawings have: nan or inf, stale cards, sentences


def style_sheet(drawing: str, theme: str, used: Iterable[int], marks: Iterable[str] = MARKS) -> str:
    """The rules of the drawing of that id; `used` are the shades that occur in it, and `marks` which of MARKS do."""
    shades = sorted(set(used))
    unused = set(MARKS) - set(marks) | {shade_class(shade) for shade in range(-STEPS, STEPS + 1)} - {
        shade_class(shade) for shade in shades
    }
    rules = _without(unused & set(MARKS), FIXED)
    for shade in shades:
        rules[f".edge.{shade_class(shade)} .line"] = f"stroke-width:{1 + 0.5 * abs(shade):.1f}px"
    rules = _active_last(rules)
    return scoped_rules(drawing, rules) + themed_rules(
        drawing, theme, lambda colours: _without(unused, _colour_rules(colours))
    )


def _colour_rules(theme: Theme) -> dict[str, str]:
    """The rules that depend on the theme, by selector."""
    rules = {
        ".paper": f"fill:{theme.paper}",
        ".face": f"fill:{theme.card}",
        ".leaf .face": f"fill:{theme.leaf}",
        ".rim": f"stroke:{theme.line}",
        ".fold .rim": f"stroke:{theme.soft_ink}",
        ".root .rim": f"stroke:{theme.strong_line}",
        ".box": f"fill:{theme.box};stroke:{theme.box_line}",
        "text": f"fill:{theme.ink}",
        ".soft": f"fill:{theme.soft_ink}",
        ".faint": f"fill:{theme.faint_ink}",
        ".badge": f"fill:{theme.badge}",
        ".sign": f"fill:{theme.badge_ink}",
        ".axis": f"stroke:{theme.box_line}",
        ".notice": f"fill:{theme.odd}",
        ".hint": f"fill:{theme.soft_ink}",
        ".hatching": f"stroke:{theme.line}",
        ".stripes": f"stroke:{theme.odd}",
        ".tint.odd": f"fill:{theme.tint_odd}",
        ".edge.odd .line": f"stroke:{theme.odd}",
        ".edge.odd .tip": f"fill:{theme.odd}",
        ".bar.odd": f"fill:{theme.odd}",
        ".cell.odd": f"fill:{theme.odd}",
        ".bar.part": f"fill:{theme.line}",
        ".bar.chosen": f"fill:{theme.ink}",
        ".mark": f"fill:{theme.ink}",
        ".receives .rim": f"stroke:{theme.receiver}",
        ".gives .rim": f"stroke:{theme.giver}",
        ".edge.active .line": f"stroke:{theme.receiver}",
        ".edge.active .tip": f"fill:{theme.receiver}",
    }
    for shade in range(-STEPS, STEPS + 1):
        name, size = shade_class(shade), abs(shade)
        tint_end, edge_end = (theme.tint_below, theme.edge_below) if shade < 0 else (theme.tint_above, theme.edge_above)
        part = size + 2 if shade else 0  # the palest shade can still be told from zero
        edge = mixed(theme.edge_zero, edge_end, part, STEPS + 2)
        rules[f".tint.{name}"] = f"fill:{mixed(theme.zero, tint_end, part, STEPS + 2) if shade else 'none'}"
        rules[f".edge.{name} .line"] = f"stroke:{edge}"
        rules[f".edge.{name} .tip"] = f"fill:{edge}"
        rules[f".bar.{name}"] = f"fill:{edge}"
        rules[f".cell.{name}"] = f"fill:{mixed(theme.cell_zero, edge_end, part, STEPS + 2)}"
    return rules


def _without(unused: set[str], rules: Mapping[str, str]) -> dict[str, str]:
    """The rules except those for the unused shades and marks."""
    return _active_last(
        {
            selector: rule
            for selector, rule in rules.items()
            if not unused.intersection(selector.replace(" ", ".").split("."))
        }
    )


def _active_last(rules: dict[str, str]) -> dict[str, str]:
    """The rules for the stepper's active edge override those for shades of the same weight, so they come last."""
    return {selector: rules[selector] for selector in sorted(rules, key=lambda one: one.startswith(".edge.active"))}
