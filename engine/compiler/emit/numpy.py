"""The text of an array program: NumPy, with the names and shapes of textbooks in its comments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from ...op import Op
from ..arrays.ir import ONE, WORDS, Array, Number, Operand, Rows, shown
from ..arrays.mean import Part
from ..arrays.place import Placement, copied, covers, there
from ..arrays.plan import Step
from ..literals import indices_literal, listed, literal, shape_literal, slice_literal

SIGNS = {"square": "{}²", "add": "{} + {}", "subtract": "{} - {}", "multiply": "{} * {}", "divide": "{} / {}"}
FEW = 4  # the largest of so few rows is found faster by calls of maximum than by one reduction
LONG = 1500  # lines


class Line(NamedTuple):
    """One line of the function."""

    text: str
    comment: str
    shape: str
    steps: tuple[Step, ...]


class NumPy:
    """Writes bind(n, theta), which makes the arrays for n examples, and returns the function that works in them."""

    def __init__(
        self, code: Sequence[Array], placement: Placement, rowwise: Collection[Array] = (),
        fresh: Array | None = None, exact: bool = True,
    ) -> None:  # fmt: skip
        self.code, self.rowwise, self.fresh, self.exact = code, rowwise, fresh, exact
        self.placed, self._below, self._reused, self._taken_back, self.first = placement
        self.spare = set(self._taken_back.values())
        self.anew = {fresh.name} if fresh else set()  # the arrays that are made anew at each call
        self.lines: list[Line] = []
        self.made: list[str] = []  # the lines that make the arrays
        self.windows: list[str] = []  # and those for windows on them
        self.used: set[str] = set()  # the functions of NumPy's in the text
        self._array: Array | None = None
        self._taken = {"theta", "n", *(array.name for array in code if array not in self.placed)}
        self._counts: defaultdict[str, int] = defaultdict(int)
        self._names: dict[str, str] = {}  # of windows, constants and integers, by what they are
        self._texts: dict[Array, str] = {}  # for all lanes of an array
        for array in self.code:
            self._make(array)
        if fresh is not None:
            self.line(f"{fresh.name} = {self._memory(fresh)}")
        for array in self.code:
            self._array = array
            (getattr(self, f"_{array.op}") if array.op in WORDS else self._elementwise)(array)
        self._array = None

    # --- names

    def _new(self, prefix: str) -> str:
        while True:
            self._counts[prefix] += 1
            name = f"{prefix}{self._counts[prefix]}"
            if name not in self._taken:
                self._taken.add(name)
                return name

    def window(self, text: str, name: str = "") -> str:
        """The name of a window, which is made once."""
        whole = text.split(".")[0].split("[")[0]
        if whole in self.anew:
            return text
        if text not in self._names:
            if not name or name in self._taken:
                name = self._new(f"{whole}_")
            self._taken.add(name)
            self._names[text] = name
            self.windows.append(f"{name} = {text}")
        return self._names[text]

    def constant(self, text: str) -> str:
        """The name of an array that is made once, and never written."""
        if text not in self._names:
            self._names[text] = name = self._new("c")
            self.made.append(f"{name} = {text}")
        return self._names[text]

    def indices(self, indices: Sequence[int]) -> str:
        """The name of an array of indices."""
        return self.constant(indices_literal(indices))

    def np(self, name: str) -> str:
        """The name of a function of NumPy's."""
        self.used.add(name)
        return name

    def line(self, text: str, comment: str = "", shape: str = "") -> None:
        array = self._array
        self.lines.append(Line(text, comment, shape, array.steps if array else ()))

    def to(self, array: Array, text: str, comment: str, sizes: Sequence[int] = ()) -> None:
        """A line that writes an array, whose lanes are numbered by several axes if there are `sizes`."""
        shape = ", ".join(str(size) for i, size in enumerate(sizes or (array.lanes,)) if size > 1 or i == 0)
        self.line(text, f"{array.name} = {comment}", f"({shape}, n)" if array.batched else f"({shape},)")

    # --- arrays and what is read of them

    def _make(self, array: Array) -> None:
        """The line that makes the memory of an array, or the window in which it lies."""
        if array in self._texts:
            return
        name = self._texts[array] = array.name
        if array.op == "numbers":
            self.made.append(f"{name} = np.array([{', '.join(map(shown, array.args))}])")
        elif array in self.placed:
            rows = self.placed[array]
            self._make(rows.array)
            if rows.complete:
                array.name = rows.array.name
            self._texts[array] = shown(rows, self._texts[rows.array])
        elif array.op not in ("theta", "index", "flat") and array is not self.fresh:
            self.made.append(f"{name} = {self._memory(array)}")
            if array in self.rowwise:
                self._texts[array] = f"{name}.T"
            if array.ones or array in self.spare:
                self._texts[array] += f"[:{array.lanes}]"

    def _memory(self, array: Array) -> str:
        if array in self._reused:
            return self._reused[array].name
        if array in self._below:
            whole, start, _, count = self._below[array]
            self._make(whole)
            return f"{whole.name}[{start}:{start + count + array.ones}]"
        lanes = array.lanes + array.ones + (array in self.spare)
        shape: tuple[int | str, ...] = (lanes, "n") if array.batched else (array.lanes,)
        zeros = array in self.spare or (array.op == "scatter" and not covers(array)[0])
        ones = array.ones or (array.op == "beside" and any(read.ones for read in array.reads))
        function = "ones" if ones else "zeros" if zeros else "empty"
        shape = shape[::-1] if array in self.rowwise or array in self.first else shape
        if array.op == "take" and array.args[0].array.op == "index":
            return f"np.empty({shape_literal((array.lanes, 'n' if array.batched else 1))}, np.intp)"
        return f"np.{function}({shape_literal(shape) if array.batched else array.lanes})"

    def of(self, x: Operand, batched: bool, full: Sequence[int | str] = ()) -> str:
        """An operand in the text, as it is read beside arrays that are batched, or not."""
        if isinstance(x, Number):
            value = shown(x)
            return self.constant(f"np.full({shape_literal(full)}, {value})" if full else f"np.array({value})")
        text = self.text(x, batched)
        return self.base(x.array) if text == self._texts[x.array] else self.window(text)

    def text(self, x: Rows, batched: bool) -> str:
        """The same without a name of its own."""
        text = self._texts[x.array]
        return shown(x, text) + "[:, None]" * (batched and not x.array.batched)

    def base(self, array: Array) -> str:
        """The name for all lanes of an array."""
        text = self._texts[array]
        return text if text.isidentifier() else self.window(text, array.name * (array in self.placed))

    def says(self, x: Operand) -> str:
        """An operand in a comment."""
        return shown(x, x.array.name if isinstance(x, Rows) else "")

    def _out(self, array: Array, suffix: str = "", name: str = "") -> str:
        return self.window(self._texts[array] + suffix, name)

    # --- what comes in

    def _theta(self, array: Array) -> None:
        """It is given."""

    _numbers = _beside = _theta

    def _input(self, array: Array) -> None:
        self.to(array, f"{self.base(array)}[...] = {array.extra[0]}", array.extra[0])

    # --- number by number

    def _elementwise(self, array: Array) -> None:
        op, out, batched = array.op, self.base(array), array.batched
        if isinstance(op, Op):
            texts = [literal(a.number) if isinstance(a, Number) and not a.power else self.of(a, batched)
                     for a in array.args]  # fmt: skip
            shapes = {(a.count, a.array.batched) if isinstance(a, Rows) else () for a in array.args}
            text = op.numpy.format(*([listed(op, texts, len(shapes) == 1)] if op.variadic else texts))
            return self.to(array, f"{out}[...] = {text}", op.write([self.says(a) for a in array.args], plain=True))
        # A 0-dimensional array costs less than a Python number. maximum and minimum are three times as fast between
        # two arrays of one shape; other functions gain next to nothing by that.
        full: Sequence[int | str] = ()
        if op in ("maximum", "minimum"):
            full = (array.lanes, "n") if batched else (array.lanes,)
        texts = [self.of(a, batched, full) for a in array.args]
        keyword = "out=" if full else ""  # without it a call is quicker, but NumPy deprecates that for these two
        sign = SIGNS.get(op) or f"{op}({', '.join(['{}'] * len(texts))})"
        self.to(array, f"{self.np(op)}({', '.join(texts)}, {keyword}{out})", sign.format(*map(self.says, array.args)))

    def _full(self, array: Array) -> None:
        [x] = array.args
        self.to(array, f"{self.base(array)}[...] = {self.of(x, array.batched)}", self.says(x))

    # --- gathering

    def _take(self, array: Array) -> None:
        [x] = array.args
        if x.array in self.first:
            indices = self.indices([x.places[i] for i in array.extra[0]])
            indices = self.constant(f"{indices}[:, None] + np.arange(0, {x.array.lanes} * n, {x.array.lanes})")
            given, axis = self.window(f"{self.base(x.array)}.reshape(-1)"), None
        else:
            indices, given, axis = self.indices(array.extra[0]), self.of(x, False), 0
        text = f'{given}.take({indices}, {axis}, {self.base(array)}, "clip")'  # other modes make a copy first
        self.to(array, text, f"rows of {self.says(x)}")

    def _scatter(self, array: Array) -> None:
        if array in self._taken_back:
            return self._take_back(array, self._taken_back[array])
        if covers(array)[1]:
            self.to(array, f"{self.base(array)}[...] = 0.0", "0")
        for part, places, first in copied(array, self.placed):
            name, value, sign = self.base(array), self.of(part, array.batched), "" if first else "+"
            comment = f"{array.name} {sign}= {self.says(part)}"
            shape = f"({len(places)}, n)" if array.batched else f"({len(places)},)"
            evenly = slice_literal(places)
            target = name if len(places) == array.lanes and evenly else self.window(name + evenly) if evenly else ""
            if target and sign:
                text = f"{self.np('add')}({target}, {value}, {target})"
            else:
                text = f"{target}[...] = {value}" if target else f"{name}[{self.indices(places)}] {sign}= {value}"
            self.line(text, comment, shape)

    def _take_back(self, array: Array, part: Array) -> None:
        """Rows to places in no order, the examples first; other places get the row of zeros that stands behind them."""
        order = self.indices(array.extra[0][0])
        count = part.lanes  # where each row comes from: where it is not in the order, that is 0 + count
        where = f"(np.bincount({order}, np.arange({count}) - {count}, {array.lanes}) + {count}).astype(np.intp)"
        where = self.constant(f"{self.constant(where)} * n + np.arange(n)[:, None]")
        given = self.window(f"{part.name}.reshape(-1)")
        self.to(array, f'{given}.take({where}, None, {self.base(array)}, "clip")', f"rows of {part.name}")

    # --- products of matrices

    def _matrix(self, x: Any, lefts: int, width: int, name: str = "") -> str:
        """The matrix of a product, under the name that the first product gave it."""
        return self.window(f"{self.text(x, False)}.reshape({lefts}, {width})", name)

    def _side(self, x: Rows, rights: int, width: int, ones: int) -> str:
        """The right sides of a product, with the rows of ones that stand behind them, as one matrix."""
        if not ones:
            return self._joined(x, width)
        whole = f"{x.array.name}.T" if x.array in self.rowwise else x.array.name
        if x.start > 0 or ones * rights < x.array.ones:
            whole = f"{whole}[{x.start}:{x.start + width * rights}]"
        whole += f".reshape({width}, -1)" * (rights > 1)
        return whole if whole.isidentifier() or whole.endswith(".T") else self.window(whole)

    def _joined(self, x: Rows, height: int) -> str:
        """So many rows of a matrix, whose columns are the examples, or all examples at all positions."""
        return self.of(x, True) if x.count == height else self.window(f"{self.text(x, True)}.reshape({height}, -1)")

    def _matmul(self, array: Array) -> None:
        rights, lefts, width, ones = array.extra
        left, side = array.args
        W = self._matrix(left, lefts, width, "W" + array.name[1:])
        X, out = self._side(side, rights, width, ones), self._joined(array.whole, lefts)
        self.to(array, f"{W}.dot({X}, {out})", f"{W} @ {self.says(side)}", (lefts, rights))

    def _outer(self, array: Array) -> None:
        rights, lefts, width, ones = array.extra
        g, side, left = array.args
        comment = f"{self.says(g)} @ {self.says(side)}.T"
        name = "d" + self._matrix(left, lefts, width)
        name = array.name if name in self._taken else name
        X, G = self._side(side, rights, width, ones), self._joined(g, lefts)
        if array.batched:  # a matrix for each example
            out = self._out(array, f".reshape({lefts}, {width}, n)")
            if rights == 1:
                G, X = self.window(f"{G}[:, None]"), self.window(f"{X}[None]")
                text = f"{self.np('multiply')}({G}, {X}, {out})"
            else:
                G = self.window(f"{G}.reshape({lefts}, {rights}, n)")
                X = self.window(f"{X}.reshape({width}, {rights}, n)")
                text = f'{self.np("einsum")}("lrn,wrn->lwn", {G}, {X}, out={out})'
            return self.line(text, f"{name} = {comment}", f"({lefts}, {width}, n)")
        out = self._out(array, f".reshape({lefts}, {width})", name)
        turned = X.removesuffix(".T") if X.endswith(".T") else self.window(f"{X}.T", f"{X}T")
        self.line(f"{G}.dot({turned}, {out})", f"{name} = {comment}", f"({lefts}, {width})")

    def _back(self, array: Array) -> None:
        rights, lefts, width, keep = array.extra
        left, g = array.args
        W = self._matrix(left, lefts, width, "W" + array.name[1:])
        cut = f"{W}[:, :{keep}]" if keep < width else W
        turned = self.window(f"{cut}.T", f"{W}T")
        G, out = self._joined(g, lefts), self._joined(array.whole, keep)
        self.to(array, f"{turned}.dot({G}, {out})", f"{W}.T @ {self.says(g)}", (keep, rights))

    def _einsum(self, array: Array) -> None:
        """A product of matrices for each example: their axes are those in all three, and what each side has alone."""
        *named, sizes = array.extra
        one, other, result = map(set, named)
        both, inner = sorted(one & other & result), sorted((one & other) - result)
        kept = [sorted((side & result) - set(both)) for side in (one, other)]
        windows = []
        orders = ((*both, *kept[0], *inner), (*both, *inner, *kept[1]), (*both, *kept[0], *kept[1]))
        for x, axes, order in zip((*array.args, array.whole), named, orders):
            first = x.array in self.first
            shape: list[object] = [dict(sizes)[axis] for axis in axes]
            shape.insert(0 if first else len(axes), "n")
            turned = [0 if first else len(axes), *[axes.index(axis) + first for axis in order]]
            text = f"{self.text(x, True)}.reshape({', '.join(map(str, shape))})"
            windows.append(self.window(text + f".transpose({', '.join(map(str, turned))})"))
        comment = f"{self.says(array.args[0])} @ {self.says(array.args[1])}"
        text = f"{self.np('matmul')}({', '.join(windows)})"
        self.to(array, text, comment, tuple(dict(sizes)[axis] for axis in named[2]))
        there = [self._there(x, axes, dict(sizes), order) for x, axes, order in zip(array.args, named, orders)
                 if self.exact]  # fmt: skip
        if any(there):
            masks = [each or self.constant("np.array([[True]])") for each in there]
            text = f"exact_matmul({windows[0]}, {masks[0]}, {windows[1]}, {masks[1]}, {windows[2]})"
            self.line(f"if np.isnan({self.base(array)}.sum()): {text}", "what is not there takes no part")

    def _there(self, x: Rows, axes: str, sizes: Mapping[str, int], order: Sequence[str]) -> str:
        """Which factors of a side are there at all: the others are 0, and make nothing of what is infinite. All: ""."""
        mask = there(x.array.whole)
        if mask is None:
            return ""
        places = [place for place, known in enumerate(mask) if known]
        name = self.constant(f"np.isin(np.arange({x.array.lanes}), {self.indices(places)})")
        shape, turned = shape_literal([sizes[axis] for axis in axes]), shape_literal([axes.index(a) for a in order])
        return self.constant(f"{shown(x, name)}.reshape{shape}.transpose{turned}")

    # --- sums

    def _examples(self, array: Array) -> None:
        [x] = array.args
        ones = self.constant("np.ones(n)")
        self.to(array, f"{self.of(x, True)}.dot({ones}, {self.base(array)})", f"sum({self.says(x)})")

    def _inner(self, array: Array) -> None:
        first, second = (self.of(a, False) for a in array.args)
        text = f"{first}.dot({second}, {self._out(array, '.reshape(())')})"
        self.to(array, text, f"{self.says(array.args[0])} @ {self.says(array.args[1])}")

    def _sum(self, array: Array) -> None:
        [x], [sizes, *across] = array.args, array.extra
        count, size = len(sizes), sizes[0]
        comment = f"{'sum' if count == 1 else 'sums'}({self.says(x)})"
        if array.batched and (across or count == 1):  # a product with ones takes half the time of np.add.reduce
            ones, columns = self.constant(f"np.ones({size})"), self._joined(x, size)
            out = self._out(array, "[0]" if count == 1 else ".reshape(-1)")
            return self.to(array, f"{ones}.dot({columns}, {out})", comment)
        self._reduce("add", array, comment)

    def _divisors(self, array: Array) -> None:
        [x], count = array.args, array.lanes - 1
        factors = self.constant(f"np.vstack([np.full(({count}, {count}), float(n)), np.ones({count})])")
        comment = f"n * sum({self.says(x)}) in {count} rows, and the sum"
        self.to(array, f"{factors}.dot({self._joined(x, count)}, {self.base(array)})", comment)

    def _largest(self, array: Array) -> None:
        [x], sizes = array.args, array.extra[0]
        comment = f"max({self.says(x)})"
        if len(sizes) == 1 and 1 < sizes[0] <= FEW and array.batched:
            one, *others = [self.of(x.row(i), True) for i in range(sizes[0])]
            for i, other in enumerate(others, start=2):
                self.to(array, f"{self.np('maximum')}({one}, {other}, out={self.base(array)})", f"{comment}[:{i}]")
                one = self.base(array)
            return
        self._reduce("maximum", array, comment)

    def _reduce(self, name: str, array: Array, comment: str) -> None:
        [x], [sizes, *across] = array.args, array.extra
        given, out, n = self.of(x, array.batched), self.base(array), ", n" * array.batched
        if len(sizes) == 1:
            target, keep = (self._out(array, "[0]"), "") if array.batched else (out, ", keepdims=True")
            text = f"{self.np(name)}.reduce({given}, axis=0{keep}, out={target})"
        elif len(set(sizes)) == 1:
            shape = (sizes[0], len(sizes)) if across else (len(sizes), sizes[0])
            block = self.window(f"{given}.reshape({shape[0]}, {shape[1]}{n})")
            text = f"{self.np(name)}.reduce({block}, axis={0 if across else 1}, out={out})"
        else:
            starts = self.indices([0, *accumulate(sizes[:-1])])
            text = f"{self.np(name)}.reduceat({given}, {starts}, 0, None, {out})"
        self.to(array, text, comment)

    # --- what an index picks

    def _index(self, array: Array) -> None:
        count, used, source = array.extra
        if used is None:
            [x] = array.args
            self.anew.add(array.name)
            text = f"{array.name} = in_range({self.of(x, True, (1, 1))}, {count})"
            return self.to(array, text, f"{self.says(x)} as integers")
        given, key = source.extra[0], f"{source.extra[0]} as integers"
        if key not in self._names:
            self._names[key] = self._new("i")
            self.made.append(f"{self._names[key]} = np.empty(({source.lanes}, n), np.intp)")
            self.to(array, f"{self._names[key]}[...] = {given}", key)
        whole = self._names[key]
        if list(used) == list(range(source.lanes)):
            self._texts[array] = whole
        elif (evenly := slice_literal(used)) is not None:
            self._texts[array] = self.window(whole + evenly)
        else:
            self.made.append(f"{array.name} = np.empty(({len(used)}, n), np.intp)")
            indices = self.indices(used)
            self.to(array, f'{whole}.take({indices}, 0, {array.name}, "clip")', f"rows of {whole}")
        name = self.base(array)
        unsigned = self.window(f"{name}.view(np.uintp)" + "[0]" * (len(used) == 1))  # then -1 is a large number
        text = f"if {self.np('maximum')}.reduce({unsigned}, axis=None) >= {count}: in_range({name}, {count})"
        self.line(text, f"labels: 0, …, {count - 1}")

    def _flat(self, array: Array) -> None:
        """Where the flattened array holds what is picked; choice c of lane l is the array's lane at[l · width + c]."""
        at, width, _, batched = array.extra
        [index] = array.args
        starts, stride = at[::width], (at[1] - at[0] if width > 1 else 0)
        times, plus = (" * n", " + np.arange(n)") if batched else ("", "")
        shape = shape_literal((array.lanes, "n" if array.batched else 1))
        self.made.append(f"{array.name} = np.empty({shape}, np.intp)")
        given, comment = self.of(index, False), f"places of {self.says(index)}"
        if all(lane == starts[i // width] + stride * (i % width) for i, lane in enumerate(at)):
            offsets = self.constant(f"{indices_literal(starts)}[:, None]{times}{plus}")
            distance = self.constant(f"np.array({stride}{times})")
            self.to(array, f"{self.np('multiply')}({given}, {distance}, {array.name})", comment)
            self.to(array, f"{self.np('add')}({array.name}, {offsets}, {array.name})", comment)
        else:
            table = self.indices(at)
            lanes = self.constant(f"np.arange(0, {len(at)}, {width})[:, None]")
            self.to(array, f"{array.name}[...] = {table}[{given} + {lanes}]{times}{plus}", comment)

    def _pick(self, array: Array) -> None:
        source, flat = array.args
        choices = self.window(f"{self.of(source, False)}.reshape(-1)")
        out = self.base(array) if array.batched else self._out(array, "[:, None]")
        self.to(array, f'{choices}.take({self.of(flat, False)}, None, {out}, "clip")',
                f"{self.says(source)}[{self.says(flat)}]")  # fmt: skip

    def _put(self, array: Array) -> None:
        g, flat = array.args
        at = flat.array.extra[0]
        apart = array.batched and len(set(at)) == len(at)  # no two lanes pick among the same numbers
        count = f"{array.lanes}{' * n' if array.batched else ''}"
        places, out = f"{self.of(flat, False)}.reshape(-1)", self.base(array)
        comment = f"{self.says(g)} where {self.says(flat)} says"
        if apart:
            self.to(array, f"{out}[...] = 0.0", "0")
            value = shown(g) if isinstance(g, Number) else f"{self.of(g, False)}.reshape(-1)"
            return self.line(f"{self.window(f'{out}.reshape(-1)')}[{places}] = {value}", comment)
        weights = "" if isinstance(g, Number) else f"weights={self.of(g, False)}.reshape(-1), "
        factor = f" * {self.of(g, False)}" if isinstance(g, Number) and g != ONE else ""
        text = f"np.bincount({places}, {weights}minlength={count}).reshape({out}.shape){factor}"
        self.to(array, f"{out}[...] = {text}", comment)

    def _hot(self, array: Array) -> None:
        width, label = array.extra
        given = label.extra[0]
        choices, comment = f"np.eye({width}) / n", f"one_hot({given}) / n"
        if array.lanes > width:
            choices = f"np.vstack([{choices}, np.full({width}, -1.0 / n)])"
            comment = f"[{comment}, -1 / n]"
        outside = f"np.full(({array.lanes}, 1), np.nan)"  # for labels that are out of range
        table = self.constant(f"np.hstack([{outside}, {choices}, {outside}])")
        text = f'{table}.take({self.plus_1(given)}, 1, {self.base(array)}, "clip")'
        self.to(array, text, comment)

    def plus_1(self, given: str) -> str:
        """The labels plus 1, the columns of a table."""
        key = f"{given} + 1"
        if key not in self._names:
            name = self._names[key] = self._new("i")
            self.made.append(f"{name} = np.empty(n, np.intp)")
            out = name if given.isidentifier() else self.window(f"{name}[None]")  # the input is (n,), or else (1, n)
            self.line(f"{self.np('add')}({given}, {self.constant('np.array(1)')}, {out})", f"{name} = {key}", "(n,)")
        return self._names[key]

    # --- what is returned

    def mean(self, parts: Sequence[Part]) -> str:
        """The mean over the examples, as an expression."""
        text = "".join(f" {part.sign} {self._mean_of(part)}" for part in parts)
        return text.replace(" - ", "-", 1) if text.startswith(" - ") else text.removeprefix(" + ")

    def _mean_of(self, part: Part) -> str:
        first, *others = part.operands
        factors = "".join(f"{literal(factor)} * " for factor in part.factors)
        if not others:
            return factors + self.output(first)
        if isinstance(others[0], Number):
            texts = [self.window(self.output(first)), self.constant(f"np.full(n, {shown(others[0])})")]
        else:
            texts = [self.of(x, x.array.batched) for x in part.operands]
            if first.array.batched:
                texts = [self.window(f"{text}.reshape(-1)") for text in texts]
        if part.label is None:
            return factors + "{}.dot({})".format(*texts)
        return f"mean_picked({', '.join(texts)}, {self.plus_1(part.label.array.extra[0])}, {first.count})"

    def output(self, x: Operand) -> str:
        """One row, or one number."""
        return literal(x.number) if isinstance(x, Number) else f"{self.base(x.array)}[{x.start}]"

    def function(self, head: str) -> str:
        """The text of bind(n, theta), which returns the function `head`."""
        body = self.lines
        wide = min(48, max([len(one.text) for one in body], default=0))
        wide_comment = min(40, max([len(one.comment) for one in body], default=0))
        run = [f"        {one.text:<{wide}}  # {one.comment:<{wide_comment}} {one.shape}".rstrip(" #") for one in body]
        start = [f"    {text}" for text in (*self.made, *self.windows)]
        if len(start) > LONG:  # without a branch, Python compiles so long a piece in quadratic time
            start.insert(0, "    if n < 1: return None")
        title = '    """The arrays for n examples, and the function that works in them, with these parameters."""'
        used = sorted(self.used)
        local = [f"    {', '.join(used)} = {', '.join(f'np.{name}' for name in used)}"] if used else []
        return "\n".join(["def bind(n, theta):", title, *local, *start, "", f"    def {head}:", *run, "",
                          f"    return silent({head.split('(')[0]})", ""])  # fmt: skip
