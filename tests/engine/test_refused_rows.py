"""register refuses a row that would fail or give wrong numbers when it is used, says why, and leaves no trace of it."""

import math

import pytest

from chainrule.engine import OPS, Op, Value, register


def row(**changed):
    return Op(**{"name": "twofold", "forward": lambda a: 2.0 * a, "partials": (lambda out, a: 2.0,),
                 "numpy": "2.0 * {}", **changed})  # fmt: skip


@pytest.mark.parametrize(("changed", "message"), [
    ({"numpy": ""}, r"numpy='np.twofold\(\{\}\)' does not run at \[2.0\]: module 'numpy' has no attribute 'twofold'"),
    ({"numpy": "2.0 * {"}, "numpy='2.0 . {' does not run"),
    ({"partials": lambda out, a: 2.0}, r"partials=\(rule,\) for a fixed number"),
    ({"partials": lambda out, a: 2.0, "forward": lambda *a: sum(a), "numpy": "sum({})"}, r"partials=\(rule,\)"),
    ({"partials": lambda out, *a: [1.0], "forward": lambda *a: sum(a), "numpy": "sum({})"},
     "returned a list of length 1; it needs one local derivative for each of the 2 arguments"),
    ({"partials": (lambda out: 2.0,)}, "partials does not run"),
    ({"partials": ()}, "needs one {} for each argument"),
    ({"name": "class"}, "which 'class' cannot be"),
    ({"symbol": "{x}"}, "'{x}' needs one {}"),
    ({"symbol": "{}{}"}, "'{}{}' needs one {}"),
])  # fmt: skip
def test_register_refuses_a_row_that_does_not_run_and_says_why(changed, message):
    with pytest.raises(ValueError, match=message):
        register(row(**changed))
    assert "twofold" not in OPS and not hasattr(Value, "twofold")


def test_register_refuses_a_plain_function():
    with pytest.raises(TypeError, match="register takes a row, Op"):
        register(math.sin)
