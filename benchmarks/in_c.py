"""Programs in C: whole loops of training, chains of scalars, and single calls, against NumPy, JAX and PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import engine
from chainrule.engine import Value
from chainrule.nn import SGD, Adam
from chainrule.nn.epochs import rule_of

from . import functions, networks, reference, transformer
from .compiled import PEERS
from .results import TITLES, Result, compare, measure
from .timing import machine, table

ALL = ("W3", "W4", "W5", "W6", "W7", "W10", "RK4", "Rosenbrock")
RATE = 0.01
LIMITS = {"W3": 6e-6, "W4": 13e-6, "W5": 2e-6, "W6": 12e-6, "W10": 40e-6, "RK4": 60e-6}  # a step, or a call
SAME = 1e-12  # of parameters after an epoch, relative


@dataclass(frozen=True)
class Sizes:
    """How much of each workload is done."""

    runs: int = 9
    steps: int = 2_000
    small: bool = False


QUICK = Sizes(runs=1, steps=4, small=True)


def in_c(problem: networks.Problem, adam: bool) -> tuple[Callable[[int], None], NDArray[np.float64]]:
    """So many epochs of training in C in one call, and the parameters that it moves."""
    loss, parameters = problem.example_loss()
    program = engine.compile(loss, parameters, backend="c")
    optimiser = (Adam if adam else SGD)(parameters, RATE)
    rule, memory = rule_of(optimiser), [getattr(optimiser, name) for name in optimiser.memory]
    size, theta = len(problem.batches[0][0]), problem.theta()
    X, y = (np.concatenate(columns) for columns in zip(*problem.batches))
    epochs = program.epochs(rule.text, len(theta), X[:size], y[:size])
    if epochs is None:
        raise SystemExit(f"there is nothing to measure: {program.backend}")
    squares, taken = np.zeros(len(theta)), [0]

    @cache
    def repeated(count: int) -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
        """The rows of so many epochs, one epoch after the other, and the learning rate of each step."""
        columns = [np.concatenate([np.asarray(column, float)] * count) for column in (X, y)]
        return columns, np.full(count * len(problem.batches), RATE)

    def run(count: int) -> None:
        inputs, rates = repeated(count)
        taken[0] += epochs.run(inputs, size, theta, squares, rates, rule.settings, memory, taken[0])[0]

    return run, theta


def in_numpy(problem: networks.Problem, adam: bool) -> tuple[Callable[[int], None], NDArray[np.float64]]:
    """The same by our NumPy program, with the rule in NumPy."""
    loss, parameters = problem.example_loss()
    program, theta = engine.compile(loss, parameters), problem.theta()
    optimiser = (Adam if adam else SGD)(parameters, RATE)

    def run(count: int) -> None:
        for _ in range(count):
            for X, y in problem.batches:
                optimiser.move(theta, program.value_and_grad(X, y, at=theta)[1])

    return run, theta


def by_jax(problem: networks.Problem, adam: bool) -> tuple[Callable[[int], None], Callable[[], NDArray[np.float64]]]:
    """The same by JAX: all steps in one jitted scan."""
    import jax
    import jax.numpy as jnp

    from .jax_peer import loss

    X, y = (jnp.asarray(np.stack(columns)) for columns in zip(*problem.batches))
    slopes = jax.grad(lambda theta, X, y: loss(theta, X, y, problem.sizes, problem.activation, problem.penalty))

    def step(state: Any, batch: Any) -> tuple[Any, None]:
        theta, mean, square, taken = state
        g = slopes(theta, *batch)
        if not adam:
            return (theta - RATE * g, mean, square, taken), None
        taken = taken + 1.0
        mean, square = 0.9 * mean + 0.1 * g, 0.999 * square + 0.001 * g * g
        size = jnp.sqrt(square / (1 - 0.999**taken)) + 1e-8
        return (theta - RATE * mean / (1 - 0.9**taken) / size, mean, square, taken), None

    def epochs(state: Any, count: int) -> Any:
        return jax.lax.scan(lambda s, _: (jax.lax.scan(step, s, (X, y))[0], None), state, None, length=count)[0]

    jitted, theta = jax.jit(epochs, static_argnums=1), jnp.asarray(problem.theta())
    state = [(theta, jnp.zeros_like(theta), jnp.zeros_like(theta), jnp.asarray(0.0))]

    def run(count: int) -> None:
        state[0] = jax.block_until_ready(jitted(state[0], count))

    return run, lambda: np.asarray(state[0][0])


def compare_training(problem: networks.Problem, sizes: Sizes) -> list[Result]:
    """What is left after the last whole mini-batch is left out: all sides take steps of the same size."""
    whole = [batch for batch in problem.batches if len(batch[0]) == len(problem.batches[0][0])]
    problem, adam, batches = replace(problem, batches=whole), problem.name == "W6", len(whole)
    ours, theta = in_c(problem, adam)
    numpy, other = in_numpy(problem, adam)
    ours(1), numpy(1)
    largest = np.abs(other).max()
    reference.check(f"{problem.name}, C and NumPy, after an epoch", theta, other, SAME * largest)
    count = max(1, sizes.steps // batches)
    works: dict[str, Callable[[], Any]] = {"chainrule": lambda: ours(count), "our NumPy": lambda: numpy(count)}
    if "JAX" in PEERS:
        jax, found = by_jax(problem, adam)
        jax(1)
        reference.check(f"{problem.name}, JAX, after an epoch", found(), other, 1e-9 * largest)
        works["JAX, in a scan"] = lambda: jax(count)
    if "PyTorch" in PEERS and not adam:
        network = PEERS["PyTorch"].Network(problem.theta(), problem.sizes, problem.activation, problem.penalty)
        tensors = [PEERS["PyTorch"].tensors(X, y) for X, y in problem.batches]
        few = max(1, count // 20)
        works["PyTorch"] = lambda: [network.step(X, y, RATE) for _ in range(few) for X, y in tensors]
    times = measure(works, sizes.runs, 1, per=count * batches)
    if "PyTorch" in times:
        times["PyTorch"] = [seconds * count / few for seconds in times["PyTorch"]]
    title = f"{networks.TITLES[problem.name].replace(', an epoch', '')}: a step of a whole training"
    return compare(title, times, {"JAX, in a scan": 1.0}, limit=LIMITS.get(problem.name))


def compare_calls(
    title: str, make: Callable[[str], engine.Program], inputs: Sequence[Any], at: NDArray[np.float64], sizes: Sizes,
    limit: float | None = None, tolerance: float = 1e-12,
) -> list[Result]:  # fmt: skip
    """A call of value_and_grad in C and in NumPy, or on Python's floats."""
    programs = {"chainrule": make("c"), "our NumPy": make("numpy")}
    found = {who: program.value_and_grad(*inputs, at=at) for who, program in programs.items()}
    largest = float(np.abs(found["our NumPy"][1]).max())
    reference.check(f"{title}, C", found["chainrule"][1], found["our NumPy"][1], tolerance * max(1.0, largest))
    works = {who: (lambda program=program: program.value_and_grad(*inputs, at=at)) for who, program in programs.items()}
    times = measure(works, sizes.runs, max(1, sizes.steps // 40))
    return compare(f"{title}: value and gradient, a call", times, {}, limit=limit)


def compare_transformer(sizes: Sizes) -> list[Result]:
    theta, text = transformer.parameters(), transformer.text()
    model = transformer.Transformer(theta)

    def make(backend: str) -> engine.Program:
        return engine.compile(model.loss, model.parameters, backend=backend)

    return compare_calls("W10 transformer, T = 8", make, (text[None],), theta, sizes, LIMITS["W10"])


def compare_scalars(name: str, sizes: Sizes) -> list[Result]:
    steps, numbers = (20, 5) if sizes.small else (1_000, 20)
    if name == "RK4":
        point, title = np.array([1.1, 0.4, 0.4, 0.1, 10.0, 5.0]), f"RK4, {steps:,} steps"
    else:
        point, title = np.linspace(-1.0, 1.5, numbers), f"Rosenbrock, n = {numbers}"

    def make(backend: str) -> engine.Program:
        variables = [Value(number) for number in point]
        f = functions.lotka_volterra if name == "RK4" else functions.rosenbrock
        more = (steps,) if name == "RK4" else ()
        return engine.compile(lambda: f(variables, *more), variables, batch=False, backend=backend)

    return compare_calls(title, make, (), point, sizes, LIMITS.get(name), 1e-10)


def compare_batch(problem: networks.Problem, sizes: Sizes) -> list[Result]:
    """W7: one mini-batch of a wide network."""
    loss, parameters = problem.example_loss()
    return compare_calls(
        networks.TITLES["W7"], lambda backend: engine.compile(loss, parameters, backend=backend), problem.batches[0],
        problem.theta(), sizes,
    )  # fmt: skip


def main(sizes: Sizes, only: Sequence[str] | None = None) -> None:
    """Check all numbers, time all work, and print the table.

    Errors: reference.WrongGradient, before the workload in question is timed.
    """
    print(machine("perf_counter or process_time, whichever says less"))
    print(f"Medians of {sizes.runs} alternating runs; a ratio is the other's time over that of our C.")
    rows: list[Result] = []
    problems = networks.problems(sizes.small)
    for name in ALL:
        if only and name not in only:
            continue
        if name == "W10":
            rows += compare_transformer(sizes)
        elif name == "W7":
            rows += compare_batch(problems[name], sizes)
        elif name in problems:
            rows += compare_training(problems[name], sizes)
        else:
            rows += compare_scalars(name, sizes)
    if sizes == QUICK:
        rows = [replace(row, bar=None, limit=None) for row in rows]
    print(f"\n{table(rows, TITLES)}\n")
