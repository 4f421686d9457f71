"""Data that people have measured; their sources and licences are in LICENCES.md beside this file."""

from __future__ import annotations

from typing import Any

from ..data.dataset import Dataset
from ..data.tables import table

__all__ = ["digits", "iris", "penguins"]


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
    return _shipped("iris.csv", "species")


def penguins(**options: Any) -> Dataset:
    """344 penguins of three species on the islands of the Palmer Archipelago; 11 of them with gaps, which are filled.

    The options are those of `table`: missing="drop" leaves these 11 out. The year of the measurement is no input.

    Units: mm, g.
    Source: Gorman, Williams & Fraser, Ecological sexual dimorphism and environmental variability within a community of
    Antarctic penguins, PLoS ONE 9(3) (2014) e90081; the palmerpenguins data of Horst, Hill & Gorman (2020).

    >>> penguins()
    Dataset('penguins', X (344, 9), y (344,), classes Adelie, Chinstrap, Gentoo)
    >>> penguins().feature_names[:4]
    ('island=Biscoe', 'island=Dream', 'island=Torgersen', 'bill_length_mm')
    """
    return _shipped("penguins.csv", "species", **{"ignore": ["year"], **options})


def digits() -> Dataset:
    """1,797 handwritten digits of 13 people, as images of 8 × 8 pixels: X[0].reshape(8, 8) is the first.

    Units: of the 16 dots that each pixel is made of, how many are black.
    Source: Alpaydin & Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository (1998), its
    part for tests.

    >>> digits()
    Dataset('digits', X (1797, 64), y (1797,), classes 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
    """
    return _shipped("digits.csv.gz", "digit")


def _shipped(file: str, target: str, **options: Any) -> Dataset:
    from importlib.resources import as_file, files  # here, as it imports much

    with as_file(files(__package__).joinpath(file)) as path:
        return table(path, target, **options)
