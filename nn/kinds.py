"""The models that are shipped, as plain dicts and lists: what a file says of their architecture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chainrule.engine import OPS, Value
from chainrule.engine.numeric import counted

from .dropout import Dropout
from .init import uniform
from .modules import MLP, Layer, Neuron
from .probabilities import softmax
from .saving import KINDS, Kind, Part, build, describe, number_text
from .sequential import Sequential

__all__ = ["ZERO", "put_numbers"]

ZERO = uniform(0.0, 0.0)  # the weights are set afterwards; nothing is drawn from anybody's generator
Description = dict[str, Any]


def _describe_neuron(neuron: Neuron) -> Description | None:
    activation = _activation(neuron)
    leaves = [*neuron.w, neuron.b]
    if activation is None or not all(isinstance(leaf, Value) and leaf.operation is None for leaf in leaves):
        return None
    weights = [number_text(w.data) for w in neuron.w]
    return {"activation": activation, "weights": weights, "bias": number_text(neuron.b.data)}


def _describe_layer(layer: Layer) -> Description | None:
    neurons = _all_described(layer.neurons, Neuron)
    if not neurons:
        return None
    activations = [each["activation"] for each in neurons]
    same = len(set(activations)) == 1
    weights, biases = [each["weights"] for each in neurons], [each["bias"] for each in neurons]
    return {"activation": activations[0] if same else activations, "weights": weights, "biases": biases}


def _describe_mlp(model: MLP) -> Description | None:
    layers = _all_described(model.layers, Layer)
    if not layers:
        return None
    for each in layers:
        del each["kind"]
    return {"output": "softmax" if model.softmax else "as it is", "layers": layers}


def _describe_sequential(model: Sequential) -> Description | None:
    layers = _all_described([_Function(one) if one is softmax or isinstance(one, str) else one for one in model.layers])
    return {"layers": layers} if layers else None


def _all_described(parts: Sequence[Any], kind: type | None = None) -> list[Description] | None:
    """The descriptions of all parts; None if one of them has none, or is of another class."""
    described = [describe(each) for each in parts if kind in (None, type(each))]
    found = [each for each in described if each is not None]
    return found if len(found) == len(parts) else None


@dataclass(frozen=True)
class _Function:
    """A part of a Sequential that is no Module: an operation by its name, or softmax."""

    what: Any


def _describe_function(function: _Function) -> Description:
    return {"name": function.what if isinstance(function.what, str) else "softmax"}


def _activation(neuron: Neuron) -> str | None:
    """The name of the neuron's activation; None for a function, which is in no file."""
    name = neuron.activation if neuron.nonlin else "linear"
    return name if isinstance(name, str) else None


def _build_neuron(part: Part) -> Neuron:
    fields = part.fields(["kind", "activation", "weights", "bias"])
    weights = fields["weights"].numbers()
    neuron = Neuron(len(weights), init=ZERO, rng=0)
    _fill([neuron], [weights], [fields["bias"].number()], _activations(fields["activation"], 1))
    return neuron


def _build_layer(part: Part) -> Layer:
    weights, biases, activations = _read_layer(part, ["kind"])
    layer = Layer(len(weights[0]), len(weights), init=ZERO, rng=0)
    _fill(layer.neurons, weights, biases, activations)
    return layer


def _build_mlp(part: Part) -> MLP:
    fields = part.fields(["kind", "output", "layers"])
    output = fields["output"].text()
    if output not in ("softmax", "as it is"):
        fields["output"].fail(f"the output {output!r:.60} is neither 'softmax' nor 'as it is'")
    parts = fields["layers"].items(at_least=1)
    layers = [_read_layer(each) for each in parts]
    inputs = len(layers[0][0][0])
    sizes = [inputs, *[len(biases) for _, biases, _ in layers]]
    for each, (weights, _, _), before in zip(parts, layers, sizes):
        if len(weights[0]) != before:
            each.fail(f"each neuron has {counted(len(weights[0]), 'weight')} and reads {counted(before, 'number')}")
    if output == "softmax" and sizes[-1] == 1:
        fields["output"].fail("softmax over 1 output is always 1")
    model = MLP(inputs, sizes[1:], output="softmax" if output == "softmax" else "linear", init=ZERO, rng=0)
    for layer, read in zip(model.layers, layers):
        _fill(layer.neurons, *read)
    return model


def _build_sequential(part: Part) -> Sequential:
    made = [build(each) for each in part.fields(["kind", "layers"])["layers"].items(at_least=1)]
    try:
        return Sequential([one.what if isinstance(one, _Function) else one for one in made])
    except ValueError as problem:
        part.fail(str(problem))


def _build_function(part: Part) -> _Function:
    name = part.fields(["kind", "name"])["name"]
    return _Function(softmax if name.value == "softmax" else _activations(name, 1)[0])


def _build_dropout(part: Part) -> Dropout:
    rate = part.fields(["kind", "rate"])["rate"]
    if not 0.0 <= rate.number() < 1.0:
        rate.fail(f"a share from 0 to below 1 is wanted here, not {rate.value!r:.60}")
    return Dropout(rate.number())


Read = tuple[list[list[float]], list[float], list[str]]  # weights (outputs, inputs), biases, activations


def _read_layer(part: Part, more: Sequence[str] = ()) -> Read:
    fields = part.fields([*more, "activation", "weights", "biases"])
    biases = fields["biases"].numbers()
    rows = fields["weights"].items(at_least=1)
    if len(rows) != len(biases):
        fields["weights"].fail(f"there are {len(rows)} lists of weights and {len(biases)} biases")
    first = rows[0].numbers()
    weights = [first, *[row.numbers(len(first)) for row in rows[1:]]]
    return weights, biases, _activations(fields["activation"], len(biases))


def _activations(part: Part, count: int) -> list[str]:
    parts = part.items() if isinstance(part.value, list) else [part] * count
    if len(parts) != count:
        part.fail(f"there are {len(parts)} activations for {counted(count, 'neuron')}")
    for each in parts:
        name = each.text()
        if name != "linear" and (name not in OPS or OPS[name].arity != 1):
            each.fail(
                f"the activation {name!r:.60} is no operation of one argument",
                "if you made it by cr.register, register it before you load the file",
            )
    return [each.text() for each in parts]


def _fill(neurons: Sequence[Neuron], weights: list[list[float]], biases: list[float], activations: list[str]) -> None:
    put_numbers(neurons, weights, biases)
    for neuron, activation in zip(neurons, activations):
        neuron.activation, neuron.nonlin = activation, activation != "linear"


def put_numbers(neurons: Sequence[Neuron], weights: list[list[float]], biases: list[float]) -> None:
    """Set the weights and the bias of each neuron. Shapes: weights (neurons, inputs), biases (neurons,)."""
    for neuron, numbers, bias in zip(neurons, weights, biases):
        for w, number in zip(neuron.w, numbers):
            w.data = number
        neuron.b.data = bias


KINDS[Neuron] = Kind("Neuron", _describe_neuron, _build_neuron)
KINDS[Layer] = Kind("Layer", _describe_layer, _build_layer)
KINDS[MLP] = Kind("MLP", _describe_mlp, _build_mlp)
KINDS[Sequential] = Kind("Sequential", _describe_sequential, _build_sequential)
KINDS[_Function] = Kind("function", _describe_function, _build_function)
KINDS[Dropout] = Kind("Dropout", lambda drop: {"rate": drop.rate}, _build_dropout)
