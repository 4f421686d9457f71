"""Compiled programs agree with the same code run eagerly: random programs, and programs that people write."""

import random
import sys
import threading

import mpmath
import numpy as np
import pytest
from eager import ROUNDING, assert_same, close, examples, run
from graphs import random_graph, replay
from hypothesis import given, settings
from hypothesis import strategies as st
from mathematics import MEANING, holds
from mpmath import mpf

from chainrule import engine
from chainrule.engine import (
    Value,
    cos,
    dot,
    erf,
    exp,
    grad,
    gradients,
    hessian,
    log,
    logsumexp,
    maximum,
    pick,
    sin,
    softplus,
    tanh,
    total,
    where,
)
from chainrule.nn import MLP, cross_entropy, mse

# --- random programs of all rows


def numbers_of(op, arguments, made):
    return [made[id(a)] if isinstance(a, Value) else a for a in arguments]


def defined(leaves, recipe, numbers):
    """Whether all rules hold at the numbers that these leaves lead to, and none of the numbers is large."""
    try:
        made = replay(leaves, recipe, numbers)
    except ValueError:
        return False
    known = dict(zip(map(id, leaves), numbers)) | {id(node): number for (node, _, _), number in zip(recipe, made)}
    return all(abs(n) < 1000.0 for n in made) and all(holds(op, numbers_of(op, args, known)) for _, op, args in recipe)


def rows_near(leaves, recipe, chance, how_many):
    """Inputs for so many examples, near those of the graph; the parameters, its last two leaves, stay as they are."""
    here = [leaf.data for leaf in leaves]
    rows = [here]
    while len(rows) < how_many:
        size = chance.choice([2.0, 0.2])
        row = None
        while row is None or not defined(leaves, recipe, row):
            size = size / 2.0 if size > 1e-9 else 0.0
            row = [x + size * chance.uniform(-1.0, 1.0) for x in here[:-2]] + here[-2:]
        rows.append(row)
    return np.array(rows)[:, :-2]


def random_program(seed, size, how_many):
    """(leaves, recipe, f, parameters, inputs): f takes one number and a pair of numbers, and replays a random graph."""
    leaves, recipe, _ = random_graph(seed, size, 5)
    chance, parameters = random.Random(seed), leaves[-2:]
    constant = Value if seed % 4 == 0 else lambda number: number
    rows = rows_near(leaves, recipe, chance, how_many)

    def f(x, pair):
        return replay(leaves, recipe, [x, *pair, *parameters], constant=constant)[-1]

    return leaves, recipe, f, parameters, (rows[:, 0], rows[:, 1:])


def exactly(leaves, recipe, numbers):
    """The value and its derivatives to all leaves, to 20 digits or more: differences of the meaning of the rows."""
    with mpmath.workdps(60):
        step, exact = mpf(10) ** -20, [mpf(float(number)) for number in numbers]

        def value(place=0, change=0):
            changed = [x + change * (i == place) for i, x in enumerate(exact)]
            meant = replay(leaves, recipe, changed, lambda op, n, wrap: MEANING[op.name](*map(wrap, n)), mpf)
            return meant[-1]

        slopes = [(value(place, step) - value(place, -step)) / (2 * step) for place in range(len(exact))]
        return np.array([value(), *slopes])


def assert_as_good_as_eager(got, expected, sizes, leaves, recipe, numbers):
    """Assert that these numbers are those of eager code within ROUNDING or, where rounding errors are magnified, that
    their errors are at most 10 times as large as those of eager code."""
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
        assert single(*example) == expected.outputs[0]  # Python on floats calls the same functions in the same order
        got = np.hstack([single(*example), *single.input_gradients(*example), single.value_and_grad(*example)[1]])
        assert_as_good_as_eager(got, wanted, sizes, leaves, recipe, numbers)
    assert_mean_and_theta(program, inputs, values, each)


def assert_mean_and_theta(program, inputs, values, each):
    """Assert that value_and_grad gives the mean of per_example, and that `at` replaces the Values' data unchanged."""
    mean, gradient = program.value_and_grad(*inputs)
    assert mean == pytest.approx(values.mean(), rel=1e-14, abs=1e-14 * np.abs(values).max())
    # The mean comes from another program, over whole arrays: each of the two is exact within ROUNDING.
    assert (np.abs(gradient - each.mean(axis=0)) <= 2e-12 * np.maximum(1.0, np.abs(each).sum(axis=0))).all()
    theta = program.parameters()
    program.assign(theta + 1.0)
    assert (program.parameters() == theta + 1.0).all()
    assert (program(*inputs, at=theta) == values).all()
    assert (program.per_example(*inputs, at=theta) == each).all()
    again, slope = program.value_and_grad(*inputs, at=theta)
    assert again == mean and (slope == gradient).all() and (program.parameters() == theta + 1.0).all()


