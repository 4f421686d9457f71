"""Losses: what training makes small. Each takes the prediction and the target of one example."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.engine import Value, logsumexp, pick

from .probabilities import checked_logits

__all__ = ["cross_entropy", "mse"]  # losses only: the tests hold each name to the laws of a loss


def mse(prediction: Any, target: Any) -> Value:
    """Mean squared error: the mean of (prediction - target)² over the outputs of one example.

    Shapes: one number and one number, or (outputs,) and (outputs,) -> one Value.
    Errors: ValueError if the lengths differ or there are no outputs.

    >>> mse([Value(1.0), Value(3.0)], [0.0, 1.0]).data
    2.5
    """
    predictions, targets = _listed(prediction), _listed(target)
    if len(predictions) != len(targets):
        raise ValueError(f"mse got {len(predictions)} predictions and {len(targets)} targets; it needs one for each")
    if not predictions:
        raise ValueError("mse got 0 predictions; it needs at least one")
    squares = [(p - t) ** 2 for p, t in zip(predictions, targets, strict=True)]
    total: Value = functools.reduce(operator.add, squares)  # sum() would begin with a node for 0 + the first square
    return total if len(squares) == 1 else total / len(squares)


def cross_entropy(logits: Sequence[Value], target: Any) -> Value:
    """-log softmax(logits)[target], in nats.

    Shapes: logits (classes,), target a class in [0, classes) -> one Value, >= 0.
    Errors: IndexError if target is not a class, TypeError if it is not an integer. Nothing overflows: logsumexp
    subtracts the largest logit first.
    Source: Goodfellow, Bengio & Courville, Deep Learning (2016), section 6.2.2.3.

    >>> cross_entropy([Value(1000.0), Value(0.0)], target=0).data
    0.0
    """
    scores = checked_logits(logits, "cross_entropy")
    loss: Value = logsumexp(scores) - pick(scores, _label(target, len(scores)))
    return loss


def _listed(numbers: Any) -> list[Any]:
    if isinstance(numbers, np.ndarray) and numbers.ndim == 0:
        return [numbers.item()]
    return list(numbers) if hasattr(numbers, "__len__") else [numbers]


def _label(target: Any, classes: int) -> Any:
    """The class as an integer. A Value is returned as it is: while a loss is compiled, the label is a Value."""
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
        raise IndexError(f"label {label} is not a class: there are {classes} classes, 0 to {classes - 1}")
    return label
