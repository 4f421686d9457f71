"""A list whose index may be a Value, such as an integer input of a function that is compiled."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...numeric import runs_operations
from ...ops import pick
from ...value import Value


class Table(list[Any]):
    """A list of rows of Values (or of single Values) whose index may be a Value: `embedding[token]`.

    Shapes: table[Value] -> a row (columns,), or one Value; by an integer or a slice as with any list.
    Errors: IndexError if there is no such row, TypeError if it is no index, ValueError if the rows differ in length;
    AttributeError that says what to write for what only one Value has.

    >>> from chainrule import Value
    >>> table = Table([[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]])
    >>> table[1]
    [Value(data=3.0, grad=0.0), Value(data=4.0, grad=0.0)]
    >>> [number.data for number in table[Value(1)]], len(table), len(table[1:])
    ([3.0, 4.0], 2, 1)
    """

    def __getitem__(self, index: Any) -> Any:
        if runs_operations(index):
            if not self:
                raise IndexError("this Table has no rows to look up; write Table(rows) with at least one row")
            return _picked(self, index)
        if isinstance(index, slice):
            return type(self)(super().__getitem__(index))
        try:
            return super().__getitem__(operator.index(index))
        except TypeError:
            raise TypeError(f"the index of a Table is one integer or Value, got {type(index).__name__} {index!r}; "
                            "for several rows, write [table[i] for i in ...]") from None  # fmt: skip
        except IndexError:
            here = f"{len(self)} rows (indices 0 to {len(self) - 1})" if len(self) > 1 else f"{len(self)} row (index 0)"
            raise IndexError(f"index {index} is out of range: the Table has {here if self else 'no rows'}") from None

    if not TYPE_CHECKING:  # a checker knows the attributes

        def __getattr__(self, name: str) -> Any:
            said = f"a {type(self).__name__} has no .{name}"
            if hasattr(Value, name):
                said += f", which one Value has; this is a list of {len(self)}: write it of one of them, as in "
                said += f"outputs[0].{name}, or of what is computed from all, such as a loss"
            raise AttributeError(said, name=name, obj=self)


def _picked(rows: Sequence[Any], index: Any) -> Any:
    """`pick`, for each column."""
    lengths = [len(row) if hasattr(row, "__len__") and not isinstance(row, str) else None for row in rows]
    for i, length in enumerate(lengths):
        if length != lengths[0]:
            sizes = ["one number" if n is None else f"{n} numbers" for n in (lengths[0], length)]
            raise ValueError(
                f"row 0 of this Table holds {sizes[0]} and row {i} holds {sizes[1]}; all rows need the same number"
            )
    return pick(rows, index) if lengths[0] is None else [_picked(column, index) for column in zip(*rows)]
