"""`chainrule train`: from a table to a model in a file and a page about it."""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path
from typing import Any

from chainrule.nn import MLP, Dataset, History, accuracy, cross_entropy, datasets, fit, mse, r2, table

from .reports.page import report
from .words import add_command, add_reading, said

__all__ = ["add_to"]

SHIPPED = ("circles", "digits", "gaussians", "houses", "iris", "moons", "penguins", "sine", "spirals", "xor")
ABOUT = """\
Train a network on a table, and write DIR/model.json and DIR/report.html.
Columns of words become categories, gaps are filled, numbers are scaled; the
model is judged by rows that it has not seen."""
EXAMPLES = f"""\
examples:
  chainrule train trees.csv --target species
  chainrule train houses.csv --target price --hidden 32 --epochs 300 -o houses
  chainrule train export.csv --target class --ignore id,name --decimal ,
  chainrule train penguins --patience 20

Data sets that come with chainrule go by their names:
{", ".join(SHIPPED)}."""


def add_to(commands: Any) -> None:
    """Add the command to those of the parser."""
    command = add_command(
        commands, "train", "train a network on a table, and write the model and a report", ABOUT, EXAMPLES
    )
    command.add_argument("data", metavar="DATA.csv", help="a CSV file, or the name of a data set that is shipped")
    command.add_argument("--target", metavar="COLUMN", help="the column to predict: classes, or numbers")
    command.add_argument("--hidden", type=_sizes, default=(16, 16), metavar="16,16",
                         help="neurons of each hidden layer; 0 for none (16,16)")  # fmt: skip
    command.add_argument(
        "--activation", default="tanh", metavar="NAME", help="of the hidden layers: tanh, relu, … (%(default)s)"
    )
    command.add_argument(
        "--epochs", type=int, default=100, metavar="N", help="how often all rows are seen (%(default)s)"
    )
    command.add_argument("--batch-size", type=int, default=16, metavar="N", help="rows for each step (%(default)s)")
    command.add_argument("--learning-rate", type=float, default=0.01, metavar="RATE", help="of Adam (%(default)s)")
    command.add_argument("--patience", type=int, metavar="N",
                         help="stop when the test loss has not fallen for N epochs; keep the best")  # fmt: skip
    command.add_argument("--backend", default="numpy", choices=("numpy", "c", "auto"),
                         help="numpy, c (built first) or auto (c once it is built) (%(default)s)")  # fmt: skip
    command.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of split, weights and shuffling (%(default)s)"
    )
    command.add_argument("--test-size", type=float, default=0.25, metavar="SHARE",
                         help="share of the rows that is set aside to judge the model by (%(default)s)")  # fmt: skip
    command.add_argument("--missing", default="fill", choices=("fill", "drop", "error"),
                         help="what is done about gaps (%(default)s)")  # fmt: skip
    command.add_argument("--ignore", type=_names, default=[], metavar="A,B", help="columns to leave out")
    command.add_argument("--categorical", type=_names, default=[], metavar="A,B",
                         help="columns of numbers that are names, such as postcodes")  # fmt: skip
    command.add_argument(
        "--names", type=_names, metavar="A,B", help="of the columns, where the file has no line of names"
    )
    add_reading(command)
    command.add_argument("-o", "--out", default="chainrule-model", metavar="DIR", help="folder (%(default)s)")
    command.set_defaults(run=_train)


def _sizes(text: str) -> tuple[int, ...]:
    try:
        sizes = [int(part) for part in text.replace(" ", ",").split(",") if part]
    except ValueError:
        sizes = [-1]
    if not sizes or min(sizes) < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of sizes; write it like 16,16")
    return tuple([size for size in sizes if size])


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _train(given: argparse.Namespace) -> None:
    out = Path(given.out)
    with warnings.catch_warnings(record=True) as noticed:
        warnings.simplefilter("always", RuntimeWarning)
        data = _data(given)
        print(data)
        out.mkdir(parents=True, exist_ok=True)
        model, history, train, test = trained(data, given)
    for notice in noticed:
        print(f"chainrule train: {said(notice, given)}", file=sys.stderr)
    history.advice = said(history.advice, given)
    print(history)
    if given.patience is not None:
        print(f"the model is that of epoch {history.best_epoch}, whose test loss was the lowest")
    saved = model.save(out / "model.json")
    page = report(model, history, train, test).save(out / "report.html")
    print(f"{saved}: the model; cr.load({str(saved)!r}) reads it, chainrule predict {saved} NEW.csv uses it")
    print(f"{page}: the data, the training and the result")
    if test.target_names:
        print(f"test accuracy: {100 * accuracy(model.predict(test), test.y):.1f} %")
    else:
        print(f"test r²: {r2(model.predict(test), test.y):.3f}")


def _data(given: argparse.Namespace) -> Dataset:
    shipped = given.data in SHIPPED and not Path(given.data).exists()
    if shipped:
        data: Dataset = getattr(datasets, given.data)()
        if given.target not in (None, data.table.target):
            raise ValueError(f"--target {given.target} is not what is predicted of {given.data}: {data.table.target}")
        return data
    Path(given.data).stat()  # a file that is not there is told of first
    return table(
        given.data, given.target or "", missing=given.missing, ignore=given.ignore, categorical=given.categorical,
        names=given.names, delimiter=given.delimiter, decimal=given.decimal, encoding=given.encoding,
    )  # fmt: skip


def trained(data: Dataset, given: argparse.Namespace) -> tuple[MLP, History, Dataset, Dataset]:
    """The trained model, how its training went, and the rows for training and for tests."""
    train, test = data.standardise().split(given.test_size, given.seed)
    model = MLP(train.inputs, [*given.hidden, train.outputs], activation=given.activation, rng=given.seed)
    history = fit(
        model, cross_entropy if train.target_names else mse, train, validation=test, epochs=given.epochs,
        batch_size=given.batch_size, learning_rate=given.learning_rate, seed=given.seed,
        patience=given.patience, backend=given.backend,
        metrics=accuracy if train.target_names else r2, progress=sys.stderr.isatty(),
    )  # fmt: skip
    return model, history, train, test
