"""Mistakes in how a model and a loss were put together; `diagnose` and `fit` name what is found here."""

from __future__ import annotations

import functools
import math
import sys
import types
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from . import ops
from .graph import topological_order
from .reports import Finding, first_of
from .value import Value

Named = Sequence[tuple[str, Value]]
MOST = 20_000  # objects that are looked through for parameters
SUM = 1e-9  # probabilities add up to 1 within this
FEW = 4  # parameters; fewer are often equal for a reason
ADVICE = (
    "if it is to learn, keep it in an attribute, a list or a dict of a Module, or let parameters() list it; "
    "if not, give a plain number, or Value(..., requires_grad=False)"
)


def misread_outputs(order: Iterable[Any]) -> Iterator[Finding]:
    """Outputs that are probabilities already, where a loss wants scores; of many examples, the first is named."""
    first: dict[str, Finding] = {}
    for finding in _misread(order):
        first.setdefault(finding.kind, finding)
    yield from first.values()


def _misread(order: Iterable[Any]) -> Iterator[Finding]:
    seen = set[int]()  # denominators
    for node in order:
        if node.operation is ops.logsumexp:
            yield from _probabilities(node.arguments)
        elif node.operation in (ops.sigmoid, ops.softplus) and _operation(node.arguments[0]) is ops.sigmoid:
            said = f"{node.operation.name} is taken of a sigmoid, which lies between 0 and 1 already"
            yield Finding("sigmoid twice", f"{said}; take it of the score")
        elif node.operation is ops.divide and _operation(node.arguments[0]) is ops.exp:
            numerator, denominator = node.arguments
            terms = _terms(denominator) if id(denominator) not in seen else []
            seen.add(id(denominator))
            if any(term is numerator for term in terms) and all(_operation(term) is ops.exp for term in terms):
                yield from _probabilities([term.arguments[0] for term in terms])


def _terms(total: Any) -> list[Any]:
    """What was added up, by + or by sum; zeros left out."""
    terms, waiting = list[Any](), [total]
    while waiting:
        node = waiting.pop()
        if _operation(node) in (ops.add, ops.total):
            waiting += reversed(node.arguments)
        elif (isinstance(node, Value) and node.operation is not None) or node != 0.0:
            terms.append(node)
    return terms


def _probabilities(scores: Sequence[Any]) -> Iterator[Finding]:
    """A finding if a softmax is taken of these, and they are no scores."""
    numbers = [float(score) for score in scores]
    if len(scores) < 2 or any(_operation(score) is None for score in scores):
        return
    shown = ", ".join(f"{number:.3g}" for number in numbers[:3]) + ", …" * (len(numbers) > 3)
    if all(_operation(score) is ops.sigmoid for score in scores):
        said = f"softmax or cross_entropy wants scores of any size, and gets sigmoids ({shown}), between 0 and 1"
        yield Finding("sigmoid before softmax", f"{said}; leave the last sigmoid out: output='linear'")
    elif min(numbers) >= 0.0 and abs(math.fsum(numbers) - 1.0) < SUM:
        said = f"softmax or cross_entropy is taken of probabilities ({shown} add up to 1)"
        yield Finding("softmax twice", f"{said}; take it of the scores, or write the loss -log(p[target])")


def _operation(argument: Any) -> Any:
    return argument.operation if isinstance(argument, Value) else None


def unlisted(loss: Value, order: Sequence[Any], named: Named, params: Any) -> Iterator[Finding]:
    """Leaves that the loss depends on and that no list of parameters holds.

    Of a model, those count that it can reach: inputs that were made Values it does not hold. Of a list or a dict, those
    that the program holds besides the graph; whether such a leaf is an input or a parameter, nobody can tell.
    """
    listed = {id(value) for _, value in named}
    found = [n for n in order if n.operation is None and n.requires_grad and id(n) not in listed and n is not loss]
    if hasattr(params, "parameters"):
        held = {id(value) for value in _reachable(params)}
        found = [leaf for leaf in found if id(leaf) in held]
    elif named:
        known: defaultdict[int, int] = defaultdict(int)
        for node in order:
            for argument in node.arguments:
                known[id(argument)] += 1
        # Besides the graph: `order`, `found`, the loop's variable and the argument of getrefcount.
        found = [leaf for leaf in found if sys.getrefcount(leaf) - known[id(leaf)] > 4]
    else:
        return
    if found:
        names = first_of([leaf.name() for leaf in found])
        yield Finding("unlisted leaf", f"the loss depends on {names}, which no list of parameters holds; {ADVICE}")


def _reachable(model: Any) -> Iterator[Value]:
    """Values that a model can reach: in its attributes and its class's, and in what its methods name.

    Containers of any kind, objects and functions are looked through, at most MOST of them.
    """
    waiting, seen = deque[Any]([model]), set[int]()
    while waiting and len(seen) < MOST:
        thing = waiting.popleft()
        if isinstance(thing, Value):
            yield thing
        elif id(thing) not in seen and not isinstance(thing, (str, bytes, int, float, types.ModuleType, np.generic)):
            seen.add(id(thing))
            waiting.extend(_inside(thing))


