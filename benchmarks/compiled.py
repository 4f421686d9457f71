"""Compiled programs against NumPy by hand, PyTorch and JAX, and against limits in seconds: W1 to W8 and W10."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
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
    rows = []
    for length, count in ((8, 1), (3, 2)) if sizes.small else ((8, 1), (32, 1), (64, 1), (8, 16), (32, 16)):
        bars = {"PyTorch": 1.0, "JAX": 1.0 if (length, count) == (8, 1) else 1 / 1.3}
        theta = transformer.parameters(length)
        texts = transformer.texts(count, length) if count > 1 or length > 8 else transformer.text()[None]
        model = transformer.Transformer(theta, length)
        program = engine.compile(model.loss, model.parameters)
        found = {"chainrule": program.value_and_grad(texts, at=theta)[1]}
        nodes = ""
        if count == 1 and length == 8:
            loss = model.loss(texts[0].tolist())
            loss.backward()
            found["chainrule's Values"] = np.array([p.grad for p in model.parameters])
            nodes = f", {len(engine.topological_order(loss)):,} nodes"
        works: dict[str, Callable[[], Any]] = {"chainrule": lambda: program.value_and_grad(texts, at=theta)}  # noqa: B023  called here
        for name, module in PEERS.items():
            peer = module.Transformer(theta, length)
            [given] = module.tensors(texts)
            found[name] = peer.gradient(given)
            works[name] = partial(peer.value_and_grad, given)
        chosen = np.random.default_rng(0).choice(len(theta), min(len(theta), 40 if sizes.small else 300), replace=False)

        def formula(p: Any) -> Any:
            return sum(transformer.formula(p, text, length) for text in texts) / len(texts)  # noqa: B023  called here

        expected = reference.gradient(formula, theta, chosen)
        allowed = transformer.tolerance(found["chainrule"], length)
        for who, gradient in found.items():
            reference.check(f"W10, {who}", gradient[chosen], expected, allowed)
        times = measure(works, sizes.runs, max(1, sizes.repeats // (20 * count * (1 + length // 16))))
        said = f"W10 transformer, {length} letters{f', {count} texts' * (count > 1)}{nodes}: loss and gradient"
        rows += compare(said, times, bars, limit=250e-6 if (length, count) == (8, 1) else None)
    return rows


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
