"""Code that people type for micrograd's Value works, with only the import changed."""

import math

import numpy as np
import pytest

from chainrule.engine import Value, trace


def lecture_neuron():
    x1, x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
    w1, w2 = Value(-3.0, label="w1"), Value(1.0, label="w2")
    b = Value(6.8813735870195432, label="b")
    x1w1 = x1 * w1
    x2w2 = x2 * w2
    both = x1w1 + x2w2
    n = both + b
    o = n.tanh()
    return o, n, both, x1w1, x2w2, (x1, w1, x2, w2, b)


# --- construction and reading


def test_a_new_value_has_micrograd_s_attributes():
    a = Value(2.0, label="a")
    assert (a.data, a.grad, a.label, a._op, a._prev, a._children, a._local_grads) == (2.0, 0.0, "a", "", (), (), ())


def test_the_label_may_be_given_by_position():
    a = Value(3.0)
    assert Value(6.0, (a, a), "+", "b").label == "b"


def test_a_node_may_be_made_by_hand_as_in_the_lecture():
    a, b = Value(2.0), Value(3.0)
    out = Value(6.0, (a, b), "*")
    assert (out.data, out._prev, out._children, out._op) == (6.0, (a, b), (a, b), "*")


def test_the_arguments_of_a_hand_made_node_may_be_a_set():
    a, b = Value(2.0), Value(3.0)
    assert set(Value(6.0, {a, b}, "*")._prev) == {a, b}


@pytest.mark.parametrize("kind", [tuple, list])
def test_local_derivatives_may_be_given_in_the_third_place(kind):
    a, b = Value(2.0), Value(3.0)
    out = Value(6.0, (a, b), kind((3.0, 2)))
    assert out._local_grads == (3.0, 2.0)
    out.backward()
    assert (a.grad, b.grad) == (3.0, 2.0)


def test_prev_keeps_the_order_and_repeats_and_leaves_out_numbers():
    a, b = Value(2.0), Value(3.0)
    assert (a + a)._prev == (a, a)
    assert (a - b)._prev == (a, b)
    assert (a * 3)._prev == (a,)
    assert (3 - a)._prev == (a,)
    assert (a - b)._local_grads == (1.0, -1.0)
    assert (a * b)._local_grads == (3.0, 2.0)
    assert (3 - a)._local_grads == (-1.0,)


def test_op_is_the_string_that_micrograd_uses():
    a, b = Value(2.0), Value(3.0)
    made = [a + b, a * b, a**2, a**0.5, a.tanh(), a.exp(), a.relu(), a - b, a / b, a.log(), a]
    assert [v._op for v in made] == ["+", "*", "**2", "**0.5", "tanh", "exp", "ReLU", "-", "/", "log", ""]


# --- writing


def test_labels_data_and_gradients_can_be_written():
    a, b = Value(2.0), Value(3.0)
    e = a * b
    e.label = "e"
    b.data += 0.5
    e.backward()
    a.data += 0.01 * a.grad
    assert (e.label, b.data, a.data) == ("e", 3.5, 2.03)
    a.grad = 0
    e.grad = 1.0
    assert (a.grad, e.grad) == (0, 1.0)


def test_learners_may_add_attributes_to_values():
    for v in (Value(1.0), Value(1.0) * 2, Value(1.0).tanh()):
        v._vis_color = "red"
        v.m = 0.0
        v.m += 1.0
        assert (v._vis_color, v.m) == ("red", 1.0)


def test_backward_may_be_called_node_by_node():
    o, n, both, x1w1, x2w2, leaves = lecture_neuron()
    o.grad = 1.0
    o._backward()
    n._backward()
    leaves[-1]._backward()  # that of a leaf does nothing
    both._backward()
    x2w2._backward()
    x1w1._backward()
    assert [leaf.grad for leaf in leaves] == pytest.approx([-1.5, 1.0, 0.5, 0.0, 0.5], rel=1e-15)


def test_backward_runs_an_operation_that_a_learner_wrote_as_a_method():
    class MyValue(Value):
        def cube(self):
            out = MyValue(self.data**3, (self,), "cube")

            def _backward():
                self.grad += 3 * self.data**2 * out.grad

            out._backward = _backward
            return out

    a = MyValue(2.0)
    b = a * 1.0
    (b.cube() * 5).backward()
    assert (a.grad, b.cube()._op) == (60.0, "cube")


