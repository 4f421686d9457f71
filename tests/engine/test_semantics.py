"""What a Value promises: construction, backward, refresh, domains, errors, and what it does as a number."""

import contextlib
import copy
import gc
import math
import re
import sys
import threading
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pytest
from graphs import chain

from chainrule import engine
from chainrule.engine import (
    DomainError,
    Value,
    absolute,
    divide,
    dot,
    exp,
    log,
    logsumexp,
    no_grad,
    pick,
    power,
    relu,
    sigmoid,
    sqrt,
    step,
    tanh,
    topological_order,
    total,
)

# --- construction


@pytest.mark.parametrize("number", [2, 2.0, np.float64(2), np.float32(2), np.int64(2), np.uint8(2), np.array(2.0)])
def test_data_becomes_a_float(number):
    assert type(Value(number).data) is float and Value(number).data == 2.0


@pytest.mark.parametrize(
    "wrong, text",
    [
        ("2", "a Value holds one number, got str '2'; write Value(float('2'))"),
        ([1, 2], "a Value holds one number, got list [1, 2]; for a list, write [Value(x) for x in ...]"),
        ((), "a Value holds one number, got tuple (); for a list, write [Value(x) for x in ...]"),
        (np.array([1.0]), "a Value holds one number, got ndarray array([1.]); for a list, write"),
        (1j, "a Value holds one number, got complex 1j; only real numbers have derivatives here: take .real and .imag"),
        (None, "a Value holds one number, got NoneType None"),
        (True, "a Value holds one number, got bool True; write Value(1.0)"),
        (Value(1.0), "a Value holds one number, got Value Value(data=1.0, grad=0.0); use it as it is, without"),
    ],
    ids=lambda case: type(case).__name__,
)
def test_a_value_of_anything_but_a_number_is_an_error_that_says_what_to_write(wrong, text):
    with pytest.raises(TypeError) as error:
        Value(wrong)
    assert str(error.value).startswith(text)


def test_a_number_among_the_arguments_stays_a_float():
    a = Value(2.0)
    b = 3 * a
    assert b.arguments == (3.0, a) and type(b.arguments[0]) is float
    assert topological_order(b) == [a, b]


def test_the_operation_of_a_node_is_its_row():
    a = Value(2.0)
    assert (a * 3).operation is engine.OPS["multiply"] and a.operation is None and a.arguments == ()


def test_the_operation_of_a_power_of_values_is_the_row_of_power():
    assert (Value(2.0) ** Value(3.0)).operation is power


# --- backward


def test_backward_adds_to_the_gradients_of_leaves_and_replaces_those_of_inner_nodes():
    a, b = Value(2.0), Value(3.0)
    c = a * b
    d = c * c
    for calls in (1, 2, 3):
        d.backward()
        assert (a.grad, b.grad) == (calls * 36.0, calls * 24.0)
        assert (c.grad, d.grad) == (12.0, 1.0)


def test_a_later_backward_from_an_inner_node_starts_there():
    a = Value(2.0)
    b = a * 3.0
    c = b * 5.0
    c.backward()
    b.backward()
    assert (a.grad, b.grad, c.grad) == (15.0 + 3.0, 1.0, 1.0)


def test_gradients_of_two_results_that_share_an_inner_node_add_up():
    a = Value(2.0)
    shared = a * 3.0
    (shared * 5.0).backward()
    (shared * 7.0).backward()
    assert a.grad == 3.0 * (5.0 + 7.0)


def test_backward_on_a_leaf_adds_one():
    a = Value(2.0)
    a.backward()
    a.backward()
    assert a.grad == 2.0


def test_a_value_that_one_operation_uses_twice_gets_both_parts():
    a = Value(3.0)
    (a + a).backward()
    (a * a).backward()
    (a - a).backward()
    (a / a).backward()
    assert a.grad == pytest.approx(2.0 + 6.0, rel=1e-15)


