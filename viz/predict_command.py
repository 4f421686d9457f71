"""`chainrule predict`: what a model that `chainrule train` has written says of the rows of a file."""

from __future__ import annotations

import argparse
import csv
import io
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.engine.numeric import counted
from chainrule.nn import Module, accuracy, load, r2
from chainrule.nn.data.cells import Cells, Source, gaps
from chainrule.nn.data.preparation import Preparation
from chainrule.nn.data.reading import Sheet, read_csv
from chainrule.nn.data.sheets import cells_of_file

from .common.saving import write_text
from .words import add_command, add_reading, said

__all__ = ["add_to"]

ABOUT = """\
Predict each row of a CSV file with a model that chainrule train has written:
the rows are printed, or written to a file, with the prediction at their end.
The model finds its columns by their names, in any order and among others.
Where the column that is predicted is there, too, the test is printed:
accuracy or r²."""
EXAMPLES = """\
examples:
  chainrule predict trees/model.json new.csv
  chainrule predict trees/model.json new.csv -o predicted.csv
  chainrule predict model.json export.csv --decimal , -o predicted.csv"""


def add_to(commands: Any) -> None:
    """Add the command to those of the parser."""
    command = add_command(commands, "predict", "predict the rows of a table with a trained model", ABOUT, EXAMPLES)
    command.add_argument("model", metavar="MODEL.json", help="the file that chainrule train has written")
    command.add_argument("data", metavar="NEW.csv", help="a CSV file with the columns that the model was trained on")
    command.add_argument("-o", "--out", metavar="FILE.csv", help="the file to write (else the rows are printed)")
    add_reading(command)
    command.set_defaults(run=_predict)


def _predict(given: argparse.Namespace) -> None:
    if given.out and Path(given.out).suffix.lower() != ".csv":
        raise ValueError(f"--out {given.out} has to end in .csv")
    model = load(given.model)
    known = model.preparation
    if known is None or known.columns is None:
        raise ValueError(
            f"{given.model} does not know the columns of a table, as it was not trained on one; in Python, "
            "cr.load(…).predict takes rows of numbers"
        )
    decimal = given.decimal or known.decimal  # as model.predict(path) reads it
    with warnings.catch_warnings(record=True) as noticed:
        warnings.simplefilter("always", RuntimeWarning)
        texts = read_csv(given.data, given.delimiter, given.encoding, as_texts=None)
        wanted = {one.name: one.words for one in known.columns}
        target = known.target.name if known.target else ""
        if known.target and target not in wanted:
            wanted[target] = any(isinstance(one, str) for one in known.class_names)
        cells, source = cells_of_file(given.data, wanted, target, given.delimiter, decimal, given.encoding)
        inputs = known.prepared(known.from_cells(cells, source))
    for notice in dict.fromkeys(str(notice.message) for notice in noticed):
        print(f"chainrule predict: {said(notice, given)}", file=sys.stderr)
    found = _columns(model, known, inputs, target or "y")
    score = _score(known, found, cells.get(target), source)
    written = _written(texts, found, decimal or ".")
    if not given.out:
        sys.stdout.write(written)
        print(*score, sep="\n", end="\n" * bool(score), file=sys.stderr)  # rows and nothing else go on through a pipe
        return
    path = write_text(given.out, {".csv": written})
    print(f"{path}: {counted(len(texts.lines), 'row')} with {' and '.join(map(repr, found))}", *score, sep="\n")


def _columns(model: Module, known: Preparation, inputs: Any, target: str) -> dict[str, NDArray[Any]]:
    """The columns that are added to the rows."""
    if known.class_names:
        chances = model.predict_probabilities(inputs)
        return {f"predicted {target}": model.predict_class(inputs), "probability": chances.max(axis=1)}
    outputs = model.predict(inputs)
    if outputs.ndim == 1:
        return {f"predicted {target}": outputs}
    return {f"predicted {target} {j}": column for j, column in enumerate(outputs.T, start=1)}


def _score(known: Preparation, found: dict[str, NDArray[Any]], truth: Cells | None, source: Source) -> list[str]:
    """A line about the rows whose target is known, if there are any."""
    if truth is None or not known.target or gaps(truth).all():
        return []
    held = np.flatnonzero(~gaps(truth))
    right = known.target.units(known.target.learnt(truth[held], known.target.name, source.of(held)))
    predicted, of = next(iter(found.values()))[held], f" (of {len(held)} rows that have it)" * (len(held) < len(truth))
    if known.class_names:
        places = {one: label for label, one in enumerate(known.class_names)}
        labels = np.array([places[one] for one in predicted.tolist()])
        return [f"accuracy: {100 * accuracy(labels, right):.1f} %{of}"]
    if np.ptp(right) == 0:
        return [f"r² needs rows whose {known.target.name} differs; here it is always {right[0]:g}"]
    return [f"r²: {r2(predicted, right):.3f}{of}"]


def _written(texts: Sheet, found: dict[str, NDArray[Any]], decimal: str) -> str:
    """The rows of the file, as they were, with the new columns."""
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=texts.delimiter, lineterminator="\n")
    names = list(texts.names)
    for name in found:
        while name in names:
            name += " (2)"
        names.append(name)
    writer.writerow(names)
    new = [[_text(one, decimal) for one in column.tolist()] for column in found.values()]
    writer.writerows(zip(*[column.tolist() for column in texts.columns], *new))
    return stream.getvalue()


def _text(one: Any, decimal: str) -> str:
    return f"{one:.10g}".replace(".", decimal) if isinstance(one, float) else str(one)
