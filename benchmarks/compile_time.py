"""W8: how long compiling takes, from a function to its first result."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule import engine
from chainrule.engine import Value

from .eager import grow
from .networks import Problem, problems
from .results import Result, measure

PER_NODE, IN_BATCHES, FIRST = 5e-6, 20e-6, 15e-3  # the bars, in seconds
Found = tuple[int, list[float]]


def nodes_of(problem: Problem) -> int:
    """The number of scalars in the eager graph of one example."""
    loss, _ = problem.example_loss()
    X, y = problem.batches[0]
    return len(engine.topological_order(loss(X[0].tolist(), y[0].item())))


def from_the_start(problem: Problem) -> Callable[[], Any]:
    """A function that makes a new program each time, and its first value and gradient."""
    loss, parameters = problem.example_loss()
    X, y = problem.batches[0]
    theta = problem.theta()
    return lambda: engine.compile(loss, parameters).value_and_grad(X, y, at=theta)


def chain(operations: int) -> Callable[[], Any]:
    leaf = Value(1.0)
    return lambda: engine.compile(lambda: grow(leaf, operations), [leaf], batch=False).value_and_grad()


def chain_in_batches(operations: int) -> Callable[[], Any]:
    """A chain that varies from example to example, of which each local derivative does, too."""
    w, x = Value(0.5), np.linspace(0.0, 1.0, 5)

    def tanhs(x: Any) -> Any:
        for _ in range(operations // 3):
            x = (x * w + 0.1).tanh()
        return x

    return lambda: engine.compile(tanhs, [w]).value_and_grad(x)


def of_a_network(name: str, runs: int, small: bool) -> Found:
    """The number of nodes, and the seconds for each; the first compilation of the process is not counted."""
    problem = problems(small)[name]
    nodes = nodes_of(problem)
    return nodes, measure({"chainrule": from_the_start(problem)}, runs, 1, per=nodes)["chainrule"]


def of_a_chain(operations: int, runs: int, batches: bool) -> Found:
    """The number of operations, and the seconds for each; the first compilation of the process is not counted."""
    compiled = (chain_in_batches if batches else chain)(operations)
    return operations, measure({"chainrule": compiled}, runs, 1, per=operations)["chainrule"]


def first(small: bool) -> Found:
    """The seconds from W3's function to its first result, in a process in which all is imported."""
    run = from_the_start(problems(small)["W3"])
    start = time.process_time()
    run()
    return 1, [time.process_time() - start]


def in_a_process_of_its_own(function: Callable[..., Found], *arguments: Any) -> Found:
    """Run it in a process as users have it, without the objects of PyTorch and JAX, which the collector would visit."""
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(path or os.getcwd() for path in sys.path))
    call = f"compile_time.{function.__name__}(*{arguments!r})"
    command = [sys.executable, "-c", f"import json; from benchmarks import compile_time; print(json.dumps({call}))"]
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    count, times = json.loads(printed)
    return count, times


def compile_times(runs: int, small: bool) -> list[Result]:
    rows = []
    for name in ("W3", "W4", "W6", "W7"):
        nodes, times = in_a_process_of_its_own(of_a_network, name, min(runs, 3) if name == "W7" else runs, small)
        rows.append(Result(f"W8 compile {name}, {nodes:,} nodes, a node", times, limit=PER_NODE))
    for operations, batches in ((10_000, False), (3_000, True), (12_000, True)):
        count, times = in_a_process_of_its_own(of_a_chain, operations // 100 if small else operations, runs, batches)
        title = f"W8 compile a chain of {count:,}{' over a batch' * batches}, a node"
        rows.append(Result(title, times, limit=IN_BATCHES if batches else PER_NODE))
    times = [in_a_process_of_its_own(first, small)[1][0] for _ in range(min(runs, 7))]
    rows.append(Result("W8 first W3 in a fresh process", times, limit=FIRST))
    return rows
