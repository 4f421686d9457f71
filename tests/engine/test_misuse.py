"""diagnose names mistakes in how a model and a loss were put together, and says nothing where there are none."""

import collections
import dataclasses
import functools
import random
import types

import pytest

from chainrule import nn
from chainrule.engine import Value, diagnose, exp, log, sigmoid, softplus, tanh
from chainrule.nn import MLP, Module, cross_entropy, mse, softmax

GLOBAL = Value(0.5, label="b")


def found(loss, params):
    loss.backward()
    return {finding.kind: finding.sentence for finding in diagnose(loss, params).findings}


class Line(Module):
    """w·x + b, where b is wherever `put` puts it and `get` finds it."""

    def __init__(self, put=lambda b: None, get=None):
        self.w = Value(0.3, label="w")
        self.held = put(Value(0.1, label="b"))
        self.get = get

    def __call__(self, x):
        return self.w * x + self.get(self.held)


class OnTheClass(Line):
    b = Value(0.1, label="b")

    def __call__(self, x):
        return self.w * x + self.b


class Forgetful(Line):
    def __init__(self):
        super().__init__(lambda b: b)

    def parameters(self):
        return [self.w]

    def __call__(self, x):
        return self.w * x + self.held


class Global(Line):
    def __call__(self, x):
        return self.w * x + GLOBAL


@dataclasses.dataclass
class Data:
    b: Value


@dataclasses.dataclass(frozen=True, slots=True)
class Slots:
    b: Value


class Plain:
    def __init__(self, b):
        self.inner = {"b": [b]}

    @property
    def b(self):
        return self.inner["b"][0]


def closure(b):
    return lambda: b


SEARCHED = {
    "a dataclass": lambda: Line(Data, lambda held: held.b),
    "a dataclass with slots": lambda: Line(Slots, lambda held: held.b),
    "a plain object": lambda: Line(Plain, lambda held: held.b),
    "a SimpleNamespace": lambda: Line(lambda b: types.SimpleNamespace(b=b), lambda held: held.b),
    "a dict of lists": lambda: Line(lambda b: {0: [b]}, lambda held: held[0][0]),
}
NAMED = {
    "a set": lambda: Line(lambda b: {b}, lambda held: next(iter(held))),
    "a frozenset": lambda: Line(lambda b: frozenset([b]), lambda held: next(iter(held))),
    "a deque": lambda: Line(lambda b: collections.deque([b]), lambda held: held[0]),
    "the keys of a dict": lambda: Line(lambda b: {b: 1}, lambda held: next(iter(held))),
    "a UserList": lambda: Line(lambda b: collections.UserList([b]), lambda held: held[0]),
    "a partial": lambda: Line(lambda b: functools.partial(Value.__mul__, b), lambda held: held(1.0)),
    "a closure": lambda: Line(closure, lambda held: held()),
    "the class": OnTheClass,
    "a global": Global,
    "its own parameters()": Forgetful,
}


@pytest.mark.parametrize("where", SEARCHED)
def test_objects_that_a_module_holds_are_searched_for_parameters(where):
    model = SEARCHED[where]()
    assert [p.label for p in model.parameters()] == ["w", "b"]
    assert found(mse(model(1.0), 2.0), model) == {}


@pytest.mark.parametrize("where", NAMED)
def test_a_leaf_that_no_list_holds_is_named(where):
    model = NAMED[where]()
    assert [p.label for p in model.parameters()] == ["w"]
    for params in (model, model.parameters()):
        said = found(mse(model(1.0), 2.0), params)["unlisted leaf"]
        assert said.startswith(
            "the loss depends on b, which no list of parameters holds; if it is to learn, keep it in"
        )
        model.zero_grad()


def test_objects_of_libraries_are_not_searched():
    model = Line()
    model.source, model.thing = random.Random(0), types.ModuleType("thing")
    model.thing.b = model.source.b = Value(1.0)
    assert [p.label for p in model.parameters()] == ["w"]


def test_inputs_that_are_values_are_no_forgotten_parameters_of_a_model():
    model = MLP(2, [3, 1], activation="tanh", rng=0)
    xs = [Value(1.0, label="x1"), Value(2.0, label="x2")]
    assert found(mse(model(xs), Value(1.0)), model) == {}
    model.zero_grad()
    loss = mse(model([Value(1.0), Value(2.0)]), Value(1.0))  # the graph alone holds these inputs
    assert found(loss, model.parameters()) == {}
    model.zero_grad()
    frozen = [Value(1.0, requires_grad=False), Value(2.0, requires_grad=False)]
    assert found(mse(model(frozen), 1.0), model.parameters()) == {}


def test_cross_entropy_of_a_softmax_takes_the_logits():
    one, twin = MLP(2, [3], output="softmax", rng=0), MLP(2, [3], rng=0)
    loss, expected = cross_entropy(one([1.0, 2.0]), 1), cross_entropy(twin([1.0, 2.0]), 1)
    assert loss.data == expected.data and found(loss, one) == {}
    expected.backward()
    assert [p.grad for p in one.parameters()] == [p.grad for p in twin.parameters()]
    assert loss.data == pytest.approx(-log(one([1.0, 2.0])[1]).data, rel=1e-15)
    changed = softmax([Value(1.0), Value(2.0)])
    changed[0], changed[1] = changed[1], changed[0]  # no longer what softmax returned
    assert cross_entropy(changed, 0).data == cross_entropy([p.data for p in changed], 0)


