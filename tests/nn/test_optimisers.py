"""Optimisers: laws that hold for each class in `nn.optimisers.__all__`, and what they take and refuse."""

import copy
import itertools
import math
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.engine import Value
from chainrule.nn import MLP, SGD, Adam, Optimiser, optimisers

# --- laws of all optimisers


@dataclass(frozen=True)
class Rule:
    """The rule that an optimiser has to follow, stated twice.

    `published(x, gradient, **settings)` is the published pseudo-code for one parameter: it yields x after each step,
    where gradient(step, x) is the gradient at x. `torch(optim, params, **settings)` makes PyTorch's optimiser. Both are
    tried with each of the `settings`.
    """

    published: Callable[..., Any]
    torch: Callable[..., Any]
    settings: tuple[dict[str, float], ...]


def published_sgd(x, gradient, learning_rate=0.01, momentum=0.0):
    v = 0.0
    for step in itertools.count():
        v = momentum * v + gradient(step, x)
        x = x - learning_rate * v
        yield x


def published_adam(x, gradient, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """Kingma & Ba (2015), algorithm 1."""
    m = v = 0.0
    for step in itertools.count():
        g = gradient(step, x)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        m_hat = m / (1 - beta1 ** (step + 1))
        v_hat = v / (1 - beta2 ** (step + 1))
        x = x - learning_rate * m_hat / (math.sqrt(v_hat) + epsilon)
        yield x


RULES = {
    "SGD": Rule(
        published_sgd,
        torch=lambda optim, params, learning_rate=0.01, momentum=0.0: optim.SGD(params, learning_rate, momentum),
        settings=({}, {"learning_rate": 0.1}, {"learning_rate": 0.05, "momentum": 0.9}),
    ),
    "Adam": Rule(
        published_adam,
        torch=lambda optim, params, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8: optim.Adam(
            params, learning_rate, (beta1, beta2), epsilon
        ),
        settings=({}, {"learning_rate": 0.1}, {"learning_rate": 0.05, "beta1": 0.8, "beta2": 0.99, "epsilon": 1e-6}),
    ),
}
KINDS = [name for name in optimisers.__all__ if name != "Optimiser"]
STEPS = 100
START = [1.0, -2.0, 0.5]


def rule_of(name):
    assert name in RULES, (
        f"nn.optimisers has {name}, and these laws do not know what it has to do: add "
        f'"{name}": Rule(published=..., torch=..., settings=({{}}, ...)) to RULES in {__file__}'
    )
    return RULES[name]


CASES = [(name, settings) for name in KINDS for settings in (RULES[name].settings if name in RULES else ({},))]
each_kind = pytest.mark.parametrize("name", KINDS)
each_case = pytest.mark.parametrize(("name", "settings"), CASES, ids=str)
noise = np.random.default_rng(0).normal(size=(STEPS, len(START))).tolist()


def slope(step, i, x):
    """The gradient of a bowl, whose middle and width differ from parameter to parameter, plus noise."""
    return (i + 1) * (x - 0.3 * i) + 0.1 * noise[step][i]


def steps_of(name, settings):
    """A list with the parameters after each of 100 steps."""
    params = [Value(x) for x in START]
    optimiser = getattr(optimisers, name)(params, **settings)
    path = []
    for step in range(STEPS):
        for i, p in enumerate(params):
            p.grad = slope(step, i, p.data)
        optimiser.step()
        path.append([p.data for p in params])
    return path


@each_case
def test_100_steps_agree_with_the_published_rule(name, settings):
    runs = [rule_of(name).published(x, lambda step, x, i=i: slope(step, i, x), **settings) for i, x in enumerate(START)]
    # Each step rounds about 10 numbers of about 1, and the bowl makes errors smaller from step to step.
    np.testing.assert_allclose(steps_of(name, settings), list(itertools.islice(zip(*runs), STEPS)), rtol=0, atol=1e-12)


@each_case
@given(gradients=st.lists(st.lists(st.floats(-100, 100), min_size=3, max_size=3), min_size=1, max_size=8))
def test_steps_along_any_gradients_agree_with_the_published_rule(name, settings, gradients):
    params = [Value(x) for x in START]
    optimiser = getattr(optimisers, name)(params, **settings)
    for step in gradients:
        for p, g in zip(params, step):
            p.grad = g
        optimiser.step()
    for i, (p, x) in enumerate(zip(params, START)):
        run = rule_of(name).published(x, lambda step, x, i=i: gradients[step][i], **settings)
        *_, expected = itertools.islice(run, len(gradients))
        assert p.data == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.slow  # since importing PyTorch is
@each_case
def test_100_steps_agree_with_pytorch(name, settings):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed; the test above compares with the paper")
    params = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in START]
    peer = rule_of(name).torch(torch.optim, params, **settings)
    path = []
    for step in range(STEPS):
        for i, p in enumerate(params):
            p.grad = torch.tensor(slope(step, i, p.item()), dtype=torch.float64)
        peer.step()
        path.append([p.item() for p in params])
    np.testing.assert_allclose(steps_of(name, settings), path, rtol=0, atol=1e-10)


