"""`from_sklearn`: networks that were trained by scikit-learn, which need not be installed for that."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data.columns import NumberColumn
from ..data.preparation import Preparation
from ..data.targets import Amounts, Classes, Target
from .stages import Activation, Affine, Floats, network

__all__ = ["from_sklearn"]

ACTIVATIONS = {"identity": "linear", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu", "softmax": "softmax"}


def from_sklearn(estimator: Any) -> Any:
    """An MLP that predicts what this MLPClassifier or MLPRegressor predicts, to be drawn, stepped and explained.

    A Pipeline of StandardScaler, MinMaxScaler, MaxAbsScaler or RobustScaler and such a network is taken whole: the
    model remembers the scaling, so that it takes raw rows. So is a TransformedTargetRegressor of a network and a
    StandardScaler. The names of the columns and of the classes are kept.

    Errors: TypeError for another estimator, ValueError for one that is not fitted.

    >>> from types import SimpleNamespace
    >>> fitted = SimpleNamespace(coefs_=[[[1.0], [2.0]]], intercepts_=[[0.5]], out_activation_="identity")
    >>> from_sklearn(fitted)([1.0, 1.0]).data
    3.5
    """
    mean: Floats | float = 0.0
    scale: Floats | float = 1.0
    amounts: tuple[float, float] | None = None
    names = getattr(estimator, "feature_names_in_", None)
    if hasattr(estimator, "regressor_"):  # TransformedTargetRegressor
        amounts = _target_scale(estimator.transformer_)
        estimator = estimator.regressor_
    for step in [one for _, one in getattr(estimator, "steps", [])[:-1]]:
        if step == "passthrough":
            continue
        its_mean, its_scale = _scaling(step)
        mean, scale = mean + scale * its_mean, scale * its_scale
    estimator = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    network_of = _network(estimator)
    inputs = len(np.asarray(estimator.coefs_[0]))
    columns = None
    if names is not None or np.any(np.asarray(mean) != 0.0) or np.any(np.asarray(scale) != 1.0):
        labels = [str(name) for name in names] if names is not None else [f"x{i + 1}" for i in range(inputs)]
        means, scales = np.broadcast_to(mean, inputs).tolist(), np.broadcast_to(scale, inputs).tolist()
        columns = tuple([NumberColumn(*one) for one in zip(labels, [None] * inputs, means, scales)])
    target: Target | None = None if amounts is None else Amounts("y", *amounts)
    outputs, classes = len(np.asarray(estimator.intercepts_[-1])), getattr(estimator, "classes_", None)
    if classes is not None and len(classes) == max(outputs, 2):
        target = Classes("class", tuple(np.asarray(classes).tolist()))
    if columns is not None or target is not None:
        network_of.preparation = Preparation(columns, target)
    return network_of


def _network(estimator: Any) -> Any:
    missing = [one for one in ("coefs_", "intercepts_", "out_activation_") if not hasattr(estimator, one)]
    if missing:
        name = type(estimator).__name__
        if name in ("MLPClassifier", "MLPRegressor"):
            raise ValueError(f"this {name} is not fitted; call its fit(X, y) first")
        raise TypeError(
            f"from_sklearn takes an MLPClassifier or MLPRegressor, or a Pipeline that ends in one; got {name}"
        )
    found: list[Affine | Activation] = []
    last = len(estimator.coefs_) - 1
    for i, (weights, biases) in enumerate(zip(estimator.coefs_, estimator.intercepts_)):
        matrix = np.asarray(weights, dtype=np.float64).T  # scikit-learn's are (inputs, outputs)
        found.append(Affine(matrix, np.asarray(biases, dtype=np.float64)))
        name = ACTIVATIONS[estimator.out_activation_ if i == last else estimator.activation]
        found += [Activation(name)] if name != "linear" else []
    return network(found)


def _scaling(step: Any) -> tuple[Any, Any]:
    """(mean, scale) of a scaler that makes (x - mean) / scale."""
    name = type(step).__name__
    if name == "StandardScaler":
        return _or(step.mean_, 0.0), _or(step.scale_, 1.0)
    if name == "RobustScaler":
        return _or(step.center_, 0.0), _or(step.scale_, 1.0)
    if name == "MaxAbsScaler":
        return 0.0, step.scale_
    if name == "MinMaxScaler" and not step.clip:
        return -step.min_ / step.scale_, 1.0 / step.scale_
    raise TypeError(
        f"from_sklearn knows StandardScaler, MinMaxScaler, MaxAbsScaler and RobustScaler before a network, got "
        f"{step!r:.80}; apply it yourself, and give from_sklearn the last step: pipeline[-1]"
    )


def _or(given: Any, default: float) -> Any:
    return default if given is None else given


def _target_scale(step: Any) -> tuple[float, float]:
    mean, scale = (np.ravel(one) for one in np.broadcast_arrays(*_scaling(step)))
    if len(mean) != 1:
        raise TypeError(f"from_sklearn takes a scaled target of one number, got {len(mean)}")
    return float(mean[0]), float(scale[0])
