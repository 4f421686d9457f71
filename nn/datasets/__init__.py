"""Small data sets that come with the package (sources and licences: LICENCES.md beside this file)."""

from __future__ import annotations

import csv
from importlib.resources import files

from ..data.dataset import Dataset
from ..data.splitting import train_test_split

__all__ = ["Dataset", "iris", "train_test_split"]


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
    labels = [target_names.index(row[-1]) for row in rows]
    return Dataset.from_arrays(name, [list(map(float, row[:-1])) for row in rows], labels, header[:-1], target_names)
