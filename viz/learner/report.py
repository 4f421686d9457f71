"""What `chainrule check` has found: as text, as JSON for graders, and as a page with the graph that shows the bug."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from chainrule.engine import Value

from ..common.colours import DARK, LIGHT
from ..common.page import POLICY, asset
from ..common.picture import Drawing
from ..common.saving import write_text
from ..common.text import markup
from ..graph.drawing import draw
from .bugs import EACH_STARTS, ROOM, named
from .ladder import CHECKS, RUNGS, Check
from .running import run_class, run_file
from .worker import run_check

__all__ = ["CheckReport", "Found", "check_class", "check_file", "page"]

MARKS = (("wrong", "wrong"), ("missing", "not yet"), ("right", "right"))
CORE = 4  # up to this rung, one bug makes nearly everything after it go wrong
EXACT = 1e-9
SIMPLE = ("two ways to a leaf", "two sums of a leaf", "a + a", "a * a")  # which any order of the walk gets right
POWER = {"slope of a power", "upstream gradient left out of a power"}
FOLLOWS = {  # of bugs that may be named because of another one
    "leaf overwritten": {"kept between calls"},
    "minus is plus backwards": {"plain numbers are left out", "swapped gradients"},
    "sum does not start": {"missing __radd__", "plain numbers are no arguments", "nothing comes through"},
    "slope of division": {*POWER, "inexact"},
    "log of a small number": {"inexact", "slope of log", "another logarithm"},
    "power of a negative exponent": {*POWER, "inexact"},
    "power of a negative number": {*POWER, "inexact"},
}
ENDS = "it ends in an error"
DATA = "the result itself is not right, before any gradient"
GRADIENTS = "the result is right, and the gradients are not"
NOT_KEPT = "NoneType None"  # of an inner value: as in PyTorch, leaves alone keep their gradients
SINGLE = "the numbers are right to about seven digits: are they kept in single precision?"
REFLECTED = {"1 + a": "a + 1", "3 * a": "a * 3", "1 - a": "a - 1", "3 / a": "a / 4"}  # which wait for the other
SECONDS = 5.0


@dataclass(frozen=True)
class Found:
    """One finding: the name of the bug ("" if it is none that is known), a sentence, and the check that shows it."""

    bug: str
    says: str
    check: Check
    numbers: str  # "a.grad is 1.0, and 2.0 is right"
    line: int | None = None
    varies: bool = False  # with the order of a set, which is by chance

    @property
    def program(self) -> str:
        """What a learner can type to see it."""
        if self.check.shown:
            return self.check.shown
        made = ", ".join(f"Value({number})" for number in self.check.leaves.values())
        start = f"{', '.join(self.check.leaves)} = {made}"
        return "\n".join([start, *self.check.code.splitlines(), *(["y.backward()"] if self.check.back else [])])

    @property
    def result(self) -> str:
        """What comes of it."""
        chance = " (in some runs: it varies with the order of a set, which is by chance)" if self.varies else ""
        return ("there is no error, and the result is not 6.0" if self.check.shown else self.numbers) + chance

    def to_dict(self) -> dict[str, Any]:
        """For graders."""
        return {"bug": self.bug, "message": self.says, "check": self.check.name, "program": self.program,
                "numbers": self.result, "varies": self.varies, "line": self.line}  # fmt: skip

    def __str__(self) -> str:
        code = "\n".join(f"        {line}" for line in self.program.splitlines() if line)
        where = f" (line {self.line})" if self.line else ""
        return f"  {self.bug or self.check.name}: {self.says}{where}\n{code}\n        -> {self.result}"


@dataclass(frozen=True, repr=False)
class CheckReport:
    """A learner's engine, rung by rung. `str()` is the text; `bugs` names what is wrong, `notes` what is worth knowing.

    `ok` is True if nothing is wrong and nothing is missing; notes do not count, nor do functions that are not there.
    """

    name: str
    states: tuple[str, ...]  # for each check: "right", "wrong", "missing" (not there yet) or "left out"
    found: tuple[Found, ...] = ()
    notes: tuple[Found, ...] = ()
    unread: str = ""  # why the file could not be read

    @property
    def bugs(self) -> list[str]:
        """The names of the bugs, the one to look at first first."""
        return [each.bug for each in self.found if each.bug]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong and nothing is missing."""
        basics = [state for check, state in zip(CHECKS, self.states) if not check.note]
        return not self.unread and not self.found and not {"wrong", "missing"} & set(basics)

    @property
    def points(self) -> tuple[int, int]:
        """How many checks are right, and how many count."""
        counted = [state for check, state in zip(CHECKS, self.states) if not check.note and state != "left out"]
        return counted.count("right"), len(counted)

    def __str__(self) -> str:
        if self.unread:
            return f"{self.name}: {self.unread}"
        lines = [f"{self.name}: {self.points[0]} of {self.points[1]} checks are right"]
        for rung, title in enumerate(RUNGS):
            lines.append(f"  {self._mark(rung):>13}  {rung + 1:>2} {title}")
        for heading, found in (("What is wrong:", self.found), ("Worth knowing:", self.notes)):
            if found:
                lines += ["", heading, *map(str, found)]
        if len(self.found) and any(each.check.rung <= CORE for each in self.found):
            lines += ["", "What fails after this may follow from it; mend it, and check again."]
        if not self.found and self.missing:
            lines += ["", f"Nothing is wrong; not yet: {'; '.join(self.missing)}."]
        return "\n".join(lines)

    __repr__ = __str__

    def _states(self, rung: int) -> list[str]:
        return [state for check, state in zip(CHECKS, self.states) if check.rung == rung]

    @property
    def verdict(self) -> str:
        """The first finding in a line."""
        if self.unread:
            return self.unread
        if self.found:
            first = self.found[0]
            error = f": {first.result}" if not first.bug and first.says == ENDS else ""
            chance = " (varies from run to run)" if first.varies else ""
            return f"{first.bug or first.check.name}: {first.says}{error}{chance}"
        return f"nothing is wrong; not yet: {'; '.join(self.missing)}" if self.missing else "right"

    def _mark(self, rung: int) -> str:
        states = self._states(rung)
        if all(check.note for check in CHECKS if check.rung == rung) and "wrong" in states:
            return "worth knowing" if self.notes else "not yet"  # it has no points
        return next((mark for state, mark in MARKS if state in states), "left out")

    @property
    def missing(self) -> list[str]:
        """The programs that count and that the class does not know yet."""
        return [check.name for check, state in zip(CHECKS, self.states) if state == "missing" and not check.note]

    def to_dict(self) -> dict[str, Any]:
        """For graders: plain dicts, lists, texts and numbers."""
        checks = [{"name": check.name, "rung": RUNGS[check.rung], "state": state, "points": int(state == "right")}
                  for check, state in zip(CHECKS, self.states) if not check.note]  # fmt: skip
        return {
            "name": self.name, "ok": self.ok, "points": self.points[0], "of": self.points[1], "error": self.unread,
            "found": [each.to_dict() for each in self.found], "missing": self.missing,
            "notes": [each.to_dict() for each in self.notes], "checks": checks,
        }  # fmt: skip

    @property
    def json(self) -> str:
        """`to_dict()` as text."""
        return json.dumps(self.to_dict(), indent=2)

    @property
    def html(self) -> str:
        """A page that fetches nothing: the rungs, and for each finding the graph that shows it."""
        return page(self.name, self.body)

    @property
    def body(self) -> str:
        """What stands on that page."""
        body = f"<h1>{markup(self.name)}</h1>"
        if self.unread:
            return body + f"<p class=wrong>{markup(self.unread)}</p>"
        rungs = "".join(
            f'<li class="{self._mark(rung).replace(" ", "-")}">{markup(title)} <b>{self._mark(rung)}</b></li>'
            for rung, title in enumerate(RUNGS)
        )
        found = "".join(
            f"<h2>{heading}</h2>" + "".join(map(_section, each))
            for heading, each in (("What is wrong", self.found), ("Worth knowing", self.notes)) if each
        )  # fmt: skip
        body += f"<p>{self.points[0]} of {self.points[1]} checks are right.</p>"
        return body + f"<main><ol class=rungs>{rungs}</ol><div>{found}</div></main>"

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page (.html), the JSON (.json) or the text (.txt)."""
        return write_text(Path(path), {".html": self.html, ".json": self.json, ".txt": str(self) + "\n"})

    def _repr_html_(self) -> str:
        # Where a viewer of notebooks removes the frame, the first graph is left, and str() is the text beside it.
        pictures = (picture.image() for each in (*self.found, *self.notes) if (picture := _graph(each.check)))
        return (
            f'<iframe srcdoc="{markup(self.html)}" title="{markup(self.name)}" '
            f'style="width:100%;height:640px;border:0">{next(pictures, "")}</iframe>'
        )


def page(title: str, body: str) -> str:
    """The page around what was found, light or dark."""
    colours = "".join(
        f"{start}:root{{color-scheme:{scheme};--paper:{theme.paper};--ink:{theme.ink};--line:{theme.box_line};"
        f"--below:{theme.below_ink};--above:{theme.above_ink};--soft:{theme.soft_ink}}}{end}\n"
        for start, scheme, theme, end in (("", "light", LIGHT, ""),
                                          ("@media (prefers-color-scheme:dark){", "dark", DARK, "}"))
    )  # fmt: skip
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
            f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{markup(title)}</title>'
            f"<style>\n{colours}{asset('learner', 'report.css')}</style></head>"
            f"<body>{body}</body></html>\n")  # fmt: skip


def check_class(V: Any, name: str = "") -> CheckReport:
    """Check a class in this process: for tests, and for notebooks."""
    return _report(name or getattr(V, "__name__", repr(V)), run_class(V))


def check_file(path: str | os.PathLike[str], name: str = "Value", seconds: float = SECONDS) -> CheckReport:
    """Check the class of that name in a file, which runs in a process of its own; one check may take so many seconds.

    Errors: FileNotFoundError.
    """
    file = os.fspath(path)
    if not Path(file).is_file():
        raise FileNotFoundError(f"there is no file {file!r}")
    results = run_file(file, name, seconds)
    title = f"{Path(file).name}:{name}"
    if isinstance(results, dict):
        where = f"line {results['line']}, " if results["line"] else ""
        return CheckReport(title, (), unread=f"the file cannot be read: {where}{results['error']}")
    return _report(title, results)


def _report(name: str, results: list[dict[str, Any]]) -> CheckReport:
    states: list[str] = []
    failures: list[Found] = []
    before: dict[str, str] = {}
    precise: list[Found] = []
    for check, several in zip(CHECKS, results):
        result, wrong, varies = _worst(check, several)
        if "skipped" in result:
            states.append("missing" if "counts" in result else "left out")
        elif not wrong:
            states.append("right")
            if rough := _differences(check, result, EXACT):
                precise.append(Found("single precision", SINGLE, check, rough))
        else:
            waits = before.get(REFLECTED.get(check.name, ""), "right") != "right" and "error" in result
            found = None if waits else _found(check, result, wrong, varies)
            states.append("wrong" if found else "missing")
            failures += [found] if found else []
        before[check.name] = states[-1]
    core = [each for each in failures if each.check.rung <= CORE]
    kept = _one_of_each(core or [each for each in failures if not each.check.note])
    if core:
        kept = [_first(core)]
    else:  # what has no name often follows from what has one, unless it comes before
        known = next((each.check.rung for each in kept if each.bug), len(RUNGS))
        kept = [each for each in kept if each.bug or each.check.rung < known]
    notes = [] if core else _one_of_each([*precise, *(each for each in failures if each.check.note and each.bug)])
    return CheckReport(name, tuple(states), tuple(kept), tuple(notes))


def _first(core: list[Found]) -> Found:
    """The one to look at first: the earliest program that fails, or a bug that is known by another of the same rung."""
    first = core[0]
    if {("times passes one", "back through *"), ("argument counted once", "a + a")} <= {
        (each.bug, each.check.name) for each in core
    }:
        return replace(first, bug=EACH_STARTS[0], says=EACH_STARTS[1])
    later = (each for each in core if each.bug and each.check.rung == first.check.rung)
    return next((each for each in later if each.bug != "wrong order" or first.check.name not in SIMPLE), first)


def _worst(check: Check, result: dict[str, Any]) -> tuple[dict[str, Any], str, bool]:
    """Of the results with several orders of a set, one that is wrong, if any is; and whether they vary."""
    several = [(each, _differences(check, each)) for each in (result, *result.get("others", ()))]
    wrong = [each for each in several if each[1]]
    known = [each for each in wrong if named(check, each[0], truth(check.name))]
    return *(known or wrong or several)[0], 0 < len(wrong) < len(several)


def _one_of_each(failures: Iterable[Found]) -> list[Found]:
    kept: dict[str, Found] = {}
    for each in failures:
        if kept.keys().isdisjoint(FOLLOWS.get(each.bug, ())):
            kept.setdefault(each.bug or each.check.name, each)
    return list(kept.values())


def _found(check: Check, result: dict[str, Any], wrong: str, varies: bool) -> Found | None:
    """The finding; None for what is not there yet."""
    bug, line = named(check, result, truth(check.name)), result.get("line")
    if result.get("kind") == "Hang":
        says = "it does not come to an end: does a loop of it wait for something that never comes?"
        return Found("hang", says, check, wrong, line)
    if result.get("kind") == "Crash":
        return Found("crash", "it ends the whole process", check, wrong, line)
    if bug is not None:
        return Found(bug.name, bug.says, check, wrong, line, varies)
    refused = result.get("kind") in ("TypeError", "AttributeError", "NotImplementedError")
    if refused and result["stage"] == "forward" and check.rung > 1:
        return None
    says = ENDS if "error" in result else DATA if "y.data is" in wrong else GRADIENTS
    return Found("", says, check, wrong, line, varies)


def _differences(check: Check, result: dict[str, Any], room: float = ROOM) -> str:
    """What differs from the truth, in words; "" if nothing does."""
    if "error" in result:
        return str(result["error"])
    said = []
    for name, right in truth(check.name).items():
        seen = result.get("seen", {}).get(name)
        right_too = check.also.get(name, ())
        fits = isinstance(seen, (int, float)) and any(
            math.isclose(seen, one, rel_tol=room, abs_tol=room) for one in (right, *right_too))  # fmt: skip
        whose, _, what = name.partition(".")
        if not fits and not (seen == NOT_KEPT and what == "grad" and whose not in check.leaves):
            said.append(f"{name} is {seen}, and {right:.{6 if room == ROOM else 12}g} is right")
    return "; ".join(said)


@lru_cache(None)
def truth(name: str) -> dict[str, float]:
    """What chainrule's own engine gives for that check."""
    [check] = [each for each in CHECKS if each.name == name]
    result = run_check(check, _Accepting)
    return dict(result["seen"])


