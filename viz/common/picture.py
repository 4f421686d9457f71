"""What every picture and page can do: save itself, open itself in a browser, and show itself in a notebook."""

from __future__ import annotations

import base64
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from .export import converted
from .page import page_html, view_html
from .saving import open_in_browser, write
from .text import markup

READABLE = 11.0  # pixels; at the start, no text is smaller
HIGHEST = 85  # hundredths of a notebook's window that a picture takes at most; in a higher one its view scrolls
SCROLL_BAR = 16
OVERVIEW = 84  # the height of the overview and of what is around it
NARROW, WRAPPED = 900, 62  # in a frame that is narrower, the lines of a panel wrap and need so much more height
IN_TEXT = 0.8  # the part of its readable size to which a picture shrinks in a page of text: that of texts of 9 pixels
IN_SIGHT = 0.8  # the part of a picture that a frame shows from which on it has no overview; overview.js has it, too
LARGEST_IN_FRAME = 500_000  # characters of SVG; a frame holds the picture two and a half times
LONGEST_TITLE = 80  # characters in a repr
_FONT_SIZE = re.compile(r"\bfont(?:-size)?:[^;}\"]*?([\d.]+)px")


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
    def dot(self) -> str | None:
        """The graph in Graphviz's language DOT; None for a picture of something else."""
        return None

    @property
    def film(self) -> Drawing | None:
        """The same as a picture that moves by itself; None where nothing moves."""
        return None

    @cached_property
    def readable(self) -> float:
        """The scale at which the smallest text is just readable: a page starts with this one or a larger one."""
        return READABLE / min(map(float, _FONT_SIZE.findall(self.svg)), default=READABLE)

    @property
    def view(self) -> str:
        """The picture for a page, with what zooms and moves it."""
        return view_html(self.svg, self.title, self.width, self.readable)

    @property
    def in_text(self) -> str:
        """The picture for a page of text: in a narrow window it shrinks as far as it can be read, and then scrolls."""
        least = self.width * min(self.readable, 1.0) * IN_TEXT
        svg = self.svg.replace("<svg ", f'<svg style="min-width:{least:.0f}px;max-width:100%;height:auto" ', 1)
        return f'<div style="max-width:100%;overflow-x:auto">{svg}</div>'

    @property
    def frame_style(self) -> str:
        """The style of the page's frame in a notebook; where the picture has to shrink, the frame shrinks with it."""
        wide, high = f"{self.width:.0f}", f"{self.height:.0f}"
        least = f"min-height:min({self._shrunk:.0f}px,{HIGHEST}vh)"
        # A browser that does not know the unit cqw ignores the second least height and takes the first.
        least += f";min-height:min({self._shrunk:.0f}px + {self._for_overview},{HIGHEST}vh)"
        return f"width:100%;max-width:{wide}px;aspect-ratio:{wide}/{high};{least};max-height:{HIGHEST}vh"

    @property
    def _shrunk(self) -> float:
        """The height of the picture where it is as small as can be read, and of the bar that scrolls it."""
        return self.height * min(self.readable, 1.0) + SCROLL_BAR

    @property
    def _for_overview(self) -> str:
        """As a length of CSS: the room of the overview where the frame is so narrow that there will be one, else 0."""
        least = self.width * min(self.readable, 1.0) * IN_SIGHT
        return f"clamp(0px,({least:.0f}px - 100cqw)*999,{OVERVIEW}px)"

    def save(self, path: str | Path, *, animated: bool = False) -> Path:
        """Write the file that the ending of its name asks for, and return its path.

        .svg is the picture, .html the page, .dot the graph for Graphviz (of pictures of graphs). .png and .pdf are the
        picture, converted by Chromium (or Chrome, or Edge) or by the package cairosvg, whichever is installed.
        `animated` makes an .svg that moves by itself, of the page of steps().

        Errors: ValueError for any other ending, and for what cannot move; FileNotFoundError where nothing is installed
        that converts pictures.
        """
        if animated:
            return self._save_film(path)
        makers: dict[str, Callable[[], str | bytes]] = {".svg": lambda: self.svg, ".html": lambda: self.html}
        if (dot := self.dot) is not None:
            makers[".dot"] = lambda: dot
        for kind in ("png", "pdf"):
            makers[f".{kind}"] = partial(self._converted, kind)
        return write(path, makers)

    def _save_film(self, path: str | Path) -> Path:
        film = self.film
        if film is None:
            raise ValueError(f"{self!r} does not move: animated=True is for steps(loss)")
        return write(path, {".svg": lambda: film.svg})

    def _converted(self, kind: str) -> bytes:
        return converted(self.svg, self.width, self.height, kind)

    def show(self) -> None:
        """Open the page in a browser; in a notebook, show it below the cell.

        Errors: RuntimeError where no browser can be started; it says where the page is.
        """
        shell = _ipython_shell()
        if shell is not None and shell.has_trait("kernel"):  # the browser may be on another machine than the kernel
            shell.display_pub.publish(self._repr_mimebundle_())
        else:
            open_in_browser(self.html)

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
        # A trusted notebook shows the frame; an untrusted one removes the frame and shows the picture inside it. The
        # frame has round corners of its own, for what is behind it cannot be seen through it in all browsers.
        return (
            '<div style="width:100%;container-type:inline-size">'
            f'<iframe srcdoc="{markup(self.html)}" title="{markup(self.title)}" '
            f'style="{self.frame_style};border:0;border-radius:10px">{self.image()}</iframe></div>'
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self._repr_html_(), "text/plain": repr(self)}

    def __repr__(self) -> str:
        title = self.title if len(self.title) <= LONGEST_TITLE else self.title[: LONGEST_TITLE - 1] + "…"
        return f"<{type(self).__name__}: {title}>"


