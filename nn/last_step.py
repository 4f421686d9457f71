"""What an optimiser says of its last step: the parts as numbers, and one sentence.

The texts are templates in one table, `TEXTS`, so that the page of viz's `live` says the same as `explain` does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

__all__ = ["FIRST", "LINES", "TEXTS", "LastStep", "momentum_share", "steadiness", "told"]

SMALLEST = 5e-324  # the smallest number above 0

FIRST = 2.0  # in place of a share, where only one step was taken

_STEADINESS = [  # by the size of the mean of the gradients, as a share of the size of the gradients
    (FIRST, "There is one gradient so far, which is its own mean and its own size: the first step is "
            "nearly the whole learning rate."),
    (0.8, "The gradients are steady: their mean is {share:.0%} of their size, so the step is nearly the whole learning "
          "rate."),
    (0.2, "The gradients agree in part: their mean is {share:.0%} of their size, and so large is the step, in learning "
          "rates."),
    (SMALLEST, "The gradients are noisy, or were larger before: their mean is {share:.0%} of their size, and the step "
               "is small."),
    (0.0, "There is no step: the mean of the gradients is 0."),
]  # fmt: skip
_SETTLES = (
    "If every gradient were like this one, the velocity would settle at {limit:.4g}; it is at {share:.0%} of that"
)
_MOMENTUM = [  # by the velocity, as a share of what it would be if all gradients were as the last one
    (math.inf, "The last gradient is 0: if there is a step, it comes from the velocity of those before."),
    (1.2, _SETTLES + ", since the gradients before were larger."),
    (0.2, _SETTLES + "."),
    (0.0, _SETTLES + ": it has only begun, or the gradients are noisy."),
    (-math.inf, "The velocity still goes its old way, against the last gradient, which slows it down."),
]  # fmt: skip
_ADAM = [
    ("running mean", "{beta1:g} · running mean before + {take:.6g} · gradient"),
    ("mean", "running mean / (1 - {beta1:g}^{count:g}), as it began at 0"),
    ("running square", "{beta2:g} · running square before + {take_square:.6g} · gradient²"),
    ("size", "√(running square / (1 - {beta2:g}^{count:g}))"),
    ("ratio", "mean / (size + {epsilon:g})"),
    ("step", "-{rate:.6g} · ratio"),
]
_RMSPROP = [
    ("running square", "{beta:g} · running square before + {take:.6g} · gradient²"),
    ("size", "√(running square)"),
    ("ratio", "gradient / (size + {epsilon:g})"),
]  # fmt: skip
_VELOCITY = ("velocity", "{momentum:g} · velocity before + gradient")

# Of each rule: its parts, as (name, formula), and its sentences, each with the least share for which it is said.
TEXTS: dict[str, tuple[list[tuple[str, str]], list[tuple[float, str]]]] = {
    "SGD": (
        [("step", "-{rate:.6g} · gradient")],
        [(-math.inf, "The step is the learning rate times the gradient, against its sign.")],
    ),
    "momentum": ([_VELOCITY, ("step", "-{rate:.6g} · velocity")], _MOMENTUM),
    "nesterov": ([_VELOCITY, ("step", "-{rate:.6g} · ({momentum:g} · velocity + gradient)")], _MOMENTUM),
    "Adagrad": (
        [("size", "√(sum of all squared gradients so far)"),
         ("step", "-{rate:.6g} · gradient / (size + {epsilon:g})")],
        [(-math.inf, "All gradients so far make the rate of this parameter {share:.3g}; it only shrinks.")],
    ),
    "RMSProp": (
        [*_RMSPROP, ("step", "-{rate:.6g} · ratio")],
        [(-math.inf, "The gradient is {share:.0%} of its usual size, and so large is the step, in rates.")],
    ),
    "RMSProp with momentum": (
        [*_RMSPROP, ("velocity", "{momentum:g} · velocity before + ratio"), ("step", "-{rate:.6g} · velocity")],
        _MOMENTUM,
    ),
    "Adam": (_ADAM, _STEADINESS),
    "AdamW": ([*_ADAM, ("decay", "-{rate:.6g} · {weight_decay:g} · parameter")], _STEADINESS),
}  # fmt: skip

# What stands around them in the text of a LastStep.
LINES = {
    "title": "The last step of {parameter}: {before:.6g} → {after:.6g}",
    "formula": "{name} = {formula} = {number:.6g}",
    "number": "{name} = {number:.6g}",
    "plain": "(plain gradient descent would have taken {plain:.6g})",
    "clipped": "after clipping",
    "decayed": "with the weight decay",
}


def told(rule: str, share: float, **numbers: float) -> tuple[list[tuple[str, str, float]], float, str]:
    """What `Optimiser.parts` returns, by the table: (name, formula, number) of each part, the step, a sentence.

    `numbers` are those of the parts, by their names, and those that stand in the formulas.

    >>> told("SGD", 1.0, rate=0.5, step=-1.0)
    ([('step', '-0.5 · gradient', -1.0)], -1.0, 'The step is the learning rate times the gradient, against its sign.')
    """
    rows, sentences = TEXTS[rule]
    parts = [(name, formula.format_map(numbers), numbers[name]) for name, formula in rows]
    sentence = next((text for least, text in sentences if share >= least), sentences[-1][1])
    return parts, numbers["step"] + numbers.get("decay", 0.0), sentence.format_map({**numbers, "share": share})


def steadiness(ratio: float, steps: int) -> float:
    """The share by which Adam's sentences are chosen."""
    share = min(abs(ratio), 1.0)
    return FIRST if steps == 1 and share >= 0.8 else share


