"""gradcheck finds the mistakes in a learner's own class; check_row compares the rules of a row with differences."""

import dataclasses
import math

import numpy as np
import pytest
from graphs import random_graph, replay
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import nn
from chainrule.engine import (
    OPS,
    Op,
    Value,
    check_row,
    dot,
    grad,
    gradcheck,
    gradients,
    logsumexp,
    maximum,
    no_grad,
    total,
)

MISTAKES = {
    "": "there is no mistake",
    "=": "`self.grad = ` stands in place of `+=`",
    "factor": "the product forgets the other factor",
    "sign": "the difference has a plus sign instead of a minus",
    "order": "each node is visited as soon as it is met, depth first, not in topological order",
    "tanh": "1 + t² stands for 1 - t²",
    "power": "the exponent is not lowered by one",
    "upstream": "tanh forgets the upstream gradient",
}


def learners_class(mistake):
    """A class such as people write after the first micrograd lecture, with one mistake in it, or none."""

    class Number:
        def __init__(self, data, children=()):
            self.data, self.grad, self.children = data, 0.0, children
            self.pass_back = lambda: None

        def gets(self, amount):
            self.grad = amount if mistake == "=" else self.grad + amount

        def made(self, data, children, *slopes):
            out = Number(data, children)
            above = (lambda: 1.0) if mistake == "upstream" and len(children) == 1 else lambda: out.grad
            out.pass_back = lambda: [child.gets(slope * above()) for child, slope in zip(children, slopes)]
            return out

        def __add__(self, other):
            return self.made(self.data + other.data, (self, other), 1.0, 1.0)

        def __sub__(self, other):
            return self.made(self.data - other.data, (self, other), 1.0, 1.0 if mistake == "sign" else -1.0)

        def __mul__(self, other):
            slopes = (1.0, 1.0) if mistake == "factor" else (other.data, self.data)
            return self.made(self.data * other.data, (self, other), *slopes)

        def __pow__(self, n):
            return self.made(self.data**n, (self,), n * self.data ** (n if mistake == "power" else n - 1))

        def tanh(self):
            t = math.tanh(self.data)
            return self.made(t, (self,), 1 + t * t if mistake == "tanh" else 1 - t * t)

        def backward(self):
            order, seen = [], set()

            def visit(node):
                if node not in seen:
                    seen.add(node)
                    if mistake == "order":
                        order.append(node)
                    for child in node.children:
                        visit(child)
                    if mistake != "order":
                        order.insert(0, node)

            visit(self)
            self.grad = 1.0
            for node in order:
                node.pass_back()

    return Number


def formula(a, b, c):
    """Each operation is in it, and values that are used twice, one of them at different depths."""
    d = a * b
    return (d + (d - c).tanh() ** 3 * a + (a + b) * d).tanh() - c * b


POINTS = (0.3, -0.6, 0.9)


def test_the_right_class_passes():
    report = gradcheck(formula, *POINTS, value=learners_class(""))
    assert report and not report.findings
    assert str(report).startswith("gradcheck of 3 derivatives, largest relative error ")
    assert str(report).endswith(": all is well")


@pytest.mark.parametrize("mistake", [m for m in MISTAKES if m], ids=str)
def test_each_planted_mistake_is_found(mistake):
    report = gradcheck(formula, *POINTS, value=learners_class(mistake))
    assert not report, MISTAKES[mistake]
    assert {finding.kind for finding in report.findings} == {"wrong derivative"}


