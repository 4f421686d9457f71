import copy
import math
import pickle

import numpy as np
import pytest

from chainrule.engine import OPS, Value
from chainrule.engine.graph import topological_order
from chainrule.nn import MLP, Layer, Module, Neuron, init, softmax, units


class TestParameters:
    def test_parameters_are_listed_in_the_order_of_their_definition(self):
        class Model(Module):
            def __init__(self):
                self.first = Value(1.0)
                self.table = {"row": [Value(2.0), (Value(3.0),)]}
                self.neuron = Neuron(2)
                self.array = np.array([[Value(4.0)], [Value(5.0)]])
                self.notes = ["text", 7, None, np.zeros(3), Value]

        m = Model()
        assert m.parameters() == [
            m.first, m.table["row"][0], m.table["row"][1][0], *m.neuron.w, m.neuron.b, *m.array.ravel(),
        ]  # fmt: skip

    def test_tied_weights_are_listed_once(self):
        class Tied(Module):
            def __init__(self):
                self.encoder = Layer(2, 3)
                self.decoder = Layer(2, 3)
                self.decoder.neurons[0].w = self.encoder.neurons[0].w

        model = Tied()
        parameters = model.parameters()
        assert len(parameters) == len(set(parameters)) == 2 * 9 - 2

    def test_results_in_an_attribute_are_not_parameters(self):
        model = Neuron(2)
        model.last = model([1.0, 2.0])
        assert model.parameters() == [*model.w, model.b]
        model.predict([[1.0, 2.0]])
        assert model.parameters() == [*model.w, model.b]

    def test_frozen_parameters_are_listed(self):
        model = Neuron(2)
        model.w[0].requires_grad = False
        assert model.w[0] in model.parameters()

    def test_a_parameters_method_of_a_users_own_is_used(self):
        class Half(Module):
            def __init__(self):
                self.a, self.b = Value(1.0), Value(2.0)

            def parameters(self):
                return [self.a]

        class Bare:  # people write models without Module, too
            def __init__(self):
                self.w = Value(3.0)

            def parameters(self):
                return [self.w]

        class Whole(Module):
            def __init__(self):
                self.half, self.bare = Half(), Bare()

        m = Whole()
        assert m.parameters() == [m.half.a, m.bare.w]

    def test_a_module_may_refer_to_its_parent(self):
        model = MLP(2, [2, 1])
        for layer in model.layers:
            layer.parent = model
        assert len(model.parameters()) == 9


class TestActivations:
    @pytest.mark.parametrize("name", ["relu", "tanh", "sigmoid", "exp"])
    def test_the_name_of_any_operation_of_one_argument_is_an_activation(self, name):
        neuron = Neuron(2, activation=name, rng=1)
        total = neuron.w[0].data * 0.5 + neuron.w[1].data * 2.0
        assert neuron([0.5, 2.0]).data == pytest.approx(OPS[name](total), rel=1e-15)

    def test_the_repr_of_a_neuron_has_the_name_of_its_activation(self):
        assert repr(Neuron(2, activation="tanh")) == "TanhNeuron(2)"
        assert repr(Neuron(2, activation="linear")) == repr(Neuron(2, nonlin=False)) == "LinearNeuron(2)"

    def test_an_operation_itself_is_an_activation(self):
        assert repr(Neuron(2, activation=OPS["tanh"])) == "TanhNeuron(2)"
        with pytest.raises(ValueError, match="activation='multiply' is not one of 'linear'"):
            Neuron(2, activation=OPS["multiply"])

    def test_a_function_is_an_activation(self):
        def square(v):
            return v * v

        neuron = Neuron(1, activation=square, init=init.uniform(3, 3))
        assert neuron(2.0).data == 36.0
        assert repr(neuron) == "SquareNeuron(1)"

    def test_an_activation_that_loses_the_gradient_is_an_error(self):
        with pytest.raises(TypeError, match=r"TanhNeuron\(1\) returned a float, not a Value: no gradient"):
            Neuron(1, activation=math.tanh)(2.0)

    def test_the_error_about_an_unknown_activation_lists_the_known_ones(self):
        with pytest.raises(ValueError, match=r"^activation='tahn' is not known; write activation='tanh'$"):
            MLP(2, [3, 1], activation="tahn")
        with pytest.raises(ValueError, match="output='sofmax' is not known; write output='softmax'"):
            MLP(2, [3, 2], output="sofmax")
        with pytest.raises(ValueError, match="activation='multiply' is not one of 'linear'"):
            Neuron(2, activation="multiply")

    def test_the_last_layer_has_an_activation_of_its_own(self):
        model = MLP(2, [3, 1], activation="tanh", output="sigmoid")
        assert repr(model.layers[-1]) == "Layer of [SigmoidNeuron(3)]"
        assert 0 < model([1.0, 2.0]).data < 1

    def test_softmax_outputs_are_probabilities(self):
        model = MLP(2, [3, 3], output="softmax", rng=0)
        out = model([1.0, 2.0])
        assert sum(p.data for p in out) == pytest.approx(1, rel=1e-15)
        assert [p.label for p in out] == ["p1", "p2", "p3"]
        model.softmax = False
        assert [p.data for p in softmax(model([1.0, 2.0]))] == [p.data for p in out]

    def test_softmax_of_one_output_is_refused(self):
        with pytest.raises(ValueError, match="softmax over 1 output is always 1; write output='sigmoid'"):
            MLP(2, [3, 1], output="softmax")


