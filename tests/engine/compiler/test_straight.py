"""Programs of one example run line by line on floats where the graph is narrow, and on arrays where it is wide."""

import math
import operator
import pickle
import random

import numpy as np
import pytest
from eager import assert_same, close, run
from hypothesis import given
from hypothesis import strategies as st

from chainrule import engine
from chainrule.engine import Op, Value, cos, exp, log, pick, register, sin, tanh, unregister
from chainrule.nn import MLP, cross_entropy

CALLED_AS_OURS = ["x", "y", "p", "v", "n", "x0", "p1", "v3", "u1", "value", "value_and_grad", "input_gradients",
                  "theta", "array", "np_", "float", "bind", "power_", "_", "_v3", "x_", "run"]  # fmt: skip


def on_floats(program):
    return not program.source.startswith("def bind(")


def doubled(name):
    return Op(name=name, forward=lambda a: 2.0 * a, partials=(lambda out, a: 2.0,), numpy="np.multiply({}, 2.0)",
              why="two for one")  # fmt: skip


# --- on floats


def test_a_program_reads_as_python():
    a, b = Value(2.0, label="a"), Value(3.0, label="b")
    program = engine.compile(lambda x: (tanh(a * x) + b) / 2.0 - x, params=[a, b], batch=False)
    program(0.5)
    assert program.source == (
        "def value_and_grad(theta, x):\n"
        "    x0 = float(x)\n"
        "    [p0, p1] = theta.tolist()\n"
        "    v4 = tanh(p0 * x0)\n"
        "    v7 = (v4 + p1) / 2.0 - x0\n"
        "    v11 = x0 * ((1.0 - v4 * v4) * 0.5)\n"
        "    return v7, np.array([v11, 0.5])\n"
    )


def test_values_agree_with_eager_code_bit_for_bit():
    parameters = [Value(0.3), Value(-1.7)]

    def f(x):
        h = x[0]
        for w in parameters * 5:
            h = sin(w * h) * exp(-h * h) + cos(h) / (2.0 + h * h) - x[1] ** 3
        return h

    program = engine.compile(f, params=parameters, batch=False)
    for example in np.random.default_rng(0).normal(size=(50, 2)):
        assert program(example) == run(f, parameters, [example]).outputs[0]


@pytest.mark.parametrize("exponent", [2, 2.0, Value(2.0)], ids=["2", "2.0", "a Value of 2"])
def test_a_square_is_the_product_to_the_last_bit_as_it_is_in_eager_code(exponent):
    program = engine.compile(lambda x: (x + 0.1) ** exponent + 3.0 * x**3, batch=False)
    for number in np.random.default_rng(0).uniform(-3.0, 3.0, size=3000).tolist():  # pow would be off for two of them
        x = Value(number)
        y = (x + 0.1) ** exponent + 3.0 * x**3
        y.backward()
        assert ((Value(number) + 0.1) ** exponent).data == (number + 0.1) * (number + 0.1)
        assert program(number) == y.data
        assert program.input_gradients(number) == x.grad
    assert on_floats(program)


def test_only_inputs_and_parameters_that_are_used_are_unpacked():
    parameters = [Value(float(i)) for i in range(6)]
    program = engine.compile(lambda x, y: parameters[1] * parameters[3] * x[1, 0], parameters, batch=False)
    assert program.input_gradients(np.ones((2, 2)), 5.0)[0].tolist() == [[0.0, 0.0], [3.0, 0.0]]
    assert program.value_and_grad(np.ones((2, 2)), 5.0)[1].tolist() == [0.0, 3.0, 0.0, 1.0, 0.0, 0.0]
    assert "[_, p1, _, p3, *_] = theta.tolist()" in program.source
    assert "[_, _, x2, *_] = x.ravel().tolist()" in program.source
    assert "float(y)" not in program.source


@pytest.mark.parametrize("read", [255, 256, 700])
def test_any_number_of_inputs_and_parameters_may_be_used_of_more(read):
    """Before a star, Python takes 255 names."""
    weights = [Value(0.5 + i % 3) for i in range(800)]

    def f(x):
        h = 1.0
        for v, w in zip(x[:read], weights):
            h = sin(h * w + v)
        return h

    program, x = engine.compile(f, weights, batch=False), np.linspace(0.0, 1.0, 800)
    given = [Value(v) for v in x]
    out = f(given)
    value, gradient = program.value_and_grad(x)
    assert on_floats(program) and value == out.data
    wanted = engine.gradients(out, [*weights[:read], *given[:read]])
    assert close([*gradient[:read], *program.input_gradients(x)[:read]], [slope.data for slope in wanted], 1.0).all()
    assert not gradient[read:].any()


