"""explain(): the formulas come from the rules of the table and end in the numbers that backward() uses."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from picture_helpers import graphs, neuron, used_twice

from chainrule import viz
from chainrule.engine import OPS, Value
from chainrule.engine.graph import topological_order
from chainrule.viz.common.text import short
from chainrule.viz.common.values import values_of
from chainrule.viz.stepper.chain_rule import applications
from chainrule.viz.stepper.formulas import Formula, local_formulas


@pytest.mark.parametrize("op", OPS.values(), ids=list(OPS))
def test_the_explanation_of_each_row_ends_in_the_number_of_its_local_derivative(op):
    if op.variadic:
        arguments = [Value(0.25), Value(-0.5), 1.0]
    else:
        arguments = [Value(low + 0.6 * (high - low)) for low, high in op.intervals()]
    value = Value.__apply__(op, arguments)
    lines = local_formulas(value, "out", [f"a{i}" for i in range(len(value._prev))])
    assert len(lines) == len(value._local_grads)
    for line, local in zip(lines, value._local_grads):
        assert line.rpartition(" = ")[2] == short(local)


@pytest.mark.parametrize("op", [op for op in OPS.values() if op.why], ids=lambda op: op.name)
def test_the_formula_of_each_row_has_the_names_that_its_rule_uses(op):
    if op.variadic:
        arguments, names = [Value(0.25), Value(-0.5), 1.0], ["first", "second"]
    else:
        arguments = [Value(low + 0.6 * (high - low)) for low, high in op.intervals()]
        names = ["first", "second", "third"][: len(arguments)]
    value = Value.__apply__(op, arguments)
    for line, local in zip(local_formulas(value, "out", names), value._local_grads):
        # Each rule gives a formula in names, or a plain number that needs none.
        assert line == short(local) or any(name in line for name in (*names, "out"))


def test_formulas_have_brackets_only_where_they_are_needed():
    a, b, c = Formula("a"), Formula("b"), Formula("c")
    assert str(a * (b + c)) == "a × (b + c)"
    assert str(a * b + c) == "a × b + c"
    assert str(a - (b - c)) == "a − (b − c)"
    assert str((a - b) - c) == "a − b − c"
    assert str(a / (b * c)) == "a ÷ (b × c)"
    assert str(-a / b) == "−a ÷ b"
    assert str(-(a + b)) == "−(a + b)"
    assert str((a * b).sqrt()) == "√(a × b)"
    assert str((a + b) ** 2.0) == "(a + b)^2"
    assert str(a * (-b)) == "a × (−b)"
    assert str(abs(a + b)) == "|a + b|"
    assert str(Formula("−0.5") ** 2.0) == "(−0.5)^2"


def test_formulas_leave_out_factors_of_1_and_terms_of_0():
    a = Formula("a")
    assert str(a * 1.0) == str(1.0 * a) == str(a + 0.0) == str(a**1.0) == str(a / 1.0) == "a"
    assert str(1.0 / a) == "1 ÷ a"


def test_explain_derives_the_gradients_of_the_lecture_s_neuron():
    text = str(viz.explain(neuron()))
    assert text.startswith("o.grad = 1")
    assert "n.grad += ∂o/∂n × o.grad = 0.5 × 1 = 0.5" in text
    assert "∂o/∂n = 1 − o × o = 1 − 0.7071 × 0.7071 = 0.5" in text
    assert "x1.grad += ∂x1w1/∂x1 × x1w1.grad = −3 × 0.5 = −1.5" in text


def test_explain_adds_a_second_contribution_to_the_first():
    assert "a.grad += ∂d/∂a × d.grad = −6 + (−2) × 1 = −8" in str(viz.explain(used_twice()))


@given(graphs())
def test_the_contributions_add_up_to_the_gradients_of_backward(value):
    order = values_of(value)
    steps = applications(order)
    assert all(one.grad == 0.0 for one in order)
    value.backward()
    grads, sizes = [0.0] * len(order), [0.0] * len(order)
    for step in steps:
        assert step.before == grads[step.receiver]
        grads[step.receiver] = step.after
        sizes[step.receiver] += abs(step.passed)
    grads[-1], sizes[-1] = 1.0, 1.0
    for one, grad, size in zip(order, grads, sizes):
        # Both add up the same products, perhaps in another order. Each addition of up to 26 terms rounds by eps/2 of
        # their size, and so did the gradients that they are made of.
        assert one.grad == pytest.approx(grad, abs=1e-13 * max(1.0, size)) or not math.isfinite(grad)


@given(graphs())
def test_a_value_passes_its_gradient_on_only_when_it_is_complete(value):
    given_already = set()
    for step in applications(topological_order(value)):
        given_already.add(step.giver)
        assert step.receiver not in given_already


def test_explain_refuses_nodes_that_were_made_by_hand():
    a = Value(2.0, label="a")
    with pytest.raises(ValueError, match="t was made by hand"):
        viz.explain(Value(math.tanh(2.0), (a,), "tanh", label="t"))


def test_explain_has_no_step_for_leaves_without_gradient():
    a, b = Value(2.0, label="a", requires_grad=False), Value(3.0, label="b")
    assert "a.grad" not in str(viz.explain(a * b))


def test_an_explanation_can_be_saved_as_text_or_as_a_page(tmp_path):
    explanation = viz.explain(neuron())
    assert explanation.save(tmp_path / "why.txt").read_text(encoding="utf-8") == f"{explanation}\n"
    assert explanation._repr_html_() in explanation.save(tmp_path / "why.html").read_text(encoding="utf-8")
