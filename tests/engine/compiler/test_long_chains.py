"""Long chains, such as the steps of a differential equation, compile in linear time to what eager code gives."""

import pickle
from functools import partial
from itertools import accumulate, pairwise

import numpy as np
import pytest
from counting import events
from eager import assert_same, close

from chainrule import engine
from chainrule.engine import Value, pick, sin, tanh, total, where
from chainrule.engine.compiler.run import specialisation

K = [Value(0.5), Value(-0.3), Value(0.2)]
U, V = np.array([1.0, 1.2, 0.7]), np.array([0.5, 0.4, 0.9])


def runge_kutta(steps):
    """The Lotka-Volterra equations: 60 operations a step."""

    def slope(u, v):
        return K[0] * u - K[1] * u * v, K[2] * u * v - v * 0.7

    def f(u, v):
        h = 0.01
        for _ in range(steps):
            a = slope(u, v)
            b = slope(u + h / 2 * a[0], v + h / 2 * a[1])
            c = slope(u + h / 2 * b[0], v + h / 2 * b[1])
            d = slope(u + h * c[0], v + h * c[1])
            u = u + h / 6 * (a[0] + 2 * b[0] + 2 * c[0] + d[0])
            v = v + h / 6 * (a[1] + 2 * b[1] + 2 * c[1] + d[1])
        return u * u + v * v

    return f


def of_many_kinds(x, label):
    """Each kind of operation that a column may need, among them one that spells an argument twice."""
    y = x[0] * K[0]
    for i in range(400):
        y = sin(y * x[1]) + where(y - 0.5, tanh(y), y * 0.5).silu()
        y = y.softplus() * 0.3 if i % 7 == 0 else y * pick([K[1], x[0], 0.5], label)
    return y + total([K[2], x[1]])


FUNCTIONS = {
    "Runge-Kutta": (runge_kutta(40), (U, V)),
    "many kinds": (of_many_kinds, (np.array([[0.3, 0.7], [-0.4, 1.1]]), np.array([2, 0]))),
    "a number for all": (runge_kutta(40), (U, 0.5)),
}


@pytest.mark.slow
@pytest.mark.parametrize(("f", "inputs"), FUNCTIONS.values(), ids=list(FUNCTIONS))
def test_a_long_chain_gives_what_eager_code_gives(f, inputs, tmp_path, monkeypatch):
    program = engine.compile(f, K)
    assert_same(program, f, K, *inputs)
    assert program._latest().long and "an operation" not in program.source
    assert sum(len(line.nodes) for line in program.instructions) > 1000
    again = pickle.loads(pickle.dumps(program))
    assert np.array_equal(again(*inputs), program(*inputs))
    program.save(tmp_path / "saved.py")
    saved = {}
    exec((tmp_path / "saved.py").read_text(), saved)
    assert np.array_equal(saved["value"](*inputs), program(*inputs))
    assert np.array_equal(saved["value_and_grad"](*inputs)[1], program.value_and_grad(*inputs)[1])
    monkeypatch.setattr(specialisation, "MANY_EXAMPLES", 1)
    packed = engine.compile(f, K)
    assert_same(packed, f, K, *inputs)
    assert close(packed.value_and_grad(*inputs)[1], program.value_and_grad(*inputs)[1], 100.0).all()


@pytest.mark.parametrize("steps", [30, 60, 300])
def test_a_short_chain_of_one_operation_after_the_other_runs_on_columns_too(steps):
    def f(x):
        for _ in range(steps):
            x = tanh(x * K[0] + 0.1) + x * 0.5
        return x

    program = engine.compile(f, K)
    assert_same(program, f, K, U)
    assert program._latest().long is (steps >= 60)  # 150 operations are few enough to be packed


def test_requires_grad_is_read_of_long_chains_too():
    program = engine.compile(runge_kutta(40), K)
    all_three = program.value_and_grad(U, V)[1]
    K[1].requires_grad = False
    try:
        assert program.value_and_grad(U, V)[1].tolist() == [all_three[0], 0.0, all_three[2]]
    finally:
        K[1].requires_grad = True


@pytest.mark.slow
def test_compiling_is_linear_in_the_number_of_steps():
    functions = [runge_kutta(steps) for steps in (50, 100, 200, 400)]
    counts = [events(partial(engine.compile(f, K).value_and_grad, U, V)) for f in functions]
    assert all(later < 2.2 * earlier for earlier, later in pairwise(counts))  # quadratic would be 4


@pytest.mark.parametrize("name", ["value_and_grad", "input_gradients"])
def test_compiling_is_linear_in_the_number_of_sums_that_go_on(name):
    """Each input gets a gradient of its own: to compare where all of them are put took most of the time."""

    def f(x):
        return total([tanh(so_far) for so_far in accumulate(x)]) * K[0]

    counts = []
    for inputs in (100, 200, 400):
        program, x = engine.compile(f, K), np.full((2, inputs), 0.1)
        program(x)
        counts.append(events(partial(getattr(program, name), x)))
    assert all(later < 2.2 * earlier for earlier, later in pairwise(counts)), counts
