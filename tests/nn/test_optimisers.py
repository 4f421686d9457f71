"""Optimisers: laws that hold for each class in `nn.optimisers.__all__`, and what they take and refuse."""

import copy
import itertools
import json
import math
import pickle
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.engine import Value
from chainrule.nn import MLP, SGD, Adam, AdamW, Optimiser, optimisers, schedules

# --- laws of all optimisers


@dataclass(frozen=True)
class Rule:
    """The rule that an optimiser has to follow, stated twice.

    `published(x, gradient, **settings)` is the published pseudo-code for one parameter: it yields x after each step,
    where gradient(step, x) is the gradient at x. `torch(optim, params, **settings)` makes PyTorch's optimiser; it is
    None where PyTorch has none that does the same. Both are tried with each of the `settings`.
    """

    published: Callable[..., Any]
    torch: Callable[..., Any] | None
    settings: tuple[dict[str, float], ...]


def published_sgd(x, gradient, learning_rate=0.01, momentum=0.0, nesterov=False):
    v = 0.0
    for step in itertools.count():
        g = gradient(step, x)
        v = momentum * v + g
        x = x - learning_rate * (g + momentum * v if nesterov else v)
        yield x


def published_adagrad(x, gradient, learning_rate=0.01, epsilon=1e-10):
    total = 0.0
    for step in itertools.count():
        g = gradient(step, x)
        total += g * g
        x = x - learning_rate * g / (math.sqrt(total) + epsilon)
        yield x


def published_rmsprop(x, gradient, learning_rate=0.01, beta=0.99, epsilon=1e-8, momentum=0.0):
    v = u = 0.0
    for step in itertools.count():
        g = gradient(step, x)
        v = beta * v + (1 - beta) * g * g
        u = momentum * u + g / (math.sqrt(v) + epsilon)
        x = x - learning_rate * u
        yield x


def published_adamw(x, gradient, learning_rate=0.001, weight_decay=0.01, **settings):
    """Loshchilov & Hutter (2019), algorithm 2, whose learning rate multiplies the decay, too."""
    shrunk = x
    steps = published_adam(x, lambda step, _: gradient(step, shrunk), learning_rate, **settings)
    before = x
    for moved in steps:
        shrunk = shrunk * (1 - learning_rate * weight_decay) + (moved - before)
        before = moved
        yield shrunk


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
        torch=lambda optim, params, learning_rate=0.01, momentum=0.0, nesterov=False: optim.SGD(
            params, learning_rate, momentum, nesterov=nesterov
        ),
        settings=(
            {},
            {"learning_rate": 0.1},
            {"learning_rate": 0.05, "momentum": 0.9},
            {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True},
        ),
    ),
    "Adagrad": Rule(
        published_adagrad,
        torch=lambda optim, params, learning_rate=0.01, epsilon=1e-10: optim.Adagrad(
            params, learning_rate, eps=epsilon
        ),
        settings=({}, {"learning_rate": 0.5, "epsilon": 1e-6}),
    ),
    "RMSProp": Rule(
        published_rmsprop,
        torch=lambda optim, params, learning_rate=0.01, beta=0.99, epsilon=1e-8, momentum=0.0: optim.RMSprop(
            params, learning_rate, beta, epsilon, momentum=momentum
        ),
        settings=({}, {"learning_rate": 0.05, "beta": 0.9, "epsilon": 1e-6}, {"momentum": 0.8}),
    ),
    "AdamW": Rule(
        published_adamw,
        torch=lambda optim, params, learning_rate=0.001, beta1=0.9, beta2=0.999, weight_decay=0.01: optim.AdamW(
            params, learning_rate, (beta1, beta2), weight_decay=weight_decay
        ),
        settings=({}, {"learning_rate": 0.05, "weight_decay": 0.1}, {"beta1": 0.8, "beta2": 0.99}),
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
each_case_of_pytorch = pytest.mark.parametrize(
    ("name", "settings"),
    [(name, settings) for name, settings in CASES if name not in RULES or RULES[name].torch],
    ids=str,
)
noise = np.random.RandomState(0).normal(size=(STEPS, len(START))).tolist()  # which is promised never to change
TENTH = slice(9, None, 10)  # of PyTorch's steps, every tenth is stored; those between lead there


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


def pytorchs_steps(torch, make, decay=None, clip=None, schedule=None):
    """Every tenth step of the optimiser that make(torch.optim, parameters) gives."""
    params, path = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in START], []
    peer = make(torch.optim, params)
    if decay is not None:
        peer.param_groups[0]["weight_decay"] = decay
    scheduler = schedule and schedule(torch.optim.lr_scheduler, peer)
    for step in range(STEPS):
        for i, p in enumerate(params):
            p.grad = torch.tensor(slope(step, i, p.item()), dtype=torch.float64)
        if clip is not None:
            torch.nn.utils.clip_grad_value_(params, clip)
        peer.step()
        if scheduler:
            scheduler.step()
        path.append([p.item() for p in params])
    return {"path": path[TENTH]}


