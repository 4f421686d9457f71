"""Names and numbers as people read them; whatever a user typed is made harmless here, once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from chainrule.engine import Value

UNNAMED = "ƒ"   # an operation made by hand, without a name
LONGEST = 1000  # characters of one label; nobody reads further, and a drawing repeats it in each expression
# What XML 1.0 forbids, and the marks that would turn the direction of the text after them.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]")
_WIDE = re.compile("[\u1100-\uffdc\U00010000-\U0010ffff]")
_NARROW = frozenset("iIjlftr.,:;'|!()[] 1")
_BROAD = frozenset("mwMWQO@%∂→…×−+=")


def clean(text: object) -> str:
    """The text on one line, without characters that XML forbids; still to be escaped."""
    line = " ".join(_FORBIDDEN.sub("\ufffd", str(text)).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def markup(text: object) -> str:
    """The text for SVG and HTML, in content and in attributes."""
    return escape(_FORBIDDEN.sub("\ufffd", str(text)), quote=True)


def short(number: float, digits: int = 4) -> str:
    """A number with a few digits and a true minus sign.

    >>> short(-0.70710678), short(6.0), short(1.5e-7), short(float("-inf"))
    ('−0.7071', '6', '1.5e−7', '−inf')
    """
    text = re.sub(r"e([+-])0*(\d)", lambda found: "e" + found[1].replace("+", "") + found[2], f"{number:.{digits}g}")
    return "0" if text == "-0" else text.replace("-", "−")


def full(number: float) -> str:
    """All digits of a number."""
    return repr(float(number)).replace("-", "−")


def value_names(order: Sequence[Value]) -> list[str]:
    """A name for each value: its label, or v1, v2, … in topological order."""
    labels = [clean(value.label) if value.label else "" for value in order]
    taken = set(labels)
    names, number = [], 0
    for label in labels:
        while not label:
            number += 1
            label = "" if f"v{number}" in taken else f"v{number}"
        names.append(label)
    return names


def expression(value: Value, names: Sequence[str]) -> str:
    """What the value was computed from; `names` are those of the Values among its arguments, in order.

    >>> from chainrule import Value
    >>> expression(Value(2.0, label="x") * 3, ["x"])
    'x × 3'
    """
    operation = value.operation
    if operation is None:
        return ""
    if isinstance(operation, str):  # a node made by hand: only the text that its maker gave
        sign = clean(operation) or UNNAMED
        return f"{sign}({', '.join(names)})" if sign[:1].isalpha() else f" {sign} ".join(names)
    given = iter(names)
    written: str = operation.write([next(given) if isinstance(a, Value) else short(float(a)) for a in value.arguments])
    return written


def badge(value: Value) -> str:
    """The text of the round badge."""
    operation = value.operation
    if operation is None:
        return ""
    return clean(operation) or UNNAMED if isinstance(operation, str) else operation.badge or operation.name


def width(text: str, size: float, bold: bool = False) -> float:
    """About how wide the text is, in pixels; rather too wide than too narrow.

    Fonts differ between machines and drawings must not, so nothing is measured.
    """
    if _WIDE.search(text) is None:
        narrow = len([1 for sign in text if sign in _NARROW])
        broad = len([1 for sign in text if sign in _BROAD or sign.isupper()])
        ems = 0.6 * len(text) - 0.22 * narrow + 0.16 * broad
    else:
        ems = 0.0
        for sign in text:
            ems += 1.1 if _WIDE.match(sign) else 0.65
    return ems * size * (1.06 if bold else 1.0)


def fit(text: str, room: float, size: float, bold: bool = False) -> str:
    """The text, or as much of its beginning as has room, and an ellipsis."""
    if not text or width(text, size, bold) <= room:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if width(text[:middle] + "…", size, bold) <= room else (low, middle - 1)
    return text[:low].rstrip() + "…"