def test_the_gradients_of_two_paths_add_up():
    a = Value(3.0)
    left, right = a * 2.0, a * a
    (left * right).backward()
    assert a.grad == 6 * 9.0  # 2 a ** 3


def test_three_hundred_nodes_used_twice_each_are_visited_once_each():
    a = Value(1.0)
    b = a
    for _ in range(300):
        b = (b + b) * 0.5
    b.backward()
    assert a.grad == 1.0


def test_a_node_that_is_an_argument_ten_times_gets_ten_parts():
    a = Value(2.0)
    b = a * 1.0
    logsumexp([b] * 10).backward()
    assert a.grad == pytest.approx(1.0, rel=1e-14)
    a.grad = 0.0
    sum([b] * 10).backward()
    assert (a.grad, b.grad) == (10.0, 10.0)


def test_a_gradient_that_was_set_to_0_starts_anew():
    a = Value(2.0)
    b = a * a
    b.backward()
    a.grad = 0
    b.backward()
    assert a.grad == 4.0


# --- changed data, and refresh


def test_changed_data_change_no_result_and_no_gradient_until_refresh():
    a, b = Value(2.0, label="a"), Value(3.0)
    c = a * b
    y = c + a**2
    a.data = 5.0
    assert (c.data, y.data) == (6.0, 10.0)
    y.backward()
    assert (a.grad, b.grad) == (3.0 + 4.0, 2.0)
    y.refresh()
    a.grad = b.grad = 0.0
    y.backward()
    assert (c.data, y.data, a.grad, b.grad) == (15.0, 40.0, 3.0 + 10.0, 5.0)
    assert y._prev[0] is c and c._prev == (a, b)


def test_refresh_of_a_leaf_does_nothing():
    a = Value(2.0)
    a.refresh()
    assert a.data == 2.0


def test_refresh_takes_integers_that_were_written_into_data():
    a = Value(2.0)
    b = a * 3
    a.data = 4
    b.refresh()
    assert b.data == 12.0


def test_refresh_inside_no_grad_keeps_the_graph_differentiable():
    w = Value(2.0)
    loss = w * w
    w.data = 3.0
    with no_grad():
        loss.refresh()
    loss.backward()
    assert (loss.data, w.grad) == (9.0, 6.0)


def test_a_refresh_that_fails_leaves_the_graph_as_it_was():
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


# --- other things than floats in .data and .grad


@pytest.mark.parametrize("number", [1, np.float64(1.0), np.float32(1.0), np.int8(1)])
def test_numbers_of_any_kind_in_data_act_like_floats(number):
    a = Value(1.0)
    a.data = number
    with warnings.catch_warnings(), pytest.raises(DomainError, match=r"1.0 / 0.0 has no finite value"):
        warnings.simplefilter("error")
        a / Value(0.0)


@pytest.mark.parametrize("wrong", ["5", None, [1.0]])
def test_anything_but_a_number_in_data_is_an_error(wrong):
    a = Value(1.0)
    with pytest.raises(TypeError, match="a Value holds one number, got"):
        a.data = wrong
    assert a.data == 1.0


def test_the_error_about_a_gradient_of_none_says_how_to_clear_gradients():
    w = Value(1.0, label="w")
    loss = w * 2
    w.grad = None
    with pytest.raises(TypeError, match=r"the .grad of w is None; to clear a gradient, set it to 0.0"):
        loss.backward()
    w.grad = 0.0
    loss.backward()
    assert w.grad == 2.0


# --- no_grad, detach and requires_grad


def test_results_of_no_grad_have_no_arguments():
    a = Value(2.0)
    with no_grad():
        made = [a + 1, 1 - a, a * a, -a, a**2, 2**a, a / 2, 2 / a, a.tanh(), a.relu(), a.exp(), logsumexp([a, a])]
    assert all(v.arguments == () and v._prev == () and not v.requires_grad and v.operation is None for v in made)
    made[0].backward()
    assert a.grad == 0.0 and made[0].grad == 0.0
    assert (a + 1).requires_grad


