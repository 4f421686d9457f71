"""Losses: laws that hold for each loss in `nn.losses.__all__`, and then what single losses promise."""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule
from chainrule import engine, nn
from chainrule.engine import Value, no_grad, topological_order
from chainrule.nn import (
    MLP,
    binary_cross_entropy,
    class_weights,
    cross_entropy,
    hinge,
    huber,
    l1,
    l2,
    losses,
    mae,
    mse,
    softmax,
)  # fmt: skip

numbers = st.floats(-1e3, 1e3)
EPS = np.finfo(float).eps


# --- laws of all losses


@dataclass(frozen=True)
class Domain:
    """The pairs (prediction, target) for which a loss is defined.

    Examples have between the two numbers of `outputs` predictions, drawn from `prediction`, and a target drawn from
    `target(number of outputs)`, away from kinks, where finite differences say nothing. `extremes` are pairs at which a
    naive formula overflows, or the loss has a kink.
    """

    target: Callable[[int], st.SearchStrategy]
    prediction: st.SearchStrategy = field(default_factory=lambda: st.floats(-10, 10))
    outputs: tuple[int, int] = (1, 5)  # the smallest and the largest number of outputs
    extremes: tuple[tuple[list[float], Any], ...] = ()


DOMAINS = {
    "cross_entropy": Domain(
        target=lambda outputs: st.integers(0, outputs - 1),
        extremes=(([1e300, -1e300, 0.0], 0), ([800.0, 0.0], 1), ([0.0], 0), ([-1e3] * 3, 2)),
    ),
    "binary_cross_entropy": Domain(
        target=lambda outputs: st.lists(st.floats(0, 1), min_size=outputs, max_size=outputs),
        extremes=(([1e4, -1e4], [0, 1]), ([800.0], [1]), ([-1e300, 1e300], [1, 1]), ([0.0], [0.5])),
    ),
    "hinge": Domain(
        target=lambda outputs: st.sampled_from([-1, 1]) if outputs == 1 else st.integers(0, outputs - 1),
        prediction=st.integers(-5000, 5000).map(lambda n: n / 1000 + 1 / 3001),  # away from the kinks
        outputs=(1, 4),
        extremes=(([1.0], 1), ([1e300], -1), ([1e4, -1e4, 0.0], 1), ([2.0, 1.0], 0), ([0.0, 0.0], 1)),
    ),
    "huber": Domain(
        target=lambda outputs: st.lists(st.integers(-9, 9).map(float), min_size=outputs, max_size=outputs),
        prediction=st.integers(-90, 90).map(lambda n: n / 10 + 1 / 30),
        extremes=(([1e300], [0.0]), ([0.0, 1.0, -1.0], [0.0, 0.0, 0.0])),
    ),
    "mae": Domain(
        target=lambda outputs: st.lists(st.integers(-9, 9).map(float), min_size=outputs, max_size=outputs),
        prediction=st.integers(-90, 90).map(lambda n: n / 10 + 1 / 30),
        extremes=(([1e300, -1e300], [0.0, 1.0]), ([0.0], [0.0])),
    ),
    "mse": Domain(
        target=lambda outputs: st.lists(st.floats(-10, 10), min_size=outputs, max_size=outputs),
        extremes=(([1e150, -1e150], [0.0, 1.0]), ([0.0], [0.0]), ([1e-200], [-1e-200])),
    ),
}


def domain_of(name):
    assert name in DOMAINS, (
        f"nn.losses has the loss {name}, and these laws do not know where it is defined: add "
        f'"{name}": Domain(target=lambda outputs: ..., extremes=(...)) to DOMAINS in {__file__}'
    )
    return DOMAINS[name]


def examples(name, data, count=1):
    """So many pairs (prediction, target) of one size from the domain of a loss."""
    domain = domain_of(name)
    outputs = data.draw(st.integers(*domain.outputs))
    predictions = st.lists(domain.prediction, min_size=outputs, max_size=outputs)
    return data.draw(st.lists(st.tuples(predictions, domain.target(outputs)), min_size=count, max_size=count))


