"""How C spells the primitives of the rows, and which functions of the prelude a text needs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from .. import expression
from ..expression import ALSO, NoExpression, Tree, as_sum
from ..literals import literal

HERE = Path(__file__).parent

WORDS: Mapping[str, str] = {
    "add": "({} + {})", "subtract": "({} - {})", "multiply": "({} * {})", "divide": "({} / {})", "negative": "(-{})",
    "positive": "{}", "greater": "({} > {} ? 1.0 : 0.0)", "where": "({} != 0.0 ? {} : {})",
    "maximum": "cr_maximum({}, {})", "minimum": "cr_minimum({}, {})", "absolute": "fabs({})",
    "sign": "cr_sign({})", "square": "cr_square({})",
    "power": "pow({}, {})", "exp": "cr_exp({})", "expm1": "cr_expm1({})", "exp2": "exp2({})", "log": "cr_log({})",
    "log1p": "cr_log1p({})", "log2": "log2({})", "log10": "log10({})", "logaddexp": "cr_logaddexp({}, {})",
    "sqrt": "sqrt({})", "cbrt": "cbrt({})", "tanh": "cr_tanh({})", "sin": "sin({})", "cos": "cos({})", "tan": "tan({})",
    "arcsin": "asin({})", "arccos": "acos({})", "arctan": "atan({})", "arctan2": "atan2({}, {})", "sinh": "sinh({})",
    "cosh": "cosh({})", "arcsinh": "asinh({})", "arccosh": "acosh({})", "arctanh": "atanh({})",
    "hypot": "hypot({}, {})", "floor": "floor({})", "ceil": "ceil({})", "trunc": "trunc({})", "rint": "rint({})",
    "erf": "erf({})", "erfc": "erfc({})", "deg2rad": "cr_deg2rad({})", "rad2deg": "cr_rad2deg({})", "mod":
    "cr_mod({}, {})",
    "floor_divide": "cr_floor_divide({}, {})",
}  # fmt: skip
# pow is slow, and does not run in vectors. An inverse is taken first: a large square would be inf, and its inverse 0.
POWERS: Mapping[float | None, str] = {
    2.0: "cr_square({})", 3.0: "cr_cube({})", -1.0: "(1.0 / {})", -2.0: "cr_square(1.0 / {})", 0.5: "cr_root({})",
    -0.5: "cr_inverse_root({})", 1.5: "cr_power_1_5({})", -1.5: "cr_power_minus_1_5({})", 1.0: "{}",
}  # fmt: skip


def number(x: float) -> str:
    """A number as a literal of C's, which may stand anywhere in an expression.

    >>> number(0.5), number(-2.0), number(float("-inf"))
    ('0.5', '(-2.0)', '(-INFINITY)')
    """
    return literal(x, "INFINITY", "NAN")


def spelled(tree: Tree, arguments: Sequence[str]) -> str:
    """The tree as an expression in C; `arguments` are the texts of "a0", "a1", …

    Errors: NoExpression for a primitive that C has no word for.

    >>> spelled(("maximum", "a0", 0.0), ["x"])
    'cr_maximum(x, 0.0)'
    >>> spelled(("dot", "*"), ["a", "b", "c", "d"])
    '(a * c + b * d)'
    """
    return expression.spelled(tree, arguments, primitive, number)


def primitive(name: str, texts: Sequence[str]) -> str:
    """A primitive of these arguments; what may lack a choice needs a variable `wrong` around it."""
    name, count = ALSO.get(name, name), len(texts)
    if name == "power" and (exponent := _literal(texts[1])) in POWERS:
        return POWERS[exponent].format(texts[0])
    if name in ("total", "dot"):
        return as_sum(name, texts)
    if name == "logsumexp":
        return f"cr_logsumexp({count}, (const double[]){{{', '.join(texts)}}})"
    if name == "pick":
        return f"cr_pick({count - 1}, (const double[]){{{', '.join(texts[:-1])}}}, {texts[-1]}, &wrong)"
    if name not in WORDS or WORDS[name].count("{}") != count:
        raise NoExpression(f"C has no word for {name} of {count} argument{'s' * (count != 1)}")
    return WORDS[name].format(*texts)


def _literal(text: str) -> float | None:
    try:
        return float(text.strip("()"))
    except ValueError:
        return None


@cache
def _pieces(file: str) -> list[tuple[frozenset[str], frozenset[str], str]]:
    """The pieces of a file between empty lines: the names that each defines, those that it uses, and its text."""
    found = []
    for piece in (HERE / file).read_text(encoding="utf-8").strip().split("\n\n"):
        defined = re.findall(r"^(?:static|CR_KERNEL)[^;{=]*?\b(cr_\w+)\(|\} (cr_word);", piece, re.MULTILINE)
        found.append((frozenset(a or b for a, b in defined), frozenset(re.findall(r"\bcr_\w+", piece)), piece))
    return found


def prelude(text: str, *files: str) -> str:
    """The functions of these files that the text needs, and those that they need, in order.

    Where two files have a function of the same name, that of the first file counts.
    """
    pieces: list[tuple[frozenset[str], frozenset[str], str]] = []
    known = set[str]()
    for file in files or ("prelude.c",):
        pieces += [piece for piece in _pieces(file) if piece[0] and known.isdisjoint(piece[0])]
        known = {name for defines, _, _ in pieces for name in defines}
    wanted, kept = set(re.findall(r"\bcr_\w+", text)), list[str]()
    while True:  # a function may stand before one that it needs, where it comes from another file
        more = [
            (uses, piece) for defines, uses, piece in pieces if piece not in kept and not wanted.isdisjoint(defines)
        ]
        if not more:
            break
        for uses, piece in more:
            wanted |= uses
            kept.append(piece)
    return "\n\n".join(piece for _, _, piece in pieces if piece in kept)


def whole(file: str) -> str:
    """The whole text of a file of this folder."""
    return (HERE / file).read_text(encoding="utf-8")
