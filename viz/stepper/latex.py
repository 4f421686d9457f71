"""Formulas and names as LaTeX, for slides and notebooks; names that users gave are made harmless here."""

from __future__ import annotations

import re

from ..common.text import clean

_CELL = re.compile("\ue000(\\d+)\ue001")
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)(?:e(−?\d+))?")
_WORD = re.compile(r"[a-z_][a-z_0-9]*")
_SIMPLE = re.compile(r"([A-Za-z])(\d*)(?:_(\d+(?:,\d+)*))?")
_FUNCTIONS = {"exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "max", "min"}  # LaTeX has a sign for each
_SIGNS = {"×": r"\cdot ", "÷": "/", "−": "-", "π": r"\pi ", "√": r"\sqrt", "∞": r"\infty ", "…": r"\dots "}
_ESCAPED = {
    "\\": r"\backslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "%": r"\%", "&": r"\&", "#": r"\#", "_": r"\_",
    "^": r"\hat{}", "~": r"\sim{}", "<": "{<}", ">": "{>}", "`": "'",
}  # fmt: skip


def name_as_latex(name: str) -> str:
    r"""A name: one letter with numbers gets an index, anything else is text.

    >>> name_as_latex("w1_11"), name_as_latex("x2"), name_as_latex("50 % <b>")
    ('w_{1,11}', 'x_{2}', '\\mathrm{50\\;\\%\\;{<}b{>}}')
    """
    simple = _SIMPLE.fullmatch(name)
    if simple:
        letter, *indices = simple.groups()
        index = ",".join([part for part in indices if part])
        return f"{letter}_{{{index}}}" if index else letter
    return r"\mathrm{" + "".join([_ESCAPED.get(sign, sign) for sign in clean(name)]).replace(" ", r"\;") + "}"


def number_as_latex(text: str) -> str:
    r"""A number that `short` wrote.

    >>> number_as_latex("−1.5e−7"), number_as_latex("inf")
    ('-1.5\\times 10^{-7}', '\\infty')
    """
    if text.strip("−") in ("inf", "nan"):
        return text.replace("−", "-").replace("inf", r"\infty").replace("nan", r"\mathrm{nan}")
    return _NUMBER.sub(_written, text).replace("−", "-")


def _written(found: re.Match[str]) -> str:
    digits, power = found[1].removesuffix(".0"), found[2]
    return digits if power is None else rf"{digits}\times 10^{{{power.replace('−', '-')}}}"


def formula_as_latex(formula: str, names: list[str]) -> str:
    r"""A formula whose names are cells (see `cell`), with the names in their places.

    >>> formula_as_latex(f"{cell(1)} × {cell(0)}^({cell(1)} − 1)", ["a", "b"])
    'b\\cdot a^{b - 1}'
    """
    found, place = [], 0
    while place < len(formula):
        written, place = _next(formula, place, names)
        found.append(written)
    return re.sub(r" *(\\cdot) +", r"\1 ", "".join(found)).strip()


def cell(index: int) -> str:
    """What stands in a formula for the name of that number; no name that a user gives can look like it."""
    return f"\ue000{index}\ue001"


def _next(formula: str, place: int, names: list[str]) -> tuple[str, int]:
    """The next piece of a formula as LaTeX, and where it ends."""
    sign = formula[place]
    for pattern in (_CELL, _NUMBER, _WORD):
        found = pattern.match(formula, place)
        if not found:
            continue
        if pattern is _CELL:
            return name_as_latex(names[int(found[1])]), found.end()
        if pattern is _NUMBER:
            return _written(found), found.end()
        if found[0] in ("inf", "nan"):
            return number_as_latex(found[0]), found.end()
        word = found[0].replace("_", r"\_")
        return (f"\\{word} " if word in _FUNCTIONS else rf"\operatorname{{{word}}}"), found.end()
    if sign in "^√" and place + 1 < len(formula):
        inside, end = _operand(formula, place + 1, names)
        return ("^" if sign == "^" else r"\sqrt") + f"{{{inside}}}", end
    return _SIGNS.get(sign, _ESCAPED.get(sign, sign)), place + 1


def _operand(formula: str, place: int, names: list[str]) -> tuple[str, int]:
    """What stands after ^ or √: a piece, or what is in the brackets."""
    if formula[place] == "−":
        inside, end = _operand(formula, place + 1, names)
        return f"-{inside}", end
    if formula[place] != "(":
        return _next(formula, place, names)
    depth, end = 0, place
    while end < len(formula):
        depth += (formula[end] == "(") - (formula[end] == ")")
        end += 1
        if not depth:
            break
    return formula_as_latex(formula[place + 1 : end - 1], names), end
