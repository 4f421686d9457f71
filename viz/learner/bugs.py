"""The bugs that are known by the numbers they leave: each says what is wrong, and not how to mend it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chainrule.engine import OPS, grad

from .ladder import FUNCTIONS, Check
from .worker import NO_VALUE, differs

__all__ = ["BUGS", "EACH_STARTS", "GENERAL", "ROOM", "Bug", "Seen", "named"]

ROOM = 1e-6  # single precision is enough
SEEDED = 4  # up to this rung, the gradient of y is looked at


class Seen:
    """What one check left: `seen["a.grad"]`, nan for what is not there or no number; `seen.error` if it ended so."""

    def __init__(self, result: dict[str, Any]) -> None:
        self.numbers = {**result.get("seen", {}), **result.get("began", {})}
        self.error = result.get("error", "")
        self.kind = result.get("kind", "")

    def __getitem__(self, name: str) -> float:
        found = self.numbers.get(name, math.nan)
        return float(found) if isinstance(found, (int, float)) else math.nan

    def shows(self, **numbers: float) -> bool:
        """Whether these are the numbers: a=1.0 is about a.grad, y_data=2.0 about y.data."""
        return all(
            math.isclose(self[name.replace("_data", ".data") if "_data" in name else f"{name}.grad"], number,
                         rel_tol=ROOM, abs_tol=ROOM) for name, number in numbers.items()
        )  # fmt: skip


@dataclass(frozen=True)
class Bug:
    """One bug, the check that shows it, and how."""

    name: str
    check: str
    shows: Callable[[Seen], bool]
    says: str


def _numbers(**numbers: float) -> Callable[[Seen], bool]:
    return lambda seen: seen.shows(**numbers)


def _error(*kinds: str) -> Callable[[Seen], bool]:
    return lambda seen: seen.kind in kinds


def _says(*words: str) -> Callable[[Seen], bool]:
    return lambda seen: all(word in seen.error for word in words)


NOT_SEEDED = "after backward(), the result itself has no gradient: how much does y change when y changes?"
OVERWRITTEN = (
    "a value that is used twice keeps the gradient of one use only: what its other use brought is written over"
)
EDGE_LOST = "a value that is an argument twice counts once: its two places among the arguments are taken for one"
ORDER = (
    "a value passes its gradient on before all of its users have given theirs: the order of the backward pass is wrong"
)
EACH_VISIT = "a value passes its gradient on once for each way that leads to it, instead of once in all"
SWAPPED = "the two arguments get each other's gradient"
LATE = "both contributions go to the last argument: what backward() runs later sees a variable that has changed since"
REFLECTED = "a plain number on the left, as in `{}`, is not understood: Python then asks the Value on the right"
UNHASHABLE = "a Value that compares by its number needs a hash, too: it cannot stand in a set"
KEPT = "does backward() keep a list or a set from one call to the next, or use up what it walks over?"
SLOPES = {name: grad(OPS[name])(a) for name, a in FUNCTIONS.items()}

BUGS = (
    Bug("data are no number", "a number", lambda s: not s.error, "the data of a Value are no number"),
    Bug(
        "no __init__",
        "a number",
        _says("takes no arguments"),
        "Value(2.0) is refused: is there an __init__, with two underscores on each side, that takes a number?",
    ),
    Bug(
        "no data",
        "a number",
        _says("has no attribute 'data'"),
        "the number of a Value is looked for in its attribute data",
    ),
    Bug("no plus", "a + b", _says("unsupported operand"), "there is no + yet: Python looks for a method __add__"),
    Bug("no times", "a * b", _says("unsupported operand"), "there is no * yet: Python looks for a method __mul__"),
    Bug("data are cut", "a number of many digits", lambda s: not s.error, "a Value does not keep the number as it is"),
    Bug("plus is wrong", "a + b", lambda s: not s.error, "a + b has the wrong number"),
    Bug("equal numbers taken for one", "a + b", _says("unhashable"), UNHASHABLE),
    Bug("times is wrong", "a * b", lambda s: not s.error, "a * b has the wrong number"),
    Bug("seed not set", "back through +", _numbers(a=0.0, b=0.0, y=0.0), NOT_SEEDED),
    Bug(
        "plus passes nothing",
        "back through +",
        _numbers(a=0.0, b=0.0, y=1.0),
        "after backward(), neither argument of + has a gradient",
    ),
    Bug(
        "backward is no method",
        "back through +",
        _says("and no method"),
        "y.backward is no method that can be called: does it run when it is only looked at?",
    ),
    Bug(
        "plus passes too often",
        "back through +",
        _numbers(a=3.0, b=3.0, y=1.0),
        "in a + b, each argument gets its gradient three times, once for each of the three values: has each value a "
        "function of its own?",
    ),
    Bug("no backward", "back through +", _says("AttributeError", "backward"), "there is no backward() yet"),
    Bug(
        "plus passes to one argument",
        "back through +",
        _numbers(a=1.0, b=0.0),
        "only the first argument of + gets a gradient",
    ),
    Bug("late binding", "back through +", _numbers(a=0.0, b=2.0), LATE),
    Bug(
        "plus passes to one argument",
        "back through +",
        _numbers(a=0.0, b=1.0),
        "only the second argument of + gets a gradient",
    ),
    Bug(
        "gradients do not begin at 0",
        "back through +",
        _numbers(a=2.0, b=2.0, y=1.0),
        "the gradients of a + b are too large by 1: which gradient does a Value have that nothing has come to yet?",
    ),
    Bug(
        "other sign",
        "back through +",
        _numbers(a=-1.0, b=-1.0, y=1.0),
        "the gradients have the wrong sign: does y grow when a grows?",
    ),
    Bug(
        "gradient of plus",
        "back through +",
        lambda s: not s.error,
        "the gradients of a + b are wrong: how much does y change when a changes, and when b does?",
    ),
    Bug("late binding", "back through *", _numbers(a=0.0, b=-1.0), LATE),
    Bug("swapped gradients", "back through *", _numbers(a=2.0, b=-3.0), f"in a * b, {SWAPPED}"),
    Bug(
        "times passes one",
        "back through *",
        _numbers(a=1.0, b=1.0),
        "in a * b, both arguments get the gradient of a sum",
    ),
    Bug(
        "times passes nothing",
        "back through *",
        _numbers(a=0.0, b=0.0, y=1.0),
        "after backward(), neither argument of * has a gradient",
    ),
    Bug(
        "upstream gradient added",
        "back through *",
        lambda s: s.shows(a=-2.0, b=3.0) or s.shows(a=-2.0, b=2.0) or s.shows(a=-3.0, b=3.0),
        "the local derivative and the gradient from above are added; a chain of slopes is something else",
    ),
    Bug(
        "gradient of times",
        "back through *",
        lambda s: not s.error,
        "the gradients of a * b are wrong: how much does y change when a changes, and when b does?",
    ),
    Bug(
        "backward stops early",
        "two operations",
        _numbers(a=0.0, b=0.0),
        "the values behind the first operation get nothing: backward() does not come to them, or comes "
        "before their gradient does",
    ),
    Bug(
        "upstream gradient left out",
        "times and times",
        _numbers(a=-3.0, b=2.0),
        "the local derivative is passed on alone: the gradient that came from above is not in it",
    ),
    Bug(
        "upstream gradient added",
        "times and times",
        _numbers(a=-3.0 + 10.0, b=2.0 + 10.0),
        "the local derivative and the gradient from above are added; a chain of slopes is something else",
    ),
    Bug(
        "backward stops early",
        "four in a row",
        _numbers(a=0.0, b=0.0),
        "the values far behind the result get nothing: backward() does not come to them, or comes "
        "before their gradient does",
    ),
    *(
        Bug(
            "backward stops early",
            check,
            _numbers(a=0.0, b=0.0),
            "the values behind the second argument get nothing: does the result know both of its arguments?",
        )
        for check in ("an inner value on the right", "a sum on the right")
    ),
    Bug(
        "equal numbers taken for one",
        "equal numbers",
        lambda s: not s.error,
        "two values that hold the same number are taken for the same value",
    ),
    Bug(
        "equal numbers taken for one",
        "equal numbers",
        _says("unhashable"),
        UNHASHABLE,
    ),
    Bug(
        "equal numbers taken for one",
        "back through *",
        _says("unhashable"),
        UNHASHABLE,
    ),
    Bug("overwrites", "two ways to a leaf", lambda s: s.shows(a=10.0) or s.shows(a=-3.0), OVERWRITTEN),
    Bug("overwrites", "two sums of a leaf", _numbers(a=1.0), OVERWRITTEN),
    Bug("overwrites", "two powers of a value", lambda s: s.shows(a=4.0) or s.shows(a=12.0), OVERWRITTEN),
    Bug("overwrites", "two differences", lambda s: s.shows(a=1.0) or s.shows(b=-1.0), OVERWRITTEN),
    Bug(
        "overwrites",
        "two quotients",
        lambda s: any(s.shows(a=a) for a in (1 / 4, -4 / 9)) or any(s.shows(b=b) for b in (-3 / 16, 1 / 3)),
        OVERWRITTEN,
    ),
    *(Bug("overwrites", f"{name}, twice", _numbers(a=slope), OVERWRITTEN) for name, slope in SLOPES.items()),
    Bug("argument counted once", "a + a", _numbers(a=1.0), EDGE_LOST),
    Bug("argument counted once", "a * a", _numbers(a=2.0), EDGE_LOST),
    Bug(
        "visited for each way",
        "a long way and a short way",
        lambda s: s.shows(a=-66.0, b=44.0) or s.shows(a=-36.0, b=24.0),  # by the order of a set of parents
        EACH_VISIT,
    ),
    Bug("wrong order", "a long way and a short way", lambda s: not s.error, ORDER),
    Bug("wrong order", "a short way and a long way", lambda s: not s.error, ORDER),
    Bug("wrong order", "three ways of three lengths", lambda s: not s.error, ORDER),
    Bug(
        "plain numbers are no arguments",
        "a + 1",
        lambda s: bool(s.error),
        "a plain number on the right, as in a + 1, is not understood",
    ),
    Bug(
        "plain numbers are no arguments",
        "a * 3",
        lambda s: bool(s.error),
        "a plain number on the right, as in a * 3, is not understood",
    ),
    Bug(
        "missing __radd__",
        "1 + a",
        _error("TypeError"),
        REFLECTED.format("1 + a") + "; sum() begins with 0 + the first one",
    ),
    Bug("missing __rmul__", "3 * a", _error("TypeError"), REFLECTED.format("3 * a")),
    *(
        Bug(
            "plain numbers are left out",
            check,
            _numbers(y_data=6.0, a=1.0),
            "the result knows the plain number, and the gradient does not: how much does 3 * a change when a changes?",
        )
        for check in ("a * 3", "3 * a")
    ),
    Bug("swapped gradients", "a - b", _numbers(y_data=5.0, a=-1.0, b=1.0), f"in a - b, {SWAPPED}"),
    Bug(
        "swapped __sub__",
        "a - b",
        _numbers(y_data=-5.0),
        "a - b gives b - a: the number on the left is the one to take from",
    ),
    Bug(
        "minus is plus backwards",
        "a - b",
        _numbers(y_data=5.0, b=1.0),
        "the gradient goes through a - b as through a + b: what does y do when b grows?",
    ),
    Bug(
        "minus is plus",
        "a - b",
        lambda s: s.shows(y_data=-1.0),
        "a - b gives a + b: the sign of what is taken away is lost",
    ),
    Bug(
        "gradient of times",
        "many digits",
        lambda s: not s.error,
        "the gradients of a * b are wrong where the numbers are larger: is something cut off?",
    ),
    Bug(
        "minus is plus backwards",
        "-a",
        _numbers(y_data=-2.0, a=1.0),
        "the gradient goes through -a as if the sign were not there",
    ),
    Bug(
        "swapped __rsub__",
        "1 - a",
        lambda s: s.shows(y_data=1.0),
        "1 - a gives a - 1: the number on the left is the one to take from",
    ),
    Bug("missing __rsub__", "1 - a", _error("TypeError"), REFLECTED.format("1 - a")),
    Bug(
        "swapped __truediv__",
        "a / b",
        lambda s: s.shows(y_data=4.0 / 3.0),
        "a / b gives b / a: the number on the left is the one to divide",
    ),
    Bug("whole division", "a / b", lambda s: s.shows(y_data=0.0), "a / b drops what stands behind the point"),
    Bug(
        "swapped __rtruediv__",
        "3 / a",
        lambda s: s.shows(y_data=4.0 / 3.0),
        "3 / a gives a / 3: the number on the left is the one to divide",
    ),
    Bug("missing __rtruediv__", "3 / a", _error("TypeError"), REFLECTED.format("3 / a")),
    Bug(
        "slope of division",
        "a / b",
        lambda s: s.shows(y_data=0.75) and not s.shows(a=0.25, b=-0.1875),
        "the slopes of a / b are wrong: more b makes the quotient smaller, and the slope depends on a and on b",
    ),
    Bug(
        "slope of a power",
        "a ** 3",
        _numbers(y_data=8.0, a=4.0),
        "the slope of a ** n is wrong: the exponent is no factor of it",
    ),
    Bug(
        "slope of a power",
        "a ** 3",
        _numbers(y_data=8.0, a=24.0),
        "the slope of a ** n is wrong: the exponent of the slope has to be another",
    ),
    Bug("slope of a power", "a ** 3", lambda s: s.shows(y_data=8.0), "the slope of a ** n is wrong"),
    Bug(
        "upstream gradient left out of a power",
        "a ** 2, and on",
        _numbers(y_data=45.0, a=6.0),
        "the power passes its local derivative on alone: the gradient from above is not in it",
    ),
    Bug("power of a negative number", "a ** 3 of -2", lambda s: not s.error, "a ** 3 is wrong where a is below 0"),
    Bug(
        "power of a negative number", "a ** 3 of -2", _error("ValueError"), "a ** 3 ends in an error where a is below 0"
    ),
    Bug("power of a negative exponent", "a ** -1", lambda s: not s.error, "a ** -1 is wrong"),
    Bug(
        "slope of exp",
        "exp",
        _numbers(a=1.5),
        "the slope of exp is taken to be a; look at how exp grows where it is large",
    ),
    Bug(
        "slope of exp",
        "exp",
        lambda s: s.shows(y_data=math.exp(1.5)),
        "the slope of exp is wrong: it grows as fast as it is large",
    ),
    Bug(
        "slope of log",
        "log",
        lambda s: s.shows(y_data=math.log(4.0)),
        "the slope of log is wrong: it is flatter the larger a is",
    ),
    Bug(
        "log of a small number",
        "log of 0.00001",
        lambda s: not s.error,
        "log is wrong where its argument is small: is the logarithm taken of that number, and of no other?",
    ),
    Bug(
        "another logarithm",
        "log",
        lambda s: s.shows(y_data=math.log10(4.0)) or s.shows(y_data=math.log2(4.0)),
        "log is meant to be the natural logarithm: log of e is 1",
    ),
    Bug(
        "slope of tanh",
        "tanh",
        lambda s: s.shows(y_data=math.tanh(0.75)),
        "the slope of tanh is wrong: it is 1 at 0, and nearly 0 where tanh is nearly 1",
    ),
    Bug(
        "sigmoid falls",
        "sigmoid",
        lambda s: s.shows(y_data=1.0 / (1.0 + math.exp(0.75))),
        "sigmoid is meant to grow: it is nearly 1 where its argument is large",
    ),
    Bug(
        "slope of sigmoid",
        "sigmoid",
        lambda s: s.shows(y_data=1.0 / (1.0 + math.exp(-0.75))),
        "the slope of sigmoid is wrong: it is largest, 0.25, where sigmoid is 0.5",
    ),
    Bug(
        "relu at negative numbers",
        "relu of -1.5",
        lambda s: s.shows(y_data=0.0),
        "relu passes a gradient back where its argument is negative, though its result does not move there",
    ),
    Bug("relu at negative numbers", "relu of -1.5", lambda s: not s.error, "relu of a negative number is 0"),
    Bug(
        "relu at positive numbers",
        "relu of 0.3",
        lambda s: not s.error,
        "where its argument is positive, relu changes neither the number nor the gradient",
    ),
    *(
        Bug(
            f"upstream gradient left out of {name}",
            f"{name}, and on",
            _numbers(a=slope),
            f"{name} passes its local derivative on alone: the gradient from above is not in it",
        )
        for name, slope in SLOPES.items()
    ),
    Bug(
        "sum does not start",
        "sum",
        _error("TypeError", "AttributeError"),
        "sum() begins with the number 0, and 0 + a is not understood",
    ),
    Bug(
        "sum does not start",
        "sum",
        lambda s: not s.error,
        "sum() begins with the number 0, and 0 + a is treated in another way than 1 + a",
    ),
    Bug(
        "in place",
        "+=",
        lambda s: not s.error,
        "a += b changes the value that other names still hold, and that the graph was made with",
    ),
    Bug(
        "in place",
        "*=",
        lambda s: not s.error,
        "a *= b changes the value that other names still hold, and that the graph was made with",
    ),
    Bug(
        "kept between calls",
        "two losses on one leaf",
        _numbers(a=4.0, b=4.0),
        f"what the first result brought is brought once more: {KEPT}",
    ),
    Bug(
        "leaf overwritten",
        "two losses on one leaf",
        lambda s: not s.error,
        "the gradient that a leaf had from another result is neither kept nor set to 0 as a whole",
    ),
    Bug(
        "cleared by an operation",
        "the same again",
        lambda s: s.shows(x=6.0) and s["x.began"] == 0.0,
        "x * x sets the gradient of x to 0 before backward() is called, and the first share is lost: an operation "
        "makes a new Value, and leaves the old ones alone",
    ),
    Bug(
        "leaves set to 0",
        "the same again",
        _numbers(x=6.0),
        "backward() sets the gradients of leaves to 0, and the first result's share is lost: "
        "only inner values are to begin at 0",
    ),
    Bug(
        "leaf overwritten",
        "the same again",
        lambda s: not s.error,
        "the gradient that a leaf had from another result is neither kept nor set to 0 as a whole",
    ),
    Bug(
        "data changed by backward",
        "the numbers after backward",
        lambda s: not s.error,
        "backward() changes data: it only has to fill in gradients, and the step comes afterwards",
    ),
    Bug(
        "backward not idempotent",
        "backward twice",
        lambda s: not s.error,
        "a second backward() on the same graph gives neither the same gradients nor twice as large "
        "ones: inner values still hold those of the first",
    ),
    Bug(
        "kept between calls",
        "a part that has been used before",
        _numbers(a=0.0, b=0.0),
        f"a value that an earlier backward() came to passes nothing on: {KEPT}",
    ),
    Bug(
        "gradients left over",
        "a part that has been used before",
        lambda s: not s.error,
        "an inner value still holds the gradient of the result before, and passes it on once more; "
        "setting the gradients of the parameters to 0 does not reach it",
    ),
    Bug(
        "recursion limit",
        "3,000 operations",
        _error("RecursionError"),
        "a graph of 3,000 operations in a row ends in a RecursionError: the walk over the graph calls itself",
    ),
    Bug(
        "tanh overflows",
        "tanh of 1000",
        _error("OverflowError", "ZeroDivisionError"),
        "tanh of a large number overflows, where it is 1",
    ),
    Bug("tanh overflows", "tanh of 1000", lambda s: not s.error, "tanh of a large number is 1, with the slope 0"),
    Bug(
        "power of a fraction",
        "a ** 0.5",
        lambda s: not s.error,
        "a ** 0.5, the square root, is wrong: is the exponent, or the slope, made a whole number?",
    ),
    Bug(
        "constants as strings",
        "a word for a number",
        lambda s: not s.error,
        "Value('2') is accepted, and times 3 it is '222'",
    ),
)


# Those that any check may show.
INEXACT = (
    "inexact",
    "the numbers are nearly right, and not exact: is something rounded or added, or a slope taken from a small step?",
)
SEED = (
    "wrong seed",
    "backward() gives the result itself another gradient than 1: how much does y change when y changes?",
)
SHARED = (
    "gradient shared",
    "the gradient of the result itself changes while it is passed on: do two values hold the same array as theirs?",
)
DRIFTS = (
    "kept between values",
    "the same program gives other numbers when it runs again: is a number, a list or a default argument shared by all "
    "Values, or an order left to chance?",
)
EACH_STARTS = (
    "each value starts at 1",
    "each value that the walk comes to gets the gradient 1, as if it were the result: only the result moves as fast as "
    "itself",
)
ARGUMENT = (
    "argument changed",
    "{} changes its argument: an operation makes a new Value, and leaves the old ones alone",
)
NOTHING = ("no Value comes back", "what comes of {} is no Value: is it made, and returned?")
CALLED = (
    "called too early",
    "backward() is to call a function, and finds None: was the function called where it was to be kept?",
)
CUT = (
    "nothing comes through",
    "no gradient comes back through {}: does the result know its arguments, and how to pass its gradient on?",
)
GENERAL = tuple(each[0] for each in (INEXACT, SEED, SHARED, DRIFTS, EACH_STARTS, ARGUMENT, NOTHING, CALLED, CUT))


def named(check: Check, result: dict[str, Any], truth: Mapping[str, float]) -> Bug | None:
    """The first bug that this check shows by this result, which is wrong."""
    seen, in_place = Seen(result), check.rung == 0 or check.name in ("+=", "*=")
    sign = re.fullmatch(r"y = a (\S+) b", check.code)
    what = sign[1] if sign else check.code.splitlines()[-1].removeprefix("y = ")
    if result.get("changed") and not in_place:
        return Bug(ARGUMENT[0], check.name, bool, ARGUMENT[1].format(what))
    if seen.kind == NO_VALUE:
        return Bug(NOTHING[0], check.name, bool, NOTHING[1].format(check.code.splitlines()[-1].removeprefix("y = ")))
    if result.get("stage") == "backward" and "'NoneType' object is not callable" in seen.error:
        return Bug(CALLED[0], check.name, bool, CALLED[1])
    leaves = {f"{name}.data": number for name, number in check.leaves.items()}
    if not in_place and any(differs(seen.numbers.get(name), number) for name, number in leaves.items()):
        return next(bug for bug in BUGS if bug.name == "data changed by backward")
    if not seen.error and all(_nearly(seen[name], number) for name, number in truth.items()):
        return Bug(INEXACT[0], check.name, bool, INEXACT[1])
    if result.get("drifts"):
        return Bug(DRIFTS[0], check.name, bool, DRIFTS[1])
    may_be_cut = check.rung > SEEDED and not check.note and check.needs != "relu"  # where it may be flat on purpose
    if may_be_cut and _cut(check, seen, truth):
        return Bug(CUT[0], check.name, bool, CUT[1].format(what))
    bug = next((bug for bug in BUGS if bug.check == check.name and bug.shows(seen)), None)
    if check.rung <= SEEDED and seen["y.grad"] != 0.0 and differs(seen.numbers.get("y.grad"), 1.0):
        name, says = SEED if check.name.startswith("back through") else SHARED  # a seed shows in the first ones
        return Bug(name, check.name, bool, says)
    return bug


def _cut(check: Check, seen: Seen, truth: Mapping[str, float]) -> bool:
    """Whether the result is right, and none of its leaves has got anything."""
    return _nearly(seen["y.data"], truth.get("y.data", math.nan)) and all(
        seen[f"{name}.grad"] == 0.0 for name in check.leaves
    )


def _nearly(seen: float, right: float) -> bool:
    return math.isclose(seen, right, rel_tol=1e-3, abs_tol=5e-3)
