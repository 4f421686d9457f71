"""W10: a transformer of one layer in plain lists and zip, as one writes it for scalars, after Karpathy's microgpt.

It has RMS norm, 4 heads and no biases. Keys and values are lists that grow, so that a position sees itself and those
before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import engine
from chainrule.engine import Value
from chainrule.nn import cross_entropy, softmax

from . import reference

LETTERS, WIDTH, HEADS, LENGTH, HIDDEN = 27, 16, 4, 8, 64  # 26 letters, and a mark for where a text begins and ends
SHAPES = {
    "tokens": (LETTERS, WIDTH),
    "places": (LENGTH, WIDTH),
    "query": (WIDTH, WIDTH),
    "key": (WIDTH, WIDTH),
    "value": (WIDTH, WIDTH),
    "out": (WIDTH, WIDTH),
    "wide": (HIDDEN, WIDTH),
    "narrow": (WIDTH, HIDDEN),
    "letters": (LETTERS, WIDTH),
}
EPSILON = 1e-5  # in RMS norm


def shapes(length: int) -> dict[str, tuple[int, int]]:
    """SHAPES for texts of so many positions."""
    return SHAPES | {"places": (length, WIDTH)}


def parameters(length: int = LENGTH, seed: int = 0) -> NDArray[np.float64]:
    """All parameters as one flat vector, matrix by matrix in the order of SHAPES."""
    size = sum(rows * columns for rows, columns in shapes(length).values())
    return np.random.default_rng(seed).normal(scale=0.08, size=size)


def matrices(theta: Any, length: int = LENGTH) -> dict[str, Any]:
    """The matrices, as views of the flat parameters."""
    found, start = {}, 0
    for name, (rows, columns) in shapes(length).items():
        found[name] = theta[start : start + rows * columns].reshape(rows, columns)
        start += rows * columns
    return found


# --- as a user of chainrule writes it


def linear(x: Sequence[Any], weights: Sequence[Sequence[Any]]) -> list[Any]:
    return [sum(w * xi for w, xi in zip(row, x)) for row in weights]


def normed(x: Sequence[Any]) -> list[Any]:
    mean_square = sum(xi * xi for xi in x) / len(x)
    scale = (mean_square + EPSILON) ** -0.5
    return [xi * scale for xi in x]


def added(x: Sequence[Any], y: Sequence[Any]) -> list[Any]:
    return [a + b for a, b in zip(x, y)]


class Transformer:
    """Logits of the next letter at each position of a text, in scalars."""

    def __init__(self, theta: NDArray[np.float64], length: int = LENGTH) -> None:
        found = {name: [list(map(Value, row)) for row in matrix.tolist()]
                 for name, matrix in matrices(theta, length).items()}  # fmt: skip
        self.parameters = [p for matrix in found.values() for row in matrix for p in row]
        self.tokens, self.places = engine.Table(found.pop("tokens")), found.pop("places")
        self.weights: dict[str, list[list[Value]]] = found

    def attention(self, query: list[Any], keys: list[list[Any]], values: list[list[Any]]) -> list[Any]:
        size = WIDTH // HEADS
        mixed: list[Any] = []
        for start in range(0, WIDTH, size):
            head = slice(start, start + size)
            scores = [sum(q * k for q, k in zip(query[head], key[head])) / size**0.5 for key in keys]
            weights = softmax(scores)
            mixed += [sum(w * v[j] for w, v in zip(weights, values)) for j in range(start, start + size)]
        return mixed

    def logits(self, token: Any, place: int, keys: list[list[Any]], values: list[list[Any]]) -> list[Any]:
        weights = self.weights
        x = normed(added(self.tokens[token], self.places[place]))
        before, x = x, normed(x)
        keys.append(linear(x, weights["key"]))
        values.append(linear(x, weights["value"]))
        x = self.attention(linear(x, weights["query"]), keys, values)
        x = added(linear(x, weights["out"]), before)
        before, x = x, normed(x)
        x = [h.relu() for h in linear(x, weights["wide"])]
        x = added(linear(x, weights["narrow"]), before)
        return linear(x, weights["letters"])

    def loss(self, text: Sequence[Any]) -> Any:
        """The mean over the positions of the cross-entropy of the next letter, in nats."""
        keys: list[list[Any]] = []
        values: list[list[Any]] = []
        losses = [
            cross_entropy(self.logits(token, place, keys, values), following)
            for place, (token, following) in enumerate(pairwise(text))
        ]
        return sum(losses) / len(losses)


# --- the formula in matrices, for the reference


def formula(theta: Any, text: NDArray[np.int64], length: int = LENGTH) -> Any:
    """The same loss, which can be computed with complex numbers, too. The text may be shorter than `length`."""
    w, used = matrices(theta, length), len(text) - 1
    x = _normed(w["tokens"][text[:-1]] + w["places"][:used])
    before, x = x, _normed(x)
    query, key, value = (
        (x @ w[name].T).reshape(used, HEADS, -1).transpose(1, 0, 2) for name in ("query", "key", "value")
    )
    scores = query @ key.transpose(0, 2, 1) / (WIDTH // HEADS) ** 0.5
    weights = np.exp(scores) * np.tril(np.ones((used, used)))
    mixed = (weights / weights.sum(axis=2, keepdims=True)) @ value
    x = mixed.transpose(1, 0, 2).reshape(used, WIDTH) @ w["out"].T + before
    x = reference.relu(_normed(x) @ w["wide"].T) @ w["narrow"].T + x
    return reference.cross_entropy(x @ w["letters"].T, text[1:])


def _normed(x: Any) -> Any:
    return x / np.sqrt((x * x).mean(axis=1, keepdims=True) + EPSILON)


def texts(count: int, length: int) -> NDArray[np.int64]:
    """Letters at random; no time depends on what they say."""
    return np.random.default_rng(length).integers(0, LETTERS, (count, length + 1))


def text() -> NDArray[np.int64]:
    """A name of seven letters between its marks: the numbers of nine tokens, eight of which are to be predicted."""
    return np.array([LETTERS - 1, *(ord(letter) - ord("a") for letter in "matilda"), LETTERS - 1])


def tolerance(gradient: Any, length: int = LENGTH) -> float:
    """How far two right gradients may lie apart: the roundings on the longest path × the largest gradient.

    Forwards, a number passes eight sums of at most 64 terms, three norms and two softmaxes, each with a few dozen
    roundings. Backwards it is the same, and the gradient of a weight is a sum over 8 positions. That is below 3,000,
    for more positions so many times as much at most, and it is doubled, since the reference rounds as well. No number
    or gradient on the way is much larger than the last: the weights are small, and norms keep the numbers near 1.
    """
    return float(6_000 * max(1.0, length / LENGTH) * reference.EPS * np.abs(gradient).max())
