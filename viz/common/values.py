"""What all pictures ask of a graph: its Values, their names, and how each was computed."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.engine import Value
from chainrule.engine.graph import topological_order

from .text import clean, short

UNNAMED = "ƒ"  # stands for an operation made by hand that has no name


def values_of(root: Value) -> list[Value]:
    """All values that the root was computed from, and the root itself, in topological order.

    Errors: TypeError for what is not a Value.
    """
    if not isinstance(root, Value):
        hint = "; draw one of its entries" if hasattr(root, "__len__") else ""
        raise TypeError(f"a picture starts from one Value, got {type(root).__name__}{hint}")
    return topological_order(root)


def is_handwritten(value: Value) -> bool:
    """Whether the value is a node made by hand, whose local derivatives only its own `_backward` knows."""
    return "_backward" in value.__dict__ or (isinstance(value.operation, str) and value.operation != "")


def value_names(order: Sequence[Value]) -> list[str]:
    """A name for each value: its label, or v1, v2, … in topological order."""
    labels = [clean(value.label) if value.label else "" for value in order]
    taken = set(labels)
    names, number = [], 0
    for label in labels:
        while not label:
            number += 1
            label = "" if f"v{number}" in taken else f"v{number}"
        names.append(label)
    return names


def expression_of(value: Value, names: Sequence[str]) -> str:
    """What the value was computed from; `names` are those of the Values among its arguments, in order.

    >>> from chainrule import Value
    >>> expression_of(Value(2.0, label="x") * 3, ["x"])
    'x × 3'
    """
    operation = value.operation
    if operation is None:
        return ""
    if isinstance(operation, str):  # a node made by hand has nothing but the text that its maker gave
        sign = clean(operation) or UNNAMED
        return f"{sign}({', '.join(names)})" if sign[:1].isalpha() else f" {sign} ".join(names)
    given = iter(names)
    written: str = operation.write([next(given) if isinstance(a, Value) else short(float(a)) for a in value.arguments])
    return written


def badge_text(value: Value) -> str:
    """The text of the round badge at the left of a card: the operation that made the value; '' for a leaf."""
    operation = value.operation
    if operation is None:
        return ""
    return clean(operation) or UNNAMED if isinstance(operation, str) else operation.badge or operation.name