def loss_and_gradient(loss, prediction, target):
    values = [Value(number) for number in prediction]
    result = loss(values, target)
    result.backward()
    return result.data, [value.grad for value in values]


each_loss = pytest.mark.parametrize("name", losses.__all__)


@each_loss
def test_nn_and_the_facade_hand_on_each_loss(name):
    loss = getattr(losses, name)
    for package in (nn, chainrule):
        said = f"import {name} in nn/__init__.py, name it in its __all__, and run python tools/table.py"
        assert name in package.__all__ and getattr(package, name) is loss, said


@each_loss
@given(data=st.data())
def test_each_loss_and_its_gradient_are_finite_on_its_domain(name, data):
    for prediction, target in [*examples(name, data), *DOMAINS[name].extremes]:
        loss, gradient = loss_and_gradient(getattr(losses, name), prediction, target)
        assert type(loss) is float and math.isfinite(loss)
        assert np.isfinite(gradient).all()


@each_loss
@given(data=st.data())
def test_the_gradient_of_each_loss_matches_central_differences(name, data):
    loss = getattr(losses, name)
    [(prediction, target)] = examples(name, data)
    _, gradient = loss_and_gradient(loss, prediction, target)
    h = EPS ** (1 / 3)

    def moved(place, by):
        with no_grad():
            return loss([Value(x + by * (i == place)) for i, x in enumerate(prediction)], target).data

    for place, slope in enumerate(gradient):
        above, below = moved(place, h), moved(place, -h)
        # Truncation is h²/6 times a third derivative, which is below 6. What is rounded are the predictions and numbers
        # computed from them, which are up to 10, the loss, and x ± h, times the derivative; all this is divided by h.
        tolerance = h**2 + 4 * EPS * (10 + abs(above) + 10 * abs(slope)) / h
        assert slope == pytest.approx((above - below) / (2 * h), rel=0, abs=tolerance)


@each_loss
@given(data=st.data())
def test_each_loss_compiles_to_the_numbers_of_eager_code(name, data):
    assert_compiles(getattr(losses, name), examples(name, data, count=3))


@each_loss
def test_each_loss_compiles_to_the_numbers_of_eager_code_at_extremes(name):
    for extreme in domain_of(name).extremes:
        assert_compiles(getattr(losses, name), [extreme])


def assert_compiles(loss, batch):
    weights = [Value(1.0) for _ in batch[0][0]]
    X, y = np.array([prediction for prediction, _ in batch]), np.array([target for _, target in batch])
    program = engine.compile(lambda x, target: loss([w * p for w, p in zip(weights, x)], target), weights)
    eager = [loss_and_gradient(loss, prediction, target) for prediction, target in batch]
    assert program(X, y) == pytest.approx([value for value, _ in eager], rel=1e-12, abs=1e-12)
    value, gradient = program.value_and_grad(X, y)
    assert value == pytest.approx(np.mean([value for value, _ in eager]), rel=1e-12, abs=1e-12)
    # The derivative of w · p to w is p. Terms of up to 400 may cancel, each of which is rounded to eps.
    expected = np.mean([np.array(slopes) * x for (_, slopes), x in zip(eager, X)], axis=0)
    assert gradient == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_the_error_about_a_loss_without_a_domain_says_what_to_add():
    with pytest.raises(AssertionError, match=r'add "no_loss": Domain\(target=.* to DOMAINS in .*test_losses.py'):
        domain_of("no_loss")


# --- cross_entropy, softmax