@each_case
@given(gradient=st.lists(st.floats(-100, 100).filter(lambda g: abs(g) > 1e-3), min_size=3, max_size=3))
def test_a_first_step_moves_each_parameter_against_its_gradient(name, settings, gradient):
    rule_of(name)
    params = [Value(x) for x in START]
    optimiser = getattr(optimisers, name)(params, **settings)
    for p, g in zip(params, gradient):
        p.grad = g
    optimiser.step()
    assert [math.copysign(1, before - p.data) for p, before in zip(params, START)] == np.sign(gradient).tolist()
    assert all(p.data != before and type(p.data) is float for p, before in zip(params, START))
    assert [p.grad for p in params] == gradient


@each_case
def test_frozen_parameters_stay_and_do_not_change_the_steps_of_the_others(name, settings):
    rule_of(name)
    free, frozen = Value(1.0), Value(2.0, requires_grad=False)
    alone = Value(1.0)
    both = getattr(optimisers, name)([frozen, free], **settings)
    one = getattr(optimisers, name)([alone], **settings)
    for step in range(5):
        free.grad = alone.grad = 1.0 + step
        frozen.grad = 3.0
        both.step()
        one.step()
    assert frozen.data == 2.0 and free.data == alone.data < 1.0


@each_case
def test_update_returns_a_new_array_and_does_not_change_its_arguments(name, settings):
    rule_of(name)
    optimiser = getattr(optimisers, name)([Value(1.0), Value(2.0)], **settings)
    for numbers in ([0.5, -0.5], [2.0, 1.0]):  # only the second step has a memory that it could change in place
        theta, gradient = np.array([1.0, 2.0]), np.array(numbers)
        new = optimiser.update(theta, gradient)
        assert theta.tolist() == [1.0, 2.0] and gradient.tolist() == numbers
        assert new.shape == (2,) and not np.shares_memory(new, theta) and not np.shares_memory(new, gradient)


@each_case
def test_arrays_given_to_update_may_be_overwritten_after_a_step(name, settings):
    def path(overwrite):
        rule_of(name)
        optimiser, seen = getattr(optimisers, name)([Value(x) for x in START], **settings), [START]
        for numbers in noise[:5]:
            theta, gradient = np.array(seen[-1]), np.array(numbers)
            new = optimiser.update(theta, gradient)
            seen.append(new.tolist())
            if overwrite:
                theta[:] = gradient[:] = new[:] = 1e9
        return seen

    assert path(overwrite=True) == path(overwrite=False)


def test_the_error_about_an_optimiser_without_a_rule_says_what_to_add():
    with pytest.raises(AssertionError, match=r'add "Lion": Rule\(published=.* to RULES in .*test_optimisers.py'):
        rule_of("Lion")


# --- what an optimiser takes, and what it refuses


def test_step_leaves_plain_floats_in_data():
    p = Value(1.0)
    p.grad = 1
    SGD([p]).step()
    assert type(p.data) is float


def test_zero_grad_clears_gradients_and_tied_parameters_move_once():
    p = Value(1.0)
    p.grad = 2.0
    optimiser = SGD([p, p], learning_rate=0.5)
    optimiser.step()
    assert p.data == 0.0  # moved once
    optimiser.zero_grad()
    assert p.grad == 0.0


def test_an_optimiser_takes_a_model_or_a_generator_and_lr():
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
def test_bad_settings_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make(Value(1.0))


