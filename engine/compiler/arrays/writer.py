"""Stage 3: lines of NumPy, from the spellings of the table; and windows on the arrays that they work on."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Sequence
from functools import cache
from itertools import accumulate
from typing import Any

import numpy as np

from ...op import Op
from ...ops import multiply
from ..emit.text import literal
from .buffers import Argument, Block, Buffer, Line, Shape, View, broadcast, evenly, pair
from .pack import Array, Lane, Operand, Plan, Step

OPERATORS: dict[type, str] = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide",
                              ast.Pow: "power", ast.USub: "negative", ast.UAdd: "positive"}  # fmt: skip
SIGNS = {"square": "{}²", "add": "{} + {}", "subtract": "{} - {}", "multiply": "{} * {}", "divide": "{} / {}"}
MANY = 32  # features, from which on turning them takes longer than a product of the other layout
TAKE = '{0}.take({1}, 0, {out}, "clip")'  # "clip": the other modes go through a copy; np.take takes longer


class Writer:
    """Writes the lines of one function, from a plan."""

    def __init__(self, plan: Plan, shown: Collection[Array] = ()) -> None:
        self.plan = plan
        self.shown = shown  # what may say nan instead of inf: then the mean is nan, and is computed once more
        self.block = Block()
        self.step: Step | None = None  # what is being written
        self.saved: dict[Step, Any] = {}  # what the forward instruction leaves for the backward one
        self.ones = _rows_of_ones(plan)
        self.makers = {step.target: step for step in plan.steps}
        self.known: dict[Any, View] = {}
        self.arrays: dict[Array, View] = {}
        self.everything: dict[Array, View] = {}  # with the rows of ones behind the lanes
        self._examples_as_rows = _only_multiplied(plan)
        self.checks: dict[tuple[Array, int], Line] = {}  # of labels, each for one pick
        self.nonnegative: set[Argument] = set()
        self.sums: set[Buffer] = set()  # gradients that contributions are added to
        self._temporaries = 0
        _name(plan)

    # --- lines

    def line(
        self, text: str, arguments: Sequence[Argument], out: View | None, says: str = "", in_place: bool = False
    ) -> None:
        self.block.lines.append(Line(text, tuple(arguments), out, says, in_place, (self.step,) if self.step else ()))

    def temporary(self, shape: Shape, made: str = "", prefix: str = "t") -> View:
        self._temporaries += 1
        return View(Buffer(f"{prefix}{self._temporaries}", shape, made), "", shape)

    def once(
        self, key: Any, shape: Shape, text: str, arguments: Sequence[Argument], made: str = "", says: str = ""
    ) -> View:
        """The result of a line, that is written only if there is none with this key."""
        if key not in self.known:
            result = self.known[key] = self.temporary(shape, made)
            self.line(text, arguments, result, says and f"{plain(result)} = {says}")
        return self.known[key]

    def starts(self, sizes: tuple[int, ...]) -> View:
        """Where the terms of each lane begin."""
        return self.indices([0, *accumulate(sizes[:-1])])

    def spread(self, view: View, sizes: tuple[int, ...]) -> View:
        """Each row as often as its size says."""
        rows = [row for row, size in enumerate(sizes) for _ in range(size)]
        return self.once(("spread", view, sizes), (len(rows), *view.shape[1:]), TAKE, [view, self.indices(rows)])

    def constant(self, text: str, shape: Shape) -> View:
        """What is made once for a number of examples."""
        if text not in self.known:
            self.known[text] = self.temporary(shape, text, "c")
        return self.known[text]

    def number(self, number: float, shape: Shape = ()) -> View:
        return self.constant(f"np.{f'full({pair(shape)}, ' if shape else 'array('}{literal(number)})", shape)

    def indices(self, lanes: Sequence[int]) -> View:
        return self.constant(f"np.array({list(lanes)})", (len(lanes),))

    def ufunc(self, name: str, arguments: Sequence[Argument], out: View | None = None, says: str = "") -> View:
        """A line for a NumPy function that works number by number; none where its result is there already."""
        if (name == "power" and arguments[1] == 2.0) or (name == "multiply" and arguments[0] == arguments[1]):
            name, arguments = "square", arguments[:1]
        if name == "negative":  # NumPy 2.4's is wrong for numbers that lie 64 bytes apart
            return self.ufunc("multiply", [*arguments, -1.0], out, says)
        if name == "sign" and arguments[0] in self.nonnegative and broadcast(arguments)[0] != 1:
            return self.ufunc("minimum", [self.ufunc("ceil", arguments), 1.0], out, says)  # takes less time on many
        result, there = self._result(name, arguments, out)
        if there:
            return result
        if name == "maximum" and 0.0 in arguments:
            self.nonnegative.add(result)
        sign = SIGNS.get(name) or f"{name}({', '.join(['{}'] * len(arguments))})"
        says = says or f"{result.buffer.name} = {sign.format(*map(plain, arguments))}"
        # maximum and minimum are three times faster between two arrays; other functions hardly, but a number costs, too
        full = broadcast(arguments) if name in ("maximum", "minimum") else ()
        arguments = [a if isinstance(a, View) else self.number(a, full) for a in arguments]
        places = ", ".join(f"{{{i}}}" for i in range(len(arguments)))
        out_word = "out=" if full else ""  # by place is quicker, but maximum and minimum want the word
        self.line(f"{name}({places}, {out_word}{{out}})", arguments, result, says, in_place=True)
        return result

    def spelled(self, op: Op, arguments: Sequence[Argument], out: View | None = None) -> View:
        """The lines of an operation on at least one array, from its NumPy spelling in the table."""
        says = f"{out.buffer.name} = {op.write([plain(a) for a in arguments], plain=True)}" if out else ""
        tree = _as_ufuncs(op.numpy, len(arguments))
        if tree is not None:
            return self._ufuncs(tree, arguments, out, says)  # type: ignore[return-value]
        result, there = self._result(op, arguments, out)
        if not there:
            self.line(f"{{out}}[...] = {_template(op, len(arguments))}", arguments, result, says)
        return result

    def _result(self, name: Any, arguments: Sequence[Argument], out: View | None) -> tuple[View, bool]:
        """Where the result of an operation is to be, and whether it is there already.

        The next one who wants it finds it; not what is spread over lanes, nor what others will add to.
        """
        key = (name, *_keys(arguments))
        if out is None and key in self.known:
            return self.known[key], True
        shape = broadcast(arguments)
        result = out or self.temporary(shape)
        if result.shape == shape and result.buffer not in self.sums:
            self.known.setdefault(key, result)
        return result, False

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
        given = [self._ufuncs(part, arguments, None, "") for part in parts]
        if any(isinstance(a, View) for a in given):
            return self.ufunc(name, given, out, says)
        with np.errstate(all="ignore"):
            return float(getattr(np, name)(*map(np.float64, given)))  # type: ignore[arg-type]

    # --- windows

    def whole(self, array: Array) -> View:
        if array not in self.arrays:
            rows = array.lanes + self.ones.get(array, 0)
            shape: Shape = (rows, "n") if array.batched else (rows,)
            made = f"np.ones({pair(shape)})" if array in self.ones else ""
            if array in self._examples_as_rows:
                buffer = Buffer(array.name, shape[::-1], made and f"np.ones({pair(shape[::-1])})")
                everything = View(buffer, ".T", shape)
            else:
                everything = View(Buffer(array.name, shape, made, array is self.plan.theta), "", shape)
            self.everything[array] = self.arrays[array] = everything
            if array in self.ones:
                self.arrays[array] = everything.window(f"[:{array.lanes}]", (array.lanes, *shape[1:]))
        return self.arrays[array]

    def rows(self, view: View, indices: Sequence[int], made: Callable[[Shape], str] = lambda shape: "") -> View:
        """These rows of it: a window where they are evenly spaced, else a copy."""
        if list(indices) == list(range(view.shape[0])):  # type: ignore[arg-type]
            return view
        shape = (len(indices), *view.shape[1:])
        if (how := evenly(indices)) is not None:
            return view.window(how, shape)
        return self.once(("rows", view, tuple(indices)), shape, TAKE, [view, self.indices(indices)], made(shape))

    def window(self, operands: Sequence[Operand], batched: bool) -> Argument:
        """These lanes, to stand beside (lanes, examples) if `batched`; one row where all are the same."""
        first = operands[0]
        if all(operand == first for operand in operands):
            if isinstance(first, Lane):
                operands = [first]
            elif len(set(_keys(operands))) == 1:
                return first
        return aside(self.together(operands), batched)

    def together(self, operands: Sequence[Operand], solid: bool = False) -> View:
        """All these lanes as one array, each in its place; `solid`: in one piece, so that it can be reshaped."""
        groups = self.plan.by_array(operands)
        if len(groups) == 1:
            [(array, (_, lanes))] = groups.items()
            part = self._part(operands, array, lanes)
            if part.solid or not solid:
                return part
        key = ("together", *_keys(operands))
        if key in self.known:
            return self.known[key]
        batched = any(array is not None and array.batched for array in groups)
        made = self.known[key] = self.temporary((len(operands), "n") if batched else (len(operands),))
        for array, (places, lanes) in groups.items():
            self.write_rows(made, places, aside(self._part(operands, array, lanes), batched))
        return made

    def _part(self, operands: Sequence[Operand], array: Array | None, lanes: Sequence[int]) -> View:
        """Those of the operands that are lanes of that array; of none: the numbers among them."""
        if array is not None:
            return self.rows(self.whole(array), lanes)
        numbers = [literal(o) for o in operands if not isinstance(o, Lane)]
        return self.constant(f"np.array([{', '.join(numbers)}])", (len(numbers),))

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

    def copy(self, view: View, out: View) -> View:
        self.line("{out}[...] = {0}", [view], out)
        return out


def aside(view: View, batched: bool) -> View:
    """One number for all examples stands beside (lanes, examples) as a column."""
    return view.window("[:, None]", (view.shape[0], 1)) if batched and len(view.shape) == 1 else view


def plain(argument: Argument) -> str:
    return argument.buffer.name if isinstance(argument, View) else literal(argument)


def integers(shape: Shape) -> str:
    return f"np.empty({pair(shape)}, np.intp)"


def _keys(arguments: Sequence[Operand | View]) -> list[Any]:
    """What tells these arguments from others: 0.0 and -0.0 are equal, and nan is not."""
    return [repr(a) if isinstance(a, float) else a for a in arguments]


def ends_its_array(operands: Sequence[Operand]) -> bool:
    """Whether these are the last lanes of one array."""
    first, last = operands[0], operands[-1]
    if not isinstance(first, Lane) or last != Lane(first.array, first.array.lanes - 1):
        return False
    return all(operand == Lane(first.array, first.index + i) for i, operand in enumerate(operands))


def trailing_ones(step: Step) -> int:
    return sum(1 for operand in step.operands[1][: step.sizes[2]] if operand == 1.0)


def _rows_of_ones(plan: Plan) -> dict[Array, int]:
    """How many rows of ones stand behind an array's lanes, so that a layer's bias is a column of its weights."""
    ones: dict[Array, int] = {}
    for step in plan.steps:
        if step.kind == "dot" and step.sizes[0] == 1 and (count := trailing_ones(step)):
            first, lanes = step.operands[1][0], step.sizes[2] - count
            if lanes and ends_its_array(step.operands[1][:lanes]):
                ones[first.array] = max(count, ones.get(first.array, 0))  # type: ignore[union-attr]
    return ones


def _only_multiplied(plan: Plan) -> set[Array]:
    """Wide inputs that are only the right side of products, which take them as they come, an example a row."""
    used = {array for step in plan.steps for place, operands in enumerate(step.operands)
            if step.kind != "dot" or place == 0 or step.sizes[0] > 1 for array in plan.by_array(operands)}  # fmt: skip
    outputs = {output.array for output in plan.outputs if isinstance(output, Lane)}
    return {array for array in plan.inputs if array.lanes >= MANY} - used - outputs


def _name(plan: Plan) -> None:
    """z1 = W1 @ h0, h1 = tanh(z1), …: as in textbooks."""
    numbers: dict[Array, int] = {}  # of products without an activation so far
    count = 0
    for place, step in enumerate(plan.steps):
        step.target.name = f"v{place + 1}"
        if step.kind == "dot":
            numbers[step.target] = count = count + 1
            step.target.name = f"z{count}"
        elif isinstance(step.kind, Op) and len(step.operands) == 1:
            [source, *others] = plan.by_array(step.operands[0])
            if source and not others and (number := numbers.pop(source, 0)):
                step.target.name = f"h{number}"


@cache
def _as_ufuncs(spelling: str, count: int) -> ast.expr | None:
    """The spelling as a tree, if it is made of arithmetic and functions that work number by number."""
    try:
        tree = ast.parse(spelling.format(*(f"_{i}" for i in range(count))), mode="eval").body
    except (SyntaxError, IndexError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", "")
            found = getattr(np, name, None) if ast.unparse(node.func) == f"np.{name}" else None
            if not isinstance(found, np.ufunc) or node.keywords or found.nout != 1:
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
