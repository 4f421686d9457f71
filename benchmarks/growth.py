"""W14: how time and memory grow with parameters, batch, depth, positions, classes and nodes, drawn as one SVG."""

from __future__ import annotations

import gc
import math
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from chainrule import engine
from chainrule.engine import Value
from chainrule.nn import MLP, cross_entropy

from . import transformer
from .eager import grow
from .results import measure
from .timing import duration, machine

SUPERLINEAR = 1.15  # an exponent above this is named
LINES = {"call": "#0072b2", "first call": "#d55e00", "memory": "#009e73"}
SVG = Path(__file__).with_name("growth.svg")


@dataclass(frozen=True)
class Sizes:
    runs: int = 5
    small: bool = False


QUICK = Sizes(runs=1, small=True)
Work = tuple[Callable[[], Any], Callable[[], Any]]  # what makes and calls for the first time; what calls once more


@dataclass(frozen=True)
class Growth:
    """What grows, its sizes, and the work at each of them."""

    name: str
    sizes: Sequence[int]
    work: Callable[[int], Work]


def network(sizes: Sequence[int], examples: int) -> Work:
    random = np.random.default_rng(0)
    X, y = random.normal(size=(examples, sizes[0])), random.integers(0, sizes[-1], examples)
    model = MLP(sizes[0], sizes[1:], rng=0)
    made: list[Any] = []

    def first() -> None:
        program = engine.compile(lambda x, label: cross_entropy(model(x), label), model)
        made[:] = [program]
        program.value_and_grad(X, y)

    theta = np.array([p.data for p in model.parameters()])
    return first, lambda: made[0].value_and_grad(X, y, at=theta)


def text(length: int) -> Work:
    theta, texts, made = transformer.parameters(length), transformer.texts(1, length), list[Any]()
    model = transformer.Transformer(theta, length)

    def first() -> None:
        made[:] = [engine.compile(model.loss, model.parameters)]
        made[0].value_and_grad(texts, at=theta)

    return first, lambda: made[0].value_and_grad(texts, at=theta)


def chain(nodes: int) -> Work:
    """Eager: the graph is built and passed back through; the first call is no different."""
    leaf = Value(1.0)

    def run() -> None:
        grow(leaf, nodes).backward()

    return run, run


ALL = {
    growth.name: growth
    for growth in (
        Growth("hidden neurons of 64-h-10", (4, 16, 64, 256, 1024), lambda h: network((64, h, 10), 32)),
        Growth("examples of 4-16-16-3", (1, 10, 100, 1_000, 10_000, 100_000), lambda n: network((4, 16, 16, 3), n)),
        Growth("hidden layers of 16", (1, 2, 4, 8, 16, 32), lambda d: network((4, *[16] * d, 3), 32)),
        Growth("letters of the transformer", (4, 8, 16, 32), text),
        Growth("classes of 16-32-c", (2, 8, 32, 128, 512), lambda c: network((16, 32, c), 32)),
        Growth("nodes of an eager chain", (100, 1_000, 10_000, 100_000), chain),
    )
}


def measured(growth: Growth, sizes: Sizes) -> dict[str, list[float]]:
    """Seconds of a call and of the first one, and the most bytes that were in use in the first one, at each size."""
    found: dict[str, list[float]] = {name: [] for name in LINES}
    for size in growth.sizes[:2] if sizes.small else growth.sizes:
        first, again = growth.work(size)
        gc.collect()
        tracemalloc.start()
        first()
        found["memory"].append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        start = time.process_time()
        first()
        found["first call"].append(time.process_time() - start)
        seconds = measure({"again": again}, 1, 1)["again"][0]
        repeats = max(1, min(200, int(0.02 / seconds)))
        found["call"].append(float(np.median(measure({"again": again}, sizes.runs, repeats)["again"])))
    return found


def exponent(sizes: Sequence[int], numbers: Sequence[float]) -> float:
    """How fast the numbers grow at the end: as sizes to this power."""
    return math.log(numbers[-1] / numbers[-2]) / math.log(sizes[-1] / sizes[-2])


def bytes_shown(count: float) -> str:
    return f"{count / 1e6:.3g} MB" if count >= 1e6 else f"{count / 1e3:.3g} kB"


