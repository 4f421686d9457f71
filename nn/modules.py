"""Networks made of Values: Neuron, Layer and MLP, and Module, which collects the parameters of any model."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Mapping, Sequence, Set
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.engine import OPS, Op, Table, Value, no_grad, ops
from chainrule.engine.compiler.trace.tracer import paused_collector
from chainrule.engine.fast.neurons import SharedInputs, weighted_sum
from chainrule.engine.numeric import counted, runs_operations

from .activations import Activation, checked_activation, checked_nonlin, one_per_layer, title
from .arguments import given, listed
from .checks import checked_inputs
from .data.preparation import Preparation
from .elsewhere import refuse_keywords
from .init import Generator, Initialiser, generator, initialiser
from .modes import in_mode
from .parameters import Holder, repeated
from .predicting import Predictor, class_places, probabilities_of
from .probabilities import softmax
from .saving import save

__all__ = ["MLP", "Layer", "Module", "Neuron", "check_numbers", "units"]

Unit = tuple[str, str]  # (layer, neuron)
SHIPPED = {"linear", *(name for name, op in vars(ops).items() if isinstance(op, Op))}  # OPS holds users' own, too


class Module(Holder):
    """A model: its attributes hold parameters, and a call maps one example to its output.

    `preparation` is what it remembers of the Dataset that it was trained on: `predict` takes raw rows then.

    >>> from chainrule import Value
    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.slope, self.start = Value(2.0), Value(1.0)
    ...
    ...     def __call__(self, x):
    ...         return self.slope * x + self.start
    >>> len(Line().parameters()), Line()(3.0).data
    (2, 7.0)
    """

    preparation: Preparation | None = None
    class_labels: tuple[Any, ...] = ()  # of a model of one output that fit has trained on such labels as -1 and 1

    def __call__(self, x: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no __call__(x); write one, from an example to its output")

    def save(self, path: str | os.PathLike[str], **settings: Any) -> Path:
        """Write the model to a file of JSON, from which `load` makes it again; return the path.

        Whoever reads the file, even after a crash, finds the old model or the new one, whole. It holds the
        architecture, all numbers to the last digit, which parameters are frozen, labels, and what a model that was
        trained on a Dataset knows of it: the scaling, and the names of columns and classes. Of a Module of one's own,
        it holds the parameters by name: `load(path, into=model)` reads them.

        The ending says where the model is to run: "net.py" needs NumPy alone, "net.js" is a module for browsers,
        "net.c" (with net.h) is plain C, and "net.onnx" is for the runtimes of ONNX; see `to_numpy_source`,
        `to_javascript` and `to_c`, which take the settings, and `to_onnx`.

        Errors: ValueError for another ending than these and ".json"; OSError where nothing can be written.
        """
        return save(self, path, **settings)

    def predict(self, X: Any) -> NDArray[np.float64]:
        """The outputs for many examples, as plain numbers; no graph is recorded, and no Dropout drops.

        Many examples run through a compiled program, which rounds as it pleases: the last digits may differ from those
        of model(x). It is remembered, and made anew when the model has changed.

        A model that was trained on a Dataset prepares X as it was prepared there: give it the Dataset, its X, a frame,
        rows as they stand in the table, or the path of a CSV file, model.predict("new.csv"), whose columns are found by
        their names. `np.asarray(data.X)` and `data.X.tolist()` are scaled numbers that no longer say so, and are scaled
        twice; a warning says so where it can be seen.

        Shapes: X (n,) or (n, features) -> (n,) for one output, else (n, outputs).
        Errors: ValueError if X is empty or a row of it does not fit the model, TypeError if X does not hold numbers.
        Warnings: RuntimeWarning for rows that seem to be scaled already.
        """
        outputs = self._answers(X)[1]
        return outputs if self.preparation is None else self.preparation.answers(outputs)

    def predict_probabilities(self, X: Any) -> NDArray[np.float64]:
        """The probability of each class, whether the model ends in scores, in softmax or in sigmoid.

        Shapes: X (n, features) -> (n, classes); for a model of one output (n, 2), of its classes 0 and 1.

        Errors: ValueError for a model that was trained to predict the numbers of a Dataset.

        >>> from chainrule import MLP
        >>> model = MLP(2, [3, 2], rng=0)
        >>> float(model.predict_probabilities([[1.0, 2.0]]).sum().round(12))
        1.0
        """
        self._check_has_classes("predict_probabilities")
        return probabilities_of(self, *self._answers(X))

    def predict_class(self, X: Any) -> NDArray[Any]:
        """The class of each example: a label as in the y that fit trained it on, a name where those were names.

        Of several outputs the largest decides; of one, whether it is above 0, or above 0.5 where it is a sigmoid.

        Shapes: X (n, features) -> (n,).
        Errors: ValueError for a model that was trained to predict the numbers of a Dataset.
        """
        self._check_has_classes("predict_class")
        places = class_places(self, *self._answers(X))
        if self.preparation is not None and self.preparation.class_names:
            return self.preparation.named(places)
        if not self.class_labels:
            return places
        if places.max() >= len(self.class_labels):
            said = f"the model has chosen the class {places.max()}, and its class_labels are {self.class_labels}"
            raise ValueError(f"{said}; write model.class_labels = ()")
        return np.array(self.class_labels)[places]

    def _check_has_classes(self, asked: str) -> None:
        target = None if self.preparation is None else self.preparation.target
        if target is not None and not target.classes and not self.class_labels:
            raise ValueError(
                f"{asked}: the model was trained to predict a number, {target.name!r:.60}, and has no classes; write "
                "model.predict(X). If the numbers are labels of classes, say so where the Dataset is made: "
                "cr.table(..., classes=True)"
            )

    def _answers(self, X: Any) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """The inputs and the outputs."""
        known = self.preparation
        if isinstance(X, (str, os.PathLike)) and (known is None or known.columns is None):
            raise TypeError(
                f"X is {X!r:.60}: a model reads files of rows where it was trained on a table, whose columns it knows; "
                "this one was not, so give it the numbers"
            )
        inputs = checked_inputs(X if known is None or known.columns is None else known.inputs(X))
        predictor = vars(self).setdefault("_predictor", Predictor())
        with no_grad(), in_mode(self, training=False):
            try:
                return inputs, predictor(self, inputs)
            except ValueError as problem:
                if inputs.ndim > 1:
                    raise
                raise ValueError(
                    f"{problem}. predict takes many examples, and X of shape {inputs.shape} is {len(inputs)} of one "
                    "number each; for the outputs of one example, write model(x) or predict([x])"
                ) from None


class Neuron(Module):
    """activation(b + w1·x1 + w2·x2 + …); without the activation if nonlin is False.

    `init` says where the weights start (see nn.init), `rng` is a seed for them, or a generator; without it they are
    drawn from Python's `random`.

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
        **unknown: Any,
    ) -> None:
        refuse_keywords("Neuron", unknown, ("nin", "nonlin", "activation", "init", "rng"))
        self._build(nin, nonlin, activation, init, rng)
        self.name()

    def _build(self, nin: Any, nonlin: Any, activation: Any, init: Any, rng: Any) -> None:
        """All but the names, which a Layer and an MLP give once for all."""
        draw, numbers, inputs = initialiser(init), generator(rng), _checked_size("nin", nin, "a Neuron", "input")
        try:
            self.w = [Value(draw(inputs, numbers)) for _ in range(inputs)]
        except TypeError as problem:
            raise TypeError(f"init is a function (number of inputs, generator) -> weight: {problem}") from problem
        self.b = Value(0.0)
        self.nonlin = checked_nonlin(nonlin)
        self.activation = checked_activation(activation)

    def name(self, layer: str = "", number: str = "", j: int = 0) -> None:
        """Label the parameters, and mark them as this unit's: nn.units and the pictures read the mark."""
        self.unit: Unit = (layer, f"h{number}_{j}" if j else "h")
        for i, w in enumerate(self.w, start=1):
            w.label = f"w{number}_{i}{',' if max(i, j) > 9 else ''}{j}" if j else f"w{i}"
        self.b.label = f"b{number}_{j}" if j else "b"
        for p in (*self.w, self.b):
            p.__dict__["unit"] = self.unit

    def __call__(self, x: Any) -> Value:
        inputs = x if x.__class__ is SharedInputs else _inputs(x)
        if len(inputs) != len(self.w):
            check_numbers(inputs)
            raise ValueError(f"{self} got {counted(len(inputs), 'input')}; it has {counted(len(self.w), 'weight')}")
        try:
            total = weighted_sum(self.w, inputs, self.b)
        except TypeError:
            check_numbers(inputs)
            raise
        output: Value = total
        if self.nonlin:
            activation = self.activation
            output = _apply(activation, total)
            if activation.__class__ is not str or activation not in SHIPPED:
                inputs.is_stale = True  # a user's code ran
            if not isinstance(output, Value):
                kind = type(output).__name__
                raise TypeError(f"the activation of {self} returned a {kind}, not a Value: no gradient")
            if output.operation is None and activation == "sigmoid":  # inside no_grad, losses cannot see what it was
                output.__dict__["logit"] = total
        output.label = self.unit[1]
        output.__dict__["unit"] = self.unit
        return output

    def __repr__(self) -> str:
        return f"{title(self.activation if self.nonlin else 'linear')}Neuron({len(self.w)})"


