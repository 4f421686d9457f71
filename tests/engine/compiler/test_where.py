"""The side of a where that is not taken poisons nothing; nor does what no pick, maximum or clip chose."""

import numpy as np
import pytest
from eager import close, examples, run

from chainrule import engine
from chainrule.engine import (
    Value,
    clip,
    dot,
    exp,
    gradients,
    log,
    logsumexp,
    maximum,
    minimum,
    pick,
    sin,
    sqrt,
    step,
    tanh,
    where,
)

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
    "an overflow": (
        lambda x: where(step(1.0 - x), tanh(x * W), where(step(x - 1.0), U, exp(x * 1e3))),
        lambda x: tanh(x * W) if x < 1 else U + 0.0,
    ),
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


# What is missing is nan, and nothing chooses it.
MISSING = np.array([[1.0, np.nan], [2.0, 3.0], [np.nan, 1.0], [np.inf, -2.0], [1e200, 0.5]])
THERE = np.abs(np.nan_to_num(MISSING, nan=np.inf)) < 1e100


def many_steps(v):
    """A long chain, which runs on columns, or on floats."""
    h = v
    for _ in range(150):
        h = tanh(h * W + v * U)
    return h


GUARDED = {
    "terms": lambda x, there: sum(where(known, w * v, 0.0) for w, v, known in zip((W, U), x, there)) ** 2,
    "squares": lambda x, there: where(there[0], x[0] * x[0] * W, U) + where(there[1], (x[1] * W + U) ** 2, 0.0),
    "neurons": lambda x, there: where(there[0] * there[1], tanh(dot([W, U], list(x))) * W, 0.5),
    "a pick": lambda x, there: pick([0.5, W * x[0]], there[0]) + pick([U, W * x[1] * x[1]], there[1]),
    "functions": lambda x, there: where(there[0], lambda: x[0] * W, lambda: U) + where(there[1], lambda: x[1] * U, W),
    "a long chain": lambda x, there: where(there[0], many_steps(x[0]), U) * W,
    "a minimum": lambda x, there: minimum(where(there[0], x[0] * W, 1.0), where(there[1], x[1] * x[1] * U, 2.0)),
}


@pytest.mark.parametrize("f", GUARDED.values(), ids=list(GUARDED))
def test_an_input_that_nothing_chooses_may_be_nan_or_infinite(f):
    runs = [run(f, [W, U], example) for example in examples([MISSING, THERE])]
    expected = np.array([one.to_parameters for one in runs])
    assert np.isfinite(expected).all()
    program, alone = engine.compile(f, [W, U]), engine.compile(f, [W, U], batch=False)
    value, gradient = program.value_and_grad(MISSING, THERE)
    assert close(value, np.mean([one.outputs[0] for one in runs]), 10.0)
    assert close(gradient, expected.mean(axis=0), 100.0).all()
    assert close(program.per_example(MISSING, THERE), expected, 100.0).all()
    assert close(program.input_gradients(MISSING, THERE)[0], [one.to_inputs[0] for one in runs], 10.0).all()
    for x, there, one in zip(MISSING, THERE, runs):
        assert close(alone.value_and_grad(x, there)[1], one.to_parameters, 100.0).all()
        assert close(alone.input_gradients(x, there)[0], one.to_inputs[0], 10.0).all()


Y = np.array([1, 1, 0, 0, 1])
CHOICES = {
    "pick": (lambda x, y: pick([sqrt(x) * W, x * W, x**0.5], y), np.array([0.0, 1.0, 4.0, 0.25, 0.0])),
    "maximum": (lambda x, y: maximum(sqrt(x) * W, x + 0.75), np.array([0.0, 4.0, 0.5, 1.0, 9.0])),
    "minimum": (lambda x, y: minimum(sqrt(x) * W, x * W - 1.0), np.array([0.0, 4.0, 0.25, 1.5, 9.0])),
    "clip": (lambda x, y: clip(sqrt(x) * W, 0.5, 1.5), np.array([0.0, 4.0, 0.25, 0.5, 0.1])),
}


@pytest.mark.parametrize(("f", "x"), CHOICES.values(), ids=list(CHOICES))
def test_what_is_not_chosen_has_the_gradient_of_eager_code(f, x):
    """At 0 the root that is not chosen has an infinite slope."""
    expected = []
    for number, label in zip(x, Y):
        given = Value(number)
        expected.append([slope.data for slope in gradients(f(given, int(label)), [given, W, U])])
    expected = np.array(expected)
    assert np.isfinite(expected).all()
    program = engine.compile(f, [W, U])
    assert close(program.input_gradients(x, Y)[0], expected[:, 0], 10.0).all()
    assert close(program.per_example(x, Y), expected[:, 1:], 10.0).all()
    assert close(program.value_and_grad(x, Y)[1], expected[:, 1:].mean(axis=0), 10.0).all()


def test_derivatives_in_a_function_are_masked_too():
    def f(x):
        return gradients(where(step(x), log(x) * W, x * x * x), [x])[0]

    program, x = engine.compile(f, [W]), np.array([-1.0, 0.0, 2.0, 4.0])
    assert program(x) == pytest.approx([3.0, 0.0, 1.0, 0.5], rel=1e-14)
    assert program.per_example(x)[:, 0] == pytest.approx([0.0, 0.0, 0.5, 0.25], rel=1e-14)
    assert program.input_gradients(x) == pytest.approx([-6.0, 0.0, -0.5, -0.125], rel=1e-14)


def test_the_gradient_of_what_was_computed_before_follows_the_parameters():
    w, c = Value(2.0), Value(3.0)
    y = w * w * c
    program = engine.compile(lambda x: gradients(y, [w])[0] * x + gradients(y, [c])[0], [w])
    assert program(np.array([1.0, 2.0])).tolist() == [16.0, 28.0]
    assert program(np.array([1.0, 2.0]), at=[1.0]).tolist() == [7.0, 13.0]


def test_a_where_of_what_has_a_slope_everywhere_costs_nothing():
    program = engine.compile(lambda x: where(x, tanh(W * x), tanh(U * x)), [W, U])
    program.value_and_grad(X)
    assert program.source.count("np.where") == 3  # the value, and the slopes of its two sides
