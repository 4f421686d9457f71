"""Models of every shape: their parameters by name, states, parts, Sequential, Dropout, predictions."""

import copy
import math
import pickle
import random
from dataclasses import dataclass, field

import numpy as np
import pytest

import chainrule as cr
from chainrule.engine import Value, no_grad
from chainrule.nn import MLP, Dropout, Layer, Module, Neuron, Sequential, softmax


class Cell(Module):
    """An Elman cell, written by a user: h = tanh(W [x, h] + b), and a score from the last h."""

    def __init__(self, size=3):
        self.hidden = Layer(1 + size, size, activation="tanh", rng=1)
        self.out = Neuron(size, nonlin=False, rng=2)
        self.start = [Value(0.0) for _ in range(size)]

    def __call__(self, xs):
        h = self.start
        for x in xs:
            h = self.hidden([x, *h])
        return self.out(h)


class Head(Module):
    """An attention head over pairs of numbers, written with plain lists."""

    def __init__(self, rng):
        self.query, self.key, self.value = (
            [[Value(rng.uniform(-1, 1)) for _ in range(2)] for _ in range(2)] for _ in range(3)
        )

    def __call__(self, x):
        tokens = [list(x[i : i + 2]) for i in range(0, len(x), 2)]
        q, k, v = ([[sum(w * t for w, t in zip(row, token)) for row in table] for token in tokens]
                   for table in (self.query, self.key, self.value))  # fmt: skip
        weights = softmax([sum(a * b for a, b in zip(q[-1], one)) for one in k])
        return [sum(w * one[j] for w, one in zip(weights, v)) for j in range(2)]


@dataclass(eq=False, repr=False)
class Mixed(Module):
    scale: Value = field(default_factory=lambda: Value(2.0))
    heads: dict = field(default_factory=lambda: {"a": Head(random.Random(1)), "b": Head(random.Random(2))})
    array: np.ndarray = field(default_factory=lambda: np.array([[Value(1.0), Value(2.0)]]))
    layers: list = field(default_factory=lambda: [Layer(4, 2, activation="tanh", rng=0), Dropout(0.25)])

    def __call__(self, x):
        added = [a + b for a, b in zip(self.heads["a"](x), self.heads["b"](x))]
        h = self.layers[1]([*added, *self.array[0]])
        return [self.scale * one for one in self.layers[0](h)]


MODELS = {
    "MLP": (lambda: MLP(4, [5, 3], activation="tanh", rng=0), 4),
    "softmax": (lambda: MLP(4, [5, 3], output="softmax", rng=0), 4),
    "Sequential": (lambda: Sequential(Layer(4, 5, rng=0), Dropout(0.4), Layer(5, 2, nonlin=False, rng=1)), 4),
    "cell": (Cell, 4),
    "attention head": (lambda: Head(random.Random(0)), 4),
    "mixed": (Mixed, 4),
    "Neuron": (lambda: Neuron(4, rng=0), 4),
}
each_model = pytest.mark.parametrize("name", MODELS)


def numbers(model):
    return [p.data for p in model.parameters()]


@each_model
def test_each_parameter_has_one_name_and_the_order_of_parameters(name):
    model = MODELS[name][0]()
    names, values = zip(*model.named_parameters())
    assert list(values) == model.parameters() and len(set(names)) == len(names)


@each_model
def test_a_state_goes_into_another_model_and_is_a_copy(name):
    model, twin = MODELS[name][0](), MODELS[name][0]()
    state = model.state_dict()
    assert sum(array.size for array in state.values()) == len(model.parameters())
    flat = np.concatenate([array.ravel() for array in state.values()])
    assert sorted(flat) == sorted(numbers(model))
    for p in twin.parameters():
        p.data = 7.25
    twin.load_state_dict(state)
    assert numbers(twin) == numbers(model) and all(type(p.data) is float for p in twin.parameters())
    for array in state.values():
        array[...] = -1.0
    assert numbers(twin) == numbers(model)
    as_lists = {name: array.tolist() for name, array in model.state_dict().items()}  # as JSON would give them back
    twin.load_state_dict(as_lists)
    assert numbers(twin) == numbers(model)