class Layer(Module):
    """Neurons side by side that read the same inputs; the keywords are those of each Neuron.

    Shapes: x (nin,) -> list (nout,), or one Value if nout is 1.

    >>> Layer(2, 2, nonlin=False)
    Layer of [LinearNeuron(2), LinearNeuron(2)]
    """

    def __init__(
        self,
        nin: int,
        nout: int,
        *,
        nonlin: bool = True,
        activation: Activation = "relu",
        init: Initialiser | None = None,
        rng: Generator | int | None = None,
        **unknown: Any,
    ) -> None:
        refuse_keywords("Layer", unknown, ("nin", "nout", "nonlin", "activation", "init", "rng"))
        with paused_collector():  # the many Values are no garbage
            self._build(nin, nout, nonlin, activation, init, rng)
            self.name()

    def _build(
        self, nin: Any, nout: Any, nonlin: Any, activation: Any, init: Any, rng: Any, size: str = "nout"
    ) -> None:
        """All but the names."""
        numbers = generator(rng)  # one for all neurons: from a seed, each would draw the same
        self.neurons = [Neuron.__new__(Neuron) for _ in range(_checked_size(size, nout, "a Layer", "neuron"))]
        for neuron in self.neurons:
            neuron._build(nin, nonlin, activation, init, numbers)

    def name(self, number: str = "") -> None:
        """Label the neurons; `number` is that of the layer in an MLP."""
        for j, neuron in enumerate(self.neurons, start=1):
            neuron.name(f"layer {number}".rstrip(), number, j)

    def __call__(self, x: Any) -> Any:
        shared = _inputs(x)
        if {*map(type, self.neurons)} == {Neuron}:
            outputs = [neuron(shared) for neuron in self.neurons]
        else:
            outputs = [neuron(SharedInputs(shared)) for neuron in self.neurons]
        return outputs[0] if len(outputs) == 1 else Table(outputs)  # which a traced integer may index, too

    def __repr__(self) -> str:
        return f"Layer of [{repeated(list(map(repr, self.neurons)))}]"


