"""The text of an array program in C: loops over the rows of arrays, for some examples side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

from ...op import Op
from ..arrays.ir import WORDS, Array, Operand, Rows, is_batched, shown
from ..arrays.place import copied, covers
from ..arrays.whole import Function
from ..expression import NoExpression, expression
from . import c_words
from .c_function import ARGUMENTS, CFunction, part, unused
from .c_places import AFTER, BEFORE, DURING, Unit, by_number
from .c_products import Products
from .c_words import primitive, spelled

UNROLLED = 8  # terms of a sum that are written out
TOGETHER = 40  # loops in one function: a compiler takes quadratic time for long ones
PART = "const double N, long n, long start, long m, long k, " + ARGUMENTS.partition(", ")[2]  # what its loops read


def array_function(function: Function, block: int = 0) -> CFunction:
    """The function in C.

    `block` is how many examples lie side by side; without it, as many as fit into the caches. With 1, n is always 1,
    and the text is made for that.

    Errors: NoExpression for what C has no words for.
    """
    return Writer(function, block).function_in_c()


class Writer(Products):
    """Writes each word by a method of its own, and the loops as functions."""

    # --- the whole text

    def function_in_c(self) -> CFunction:
        """The text, without the prelude, and what a caller has to know."""
        written = {time: [self._unit(unit) for unit in units] for time, units in self.units.items()}
        parts: list[str] = []
        before = self._functions([*self._start(), *written[BEFORE]], parts)
        during = self._functions([*self._load(), *written[DURING], *self._end()], parts)
        after = self._functions(written[AFTER], parts)
        body = [f"static long cr_{self.name}({ARGUMENTS}) {{"]
        if self.block == 1:
            body += ["  const double N = 1.0;", "  const long start = 0, m = 1, k = 1;", "  long wrong = 0;"]
            body += [*self._begin(), *before, *during, *after, *self._finish()]
        else:
            body += [
                "  const double N = (double)n;",
                f"  const long parts = (n + {self.block - 1}) / {self.block}, share = (n + parts - 1) / parts;",
                "  const long most = (share + 7) / 8 * 8;", "  long start = 0, m = most, k = most, wrong = 0;",
                *self._begin(), *before,
                "  for (start = 0; start < n; start += most) {", "    m = n - start < most ? n - start : most;",
                "    k = (m + 7) / 8 * 8;", *[f"  {call}" for call in during], "  }", *after,
                *self._finish(),
            ]  # fmt: skip
        body += [unused(PART), "  return wrong;", "}"]
        constants = [f"static const {key.replace(' ', f' {name}', 1)}" for key, name in self.tables.items()]
        text = "\n".join([*constants, *parts, *body]) + "\n"
        results = tuple(self.function.rows[self.name == "value_and_grad" :])
        sizes = tuple(array.lanes for array in self.function.inputs)
        return CFunction(self.name, text, self.memory, results, sizes, self.function.parameters)

    def _functions(self, lines: Iterable[str], parts: list[str]) -> list[str]:
        """The loops as functions, not too many in each; and the calls of these."""
        calls, lines = [], list(filter(None, lines))
        for start in range(0, len(lines), TOGETHER):
            body = ["  k = (m + 7) / 8 * 8;"] * (self.block > 1) + lines[start : start + TOGETHER]
            text, call = part(f"cr_{self.name}_part_{len(parts)}", PART, "\n".join(body))
            parts.append(text)
            calls.append(f"  {call}")
        return calls

    def _begin(self) -> list[str]:
        return ["  value[0] = 0.0;"] if self.name == "value_and_grad" else []

    def _start(self) -> list[str]:
        """The rows of ones, and the zeros that nothing is written over."""
        lines = []
        for array in self.code:
            if self.ones[array] and array not in self.rowwise:
                behind = self.element(*self.spot(array, array.lanes), True, "i")
                lines.append(self.loop(self.ones[array], True, f"{behind} = 1.0;"))
            if array.op == "scatter" and not array.batched and not covers(array)[0]:
                lines.append(self.loop(array.lanes, False, f"{self.into(array)} = 0.0;"))
        return lines

    def _load(self) -> list[str]:
        """The inputs of these examples; behind the last one, it is repeated up to a whole vector."""
        lines = []
        for i, array in enumerate(self.function.inputs):
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
        if self.name == "value_and_grad":
            output = self.function.results[0]
            return [f"  value[0] += {self._sum_over_examples(output, '0')};"] * is_batched(output)
        lines, start = [], 0
        for result, count in zip(self.function.results, self.function.rows):
            if count:
                to = f"out[{start} + i]" if self.block == 1 else f"out[({start} + i) * n + start + j]"
                lines.append(self.loop(count, True, f"{to} = {self.number(result)};", "m"))
            start += count
        return lines

    def _finish(self) -> list[str]:
        if self.name != "value_and_grad":
            return []
        output, whole = self.function.results
        lines = ["  value[0] /= N;" if is_batched(output) else f"  value[0] = {self.number(output, '0')};"]
        if not isinstance(whole, Rows) or whole.array is not self.gradient:
            lines.append(self.loop(self.function.parameters, False, f"out[i] = {self.number(whole)};"))
        return lines

    # --- loops

    def _unit(self, unit: Unit) -> str:
        first = unit[0]
        if by_number(first):
            return self._by_number(unit)
        if first.op not in WORDS or not hasattr(self, f"_{first.op}"):
            raise NoExpression(f"C has no word for {getattr(first.op, 'name', first.op)}")
        text: str = getattr(self, f"_{first.op}")(first)
        return text and f"  /* {self.said(first)} */\n{text}"

    def said(self, array: Array) -> str:
        """The instruction in a comment."""
        args = [shown(a, a.array.name if isinstance(a, Rows) else "") for a in array.args]
        text = f"{array.name} = {getattr(array.op, 'name', array.op)}({', '.join(args)})"
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
        table = self.table([x.start + x.step * lane for lane in array.extra[0]], "int")
        source = self.number(Rows(x.array, 0, 1, max(2, x.array.lanes)), f"{table}[i]")
        return self.loop(array.lanes, array.batched, f"{self.into(array)} = {source};")

    def _scatter(self, array: Array) -> str:
        whole, more = covers(array)
        lines = []
        if more or (array.batched and not whole):
            lines.append(self.loop(array.lanes, array.batched, f"{self.into(array)} = 0.0;"))
        for x, places, first in copied(array, self.placed):
            rising = list(places) == list(range(places[0], places[0] + len(places)))
            row = f"({places[0]} + i)" if rising else f"{self.table(places, 'int')}[i]"
            to = self.number(Rows(array, 0, 1, max(2, array.lanes)), row)
            lines.append(self.loop(len(places), array.batched, f"{to} {'' if first else '+'}= {self.number(x)};"))
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
        a, b = (f"{self.at(each.array, each.start)}, {each.step}" for each in (one, other))
        return f"  {self.into(array, '0')} = cr_inner({one.count}, {a}, {b});"

    def _sum(self, array: Array) -> str:
        return self._reduced(array, "({} + {})")

    def _largest(self, array: Array) -> str:
        return self._reduced(array, c_words.WORDS["maximum"])

    def _reduced(self, array: Array, joined: str) -> str:
        """Some rows of the operand together make each row."""
        [x], sizes = array.args, array.extra[0]
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
        text = f"(double){self.table(at, 'int')}[i * {width} + (long){self.number(index)}]"
        return self.loop(array.lanes, array.batched, f"{self.into(array)} = {text};")

    def _pick(self, array: Array) -> str:
        source, flat = array.args
        choice = self.number(Rows(source.array, source.start, source.step, max(2, source.count)),
                             f"(long){self.number(flat)}")  # fmt: skip
        return self.loop(array.lanes, array.batched, f"{self.into(array)} = {choice};")

    def _put(self, array: Array) -> str:
        g, flat = array.args
        to = self.number(Rows(array, 0, 1, max(2, array.lanes)), f"(long){self.number(flat)}")
        zero = self.loop(array.lanes, array.batched, f"{self.into(array)} = 0.0;")
        if not array.batched and self.block > 1 and is_batched(flat):
            zero = f"  if (start == 0) {{\n{zero}\n  }}"
        body = self.loop(flat.count, is_batched(flat), f"{to} += {self.number(g)};", "m").replace("CR_LOOP ", "")
        return f"{zero}\n{body}"
