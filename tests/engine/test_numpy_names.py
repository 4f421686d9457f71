"""NumPy's and SciPy's functions of a single Value, Python's operators for whole steps, and the methods people type."""

import math
import operator

import numpy as np
import pytest

from chainrule import engine
from chainrule.engine import OPS, Value, clip, grad

X, Y = 2.75, -1.5
BINARY = {"hypot": "hypot", "arctan2": "atan2", "maximum": "maximum", "minimum": "minimum", "fmax": "maximum",
          "logaddexp": "logaddexp", "mod": "mod", "remainder": "mod", "floor_divide": "floor_divide",
          "power": "power", "add": "add", "multiply": "multiply", "divide": "divide"}  # fmt: skip
UNARY = {"exp": "exp", "log2": "log2", "log10": "log10", "exp2": "exp2", "cbrt": "cbrt", "deg2rad": "deg2rad",
         "radians": "deg2rad", "rad2deg": "rad2deg", "degrees": "rad2deg", "sign": "sign", "floor": "floor",
         "ceil": "ceil", "trunc": "trunc", "rint": "rint", "abs": "absolute", "fabs": "absolute", "arctan": "atan",
         "arcsinh": "asinh", "arccosh": "acosh", "tanh": "tanh", "negative": "neg", "sqrt": "sqrt"}  # fmt: skip


@pytest.mark.parametrize("name", UNARY)
def test_a_function_of_numpy_s_of_one_value_is_the_row(name):
    result = getattr(np, name)(Value(X))
    assert result.operation is OPS[UNARY[name]] and result.data == pytest.approx(getattr(np, name)(X), rel=1e-15)


@pytest.mark.parametrize("name", BINARY)
def test_a_function_of_numpy_s_of_a_number_and_a_value_is_the_row(name):
    function, row = getattr(np, name), OPS[BINARY[name]]
    x, y = Value(X), Value(3.0)
    for one, other in ((x, 3.0), (X, y), (np.float64(X), y), (x, np.float64(3.0)), (x, y), (x, 3)):
        result = function(one, other)
        assert type(result) is Value and result.operation is row
        assert result.data == pytest.approx(function(X, 3.0), rel=1e-15)
    array = function(np.array([X, 1.0]), y)
    assert [v.data for v in array] == pytest.approx([function(X, 3.0), function(1.0, 3.0)], rel=1e-15)
    assert {v.operation for v in array} == {row}


def test_ties_of_a_single_value_are_shared_out():
    for x in (Value(2.0), Value(-2.0)):
        (np.maximum(x, x.data) + np.minimum(x.data, x)).backward()
        assert x.grad == 1.0
    assert clip(np.array([Value(1.0), Value(3.0)]), 0.0, 2.0)[1].data == 2.0


def test_scipy_s_functions_of_one_value_are_rows_or_say_that_there_is_none():
    special = pytest.importorskip("scipy.special")
    assert special.expit(Value(0.5)).operation is engine.sigmoid and special.erf(Value(0.5)).operation is engine.erf
    assert special.gammaln(Value(-0.5)).operation is engine.lgamma
    assert special.digamma(Value(0.5)).operation is engine.digamma
    assert special.gammaln(Value(-0.5)).data == pytest.approx(special.gammaln(-0.5))
    with pytest.raises(TypeError, match=r"loggamma takes plain numbers.*add a row"):
        special.loggamma(Value(0.5))  # below 0 it is another number than lgamma


def test_questions_about_the_number_are_answered():
    assert np.isnan(Value(math.nan)) and not np.isfinite(Value(math.inf))
    if np.lib.NumpyVersion(np.__version__) >= "2.0.0":  # before, isclose asks for an array of floats
        assert np.allclose(Value(2.0), 2.0)
    assert np.float64(1.0) < Value(2.0) and (np.ones(2) < Value(2.0)).all() and (Value(2.0) > np.ones(2)).all()


def test_reductions_and_arrays_are_as_before():
    values = np.array([Value(3.0), Value(4.0)])
    assert np.sum(Value(2.0)).data == 2.0 and np.add.reduce([Value(1.0), Value(2.0)]).data == 3.0
    assert np.sum(values).data == 7.0 and np.mean(values).data == 3.5 and np.dot(values, values).data == 25.0
    assert np.linalg.norm(values).data == 5.0 and [v.data for v in np.abs(-values)] == [3.0, 4.0]
    held = np.array([1.0, 2.0], dtype=object)
    held *= Value(2.0)
    assert [v.data for v in held] == [2.0, 4.0]
    assert [v.data for v in np.ones(2) * Value(2.0)] == [v.data for v in Value(2.0) * np.ones(2)] == [2.0, 2.0]


