"""Metrics: numbers that say how good the predictions of a model are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.engine.gate import numbers, rows
from chainrule.engine.numeric import counted

from .arguments import finite_number
from .data.dataset import Dataset

__all__ = ["accuracy", "confusion", "r2"]


def accuracy(predictions: Any, labels: Any, *, threshold: float | None = None) -> float:
    """The share of examples whose predicted class is the right one, 0 to 1.

    Shapes: predictions (n, classes) scores, (n,) integer classes or names of classes, as predict_class gives them, or
    (n,) or (n, 1) scores with a threshold; labels (n,), or (n, 1) beside scores (n, 1). Or a model and a Dataset.
    Errors: ValueError if the lengths differ, if scores of one output come without a threshold, or if a number is nan;
    TypeError for an array that does not hold numbers.

    >>> accuracy([[0.1, 2.0], [3.0, 1.0]], [1, 1])
    0.5
    >>> accuracy([0.7, -0.2], [1, -1], threshold=0.0)
    1.0
    """
    if threshold is not None:
        threshold = finite_number("threshold", threshold)
    if isinstance(labels, Dataset) or _is_model(predictions):
        predictions, labels = _of_dataset(predictions, labels, "accuracy", classes=threshold is None)
    if _are_names(predictions, "predictions") and _are_names(labels, "labels"):
        given, right = _names(predictions, labels, "accuracy")
        return float(np.mean(given == right))
    scores, classes = numbers(predictions, "predictions", values=True), numbers(labels, "labels", values=True)
    if scores.ndim == 2 and scores.shape[1] == 1 and classes.shape == scores.shape:
        classes = classes[:, 0]
    if scores.ndim not in (1, 2) or classes.shape != scores.shape[:1] or not len(classes):
        raise ValueError(
            "accuracy needs predictions (n, classes) or (n,) and a label for each, labels (n,); "
            f"got predictions {scores.shape} and labels {classes.shape}"
        )
    for name, array in (("predictions", scores), ("labels", classes)):
        bad = np.isnan(array.reshape(len(array), -1)).any(axis=1)
        if bad.any():
            raise ValueError(f"accuracy got {name} with nan in row {bad.argmax()}; nan is neither a class nor a score")
    if scores.ndim == 2 and scores.shape[1] == 1:
        scores = scores[:, 0]
    if scores.ndim == 2:
        scores = scores.argmax(axis=1)
    elif threshold is not None:  # labels are compared with it too, so that 0 and 1 and also -1 and +1 are understood
        scores, classes = scores > threshold, classes > threshold
    elif scores.dtype.kind == "f":
        raise ValueError(
            f"accuracy got {counted(len(scores), 'score')} of one output; say where class 1 begins: threshold=0.5 for "
            "probabilities, threshold=0.0 for scores (for predicted classes, write .astype(int)). As a metric of fit: "
            "metrics={'accuracy': lambda outputs, y: accuracy(outputs, y, threshold=0.0)}"
        )
    return float(np.mean(scores == classes))


def confusion(predictions: Any, labels: Any) -> NDArray[np.int64]:
    """How many examples of each class (a row) were taken for each class (a column).

    The classes are 0 to the largest, or the names that occur, sorted, or other integers that occur, such as -1 and 1.

    Shapes: predictions (n, classes) scores, (n,) integer classes or names; labels (n,) -> (classes, classes). Of a
    model and a Dataset, the classes are all of the Dataset's, in its order.
    Errors: ValueError if the lengths differ, if there are no examples, or if predictions (n,) are scores.

    >>> confusion([0, 1, 1, 2], [0, 1, 2, 2]).tolist()
    [[1, 0, 0], [0, 1, 0], [0, 1, 1]]
    >>> confusion(["cat", "cat", "dog"], ["cat", "dog", "dog"]).tolist()
    [[1, 0], [1, 1]]
    """
    least = 0
    if isinstance(labels, Dataset) or _is_model(predictions):
        least = len(getattr(labels, "target_names", ()))
        predictions, labels = _of_dataset(predictions, labels, "confusion")
    if _are_names(predictions, "predictions") and _are_names(labels, "labels"):
        given, right = _names(predictions, labels, "confusion")
    else:
        scores, right = (
            numbers(predictions, "predictions", values=True),
            numbers(labels, "labels", values=True).reshape(-1),
        )
        least = max(least, scores.shape[1] if scores.ndim == 2 else 0)
        given = scores.argmax(axis=1) if scores.ndim == 2 and scores.shape[1] > 1 else scores.reshape(-1)
        if given.shape != right.shape or not len(right):
            raise ValueError(
                f"confusion needs a prediction for each label, got predictions {scores.shape} and labels {right.shape}"
            )
        if (given % 1 != 0).any() or (right % 1 != 0).any():
            raise ValueError("confusion got scores of one output; write confusion(model.predict_class(X), y)")
    classes = np.union1d(given, right)
    if classes.dtype.kind in "iuf" and classes[0] >= 0:
        classes = np.arange(max(int(classes[-1]) + 1, least))
    table = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(table, (np.searchsorted(classes, right), np.searchsorted(classes, given)), 1)
    return table


def r2(predictions: Any, targets: Any) -> float:
    """The share of the targets' variance that the predictions explain: 1 for perfect ones, 0 for their mean.

    Shapes: (n,) and (n,), or (n, outputs) and (n, outputs): then the mean over the outputs. Or a model and a Dataset.
    Errors: ValueError for other shapes, or if the targets of an output are all alike.

    >>> r2([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
    0.7857142857142857
    """
    if isinstance(targets, Dataset) or _is_model(predictions):
        predictions, targets = _of_dataset(predictions, targets, "r2", classes=False)
    given, right = numbers(predictions, "predictions", values=True), numbers(targets, "targets", values=True)
    if given.size == right.size:
        given = given.reshape(right.shape)
    if given.shape != right.shape or not given.size:
        shapes = f"predictions {given.shape} and targets {right.shape}"
        raise ValueError(f"r2 needs a prediction for each target, got {shapes}")
    whole = ((right - right.mean(axis=0)) ** 2).sum(axis=0)
    if not np.all(whole > 0):
        raise ValueError("r2 is the explained share of the targets' variance, which is 0: the targets are all alike")
    return float(np.mean(1.0 - ((right - given) ** 2).sum(axis=0) / whole))


def _is_model(given: Any) -> bool:
    return callable(getattr(given, "predict_class", None))


def _of_dataset(model: Any, data: Any, whose: str, classes: bool = True) -> tuple[Any, NDArray[Any]]:
    """What the model predicts for the rows of a Dataset, and the targets of these: labels, or numbers in their units.

    Errors: TypeError for what is no model, ValueError for targets of the wrong kind and for unknown classes.
    """
    if not isinstance(data, Dataset):
        predict = "predict" if whose == "r2" else "predict_class"
        raise TypeError(f"{whose} of a model needs a Dataset; of rows, write {whose}(model.{predict}(X), y)")
    if not _is_model(model):
        said = f"{whose}(model, data) or {whose}(predictions, data.y)"
        raise TypeError(f"{whose} got the Dataset {data.name!r} beside {type(model).__name__}, no model; write {said}")
    if bool(data.target_names) is (whose == "r2"):
        kind, other = ("classes", "accuracy") if data.target_names else ("numbers", "r2")
        raise ValueError(f"the targets of {data.name!r} are {kind}, which {other}(model, data) measures, not {whose}")
    if not classes:
        return model.predict(data), data.y
    given = model.predict_class(data)
    named = model.preparation is not None and model.preparation.class_names
    places = {name: label for label, name in enumerate(data.target_names if named else range(len(data.target_names)))}
    if unknown := set(given.tolist()) - set(places):
        has = ", ".join(map(str, places))
        said = f"the model predicts the class {min(map(str, unknown))}"
        raise ValueError(f"{said}, and the classes of {data.name!r} are {has}")
    return np.array([places[name] for name in given.tolist()]), data.y


def _are_names(given: Any, name: str) -> bool:
    array = given if isinstance(given, np.ndarray) else rows(given, name)
    if array.ndim != 1 or array.dtype.kind not in "UO":
        return False
    return array.dtype.kind == "U" or all(isinstance(one, str) for one in array.tolist())


def _names(predictions: Any, labels: Any, whose: str) -> tuple[NDArray[Any], NDArray[Any]]:
    given, right = (np.array(rows(one, "labels").tolist()) for one in (predictions, labels))
    if given.shape != right.shape or not len(right):
        raise ValueError(
            f"{whose} needs a prediction for each label, got predictions {given.shape} and labels {right.shape}"
        )
    return given, right
