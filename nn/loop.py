"""One training: its steps, its records, and the parameters that it goes back to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.engine import Value
from chainrule.engine.fast.leaves import data_of

from .advice import advice
from .callbacks import wants_an_end
from .checks import Examples, Loss, Metric, Model, check_finite
from .data.preparation import Preparation
from .epochs import InC
from .history import History
from .metrics import accuracy, confusion
from .modules import Neuron
from .objective import Objective
from .optimisers import Optimiser
from .parameters import Holder, groups
from .predicting import class_places

__all__ = ["Callback", "Loop", "two_labels"]

Callback = Callable[[Any, History], object]  # called with (model, history) after each record; True ends the training
INFINITE = float("inf")
BLOCK = 2_000_000  # bytes of inputs that are gathered at once, in the order of an epoch


class Loop:
    """One training: the model and the data, the history, and the parameters after the last finished step."""

    def __init__(
        self,
        model: Model,
        parameters: Sequence[Value],
        loss: Loss,
        optimiser: Optimiser,
        parts: dict[str, Examples],
        metrics: Mapping[str, Metric],
        callbacks: Sequence[Callback],
        preparation: Preparation | None,
        backend: str,
    ) -> None:
        self.model, self.optimiser, self.parts, self.preparation = model, optimiser, parts, preparation
        self.metrics, self.callbacks, self.history = metrics, callbacks, History()
        self.objective = Objective(model, loss, (*optimiser.params, *parameters), bool(metrics), backend)
        everything = self.objective.params
        places = {p: i for i, p in enumerate(everything)}
        self.own = [places[p] for p in parameters]  # the places of the model's among all parameters
        found = groups(model, Neuron).items()
        self.layers = {name: [places[p] for p in held if p in places] for name, held in found}
        self.layers = {name: held for name, held in self.layers.items() if held}
        # The numbers of all parameters: those that the optimiser moves come first, and are moved in this array. While
        # a step moves them, `finished` has what they were. The Values get them when somebody may look.
        self.numbers = np.array(data_of(everything))
        self.theta = self.numbers[: len(optimiser.params)]
        self.finished, self.is_moving, self.is_written = self.theta.copy(), False, False
        self.still = self._still()
        self.start, self.best = self.numbers.copy(), (np.inf, 0, self.theta.copy())  # loss, epoch, parameters
        self.squares, self.square, self.steps = np.zeros(len(everything)), np.empty(len(everything)), 0
        self.last_squares, self.last_batch = self.squares, (np.arange(0), 0)
        self.gathered = parts["train"][0][:0]  # the inputs of some mini-batches, in the order of an epoch
        self.in_c: InC | None = None

    def prepare(self, compiled: bool) -> None:
        if self.objective.has_modes:
            if isinstance(self.model, Holder):
                self.model.eval()
            self.objective.find_rates(self.parts["train"])
        if compiled:
            self.objective.compile(self.parts.values())

    def epoch(self, order: NDArray[np.intp], size: int, source: np.random.Generator, epoch: int) -> Iterator[int]:
        """The steps on all mini-batches; yields how many were taken at once, which is one where NumPy runs."""
        for rows, columns in self.blocks(order, size, source):
            first = 0
            if not self.steps and len(self.history.epochs) == 1:  # the gradient of this step is recorded on its own
                self.step(rows[:size], [column[:size] for column in columns], epoch)
                yield 1
                first = size
            if self.objective.backend != "numpy" and first < len(rows):
                taken = self.steps_in_c([column[first:] for column in columns], size)
                yield taken
                first += taken * size
            for start in range(first, len(rows), size):
                self.step(rows[start : start + size], [column[start : start + size] for column in columns], epoch)
                yield 1

    def steps_in_c(self, columns: Sequence[NDArray[Any]], size: int) -> int:
        """Take steps in C on mini-batches of these inputs; returns how many were taken."""
        if self.objective.stepping is None:
            return 0
        if self.in_c is None or self.in_c.program is not self.objective.stepping:
            self.in_c = InC(self.objective.stepping, self.optimiser)
        taken = self.in_c.steps(columns, size, self.numbers, self.theta, self.squares)
        if taken:
            self.steps, self.is_written = self.steps + taken, False
            np.positive(self.theta, self.finished)
        return taken

    def blocks(
        self, order: NDArray[np.intp], size: int, source: np.random.Generator
    ) -> Iterator[tuple[NDArray[np.intp], list[NDArray[Any]]]]:
        """The rows of some mini-batches, and their inputs, of which slices are quick to make."""
        X, y = self.parts["train"]
        block = size * max(1, BLOCK // max(1, size * X[:1].nbytes))
        if len(self.gathered) != min(block, len(order)):
            self.gathered = np.empty_like(X[:block])
        for start in range(0, len(order), block):
            rows = order[start : start + block]
            inputs = np.take(X, rows, 0, self.gathered[: len(rows)], "clip")  # with "raise", it would be copied
            yield rows, [inputs, y[rows], *self.objective.draw(len(rows), source)]

    def step(self, batch: NDArray[np.intp], inputs: list[NDArray[Any]], epoch: int) -> None:
        """Move theta by the mean gradient of these examples; `restore` writes it into the Values."""
        gradient, square, theta = self.objective.gradient(inputs, self.numbers), self.square, self.theta
        is_finite = False
        if gradient is not None:
            np.multiply(gradient, gradient, square)
            # One sum for three: it is finite only if the parameters, the gradient and its square are.
            is_finite = -INFINITE < self.numbers.dot(square) < INFINITE
        if gradient is None or not is_finite:
            gradient = self.finite_gradient(gradient, batch, inputs, epoch)
            np.multiply(gradient, gradient, square)
        np.add(self.squares, square, self.squares)
        self.steps += 1
        if self.steps == 1 and len(self.history.epochs) == 1:
            for name, size in self._gradient_sizes().items():
                self.history.gradient_sizes[name][0] = size
        np.positive(theta, self.finished)  # a copy, for which np.copyto takes longer
        self.is_moving, self.is_written, self.last_batch = True, False, (batch, epoch)
        if len(theta) != len(gradient):
            gradient, square = gradient[: len(theta)], square[: len(theta)]
        self.optimiser.move(theta, gradient, self.finished, square if is_finite else None)
        if len(self.still):
            theta[self.still] = self.finished[self.still]
        self.is_moving = False

    def finite_gradient(
        self, gradient: NDArray[Any] | None, batch: NDArray[np.intp], inputs: list[NDArray[Any]], epoch: int
    ) -> NDArray[Any]:
        """The gradient that was given if it is finite, else that of eager code; FloatingPointError with the reason."""
        self.check_parameters()
        if gradient is None or not np.isfinite(gradient).all():
            self.restore()
            flags = self.objective.eager_flags(len(batch), inputs[2:])
            gradient = self.objective.backward(self.parts["train"], batch.tolist(), epoch, flags)
            check_finite(gradient, f"the gradient of examples {batch.tolist()}", epoch)
        return gradient

    def check_parameters(self) -> None:
        """FloatingPointError if the last step has made a parameter inf or nan."""
        batch, epoch = self.last_batch
        if len(batch) and not np.isfinite(self.theta).all():
            check_finite(self.theta, f"a parameter after examples {batch.tolist()}", epoch)

    def restore(self) -> None:
        """Write the parameters of the last finished step into the Values, and set their gradients to 0."""
        if self.is_moving or not np.isfinite(self.theta).all():
            self.theta[:] = self.finished
            self.is_moving = False
        if not self.is_written:
            self.optimiser.write(self.theta)
            for p in self.objective.params:
                p.grad = 0.0
        self.is_written = True

    def verify(self, epoch: int) -> None:
        """Compare the program with eager code again, on one example, at the parameters of now."""
        self.restore()
        self.objective.verify(self.parts["train"], epoch)

    def record(self, epoch: int) -> bool:
        """Whether a callback wants the training to end.

        Errors: FloatingPointError for a loss that is not finite.
        """
        self.check_parameters()
        if self.callbacks or self.metrics:  # they may read the Values
            self.restore()
        measured = {part: self.evaluate(part, examples, epoch) for part, examples in self.parts.items()}
        history = self.history
        history.epochs.append(epoch)
        history.keep_snapshot(epoch, self.numbers[self.own])
        for part, (loss, metrics) in measured.items():
            (history.train_loss if part == "train" else history.test_loss).append(loss)
            for name, found in metrics.items():
                table = history.tables if np.ndim(found) else history.metrics
                table.setdefault(f"{part} {name}", []).append(found)
        self._record_gradients()
        loss = measured.get("test", measured["train"])[0]
        if loss < self.best[0]:
            self.best = (loss, epoch, self.theta.copy())
        self.is_written = self.is_written and not (self.callbacks or self.metrics)  # they may change the Values, too
        if not self.callbacks:
            return False
        answers = [wants_an_end(callback, self.model, history) for callback in self.callbacks]
        self.numbers[:] = data_of(self.objective.params)  # a callback may have changed parameters
        self.still = self._still()  # or frozen some
        return any(answers)

    def _record_gradients(self) -> None:
        """Epoch 0 gets its sizes, which are those of the first step, after it."""
        sizes = self._gradient_sizes() if self.steps else dict.fromkeys(self.layers, np.nan)
        for name, size in sizes.items():
            self.history.gradient_sizes.setdefault(name, []).append(size)
        self.last_squares, self.steps = self.squares.copy(), 0
        self.squares[:] = 0.0

    def _gradient_sizes(self) -> dict[str, float]:
        """For each layer, the root mean square of its parameters' gradients in the steps since the last record."""
        return {name: float(np.sqrt(self.squares[places].mean() / self.steps)) for name, places in self.layers.items()}

    def _still(self) -> NDArray[np.intp]:
        """The places of the parameters that are frozen."""
        return np.flatnonzero([not p.requires_grad for p in self.optimiser.params])

    def is_out_of_patience(self, patience: int | None) -> bool:
        return patience is not None and self.history.epochs[-1] - self.best[1] >= patience

    def go_back(self) -> None:
        """Give the model the parameters of the best recorded epoch."""
        self.theta[:] = self.best[2]
        self.is_written = False

    def evaluate(self, part: str, examples: Examples, epoch: int) -> tuple[float, dict[str, Any]]:
        """The mean loss and the metrics over all examples; the metrics get targets in the shape of the outputs."""
        measured = self.objective.measure(examples, self.numbers)
        if measured is None:
            self.restore()
            measured = self.objective.measure_eagerly(examples)
        losses, outputs = measured
        if not np.isfinite(losses).all():
            self.objective.explain(examples, int(np.isfinite(losses).argmin()), epoch, "validation " * (part == "test"))
        mean = float(np.mean(losses))
        check_finite(mean, f"the mean of the {part} losses", epoch)
        if outputs is None:
            return mean, {}
        targets = _shaped_as(outputs, examples[1])
        answers, wanted = outputs, targets
        if self.preparation is not None and self.preparation.target is not None:
            answers, wanted = self.preparation.answers(outputs), self.preparation.target.units(targets)
        found = {}
        for name, metric in self.metrics.items():
            if metric in (accuracy, confusion) and outputs.ndim == 1 and targets.dtype.kind == "i":
                classes = class_places(self.model, examples[0], outputs)  # of one score
                found[name] = metric(np.array(two_labels(targets, None) or (0, 1))[classes], targets)
            else:
                found[name] = metric(answers, wanted)
        return mean, found

    def advice(self, names: Sequence[str]) -> str:
        """A line of advice if nothing was learned, or too much by heart, else ""."""
        X, params, rate = self.parts["train"][0], self.objective.params, self.optimiser.learning_rate
        return advice(self.history, self.model, X, names, params, self.last_squares, self.start, rate)


def two_labels(y: NDArray[Any], preparation: Preparation | None) -> tuple[Any, ...]:
    """The two labels, such as -1 and 1, that one score tells apart; () where these are 0 and 1, or have names."""
    if (preparation is not None and preparation.class_names) or y.dtype.kind != "i" or y.ndim != 1:
        return ()
    labels = np.unique(y).tolist()
    return tuple(labels) if len(labels) == 2 and labels != [0, 1] else ()


def _shaped_as(outputs: NDArray[Any], targets: NDArray[Any]) -> NDArray[Any]:
    """Targets (n, 1) beside outputs (n,), or the reverse, would broadcast to (n, n); class labels (n,) stay."""
    if targets.size == outputs.size:
        return targets.reshape(outputs.shape)
    return targets[:, 0] if targets.shape[1:] == (1,) and targets.dtype.kind == "i" else targets
