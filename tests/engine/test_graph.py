"""backward() over random graphs of all rows, against forward mode, which uses none of the rules."""

import math
from copy import deepcopy
from pickle import dumps, loads

import mpmath
import pytest
from graphs import random_graph, replay
from hypothesis import given, settings
from hypothesis import strategies as st
from mathematics import EPS, MEANING, call, differentiable
from mpmath import mp, mpf

from chainrule.engine import OPS, Value, topological_order, trace
from chainrule.engine.fast.neurons import weighted_sum


def slope_by_differences(op, numbers, place):
    with mpmath.workdps(40):
        exact = [mpf(number) for number in numbers]
        step = mpf(10) ** -16  # in 40 digits the step makes an error of 1e-32, rounding one of 1e-24
        above, below = ([*exact[:place], exact[place] + sign * step, *exact[place + 1 :]] for sign in (1, -1))
        return (MEANING[op.name](*above) - MEANING[op.name](*below)) / (2 * step)


def forward_mode(leaves, recipe):
    """For each node its derivatives to the leaves (its tangents), and how large these could be.

    The tangents are those of dual numbers in 40 digits, at the numbers that the engine computed; local derivatives are
    differences of each row's meaning. How large they could be is the sum over all paths of the products of |local
    derivatives|, each taken as at least 1.
    """
    zero = [mpf(0)] * len(leaves)
    tangents = {id(leaf): [mpf(leaf is other) for other in leaves] for leaf in leaves}
    sizes = dict(tangents)
    for node, op, arguments in recipe:
        numbers = [a.data if isinstance(a, Value) else a for a in arguments]
        tangent, size = list(zero), list(zero)
        for place in differentiable(op, numbers):
            if not isinstance(arguments[place], Value):
                continue
            slope = slope_by_differences(op, numbers, place)
            inner, inner_size = tangents[id(arguments[place])], sizes[id(arguments[place])]
            tangent = [t + slope * i for t, i in zip(tangent, inner)]
            size = [s + max(1, abs(slope)) * i for s, i in zip(size, inner_size)]
        tangents[id(node)], sizes[id(node)] = tangent, size
    return tangents, sizes


def assert_backward_is_forward_mode(seed, size):
    leaves, recipe, root = random_graph(seed, size)
    root.backward()
    tangents, sizes = forward_mode(leaves, recipe)
    for leaf, tangent, could_be in zip(leaves, tangents[id(root)], sizes[id(root)]):
        # Each local derivative d on a path is within 4 eps max(1, |d|), each product and each sum within eps / 2.
        bound = 6 * EPS * len(recipe) * float(could_be)
        assert abs(leaf.grad - float(tangent)) <= bound, (leaf, float(tangent), [op.name for _, op, _ in recipe])


@given(seed=st.integers(0, 2**32), size=st.integers(5, 60))
def test_backward_agrees_with_forward_mode_on_small_graphs(seed, size):
    assert_backward_is_forward_mode(seed, size)


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32), size=st.integers(60, 200))
def test_backward_agrees_with_forward_mode_on_large_graphs(seed, size):
    assert_backward_is_forward_mode(seed, size)


@pytest.mark.campaign
def test_backward_agrees_with_forward_mode_on_thousands_of_graphs():
    for seed in range(3000):
        assert_backward_is_forward_mode(seed, 5 + seed % 196)


def test_random_graphs_use_every_row():
    made = {op.name for seed in range(60) for _, op, _ in random_graph(seed, 60)[1]}
    assert made == set(OPS)


# --- the fast backward against its definition


def by_definition(root):
    for node in topological_order(root):
        if node.operation is not None:
            node.grad = 0.0
    root.grad = 1.0
    for node in reversed(topological_order(root)):
        node._backward()


@given(seed=st.integers(0, 2**32), size=st.integers(1, 120))
def test_backward_is_the_backward_of_each_node_in_reversed_topological_order(seed, size):
    leaves, recipe, root = random_graph(seed, size)
    leaves[0].requires_grad = seed % 3 > 0  # the nodes that were made of it keep their own
    nodes = [*leaves, *(node for node, _, _ in recipe)]
    by_definition(root)
    expected = [node.grad for node in nodes]
    for leaf in leaves:
        leaf.grad = 0.0
    root.backward()
    # Both add up the same products, in another order: eps for each term, relative to the sum of the |terms|.
    _, sizes = forward_sizes(leaves, recipe)
    largest = max(sizes)
    for node, want in zip(nodes, expected):
        assert node.grad == pytest.approx(want, rel=1e-12, abs=EPS * len(nodes) * largest)


def forward_sizes(leaves, recipe):
    """For each node the sum over all paths to the last node of the |products of the stored local derivatives|."""
    reach = {id(recipe[-1][0]): 1.0}
    for node, _, _ in reversed(recipe):
        for child, slope in zip(node._prev, node._local_grads):
            reach[id(child)] = reach.get(id(child), 0.0) + abs(slope) * reach.get(id(node), 0.0)
    return reach, list(reach.values())