def scores():
    return MLP(2, [3, 3], activation="tanh", rng=0)([1.0, -0.5])


def by_hand(values):
    tops = [exp(value) for value in values]
    total = sum(tops)
    return [top / total for top in tops]


@pytest.mark.parametrize("inner", [lambda z: list(softmax(z)), by_hand], ids=["softmax", "by hand"])
@pytest.mark.parametrize(
    "outer",
    [lambda p: cross_entropy(p, 0), lambda p: -log(softmax(p)[0]), lambda p: -log(by_hand(p)[0])],
    ids=["cross_entropy", "softmax", "by hand"],
)
def test_a_softmax_of_probabilities_is_named(inner, outer):
    z = scores()
    said = found(outer(inner(z)), [])["softmax twice"]
    assert "is taken of probabilities (0." in said and "add up to 1); take it of the scores" in said
    assert "softmax twice" not in found(outer(scores()), [])  # the advice
    assert "softmax twice" not in found(-log(inner(scores())[0]), [])


def test_sigmoids_where_scores_are_wanted_are_named():
    model = MLP(2, [4, 3], output="sigmoid", rng=0)
    said = found(cross_entropy(model([1.0, 2.0]), 1), model)["sigmoid before softmax"]
    assert "leave the last sigmoid out: output='linear'" in said
    assert found(cross_entropy(MLP(2, [4, 3], output="linear", rng=0)([1.0, 2.0]), 1), []) == {}
    w = Value(0.5)
    for outer in (sigmoid, softplus):
        assert "sigmoid twice" in found(outer(sigmoid(w * 2.0)), [w])
        w.grad = 0.0
        assert found(outer(w * sigmoid(w * 2.0)), [w]) == {}
        w.grad = 0.0


def test_outputs_that_are_misread_are_named_once_for_all_examples():
    model = MLP(2, [4, 3], output="sigmoid", rng=0)
    loss = sum(cross_entropy(model([float(i), 2.0]), i) for i in range(3))
    kinds = [finding.kind for finding in diagnose(loss, model).findings]
    assert kinds.count("sigmoid before softmax") == 1


def test_a_computed_parameter_is_named_with_the_updates_that_it_went_through():
    w = Value(1.0, label="w")
    for _ in range(3):
        loss = (w * 2.0 - 1.0) ** 2
        w.grad = 0.0
        loss.backward()
        w -= 0.1 * w.grad
    for each in ((w * 2.0 - 1.0) ** 2, loss):  # the next loss, or the last one
        said = found(each, [w])["no leaf"]
        assert "was computed: `w -= rate * w.grad` makes a new node, by now through 3 updates" in said
        assert "the graph grows with each; write w.data -= rate * w.grad" in said
    w = Value(1.0, label="w")
    for _ in range(3):
        loss = (w * 2.0 - 1.0) ** 2
        w.grad = 0.0
        loss.backward()
        w.data -= 0.1 * w.grad
    w.grad = 0.0
    assert found((w * 2.0 - 1.0) ** 2, [w]) == {}


@pytest.mark.parametrize("rate", [0.1, Value(0.1, requires_grad=False)])
def test_a_computed_parameter_of_a_module_is_named(rate):
    model = Line(lambda b: b, lambda b: b)
    mse(model(1.0), 2.0).backward()
    model.w = model.w - rate * model.w.grad
    model.held = model.held + -rate * model.held.grad
    model.last = model.w * 3.0  # a value that a model remembers is no parameter
    said = found(mse(model(1.0), 2.0), model)["no leaf"]
    assert "(and 1 more) was computed" in said


def test_neurons_that_begin_alike_are_named():
    for number, words in ((0.0, "have the same numbers (all of them 0)"), (0.5, "have the same numbers, and get")):
        model = MLP(2, [3, 1], activation="tanh", init=nn.init.uniform(number, number))
        said = found(mse(model([1.0, 2.0]), 1.0), model)["neurons alike"]
        assert f"the 3 neurons of layer 1 {words}" in said and "so they stay alike; draw them at random" in said
    before = MLP(2, [3, 1], activation="tanh", init=nn.init.uniform(0.5, 0.5))
    assert "neurons alike" in [finding.kind for finding in diagnose(mse(before([1.0, 2.0]), 1.0), before).findings]
    assert "neurons alike" not in found(mse(MLP(2, [3, 1], "tanh", rng=0)([1.0, 2.0]), 1.0), [])


def test_a_single_layer_may_begin_at_zero():
    model = MLP(2, [3], init=nn.init.uniform(0.0, 0.0))  # softmax regression
    assert found(cross_entropy(model([1.0, 2.0]), 1), model) == {}
    w = [Value(0.0) for _ in range(4)]
    assert found((sum(p * x for p, x in zip(w, [1.0, 1.0, 0.0, 2.0])) - 1.0) ** 2, w) == {}


@pytest.mark.parametrize("number", [0.0, 0.5])
def test_equal_weights_without_neurons_are_named(number):
    def loss(w):
        hidden = [tanh(w[2 * i] * 1.0 + w[2 * i + 1] * 2.0) for i in range(3)]
        return (sum(p * h for p, h in zip(w[6:], hidden)) - 1.0) ** 2

    equal = [Value(number) for _ in range(9)]
    assert f"all weights are {number!r}, and " in found(loss(equal), equal)["weights alike"]
    chance = random.Random(0)
    drawn = [Value(chance.uniform(-1, 1)) for _ in range(9)]
    assert found(loss(drawn), drawn) == {}
