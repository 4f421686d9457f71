"""`live`: the page of a network that trains, or of one Value whose leaves can be dragged."""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import nn
from chainrule.engine import OPS, Op, Program, Value, applications
from chainrule.engine.compiler.emit.tape import Tape, slope_expression, tape_of
from chainrule.engine.compiler.expression import expression
from chainrule.engine.compiler.scalar.code import Code, Ref, Source
from chainrule.engine.compiler.trace.tracer import as_outputs
from chainrule.engine.graph import needs_row
from chainrule.engine.numeric import counted
from chainrule.nn import losses
from chainrule.nn.arguments import count as check_count
from chainrule.nn.checks import (
    check_loss,
    check_model,
    checked_examples,
    checked_optimiser,
    checked_validation,
)
from chainrule.nn.data.examples import examples_of
from chainrule.nn.last_step import FIRST, LINES, TEXTS
from chainrule.nn.modes import in_mode

from ..common.choices import check_choice, list_of_texts
from ..common.colours import THEMES
from ..common.text import clean, short
from ..common.values import value_names, values_of
from ..graph.drawing import drawing_of
from ..graph.scene import scene_of
from .anatomy import Anatomy
from .packing import named, plain_tapes, row_in_words, told
from .page import LivePage, live_page
from .poster import poster

MOST_PARAMETERS = 10_000
MOST_BYTES = 5_000_000
MOST_SNAPSHOTS = 32
MANY_PARAMETERS = 1_500  # with so many, the page offers no other loss, for its size
ACTIVATIONS = ("tanh", "relu", "leaky_relu", "sigmoid", "elu", "silu", "gelu", "softplus", "sin")
OPTIMISERS = (nn.SGD, nn.Adagrad, nn.RMSProp, nn.Adam, nn.AdamW)  # of which the page has the rules
PARTS = ("data", "optimiser", "what if", "wishes", "replay", "scalar", "quiz")
RATES = {"SGD": 0.1}  # the page's learning rate where none is given; others begin with 0.01
LOSSES_OFFERED = 4
MOST_SHARES = 2_000  # so many numbers stand in the file for a schedule


