"""Fused sums: whoever looks at a neuron's sum finds the graph that + and * make, and nothing else differs."""

import copy
import operator
import pickle
import random
import sys
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import engine
from chainrule.engine import Value, no_grad
from chainrule.engine.fast.neurons import FusedSum, SharedInputs, weighted_sum
from chainrule.engine.graph import topological_order
from chainrule.nn import MLP, Layer, Neuron

EPS = sys.float_info.epsilon


def by_operators(weights, inputs, start):
    return sum(map(operator.mul, weights, inputs), start)


def is_folded(node):
    return isinstance(node._right, FusedSum)


def network(seed, sum_of):
    """A random network with every kind of argument that a sum can have; its root, and nodes of all kinds."""
    chance = random.Random(seed)
    leaves = [Value(chance.uniform(-1, 1)) for _ in range(3)]
    nodes = [*leaves, leaves[0] * leaves[1]]
    layer = [*leaves, *(chance.uniform(-1, 1) for _ in range(2))]
    for _ in range(chance.randint(1, 4)):
        outputs, neurons = [], chance.randint(1, 4)
        inputs = SharedInputs(layer)  # by_operators gets them, too
        for _ in range(neurons):
            weights = [Value(chance.uniform(-1, 1), requires_grad=chance.random() < 0.95) for _ in layer]
            if chance.random() < 0.1:
                weights[0] = chance.choice(nodes)
            if chance.random() < 0.1:
                weights[-1] = weights[0]
            start = Value(chance.uniform(-1, 1)) if chance.random() < 0.9 else chance.choice(nodes)
            total = sum_of(weights, inputs if chance.random() < 0.9 else SharedInputs(inputs), start)
            nodes += [w for w in weights if w not in nodes]
            nodes += [start] * (start not in nodes) + [total]
            outputs.append(total.tanh() if chance.random() < 0.7 else total)
            nodes += outputs[-1:] * (outputs[-1] is not total)
        layer = [chance.choice([*outputs, *nodes, 0.5]) if chance.random() < 0.2 else output for output in outputs]
        layer += [chance.choice(outputs)] * chance.randint(0, 1)
    root = sum((v * v if chance.random() < 0.5 else v for v in layer), 0.0)
    if not isinstance(root, Value) or not root.requires_grad:
        root = root + leaves[0] * nodes[-1]
    others = [chance.choice(nodes) * chance.choice(nodes) for _ in range(chance.randint(0, 2))]  # outside the graph
    return root, nodes, others


def described(root):
    order = topological_order(root)
    place = {id(node): i for i, node in enumerate(order)}
    return [
        (v.data, v.operation, v.requires_grad, v.label,
         [(a if type(a) is float else place[id(a)], slope + 0.0) for a, slope in v._edges])
        for v in order
    ], [v.grad for v in order]  # fmt: skip


@given(seed=st.integers(0, 2**32), backwards=st.integers(0, 2), looks=st.lists(st.integers(0, 999), max_size=4))
def test_a_folded_graph_is_the_graph_that_the_operators_make(seed, backwards, looks):
    (folded, nodes, others), (plain, _, kept) = network(seed, weighted_sum), network(seed, by_operators)
    for _ in range(backwards):
        for look in looks:
            nodes[look % len(nodes)].arguments  # noqa: B018  unfolds it
        folded.backward()
        plain.backward()
    assert all(node.grad == 0.0 for node in [*others, *kept])
    (found, slopes), (expected, wanted) = described(folded), described(plain)
    assert found == expected
    largest = max(map(abs, wanted))
    assert slopes == pytest.approx(wanted, rel=1e-12, abs=EPS * len(wanted) * largest)


def test_the_chain_rule_may_be_run_by_hand_node_by_node():
    neuron = Neuron(1, nonlin=False, rng=0)
    y = neuron([2.0])
    y.grad = 1.0
    y._backward()
    total, product = y._prev
    assert (total, total.grad, product.grad) == (neuron.b, 1.0, 1.0)
    product._backward()
    assert neuron.w[0].grad == 2.0


def test_products_keep_the_gradient_of_the_last_backward():
    y = Neuron(2, nonlin=False, rng=0)([2.0, 3.0])
    y.backward()
    y.grad = 0.0
    assert [v.grad for v in y._prev] == [1.0, 1.0]


