"""What stands in the file of a page: tapes, rows in words, and all of it compressed."""

from __future__ import annotations

import base64
import gzip
import json
import math
from collections.abc import Sequence
from typing import Any

from chainrule.engine import Op, Value
from chainrule.engine.compiler.emit.tape import Tape

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


def plain_tapes(tapes: Sequence[Tape]) -> dict[str, Any]:
    """The tapes for the page, with the rows that they use. Of the further ones stands what the first one has not."""
    rows = {row.op: row for tape in tapes for row in tape.rows}
    number = {op: i for i, op in enumerate(rows)}
    lists = [_lists(tape, number) for tape in tapes]
    first = tapes[0]
    return {
        "inputs": first.inputs,
        "parameters": first.parameters,
        "rowTable": [[row.name, row.expression, row_in_words(row.op)] for row in rows.values()],
        "tapes": [
            {key: own if lists[0] is one else _less(own, lists[0][key]) for key, own in one.items()}
            | {"numbers": [told(x) for x in tape.numbers], "names": _names(tape)}
            for one, tape in zip(lists, tapes)
        ],
    }


def _lists(tape: Tape, number: dict[Op, int]) -> dict[str, list[int]]:
    """The long lists of a tape. What follows from others is left out: the page finds it again."""
    return {
        "operations": [number[tape.rows[row].op] for row in tape.operations],
        "counts": [end - start if tape.rows[row].op.variadic else 0
                   for row, start, end in zip(tape.operations, tape.starts, tape.starts[1:])],
        "arguments": _back(tape),
        "results": _changes(tape.results),
        **{name: _changes([getattr(step, name) for step in tape.steps])
           for name in ("giver", "argument", "local", "passed", "after")},
    }  # fmt: skip


def _less(own: list[int], first: list[int]) -> list[Any]:
    """[how many at the beginning, how many at the end are those of the first list, what stands between]."""
    most = min(len(own), len(first))
    start = next((i for i in range(most) if own[i] != first[i]), most)
    end = next((i for i in range(most - start) if own[-1 - i] != first[-1 - i]), most - start)
    return [start, end, own[start : len(own) - end]]


def _names(tape: Tape) -> dict[int, str]:
    """The labels that the user gave, by place."""
    own = {name for row in tape.rows for name in (row.op.micrograd, row.op.name)}
    found = {}
    for place, labels in tape.labels.items():
        given = [clean(label) for label in labels if label not in own]
        if given and place >= _leaves(tape):
            found[place] = given[0]
    return found


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
        return {"symbol": op.symbol, "what": op.what, "all": True, "slopes": [], "why": [op.why]}
    names = [Formula(mark, 0.7 + i / 7, CLOSED) for i, mark in enumerate(MARKS[: op.arity])]
    rules = op.slopes or op.quick or op.partials
    return {
        "symbol": op.symbol,
        "what": op.what,
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
