"""Files of comma-separated values, as columns of numbers or of texts, with the line on which each row stands."""

from __future__ import annotations

import csv
import gzip
import io
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from chainrule.engine.numeric import counted
from chainrule.engine.telling import tell

__all__ = ["Sheet", "is_gap", "numbered", "plain_number", "read_csv"]

GAPS = frozenset(["", "na", "n/a", "#n/a", "#na", "nan", "-nan", "null", "none", "nil", "<na>", "?", "-", "--", "."])
BLOCK = 20_000  # rows that are held as texts at a time
SAMPLE = 1 << 16  # bytes from which the delimiter is found
DELIMITERS = ",;\t|"
LONGEST = 131_072  # characters of one field; csv's own limit
UTF16 = (b"\xff\xfe", b"\xfe\xff")
NOT_TEXT = {
    b"PK\x03\x04": "is an Excel workbook or a ZIP file; save it as CSV, or give a frame: "
    "cr.table(pd.read_excel(path), …)",
    b"PAR1": "is a Parquet file; give a frame: cr.table(pd.read_parquet(path), …)",
    b"\xd0\xcf\x11\xe0": "is an old Excel workbook; save it as CSV",
    b"%PDF": "is a PDF; save its table as CSV",
    b"SQLite": "is a database; give a frame: cr.table(pd.read_sql(…), …)",
}


@dataclass(frozen=True, eq=False)
class Sheet:
    """The columns of a file: float64 with nan for gaps where all of a column are plain numbers, else texts."""

    name: str
    names: list[str]
    columns: list[NDArray[Any]]
    lines: NDArray[np.int64]  # (rows,)
    delimiter: str
    dotted: list[bool]  # whether a number of the column has a decimal point; only told of columns of numbers


def is_gap(text: str) -> bool:
    """Whether the text stands for a value that is missing.

    >>> is_gap(" n/a "), is_gap("0")
    (True, False)
    """
    return text.strip().lower() in GAPS


def read_csv(
    path: str | os.PathLike[str],
    delimiter: str | None = None,
    encoding: str | None = None,
    names: Sequence[str] | None = None,
    as_texts: Collection[str] | None = (),
) -> Sheet:
    """The file's columns. UTF-8 with or without a mark at its beginning, UTF-16 and Windows' and Latin-1's letters.

    `names` are those of the columns of a file without a header. The columns in `as_texts` stay texts. With None all of
    them do, and none is left out: the rows as they stand in the file.

    Errors: ValueError that names the line for what is no table; OSError where the file cannot be read.
    """
    file = Path(path)
    open_bytes = _opener(file)
    with open_bytes() as stream:
        start = stream.read(SAMPLE)
    _check_is_text(file.name, start)
    for tried in [encoding] if encoding else _encodings(start):
        try:
            return _read(file.name, open_bytes, tried, delimiter, names, as_texts)
        except UnicodeDecodeError as problem:
            failed = problem
        except LookupError:
            raise ValueError(f"encoding={encoding!r} is no encoding; write encoding='utf-8' or 'cp1252'") from None
    raise ValueError(f"{file.name} is not written in {encoding}: {failed}; leave encoding out, or name another")


def _opener(file: Path) -> Callable[[], BinaryIO]:
    if file.is_dir():
        raise ValueError(f"{file} is a folder; give the path of one file")
    with open(file, "rb") as stream:
        zipped = stream.read(2) == b"\x1f\x8b"
    return (lambda: gzip.open(file, "rb")) if zipped else (lambda: open(file, "rb"))  # type: ignore[return-value]


def _check_is_text(name: str, start: bytes) -> None:
    if not start.strip():
        raise ValueError(f"{name} is empty; it needs a line with the names of its columns, and rows")
    for magic, said in NOT_TEXT.items():
        if start.startswith(magic):
            raise ValueError(f"{name} {said}")
    if b"\x00" in start and not start.startswith(UTF16):
        line = start[: start.index(b"\x00")].count(b"\n") + 1
        raise ValueError(f"{name} is no text: line {line} holds the byte 0; save it as CSV in UTF-8")


def _encodings(start: bytes) -> list[str]:
    return ["utf-16"] if start.startswith(UTF16) else ["utf-8-sig", "cp1252", "latin-1"]


