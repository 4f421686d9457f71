"""Optimisers: rules that move parameters by their gradients. Each rule is written once, on arrays, in place."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from numbers import Real
from types import CodeType, FunctionType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chainrule.engine import Value

from .last_step import LastStep, momentum_sentence, steadiness
from .schedules import Schedule, checked_schedule

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Optimiser", "RMSProp"]

Numbers = NDArray[np.float64]  # (P,): one number for each parameter
LARGEST_SQUARED = math.sqrt(np.finfo(float).max)


def _positive_number(name: str, given: float) -> float:
    _check_real(name, given)
    if not 0 < given < math.inf:
        raise ValueError(f"{name} must be a positive number, got {given!r}")
    return float(given)


def _not_negative(name: str, given: float) -> float:
    _check_real(name, given)
    if not 0 <= given < math.inf:
        raise ValueError(f"{name} must be at least 0, got {given!r}")
    return float(given)


def _limit(name: str, given: float | None) -> float | None:
    return None if given is None else _positive_number(name, given)


def _flag(name: str, given: Any) -> bool:
    if not isinstance(given, (bool, np.bool_)):
        raise TypeError(f"{name} is True or False, got {type(given).__name__} {given!r}")
    return bool(given)


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

    All optimisers take these, too. `schedule`, as nn.schedules.cosine(), says which share of the rate each step takes.
    `clip_norm` shortens the gradient to that length if it is longer, and `clip_value` limits each of its numbers.
    `weight_decay` adds so much of each parameter to its gradient: the slope of an L2 penalty of half of that, after the
    clipping. Frozen parameters (requires_grad=False) take no part.

    Errors: TypeError if a parameter is not a Value, ValueError if it was computed from other Values.
    AttributeError for a setting that this optimiser does not have.

    >>> from chainrule import SGD, Value
    >>> w = Value(1.0)
    >>> optimiser = SGD([w], lr=0.5)
    >>> optimiser.zero_grad()
    >>> (w * 3).backward()
    >>> optimiser.step()
    >>> w.data
    -0.5
    """

    default_learning_rate = 0.01
    # Of each setting, the check of what is given.
    settings: ClassVar[dict[str, Callable[[str, Any], Any]]] = {
        "learning_rate": _positive_number, "weight_decay": _not_negative, "clip_norm": _limit, "clip_value": _limit,
        "schedule": checked_schedule,
    }  # fmt: skip
    memory: ClassVar[tuple[str, ...]] = ()  # the arrays (P,) that the rule keeps from step to step

    def __init__(
        self,
        params: Any,
        learning_rate: float | None = None,
        lr: float | None = None,
        *,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        schedule: Schedule | None = None,
    ) -> None:
        whose = type(self).__name__
        given = params.parameters() if callable(getattr(params, "parameters", None)) else params
        if not isinstance(given, Iterable):
            raise TypeError(f"{whose} takes a model or a list of Values, got {type(params).__name__} {params!r}")
        if learning_rate is not None and lr is not None:
            raise ValueError(f"learning_rate={learning_rate!r} and lr={lr!r} are the same setting; give one of them")
        rate = learning_rate if lr is None else lr
        self.learning_rate = self.default_learning_rate if rate is None else rate
        self.weight_decay, self.clip_norm, self.clip_value = weight_decay, clip_norm, clip_value
        self.schedule = schedule
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
        self.steps = 0  # so many have been taken
        self.planned = 0  # so many will have been taken at the end; fit knows it, and schedules may ask for it
        self._scratch: Numbers = np.empty(len(self.params))
        self._last: tuple[Numbers, Numbers] | None = None  # the parameters and the gradient of the last step
        for name in self.memory:
            setattr(self, name, np.zeros(len(self.params)))

    @property
    def lr(self) -> float:
        """PyTorch's name of learning_rate."""
        return self.learning_rate

    @lr.setter
    def lr(self, rate: float) -> None:
        self.learning_rate = rate

    @property
    def rate(self) -> float:
        """The learning rate of the next step (inside `update`: of this one): the schedule's share of learning_rate."""
        if self.schedule is None:
            return self.learning_rate
        return self.learning_rate * self.schedule(self.steps, self.planned)

    def __setattr__(self, name: str, given: Any) -> None:
        check = self.settings.get(name)
        if check is not None:
            given = check(name, given)
        elif name not in self.__dict__ and not _is_known(type(self), name):
            raise AttributeError(_no_setting(self, name))
        super().__setattr__(name, given)

    def __getattr__(self, name: str) -> Any:
        """Only for names that are not there."""
        raise AttributeError(_no_setting(self, name), name=name, obj=self)

    def update(self, theta: Numbers, gradient: Numbers) -> Numbers:
        """The rule: change theta in place and return it, or return the parameters after the step as a new array.

        `self.rate` is the learning rate of this step, and `self.steps` the number of those before it.

        Shapes: theta (P,), gradient (P,), which stays as it is.
        """
        raise NotImplementedError(f"{type(self).__name__} has no update(theta, gradient); write one")

    def move(self, theta: Numbers, gradient: Numbers) -> None:
        """Take one step: clip the gradient, add the weight decay, and change theta in place by the rule.

        Shapes: theta (P,), gradient (P,), which stays as it is.
        """
        before = np.empty(len(theta)) if self._last is None else self._last[0]
        np.copyto(before, theta)
        if self.clip_value is not None:
            gradient = np.clip(gradient, -self.clip_value, self.clip_value)
        if self.clip_norm is not None and (length := float(np.linalg.norm(gradient))) > self.clip_norm:
            gradient = gradient * (self.clip_norm / length)
        if self.weight_decay:
            gradient = self.decay(theta, gradient)
        moved = self.update(theta, gradient)
        if moved is not theta:
            theta[:] = moved
        self.__dict__["_last"] = before, gradient  # without the check of what is set
        self.__dict__["steps"] += 1

    def decay(self, theta: Numbers, gradient: Numbers) -> Numbers:
        """The gradient with the weight decay, as a new array; a rule may shrink theta in place instead."""
        return gradient + self.weight_decay * theta

    def step(self) -> None:
        """Move each parameter by its `.grad`."""
        theta, still = self.read(), [not p.requires_grad for p in self.params]
        gradient = self.gradient()
        gradient[still] = 0.0
        with np.errstate(over="ignore", invalid="ignore"):
            self.move(theta, gradient)
        self.write(theta)

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

    def state_dict(self) -> dict[str, Any]:
        """What another optimiser needs to go on to the bit: kind, settings, steps, and the arrays it remembers.

        A schedule is a function and not among them: give the new optimiser the same one.

        >>> w = Value(3.0)
        >>> w.grad = 2.0
        >>> optimiser = SGD([w], 0.5, momentum=0.9)
        >>> optimiser.step()
        >>> optimiser.state_dict()["memory"]
        {'velocity': array([2.])}
        """
        settings = {name: getattr(self, name) for name in self.settings if name != "schedule"}
        memory = {name: np.array(getattr(self, name)) for name in self.memory}
        counts = {"parameters": len(self.params), "steps": self.steps, "planned": self.planned}
        return {"kind": type(self).__name__, **counts, "settings": settings, "memory": memory}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over settings, steps and memory of another optimiser, so that the next steps are those it would take.

        Errors: ValueError if the state is of another kind, of another number of parameters, or incomplete; then
        nothing has been changed.
        """
        own = self.state_dict()
        if not isinstance(state, Mapping) or _missing(own, state):
            lacks = ", ".join(_missing(own, state)) if isinstance(state, Mapping) else "everything"
            raise ValueError(f"this is no state of an optimiser as state_dict() gives it: it lacks {lacks}")
        for what in ("kind", "parameters"):
            if state[what] != own[what]:
                said = f"this state is of {state['kind']} with {state['parameters']} parameters"
                raise ValueError(f"{said}, and the optimiser is {own['kind']} with {own['parameters']}")
        memory = {name: np.array(state["memory"][name], dtype=float) for name in self.memory}
        for name, array in memory.items():
            if array.shape != (len(self.params),) or not np.isfinite(array).all():
                said = f"shape {array.shape}" if array.shape != (len(self.params),) else "numbers that are not finite"
                raise ValueError(f"{name} of this state has {said}; it needs ({len(self.params)},) finite numbers")
        checked = {name: self.settings[name](name, given) for name, given in state["settings"].items()
                   if name in own["settings"]}  # fmt: skip
        for name, given in (*checked.items(), *memory.items()):
            setattr(self, name, given)
        self.steps, self.planned = int(state["steps"]), int(state["planned"])

    def explain(self, parameter: Value | int) -> LastStep:
        """The last step of one parameter, taken apart: each part as a name, a formula and a number, and a sentence.

        `parameter` is one of `params`, or its place there. `str()` of the result is a short text.
        Errors: ValueError if no step has been taken, or if the parameter is not among those that this optimiser moves.

        >>> w = Value(3.0, label="w")
        >>> w.grad = 2.0
        >>> optimiser = SGD([w], learning_rate=0.5)
        >>> optimiser.step()
        >>> print(optimiser.explain(w))
        The last step of w: 3 → 2
          gradient = 2
          step = -0.5 · gradient = -1
        The step is the learning rate times the gradient, against its sign.
        """
        whose = type(self).__name__
        if not isinstance(parameter, Value):
            place = parameter
        elif any(parameter is p for p in self.params):
            place = next(i for i, p in enumerate(self.params) if p is parameter)
        else:
            said = f"{parameter.name()} is not among the {len(self.params)} parameters that this {whose} moves"
            raise ValueError(f"{said}; write optimiser.explain(model.parameters()[0])")
        if self._last is None:
            raise ValueError(f"this {whose} has taken no step yet; call step(), or let fit train with it")
        before, gradient = (float(array[place]) for array in self._last)
        taken = self.steps
        try:
            self.steps = taken - 1
            return LastStep.of(self, place, before, gradient)
        finally:
            self.steps = taken

    def parts(self, place: int, gradient: float) -> tuple[list[tuple[str, str, float]], float, str]:
        """What a rule tells `explain` of its last step: (name, formula, number) of each part, the step, a sentence."""
        return [], math.nan, f"{type(self).__name__} has a rule of its own, which says nothing about its parts."


class SGD(Optimiser):
    """Stochastic gradient descent, with momentum if it is given; the default learning rate is 0.01.

    With nesterov=True the gradient counts as if the velocity had been followed already.
    Source: Sutskever, Martens, Dahl & Hinton (2013), in PyTorch's form: the learning rate does not scale the velocity.

    >>> w = Value(3.0)
    >>> w.grad = 2.0
    >>> SGD([w], learning_rate=0.5).step()
    >>> w.data
    2.0
    """

    settings: ClassVar = {**Optimiser.settings, "momentum": _below_one, "nesterov": _flag}
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
        super().__init__(params, learning_rate, lr, **_known(type(self), more))
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
            np.copyto(step, velocity)
            if self.nesterov:
                step *= self.momentum
                step += gradient
            step *= self.rate
        else:
            np.multiply(gradient, self.rate, out=step)
        theta -= step
        return theta

    def parts(self, place: int, gradient: float) -> tuple[list[tuple[str, str, float]], float, str]:
        if not self.momentum:
            sentence = "The step is the learning rate times the gradient, against its sign."
            return [("step", f"-{self.rate:.4g} · gradient", -self.rate * gradient)], -self.rate * gradient, sentence
        velocity = float(self.velocity[place])
        ahead, formula = velocity, f"-{self.rate:.4g} · velocity"
        if self.nesterov:
            ahead = self.momentum * velocity + gradient
            formula = f"-{self.rate:.4g} · ({self.momentum:g} · velocity + gradient)"
        parts = [
            ("velocity", f"{self.momentum:g} · velocity before + gradient", velocity),
            ("step", formula, -self.rate * ahead),
        ]
        return parts, -self.rate * ahead, momentum_sentence(velocity, gradient, self.momentum)


class Adagrad(Optimiser):
    """The learning rate divided by the root of all squared gradients so far; the default learning rate is 0.01.

    Source: Duchi, Hazan & Singer, Adaptive Subgradient Methods (2011), in its diagonal form.

    >>> w = Value(3.0)
    >>> w.grad = 2.0
    >>> Adagrad([w], learning_rate=0.5).step()
    >>> round(w.data, 6)
    2.5
    """

    settings: ClassVar = {**Optimiser.settings, "epsilon": _positive_number}
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
        super().__init__(params, learning_rate, lr, **_known(type(self), more))
        self.epsilon = epsilon

    def update(self, theta: Numbers, gradient: Numbers) -> Numbers:
        _check_square(self, gradient)
        step = np.multiply(gradient, gradient, out=self._scratch)
        self.sum_of_squares += step
        np.sqrt(self.sum_of_squares, out=step)
        step += self.epsilon
        np.divide(gradient, step, out=step)
        step *= self.rate
        theta -= step
        return theta

    def parts(self, place: int, gradient: float) -> tuple[list[tuple[str, str, float]], float, str]:
        size = math.sqrt(self.sum_of_squares[place])
        step = -self.rate * gradient / (size + self.epsilon)
        parts = [
            ("size", "root of the sum of all squared gradients so far", size),
            ("step", f"-{self.rate:.4g} · gradient / (size + {self.epsilon:g})", step),
        ]
        effective = self.rate / (size + self.epsilon)
        return parts, step, f"All gradients so far make the rate of this parameter {effective:.3g}; it only shrinks."


class RMSProp(Optimiser):
    """The gradient divided by its running size, with momentum if it is given; the default learning rate is 0.01.

    The size is the root of the running mean square, of which each step keeps the share `beta`.
    Source: Tieleman & Hinton, Lecture 6.5 of Neural Networks for Machine Learning (2012), in PyTorch's form.

    >>> w = Value(3.0)
    >>> w.grad = 2.0
    >>> RMSProp([w], learning_rate=0.05).step()
    >>> round(w.data, 6)
    2.5
    """

    settings: ClassVar = {
        **Optimiser.settings, "beta": _below_one, "epsilon": _positive_number, "momentum": _below_one
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
        super().__init__(params, learning_rate, lr, **_known(type(self), more))
        self.beta, self.epsilon, self.momentum = beta, epsilon, momentum

    def update(self, theta: Numbers, gradient: Numbers) -> Numbers:
        _check_square(self, gradient)
        step = _squares_into(self.mean_square, gradient, self.beta, self._scratch)
        np.sqrt(self.mean_square, out=step)
        step += self.epsilon
        np.divide(gradient, step, out=step)
        if self.momentum:
            self.velocity *= self.momentum
            self.velocity += step
            np.copyto(step, self.velocity)
        step *= self.rate
        theta -= step
        return theta

    def parts(self, place: int, gradient: float) -> tuple[list[tuple[str, str, float]], float, str]:
        size = math.sqrt(self.mean_square[place])
        ratio = gradient / (size + self.epsilon)
        parts = [
            ("size", f"root of the running mean square (beta {self.beta:g})", size),
            ("ratio", f"gradient / (size + {self.epsilon:g})", ratio),
        ]
        if not self.momentum:
            parts.append(("step", f"-{self.rate:.4g} · ratio", -self.rate * ratio))
            sentence = f"The gradient is {abs(ratio):.0%} of its usual size, and so large is the step, in rates."
            return parts, -self.rate * ratio, sentence
        velocity = float(self.velocity[place])
        parts += [
            ("velocity", f"{self.momentum:g} · velocity before + ratio", velocity),
            ("step", f"-{self.rate:.4g} · velocity", -self.rate * velocity),
        ]
        return parts, -self.rate * velocity, momentum_sentence(velocity, ratio, self.momentum)


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
        super().__init__(params, learning_rate, lr, **_known(type(self), more))
        if isinstance(beta1, (tuple, list)) and len(beta1) == 2:
            raise TypeError(
                f"{type(self).__name__} got the pair {beta1!r} for beta1; write beta1={beta1[0]!r}, beta2={beta1[1]!r}"
            )
        self.beta1, self.beta2 = beta1, beta2
        self.epsilon = epsilon

    def update(self, theta: Numbers, gradient: Numbers) -> Numbers:
        _check_square(self, gradient)
        mean, mean_square = self.mean, self.mean_square
        step = np.multiply(gradient, 1 - self.beta1, out=self._scratch)
        mean *= self.beta1
        mean += step
        _squares_into(mean_square, gradient, self.beta2, step)
        first, second = self._corrections()
        np.sqrt(mean_square, out=step)
        step *= 1 / math.sqrt(second)
        step += self.epsilon
        np.divide(mean, step, out=step)
        step *= self.rate / first
        theta -= step
        return theta

    def _corrections(self) -> tuple[float, float]:
        """By what the two means are too small, since both of them started at 0."""
        taken = self.steps + 1
        return 1 - self.beta1**taken, 1 - self.beta2**taken

    def parts(self, place: int, gradient: float) -> tuple[list[tuple[str, str, float]], float, str]:
        first, second = self._corrections()
        mean = float(self.mean[place]) / first
        size = math.sqrt(self.mean_square[place] / second)
        ratio = mean / (size + self.epsilon)
        parts = [
            ("mean", f"running mean of the gradient (beta1 {self.beta1:g}) / {first:.4g}", mean),
            ("size", f"root of its running mean square (beta2 {self.beta2:g}) / {second:.4g}", size),
            ("ratio", f"mean / (size + {self.epsilon:g})", ratio),
            ("step", f"-{self.rate:.4g} · ratio", -self.rate * ratio),
        ]
        return parts, -self.rate * ratio, steadiness(ratio)


class AdamW(Adam):
    """Adam whose weight decay shrinks the parameters themselves, by the share learning_rate · weight_decay a step.

    The defaults are a learning rate of 0.001 and a weight decay of 0.01.
    Source: Loshchilov & Hutter, Decoupled Weight Decay Regularization (2019), algorithm 2, in PyTorch's form.

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
        parts, step, sentence = super().parts(place, gradient)
        shrunk = -self.rate * self.weight_decay * float(self._last[0][place]) if self._last else math.nan
        parts.append(("decay", f"-{self.rate:.4g} · {self.weight_decay:g} · parameter", shrunk))
        return parts, step + shrunk, sentence


