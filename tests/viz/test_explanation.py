"""explain(): the formulas come from the rules of the table and end in the numbers that backward() uses."""

from __future__ import annotations

import html
import itertools
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from picture_helpers import graphs, neuron, used_twice

import chainrule as cr
from chainrule import viz
from chainrule.engine import OPS, Op, Value, maximum, minimum, pick, where
from chainrule.engine.graph import topological_order
from chainrule.viz.common.formulas import Formula
from chainrule.viz.common.text import short
from chainrule.viz.common.values import value_names, values_of
from chainrule.viz.stepper.chain_rule import applications
from chainrule.viz.stepper.local_derivatives import _comparison, local_texts


def at_everyday_numbers(op, share=0.6):
    """A node of that row, and names for its arguments."""
    if op.variadic:
        arguments = [Value(0.25), Value(-0.5), 1.0]
    else:
        arguments = [Value(low + share * (high - low)) for low, high in op.intervals()]
    value = Value.__apply__(op, arguments)
    return value, ["first", "second", "third"][: len(value._prev)]


@pytest.mark.parametrize("share", [0.15, 0.6])
@pytest.mark.parametrize("op", OPS.values(), ids=list(OPS))
def test_each_row_explains_its_local_derivatives_down_to_the_number(op, share):
    value, names = at_everyday_numbers(op, share)
    said = local_texts(value, "out", names)
    assert len(said) == len(value._local_grads)
    for one, local in zip(said, value._local_grads):
        assert re.split(" [=≈] ", one.equation)[-1] == short(local)
        assert one.why[:1].isupper() or one.why.startswith(tuple(names))


@pytest.mark.parametrize("op", OPS.values(), ids=list(OPS))
def test_the_formula_holds_the_names_that_the_rule_uses_or_a_branch_or_a_number_is_named(op):
    value, names = at_everyday_numbers(op)
    for one, local in zip(local_texts(value, "out", names), value._local_grads):
        assert one.equation == short(local) or any(name in one.formula for name in (*names, "out"))
        assert "where(" not in one.equation and "step(" not in one.equation  # no guards of the rules


def close(one, other, eps=1e-9):
    return math.isclose(one, other, rel_tol=eps, abs_tol=1e-12) or (one != one and other != other)


@pytest.mark.parametrize("op", [op for op in OPS.values() if op.slopes], ids=lambda op: op.name)
@given(data=st.data())
def test_the_slopes_that_are_shown_are_those_of_the_rules(op, data):
    numbers = [data.draw(st.floats(low, high)) for low, high in op.intervals(3)]
    out = op.evaluate(numbers)
    rules = op.partials(out, *numbers) if op.variadic else [rule(out, *numbers) for rule in op.partials]
    shown = op.slopes(out, *numbers) if op.variadic else [slope(out, *numbers) for slope in op.slopes]
    assert all(map(close, shown, rules)) and len(shown) == len(rules)


def around_kinks(op):
    """Numbers on both sides of each kink, and on it."""
    some = [-2.0, -1.0, 0.0, 1.0, 2.0]
    if op.variadic:
        return [(0.5, -2.0, 3.0, float(index)) for index in range(3)]
    everywhere = itertools.product(some, repeat=op.arity)
    return [numbers for numbers in everywhere if op.domain(*numbers)]


@pytest.mark.parametrize("op", [op for op in OPS.values() if op.case], ids=lambda op: op.name)
def test_a_branch_is_said_with_a_comparison_that_is_true_and_its_slopes_are_those_of_the_rule(op):
    found = 0
    for numbers in around_kinks(op):
        case = op.case(*numbers)
        if case is None:
            continue
        found += 1
        texts = [case.said] if isinstance(case.said, str) else [text for text in case.said if text]
        assert all(text.format(*"abcd") for text in texts)
        assert isinstance(case.said, str) or len(case.said) == op.arity
        assert _comparison(case.holds, numbers) or not case.holds
        out = op.evaluate(numbers)
        for slope, rule in zip(case.slopes, () if op.variadic else op.partials):
            assert close(slope(out, *numbers), rule(out, *numbers))
    assert found


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda a, b: minimum(a, b), ["b is smaller (−2 < 0.5): a gets nothing",
                                      "b is smaller (−2 < 0.5): b gets all of the gradient"]),
        (lambda a, b: maximum(a, b), ["a is larger (0.5 > −2): a gets all of the gradient",
                                      "a is larger (0.5 > −2): b gets nothing"]),
        (lambda a, b: minimum(a, a * 1.0), ["a and v1 are equal (0.5 = 0.5): a gets half of the gradient",
                                            "a and v1 are equal (0.5 = 0.5): v1 gets half of the gradient"]),
        (lambda a, b: abs(b), ["b is negative (−2 < 0): b gets the gradient with its sign changed"]),
        (lambda a, b: a.relu(), ["a is positive (0.5 > 0): a gets all of the gradient"]),
        (lambda a, b: b.leaky_relu(), ["b is negative (−2 < 0): b gets 0.01 of the gradient"]),
        (lambda a, b: b.elu(), ["b is negative (−2 < 0): the local derivative is exp(b)"]),
        (lambda a, b: (a - a).relu(), ["v1 is 0, where there is a kink: v1 gets nothing"]),
        (lambda a, b: where(a - a, a, b), ["v1 is 0, so b is chosen: v1 gets nothing",
                                           "v1 is 0, so b is chosen: a gets nothing",
                                           "v1 is 0, so b is chosen: b gets all of the gradient"]),
        (lambda a, b: pick([2.0, b], 1),
         ["The index is 1, counted from 0, so b is picked: b gets all of the gradient"]),
    ],
)  # fmt: skip
def test_the_branch_that_was_taken_is_named(make, said):
    value = make(Value(0.5, label="a"), Value(-2.0, label="b"))
    order = topological_order(value)
    names = dict(zip(order, value_names(order)))
    assert [one.why for one in local_texts(value, "out", [names[one] for one in value._prev])] == said


