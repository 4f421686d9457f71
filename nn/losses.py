"""Losses: what training makes small. Each takes the prediction and the target of one example."""

from __future__ import annotations

import functools
import operator
import reprlib
from collections.abc import Mapping, Sequence, Set
from numbers import Real
from typing import Any

import numpy as np

from chainrule.engine import Table, Value, logsumexp, minimum, ops, pick, relu, softplus
from chainrule.engine.numeric import counted, runs_operations

from .arguments import listed, not_negative, positive_number
from .probabilities import checked_logits

# Losses only: the tests hold each name to the laws of a loss.
__all__ = ["binary_cross_entropy", "cross_entropy", "hinge", "huber", "mae", "mse"]


def mse(prediction: Any, target: Any) -> Value:
    """Mean squared error: the mean of (prediction - target)² over the outputs of one example.

    Shapes: one number and one number, or (outputs,) and (outputs,) -> one Value.
    Errors: ValueError if the lengths differ or there are no outputs.

    >>> from chainrule import Value
    >>> mse([Value(1.0), Value(3.0)], [0.0, 1.0]).data
    2.5
    """
    return _mean([error**2 for error in _errors("mse", prediction, target)])


def mae(prediction: Any, target: Any) -> Value:
    """Mean absolute error: the mean of |prediction - target| over the outputs of one example.

    As a metric, of arrays with the outputs and the targets of all examples, it is a plain number.
    Shapes: one number and one number, or (outputs,) and (outputs,) -> one Value.
    Errors: as mse.

    >>> from chainrule import Value
    >>> mae([Value(1.0), Value(3.0)], [0.0, 1.0]).data
    1.5
    """
    return _mean([abs(error) for error in _errors("mae", prediction, target)])


def huber(prediction: Any, target: Any, delta: float = 1.0) -> Value:
    """Half the square of an error up to delta, and delta · (|error| - delta/2) of a larger one: far points pull less.

    Shapes: one number and one number, or (outputs,) and (outputs,) -> one Value, the mean over the outputs.
    Errors: ValueError if delta is not positive, else as mse.
    Source: Huber, Robust Estimation of a Location Parameter (1964).

    >>> from chainrule import Value
    >>> huber(Value(3.0), 0.0).data, huber(Value(0.5), 0.0).data
    (2.5, 0.125)
    """
    delta = positive_number("delta", delta)
    sizes = [abs(error) for error in _errors("huber", prediction, target)]
    limited = [minimum(size, delta) for size in sizes]
    return _mean([limit * (size - 0.5 * limit) for size, limit in zip(sizes, limited)])


def cross_entropy(logits: Sequence[Value], target: Any, weights: Any = None) -> Value:
    """-log softmax(logits)[target], in nats; times the weight of the target's class, where there are weights.

    With functools.partial(cross_entropy, weights=nn.class_weights(y)) rare classes count as much as others. (PyTorch
    divides the sum over a batch by the sum of its weights; fit takes the mean, so its steps differ by that factor.)

    Shapes: logits (classes,), target a class in [0, classes), weights (classes,) -> one Value, >= 0.
    Errors: IndexError if target is not a class, TypeError if it is not an integer. Nothing overflows: logsumexp
    subtracts the largest logit first.
    For the list that softmax returns, or a model with output="softmax", it is -log of the target's probability,
    computed from the logits. Any other list is taken as logits: probabilities in it would get a second softmax.
    Source: Goodfellow, Bengio & Courville, Deep Learning (2016), section 6.2.2.3.

    >>> from chainrule import Value
    >>> cross_entropy([Value(1000.0), Value(0.0)], target=0).data
    0.0
    """
    if not hasattr(logits, "__len__") and hasattr(target, "__len__") and len(target) > 1:
        raise TypeError(f"cross_entropy got the label {logits!r} first; write cross_entropy(logits, label)")
    scores = checked_logits(logits, "cross_entropy", behind=True)
    label = _label(target, len(scores))
    loss: Value = logsumexp(scores) - pick(scores, label)
    if weights is None:
        return loss
    each = [not_negative(f"of the weights, number {i}", one) for i, one in enumerate(listed("weights", weights))]
    if len(each) != len(scores):
        raise ValueError(
            f"cross_entropy got {counted(len(each), 'weight')} for {len(scores)} classes; it needs as many"
        )
    weighted: Value = Table(each)[label] * loss
    return weighted


