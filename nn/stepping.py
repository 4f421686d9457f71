"""`Optimiser`: parameters, settings, and the step, of which each optimiser writes the rule."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chainrule.engine import Value
from chainrule.engine.fast.leaves import data_of, put_data
from chainrule.engine.numeric import counted

from .arguments import given, limit, not_negative, positive_number
from .last_step import LastStep
from .schedules import Schedule, checked_schedule
from .settings import is_known, no_setting

__all__ = ["Numbers", "Optimiser", "is_model", "known", "place_of"]

Numbers = NDArray[np.float64]  # (P,): one number for each parameter
LARGEST_SQUARED = math.sqrt(np.finfo(float).max)


class Optimiser:
    """Parameters, a learning rate, and a rule, which a subclass writes as `update`.

    `params` is a list of Values, or a model. `lr` is PyTorch's spelling of `learning_rate`. Where neither is given, the
    learning rate is the class's `default_learning_rate`. Settings may be changed at any time: `optimiser.lr = 0.01`.

    All optimisers take these, too. `schedule`, as nn.schedules.cosine(), says which share of the rate each step takes.
    `clip_norm` shortens the gradient to that length if it is longer, and `clip_value` limits each of its numbers. The
    length is exact; that of PyTorch's `clip_grad_norm_`, which divides by the norm + 1e-6, is a little smaller.
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
        "learning_rate": positive_number, "weight_decay": not_negative, "clip_norm": limit, "clip_value": limit,
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
        held = params.parameters() if is_model(params) else params
        if not isinstance(held, Iterable):
            raise TypeError(f"{whose} takes a model or a list of Values, got {given(params)}")
        if learning_rate is not None and lr is not None:
            raise ValueError(f"learning_rate={learning_rate!r} and lr={lr!r} are the same setting; give one of them")
        rate = learning_rate if lr is None else lr
        self.learning_rate = self.default_learning_rate if rate is None else rate
        self.weight_decay, self.clip_norm, self.clip_value = weight_decay, clip_norm, clip_value
        self.schedule = schedule
        held = list(held)
        if not held:
            raise ValueError(f"{whose} got 0 parameters; write {whose}(model.parameters())")
        for place, p in enumerate(held):
            if not isinstance(p, Value):
                raise TypeError(f"{whose} moves Values, but parameter {place} is {given(p)}")
            if p.operation is not None:
                raise ValueError(
                    f"{whose} moves leaves, but parameter {place} was computed: {p.name()}. Give {whose} the Values it "
                    "was computed from; to change a parameter yourself, write p.data = ..., not p = p - ..."
                )
        self.params: list[Value] = list(dict.fromkeys(held))
        self.steps = 0  # so many have been taken
        self.planned = 0  # so many will have been taken at the end; fit knows it, and schedules may ask for it
        self._scratch: Numbers = np.empty(len(self.params))
        # Of the last step: the parameters before it, the gradient, and the learning rate.
        self._last: tuple[Numbers, Numbers, float] | None = None
        self._arrays: tuple[NDArray[Any], ...] = ()  # what `_as_arrays` made of the settings
        self._squared: tuple[Numbers | None, Numbers | None] = None, None  # a gradient, and its square
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
        own = self.__dict__
        rate: float = own["learning_rate"]
        return rate if own["schedule"] is None else rate * own["schedule"](self.steps, self.planned)

    def __repr__(self) -> str:
        held = {name: self.__dict__.get(name) for name in self.settings}
        if self.schedule is not None:
            held["schedule"] = getattr(self.schedule, "__qualname__", repr(self.schedule)).partition(".")[0]
        said = "".join([f", {name}={value}" for name, value in held.items() if value])  # without those that are off
        return f"{type(self).__name__}({counted(len(self.params), 'parameter')}{said})"

    def __setattr__(self, name: str, given: Any) -> None:
        check = self.settings.get(name)
        if check is not None:
            given = check(name, given)
            self.__dict__["_arrays"] = ()
        elif name not in self.__dict__ and not is_known(type(self), name):
            raise AttributeError(no_setting(self, name))
        super().__setattr__(name, given)

    def __getattr__(self, name: str) -> Any:
        """Only for names that are not there."""
        raise AttributeError(no_setting(self, name), name=name, obj=self)

    def update(self, theta: Numbers, gradient: Numbers) -> Numbers:
        """The rule: change theta in place and return it, or return the parameters after the step as a new array.

        `self.rate` is the learning rate of this step, and `self.steps` the number of those before it.

        Shapes: theta (P,), gradient (P,), which stays as it is.
        """
        raise NotImplementedError(f"{type(self).__name__} has no update(theta, gradient); write one")

    def _as_arrays(self, *numbers: float) -> tuple[NDArray[Any], ...]:
        """The numbers as arrays without dimensions, with which NumPy computes in half the time that a float takes.

        They are remembered as `_arrays` until a setting changes.
        """
        made = self.__dict__["_arrays"] = tuple(map(np.array, numbers))
        return made

    def squared(self, gradient: Numbers) -> Numbers:
        """gradient * gradient, which a rule may read and not change.

        Errors: FloatingPointError where a square would be inf: that parameter would stand still for ever.
        """
        known, given_square = self.__dict__["_squared"]
        if known is gradient and given_square is not None:
            square: Numbers = given_square
            return square
        if not gradient.dot(gradient) < math.inf and not (largest := np.abs(gradient).max()) < LARGEST_SQUARED:
            said = f"{type(self).__name__} squares the gradient, and {largest:.3g} squared is inf"
            raise FloatingPointError(f"{said}; scale the loss down, or look for huge numbers in X and y")
        square = np.multiply(gradient, gradient, self._scratch)
        return square

    def move(
        self, theta: Numbers, gradient: Numbers, before: Numbers | None = None, square: Numbers | None = None
    ) -> None:
        """Take one step: clip the gradient, add the weight decay, and change theta in place by the rule.

        `before` is a copy of theta, which the optimiser keeps for `explain`; `square` is gradient * gradient, if
        that is finite. Without them, they are made here.

        Shapes: theta (P,), gradient (P,), which stays as it is.
        """
        # Through the dict: __setattr__ would check what is set, and __getattr__ makes reading three times as slow.
        own = self.__dict__
        if before is None:
            before = np.empty(len(theta)) if own["_last"] is None else own["_last"][0]
            np.copyto(before, theta)
        own["_squared"] = gradient, square
        if (most := own["clip_value"]) is not None:
            gradient = np.clip(gradient, -most, most)
        if (most := own["clip_norm"]) is not None and (length := float(np.linalg.norm(gradient))) > most:
            gradient = gradient * (most / length)
        if own["weight_decay"]:
            gradient = self.decay(theta, gradient)
        moved = self.update(theta, gradient)
        if moved is not theta:
            theta[:] = moved
        own["_last"] = before, gradient, own["learning_rate"]
        own["steps"] += 1

    def decay(self, theta: Numbers, gradient: Numbers) -> Numbers:
        """The gradient with the weight decay, as a new array; a rule may shrink theta in place instead."""
        return gradient + self.weight_decay * theta

    def adds_decay(self) -> bool:
        """Whether the gradient of the last step has the weight decay in it."""
        return bool(self.weight_decay) and type(self).decay is Optimiser.decay

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
        return np.array(data_of(self.params))

    def gradient(self) -> Numbers:
        """The parameters' gradients as one array (P,)."""
        return np.array([p.grad for p in self.params], dtype=float)

    def write(self, theta: Numbers) -> None:
        """Put an array (P,) into the parameters; frozen ones (requires_grad=False) keep their numbers."""
        put_data(self.params, theta.tolist())

    def state_dict(self) -> dict[str, Any]:
        """What another optimiser needs to go on to the bit: kind, settings, steps, and the arrays it remembers.

        A schedule is a function and not among them: give the new optimiser the same one.

        >>> from chainrule import SGD, Value
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
        checked = {name: self.settings[name](name, setting) for name, setting in state["settings"].items()
                   if name in own["settings"]}  # fmt: skip
        for name, kept in (*checked.items(), *memory.items()):
            setattr(self, name, kept)
        self.steps, self.planned = int(state["steps"]), int(state["planned"])

    def explain(self, parameter: Value | int) -> LastStep:
        """The last step of one parameter, taken apart: each part as a name, a formula and a number, and a sentence.

        `parameter` is one of `params`, or its place there. `str()` of the result is a short text.
        Errors: ValueError if no step has been taken, or if the parameter is not among those that this optimiser moves.

        >>> from chainrule import SGD, Value
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
            place = place_of(parameter, len(self.params), whose)
        elif any(parameter is p for p in self.params):
            place = next(i for i, p in enumerate(self.params) if p is parameter)
        else:
            said = f"this {whose} moves {counted(len(self.params), 'parameter')}, and not {parameter.name()}"
            raise ValueError(f"{said}; write optimiser.explain(model.parameters()[0])")
        if self._last is None:
            raise ValueError(f"this {whose} has taken no step yet; call step(), or let fit train with it")
        before, gradient, rate = float(self._last[0][place]), float(self._last[1][place]), self._last[2]
        taken, learning_rate = self.steps, self.learning_rate
        try:  # as it was in that step: the learning rate may have been changed since
            self.steps, self.learning_rate = taken - 1, rate
            return LastStep.of(self, place, before, gradient)
        finally:
            self.steps, self.learning_rate = taken, learning_rate

    def parts(self, place: int, gradient: float) -> tuple[list[tuple[str, str, float]], float, str]:
        """What a rule tells `explain` of its last step: (name, formula, number) of each part, the step, a sentence."""
        return [], math.nan, f"{type(self).__name__} has a rule of its own, which says nothing about its parts."


def is_model(params: Any) -> bool:
    """Whether these are what lists its parameters by itself."""
    return callable(getattr(params, "parameters", None)) and not isinstance(params, type)


def place_of(parameter: Any, parameters: int, whose: str) -> int:
    """The place of a parameter as an int; an error if it is none."""
    said = f"parameter is a Value, or its place among the {parameters} that this {whose} moves"
    try:
        place = operator.index(parameter)
    except TypeError:
        raise TypeError(f"{said}; got {given(parameter)}") from None
    if not -parameters <= place < parameters:
        raise IndexError(f"{said}, 0 to {parameters - 1}; got {place}")
    return place


def known(kind: type, given: dict[str, Any]) -> dict[str, Any]:
    """The settings that all optimisers take; TypeError for others."""
    for name in given:
        if name not in Optimiser.settings:
            raise TypeError(no_setting(kind, name))
    return given


def _missing(own: Mapping[str, Any], state: Mapping[str, Any]) -> list[str]:
    """The keys, of the state and of its memory, that are not there."""
    outer = [key for key in own if key not in state]
    inner = state.get("memory", {})
    return outer + [key for key in own["memory"] if not isinstance(inner, Mapping) or key not in inner]
