"""What every picture and page has in common: it saves itself and shows itself in a notebook."""

from __future__ import annotations

import base64
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .text import markup

SMALLEST_SCALE = 0.7  # of a picture that shrinks to fit
SCROLL_BAR = 16
LARGEST_IN_FRAME = 500_000  # letters; a notebook would carry them two and a half times


def write_text(path: str | Path, texts: Mapping[str, str]) -> Path:
    """Write the text that belongs to the path's ending; the path comes back.

    Errors: ValueError for an ending that is none of `texts`.
    """
    target = Path(path)
    text = texts.get(target.suffix.lower())
    if text is None:
        raise ValueError(f"cannot save as {target.name!r}: the name has to end in {' or '.join(texts)}")
    target.write_bytes(text.encode("utf-8"))
    return target


def _ask_for_no_svg(kind: type) -> None:
    """Tell IPython, where it runs, that the bundle of this class is all: it would also store what _repr_svg_ gives."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    formatter = shell.display_formatter.formatters.get("image/svg+xml") if shell else None
    if formatter is not None and kind not in formatter:
        formatter.for_type(kind, lambda _: None)


class Shown(ABC):
    """A picture as SVG and as a page; both are complete in themselves and fetch nothing."""

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
    def frame(self) -> str:
        """The style of the page's frame in a notebook: as high as the picture is where it has to shrink."""
        wide, high = f"{self.width:.0f}", f"{self.height:.0f}"
        least = f"min-height:{self.height * SMALLEST_SCALE + SCROLL_BAR:.0f}px"
        return f"width:100%;max-width:{wide}px;aspect-ratio:{wide}/{high};{least}"

    @property
    def shrinking_svg(self) -> str:
        """The picture for a page: it shrinks a little where there is no room for it, then the page scrolls."""
        size = f"width:100%;min-width:{self.width * SMALLEST_SCALE:.0f}px;max-width:{self.width:.0f}px;height:auto"
        return self.svg.replace("<svg ", f'<svg style="display:block;{size}" ', 1)

    def save(self, path: str | Path) -> Path:
        """Write an .svg or an .html file, by the ending of its name; the path comes back."""
        return write_text(path, {".svg": self.svg, ".html": self.html})

    def _repr_html_(self) -> str:
        if len(self.svg) > LARGEST_IN_FRAME:
            return self.image()
        # A trusted notebook shows the frame; one that is not drops the frame and keeps the picture within.
        return (
            f'<iframe srcdoc="{markup(self.html)}" title="{markup(self.title)}" '
            f'style="{self.frame};border:0">{self.image()}</iframe>'
        )

    def image(self) -> str:
        """An <img> that carries the picture in its address."""
        data = base64.b64encode(self.svg.encode("utf-8")).decode("ascii")
        return (
            f'<img src="data:image/svg+xml;base64,{data}" alt="{markup(self.title)}" '
            f'width="{self.width:.0f}" height="{self.height:.0f}" style="max-width:100%;height:auto">'
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self._repr_html_(), "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.title}>"


class Drawing(Shown):
    """A drawn graph; str() is the SVG."""

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
        """A page of nothing but the picture, which scrolls where there is little room."""
        head = f'<meta charset="utf-8"><title>{markup(self.title)}</title><style>body{{margin:0}}</style>'
        return f'<!doctype html><html lang="en"><head>{head}</head><body>{self.shrinking_svg}</body></html>\n'

    def __str__(self) -> str:
        return self._svg

    def _repr_svg_(self) -> str:
        return self._svg

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        _ask_for_no_svg(Drawing)
        bundle = super()._repr_mimebundle_(include, exclude)
        return {**bundle, "image/svg+xml": self._svg} if "image/svg+xml" in (include or ()) else bundle
