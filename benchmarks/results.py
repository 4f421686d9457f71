"""What is measured of compiled programs: against a peer, against a limit in seconds, or both."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from .timing import Work, alternate, duration, one_phase

TITLES = ["work", "chainrule", "peer", "ratio", "of pairs", "bar", ""]
Times = dict[str, list[float]]


@dataclass(frozen=True)
class Result:
    """The bar is how many times the peer's time must be ours, the limit how many seconds ours may be."""

    work: str
    ours: Sequence[float]
    peer: str = ""
    theirs: Sequence[float] = ()
    bar: float | None = None
    limit: float | None = None

    @property
    def ratio(self) -> float:
        """The peer's median time over ours: how many times as fast we are."""
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
    """Seconds a call for each work, alternating; `per` is what a call is to be divided by.

    The whole process's time, since JAX computes in threads of its own: on an idle machine, that of the wall clock.
    """

    def repeated(function: Callable[[], Any]) -> Work:
        def work() -> None:
            for _ in range(repeats):
                function()

        return one_phase(work)

    for function in works.values():
        function()  # compile, allocate
    times = alternate({who: repeated(f) for who, f in works.items()}, runs, collector=True, clock=time.process_time)
    return {who: [run["all"] / repeats / per for run in found] for who, found in times.items()}


def compare(work: str, times: Times, bars: dict[str, float | None], limit: float | None = None) -> list[Result]:
    """A row for each peer that was timed; the limit stands in the first."""
    peers = [who for who in times if who != "chainrule"]
    ours = times["chainrule"]
    if not peers:
        return [Result(work, ours, limit=limit)]
    return [
        Result(work, ours, peer, times[peer], bars.get(peer), limit if place == 0 else None)
        for place, peer in enumerate(peers)
    ]
