"""The code in fast/ agrees with the textbook also after errors and interrupts, with frozen leaves, and at zeros."""

import copy
import math
import random
import sys

import pytest
from counting import events
from hypothesis import example, given
from hypothesis import strategies as st

from chainrule.engine import DomainError, Value, grad, gradients, graph, log, maximum, relu, sqrt, total, where
from chainrule.engine.fast.neurons import SharedInputs, weighted_sum
from chainrule.engine.fast.waiting import DEEP
from chainrule.engine.graph import topological_order


class Stop(BaseException):
    """An exception that stands for an interrupt by Ctrl-C."""


def is_interrupted(action, after, file=""):
    """Run the action, and interrupt it after so many lines in fast/ or in one file there; False if it ended before."""
    lines = iter(range(after))

    def trace(frame, event, argument):
        here = "fast" in frame.f_code.co_filename and frame.f_code.co_filename.endswith(file)
        if here and event == "line" and next(lines, None) is None:
            sys.settrace(None)
            raise Stop
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        action()
    except Stop:
        return True
    finally:
        sys.settrace(before)
    return False


def described(root):
    order = topological_order(root)
    place = {id(node): i for i, node in enumerate(order)}
    return [
        (v.data, v.grad, v.requires_grad, v.operation,
         [(a if type(a) is float else place[id(a)], slope + 0.0) for a, slope in v._edges])
        for v in order
    ]  # fmt: skip


# --- refresh


def two_layers(seed):
    """Leaves, a root over fused sums of them, and nodes outside its graph. The leaves are small whole numbers, which
    are added exactly in every order."""
    chance = random.Random(seed)
    leaves = [Value(float(chance.randint(-2, 2))) for _ in range(6)]
    inputs = SharedInputs([leaves[0], leaves[1] * leaves[0], 2.0])
    hidden = [weighted_sum(chance.choices(leaves[2:], k=3), inputs, leaves[chance.randint(2, 5)]) for _ in range(3)]
    kept = [hidden[0] * 2.0, chance.choice(hidden) * leaves[1]]  # outside the graph
    inputs = SharedInputs([*map(relu, hidden[:2]), hidden[2], leaves[0]])
    outputs = [weighted_sum(chance.choices(leaves[2:], k=4), inputs, leaves[2]) for _ in range(2)]
    return leaves, total([*outputs, outputs[0] * hidden[0], maximum(outputs[1], 1.0)]), kept


@example(seed=0, frozen=0, looked_at=[])
@example(seed=0, frozen=0b000100, looked_at=[])
@given(seed=st.integers(0, 2**32), frozen=st.integers(0, 63), looked_at=st.lists(st.integers(0, 40), max_size=2))
def test_refresh_of_fused_sums_agrees_with_the_textbook_although_leaves_are_frozen_meanwhile(seed, frozen, looked_at):
    seen = []
    for refresh, backward in ((Value.refresh, Value.backward), (graph.refresh, graph.backpropagate)):
        leaves, root, _ = two_layers(seed)
        for place in looked_at:  # down one path, which unfolds the sums on it
            node = root
            while isinstance(node, Value) and node._prev and place:
                node, place = node._prev[place % len(node._prev)], place // 2
        for i, leaf in enumerate(leaves):
            leaf.data, leaf.requires_grad = leaf.data + 1.0 - i % 3, not frozen >> i & 1
        refresh(root)
        for leaf in leaves:
            leaf.requires_grad = True
        if root.requires_grad:
            backward(root)
        seen.append(described(root))
    assert seen[0] == seen[1]


def test_a_refresh_that_fails_leaves_fused_sums_as_they_were():
    w, b, x = Value(2.0), Value(1.0), Value(3.0)
    y = log(weighted_sum([w], [x], b))
    x.data = -5.0
    with pytest.raises(DomainError):
        y.refresh()
    y.backward()
    assert (w.grad, x.grad, b.grad) == (3.0 / 7.0, 2.0 / 7.0, 1.0 / 7.0)
    [total_of_them] = y.arguments
    assert total_of_them.arguments[1].data == 6.0


def test_an_interrupt_anywhere_in_a_refresh_leaves_the_gradients_as_they_were():
    def gradients_of(root, leaves):
        for leaf in leaves:
            leaf.grad = 0.0
        root.backward()
        return [leaf.grad for leaf in leaves]

    leaves, root, _ = two_layers(1)
    expected = gradients_of(root, leaves)
    for after in range(2000):
        leaves, root, _ = two_layers(1)
        before = [leaf.data for leaf in leaves]
        for leaf in leaves:
            leaf.data += 3.0
        if not is_interrupted(root.refresh, after, "refreshing.py"):
            break
        for leaf, data in zip(leaves, before):
            leaf.data = data
        assert gradients_of(root, leaves) == expected, after
    assert 50 < after < 1999


def test_an_interrupt_while_a_fused_sum_unfolds_leaves_the_gradients_right():
    for after in range(200):
        w, v, b, x, y = (Value(float(i)) for i in range(2, 7))
        result = weighted_sum([w, v], [x, y * 1.0], b)
        interrupted = is_interrupted(lambda result=result: result.arguments, after)
        result.backward()
        assert [leaf.grad for leaf in (w, v, b, x, y)] == [5.0, 6.0, 1.0, 2.0, 3.0], after
        if not interrupted:
            break
    assert 20 < after < 199


# --- first derivatives at plain numbers