def live(
    model: Any,
    loss: Any = None,
    X: Any = None,
    y: Any = None,
    *,
    validation: Any = None,
    optimiser: Any = nn.Adam,
    learning_rate: float | None = None,
    batch_size: int = 16,
    seed: int = 0,
    history: Any = None,
    names: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
    show: Any = "all",
    theme: str = "auto",
) -> LivePage:
    """A page in which your network computes, trains and explains itself, without Python and without a network.

    `live(model, loss, X, y)`: forward, gradients and training with your own loss and data, as exactly as here; every
    number can be dragged. `live(value)`: the graph of one Value, whose leaves can be dragged. `validation` is a pair
    (X, y); `history`, from fit, puts its snapshots on the page's slider. `names` and `classes` are those of the
    features and of the classes. `show` is "all" or a set of parts: "data", "optimiser", "what if", "wishes", "replay",
    "scalar", "quiz". Without a `learning_rate`, the page begins with 0.01 (SGD: 0.1), and has a slider; the schedule of
    an optimiser runs in the page, too, for as many steps as fit planned, else for its first 2,000.

    Shapes: X (n,) or (n, features), y (n,).
    Errors: ValueError for what is too large (more than 10,000 parameters, or a file above 5 MB), for labels outside the
    classes, and for data that are not finite; TypeError for a loss that cannot be compiled, with the line.

    >>> from chainrule import MLP, mse, Value
    >>> live(MLP(1, [3, 1], "tanh", rng=0), mse, [0.0, 1.0, 2.0], [1.0, 0.0, 1.0])
    <LivePage: live: MLP of 10 parameters, mse of 3 examples>
    """
    check_choice("theme", theme, THEMES)
    parts = _parts(show)
    if isinstance(model, Value):
        if loss is not None or X is not None:
            raise TypeError("live takes one Value, or a model, a loss, X and y; got a Value and more")
        return _of_value(model, parts, theme)
    check_model(model)
    if loss is None or X is None:
        raise TypeError("live needs the loss and the data of a model: write live(model, loss, X, y)")
    check_loss(loss)
    check_count("batch_size", batch_size)
    for what, given in (("names", names), ("classes", classes)):
        if isinstance(given, (str, bytes)) or not (given is None or isinstance(given, Iterable)):
            raise TypeError(f"{what} is a list of texts, one for each, got {type(given).__name__} {given!r:.60}")
    if names is None:
        names = getattr(X, "feature_names", getattr(X, "columns", None))
    X, y, preparation = examples_of(X, y, getattr(model, "preparation", None))
    if classes is None and preparation is not None and preparation.class_names is not None:
        classes = [str(one) for one in preparation.class_names]
    train = checked_examples(X, y)
    test = None if validation is None else checked_validation(validation, preparation)
    parameters = model.parameters()
    if len(parameters) > MOST_PARAMETERS:
        raise ValueError(
            f"live: the model has {len(parameters):,} parameters, and a page computes at most {MOST_PARAMETERS:,}: "
            "make its layers smaller, or give it fewer inputs"
        )
    network = _Network(model, loss, train, test, classes)
    data = network.data(names)
    data["units"] = _units(preparation, data["width"])
    data |= _optimiser(model, optimiser, learning_rate)
    data |= {"batch": min(int(batch_size), len(train[0])), "seed": _seed(seed), "show": parts}
    if history is not None:
        data["history"] = _history(history, len(parameters))
    data["words"] = _in_words([loss, *(getattr(losses, name, None) for name in data["losses"][1:]), *OPTIMISERS])
    count, examples = len(parameters), len(train[0])
    data["model"] = f"{type(model).__name__} of {count:,} parameter{'s' * (count != 1)}"
    title = f"live: {data['model']}, {network.names[0]} of {examples:,} example{'s' * (examples != 1)}"
    data["title"] = title
    page = live_page(data, theme, poster(data["neurons"], network.weights(), theme, title))
    if len(page.html) > MOST_BYTES:
        raise ValueError(
            f"live: the page would be {len(page.html) / 1e6:.1f} MB, and the most is {MOST_BYTES / 1e6:.0f} MB: give "
            f"it fewer examples (there are {len(train[0]):,}) or inputs, or a smaller model"
        )
    return page


def replay(model: Any, loss: Any, X: Any, y: Any, history: Any, **keywords: Any) -> LivePage:
    """The page of `live`, opened at the slider over the snapshots of a recorded training.

    Errors: ValueError if the history has no snapshots.

    >>> from chainrule import MLP, fit, mse
    >>> model, X, y = MLP(1, [2, 1], "tanh", rng=0), [0.0, 1.0, 2.0], [1.0, 0.0, 1.0]
    >>> history = fit(model, mse, X, y, epochs=3, progress=False)
    >>> replay(model, mse, X, y, history)
    <LivePage: live: MLP of 7 parameters, mse of 3 examples>
    """
    if history is None:
        raise ValueError("replay needs a history; write history = fit(…), then replay(model, loss, X, y, history)")
    return live(model, loss, X, y, history=history, **keywords)


def _parts(show: Any) -> list[str]:
    if isinstance(show, str) and show == "all":
        return list(PARTS)
    chosen = list(show) if isinstance(show, Iterable) and not isinstance(show, str) else [show]
    for part in chosen:
        check_choice("show", part, ("all", *PARTS))
    return [part for part in PARTS if part in chosen or "all" in chosen]


