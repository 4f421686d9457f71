"""Which activation a neuron has: its name checked, or the one that is meant by another name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from numbers import Real
from typing import Any

import numpy as np

from chainrule.engine import OPS, Op, Value
from chainrule.engine.numeric import counted

__all__ = ["Activation", "checked_activation", "checked_nonlin", "one_per_layer", "title"]

Activation = str | Callable[[Value], Value]  # an operation in engine.OPS of one argument, "linear", or a function
SPELLED = {"none": "linear", "identity": "linear", "swish": "silu", "leakyrelu": "leaky_relu", "logistic": "sigmoid"}
USUAL = ("relu", "tanh", "sigmoid", "leaky_relu", "elu", "silu", "gelu", "softplus", "softmax", "linear")


def checked_activation(activation: Activation, keyword: str = "activation", others: Sequence[str] = ()) -> Activation:
    """The activation, an operation as its name; ValueError if it is neither a function nor one of the names."""
    wanted = activation.name if isinstance(activation, Op) else activation
    names = ["linear", *others, *(op.name for op in OPS.values() if op.arity == 1)]
    if (callable(wanted) and not isinstance(wanted, type)) or (isinstance(wanted, str) and wanted in names):
        return wanted
    if meant := _spelled_like(wanted, names):
        write = repr(meant) if " " in keyword else f"{keyword}={meant!r}"
        raise ValueError(f"{keyword}={wanted!r} is not known; write {write}")
    raise ValueError(f"{keyword}={wanted!r} is not one of {', '.join(map(repr, names))}, nor a function of a Value")


def checked_nonlin(nonlin: Any) -> bool:
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


def _spelled_like(wanted: Any, names: Sequence[str]) -> str:
    """The name that was meant: 'relu' for 'ReLU', 'linear' for None; '' where nothing is near."""
    low = str(wanted).lower().replace("-", "_").strip()
    bare = low.replace("_", "").replace(" ", "")
    for name in names:
        if name.replace("_", "") == bare:
            return name
    near = get_close_matches(low, USUAL, 1, 0.75) or get_close_matches(low, names, 1, 0.75)
    meant = SPELLED.get(bare, "") or next(iter(near), "")
    return meant if meant in names else ""


def one_per_layer(activation: Any, layers: int, output: Activation) -> list[Activation]:
    """The activation of each layer, checked; ValueError for a list of another length."""
    last = checked_activation(output, "output", ["softmax"])
    if not isinstance(activation, Sequence) or isinstance(activation, str):
        return [checked_activation(activation)] * (layers - 1) + [last]
    if len(activation) == layers - 1:
        return [*map(checked_activation, activation), last]
    if len(activation) != layers:
        said = f"activation has {len(activation)} entries and the MLP has {counted(layers, 'layer')}; give {layers - 1}"
        raise ValueError(f"{said} (and output=... for the last), or {layers}")
    own = checked_activation(activation[-1], "activation", ["softmax"])
    if last not in ("linear", own):
        raise ValueError(f"the last layer gets activation {own!r} and output {last!r}; leave one of them out")
    return [*map(checked_activation, activation[:-1]), own]


def title(activation: Activation) -> str:
    """ReLU, Tanh, Linear: the activation's name as a Neuron's repr begins with it."""
    if isinstance(activation, str):
        name = (activation in OPS and OPS[activation].micrograd) or activation
    else:
        name = getattr(activation, "__name__", "custom").strip("<>")
    return name[:1].upper() + name[1:]