@given(logits=st.lists(numbers, min_size=2, max_size=5), data=st.data())
def test_cross_entropy_gradient_is_softmax_minus_one_hot(logits, data):
    target = data.draw(st.integers(0, len(logits) - 1))
    values = [Value(z) for z in logits]
    cross_entropy(values, target).backward()
    exact = np.exp(np.array(logits) - np.logaddexp.reduce(logits))
    exact[target] -= 1
    # Each probability is e^(z - lse), which is at most 1, so that an error of eps · |lse| in the exponent makes at most
    # as large an error in the probability.
    tolerance = 4 * EPS * (1 + max(map(abs, logits)))
    np.testing.assert_allclose([v.grad for v in values], exact, rtol=0, atol=tolerance)


@given(logits=st.lists(numbers, min_size=1, max_size=5), shift=numbers)
def test_softmax_sums_to_1_and_does_not_change_with_a_shift_of_the_logits(logits, shift):
    p = [v.data for v in softmax([Value(z) for z in logits])]
    tolerance = 8 * EPS * (1 + max(map(abs, logits)) + abs(shift))
    assert sum(p) == pytest.approx(1, abs=tolerance * len(p))
    shifted = [v.data for v in softmax([Value(z + shift) for z in logits])]
    assert shifted == pytest.approx(p, abs=tolerance)


@given(logits=st.lists(numbers, min_size=2, max_size=5), data=st.data())
def test_cross_entropy_is_minus_log_softmax(logits, data):
    target = data.draw(st.integers(0, len(logits) - 1))
    loss = cross_entropy([Value(z) for z in logits], target).data
    assert loss >= 0
    p = softmax([Value(z) for z in logits])[target].data
    if p > 1e-300:  # below that a probability loses digits, and the loss does not
        assert loss == pytest.approx(-math.log(p), abs=16 * EPS * (1 + max(map(abs, logits))))


@pytest.mark.parametrize("big", [1e3, 1e300])
def test_cross_entropy_does_not_overflow(big):
    values = [Value(big), Value(-big), Value(0.0)]
    loss = cross_entropy(values, 1)
    loss.backward()
    assert loss.data == 2 * big
    assert [v.grad for v in values] == [1.0, -1.0, 0.0]


@pytest.mark.parametrize("label", [1, np.int64(1), np.uint8(1), True])
def test_labels_may_be_integers_of_any_kind(label):
    assert cross_entropy([Value(1.0), Value(2.0)], label).data == cross_entropy([Value(1.0), Value(2.0)], 1).data


@pytest.mark.parametrize("label", [-1, 3, 10**9])
def test_a_label_out_of_range_is_refused(label):
    with pytest.raises(IndexError, match=f"label {label} is not a class: there are 3 classes, 0 to 2"):
        cross_entropy([Value(0.0)] * 3, label)


@pytest.mark.parametrize(
    ("label", "advice"),
    [
        (1.0, r"float 1.0; for labels, write y\.astype\(int\), and where the target is a number and no class, use mse"),
        (1.5, r"float 1.5; where the target is a number and no class, use mse$"), (None, "NoneType None$"),
        ("1", r"str '1'; for classes that have names, write names, y = np\.unique\(y, return_inverse=True\)"),
        ([1], r"list \[1\]; for labels of shape \(n, 1\), write y\.ravel\(\)\.astype\(int\)"),
        (np.array([0, 1, 0]), r"; for one-hot rows of shape \(n, classes\), write y\.argmax\(axis=1\)"),
        ([1, 2], r"; there are 3 classes and one label for each example, of shape \(n,\)"),
    ],
)  # fmt: skip
def test_a_label_that_is_no_integer_is_named_with_what_to_write(label, advice):
    with pytest.raises(TypeError, match=f"a class label is an integer, got .*{advice}"):
        cross_entropy([Value(0.0)] * 3, label)


def test_cross_entropy_and_softmax_need_a_list_of_logits():
    with pytest.raises(TypeError, match="cross_entropy needs one logit per class, got a single Value"):
        cross_entropy(Value(1.0), 0)
    with pytest.raises(ValueError, match="softmax got 0 logits"):
        softmax([])


