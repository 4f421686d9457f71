"""How the text of a program becomes a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...op import NAMES
from . import running


def build(name: str, text: str, functions: Mapping[str, Any] | None = None) -> Callable[..., Any]:
    """The function of that name in the text; `functions` are further names that the text uses.

    The text holds nothing that a user typed: the compiler chooses the names, and numbers are literals.
    """
    names: dict[str, Any] = {**vars(running), **NAMES, **(functions or {})}
    exec(compile(text, f"<chainrule {name}>", "exec"), names)
    function: Callable[..., Any] = names[name]
    return function
