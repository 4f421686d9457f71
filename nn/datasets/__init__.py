"""Small data sets that come with the package (sources and licences: LICENCES.md beside this file)."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from .splitting import train_test_split

__all__ = ["Dataset", "iris", "train_test_split"]


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A table of measurements and the classes to predict from them; it unpacks as `X, y = data`.

    Shapes: X (examples, features) float64, y (examples,) integer labels, which index target_names.
    """

    name: str
    X: npt.NDArray[np.float64]
    y: npt.NDArray[np.int64]
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]

    def __iter__(self) -> Iterator[npt.NDArray[Any]]:
        return iter((self.X, self.y))

    def __repr__(self) -> str:
        return f"Dataset({self.name!r}, X {self.X.shape}, y {self.y.shape}, classes {', '.join(self.target_names)})"


def iris() -> Dataset:
    """Anderson's 150 irises of three species, 50 of each; each call makes new arrays.

    Units: cm.
    Source: Fisher, The use of multiple measurements in taxonomic problems, Annals of Eugenics 7 (1936) 179-188.

    >>> X, y = iris()
    >>> X.shape, y.shape
    ((150, 4), (150,))
    >>> iris()
    Dataset('iris', X (150, 4), y (150,), classes setosa, versicolor, virginica)
    """
    return _labelled_table("iris")


def _labelled_table(name: str) -> Dataset:
    """The file NAME.csv: a header, then lines of features and the name of a class; classes are numbered in order."""
    with files(__name__).joinpath(f"{name}.csv").open(encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    target_names = tuple(dict.fromkeys(row[-1] for row in rows))
    return Dataset(
        name=name,
        X=np.array([row[:-1] for row in rows], dtype=np.float64),
        y=np.array([target_names.index(row[-1]) for row in rows], dtype=np.int64),
        feature_names=tuple(header[:-1]),
        target_names=target_names,
    )