@pytest.mark.parametrize("count", [1, 2, 5])
def test_mse_makes_no_needless_node(count):
    predictions = [Value(float(i)) for i in range(count)]
    order = topological_order(mse(predictions, [0.5] * count))
    made = [value for value in order if value.operation is not None]
    # There are a difference and a square for each prediction, additions, and for several predictions a division.
    assert len(made) == 2 * count + (count - 1) + (count > 1)


def test_mse_of_no_predictions_is_refused():
    with pytest.raises(ValueError, match="mse got 0 predictions"):
        mse([], [])


@given(pairs=st.lists(st.tuples(numbers, numbers), min_size=1, max_size=5))
def test_mse_and_its_gradient_agree_with_numpy(pairs):
    p, t = np.array(pairs).T
    values = [Value(z) for z in p]
    loss = mse(values, t)
    loss.backward()
    assert loss.data == pytest.approx(np.mean((p - t) ** 2), rel=1e-14)
    np.testing.assert_allclose([v.grad for v in values], 2 * (p - t) / len(p), rtol=1e-14)


def test_mse_takes_single_numbers_and_lists_of_one():
    assert mse(Value(3.0), 1.0).data == mse([Value(3.0)], [1.0]).data == mse(Value(3.0), np.array([1.0])).data == 4.0


def test_mse_of_different_lengths_is_refused():
    with pytest.raises(ValueError, match="mse got 2 predictions and 3 targets"):
        mse([Value(1.0), Value(2.0)], [1.0, 2.0, 3.0])


def test_mse_takes_an_array_of_no_dimensions_as_a_number():
    assert mse(Value(3.0), np.array(1.0)).data == 4.0


def test_a_part_of_what_softmax_returns_is_a_list_that_knows_no_logits():
    probabilities = softmax([Value(0.0), Value(1.0), Value(2.0)])
    part = probabilities[1:]
    assert [p.data for p in part] == [p.data for p in probabilities][1:]
    assert cross_entropy(part, 0).data == pytest.approx(cross_entropy(list(part), 0).data)


# --- the same as PyTorch's, for scores up to 1e4


RANDOM = np.random.RandomState(0)  # whose numbers are promised never to change: PyTorch's losses of them are stored
SCORES = np.clip(RANDOM.normal(size=(24, 4)) * 10.0 ** RANDOM.uniform(-2, 4, (24, 1)), -1e4, 1e4)
LABELS, FLAGS, TARGETS = RANDOM.randint(4, size=24), RANDOM.randint(2, size=(24, 4)), RANDOM.normal(size=(24, 4)) * 3
SIGNS, WEIGHTS = 2 * FLAGS[:, 0] - 1, np.array([0.5, 1.0, 2.0, 3.5])

TORCH_CASES = {  # our loss, the targets, PyTorch's loss of (torch.nn.functional, scores, targets, a maker of tensors)
    "mse": (mse, TARGETS, lambda f, s, t, _: f.mse_loss(s, t, reduction="none").mean(1)),
    "mae": (mae, TARGETS, lambda f, s, t, _: f.l1_loss(s, t, reduction="none").mean(1)),
    "huber": (
        functools.partial(huber, delta=0.7), TARGETS,
        lambda f, s, t, _: f.huber_loss(s, t, reduction="none", delta=0.7).mean(1),
    ),
    "cross_entropy": (cross_entropy, LABELS, lambda f, s, t, _: f.cross_entropy(s, t, reduction="none")),
    "weighted cross_entropy": (
        functools.partial(cross_entropy, weights=WEIGHTS), LABELS,
        lambda f, s, t, tensor: f.cross_entropy(s, t, tensor(WEIGHTS), reduction="none"),
    ),
    "binary_cross_entropy": (
        functools.partial(binary_cross_entropy, positive_weight=2.5), FLAGS,
        lambda f, s, t, tensor: f.binary_cross_entropy_with_logits(
            s, t.to(s.dtype), reduction="none", pos_weight=tensor([2.5])
        ).mean(1),
    ),
    "hinge": (hinge, LABELS, lambda f, s, t, _: f.multi_margin_loss(s, t, reduction="none")),
    "hinge of one score": (
        lambda s, t: hinge(s[0], t), SIGNS,
        lambda f, s, t, _: f.margin_ranking_loss(s[:, 0], s[:, 0] * 0, t, margin=1.0, reduction="none"),
    ),
}  # fmt: skip


