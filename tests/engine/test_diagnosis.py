"""diagnose: each usual mistake is made here and named, and nothing is said of a healthy training."""

import copy
import math
import pickle
import random

import numpy as np
import pytest
from graphs import random_graph
from hypothesis import given
from hypothesis import strategies as st

from chainrule import nn
from chainrule.engine import DomainError, Value, diagnose, exp, log, no_grad, sigmoid, topological_order


def kinds(report):
    return [finding.kind for finding in report.findings]


def examples(count, features=3, seed=0):
    chance = random.Random(seed)
    rows = [[chance.gauss(0.0, 1.0) for _ in range(features)] for _ in range(count)]
    return rows, [chance.choice((-1.0, 1.0)) for _ in range(count)]


def mean_loss(model, rows, targets):
    losses = [nn.mse(model(row), target) for row, target in zip(rows, targets)]
    return sum(losses, Value(0.0)) / len(losses)


# --- mistakes


def test_data_changed_after_the_forward_pass():
    w = Value(2.0, label="w")
    loss = (w * 3.0) ** 2
    loss.backward()
    w.data -= 0.5
    report = diagnose(loss, [w])
    assert kinds(report) == ["data changed after the forward pass"] and not report
    changed = "was 6.0 at the forward pass, now w * 3.0 with w = 1.5 is 4.5: data changed in between; call y.refresh()"
    assert f"{changed}; an optimiser's step does that, but before" in str(report)
    loss.refresh()
    w.grad = 0.0
    loss.backward()
    assert diagnose(loss, [w])


def test_data_changed_to_where_the_function_has_no_value():
    p = Value(2.0, label="p")
    loss = log(p) + 1.0
    loss.backward()
    p.data = -1.0
    report = diagnose(loss, [p])
    assert kinds(report)[0] == "data changed after the forward pass"
    assert "log(p) with p = -1.0 has no real value: data changed in between; call y.refresh(); " in str(report)


def test_only_the_first_change_is_reported():
    w = Value(2.0, label="w")
    loss = w
    for _ in range(10):
        loss = loss * 2.0
    loss.backward()
    w.data = 3.0
    assert kinds(diagnose(loss, [w])) == ["data changed after the forward pass"]


def test_gradients_left_over():
    w, b = Value(2.0, label="w"), Value(1.0, label="b")
    for _ in range(2):
        loss = (w * 3.0 + b) ** 2
        loss.backward()
    [finding] = diagnose(loss, {"weight": w, "bias": b}).findings
    assert finding.kind == "gradients left over"
    assert finding.sentence.startswith("weight.grad is 84 (this loss gives 42), bias.grad is 28 (this loss gives 14); ")
    assert "set them to 0 before backward(): model.zero_grad()" in finding.sentence


def test_gradients_left_over_in_one_of_many_parameters():
    model = nn.MLP(2, [3, 1], activation="tanh", rng=0)
    model.parameters()[4].grad = 0.25
    loss = nn.mse(model([0.5, -0.5]), 1.0)
    loss.backward()
    [finding] = diagnose(loss, model).findings
    assert finding.kind == "gradients left over" and finding.sentence.startswith("w1_22.grad is ")
    model.zero_grad()
    loss.backward()
    assert diagnose(loss, model)


@pytest.mark.parametrize(
    "lose",
    [lambda b: math.exp(b), lambda b: float(b), lambda b: b.data, lambda b: int(b), lambda b: Value(b.data)],
    ids=["math.exp", "float", "data", "int", "Value(data)"],
)
def test_parameters_that_the_loss_does_not_depend_on(lose):
    w, b = Value(0.5, label="w"), Value(1.0, label="b")
    loss = (w * 2.0 + lose(b)) ** 2
    loss.backward()
    [finding] = diagnose(loss, [w, b]).findings
    assert finding.kind == "unreached parameter"
    said = "the loss does not depend on b; was it made a plain number, by float(), int(), .data or math?"
    noted = "data" not in lose.__code__.co_names  # who writes .data knows that it is a number
    line = f" The number was read of b in {__file__}:{lose.__code__.co_firstlineno}"
    assert finding.sentence == said + line * noted


