"""The side of a where that is not taken poisons nothing, whatever it would be; derivatives too."""

import numpy as np
import pytest
from eager import close

from chainrule import engine
from chainrule.engine import Value, dot, log, logsumexp, maximum, sin, sqrt, step, tanh, where

X = np.array([-1.0, 0.0, 4.0, 0.25, 2.0])
W, U = Value(2.0, label="w"), Value(-1.0, label="u")

# A where, and what it means: a function of the example's number that takes one side only.
SIDES = {
    "a root": (lambda x: where(step(x), sqrt(x) * W, 0.0), lambda x: sqrt(x) * W if x > 0 else 0.0 * W),
    "the root of a maximum": (
        lambda x: where(step(x), sqrt(maximum(x, 0.0)) * W, x),
        lambda x: sqrt(x) * W if x > 0 else x + 0.0,
    ),
    "a logarithm, both sides": (
        lambda x: where(step(x), log(x) * W + x * U, x * W),
        lambda x: log(x) * W + x * U if x > 0 else x * W,
    ),
    "x log x": (lambda x: where(step(x), x * W * log(x), 0.0), lambda x: x * W * log(x) if x > 0 else 0.0 * W),
    "sin(x) / x": (lambda x: where(x * x, sin(x * W) / x, 1.0 * W), lambda x: sin(x * W) / x if float(x) else 1.0 * W),
    "a power": (lambda x: where(step(x), x**W, 0.0), lambda x: x**W if x > 0 else 0.0 * W),
    "a dot product": (
        lambda x: where(step(x), dot([W, U], [sqrt(x), log(x)]), 0.0),
        lambda x: dot([W, U], [sqrt(x), log(x)]) if x > 0 else 0.0 * W,
    ),
    "a logsumexp": (
        lambda x: where(step(x), logsumexp([sqrt(x) * W, log(x)]), x * W),
        lambda x: logsumexp([sqrt(x) * W, log(x)]) if x > 0 else x * W,
    ),
    "a where in a where": (
        lambda x: where(step(x), where(step(x - 1.0), log(x - 1.0) * W, sqrt(x)), 0.0),
        lambda x: (log(x - 1.0) * W if x > 1 else sqrt(x)) if x > 0 else 0.0 * W,
    ),
    "a network behind it": (
        lambda x: tanh(where(step(x), tanh(W * sqrt(x) + U) * U + 1.0 / x, W)) * W,
        lambda x: tanh(tanh(W * sqrt(x) + U) * U + 1.0 / x if x > 0 else W) * W,
    ),
    "parameters alone": (lambda x: where(step(U), sqrt(U), x) * W, lambda x: x * W),
}


@pytest.mark.parametrize(("f", "meant"), SIDES.values(), ids=list(SIDES))
def test_only_the_side_that_is_taken_counts(f, meant):
    program = engine.compile(f, [W, U])
    alone = engine.compile(f, [W, U], batch=False)
    for x, each, slope, value in zip(X, program.per_example(X), program.input_gradients(X), program(X)):
        given = Value(x)
        expected = meant(given)
        wanted = engine.gradients(expected, [W, U, given])
        slopes = np.array([one.data for one in wanted])
        assert close(value, expected.data, 1.0) and close(alone(x), expected.data, 1.0)
        assert close([*each, slope], slopes, 10.0).all()
        assert close([*alone.per_example(x), alone.input_gradients(x)], slopes, 10.0).all()
        assert close(alone.value_and_grad(x)[1], slopes[:2], 10.0).all()
        assert close(engine.compile(f, [W, U]).value_and_grad(np.array([x, x]))[1], slopes[:2], 10.0).all()
    assert close(program.value_and_grad(X)[1], program.per_example(X).mean(axis=0), 10.0).all()


def test_a_where_of_what_has_a_slope_everywhere_costs_nothing():
    program = engine.compile(lambda x: where(x, tanh(W * x), tanh(U * x)), [W, U])
    program.value_and_grad(X)
    assert program.source.count("np.where") == 3  # the value, and the slopes of its two sides
