"""`to_javascript` and `to_c`: a model as a module for browsers, and as plain C for devices and other programs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule import engine
from chainrule.engine import Program
from chainrule.engine.compiler.emit.about import About
from chainrule.engine.compiler.emit.c_file import c_name
from chainrule.engine.compiler.run.devices import Rounding, c_files
from chainrule.engine.compiler.run.saving import write
from chainrule.engine.numeric import counted

from ..arguments import file_path, text
from ..checks import check_loss, check_model, checked_inputs, checked_loss_value
from ..data.targets import Amounts
from ..modes import in_mode
from ..predicting import class_places
from ..saving import WRITERS
from .stages import class_names, inputs_of, stages

__all__ = ["CExport", "to_c", "to_javascript"]

Floats = NDArray[np.float64]


class CExport(NamedTuple):
    """What `to_c` made: the texts of net.c and net.h, and what few digits cost, measured on the examples X.

    `agree` counts the classes that are the same as in float64; `right` and `right_before` count those that are right.
    """

    source: str
    header: str
    dtype: str
    rounding: Rounding | None = None
    agree: int | None = None
    right: int | None = None
    right_before: int | None = None

    def __str__(self) -> str:
        said = [str(self.rounding)] if self.rounding else []
        count = len(self.rounding.outputs) if self.rounding else 0
        if self.agree is not None:
            said.append(f"{self.agree} of {count} classes are those of float64")
        if self.right is not None:
            said.append(f"{self.right} of {count} classes are right, {self.right_before} in float64")
        return "; ".join(said) or f"{len(self.source)} characters of C, in {self.dtype}"


def to_javascript(model: Any, path: str | os.PathLike[str] | None = None, *, X: Any = None) -> str:
    """The text of an ES module that needs nothing else; with a path, it is written there, too.

    It has value(X), also called predict, and predict_class(X); X is a typed array or a list, with one row after the
    other. As in `to_numpy_source`, the scaling goes along; rows hold numbers as they stand in the table, 1 and 0 for
    categories; `columns` and `classes` are the names. A Module of one's own needs X, some of its examples.

    Shapes: X (n, features).
    Errors: TypeError for a Module of one's own without X.

    >>> from chainrule import MLP
    >>> text = to_javascript(MLP(2, [3, 1], activation="tanh"))
    >>> "export function value(x, at = theta)" in text
    True
    """
    check_model(model)
    target = None if path is None else file_path(path, "model.js")
    with tempfile.TemporaryDirectory() as folder, in_mode(model, training=False):
        program, about = _program(model, X, "to_javascript")
        file = Path(folder, "model.js")
        program.save(file, about=about)
        written = file.read_text(encoding="utf-8")
    if target is not None:
        write(target, written)
    return written


def to_c(
    model: Any, path: str | os.PathLike[str] | None = None, *, dtype: str = "float64", X: Any = None, y: Any = None,
    loss: Callable[[Any, Any], Any] | None = None,
) -> CExport:  # fmt: skip
    """The model as plain C99 that allocates nothing and needs math.h alone; with a path, net.c and net.h are written.

    net_value(net_theta, x, out) gives the outputs of a row, net_class(net_theta, x) its class, a place in NET_CLASSES.
    The scaling goes along, and rows hold numbers as they stand in the table, as in `to_numpy_source`. With a `loss`,
    the file can learn, too: net_step(theta, x, y, rate, value) is a step of gradient descent with one example.

    With dtype="float32", all numbers are float; with "int8", matrices are bytes, and their inputs are rounded to bytes
    in the ranges that the rows X have; it has no parameters to give: net_value(x, out), net_class(x). What that costs
    is measured on X, and on the true classes y, and is part of the result; print it.

    Shapes: X (n, features), y (n,).
    Errors: TypeError for a Module of one's own without X; ValueError for another dtype, for int8 without X, and for a
    parameter that is not finite.

    >>> from chainrule import MLP
    >>> model = MLP(2, [3, 2], activation="tanh", rng=0)
    >>> made = to_c(model, dtype="int8", X=[[0.0, 1.0], [1.0, 0.5]])
    >>> print(made)  # doctest: +ELLIPSIS
    int8, measured on 2 examples: an output differs from that of float64 by at most ...; 2 of 2 classes are those of ...
    """
    target = None if path is None else file_path(path, "net.c")
    if target is not None and target.suffix.lower() != ".c":
        raise ValueError(f"to_c writes a file and its header, as in to_c(model, 'net.c'); got the path {str(path)!r}")
    check_model(model)
    if loss is not None:
        check_loss(loss)
    text("dtype", dtype, "float32")
    name = "net" if target is None else c_name(target.stem)
    with in_mode(model, training=False):
        program, about = _program(model, X, "to_c")
        rows = None if X is None else _rows(model, X)
        if y is not None and rows is not None and len(y) != len(rows):
            raise ValueError(f"X has {counted(len(rows), 'row')}, and y has {len(y)}; each row needs its own")
        training = None if loss is None else _training(model, loss, program, rows, y)
        examples = () if rows is None else (rows,)
        truths = () if loss is None or rows is None or y is None else (np.asarray(_learnt(model, y)),)
        notes = () if training is None else _how_to_learn(name, training, model, dtype)
        file, rounding = c_files(name, program, about, dtype, examples, training, truths, notes)
        made = CExport(file.source, file.header, dtype, rounding)
        if rounding is not None and about.classifies and rows is not None:
            made = CExport(file.source, file.header, dtype, rounding, *_classes(model, program, rows, rounding, y))
    if target is not None:
        write(target.with_suffix(".h"), file.header)
        write(target, file.source)
    return made


def _program(model: Any, X: Any, wanted_by: str) -> tuple[Program, About]:
    """The model of raw rows, compiled; and what is called how."""
    rows = np.zeros((1, _features(model, wanted_by))) if X is None else _rows(model, X)[:2]
    mean, scale = _scaling(model)
    target = _target(model)
    program = engine.compile(_of_raw_rows(model), params=model.parameters())
    outputs = program(rows)
    known, names = getattr(model, "preparation", None), class_names(model)
    about = About(
        columns=known.feature_names if known is not None else (), classes=names, mean=mean, scale=scale,
        answer=None if target is None else (target.mean, target.scale),
        threshold=_threshold(model, rows), classifies=bool(names) or (outputs.ndim > 1 and target is None),
    )  # fmt: skip
    return program, about


def _features(model: Any, wanted_by: str) -> int:
    known = getattr(model, "preparation", None)
    if known is not None and known.columns is not None:
        return len(known.feature_names)
    try:
        return inputs_of(stages(model, wanted_by))
    except (TypeError, StopIteration):
        raise TypeError(
            f"{wanted_by} does not know how many numbers {type(model).__name__} takes; write {wanted_by}(model, "
            "X=examples), with some rows"
        ) from None


def _scaling(model: Any) -> tuple[list[float], list[float]]:
    """The mean and the scale of each feature; [] where none is scaled."""
    known = getattr(model, "preparation", None)
    if known is None or not known.changes_inputs:
        return [], []
    mean, scale = known.scales()
    return mean.tolist(), scale.tolist()


def _target(model: Any) -> Amounts | None:
    target = getattr(getattr(model, "preparation", None), "target", None)
    return target if isinstance(target, Amounts) else None


def _rows(model: Any, X: Any) -> Floats:
    """Rows as they stand in the table, but with 1 and 0 for categories."""
    known = getattr(model, "preparation", None)
    if known is None or known.columns is None:
        return checked_inputs(X).astype(float)
    inputs = np.asarray(known.inputs(X), dtype=float)
    mean, scale = _scaling(model)
    raw: Floats = inputs * np.array(scale) + np.array(mean) if mean else inputs
    return raw


def _prepared(model: Any) -> Callable[[Any], Any]:
    """A function from a raw row to the inputs of the model."""
    pairs = list(zip(*_scaling(model)))

    def prepared(x: Any) -> Any:
        made = np.empty(len(pairs), dtype=object)
        made[:] = [(xi - mean) / scale for xi, (mean, scale) in zip(x, pairs)]
        return made

    return prepared if pairs else lambda x: x


def _of_raw_rows(model: Any) -> Callable[[Any], Any]:
    """The model of one row as it stands in the table, with outputs in the units of the table."""
    prepared, target = _prepared(model), _target(model)

    def f(x: Any) -> Any:
        outputs = model(prepared(x))
        if target is None:
            return outputs
        scaled = [one * target.scale + target.mean for one in (outputs if hasattr(outputs, "__len__") else [outputs])]
        return scaled if hasattr(outputs, "__len__") else scaled[0]

    return f


def _threshold(model: Any, rows: Floats) -> float:
    """Above which a single output says that it is the second class."""
    prepared = np.array([_prepared(model)(row) for row in rows[:1]], dtype=float)
    return 0.5 if class_places(model, prepared, np.array([0.25]))[0] == 0 else 0.0


def _training(model: Any, loss: Callable[[Any, Any], Any], program: Program, rows: Floats | None, y: Any) -> Program:
    """The loss of a raw row and of what is to be predicted from it."""
    prepared, target = _prepared(model), _target(model)

    def f(x: Any, truth: Any) -> Any:
        wanted = truth if target is None else (truth - target.mean) / target.scale
        return checked_loss_value(loss(model(prepared(x)), wanted))

    made = engine.compile(f, params=model.parameters())
    some = np.zeros((1, program._latest().inputs)) if rows is None else rows[:1]
    made(some, np.zeros(1, dtype=int if target is None else float) if y is None else np.asarray(_learnt(model, y))[:1])
    return made


def _how_to_learn(name: str, training: Program, model: Any, dtype: str) -> list[str]:
    """What somebody has to know who lets the file learn."""
    inputs, kind = [array.lanes for array in training._latest().layout], "float" if dtype == "float32" else "double"
    given = "".join([f", x{i}" for i in range(len(inputs))])
    said = f"The last input of {name}_step, x{len(inputs) - 1}, is what is to be predicted"
    if _target(model) is not None:
        said += ", in the units of the table; the loss and its gradient are those of the scaled number"
    elif class_names(model):
        said += f": the place of a class in {name.upper()}_CLASSES, as a number"
    count = len(training.parameters())
    return [f"{said}. {kind} theta[{count}], value; memcpy(theta, {name}_theta, sizeof theta); "
            f"{name}_step(theta{given}, 0.01, &value); returns 0 after a step."]  # fmt: skip


def _learnt(model: Any, y: Any) -> Any:
    """Labels for the names of classes."""
    known = getattr(model, "preparation", None)
    if known is not None and known.target is not None and not isinstance(known.target, Amounts):
        return known.learnt(y)
    return y


def _classes(model: Any, program: Program, rows: Floats, rounding: Rounding, y: Any) -> list[int]:
    """How many classes are the same with few digits as with many; how many are right, and were right before."""
    inputs = np.array([_prepared(model)(row) for row in rows[:1]], dtype=float)
    rough, exact = [class_places(model, inputs, outputs[:, 0] if outputs.shape[1] == 1 else outputs)
                    for outputs in (rounding.outputs, np.reshape(program(rows), (len(rows), -1)))]  # fmt: skip
    found = [int((rough == exact).sum())]
    if y is not None:
        labels = np.asarray(_learnt(model, y))
        if len(model.class_labels if hasattr(model, "class_labels") else ()):
            labels = _places(labels.tolist(), list(model.class_labels))
        found += [int((rough == labels).sum()), int((exact == labels).sum())]
    return found


def _places(labels: list[Any], known: list[Any]) -> NDArray[np.intp]:
    if unknown := [one for one in labels if one not in known]:
        raise ValueError(f"y holds {unknown[0]!r}, and the model was trained on the classes {known}")
    return np.array([known.index(one) for one in labels])


WRITERS.update({".c": to_c, ".js": to_javascript, ".mjs": to_javascript})
