"""Numbers that a page put on the clipboard, back into the model."""

from __future__ import annotations

import json
import sys
from typing import Any

from chainrule.engine.numeric import counted

from ..common.text import clean
from .packing import named


def load_numbers(model: Any, text: str) -> None:
    """Give the model's parameters the numbers that a page's "copy numbers" wrote.

    Errors: ValueError if the text is something else, or is of a model whose parameters have other names; then the model
    keeps its numbers. TypeError for what has no parameters().

    >>> from chainrule import Neuron
    >>> neuron = Neuron(1, nonlin=False, rng=0)
    >>> load_numbers(neuron, '{"chainrule": "parameters", "parameters": {"w1": 2.0, "b": 0.5}}')
    >>> neuron(3.0).data
    6.5
    """
    if not callable(getattr(model, "parameters", None)):
        raise TypeError(f"load_numbers takes a model, which lists its parameters(); got {type(model).__name__}")
    parameters = model.parameters()
    names = named(parameters)
    try:
        found = json.loads(text)
        numbers = found["parameters"] if found["chainrule"] == "parameters" else None
    except (ValueError, TypeError, KeyError, RecursionError):
        numbers = None
    if not isinstance(numbers, dict):
        raise ValueError(
            f"these are not a page's numbers: {clean(text)[:60]!r}; press “copy numbers” on the page of live()"
        )
    missing, unknown = [n for n in names if n not in numbers], [n for n in numbers if n not in set(names)]
    if missing or unknown:
        said = [
            f"{what} {', '.join(map(clean, which[:3]))}"
            for what, which in (("without", missing), ("with", unknown))
            if which
        ]
        raise ValueError(
            f"the numbers are of another model: {' and '.join(said)}; this one has {counted(len(names), 'parameter')}"
        )
    for name in names:
        if type(numbers[name]) not in (int, float) or not abs(numbers[name]) <= sys.float_info.max:
            raise ValueError(f"{name} is {numbers[name]!r:.40}, which is no finite number")
    for name, parameter in zip(names, parameters):
        parameter.data = float(numbers[name])
