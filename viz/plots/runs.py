"""What curves() draws of a training: its series of numbers, the best epoch, and where it diverged."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from chainrule.engine.numeric import counted

from ..common.text import clean, short

SERIES_COLOURS, WAYS_BROKEN = 6, 4
RANGE_FOR_LOG = 100.0  # the largest number by the smallest one, from which on an axis is logarithmic
BLOWN_UP = 10.0  # a loss that ends at so many times its first value has diverged


class HistoryLike(Protocol):
    """What curves() reads of a training history, such as the one that fit() returns.

    It may also have `gradient_sizes`: for each layer's name, the root mean square of its gradient at each epoch.
    """

    @property
    def epochs(self) -> Sequence[int]: ...
    @property
    def train_loss(self) -> Sequence[float]: ...
    @property
    def test_loss(self) -> Sequence[float]: ...
    @property
    def metrics(self) -> Mapping[str, Sequence[float]]: ...


@dataclass(frozen=True)
class Series:
    """The numbers of one curve and their epochs; `colour` is the number of one of the theme's colours."""

    name: str
    epochs: tuple[int, ...]
    numbers: tuple[float, ...]
    colour: int
    is_dashed: bool = False
    kind: str = ""  # what its numbers are, in full: "train loss"
    run: str = ""  # the training's name; '' where there is one training only
    again: int = 0  # how often its colour was used before, for other layers: its line is broken in another way

    @property
    def full_name(self) -> str:
        return f"{self.run} {self.kind}".strip()


@dataclass(frozen=True)
class Mark:
    """One epoch of one curve that stands out."""

    epoch: int
    number: float
    run: str  # '' where there is one training only
    kind: str  # whose number it is: "test loss"
    colour: int


class Run:
    """One training."""

    def __init__(self, history: HistoryLike, label: str, colour: int | None) -> None:
        self.label, self.colour = label, None if colour is None else colour % SERIES_COLOURS
        self.epochs = tuple(int(epoch) for epoch in history.epochs)
        if not self.epochs:
            raise ValueError(f"there is nothing to draw: the history {f'of {label} ' if label else ''}has no epochs")
        self.losses = self._series({"train": history.train_loss, "test": history.test_loss}, " loss")
        self.metrics = self._series(history.metrics)
        sizes: Mapping[str, Sequence[float]] = getattr(history, "gradient_sizes", None) or {}
        self.sizes = self._series(sizes, " gradient size", by_layer=True)

    def _series(self, lists: Mapping[str, Sequence[Any]], what: str = "", by_layer: bool = False) -> list[Series]:
        found: list[Series] = []
        count = len(self.epochs)
        for name, given in lists.items():
            if len(given) > count:
                raise ValueError(f"{clean(name)} has {counted(len(given), 'number')} for {counted(count, 'epoch')}; "
                                 "give at most one number for each epoch")  # fmt: skip
            if not len(given):
                continue
            numbers = tuple(math.nan if number is None else float(number) for number in given)
            missing = count - len(numbers)
            # Before the first step, there is a loss and no gradient yet.
            epochs = self.epochs[missing:] if by_layer and missing == 1 else self.epochs[: len(numbers)]
            by_kind = 1 if "test" in name else 0 if "train" in name else (2 + len(found)) % SERIES_COLOURS
            by_kind = len(found) % SERIES_COLOURS if by_layer else by_kind
            colour = by_kind if self.colour is None else self.colour
            is_dashed = self.colour is not None and "test" in name
            again = len(found) // SERIES_COLOURS % WAYS_BROKEN if by_layer else 0
            shown = _layer_name(name) if by_layer else clean(name)
            found.append(Series(shown, epochs, numbers, colour, is_dashed, shown + what, self.label, again))
        return found

    def best(self) -> Mark | None:
        """The epoch of the lowest test loss, or of the lowest training loss where there is no test."""
        for series in reversed(self.losses):
            pairs = [pair for pair in zip(series.numbers, series.epochs) if math.isfinite(pair[0])]
            if len(pairs) > 1:
                number, epoch = min(pairs)
                return Mark(epoch, number, self.label, series.kind, series.colour)
        return None

    def diverged(self) -> Mark | None:
        """The first epoch whose loss is nan or inf, or from which on it stays far above the first one."""
        for series in self.losses:
            numbers = series.numbers
            odd = [index for index, number in enumerate(numbers) if not math.isfinite(number)]
            if not odd and min(numbers) > 0.0 and numbers[-1] >= BLOWN_UP * numbers[0]:
                index = len(numbers)
                while numbers[index - 1] > numbers[0]:
                    index -= 1
                odd = [index]
            if odd:
                return Mark(series.epochs[odd[0]], numbers[odd[0]], self.label, series.kind, series.colour)
        return None

    def said(self) -> list[str]:
        """What the training came to, in sentences."""
        pairs = [(one.kind, short(one.numbers[0], 3), short(one.numbers[-1], 3))
                 for one in (*self.losses, *self.metrics) if len(one.numbers) > 1]  # fmt: skip
        sentences = (
            [f"{'; '.join([f'{kind} from {first} to {last}' for kind, first, last in pairs])}."] if pairs else []
        )
        if diverged := self.diverged():
            sentences.append(f"It diverged at epoch {diverged.epoch}: the {diverged.kind} is {short(diverged.number)} "
                             "there. A smaller learning rate may help.")  # fmt: skip
        elif best := self.best():
            sentences.append(f"The lowest {best.kind} is {short(best.number)}, at epoch {best.epoch}.")
        if sentences:
            sentences[0] = (
                f"{self.label}: {sentences[0]}" if self.label else sentences[0][:1].upper() + sentences[0][1:]
            )
        return sentences


def _layer_name(name: str) -> str:
    """The name that other pictures have for a layer of an MLP, which is layers.0 among its attributes.

    >>> _layer_name("layers.0"), _layer_name("encoder.layers.0")
    ('layer 1', 'encoder.layers.0')
    """
    number = name.removeprefix("layers.")
    return f"layer {int(number) + 1}" if number != name and number.isdecimal() else clean(name)


def wants_log(series: Sequence[Series]) -> bool:
    """Whether the numbers have so wide a range that a linear axis would show the large ones only.

    >>> wants_log([Series("train", (0, 1), (1000.0, 1.0), 0)]), wants_log([Series("train", (0, 1), (2.0, 1.0), 0)])
    (True, False)
    """
    numbers = finite_numbers(series)
    return may_be_log(series) and max(numbers) / RANGE_FOR_LOG >= min(numbers)


def may_be_log(series: Sequence[Series]) -> bool:
    """Whether there are two different numbers, all of them positive."""
    numbers = finite_numbers(series)
    return len(set(numbers)) > 1 and min(numbers) > 0.0


def finite_numbers(series: Sequence[Series]) -> list[float]:
    return [number for one in series for number in one.numbers if math.isfinite(number)]
