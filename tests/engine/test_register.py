"""A user's own operation takes ten lines, and then it can do all that the operations of the table can.

    import math
    from chainrule import Op, check_row, cos, register, sin

    sinc = register(Op(
        name="sinc", symbol="sinc({})", badge="sinc",
        forward=lambda a: math.sin(a) / a,
        partials=(lambda out, a: (cos(a) - out) / a,),       # the output may be used
        numpy="np.sin({0}) / {0}", what="The sine of a over a, for a ≠ 0.",
        why="the slope of a quotient of sine and argument",
        domain=lambda a: a != 0.0, everyday=((0.1, 5.0),),
    ))
    assert check_row(sinc)                                    # its rule against finite differences

From then on sinc(x) takes floats, Values and arrays, x.sinc() works, and so do gradients of any order, draw and steps.
"""

import copy
import inspect
import math
import pickle

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from chainrule import nn, viz
from chainrule.engine import (
    OPS,
    DomainError,
    Op,
    Value,
    check_row,
    cos,
    diagnose,
    exp,
    grad,
    gradcheck,
    hessian,
    maximum,
    no_grad,
    register,
    total,
    unregister,
)
from chainrule.engine.methods import Methods


def row(**changes):
    """The row of the docstring above."""
    fields = dict(
        name="sinc",
        symbol="sinc({})",
        badge="sinc",
        forward=lambda a: math.sin(a) / a,
        partials=(lambda out, a: (cos(a) - out) / a,),
        numpy="np.sin({0}) / {0}",
        what="The sine of a over a, for a ≠ 0.",
        why="the slope of a quotient of sine and argument",
        domain=lambda a: a != 0.0,
        everyday=((0.1, 5.0),),
    )
    return Op(**(fields | changes))


@pytest.fixture(autouse=True)
def table_as_it_was():
    rows, methods = dict(OPS), dict(vars(Methods))
    yield
    for name in set(OPS) - set(rows):
        unregister(OPS[name])
    assert rows == OPS and dict(vars(Methods)) == methods


@pytest.fixture
def sinc():
    return register(row())


def test_a_registered_row_is_in_the_table_and_is_returned(sinc):
    assert OPS["sinc"] is sinc and isinstance(sinc, Op)


def test_a_registered_row_is_a_function_on_floats_values_and_arrays(sinc):
    assert sinc(2.0) == math.sin(2.0) / 2.0 and type(sinc(np.float64(2.0))) is float
    assert sinc(Value(2.0)).data == sinc(2.0)
    assert sinc(np.array([1.0, 2.0])).tolist() == [sinc(1.0), sinc(2.0)]
    of_values = sinc(np.array([Value(1.0), Value(2.0)]))
    assert of_values.dtype == object and [v.data for v in of_values] == [sinc(1.0), sinc(2.0)]
    with pytest.raises(TypeError, match="sinc takes 1 argument, got 2"):
        sinc(1.0, 2.0)


def test_a_registered_row_is_a_method(sinc):
    node = Value(2.0).sinc()
    assert (node.data, node.operation, node._op) == (sinc(2.0), sinc, "sinc")
    with pytest.raises(TypeError, match=r"sinc\(\) takes 1 positional argument but 2 were given"):
        Value(2.0).sinc(3.0)


def test_a_registered_row_raises_outside_its_domain(sinc):
    with pytest.raises(DomainError, match=r"sinc\(p\) with p = 0\.0 has no"):
        Value(0.0, label="p").sinc()


@pytest.mark.parametrize("order", range(1, 6))
def test_a_registered_row_has_gradients_of_any_order(sinc, order):
    f = sinc
    for _ in range(order):
        f = grad(f)
    with mpmath.workdps(60):
        exact = float(mpmath.diff(lambda a: mpmath.sin(a) / a, mpf(1.5), order))
    # Each further order divides a difference of rounded terms by 1.5.
    assert f(1.5) == pytest.approx(exact, rel=1e-12, abs=1e-13)


