"""What engine/fast/ buys: the same work with it, and with it switched off, in processes that take turns."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from chainrule.engine import Value, grad
from chainrule.nn import cross_entropy

from . import functions, training
from .eager import readme_gradients
from .timing import clock, duration, machine, table

SWITCH = Path(__file__).resolve().parents[1] / "tests" / "engine"  # the folder of without_fast.py


@dataclass(frozen=True)
class Sizes:
    """How much of each piece of work is done."""

    runs: int = 5
    nodes: int = 100_000
    examples: int = 150
    repeats: int = 500  # of the work that takes microseconds
    arguments: int = 300


QUICK = Sizes(runs=1, nodes=100, examples=4, repeats=2, arguments=3)


def works(sizes: Sizes) -> dict[str, tuple[Callable[[], object], int]]:
    """For each name the work that is timed, and how often it is repeated."""
    moons = training.Problem(*training.moons(min(sizes.examples, 100)), (2, 16, 16, 1), "relu", penalty=1e-4)
    iris = training.flowers(sizes.examples)
    point = np.linspace(-1.0, 1.0, sizes.arguments)
    steps, flowers = moons.chainrule(training.hinge), iris.chainrule(cross_entropy)
    graph = functions.rosenbrock_graph(point).build()
    derivative = grad(functions.rosenbrock)

    def chain() -> None:
        functions.grow(Value(1.0), sizes.nodes).backward()

    return {
        "W1, a chain": (chain, 1),
        "W2, micrograd's expression": (lambda: readme_gradients(Value), sizes.repeats),
        "W3, moons": (lambda: steps.total(training.WHOLE).backward(), 1),
        "W4, iris": (lambda: flowers.total(training.WHOLE).backward(), 1),
        "W12, grad of Rosenbrock": (lambda: derivative(point), 1),
        "W12, refresh of Rosenbrock": (graph.refresh, 1),
    }


def seconds(sizes: Sizes, only: Sequence[str]) -> Iterator[tuple[str, float]]:
    for name, (work, repeats) in works(sizes).items():
        if not only or name.split(",")[0] in only:
            work()
            start = clock()
            for _ in range(repeats):
                work()
            yield name, (clock() - start) / repeats


def in_a_process(switched_off: bool, quick: bool, only: Sequence[str]) -> dict[str, float]:
    """The seconds that each piece of work takes in a fresh process."""
    off = f"sys.path.append({str(SWITCH)!r}); import without_fast; without_fast.pytest_configure(); " * switched_off
    code = (
        f"import json, sys; {off}from benchmarks import fence; sizes = fence.QUICK if {quick} else fence.Sizes(); "
        f"print(json.dumps(dict(fence.seconds(sizes, {list(only)!r}))))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=SWITCH.parents[1])
    found: dict[str, float] = json.loads(done.stdout)
    return found


@dataclass(frozen=True)
class Row:
    """The times of one piece of work with fast/ and without it."""

    work: str
    on: Sequence[float]
    off: Sequence[float]

    def cells(self) -> list[str]:
        return [
            self.work,
            duration(median(self.on)),
            duration(median(self.off)),
            f"{median(self.off) / median(self.on):.2f}",
        ]


def main(sizes: Sizes, only: Sequence[str] | None = None) -> None:
    """Time all work in processes that take turns, and print the table."""
    print(machine())
    print(f"Medians of {sizes.runs} processes each, which take turns.")
    runs = [[in_a_process(off, sizes == QUICK, only or ()) for off in (False, True)] for _ in range(sizes.runs)]
    rows = [Row(name, [on[name] for on, _ in runs], [off[name] for _, off in runs]) for name in runs[0][0]]
    print(f"\n{table(rows, ['work', 'with fast/', 'without', 'ratio'])}")