def test_numbers_of_pytorch_are_stored_for_the_rules_and_losses_that_are_shipped():
    keys = list(json.loads((Path(__file__).parent / "pytorch.json").read_text()))
    counts = {what: sum(key.startswith(what) for key in keys) for what in ("steps of", "decay of", "schedule", "loss")}
    assert all(counts[what] >= least for what, least in zip(counts, (15, 15, 4, 8)))


@each_case_of_pytorch
def test_100_steps_agree_with_pytorch(name, settings, of_pytorch):
    def make(optim, params):
        return rule_of(name).torch(optim, params, **settings)

    theirs = of_pytorch(f"steps of {name} {settings}", lambda torch: pytorchs_steps(torch, make))
    np.testing.assert_allclose(steps_of(name, settings)[TENTH], theirs["path"], rtol=0, atol=1e-10)


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
def test_a_move_changes_theta_in_place_and_leaves_the_gradient(name, settings):
    rule_of(name)
    optimiser = getattr(optimisers, name)([Value(1.0), Value(2.0)], **settings)
    twin = getattr(optimisers, name)([Value(1.0), Value(2.0)], **settings)
    for numbers in ([0.5, -0.5], [2.0, 1.0]):  # only the second step has a memory that it could change in place
        theta, gradient = np.array([1.0, 2.0]), np.array(numbers)
        expected = twin.update(theta.copy(), gradient)
        twin.steps += 1
        assert optimiser.move(theta, gradient) is None
        if name != "AdamW":  # whose decay comes before its update
            assert theta.tolist() == expected.tolist()
        assert gradient.tolist() == numbers and (theta != [1.0, 2.0]).all()


@each_case
def test_arrays_given_to_a_move_may_be_overwritten_after_it(name, settings):
    def path(overwrite):
        rule_of(name)
        optimiser, seen = getattr(optimisers, name)([Value(x) for x in START], **settings), [START]
        for numbers in noise[:5]:
            theta, gradient = np.array(seen[-1]), np.array(numbers)
            optimiser.move(theta, gradient)
            seen.append(theta.tolist())
            if overwrite:
                theta[:] = gradient[:] = 1e9
        return seen

    assert path(overwrite=True) == path(overwrite=False)


# --- states, schedules, clipping, weight decay, explanations: of all optimisers


def run(optimiser, params, steps):
    path = []
    for step in steps:
        for i, p in enumerate(params):
            p.grad = slope(step, i, p.data)
        optimiser.step()
        path.append([p.data for p in params])
    return path


@each_case
@pytest.mark.parametrize("through_json", [False, True])
def test_a_state_lets_another_optimiser_go_on_to_the_bit(name, settings, through_json):
    kind = getattr(optimisers, name)
    params = [Value(x) for x in START]
    optimiser = kind(params, **settings, clip_norm=2.0)
    run(optimiser, params, range(37))
    state, twins = optimiser.state_dict(), [Value(p.data) for p in params]
    if through_json:
        state = json.loads(json.dumps(state, default=lambda array: array.tolist()))
    expected = run(optimiser, params, range(37, 60))
    twin = kind(twins)
    twin.load_state_dict(state)
    assert run(twin, twins, range(37, 60)) == expected
    assert {**twin.state_dict(), "memory": 0} == {**optimiser.state_dict(), "memory": 0}


def test_a_state_that_does_not_fit_is_refused_and_changes_nothing():
    optimiser = Adam([Value(1.0), Value(2.0)], 0.25)
    before = str(optimiser.state_dict())
    state = Adam([Value(1.0), Value(2.0)]).state_dict()
    for bad, message in [
        (SGD([Value(1.0), Value(2.0)]).state_dict(), "it lacks mean, mean_square"),
        (
            AdamW([Value(1.0), Value(2.0)]).state_dict(),
            "is of AdamW with 2 parameters, and the optimiser is Adam",
        ),
        (Adam([Value(1.0)]).state_dict(), "is of Adam with 1 parameters, and the optimiser is Adam with 2"),
        ({}, "it lacks kind, parameters"),
        ([], "it lacks everything"),
        ({**state, "memory": {"mean": [1.0], "mean_square": [1.0, 2.0]}}, r"mean of this state has shape \(1,\)"),
        ({**state, "memory": {"mean": [1.0, math.inf], "mean_square": [1.0, 2.0]}}, "numbers that are not finite"),
        ({**state, "settings": {**state["settings"], "beta1": 2.0}}, "beta1 must be at least 0 and below 1, got 2.0"),
    ]:
        with pytest.raises(ValueError, match=message):
            optimiser.load_state_dict(bad)
        assert str(optimiser.state_dict()) == before


