"""Stage 3b: array instructions as NumPy text, and one adjoint for each, in reverse order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from ..operators import Operators
from ..ops import multiply
from ..row import Op
from .emitting import literal
from .lanes import Array, Lane, Operand, Plan, Step
from .lowering import constant


class _Text(Operators):
    """An array by its name; the rules of the table run on it and so write the adjoints."""

    __slots__ = ("name", "writer")

    def __init__(self, writer: Writer, name: str) -> None:
        self.writer = writer
        self.name = name

    @classmethod
    def __apply__(cls, op: Op, arguments: Sequence[Any]) -> Any:
        return next(a.writer for a in arguments if isinstance(a, _Text)).apply(op, arguments)


class Writer:
    """The lines of one function, from a plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.lines: list[str] = []
        self.said: list[tuple[str, Step]] = []  # the array instructions among them
        self._held: dict[str, str] = {}
        self._started: set[Array] = set()
        self._operands: dict[Step, Any] = {}

    # --- names

    def held(self, text: str, prefix: str = "t") -> str:
        """The name of a line that computes this; one line for equal texts."""
        if text.isidentifier():
            return text
        if text not in self._held:
            self._held[text] = f"{prefix}{len(self._held)}"
            self.lines.append(f"{self._held[text]} = {text}")
        return self._held[text]

    def apply(self, op: Op, arguments: Sequence[Any]) -> Any:
        arguments = [a if isinstance(a, _Text) else float(a) for a in arguments]
        if not any(isinstance(a, _Text) for a in arguments):
            return constant(op, arguments)
        for place, neutral in enumerate(op.neutral):
            if isinstance(arguments[place], float) and arguments[place] == neutral:
                return arguments[1 - place]
        return _Text(self, self.held(_spelled(op, [_named(a) for a in arguments])))

    # --- windows on arrays

    def window(self, operands: Sequence[Operand], batched: bool, whole: bool = False) -> str:
        """These lanes as one array, to stand beside (lanes, examples) if `batched`; one for all only if not `whole`."""
        first = operands[0]
        if _same(operands) and not whole and not isinstance(first, Lane):
            return literal(first)
        if _same(operands) and not whole and isinstance(first, Lane) and len(operands) > 1:
            return self.held(f"{first.array.name}[{first.index}]")
        pieces = [self._piece(run, batched) for run in _runs(operands)]
        text = pieces[0] if len(pieces) == 1 else f"np.concatenate(({', '.join(pieces)}))"
        aside = batched and not any(isinstance(o, Lane) and o.array.batched for o in operands)
        return self.held(f"{text}[:, None]" if aside else text)

    def _piece(self, run: Sequence[Operand], batched: bool) -> str:
        first = run[0]
        if isinstance(first, Lane):
            return first.array.name + _slice([o.index for o in run if isinstance(o, Lane)], first.array.lanes)
        values = f"np.array([{', '.join(literal(o) for o in run if not isinstance(o, Lane))}])"
        return values

    def contribute(self, operands: Sequence[Operand], text: str, summed: bool = False) -> None:
        """Add an array (lanes, …) of gradients to those of the operands; over the examples, if they are shared."""
        lanes = [o for o in operands if isinstance(o, Lane)]
        if not any(self.wanted(lane.array) for lane in lanes):
            return
        first = lanes[0]
        if len(operands) > 1 and len(lanes) == len(operands) and all(lane == first for lane in lanes):
            over = "" if first.array.batched or summed else ", axis=None"
            self._add(first.array, f"[{first.index}]", f"np.sum({text}{over or ', axis=0'})", False)
            return
        if not summed and not first.array.batched:
            text = f"np.sum({text}, axis=1)" if self._target_batched else text
        runs = _runs(operands)
        name = self.held(text) if len(runs) > 1 else text
        start = 0
        for run in runs:
            one = run[0]
            if isinstance(one, Lane) and self.wanted(one.array):
                indices = [o.index for o in run if isinstance(o, Lane)]
                part = name if len(runs) == 1 else f"{name}[{start}:{start + len(run)}]"
                where = _slice(indices, one.array.lanes)
                self._add(one.array, where, part, len(set(indices)) < len(indices))
            start += len(run)

    _target_batched = True

    def _add(self, array: Array, where: str, text: str, repeated: bool) -> None:
        name = f"d{array.name}"
        if not where and array not in self._started:
            shared = text.split("[")[0].isidentifier()  # what is added to later must be its own
            self.lines.append(f"{name} = {text}{'.copy()' if shared else ''}")
            self._started.add(array)
            return
        if array not in self._started:
            self.lines.append(f"{name} = np.zeros({f'({array.lanes}, n)' if array.batched else array.lanes})")
            self._started.add(array)
        if repeated:
            self.lines.append(f"np.add.at({name}, {where[1:-1]}, {text})")
        else:
            self.lines.append(f"{name}{where} += {text}")

    def wanted(self, array: Array) -> bool:
        return array in self._wanted

    # --- forward

    def forward(self) -> None:
        for step in self.plan.steps:
            name, batched = step.target.name, step.target.batched
            count = f"  # {len(step.places)} × {getattr(step.kind, 'name', step.kind)}"
            if step.kind == "dot":
                weights, right = self._grid(step)
                text = f"{weights} @ {right}"
            elif step.kind == "sum":
                shape = f"{len(step.places)}, {len(step.operands)}" + (", n" if batched else "")
                text = f"np.sum({self.window(_by_lane(step), batched, whole=True)}.reshape({shape}), axis=1)"
            else:
                windows = [self.window(operands, batched) for operands in step.operands]
                self._operands[step] = windows
                text = _spelled(step.kind, windows)
                if step.target.lanes > 1 and all(_is_row(w, o) for w, o in zip(windows, step.operands)):
                    shape = f"({step.target.lanes}, n)" if batched else f"{step.target.lanes}"
                    text = f"np.broadcast_to({text}, {shape})"
            self.said.append((f"{name} = {text}", step))
            self.lines.append(f"{name} = {text}{count}")

    def _grid(self, step: Step) -> tuple[str, str]:
        """A complete grid of products: the weights as a matrix, and what they are applied to, as columns."""
        lanes, width = len(step.places), len(step.operands) // 2
        flat = [column[lane] for lane in range(lanes) for column in step.operands[:width]]
        weights = self.held(f"{self.window(flat, False, whole=True)}.reshape({lanes}, {width})", "W")
        rights = [column[0] for column in step.operands[width:]]
        pieces = [
            f"np.ones(({len(run)}, n))" if not isinstance(run[0], Lane) else self._piece(run, True)
            for run in _runs(rights)
        ]
        right = pieces[0] if len(pieces) == 1 else f"np.concatenate(({', '.join(pieces)}))"
        self._operands[step] = weights, self.held(right, "r"), flat, rights
        return weights, self.held(right, "r")

    # --- backward

    def backward(self, output: Operand) -> None:
        """Gradients of the mean of one output to theta, written behind the forward lines."""
        theta = self.plan.theta
        self._wanted = {theta}
        for step in self.plan.steps:
            if any(isinstance(o, Lane) and o.array in self._wanted for column in step.operands for o in column):
                self._wanted.add(step.target)
        self.lines.append(f"dtheta = np.zeros({theta.lanes})")
        self._started = {theta}
        if isinstance(output, Lane) and output.array in self._wanted:
            seed = "1.0 / n" if output.array.batched else "1.0"
            self._add(output.array, f"[{output.index}]", seed, False)
        for step in reversed(self.plan.steps):
            if step.target in self._started:
                self._target_batched = step.target.batched
                self._adjoint(step)

    def _adjoint(self, step: Step) -> None:
        gradient = f"d{step.target.name}"
        if step.kind == "dot":
            weights, right, flat, rights = self._operands[step]
            self.contribute(flat, f"({gradient} @ {right}.T).reshape(-1)", summed=True)
            self.contribute(rights, f"{weights}.T @ {gradient}")
        elif step.kind == "sum":
            self.contribute(_by_lane(step), f"np.repeat({gradient}, {len(step.operands)}, axis=0)")
        else:
            self._by_rule(step, _Text(self, gradient))

    def _by_rule(self, step: Step, above: _Text) -> None:
        names = [_Text(self, w) if isinstance(o[0], Lane) else float(o[0]) if _same(o) else _Text(self, w)
                 for w, o in zip(self._operands[step], step.operands)]  # fmt: skip
        out, partials = _Text(self, step.target.name), step.kind.partials
        slopes = partials(out, *names) if callable(partials) else None
        for place, operands in enumerate(step.operands):
            if not any(isinstance(o, Lane) and o.array in self._wanted for o in operands):
                continue
            slope = partials[place](out, *names) if slopes is None else slopes[place]
            if isinstance(slope, float) and slope == 0.0:
                continue
            self.contribute(operands, _named(self.apply(multiply, (slope, above))))