def test_the_names_follow_attributes_keys_and_places():
    names = [name for name, _ in Mixed().named_parameters()]
    assert names[:3] == ["scale", "heads.a.query.0.0", "heads.a.query.0.1"]
    assert "array.0.1" in names and names[-1] == "layers.0.neurons.1.b"
    shapes = {name: array.shape for name, array in Mixed().state_dict().items()}
    assert shapes["heads.b.value"] == (2, 2) and shapes["array"] == (1, 2) and shapes["scale"] == ()
    assert shapes["layers.0.neurons.1.w"] == (4,)


def test_tied_parameters_are_stored_once_and_stay_tied():
    class Tied(Module):
        def __init__(self):
            self.encode = Layer(2, 2, rng=0)
            self.decode = Layer(2, 2, rng=1)
            self.decode.neurons[0].w = self.encode.neurons[0].w
            self.mean = [self.encode.neurons[1].b, Value(1.0)]

    model, twin = Tied(), Tied()
    state = model.state_dict()
    assert "decode.neurons.0.w" not in state and sum(a.size for a in state.values()) == len(model.parameters())
    twin.load_state_dict(state)
    assert numbers(model) == numbers(twin) and twin.decode.neurons[0].w is twin.encode.neurons[0].w


def test_a_parameters_method_of_ones_own_decides_what_is_named():
    class Half(Module):
        def __init__(self):
            self.a, self.b, self.c = Value(1.0), Value(2.0), [Value(3.0)]

        def parameters(self):
            return [self.b, self.c[0]]

    assert [name for name, _ in Half().named_parameters()] == ["b", "parameters.1"]


def test_all_differences_of_a_state_are_listed_and_nothing_is_changed():
    model, other = MLP(2, [3, 1], rng=0), MLP(3, [2, 1, 1], rng=1)
    before = numbers(model)
    with pytest.raises(ValueError) as found:
        model.load_state_dict(other.state_dict())
    said = str(found.value)
    assert "layers.0.neurons.0.w has the shape (3,) and the model needs (2,)" in said
    assert "layers.0.neurons.2.w is missing" in said and "layers.2.neurons.0.w is not in the model" in said
    assert numbers(model) == before
    with pytest.raises(ValueError, match=r"layers.0.neurons.0.b holds nan"):
        model.load_state_dict({**model.state_dict(), "layers.0.neurons.0.b": math.nan})
    with pytest.raises(ValueError, match=r"layers.0.neurons.0.b holds no numbers, but str 'x'"):
        model.load_state_dict({**model.state_dict(), "layers.0.neurons.0.b": "x"})
    with pytest.raises(TypeError, match=r"a state is a dict from names to numbers, .* got list"):
        model.load_state_dict([1.0])
    model.load_state_dict({"layers.0.neurons.0.b": 4.0, "else": 1.0}, strict=False)
    assert model.layers[0].neurons[0].b.data == 4.0


@each_model
def test_training_mode_reaches_all_parts(name):
    model = MODELS[name][0]()
    assert model.training and model.eval() is model and not model.training
    drops = [part for part in [*getattr(model, "layers", [])] if isinstance(part, Dropout)]
    assert not any(drop.training for drop in drops)
    assert model.train().training and all(drop.training for drop in drops)


@each_model
def test_many_predictions_are_those_of_the_model_one_by_one(name):
    make, features = MODELS[name]
    model = make()
    X = np.random.default_rng(0).normal(size=(150, features))
    for rows in (X, X[:5], X[:120]):  # the first compiles, the others use what it left
        found = model.predict(rows)
        model.eval()
        with no_grad():
            expected = np.array([model(x) for x in rows.tolist()], dtype=float)
        model.train()
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    assert model.training
    if name != "mixed":
        assert vars(model)["_predictor"].program is not None


@pytest.mark.parametrize("change", ["parameter", "activation", "new Value", "layer"])
def test_predictions_follow_a_changed_model(change):
    model, X = MLP(2, [4, 2], rng=0), np.random.default_rng(0).normal(size=(150, 2))
    model.predict(X)
    neuron = model.layers[0].neurons[0]
    if change == "parameter":
        neuron.b.data += 1.0
    elif change == "activation":
        neuron.activation = "tanh"
    elif change == "new Value":
        neuron.w[0] = Value(neuron.w[0].data)
        model.predict(X)
        neuron.w[0].data += 1.0
    else:
        model.layers.append(Layer(2, 2, rng=3))
    np.testing.assert_allclose(model.predict(X), [[v.data for v in model(x)] for x in X], rtol=1e-12)