def line_of(function):
    return f"{__file__}:{function.__code__.co_firstlineno + 1}"


def a_function_of_math(w, b):
    return (b + math.sin(b)) * w


def a_function_of_math_of_a_short_expression(w, b):
    return b * w + math.sin(b * 2.0 + 1.0)


def an_array_of_floats(w, b):
    return b * w + np.array([b, 1.0], dtype=float).sum()


def a_rounded_number(w, b):
    return b * w + round(b, 2)


@pytest.mark.parametrize(
    "loss_of",
    [a_function_of_math, a_function_of_math_of_a_short_expression, an_array_of_floats, a_rounded_number],
)
def test_a_number_that_was_read_beside_a_path_that_survives_is_named_with_its_line(loss_of):
    w, b = Value(0.5, label="w"), Value(1.0, label="b")
    loss = loss_of(w, b)
    loss.backward()
    [finding] = diagnose(loss, [w, b]).findings
    assert finding.kind == "number read"
    assert finding.sentence.startswith(f"the number of b ({line_of(loss_of)}) was read; if the loss was computed from")


def test_a_node_on_the_way_whose_number_was_read_is_named():
    w = Value(0.5, label="w")
    h = w * 3.0
    h.label = "h"
    loss = h * h + math.exp(h)
    loss.backward()
    [finding] = diagnose(loss, [w]).findings
    assert "the number of h (" in finding.sentence


def test_printing_comparing_and_recording_are_no_mistakes(capsys):
    w, b, losses = Value(0.5, label="w"), Value(1.0, label="b"), []
    for _ in range(3):
        print(float(w), f"{b:.3f}", b)
        if float(w) < 0.0 or int(b) == 7:
            break
        small = abs(float(w)) < 1e-9
        h = w * b
        assert float(h) < 9.0 and not small
        loss = (h - 1.0) ** 2
        losses.append(float(loss))
        losses += [loss.item(), loss.data]
        w.grad = b.grad = 0.0
        loss.backward()
        assert diagnose(loss, [w, b])
        w.data -= 0.1 * w.grad


def test_a_number_that_was_read_before_the_last_update_is_no_longer_of_interest():
    w = Value(0.5, label="w")
    start = float(w)
    w.data -= 0.25
    with no_grad():
        now = math.exp(w)
    loss = w * 2.0
    loss.backward()
    assert diagnose(loss, [w]) and start != now


def test_a_copy_of_a_value_was_not_read():
    w = Value(0.5, label="w")
    twins = [math.exp(w) and copy.deepcopy(w), pickle.loads(pickle.dumps(w))]
    for twin in twins:
        assert "_reads" not in vars(twin)


def test_many_unreached_parameters_are_counted():
    model = nn.MLP(2, [5, 1], rng=0)
    w = Value(1.0)
    loss = w * 2.0
    loss.backward()
    [finding] = diagnose(loss, model).findings
    assert finding.sentence.startswith("the loss does not depend on w1_11, w1_21, b1_1 and 18 more; ")


def test_a_loss_made_inside_no_grad_depends_on_no_parameter():
    w = Value(2.0, label="w")
    with no_grad():
        loss = w * 3.0
    [finding] = diagnose(loss, [w]).findings
    assert finding.kind == "no graph" and "inside no_grad()" in finding.sentence
    [finding] = diagnose(Value(3.0), [w]).findings
    assert finding.kind == "no graph" and "made a plain number" in finding.sentence
    assert diagnose(w, [w])


def test_parameters_without_labels_are_named_by_their_place_in_the_list():
    w, b = Value(0.5), Value(1.0)
    loss = w * 2.0
    loss.backward()
    assert "does not depend on parameter 1;" in str(diagnose(loss, [w, b]))


@pytest.mark.parametrize("count", [1, 2, 30])
def test_relus_that_are_all_dead(count):
    model = nn.MLP(3, [4, 1], activation="relu", rng=0)
    for neuron in model.layers[0].neurons:
        neuron.b.data = -100.0
    loss = mean_loss(model, *examples(count))
    loss.backward()
    [finding] = diagnose(loss, model).findings
    assert finding.kind == "dead"
    assert finding.sentence.startswith("4 of 4 relu neurons of layer 1 (h1_1, h1_2, h1_3 and 1 more) have ")
    assert "for every example a local derivative of 0, so that no gradient passes" in finding.sentence
    assert "if training led here, a smaller learning rate" in finding.sentence


