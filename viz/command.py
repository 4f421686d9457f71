"""The command line: chainrule demo, draw, step, train, predict and check."""

from __future__ import annotations

import argparse
import glob
import io
import math
import os
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from chainrule.engine import Value
from chainrule.nn import MLP, Adam, History, accuracy, cross_entropy, fit, iris, train_test_split
from chainrule.nn.elsewhere import our_keyword

from . import predict_command, train_command
from .common.saving import write_text
from .expressions import evaluate
from .graph.drawing import draw
from .learner.lesson import check_files
from .learner.report import check_file
from .live.live import replay
from .stepper.stepping import steps
from .words import said, worded

EPOCHS = 40
OPTIONS = ("-h", "--help", "-o", "--out")
EXAMPLE = 'chainrule {} "tanh(x*w + b)" x=2 w=-3 b=6.5'


def main(arguments: Sequence[str] | None = None, version: str = "") -> int:
    """Run `chainrule …` and return its exit code: 0, or 2 for what the user has to correct."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if len(words) > 1 and words[0] in ("draw", "step"):
        if words[1] == "--":
            del words[1]
        if words[1:] and words[1][:1] == "-" and words[1] not in OPTIONS:
            words[1] = " " + words[1]  # so that argparse takes "-x*2" for an expression and not for an option
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows fewer letters than a label has shows a "?"
    parser = _parser()
    parser.add_argument("--version", action="version", version=f"chainrule {version}".strip())
    if not words:
        parser.print_help()
        return 0
    given, unknown = parser.parse_known_args(words)
    if unknown:
        given.parser.error(_unknown(unknown, given))
    try:
        code = given.run(given)
        sys.stdout.flush()
    except BrokenPipeError:  # nobody reads on, as in `chainrule demo | head -1`; the pictures are saved
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains again at its end
        return 0
    except (ValueError, TypeError, ArithmeticError, OSError) as error:
        message = said(error, given) if given.command in ("train", "predict") else worded(error)
        print(f"chainrule {given.command}: {message}", file=sys.stderr)
        return 2
    return int(code or 0)


def _parser() -> argparse.ArgumentParser:
    parser = OneLine(prog="chainrule", description="Backpropagation that you can look at.")
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="train a small network on iris, draw it, step through its backpropagation")
    demo.add_argument("--out", default="chainrule-demo", metavar="DIR", help="folder for the pictures (%(default)s)")
    demo.add_argument("--seed", type=int, default=0, help="seed of split, initial weights and shuffling (%(default)s)")
    demo.set_defaults(run=lambda given: run_demo(Path(given.out), given.seed))
    check = commands.add_parser(
        "check", help="find the bug in an engine of one's own", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Tries a class like micrograd's Value rung by rung, in a process of its own, and names its bug.",
        epilog="examples:\n  chainrule check mine.py:Value\n  chainrule check mine.py --json\n"
               "  chainrule check *.py --html all.html\n"
               "  chainrule check mine.py:Value --html report.html\n\n"
               "exit code: 0 if all is right, 1 if something is wrong or not there yet, 2 if there is no such file",
    )  # fmt: skip
    check.add_argument(
        "files",
        nargs="+",
        metavar="FILE.py[:NAME]",
        help="the file, and the name of the class in it (Value); of several files, or a folder, a line for each",
    )
    check.add_argument("--json", action="store_true", help="print JSON, with a point for each check")
    check.add_argument("--html", metavar="FILE", help="write a page with the graph that shows the bug")
    check.add_argument("--seconds", type=_seconds, default=5.0, help="the limit for one check (%(default)s)")
    check.set_defaults(run=_check)
    for name, what, file in (("draw", "draw an expression and its gradients", "SVG or HTML"),
                             ("step", "step through the backpropagation of an expression", "HTML")):  # fmt: skip
        command = commands.add_parser(name, help=what, description=f"{what}, as in: {EXAMPLE.format(name)}")
        command.add_argument("expression", help="arithmetic on named numbers, in quotes")
        command.add_argument("numbers", nargs="*", metavar="name=number")
        command.add_argument("-o", "--out", default=f"{name}.{'svg' if name == 'draw' else 'html'}",
                             metavar="FILE", help=f"{file} (%(default)s)")  # fmt: skip
        command.set_defaults(run=_save_picture)
    train_command.add_to(commands)
    predict_command.add_to(commands)
    for command in commands.choices.values():
        command.set_defaults(parser=command)
    return parser


def _unknown(words: Sequence[str], given: argparse.Namespace) -> str:
    """What is said of words that the command does not take, with the option that was meant."""
    message = f"unrecognized arguments: {' '.join(words)}"
    name = words[0].partition("=")[0].lstrip("-").replace("-", "_")
    known = [one for one in vars(given) if one not in ("command", "run", "parser")]
    near = our_keyword(name, known)
    return f"{message}; did you mean --{near.replace('_', '-')}?" if words[0][:2] == "--" and near in known else message


def _check(given: argparse.Namespace) -> int:
    files = [file for text in given.files for file in _files(*_file_and_name(text))]
    report = check_file(*files[0], given.seconds) if len(files) == 1 else check_files(files, given.seconds)
    print(report.json if given.json else report)
    if given.html:
        page = write_text(given.html, {".html": report.html})
        print(page, file=sys.stderr)
    return 0 if report.ok else 1


def _files(path: str, name: str) -> list[tuple[str, str]]:
    """The file, or those of a folder or of a pattern, which not every shell writes out."""
    is_folder = Path(path).is_dir()
    found = [path] if Path(path).is_file() else glob.glob(str(Path(path, "*.py")) if is_folder else path)
    if is_folder and not found:
        raise FileNotFoundError(f"there is no *.py in the folder {path!r}")
    return [(each, name) for each in sorted(found) or [path]]


def _file_and_name(text: str) -> tuple[str, str]:
    path, colon, name = text.rpartition(":")
    return (path, name) if colon and name.isidentifier() else (text, "Value")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0.0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds


class OneLine(argparse.ArgumentParser):
    """A parser that says in one line what is wrong, and where help is."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; for help, write {self.prog} --help\n")


