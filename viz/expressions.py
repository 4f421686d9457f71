"""Arithmetic that somebody typed, as Values. Nothing is ever executed: the syntax tree is walked, the table applied."""

from __future__ import annotations

import ast
import math
import reprlib
import sys
from collections.abc import Mapping
from typing import Any

from chainrule.engine import OPS, Value

LONGEST = 2000  # characters; more is no formula for a picture

OPERATORS = {
    ast.Add: OPS["add"],
    ast.Sub: OPS["subtract"],
    ast.Mult: OPS["multiply"],
    ast.Div: OPS["divide"],
    ast.Pow: OPS["power"],
}


def evaluate(text: str, numbers: Mapping[str, float]) -> Value:
    """The Value that an expression of +, -, *, /, **, functions of the table and named numbers computes.

    Errors: ValueError, in one line, for whatever else somebody types.

    >>> evaluate("tanh(x * w) + 1", {"x": 2.0, "w": 0.0})
    Value(data=1.0, grad=0.0)
    """
    if len(text) > LONGEST:
        raise ValueError(f"an expression of {len(text):,} characters; at most {LONGEST:,} make a picture")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        leaves = {name: Value(number, label=name) for name, number in numbers.items()}
        result = _value(tree, leaves)
    except (RecursionError, MemoryError):
        raise ValueError("this expression is nested too deeply") from None
    except (TypeError, IndexError) as error:
        raise ValueError(str(error)) from None
    except SyntaxError as error:
        raise ValueError(f"not an expression: {error.msg}: {reprlib.repr(text)}") from None
    if not isinstance(result, Value):
        raise ValueError(f"no named number in {reprlib.repr(text)}; try: chainrule draw 'a*b + 1' a=2 b=3")
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    if unused := [name for name in numbers if name not in used]:
        raise ValueError(f"{', '.join(unused)} is given but not used in {reprlib.repr(text)}")
    return result


def _value(tree: ast.expr, leaves: Mapping[str, Value]) -> Any:
    """A Value, or a float where no name is below, or a list of these."""
    match tree:
        case ast.Constant(value=int() | float() as constant) if not isinstance(constant, bool):
            result: Any = float(constant) if abs(constant) <= sys.float_info.max else math.inf
        case ast.Name(id=name):
            if name not in leaves:
                raise ValueError(f"{name} has no number; add {name}=1.0")
            return leaves[name]
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_value(item, leaves) for item in items]
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value(operand, leaves)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            result = -_value(operand, leaves)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in OPERATORS:
            result = OPERATORS[type(sign)](_value(left, leaves), _value(right, leaves))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            result = FUNCTIONS[name](*(_value(argument, leaves) for argument in arguments))
        case ast.Call(func=ast.Name(id=name)):
            raise ValueError(f"no function {name!r}; there are {', '.join(sorted(FUNCTIONS))}")
        case ast.BinOp(op=ast.BitXor()):
            raise ValueError(f"{_shown(tree)}: a power is written with **")
        case _:
            raise ValueError(
                f"{_shown(tree)} is no arithmetic; there are +, -, *, /, **, functions such as tanh, and named numbers"
            )
    if not isinstance(result, Value) and not math.isfinite(result):
        raise ValueError(f"{_shown(tree)} is {result}, no number to compute with")
    return result


def _shown(tree: ast.expr) -> str:
    return reprlib.repr(ast.unparse(tree))


PYTHONS = {"abs": "absolute", "max": "maximum", "min": "minimum", "sum": "total"}
FUNCTIONS = OPS | {name: OPS[row] for name, row in PYTHONS.items()}
