"""Text in C with double numbers as text with float numbers, and no double in it: for devices that have no others."""

from __future__ import annotations

import re

import numpy as np

# The functions of math.h; the float twin of each has an f behind its name.
MATH = (
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil", "copysign", "cos", "cosh",
    "erf", "erfc", "exp", "exp2", "expm1", "fabs", "floor", "fmax", "fmin", "fmod", "hypot", "log", "log10",
    "log1p", "log2", "pow", "rint", "sin", "sinh", "sqrt", "tan", "tanh", "trunc",
)  # fmt: skip
APART = re.compile(r'(/\*.*?\*/|"(?:\\.|[^"\\])*")', re.DOTALL)  # comments and texts, which stay as they are
CALL = re.compile(rf"(?<!\w)({'|'.join(MATH)})\(")
LITERAL = re.compile(r"(?<![\w.])(\d+\.\d*(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)(?![\w.])")


def as_float(text: str) -> str:
    """The same text in float.

    >>> as_float('double a = 0.1 + exp(1e300); /* 0.1 */')
    'float a = 0.1f + expf(3.4028235e+38f); /* 0.1 */'
    """
    return "".join([_code(part) if i % 2 == 0 else part for i, part in enumerate(APART.split(text))])


def _code(text: str) -> str:
    text = LITERAL.sub(lambda found: literal(float(found[1])), text)
    return CALL.sub(r"\1f(", re.sub(r"\bdouble\b", "float", text))


def literal(x: float) -> str:
    """The nearest float, as a literal; the largest one for what is larger."""
    largest = float(np.finfo(np.float32).max)
    text = str(np.float32(min(x, largest)))
    return f"{text}f"