def test_no_grad_ends_after_an_error_and_may_be_nested_and_may_decorate():
    with pytest.raises(ZeroDivisionError), no_grad():
        raise ZeroDivisionError
    a = Value(2.0)
    assert (a * 2).arguments
    with no_grad():
        with no_grad():
            pass
        assert (a * 2).arguments == ()

    @no_grad()
    def predict(x):
        return x * 2

    assert predict(a).arguments == () and predict(a).arguments == () and (a * 2).arguments


def test_no_grad_holds_for_one_thread():
    a, inside, done = Value(2.0), threading.Event(), threading.Event()

    def elsewhere():
        with no_grad():
            inside.set()
            done.wait(5)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    inside.wait(5)
    try:
        assert (a * 2).arguments == (a, 2.0)
    finally:
        done.set()
        thread.join()


def test_detach_stops_gradients():
    a = Value(2.0, label="a")
    b = a.detach()
    assert (b.data, b.label, b.requires_grad, b.arguments) == (2.0, "a", False, ())
    (a * b).backward()
    assert (a.grad, b.grad) == (2.0, 0.0)


def test_backward_does_not_visit_nodes_that_require_no_gradient():
    x, w = Value(2.0, requires_grad=False), Value(3.0)
    fixed = (x * x).tanh()
    y = fixed * w + x
    fixed.grad = x.grad = 7.0
    y.backward()
    assert w.grad == fixed.data and x.grad == 7.0 and fixed.grad == 7.0
    assert not fixed.requires_grad and y.requires_grad and x in topological_order(y)
    x.backward()
    (x * 2).backward()
    assert x.grad == 7.0


# --- ties, kinks, and the ends of domains


@pytest.mark.parametrize("f", [absolute, relu, step], ids=lambda f: f.name)
@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_the_local_derivative_at_a_kink_is_0(f, zero):
    x = Value(zero)
    f(x).backward()
    assert x.grad == 0.0


@pytest.mark.parametrize("name", ["minimum", "maximum"])
def test_a_tie_gives_each_argument_half_of_the_gradient(name):
    a, b = Value(2.0), Value(2.0)
    getattr(engine, name)(a, b).backward()
    assert (a.grad, b.grad) == (0.5, 0.5)


def test_powers_of_zero_have_finite_gradients():
    b = Value(2.0)
    y = 0**b
    y.backward()
    assert (y.data, b.grad) == (0.0, 0.0)
    a, b = Value(0.0), Value(2.0)
    (a**b).backward()
    assert (a.grad, b.grad) == (0.0, 0.0)
    a = Value(0.0)
    (a**0 + a**1 + a**2).backward()
    assert a.grad == 1.0


@pytest.mark.parametrize("make", [sqrt, lambda x: x**0.5], ids=["sqrt", "power"])
def test_a_finite_value_with_an_infinite_local_derivative_is_no_error(make):
    x = Value(0.0)
    y = make(x)
    y.backward()
    assert (y.data, y._local_grads, x.grad) == (0.0, (math.inf,), math.inf)


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_trigonometric_functions_of_non_finite_arguments_are_nan(name):
    for x in (math.inf, -math.inf, math.nan):
        assert math.isnan(getattr(engine, name)(Value(x)).data)


def test_infinities_and_nan_propagate_as_in_ieee():
    inf, nan = Value(math.inf), Value(math.nan)
    assert (inf + 1).data == exp(inf).data == log(inf).data == sqrt(inf).data == math.inf
    assert (exp(-inf).data, tanh(inf).data, sigmoid(-inf).data, (1 / inf).data) == (0.0, 1.0, 0.0, 0.0)
    assert all(math.isnan(v.data) for v in (inf - inf, inf * 0, nan + 1, exp(nan), relu(nan), step(nan), inf / inf))


def test_overflow_gives_inf():
    big = Value(1e200)
    assert (exp(Value(1000.0)).data, (big * big).data, (big**2).data, (big / 1e-200).data) == (math.inf,) * 4
    assert ((-big) ** 3).data == -math.inf and exp(1000.0) == math.inf
    x = Value(1000.0)
    exp(x).backward()
    assert x.grad == math.inf


