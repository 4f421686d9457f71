"""What fit is given, checked before anything trains: data, model, loss, optimiser, metrics, counts."""

from __future__ import annotations

import operator
import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from chainrule.engine import Value

from .modules import array_of, rows_of
from .optimisers import Optimiser

__all__ = ["Data", "Loss", "Metric", "Model"]

Data = tuple[NDArray[Any], NDArray[Any]]  # inputs, targets
Loss = Callable[[Any, Any], Value]  # (prediction, target) of one example
Metric = Callable[[Any, Any], float]  # (outputs of all examples, targets) -> number


class Model(Protocol):
    """What fit trains: any function of one example that lists its parameters."""

    def __call__(self, x: Any, /) -> Any: ...
    def parameters(self) -> list[Value]: ...


def check_model(model: Any) -> None:
    if isinstance(model, type) or not callable(model) or not callable(getattr(model, "parameters", None)):
        said = f"the class {model.__name__}" if isinstance(model, type) else f"{type(model).__name__} {model!r}"
        raise TypeError(
            f"fit trains a model: an object that is called with one example and lists its parameters(); got {said}"
        )


def check_loss(loss: Any) -> None:
    if not callable(loss):
        raise TypeError(
            f"the loss is a function of (prediction, target), like nn.mse; got {type(loss).__name__} {loss!r}"
        )


def check_count(name: str, number: Any) -> None:
    try:
        whole = operator.index(number)
    except TypeError:
        raise TypeError(f"{name} is a whole number, got {type(number).__name__} {number!r}") from None
    if whole < 1:
        raise ValueError(f"{name} must be at least 1, got {number}")


def data_of(X: Any, y: Any, whose: str = "") -> Data:
    """Inputs and targets, as many of both, and finite; `whose` begins the errors' names for them."""
    inputs, targets = rows_of(X, f"{whose}X"), array_of(y, f"{whose}y")
    if targets.ndim == 0 or len(inputs) != len(targets):
        rows = f"{len(targets)} rows" if targets.ndim else f"the single value {targets}"
        raise ValueError(f"{whose}X has {len(inputs)} rows and {whose}y has {rows}; each example needs both")
    for name, column in (("X", inputs), ("y", targets)):
        flat = column.reshape(len(column), -1)
        bad = ~np.isfinite(flat) if flat.dtype.kind == "f" else np.zeros((1, 1), dtype=bool)
        if bad.any():
            row, place = np.argwhere(bad)[0]
            raise ValueError(f"{whose}{name} row {row} holds {flat[row, place]}; take that row out, or fill the gap")
    return inputs, targets


def validation_of(validation: Any) -> Data:
    try:
        if isinstance(validation, (np.ndarray, Mapping, str)):
            raise TypeError
        X, y = validation
    except (TypeError, ValueError):
        shape = f" of shape {validation.shape}" if isinstance(validation, np.ndarray) else ""
        raise TypeError(f"validation is a pair (X, y), got {type(validation).__name__}{shape}") from None
    return data_of(X, y, "validation ")


def functions_of(what: str, arguments: str, given: Any) -> list[Any]:
    """One function or several, as a list."""
    listed = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    for function in listed:
        if not callable(function):
            raise TypeError(f"{what} is a function of {arguments}; got {type(function).__name__} {function!r}")
    return listed


def metrics_of(metrics: Mapping[str, Metric] | Sequence[Metric] | Metric) -> dict[str, Metric]:
    """Metrics by name: that of the function, unless a dict says another."""
    given = metrics.values() if isinstance(metrics, Mapping) else metrics
    functions = functions_of("a metric", "(outputs, targets), like nn.accuracy", given)
    names = metrics if isinstance(metrics, Mapping) else [getattr(f, "__name__", "") for f in functions]
    named: dict[str, Metric] = {}
    for name, metric in zip(names, functions):
        if not name or name in named:
            said = f"two metrics are called {name!r}" if name else f"{metric!r} has no name"
            raise ValueError(f"{said}; name them: metrics={{'hits': function}}")
        named[name] = metric
    return named


def optimiser_of(model: Model, optimiser: Any, learning_rate: float | None) -> Optimiser:
    """The optimiser, made for the model if it is a class; ValueError if it moves none of the model's parameters."""
    made = optimiser
    if callable(optimiser):
        made = optimiser(model.parameters(), **({} if learning_rate is None else {"learning_rate": learning_rate}))
    if not isinstance(made, Optimiser):
        raise TypeError(
            f"the optimiser is a class or an object, like nn.Adam or nn.SGD(model, 0.1); got {type(made).__name__} "
            f"{made!r}"
        )
    if made is optimiser and learning_rate is not None:
        raise ValueError(f"learning_rate={learning_rate} beside an optimiser that has {made.learning_rate}")
    own = set(model.parameters())
    if own.isdisjoint(made.params):
        raise ValueError(
            f"the optimiser moves {len(made.params)} parameters, none of them among the {len(own)} of this model; "
            f"write {type(made).__name__}(model)"
        )
    return made


def loss_value(loss: Any) -> Value:
    """What the loss returned; TypeError if that is no Value."""
    if not isinstance(loss, Value):
        raise TypeError(
            f"the loss returned {type(loss).__name__} {reprlib.repr(loss)}, not a Value, so there is no "
            "gradient: it has to return one Value, without float(), .data or math on the way"
        )
    return loss


def check_finite(numbers: Any, what: str, epoch: int, *more: str) -> None:
    flat = np.atleast_1d(numbers)
    if not np.isfinite(flat).all():
        raise FloatingPointError(
            "; ".join([f"{what} is {flat[~np.isfinite(flat)][0]} in epoch {epoch}", *more])
            + "; the model keeps the parameters of the step before. "
            "Try a smaller learning_rate, or look for huge numbers in X and y"
        )
