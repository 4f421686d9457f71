"""What all pictures ask of a graph: its Values, their names, and how each was computed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from chainrule.engine import Op, Value
from chainrule.engine.graph import has_own_backward, topological_order

from .formulas import DIGITS, Formula, agrees, read
from .text import clean, short

UNNAMED = "ƒ"  # stands for an operation made by hand that has no name
PRIMES = ("", "′", "″")
LONGEST_PRIMED = 8  # characters of a name; behind more, a prime would be overlooked


def values_of(root: Value) -> list[Value]:
    """All values that the root was computed from, and the root itself, in topological order.

    Errors: TypeError for what is not a Value.
    """
    if not isinstance(root, Value):
        got = f"the class {root.__name__}" if isinstance(root, type) else type(root).__name__
        raise TypeError(f"a picture starts from one Value, got {got}{_instead(root)}")
    return topological_order(root)


def _instead(given: Any) -> str:
    """What to write where something else than a Value was given; "" where nobody can tell."""
    if isinstance(given, Real):
        return "; a plain number was computed from nothing: compute with Values, as in Value(2.0) * 3"
    if isinstance(given, (list, tuple, np.ndarray)):
        return "; take one of its entries"
    return "; call it with an example, and take the Value that it gives" if callable(given) else ""


def is_handwritten(value: Value) -> bool:
    """Whether the value is a node made by hand, whose local derivatives only its own `_backward` knows."""
    return has_own_backward(value) or (isinstance(value.operation, str) and value.operation != "")


def value_names(order: Sequence[Value]) -> list[str]:
    """A name for each value, no two alike: its label, or v1, v2, … in topological order.

    >>> from chainrule import Value
    >>> value_names([Value(1.0, label="w"), Value(2.0), Value(3.0, label="w"), Value(4.0, label="w1"),
    ...              Value(5.0, label="w1")])
    ['w', 'v1', 'w′', 'w1', 'w1 (2)']
    """
    labels = [clean(value.label) if value.label else "" for value in order]
    taken = set(labels)
    names, number = [], 0
    for label in labels:
        while not label:
            number += 1
            label = "" if f"v{number}" in taken else f"v{number}"
        names.append(label)
    return unlike(names)


def unlike(names: Sequence[str]) -> list[str]:
    """The names, changed where one occurs again: w, w′, w″; or, where that cannot be read, w1, w1 (2), w1 (3)."""
    count = Counter(names)
    taken, used = set(names), Counter[str]()
    found = []
    for name in names:
        used[name] += 1
        new = name
        while used[name] > 1 and new in taken:
            place = used[name]
            has_primes = count[name] <= len(PRIMES) and len(name) <= LONGEST_PRIMED and name.isalpha()
            new = name + PRIMES[place - 1] if has_primes and place <= len(PRIMES) else f"{name} ({place})"
            used[name] += new in taken
        taken.add(new)
        found.append(new)
    return found


def expression_of(value: Value, names: Sequence[str]) -> str:
    """What the value was computed from; `names` are those of the Values among its arguments, in order.

    Numbers in it have as many digits as it takes to get the value's four.

    >>> from chainrule import Value
    >>> expression_of(Value(2.0, label="x") * -3, ["x"])
    'x × (−3)'
    """
    operation = value.operation
    if operation is None:
        return ""
    if isinstance(operation, str):  # a node made by hand has nothing but the text that its maker gave
        sign = clean(operation) or UNNAMED
        return f"{sign}({', '.join(names)})" if sign[:1].isalpha() else f" {sign} ".join(names)
    written = _written(operation, value, names, DIGITS[0])
    constants = [float(a) for a in value.arguments if not isinstance(a, Value)]
    if all(read(short(number)) == number for number in constants):
        return written.text
    exact = _written(operation, value, names, 0)
    for digits in DIGITS:
        written = _written(operation, value, names, digits)
        if agrees(written.number, exact.number):
            return written.text
    return exact.text


def _written(operation: Op, value: Value, names: Sequence[str], digits: int) -> Formula:
    given = iter(names)
    arguments = value.arguments
    return Formula.of(operation, [
        Formula.named(next(given), float(a.data)) if isinstance(a, Value) else Formula.printed(float(a), digits)
        for a in arguments
    ])  # fmt: skip


def through(names: Sequence[str], argument: int) -> str:
    """The name of an argument among the names of all; where it occurs more than once, with its place.

    >>> through(["n", "n"], 1), through(["n", "m"], 1)
    ('the 2nd n', 'm')
    """
    name = names[argument]
    if names.count(name) == 1:
        return name
    place = names[: argument + 1].count(name)
    ending = {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th") if place % 100 not in (11, 12, 13) else "th"
    return f"the {place}{ending} {name}"


def badge_text(value: Value) -> str:
    """The text of the round badge at the left of a card: the operation that made the value; '' for a leaf."""
    operation = value.operation
    if operation is None:
        return ""
    return clean(operation) or UNNAMED if isinstance(operation, str) else operation.badge or operation.name