def test_a_registered_row_works_with_the_other_functions_of_the_engine(sinc):
    x, w = Value(1.5, label="x"), Value(0.5, label="w")
    loss = (x.sinc() * w + sinc(w)) ** 2
    loss.backward()
    inner = math.sin(1.5) / 1.5 * 0.5 + math.sin(0.5) / 0.5
    slope = (math.cos(1.5) - math.sin(1.5) / 1.5) / 1.5
    assert x.grad == pytest.approx(2 * inner * 0.5 * slope, rel=1e-15)
    assert gradcheck(lambda v: total([sinc(u) for u in v]) ** 2, [1.0, 2.0])
    matrix = hessian(lambda v: sinc(v[0] * v[1]))([1.0, 2.0])
    assert matrix[0, 1] == pytest.approx(matrix[1, 0], rel=1e-14)
    assert diagnose(loss, [x, w])
    x.data = 2.0
    loss.refresh()
    assert loss.data == pytest.approx((math.sin(2.0) / 2.0 * 0.5 + math.sin(0.5) / 0.5) ** 2, rel=1e-15)
    doubled = copy.deepcopy(loss)
    assert doubled.data == loss.data and doubled._prev[0].operation is loss._prev[0].operation


def test_a_network_takes_a_registered_row_as_its_activation():
    register(row(name="bump", symbol="bump({})", forward=lambda a: 1.0 / (1.0 + a * a), numpy="1 / (1 + {0} * {0})",
                 partials=(lambda out, a: -2.0 * a * out * out,), domain=lambda a: True))  # fmt: skip
    model = nn.MLP(2, [3, 1], activation="bump", rng=0)
    model([1.0, -0.5]).backward()
    assert any(node.operation is OPS["bump"] for node in [model.layers[0].neurons[0]([1.0, 2.0])])
    assert all(p.grad != 0.0 for p in model.parameters())
    assert gradcheck(model, [1.0, -0.5])


def test_a_registered_row_is_drawn_explained_and_stepped_through(sinc):
    x = Value(1.5, label="x")
    y = x.sinc() * 2
    y.label = "y"
    y.backward()
    drawing = viz.draw(y).svg
    assert "sinc(x)" in drawing and ">sinc<" in drawing
    explained = str(viz.explain(y))
    assert "sinc(x)" in explained and "The slope of a quotient of sine and argument." in explained
    assert "(cos(x) − v1) ÷ x" in explained  # the rule, run on names
    page = viz.steps(y).html
    assert "v1 = sinc(x)" in page and "The slope of a quotient of sine and argument" in page
    assert "sinc" in viz.draw_dot(y).source


def test_pictures_escape_the_texts_of_a_row():
    register(row(symbol="<script>&{}", badge="</svg>\"'", why="<b>why</b>"))
    y = Value(1.5, label="x").sinc()
    y.backward()
    for picture in (viz.draw(y).svg, viz.steps(y).html, viz.explain(y)._repr_html_(), viz.draw_dot(y).source):
        assert "<script>&" not in picture and "<b>why" not in picture
    assert "</svg>\"'" not in viz.draw(y).svg


def test_a_registered_row_may_take_two_arguments_or_any_number_of_them():
    area = register(Op(name="area", symbol="{} by {}", forward=lambda a, b: 0.5 * a * b, numpy="0.5 * {} * {}",
                       partials=(lambda out, a, b: 0.5 * b, lambda out, a, b: 0.5 * a)))  # fmt: skip
    assert check_row(area)
    assert Value(3.0).area(4.0).data == area(3.0, Value(4.0)).data == 6.0
    assert grad(area, argnums=(0, 1))(3.0, 4.0) == (2.0, 1.5)
    assert hessian(lambda v: area(v[0], v[1]))([3.0, 4.0]).tolist() == [[0.0, 0.5], [0.5, 0.0]]
    mean = register(Op(name="mean", flatten=tuple, forward=lambda *values: math.fsum(values) / len(values),
                       numpy="np.mean({}, axis=0)",
                       partials=lambda out, *values: [1.0 / len(values)] * len(values)))  # fmt: skip
    assert check_row(mean)
    assert grad(mean)([1.0, 2.0, 6.0]).tolist() == [1 / 3] * 3 and mean([1.0, 2.0, 6.0]) == 3.0
    assert not hasattr(Value, "mean")  # a row that takes a sequence is a function only


def test_a_row_without_symbol_badge_and_texts_works():
    cube = register(Op(name="cube", forward=lambda a: a * a * a, partials=(lambda out, a: 3.0 * a * a,),
                       numpy="{} ** 3"))  # fmt: skip
    x = Value(2.0, label="x")
    y = x.cube()
    y.backward()
    assert (y.data, x.grad, grad(grad(cube))(2.0)) == (8.0, 12.0, 12.0)
    assert check_row(cube) and "cube(x)" in viz.draw(y).svg


# --- checking its rules