class TestBadInput:
    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (lambda: Neuron(2)([1.0, 2.0, 3.0]), r"ReLUNeuron\(2\) got 3 inputs; it has 2 weights"),
            (lambda: MLP(4, [3, 1])([1.0]), r"ReLUNeuron\(4\) got 1 input; it has 4 weights"),
            (lambda: MLP(2, [3, 1])([]), "got 0 inputs"),
            (lambda: MLP(2, [3, 1])(np.zeros((7, 2))), r"one example, got an array \(7, 2\); .*predict"),
            (lambda: Neuron(0), "a Neuron needs at least 1 input, got 0"),
            (lambda: Layer(2, -1), "a Layer needs at least 1 neuron, got -1"),
            (lambda: MLP(2, []), "an MLP got 0 layers"),
        ],
    )
    def test_sizes_that_do_not_fit_are_refused(self, call, message):
        with pytest.raises(ValueError, match=message):
            call()

    @pytest.mark.parametrize("size", [2.5, "3", None])
    def test_sizes_must_be_whole_numbers(self, size):
        with pytest.raises(TypeError):
            MLP(2, [size, 1])

    @pytest.mark.parametrize("x", [["a", "b"], [[1, 2], [3, 4]], [None, 1.0], "ab"])
    def test_inputs_that_are_not_numbers_are_refused(self, x):
        with pytest.raises((TypeError, ValueError)):
            Neuron(2)(x)

    def test_the_error_about_a_module_without_a_call_says_so(self):
        class Empty(Module):
            pass

        with pytest.raises(NotImplementedError, match="Empty has no __call__"):
            Empty()(1.0)


class TestPredict:
    def test_predict_returns_a_row_for_each_example(self):
        X = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
        assert MLP(2, [3, 1]).predict(X).shape == (3,)
        assert MLP(2, [3, 2]).predict(X).shape == (3, 2)
        assert MLP(1, [3, 1]).predict([1.0, 2.0]).shape == (2,)
        assert MLP(2, [3, 2]).predict([[1, 2]]).shape == (1, 2)

    def test_predict_gives_the_numbers_of_the_model(self):
        X, model = np.array([[1.0, 2.0], [3.0, -4.0]]), MLP(2, [3, 2])
        np.testing.assert_array_equal(model.predict(X), [[v.data for v in model(x)] for x in X])

    def test_predict_records_no_graph(self):
        class Spy(Module):
            def __call__(self, x):
                self.out = Value(2.0) * x
                return self.out

        spy = Spy()
        spy.predict([1.0])
        assert spy.out._prev == ()

    @pytest.mark.parametrize(
        ("X", "error", "message"),
        [
            (np.zeros((0, 2)), ValueError, r"X is empty: its shape is \(0, 2\)"),
            (3.0, ValueError, r"X must be \(n,\) or \(n, features\), got the single number 3.0"),
            ([1.0, 2.0], ValueError, "got 1 input; it has 2 weights"),
            (np.zeros((2, 3)), ValueError, "got 3 inputs; it has 2 weights"),
            ([["a", "b"]], TypeError, "got an array of <U1: row 0 of X holds 'a' in column 0"),
            (
                [[Value(1.0), Value(2.0)]],
                TypeError,
                r"row 0 of X holds Value\(.* in column 0, a Value; .* give its .data",
            ),
        ],
    )
    def test_predict_refuses_inputs_that_do_not_fit(self, X, error, message):
        with pytest.raises(error, match=message):
            MLP(2, [3, 1]).predict(X)


