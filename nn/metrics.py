"""Metrics: numbers that say how good the predictions of a model are."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.engine.gate import numbers

__all__ = ["accuracy"]


def accuracy(predictions: Any, labels: Any, *, threshold: float | None = None) -> float:
    """The share of examples whose predicted class is the right one, 0 to 1.

    Shapes: predictions (n, classes) scores, (n,) integer classes, or (n,) or (n, 1) scores with a threshold; labels
    (n,), or (n, 1) beside scores (n, 1).
    Errors: ValueError if the lengths differ, if scores of one output come without a threshold, or if a number is nan;
    TypeError for an array that does not hold numbers.

    >>> accuracy([[0.1, 2.0], [3.0, 1.0]], [1, 1])
    0.5
    >>> accuracy([0.7, -0.2], [1, -1], threshold=0.0)
    1.0
    """
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
            f"accuracy got {len(scores)} scores of one output; say where class 1 begins: threshold=0.5 for "
            "probabilities, threshold=0.0 for scores (for predicted classes, write .astype(int))"
        )
    return float(np.mean(scores == classes))
