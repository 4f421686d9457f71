"""W17: backward() where nodes of the graph are used by results outside the graph.

Such results are common: a softmax that makes all the quotients where the loss takes one, a second loss on the same
body, a metric that is printed. backward() has nothing to do for them, so that it should take the same time
with and without them. Each row is one loss that is built with and without such users; its nodes are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from chainrule import engine
from chainrule.engine import Value

from . import reference, training
from .timing import Row, Work, alternate

CLASSES, TARGET = 27, 3
BAR = 1.3


@dataclass
class Position:
    """The nodes of one position that other results may use: the logits, their exponentials and the sum of these."""

    logits: list[Any]
    exps: list[Any] = field(init=False)
    total: Any = field(init=False)

    def __post_init__(self) -> None:
        self.exps = [logit.exp() for logit in self.logits]
        self.total = sum(self.exps)

    def loss(self, target: int) -> Any:
        return -(self.exps[target] / self.total).log()

    def loss_of_all_quotients(self, target: int) -> Any:
        self.probabilities = [e / self.total for e in self.exps]
        return -self.probabilities[target].log()


# --- results outside the loss; each is given all positions and the mean loss


def second_loss(positions: Sequence[Position], loss: Any) -> Any:
    """A second loss on the same body, the mean square of all logits."""
    squares = [logit * logit for position in positions for logit in position.logits]
    return sum(squares) / len(squares)


def metric(positions: Sequence[Position], loss: Any) -> Any:
    """The mean probability of one class."""
    return sum(position.exps[0] / position.total for position in positions) / len(positions)


def each_logit(positions: Sequence[Position], loss: Any) -> Any:
    return [logit + 1.0 for position in positions for logit in position.logits]


def first_logit(positions: Sequence[Position], loss: Any) -> Any:
    return positions[0].logits[0] + 1.0


def perplexity(positions: Sequence[Position], loss: Any) -> Any:
    """A user of the last node before the root, so that the whole graph lies below a node with such a user."""
    return loss.exp()


@dataclass(frozen=True)
class Case:
    """One way in which nodes get users outside the graph of the loss; `kept` users are alive when backward() runs."""

    title: str
    users: Callable[[Sequence[Position], Any], Any] | None = None
    kept: bool = True

    def build(self, body: Callable[[], list[list[Any]]], targets: Sequence[int], used: bool) -> tuple[Any, Any]:
        """The loss, and the other users of its nodes that are kept."""
        positions = [Position(logits) for logits in body()]
        quotients = used and self.users is None
        loss_of = Position.loss_of_all_quotients if quotients else Position.loss
        loss = sum(loss_of(position, target) for position, target in zip(positions, targets)) / len(positions)
        others = self.users(positions, loss) if used and self.users else positions
        return loss * 1.0, others if used and self.kept else None


CASES = (
    Case("all quotients of softmax, dropped", kept=False),
    Case("all quotients of softmax, kept"),
    Case("two losses on one body", second_loss),
    Case("a metric, dropped", metric, kept=False),
    Case("a metric, kept", metric),
    Case("each logit used outside", each_logit),
    Case("the first logit used outside", first_logit),
    Case("the mean loss used outside", perplexity),
)


@dataclass(frozen=True)
class Lines:
    """A body in which each logit is w * x + b, where x is the number of the position."""

    positions: int

    @property
    def targets(self) -> list[int]:
        return [TARGET] * self.positions

    def numbers(self) -> tuple[Any, Any]:
        random = np.random.default_rng(0)
        return random.normal(size=2 * CLASSES), random.uniform(-1.0, 1.0, self.positions)

    def model(self) -> tuple[Callable[[], list[list[Any]]], list[Value]]:
        theta, xs = (numbers.tolist() for numbers in self.numbers())
        parameters = list(map(Value, theta))
        weights, biases = parameters[:CLASSES], parameters[CLASSES:]
        return lambda: [[w * x + b for w, b in zip(weights, biases)] for x in xs], parameters

    def expected(self) -> tuple[Any, Any]:
        """The gradient, and how far a right gradient may be off it."""
        theta, xs = self.numbers()

        def formula(p: Any) -> Any:
            return reference.cross_entropy(p[:CLASSES] * xs[:, None] + p[CLASSES:], np.array(self.targets))

        # Each term of a gradient is at most 1 / positions, since |x| and a softmax are at most 1. It has the rounding
        # errors of a softmax of so many classes, whose exponents are at most 8, and of the mean. The bound is doubled,
        # since the reference rounds as well.
        return reference.gradient(formula, theta), 2 * (8 * (CLASSES + 16) + self.positions) * reference.EPS


@dataclass(frozen=True)
class Network:
    """A body that is the network of W4 on so many flowers, whose sums are fused."""

    positions: int

    @cached_property
    def problem(self) -> training.Problem:
        return training.flowers(self.positions)

    @property
    def targets(self) -> list[int]:
        labels: list[int] = self.problem.y.tolist()
        return labels

    def model(self) -> tuple[Callable[[], list[list[Any]]], list[Value]]:
        model, X = self.problem.model(), self.problem.X.tolist()
        return lambda: [model(x) for x in X], model.parameters()

    def expected(self) -> tuple[Any, Any]:
        theta = np.array([p.data for p in self.problem.model().parameters()])
        return self.problem.expected(theta, np.tanh, reference.cross_entropy)


def backward(case: Case, body: Lines | Network, used: bool) -> Work:
    """The three phases of the work: building the graph, backward(), and freeing the graph."""
    outputs, _ = body.model()
    targets = body.targets

    def work() -> Iterator[str]:
        loss, others = case.build(outputs, targets, used)
        yield "forward"
        loss.backward()
        yield "backward"
        del loss, others
        yield "delete"

    return work


def check(case: Case, body: Lines | Network) -> int:
    """Check the gradients with and without the other users, and return the number of nodes of the loss."""
    expected, allowed = body.expected()
    sizes = []
    for used in (True, False):
        outputs, parameters = body.model()
        loss, _ = case.build(outputs, body.targets, used)
        loss.backward()
        name = f"W17 {case.title}, {'with' if used else 'without'}"
        reference.check(name, [p.grad for p in parameters], expected, allowed)
        sizes.append(len(engine.topological_order(loss)))
    if sizes[0] != sizes[1]:
        raise RuntimeError(f"W17 {case.title}: the losses to be compared have {sizes[0]} and {sizes[1]} nodes")
    return sizes[0]


@dataclass(frozen=True)
class Sizes:
    """The number of positions in a large graph and in a small one, and the number of flowers."""

    positions: int = 100
    small: int = 1
    flowers: int = 150
    repeats: int = 100  # of the small graph


FULL = Sizes()
QUICK = Sizes(positions=3, flowers=6, repeats=2)


def compare_users(sizes: Sizes, runs: int) -> list[Row]:
    """Compare the times of backward() alone, for one node."""
    rows = []
    bodies: list[tuple[Lines | Network, tuple[Case, ...], int]] = [
        (Lines(sizes.positions), CASES, 1),
        (Lines(sizes.small), CASES, sizes.repeats),
        (Network(sizes.flowers), CASES[:3], 1),
    ]
    for body, cases, times in bodies:
        for case in cases:
            nodes = check(case, body)
            works = {"with": backward(case, body, True), "without": backward(case, body, False)}
            found = alternate(works, runs, True, times)
            ours, theirs = ([run["backward"] for run in found[who]] for who in works)
            on = "network" if isinstance(body, Network) else "lines"
            title = f"W17 {on}, {nodes:,} nodes: {case.title}"
            rows.append(Row(title, True, "without", ours, theirs, BAR, per=nodes, at_most=True))
    return rows