def test_check_row_tests_a_registered_row(sinc):
    assert str(check_row(sinc)).startswith("sinc at 100 points, largest relative error ")
    wrong = register(row(name="wrong", partials=(lambda out, a: (cos(a) + out) / a,)))
    report = check_row(wrong)
    assert not report and "wrong derivative: sinc(" in str(report)


# --- pickling


def test_a_registered_row_is_pickled_by_its_name(sinc):
    x = Value(1.5, label="x")
    y = x.sinc() * 2.0
    again = pickle.loads(pickle.dumps(y))
    again.backward()
    assert again._prev[0].operation is sinc and again.data == y.data
    assert again._prev[0]._prev[0].grad == pytest.approx(2 * grad(sinc)(1.5), rel=1e-15)
    assert pickle.loads(pickle.dumps(sinc)) is sinc and copy.deepcopy(sinc) is sinc


def test_unpickling_a_row_that_is_not_registered_is_an_error_that_says_so(sinc):
    pickled, row_alone = pickle.dumps(Value(1.5).sinc() * 2.0), pickle.dumps(sinc)
    unregister(sinc)
    for stored in (pickled, row_alone):
        with pytest.raises(KeyError, match="no operation 'sinc' here; if it is your own, register its row first"):
            pickle.loads(stored)
    again = register(row())
    assert pickle.loads(row_alone) is again
    assert pickle.loads(pickled)._prev[0].operation is again


# --- rows that are refused, and rows that are taken out again


@pytest.mark.parametrize("name", ["", "1x", "a b", "a-b", "a.b", "lambda x: 0", "lambda", "None"])
def test_a_name_that_is_not_an_identifier_is_refused(name):
    with pytest.raises(ValueError, match="an operation's name is also the name of a method, which"):
        register(row(name=name))


@pytest.mark.parametrize("name", ["tanh", "total", "pick", "add"])
def test_the_name_of_another_row_is_refused(name):
    with pytest.raises(ValueError, match=f"the name '{name}' is taken: <operation {name}>"):
        register(row(name=name))
    assert OPS[name].name == name and OPS[name].numpy != row().numpy


@pytest.mark.parametrize("name", ["data", "grad", "label", "backward", "requires_grad", "operation", "_prev", "_op",
                                  "_left", "refresh", "detach", "arguments", "__init__", "arctan"])  # fmt: skip
def test_the_name_of_an_attribute_of_value_is_refused(name):
    with pytest.raises(ValueError, match=f"the name '{name}' is taken: an attribute of Value"):
        register(row(name=name))


def test_registering_a_row_twice_is_refused(sinc):
    with pytest.raises(ValueError, match="the name 'sinc' is taken: <operation sinc>"):
        register(sinc)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"numpy": "np.sin({0} /"}, r"sinc: numpy='np.sin\(\{0\} /' does not run at \[3\.53"),
        ({"numpy": "np.sinus({})"}, "has no attribute 'sinus'"),
        ({"forward": lambda a, b: a}, "sinc: forward does not run"),
        ({"partials": (lambda a: 1.0,)}, "sinc: partials does not run"),
        ({"partials": ()}, "needs one"),
        ({"symbol": "{} sinc {}"}, r"'\{\} sinc \{\}' needs one \{\}"),
        ({"numpy": "max({0}, 1.0) * np.sin({0}) / {0}"}, r"does not run on arrays of shape \(2, 3\): .*ambiguous"),
        ({"numpy": "np.sum(np.sin({0}) / {0})"}, r"gives shape \(\) for arrays of shape \(2, 3\), not \(2, 3\)"),
        ({"numpy": "np.cos({0}) / {0}"}, r"gives -?\d\.\d+ at \[\d\.\d+\] in arrays, and forward gives -?\d"),
        ({"everyday": ()}, r"sinc: everyday=\(\) has no interval; write everyday=\(\(low, high\),\)"),
    ],
    ids=[
        "spelling",
        "NumPy's name",
        "forward",
        "partials",
        "no partials",
        "symbol",
        "one by one",
        "all in one",
        "other numbers",
        "no interval",
    ],
)
def test_register_finds_that_a_row_does_not_run(changes, said):
    with pytest.raises(ValueError, match=said):
        register(row(**changes))
    assert "sinc" not in OPS and not hasattr(Value, "sinc")


def test_register_takes_only_rows():
    with pytest.raises(TypeError, match=r"register takes a row, Op\(name=.*got 'sinc'"):
        register("sinc")