@pytest.mark.parametrize("x", [1e308, -1e308, 1e3, -1e3, 0.0])
def test_functions_that_are_finite_everywhere_are_so_at_huge_arguments(x):
    for f in (tanh, sigmoid, engine.softplus):
        v = Value(x)
        y = f(v)
        y.backward()
        assert math.isfinite(y.data) and math.isfinite(v.grad)
    values = [Value(x), Value(-x), Value(0.0)]
    y = logsumexp(values)
    y.backward()
    assert math.isfinite(y.data) and sum(v.grad for v in values) == pytest.approx(1.0, rel=1e-15)


def test_softmax_of_huge_equal_logits_is_even():
    values = [Value(1e16), Value(1e16)]
    logsumexp(values).backward()
    assert [v.grad for v in values] == [0.5, 0.5]


def test_a_pole_of_one_local_derivative_leaves_the_others_finite():
    a, b = Value(0.0), Value(0.5)
    (a**b).backward()
    assert (a.grad, b.grad) == (math.inf, 0.0)  # 0 · log 0 counts as 0


# --- errors name the formula and the numbers


@pytest.mark.parametrize(
    "make, text",
    [
        (lambda p: log(p), "log(p) with p = 0.0 has no finite value"),
        (lambda p: 1 / p, "1.0 / p with p = 0.0 has no finite value"),
        (lambda p: Value(1.0) / p, "1.0 / p with p = 0.0 has no finite value"),
        (lambda p: p / 0, "p / 0.0 with p = 0.0 has no"),
        (lambda p: p**-1, "p ** -1.0 with p = 0.0 has no finite value"),
        (lambda p: sqrt(p - 1), "sqrt(-1.0) has no real value"),
        (lambda p: (p - 8.0) ** (1 / 3), "-8.0 ** 0.3333333333333333 has no real value"),
        (lambda p: log(0.0), "log(0.0) has no finite value"),
        (lambda p: log(-1), "log(-1.0) has no real value"),
        (lambda p: divide(1, 0), "1.0 / 0.0 has no finite value"),
    ],
)
def test_a_domain_error_names_the_formula_and_the_numbers(make, text):
    with pytest.raises(DomainError) as error:
        make(Value(0.0, label="p"))
    assert str(error.value).replace("(-8.0)", "-8.0").startswith(text)
    assert isinstance(error.value, ValueError) and isinstance(error.value, ArithmeticError)


def test_a_domain_error_in_refresh_names_the_formula_and_the_numbers():
    p = Value(1.0, label="p")
    y = log(p)
    p.data = 0.0
    with pytest.raises(DomainError, match=re.escape("log(p) with p = 0.0")):
        y.refresh()


@pytest.mark.parametrize(
    ("index", "count", "said"),
    [
        (-1, 3, "index -1 is out of range: pick has 3 values (indices 0 to 2)"),
        (3, 3, "index 3 is out of range: pick has 3 values (indices 0 to 2)"),
        (1.5, 3, "index 1.5 is not a whole number: pick has 3 values (indices 0 to 2)"),
        (3, 1, "index 3 is out of range: pick has 1 value (index 0)"),
        (0, 0, "index 0 is out of range: pick has no values"),
    ],
)
def test_the_error_about_a_wrong_index_names_the_right_ones(index, count, said):
    with pytest.raises(IndexError, match=f"^{re.escape(said)}$"):
        pick([Value(1.0)] * count, index)
    if count:
        with pytest.raises(IndexError, match=f"^{re.escape(said)}$"):
            pick.on_arrays(*[np.ones(2)] * count, np.array([0.0, index]))


def test_logsumexp_of_an_empty_list_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        logsumexp([])


def test_an_error_shows_a_negative_base_in_brackets():
    with pytest.raises(DomainError, match=r"^\(-8.0\) \*\* 0.5 has no real value"):
        Value(-8.0) ** 0.5


