"""How a training went."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .elsewhere import Hinted

__all__ = ["History"]

MOST = 200  # snapshots; when there are more, every second one goes
NUMBERS = 4_000_000  # in all snapshots together: 32 MB


@dataclass(repr=False)
class History(Hinted):
    """How a training went: each list has an entry for each recorded epoch; epoch 0 is before the first step.

    `metrics` is a dict of lists ("train accuracy", "test accuracy"), and `tables` one of lists of matrices, such as
    "test confusion". `gradient_sizes` has for each layer ("layers.0") the root mean square of its parameters' gradients
    in the steps since the record before; the entry of epoch 0 is that of the first step. A snapshot is (epoch,
    parameters (P,)): the first, the last, and not too many between them. `best_epoch` is the one with the lowest loss
    (with a validation: test loss). `advice` says what may help, where nothing was learned or it overfits.
    `str(history)` is a table.

    >>> from chainrule import MLP, fit, mse
    >>> history = fit(MLP(1, [1], rng=0), mse, [0.0, 1.0], [1.0, 3.0], epochs=2, progress=False)
    >>> history.epochs, len(history.train_loss), history.best_epoch
    ([0, 1, 2], 3, 2)
    >>> history
    <History: epochs 0 to 2, train loss ... to ...>
    """

    epochs: list[int] = field(default_factory=list)
    train_loss: list[float] = field(default_factory=list)
    test_loss: list[float] = field(default_factory=list)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    tables: dict[str, list[NDArray[Any]]] = field(default_factory=dict)
    gradient_sizes: dict[str, list[float]] = field(default_factory=dict)
    snapshots: list[tuple[int, NDArray[np.float64]]] = field(default_factory=list)
    interrupted: bool = False
    advice: str = ""
    _stride: int = 1  # of so many records, one has a snapshot

    @property
    def best_epoch(self) -> int:
        """The recorded epoch with the lowest test loss (train loss, without a validation); the first of equals.

        Errors: ValueError if nothing is recorded.
        """
        if not self.epochs:
            raise ValueError("this history has recorded no epoch yet")
        return self.epochs[int(np.argmin(self.test_loss or self.train_loss))]

    def keep_snapshot(self, epoch: int, parameters: NDArray[np.float64]) -> None:
        """Add the snapshot of the last record. Of too many, every second one is dropped, but not the first and last."""
        place = len(self.epochs) - 1
        if self.snapshots and (place - 1) % self._stride:
            self.snapshots.pop()  # it was kept as the last
        self.snapshots.append((epoch, parameters))
        if len(self.snapshots) > max(3, min(MOST, NUMBERS // max(len(parameters), 1))):
            even = self.snapshots[:-1] if place % self._stride else self.snapshots
            self._stride *= 2
            self.snapshots = even[::2] + ([self.snapshots[-1]] if place % self._stride else [])

    def __repr__(self) -> str:
        if not self.epochs:
            return "<History: no epoch>"
        ends = [
            f"{name} {numbers[0]:.4g} to {numbers[-1]:.4g}"
            for name, numbers in (("train loss", self.train_loss), ("test loss", self.test_loss))
            if numbers
        ]
        return f"<History: epochs {self.epochs[0]} to {self.epochs[-1]}, {', '.join(ends)}>"

    def __str__(self) -> str:
        columns = {"train loss": self.train_loss, "test loss": self.test_loss, **self.metrics}
        columns = {name: numbers for name, numbers in columns.items() if numbers}
        lines = ["  ".join(["epoch", *(f"{name:>14}" for name in columns)])]
        picked = np.unique(np.linspace(0, len(self.epochs) - 1, min(11, len(self.epochs))).round().astype(int))
        for i in picked.tolist():
            lines.append("  ".join([f"{self.epochs[i]:>5}", *(f"{numbers[i]:>14.4g}" for numbers in columns.values())]))
        lines += ["interrupted"] * self.interrupted
        return "\n".join([*lines, *([self.advice] if self.advice else [])])