WIDE, HIGH, LEFT, TOP, GAP = 300, 210, 52, 46, 28


def panel(growth: Growth, found: dict[str, list[float]], x: int, y: int) -> list[str]:
    """One panel: both axes are logarithmic, seconds on the left; memory has the height of its share of the largest."""
    sizes = growth.sizes[: len(found["call"])]
    seconds = [t for name in ("call", "first call") for t in found[name]]
    low, high = math.floor(math.log10(min(seconds))), math.ceil(math.log10(max(seconds)))
    width, height = WIDE - LEFT - GAP, HIGH - TOP - GAP

    def across(size: float) -> float:
        return x + LEFT + width * math.log(size / sizes[0]) / math.log(sizes[-1] / sizes[0])

    def up(number: float, low: float, high: float) -> float:
        return y + TOP + height * (1.0 - (math.log10(number) - low) / (high - low))

    parts = [f'<text x="{x + LEFT}" y="{y + TOP - 22}" font-weight="600">{escape(growth.name)}</text>']
    for power in range(low, high + 1):
        at = up(10.0**power, low, high)
        parts.append(f'<path d="M{x + LEFT} {at:.1f}h{width}" stroke="#8884"/>')
        said = duration(10.0**power).replace(".00", "").replace(".0", "")
        parts.append(f'<text x="{x + LEFT - 5}" y="{at + 3:.1f}" text-anchor="end">{said}</text>')
    for size in sizes:
        anchor = f'x="{across(size):.1f}" y="{y + TOP + height + 14}" text-anchor="middle"'
        parts.append(f"<text {anchor}>{f'{size:,}' if size < 10_000 else f'{size // 1000}k'}</text>")
    said = []
    for name, colour in LINES.items():
        numbers = found[name]
        scale = (low, high) if name != "memory" else (math.log10(max(numbers)) - (high - low), math.log10(max(numbers)))
        points = " ".join(f"{across(size):.1f},{up(number, *scale):.1f}" for size, number in zip(sizes, numbers))
        dashes = ' stroke-dasharray="4 3"' if name == "memory" else ""
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>')
        said.append(f'<tspan fill="{colour}">{name} {exponent(sizes, numbers):.2f}</tspan>')
    parts.append(f'<text x="{x + LEFT}" y="{y + TOP - 8}">{" · ".join(said)}</text>')
    return parts


def drawing(results: dict[str, dict[str, list[float]]]) -> str:
    """All panels as one SVG."""
    columns = 3
    rows = -(-len(results) // columns)
    parts = []
    for i, (name, found) in enumerate(results.items()):
        parts += panel(ALL[name], found, i % columns * WIDE, i // columns * HIGH)
    width, height = columns * WIDE, rows * HIGH + 26
    title = "Growth of time and memory; numbers are the exponents at the end: 1 is linear"
    memory = "Memory (dashed) has a scale of its own, of as many powers of ten."
    note = f'<text x="12" y="{height - 8}">{title}. {memory}</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" font-family="system-ui, sans-serif" font-size="11"><title>{title}</title>'
        f'<rect width="{width}" height="{height}" fill="#fff"/>{"".join(parts)}{note}</svg>\n'
    )


def main(sizes: Sizes, only: Sequence[str] | None = None) -> None:
    """Print what grows how, name what grows faster than its size, and write growth.svg (not with --quick)."""
    print(machine("perf_counter or process_time, whichever says less"))
    results, named = {}, []
    for name in only or ALL:
        growth = ALL[name]
        found = results[name] = measured(growth, sizes)
        print(f"\n{name}")
        for size, *numbers in zip(growth.sizes, *found.values()):
            call, first, memory = numbers
            print(
                f"  {size:>8,}  call {duration(call):>8}  first call {duration(first):>8}  memory {bytes_shown(memory)}"
            )
        for what, series in found.items():
            power = exponent(growth.sizes[: len(series)], series)
            if power > SUPERLINEAR:
                named.append(f"{name}: {what} grows as the {power:.2f}th power at the end")
    print("\n" + ("Superlinear:\n  " + "\n  ".join(named) if named else "Nothing grows faster than its size."))
    if not sizes.small:
        SVG.write_text(drawing(results), encoding="utf-8")
        print(f"Drawn in {SVG.name}.")