def test_a_model_that_cannot_be_compiled_predicts_all_the_same():
    class Branching(Module):
        def __init__(self):
            self.calls = 0

        def __call__(self, x):
            self.calls += 1
            return Value(1.0) * (1.0 if x[0] > 0 else -2.0)

    X, model = np.random.default_rng(0).normal(size=(150, 1)), Branching()
    assert model.predict(X).tolist() == np.where(X[:, 0] > 0, 1.0, -2.0).tolist() == model.predict(X).tolist()


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_of_a_model_that_has_predicted_predicts_by_its_own_numbers(duplicate):
    model, X = MLP(2, [4, 2], rng=0), np.random.default_rng(0).normal(size=(150, 2))
    before = model.predict(X)
    twin = duplicate(model)
    for p in model.parameters():
        p.data = 0.0
    assert np.array_equal(twin.predict(X), before) and not model.predict(X).any()


class TestClasses:
    X = np.random.default_rng(0).normal(size=(20, 2))

    def test_probabilities_are_those_of_scipy_softmax_however_the_model_ends(self):
        scores, ended = MLP(2, [4, 3], rng=0), MLP(2, [4, 3], output="softmax", rng=0)
        found = scores.predict_probabilities(self.X)
        np.testing.assert_allclose(found, ended.predict_probabilities(self.X), atol=1e-14)
        powers = np.exp(scores.predict(self.X))
        np.testing.assert_allclose(found, powers / powers.sum(axis=1, keepdims=True), atol=1e-14)
        assert scores.predict_class(self.X).tolist() == ended.predict_class(self.X).tolist()
        assert scores.predict_class(self.X).tolist() == found.argmax(axis=1).tolist()

    def test_one_output_has_two_classes(self):
        score, ended = MLP(2, [4, 1], rng=0), MLP(2, [4, 1], output="sigmoid", rng=0)
        found = score.predict_probabilities(self.X)
        assert found.shape == (20, 2)
        np.testing.assert_allclose(found, ended.predict_probabilities(self.X), atol=1e-14)
        np.testing.assert_allclose(found.sum(axis=1), 1.0)
        assert score.predict_class(self.X).tolist() == ended.predict_class(self.X).tolist()
        assert score.predict_class(self.X).tolist() == (score.predict(self.X) > 0).astype(int).tolist()

    def test_probabilities_of_huge_scores_are_finite(self):
        model = Neuron(1, nonlin=False, init=lambda n, rng: 1e4)
        assert model.predict_probabilities([-1.0, 1.0]).tolist() == [[1.0, 0.0], [0.0, 1.0]]


class TestDropout:
    def test_the_mean_over_many_draws_is_the_input(self):
        drop = Dropout(0.3, rng=0)
        draws = np.array([[x.data for x in drop([Value(1.0)] * 100)] for _ in range(200)])
        # Of 20,000 draws, the mean of 0 and 1/0.7 has a standard error of 0.0046.
        assert draws.mean() == pytest.approx(1.0, abs=0.02)
        assert set(np.unique(draws)) == {0.0, 1 / 0.7}

    def test_gradients_pass_through_what_was_kept(self):
        drop, xs = Dropout(0.5, rng=0), [Value(1.0) for _ in range(8)]
        out = drop(xs)
        sum(out).backward()
        assert [x.grad for x in xs] == [one.data for one in out]

    @pytest.mark.parametrize(
        ("rate", "error"), [(1.0, ValueError), (-0.1, ValueError), ("a", TypeError), (True, TypeError)]
    )
    def test_a_rate_is_a_share(self, rate, error):
        with pytest.raises(error, match="the rate of Dropout is a"):
            Dropout(rate)

    def test_predict_never_drops(self):
        model = Sequential(Dropout(0.5), Neuron(3, nonlin=False, rng=0))
        X = np.ones((5, 3))
        assert len(set(model.predict(X).tolist())) == 1 and model.training