def test_dead_relus_are_found_although_other_operations_of_one_argument_are_not_flat():
    model = nn.MLP(3, [4, 1], activation="relu", rng=0)
    for neuron in model.layers[0].neurons:
        neuron.b.data = -100.0
    loss = exp(-model([1.0, 2.0, 3.0]))
    loss.backward()
    assert kinds(diagnose(loss, model)) == ["dead"]


def test_one_dead_relu_among_others():
    model = nn.MLP(3, [4, 1], activation="relu", rng=0)
    for neuron in model.layers[0].neurons:
        neuron.b.data = 2.0
    model.layers[0].neurons[2].b.data = -100.0
    loss = mean_loss(model, *examples(30))
    loss.backward()
    [finding] = diagnose(loss, model).findings
    assert finding.kind == "dead" and finding.sentence.startswith("1 of 4 relu neurons of layer 1 (h1_3) ")


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
@pytest.mark.parametrize("count", [1, 20])
def test_saturated_units(activation, count):
    model = nn.MLP(3, [4, 1], activation=activation, rng=0)
    model.layers[0].neurons[1].b.data = 50.0
    loss = mean_loss(model, *examples(count))
    loss.backward()
    [finding] = diagnose(loss, model).findings
    assert finding.kind == "saturated"
    assert finding.sentence.startswith(f"1 of 4 {activation} neurons of layer 1 (h1_2) have ")
    assert "for every example a local derivative below 0.001; " in finding.sentence
    assert "try smaller initial weights or scaled inputs" in finding.sentence


def test_only_neurons_are_dead_or_saturated():
    """A confident classifier, a margin that is kept, and |w - 1| at its minimum are no mistakes."""
    w = Value(1.0, label="w")
    for f in (
        lambda: sigmoid(w * 17.9),
        lambda: (1.0 - w * 3.0).relu() + w * w,
        lambda: abs(w - 1.0) + w * w,
        lambda: (w - 3.0).step() * w,
    ):
        w.grad = 0.0
        loss = f()
        loss.backward()
        assert diagnose(loss, [w]), str(diagnose(loss, [w]))


def test_vanishing_gradients_by_layer():
    model = nn.MLP(3, [4] * 12 + [1], activation="sigmoid", rng=0)
    loss = mean_loss(model, *examples(5))
    loss.backward()
    [finding] = diagnose(loss, model).findings
    assert finding.kind == "vanishing gradients"
    assert " in layer 1 and " in finding.sentence and " in layer 13; try other initial weights" in finding.sentence


def test_exploding_gradients_by_layer():
    model = nn.MLP(3, [4] * 6 + [1], activation="leaky_relu", rng=0)
    for p in model.parameters():
        p.data *= 10.0
    loss = mean_loss(model, *examples(5))
    loss.backward()
    report = diagnose(loss, model)
    assert "exploding gradients" in kinds(report) and set(kinds(report)) == {"exploding gradients"}
    assert "try smaller" in str(report) and "layer 1" in str(report)


def test_gradients_that_are_huge_everywhere():
    model = nn.MLP(1, [2, 1], activation="tanh", rng=0)
    loss = nn.mse(model([1.0]), 1e9)
    loss.backward()
    report = diagnose(loss, model)
    assert "the typical gradient is huge in layer 1 (" in str(report) and "layer 2 (" in str(report)


def test_where_the_first_inf_came_from():
    w = Value(1000.0, label="w")
    big = exp(w)
    big.label = "big"
    loss = big - big
    loss.backward()
    report = diagnose(loss, [w])
    assert kinds(report)[0] == "not finite"
    assert report.findings[0].sentence == "the first inf is big, which is exp(w) with w = 1000.0"


def test_where_the_first_nan_came_from():
    x = Value(math.nan, label="x")
    w = Value(1.0, label="w")
    loss = (w * x).tanh() + 1.0
    loss.backward()
    assert "not finite: the first nan is x, which was so from the start" in str(diagnose(loss, [w]))
    infinite = Value(math.inf, label="y") * w
    loss = (infinite - infinite).tanh()
    loss.backward()
    assert "not finite: the first inf is y, which was so from the start" in str(diagnose(loss, [w]))


