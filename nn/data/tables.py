"""`table`: a file, a frame or columns of one's own as a Dataset."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.engine.gate import rows

from .cells import Cells, Source, cells_of_texts, cells_of_values, gaps, in_order, shown, whole, word
from .columns import listed, meant
from .dataset import Dataset, Table
from .frames import frame_columns
from .reading import Sheet, read_csv

__all__ = ["table"]

MISSING = ("fill", "drop", "error")
FEW_CLASSES = 20  # whole numbers of a target are classes if there are no more of them than this
MANY_WORDS = 20  # different words of a column: with more, and more than half as many as rows, it tells rows apart
NN = Path(__file__).parents[1]


def table(
    data: Any,
    target: str,
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

    Errors: ValueError that names line, column and value; OSError for a file that cannot be read.
    Warnings: RuntimeWarning for a column that is left out.

    >>> data = table({"height": [8.5, 12.0, None, 20.0], "soil": ["clay", "sand", "sand", "clay"],
    ...               "species": ["oak", "oak", "pine", "pine"]}, target="species")
    >>> data.feature_names
    ('height', 'soil=clay', 'soil=sand')
    >>> data.X.tolist()[2], data.y.tolist(), data.target_names
    ([12.0, 0.0, 1.0], [0, 0, 1, 1], ('oak', 'pine'))
    """
    if not isinstance(missing, Mapping) and missing not in MISSING:
        raise ValueError(f"missing={missing!r} is not one of {', '.join(map(repr, MISSING))}, nor a dict of columns")
    if decimal not in (None, ".", ","):
        raise ValueError(f"decimal={decimal!r} is neither '.' nor ','")
    left_out, words = _names("ignore", ignore), _names("categorical", categorical)
    if target is None or isinstance(target, (list, tuple, set, dict)):
        raise TypeError(f"target is the name of one column, got {type(target).__name__} {target!r:.60}")
    target = str(target)
    if isinstance(data, (str, os.PathLike)):
        sheet = _sheet(data, delimiter, encoding, names, None if decimal == "," else words)
        source = Source(sheet.name, sheet.lines, "line")
        given: Mapping[str, Any] = dict(zip(sheet.names, sheet.columns))
    else:
        sheet, source = None, Source(_called(data))
        given = _columns(data, names)
    fill, index = missing if isinstance(missing, Mapping) else {}, getattr(getattr(data, "index", None), "name", None)
    for option, wanted in (("target", [target]), ("ignore", left_out), ("categorical", words), ("missing", list(fill))):
        _check_there(option, wanted, given, source.name, sheet is not None, index)
    if target in left_out:
        raise ValueError(f"target={target!r} is to be predicted and cannot be in ignore")
    cells = {}
    for name, raw in given.items():
        as_words = name in words
        if name in left_out:
            continue
        if sheet is None:
            cells[name] = cells_of_values(name, raw, source, as_words)
        elif raw.dtype == object:
            cells[name] = cells_of_texts(name, raw, source, as_words, decimal, sheet.delimiter)
        else:
            cells[name] = raw
    if sheet is not None and decimal is None:
        _check_decimals(sheet, cells)
    lengths = {name: len(column) for name, column in cells.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"the columns of {source.name} differ in length: {lengths}")
    if not lengths[target]:
        raise ValueError(f"{source.name} has no rows")
    return Dataset.of(_table(source, cells, given[target], target, missing, fill, classes, words))


def _table(
    source: Source,
    cells: dict[str, Cells],
    raw_target: Any,
    target: str,
    missing: str | Mapping[str, Any],
    fill: Mapping[str, Any],
    classes: bool | None,
    words: Collection[str],
) -> Table:
    goal, notes = cells.pop(target), list[str]()
    if missing == "error":
        _refuse_gaps({**cells, target: goal}, source)
    kept = ~gaps(goal)
    if not kept.any():
        raise ValueError(f"column {target!r} of {source.name}, the target, is empty")
    if lost := int((~kept).sum()):
        notes.append(f"{lost} row{'s' * (lost > 1)} without {target} left out")
    cells = _useful(cells, kept, source, notes, words)
    if missing == "drop":
        full = kept & ~np.any([gaps(column) for column in cells.values()], axis=0)
        if not full.any():
            emptiest = max(cells, key=lambda name: int(gaps(cells[name]).sum()))
            raise ValueError(
                f"each row of {source.name} has a gap; leave the emptiest column out: ignore=[{emptiest!r}]"
            )
        if lost := int(kept.sum() - full.sum()):
            notes.append(f"{lost} row{'s' * (lost > 1)} with gaps left out")
        kept = full
    if not kept.all():
        cells = {name: column[kept] for name, column in cells.items()}
        goal, source = goal[kept], source.of(kept)
    for name, column in cells.items():
        if column.dtype != object and np.isinf(column).any():
            row = int(np.isinf(column).argmax())
            raise ValueError(f"{source.at(row)} holds {column[row]} in column {name!r}; it needs a finite number")
    labels = _class_names(goal, raw_target, target, source, classes)
    targets = goal.astype(np.float64) if labels is None else np.array([labels[one] for one in goal.tolist()])
    known = None if labels is None else tuple(_names_of(labels, raw_target))
    filled = {name: _fill(name, cells[name], value) for name, value in fill.items() if name in cells}
    name = Path(source.name.removesuffix(".gz")).stem if source.what == "line" else source.name
    fills = missing not in ("drop", "error")
    return Table(name, cells, targets, target, known, source, fills, filled, tuple(notes))


