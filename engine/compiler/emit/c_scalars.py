"""The text of a program in C, a line for each scalar. What repeats, such as the steps of a long chain, is a loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...op import Op
from ..expression import expression
from ..scalar.code import Code, Ref, Scalar, needed
from ..scalar.repeats import OFTEN, Instructions, Loop
from .about import Interface
from .c_function import ARGUMENTS, SLACK, CFunction, part, unused
from .c_words import number, spelled

WIDE = 24  # examples side by side in a long chain
TOGETHER = 400  # lines in one function
PART = "long start, long m, long k, const double *theta, const double *const *x, double *w"  # what these read

Argument = tuple[str, Any]  # ("number", float), ("x0", place in that input), ("p", place), or ("v", a line's position)


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
        places = [place for place in needed(code, results) if isinstance(code.operations[place], Op)]
        position, numbers = {place: i for i, place in enumerate(places)}, interface.places

        def argument(a: Any) -> Argument:
            if a.__class__ is float:
                return "number", a
            op = code.operations[a]
            if not isinstance(op, str):
                return "v", position[a]
            place = int(op[1:])
            if op[0] == "p":
                return "p", place
            which, lane = numbers[place]
            return f"x{which}", lane

        self.operations: list[Any] = [code.operations[place] for place in places]
        self.arguments = [tuple(map(argument, code.arguments[place])) for place in places]
        self.results: list[Argument] = [
            argument(r.place) if isinstance(r, Ref) else ("number", float(r)) for r in results
        ]
        self.varies = [isinstance(r, Ref) and code.batched[r.place] for r in results]
        instructions = self._instructions()
        self.pieces = _pieces(instructions.candidates(), len(places))
        self.functions = self._functions()
        self.stored = self._stored(instructions)
        self.memory = len(places) * block + SLACK
        self.tables: list[str] = []

    def _instructions(self) -> Instructions:
        """All lines; each number may be another one in each repetition, and what is given may move, too."""
        arrays = {kind: -i for i, kind in enumerate(["v", "number", "p", *(f"x{i}" for i in range(len(self.inputs)))])}
        flat = [(arrays[kind], place) for arguments in self.arguments for kind, place in arguments]
        reads = [place if array == 0 else -1 if array == -1 else ~place for array, place in flat]
        return Instructions(
            self.operations, map(len, self.arguments), np.array(reads, np.int64),
            np.array([array for array, _ in flat], np.int64),
            np.array([place for kind, place in self.results if kind == "v"], np.int64), OFTEN,
        )  # fmt: skip

    def _functions(self) -> list[list[list[Loop]]]:
        """The blocks of each function: a loop, or lines that stand together."""
        found: list[list[list[Loop]]] = []
        size = TOGETHER
        for piece in self.pieces:
            if size + piece.size > TOGETHER:
                found.append([])
                size = 0
            if piece.times == 1 and found[-1] and found[-1][-1][0].times == 1:
                found[-1][-1].append(piece)
            else:
                found[-1].append([piece])
            size += piece.size
        return found

    def _stored(self, instructions: Instructions) -> Any:
        """Which results are read in another block, or in another repetition. In a loop, that is one line for all."""
        groups = np.empty(len(self.operations), np.int64)
        for block in [block for function in self.functions for block in function]:
            for piece in block:
                groups[piece.start : piece.end] = piece.repetitions if piece.times > 1 else block[0].start
        stored = instructions.leaving(groups)
        for piece in self.pieces:
            rows = piece.rows(stored)
            rows |= rows.any(axis=0) & (piece.times > 1)
        return stored

    # --- texts

    def read(self, argument: Argument, step: int = 0, local: bool = False) -> str:
        """An argument in the text; `step` is how far it moves with each repetition s."""
        kind, place = argument
        if kind == "number":
            return number(place)
        moves = f" + {step} * s" if step else ""
        if kind == "p":
            return f"theta[{place}{moves}]"
        if kind != "v":
            example = f"(start + e) * {self.inputs[int(kind[1:])]} + " if self.block > 1 else ""
            return f"x[{kind[1:]}][{example}{place}{moves}]"
        return f"v{place}" if local else self.memory_of(place, step)

    def memory_of(self, place: int, step: int = 0) -> str:
        moves = f" + {step * self.block} * s" if step else ""
        return f"w[{place * self.block}{moves}{' + j' * (self.block > 1)}]"

    def text(self) -> str:
        parts, calls = [], []
        for i, function in enumerate(self.functions):
            text, call = part(f"cr_{self.name}_part_{i}", PART, "\n".join(map(self._block, function)))
            parts.append(text)
            calls.append(f"    {call}")
        B = self.block
        body_of = [f"static long cr_{self.name}({ARGUMENTS}) {{", "  long start, m = 1, k = 1, wrong = 0;"]
        if self.name == "value_and_grad":
            body_of.append("  value[0] = 0.0;")
            body_of.append(f"  for (long i = 0; i < {len(self.results) - 1}; i++) out[i] = 0.0;")
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
            lines.append(f"    {self._examples('m')}{{ {self._example()}{body} }}")
        return lines

    def _examples(self, count: str) -> str:
        return f"for (long j = 0; j < {count}; j++) " if self.block > 1 else ""

    def _example(self) -> str:
        """Behind the last example, it is computed again, up to a whole vector."""
        return "const long e = j < m ? j : m - 1; (void)e; " if self.block > 1 else ""

    def _finish(self) -> list[str]:
        if self.name != "value_and_grad" or self.block == 1:
            return []
        names = ["value[0]", *[f"out[{i}]" for i in range(len(self.results) - 1)]]
        return [f"  {to} /= (double)n;" for to, varies in zip(names, self.varies) if varies]

    def _block(self, pieces: list[Loop]) -> str:
        """A loop, or lines that stand together."""
        first, last = pieces[0], pieces[-1]
        loop = f"  for (long s = 0; s < {first.times}; s++) {{" if first.times > 1 else "  {"
        inner = f"\n  CR_LOOP {self._examples('k')}{{ {self._example()}" if self.block > 1 else ""
        here = range(first.start, last.start + last.size)
        body = "\n".join(self._line(piece, q, here) for piece in pieces for q in range(piece.size))
        return f"{loop}{inner}\n{body}\n  }}{' }' if inner else ''}"

    def _line(self, piece: Loop, q: int, here: range) -> str:
        """A line of a block, which has these lines."""
        at, loop, texts = piece.start + q, piece.times > 1, []
        for which, (kind, place) in enumerate(self.arguments[at]):
            if kind == "number":
                texts.append(self._number(piece, q, which))
                continue
            step = self.arguments[at + piece.size][which][1] - place if loop else 0
            texts.append(self.read((kind, place), step, place in here and (not loop or step == piece.size)))
        text = spelled(expression(self.operations[at]), texts)
        store = f" {self.memory_of(at, piece.size * loop)} = v{at};" if self.stored[at] else ""
        return f"    const double v{at} = {text};{store}"

    def _number(self, piece: Loop, q: int, which: int) -> str:
        """A number, or that of each repetition in a table."""
        numbers = [self.arguments[at][which][1] for at in range(piece.start + q, piece.end, piece.size)]
        if len(set(map(repr, numbers))) == 1:
            return number(numbers[0])
        name = f"cr_{self.name}_{len(self.tables)}"
        self.tables.append(f"static const double {name}[{len(numbers)}] = {{{', '.join(map(number, numbers))}}};")
        return f"{name}[s]"


def _pieces(loops: Sequence[Loop], count: int) -> list[Loop]:
    """So many lines, sorted into these loops and what stands alone, which repeats once."""
    found, start = list[Loop](), 0
    for loop in (*loops, Loop(count, 0, 1)):
        cuts = range(start, loop.start, TOGETHER // 2)
        found += [*(Loop(cut, min(TOGETHER // 2, loop.start - cut), 1) for cut in cuts), loop]
        start = loop.end
    return found[:-1]