@pytest.mark.parametrize(
    ("mistake", "smallest"),
    [
        ("=", lambda a, b: a + a * b),
        ("factor", lambda a, b: a * b),
        ("sign", lambda a, b: a - b),
        ("order", lambda a, b: (a * b) + (a * b + b) * (a * b)),
        ("tanh", lambda a, b: a.tanh() + b),
        ("power", lambda a, b: a**3 + b),
        ("upstream", lambda a, b: a.tanh() * b),
    ],
)
def test_each_mistake_is_found_in_the_smallest_formula_that_shows_it(mistake, smallest):
    assert gradcheck(smallest, 0.7, -0.4, value=learners_class(""))
    if mistake == "order":  # it takes a value that is met again after it had its turn

        def smallest(a, b):
            shared = a * b
            return shared + (shared + b) * shared

    assert not gradcheck(smallest, 0.7, -0.4, value=learners_class(mistake))
    untouched = (lambda a, b: a + b) if mistake != "=" else (lambda a, b: a * b)
    assert gradcheck(untouched, 0.7, -0.4, value=learners_class(mistake))


def test_the_report_names_the_argument_both_derivatives_and_the_error():
    report = gradcheck(lambda a, b: a * b, 3.0, -2.0, value=learners_class("factor"))
    assert len(report.findings) == 2
    assert str(report).splitlines() == [
        str(report).splitlines()[0],
        "- wrong derivative: argument 0 = 3.0: backward() gives 1.0, differences give -2 (relative error 1.5e+00)",
        "- wrong derivative: argument 1 = -2.0: backward() gives 1.0, differences give 3 (relative error 6.7e-01)",
    ]
    assert str(report).splitlines()[0].endswith("2 found") and repr(report) == str(report)


def test_arguments_in_lists_are_named_with_their_places():
    def f(x, y):
        return x[0] * x[1] - y

    report = gradcheck(f, [2.0, 3.0], 1.0, value=learners_class("sign"))
    assert [finding.sentence.split(":")[0] for finding in report.findings] == ["argument 1 = 1.0"]
    report = gradcheck(f, np.array([2.0, 3.0]), 1.0, value=learners_class("factor"))
    assert [finding.sentence.split(":")[0] for finding in report.findings] == [
        "argument 0[0] = 2.0",
        "argument 0[1] = 3.0",
    ]


