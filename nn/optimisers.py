"""Optimisers: rules that move parameters by their gradients. Each rule is written once, on arrays, in place."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from numpy import add, divide, multiply, sqrt, subtract

from .arguments import below_one, flag, positive_number
from .last_step import momentum_share, steadiness, told
from .stepping import Numbers, Optimiser, known

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Optimiser", "RMSProp"]


class SGD(Optimiser):
    """Stochastic gradient descent, with momentum if it is given; the default learning rate is 0.01.

    With nesterov=True the gradient counts as if the velocity had been followed already.
    Source: Sutskever, Martens, Dahl & Hinton (2013), in PyTorch's form: the learning rate does not scale the velocity.

    >>> from chainrule import Value
    >>> w = Value(3.0)
    >>> w.grad = 2.0
    >>> SGD([w], learning_rate=0.5).step()
    >>> w.data
    2.0
    """

    settings: ClassVar = {**Optimiser.settings, "momentum": below_one, "nesterov": flag}
    memory: ClassVar = ("velocity",)
    velocity: Numbers

    def __init__(
        self,
        params: Any,
        learning_rate: float | None = None,
        momentum: float = 0.0,
        *,
        nesterov: bool = False,
        lr: float | None = None,
        **more: Any,
    ) -> None:
        super().__init__(params, learning_rate, lr, **known(type(self), more))
        if isinstance(momentum, bool):
            raise TypeError(f"momentum is a number from 0 to below 1, got {momentum!r}; write momentum=0.9")
        self.momentum = momentum
        self.nesterov = nesterov
        if nesterov and not momentum:
            raise ValueError("nesterov=True looks ahead along the momentum, which is 0; write momentum=0.9 with it")

    def update(self, theta: Numbers, gradient: Numbers) -> Numbers:
        step, velocity = self._scratch, self.velocity
        if self.momentum:
            velocity *= self.momentum
            velocity += gradient
            ahead = velocity
            if self.nesterov:
                ahead = multiply(velocity, self.momentum, step)
                ahead += gradient
            multiply(ahead, self.rate, step)
        else:
            multiply(gradient, self.rate, step)
        theta -= step
        return theta

    def parts(self, place: int, gradient: float) -> tuple[list[tuple[str, str, float]], float, str]:
        rate, momentum, velocity = self.rate, self.momentum, float(self.velocity[place])
        if not momentum:
            return told("SGD", 1.0, rate=rate, step=-rate * gradient)
        step = -rate * (momentum * velocity + gradient if self.nesterov else velocity)
        share, limit = momentum_share(velocity, gradient, momentum), gradient / (1 - momentum)
        rule = "nesterov" if self.nesterov else "momentum"
        return told(rule, share, rate=rate, momentum=momentum, velocity=velocity, step=step, limit=limit)


class Adagrad(Optimiser):
    """The learning rate divided by the root of all squared gradients so far; the default learning rate is 0.01.

    Source: Duchi, Hazan & Singer, Adaptive Subgradient Methods (2011), in its diagonal form.

    >>> from chainrule import Value
    >>> w = Value(3.0)
    >>> w.grad = 2.0
    >>> Adagrad([w], learning_rate=0.5).step()
    >>> round(w.data, 6)
    2.5
    """

    settings: ClassVar = {**Optimiser.settings, "epsilon": positive_number}
    memory: ClassVar = ("sum_of_squares",)
    sum_of_squares: Numbers

    def __init__(
        self,
        params: Any,
        learning_rate: float | None = None,
        epsilon: float = 1e-10,
        *,
        lr: float | None = None,
        **more: Any,
    ) -> None:
        super().__init__(params, learning_rate, lr, **known(type(self), more))
        self.epsilon = epsilon

    def update(self, theta: Numbers, gradient: Numbers) -> Numbers:
        self.sum_of_squares += self.squared(gradient)
        step = sqrt(self.sum_of_squares, self._scratch)
        step += self.epsilon
        divide(gradient, step, step)
        step *= self.rate
        theta -= step
        return theta

    def parts(self, place: int, gradient: float) -> tuple[list[tuple[str, str, float]], float, str]:
        size = math.sqrt(self.sum_of_squares[place])
        effective = self.rate / (size + self.epsilon)
        return told("Adagrad", effective, rate=self.rate, epsilon=self.epsilon, size=size, step=-effective * gradient)


class RMSProp(Optimiser):
    """The gradient divided by its running size, with momentum if it is given; the default learning rate is 0.01.

    The size is the root of the running mean square, of which each step keeps the share `beta`.
    Source: Tieleman & Hinton, Lecture 6.5 of Neural Networks for Machine Learning (2012), in PyTorch's form.

    >>> from chainrule import Value
    >>> w = Value(3.0)
    >>> w.grad = 2.0
    >>> RMSProp([w], learning_rate=0.05).step()
    >>> round(w.data, 6)
    2.5
    """

    settings: ClassVar = {
        **Optimiser.settings, "beta": below_one, "epsilon": positive_number, "momentum": below_one
    }  # fmt: skip
    memory: ClassVar = ("mean_square", "velocity")
    mean_square: Numbers
    velocity: Numbers

    def __init__(
        self,
        params: Any,
        learning_rate: float | None = None,
        beta: float = 0.99,
        epsilon: float = 1e-8,
        momentum: float = 0.0,
        *,
        lr: float | None = None,
        **more: Any,
    ) -> None:
        super().__init__(params, learning_rate, lr, **known(type(self), more))
        self.beta, self.epsilon, self.momentum = beta, epsilon, momentum

    def update(self, theta: Numbers, gradient: Numbers) -> Numbers:
        mean_square = self.mean_square
        step = multiply(self.squared(gradient), 1 - self.beta, self._scratch)
        mean_square *= self.beta
        mean_square += step
        sqrt(mean_square, step)
        step += self.epsilon
        divide(gradient, step, step)
        if self.momentum:
            self.velocity *= self.momentum
            self.velocity += step
            multiply(self.velocity, self.rate, step)
        else:
            step *= self.rate
        theta -= step
        return theta

    def parts(self, place: int, gradient: float) -> tuple[list[tuple[str, str, float]], float, str]:
        rate, momentum, velocity = self.rate, self.momentum, float(self.velocity[place])
        square = float(self.mean_square[place])
        size = math.sqrt(square)
        ratio = gradient / (size + self.epsilon)
        numbers = {"rate": rate, "beta": self.beta, "epsilon": self.epsilon, "size": size, "ratio": ratio}
        numbers |= {"running square": square, "take": 1 - self.beta}
        if not momentum:
            return told("RMSProp", abs(ratio), **numbers, step=-rate * ratio)
        share = momentum_share(velocity, ratio, momentum)
        numbers |= {
            "momentum": momentum,
            "velocity": velocity,
            "step": -rate * velocity,
            "limit": ratio / (1 - momentum),
        }
        return told("RMSProp with momentum", share, **numbers)


class Adam(Optimiser):
    """Steps of about the learning rate, whatever the scale of the gradient: its running mean divided by its size.

    The size is the root of the running mean square. The default learning rate is 0.001.
    Source: Kingma & Ba, Adam: A Method for Stochastic Optimization (2015), algorithm 1.

    >>> from chainrule import Value
    >>> w = Value(3.0)
    >>> w.grad = 2.0
    >>> Adam([w], learning_rate=0.5).step()
    >>> round(w.data, 6)
    2.5
    """

    default_learning_rate = 0.001
    settings: ClassVar = {
        **Optimiser.settings, "beta1": below_one, "beta2": below_one, "epsilon": positive_number
    }  # fmt: skip
    memory: ClassVar = ("mean", "mean_square")
    mean: Numbers
    mean_square: Numbers

    def __init__(
        self,
        params: Any,
        learning_rate: float | None = None,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        *,
        lr: float | None = None,
        **more: Any,
    ) -> None:
        super().__init__(params, learning_rate, lr, **known(type(self), more))
        if isinstance(beta1, (tuple, list)) and len(beta1) == 2:
            raise TypeError(
                f"{type(self).__name__} got the pair {beta1!r} for beta1; write beta1={beta1[0]!r}, beta2={beta1[1]!r}"
            )
        self.beta1, self.beta2 = beta1, beta2
        self.epsilon = epsilon

    def update(self, theta: Numbers, gradient: Numbers) -> Numbers:
        own = self.__dict__  # as in `move`
        mean, mean_square, step = own["mean"], own["mean_square"], own["_scratch"]
        keep, take, keep_square, take_square, small, scale = own["_arrays"] or self._as_arrays(
            self.beta1, 1 - self.beta1, self.beta2, 1 - self.beta2, 0.0, 0.0
        )
        multiply(self.squared(gradient), take_square, step)
        multiply(mean_square, keep_square, mean_square)
        add(mean_square, step, mean_square)
        multiply(gradient, take, step)
        multiply(mean, keep, mean)
        add(mean, step, mean)
        first, second = self._corrections()
        root = math.sqrt(second)  # both sides of mean / (√(mean square / second) + epsilon) are multiplied by it
        small[()], scale[()] = own["epsilon"] * root, self.rate * root / first
        sqrt(mean_square, step)
        add(step, small, step)
        divide(mean, step, step)
        multiply(step, scale, step)
        subtract(theta, step, theta)
        return theta

    def _corrections(self) -> tuple[float, float]:
        """By what the two means are too small, since both of them started at 0."""
        own = self.__dict__
        taken = own["steps"] + 1
        return 1 - own["beta1"] ** taken, 1 - own["beta2"] ** taken

    def parts(self, place: int, gradient: float) -> tuple[list[tuple[str, str, float]], float, str]:
        return self._told("Adam", place)

    def _told(self, rule: str, place: int, **more: float) -> tuple[list[tuple[str, str, float]], float, str]:
        first, second = self._corrections()
        running, square = float(self.mean[place]), float(self.mean_square[place])
        mean, size = running / first, math.sqrt(square / second)
        ratio = mean / (size + self.epsilon)
        numbers = {"beta1": self.beta1, "beta2": self.beta2, "epsilon": self.epsilon, "rate": self.rate}
        numbers |= {"take": 1 - self.beta1, "take_square": 1 - self.beta2, "count": self.steps + 1}
        numbers |= {"running mean": running, "running square": square, "mean": mean, "size": size, "ratio": ratio}
        return told(rule, steadiness(ratio, self.steps + 1), **numbers, step=-self.rate * ratio, **more)


class AdamW(Adam):
    """Adam whose weight decay shrinks the parameters themselves, by the share learning_rate · weight_decay a step.

    The defaults are a learning rate of 0.001 and a weight decay of 0.01.
    Source: Loshchilov & Hutter, Decoupled Weight Decay Regularization (2019), algorithm 2, in PyTorch's form.

    >>> from chainrule import Value
    >>> w = Value(3.0)
    >>> w.grad = 2.0
    >>> AdamW([w], learning_rate=0.5).step()
    >>> round(w.data, 6)
    2.485
    """

    def __init__(
        self,
        params: Any,
        learning_rate: float | None = None,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        *,
        weight_decay: float = 0.01,
        lr: float | None = None,
        **more: Any,
    ) -> None:
        super().__init__(params, learning_rate, beta1, beta2, epsilon, weight_decay=weight_decay, lr=lr, **more)

    def decay(self, theta: Numbers, gradient: Numbers) -> Numbers:
        theta *= 1 - self.rate * self.weight_decay
        return gradient

    def parts(self, place: int, gradient: float) -> tuple[list[tuple[str, str, float]], float, str]:
        shrunk = -self.rate * self.weight_decay * float(self._last[0][place]) if self._last else math.nan
        return self._told("AdamW", place, weight_decay=self.weight_decay, decay=shrunk)
