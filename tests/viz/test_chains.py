"""explain(loss, w), .latex and .markdown: the same numbers as backward(), in whatever form."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from picture_helpers import graphs, network, neuron, used_twice
from picture_kinds import HOSTILE_LABELS, labelled

from chainrule import viz
from chainrule.engine import OPS, Value
from chainrule.engine.graph import topological_order
from chainrule.viz.stepper.chain_rule import applications
from chainrule.viz.stepper.chains import MOST_PATHS, chains_of
from chainrule.viz.stepper.latex import cell, formula_as_latex


def paths_one_by_one(order, start):
    """Every way from a value to the last one as the product of its local derivatives, by going through all of them."""
    ways, products = [(order[start], 1.0)], []
    while ways:
        value, product = ways.pop()
        products += [product] if value is order[-1] else []
        for user in order:
            ways += [(user, product * local) for one, local in zip(user._prev, user._local_grads) if one is value]
    return products


@given(graphs(), st.data())
def test_the_ways_add_up_to_the_gradient_and_the_strongest_are_listed(value, data):
    order = topological_order(value)
    start = data.draw(st.integers(0, len(order) - 1))
    found = chains_of(applications(order), start, len(order) - 1)
    value.backward()
    size = max(1.0, sum(abs(path.product) for path in found.paths))
    assert found.gradient == pytest.approx(order[start].grad, abs=1e-12 * size, rel=1e-9)
    if found.count <= 200:
        products = paths_one_by_one(order, start)
        assert found.count == len(products)
        strongest = sorted(map(abs, products), reverse=True)[:MOST_PATHS]
        assert [abs(path.product) for path in found.paths] == pytest.approx(strongest, rel=1e-9, abs=1e-300)


def of_label(root, label):
    return next(value for value in topological_order(root) if value.label == label)


def test_the_chain_for_one_value_is_one_line_where_there_is_one_way():
    o = neuron()
    said = str(viz.explain(o, of_label(o, "w1"))).splitlines()
    assert said[:2] == ["o changes as fast as w1: w1.grad = 1.", "w1 → x1w1 → s → n → o: 2 × 1 × 1 × 0.5 = 1"]
    assert [line.partition(" = ")[0] for line in said[2:] if not line.startswith(" ")] == ["x1w1", "s", "n", "o"]


@pytest.mark.parametrize(("slope", "said"), [
    (1.0, "y changes as fast as x: x.grad = 1."), (0.0, "y does not change with x: x.grad = 0."),
    (-1.0, "y changes as fast as x, in the other direction: x.grad = −1."),
    (-2.0, "y changes −2 times as fast as x: x.grad = −2."),
])  # fmt: skip
def test_a_slope_of_one_or_none_is_said_as_people_say_it(slope, said):
    x = Value(3.0, label="x")
    y = x * slope
    y.label = "y"
    assert str(viz.explain(y, x)).splitlines()[0] == said


def test_several_ways_are_a_sum_and_uses_of_one_value_are_told_apart():
    f = used_twice()
    said = str(viz.explain(f, of_label(f, "a")))
    assert "a.grad = −8, the sum over the 2 ways that lead from a to f." in said
    assert "a → e → f: 1 × (−6) = −6" in said and "a → d → f: −2 × 1 = −2" in said
    n = Value(3.0, label="n")
    square = n * n
    square.label = "s"
    said = str(viz.explain(square, n))
    assert "n (1st use) → s: 3" in said and "n (2nd use) → s: 3" in said


def test_of_many_ways_the_strongest_are_shown_and_the_rest_is_summed_up():
    x = y = Value(1.1, label="x")
    for _ in range(40):
        y = y * 0.5 + y * 0.25
    said = str(viz.explain(y, x))
    assert f"the sum over the {2**40:,} ways" in said and f"These are the strongest of {2**40:,} ways" in said
    assert said.count("x → ") == MOST_PATHS


def test_what_the_result_does_not_depend_on_is_said():
    o, other = neuron(), Value(1.0, label="other")
    with pytest.raises(ValueError, match="o was not computed from other"):
        viz.explain(o, other)
    with pytest.raises(TypeError, match=r"explain\(o, …\) needs a Value second, got float 2.0"):
        viz.explain(o, 2.0)
    frozen = Value(2.0, label="q", requires_grad=False)
    assert "Nothing goes back from v2 to q: requires_grad is False." in str(viz.explain(frozen * Value(1.0), frozen))
    assert str(viz.explain(o, o)).startswith("o.grad = 1")


# --- LaTeX: read back by the tests, as numbers


def value_of(latex: str) -> float:
    """The number of a side that holds numbers only."""
    plain = latex.replace("\\left", "").replace("\\right", "").replace("\\cdot", "*").replace("\\infty", "math.inf")
    plain = re.sub(r"\\times 10\^\{(-?\d+)\}", r"e\1", plain).replace(" ", "")
    assert re.fullmatch(r"[-+*().\de]+", plain), latex
    return float(eval(plain))


def is_balanced(latex: str) -> bool:
    depth = 0
    for sign in re.sub(r"\\[{}]", "", latex):
        depth += (sign == "{") - (sign == "}")
        assert depth >= 0, latex
    return depth == 0 and latex.count("\\left(") == latex.count("\\right)")


@given(graphs())
def test_the_sums_in_latex_are_true_and_end_in_the_gradients(value):
    order = topological_order(value)
    latex = viz.explain(value).latex
    assert is_balanced(latex)
    value.backward()
    lines = re.findall(r"\} &= (.*?)(?: \\\\)?\n", latex)
    assert len(lines) == len(order)
    for line, one in zip(lines[1:], reversed(order[:-1])):
        numbers = re.split(r" (?:=|\\approx) ", line)
        exact = one.grad
        assert value_of(numbers[-1]) == pytest.approx(exact, rel=2e-3, abs=1e-9)
        terms = max([1.0, *[abs(float(n)) for n in re.findall(r"\d+\.?\d*", numbers[-2])]])
        assert value_of(numbers[-2]) == pytest.approx(value_of(numbers[-1]), rel=2e-3, abs=2e-3 * terms**2)


def test_latex_has_the_formulas_of_the_table_with_indices_and_fractions():
    latex = viz.explain(neuron()).latex
    assert r"\frac{\partial o}{\partial n} &= \left(1 - o^{2}\right) \cdot \frac{\partial o}{\partial o}" in latex
    assert r"\frac{\partial o}{\partial w_{1}} &= x_{1} \cdot \frac{\partial o}{\partial \mathrm{x1w1}}" in latex
    chain = viz.explain(neuron(), None).latex
    assert chain == latex
    o = neuron()
    assert viz.explain(o, of_label(o, "w1")).latex.splitlines()[1:-1] == [
        r"\frac{\partial o}{\partial w_{1}} &= x_{1} \cdot 1 \cdot 1 \cdot \left(1 - o^{2}\right) \\",
        r"&= 2 \cdot 1 \cdot 1 \cdot 0.5 \\",
        "&= 1",
    ]


def test_exponents_and_roots_keep_what_belongs_to_them():
    a, b = cell(0), cell(1)
    names = ["a", "w1_11"]
    for text, latex in {
        f"{b} × {a}^({b} − 1)": r"w_{1,11}\cdot a^{w_{1,11} - 1}",
        f"√({a} + 1.0)": r"\sqrt{a + 1}",
        f"√{a}": r"\sqrt{a}",
        f"exp(−{a}^2.0) ÷ sigmoid({b})": r"\exp (-a^{2}) / \operatorname{sigmoid}(w_{1,11})",
        f"1.5e−07 × {a}": r"1.5\times 10^{-07}\cdot a",
    }.items():
        assert formula_as_latex(text, names) == latex


@pytest.mark.parametrize("op", OPS.values(), ids=list(OPS))
def test_each_row_has_latex_that_a_reader_of_latex_takes(op):
    mathtext = pytest.importorskip("latex2mathml.converter", reason="no reader of LaTeX is installed")
    arguments = [Value(low + 0.6 * (high - low), label=name) for name, (low, high) in zip("abc", op.intervals(3))]
    if op.variadic:
        arguments = [Value(0.25, label="a"), Value(-0.5, label="b"), 1.0]
    explanation = viz.explain(Value.__apply__(op, arguments))
    assert is_balanced(explanation.latex) and not re.search("[−×÷√\ue000]", explanation.latex)
    assert mathtext.convert(explanation.latex)


@pytest.mark.parametrize("label", HOSTILE_LABELS)
def test_no_label_breaks_out_of_latex_or_markdown(label):
    value = labelled(label)
    for explanation in (viz.explain(value), viz.explain(value, value._prev[0])):
        assert is_balanced(explanation.latex)
        assert not re.search(r"(?<!\\)[$%#]", explanation.latex) and "<script" not in explanation.latex
        text = explanation.markdown.partition("$$\n")[0]
        assert not re.search(r"(?<!\\)[*_`\[<]", text.replace("**", "", 2)) and "<" not in text


def test_markdown_is_a_numbered_list_with_the_formulas_below():
    markdown = viz.explain(used_twice()).markdown
    assert re.findall(r"^(\d+)\. ", markdown, re.MULTILINE) == [str(i) for i in range(1, 7)]
    assert markdown.endswith("\\end{aligned}\n$$\n") and markdown.count("$$") == 2


def test_explanations_are_saved_in_each_of_their_forms(tmp_path):
    explanation = viz.explain(neuron())
    assert explanation.save(tmp_path / "a.md").read_text(encoding="utf-8") == explanation.markdown
    assert explanation.latex in explanation.save(tmp_path / "a.tex").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match=r"has to end in \.txt or \.html or \.md or \.tex"):
        explanation.save(tmp_path / "a.doc")


def test_a_network_s_weight_is_explained_by_the_ways_through_the_neurons():
    loss = network([2, 4, 4])
    weight = of_label(loss, "w1_11")
    said = str(viz.explain(loss, weight))
    loss.backward()
    assert f"w1_11.grad = {value_text(weight.grad)}" in said and "ways that lead from w1_11 to loss" in said
    assert "h1_1 → " in said


def value_text(number):
    return f"{number:.4g}".replace("-", "−")
