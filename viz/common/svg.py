"""SVG documents: their root element, and style rules that hold for one drawing alone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

from .colours import DARK, DARK_SCREEN, LIGHT, Theme
from .text import markup

Point = tuple[float, float]  # x to the right and y downwards, in pixels


def drawing_id(content: str) -> str:
    """An id taken from what is drawn: the same drawing has the same bytes, and a different one has its own rules."""
    return "cr-" + hashlib.sha256(content.encode()).hexdigest()[:10]


def scoped_rules(drawing: str, rules: Mapping[str, str]) -> str:
    """Style rules for the drawing of that id alone, because an inline SVG shares its styles with the whole page.

    >>> scoped_rules("cr-1", {"text": "fill:red"})
    '#cr-1 text{fill:red}\\n'
    """
    return "".join([f"#{drawing} {selector}{{{rule}}}\n" for selector, rule in rules.items()])


def themed_rules(drawing: str, theme: str, rules_of: Callable[[Theme], Mapping[str, str]]) -> str:
    """The rules of the theme; "auto" has the light ones, and the dark ones for readers whose system is dark.

    What is printed is light, whatever the theme.
    """
    light, dark = [scoped_rules(drawing, rules_of(colours)) for colours in (LIGHT, DARK)]
    if theme == "auto":
        return f"{light}@media {DARK_SCREEN}{{\n{dark}}}\n"
    return light if theme == "light" else f"{dark}@media print{{\n{light}}}\n"


def svg_document(drawing: str, width: float, height: float, title: str, style: str, body: str) -> str:
    """The whole SVG; `drawing` is its id, and `title` its accessible name."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{drawing}" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img" aria-label="{markup(title)}">\n'
        f"<style>\n{style}</style>\n{body}</svg>\n"
    )
