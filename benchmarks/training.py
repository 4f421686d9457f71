"""W3 (moons), W4 (iris) and W5 (mini-batches): training steps of the same network in chainrule and in micrograd."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.engine import Value
from chainrule.nn import MLP, SGD, cross_entropy
from chainrule.nn.datasets import iris

from . import micrograd_peer, reference
from .timing import Row, Work, alternate, one_phase

LEARNING_RATE = 0.01
Bars = tuple[float | None, float | None]  # with the collector on, and off
WHOLE = slice(None)


def hinge(score: Any, sign: float) -> Any:
    """The hinge loss as it is written in micrograd's demo."""
    return (1 + -sign * score).relu()


def plain_update(model: Any) -> Callable[[], None]:
    """The loop that micrograd's users write, since it has no optimiser."""

    def update() -> None:
        for p in model.parameters():
            p.data -= LEARNING_RATE * p.grad

    return update


@dataclass(frozen=True)
class Task:
    """A model of either engine, and its training data. `wrap` makes Values of the inputs where users do so."""

    model: Any
    loss: Callable[[Any, Any], Any]
    penalty: float
    inputs: list[list[float]]
    targets: list[Any]
    update: Callable[[], None]
    wrap: Callable[[float], Any] | None = None

    def total(self, rows: slice) -> Any:
        inputs: Any = self.inputs[rows]
        if self.wrap:
            inputs = [list(map(self.wrap, x)) for x in inputs]
        losses = [self.loss(self.model(x), target) for x, target in zip(inputs, self.targets[rows])]
        total = sum(losses) * (1.0 / len(losses))
        if self.penalty:
            total += self.penalty * sum(p * p for p in self.model.parameters())
        return total

    def gradients(self) -> list[float]:
        self.model.zero_grad()
        self.total(WHOLE).backward()
        return [p.grad for p in self.model.parameters()]

    def steps(self, batches: Sequence[slice]) -> Work:
        def steps() -> None:
            for rows in batches:
                total = self.total(rows)
                self.model.zero_grad()
                total.backward()
                self.update()

        return one_phase(steps)


@dataclass(frozen=True)
class Problem:
    """The data and the network of a workload, stated for no particular engine."""

    X: NDArray[np.float64]
    y: NDArray[Any]
    layers: tuple[int, ...]
    activation: str
    penalty: float = 0.0

    def chainrule(self, loss: Callable[[Any, Any], Any], wrap: bool = False) -> Task:
        model = self.model()
        update = SGD(model, LEARNING_RATE).step
        return Task(model, loss, self.penalty, self.X.tolist(), self.y.tolist(), update, Value if wrap else None)

    def micrograd(self, loss: Callable[[Any, Any], Any], neuron: type) -> Task:
        weights = [p.data for p in self.model().parameters()]
        model = micrograd_peer.network(self.layers, weights, neuron)
        # Its inputs are wrapped, as in its demo. Otherwise it would make a Value of each input for each weight.
        wrap = micrograd_peer.Value
        return Task(model, loss, self.penalty, self.X.tolist(), self.y.tolist(), plain_update(model), wrap)

    def model(self) -> MLP:
        return MLP(self.layers[0], self.layers[1:], self.activation, rng=0)

    def expected(self, theta: NDArray[np.float64], activation: Any, loss: Any) -> tuple[Any, Any]:
        """NumPy's gradient at theta, and how far a right gradient may be off it."""

        def formula(p: Any) -> Any:
            out = reference.outputs(p, self.layers, self.X, activation)[-1]
            return loss(out, self.y) + self.penalty * (p * p).sum()

        return reference.gradient(formula, theta), reference.tolerance(theta, self.layers, self.X)

    def check(self, name: str, tasks: dict[str, Task], activation: Any, loss: Any) -> None:
        """Compare both gradients at the initial weights with NumPy's."""
        theta = np.array([p.data for p in self.model().parameters()])
        expected, allowed = self.expected(theta, activation, loss)
        for who, task in tasks.items():
            reference.check(f"{name}, {who}", task.gradients(), expected, allowed)


def compare(name: str, tasks: dict[str, Task], batches: Sequence[slice], bars: Bars, runs: int) -> list[Row]:
    works = {who: task.steps(batches) for who, task in tasks.items()}
    rows = []
    for collector, bar in zip((True, False), bars):
        times = {who: [run["all"] for run in found] for who, found in alternate(works, runs, collector).items()}
        rows.append(Row(name, collector, "micrograd", times["chainrule"], times["micrograd"], bar, per=len(batches)))
    return rows


def moons(examples: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points on two half circles with noise of 0.1, as scikit-learn makes them. The labels are -1 and 1."""
    outer, inner = np.linspace(0, np.pi, examples // 2), np.linspace(0, np.pi, examples - examples // 2)
    upper = np.stack([np.cos(outer), np.sin(outer)], axis=1)
    lower = np.stack([1 - np.cos(inner), 0.5 - np.sin(inner)], axis=1)
    noise = np.random.default_rng(0).normal(scale=0.1, size=(examples, 2))
    return np.concatenate([upper, lower]) + noise, np.repeat([-1.0, 1.0], [len(outer), len(inner)])


def compare_moons(examples: int, runs: int) -> list[Row]:
    problem = Problem(*moons(min(examples, 100)), (2, 16, 16, 1), "relu", penalty=1e-4)
    rows = []
    bars: tuple[tuple[str, bool, Bars], ...] = (
        ("W3 moons, a step", False, (12.0, 2.5)),
        ("W3, inputs Values for both", True, (None, None)),
    )
    for name, wrap, promised in bars:
        tasks = {
            "chainrule": problem.chainrule(hinge, wrap),
            "micrograd": problem.micrograd(hinge, micrograd_peer.Neuron),
        }
        problem.check("W3", tasks, reference.relu, reference.hinge)
        rows += compare(name, tasks, [WHOLE], promised, runs)
    return rows


def flowers(examples: int) -> Problem:
    """So many flowers of iris, in a shuffled order."""
    X, y = iris()
    chosen = np.random.default_rng(0).permutation(len(X))[:examples]
    return Problem(X[chosen], y[chosen], (4, 16, 16, 3), "tanh")


def compare_iris(examples: int, runs: int, wanted: Sequence[str]) -> list[Row]:
    problem = flowers(examples)
    batches = [slice(start, start + 16) for start in range(0, len(problem.X) - 15, 16)]
    works: tuple[tuple[str, str, list[slice], Bars], ...] = (
        ("W4", "W4 iris, a step", [WHOLE], (12.0, 2.5)),
        ("W5", "W5 iris, a mini-batch of 16", batches, (4.0, 4.0)),
    )
    rows = []
    for short, name, parts, promised in works:
        if short in wanted:
            tasks = {
                "chainrule": problem.chainrule(cross_entropy),
                "micrograd": problem.micrograd(micrograd_peer.cross_entropy, micrograd_peer.TanhNeuron),
            }
            problem.check(short, tasks, np.tanh, reference.cross_entropy)
            rows += compare(name, tasks, parts, promised, runs)
    return rows
