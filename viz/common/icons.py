"""Icons of buttons, drawn as SVG: no font has all of these signs."""

from __future__ import annotations

from .text import markup

# Filled outlines in a square of 16 × 16.
ICONS = {
    "first": "M3 3h2v10H3zM13 3v10L6 8z",
    "back": "M12 3v10L4 8z",
    "play": "M4 3v10l9-5z",
    "pause": "M4 3h3v10H4zM9 3h3v10H9z",
    "next": "M4 3v10l8-5z",
    "skip": "M2 3v10l6-5zM8 3v10l6-5z",
    "last": "M11 3h2v10h-2zM3 3v10l7-5z",
    "in": "M7 3h2v4h4v2H9v4H7V9H3V7h4z",
    "out": "M3 7h10v2H3z",
    "actual": "M3 3h2v10H3zM7 5h2v2H7zM7 9h2v2H7zM11 3h2v10h-2z",
    "close": "M3 4.4L4.4 3L8 6.6L11.6 3L13 4.4L9.4 8L13 11.6L11.6 13L8 9.4L4.4 13L3 11.6L6.6 8z",
    "whole": "M2 2h5v2H4v3H2zM9 2h5v5h-2V4H9zM2 9h2v3h3v2H2zM12 9h2v5H9v-2h3z",
}


def icon(name: str, kind: str = "") -> str:
    """An icon for a button that has a name of its own.

    Errors: KeyError for a name that is not in ICONS.

    >>> icon("out")
    '<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d="M3 7h10v2H3z"/></svg>'
    """
    return (
        f'<svg class="{f"icon {kind}".strip()}" viewBox="0 0 16 16" aria-hidden="true"><path d="{ICONS[name]}"/></svg>'
    )


def button(identity: str, name: str, sign: str, text: str = "", pressed: str = "") -> str:
    """A button with an icon and perhaps a text; with `pressed`, the icon it has while it is pressed (aria-pressed)."""
    held = ' aria-pressed="false"' if pressed else ""
    icons = icon(sign, "unpressed") + icon(pressed, "pressed") if pressed else icon(sign)
    words = f" <span>{markup(text)}</span>" if text else ""
    return (
        f'<button type="button" id="{identity}" aria-label="{markup(name)}" title="{markup(name)}"{held}>'
        f"{icons}{words}</button>"
    )
