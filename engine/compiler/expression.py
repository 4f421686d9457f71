"""Each row's spelling, parsed once to a tree of primitives: what array programs and other languages are made of."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TypeAlias, TypeVar

import numpy as np

from ..op import Op

# A number, the name of an argument ("a0", "a1", …; "*" for all), or a primitive with the trees it is applied to.
Tree: TypeAlias = "float | str | tuple[Tree, ...]"
ALL = "*"
T = TypeVar("T")

UNARY = [
    "negative", "positive", "absolute", "sign", "floor", "ceil", "trunc", "rint", "exp", "expm1", "exp2", "log",
    "log1p", "log2", "log10", "sqrt", "cbrt", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh",
    "arcsinh", "arccosh", "arctanh", "deg2rad", "rad2deg", "erf", "erfc",
]  # fmt: skip
BINARY = [
    "add", "subtract", "multiply", "divide", "power", "floor_divide", "mod", "arctan2", "hypot", "logaddexp", "maximum",
    "minimum", "greater",
]  # fmt: skip
WORDS = ("total", "dot", "logsumexp", "pick")  # of any number of arguments
# The primitives, each with the number of its arguments; 0 for any number.
PRIMITIVES: Mapping[str, int] = {
    **dict.fromkeys(UNARY, 1), **dict.fromkeys(BINARY, 2), "where": 3, **dict.fromkeys(WORDS, 0)
}  # fmt: skip
# Other spellings of NumPy's functions, and the spellings of what takes any number of arguments.
ALSO = {"abs": "absolute", "fabs": "absolute", "pow": "power", "true_divide": "divide", "remainder": "mod",
        "asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2", "asinh": "arcsinh",
        "acosh": "arccosh", "atanh": "arctanh", "radians": "deg2rad", "degrees": "rad2deg"}  # fmt: skip
OF_ALL = {
    "sum(_)": "total",
    "sum(a * b for a, b in zip(_[: len(_) // 2], _[len(_) // 2 :]))": "dot",
    "np.logaddexp.reduce(np.broadcast_arrays(*_))": "logsumexp",
    "picked(_[:-1], _[-1])": "pick",
}
OPERATORS: Mapping[type, str] = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.Pow: "power",
    ast.USub: "negative", ast.UAdd: "positive",
}  # fmt: skip


class NoExpression(ValueError):
    """The spelling of a row is not made of the primitives."""


@cache
def expression(op: Op) -> Tree:
    """What the row computes, as a tree of primitives.

    Errors: NoExpression names the row, what is in its spelling, and what to write instead.

    >>> from chainrule.engine import OPS
    >>> expression(OPS["relu"])
    ('maximum', 'a0', 0.0)
    >>> expression(OPS["leaky_relu"])
    ('where', ('greater', 'a0', 0.0), 'a0', ('multiply', 0.01, 'a0'))
    """
    names = ["_"] if op.variadic else [f"a{i}" for i in range(op.arity)]
    try:
        spelling = op.numpy.format(*names)
        if spelling in OF_ALL:
            return (OF_ALL[spelling], ALL)
        if op.variadic:
            raise _Unknown("it takes any number of arguments in a way of its own")
        return _tree(ast.parse(spelling, mode="eval").body, names)
    except (_Unknown, SyntaxError, IndexError) as problem:
        raise NoExpression(
            f"the operation {op.name} has no spelling in other languages than Python: its numpy={op.numpy!r} is not "
            f"made of arithmetic and functions such as np.exp, np.tanh and np.where ({problem}). Spell it with these, "
            "with np.maximum, np.minimum, np.clip or math.erf"
        ) from None


@cache
def as_ufuncs(op: Op) -> Tree | None:
    """The tree of a row, if it is made of NumPy's ufuncs alone."""
    try:
        tree = expression(op)
    except NoExpression:
        return None
    return tree if _of_ufuncs(tree) else None


