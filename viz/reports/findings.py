"""What a report says of a model on rows that it was not trained on: numbers and names, without any markup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from chainrule.nn import Dataset

from ..common.text import short

__all__ = ["Findings", "Plane", "Predicting", "findings", "plane", "rounded", "text_of"]

WORST = 6  # rows that are listed
GRID = 56  # points along each side of a map
MARGIN = 0.08  # of the range, around it

Cells = Mapping[str, NDArray[Any]]


class Predicting(Protocol):
    """What report asks of a model."""

    def predict(self, X: Any) -> NDArray[np.float64]: ...


@dataclass(frozen=True)
class Findings:
    """Outputs and truth of the rows for tests, and which of them are the worst.

    `counts` is the confusion matrix, (classes, classes), the truth along the first axis; None for numbers.
    """

    truth: NDArray[Any]  # (rows,): labels, or numbers
    answers: NDArray[Any]  # (rows,): predicted labels, or numbers
    sureness: NDArray[np.float64]  # (rows,): the probability of the predicted class; 0 for numbers
    counts: NDArray[np.int64] | None
    worst: list[int]
    headline: str


def findings(model: Predicting, data: Dataset) -> Findings:
    """What the model makes of these rows."""
    outputs = np.asarray(model.predict(data), dtype=np.float64)
    truth = data.y
    if data.target_names:
        labels, probabilities = decided(outputs, len(data.target_names))
        counts = np.zeros((len(data.target_names),) * 2, dtype=np.int64)
        np.add.at(counts, (truth, labels), 1)
        sure = probabilities[np.arange(len(labels)), labels]
        wrong = np.flatnonzero(labels != truth)
        worst = wrong[np.argsort(-sure[wrong], kind="stable")][:WORST].tolist()
        right = len(truth) - len(wrong)
        said = f"{right} of {len(truth)} are right: {100 * right / len(truth):.1f} %"
        return Findings(truth, labels, sure, counts, worst, said)
    answers = outputs.reshape(len(truth), -1)[:, 0]
    errors = answers - truth
    spread = float(((truth - truth.mean()) ** 2).sum())
    explained = 1.0 - float((errors**2).sum()) / spread if spread > 0 else float("nan")
    worst = np.argsort(-np.abs(errors), kind="stable")[:WORST].tolist()
    said = f"r² is {short(explained, 3)}; the mean absolute error is {rounded(np.abs(errors).mean(), 3)}"
    return Findings(truth, answers, np.zeros(len(truth)), None, worst, said)


def decided(outputs: NDArray[np.float64], classes: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The label of each row, and the probability of each class; outputs are scores, or probabilities already.

    Shapes: outputs (rows, classes), or (rows,) for two classes -> (rows,), (rows, classes).
    """
    if outputs.ndim == 1 or outputs.shape[1] == 1:
        score = outputs.reshape(len(outputs))
        outputs = np.column_stack([np.zeros_like(score), score])
    if not ((outputs >= 0).all() and np.allclose(outputs.sum(axis=1), 1.0)):
        shifted = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        outputs = shifted / shifted.sum(axis=1, keepdims=True)
    return outputs.argmax(axis=1).astype(np.int64), outputs


@dataclass(frozen=True)
class Plane:
    """What a model of one or two columns of numbers says everywhere between them.

    `answers` is (GRID,) for one column, else (GRID, GRID), the second column along the first axis, upwards.
    """

    names: Sequence[str]
    spans: Sequence[tuple[float, float]]
    answers: NDArray[Any]
    sureness: NDArray[np.float64]


def plane(model: Predicting, train: Dataset, test: Dataset) -> Plane | None:
    """The map of a model that has two columns of numbers and classes, or one column; None for all others."""
    columns = train.preparation.columns or ()
    if any(column.words for column in columns) or len(columns) > (2 if train.target_names else 1):
        return None
    names = [column.name for column in columns]
    spans = [_span(np.concatenate([data.raw_cells()[0][name] for data in (train, test)])) for name in names]
    axes = [np.linspace(low, high, GRID) for low, high in spans]
    grid = [axis.ravel() for axis in np.meshgrid(*axes)]
    outputs = np.asarray(model.predict(train.preparation.prepared(train.preparation.inputs(dict(zip(names, grid))))))
    shape = (GRID,) * len(names)
    if not train.target_names:
        return Plane(names, spans, outputs.reshape(shape), np.zeros(shape))
    labels, probabilities = decided(outputs, len(train.target_names))
    return Plane(names, spans, labels.reshape(shape), probabilities.max(axis=1).reshape(shape))


def _span(numbers: NDArray[Any]) -> tuple[float, float]:
    held = numbers[~np.isnan(numbers)]
    low, high = float(held.min()), float(held.max())
    room = MARGIN * (high - low) or 1.0
    return low - room, high + room


def rounded(number: Any, digits: int = 5) -> str:
    """A number with few digits that are not 0, and without a power of ten unless it is huge.

    >>> rounded(12483.2, 3), rounded(0.123456)
    ('12500', '0.12346')
    """
    return short(float(f"{float(number):.{digits}g}"), 9)


def text_of(cell: Any) -> str:
    """A cell of the table as a report shows it."""
    if isinstance(cell, (float, np.floating)):
        return "" if cell != cell else short(float(cell), 6)
    return "" if cell is None else str(cell)