def test_looking_at_a_sum_while_a_function_is_traced_changes_nothing():
    neuron = Neuron(1, nonlin=False, rng=0)
    neuron.w[0].data, x = 2.0, Value(5.0)
    y = neuron([x])

    def f(t):
        assert len(y.arguments) == 2
        return y * t

    program = engine.compile(f, params=[x])
    assert program.value_and_grad([1.0])[1].tolist() == [2.0]
    y.backward()
    assert x.grad == 2.0


def of_class(layer, kind):
    for neuron in layer.neurons:
        for p in (*neuron.w, neuron.b):
            p.__class__ = kind


def activated_by_a_function(layer, change_x):
    for neuron in layer.neurons:
        neuron.activation = change_x


def activated_by_an_object_without_a_hash(layer, change_x):
    own = type("Own", (), {"__call__": lambda self, total: change_x(total), "__eq__": lambda self, other: True})
    activated_by_a_function(layer, own())


def activated_by_a_registered_row(layer, change_x):
    engine.register(engine.Op(name="turning", forward=change_x, partials=(lambda out, a: 1.0,), numpy="{}"))
    for neuron in layer.neurons:
        neuron.activation = "turning"


def activated_by_a_method(layer, change_x):
    of_class(layer, type("Own", (Value,), {"relu": lambda self: change_x(Value.relu(self))}))


def labelled_by_a_property(layer, change_x):
    of_class(layer, type("Own", (Value,), {"label": property(lambda self: "", lambda self, label: change_x())}))


def weights_listed_in_a_way_of_their_own(layer, change_x):
    own = type("Own", (list,), {"__iter__": lambda self: change_x(list.__iter__(self))})
    for neuron in layer.neurons:
        neuron.w = own(neuron.w)


@pytest.mark.parametrize(
    "runs_users_code, first",
    [
        (activated_by_a_function, 1.0),
        (activated_by_an_object_without_a_hash, 1.0),
        (activated_by_a_registered_row, 1.0),
        (activated_by_a_method, 1.0),
        (labelled_by_a_property, 1.0),
        (weights_listed_in_a_way_of_their_own, 2.0),
    ],
)
def test_each_neuron_reads_its_inputs_when_it_runs(runs_users_code, first):
    layer, x = Layer(1, 3, rng=0), Value(1.0)
    for neuron in layer.neurons:
        neuron.w[0].data = 1.0

    def change_x(given=0.0):
        x.data += 1.0
        return given

    runs_users_code(layer, change_x)
    x.__class__, x.data = layer.neurons[0].b.__class__, 1.0
    try:
        assert [y.data for y in layer([x])] == [first, first + 1.0, first + 2.0]
    finally:
        if "turning" in engine.OPS:
            engine.unregister(engine.OPS["turning"])


@pytest.mark.parametrize("looked_at", range(16))
def test_gradients_are_right_although_sums_are_looked_at_while_backward_runs(looked_at):
    x, layer = Value(1.0), Layer(1, 4, nonlin=False, rng=0)
    h = x * 1.0
    for i, neuron in enumerate(layer.neurons):
        neuron.w[0].data = 10.0**i
    sums = layer([h])
    a, b, c, d = sums
    s = c * 1.0
    s._backward = lambda: (s._chain_rule(), [y.arguments for i, y in enumerate(sums) if looked_at >> i & 1])
    (d + (s + (a + (b + h * h)))).backward()
    assert (h.grad, x.grad) == (1113.0, 1113.0)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_neuron_of_a_users_class_may_change_the_inputs(when):
    class Louder(Neuron):
        def __call__(self, x):
            x[0].data += when == "before"
            y = super().__call__(x)
            x[0].data += when == "after"
            return y

    layer = Layer(1, 3, nonlin=False, rng=0)
    layer.neurons[1].__class__ = Louder
    x, expected = Value(1.0), [1.0, 2.0, 2.0] if when == "before" else [1.0, 1.0, 2.0]
    assert [y.data / neuron.w[0].data for y, neuron in zip(layer([x]), layer.neurons)] == pytest.approx(expected)


@pytest.mark.parametrize("frozen", [lambda n: n.w, lambda n: [n.b], lambda n: [n.w[0]], lambda n: []],
                         ids=["weights", "bias", "a weight", "nothing"])  # fmt: skip
