"""The transforms: each sentence of their docstrings, and random graphs to the second order."""

import itertools
import math
import random
from functools import partial

import mpmath
import numpy as np
import pytest
import scipy.optimize
from graphs import random_graph, replay
from hypothesis import given, settings
from hypothesis import strategies as st
from mathematics import EPS, MEANING, call, differentiable, everyday_sample, holds, interval
from mpmath import mpf

from chainrule import engine, nn
from chainrule.engine import (
    OPS,
    DomainError,
    Op,
    TraceError,
    Value,
    dot,
    exp,
    grad,
    gradients,
    hessian,
    hvp,
    jacobian,
    log,
    no_grad,
    relu,
    sin,
    sqrt,
    tanh,
    topological_order,
    total,
    value_and_grad,
)

SEVERAL_ARGUMENTS = [op for op in OPS.values() if op.arity > 1]


def cubic(x):
    return x[0] ** 3 + 2.0 * x[0] * x[1] + x[1] * x[1]


# --- arguments and results


NUMBERS = [3, 3.0, np.float64(3.0), np.int32(3), np.array(3.0), np.float32(3.0)]


@pytest.mark.parametrize("x", NUMBERS, ids=lambda x: type(x).__name__)
def test_a_number_becomes_one_value_and_its_derivative_a_float(x):
    seen = []

    def f(v):
        seen.append(v)
        return v * v * v

    slope = grad(f)(x)
    assert type(slope) is float and slope == 27.0
    assert type(seen[0]) is Value and seen[0].data == 3.0


@pytest.mark.parametrize("kind", [list, tuple, np.array, lambda x: np.array(x, dtype=np.int64)])
def test_a_vector_becomes_an_object_array_and_its_derivative_float64(kind):
    seen = []

    def f(v):
        seen.append(v)
        return cubic(v)

    slope = grad(f)(kind([2.0, 5.0]))
    assert isinstance(slope, np.ndarray) and slope.dtype == np.float64 and slope.shape == (2,)
    assert slope.tolist() == [3 * 4 + 10.0, 4.0 + 10.0]
    assert isinstance(seen[0], np.ndarray) and seen[0].dtype == object and seen[0].shape == (2,)
    assert all(type(v) is Value for v in seen[0])


def test_arguments_are_not_changed_and_results_belong_to_the_caller():
    x = np.array([2.0, 5.0])
    f = grad(cubic)
    first = f(x)
    second = f(x)
    first[:] = 0.0
    assert x.tolist() == [2.0, 5.0] and second.tolist() == [22.0, 14.0]


@pytest.mark.parametrize(
    ("argnums", "expected"),
    [(0, 21.0), (1, 14.0), (2, 6.0), (-1, 6.0), ((0,), (21.0,)), ((0, 2), (21.0, 6.0)), ((2, 0), (6.0, 21.0)),
     ([1, 2], (14.0, 6.0)), (np.int64(1), 14.0)],
)  # fmt: skip
def test_argnums_choose_the_arguments(argnums, expected):
    assert grad(lambda x, y, z: x * y * z, argnums=argnums)(2.0, 3.0, 7.0) == expected


def test_each_derivative_has_the_form_of_its_argument():
    vector, number = grad(lambda x, y: x[0] * x[1] * y, argnums=(0, 1))([2.0, 3.0], 5.0)
    assert vector.tolist() == [15.0, 10.0] and number == 6.0 and type(number) is float


def test_other_arguments_are_handed_on_as_they_are():
    seen = []
    grad(lambda x, *rest: seen.extend(rest) or x)(1.0, "text", None, [1, 2])
    assert seen == ["text", None, [1, 2]]


def test_keywords_are_handed_on_as_they_are():
    def f(x, times=1.0):
        return times * x * x

    assert grad(f)(3.0, times=2.0) == 12.0 and value_and_grad(f)(3.0, times=2.0) == (18.0, 12.0)
    assert jacobian(f)(3.0, times=2.0) == 12.0 and hessian(f)(3.0, times=2.0) == 4.0


@pytest.mark.parametrize("argnums", [1, -2, (0, 3)])
def test_argnums_without_such_an_argument_are_refused(argnums):
    with pytest.raises(IndexError, match=r"argnums: there is no argument .*; the function was called with 1 argument$"):
        grad(lambda x: x, argnums=argnums)(1.0)


@pytest.mark.parametrize("argnums", [(0, 0), (0, -2), [1, 0, 1]])
def test_the_same_argument_twice_is_refused(argnums):
    with pytest.raises(ValueError, match="name the same argument twice"):
        grad(lambda x, y: x * y, argnums=argnums)(1.0, 2.0)


@pytest.mark.parametrize("transform", [grad, value_and_grad, jacobian, hessian, hvp])
def test_anything_but_a_function_is_refused_at_once(transform):
    with pytest.raises(TypeError, match=r"expected a function, got Value.*; for a Value write gradients"):
        transform(Value(3.0))


def test_value_and_grad():
    value, slope = value_and_grad(cubic)([2.0, 5.0])
    assert (type(value), value, slope.tolist()) == (float, 53.0, [22.0, 14.0])
    value, slopes = value_and_grad(lambda x, y: x * y, argnums=(0, 1))(2.0, 3.0)
    assert (value, slopes) == (6.0, (3.0, 2.0))


