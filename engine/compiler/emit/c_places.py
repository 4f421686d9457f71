"""Where the arrays of a function in C lie, and how a number of them is written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ..arrays.ir import Array, Number, Operand, Rows
from ..literals import parsed
from .c_words import number


class Places:
    """The places of all arrays, and the texts of loops over them. Who writes a function decides on the places."""

    name: str  # of the function
    block: int  # examples side by side
    place: Mapping[Array, int]  # where in w an array begins
    placed: Mapping[Array, tuple[Array, Sequence[int]]]  # arrays that are rows of another one
    ones: Mapping[Array, int]  # rows of ones behind an array
    rowwise: set[Array]  # the inputs that have an example in each row
    gradient: Array | None  # what is written into the caller's memory
    tables: dict[str, str]  # the names of constant arrays, by their texts

    def at(self, array: Array, row: int = 0) -> str:
        """A pointer to a row of an array."""
        stride = self.block if array.batched else 1
        while array in self.placed:
            array, places = self.placed[array][0], self.placed[array][1]
            row += places[0]
        if array.op == "theta":
            return f"theta + {row}"
        if array.op == "numbers":
            return f"{self.table(list(map(parsed, array.extra[0])))} + {row}"
        if array is self.gradient:
            return f"out + {row}"
        return f"w + {self.place[array] + row * stride}"

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
        pointer, place = self.at(x.array, x.start).split(" + ")
        return self.element(pointer, int(place), x.array.batched, "0" if x.count == 1 else row, x.step, column)

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


def _uses(text: str, name: str) -> bool:
    return re.search(rf"\b{name}\b", text) is not None
