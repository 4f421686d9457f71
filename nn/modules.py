"""Networks made of Values: Neuron, Layer and MLP, and Module, which collects the parameters of any model."""

from __future__ import annotations

import operator
import os
import sys
from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from difflib import get_close_matches
from numbers import Real
from pathlib import Path
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from chainrule.engine import OPS, Op, Table, Value, no_grad, ops
from chainrule.engine.fast.neurons import SharedInputs, weighted_sum
from chainrule.engine.gate import one_example

from .checks import checked_inputs
from .init import Generator, Initialiser, generator, initialiser
from .probabilities import softmax
from .saving import save

__all__ = ["MLP", "Layer", "Module", "Neuron", "units"]

Activation = str | Callable[[Value], Value]  # an operation in engine.OPS of one argument, "linear", or a function
Unit = tuple[str, str]  # (layer, neuron)
NOTHING = {str, int, float, bool, type(None)}
PLAIN: MutableMapping[type, bool] = WeakKeyDictionary()  # whether objects of a class are searched for parameters
SHIPPED = {"linear", *(name for name, op in vars(ops).items() if isinstance(op, Op))}  # OPS holds users' own, too


class Module:
    """A model: its attributes hold parameters, and a call maps one example to its output."""

    def __call__(self, x: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no __call__(x); write one, from an example to its output")

    def parameters(self) -> list[Value]:
        """Leaf Values in attributes, lists, tuples, dicts, arrays and sub-modules: each once, in order of definition.

        Dataclasses and plain objects of one's own are searched, too. Sets, deques, attributes of classes, global
        variables and objects of libraries are not; `fit` and `diagnose` name a leaf that stands there.

        >>> model = Module()
        >>> model.scale = Value(1.0)
        >>> model.table = {"a": [Value(2.0)], "b": (model.scale,)}
        >>> [p.data for p in model.parameters()]
        [1.0, 2.0]
        """
        return list(dict.fromkeys(_leaves(list(vars(self).values()))))

    def named_parameters(self) -> list[tuple[str, Value]]:
        """The parameters with the names of the places where they stand: "layers.0.neurons.2.b".

        >>> Neuron(2).named_parameters()[2][0]
        'b'
        """
        places: dict[Value, str] = {}
        stack: list[tuple[str, Any]] = [("", self)]
        seen = set()
        while stack:
            name, thing = stack.pop()
            if isinstance(thing, Value):
                places.setdefault(thing, name)
            elif thing.__class__ is not str and id(thing) not in seen:
                seen.add(id(thing))
                stack += [(f"{name}.{key}".lstrip("."), each) for key, each in reversed(_named(thing))]
        return [(places.get(p, str(i)), p) for i, p in enumerate(self.parameters())]

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the model to a file of JSON, from which `load` makes it again; return the path.

        Whoever reads the file, even after a crash, finds the old model or the new one, whole. It holds the
        architecture, all numbers to the last digit, which parameters are frozen, labels, and what a model that was
        trained on a Dataset knows of it: the scaling, and the names of columns and classes. Of a Module of one's own,
        it holds the parameters by name: `load(path, into=model)` reads them.

        Errors: OSError where nothing can be written.
        """
        return save(self, path)

    def zero_grad(self) -> None:
        """Set each parameter's `.grad` to 0."""
        for p in self.parameters():
            p.grad = 0.0

    def predict(self, X: Any) -> NDArray[np.float64]:
        """The outputs for many examples, as plain numbers; no graph is recorded.

        Shapes: X (n,) or (n, features) -> (n,) for one output, else (n, outputs).
        Errors: ValueError if X is empty or a row of it does not fit the model, TypeError if X does not hold numbers.
        """
        inputs = checked_inputs(X)
        with no_grad():
            try:
                first = self(one_example(inputs, 0))
            except ValueError as problem:
                if inputs.ndim > 1:
                    raise
                raise ValueError(
                    f"{problem}. predict takes many examples, and X of shape {inputs.shape} is {len(inputs)} of one "
                    "number each; for the outputs of one example, write model(x) or predict([x])"
                ) from None
            return np.array([first, *[self(one_example(inputs, i)) for i in range(1, len(inputs))]], dtype=float)


class Neuron(Module):
    """activation(b + w1·x1 + w2·x2 + …); without the activation if nonlin is False.

    Shapes: x (inputs,), or a single number where there is one input -> one Value.
    Errors: ValueError for a wrong number of inputs or an activation that is not in engine.OPS.

    >>> neuron = Neuron(2, activation="tanh", rng=0)
    >>> neuron
    TanhNeuron(2)
    >>> [w.label for w in neuron.w], neuron.b
    (['w1', 'w2'], Value(data=0.0, grad=0.0))
    """

    def __init__(
        self,
        nin: int,
        nonlin: bool = True,
        *,
        activation: Activation = "relu",
        init: Initialiser | None = None,
        rng: Generator | int | None = None,
    ) -> None:
        draw, numbers = initialiser(init), generator(rng)
        self.w = [Value(draw(nin, numbers)) for _ in range(_checked_size(nin, "a Neuron", "input"))]
        self.b = Value(0.0)
        self.nonlin = _checked_nonlin(nonlin)
        self.activation = _checked_activation(activation)
        self.name()

    def name(self, layer: str = "", number: str = "", j: int = 0) -> None:
        """Label the parameters, and mark them as this unit's: nn.units and the pictures read the mark."""
        self.unit: Unit = (layer, f"h{number}_{j}" if j else "h")
        for i, w in enumerate(self.w, start=1):
            w.label = f"w{number}_{i}{',' if max(i, j) > 9 else ''}{j}" if j else f"w{i}"
        self.b.label = f"b{number}_{j}" if j else "b"
        for p in (*self.w, self.b):
            p.__dict__["unit"] = self.unit

    def __call__(self, x: Any) -> Value:
        given = x if x.__class__ is SharedInputs else _inputs(x)
        if len(given) != len(self.w):
            _check_numbers(given)
            raise ValueError(f"{self} got {len(given)} inputs; it has {len(self.w)} weights")
        try:
            total = weighted_sum(self.w, given, self.b)
        except TypeError:
            _check_numbers(given)
            raise
        output = _apply(self.activation, total) if self.nonlin else total
        if not isinstance(output, Value):
            raise TypeError(f"the activation of {self} returned a {type(output).__name__}, not a Value: no gradient")
        output.label = self.unit[1]
        output.__dict__["unit"] = self.unit
        return output

    def __repr__(self) -> str:
        return f"{_title(self.activation if self.nonlin else 'linear')}Neuron({len(self.w)})"


class Layer(Module):
    """Neurons side by side that read the same inputs; the keywords are handed to each Neuron.

    Shapes: x (nin,) -> list (nout,), or one Value if nout is 1.

    >>> Layer(2, 2, nonlin=False)
    Layer of [LinearNeuron(2), LinearNeuron(2)]
    """

    def __init__(self, nin: int, nout: int, **keywords: Any) -> None:
        keywords["rng"] = generator(keywords.get("rng"))  # one for all neurons: from a seed, each would draw the same
        self.neurons = [Neuron(nin, **keywords) for _ in range(_checked_size(nout, "a Layer", "neuron"))]
        self.name()

    def name(self, number: str = "") -> None:
        """Label the neurons; `number` is that of the layer in an MLP."""
        for j, neuron in enumerate(self.neurons, start=1):
            neuron.name(f"layer {number}".rstrip(), number, j)

    def __call__(self, x: Any) -> Any:
        shared = _inputs(x)
        # Where a neuron runs a user's code, each neuron reads the inputs' numbers anew.
        if all(n.__class__ is Neuron and n.w.__class__ is list and n.activation.__class__ is str
               and n.activation in SHIPPED for n in self.neurons):  # fmt: skip
            outputs = [neuron(shared) for neuron in self.neurons]
        else:
            outputs = [neuron(SharedInputs(shared)) for neuron in self.neurons]
        return outputs[0] if len(outputs) == 1 else Table(outputs)  # which a traced integer may index, too

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(repr, self.neurons))}]"


