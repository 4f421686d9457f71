"""Networks on devices: how large they are, how much memory they take, and how exact they are, beside two peers.

The same networks, trained by scikit-learn, are written by chainrule and by emlearn; m2cgen refuses networks, and writes
a logistic regression. Sizes are those of a program for a Cortex-M4, linked with newlib, less those of an empty one,
where arm-none-eabi-gcc is installed; else those on this machine.
"""

from __future__ import annotations

import ctypes
import importlib.util
import itertools
import os
import re
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import chainrule as cr
from chainrule.engine.compiler.run.compilers import compiler
from chainrule.nn.exports.devices import to_c

from .timing import machine, table

ALL = ("iris", "digits")
TITLES = ["work", "program", "text, bytes", "static RAM", "stack", "largest error", "right, test rows"]
ARM = ("arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard",
       "--specs=nosys.specs", "--specs=nano.specs")  # fmt: skip
SMALL = ("-std=gnu99", "-Os", "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections", "-fstack-usage")
EMPTY = "int main(void) { return 0; }\n"
NUMBER = itertools.count()
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sizes:
    runs: int = 1  # sizes do not vary
    iterations: int = 400
    epochs: int = 40  # of learning on the device


QUICK = Sizes(iterations=20, epochs=1)


@dataclass(frozen=True)
class Task:
    """A network of scikit-learn's, and the rows that it has not seen."""

    name: str
    network: Any
    trained_on: tuple[Floats, NDArray[np.int64]]
    X: Floats
    y: NDArray[np.int64]

    @property
    def exact(self) -> Floats:
        found: Floats = self.network.predict_proba(self.X)
        return found


@dataclass(frozen=True)
class Row:
    """One program: its size, and what it says about the test rows."""

    work: str
    program: str
    size: tuple[int, int, int] | None = None
    error: float | None = None
    right: tuple[int, int] | None = None
    said: str = ""

    def cells(self) -> list[str]:
        text, static, stack = map(str, self.size) if self.size else ("", "", "")
        error = "" if self.error is None else f"{self.error:.1e}"
        return [self.work, self.program, text, static, stack, error,
                f"{self.right[0]} of {self.right[1]}" if self.right else self.said]  # fmt: skip


