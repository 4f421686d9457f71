"""Stage 3c: the backward program: one adjoint for each array instruction, in reverse order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..operators import Operators
from ..ops import add, logsumexp, multiply, neg, pick, subtract
from ..row import Op
from .arrays import PRODUCT, TAKE, Writer, pair
from .buffers import Argument, Block, Buffer, Line, Shape, View, broadcast, evenly
from .emitting import literal
from .lanes import Array, Lane, Operand, Plan, Step
from .lowering import constant

LARGE = 10_000  # so many gradients are written where they are returned; of fewer a copy takes less time
MODEST = 1e4  # a factor up to this (or down to its inverse) may wait: nothing over- or underflows by it


class Term(Operators):
    """number · n^power · view: a slope or a gradient; the rules of the table run on it. No view: the same everywhere."""

    __slots__ = ("number", "power", "view", "writer")

    def __init__(self, writer: Writer, view: View | None, number: float = 1.0, power: int = 0) -> None:
        self.writer, self.view, self.number, self.power = writer, view, number, power

    @classmethod
    def __apply__(cls, op: Op, arguments: Sequence[Any]) -> Any:
        writer = next(a.writer for a in arguments if isinstance(a, Term))
        arguments = [a if isinstance(a, Term) else float(a) for a in arguments]
        for place, neutral in enumerate(op.neutral):
            if isinstance(arguments[place], float) and arguments[place] == neutral:
                return arguments[1 - place]
        if op is neg:
            return arguments[0].times(-1.0)
        if op is multiply:
            left, right = arguments
            if isinstance(left, float):
                left, right = right, left
            if isinstance(right, float):
                return left.times(right)
            if left.view is not None and right.view is not None:
                product = writer.ufunc("multiply", [left.view, right.view])
                return Term(writer, product).times(left.number * right.number)
        return Term(writer, writer.spelled(op, [a.plain() if isinstance(a, Term) else a for a in arguments]))

    def times(self, number: float, power: int = 0) -> Term:
        """A modest factor waits, to be applied once."""
        product = self.number * number
        if self.view is None or 1.0 / MODEST <= abs(product) <= MODEST:
            return Term(self.writer, self.view, product, self.power + power)
        return Term(self.writer, self.plain(number, power))

    def plain(self, number: float = 1.0, power: int = 0, out: View | None = None) -> View:
        """The view with all factors applied."""
        view, power = self.view, self.power + power
        number *= self.number
        assert view is not None
        if number == 1.0 and power == 0 and out is None:
            return view
        if number == -1.0 and power == 0:
            return self.writer.ufunc("negative", [view], out)  # type: ignore[return-value]
        return self.writer.ufunc("multiply", [view, factor(self.writer, number, power)], out)  # type: ignore[return-value]


def factor(writer: Writer, number: float, power: int) -> Argument:
    """number · n^power, made once for a number of examples."""
    if power == 0:
        return number
    return writer.constant(f"np.array({literal(number)} {'*' if power > 0 else '/'} n{f'**{abs(power)}' * (abs(power) > 1)})", ())


@dataclass
class Made:
    """What is about to be passed to operands; its shape, flattened, is (operands, …), or (1, …) for the same to each."""

    shape: Shape
    write: Callable[[View | None], View]  # into a view, or anywhere
    there: bool = False  # whether it is a view that is there already


class Backward:
    """Gradients of one output to some arrays, written behind the forward lines.

    It runs twice: at first to see which lanes each contribution goes to (`log`), then with a plan for them (`modes`).
    """

    def __init__(self, writer: Writer, wanted: Collection[Array], modes: Sequence[str] = ()) -> None:
        self.writer = writer
        self.wanted: set[Array | None] = set(wanted)
        for step in writer.plan.steps:
            if not all(self.wanted.isdisjoint(writer.plan.by_array(operands)) for operands in step.operands):
                self.wanted.add(step.target)
        self.log: list[tuple[Array, tuple[int, ...]]] = []
        self._targets = set(wanted)
        self._modes = modes
        self._found: dict[Array, Term] = {}

    def run(self, output: Operand, power: int) -> None:
        """From the gradient n^power of the output."""
        if not isinstance(output, Lane) or output.array not in self.wanted:
            return
        shape: Shape = (1, "n") if output.array.batched else (1,)
        self._deposit(output.array, [output.index], None, Term(self.writer, None, 1.0, power), shape)
        for step in reversed(self.writer.plan.steps):
            if step.target in self._found and step.target not in self._targets:
                self.writer.step = step
                self._adjoint(step, self._found[step.target])
        self.writer.step = None

    def gradient(self, array: Array) -> View | None:
        """The finished gradient of an array, all factors applied; None if nothing reaches it."""
        if array not in self._found:
            return None
        return self._full(self._found[array], array)

    # --- one instruction

    def _adjoint(self, step: Step, above: Term) -> None:
        if step.kind == "dot":
            self._dot(step, above)
        elif step.kind == "sum":
            self._sum(step, above)
        elif step.kind is logsumexp:
            self._logsumexp(step, above)
        elif step.kind is pick:
            self._pick(step, above)
        else:
            self._rule(step, above)

    def _rule(self, step: Step, above: Term) -> None:
        """By the local derivatives of the table."""
        writer = self.writer
        names = [Term(writer, view) if isinstance(view, View) else view for view in writer.saved[step]]
        out, partials = Term(writer, writer.whole(step.target)), step.kind.partials
        slopes = partials(out, *names) if callable(partials) else None
        wanted: dict[tuple[tuple[Operand, ...], View | None], Term] = {}
        for place, operands in enumerate(step.operands):
            if not self.wanted.isdisjoint(writer.plan.by_array(operands)):
                slope = partials[place](out, *names) if slopes is None else slopes[place]
                slope = slope if isinstance(slope, Term) else Term(writer, None, slope)
                key = tuple(operands), slope.view
                twice = wanted.get(key)  # a · a
                wanted[key] = Term(writer, slope.view, slope.number + twice.number) if twice else slope
        for (these, _), slope in wanted.items():
            if slope.number != 0.0:
                self._contribute(these, *self._product(slope, above), step.target.batched)

    def _product(self, slope: Term, above: Term) -> tuple[Made | None, Term]:
        """slope · above: what is still to be written, and the factors that wait."""
        writer = self.writer
        waiting = Term(writer, None, slope.number * above.number, slope.power + above.power)
        views = [term.view for term in (slope, above) if term.view is not None]
        if views and not 1.0 / MODEST <= abs(waiting.number) <= MODEST:
            views[-1], waiting = Term(writer, views[-1]).plain(waiting.number), Term(writer, None, 1.0, waiting.power)
        if len(views) == 2:
            return Made(broadcast(views), lambda out: writer.ufunc("multiply", views, out)), waiting  # type: ignore[arg-type, return-value]
        return (self._there(views[0]) if views else None), waiting

    def _there(self, view: View) -> Made:
        """A view that is there already."""
        return Made(view.shape, lambda out: view if out is None else self._copy(view, out), True)

    def _copy(self, view: View, out: View) -> View:
        self.writer.line("{out}[...] = {0}", [view], out)
        return out

    def _full(self, term: Term, array: Array) -> View:
        """The gradient of an array with all factors applied, and all its lanes and examples."""
        writer = self.writer
        shape: Shape = (array.lanes, "n") if array.batched else (array.lanes,)
        if term.view is None:
            number = factor(writer, term.number, term.power)
            if isinstance(number, float):
                return writer.constant(f"np.full({pair(shape)}, {literal(number)})", shape)
            return writer.once(("full", array, number), shape, "{out}[...] = {0}", [number])
        if term.view.shape == shape:
            return term.plain()
        if term.number == 1.0 and term.power == 0:
            return writer.once(("full", array, term.view), shape, "{out}[...] = {0}", [term.view])
        return term.plain(out=writer.temporary(shape))

    def _dot(self, step: Step, above: Term) -> None:
        writer, (rights, lefts, width) = self.writer, step.sizes
        weights, right, lanes = writer.saved[step]
        upstream = self._full(above, step.target)
        name = upstream.buffer.name
        layer = step.target.name[1:]
        turned = right.window(".T", right.shape[::-1], f"{right.buffer.name}T")
        if rights > 1:
            upstream = writer.reshaped(upstream, (rights, lefts))
            turned = right.window(".transpose(0, 2, 1)", (rights, "n", width))

        def to_weights(out: View | None) -> View:
            whole = replace(out, name=f"dW{layer}") if out else writer.temporary((lefts, width))
            each = whole if rights == 1 else writer.temporary((rights, lefts, width))
            writer.line(PRODUCT[rights > 1], [upstream, turned], each,
                        f"dW{layer} = {name} @ {right.buffer.name}.T")  # fmt: skip
            if rights > 1:
                writer.line("add.reduce({0}, axis=0, out={out})", [each], whole)
            return whole

        self._contribute(step.operands[0], Made((lefts, width), to_weights), Term(writer, None), False)
        if not lanes:
            return
        shape: Shape = (lanes, "n") if rights == 1 else (rights, lanes, "n")
        cut = weights if lanes == width else weights.window(f"[:, :{lanes}]", (lefts, lanes))
        back = cut.window(".T", (lanes, lefts), f"W{layer}T")

        def to_right(out: View | None) -> View:
            out = out or writer.temporary(shape)
            writer.line(PRODUCT[rights > 1 or not out.solid], [back, upstream], out,  # .dot wants one piece of memory
                        f"{out.buffer.name} = W{layer}.T @ {name}")  # fmt: skip
            return out

        operands = [o for i, o in enumerate(step.operands[1]) if i % width < lanes]
        self._contribute(operands, Made(shape, to_right), Term(writer, None), True)

    def _sum(self, step: Step, above: Term) -> None:
        """Each term gets the gradient of its sum."""
        writer, sizes, made = self.writer, step.sizes, None
        view = above.view
        if view is not None and (len(sizes) == 1 or view.shape[0] == 1):
            made = self._there(view)
        elif view is not None:
            lane = [i for i, size in enumerate(sizes) for _ in range(size)]
            text, key = TAKE, ("spread", view, sizes)
            shape = (len(lane), *view.shape[1:])
            made = self._there(writer.once(key, shape, text, [view, writer.indices(lane)]))
        self._contribute(step.operands[0], made, Term(writer, None, above.number, above.power), step.target.batched)

    def _logsumexp(self, step: Step, above: Term) -> None:
        """Each value gets its softmax probability of the gradient."""
        writer, lanes = self.writer, len(step.sizes)
        powers, whole = writer.saved[step]
        view = above.view
        if view is not None and lanes > 1:
            view = writer.reshaped(view if view.shape[0] == lanes else self._full(Term(writer, view), step.target), (lanes, 1))

        share = writer.ufunc("divide", [factor(writer, above.number, above.power) if view is None else view, whole])

        def write(out: View | None) -> View:
            return writer.ufunc("multiply", [powers, share], out)  # type: ignore[return-value]

        waiting = Term(writer, None) if view is None else Term(writer, None, above.number, above.power)
        self._contribute(step.operands[0], Made(powers.shape, write), waiting, step.target.batched)

    def _pick(self, step: Step, above: Term) -> None:
        """Only what was picked gets the gradient."""
        writer = self.writer
        array, where = writer.saved[step]
        if (hot := writer.hot(step)) is not None:
            made, term = self._product(Term(writer, hot[0], 1.0, 1), above)
            return self._contribute(step.operands[0], made, term, True)
        whole = writer.whole(array)
        count = f"{array.lanes}{' * n' if array.batched else ''}"
        waiting = Term(writer, None, above.number, above.power)
        if above.view is None:
            text, parts = f"np.bincount({{0}}.reshape(-1), minlength={count})", [where]
        else:
            upstream = self._full(Term(writer, above.view), step.target)
            text = f"np.bincount({{0}}.reshape(-1), weights={{1}}.reshape(-1), minlength={count})"
            parts = [where, upstream]

        def write(out: View | None) -> View:
            out = out or writer.temporary(whole.shape)
            writer.line(f"{{out}}[...] = {text}.reshape({{out}}.shape)", parts, out)
            return out

        made = Made(whole.shape, write)
        if array in self.wanted:
            self._contribute([Lane(array, i) for i in range(array.lanes)], made, waiting, array.batched)
        elif array.name.endswith("_choices"):
            self._contribute(step.operands[0], made, waiting, array.batched)

    # --- where gradients add up

    def _contribute(self, operands: Sequence[Operand], made: Made | None, waiting: Term, batched: bool) -> None:
        """Add a gradient to each operand; over the examples, if one number is shared by all."""
        groups = {a: g for a, g in self.writer.plan.by_array(operands).items() if a is not None and a in self.wanted}
        alone = len(groups) == 1 and len(next(iter(groups.values()))[0]) == len(operands)
        flat: View | None = None
        for array, (places, lanes) in groups.items():
            part, term = made, waiting
            if made is not None and not alone and not _is_row(made, operands, batched):
                if flat is None:
                    flat = self._flat(made, len(operands), batched)
                part = self._there(self.writer.rows(flat, places))
            if batched and not array.batched:
                part, term = self._over_examples(part, len(lanes), term)
            self._lanes(array, lanes, part, term)

    def _flat(self, made: Made, count: int, batched: bool) -> View:
        view = made.write(None)
        if len(made.shape) > 1 + batched:
            columns = made.shape[-1:] if batched else ()
            return view.window(f".reshape{pair((count, *columns))}", (count, *columns))
        return view

    def _over_examples(self, made: Made | None, count: int, term: Term) -> tuple[Made | None, Term]:
        if made is None:
            return None, term.times(1.0, 1)
        view = self._flat(made, count, True)
        if view.shape[-1] == 1:  # the same for all examples
            return self._there(view.window("[:, 0]", view.shape[:1])), term.times(1.0, 1)
        ones = self.writer.constant("np.ones(n)", ("n",))
        return self._there(self.writer.once(("examples", view), view.shape[:1], "{0}.dot({1}, {out})", [view, ones])), term

    def _lanes(self, array: Array, lanes: list[int], made: Made | None, term: Term) -> None:
        """To these lanes of one array, in any order, some perhaps several times."""
        writer, unique = self.writer, sorted(set(lanes))
        row = made is None or _is_row(made, lanes, array.batched)
        if len(unique) == len(lanes):
            if lanes != unique and not row:
                assert made is not None
                order = sorted(range(len(lanes)), key=lanes.__getitem__)
                made = self._there(writer.rows(self._flat(made, len(lanes), array.batched), order))
            return self._deposit(array, unique, made, term, self._shape(array, unique))
        if row and len(set(Counter(lanes).values())) == 1:  # to each equally often
            return self._deposit(array, unique, made, term.times(len(lanes) // len(unique)), self._shape(array, unique))
        shape = self._shape(array, lanes)
        if made is None:
            view = writer.constant(f"np.ones({pair(shape)})", shape)
        else:
            view = self._flat(made, len(lanes), array.batched)
            if view.shape != shape:
                view = writer.once(("spread", view, shape), shape, "{out}[...] = {0}", [view])
        order = sorted(range(len(lanes)), key=lanes.__getitem__)
        view = writer.rows(view, order)
        rising = [lanes[i] for i in order]
        starts = [i for i in range(len(rising)) if i == 0 or rising[i] != rising[i - 1]]
        shape = self._shape(array, unique)
        if len(unique) == 1:
            text, extra = "add.reduce({0}, axis=0, keepdims=True, out={out})", []
        else:
            text, extra = "add.reduceat({0}, {1}, axis=0, out={out})", [writer.indices(starts)]
        total = writer.once(("added up", view, tuple(starts)), shape, text, [view, *extra])
        self._deposit(array, unique, self._there(total), term, shape)

    def _shape(self, array: Array, lanes: Sequence[int]) -> Shape:
        return (len(lanes), "n") if array.batched else (len(lanes),)

    def _deposit(self, array: Array, lanes: Sequence[int], made: Made | None, term: Term, shape: Shape) -> None:
        """Write or add to the gradient of an array, as planned."""
        self.log.append((array, tuple(lanes)))
        mode = self._modes[len(self.log) - 1] if self._modes else "alone"
        writer = self.writer
        if mode == "alone":
            view = None
            if made is not None:
                view = made.write(None if made.there else View(Buffer(_d(array), made.shape), "", made.shape))
            if view is not None and len(view.shape) > 1 + array.batched:
                view = view.window(f".reshape{pair(shape)}", shape)
            self._found[array] = Term(writer, view, term.number, term.power)
            return
        if array not in self._found:
            self._found[array] = self._begin(array, mode, term)
        mode = mode.removeprefix("clear ")
        held = self._found[array]
        ratio = term.number / held.number, term.power - held.power
        how = evenly(lanes)
        gradient = held.view
        assert gradient is not None
        target = gradient if len(lanes) == array.lanes else gradient.window(how, shape) if how else None
        self._write(mode, gradient, target, lanes, made, ratio)

    def _begin(self, array: Array, mode: str, term: Term) -> Term:
        writer, shape = self.writer, self._shape(array, range(array.lanes))
        clears = mode.startswith("clear")
        partial = mode == "clear write"
        view = View(Buffer(_d(array), shape, f"np.zeros({pair(shape)})" if partial else ""), "", shape)
        writer.sums.add(view.buffer)
        if array is writer.plan.theta and array.lanes > LARGE:
            writer.block.fresh, view.buffer.given = view.buffer, True
            function = "zeros" if partial else "empty"
            writer.block.lines.insert(0, Line(f"{view.buffer.name} = {function}({array.lanes})", (), None))
        if clears and not partial:
            writer.line("{out}[...] = 0.0", [], view)
        waits = array not in self._targets and 1.0 / MODEST <= abs(term.number) <= MODEST
        return Term(writer, view, term.number, term.power) if waits else Term(writer, view)

    def _write(
        self, mode: str, gradient: View, target: View | None, lanes: Sequence[int], made: Made | None,
        ratio: tuple[float, int],
    ) -> None:  # fmt: skip
        writer = self.writer
        direct = target is not None and made is not None and ratio == (1.0, 0) and mode == "write"
        if direct and made is not None and target is not None and (fitting := _fit(target, made.shape)) is not None:
            made.write(fitting)
            return
        sign = {"write": "", "add": "+"}[mode]
        if made is None:
            value: Argument = factor(writer, *ratio)
        else:
            view = made.write(None)
            columns = gradient.shape[1:]
            if len(view.shape) > 1 + len(columns):
                view = view.window(f".reshape{pair((len(lanes), *columns))}", (len(lanes), *columns))
            if mode == "add" and ratio == (-1.0, 0):
                sign, ratio = "-", (1.0, 0)
            if mode == "write" and target is not None and ratio != (1.0, 0):
                Term(writer, view).plain(*ratio, out=target)
                return
            value = Term(writer, view).plain(*ratio)
        if sign and target is not None:
            name = "add" if sign == "+" else "subtract"
            writer.line(f"{name}({{0}}, {{1}}, {{out}})", [target, value], target,
                        f"{gradient.buffer.name} {sign}= …")  # fmt: skip
        else:
            writer.write_rows(gradient, lanes, value, sign)


def _d(array: Array) -> str:
    """The name of its gradient: d2 for z2, the error of layer 2, as in textbooks."""
    return "d" + (array.name[1:] if array.name[0] == "z" else array.name)


def _is_row(made: Made, operands: Sequence[Any], batched: bool) -> bool:
    """Whether it is the same for each of the operands."""
    return made.shape[0] == 1 and len(operands) > 1 and len(made.shape) == 1 + batched


def _fit(target: View, shape: Shape) -> View | None:
    """The target in that shape, without a copy; None where there is no such window."""
    if target.shape == shape:
        return target
    if len(shape) > len(target.shape) and target.solid:
        return target.window(f".reshape{pair(shape)}", shape)
    return None


def planned(log: Sequence[tuple[Array, tuple[int, ...]]], targets: Collection[Array]) -> list[str]:
    """What each contribution does to its gradient: it is alone; writes lanes that nobody has written, or adds to them.

    The first says "clear", too, if there have to be zeros: before all, or once, in lanes that nobody ever writes.
    """
    modes = [""] * len(log)
    by_target: dict[Array, list[tuple[int, set[int]]]] = {}
    for place, (array, lanes) in enumerate(log):
        by_target.setdefault(array, []).append((place, set(lanes)))
    for array, mine in by_target.items():
        first, lanes_of_first = mine[0]
        if len(mine) == 1 and len(lanes_of_first) == array.lanes and array not in targets:
            modes[first] = "alone"
            continue
        written: set[int] = set()
        mixed = False
        for place, these in mine:
            modes[place] = "add" if these & written else "write"
            mixed |= bool(these & written) and not these <= written
            written |= these
        if mixed:
            for place, _ in mine:
                modes[place] = "add"
            modes[first] = "clear add"
        elif len(written) < array.lanes:
            modes[first] = "clear write"
    return modes


def write_program(plan: Plan, wanted: Sequence[Array], power: int) -> tuple[Writer, Backward]:
    """The forward and the backward lines of the first output."""
    modes: list[str] = []
    for _ in range(2):
        writer = Writer(plan)
        writer.forward()
        backward = Backward(writer, wanted, modes)
        backward.run(plan.outputs[0], power)
        modes = planned(backward.log, wanted)
    return writer, backward


def source_of_arrays(plan: Plan, name: str, head: str, kept: Sequence[int] = ()) -> tuple[str, Block]:
    """The text of bind(n), which returns value, value_and_grad or input_gradients; and its lines."""
    if name == "value":
        writer = Writer(plan)
        writer.forward()
        text, arguments = _outputs(writer)
        writer.line(f"return [{text}]", arguments, None)
    elif name == "value_and_grad":
        writer, backward = write_program(plan, [plan.theta], -1 if _varies(plan.outputs[0]) else 0)
        text, arguments = _mean(writer, plan.outputs[0])
        gradient = backward.gradient(plan.theta)
        if gradient is None:
            writer.line(f"return {text}, np.zeros({plan.theta.lanes})", arguments, None)
        else:
            if kept:
                writer.line("{0}[{1}] = 0.0", [gradient, writer.indices(kept)], None, "requires_grad=False")
            last, copy = writer.block.lines[-1], "" if writer.block.fresh else ".copy()"
            result, parts = f"{{{len(arguments)}}}{copy}", [gradient]
            if copy and last.out == gradient and last.text == "add({0}, {1}, {out})":  # a sum is the caller's own, too
                result, parts = f"add({{{len(arguments)}}}, {{{len(arguments) + 1}}})", list(last.arguments)  # type: ignore[arg-type]
                writer.block.lines.pop()
            writer.line(f"return {text}, {result}", [*arguments, *parts], None)
    else:
        writer, backward = write_program(plan, [array for array in plan.inputs if array.lanes], 0)
        slopes = [backward.gradient(array) for array in plan.inputs]
        places = iter(range(len(slopes)))
        text = ", ".join(f"np.zeros(({array.lanes}, n))" if slope is None else f"{{{next(places)}}}"
                         for array, slope in zip(plan.inputs, slopes))  # fmt: skip
        writer.line(f"return [{text}]", [slope for slope in slopes if slope is not None], None)
    return writer.block.function(head), writer.block


def _varies(output: Operand) -> bool:
    return isinstance(output, Lane) and output.array.batched


def _outputs(writer: Writer) -> tuple[str, list[Argument]]:
    texts: list[str] = []
    arguments: list[Argument] = []
    for output in writer.plan.outputs:
        if isinstance(output, Lane):
            texts.append(f"{{{len(arguments)}}}[{output.index}]")
            arguments.append(writer.whole(output.array))
        else:
            texts.append(literal(output))
    return ", ".join(texts), arguments


def _mean(writer: Writer, output: Operand) -> tuple[str, list[Argument]]:
    """The mean of an output over the examples; parts of it whose mean is known otherwise stand apart."""
    text = ""
    arguments: list[Argument] = []
    todo = [(output, "+")]
    while todo:
        operand, sign = todo.pop()
        maker = writer.makers.get(operand.array) if isinstance(operand, Lane) else None
        if maker is not None and (maker.kind is add or maker.kind is subtract) and _varies(operand):
            parts = [operands[operand.index] for operands in maker.operands]  # type: ignore[union-attr]
            if any(not _varies(part) or _hot(writer, part) for part in parts):
                turned = sign if maker.kind is add else "-" if sign == "+" else "+"
                todo += [(parts[1], turned), (parts[0], sign)]
                continue
        text += f" {sign} {_part(writer, operand, arguments)}"
    return text.removeprefix(" + "), arguments


def _hot(writer: Writer, operand: Operand) -> tuple[View, View] | None:
    maker = writer.makers.get(operand.array) if isinstance(operand, Lane) else None
    return writer.hot(maker) if maker is not None and maker.kind is pick else None


def _part(writer: Writer, operand: Operand, arguments: list[Argument]) -> str:
    """The mean of one part, as text with places for what is added to the arguments."""
    first = len(arguments)
    if not isinstance(operand, Lane):
        return literal(operand)
    if not operand.array.batched:
        return _fixed(writer, operand, arguments)
    if (hot := _hot(writer, operand)) is not None:
        maker = writer.makers[operand.array]
        check = writer.checks.get((maker.operands[1][0].array, maker.sizes[0]))  # type: ignore[union-attr]
        if check in writer.block.lines:
            writer.block.lines.remove(check)  # the mean is nan if it fails
        choices = writer.together(maker.operands[0], solid=True)
        arguments += [*(view.window(".reshape(-1)", (-1,)) for view in (choices, hot[0])), hot[1]]
        return f"mean_picked({{{first}}}, {{{first + 1}}}, {{{first + 2}}}, {maker.sizes[0]})"
    arguments.append(writer.whole(operand.array).window(f"[{operand.index}]", ("n",)))
    arguments.append(writer.constant("np.full(n, 1.0 / n)", ("n",)))
    return f"{{{first}}}.dot({{{first + 1}}})"


def _fixed(writer: Writer, operand: Lane, arguments: list[Argument]) -> str:
    """What is the same for all examples: factors and sums of products stand in the text itself."""
    first, maker = len(arguments), writer.makers.get(operand.array)
    if maker is not None and maker.kind is multiply:
        number, lane = sorted((operands[operand.index] for operands in maker.operands), key=lambda o: isinstance(o, Lane))
        if isinstance(lane, Lane) and not isinstance(number, Lane):
            return f"{literal(number)} * {_fixed(writer, lane, arguments)}"
    if maker is not None and maker.kind == "sum" and len(maker.sizes) == 1:
        if (factors := writer.products(maker.operands[0])) is not None:
            arguments += factors
            return f"{{{first}}}.dot({{{first + 1}}})"
    arguments.append(writer.whole(operand.array))
    return f"{{{first}}}[{operand.index}]"