@given(st.lists(st.tuples(st.sampled_from("+-*n"), st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=14))
def test_backward_is_exact_for_small_integers(recipe):
    """Their sums, differences and products are exact, so that every order of adding gives the same bits."""
    pool = [Value(1.0), Value(-1.0), Value(2.0, requires_grad=False), Value(0.0)]
    leaves = list(pool)
    for sign, i, j in recipe:
        a, b = pool[-1 - i % len(pool)], pool[-1 - j % len(pool)]
        made = a + b if sign == "+" else a - b if sign == "-" else -a if sign == "n" else a * b
        pool.append(made if abs(made.data) < 1e3 else a - b)
    by_definition(pool[-1])
    expected = [v.grad for v in pool]
    if not pool[-1].requires_grad:
        expected = [0.0] * len(pool)
    for v in pool:
        v.grad = 0.0
    pool[-1].backward()
    assert [leaf.grad for leaf in leaves] == expected[: len(leaves)]
    assert [v.grad for v in topological_order(pool[-1])] == [
        expected[i] for v in topological_order(pool[-1]) for i, other in enumerate(pool) if other is v
    ]


def unchanged(root):
    return root


def refreshed(root):
    root.refresh()
    return root


def frozen_for_a_while(root):
    for node in topological_order(root):
        node.requires_grad = False
        node.requires_grad = True
    return root


WAYS = [unchanged, deepcopy, lambda root: loads(dumps(root)), refreshed, frozen_for_a_while]


@pytest.mark.parametrize("way", WAYS, ids=["replayed", "copied", "pickled", "refreshed", "frozen for a while"])
@given(seed=st.integers(0, 2**32), size=st.integers(1, 60))
def test_backward_agrees_with_its_definition_however_the_nodes_were_made(way, seed, size):
    leaves, recipe, _ = random_graph(seed, size)
    made = replay(leaves, recipe, [Value(leaf.data) for leaf in leaves])
    root = way(made[-1])
    order = topological_order(root)
    by_definition(root)
    expected = [node.grad for node in order]
    for node in order:
        node.grad = 0.0
    root.backward()
    assert root.grad == 1.0
    largest = max(forward_sizes(leaves, recipe)[1])
    for node, want in zip(order, expected):
        # the bound of the test above
        assert node.grad == pytest.approx(want, rel=1e-12, abs=EPS * len(order) * largest)


@given(seed=st.integers(0, 2**32), size=st.integers(1, 60), others=st.lists(st.integers(0, 200), max_size=20))
def test_users_outside_the_graph_change_no_gradient(seed, size, others):
    leaves, recipe, root = random_graph(seed, size)
    nodes = [node for node, _, _ in recipe]
    by_definition(root)
    expected = [node.grad for node in nodes]
    kept = [nodes[i % len(nodes)] * nodes[-1 - i % len(nodes)] for i in others]  # users that are alive
    for i in others:
        -nodes[i % len(nodes)]  # a user that is freed at once
    root.backward()
    root.backward()  # inner nodes keep the gradients of the last call
    assert all(node.grad == 0.0 for node in kept)
    largest = max(forward_sizes(leaves, recipe)[1])
    for node, want in zip(nodes, expected):
        assert node.grad == pytest.approx(want, rel=1e-12, abs=EPS * len(nodes) * largest)


def test_the_hand_written_backward_of_a_leaf_runs_once_after_all_its_users():
    seen = []
    x = Value(2.0)
    y = weighted_sum([x, x], [Value(3.0), x], x)
    x._backward = lambda: seen.append(x.grad)
    y.backward()
    assert seen == [3.0 + 2.0 + 2.0 + 1.0]


# --- orders


@given(seed=st.integers(0, 2**32), size=st.integers(1, 120))
def test_topological_order_has_arguments_first_and_each_node_once(seed, size):
    _, recipe, root = random_graph(seed, size)
    order = topological_order(root)
    place = {id(node): i for i, node in enumerate(order)}
    assert len(place) == len(order) and order[-1] is root
    assert all(place[id(child)] < place[id(node)] for node in order for child in node._prev)
    assert {id(node) for node, _, _ in recipe} <= set(place)
    again = topological_order(root)
    assert all(a is b for a, b in zip(order, again, strict=True))
    nodes, edges = trace(root)
    assert nodes == set(order) and edges == {(child, node) for node in order for child in node._prev}


def test_the_same_graph_built_twice_has_the_same_order():
    first, second = (topological_order(random_graph(7, 80)[2]) for _ in range(2))
    assert [(v.data, v._op, v.label) for v in first] == [(v.data, v._op, v.label) for v in second]


@given(seed=st.integers(0, 2**32), size=st.integers(1, 60))
def test_refresh_gives_the_numbers_of_a_graph_built_anew(seed, size):
    leaves, recipe, root = random_graph(seed, size)
    before = [node.data for node, _, _ in recipe]
    root.refresh()
    assert [node.data for node, _, _ in recipe] == before
    for leaf in leaves:
        leaf.data *= 1 + 2**-20  # so little that most operations keep a value
    try:
        root.refresh()
    except ValueError:
        return
    for node, op, arguments in recipe:
        numbers = [a.data if isinstance(a, Value) else a for a in arguments]
        assert node.data == call(op, numbers, wrap=float)
        again = call(op, arguments, wrap=lambda argument: argument)
        assert again._prev == node._prev and again._local_grads == node._local_grads


def test_the_forward_mode_of_these_tests_knows_the_product_rule():
    a, b = Value(2.0), Value(3.0)
    product = a * b
    tangents, _ = forward_mode([a, b], [(product, OPS["multiply"], (a, b))])
    with mp.workdps(20):
        assert [float(t) for t in tangents[id(product)]] == pytest.approx([3.0, 2.0], rel=1e-15)


@pytest.mark.parametrize("times", [lambda h, z: h * z, lambda h, z: z * h], ids=["left", "right"])
def test_no_gradient_is_minus_zero(times):
    h, z = Value(1.0) * 1.0, Value(-0.0)
    (times(h, z) + times(h, z)).backward()
    assert math.copysign(1.0, h.grad) == 1.0
