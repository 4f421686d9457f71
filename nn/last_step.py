"""What an optimiser says of its last step: the parts as numbers, and one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["LastStep", "momentum_sentence", "steadiness"]

STEADY, NOISY = 0.8, 0.2  # of the largest step that the rule would take


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
        """The last step of an Optimiser, whose `steps` is for now the number of steps before it."""
        parts, step, sentence = optimiser.parts(place, gradient)
        if step != step:  # a rule that says nothing: what came of it
            step = optimiser.params[place].data - before
            parts = [*parts, ("step", "", step)]
        used = "" if not (optimiser.clip_norm or optimiser.clip_value) else "after clipping"
        first = ("gradient", used, gradient)
        name = optimiser.params[place].label or f"parameter {place}"
        return cls(name, before, before + step, (first, *parts), step, -optimiser.rate * gradient, sentence)

    def __str__(self) -> str:
        lines = [f"The last step of {self.parameter}: {self.before:.6g} → {self.after:.6g}"]
        for name, formula, number in self.parts:
            lines.append(f"  {name} = {formula} = {number:.6g}" if formula else f"  {name} = {number:.6g}")
        if abs(self.plain - self.step) > 1e-9 * abs(self.step):
            lines.append(f"  (plain gradient descent would have taken {self.plain:.6g})")
        return "\n".join([*lines, self.sentence])


def steadiness(ratio: float) -> str:
    """What the mean of the gradient says, beside its size: a ratio from -1 to 1 or so."""
    if ratio == 0:
        return "There is no step: the mean of the gradients is 0."
    share = f"their mean is {min(abs(ratio), 1.0):.0%} of their size"
    if abs(ratio) >= STEADY:
        return f"The gradients are steady: {share}, so the step is nearly the whole learning rate."
    if abs(ratio) < NOISY:
        return f"The gradients are noisy, or were larger before: {share}, and the step is small."
    return f"The gradients agree in part: {share}, and so large is the step, in learning rates."


def momentum_sentence(velocity: float, gradient: float, momentum: float) -> str:
    """How the velocity stands to what it would be if all gradients were as the last one."""
    if velocity * gradient < 0:
        return "The velocity still goes its old way, against the last gradient, which slows it down."
    full = abs(gradient) / (1 - momentum)
    share = f"{abs(velocity) / full:.0%}" if full else "100%"
    if abs(velocity) >= full * STEADY:
        return f"The gradients are steady: the velocity is {share} of what many gradients like the last make it."
    if abs(velocity) < full * NOISY:
        return f"The velocity is {share} of what many gradients like the last make it: it begins, or they are noisy."
    return f"The velocity is {share} of what many gradients like the last make it."