def _read(
    name: str,
    open_bytes: Callable[[], BinaryIO],
    encoding: str,
    delimiter: str | None,
    names: Sequence[str] | None,
    as_texts: Collection[str] | None,
) -> Sheet:
    with open_bytes() as binary, io.TextIOWrapper(binary, encoding, newline="") as stream:
        chosen = delimiter or _delimiter(stream.read(SAMPLE))
    if len(chosen) != 1:
        raise ValueError(f"delimiter={chosen!r} is one character, such as ',', ';' or '\\t'")
    with open_bytes() as binary, io.TextIOWrapper(binary, encoding, newline="") as stream:
        records = _records(name, stream, chosen)
        line, header = next(records)
        if names is None:
            found = _checked_names(name, line, header)
        else:
            found, records = _given_names(name, names, header), chain([(line, header)], records)
        texts = set(found) if as_texts is None else set(as_texts)
        parts: list[list[NDArray[Any]]] = [[] for _ in found]
        lines: list[NDArray[np.int64]] = []
        dotted = [False] * len(found)
        for numbers, block in _blocks(name, records, found, chosen):
            lines.append(np.array(numbers, dtype=np.int64))
            for j, cells in enumerate(zip(*block)):
                part = None if found[j] in texts else _floats(cells)
                dotted[j] |= part is not None and "." in "".join(cells)
                parts[j].append(np.array(cells, dtype=object) if part is None else part)
    if not lines:
        raise ValueError(f"{name} has a line with the names of columns, {', '.join(found)}, and no rows")
    mixed = {found[j] for j, each in enumerate(parts) if len({part.dtype.kind for part in each}) > 1}
    if mixed:  # numbers that have words in a later block: their texts are wanted after all
        return _read(name, open_bytes, encoding, delimiter, names, texts | mixed)
    columns = [np.concatenate(each) for each in parts]
    sheet = Sheet(name, found, columns, np.concatenate(lines), chosen, dotted)
    return sheet if as_texts is None else _without_index(sheet)