@given(seed=st.integers(0, 2**32), size=st.integers(1, 40))
def test_random_programs_agree_with_eager_code(seed, size):
    assert_program_is_eager_code(seed, size)


@settings(max_examples=10)
@given(seed=st.integers(0, 2**32), size=st.integers(60, 150))
def test_large_random_programs_agree_with_eager_code(seed, size):
    assert_program_is_eager_code(seed, size, 2)


def test_gradients_of_one_array_that_wait_for_different_factors_share_no_memory():
    assert_program_is_eager_code(270, 77, 2)  # two gradients once had the same name, and so shared memory


@pytest.mark.campaign
def test_thousands_of_random_programs_agree_with_eager_code():
    for seed in range(4000):
        assert_program_is_eager_code(seed, 1 + seed % 97, 2 + seed % 3)


def test_random_programs_use_every_row():
    made = {op.name for seed in range(120) for _, op, _ in random_graph(seed, 40, 5)[1]}
    assert made == set(engine.OPS)


def test_the_exact_numbers_of_these_tests_follow_the_product_rule():
    x, y = Value(3.0), Value(4.0)
    product = x * y
    assert exactly([x, y], [(product, engine.multiply, (x, y))], [3.0, 4.0]).astype(float).tolist() == [12.0, 4.0, 3.0]


# --- kinds of programs that people write


def table(chance, *shape):
    """Parameters in nested lists, and all of them in one flat list."""
    values = np.frompyfunc(lambda x: Value(x), 1, 1)(chance.uniform(-1.0, 1.0, shape))
    return values.tolist(), list(values.flat)


def inputs_in_the_loss(chance):
    (w, b), parameters = table(chance, 2)
    return lambda x, y: (w * x + b - y) ** 2 + x * y + y, parameters, (chance.normal(size=5), chance.normal(size=5))


def parameter_many_times(chance):
    (w, _), parameters = table(chance, 2)  # the second parameter is not used
    return lambda x: w * x + w * w * sin(w * x) - x / (2.0 + w), parameters, (chance.normal(size=4),)


def no_input_in_the_loss(chance):
    (w, v), parameters = table(chance, 2)
    return lambda x: w * w * exp(v), parameters, (chance.normal(size=3),)


def input_itself(chance):
    return lambda x: x, [Value(1.0)], (chance.normal(size=3),)


def a_number(chance):
    return lambda x: 3.0, [Value(1.0)], (chance.normal(size=3),)


def unrolled_loop(chance):
    (a, b), parameters = table(chance, 2)

    def newton(x):
        y = 1.0 + x * x
        for _ in range(6):
            y = y - (y * y - exp(a * x) - b * b) / (2.0 * y)
        return y

    return newton, parameters, (chance.normal(size=5),)


def recurrent_net(chance):
    (inner, outer, read), parameters = table(chance, 3, 3, 3)

    def f(sequence):
        state = [0.0, 0.0, 0.0]
        for x in sequence:
            state = [tanh(dot(inner[i], state) + dot(outer[i][:2], list(x)) + outer[i][2]) for i in range(3)]
        return dot(read[0], state) ** 2

    return f, parameters, (chance.normal(size=(4, 5, 2)),)


def causal_attention(chance):
    (query, key, value), parameters = table(chance, 3, 2, 2)

    def f(sequence):
        keys, values, loss = [], [], 0.0
        for x in sequence:
            q, k, v = ([dot(row, list(x)) for row in matrix] for matrix in (query, key, value))
            keys.append(k)
            values.append(v)
            scores = [dot(q, k) / 2.0**0.5 for k in keys]
            whole = logsumexp(scores)
            weights = [exp(score - whole) for score in scores]
            loss = loss + total([dot(weights, [v[i] for v in values]) ** 2 for i in range(2)])
        return loss

    return f, parameters, (chance.normal(size=(3, 4, 2)),)


def embedding(chance):
    rows, parameters = table(chance, 5, 3)

    def f(tokens, target):
        looked_up = [[pick(column, token) for column in zip(*rows)] for token in tokens]
        mean = [total(column) / len(tokens) for column in zip(*looked_up)]
        return cross_entropy([dot(row, mean) for row in rows], target)  # the table is tied: it is the output layer, too

    return f, parameters, (chance.integers(0, 5, (6, 4)), chance.integers(0, 5, 6))


