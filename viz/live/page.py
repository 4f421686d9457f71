"""The file of a live page: its styles, its scripts and its data, under a policy that lets nothing else run."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

from chainrule.engine.compiler.emit.javascript import as_object

from ..common.colours import DARK, DARK_SCREEN, LIGHT, Theme
from ..common.page import asset
from ..common.picture import Drawing, Page
from ..common.shapes import SHAPES
from ..common.text import markup
from .packing import json_text, packed

SCRIPTS = ("machine.js", "optimisers.js", "page.js", "help.js", "network.js", "neuron.js", "scalar.js", "data.js",
           "start.js")  # fmt: skip
STYLES = ("page.css", "live.css")
CLASSES = {  # after Okabe & Ito (2008): colours that the colour-blind can tell apart
    "light": [
        "#b45309", "#1d64b4", "#0b7d66", "#a3123f", "#6d4bc4", "#7a6a00", "#0e7490", "#9d3c8c", "#4b5563", "#5f7d0b"
    ],
    "dark": [
        "#ffa94d", "#7ab8ff", "#2fc9a4", "#ff7aa2", "#b794ff", "#e0cc3a", "#5fd4ea", "#f19be3", "#b8c0cc", "#b5d95a"
    ],
}  # fmt: skip


class LivePage(Page):
    """A page that computes: `.save("page.html")` and `.show()`; in a notebook it shows itself. `.html` is its text.

    Its picture, `.svg`, is what is seen where no script runs: the network, or the graph, when the page was made.
    """

    @property
    def frame_style(self) -> str:
        return "width:100%;height:900px"


def live_page(data: dict[str, Any], theme: str, picture: Drawing) -> LivePage:
    """The page of these data; its picture is shown by the page of one Value, and by others where no script runs."""
    return LivePage(_html(data, theme, picture.svg), picture, 0.0)


def _html(data: dict[str, Any], theme: str, picture: str) -> str:
    style = f"{_themes(theme)}{''.join([asset(_room(name), name) for name in STYLES])}"
    parts = "\n".join([as_object("Primitive"), *[asset("live", name) for name in SCRIPTS]])
    script = f'(() => {{\n"use strict";\n{_compact(parts)}}})();\n'
    title = markup(data["title"])
    loader = _compact(asset("live", "loader.js"))
    inline = "".join([f" {_hash(one)}" for one in _inner_styles(picture)]) + " 'unsafe-hashes'"
    policy = (
        f"default-src 'none'; script-src {_hash(loader)} {_hash(script)}; style-src {_hash(style)}{inline}; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    held = f'<div id="picture" hidden>{picture}</div>' if data["kind"] == "value" else f"<noscript>{picture}</noscript>"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{title}</title>\n'
        f'<style>{style}</style></head>\n<body><div id="live"></div>{held}'
        "\n<noscript><p>This page computes: it needs a browser that runs scripts.</p></noscript>\n"
        f'<script type="application/gzip" id="live-data">{packed(json_text(data | {"shapes": SHAPES}))}</script>\n'
        f'<script type="application/gzip" id="live-program">{packed(script)}</script>\n<script>{loader}</script>\n'
        "</body></html>\n"
    )


def _room(name: str) -> str:
    return "common" if name == "page.css" else "live"


def _inner_styles(picture: str) -> list[str]:
    """The style sheets and the style attributes of a drawing of ours."""
    found = re.findall(r'<style>(.*?)</style>|\bstyle="(.*?)"', picture, re.DOTALL)
    return list(dict.fromkeys([sheet or attribute for sheet, attribute in found]))


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"


def _compact(script: str) -> str:
    """The script without comments of whole lines and without indentation, which is a sixth of its size."""
    lines = [line.strip() for line in script.splitlines()]
    return "".join([f"{line}\n" for line in lines if line and not line.startswith("//")])


def _themes(theme: str) -> str:
    """The colours of the page; those of "auto" follow the system or the notebook around it. Paper is light."""
    light, dark = (_variables(one) for one in (LIGHT, DARK))
    if theme != "auto":
        return f":root{{{light}}}\n" if theme == "light" else f":root{{{dark}}}\n@media print{{:root{{{light}}}}}\n"
    return (
        f":root{{{light}}}\n@media {DARK_SCREEN}{{:root{{{dark}}}}}\n"
        f":root[data-theme=light]{{{light}}}\n:root[data-theme=dark]{{{dark}}}\n"
        f"@media print{{html[lang][lang][lang]{{{light}}}}}\n"
    )


def _variables(theme: Theme) -> str:
    scheme = "dark" if theme is DARK else "light"
    rgb = {name: "rgb({},{},{})".format(*colour) for name, colour in (
        ("neg-fill", theme.edge_below), ("pos-fill", theme.edge_above), ("zero-fill", theme.zero))}  # fmt: skip
    named = {
        "paper": theme.paper, "panel": theme.leaf, "card": theme.card, "line": theme.box_line, "mark": theme.line,
        "ink": theme.ink, "soft": theme.soft_ink, "receiver": theme.receiver, "giver": theme.giver,
        "below": theme.below_ink, "above": theme.above_ink, "odd": theme.odd, **rgb,
        **{f"c{i}": colour for i, colour in enumerate(CLASSES[scheme])},
    }  # fmt: skip
    return f"color-scheme:{scheme};" + "".join([f"--{key}:{value};" for key, value in named.items()])