def _inside(thing: Any) -> list[Any]:
    if isinstance(thing, Mapping):
        return [*thing.keys(), *thing.values()]
    if isinstance(thing, (list, tuple, set, frozenset, deque)):
        return [*thing, *getattr(thing, "__dict__", {}).values()]
    if isinstance(thing, np.ndarray):
        return list(thing.ravel().tolist()) if thing.dtype == object else []
    if isinstance(thing, types.MethodType):
        return [thing.__func__, thing.__self__]
    if isinstance(thing, functools.partial):
        return [thing.func, *thing.args, *thing.keywords.values()]
    if isinstance(thing, types.FunctionType):
        return _named_by(thing)
    if isinstance(thing, (staticmethod, classmethod)):
        return [thing.__func__]
    if isinstance(thing, property):
        return [thing.fget]
    if isinstance(thing, type):
        first = thing.__module__.partition(".")[0]
        users = first not in ("chainrule", "numpy") and first not in sys.stdlib_module_names
        return [*vars(thing).values(), *thing.__bases__] if users else []
    slots = [getattr(thing, name, None) for kind in type(thing).__mro__ for name in _slots(kind)]
    return [*getattr(thing, "__dict__", {}).values(), *slots, type(thing)]


def _slots(kind: type) -> Iterable[str]:
    slots = vars(kind).get("__slots__", ())
    return [slots] if isinstance(slots, str) else [name for name in slots if not name.startswith("__")]


def _named_by(function: types.FunctionType) -> list[Any]:
    """What a function's code names: global variables, variables of the functions around it, and its defaults."""
    names, codes = set[str](), [function.__code__]
    while codes:
        code = codes.pop()
        names |= set(code.co_names)
        codes += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
    found = [function.__globals__[name] for name in sorted(names) if name in function.__globals__]
    for cell in function.__closure__ or ():
        try:
            found.append(cell.cell_contents)
        except ValueError:  # a variable that has no value yet
            continue
    return [*found, *(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]


def computed_parameters(named: Named, params: Any) -> Iterator[Finding]:
    """Parameters that are no leaves: `w -= rate * w.grad` makes a new node, and the graph grows with each update."""
    computed = [(name, value) for name, value in named if value.operation is not None]
    if hasattr(params, "parameters"):
        listed = {id(value) for _, value in named}
        computed += [(value.name(), value) for value in _reachable(params)
                     if id(value) not in listed and _updates(value)]  # fmt: skip
    if computed:
        name, value = computed[0]
        others = f" (and {len(computed) - 1} more)" * (len(computed) > 1)
        length = f", by now through {_updates(value)} updates" * (_updates(value) > 1)
        yield Finding(
            "no leaf",
            f"{name}{others} was computed: `w -= rate * w.grad` makes a new node{length}, which no optimiser moves, "
            "and the graph grows with each; write w.data -= rate * w.grad",
        )


def _updates(value: Value) -> int:
    """How many times a number without a gradient was subtracted from a leaf, or added to it, to get this value."""
    count, node = 0, value
    while node.operation in (ops.subtract, ops.add):
        left, right = node.arguments
        if not isinstance(left, Value) or (isinstance(right, Value) and not _plain(right)):
            return 0
        count, node = count + 1, left
    return count if node.operation is None else 0


def _plain(value: Value) -> bool:
    """Whether it is a number, or a learning rate that is a Value, times a number."""
    return not value.requires_grad or len(topological_order(value)) <= 3  # rate, -rate, -rate * gradient


def alike(loss: Value, order: Sequence[Any], named: Named, layers: Mapping[int, tuple[int, str]]) -> Iterator[Finding]:
    """Weights that are all zero or equal: neurons that begin alike and get the same gradients stay alike."""
    known = loss.grad != 0.0
    neurons: defaultdict[tuple[int, str], defaultdict[str, list[Value]]] = defaultdict(lambda: defaultdict(list))
    for _, p in named:
        if id(p) in layers:
            neurons[layers[id(p)]][p.unit[1]].append(p)  # type: ignore[attr-defined]
    last = dict(neurons.keys())  # of each model
    cure = "draw them at random: nn.init.uniform(-1, 1), or random.uniform(-1, 1)"
    for (model, layer), units in neurons.items():
        numbers = {tuple(p.data for p in unit) for unit in units.values()}
        slopes = {tuple(p.grad for p in unit) for unit in units.values()}
        if len(units) > 1 and len(numbers) == 1 and (len(slopes) == 1 if known else layer != last[model]):
            all_zero = " (all of them 0)" * (set(*numbers) == {0.0})
            said = f"the {len(units)} neurons of {layer} have the same numbers{all_zero}"
            stay = "and get the same gradients, so they stay alike" if known else "so they may stay alike"
            yield Finding("neurons alike", f"{said}, {stay}; {cure}")
            return
    moving = [p for _, p in named if p.requires_grad]
    values = {p.data for p in moving} - {0.0}
    if not known or len(moving) < FEW or len(values) > 1 or not _has_layers(order, moving):
        return
    still = sum(p.grad == 0.0 for p in moving)
    slopes_of = [p.grad for p in moving if p.grad != 0.0 and p.data in values]
    if (not values and 2 * still >= len(moving)) or (values and len(set(slopes_of)) < len(slopes_of)):
        every = f"all weights are {next(iter(values), 0.0)!r}"
        stay = f"{still} of {len(moving)} get no gradient" if not values else "several get the same gradient"
        yield Finding("weights alike", f"{every}, and {stay}, so they stay alike; {cure}")


def _has_layers(order: Sequence[Any], moving: Sequence[Value]) -> bool:
    """Whether a parameter is multiplied by what was computed from another one."""
    made = {id(p) for p in moving}
    for node in order:
        arguments = [a for a in node.arguments if isinstance(a, Value) and id(a) in made]
        if node.operation is ops.multiply and len(arguments) == 2 and any(a.operation is not None for a in arguments):
            return True
        if arguments:
            made.add(id(node))
    return False