def pytorchs_losses(torch, name):
    _, targets, peer = TORCH_CASES[name]
    tensor = torch.tensor(SCORES, requires_grad=True)
    as_tensor = functools.partial(torch.tensor, dtype=torch.float64)
    found = peer(torch.nn.functional, tensor, torch.tensor(targets), as_tensor)
    found.sum().backward()
    return {"losses": found.detach().numpy(), "slopes": tensor.grad.numpy()}


@pytest.mark.parametrize("name", TORCH_CASES)
@pytest.mark.parametrize("compiled", [False, True])
def test_losses_and_gradients_are_those_of_pytorch(name, compiled, of_pytorch):
    theirs = of_pytorch(f"loss {name}", lambda torch: pytorchs_losses(torch, name))
    loss, targets, _ = TORCH_CASES[name]
    scores = SCORES
    if compiled:
        program = engine.compile(loss, [])
        ours, slopes = program(scores, targets), program.input_gradients(scores, targets)[0]
    else:
        found = [loss_and_gradient(loss, row.tolist(), one) for row, one in zip(scores, targets.tolist())]
        ours, slopes = (np.array(part) for part in zip(*found))
    # Relative to the scores from which a loss is computed: differences of theirs are rounded, whatever is left of them.
    size = np.maximum(1.0, np.abs(scores).max(axis=1))
    assert (np.abs(ours - theirs["losses"]) <= 1e-12 * np.maximum(size, np.abs(ours))).all()
    size = np.maximum(1.0, np.abs(theirs["slopes"]))
    if name in ("cross_entropy", "weighted cross_entropy"):  # e^(score - logsumexp), of which the exponent is rounded
        size = size * np.maximum(1.0, np.abs(scores).max(axis=1, keepdims=True) / 1e2)
    assert (np.abs(slopes - theirs["slopes"]) <= 1e-12 * size).all()


# --- single losses


class TestBinaryCrossEntropy:
    @given(score=st.floats(-30, 30), target=st.sampled_from([0, 1, 0.25]))
    def test_a_sigmoid_counts_by_its_logit(self, score, target):
        of_logit, slope = loss_and_gradient(binary_cross_entropy, [score], [target])
        of_sigmoid, same = loss_and_gradient(lambda v, t: binary_cross_entropy([v[0].sigmoid()], t), [score], [target])
        assert (of_logit, slope) == (of_sigmoid, same)
        assert slope[0] == pytest.approx(1 / (1 + math.exp(-score)) - target, abs=1e-15)

    def test_a_model_that_ends_in_sigmoid_learns_as_one_that_ends_in_its_score(self):
        X, y = np.random.default_rng(0).normal(size=(20, 2)), np.arange(20) % 2
        ended, bare = MLP(2, [3, 1], output="sigmoid", rng=0), MLP(2, [3, 1], rng=0)
        with no_grad():
            assert binary_cross_entropy(ended(X[0]), 1).data == binary_cross_entropy(bare(X[0]), 1).data
        for compiled in (True, False):
            for model in (ended, bare):
                nn.fit(model, binary_cross_entropy, X, y, epochs=3, progress=False, compiled=compiled)
            assert [p.data for p in ended.parameters()] == [p.data for p in bare.parameters()]

    @pytest.mark.parametrize(
        ("target", "message"),
        [
            (2, "targets from 0 to 1, got 2; for more than two classes, use cross_entropy"),
            (-1, r"got -1; for -1 and \+1, write y = \(y \+ 1\) / 2, or use hinge"),
        ],
    )
    def test_other_targets_are_refused(self, target, message):
        with pytest.raises(ValueError, match=message):
            binary_cross_entropy(Value(1.0), target)


