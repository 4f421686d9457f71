"""Checks of what a model and fit are given: data, model, loss, optimiser, metrics. They run before training."""

from __future__ import annotations

import inspect
import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from chainrule.engine import Value
from chainrule.engine.gate import numbers, rows
from chainrule.engine.numeric import counted

from . import losses, metrics, optimisers
from .arguments import given, instance_hint, named_hint
from .data.dataset import Dataset
from .data.examples import examples_of
from .data.preparation import Preparation
from .optimisers import Optimiser

__all__ = [
    "Examples", "Loss", "Metric", "Model", "check_finite", "check_loss", "check_model",
    "checked_examples", "checked_functions", "checked_inputs", "checked_loss_value", "checked_metrics",
    "checked_optimiser", "checked_validation",
]  # fmt: skip

Examples = tuple[NDArray[Any], NDArray[Any]]  # inputs and targets, a row of each for each example
Loss = Callable[[Any, Any], Value]  # (prediction, target) of one example
Metric = Callable[[Any, Any], float]  # (outputs of all examples, targets) -> number


class Model(Protocol):
    """What fit trains: any function of one example that lists its parameters."""

    def __call__(self, x: Any, /) -> Any: ...
    def parameters(self) -> list[Value]: ...


def check_model(model: Any) -> None:
    """TypeError unless the model can be called and has a method parameters()."""
    if isinstance(model, type) or not callable(model) or not callable(getattr(model, "parameters", None)):
        said = "fit trains a model: an object that is called with one example and lists its parameters()"
        raise TypeError(f"{said}; got {given(model)}{instance_hint(model)}")


def check_loss(loss: Any) -> None:
    """TypeError unless the loss can be called."""
    if not callable(loss) or isinstance(loss, type):
        got = f"{given(loss)}{instance_hint(loss)}{named_hint(loss, losses.__all__)}"
        raise TypeError(f"the loss is a function of (prediction, target), like nn.mse; got {got}")


def check_finite(numbers: Any, what: str, epoch: int, *reasons: str) -> None:
    """FloatingPointError with the first number that is inf or nan; `reasons` are sentences that explain it."""
    flat = np.atleast_1d(numbers)
    if not np.isfinite(flat).all():
        said = "; ".join([f"{what} is {flat[~np.isfinite(flat)][0]} in epoch {epoch}", *reasons])
        advice = "the model keeps the parameters of the step before. Try a smaller learning_rate, or look"
        if epoch == 0:
            advice = "the model keeps the parameters that it had before the first step. Look in them, or"
        raise FloatingPointError(f"{said}; {advice} for huge numbers in X and y")


def checked_examples(X: Any, y: Any, prefix: str = "") -> Examples:
    """Inputs and targets as arrays of the same length, and finite; errors put the prefix before the names X and y."""
    inputs, targets = checked_inputs(X, f"{prefix}X"), numbers(y, f"{prefix}y", finite=True)
    if targets.ndim == 0 or len(inputs) != len(targets):
        has = counted(len(targets), "row") if targets.ndim else f"the single value {targets}"
        raise ValueError(
            f"{prefix}X has {counted(len(inputs), 'row')} and {prefix}y has {has}; each example needs both"
        )
    return inputs, targets


def checked_inputs(X: Any, name: str = "X") -> NDArray[Any]:
    """X as a finite array of numbers with a row for each example: float64, or int64 where all of them are integers.

    Errors: ValueError for a single number, no rows, or rows of several lengths; TypeError if it does not hold numbers.
    """
    X = X.X if isinstance(X, Dataset) else X
    inputs = numbers(X, name, finite=True)
    if inputs.dtype.kind == "i" and rows(X, name).dtype == bool:
        inputs = inputs.astype(float)  # no model looks up a row of a table by a flag
    if inputs.ndim == 0:
        raise ValueError(f"{name} must be (n,) or (n, features), got the single number {inputs}")
    if len(inputs) == 0:
        raise ValueError(f"{name} is empty: its shape is {inputs.shape}")
    return inputs


