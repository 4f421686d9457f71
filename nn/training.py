"""The training loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.engine import Value
from chainrule.engine.compiler.run.backends import checked as checked_backend
from chainrule.engine.fast.leaves import data_of
from chainrule.engine.telling import tell

from .advice import OVERFITS, advice
from .arguments import count, seeded, switch
from .callbacks import wants_an_end
from .checks import (
    Examples,
    Loss,
    Metric,
    Model,
    check_finite,
    check_loss,
    check_model,
    checked_examples,
    checked_functions,
    checked_metrics,
    checked_optimiser,
    checked_validation,
)
from .data.columns import listed
from .data.examples import examples_of, remembered
from .data.preparation import Preparation
from .elsewhere import refuse_keywords
from .epochs import InC
from .history import History
from .metrics import accuracy, confusion
from .modules import MLP, Module, Neuron
from .objective import Objective
from .optimisers import Adam, Optimiser
from .parameters import Holder, groups
from .predicting import class_places
from .progress import Progress

__all__ = ["fit"]

Callback = Callable[[Any, History], object]  # called with (model, history) after each record; True ends the training
INFINITE = float("inf")
BLOCK = 2_000_000  # bytes of inputs that are gathered at once, in the order of an epoch


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
    shuffle: bool = True,
    validation: Any = None,
    patience: int | None = None,
    metrics: Mapping[str, Metric] | Sequence[Metric] | Metric = (),
    every: int = 1,
    progress: bool = True,
    callbacks: Sequence[Callback] | Callback = (),
    compiled: bool = True,
    backend: str = "numpy",
    **unknown: Any,
) -> History:
    """Train the model: one step for each mini-batch, by the mean gradient of the losses of its examples.

    `loss(model(x), y)` is the loss of one example. Each epoch visits all examples, in an order that is drawn from
    `seed`, or as they are given with shuffle=False; the same seed gives the same history. The losses and metrics of all
    of (X, y), and of `validation`, are recorded before the first step, after every `every` epochs, and at the end.

    With `patience`, training ends when the loss (with a validation: its loss) has not been lower for so many epochs,
    and the model gets the parameters of the best recorded epoch. Ctrl-C ends the training, too: the model keeps the
    parameters of the last finished step. So does a callback, called with (model, history) after each record, that
    returns True or raises StopIteration: `callbacks=lambda model, history: history.test_loss[-1] < 0.1`.

    Dropout drops in the steps, by numbers that are drawn from `seed`, and not in records; a model that has such parts
    is in evaluation mode afterwards, as by model.eval(). Where nothing is learned, or the test loss rises again,
    `history.advice` is a line that says what may help; the progress bar shows it, too. Between two records the numbers
    of the parameters stand in an array; the Values have them whenever a metric or a callback runs, and at the end.

    X, y and the validation, a pair, may be arrays of any type, lists, or frames and series of pandas and polars; or X
    is a Dataset, such as `table` makes, and so is the validation. The targets of classes may be their names. The model
    and the loss get plain numbers: floats, or ints where all numbers are integers, which may be labels or indices. A
    Module remembers as `preparation` how a Dataset was prepared and what its classes are called; metrics see targets
    and outputs in the units of the table. Where it remembers one already, as a model that was loaded, an unscaled
    Dataset of the same columns is prepared as the model remembers; one that is standardised brings its own scales.

    A program from `engine.compile` computes the losses and gradients. Where the loss cannot be compiled, a
    RuntimeWarning says why, and eager code computes them (with compiled=False it does so from the start). Before the
    first step the two are compared on a sample of the examples. With backend="c" the program runs in C, and so do whole
    epochs, where the rule of the optimiser does the same for each parameter; with "auto", as soon as C is built beside
    the running training. See `engine.compile`.

    Before it trains for the first time, backend="c" builds three or four libraries, one after the other, while the bar
    says "compiling": about two seconds for a small network, many more for a long recurrent model. They are kept, so
    the next training of such a model begins at once. A training that NumPy ends in a second or two does not gain by it
    the first time. With "auto", nobody waits; but what is half built when Python ends is lost.

    Shapes: X (n,) or (n, features), y (n,) or (n, outputs).
    Errors: ValueError for data that do not fit together or that hold nan or inf, TypeError for arguments of the wrong
    kind, FloatingPointError for a loss that is not finite, in a step or in a record: the model keeps its last finite
    parameters. Errors that the loss and the model raise are not caught.
    Warnings: for a leaf that the loss depends on and no list of parameters holds, so that it is never trained, for a
    softmax of probabilities, and for a model that forgets how it prepared rows, as it now gets plain numbers.

    >>> from chainrule import Neuron, mse
    >>> model = Neuron(1, nonlin=False, rng=0)
    >>> history = fit(model, mse, [0.0, 1.0], [1.0, 3.0], epochs=300, learning_rate=0.1, progress=False)
    >>> print(f"{model(10.0).data:.2f}")
    21.00
    """
    known = ("epochs", "batch_size", "optimiser", "learning_rate", "seed", "shuffle", "validation", "patience",
             "metrics", "every", "progress", "callbacks", "compiled", "backend")  # fmt: skip
    refuse_keywords("fit", unknown, known)
    for name, number in {"epochs": epochs, "batch_size": batch_size, "every": every, "patience": patience}.items():
        if name != "patience" or number is not None:
            count(name, number)
    shuffle, progress, compiled = (
        switch(name, wanted) for name, wanted in (("shuffle", shuffle), ("progress", progress), ("compiled", compiled))
    )
    shuffler, backend = seeded("seed", seed), checked_backend(backend)
    check_model(model)
    check_loss(loss)
    names = _column_names(X)
    X, y, preparation = examples_of(X, y, remembered(model, X))
    _warn_of_forgetting(model, preparation)
    _check_inputs(model, preparation)
    train = checked_examples(X, y)
    parts = {"train": train}
    if validation is not None:
        parts["test"] = checked_validation(validation, preparation)
    parameters = model.parameters()
    chosen = checked_optimiser(parameters, optimiser, learning_rate)
    functions = checked_functions("a callback", "(model, history)", callbacks)
    run = _Run(model, parameters, loss, chosen, parts, checked_metrics(metrics), functions, preparation, backend)
    before = getattr(model, "preparation", None), getattr(model, "class_labels", ())
    if isinstance(model, Module):
        model.preparation, model.class_labels = preparation, _two_labels(train[1], preparation)
    rows = len(train[0])
    steps = epochs * -(-rows // batch_size)
    chosen.planned = chosen.steps + steps
    try:
        with Progress(steps, progress) as bar, np.errstate(over="ignore", invalid="ignore"):
            if compiled and backend == "c":
                bar.tell("compiling", now=True)
            run.prepare(compiled)
            stopped = run.record(0)
            run.verify(0)
            for epoch in range(1, epochs + 1):
                if stopped:
                    break
                order = shuffler.permutation(rows) if shuffle else np.arange(rows)
                for steps in run.epoch(order, batch_size, shuffler, epoch):
                    bar.update(steps)
                if epoch == 1:  # all that is compiled is there
                    bar.tell("")
                if epoch % every == 0 or epoch == epochs:
                    stopped = run.record(epoch) or run.is_out_of_patience(patience)
                    # A callback may have changed the model at any record; otherwise a few looks are enough.
                    if functions or epoch & (epoch - 1) == 0 or epoch == epochs:
                        run.verify(epoch)
                    bar.tell(f"epoch {epoch}, loss {run.history.train_loss[-1]:.4g}")
            if patience is not None:
                run.go_back()
            run.restore()
            run.history.advice = run.advice(names or (preparation.feature_names if preparation else ()))
            if patience is not None and run.history.advice.startswith(OVERFITS):  # the best epoch is kept already
                run.history.advice = ""
            bar.say(run.history.advice)
    except BaseException as error:
        run.is_written = False  # whatever has happened
        run.restore()
        if isinstance(model, Module) and not run.steps:  # its parameters are those of the training before
            model.preparation, model.class_labels = before
        if not isinstance(error, KeyboardInterrupt):
            raise
        run.history.interrupted = True
    return run.history


def _warn_of_forgetting(model: Model, preparation: Preparation | None) -> None:
    """A RuntimeWarning where a model that scales raw rows is trained on plain numbers."""
    known = getattr(model, "preparation", None)
    if known is not None and known.changes_inputs and (preparation is None or preparation.columns is None):
        tell(
            "the model remembers how a Dataset was prepared, and X are plain numbers, which it takes as they are: it "
            "forgets the preparation, and predict will take such numbers, too. To keep it, give fit a Dataset"
        )


def _check_inputs(model: Model, preparation: Preparation | None) -> None:
    """ValueError where an MLP takes another number of inputs than a table has; its words are several inputs each."""
    names = preparation.feature_names if preparation else ()
    if names and isinstance(model, MLP) and len(model.layers[0].neurons[0].w) != len(names):
        given = len(model.layers[0].neurons[0].w)
        raise ValueError(
            f"the model takes {given} inputs, and the data have {len(names)}: {listed(names)}; write "
            f"MLP({len(names)}, …), or MLP(data.inputs, …)"
        )


class _Run:
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
        self.own = [places[p] for p in parameters]  # the model's, among all
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
                found[name] = metric(np.array(_two_labels(targets, None) or (0, 1))[classes], targets)
            else:
                found[name] = metric(answers, wanted)
        return mean, found

    def advice(self, names: Sequence[str]) -> str:
        """A line of advice if nothing was learned, or too much by heart, else ""."""
        X, params, rate = self.parts["train"][0], self.objective.params, self.optimiser.learning_rate
        return advice(self.history, self.model, X, names, params, self.last_squares, self.start, rate)


def _two_labels(y: NDArray[Any], preparation: Preparation | None) -> tuple[Any, ...]:
    """The two labels, such as -1 and 1, that one score tells apart; () where these are 0 and 1, or have names."""
    if (preparation is not None and preparation.class_names) or y.dtype.kind != "i" or y.ndim != 1:
        return ()
    labels = np.unique(y).tolist()
    return tuple(labels) if len(labels) == 2 and labels != [0, 1] else ()


def _column_names(X: Any) -> tuple[str, ...]:
    """The names of the columns of a frame, for advice."""
    return tuple(map(str, getattr(X, "columns", ()))) if not callable(getattr(X, "columns", ())) else ()


def _shaped_as(outputs: NDArray[Any], targets: NDArray[Any]) -> NDArray[Any]:
    """Targets (n, 1) beside outputs (n,), or the reverse, would broadcast to (n, n); class labels (n,) stay."""
    if targets.size == outputs.size:
        return targets.reshape(outputs.shape)
    return targets[:, 0] if targets.shape[1:] == (1,) and targets.dtype.kind == "i" else targets
