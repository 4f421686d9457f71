"""W13: a whole training step of microgpt, with chainrule's Value and with the class that such a file defines itself.

The model is that of W10 with a block of 16 letters. It is written as in Karpathy's microgpt.py, with operators, `sum`,
`exp`, `log` and `relu` only, so that the same code runs with either class. Unlike in W10, softmax makes *all* the
quotients, though the loss uses one of them, and Adam is a loop over the parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.engine import Value

from . import microgpt_peer, reference, transformer
from .timing import Row, Work, alternate, one_phase
from .transformer import HEADS, LETTERS, WIDTH

BLOCK = 16  # at most so many letters of a text are predicted
NAMES = ("emma", "olivia", "matilda", "alexander")
HEAD = WIDTH // HEADS
LEARNING_RATE, BETA1, BETA2, TINY = 0.01, 0.85, 0.99, 1e-8
STEPS = 1_000  # over which the learning rate falls to 0


def linear(x: Sequence[Any], weights: Sequence[Sequence[Any]]) -> list[Any]:
    return [sum(w * xi for w, xi in zip(row, x)) for row in weights]


def softmax(logits: Sequence[Any]) -> list[Any]:
    largest = max(logit.data for logit in logits)
    exps = [(logit - largest).exp() for logit in logits]
    total = sum(exps)
    return [e / total for e in exps]


def rmsnorm(x: Sequence[Any]) -> list[Any]:
    mean_square = sum(xi * xi for xi in x) / len(x)
    scale = (mean_square + transformer.EPSILON) ** -0.5
    return [xi * scale for xi in x]


class MicroGPT:
    """The model, which has one layer, and its training. `kind` is the class of its numbers."""

    def __init__(self, kind: type, theta: NDArray[np.float64]) -> None:
        self.weights: dict[str, list[list[Any]]] = {
            name: [list(map(kind, row)) for row in matrix.tolist()]
            for name, matrix in transformer.matrices(theta, BLOCK).items()
        }
        self.parameters = [p for matrix in self.weights.values() for row in matrix for p in row]
        self.m, self.v, self.steps = [0.0] * len(self.parameters), [0.0] * len(self.parameters), 0

    def logits(self, token: int, place: int, keys: list[list[Any]], values: list[list[Any]]) -> list[Any]:
        weights = self.weights
        x = rmsnorm([t + p for t, p in zip(weights["tokens"][token], weights["places"][place])])
        residual = x
        x = rmsnorm(x)
        query = linear(x, weights["query"])
        keys.append(linear(x, weights["key"]))
        values.append(linear(x, weights["value"]))
        mixed: list[Any] = []
        for start in range(0, WIDTH, HEAD):
            q = query[start : start + HEAD]
            k = [key[start : start + HEAD] for key in keys]
            v = [value[start : start + HEAD] for value in values]
            scores = [sum(q[j] * k[t][j] for j in range(HEAD)) / HEAD**0.5 for t in range(len(k))]
            attention = softmax(scores)
            mixed.extend(sum(attention[t] * v[t][j] for t in range(len(v))) for j in range(HEAD))
        x = [a + b for a, b in zip(linear(mixed, weights["out"]), residual)]
        residual = x
        hidden = [h.relu() for h in linear(rmsnorm(x), weights["wide"])]
        x = [a + b for a, b in zip(linear(hidden, weights["narrow"]), residual)]
        return linear(x, weights["letters"])

    def loss(self, text: Sequence[int]) -> Any:
        n = min(BLOCK, len(text) - 1)
        keys: list[list[Any]] = []
        values: list[list[Any]] = []
        losses = []
        for place in range(n):
            probabilities = softmax(self.logits(text[place], place, keys, values))
            losses.append(-probabilities[text[place + 1]].log())
        return (1 / n) * sum(losses)

    def gradients(self, text: Sequence[int]) -> list[float]:
        for p in self.parameters:
            p.grad = 0
        self.loss(text).backward()
        return [p.grad for p in self.parameters]

    def step(self, text: Sequence[int]) -> None:
        """Build the graph, call backward() and move all parameters by Adam. Then the graph may be freed."""
        loss = self.loss(text)
        loss.backward()
        rate, m, v = LEARNING_RATE * (1 - self.steps / STEPS), self.m, self.v
        self.steps += 1
        for i, p in enumerate(self.parameters):
            m[i] = BETA1 * m[i] + (1 - BETA1) * p.grad
            v[i] = BETA2 * v[i] + (1 - BETA2) * p.grad**2
            m_hat = m[i] / (1 - BETA1**self.steps)
            v_hat = v[i] / (1 - BETA2**self.steps)
            p.data -= rate * m_hat / (v_hat**0.5 + TINY)
            p.grad = 0

    def training(self, texts: Sequence[Sequence[int]]) -> Work:
        def steps() -> None:
            for text in texts:
                self.step(text)

        return one_phase(steps)


def tokens(name: str) -> list[int]:
    """The numbers of a name's letters, with the mark before and after them."""
    return [LETTERS - 1, *(ord(letter) - ord("a") for letter in name), LETTERS - 1]


def check(models: dict[str, MicroGPT], theta: NDArray[np.float64], text: Sequence[int]) -> None:
    """Compare the gradient of each model with a complex step through the formula in matrices."""
    expected = reference.gradient(lambda p: transformer.formula(p, np.array(text), BLOCK), theta)
    for who, model in models.items():
        reference.check(f"W13, {who}", model.gradients(text), expected, transformer.tolerance(expected))


def compare_microgpt(names: Sequence[str], runs: int) -> list[Row]:
    """Check the gradients on the longest name, then time the steps on all names."""
    theta, texts = transformer.parameters(BLOCK), [tokens(name) for name in names]
    kinds = {"chainrule": Value, "its own class": microgpt_peer.Value}
    check({who: MicroGPT(kind, theta) for who, kind in kinds.items()}, theta, max(texts, key=len))
    rows = []
    for collector, bar in ((True, 2.0), (False, 1.2)):
        works = {who: MicroGPT(kind, theta).training(texts) for who, kind in kinds.items()}
        ours, theirs = ([run["all"] for run in found] for found in alternate(works, runs, collector).values())
        rows.append(Row("W13 microgpt, a step", collector, "its own class", ours, theirs, bar, per=len(texts)))
    return rows