def test_jacobian_shapes():
    several = jacobian(lambda x: [x[0] * x[1], x[0] + x[1], x[0] - 7.0])
    assert several([3.0, 4.0]).tolist() == [[4.0, 3.0], [1.0, 1.0], [1.0, 0.0]]
    assert several([3.0, 4.0]).dtype == np.float64
    of_number = jacobian(lambda x: (x, x * x, 5.0))(3.0)
    assert of_number.tolist() == [1.0, 6.0, 0.0] and of_number.shape == (3,) and of_number.dtype == np.float64
    one_output = jacobian(cubic)([2.0, 5.0])
    assert one_output.tolist() == [22.0, 14.0] and one_output.shape == (2,)
    both_one = jacobian(lambda x: x * x)(3.0)
    assert type(both_one) is float and both_one == 6.0
    array_out = jacobian(lambda x: np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]) @ x)([1.0, 1.0])
    assert array_out.tolist() == [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
    assert jacobian(lambda x: [x[0]])([1.0, 2.0]).tolist() == [[1.0, 0.0]]


def test_jacobian_of_no_outputs_has_no_rows():
    assert jacobian(lambda x: [])([1.0, 2.0]).shape == (0, 2)


def test_hessian_shapes():
    matrix = hessian(cubic)(np.array([2.0, 5.0]))
    assert matrix.tolist() == [[12.0, 2.0], [2.0, 2.0]] and matrix.dtype == np.float64
    number = hessian(lambda x: x**3)(2.0)
    assert type(number) is float and number == 12.0
    assert hessian(lambda x: x[0] ** 2)([2.0]).tolist() == [[2.0]]


def test_hvp_has_the_shape_of_x():
    product = hvp(cubic)((2.0, 5.0), np.array([1.0, -1.0]))
    assert product.tolist() == [10.0, 0.0] and product.dtype == np.float64
    number = hvp(lambda x: x**3)(2.0, 5.0)
    assert type(number) is float and number == 60.0
    with pytest.raises(ValueError, match=r"x has shape \(2,\) and v has \(3,\); they have to be equal"):
        hvp(cubic)([1.0, 2.0], [1.0, 2.0, 3.0])


@pytest.mark.parametrize("constant", [5.0, 5, np.float64(5.0), Value(5.0)], ids=lambda c: type(c).__name__)
def test_a_constant_function_gives_zeros(constant):
    assert grad(lambda x: constant)(3.0) == 0.0
    assert grad(lambda x: constant)([3.0, 4.0]).tolist() == [0.0, 0.0]
    assert value_and_grad(lambda x: constant)(3.0) == (5.0, 0.0)
    assert jacobian(lambda x: constant)([3.0, 4.0]).tolist() == [0.0, 0.0]
    assert jacobian(lambda x: [constant] * 3)([3.0, 4.0]).tolist() == [[0.0, 0.0]] * 3
    assert hessian(lambda x: constant)([3.0, 4.0]).tolist() == [[0.0, 0.0]] * 2
    assert hessian(lambda x: constant)(3.0) == 0.0
    assert hvp(lambda x: constant)([3.0, 4.0], [1.0, 1.0]).tolist() == [0.0, 0.0]
    assert hvp(lambda x: constant)(3.0, 1.0) == 0.0


def test_a_linear_function_has_no_second_derivatives():
    assert hessian(lambda x: x[0] + 2 * x[1])([3.0, 4.0]).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert hvp(lambda x: x[0] + 2 * x[1])([3.0, 4.0], [1.0, 1.0]).tolist() == [0.0, 0.0]


def test_the_gradient_to_an_empty_list_is_empty():
    assert grad(lambda x: 1.0)([]).shape == (0,)


@pytest.mark.parametrize("transform", [grad, value_and_grad, jacobian, hessian])
@pytest.mark.parametrize("wrong", [None, "text", {}, 1j, object()], ids=lambda w: type(w).__name__)
def test_a_function_that_returns_neither_value_nor_number_is_refused(transform, wrong):
    with pytest.raises(TypeError, match=f"the function returned {type(wrong).__name__}"):
        transform(lambda x: wrong)(2.0)


def test_the_error_about_several_results_points_to_jacobian():
    for transform in (grad, value_and_grad, hessian):
        with pytest.raises(TypeError, match="not one Value; is jacobian meant"):
            transform(lambda x: [x, x])(2.0)
    for wrong in (["text"], [None], [[Value, 1.0]]):
        with pytest.raises(TypeError, match="jacobian: the function returned"):
            jacobian(lambda x, wrong=wrong: wrong)(2.0)
    second = jacobian(jacobian(lambda x: [x[0] * x[1], x[0]]))([2.0, 3.0])
    assert second.tolist() == [[[0.0, 1.0], [1.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]]


@pytest.mark.parametrize("wrong", ["2", None, 1j, ["1"]], ids=repr)
def test_arguments_that_are_not_numbers_are_refused(wrong):
    with pytest.raises(TypeError, match="takes numbers and Values"):
        grad(lambda x: 1.0)(wrong)


def test_arguments_have_any_shape():
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(2, 3)), rng.normal(size=(2, 3, 2))

    def f(a, b):
        return ((a @ b) ** 3).sum() * a[0, 1]

    def flat(f, *shapes):
        return lambda *flat: f(*[x.reshape(shape) for x, shape in zip(flat, shapes)])

    slopes = grad(f, argnums=(0, 1))(A, B)
    expected = grad(flat(f, A.shape, B.shape), argnums=(0, 1))(A.ravel(), B.ravel())
    for slope, same, x in zip(slopes, expected, (A, B)):
        assert slope.shape == x.shape and slope.dtype == float and slope.ravel().tolist() == same.tolist()
    value, [first] = value_and_grad(f, argnums=[0])(A, B)
    assert first.tolist() == slopes[0].tolist() and value == pytest.approx(((A @ B) ** 3).sum() * A[0, 1], rel=1e-14)
    assert grad(lambda x: x[0][1] * x[1][0])([[1.0, 2.0], [3.0, 4.0]]).tolist() == [[0.0, 3.0], [2.0, 0.0]]
    assert grad(lambda x: (x * x).sum())(np.zeros((0, 3))).shape == (0, 3)

    def g(x):
        return (x**3).sum()

    assert jacobian(lambda x: x @ x.T)(A).shape == (2, 2, 2, 3)
    matrix, v = hessian(g)(A), rng.normal(size=A.shape)
    assert matrix.shape == (2, 3, 2, 3)
    assert matrix.reshape(6, 6) == pytest.approx(np.diag(6.0 * A.ravel()), rel=1e-15)
    assert hvp(g)(A, v) == pytest.approx(6.0 * A * v, rel=1e-15)
    x = np.array([[Value(1.0), Value(2.0)]])
    [slope] = grad(g)(x)
    slope[0].backward()
    assert (slope[0].data, x[0, 0].grad) == (3.0, 6.0)
    assert engine.gradcheck(f, A, B)
    with pytest.raises(ValueError, match="lists of different lengths"):
        grad(g)([[1.0], [1.0, 2.0]])


def test_names_and_docstrings_of_the_function_are_kept():
    def area(x):
        "Of a square."
        return x * x

    for transform in (grad, value_and_grad, jacobian, hessian, hvp):
        assert (transform(area).__name__, transform(area).__doc__) == ("area", "Of a square.")


# --- no .grad is changed


def test_no_grad_of_an_argument_a_closure_or_a_model_is_changed():
    x, closure = Value(2.0), Value(3.0)
    x.grad, closure.grad = 10.0, 20.0
    model = nn.MLP(2, [3, 1], activation="tanh", rng=0)
    for i, p in enumerate(model.parameters()):
        p.grad = float(i)

    def f(v):
        return model([v[0] * closure, v[1]]) * v[0] + v[1]

    for run in (
        lambda: grad(f)([x, 1.0]),
        lambda: grad(f)([2.0, 1.0]),
        lambda: value_and_grad(f)([x, 1.0]),
        lambda: jacobian(lambda v: [f(v), closure])([x, 1.0]),
        lambda: hessian(f)([x, 1.0]),
        lambda: hvp(f)([x, 1.0], [1.0, closure]),
        lambda: gradients(f([x, 1.0]), [x, closure, *model.parameters()]),
    ):
        run()
        assert (x.grad, closure.grad) == (10.0, 20.0)
        assert [p.grad for p in model.parameters()] == [float(i) for i in range(len(model.parameters()))]


def test_gradients_leave_every_node_as_it_was():
    leaves, _, root = random_graph(1, 60)
    root.backward()
    nodes = topological_order(root)
    before = [(v.data, v.grad, v.label, v._local_grads, dict(v.__dict__)) for v in nodes]
    gradients(gradients(root, leaves)[0], leaves)
    assert [(v.data, v.grad, v.label, v._local_grads, dict(v.__dict__)) for v in nodes] == before


def test_a_function_that_raises_leaves_no_marks_on_its_arguments():
    x = Value(1.0)

    def f(v):
        raise RuntimeError(str(v.data))

    with pytest.raises(RuntimeError):
        grad(f)(x)
    assert x.__dict__ == {} and grad(lambda y: x * y)(2.0) == 1.0


# --- nesting


def test_nested_derivatives_do_not_confuse_their_variables():
    assert grad(lambda x: x * grad(lambda y: x + y)(x))(3.0) == 1.0
    assert grad(lambda x: x * grad(lambda y: x * y)(2.0))(3.0) == 6.0
    assert grad(lambda x: grad(lambda y: x * y * y)(x))(3.0) == 12.0  # d/dx (2 x · x)
    assert grad(lambda x: grad(lambda y: x)(x))(3.0) == 0.0
    assert grad(lambda x: x * grad(lambda y: 5.0)(x))(3.0) == 0.0
    assert grad(lambda x: grad(lambda x: x**3)(x) * x)(2.0) == 36.0  # the inner x hides the outer: d/dx 3 x³


def test_derivatives_nested_three_deep_do_not_confuse_their_variables():
    def f(x):
        return x * grad(lambda y: y * grad(lambda z: x * y * z * z)(y))(x)

    # The innermost derivative is 2 x y · y. Times y it is 2 x y³, whose derivative is 6 x y²: at y = x, 6 x³. So f is
    # 6 x⁴.
    assert grad(f)(2.0) == 24 * 8.0
    assert grad(grad(f))(2.0) == 72 * 4.0


def test_inner_derivatives_at_plain_numbers_and_in_loops_reach_the_outer_one():
    def f(w):
        return sum(grad(lambda x: tanh(w * x))(point) ** 2 for point in (0.5, -1.0, 2.0))

    w, h = 0.7, 1e-4

    def slope(w, x):
        return w * (1 - math.tanh(w * x) ** 2)

    def plain(w):
        return sum(slope(w, x) ** 2 for x in (0.5, -1.0, 2.0))

    # The error of the central difference is h²/6 f''', which is below 1e-8.
    assert grad(f)(w) == pytest.approx((plain(w + h) - plain(w - h)) / (2 * h), rel=1e-6)


def test_derivatives_of_functions_that_take_derivatives_of_closures():
    def make(scale):
        return lambda x: scale * x * x

    assert grad(lambda s: grad(make(s))(3.0))(1.0) == 6.0
    assert grad(lambda s: value_and_grad(make(s))(3.0)[0])(1.0) == 9.0
    assert grad(lambda s: jacobian(lambda x: [s * x[0], x[1]])([1.0, 2.0])[0][0] * s)(4.0) == 8.0
    assert grad(lambda s: hessian(make(s))(3.0) * s)(4.0) == 16.0
    assert grad(lambda s: total(hvp(lambda x: s * x[0] * x[1])([1.0, 2.0], [3.0, 4.0])))(4.0) == 7.0
    assert grad(lambda v: hvp(lambda x: x**3)(2.0, v))(5.0) == 12.0


def test_an_inner_gradient_descent_is_differentiated_through():
    """Two steps from 0 down (x - target)² at the rate 0.1 end at x = (1 - 0.8²) target."""

    def inner(target):
        x = 0.0
        for _ in range(2):
            x = x - 0.1 * grad(lambda x: (x - target) ** 2)(x)
        return x

    assert grad(inner)(5.0) == pytest.approx(1 - 0.8**2, rel=4 * EPS)


def test_high_orders_by_nesting():
    f = sin
    for order in range(1, 8):
        f = grad(f)
        expected = [math.sin, math.cos, lambda x: -math.sin(x), lambda x: -math.cos(x)][order % 4](0.5)
        assert f(0.5) == pytest.approx(expected, rel=order * EPS)
    assert grad(grad(grad(grad(grad(lambda x: x**4)))))(3.0) == 0.0


def test_transforms_return_values_for_values():
    x, y = Value(3.0), Value(4.0)
    slope = grad(lambda x: x**3)(x)
    assert isinstance(slope, Value) and slope.data == 27.0
    slope.backward()
    assert x.grad == 18.0

    value, slope = value_and_grad(lambda v: v * y)(x)
    assert isinstance(value, Value) and isinstance(slope, Value) and (value.data, slope.data) == (12.0, 4.0)
    assert gradients(value, [x, y])[1].data == 3.0 and gradients(slope, [x, y])[1].data == 1.0

    vector = grad(cubic)([x, 1.0])
    assert vector.dtype == object and [v.data for v in vector] == [29.0, 8.0]
    assert [g.data for g in gradients(vector[0], [x])] == [18.0]

    matrix = jacobian(lambda v: [v[0] * v[1], v[0]])([x, y])
    assert matrix.shape == (2, 2) and [[v.data for v in row] for row in matrix] == [[4.0, 3.0], [1.0, 0.0]]
    second = hessian(cubic)([x, y])
    assert [[v.data for v in row] for row in second] == [[18.0, 2.0], [2.0, 2.0]]
    assert gradients(second[0, 0], [x])[0].data == 6.0
    assert isinstance(hessian(lambda v: v**3)(x), Value)
    product = hvp(cubic)([x, y], [1.0, 0.0])
    assert [v.data for v in product] == [18.0, 2.0] and all(isinstance(v, Value) for v in product)


def test_the_derivative_of_a_constant_is_a_value_for_values():
    assert isinstance(grad(lambda v: 5.0)(Value(3.0)), Value)
    assert all(isinstance(v, Value) for v in grad(lambda v: 5.0)([Value(3.0), 1.0]))


def test_hvp_with_a_vector_of_values_is_a_value():
    v = Value(2.0)
    product = hvp(lambda x: x**3)(2.0, v)
    assert isinstance(product, Value) and product.data == 24.0
    assert gradients(product, [v])[0].data == 12.0


def test_other_uses_of_the_argument_s_value_are_not_differentiated():
    x = Value(3.0)
    assert grad(lambda v: v * x)(x).data == 3.0  # only v is the variable
    first, second = grad(lambda v: v[0] * v[0] + 10.0 * v[1])([x, x])
    assert (first.data, second.data) == (6.0, 10.0)


def test_inside_no_grad_derivatives_are_the_same_as_outside():
    with no_grad():
        assert grad(lambda x: x**3)(2.0) == 12.0
        assert value_and_grad(cubic)([2.0, 5.0])[1].tolist() == [22.0, 14.0]
        assert hessian(cubic)([2.0, 5.0]).tolist() == [[12.0, 2.0], [2.0, 2.0]]
        assert jacobian(lambda x: [x, x * x])(3.0).tolist() == [1.0, 6.0]
        assert hvp(cubic)([2.0, 5.0], [1.0, 0.0]).tolist() == [12.0, 2.0]
        assert (Value(2.0) * 3.0).arguments == ()
    assert grad(lambda x: with_nothing_recorded(x) * x)(2.0) == 4.0  # there x² is a constant


def with_nothing_recorded(x):
    with no_grad():
        return x * x


# --- points at which a rule divides by 0


def test_where_a_rule_has_no_value_grad_gives_what_backward_gives():
    """For example, the local derivative of sqrt at 0 is inf, and 0 · log 0 in ∂(a**b)/∂b counts as 0."""
    for f, point in (
        (lambda v: v[0] ** v[1], [0.0, 2.0]),
        (lambda v: v[0].sqrt() * v[1], [0.0, 3.0]),
        (lambda v: v[0].asin() + v[1].acosh(), [-1.0, 1.0]),
        (lambda v: v[0].hypot(v[1]), [0.0, 0.0]),
        (lambda v: v[0].atan2(v[1]), [0.0, 0.0]),
    ):
        leaves = np.array([Value(x) for x in point])
        f(leaves).backward()
        np.testing.assert_array_equal(grad(f)(point), [leaf.grad for leaf in leaves])
    assert grad(sqrt)(0.0) == math.inf
    assert grad(lambda v: v[0] ** v[1])([0.0, 0.5]).tolist() == [math.inf, 0.0]
    norm = Op(name="norm", forward=math.hypot, partials=lambda out, *values: [value / out for value in values])
    assert np.isnan(grad(lambda v: norm(*v))([0.0, 0.0])).all()  # a row of any number of arguments


def test_second_derivatives_where_the_rule_has_no_value_are_nan():
    assert math.isnan(grad(grad(sqrt))(0.0))  # it is -inf, which cannot be told from the first derivative's number
    x = Value(0.0)
    slope = gradients(sqrt(x), x)
    assert slope.data == math.inf
    x.data = 4.0
    slope.refresh()
    assert slope.data == 0.25 and math.isnan(gradients(slope, x).data)


def test_an_infinite_local_derivative_compiles_to_the_number_of_eager_code():
    points = np.array([0.0, 1.0, 4.0])
    assert engine.compile(lambda x: grad(sqrt)(x))(points).tolist() == [grad(sqrt)(x) for x in points] == [
        math.inf, 0.5, 0.25
    ]  # fmt: skip


def test_compiling_the_derivative_of_a_rule_for_plain_numbers_is_an_error():
    sine = Op(name="sine", forward=math.sin, partials=(lambda out, a: math.cos(a),), numpy="np.sin({})")
    with pytest.raises(TraceError, match="holds for this example alone"):
        engine.compile(lambda x: grad(sine)(x))(np.array([0.0, 1.0]))


# --- gradients(y, xs)


def test_gradients_are_a_list_with_one_value_for_each_x():
    a, b, elsewhere = Value(2.0), Value(3.0), Value(4.0)
    y = a * b + a
    for xs in ([a, b, elsewhere], (a, b, elsewhere), np.array([a, b, elsewhere]), iter([a, b, elsewhere])):
        slopes = gradients(y, xs)
        assert type(slopes) is list and all(type(slope) is Value for slope in slopes)
        assert [slope.data for slope in slopes] == [4.0, 2.0, 0.0]
    assert gradients(y, a).data == 4.0
    assert gradients(y, []) == []
    assert [slope.data for slope in gradients(y, [a, a])] == [4.0, 4.0]
    assert [slope.data for slope in gradients(a, [a, b])] == [1.0, 0.0]


def test_gradients_to_inner_nodes_and_to_leaves_that_require_none():
    a, b = Value(2.0), Value(3.0, requires_grad=False)
    inner = a * b
    y = inner * inner
    assert [slope.data for slope in gradients(y, [inner, a, b, y])] == [12.0, 36.0, 24.0, 1.0]


def test_gradients_can_be_differentiated_again_and_refreshed():
    x = Value(2.0)
    y = x**4
    slope = gradients(y, x)
    assert gradients(slope, x).data == 48.0
    x.data = 3.0
    slope.refresh()
    assert slope.data == 108.0


@pytest.mark.parametrize("wrong", [[2.0], ["a"], [None], {"a": 1}], ids=repr)
def test_gradients_take_only_values(wrong):
    with pytest.raises(TypeError, match="not a Value"):
        gradients(Value(2.0) * 3.0, wrong)
    with pytest.raises(TypeError, match=r"gradients: y is float 3\.0, not a Value"):
        gradients(3.0, [Value(2.0)])
    for wrong_whole in (2.0, None, nn.MLP(2, [1])):
        with pytest.raises(TypeError, match=r"not a Value; of a model, give \.parameters\(\)"):
            gradients(Value(2.0) * 3.0, wrong_whole)


def test_changed_data_are_an_error_until_refresh():
    a, b = Value(2.0, label="a"), Value(3.0, label="b")
    y = (a * b).tanh()
    a.data = 5.0
    for xs in ([a], [b], [a, b]):
        with pytest.raises(ValueError, match=r"a \* b with a = 5\.0, b = 3\.0.*changed.*refresh"):
            gradients(y, xs)
    y.refresh()
    assert gradients(y, b).data == pytest.approx(5.0 * (1 - math.tanh(15.0) ** 2), abs=1e-15)


def test_changed_data_are_noticed_in_parts_of_the_graph_that_have_no_x():
    """`gradients()` first checks that each node still has its value of the forward pass."""
    a, c = Value(2.0, label="a"), Value(3.0, label="c")
    y = a * (c * c)
    c.data = 5.0
    with pytest.raises(ValueError, match=r"c \* c with c = 5\.0.*refresh"):
        gradients(y, [a])


def test_data_that_moved_out_of_the_domain_are_an_error():
    p = Value(2.0, label="p")
    y = log(p) * 3.0
    p.data = -1.0
    with pytest.raises(DomainError, match="log"):
        gradients(y, [p])


def test_nan_that_stays_nan_is_not_a_change():
    x = Value(math.nan)
    assert math.isnan(gradients(x * x, x).data)


def test_hand_made_nodes_on_the_way_are_refused_by_name():
    a, b = Value(2.0), Value(3.0)
    by_hand = Value(a.data * 2, (a,), "double", label="doubled")
    assert gradients(by_hand * b, b).data == 4.0  # not on the way to b
    with pytest.raises(TypeError, match=r"cannot differentiate doubled: .*; add a row"):
        gradients(by_hand * b, a)
    with pytest.raises(TypeError, match="doubled"):
        grad(lambda x: Value(x.data * 2, (x,), "double", label="doubled") * x)(2.0)
    hung_on = a * b
    hung_on.label = "product"
    hung_on._backward = lambda: None
    assert gradients(hung_on * b.detach(), hung_on).data == 3.0
    with pytest.raises(TypeError, match="product"):
        gradients(hung_on * b, a)


@pytest.mark.slow
def test_long_chains_have_derivatives_of_any_order():
    x = Value(0.5)
    y = x
    for _ in range(5_000):
        y = 0.5 * y + 0.5 * sin(y)  # at 0 the derivatives are 1, 0 and -1/2, so that all stays finite
    slope = gradients(y, x)
    second = gradients(slope, x)
    y.backward()
    # Each of the 5,000 factors is rounded a few times.
    assert slope.data == pytest.approx(x.grad, rel=5_000 * 4 * EPS)
    h = 1e-5
    assert second.data == pytest.approx((long_slope(0.5 + h) - long_slope(0.5 - h)) / (2 * h), rel=1e-6)


def long_slope(x):
    slope = 1.0
    for _ in range(5_000):
        x, slope = 0.5 * x + 0.5 * math.sin(x), slope * (0.5 + 0.5 * math.cos(x))
    return slope


# --- scipy as a user of the transforms


def rosenbrock(x):
    return (1.0 - x[0]) ** 2 + 100.0 * (x[1] - x[0] * x[0]) ** 2


@pytest.mark.parametrize("method", ["BFGS", "Newton-CG", "trust-exact"])
def test_scipy_minimizes_rosenbrock_with_our_derivatives(method):
    extra = {} if method == "BFGS" else {"hess": hessian(rosenbrock)}
    found = scipy.optimize.minimize(rosenbrock, [-1.2, 1.0], jac=grad(rosenbrock), method=method, **extra)
    assert found.success and found.x == pytest.approx([1.0, 1.0], abs=1e-4)


def test_scipy_minimizes_with_value_and_grad_and_hvp():
    found = scipy.optimize.minimize(
        value_and_grad(rosenbrock), np.array([-1.2, 1.0]), jac=True, hessp=hvp(rosenbrock), method="trust-ncg"
    )
    assert found.success and found.x == pytest.approx([1.0, 1.0], abs=1e-6)


def test_derivatives_of_rosenbrock_equal_those_in_scipy():
    for x in ([-1.2, 1.0], [0.3, -2.0], [1.0, 1.0], [0.0, 0.0]):
        at, v = np.array(x), np.array([0.5, -2.0])  # older versions of scipy take no lists
        assert grad(rosenbrock)(x) == pytest.approx(scipy.optimize.rosen_der(at), rel=1e-14, abs=1e-13)
        assert hessian(rosenbrock)(x) == pytest.approx(scipy.optimize.rosen_hess(at), rel=1e-14)
        assert hvp(rosenbrock)(x, v) == pytest.approx(scipy.optimize.rosen_hess_prod(at, v), rel=1e-13)


def test_scipy_fits_a_curve_with_our_jacobian():
    times = np.linspace(0.0, 4.0, 9)
    measured = 2.5 * np.exp(-1.3 * times) + 0.5

    def residuals(p):
        return [p[0] * exp(-p[1] * t) + p[2] - m for t, m in zip(times, measured)]

    found = scipy.optimize.least_squares(residuals, [1.0, 1.0, 0.0], jac=jacobian(residuals))
    assert found.success and found.x == pytest.approx([2.5, 1.3, 0.5], abs=1e-6)


# --- rows of two and three arguments, to the third order (test_table.py has the rows of one argument)


def exact_partial(op, numbers, order):
    with mpmath.workprec(250):
        return float(mpmath.diff(MEANING[op.name], tuple(map(mpf, numbers)), order))


@pytest.mark.parametrize("op", SEVERAL_ARGUMENTS, ids=lambda op: op.name)
def test_mixed_third_derivatives_agree_with_mpmath_also_at_0(op):
    corners = [p for p in itertools.product((0.0, 1.0, -1.5), repeat=op.arity) if holds(op, p)]
    chance = random.Random(op.name)
    inside = [tuple(chance.uniform(*interval(op, i)) for i in range(op.arity)) for _ in range(6)]
    for numbers in [*filter(partial(holds, op), inside), *corners]:
        orders = [o for o in itertools.product(range(4), repeat=op.arity) if sum(o) <= 3]
        exact = {order: exact_partial(op, numbers, order) for order in orders}
        # Terms that cancel may be as large as a lower derivative divided by the distance to its pole.
        near = min([1.0, *(abs(number) for number in numbers if number)])
        scale = max([1.0, *(abs(slope) / near ** (3 - sum(order)) for order, slope in exact.items())])
        for places in itertools.product(range(op.arity), repeat=3):
            f = op
            for place in places:
                f = grad(f, argnums=place)
            want = exact[tuple(places.count(i) for i in range(op.arity))]
            assert f(*numbers) == pytest.approx(want, rel=1e-12, abs=1e-12 * scale), (places, numbers)


@pytest.mark.parametrize("op", [op for op in OPS.values() if op.variadic], ids=lambda op: op.name)
def test_variadic_rows_have_exact_hessians(op):
    for numbers in everyday_sample(op, 6):
        given = list(differentiable(op, numbers))

        def f(x, numbers=numbers):
            turn = iter([*x, *numbers[len(x) :]])
            return call(op, numbers, wrap=lambda _: next(turn))

        matrix = hessian(f)([numbers[i] for i in given])
        for i, j in itertools.product(given, given):
            order = [0] * len(numbers)
            order[i] += 1
            order[j] += 1
            want = 0.0 if op.name == "pick" else exact_partial(op, numbers, tuple(order))
            # Each entry is a product of two local derivatives, each of which is below 1 or exact.
            assert matrix[i, j] == pytest.approx(want, rel=1e-13, abs=1e-14)


# --- random graphs


@given(seed=st.integers(0, 2**32), size=st.integers(1, 80))
def test_gradients_equal_those_of_backward(seed, size):
    leaves, recipe, root = random_graph(seed, size)
    slopes = gradients(root, leaves)
    root.backward()
    reach = {id(root): 1.0}  # for each node, a bound of the sum over all paths of the |products of local derivatives|
    for node, _, _ in reversed(recipe):
        for child, slope in zip(node._prev, node._local_grads):
            reach[id(child)] = reach.get(id(child), 0.0) + max(1.0, abs(slope)) * reach.get(id(node), 0.0)
    for slope, leaf in zip(slopes, leaves):
        # Both run the same rules on the same numbers, but short cuts round once more, and the order of adding differs.
        assert slope.data == pytest.approx(leaf.grad, rel=0.0, abs=8 * EPS * len(recipe) * reach.get(id(leaf), 0.0))


def second_order(leaves, recipe):
    """The Hessian of the last node and a bound of its terms, by duals of duals in 50 digits, at the engine's numbers.

    Local derivatives are differences of each row's meaning; no rule of the table is used.
    """
    n = len(leaves)
    tangents = {id(leaf): np.array([mpf(leaf is other) for other in leaves]) for leaf in leaves}
    curves = {id(leaf): np.full((n, n), mpf(0)) for leaf in leaves}
    sizes, bends = dict(tangents), dict(curves)
    for node, op, arguments in recipe:
        numbers = [a.data if isinstance(a, Value) else a for a in arguments]
        places = [i for i in differentiable(op, numbers) if isinstance(arguments[i], Value)]
        first, second = slopes_by_differences(op, numbers, places)
        t, s = np.full(n, mpf(0)), np.full(n, mpf(0))
        c, b = np.full((n, n), mpf(0)), np.full((n, n), mpf(0))
        for i in places:
            a = id(arguments[i])
            t, c = t + first[i] * tangents[a], c + first[i] * curves[a]
            large = max(mpf(1), abs(first[i]))
            s, b = s + large * sizes[a], b + large * bends[a]
            for j in places:
                other = id(arguments[j])
                c = c + second[i, j] * np.outer(tangents[a], tangents[other])
                # A rule's terms may cancel: each may be as large as the local derivative over the distance to its pole.
                near = min([1.0, *(abs(x) for x in numbers if x)])
                b = b + max(large / near, abs(second[i, j])) * np.outer(sizes[a], sizes[other])
        tangents[id(node)], curves[id(node)], sizes[id(node)], bends[id(node)] = t, c, s, b
    last = id(recipe[-1][0])
    return curves[last], bends[last]


def slopes_by_differences(op, numbers, places):
    """First and second partial derivatives in 50 digits, with steps of 1e-14 and so with errors of at most 1e-22."""
    with mpmath.workdps(50):
        h = mpf(10) ** -14
        exact = [mpf(number) for number in numbers]

        def at(*moves):
            moved = list(exact)
            for place, sign in moves:
                moved[place] += sign * h
            return mpf(MEANING[op.name](*moved))

        first = {i: (at((i, 1)) - at((i, -1))) / (2 * h) for i in places}
        second = {}
        for i, j in itertools.combinations_with_replacement(places, 2):
            mixed = [p * q * at((i, p), (j, q)) for p in (1, -1) for q in (1, -1)]
            second[i, j] = second[j, i] = mpmath.fsum(mixed) / (4 * h * h)
    return first, second


def assert_hessian_is_second_order_forward_mode(seed, size):
    leaves, recipe, root = random_graph(seed, size)
    got = hessian(lambda x: replay(leaves, recipe, x)[-1])([leaf.data for leaf in leaves])
    exact, bends = second_order(leaves, recipe)
    # A rule and its derivative have some 16 roundings for each node on a path.
    bound = 16 * EPS * len(recipe) * bends.astype(float)
    names = [op.name for _, op, _ in recipe]
    assert np.all(abs(got - exact.astype(float)) <= bound), (got, exact.astype(float), bound, names)
    assert np.all(abs(got - got.T) <= 2 * bound)
    slopes = gradients(gradients(root, leaves)[0], leaves)
    assert np.all(abs(np.array([slope.data for slope in slopes]) - got[0]) <= 2 * bound[0])
    direction = [1.0, -0.5, 2.0]
    product = hvp(lambda x: replay(leaves, recipe, x)[-1])([leaf.data for leaf in leaves], direction)
    assert np.all(abs(product - got @ direction) <= 4 * bound @ np.abs(direction))


@pytest.mark.slow
@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), size=st.integers(1, 20))
def test_hessians_of_random_graphs_agree_with_duals_of_duals(seed, size):
    assert_hessian_is_second_order_forward_mode(seed, size)