class TestSequential:
    def test_it_is_its_parts_one_after_the_other(self):
        first, last = Layer(2, 3, nonlin=False, rng=0), Layer(3, 2, nonlin=False, rng=1)
        model = Sequential(first, "tanh", last, softmax)
        x = [0.5, -1.0]
        expected = softmax(last([v.tanh() for v in first(x)]))
        assert [v.data for v in model(x)] == [v.data for v in expected]
        assert len(model) == 4 and model[0] is first and list(model)[2] is last
        assert [v.data for v in model[:2](x)] == [v.tanh().data for v in first(x)]
        assert [v.data for v in Sequential([first, cr.tanh])(x)] == [v.data for v in model[:2](x)]
        assert [p.label for p in model.parameters()][:3] == ["w1_11", "w1_21", "b1_1"]
        assert last.neurons[0].b.label == "b2_1"

    @pytest.mark.parametrize(
        ("layers", "error", "message"),
        [
            ((), ValueError, "a Sequential got no layers"),
            ((Layer(2, 1), 3), TypeError, "layer 1 is int 3"),
            ((Layer,), TypeError, r"layer 0 is the class Layer; write Layer\(...\)"),
            (("tahn",), ValueError, "layer 0 of Sequential='tahn' is not known; write 'tanh'"),
        ],
    )
    def test_what_is_no_layer_is_refused(self, layers, error, message):
        with pytest.raises(error, match=message):
            Sequential(*layers)


class TestActivationsOfAnMLP:
    def test_each_layer_may_have_its_own(self):
        hidden = MLP(2, [3, 3, 1], activation=["tanh", "relu"], rng=0)
        assert [repr(layer.neurons[0]) for layer in hidden.layers] == [
            "TanhNeuron(2)",
            "ReLUNeuron(3)",
            "LinearNeuron(3)",
        ]
        whole = MLP(2, [3, 2], activation=[cr.tanh, "softmax"], rng=0)
        assert whole.softmax and MLP(2, [3, 1], activation=("tanh", "sigmoid"))([1.0, 2.0]).data < 1
        square = MLP(1, [2, 1], activation=[lambda v: v * v])
        assert square.layers[0].neurons[0]([2.0]).data >= 0

    @pytest.mark.parametrize(
        ("activation", "output", "message"),
        [
            (["tanh"], "linear", "activation has 1 entries and the MLP has 3 layers; give 2 .* or 3"),
            (["tanh", "nonsense"], "linear", "activation='nonsense' is not one of"),
            (["tanh", "tanh", "sigmoid"], "softmax", "gets activation 'sigmoid' and output 'softmax'"),
        ],
    )
    def test_a_list_that_does_not_fit_is_refused(self, activation, output, message):
        with pytest.raises(ValueError, match=message):
            MLP(2, [3, 3, 2], activation=activation, output=output)


def test_large_models_print_in_one_short_line():
    assert repr(MLP(784, [128, 10])) == "MLP of [Layer of [128 × ReLUNeuron(784)], Layer of [10 × LinearNeuron(128)]]"
    assert len(repr(Mixed())) < 300 and "parameters" in repr(Mixed())
    assert repr(Head(random.Random(0))) == "Head(12 parameters)"


@pytest.mark.parametrize(
    "parts",
    [
        lambda: (cr.Layer(2, 3), cr.Layer(4, 1)),
        lambda: (cr.Layer(2, 3), "tanh", cr.Dropout(0.5), cr.softmax, cr.relu, cr.MLP(4, [1])),
        lambda: (cr.MLP(2, [5, 3]), cr.Neuron(4)),
        lambda: (cr.Sequential(cr.Layer(2, 3)), cr.Sequential(cr.Layer(4, 1))),
    ],
)
def test_a_sequential_of_parts_that_do_not_fit_is_refused_when_it_is_made(parts):
    held = parts()
    said = f"layer {len(held) - 1} of Sequential takes 4 inputs, and layer 0 gives 3 outputs"
    with pytest.raises(ValueError, match=said):
        cr.Sequential(*held)


def test_a_sequential_with_a_function_of_ones_own_between_its_parts_is_trusted():
    model = cr.Sequential(cr.Layer(2, 3), lambda x: [*x, 1.0], cr.Layer(4, 1))
    assert isinstance(model([1.0, 2.0]), cr.Value) and cr.Sequential(cr.Layer(2, 1), cr.Layer(1, 2))([1.0, 2.0])
