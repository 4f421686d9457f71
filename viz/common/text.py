"""Text and numbers as people read them; whatever a user typed is made harmless here and nowhere else."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from html import escape
from unicodedata import combining

from . import advances

LONGEST = 1000  # characters of one label; nobody reads further, and a drawing repeats it in each expression
# What XML 1.0 forbids, and the marks that would turn the direction of the text after them.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]")
_WIDE = re.compile("[\u1100-\uffdc\U00010000-\U0010ffff]")


def clean(text: object) -> str:
    """The text on one line and without the characters that XML forbids; it is still to be escaped."""
    line = " ".join(_FORBIDDEN.sub("\ufffd", str(text)).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def markup(text: object) -> str:
    """The text, escaped for the content and the attributes of SVG and HTML."""
    return escape(_FORBIDDEN.sub("\ufffd", str(text)), quote=True)


def in_record(label: str) -> str:
    """The text as a field of a record in DOT; the signs that divide fields or start commands are escaped.

    >>> print(in_record("a | b"))
    a\\ \\|\\ b
    """
    text = clean(label).replace("&", "&amp;")  # otherwise Graphviz would read &lt; as <
    for sign in "\\{}|<> ":
        text = text.replace(sign, "\\" + sign)
    return text


def short(number: float, digits: int = 4) -> str:
    """A number with a few digits and a true minus sign.

    >>> short(-0.70710678), short(6.0), short(1.5e-7), short(float("-inf"))
    ('−0.7071', '6', '1.5e−7', '−inf')
    """
    text = f"{number:.{digits}g}"
    if "e" in text:
        text = re.sub(r"e([+-])0*(\d)", lambda found: "e" + found[1].replace("+", "") + found[2], text)
    return "0" if text == "-0" else text.replace("-", "−")


def full(number: float) -> str:
    """A number with all of its digits."""
    return repr(float(number)).replace("-", "−")


def text_width(text: str, size: float, bold: bool = False) -> float:
    """How wide the text is in pixels, in the widest of the fonts that pictures name; the reader's may be narrower.

    It is the same on every machine, and a little more than the table says, for fonts that nobody named.

    >>> text_width("iii", 10.0) < text_width("mmm", 10.0) < text_width("mmm", 10.0, bold=True)
    True
    """
    widths = map((_BOLD if bold else _REGULAR).__getitem__, text)
    return math.fsum(widths) * size * _SPARE  # not sum(), which rounds differently since Python 3.12


class _Widths(dict[str, float]):
    """Widths of characters in ems; one that is not in the table counts as a wide one."""

    def __init__(self, advances: Mapping[int, str]) -> None:
        super().__init__({character: width / 1000 for width, members in advances.items() for character in members})

    def __missing__(self, character: str) -> float:
        width = 0.0 if combining(character) else 1.1 if _WIDE.match(character) else 1.0
        self[character] = width
        return width


_REGULAR, _BOLD = _Widths(advances.REGULAR), _Widths(advances.BOLD)
_SPARE = 1.02


def shortened(text: str, room: float, size: float, bold: bool = False) -> str:
    """The text, or as much of its beginning as fits into the room, and an ellipsis."""
    if not text or text_width(text, size, bold) <= room:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        fits = text_width(text[:middle] + "…", size, bold) <= room
        low, high = (middle, high) if fits else (low, middle - 1)
    return text[:low].rstrip() + "…"
