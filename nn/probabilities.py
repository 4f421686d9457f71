"""Probabilities from the scores that a model gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

import numpy as np

from chainrule.engine import Table, Value, exp, logsumexp

from .arguments import given

__all__ = ["checked_logits", "is_softmax", "softmax"]


def softmax(logits: Sequence[Value]) -> list[Value]:
    """Probabilities from scores: e^logit, divided by the sum of all e^logit.

    Shapes: (classes,) -> (classes,), each in [0, 1], together 1.
    Errors: nothing overflows. Subtracting the log of the sum costs a relative error of about eps · |largest logit|.
    Source: Goodfellow, Bengio & Courville, Deep Learning (2016), section 4.1.

    >>> from chainrule import Value
    >>> [p.data for p in softmax([Value(1000.0), Value(0.0)])]
    [1.0, 0.0]
    """
    scores = checked_logits(logits, "softmax")
    log_of_sum = logsumexp(scores)
    return _Probabilities([exp(score - log_of_sum) for score in scores], scores)


class _Probabilities(Table):
    """What softmax returns: a list that a traced label may index, too, and that knows its logits."""

    def __init__(self, probabilities: Sequence[Any], logits: Sequence[Any] = ()) -> None:  # a part of it knows none
        super().__init__(probabilities)
        self.made = tuple(zip(self, logits))

    def logits(self) -> list[Any] | None:
        """The logits, or None if the list has been changed."""
        same = len(self) == len(self.made) and all(p is made for p, (made, _) in zip(self, self.made))
        return [logit for _, logit in self.made] if same else None

    def __reduce__(self) -> tuple[Any, ...]:
        return Table, (list(self),)  # a copy does not know the logits


def is_softmax(outputs: Any) -> bool:
    """Whether these are what softmax returned."""
    return isinstance(outputs, _Probabilities) and outputs.logits() is not None


def checked_logits(logits: Any, wanted_by: str, behind: bool = False) -> list[Value]:
    """The logits as a list; with `behind`, those that a softmax was taken of, if it was, instead of its result.

    Errors: TypeError if they are a single number, ValueError if there are none.
    """
    if behind and isinstance(logits, _Probabilities) and (made_of := logits.logits()):
        return made_of
    if isinstance(logits, list) and {*map(type, logits)} == {Value}:  # as nearly always
        return [*logits]
    if not hasattr(logits, "__len__") or isinstance(logits, (str, bytes, Mapping, Set)):
        raise TypeError(
            f"{wanted_by} needs one logit per class, got a single {type(logits).__name__}; "
            "for two classes, give the model two outputs, or use binary_cross_entropy; "
            "where the target is a number, use mse"
        )
    if len(logits) == 0:
        raise ValueError(f"{wanted_by} got 0 logits; it needs one per class")
    scores = logits.tolist() if isinstance(logits, np.ndarray) else list(logits)
    scores = [one.item() if isinstance(one, np.generic) else one for one in scores]
    for i, score in enumerate(scores):
        if isinstance(score, (str, bytes)) or score is None:
            raise TypeError(f"{wanted_by} needs one logit per class, but number {i} is {given(score)}")
    if any(np.ndim(score) for score in scores if not isinstance(score, Value)):
        shape = f"an array {np.shape(logits)}" if isinstance(logits, np.ndarray) else "a list of lists"
        each = "[softmax(row) for row in logits]"
        if wanted_by != "softmax":
            each = f"[{wanted_by}(row, label) for row, label in zip(logits, labels)]"
        raise ValueError(f"{wanted_by} takes the logits of one example, (classes,), got {shape}; write {each}")
    return scores
