"""How a column of a table becomes numbers for a model: filled and scaled, or one 0 or 1 for each category."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.engine.gate import shown
from chainrule.engine.reports import first_of

from .cells import NUMBERS, Cells, Source, gaps, most_frequent
from .reading import plain_number

__all__ = ["CategoryColumn", "Column", "NumberColumn", "a_number", "a_text", "column_from_dict", "entry"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class NumberColumn:
    """Numbers: (number - mean) / scale, where a gap counts as `fill`, or is an error if that is None."""

    name: str
    fill: float | None = None
    mean: float = 0.0
    scale: float = 1.0

    @classmethod
    def fitted(cls, name: str, cells: Cells, fills: bool, scaled: bool, fill: Any = None) -> NumberColumn:
        """Gaps are filled with the median or the given number; scaled to mean 0 and deviation 1 if that is wanted."""
        held = cells[~np.isnan(cells)]
        median = float(np.median(held)) if len(held) else 0.0
        gap = (median if fill is None else float(fill)) if fills else None
        if not scaled or not len(held):
            return cls(name, gap)
        mean, scale = mean_and_scale(cells if gap is None else np.where(np.isnan(cells), gap, cells))
        return cls(name, gap, mean, scale)

    @property
    def words(self) -> bool:
        return False

    @property
    def feature_names(self) -> tuple[str, ...]:
        return (self.name,)

    def numbers(self, cells: Cells, source: Source) -> Floats:
        """The column for the model.

        Shapes: cells (rows,) -> (rows, 1).
        Errors: ValueError for a word, a number that is not finite, and a gap where there is nothing to fill it with.
        """
        if cells.dtype == object:
            held = np.flatnonzero(~gaps(cells)).tolist()
            if held:
                row = next((row for row in held if plain_number(cells[row]) is None), held[0])
                said, hint = (
                    f"{source.at(row)} holds {shown(cells[row])} in column {self.name!r}, which has numbers",
                    "",
                )
                if plain_number(cells[row]) is not None:  # it was read with decimal=","
                    write = "chainrule predict --decimal . reads points" if source.what == "line" else NUMBERS
                    hint = f" with decimal commas, as in the rows for training; {write}"
                raise ValueError(said + hint)
            cells = np.full(len(cells), np.nan)
        if np.isinf(cells).any():
            row = int(np.isinf(cells).argmax())
            raise ValueError(f"{source.at(row)} holds {cells[row]} in column {self.name!r}; it needs a finite number")
        empty = np.isnan(cells)
        if empty.any():
            if self.fill is None:
                raise _gap(self.name, int(empty.argmax()), source)
            cells = np.where(empty, self.fill, cells)
        return ((cells - self.mean) / self.scale)[:, None]

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "kind": "number", "fill": self.fill, "mean": self.mean, "scale": self.scale}


@dataclass(frozen=True)
class CategoryColumn:
    """Words: 1 in the place of the category, 0 elsewhere; a gap counts as `fill`, or is an error if that is None."""

    name: str
    categories: tuple[str, ...]
    fill: str | None = None

    @classmethod
    def fitted(
        cls, name: str, cells: Cells, categories: tuple[str, ...], fills: bool, fill: Any = None
    ) -> CategoryColumn:
        """Filled with the most frequent word unless one is given."""
        held = [one for one in cells.tolist() if one is not None]
        if fills and fill is None:
            fill = most_frequent(held) if held else categories[0]
        return cls(name, categories, fill if fills else None)

    @property
    def words(self) -> bool:
        return True

    @property
    def feature_names(self) -> tuple[str, ...]:
        return tuple([f"{self.name}={category}" for category in self.categories])

    def numbers(self, cells: Cells, source: Source) -> Floats:
        """The columns for the model.

        Shapes: cells (rows,) -> (rows, categories).
        Errors: ValueError for a word that is no category, and for a gap where there is nothing to fill it with.
        """
        places = {category: place for place, category in enumerate(self.categories)}
        found = np.zeros((len(cells), len(self.categories)))
        for row, cell in enumerate(cells.tolist()):
            category = self.fill if cell is None else cell
            if category is None:
                raise _gap(self.name, row, source)
            place = places.get(category)
            if place is None:
                raise ValueError(
                    f"{source.at(row)} holds {shown(category)} in column {self.name!r}, where the model knows "
                    f"{quoted(self.categories)}{meant(category, self.categories)}"
                )
            found[row, place] = 1.0
        return found

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, "kind": "category", "categories": list(self.categories), "fill": self.fill}


Column = NumberColumn | CategoryColumn


def mean_and_scale(numbers: Floats) -> tuple[float, float]:
    """The mean, and the standard deviation; that of equal numbers, which tell nothing, counts as 1."""
    mean, deviation = float(np.mean(numbers)), float(np.std(numbers))
    tiny = 1e-12 * max(abs(mean), 1e-300)
    if not math.isfinite(mean) or not math.isfinite(deviation):
        return 0.0, 1.0
    return mean, deviation if deviation > tiny else 1.0


def _gap(name: str, row: int, source: Source) -> ValueError:
    return ValueError(
        f"{source.at(row)} has no value in column {name!r}; leave the row out, or fill it: a table that is made with "
        "missing='fill' has something for each gap"
    )


def quoted(names: Any, most: int = 8) -> str:
    """The first of these names in quotation marks, and how many more there are: 'a', 'b' and 3 more."""
    return first_of([repr(name) for name in names], most)


def meant(given: object, names: Any) -> str:
    """ "; did you mean 'oak'?" where a name is near."""
    texts = {str(name).lower(): name for name in names}
    near = get_close_matches(str(given).lower(), list(texts), 1, 0.6)
    return f"; did you mean {texts[near[0]]!r}?" if near else ""


def column_from_dict(given: Any, where: str) -> Column:
    """The column that to_dict() told of; ValueError with the place for what is none."""
    kind = entry(given, "kind", where)
    name = a_text(entry(given, "name", where), f"{where}.name")
    fill = entry(given, "fill", where)
    if kind == "number":
        gap = None if fill is None else a_number(fill, f"{where}.fill")
        mean, scale = (a_number(entry(given, one, where), f"{where}.{one}") for one in ("mean", "scale"))
        if not scale > 0:
            raise ValueError(f"{where}.scale is {scale!r}; it has to be above 0")
        return NumberColumn(name, gap, mean, scale)
    if kind != "category":
        raise ValueError(f"{where}.kind is {shown(kind)}; it is 'number' or 'category'")
    categories = entry(given, "categories", where)
    if not isinstance(categories, list) or not categories:
        raise ValueError(f"{where}.categories is {shown(categories)}; it is a list of texts")
    texts = tuple([a_text(one, f"{where}.categories[{i}]") for i, one in enumerate(categories)])
    if len(set(texts)) < len(texts):
        raise ValueError(f"{where}.categories has one of its texts twice")
    if fill is not None and fill not in texts:
        raise ValueError(f"{where}.fill is {shown(fill)}, which is none of the categories")
    return CategoryColumn(name, texts, fill)


def entry(given: Any, key: str, where: str) -> Any:
    """The entry of a dict; ValueError where it is none, or has no such entry."""
    if not isinstance(given, Mapping):
        raise ValueError(f"{where} is {shown(given)}; it has to be a dict")
    if key not in given:
        raise ValueError(f"{where} has no entry {key!r}")
    return given[key]


def a_text(given: Any, where: str) -> str:
    """The text; ValueError for anything else."""
    if not isinstance(given, str):
        raise ValueError(f"{where} is {shown(given)}; it has to be a text")
    return given


def a_number(given: Any, where: str) -> float:
    """The number as a float; ValueError for anything else, and for nan and inf."""
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        raise ValueError(f"{where} is {shown(given)}; it has to be a number")
    try:
        number = float(given)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{where} is {shown(given)}; it has to be a finite number")
    return number
