"""Times of compiled programs, compared with a peer, with a limit in seconds, or with both."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from .timing import duration

TITLES = ["work", "chainrule", "peer", "ratio", "of pairs", "bar", ""]
Times = dict[str, list[float]]
CLOCKS = (time.perf_counter, time.process_time)


@dataclass(frozen=True)
class Result:
    """One comparison. The bar is the smallest ratio of the peer's time to ours, the limit the longest time of ours."""

    work: str
    ours: Sequence[float]
    peer: str = ""
    theirs: Sequence[float] = ()
    bar: float | None = None
    limit: float | None = None

    @property
    def ratio(self) -> float:
        """The peer's median time over ours, that is how many times as fast we are."""
        return median(self.theirs) / median(self.ours)

    @property
    def verdict(self) -> str:
        kept = []
        if self.bar is not None:
            kept.append(self.ratio >= self.bar)
        if self.limit is not None:
            kept.append(median(self.ours) <= self.limit)
        return "" if not kept else "met" if all(kept) else "MISSED"

    def cells(self) -> list[str]:
        pairs = [theirs / ours for ours, theirs in zip(self.ours, self.theirs)]
        bars = [] if self.bar is None else [f"≥ {self.bar:.2f}"]
        bars += [] if self.limit is None else [f"≤ {duration(self.limit)}"]
        return [
            self.work,
            duration(median(self.ours)),
            f"{duration(median(self.theirs))} {self.peer}" if pairs else "",
            f"{self.ratio:.2f}" if pairs else "",
            f"{min(pairs):.2f}–{max(pairs):.2f}" if pairs else "",
            ", ".join(bars),
            self.verdict,
        ]


def measure(works: dict[str, Callable[[], Any]], runs: int, repeats: int, per: float = 1) -> Times:
    """The seconds that a call of each work takes, in alternating runs; they are divided by `per`.

    They are the wall clock's time or the whole process's, whichever is less: on a busy machine the first includes the
    time of other processes, and the second includes the threads of JAX that wait in a loop.
    """
    seconds: Times = {who: [] for who in works}
    for function in works.values():
        function()  # the first call compiles and allocates
    for _ in range(runs):
        for who, function in works.items():
            gc.collect()
            starts = [clock() for clock in CLOCKS]
            for _ in range(repeats):
                function()
            ends = [clock() for clock in CLOCKS]
            seconds[who].append(min(end - start for start, end in zip(starts, ends)) / repeats / per)
    return seconds


def compare(work: str, times: Times, bars: dict[str, float | None], limit: float | None = None) -> list[Result]:
    """A result for each peer that was timed; the first one has the limit."""
    peers = [who for who in times if who != "chainrule"]
    ours = times["chainrule"]
    if not peers:
        return [Result(work, ours, limit=limit)]
    return [
        Result(work, ours, peer, times[peer], bars.get(peer), limit if place == 0 else None)
        for place, peer in enumerate(peers)
    ]
