"""How a page is made: one file that holds its styles, its script and its data, and fetches nothing."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from .colours import DARK, LIGHT, Theme
from .text import markup

# The page may run the script that it contains, and load nothing at all.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"


def asset(room: str, name: str) -> str:
    """The text of a file in one of the rooms of viz."""
    return files("chainrule.viz").joinpath(room, name).read_text(encoding="utf-8")


def embedded(data: Any) -> str:
    """JSON that cannot end the <script> around it, whatever its strings hold.

    Errors: ValueError for nan and inf, which JSON does not have; pages get numbers that may be such as text.

    >>> embedded("</script><!--")
    '"\\\\u003c/script\\\\u003e\\\\u003c!--"'
    """
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def page_html(title: str, body: str, data: Any, room: str, name: str, theme: str) -> str:
    """A complete page, with the style sheet and the script of that name from one of the rooms of viz."""
    colours = _variables(DARK if theme == "dark" else LIGHT)
    if theme == "auto":
        colours += f"@media (prefers-color-scheme:dark){{{_variables(DARK)}}}\n"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{markup(title)}</title>\n'
        f"<style>\n{colours}{asset('common', 'page.css')}{asset(room, name + '.css')}</style></head>\n<body>\n{body}\n"
        f'<script type="application/json" id="data">{embedded(data)}</script>\n'
        f"<script>\n{asset(room, name + '.js')}</script>\n</body></html>\n"
    )


def _variables(theme: Theme) -> str:
    scheme = "dark" if theme is DARK else "light"
    named = {
        "paper": theme.paper,
        "panel": theme.leaf,
        "line": theme.box_line,
        "ink": theme.ink,
        "soft": theme.soft_ink,
        "receiver": theme.receiver,
        "giver": theme.giver,
        "below": theme.below_ink,
        "above": theme.above_ink,
        "train": theme.above_ink,
        "test": theme.below_ink,
    }
    return f":root{{color-scheme:{scheme};" + "".join([f"--{key}:{value};" for key, value in named.items()]) + "}\n"