class MLP(Module):
    """Layers that follow each other, with `activation` on all but the last and `output` (as "softmax") on the last.

    `nouts` are the sizes of the layers, of which the last has the outputs. `activation` is the name of an operation of
    one number, such as "relu", "tanh", "sigmoid", "gelu" or "linear", or a function; or a list, one for each layer but
    the last, or one for each layer. `init` says where weights start (see nn.init), and `rng` is a seed for them, or a
    generator; without it they are drawn from Python's `random`.

    Shapes: x (nin,) -> list (nouts[-1],), or one Value if nouts[-1] is 1.
    Errors: TypeError or ValueError for sizes, activations and seeds that are none, with what to write.

    >>> MLP(2, [2, 1])
    MLP of [Layer of [ReLUNeuron(2), ReLUNeuron(2)], Layer of [LinearNeuron(2)]]
    >>> len(MLP(2, [16, 16, 1]).parameters())
    337
    """

    def __init__(
        self,
        nin: int,
        nouts: Sequence[int] | int = (),
        activation: Activation | Sequence[Activation] = "relu",
        *,
        output: Activation = "linear",
        init: Initialiser | None = None,
        rng: Generator | int | None = None,
        **unknown: Any,
    ) -> None:
        refuse_keywords("MLP", unknown, ("nin", "nouts", "activation", "output", "init", "rng"))
        if isinstance(nin, (list, tuple)) and nin:
            rest = list(nin[1:]) or [1]
            raise TypeError(f"nin is the number of inputs, got {given(nin)}; write MLP({nin[0]}, {rest})")
        more = list(activation) if isinstance(activation, Sequence) else [activation]
        if any(isinstance(one, Real) for one in more):
            first = nouts if isinstance(nouts, Iterable) else [nouts]
            raise TypeError(
                f"the third argument of an MLP is its activation, got {activation!r}; for layers of these sizes, write "
                f"MLP({nin}, {[*first, *more]})"
            )
        if isinstance(nouts, (str, bytes, Set, Mapping)):
            raise TypeError(f"nouts is the number of neurons of each layer, in a list; got {given(nouts)}")
        sizes = [nin, *(nouts if isinstance(nouts, Iterable) else [nouts])]
        if len(sizes) == 1:
            raise ValueError("an MLP got 0 layers in nouts; write MLP(4, [16, 3]) for 16 hidden neurons and 3 outputs")
        *activations, last = one_per_layer(activation, len(sizes) - 1, output)
        self.softmax = last == "softmax"
        if self.softmax and sizes[-1] == 1:
            raise ValueError("softmax over 1 output is always 1; write output='sigmoid', or give the model 2 outputs")
        numbers = generator(rng)
        activations += ["linear" if self.softmax else last]
        self.layers = [Layer.__new__(Layer) for _ in activations]
        with paused_collector():
            for number, layer in enumerate(self.layers, start=1):
                name = activations[number - 1]
                layer._build(sizes[number - 1], sizes[number], name != "linear", name, init, numbers, "nouts")
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
        return f"MLP of [{repeated(list(map(repr, self.layers)))}]"