def test_where_a_gradient_that_is_not_finite_starts():
    w = Value(0.0, label="w")
    inner = (w * 2.0) * 1.0
    inner.label = "inner"
    loss = inner.sqrt() * 3.0
    loss.backward()
    [finding] = diagnose(loss, [w]).findings
    assert finding.kind == "gradient not finite"
    passed = "the local derivative inf times the gradient 3.0"
    assert finding.sentence == f"it starts where inner gets {passed} from sqrt(inner) with inner = 0.0"


def test_an_infinite_local_derivative_that_reaches_no_parameter_is_no_mistake():
    w, x = Value(2.0, label="w"), Value(0.0, label="x")
    loss = w * 3.0 + x.detach().sqrt()
    loss.backward()
    assert diagnose(loss, [w])


def test_backward_not_run_yet():
    model = nn.MLP(2, [3, 1], activation="tanh", rng=0)
    loss = nn.mse(model([0.5, -0.5]), 1.0)
    report = diagnose(loss, model)
    assert [str(finding) for finding in report.findings] == [
        "backward not run: the loss has no gradient yet; call loss.backward()"
    ]
    loss.backward()
    assert diagnose(loss, model)


def test_several_mistakes_are_all_reported():
    w, b, u = Value(40.0, label="w"), Value(1.0, label="b"), Value(3.0, label="u")
    squashed = (w + 0.0).tanh()
    squashed.unit = ("", "h")
    loss = squashed + u
    loss.backward()
    u.grad += 1.0
    report = diagnose(loss, [w, b, u])
    assert set(kinds(report)) == {"gradients left over", "unreached parameter", "saturated"}
    assert str(report).splitlines()[0] == "diagnosis of 5 values and 3 parameters: 3 found"
    assert all(line.startswith("- ") for line in str(report).splitlines()[1:])


def test_gradients_cleared_after_backward():
    model = nn.MLP(2, [3, 1], activation="tanh", rng=0)
    loss = nn.mse(model([0.5, -0.5]), 1.0)
    loss.backward()
    model.zero_grad()
    [finding] = diagnose(loss, model).findings
    assert finding.kind == "gradients cleared" and "zero_grad() belongs before backward()" in finding.sentence


def test_a_loss_of_frozen_parameters_has_nothing_to_learn():
    w = Value(2.0, requires_grad=False)
    loss = w * 3.0
    loss.backward()
    [finding] = diagnose(loss, [w]).findings
    assert finding.kind == "nothing to learn" and "requires_grad" in finding.sentence


def test_a_hand_made_node_without_backward():
    w = Value(2.0, label="w")
    by_hand = Value(w.data * 2, (w,), "double", label="doubled")
    loss = by_hand + w
    loss.backward()
    [finding] = diagnose(loss, [w]).findings
    assert finding.kind == "made by hand" and finding.sentence.startswith("doubled has no _backward")


def test_a_huge_gradient_in_a_plain_list():
    w = Value(1e10, label="w")
    loss = w**4 / 4.0
    loss.backward()
    assert "the typical gradient is huge in w (1.0e+30)" in str(diagnose(loss, [w]))


def test_differences_are_judged_relative_to_the_numbers():
    w = Value(1e-7, label="w")
    for _ in range(2):
        loss = w * w
        loss.backward()
    assert kinds(diagnose(loss, [w])) == ["gradients left over"]
    w.grad = 0.0
    loss.backward()
    w.data = 2e-7
    assert kinds(diagnose(loss, [w])) == ["data changed after the forward pass"]


def test_parameters_of_one_name_are_told_apart():
    first, second = (nn.MLP(2, [3, 1], activation="tanh", rng=seed) for seed in (0, 1))
    loss = first([1.0, 2.0]) * 2.0
    loss.backward()
    report = diagnose(loss, [*first.parameters(), *second.parameters()])
    assert "and 26 parameters" in str(report)
    assert "does not depend on w1_11 (parameter 13), w1_21 (parameter 14)" in str(report)