def _records(name: str, stream: io.TextIOWrapper, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that hold anything, each with the line that it begins on."""
    reader, line, empty = csv.reader(stream, delimiter=delimiter, skipinitialspace=True, strict=True), 1, True
    while True:
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error as problem:
            raise ValueError(f"line {line} of {name} {_csv_problem(str(problem), delimiter)}") from None
        if row and (row[0] or any(map(str.strip, row))):
            empty = False
            yield line, row
        line = reader.line_num + 1
    if empty:
        raise ValueError(f"{name} holds nothing but empty lines")


def _csv_problem(said: str, delimiter: str) -> str:
    if "unexpected end" in said or "field larger" in said:
        return "opens a quotation mark that is not closed; close it, or write it twice if it belongs to the text"
    if "expected after" in said:
        return f"goes on after a closing quotation mark; a field in quotes ends there, with {delimiter!r} after it"
    return f"cannot be read: {said}"


def _blocks(
    name: str, records: Iterator[tuple[int, list[str]]], names: list[str], delimiter: str
) -> Iterator[tuple[list[int], list[list[str]]]]:
    width, lines, block = len(names), list[int](), list[list[str]]()
    for line, row in records:
        if len(row) != width:
            if len(row) > width and not any(map(str.strip, row[width:])):
                row = row[:width]  # a delimiter at the end of the line, as some programs write it
            elif len(row) == width - 1 and not names[-1]:
                row = [*row, ""]
            else:
                raise ValueError(_odd_row(name, line, row, width, delimiter))
        lines.append(line)
        block.append(row)
        if len(block) == BLOCK:
            yield lines, block
            lines, block = [], []
    if block:
        yield lines, block


def _odd_row(name: str, line: int, row: list[str], width: int, delimiter: str) -> str:
    shown = delimiter.join(row)
    said = f"line {line} of {name} has {counted(len(row), 'field')}, and the header has {width}: {shown:.60}"
    if len(row) > width:
        return f"{said}; a text with {delimiter!r} in it stands in quotation marks"
    return f"{said}; a value that is missing leaves its field empty, between two {delimiter!r}"


def _checked_names(name: str, line: int, header: list[str]) -> list[str]:
    names = [text.strip() for text in header]
    while len(names) > 1 and not names[-1]:
        names.pop()
    shown = ", ".join(names[:5]) + ", …" * (len(names) > 5)
    advice = (
        "for a file without such a line, write "
        f"names=[{', '.join(repr(f'x{j}') for j in range(1, min(len(names), 3) + 1))}{', …' * (len(names) > 3)}]"
    )
    spelled = [plain_number(text) for text in names]
    if all(number is not None or is_gap(text) for text, number in zip(names, spelled)):
        raise ValueError(f"line {line} of {name} has to name the columns, and holds {shown}; {advice}")
    if any(number is not None and number % 1 for number in spelled):  # a whole number may be a year
        tell(f"line {line} of {name} is taken for the names of the columns, and holds {shown}; {advice}")
    return numbered(names, f"line {line} of {name}")


def numbered(names: Sequence[str], where: str) -> list[str]:
    """The names of columns, of which a second "a" is called "a (2)", with a warning; empty names stay as they are."""
    found: list[str] = []
    for name in names:
        one, times = name, 1
        while name and one in found:
            one, times = f"{name} ({times + 1})", times + 1
        found.append(one)
    if twice := [one for name, one in zip(names, found) if name != one]:
        tell(f"{where} has several columns of the same name: the later ones are called {', '.join(map(repr, twice))}")
    return found


def _given_names(name: str, names: Sequence[str], first: list[str]) -> list[str]:
    given = [str(one) for one in names]
    if len(given) != len(first):
        raise ValueError(
            f"names has {counted(len(given), 'name')}, and the first row of {name} has {counted(len(first), 'field')}"
        )
    if twice := [one for place, one in enumerate(given) if one in given[:place]]:
        raise ValueError(f"names has {twice[0]!r} twice; give each column a name of its own")
    return given


def _without_index(sheet: Sheet) -> Sheet:
    """Without columns that have no name: the numbers of the rows, as pandas writes them, and empty ones."""
    kept = list(range(len(sheet.names)))
    for j, name in enumerate(sheet.names):
        if not name:
            cells = sheet.columns[j]
            numbered = cells.dtype != object and (np.diff(cells) == 1).all()
            if not (numbered or (cells.dtype != object and np.isnan(cells).all())):
                said = f"column {j + 1} of {sheet.name} has no name; write one into line 1 of the file"
                index = (
                    "" if j else ", or leave the column out: pandas writes none with frame.to_csv(path, index=False)"
                )
                raise ValueError(said + index)
            kept.remove(j)
    if len(kept) == len(sheet.names):
        return sheet
    return Sheet(
        sheet.name,
        [sheet.names[j] for j in kept],
        [sheet.columns[j] for j in kept],
        sheet.lines,
        sheet.delimiter,
        [sheet.dotted[j] for j in kept],
    )


def _delimiter(sample: str) -> str:
    """The character that divides most rows into as many fields as the first; a comma where none does."""
    lines = [line for line in sample.splitlines() if line.strip()][:100]
    best, found = (0.0, 1), ","
    for candidate in DELIMITERS:
        try:
            counts = [len(row) for row in csv.reader(lines, delimiter=candidate, skipinitialspace=True) if row]
        except csv.Error:
            continue
        if counts and counts[0] > 1:
            score = (sum(count == counts[0] for count in counts) / len(counts), counts[0])
            best, found = max((best, found), (score, candidate))
    return found


def _floats(cells: Sequence[str]) -> NDArray[np.float64] | None:
    """The cells as floats, gaps as nan; None if one of them is no plain number."""
    try:
        found = np.array(list(map(float, cells)))
    except ValueError:
        filled = [text if text.strip().lower() not in GAPS else "nan" for text in cells]
        try:
            found = np.array(list(map(float, filled)))
        except ValueError:
            return None
    return None if "_" in "".join(cells) else found  # Python reads 1_000 as 1000; in a table it is a name


def plain_number(text: str) -> float | None:
    """The number that a text spells, without commas; None for none."""
    found = _floats([text])
    return None if found is None or is_gap(text) else float(found[0])
