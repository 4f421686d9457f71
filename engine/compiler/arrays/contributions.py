"""Stage 3: gradients on their way: numbers that wait, an array, and what is still to be written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ...op import Op
from ...operators import Operators
from ...ops import multiply, neg
from ..emit.text import literal
from .buffers import Argument, Shape, View, broadcast
from .writer import Writer

MODEST = 1e4  # a factor up to this (or down to its inverse) may wait: nothing over- or underflows by it


class Term(Operators):
    """number · n^power · view, a slope or a gradient, on which the rules of the table run. No view: 1 everywhere."""

    __slots__ = ("number", "power", "view", "writer")

    def __init__(self, writer: Writer, view: View | None, number: float = 1.0, power: int = 0) -> None:
        self.writer, self.view, self.number, self.power = writer, view, number, power

    @classmethod
    def __apply__(cls, op: Op, arguments: Sequence[Any]) -> Any:
        writer = next(a.writer for a in arguments if isinstance(a, Term))
        arguments = [a if isinstance(a, Term) else float(a) for a in arguments]
        for place, neutral in enumerate(op.neutral):
            if isinstance(arguments[place], float) and arguments[place] == neutral:
                return arguments[1 - place]
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
                return Term(writer, product).times(left.number * right.number)
        return Term(writer, writer.spelled(op, [a.plain() if isinstance(a, Term) else a for a in arguments]))

    def times(self, number: float, power: int = 0) -> Term:
        """A modest factor waits, to be applied once."""
        product = self.number * number
        if self.view is None or 1.0 / MODEST <= abs(product) <= MODEST:
            return Term(self.writer, self.view, product, self.power + power)
        return Term(self.writer, self.plain(number, power))

    def plain(self, number: float = 1.0, power: int = 0, out: View | None = None) -> View:
        """The view with all factors applied."""
        view, power = self.view, self.power + power
        number *= self.number
        assert view is not None
        if number == 1.0 and power == 0 and out is None:
            return view
        if number == -1.0 and power == 0:
            return self.writer.ufunc("negative", [view], out)
        return self.writer.ufunc("multiply", [view, factor(self.writer, number, power)], out)


def factor(writer: Writer, number: float, power: int) -> Argument:
    """number · n^power, made once for a number of examples."""
    if power == 0:
        return number
    sign, exponent = "*" if power > 0 else "/", f"**{abs(power)}" * (abs(power) > 1)
    return writer.constant(f"np.array({literal(number)} {sign} n{exponent})", ())


@dataclass
class Made:
    """What is about to be passed to operands. Its shape, flattened, is (operands, …), or (1, …): the same to each."""

    shape: Shape
    write: Callable[[View | None], View]  # into a view, or anywhere
    there: bool = False  # whether it is a view that is there already


def product(writer: Writer, slope: Term, above: Term) -> tuple[Made | None, Term]:
    """slope · above: what is still to be written, and the factors that wait."""
    waiting = Term(writer, None, slope.number * above.number, slope.power + above.power)
    views = [term.view for term in (slope, above) if term.view is not None]
    if views and not 1.0 / MODEST <= abs(waiting.number) <= MODEST:
        views[-1], waiting = Term(writer, views[-1]).plain(waiting.number), Term(writer, None, 1.0, waiting.power)
    if len(views) == 2:
        return Made(broadcast(views), lambda out: writer.ufunc("multiply", views, out)), waiting
    return (there(writer, views[0]) if views else None), waiting


def there(writer: Writer, view: View) -> Made:
    """A view that is there already."""
    return Made(view.shape, lambda out: view if out is None else writer.copy(view, out), True)
