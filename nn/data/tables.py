"""`table`: a file, a frame or columns of one's own as a Dataset."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from chainrule.engine.gate import rows
from chainrule.engine.numeric import counted

from ..arguments import listed, switch, text
from .cells import Cells, Source, cells_of_values, has_decimal_commas
from .choosing import MISSING, chosen
from .columns import meant, quoted
from .dataset import Dataset
from .frames import frame_columns
from .reading import Sheet, plain_number
from .sheets import sheet_cells, sheet_of

__all__ = ["table"]


def table(
    data: Any,
    target: str = "",
    *,
    missing: str | Mapping[str, Any] = "fill",
    classes: bool | None = None,
    ignore: Collection[str] = (),
    categorical: Collection[str] = (),
    names: Sequence[str] | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
) -> Dataset:
    """A Dataset of a table: the path of a CSV file, a frame of pandas or polars, a dict of columns, a list of dicts.

    `target` is the column to predict: classes by name, or numbers. Numbers become inputs as they are, a column of words
    a 0 or 1 for each of its categories. A column of words that are nearly all different is left out, with a warning.

    - `missing`: "fill" fills gaps with the median of the rows for training or with their most frequent word, "drop"
      leaves rows with gaps out, "error" refuses them; {"age": 30.0, "soil": "unknown"} fills these with what you say.
      A row without its target is always left out, or refused.
    - `classes`: whether the target are classes; unless given, words are, and whole numbers if there are at most 20.
    - `ignore`: columns to leave out; `categorical`: columns of numbers that are names, such as postcodes.
    - `names`, `delimiter`, `decimal`, `encoding`: of a file that has no header, or that says too little about itself.
      What ends the whole part of numbers is remembered by models, too, for the texts that `predict` is given.

    Errors: ValueError that names line, column and value; OSError for a file that cannot be read; TypeError that names
    the columns where no target is given.
    Warnings: RuntimeWarning for a column that is left out.

    >>> data = table({"height": [8.5, 12.0, None, 20.0], "soil": ["clay", "sand", "sand", "clay"],
    ...               "species": ["oak", "oak", "pine", "pine"]}, target="species")
    >>> data.feature_names
    ('height', 'soil=clay', 'soil=sand')
    >>> data.X.tolist()[2], data.y.tolist(), data.target_names
    ([12.0, 0.0, 1.0], [0, 0, 1, 1], ('oak', 'pine'))
    """
    _check_options(missing, decimal, delimiter, encoding)
    if names is not None:
        names = [str(one) for one in listed("names", names)]
    if classes is not None:
        classes = switch("classes", classes)
    left_out, words = _names("ignore", ignore), _names("categorical", categorical)
    if isinstance(target, (list, tuple, set, dict)):
        raise TypeError(f"target is the name of one column, got {type(target).__name__} {target!r:.60}")
    index = getattr(getattr(data, "index", None), "name", None)
    sheet = None
    if isinstance(data, (str, os.PathLike)):
        sheet = sheet_of(data, delimiter, encoding, names, None if decimal == "," else words)
    given = _columns(data, names) if sheet is None else dict(zip(sheet.names, sheet.columns))
    source = Source(_called(data)) if sheet is None else Source(sheet.name, sheet.lines, "line")
    if target is None or (isinstance(target, str) and not target and target not in given):
        has = quoted(list(given), 20)
        raise TypeError(f"write target=…, the column of {source.name} that is to be predicted; it has {has}")
    target = str(target)
    fill = list(missing) if isinstance(missing, Mapping) else []
    for option, wanted in (("target", [target]), ("ignore", left_out), ("categorical", words), ("missing", fill)):
        _check_there(option, wanted, given, source.name, sheet is not None, index)
    if target in left_out:
        raise ValueError(f"target={target!r} is to be predicted and cannot be in ignore")
    used = {name: raw for name, raw in given.items() if name not in left_out}
    cells, decimal = _cells(sheet, used, source, words, decimal)
    if not len(cells[target]):
        raise ValueError(f"{source.name} has no rows")
    made = chosen(source, cells, target, given[target], missing, classes, words)
    return Dataset.of(replace(made, decimal=decimal))


def _check_options(missing: Any, decimal: Any, delimiter: Any, encoding: Any) -> None:
    if not isinstance(missing, Mapping) and not (isinstance(missing, str) and missing in MISSING):
        raise ValueError(f"missing={missing!r} is not one of {', '.join(map(repr, MISSING))}, nor a dict of columns")
    if decimal is not None and not (isinstance(decimal, str) and decimal in (".", ",")):
        raise ValueError(f"decimal={decimal!r} is neither '.' nor ','")
    for option, given_text, example in (("delimiter", delimiter, ";"), ("encoding", encoding, "utf-8")):
        if given_text is not None:
            text(option, given_text, example)


def _cells(
    sheet: Sheet | None, used: Mapping[str, Any], source: Source, words: Collection[str], decimal: str | None
) -> tuple[dict[str, Cells], str | None]:
    """The columns as cells, all of the same length, and what ends the whole part of numbers that are texts."""
    if sheet is None:
        cells = {name: cells_of_values(name, raw, source, name in words, decimal) for name, raw in used.items()}
    else:
        cells = sheet_cells(sheet, used, source, words, decimal)
    lengths = {name: len(column) for name, column in cells.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"the columns of {source.name} differ in length: {lengths}")
    if decimal is None and any(has_decimal_commas(rows(raw, name), cells[name]) for name, raw in used.items()):
        decimal = ","
    return cells, decimal


def _called(data: Any) -> str:
    return "the frame" if hasattr(data, "iloc") or hasattr(data, "to_series") else "the table"


def _columns(data: Any, names: Sequence[str] | None) -> Mapping[str, Any]:
    if data is None or isinstance(data, (bytes, int, float)):
        raise TypeError(
            f"a table is the path of a file, a frame or columns by name, got {type(data).__name__} {data!r:.60}"
        )
    found = frame_columns(data, _called(data))
    if found is not None:
        return found
    array = rows(data, "the table")
    if names is None or array.ndim != 2 or array.shape[1] != len(names):
        has = counted(array.shape[1], "column") if array.ndim == 2 else f"the shape {array.shape}"
        raise ValueError(
            f"the table has no names for its columns, and {has}; write names=['…', …], one for each column"
        )
    return {str(name): array[:, j] for j, name in enumerate(names)}


def _names(option: str, given: Collection[str]) -> list[str]:
    if not isinstance(given, Iterable):
        raise TypeError(f"{option} holds names of columns, got {type(given).__name__} {given!r}; write {option}=['…']")
    return [given] if isinstance(given, str) else [str(one) for one in given]


def _check_there(
    option: str, wanted: Sequence[str], there: Mapping[str, Any], name: str, is_file: bool, index: Any
) -> None:
    for one in wanted:
        if one not in there:
            said = f"{option}={one!r}" if option == "target" else f"{option} has {one!r}, which"
            hint = meant(one, there)
            if option == "target" and index == one:
                hint = "; it is the index of the frame: give frame.reset_index()"
            elif len(there) == 1 and not hint and is_file:
                hint = "; if these are several, name what stands between them: delimiter=' '"
            elif is_file and not hint and any(plain_number(column) is not None for column in there):
                hint = "; for a file whose first line is no header, write names=['…', …], one for each column"
            raise ValueError(f"{said} is no column of {name}, which has {quoted(there, 20)}{hint}")