@given(seed=st.integers(0, 2**32))
def test_leaving_parentheses_out_changes_no_bit(seed):
    """Python's operators may be nested in any way: a - (b + c), -(a * b), (a / b) * c, and a ** 3 in a user's row."""
    cube = engine.Op(name="cube_", forward=lambda a: a**3, partials=(lambda out, a: 3.0 * a * a,), numpy="{} ** 3")
    leaves = [Value(number) for number in (0.3, -1.7, 2.9)]

    def f():
        chance = random.Random(seed)

        def term(depth):
            if depth == 0:
                return chance.choice([*leaves, 0.7, -1.3])
            kind = chance.choice([*"+-*/", "neg", "cube"])
            a = term(depth - 1)
            if kind == "neg":
                return -a
            if kind == "cube":
                return cube(a)
            b = term(chance.randrange(depth))
            return {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}[kind](a, b)

        return leaves[0] + term(chance.randint(1, 5))

    try:
        expected = f().data
    except ArithmeticError:
        return
    program = engine.compile(f, leaves, batch=False)
    assert program() == expected, program.source


def test_a_value_that_is_used_once_is_written_where_it_is_used():
    a = Value(2.0, label="a")

    def f(x):
        once = x * a
        once.label = "once"
        twice = once + 1.0
        return twice * twice

    program = engine.compile(f, batch=False)
    program(3.0)
    [line] = [each for each in program.instructions if "once" in each.nodes]
    assert line.text == "v2 = x0 * 2.0 + 1.0" and len(line.nodes) == 2


@pytest.mark.parametrize("number", [-2.0, -0.0, math.inf, -math.inf, math.nan, 1e-300, -1e300])
def test_any_number_may_stand_in_a_program(number):
    program = engine.compile(lambda x: x**2 * number + number - x, batch=False)
    expected = 9.0 * number + number - 3.0
    assert program(3.0) == expected or (math.isnan(expected) and math.isnan(program(3.0)))


@pytest.mark.parametrize("kind", [float, int, np.float64, np.float32, np.int64, np.array, lambda x: np.array(x, int)])
def test_a_number_may_be_of_any_kind(kind):
    w = Value(0.5)
    program = engine.compile(lambda x: w / x, [w], batch=False)
    for number in (2.0, 4.0, 8.0):  # the second and the third call are not checked again
        value, gradient = program.value_and_grad(kind(number), at=np.array([3.0]))
        assert (value, gradient.tolist()) == (3.0 / number, [1.0 / number]) and type(value) is float


def test_whole_numbers_are_floats_in_arithmetic():
    program = engine.compile(lambda k: k[0] * k[1], batch=False)
    assert program(np.array([2**40, 2**40])) == 2.0**80


def test_later_calls_agree_with_the_first_and_arguments_of_new_kinds_are_checked():
    w = [Value(2.0), Value(3.0)]
    program = engine.compile(lambda x: w[0] * x[0] + w[1] * x[1] ** 2, w, batch=False)
    x, at = np.array([5.0, 7.0]), np.array([1.0, 10.0])
    for _ in range(3):
        value, gradient = program.value_and_grad(x, at=at)
        assert value == 495.0 and gradient.tolist() == [5.0, 49.0]
        gradient[:] = 0.0  # it belongs to the caller
        assert program.value_and_grad(x)[0] == 157.0
    with pytest.raises(ValueError, match=r"theta has shape \(3,\); it needs shape \(2,\)"):
        program.value_and_grad(x, at=np.ones(3))
    with pytest.raises(TypeError, match="dtype object"):
        program.value_and_grad(np.array([None, 1.0]), at=at)
    assert program.value_and_grad([5, 7], at=[1, 10])[0] == 495.0


def test_a_program_gives_the_numbers_of_numpy_where_python_would_raise():
    w = Value(1.0)
    program = engine.compile(lambda x: w * exp(x) + log(x), [w], batch=False)
    for x, value, slope in ((1.0, math.e, math.e), (0.0, -math.inf, 1.0), (1e3, math.inf, math.inf)):
        for _ in range(2):
            found = program.value_and_grad(x, at=np.array([1.0]))
            assert found[0] == pytest.approx(value, rel=1e-15)
            assert found[1].tolist() == pytest.approx([slope], rel=1e-15)
    assert np.isnan(program(-1.0))


@pytest.mark.parametrize("kind", ["narrow", "wide"])
def test_a_pickled_program_still_runs(kind):
    f, parameters = wide() if kind == "wide" else (lambda x, label: log(x[0, 0]) * label, [Value(1.0)])
    program = engine.compile(f, parameters, batch=False)
    x = np.random.default_rng(0).normal(size=(2, 3)) ** 2
    program(x, 2)
    again = pickle.loads(pickle.dumps(program))
    for row in (x, 0.0 * x):  # at 0.0 Python's log raises in the narrow program
        assert again(row, 2) == program(row, 2)
        assert (again.value_and_grad(row, 2)[1] == program.value_and_grad(row, 2)[1]).all()
        assert (again.input_gradients(row, 2)[0] == program.input_gradients(row, 2)[0]).all()
    assert again.source == program.source and [*map(str, again.instructions)] == [*map(str, program.instructions)]


