"""Data that are drawn from a seed: the same seed, the same numbers."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from chainrule.engine.numeric import counted

from ..arguments import count, finite_number, not_negative, seeded
from ..data.dataset import Dataset

__all__ = ["circles", "gaussians", "houses", "moons", "sine", "spirals", "xor"]

Floats = NDArray[np.float64]


def moons(n: int = 400, noise: float = 0.1, seed: int = 0) -> Dataset:
    """Two half moons, each of which reaches into the other; `noise` is the deviation of the points from them.

    Shapes: X (n, 2), y (n,), as many of each class, to within one.
    Errors: ValueError if n is below 2 or the noise negative.

    >>> moons()
    Dataset('moons', X (400, 2), y (400,), classes upper, lower)
    """
    rng, y = _start(n, 2, noise, seed)
    angle = rng.uniform(0, math.pi, n)
    upper = _at(angle)
    lower = np.column_stack([1 - np.cos(angle), 0.5 - np.sin(angle)])
    return _points("moons", np.where(y[:, None] == 0, upper, lower), y, noise, rng, ("upper", "lower"))


def circles(n: int = 400, noise: float = 0.05, seed: int = 0) -> Dataset:
    """A circle inside another one, of half its radius.

    Shapes: X (n, 2), y (n,), as many of each class, to within one.
    Errors: ValueError if n is below 2 or the noise negative.

    >>> circles()
    Dataset('circles', X (400, 2), y (400,), classes outer, inner)
    """
    rng, y = _start(n, 2, noise, seed)
    angle, radius = rng.uniform(0, 2 * math.pi, n), np.where(y == 0, 1.0, 0.5)
    on_circles = radius[:, None] * _at(angle)
    return _points("circles", on_circles, y, noise, rng, ("outer", "inner"))


def spirals(n: int = 400, noise: float = 0.02, seed: int = 0, arms: int = 2, turns: float = 1.5) -> Dataset:
    """Spirals around each other, `arms` of them; each goes round `turns` times, from the middle to a radius of 1.

    Shapes: X (n, 2), y (n,), as many of each class, to within one.
    Errors: ValueError if n is below the number of arms or the noise negative.

    >>> spirals(arms=3)
    Dataset('spirals', X (400, 2), y (400,), classes arm 1, arm 2, arm 3)
    """
    rng, y = _start(n, count("arms", arms), noise, seed)
    turns = finite_number("turns", turns)
    radius = np.sqrt(rng.uniform(0.01, 1.0, n))  # as many points on each piece of the same length
    angle = 2 * math.pi * (turns * radius + y / arms)
    names = tuple([f"arm {one}" for one in range(1, arms + 1)])
    on_arms = radius[:, None] * _at(angle)
    return _points("spirals", on_arms, y, noise, rng, names)


def xor(n: int = 400, noise: float = 0.0, seed: int = 0) -> Dataset:
    """Points of the square from -1 to 1: is exactly one of x1 and x2 above 0?

    Shapes: X (n, 2), y (n,), as many of each class, to within one.
    Errors: ValueError if n is below 2 or the noise negative.

    >>> xor()
    Dataset('xor', X (400, 2), y (400,), classes same, different)
    """
    rng, y = _start(n, 2, noise, seed)
    X = rng.uniform(0.0, 1.0, (n, 2)) * rng.choice([-1.0, 1.0], n)[:, None]  # both above 0, or both below
    X[:, 1] *= np.where(y == 0, 1.0, -1.0)
    return _points("xor", X, y, noise, rng, ("same", "different"))


def gaussians(n: int = 300, noise: float = 0.5, seed: int = 0, classes: int = 3) -> Dataset:
    """Clouds of points around centres that stand on a circle of radius 2.

    Shapes: X (n, 2), y (n,), as many of each class, to within one.
    Errors: ValueError if n is below the number of classes or the noise negative.

    >>> gaussians()
    Dataset('gaussians', X (300, 2), y (300,), classes cloud 1, cloud 2, cloud 3)
    """
    rng, y = _start(n, count("classes", classes), noise, seed)
    angle = 2 * math.pi * y / classes
    names = tuple([f"cloud {one}" for one in range(1, classes + 1)])
    return _points("gaussians", 2 * _at(angle), y, noise, rng, names)


def sine(n: int = 100, noise: float = 0.1, seed: int = 0) -> Dataset:
    """y = sin(x) for x from -π to π, with noise in y.

    Shapes: X (n, 1), y (n,).
    Errors: ValueError if n is below 1 or the noise negative.

    >>> sine()
    Dataset('sine', X (100, 1), y (100,))
    """
    rng, _ = _start(n, 1, noise, seed)
    x = rng.uniform(-math.pi, math.pi, n)
    return Dataset.from_arrays("sine", x[:, None], np.sin(x) + noise * rng.standard_normal(n), ["x"])


def houses(n: int = 500, noise: float = 0.05, seed: int = 0) -> Dataset:
    """Invented houses: what they cost by their area, their bedrooms and their age; `noise` is relative.

    The price is 40,000 + 2,100 · area + 9,000 · bedrooms, less a part for the age that comes near to 35 %.

    Shapes: X (n, 3), y (n,).
    Units: square metres, bedrooms, years -> euros.
    Errors: ValueError if n is below 1 or the noise negative.

    >>> houses()
    Dataset('houses', X (500, 3), y (500,))
    """
    rng, _ = _start(n, 1, noise, seed)
    area = rng.uniform(40, 240, n).round()
    bedrooms = np.clip((area / 40 + rng.normal(0, 0.8, n)).round(), 1, 6)
    age = rng.uniform(0, 80, n).round()
    worth = (40_000 + 2_100 * area + 9_000 * bedrooms) * (0.65 + 0.35 * np.exp(-age / 25))
    price = (worth * (1 + noise * rng.standard_normal(n))).round(-2)
    X = np.column_stack([area, bedrooms, age])
    return Dataset.from_arrays("houses", X, price, ["area", "bedrooms", "age"], target="price")


def _start(n: int, classes: int, noise: float, seed: int) -> tuple[np.random.Generator, NDArray[np.int64]]:
    """The generator, and the class of each point: 0, 1, …, 0, 1, …"""
    if count("n", n, "points", 0) < classes:
        raise ValueError(f"n={counted(n, 'point')} cannot be of {counted(classes, 'class')}; n is at least that")
    not_negative("noise", noise)
    return seeded("seed", seed), np.arange(n) % classes


def _at(angle: Floats) -> Floats:
    """The points of the circle of radius 1 at these angles.

    Shapes: angle (n,) -> (n, 2).
    """
    return np.column_stack([np.cos(angle), np.sin(angle)])


def _points(
    name: str, X: Floats, y: NDArray[np.int64], noise: float, rng: np.random.Generator, names: tuple[str, ...]
) -> Dataset:
    return Dataset.from_arrays(name, X + noise * rng.standard_normal(X.shape), y, ["x1", "x2"], names, "class")
