"""Which arrays are computed at all, and which of them in rows of another array."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from .ir import Array, Rows

Places = Sequence[int]
ELSEWHERE = ("theta", "numbers", "index", "flat", "input", "scatter")  # where these lie is settled already


def needed(code: Iterable[Array], roots: Iterable[Array]) -> list[Array]:
    """The arrays that the roots depend on, in order."""
    live, kept = set(roots), []
    for array in reversed(list(code)):
        if array in live:
            kept.append(array)
            live.update(a.array for a in array.args if isinstance(a, Rows))
    return kept[::-1]


def first_writes(scatter: Array) -> list[bool]:
    """For each part of a scatter whether no part before it has written a row of it, and it has each row once."""
    seen, fresh = set[int](), list[bool]()
    for places in scatter.extra[0]:
        fresh.append(seen.isdisjoint(places) and len(set(places)) == len(places))
        seen.update(places)
    return fresh


def covers(scatter: Array) -> tuple[bool, bool]:
    """Whether the first writes of the parts fill the whole array; and whether something is added to what they leave."""
    written, more = set[int](), False
    for places, first in zip(scatter.extra[0], first_writes(scatter)):
        if first:
            written.update(places)
        more |= not written.issuperset(places)
    return len(written) == scatter.lanes, more


def placed(code: Sequence[Array], roots: Collection[Array]) -> dict[Array, tuple[Array, Places]]:
    """The arrays that are computed in rows of a scatter, so that they need not be copied there."""
    uses: dict[Array, int] = dict.fromkeys(roots, 1)
    for array in code:
        for a in array.args:
            if isinstance(a, Rows):
                uses[a.array] = uses.get(a.array, 0) + 1
    found: dict[Array, tuple[Array, Places]] = {}
    for scatter in reversed(code):
        if scatter.op != "scatter" or covers(scatter)[1]:
            continue
        parts, fresh = scatter.extra[0], first_writes(scatter)
        for i, (part, places) in enumerate(zip(scatter.args, parts)):
            if not isinstance(part, Rows) or not fresh[i] or part.array in found or not part.complete:
                continue
            array, rising = part.array, range(places[0], places[0] + len(places))
            if array.op in ELSEWHERE or array.ones or array in roots or array.batched is not scatter.batched:
                continue
            if len(places) != array.lanes or list(places) != list(rising):
                continue
            if uses[array] == 1 or all(set(places).isdisjoint(later) for later in parts[i + 1 :]):
                found[array] = scatter, places
    return found
