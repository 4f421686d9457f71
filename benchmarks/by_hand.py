"""Training steps in NumPy by hand, as fast as we could write them, for compiled programs to keep up with.

Each has one flat theta, which the caller updates in place. Weights and biases are views of it, of the shape (neurons,
inputs + 1). Activations have a row for each neuron and a row of ones, so that one product gives sums and biases, and
one product both gradients. Only the gradient that is returned is allocated. The method `dot` takes the place of
`np.matmul`, since it has half the overhead. The local derivatives of both hidden layers are computed together. The
table of the labels has 1/n and -1/n in it, so that one product gives the mean of a cross-entropy. The functions are
long and written out, since each look-up and each call would take time. README.md beside this file names variants that
were slower.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Flat = NDArray[np.float64]
Step = Callable[[Any, Any], tuple[float, Flat]]  # X (n, features), y (n,) -> mean loss, gradient (P,)


def layers_of(flat: Any, sizes: Sequence[int]) -> list[Any]:
    """Views of the flat parameters: for each layer an array (neurons, inputs + 1), whose last column is the bias."""
    views, start = [], 0
    for inputs, neurons in pairwise(sizes):
        end = start + neurons * (inputs + 1)
        views.append(flat[start:end].reshape(neurons, inputs + 1))
        start = end
    return views


def softmax_cross_entropy(logits: Flat) -> tuple[Callable[[Any], float], Flat]:
    """A function of the labels that returns the mean loss of logits (classes, n), and the array where it writes their
    gradient."""
    classes, n = logits.shape
    top, total, share, both = np.empty(n), np.empty(n), np.empty(n), np.empty((classes + 1, n))
    shifted, logs = both[:-1], both[-1]
    slopes, factors, ones = np.empty((classes, n)), np.empty((classes + 1, n)), np.ones(classes)
    hot, one = factors[:-1], np.full(n, 1 / n)
    sum_up, take, mean = ones.dot, np.vstack([np.eye(classes) / n, np.full(classes, -1 / n)]).take, both.reshape(-1).dot
    weights = factors.reshape(-1)
    maximum, subtract, exp, log, divide, multiply = np.maximum, np.subtract, np.exp, np.log, np.divide, np.multiply
    largest = np.maximum.reduce

    def head(labels: Any) -> float:
        largest(logits, axis=0, out=top)
        subtract(logits, top, shifted)
        exp(shifted, slopes)
        sum_up(slopes, total)
        log(total, logs)
        take(labels, 1, factors, "clip")
        divide(one, total, share)
        multiply(slopes, share, slopes)
        subtract(slopes, hot, slopes)
        return -float(mean(weights))

    def head_of_three(labels: Any) -> float:
        maximum(first, second, out=top)  # two calls cost less than one reduction over three rows
        maximum(top, third, out=top)
        subtract(logits, top, shifted)
        exp(shifted, slopes)
        sums_up(slopes, sums)  # n times the sum for each class: to divide three rows by one row takes twice the time
        log(whole, logs)
        take(labels, 1, factors, "clip")
        divide(slopes, divisors, slopes)
        subtract(slopes, hot, slopes)
        return -float(mean(weights))

    if classes == 3:
        first, second, third = logits
        sums, sums_up = np.empty((4, n)), np.vstack([np.full((3, 3), float(n)), ones]).dot
        divisors, whole = sums[:-1], sums[-1]
        return head_of_three, slopes
    return head, slopes


def moons(theta: Flat, sizes: Sequence[int], n: int, penalty: float) -> Step:
    """Two hidden layers of ReLU, one score, and the mean hinge loss + penalty · Σp². Labels are -1 and 1."""
    features, wide, _, _ = sizes
    w1, w2, w3 = layers_of(theta, sizes)
    gradient = np.empty(len(theta))
    g1, g2, g3 = layers_of(gradient, sizes)
    x, both = np.ones((features + 1, n)), np.ones((2 * wide + 2, n))
    h1, h2 = both[: wide + 1], both[wide + 1 :]
    slopes = np.empty((2 * wide + 2, n))
    s1, s2 = slopes[:wide], slopes[wide + 1 : -1]
    inputs, a1, a2, xt, h1t, g3 = x[:-1], h1[:-1], h2[:-1], x.T, h1.T, g3[0]
    d1, d2, d3, zeros = np.empty((wide, n)), np.empty((wide, n)), np.empty((1, n)), np.zeros((wide, n))
    score, margin, lack, dscore = np.empty(n), np.empty(n), np.empty(n), d3[0]
    ones, none, share, minus = np.ones(n), np.zeros(n), np.full(n, 1 / n), np.full(n, -1 / n)
    twice = np.full(len(theta), 2 * penalty)
    forward1, forward2, forward3 = w1.dot, w2.dot, w3[0].dot
    back3, back2 = w3[:, :-1].T.dot, w2[:, :-1].T.dot
    outer3, outer2, outer1, mean, squares = h2.dot, d2.dot, d1.dot, lack.dot, theta.dot
    add, subtract, multiply, maximum, minimum = np.add, np.subtract, np.multiply, np.maximum, np.minimum
    ceil, sign, every = np.ceil, np.sign, np.ones((2 * wide + 2, n))

    def step(X: Any, y: Any) -> tuple[float, Flat]:
        inputs[...] = X.T
        forward1(x, a1)
        maximum(a1, zeros, out=a1)
        forward2(h1, a2)
        maximum(a2, zeros, out=a2)
        forward3(h2, score)
        multiply(score, y, margin)
        subtract(ones, margin, margin)
        maximum(margin, none, out=lack)
        loss = mean(share) + penalty * squares(theta)
        sign(lack, dscore)
        multiply(dscore, y, dscore)
        multiply(dscore, minus, dscore)
        outer3(dscore, g3)
        ceil(both, slopes)  # relu's derivative is 1 where relu is positive; np.sign takes longer than these two
        minimum(slopes, every, out=slopes)
        back3(d3, d2)
        multiply(d2, s2, d2)
        outer2(h1t, g2)
        back2(d2, d1)
        multiply(d1, s1, d1)
        outer1(xt, g1)
        fresh = theta * twice
        add(fresh, gradient, fresh)
        return float(loss), fresh

    return step


def iris(theta: Flat, sizes: Sequence[int], n: int) -> Step:
    """Two hidden layers of tanh, and the mean cross-entropy."""
    features, wide, _, classes = sizes
    w1, w2, w3 = layers_of(theta, sizes)
    gradient = np.empty(len(theta))
    g1, g2, g3 = layers_of(gradient, sizes)
    x, both = np.ones((features + 1, n)), np.ones((2 * wide + 2, n))
    h1, h2 = both[: wide + 1], both[wide + 1 :]
    slopes, ones = np.empty((2 * wide + 2, n)), np.ones((2 * wide + 2, n))
    s1, s2 = slopes[:wide], slopes[wide + 1 : -1]
    inputs, a1, a2, xt, h1t, h2t = x[:-1], h1[:-1], h2[:-1], x.T, h1.T, h2.T
    d1, d2, logits = np.empty((wide, n)), np.empty((wide, n)), np.empty((classes, n))
    head, d3 = softmax_cross_entropy(logits)
    forward1, forward2, forward3 = w1.dot, w2.dot, w3.dot
    back3, back2 = w3[:, :-1].T.dot, w2[:, :-1].T.dot
    outer3, outer2, outer1, copy = d3.dot, d2.dot, d1.dot, gradient.copy
    subtract, multiply, square, tanh = np.subtract, np.multiply, np.square, np.tanh

    def step(X: Any, y: Any) -> tuple[float, Flat]:
        inputs[...] = X.T
        forward1(x, a1)
        tanh(a1, a1)
        forward2(h1, a2)
        tanh(a2, a2)
        forward3(h2, logits)
        loss = head(y)
        outer3(h2t, g3)
        square(both, slopes)
        subtract(ones, slopes, slopes)
        back3(d3, d2)
        multiply(d2, s2, d2)
        outer2(h1t, g2)
        back2(d2, d1)
        multiply(d1, s1, d1)
        outer1(xt, g1)
        return loss, copy()

    return step


def digits(theta: Flat, sizes: Sequence[int], n: int, gradient: Flat | None = None) -> Step:
    """One hidden layer of ReLU, and the mean cross-entropy. Each step writes into `gradient`, if it is given.

    The examples stay rows here, since BLAS takes their transpose as it is: so the many features need not be copied.
    """
    features, wide, classes = sizes
    w1, w2 = layers_of(theta, sizes)
    x, hidden = np.ones((n, features + 1)), np.ones((wide + 1, n))
    inputs, xt, a, ht, zeros = x[:, :-1], x.T, hidden[:-1], hidden.T, np.zeros((wide, n))
    d1, slopes, logits = np.empty((wide, n)), np.empty((wide, n)), np.empty((classes, n))
    head, d2 = softmax_cross_entropy(logits)
    forward1, forward2, back2, outer2, outer1 = w1.dot, w2.dot, w2[:, :-1].T.dot, d2.dot, d1.dot
    copyto, multiply, maximum, minimum, ceil = np.copyto, np.multiply, np.maximum, np.minimum, np.ceil
    empty, ones = np.empty, np.ones((wide, n))
    owned = None if gradient is None else (gradient, *layers_of(gradient, sizes))
    split, shape1, shape2, total = wide * (features + 1), w1.shape, w2.shape, len(theta)

    def step(X: Any, y: Any) -> tuple[float, Flat]:
        copyto(inputs, X)
        forward1(xt, a)
        maximum(a, zeros, out=a)
        forward2(hidden, logits)
        loss = head(y)
        if owned:
            fresh, g1, g2 = owned
        else:  # written into the array that is returned: a copy of 100,000 numbers costs more than two views
            fresh = empty(total)
            g1, g2 = fresh[:split].reshape(shape1), fresh[split:].reshape(shape2)
        outer2(ht, g2)
        back2(d2, d1)
        ceil(a, slopes)
        minimum(slopes, ones, out=slopes)
        multiply(d1, slopes, d1)
        outer1(x, g1)
        return loss, fresh

    return step


def adam(theta: Flat, rate: float = 0.001, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> Any:
    """A function of the gradient that moves theta in place by Adam's rule (Kingma & Ba, 2015, algorithm 1).

    The running means are kept without their factors 1 - beta, and two scalars have both corrections in them, so that
    ten passes over the arrays are enough.
    """
    mean, mean_square, helper = np.zeros_like(theta), np.zeros_like(theta), np.empty_like(theta)
    steps = 0
    add, subtract, multiply, divide, square, sqrt = np.add, np.subtract, np.multiply, np.divide, np.square, np.sqrt

    def update(gradient: Flat) -> None:
        nonlocal steps
        steps += 1
        scale = ((1 - beta2) / (1 - beta2**steps)) ** 0.5
        multiply(mean, beta1, mean)
        add(mean, gradient, mean)
        multiply(mean_square, beta2, mean_square)
        square(gradient, helper)
        add(mean_square, helper, mean_square)
        sqrt(mean_square, helper)
        add(helper, epsilon / scale, helper)
        divide(mean, helper, helper)
        multiply(helper, rate * (1 - beta1) / (1 - beta1**steps) / scale, helper)
        subtract(theta, helper, theta)

    return update
