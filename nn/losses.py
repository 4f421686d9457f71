"""Losses: what training makes small. Each takes the prediction and the target of one example."""

from __future__ import annotations

import functools
import operator
import reprlib
from collections.abc import Mapping, Sequence, Set
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    try:
        squares = [(p - t) ** 2 for p, t in zip(predictions, targets, strict=True)]
    except TypeError:
        _check_numbers("prediction", predictions)
        _check_numbers("target", targets)
        raise
    total: Value = functools.reduce(operator.add, squares)  # sum() would begin with a node for 0 + the first square
    return total if len(squares) == 1 else total / len(squares)


def cross_entropy(logits: Sequence[Value], target: Any) -> Value:
    """-log softmax(logits)[target], in nats.

    Shapes: logits (classes,), target a class in [0, classes) -> one Value, >= 0.
    Errors: IndexError if target is not a class, TypeError if it is not an integer. Nothing overflows: logsumexp
    subtracts the largest logit first.
    For the list that softmax returns, or a model with output="softmax", it is -log of the target's probability,
    computed from the logits. Any other list is taken as logits: probabilities in it would get a second softmax.
    Source: Goodfellow, Bengio & Courville, Deep Learning (2016), section 6.2.2.3.

    >>> cross_entropy([Value(1000.0), Value(0.0)], target=0).data
    0.0
    """
    if not hasattr(logits, "__len__") and hasattr(target, "__len__") and len(target) > 1:
        raise TypeError(f"cross_entropy got the label {logits!r} first; write cross_entropy(logits, label)")
    scores = checked_logits(logits, "cross_entropy", behind=True)
    loss: Value = logsumexp(scores) - pick(scores, _label(target, len(scores)))
    return loss


def _listed(given: Any) -> list[Any]:
    """Numbers and Values in a list; NumPy's numbers as Python's, because small integers wrap around: 3 - 5 = 254."""
    if isinstance(given, np.ndarray):
        given = np.ma.getdata(given).tolist() if not np.ma.is_masked(given) else _refuse_mask(given)
    if not hasattr(given, "__len__"):
        return [given]
    if isinstance(given, (str, Mapping, Set)):
        raise TypeError(f"mse takes numbers and Values in a list, got {type(given).__name__} {given!r:.60}")
    return [one.item() if isinstance(one, np.generic) else one for one in given]


def _refuse_mask(given: NDArray[Any]) -> Any:
    raise ValueError(
        f"mse got an array with {int(np.ma.getmaskarray(given).sum())} masked numbers; leave such examples out"
    )


def _check_numbers(what: str, given: list[Any]) -> None:
    for i, one in enumerate(given):
        if isinstance(one, (str, bytes)) or not (isinstance(one, Real) or hasattr(type(one), "__apply__")):
            raise TypeError(f"mse takes numbers and Values, but {what} {i} is {type(one).__name__} {one!r:.60}")


def _integers_instead(target: Any, classes: int) -> str:
    """What to write where labels are something else than integers; y are the labels of all examples."""
    if isinstance(target, str):
        return "; for classes that have names, write names, y = np.unique(y, return_inverse=True)"
    if np.ndim(target) == 0:
        return "; write y.astype(int)" if isinstance(target, Real) and target % 1 == 0 else ""
    if np.shape(target) == (1,):
        return "; for labels of shape (n, 1), write y.ravel().astype(int)"
    if np.shape(target) == (classes,):
        return "; for one-hot rows of shape (n, classes), write y.argmax(axis=1)"
    return f"; there are {classes} classes and one label for each example, of shape (n,)"


def _label(target: Any, classes: int) -> Any:
    """The class as an integer. A Value is returned as it is: while a loss is compiled, the label is a Value."""
    if isinstance(target, Value):
        return target
    try:
        label = operator.index(target)
    except TypeError:
        said = f"a class label is an integer, got {type(target).__name__} {reprlib.repr(target)}"
        raise TypeError(f"{said}{_integers_instead(target, classes)}") from None
    if not 0 <= label < classes:
        raise IndexError(f"label {label} is not a class: there are {classes} classes, 0 to {classes - 1}")
    return label
