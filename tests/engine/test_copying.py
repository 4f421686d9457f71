"""Copies and pickles of graphs have the same numbers, labels and structure, and nodes of their own, at any depth."""

import copy
import pickle

import pytest
from graphs import chain

from chainrule import engine
from chainrule.engine import Value, logsumexp, topological_order


def labelled_graph():
    a, b = Value(2.0, label="a"), Value(-3.0, label="b", requires_grad=False)
    c = a * b
    c.label = "c"
    y = (c + a) * c.tanh() + 2.0**a - logsumexp([a, c, 1.0])
    y.backward()
    return y


def picture(root):
    order = topological_order(root)
    place = {id(node): i for i, node in enumerate(order)}
    return [(node.data, node.grad, node.label, node.requires_grad, node._op, node._local_grads,
             [a if isinstance(a, float) else place[id(a)] for a in node.arguments]) for node in order]  # fmt: skip


each_copy = pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))], ids=["deepcopy", "pickle"]
)


@each_copy
def test_copies_keep_data_gradients_labels_and_structure(duplicate):
    y = labelled_graph()
    other = duplicate(y)
    assert picture(other) == picture(y)
    assert not set(topological_order(other)) & set(topological_order(y))
    before = picture(y)
    other.backward()
    assert picture(y) == before
    y.backward()
    assert picture(other) == picture(y)


@each_copy
def test_leaves_keep_their_identity_within_one_copy(duplicate):
    a = Value(2.0)
    y, z = a * 3, a + 1
    y2, z2, a2 = duplicate([y, z, a])
    assert y2._prev[0] is z2._prev[0] is a2 and a2 is not a


@each_copy
def test_copies_keep_the_class_of_each_value(duplicate):
    y = labelled_graph_of(OfMine)
    assert type(duplicate(y)) is OfMine and type(duplicate(y)._prev[0]) is OfMine


class OfMine(Value):
    def __init__(self, name, data):
        super().__init__(data, label=name)


def labelled_graph_of(kind):
    return kind("a", 2.0) * kind("b", 3.0)


def test_a_shallow_copy_of_a_leaf_is_another_leaf():
    a = Value(2.0, label="a")
    a.grad = 5.0
    b = copy.copy(a)
    b.data = 3.0
    assert (a.data, b.grad, b.label) == (2.0, 5.0, "a")


def test_the_error_about_an_unknown_row_in_a_pickle_names_it():
    with pytest.raises(KeyError, match="no operation 'zeta'"):
        engine.op.operation("zeta")


@each_copy
def test_leaves_that_refer_to_themselves_or_each_other_are_copied(duplicate):
    a, b = Value(1.0), Value(2.0)
    a.me, a.partner, b.partner = a, b, a
    twin = duplicate(a)
    assert twin.me is twin and twin.partner.partner is twin and twin.partner is not b
    twin = duplicate(a * b)
    assert twin.arguments[0].partner is twin.arguments[1]


@each_copy
def test_a_leaf_that_refers_to_one_of_its_users_is_copied(duplicate):
    a = Value(3.0)
    a.uses = [a * 2.0]
    twin = duplicate(a)
    assert twin.uses[0].data == 6.0 and twin.uses[0].arguments[0] is twin


@each_copy
def test_attributes_that_a_learner_adds_survive_backward_and_are_copied(duplicate):
    a = Value(2.0)
    b = a * 3
    a.m, b.origin = 0.5, ("layer 1", "h1")
    b.backward()
    other = duplicate(b)
    assert other.origin == ("layer 1", "h1") and other._prev[0].m == 0.5


@each_copy
def test_results_that_refer_to_themselves_or_each_other_are_copied(duplicate):
    a = Value(2.0)
    b = a * 3
    c = b.tanh()
    b.me, b.note, c.inner, c.list = b, "kept", b, [a, c]
    for one in (duplicate(b), duplicate(c)._prev[0]):
        assert one.note == "kept" and one.me.data == 6.0 and one.me.note == "kept"
    twin = duplicate(b)
    assert twin.me is twin and twin is not b
    twin = duplicate(c)
    assert twin.list[1] is twin and twin.list[0] is twin._prev[0]._prev[0]


@pytest.mark.parametrize("length", [30_000, pytest.param(100_000, marks=pytest.mark.slow),
                                    pytest.param(1_000_000, marks=pytest.mark.campaign)])  # fmt: skip
@pytest.mark.slow
@each_copy
def test_a_long_chain_is_copied_and_pickled(duplicate, length):
    _, y = chain(length)
    y.backward()
    other = duplicate(y)
    order = topological_order(other)
    assert len(order) == length + 1 and other.data == y.data and order[0].label == "x" and order[0].grad == 1.0
    other.backward()
    assert order[0].grad == 2.0
