"""The training loop, and the history of a training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from .checks import (
    Examples,
    Loss,
    Metric,
    Model,
    check_count,
    check_finite,
    check_keywords,
    check_loss,
    check_model,
    checked_examples,
    checked_functions,
    checked_metrics,
    checked_optimiser,
    checked_validation,
)
from .data.examples import examples_of
from .data.preparation import Preparation
from .modules import Module
from .objective import Objective
from .optimisers import Adam, Optimiser

__all__ = ["History", "fit"]

Callback = Callable[[Any, "History"], object]  # called with (model, history) after each record; True ends the training


@dataclass
class History:
    """How a training went: each list has an entry for each recorded epoch; epoch 0 is before the first step.

    `metrics` is a dict of lists ("train accuracy", "test accuracy"); a snapshot is (epoch, parameters (P,)).
    `str(history)` is a table.
    """

    epochs: list[int] = field(default_factory=list)
    train_loss: list[float] = field(default_factory=list)
    test_loss: list[float] = field(default_factory=list)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    snapshots: list[tuple[int, NDArray[np.float64]]] = field(default_factory=list, repr=False)
    interrupted: bool = False

    def __str__(self) -> str:
        columns = {"train loss": self.train_loss, "test loss": self.test_loss, **self.metrics}
        columns = {name: numbers for name, numbers in columns.items() if numbers}
        lines = ["  ".join(["epoch", *(f"{name:>14}" for name in columns)])]
        picked = np.unique(np.linspace(0, len(self.epochs) - 1, min(11, len(self.epochs))).round().astype(int))
        for i in picked.tolist():
            lines.append("  ".join([f"{self.epochs[i]:>5}", *(f"{numbers[i]:>14.4g}" for numbers in columns.values())]))
        return "\n".join([*lines, *(["interrupted"] if self.interrupted else [])])


def fit(
    model: Model,
    loss: Loss,
    X: Any,
    y: Any = None,
    *,
    epochs: int = 50,
    batch_size: int = 16,
    optimiser: Optimiser | type[Optimiser] = Adam,
    learning_rate: float | None = None,
    seed: int = 0,
    validation: Any = None,
    metrics: Mapping[str, Metric] | Sequence[Metric] | Metric = (),
    every: int = 1,
    progress: bool = True,
    callbacks: Sequence[Callback] | Callback = (),
    compiled: bool = True,
    **unknown: Any,
) -> History:
    """Train the model: one step for each mini-batch, by the mean gradient of the losses of its examples.

    `loss(model(x), y)` is the loss of one example. Each epoch visits all examples, in an order that is drawn from
    `seed`. The losses and metrics of all of (X, y), and of `validation`, are recorded before the first step, after
    every `every` epochs, and at the end. Ctrl-C ends the training: the model keeps the parameters of the last finished
    step. So does a callback, called with (model, history) after each record, that returns True or raises StopIteration:
    `callbacks=lambda model, history: history.test_loss[-1] < 0.1`.

    X, y and the validation, a pair, may be arrays of any type, lists, or frames and series of pandas and polars; or X
    is a Dataset, such as `table` makes, and so is the validation. The targets of classes may be their names. The model
    and the loss get plain numbers: floats, or ints where all numbers are integers, which may be labels or indices. A
    Module remembers as `preparation` how a Dataset was prepared and what its classes are called; metrics see targets
    and outputs in the units of the table.

    A program from `engine.compile` computes the losses and gradients. Where the loss cannot be compiled, a
    RuntimeWarning says why, and eager code computes them (with compiled=False it does so from the start). Before the
    first step the two are compared on a sample of the examples.

    Shapes: X (n,) or (n, features), y (n,) or (n, outputs).
    Errors: ValueError for data that do not fit together or that hold nan or inf, TypeError for arguments of the wrong
    kind, FloatingPointError for a loss that is not finite, in a step or in a record: the model keeps its last finite
    parameters. Errors that the loss and the model raise are not caught.
    Warnings: for a leaf that the loss depends on and no list of parameters holds, so that it is never trained, and for
    a softmax of probabilities.

    >>> from chainrule import Neuron, mse
    >>> model = Neuron(1, nonlin=False, rng=0)
    >>> history = fit(model, mse, [0.0, 1.0], [1.0, 3.0], epochs=300, learning_rate=0.1, progress=False)
    >>> print(f"{model(10.0).data:.2f}")
    21.00
    """
    check_keywords(unknown)
    for name, number in (("epochs", epochs), ("batch_size", batch_size), ("every", every)):
        check_count(name, number)
    check_model(model)
    check_loss(loss)
    X, y, preparation = examples_of(X, y)
    train = checked_examples(X, y)
    parts = {"train": train}
    if validation is not None:
        parts["test"] = checked_validation(validation, preparation)
    chosen = checked_optimiser(model, optimiser, learning_rate)
    functions = checked_functions("a callback", "(model, history)", callbacks)
    run = _Run(model, loss, chosen, parts, checked_metrics(metrics), functions, preparation)
    if isinstance(model, Module):
        model.preparation = preparation
    shuffler, rows = np.random.default_rng(seed), len(train[0])
    try:
        with tqdm(total=epochs * -(-rows // batch_size), unit="step", disable=not progress) as bar:
            if compiled:
                run.objective.compile(parts.values())
            stopped = run.record(0)
            run.objective.verify(train, 0)
            for epoch in range(1, epochs + 1):
                if stopped:
                    break
                for batch in np.array_split(shuffler.permutation(rows), range(batch_size, rows, batch_size)):
                    run.step(batch, epoch)
                    bar.update()
                if epoch % every == 0 or epoch == epochs:
                    stopped = run.record(epoch)
                    run.objective.verify(train, epoch)
                    bar.set_postfix_str(f"epoch {epoch}, loss {run.history.train_loss[-1]:.4g}", refresh=False)
    except BaseException as error:
        run.restore()
        if not isinstance(error, KeyboardInterrupt):
            raise
        run.history.interrupted = True
    return run.history


class _Run:
    """One training: the model and the data, the history, and the parameters after the last finished step."""

    def __init__(
        self,
        model: Model,
        loss: Loss,
        optimiser: Optimiser,
        parts: dict[str, Examples],
        metrics: Mapping[str, Metric],
        callbacks: Sequence[Callback],
        preparation: Preparation | None = None,
    ) -> None:
        self.preparation = preparation
        self.model, self.optimiser, self.parts = model, optimiser, parts
        self.metrics, self.callbacks, self.history = metrics, callbacks, History()
        self.parameters = model.parameters()
        self.objective = Objective(model, loss, (*optimiser.params, *self.parameters), bool(metrics))
        self.theta = optimiser.read()
        self.moving = np.array([p.requires_grad for p in optimiser.params])

    def step(self, batch: NDArray[np.intp], epoch: int) -> None:
        """Move theta by the mean gradient of these examples; it is written into the Values at the next record."""
        examples, theta = self.parts["train"], self.theta
        gradient = self.objective.gradient(examples, batch, theta)
        if gradient is None:
            self.restore()
            self.objective.backward(examples, batch.tolist(), epoch)
            gradient = self.optimiser.gradient()
        check_finite(gradient, f"the gradient of examples {batch.tolist()}", epoch)
        with np.errstate(over="ignore", invalid="ignore"):
            updated = self.optimiser.update(theta, gradient)
        check_finite(updated, f"a parameter after examples {batch.tolist()}", epoch)
        self.theta = np.where(self.moving, updated, theta)

    def restore(self) -> None:
        """Write the parameters of the last finished step into the Values, and set their gradients to 0."""
        self.optimiser.write(self.theta)
        self.zero_grad()

    def zero_grad(self) -> None:
        for p in (*self.parameters, *self.optimiser.params):
            p.grad = 0.0

    def record(self, epoch: int) -> bool:
        """Whether a callback wants the training to end.

        Errors: FloatingPointError for a loss that is not finite.
        """
        self.restore()
        measured = {part: self.evaluate(part, examples, epoch) for part, examples in self.parts.items()}
        history = self.history
        history.epochs.append(epoch)
        history.snapshots.append((epoch, np.array([p.data for p in self.parameters])))
        for part, (loss, metrics) in measured.items():
            (history.train_loss if part == "train" else history.test_loss).append(loss)
            for name, number in metrics.items():
                history.metrics.setdefault(f"{part} {name}", []).append(number)
        answers = [_wants_an_end(callback, self.model, history) for callback in self.callbacks]
        self.theta = self.optimiser.read()  # a callback may have changed parameters, or frozen some
        self.moving = np.array([p.requires_grad for p in self.optimiser.params])
        return any(answers)

    def evaluate(self, part: str, examples: Examples, epoch: int) -> tuple[float, dict[str, float]]:
        """The mean loss and the metrics over all examples; the metrics get targets in the shape of the outputs."""
        losses, outputs = self.objective.measure(examples)
        if not np.isfinite(losses).all():
            self.objective.explain(examples, int(np.isfinite(losses).argmin()), epoch, "validation " * (part == "test"))
        with np.errstate(over="ignore"):
            mean = float(np.mean(losses))
        check_finite(mean, f"the mean of the {part} losses", epoch)
        targets = examples[1] if outputs is None else _shaped_as(outputs, examples[1])
        if self.preparation is not None and self.preparation.target is not None and outputs is not None:
            outputs, targets = self.preparation.answers(outputs), self.preparation.target.units(targets)
        return mean, {name: metric(outputs, targets) for name, metric in self.metrics.items()}


def _shaped_as(outputs: NDArray[Any], targets: NDArray[Any]) -> NDArray[Any]:
    """Targets (n, 1) beside outputs (n,), or the reverse, would broadcast to (n, n); class labels (n,) stay."""
    if targets.size == outputs.size:
        return targets.reshape(outputs.shape)
    return targets[:, 0] if targets.shape[1:] == (1,) and targets.dtype.kind == "i" else targets


def _wants_an_end(callback: Callback, model: Model, history: History) -> bool:
    try:
        answer = callback(model, history)
    except StopIteration:
        return True
    return isinstance(answer, (bool, np.bool_)) and bool(answer)
