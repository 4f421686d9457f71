"""What a row does not choose gets no gradient, whatever stands behind it; and the slopes at kinks."""

import math
import pickle

import numpy as np
import pytest

from chainrule import engine
from chainrule.engine import (
    DomainError,
    Value,
    applications,
    clip,
    grad,
    gradients,
    graph,
    hessian,
    hypot,
    jacobian,
    log,
    maximum,
    minimum,
    no_grad,
    pick,
    sqrt,
    step,
    where,
)  # fmt: skip


def root(p):
    """sqrt where p is positive; its value elsewhere does no harm, but its slope at 0 is inf."""
    return sqrt(maximum(p, 0.0))


CHOSEN = {  # the function, and for p = -1 and p = 4 the same function, written without what is not chosen
    "where": (lambda p: where(step(p), root(p), 0.0), lambda p: 0.0 * p, lambda p: p**0.5),
    "the other side": (lambda p: where(step(-p), p**3, root(p)), lambda p: p**3, lambda p: p**0.5),
    "a function": (lambda p: where(step(p), lambda: sqrt(p), 0.0), lambda p: 0.0 * p, lambda p: p**0.5),
    "two functions": (lambda p: where(step(p), lambda: sqrt(p), lambda: p**3), lambda p: p**3, lambda p: p**0.5),
    "a method": (lambda p: step(p).where(lambda: log(p), p * p), lambda p: p * p, lambda p: log(p)),
    "nested": (
        lambda p: where(step(p), lambda: where(step(p - 2.0), lambda: sqrt(p - 2.0), 1.0), p * p),
        lambda p: p * p, lambda p: sqrt(p - 2.0),
    ),
    "a second where": (lambda p: where(step(p), sqrt(where(step(p), p, 1.0)), p), lambda p: p, lambda p: p**0.5),
    "pick": (lambda p: pick([p**3, root(p)], 0 if p < 0 else 1), lambda p: p**3, lambda p: p**0.5),
    "maximum": (lambda p: maximum(root(p) - 3.0, p), lambda p: p, lambda p: p),
    "minimum": (lambda p: minimum(3.0 - root(p), p), lambda p: p, lambda p: 3.0 - p**0.5),
    "clip": (lambda p: clip(p, -2.0 - root(p), 5.0), lambda p: p, lambda p: p),
    "a flat row": (lambda p: p * p + step(root(p)), lambda p: p * p, lambda p: p * p + 1.0),
    "used twice": (lambda p: (lambda r: where(step(p), r, p) + where(step(p), r, p))(root(p)),
                   lambda p: 2.0 * p, lambda p: 2.0 * p**0.5),
}  # fmt: skip


@pytest.mark.parametrize("name", CHOSEN)
def test_what_is_not_chosen_poisons_nothing(name):
    f, *same = CHOSEN[name]
    for x, g in zip((-1.0, 4.0), same):
        for backward in (Value.backward, graph.backpropagate):
            p = Value(x)
            y = f(p)
            backward(y)
            assert y.data == pytest.approx(g(Value(x)).data, rel=1e-15)
            assert p.grad == pytest.approx(grad(g)(x), rel=1e-15)
        p = Value(x)
        [slope] = gradients(f(p), [p])
        assert slope.data == pytest.approx(grad(g)(x), rel=1e-15)
        f_n, g_n = f, g
        for _ in range(3):
            f_n, g_n = grad(f_n), grad(g_n)
            assert f_n(x) == pytest.approx(g_n(x), rel=1e-14)
        assert jacobian(f)(x) == pytest.approx(grad(g)(x), rel=1e-15)
        assert hessian(f)(x) == pytest.approx(grad(grad(g))(x), rel=1e-14)
        shown = {}
        for one in applications(f(p)):
            shown[id(one.argument)] = one.after
        assert shown.get(id(p), 0.0) == pytest.approx(grad(g)(x), rel=1e-15)


def test_gradients_behind_what_is_not_chosen_are_those_of_this_call():
    for backward in (Value.backward, graph.backpropagate):
        p = Value(4.0)
        inner = p * p
        other = inner.tanh()
        other.backward()
        assert inner.grad != 0.0
        leaf = p.grad
        shared = p * 3.0
        backward(where(0.0, inner + shared, shared + 1.0))
        assert (inner.grad, shared.grad, p.grad) == (0.0, 1.0, leaf + 3.0)


def test_a_neuron_that_is_not_chosen_gets_no_gradient():
    neuron = engine.fast.neurons.weighted_sum
    for backward in (Value.backward, graph.backpropagate):
        weights, start, x = [Value(1.0), Value(2.0)], Value(0.5), Value(3.0)
        total = neuron(weights, [x, x], start)
        total.backward()
        before = [v.grad for v in (*weights, start, x)]
        backward(where(1.0, x * 2.0, total))
        assert [v.grad for v in (*weights, start)] == before[:3] and x.grad == before[3] + 2.0
        assert total.grad == 0.0 and all(node.grad == 0.0 for node in total._prev)