@pytest.mark.parametrize(("a", "b"), [(7.0, 2.5), (-7.0, 2.5), (7.0, -2.5), (-0.3, 1.0), (5.0, 3.0)])
def test_whole_steps_and_what_is_left(a, b):
    for one, other in ((Value(a), Value(b)), (Value(a), b), (a, Value(b)), (np.float64(a), Value(b))):
        assert float(one % other) == a % b and float(one // other) == a // b
        assert tuple(map(float, divmod(one, other))) == divmod(a, b)
    assert grad(operator.mod, argnums=(0, 1))(a, b) == (1.0, -(a // b))
    assert grad(operator.floordiv, argnums=(0, 1))(a, b) == (0.0, 0.0)
    program = engine.compile(lambda x, y: x % y + x // y)
    assert program(np.array([a]), np.array([b]))[0] == a % b + a // b
    slopes = program.input_gradients(np.array([a]), np.array([b]))
    assert [float(slope[0]) for slope in slopes] == [1.0, -(a // b)]


@pytest.mark.parametrize("name", ["floor", "ceil", "trunc", "rint", "sign"])
def test_steps_have_slope_0_and_say_so(name):
    x = Value(1.7)
    (getattr(x, name)() * x).backward()
    assert x.grad == getattr(np, name)(1.7) and "slope is 0" in OPS[name].why


def test_remainders_by_0_are_named():
    for f in (operator.mod, operator.floordiv):
        with pytest.raises(engine.DomainError, match=r"with b = 0\.0"):
            f(Value(1.0), Value(0.0, label="b"))


def test_the_methods_that_people_type():
    v = Value(-2.5)
    assert v.abs().data == 2.5 and v.clip(-1.0, 1.0).data == -1.0 and v.sign().data == -1.0
    assert type(v.item()) is float and v.item() == -2.5
    assert (math.floor(v), math.ceil(v), math.trunc(v), round(v)) == (-3, -2, -2, -2)
    v.abs().backward()
    v.zero_grad()
    assert v.grad == 0.0
    assert [getattr(Value(8.0), name)().data for name in ("log2", "log10", "log1p", "cbrt")] == pytest.approx(
        [3.0, math.log10(8.0), math.log1p(8.0), 2.0], rel=1e-15
    )


def test_writing_prev_names_children():
    a, b = Value(1.0), Value(2.0)
    with pytest.raises(AttributeError, match=r"write Value\(data, _children=\(a, b\), _op='\+'\)"):
        a._prev = (b,)
    assert Value(3.0, _children=(a, b), _op="+")._prev == (a, b)


def test_slopes_of_tanh_and_gelu_keep_their_digits_far_out():
    """1 - tanh² has 7 digits left at 8 and none at 19. The slopes are checked at many more points beside the rows."""
    mpmath = pytest.importorskip("mpmath")
    for op, meaning, points in (
        (engine.tanh, mpmath.tanh, [-19.0, -8.0, 0.3, 8.0, 30.0]),
        (engine.gelu, lambda a: a * mpmath.erfc(-a / mpmath.sqrt(2)) / 2, [-6.0, -3.0, -0.5, 2.5]),
    ):
        for x in points:
            f = op
            for order in (1, 2, 3):
                f = grad(f)
                with mpmath.workdps(60):
                    exact = mpmath.diff(meaning, mpmath.mpf(x), order)
                assert abs(f(x) - exact) <= 64 * 2.0**-52 * abs(exact), (op, order, x)


@pytest.mark.parametrize("point", [(3.0, 4.0), (1e-3, 5.0), (5.0, 1e-3), (-2.0, 1e-6), (30.0, 0.01)])
def test_derivatives_of_hypot_keep_their_digits_to_the_third_order(point):
    mpmath = pytest.importorskip("mpmath")
    for orders in [(1, 0), (0, 1), (2, 0), (1, 1), (0, 2), (3, 0), (2, 1), (1, 2), (0, 3)]:
        f = engine.hypot
        for place, times in enumerate(orders):
            for _ in range(times):
                f = grad(f, argnums=place)
        with mpmath.workdps(120):
            exact = mpmath.diff(mpmath.hypot, tuple(map(mpmath.mpf, point)), orders)
        assert abs(f(*point) - exact) <= 64 * 2.0**-52 * abs(exact), orders


def test_the_quick_rules_of_programs_say_the_same_to_4_eps():
    for op in OPS.values():
        for exact, quick in zip(op.partials, op.quick) if op.quick else ():
            for x in np.linspace(-20.0, 20.0, 401).tolist():
                assert abs(exact(op(x), x) - quick(op(x), x)) <= 4 * 2.0**-52
