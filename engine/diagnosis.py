"""The usual mistakes and bad numbers, found and named."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .graph import topological_order
from .reports import Finding, Report
from .row import Op
from .value import Value

FLAT = 1e-3     # a slope this small in a squashing function: saturated
VANISHED = 1e-4 # typical gradients of two layers this far apart: vanishing or exploding
HUGE = 1e6
CHANCE = 0.1    # so rarely may a healthy relu be called dead


def diagnose(loss: Value, params: Any) -> Report:
    """What is wrong with this loss, its gradients, and the parameters they are for. Changes nothing.

    Shapes: params a list of Values, a dict of names to Values, or a model with .parameters().

    >>> import math
    >>> w, b = Value(0.5, label="w"), Value(1.0, label="b")
    >>> loss = (w * 2.0 + math.exp(b)) ** 2
    >>> loss.backward()
    >>> print(diagnose(loss, [w, b]))
    diagnosis of 4 values and 2 parameters: 1 found
    - unreached parameter: the loss does not depend on b; was it made a plain number, by float(), int(), .data or math?
    """
    if not isinstance(loss, Value):
        raise TypeError(f"diagnose: the loss is {type(loss).__name__} {loss!r}, not a Value")
    named = _named(params)
    order = topological_order(loss)
    findings = [
        *_changed(order),
        *_backward_missing_or_repeated(loss, order, named),
        *_unreached(order, named),
        *_not_finite(order, named),
        *_passes_nothing(order),
        *_layers_apart(named),
    ]
    return Report(f"diagnosis of {len(order)} values and {len(named)} parameters", tuple(findings))


def _named(params: Any) -> dict[str, Value]:
    if isinstance(params, Mapping):
        return dict(params)
    values = params.parameters() if hasattr(params, "parameters") else list(params)
    for place, value in enumerate(values):
        if not isinstance(value, Value):
            raise TypeError(f"diagnose: parameter {place} is {type(value).__name__} {value!r}, not a Value")
    return {value.label or f"parameter {place}": value for place, value in enumerate(values)}


def _shown(node: Value) -> str:
    """A node as its formula, with names and numbers."""
    if not isinstance(node.operation, Op):
        return node.name()
    return node.operation.formula([float(argument) for argument in node.arguments], node.arguments)


def _same(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)


def _changed(order: Iterable[Value]) -> Iterator[Finding]:
    for node in order:
        if isinstance(node.operation, Op) and "_backward" not in node.__dict__:
            try:
                now = node.operation.evaluate([float(argument) for argument in node.arguments], node.arguments)
            except ValueError as problem:
                now, said = math.nan, f"now {problem}"
            else:
                said = f"now {_shown(node)} is {now!r}"
            if not _same(now, node.data):
                yield Finding(
                    "data changed after the forward pass",
                    f"{node.name()} was {node.data!r} then, {said}; call refresh(), or compute the loss again",
                )
                return  # all that comes after it has changed too


def _backward_missing_or_repeated(loss: Value, order: list[Value], named: Mapping[str, Value]) -> Iterator[Finding]:
    if loss.operation is not None and loss.grad == 0.0:
        yield Finding("backward not run", "the loss has no gradient yet; call loss.backward()")
        return
    expected: defaultdict[int, float] = defaultdict(float, {id(loss): 1.0})
    for node in reversed(order):
        for argument, local_derivative in node._edges:
            if isinstance(argument, Value):
                expected[id(argument)] += local_derivative * expected[id(node)] if argument.requires_grad else 0.0
    by_hand = any("_backward" in node.__dict__ for node in order)
    left = [
        f"{name}.grad is {p.grad:.6g}, this loss gives {expected[id(p)]:.6g}"
        for name, p in named.items()
        if p.requires_grad and not by_hand and not _same(p.grad, expected[id(p)])
    ]
    if left:
        said = "unless you add up on purpose, set them to 0 before backward(): model.zero_grad()"
        yield Finding("gradients left over", f"{_some(left)}; {said}")


def _unreached(order: Iterable[Value], named: Mapping[str, Value]) -> Iterator[Finding]:
    reached = {id(node) for node in order}
    missing = [name for name, p in named.items() if id(p) not in reached]
    if missing:
        said = "was it made a plain number, by float(), int(), .data or math?"
        yield Finding("unreached parameter", f"the loss does not depend on {_some(missing)}; {said}")


def _not_finite(order: list[Value], named: Mapping[str, Value]) -> Iterator[Finding]:
    for node in order:
        if not math.isfinite(node.data):
            yield Finding("not finite", f"the first {node.data!r} is {node.name()}: {_shown(node)}")
            break
    if all(math.isfinite(p.grad) for p in named.values()):
        return
    for node in reversed(order):
        for argument, local_derivative in node._edges:
            if isinstance(argument, Value) and not math.isfinite(local_derivative * node.grad):
                said = f"{_shown(node)} has the local derivative {local_derivative!r} times the gradient {node.grad!r}"
                yield Finding("gradient not finite", f"it starts where {said} goes to {argument.name()}")
                return


def _passes_nothing(order: Iterable[Value]) -> Iterator[Finding]:
    """Squashing functions and kinks whose slope is (next to) 0 for every example; grouped by the neuron they are of."""
    groups: defaultdict[tuple[Op, str], list[float]] = defaultdict(list)
    for node in order:
        if isinstance(node.operation, Op) and node.operation.arity == 1:
            neuron = getattr(node, "unit", None)
            groups[node.operation, " ".join(neuron) if neuron else _shown(node)].append(abs(node._edges[0][1]))
    switches = {f"{name} ({op.name})": slopes for (op, name), slopes in groups.items() if _switches(op)}
    off = {shown: len(slopes) for shown, slopes in switches.items() if max(slopes) == 0.0}
    # Any one example switches half of them off by mere chance; that is no mistake unless it is all of them.
    dead = [shown for shown, times in off.items() if off.keys() == switches.keys() or len(switches) < CHANCE * 2**times]
    flat = [f"{name} ({op.name})" for (op, name), slopes in groups.items() if max(slopes) < FLAT and op.squashes]
    if dead:
        said = "slope 0 for every example, so no gradient passes; try a smaller learning rate or leaky_relu"
        yield Finding("dead", f"{_some(dead)}: {said}")
    if flat:
        said = f"slopes below {FLAT} for every example; try smaller initial weights or scaled inputs"
        yield Finding("saturated", f"{_some(flat)}: {said}")


def _switches(op: Op) -> bool:
    """Whether it has the slope 0 for many arguments of usual size, as relu has, but does not level off like tanh."""
    try:
        return not op.squashes and any(op.forward(a) == op.forward(a + 1.0) for a in (-5.0, 5.0))
    except (ArithmeticError, ValueError):
        return False


def _layers_apart(named: Mapping[str, Value]) -> Iterator[Finding]:
    layers: defaultdict[str, list[float]] = defaultdict(list)
    for p in named.values():
        if hasattr(p, "unit") and math.isfinite(p.grad):
            layers[p.unit[0]].append(p.grad)
    sizes = {layer: math.sqrt(sum(g * g for g in grads) / len(grads)) for layer, grads in layers.items()}
    sizes = {layer: size for layer, size in sizes.items() if size > 0.0}
    if len(sizes) > 1:
        (first, near_input), *_, (last, near_loss) = sizes.items()
        said = f"the typical gradient is {near_input:.1e} in {first} and {near_loss:.1e} in {last}"
        if near_input < VANISHED * near_loss:
            yield Finding("vanishing gradients", f"{said}; try other initial weights, relu, or fewer layers")
        if near_input > near_loss / VANISHED:
            yield Finding("exploding gradients", f"{said}; try smaller initial weights or clipping")
    huge = [f"{layer} ({size:.1e})" for layer, size in sizes.items() if size > HUGE]
    if huge:
        yield Finding("exploding gradients", f"the typical gradient is huge in {_some(huge)}; try smaller weights")


def _some(items: list[str]) -> str:
    return ", ".join(items[:3]) + (f" and {len(items) - 3} more" if len(items) > 3 else "")