@each_case_of_pytorch
def test_weight_decay_and_clipped_values_agree_with_pytorch(name, settings, of_pytorch):
    key, settings = f"decay of {name} {settings}", {"weight_decay": 0.05, **settings}

    def make(optim, params):
        return rule_of(name).torch(optim, params, **{k: v for k, v in settings.items() if k != "weight_decay"})

    theirs = of_pytorch(key, lambda torch: pytorchs_steps(torch, make, settings["weight_decay"], 0.5))
    ours = [Value(x) for x in START]
    optimiser = getattr(optimisers, name)(ours, **settings, clip_value=0.5)
    np.testing.assert_allclose(run(optimiser, ours, range(STEPS))[TENTH], theirs["path"], rtol=0, atol=1e-10)


@each_case
def test_a_clipped_gradient_is_the_gradient_shortened(name, settings):
    def first_step(gradient, **more):
        params = [Value(x) for x in START]
        optimiser = getattr(optimisers, name)(params, **settings, **more)
        for p, g in zip(params, gradient):
            p.grad = g
        optimiser.step()
        return [p.data for p in params]

    assert first_step([3.0, 0.0, 4.0], clip_norm=1.0) == pytest.approx(first_step([0.6, 0.0, 0.8]), rel=1e-15)
    assert first_step([3.0, 0.0, 4.0], clip_norm=6.0) == first_step([3.0, 0.0, 4.0])
    assert first_step([3.0, 0.0, -4.0], clip_value=0.5) == first_step([0.5, 0.0, -0.5])


def test_frozen_parameters_do_not_count_for_the_length_of_a_clipped_gradient():
    free, frozen = Value(1.0), Value(1.0, requires_grad=False)
    free.grad, frozen.grad = 1.0, 1e6
    SGD([frozen, free], 1.0, clip_norm=1.0, weight_decay=0.5).step()
    assert (frozen.data, free.data) == (1.0, -0.5)  # 1 - (1 + 0.5 · 1)


SCHEDULES = {
    "step_decay": (schedules.step_decay(30, 0.5), lambda torch, peer: torch.StepLR(peer, 30, 0.5)),
    "exponential": (schedules.exponential(0.97), lambda torch, peer: torch.ExponentialLR(peer, 0.97)),
    "cosine": (schedules.cosine(STEPS, final=0.2), lambda torch, peer: torch.CosineAnnealingLR(peer, STEPS, 0.02)),
    "warm_up": (
        schedules.warm_up(10, then=schedules.exponential(0.9)),
        lambda torch, peer: torch.SequentialLR(
            peer, [torch.LinearLR(peer, 0.1, 1.0, 9), torch.ExponentialLR(peer, 0.9)], [10]
        ),
    ),
}


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_schedules_agree_with_pytorch(schedule, of_pytorch):
    ours, make = SCHEDULES[schedule]

    def sgd(optim, params):
        return optim.SGD(params, 0.1, momentum=0.5)

    theirs = of_pytorch(f"schedule {schedule}", lambda torch: pytorchs_steps(torch, sgd, schedule=make))
    values = [Value(x) for x in START]
    optimiser = SGD(values, 0.1, momentum=0.5, schedule=ours)
    np.testing.assert_allclose(run(optimiser, values, range(STEPS))[TENTH], theirs["path"], rtol=0, atol=1e-10)