def classifier(chance):
    model = MLP(3, [4, 3], activation="tanh", rng=1)
    return lambda x, y: cross_entropy(model(x), y), model.parameters(), (chance.normal(size=(5, 3)), np.arange(5) % 3)


def regression_with_relu(chance):
    model = MLP(3, [4, 2], activation="relu", rng=1)
    return lambda x, y: mse(model(x), y), model.parameters(), (chance.normal(size=(5, 3)), chance.normal(size=(5, 2)))


def gradient_penalty(chance):
    model = MLP(2, [3, 1], activation="tanh", rng=2)

    def f(x):
        y = model(x)
        return y + total([slope**2 for slope in gradients(y, list(x))])

    return f, model.parameters(), (chance.normal(size=(4, 2)),)


def differential_equation(chance):
    (a, b, c, d), parameters = table(chance, 4)

    def f(x):
        def u(t):
            return c * tanh(a * t + b) + d * t

        return (grad(grad(u))(x) + u(x) - sin(x)) ** 2

    return f, parameters, (chance.normal(size=5),)


def hessian_inside(chance):
    (a, b), parameters = table(chance, 2)

    def f(x):
        h = hessian(lambda v: a * v[0] ** 3 * v[1] + exp(b * v[1] * v[0]))(x)
        return h[0, 0] * h[1, 1] - h[0, 1] * h[1, 0]

    return f, parameters, (chance.normal(size=(4, 2)),)


def neighbours_share_an_upstream_gradient(chance):
    (p, q), parameters = table(chance, 2)

    def f(x):
        a, b, c = x
        shifted = c - q
        bell = erf(shifted)
        first = dot([b, a * c], [a * c, b])
        return softplus(first + b * b) + maximum(total([p, q, shifted, bell]), dot([-1.5, 1.2], [shifted, bell]))

    return f, parameters, (chance.normal(size=(3, 3)),)


def branches_as_operations(chance):
    (a,), parameters = table(chance, 1)
    return lambda x: where(x.step(), a * x, -x) + maximum(x, a), parameters, (chance.normal(size=6),)


def one_example(chance):
    (w,), parameters = table(chance, 1)
    return lambda x: tanh(w * x[0] - x[1]), parameters, (chance.normal(size=(1, 2)),)


def shared_bare_numbers(chance):
    (w,), parameters = table(chance, 1)
    return lambda x, scale, power: scale * tanh(w * x) ** power, parameters, (chance.normal(size=4), 0.7, 2)


def integers_in_arithmetic(chance):
    (w,), parameters = table(chance, 1)
    return lambda n, yes, x: w * n**2 + yes * x - n / 3, parameters, (
        np.arange(1, 5, dtype=np.int16), np.array([True, False, True, False]), chance.normal(size=4)
    )  # fmt: skip


def single_precision(chance):
    (w,), parameters = table(chance, 1)
    return lambda x: sin(w * x[0]) * x[1], parameters, (chance.normal(size=(4, 2)).astype(np.float32),)


def strided_views(chance):
    (w,), parameters = table(chance, 1)
    whole = chance.normal(size=(6, 9))
    return lambda x, y: w * x[0] * x[1] * x[2] - cos(y), parameters, (whole[::-2, ::3], whole.T[4, ::2])


def fortran_order(chance):
    (w,), parameters = table(chance, 1)
    return lambda x: w * x[0][1] - x[1][0] * x[1][2], parameters, (np.asfortranarray(chance.normal(size=(4, 2, 3))),)


def lists_for_arrays(chance):
    (w,), parameters = table(chance, 1)
    return lambda x, label: pick([w * x[0], x[1] * x[1]], label), parameters, ([[1.0, 2.0], [3.0, 4.0]], [1, 0])


def no_parameters(chance):
    return lambda x, y: log(1.0 + x * x) * y, [], (chance.normal(size=3), chance.normal(size=3))


