"""A line of advice where a training has learned nothing, or has learned the training data by heart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.engine import Value, no_grad
from chainrule.engine.gate import one_example

from .history import History
from .modules import Neuron
from .parameters import parts

__all__ = ["OVERFITS", "advice"]

LEARNED = 0.95  # of the first loss: what is left where something was learned
SUSPICIOUS = 0.5  # of the first loss: where less is left, all went well
FEW = 64  # examples of which the outputs are compared
WIDE, FAR = 30.0, 10.0  # a column's spread; how many spreads its mean is from 0
APART = 100.0  # how many times the widest column's spread may be that of the narrowest
OVERFITS = "The model learns its examples by heart (it overfits)"
WORSE = 1.1  # times its lowest value: a test loss that has risen again
NOTABLE = 0.05  # of the first test loss: how far it has risen at least
BETTER = 0.05  # how far a metric, such as the accuracy, is above its first value where something was learned
FLAT = {"tanh", "sigmoid", "erf", "sech", "atan"}  # activations that are flat on both sides: saturated, not dead
HARDLY = 0.02  # of the parameters' length: how far they have to move


def advice(
    history: History, model: Any, X: NDArray[Any], names: Sequence[str], params: Sequence[Value],
    squares: NDArray[np.float64], start: NDArray[np.float64], learning_rate: float,
) -> str:  # fmt: skip
    """What may help, as one line; "" where all went well, or too little was done to tell.

    `squares` are those of the gradients to `params` in the last steps, and `start` is where these began.
    """
    first, last = history.train_loss[0], history.train_loss[-1]
    if len(history.epochs) < 3 or last < SUSPICIOUS * first or last <= 0 or (
        last < LEARNED * first and not _answers_alike(model, X)
    ):  # fmt: skip
        return _overfitting(history)
    moving = np.array([p.requires_grad for p in params])
    moved = np.array([p.data for p in params])[moving] - start[moving]
    found = [*_columns(X, names), *_dead(model, params, squares)]
    if (not found and max(history.train_loss) > 1.5 * first) or last > 1.05 * first:
        found = [*found, f"the loss has risen on the way: try learning_rate={learning_rate / 10:g}"]
    share = float(np.linalg.norm(moved)) / max(float(np.linalg.norm(start[moving])), 1e-300)
    if not found and share < HARDLY:
        found = [
            f"the parameters have moved by {share:.1%} only: try learning_rate={learning_rate * 10:g}, or more epochs"
        ]
    if not found:
        found = ["do the targets depend on these inputs? Otherwise try another learning_rate, or a larger model"]
    went = f"the loss went from {first:.4g} to {last:.4g}"
    better = any(values[-1] > values[0] + BETTER for name, values in history.metrics.items() if name[:5] == "train")
    if last > 1.05 * first or better:
        return f"{went[:1].upper()}{went[1:]}: {'; '.join(found)}."
    return f"Nothing was learned ({went}): {'; '.join(found)}."


def _overfitting(history: History) -> str:
    """A line where the test loss has risen since its lowest value while the train loss has gone on falling."""
    test, train = history.test_loss, history.train_loss
    best = history.best_epoch
    place = history.epochs.index(best)
    lowest = test[place] if test else 0.0
    if not test or place > len(test) - 3 or train[-1] >= train[place]:
        return ""
    if test[-1] < WORSE * lowest or test[-1] - lowest < NOTABLE * test[0]:
        return ""
    return (
        f"{OVERFITS}: since epoch {best} the test loss has risen from "
        f"{lowest:.4g} to {test[-1]:.4g} while the train loss fell from {train[place]:.4g} to {train[-1]:.4g}: try "
        "patience=10, which keeps the best epoch, or a smaller model, or more examples."
    )


def _answers_alike(model: Any, X: NDArray[Any]) -> bool:
    """Whether the model answers the same to different examples."""
    rows = np.linspace(0, len(X) - 1, min(FEW, len(X))).astype(int)
    with no_grad():
        outputs = np.array([model(one_example(X, i)) for i in rows.tolist()], dtype=float)
    spread, scale = np.ptp(outputs, axis=0).max(), np.abs(outputs).max()
    return len(rows) > 1 and bool(spread <= 1e-9 * scale)


def _columns(X: NDArray[Any], names: Sequence[str]) -> list[str]:
    """The columns that are not scaled, the worst three of them by name, and what to write."""
    if X.dtype.kind != "f" and X.ndim == 1:
        return []
    table = X.reshape(len(X), -1).astype(float)
    means, spreads = table.mean(axis=0), table.std(axis=0)
    wide = np.maximum(spreads, np.abs(means) / FAR)
    narrow = wide[wide > 0].min(initial=np.inf)
    bad = np.flatnonzero((wide > WIDE) | (wide > APART * narrow))
    if not len(bad):
        return []
    worst = bad[np.argsort(-wide[bad])][:3]
    called = [repr(names[j]) if j < len(names) else f"{j}" for j in worst.tolist()]
    shown = [f"{name} (mean {means[j]:.3g}, spread {spreads[j]:.3g})" for name, j in zip(called, worst.tolist())]
    more = f" and {len(bad) - 3} more" if len(bad) > 3 else ""
    what = "columns" if len(bad) > 1 else "column"
    write = "X = (X - X.mean(axis=0)) / X.std(axis=0), or data.standardise()"
    return [f"{what} {', '.join(shown)}{more} not scaled: write {write}"]


def _dead(model: Any, params: Sequence[Value], squares: NDArray[np.float64]) -> list[str]:
    """The layers of which half of the neurons get no gradient from any example."""
    alive: dict[tuple[str, str], bool] = {}
    for p, square in zip(params, squares.tolist()):
        unit = p.__dict__.get("unit")
        if unit and p.requires_grad:
            alive[unit] = alive.get(unit, False) or square > 0
    whole = Counter(layer for layer, _ in alive)
    dead = Counter(layer for (layer, _), lives in alive.items() if not lives)
    activations = {one.unit[0]: _activation(one) for one in parts(model) if isinstance(one, Neuron)}
    return [
        f"{dead[layer]} of {count} neurons of {layer or 'the layer'} got no gradient{_why(activations.get(layer, ''))}"
        for layer, count in whole.items()
        if 2 * dead[layer] >= count
    ][:1]


def _activation(neuron: Neuron) -> str:
    return neuron.activation if neuron.nonlin and isinstance(neuron.activation, str) else ""


def _why(activation: str) -> str:
    """Why neurons with this activation get no gradient, and what to do."""
    if activation == "relu":
        return " (dead ReLUs): try a smaller learning_rate, or activation='tanh'"
    if activation in FLAT:
        return f" ({activation} is saturated: flat at so large sums): try a smaller learning_rate, or smaller weights"
    return ": try a smaller learning_rate"
