"""A program as one file of plain C99, which needs nothing but math.h: for devices, and for other programs in C."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import NamedTuple

from ..literals import wrapped
from .about import About
from .c_float import as_float
from .c_function import SLACK, CFunction
from .c_words import number, prelude

SAYS = {
    "value": "The outputs for one example: {count} number{s}.",
    "value_and_grad": "The output for one example, and its gradient to theta: {count} numbers.",
    "input_gradients": "The gradient of the output to the inputs of one example: {count} number{s}.",
}
STEP = """\
/* One step of gradient descent with this example: theta, in memory that can be written, goes against its gradient, and
   value gets the output from before. Returns 0; or 1, and leaves theta as it is, if an index does not exist, or if the
   output or its gradient is not finite. */
int {name}_step(double *theta{given}, double rate, double *value) {{
  static double gradient[{count}];
  int wrong = {name}_value_and_grad(theta{passed}, value, gradient);
  long i;
  if (!(value[0] - value[0] == 0.0)) wrong = 1;
  for (i = 0; i < {count}; i++) if (!(gradient[i] - gradient[i] == 0.0)) wrong = 1;
  for (i = 0; i < {count} && !wrong; i++) theta[i] -= rate * gradient[i];
  return wrong;
}}
"""
CLASS = """\
/* The class of one example, a place in {NAME}_CLASSES; -1 if an index does not exist, or if an output is nan. */
int {name}_class({given}) {{
  double out[{outputs}];
  int i, best = 0;
  if ({name}_value({passed}, out)) return -1;
  for (i = 0; i < {outputs}; i++) if (!(out[i] == out[i])) return -1;
{choice}  return best;
}}
"""


class CFile(NamedTuple):
    """The text of net.c, and that of net.h, which stands at the beginning of net.c, too."""

    source: str
    header: str


def c_file(
    name: str,
    functions: Sequence[CFunction],
    theta: Sequence[float],
    about: About | None = None,
    *,
    still: Sequence[int] = (),
    floats: bool = False,
    notes: Sequence[str] = (),
) -> CFile:
    """The texts of files whose names begin with `name`; each function works on one example.

    Nothing is allocated: each function has a static array to work in, so only one call of it may run at a time. The
    parameters `still` have no gradient; `floats` makes all numbers float; `notes` stand in the first comment.
    """
    about = about or About()
    body = "\n".join(function.text for function in functions)
    entries = [_entry(name, function, still) for function in functions]
    if any(function.gradient for function in functions):
        entries.append(_step(name, next(one for one in functions if one.gradient)))
    if about.classifies:
        entries.append(_class(name, functions[0], about))
    header = _header(name, functions, len(theta), about, entries, [_call(name, functions[0], floats), *notes])
    helpers = prelude("\n".join([body, *entries]), "libm.c", "plain.c", "int8.c", "prelude.c")
    parts = [header, "#include <math.h>\n\n#define CR_PART static\n#define CR_LOOP\n"]
    if theta:
        parts.append(
            f"/* The parameters. */\nconst double {name}_theta[{len(theta)}] = {{\n{wrapped(map(number, theta))}\n}};\n"
        )
    source = "\n".join([*parts, helpers, body, *[entry.partition("*/\n")[2] for entry in entries]])
    return CFile(as_float(source), as_float(header)) if floats else CFile(source, header)


def c_name(stem: str) -> str:
    """A name of C's for a file of that name.

    >>> c_name("net"), c_name("2 moons"), c_name("int")
    ('net', 'net_2_moons', 'net_int')
    """
    plain = re.sub(r"\W+", "_", stem, flags=re.ASCII).strip("_")
    return plain if re.fullmatch(r"[A-Za-z]\w*", plain) and plain not in KEYWORDS else f"net_{plain}".rstrip("_")


KEYWORDS = frozenset((
    "auto", "break", "case", "char", "const", "continue", "cr", "default", "do", "double", "else", "enum",
    "extern", "float", "for", "goto", "if", "inline", "int", "long", "main", "register", "restrict", "return",
    "short", "signed", "sizeof", "static", "struct", "switch", "typedef", "union", "unsigned", "void",
    "volatile", "while",
))  # fmt: skip


def c_text(given: object) -> str:
    """A text as a literal of C's, whatever it holds: all but plain letters, digits and signs in octal.

    >>> print(c_text('a"b??/ü*/'))
    "a\\042b\\077\\077\\057\\303\\274*\\057"
    """
    text = "".join([chr(b) if (b < 128 and chr(b).isalnum()) or b in b" ,.;:!()[]{}+-*=<>#$%&@^_|~'" else f"\\{b:03o}"
                    for b in str(given).encode("utf-8", "replace")])  # fmt: skip
    return f'"{text}"'


def _entry(name: str, function: CFunction, still: Sequence[int]) -> str:
    """The function as others call it."""
    value = ["double *value"] if function.gradient else []
    out = "gradient" if function.gradient else "out"
    given = ", ".join([*_given(function), *value, f"double *{out}"])
    said = SAYS[function.name].format(count=function.rows, s="s" * (function.rows != 1))
    memory = max(1, function.memory - SLACK)
    lines = [f"static double memory[{memory}];", *["double value[1];"] * (not function.gradient),
             f"const double *x[{max(1, len(function.inputs))}];", "long wrong;",
             *[f"x[{i}] = x{i};" for i in range(len(function.inputs))], *["x[0] = 0;"] * (not function.inputs),
             f"wrong = cr_{function.name}(1, {'theta' if function.parameters else '0'}, x, memory, value, {out});",
             *[f"gradient[{i}] = 0.0;" for i in still if function.gradient], "return (int)wrong;"]  # fmt: skip
    body = "".join([f"  {line}\n" for line in lines])
    said = f"/* {said} Returns 0, or 1 if an index does not exist. */\n"
    return f"{said}int {name}_{function.name}({given}) {{\n{body}}}\n"


def _given(function: CFunction) -> list[str]:
    theta = ["const double *theta"] * bool(function.parameters)
    return [*theta, *[f"const double *x{i}" for i in range(len(function.inputs))]]


def _passed(function: CFunction) -> list[str]:
    return [*["theta"] * bool(function.parameters), *[f"x{i}" for i in range(len(function.inputs))]]


def _step(name: str, function: CFunction) -> str:
    given = "".join([f", const double *x{i}" for i in range(len(function.inputs))])
    passed = "".join([f", x{i}" for i in range(len(function.inputs))])
    return STEP.format(name=name, given=given, passed=passed, count=function.rows)


def _class(name: str, function: CFunction, about: About) -> str:
    if function.rows > 1:
        choice = f"  for (i = 1; i < {function.rows}; i++) if (out[i] > out[best]) best = i;\n"
    else:
        choice = f"  best = out[0] > {number(about.threshold)};\n"
    return CLASS.format(name=name, NAME=name.upper(), given=", ".join(_given(function)), outputs=function.rows,
                        passed=", ".join(_passed(function)), choice=choice)  # fmt: skip


def _header(
    name: str, functions: Sequence[CFunction], parameters: int, about: About, entries: Sequence[str],
    notes: Sequence[str],
) -> str:  # fmt: skip
    """What others have to know: sizes, names, scaling, and the functions."""
    guard, inputs = name.upper(), max((one.inputs for one in functions), key=len)
    known: dict[str, object] = {f"INPUT_{i}": lanes for i, lanes in enumerate(inputs)}
    known |= {"OUTPUTS": functions[0].rows, **({"PARAMETERS": parameters} if parameters else {})}
    for key, names in (("COLUMNS", about.columns), ("CLASSES", about.classes)):
        known |= {key: f"{{ {', '.join(map(c_text, names))} }}"} if names else {}
    for key, numbers in (("INPUT_MEAN", about.mean), ("INPUT_SCALE", about.scale)):
        known |= {key: f"{{ {', '.join(map(number, numbers))} }}"} if len(numbers) else {}
    if about.answer is not None:
        known |= {"OUTPUT_MEAN": number(about.answer[0]), "OUTPUT_SCALE": number(about.answer[1])}
    declared = [f"extern const double {name}_theta[{parameters}];"] * bool(parameters)
    declared += [re.sub(r" \{\n.*", ";", entry, flags=re.DOTALL) for entry in entries]  # with the comment above it
    return "\n".join([f"/* {_about(about, notes)} */", f"#ifndef {guard}_H", f"#define {guard}_H", "",
                      *[f"#define {guard}_{key} {text}" for key, text in known.items()], "",
                      "#ifdef __cplusplus", 'extern "C" {', "#endif", "", *declared, "",
                      "#ifdef __cplusplus", "}", "#endif", "", "#endif", ""])  # fmt: skip


def _about(about: About, notes: Sequence[str]) -> str:
    lines = [
        "A program that chainrule compiled from scalar code. It is plain C99, allocates nothing, and needs math.h "
        "alone. One call at a time: each function works in memory of its own.",
        *["The inputs are in the units of the table; the program scales them itself."] * (len(about.mean) > 0),
        *notes,
    ]
    return "\n\n   ".join([textwrap.fill(line, 116, subsequent_indent="   ") for line in lines])


def _call(name: str, function: CFunction, floats: bool) -> str:
    """How the function is called."""
    kind, passed = "float" if floats else "double", _passed(function)
    arrays = [*[f"x{i}[{lanes}]" for i, lanes in enumerate(function.inputs)], f"out[{function.rows}]"]
    given = [f"{name}_theta" if one == "theta" else one for one in passed]
    return f"{kind} {', '.join(arrays)}; {name}_value({', '.join([*given, 'out'])});"