def test_only_the_side_that_is_taken_runs():
    ran = []
    for condition in (1.0, True, np.bool_(True), np.float64(2.0), Value(-1.0), 1):
        result = where(condition, lambda: ran.append("a") or 2.0, lambda: ran.append("b") or Value(1.0))
        assert float(result) == 2.0
    assert set(ran) == {"a"}
    with no_grad():
        assert where(Value(0.0), lambda: 1 / 0, lambda: Value(3.0)).data == 3.0
    assert list(where(np.array([1.0, 0.0]), lambda: 1.0, lambda: 2.0)) == [1.0, 2.0]
    with pytest.raises(TypeError, match="where takes numbers and Values, got str 'a'"):
        where(Value(1.0), lambda: "a", 0.0)


def test_a_graph_whose_side_did_not_run_is_not_refreshed_across_the_condition():
    p = Value(4.0)
    y = where(step(p), lambda: sqrt(p), lambda: p * p)
    p.data = 9.0
    y.refresh()
    assert y.data == 3.0
    p.data = -1.0
    with pytest.raises(DomainError, match="sqrt"):  # it stands in the graph
        y.refresh()
    assert y.data == 3.0
    q = Value(-1.0)
    y = where(step(q), lambda: sqrt(q), q * q)
    q.data = 1.0
    with pytest.raises(LookupError, match="a function that did not run at the forward pass: compute the result anew"):
        y.refresh()
    assert pickle.loads(pickle.dumps(where(Value(1.0), 2.0, lambda: 1 / 0))).data == 2.0


def test_the_help_of_where_teaches_what_works():
    said = where.__doc__
    assert "where(step(p), lambda: sqrt(p), 0.0)" in said
    assert "where(step(p), sqrt(where(step(p), p, 1.0)), 0.0)" in said
    for x, slope in ((-1.0, 0.0), (4.0, 0.25)):
        for f in (lambda p: where(step(p), lambda: sqrt(p), 0.0),
                  lambda p: where(step(p), sqrt(where(step(p), p, 1.0)), 0.0)):  # fmt: skip
            assert grad(f)(x) == slope
    X = np.array([-1.0, 0.0, 4.0])
    program = engine.compile(lambda p: where(step(p), sqrt(where(step(p), p, 1.0)), 0.0))
    assert program(X).tolist() == [0.0, 0.0, 2.0] and program.input_gradients(X).tolist() == [0.0, 0.0, 0.25]


def test_while_a_function_is_compiled_both_sides_run():
    program = engine.compile(lambda p: where(step(p), lambda: p * p, lambda: -p))
    X = np.array([3.0, -2.0])
    assert program(X).tolist() == [9.0, 2.0] and program.input_gradients(X).tolist() == [6.0, -1.0]


def test_a_slope_of_0_that_is_a_number_stops_no_infinity():
    """sqrt(p) · sqrt(p) is p: at 0 its slope is 1, and 0 · inf tells nothing. Only what is not chosen is left out."""
    assert math.isnan(grad(lambda p: sqrt(p) * sqrt(p))(0.0))
    p = Value(0.0)
    (sqrt(p) * sqrt(p)).backward()
    assert math.isnan(p.grad)


@pytest.mark.parametrize(
    "f", [hypot, lambda x, y: abs(x) + abs(y), lambda x, y: hypot(hypot(x, y), 0.0), lambda x, y: x.relu() - y.relu()]
)
def test_slopes_at_a_kink_are_0(f):
    x, y = Value(0.0), Value(0.0)
    f(x, y).backward()
    assert (x.grad, y.grad) == (0.0, 0.0)
    assert grad(f, argnums=(0, 1))(0.0, 0.0) == (0.0, 0.0)
    assert [slope.data for slope in gradients(f(x, y), [x, y])] == [0.0, 0.0]
    program = engine.compile(lambda x, y: f(x, y))
    assert [g.tolist() for g in program.input_gradients(np.zeros(2), np.zeros(2))] == [[0.0, 0.0]] * 2


def test_one_row_that_is_predicted_exactly_does_not_stop_a_training():
    w = Value(2.0)
    for x, y in ((1.0, 2.0), (2.0, 5.0)):
        hypot(w * x - y, 0.0).backward()
    assert w.grad == -2.0


def test_the_hessian_of_a_power_at_base_0_is_asymmetric_and_says_so():
    """a**b at (0, 1): the slope to a is b · a**(b - 1) = 1, whose own slope to b is 1; the slope to b is 0 · log 0,
    which is 0 here, and its slope to a is 0. The limits of both from a > 0 are -inf."""
    assert hessian(lambda v: v[0] ** v[1])([0.0, 1.0]).tolist() == [[0.0, 1.0], [0.0, 0.0]]
    assert "a**b at a = 0" in hessian.__doc__ and "asymmetric" in hessian.__doc__
