"""Optimisers: rules that move parameters by their gradients. Each rule is written once, on arrays."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.engine import Value

__all__ = ["SGD", "Adam", "Optimiser"]

Numbers = NDArray[np.float64]  # (P,): one number for each parameter


class Optimiser:
    """Parameters, a learning rate, and a rule, which a subclass writes as `update`.

    `params` is a list of Values, or a model. `lr` is PyTorch's spelling of `learning_rate`. Where neither is given, the
    learning rate is the class's `default_learning_rate`.
    Errors: TypeError if a parameter is not a Value, ValueError if it was computed from other Values.
    """

    default_learning_rate = 0.01

    def __init__(self, params: Any, learning_rate: float | None = None, lr: float | None = None) -> None:
        whose = type(self).__name__
        given = params.parameters() if callable(getattr(params, "parameters", None)) else params
        if not isinstance(given, Iterable):
            raise TypeError(f"{whose} takes a model or a list of Values, got {type(params).__name__} {params!r}")
        if learning_rate is not None and lr is not None:
            raise ValueError(f"learning_rate={learning_rate!r} and lr={lr!r} are the same setting; give one of them")
        rate = learning_rate if lr is None else lr
        self.learning_rate = _positive_number("learning_rate", self.default_learning_rate if rate is None else rate)
        self.params: list[Value] = list(dict.fromkeys(given))
        if not self.params:
            raise ValueError(f"{whose} got 0 parameters; write {whose}(model.parameters())")
        for place, p in enumerate(self.params):
            if not isinstance(p, Value):
                raise TypeError(f"{whose} moves Values, but parameter {place} is {type(p).__name__} {p!r}")
            if p.operation is not None:
                raise ValueError(
                    f"{whose} moves leaves, but parameter {place} was computed: {p.name()}. Give {whose} the Values it "
                    "was computed from; to change a parameter yourself, write p.data = ..., not p = p - ..."
                )

    def update(self, theta: Numbers, gradient: Numbers) -> Numbers:
        """The parameters after one step, as a new array; theta and gradient are not changed.

        Shapes: theta (P,), gradient (P,) -> (P,).
        """
        raise NotImplementedError(f"{type(self).__name__} has no update(theta, gradient); write one")

    def step(self) -> None:
        """Move each parameter by its `.grad`."""
        self.write(self.update(self.read(), self.gradient()))

    def zero_grad(self) -> None:
        """Set each `.grad` to 0."""
        for p in self.params:
            p.grad = 0.0

    def read(self) -> Numbers:
        """The parameters as one array (P,)."""
        return np.array([p.data for p in self.params])

    def gradient(self) -> Numbers:
        """The parameters' gradients as one array (P,)."""
        return np.array([p.grad for p in self.params], dtype=float)

    def write(self, theta: Numbers) -> None:
        """Put an array (P,) into the parameters; frozen ones (requires_grad=False) keep their numbers."""
        for p, number in zip(self.params, theta.tolist(), strict=True):
            if p.requires_grad:
                p.data = number


class SGD(Optimiser):
    """Stochastic gradient descent, with momentum if it is given; the default learning rate is 0.01.

    Source: Sutskever, Martens, Dahl & Hinton (2013), in PyTorch's form: the learning rate does not scale the velocity.

    >>> w = Value(3.0)
    >>> w.grad = 2.0
    >>> SGD([w], learning_rate=0.5).step()
    >>> w.data
    2.0
    """

    def __init__(
        self, params: Any, learning_rate: float | None = None, momentum: float = 0.0, *, lr: float | None = None
    ) -> None:
        super().__init__(params, learning_rate, lr)
        if isinstance(momentum, bool):
            raise TypeError(f"momentum is a number from 0 to below 1, got {momentum!r}; write momentum=0.9")
        self.momentum = _below_one("momentum", momentum)
        self.velocity: Numbers = np.zeros(len(self.params))

    def update(self, theta: Numbers, gradient: Numbers) -> Numbers:
        self.velocity = self.momentum * self.velocity + gradient
        return theta - self.learning_rate * self.velocity


class Adam(Optimiser):
    """Steps of about the learning rate, whatever the scale of the gradient: its running mean divided by its size.

    The size is the root of the running mean square. The default learning rate is 0.001.
    Source: Kingma & Ba, Adam: A Method for Stochastic Optimization (2015), algorithm 1.

    >>> w = Value(3.0)
    >>> w.grad = 2.0
    >>> Adam([w], learning_rate=0.5).step()
    >>> round(w.data, 6)
    2.5
    """

    default_learning_rate = 0.001

    def __init__(
        self,
        params: Any,
        learning_rate: float | None = None,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        *,
        lr: float | None = None,
    ) -> None:
        super().__init__(params, learning_rate, lr)
        if isinstance(beta1, (tuple, list)) and len(beta1) == 2:
            raise TypeError(f"Adam got the pair {beta1!r} for beta1; write beta1={beta1[0]!r}, beta2={beta1[1]!r}")
        self.beta1, self.beta2 = _below_one("beta1", beta1), _below_one("beta2", beta2)
        self.epsilon = _positive_number("epsilon", epsilon)
        self.steps = 0
        self.mean: Numbers = np.zeros(len(self.params))
        self.mean_square: Numbers = np.zeros(len(self.params))

    def update(self, theta: Numbers, gradient: Numbers) -> Numbers:
        self.steps += 1
        self.mean = self.beta1 * self.mean + (1 - self.beta1) * gradient
        self.mean_square = self.beta2 * self.mean_square + (1 - self.beta2) * gradient**2
        mean = self.mean / (1 - self.beta1**self.steps)  # both start at 0, and are too small at first
        mean_square = self.mean_square / (1 - self.beta2**self.steps)
        return theta - self.learning_rate * mean / (np.sqrt(mean_square) + self.epsilon)


def _positive_number(name: str, number: float) -> float:
    _check_real(name, number)
    if not 0 < number < math.inf:
        raise ValueError(f"{name} must be a positive number, got {number!r}")
    return number


def _below_one(name: str, number: float) -> float:
    _check_real(name, number)
    if not 0 <= number < 1:
        raise ValueError(f"{name} must be at least 0 and below 1, got {number!r}")
    return number


def _check_real(name: str, number: Any) -> None:
    if not isinstance(number, Real):
        raise TypeError(f"{name} must be a number, got {type(number).__name__} {number!r}")
