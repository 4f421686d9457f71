import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.engine import Value, topological_order
from chainrule.nn import cross_entropy, mse, softmax

numbers = st.floats(-1e3, 1e3)
EPS = np.finfo(float).eps


@given(logits=st.lists(numbers, min_size=2, max_size=5), data=st.data())
def test_cross_entropy_gradient_is_softmax_minus_one_hot(logits, data):
    target = data.draw(st.integers(0, len(logits) - 1))
    values = [Value(z) for z in logits]
    cross_entropy(values, target).backward()
    exact = np.exp(np.array(logits) - np.logaddexp.reduce(logits))
    exact[target] -= 1
    # Each probability is e^(z - lse): an error of eps · |lse| in the exponent is that much of the probability (<= 1).
    tolerance = 4 * EPS * (1 + max(map(abs, logits)))
    np.testing.assert_allclose([v.grad for v in values], exact, rtol=0, atol=tolerance)


@given(logits=st.lists(numbers, min_size=1, max_size=5), shift=numbers)
def test_softmax_is_a_distribution_and_does_not_see_a_shift(logits, shift):
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
    if p > 1e-300:  # where the probability is no number any more, the loss still is
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
def test_a_label_out_of_range_is_named(label):
    with pytest.raises(IndexError, match=f"label {label} is not a class: there are 3 classes, 0 to 2"):
        cross_entropy([Value(0.0)] * 3, label)


@pytest.mark.parametrize("label", [1.0, "1", None, [1], np.array([0, 1, 0])])
def test_a_label_that_is_no_integer_is_named(label):
    with pytest.raises(TypeError, match=r"a class label is an integer, got .*write y.ravel\(\).astype\(int\)"):
        cross_entropy([Value(0.0)] * 3, label)


def test_scores_must_be_several():
    with pytest.raises(TypeError, match="cross_entropy needs one logit per class, got a single Value"):
        cross_entropy(Value(1.0), 0)
    with pytest.raises(ValueError, match="softmax got 0 logits"):
        softmax([])


@pytest.mark.parametrize("count", [1, 2, 5])
def test_mse_has_no_needless_node(count):
    predictions = [Value(float(i)) for i in range(count)]
    order = topological_order(mse(predictions, [0.5] * count))
    made = [value for value in order if value.operation is not None]
    # A difference and a square each, what adds the squares, and for several the division.
    assert len(made) == 2 * count + (count - 1) + (count > 1)


def test_mse_of_nothing_is_refused():
    with pytest.raises(ValueError, match="mse got 0 predictions"):
        mse([], [])


@given(pairs=st.lists(st.tuples(numbers, numbers), min_size=1, max_size=5))
def test_mse_and_its_gradient(pairs):
    p, t = np.array(pairs).T
    values = [Value(z) for z in p]
    loss = mse(values, t)
    loss.backward()
    assert loss.data == pytest.approx(np.mean((p - t) ** 2), rel=1e-14)
    np.testing.assert_allclose([v.grad for v in values], 2 * (p - t) / len(p), rtol=1e-14)


def test_mse_of_single_numbers_and_of_models_with_one_output():
    assert mse(Value(3.0), 1.0).data == mse([Value(3.0)], [1.0]).data == mse(Value(3.0), np.array([1.0])).data == 4.0


def test_mse_of_different_lengths_is_named():
    with pytest.raises(ValueError, match="mse got 2 predictions and 3 targets"):
        mse([Value(1.0), Value(2.0)], [1.0, 2.0, 3.0])


def test_mse_takes_an_array_of_no_dimensions_for_a_number():
    assert mse(Value(3.0), np.array(1.0)).data == 4.0