class MLP(Module):
    """Layers that follow each other, with `activation` on all but the last and `output` (as "softmax") on the last.

    Shapes: x (nin,) -> list (nouts[-1],), or one Value if nouts[-1] is 1.

    >>> MLP(2, [2, 1])
    MLP of [Layer of [ReLUNeuron(2), ReLUNeuron(2)], Layer of [LinearNeuron(2)]]
    >>> len(MLP(2, [16, 16, 1]).parameters())
    337
    """

    def __init__(
        self,
        nin: int,
        nouts: Sequence[int] | int,
        activation: Activation = "relu",
        *,
        output: Activation = "linear",
        init: Initialiser | None = None,
        rng: Generator | int | None = None,
    ) -> None:
        if isinstance(activation, (Real, Sequence)) and not isinstance(activation, str):
            more = activation if isinstance(activation, Sequence) else [activation]
            first = nouts if isinstance(nouts, Iterable) else [nouts]
            raise TypeError(
                f"the third argument of an MLP is its activation, got {activation!r}; for layers of these sizes, write "
                f"MLP({nin}, {[*first, *more]})"
            )
        _checked_activation(activation)
        sizes = [nin, *(nouts if isinstance(nouts, Iterable) else [nouts])]
        if len(sizes) == 1:
            raise ValueError("an MLP got 0 layers; write MLP(4, [16, 3]) for 16 hidden neurons and 3 outputs")
        self.softmax = output == "softmax"
        if self.softmax and sizes[-1] == 1:
            raise ValueError("softmax over 1 output is always 1; write output='sigmoid', or give the model 2 outputs")
        numbers, last = generator(rng), "linear" if self.softmax else _checked_activation(output, "output", ["softmax"])
        activations = [activation] * (len(sizes) - 2) + [last]
        self.layers = [
            Layer(inputs, outputs, nonlin=name != "linear", activation=name, init=init, rng=numbers)
            for inputs, outputs, name in zip(sizes[:-1], sizes[1:], activations)
        ]
        for number, layer in enumerate(self.layers, start=1):
            layer.name(str(number))

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        if self.softmax:
            x = softmax(x)
            for i, probability in enumerate(x, start=1):
                probability.label = f"p{i}"
        return x

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(repr, self.layers))}]"


