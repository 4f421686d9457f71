"""W11: whole trainings in fresh processes, from the import to the last epoch, against sklearn, JAX and PyTorch.

And the step of `fit` beside its program alone.
"""

from __future__ import annotations

import importlib.util
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import engine
from chainrule.nn import MLP, Adam, cross_entropy, datasets, fit

from . import reference
from .results import TITLES, Result
from .timing import machine, table
from .whole_child import ENGINES, TASKS

BARS = {"iris": dict.fromkeys(ENGINES, 3.0), "digits": dict.fromkeys(ENGINES, 3.0), "wide": {"pytorch": 1.0}}
SAID = {"iris": "iris, 50 epochs", "digits": "digits, 20 epochs", "wide": "10,000 × 784, 2 epochs"}
PACKAGES = {"sklearn": "sklearn", "jax": "jax", "pytorch": "torch"}
SAMPLE = 200  # parameters whose gradients are checked, where a complex step for each would take minutes
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Sizes:
    runs: int = 7
    steps: int = 2000
    examples: int = 10_000  # of the wide task


QUICK = Sizes(runs=1, steps=20, examples=256)


def data_of(task: str, examples: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The inputs and labels of a task; no time depends on what the pictures show."""
    if task == "iris":
        found = datasets.iris()
        return np.array(found.X), np.array(found.y)
    if task == "digits":
        found = datasets.digits()
        return np.array(found.X) / np.array(found.X).max(), np.array(found.y)
    random = np.random.default_rng(0)
    return random.random((examples, 784)), random.integers(0, 10, examples)


def start_of(task: str) -> tuple[MLP, NDArray[np.float64]]:
    sizes, activation, *_ = TASKS[task]
    model = MLP(sizes[0], sizes[1:], activation, rng=0)
    return model, np.array([p.data for p in model.parameters()])


def run(engine_name: str, task: str, what: str, file: str) -> float:
    """The seconds that a fresh process takes: the wall clock's or those of its threads, whichever is less."""
    command = [sys.executable, "-m", "benchmarks.whole_child", engine_name, task, what, file]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    settings = {**os.environ, **threads, "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false"}
    settings.pop("PYTHONDONTWRITEBYTECODE", None)  # the peers were compiled to bytecode when they were installed
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, cwd=ROOT, env=settings, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return min(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def check(task: str, engines: Sequence[str], file: str, X: NDArray[Any], y: NDArray[Any], theta: NDArray[Any]) -> None:
    """Compare each engine's gradient of the first mini-batch with that of a complex step.

    Errors: WrongGradient if one is off.
    """
    sizes, activation, _, batch = TASKS[task]
    X, y = X[:batch], y[:batch]
    chosen = np.random.default_rng(0).choice(len(theta), min(SAMPLE, len(theta)), replace=False)
    function = reference.relu if activation == "relu" else np.tanh

    def loss(at: Any) -> Any:
        return reference.cross_entropy(reference.outputs(at, sizes, X, function)[-1], y)

    right, allowed = reference.gradient(loss, theta, chosen), reference.tolerance(theta, sizes, X, chosen)
    for name in engines:
        run(name, task, "gradient", file)
        off = np.abs(np.load(f"{file}.out.npy")[chosen] - right)
        rounding = 4 * reference.EPS * (1 + np.abs(theta[chosen])) if name == "sklearn" else 0.0
        limit = allowed + rounding  # sklearn's is a difference of parameters, which are rounded
        if not (off <= limit).all():
            place = int((off / limit).argmax())
            said = f"W11 {task}, {name}: gradient {chosen[place]} is off by {off[place]:.3g}"
            raise reference.WrongGradient(f"{said}, and {limit[place]:.3g} is allowed. Nothing was timed.")


def compare_whole(task: str, sizes: Sizes) -> list[Result]:
    X, y = data_of(task, sizes.examples)
    theta = start_of(task)[1]
    engines = ["chainrule", *(name for name, package in PACKAGES.items() if importlib.util.find_spec(package))]
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "data.npz")
        np.savez(file, X=X, y=y, theta=theta)
        check(task, engines, file, X, y, theta)
        seconds: dict[str, list[float]] = {name: [] for name in engines}
        for _ in range(sizes.runs):
            for name in engines:
                seconds[name].append(run(name, task, "train", file))
    said, ours = f"W11 {SAID[task]}", seconds.pop("chainrule")
    return [Result(said, ours, peer, theirs, BARS[task].get(peer)) for peer, theirs in seconds.items()]


def compare_step(task: str, sizes: Sizes) -> Result:
    """A step of fit, which is the difference of a long and a short training, and a call of its program."""
    X, y = data_of(task, sizes.examples)
    model, _ = start_of(task)
    batch = TASKS[task][3]
    X, y = X[: len(X) // batch * batch], y[: len(y) // batch * batch]
    epochs = max(1, sizes.steps * batch // len(X))
    program = engine.compile(lambda x, label: cross_entropy(model(x), label), model.parameters())
    theta = program.parameters()

    def trained(count: int) -> float:
        return _seconds(lambda: fit(model, cross_entropy, X, y, epochs=count, batch_size=batch, optimiser=Adam,
                                    every=10**9, progress=False))  # fmt: skip

    def called() -> None:
        for _ in range(epochs):
            for first in range(0, len(X), batch):
                program.value_and_grad(X[first : first + batch], y[first : first + batch], at=theta)

    called()
    steps, ours, theirs = epochs * len(X) // batch, list[float](), list[float]()
    for _ in range(sizes.runs):
        ours.append(max(trained(epochs + 1) - trained(1), 0.0) / steps)
        theirs.append(_seconds(called) / steps)
    return Result(f"W11 a step of {task} with Adam", ours, "its program", theirs, 0.5)


def _seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def main(sizes: Sizes, only: Sequence[str] | None = None) -> None:
    """Print the table; `only` has names of tasks."""
    print(machine("process_time, of whole processes"))
    results = []
    for task in only or TASKS:
        if task != "wide":
            results.append(compare_step(task, sizes))
        results += compare_whole(task, sizes)
    print(table(results, TITLES))
