"""The backward program on scalars: the same rules of the table, run on the results of the code."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from typing import Any

from ...op import Op
from ...operators import has_no_slope
from ...ops import add, multiply, where
from .code import Argument, Code, Ref, Scalar

# Giver, argument, receiver, local derivative, upstream gradient, what is passed, the receiver's gradient before, after.
Applied = tuple[int, int, int, Scalar, Scalar, Scalar, Scalar, Scalar]


def differentiate(
    code: Code, output: Scalar, wanted: Sequence[int], record: list[Applied] | None = None, exact: bool = True
) -> list[Scalar]:
    """The derivatives of one output with respect to the wanted places; their instructions are added to the code.

    Every application of the chain rule is appended to the `record`, if there is one. `exact`: what is not chosen passes
    nothing on though inputs are nan or infinite; if it is False, `code.unmasked` tells whether that would take more.
    """
    if not isinstance(output, Ref):
        return [0.0] * len(wanted)
    reached = bytearray(len(code.operations))  # which results depend on something wanted
    for leaf in wanted:
        reached[leaf] = True
    arguments: Any
    for place, arguments in enumerate(code.arguments[: output.place + 1]):
        for a in arguments:
            if a.__class__ is int and reached[a]:
                reached[place] = True
                break
    risky = varying = bytearray()
    if any(map(chooses, set(code.operations))):
        risky, varying = _risky(code, output.place, exact), _risky(code, output.place, True)
    behind = bytearray(len(code.operations))  # which results are something that is chosen, or not, and nothing else
    always = bytearray(len(code.operations))  # which of them get a gradient besides, whatever is chosen
    gradients: list[Argument | None] = [None] * len(code.operations)
    if reached[output.place]:
        gradients[output.place] = 1.0
    put, refs = code.put, list(map(Ref, repeat(code), range(output.place + 1)))
    rules: dict[Op, Any] = {op: op.quick or op.partials for op in set(code.operations) if isinstance(op, Op)}
    for place in range(output.place, -1, -1):
        op: Any = code.operations[place]
        upstream = gradients[place]
        if upstream is None or op.__class__ is str:
            continue
        arguments, out, rule = code.arguments[place], refs[place], rules[op]
        scalars: Any
        if len(arguments) == 2:  # as most have; a list would take three times the time
            a, b = arguments
            scalars = refs[a] if a.__class__ is int else a, refs[b] if b.__class__ is int else b
        else:
            scalars = [refs[a] if a.__class__ is int else a for a in arguments]
        slopes = rule(out, *scalars) if callable(rule) else None
        if varying:
            if always[place]:
                behind[place] = False
            for a in arguments:
                if a.__class__ is int:
                    (behind if behind[place] or op.chooses else always)[a] = True
        for i, a in enumerate(arguments):
            if a.__class__ is float or not reached[a]:
                continue
            slope = rule[i](out, *scalars) if slopes is None else slopes[i]
            factor: Argument = slope.place if slope.__class__ is Ref else float(slope)
            if factor == 0.0 and factor.__class__ is float:
                continue
            if factor.__class__ is upstream.__class__ is float:
                passed: Argument = factor * upstream
            else:
                passed = put(multiply, (factor, upstream))
                may_be_nan = varying and behind[place] and varying[place] and op is not where  # its slopes are 0 and 1
                if may_be_nan and factor.__class__ is upstream.__class__ is int:
                    if risky[place]:
                        passed = put(where, (upstream, passed, 0.0))  # what is not chosen passes nothing on
                    else:
                        code.unmasked = True
            before = gradients[a]
            after = gradients[a] = passed if before is None else put(add, (before, passed))
            if record is not None:
                earlier = 0.0 if before is None else before
                terms: Any = [
                    Ref(code, x) if x.__class__ is int else x for x in (factor, upstream, passed, earlier, after)
                ]
                record.append((place, i, a, *terms))
    found = [gradients[leaf] for leaf in wanted]
    return [0.0 if slope is None else Ref(code, slope) if slope.__class__ is int else slope for slope in found]


def passed_by(code: Code, record: Sequence[Applied]) -> dict[int, int]:
    """For each instruction of the backward program, the place of the one whose local derivatives it is a part of."""
    found: dict[int, int] = {}
    known = 1 + max([giver for giver, *_ in record], default=0)  # the backward program stands behind these
    for giver, _, _, *scalars in record:
        stack = [scalar.place for scalar in scalars if isinstance(scalar, Ref)]
        while stack:
            place = stack.pop()
            if place >= known and place not in found:
                found[place] = giver
                stack += [a for a in code.arguments[place] if a.__class__ is int]
    return found


def _risky(code: Code, last: int, exact: bool) -> bytearray:
    """Which results may have an infinite slope, or none: those of an operation with a domain, and what is made of them.

    In the side of a where that is not taken, or a choice of a pick that is not picked, 0 times it would be nan.
    """
    found = bytearray(len(code.operations))
    for place in range(last + 1):
        op = code.operations[place]
        if isinstance(op, Op):
            found[place] = has_no_slope(op) or any(a.__class__ is int and found[a] for a in code.arguments[place])
        else:
            found[place] = exact and code.batched[place]  # an input, which may be nan
    return found


def chooses(kind: Any) -> bool:
    """Whether an operation passes nothing on to what it does not choose, as where, pick and maximum."""
    return isinstance(kind, Op) and kind.chooses