def test_arguments_reach_the_function_in_their_shapes():
    seen = []

    def f(x, y, z):
        seen.append((x, y, z))
        return total(x) * y + z[0]

    assert gradcheck(f, [1.0, 2.0], 3.0, (4.0,))
    x, y, z = seen[0]
    assert x.shape == (2,) and x.dtype == object and type(y) is Value and z.shape == (1,)
    assert gradcheck(lambda x: (x[0] * x[1]).sum(), np.array([[1.0, 2.0], [3.0, 4.0]]))
    wrong = gradcheck(lambda x: x[1, 0] ** 2 + float(x[1, 0]), np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert "argument 0[1, 0] = 3.0" in str(wrong)


@pytest.mark.parametrize("wrong", [None, 5.0, "text", [Value(1.0)]], ids=lambda w: type(w).__name__)
def test_a_function_that_returns_anything_but_a_value_is_refused(wrong):
    with pytest.raises(TypeError, match=f"gradcheck: the function returned {type(wrong).__name__}"):
        gradcheck(lambda x: wrong, 2.0)


# --- kinks, and the ends of a domain


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize(
    ("f", "at"),
    [
        (lambda x: abs(x), 0.0),
        (lambda x: x.relu(), 0.0),
        (lambda x: x.leaky_relu(), 0.0),
        (lambda x: maximum(x, 1.0), 1.0),
        (lambda x: x.step() + x, 0.0),
        (lambda x: (x * x - 4.0).relu() * 3.0, 2.0),
    ],
    ids=["abs", "relu", "leaky", "maximum", "step", "inside"],
)
def test_kinks_are_reported_as_not_checked(f, at, scale):
    report = gradcheck(lambda x: f(x) * scale, at)
    [finding] = report.findings
    assert finding.kind == "not checked" and "kink" in finding.sentence
    assert not report  # a derivative that was not checked does not count as right


@pytest.mark.parametrize("f", [lambda x: x.sqrt(), lambda x: x.log(), lambda x: 1.0 / x], ids=["√", "log", "1/x"])
def test_the_end_of_a_domain_is_reported_as_not_checked_and_points_beside_it_are_checked(f):
    for at in (1e-3, 1e-4, 1e-5, 1e-6, 1e-30):
        assert gradcheck(f, at), str(gradcheck(f, at))
        wrong = gradcheck(lambda x: Value(f(x).data, (x,), [1.001 * gradients(f(x), x).data]), at)
        assert [finding.kind for finding in wrong.findings] == ["wrong derivative"]
    [finding] = gradcheck(lambda x: f(x + 1e-6), 0.0).findings
    assert finding.kind == "not checked"


def test_points_close_to_a_kink_are_checked():
    for at in (1e-6, -1e-6):
        assert gradcheck(lambda x: x.relu() + abs(x), at)


def test_functions_that_underflow_raise_no_false_alarm():
    for at in (1e-100, 1e-160, 1e-200, 1e-300, 5e-324):
        for f in (lambda x: x * x, lambda x: x**3 + x, lambda x: x.tanh()):
            report = gradcheck(f, at)
            assert all(finding.kind == "not checked" for finding in report.findings), str(report)


def test_arguments_that_are_not_finite_are_not_checked():
    for at in (math.inf, -math.inf, math.nan):
        [finding] = gradcheck(lambda x: x * x.tanh(), at).findings
        assert finding.kind == "not checked"


def test_inside_no_grad_derivatives_are_checked_as_well():
    with no_grad():
        assert gradcheck(lambda x: x * x, 3.0)


def test_a_function_that_is_not_finite_is_reported_as_not_checked():
    for f, at in ((lambda x: x.exp(), 1000.0), (lambda x: x * math.nan, 1.0), (lambda x: x * x, 1e200)):
        [finding] = gradcheck(f, at).findings
        assert finding.kind == "not checked" and "not finite" in finding.sentence


def test_a_gradient_that_is_nan_is_wrong_where_the_function_is_finite():
    class Nan(Value):
        def backward(self):
            for node in self._prev:
                node.grad = math.nan

    [finding] = gradcheck(lambda x: x * 2.0, 1.0, value=Nan).findings
    assert finding.kind == "wrong derivative" and "backward() gives nan" in finding.sentence


def test_a_kink_in_one_argument_does_not_keep_the_others_from_being_checked():
    report = gradcheck(lambda x, y: abs(x) + Value(2.0 * y.data, (y,), [3.0]), 0.0, 1.0)
    assert [finding.kind for finding in report.findings] == ["not checked", "wrong derivative"]


# --- how exact gradcheck is


@pytest.mark.parametrize("scale", [1e-12, 1e-6, 1.0, 1e6, 1e12])
@pytest.mark.parametrize("at", [-1000.3, -2.0, -1e-3, 0.0, 1e-9, 0.4, 1.0, 30.0, 1e5])
def test_errors_are_relative(scale, at):
    """A derivative that is off by a thousandth is found in any unit of the function; a right one passes in any."""

    def f(x, off=0.0):
        y = (x / (1.0 + abs(at))).sin() * scale
        return Value(y.data, (x,), [y._local_grads[0] * (1 + off) * math.cos(at / (1 + abs(at))) / (1 + abs(at))])

    assert gradcheck(f, at)
    assert not gradcheck(lambda x: f(x, off=1e-3), at)


@given(seed=st.integers(0, 2**32), size=st.integers(1, 30))
@settings(max_examples=60)
def test_gradcheck_finds_nothing_wrong_in_random_graphs(seed, size):
    leaves, recipe, _ = random_graph(seed, size)
    report = gradcheck(lambda x: replay(leaves, recipe, x)[-1], [leaf.data for leaf in leaves])
    assert not [finding for finding in report.findings if finding.kind == "wrong derivative"], str(report)


def test_gradcheck_finds_nothing_wrong_in_the_loss_of_a_network():
    model = nn.MLP(3, [4, 2], activation="tanh", rng=0)
    assert gradcheck(lambda x: nn.cross_entropy(model(x), 1), [0.3, -0.2, 1.0])
    assert gradcheck(lambda x: dot([1.0, -2.0], model(x)) * logsumexp(x), [0.3, -0.2, 1.0])


def test_gradcheck_changes_no_grad_of_a_model_or_a_closure():
    model = nn.MLP(2, [3, 1], rng=0)
    closure = Value(2.0)
    for i, p in enumerate([*model.parameters(), closure]):
        p.grad = float(i)
    gradcheck(lambda x: model(x) * closure, [1.0, 2.0])
    assert [p.grad for p in [*model.parameters(), closure]] == [float(i) for i in range(14)]


def test_a_function_that_loses_the_gradient_is_found():
    report = gradcheck(lambda x: Value(math.exp(x.data)) + 0.0 * x, 1.0)
    assert "backward() gives 0.0, differences give 2.718281828" in str(report)
    with no_grad():
        assert (Value(1.0) * 2).arguments == ()


# --- check_row


@pytest.mark.parametrize("op", [op for op in OPS.values() if op.name != "pick"], ids=lambda op: op.name)
def test_check_row_finds_nothing_wrong_in_the_table(op):
    report = check_row(op)
    assert report, str(report)
    assert str(report).startswith(f"{op.name} at ") and not str(report).startswith(f"{op.name} at 0 ")


def test_check_row_finds_a_wrong_rule_and_shows_where():
    wrong = dataclasses.replace(OPS["tanh"], name="wrong", symbol="", partials=(lambda out, a: 1.0 + out * out,))
    report = check_row(wrong, points=20, seed=1)
    assert not report and len(report.findings) == 5  # it stops after five
    assert all(finding.kind == "wrong derivative" for finding in report.findings)
    assert report.findings[0].sentence.startswith("wrong(") and ", argument 0: backward() gives" in str(report)
    assert str(check_row(wrong, points=20, seed=1)) == str(report) != str(check_row(wrong, points=20, seed=2))


def test_check_row_finds_which_of_two_rules_is_wrong():
    divide = OPS["divide"]
    wrong = dataclasses.replace(divide, partials=(divide.partials[0], lambda out, a, b: out / b))
    assert {"argument 1" in finding.sentence for finding in check_row(wrong).findings} == {True}


def test_check_row_finds_a_wrong_rule_of_any_number_of_arguments():
    wrong = dataclasses.replace(OPS["logsumexp"], partials=lambda out, *values: [1.0 for _ in values])
    assert not check_row(wrong)


def test_a_row_without_a_point_in_its_domain_is_reported_as_not_checked():
    nowhere = Op(name="nowhere", forward=math.sqrt, partials=(lambda out, a: 0.5 / out,), numpy="np.sqrt({})",
                 domain=lambda a: a > 100.0)  # fmt: skip
    report = check_row(nowhere)
    assert not report and report.findings[0].kind == "not checked" and "nowhere at 0 points" in str(report)


def test_a_row_that_takes_an_index_is_reported_as_not_checked():
    assert {finding.kind for finding in check_row(OPS["pick"]).findings} == {"not checked"}


def test_a_rule_for_plain_numbers_is_found_and_its_second_derivative_is_nan():
    mysin = Op(name="mysin", forward=math.sin, partials=(lambda out, a: math.cos(a),), numpy="np.sin({})")
    [finding] = check_row(mysin).findings
    assert finding.kind == "no higher derivatives" and "a rule of mysin takes plain numbers only" in finding.sentence
    assert grad(mysin)(3.0) == math.cos(3.0)
    assert math.isnan(grad(grad(mysin))(3.0))  # not 0.0, as if the first derivative were a constant
    asks = Op(name="asks", forward=abs, partials=(lambda out, a: 1.0 if a > 0.0 else -1.0,), numpy="np.abs({})")
    assert not check_row(asks) and grad(asks)(-3.0) == -1.0
