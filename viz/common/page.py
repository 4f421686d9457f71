"""How a page is made: one file that holds its styles, its script and its data, and fetches nothing."""

from __future__ import annotations

import functools
import json
from importlib.resources import files
from typing import Any

from .colours import DARK, DARK_SCREEN, LIGHT, Theme
from .icons import button
from .text import markup

# The page may run the script that it contains, and load nothing at all.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
STYLES, SCRIPTS = ("page.css",), ("theme.js",)
VIEW_STYLES, VIEW_SCRIPTS = ("view.css",), ("view.js", "overview.js", "walk.js")  # of a page that has a view
HIGHEST_PAGE = (
    2.5  # heights of a picture for its width up to which it is printed on one page; a higher one takes several
)
ZOOM = (("out", "smaller (−)", "out"), ("in", "larger (+)", "in"))


@functools.cache
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


def page_html(
    title: str, body: str, data: Any, room: str, name: str, theme: str, *, shape: tuple[float, float] = (1.0, 1.0)
) -> str:
    """A complete page, with the style sheet and the script of that name from one of the rooms of viz.

    `room` may be "" for a page without any of its own; without `data`, there is no script of its own. A picture of a
    wide `shape` (its width and its height) is printed on paper that lies on its long side.
    """
    own_style = asset(room, f"{name}.css") if room else ""
    own_script = asset(room, f"{name}.js") if room and data is not None else ""
    has_view = 'id="view"' in body
    sheets, scripts = (STYLES + VIEW_STYLES, SCRIPTS + VIEW_SCRIPTS) if has_view else (STYLES, SCRIPTS)
    style = _colours(theme) + "".join([asset("common", sheet) for sheet in sheets]) + own_style
    if has_view:
        style += "@media print{"
        style += "@page{size:landscape}" if shape[0] > shape[1] else ""
        style += ".view>svg{max-height:94vh}" if shape[1] < HIGHEST_PAGE * shape[0] else ""
        style += "}\n"
    script = compact("".join([asset("common", part) for part in scripts]) + own_script)
    stored = "" if data is None else f'<script type="application/json" id="data">{embedded(data)}</script>\n'
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{markup(title)}</title>\n'
        f"<style>\n{style}</style></head>\n<body>\n{body}\n{stored}<script>\n{script}</script>\n</body></html>\n"
    )


def view_html(svg: str, title: str, width: float, readable: float) -> str:
    """The part of a page in which a picture is seen, zoomed and moved; `readable` is the least scale at the start.

    The style is for readers whose browser runs no script: there the picture shrinks as far, and then the view scrolls.
    """
    size = f"width:100%;min-width:{width * readable:.0f}px;max-width:{width:.0f}px"
    buttons = "".join([button(*one) for one in ZOOM]) + button("whole", "whole picture (0)", "whole", pressed="actual")
    shrinking = svg.replace("<svg ", f'<svg style="{size}" ', 1)
    return (
        f'<main class="stage" aria-label="{markup(title)}">\n'
        f'<div class="zoom" role="group" aria-label="size of the picture">{buttons}</div>\n'
        f'<div class="view" id="view" data-readable="{readable:.4f}">{shrinking}</div>\n'
        '<p class="detail" id="detail" hidden aria-hidden="true"></p>'
        '<p class="told" id="told" hidden aria-hidden="true"></p></main>\n'
    )


def compact(script: str) -> str:
    """The script without indents, empty lines and comments of whole lines: each picture in a notebook carries it."""
    lines = [line.strip() for line in script.splitlines()]
    return "".join([f"{line}\n" for line in lines if line and not line.startswith("// ")])


def _colours(theme: str) -> str:
    """The colours as variables: light ones on paper, and dark ones on the screens that want them."""
    if theme == "auto":
        return _variables(LIGHT) + f"@media {DARK_SCREEN}{{{_variables(DARK)}}}\n"
    return _variables(LIGHT) if theme == "light" else _variables(DARK) + f"@media print{{{_variables(LIGHT)}}}\n"


def _variables(theme: Theme) -> str:
    scheme = "dark" if theme is DARK else "light"
    named = {
        "paper": theme.paper,
        "panel": theme.leaf,
        "line": theme.box_line,
        "mark": theme.line,
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
