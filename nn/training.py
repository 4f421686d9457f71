"""`fit`: what it is given, checked; and the epochs, records and errors of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.engine.compiler.run.backends import checked as checked_backend
from chainrule.engine.telling import tell

from .advice import OVERFITS
from .arguments import count, seeded, switch
from .checks import (
    Loss,
    Metric,
    Model,
    check_loss,
    check_model,
    checked_examples,
    checked_functions,
    checked_metrics,
    checked_optimiser,
    checked_validation,
)
from .data.columns import quoted
from .data.examples import examples_of, remembered
from .data.preparation import Preparation
from .elsewhere import refuse_keywords
from .history import History
from .loop import Callback, Loop, two_labels
from .modules import MLP, Module
from .optimisers import Adam, Optimiser
from .progress import Progress

__all__ = ["fit"]


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
    _check_sizes(model, preparation)
    train = checked_examples(X, y)
    parts = {"train": train}
    if validation is not None:
        parts["test"] = checked_validation(validation, preparation)
    parameters = model.parameters()
    chosen = checked_optimiser(parameters, optimiser, learning_rate)
    functions = checked_functions("a callback", "(model, history)", callbacks)
    loop = Loop(model, parameters, loss, chosen, parts, checked_metrics(metrics), functions, preparation, backend)
    before = getattr(model, "preparation", None), getattr(model, "class_labels", ())
    if isinstance(model, Module):
        model.preparation, model.class_labels = preparation, two_labels(train[1], preparation)
    rows = len(train[0])
    steps = epochs * -(-rows // batch_size)
    chosen.planned = chosen.steps + steps
    try:
        with Progress(steps, progress) as bar, np.errstate(over="ignore", invalid="ignore"):
            if compiled and backend == "c":
                bar.tell("compiling", now=True)
            loop.prepare(compiled)
            stopped = loop.record(0)
            loop.verify(0)
            for epoch in range(1, epochs + 1):
                if stopped:
                    break
                order = shuffler.permutation(rows) if shuffle else np.arange(rows)
                for steps in loop.epoch(order, batch_size, shuffler, epoch):
                    bar.update(steps)
                if epoch == 1:  # by now everything is compiled
                    bar.tell("")
                if epoch % every == 0 or epoch == epochs:
                    stopped = loop.record(epoch) or loop.is_out_of_patience(patience)
                    # A callback may have changed the model at any record; otherwise a few looks are enough.
                    if functions or epoch & (epoch - 1) == 0 or epoch == epochs:
                        loop.verify(epoch)
                    bar.tell(f"epoch {epoch}, loss {loop.history.train_loss[-1]:.4g}")
            if patience is not None:
                loop.go_back()
            loop.restore()
            loop.history.advice = loop.advice(names or (preparation.feature_names if preparation else ()))
            if patience is not None and loop.history.advice.startswith(OVERFITS):  # the best epoch is kept already
                loop.history.advice = ""
            bar.say(loop.history.advice)
    except BaseException as error:
        loop.is_written = False  # whatever has happened
        loop.restore()
        if isinstance(model, Module) and not loop.steps:  # its parameters are those of the training before
            model.preparation, model.class_labels = before
        if not isinstance(error, KeyboardInterrupt):
            raise
        loop.history.interrupted = True
    return loop.history


def _warn_of_forgetting(model: Model, preparation: Preparation | None) -> None:
    """A RuntimeWarning where a model that scales raw rows is trained on plain numbers."""
    known = getattr(model, "preparation", None)
    if known is not None and known.changes_inputs and (preparation is None or preparation.columns is None):
        tell(
            "the model remembers how a Dataset was prepared, and X are plain numbers, which it takes as they are: it "
            "forgets the preparation, and predict will take such numbers, too. To keep it, give fit a Dataset"
        )


def _check_sizes(model: Model, preparation: Preparation | None) -> None:
    """ValueError where an MLP takes other inputs than a table has, or has several outputs that are not its classes."""
    if preparation is None or not isinstance(model, MLP):
        return
    names, given = preparation.feature_names, len(model.layers[0].neurons[0].w)
    if names and given != len(names):
        raise ValueError(
            f"the model takes {given} inputs, and the data have {len(names)}: {quoted(names)}; write "
            f"MLP({len(names)}, …), or MLP(data.inputs, …)"
        )
    classes, outputs = preparation.class_names, len(model.layers[-1].neurons)
    if classes and outputs not in (1, len(classes)):  # one output is a score, or a number for the class
        raise ValueError(
            f"the model has {outputs} outputs, and the data have {len(classes)} classes: {quoted(classes)}; write "
            f"MLP(…, [16, {len(classes)}]), or data.outputs for the last layer"
        )


def _column_names(X: Any) -> tuple[str, ...]:
    """The names of the columns of a frame, for advice."""
    return tuple(map(str, getattr(X, "columns", ()))) if not callable(getattr(X, "columns", ())) else ()
