"""Expressions typed after `chainrule draw` are computed as in Python, or give an error of one line."""

from __future__ import annotations

import math

import pytest

from chainrule.engine import OPS, Value
from chainrule.viz import explain
from chainrule.viz.command import main
from chainrule.viz.expressions import evaluate


@pytest.mark.parametrize(("text", "number"), [
    ("1e308*x", 1e308),
    ("max(x, 2)", 2.0),
    ("min(x, 2)", 1.0),
    ("abs(-x)", 1.0),
    ("sum([x, 2, 3])", 6.0),
    ("total((x, 2))", 3.0),
    ("dot([x, 2], [3, x])", 5.0),
    ("pick([x, 2], 0)", 1.0),
    ("logsumexp([x, x])", 1.0 + math.log(2.0)),
])  # fmt: skip
def test_expressions_have_the_value_that_python_gives_them(text, number):
    assert evaluate(text, {"x": 1.0}).data == pytest.approx(number, rel=1e-15)


@pytest.mark.parametrize(("text", "message"), [
    ("1e309*x", "'1e309' is inf"),
    ("1" + "0" * 400 + "*x", "is inf"),
    ("x^2", r"'x \^ 2' has a \^: a power is written with \*\*"),
    ("[x]", "there is no named number"),
    ("-[x]", "bad operand"),
    ("[x] + 1", "add takes numbers and Values, got list"),
    ("tanh(x, x)", "tanh takes 1 argument, got 2"),
    ("sum(x)", "total takes lists"),
    ("pick([x, 2], 5)", "index 5 is out of range"),
])  # fmt: skip
def test_any_other_text_is_a_value_error_of_one_line(text, message):
    with pytest.raises(ValueError, match=message) as error:
        evaluate(text, {"x": 1.0})
    assert "\n" not in str(error.value)


def test_expressions_may_use_every_operation():
    with pytest.raises(ValueError, match="no function 'nothing'") as error:
        evaluate("nothing(x)", {"x": 1.0})
    assert all(name in str(error.value) for name in OPS)


def test_a_name_that_is_given_twice_is_refused(tmp_path, capsys):
    assert main(["draw", "x*y", "x=1", "y=1", "x=2", "-o", str(tmp_path / "x.svg")]) == 2
    assert capsys.readouterr().err == "chainrule draw: given more than once: x\n"


def test_names_are_normalised_as_in_python(tmp_path):
    assert main(["draw", "ℌ*2", "ℌ=3", "-o", str(tmp_path / "x.svg")]) == 0  # Python reads ℌ as H


def test_explain_shows_an_integer_that_a_user_wrote_into_data():
    a = Value(5.0, label="a")
    a.data = 5
    assert ": 0 + 5 × 1 = 5" in str(explain(a * a))
