"""The rungs: small programs on a learner's Value, each of which needs only what the rungs before it need.

This file and worker.py run beside the learner's code, in a process of its own: they import the standard library alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["CHECKS", "FUNCTIONS", "RUNGS", "Check"]

RUNGS = (
    "A number",
    "Plus and times",
    "One step back",
    "The chain rule",
    "Values that are used twice",
    "Plain numbers",
    "Power, minus, divide",
    "Functions",
    "Sums and neurons",
    "What must not change",
    "Beyond the basics",
)


@dataclass(frozen=True)
class Check:
    """One program: the leaves it starts from, its lines, and whether it matters only beyond the basics (a note)."""

    name: str
    rung: int
    leaves: dict[str, float]
    code: str  # y is the root; y.backward() follows if `back`
    back: bool = True
    needs: str = ""  # a function that may be missing, in which case the check is left out
    also: dict[str, tuple[float, ...]] = field(default_factory=dict)  # other numbers that are right, too: "a.grad"
    watch: tuple[str, ...] = ()  # the values that are looked at; the leaves and y, unless they are given
    note: bool = False
    shown: str = ""  # what a learner can type, if the code is more than that


A, AB, ABC = {"a": 2.0}, {"a": 2.0, "b": -3.0}, {"a": 2.0, "b": -3.0, "c": 10.0}


FUNCTIONS = {"exp": 1.5, "log": 4.0, "tanh": 0.75, "relu": 0.3, "sigmoid": 0.75}


def _function(name: str, a: float, label: str = "") -> Check:
    return Check(label or name, 7, {"a": a}, f"y = a.{name}()", needs=name)


def _and_on(name: str, a: float) -> Check:
    return Check(f"{name}, and on", 7, {"a": a, "b": 5.0}, f"y = a.{name}() * b", needs=name)


def _twice(name: str, a: float) -> Check:
    return Check(f"{name}, twice", 7, {"a": a}, f"y = a.{name}() + a.{name}()", needs=name)


CHECKS = (
    Check("a number", 0, A, "y = a", back=False),
    Check("a number of many digits", 0, {"a": -12.3456789}, "y = a", back=False),
    Check("a + b", 1, AB, "y = a + b", back=False),
    Check("a * b", 1, AB, "y = a * b", back=False),
    Check("back through +", 2, AB, "y = a + b"),
    Check("back through *", 2, AB, "y = a * b"),
    Check("many digits", 2, {"a": 12.345678, "b": -3.456789}, "y = a * b"),
    Check("two operations", 3, ABC, "y = a * b + c"),
    Check("times and times", 3, ABC, "y = (a * b) * c"),
    Check("four in a row", 3, {**ABC, "d": 0.5}, "y = ((a * b) * c) * d"),
    Check("an inner value on the right", 3, ABC, "y = c * (a * b)"),
    Check("a sum on the right", 3, ABC, "y = c + (a + b)"),
    Check("two ways to a leaf", 4, ABC, "y = a * b + a * c"),
    Check("two sums of a leaf", 4, ABC, "y = (a + b) + (a + c)"),
    Check("a + a", 4, A, "y = a + a"),
    Check("a * a", 4, A, "y = a * a"),
    Check("an inner value twice", 4, AB, "h = a * b\ny = h * h"),
    Check("two inner values", 4, ABC, "h = a * b\ny = h * c + h"),
    Check("a long way and a short way", 4, ABC, "h = a * b\nk = h * c\ny = k + h"),
    Check("a short way and a long way", 4, ABC, "h = a * b\nk = h * c\ny = h + k"),
    Check("three ways of three lengths", 4, ABC, "h = a * b\nk = h * c\nm = k * h\ny = h + m + k"),
    Check("equal numbers", 4, {"a": 2.0, "b": 2.0, "c": 2.0}, "h = a * b\nk = a * c\ny = h + k"),
    Check("a + 1", 5, A, "y = a + 1"),
    Check("1 + a", 5, A, "y = 1 + a"),
    Check("a * 3", 5, A, "y = a * 3"),
    Check("3 * a", 5, A, "y = 3 * a"),
    Check("a ** 3", 6, A, "y = a**3"),
    Check("a ** 2, and on", 6, {"a": 3.0, "b": 5.0}, "y = a**2 * b"),
    Check("a ** 3 of -2", 6, {"a": -2.0}, "y = a**3"),
    Check("a ** -1", 6, {"a": 2.3456789}, "y = a**-1"),
    Check("a - b", 6, AB, "y = a - b"),
    Check("-a", 6, A, "y = -a"),
    Check("a - 1", 6, A, "y = a - 1"),
    Check("1 - a", 6, A, "y = 1 - a"),
    Check("a / b", 6, {"a": 3.0, "b": 4.0}, "y = a / b"),
    Check("a / 4", 6, {"a": 3.0}, "y = a / 4"),
    Check("3 / a", 6, {"a": 4.0}, "y = 3 / a"),
    Check("two powers of a value", 6, A, "y = a**2 + a**3"),
    Check("two differences", 6, AB, "y = (a - b) + (a - b)"),
    Check("two quotients", 6, {"a": 3.0, "b": 4.0}, "y = a / b + b / a"),
    _function("exp", FUNCTIONS["exp"]),
    _function("log", FUNCTIONS["log"]),
    _function("log", 1e-5, "log of 0.00001"),
    _function("tanh", FUNCTIONS["tanh"]),
    _function("relu", FUNCTIONS["relu"], "relu of 0.3"),
    _function("relu", -1.5, "relu of -1.5"),
    _function("sigmoid", FUNCTIONS["sigmoid"]),
    *(_and_on(name, a) for name, a in FUNCTIONS.items()),
    *(_twice(name, a) for name, a in FUNCTIONS.items()),
    Check("sum", 8, ABC, "y = sum([a, b, c])"),
    Check("a neuron", 8, {"x1": 2.0, "x2": 0.0, "w1": -3.0, "w2": 1.0, "b": 6.7}, "y = x1 * w1 + x2 * w2 + b"),
    Check("two layers", 8, {"x": 0.5123456, "w": -1.5234567, "v": 2.0345678, "u": 0.2567891},
          "h = x * w\nk = x * v\ny = (h + k) * u + h * k * h - k / v"),
    Check("+=", 9, AB, "kept = a\na += b\ny = kept * a", watch=("kept", "b", "y")),
    Check("*=", 9, AB, "kept = a\na *= b\ny = kept * a", watch=("kept", "b", "y")),
    Check("two losses on one leaf", 9, ABC, "z = a * b\nz.backward()\ny = a * c",
          also={"a.grad": (10.0,), "z.grad": (0.0,)}, watch=("a", "b", "c", "y")),
    Check("the same again", 9, {"x": 3.0}, "z = x * x\nz.backward()\ny = x * x", watch=("x", "y")),
    Check("the numbers after backward", 9, {"a": 0.5, "b": 3.0}, "h = a * b\ny = h * h + a",
          watch=("a", "b", "h.data", "y")),
    Check("backward twice", 10, ABC, "y = (a * b) * c\ny.backward()", note=True,
          also={"a.grad": (-30.0,), "b.grad": (20.0,), "c.grad": (-6.0,)}, watch=("a", "b", "c")),
    Check("a part that has been used before", 10, ABC,
          "h = a * b\nz = h * c\nz.backward()\na.grad = 0.0\nb.grad = 0.0\ny = h * 5.0", note=True, watch=("a", "b")),
    Check("3,000 operations", 10, {"a": 0.5}, "y = a\nfor _ in range(3000):\n    y = y + a", note=True),
    Check("tanh of 1000", 10, {"a": 1000.0}, "y = a.tanh()", needs="tanh", note=True),
    Check("a ** 0.5", 10, {"a": 6.25}, "y = a**0.5", note=True),
    Check("a word for a number", 10, A, "y = a * 1.0\ntry:\n    V('2') * 3\nexcept Exception:\n    pass\nelse:\n"
          "    y = y + (0.0 if isinstance((V('2') * 3).data, (int, float)) and (V('2') * 3).data == 6.0 else 1000.0)",
          note=True, watch=("y.data",), shown="Value('2') * 3"),
)  # fmt: skip
