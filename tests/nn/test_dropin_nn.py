"""Code that people type for micrograd's nn works, with only the import changed."""

import random

import numpy as np
import pytest

from chainrule import nn
from chainrule.engine import Value
from chainrule.nn import MLP, Layer, Module, Neuron


def test_a_neuron_has_w_b_and_nonlin():
    n = Neuron(3)
    assert len(n.w) == 3 and all(isinstance(w, Value) for w in n.w)
    assert isinstance(n.b, Value) and n.b.data == 0.0
    assert n.nonlin and not Neuron(3, nonlin=False).nonlin and not Neuron(3, False).nonlin


def test_a_layer_has_neurons_and_an_mlp_has_layers():
    assert len(Layer(2, 5).neurons) == 5
    assert [len(layer.neurons) for layer in MLP(2, [4, 3]).layers] == [4, 3]
    assert not Layer(2, 5, nonlin=False).neurons[0].nonlin


def test_zero_grad_and_parameters():
    model = MLP(2, [2, 1])
    model([1.0, -1.0]).backward()
    assert any(p.grad for p in model.parameters())
    model.zero_grad()
    assert all(p.grad == 0 for p in model.parameters())
    assert isinstance(model, Module)


def test_all_layers_but_the_last_have_relu():
    model = MLP(2, [3, 3, 1])
    assert [layer.neurons[0].nonlin for layer in model.layers] == [True, True, False]
    hidden = model.layers[0]([-1.0, 2.0])
    assert all(h.data >= 0 and h._op == "ReLU" for h in hidden)


def test_nonlin_may_be_switched_off_later():
    n = Neuron(1)
    n.w[0].data, n.nonlin = 1.0, False
    assert n([-2.0]).data == -2.0


def test_a_one_output_model_returns_a_bare_value():
    assert isinstance(MLP(2, [4, 1])([1.0, 2.0]), Value)
    assert isinstance(Layer(2, 1)([1.0, 2.0]), Value)
    assert isinstance(MLP(2, [4, 2])([1.0, 2.0]), list)


@pytest.mark.parametrize(
    "x",
    [
        [1.0, 2.0],
        (1, 2),
        [np.float64(1.0), np.int64(2)],
        np.array([1.0, 2.0]),
        np.array([1, 2]),
        [Value(1.0), Value(2.0)],
        [Value(1.0), 2],
        np.array([Value(1.0), Value(2.0)]),
        map(float, "12"),
    ],
)
def test_inputs_of_every_kind_give_the_same_output(x):
    expected = MLP(2, [3, 1], rng=5)([1.0, 2.0]).data
    assert MLP(2, [3, 1], rng=5)(x).data == expected


def test_a_layer_of_one_neuron_feeds_the_next():
    out = MLP(2, [16, 1, 1])([1.0, 2.0])
    assert isinstance(out, Value)
    assert isinstance(MLP(1, [1, 1])(0.5), Value)


@pytest.mark.parametrize("x", [3, 3.0, np.float64(3), np.array(3.0), Value(3.0)])
def test_one_number_may_stand_for_a_list_of_one(x):
    for module in (Neuron(1), Layer(1, 1), Layer(1, 2), MLP(1, [2, 1])):
        as_list = [module([3.0])] if isinstance(module([3.0]), Value) else module([3.0])
        bare = [module(x)] if isinstance(module(x), Value) else module(x)
        assert [v.data for v in bare] == [v.data for v in as_list]


def test_the_idioms_of_the_demo_and_the_lecture_run():
    model = MLP(2, [16, 16, 1])
    assert len(model.parameters()) == 337
    X, y = np.array([[0.5, -1.0], [1.5, 2.0]]), np.array([1, -1])
    inputs = [list(map(Value, xrow)) for xrow in X]
    scores = list(map(model, inputs))
    losses = [(1 + -yi * scorei).relu() for yi, scorei in zip(y, scores)]
    data_loss = sum(losses) * (1.0 / len(losses))
    total = data_loss + 1e-4 * sum(p * p for p in model.parameters())
    model.zero_grad()
    total.backward()
    before = [p.data for p in model.parameters()]
    for p in model.parameters():
        p.data -= 0.1 * p.grad
    assert [p.data for p in model.parameters()] != before
    assert {(yi > 0) == (scorei.data > 0) for yi, scorei in zip(y, scores)} <= {True, False}


