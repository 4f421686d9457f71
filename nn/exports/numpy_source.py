"""`to_numpy_source`: a model as a Python file that needs NumPy alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from chainrule import engine
from chainrule.engine.compiler.literals import literal
from chainrule.engine.compiler.run.saving import write

from ..arguments import file_path
from ..checks import check_model, checked_inputs
from ..modes import in_mode
from ..saving import WRITERS
from .stages import Activation, Affine, Scaling, class_names, inputs_of, stages, threshold

__all__ = ["to_numpy_source"]

SOFTMAX = """
def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
"""


def to_numpy_source(model: Any, path: str | os.PathLike[str] | None = None, *, X: Any = None) -> str:
    """The text of a Python file that needs NumPy alone; with a path, it is written there, too.

    Its predict(X) gives what model.predict(X) gives, and its predict_class(X) what model.predict_class(X) gives, the
    names of classes among them. The scaling of a model that was trained on a Dataset goes along: X holds numbers as
    they stand in the table (1 and 0 for the categories, in the order of preparation.feature_names).

    A Module of one's own is compiled for examples like those in X, which is needed then, and the file has value(X).

    Errors: TypeError for a Module of one's own without X.

    >>> from chainrule import MLP
    >>> text = to_numpy_source(MLP(2, [3, 1], activation="tanh"))
    >>> [line for line in text.splitlines() if "tanh" in line]
    ['    h1 = np.tanh(h0 @ W1.T + b1)  # (n, 3)']
    """
    file = None if path is None else file_path(path, "m.py")
    text = _compiled(model, X) if X is not None else _written(model)
    if file is not None:
        write(file, text)
    return text


def _compiled(model: Any, X: Any) -> str:
    import tempfile  # here, as it imports much

    check_model(model)
    inputs = checked_inputs(X)
    with in_mode(model, training=False), tempfile.TemporaryDirectory() as folder:
        program = engine.compile(model, params=model.parameters())
        program(inputs[:2])
        file = Path(folder, "program.py")
        program.save(file)
        return file.read_text(encoding="utf-8")


def _written(model: Any) -> str:
    found = stages(model, "to_numpy_source")
    names, inputs = class_names(model), inputs_of(found)
    outputs = [len(stage.biases) for stage in found if isinstance(stage, Affine)][-1]
    constants: list[str] = []
    lines = ["def predict(X):", '    """The outputs for many examples."""',
             f"    h0 = np.asarray(X, dtype=float).reshape(-1, {inputs})"]  # fmt: skip
    layer, size, place = 0, inputs, 0
    while place < len(found):
        stage = found[place]
        after = found[place + 1] if place + 1 < len(found) else None
        place += 1
        if isinstance(stage, Scaling):
            which = "output" if layer else "input"
            constants += [_array(f"{which}_mean", stage.mean), _array(f"{which}_scale", stage.scale)]
            text = f"(h{layer} - {which}_mean) / {which}_scale"
            lines.append(f"    h{layer} = {text}")
            continue
        if isinstance(stage, Activation):
            lines.append(f"    h{layer} = {_applied(stage, f'h{layer}')}")
            continue
        layer, size = layer + 1, len(stage.biases)
        constants += [_array(f"W{layer}", stage.weights), _array(f"b{layer}", stage.biases)]
        text = f"h{layer - 1} @ W{layer}.T + b{layer}"
        if isinstance(after, Activation) and _simple(after):
            text = _applied(after, text)
            place += 1
        lines.append(f"    h{layer} = {text}  # (n, {size})")
    lines.append(f"    return h{layer}[:, 0]" if size == 1 else f"    return h{layer}")
    body = "\n".join(lines) + "\n"
    says = f"A network that was made with chainrule; it needs NumPy alone.\n\n{_says(model, inputs, outputs)}\n"
    parts = [f'"""{says}"""\n',
             "import math\n" * ("math." in body) + "import numpy as np\n", "\n".join(constants) + "\n"]  # fmt: skip
    if "softmax(" in body:
        parts.append(SOFTMAX)
    parts.append(f"\n{body}")
    if names or outputs > 1:
        parts.append(_class_source(names, outputs, threshold(found)))
    return "\n".join(parts)


def _simple(stage: Activation) -> bool:
    """Whether its spelling has its argument once."""
    return stage.name == "softmax" or engine.OPS[stage.name].numpy.count("{") == 1


def _applied(stage: Activation, text: str) -> str:
    if stage.name == "softmax":
        return f"softmax({text})"
    row = engine.OPS[stage.name]
    a_call = row.numpy.startswith("np.") and row.numpy.endswith("({})")
    inside = text if a_call or text.isidentifier() else f"({text})"
    return row.numpy.format(inside)


def _says(model: Any, inputs: int, outputs: int) -> str:
    """What the docstring of the file says of shapes and columns."""
    known = getattr(model, "preparation", None)
    result = "(n,)" if outputs == 1 else f"(n, {outputs})"
    lines = [f"Shapes: X (n, {inputs}) -> predict(X) {result}."]
    if known is not None and known.columns is not None:
        lines.append(f"Columns: {', '.join(repr(str(name)) for name in known.feature_names)}.")
    return "\n".join(lines).replace("\\", "\\\\").replace('"""', "'''")


def _class_source(names: list[Any], outputs: int, limit: float) -> str:
    place = "outputs.argmax(axis=1)" if outputs > 1 else f"(outputs > {limit}).astype(int)"
    head = f"\nclasses = np.array({names!a})\n\n" if names else ""
    result = f"classes[{place}]" if names else place
    return (f'{head}\ndef predict_class(X):\n    """The class of each example."""\n    outputs = predict(X)\n'
            f"    return {result}\n")  # fmt: skip


def _array(name: str, numbers: Any) -> str:
    rows = [f"[{', '.join(literal(one) if not np.isfinite(one) else repr(one) for one in row)}]"
            for row in np.atleast_2d(numbers).tolist()]  # fmt: skip
    if np.ndim(numbers) == 1:
        return f"{name} = np.array({rows[0]})"
    return f"{name} = np.array([\n    " + ",\n    ".join(rows) + ",\n])"


WRITERS[".py"] = to_numpy_source
