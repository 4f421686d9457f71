"""The third act: each parameter moves against its gradient, and the result is computed anew."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chainrule.engine import Op, Value

from ..common.choices import positive_number
from ..common.formulas import DIGITS, agrees, in_brackets, read
from ..common.text import clean, short
from .grouping import Parents
from .narration import listed

_INDEX = r"[\s_\d₀-₉.,()\[\]]*"
_DATA = re.compile(rf"([xyt]|xs|ys|inputs?|targets?){_INDEX}", re.IGNORECASE)
_WEIGHT = re.compile(rf"([wb]|weights?|bias(es)?|theta|θ){_INDEX}", re.IGNORECASE)


@dataclass(frozen=True)
class Move:
    """parameter.data −= learning rate × parameter.grad."""

    parameter: int
    new: float
    grad: float
    change: float
    terms: list[str]  # the data before, the learning rate, the gradient
    sign: str  # = or ≈ before the result


def checked_learning_rate(given: object) -> float | None:
    """The learning rate; None means that there is no update.

    Errors: TypeError for what is no number, ValueError for one that is not positive and finite.
    """
    return None if given is None else positive_number("learning_rate", given, "0.1", "or None for no update")


def parameters_among(order: Sequence[Value], is_unit: Sequence[bool], given: Iterable[Value] | None) -> list[int]:
    """The places of the leaves that an update moves: those that were given, else those of neurons.

    Where there are no neurons, all leaves move, unless names tell data from weights: see `data_among`.

    Errors: ValueError for a parameter that is not among the values, or that no update can move; TypeError for what is
    not a Value.
    """
    open_leaves = [i for i, value in enumerate(order) if value.operation is None and value.requires_grad]
    if given is None:
        stay = data_among([order[index].label for index in open_leaves])
        plain = [index for index, stays in zip(open_leaves, stay) if not stays]
        return [index for index in open_leaves if is_unit[index]] or plain
    number = {id(value): index for index, value in enumerate(order)}
    found = []
    if isinstance(given, (str, Value)) or not hasattr(given, "__iter__"):
        raise TypeError(f"parameters is {given!r}; it has to be a list of Values, such as model.parameters()")
    for value in given:
        if not isinstance(value, Value):
            raise TypeError(f"parameters holds {type(value).__name__} {value!r}; each has to be a Value")
        index = number.get(id(value), -1)
        if index not in open_leaves and index >= 0:
            why = "requires_grad is False" if value.operation is None else "it was computed, so it is no leaf"
            raise ValueError(f"{value.name()} cannot be updated: {why}")
        if index >= 0:  # a model may have parameters that this result does not use
            found.append(index)
    return list(dict.fromkeys(found))


def data_among(labels: Sequence[str]) -> list[bool]:
    """For each leaf, whether it is data by its name: x, x1, y, t or target, where others are named w, b or theta.

    >>> data_among(["x1", "x2", "w1", "w2", "b"])
    [True, True, False, False, False]
    >>> data_among(["x", "y", "z"])
    [False, False, False]
    """
    names = [str(label).strip() for label in labels]
    has_weights = any(_WEIGHT.fullmatch(name) for name in names)
    return [has_weights and _DATA.fullmatch(name) is not None for name in names]


def said_of_moves(order: Sequence[Value], names: Sequence[str], which: Sequence[int], is_chosen: bool) -> str:
    """A sentence that says which leaves do not move, and how to choose; '' if there was no choice."""
    moving = set(which)
    leaves = [index for index, value in enumerate(order) if value.operation is None and value.requires_grad]
    stay = [names[index] for index in leaves if index not in moving]
    if is_chosen or not moving or len(leaves) < 2:
        return ""
    if not stay:
        return "All leaves move; with steps(…, parameters=[…]) only those that are named."
    what = "is taken for data and stays as it is" if len(stay) == 1 else "are taken for data and stay as they are"
    return f"{listed(stay)} {what}; steps(…, parameters=[…]) says what moves instead."


def moves(order: Sequence[Value], grads: Sequence[float], which: Sequence[int], rate: float) -> list[Move]:
    """One step of gradient descent; nobody's data are changed.

    >>> from chainrule import Value
    >>> (move,) = moves([Value(-3.0)], [1.0], [0], 0.1)
    >>> move.new, move.terms, move.sign
    (-3.1, ['−3', '0.1', '1'], '=')
    """
    found = []
    for index in which:
        old, grad = float(order[index].data), grads[index]
        new = old - rate * grad
        for digits in DIGITS:
            texts = [short(number, digits) for number in (old, rate, grad)]
            start, factor, slope = map(read, texts)
            if holds := agrees(start - factor * slope, new):
                break
        else:
            texts = [short(number) for number in (old, rate, grad)]
        found.append(
            Move(index, new, grad, new - old, [texts[0], texts[1], in_brackets(texts[2])], "=" if holds else "≈")
        )
    return found


def computed_anew(order: Sequence[Value], parents: Parents, made: Sequence[Move]) -> list[float] | str:
    """The data of all values after the moves; or the name of what has no value then, with the reason."""
    new = {move.parameter: move.new for move in made}
    data: list[float] = []
    for index, value in enumerate(order):
        operation = value.operation
        if not isinstance(operation, Op):
            data.append(new.get(index, float(value.data)))
            continue
        given = iter(parents[index])
        numbers = [data[next(given)] if isinstance(a, Value) else float(a) for a in value.arguments]
        try:
            data.append(float(operation.evaluate(numbers)))
        except (ArithmeticError, ValueError, LookupError) as error:
            return clean(error)
    return data
