"""Values and backward(): W1 (a chain) and W2 (micrograd's README). The other workloads have files of their own."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import numpy as np

from chainrule.engine import Value

from . import functions, microgpt, micrograd_peer, reference, training, users
from .functions import grow
from .timing import Row, Work, alternate, duration, machine, one_phase, table

try:
    from . import xad_peer
except ImportError:  # the extra [bench] leaves it out, since it has no wheels for some machines
    xad_peer = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Sizes:
    """How much of each workload is done."""

    runs: int = 7
    short: int = 1_000
    long: int = 100_000
    deepest: int = 1_000_000
    repeats: int = 2_000  # of calls that take microseconds
    examples: int = 150
    functions: functions.Sizes = functions.FULL
    names: tuple[str, ...] = microgpt.NAMES
    users: users.Sizes = users.FULL


QUICK = Sizes(
    runs=1, short=10, long=2_000, deepest=3_000, repeats=5, examples=20,
    functions=functions.QUICK, names=("ann",), users=users.QUICK,
)  # fmt: skip
ALL = ("W1", "W2", "W3", "W4", "W5", "W12", "W13", "W17")

# --- W1


def chain(kind: Callable[[float], Any], nodes: int) -> Work:
    """The three phases of a chain of so many operations: forward, backward, delete."""

    def work() -> Iterator[str]:
        x = grow(kind(1.0), nodes)
        yield "forward"
        x.backward()
        yield "backward"
        del x
        yield "delete"

    return work


def check_chain(nodes: int) -> None:
    expected = np.power(np.array([1.0001]), nodes // 2)
    for who, kind in (("chainrule", Value), ("micrograd", micrograd_peer.Value)):
        leaf = kind(1.0)
        grow(leaf, nodes).backward()
        # There is one rounding for each product, and there are a few for the power.
        reference.check(f"W1, {who}", [leaf.grad], expected, (nodes // 2 + 4) * reference.EPS * expected)


def compare_chains(sizes: Sizes) -> list[Row]:
    rows = []
    for nodes, repeats, bars in ((sizes.short, 10, (None, None)), (sizes.long, 1, (12.0, 5.0))):
        check_chain(nodes)
        works = {"ours": chain(Value, nodes), "theirs": chain(micrograd_peer.Value, nodes)}
        for collector, bar in zip((True, False), bars):
            times = alternate(works, sizes.runs, collector, repeats)
            for phases in (("forward",), ("backward",), ("forward", "backward")):
                ours, theirs = ([sum(run[phase] for phase in phases) for run in times[who]] for who in works)
                title = f"W1 {nodes:,} deep: {' + '.join(phases)}, a node"
                promised = bar if len(phases) == 2 else None
                rows.append(Row(title, collector, "micrograd", ours, theirs, promised, per=nodes))
    return rows


def deepest_chain(sizes: Sizes) -> list[str]:
    runs = alternate({"ours": chain(Value, sizes.deepest)}, min(sizes.runs, 3), collector=True)["ours"]
    parts = [f"{phase} {duration(median(run[phase] for run in runs) / sizes.deepest)}" for phase in runs[0]]
    held = {kind: bytes_per_node(kind, sizes.long) for kind in (Value, micrograd_peer.Value)}
    return [
        f"W1 {sizes.deepest:,} deep, chainrule alone, a node, gc on: {', '.join(parts)}.",
        f"Bytes a node (tracemalloc, {sizes.long:,} deep): chainrule {held[Value]:.0f}, "
        f"micrograd {held[micrograd_peer.Value]:.0f} with the constants that are nodes there.",
    ]


def bytes_per_node(kind: Callable[[float], Any], nodes: int) -> float:
    gc.collect()
    tracemalloc.start()
    out = grow(kind(1.0), nodes)
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del out
    gc.collect()
    return held / nodes


# --- W2


def readme_expression(a: Any, b: Any, relu: Callable[[Any], Any]) -> Any:
    """The expression of micrograd's README, in its own words, except for the way relu is called."""
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + relu(b + a)
    d += 3 * d + relu(b - a)
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    return g


def readme_gradients(kind: Any) -> tuple[float, float]:
    a, b = kind(-4.0), kind(2.0)
    readme_expression(a, b, kind.relu).backward()
    return a.grad, b.grad


def compare_readme(sizes: Sizes) -> list[Row]:
    gradients: dict[str, Callable[[], Sequence[float]]] = {
        "chainrule": lambda: readme_gradients(Value),
        "micrograd": lambda: readme_gradients(micrograd_peer.Value),
    }
    bars = {"micrograd": 4.0, "xad": 1.0}
    if xad_peer:
        gradients["xad"] = lambda: xad_peer.gradients(readme_expression, -4.0, 2.0)
        xad_peer.TAPE.activate()
    expected = reference.gradient(lambda x: readme_expression(x[0], x[1], reference.relu), np.array([-4.0, 2.0]))
    for who, found in gradients.items():
        # f and all numbers before it are small integers, which are exact; after it there are fewer than 16 roundings.
        reference.check(f"W2, {who}", found(), expected, 16 * reference.EPS * np.abs(expected))
    works = {who: one_phase(found) for who, found in gradients.items()}
    rows = []
    for collector in (True, False):
        runs = alternate(works, sizes.runs, collector, sizes.repeats)
        times = {who: [run["all"] for run in found] for who, found in runs.items()}
        for peer in list(gradients)[1:]:
            rows.append(Row("W2 README expression", collector, peer, times["chainrule"], times[peer], bars[peer]))
    if xad_peer:
        xad_peer.TAPE.deactivate()
    return rows


# --- all of them


def main(sizes: Sizes, only: Sequence[str] | None = None) -> None:
    """Check all gradients, time all work, and print the table.

    Errors: reference.WrongGradient, before the workload in question is timed.
    """
    wanted = [name.upper() for name in only or ALL]
    rows: list[Row] = []
    notes: list[str] = []
    print(machine())
    print(f"Medians of {sizes.runs} alternating runs; a ratio is the peer's time over chainrule's.")
    if {"W12", "W17"} & {*wanted}:
        print("In W12 and W17 both sides are chainrule: there the ratio is the first time over the second.")
    if sizes == QUICK:
        print("Sizes are tiny, and there is one run: this shows whether it works, and not how fast it is.")
    if "W1" in wanted:
        if micrograd_peer.recursion_error(sizes.long):
            notes.append(
                f"Under Python's own limits micrograd's backward() ends in a RecursionError {sizes.long:,} deep; "
                "for W1 both ran in a thread with a large stack and without that limit."
            )
        rows += micrograd_peer.deep(lambda: compare_chains(sizes))
        notes += deepest_chain(sizes)
    if "W2" in wanted:
        rows += compare_readme(sizes)
        if not xad_peer:
            notes.append("W2 was run without xad, which is not installed (pip install xad).")
    if "W3" in wanted:
        rows += training.compare_moons(sizes.examples, sizes.runs)
    if {"W4", "W5"} & {*wanted}:
        rows += training.compare_iris(sizes.examples, sizes.runs, wanted)
    if "W12" in wanted:
        rows += functions.compare_functions(sizes.functions, sizes.runs)
    if "W13" in wanted:
        rows += microgpt.compare_microgpt(sizes.names, sizes.runs)
    if "W17" in wanted:
        rows += users.compare_users(sizes.users, sizes.runs)
    if sizes == QUICK:
        rows = [replace(row, bar=None) for row in rows]
    print(f"\n{table(rows)}\n")
    print("\n".join(notes))