def task_of(name: str, iterations: int) -> Task:
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier

    data = cr.iris() if name == "iris" else cr.digits()
    X, y = np.array(data.X, dtype=float), np.array(data.y)
    X = (X - X.mean(axis=0)) / X.std(axis=0) if name == "iris" else X / X.max()
    sizes, activation = ((16, 16), "tanh") if name == "iris" else ((32,), "relu")
    train, test, y_train, y_test = train_test_split(X, y, test_size=1 / 3, random_state=0, stratify=y)
    network = MLPClassifier(sizes, activation=activation, max_iter=iterations, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has not converged
        network.fit(train, y_train)
    return Task(name, network, (train, y_train), test, y_test)


# --- compiling


def built(folder: Path, source: str, arm: bool, more: Sequence[str] = ()) -> tuple[int, int, int]:
    """Bytes of code and constants, bytes of static memory, and of the stack in all its own functions together."""
    (folder / "size.c").write_text(source, encoding="utf-8")
    command = ARM if arm else compiler().command
    subprocess.run([*command, *SMALL, *more, "size.c", "-o", "size.elf", "-lm"], cwd=folder, check=True,
                   capture_output=True)  # fmt: skip
    said = subprocess.run(["arm-none-eabi-size" if arm else "size", "size.elf"], cwd=folder, check=True,
                          capture_output=True, text=True).stdout  # fmt: skip
    text, data, static = map(int, said.splitlines()[1].split()[:3])
    frames = [int(line.split("\t")[1]) for path in folder.glob("*.su") for line in path.read_text().splitlines()]
    return text + data, data + static, sum(frames)


def size_of(
    folder: Path, source: str, call: str, inputs: int, kind: str, more: Sequence[str] = ()
) -> tuple[int, int, int]:  # fmt: skip
    """The size of a program that makes this call once, without that of an empty program and of its input."""
    arm = shutil.which(ARM[0]) is not None
    empty = built(folder, EMPTY, arm)
    text, static, stack = built(folder, f"{source}\nvolatile {kind} given[{inputs}];\nvolatile int said;\n"
                                f"int main(void) {{ said = {call}; return 0; }}\n", arm, more)  # fmt: skip
    width = {"double": 8, "float": 4}[kind]
    return text - empty[0], static - empty[1] - width * inputs - 4, stack


def library(folder: Path, source: str, more: Sequence[str] = ()) -> ctypes.CDLL:
    """The same on this machine."""
    made = folder / f"library{next(NUMBER)}.so"
    (folder / "library.c").write_text(source, encoding="utf-8")
    command = [*compiler().command, "-std=gnu99", "-O2", "-fPIC", "-shared", *more, "library.c", "-o", str(made), "-lm"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return ctypes.CDLL(str(made))


def answers(run: Callable[..., Any], X: Floats, outputs: int, kind: Any, *before: Any) -> Floats:
    """What run(*before, x, out) writes for each row."""
    found = []
    for row in X.tolist():
        out = (kind * outputs)()
        run(*before, (kind * len(row))(*row), out)
        found.append(list(out))
    return np.array(found)


# --- the programs


def of_chainrule(task: Task, folder: Path, dtype: str) -> Row:
    model = cr.from_sklearn(task.network)
    made = to_c(model, dtype=dtype, X=task.trained_on[0], y=task.trained_on[1])
    count, outputs = task.X.shape[1], task.exact.shape[1]
    kind = ctypes.c_double if dtype == "float64" else ctypes.c_float
    name = "double" if dtype == "float64" else "float"
    given = [] if dtype == "int8" else ["net_theta"]
    call = f"net_class({', '.join([*given, f'(const {name} *)given'])})"
    loaded = library(folder, made.source)
    theta = [] if dtype == "int8" else [(kind * len(model.parameters())).in_dll(loaded, "net_theta")]
    found = answers(loaded.net_value, task.X, outputs, kind, *theta)
    return Row(task.name, f"chainrule, {dtype}", size_of(folder, made.source, call, count, name), *off(task, found))


def learning(task: Task, folder: Path, epochs: int) -> Row:
    """A network that begins with random weights, and learns with net_step alone."""
    sizes, activation = list(task.network.hidden_layer_sizes), task.network.activation
    model = cr.MLP(task.X.shape[1], [*sizes, task.exact.shape[1]], activation, rng=0)
    made = to_c(model, dtype="float32", loss=cr.cross_entropy)
    count, outputs, kind = task.X.shape[1], task.exact.shape[1], ctypes.c_float
    loaded, parameters = library(folder, made.source), len(model.parameters())
    theta = (kind * parameters)(*(kind * parameters).in_dll(loaded, "net_theta"))
    value, rate = kind(), kind(0.05)
    X, y = task.trained_on
    order = np.random.default_rng(0)
    for _ in range(epochs):
        for i in order.permutation(len(X)).tolist():
            loaded.net_step(theta, (kind * count)(*X[i].tolist()), (kind * 1)(float(y[i])), rate, ctypes.byref(value))
    found = answers(loaded.net_value, task.X, outputs, kind, theta)
    source = (f"{made.source}\nstatic float theta[{parameters}], label[1], value[1];\n"
              "static int learn(const float *x) {\n"
              f"  for (int i = 0; i < {parameters}; i++) theta[i] = net_theta[i];\n"
              "  return net_step(theta, x, label, 0.1f, value) + net_class(theta, x);\n}\n")  # fmt: skip
    call = "learn((const float *)given)"
    right = int((found.argmax(axis=1) == task.y).sum())
    return Row(task.name, f"chainrule, float32, learns {epochs} epochs", size_of(folder, source, call, count, "float"),
               None, (right, len(task.y)))  # fmt: skip


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """While it lasts, the folder is the current one."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def of_emlearn(task: Task, folder: Path) -> list[Row]:
    import emlearn

    with inside(folder):  # it leaves files in the current folder
        converted = emlearn.convert(task.network, method="inline")
    text, include = converted.save(name="em"), [f"-I{Path(emlearn.includedir)}"]
    count, outputs = task.X.shape[1], task.exact.shape[1]
    source = (f"{text}\nint em_all(const float *x, float *out) "
              f"{{ return eml_net_predict_proba(&em, x, {count}, out, {outputs}); }}\n")  # fmt: skip
    found = answers(library(folder, source, include).em_all, task.X, outputs, ctypes.c_float)
    size = size_of(folder, text, f"em_predict((const float *)given, {count})", count, "float", include)
    rows = [Row(task.name, "emlearn, float", size, *off(task, found))]
    try:
        converted.save(name="em", inference=["inline"])
    except ValueError as problem:  # so it is in 0.23.2, for numbers of fixed point, too
        rows.append(Row(task.name, "emlearn, inline", said=f"fails: {brief(problem)}"))
    return rows


def of_m2cgen(task: Task, folder: Path) -> list[Row]:
    import m2cgen
    from sklearn.linear_model import LogisticRegression

    try:
        m2cgen.export_to_c(task.network)
        refused = "written"
    except NotImplementedError as problem:
        refused = f"refused: {brief(problem)}"
    simple = LogisticRegression(max_iter=1000).fit(*task.trained_on)
    source = m2cgen.export_to_c(simple)
    count, outputs = task.X.shape[1], task.exact.shape[1]
    found = answers(library(folder, source).score, task.X, outputs, ctypes.c_double)
    call = f"(score((double *)given, (double[{outputs}]){{0}}), 0)"
    right = int((found.argmax(axis=1) == task.y).sum())
    return [Row(task.name, "m2cgen, the network", said=refused),
            Row(task.name, "m2cgen, a logistic regression", size_of(folder, source, call, count, "double"), None,
                (right, len(task.y)))]  # fmt: skip


def off(task: Task, found: Floats) -> tuple[float, tuple[int, int]]:
    """The largest error of a probability, and how many classes are right."""
    right = int((found.argmax(axis=1) == task.y).sum())
    return float(np.abs(found - task.exact).max()), (right, len(task.y))


def brief(problem: Exception) -> str:
    return re.sub(r"\s+", " ", str(problem))[:70]


def main(sizes: Sizes, only: Sequence[str] | None = None) -> None:
    print(machine())
    arm = shutil.which(ARM[0])
    print(f"Sizes are for {'a Cortex-M4, linked with newlib' if arm else 'this machine (no arm-none-eabi-gcc)'}.\n")
    rows: list[Row] = []
    for name in only or ALL:
        task = task_of(name, sizes.iterations)
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            rows += [of_chainrule(task, folder, dtype) for dtype in ("float64", "float32", "int8")]
            rows.append(learning(task, folder, sizes.epochs))
            if importlib.util.find_spec("emlearn"):
                rows += of_emlearn(task, folder)
            if importlib.util.find_spec("m2cgen"):
                rows += of_m2cgen(task, folder)
        right = int((task.network.predict(task.X) == task.y).sum())
        rows.append(Row(name, "scikit-learn, on a computer", right=(right, len(task.y))))
    print(table(rows, TITLES))