def _save_picture(given: argparse.Namespace) -> None:
    numbers = [_named_number(text) for text in given.numbers]
    names = [name for name, _ in numbers]
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise ValueError(f"given more than once: {', '.join(twice)}")
    result = evaluate(given.expression, dict(numbers))
    result.backward()
    print((draw if given.command == "draw" else steps)(result).save(given.out))


def _named_number(text: str) -> tuple[str, float]:
    name, equals, number = text.partition("=")
    try:
        if not (equals and name.isidentifier()):
            raise ValueError
        found = float(number)
    except ValueError:
        raise ValueError(f"{text!r} is not a named number; write it like x=2.5") from None
    if not math.isfinite(found):
        raise ValueError(f"{text!r} is not a finite number: a float reaches to {sys.float_info.max:.4g}")
    return unicodedata.normalize("NFKC", name), found  # Python normalises the names in an expression too


class Flowers(NamedTuple):
    """Some of the irises: measurements in cm, species, and the names of the species."""

    X: NDArray[np.float64]
    y: NDArray[np.int64]
    target_names: Sequence[str]


def run_demo(out: Path, seed: int) -> None:
    """Train on iris, print how that went, and write graph.html, steps.html and live.html."""
    out.mkdir(parents=True, exist_ok=True)
    model, history, train, test = train_on_iris(seed)
    print(history)
    named, flower = what_was_learned(model, test)
    names = ("sepal length", "sepal width", "petal length", "petal width")
    measured = [Value(x, label=name) for name, x in zip(names, test.X[flower].tolist())]
    loss = cross_entropy(model(measured), int(test.y[flower]))
    loss.label = "loss"
    loss.backward()
    kind = test.target_names[test.y[flower]]
    for picture, name, what in (
        (draw(loss), "graph.html", f"the loss of one {kind}, with the gradient of every neuron"),
        (
            steps(loss, learning_rate=0.001),
            "steps.html",
            "from its four measurements to the loss, back to every gradient, and one update",
        ),
        (
            replay(
                model,
                cross_entropy,
                train.X,
                train.y,
                history,
                validation=(test.X, test.y),
                names=names,
                classes=train.target_names,
            ),
            "live.html",
            "the network itself: replay its training, train on, drag a number and see what follows",
        ),
    ):
        print(f"{picture.save(out / name)}: {what}")
    print("\n".join(named))


def what_was_learned(model: MLP, test: Flowers) -> tuple[list[str], int]:
    """Sentences about the flowers that the model never saw, and the one of them whose loss is the largest."""
    losses = [cross_entropy(model(x), int(label)).data for x, label in zip(test.X.tolist(), test.y)]
    scores = [[score.data for score in model(x)] for x in test.X.tolist()]
    taken = [row.index(max(row)) for row in scores]
    wrong = [index for index, label in enumerate(test.y) if taken[index] != label]
    share = 100 * (1 - len(wrong) / len(taken))
    said = [f"Of {len(taken)} flowers that it has never seen it names {len(taken) - len(wrong)} rightly: "
            f"test accuracy {share:.1f} %."]  # fmt: skip
    for index in wrong:
        length, width = test.X[index][2:]
        said.append(
            f"It takes a {test.target_names[test.y[index]]} for a {test.target_names[taken[index]]} (its petals are "
            f"{length:.1f} cm long and {width:.1f} cm wide)."
        )
    return said, losses.index(max(losses))


def train_on_iris(seed: int, progress: bool = True) -> tuple[MLP, History, Flowers, Flowers]:
    """A trained MLP(4, [12, 3]), the history of its training, its flowers, and those kept for the test."""
    X, y = flowers = iris()
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, seed=seed, stratify=y)
    model = MLP(4, [12, 3], activation="tanh", rng=seed)
    history = fit(
        model, cross_entropy, X_train, y_train,
        epochs=EPOCHS, batch_size=16, optimiser=Adam, learning_rate=0.02, seed=seed,
        validation=(X_test, y_test), metrics=[accuracy], progress=progress,
    )  # fmt: skip
    names = flowers.target_names
    return model, history, Flowers(X_train, y_train, names), Flowers(X_test, y_test, names)


if __name__ == "__main__":
    sys.exit(main())
