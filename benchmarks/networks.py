"""W3 to W7: training steps by compiled programs, by hand-written NumPy, by PyTorch and by JAX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import engine
from chainrule.nn import MLP, cross_entropy
from chainrule.nn.datasets import iris

from . import by_hand, reference
from .results import Result, compare, measure
from .training import LEARNING_RATE, hinge, moons

Batch = tuple[NDArray[np.float64], NDArray[Any]]
SCANNED = 50  # steps in one lax.scan where an epoch has one step
SAMPLE = 300  # parameters whose gradients are checked, where a complex step for each would take minutes


@dataclass(frozen=True)
class Problem:
    """A network and the batches that it is trained on."""

    name: str
    batches: Sequence[Batch]
    sizes: tuple[int, ...]
    activation: str
    penalty: float = 0.0

    def model(self) -> MLP:
        return MLP(self.sizes[0], self.sizes[1:], self.activation, rng=0)

    def theta(self) -> NDArray[np.float64]:
        return np.array([p.data for p in self.model().parameters()])

    def example_loss(self) -> tuple[Callable[[Any, Any], Any], list[engine.Value]]:
        """The loss of one example in scalars, and its parameters."""
        model = self.model()
        parameters = model.parameters()
        if self.sizes[-1] > 1:
            return lambda x, label: cross_entropy(model(x), label), parameters
        return lambda x, sign: hinge(model(x), sign) + self.penalty * sum(p * p for p in parameters), parameters

    @cached_property
    def program(self) -> engine.Program:
        return engine.compile(*self.example_loss())

    def formula(self, theta: Any, X: Any, y: Any) -> Any:
        out = reference.outputs(theta, self.sizes, X, reference.relu if self.activation == "relu" else np.tanh)[-1]
        loss = reference.hinge if self.sizes[-1] == 1 else reference.cross_entropy
        return loss(out, y) + self.penalty * (theta * theta).sum()

    def by_hand(self, theta: NDArray[np.float64], n: int, gradient: Any = None) -> by_hand.Step:
        if self.sizes[-1] == 1:
            return by_hand.moons(theta, self.sizes, n, self.penalty)
        if len(self.sizes) == 4:
            return by_hand.iris(theta, self.sizes, n)
        return by_hand.digits(theta, self.sizes, n, gradient)

    def check(self, peers: dict[str, ModuleType]) -> None:
        """Compare each engine's gradient with NumPy's, on the first batch and on the last, which may be smaller."""
        theta, program = self.theta(), self.program
        chosen = np.arange(len(theta))
        if len(theta) > 10 * SAMPLE:
            chosen = np.random.default_rng(0).choice(chosen, SAMPLE, replace=False)
        for X, y in (self.batches[0], self.batches[-1]):
            expected = reference.gradient(lambda p: self.formula(p, X, y), theta, chosen)  # noqa: B023  called here
            allowed = reference.tolerance(theta, self.sizes, X, chosen)
            found = {
                "chainrule": program.value_and_grad(X, y, at=theta)[1],
                "by hand": self.by_hand(theta, len(X))(X, y)[1],
            }
            if self.name == "W6":
                found["by hand, in place"] = self.by_hand(theta, len(X), np.empty(len(theta)))(X, y)[1]
            for name, peer in peers.items():
                network = peer.Network(theta, self.sizes, self.activation, self.penalty)
                found[name] = network.gradient(*peer.tensors(X, y))
            for who, gradient in found.items():
                reference.check(f"{self.name}, {who}", gradient[chosen], expected, allowed)
            reference.check(f"{self.name}, chainrule and by hand", found["chainrule"], found["by hand"], allowed.max())

    def gradients(self) -> dict[str, Callable[[], Any]]:
        """The work of computing value and gradient of all batches at one theta."""
        theta, program = self.theta(), self.program
        step = self.by_hand(theta, len(self.batches[0][0]))

        def ours() -> None:
            for X, y in self.batches:
                program.value_and_grad(X, y, at=theta)

        def hand() -> None:
            for X, y in self.batches:
                step(X, y)

        return {"chainrule": ours, "NumPy by hand": hand}

    def sgd(self, peers: dict[str, ModuleType]) -> dict[str, Callable[[], Any]]:
        """The work of a whole step of SGD on each batch."""
        theta, program = self.theta(), self.program

        def ours() -> None:
            for X, y in self.batches:
                _, gradient = program.value_and_grad(X, y, at=theta)
                np.subtract(theta, LEARNING_RATE * gradient, out=theta)

        def theirs(peer: ModuleType) -> Callable[[], None]:
            network = peer.Network(self.theta(), self.sizes, self.activation, self.penalty)
            batches = [peer.tensors(X, y) for X, y in self.batches]

            def steps() -> None:
                for X, y in batches:
                    network.step(X, y, LEARNING_RATE)

            return steps

        return {"chainrule": ours, **{name: theirs(peer) for name, peer in peers.items()}}

    def scans(self, jax: ModuleType) -> tuple[dict[str, Callable[[], Any]], int]:
        """The work of many steps of SGD, which JAX does in one lax.scan, and how many these are."""
        batches = self.batches if len(self.batches) > 1 else [*self.batches] * SCANNED
        theta, network = self.theta(), jax.Network(self.theta(), self.sizes, self.activation, self.penalty)
        stacked = jax.tensors(*map(np.stack, zip(*batches)))
        program = self.program

        def ours() -> None:
            for X, y in batches:
                _, gradient = program.value_and_grad(X, y, at=theta)
                np.subtract(theta, LEARNING_RATE * gradient, out=theta)

        def theirs() -> None:
            network.scan(*stacked, LEARNING_RATE)

        ours()
        theirs()
        allowed = reference.EPS * 1e6 * np.abs(theta).max()  # the steps' gradients were checked, one by one
        reference.check(f"{self.name}, JAX's lax.scan and chainrule", np.asarray(network.theta), theta, allowed)
        return {"chainrule": ours, "JAX, lax.scan": theirs}, len(batches)

    def adam(self, jax: ModuleType | None = None) -> dict[str, Callable[[], Any]]:
        """The work of an epoch with Adam, which is written by hand, for all sides the same."""
        theta, program = self.theta(), self.program
        update = by_hand.adam(theta)

        def ours() -> None:
            for X, y in self.batches:
                update(program.value_and_grad(X, y, at=theta)[1])

        own, gradient = self.theta(), np.empty_like(theta)
        own_update = by_hand.adam(own)
        steps = {n: self.by_hand(own, n, gradient) for n in {len(X) for X, _ in self.batches}}

        def hand() -> None:
            for X, y in self.batches:
                steps[len(X)](X, y)
                own_update(gradient)

        works = {"chainrule": ours, "NumPy by hand": hand}
        if jax is not None:
            stepping, scanning = (jax.Network(self.theta(), self.sizes, self.activation) for _ in range(2))
            batches = [jax.tensors(X, y) for X, y in self.batches]
            whole = jax.tensors(*map(np.stack, zip(*self.batches[:-1])), *self.batches[-1])

            def one_by_one() -> None:
                for X, y in batches:
                    stepping.adam(X, y)

            works |= {"JAX": one_by_one, "JAX, lax.scan": lambda: scanning.adam_epoch(*whole)}
            for work in works.values():
                work()
            # Adam divides by the size of a gradient, so that a parameter whose gradient is a rounding moves at random
            for network in (stepping, scanning):
                apart = np.sort(np.abs(np.asarray(network.state[0]) - theta))[: -len(theta) // 100]
                reference.check(f"{self.name}, JAX's Adam and chainrule's", apart, np.zeros_like(apart), 1e-9)
        return works


def split(X: NDArray[Any], y: NDArray[Any], size: int) -> list[Batch]:
    """Batches in a shuffled order, each a contiguous copy; the last may be smaller."""
    order = np.random.default_rng(0).permutation(len(X))
    return [(X[rows], y[rows]) for rows in np.split(order, range(size, len(X), size))]


def problems(small: bool) -> dict[str, Problem]:
    """W3 to W7. `small` ones are there to see whether the benchmark works."""
    X, y = iris()
    random = np.random.default_rng(0)
    pixels, inputs, hidden, examples = (6, 20, 8, 40) if small else (64, 784, 128, 1797)
    # They have the size of scikit-learn's digits and as many zeros; no time depends on the picture that they show.
    digits = random.integers(0, 17, (examples, pixels)) * random.integers(0, 2, (examples, pixels)) / 16.0
    whole = [tuple(moons(20 if small else 100))]
    return {
        "W3": Problem("W3", whole, (2, 4, 4, 1) if small else (2, 16, 16, 1), "relu", penalty=1e-4),
        "W4": Problem("W4", split(X, y, 150), (4, 16, 16, 3), "tanh"),
        "W5": Problem("W5", split(X, y, 16)[:9], (4, 16, 16, 3), "tanh"),
        "W6": Problem("W6", split(digits, random.integers(0, 10, examples), 32), (pixels, 32, 10), "relu"),
        "W7": Problem("W7", split(random.random((128, inputs)), random.integers(0, 10, 128), 128),
                      (inputs, hidden, 10), "relu"),
    }  # fmt: skip


TITLES = {
    "W3": "W3 moons, 100 at once",
    "W4": "W4 iris, 150 at once",
    "W5": "W5 iris, a mini-batch of 16",
    "W6": "W6 digits, an epoch with Adam",
    "W7": "W7 784-128-10, a batch of 128",
}


def compare_network(problem: Problem, peers: dict[str, ModuleType], runs: int, repeats: int) -> list[Result]:
    """Check the gradients of all engines, then time their work."""
    problem.check(peers)
    name, title = problem.name, TITLES[problem.name]
    if name == "W6":
        times = measure(problem.adam(peers.get("JAX")), runs, max(1, repeats // 200))
        return compare(title, times, {"NumPy by hand": 1 / 1.1})
    bar = 1 / 1.1 if name == "W7" else 1.0
    batches = len(problem.batches)
    repeats = max(1, repeats // (50 if name == "W7" else batches))
    works = problem.gradients()
    if name == "W7" and "JAX" in peers:
        jax = peers["JAX"]
        network, given = (
            jax.Network(problem.theta(), problem.sizes, problem.activation),
            jax.tensors(*problem.batches[0]),
        )
        works["JAX"] = lambda: network.value_and_grad(*given)
    times = measure(works, runs, repeats, per=batches)
    rows = compare(f"{title}: loss and gradient", times, {"NumPy by hand": bar})
    if name != "W7" and peers:
        times = measure(problem.sgd(peers), runs, max(1, repeats // 4), per=batches)
        rows += compare(f"{title}: step of SGD", times, dict.fromkeys(peers, 1.0))
    if name != "W7" and "JAX" in peers:
        works, steps = problem.scans(peers["JAX"])
        times = measure(works, runs, max(1, repeats // 4 // steps), per=steps)
        rows += compare(f"{title}: step of SGD, {steps} in a row", times, {})
    return rows