def test_errors_show_labels_shortened_and_without_control_characters():
    label = "evil\x1b[31m\n\u202e" + "x" * 100_000
    with pytest.raises(DomainError) as error:
        log(Value(0.0, label=label))
    assert str(error.value).isprintable() and len(str(error.value)) < 200
    assert Value(0.0, label=label).name().startswith("evil\ufffd[31m\ufffd\ufffdx")


@pytest.mark.parametrize("call", [
    lambda: total(np.ones((2, 2))),
    lambda: logsumexp(np.ones((2, 2))),
    lambda: dot(np.ones((2, 2)), np.ones((2, 2))),
    lambda: total([np.ones(2), np.ones(2)]),
    lambda: total(Value(1.0)),
    lambda: total(1.0, 2.0),
    lambda: pick([1.0, 2.0]),
])  # fmt: skip
def test_the_error_of_a_row_that_takes_lists_says_so(call):
    with pytest.raises(TypeError, match=r"^(total|logsumexp|dot|pick) takes lists of numbers") as error:
        call()
    assert "lambda" not in str(error.value)


# --- a Value where Python expects a number


def test_comparisons_and_conversions_read_the_data():
    a = Value(2.5)
    assert a < 3 and a <= Value(2.5) and a > 2 and a >= 2.5 and not a < a
    assert bool(a) and not Value(0.0) and float(a) == 2.5 and int(a) == 2 and format(a, ".3f") == "2.500"
    assert math.sqrt(a) == math.sqrt(2.5) and round(float(a)) == 2
    assert a == a and a != Value(2.5)


def test_abs_and_sum_of_python_are_differentiable():
    a = Value(-2.5)
    y = abs(a) + sum([a, a])
    y.backward()
    assert (y.data, a.grad) == (-2.5, 1.0)


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


# --- memory


def test_a_node_is_small():
    """A node takes about 200 bytes: its slots, the heads of the object and of the collector, and the number."""
    _, y = chain(2)
    assert sys.getsizeof(y) + sys.getsizeof(y.data) <= 216
    assert not y.__dict__


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    gc.collect()


def test_graphs_have_no_reference_cycles(no_collector):
    a = Value(0.5)
    y = a
    for _ in range(50):
        y = (y * a + y.tanh() - a / 2).sigmoid() ** 2 + logsumexp([y, a, y]) + pick([y, a], 1) - abs(y)
    y.backward()
    y.refresh()
    topological_order(y)
    copied = copy.deepcopy(y)
    inner = weakref.ref(y._prev[0])
    del y, copied
    assert inner() is None
    assert gc.collect() == 0


def test_a_domain_error_leaves_no_cycle(no_collector):
    y = log(Value(1.0))
    with contextlib.suppress(DomainError):
        log(y)
    del y
    assert gc.collect() == 0


# --- threads


def test_threads_may_build_and_differentiate_graphs_over_the_same_frozen_leaves():
    shared = [Value(0.1 * i, requires_grad=False) for i in range(1, 6)]

    def work(seed):
        w = Value(0.01 * seed)
        total = Value(0.0)
        for _ in range(200):
            total = sum((w * x).tanh() for x in shared) + total * 0.5
        total.backward()
        return total.data, w.grad

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(work, range(24)))
    finally:
        sys.setswitchinterval(interval)
    assert together == [work(seed) for seed in range(24)]
    assert all(x.grad == 0.0 for x in shared)


# --- long chains


@pytest.mark.parametrize("length", [100_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_a_long_chain_is_built_differentiated_refreshed_and_freed(no_collector, length):
    x, y = chain(length)
    y.backward()
    assert x.grad == 1.0
    x.data = 2.0
    y.refresh()
    assert y.data == pytest.approx(2.0 + length / 2 * 1e-6, rel=1e-9)
    last = weakref.ref(y._prev[0])
    del y
    assert last() is None
