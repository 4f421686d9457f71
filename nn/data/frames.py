"""The columns of frames, of dicts and of rows that are dicts, by their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.engine.gate import columns_of, shown

from .reading import numbered

__all__ = ["frame_columns"]


def frame_columns(given: Any, name: str) -> dict[str, Any] | None:
    """Each column by its name: of a frame, of a dict of columns or of numbers, of a list of dicts; None for no names.

    pandas, polars and others are recognised by what their objects can do; none of them is imported.

    Errors: ValueError where two columns have the same name or rows have different ones; TypeError for a lazy frame.
    """
    if (columns := columns_of(given, name)) is not None:
        return _named(columns, name)
    if isinstance(given, Mapping):
        single = given and all(isinstance(one, str) or not hasattr(one, "__len__") for one in given.values())
        return _named([(key, [one] if single else one) for key, one in given.items()], name)
    if hasattr(given, "iloc") and hasattr(given, "index") and not hasattr(given, "columns"):  # one row of a frame
        if all(isinstance(label, str) for label in given.index):
            return _named([(label, [given.iloc[j]]) for j, label in enumerate(given.index)], name)
        return None
    if isinstance(given, np.ndarray) and given.dtype.names:
        return _named([(field, given[field]) for field in given.dtype.names], name)
    if isinstance(given, Sequence) and not isinstance(given, str) and given and isinstance(given[0], Mapping):
        return _from_dicts(given, name)
    return None


def _named(columns: list[tuple[Any, Any]], name: str) -> dict[str, Any]:
    labels = numbered([str(label) for label, _ in columns], name)
    return dict(zip(labels, [column for _, column in columns]))


def _from_dicts(given: Sequence[Any], name: str) -> dict[str, Any]:
    keys = list(dict.fromkeys(key for row in given if isinstance(row, Mapping) for key in row))
    for place, row in enumerate(given):
        if not isinstance(row, Mapping):
            raise ValueError(f"row 0 of {name} is a dict, and row {place} is {shown(row)}; make all of them dicts")
    return _named([(key, [row.get(key) for row in given]) for key in keys], name)
