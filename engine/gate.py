"""Data at the gate: arrays of plain numbers from arrays, lists and frames, or an error that names row and value.

pandas, polars, SciPy and torch are recognised by what their objects can do; none of them is imported.
"""

from __future__ import annotations

import datetime
import numbers as kinds
from collections.abc import Iterator, Mapping, Set, ValuesView
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .numeric import runs_operations

__all__ = ["Numbers", "columns_of", "numbers", "one_example", "rows", "shown"]

LARGEST = np.iinfo(np.int64).max
NUMBERS = (kinds.Real, Decimal, np.bool_)
MISSING = {"NoneType", "NAType", "NaTType", "MaskedConstant"}  # by name: pandas is not imported
TIMES = (datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64)


class Numbers(np.ndarray):
    """An array whose single elements are Python's numbers; NumPy's small integers would wrap around, as 3 - 5 = 254."""

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return found.item() if isinstance(found, np.generic) else found

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist()) if self.ndim == 1 else super().__iter__()


def one_example(array: NDArray[Any], i: int) -> Any:
    """Example i as eager code gets it: a Python number, or a new array of them, which the code may change."""
    found = array[i]
    return found.item() if array.ndim == 1 else np.array(found).view(Numbers)


def numbers(given: Any, name: str, finite: bool = False, values: bool = False) -> NDArray[Any]:
    """What holds numbers, as an array of float64, or of int64 where all are whole (bools are 0 and 1).

    With `values`, a Value counts as the number that it holds.

    Errors: TypeError for what is no number and what has no order, ValueError for a number that is missing, for rows of
    different lengths and, with `finite`, for nan and inf. Each names the row, the column and the value.
    """
    if given.__class__ is np.ndarray and (given.dtype == np.float64 or given.dtype == np.int64):
        table: NDArray[Any] = given if given.dtype.isnative else given.astype(given.dtype.newbyteorder("="))
        return _finite(table, _Place(name, given)) if finite else table
    if not (columns := columns_of(given, name)):
        place = _Place(name, given, None, values)
        table = _converted(rows(given, name), place)
        return _finite(table, place) if finite else table
    parts = []
    for j, (label, column) in enumerate(columns):
        place = _Place(name, given, (repr(label), j))
        part = _converted(rows(column, name), place)
        parts.append(_finite(part, place) if finite else part)
    return np.column_stack(parts)


def rows(given: Any, name: str) -> NDArray[Any]:
    """Any rows as an array of any type; masked arrays stay masked.

    Errors: TypeError for what has no order or no length, ValueError for rows of different lengths.
    """
    if isinstance(given, np.ndarray):
        return given if isinstance(given, np.ma.MaskedArray) else np.asarray(given)
    if columns := columns_of(given, name):
        arrays = [rows(column, name) for _, column in columns]
        plain = all(array.dtype.kind in "biuf" for array in arrays)
        return np.column_stack(arrays if plain else [array.astype(object) for array in arrays])
    _check_container(given, name)
    if isinstance(given, (list, tuple)) and any(isinstance(row, np.ma.MaskedArray) for row in given):
        return np.ma.array(given)
    try:
        array = np.asarray(given)
        if array.dtype.kind in "US" and isinstance(given, (list, tuple)):  # NumPy has made strings of the numbers, too
            array = np.array(given, dtype=object)
        return array
    except ValueError as problem:
        try:
            shapes = [np.shape(row) for row in given]
        except ValueError:
            raise ValueError(f"{name} holds rows of different lengths; all of them need the same") from None
        odd = next((i for i, shape in enumerate(shapes) if shape != shapes[0]), None)
        if odd is None:
            raise ValueError(f"{name} cannot be an array: {problem}") from None
        said = f"row 0 has the shape {shapes[0]}, row {odd} has {shapes[odd]}"
        raise ValueError(f"the rows of {name} differ: {said}; all of them need the same") from None
    except (TypeError, RuntimeError) as problem:  # a torch tensor that requires a gradient says what to write
        raise TypeError(f"{name}, {_a(given)}, cannot be an array of numbers: {problem}") from None


def shown(value: Any) -> str:
    """The value as errors show it: on one line, and not too long."""
    text = repr(value.item() if isinstance(value, np.generic) else value)
    return text if len(text) < 60 else text[:59] + "…"