def test_an_unregistered_row_is_gone(sinc):
    y = Value(1.5).sinc()
    unregister(sinc)
    assert "sinc" not in OPS and not hasattr(Value, "sinc")
    y.backward()  # nodes that it made keep working
    assert y._prev[0].grad == pytest.approx((math.cos(1.5) - y.data) / 1.5, rel=1e-15)
    with pytest.raises(ValueError, match="<operation sinc> is not a row of the table"):
        unregister(sinc)


@pytest.mark.parametrize("name", ["tanh", "exp", "add", "logsumexp"])
def test_rows_of_chainrule_itself_cannot_be_unregistered(name):
    with pytest.raises(ValueError, match=f"<operation {name}> belongs to chainrule; only a row that was registered"):
        unregister(OPS[name])
    assert OPS[name](Value(1.0), *[1.0] * (OPS[name].arity == 2)) if not OPS[name].variadic else OPS[name]([1.0])


def test_unregister_removes_only_the_methods_that_register_added():
    methods = dict(vars(Methods))
    mine = register(row(numpy="np.sin({})", forward=math.sin, partials=(lambda out, a: cos(a),)))
    assert set(vars(Methods)) - set(methods) == {"sinc"}  # np.sin calls the method of the table's own row
    unregister(mine)
    assert dict(vars(Methods)) == methods and Value(1.0).sin().data == math.sin(1.0)


def test_the_help_of_a_registered_row_is_made_from_the_row(sinc):
    assert sinc.__doc__.startswith("sinc(a)\n\nThe sine of a over a, for a ≠ 0.")
    assert str(inspect.signature(sinc)) == "(a, /)" and str(inspect.signature(Value.sinc)) == "(self)"
    assert "The sine of a over a" in Value.sinc.__doc__
    bare = Op(name="bare", forward=abs, partials=(np.sign,))  # a rule that does not name its arguments
    assert bare.__doc__.startswith("bare(a0)\n\nIt takes numbers") and "Local derivative" not in bare.__doc__
    assert str(inspect.signature(Op(name="any", forward=max, partials=lambda out, *xs: [0.0]))) == "(*xs)"


# --- rows and arrays, and rows and a user's own class


def test_the_numpy_function_of_a_registered_row_works_on_arrays_of_values():
    register(Op(name="cube_root", forward=lambda a: math.copysign(abs(a) ** (1 / 3), a), numpy="np.cbrt({})",
                partials=(lambda out, a: 1.0 / (3.0 * out * out),)))  # fmt: skip
    assert [v.data for v in np.cbrt(np.array([Value(8.0)]))] == [2.0]


def test_no_rule_runs_where_nothing_is_recorded():
    ran = []
    square = Op(name="square_", forward=lambda a: a * a, partials=(lambda out, a: ran.append(a) or 2.0 * a,))
    with no_grad():
        assert square(Value(3.0)).data == 9.0 and ran == []
    assert square(Value(3.0))._local_grads == (6.0,) and ran == [3.0]


def test_rules_get_the_number_that_a_users_class_stores():
    class Rounded(Value):
        data = property(Value.data.__get__, lambda self, number: Value.data.__set__(self, round(number, 1)))

    assert exp(Rounded(0.2))._local_grads == (1.2,)


def test_a_row_makes_its_results_with_the_new_of_a_users_class():
    class Tagged(Value):
        def __new__(cls, *arguments):
            made = super().__new__(cls)
            made.__dict__["tag"] = "mine"
            return made

    assert exp(Tagged(1.0)).tag == "mine"


@pytest.mark.parametrize(
    "op, arguments, said",
    [
        (Op(name="few", forward=lambda *v: sum(v), partials=lambda out, *v: [1.0], flatten=tuple), 2,
         "the rule of few returned a list of length 1; it needs one local derivative for each of the 2 arguments"),
        (Op(name="two", forward=lambda a, b, c=0.0: a, partials=(lambda out, a, b: 1.0,) * 2, flatten=tuple), 3,
         "two takes 2 arguments, got 3"),
    ],
)  # fmt: skip
def test_a_row_that_does_not_fit_its_arguments_is_an_error(op, arguments, said):
    with pytest.raises(TypeError, match=said):
        op([Value(1.0)] * arguments)


def test_arrays_without_a_dimension_may_be_combined_with_lists():
    assert maximum(np.array(0.5), [1.0, -2.0]).tolist() == [1.0, 0.5]
    assert maximum(np.array(0.5), (Value(1.0), -2.0))[0].data == 1.0
