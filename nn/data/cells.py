"""What the cells of a column hold: numbers with nan for gaps, or words with None for gaps."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.engine.gate import rows, shown

from .reading import is_gap, plain_number

__all__ = [
    "Cells", "Source", "are_times", "cells_of_texts", "cells_of_values", "counts_rows", "gaps",
    "has_decimal_commas", "in_order", "most_frequent", "times_said", "whole", "word",
]  # fmt: skip

Cells = NDArray[Any]  # (rows,): float64, or objects, each a str or None

MOSTLY = 0.8  # of the cells of a column: where so many are numbers, one that is none is a mistake
DECIMAL_COMMA = re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+)?,\d+([eE][+-]?\d+)?")
THOUSANDS_COMMA = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")
_CLOCK = r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp][Mm])?(Z|[+-]\d{2}:?\d{2})?"
_DATE = r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](\d{2}|\d{4}))"
_SPAN = r"-?\d+ (days?|hours?|minutes?|seconds?|milliseconds?|microseconds?|nanoseconds?)"
TIME = re.compile(rf"{_DATE}([ T]{_CLOCK})?|(-?\d+ days?,? )?{_CLOCK}|{_SPAN}")
COUNT = re.compile(r"|#|(row[_ ]?)?(id|idx|index|nr|no)\.?|.*[_ ]id|unnamed: 0|lfd\.? ?nr\.?")
DECIMAL = "write decimal=',' for the first, decimal='.' for the second"
NUMBERS = "write numbers in place of texts, as 1000.5"  # where nobody can be asked for a decimal sign
THOUSANDS_POINT = re.compile(r"[+-]?\d{1,3}(\.\d{3})+")


@dataclass(frozen=True, eq=False)
class Source:
    """Where rows come from: a file, whose lines errors name, or data that were given under that name."""

    name: str
    numbers: NDArray[np.int64] | None = None  # of the rows; None for 0, 1, 2, …
    what: str = "row"  # what is numbered: "line" in a file

    def at(self, row: int) -> str:
        """How errors name a row: line 3 of trees.csv, or row 1 of X."""
        return f"{self.what} {row if self.numbers is None else self.numbers[row]} of {self.name}"

    def of(self, rows: NDArray[Any]) -> Source:
        """The source of these rows, numbers or a mask."""
        if self.numbers is not None:
            return Source(self.name, self.numbers[rows], self.what)
        return Source(self.name, np.flatnonzero(rows) if rows.dtype == bool else rows, self.what)


def gaps(cells: Cells) -> NDArray[np.bool_]:
    """Which cells are gaps."""
    if cells.dtype == object:
        return np.array([cell is None for cell in cells.tolist()], dtype=bool)
    return np.isnan(cells)


def word(value: Any) -> str:
    """A value as a word: whole numbers have no point, so that 3, 3.0 and '3' are the same category.

    >>> word(3.0), word(" oak "), word(True)
    ('3', 'oak', 'True')
    """
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, (Real, Decimal)) and float(value).is_integer():
        return str(int(float(value)))
    return str(value).strip()


def cells_of_texts(
    name: str,
    texts: NDArray[Any],
    source: Source,
    words: bool = False,
    decimal: str | None = None,
    delimiter: str = ",",
) -> Cells:
    """The cells of a column that holds texts: numbers where all of them are numbers, else words.

    Errors: ValueError for one that is no number among many that are, and for 1,234 where it may mean 1.234 or 1234.
    """
    stripped = [text.strip() for text in texts.tolist()]
    filled: list[str | None] = [None if is_gap(text) else text for text in stripped]
    if not words:
        numbers = _numbers(name, filled, source, decimal, delimiter)
        if numbers is not None:
            return numbers
    found: dict[str, str] = {}  # words that are equal share their memory
    return np.array([None if text is None else found.setdefault(text, text) for text in filled], dtype=object)


def cells_of_values(
    name: str, given: Any, source: Source, words: bool = False, decimal: str | None = None, asks: str = DECIMAL
) -> Cells:
    """The cells of a column of a frame, or of any sequence.

    `asks` is what people are told to write where 1,234 may mean 1.234 or 1234; "" where nobody can be asked.

    Errors: ValueError for a value that is neither a number, a word nor a gap, and for one that is no number among many
    that are.
    """
    array = rows(given, f"column {name!r}")
    if array.ndim != 1:
        raise ValueError(f"column {name!r} of {source.name} has the shape {array.shape}; a column is (rows,)")
    mask = np.ma.getmaskarray(array)
    if array.dtype.kind in "mM":
        array, mask = array.astype(str).astype(object), mask | np.isnat(array)
    if array.dtype.kind in "biuf" and not words:
        return np.where(mask, np.nan, np.asarray(array, dtype=np.float64))
    values = [None if hidden or _is_missing(one) else one for one, hidden in zip(array.tolist(), mask.tolist())]
    for row, value in enumerate(values):
        if value is not None and not isinstance(value, (str, Real, Decimal, date, time, timedelta)):
            raise ValueError(
                f"{source.at(row)} holds {shown(value)} in column {name!r}, which is neither a number nor a text; "
                f"make it one of them, or leave the column out: ignore=[{name!r}]"
            )
    if any(isinstance(value, (date, time, timedelta)) for value in values):
        values, words = [None if value is None else str(value) for value in values], True
    if not words:
        if not any(isinstance(value, str) for value in values):
            return np.array([np.nan if value is None else float(value) for value in values])
        point = "," if decimal == "," else "."
        texts = [
            value if value is None or isinstance(value, str) else repr(float(value)).replace(".", point)
            for value in values
        ]
        held = [None if text is None or is_gap(text) else text.strip() for text in texts]
        numbers = _numbers(name, held, source, decimal, asks=asks)
        if numbers is not None:
            return numbers
    return np.array([None if value is None or is_gap(word(value)) else word(value) for value in values], dtype=object)


def has_decimal_commas(raw: NDArray[Any], cells: Cells) -> bool:
    """Whether a comma ends the whole part of numbers that were read from texts."""
    if cells.dtype == object or raw.dtype.kind not in "OU":
        return False
    texts = [(one.strip(), number) for one, number in zip(raw.tolist(), cells.tolist()) if isinstance(one, str)]
    return any("," in one and _number(one, ",") == number != _number(one, ".") for one, number in texts)


def are_times(cells: Cells) -> bool:
    """Whether all that is held are dates, times of a day or durations, as people and libraries write them."""
    held = [cell for cell in cells.tolist() if cell is not None] if cells.dtype == object else []
    return bool(held) and all(TIME.fullmatch(cell) for cell in held)


def counts_rows(name: str, cells: Cells) -> bool:
    """Whether whole numbers rise from row to row, in a column whose name says that they mean no more than that."""
    if cells.dtype == object or len(cells) < 3 or not COUNT.fullmatch(name.strip().lower()):
        return False
    return whole(cells) and bool((np.diff(cells) > 0).all())


def times_said(name: str, source: Source) -> str:
    """What the error about such a target says."""
    return (
        f"column {name!r} of {source.name} holds times; make numbers of them, such as the year or the days since the "
        f"first, or leave the column out: ignore=[{name!r}]"
    )


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (float, np.floating, Decimal)) and value != value


def _numbers(
    name: str,
    texts: list[str | None],
    source: Source,
    decimal: str | None = None,
    delimiter: str = ",",
    asks: str = DECIMAL,
) -> NDArray[np.float64] | None:
    """The texts as numbers, or None where they are words."""
    held = [text for text in texts if text is not None]
    style = _style(name, texts, source, decimal, delimiter, asks)
    parsed = [np.nan if text is None else _number(text, style) for text in texts]
    wrong = [row for row, number in enumerate(parsed) if number is None]
    if not wrong:
        return np.array(parsed, dtype=np.float64)
    if len(wrong) > (1 - MOSTLY) * len(held):
        return None
    row, more = wrong[0], len(wrong) - 1
    others = f", and so {'does one' if more == 1 else f'do {more}'} more of its rows" * (more > 0)
    raise ValueError(
        f"{source.at(row)} holds {shown(texts[row])} in column {name!r}, where {len(held) - len(wrong)} of {len(held)} "
        f"values are numbers{others}; correct it, leave the field empty, or take all of them as words: "
        f"categorical=[{name!r}]"
    )


def _style(name: str, texts: list[str | None], source: Source, decimal: str | None, delimiter: str, asks: str) -> str:
    """ "." where the numbers have decimal points (and may have commas between thousands), "," where decimal commas."""
    if decimal is not None:
        return decimal
    commas = [(row, text) for row, text in enumerate(texts) if text is not None and "," in text]
    commas = [(row, text) for row, text in commas if DECIMAL_COMMA.fullmatch(text) or THOUSANDS_COMMA.fullmatch(text)]
    if not commas:
        return "."
    sure = any(not THOUSANDS_COMMA.fullmatch(text) for _, text in commas)  # as 1,5
    thousands = any(not DECIMAL_COMMA.fullmatch(text) for _, text in commas)  # as 1,234.5
    points = [
        (row, text)
        for row, text in enumerate(texts)
        if text is not None and "," not in text and "." in text and plain_number(text) is not None
    ]
    if (sure and (thousands or points)) or (delimiter == ";" and not thousands and points):
        (row, text), (other, point) = commas[0], next(iter(points), commas[-1])
        raise ValueError(
            f"column {name!r} has {text} in {source.at(row)} and {point} in {source.at(other)}; "
            + ("write decimal=',' or decimal='.', whichever ends the whole part of its numbers" if asks else NUMBERS)
        )
    if sure or (delimiter == ";" and not thousands):
        return ","
    if not thousands and not points:
        row, text = commas[0]
        raise ValueError(
            f"{source.at(row)} holds {text!r} in column {name!r}, which may be {text.replace(',', '.', 1)} or "
            f"{text.replace(',', '')}; " + (asks or NUMBERS)
        )
    return "."


def _number(text: str, style: str) -> float | None:
    if style == ",":
        if THOUSANDS_POINT.fullmatch(text):
            text = text.replace(".", "")
        elif DECIMAL_COMMA.fullmatch(text):
            text = text.replace(".", "").replace(",", ".")
        elif "." in text:
            return None
    elif THOUSANDS_COMMA.fullmatch(text):
        text = text.replace(",", "")
    return plain_number(text)


def most_frequent(words: list[str]) -> str:
    """The word that stands there most often; of several, the first in the alphabet."""
    counts = Counter(words)
    return min(counts, key=lambda one: (-counts[one], one))


def in_order(values: Any) -> list[Any]:
    """Different values in order: numbers by size, words by the alphabet."""
    return sorted(set(values), key=lambda one: (isinstance(one, str), one))


def whole(cells: Cells) -> bool:
    """Whether all cells that are no gaps are whole numbers."""
    held = cells[~np.isnan(cells)] if cells.dtype != object else np.array([0.5])
    return bool(np.isfinite(held).all() and (held % 1 == 0).all())
