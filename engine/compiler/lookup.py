"""Rows looked up by a number that is a Value: an integer input of a function that is compiled."""

from __future__ import annotations

from typing import Any

from ..numbers import number, runs_operations
from ..ops import pick


class Table(list[Any]):
    """A list of rows of Values (or of single Values) whose index may be a Value: `embedding[token]`.

    Shapes: table[int] and table[slice] as of a list; table[Value] -> a row (columns,), or one Value.
    Errors: IndexError for what is no index, ValueError if the rows differ in length, both when a Value is looked up.

    >>> from engine import Value
    >>> table = Table([[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]])
    >>> table[1], table[Value(1)][0].data, len(table)
    ([Value(data=3.0, grad=0.0), Value(data=4.0, grad=0.0)], 3.0, 2)
    """

    def __getitem__(self, index: Any) -> Any:
        if runs_operations(index):
            return self._picked(index)
        if isinstance(index, slice):
            return type(self)(super().__getitem__(index))
        if not hasattr(index, "__index__"):
            raise TypeError(
                f"the index of a row is one integer, got {type(index).__name__} {index!r}; "
                "for several rows, write [table[i] for i in ...]"
            )
        try:
            return super().__getitem__(index)
        except IndexError:
            raise IndexError(f"index {index} is no row: there are {len(self)} rows, 0 to {len(self) - 1}") from None

    def _picked(self, index: Any) -> Any:
        rows = [row if hasattr(row, "__len__") else number_or_value(row) for row in self]
