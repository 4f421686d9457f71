"""The words of JavaScript: how it spells numbers and primitives, and the pieces of our scripts that a text uses."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from ..expression import Tree, as_sum, spelled
from ..literals import literal

# What is an operator of the language; all others are functions in primitives.js, under their own names.
OPERATORS: Mapping[str, str] = {
    "add": "({} + {})", "subtract": "({} - {})", "multiply": "({} * {})", "divide": "({} / {})", "negative": "(-{})",
    "positive": "{}", "greater": "({} > {} ? 1 : 0)", "where": "({} !== 0 ? {} : {})",
}  # fmt: skip
NAME = re.compile(r"(?<![.\w])[A-Za-z_]\w*")


@cache
def _script(name: str) -> str:
    return files("chainrule.engine").joinpath("compiler", "emit", name).read_text(encoding="utf-8")


def number(x: float) -> str:
    """A number as it may stand anywhere in an expression.

    >>> number(0.5), number(-2.0), number(float("-inf"))
    ('0.5', '(-2.0)', '(-Infinity)')
    """
    return literal(x, "Infinity", "NaN")


def data(given: Any) -> str:
    """Texts, lists and dicts as a literal that ends no script around it, whatever the texts hold.

    >>> data(["</script>", 1.5])
    '["\\\\u003c/script>",1.5]'
    """
    return json.dumps(given, ensure_ascii=True, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def primitive(name: str, arguments: list[str]) -> str:
    """A primitive of these arguments.

    >>> primitive("multiply", ["a", "b"]), primitive("tanh", ["a"]), primitive("dot", ["a", "b", "c", "d"])
    ('(a * b)', 'tanh(a)', '(a * c + b * d)')
    """
    if name in OPERATORS:
        return OPERATORS[name].format(*arguments)
    if name in ("total", "dot"):
        return as_sum(name, arguments)
    if name == "logsumexp":
        return f"logsumexp([{', '.join(arguments)}])"
    if name == "pick":
        return f"picked_one([{', '.join(arguments[:-1])}], {arguments[-1]})"
    return f"{name}({', '.join(arguments)})"


def bare(text: str) -> str:
    """An expression without the parentheses around the whole of it.

    >>> bare("((a + b) * c)"), bare("(a + b) * (c)")
    ('(a + b) * c', '(a + b) * (c)')
    """
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return text[1:-1] if place == len(text) - 1 and text[0] == "(" else text
    return text


def applied(tree: Tree, arguments: Sequence[str]) -> str:
    """A row of the table, as a tree of primitives, of these arguments."""
    return spelled(tree, arguments, primitive, number)


def _names(text: str) -> list[str]:
    return NAME.findall(re.sub(r"//.*", "", text))


@cache
def pieces(name: str) -> dict[str, tuple[frozenset[str], str]]:
    """The pieces of one of our script files: under each name that a piece defines, the names in it, and its text."""
    found = {}
    for text in re.split(r"\n{2,}", _script(name).strip()):
        defined = re.findall(r"^(?:const|function) (\w+)", text, re.MULTILINE)
        found.update(dict.fromkeys(defined, (frozenset(_names(text)), text)))
    return found


def needed_pieces(text: str, *scripts: str) -> list[str]:
    """The pieces of these files that a text needs, and those that they need, in the order of the files."""
    known = {name: piece for script in scripts for name, piece in pieces(script).items()}
    wanted, todo = set[str](), _names(text)
    while todo:
        name = todo.pop()
        if name in known and name not in wanted:
            wanted.add(name)
            todo += known[name][0]
    return list(dict.fromkeys(text for name, (_, text) in known.items() if name in wanted))


def as_object(name: str, script: str = "primitives.js") -> str:
    """A script file as one constant, an object of all that the file defines."""
    return f"const {name} = (() => {{\n{_script(script)}\nreturn {{ {', '.join(pieces(script))} }};\n}})();\n"
