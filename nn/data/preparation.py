"""What a model has to remember of a table: how raw rows become its inputs, and what its outputs mean."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.engine.gate import numbers, rows
from chainrule.engine.numeric import counted
from chainrule.engine.telling import tell

from ..arguments import file_path, given
from .cells import Cells, Source, cells_of_values
from .columns import CategoryColumn, Column, NumberColumn, column_from_dict, entry, meant, quoted
from .frames import frame_columns
from .sheets import cells_of_file
from .targets import Amounts, Target, target_from_dict

__all__ = ["Preparation", "Prepared"]

Floats = NDArray[np.float64]
SEVERAL = 4  # numbers: fewer than that do not tell whether they were scaled
NEAR, FAR = 1.7, 2.0  # root mean squares: rows below NEAR look scaled, inputs above FAR are unlike those for training


class Prepared(np.ndarray):
    """Inputs of a model that know how they were prepared, so that no model that does so itself does it twice.

    Rows of them know it, too; a choice of columns is a plain array.
    """

    preparation: Preparation | None = None

    def __array_finalize__(self, made_from: Any) -> None:
        self.preparation = getattr(made_from, "preparation", None)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        if out is not None:
            options["out"] = tuple([_plain(one) for one in out])
        found = getattr(ufunc, method)(*[_plain(one) for one in inputs], **options)
        if out is not None:
            return out[0] if len(out) == 1 else out
        if not isinstance(found, np.ndarray) or found.shape != self.shape or found.dtype != np.float64:
            return found  # a mean is a plain number
        return _marked(found, self.preparation)

    def __reduce__(self) -> Any:  # a copy, in another process too, knows what it is
        return _marked, (_plain(self), self.preparation)

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        whole_rows = not isinstance(index, tuple) or all(
            isinstance(one, slice) and one == slice(None) for one in index[1:]
        )
        return found if whole_rows or not isinstance(found, Prepared) else found.view(np.ndarray)


def _plain(given: Any) -> Any:
    return given.view(np.ndarray) if isinstance(given, Prepared) else given


def _marked(inputs: Floats, preparation: Preparation | None) -> Prepared:
    marked = inputs.view(Prepared)
    marked.preparation = preparation
    return marked


@dataclass(frozen=True)
class Preparation:
    """Raw rows become inputs column by column; a model that was trained on a Dataset remembers it as `preparation`.

    `columns` is None where only the classes have names and inputs go in as they are; `target` is None where the targets
    do. `decimal`, "," or ".", ends the whole part of numbers that are texts, where the table said so. `to_dict()` and
    `from_dict()` hold plain JSON.

    >>> from chainrule import penguins
    >>> penguins().preparation.feature_names[:2]
    ('island=Biscoe', 'island=Dream')
    """

    columns: tuple[Column, ...] | None = None
    target: Target | None = None
    decimal: str | None = None

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the inputs: those of the columns, and "soil=clay" for a category."""
        return tuple([name for column in self.columns or () for name in column.feature_names])

    @property
    def class_names(self) -> tuple[Any, ...]:
        """The names of the classes in the order of their labels; () where the target is a number."""
        return self.target.classes if self.target else ()

    @property
    def changes_inputs(self) -> bool:
        """Whether raw rows of numbers differ from inputs."""
        return any(isinstance(one, CategoryColumn) or one.mean != 0.0 or one.scale != 1.0 for one in self.columns or ())

    @property
    def is_scaled(self) -> bool:
        """Whether numbers, of the inputs or of the target, are scaled."""
        held = [one for one in (*(self.columns or ()), self.target) if isinstance(one, (NumberColumn, Amounts))]
        return any(one.mean != 0.0 or one.scale != 1.0 for one in held)

    def inputs(self, given: Any, name: str = "X") -> Floats:
        """Raw rows as the model takes them: a Dataset, a frame, dicts by column, rows in the order of the columns, or
        the path of a CSV file that has these columns among others.

        Inputs that are prepared already, a Dataset's X, stay what they are. np.asarray(data.X) and data.X.tolist() no
        longer say so, and are taken for raw rows.

        Shapes: rows of the columns -> (rows, features).
        Errors: ValueError that names the row, the column and the value: for a column that is missing, a word that is no
        category, a gap that nothing fills.
        Warnings: RuntimeWarning for rows that seem to be scaled already.
        """
        if isinstance(given, Prepared) and given.preparation is not None:
            return self._again(given, given.preparation)
        cells = getattr(given, "raw_cells", None)
        if cells is not None:  # a Dataset
            return self.from_cells(*cells())
        if self.columns is None:
            return numbers(given, name, finite=True)
        if isinstance(given, (str, os.PathLike)):
            wanted = {one.name: one.words for one in self.columns}
            return self.from_cells(*cells_of_file(file_path(given, "new.csv", name), wanted, decimal=self.decimal))
        source = Source(name)
        cells = {one.name: self._cells(one, raw, source) for one, raw in self._raw(given, name)}
        return self.from_cells(cells, source)

    def from_cells(self, cells: Mapping[str, Cells], source: Source) -> Floats:
        """Columns of a table as the model takes them, with a RuntimeWarning where they seem to be scaled already."""
        columns = self.columns or ()
        if gone := [one.name for one in columns if one.name not in cells]:
            raise ValueError(_no_column(gone, cells, source.name))
        parts = [one.numbers(cells[one.name], source) for one in columns]
        inputs: Floats = np.concatenate(parts, axis=1)
        self._warn_of_scaled(inputs, source.name)
        return inputs

    def prepared(self, inputs: Floats) -> Floats:
        """The inputs, marked as made by this preparation if they are not what raw rows are."""
        if not self.changes_inputs:
            return inputs
        return _marked(inputs, self)

    def learnt(self, targets: Any, name: str = "y", source: Source | None = None) -> NDArray[Any]:
        """Targets as the loss takes them: labels for the names of classes, scaled numbers for numbers."""
        return numbers(targets, name, finite=True) if self.target is None else self.target.learnt(targets, name, source)

    def answers(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Outputs of the model in the units of the table; scores of classes stay as they are."""
        return outputs if self.target is None else self.target.answers(outputs)

    def named(self, labels: Any) -> NDArray[Any]:
        """The names of the classes with these labels; the labels themselves where classes have no names."""
        places, names = numbers(labels, "labels"), self.class_names
        if names and not (places.dtype.kind == "i" and np.isin(places, range(-len(names), len(names))).all()):
            raise ValueError(
                f"labels holds the places of {len(names)} classes, 0 to {len(names) - 1}; got {given(labels)}"
            )
        return np.array(names)[places] if names else places

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain dicts, lists, texts and numbers."""
        columns = None if self.columns is None else [one.to_dict() for one in self.columns]
        told = {"columns": columns, "target": self.target.to_dict() if self.target else None}
        return told if self.decimal is None else {**told, "decimal": self.decimal}

    @classmethod
    def from_dict(cls, given: Any) -> Preparation:
        """The preparation that to_dict() told of.

        Errors: ValueError that names the place of what is missing or wrong.
        """
        columns, target = entry(given, "columns", "preparation"), entry(given, "target", "preparation")
        if columns is not None and (not isinstance(columns, list) or not columns):
            raise ValueError(f"preparation.columns is {columns!r:.60}; it is a list of columns, or null")
        made = None
        if columns is not None:
            made = tuple([column_from_dict(one, f"preparation.columns[{i}]") for i, one in enumerate(columns)])
            if len({one.name for one in made}) < len(made):
                raise ValueError("preparation.columns has two columns of the same name")
        decimal = given.get("decimal")  # files of older versions have none
        if decimal not in (None, ".", ","):
            raise ValueError(f"preparation.decimal is {decimal!r:.60}; it is '.' or ','")
        return cls(made, None if target is None else target_from_dict(target, "preparation.target"), decimal)

    def _again(self, inputs: Prepared, theirs: Preparation) -> Floats:
        """What was prepared in another way as this preparation does it: only the scales may differ."""
        plain = inputs.view(np.ndarray)
        if theirs == self:
            return plain
        if theirs.feature_names != self.feature_names:
            raise ValueError(
                f"these inputs are {quoted(theirs.feature_names)}, and the model takes {quoted(self.feature_names)}"
            )
        (mean, scale), (own_mean, own_scale) = theirs.scales(), self.scales()
        again: Floats = (plain * scale + mean - own_mean) / own_scale
        return again

    def _warn_of_scaled(self, inputs: Floats, name: str) -> None:
        """A RuntimeWarning for rows that were scaled before, and now a second time.

        They are likelier as numbers of mean 0 and deviation 1 than as rows like those for training, by far.
        """
        numbers = [one for one in self.columns or () if isinstance(one, NumberColumn)]
        if len(numbers) < len(self.columns or ()) or inputs.size < SEVERAL:  # prepared categories have other columns
            return
        mean, scale = self.scales()
        given = inputs * scale + mean
        before, now = float(np.mean(given**2)), float(np.mean(inputs**2))
        likelier = (now - before) / 2 + float(np.mean(np.log(scale)))
        if given.any() and before < NEAR**2 and now > FAR**2 and likelier > 1.0:
            worst = int(np.abs(inputs).mean(axis=0).argmax())
            tell(
                f"{name} seems to be scaled already: its numbers lie around 0, where column "
                f"{numbers[worst].name!r} was {mean[worst]:.4g} ± {scale[worst]:.4g} in the rows for training, "
                "and the model scales rows itself. "
                "Give it rows as they stand in the table, or the Dataset, or its X without np.asarray and tolist"
            )

    def scales(self) -> tuple[Floats, Floats]:
        """The mean and the scale of each input; 0 and 1 for those of a category. Shapes: (features,) both."""
        pairs = [(one.mean, one.scale) if isinstance(one, NumberColumn) else (0.0, 1.0)
                 for one in self.columns or () for _ in one.feature_names]  # fmt: skip
        means, scales = zip(*pairs)
        return np.array(means), np.array(scales)

    def _raw(self, given: Any, name: str) -> Iterable[tuple[Column, Any]]:
        """Each column with what was given for it."""
        columns = self.columns or ()
        by_name = frame_columns(given, name)
        if by_name is not None:
            if gone := [one.name for one in columns if one.name not in by_name]:
                raise ValueError(_no_column(gone, by_name, name))
            return [(one, by_name[one.name]) for one in columns]
        array = rows(given, name)
        names = quoted([one.name for one in columns])
        if array.ndim == 1 and len(columns) == 1:
            array = array[:, None]
        if array.ndim != 2:
            hint = f"; for one row, write [{name}]" if array.shape == (len(columns),) else ""
            raise ValueError(f"{name} is rows of {names}, got the shape {array.shape}{hint}")
        if array.shape[1] != len(columns):
            prepared = array.shape[1] == len(self.feature_names)
            hint = "; inputs that are prepared already are the Dataset's own X, without np.asarray" if prepared else ""
            raise ValueError(
                f"{name} has {counted(array.shape[1], 'column')}, and the model takes {len(columns)}: {names}{hint}"
            )
        return [(one, array[:, j]) for j, one in enumerate(columns)]

    def _cells(self, column: Column, raw: Any, source: Source) -> Cells:
        return cells_of_values(column.name, raw, source, column.words, self.decimal, asks="")


def _no_column(gone: list[str], there: Iterable[Any], name: str) -> str:
    return f"{name} has no column {gone[0]!r}; it has {quoted(there)}{meant(gone[0], there)}"
