"""What every picture and page can do: save itself, and show itself in a notebook."""

from __future__ import annotations

import base64
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .text import markup

SMALLEST_SCALE = 0.7  # a picture shrinks down to this to fit its page; beyond that, the page scrolls
SCROLL_BAR = 16
LARGEST_IN_FRAME = 500_000  # characters of SVG; a frame holds the picture two and a half times
LONGEST_TITLE = 80  # characters in a repr


def write_text(path: str | Path, texts: Mapping[str, str]) -> Path:
    """Write the text that belongs to the path's ending, and return the path.

    Errors: ValueError for an ending that `texts` does not have.
    """
    target = Path(path)
    text = texts.get(target.suffix.lower())
    if text is None:
        raise ValueError(f"cannot save as {target.name!r}: the name has to end in {' or '.join(texts)}")
    target.write_bytes(text.encode("utf-8"))
    return target


class Picture(ABC):
    """A picture as SVG, and the page around it; both are complete in themselves and fetch nothing."""

    width: float
    height: float
    title: str

    @property
    @abstractmethod
    def svg(self) -> str:
        """The picture."""

    @property
    @abstractmethod
    def html(self) -> str:
        """The page around it."""

    @property
    def frame_style(self) -> str:
        """The style of the page's frame in a notebook; where the picture has to shrink, the frame shrinks with it."""
        wide, high = f"{self.width:.0f}", f"{self.height:.0f}"
        least = f"min-height:{self.height * SMALLEST_SCALE + SCROLL_BAR:.0f}px"
        return f"width:100%;max-width:{wide}px;aspect-ratio:{wide}/{high};{least}"

    @property
    def shrinking_svg(self) -> str:
        """The picture for a page: it shrinks a little where there is no room for it, then the page scrolls."""
        size = f"width:100%;min-width:{self.width * SMALLEST_SCALE:.0f}px;max-width:{self.width:.0f}px;height:auto"
        return self.svg.replace("<svg ", f'<svg style="display:block;{size}" ', 1)

    def save(self, path: str | Path) -> Path:
        """Write an .svg or an .html file, by the ending of its name, and return its path.

        Errors: ValueError for any other ending.
        """
        return write_text(path, {".svg": self.svg, ".html": self.html})

    def image(self) -> str:
        """An <img> that carries the picture in its address."""
        data = base64.b64encode(self.svg.encode("utf-8")).decode("ascii")
        return (
            f'<img src="data:image/svg+xml;base64,{data}" alt="{markup(self.title)}" '
            f'width="{self.width:.0f}" height="{self.height:.0f}" style="max-width:100%;height:auto">'
        )

    def _repr_html_(self) -> str:
        if len(self.svg) > LARGEST_IN_FRAME:
            return self.image()
        # A trusted notebook shows the frame; an untrusted one removes the frame and shows the picture inside it.
        return (
            f'<iframe srcdoc="{markup(self.html)}" title="{markup(self.title)}" '
            f'style="{self.frame_style};border:0">{self.image()}</iframe>'
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self._repr_html_(), "text/plain": repr(self)}

    def __repr__(self) -> str:
        title = self.title if len(self.title) <= LONGEST_TITLE else self.title[: LONGEST_TITLE - 1] + "…"
        return f"<{type(self).__name__}: {title}>"


class Drawing(Picture):
    """A picture that stands still; str() is the SVG."""

    def __init__(self, svg: str, width: float, height: float, title: str) -> None:
        self._svg = svg
        self.width = width
        self.height = height
        self.title = title

    @property
    def svg(self) -> str:
        return self._svg

    @property
    def html(self) -> str:
        """A page of nothing but the picture; it scrolls where there is little room."""
        head = f'<meta charset="utf-8"><title>{markup(self.title)}</title><style>body{{margin:0}}</style>'
        return f'<!doctype html><html lang="en"><head>{head}</head><body>{self.shrinking_svg}</body></html>\n'

    def __str__(self) -> str:
        return self._svg

    def _repr_svg_(self) -> str:
        return self._svg

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        _leave_out_repr_svg(Drawing)
        bundle = super()._repr_mimebundle_(include, exclude)
        return {**bundle, "image/svg+xml": self._svg} if "image/svg+xml" in (include or ()) else bundle


class Page(Picture):
    """A page with a picture in it; str() is the page, and .save() writes the page (.html) or its picture (.svg)."""

    def __init__(self, html: str, picture: Drawing, panel_height: float) -> None:
        self._html = html
        self._picture = picture
        self._panel_height = panel_height
        self.width = picture.width
        self.height = picture.height
        self.title = picture.title

    @property
    def svg(self) -> str:
        return self._picture.svg

    @property
    def html(self) -> str:
        return self._html

    @property
    def frame_style(self) -> str:
        """As high as the picture is when it has shrunk to the frame's width, and the panel below it."""
        whole, panel = self.height, self._panel_height
        shrunk = f"clamp({whole * SMALLEST_SCALE + SCROLL_BAR:.0f}px,{100 * whole / self.width:.2f}cqw,{whole:.0f}px)"
        # A browser that does not know the unit cqw ignores the second height and takes the first.
        return f"width:100%;height:{whole + panel:.0f}px;height:calc({shrunk} + {panel:.0f}px)"

    def _repr_html_(self) -> str:
        return f'<div style="width:100%;container-type:inline-size">{super()._repr_html_()}</div>'

    def __str__(self) -> str:
        return self._html


def _leave_out_repr_svg(kind: type) -> None:
    """Where IPython runs, let it store the bundle of this class alone: it would add the SVG of `_repr_svg_` to it."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    formatter = shell.display_formatter.formatters.get("image/svg+xml") if shell else None
    if formatter is not None and kind not in formatter:
        formatter.for_type(kind, lambda _: None)
