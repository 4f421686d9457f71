"""Names in generated text mean what they mean to the author of a row, whatever NumPy or the compiler calls so."""

import math

import numpy as np
import pytest
from eager import assert_same

from chainrule import engine
from chainrule.engine import Op, Value, exp, register, tanh, unregister

X = np.array([[1.0, 2.0, 6.0], [10.0, 20.0, 60.0]])


def shares(out, *values):
    return [1.0 / len(values) for _ in values]


def of_the_largest(out, *values):
    return [1.0 - engine.step(out - value) for value in values]


ROWS = {
    "sum and len": dict(forward=lambda *v: sum(v) / len(v), partials=shares, numpy="sum({0}) / len({0})"),
    "a generator": dict(forward=lambda *v: sum(v) / len(v), partials=shares, numpy="sum(a for a in {0}) / len({0})"),
    "np.mean": dict(forward=lambda *v: sum(v) / len(v), partials=shares, numpy="np.mean({0}, axis=0)"),
    "np.max": dict(forward=lambda *v: max(v), partials=of_the_largest, numpy="np.max({0}, axis=0)"),
    "abs": dict(forward=abs, partials=(lambda out, a: engine.step(a) - engine.step(-a),), numpy="abs({})"),
    "np.abs": dict(forward=abs, partials=(lambda out, a: engine.step(a) - engine.step(-a),), numpy="np.abs({})"),
    "pow": dict(
        forward=lambda a: a**1.5, partials=(lambda out, a: 1.5 * a**0.5,), numpy="pow({}, 1.5)", everyday=((0.5, 2.0),)
    ),
    "math": dict(forward=lambda a: a * math.pi, partials=(lambda out, a: math.pi,), numpy="{} * math.pi"),
    "a third": dict(forward=lambda a: a * (1.0 / 3.0), partials=(lambda out, a: 1.0 / 3.0,), numpy="{} * (1.0 / 3.0)"),
    "np.prod": dict(forward=lambda a: a * a, partials=(lambda out, a: 2.0 * a,), numpy="np.prod([{0}, {0}], axis=0)"),
}


@pytest.mark.parametrize("fields", ROWS.values(), ids=list(ROWS))
def test_a_spelling_with_pythons_own_names_means_what_python_means(fields):
    row = register(Op(name="mine", **fields))
    w = Value(3.0)
    try:
        if row.variadic:
            f = lambda x: row(*x) * row(x[0], w, 2.0) + row(w, w * 2.0)  # noqa: E731
        else:
            f = lambda x: row(x[0] * w) * row(x[1]) + row(w)  # noqa: E731
        assert_same(engine.compile(f, [w]), f, [w], X)
        alone = engine.compile(f, [w], batch=False)
        assert alone(X[0]) == pytest.approx(f([Value(a) for a in X[0]]).data, rel=1e-14)
    finally:
        unregister(row)


def test_a_row_that_is_a_number_whatever_its_argument_is_compiles():
    """register() refuses such a spelling, but a row can be used without it."""
    row = Op(name="mine", forward=lambda a: 3.0, partials=(lambda out, a: 0.0,), numpy="2.0 + 1.0")
    w = Value(0.5)
    assert_same(engine.compile(lambda x: row(x[0] * w) * x[1] * w, [w]), lambda x: row(x[0] * w) * x[1] * w, [w], X)


@pytest.mark.parametrize("name", ["math", "np", "len", "sum", "min", "picked", "silent", "float", "bind", "n", "x",
                                  "theta", "h0", "v3", "value_and_grad", "in_range"])  # fmt: skip
@pytest.mark.parametrize("batch", [True, False])
def test_a_row_of_any_name_changes_no_other_name(name, batch):
    row = register(Op(name=name, forward=lambda a: a + 1.0, partials=(lambda out, a: 1.0,), numpy="{} + 1.0"))
    other = Op(name="other", forward=lambda a: a, partials=(lambda out, a: 1.0,),
               numpy="np.add({0}, math.log(len([1]))) + sum([0.0])")  # fmt: skip
    quick = Op(name="quick", forward=lambda a: math.sqrt(a), partials=(lambda out, a: 0.5 / out,), numpy="np.sqrt({})")
    try:
        program = engine.compile(lambda x: row(other(row(tanh(x) * exp(x)))) + quick(x), batch=batch)
        wanted = math.tanh(1.0) * math.e + 3.0
        assert np.all(program(np.ones(2) if batch else 1.0) == pytest.approx(wanted, rel=1e-14))
    finally:
        unregister(row)


@pytest.mark.parametrize("batch", [True, False])
def test_two_rows_of_one_name_stay_two(batch):
    twice, thrice = (
        Op(
            name="scaled",
            forward=lambda a, k=k: k * a,
            partials=(lambda out, a, k=k: k,),
            numpy=f"np.multiply({{}}, {k})",
        )
        for k in (2.0, 3.0)
    )
    program = engine.compile(lambda x: twice(x) + thrice(x) * 10.0, batch=batch)
    assert np.all(program(np.ones(2) if batch else 1.0) == 32.0)


def test_no_text_asks_numpy_for_what_is_not_numpys():
    """NumPy before 1.26 has np.math, with a warning."""
    program = engine.compile(lambda x: x.erf() + x.gelu())
    program(X[:, 0].copy())
    assert "np.math" not in program.source


@pytest.mark.parametrize("kind", [np.longdouble, np.float32, np.float16, ">f8", ">f4"])
@pytest.mark.parametrize("batch", [True, False])
def test_whatever_floats_come_in_float64_goes_out(kind, batch):
    w = Value(2.0)
    program = engine.compile(lambda x: x[0] * x[1] * w, [w], batch=batch)
    x = np.array([[2.0, 3.0], [4.0, 5.0]]).astype(kind)
    given = x if batch else x[0]
    value, gradient = program.value_and_grad(given)
    assert type(value) is float and gradient.dtype == np.float64 == program.input_gradients(given).dtype
    assert program.per_example(given).dtype == np.float64 == np.asarray(program(given)).dtype


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([math.inf, -math.inf], math.inf),
        ([-math.inf, math.inf, 1.0], math.inf),
        ([-math.inf, -math.inf], -math.inf),
        ([math.inf, math.nan], math.nan),
        ([math.nan, -math.inf], math.nan),
        ([-math.inf, 1.0], 1.0),
    ],
)
def test_logsumexp_of_infinite_numbers(values, expected):
    wanted = pytest.approx(expected, nan_ok=True)
    x = np.array([values, values])
    assert engine.logsumexp(values) == wanted and engine.logsumexp([Value(v) for v in values]).data == wanted
    assert engine.compile(lambda x: engine.logsumexp(list(x)))(x).tolist() == [wanted] * 2
    assert engine.compile(lambda x: engine.logsumexp(list(x)), batch=False)(x[0]) == wanted