def test_backward_runs_the_operation_that_the_video_writes_by_hand():
    def tanh(self):
        t = (math.exp(2 * self.data) - 1) / (math.exp(2 * self.data) + 1)
        out = Value(t, (self,), "tanh")

        def _backward():
            self.grad += (1 - t**2) * out.grad

        out._backward = _backward
        return out

    a = Value(0.5)
    tanh(tanh(a) * 2 + a).backward()
    mine = a.grad
    a.grad = 0
    (a.tanh() * 2 + a).tanh().backward()
    assert mine == pytest.approx(a.grad, rel=1e-14)


# --- operators

NUMBERS = [3.0, 3, np.float64(3), np.float32(3), np.int64(3), np.int8(3), np.array(3.0)]


@pytest.mark.parametrize("three", NUMBERS, ids=lambda n: type(n).__name__)
def test_operators_take_numbers_of_every_kind_on_either_side(three):
    a = Value(2.0)
    made = [a + three, three + a, a - three, three - a, a * three, three * a, a / three, three / a, a**three, three**a]
    assert all(type(v) is Value and type(v.data) is float and v._prev == (a,) for v in made)
    assert [v.data for v in made] == [5.0, 5.0, -1.0, 1.0, 6.0, 6.0, 2 / 3, 1.5, 8.0, 9.0]


def test_operators_take_values_on_both_sides():
    a, b = Value(2.0), Value(3.0)
    assert [v.data for v in (a + b, a - b, a * b, a / b, a**b, -a, +a)] == [5.0, -1.0, 6.0, 2 / 3, 8.0, -2.0, 2.0]


def test_augmented_assignment_makes_a_new_node():
    a, b = Value(2.0), Value(3.0)
    c = before = a + b
    c += c + 1
    assert c is not before and before.data == 5.0 and c.data == 11.0
    c -= 1
    c *= 2
    c /= 4
    c **= 2
    c.backward()
    assert (c.data, a.grad) == (25.0, 2 * 5.0 * (2 * 2 / 4))


def test_exponents_may_be_values():
    a, b = Value(2.0), Value(3.0)
    (a**b).backward()
    assert (a.grad, b.grad) == (12.0, 8.0 * math.log(2.0))
    c = Value(3.0)
    (2**c).backward()
    assert c.grad == 8.0 * math.log(2.0)


def test_sum_of_python_adds_values():
    values = [Value(1.0), Value(2.0), Value(3.0)]
    total = sum(v * 2 for v in values)
    total.backward()
    assert total.data == 12.0 and [v.grad for v in values] == [2.0, 2.0, 2.0]
    bias = Value(10.0)
    assert sum((v * v for v in values), bias).data == 24.0
    assert sum([], bias) is bias


@pytest.mark.parametrize(
    "name, expected",
    [("tanh", math.tanh(0.7)), ("exp", math.exp(0.7)), ("log", math.log(0.7)), ("relu", 0.7),
     ("sigmoid", 1 / (1 + math.exp(-0.7)))],
)  # fmt: skip
def test_methods_compute_their_functions(name, expected):
    assert getattr(Value(0.7), name)().data == pytest.approx(expected, rel=1e-15)


def test_backward_is_a_method_and_returns_nothing():
    assert Value(2.0).backward() is None
    assert (Value(2.0) * 2).backward() is None


# --- showing, comparing


def test_repr_always_shows_floats():
    assert repr(Value(2)) == "Value(data=2.0, grad=0.0)"
    a = Value(np.float64(2.5))
    a.grad = 0
    assert repr(a) == "Value(data=2.5, grad=0.0)"
    a.data, a.grad = np.float64(1.5), np.float32(0.5)
    assert repr(a) == "Value(data=1.5, grad=0.5)"
    assert str(a) == repr(a)


def test_format_formats_the_data():
    assert f"{Value(2.0):.3f}" == "2.000"
    assert f"{Value(2.0):>8.2f}|" == "    2.00|"
    assert f"{Value(2.0)}" == "Value(data=2.0, grad=0.0)"
    assert "%.4f" % Value(0.5) == "0.5000"  # noqa: UP031 - people type it


def test_values_hash_by_identity_and_ids_are_stable():
    a, b = Value(2.0), Value(2.0)
    assert a != b and a == a and len({a, b, a}) == 2 and {a: 1, b: 2}[b] == 2
    c = a * b
    assert id(c._prev[0]) == id(a) == id(c._prev[0])


def test_comparisons_read_the_data():
    a, b = Value(2.0), Value(3.0)
    assert a < b and a <= 2 and b > 2.5 and b >= a and not a > b
    assert max([a, b]) is b and sorted([b, a]) == [a, b]


# --- walks over the graph (the tests of draw_dot are in tests/viz)


