"""Text and numbers as people read them; whatever a user typed is made harmless here and nowhere else."""

from __future__ import annotations

import re
from html import escape

LONGEST = 1000  # characters of one label; nobody reads further, and a drawing repeats it in each expression
# What XML 1.0 forbids, and the marks that would turn the direction of the text after them.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]")
_WIDE = re.compile("[\u1100-\uffdc\U00010000-\U0010ffff]")
_NARROW = frozenset("iIjlftr.,:;'|!()[] 1")
_BROAD = frozenset("mwMWQO@%∂→…×−+=")


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
    """About how wide the text is in pixels; the estimate is rather too wide than too narrow.

    Nothing is measured, because fonts differ between machines and drawings must not.
    """
    if _WIDE.search(text) is None:
        narrow = len([1 for character in text if character in _NARROW])
        broad = len([1 for character in text if character in _BROAD or character.isupper()])
        ems = 0.6 * len(text) - 0.22 * narrow + 0.16 * broad
    else:
        ems = 0.0
        for character in text:
            ems += 1.1 if _WIDE.match(character) else 0.65
    return ems * size * (1.06 if bold else 1.0)


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
