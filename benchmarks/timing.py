"""Alternating runs, their medians, and the table in which they are printed."""

from __future__ import annotations

import gc
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

Work = Callable[[], Iterator[str]]  # a generator function: it yields the name of each phase when that phase is over
Run = dict[str, float]  # seconds by phase

# The thread's own time, where the system measures it finely: on a busy machine the wall clock includes other processes.
CLOCK = "thread_time" if time.get_clock_info("thread_time").resolution < 1e-6 else "perf_counter"
clock: Callable[[], float] = getattr(time, CLOCK)


def one_phase(function: Callable[[], object]) -> Work:
    """Work of a single phase. Freeing what the function leaves behind is a part of its time."""

    def work() -> Iterator[str]:
        function()
        yield "all"

    return work


def alternate(works: dict[str, Work], runs: int, collector: bool, repeats: int = 1) -> dict[str, list[Run]]:
    """For each work its runs, which alternate with those of the others; a run has the mean seconds of each phase.

    Before each run, and outside its time, the garbage of the run before is collected.
    """
    seconds: dict[str, list[Run]] = {name: [] for name in works}
    with collecting(collector):
        for _ in range(runs):
            for name, work in works.items():
                gc.collect()
                seconds[name].append(time_phases(work, repeats))
    return seconds


def time_phases(work: Work, repeats: int) -> Run:
    phases: Run = {}
    for _ in range(repeats):
        start = clock()
        for phase in work():
            end = clock()
            phases[phase] = phases.get(phase, 0.0) + (end - start) / repeats
            start = clock()
    return phases


@contextmanager
def collecting(on: bool) -> Iterator[None]:
    """A context with the cyclic garbage collector on or off."""
    before = gc.isenabled()
    (gc.enable if on else gc.disable)()
    try:
        yield
    finally:
        (gc.enable if before else gc.disable)()


@dataclass(frozen=True)
class Row:
    """One comparison. The bar is the smallest ratio of the peer's time to ours, or None where there is no bar.

    With at_most, the peer is another way to use chainrule. Then the ratio is our time over the peer's, and the bar is
    the largest ratio.
    """

    work: str
    collector: bool
    peer: str
    ours: Sequence[float]
    theirs: Sequence[float]
    bar: float | None = None
    per: int = 1  # the times are shown for one of so many nodes
    at_most: bool = False

    @property
    def ratio(self) -> float:
        """The peer's median time over ours, that is how many times as fast we are; with at_most, the reverse."""
        return self._ratio(median(self.ours), median(self.theirs))

    def _ratio(self, ours: float, theirs: float) -> float:
        return ours / theirs if self.at_most else theirs / ours

    @property
    def verdict(self) -> str:
        if self.bar is None:
            return ""
        met = self.ratio <= self.bar if self.at_most else self.ratio >= self.bar
        return "met" if met else "MISSED"

    def cells(self) -> list[str]:
        pairs = [self._ratio(ours, theirs) for ours, theirs in zip(self.ours, self.theirs, strict=True)]
        digits = 2 if self.at_most or (self.bar is not None and self.bar < 2) else 1  # 1.16 is not a bar of 1.2
        return [
            self.work,
            "on" if self.collector else "off",
            duration(median(self.ours) / self.per),
            f"{duration(median(self.theirs) / self.per)} {self.peer}",
            f"{self.ratio:.{digits}f}",
            f"{min(pairs):.{digits}f}–{max(pairs):.{digits}f}",
            "" if self.bar is None else f"{'≤' if self.at_most else '≥'} {self.bar:g}",
            self.verdict,
        ]


TITLES = ["work", "gc", "chainrule", "peer", "ratio", "of pairs", "bar", ""]


def table(rows: Sequence[Any], titles: Sequence[str] = TITLES) -> str:
    """The rows as a table in Markdown, aligned so that it can be read in a terminal."""
    cells = [titles, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(titles))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |" for line in cells]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def duration(seconds: float) -> str:
    """The time with three digits and a unit.

    >>> duration(0.0123), duration(4.56e-7)
    ('12.3 ms', '456 ns')
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:#.3g}".rstrip(".") + f" {unit}"
    return f"{seconds * 1e9:.0f} ns"


def machine(clock: str = CLOCK) -> str:
    """The machine and the software on which the numbers were measured."""
    cpu = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            cpu = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), cpu)
    return (
        f"{cpu}, {os.cpu_count()} cores; {platform.python_implementation()} {platform.python_version()}, "
        f"NumPy {np.__version__}; "
        f"OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', 'not set')}; clock: time.{clock}"
    )
