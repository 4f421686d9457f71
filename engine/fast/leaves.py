"""The numbers of many leaves at once: what `.data` reads and writes, without a call for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..reads import watching


def data_of(leaves: Sequence[Any]) -> list[float]:
    """`.data` of each."""
    return [leaf._data for leaf in leaves] if _are_plain(leaves) else [leaf.data for leaf in leaves]


def put_data(leaves: Sequence[Any], numbers: Sequence[float]) -> None:
    """Write a float into `.data` of each leaf that learns; frozen ones (requires_grad=False) keep their numbers."""
    if _are_plain(leaves):
        for leaf, number in zip(leaves, numbers, strict=True):
            if leaf._requires_grad:
                leaf._data = number
    else:
        for leaf, number in zip(leaves, numbers, strict=True):
            if leaf.requires_grad:
                leaf.data = number


def _are_plain(leaves: Sequence[Any]) -> bool:
    """Whether nobody wants to know of it: no derivative is being taken, and no class has a `.data` of its own."""
    return not watching and all(kind._plain for kind in {leaf.__class__ for leaf in leaves})