def test_an_index_out_of_range_is_an_error():
    program = engine.compile(lambda x, k: pick([x[0], x[1]], k), batch=False)
    assert program(np.array([3.0, 4.0]), 1) == 4.0
    with pytest.raises(IndexError, match="pick"):
        program(np.array([3.0, 4.0]), 2)


@pytest.mark.parametrize("name", CALLED_AS_OURS)
def test_a_row_may_have_the_name_of_a_variable_of_the_program(name):
    try:
        op = register(doubled(name))
    except ValueError:
        pytest.skip("no row can have this name")
    try:
        w = Value(3.0)
        for batch in (True, False):
            program = engine.compile(lambda x: op(w * x) * op(w) + sin(w), [w], batch=batch)
            assert_same_either_way(program, lambda x: op(w * x) * op(w) + sin(w), w, batch)
    finally:
        unregister(op)


def assert_same_either_way(program, f, w, batch):
    if batch:
        assert_same(program, f, [w], np.array([0.5, -1.5]))
        return
    expected = run(f, [w], [0.5])
    value, gradient = program.value_and_grad(0.5)
    assert value == expected.outputs[0] and gradient == pytest.approx(expected.to_parameters, rel=1e-15)
    assert program.input_gradients(0.5) == pytest.approx(expected.to_inputs[0], rel=1e-15)


@pytest.mark.parametrize("length", [10_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_a_long_chain_of_operations_neither_recurses_nor_crashes(length):
    w = Value(1.0)

    def f(x):
        for _ in range(length // 2):
            x = x * w + 1e-5
        return x

    program = engine.compile(f, [w], batch=False)
    value, gradient = program.value_and_grad(2.0)
    terms = length // 2
    # Each of the additions rounds once, so that the error is at most terms · eps of the largest.
    assert value == pytest.approx(2.0 + terms * 1e-5, rel=terms * 2.2e-16)
    # This is d/dw of 2 w^terms + 1e-5 (w^(terms - 1) + … + 1) at w = 1.
    assert gradient[0] == pytest.approx(2.0 * terms + 1e-5 * terms * (terms - 1) / 2, rel=terms * 2.2e-16)
    assert program.input_gradients(2.0) == 1.0
    assert on_floats(program)


# --- on arrays


def wide():
    model = MLP(6, [20, 20, 3], activation="tanh", rng=0)
    return lambda x, label: cross_entropy(model(x.ravel()), label), model.parameters()


def test_a_wide_program_runs_on_arrays_and_gives_the_same_numbers(monkeypatch):
    f, parameters = wide()
    x, label = np.random.default_rng(0).normal(size=(2, 3)), 2
    expected = run(f, parameters, [x, label])
    found = {}
    for floats in (False, True):
        if floats:
            monkeypatch.setattr("chainrule.engine.compiler.tracing.is_narrow", lambda code: True)
        program = engine.compile(f, parameters, batch=False)
        value, (mean, gradient) = program(x, label), program.value_and_grad(x, label)
        slopes = program.input_gradients(x, label)
        assert on_floats(program) is floats
        assert type(value) is float and type(mean) is float and close(value, expected.outputs[0], expected.value_terms)
        assert gradient.shape == (len(parameters),)
        assert close(gradient, expected.to_parameters, expected.parameter_terms).all()
        assert slopes[1] is None and slopes[0].shape == (2, 3)
        assert close(slopes[0], expected.to_inputs[0], expected.input_terms[0]).all()
        assert (program.per_example(x, label) == gradient).all()
        assert program.value_and_grad(x, label, at=program.parameters())[0] == mean  # a call that is not checked again
        found[floats] = mean
    assert close(found[False], found[True], expected.value_terms)


def test_a_wide_program_of_numbers_and_several_outputs_runs_on_arrays():
    weights = [Value(0.01 * i) for i in range(300)]

    def f(x, k):
        return [tanh(w * x) * k for w in weights]

    program = engine.compile(f, weights, batch=False)
    expected = [math.tanh(0.01 * i * 0.5) * 3.0 for i in range(300)]
    assert program(0.5, 3) == pytest.approx(expected, rel=1e-15) and program(0.5, 3).shape == (300,)
    assert not on_floats(program) and program.instructions


def test_a_long_sum_runs_on_arrays_however_deep_its_additions_are_nested():
    weights = [Value(1.0) for _ in range(1000)]
    program = engine.compile(lambda x: sum(w * xi for w, xi in zip(weights, x)), weights, batch=False)
    assert program.value_and_grad(np.arange(1000.0))[0] == 499500.0
    assert not on_floats(program)