class _Network:
    """A model, the losses that the page offers for it, and their tapes."""

    def __init__(
        self, model: Any, loss: Callable[..., Any], train: tuple[NDArray[Any], NDArray[Any]],
        test: tuple[NDArray[Any], NDArray[Any]] | None, classes: Sequence[str] | None,
    ) -> None:  # fmt: skip
        self.model, self.train, self.test, self.classes = model, train, test, classes
        self.parameters: list[Value] = model.parameters()
        self.anatomy = Anatomy(self.parameters)
        self.outputs = 0
        self.tapes = [self._tape(loss)]
        self.names = [getattr(loss, "__name__", type(loss).__name__).strip("<>")]
        if self.names[0] == "lambda":
            self.names[0] = "your loss"
        # the others are drawn from nn; what does not fit the outputs and targets raises
        nodes, neurons = self.anatomy.nodes, self.anatomy.neurons
        for name in losses.__all__ if len(self.parameters) <= MANY_PARAMETERS else ():
            other = getattr(losses, name)
            if other is not loss and len(self.tapes) < LOSSES_OFFERED and self._fits(other):
                tape = self._tape(other)
                if self.anatomy.neurons == neurons:  # your loss may leave an output out, and this one not
                    self.tapes.append(tape)
                    self.names.append(name)
        self.anatomy.nodes, self.anatomy.neurons = nodes, neurons

    def _fits(self, loss: Callable[..., Any]) -> bool:
        X, y = self.train
        rows = np.unique(np.linspace(0, len(X) - 1, 20).astype(int))
        if y.dtype.kind != "f":
            rows = np.union1d(rows, np.unique(y, return_index=True)[1])
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                found = [loss(self.model(_one(X, i)), _one(y, i)) for i in rows.tolist()]
        except Exception:
            return False
        return all(isinstance(one, Value) and np.isfinite(one.data) for one in found)

    def _tape(self, loss: Callable[..., Any]) -> Tape:
        def computed(x: Any, target: Any) -> list[Value]:
            prediction = self.model(x)
            outputs = as_outputs(prediction)[0]
            result = loss(prediction, target)
            if not isinstance(result, Value):
                raise TypeError(f"the loss returned {type(result).__name__} {result!r:.60}, not a Value")
            self.outputs = len(outputs)
            inputs = [one for one in np.ravel(np.array(x, dtype=object)) if isinstance(one, Value)]
            return [result, *outputs, *self.anatomy.look(inputs, result)]

        X, y = self.train
        with in_mode(self.model, training=False):  # the page drops nothing out
            return Program(computed, self.parameters, True, False).tape("steps", X[:2], y[:2])

    def data(self, names: Sequence[str] | None) -> dict[str, Any]:
        X, y = self.train
        parts = [self.train] if self.test is None else [self.train, self.test]
        rows = [np.column_stack([np.reshape(a, (len(a), -1)), np.reshape(b, (len(b), -1))]) for a, b in parts]
        if len(rows) > 1 and rows[0].shape[1] != rows[1].shape[1]:
            raise ValueError(f"the validation has {rows[1].shape[1] - 1} inputs, X has {rows[0].shape[1] - 1}")
        width = int(np.prod(X.shape[1:]))
        features = [f"x{i + 1}" for i in range(width)] if names is None else list_of_texts("names", names)
        if len(features) != width:
            raise ValueError(f"names has {counted(len(features), 'name')} for {counted(width, 'feature')}")
        targets = np.concatenate([one[1].ravel() for one in parts])
        return {
            "kind": "model",
            **plain_tapes(self.tapes),
            "losses": [clean(name) for name in self.names],
            "outputs": self.outputs,
            "neurons": self.anatomy.neurons,
            "theta": [told(p.data) for p in self.parameters],
            "names": named(self.parameters),
            "fixed": [k for k, p in enumerate(self.parameters) if not p.requires_grad],
            "activations": self._activations(),
            "rows": np.vstack(rows).ravel().tolist(),
            "train": len(X),
            "test": 0 if self.test is None else len(self.test[0]),
            "width": width,
            "targets": int(np.prod(y.shape[1:])),
            "features": features,
            **self._task(targets),
        }

    def _activations(self) -> dict[str, Any]:
        used = {neuron["activation"] for neuron in self.anatomy.neurons}
        offered = [n for n in dict.fromkeys([*ACTIVATIONS, *sorted(used)]) if n in OPS and OPS[n].arity == 1]
        return {n: [expression(OPS[n]), slope_expression(OPS[n]), row_in_words(OPS[n])] for n in offered}

    def _task(self, targets: NDArray[Any]) -> dict[str, Any]:
        """What the targets are: classes by number, two classes by two numbers, or numbers."""
        different = np.unique(targets)
        given = None if self.classes is None else list_of_texts("classes", self.classes)
        if targets.dtype.kind != "f" and self.outputs > 1:
            outside = different[(different < 0) | (different >= self.outputs)]
            if len(outside):
                has = f"the model has {counted(self.outputs, 'output')}"
                raise ValueError(f"label {outside[0]} is not a class: {has}, for the classes 0 to {self.outputs - 1}")
            found = given or [str(i) for i in range(self.outputs)]
            if len(found) != self.outputs:
                raise ValueError(f"classes has {counted(len(found), 'name')} for {counted(self.outputs, 'output')}")
            return {"task": "classes", "classes": found}
        if self.outputs == 1 and len(different) == 2:
            low, high = different.tolist()
            squashed = bool(self.anatomy.neurons) and self.anatomy.neurons[-1]["activation"] == "sigmoid"
            logits = low == 0.0 and not squashed and self.names[0] not in ("mse", "mae", "huber")
            found = given if given and len(given) == 2 else [short(low), short(high)]
            return {"task": "two", "classes": found, "levels": [low, high],
                    "threshold": 0.0 if logits else (low + high) / 2}  # fmt: skip
        return {"task": "numbers", "classes": []}

    def weights(self) -> list[float]:
        return [p.data for p in self.parameters]


