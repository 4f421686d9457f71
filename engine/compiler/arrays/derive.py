"""Stage 3: the backward program: one adjoint for each array instruction, in reverse order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from ..emit.text import literal
from .buffers import Argument, Buffer, Line, Shape, View, evenly, pair
from .contributions import MODEST, Made, Term, factor, there
from .instructions import forward, kind_of
from .pack import Array, Lane, Operand, Plan
from .writer import Writer, plain

LARGE = 10_000  # so many gradients are written where they are returned; of fewer a copy takes less time


class Backward:
    """Gradients of one output to some arrays, written behind the forward lines.

    It runs with guesses of how each contribution (`log`) is written (`modes`); again, where `planned` says otherwise.
    """

    def __init__(self, writer: Writer, wanted: Collection[Array], modes: Sequence[str] = ()) -> None:
        self.writer = writer
        self.wanted: set[Array | None] = set(wanted)
        for step in writer.plan.steps:
            if not all(self.wanted.isdisjoint(writer.plan.by_array(operands)) for operands in step.operands):
                self.wanted.add(step.target)
        self.log: list[tuple[Array, tuple[int, ...]]] = []
        self._targets = set(wanted)
        self._names: set[str] = set()
        self.modes = list(modes)  # how each contribution is written
        self._planned = bool(modes)
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
                kind_of(step).backward(self, step, self._found[step.target])
        self.writer.step = None

    def gradient(self, array: Array) -> View | None:
        """The finished gradient of an array, all factors applied; None if nothing reaches it."""
        if array not in self._found:
            return None
        return self.full(self._found[array], array)

    def full(self, term: Term, array: Array) -> View:
        """The gradient of an array with all factors applied, and all its lanes and examples."""
        writer = self.writer
        shape: Shape = (array.lanes, "n") if array.batched else (array.lanes,)
        if term.view is None:
            number = factor(writer, term.number, term.power)
            if isinstance(number, float):
                return writer.constant(f"np.full({pair(shape)}, {literal(number)})", shape)
            return writer.once(("full", array, number), shape, "{out}[...] = {0}", [number])
        if term.number == 1.0 and term.power == 0:
            if term.view.shape == shape:
                return term.view
            return writer.once(("full", array, term.view), shape, "{out}[...] = {0}", [term.view])
        key = ("full", array, term.view, term.number, term.power)
        if key not in writer.known:
            writer.known[key] = term.plain(out=self._buffer(array, shape))
        return writer.known[key]

    def _buffer(self, array: Array, shape: Shape, made: str = "") -> View:
        """For a gradient: d2 for that of z2, the error of layer 2, as in textbooks; the first one has the name."""
        name = "d" + (array.name[1:] if array.name[0] == "z" else array.name)
        if name in self._names:
            return self.writer.temporary(shape, made)
        self._names.add(name)
        return View(Buffer(name, shape, made), "", shape)

    # --- where gradients add up

    def contribute(self, operands: Sequence[Operand], made: Made | None, waiting: Term, batched: bool) -> None:
        """Add a gradient to each operand; over the examples, if one number is shared by all."""
        groups = {a: g for a, g in self.writer.plan.by_array(operands).items() if a is not None and a in self.wanted}
        alone = len(groups) == 1 and len(next(iter(groups.values()))[0]) == len(operands)
        flat: View | None = None
        for array, (places, lanes) in groups.items():
            part, term = made, waiting
            if made is not None and not alone and not _is_row(made, operands, batched):
                if flat is None:
                    flat = self._flat(made, len(operands), batched)
                part = there(self.writer, self.writer.rows(flat, places))
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
            return there(self.writer, view.window("[:, 0]", view.shape[:1])), term.times(1.0, 1)
        ones = self.writer.constant("np.ones(n)", ("n",))
        total = self.writer.once(("examples", view), view.shape[:1], "{0}.dot({1}, {out})", [view, ones])
        return there(self.writer, total), term

    def _lanes(self, array: Array, lanes: list[int], made: Made | None, term: Term) -> None:
        """To these lanes of one array, in any order, some perhaps several times."""
        writer, unique = self.writer, sorted(set(lanes))
        row = made is None or _is_row(made, lanes, array.batched)
        if len(unique) == len(lanes):
            if lanes != unique and not row:
                assert made is not None
                order = sorted(range(len(lanes)), key=lanes.__getitem__)
                made = there(writer, writer.rows(self._flat(made, len(lanes), array.batched), order))
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
        self._deposit(array, unique, there(writer, total), term, shape)

    def _shape(self, array: Array, lanes: Sequence[int]) -> Shape:
        return (len(lanes), "n") if array.batched else (len(lanes),)

    def _deposit(self, array: Array, lanes: Sequence[int], made: Made | None, term: Term, shape: Shape) -> None:
        """Write or add to the gradient of an array, as planned."""
        self.log.append((array, tuple(lanes)))
        if not self._planned:
            self.modes.append(self._guess(array, lanes))
        mode, writer = self.modes[len(self.log) - 1], self.writer
        if mode == "alone":
            view = None
            if made is not None:
                named = not made.there and term.number == 1.0 and term.power == 0
                view = made.write(self._buffer(array, made.shape) if named else None)
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

    def _guess(self, array: Array, lanes: Sequence[int]) -> str:
        """What `planned` says of most programs."""
        if array not in self._targets:
            return "alone"
        before = {lane for other, these in self.log[:-1] if other is array for lane in these}
        return "write" if before.isdisjoint(lanes) else "add"

    def _begin(self, array: Array, mode: str, term: Term) -> Term:
        writer, shape = self.writer, self._shape(array, range(array.lanes))
        clears = mode.startswith("clear")
        partial = mode == "clear write"
        view = self._buffer(array, shape, f"np.zeros({pair(shape)})" if partial else "")
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
                        f"{gradient.buffer.name} {sign}= {plain(value)}")  # fmt: skip
        else:
            writer.write_rows(gradient, lanes, value, sign)


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


def write_program(
    plan: Plan, wanted: Sequence[Array], power: int, shown: Collection[Array] = ()
) -> tuple[Writer, Backward]:
    """The forward and the backward lines of the first output."""
    modes: list[str] = []
    for _ in range(2):
        writer = Writer(plan, shown)
        forward(writer)
        backward = Backward(writer, wanted, modes)
        backward.run(plan.outputs[0], power)
        modes = planned(backward.log, wanted)
        if modes == backward.modes:
            break
    return writer, backward