@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("inputs", [lambda a, h: [a, h, 0.5], lambda a, h: [h, h, a], lambda a, h: [2.0, 1, 0.5]],
                         ids=["both", "twice", "numbers"])  # fmt: skip
def test_a_layer_gives_what_the_operators_give(frozen, which, inputs):
    layer, seen = Layer(3, 3, nonlin=False, rng=0), []
    for p in frozen(layer.neurons[which]):
        p.requires_grad = False
    for call in (layer, lambda x: [by_operators(n.w, x, n.b) for n in layer.neurons]):
        a = Value(2.0)
        h = a * 3.0
        outputs = call(inputs(a, h))
        (outputs[0] * outputs[1]).backward()
        seen.append(([y.data for y in outputs], a.grad, [p.grad for p in layer.parameters()]))
        layer.zero_grad()
    assert seen[0] == seen[1]


class Louder(Value):
    """Its operators change an input."""

    x = Value(0.0)

    def __add__(self, other):
        Louder.x.data += 1.0
        return super().__add__(other)

    def __mul__(self, other):
        Louder.x.data += 1.0
        return super().__mul__(other)


@pytest.mark.parametrize("mine", [lambda n: [n.b], lambda n: n.w, lambda n: [n.b, *n.w]], ids=["b", "w", "both"])
def test_a_neuron_sees_the_input_that_users_code_in_the_one_before_changed(mine):
    layer, Louder.x = Layer(1, 3, nonlin=False, rng=0), Value(1.0)
    for p in mine(layer.neurons[1]):
        p.__class__ = Louder
    together = [y.data for y in layer([Louder.x])]
    Louder.x.data = 1.0
    assert together == [neuron([Louder.x]).data for neuron in layer.neurons]


def test_an_interrupt_anywhere_in_a_layer_leaves_inputs_that_get_right_gradients():
    class Stop(BaseException):
        pass

    layer = Layer(2, 3, nonlin=False, rng=0)
    for after in range(200):
        a, b = Value(2.0), Value(3.0)
        lines = iter(range(after))

        def trace(frame, event, argument, lines=lines):
            if frame.f_code.co_filename.endswith("neurons.py") and next(lines, None) is None:
                sys.settrace(None)
                raise Stop
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            layer([a, b])
        except Stop:
            pass
        else:
            break
        finally:
            sys.settrace(before)
        for _ in range(2):
            (a * b).backward()
        assert (a.grad, b.grad) == (6.0, 4.0), after
    assert 50 < after < 199


def test_a_layer_that_fails_half_way_leaves_inputs_that_get_right_gradients():
    layer, a = Layer(1, 3, nonlin=False, rng=0), Value(2.0)
    h = a * 3.0
    layer.neurons[1].w *= 2
    with pytest.raises(ValueError, match="weights"):
        layer([h])
    y = h * h
    y.backward()
    assert (h.grad, a.grad) == (12.0, 36.0)


def test_a_layer_called_inside_no_grad_gives_the_same_numbers_and_disturbs_no_later_call():
    layer, a = Layer(1, 2, nonlin=False, rng=0), Value(2.0)
    h = a * 3.0
    with no_grad():
        quiet = layer([h])
    loud = layer([h])
    assert [y.data for y in quiet] == [y.data for y in loud]
    (loud[0] + loud[1]).backward()
    assert a.grad == pytest.approx(3.0 * sum(n.w[0].data for n in layer.neurons))


def test_gradients_are_right_where_only_one_output_of_a_layer_is_used():
    layer, a = Layer(2, 3, nonlin=False, rng=0), Value(2.0)
    h = a * 3.0
    first, *_ = layer([h, a])
    first.backward()
    w = layer.neurons[0].w
    assert (h.grad, a.grad) == (w[0].data, 3.0 * w[0].data + w[1].data)


def test_data_that_are_arrays_are_not_changed_in_place():
    neuron = Neuron(2, nonlin=False, rng=0)
    neuron.b.data, neuron.w[0].data, neuron.w[1].data = np.array(0.0), 1.0, 1.0
    assert [float(neuron([1.0, 1.0]).data) for _ in range(2)] == [2.0, 2.0] and neuron.b.data == 0.0
    y = neuron([1.0, 1.0])
    assert [float(v.data) for v in (*y.arguments, y)] == [1.0, 1.0, 2.0]


