"""The round numbers beside the axes of a plot."""

from __future__ import annotations

import math


def round_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers that cover the range from `low` to `high`, at steps of 1, 2 or 5 times a power of ten.

    >>> round_ticks(0.0, 1.13)
    [0.0, 0.5, 1.0, 1.5]
    >>> round_ticks(3.0, 3.0)
    [2.0, 2.5, 3.0, 3.5, 4.0]
    """
    if not high > low:
        low, high = low - (abs(low) * 0.1 or 1.0) if abs(low) > 10 else low - 1.0, low + max(abs(low) * 0.1, 1.0)
    size = high / most - low / most
    exponent = int(f"{size:e}".partition("e")[2])  # log10 may differ in its last bit between machines
    for factor in (1, 2, 5, 10):
        step = factor * float(f"1e{exponent}")
        if step >= size:
            break
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    decimals = max(0, -exponent)
    return [round(index * step, decimals) for index in range(first, last + 1)]


def epoch_ticks(first: int, last: int) -> list[int]:
    """The first epoch and the round ones after it.

    >>> epoch_ticks(1, 40)
    [1, 10, 20, 30, 40]
    """
    round_ones = [int(tick) for tick in round_ticks(first, last) if tick == int(tick) and tick <= last]
    apart = (last - first) / 12
    return [first, *[epoch for epoch in dict.fromkeys(round_ones) if epoch > first + apart]]


def power_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Powers of ten around the range, at even distances; low and high are positive.

    >>> power_ticks(0.02, 3.0), power_ticks(1e-12, 1e12, most=4)
    ([0.01, 0.1, 1.0, 10.0], [1e-12, 0.0001, 10000.0, 1000000000000.0])
    """
    first = max(int(f"{low:e}".partition("e")[2]), -323)  # log10 may differ in its last bit between machines
    last = max(int(f"{high:e}".partition("e")[2]), -323)
    last += high > float(f"1e{last}") or first == last
    step = -(-(last - first) // max(most - 1, 1))
    last += -(last - first) % step
    highest = [float(f"1e{power}") for power in range(first, last + 1, step) if power <= 308]
    return highest if highest[-1] >= high else [*highest, high]  # beyond 1e308 there is no power of ten