def test_trace_gives_nodes_and_edges_as_sets():
    a = Value(2.0)
    b = a + a
    c = b * a
    nodes, edges = trace(c)
    assert nodes == {a, b, c} and edges == {(a, b), (b, c), (a, c)}
    assert isinstance(nodes, set) and isinstance(edges, set)


def test_a_walk_that_people_write_themselves_works():
    o = lecture_neuron()[0]
    topo, visited = [], set()

    def build_topo(v):
        if v not in visited:
            visited.add(v)
            for child in v._prev:
                build_topo(child)
            topo.append(v)

    build_topo(o)
    o.grad = 1.0
    for node in reversed(topo):
        node._backward()
    assert [v.grad for v in topo if v.label == "x1"] == pytest.approx([-1.5], rel=1e-15)


# --- numbers that micrograd's README and its lecture print


def readme_expression():
    a, b = Value(-4.0), Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    return a, b, g


def test_the_expression_of_micrograd_s_readme_gives_its_numbers():
    a, b, g = readme_expression()
    assert f"{g.data:.4f}" == "24.7041"
    g.backward()
    assert (f"{a.grad:.4f}", f"{b.grad:.4f}") == ("138.8338", "645.5773")
    assert repr(g).startswith("Value(data=24.7040816326530")
    assert "grad=138.83381924" in repr(a)


def test_the_neuron_of_the_lecture_gives_its_numbers():
    o, _, _, _, _, leaves = lecture_neuron()
    o.backward()
    assert f"{o.data:.4f}" == "0.7071"
    # The last digits depend on the last one of tanh, which is right within 2 units.
    assert [leaf.grad for leaf in leaves] == pytest.approx([-1.5, 1.0, 0.5, 0.0, 0.5], rel=5e-16, abs=0.0)


def test_the_neuron_of_the_lecture_with_tanh_written_in_exponentials_gives_its_numbers():
    o, n, *_, leaves = lecture_neuron()
    e = (2 * n).exp()
    apart = (e - 1) / (e + 1)
    apart.backward()
    assert apart.data == pytest.approx(o.data, rel=1e-15)
    assert [leaf.grad for leaf in leaves] == pytest.approx([-1.5, 1.0, 0.5, 0.0, 0.5], rel=1e-14)


def test_softmax_and_negative_log_likelihood_give_the_numbers_of_the_exercise():
    logits = [Value(0.0), Value(3.0), Value(-2.0), Value(1.0)]
    counts = [logit.exp() for logit in logits]
    denominator = sum(counts)
    probabilities = [count / denominator for count in counts]
    loss = -probabilities[3].log()
    loss.backward()
    golden = [0.041772570515350445, 0.8390245074625319, 0.005653302662216329, -0.8864503806400986]
    assert [logit.grad for logit in logits] == pytest.approx(golden, rel=1e-14)
    assert loss.data == pytest.approx(2.1755153626167147, rel=1e-15)


def test_a_second_backward_adds_to_the_leaves_and_is_not_wrong_inside():
    a = Value(3.0)
    b = a + a
    b.backward()
    b.backward()
    assert (a.grad, b.grad) == (4.0, 1.0)


@pytest.mark.parametrize("name", ["exp", "tanh", "sigmoid", "relu", "log"])
def test_no_method_overflows(name):
    for number in (1000.0, 1e308) if name == "log" else (1000.0, -1000.0, 1e308, -1e308):
        x = Value(number)
        y = getattr(x, name)()
        y.backward()
        assert not math.isnan(y.data) and not math.isnan(x.grad)


# --- arrays of Values


def test_numpy_goes_through_arrays_of_values():
    W = np.array([[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]])
    x = np.array([Value(0.5), Value(-1.0)])
    assert [v.data for v in W @ x] == [-1.5, -2.5]
    assert [v.data for v in np.exp(x)] == [math.exp(0.5), math.exp(-1.0)]
    assert [v.data for v in np.array([1.0, 2.0]) * x] == [0.5, -2.0]
    assert [v.data for v in np.array([1.0, 2.0]) * Value(3.0)] == [3.0, 6.0]
    assert [v.data for v in Value(3.0) * np.array([1.0, 2.0])] == [3.0, 6.0]
    assert [v.data for v in Value(3.0) - np.array([1.0, 2.0])] == [2.0, 1.0]
    assert [v.data for v in x**2] == [0.25, 1.0]
    assert np.sum(x).data == -0.5 and x.mean().data == -0.25
    loss = ((W @ x) ** 2).sum()
    loss.backward()
    assert x[0].grad == 2 * -1.5 * 1.0 + 2 * -2.5 * 3.0
