"""Stage 3b: array instructions as lines of NumPy: the forward program."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ..ops import logsumexp, multiply, pick
from ..row import Op
from .buffers import Argument, Block, Buffer, Line, Shape, View, broadcast, evenly
from .emitting import literal
from .lanes import Array, Lane, Operand, Plan, Step

OPERATORS: dict[type, str] = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide",
                              ast.Pow: "power", ast.USub: "negative", ast.UAdd: "positive"}  # fmt: skip
SIGNS = {"square": "{}²", "add": "{} + {}", "subtract": "{} - {}", "multiply": "{} * {}", "divide": "{} / {}", "negative": "-{}"}
TAKE = '{0}.take({1}, 0, {out}, "clip")'  # "clip": the other modes go through a copy; np.take takes longer
PRODUCT = ("{0}.dot({1}, {out})", "matmul({0}, {1}, {out})")  # of two matrices; of several pairs
FEW = 4
TABLE = 64  # for more choices, what is picked is looked up and not multiplied
LARGEST = float(np.finfo(float).max)


class Writer:
    """Writes the lines of one function, from a plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.block = Block()
        self.step: Step | None = None  # what is being written
        self.saved: dict[Step, Any] = {}  # what the forward instruction leaves for the backward one
        self.ones = _rows_of_ones(plan)
        self.makers = {step.target: step for step in plan.steps}
        self._known: dict[Any, View] = {}
        self._arrays: dict[Array, View] = {}
        self._everything: dict[Array, View] = {}  # with the rows of ones behind the lanes
        self._examples_as_rows = _only_multiplied(plan)
        self.checks: dict[tuple[Array, int], Line] = {}  # of labels, each for one pick
        self.sums: set[Buffer] = set()  # gradients that contributions are added to
        self._temporaries = 0
        _name(plan)

    # --- lines

    def line(
        self, text: str, arguments: Sequence[Argument], out: View | None, says: str = "", in_place: bool = False
    ) -> None:
        self.block.lines.append(Line(text, tuple(arguments), out, says, in_place, self.step))

    def temporary(self, shape: Shape, made: str = "", prefix: str = "t") -> View:
        self._temporaries += 1
        return View(Buffer(f"{prefix}{self._temporaries}", shape, made), "", shape)

    def once(self, key: Any, shape: Shape, text: str, arguments: Sequence[Argument], made: str = "") -> View:
        """The result of a line, that is written only if there is none with this key."""
        if key not in self._known:
            self._known[key] = self.temporary(shape, made)
            self.line(text, arguments, self._known[key])
        return self._known[key]

    def constant(self, text: str, shape: Shape) -> View:
        """What is made once for a number of examples."""
        if text not in self._known:
            self._known[text] = self.temporary(shape, text, "c")
        return self._known[text]

    def number(self, number: float, shape: Shape = ()) -> View:
        return self.constant(f"np.{f'full({pair(shape)}, ' if shape else 'array('}{literal(number)})", shape)

    def indices(self, lanes: Sequence[int]) -> View:
        return self.constant(f"np.array({list(lanes)})", (len(lanes),))

    def ufunc(self, name: str, arguments: Sequence[Argument], out: View | None = None, says: str = "") -> Argument:
        """A line for a NumPy function that works number by number; none where its result is there already."""
        if not any(isinstance(a, View) for a in arguments):
            with np.errstate(all="ignore"):
                return float(getattr(np, name)(*map(np.float64, arguments)))  # type: ignore[arg-type]
        if (name == "power" and arguments[1] == 2.0) or (name == "multiply" and arguments[0] == arguments[1]):
            name, arguments = "square", arguments[:1]
        key = (name, *(repr(a) if isinstance(a, float) else a for a in arguments))
        if out is None and key in self._known:
            return self._known[key]
        result = out or self.temporary(broadcast(arguments))
        self._remember(key, result, broadcast(arguments))
        says = says or f"{result.buffer.name} = {SIGNS.get(name, _call(name, arguments)).format(*map(plain, arguments))}"
        # maximum and minimum are three times faster between two arrays; other functions hardly, but a number costs, too
        full = broadcast(arguments) if name in ("maximum", "minimum") else ()
        arguments = [a if isinstance(a, View) else self.number(a, full) for a in arguments]
        places = ", ".join(f"{{{i}}}" for i in range(len(arguments)))
        out_word = "out=" if full else ""  # by place is quicker, but maximum and minimum want the word
        self.line(f"{name}({places}, {out_word}{{out}})", arguments, result, says, in_place=True)
        return result

    def spelled(self, op: Op, arguments: Sequence[Argument], out: View | None = None) -> Argument:
        """The lines of an operation, from its NumPy spelling in the table."""
        says = f"{out.buffer.name} = {op.write([plain(a) for a in arguments], plain=True)}" if out else ""
        tree = _as_ufuncs(op.numpy, len(arguments))
        if tree is not None:
            return self._ufuncs(tree, arguments, out, says)
        if not any(isinstance(a, View) for a in arguments):
            raise AssertionError("constants are folded before")
        key = (op, *(repr(a) if isinstance(a, float) else a for a in arguments))
        if out is None and key in self._known:
            return self._known[key]
        result = out or self.temporary(broadcast(arguments))
        self._remember(key, result, broadcast(arguments))
        self.line(f"{{out}}[...] = {_template(op, len(arguments))}", arguments, result, says)
        return result

    def _remember(self, key: Any, result: View, shape: Shape) -> None:
        """For the next one who wants it; not what is spread over lanes, nor what others will add to."""
        if result.shape == shape and result.buffer not in self.sums:
            self._known.setdefault(key, result)

    def _ufuncs(self, tree: ast.expr, arguments: Sequence[Argument], out: View | None, says: str) -> Argument:
        if isinstance(tree, ast.Name):
            return arguments[int(tree.id[1:])]
        if isinstance(tree, ast.Constant):
            return float(tree.value)  # type: ignore[arg-type]
        if isinstance(tree, ast.Call):
            name, parts = tree.func.attr, tree.args  # type: ignore[attr-defined]
        else:
            parts = [tree.left, tree.right] if isinstance(tree, ast.BinOp) else [tree.operand]  # type: ignore[attr-defined]
            name = OPERATORS[type(tree.op)]  # type: ignore[attr-defined]
        return self.ufunc(name, [self._ufuncs(part, arguments, None, "") for part in parts], out, says)

    # --- windows

    def whole(self, array: Array) -> View:
        if array not in self._arrays:
            rows = array.lanes + self.ones.get(array, 0)
            shape: Shape = (rows, "n") if array.batched else (rows,)
            made = f"np.ones({pair(shape)})" if array in self.ones else ""
            if array in self._examples_as_rows:
                buffer = Buffer(array.name, shape[::-1], made and f"np.ones({pair(shape[::-1])})")
                everything = View(buffer, ".T", shape)
            else:
                everything = View(Buffer(array.name, shape, made, array is self.plan.theta), "", shape)
            self._everything[array] = self._arrays[array] = everything
            if array in self.ones:
                self._arrays[array] = everything.window(f"[:{array.lanes}]", (array.lanes, *shape[1:]))
        return self._arrays[array]

    def rows(self, view: View, indices: Sequence[int]) -> View:
        """These rows of it: a window where they are evenly spaced, else a copy."""
        if list(indices) == list(range(view.shape[0])):  # type: ignore[arg-type]
            return view
        shape = (len(indices), *view.shape[1:])
        if (how := evenly(indices)) is not None:
            return view.window(how, shape)
        return self.once(("rows", view, tuple(indices)), shape, TAKE, [view, self.indices(indices)])

    def window(self, operands: Sequence[Operand], batched: bool) -> Argument:
        """These lanes, to stand beside (lanes, examples) if `batched`; one row where all are the same."""
        first = operands[0]
        if all(operand == first for operand in operands):
            if not isinstance(first, Lane):
                return first
            operands = [first]
        return aside(self.together(operands), batched)

    def together(self, operands: Sequence[Operand], solid: bool = False) -> View:
        """All these lanes as one array, each in its place; `solid`: in one piece, so that it can be reshaped."""
        groups = self.plan.by_array(operands)
        if len(groups) == 1:
            [(array, (_, lanes))] = groups.items()
            if array is None:
                return self.constant(f"np.array([{', '.join(map(literal, operands))}])", (len(operands),))
            if not solid or evenly(lanes) is None or _neighbours(lanes):
                return self.rows(self.whole(array), lanes)
        key = ("together", *(repr(o) if isinstance(o, float) else o for o in operands))
        if key in self._known:
            return self._known[key]
        batched = any(array is not None and array.batched for array in groups)
        made = self._known[key] = self.temporary((len(operands), "n") if batched else (len(operands),))
        for array, (places, lanes) in groups.items():
            if array is None:
                numbers = [literal(o) for o in operands if not isinstance(o, Lane)]
                part = self.constant(f"np.array([{', '.join(numbers)}])", (len(numbers),))
            else:
                part = self.rows(self.whole(array), lanes)
            self.write_rows(made, places, aside(part, batched))
        return made

    def write_rows(self, out: View, places: Sequence[int], part: Argument, sign: str = "") -> None:
        """out[places] = part, or += and -=."""
        if (how := evenly(places)) is not None:
            whole = len(places) == out.shape[0]
            target = out if whole else out.window(how, (len(places), *out.shape[1:]))
            self.line(f"{{out}}[...] {sign}= {{0}}", [part], target)
        else:
            self.line(f"{{out}}[{{1}}] {sign}= {{0}}", [part, self.indices(places)], out)

    def reshaped(self, view: View, rows: tuple[int, int], name: str = "") -> View:
        """(rows · columns, …) as (rows, columns, …)."""
        if not view.solid:
            view = self.once(("solid", view), view.shape, "{out}[...] = {0}", [view])
        shape = (*rows, *view.shape[1:])
        return view.window(f".reshape{pair(shape)}", shape, name)

    # --- the instructions

    def forward(self) -> None:
        for array in self.plan.inputs:
            self.line(f"{{out}}[:] = {array.given}", [], self.whole(array), f"{array.name} = {array.given}")
        for step in self.plan.steps:
            self.step = step
            out = self.whole(step.target)
            if step.kind == "dot":
                self._dot(step, out)
            elif step.kind == "sum":
                self._sum(step, out)
            elif step.kind is logsumexp:
                self._logsumexp(step, out)
            elif step.kind is pick:
                self._pick(step, out)
            else:
                self.saved[step] = [self.window(operands, step.target.batched) for operands in step.operands]
                self.spelled(step.kind, self.saved[step], out)
        self.step = None

    def _dot(self, step: Step, out: View) -> None:
        rights, lefts, width = step.sizes
        name = "W" + step.target.name[1:]
        weights = self.reshaped(self.together(step.operands[0], solid=True), (lefts, width), name)
        lanes, right = self._right(step)
        self.saved[step] = weights, right, lanes
        out = out if rights == 1 else self.reshaped(out, (rights, lefts))
        says = f"{step.target.name} = {name} @ {right.buffer.name}"
        self.line(PRODUCT[rights > 1], [weights, right], out, says)

    def _right(self, step: Step) -> tuple[int, View]:
        """The right side of a grid, and how many of its rows are no ones: the bias is one more column of the left."""
        rights, _, width = step.sizes
        operands = step.operands[1]
        ones = _trailing_ones(step)
        lanes = width - ones
        if ones == 0:
            if rights == 1:
                return lanes, self.together(operands)
            return lanes, self.reshaped(self.together(operands, solid=True), (rights, width))
        first = operands[0]
        if rights == 1 and isinstance(first, Lane) and _ends_its_array(operands[:lanes]):
            self.whole(first.array)
            whole = self._everything[first.array]
            if self.ones[first.array] == ones and first.index == 0:
                return lanes, whole
            return lanes, whole.window(f"[{first.index}:{first.array.lanes + ones}]", (width, "n"))
        shape: Shape = (rights, width, "n")
        made = self.temporary(shape, f"np.ones({pair(shape)})", "r")
        if lanes:
            part = self.together([o for i, o in enumerate(operands) if i % width < lanes], solid=True)
            self.line("{out}[...] = {0}", [self.reshaped(part, (rights, lanes))],
                      made.window(f"[:, :{lanes}]", (rights, lanes, "n")))  # fmt: skip
        return lanes, made if rights > 1 else made.window("[0]", (width, "n"))

    def _sum(self, step: Step, out: View) -> None:
        terms, sizes = step.operands[0], step.sizes
        if len(sizes) == 1 and (squares := self.products(terms)) is not None:
            text = f"{plain(out)} = {plain(squares[0])} @ {plain(squares[1])}"
            self.line("{0}.dot({1}, {out})", squares, out.window(".reshape(())", ()), text)
        elif len(sizes) == 1:
            self.add_up(self.together(terms), out)
        elif len(set(sizes)) == 1:
            block = self.reshaped(self.together(terms, solid=True), (len(sizes), sizes[0]))
            self.line("add.reduce({0}, axis=1, out={out})", [block], out)
        else:
            starts = self.indices([sum(sizes[:i]) for i in range(len(sizes))])
            self.line("add.reduceat({0}, {1}, axis=0, out={out})", [self.together(terms), starts], out)

    def add_up(self, view: View, out: View) -> None:
        """The sum over all rows; a product with ones takes half the time of np.add.reduce."""
        says = f"{plain(out)} = sum({plain(view)})"
        if len(view.shape) == 1:
            self.line("add.reduce({0}, axis=0, keepdims=True, out={out})", [view], out, says)
        else:
            ones = self.constant(f"np.ones({view.shape[0]})", view.shape[:1])
            self.line("{0}.dot({1}, {out})", [ones, view], out.window("[0]", view.shape[1:]), says)

    def products(self, terms: Sequence[Operand]) -> list[View] | None:
        """The two factors, if the terms are all products of one instruction, the same for all examples."""
        [(array, (_, lanes)), *others] = self.plan.by_array(terms).items()
        maker = self.makers.get(array)  # type: ignore[arg-type]
        if others or maker is None or maker.kind is not multiply or maker.target.batched:
            return None
        views = self.saved[maker]
        alike = all(isinstance(view, View) and view.shape == (maker.target.lanes,) for view in views)
        return views if alike and lanes == list(range(maker.target.lanes)) else None

    def _logsumexp(self, step: Step, out: View) -> None:
        """log(sum(exp(values))), the largest taken out first, so that nothing overflows; ±inf as in the table."""
        lanes, width = len(step.sizes), step.sizes[0]
        values, result = self.together(step.operands[0], solid=True), out
        if lanes > 1:
            values, result = self.reshaped(values, (lanes, width)), self.reshaped(out, (lanes, 1))
        shift, whole = self._largest(values, lanes, result.shape), self.temporary(result.shape)
        powers: Any = self.ufunc("exp", [self.ufunc("subtract", [values, shift])])
        if lanes == 1:
            self.add_up(powers, whole)
        else:
            self.line("add.reduce({0}, axis=1, keepdims=True, out={out})", [powers], whole)
        self.saved[step] = powers, whole
        self.ufunc("add", [self.ufunc("log", [whole]), shift], result, f"{out.buffer.name} = logsumexp({plain(values)})")

    def _largest(self, values: View, lanes: int, shape: Shape) -> Argument:
        """The largest of each lane's values, made finite."""
        count = values.shape[0]
        if lanes == 1 and isinstance(count, int) and count <= FEW and len(values.shape) == 2:
            largest: Argument = -LARGEST
            for i in range(count):  # some calls cost less than one reduction over a few rows
                largest = self.ufunc("maximum", [values.window(f"[{i}:{i + 1}]", shape), largest])
        else:
            largest = self.temporary(shape)
            target = largest if lanes > 1 or len(shape) == 1 else largest.window("[0]", shape[1:])
            axis, keep = int(lanes > 1), target is largest
            self.line(f"maximum.reduce({{0}}, {axis}, None, {{out}}, {keep}, {-LARGEST})", [values], target)
        return self.ufunc("minimum", [largest, LARGEST])

    def _pick(self, step: Step, out: View) -> None:
        lanes, width = len(step.sizes), step.sizes[0]
        choices = step.operands[0]
        first = choices[0]
        if any(not isinstance(o, Lane) or o.array is not first.array for o in choices):  # type: ignore[union-attr]
            together = self.together(choices)
            array = Array(f"{step.target.name}_choices", len(choices), len(together.shape) == 2)
            self._arrays[array] = together
            choices = [Lane(array, i) for i in range(len(choices))]
        array = choices[0].array  # type: ignore[union-attr]
        at = [o.index for o in choices]  # type: ignore[union-attr]
        index = self._whole_numbers(step.operands[1], width)
        where = self._places(at, width, index, array.batched, (lanes, "n" if step.target.batched else 1))
        self.saved[step] = array, where
        flat = self.whole(array).window(".reshape(-1)", (-1,))
        says = f"{out.buffer.name} = {flat.buffer.name}[{plain(index)}]"
        self.line('{0}.take({1}, None, {out}, "clip")', [flat, where], aside(out, True), says)

    def hot(self, step: Step) -> tuple[View, View] | None:
        """1.0 / n where a choice was picked, 0.0 elsewhere, and nan for what is no choice; and the labels plus 1.

        None where that is no small table, or the index is no label.
        """
        array, index = self.saved[step][0], step.operands[1][0]
        width = step.sizes[0]
        if len(step.sizes) > 1 or width > TABLE or not array.batched or not isinstance(index, Lane):
            return None
        if not index.array.whole_numbers or index.array.lanes > 1:
            return None
        plus_1 = self.once(("labels plus 1", index.array), (1, "n"), f"add({index.array.given}, 1, {{out}})", [],
                           'np.empty((1, n), np.intp)')  # fmt: skip
        no_choice = f"np.full(({width}, 1), np.nan)"
        table = self.constant(f"np.hstack([{no_choice}, np.eye({width}) / n, {no_choice}])", (width, width + 2))
        text = '{0}.take({1}, 1, {out}, "clip")'
        return self.once(("hot", plus_1, width), (width, "n"), text, [table, plus_1.window("[0]", ("n",))]), plus_1

    def _places(self, at: Sequence[int], width: int, index: View, batched: bool, shape: Shape) -> View:
        """Where in the memory of the array what is picked stands: choice c of lane l is its lane at[l · width + c]."""
        starts, stride = at[::width], (at[1] - at[0] if width > 1 else 0)
        times, plus = (" * n", " + np.arange(n)") if batched else ("", "")
        made = f"np.empty({pair(shape)}, np.intp)"
        if all(place == starts[i // width] + stride * (i % width) for i, place in enumerate(at)):
            offsets = self.constant(f"np.array({starts})[:, None]{times}{plus}", shape)
            key, step = ("places", index, offsets, stride), self.constant(f"np.array({stride}{times})", ())
            if key not in self._known:
                where = self.once(key, shape, "multiply({0}, {1}, {out})", [index, step], made)
                self.line("add({0}, {1}, {out})", [where, offsets], where)
            return self._known[key]
        table = self.indices(at)
        lanes = self.constant(f"np.arange(0, {len(at)}, {width})[:, None]", (len(starts), 1))
        return self.once(("places", index, table, batched), shape, f"{{out}}[...] = {{1}}[{{0}} + {{2}}]{times}{plus}",
                         [index, table, lanes], made)  # fmt: skip

    def _whole_numbers(self, operands: Sequence[Operand], count: int) -> View:
        """The indices of a pick as integers, below count: an IndexError else."""
        arrays = {o.array if isinstance(o, Lane) else None for o in operands}
        [array, *others] = arrays
        if array is not None and not others and array.whole_numbers:
            shape: Shape = (array.lanes, "n")
            key = ("whole numbers", array)
            every = self.once(key, shape, f"{{out}}[:] = {array.given}", [], f"np.empty({pair(shape)}, np.intp)")
            lanes = [o.index for o in operands]  # type: ignore[union-attr]
            used = sorted(set(lanes))
            if ("checked", array, tuple(used), count) not in self._known:
                self._known["checked", array, tuple(used), count] = every
                rows = self.rows_of_integers(every, used)
                unsigned = rows.window(".view(np.uintp)", rows.shape)  # in which -1 is large
                unsigned = unsigned.window("[0]", ("n",)) if len(used) == 1 else unsigned
                text = f"if maximum.reduce({{0}}, axis=None) >= {count}: in_range({{1}}, {count})"
                self.line(text, [unsigned, rows], None, f"labels: 0, …, {count - 1}")
                self.checks[array, count] = self.block.lines[-1]
            else:
                self.checks.pop((array, count), None)  # for more than one
            return self.rows_of_integers(every, used if len(used) == 1 else lanes)
        values = self.window(operands, True)
        if isinstance(values, float):
            values = self.constant(f"np.full((1, 1), {literal(values)})", (1, 1))
        return self.once(("whole", values, count), values.shape, f"{{out}}[...] = in_range({{0}}, {count})", [values],
                         f"np.empty({pair(values.shape)}, np.intp)")  # fmt: skip

    def rows_of_integers(self, view: View, lanes: Sequence[int]) -> View:
        if evenly(lanes) is not None:
            return self.rows(view, lanes)
        shape: Shape = (len(lanes), "n")
        return self.once(("rows", view, tuple(lanes)), shape, TAKE, [view, self.indices(lanes)],
                         f"np.empty({pair(shape)}, np.intp)")  # fmt: skip


def aside(view: View, batched: bool) -> View:
    """One number for all examples stands beside (lanes, examples) as a column."""
    return view.window("[:, None]", (view.shape[0], 1)) if batched and len(view.shape) == 1 else view


def plain(argument: Argument) -> str:
    return argument.buffer.name if isinstance(argument, View) else literal(argument)


def pair(shape: Shape) -> str:
    return f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"


def _call(name: str, arguments: Sequence[Argument]) -> str:
    return f"{name}({', '.join(['{}'] * len(arguments))})"


def _neighbours(lanes: Sequence[int]) -> bool:
    return list(lanes) == list(range(lanes[0], lanes[0] + len(lanes)))


def _ends_its_array(operands: Sequence[Operand]) -> bool:
    """Whether these are the last lanes of one array."""
    first, last = operands[0], operands[-1]
    if not isinstance(first, Lane) or last != Lane(first.array, first.array.lanes - 1):
        return False
    return all(operand == Lane(first.array, first.index + i) for i, operand in enumerate(operands))


def _trailing_ones(step: Step) -> int:
    return sum(1 for operand in step.operands[1][: step.sizes[2]] if operand == 1.0)


def _rows_of_ones(plan: Plan) -> dict[Array, int]:
    """How many rows of ones stand behind an array's lanes, so that a layer's bias is a column of its weights."""
    ones: dict[Array, int] = {}
    for step in plan.steps:
        if step.kind == "dot" and step.sizes[0] == 1 and (count := _trailing_ones(step)):
            first, lanes = step.operands[1][0], step.sizes[2] - count
            if lanes and _ends_its_array(step.operands[1][:lanes]):
                ones[first.array] = max(count, ones.get(first.array, 0))  # type: ignore[union-attr]
    return ones


def _only_multiplied(plan: Plan) -> set[Array]:
    """Inputs that are nothing but the right side of products, which take them as they come, an example a row."""
    used = {array for step in plan.steps for place, operands in enumerate(step.operands)
            if step.kind != "dot" or place == 0 or step.sizes[0] > 1 for array in plan.by_array(operands)}  # fmt: skip
    outputs = {output.array for output in plan.outputs if isinstance(output, Lane)}
    return {array for array in plan.inputs if array.lanes > 1} - used - outputs


def _name(plan: Plan) -> None:
    """z1 = W1 @ h0, h1 = tanh(z1), …: as in textbooks."""
    layers: dict[Array, str] = {}
    for place, step in enumerate(plan.steps):
        step.target.name = f"v{place + 1}"
        sources = {array for operands in step.operands for array in plan.by_array(operands) if array}
        if step.kind == "dot":
            number = str(sum(name[0] == "z" for name in layers.values()) + 1)
            layers[step.target] = step.target.name = f"z{number}"
        elif len(sources) == 1 and isinstance(step.kind, Op) and len(step.operands) == 1:
            layer = layers.get(next(iter(sources)), "")
            if layer[:1] == "z" and layers[next(iter(sources))] and f"h{layer[1:]}" not in layers.values():
                layers[step.target] = step.target.name = f"h{layer[1:]}"


@lru_cache(maxsize=None)
def _as_ufuncs(spelling: str, count: int) -> ast.expr | None:
    """The spelling as a tree, if it is made of arithmetic and functions that work number by number."""
    try:
        tree = ast.parse(spelling.format(*(f"_{i}" for i in range(count))), mode="eval").body
    except (SyntaxError, IndexError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", "")
            ufunc = isinstance(node.func, ast.Attribute) and isinstance(getattr(np, name, None), np.ufunc)
            if not ufunc or node.keywords or getattr(np, name).nout != 1 or getattr(node.func.value, "id", "") != "np":
                return None
        elif isinstance(node, ast.Constant):
            if not isinstance(node.value, (int, float)):
                return None
        elif isinstance(node, ast.Name):
            if not (node.id == "np" or node.id[1:].isdigit()):
                return None
        elif isinstance(node, (ast.BinOp, ast.UnaryOp)):
            if type(node.op) not in OPERATORS:
                return None
        elif not isinstance(node, (ast.Attribute, ast.operator, ast.unaryop, ast.expr_context)):
            return None
    return tree


def _template(op: Op, count: int) -> str:
    """The spelling with {0}, {1}, … for the arguments."""
    marks = [f"\0{i}\1" for i in range(count)]
    text = op.numpy.format(f"[{', '.join(marks)}]") if op.variadic else op.numpy.format(*marks)
    return text.replace("{", "{{").replace("}", "}}").replace("\0", "{").replace("\1", "}")