@dataclass(frozen=True)
class _Place:
    """Where numbers come from: the name and the data as they were given, and the column of a frame (name, number)."""

    name: str
    given: Any
    column: tuple[str, int] | None = None
    values: bool = False  # whether Values count as numbers

    @property
    def code(self) -> str:
        """How the data are called in a line of code: `X` where the name is "validation X"."""
        last = self.name.split()[-1]
        return last if last.isidentifier() else "x"

    @property
    def column_code(self) -> str:
        """A line of code's word for the column."""
        return self.code if self.column is None else f"{self.code}[{self.column[0]}]"

    def says(self, index: tuple[int, ...], value: Any) -> str:
        """The sentence: row 3 of X holds 'a' in column 'city'."""
        where = ""
        if self.column is not None:
            where = f" in column {self.column[0]}"
        elif len(index) == 2:
            where = f" in column {index[1]}"
        elif len(index) > 2:
            where = f" at {list(index[1:])}"
        row = f"row {index[0]} of {self.name}" if index else self.name
        return f"{row} holds {shown(value)}{where}"

    def refused(self, array: NDArray[Any], index: tuple[int, ...], value: Any) -> TypeError:
        """The error for a value that is no number."""
        if isinstance(value, (str, bytes)):
            texts = ((i, one) for i, one in enumerate(array.ravel().tolist()) if isinstance(one, (str, bytes)))
            first, value = next(((i, one) for i, one in texts if not _is_number(one)), (0, value))
            index = _index(first, array) if _is_number(value) is False else index
        kind = np.asarray(self.given).dtype if isinstance(self.given, (list, tuple)) else array.dtype
        said = f"{self.name} must hold numbers" + f", got an array of {kind}" * (self.column is None)
        return TypeError(f"{said}: {self.says(index, value)}{_instead(array, value, self)}")


def columns_of(given: Any, name: str) -> list[tuple[Any, Any]] | None:
    """The columns of a frame with their names; None for what is no frame. TypeError for a lazy frame."""
    if callable(getattr(given, "collect", None)) and not hasattr(given, "__array__"):
        raise TypeError(f"{name} is a {type(given).__name__}, whose rows are not there yet; write {name}.collect()")
    labels = getattr(given, "columns", None)
    if labels is None or len(getattr(given, "shape", ())) != 2:
        return None
    if hasattr(given, "iloc"):
        return [(label, given.iloc[:, j]) for j, label in enumerate(labels)]
    return [(label, given.to_series(j)) for j, label in enumerate(labels)] if hasattr(given, "to_series") else None


def _check_container(given: Any, name: str) -> None:
    """TypeError for what holds no rows in an order."""
    instead = ""
    if isinstance(given, Mapping):
        instead = f"its columns side by side: np.column_stack(list({name}.values()))"
    elif isinstance(given, Set) and not hasattr(given, "__array__"):
        instead = f"rows in an order of their own: a list or an array; sorted({name}) sorts them"
    elif hasattr(given, "toarray"):
        instead = f"{name}.toarray(), which stores the zeros, too"
    elif isinstance(given, (Iterator, ValuesView)):
        instead = f"list({name}); once it has been read, nothing is left in it"
    elif isinstance(given, (str, bytes)) or given is None:
        raise TypeError(f"{name} must hold numbers, got {type(given).__name__} {given!r:.60}; give a list or an array")
    if instead:
        raise TypeError(f"{name} is {_a(given)}; write {instead}")


def _a(given: Any) -> str:
    kind = type(given).__name__
    return f"an {kind}" if kind[:1].lower() in "aeiou" else f"a {kind}"


def _converted(array: NDArray[Any], place: _Place) -> NDArray[Any]:
    """The array as float64 or int64; an error for the first element that is no number."""
    if isinstance(array, np.ma.MaskedArray):
        mask = np.ma.getmaskarray(array)
        if mask.any():
            index = _first(mask)
            code = place.code
            raise ValueError(
                f"{place.says(index, np.ma.masked).replace('masked', 'a masked number')}; fill it, {code}.filled(0.0), "
                f"or leave the row out: keep = ~np.ma.getmaskarray({code}).reshape(len({code}), -1).any(axis=1)"
            )
        array = array.data
    kind = array.dtype.kind
    if kind == "f":
        with np.errstate(over="ignore"):  # a longdouble may be too large: inf
            return array.astype(np.float64, copy=False)
    if kind in "biu":
        large = kind == "u" and array.dtype.itemsize == 8 and (array > LARGEST).any()
        return array.astype(np.float64 if large else np.int64, copy=False)
    if kind == "O":
        return _from_objects(array, place)
    if not array.size:
        raise TypeError(f"{place.name} must hold numbers, got an array of {array.dtype}")
    index = _first(array.imag != 0 if kind == "c" and (array.imag != 0).any() else np.ones(array.shape, dtype=bool))
    raise place.refused(array, index, array[index])


def _from_objects(array: NDArray[Any], place: _Place) -> NDArray[Any]:
    """Numbers of any class: bools, Decimal, Fraction, NumPy's. The classes are looked at, not each object."""
    flat = array.ravel().tolist()
    found = set(map(type, flat))
    wrong = [kind for kind in found if not issubclass(kind, NUMBERS) and not _holds_one_number(kind, place.values)]
    if wrong:
        wrong = [kind for kind in wrong if kind.__name__ not in MISSING] or wrong
        first = next(i for i, one in enumerate(flat) if type(one) in wrong)
        index = _index(first, array)
        if type(flat[first]).__name__ in MISSING:
            raise ValueError(f"{place.says(index, flat[first])}: {_filled(place)}")
        raise place.refused(array, index, flat[first])
    if found and all(issubclass(kind, (kinds.Integral, np.bool_)) for kind in found):
        try:
            return np.array([int(one) for one in flat], dtype=np.int64).reshape(array.shape)
        except OverflowError:
            pass
    floats = []
    for i, one in enumerate(flat):
        try:
            floats.append(float(one))
        except (OverflowError, ValueError, TypeError, RuntimeError):
            said = f"{place.says(_index(i, array), one)}, which no float can hold; the largest is 1.8e308"
            raise ValueError(said) from None
    return np.array(floats).reshape(array.shape)