def _one(array: NDArray[Any], i: int) -> Any:
    return array[i].item() if array.ndim == 1 else array[i].tolist()


def _units(preparation: Any, width: int) -> dict[str, Any] | None:
    """The mean and the scale of each input and of the target, where a Dataset scaled them."""
    if preparation is None or not preparation.is_scaled:
        return None
    scaled = [
        (getattr(one, "mean", 0.0), getattr(one, "scale", 1.0))  # a category has none
        for one in preparation.columns or ()
        for _ in one.feature_names
    ]
    target = (getattr(preparation.target, "mean", 0.0), getattr(preparation.target, "scale", 1.0))
    return {"features": scaled or [(0.0, 1.0)] * width, "target": target}


def _in_words(things: Iterable[Any]) -> dict[str, str]:
    """The first sentences of the documentation of losses and optimisers, by name, where they have one."""
    found = {getattr(one, "__name__", ""): (getattr(one, "__doc__", None) or "").strip() for one in things}
    return {name: clean(text.partition("\n\n")[0]) for name, text in found.items() if name and text}


def _optimiser(model: Any, optimiser: Any, learning_rate: float | None) -> dict[str, Any]:
    chosen = checked_optimiser(model.parameters(), optimiser, learning_rate)
    name = type(chosen).__name__
    settings = {key: float(getattr(chosen, key)) for key in type(chosen).settings
                if key != "schedule" and isinstance(getattr(chosen, key, None), (int, float))}  # fmt: skip
    given = learning_rate is not None or chosen is optimiser
    rate = settings.pop("learning_rate", 0.01) if given else RATES.get(name, 0.01)
    texts = {rule: [rows, [(told(least), text) for least, text in sentences]]
             for rule, (rows, sentences) in TEXTS.items()}  # fmt: skip
    return {"optimiser": name, "settings": settings, "rate": rate, "schedule": _schedule(chosen),
            "texts": {"rules": texts, "lines": LINES, "first": FIRST}}  # fmt: skip


