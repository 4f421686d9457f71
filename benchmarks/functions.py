"""W12: small functions of plain numbers, differentiated once, and graphs that are computed anew.

There is no other engine here. `grad(f)(x)` is compared with the lines that one writes in its place, which make the
Values, call f, call backward() and read the gradients. refresh() is compared with building the same graph again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.engine import Value, grad, jacobian, value_and_grad
from chainrule.nn import cross_entropy

from . import reference, training
from .timing import Row, alternate, one_phase

Function = Callable[[Any], Any]
Vector = NDArray[np.float64]
SLOWER, REFRESH = 1.5, 1.0  # the bars
BUILT = "build + backward()"


def grow(leaf: Any, nodes: int) -> Any:
    """A chain of so many operations."""
    x = leaf
    for _ in range(nodes // 2):
        x = x * 1.0001 + 0.1
    return x


def rosenbrock(x: Any) -> Any:
    return sum(100.0 * (following - one**2) ** 2 + (1.0 - one) ** 2 for one, following in pairwise(x))


def three_outputs(x: Any) -> list[Any]:
    """Three sums over one body: all three outputs depend on all nodes of the body."""
    products = [one * following for one, following in pairwise(x)]
    return [sum(products), sum(p * p for p in products), sum(p * one for p, one in zip(products, x))]


def lotka_volterra(theta: Any, steps: int) -> Any:
    """The number of animals after so many steps of RK4; theta has four rates and the numbers at the start."""
    growth, eaten, death, born, prey, hunters = theta

    def slopes(x: Any, y: Any) -> tuple[Any, Any]:
        return growth * x - eaten * x * y, born * x * y - death * y

    h = 0.01
    for _ in range(steps):
        a, b = slopes(prey, hunters)
        c, d = slopes(prey + h / 2 * a, hunters + h / 2 * b)
        e, f = slopes(prey + h / 2 * c, hunters + h / 2 * d)
        g, i = slopes(prey + h * e, hunters + h * f)
        prey = prey + h / 6 * (a + 2 * c + 2 * e + g)
        hunters = hunters + h / 6 * (b + 2 * d + 2 * f + i)
    return prey + hunters  # with the prey alone, the last step's hunters would have no use, which is the case of W17


# --- the lines that a user would write without grad, value_and_grad and jacobian


def by_backward(f: Function, x: Sequence[float]) -> tuple[float, Vector]:
    variables = [Value(number) for number in x]
    y = f(variables)
    y.backward()
    return y.data, np.array([v.grad for v in variables])


def rows_by_backward(f: Function, x: Sequence[float]) -> Vector:
    """The jacobian from one graph, by one call of backward() for each output."""
    variables = [Value(number) for number in x]
    rows = []
    for y in f(variables):
        for v in variables:
            v.grad = 0.0
        y.backward()
        rows.append([v.grad for v in variables])
    return np.array(rows)


def compare_calls(
    title: str, peer: str, ours: Callable[[], Any], theirs: Callable[[], Any], runs: int, repeats: int, bar: float
) -> list[Row]:
    works = {"chainrule": one_phase(ours), "other": one_phase(theirs)}
    rows = []
    for collector in (True, False):
        times = alternate(works, runs, collector, repeats)
        first, second = ([run["all"] for run in times[who]] for who in works)
        rows.append(Row(f"W12 {title}", collector, peer, first, second, bar, at_most=True))
    return rows


def compare_gradients(
    title: str, f: Function, x: Vector, allowed: float, runs: int, repeats: int, with_value: bool = False
) -> list[Row]:
    """Compare grad(f), or value_and_grad(f), with building the graph and calling backward()."""
    point = x.tolist()
    expected, slope, both = reference.gradient(f, x), grad(f), value_and_grad(f)
    found = {"grad": slope(point), "value_and_grad": both(point)[1], "backward()": by_backward(f, point)[1]}
    for who, gradient in found.items():
        reference.check(f"W12 {title}, {who}", gradient, expected, allowed)
    rows = compare_calls(
        f"grad, {title}", BUILT, lambda: slope(point), lambda: by_backward(f, point), runs, repeats, SLOWER
    )
    if with_value:
        rows += compare_calls(
            f"value_and_grad, {title}", BUILT, lambda: both(point), lambda: by_backward(f, point), runs, repeats, SLOWER
        )
    return rows


def compare_jacobians(x: Vector, runs: int, repeats: int) -> list[Row]:
    point, rows = x.tolist(), jacobian(three_outputs)
    title = f"jacobian, {len(x)} to 3 outputs"
    expected = np.array([reference.gradient(lambda v: three_outputs(v)[i], x) for i in range(3)])  # noqa: B023
    # The terms of a derivative add up to at most 6 m³, where m is the largest |x| or 1, and have at most 16 roundings.
    # The bound is doubled, since the reference rounds as well.
    allowed = 2 * 16 * reference.EPS * 6 * max(1.0, np.abs(x).max()) ** 3
    found: dict[str, Vector] = {"chainrule": rows(point), "backward()": rows_by_backward(three_outputs, point)}
    for who, matrix in found.items():
        reference.check(f"W12 {title}, {who}", matrix.ravel().tolist(), expected.ravel(), allowed)
    return compare_calls(
        title, "build + 3 backward()", lambda: rows(point), lambda: rows_by_backward(three_outputs, point),
        runs, repeats, SLOWER,
    )  # fmt: skip


# --- refresh()


@dataclass(frozen=True)
class Graph:
    """Leaves, and a function that builds a graph on them."""

    leaves: Sequence[Value]
    build: Callable[[], Any]

    def move(self, theta: Sequence[float]) -> None:
        for leaf, number in zip(self.leaves, theta):
            leaf.data = number


def rosenbrock_graph(x: Vector) -> Graph:
    leaves = [Value(number) for number in x.tolist()]
    return Graph(leaves, lambda: rosenbrock(leaves))


def network_graph(problem: training.Problem) -> Graph:
    task = problem.chainrule(cross_entropy)
    return Graph(task.model.parameters(), lambda: task.total(training.WHOLE))


def chain_graph(nodes: int) -> Graph:
    leaf = Value(1.0)
    return Graph([leaf], lambda: grow(leaf, nodes))


def compare_refresh(
    title: str, make: Callable[[], Graph], x: Vector, expected: Callable[[Vector], tuple[Any, Any]],
    runs: int, repeats: int,
) -> list[Row]:  # fmt: skip
    """Compare refresh() with building anew. Both sides keep one graph, and go to and fro between x and 1.01 x."""
    points = [x.tolist(), (x * 1.01).tolist()]
    graph = make()
    root = graph.build()
    for point in reversed(points):
        graph.move(point)
        root.refresh()
        for leaf in graph.leaves:
            leaf.grad = 0.0
        root.backward()
        reference.check(f"W12 {title}", [leaf.grad for leaf in graph.leaves], *expected(np.array(point)))

    turn = cycle(points)
    other, other_turn = make(), cycle(points)
    held = [other.build()]

    def refreshed() -> None:
        graph.move(next(turn))
        root.refresh()

    def built() -> None:
        other.move(next(other_turn))
        held[0] = other.build()

    return compare_calls(f"refresh(), {title}", "building anew", refreshed, built, runs, repeats, REFRESH)


# --- all of them


@dataclass(frozen=True)
class Sizes:
    """The sizes of the functions and the graphs."""

    variables: tuple[int, ...] = (20, 300)
    steps: int = 1_000
    flowers: int = 150
    chain: int = 100_000
    repeats: int = 20  # for 20 variables


FULL = Sizes()
QUICK = Sizes(variables=(4, 6), steps=3, flowers=20, chain=100, repeats=1)


def rosenbrock_allowed(x: Vector) -> float:
    """The error allowed: the terms of a derivative, 400 x (x² - y), 2 (1 - x) and 200 (y - x²), have at most 16
    roundings each, and the reference rounds as well."""
    largest = max(1.0, np.abs(x).max())
    return float(2 * 16 * reference.EPS * (800 + 4 + 400) * largest**3)


def compare_functions(sizes: Sizes, runs: int) -> list[Row]:
    rows = []
    random = np.random.default_rng(0)
    points = [random.uniform(-1.5, 1.5, n) for n in sizes.variables]
    for x in points:
        repeats = max(1, sizes.repeats * sizes.variables[0] // len(x))
        allowed = rosenbrock_allowed(x)
        rows += compare_gradients(f"Rosenbrock, n = {len(x)}", rosenbrock, x, allowed, runs, repeats, with_value=True)
    rows += compare_jacobians(points[0], runs, sizes.repeats)

    rates = np.array([1.1, 0.4, 0.4, 0.1, 10.0, 5.0])
    expected = reference.gradient(lambda p: lotka_volterra(p, sizes.steps), rates)
    # A step has 58 operations and at most 80 roundings. The later steps multiply the error of a step as they multiply a
    # change of the start: by at most ten times the largest derivative. The bound is doubled for the reference.
    allowed = float(2 * 80 * sizes.steps * reference.EPS * 10 * max(1.0, np.abs(expected).max()))
    rows += compare_gradients(
        f"RK4, {sizes.steps:,} steps", lambda p: lotka_volterra(p, sizes.steps), rates, allowed, runs, 1
    )

    x = points[-1]
    rows += compare_refresh(
        f"Rosenbrock, n = {len(x)}", lambda: rosenbrock_graph(x),
        x, lambda x: (reference.gradient(rosenbrock, x), rosenbrock_allowed(x)), runs, 1,
    )  # fmt: skip
    problem = training.flowers(sizes.flowers)
    rows += compare_refresh(
        "loss of W4", lambda: network_graph(problem), np.array([p.data for p in problem.model().parameters()]),
        lambda theta: problem.expected(theta, np.tanh, reference.cross_entropy), runs, 1,
    )  # fmt: skip
    slope = np.power(np.array([1.0001]), sizes.chain // 2)
    rows += compare_refresh(
        f"a chain of {sizes.chain:,}", lambda: chain_graph(sizes.chain), np.array([1.0]),
        lambda x: (slope, (sizes.chain // 2 + 4) * reference.EPS * slope), runs, 1,
    )  # fmt: skip
    return rows
