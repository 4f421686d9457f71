"""Shares of a sum, as in a softmax: NumPy divides few rows by their sum faster if it stands there for each row."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from .ir import ONE, Array, Number, Rows
from .place import needed

MOST = 8  # rows: the product makes so many sums in less time than NumPy takes to lay one row beside others


def with_divisors(code: Sequence[Array], roots: Collection[Array]) -> list[Array]:
    """The code, in which x · (c / sum(x)) and x / sum(x) divide x by an array of its shape.

    One product makes this array, and below it the sum, which its other users read there.
    """
    found: dict[Array, Array] = {}  # for each sum, what stands in its place
    for array in code:
        whole, number = _share(array)
        if whole is None or whole in roots or whole in found:
            continue
        [x] = whole.args
        made = Array("divisors", (x, number), array.lanes + 1, True, ())
        made.steps = whole.steps
        found[whole] = made
        array.op, array.args = "divide", (x, Rows(made, 0, 1, array.lanes))
    if not found:
        return list(code)
    for array in code:
        array.args = tuple(
            Rows(found[a.array], found[a.array].lanes - 1, 1, 1) if isinstance(a, Rows) and a.array in found else a
            for a in array.args
        )
    return needed([found.get(array, array) for array in code], roots)


def _share(array: Array) -> tuple[Array | None, Number]:
    """The sum of few rows that an array divides these rows by, and the number that the shares are multiplied by."""
    if array.op not in ("multiply", "divide") or not 1 < array.lanes <= MOST:
        return None, ONE
    x, divisor = array.args
    number = ONE
    if array.op == "multiply" and isinstance(divisor, Rows) and divisor.array.op == "divide":
        number, divisor = divisor.array.args  # type: ignore[assignment]
    elif array.op == "multiply":
        return None, ONE
    if not isinstance(divisor, Rows) or not isinstance(number, Number) or not number.number:
        return None, ONE
    whole = divisor.array
    is_sum = whole.op == "sum" and whole.batched and len(whole.extra[0]) == 1 and whole.args[0] == x
    return (whole if is_sum else None), number
