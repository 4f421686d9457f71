"""Compiled programs against the same code run on Values, example by example: random ones, and kinds that people write."""

import random
import threading

import mpmath
import numpy as np
import pytest
from eager import ROUNDING, assert_same, close, examples, run, wrapped
from graphs import random_graph, replay
from hypothesis import given, settings
from hypothesis import strategies as st
from mathematics import MEANING, call, holds
from mpmath import mpf

import engine
from engine import Value, cos, dot, exp, grad, gradients, hessian, log, logsumexp, maximum, pick, sin, tanh, total, where
from nn import MLP, cross_entropy, mse

# --- random programs of all rows


def numbers_of(op, arguments, made):
    return [made[id(a)] if isinstance(a, Value) else a for a in arguments]


def defined(leaves, recipe, numbers):
    """Whether all rules hold on the way from these numbers, and nothing is large."""
    try:
        made = replay(leaves, recipe, numbers)
    except ValueError:
        return False
    known = dict(zip(map(id, leaves), numbers)) | {id(node): number for (node, _, _), number in zip(recipe, made)}
    return all(abs(n) < 100.0 for n in made) and all(holds(op, numbers_of(op, args, known)) for _, op, args in recipe)


def rows_near(leaves, recipe, chance, how_many):
    """Inputs for that many examples, the parameters (the last two leaves) as they are."""
    here = [leaf.data for leaf in leaves]
    rows = [here]
    while len(rows) < how_many:
        size = chance.choice([1.0, 0.1])
        while True:
            row = [x + size * chance.uniform(-1.0, 1.0) for x in here[:-2]] + here[-2:]
            if defined(leaves, recipe, row):
                break
            size /= 2.0
        rows.append(row)
    return np.array(rows)[:, :-2]


def random_program(seed, size, how_many):
    """(leaves, recipe, f, parameters, inputs): f takes one number and two, and replays a random graph."""
    leaves, recipe, _ = random_graph(seed, size, 5)
    chance, parameters = random.Random(seed), leaves[-2:]
    constant = Value if seed % 4 == 0 else lambda number: number
    rows = rows_near(leaves, recipe, chance, how_many)

    def f(x, pair):
        return replay(leaves, recipe, [x, *pair, *parameters], constant=constant)[-1]

    return leaves, recipe, f, parameters, (rows[:, 0], rows[:, 1:])


def exactly(leaves, recipe, numbers):
    """The value and its slopes to all leaves, to 20 digits or more, from the meaning of the rows and differences."""
    with mpmath.workdps(60):
        step, exact = mpf(10) ** -20, [mpf(float(number)) for number in numbers]

        def value(place=0, change=0):
            changed = [x + change * (i == place) for i, x in enumerate(exact)]
            meant = replay(leaves, recipe, changed, lambda op, n, wrap: MEANING[op.name](*map(wrap, n)), mpf)
            return meant[-1]

        slopes = [(value(place, step) - value(place, -step)) / (2 * step) for place in range(len(exact))]
        return np.array([value(), *slopes])


def assert_as_good_as_eager(got, expected, sizes, leaves, recipe, numbers):
    """Within ROUNDING of the eager numbers; where a program magnifies errors, no farther from the truth than 10 times."""
    if not close(got, expected, sizes).all():
        exact = exactly(leaves, recipe, numbers)
        errors, eager_errors = (np.abs(these - exact).astype(float) for these in (got, expected))
        allowed = 10.0 * eager_errors + ROUNDING * np.maximum(1.0, np.abs(exact.astype(float)))
        assert (errors <= allowed).all(), (errors / allowed, [op.name for _, op, _ in recipe])


def assert_program_is_eager_code(seed, size, how_many=4):
    leaves, recipe, f, parameters, inputs = random_program(seed, size, how_many)
    program, single = (engine.compile(f, params=parameters, batch=batch) for batch in (True, False))
    values, each, (to_x, to_pair) = program(*inputs), program.per_example(*inputs), program.input_gradients(*inputs)
    for i, example in enumerate(examples(inputs)):
        expected = run(f, parameters, example)
        numbers = [example[0], *example[1], *(p.data for p in parameters)]
        wanted = np.hstack([*expected.outputs, *expected.to_inputs, expected.to_parameters])
        sizes = np.hstack([expected.value_terms, *expected.input_terms, expected.parameter_terms])
        got = np.hstack([values[i], to_x[i], to_pair[i], each[i]])
        assert_as_good_as_eager(got, wanted, sizes, leaves, recipe, numbers)
        assert single(*example) == expected.outputs[0]  # straight-line Python: the same functions in the same order
        got = np.hstack([single(*example), *single.input_gradients(*example), single.value_and_grad(*example)[1]])
        assert_as_good_as_eager(got, wanted, sizes, leaves, recipe, numbers)
    assert_mean_and_theta(program, inputs, values, each)


def assert_mean_and_theta(program, inputs, values, each):
    """value_and_grad is the mean of per_example; `at` is as good as the Values, which it leaves alone."""
    mean, gradient = program.value_and_grad(*inputs)
    assert mean == pytest.approx(values.mean(), rel=1e-14, abs=1e-14 * np.abs(values).max())
    # n additions, each rounded to eps / 2 of what is added so far
    assert (np.abs(gradient - each.mean(axis=0)) <= 1e-15 * len(each) * np.abs(each).max(axis=0)).all()
    theta = program.parameters()
    program.assign(theta + 1.0)
    assert (program.parameters() == theta + 1.0).all()
    assert (program(*inputs, at=theta) == values).all()
    assert (program.per_example(*inputs, at=theta) == each).all()
    again, slope = program.value_and_grad(*inputs, at=theta)
    assert again == mean and (slope == gradient).all() and (program.parameters() == theta + 1.0).all()


@given(seed=st.integers(0, 2**32), size=st.integers(1, 40))
def test_a_random_program_gives_what_eager_code_gives(seed, size):
    assert_program_is_eager_code(seed, size)


@settings(max_examples=10)
@given(seed=st.integers(0, 2**32), size=st.integers(60, 150))
def test_a_large_random_program_gives_what_eager_code_gives(seed, size):
    assert_program_is_eager_code(seed, size, 2)


@pytest.mark.campaign
def test_thousands_of_random_programs_give_what_eager_code_gives():
    for seed in range(4000):
        assert_program_is_eager_code(seed, 1 + seed % 97, 2 + seed % 3)


def test_random_programs_reach_every_row():
    made = {op.name for seed in range(60) for _, op, _ in random_graph(seed, 40, 5)[1]}
    assert made == set(engine.OPS)


def test_mpmath_of_these_tests_knows_the_product_rule():
    x, y = Value(3.0), Value(4.0)
    product = x * y
    assert exactly([x, y], [(product, engine.multiply, (x, y))], [3.0, 4.0]).astype(float).tolist() == [12.0, 4.0, 3.0]
