"""Gradients from NumPy without the chain rule, by a complex step through the formula of the loss.

f(x + ih) = f(x) + ih f'(x) + O(h²), so the imaginary part over h is the derivative, right to the last digits for
h = 1e-30. Source: Squire & Trapp, Using Complex Variables to Estimate Derivatives of Real Functions (1998).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
STEP = 1e-30
EPS = 2.0**-53  # the largest relative error of one rounding


def gradient(f: Callable[[Array], Any], theta: Array, chosen: Sequence[int] | None = None) -> NDArray[np.float64]:
    """d f / d theta, or to chosen entries of theta only, for a function that can be computed with complex numbers.

    >>> gradient(lambda x: x[0] ** 2 * x[1], np.array([3.0, 2.0]))
    array([12.,  9.])
    """
    moved = theta.astype(complex)
    slopes = []
    for place in range(len(theta)) if chosen is None else chosen:
        moved[place] += 1j * STEP
        slopes.append(f(moved).imag / STEP)
        moved[place] = theta[place]
    return np.array(slopes)


def relu(x: Array) -> Array:
    return np.where(x.real > 0.0, x, 0.0)


def outputs(theta: Array, sizes: Sequence[int], X: Array, activation: Callable[[Array], Array]) -> list[Array]:
    """The outputs of each layer for the rows of X. theta has the parameters neuron by neuron, the bias last."""
    given, start = [X], 0
    for number, (inputs, neurons) in enumerate(pairwise(sizes), start=1):
        end = start + neurons * (inputs + 1)
        layer = theta[start:end].reshape(neurons, inputs + 1)
        total = given[-1] @ layer[:, :-1].T + layer[:, -1]
        given.append(total if number == len(sizes) - 1 else activation(total))
        start = end
    return given[1:]


def hinge(scores: Array, signs: Array) -> Any:
    return relu(1.0 - signs * scores[:, 0]).mean()


def cross_entropy(logits: Array, labels: Array) -> Any:
    shifted = logits - logits.real.max(axis=1, keepdims=True)
    log_of_sums = np.log(np.exp(shifted).sum(axis=1))
    return (log_of_sums - shifted[np.arange(len(labels)), labels]).mean()


def tolerance(theta: Array, sizes: Sequence[int], X: Array, chosen: Sequence[int] | None = None) -> NDArray[np.float64]:
    """How far two right gradients of a mean loss may lie apart, for each (chosen) parameter: roundings × Σ|terms|.

    The terms of a parameter's gradient are the paths to the loss. Σ|terms| is at most the gradient of the sum of all
    outputs of a network with the |weights| and |inputs| in which all local derivatives are 1: those of relu and tanh,
    and those of the losses to each output, are no larger. A local derivative of tanh or of the loss is off by at most
    twice the error of its argument, which is roundings × the size of that argument: to first order, this adds one term
    for each layer. A regulariser is no path through the network; it adds at most 1 × |theta| here.
    """
    absolute, size = np.abs(theta), np.abs(X)
    terms = gradient(lambda p: outputs(p, sizes, size, lambda total: total)[-1].sum() / len(X), absolute, chosen)
    shaken = 1.0 + 2.0 * sum(layer.max() for layer in outputs(absolute, sizes, size, lambda total: total))
    # Forwards and backwards there are a sum and a product for each input, and 8 roundings for a tanh or an exp. Then
    # the examples are summed. The bound is doubled, since the reference rounds as well.
    roundings = 2 * (2 * sum(2 * inputs + 8 for inputs in sizes) + len(X) + len(theta))
    own = absolute if chosen is None else absolute[list(chosen)]
    allowed: NDArray[np.float64] = roundings * EPS * (shaken * terms + own)
    return allowed


class WrongGradient(Exception):
    """An engine's gradient is not that of the reference, so that its time would mean nothing."""


def check(who: str, found: Sequence[float], expected: Array, allowed: Array | float) -> None:
    """Raise WrongGradient unless all numbers agree."""
    wrong = np.asarray(found, dtype=float)
    off = np.abs(wrong - expected)
    if not (off <= allowed).all():  # written like this, nan is wrong
        at = int(np.argmax(np.where(off <= allowed, 0.0, np.where(np.isnan(off), np.inf, off))))
        limit = float(np.broadcast_to(allowed, off.shape)[at])
        raise WrongGradient(
            f"{who}: gradient {at} is {float(wrong[at])!r} and NumPy's is {float(expected[at])!r}; rounding explains a "
            f"difference of {limit:.1e} at most. Nothing was timed."
        )