def _of_ufuncs(tree: Tree) -> bool:
    if not isinstance(tree, tuple):
        return tree != ALL
    function, *arguments = tree
    return isinstance(getattr(np, str(function), None), np.ufunc) and all(map(_of_ufuncs, arguments))


class _Unknown(Exception):
    pass


def _tree(node: ast.expr, names: Sequence[str]) -> Tree:
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
        return _number(float(node.value))
    if isinstance(node, ast.Name) and node.id in names:
        return node.id
    if isinstance(node, ast.UnaryOp) and type(node.op) in OPERATORS:
        return applied(OPERATORS[type(node.op)], [_tree(node.operand, names)])
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return applied(OPERATORS[type(node.op)], [_tree(node.left, names), _tree(node.right, names)])
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], (ast.Gt, ast.Lt)):
        sides = [_tree(node.left, names), _tree(node.comparators[0], names)]
        return applied("greater", sides if isinstance(node.ops[0], ast.Gt) else sides[::-1])
    if isinstance(node, ast.Call) and not node.keywords:
        return _call(ast.unparse(node.func), [_tree(one, names) for one in node.args])
    constant = getattr(math, node.attr, None) if isinstance(node, ast.Attribute) else None
    if isinstance(constant, float) and ast.unparse(node).startswith(("math.", "np.")):
        return _number(constant)  # math.pi
    raise _Unknown(f"{ast.unparse(node)} is none of these")


def _number(x: float) -> Tree:
    """The number; inf and nan, which not every language can write, as quotients by 0."""
    return x if math.isfinite(x) else ("divide", 0.0 if math.isnan(x) else 1.0, 0.0)


def _call(function: str, arguments: list[Tree]) -> Tree:
    if function.startswith("np.vectorize(math."):  # a function of floats, number by number
        function = function.partition("(")[2].partition(",")[0].rstrip(")")
    module, _, name = function.rpartition(".")
    name = ALSO.get(name, name)
    if module in ("np", "math") and name == "clip" and len(arguments) == 3:
        return applied("minimum", [applied("maximum", arguments[:2]), arguments[2]])
    if module in ("np", "math") and PRIMITIVES.get(name) == len(arguments):
        return applied(name, arguments)
    raise _Unknown(f"{function} of {len(arguments)} is none of these")


def applied(primitive: str, arguments: Sequence[Tree]) -> Tree:
    """The primitive on these trees; what stands on numbers alone is computed here, where it is arithmetic or a root."""
    if all(isinstance(one, float) for one in arguments):
        if primitive == "negative":
            return -arguments[0]  # type: ignore[operator]
        if primitive == "sqrt":
            return math.sqrt(arguments[0])  # type: ignore[arg-type]
    return arguments[0] if primitive == "positive" and not isinstance(arguments[0], str) else (primitive, *arguments)


def spelled(
    tree: Tree, arguments: Sequence[T], primitive: Callable[[str, list[T]], T], number: Callable[[float], T]
) -> T:
    """The tree as text of another language, which spells primitives and numbers in its own way; or as operands.

    >>> spelled(("maximum", "a0", 0.0), ["x"], lambda name, given: f"{name}({', '.join(given)})", repr)
    'maximum(x, 0.0)'
    """
    if isinstance(tree, float):
        return number(tree)
    if isinstance(tree, str):
        return arguments[int(tree[1:])]
    name, *parts = tree
    given = list(arguments) if parts == [ALL] else [spelled(one, arguments, primitive, number) for one in parts]
    return primitive(str(name), given)


def as_sum(name: str, arguments: Sequence[str]) -> str:
    """The primitive "total" or "dot", written with + and *, in any language that has these.

    >>> as_sum("total", ["a", "b", "c"]), as_sum("dot", ["a", "b", "c", "d"]), as_sum("total", [])
    ('(a + b + c)', '(a * c + b * d)', '(0.0)')
    """
    half = len(arguments) // 2
    products = [f"{a} * {b}" for a, b in zip(arguments[:half], arguments[half:])]
    return f"({' + '.join(products if name == 'dot' else arguments) or '0.0'})"
