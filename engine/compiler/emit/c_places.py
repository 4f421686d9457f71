"""In which loops a function in C computes its arrays, where these lie, and how a number of them is written."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..arrays.ir import WORDS, Array, Number, Operand, Rows
from ..arrays.place import covers, home, placed
from ..arrays.whole import Function
from .c_function import SLACK
from .c_words import number

WIDEST = 104  # examples side by side, in the nearest cache; 8 times an odd number, so that rows do not clash in it
ROOM = 1 << 18  # numbers that all arrays may have together, before there are fewer examples side by side
BEFORE, DURING, AFTER = range(3)  # when an array is computed: before the examples, for each block of them, after them

Unit = list[Array]  # arrays of so many rows that are computed number by number in one loop, or another array alone


class Places:
    """The loops and the places of all arrays of a function, for a block of examples side by side."""

    def __init__(self, function: Function, block: int) -> None:
        self.function, self.name, self.block = function, function.name, block
        self.roots, self.rowwise = set(function.roots), function.rowwise
        read = {*function.code, *[source for array in function.code for source in _sources(array)]}
        self.code = [array for array in function.inputs if array in read]
        self.code += [array for array in function.code if array.op != "input"]
        self.when: dict[Array, int] = {}
        for array in self.code:
            self.when[array] = self._time(array)
        self.placed = {array: rows for array, rows in placed(self.code, self.roots).items()
                       if not array.batched or covers(rows.array)[0]}  # fmt: skip
        self.gradient = self._gradient()
        self.tables: dict[str, str] = {}  # the names of constant arrays, by their texts
        self.units = {time: self._units(time) for time in (BEFORE, DURING, AFTER)}
        self.unit_of = {array: i for i, unit in enumerate(self.units[DURING]) for array in unit}
        self.unstored = self._unstored()
        self.ones = self._ones()
        self.place: dict[Array, int] = {}  # where in w an array begins
        self._settle()

    def _gradient(self) -> Array | None:
        """What is written into the caller's memory as it is computed."""
        last = self.function.results[-1] if self.name == "value_and_grad" else None
        array = last.array if isinstance(last, Rows) and last.complete else None
        return None if array is None or array.op in ("theta", "numbers") or array in self.placed else array

    # --- in which order, and in which loops

    def _time(self, array: Array) -> int:
        if array.batched or any(one.batched for one in array.reads):
            return DURING
        sums = any(self.when[one] == AFTER or (self.when[one] == DURING and not one.batched) for one in array.reads)
        return AFTER if sums else BEFORE

    def _units(self, time: int) -> list[Unit]:
        """The instructions of that time; those that work number by number on as many rows share a loop."""
        units: list[Unit] = []
        for array in self.code:
            if self.when[array] != time or array.op in ("theta", "numbers", "input"):
                continue
            last = units[-1] if units else []
            if last and by_number(array) and by_number(last[0]) and _fits(array, last):
                last.append(array)
            else:
                units.append([array])
        return units

    def _unstored(self) -> set[Array]:
        """The arrays that are read in the loop that makes them, and nowhere else."""
        loop = {
            array: (time, i) for time, units in self.units.items() for i, unit in enumerate(units) for array in unit
        }
        found = {array for array in loop if by_number(array) and array not in self.roots and array not in self.placed}
        for array in self.code:
            for a in [*array.reads, *_sources(array)]:
                if a in found and loop[a] != loop.get(array):
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

    def _settle(self) -> None:
        """A place in w for each array. Batched ones that are needed no more leave theirs to others."""
        first: dict[Array, int] = {}
        last: dict[Array, int] = {}
        end = len(self.units[DURING])
        for array in self.code:
            if not array.batched or array in self.unstored:
                continue
            its, at = home(array, self.placed), self.unit_of.get(array, -1)
            always = self.ones[array] and array not in self.rowwise  # their rows of ones are written once
            first[its] = min(first.get(its, end), -1 if always else at)
            last[its] = max(last.get(its, -1), end if always or array in self.roots else at)
        for array in self.code:
            at = self.unit_of.get(array, -1)
            for read in [*array.reads, *_sources(array)]:
                if read.batched and read not in self.unstored:
                    its = home(read, self.placed)
                    last[its] = max(last[its], at)
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

    # --- how they are written

    def at(self, array: Array, row: int = 0) -> str:
        """A pointer to a row of an array."""
        return "{} + {}".format(*self.spot(array, row))

    def spot(self, array: Array, row: int) -> tuple[str, int]:
        """A row of an array: the memory in which it lies, and how far from its start."""
        stride = self.block if array.batched else 1
        while array in self.placed:
            array, row = self.placed[array].array, row + self.placed[array].start
        if array.op == "theta":
            return "theta", row
        if array.op == "numbers":
            return self.table([x.number for x in array.args]), row
        if array is self.gradient:
            return "out", row
        return "w", self.place[array] + row * stride

    def table(self, numbers: Sequence[float], kind: str = "double") -> str:
        """The name of a constant array."""
        texts = [str(x) for x in numbers] if kind != "double" else [number(x) for x in numbers]
        text = f"[{len(texts)}] = {{{', '.join(texts)}}};"
        name = self.tables.get(f"{kind} {text}")
        if name is None:
            name = self.tables[f"{kind} {text}"] = f"cr_{self.name}_{len(self.tables)}"
        return name

    def number(self, x: Operand | None, row: str = "i", column: str = "j") -> str:
        """An operand, in the text of a loop over rows and examples: the number in this row."""
        if isinstance(x, Number):
            return number(x.number) if not x.power else f"({number(x.number)} {'*/'[x.power < 0]} " + (
                "N)" if abs(x.power) == 1 else f"({' * '.join(['N'] * abs(x.power))}))")  # fmt: skip
        assert isinstance(x, Rows)
        if x.array in self.rowwise:
            place = f"{self.place[x.array] + x.start}" + (f" + {row} * {x.step}" if x.count > 1 else "")
            return f"w[{place} + {column if self.block > 1 else '0'} * {self.stride(x.array)}]"
        spot = self.spot(x.array, x.start)
        return self.element(*spot, x.array.batched, "0" if x.count == 1 else row, x.step, column)

    def element(self, pointer: str, place: int, batched: bool, row: str, step: int = 1, column: str = "j") -> str:
        """The number in a row, which is a variable or "0", behind a place."""
        terms = [str(place)] if place else []
        if row != "0":
            stride = step * (self.block if batched else 1)
            terms.append(f"{row} * {stride}" if stride != 1 else row)
        if batched and self.block > 1:
            terms.append(column)
        return f"{pointer}[{' + '.join(terms) or '0'}]"

    def into(self, array: Array, row: str = "i", column: str = "j") -> str:
        """The place of a number in this row of a whole array, to be written to."""
        return self.number(array.whole, row, column)

    def stride(self, array: Array) -> int:
        """How far the examples of an array lie apart that has one in each row."""
        return -(-(array.lanes + self.ones[array]) // 8) * 8

    def loop(self, rows: int, batched: bool, body: str, examples: str = "k") -> str:
        """A loop over rows i, and in it over examples j where it is batched."""
        lines, inner = [], batched and self.block > 1
        if rows != 1:
            lines.append(f"  for (long i = 0; i < {rows}; i++)")
        if inner:
            lines.append(f"  CR_LOOP for (long j = 0; j < {examples}; j++)")
        if rows == 1:
            body = f"const long i = 0; (void)i; {body}" if _uses(body, "i") else body
        return "\n".join([*lines, f"  {{ {body} }}"])

    def more(self) -> str:
        """In C, whether a sum over the examples has begun, with those of the blocks before."""
        return "start > 0" if self.block > 1 else "0"


def by_number(array: Array) -> bool:
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


def _uses(text: str, name: str) -> bool:
    return re.search(rf"\b{name}\b", text) is not None
