"""applications(root): the chain rule, one application after the other."""

import pytest
from graphs import random_graph

from chainrule import engine
from chainrule.engine import Value, applications, where


def test_an_application_says_all_there_is_to_say():
    a, w = Value(3.0, label="a"), Value(-2.0, label="w")
    y = a * w + a
    found = list(applications(y))
    assert [(one.node._op, one.argument.name(), one.place, one.passed) for one in found] == [
        ("+", "the * node with data -6.0", 0, 1.0), ("+", "a", 1, 1.0), ("*", "a", 0, -2.0), ("*", "w", 1, 3.0),
    ]  # fmt: skip
    assert [one.use for one in found] == [1, 1, 2, 1]  # a is used in the sum and in the product
    assert str(found[2]) == "a: 1.0 + -2.0 * 1.0 = -1.0"
    assert a.grad == w.grad == y.grad == 0.0  # nobody's gradient is touched


@pytest.mark.parametrize("seed", range(20))
def test_together_they_are_what_backward_does(seed):
    leaves, _, root = random_graph(seed, 30)
    found = list(applications(root))
    last = {id(one.argument): one.after for one in found}
    for leaf in leaves:
        uses = [one.use for one in found if one.argument is leaf]
        assert uses == list(range(1, len(uses) + 1))
    root.backward()
    assert [last.get(id(leaf), 0.0) for leaf in leaves] == pytest.approx([leaf.grad for leaf in leaves], rel=1e-12)


def test_a_loop_can_stop_in_the_middle():
    x = Value(1.0)
    y = x
    for _ in range(100_000):
        y = y * 1.0
    assert next(applications(y)).argument is y._prev[0]


def test_what_gets_no_gradient_has_no_application():
    x, frozen = Value(1.0), Value(2.0, requires_grad=False)
    found = list(applications(where(1.0, x * frozen, engine.sqrt(x - 1.0))))
    assert [one.argument for one in found if one.argument.operation is None] == [x]


def test_what_has_no_local_derivatives_is_refused():
    a = Value(1.0)
    b = a * 2.0
    b._backward = lambda: None
    with pytest.raises(TypeError, match="hand-written _backward"):
        list(applications(b))
    with pytest.raises(TypeError, match="applications of list"):
        list(applications([a]))