def _schedule(optimiser: Any) -> dict[str, Any] | None:
    """The shares of the learning rate: those of each step, or of each second, third, … step of a long training."""
    if optimiser.schedule is None:
        return None
    steps = optimiser.planned or MOST_SHARES
    every = -(-steps // MOST_SHARES)
    shares = [float(optimiser.schedule(step, optimiser.planned)) for step in range(0, steps + every, every)]
    for i, share in enumerate(shares):
        if not 0 <= share < math.inf:
            raise ValueError(f"the schedule gives step {i * every} the share {share!r} of the learning rate")
    while len(shares) > 1 and shares[-1] == shares[-2]:
        shares.pop()
    return {"every": every, "shares": shares}


def _seed(seed: Any) -> int:
    try:
        return operator.index(seed) % 2**32  # the page's own random numbers begin with 32 bits
    except TypeError:
        raise TypeError(f"seed is a whole number, got {type(seed).__name__} {seed!r}") from None


def _history(history: Any, count: int) -> dict[str, Any]:
    if not hasattr(history, "snapshots"):
        raise TypeError(f"the history is what fit returns, got {type(history).__name__}; write history = fit(…)")
    snapshots = [(int(epoch), np.asarray(theta, dtype=float)) for epoch, theta in history.snapshots]
    if not snapshots:
        raise ValueError("the history has no snapshots; train with fit, which records them")
    if any(theta.shape != (count,) for _, theta in snapshots):
        raise ValueError(
            f"the history is of another model: a snapshot has {snapshots[0][1].size} parameters, not {count}"
        )
    picked = np.unique(np.linspace(0, len(snapshots) - 1, min(len(snapshots), MOST_SNAPSHOTS)).round().astype(int))
    kept = [snapshots[i] for i in picked.tolist()]
    return {"epochs": [epoch for epoch, _ in kept], "thetas": [list(map(told, theta.tolist())) for _, theta in kept]}


class _Unmerged(Code):
    """Code in which each Value has a place of its own, as it has a card of its own in the picture."""

    def put(self, op: Op, arguments: tuple[Any, ...], label: str = "", source: Source | None = None) -> int:
        self.operations.append(op)
        self.arguments.append(arguments)
        self.batched.append(False)
        self.labels.append(label)
        self.sources.append(source)
        return len(self.operations) - 1


def _of_value(value: Value, parts: list[str], theme: str) -> LivePage:
    """The page of one Value: today's picture, in which the leaves can be dragged."""
    order = values_of(value)
    names = value_names(order)
    leaves = [one for one in order if one.operation is None]
    if not leaves or value.operation is None:
        raise ValueError(f"{names[-1]} is a leaf: there is nothing to compute; give live a Value that was computed")
    if len(order) > MOST_PARAMETERS:
        raise ValueError(
            f"live: {names[-1]} was computed from {len(order):,} values, and a page shows at most {MOST_PARAMETERS:,}"
        )
    code = _Unmerged()
    places = {id(leaf): code.leaf(f"p{k}", False, leaf.label) for k, leaf in enumerate(leaves)}
    for one in order:
        if one.operation is not None:
            arguments = tuple([places[id(a)] if isinstance(a, Value) else float(a) for a in one.arguments])
            places[id(one)] = code.put(needs_row(one, "live"), arguments, one.label)
    outputs = [Ref(code, places[id(one)]) for one in (value, *order)]
    tape = tape_of(code, outputs, 0, len(leaves), "steps")
    slopes = {id(value): 1.0} | {id(one.argument): one.after for one in applications(value)}
    grads = [slopes.get(id(one), 0.0) for one in order]
    scene = scene_of(order, names, grads)
    drawing = drawing_of(scene, theme, all_shades=True)
    at = [[i for i, a in enumerate(one.arguments) if isinstance(a, Value)] for one in order]
    index = {id(one): i for i, one in enumerate(order)}
    title = f"live: {names[-1]}, computed from {len(leaves):,} lea{'f' if len(leaves) == 1 else 'ves'}"
    data = {
        "kind": "value", "title": title, **plain_tapes([tape]), "losses": [names[-1]], "outputs": 0,
        "neurons": [], "theta": [told(leaf.data) for leaf in leaves], "fixed": [], "show": parts,
        "names": [names[index[id(leaf)]] for leaf in leaves], "values": names, "activations": {},
        "edges": [[edge.start, edge.end, at[edge.end][edge.argument]] for edge in scene.edges],
        "still": [i for i, one in enumerate(order) if not one.requires_grad],
        "leaves": [index[id(leaf)] for leaf in leaves], "width": 0, "targets": 0, "train": 1, "test": 0,
        "rows": [], "features": [], "task": "numbers", "classes": [], "batch": 1, "seed": 0,
        "optimiser": "SGD", "settings": {"momentum": 0.0}, "rate": 0.1,
    }  # fmt: skip
    return live_page(data, theme, drawing)
