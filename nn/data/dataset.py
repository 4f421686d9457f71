"""`Dataset`: rows of a table with what is to be predicted from them, ready for a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.typing import NDArray

from chainrule.engine.gate import numbers
from chainrule.engine.numeric import counted
from chainrule.engine.reports import first_of

from ..arguments import count, listed, switch, text
from ..elsewhere import Hinted, refuse_keywords
from .cells import Cells, Source, gaps, in_order
from .columns import CategoryColumn, NumberColumn
from .preparation import Preparation
from .splitting import check_share, train_test_split
from .targets import Amounts, Classes, Target

__all__ = ["Dataset", "Table"]

Rows = NDArray[np.intp]  # the numbers of rows


@dataclass(frozen=True, eq=False)
class Table:
    """The columns of a whole table as they were read, and its targets: labels of classes, or numbers."""

    name: str
    columns: Mapping[str, Cells]
    targets: NDArray[Any]  # (rows,): int64 labels, or float64
    target: str
    classes: tuple[Any, ...] | None  # None where the targets are numbers
    source: Source
    fills: bool = True  # whether gaps are filled
    fill: Mapping[str, Any] = field(default_factory=dict)  # by column: what fills its gaps, where the user said so
    decimal: str | None = None  # what ends the whole part of numbers that are texts; None where nothing says so
    notes: tuple[str, ...] = ()  # what a reader of the table should know: what was left out

    @cached_property
    def categories(self) -> dict[str, tuple[str, ...]]:
        """The words of each column of words, in the order of the alphabet; those of all rows, since none is learnt."""
        words = {}
        for name, cells in self.columns.items():
            if cells.dtype == object:
                fill = [self.fill[name]] if name in self.fill else []
                words[name] = tuple(in_order([one for one in cells.tolist() if one is not None] + fill)) or ("",)
        return words

    def fitted(self, rows: Rows, scaled: bool) -> Preparation:
        """How the columns become inputs; what fills gaps and what scales are those of these rows."""
        columns = tuple([
            CategoryColumn.fitted(name, cells[rows], self.categories[name], self.fills, self.fill.get(name))
            if cells.dtype == object
            else NumberColumn.fitted(name, cells[rows], self.fills, scaled, self.fill.get(name))
            for name, cells in self.columns.items()
        ])  # fmt: skip
        if self.classes is not None:
            return Preparation(columns, Classes(self.target, self.classes), self.decimal)
        return Preparation(columns, Amounts.fitted(self.target, self.targets[rows], scaled), self.decimal)


@dataclass(frozen=True, eq=False, repr=False)
class Dataset(Hinted):
    """Rows of a table: the inputs X, and y, the classes or the numbers to predict from them. `X, y = data` unpacks it.

    `split` divides it, `standardise` scales it; what they take from rows (scales, and what fills gaps) they take from
    the rows for training alone, in whichever order the two are called. `fit(model, loss, train, validation=test)`
    trains on it, and the model remembers the `preparation`: `model.predict` takes raw rows then. `print(data)` tells
    what is in it.

    Shapes: X (rows, inputs) float64, as the model takes it; y (rows,): int64 labels, which index `target_names`, or
    float64 in the units of the table.

    >>> from chainrule import iris
    >>> train, test = iris().standardise().split()
    >>> train
    Dataset('iris', ...
    """

    table: Table
    rows: Rows
    training: Rows  # the rows that the preparation is taken from
    scaled: bool = False

    @classmethod
    def from_arrays(
        cls,
        name: str,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        feature_names: Any,
        target_names: Any = (),
        target: str = "y",
    ) -> Dataset:
        """Columns of numbers, and labels where there are target_names, else numbers.

        Shapes: X (rows, features), y (rows,).

        >>> Dataset.from_arrays("line", [[0.0], [1.0]], [1.0, 3.0], ["x"])
        Dataset('line', X (2, 1), y (2,))
        """
        inputs, targets = numbers(X, "X").astype(np.float64), numbers(y, "y")
        names = [text("each of the feature_names", one, "x1") for one in listed("feature_names", feature_names)]
        classes = tuple(listed("target_names", target_names))
        if inputs.ndim != 2 or inputs.shape[1] != len(names) or targets.shape != inputs.shape[:1]:
            said = (
                f"X is (rows, features), y (rows,) and feature_names have a name for each feature; X is {inputs.shape}"
            )
            raise ValueError(f"{said}, y {targets.shape}, and there are {len(names)} feature_names")
        if classes and not (targets.dtype.kind == "i" and np.isin(targets, range(len(classes))).all()):
            raise ValueError(f"y holds labels from 0 to {len(classes) - 1}, as there are {len(classes)} target_names")
        columns = {one: inputs[:, j] for j, one in enumerate(names)}
        source = Source(text("name", name, "mine"))
        targets = targets.astype(np.int64 if classes else np.float64)
        return cls.of(Table(name, columns, targets, text("target", target, "y"), classes or None, source))

    @classmethod
    def of(cls, table: Table) -> Dataset:
        """All rows of the table."""
        rows = np.arange(len(table.targets))
        return cls(table, rows, rows)

    @property
    def name(self) -> str:
        """What the data are called, such as "iris"."""
        return self.table.name

    @cached_property
    def preparation(self) -> Preparation:
        """How raw rows become X; plain to see with `to_dict()`."""
        return self.table.fitted(self.training, self.scaled)

    @cached_property
    def X(self) -> NDArray[np.float64]:
        return self.preparation.prepared(self.preparation.from_cells(*self.raw_cells()))

    @cached_property
    def y(self) -> NDArray[Any]:
        return self.table.targets[self.rows]

    @property
    def scaled_y(self) -> NDArray[Any]:
        """y as a loss sees it in `fit`: scaled where `standardise` scaled the numbers to predict, else y itself.

        >>> from chainrule import houses
        >>> data = houses().standardise()
        >>> round(float(data.y.mean()), -4), abs(round(float(data.scaled_y.mean()), 6))
        (290000.0, 0.0)
        """
        return self.preparation.learnt(self.y)

    def raw_cells(self) -> tuple[dict[str, Cells], Source]:
        """The columns of these rows before they are prepared, and where they come from."""
        return {name: cells[self.rows] for name, cells in self.table.columns.items()}, self.table.source.of(self.rows)

    @property
    def target(self) -> Target:
        """The column that is predicted: its name, its classes, and the scale of its numbers."""
        assert self.preparation.target is not None  # for the type checker: a Table always has one
        return self.preparation.target

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The name of each column of X."""
        return self.preparation.feature_names

    @property
    def target_names(self) -> tuple[Any, ...]:
        """The names of the classes in the order of their labels; () where y are numbers."""
        return self.table.classes or ()

    @property
    def inputs(self) -> int:
        """How many numbers a model takes: MLP(data.inputs, [16, data.outputs])."""
        return len(self.feature_names)

    @property
    def outputs(self) -> int:
        """How many numbers a model gives: one for each class, or one."""
        return len(self.target_names) or 1

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return iter((self.X, self.y))

    def __len__(self) -> int:
        return len(self.rows)

    def example(self, i: int) -> tuple[list[float], Any]:
        """Input and target of one row, as the model and the loss take them.

        >>> from chainrule.nn.datasets import iris
        >>> iris().example(0)
        ([5.1, 3.5, 1.4, 0.2], 0)
        """
        row = count("i", i, "rows", -len(self))
        if not row < len(self):
            raise IndexError(f"i={i} is no row: there are {len(self)}, 0 to {len(self) - 1}")
        row %= len(self)
        return np.asarray(self.X[row]).tolist(), self.preparation.learnt(self.y[row : row + 1])[0].item()

    def split(
        self,
        test_size: float = 0.25,
        seed: int | np.random.Generator = 0,
        stratify: bool | None = None,
        **unknown: Any,
    ) -> tuple[Dataset, Dataset]:
        """The rows for training and those for tests, shuffled by `seed`; scales and fills are those of the first.

        Each class has its share of both, unless stratify=False; where a class has too few rows for that, stratify=True
        is an error.

        Errors: ValueError for a share that leaves no row for one of the two.

        >>> from chainrule.nn.datasets import iris
        >>> train, test = iris().standardise().split(test_size=0.2)
        >>> train
        Dataset('iris', X (120, 4), y (120,), classes setosa, versicolor, virginica)
        >>> f"{abs(train.X.mean()):.3f} {abs(test.X.mean()):.3f}"
        '0.000 0.079'
        """
        refuse_keywords("split", unknown, ("test_size", "seed", "stratify"))
        check_share(test_size)
        stratify = stratify if stratify is None else switch("stratify", stratify)
        places, classes = np.arange(len(self.rows)), self.y if self.table.classes is not None else None
        if stratify and classes is None:
            raise ValueError(f"y are numbers, {self.table.target}; only classes can be stratified")
        options: dict[str, Any] = {"test_size": test_size, "seed": seed}
        wanted = classes is not None and (stratify or (stratify is None and _can_be_stratified(self.y, test_size)))
        train, test, _, _ = train_test_split(places, places, stratify=classes if wanted else None, **options)
        training = self.rows[train]
        return replace(self, rows=training, training=training), replace(self, rows=self.rows[test], training=training)

    def standardise(self) -> Dataset:
        """The same rows with each column of numbers, and y where it is a number, scaled to mean 0 and deviation 1.

        The scales are those of the rows for training. Categories stay 0 and 1. `y` and what `predict` gives stay in
        their units, euros say, and the loss sees scaled targets: `fit(model, loss, data)` scales them, as does
        `fit(model, loss, data.X, data.y)`. Whoever calls the loss by hand, as in a loop or in
        `program.value_and_grad(data.X, data.scaled_y)`, takes `scaled_y`, as X is scaled and y is not.

        >>> from chainrule.nn.datasets import iris
        >>> iris().standardise().X.std(axis=0).round(6).tolist()
        [1.0, 1.0, 1.0, 1.0]
        """
        return replace(self, scaled=True)

    def __repr__(self) -> str:
        classes = f", classes {_few(self.target_names)}" if self.table.classes is not None else ""
        return f"Dataset({self.name!r}, X ({len(self)}, {self.inputs}), y {self.y.shape}{classes})"

    def told(self) -> list[tuple[str, str]]:
        """The name of each column and of the target, and what is in these rows of it."""
        cells, _ = self.raw_cells()
        columns = [(one.name, _told(one, cells[one.name])) for one in self.preparation.columns or ()]
        return [*columns, (self.table.target, self._told_target())]

    def __str__(self) -> str:
        told = self.told()
        width = max(len(name) for name, _ in told) + 2
        lines = [
            f"{self.name}: {counted(len(self), 'row')}, "
            f"{counted(self.inputs, 'input')}, {counted(self.outputs, 'output')}"
        ]
        lines += [f"  {name:<{width}}{said}" for name, said in told]
        return "\n".join([*lines, *[f"  {note}" for note in self.table.notes]])

    def _told_target(self) -> str:
        if self.table.classes is None:
            return (
                f"to predict: a number, {self.y.min():g} to {self.y.max():g}"
                + ", standardised (scaled_y)" * self.scaled
            )
        counts = Counter(self.y.tolist())
        return "to predict: " + _few([f"{one} ({counts[label]})" for label, one in enumerate(self.table.classes)])


def _can_be_stratified(labels: NDArray[Any], test_size: float) -> bool:
    """Whether each class is large enough to have a row on each side, whatever is rounded."""
    smallest = min(Counter(labels.tolist()).values(), default=0)
    return 0.0 < test_size < 1.0 and smallest * min(test_size, 1 - test_size) >= 1.0


def _few(names: Any, most: int = 12) -> str:
    return first_of([" ".join(str(name).split()) for name in names], most)  # on one line, whatever is in them


def _told(column: NumberColumn | CategoryColumn, cells: Cells) -> str:
    """What a line of print(data) says of a column."""
    empty = int(gaps(cells).sum())
    filled = ""
    if empty:
        fill = f"{column.fill:g}" if isinstance(column.fill, float) else column.fill
        filled = f"; {counted(empty, 'gap')}" + (f", filled with {fill}" if fill is not None else "")
    if isinstance(column, CategoryColumn):
        count = len(column.categories)
        return f"{count} categor{'ies' if count != 1 else 'y'}: {_few(column.categories)}{filled}"
    held = cells[~gaps(cells)]
    span = f"{held.min():g} to {held.max():g}" if len(held) else "nothing but gaps"
    span = f"always {held[0]:g}" if len(held) > 1 and np.ptp(held) == 0 else span
    scaled = ", standardised" if column.mean != 0.0 or column.scale != 1.0 else ""
    return f"numbers, {span}{scaled}{filled}"
