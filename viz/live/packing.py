"""What stands in the file of a page: tapes, rows in words, and all of it compressed."""

from __future__ import annotations

import base64
import gzip
import json
import math
from collections.abc import Sequence
from typing import Any

from chainrule.engine import Op, Value
from chainrule.engine.compiler.emit.tape import Step, Tape

from ..common.formulas import CLOSED, Formula
from ..common.text import clean

MARKS = "\ue000\ue001\ue002\ue003"  # stand for the arguments of a row in its formulas; no name has them
OUT = "\ue00f"


def json_text(data: dict[str, Any]) -> str:
    """The data as JSON, exact, because JSON has all digits of a double."""
    return json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def packed(text: str) -> str:
    """A text, compressed, in characters that a page may hold."""
    return base64.urlsafe_b64encode(gzip.compress(text.encode("utf-8"), 9, mtime=0)).decode("ascii")


def told(number: float) -> float | str:
    """A number for JSON, which has no nan and no inf: these go as text."""
    return number if math.isfinite(number) else {"inf": "Infinity", "-inf": "-Infinity"}.get(str(number), "NaN")


def plain_tape(tape: Tape) -> dict[str, Any]:
    """The tape for the page; `names` are the labels that the user gave, by place."""
    names = {}
    for place, labels in tape.labels.items():
        own = {row for op in tape.rows for row in (op.op.micrograd, op.op.name)} if place >= _leaves(tape) else set()
        given = [clean(label) for label in labels if label not in own]
        if given and place >= _leaves(tape):
            names[place] = given[0]
    return {
        "inputs": tape.inputs,
        "parameters": tape.parameters,
        "rows": [[row.name, row.expression, row_in_words(row.op)] for row in tape.rows],
        "operations": tape.operations,
        "starts": _changes(tape.starts),
        "arguments": _back(tape),
        "numbers": [told(number) for number in tape.numbers],
        "results": _changes(tape.results),
        "steps": [_changes([step[i] for step in tape.steps]) for i in range(len(Step._fields))],
        "names": names,
    }


def _changes(numbers: Sequence[int]) -> list[int]:
    """Each number less the one before it: they repeat, so that they can be compressed."""
    return [number - before for before, number in zip([0, *numbers], numbers)]


def _back(tape: Tape) -> list[int]:
    """The arguments, counted back from the operation; what is no place stays below 0."""
    found = []
    for i in range(len(tape.operations)):
        place = _leaves(tape) + i
        found += [place - a if a >= 0 else a for a in tape.arguments[tape.starts[i] : tape.starts[i + 1]]]
    return found


def _leaves(tape: Tape) -> int:
    return tape.inputs + tape.parameters


def row_in_words(op: Op) -> dict[str, Any]:
    """How the page writes a row: its symbol, and for each argument the formula of the local derivative, and why."""
    if op.variadic:
        return {"symbol": op.symbol, "badge": op.badge or op.name, "all": True, "slopes": [], "why": [op.why]}
    names = [Formula(mark, 0.7 + i / 7, CLOSED) for i, mark in enumerate(MARKS[: op.arity])]
    rules = op.slopes or op.quick or op.partials
    return {
        "symbol": op.symbol,
        "badge": op.badge or op.name,
        "slopes": [_formula(rule, names) for rule in rules],  # type: ignore[union-attr]
        "why": [op.why_through(i) for i in range(op.arity)],
    }


def _formula(rule: Any, names: Sequence[Formula]) -> str:
    """The rule, written with marks for the output and the arguments; '' where it does not run on names."""
    try:
        written = rule(Formula(OUT, 0.6, CLOSED), *names)
    except (ArithmeticError, TypeError, ValueError, LookupError):
        return ""
    return written.text if isinstance(written, Formula) else ""


def named(values: Sequence[Value]) -> list[str]:
    """The parameters' labels; p1, p2, … for those without one; no two alike."""
    names, taken = list[str](), set[str]()
    for k, value in enumerate(values):
        name = clean(value.label) if value.label else f"p{k + 1}"
        while name in taken:
            name += "′"
        taken.add(name)
        names.append(name)
    return names