def test_a_printed_model_looks_as_in_micrograd():
    assert str(MLP(2, [2, 1])) == "MLP of [Layer of [ReLUNeuron(2), ReLUNeuron(2)], Layer of [LinearNeuron(2)]]"


def test_default_weights_are_drawn_from_the_global_stream_and_scaled_by_fan_in():
    random.seed(3)
    model = MLP(3, [4, 2])
    random.seed(3)
    expected = []
    for nin, nout in ((3, 4), (4, 2)):
        for _ in range(nout):
            expected += [random.uniform(-1, 1) * (3 / nin) ** 0.5 for _ in range(nin)] + [0.0]
    assert [p.data for p in model.parameters()] == expected


def test_uniform_weights_are_the_numbers_that_micrograd_draws():
    random.seed(3)
    model = MLP(3, [4, 2], init=nn.init.uniform(-1, 1))
    random.seed(3)
    expected = []
    for nin, nout in ((3, 4), (4, 2)):
        for _ in range(nout):
            expected += [random.uniform(-1, 1) for _ in range(nin)] + [0.0]
    assert [p.data for p in model.parameters()] == expected


def moons(n, noise):
    """The numbers of scikit-learn's make_moons (version 1.x), drawn in the same order from NumPy's global stream."""
    outer, inner = np.linspace(0, np.pi, n // 2), np.linspace(0, np.pi, n - n // 2)
    X = np.vstack([np.r_[np.cos(outer), 1 - np.cos(inner)], np.r_[np.sin(outer), 1 - np.sin(inner) - 0.5]]).T
    y = np.r_[np.zeros(n // 2, dtype=int), np.ones(n - n // 2, dtype=int)]
    order = np.arange(n)
    stream = np.random.mtrand._rand
    stream.shuffle(order)
    X, y = X[order], y[order]
    return X + stream.normal(scale=noise, size=X.shape), y


def test_the_first_loss_of_micrograds_demo_is_the_published_number():
    state = np.random.get_state(), random.getstate()  # noqa: NPY002 - the demo seeds the global streams
    try:
        np.random.seed(1337)  # noqa: NPY002
        random.seed(1337)
        X, y = moons(100, noise=0.1)
        y = y * 2 - 1
        model = MLP(2, [16, 16, 1], init=nn.init.uniform(-1, 1))
    finally:
        np.random.set_state(state[0])  # noqa: NPY002
        random.setstate(state[1])
    inputs = [list(map(Value, xrow)) for xrow in X]
    scores = list(map(model, inputs))
    losses = [(1 + -yi * scorei).relu() for yi, scorei in zip(y, scores)]
    data_loss = sum(losses) * (1.0 / len(losses))
    reg_loss = 1e-4 * sum(p * p for p in model.parameters())
    assert (data_loss + reg_loss).data == pytest.approx(0.8958441028683222, rel=1e-13)


def test_softmax_and_cross_entropy_give_the_numbers_of_the_exercise():
    logits = [Value(0.0), Value(3.0), Value(-2.0), Value(1.0)]
    golden = [0.041772570515350445, 0.8390245074625319, 0.005653302662216329, -0.8864503806400986]
    (-nn.softmax(logits)[3].log()).backward()
    assert [v.grad for v in logits] == pytest.approx(golden, rel=1e-12)
    again = [Value(v.data) for v in logits]
    nn.cross_entropy(again, 3).backward()
    assert [v.grad for v in again] == pytest.approx(golden, rel=1e-12)
