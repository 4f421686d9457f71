"""The NumPy spellings of the table, taken apart into functions that work number by number."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cache

import numpy as np

from ...op import Op

OPERATORS: dict[type, str] = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide",
                              ast.Pow: "power", ast.USub: "negative", ast.UAdd: "positive"}  # fmt: skip


@cache
def as_ufuncs(spelling: str, count: int) -> ast.expr | None:
    """The spelling as a tree; None if it is not made of arithmetic and of NumPy's ufuncs alone."""
    try:
        tree = ast.parse(spelling.format(*(f"_{i}" for i in range(count))), mode="eval").body
    except (SyntaxError, IndexError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", "")
            found = getattr(np, name, None) if ast.unparse(node.func) == f"np.{name}" else None
            if not isinstance(found, np.ufunc) or node.keywords or found.nout != 1:
                return None
        elif isinstance(node, ast.Constant):
            if not isinstance(node.value, (int, float)):
                return None
        elif isinstance(node, ast.Name):
            if not (node.id == "np" or node.id[1:].isdigit()):
                return None
        elif isinstance(node, (ast.BinOp, ast.UnaryOp)):
            if type(node.op) not in OPERATORS:
                return None
        elif not isinstance(node, (ast.Attribute, ast.operator, ast.unaryop, ast.expr_context)):
            return None
    return tree


def listed(op: Op, arguments: Iterable[str], alike: bool = False) -> str:
    """The arguments of a row that takes any number, as one list. NumPy's functions need arrays of one shape in it."""
    one_shape = alike or "np." not in op.numpy or "broadcast" in op.numpy
    text = ", ".join(arguments)
    return f"[{text}]" if one_shape else f"np.broadcast_arrays({text})"


def template(op: Op, count: int, alike: bool) -> str:
    """The spelling with {0}, {1}, … for the arguments; `alike`: whether they have one shape."""
    marks = [f"\0{i}\1" for i in range(count)]
    text = op.numpy.format(listed(op, marks, alike)) if op.variadic else op.numpy.format(*marks)
    return text.replace("{", "{{").replace("}", "}}").replace("\0", "{").replace("\1", "}")