def _named(term: Any) -> str:
    return term.name if isinstance(term, _Text) else literal(term)


def _spelled(op: Op, names: Sequence[str]) -> str:
    return op.numpy.format(f"[{', '.join(names)}]") if op.variadic else op.numpy.format(*names)


def _same(operands: Sequence[Operand]) -> bool:
    return all(operand == operands[0] for operand in operands)


def _is_row(text: str, operands: Sequence[Operand]) -> bool:
    return len(operands) > 1 and _same(operands)


def _by_lane(step: Step) -> list[Operand]:
    return [column[lane] for lane in range(len(step.places)) for column in step.operands]


def _runs(operands: Sequence[Operand]) -> list[list[Operand]]:
    """Neighbours on the same array together; numbers together."""
    return [list(run) for _, run in groupby(operands, key=lambda o: o.array.name if isinstance(o, Lane) else "")]


def _slice(indices: Sequence[int], lanes: int) -> str:
    """The text that picks these lanes: nothing for all, a slice where they are evenly spaced, else a list."""
    if list(indices) == list(range(lanes)):
        return ""
    first = indices[0]
    if len(indices) == 1:
        return f"[{first}:{first + 1}]"
    step = indices[1] - first
    if step > 0 and list(indices) == list(range(first, first + step * len(indices), step)):
        return f"[{first}:{indices[-1] + 1}{f':{step}' if step > 1 else ''}]"
    return f"[{list(indices)}]"


def source_of_arrays(plan: Plan, name: str, kept: Sequence[int] = ()) -> str:
    """`value(x, theta)`: the outputs; `value_and_grad(x, theta)`: the mean and its gradient. x (inputs, n)."""
    writer = Writer(plan)
    writer.forward()
    outputs = [f"{o.array.name}[{o.index}]" if isinstance(o, Lane) else literal(o) for o in plan.outputs]
    if name == "value":
        returned = f"[{', '.join(outputs)}]"
    else:
        writer.backward(plan.outputs[0])
        if kept:
            writer.lines.append(f"dtheta[{list(kept)}] = 0.0  # requires_grad=False")
        returned = f"np.mean({outputs[0]}), dtheta"
    body = "".join(f"    {line}\n" for line in writer.lines)
    return f"def {name}(x, theta):\n    n = x.shape[1]\n{body}    return {returned}\n"


def instructions(plan: Plan) -> list[tuple[str, Step]]:
    """The forward array instructions, each with what it stands for."""
    writer = Writer(plan)
    writer.forward()
    return writer.said
