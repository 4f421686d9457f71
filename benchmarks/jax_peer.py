"""JAX: value_and_grad and the update in one jitted function, on one flat float64 vector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

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

        self._gradient, self._step = jax.jit(jax.grad(of_data)), jax.jit(stepped, static_argnums=3)

    def gradient(self, X: Any, y: Any) -> NDArray[Any]:
        return np.asarray(self._gradient(self.theta, X, y))

    def step(self, X: Any, y: Any, rate: float) -> None:
        value, self.theta = self._step(self.theta, X, y, rate)
        jax.block_until_ready((value, self.theta))


def tensors(*arrays: NDArray[Any]) -> list[Any]:
    return [jnp.asarray(array) for array in arrays]


def compiled_gradients(f: Callable[[Any, Any], Any]) -> Callable[[float, float], Any]:
    """A function of two numbers that returns f's value and its two derivatives."""
    jitted = jax.jit(jax.value_and_grad(f, argnums=(0, 1)))
    return lambda a, b: jax.block_until_ready(jitted(a, b))
