"""Sequential: Modules and functions, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, overload

from chainrule.engine import OPS, Op, Table, Value

from .activations import checked_activation
from .arguments import given, instance_hint
from .dropout import Dropout
from .modules import MLP, Layer, Module, Neuron
from .parameters import repeated
from .probabilities import softmax

__all__ = ["Sequential"]


class Sequential(Module):
    """Modules and functions that follow each other: each gets what the one before returned.

    An operation, or its name ("tanh"), is applied to each number; any other function gets the whole list. `model[i]`,
    `len(model)` and iteration work as with a list. Layers are numbered for the labels of their parameters.

    Shapes: those of the parts.
    Errors: TypeError for a part that cannot be called, ValueError if there are none, or for a Neuron, Layer or MLP that
    takes another number of inputs than the one before gives outputs.

    >>> from chainrule import Dropout, Layer, softmax
    >>> model = Sequential(Layer(2, 3, activation="tanh"), Dropout(0.2), Layer(3, 2, nonlin=False), softmax)
    >>> model
    Sequential(Layer of [TanhNeuron(2), TanhNeuron(2), TanhNeuron(2)], Dropout(0.2), Layer of [LinearNeuron(3), \
LinearNeuron(3)], softmax)
    >>> [name for name, p in model.named_parameters()][-1]
    'layers.2.neurons.1.b'
    """

    def __init__(self, *layers: Any) -> None:
        if len(layers) == 1 and isinstance(layers[0], (list, tuple)):
            layers = tuple(layers[0])
        if not layers:
            raise ValueError("a Sequential got no layers; write Sequential(Layer(2, 8), Layer(8, 1, nonlin=False))")
        self.layers = [_checked(layer, place) for place, layer in enumerate(layers)]
        _check_sizes(self.layers)
        for number, layer in enumerate((one for one in self.layers if isinstance(one, Layer)), start=1):
            layer.name(str(number))

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = _each(layer, x) if isinstance(layer, (Op, str)) else layer(x)
        return x

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.layers)

    @overload
    def __getitem__(self, place: int) -> Any: ...
    @overload
    def __getitem__(self, place: slice) -> Sequential: ...
    def __getitem__(self, place: int | slice) -> Any:
        """A part; of a slice, a Sequential that shares its parts with this one."""
        if not isinstance(place, slice):
            return self.layers[place]
        part = Sequential.__new__(Sequential)
        part.layers = self.layers[place]
        return part

    def __repr__(self) -> str:
        return f"Sequential({repeated([_name(layer) for layer in self.layers])})"


def _checked(layer: Any, place: int) -> Any:
    if isinstance(layer, (str, Op)):
        return checked_activation(layer, f"layer {place} of Sequential")
    if isinstance(layer, type) or not callable(layer):
        got = f"{given(layer)}{instance_hint(layer)}"
        raise TypeError(f"Sequential takes Modules and functions, but layer {place} is {got}")
    return layer


def _check_sizes(layers: list[Any]) -> None:
    before, giver = None, 0  # how many numbers the part before gives, and which part that is
    for place, layer in enumerate(layers):
        inputs, outputs = _sizes(layer)
        if before is not None and inputs is not None and inputs != before:
            raise ValueError(
                f"layer {place} of Sequential takes {inputs} inputs, and layer {giver} gives {before} outputs; make "
                "the two numbers the same"
            )
        if not (layer is softmax or isinstance(layer, (str, Op, Dropout))):  # these keep their number
            before, giver = outputs, place


def _sizes(layer: Any) -> tuple[int | None, int | None]:
    """How many numbers a part takes and gives; None where that is not known."""
    if type(layer) is Neuron:
        return len(layer.w), 1
    if type(layer) is Layer:
        return len(layer.neurons[0].w), len(layer.neurons)
    if type(layer) in (MLP, Sequential):
        return _sizes(layer.layers[0])[0], _sizes(layer.layers[-1])[1]
    return None, None


def _each(activation: Op | str, x: Any) -> Any:
    if activation == "linear":
        return x
    apply: Callable[[Any], Any] = OPS[activation] if isinstance(activation, str) else activation
    return apply(x) if isinstance(x, Value) or not hasattr(x, "__len__") else Table([apply(one) for one in x])


def _name(layer: Any) -> str:
    if isinstance(layer, (Module, str)):
        return repr(layer)
    return str(getattr(layer, "__name__", repr(layer)))
