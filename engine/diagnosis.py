"""The usual mistakes and bad numbers, found and named."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .graph import has_own_backward, topological_order
from .misuse import alike, computed_parameters, misread_outputs, unlisted
from .numeric import counted
from .op import Op
from .reads import lines_read
from .reports import Finding, Report, first_of
from .value import Value

FLAT = 1e-3  # a squashing function is saturated where its local derivative is at most this
VANISHED = 1e-4  # gradients vanish or explode where the typical ones of two layers are this far apart
HUGE = 1e6
FEW = 8  # fewer examples than this switch many a healthy relu off
ROUNDING = 1e-9  # how much the order of adding up changes a gradient, relative to the sum of its |terms|

Named = list[tuple[str, Value]]  # not a dict, since two models may have the same names


def diagnose(loss: Value, params: Any) -> Report:
    """Find what is wrong with this loss, its gradients and its parameters. Nothing is changed.

    A leaf that the loss depends on and no list holds is named, unless `params` is a model that cannot reach it. A list
    cannot tell an input from a forgotten parameter: make inputs plain numbers, or Value(..., requires_grad=False).

    Shapes: params a list of Values, a dict of names to Values, or a model with .parameters().

    >>> from chainrule import Value
    >>> w, b = Value(0.5, label="w"), Value(1.0, label="b")
    >>> loss = (w * 2.0 + b.data) ** 2
    >>> loss.backward()
    >>> print(diagnose(loss, [w, b]))
    diagnosis of 4 values and 2 parameters: 1 found
    - unreached parameter: the loss does not depend on b; was it made a plain number, by float(), int(), .data or math?
    """
    if not isinstance(loss, Value):
        raise TypeError(f"diagnose: the loss is {type(loss).__name__} {loss!r}, not a Value")
    named = _named(params)
    layers = _layers(named)
    order = topological_order(loss)
    findings = [
        *_changed(order),
        *_backward_missing_or_repeated(loss, order, named),
        *_unreached(loss, order, named),
        *_read(loss, order, named),
        *_made_by_hand(order),
        *_not_finite(order, named),
        *_passes_nothing(order, layers),
        *_layers_apart(named, layers),
        *computed_parameters(named, params),
        *unlisted(loss, order, named, params),
        *misread_outputs(order),
        *alike(loss, order, named, layers),
    ]
    return Report(
        f"diagnosis of {counted(len(order), 'value')} and {counted(len(named), 'parameter')}", tuple(findings)
    )


def _named(params: Any) -> Named:
    given = params.parameters() if hasattr(params, "parameters") else [params] if isinstance(params, Value) else params
    if not isinstance(given, Iterable):
        raise TypeError(f"diagnose: the parameters are {given!r}; give a list or dict of Values, or a model")
    items = given.items() if isinstance(given, Mapping) else ((getattr(value, "label", ""), value) for value in given)
    pairs = [(str(name), value) for name, value in items]
    times = Counter(name for name, _ in pairs)
    named = []
    for place, (name, value) in enumerate(pairs):
        if not isinstance(value, Value):
            raise TypeError(f"diagnose: parameter {name or place} is {type(value).__name__} {value!r}, not a Value")
        alone = name and times[name] == 1
        named.append((name if alone else f"{name} (parameter {place})" if name else f"parameter {place}", value))
    return named


def _layers(named: Named) -> dict[int, tuple[int, str]]:
    """For the id of each parameter of a neuron, the number of its model and the name of its layer.

    Where a label comes again, another model begins.
    """
    model, seen, layers = 1, set[Any](), {}
    for _, p in named:
        if hasattr(p, "unit"):
            if (p.unit, p.label) in seen:
                model, seen = model + 1, set()
            seen.add((p.unit, p.label))
            layers[id(p)] = (model, (p.unit[0] or "the layer") + f" of model {model}" * (model > 1))
    return layers


def _shown(node: Value) -> str:
    """A node as its formula, with names and numbers."""
    if not isinstance(node.operation, Op):
        return node.name()
    return node.operation.formula([getattr(argument, "_data", argument) for argument in node.arguments], node.arguments)


def _changed(order: Iterable[Value]) -> Iterator[Finding]:
    for node in order:
        if isinstance(node.operation, Op) and not has_own_backward(node):
            try:
                node._check_unchanged()
            except ValueError as problem:
                said = "an optimiser's step does that, but before the next backward() the loss has to be computed again"
                yield Finding("data changed after the forward pass", f"{problem}; {said}")
                return  # what was made of this node has changed as well


def _backward_missing_or_repeated(loss: Value, order: list[Value], named: Named) -> Iterator[Finding]:
    if loss.operation is not None and not loss.requires_grad:
        yield Finding("nothing to learn", "no leaf of the loss has requires_grad=True, so backward() does nothing")
    elif loss.operation is not None and loss.grad == 0.0:
        yield Finding("backward not run", "the loss has no gradient yet; call loss.backward()")
    if loss.operation is None or loss.grad == 0.0 or any(has_own_backward(node) for node in order):
        return  # a hand-written _backward may add anything, so that no gradient can be expected
    expected: defaultdict[int, float] = defaultdict(float, {id(loss): 1.0})
    size: defaultdict[int, float] = defaultdict(float, {id(loss): 1.0})
    for node in reversed(order):
        for argument, local_derivative in node._edges:
            if isinstance(argument, Value) and argument.requires_grad:
                expected[id(argument)] += local_derivative * expected[id(node)]
                size[id(argument)] += abs(local_derivative) * size[id(node)]
    left = [
        f"{name}.grad is {p.grad:.6g} (this loss gives {expected[id(p)]:.6g})"
        for name, p in named
        if p.requires_grad and abs(p.grad - expected[id(p)]) > ROUNDING * size[id(p)]
    ]
    if left and all(p.grad == 0.0 for _, p in named):
        yield Finding("gradients cleared", f"{first_of(left)}; zero_grad() belongs before backward() or after step()")
    elif left:
        said = "unless you add up on purpose, set them to 0 before backward(): model.zero_grad()"
        yield Finding("gradients left over", f"{first_of(left)}; {said}")


def _unreached(loss: Value, order: Iterable[Value], named: Named) -> Iterator[Finding]:
    reached = {id(node) for node in order}
    missing = [(name, p) for name, p in named if p.operation is None and id(p) not in reached]
    said = "made a plain number, by float(), int(), .data or math?"
    if missing and loss.operation is None:
        yield Finding("no graph", f"the loss remembers no operation; was it computed inside no_grad(), or {said}")
    elif missing:
        read = [f"{name} in {line}" for name, p in missing for line in lines_read(p, ())[:1]]
        said += f" The number was read of {first_of(read)}" if read else ""
        yield Finding(
            "unreached parameter",
            f"the loss does not depend on {first_of([name for name, _ in missing])}; was it {said}",
        )


def _read(loss: Value, order: Iterable[Value], named: Named) -> Iterator[Finding]:
    """Values whose number was read, although a path of the loss goes through them."""
    names, graph, found = {id(p): name for name, p in named}, set(order), []
    for node in order:
        if node is not loss and "_reads" in node.__dict__ and (lines := lines_read(node, graph)):
            found.append(f"{names.get(id(node)) or node.name()} ({', '.join(map(str, lines[:3]))})")
    if found:
        said = "if the loss was computed from it, no gradient goes that way; write chainrule.sin for math.sin"
        yield Finding("number read", f"the number of {first_of(found)} was read; {said}")


def _made_by_hand(order: Iterable[Value]) -> Iterator[Finding]:
    for node in order:
        if isinstance(node.operation, str) and not has_own_backward(node) and not any(node._local_grads):
            said = "has no _backward, so no gradient passes; write one, or add a row (chainrule.register)"
            yield Finding("made by hand", f"{node.name()} {said}")


def _not_finite(order: list[Value], named: Named) -> Iterator[Finding]:
    for node in order:
        if not math.isfinite(node._data):
            made = f"is {_shown(node)}" if isinstance(node.operation, Op) else "was so from the start"
            yield Finding("not finite", f"the first {node._data!r} is {node.name()}, which {made}")
            break
    if all(math.isfinite(p.grad) for _, p in named):
        return
    for node in reversed(order):
        for argument, local_derivative in node._edges:
            if isinstance(argument, Value) and not math.isfinite(local_derivative * node.grad):
                passed = f"the local derivative {local_derivative!r} times the gradient {node.grad!r}"
                where = f"{argument.name()} gets {passed} from {_shown(node)}"
                yield Finding("gradient not finite", f"it starts where {where}")
                return


def _passes_nothing(order: Iterable[Value], layers: Mapping[int, tuple[int, str]]) -> Iterator[Finding]:
    """Neurons whose local derivative is 0, or nearly 0, for every example."""
    made_of: dict[int, Value] = {}  # for the id of a neuron's parameter or partial sum, a parameter of that neuron
    seen: defaultdict[tuple[str, Op], defaultdict[Any, list[Value]]] = defaultdict(lambda: defaultdict(list))
    for node in order:
        unit, parameters = getattr(node, "unit", None), [made_of[id(a)] for a in node._prev if id(a) in made_of]
        if unit is None:
            made_of.update({id(node): p for p in parameters[:1]})
        elif node.operation is None:
            made_of[id(node)] = node
        elif isinstance(node.operation, Op) and node.operation.arity == 1:
            own = id(parameters[0]) if parameters else 0  # neurons of two models may have the same names
            layer = layers.get(own, (1, unit[0] or "the layer"))[1]
            seen[layer, node.operation][unit[1], own].append(node)
    for (layer, op), neurons in seen.items():
        limit = FLAT if op.squashes else 0.0
        flat = {key: nodes for key, nodes in neurons.items() if max(abs(n._edges[0][1]) for n in nodes) <= limit}
        if not op.squashes and len(flat) < len(neurons):
            flat = {key: nodes for key, nodes in flat.items() if _far_off(op, nodes)}
        if flat:
            kind, size = "dead", "of 0, so that no gradient passes"
            advice = "leaky_relu, smaller weights or, if training led here, a smaller learning rate"
            if op.squashes:
                kind, size, advice = "saturated", f"below {FLAT}", "smaller initial weights or scaled inputs"
            who = f"{len(flat)} of {len(neurons)} {op.name} neurons of {layer} ({first_of([name for name, _ in flat])})"
            yield Finding(kind, f"{who} have for every example a local derivative {size}; try {advice}")


def _far_off(op: Op, nodes: Sequence[Value]) -> bool:
    """Whether a neuron stays flat even at an input that is nearer to 0 than the examples' inputs by their whole spread.

    A few examples switch a relu off by chance.
    """
    numbers = [node.arguments[0]._data for node in nodes]
    nearest, farthest = sorted((min(numbers), max(numbers)), key=abs)
    return len(nodes) >= FEW and op.forward(nearest) == op.forward(nearest + (nearest - farthest))


def _layers_apart(named: Named, layers: Mapping[int, tuple[int, str]]) -> Iterator[Finding]:
    grads: defaultdict[tuple[int, str], list[float]] = defaultdict(list)
    for name, p in named:
        if p.requires_grad and math.isfinite(p.grad):
            grads[layers.get(id(p), (0, name))].append(p.grad)
    sizes = {layer: math.hypot(*of_layer) / math.sqrt(len(of_layer)) for layer, of_layer in grads.items()}
    models: defaultdict[int, list[tuple[str, float]]] = defaultdict(list)
    for (model, name), size in sizes.items():
        if model and size > 0.0:
            models[model].append((name, size))
    for (first, near_input), *_, (last, near_loss) in (each for each in models.values() if len(each) > 1):
        said = f"the typical gradient is {near_input:.1e} in {first} and {near_loss:.1e} in {last}"
        if near_input < VANISHED * near_loss:
            yield Finding("vanishing gradients", f"{said}; try other initial weights, relu, or fewer layers")
        if near_input > near_loss / VANISHED:
            yield Finding("exploding gradients", f"{said}; try smaller initial weights or clipping")
    huge = [f"{name} ({size:.1e})" for (_, name), size in sizes.items() if size > HUGE]
    if huge:
        yield Finding("exploding gradients", f"the typical gradient is huge in {first_of(huge)}; try smaller weights")
