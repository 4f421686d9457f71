"""What somebody who tried to break the engine found: each was wrong once."""

import copy
import math
import pickle
import warnings
from fractions import Fraction

import numpy as np
import pytest

from chainrule.engine import DomainError, Op, Value, dot, log, logsumexp, no_grad, pick, register, total, unregister

# --- comparisons and other things of plain numbers


@pytest.mark.parametrize("three", [np.float64(3.0), np.float32(3.0), np.int64(3), np.array(3.0), Fraction(3), True + 2])
def test_values_compare_with_every_kind_of_number_from_both_sides(three):
    two = Value(2.0)
    assert two < three and two <= three and not two > three and not two >= three
    assert three > two and three >= two and not three < two and not three <= two


def test_values_compare_with_arrays_element_by_element():
    assert (Value(2.0) < np.array([1.0, 3.0])).tolist() == [False, True]
    assert (np.array([1.0, 3.0]) < Value(2.0)).tolist() == [True, False]


def test_values_round_and_add_to_fractions():
    assert round(Value(2.346), 2) == 2.35
    assert round(Value(2.6)) == 3
    assert (Value(1.0) + Fraction(1, 2)).data == (Fraction(1, 2) + Value(1.0)).data == 1.5


def test_numpys_variance_and_deviation_are_differentiable():
    a, b = Value(1.0), Value(3.0)
    np.var([a, b]).backward()
    assert (a.grad, b.grad) == (-1.0, 1.0)  # 2 (x - mean) / n
    assert np.std(np.array([a, b])).data == 1.0


# --- refresh


def test_refresh_inside_no_grad_keeps_the_graph_differentiable():
    w = Value(2.0)
    loss = w * w
    w.data = 3.0
    with no_grad():
        loss.refresh()
    loss.backward()
    assert (loss.data, w.grad) == (9.0, 6.0)


def test_a_refresh_that_fails_leaves_all_as_it_was():
    a = Value(2.0)
    twice = a * 2.0
    root = total([twice.log(), twice])
    state = [(node.data, node._local_grads) for node in (twice, root)]
    a.data = -1.0
    with pytest.raises(DomainError):
        root.refresh()
    assert [(node.data, node._local_grads) for node in (twice, root)] == state
    root.backward()
    assert a.grad == 2.0 * (1.0 / 4.0 + 1.0)


# --- whatever a user writes into .data and .grad


@pytest.mark.parametrize("number", [1, np.float64(1.0), np.float32(1.0), np.int8(1)])
def test_numbers_of_any_kind_in_data_act_as_floats_do(number):
    a = Value(1.0)
    a.data = number
    with warnings.catch_warnings(), pytest.raises(DomainError, match=r"1.0 / 0.0 has no finite value"):
        warnings.simplefilter("error")
        a / Value(0.0)


@pytest.mark.parametrize("wrong", ["5", None, [1.0]])
def test_what_is_no_number_in_data_is_named(wrong):
    a = Value(1.0)
    a.data = wrong
    with pytest.raises(TypeError, match="a Value holds one number, got"):
        a.exp()


def test_a_gradient_of_none_says_how_gradients_are_cleared():
    w = Value(1.0, label="w")
    loss = w * 2
    w.grad = None
    with pytest.raises(TypeError, match=r"w.grad is None; to clear a gradient, set it to 0.0"):
        loss.backward()
    w.grad = 0.0
    loss.backward()
    assert w.grad == 2.0


# --- copies

each_copy = pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))], ids=["deepcopy", "pickle"]
)


@each_copy
def test_leaves_that_refer_to_themselves_or_each_other_are_copied(duplicate):
    a, b = Value(1.0), Value(2.0)
    a.me, a.partner, b.partner = a, b, a
    twin = duplicate(a)
    assert twin.me is twin and twin.partner.partner is twin and twin.partner is not b
    twin = duplicate(a * b)
    assert twin.arguments[0].partner is twin.arguments[1]


@each_copy
def test_a_leaf_that_refers_to_what_was_made_of_it_is_copied(duplicate):
    a = Value(3.0)
    a.uses = [a * 2.0]
    twin = duplicate(a)
    assert twin.uses[0].data == 6.0 and twin.uses[0].arguments[0] is twin


# --- nodes made by hand


def test_a_label_in_the_place_of_the_children_is_named():
    with pytest.raises(TypeError, match=r"children 'a': a tuple of Values.*a name is label="):
        Value(2.0, "a")


