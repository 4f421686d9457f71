"""What fit is given, as inputs and targets for a model, with what the model has to remember of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.engine.gate import numbers, rows

from .dataset import Dataset
from .preparation import Preparation, Prepared
from .targets import Classes

__all__ = ["examples_of", "remembered"]


def examples_of(
    X: Any, y: Any = None, preparation: Preparation | None = None, prefix: str = ""
) -> tuple[Any, NDArray[Any], Preparation | None]:
    """Inputs and targets as model and loss take them, and the preparation that made them: None for plain numbers.

    X and y are a Dataset and None, or a Dataset's X, or any rows, and targets of which classes may go by their names.
    With a preparation, that of the rows for training, these rows are prepared as those were.

    Errors: ValueError for a class that is none of the known, TypeError for targets that are missing or not wanted.
    """
    if isinstance(X, Dataset):
        if y is not None:
            raise TypeError(f"the Dataset {X.name!r} has its targets; leave {prefix}y out")
        own = preparation or X.preparation
        return own.inputs(X), own.learnt(_known_classes(X, own), f"{prefix}y"), own
    if y is None:
        raise TypeError(f"fit needs targets, {prefix}y; only a Dataset, such as cr.table makes, brings its own")
    if preparation is not None:
        inputs = X if preparation.columns is None else preparation.inputs(X, f"{prefix}X")
        return inputs, preparation.learnt(y, f"{prefix}y"), preparation
    known = X.preparation if isinstance(X, Prepared) else None
    if known is not None and known.columns is not None and X.ndim == 2:
        return np.asarray(X), known.learnt(y, f"{prefix}y"), known
    _check_frame(X, f"{prefix}X")
    named = _named_classes(y, f"{prefix}y")
    if named is None:
        return X, numbers(y, f"{prefix}y", finite=True), None
    learner = Preparation(None, named)
    return X, learner.learnt(y, f"{prefix}y"), learner


def remembered(model: Any, data: Any) -> Preparation | None:
    """The preparation by which a model takes a Dataset that is not scaled; None where the Dataset has its own.

    It is that of a model that was trained on the same columns and the same target.
    """
    known: Preparation | None = getattr(model, "preparation", None)
    if not isinstance(data, Dataset) or data.scaled or known is None or known.target is None or not known.is_scaled:
        return None
    same = {one.name for one in known.columns or ()} == set(
        data.table.columns
    ) and known.target.name == data.table.target
    return known if same and isinstance(known.target, type(data.target)) else None


def _check_frame(X: Any, name: str) -> None:
    """The errors of a frame that holds words or gaps, with what makes a Dataset of it."""
    if hasattr(X, "iloc") or hasattr(X, "to_series"):
        try:
            numbers(X, name, finite=True)
        except (TypeError, ValueError) as problem:
            hint = "cr.table(frame, target='…') fills gaps and makes inputs of words"
            raise type(problem)(f"{problem}; {hint}") from None


def _known_classes(data: Dataset, preparation: Preparation) -> NDArray[Any]:
    """The targets of the rows: labels as the preparation numbers the classes."""
    if data.preparation.class_names == preparation.class_names:
        return data.y
    return data.preparation.named(data.y)


def _named_classes(y: Any, name: str) -> Classes | None:
    """The classes whose names are the targets; None where these are numbers."""
    array = rows(y, name)
    if array.dtype.kind == "O" and array.size and array.ndim <= 2:
        texts = [isinstance(one, str) for one in array.ravel().tolist()]
        if not all(texts):
            return None
    elif array.dtype.kind not in "U":
        return None
    if array.ndim == 0 or (array.ndim == 2 and array.shape[1] != 1) or array.ndim > 2 or not array.size:
        return None
    return Classes(name, tuple(sorted(set(array.ravel().tolist()))))