def test_neurons_and_layers_of_one_name_are_told_apart():
    first, second = (nn.MLP(2, [3, 1], activation="relu", rng=seed) for seed in (0, 1))
    for model, bias in ((first, 5.0), (second, -100.0)):
        for neuron in model.layers[0].neurons:
            neuron.b.data = bias
    parameters = [*first.parameters(), *second.parameters()]
    loss = first([0.1, 0.2]) + 1e7 * first([0.1, 0.2]) + second([0.1, 0.2])
    loss.backward()
    report = diagnose(loss, parameters)
    assert kinds(report) == ["dead", "exploding gradients"]
    assert "3 of 3 relu neurons of layer 1 of model 2 (h1_1, h1_2, h1_3)" in report.findings[0].sentence
    assert "layer 1 (" in report.findings[1].sentence and "model 2" not in report.findings[1].sentence


# --- arguments


def test_params_may_be_a_list_a_tuple_a_dict_or_a_model():
    model = nn.MLP(2, [3, 1], activation="tanh", rng=0)
    loss = nn.mse(model([0.5, -0.5]), 1.0)
    loss.backward()
    everything = model.parameters()
    for params in (model, everything, tuple(everything), {p.label: p for p in everything}):
        report = diagnose(loss, params)
        assert report and str(report).endswith("and 13 parameters: all is well")


def test_a_loss_or_a_parameter_that_is_not_a_value_is_refused():
    with pytest.raises(TypeError, match=r"the loss is float 0\.5, not a Value"):
        diagnose(0.5, [])
    with pytest.raises(TypeError, match=r"parameter 1 is float 2\.0, not a Value"):
        diagnose(Value(1.0), [Value(1.0), 2.0])
    with pytest.raises(TypeError, match=r"parameter w is float 2\.0, not a Value"):
        diagnose(Value(1.0), {"w": 2.0})
    with pytest.raises(TypeError, match="the parameters are None; give a list or dict of Values"):
        diagnose(Value(1.0), None)
    w = Value(1.0)
    assert diagnose(w, w) and diagnose(w, {1: w})  # one Value; names of any kind
    w.label = ["no", "text"]
    assert diagnose(w, [w])


# --- where nothing is wrong, nothing is found


@pytest.mark.parametrize("count", [1, 40])
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "leaky_relu", "elu", "silu", "gelu", "softplus"])
def test_nothing_is_said_of_a_healthy_network(activation, count):
    model = nn.MLP(3, [8, 8, 1], activation=activation, rng=0)
    loss = mean_loss(model, *examples(count))
    loss.backward()
    report = diagnose(loss, model)
    assert report, str(report)


@pytest.mark.parametrize("count", [2, 3, 4, 16])
@pytest.mark.parametrize("seed", range(5))
def test_a_relu_that_a_few_examples_switch_off_is_no_mistake(count, seed):
    """Micrograd's lecture trains on four examples, and one of 16 relus is off for all four by mere chance."""
    model = nn.MLP(3, [8, 8, 1], activation="relu", rng=seed)
    loss = mean_loss(model, *examples(count, seed=seed))
    loss.backward()
    assert diagnose(loss, model), str(diagnose(loss, model))


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_nothing_is_said_of_a_healthy_training(activation):
    model = nn.MLP(2, [8, 1], activation=activation, rng=1)
    for neuron in model.layers[0].neurons:
        neuron.b.data = 0.3  # a relu starts with most examples on its side that is not flat
    rows, targets = examples(30, features=2)
    for _ in range(6):
        loss = mean_loss(model, rows, targets)
        model.zero_grad()
        loss.backward()
        report = diagnose(loss, model)
        assert report, str(report)
        for p in model.parameters():
            p.data -= 0.05 * p.grad