def test_powers_are_explained_without_guards():
    a, b = Value(3.0, label="a"), Value(2.0, label="b")
    first, second = local_texts(a**b, "c", ["a", "b"])
    assert first.equation == "b × a^(b − 1) = 2 × 3^(2 − 1) = 6"
    assert second.equation == "a^b × log(a) = 3^2 × log(3) = 9.888"
    assert "its limit" in local_texts(Value(0.0) ** b, "c", ["a", "b"])[1].why


def test_a_row_of_a_user_s_own_says_its_own_words():
    def case(a):
        return ("{0} is above the ground", "{0} > 0") if a > 0.0 else None  # a tuple is as good as a Case

    row = Op(name="lift", forward=lambda a: max(a, 0.0) * 2.0, partials=(lambda out, a: 2.0 * OPS["step"](a),),
             numpy="2.0 * np.maximum({}, 0.0)", what="Twice a, above 0.", case=case)  # fmt: skip
    (said,) = local_texts(Value.__apply__(row, [Value(1.5)]), "y", ["x"])
    assert said.why == "x is above the ground (1.5 > 0): the local derivative is 2"
    (said,) = local_texts(Value.__apply__(row, [Value(-1.5)]), "y", ["x"])
    assert said.equation == "2 × step(x) = 2 × step(−1.5) = 0"  # where it says nothing, the rule run on names


def test_slopes_that_are_not_those_of_the_rule_are_not_shown():
    row = Op(name="lie", forward=lambda a: a * a, partials=(lambda out, a: 2.0 * a,), numpy="{0} * {0}",
             what="The square of a.", slopes=(lambda out, a: 3.0 * a,))  # fmt: skip
    (said,) = local_texts(Value.__apply__(row, [Value(1.5)]), "y", ["x"])
    assert said.equation == "3"


def test_words_for_the_wrong_number_of_arguments_are_refused():
    rules = {"forward": lambda a, b: a, "partials": (lambda out, a, b: 1.0, lambda out, a, b: 0.0)}
    with pytest.raises(ValueError, match="why of first has 3 entries for its arguments, not 2"):
        Op(name="first", why=("one", "two", "three"), **rules)
    with pytest.raises(ValueError, match="slopes of first has 1 entry for its arguments, not 2"):
        Op(name="first", slopes=(lambda out, a, b: 1.0,), **rules)
    with pytest.raises(ValueError, match="slopes of first: a tuple of functions is needed"):
        Op(name="first", slopes=lambda out, a, b: [1.0, 0.0], **rules)


def test_formulas_have_brackets_only_where_they_are_needed():
    a, b, c = Formula("a", 1.0), Formula("b", 2.0), Formula("c", 3.0)
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
    assert "n.grad += local derivative × o.grad: 0 + 0.5 × 1 = 0.5" in text
    assert "local derivative through n = 1 − o^2 = 1 − 0.7071^2 = 0.5" in text
    assert "x1.grad += local derivative × x1w1.grad: 0 + (−3) × 0.5 = −1.5" in text


def test_explain_adds_a_second_contribution_to_the_first():
    assert "a.grad += local derivative × d.grad: −6 + (−2) × 1 = −8" in str(viz.explain(used_twice()))


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
    text = str(viz.explain(a * b))
    assert "a.grad" not in text and "Nothing goes back to a: requires_grad is False." in text
    assert "backward() does nothing" in str(viz.explain(a * 2.0)) and ".grad = 1" not in str(viz.explain(a * 2.0))


def test_an_explanation_can_be_saved_as_text_or_as_a_page(tmp_path):
    explanation = viz.explain(neuron())
    assert explanation.save(tmp_path / "why.txt").read_text(encoding="utf-8") == f"{explanation}\n"
    page = explanation.save(tmp_path / "why.html").read_text(encoding="utf-8")
    written = [html.unescape(re.sub("<[^>]*>", "", line)) for line in re.findall(r"<(?:h1|p)\b.*?</(?:h1|p)>", page)]
    lines = [line.strip() for line in str(explanation).split("\n")]
    # The page has the update and its numbers in a paragraph of their own, and what is said of it below.
    assert written == lines


def test_values_are_called_as_in_the_folded_picture():
    loss = cr.cross_entropy(cr.MLP(4, [16, 16, 3], rng=0)([5.1, 3.5, 1.4, 0.2]), 1)
    loss.label = "loss"
    loss.backward()
    drawn = set(re.findall(r">(v\d+)<", cr.draw(loss).svg))
    explained = re.search(r"loss = (v\d+) − (v\d+);", str(cr.explain(loss)))
    assert explained is not None and {*explained.groups()} <= drawn
