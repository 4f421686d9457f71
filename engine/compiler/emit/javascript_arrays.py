"""An array program as JavaScript on typed arrays: a method for each word of the instructions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Any

from ...op import Op
from ..arrays.ir import WORDS, Array, Number, Operand, Rows
from ..arrays.place import copied, covers, there
from ..arrays.whole import Function
from ..expression import ALSO, PRIMITIVES, NoExpression, expression
from .about import Interface
from .javascript import applied, bare, number

FEW = 12  # indices that are written one by one


def bind_on_arrays(function: Function, interface: Interface) -> str:
    """The text of bind_NAME(n), which makes the arrays for n examples, and returns the function that works in them."""
    text = JavaScript(function)
    for array in function.code:
        (getattr(text, f"_{array.op}") if array.op in WORDS else text._elementwise)(array)
    returned = text.returned(function, interface)
    given = "".join(f", x{i}" for i in range(len(function.inputs)))
    lines = [*text.body, f"return {returned};"]
    inner = "".join([f"    {line}\n" for line in lines])
    made = "".join([f"  {line}\n" for line in text.made])
    return f"function bind_{function.name}(n) {{\n{made}  return (theta{given}) => {{\n{inner}  }};\n}}\n"


class JavaScript:
    """The lines of one function: `made` make the arrays, `body` runs at each call."""

    def __init__(self, function: Function) -> None:
        self.made: list[str] = []
        self.body: list[str] = []
        self._given = {array: f"x{i}" for i, array in enumerate(function.inputs)}
        self._constants: dict[str, str] = {}

    # --- what is read

    def constant(self, text: str) -> str:
        """The name of something that is made once."""
        if text not in self._constants:
            self._constants[text] = f"c{len(self._constants) + 1}"
            self.made.append(f"const {self._constants[text]} = {text};")
        return self._constants[text]

    def indices(self, lanes: Sequence[int]) -> str:
        steps = {b - a for a, b in pairwise(lanes)}
        if len(lanes) > FEW and len(steps) == 1:
            return self.constant(f"range({lanes[0]}, {steps.pop()}, {len(lanes)})")
        return self.constant(f"new Int32Array([{', '.join(map(str, lanes))}])")

    def sizes(self, sizes: Sequence[int]) -> str:
        if len(sizes) > FEW and len(set(sizes)) == 1:
            return self.constant(f"new Int32Array({len(sizes)}).fill({sizes[0]})")
        return self.indices(sizes)

    @staticmethod
    def _times_n(count: int | str, batched: bool) -> str:
        text = str(count)
        return text if not batched or text == "0" else "n" if text == "1" else f"{text} * n"

    def start(self, x: Rows) -> str:
        """The array of these rows, and where the first one begins."""
        return f"{x.array.name}, {self._times_n(x.start, x.array.batched)}"

    @staticmethod
    def value(x: Number) -> str:
        text = number(x.number)
        return (
            text
            if not x.power
            else f"({text} {'*' if x.power > 0 else '/'} n{f' ** {abs(x.power)}' * (abs(x.power) > 1)})"
        )

    def part(self, x: Operand) -> tuple[str, int, str]:
        """An operand for `place` and `put`: the array and the start; how many rows further the next one is; columns."""
        if isinstance(x, Number):
            return f"{self.constant(f'Float64Array.of({self.value(x)})')}, 0", 0, "1"
        return self.start(x), x.step if x.count > 1 else 0, self.columns(x.array)

    @staticmethod
    def columns(array: Array) -> str:
        return "n" if array.batched else "1"

    # --- what is written

    def memory(self, array: Array) -> None:
        self.made.append(f"const {array.name} = new Float64Array({self._times_n(array.lanes, array.batched)});")

    def call(self, array: Array, name: str, *arguments: Any) -> None:
        self.memory(array)
        self.body.append(f"{name}({', '.join(map(str, (array.name, *arguments)))});")

    def _theta(self, array: Array) -> None:
        """It is given."""
        array.name = "theta"

    def _numbers(self, array: Array) -> None:
        texts = [number(x.number) for x in array.args]
        self.made.append(f"const {array.name} = new Float64Array([{', '.join(texts)}]);")

    def _input(self, array: Array) -> None:
        self.call(array, "turned", self._given[array], array.lanes, self.indices(range(array.lanes)), "n")

    # --- number by number

    def _elementwise(self, array: Array) -> None:
        if isinstance(array.op, Op):
            tree: Any = expression(array.op)
        elif (name := ALSO.get(array.op, array.op)) in PRIMITIVES or name == "square":
            tree = (name, *[f"a{i}" for i in range(len(array.args))])
        else:
            raise NoExpression(f"NumPy's function {array.op} has no spelling in other languages than Python")
        self.loop(array, lambda texts: applied(tree, texts), array.args)

    def _full(self, array: Array) -> None:
        self.loop(array, lambda texts: texts[0], array.args)

    def loop(self, array: Array, spell: Any, operands: Sequence[Operand]) -> None:
        """One line for all numbers of an array; one loop where its operands lie as it does."""
        self.memory(array)
        nested = array.batched and array.lanes > 1 and not all(
            isinstance(x, Number) or (x.count == 1 and not x.array.batched)
            or (x.step == 1 and x.count == array.lanes and x.array.batched) for x in operands)  # fmt: skip
        if nested:
            head = f"for (let l = 0, i = 0; l < {array.lanes}; l += 1) for (let k = 0; k < n; k += 1, i += 1) "
        else:
            head = f"for (let i = 0; i < {self._times_n(array.lanes, array.batched)}; i += 1) "
        texts = [self.value(x) if isinstance(x, Number) else f"{x.array.name}[{self._place(x, array.lanes, nested)}]"
                 for x in operands]  # fmt: skip
        self.body.append(f"{head}{array.name}[i] = {bare(spell(texts))};")

    def _place(self, x: Rows, lanes: int, nested: bool) -> str:
        """Where an operand stands in its array, beside number i of the target."""
        start = self._times_n(x.start, x.array.batched)
        if x.count == 1 and not x.array.batched:
            return start
        if x.array.batched and x.count == 1 < lanes:
            offset = "k"
        elif x.array.batched and x.step == 1:
            offset = "i"
        elif x.array.batched:
            offset = f"{x.step} * l * n + k"
        else:
            offset = "l" if nested else "i"
            offset = offset if x.step == 1 else f"{x.step} * {offset}"
        return f"{start} + {offset}" if x.start else offset

    # --- gathering

    def _take(self, array: Array) -> None:
        [x] = array.args
        rows = self.indices([x.start + x.step * i for i in array.extra[0]])
        self.call(array, "take", x.array.name, rows, self.columns(array))

    def _scatter(self, array: Array) -> None:
        self.memory(array)
        whole, more = covers(array)
        if more or not whole:
            self.body.append(f"{array.name}.fill(0);")
        for x, places, first in copied(array, {}):
            self._put_rows(array, x, places, not first)

    def _put_rows(self, array: Array, x: Operand, places: Sequence[int], add: bool = False) -> None:
        start, step, columns = self.part(x)
        rows = self.indices(places)
        here = self.columns(array)
        self.body.append(
            f"place({array.name}, {rows}, {here}, {start}, {step}, {columns}, {'true' if add else 'false'});"
        )

    # --- products of matrices

    def _matmul(self, array: Array) -> None:
        rights, lefts, width, ones = array.extra
        W, H = array.args
        self._product(array, W, H, rights, lefts, width, width - ones)

    def _outer(self, array: Array) -> None:
        rights, lefts, width, ones = array.extra
        G, H, _ = array.args
        self._product(array, G, H, rights, lefts, width, width - ones)

    def _back(self, array: Array) -> None:
        rights, lefts, width, keep = array.extra
        W, G = array.args
        self._product(array, W, G, rights, lefts, width, keep)

    def _product(self, array: Array, one: Rows, other: Rows, rights: int, *sizes: int) -> None:
        self.call(array, array.op, self.start(one), self.start(other), *sizes, self._times_n(rights, True))

    def _einsum(self, array: Array) -> None:
        *named, sizes = array.extra
        letters, counts = [letter for letter, _ in sizes], [count for _, count in sizes]
        strides = []
        for axes in (named[2], *named[:2]):
            after = [prod(dict(sizes)[axis] for axis in axes[i + 1 :]) for i in range(len(axes))]
            strides.append([dict(zip(axes, after)).get(letter, 0) for letter in letters])
        one, other = (f"{self.start(x)}, {self._there(x)}" for x in array.args if isinstance(x, Rows))
        self.call(array, "einsum", one, other, self.constant(str(counts)), self.constant(str(strides)), "n")

    def _there(self, x: Rows) -> str:
        """Which factors of a side of an einsum are there at all: the others are 0; null if all are."""
        mask = there(x)
        if mask is None:
            return "null"
        return self.constant(f"there({x.count}, {self.indices([row for row, known in enumerate(mask) if known])})")

    # --- sums

    def _examples(self, array: Array) -> None:
        [x] = array.args
        self.call(array, "examples", self.start(x), x.step, "n")

    def _inner(self, array: Array) -> None:
        first, second = array.args
        self.memory(array)
        arguments = f"{self.start(first)}, {first.step}, {self.start(second)}, {second.step}, {first.count}"
        self.body.append(f"{array.name}[0] = inner({arguments});")

    def _sum(self, array: Array, name: str = "sums") -> None:
        [x], [sizes, *across] = array.args, array.extra
        n = self.columns(array)
        if across:  # then all rows of one term are one row
            sizes, n = sizes[:1], self._times_n(len(sizes), array.batched)
        self.call(array, name, self.start(x), x.step, self.sizes(sizes), n)

    def _largest(self, array: Array) -> None:
        self._sum(array, "largest")

    # --- what an index picks

    def _index(self, array: Array) -> None:
        count, used, source = array.extra
        if used is None:
            self.loop(array, lambda texts: texts[0], array.args)
        else:
            self.call(array, "turned", self._given[source], source.lanes, self.indices(used), "n")
        self.body.append(f"checked({array.name}, {count}, {self.columns(array)});")

    def _flat(self, array: Array) -> None:
        at, width, *_ = array.extra
        start, step, columns = self.part(array.args[0])
        self.call(array, "chosen", start, step, columns, self.indices(at), width, self.columns(array))

    def _pick(self, array: Array) -> None:
        source, flat = array.args
        columns = self.columns(source.array)
        self.call(array, "picked", self.start(source), columns, flat.array.name, self.columns(array))

    def _put(self, array: Array) -> None:
        G, flat = array.args
        start, _, _ = self.part(G)
        each, n = int(isinstance(G, Rows)), self.columns(flat.array)
        self.call(array, "put", self.columns(array), start, each, flat.array.name, n)

    def _hot(self, array: Array) -> None:
        width, label = array.extra
        self.call(array, "hot", self._given[label], width, "n")

    # --- what is returned

    def returned(self, function: Function, interface: Interface) -> str:
        """The results, as new arrays."""
        batch, parameters = interface.batch, interface.parameters
        if function.name == "value":
            rows = f"table(n, [{', '.join(map(self._row, function.results))}])"
            return rows if batch or interface.outputs is not None else f"{rows}[0]"
        if function.name == "value_and_grad":
            output, gradient = function.results
            assert output is not None
            if isinstance(gradient, Number):
                slopes = f"new Float64Array({parameters}).fill({self.value(gradient)})"
            else:
                assert gradient is not None
                slopes = f"{gradient.array.name}.slice({gradient.start}, {gradient.start + parameters})"
            if function.still:
                slopes = f"still({slopes}, {self.indices(function.still)})"
            return f"[{self._mean(output)}, {slopes}]"
        found = [self._slopes(x, array, batch or bool(shape))
                 for x, array, shape in zip(function.results, function.inputs, interface.shapes)]  # fmt: skip
        return found[0] if len(found) == 1 else f"[{', '.join(found)}]"

    def _row(self, x: Operand | None, row: int = 0) -> str:
        if not isinstance(x, Rows):
            assert x is not None
            return f"[[{self.value(x)}], 0, 0]"
        one = x.row(row)
        return f"[{self.start(one)}, {int(one.array.batched)}]"

    def _mean(self, x: Operand) -> str:
        if isinstance(x, Number):
            return self.value(x)
        return f"mean({self.start(x)}, n)" if x.array.batched else f"{x.array.name}[{x.start}]"

    def _slopes(self, x: Operand | None, array: Array, listed: bool) -> str:
        if x is None:
            return "null"
        rows = ", ".join([self._row(x, row) for row in range(array.lanes)])
        return f"table(n, [{rows}])" + "[0]" * (not listed)
