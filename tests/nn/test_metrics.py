import math

import numpy as np
import pytest

from chainrule.engine import Value
from chainrule.nn import accuracy


def test_accuracy_takes_class_scores_or_classes_or_scores_with_a_threshold():
    assert accuracy(np.array([[1.0, 2.0], [3.0, 1.0], [0.0, 9.0]]), np.array([1, 0, 0])) == pytest.approx(2 / 3)
    assert accuracy([0, 2, 1], [0, 2, 2]) == pytest.approx(2 / 3)
    assert accuracy([0.9, 0.2], [1, 0], threshold=0.5) == 1.0
    assert accuracy([0.9, -0.2], [-1, -1], threshold=0.0) == 0.5
    assert type(accuracy([0], [0])) is float


@pytest.mark.parametrize(
    ("predictions", "labels", "message"),
    [
        ([[1.0, 2.0]], [0, 1], r"predictions \(1, 2\) and labels \(2,\)"),
        ([], [], r"predictions \(0,\) and labels \(0,\)"),
        ([[1.0, 2.0]], [[0]], r"labels \(n,\); got predictions \(1, 2\) and labels \(1, 1\)"),
        (1.0, 1, r"got predictions \(\) and labels \(\)"),
        ([0.3, 0.7], [0, 1], "2 scores of one output; .* threshold=0.5"),
    ],
)
def test_accuracy_refuses_shapes_that_do_not_fit(predictions, labels, message):
    with pytest.raises(ValueError, match=message):
        accuracy(predictions, labels)


@pytest.mark.parametrize(
    ("predictions", "labels", "error", "message"),
    [
        ([[0.0, 1.0], [math.nan, 1.0]], [1, 0], ValueError, "predictions with nan in row 1"),
        ([1.0, 2.0], [math.nan, 1.0], ValueError, "labels with nan in row 0"),
        (
            [[None, "b"]],
            [1],
            TypeError,
            "got an array of object: row 0 .* holds 'b' in column 1",
        ),
        (
            [["a", "b"]],
            [1],
            TypeError,
            "got an array of <U1: row 0 of predictions holds 'a' in column 0",
        ),
        ([[None, 1.0]], [1], ValueError, "row 0 of predictions holds None in column 0"),
        ([[1.0, 2.0]], ["1"], TypeError, "labels must hold numbers, got an array of <U1: row 0 of labels holds '1'"),
        ([[1.0], [2.0]], [0, 1], ValueError, "2 scores of one output; .* threshold=0.5"),
    ],
)
def test_accuracy_refuses_nan_and_anything_but_numbers(predictions, labels, error, message):
    with pytest.raises(error, match=message):
        accuracy(predictions, labels)


def test_accuracy_takes_a_single_column_and_values():
    assert accuracy([[0.2], [0.9]], [0, 1], threshold=0.5) == 1.0
    assert accuracy([[Value(1.0), Value(2.0)]], [1]) == 1.0
