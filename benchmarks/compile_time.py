"""W8: how long it takes from a function to its first result."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import engine
from engine import Value

from .eager import grow
from .networks import Problem, problems
from .results import Result, measure

PER_NODE, PER_LINE, FIRST = 5e-6, 10e-6, 15e-3  # the bars, in seconds


def nodes_of(problem: Problem) -> int:
    """Scalars in the eager graph of one example."""
    loss, _ = problem.example_loss()
    X, y = problem.batches[0]
    return len(engine.topological_order(loss(X[0].tolist(), y[0].item())))


def from_the_start(problem: Problem) -> Callable[[], Any]:
    """A new program each time, and its first value and gradient."""
    loss, parameters = problem.example_loss()
    X, y = problem.batches[0]
    theta = problem.theta()
    return lambda: engine.compile(loss, parameters).value_and_grad(X, y, at=theta)


def chain(operations: int) -> Callable[[], Any]:
    leaf = Value(1.0)
    return lambda: engine.compile(lambda: grow(leaf, operations), [leaf], batch=False).value_and_grad()


def first(small: bool) -> None:
    """Printed by a process of its own: seconds from W3's function to its first result. Imports are over."""
    run = from_the_start(problems(small)["W3"])
    start = time.process_time()
    run()
    print(time.process_time() - start)


def in_fresh_processes(runs: int, small: bool) -> list[float]:
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(path or os.getcwd() for path in sys.path))
    code = f"from benchmarks.compile_time import first; first({small})"
    command = [sys.executable, "-c", code]
    found = (subprocess.run(command, env=environment, capture_output=True, text=True, check=True) for _ in range(runs))
    return [float(one.stdout) for one in found]


def compile_times(runs: int, small: bool) -> list[Result]:
    """With what is there already put aside: the collector, on, would look through PyTorch and JAX again and again."""
    gc.freeze()
    try:
        return _compile_times(runs, small)
    finally:
        gc.unfreeze()


def _compile_times(runs: int, small: bool) -> list[Result]:
    rows = []
    for name, problem in problems(small).items():
        if name in ("W3", "W6", "W7"):
            nodes = nodes_of(problem)
            few = min(runs, 3) if name == "W7" else runs
            [times] = measure({"chainrule": from_the_start(problem)}, few, 1, per=nodes).values()
            rows.append(Result(f"W8 compile {name}, {nodes:,} nodes, a node", times, limit=PER_NODE))
    operations = 100 if small else 10_000
    [times] = measure({"chainrule": chain(operations)}, runs, 1, per=operations).values()
    rows.append(Result(f"W8 compile a chain of {operations:,}, a node", times, limit=PER_LINE))
    rows.append(Result("W8 first W3 in a fresh process", in_fresh_processes(min(runs, 7), small), limit=FIRST))
    return rows
