"""wishes: the negative gradient of each example, compared with backward() on that example alone."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.engine import Value
from chainrule.nn import MLP, Dropout, Layer, Module, Sequential, cross_entropy, mse, wishes

X = np.random.default_rng(0).normal(size=(7, 3))
Y = np.arange(7) % 2


class Own(Module):
    """A user's model that skips a connection, and branches on a number where it is asked to."""

    def __init__(self, branches=False):
        self.layers, self.branches = [Layer(3, 3, activation="tanh", rng=0), Layer(3, 2, nonlin=False, rng=1)], branches

    def __call__(self, x):
        h = self.layers[0](x)
        if self.branches and h[0].data > 0:
            h = [2.0 * one for one in h]
        return self.layers[1]([a + b for a, b in zip(h, x)])


MODELS = {
    "MLP": lambda: MLP(3, [4, 2], activation="tanh", rng=0),
    "softmax": lambda: MLP(3, [4, 2], activation="tanh", output="softmax", rng=0),
    "Sequential": lambda: Sequential(Layer(3, 4, nonlin=False, rng=0), "tanh", Dropout(0.5), Layer(4, 2, rng=1)),
    "own": Own,
    "branching": lambda: Own(branches=True),
}


@pytest.mark.parametrize("name", MODELS)
def test_each_example_asks_for_minus_its_gradient(name):
    model = MODELS[name]()
    found = wishes(model, cross_entropy, X, Y)
    assert all(p.grad == 0.0 for p in model.parameters())
    model.eval()
    for i, (x, target) in enumerate(zip(X.tolist(), Y.tolist())):
        model.zero_grad()
        cross_entropy(model(x), target).backward()
        np.testing.assert_allclose(found.parameters[i], [-p.grad for p in model.parameters()], rtol=1e-12, atol=1e-14)
    assert found.names == tuple(name for name, _ in model.named_parameters())
    np.testing.assert_allclose(found.mean, found.parameters.mean(axis=0))
    assert [asked.shape for asked in found.activations.values()] == [
        (7, len(layer.neurons)) for layer in model.layers if isinstance(layer, Layer)
    ]


@pytest.mark.parametrize("name", ["MLP", "softmax"])
def test_what_is_asked_of_activations_is_minus_the_slope_to_them(name):
    model = MODELS[name]()
    asked = wishes(model, cross_entropy, X, Y).activations
    hidden = asked["layers.0"]
    outer = model.layers[1]
    for i, (x, target) in enumerate(zip(X.tolist(), Y.tolist())):
        if (
            name == "branching"
        ):  # by finite differences: a shift of the first layer's neuron by its bias, which is linear
            continue
        h = [Value(v.data) for v in model.layers[0](x)]
        cross_entropy(outer(h), target).backward()
        np.testing.assert_allclose(hidden[i], [-v.grad for v in h], rtol=1e-12, atol=1e-14)
    slopes = np.array([[0.5, -0.5], [-0.5, 0.5]])  # at equal scores: one-hot minus softmax
    for p in outer.parameters():
        p.data = 0.0
    np.testing.assert_allclose(wishes(model, cross_entropy, X, Y).activations["layers.1"], slopes[Y], atol=1e-15)


def test_a_step_of_sgd_takes_the_mean_of_the_wishes():
    model = MLP(3, [4, 1], activation="tanh", rng=0)
    before, asked = np.array([p.data for p in model.parameters()]), wishes(model, mse, X, X[:, 0]).mean
    cr.fit(model, mse, X, X[:, 0], epochs=1, batch_size=7, optimiser=cr.SGD, learning_rate=0.1, progress=False)
    np.testing.assert_allclose([p.data for p in model.parameters()], before + 0.1 * asked, rtol=1e-12)


def test_wishes_tell_of_one_parameter_and_print_short():
    found = wishes(MLP(3, [4, 2], rng=0), cross_entropy, X, Y)
    name = "layers.1.neurons.0.b"
    assert np.array_equal(found.of(name), found.parameters[:, found.names.index(name)])
    assert str(found).startswith("Wishes of 7 examples for 26 parameters\n") and len(str(found).splitlines()) == 9
    with pytest.raises(KeyError, match=r"no parameter is called 'w'; there are 26: layers\.0\.neurons\.0\.w\.0"):
        found.of("w")


def test_a_model_without_layers_has_no_activations():
    class Line(Module):
        def __init__(self):
            self.slope = Value(2.0)

        def __call__(self, x):
            return self.slope * x

    found = wishes(Line(), mse, [1.0, 2.0], [0.0, 0.0])
    assert found.activations == {} and found.parameters.ravel().tolist() == [-4.0, -16.0]
