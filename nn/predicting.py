"""What a model answers to many examples: by a compiled program where that pays, else by eager code."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import engine
from chainrule.engine import Program, Value, enable_grad, ops
from chainrule.engine.gate import one_example

from .probabilities import is_softmax

__all__ = ["Predictor", "class_places", "probabilities_of"]

PAYS = 100  # examples: compiling takes about as long as so many of them take eagerly
CHUNK = 1024  # examples in one call of a program
AGREE = 1e-9  # relative to the largest output; a model that has changed makes a far larger difference

Floats = NDArray[np.float64]


class Predictor:
    """A model's program and what it was made for. It is remembered by the model, and is empty in copies of it.

    The model may be changed between two calls: each time, two examples are computed eagerly as well.
    """

    def __init__(self) -> None:
        self.program: Program | None = None
        self.parameters: list[Value] = []
        self.hopeless: list[Value] | None = None  # the parameters of a model that cannot be compiled

    def __reduce__(self) -> tuple[Any, ...]:
        return Predictor, ()

    def __call__(self, model: Any, inputs: NDArray[Any]) -> Floats:
        """Shapes: inputs (n,) or (n, features) -> (n,) or (n, outputs)."""
        sample = [0, int(np.abs(inputs.reshape(len(inputs), -1)).sum(axis=1).argmax())]
        eager = _eager(model, inputs, sample)
        if len(inputs) == 1:
            return eager[:1]
        outputs = self._compiled(model, inputs, sample, eager)
        if outputs is None:
            return np.concatenate([eager[:1], _eager(model, inputs, range(1, len(inputs)))])
        bad = np.flatnonzero(~np.isfinite(outputs.reshape(len(outputs), -1)).all(axis=1))
        if len(bad):  # eager code says why, or gives a number where infinity was not chosen
            outputs[bad] = _eager(model, inputs, bad.tolist())
        return outputs

    def _compiled(self, model: Any, inputs: NDArray[Any], sample: list[int], eager: Floats) -> Floats | None:
        """The outputs, or None where eager code has to compute them."""
        parameters = model.parameters()
        for fresh in (False, True):
            if fresh and (len(inputs) < PAYS or self.hopeless == parameters):
                return None
            if fresh:
                self.program, self.parameters = engine.compile(model, parameters), parameters
            if self.program is not None and self.parameters == parameters:
                try:
                    outputs = np.concatenate(
                        [self.program(inputs[i : i + CHUNK]) for i in range(0, len(inputs), CHUNK)]
                    )
                except Exception:  # eager code has run, so it is tracing that failed
                    self.program = None
                    self.hopeless = parameters if fresh else None
                    continue
                if outputs[sample].shape == eager.shape and _agree(outputs[sample], eager):
                    return outputs
                self.hopeless = parameters if fresh else None
            self.program = None
        return None


def _agree(compiled: Floats, eager: Floats) -> bool:
    scale = float(np.abs(eager).max(initial=0.0, where=np.isfinite(eager)))
    finite = np.isfinite(compiled) & np.isfinite(eager)  # others are computed again
    return bool(np.isclose(compiled[finite], eager[finite], rtol=AGREE, atol=AGREE * scale).all())


def _eager(model: Any, inputs: NDArray[Any], rows: Any) -> Floats:
    return np.array([model(one_example(inputs, i)) for i in rows], dtype=float)


def probabilities_of(model: Any, inputs: NDArray[Any], outputs: Floats) -> Floats:
    """The probability of each class, from outputs that are probabilities already, or from scores.

    Shapes: outputs (n, classes) -> (n, classes), each row adds up to 1; outputs (n,) of one score or one sigmoid ->
    (n, 2), of the class 0 and the class 1. Several sigmoids are a probability each, and stay as they are.
    """
    kind = _ends_in(model, inputs)
    if outputs.ndim == 1:
        one = outputs if kind == "sigmoid" else _sigmoid(outputs)
        return np.column_stack([1.0 - one, one])
    if kind:
        return outputs
    powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    whole: Floats = powers / powers.sum(axis=1, keepdims=True)
    return whole


def class_places(model: Any, inputs: NDArray[Any], outputs: Floats) -> NDArray[np.intp]:
    """The place of the class with the largest score; of one score, 1 if it is above 0 (of one sigmoid, above 0.5)."""
    if outputs.ndim == 1:
        return (outputs > (0.5 if _ends_in(model, inputs) == "sigmoid" else 0.0)).astype(np.intp)
    places: NDArray[np.intp] = outputs.argmax(axis=1)
    return places


def _ends_in(model: Any, inputs: NDArray[Any]) -> str:
    """ "softmax" or "sigmoid" if the model ends in one, else ""."""
    with enable_grad():
        output = model(one_example(inputs, 0))
    if is_softmax(output):
        return "softmax"
    outputs = [output] if isinstance(output, Value) else output
    return "sigmoid" if all(isinstance(one, Value) and one.operation is ops.sigmoid for one in outputs) else ""


def _sigmoid(scores: Floats) -> Floats:
    small = np.exp(-np.abs(scores))
    whole: Floats = np.where(scores >= 0, 1.0, small) / (1.0 + small)
    return whole