def test_a_hinge_loss_of_0_is_not_dead_but_a_neuron_beside_it_may_be():
    model = nn.MLP(3, [4, 1], activation="relu", rng=0)
    for neuron in model.layers[0].neurons:
        neuron.b.data = 2.0
    rows, _ = examples(30)

    def margins():
        outputs = [model(row) for row in rows]
        return sum(((0.9 - y if i % 2 else 0.9 + y).relu() for i, y in enumerate(outputs)), Value(0.0)) / 30

    loss = margins()
    assert any(node._op == "ReLU" and node.data == 0.0 and "unit" not in vars(node) for node in topological_order(loss))
    loss.backward()
    assert diagnose(loss, model), str(diagnose(loss, model))
    model.zero_grad()
    model.layers[0].neurons[0].b.data = -100.0
    loss = margins()
    loss.backward()
    [finding] = diagnose(loss, model).findings
    assert finding.sentence.startswith("1 of 4 relu neurons of layer 1 (h1_1) ")


def test_nothing_is_said_of_a_healthy_classifier():
    model = nn.MLP(3, [8, 3], activation="tanh", rng=0)
    rows, _ = examples(20)
    loss = sum((nn.cross_entropy(model(row), i % 3) for i, row in enumerate(rows)), Value(0.0)) / 20
    loss.backward()
    report = diagnose(loss, model)
    assert report, str(report)


def test_a_local_derivative_of_0_at_one_point_is_no_mistake():
    w = Value(0.0, label="w")
    loss = w.cos() + w
    loss.backward()
    assert diagnose(loss, [w]), str(diagnose(loss, [w]))


def test_rounding_is_not_reported_as_a_gradient_left_over():
    w = Value(1.0, label="w")
    parts = [w * 1e15, w * -1e15, w * 0.3, w * 1e14, w * -1e14, w * 0.1]
    loss = ((parts[0] + parts[3]) + parts[2]) + (parts[1] + (parts[4] + parts[5]))
    loss.backward()
    assert diagnose(loss, [w]), str(diagnose(loss, [w]))


@given(seed=st.integers(0, 2**32), size=st.integers(1, 80))
def test_nothing_has_changed_and_no_gradient_is_left_over_in_random_graphs(seed, size):
    leaves, _, root = random_graph(seed, size)
    root.backward()
    wrong = {"data changed after the forward pass", "gradients left over", "not finite", "gradient not finite"}
    assert not wrong & set(kinds(diagnose(root, leaves)))


# --- diagnose changes nothing


def state(root, params):
    values = [*topological_order(root), *params]
    return [
        (v.data, v.grad, v.label, v.requires_grad, v.operation, v.arguments, v._local_grads, dict(v.__dict__))
        for v in values
    ]


@given(seed=st.integers(0, 2**32), size=st.integers(1, 60), backward=st.booleans(), change=st.booleans())
def test_diagnose_changes_no_graph(seed, size, backward, change):
    leaves, _, root = random_graph(seed, size)
    if backward:
        root.backward()
    if change:
        leaves[0].data *= -1.5
    before = state(root, leaves)
    first = str(diagnose(root, leaves))
    assert state(root, leaves) == before
    assert str(diagnose(root, leaves)) == first


def test_diagnose_changes_no_model():
    model = nn.MLP(3, [4, 1], activation="relu", rng=0)
    loss = mean_loss(model, *examples(3))
    loss.backward()
    before = state(loss, model.parameters())
    diagnose(loss, model)
    assert state(loss, model.parameters()) == before


def test_hand_made_nodes_with_a_backward_of_their_own_are_no_mistake():
    w = Value(2.0, label="w")
    by_hand = Value(w.data * 2, (w,), "double", label="doubled")
    by_hand._backward = lambda: setattr(w, "grad", w.grad + 2.0 * by_hand.grad)
    loss = by_hand * 3.0
    loss.backward()
    assert diagnose(loss, [w])


def test_labels_cannot_break_a_report():
    w = Value(2.0, label="{0} %s {} \\")
    loss = (w * 3.0).tanh() ** 2
    loss.backward()
    w.data = 5.0
    assert "{0} %s {} \\ * 3.0" in str(diagnose(loss, [w]))


def test_long_graphs_are_diagnosed():
    w = Value(0.5, label="w")
    loss = w
    for _ in range(30_000):
        loss = loss + 1e-6
    loss.backward()
    assert diagnose(loss, [w])


def test_a_value_outside_the_domain_raises_before_anything_can_be_diagnosed():
    with pytest.raises(DomainError):
        log(Value(0.0))