class Drawing(Picture):
    """A picture that stands still: `.svg` is its text, `.save()` writes it, `.show()` opens it in a browser."""

    def __init__(
        self,
        svg: str,
        width: float,
        height: float,
        title: str,
        theme: str = "auto",
        make_dot: Callable[[], str] | None = None,
        script: tuple[str, str, Any, str] = ("", "", None, ""),
    ) -> None:
        """`script` is for what the picture's page can do beyond all others: its room, name, data and markup."""
        self._svg = svg
        self._script = script
        self.width = width
        self.height = height
        self.title = title
        self._theme = theme
        self._make_dot = make_dot

    @property
    def svg(self) -> str:
        return self._svg

    @property
    def html(self) -> str:
        """A page of nothing but the picture, which fits its window and can be zoomed."""
        room, name, data, beside = self._script
        return page_html(self.title, self.view + beside, data, room, name, self._theme, shape=(self.width, self.height))

    @property
    def dot(self) -> str | None:
        return None if self._make_dot is None else self._make_dot()

    def _repr_svg_(self) -> str:
        return self._svg

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        _leave_out_repr_svg(Drawing)
        bundle = super()._repr_mimebundle_(include, exclude)
        return {**bundle, "image/svg+xml": self._svg} if "image/svg+xml" in (include or ()) else bundle


class Page(Picture):
    """A page with a picture in it: .save() writes the page (.html) or its picture (all other endings)."""

    def __init__(
        self, html: str, picture: Drawing, panel_height: float, make_film: Callable[[], Drawing] | None = None
    ) -> None:
        self._html = html
        self._make_film = make_film
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
    def dot(self) -> str | None:
        return self._picture.dot

    @property
    def film(self) -> Drawing | None:
        return None if self._make_film is None else self._make_film()

    @property
    def frame_style(self) -> str:
        """As high as the picture is when it has shrunk to the frame's width, and the panel below it."""
        whole, panel = self.height, self._panel_height
        shrunk = f"clamp({self._shrunk:.0f}px,{100 * whole / self.width:.2f}cqw,{whole:.0f}px)"
        shrunk = f"min({shrunk} + {self._for_overview},{HIGHEST}vh)"
        wrapped = f"clamp(0px,({NARROW}px - 100cqw)*999,{WRAPPED}px)"
        # A browser that does not know the unit cqw ignores the second height and takes the first.
        return f"width:100%;height:{whole + panel:.0f}px;height:calc({shrunk} + {wrapped} + {panel:.0f}px)"


def _ipython_shell() -> Any:
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def _leave_out_repr_svg(kind: type) -> None:
    """Where IPython runs, let it store the bundle of this class alone: it would add the SVG of `_repr_svg_` to it."""
    shell = _ipython_shell()
    formatter = shell.display_formatter.formatters.get("image/svg+xml") if shell else None
    if formatter is not None and kind not in formatter:
        formatter.for_type(kind, lambda _: None)
