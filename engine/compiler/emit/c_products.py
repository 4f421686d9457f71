"""Products of matrices in C: calls of the kernels, or loops where none of these fits."""

from __future__ import annotations

from collections.abc import Sequence

from ..arrays.ir import Array, Rows
from ..arrays.place import there
from .c_places import Places


class Products(Places):
    """A method for each word of an array program that multiplies matrices."""

    def _side(self, side: Rows) -> tuple[str, int, bool]:
        """The right side of a product: where it begins, its stride, and whether an example is a row."""
        if side.array in self.rowwise:
            return f"{self.at(side.array)} + {side.start}", self.stride(side.array), True
        return self.at(side.array, side.start), self.block, False

    def _each_right(self, rights: int, *calls: str) -> str:
        """Calls for each right side; in the text, @ stands for where one begins."""
        if rights == 1:
            return "\n".join(f"  {call.replace(' + @', '')};" for call in calls)
        text = " ".join(f"{call.replace('@', f'r * {self.block}')};" for call in calls)
        return f"  for (long r = 0; r < {rights}; r++) {{ {text} }}"

    def _rows(self, rights: int, lefts: int, width: int, matrix: str, bias: str, side: str, to: str) -> str:
        """A matrix times each right side; `matrix` is where it begins, and its strides."""
        if self.block == 1:
            return f"  cr_rows({lefts}, {rights}, {width}, {matrix}, {bias}, {side}, {rights}, {to}, {rights}, 0);"
        apart = rights * self.block
        call = f"cr_rows({lefts}, k, {width}, {matrix}, {bias}, {side} + @, {apart}, {to} + @, {apart}, 0)"
        return self._each_right(rights, call)

    def _matmul(self, array: Array) -> str:
        rights, lefts, width, ones = array.extra
        left, side = array.args
        A, (X, stride, rowwise), to, B = self._matrix(left), self._side(side), self.at(array), self.block
        if B == 1 and rights == 1:
            return f"  cr_dots(1, {lefts}, {width}, {X}, {width}, 0, {A}, {width}, {to}, {lefts}, 0);"
        keep, bias = (width - 1, f"{A} + {width - 1}") if ones and B > 1 else (width, "0")
        if rowwise and B > 1:
            return f"  cr_dots({lefts}, k, {keep}, {A}, {width}, {bias}, {X}, {stride}, {to}, {B}, 0);"
        return self._rows(rights, lefts, keep, f"{A}, {width}, 1", bias, X, to)

    def _matrix(self, x: Rows) -> str:
        return self.at(x.array, x.start)

    def _outer(self, array: Array) -> str:
        rights, lefts, width, ones = array.extra
        g, side, _ = array.args
        G, (X, stride, rowwise), B = self._matrix(g), self._side(side), self.block
        to = self.at(array)
        if array.batched:  # a matrix for each example
            column = "j" if B > 1 else "0"
            other = f"*({X} + {column} * {stride} + c)" if rowwise else f"*({X} + (c * {rights} + r) * {B} + {column})"
            product = f"*({G} + (l * {rights} + r) * {B} + {column}) * {other}"
            cell = f"*({to} + (l * {width} + c) * {B} + {column})"
            examples = "CR_LOOP for (long j = 0; j < k; j++) " if B > 1 else ""
            return (
                f"  for (long l = 0; l < {lefts}; l++) for (long c = 0; c < {width}; c++)\n"
                f"  for (long r = 0; r < {rights}; r++) {examples}{{\n"
                f"    const double p = {product}; {cell} = r ? {cell} + p : p; }}"
            )
        if (rowwise and B == 1) or (B == 1 and rights == 1):
            return f"  cr_rows({lefts}, {width}, 1, {G}, 1, 1, 0, {X}, {width}, {to}, {width}, 0);"
        if B == 1:
            return f"  cr_dots({lefts}, {width}, {rights}, {G}, {rights}, 0, {X}, {rights}, {to}, {width}, 0);"
        more, keep = self.more() if rights == 1 else f"{self.more()} || r > 0", width - (ones > 0)
        if rowwise:
            calls = [f"cr_rows({lefts}, {keep}, m, {G}, {B}, 1, 0, {X}, {stride}, {to}, {width}, {more})"]
        else:
            sides = f"{G} + @, {rights * B}, 0, {X} + @, {rights * B}"
            calls = [f"cr_dots({lefts}, {keep}, m, {sides}, {to}, {width}, {more})"]
        if ones:
            calls.append(f"cr_row_sums({lefts}, m, {G} + @, {rights * B}, {to} + {keep}, {width}, {more})")
        return self._each_right(rights, *calls)

    def _back(self, array: Array) -> str:
        rights, lefts, width, keep = array.extra
        left, g = array.args
        A, G, to = self._matrix(left), self._matrix(g), self.at(array)
        if self.block == 1 and rights == 1:
            return f"  cr_rows(1, {keep}, {lefts}, {G}, {lefts}, 1, 0, {A}, {width}, {to}, {keep}, 0);"
        return self._rows(rights, keep, lefts, f"{A}, 1, {width}", "0", G, to)

    def _einsum(self, array: Array) -> str:
        """A loop for each axis; for one example it is a product of matrices where the axes allow that."""
        first, second = array.args
        axes, sizes = array.extra[:3], dict(array.extra[3])
        steps = [_strides(letters, sizes, step) for letters, step in zip(axes, (first.step, second.step, 1))]
        pointers = [self._matrix(first), self._matrix(second), self.at(array)]
        gone = [letter for letter in sizes if letter not in axes[2] and any(letter in each for each in axes[:2])]
        masks = [there(x) if self.name != "value_and_grad" else None for x in (first, second)]
        if self.block == 1 and not any(masks) and (product := _as_product(axes, sizes, steps, pointers, gone)):
            return product

        def row_of(which: int) -> str:
            return " + ".join(f"i_{letter} * {step}" for letter, step in steps[which].items()) or "0"

        def cell(which: int) -> str:
            row = row_of(which)
            x = (first.array, second.array, array)[which]
            column = f" * {self.block} + j" if self.block > 1 and x.batched else ""
            return f"*({pointers[which]} + ({row}){column})"

        def loops(letters: Sequence[str]) -> str:
            return "".join(f"for (long i_{one} = 0; i_{one} < {sizes[one]}; i_{one}++) " for one in letters)

        examples = "CR_LOOP for (long j = 0; j < k; j++) " if self.block > 1 else ""
        asked = " && ".join(f"{self.table(list(map(int, mask)), 'int')}[{row_of(which)}]"
                            for which, mask in enumerate(masks) if mask)  # fmt: skip
        add = f"{loops(gone)}{f'if ({asked}) ' * bool(asked)}{examples}{cell(2)} += {cell(0)} * {cell(1)};"
        return f"  {loops(list(axes[2]))}{{\n    {examples}{cell(2)} = 0.0;\n    {add}\n  }}"


