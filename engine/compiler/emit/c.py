"""The text of an array program in C: loops over the rows of arrays, for some examples side by side."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from ...op import Op
from ..arrays.derive import differentiate
from ..arrays.forward import Forward, array_program
from ..arrays.ir import WORDS, ZERO, Array, Number, Operand, Rows, is_batched, shown
from ..arrays.layout import examples_in_rows
from ..arrays.place import covers, first_writes, needed, placed
from ..arrays.plan import Plan
from ..expression import NoExpression, expression
from . import c_words
from .c_products import Products
from .c_words import primitive, spelled

WIDEST = 88  # examples side by side, in the nearest cache; 8 times an odd number, so that rows do not clash in it
ROOM = 1 << 18  # numbers that all arrays may have together, before there are fewer examples side by side
UNROLLED = 8  # terms of a sum that are written out
SLACK = 16  # numbers at the end of a function's memory: a vector may be read from the last number of an array on
TOGETHER = 40  # loops in one function: a compiler takes quadratic time for long ones
BEFORE, DURING, AFTER = range(3)  # when an array is computed: before the examples, for each block of them, after them

Unit = list[Array]  # arrays of so many rows that are computed number by number in one loop, or another array alone


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
    rows: int
    inputs: tuple[int, ...]  # how many numbers an example has in each input
    parameters: int

    @property
    def gradient(self) -> bool:
        """Whether it computes the mean and its gradient."""
        return self.name.endswith("value_and_grad")


ARGUMENTS = "long n, const double *theta, const double *const *x, double *w, double *value, double *out"


def array_function(plan: Plan, name: str, block: int = 0) -> CFunction:
    """The function of that name in C: "value", "value_and_grad", "per_example", or "input_gradients".

    `block` is how many examples lie side by side; without it, as many as fit into the caches. With 1, n is always 1,
    and the text is made for that.

    Errors: NoExpression for what C has no words for.
    """
    forward = array_program(plan)
    output, results = _results(forward, name)
    writer = Writer(forward, output, results, name, block)
    sizes = tuple(array.lanes for array in plan.inputs)
    return CFunction(name, writer.text(), writer.memory, sum(count for _, count in results), sizes, plan.theta.lanes)


def _results(forward: Forward, name: str) -> tuple[Operand | None, list[tuple[Operand, int]]]:
    """The output whose mean is wanted, if that is so; and the results, each with the number of its rows."""
    plan, program, outputs = forward.plan, forward.program, forward.outputs
    if name == "value":
        return None, [(output, 1) for output in outputs]
    [output] = outputs
    if name == "value_and_grad":
        [g] = differentiate(forward, output, [forward.theta], -1 if is_batched(output) else 0)
        return output, [(g if g == ZERO else program.full(g, forward.theta.lanes, False), forward.theta.lanes)]
    if name == "per_example":
        [g] = differentiate(forward, output, [forward.theta], 0, each=True)
        return None, [(g, forward.theta.lanes)]
    wanted = [forward.arrays[array] for array in plan.inputs]
    found = iter(differentiate(forward, output, [array for array in wanted if array.lanes], 0))
    return None, [(next(found), array.lanes) for array in wanted if array.lanes]


class Writer(Products):
    """Sorts the instructions into loops, finds a place for each array, and writes each word by a method of its own."""

    def __init__(
        self, forward: Forward, output: Operand | None, results: Sequence[tuple[Operand, int]], name: str, block: int
    ) -> None:  # fmt: skip
        self.name, self.output, self.results = name, output, results
        self.parameters = forward.theta.lanes
        self.inputs = [forward.arrays[array] for array in forward.plan.inputs]
        roots = [a.array for a in (output, *(result for result, _ in results)) if isinstance(a, Rows)]
        roots += forward.checked
        kept = needed(forward.program.code, roots)
        self.code = needed(forward.program.code, [*roots, *(source for array in kept for source in _sources(array))])
        self.roots = set(roots)
        self.rowwise = {forward.arrays[array] for array in examples_in_rows(forward.plan)}
        self.when: dict[Array, int] = {}
        for array in self.code:
            self.when[array] = self._time(array)
        self.placed = {array: (scatter, places) for array, (scatter, places) in
                       placed(self.code, self.roots).items() if not array.batched or covers(scatter)[0]}  # fmt: skip
        [(whole, _), *_] = results or [(ZERO, 0)]
        self.gradient = whole.array if name == "value_and_grad" and isinstance(whole, Rows) and whole.complete else None
        if self.gradient and (self.gradient.op in ("theta", "numbers") or self.gradient in self.placed):
            self.gradient = None  # it is copied at the end
        self.tables: dict[str, str] = {}
        self.units = {time: self._units(time) for time in (BEFORE, DURING, AFTER)}
        self.unit_of = {array: i for i, unit in enumerate(self.units[DURING]) for array in unit}
        self.unstored = self._unstored()
        self.block = block
        self.ones = self._ones()
        self._settle()

    # --- in which order, and in which loops

    def _time(self, array: Array) -> int:
        read = [a.array for a in array.args if isinstance(a, Rows)]
        if array.batched or any(one.batched for one in read):
            return DURING
        sums = any(self.when[one] == AFTER or (self.when[one] == DURING and not one.batched) for one in read)
        return AFTER if sums else BEFORE

    def _units(self, time: int) -> list[Unit]:
        """The instructions of that time; those that work number by number on as many rows share a loop."""
        units: list[Unit] = []
        for array in self.code:
            if self.when[array] != time or array.op in ("theta", "numbers", "input"):
                continue
            last = units[-1] if units else []
            if last and _by_number(array) and _by_number(last[0]) and _fits(array, last):
                last.append(array)
            else:
                units.append([array])
        return units

    def _unstored(self) -> set[Array]:
        """The arrays that are read in the loop that makes them, and nowhere else."""
        home = {
            array: (time, i) for time, units in self.units.items() for i, unit in enumerate(units) for array in unit
        }
        found = {array for array in home if _by_number(array) and array not in self.roots and array not in self.placed}
        for array in self.code:
            for a in [*[a.array for a in array.args if isinstance(a, Rows)], *_sources(array)]:
                if a in found and home[a] != home.get(array):
                    found.discard(a)
        return found

    # --- where arrays lie

    def _ones(self) -> dict[Array, int]:
        """How many rows of ones stand behind each array. A product does without its last one: it knows of a bias."""
        found = dict.fromkeys(self.code, 0)
        for array in self.code:
            if array.op in ("matmul", "outer"):
                rights, *_, ones = array.extra
                side = array.args[1].array
                every = self.block == 1 or (array.op == "outer" and array.batched)
                found[side] = max(found[side], (ones - (ones > 0 and not every)) * rights)
        return found

    def _home(self, array: Array) -> Array:
        while array in self.placed:
            array = self.placed[array][0]
        return array

    def _settle(self) -> None:
        """A place in w for each array. Batched ones that are needed no more leave theirs to others."""
        first: dict[Array, int] = {}
        last: dict[Array, int] = {}
        end = len(self.units[DURING])
        for array in self.code:
            if not array.batched or array in self.unstored:
                continue
            home, at = self._home(array), self.unit_of.get(array, -1)
            always = self.ones[array] and array not in self.rowwise  # their rows of ones are written once
            first[home] = min(first.get(home, end), -1 if always else at)
            last[home] = max(last.get(home, -1), end if always or array in self.roots else at)
        for array in self.code:
            at = self.unit_of.get(array, -1)
            for read in [*[a.array for a in array.args if isinstance(a, Rows)], *_sources(array)]:
                if read.batched and read not in self.unstored:
                    last[self._home(read)] = max(last[self._home(read)], at)
        tall, row = 0, dict[Array, int]()
        active: list[tuple[int, int, int]] = []  # row, how many rows, and until when
        for array in sorted(first, key=first.__getitem__):
            count, place = array.lanes + self.ones[array], 0
            if array in self.rowwise:
                count = -(-count // 8) * 8
            active = [one for one in active if one[2] >= first[array]]
            for start, size, _ in sorted(active):
                if start - place >= count:
                    break
                place = max(place, start + size)
            active.append((place, count, last[array]))
            row[array], tall = place, max(tall, place + count)
        if not self.block:
            most = max(8, min(WIDEST, ROOM // max(1, tall)))
            self.block = next(size for size in range(most // 8 * 8, 0, -8) if size // 8 % 2 or size == 8)
        self.place = {array: (start * self.block) for array, start in row.items()}
        at = tall * self.block
        for array in self.code:
            if array.batched or array.op in ("theta", "numbers") or array is self.gradient or array in self.placed:
                continue
            if array not in self.unstored:
                self.place[array] = at
                at += array.lanes
        self.memory = at + SLACK

    # --- the whole text

    def text(self) -> str:
        """The functions, without the prelude."""
        written = {time: [self._unit(unit) for unit in units] for time, units in self.units.items()}
        parts: list[str] = []
        calls = {}
        for time, prepared in ((BEFORE, self._start()), (DURING, self._load()), (AFTER, [])):
            lines = [line for line in (*prepared, *written[time], *(self._end() if time == DURING else [])) if line]
            calls[time] = self._functions(time, lines, parts)
        body = [f"static long cr_{self.name}({ARGUMENTS}) {{"]
        if self.block == 1:
            body += ["  const double N = 1.0;", "  const long start = 0, m = 1, k = 1;", "  long wrong = 0;"]
            body += [*self._begin(), *calls[BEFORE], *calls[DURING], *calls[AFTER], *self._finish()]
        else:
            body += [
                "  const double N = (double)n;",
                f"  const long parts = (n + {self.block - 1}) / {self.block}, share = (n + parts - 1) / parts;",
                "  const long most = (share + 7) / 8 * 8;", "  long start = 0, m = most, k = most, wrong = 0;",
                *self._begin(), *calls[BEFORE],
                "  for (start = 0; start < n; start += most) {", "    m = n - start < most ? n - start : most;",
                "    k = (m + 7) / 8 * 8;", *[f"  {call}" for call in calls[DURING]], "  }", *calls[AFTER],
                *self._finish(),
            ]  # fmt: skip
        body += [
            "  (void)x; (void)theta; (void)w; (void)value; (void)out; (void)n; (void)N; (void)start; (void)m; (void)k;"
        ]
        body += ["  return wrong;", "}"]
        constants = [f"static const {key.replace(' ', f' {name}', 1)}" for key, name in self.tables.items()]
        return "\n".join([*constants, *parts, *body]) + "\n"

    def _functions(self, time: int, lines: Sequence[str], parts: list[str]) -> list[str]:
        """The loops as functions, not too many in each; and the calls of these."""
        calls = []
        for start in range(0, len(lines), TOGETHER):
            body = "\n".join(lines[start : start + TOGETHER])
            name = f"cr_{self.name}_part_{len(parts)}"
            parts.append(
                f"CR_PART long {name}(const double N, long n, long start, long m, long k, const double *theta, "
                "const double *const *x, double *w, double *value, double *out) {\n"
                + ("  k = (m + 7) / 8 * 8;\n" if self.block > 1 else "")
                + "  long wrong = 0;\n"
                f"{body}\n  (void)N; (void)n; (void)start; (void)m; (void)k; (void)theta; (void)x; (void)w;"
                " (void)value; (void)out;\n  return wrong;\n}"
            )
            calls.append(f"  wrong |= {name}(N, n, start, m, k, theta, x, w, value, out);")
        return calls

    def _begin(self) -> list[str]:
        return ["  value[0] = 0.0;"] if self.name == "value_and_grad" else []

    def _start(self) -> list[str]:
        """The rows of ones, and the zeros that nothing is written over."""
        lines = []
        for array in self.code:
            if self.ones[array] and array not in self.rowwise:
                lines.append(self.loop(self.ones[array], True, f"{self._beside(array, array.lanes)} = 1.0;"))
            if array.op == "scatter" and not array.batched and not covers(array)[0]:
                lines.append(self.loop(array.lanes, False, f"{self.into(array)} = 0.0;"))
        return lines

    def _beside(self, array: Array, row: int) -> str:
        """A number behind the rows of an array."""
        pointer, place = self.at(array, row).split(" + ")
        return self.element(pointer, int(place), True, "i")

    def _load(self) -> list[str]:
        """The inputs of these examples; behind the last one, it is repeated up to a whole vector."""
        lines = []
        for i, array in enumerate(self.inputs):
            if array not in self.place:
                continue
            given, lanes = f"x[{i}]", array.lanes
            if array in self.rowwise:
                width = self.stride(array)
                pointer = self.at(array)
                rest = "".join(
                    f" o[{lane}] = {float(lane < lanes + self.ones[array])};" for lane in range(lanes, width)
                )
                lines.append(
                    "  for (long j = 0; j < k; j++) {\n"
                    f"    const double *from = {given} + (start + (j < m ? j : m - 1)) * {lanes};\n"
                    f"    double *o = {pointer} + j * {width};\n"
                    f"    for (long i = 0; i < {lanes}; i++) o[i] = from[i];\n   {rest}\n  }}"
                )
            elif self.block == 1:
                lines.append(self.loop(lanes, True, f"{self.into(array)} = {given}[i];"))
            else:
                to, rest = self.into(array), self.into(array, column="m - 1")
                lines.append(
                    f"  for (long i = 0; i < {lanes}; i++) {{\n"
                    f"    for (long j = 0; j < m; j++) {to} = {given}[(start + j) * {lanes} + i];\n"
                    f"    for (long j = m; j < k; j++) {to} = {rest};\n  }}"
                )
        return lines

    def _end(self) -> list[str]:
        """What is given to the caller of these examples."""
        lines = []
        if self.name == "value_and_grad":
            if is_batched(self.output):  # type: ignore[arg-type]
                lines.append(f"  value[0] += {self._sum_over_examples(self.output, '0')};")
            return lines
        start = 0
        for result, count in self.results:
            text = self.number(result)
            to = f"out[{start} + i]" if self.block == 1 else f"out[({start} + i) * n + start + j]"
            lines.append(self.loop(count, True, f"{to} = {text};", "m"))
            start += count
        return lines

    def _finish(self) -> list[str]:
        if self.name != "value_and_grad":
            return []
        assert self.output is not None
        batched = is_batched(self.output)
        lines = ["  value[0] /= N;" if batched else f"  value[0] = {self.number(self.output, '0')};"]
        [(whole, count)] = self.results
        if isinstance(whole, Number) or whole.array is not self.gradient:
            lines.append(self.loop(count, False, f"out[i] = {self.number(whole)};"))
        return lines

    # --- loops

    def _unit(self, unit: Unit) -> str:
        first = unit[0]
        if _by_number(first):
            return self._by_number(unit)
        if first.op not in WORDS or not hasattr(self, f"_{first.op}"):
            raise NoExpression(f"C has no word for {getattr(first.op, 'name', first.op)}")
        text: str = getattr(self, f"_{first.op}")(first)
        return text and f"  /* {self.said(first)} */\n{text}"

    def said(self, array: Array) -> str:
        """The instruction in a comment."""
        args = [shown(a, a.array.name or str(a.array.op)) if isinstance(a, Rows) else shown(a) for a in array.args]
        text = f"{array.name or 'it'} = {getattr(array.op, 'name', array.op)}({', '.join(args)})"
        return text.replace("*/", "* /").replace("/*", "/ *")

    def _by_number(self, unit: Unit) -> str:
        """Instructions that work number by number, in one loop."""
        made: dict[Array, str] = {}
        statements = []

        def given(a: Operand) -> str:
            known = made.get(a.array) if isinstance(a, Rows) else None
            return known or self.number(a)

        for i, array in enumerate(unit):
            text = self._expression(array, [given(a) for a in array.args])
            made[array] = f"t{i}"
            statements.append(f"const double t{i} = {text};")
            if array not in self.unstored:
                statements.append(f"{self.into(array)} = t{i};")
        comment = "; ".join(map(self.said, unit[:3])) + ("; …" if len(unit) > 3 else "")
        body = self.loop(unit[0].lanes, unit[0].batched, "\n    ".join(statements))
        return f"  /* {comment} */\n{body}"

    def _expression(self, array: Array, texts: Sequence[str]) -> str:
        op = array.op
        if op == "full":
            return texts[0]
        if op == "hot":
            width, label = array.extra
            chosen = self.into(label, "0")
            hit = f"({chosen} == (double)i ? 1.0 / N : 0.0)"
            return hit if array.lanes == width else f"(i == {width} ? -1.0 / N : {hit})"
        if isinstance(op, Op):
            return spelled(expression(op), texts)
        return primitive(op, texts)

    def _sum_over_examples(self, x: Operand | None, row: str) -> str:
        if self.block == 1:
            return self.number(x, row)
        return f"cr_sum(m, &{self.number(x, row, '0')}, 1)"

    # --- gathering

    def _take(self, array: Array) -> str:
        [x] = array.args
        assert isinstance(x, Rows)
        table = self.table([x.start + x.step * lane for lane in array.extra[0]], "int")
        source = self.number(Rows(x.array, 0, 1, max(2, x.array.lanes)), f"{table}[i]")
        return self.loop(array.lanes, array.batched, f"{self.into(array)} = {source};")

    def _scatter(self, array: Array) -> str:
        whole, more = covers(array)
        lines = []
        if more or (array.batched and not whole):
            lines.append(self.loop(array.lanes, array.batched, f"{self.into(array)} = 0.0;"))
        for part, places, first in zip(array.args, array.extra[0], first_writes(array)):
            if isinstance(part, Rows) and self.placed.get(part.array) == (array, places) and part.complete:
                continue
            rising = list(places) == list(range(places[0], places[0] + len(places)))
            row = f"({places[0]} + i)" if rising else f"{self.table(places, 'int')}[i]"
            to = self.number(Rows(array, 0, 1, max(2, array.lanes)), row)
            lines.append(self.loop(len(places), array.batched, f"{to} {'' if first else '+'}= {self.number(part)};"))
        return "\n".join(lines)

    # --- sums

    def _examples(self, array: Array) -> str:
        [x] = array.args
        to = self.into(array)
        if self.block == 1:
            return self.loop(array.lanes, False, f"{to} = {self.number(x)};")
        return self.loop(array.lanes, False, f"{to} = (start > 0 ? {to} : 0.0) + {self._sum_over_examples(x, 'i')};")

    def _inner(self, array: Array) -> str:
        one, other = array.args
        assert isinstance(one, Rows) and isinstance(other, Rows)
        a, b = (f"{self.at(each.array, each.start)}, {each.step}" for each in (one, other))
        return f"  {self.into(array, '0')} = cr_inner({one.count}, {a}, {b});"

    def _sum(self, array: Array) -> str:
        return self._reduced(array, "({} + {})")

    def _largest(self, array: Array) -> str:
        return self._reduced(array, c_words.WORDS["maximum"])

    def _reduced(self, array: Array, joined: str) -> str:
        """Some rows of the operand together make each row."""
        [x], sizes = array.args, array.extra[0]
        assert isinstance(x, Rows)
        if not array.batched and len(sizes) == 1 and array.op == "sum":
            return f"  {self.into(array, '0')} = cr_sum({sizes[0]}, {self.at(x.array, x.start)}, {x.step});"

        def term(row: str) -> str:
            return self.number(Rows(x.array, x.start, x.step, max(2, x.count)), row)

        to, same, count = self.into(array), len(set(sizes)) == 1, len(sizes)
        across = len(array.extra) > 1
        if same and sizes[0] <= UNROLLED:
            rows = [f"({t * count} + i)" if across else f"(i * {sizes[0]} + {t})" for t in range(sizes[0])]
            text = term(rows[0])
            for row in rows[1:]:
                text = joined.format(text, term(row))
            return self.loop(count, array.batched, f"{to} = {text};")
        if across:
            start = self.loop(count, array.batched, f"{to} = {term('i')};")
            more = self.loop(count, array.batched, f"{to} = {joined.format(to, term(f'(t * {count} + i)'))};")
            return f"{start}\n  for (long t = 1; t < {sizes[0]}; t++) {{\n{more}\n  }}"
        starts = [0, *accumulate(sizes)]
        first = f"(i * {sizes[0]})" if same else f"{self.table(starts, 'int')}[i]"
        last = f"((i + 1) * {sizes[0]})" if same else f"{self.table(starts, 'int')}[i + 1]"
        inner = "CR_LOOP for (long j = 0; j < k; j++) " if array.batched and self.block > 1 else ""
        return (
            f"  for (long i = 0; i < {len(sizes)}; i++) {{\n    {inner}{to} = {term(first)};\n"
            f"    for (long t = {first} + 1; t < {last}; t++) {inner}{to} = {joined.format(to, term('t'))};\n  }}"
        )

    # --- what an index picks

    def _index(self, array: Array) -> str:
        count, used, source = array.extra
        if used is None:
            [x] = array.args
            text = self.number(x)
        else:
            text = self.number(Rows(source, 0, 1, max(2, source.lanes)), f"{self.table(used, 'int')}[i]")
        body = (f"const double v = {text}; const int good = v >= 0.0 && v < {count}.0 && v == floor(v); "
                f"wrong |= !good; {self.into(array)} = good ? v : 0.0;")  # fmt: skip
        return self.loop(array.lanes, array.batched, body).replace("CR_LOOP ", "")

    def _flat(self, array: Array) -> str:
        """The lane that is picked: choice c of lane l is lane at[l * width + c] of the choices."""
        at, width, _, _ = array.extra
        [index] = array.args
        text = f"{self.table(at, 'int')}[i * {width} + (long){self.number(index)}]"
        return self.loop(array.lanes, array.batched, f"{self.into(array)} = {text};")

    def _pick(self, array: Array) -> str:
        source, flat = array.args
        assert isinstance(source, Rows)
        choice = self.number(Rows(source.array, source.start, source.step, max(2, source.count)),
                             f"(long){self.number(flat)}")  # fmt: skip
        return self.loop(array.lanes, array.batched, f"{self.into(array)} = {choice};")

    def _put(self, array: Array) -> str:
        g, flat = array.args
        assert isinstance(flat, Rows)
        to = self.number(Rows(array, 0, 1, max(2, array.lanes)), f"(long){self.number(flat)}")
        zero = self.loop(array.lanes, array.batched, f"{self.into(array)} = 0.0;")
        if not array.batched and self.block > 1 and is_batched(flat):
            zero = f"  if (start == 0) {{\n{zero}\n  }}"
        body = self.loop(flat.count, is_batched(flat), f"{to} += {self.number(g)};", "m").replace("CR_LOOP ", "")
        return f"{zero}\n{body}"


def _by_number(array: Array) -> bool:
    """Whether it works number by number: these may share a loop."""
    return array.op not in WORDS or array.op in ("full", "hot")


def _fits(array: Array, unit: Unit) -> bool:
    """Whether an array may be computed in the loop of these: it reads of them what the loop has just made."""
    if array.lanes != unit[0].lanes or array.batched is not unit[0].batched:
        return False
    return all(
        a.array not in unit or (a.complete and a.step == 1 and a.count == array.lanes)
        for a in array.args if isinstance(a, Rows)
    )  # fmt: skip


def _sources(array: Array) -> list[Array]:
    """The inputs that an instruction reads beside its operands."""
    return [source for source in array.extra if isinstance(source, Array)] if array.op in ("index", "hot") else []


__all__ = ["ARGUMENTS", "SLACK", "CFunction", "array_function"]
