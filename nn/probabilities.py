"""Probabilities from the scores that a model gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.engine import Table, Value, exp, logsumexp

__all__ = ["checked_logits", "softmax"]


def softmax(logits: Sequence[Value]) -> list[Value]:
    """Probabilities from scores: e^logit, divided by the sum of all e^logit.

    Shapes: (classes,) -> (classes,), each in [0, 1], together 1.
    Errors: nothing overflows. Subtracting the log of the sum costs a relative error of about eps · |largest logit|.
    Source: Goodfellow, Bengio & Courville, Deep Learning (2016), section 4.1.

    >>> [p.data for p in softmax([Value(1000.0), Value(0.0)])]
    [1.0, 0.0]
    """
    scores = checked_logits(logits, "softmax")
    log_of_sum = logsumexp(scores)
    return Table([exp(score - log_of_sum) for score in scores])  # which a traced label may index, too


def checked_logits(logits: Any, wanted_by: str) -> list[Value]:
    """The logits as a list; TypeError if they are a single number, ValueError if there are none."""
    if not hasattr(logits, "__len__"):
        raise TypeError(
            f"{wanted_by} needs one logit per class, got a single {type(logits).__name__}; "
            "for two classes, give the model two outputs"
        )
    if len(logits) == 0:
        raise ValueError(f"{wanted_by} got 0 logits; it needs one per class")
    return list(logits)
