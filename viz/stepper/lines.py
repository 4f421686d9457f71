"""An opened card: its values as lines, such as x1 × w1 = 1.58 + b = 1.68, in which each value is a cell."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chainrule.engine import Value

from ..common.values import expression_of
from ..graph.sums import ADDS, badge_of
from .grouping import Parents

Part = list[str | int]  # texts, and the numbers of the values in the cells between them; the result comes last

_CELL = re.compile("\ue000(\\d+)\ue001")


def lines_of(group: Sequence[int], order: Sequence[Value], parents: Parents, uses: Sequence[int]) -> list[list[Part]]:
    """The lines of a group of values; each has a part, or two: a term, and the sum to which it is added.

    `uses` says how often each value is used. In a sum, ↑ stands for the result of the line above.

    >>> from chainrule import Value
    >>> x, w, b = Value(2.0), Value(3.0), Value(1.0)
    >>> term = x * w
    >>> lines_of([3, 4], [x, w, b, term, b + term], [[], [], [], [0, 1], [2, 3]], [1, 1, 1, 1, 0])
    [[[0, ' × ', 1, ' = ', 3], [' + ', 2, ' = ', 4]]]
    """
    among = set(group)
    term_of: dict[int, int] = {}
    for index in group:
        if badge_of(order[index]) in ADDS and len(parents[index]) == len(order[index].arguments) == 2:
            for term in reversed(parents[index]):
                if term in among and uses[term] == 1 and parents[term] and term not in term_of:
                    term_of[index] = term
                    break
    lines: list[list[Part]] = []
    above, absorbed = -1, set(term_of.values())
    for index in group:
        if index in absorbed:
            continue
        parts = [_part(index, order, parents)]
        if index in term_of:
            first, second = parents[index]
            other = first if second == term_of[index] else second
            rest: Part = [" + ↑ = ", index] if other == above else [" + ", other, " = ", index]
            parts = [_part(term_of[index], order, parents), rest]
        lines.append(parts)
        above = index
    return lines


def _part(index: int, order: Sequence[Value], parents: Parents) -> Part:
    """The expression of a value, cut at the names of its arguments, and the value itself."""
    expression = expression_of(order[index], [f"\ue000{parent}\ue001" for parent in parents[index]])
    pieces = _CELL.split(expression)
    part: Part = [int(piece) if place % 2 else piece for place, piece in enumerate(pieces) if place % 2 or piece]
    return [*part, " = ", index]
