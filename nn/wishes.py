"""wishes(): what each example asks of each parameter, and of the activations between the layers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import engine
from chainrule.engine import Table, TraceError, Value, enable_grad
from chainrule.engine.gate import one_example
from chainrule.engine.numeric import counted

from .checks import check_loss, check_model, checked_examples, checked_loss_value
from .data.examples import examples_of
from .modes import in_mode
from .modules import Layer
from .parameters import Holder

__all__ = ["Wishes", "wishes"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Wishes:
    """What the examples ask for: the negative of each one's own gradient. A step of plain SGD follows the mean.

    Shapes: parameters (n, P) in the order of model.parameters(), mean (P,), activations {layer: (n, neurons)}, of what
    each layer of `model.layers` gives to the next; names (P,).

    >>> from chainrule import MLP, mse, wishes
    >>> found = wishes(MLP(1, [1], rng=0), mse, [0.0, 1.0, 2.0], [0.0, 1.0, 0.0])
    >>> found.parameters.shape, found.mean.shape, len(found.names)
    ((3, 2), (2,), 2)
    """

    names: tuple[str, ...]
    parameters: Floats
    activations: dict[str, Floats]

    @property
    def mean(self) -> Floats:
        """What all examples ask for together: the negative gradient of the mean loss."""
        mean: Floats = self.parameters.mean(axis=0)
        return mean

    def of(self, name: str) -> Floats:
        """What each example asks of the parameter with this name, as in model.named_parameters(). Shapes: (n,).

        Errors: KeyError for a name that no parameter has.
        """
        if not isinstance(name, str) or name not in self.names:
            shown = ", ".join(self.names[:3])
            raise KeyError(f"no parameter is called {name!r}; there are {len(self.names)}: {shown}, …")
        asked: Floats = self.parameters[:, self.names.index(name)]
        return asked

    def __repr__(self) -> str:
        n, count = self.parameters.shape
        return f"Wishes of {counted(n, 'example')} for {counted(count, 'parameter')}"

    def __str__(self) -> str:
        """The parameters of which most is asked, with the share of the examples that ask for the same direction."""
        mean, lines = self.mean, [repr(self)]
        for place in np.argsort(-np.abs(mean), kind="stable")[:8].tolist():
            alike = float(np.mean(self.parameters[:, place] * mean[place] > 0))
            lines.append(f"  {self.names[place]}: {mean[place]:+.4g} in the mean, {alike:.0%} ask for this direction")
        return "\n".join(lines)


def wishes(model: Any, loss: Any, X: Any, y: Any = None) -> Wishes:
    """What each example asks of each parameter and of the layers' activations: minus its gradient, by one program.

    A model whose attribute `layers` is a list (MLP, Sequential, or a user's own) tells of the activations, too. Dropout
    does not drop here.

    Shapes: X (n,) or (n, features), y (n,) or (n, outputs), or a Dataset.
    Errors: those of fit for models, losses and data that do not fit.

    >>> from chainrule import MLP, mse
    >>> model = MLP(1, [2, 1], activation="tanh", rng=0)
    >>> found = wishes(model, mse, [0.0, 1.0, 2.0], [0.0, 1.0, 0.0])
    >>> found, {layer: asked.shape for layer, asked in found.activations.items()}
    (Wishes of 3 examples for 7 parameters, {'layers.0': (3, 2), 'layers.1': (3, 1)})
    """
    check_model(model)
    check_loss(loss)
    X, y, _ = examples_of(X, y, getattr(model, "preparation", None))
    X, y = checked_examples(X, y)
    params = model.parameters()
    with in_mode(model, training=False), enable_grad():
        shifted, sizes = _with_shifts(model, one_example(X, 0))

        def moved(x: Any, target: Any, *shifts: Any) -> Value:
            return checked_loss_value(loss(shifted(x, shifts), target))

        zeros = [np.zeros((len(X), size)) for size in sizes.values()]
        before = [p.grad for p in params]
        try:
            found = _compiled(moved, params, (X, y, *zeros))
        except (TraceError, ValueError):
            found = _eager(moved, params, (X, y, *zeros))
        finally:
            for p, grad in zip(params, before):
                p.grad = grad
    of_parameters, *of_activations = (-part for part in found)
    names = tuple(name for name, _ in model.named_parameters()) if isinstance(model, Holder) else ()
    names = names or tuple(p.label or f"parameter {i}" for i, p in enumerate(params))
    return Wishes(names, of_parameters, dict(zip(sizes, of_activations)))


def _with_shifts(model: Any, x: Any) -> tuple[Callable[[Any, Sequence[Any]], Any], dict[str, int]]:
    """The model, with numbers that are added to what each of its layers gives, and how many these are of each."""
    held = getattr(model, "layers", None)
    layers: list[Any] = held if isinstance(held, list) else []
    places = [i for i, one in enumerate(layers) if isinstance(one, Layer)]

    def shifted(given: Any, shifts: Sequence[Any]) -> Any:
        if not places:
            return model(given)
        twin = copy.copy(model)
        twin.layers = list(layers)
        for place, shift in zip(places, shifts):
            twin.layers[place] = _Shifted(layers[place], shift)
        return twin(given)

    return shifted, {f"layers.{place}": len(layers[place].neurons) for place in places}


class _Shifted:
    """A layer to whose outputs zeros are added: the loss's slope to these is its slope to the outputs."""

    def __init__(self, layer: Layer, shift: Sequence[Any]) -> None:
        self.layer, self.shift = layer, shift

    def __call__(self, x: Any) -> Any:
        outputs = self.layer(x)
        if isinstance(outputs, Value):
            return outputs + self.shift[0]
        return Table([output + by for output, by in zip(outputs, self.shift, strict=True)])


def _compiled(moved: Any, params: list[Value], arrays: Sequence[NDArray[Any]]) -> list[Floats]:
    program = engine.compile(moved, params)
    return [program.per_example(*arrays), *(program.input_gradients(*arrays)[2:] if len(arrays) > 2 else ())]


def _eager(moved: Any, params: list[Value], arrays: Sequence[NDArray[Any]]) -> list[Floats]:
    rows = []
    for i in range(len(arrays[0])):
        shifts = [[Value(0.0) for _ in row] for row in (array[i] for array in arrays[2:])]
        for p in params:
            p.grad = 0.0
        moved(one_example(arrays[0], i), one_example(arrays[1], i), *shifts).backward()
        rows.append([[p.grad for p in params], *([v.grad for v in shift] for shift in shifts)])
    return [np.array(part, dtype=float) for part in zip(*rows)]