@pytest.mark.campaign
def test_hessians_of_a_thousand_random_graphs_agree_with_duals_of_duals():
    for seed in range(1000):
        assert_hessian_is_second_order_forward_mode(seed, 1 + seed % 60)


def test_the_reference_of_these_tests_knows_the_product_rule():
    a, b = Value(2.0), Value(3.0)
    product = a * b
    exact, _ = second_order([a, b], [(product, OPS["multiply"], (a, b))])
    assert exact.astype(float) == pytest.approx(np.array([[0.0, 1.0], [1.0, 0.0]]), abs=1e-20)


@pytest.mark.campaign
def test_random_graphs_agree_with_jax_in_float64():
    """JAX has rules of its own: first and second derivatives of thousands of graphs of 5 to 200 nodes agree with it."""
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    meaning = meanings_in_jax(jax)
    assert set(meaning) == set(OPS)

    def apply(op, numbers, wrap):
        return meaning[op.name](*map(wrap, numbers))

    for seed in range(2000):
        leaves, recipe, root = random_graph(seed + 10**6, 5 + seed * 7 % 196)
        numbers = [leaf.data for leaf in leaves]

        def theirs(x, leaves=leaves, recipe=recipe):
            return replay(leaves, recipe, x, apply=apply)[-1]

        value, slopes = jax.value_and_grad(theirs)(np.array(numbers))
        our_slopes = np.array([slope.data for slope in gradients(root, leaves)])
        reach = {id(root): 1.0}
        for node, _, _ in reversed(recipe):
            for child, slope in zip(node._prev, node._local_grads):
                reach[id(child)] = reach.get(id(child), 0.0) + max(1.0, abs(slope)) * reach.get(id(node), 0.0)
        # Their values differ from ours by a few units of the last place (XLA has a tanh and an erf of its own), which
        # later local derivatives multiply; a wrong rule is off by some tenths of the scale.
        scale = np.array([reach.get(id(leaf), 0.0) for leaf in leaves])
        assert float(value) == pytest.approx(root.data, rel=1e-9, abs=1e-9)
        assert np.all(abs(np.array(slopes) - our_slopes) <= 1e-9 * scale), [op.name for _, op, _ in recipe]
        if len(recipe) < 30:
            matrix = np.array(jax.hessian(theirs)(np.array(numbers)))
            ours = hessian(lambda x, leaves=leaves, recipe=recipe: replay(leaves, recipe, x)[-1])(numbers)
            bends = second_order(leaves, recipe)[1].astype(float)
            assert np.all(abs(matrix - ours) <= 1e-9 * bends), [op.name for _, op, _ in recipe]