KINDS = [inputs_in_the_loss, parameter_many_times, no_input_in_the_loss, input_itself, a_number, unrolled_loop,
         recurrent_net, causal_attention, embedding, classifier, regression_with_relu, gradient_penalty,
         differential_equation, hessian_inside, neighbours_share_an_upstream_gradient, branches_as_operations,
         one_example, shared_bare_numbers,
         integers_in_arithmetic, single_precision, strided_views, fortran_order, lists_for_arrays,
         no_parameters]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_programs_that_people_write_agree_with_eager_code(kind):
    f, parameters, inputs = kind(np.random.default_rng(0))
    assert_same(engine.compile(f, params=parameters), f, parameters, *inputs)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_with_batch_false_the_inputs_are_one_example(kind):
    f, parameters, inputs = kind(np.random.default_rng(1))
    program = engine.compile(f, params=parameters, batch=False)
    for example in examples(inputs):
        expected = run(f, parameters, example)
        value = program(*example)
        assert type(value) is float and close(value, expected.outputs[0], expected.value_terms)
        slopes = program.input_gradients(*example)
        for slope, wanted, sizes, given_ in zip(
            [slopes] if len(example) == 1 else slopes, expected.to_inputs, expected.input_terms, example, strict=True
        ):
            if np.asarray(given_).dtype.kind == "f":
                assert np.shape(slope) == np.shape(given_) and close(slope, wanted, sizes).all()
            else:
                assert slope is None
        if parameters:
            again, gradient = program.value_and_grad(*example)
            assert again == value and gradient.shape == (len(parameters),)
            assert close(gradient, expected.to_parameters, expected.parameter_terms).all()
            assert (program.per_example(*example) == gradient).all()


def test_several_outputs_are_the_columns_of_the_result():
    w = Value(0.5)

    def f(x, y):
        return [x, w * x * y, w * w, 3.0, Value(4.0), y]

    x, y = np.array([1.0, 2.0, 3.0]), np.array([-1.0, 0.5, 2.0])
    program = engine.compile(f, params=[w])
    assert program(x, y).tolist() == np.column_stack([x, 0.5 * x * y, [[0.25, 3.0, 4.0]] * 3, y]).tolist()
    assert program(x, y).shape == (3, 6)
    assert engine.compile(f, params=[w], batch=False)(1.0, -1.0).tolist() == [1.0, -0.5, 0.25, 3.0, 4.0, -1.0]
    for method in (program.value_and_grad, program.per_example, program.input_gradients):
        with pytest.raises(ValueError, match=r"needs a function with one output; this one returns.* 6"):
            method(x, y)


@pytest.mark.parametrize("kind", [tuple, list, np.array])
def test_several_outputs_may_be_returned_as_any_sequence(kind):
    assert engine.compile(lambda x: kind([x, x * x]))(np.array([2.0, 3.0])).tolist() == [[2.0, 4.0], [3.0, 9.0]]


def test_the_derivative_of_a_function_compiles():
    def f(x):
        return x**3 * sin(x)

    x = np.array([0.3, -1.2, 2.0])
    slopes = [grad(f)(number) for number in x]
    assert engine.compile(grad(f))(x) == pytest.approx(slopes, rel=1e-14)
    assert engine.compile(f).input_gradients(x) == pytest.approx(slopes, rel=1e-14)
    curvature = [grad(grad(f))(number) for number in x]
    assert engine.compile(grad(grad(f)))(x) == pytest.approx(curvature, rel=1e-13)
    assert engine.compile(grad(f)).input_gradients(x) == pytest.approx(curvature, rel=1e-13)


def test_the_gradient_of_a_function_of_a_vector_compiles_to_several_outputs():
    def f(x):
        return exp(x[0] * x[1]) + x[2] ** 3

    points = np.random.default_rng(0).normal(size=(4, 3))
    slopes = engine.compile(grad(f))(points)
    assert slopes == pytest.approx(np.array([grad(f)(point) for point in points]), rel=1e-14)


def test_values_that_are_neither_inputs_nor_parameters_are_listed_as_constants():
    w, height, width = Value(2.0), Value(0.5, label="height"), Value(1.5)

    def f(x):
        return w * height * x + height * width * exp(width)

    program = engine.compile(f, params=[w])
    x = np.array([1.0, 2.0])
    assert_same(program, f, [w], x)
    assert len(program.constants) == 2 and {id(v) for v in program.constants} == {id(height), id(width)}
    assert [v.grad for v in program.constants] != [0.0, 0.0]  # the eager run wrote these; the program leaves them alone
    height.grad = width.grad = w.grad = 0.0
    program.value_and_grad(x)
    assert (height.grad, width.grad, w.grad) == (0.0, 0.0, 0.0)


