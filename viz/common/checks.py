"""What has to be known of a graph before anything is said of it: what is stale, and whose gradients it holds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from chainrule.engine import Op, Value
from chainrule.engine.graph import leaves_out
from chainrule.engine.operators import local_derivatives

from .text import short
from .values import is_handwritten

STRIPED = "Striped: nan or inf. "  # how pictures show them
LONGEST_IN_SENTENCE = 24  # characters of a name
ROUNDING = 1e-9  # sums in another order differ by less than this share of their terms


@dataclass(frozen=True)
class Findings:
    """What was found out about the values of a graph; the lists follow its topological order."""

    changed: list[bool]  # the value is not what its operation gives for its arguments' data now
    stale: list[bool]  # the same, or an argument is stale
    derivatives: list[float] | None  # ∂root/∂value, by the local derivatives; None if one of them is unknown
    brought: list[float | None]  # what the edges bring to the gradient; None where one of them is unknown
    left_over: list[bool]  # the gradient is another one than the edges bring
    reached: list[bool]  # a gradient goes back to it; False behind what a choice leaves out


def look_at(
    order: Sequence[Value],
    shown: Sequence[float],
    parents: Sequence[Sequence[int]] | None = None,
    slopes: Sequence[Sequence[float]] | None = None,
    roots: Sequence[int] = (),
) -> Findings:
    """Look at each value and at the gradients that are shown of them.

    `parents` are the numbers of each value's arguments and `slopes` its local derivatives, if they are known already;
    the last value is a root, and so are `roots`: their gradient may come from anywhere.

    >>> from chainrule import Value
    >>> a = Value(2.0)
    >>> b = a * a
    >>> b.backward(); b.backward(); a.data = 5.0
    >>> found = look_at([a, b], [a.grad, b.grad])
    >>> found.stale, found.left_over, found.derivatives
    ([False, True], [True, False], [4.0, 1.0])
    """
    if parents is None:
        number = {id(value): index for index, value in enumerate(order)}
        parents = [[number[id(parent)] for parent in value._prev] for value in order]
    if slopes is None:
        slopes = [value._local_grads for value in order]
    changed = [_has_changed(value, own) for value, own in zip(order, slopes)]
    stale: list[bool] = []
    for index, own in enumerate(changed):
        stale.append(own or any(stale[parent] for parent in parents[index]))
    by_hand = [is_handwritten(value) for value in order]
    adjoint = [0.0] * (len(order) - 1) + [1.0]
    brought: list[float | None] = [0.0] * (len(order) - 1) + [None]
    sizes = [0.0] * len(order)
    reached = [False] * (len(order) - 1) + [True]
    for root in roots:
        reached[root] = True
    for index in reversed(range(len(order))):
        reached[index] |= shown[index] != 0.0  # by a result outside of this graph
        if not (order[index].requires_grad and reached[index]):
            continue
        for parent, local in zip(parents[index], slopes[index]):
            if leaves_out(order[index], local):
                continue
            reached[parent] = True
            adjoint[parent] += local * adjoint[index]
            sum_so_far = brought[parent]
            if by_hand[index] or sum_so_far is None:
                brought[parent] = None
            else:
                brought[parent] = sum_so_far + local * shown[index]
                sizes[parent] += abs(local * shown[index])
    for root in roots:
        brought[root] = None
    left_over = [
        value.requires_grad and came is not None and _differ(grad, came, size)
        for value, came, grad, size in zip(order, brought, shown, sizes)
    ]
    return Findings(changed, stale, None if any(by_hand) else adjoint, brought, left_over, reached)


def _has_changed(value: Value, known: Sequence[float]) -> bool:
    operation = value.operation
    if not isinstance(operation, Op) or is_handwritten(value):
        return False
    arguments = value.arguments
    numbers = [float(one.data) if isinstance(one, Value) else float(one) for one in arguments]
    try:
        if not _same(operation.evaluate(numbers), value.data):
            return True
        wanted = [isinstance(one, Value) for one in arguments]
        slopes = local_derivatives(operation, float(value.data), numbers, wanted)
    except (ArithmeticError, ValueError, LookupError, TypeError):
        return True  # the data are such now that there is no value
    return not all(map(_same, [slope for slope, want in zip(slopes, wanted) if want], known))


def _same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=ROUNDING) or (one != one and other != other)


def _differ(grad: float, came: float, size: float) -> bool:
    if not (math.isfinite(came) and math.isfinite(grad)):
        return False  # what is not finite depends on the order of the terms
    return abs(grad - came) > ROUNDING * (abs(came) + size)


def notices(
    order: Sequence[Value], names: Sequence[str], shown: Sequence[float], found: Findings, roots: int = 1
) -> list[str]:
    """What a reader has to know of the whole graph, in sentences; `roots` says how many results are drawn."""
    root, grad = briefly(names[-1]), shown[-1]
    said = []
    if any(found.stale):
        said.append(f"Hatched: computed before data changed; call {root}.refresh().")
    if any(shown) and roots > 1:
        said.append("These are the gradients of the results that backward() was called on, not of each result here.")
    elif any(shown) and order[-1].requires_grad and grad != 1.0 and not math.isnan(grad):
        not_its_own = f"not those of {root}: {root}.grad is {short(grad)}, not 1."
        if grad and order[-1].operation is not None:
            said.append(f"These are the gradients of a result that was made of {root}, {not_its_own}")
        else:
            said.append(f"These are the gradients of another result, {not_its_own}")
    if any(found.left_over):
        said.append(_left_over_notice(order, names, shown, found))
    if bad := first_not_finite(order, names, shown):
        said.append(bad)
    return said


def _left_over_notice(order: Sequence[Value], names: Sequence[str], shown: Sequence[float], found: Findings) -> str:
    """How many gradients are others than the edges bring, and the numbers of one of them, a leaf if there is one."""
    every = [index for index, is_left_over in enumerate(found.left_over) if is_left_over]
    one = next((index for index in every if order[index].operation is None), every[0])
    came = found.brought[one]
    assert came is not None  # for the type checker: otherwise nothing could be said of it
    what = f"{len(every)} gradients are" if len(every) > 1 else "This gradient is"
    return (
        f"* {what} not what the edges bring: {briefly(names[one])}.grad is {short(shown[one])}, they bring "
        f"{short(came)}. zero_grad() before backward() clears what is left over."
    )


def briefly(name: str) -> str:
    """A name that does not push everything else off a line."""
    return name if len(name) <= LONGEST_IN_SENTENCE else name[: LONGEST_IN_SENTENCE - 1] + "…"


def first_not_finite(order: Sequence[Value], names: Sequence[str], shown: Sequence[float]) -> str:
    """A sentence that names the value where the first nan or inf was made; '' if all numbers are finite."""
    for value, name in zip(order, names):
        if not math.isfinite(value.data):
            return f"{STRIPED}The first nan or inf of the forward pass is {briefly(name)}, {short(value.data)}."
    for value, name, grad in zip(reversed(order), reversed(names), reversed(shown)):
        if not math.isfinite(grad) and value.requires_grad:
            return f"{STRIPED}The first nan or inf of the backward pass is {briefly(name)}.grad, {short(grad)}."
    return ""


def left_over_text(name: str, grad: float, came: float) -> str:
    """What is said of a gradient that is another one than the edges bring."""
    return (
        f"* {name}.grad is {short(grad)}, but the edges here bring {short(came)}: something is left over from an "
        "earlier backward(), comes from a result outside this picture, or was set by hand"
    )
