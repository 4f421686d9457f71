"""The backward program on scalars: the same rules of the table, run on the results of the code."""

from __future__ import annotations

from collections.abc import Sequence

from ...ops import add, multiply
from .code import Code, Ref, Scalar


def differentiate(code: Code, output: Scalar, wanted: Sequence[int]) -> list[Scalar]:
    """The derivatives of one output with respect to the wanted places; their instructions are added to the code."""
    if not isinstance(output, Ref):
        return [0.0] * len(wanted)
    reached = bytearray(len(code.operations))  # which results depend on something wanted
    for leaf in wanted:
        reached[leaf] = True
    for place, arguments in enumerate(code.arguments[: output.place + 1]):
        for a in arguments:
            if a.__class__ is int and reached[a]:
                reached[place] = True
    gradients: dict[int, Scalar] = {output.place: 1.0} if reached[output.place] else {}
    for place in reversed(range(output.place + 1)):
        op, upstream = code.operations[place], gradients.get(place)
        if upstream is None or isinstance(op, str):
            continue
        scalars, out = [Ref(code, a) if a.__class__ is int else a for a in code.arguments[place]], Ref(code, place)
        slopes = op.partials(out, *scalars) if callable(op.partials) else None
        for i, a in enumerate(code.arguments[place]):
            if a.__class__ is float or not reached[a]:  # type: ignore[index]
                continue
            slope = (op.quick or op.partials)[i](out, *scalars) if slopes is None else slopes[i]  # type: ignore[index]
            if slope.__class__ is float and slope == 0.0:
                continue
            both_numbers = slope.__class__ is upstream.__class__ is float
            passed = slope * upstream if both_numbers else code.apply(multiply, (slope, upstream))
            before = gradients.get(a)  # type: ignore[arg-type]
            gradients[a] = passed if before is None else code.apply(add, (before, passed))  # type: ignore[index]
    return [gradients.get(leaf, 0.0) for leaf in wanted]
