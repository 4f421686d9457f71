"""The writer: it adds statements to a function, and finds the views that they work on."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from ...op import Op
from ...ops import multiply
from ..literals import literal, shape_literal, slice_literal
from .buffers import Block, Buffer, Shape, Statement, View, ViewOrNumber, broadcast
from .layout import examples_in_rows, name_arrays, rows_of_ones
from .plan import Array, Lane, Operand, Plan, Step
from .spelling import OPERATORS, as_ufuncs, template

SIGNS = {"square": "{}²", "add": "{} + {}", "subtract": "{} - {}", "multiply": "{} * {}", "divide": "{} / {}"}
TAKE = '{0}.take({1}, 0, {out}, "clip")'  # the other modes than "clip" make a copy first; np.take takes longer


class Writer:
    """Writes the statements of one function, from a plan."""

    def __init__(self, plan: Plan, mean_parts: Collection[Array] = ()) -> None:
        self.plan = plan
        self.mean_parts = mean_parts  # these may be nan where they should be infinite: then the mean is computed anew
        self.block = Block()
        self.step: Step | None = None  # the array instruction that is being written
        self.saved: dict[Step, Any] = {}  # what the forward lines of an instruction leave for its backward lines
        self.ones_behind = rows_of_ones(plan)
        self.makers = {step.target: step for step in plan.steps}
        self.known: dict[Any, View] = {}  # the results that are there already, each under a key that says what it is
        self.arrays: dict[Array, View] = {}
        self.everything: dict[Array, View] = {}  # the arrays with the rows of ones behind their lanes
        self.checks: dict[tuple[Array, int], Statement] = {}  # the checks of labels that are used in one pick only
        self.nonnegative: set[ViewOrNumber] = set()
        self.accumulators: set[Buffer] = set()  # gradients that several contributions are added to
        self._examples_in_rows = examples_in_rows(plan)
        self._temporaries = 0
        name_arrays(plan)

    # --- statements

    def statement(
        self, text: str, arguments: Sequence[ViewOrNumber], out: View | None, comment: str = "", in_place: bool = False,
        spelled: bool = False,
    ) -> None:  # fmt: skip
        steps = (self.step,) if self.step else ()
        self.block.statements.append(Statement(text, tuple(arguments), out, comment, in_place, steps, spelled))

    def temporary(self, shape: Shape, initial: str = "", prefix: str = "t") -> View:
        """A new buffer."""
        self._temporaries += 1
        return View(Buffer(f"{prefix}{self._temporaries}", shape, initial), "", shape)

    def once(
        self, key: Any, shape: Shape, text: str, arguments: Sequence[ViewOrNumber], initial: str = "", comment: str = ""
    ) -> View:
        """The result of a statement, which is written only if there is no result with this key yet."""
        if key not in self.known:
            result = self.known[key] = self.temporary(shape, initial)
            self.statement(text, arguments, result, comment and f"{name_in_comment(result)} = {comment}")
        return self.known[key]

    def starts(self, sizes: tuple[int, ...]) -> View:
        """The indices at which the terms of each lane begin."""
        return self.indices([0, *accumulate(sizes[:-1])])

    def spread(self, view: View, sizes: tuple[int, ...]) -> View:
        """The rows of the view, each repeated as often as its size says."""
        rows = [row for row, size in enumerate(sizes) for _ in range(size)]
        return self.once(("spread", view, sizes), (len(rows), *view.shape[1:]), TAKE, [view, self.indices(rows)])

    def constant(self, text: str, shape: Shape) -> View:
        """An array that is made once for a number of examples, and never written."""
        if text not in self.known:
            self.known[text] = self.temporary(shape, text, "c")
        return self.known[text]

    def number(self, number: float, shape: Shape = ()) -> View:
        """A constant array in which each element is this number."""
        return self.constant(f"np.{f'full({shape_literal(shape)}, ' if shape else 'array('}{literal(number)})", shape)

    def indices(self, lanes: Sequence[int]) -> View:
        """A constant array of indices."""
        return self.constant(f"np.array({list(lanes)})", (len(lanes),))

    def ufunc(self, name: str, arguments: Sequence[ViewOrNumber], out: View | None = None, comment: str = "") -> View:
        """The result of a NumPy function that works number by number. If it is there already, nothing is written."""
        if (name == "power" and arguments[1] == 2.0) or (name == "multiply" and arguments[0] == arguments[1]):
            name, arguments = "square", arguments[:1]
        if name == "negative":  # NumPy 2.4's gives wrong results for numbers that lie 64 bytes apart
            return self.ufunc("multiply", [*arguments, -1.0], out, comment)
        if name == "sign" and arguments[0] in self.nonnegative and broadcast(arguments)[0] != 1:
            return self.ufunc("minimum", [self.ufunc("ceil", arguments), 1.0], out, comment)  # faster on large arrays
        result, exists = self._result(name, arguments, out)
        if exists:
            return result
        if name == "maximum" and 0.0 in arguments:
            self.nonnegative.add(result)
        sign = SIGNS.get(name) or f"{name}({', '.join(['{}'] * len(arguments))})"
        comment = comment or f"{result.buffer.name} = {sign.format(*map(name_in_comment, arguments))}"
        # A 0-dimensional array costs less than a Python number. maximum and minimum are three times as fast between
        # two arrays of one shape; other functions gain next to nothing by that.
        full = broadcast(arguments) if name in ("maximum", "minimum") else ()
        arguments = [a if isinstance(a, View) else self.number(a, full) for a in arguments]
        fields = ", ".join(f"{{{i}}}" for i in range(len(arguments)))
        keyword = "out=" if full else ""  # without it a call is quicker, but NumPy deprecates that for these two
        self.statement(f"{name}({fields}, {keyword}{{out}})", arguments, result, comment, in_place=True)
        return result

    def spelled(self, op: Op, arguments: Sequence[ViewOrNumber], out: View | None = None) -> View:
        """The result of an operation on at least one array, by its NumPy spelling in the table."""
        comment = f"{out.buffer.name} = {op.write([name_in_comment(a) for a in arguments], plain=True)}" if out else ""
        tree = as_ufuncs(op.numpy, len(arguments))
        if tree is not None:
            return self._by_ufuncs(tree, arguments, out, comment)  # type: ignore[return-value]
        result, exists = self._result(op, arguments, out)
        if not exists:
            shapes = {a.shape if isinstance(a, View) else () for a in arguments}
            text = f"{{out}}[...] = {template(op, len(arguments), len(shapes) == 1)}"
            self.statement(text, arguments, result, comment, spelled=True)
        return result

    def _result(self, name: Any, arguments: Sequence[ViewOrNumber], out: View | None) -> tuple[View, bool]:
        """Where the result of an operation is to be, and whether it is there already.

        The result is noted, so that it is found when it is wanted again, unless it is repeated to fill a larger `out`,
        or other contributions will be added to it.
        """
        key = (name, *_keys(arguments))
        if out is None and key in self.known:
            return self.known[key], True
        shape = broadcast(arguments)
        result = out or self.temporary(shape)
        if result.shape == shape and result.buffer not in self.accumulators:
            self.known.setdefault(key, result)
        return result, False

    def _by_ufuncs(
        self, tree: ast.expr, arguments: Sequence[ViewOrNumber], out: View | None, comment: str
    ) -> ViewOrNumber:
        if isinstance(tree, ast.Name):
            return arguments[int(tree.id[1:])]
        if isinstance(tree, ast.Constant):
            return float(tree.value)  # type: ignore[arg-type]
        if isinstance(tree, ast.Call):
            name, parts = getattr(np, tree.func.attr).__name__, tree.args  # type: ignore[attr-defined]  # abs: absolute
        else:
            parts = [tree.left, tree.right] if isinstance(tree, ast.BinOp) else [tree.operand]  # type: ignore[attr-defined]
            name = OPERATORS[type(tree.op)]  # type: ignore[attr-defined]
        given = [self._by_ufuncs(part, arguments, None, "") for part in parts]
        if any(isinstance(a, View) for a in given):
            return self.ufunc(name, given, out, comment)
        with np.errstate(all="ignore"):
            return float(getattr(np, name)(*map(np.float64, given)))  # type: ignore[arg-type]

    # --- views

    def whole(self, array: Array) -> View:
        """All lanes of an array."""
        if array not in self.arrays:
            rows = array.lanes + self.ones_behind.get(array, 0)
            shape: Shape = (rows, "n") if array.batched else (rows,)
            initial = f"np.ones({shape_literal(shape)})" if array in self.ones_behind else ""
            if array in self._examples_in_rows:
                buffer = Buffer(array.name, shape[::-1], initial and f"np.ones({shape_literal(shape[::-1])})")
                everything = View(buffer, ".T", shape)
            else:
                everything = View(Buffer(array.name, shape, initial, array is self.plan.theta), "", shape)
            self.everything[array] = self.arrays[array] = everything
            if array in self.ones_behind:
                self.arrays[array] = everything.window(f"[:{array.lanes}]", (array.lanes, *shape[1:]))
        return self.arrays[array]

    def rows(self, view: View, indices: Sequence[int], initial: Callable[[Shape], str] = lambda shape: "") -> View:
        """These rows of a view: a window if they are evenly spaced, else a copy, whose buffer `initial` makes."""
        if list(indices) == list(range(view.shape[0])):  # type: ignore[arg-type]
            return view
        shape = (len(indices), *view.shape[1:])
        if (suffix := slice_literal(indices)) is not None:
            return view.window(suffix, shape)
        return self.once(("rows", view, tuple(indices)), shape, TAKE, [view, self.indices(indices)], initial(shape))

    def broadcastable(self, operands: Sequence[Operand], batched: bool) -> ViewOrNumber:
        """The operands as one array, or one row or number if all are equal; it fits (lanes, examples) if batched."""
        first = operands[0]
        if all(operand == first for operand in operands):
            if isinstance(first, Lane):
                operands = [first]
            elif len(set(_keys(operands))) == 1:
                return first
        return as_column(self.together(operands), batched)

    def together(self, operands: Sequence[Operand], solid: bool = False) -> View:
        """All these operands as one array, a row for each; if `solid`, in one piece of memory, so that it reshapes."""
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
        result = self.known[key] = self.temporary((len(operands), "n") if batched else (len(operands),))
        for array, (positions, lanes) in groups.items():
            self.write_rows(result, positions, as_column(self._part(operands, array, lanes), batched))
        return result

    def _part(self, operands: Sequence[Operand], array: Array | None, lanes: Sequence[int]) -> View:
        """These lanes of the array; if there is no array, the numbers among the operands."""
        if array is not None:
            return self.rows(self.whole(array), lanes)
        numbers = [literal(o) for o in operands if not isinstance(o, Lane)]
        return self.constant(f"np.array([{', '.join(numbers)}])", (len(numbers),))

    def write_rows(self, out: View, indices: Sequence[int], part: ViewOrNumber, sign: str = "") -> None:
        """out[indices] = part; with the sign "+" or "-", out[indices] += part or -= part."""
        if (suffix := slice_literal(indices)) is not None:
            whole = len(indices) == out.shape[0]
            target = out if whole else out.window(suffix, (len(indices), *out.shape[1:]))
            self.statement(f"{{out}}[...] {sign}= {{0}}", [part], target)
        else:
            self.statement(f"{{out}}[{{1}}] {sign}= {{0}}", [part, self.indices(indices)], out)

    def reshaped(self, view: View, rows: tuple[int, int], name: str = "") -> View:
        """A view of shape (rows · columns, …) as one of shape (rows, columns, …)."""
        if not view.solid:
            view = self.once(("solid", view), view.shape, "{out}[...] = {0}", [view])
        shape = (*rows, *view.shape[1:])
        return view.window(f".reshape{shape_literal(shape)}", shape, name)

    def add_up(self, view: View, out: View) -> None:
        """The sum over all rows. A product with ones takes half the time of np.add.reduce."""
        comment = f"{name_in_comment(out)} = sum({name_in_comment(view)})"
        if len(view.shape) == 1:
            self.statement("add.reduce({0}, axis=0, keepdims=True, out={out})", [view], out, comment)
        else:
            ones = self.constant(f"np.ones({view.shape[0]})", view.shape[:1])
            self.statement("{0}.dot({1}, {out})", [ones, view], out.window("[0]", view.shape[1:]), comment)

    def products(self, terms: Sequence[Operand]) -> list[View] | None:
        """The two factors, if the terms are all the products of one instruction that is the same for all examples."""
        [(array, (_, lanes)), *others] = self.plan.by_array(terms).items()
        maker = self.makers.get(array)  # type: ignore[arg-type]
        if others or maker is None or maker.kind is not multiply or maker.target.batched:
            return None
        views = self.saved[maker]
        alike = all(isinstance(view, View) and view.shape == (maker.target.lanes,) for view in views)
        return views if alike and lanes == list(range(maker.target.lanes)) else None

    def copy(self, view: View, out: View) -> View:
        self.statement("{out}[...] = {0}", [view], out)
        return out


def as_column(view: View, batched: bool) -> View:
    """A view that holds one number for each lane, as a column, if it is to stand beside (lanes, examples)."""
    return view.window("[:, None]", (view.shape[0], 1)) if batched and len(view.shape) == 1 else view


def name_in_comment(argument: ViewOrNumber) -> str:
    return argument.buffer.name if isinstance(argument, View) else literal(argument)


def empty_integers(shape: Shape) -> str:
    """The text that makes a buffer of integers."""
    return f"np.empty({shape_literal(shape)}, np.intp)"


def _keys(arguments: Sequence[Operand | View]) -> list[Any]:
    """What distinguishes these arguments; numbers as text, for 0.0 and -0.0 are equal, and nan is not equal to nan."""
    return [repr(a) if isinstance(a, float) else a for a in arguments]
