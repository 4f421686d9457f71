"""Schedules: functions that say which share of the learning rate each step takes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .arguments import count, finite_number, given

__all__ = ["Schedule", "checked_schedule", "cosine", "exponential", "step_decay", "warm_up"]

Schedule = Callable[[int, int], float]  # (steps before this one, planned steps or 0) -> share of the learning rate


def step_decay(every: int, factor: float = 0.1) -> Schedule:
    """The rate is multiplied by `factor` after each `every` steps.

    >>> [round(step_decay(2, 0.5)(step, 0), 3) for step in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """
    count("every", every, "steps")
    factor = _factor(factor)
    return lambda step, planned: factor ** (step // every)


def exponential(factor: float) -> Schedule:
    """The rate is multiplied by `factor` after each step.

    >>> [round(exponential(0.5)(step, 0), 3) for step in range(3)]
    [1.0, 0.5, 0.25]
    """
    factor = _factor(factor)
    return lambda step, planned: factor**step


def cosine(steps: int | None = None, final: float = 0.0) -> Schedule:
    """The rate falls along half a cosine from all of it to the share `final`, and stays there.

    Without `steps` it takes the whole training: fit knows how many steps that is.
    Errors: ValueError without `steps` where nobody has planned any.
    Source: Loshchilov & Hutter, SGDR (2017), without restarts.

    >>> [round(cosine(4)(step, 0), 3) for step in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """
    if steps is not None:
        count("steps", steps, "steps")
    if not 0 <= finite_number("final", final) <= 1:
        raise ValueError(f"final is a share of the learning rate, from 0 to 1; got {final!r}")

    def share(step: int, planned: int) -> float:
        whole = steps or planned
        if not whole:
            raise ValueError("cosine() needs the number of steps outside of fit: write nn.schedules.cosine(steps=1000)")
        return final + (1 - final) * (1 + math.cos(math.pi * min(step / whole, 1.0))) / 2

    return share


def warm_up(steps: int, then: Schedule | None = None) -> Schedule:
    """The rate rises in equal parts over the first `steps`; from then on it is what `then` says, beginning at its 0.

    >>> [round(warm_up(2, then=exponential(0.5))(step, 0), 3) for step in range(5)]
    [0.5, 1.0, 1.0, 0.5, 0.25]
    """
    count("steps", steps, "steps")
    after = checked_schedule("then", then)

    def share(step: int, planned: int) -> float:
        if step < steps:
            return (step + 1) / steps
        return after(step - steps, max(planned - steps, 0)) if after else 1.0

    return share


def checked_schedule(name: str, schedule: Any) -> Schedule | None:
    """The schedule, or None; TypeError for what is no function, or is one that makes schedules."""
    for maker, example in ((cosine, "cosine()"), (exponential, "exponential(0.99)"), (step_decay, "step_decay(100)"),
                           (warm_up, "warm_up(100)")):  # fmt: skip
        if schedule is maker:
            raise TypeError(
                f"{name}={maker.__name__} makes a schedule when it is called; write {name}=nn.schedules.{example}"
            )
    if schedule is not None and (not callable(schedule) or isinstance(schedule, type)):
        raise TypeError(
            f"{name} is a function (step, planned steps) -> share of the learning rate, like nn.schedules.cosine(); "
            f"got {given(schedule)}"
        )
    checked: Schedule | None = schedule
    return checked


def _factor(factor: Any) -> float:
    found = finite_number("factor", factor)
    if not 0 < found <= 1:
        raise ValueError(f"factor is above 0 and at most 1, got {factor!r}")
    return found
