"""The tints of gradients in the tables of a page: the same colours as in its drawing."""

from __future__ import annotations

from .colours import DARK, DARK_SCREEN, LIGHT, STEPS, Theme, mixed, shade_class


def tint_rules(selector: str, theme: str) -> str:
    """The backgrounds of elements below `selector` that have the class of a shade."""
    light, dark = _tints(selector, LIGHT), _tints(selector, DARK)
    if theme == "auto":
        return f"{light}@media {DARK_SCREEN}{{{dark}}}"
    return light if theme == "light" else f"{dark}@media print{{{light}}}"


def _tints(selector: str, theme: Theme) -> str:
    rules = []
    for shade in range(-STEPS, STEPS + 1):
        end = theme.tint_below if shade < 0 else theme.tint_above
        colour = mixed(theme.zero, end, abs(shade) + 2, STEPS + 2) if shade else "transparent"
        rules.append(f"{selector} .{shade_class(shade)}{{background:{colour}}}")
    return "".join(rules) + f"{selector} .odd{{background:{theme.tint_odd}}}"
