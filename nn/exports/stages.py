"""A network as stages, between chainrule and other libraries: scalings, matrices and activations, in their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data.preparation import Preparation
from ..data.targets import Amounts
from ..kinds import ZERO, put_numbers
from ..modules import MLP, Layer
from ..probabilities import softmax
from ..saving import NOT_FINITE, describe
from ..sequential import Sequential

__all__ = [
    "Activation",
    "Affine",
    "Scaling",
    "Stage",
    "class_names",
    "folded",
    "inputs_of",
    "network",
    "stages",
    "threshold",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scaling:
    """(x - mean) / scale; shapes (n,)."""

    mean: Floats
    scale: Floats


@dataclass(frozen=True)
class Affine:
    """weights @ x + biases; shapes (outputs, inputs) and (outputs,)."""

    weights: Floats
    biases: Floats


@dataclass(frozen=True)
class Activation:
    """An operation on each number, by its name in the table, or "softmax" over all of them."""

    name: str


Stage = Scaling | Affine | Activation


def stages(model: Any, wanted_by: str) -> list[Stage]:
    """The stages of a model that is made of shipped parts, the scaling of its inputs and its outputs among them.

    Errors: TypeError for what is no such model.
    """
    described = describe(model)
    if described is None:
        raise TypeError(
            f"{wanted_by} takes a Neuron, Layer, MLP or Sequential whose activations are operations by name, got "
            f"{_named(model)}; to_numpy_source(model, X=examples) takes any model that compiles"
        )
    found = _of_description(described, wanted_by)
    sizes = [stage.weights.shape for stage in found if isinstance(stage, Affine)]
    known: Preparation | None = getattr(model, "preparation", None)
    if known is not None and known.columns is not None and sizes:
        mean, scale = known.scales()
        if (mean != 0.0).any() or (scale != 1.0).any():
            found.insert(0, Scaling(mean, scale))
    target = known.target if known is not None else None
    if isinstance(target, Amounts) and (target.mean != 0.0 or target.scale != 1.0) and sizes:
        outputs = sizes[-1][0]
        found.append(Scaling(np.full(outputs, -target.mean / target.scale), np.full(outputs, 1.0 / target.scale)))
    return found


def _named(model: Any) -> str:
    """The model as an error shows it: its class, and what it consists of, where it tells and that is short."""
    text, name = " ".join(repr(model).split()), type(model).__name__
    if text.startswith("<"):  # as Python shows an object that tells nothing
        return f"a {name}"
    text = text if len(text) < 80 else text[:79] + "…"
    return text if text.startswith(name) else f"{name} {text}"


def _of_description(described: dict[str, Any], wanted_by: str) -> list[Stage]:
    kind = described["kind"]
    if kind == "Dropout":
        return []  # it is for training
    if kind == "function":
        return [Activation(described["name"])] if described["name"] != "linear" else []
    if kind == "Neuron":
        layers = [{**described, "weights": [described["weights"]], "biases": [described["bias"]]}]
    elif kind == "Sequential":
        return [stage for layer in described["layers"] for stage in _of_description(layer, wanted_by)]
    else:
        layers = described["layers"] if kind == "MLP" else [described]
    found: list[Stage] = []
    for layer in layers:
        found.append(Affine(_numbers(layer["weights"]), _numbers(layer["biases"])))
        activation = layer["activation"]
        if not isinstance(activation, str):
            raise TypeError(f"{wanted_by} needs one activation for each layer, and a layer here has {activation}")
        found += [Activation(activation)] if activation != "linear" else []
    return [*found, *([Activation("softmax")] if described.get("output") == "softmax" else [])]


def _numbers(given: Any) -> Floats:
    """Numbers as they are in a file, where those that are not finite are texts."""
    array = np.array(given, dtype=object)
    numbers: Floats = np.vectorize(lambda one: NOT_FINITE.get(one, one), otypes=[float])(array)
    return numbers


def folded(found: Sequence[Stage]) -> list[Affine | Activation]:
    """The same network without scalings: they become part of the matrix beside them, or a diagonal one."""
    done: list[Affine | Activation] = []
    waiting: Affine | None = None  # a scaling that the next matrix takes in
    for stage in found:
        if isinstance(stage, Scaling):
            scaling = Affine(np.diag(1.0 / stage.scale), -stage.mean / stage.scale)
            if done and isinstance(before := done[-1], Affine):
                done[-1] = _after(scaling, before)
            else:
                waiting = scaling
            continue
        if isinstance(stage, Affine):
            done.append(stage if waiting is None else _after(stage, waiting))
        else:
            done += [stage] if waiting is None else [waiting, stage]
        waiting = None
    return done if waiting is None else [*done, waiting]


def _after(second: Affine, first: Affine) -> Affine:
    """Both as one: second(first(x))."""
    return Affine(second.weights @ first.weights, second.weights @ first.biases + second.biases)


def inputs_of(found: Sequence[Stage]) -> int:
    """How many numbers the first matrix takes."""
    return next(int(stage.weights.shape[1]) for stage in found if isinstance(stage, Affine))


def network(found: Sequence[Affine | Activation]) -> MLP | Sequential:
    """An MLP with these matrices and activations, or a Sequential where they are in another order."""
    layers: list[tuple[Affine, str]] = []
    rest = list(found)
    ends_in_softmax = bool(rest) and rest[-1] == Activation("softmax")
    body = rest[:-1] if ends_in_softmax else rest
    for stage in body:
        if isinstance(stage, Affine):
            layers.append((stage, "linear"))
        elif layers and layers[-1][1] == "linear" and stage.name != "softmax":
            layers[-1] = (layers[-1][0], stage.name)
        else:
            return Sequential([_part(one) for one in rest])
    fits = all(len(a.biases) == b.weights.shape[1] for (a, _), (b, _) in pairwise(layers))
    last_is_linear = bool(layers) and layers[-1][1] == "linear"
    if not layers or not fits or (ends_in_softmax and (not last_is_linear or len(layers[-1][0].biases) == 1)):
        return Sequential([_part(one) for one in rest])
    sizes = [layers[0][0].weights.shape[1], *[len(affine.biases) for affine, _ in layers]]
    names: list[Any] = [name for _, name in layers]
    names[-1] = "softmax" if ends_in_softmax else names[-1]
    model = MLP(sizes[0], sizes[1:], names, init=ZERO, rng=0)
    for layer, (affine, _) in zip(model.layers, layers):
        put_numbers(layer.neurons, affine.weights.tolist(), affine.biases.tolist())
    return model


def _part(stage: Affine | Activation) -> Any:
    if isinstance(stage, Activation):
        return softmax if stage.name == "softmax" else stage.name
    outputs, inputs = stage.weights.shape
    layer = Layer(inputs, outputs, nonlin=False, init=ZERO, rng=0)
    put_numbers(layer.neurons, stage.weights.tolist(), stage.biases.tolist())
    return layer


def class_names(model: Any) -> list[Any]:
    """The names of the classes that predict_class gives; [] where there are none."""
    known = getattr(model, "preparation", None)
    names = known.class_names if known is not None and known.class_names else getattr(model, "class_labels", ())
    return np.asarray(names).tolist() if len(names) else []


def threshold(found: Sequence[Stage]) -> float:
    """Above which a single output says that it is the second class."""
    return 0.5 if found and found[-1] == Activation("sigmoid") else 0.0
