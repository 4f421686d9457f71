"""Where the gradients of arrays add up: how each contribution is written into them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from ...ops import where
from ..literals import literal, shape_literal, slice_literal
from ..scalar.derive import has_domain
from .buffers import Buffer, Shape, Statement, View, ViewOrNumber
from .contributions import MODEST, Contribution, Scaled, existing, factor
from .plan import Array, Operand, Step
from .writer import Writer, name_in_comment

LARGE = 10_000  # a gradient of more numbers is written where it is returned; to copy a smaller one takes less time


class Gradients:
    """The gradients of one output with respect to some arrays, written behind the forward lines.

    `modes` says how each contribution is written. A first run guesses it; `modes_of` then says whether that was right.
    """

    def __init__(self, writer: Writer, targets: Collection[Array], modes: Sequence[str] = ()) -> None:
        self.writer = writer
        self.targets = set(targets)
        self.wanted: set[Array | None] = set(targets)  # the targets, and all arrays that depend on one
        for step in writer.plan.steps:
            if not all(self.wanted.isdisjoint(writer.plan.by_array(operands)) for operands in step.operands):
                self.wanted.add(step.target)
        self.risky: set[Array | None] = set()  # the arrays that may have infinite slopes, see scalar/derive.py
        self.behind: set[Array | None] = set()  # those in a side of a where
        if any(step.kind is where for step in writer.plan.steps):
            for step in writer.plan.steps:
                arrays = [writer.plan.by_array(operands) for operands in step.operands]
                if has_domain(step.kind) or not all(map(self.risky.isdisjoint, arrays)):
                    self.risky.add(step.target)
        self.contributed: list[tuple[Array, tuple[int, ...]]] = []  # for each contribution, the lanes that it goes to
        self.modes = list(modes)
        self.collected: dict[Array, Scaled] = {}  # the gradients so far
        self._guesses = not modes
        self._lanes_before: defaultdict[Array, set[int]] = defaultdict(set)  # those that a guess was made for
        self._names: set[str] = set()

    def masks(self, step: Step) -> bool:
        """Whether what the instruction passes back has to be 0 where its gradient is, although a slope may be nan."""
        return step.target in self.behind and step.target in self.risky

    def go_behind(self, step: Step) -> None:
        """Note which operands are in a side of a where, which may not be taken."""
        for i, operands in enumerate(step.operands if self.risky else ()):
            if step.target in self.behind or (step.kind is where and i > 0):
                self.behind.update(self.writer.plan.by_array(operands))

    def gradient(self, array: Array) -> View | None:
        """The finished gradient with respect to an array; None if the output does not depend on it."""
        if array not in self.collected:
            return None
        return self.full(self.collected[array], array)

    def full(self, gradient: Scaled, array: Array) -> View:
        """The gradient with respect to an array as one view: its factor applied, with all lanes and all examples."""
        writer = self.writer
        shape: Shape = (array.lanes, "n") if array.batched else (array.lanes,)
        if gradient.view is None:
            number = factor(writer, gradient.number, gradient.power)
            if isinstance(number, float):
                return writer.constant(f"np.full({shape_literal(shape)}, {literal(number)})", shape)
            return writer.once(("full", array, number), shape, "{out}[...] = {0}", [number])
        if gradient.number == 1.0 and gradient.power == 0:
            if gradient.view.shape == shape:
                return gradient.view
            return writer.once(("full", array, gradient.view), shape, "{out}[...] = {0}", [gradient.view])
        key = ("full", array, gradient.view, gradient.number, gradient.power)
        if key not in writer.known:
            writer.known[key] = gradient.applied(out=self._buffer(array, shape))
        return writer.known[key]

    def _buffer(self, array: Array, shape: Shape, initial: str = "") -> View:
        """A buffer for a gradient. The first one is named as in textbooks: the gradient with respect to z2 is d2."""
        name = "d" + (array.name[1:] if array.name[0] == "z" else array.name)
        if name in self._names:
            return self.writer.temporary(shape, initial)
        self._names.add(name)
        return View(Buffer(name, shape, initial), "", shape)

    # --- from the operands of an instruction to the lanes of arrays

    def contribute(
        self, operands: Sequence[Operand], contribution: Contribution | None, scale: Scaled, batched: bool
    ) -> None:
        """Add a contribution, times a factor, to the gradient of each operand; None stands for 1 everywhere.

        If the contribution differs by example (`batched`) and the operand does not, the examples are added up.
        """
        groups = {a: g for a, g in self.writer.plan.by_array(operands).items() if a is not None and a in self.wanted}
        alone = len(groups) == 1 and len(next(iter(groups.values()))[0]) == len(operands)
        flat: View | None = None
        for array, (positions, lanes) in groups.items():
            part, scaled = contribution, scale
            if contribution is not None and not alone and not _is_row(contribution, operands, batched):
                if flat is None:
                    flat = self._flat(contribution, len(operands), batched)
                part = existing(self.writer, self.writer.rows(flat, positions))
            if batched and not array.batched:
                part, scaled = self._over_examples(part, len(lanes), scaled)
            self._to_lanes(array, lanes, part, scaled)

    def start(self, array: Array, lane: int, power: int) -> None:
        """Set the gradient with respect to a lane of the output to n^power."""
        shape: Shape = (1, "n") if array.batched else (1,)
        self._deposit(array, [lane], None, Scaled(self.writer, None, 1.0, power), shape)

    def _flat(self, contribution: Contribution, count: int, batched: bool) -> View:
        """The contribution with a row for each operand."""
        view = contribution.write(None)
        if len(contribution.shape) > 1 + batched:
            columns = contribution.shape[-1:] if batched else ()
            return view.window(f".reshape{shape_literal((count, *columns))}", (count, *columns))
        return view

    def _over_examples(
        self, contribution: Contribution | None, count: int, scale: Scaled
    ) -> tuple[Contribution | None, Scaled]:
        """The sum of a contribution over the examples."""
        if contribution is None:
            return None, scale.times(1.0, 1)
        view = self._flat(contribution, count, True)
        if view.shape[-1] == 1:  # it is the same for all n examples
            return existing(self.writer, view.window("[:, 0]", view.shape[:1])), scale.times(1.0, 1)
        ones = self.writer.constant("np.ones(n)", ("n",))
        total = self.writer.once(("examples", view), view.shape[:1], "{0}.dot({1}, {out})", [view, ones])
        return existing(self.writer, total), scale

    def _to_lanes(self, array: Array, lanes: list[int], contribution: Contribution | None, scale: Scaled) -> None:
        """Add to these lanes of one array, which stand in any order; a lane may occur several times."""
        writer, unique = self.writer, sorted(set(lanes))
        row = contribution is None or _is_row(contribution, lanes, array.batched)
        if len(unique) == len(lanes):
            if lanes != unique and not row:
                assert contribution is not None
                order = sorted(range(len(lanes)), key=lanes.__getitem__)
                contribution = existing(writer, writer.rows(self._flat(contribution, len(lanes), array.batched), order))
            return self._deposit(array, unique, contribution, scale, self._shape(array, unique))
        if row and len(set(Counter(lanes).values())) == 1:  # each lane gets the same, equally often
            times = scale.times(len(lanes) // len(unique))
            return self._deposit(array, unique, contribution, times, self._shape(array, unique))
        shape = self._shape(array, lanes)
        if contribution is None:
            view = writer.constant(f"np.ones({shape_literal(shape)})", shape)
        else:
            view = self._flat(contribution, len(lanes), array.batched)
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
        self._deposit(array, unique, existing(writer, total), scale, shape)

    def _shape(self, array: Array, lanes: Sequence[int]) -> Shape:
        return (len(lanes), "n") if array.batched else (len(lanes),)

    # --- into the gradient of one array

    def _deposit(
        self, array: Array, lanes: Sequence[int], contribution: Contribution | None, scale: Scaled, shape: Shape
    ) -> None:
        """Write or add to the gradient of an array, as the contribution's mode says."""
        self.contributed.append((array, tuple(lanes)))
        if self._guesses:
            self.modes.append(self._guess(array, lanes))
        mode, writer = self.modes[len(self.contributed) - 1], self.writer
        if mode == "alone":
            view = None
            if contribution is not None:
                named = not contribution.exists and scale.number == 1.0 and scale.power == 0
                view = contribution.write(self._buffer(array, contribution.shape) if named else None)
            if view is not None and len(view.shape) > 1 + array.batched:
                view = view.window(f".reshape{shape_literal(shape)}", shape)
            self.collected[array] = Scaled(writer, view, scale.number, scale.power)
            return
        if array not in self.collected:
            self.collected[array] = self._begin(array, mode, scale)
        mode = mode.removeprefix("clear ")
        held = self.collected[array]
        ratio = scale.number / held.number, scale.power - held.power
        suffix = slice_literal(lanes)
        gradient = held.view
        assert gradient is not None
        target = gradient if len(lanes) == array.lanes else gradient.window(suffix, shape) if suffix else None
        self._write(mode, gradient, target, lanes, contribution, ratio)

    def _guess(self, array: Array, lanes: Sequence[int]) -> str:
        """The mode that `modes_of` gives for most programs."""
        if array not in self.targets:
            return "alone"
        before = self._lanes_before[array]
        mode = "write" if before.isdisjoint(lanes) else "add"
        before.update(lanes)
        return mode

    def _begin(self, array: Array, mode: str, scale: Scaled) -> Scaled:
        """Make the buffer for a gradient that several contributions go to."""
        writer, shape = self.writer, self._shape(array, range(array.lanes))
        clears = mode.startswith("clear")
        partial = mode == "clear write"
        view = self._buffer(array, shape, f"np.zeros({shape_literal(shape)})" if partial else "")
        writer.accumulators.add(view.buffer)
        if array is writer.plan.theta and array.lanes > LARGE:
            writer.block.fresh, view.buffer.given = view.buffer, True
            function = "zeros" if partial else "empty"
            writer.block.statements.insert(0, Statement(f"{view.buffer.name} = {function}({array.lanes})", (), None))
        if clears and not partial:
            writer.statement("{out}[...] = 0.0", [], view)
        later = array not in self.targets and 1.0 / MODEST <= abs(scale.number) <= MODEST
        return Scaled(writer, view, scale.number, scale.power) if later else Scaled(writer, view)

    def _write(
        self, mode: str, gradient: View, target: View | None, lanes: Sequence[int], contribution: Contribution | None,
        ratio: tuple[float, int],
    ) -> None:  # fmt: skip
        """Write one contribution, times ratio[0] · n^ratio[1]. The target is the window for its lanes, or None."""
        writer = self.writer
        direct = target is not None and contribution is not None and ratio == (1.0, 0) and mode == "write"
        if direct and contribution is not None and target is not None:
            fitting = _fit(target, contribution.shape)
            if fitting is not None:
                contribution.write(fitting)
                return
        sign = {"write": "", "add": "+"}[mode]
        if contribution is None:
            value: ViewOrNumber = factor(writer, *ratio)
        else:
            view = contribution.write(None)
            columns = gradient.shape[1:]
            if len(view.shape) > 1 + len(columns):
                view = view.window(f".reshape{shape_literal((len(lanes), *columns))}", (len(lanes), *columns))
            if mode == "add" and ratio == (-1.0, 0):
                sign, ratio = "-", (1.0, 0)
            if mode == "write" and target is not None and ratio != (1.0, 0):
                Scaled(writer, view).applied(*ratio, out=target)
                return
            value = Scaled(writer, view).applied(*ratio)
        if sign and target is not None:
            name = "add" if sign == "+" else "subtract"
            writer.statement(f"{name}({{0}}, {{1}}, {{out}})", [target, value], target,
                             f"{gradient.buffer.name} {sign}= {name_in_comment(value)}")  # fmt: skip
        else:
            writer.write_rows(gradient, lanes, value, sign)


