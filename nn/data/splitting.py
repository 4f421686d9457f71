"""Splitting examples into those that a model is trained on and those that it is tested on."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.engine.gate import rows
from chainrule.engine.numeric import counted

from ..arguments import given, seeded
from ..elsewhere import refuse_keywords
from .preparation import Prepared

__all__ = ["check_share", "train_test_split"]


def train_test_split(
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    test_size: float = 0.25,
    seed: int | np.random.Generator = 0,
    stratify: npt.ArrayLike | None = None,
    **unknown: Any,
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """X_train, X_test, y_train, y_test: the examples, shuffled by `seed`; the share `test_size` is set aside for tests.

    The number of test examples is rounded to the nearest, halves up. With `stratify=y` every class has its share of
    them, to within one example; the numbers depend on the sizes of the classes and never on the seed.
    The examples are not looked into: names, gaps and masks stay what they are, until fit asks for numbers.

    Shapes: X (n, ...), y (n, ...), stratify (n,).
    Errors: ValueError for different lengths, and for a share that leaves no example, or with `stratify` none of some
    class, for training or for tests; TypeError for a single number in place of an array.

    >>> X, y = [[1.0], [2.0], [3.0], [4.0]], [0, 0, 1, 1]
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, stratify=y)
    >>> X_test.shape, sorted(y_test.tolist())
    ((2, 1), [0, 1])
    """
    refuse_keywords("train_test_split", unknown, ("X", "y", "test_size", "seed", "stratify"))
    X, y = X if isinstance(X, Prepared) else rows(X, "X"), rows(y, "y")
    if X.ndim == 0 or y.ndim == 0:
        name, number = ("X", X) if X.ndim == 0 else ("y", y)
        raise TypeError(f"X and y need a row for each example, but {name} is the single value {number}")
    n = len(X)
    if len(y) != n:
        raise ValueError(f"X has {counted(n, 'row')} and y has {len(y)}; each example needs both")
    check_share(test_size)
    rng = seeded("seed", seed)
    if not 0.0 < test_size < 1.0:
        count = test_size if test_size % 1 == 0 and 0 < test_size < n else max(1, n // 4)
        raise ValueError(
            f"test_size is a share between 0 and 1, got {test_size!r}; for {count:g} of these {n} examples, write "
            f"test_size={count:g} / {n}"
        )
    tests = math.floor(n * test_size + 0.5)
    if not 0 < tests < n:
        raise ValueError(
            f"test_size={test_size!r} of {counted(n, 'example')} makes {tests}; each side needs at least one"
        )
    labels = np.zeros(n) if stratify is None else rows(stratify, "stratify")
    if labels.shape == (n, 1):
        labels = labels[:, 0]
    if labels.shape != (n,):
        said = f"stratify is the class of each of the {n} examples (often stratify=y)"
        raise ValueError(f"{said}; got shape {labels.shape}")

    _check_classes(labels)
    names, classes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    order = rng.permutation(n)
    test = np.zeros(n, dtype=bool)
    for label, count in enumerate(_tests_per_class(names, sizes, tests)):
        test[order[classes[order] == label][:count]] = True
    train_rows, test_rows = order[~test[order]], order[test[order]]
    return X[train_rows], X[test_rows], y[train_rows], y[test_rows]


def check_share(test_size: Any) -> None:
    """TypeError for a share of test examples that is no number."""
    if not isinstance(test_size, Real) or isinstance(test_size, bool):
        raise TypeError(f"test_size is a share between 0 and 1, got {given(test_size)}")


def _check_classes(labels: npt.NDArray[Any]) -> None:
    """ValueError for a row that has no class, TypeError for classes that cannot be put in an order."""
    if np.ma.getmaskarray(labels).any():
        raise ValueError(f"stratify is masked in row {np.ma.getmaskarray(labels).argmax()}; each row needs a class")
    for row, label in enumerate(labels.tolist() if labels.dtype.kind in "fO" else ()):
        if type(label).__name__ in ("NoneType", "NAType", "NaTType") or label != label:
            raise ValueError(f"stratify holds {label!r} in row {row}; each row needs a class")
    kinds = {type(label).__name__ for label in labels.tolist()}
    if len(kinds) > 1 and labels.dtype == object and "str" in kinds:
        raise TypeError(f"stratify holds {' and '.join(sorted(kinds))}; write all classes alike: list(map(str, y))")


def _tests_per_class(names: npt.NDArray[Any], sizes: npt.NDArray[np.int64], tests: int) -> list[int]:
    """`tests` divided into whole numbers in proportion to `sizes`: those with the largest remainders are rounded up."""
    counts, remainders = np.divmod(sizes * tests, sizes.sum())
    counts[np.argsort(-remainders, kind="stable")[: tests - counts.sum()]] += 1
    for name, size, count in zip(names.tolist(), sizes.tolist(), counts.tolist()):
        if not 0 < count < size:
            raise ValueError(
                f"class {name!r} has {size} of {sizes.sum()} examples; it would get {count} of {tests} for tests and "
                f"keep {size - count} to train on, and it needs at least one of each: add examples, change test_size, "
                "or leave stratify out"
            )
    whole: list[int] = counts.tolist()
    return whole