def test_a_class_that_stores_numbers_in_its_own_way_is_not_folded():
    class Rounded(Value):
        data = property(Value.data.__get__, lambda self, number: Value.data.__set__(self, round(number, 1)))

    y = weighted_sum([Rounded(0.2) for _ in range(3)], [Rounded(0.2)] * 3, Rounded(1.0))
    assert y.data == 1.0 and not is_folded(y)


def test_sums_of_whole_numbers_are_fused_too():
    y = Neuron(2, nonlin=False, rng=0)([1, 2])
    assert is_folded(y) and type(y.arguments[1].arguments[1]) is float


@pytest.mark.parametrize("which", [0, 1])
def test_a_leaf_with_a_backward_by_hand_waits_for_what_is_below_a_shared_node(which):
    w, b, x = Value(2.0), Value(1.0), Value(3.0)
    h = weighted_sum([w], [x], b) * 1.0
    y, other = weighted_sum([w], [h], b), h * 5.0  # other is outside the graph
    seen, node = [], [w, b][which]
    node._backward = lambda: seen.append(node.grad)
    y.backward()
    assert seen == [[13.0], [3.0]][which] and other.grad == 0.0


def test_users_outside_the_graph_do_not_unfold_a_sum():
    w, b, x = Value(2.0), Value(1.0), Value(3.0)
    total = weighted_sum([w], [x], b)
    h = total * 1.0
    other = h * 5.0
    (h * 2.0).backward()
    assert is_folded(total) and (w.grad, b.grad, x.grad, other.grad) == (6.0, 2.0, 4.0, 0.0)


def test_sums_that_are_not_looked_at_stay_fused():
    model = MLP(3, [4, 4, 2], rng=0)
    first, second, last = model.layers
    hidden = first([1.0, -2.0, 0.5])
    deeper = second(hidden)
    outputs = last(deeper)
    loss = outputs[0] * outputs[1]
    loss.backward()
    assert all(map(is_folded, outputs)) and all(is_folded(h._left) for h in [*hidden, *deeper])
    order = topological_order(loss)
    assert not any(map(is_folded, order))
    assert len(order) == 3 * 4 * 2 + 4 * 4 * 2 + 4 * 2 * 2 + len(model.parameters()) + 8 + 1  # with 8 ReLUs


def test_products_have_the_numbers_of_the_forward_pass():
    w, b, x = Value(2.0), Value(1.0), Value(3.0)
    y = weighted_sum([w], [x], b)
    w.data, b.data, x.data = 5.0, 6.0, 7.0
    y.backward()
    assert (w.grad, x.grad, b.grad) == (3.0, 2.0, 1.0)
    _, product = y.arguments
    assert (product.data, product._local_grads, y.data) == (6.0, (3.0, 2.0), 7.0)
    y.refresh()
    assert (product.data, y.data) == (35.0, 41.0)


def test_a_refresh_that_fails_leaves_fused_sums_as_they_were():
    w, b, x = Value(2.0), Value(1.0), Value(3.0)
    y = weighted_sum([w], [x], b)
    loss = y.log()
    w.data, x.data = 5.0, -7.0
    with pytest.raises(engine.DomainError):
        loss.refresh()
    assert is_folded(y) and y.data == 7.0
    loss.backward()
    assert (w.grad, x.grad) == (3.0 / 7.0, 2.0 / 7.0)


def test_a_refresh_keeps_sums_apart_that_share_a_bias():
    w, v, b, x = Value(2.0), Value(3.0), Value(1.0), Value(3.0)
    frozen = weighted_sum([v], [3.0], b)
    y = weighted_sum([w], [x], b) * frozen * weighted_sum([w], [2.0], b)
    b.data, v.requires_grad = 5.0, False
    y.refresh()
    assert [argument.requires_grad for argument in frozen.arguments] == [True, False]
    assert y.data == (6.0 + 5.0) * (9.0 + 5.0) * (4.0 + 5.0)
    y.backward()
    assert (v.grad, w.grad) == (0.0, 3.0 * 14.0 * 9.0 + 2.0 * 11.0 * 14.0)


@pytest.mark.parametrize("which", ["weight", "bias"])
def test_a_refresh_refuses_a_parameter_that_got_a_backward_of_its_own_after_the_sum_was_made(which):
    w, b = Value(2.0, label="weight"), Value(1.0, label="bias")
    y = weighted_sum([w], [3.0], b)
    (w if which == "weight" else b)._backward = lambda: None
    with pytest.raises(TypeError, match=f"cannot refresh {which}: it has a hand-written _backward"):
        y.refresh()


