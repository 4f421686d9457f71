"""Runs the checks on a learner's class. As a program, it reads a file in a process of its own.

`python worker.py FILE NAME FIRST` writes a line of JSON for each check from number FIRST on, and one before it begins.
"""

from __future__ import annotations

import importlib.util
import os
import random
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from json import dumps  # by name: the learner's file may put something else into json or math
from math import isclose, isfinite
from typing import Any

__all__ = ["run_check", "run_often"]

Result = dict[str, Any]  # "seen": {"a.grad": number}, or "error", "kind" and "line" of the learner's file; "began"
ORDERS = 8
NO_VALUE = "NoValue"  # the kind of a result that is None, or a plain number
MAIN = "put what it does under: if __name__ == '__main__':"


def run_often(check: Any, V: Any, file: str = "") -> Result:
    """`run_check` with several orders of a set of Values, the same ones each time; "others" has what differs."""
    if getattr(V, "__hash__", None) is not object.__hash__:
        return run_check(check, V, file)
    results: list[Result] = []
    for order in range(1 if "for " in check.code else ORDERS):
        with _ordered(V, order):
            result = run_check(check, V, file)
        if result not in results:
            results.append(result)
    with _ordered(V, 0):
        drifts = "for " not in check.code and _drifts(results[0], run_check(check, V, file))
    return {**results[0], "others": results[1:], "drifts": drifts}


def _drifts(result: Result, again: Result) -> bool:
    """Whether the same program gave other numbers when it ran again: something is kept from one run to the next."""
    seen, anew = result.get("seen", {}), again.get("seen", {})
    return any(differs(seen.get(name), number) for name, number in anew.items())


@contextmanager
def _ordered(V: Any, order: int) -> Iterator[None]:
    """A set of objects is ordered by their addresses, which is by chance: here, by numbers that are drawn."""
    draw, known = random.Random(order), {}

    def drawn(self: Any) -> int:
        if id(self) not in known:
            known[id(self)] = (self, draw.getrandbits(60))  # self is kept, so that no other gets its id
        return int(known[id(self)][1])

    own = vars(V).get("__hash__")
    V.__hash__ = drawn
    try:
        yield
    finally:
        if own is None:
            del V.__hash__
        else:
            V.__hash__ = own


def run_check(check: Any, V: Any, file: str = "") -> Result:
    """What one check gives with the class V: the numbers that it leaves, or the error that ended it."""
    names: dict[str, Any] = {"V": V}
    stage, changed = "forward", False
    try:
        leaves = [V(number) for number in check.leaves.values()]
        if check.needs and not hasattr(leaves[0], check.needs):  # V may be a function that makes them
            return {"skipped": f"there is no {check.needs}()"}
        before = [_number(leaf.data) for leaf in leaves]
        names.update(zip(check.leaves, leaves))
        exec(check.code, names)
        changed = any(differs(_number(leaf.data), number) for leaf, number in zip(leaves, before))
        if not hasattr(names["y"], "data"):
            return {"error": f"y is {names['y']!r:.60}", "kind": NO_VALUE, "stage": stage, "line": None}
        began = {}
        if check.back:
            began = {
                f"{name}.began": _gradient(names[name], V) for name in check.leaves if hasattr(names[name], "grad")
            }
            stage = "backward"
            walk = names["y"].backward
            if not callable(walk):
                raise TypeError(f"y.backward is {walk!r:.60}, and no method: it cannot be called")
            walk()
        stage = "reading"
        return {"seen": dict(_seen(check, names)), "changed": changed, "began": began}
    except Exception as error:
        return _failure(error, file, stage)


def _seen(check: Any, names: dict[str, Any]) -> Any:
    for name in check.watch or (*check.leaves, "y"):
        whose, _, what = name.partition(".")
        for attribute in (what,) if what else ("data", "grad") if check.back else ("data",):
            value = names[whose]
            is_gradient = attribute == "grad"
            yield (
                f"{whose}.{attribute}",
                _gradient(value, names["V"]) if is_gradient else _number(getattr(value, attribute)),
            )


