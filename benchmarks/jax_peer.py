"""JAX: value_and_grad and the update in one jitted function, on one flat float64 vector; or many steps in lax.scan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from . import transformer
from .by_hand import layers_of

jax.config.update("jax_enable_x64", True)


def loss(theta: Any, X: Any, y: Any, sizes: Sequence[int], activation: str, penalty: float) -> Any:
    """The mean hinge loss of one output, or the mean cross-entropy of several, plus penalty · Σp²."""
    for number, layer in enumerate(layers_of(theta, sizes), start=1):
        X = X @ layer[:, :-1].T + layer[:, -1]
        if number < len(sizes) - 1:
            X = getattr(jax.nn, activation)(X)
    if sizes[-1] == 1:
        mean = jnp.maximum(0.0, 1 - y * X[:, 0]).mean()
    else:
        mean = -jnp.take_along_axis(jax.nn.log_softmax(X), y[:, None], axis=1).mean()
    return mean + penalty * theta @ theta if penalty else mean


class Network:
    """A network with one flat vector of parameters: a list of arrays took 15 µs more for a step of W3."""

    def __init__(self, theta: NDArray[Any], sizes: Sequence[int], activation: str, penalty: float = 0.0) -> None:
        self.theta = jnp.asarray(theta)
        of_data = partial(loss, sizes=tuple(sizes), activation=activation, penalty=penalty)

        def stepped(theta: Any, X: Any, y: Any, rate: float) -> tuple[Any, Any]:
            value, slopes = jax.value_and_grad(of_data)(theta, X, y)
            return value, theta - rate * slopes

        def scanned(theta: Any, X: Any, y: Any, rate: float) -> tuple[Any, Any]:
            def one(theta: Any, batch: Any) -> tuple[Any, Any]:
                value, theta = stepped(theta, *batch, rate)
                return theta, value

            return jax.lax.scan(one, theta, (X, y))

        def adam(state: Any, X: Any, y: Any) -> tuple[Any, Any]:
            theta, mean, mean_square, steps = state
            value, slopes = jax.value_and_grad(of_data)(theta, X, y)
            steps = steps + 1
            mean = 0.9 * mean + 0.1 * slopes
            mean_square = 0.999 * mean_square + 0.001 * slopes**2
            scaled = mean / (1 - 0.9**steps) / (jnp.sqrt(mean_square / (1 - 0.999**steps)) + 1e-8)
            return (theta - 0.001 * scaled, mean, mean_square, steps), value

        def adam_epoch(state: Any, X: Any, y: Any, last_X: Any, last_y: Any) -> tuple[Any, Any]:
            state, values = jax.lax.scan(lambda state, batch: adam(state, *batch), state, (X, y))
            state, value = adam(state, last_X, last_y)
            return state, (values, value)

        self._gradient, self._step = jax.jit(jax.grad(of_data)), jax.jit(stepped, static_argnums=3)
        self._both, self._scanned = jax.jit(jax.value_and_grad(of_data)), jax.jit(scanned, static_argnums=3)
        self._adam, self._adam_epoch = jax.jit(adam), jax.jit(adam_epoch)
        self.state = (self.theta, jnp.zeros_like(self.theta), jnp.zeros_like(self.theta), jnp.zeros(()))

    def gradient(self, X: Any, y: Any) -> NDArray[Any]:
        return np.asarray(self._gradient(self.theta, X, y))

    def value_and_grad(self, X: Any, y: Any) -> None:
        jax.block_until_ready(self._both(self.theta, X, y))

    def step(self, X: Any, y: Any, rate: float) -> None:
        value, self.theta = self._step(self.theta, X, y, rate)
        jax.block_until_ready((value, self.theta))

    def scan(self, X: Any, y: Any, rate: float) -> None:
        """A step on each of the batches X[0], X[1], …"""
        self.theta, values = self._scanned(self.theta, X, y, rate)
        jax.block_until_ready((self.theta, values))

    def adam(self, X: Any, y: Any) -> None:
        self.state, value = self._adam(self.state, X, y)
        jax.block_until_ready((self.state, value))

    def adam_epoch(self, X: Any, y: Any, last_X: Any, last_y: Any) -> None:
        """A step on each of the batches X[0], X[1], …, and then on a last one, which is smaller."""
        self.state, values = self._adam_epoch(self.state, X, y, last_X, last_y)
        jax.block_until_ready((self.state, values))


class Transformer:
    """The transformer of transformer.py on arrays, which computes all positions of all texts at once under a mask."""

    def __init__(self, theta: NDArray[Any], length: int) -> None:
        self.theta = jnp.asarray(theta)
        self._both = jax.jit(jax.value_and_grad(partial(_loss_of_texts, length=length)))

    def value_and_grad(self, texts: Any) -> tuple[Any, Any]:
        found: tuple[Any, Any] = jax.block_until_ready(self._both(self.theta, texts))
        return found

    def gradient(self, texts: Any) -> NDArray[Any]:
        return np.asarray(self.value_and_grad(texts)[1])


def _normed(x: Any) -> Any:
    return x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + transformer.EPSILON)


def _loss_of_texts(theta: Any, texts: Any, length: int) -> Any:
    w = transformer.matrices(theta, length)
    x = _normed(w["tokens"][texts[:, :-1]] + w["places"][: texts.shape[1] - 1])
    before, x = x, _normed(x)
    heads = (*x.shape[:2], transformer.HEADS, -1)
    query, key, value = ((x @ w[name].T).reshape(heads) for name in ("query", "key", "value"))
    scores = jnp.einsum("bthd,bshd->bhts", query, key) / (transformer.WIDTH // transformer.HEADS) ** 0.5
    seen = jnp.tril(jnp.ones(scores.shape[-2:], bool))
    weights = jax.nn.softmax(jnp.where(seen, scores, -jnp.inf))
    x = jnp.einsum("bhts,bshd->bthd", weights, value).reshape(x.shape) @ w["out"].T + before
    x = jax.nn.relu(_normed(x) @ w["wide"].T) @ w["narrow"].T + x
    logs = jax.nn.log_softmax(x @ w["letters"].T)
    return -jnp.take_along_axis(logs, texts[:, 1:, None], axis=2).mean()


def tensors(*arrays: NDArray[Any]) -> list[Any]:
    return [jnp.asarray(array) for array in arrays]


def compiled_gradients(f: Callable[[Any, Any], Any]) -> Callable[[float, float], Any]:
    """A function of two numbers that returns f's value and its two derivatives."""
    jitted = jax.jit(jax.value_and_grad(f, argnums=(0, 1)))
    return lambda a, b: jax.block_until_ready(jitted(a, b))