class TestSettings:
    def test_lr_is_the_learning_rate(self):
        for optimiser in (SGD([Value(1.0)], 0.5), Adam([Value(1.0)], lr=0.5)):
            assert optimiser.lr == optimiser.learning_rate == 0.5
            optimiser.lr = 0.25
            assert optimiser.learning_rate == 0.25
            optimiser.learning_rate = 1
            assert optimiser.lr == 1.0 and type(optimiser.lr) is float
        w = Value(1.0)
        optimiser = SGD([w], 0.5)
        optimiser.lr, w.grad = 0.25, 2.0
        optimiser.step()
        assert w.data == 0.5

    @pytest.mark.parametrize("name", ["lr", "learning_rate", "epsilon"])
    @pytest.mark.parametrize("number", [-1, 0.0, math.nan, math.inf])
    def test_positive_settings_are_checked_whenever_they_are_set(self, name, number):
        optimiser = Adam([Value(1.0)])
        with pytest.raises(ValueError, match=f"must be a positive number, got {number!r}"):
            setattr(optimiser, name, number)
        assert (optimiser.lr, optimiser.epsilon) == (0.001, 1e-8)

    @pytest.mark.parametrize("name", ["beta1", "beta2"])
    @pytest.mark.parametrize("number", [-0.1, 1.0, math.nan])
    def test_shares_are_checked_whenever_they_are_set(self, name, number):
        with pytest.raises(ValueError, match=f"{name} must be at least 0 and below 1, got {number!r}"):
            setattr(Adam([Value(1.0)]), name, number)
        with pytest.raises(ValueError, match="momentum must be at least 0 and below 1"):
            SGD([Value(1.0)]).momentum = number

    @pytest.mark.parametrize("number", ["0.1", None, True, [0.1], 1j])
    def test_a_setting_is_a_number(self, number):
        with pytest.raises(TypeError, match="learning_rate must be a number, got"):
            SGD([Value(1.0)]).lr = number

    @pytest.mark.parametrize(
        ("name", "said"),
        [
            ("betas", "Adam has no setting betas; write beta1 and beta2"),
            ("eps", "Adam has no setting eps; write epsilon"),
            ("learning_rat", "Adam has no setting learning_rat; write learning_rate"),
            ("Learning_Rate", "Adam has no setting Learning_Rate; write learning_rate"),
            ("alpha", "Adam has no setting alpha; write learning_rate"),
            ("param_groups", "Adam has no setting param_groups; write params"),
            ("momentum", "Adam has no setting momentum; it has learning_rate, beta1, beta2, epsilon"),
            ("weight_decay", "Adam has no setting weight_decay; it has learning_rate, beta1, beta2, epsilon"),
        ],
    )
    def test_unknown_settings_are_refused_with_the_right_name(self, name, said):
        optimiser = Adam([Value(1.0)])
        with pytest.raises(AttributeError, match=said):
            setattr(optimiser, name, 0.5)
        with pytest.raises(AttributeError, match=said):
            getattr(optimiser, name)
        assert not hasattr(optimiser, name)

    def test_a_rule_of_ones_own_keeps_what_its_methods_name(self):
        class Decaying(SGD):
            rate = 0.5

            def update(self, theta, gradient):
                self.times = getattr(self, "times", 0) + 1
                self.lr *= 0.5
                return super().update(theta, gradient)

        optimiser = Decaying([Value(1.0)], lr=0.5)
        optimiser.step()
        optimiser.step()
        optimiser.rate, optimiser._mine = 0.1, "anything"
        assert (optimiser.times, optimiser.lr) == (2, 0.125)
        with pytest.raises(AttributeError, match="Decaying has no setting nesterov; it has learning_rate, momentum"):
            optimiser.nesterov = True
        for twin in (copy.deepcopy(optimiser), copy.copy(optimiser)):
            assert (twin.lr, twin.times, twin._mine) == (0.125, 2, "anything")
        assert pickle.loads(pickle.dumps(SGD([Value(1.0)], 0.5, momentum=0.9))).momentum == 0.9

    def test_a_gradient_whose_square_overflows_does_not_stop_adam_for_ever(self):
        w = Value(1.0)
        w.grad = 1e200
        with pytest.raises(FloatingPointError, match=r"Adam squares the gradient, and 1e\+200 squared is inf"):
            Adam([w]).step()
        assert w.data == 1.0
