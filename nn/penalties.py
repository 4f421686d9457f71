"""What is added to a loss, or multiplied with it: penalties of large parameters, and weights of classes."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.engine import Value
from chainrule.engine.gate import rows
from chainrule.engine.numeric import runs_operations

from .arguments import given, not_negative
from .stepping import is_model

__all__ = ["class_weights", "l1", "l2"]


def l2(params: Any, strength: float) -> Value:
    """strength · Σ p², of a list of parameters or of all of a model's; add it to the loss of one example.

    Its slope is 2 · strength · p, which is what weight_decay=2*strength adds to the gradient.

    >>> from chainrule import MLP, Value, mse
    >>> l2([Value(3.0), Value(4.0)], 0.1).data
    2.5
    >>> model = MLP(2, [3, 1])
    >>> loss = lambda prediction, target: mse(prediction, target) + l2(model, 1e-4)
    """
    strength = _strength(strength)
    penalty: Value = _sum([p * p for p in _listed(params, "l2")]) * strength
    return penalty


def l1(params: Any, strength: float) -> Value:
    """strength · Σ |p|, of a list of parameters or of all of a model's; it drives small ones to 0.

    >>> from chainrule import Value
    >>> l1([Value(3.0), Value(-4.0)], 0.1).data
    0.7000000000000001
    """
    strength = _strength(strength)
    penalty: Value = _sum([abs(p) for p in _listed(params, "l1")]) * strength
    return penalty


def class_weights(y: Any) -> NDArray[np.float64]:
    """A weight for each class, in the order of np.unique(y): the mean size of a class divided by its own.

    So every class counts as much as each other, however rare it is: `functools.partial(cross_entropy,
    weights=class_weights(y))` is such a loss.

    Shapes: y (n,) labels -> (classes,).
    Errors: ValueError if there are no labels.

    >>> class_weights([0, 0, 0, 1]).round(4).tolist()
    [0.6667, 2.0]
    """
    labels = rows(y, "y")
    labels = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if labels.ndim != 1:
        raise TypeError(f"y has a label for each example, (n,), got {given(y)} of shape {labels.shape}")
    if not len(labels):
        raise ValueError("class_weights got 0 labels in y; it needs one of each class at least")
    for row, label in enumerate(labels.tolist()):
        if not isinstance(label, (str, Real)) or label != label:
            raise ValueError(f"y holds {given(label)} in row {row}, which is no label: write names, or whole numbers")
    counts = np.unique(labels, return_counts=True)[1]
    weights: NDArray[np.float64] = len(labels) / (len(counts) * counts)
    return weights


def _listed(params: Any, whose: str) -> list[Value]:
    held = params.parameters() if is_model(params) else params
    if not isinstance(held, Iterable) or isinstance(held, str):
        raise TypeError(f"params is a model or a list of Values, got {given(params)}; write {whose}(model, 1e-4)")
    listed = list(held)
    if not listed:
        raise ValueError(f"{whose} got 0 parameters; write {whose}(model, 1e-4)")
    for place, p in enumerate(listed):
        if not runs_operations(p):
            raise TypeError(f"params holds Values, but parameter {place} is {given(p)}; write {whose}(model, 1e-4)")
    return listed


def _strength(strength: Any) -> Any:
    """A number of at least 0; a Value, which a user may want to learn, is taken as it is."""
    return strength if runs_operations(strength) else not_negative("strength", strength)


def _sum(terms: list[Any]) -> Any:
    return functools.reduce(operator.add, terms)  # sum() would begin with a node for 0 + the first
