"""W16: how exact the derivatives are, of the orders 1 to 3, over the whole domain of each row, beside three peers."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import mpmath
import numpy as np

from chainrule.engine import OPS, Value, gradients
from chainrule.engine.compiler.expression import ALSO

Points = list[tuple[float, ...]]
ALL = tuple(op.name for op in OPS.values() if 0 < op.arity < 3 and not op.chooses)
GRID = [1e-3, 0.1, 0.5, 0.99, 1.01, 2.0, 5.0, 8.0, 20.0, 36.0, 100.0]
FEW = [0.01, 0.5, 1.01, 20.0]
BAR = 64.0  # units in the last place
TINY, HUGE = 1e-290, 1e290  # beyond, a derivative may underflow or overflow on the way
NAMES = {**ALSO, "neg": "negative", "lgamma": "gammaln"}


@dataclass(frozen=True)
class Sizes:
    runs: int = 1
    small: bool = False


QUICK = Sizes(small=True)


def meanings() -> Any:
    """The rows stated in mpmath, as the tests have them."""
    path = Path(__file__).resolve().parents[1] / "tests" / "engine" / "mathematics.py"
    spec = importlib.util.spec_from_file_location("mathematics", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ours(op: Any, points: Points, place: int, order: int) -> list[float]:
    found = []
    for numbers in points:
        arguments = list(map(Value, numbers))
        slope: Any = op(*arguments)
        for _ in range(order):
            slope = gradients(slope, [arguments[place]])[0] if isinstance(slope, Value) else 0.0
        found.append(float(slope))
    return found


def by_jax() -> Callable[..., Any]:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def slopes(op: Any, points: Points, place: int, order: int) -> Any:
        f = _first(op.name, jnp, jax.nn, jax.scipy.special)
        for _ in range(order):
            f = jax.grad(f, argnums=place)
        return jax.vmap(f)(*map(jnp.asarray, zip(*points)))

    return slopes


def by_torch() -> Callable[..., Any]:
    import torch

    def slopes(op: Any, points: Points, place: int, order: int) -> Any:
        f = _first(op.name, torch, torch.nn.functional, torch.special)
        arguments = [torch.tensor(column, dtype=torch.float64, requires_grad=True) for column in zip(*points)]
        slope = f(*arguments)
        for _ in range(order):
            if not slope.requires_grad:
                return [0.0] * len(points)
            [slope] = torch.autograd.grad(slope.sum(), [arguments[place]], create_graph=True, allow_unused=True)
            if slope is None:
                return [0.0] * len(points)
        return slope.detach().numpy()

    return slopes


def by_autograd() -> Callable[..., Any]:
    import autograd.numpy
    import autograd.scipy.special
    from autograd import elementwise_grad

    def slopes(op: Any, points: Points, place: int, order: int) -> Any:
        f = _first(op.name, autograd.numpy, autograd.scipy.special)
        for _ in range(order):
            f = elementwise_grad(f, place)
        return f(*map(np.array, zip(*points)))

    return slopes


def _first(name: str, *modules: ModuleType) -> Callable[..., Any]:
    """The function of that name; LookupError if no module has it, so that it is shown as missing."""
    for module in modules:
        for each in (name, NAMES.get(name, name)):
            if hasattr(module, each):
                found: Callable[..., Any] = getattr(module, each)
                return _exact_gelu(found, module) if name == "gelu" else found
    raise LookupError(name)


def _exact_gelu(gelu: Callable[..., Any], module: ModuleType) -> Callable[..., Any]:
    return (lambda a: gelu(a, approximate=False)) if module.__name__.startswith("jax") else gelu


def points_of(op: Any, small: bool) -> Points:
    """Arguments at which the row has a value and its rules hold."""
    grid = FEW if small or op.arity == 2 else GRID
    signed = [*grid, *(-x for x in grid)]
    points: Points = [(x,) for x in signed] if op.arity == 1 else [(x, y) for x in signed for y in signed]
    return [numbers for numbers in points if op.domain(*numbers) and op.smooth(*numbers)]


def judged(op: Any, truth: Any, points: Points, place: int, order: int) -> Iterator[tuple[tuple[float, ...], Any]]:
    """The points and the true derivatives, without those next to a zero of the derivative, and the tiny and huge."""
    for numbers in points:
        around = []
        for factor in (1.0, 1.125):
            moved = (*numbers[:place], numbers[place] * factor, *numbers[place + 1 :])
            if op.domain(*moved) and op.smooth(*moved):
                around.append(derivative(op, truth, moved, place, order))
        if TINY < abs(around[0]) < HUGE and len({each > 0 for each in around}) == 1:
            yield numbers, around[0]


def derivative(op: Any, truth: Any, numbers: tuple[float, ...], place: int, order: int) -> Any:
    """The derivative from differences in many digits; 0 where these say nothing, so that fewer digits disagree.

    At 100, tanh differs from 1 by exp(-200), which is 289 bits.
    """
    found = []
    for bits in (800, 700) if op.arity == 1 else (300, 260):
        with mpmath.workprec(bits):
            exact = [mpmath.mpf(number) for number in numbers]
            meaning = truth.MEANING[op.name]
            found.append(mpmath.diff(lambda x: meaning(*exact[:place], x, *exact[place + 1 :]), exact[place], order))  # noqa: B023  called here
    return found[0] if abs(found[0] - found[1]) <= 1e-20 * abs(found[0]) else mpmath.mpf(0)


def worst(found: Sequence[float], truths: Sequence[Any], truth: Any) -> float:
    """The largest distance in units in the last place."""
    return max((_ulps(float(got), exact, truth) for got, exact in zip(found, truths)), default=0.0)


def _ulps(got: float, exact: Any, truth: Any) -> float:
    return float("inf") if got != got else float(truth.ulps_apart(got, exact))


def shown(ulps: float | None) -> str:
    return "–" if ulps is None else f"{ulps:.1f}" if ulps < 100 else f"{ulps:.0e}".replace("e+0", "e")


def peers() -> dict[str, Callable[..., Any]]:
    """The peers that are installed."""
    found = {}
    for name, make in (("JAX", by_jax), ("PyTorch", by_torch), ("autograd", by_autograd)):
        try:
            found[name] = make()
        except ModuleNotFoundError:
            print(f"{name} took no part, not being installed.")
    return found


def main(sizes: Sizes, only: Sequence[str] | None = None) -> None:
    """Print, for each row and order, the worst error in units in the last place."""
    truth, others = meanings(), peers()
    print(f"The worst error in units in the last place (ulp) away from zeros of the derivative; the bar is {BAR:g}.\n")
    widths = [13, 5, 6, 9, *(9 for _ in others), 16, 7]
    missed = behind = 0
    for row in (["row", "order", "points", "chainrule", *others, "at", ""], ["-" * width for width in widths]):
        print(_line(row, widths))
    for name in only or (ALL[:12] if sizes.small else ALL):
        op, points = OPS[name], points_of(OPS[name], sizes.small)
        for order in (1, 2, 3):
            errors: dict[str, float | None] = dict.fromkeys(["chainrule", *others])
            count, at = 0, ""
            for place in range(op.arity):
                pairs = list(judged(op, truth, points, place, order))
                if not pairs:
                    continue
                given, truths = [numbers for numbers, _ in pairs], [exact for _, exact in pairs]
                count += len(pairs)
                got = ours(op, given, place, order)
                error = worst(got, truths, truth)
                if error >= (errors["chainrule"] or 0.0):
                    each = [_ulps(one, exact, truth) for one, exact in zip(got, truths)]
                    at = ", ".join(f"{x:g}" for x in given[int(np.argmax(each))])
                errors["chainrule"] = max(error, errors["chainrule"] or 0.0)
                for who, slopes in others.items():
                    try:
                        error = worst(slopes(op, given, place, order), truths, truth)
                    except Exception:  # the peer has no such function, or no derivative of it
                        continue
                    errors[who] = max(error, errors[who] or 0.0)
            if not count:
                continue
            own = errors["chainrule"] or 0.0
            best = min((errors[who] for who in others if errors[who] is not None), default=np.inf)  # type: ignore[type-var]
            verdict = "MISSED" if own > BAR else "behind" if own > max(4.0, 2.0 * best) else ""  # type: ignore[operator]
            missed, behind = missed + (verdict == "MISSED"), behind + (verdict == "behind")
            row = [name, str(order), str(count), *map(shown, errors.values()), at, verdict]
            print(_line(row, widths), flush=True)
    print(f"\n{missed} above {BAR:g} ulp; {behind} behind the best peer (by more than 4 ulp and twice its error).\n")


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"
