"""Optimisers: rules that move parameters by their gradients. Each rule is written once, on arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import lru_cache
from numbers import Real
from types import CodeType, FunctionType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chainrule.engine import Value

__all__ = ["SGD", "Adam", "Optimiser"]

Numbers = NDArray[np.float64]  # (P,): one number for each parameter


def _positive_number(name: str, given: float) -> float:
    _check_real(name, given)
    if not 0 < given < math.inf:
        raise ValueError(f"{name} must be a positive number, got {given!r}")
    return float(given)


def _below_one(name: str, given: float) -> float:
    _check_real(name, given)
    if not 0 <= given < 1:
        raise ValueError(f"{name} must be at least 0 and below 1, got {given!r}")
    return float(given)


def _check_real(name: str, number: Any) -> None:
    if not isinstance(number, Real) or isinstance(number, bool):
        raise TypeError(f"{name} must be a number, got {type(number).__name__} {number!r}")


class Optimiser:
    """Parameters, a learning rate, and a rule, which a subclass writes as `update`.

    `params` is a list of Values, or a model. `lr` is PyTorch's spelling of `learning_rate`. Where neither is given, the
    learning rate is the class's `default_learning_rate`. Settings may be changed at any time: `optimiser.lr = 0.01`.
    Errors: TypeError if a parameter is not a Value, ValueError if it was computed from other Values.
    AttributeError for a setting that this optimiser does not have.
    """

    default_learning_rate = 0.01
    settings: ClassVar[dict[str, Callable[[str, Any], float]]] = {"learning_rate": _positive_number}  # and their checks

    def __init__(self, params: Any, learning_rate: float | None = None, lr: float | None = None) -> None:
        whose = type(self).__name__
        given = params.parameters() if callable(getattr(params, "parameters", None)) else params
        if not isinstance(given, Iterable):
            raise TypeError(f"{whose} takes a model or a list of Values, got {type(params).__name__} {params!r}")
        if learning_rate is not None and lr is not None:
            raise ValueError(f"learning_rate={learning_rate!r} and lr={lr!r} are the same setting; give one of them")
        rate = learning_rate if lr is None else lr
        self.learning_rate = self.default_learning_rate if rate is None else rate
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

    @property
    def lr(self) -> float:
        """PyTorch's name of learning_rate."""
        return self.learning_rate

    @lr.setter
    def lr(self, rate: float) -> None:
        self.learning_rate = rate

    def __setattr__(self, name: str, given: Any) -> None:
        check = self.settings.get(name)
        if check is not None:
            given = check(name, given)
        elif not (name in self.__dict__ or name.startswith("_") or hasattr(type(self), name)) and (
            name not in _own_names(type(self))  # type: ignore[arg-type]
        ):
            raise AttributeError(_no_setting(self, name))
        super().__setattr__(name, given)

    def __getattr__(self, name: str) -> Any:
        """Only for names that are not there."""
        raise AttributeError(_no_setting(self, name), name=name, obj=self)

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

    settings: ClassVar = {**Optimiser.settings, "momentum": _below_one}

    def __init__(
        self, params: Any, learning_rate: float | None = None, momentum: float = 0.0, *, lr: float | None = None
    ) -> None:
        super().__init__(params, learning_rate, lr)
        if isinstance(momentum, bool):
            raise TypeError(f"momentum is a number from 0 to below 1, got {momentum!r}; write momentum=0.9")
        self.momentum = momentum
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
    settings: ClassVar = {
        **Optimiser.settings, "beta1": _below_one, "beta2": _below_one, "epsilon": _positive_number
    }  # fmt: skip

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
        self.beta1, self.beta2 = beta1, beta2
        self.epsilon = epsilon
        self.steps = 0
        self.mean: Numbers = np.zeros(len(self.params))
        self.mean_square: Numbers = np.zeros(len(self.params))

    def update(self, theta: Numbers, gradient: Numbers) -> Numbers:
        with np.errstate(over="ignore"):
            mean_square = self.beta2 * self.mean_square + (1 - self.beta2) * gradient**2
        # The sum is quicker than looking at each; parameters with an infinite mean square would stand still for ever.
        if not mean_square.sum() < math.inf and not np.isfinite(mean_square).all():
            said = f"Adam squares the gradient, and {float(np.abs(gradient).max()):.3g} squared is inf"
            raise FloatingPointError(f"{said}; scale the loss down, or look for huge numbers in X and y")
        self.steps += 1
        self.mean = self.beta1 * self.mean + (1 - self.beta1) * gradient
        self.mean_square = mean_square
        mean = self.mean / (1 - self.beta1**self.steps)  # both start at 0, and are too small at first
        mean_square = self.mean_square / (1 - self.beta2**self.steps)
        return theta - self.learning_rate * mean / (np.sqrt(mean_square) + self.epsilon)


OTHER_NAMES = {  # what other libraries call the settings
    "learning_rate": ["alpha", "eta", "rate", "step_size", "learningRate", "base_lr", "eta0"],
    "momentum": ["mu", "beta", "nu"],
    "beta1": ["betas", "beta_1", "b1"],
    "beta2": ["betas", "beta_2", "b2"],
    "epsilon": ["eps"],
    "params": ["parameters", "param_groups", "variables", "trainable_variables"],
}


@lru_cache(64)
def _own_names(kind: type) -> set[str]:
    """The attributes that the methods of a class name, and of the classes it is made from: a rule may keep anything."""
    names = set[str]()
    for base in kind.__mro__:
        for method in vars(base).values():
            codes = [method.__code__] if isinstance(method, FunctionType) else []
            while codes:
                code = codes.pop()
                names.update(code.co_names)
                codes += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return names


def _no_setting(optimiser: Optimiser, name: str) -> str:
    has = list(optimiser.settings)
    meant = [each for each in (*has, "params") if name in OTHER_NAMES[each]]
    meant = meant or get_close_matches(name, [*has, "params"], 1)
    hint = f"write {' and '.join(meant)}" if meant else f"it has {', '.join(has)}"
    return f"{type(optimiser).__name__} has no setting {name}; {hint}"