def test_a_refresh_takes_the_weights_of_each_sum_where_a_bias_is_shared():
    w, v, b = Value(2.0), Value(3.0), Value(1.0)
    y = weighted_sum([w], [3.0], b) * weighted_sum([v], [3.0], b) * weighted_sum([v, w], [3.0, 1.0], b)
    w.data, v.data, b.data = 5.0, 7.0, 2.0
    y.refresh()
    assert y.data == (15.0 + 2.0) * (21.0 + 2.0) * (21.0 + 5.0 + 2.0)
    y.backward()
    assert v.grad == 17.0 * 3.0 * 28.0 + 17.0 * 23.0 * 3.0


def test_a_weight_that_is_frozen_after_the_forward_pass_gets_no_gradient():
    w, v, b, x = Value(2.0), Value(3.0), Value(1.0), Value(3.0)
    y = weighted_sum([w, v], [x, x], b)
    w.requires_grad = b.requires_grad = False
    y.backward()
    assert (w.grad, b.grad, v.grad, x.grad) == (0.0, 0.0, 3.0, 5.0)


def test_a_backward_by_hand_runs_at_weights_inputs_and_the_sum():
    for which in range(4):
        w, b, x = Value(2.0), Value(1.0), Value(3.0)
        h = x * 1.0
        y = weighted_sum([w], [h], b)
        seen, node = [], [w, b, h, y][which]
        node._backward = lambda node=node, seen=seen: seen.append(node.grad)
        (y * 2.0).backward()
        assert seen == [[6.0], [2.0], [4.0], [2.0]][which]


def test_copies_and_pickles_of_a_fused_sum_have_all_nodes():
    neuron = Neuron(2, rng=0)
    y = neuron([Value(1.0), 2.0])
    expected = described(y)
    for twin in (copy.deepcopy(neuron([Value(1.0), 2.0])), pickle.loads(pickle.dumps(neuron([Value(1.0), 2.0])))):
        assert repr(described(twin)) == repr(expected)


@pytest.fixture
def threads_take_turns_quickly():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("threads_take_turns_quickly")
def test_threads_that_look_at_the_same_sum_see_the_same_nodes():
    for _ in range(50):
        y = weighted_sum([Value(1.0) for _ in range(50)], [2.0] * 50, Value(0.0))
        seen, start = [], threading.Barrier(4)

        def look(y=y, seen=seen, start=start):
            start.wait()
            seen.append(y.arguments)

        threads = [threading.Thread(target=look) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(seen) == 4 and all(each[1] is seen[0][1] for each in seen)


def test_derivatives_of_any_order_pass_through_fused_sums():
    w, b, x = Value(2.0, label="w"), Value(1.0), Value(3.0)
    y = weighted_sum([w, w], [x, 1.0], b) ** 2
    [slope] = engine.gradients(y, [w])
    [curvature] = engine.gradients(slope, [w])
    assert (slope.data, curvature.data) == (2 * 9.0 * 4.0, 2 * 16.0)


class Loud(Value):
    pass


@pytest.mark.parametrize("start", [Value(1.0), Value(1.0, requires_grad=False), Value(0.1) * 10.0, Loud(1.0), 1.0])
@pytest.mark.parametrize("weight", [Value(0.3), Value(0.3, requires_grad=False), Value(0.1) * 3.0, Loud(0.3), 0.3])
@pytest.mark.parametrize("x", [Value(0.7), 0.7, 7, np.float64(0.7), True, Loud(0.7)], ids=repr)
def test_without_recording_a_sum_has_no_graph(start, weight, x):
    with no_grad():
        y, expected = (f([weight, Value(0.2)], [x, 0.1], start) for f in (weighted_sum, by_operators))
    assert type(y) is type(expected) and (y.data, y.arguments, y.requires_grad) == (expected.data, (), False)


@pytest.mark.slow
def test_a_graph_may_be_a_hundred_thousand_neurons_deep():
    x, neuron = Value(0.5), Neuron(1, nonlin=False, rng=0)
    neuron.w[0].data, neuron.b.data = 1.0, 0.0
    y = x
    for _ in range(100_000):
        y = neuron(y)
    y.backward()
    assert (x.grad, neuron.b.grad) == (1.0, 100_000.0)
    del y