def units(order: Sequence[Value]) -> dict[Value, Unit]:
    """The neuron, as (layer, neuron), that each value is a parameter of or was computed in; other values are left out.

    `order` is topological: arguments before results. To keep training fast, a Neuron marks only its parameters and its
    output. The values between them are found here: they were computed from a parameter, and the output from them.

    >>> neuron = Neuron(1, nonlin=False)
    >>> neuron.b.unit, neuron(Value(2.0)).unit
    (('', 'h'), ('', 'h'))
    """
    found: dict[Value, Unit] = {}
    candidates: dict[Value, Unit] = {}  # parameters, and the values that were computed from one
    for value in order:
        mark = value.__dict__.get("unit")
        if mark:
            found[value] = mark
        if mark and not value._prev:
            candidates[value] = mark
        elif not mark:
            candidates.update((value, candidates[a]) for a in reversed(value._prev) if a in candidates)
    for value in reversed(order):
        for argument in value._prev:
            if value in found and candidates.get(argument) == found[value]:
                found.setdefault(argument, found[value])
    return found


def _leaves(holders: list[Any]) -> Iterator[Value]:
    stack, seen = holders[::-1], set()
    while stack:
        thing = stack.pop()
        if isinstance(thing, Value):
            if thing.operation is None:
                yield thing
        elif thing.__class__ is not str and id(thing) not in seen:  # strings, the many labels among them, hold nothing
            seen.add(id(thing))
            stack.extend(reversed(_held(thing)))


def _held(thing: Any) -> Sequence[Any]:
    kind = thing.__class__
    if kind in NOTHING:
        return ()
    if isinstance(thing, (list, tuple)):
        return thing if kind in (list, tuple) else list(thing)
    if isinstance(thing, dict):
        return list(thing.values())
    if isinstance(thing, np.ndarray):
        return thing.ravel().tolist() if thing.dtype == object else []
    own = getattr(kind, "parameters", None)  # a user's own parameters() decides, in a Module and elsewhere
    if callable(own) and own is not Module.parameters:
        return list(thing.parameters())
    return _attributes(thing) if isinstance(thing, Module) or _is_plain(kind) else []


def _named(thing: Any) -> list[tuple[Any, Any]]:
    """The names and the things that `_held` returns without their names."""
    held = _held(thing)
    if isinstance(thing, dict):
        return list(zip(thing, held))
    names = [] if isinstance(thing, (list, tuple, np.ndarray)) else [*getattr(thing, "__dict__", {})]
    return list(zip(names if len(names) == len(held) else range(len(held)), held))


def _attributes(thing: Any) -> list[Any]:
    slots = [vars(base).get("__slots__", ()) for base in reversed(type(thing).__mro__)]
    names = [name for each in slots for name in ((each,) if isinstance(each, str) else each)]
    found = [getattr(thing, name) for name in names if not name.startswith("__") and hasattr(thing, name)]
    return [*found, *getattr(thing, "__dict__", {}).values()]