def test_parameters_are_read_at_each_call():
    w = Value(2.0)
    program = engine.compile(lambda x: w * x, params=[w])
    x = np.array([1.0, 2.0])
    assert program(x).tolist() == [2.0, 4.0]
    w.data = 3.0
    assert program(x).tolist() == [3.0, 6.0]
    program.assign([5.0])
    assert w.data == 5.0 and program(x).tolist() == [5.0, 10.0]
    assert program(x, at=[7]).tolist() == [7.0, 14.0] and w.data == 5.0


def test_gradients_are_in_the_order_of_the_given_parameters():
    a, b, c = (Value(x) for x in (1.0, 2.0, 3.0))
    program = engine.compile(lambda x: a * x + b * x * x + c, params=[c, a, b])
    assert program.parameters().tolist() == [3.0, 1.0, 2.0]
    assert program.value_and_grad(np.array([2.0]))[1].tolist() == [1.0, 2.0, 4.0]


def test_a_model_may_be_given_in_place_of_its_parameters():
    model = MLP(2, [3, 1], rng=0)
    program = engine.compile(lambda x: model(x), params=model)
    assert program.parameters().tolist() == [p.data for p in model.parameters()]


def test_a_program_is_traced_anew_for_each_shape_of_the_inputs():
    program = engine.compile(lambda x: total(list(x)) if np.ndim(x) else x * x)
    assert program(np.ones((2, 3))).tolist() == [3.0, 3.0]
    assert program(np.ones((3, 5))).tolist() == [5.0, 5.0, 5.0]
    assert program(np.array([3.0, 4.0])).tolist() == [9.0, 16.0]
    assert program(np.ones((4, 3))).tolist() == [3.0] * 4


def test_examples_without_features_are_still_examples():
    w = Value(2.0)
    program = engine.compile(lambda nothing, x: w * x + len(nothing), params=[w])
    assert program(np.zeros((3, 0)), np.arange(3.0)).tolist() == [0.0, 2.0, 4.0]
    assert [g.shape for g in program.input_gradients(np.zeros((3, 0)), np.arange(3.0))] == [(3, 0), (3,)]


def test_returned_arrays_belong_to_the_caller():
    w = Value(2.0)
    x = np.array([1.0, 2.0, 3.0])
    inputs = x.copy()
    for f in (lambda x: x, lambda x: w * x, lambda x: w, lambda x: w + 0.0 * x):
        program = engine.compile(f, params=[w])
        ways = [program, program.per_example, program.input_gradients, lambda x, p=program: p.value_and_grad(x)[1]]
        for way in ways:
            first = way(x)
            kept = first.copy()
            assert (first.flags.writeable and first.base is None) or first.base is not x
            first[...] = 99.0
            assert (way(x) == kept).all() and (x == inputs).all()
        theta = program.parameters()
        theta[0] = 99.0
        assert w.data == 2.0
        given_theta = np.array([3.0])
        program.value_and_grad(x, at=given_theta)[1][:] = 7.0
        assert given_theta.tolist() == [3.0]


def test_the_arrays_of_the_caller_are_not_changed():
    x, theta = np.array([1.0, -2.0]), np.array([3.0])
    x.flags.writeable = theta.flags.writeable = False
    w = Value(1.0)
    program = engine.compile(lambda x: (w * x + 1.0) ** 2, params=[w])
    for way in (program, program.value_and_grad, program.per_example, program.input_gradients):
        way(x, at=theta)


def test_programs_change_no_grad():
    model = MLP(2, [3, 1], rng=0)
    for parameter in model.parameters():
        parameter.grad = 5.0
    program = engine.compile(lambda x: model(x), params=model.parameters())
    for way in (program, program.value_and_grad, program.per_example, program.input_gradients):
        way(np.ones((3, 2)))
    assert {p.grad for p in model.parameters()} == {5.0}


def test_numbers_that_are_not_finite_are_those_of_numpy():
    x = np.array([1.0, 2.0, 0.0, -1.0, np.inf, np.nan])
    program = engine.compile(lambda x: log(x))
    assert program(x) == pytest.approx([0.0, np.log(2.0), -np.inf, np.nan, np.inf, np.nan], rel=1e-15, nan_ok=True)
    program = engine.compile(lambda x: exp(1.0 / x), batch=False)
    assert program(1.0) == pytest.approx(np.e) and program(0.0) == np.inf and program(1e-3) == np.inf


# --- threads