def _strides(letters: str, sizes: dict[str, int], step: int) -> dict[str, int]:
    """How far a step along each axis leads in an array of these axes, row by row."""
    found = {}
    for letter in reversed(letters):
        found[letter], step = step, step * sizes[letter]
    return found


def _as_product(
    axes: Sequence[str], sizes: dict[str, int], steps: Sequence[dict[str, int]], pointers: Sequence[str],
    gone: Sequence[str],
) -> str | None:  # fmt: skip
    """An einsum as a product of matrices for each index of the axes that all three have; None if it is none."""
    if len(gone) != 1 or not axes[2]:
        return None
    last, [k] = axes[2][-1], gone
    y = 1 if last in axes[1] else 0
    x = 1 - y
    if last in axes[x] or steps[y].get(last) != 1 or k not in axes[x] or k not in axes[y]:
        return None
    own = [letter for letter in axes[2][:-1] if letter in axes[x] and letter not in axes[y]]
    shared = [letter for letter in axes[2][:-1] if letter not in own]
    if len(own) > 1 or any(letter not in axes[x] or letter not in axes[y] for letter in shared):
        return None
    places = [pointers[q] + "".join(f" + i_{one} * {steps[q][one]}" for one in shared) for q in (x, y, 2)]
    loops = "".join(f"for (long i_{one} = 0; i_{one} < {sizes[one]}; i_{one}++) " for one in shared)
    rows, a0, c0 = (sizes[own[0]], steps[x][own[0]], steps[2][own[0]]) if own else (1, 1, 1)
    return (f"  {loops}cr_rows({rows}, {sizes[last]}, {sizes[k]}, {places[0]}, {a0}, {steps[x][k]}, 0, {places[1]}, "
            f"{steps[y][k]}, {places[2]}, {c0}, 0);")  # fmt: skip
