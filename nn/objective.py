"""The losses of examples and their gradient: from a compiled program where the loss can be traced, else eagerly."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import engine
from chainrule.engine import DomainError, Program, Value, diagnose, enable_grad, no_grad

from .checks import Data, Loss, Model, check_finite, loss_value

__all__ = ["Objective"]

CHUNK = 1024  # examples at a time in a program: its memory is so many numbers for each node of an example
SAMPLE = 256  # rows on which a program is compared with eager code
AGREE = 1e-6  # how closely, relative to the largest loss or slope; what a trace misses is far larger

HINT = "Is there a branch on a number (==, if), chance, or something that changes, in the model or the loss?"

Numbers = NDArray[np.float64]
Rows = NDArray[np.intp]


class Objective:
    """loss(model(x), target) of single rows of data, and the gradient of its mean over several to `params`."""

    def __init__(self, model: Model, loss: Loss, params: Iterable[Value], outputs_too: bool) -> None:
        self.model, self.loss, self.params = model, loss, list(dict.fromkeys(params))
        self.outputs_too = outputs_too  # whether anybody wants the model's outputs
        self.program: Program | None = None  # rows -> their losses
        self.predicting: Program | None = None  # rows -> the model's outputs
        self.scale = 0.0  # the largest loss at the start

    def compile(self, parts: Iterable[Data]) -> None:
        """Trace the loss, and compare with eager code: it may ask `isinstance(target, int)`, which tracing cannot see.

        Eager code goes first, so that what is wrong with the model, the loss or the data is said as it says it.
        """
        samples = [(data, rows, *self._eager(data, rows)) for data in parts for rows in [_sample(data)]]
        self.scale = max(_largest(losses) for _, _, losses, _ in samples)
        try:
            program = engine.compile(lambda x, target: self.loss(self.model(x), target), self.params)
            self.predicting = engine.compile(self.model, self.params) if self.outputs_too else None
            for data, rows, losses, outputs in samples:
                traced_losses, traced_outputs = self._compiled(program, data, rows)
                self._compare(rows, losses, traced_losses)
                if outputs is not None and not _agree(traced_outputs, outputs, _largest(outputs)).all():
                    raise ValueError(f"the outputs of the model differ. {HINT}")
            data, rows, losses, _ = samples[0]
            self._compare_gradients(program, data, rows[np.isfinite(losses)])
            self.program = program
        except Exception as error:  # eager code has run, so whatever it is, tracing is in its way
            self._fall_back(f"the loss cannot be compiled: {type(error).__name__}: {error}")

    def verify(self, data: Data, row: int) -> None:
        """Whether the program still says what eager code does; a callback may have changed something."""
        if self.program is not None:
            rows = np.array([row % len(data[0])])
            try:
                self._compare(rows, self._eager(data, rows)[0], self._compiled(self.program, data, rows)[0])
            except ValueError as error:
                self._fall_back(f"the loss is no longer what was compiled: {error}")

    def measure(self, data: Data) -> tuple[Numbers, Numbers | None]:
        """The loss of each row, and the model's outputs where they are wanted; no graph is kept."""
        rows = np.arange(len(data[0]))
        if self.program is not None:
            losses, outputs = self._compiled(self.program, data, rows)
            if np.isfinite(losses).all() and (outputs is None or np.isfinite(outputs).all()):
                return losses, outputs
        return self._eager(data, rows)

    def gradient(self, data: Data, batch: Rows, theta: Numbers) -> Numbers | None:
        """The gradient of the mean loss of these rows, at theta; None where eager code has to tell.

        theta has the first of the parameters: those that an optimiser moves.
        """
        if self.program is None:
            return None
        rest = np.array([p.data for p in self.params[len(theta) :]])
        at = np.concatenate([theta, rest]) if len(rest) else theta
        value, gradient = self._value_and_grad(self.program, data, batch, at)
        finite = np.isfinite(value) and np.isfinite(gradient).all()
        return gradient[: len(theta)] if finite else None

    def backward(self, data: Data, batch: Sequence[int], epoch: int, check: bool = True) -> None:
        """Add the gradient of the mean loss of these rows to the parameters' `.grad`, by eager code."""
        with enable_grad():  # also where fit is called inside no_grad()
            for i in batch:
                loss = self._example(data, i)[1]
                if not np.isfinite(loss.data):
                    said = [one.sentence for one in diagnose(loss, []).findings if one.kind == "not finite"]
                    check_finite(loss.data, f"the loss of row {i}", epoch, *said)
                (loss / len(batch)).backward()  # one graph at a time: leaves add up
                slopes = [p.grad for p in self.params]
                if check and not np.isfinite(slopes).all():
                    found = diagnose(loss, self.params).findings
                    said = [one.sentence for one in found if one.kind == "gradient not finite"]
                    check_finite(slopes, f"the gradient of row {i}", epoch, *said)

    def _example(self, data: Data, i: int) -> tuple[Any, Value]:
        """The output and the loss of row i; single numbers go in as plain floats and ints."""
        x, target = (column[i] if column.ndim > 1 else column[i].item() for column in data)
        try:
            output = self.model(x)
            return output, loss_value(self.loss(output, target))
        except DomainError as error:
            raise DomainError(f"row {i}: {error}") from error

    def _eager(self, data: Data, rows: Rows) -> tuple[Numbers, Numbers | None]:
        with no_grad():
            examples = [self._example(data, i) for i in rows.tolist()]
        outputs = np.array([output for output, _ in examples], dtype=float) if self.outputs_too else None
        return np.array([loss.data for _, loss in examples]), outputs

    def _compiled(self, program: Program, data: Data, rows: Rows) -> tuple[Numbers, Numbers | None]:
        (X, y), parts = data, _chunks(rows)
        losses = np.concatenate([program(X[part], y[part]) for part in parts])
        return losses, np.concatenate([self.predicting(X[part]) for part in parts]) if self.predicting else None

    def _value_and_grad(
        self, program: Program, data: Data, rows: Rows, at: Numbers | None = None
    ) -> tuple[float, Numbers]:
        X, y = data
        if len(rows) <= CHUNK:
            return program.value_and_grad(X[rows], y[rows], at=at)
        value, gradient = 0.0, np.zeros(len(self.params))
        for part in _chunks(rows):
            part_value, part_gradient = program.value_and_grad(X[part], y[part], at=at)
            value, gradient = value + part_value * len(part), gradient + part_gradient * len(part)
        return value / len(rows), gradient / len(rows)

    def _compare(self, rows: Rows, eager: Numbers, traced: Numbers) -> None:
        agree = _agree(traced, eager, self.scale)
        if not agree.all():
            place = int(agree.argmin())
            raise ValueError(f"the loss of row {rows[place]} is {eager[place]:.9g}, traced {traced[place]:.9g}. {HINT}")

    def _compare_gradients(self, program: Program, data: Data, rows: Rows) -> None:
        few = rows[:: max(1, len(rows) // 8)]
        if not len(few):
            return
        traced = self._value_and_grad(program, data, few)[1]
        for p in self.params:
            p.grad = 0.0
        self.backward(data, few.tolist(), 0, check=False)
        eager = np.array([p.grad for p in self.params])
        frozen = np.array([not p.requires_grad for p in self.params])
        agree = _agree(traced, eager, _largest(eager)) | frozen | ~np.isfinite(eager)
        if not agree.all():
            place = int(agree.argmin())
            name = self.params[place].name()
            raise ValueError(f"the gradient of {name} is {eager[place]:.9g}, traced {traced[place]:.9g}. {HINT}")

    def _fall_back(self, reason: str) -> None:
        self.program = self.predicting = None
        said = "fit trains with eager code, which is slower (compiled=False does so without this warning): "
        warnings.warn(said + reason, RuntimeWarning, stacklevel=4)  # where fit was called


def _sample(data: Data) -> Rows:
    """Rows from first to last, and one of each class."""
    X, y = data
    spread = np.unique(np.linspace(0, len(X) - 1, min(len(X), SAMPLE)).astype(int))
    return spread if y.dtype.kind in "fO" else np.union1d(spread, np.unique(y, axis=0, return_index=True)[1])


def _chunks(rows: Rows) -> list[Rows]:
    return np.array_split(rows, range(CHUNK, len(rows), CHUNK))


def _largest(numbers: Numbers) -> float:
    return float(np.abs(numbers).max(initial=0.0, where=np.isfinite(numbers)))


def _agree(traced: Any, eager: Numbers, scale: float) -> NDArray[np.bool_]:
    agree: NDArray[np.bool_] = np.isclose(traced, eager, rtol=AGREE, atol=AGREE * scale, equal_nan=True)
    return agree