class TestMarks:
    def test_the_labels_of_an_mlp_name_layer_input_and_neuron(self):
        model = MLP(2, [2, 1])
        assert [p.label for p in model.parameters()] == [
            "w1_11", "w1_21", "b1_1", "w1_12", "w1_22", "b1_2", "w2_11", "w2_21", "b2_1",
        ]  # fmt: skip
        assert model([1.0, 2.0]).label == "h2_1"

    def test_labels_with_numbers_of_two_digits_are_distinct(self):
        labels = [p.label for p in MLP(12, [12]).parameters()]
        assert len(set(labels)) == len(labels)
        assert "w1_1,12" in labels and "w1_11,2" in labels

    def test_neurons_and_layers_outside_an_mlp_have_shorter_labels(self):
        assert [p.label for p in Neuron(2).parameters()] == ["w1", "w2", "b"]
        assert [p.label for p in Layer(1, 2).parameters()] == ["w_11", "b_1", "w_12", "b_2"]
        assert Neuron(2)([1.0, 2.0]).label == "h"

    def test_a_label_that_a_user_set_is_kept(self):
        model = MLP(2, [2, 1])
        model.layers[0].neurons[0].w[0].label = "mine"
        model([1.0, 2.0])
        assert model.parameters()[0].label == "mine"

    @pytest.mark.parametrize("output", ["linear", "sigmoid", "softmax"])
    def test_the_unit_of_a_value_is_the_neuron_that_made_it(self, output):
        model = MLP(2, [3, 2], activation="tanh", output=output)
        x = [Value(1.0) * 2.0, Value(2.0)]
        outputs = model(x)
        loss = outputs[0] * 3.0 + outputs[1]
        found = units(topological_order(loss))
        neurons = [n for layer in model.layers for n in layer.neurons]
        for value, unit in found.items():
            assert unit in {n.unit for n in neurons}
            assert value not in x and value is not loss
        for n in neurons:
            made = [v for v, unit in found.items() if unit == n.unit and v._prev]
            products, sums = len(n.w), len(n.w)
            squashed = 0 if repr(n).startswith("Linear") else 1
            assert len(made) == products + sums + squashed
            assert {p for p, unit in found.items() if unit == n.unit and not p._prev} == {*n.w, n.b}

    def test_units_gives_the_names_of_layers_and_neurons(self):
        model = MLP(1, [2, 1])
        out = model([Value(1.0)])
        found = set(units(topological_order(out)).values())
        assert found == {("layer 1", "h1_1"), ("layer 1", "h1_2"), ("layer 2", "h2_1")}
        assert units([out])[out] == ("layer 2", "h2_1")

    def test_values_made_from_a_parameter_outside_its_neuron_have_no_unit(self):
        neuron = Neuron(2)
        out = neuron([1.0, neuron.w[0] * 2.0])
        penalty = sum(p * p for p in neuron.parameters())
        found = units(topological_order(out + penalty))
        assert not set(topological_order(penalty)) & set(found) - set(neuron.parameters())

    def test_a_copied_graph_has_the_same_units(self):
        out = MLP(2, [3, 2])([1.0, 2.0])[0] * 1.0
        marks = [units(order).get(v) for order in [topological_order(out)] for v in order]
        twin = copy.deepcopy(out)
        assert sorted(map(str, marks)) == sorted(
            str(units(order).get(v)) for order in [topological_order(twin)] for v in order
        )

    def test_all_values_of_a_recurrent_neuron_have_its_unit(self):
        neuron = Neuron(2, activation="tanh")
        h = Value(0.0)
        for x in (1.0, 2.0, 3.0):
            h = neuron([h, x])
        found = units(topological_order(h))
        assert set(found.values()) == {("", "h")}
        assert len([v for v in found if v._prev]) == 3 * 5

    def test_a_unit_may_be_set_by_hand(self):
        a, b = Value(1.0), Value(2.0)
        n = a * b
        n.unit = ("mine", "n")
        assert units([a, b, n]) == {n: ("mine", "n")}


