"""Typed arithmetic as Values. Nothing is executed: the syntax tree is walked, and operations come from the table."""

from __future__ import annotations

import ast
import math
import reprlib
import sys
from collections.abc import Mapping
from typing import Any

from chainrule.engine import OPS, Value

LONGEST = 2000  # characters of an expression; the picture of a longer one could not be read

OPERATORS = {
    ast.Add: OPS["add"],
    ast.Sub: OPS["subtract"],
    ast.Mult: OPS["multiply"],
    ast.Div: OPS["divide"],
    ast.Pow: OPS["power"],
}


def evaluate(text: str, numbers: Mapping[str, float]) -> Value:
    """The Value of an expression, which has +, -, *, /, **, functions of the table, named numbers, pi and e.

    Errors: ValueError, with a message of one line, for anything else.

    >>> evaluate("tanh(x * w) + 1", {"x": 2.0, "w": 0.0})
    Value(data=1.0, grad=0.0)
    """
    if len(text) > LONGEST:
        raise ValueError(f"the expression has {len(text):,} characters; it may have at most {LONGEST:,}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        leaves = {name: Value(number, label=name) for name, number in numbers.items()}
        result = _value(tree, leaves)
    except (RecursionError, MemoryError):
        raise ValueError("this expression is nested too deeply") from None
    except (TypeError, IndexError) as error:
        raise ValueError(str(error)) from None
    except SyntaxError as error:
        raise ValueError(f"{reprlib.repr(text)} is not an expression: {error.msg}") from None
    if not isinstance(result, Value):
        raise ValueError(f"there is no named number in {reprlib.repr(text)}; try: chainrule draw 'a*b + 1' a=2 b=3")
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    if unused := [name for name in numbers if name not in used]:
        raise ValueError(f"given but not used in {reprlib.repr(text)}: {', '.join(unused)}")
    return result


def _value(tree: ast.expr, leaves: Mapping[str, Value]) -> Any:
    """The Value of a syntax tree; a float if there is no name in it; a list of both for a list."""
    match tree:
        case ast.Constant(value=int() | float() as constant) if not isinstance(constant, bool):
            result: Any = float(constant) if abs(constant) <= sys.float_info.max else math.inf
        case ast.Name(id=name):
            if name not in leaves and name not in CONSTANTS:
                raise ValueError(f"{name} has no number; add {name}=1.0")
            return leaves.get(name, CONSTANTS.get(name))
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
        case ast.Call(func=ast.Name(id=name), keywords=[ast.keyword(arg=keyword), *_]) if name in FUNCTIONS:
            named = "a name before an argument" if keyword else "**"
            raise ValueError(
                f"{_as_text(tree)} has {named}: write the arguments of {name} in their order, without names"
            )
        case ast.Call(func=ast.Name(id=name)):
            raise ValueError(f"there is no function {name!r}; the functions are {', '.join(sorted(FUNCTIONS))}")
        case ast.BinOp(op=ast.BitXor()):
            raise ValueError(f"{_as_text(tree)} has a ^: a power is written with **")
        case _:
            raise ValueError(
                f"{_as_text(tree)} is not arithmetic: write +, -, *, /, **, functions such as tanh, and named numbers"
            )
    if not isinstance(result, Value) and not math.isfinite(result):
        raise ValueError(f"{_as_text(tree)} is {result}; a picture needs a finite number")
    return result


def _as_text(tree: ast.expr) -> str:
    return reprlib.repr(ast.unparse(tree))


CONSTANTS = {"pi": math.pi, "e": math.e}  # unless a number of that name is given
PYTHON_NAMES = {"abs": "absolute", "max": "maximum", "min": "minimum", "sum": "total"}
FUNCTIONS = OPS | {name: OPS[row] for name, row in PYTHON_NAMES.items()}