def _class_names(goal: Cells, raw: Any, target: str, source: Source, classes: bool | None) -> dict[Any, int] | None:
    """The label of each class; None where the target are numbers."""
    values = in_order(goal.tolist())
    if goal.dtype == object:
        if classes is False:
            row = 0
            raise ValueError(f"{source.at(row)} holds {shown(goal[row])} in column {target!r}; it needs numbers")
        if len(values) > max(MANY_WORDS, len(goal) // 2):
            raise ValueError(
                f"column {target!r}, the target, holds {len(values)} different texts in {len(goal)} rows "
                f"({listed(values, 3)}); classes have several rows each, and numbers stand without units"
            )
    elif np.isinf(goal).any():
        row = int(np.isinf(goal).argmax())
        raise ValueError(f"{source.at(row)} holds {goal[row]} in column {target!r}, the target")
    elif classes is False or (
        classes is None and not (whole(goal) and len(values) <= min(FEW_CLASSES, len(goal) // 2))
    ):
        return None
    if len(values) < 2:
        raise ValueError(
            f"column {target!r}, the target, is {shown(values[0])} in all rows; there is nothing to tell apart"
        )
    return {value: label for label, value in enumerate(values)}


def _names_of(labels: Mapping[Any, int], raw: Any) -> list[Any]:
    """Classes as people named them: 3 for 3.0, True for 1.0 where the column held bools."""
    bools = getattr(raw, "dtype", None) is not None and str(raw.dtype).lower() in ("bool", "boolean")
    if bools or (isinstance(raw, (list, tuple)) and all(isinstance(one, bool) for one in raw)):
        return [bool(one) for one in labels]
    return [int(one) if isinstance(one, float) and one % 1 == 0 else one for one in labels]


def _fill(name: str, cells: Cells, value: Any) -> Any:
    if cells.dtype == object:
        return word(value)
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"missing={{{name!r}: {value!r}}} is no number, and column {name!r} holds numbers") from None


def _useful(
    cells: dict[str, Cells], kept: NDArray[np.bool_], source: Source, notes: list[str], words: Collection[str]
) -> dict[str, Cells]:
    """The columns that say something: those without any value are left out, and words that tell each row apart."""
    useful, reasons = {}, []
    for name, column in cells.items():
        held = column[kept & ~gaps(column)]
        different = len(set(held.tolist())) if column.dtype == object else 0
        if not len(held):
            reasons.append((name, "has no values"))
        elif different > max(MANY_WORDS, len(held) // 2) and name not in words:
            reasons.append((name, f"holds {different} different texts in {len(held)} rows ({shown(held[0])}, …)"))
        else:
            useful[name] = column
    if reasons:
        said = "; ".join(f"column {name!r} {why}" for name, why in reasons)
        names = [name for name, _ in reasons]
        _warn(f"{source.name}: {said}: left out, as with ignore={names!r}")
        notes.append(f"left out: {', '.join(names)}")
    if not useful:
        raise ValueError(f"{source.name} has no column but the target that a model could learn from")
    return useful


def _refuse_gaps(cells: Mapping[str, Cells], source: Source) -> None:
    empty = {name: gaps(column) for name, column in cells.items()}
    found = [(int(mask.argmax()), name) for name, mask in empty.items() if mask.any()]
    if found:
        row, name = min(found)
        count = int(np.any(list(empty.values()), axis=0).sum())
        raise ValueError(
            f"{source.at(row)} has no value in column {name!r}; rows with gaps: {count}. Write "
            "missing='fill' or missing='drop'"
        )


def _sheet(path: Any, delimiter: Any, encoding: Any, names: Any, texts: Collection[str] | None) -> Sheet:
    shown_path = os.fspath(path)
    if str(shown_path).startswith(("http://", "https://", "ftp://")):
        raise ValueError(f"{shown_path!r} is an address; download the file, and give its path")
    if "\n" in str(shown_path):
        raise ValueError("the data are a text of several lines; give the path of a file, or a frame")
    return read_csv(path, delimiter, encoding, names, texts)


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
        has = f"{array.shape[1]} columns" if array.ndim == 2 else f"the shape {array.shape}"
        raise ValueError(
            f"the table has no names for its columns, and {has}; write names=['…', …], one for each column"
        )
    return {str(name): array[:, j] for j, name in enumerate(names)}


def _names(option: str, given: Collection[str]) -> list[str]:
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
            raise ValueError(f"{said} is no column of {name}, which has {listed(there, 20)}{hint}")


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


def _warn(said: str) -> None:
    """A warning at the line that called table."""
    level, frame = 1, sys._getframe()
    while frame.f_back and NN in Path(frame.f_code.co_filename).parents:
        level, frame = level + 1, frame.f_back
    warnings.warn(said, RuntimeWarning, stacklevel=level)
