"""A function in C: what a caller has to know of it, and how a long one is divided."""

from __future__ import annotations

import re
from typing import NamedTuple

SLACK = 16  # numbers at the end of a function's memory: a vector may be read from the last number of an array on
ARGUMENTS = "long n, const double *theta, const double *const *x, double *w, double *value, double *out"


class CFunction(NamedTuple):
    """A function in C, and what a caller has to know of it.

    `static long cr_NAME(long n, const double *theta, const double *const *x, double *w, double *value, double *out)`
    works on n examples. Each x[i] holds an input, example by example; w is memory for `memory` numbers. For
    value_and_grad, value[0] gets the mean, and out the gradient; else out gets `rows` rows of n numbers. It returns 0;
    or 1 where an index that is picked by does not exist, and then the numbers mean nothing.
    """

    name: str
    text: str  # without the prelude
    memory: int
    results: tuple[int, ...]  # how many rows each has; an input of integers has no gradient, or one of zeros
    inputs: tuple[int, ...]  # how many numbers an example has in each input
    parameters: int

    @property
    def rows(self) -> int:
        """How many rows the results have together."""
        return sum(self.results)

    @property
    def gradient(self) -> bool:
        """Whether it computes the mean and its gradient."""
        return self.name.endswith("value_and_grad")


def part(name: str, arguments: str, body: str) -> tuple[str, str]:
    """A part of a function as a function of its own; and its call, where variables have the names of the arguments.

    >>> part("f", "long n, double *w", "  w[0] = 1.0;")[1]
    'wrong |= f(n, w);'
    """
    names = re.findall(r"(\w+)(?:,|$)", arguments)
    text = f"CR_PART long {name}({arguments}) {{\n  long wrong = 0;\n{body}\n{unused(arguments)}\n  return wrong;\n}}"
    return text, f"wrong |= {name}({', '.join(names)});"


def unused(arguments: str) -> str:
    """A line that reads all of these, so that no compiler warns."""
    return "  " + " ".join([f"(void){name};" for name in re.findall(r"(\w+)(?:,|$)", arguments)])