def test_one_value_in_the_place_of_the_children_is_named():
    with pytest.raises(TypeError, match="a tuple of Values"):
        Value(2.0, Value(1.0), "+")


@pytest.mark.parametrize("number", [2, 2.0, np.int64(2), Fraction(2)])
def test_children_that_are_numbers_count_as_numbers(number):
    a = Value(1.0)
    node = Value(3.0, (a, number), (1.0, 1.0))
    node.backward()
    assert node._prev == (a,) and a.grad == 1.0


def test_local_derivatives_that_are_no_numbers_are_named():
    with pytest.raises(TypeError, match=r"a local derivative takes numbers and Values, got str 'x'"):
        Value(1.0, (Value(1.0),), ("x",))


def test_a_node_with_given_slopes_is_not_said_to_have_a_backward_of_its_own():
    with pytest.raises(TypeError, match=r"cannot refresh the hand-made node with data 1.0: it was made by hand; add a"):
        Value(1.0, (Value(1.0),), (2.0,)).refresh()


def test_a_backward_that_is_no_function_is_refused():
    node = Value(1.0) * 2.0
    with pytest.raises(TypeError, match=r"_backward is a function .* got None"):
        node._backward = None


# --- rows of any number of arguments


@pytest.mark.parametrize("call", [
    lambda: total(np.ones((2, 2))),
    lambda: logsumexp(np.ones((2, 2))),
    lambda: dot(np.ones((2, 2)), np.ones((2, 2))),
    lambda: total([np.ones(2), np.ones(2)]),
    lambda: total(Value(1.0)),
    lambda: total(1.0, 2.0),
    lambda: pick([1.0, 2.0]),
])  # fmt: skip
def test_rows_that_take_lists_say_so(call):
    with pytest.raises(TypeError, match=r"^(total|logsumexp|dot|pick) takes lists of numbers") as error:
        call()
    assert "lambda" not in str(error.value)


# --- rows of one's own


def row(**changed):
    return Op(**{"name": "twofold", "forward": lambda a: 2.0 * a, "partials": (lambda out, a: 2.0,),
                 "numpy": "2.0 * {}", **changed})  # fmt: skip


@pytest.mark.parametrize(("changed", "message"), [
    ({"numpy": ""}, r"numpy='np.twofold\(\{\}\)' does not run at \[2.0\]: module 'numpy' has no attribute 'twofold'"),
    ({"numpy": "2.0 * {"}, "numpy='2.0 . {' does not run"),
    ({"partials": lambda out, a: 2.0}, r"partials=\(rule,\) for a fixed number"),
    ({"partials": lambda out, a: 2.0, "forward": lambda *a: sum(a), "numpy": "sum({})"}, r"partials=\(rule,\)"),
    ({"partials": lambda out, *a: [1.0], "forward": lambda *a: sum(a), "numpy": "sum({})"},
     "returned a list of length 1; it needs one slope for each argument, of which there are 2"),
    ({"partials": (lambda out: 2.0,)}, "partials does not run"),
    ({"partials": ()}, "needs one {} for each argument"),
    ({"name": "class"}, "which 'class' cannot be"),
    ({"symbol": "{x}"}, "'{x}' needs one {}"),
    ({"symbol": "{}{}"}, "'{}{}' needs one {}"),
])  # fmt: skip
def test_register_refuses_what_does_not_run_and_says_why(changed, message):
    with pytest.raises(ValueError, match=message):
        register(row(**changed))
    assert not hasattr(Value, "twofold")


def test_register_and_unregister_want_rows_and_each_once():
    with pytest.raises(TypeError, match="register takes a row, Op"):
        register(math.sin)
    twofold = register(row())
    unregister(twofold)
    with pytest.raises(ValueError, match="<operation twofold> is not a row of the table"):
        unregister(twofold)


# --- what errors show


def test_errors_show_labels_without_what_steers_a_terminal_and_shortened():
    label = "evil\x1b[31m\n\u202e" + "x" * 100_000
    with pytest.raises(DomainError) as error:
        log(Value(0.0, label=label))
    assert str(error.value).isprintable() and len(str(error.value)) < 200
    assert Value(0.0, label=label).name().startswith("evil\ufffd[31m\ufffd\ufffdx")


def test_a_negative_base_stands_in_brackets():
    with pytest.raises(DomainError, match=r"^\(-8.0\) \*\* 0.5 has no real value"):
        Value(-8.0) ** 0.5