def momentum_share(velocity: float, gradient: float, momentum: float) -> float:
    """The velocity as a share of what it would be if all gradients were as the last one."""
    if gradient == 0:
        return math.inf
    return velocity * (1 - momentum) / gradient


@dataclass(frozen=True)
class LastStep:
    """The last step of one parameter: str() is a short text, with all of it.

    `parts` are (name, formula, number), in the order in which they are computed, the gradient first, the step last.
    `plain` is the step that plain gradient descent would have taken with the same learning rate.

    >>> from chainrule import SGD, Value
    >>> w = Value(1.0, label="w")
    >>> optimiser = SGD([w], learning_rate=0.1)
    >>> (w * w).backward()
    >>> optimiser.step()
    >>> step = optimiser.explain(w)
    >>> step.before, step.after, step.step
    (1.0, 0.8, -0.2)
    """

    parameter: str
    before: float
    after: float
    parts: tuple[tuple[str, str, float], ...]
    step: float
    plain: float
    sentence: str

    @classmethod
    def of(cls, optimiser: Any, place: int, before: float, gradient: float) -> LastStep:
        """The last step of an Optimiser, whose `steps` and `learning_rate` are for now those before it."""
        parts, step, sentence = optimiser.parts(place, gradient)
        if step != step:  # the rule says nothing of its step: how far the parameter has moved
            step = optimiser.params[place].data - before
            parts = [*parts, ("step", "", step)]
        used = [LINES["clipped"]] * (optimiser.clip_norm is not None or optimiser.clip_value is not None)
        used += [LINES["decayed"]] * optimiser.adds_decay()
        first = ("gradient", " and ".join(used), gradient)
        name = optimiser.params[place].label or f"parameter {place}"
        return cls(name, before, before + step, (first, *parts), step, 0.0 - optimiser.rate * gradient, sentence)

    def __str__(self) -> str:
        lines = [LINES["title"].format(parameter=self.parameter, before=self.before, after=self.after)]
        for name, formula, number in self.parts:
            line = LINES["formula" if formula else "number"]
            lines.append("  " + line.format(name=name, formula=formula, number=number))
        if abs(self.plain - self.step) > 1e-9 * abs(self.step):
            lines.append("  " + LINES["plain"].format(plain=self.plain))
        return "\n".join([*lines, self.sentence])
