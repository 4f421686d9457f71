"""Compiled programs against NumPy by hand, PyTorch and JAX, and against limits in seconds: W1 to W8 and W10."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np

from chainrule import engine
from chainrule.engine import Value

from . import compile_time, networks, reference, transformer
from .eager import grow, readme_expression
from .results import TITLES, Result, compare, measure
from .timing import machine, table

PEERS: dict[str, ModuleType] = {}
try:
    from . import torch_peer

    PEERS["PyTorch"] = torch_peer
except ModuleNotFoundError:
    pass
try:
    from . import jax_peer

    PEERS["JAX"] = jax_peer
except ModuleNotFoundError:
    pass

ALL = ("W1", "W2", "W3", "W4", "W5", "W6", "W7", "W8", "W10")


@dataclass(frozen=True)
class Sizes:
    """How much of each workload is done."""

    runs: int = 15
    chains: tuple[int, ...] = (1_000, 10_000)
    repeats: int = 1_000  # of calls that take about 10 µs
    small: bool = False


QUICK = Sizes(runs=1, chains=(10, 1_000), repeats=2, small=True)


def compare_chains(sizes: Sizes) -> list[Result]:
    rows = []
    for operations in sizes.chains:
        leaf = Value(1.0)
        program = engine.compile(lambda: grow(leaf, operations), [leaf], batch=False)  # noqa: B023  traced here
        theta = np.array([1.0])
        expected = np.power(np.array([1.0001]), operations // 2)
        # There is one rounding for each product, and there are a few for the power.
        allowed = (operations // 2 + 4) * reference.EPS * expected
        reference.check("W1, chainrule", program.value_and_grad(at=theta)[1], expected, allowed)
        works = {"chainrule": lambda: program.value_and_grad(at=theta)}  # noqa: B023  called here
        times = measure(works, sizes.runs, max(1, sizes.repeats * 40 // operations), per=operations)
        rows += compare(f"W1 {operations:,} deep: value and gradient, a node", times, {}, limit=50e-9)
    return rows


def compare_readme(sizes: Sizes) -> list[Result]:
    point = np.array([-4.0, 2.0])
    a, b = map(Value, point)
    program = engine.compile(lambda: readme_expression(a, b, lambda v: v.relu()), [a, b], batch=False)
    works: dict[str, Callable[[], Any]] = {"chainrule": lambda: program.value_and_grad(at=point)}
    found = {"chainrule": program.value_and_grad(at=point)[1]}
    if "JAX" in PEERS:
        run = jax_peer.compiled_gradients(lambda a, b: readme_expression(a, b, jax_peer.jax.nn.relu))
        works["JAX"] = lambda: run(-4.0, 2.0)
        found["JAX"] = np.array(run(-4.0, 2.0)[1])
    expected = reference.gradient(lambda x: readme_expression(x[0], x[1], reference.relu), point)
    for who, gradient in found.items():
        # f and all numbers before it are small integers, which are exact; after it there are fewer than 16 roundings.
        reference.check(f"W2, {who}", gradient, expected, 16 * reference.EPS * np.abs(expected))
    times = measure(works, sizes.runs, sizes.repeats)
    return compare("W2 README expression: value and gradient", times, {}, limit=2e-6)


def compare_transformers(sizes: Sizes) -> list[Result]:
    theta, text = transformer.parameters(), transformer.text()
    model = transformer.Transformer(theta)
    program = engine.compile(model.loss, model.parameters)
    loss = model.loss(text.tolist())
    loss.backward()
    found = {
        "chainrule": program.value_and_grad(text[None], at=theta)[1],
        "chainrule's Values": [p.grad for p in model.parameters],
    }
    works: dict[str, Callable[[], Any]] = {"chainrule": lambda: program.value_and_grad(text[None], at=theta)}
    if "PyTorch" in PEERS:
        peer = torch_peer.Transformer(theta)
        [tensor] = torch_peer.tensors(text)
        found["PyTorch"] = peer.gradient(tensor)
        works["PyTorch"] = lambda: peer.value_and_grad(tensor)
    expected = reference.gradient(lambda p: transformer.formula(p, text), theta)
    for who, gradient in found.items():
        reference.check(f"W10, {who}", gradient, expected, transformer.tolerance(expected))
    times = measure(works, sizes.runs, max(1, sizes.repeats // 20))
    nodes = len(engine.topological_order(loss))
    return compare(f"W10 transformer, {nodes:,} nodes: loss and gradient", times, {"PyTorch": 1.0}, limit=250e-6)


def main(sizes: Sizes, only: Sequence[str] | None = None) -> None:
    """Check all gradients, time all work, and print the table.

    Errors: reference.WrongGradient, before the workload in question is timed.
    """
    wanted = [name.upper() for name in only or ALL]
    print(machine("perf_counter or process_time, whichever says less"))
    print(f"Medians of {sizes.runs} alternating runs; a ratio is the peer's time over chainrule's.")
    if sizes == QUICK:
        print("Sizes are tiny, and there is one run: this shows whether it works, and not how fast it is.")
    rows: list[Result] = []
    works = {"W1": compare_chains, "W2": compare_readme, "W10": compare_transformers}
    problems = networks.problems(sizes.small)
    for name in ALL:
        if name not in wanted:
            continue
        if name in works:
            rows += works[name](sizes)
        elif name == "W8":
            rows += compile_time.compile_times(sizes.runs, sizes.small)
        else:
            rows += networks.compare_network(problems[name], PEERS, sizes.runs, sizes.repeats)
    if sizes == QUICK:
        rows = [replace(row, bar=None, limit=None) for row in rows]
    print(f"\n{table(rows, TITLES)}\n")
    missing = [name for name in ("PyTorch", "JAX") if name not in PEERS]
    if missing:
        print(f"{' and '.join(missing)} took no part, not being installed (pip install '.[bench]').")