def in_threads(jobs):
    """The results of these jobs, which begin at the same time."""
    barrier, results, interval = threading.Barrier(len(jobs)), [None] * len(jobs), sys.getswitchinterval()

    def work(place):
        barrier.wait()
        try:
            results[place] = jobs[place]()
        except BaseException as error:
            results[place] = error

    threads = [threading.Thread(target=work, args=(place,)) for place in range(len(jobs))]
    sys.setswitchinterval(1e-6)  # so that they take turns within a trace
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    return results


def deep(parameters):
    def f(x):
        for w in parameters * 10:
            x = tanh(w * x + 0.1)
        return x

    return f


def test_calls_from_two_threads_do_not_disturb_each_other():
    parameters = [Value(0.1 * i) for i in range(5)]
    program = engine.compile(deep(parameters), params=parameters)
    batches = [np.linspace(-i, i, 200 + i) for i in range(1, 3)]
    expected = [program.per_example(batch) for batch in batches]
    for _ in range(10):
        for got, wanted in zip(in_threads([lambda b=b: program.per_example(b) for b in batches]), expected):
            assert (got == wanted).all()


@pytest.mark.parametrize("times", [2, pytest.param(10, marks=pytest.mark.slow)])
@pytest.mark.parametrize("shared", [True, False], ids=["one program", "two programs"])
def test_first_calls_from_several_threads_trace_one_after_another(shared, times):
    x = np.linspace(0.0, 1.0, 4)
    for _ in range(times):
        parameters = [Value(0.1 * i) for i in range(5)]
        programs = [engine.compile(deep(parameters), params=parameters) for _ in range(1 if shared else 3)]
        results = in_threads([lambda p=p: p.value_and_grad(x) for p in programs * (3 if shared else 1)])
        assert {type(p) for p in parameters} == {Value}
        wanted = engine.compile(deep(parameters), params=parameters).value_and_grad(x)
        assert all(mean == wanted[0] and (gradient == wanted[1]).all() for mean, gradient in results)


@pytest.mark.parametrize("times", [2, pytest.param(10, marks=pytest.mark.slow)])
def test_backward_programs_are_written_one_at_a_time(times):
    x = np.linspace(0.0, 1.0, 4)
    parameters = [Value(0.1 * i) for i in range(5)]
    wanted = engine.compile(deep(parameters), params=parameters)
    expected = [wanted.per_example(x), wanted.input_gradients(x), wanted.value_and_grad(x)[1]]
    for _ in range(times):
        program = engine.compile(deep(parameters), params=parameters)
        program(x)  # traced, but nothing is differentiated yet
        jobs = [program.per_example, program.input_gradients, lambda x, p=program: p.value_and_grad(x)[1]]
        for got, want in zip(in_threads([lambda job=job: job(x) for job in jobs * 2]), expected * 2):
            assert np.shape(got) == want.shape and (got == want).all(), got


@pytest.mark.parametrize(("base", "exponent"), [(0.0, 2.0), (0.0, 0.0)])
def test_the_gradients_of_powers_of_zero_agree_with_eager_code(base, exponent):
    a, b = Value(base), Value(exponent)
    (a**b).backward()
    slopes = engine.compile(lambda a, b: a**b).input_gradients(np.array([base, 1.0]), np.array([exponent, 1.0]))
    assert [slope[0] for slope in slopes] == [a.grad, b.grad]


def test_a_parameter_that_requires_no_gradient_gets_none():
    w, fixed = Value(2.0), Value(3.0, requires_grad=False)
    program = engine.compile(lambda x: w * fixed * x, params=[w, fixed])
    assert program.value_and_grad(np.ones(2))[1].tolist() == [3.0, 0.0]


def test_a_neurons_sum_is_flattened_once_however_many_inputs_it_has(monkeypatch):
    from chainrule.engine.compiler.arrays.flattening import Flattened

    flattened, terms = [], Flattened.sum
    monkeypatch.setattr(
        Flattened, "sum", lambda flat, found, at: flattened.append(len(found)) or terms(flat, found, at)
    )
    weights = [Value(0.5) for _ in range(200)]
    program = engine.compile(lambda x: sum(w * xi for w, xi in zip(weights, x)), weights)
    assert program.value_and_grad(np.ones((1, 200)))[0] == 100.0
    assert flattened == [200]  # flattening each of the 200 sums in it would take quadratic time


def test_zeros_of_both_signs_in_one_array_keep_their_signs():
    ones = np.ones(2)
    assert engine.compile(lambda x, y: [x / 0.0, y / -0.0])(ones, ones).tolist() == [[np.inf, -np.inf]] * 2