def _squares_into(mean_square: Numbers, gradient: Numbers, beta: float, scratch: Numbers) -> Numbers:
    """Take the squares of the gradient into their running mean, in place; returns the scratch, which is free again."""
    np.multiply(gradient, gradient, out=scratch)
    scratch *= 1 - beta
    mean_square *= beta
    mean_square += scratch
    return scratch


def _check_square(optimiser: Optimiser, gradient: Numbers) -> None:
    """FloatingPointError where a square would be inf: that parameter would stand still for ever."""
    if not gradient.dot(gradient) < math.inf and not (largest := np.abs(gradient).max()) < LARGEST_SQUARED:
        said = f"{type(optimiser).__name__} squares the gradient, and {largest:.3g} squared is inf"
        raise FloatingPointError(f"{said}; scale the loss down, or look for huge numbers in X and y")


def _missing(own: Mapping[str, Any], state: Mapping[str, Any]) -> list[str]:
    """The keys, of the state and of its memory, that are not there."""
    outer = [key for key in own if key not in state]
    inner = state.get("memory", {})
    return outer + [key for key in own["memory"] if not isinstance(inner, Mapping) or key not in inner]


OTHER_NAMES = {  # what other libraries call the settings
    "learning_rate": ["alpha", "eta", "rate", "step_size", "learningRate", "base_lr", "eta0"],
    "momentum": ["mu", "beta", "nu"],
    "beta": ["alpha", "rho", "decay", "decay_rate"],
    "beta1": ["betas", "beta_1", "b1"],
    "beta2": ["betas", "beta_2", "b2"],
    "epsilon": ["eps"],
    "weight_decay": ["decay", "l2", "wd", "lambda_"],
    "clip_norm": ["clip", "clipnorm", "max_norm", "max_grad_norm", "grad_clip", "clip_grad_norm"],
    "clip_value": ["clipvalue", "clip_grad_value"],
    "schedule": ["scheduler", "lr_scheduler", "lr_schedule"],
    "nesterov": ["nesterovs_momentum"],
    "params": ["parameters", "param_groups", "variables", "trainable_variables"],
}


def _known(kind: type, given: dict[str, Any]) -> dict[str, Any]:
    """The settings that all optimisers take; TypeError for others."""
    for name in given:
        if name not in Optimiser.settings:
            raise TypeError(_no_setting(kind, name))
    return given


def _is_known(kind: type, name: str) -> bool:
    return name.startswith("_") or hasattr(kind, name) or name in _own_names(kind)


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


def _no_setting(optimiser: Any, name: str) -> str:
    has = list(optimiser.settings)
    spelled = [each for each in (*has, "params") if name in OTHER_NAMES.get(each, ())]
    meant = spelled or get_close_matches(name, [*has, "params"], 1)
    hint = f"write {' and '.join(meant)}" if meant else f"it has {', '.join(has)}"
    kind = optimiser if isinstance(optimiser, type) else type(optimiser)
    return f"{kind.__name__} has no setting {name}; {hint}"
