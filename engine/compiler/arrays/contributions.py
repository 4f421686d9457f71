"""What is passed back to the operands of an instruction: an array that may be still to be written, times a factor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ...op import Op
from ...operators import Operators
from ...ops import multiply, neg, where
from ..literals import literal
from .buffers import Shape, View, ViewOrNumber, broadcast
from .writer import Writer

MODEST = 1e4  # a factor between 1 / MODEST and MODEST can be applied later: no number over- or underflows by the delay


class Scaled(Operators):
    """number · n^power · view: a local derivative or a gradient. The rules of the table run on it.

    Without a view it is number · n^power everywhere.
    """

    __slots__ = ("number", "power", "view", "writer")

    def __init__(self, writer: Writer, view: View | None, number: float = 1.0, power: int = 0) -> None:
        self.writer, self.view, self.number, self.power = writer, view, number, power

    @classmethod
    def __apply__(cls, op: Op, arguments: Sequence[Any]) -> Any:
        writer = next(a.writer for a in arguments if isinstance(a, Scaled))
        arguments = [a if isinstance(a, Scaled) else float(a) for a in arguments]
        for i, neutral in enumerate(op.neutral):
            if isinstance(arguments[i], float) and arguments[i] == neutral:
                return arguments[1 - i]
        if op is neg:
            return arguments[0].times(-1.0)
        if op is multiply:
            left, right = arguments
            if isinstance(left, float):
                left, right = right, left
            if isinstance(right, float):
                return left.times(right)
            if left.view is not None and right.view is not None:
                product = writer.ufunc("multiply", [left.view, right.view])
                return Scaled(writer, product).times(left.number * right.number)
        return Scaled(writer, writer.spelled(op, [a.applied() if isinstance(a, Scaled) else a for a in arguments]))

    def times(self, number: float, power: int = 0) -> Scaled:
        """The product with number · n^power. A modest factor is only noted, so that several are applied at once."""
        product = self.number * number
        if self.view is None or 1.0 / MODEST <= abs(product) <= MODEST:
            return Scaled(self.writer, self.view, product, self.power + power)
        return Scaled(self.writer, self.applied(number, power))

    def applied(self, number: float = 1.0, power: int = 0, out: View | None = None) -> View:
        """The view with its factor, and a further one, applied."""
        view, power = self.view, self.power + power
        number *= self.number
        assert view is not None
        if number == 1.0 and power == 0 and out is None:
            return view
        if number == -1.0 and power == 0:
            return self.writer.ufunc("negative", [view], out)
        return self.writer.ufunc("multiply", [view, factor(self.writer, number, power)], out)


def factor(writer: Writer, number: float, power: int) -> ViewOrNumber:
    """number · n^power, computed once for a number of examples."""
    if power == 0:
        return number
    sign, exponent = "*" if power > 0 else "/", f"**{abs(power)}" * (abs(power) > 1)
    return writer.constant(f"np.array({literal(number)} {sign} n{exponent})", ())


@dataclass
class Contribution:
    """An array that will be passed to some operands.

    Its shape, flattened, is (operands, …), or (1, …) if each operand gets the same.
    """

    shape: Shape
    write: Callable[[View | None], View]  # writes it into this view, or into one of its choice
    exists: bool = False  # whether it is a view that is there already


def product(
    writer: Writer, slope: Scaled, upstream: Scaled, masked: bool = False
) -> tuple[Contribution | None, Scaled]:
    """slope · upstream: the array that is still to be written, and the factor that is still to be applied.

    `masked`: where upstream is 0 the product is 0, whatever the slope is.
    """
    scale = Scaled(writer, None, slope.number * upstream.number, slope.power + upstream.power)
    views = [scaled.view for scaled in (slope, upstream) if scaled.view is not None]
    if views and not 1.0 / MODEST <= abs(scale.number) <= MODEST:
        views[-1], scale = Scaled(writer, views[-1]).applied(scale.number), Scaled(writer, None, 1.0, scale.power)
    if len(views) == 2 and masked:
        both = writer.ufunc("multiply", views)
        return Contribution(both.shape, lambda out: writer.spelled(where, [views[1], both, 0.0], out)), scale
    if len(views) == 2:
        return Contribution(broadcast(views), lambda out: writer.ufunc("multiply", views, out)), scale
    return (existing(writer, views[0]) if views else None), scale


def existing(writer: Writer, view: View) -> Contribution:
    """A view that is there already."""
    return Contribution(view.shape, lambda out: view if out is None else writer.copy(view, out), True)