def meanings_in_jax(jax):
    jnp = jax.numpy
    plain = {"absolute", "minimum", "maximum", "exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tan", "asin",
             "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "hypot", "add", "subtract",
             "multiply", "divide", "power"}  # fmt: skip
    return {name: getattr(jnp, name) for name in plain} | {
        **{
            name: getattr(jnp, name)
            for name in (
                "exp2",
                "log2",
                "log10",
                "logaddexp",
                "cbrt",
                "deg2rad",
                "rad2deg",
                "sign",
                "floor",
                "ceil",
                "trunc",
                "rint",
                "clip",
                "mod",
                "floor_divide",
            )
        },
        "cosine": lambda a, b: a / jnp.hypot(a, b),
        "sech": lambda a: 1.0 / jnp.cosh(a),
        "erfc": jax.scipy.special.erfc,
        "neg": jnp.negative,
        "identity": lambda a: a,
        "erf": jax.scipy.special.erf,
        "sigmoid": jax.nn.sigmoid,
        "softplus": jax.nn.softplus,
        "relu": jax.nn.relu,
        "leaky_relu": lambda a: jax.nn.leaky_relu(a, 0.01),
        "elu": jax.nn.elu,
        "silu": jax.nn.silu,
        "gelu": lambda a: jax.nn.gelu(a, approximate=False),
        "step": lambda a: jnp.heaviside(a, 0.0),
        "where": lambda condition, a, b: jnp.where(condition != 0.0, a, b),
        "total": lambda *values: sum(values),
        "dot": lambda *values: sum(a * b for a, b in zip(values[: len(values) // 2], values[len(values) // 2 :])),
        "logsumexp": lambda *values: jax.nn.logsumexp(jnp.array(values)),
        "pick": lambda *values: values[int(values[-1])],
    }


# --- a network


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "softplus", "silu"])
def test_the_hessian_of_a_network_s_loss_matches_differences_of_its_gradients(activation):
    model = nn.MLP(3, [4, 4, 2], activation=activation, rng=3)

    def loss(x):
        return nn.cross_entropy(model(x), 1)

    x = np.array([0.3, -0.7, 1.1])
    matrix = hessian(loss)(x)
    assert np.all(abs(matrix - matrix.T) <= 16 * EPS)
    h = EPS ** (1 / 3)  # truncation, h²/6 f''', and rounding, eps/h, are then both near 1e-10
    for i in range(3):
        step = np.eye(3)[i] * h
        assert matrix[i] == pytest.approx((grad(loss)(x + step) - grad(loss)(x - step)) / (2 * h), rel=1e-8, abs=1e-8)
    v = np.array([1.0, 2.0, -1.0])
    assert hvp(loss)(x, v) == pytest.approx(matrix @ v, rel=1e-13, abs=1e-14)


def test_second_derivatives_of_relu_are_0():
    assert hessian(lambda x: relu(dot([2.0, 3.0], x)) * 4.0)([1.0, 1.0]).tolist() == [[0.0, 0.0], [0.0, 0.0]]


# --- data that change while a derivative is taken, or changed before


def changed(f):
    """Whether grad(f)(2.0) says that data changed in between."""
    try:
        grad(f)(2.0)
    except ValueError as problem:
        return "data changed in between; call y.refresh()" in str(problem)
    return False


def test_grad_notices_data_that_its_function_writes():
    w = Value(3.0)

    def writes(x):
        y = x * w + x
        w.data = 4.0
        return y

    def writes_its_argument(x):
        y = x**2
        x.data = -2.0  # the square is the same, and its local derivative is not
        return y

    assert changed(writes) and changed(writes_its_argument)


def test_grad_notices_constants_that_are_older_than_their_data():
    w, u = Value(3.0), Value(1.0)
    square, difference = w * w, 2.0 - w
    behind = (square + u) * 2.0
    of_lists = total([w, u]), nn.Neuron(1, rng=0)([w])
    w.data = 4.0
    for constant in (square, difference, behind, *of_lists):
        assert changed(lambda x, constant=constant: x * constant)
        assert changed(lambda x, constant=constant: total([x, constant]))
        assert changed(lambda x, constant=constant: x + 0.0 * (constant * x))
        assert changed(lambda x, constant=constant: engine.maximum(x, -constant - 9.0))
    square.refresh()
    assert grad(lambda x: x * square)(2.0) == 16.0


def test_grad_notices_data_of_a_class_that_stores_its_numbers_in_its_own_way():
    class Own(Value):
        @property
        def data(self):
            return self.number

        @data.setter
        def data(self, number):  # no engine is told of it
            self.number = float(number)

    class Other(Value):
        """The class of what an Other on the left makes with an Own."""

    one, zero = Other(1.0), Other(0.0)
    for make in (lambda x, w: one * (w * x), lambda x, w: one * total([w, x]), lambda x, w: x + zero * (w * x)):
        w = Own(3.0)

        def writes(x, make=make, w=w):
            y = one * make(x, w)
            w.data = 4.0
            return y

        assert type(writes(Value(1.0))) is Other
        w.data = 3.0
        assert changed(writes)


def test_grad_notices_a_constant_that_its_function_refreshes_too_late():
    w = Value(3.0)
    square = w * w
    w.data = 4.0

    def late(x):
        y = x * square
        square.refresh()
        return y

    def in_time(x):
        square.refresh()
        return x * square

    assert changed(late)
    assert grad(in_time)(2.0) == 16.0
