"""A program as one file of plain C99, which needs nothing but math.h: for devices, and for other programs in C."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from .c import CFunction
from .c_words import number, prelude

SAYS = {
    "value": "The outputs for one example: {count} number{s}.",
    "value_and_grad": "The output for one example, and its gradient to theta: {count} numbers.",
    "input_gradients": "The gradient of the output to the inputs of one example: {count} number{s}.",
}


def c_file(name: str, functions: Sequence[CFunction], theta: Sequence[float]) -> str:
    """The text of a file whose names begin with `name`; each function works on one example.

    Nothing is allocated: the memory that the functions work in is one static array. So only one may run at a time.
    """
    body = "\n".join(function.text for function in functions)
    helpers = prelude(body, "libm.c", "plain.c", "prelude.c")
    inputs = functions[0].inputs
    memory = max(function.memory for function in functions)
    parts = [
        f"/* {_about(name, functions)} */\n\n#include <math.h>\n",
        "#define CR_PART static\n#define CR_LOOP\n",
        *[f"#define {name.upper()}_INPUT_{i} {lanes}" for i, lanes in enumerate(inputs)],
        f"#define {name.upper()}_OUTPUTS {functions[0].rows}",
        f"#define {name.upper()}_PARAMETERS {len(theta)}\n",
    ]
    if theta:
        parts.append(f"/* The parameters. */\nconst double {name}_theta[{len(theta)}] = {{\n{_wrapped(theta)}\n}};\n")
    parts += [f"static double {name}_memory[{memory}];\n", helpers, body, *[_entry(name, one) for one in functions]]
    return "\n".join(parts)


def c_name(stem: str) -> str:
    """A name of C's for a file of that name.

    >>> c_name("net"), c_name("2 moons"), c_name("int")
    ('net', 'net_2_moons', 'net_int')
    """
    plain = re.sub(r"\W+", "_", stem, flags=re.ASCII).strip("_")
    return plain if re.fullmatch(r"[A-Za-z]\w*", plain) and plain not in KEYWORDS else f"net_{plain}".rstrip("_")


KEYWORDS = frozenset(
    "auto break case char const continue default do double else enum extern float for goto if inline int long register "
    "restrict return short signed sizeof static struct switch typedef union unsigned void volatile while main cr".split()
)


def _entry(name: str, function: CFunction) -> str:
    """The function as others call it."""
    given = "".join(f", const double *x{i}" for i in range(len(function.inputs)))
    theta = "const double *theta" if function.parameters else "const double *unused"
    value = ", double *value" if function.gradient else ""
    said = SAYS[function.name].format(count=function.rows, s="s" * (function.rows != 1))
    out = "gradient" if function.gradient else "out"
    body = "" if function.gradient else "  double value[1];\n"
    first = "theta" if function.parameters else "unused"
    return (
        f"/* {said} Returns 0, or 1 if an index does not exist. */\n"
        f"int {name}_{function.name}({theta}{given}{value}, double *{out}) {{\n{body}"
        f"  const double *x[{max(1, len(function.inputs))}];\n"
        + "".join(f"  x[{i}] = x{i};\n" for i in range(len(function.inputs)))
        + ("" if function.inputs else "  x[0] = 0;\n")
        + f"  (void)x;\n  return (int)cr_{function.name}(1, {first}, x, {name}_memory, value, {out});\n}}\n"
    )


def _about(name: str, functions: Sequence[CFunction]) -> str:
    first = functions[0]
    given = "".join(f", x{i}" for i in range(len(first.inputs)))
    declared = " ".join(f"double x{i}[{lanes}];" for i, lanes in enumerate(first.inputs))
    theta = f"{name}_theta" if first.parameters else "0"
    return (
        "A program that chainrule compiled from scalar code. It is plain C99, allocates nothing, and needs math.h alone.\n"
        f"   {declared} double out[{first.rows}];\n   {name}_value({theta}{given}, out);\n   One call at a time: the "
        "functions share their memory."
    )


def _wrapped(numbers: Sequence[float]) -> str:
    text = ", ".join(map(number, numbers))
    return textwrap.fill(text, 118, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False,
                         break_long_words=False)  # fmt: skip