def _holds_one_number(kind: type, values: bool) -> bool:
    """Whether it is a class of Values, if they count, or of tensors of one number: torch's lie in a list one by one."""
    if hasattr(kind, "__apply__"):
        return values
    single = all(hasattr(kind, name) for name in ("__array__", "item", "__float__"))
    return single and not issubclass(kind, (np.ndarray, np.generic)) and not hasattr(kind, "iloc")


def _finite(array: NDArray[Any], place: _Place) -> NDArray[Any]:
    if array.dtype.kind == "f" and not (fine := np.isfinite(array)).all():
        index = _first(~fine)
        raise ValueError(f"{place.says(index, array[index])}; {_filled(place)}")
    return array


def _filled(place: _Place) -> str:
    """What to write where numbers are missing."""
    code, given = place.code, place.given
    if code == "y":
        return (
            "remove the row: keep = np.isfinite(np.array(y, dtype=float)); X, y = np.array(X)[keep], np.array(y)[keep]"
        )
    if hasattr(given, "fill_null"):
        return f"remove the row, or fill the gap: {code}.fill_null(0.0).fill_nan(0.0)"
    if hasattr(given, "fillna"):
        gaps = f"{code}.replace([np.inf, -np.inf], np.nan).fillna(0.0)"
        return f"remove the row, or fill the gap: {gaps}"
    floats = code if isinstance(given, np.ndarray) and given.dtype.kind == "f" else f"np.array({code}, dtype=float)"
    where = f"np.where(np.isfinite({code}), {code}, 0.0)"
    first = "" if floats == code else f"{code} = {floats}; "
    return f"remove the row, or fill the gap: {first}{where}"


def _instead(array: NDArray[Any], value: Any, place: _Place) -> str:
    """What to write in place of values that are no numbers: code that works."""
    code, column, kind = place.code, place.column_code, array.dtype.kind
    polars, pandas = hasattr(place.given, "fill_null"), hasattr(place.given, "iloc")
    if kind == "c" or isinstance(value, (complex, np.complexfloating)):
        whole = code if isinstance(place.given, np.ndarray) else f"np.array({code}, dtype=complex)"
        return f", a complex number; give its parts as numbers: {whole}.real and {whole}.imag"
    if kind == "V":
        plain = f"from numpy.lib import recfunctions; {code} = recfunctions.structured_to_unstructured({code})"
        return f", a record of several fields; make columns of the fields: {plain}"
    if kind in "mM" or isinstance(value, TIMES):
        since = f"({column} - {column}.min())" if kind == "M" else column
        if kind not in "mM":
            since = f"np.array({column}, dtype='datetime64[s]')"
            return f", a time; make it a number: {since}.astype(float)"
        if polars:
            return f", a time; make it a number: {column}.to_physical()"
        return f", a time; make it a number: {since} / np.timedelta64(1, 'D'), in days"
    if isinstance(value, (str, bytes)):
        return _words(array, place, polars, pandas)
    if runs_operations(value):
        return ", a Value; data are plain numbers, so give its .data"
    if hasattr(value, "__len__"):
        return f", a {type(value).__name__}; a row has one number in each place, and all rows are equally long"
    return f", {_a(value)}, which is no number"


def _words(array: NDArray[Any], place: _Place, polars: bool, pandas: bool) -> str:
    code, column = place.code, place.column_code
    if all(_is_number(one) for one in array.ravel().tolist() if isinstance(one, (str, bytes))):
        if polars:
            return f", a text; make numbers of the texts: {column}.cast(float)"
        texts = column if isinstance(place.given, np.ndarray) or pandas else f"np.array({code}, dtype=object)"
        return f", a text; make numbers of the texts: {texts}.astype(float)"
    if code in ("labels", "predictions"):
        return "; for classes that have names, write their numbers: names.index(name)"
    if code == "y":
        if place.name.startswith("validation"):
            return (
                "; number the names as those of y: names, y = np.unique(y, return_inverse=True), and for validation "
                "np.searchsorted(names, y)"
            )
        given = "y" if array.ndim == 1 and place.column is None else "np.ravel(y)"
        return f"; number the names of the classes: names, y = np.unique({given}, return_inverse=True)"
    if polars and place.column is not None:
        numbered = f"{code}.with_columns(pl.Series({place.column[0]}, np.unique({column}, return_inverse=True)[1]))"
    elif place.column is not None:
        numbered = f"{column} = np.unique({column}, return_inverse=True)[1]"
    else:
        numbered = "np.unique(words, return_inverse=True)[1]"
    return f", a word; number the words of the column, {numbered}, or leave the column out"


def _is_number(text: str | bytes) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _index(place: int, array: NDArray[Any]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(place, array.shape))


def _first(where: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(where)[0])