def checked_validation(validation: Any, preparation: Preparation | None = None) -> Examples:
    """The examples of a Dataset or of a pair (X, y), prepared as those for training; TypeError if it is neither."""
    if isinstance(validation, Dataset):
        X, y, _ = examples_of(validation, None, preparation, "validation ")
        return checked_examples(X, y, "validation ")
    try:
        if isinstance(validation, (np.ndarray, Mapping, str)):
            raise TypeError
        X, y = validation
    except (TypeError, ValueError):
        shape = f" of shape {validation.shape}" if isinstance(validation, np.ndarray) else ""
        raise TypeError(f"validation is a pair (X, y), got {type(validation).__name__}{shape}") from None
    if preparation is not None:
        X, y, _ = examples_of(X, y, preparation, "validation ")
    return checked_examples(X, y, "validation ")


def checked_functions(what: str, arguments: str, functions: Any) -> list[Any]:
    """One function or several, as a list; TypeError for what cannot be called, or is a class."""
    several = isinstance(functions, Iterable) and not isinstance(functions, (str, type, Value))
    listed = list(functions) if several else [functions]
    for function in listed:
        if not callable(function) or isinstance(function, type):
            hint = f"{instance_hint(function)}{named_hint(function, metrics.__all__)}"
            raise TypeError(f"{what} is a function of {arguments}; got {given(function)}{hint}")
    return listed


def checked_metrics(metrics: Mapping[str, Metric] | Sequence[Metric] | Metric) -> dict[str, Metric]:
    """Metrics by name, a dict's key or the function's own; ValueError if one has no name or two have the same."""
    found = metrics.values() if isinstance(metrics, Mapping) else metrics
    functions = checked_functions("a metric", "(outputs, targets), like nn.accuracy", found)
    names = metrics if isinstance(metrics, Mapping) else [getattr(f, "__name__", "") for f in functions]
    named: dict[str, Metric] = {}
    for name, metric in zip(names, functions):
        if not name or name in named:
            problem = f"two metrics are called {name!r}" if name else f"the metric {metric!r} has no name"
            raise ValueError(f"{problem}; give each a name of its own: metrics={{'hits': function}}")
        named[name] = metric
    return named


def checked_optimiser(parameters: Sequence[Value], optimiser: Any, learning_rate: float | None) -> Optimiser:
    """The optimiser; a class is called with the model's parameters, and with the learning rate if there is one.

    Errors: TypeError if it is no Optimiser, ValueError if it moves none of the model's parameters or if a learning rate
    is given beside an optimiser that has its own.
    """
    chosen, wanted = optimiser, "the optimiser is a class or an object, like nn.Adam or nn.SGD(model, 0.1)"
    if isinstance(optimiser, type) and not issubclass(optimiser, Optimiser):
        raise TypeError(f"{wanted}; got {given(optimiser)}")
    if callable(optimiser):
        settings = {} if learning_rate is None else {"learning_rate": learning_rate}
        try:
            inspect.signature(optimiser).bind(parameters, **settings)
        except TypeError as problem:
            raise TypeError(
                f"{wanted}; {given(optimiser)} cannot be called with the parameters"
                f"{', '.join(['', *settings])}: {problem}"
            ) from None
        chosen = optimiser(parameters, **settings)
    if not isinstance(chosen, Optimiser):
        raise TypeError(f"{wanted}; got {given(chosen)}{named_hint(chosen, optimisers.__all__)}")
    if chosen is optimiser and learning_rate is not None:
        raise ValueError(
            f"fit got learning_rate={learning_rate} and an optimiser whose learning_rate is {chosen.learning_rate}; "
            "leave the first out"
        )
    if set(parameters).isdisjoint(chosen.params):
        raise ValueError(
            f"the optimiser moves {len(chosen.params)} parameters, and none of them is among the {len(parameters)} of "
            f"this model; write {type(chosen).__name__}(model)"
        )
    return chosen


def checked_loss_value(loss: Any) -> Value:
    """What the loss returned; TypeError if it is not a Value."""
    if isinstance(loss, (list, tuple, np.ndarray)):
        raise TypeError(
            f"the loss returned {counted(len(np.ravel(loss)), 'number')}: it has to return one Value, as their mean"
        )
    if not isinstance(loss, Value):
        raise TypeError(
            f"the loss returned {type(loss).__name__} {reprlib.repr(loss)}, not a Value, so there is no "
            "gradient: it has to return one Value, computed without float(), .data or math"
        )
    return loss
