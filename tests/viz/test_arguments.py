"""Whatever is given to a function of viz in place of an argument, it works, or the error is one that we wrote."""

from __future__ import annotations

import inspect
import math
import traceback
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule import viz
from chainrule.engine import Value
from chainrule.nn import MLP, Dataset, fit, mse

ROOTS = {Path(inspect.getfile(part)).resolve().parent for part in (chainrule, chainrule.engine, chainrule.nn, viz)}
WRONG = {
    "None": lambda: None, "text": lambda: "x", "empty text": lambda: "", "3": lambda: 3, "-1": lambda: -1,
    "2.5": lambda: 2.5, "nan": lambda: math.nan, "True": lambda: True, "[]": list, "[1]": lambda: [1],
    "['x']": lambda: ["x"], "[None]": lambda: [None], "{}": dict, "{'a': 1}": lambda: {"a": 1},
    "{'a': 'x'}": lambda: {"a": "x"}, "object": object,
    "function": lambda: len, "class": lambda: int, "bytes": lambda: b"x", "Value": lambda: Value(1.0),
    "[Value]": lambda: [Value(1.0)], "array": lambda: np.zeros((2, 2)), "empty array": lambda: np.zeros(0),
    "model": lambda: MLP(2, [1], rng=0), "generator": lambda: iter([1]), "set": lambda: {1},
}  # fmt: skip


def result() -> Value:
    a = Value(2.0, label="a")
    loss = a * a
    loss.backward()
    return loss


def trained() -> tuple[Any, ...]:
    model, X, y = MLP(2, [1], activation="tanh", rng=0), [[0.0, 1.0], [1.0, 0.0]], [1.0, 0.0]
    return model, mse, X, y, fit(model, mse, X, y, epochs=1, progress=False)


def classified() -> dict[str, Any]:
    return {"model": MLP(2, [2], rng=0), "X": [[0.0, 1.0], [1.0, 0.0]], "y": [0, 1]}


def on_a_plane() -> dict[str, Any]:
    return dict(zip(("model", "loss", "X", "y"), trained()))


def reported() -> dict[str, Any]:
    data = Dataset.from_arrays("d", [[0.0, 1.0], [1.0, 0.0]], [0, 1], ["a", "b"], ["no", "yes"], "t")
    history = SimpleNamespace(epochs=[1], train_loss=[1.0], test_loss=[], metrics={})
    return {"model": MLP(2, [2], rng=0), "history": history, "train": data, "test": data}


RIGHT = {
    "boundary": classified,
    "confusion_table": classified,
    "curves": lambda: {"histories": trained()[-1]},
    "draw": lambda: {"value": result()},
    "draw_dot": lambda: {"root": result()},
    "explain": lambda: {"value": result()},
    "landscape": on_a_plane,
    "live": on_a_plane,
    "load_numbers": lambda: {"model": MLP(2, [1], rng=0), "text": "{}"},
    "replay": lambda: dict(zip(("model", "loss", "X", "y", "history"), trained())),
    "report": reported,
    "steps": lambda: {"loss": result()},
    "worksheet": lambda: {"value": result()},
    "trace": lambda: {"root": result()},
    "walk": lambda: {"loss": result()},
    "wish_bars": on_a_plane,
}


def parameters_of(function):
    return [one for one in inspect.signature(function).parameters.values() if one.kind is not one.VAR_KEYWORD]


# Whatever these raise when they are called is theirs.
CALLED = {"loss", "optimiser"}
FUNCTIONS = ("function", "class", "model")
CASES = [(name, one.name) for name in viz.__all__ for one in parameters_of(getattr(viz, name))]


def called(name: str, arguments: dict[str, Any]) -> Any:
    function, arguments = getattr(viz, name), dict(arguments)
    by_place = [one.name for one in parameters_of(function) if one.kind in (one.VAR_POSITIONAL, one.POSITIONAL_ONLY)]
    return function(*[arguments.pop(one) for one in by_place if one in arguments], **arguments)


def is_ours(error: BaseException) -> bool:
    """Whether a line of chainrule raised it on purpose, and it says something."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    is_inside = any(root in Path(last.filename).resolve().parents for root in ROOTS)
    return is_inside and (last.line or "").startswith("raise ") and len(str(error)) > 15


def test_an_error_from_inside_is_not_taken_for_one_of_ours():
    for run in (lambda: len(3), lambda: Value(1.0)._backward(3), lambda: np.zeros(2) @ np.zeros(3)):
        with pytest.raises((TypeError, ValueError)) as caught:
            run()
        assert not is_ours(caught.value)
    with pytest.raises(TypeError) as caught:
        viz.steps(3)
    assert is_ours(caught.value)


def test_every_function_is_here_and_works_with_the_right_arguments():
    assert set(RIGHT) == set(viz.__all__)
    for name, arguments in RIGHT.items():
        if name != "load_numbers":  # its right text is that of a page
            called(name, arguments())


@pytest.mark.slow
@pytest.mark.parametrize(("name", "argument"), CASES, ids=[f"{name}-{argument}" for name, argument in CASES])
def test_what_is_of_another_type_works_or_is_an_error_of_ours(name, argument):
    bare = []
    for what, make in WRONG.items():
        if argument in CALLED and what in FUNCTIONS:
            continue
        try:
            called(name, RIGHT[name]() | {argument: make()})
        except Exception as error:
            if not is_ours(error):
                where = traceback.extract_tb(error.__traceback__)[-1]
                bare.append(f"{what}: {type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})")
    assert not bare, "\n".join(bare)


@pytest.mark.parametrize("make", [viz.draw, viz.steps, viz.explain, viz.walk], ids=lambda make: make.__name__)
def test_what_is_no_name_of_a_file_is_an_error_of_ours(make):
    picture = make(result())
    for what, wrong in WRONG.items():
        with pytest.raises((TypeError, ValueError)) as caught:
            picture.save(wrong())
        assert is_ours(caught.value), what