def _gradient(value: Any, V: Any) -> Any:
    """The number that its gradient is; a gradient that is a Value itself can be differentiated again."""
    grad = value.grad
    return _number(grad.data if isinstance(V, type) and isinstance(grad, V) and hasattr(grad, "data") else grad)


def differs(seen: Any, number: Any) -> bool:
    """Whether this is another number, by more than single precision would make it one."""
    both = isinstance(seen, float) and isinstance(number, float)
    return both and not isclose(seen, number, rel_tol=1e-6, abs_tol=1e-6)


def _number(given: Any) -> Any:
    """A float, or a text that says what it is: of nan, inf, and of what is no number at all."""
    if isinstance(given, (str, bytes, bool)) or given is None:
        return f"{type(given).__name__} {given!r}"[:60]
    try:
        number = float(given.item() if hasattr(given, "item") else given)
    except Exception:
        return f"{type(given).__name__} {given!r}"[:60]
    return number if isfinite(number) else repr(number)


def _failure(error: Exception, file: str, stage: str) -> Result:
    if isinstance(error, RecursionError):
        error = RecursionError("maximum recursion depth exceeded")
    lines = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    said = f"{type(error).__name__}: {error}".rstrip(": ")[:300]
    said = "".join(sign if sign.isprintable() or sign == "\n" else "\N{REPLACEMENT CHARACTER}" for sign in said)
    return {"error": said, "kind": type(error).__name__, "stage": stage, "line": lines[-1].lineno if lines else None}


def _load(file: str, name: str) -> Any:
    sys.path[0] = os.path.dirname(os.path.abspath(file))  # where a learner's other files are, and not this one's folder
    spec = importlib.util.spec_from_file_location("learners_file", file)
    if spec is None or spec.loader is None:
        said = "; write a notebook as one: jupyter nbconvert --to script" if file.endswith(".ipynb") else ""
        raise ImportError(f"{os.path.basename(file)} is no Python file{said}")
    module = importlib.util.module_from_spec(spec)
    sys.modules["learners_file"] = module
    spec.loader.exec_module(module)
    found = getattr(module, name, None)
    if found is None:
        classes = [key for key, each in vars(module).items() if isinstance(each, type)]
        own = [key for key in classes if vars(module)[key].__module__ == module.__name__] or classes
        adds = [key for key in own if hasattr(vars(module)[key], "__add__")] or own  # an engine has a plus
        hint = f": write {os.path.basename(file)}:{adds[0 if adds is not own else -1]}" if own else ""
        raise AttributeError(f"there is no {name!r} in it; it has {', '.join(own) or 'no class'}{hint}")
    return found


def _ladder() -> Any:
    """ladder.py beside this file, which is read by its path, since chainrule need not be installed here."""
    file = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ladder.py")
    spec = importlib.util.spec_from_file_location("chainrule_ladder", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["chainrule_ladder"] = module
    spec.loader.exec_module(module)
    return module


def _main(file: str, name: str, first: int) -> None:
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what the learner's code prints is nobody's result

    def say(**what: Any) -> None:
        out.write(dumps(what) + "\n")
        out.flush()

    checks = _ladder().CHECKS
    try:
        V = _load(file, name)
    except BaseException as error:
        shown = error if isinstance(error, Exception) else RuntimeError().with_traceback(error.__traceback__)
        found = _failure(shown, file, "reading the file")
        if isinstance(error, EOFError):
            found["error"] = f"it asks for input when it is imported; {MAIN}"
        elif not isinstance(error, Exception):
            found["error"] = f"it ends with {type(error).__name__} when it is imported; {MAIN}"
        found["line"] = error.lineno if isinstance(error, SyntaxError) else found["line"]
        say(unread=found)
        return
    for number in range(first, len(checks)):
        say(begins=number)
        say(number=number, result=run_often(checks[number], V, file))
    say(done=True)


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
