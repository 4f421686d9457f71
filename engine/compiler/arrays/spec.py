"""What holds for each array program, between all passes."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from .ir import WORDS, Array, Rows


def check(code: Iterable[Array]) -> None:
    """AssertionError where an instruction breaks a law of the array program.

    Operands stand before their instruction; rows lie inside their array; an array that differs by example is marked so;
    what works number by number has operands of one row, or of as many as it makes; a scatter writes inside itself.
    """
    seen = set[Array]()
    for array in code:
        said = f"{array.op} {array.name}"
        assert array.lanes >= 0 and array not in seen, f"{said} is written twice"
        operands = [a for a in array.args if isinstance(a, Rows)]
        for a in operands:
            assert a.array in seen, f"{said} reads {a.array.op} before it is there"
            inside = a.count > 0 < a.step and 0 <= a.start <= a.places[-1] < a.array.lanes
            assert inside, f"{said} reads outside {a.array.op}"
        if array.op not in WORDS:
            assert {a.count for a in operands} <= {1, array.lanes}, f"{said} has operands of other lengths"
            assert array.batched is any(a.array.batched for a in operands), f"{said} is marked wrongly"
        if array.op == "scatter":
            assert len(array.args) == len(array.extra[0]), f"{said} has other places than parts"
            for places, part in zip(array.extra[0], array.args):
                assert 0 <= min(places) <= max(places) < array.lanes, f"{said} writes outside itself"
                assert len(set(places)) == len(places), f"{said} puts two rows of one part in one place"
                assert not isinstance(part, Rows) or part.count in (1, len(places)), (
                    f"{said} has a part of other length"
                )
        if array.op in ("sum", "largest"):
            assert sum(array.extra[0]) == operands[0].count and len(array.extra[0]) == array.lanes, f"{said}: its sizes"
            assert len(array.extra) == 1 or len(set(array.extra[0])) == 1, f"{said} is across, with different sizes"
        if array.op == "einsum":
            *axes, sizes = array.extra
            counts = [a.count for a in operands] + [array.lanes]
            assert [prod(dict(sizes)[axis] for axis in each) for each in axes] == counts, f"{said}: its axes"
            assert set(axes[2]) <= {*axes[0], *axes[1]}, f"{said} has an axis that no operand has"
        if array.op in ("matmul", "outer", "back"):
            rights, lefts, width, more = array.extra
            made = {"matmul": rights * lefts, "outer": lefts * width, "back": rights * more}[array.op]
            assert array.lanes == made, f"{said} has {array.lanes} lanes, not {made}"
        seen.add(array)
