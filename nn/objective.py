"""The losses of examples and their gradient: by a compiled program where that is possible, else by eager code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import engine
from chainrule.engine import DomainError, Program, Value, diagnose, enable_grad, no_grad, topological_order
from chainrule.engine.compiler.trace.tracer import paused_collector
from chainrule.engine.fast.leaves import data_of
from chainrule.engine.fast.neurons import whole_sums
from chainrule.engine.gate import one_example
from chainrule.engine.lost_paths import lost_path
from chainrule.engine.misuse import ADVICE as UNLISTED
from chainrule.engine.misuse import misread_outputs
from chainrule.engine.reads import Watch
from chainrule.engine.reports import first_of
from chainrule.engine.telling import tell

from .checks import Examples, Loss, Model, check_finite, checked_loss_value
from .masks import chances, kept
from .modes import in_mode, reads_mode

__all__ = ["Objective"]

CHUNK = 1024  # examples in one call of a program, which holds so many numbers for each node of an example's graph
SAMPLE = 256  # examples on which a program is compared with eager code, at most
NODES = 100_000  # in the graphs of those examples together, of which there are at least two
AGREE = 1e-6  # relative to the largest loss or gradient; a branch that tracing missed makes a far larger difference

ROOM = 8  # times the larger move of two nudges, which by chance may be smaller than what rounding does
NUDGE = 2.0**-44  # relative; a loss that rounding has spoilt moves when its parameters do by this

HINT = "Does the model or the loss branch on a number (==, if), draw random numbers, or read something that changes?"

Floats = NDArray[np.float64]  # of any shape
RowNumbers = NDArray[np.intp]  # the rows in X and y of some examples


class Objective:
    """loss(model(x), target) for examples, and the gradient of its mean over several examples to `params`.

    Where the model computes something else while it is trained (Dropout, `if self.training`), there is a second program
    for the steps. It gets the Dropouts' flags as inputs: `rates` has the share that is dropped, for each of them.
    """

    def __init__(
        self, model: Model, loss: Loss, params: Iterable[Value], outputs_too: bool, backend: str = "numpy"
    ) -> None:  # fmt: skip
        self.model, self.loss, self.params = model, loss, list(dict.fromkeys(params))
        self.backend = backend
        self.outputs_too = outputs_too  # whether a metric needs the model's outputs
        self.program: Program | None = None  # examples -> their losses
        self.stepping: Program | None = None  # the same, as the model computes them while it is trained
        self.predicting: Program | None = None  # examples -> the model's outputs
        self.has_modes = reads_mode(model)
        self.rates: NDArray[np.float64] = np.empty(0)
        self.scale = 0.0  # the largest loss at the start
        self.seen: list[tuple[list[Value], dict[str, str]]] = []  # of two examples: leaves not listed, and findings

    def find_rates(self, examples: Examples) -> None:
        """Run the model on one example, and see what its Dropouts drop."""
        if self.has_modes:
            with in_mode(self.model, training=True), no_grad():
                self.rates = np.array(chances(lambda: self.model(one_example(examples[0], 0))))

    def compile(self, parts: Iterable[Examples]) -> None:
        """Compile the loss, and compare it with eager code: tracing does not see a branch on `isinstance(target, int)`.

        Eager code runs first, so that mistakes in the model, the loss or the data raise the errors of eager code.
        """
        with paused_collector():  # the graphs of examples are no garbage, and they free themselves
            self._compile(list(parts))

    def _compile(self, parts: Sequence[Examples]) -> None:
        theta = np.array(data_of(self.params))
        nodes = self._nodes(parts[0])
        chosen = [(examples, _sample(examples, nodes)) for examples in parts]
        samples = [(examples, rows, *self._eager(examples, rows)) for examples, rows in chosen]
        self.scale = max(_largest(losses) for _, _, losses, _ in samples)
        try:
            program = engine.compile(
                lambda x, target: self.loss(self.model(x), target), self.params, backend=self.backend
            )
            self.predicting = (
                engine.compile(self.model, self.params, backend=self.backend) if self.outputs_too else None
            )
            for examples, rows, losses, outputs in samples:
                compiled_losses, compiled_outputs = self._compiled(program, _at(examples, rows), theta)
                self._compare(examples, rows, losses, compiled_losses)
                if outputs is not None and not _agree(compiled_outputs, outputs, _largest(outputs)).all():
                    raise ValueError(f"the outputs of the compiled model are not those of eager code. {HINT}")
            examples, rows, losses, _ = samples[0]
            finite = rows[np.isfinite(losses)]
            few = finite[:: max(1, len(finite) // max(1, min(8, NODES // nodes)))]
            stepping = engine.compile(self._trained, self.params, backend=self.backend) if self.has_modes else program
            self._compare_gradients(stepping, examples, few, theta)
            self.program, self.stepping = program, stepping
        except Exception as error:  # eager code has run, so it is tracing that failed
            examples, rows, *_ = samples[0]
            what = self._not_learnt(examples, int(rows[0])) if isinstance(error, engine.TraceError) else ""
            self._fall_back(f"the loss cannot be compiled: {type(error).__name__}: {error}{what}")

    def _trained(self, x: Any, target: Any, *flags: Any) -> Value:
        """The loss of one example as it is while the model is trained; the Dropouts take their flags in order."""
        with in_mode(self.model, training=True), kept(flags[0] if flags else ()):
            return self.loss(self.model(x), target)

    def draw(self, count: int, source: np.random.Generator) -> tuple[Floats, ...]:
        """For so many examples, what the Dropouts keep (1.0) and what they drop; () if there is nothing to draw."""
        if not len(self.rates):
            return ()
        return ((source.random((count, len(self.rates))) >= self.rates).astype(float),)

    def _nodes(self, examples: Examples) -> int:
        """How many nodes the graph of one example has; it is looked through for mistakes, too."""
        with enable_grad():
            graph, nodes = whole_sums(self._example(examples, 0)[1])
        if not self.has_modes:
            self._look_at(graph)
        return nodes

    def verify(self, examples: Examples, row: int) -> None:
        """Compare the program with eager code on one example again; a callback may have changed the model."""
        if self.program is not None:
            rows = np.array([row % len(examples[0])])
            try:
                theta = np.array(data_of(self.params))
                eager, losses = self._eager(examples, rows)[0], self._losses(self.program, _at(examples, rows), theta)
                if np.isfinite(eager).all() and np.isfinite(losses).all():  # else `measure` looks closer
                    self._compare(examples, rows, eager, losses)
            except ValueError as error:
                self._fall_back(f"the loss has changed since it was compiled: {error}")

    def measure(self, examples: Examples, theta: Floats) -> tuple[Floats, Floats | None] | None:
        """The loss of each example, and the model's outputs if a metric needs them; None if these are not finite.

        None, too, where nothing is compiled: `measure_eagerly` has to compute them, at what the Values hold.
        """
        if self.program is None:
            return None
        losses, outputs = self._compiled(self.program, examples, theta)
        finite = np.isfinite(losses).all() and (outputs is None or np.isfinite(outputs).all())
        return (losses, outputs) if finite else None

    def measure_eagerly(self, examples: Examples) -> tuple[Floats, Floats | None]:
        """What `measure` gives; no graph is kept."""
        return self._eager(examples, np.arange(len(examples[0])))

    def gradient(self, inputs: Sequence[NDArray[Any]], theta: Floats) -> Floats | None:
        """The mean loss's gradient over some examples, at theta; None where eager code has to compute or explain it.

        `inputs` are X, y and what `draw` gave for them; theta holds all of `params`.
        """
        if self.stepping is None:
            return None
        if len(inputs[0]) <= CHUNK:
            value, gradient = self.stepping.value_and_grad(*inputs, at=theta)
        else:
            value, gradient = self._in_chunks(self.stepping, inputs, theta)
        return gradient if value - value == 0.0 else None

    def backward(
        self, examples: Examples, batch: Sequence[int], epoch: int, flags: Sequence[Floats] = (), check: bool = True
    ) -> Floats:
        """The gradient of the mean loss of these examples, by eager code; it is added to the parameters' `.grad`.

        Errors: with `check`, FloatingPointError for a loss or a gradient that is not finite.
        """
        gradient = np.zeros(len(self.params))
        with enable_grad():  # fit may have been called inside no_grad()
            for place, i in enumerate(batch):
                loss = self._example(examples, i, flags[0][place] if flags else None)[1]
                if len(self.seen) < 2:
                    self._look_at(whole_sums(loss)[0])
                if not np.isfinite(loss.data):
                    self.explain(examples, i, epoch)
                    check_finite(loss.data, f"the loss of example {i}", epoch)  # out of training, it is finite
                (loss / len(batch)).backward()  # one graph at a time; the leaves sum the gradients
                gradient = np.array([p.grad for p in self.params], dtype=float)
                if check and not np.isfinite(gradient).all():
                    found = diagnose(loss, self.params).findings
                    reasons = [one.sentence for one in found if one.kind == "gradient not finite"]
                    check_finite(gradient, f"the gradient of example {i}", epoch, *reasons)
        return gradient

    def explain(self, examples: Examples, row: int, epoch: int, part: str = "") -> None:
        """FloatingPointError with the first node that is not finite in the loss of this example."""
        with enable_grad():
            loss = self._example(examples, row)[1]
        reasons = [one.sentence for one in diagnose(loss, []).findings if one.kind == "not finite"]
        check_finite(loss.data, f"the loss of {part}example {row}", epoch, *reasons)

    def _example(self, examples: Examples, i: int, flags: Any = None) -> tuple[Any, Value]:
        """The output and the loss of example i; its numbers are handed over as plain floats and ints.

        With flags the model computes as it does while it is trained.
        """
        x, target = (one_example(column, i) for column in examples)
        try:
            if flags is not None:
                return None, checked_loss_value(self._trained(x, target, flags.tolist()))
            output = self.model(x)
            return output, checked_loss_value(self.loss(output, target))
        except DomainError as error:
            raise DomainError(f"example {i}: {error}") from error

    def _eager(self, examples: Examples, rows: RowNumbers) -> tuple[Floats, Floats | None]:
        losses, outputs = np.empty(len(rows)), list[Any]()
        with enable_grad():  # a loss may look at what made a prediction
            for place, i in enumerate(rows.tolist()):
                output, loss = self._example(examples, i)
                losses[place] = loss.data
                if self.outputs_too:
                    outputs.append(_plain(output))
        return losses, np.array(outputs, dtype=float) if self.outputs_too else None

    def _compiled(self, program: Program, examples: Examples, theta: Floats) -> tuple[Floats, Floats | None]:
        losses = self._losses(program, examples, theta)
        return losses, self._losses(self.predicting, examples[:1], theta) if self.predicting else None

    def _losses(self, program: Program, inputs: Sequence[NDArray[Any]], theta: Floats) -> Floats:
        """What the program gives for each example."""
        starts = range(0, len(inputs[0]), CHUNK)
        return np.concatenate([program(*[each[i : i + CHUNK] for each in inputs], at=theta) for i in starts])

    def _in_chunks(self, program: Program, inputs: Sequence[Any], at: Floats) -> tuple[float, Floats]:
        value, gradient, n = 0.0, np.zeros(len(self.params)), len(inputs[0])
        for start in range(0, n, CHUNK):
            chunk = [array[start : start + CHUNK] for array in inputs]
            chunk_value, chunk_gradient = program.value_and_grad(*chunk, at=at)
            value, gradient = value + chunk_value * len(chunk[0]), gradient + chunk_gradient * len(chunk[0])
        return value / n, gradient / n

    def _compare(self, examples: Examples, rows: RowNumbers, eager: Floats, compiled: Floats) -> None:
        agree = _agree(compiled, eager, self.scale)
        for place in np.flatnonzero(~agree).tolist():
            row = rows[place : place + 1]
            moved = self._rounding(partial(self._loss_of, examples, row), eager[place])
            if abs(compiled[place] - eager[place]) <= moved:
                continue  # all digits are lost to rounding: a training that diverges gets there
            raise ValueError(
                f"the loss of example {rows[place]} is {eager[place]:.9g}, but {compiled[place]:.9g} when compiled. "
                f"{HINT}"
            )

    def _loss_of(self, examples: Examples, row: RowNumbers) -> Any:
        return self._eager(examples, row)[0][0]

    def _rounding(self, measure: Callable[[], Any], here: Any) -> Any:
        """How far what eager code measures moves when the parameters move by what rounding may do to them."""
        before, moved = data_of(self.params), np.zeros(np.shape(here))
        try:
            for sign in (1.0, -1.0):
                for i, (p, data) in enumerate(zip(self.params, before)):
                    p.data = data * (1.0 + sign * NUDGE * (1.0 if i % 3 else -1.0))
                moved = np.maximum(moved, np.abs(np.asarray(measure()) - here))
        except (ArithmeticError, ValueError):
            moved = np.full(np.shape(here), np.inf)  # the loss has no value next to where it was measured
        finally:
            for p, data in zip(self.params, before):
                p.data = data
        return ROOM * moved

    def _look_at(self, graph: Sequence[Value]) -> None:
        """Warn, at the second graph of a loss, of what both have: a leaf that no list holds, or wrong outputs.

        An input that the model makes a Value is another Value in each graph.
        """
        listed = {id(p) for p in self.params}
        leaves = [node for node in graph if node.operation is None and id(node) not in listed and node.requires_grad]
        self.seen.append((leaves, {one.kind: one.sentence for one in misread_outputs(graph)}))
        if len(self.seen) == 1:
            return
        (first, found), (second, again) = self.seen
        held = [leaf.name() for leaf in first if any(leaf is other for other in second)]
        if held:
            said = f"the loss depends on {first_of(held)}, which no list of parameters holds, so fit does not train it"
            tell(f"{said}; {UNLISTED}")
        for kind in found:
            if kind in again:
                tell(f"{kind}: {again[kind]}")
        self.seen = [([], {}), ([], {})]  # let the graphs go

    def _compare_gradients(self, program: Program, examples: Examples, few: RowNumbers, theta: Floats) -> None:
        if not len(few):
            return
        flags = self.draw(len(few), np.random.default_rng(0)) if self.has_modes else ()
        compiled = self._in_chunks(program, [*_at(examples, few), *flags], theta)[1]
        eager = self._eager_gradient(examples, few, flags)
        frozen = np.array([not p.requires_grad for p in self.params])
        agree = _agree(compiled, eager, _largest(eager)) | frozen | ~np.isfinite(eager)
        if not agree.all():
            moved = self._rounding(lambda: self._eager_gradient(examples, few, flags), eager)
            agree |= np.abs(compiled - eager) <= moved
        if not agree.all():
            place = int(agree.argmin())
            name = self.params[place].name()
            raise ValueError(
                f"the gradient of {name} is {eager[place]:.9g}, but {compiled[place]:.9g} when compiled. {HINT}"
            )

    def _eager_gradient(self, examples: Examples, rows: RowNumbers, flags: Sequence[Floats]) -> Floats:
        for p in self.params:
            p.grad = 0.0
        return self.backward(examples, rows.tolist(), 0, self.eager_flags(len(rows), flags), check=False)

    def eager_flags(self, count: int, flags: Sequence[Floats]) -> Sequence[Floats]:
        """What `backward` takes: a row of flags for each example, which is empty where there is no Dropout."""
        return (*flags, np.empty((count, 0)))[:1] if self.has_modes else ()

    def _not_learnt(self, examples: Examples, row: int) -> str:
        """Which parameters get no gradient, because the loss is computed from a number that was read."""

        def prepare() -> tuple[list[Value], Callable[[], Value]]:
            return self.params, lambda: self._example(examples, row)[1]

        with enable_grad(), Watch(self.params) as watch:
            lost = lost_path(watch, prepare()[1](), prepare)
        if lost is None:
            return ""
        known = set(self.params)
        name = first_of([p.name() for p in topological_order(lost.node) if p in known])
        return (
            f". From a number that is read, {name} gets no gradient: where the loss depends on it ({lost.line}), "
            f"{name} does not learn. Write what was read with operations (chainrule.exp for math.exp, without float() "
            "and .data)"
        )

    def _fall_back(self, reason: str) -> None:
        self.program = self.predicting = self.stepping = None
        tell("fit trains with eager code, which is slower (compiled=False does so without this warning): " + reason)


def _sample(examples: Examples, nodes: int) -> RowNumbers:
    """Some of the examples, spread evenly, and one of each class, as far as NODES allows; two at least."""
    X, y = examples
    most = max(2, NODES // nodes)
    spread = np.unique(np.linspace(0, len(X) - 1, min(len(X), SAMPLE, most)).astype(int))
    if y.dtype.kind == "f" or len(spread) == len(X):
        return spread
    classes = np.unique(y, axis=0, return_index=True)[1]
    return np.union1d(spread, classes[: max(0, most - len(spread) // 2)])


def _plain(output: Any) -> Any:
    """The numbers of an output, without its graph."""
    return output.data if isinstance(output, Value) else [_plain(one) for one in output] if _several(output) else output


def _several(output: Any) -> bool:
    return isinstance(output, (list, tuple, np.ndarray))


def _at(examples: Examples, rows: RowNumbers) -> Examples:
    return examples[0][rows], examples[1][rows]


def _largest(numbers: Floats) -> float:
    return float(np.abs(numbers).max(initial=0.0, where=np.isfinite(numbers)))


def _agree(compiled: Any, eager: Floats, scale: float) -> NDArray[np.bool_]:
    agree: NDArray[np.bool_] = np.isclose(compiled, eager, rtol=AGREE, atol=AGREE * scale, equal_nan=True)
    return agree