class TestCopies:
    @pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
    @pytest.mark.parametrize("activation", ["relu", "tanh"])
    def test_a_copy_of_a_model_predicts_the_same_and_has_parameters_of_its_own(self, duplicate, activation):
        model = MLP(2, [3, 2], activation=activation, output="softmax")
        twin = duplicate(model)
        X = [[1.0, 2.0], [-1.0, 0.5]]
        np.testing.assert_array_equal(twin.predict(X), model.predict(X))
        assert [p.label for p in twin.parameters()] == [p.label for p in model.parameters()]
        assert not set(twin.parameters()) & set(model.parameters())


class TestRandomness:
    def test_a_seed_decides_the_weights_and_leaves_the_global_stream_alone(self):
        import random

        before = random.getstate()
        a, b = MLP(2, [3, 1], rng=4), MLP(2, [3, 1], rng=4)
        assert [p.data for p in a.parameters()] == [p.data for p in b.parameters()]
        assert random.getstate() == before
        neurons = a.layers[0].neurons
        assert neurons[0].w[0].data != neurons[1].w[0].data  # all neurons draw from one stream

    def test_rng_may_be_a_generator_of_random_or_numpy(self):
        import random

        for rng in (random.Random(1), np.random.default_rng(1)):
            assert all(abs(w.data) <= 1.0 for w in Neuron(3, rng=rng).w)

    def test_default_weights_keep_the_variance_of_the_inputs(self):
        # The variance of Σ w·x for inputs of variance 1 is nin · bound²/3 = 1. With 4000 weights its standard error is
        # 1.4 %.
        weights = np.array([w.data for n in Layer(40, 100, rng=0).neurons for w in n.w])
        assert 40 * weights.var() == pytest.approx(1, rel=0.06)
        wide = [w.data for w in Neuron(3, init=init.fan_in(2**0.5), rng=0).w]
        assert wide == pytest.approx([w.data * 2**0.5 for w in Neuron(3, rng=0).w], rel=1e-15)

    def test_a_seed_may_be_a_numpy_integer(self):
        assert Neuron(2, rng=np.int64(3)).w[0].data == Neuron(2, rng=3).w[0].data


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MLP(2, [2], rng=1.5), "rng is a seed .* got float 1.5"),
        (lambda: MLP(2, [2], rng="a"), "rng is a seed .* got str 'a'"),
        (lambda: MLP(2, [2], init=init.uniform), r"init=uniform .* write init=nn.init.uniform\(-1, 1\)"),
        (lambda: MLP(2, [2], init=init.fan_in), r"init=fan_in .* write init=nn.init.fan_in\(\)"),
        (lambda: MLP(2, [2], init="zeros"), "init is a function .* got str 'zeros'"),
        (lambda: MLP(2, [2], init="he_normal"), r"like nn\.init\.fan_in\(2\*\*0\.5\); got str 'he_normal'"),
        (lambda: MLP(2, None), "a Layer needs a whole number of neurons, got NoneType None"),
        (lambda: MLP(2.0, [1]), "a Neuron needs a whole number of inputs, got float 2.0"),
        (lambda: MLP(2, [2])(["1", "2"]), "input 0 is str '1'$"),
        (lambda: MLP(2, [2])([1.0, 1j]), "input 1 is complex 1j"),
        (lambda: MLP(2, [2])([None, None]), "input 0 is NoneType None"),
        (lambda: MLP(2, [2])([[1.0, 2.0]]), r"input 0 is list \[1.0, 2.0\]; .* for many, call predict"),
        (lambda: MLP(2, [2])(None), "input 0 is NoneType None"),
        (lambda: MLP(2, [2])("ab"), "input 0 is str 'ab'"),
    ],
)
def test_arguments_of_the_wrong_kind_are_refused(make, message):
    with pytest.raises(TypeError, match=message):
        make()