class TestSchedules:
    def test_the_rate_is_the_share_of_the_learning_rate(self):
        optimiser = SGD([Value(1.0)], 0.5, schedule=lambda step, planned: 1 / (1 + step))
        rates = []
        for _ in range(3):
            rates.append(optimiser.rate)
            optimiser.step()
        assert rates == [0.5, 0.25, 0.5 / 3]

    def test_cosine_without_a_number_of_steps_says_what_to_write(self):
        with pytest.raises(ValueError, match=r"write nn\.schedules\.cosine\(steps=1000\)"):
            SGD([Value(1.0)], schedule=schedules.cosine()).step()

    @pytest.mark.parametrize(
        ("make", "error", "message"),
        [
            (
                lambda: SGD([Value(1.0)], schedule=schedules.cosine),
                TypeError,
                r"write schedule=nn.schedules.cosine\(\)",
            ),
            (lambda: SGD([Value(1.0)], schedule=0.5), TypeError, "schedule is a function .* got float 0.5"),
            (
                lambda: schedules.warm_up(3, then=schedules.exponential),
                TypeError,
                r"write then=nn.schedules.exponential\(0.99\)",
            ),
            (lambda: schedules.step_decay(0), ValueError, "every must be at least 1, got 0"),
            (lambda: schedules.step_decay(0.5), TypeError, "every is a whole number of steps, got float 0.5"),
            (lambda: schedules.exponential(1.5), ValueError, "factor is above 0 and at most 1, got 1.5"),
            (lambda: schedules.cosine(5, final=2), ValueError, "final is a share of the learning rate"),
        ],
    )
    def test_what_is_no_schedule_is_refused(self, make, error, message):
        with pytest.raises(error, match=message):
            make()


class TestExplain:
    @each_case
    def test_the_parts_are_the_step_that_was_taken(self, name, settings):
        params = [Value(x, label=f"w{i}") for i, x in enumerate(START)]
        optimiser = getattr(optimisers, name)(params, **settings, clip_value=1.0, schedule=schedules.exponential(0.9))
        for step in range(7):
            before = run(optimiser, params, [step - 1])[-1] if step else START
            found = [optimiser.explain(p) for p in params] if step else []
            for i, one in enumerate(found):
                assert one.after == pytest.approx(params[i].data, rel=1e-12)
                assert one.before + one.step == one.after and one.parts[0][0] == "gradient"
                shown = sum(number for part, _, number in one.parts if part in ("step", "decay"))
                assert shown == pytest.approx(one.step, rel=1e-12) and optimiser.explain(i) == one
                assert one.parameter == f"w{i}" and str(one).startswith(f"The last step of w{i}: ")
            assert before == [p.data for p in params]

    @pytest.mark.parametrize(
        ("gradients", "said"),
        [([1.0] * 20, "steady"), ([1.0, -1.0] * 10, "noisy"), ([1.0, 1.0, 1.0, -0.7] * 5, "agree in part")],
    )
    def test_adam_says_whether_the_gradients_agree(self, gradients, said):
        w = Value(1.0, label="w")
        optimiser = Adam([w], 0.01)
        for w.grad in gradients:
            optimiser.step()
        found = optimiser.explain(w)
        assert f"The gradients {'are ' * (said != 'agree in part')}{said}" in found.sentence
        ratio = abs(next(number for name, _, number in found.parts if name == "ratio"))
        assert {"steady": ratio >= 0.8, "noisy": ratio < 0.2, "agree in part": 0.2 <= ratio < 0.8}[said]
        assert f"{ratio:.0%} of their size" in found.sentence and "plain gradient descent" in str(found)

    @pytest.mark.parametrize("kind", [Adam, AdamW])
    def test_one_gradient_is_not_called_steady(self, kind):
        w = Value(1.0, label="w")
        optimiser = kind([w], 0.01)
        w.grad = 3.0
        optimiser.step()
        assert "There is one gradient so far" in optimiser.explain(w).sentence
        optimiser.step()
        assert "The gradients are steady" in optimiser.explain(w).sentence

    @pytest.mark.parametrize("kind", [Adam, AdamW, optimisers.RMSProp])
    def test_the_running_means_can_be_computed_from_those_of_the_step_before(self, kind):
        w = Value(1.0, label="w")
        optimiser = kind([w], 0.01)
        before = {"running mean": 0.0, "running square": 0.0}
        for w.grad in (3.0, -1.0, 0.5):
            gradient = w.grad
            optimiser.step()
            found = {name: (formula, number) for name, formula, number in optimiser.explain(w).parts}
            for name, power in (("running mean", 1), ("running square", 2)):
                if name in found:
                    formula, number = found[name]
                    keep, take = [float(one) for one in re.findall(r"([\d.]+) ·", formula)]
                    assert number == pytest.approx(keep * before[name] + take * gradient**power, rel=1e-12)
                    before[name] = number
            if kind is not optimisers.RMSProp:
                share = re.search(r"\(1 - ([\d.]+)\^(\d+)\)", found["mean"][0])
                corrected = found["running mean"][1] / (1 - float(share[1]) ** int(share[2]))
                assert found["mean"][1] == pytest.approx(corrected, rel=1e-12)

    @pytest.mark.parametrize("kind", ["SGD", "Adam", "AdamW"])
    def test_a_learning_rate_that_is_changed_afterwards_changes_nothing_of_the_last_step(self, kind):
        w = Value(1.0, label="w")
        optimiser = getattr(optimisers, kind)([w], 0.25)
        w.grad = 2.0
        optimiser.step()
        before = str(optimiser.explain(w))
        optimiser.lr = 4.0
        assert str(optimiser.explain(w)) == before and optimiser.lr == 4.0
        assert optimiser.explain(w).after == pytest.approx(w.data, rel=1e-12)

    @pytest.mark.parametrize(("velocities", "said"), [([1.0, 0.0], "The last gradient is 0"), ([1.0, -0.2], "old way"),
                                                      ([1.0] * 30, "settle at 10; it is at 96% of that."),
                                                      ([1.0], "at 10% of that: it has only begun")])  # fmt: skip
    def test_momentum_says_how_the_velocity_stands_to_the_last_gradient(self, velocities, said):
        w = Value(1.0, label="w")
        optimiser = SGD([w], 0.1, momentum=0.9)
        for w.grad in velocities:
            optimiser.step()
        assert said in optimiser.explain(w).sentence

    def test_the_gradient_of_a_step_says_what_is_in_it(self):
        w = Value(1.0, label="w")
        optimiser = SGD([w], 0.1, weight_decay=0.5, clip_value=1.0)
        w.grad = 3.0
        optimiser.step()
        assert "gradient = after clipping and with the weight decay = 1.5\n" in str(optimiser.explain(w))

    def test_what_cannot_be_explained_is_said(self):
        w, optimiser = Value(1.0, label="w"), SGD([Value(1.0)])
        with pytest.raises(ValueError, match="this SGD has taken no step yet"):
            optimiser.explain(0)
        with pytest.raises(ValueError, match="this SGD moves 1 parameter, and not w"):
            optimiser.explain(w)

    def test_a_rule_of_ones_own_may_say_nothing(self):
        class Sign(Optimiser):
            def update(self, theta, gradient):
                return theta - self.learning_rate * np.sign(gradient)

        w = Value(1.0)
        optimiser, w.grad = Sign([w], 0.5), 3.0
        optimiser.step()
        found = optimiser.explain(w)
        assert w.data == 0.5 == found.after and "a rule of its own" in str(found)