def binary_cross_entropy(prediction: Any, target: Any, positive_weight: float = 1.0) -> Value:
    """-log sigmoid(logit) for the target 1 and -log(1 - sigmoid(logit)) for 0, in nats: one score for two classes.

    `positive_weight` multiplies the part of the target 1. Targets between 0 and 1 are probabilities.
    A prediction that a sigmoid made (a model with output="sigmoid") counts by what the sigmoid was taken of, so that
    nothing overflows or is rounded away. Any other number is taken as a logit. (Inside no_grad only the sigmoid of a
    Neuron or a Layer is known: what else made a number is not recorded there.)

    Shapes: one number and one number, or (outputs,) and (outputs,) -> one Value, the mean over the outputs.
    Errors: ValueError for a target outside of [0, 1], else as mse.
    Source: Goodfellow, Bengio & Courville, Deep Learning (2016), section 6.2.2.2.

    >>> from chainrule import Value
    >>> binary_cross_entropy(Value(-1000.0), 1).data
    1000.0
    """
    if not runs_operations(positive_weight):
        positive_weight = not_negative("positive_weight", positive_weight)
    logits, targets = _pairs("binary_cross_entropy", prediction, target)
    for one in targets:
        if not runs_operations(one) and not 0 <= one <= 1:
            whole = float(one).is_integer() and one > 0
            hint = "; for more than two classes, use cross_entropy, with an output for each" if whole else ""
            hint = "; for -1 and +1, write y = (y + 1) / 2, or use hinge" if one == -1 else hint
            hint += "; where the target is a number and no class, use mse" if one != -1 else ""
            raise ValueError(f"binary_cross_entropy takes targets from 0 to 1, got {one!r}{hint}")
    logits = [_behind_sigmoid(logit) for logit in logits]
    return _mean([positive_weight * t * softplus(-z) + (1.0 - t) * softplus(z) for z, t in zip(logits, targets)])


def hinge(scores: Any, target: Any) -> Value:
    """How much is lacking to a margin of 1: max(0, 1 - target · score) for one score and a target of -1 or +1.

    For several classes, the mean over all classes but the target of max(0, 1 + score - score of the target), where, as
    in PyTorch, the sum is divided by the number of classes.

    Shapes: one score (or a list of one) and -1 or +1, or (classes,) and a class in [0, classes) -> one Value, >= 0.
    Errors: ValueError for another target than -1 and +1, IndexError or TypeError if it is not a class.
    Source: Cortes & Vapnik, Support-Vector Networks (1995); Weston & Watkins (1999) for several classes.

    >>> from chainrule import Value
    >>> hinge(Value(0.25), -1).data, hinge([Value(2.0), Value(1.5)], 0).data
    (1.25, 0.25)
    """
    found = _listed("hinge", "scores", scores)
    _check_numbers("hinge", "scores", found)
    if len(found) == 1:
        _, (side,) = _pairs("hinge", found, target)
        if not runs_operations(side) and side not in (-1, 1):
            hint = "; for 0 and 1, write y = 2 * y - 1, or use binary_cross_entropy" if side == 0 else ""
            raise ValueError(f"hinge takes the targets -1 and +1 beside one score, got {side!r}{hint}")
        lacking: Value = relu(1.0 - found[0] * side)
        return lacking
    checked = checked_logits(scores, "hinge")
    right = pick(checked, _label(target, len(checked)))
    lacks = [relu(1.0 + (score - right)) for score in checked]  # of the target itself: 1, without a slope
    mean: Value = (functools.reduce(operator.add, lacks) - 1.0) / len(checked)
    return mean


