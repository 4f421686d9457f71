"""The text of a program in C, a line for each scalar. What repeats, such as the steps of a long chain, is a loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ...op import Op
from ..expression import expression
from ..scalar.code import Code, Ref, Scalar, needed
from .about import Interface
from .c_function import ARGUMENTS, SLACK, CFunction, part, unused
from .c_words import number, spelled

WIDE = 24  # examples side by side in a long chain
WINDOW = 4  # so many instructions have to be alike before a repetition is looked for
LONGEST = 3000  # instructions in what repeats
OFTEN = 4  # times that something repeats before it is a loop
TOGETHER = 400  # lines in one function
PART = "long start, long m, long k, const double *theta, const double *const *x, double *w"  # what these read

Argument = tuple[str, Any]  # ("number", float), ("x0", place in that input), ("p", place), or ("v", a line's position)


class Line(NamedTuple):
    op: Op
    arguments: tuple[Argument, ...]
    batched: bool


class Piece(NamedTuple):
    """Lines from `start` on: so many, and how often they repeat, each time with other arguments at even distances."""

    start: int
    lines: int
    times: int


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

        self.lines = [Line(code.operations[place], tuple(map(argument, code.arguments[place])), code.batched[place])  # type: ignore[arg-type]
                      for place in places]  # fmt: skip
        self.results: list[Argument] = [
            argument(r.place) if isinstance(r, Ref) else ("number", float(r)) for r in results
        ]
        self.varies = [isinstance(r, Ref) and code.batched[r.place] for r in results]
        self.pieces = _pieces(self.lines)
        self.functions = self._functions()
        self.stored = self._stored()
        self.memory = len(self.lines) * block + SLACK
        self.tables: list[str] = []

    def _functions(self) -> list[list[list[Piece]]]:
        """The blocks of each function: a loop, or lines that stand together."""
        found: list[list[list[Piece]]] = []
        size = TOGETHER
        for piece in self.pieces:
            if size + piece.lines > TOGETHER:
                found.append([])
                size = 0
            if piece.times == 1 and found[-1] and found[-1][-1][0].times == 1:
                found[-1][-1].append(piece)
            else:
                found[-1].append([piece])
            size += piece.lines
        return found

    def _stored(self) -> bytearray:
        """Which results are read in another block, or in another repetition."""
        owner: list[tuple[int, int]] = [(0, 0)] * len(self.lines)
        for group in [group for function in self.functions for group in function]:
            for piece in group:
                for at in range(piece.lines * piece.times):
                    owner[piece.start + at] = (group[0].start, at // piece.lines if piece.times > 1 else 0)
        stored = bytearray(len(self.lines))
        for i, line in enumerate(self.lines):
            for kind, place in line.arguments:
                if kind == "v" and owner[place] != owner[i]:
                    stored[place] = 1
        for kind, place in self.results:
            if kind == "v":
                stored[place] = 1
        for piece in self.pieces:  # one line of a loop is written once for all of its repetitions
            if piece.times > 1:
                for q in range(piece.lines):
                    places = range(piece.start + q, piece.start + piece.lines * piece.times, piece.lines)
                    if any(stored[place] for place in places):
                        for place in places:
                            stored[place] = 1
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

    def _block(self, pieces: list[Piece]) -> str:
        """A loop, or lines that stand together."""
        first, last = pieces[0], pieces[-1]
        loop = f"  for (long s = 0; s < {first.times}; s++) {{" if first.times > 1 else "  {"
        inner = f"\n  CR_LOOP {self._examples('k')}{{ {self._example()}" if self.block > 1 else ""
        here = range(first.start, last.start + last.lines)
        body = "\n".join(self._line(piece, q, here) for piece in pieces for q in range(piece.lines))
        return f"{loop}{inner}\n{body}\n  }}{' }' if inner else ''}"

    def _line(self, piece: Piece, q: int, here: range) -> str:
        """A line of a block, which has these lines."""
        at, loop, texts = piece.start + q, piece.times > 1, []
        for which, (kind, place) in enumerate(self.lines[at].arguments):
            if kind == "number":
                texts.append(self._number(piece, q, which))
                continue
            step = self.lines[at + piece.lines].arguments[which][1] - place if loop else 0
            texts.append(self.read((kind, place), step, place in here and (not loop or step == piece.lines)))
        text = spelled(expression(self.lines[at].op), texts)
        store = f" {self.memory_of(at, piece.lines * loop)} = v{at};" if self.stored[at] else ""
        return f"    const double v{at} = {text};{store}"

    def _number(self, piece: Piece, q: int, which: int) -> str:
        """A number, or that of each repetition in a table."""
        numbers = [self.lines[piece.start + q + piece.lines * s].arguments[which][1] for s in range(piece.times)]
        if len(set(map(repr, numbers))) == 1:
            return number(numbers[0])
        name = f"cr_{self.name}_{len(self.tables)}"
        self.tables.append(f"static const double {name}[{len(numbers)}] = {{{', '.join(map(number, numbers))}}};")
        return f"{name}[s]"


def _pieces(lines: Sequence[Line]) -> list[Piece]:
    """The lines, sorted into what repeats and what stands alone."""
    kinds: dict[Any, int] = {}
    alike = [kinds.setdefault((line.op, tuple([kind for kind, _ in line.arguments])), len(kinds)) for line in lines]
    windows: dict[tuple[int, ...], int] = {}
    later = [-1] * len(lines)  # where the same window stands next
    for i in range(len(lines) - WINDOW, -1, -1):
        window = tuple(alike[i : i + WINDOW])
        later[i] = windows.get(window, -1)
        windows[window] = i
    found: list[Piece] = []
    i, alone = 0, 0
    while i < len(lines):
        times, size = 1, 1
        candidate = later[i]
        for _ in range(3):
            if candidate < 0 or candidate - i > LONGEST:
                break
            size = candidate - i
            times = _times(lines, alike, i, size)
            if times >= OFTEN:
                break
            candidate = later[candidate]
        if times < OFTEN:
            i += 1
            if i - alone == TOGETHER // 2:
                found.append(Piece(alone, i - alone, 1))
                alone = i
            continue
        if alone < i:
            found.append(Piece(alone, i - alone, 1))
        found.append(Piece(i, size, times))
        i = alone = i + size * times
    if alone < len(lines):
        found.append(Piece(alone, len(lines) - alone, 1))
    return found


def _times(lines: Sequence[Line], alike: Sequence[int], start: int, size: int) -> int:
    """How often the lines from start on repeat, with arguments at even distances."""
    times = 1
    while start + size * (times + 1) <= len(lines):
        at = start + size * times
        if alike[at : at + size] != alike[start : start + size] or not all(
            _goes_on(lines[start + q], lines[start + size + q], lines[at + q], times) for q in range(size)
        ):
            break
        times += 1
    return times


def _goes_on(first: Line, second: Line, later: Line, times: int) -> bool:
    return all(
        kind == "number" or c == a + (b - a) * times
        for (kind, a), (_, b), (_, c) in zip(first.arguments, second.arguments, later.arguments)
    )