def test_hinge_refuses_targets_that_are_no_sides():
    with pytest.raises(
        ValueError, match=r"targets -1 and \+1 beside one score, got 0; for 0 and 1, write y = 2 \* y - 1"
    ):
        hinge(Value(1.0), 0)
    with pytest.raises(IndexError, match="label 3 is not a class"):
        hinge([Value(1.0), Value(2.0)], 3)


@pytest.mark.parametrize("delta", [0.0, -1.0, math.inf])
def test_huber_needs_a_positive_delta(delta):
    with pytest.raises(ValueError, match="delta must be a positive number"):
        huber(Value(1.0), 0.0, delta)


def test_weights_multiply_the_loss_of_their_class():
    scores = [Value(1.0), Value(-1.0), Value(0.5)]
    for label, weight in enumerate([2.0, 0.0, 0.5]):
        found = cross_entropy(scores, label, weights=[2.0, 0.0, 0.5]).data
        assert found == weight * cross_entropy(scores, label).data
    with pytest.raises(ValueError, match="cross_entropy got 2 weights for 3 classes"):
        cross_entropy(scores, 0, weights=[1.0, 2.0])


def test_class_weights_are_those_of_sklearn():
    sklearn = pytest.importorskip("sklearn.utils.class_weight")
    for y in ([0, 0, 0, 1, 2, 2], ["b", "a", "a"]):
        expected = sklearn.compute_class_weight("balanced", classes=np.unique(y), y=np.array(y))
        np.testing.assert_allclose(class_weights(y), expected, rtol=1e-15)
    with pytest.raises(ValueError, match="class_weights got 0 labels"):
        class_weights([])


def test_penalties_are_sums_over_the_parameters_and_train_as_weight_decay():
    model = MLP(2, [3, 1], rng=0)
    data = np.array([p.data for p in model.parameters()])
    assert l2(model, 0.1).data == pytest.approx(0.1 * (data**2).sum(), rel=1e-15)
    assert l1(model.parameters(), 0.1).data == pytest.approx(0.1 * np.abs(data).sum(), rel=1e-15)
    X = np.random.default_rng(0).normal(size=(8, 2))
    twin = MLP(2, [3, 1], rng=0)
    nn.fit(model, lambda p, t: mse(p, t) + l2(model, 0.05), X, X[:, 0], epochs=5, optimiser=nn.SGD, progress=False)
    decay = nn.SGD(twin, weight_decay=0.1)
    nn.fit(twin, mse, X, X[:, 0], epochs=5, optimiser=decay, progress=False)
    np.testing.assert_allclose([p.data for p in model.parameters()], [p.data for p in twin.parameters()], rtol=1e-12)
    with pytest.raises(ValueError, match=r"l2 got 0 parameters; write l2\(model, 1e-4\)"):
        l2([], 0.1)


# --- a loss that does not fit the target names the one that does


@pytest.mark.parametrize(
    "loss, outputs, target, fits",
    [
        ("cross_entropy", 1, 250000.5, "mse"),
        ("cross_entropy", 2, 250000.5, "mse"),
        ("mse", 3, 1, "cross_entropy"),
        ("mae", 3, 1, "cross_entropy"),
        ("huber", 3, 1, "cross_entropy"),
        ("binary_cross_entropy", 2, 1, "cross_entropy, or give the model one output"),
        ("binary_cross_entropy", 1, 2, "cross_entropy"),
        ("binary_cross_entropy", 1, 250000.5, "mse"),
        ("hinge", 2, 250000.5, "mse"),
    ],
)
def test_a_loss_that_does_not_fit_the_target_names_the_one_that_does(loss, outputs, target, fits):
    model = chainrule.MLP(1, [outputs], rng=0)
    with pytest.raises((ValueError, TypeError), match=rf"use {fits}"):
        chainrule.fit(model, getattr(chainrule, loss), [[0.5], [1.5]], [target, target], epochs=1, progress=False)