def _behind_sigmoid(prediction: Any) -> Any:
    """The logit, of a Value that a sigmoid made of it."""
    if isinstance(prediction, Value):
        if prediction.operation is ops.sigmoid:
            return prediction.arguments[0]
        return prediction.__dict__.get("logit", prediction)  # inside no_grad a Neuron leaves it there
    return prediction


def _pairs(loss: str, prediction: Any, target: Any) -> tuple[list[Any], list[Any]]:
    """Predictions and targets as lists of the same length, of numbers and Values."""
    predictions, targets = _listed(loss, "prediction", prediction), _listed(loss, "target", target)
    if len(predictions) != len(targets):
        got = f"{counted(len(predictions), 'prediction')} and {counted(len(targets), 'target')}"
        said = f"{loss} got {got}; it needs one for each"
        raise ValueError(said + (_for_a_class(loss) if len(targets) == 1 and predictions else ""))
    if not predictions:
        raise ValueError(f"{loss} got 0 predictions; it needs at least one")
    _check_numbers(loss, "prediction", predictions)
    _check_numbers(loss, "target", targets)
    return predictions, targets


def _for_a_class(loss: str) -> str:
    one = ", or give the model one output" if loss == "binary_cross_entropy" else ""
    return f"; where the target is a class and each output a score of one, use cross_entropy{one}"


def _errors(loss: str, prediction: Any, target: Any) -> list[Any]:
    return [p - t for p, t in zip(*_pairs(loss, prediction, target), strict=True)]


def _mean(terms: list[Any]) -> Value:
    total: Value = functools.reduce(operator.add, terms)  # sum() would begin with a node for 0 + the first term
    return total if len(terms) == 1 else total / len(terms)


def _listed(loss: str, what: str, given: Any) -> list[Any]:
    """Numbers and Values in a list; NumPy's numbers as Python's, because small integers wrap around: 3 - 5 = 254."""
    if isinstance(given, np.ndarray):
        if np.ma.is_masked(given):
            count = int(np.ma.getmaskarray(given).sum())
            raise ValueError(f"{loss} got an array with {count} masked numbers; leave such examples out")
        given = np.ma.getdata(given)
        given = given.ravel().tolist() if given.dtype != object else given.tolist()  # as a metric: of all examples
    if not hasattr(given, "__len__"):
        return [given]
    if isinstance(given, (str, bytes, Mapping, Set)):
        said = f"{type(given).__name__} {given!r:.60} as {what}"
        raise TypeError(f"{loss} takes numbers and Values in a list, got {said}")
    return [one.item() if isinstance(one, np.generic) else one for one in given]


def _check_numbers(loss: str, what: str, given: list[Any]) -> None:
    for i, one in enumerate(given):
        if (
            one.__class__ is not float
            and one.__class__ is not Value
            and (isinstance(one, (str, bytes)) or not (isinstance(one, Real) or runs_operations(one)))
        ):
            raise TypeError(f"{loss} takes numbers and Values, but {what} {i} is {type(one).__name__} {one!r:.60}")


def _integers_instead(target: Any, classes: int) -> str:
    """What to write where labels are something else than integers; y are the labels of all examples."""
    if isinstance(target, str):
        return "; for classes that have names, write names, y = np.unique(y, return_inverse=True)"
    if np.ndim(target) == 0:
        if isinstance(target, Real):
            whole = "for labels, write y.astype(int), and " if target % 1 == 0 else ""
            return f"; {whole}where the target is a number and no class, use mse"
        return ""
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
        row = target.tolist() if isinstance(target, np.ndarray) else target  # of a class of ours, in fit
        said = f"a class label is an integer, got {type(row).__name__} {reprlib.repr(row)}"
        raise TypeError(f"{said}{_integers_instead(target, classes)}") from None
    if not 0 <= label < classes:
        raise IndexError(f"label {label} is not a class: there are {classes} classes, 0 to {classes - 1}")
    return label