@pytest.mark.parametrize(
    "f",
    [
        lambda x: relu(-sqrt(x)) + x,
        lambda x: maximum(sqrt(x), 1.0),
        lambda x: sqrt(x) * Value(0.0),
        lambda x: sqrt(x) * 0.0,
        lambda x: where(Value(0.0), sqrt(x), x),
        lambda x: where(0.0, sqrt(x), x),
        lambda x: relu(Value(x.data, (x,), (2.0,))),  # this is an error, since the node was made by hand
    ],
    ids=["relu", "maximum", "times a Value", "times a number", "where", "where of a number", "made by hand"],
)
def test_grad_agrees_with_gradients_where_a_local_derivative_of_0_meets_an_infinite_one(f):
    def outcome(derivative):
        try:
            return repr(float(derivative()))
        except TypeError as problem:
            return str(problem)

    def by_gradients():
        x = Value(0.0)
        return gradients(f(x), x)

    assert outcome(lambda: grad(f)(0.0)) == outcome(by_gradients)


def changed_factor(x):
    w = Value(2.0)
    y = w * x
    w.data = 3.0
    return y


def changed_sign(x):
    y = x * x
    x.data = -x.data
    return y


def changed_behind_a_slope_of_zero(x):
    square = x * x
    y = where(0.0, square, x + 2.0)
    square.data = 7.0
    return y


@pytest.mark.parametrize("f, at", [(changed_factor, 0.0), (changed_sign, 2.0), (changed_behind_a_slope_of_zero, 0.0)])
def test_grad_notices_changed_data_wherever_gradients_does(f, at):
    def outcome(derivative):
        try:
            return float(derivative())
        except ValueError as problem:
            return str(problem)

    x = Value(at)
    y = f(x)
    assert outcome(lambda: grad(f)(at)) == outcome(lambda: gradients(y, x))


def test_a_copy_of_a_variable_is_no_variable_of_later_derivatives():
    kept = []
    grad(lambda x: (kept.append(copy.deepcopy(x)), x * x)[1])(3.0)
    assert type(grad(lambda x: x * kept[0])(1.0)) is float


# --- the textbook itself


def test_backward_does_not_visit_nodes_that_only_frozen_nodes_are_made_of():
    for backward in (Value.backward, graph.backpropagate):
        a, calls = Value(1.0), []
        inner = a * 2.0
        inner._backward = lambda calls=calls: calls.append(1)
        frozen = inner * 3.0
        inner.backward()
        frozen.requires_grad = False
        backward(frozen * 4.0 + a)
        assert (calls, inner.grad) == ([1], 1.0)


# --- trees of operations on one Value: deep ones are of one depth


def tree_of_chains(seed, by_hand):
    """Leaves, and the sum of nodes each of which is made of one other, or of two; others outside the graph use them."""
    chance = random.Random(seed)
    leaves = [Value(float(chance.randint(1, 3))) for _ in range(2)]
    ways = [
        lambda a: a + 1.0,
        lambda a: 2.0 - a,
        lambda a: -a,
        lambda a: total([a]),
        lambda a: maximum(a, -1e300),
        *([lambda a: Value(a.data, (a,), (2.0,))] if by_hand else []),
    ]
    made = list(leaves)
    for _ in range(chance.choice((0, DEEP - 4, DEEP))):
        made[0] = -made[0]
    while len(made) < chance.randint(3, 40):
        a = chance.choice(made[-6:] + leaves)
        made.append(chance.choice(ways)(a) if chance.random() < 0.9 else a + chance.choice(made))
        if by_hand and chance.random() < 0.1:  # it passes its gradient on as before
            made[-1]._backward = made[-1]._chain_rule
    kept = [a * 2.0 for a in made if chance.random() < 0.4]
    for a in made:
        if chance.random() < 0.4:
            a * 2.0  # freed at once
    return leaves, total(chance.choices(made, k=4)) + made[-1], kept


@given(seed=st.integers(0, 2**32), by_hand=st.booleans())
def test_users_outside_a_tree_of_operations_on_one_value_change_no_gradient_and_no_refresh(seed, by_hand):
    seen = []
    for refresh, backward in ((Value.refresh, Value.backward), (graph.refresh, graph.backpropagate)):
        leaves, root, _kept = tree_of_chains(seed, by_hand)
        backward(root)
        seen.append(described(root))
        if not by_hand:
            for leaf in leaves:
                leaf.data += 2.0
            refresh(root)
            backward(root)
            seen.append(described(root))
    assert seen[: len(seen) // 2] == seen[len(seen) // 2 :]


# --- cost


def test_chains_with_users_outside_the_graph_cost_so_much_for_each_node():
    def cost(count):
        x = y = Value(1.0) * 2.0
        for _ in range(DEEP):
            x = y = x + 1.0
        kept = []
        for i in range(count):
            x, y = x + 1.0, y * 1.0
            if i % 2:
                kept += [x * 2.0, y * 2.0]
        return events(total([x, y, *(node.arguments[0] for node in kept)]).backward)

    assert cost(8000) < 4.4 * cost(2000)  # quadratic would be 16


@pytest.mark.slow
def test_partial_sums_with_dead_users_cost_so_much_each():
    def cost(count):
        x = Value(1.0)
        partial, partials = x * 1.0, []
        for _ in range(count):
            t = x * 1.0
            partial = partial + t * t  # t waits for its second part, which comes at once
            partial * 2.0  # this user is freed at once
            partials.append(partial)
        found = events(total(partials).backward)
        assert math.isfinite(x.grad)
        return found

    assert cost(40_000) < 4.2 * cost(10_000)  # quadratic would be 16
