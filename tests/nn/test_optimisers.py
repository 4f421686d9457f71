import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.engine import Value
from chainrule.nn import MLP, SGD, Adam, Optimiser

gradients = st.lists(st.lists(st.floats(-100, 100), min_size=3, max_size=3), min_size=1, max_size=8)


def sgd_reference(x, gs, lr, momentum):
    """The published pseudo-code, one number at a time."""
    v = 0.0
    for g in gs:
        v = momentum * v + g
        x = x - lr * v
    return x


def adam_reference(x, gs, alpha, beta1, beta2, epsilon):
    """Kingma & Ba (2015), algorithm 1, one number at a time."""
    m = v = 0.0
    for t, g in enumerate(gs, start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        x = x - alpha * m_hat / (math.sqrt(v_hat) + epsilon)
    return x


def run(optimiser, params, gs):
    for step in gs:
        for p, g in zip(params, step):
            p.grad = g
        optimiser.step()
    return [p.data for p in params]


@given(gs=gradients, momentum=st.sampled_from([0.0, 0.9]))
def test_sgd_is_the_published_rule(gs, momentum):
    start = [1.0, -2.0, 0.5]
    params = [Value(x) for x in start]
    got = run(SGD(params, learning_rate=0.1, momentum=momentum), params, gs)
    expected = [sgd_reference(x, [g[i] for g in gs], 0.1, momentum) for i, x in enumerate(start)]
    assert got == pytest.approx(expected, rel=1e-13, abs=1e-13)


@given(gs=gradients)
def test_adam_is_the_published_rule(gs):
    start = [1.0, -2.0, 0.5]
    params = [Value(x) for x in start]
    got = run(Adam(params, 0.05, beta1=0.8, beta2=0.99, epsilon=1e-6), params, gs)
    expected = [adam_reference(x, [g[i] for g in gs], 0.05, 0.8, 0.99, 1e-6) for i, x in enumerate(start)]
    assert got == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_update_leaves_the_given_arrays_alone(kind):
    theta, gradient = np.array([1.0, 2.0]), np.array([0.5, -0.5])
    new = kind([Value(1.0), Value(2.0)]).update(theta, gradient)
    assert theta.tolist() == [1.0, 2.0] and gradient.tolist() == [0.5, -0.5]
    assert new.shape == (2,) and new is not theta


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_frozen_parameters_stay(kind):
    free, frozen = Value(1.0), Value(2.0)
    frozen.requires_grad = False
    optimiser = kind([free, frozen], learning_rate=0.1)
    free.grad = frozen.grad = 1.0
    optimiser.step()
    assert free.data < 1.0 and frozen.data == 2.0


def test_data_stay_plain_floats():
    p = Value(1.0)
    p.grad = 1
    SGD([p]).step()
    assert type(p.data) is float


def test_zero_grad_and_tied_parameters():
    p = Value(1.0)
    p.grad = 2.0
    optimiser = SGD([p, p], learning_rate=0.5)
    optimiser.step()
    assert p.data == 0.0  # moved once
    optimiser.zero_grad()
    assert p.grad == 0.0


def test_a_model_a_generator_and_lr_are_taken():
    model = MLP(2, [2, 1])
    assert SGD(model).params == Adam(p for p in model.parameters()).params == model.parameters()
    assert SGD(model, lr=0.3).learning_rate == Adam(model, lr=0.3).learning_rate == 0.3
    assert (SGD(model).learning_rate, Adam(model).learning_rate) == (0.01, 0.001)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda p: SGD([]), ValueError, r"SGD got 0 parameters; write SGD\(model.parameters\(\)\)"),
        (lambda p: SGD(None), TypeError, "SGD takes a model or a list of Values, got NoneType None"),
        (lambda p: SGD(p), TypeError, "SGD takes a model or a list of Values, got Value Value"),
        (lambda p: SGD([p, p * 2]), ValueError, r"parameter 1 was computed: the \* node with data 2.0"),
        (lambda p: SGD([p], 0.1, lr=0.2), ValueError, "learning_rate=0.1 and lr=0.2 are the same setting"),
        (lambda p: Adam([p], "a"), TypeError, "learning_rate must be a number, got str 'a'"),
        (lambda p: SGD([p], momentum=None), TypeError, "momentum must be a number, got NoneType None"),
        (lambda p: SGD([1.0]), TypeError, "SGD moves Values, but parameter 0 is float 1.0"),
        (lambda p: SGD([p], -0.1), ValueError, "learning_rate must be a positive number, got -0.1"),
        (lambda p: Adam([p], math.nan), ValueError, "learning_rate must be a positive number, got nan"),
        (lambda p: SGD([p], momentum=1.0), ValueError, "momentum must be at least 0 and below 1, got 1.0"),
        (lambda p: Adam([p], beta2=2), ValueError, "beta2 must be at least 0 and below 1, got 2"),
        (lambda p: Optimiser([p], 0.1).step(), NotImplementedError, r"Optimiser has no update\(theta, gradient\)"),
    ],
)
def test_bad_settings_are_named(make, error, message):
    with pytest.raises(error, match=message):
        make(Value(1.0))
