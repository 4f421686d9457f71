"""What to make small. Losses take the (prediction, target) of one example."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.engine import Value, exp, logsumexp, pick

__all__ = ["cross_entropy", "mse", "softmax"]


def mse(prediction: Any, target: Any) -> Value:
    """Mean squared error: the mean of (prediction - target)² over the outputs of one example.

    Shapes: one number and one number, or (outputs,) and (outputs,) -> one Value.
    Errors: ValueError if the lengths differ or there are none.

    >>> mse([Value(1.0), Value(3.0)], [0.0, 1.0]).data
    2.5
    """
    predictions, targets = _listed(prediction), _listed(target)
    if len(predictions) != len(targets):
        raise ValueError(f"mse got {len(predictions)} predictions and {len(targets)} targets; it needs as many of each")
    if not predictions:
        raise ValueError("mse got 0 predictions; it needs at least one")
    squares = [(p - t) ** 2 for p, t in zip(predictions, targets, strict=True)]
    total: Value = functools.reduce(operator.add, squares)  # sum() would begin with a node for 0 + …
    return total if len(squares) == 1 else total / len(squares)


def cross_entropy(logits: Sequence[Value], target: Any) -> Value:
    """-log softmax(logits)[target], in nats.

    Shapes: logits (classes,), target a class in [0, classes) -> one Value, >= 0.
    Errors: IndexError if target is no class, TypeError if it is no integer. No overflow: shifted by the largest logit.
    Source: Goodfellow, Bengio & Courville, Deep Learning (2016), section 6.2.2.3.

    >>> cross_entropy([Value(1000.0), Value(0.0)], target=0).data
    0.0
    """
    scores = _scores(logits, "cross_entropy")
    loss: Value = logsumexp(scores) - pick(scores, _label(target, len(scores)))
    return loss


def softmax(logits: Sequence[Value]) -> list[Value]:
    """Probabilities from scores: e^logit over the sum of all e^logit.

    Shapes: (classes,) -> (classes,), each in [0, 1], together 1.
    Errors: no overflow. Shifting by the log of the sum costs a relative error of about eps · |largest logit|.
    Source: Goodfellow, Bengio & Courville, Deep Learning (2016), section 4.1.

    >>> [p.data for p in softmax([Value(1000.0), Value(0.0)])]
    [1.0, 0.0]
    """
    scores = _scores(logits, "softmax")
    log_of_sum = logsumexp(scores)
    return [exp(score - log_of_sum) for score in scores]


def _listed(numbers: Any) -> list[Any]:
    if isinstance(numbers, np.ndarray) and numbers.ndim == 0:
        return [numbers.item()]
    return list(numbers) if hasattr(numbers, "__len__") else [numbers]


def _scores(logits: Any, wanted_by: str) -> list[Value]:
    if not hasattr(logits, "__len__"):
        raise TypeError(
            f"{wanted_by} needs one logit per class, got a single {type(logits).__name__}; "
            "for two classes, give the model two outputs"
        )
    if len(logits) == 0:
        raise ValueError(f"{wanted_by} got 0 logits; it needs one per class")
    return list(logits)


def _label(target: Any, classes: int) -> Any:
    """The class as an integer. A Value passes: while compiling, a label is one."""
    if isinstance(target, Value):
        return target
    try:
        label = operator.index(target)
    except TypeError:
        raise TypeError(
            f"a class label is an integer, got {type(target).__name__} {target!r}; "
            "for an array, write y.ravel().astype(int)"
        ) from None
    if not 0 <= label < classes:
        raise IndexError(f"label {label} is no class: there are {classes} classes, 0 to {classes - 1}")
    return label
