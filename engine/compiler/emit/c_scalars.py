"""The text of a program in C, a line for each scalar. What repeats, such as the steps of a long chain, is a loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..expression import expression
from ..scalar.code import Code, Ref, Scalar, needed
from ..scalar.repeats import OFTEN, Instructions, Loop
from .about import Interface
from .c_function import ARGUMENTS, SLACK, CFunction, part, unused
from .c_words import number, spelled

WIDE = 24  # examples side by side in a long chain
TOGETHER = 400  # lines in one function
PART = "long start, long m, long k, const double *theta, const double *const *x, double *w"  # what these read

RESULTS, NUMBERS, THETA = 0, -1, -2  # the arrays that an argument may be in; the inputs are -3, -4, ...
Argument = tuple[int, Any]  # its array, and its place there; a line's position, or the number itself


def scalar_function(code: Code, results: Sequence[Scalar], name: str, interface: Interface, one: bool) -> CFunction:
    """The function of that name in C: "value", "value_and_grad", "per_example", or "input_gradients".

    `results` are the outputs, or the output and its gradient. `one`: n is always 1, and the text is made for that.

    Errors: NoExpression for what C has no words for.
    """
    writer = _Writer(code, results, name, interface, 1 if one else WIDE)
    sizes, parameters = tuple(interface.sizes), interface.parameters
    rows = {"value": (1,) * len(results), "input_gradients": sizes}.get(name, (parameters,))
    return CFunction(name, writer.text(), writer.memory, rows, sizes, parameters)


class _Writer:
    def __init__(self, code: Code, results: Sequence[Scalar], name: str, interface: Interface, block: int) -> None:
        self.name, self.inputs, self.block = name, interface.sizes, block
        self.code, read, inputs = code, needed(code, results), interface.places
        self.leaves: dict[int, Argument] = {}
        for place in read:
            if isinstance(op := code.operations[place], str):
                which, element = inputs[int(op[1:])] if op[0] == "x" else (-1, int(op[1:]))  # -1: theta
                self.leaves[place] = THETA - 1 - which, element
        places = [place for place in read if place not in self.leaves]
        self.found = Instructions(code, places, results, self.leaves, OFTEN)
        self.results = [self.argument(r.place if isinstance(r, Ref) else float(r)) for r in results]
        self.varies = [isinstance(r, Ref) and code.batched[r.place] for r in results]
        self.pieces = _pieces(self.found.candidates(), len(places))
        groups = [piece.repetitions for piece in self.pieces]
        self.stored = self.found.leaving(np.concatenate([np.zeros(0, np.int64), *groups]))
        for piece in self.pieces:  # in a loop, that is one line for all
            rows = piece.rows(self.stored)
            rows |= rows.any(axis=0)
        self.memory = len(places) * block + SLACK
        self.tables: list[str] = []

    def argument(self, argument: int | float) -> Argument:
        """An argument of the code."""
        if isinstance(argument, float):
            return NUMBERS, argument
        return self.leaves.get(argument) or (RESULTS, int(self.found.positions[argument]))

    # --- texts

    def read(self, argument: Argument, step: int = 0, local: bool = False) -> str:
        """An argument in the text; `step` is how far it moves with each repetition s."""
        array, place = argument
        if array == NUMBERS:
            return number(place)
        moves = f" + {step} * s" if step else ""
        if array == THETA:
            return f"theta[{place}{moves}]"
        if array < THETA:
            which = THETA - 1 - array
            example = f"(start + e) * {self.inputs[which]} + " if self.block > 1 else ""
            return f"x[{which}][{example}{place}{moves}]"
        return f"v{place}" if local else self.memory_of(place, step)

    def memory_of(self, place: int, step: int = 0) -> str:
        moves = f" + {step * self.block} * s" if step else ""
        return f"w[{place * self.block}{moves}{' + j' * (self.block > 1)}]"

    def text(self) -> str:
        parts, calls = [], []
        for i, function in enumerate(_functions(self.pieces)):
            text, call = part(f"cr_{self.name}_part_{i}", PART, "\n".join(map(self._block, function)))
            parts.append(text)
            calls.append(f"    {call}")
        B = self.block
        body_of = [f"static long cr_{self.name}({ARGUMENTS}) {{", "  long start, m = 1, k = 1, wrong = 0;"]
        if self.name == "value_and_grad":
            body_of += ["  value[0] = 0.0;", f"  for (long i = 0; i < {len(self.results) - 1}; i++) out[i] = 0.0;"]
        body_of.append(f"  for (start = 0; start < n; start += {B}) {{")
        if B > 1:
            body_of.append(f"    m = n - start < {B} ? n - start : {B};\n    k = (m + 7) / 8 * 8;")
        body_of += [*calls, *self._given(), "  }", *self._finish()]
        body_of.append(f"{unused(f'long m, long k, {ARGUMENTS}')}\n  return wrong;\n}}")
        return "\n".join([*self.tables, *parts, *body_of]) + "\n"

    def _given(self) -> list[str]:
        """What is given to the caller, of some examples."""
        results = self.results if self.name in ("value", "value_and_grad") else self.results[1:]
        lines = []
        for i, result in enumerate(results):
            text = self.read(result)
            if self.name == "value_and_grad":
                to = "value[0]" if i == 0 else f"out[{i - 1}]"
                body = f"{to} {'+' * self.varies[i]}= {text};"
            else:
                body = f"out[{i} * n + start{' + j' * (self.block > 1)}] = {text};"
            lines.append(f"    {self._examples('m')}{body} }}")
        return lines

    def _examples(self, count: str) -> str:
        """How a loop over so many examples begins; behind the last one, that is computed again, up to a vector."""
        head = f"for (long j = 0; j < {count}; j++) {{ const long e = j < m ? j : m - 1; (void)e; "
        return head if self.block > 1 else "{ "

    def _finish(self) -> list[str]:
        if self.name != "value_and_grad" or self.block == 1:
            return []
        names = ["value[0]", *[f"out[{i}]" for i in range(len(self.results) - 1)]]
        return [f"  {to} /= (double)n;" for to, varies in zip(names, self.varies) if varies]

    def _block(self, piece: Loop) -> str:
        """A loop, or lines that stand alone."""
        loop = f"  for (long s = 0; s < {piece.times}; s++) {{" if piece.times > 1 else "  {"
        inner = f"\n  CR_LOOP {self._examples('k')}" if self.block > 1 else ""
        body = "\n".join(self._line(piece, q) for q in range(piece.size))
        return f"{loop}{inner}\n{body}\n  }}{' }' if inner else ''}"

    def _line(self, piece: Loop, q: int) -> str:
        """A line of a block."""
        at, each, texts = piece.start + q, piece.size * (piece.times > 1), []
        for which, argument in enumerate(self.found.arguments[at]):
            if isinstance(argument, float):
                texts.append(self._number(piece, q, which))
                continue
            array, place = self.argument(argument)
            step = self.argument(self.found.arguments[at + each][which])[1] - place
            local = array == RESULTS and piece.start <= place and step == each
            texts.append(self.read((array, place), step, local))
        text = spelled(expression(self.code.operations[self.found.places[at]]), texts)
        store = f" {self.memory_of(at, each)} = v{at};" if self.stored[at] else ""
        return f"    const double v{at} = {text};{store}"

    def _number(self, piece: Loop, q: int, which: int) -> str:
        """A number, or that of each repetition in a table."""
        numbers: list[Any] = [
            arguments[which] for arguments in self.found.arguments[piece.start + q : piece.end : piece.size]
        ]
        if len(set(map(repr, numbers))) == 1:
            return number(numbers[0])
        name = f"cr_{self.name}_{len(self.tables)}"
        self.tables.append(f"static const double {name}[{len(numbers)}] = {{{', '.join(map(number, numbers))}}};")
        return f"{name}[s]"


def _pieces(loops: Sequence[Loop], count: int) -> list[Loop]:
    """So many lines, sorted into these loops and what stands alone, which repeats once."""
    found, start = list[Loop](), 0
    for loop in (*loops, Loop(count, 0, 1)):
        cuts = range(start, loop.start, TOGETHER)
        found += [*(Loop(cut, min(TOGETHER, loop.start - cut), 1) for cut in cuts), loop]
        start = loop.end
    return found[:-1]


def _functions(pieces: Sequence[Loop]) -> list[list[Loop]]:
    """The pieces of each function, which are not more than TOGETHER lines, but for a longer loop."""
    found, size = list[list[Loop]](), TOGETHER
    for piece in pieces:
        if size + piece.size > TOGETHER:
            found.append([])
            size = 0
        found[-1].append(piece)
        size += piece.size
    return found