def test_the_error_about_an_optimiser_without_a_rule_says_what_to_add():
    with pytest.raises(AssertionError, match=r'add "Nobodys": Rule\(published=.* to RULES in .*test_optimisers.py'):
        rule_of("Nobodys")


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
            ("momentum", "Adam has no setting momentum; it has learning_rate, weight_decay, .*, beta1, beta2, epsilon"),
            ("max_norm", "Adam has no setting max_norm; write clip_norm"),
        ],
    )
    def test_unknown_settings_are_refused_with_the_right_name(self, name, said):
        optimiser = Adam([Value(1.0)])
        with pytest.raises(AttributeError, match=said):
            setattr(optimiser, name, 0.5)
        with pytest.raises(AttributeError, match=said):
            getattr(optimiser, name)
        assert not hasattr(optimiser, name)

    def test_it_shows_its_parameters_and_the_settings_that_do_something(self):
        shown = repr(Adam([Value(1.0), Value(2.0)], 0.5, weight_decay=0.25))
        assert shown == (
            "Adam(2 parameters, learning_rate=0.5, weight_decay=0.25, beta1=0.9, beta2=0.999, epsilon=1e-08)"
        )
        one = SGD([Value(1.0)], 0.5, schedule=schedules.cosine())
        assert repr(one) == "SGD(1 parameter, learning_rate=0.5, schedule=cosine)"

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
        with pytest.raises(
            AttributeError, match=r"Decaying has no setting amsgrad; it has learning_rate, .*, nesterov"
        ):
            optimiser.amsgrad = True
        for twin in (copy.deepcopy(optimiser), copy.copy(optimiser)):
            assert (twin.lr, twin.times, twin._mine) == (0.125, 2, "anything")
        assert pickle.loads(pickle.dumps(SGD([Value(1.0)], 0.5, momentum=0.9))).momentum == 0.9

    def test_a_gradient_whose_square_overflows_does_not_stop_adam_for_ever(self):
        w = Value(1.0)
        w.grad = 1e200
        with pytest.raises(FloatingPointError, match=r"Adam squares the gradient, and 1e\+200 squared is inf"):
            Adam([w]).step()
        assert w.data == 1.0