def _is_row(contribution: Contribution, operands: Sequence[Any], batched: bool) -> bool:
    """Whether each of the operands gets the same."""
    return contribution.shape[0] == 1 and len(operands) > 1 and len(contribution.shape) == 1 + batched


def _fit(target: View, shape: Shape) -> View | None:
    """The target in that shape, as a window; None if there is no such window."""
    if target.shape == shape:
        return target
    if len(shape) > len(target.shape) and target.solid:
        return target.window(f".reshape{shape_literal(shape)}", shape)
    return None


def modes_of(contributed: Sequence[tuple[Array, tuple[int, ...]]], targets: Collection[Array]) -> list[str]:
    """The mode of each contribution.

    "alone": it is the whole gradient. "write": it writes lanes that no other has written. "add": it adds to lanes.
    With "clear " in front, the buffer has to hold zeros: "clear add" writes them at each call, "clear write" once,
    because the lanes that it leaves are never written.
    """
    modes = [""] * len(contributed)
    by_target: dict[Array, list[tuple[int, set[int]]]] = {}
    for position, (array, lanes) in enumerate(contributed):
        by_target.setdefault(array, []).append((position, set(lanes)))
    for array, mine in by_target.items():
        first, lanes_of_first = mine[0]
        if len(mine) == 1 and len(lanes_of_first) == array.lanes and array not in targets:
            modes[first] = "alone"
            continue
        written: set[int] = set()
        mixed = False
        for position, these in mine:
            modes[position] = "add" if these & written else "write"
            mixed |= bool(these & written) and not these <= written
            written |= these
        if mixed:
            for position, _ in mine:
                modes[position] = "add"
            modes[first] = "clear add"
        elif len(written) < array.lanes:
            modes[first] = "clear write"
    return modes
