"""The columns of a CSV file as the cells of a table, for `table` and for a model that predicts."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import Any

from .cells import Cells, Source, cells_of_texts
from .columns import meant, quoted
from .reading import Sheet, read_csv

__all__ = ["cells_of_file", "sheet_cells", "sheet_of"]


def cells_of_file(
    path: str | os.PathLike[str],
    wanted: Mapping[str, bool],
    target: str = "",
    delimiter: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
) -> tuple[dict[str, Cells], Source]:
    """The columns of a file by name, of those that are `wanted`, which says for each whether it holds words.

    Columns may stand in any order, and others beside them. The `target` alone need not be there.

    Errors: ValueError that names line, column and value, or a missing column; OSError for what cannot be read.
    """
    words = [name for name, of_words in wanted.items() if of_words]
    sheet = sheet_of(path, delimiter, encoding, None, None if decimal == "," else words)
    used = {name: raw for name, raw in zip(sheet.names, sheet.columns) if name in wanted}
    for name in wanted:
        if name not in used and name != target:
            has = f"which has {quoted(sheet.names, 20)}{meant(name, sheet.names)}"
            raise ValueError(f"{name!r}, which the model takes, is no column of {sheet.name}, {has}")
    source = Source(sheet.name, sheet.lines, "line")
    return sheet_cells(sheet, used, source, words, decimal), source


def sheet_of(path: Any, delimiter: Any, encoding: Any, names: Any, texts: Collection[str] | None) -> Sheet:
    """The file's columns; ValueError where the path is an address or the text of a file."""
    shown_path = os.fspath(path)
    if str(shown_path).startswith(("http://", "https://", "ftp://")):
        raise ValueError(f"{shown_path!r} is an address; download the file, and give its path")
    if "\n" in str(shown_path):
        raise ValueError("the data are a text of several lines; give the path of a file, or a frame")
    return read_csv(path, delimiter, encoding, names, texts)


def sheet_cells(
    sheet: Sheet, used: Mapping[str, Cells], source: Source, words: Collection[str], decimal: str | None
) -> dict[str, Cells]:
    """The columns of a file as cells; ValueError where some of its numbers may be read in two ways."""
    cells = {
        name: cells_of_texts(name, raw, source, name in words, decimal, sheet.delimiter) if raw.dtype == object else raw
        for name, raw in used.items()
    }
    if decimal is None:
        _check_decimals(sheet, cells)
    return cells


def _check_decimals(sheet: Sheet, cells: Mapping[str, Cells]) -> None:
    """ValueError where some columns have decimal commas, and others points that may stand between thousands."""
    if sheet.delimiter != ";":
        return
    with_commas = [
        name
        for name, raw in zip(sheet.names, sheet.columns)
        if raw.dtype == object and name in cells and cells[name].dtype != object and any("," in text for text in raw)
    ]
    for name, dotted in zip(sheet.names, sheet.dotted):
        if with_commas and dotted and name in cells and cells[name].dtype != object:
            raise ValueError(
                f"{sheet.name} has decimal commas in column {with_commas[0]!r} and points in column {name!r}; write "
                "decimal=',' if the points stand between thousands, decimal='.' if the commas do"
            )