def units(order: Sequence[Value]) -> dict[Value, Unit]:
    """The neuron, as (layer, neuron), that each value is a parameter of or was computed in; other values are left out.

    `order` is topological: arguments before results. To keep training fast, a Neuron marks only its parameters and its
    output. The values between them are found here: they were computed from a parameter, and the output from them.

    >>> from chainrule import Neuron, Value
    >>> neuron = Neuron(1, nonlin=False)
    >>> neuron.b.unit, neuron(Value(2.0)).unit
    (('', 'h'), ('', 'h'))
    """
    for place, value in enumerate(listed("order", order)):
        if not isinstance(value, Value):
            raise TypeError(f"order holds Values, as topological_order(y) does, but number {place} is {given(value)}")
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


def _inputs(x: Any) -> SharedInputs:
    """One example."""
    if isinstance(x, list):
        return SharedInputs(x)
    if isinstance(x, np.ndarray):
        if x.ndim > 1:
            raise ValueError(f"a model takes one example, got an array {x.shape}; for many examples, call predict")
        x = x.tolist()  # plain floats: NumPy scalars are slow
    return SharedInputs(x if isinstance(x, Iterable) and not isinstance(x, (Value, str)) else (x,))


def check_numbers(inputs: Sequence[Any]) -> None:
    """TypeError for the first input that is not a number; called only after something went wrong."""
    for i, x in enumerate(inputs):
        if not isinstance(x, (Real, np.bool_)) and not runs_operations(x):
            rows = isinstance(x, (Sequence, np.ndarray)) and not isinstance(x, str)
            hint = "; a model takes one example: for many, call predict" if rows else ""
            raise TypeError(f"a model takes numbers and Values, but input {i} is {type(x).__name__} {x!r}{hint}")


def _apply(activation: Activation, total: Any) -> Any:
    if callable(activation):
        return activation(total)
    method = getattr(total, activation, None)  # where there is one, it is several times as fast as the operation in OPS
    if method:
        return method()
    return total if activation == "linear" else OPS[activation](total)


def _checked_size(name: str, count: int, whose: str, what: str) -> int:
    """The count as an int; TypeError if it is not a whole number, ValueError if it is below 1."""
    try:
        if isinstance(count, (bool, np.bool_)):
            raise TypeError
        whole = operator.index(count)
    except TypeError:
        raise TypeError(f"{whose} needs a whole number of {what}s, got {given(count)} as {name}") from None
    if whole < 1:
        raise ValueError(f"{whose} needs at least 1 {what}, got {count} as {name}")
    return whole
