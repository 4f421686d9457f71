"""Nodes that a learner makes by hand, as in micrograd's lecture, with a _backward or with local derivatives."""

import copy
import pickle
from fractions import Fraction

import numpy as np
import pytest

from chainrule import engine
from chainrule.engine import Value, topological_order


def test_a_hand_made_node_needs_a_local_derivative_for_each_argument():
    with pytest.raises(ValueError, match="1 children need as many local derivatives, got 2"):
        Value(1.0, (Value(2.0),), (1.0, 2.0))


def squared_by_hand(a):
    out = Value(a.data**2, (a,), "squared", "s")

    def backward():
        a.grad += 2 * a.data * out.grad

    out._backward = backward
    return out


def test_backward_runs_the_backward_of_a_hand_made_node_at_every_call():
    a = Value(3.0)
    y = squared_by_hand(a * 2) * 5
    for calls in (1, 2):
        y.backward()
        assert a.grad == calls * 5 * 2 * 6 * 2


def test_backward_runs_the_backward_that_an_ordinary_node_was_given():
    a, b = Value(2.0), Value(3.0)
    c = a * b
    seen = []
    c._backward = lambda: seen.append(c.grad)
    (c * 4 + a).backward()
    assert (seen, a.grad, b.grad) == ([4.0], 1.0, 0.0)


@pytest.mark.parametrize(
    "use, verb",
    [
        (lambda y: y.refresh(), "refresh"),
        (pickle.dumps, "pickle"),
        (copy.deepcopy, "copy"),
        (lambda y: engine.gradients(y, topological_order(y)[:1]), ""),
    ],
    ids=["refresh", "pickle", "deepcopy", "gradients"],
)
def test_functions_that_need_a_row_refuse_hand_made_nodes_and_name_them(use, verb):
    y = squared_by_hand(Value(3.0)) * 5
    with pytest.raises(TypeError, match=f"{verb}.* s: it has a hand-written _backward; add a row"):
        use(y)


def test_after_a_hand_written_backward_has_raised_the_next_call_is_right():
    a = Value(3.0)
    inner = a * 2
    bad = Value(1.0, (inner,), "bad")

    def fail():
        raise RuntimeError("mine")

    bad._backward = fail
    y = bad * inner + inner
    with pytest.raises(RuntimeError, match="mine"):
        y.backward()
    bad._backward = lambda: None
    a.grad = 0.0
    y.backward()
    assert a.grad == 2 * (1.0 + 1.0)


def test_a_label_in_the_place_of_the_arguments_is_refused():
    with pytest.raises(TypeError, match=r"children 'a': a tuple of Values.*a name is label="):
        Value(2.0, "a")


def test_one_value_in_the_place_of_the_arguments_is_refused():
    with pytest.raises(TypeError, match="a tuple of Values"):
        Value(2.0, Value(1.0), "+")


@pytest.mark.parametrize("number", [2, 2.0, np.int64(2), Fraction(2)])
def test_arguments_of_a_hand_made_node_may_be_numbers(number):
    a = Value(1.0)
    node = Value(3.0, (a, number), (1.0, 1.0))
    node.backward()
    assert node._prev == (a,) and a.grad == 1.0


def test_local_derivatives_that_are_not_numbers_are_refused():
    with pytest.raises(TypeError, match=r"a local derivative takes numbers and Values, got str 'x'"):
        Value(1.0, (Value(1.0),), ("x",))


def test_the_error_about_a_node_with_given_local_derivatives_mentions_no_backward():
    with pytest.raises(TypeError, match=r"cannot refresh the hand-made node with data 1.0: it was made by hand; add a"):
        Value(1.0, (Value(1.0),), (2.0,)).refresh()


def test_a_backward_that_is_not_a_function_is_refused():
    node = Value(1.0) * 2.0
    with pytest.raises(TypeError, match=r"_backward has to be a function .* got None"):
        node._backward = None