def _is_plain(kind: type) -> bool:
    """Whether it is a class of the user's own, dataclasses among them, or a SimpleNamespace: such objects are searched.

    Objects of libraries are not, which may hold anything: a logger holds all other loggers.
    """
    plain = PLAIN.get(kind)
    if plain is None:
        first = kind.__module__.partition(".")[0]
        file = getattr(sys.modules.get(kind.__module__), "__file__", None) or ""
        library = first in sys.stdlib_module_names or first == "chainrule" or "-packages" in file
        own = first in ("__main__", "builtins") or not library
        code = issubclass(kind, (type, FunctionType, ModuleType)) or first == "builtins"
        plain = PLAIN[kind] = kind is SimpleNamespace or (own and not code)
    return plain


def _inputs(x: Any) -> SharedInputs:
    """One example."""
    if isinstance(x, np.ndarray):
        if x.ndim > 1:
            raise ValueError(f"a model takes one example, got an array {x.shape}; for many examples, call predict")
        x = x.tolist()  # plain floats: NumPy scalars are slow
    return SharedInputs(x if isinstance(x, Iterable) and not isinstance(x, (Value, str)) else (x,))


def _check_numbers(given: Sequence[Any]) -> None:
    """TypeError for the first input that is not a number; called only after something went wrong."""
    for i, x in enumerate(given):
        if not isinstance(x, (Real, np.bool_)) and not hasattr(type(x), "__apply__"):
            rows = isinstance(x, (Sequence, np.ndarray)) and not isinstance(x, str)
            hint = "; a model takes one example: for many, call predict" if rows else ""
            raise TypeError(f"a model takes numbers and Values, but input {i} is {type(x).__name__} {x!r}{hint}")


def _checked_activation(activation: Activation, keyword: str = "activation", others: Sequence[str] = ()) -> Activation:
    """The activation, an operation as its name; ValueError if it is neither a function nor one of the names."""
    wanted = activation.name if isinstance(activation, Op) else activation
    names = ["linear", *others, *(op.name for op in OPS.values() if op.arity == 1)]
    if callable(wanted) or wanted in names:
        return wanted
    meant = _spelled_like(wanted, names)
    raise ValueError(
        f"{keyword}={wanted!r} is not one of {', '.join(map(repr, names))}, nor a function of a Value"
        + (f"; write {keyword}={meant!r}" if meant else "")
    )


def _checked_nonlin(nonlin: Any) -> bool:
    """True or False; TypeError for what was meant as something else, an activation above all."""
    if isinstance(nonlin, (bool, np.bool_)) or (isinstance(nonlin, int) and nonlin in (0, 1)):
        return bool(nonlin)
    hint = ""
    if isinstance(nonlin, (str, Op)) or callable(nonlin):
        if isinstance(nonlin, (str, Op)):
            hint = f"; write activation={str(getattr(nonlin, 'name', nonlin))!r}"
        else:
            hint = f"; write activation={getattr(nonlin, '__name__', 'function')}"
    elif isinstance(nonlin, Real):
        hint = "; for several neurons side by side, write Layer(inputs, neurons)"
    raise TypeError(f"nonlin says whether the neuron has an activation, True or False; got {nonlin!r}{hint}")


SPELLED = {"none": "linear", "identity": "linear", "swish": "silu", "leakyrelu": "leaky_relu", "logistic": "sigmoid"}


def _spelled_like(given: Any, names: Sequence[str]) -> str:
    """The name that was meant: 'relu' for 'ReLU', 'linear' for None; '' where nothing is near."""
    low = str(given).lower().replace("-", "_").strip()
    bare = low.replace("_", "").replace(" ", "")
    for name in names:
        if name.replace("_", "") == bare:
            return name
    meant = SPELLED.get(bare, "") or next(iter(get_close_matches(low, names, 1, 0.75)), "")
    return meant if meant in names else ""


def _apply(activation: Activation, total: Any) -> Any:
    if callable(activation):
        return activation(total)
    method = getattr(total, activation, None)  # where there is one, it is several times as fast as the operation in OPS
    if method:
        return method()
    return total if activation == "linear" else OPS[activation](total)


def _title(activation: Activation) -> str:
    """ReLU, Tanh, Linear: the activation's name as a Neuron's repr begins with it."""
    if isinstance(activation, str):
        name = (activation in OPS and OPS[activation].micrograd) or activation
    else:
        name = getattr(activation, "__name__", "custom").strip("<>")
    return name[:1].upper() + name[1:]


def _checked_size(count: int, whose: str, what: str) -> int:
    """The count as an int; TypeError if it is not a whole number, ValueError if it is below 1."""
    try:
        whole = operator.index(count)
    except TypeError:
        raise TypeError(f"{whose} needs a whole number of {what}s, got {type(count).__name__} {count!r}") from None
    if whole < 1:
        raise ValueError(f"{whose} needs at least 1 {what}, got {count}")
    return whole