class _Accepting(Value):
    """A Value, also of a word: what that gives is no question of the numbers."""


def _section(found: Found) -> str:
    text, picture = str(found).split("\n", 1), _graph(found.check)
    return (f"<section><h3>{markup(found.bug or found.check.name)}</h3><p>{markup(found.says)}</p>"
            f"<pre>{markup(_dedented(text[1]))}</pre>{_drawn(picture)}</section>")  # fmt: skip


def _drawn(picture: Drawing | None) -> str:
    return f"<figure><figcaption>The right gradients:</figcaption>{picture.in_text}</figure>" if picture else ""


def _dedented(text: str) -> str:
    return "\n".join(line[8:] for line in text.splitlines())


def _graph(check: Check) -> Drawing | None:
    """The graph of a check, drawn with the gradients that are right; None for what is too large to be looked at."""
    names: dict[str, Any] = {"V": Value}
    for name, number in check.leaves.items():
        names[name] = Value(number, label=name)
    if check.note or "for " in check.code:
        return None
    exec(check.code, names)
    for name in ("h", "k", "m", "y"):
        if isinstance(names.get(name), Value) and names[name] not in [names[leaf] for leaf in check.leaves]:
            names[name].label = name
    for name in check.leaves:
        names[name].grad = 0.0
    names["y"].backward()
    return draw(names["y"])
