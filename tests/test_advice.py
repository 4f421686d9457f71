"""Obey the advice: each error that says what to write is taken at its word, and what it says works and means the same.

Where an argument silently meant something else, it is refused with the right spelling: the second table.
"""

import ast
import re
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule import MLP, Adam, Layer, Neuron, Value, cross_entropy, fit, grad, mse, softmax, sqrt, step, where

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 2))
y = (X[:, 0] > 0).astype(int)
ONE_HOT = np.eye(2)[y]
NAMES = np.array(["no", "yes"])[y]


def model(*arguments, **keywords):
    return MLP(2, *(arguments or ([3, 2],)), rng=0, **keywords)


def trained(labels=y, loss=cross_entropy, **keywords):
    """The parameters after a short training; two spellings of one training give the same."""
    m = model()
    fit(m, loss, X, labels, epochs=2, progress=False, **keywords)
    return [p.data for p in m.parameters()]


def trained_on_moons(m):
    fit(m, cross_entropy, cr.moons(10), epochs=1, progress=False)
    return [p.data for p in m.parameters()]


def numbers(values):
    return np.vectorize(float)(np.array(values, dtype=object)).tolist()


def compiled(f, *arrays):
    return cr.compile(f)(*(arrays or (X,))).tolist()


class Tensor:
    """What other libraries' numbers and arrays look like from outside."""

    def __init__(self, held):
        self.held, self.shape = np.array(held), np.shape(held)

    def item(self):
        return self.held.item()

    def tolist(self):
        return self.held.tolist()

    def __len__(self):
        if not self.shape:
            raise TypeError("len() of a 0-d tensor")
        return len(self.held)


def rounding(x):
    return x * round(x)


def branching(x):
    return x[0] * x[0] if x[0] > 0 else -x[0]


def largest_by_max(x):
    values = [x[0] * 2.0, x[1] + 1.0]
    largest = max(v.data for v in values)
    exps = [(v - largest).exp() for v in values]
    return (exps[0] / sum(exps)).log()


def root_by_if(x):
    return sqrt(x[0]) if x[0] > 0 else 0.0 * x[0]


def by_hand(x):
    return np.log(np.exp(2.0 * X[:, 0]) / (np.exp(2.0 * X[:, 0]) + np.exp(X[:, 1] + 1.0)))


SAME_TRAINING = trained()

# What is written, what the error says of it, what is written then, and what that must give.
ADVICE = {
    "one-hot labels": (
        lambda: trained(ONE_HOT), "got list [0.0, 1.0]; for one-hot rows of shape (n, classes), write y.argmax(axis=1)",
        lambda: trained(ONE_HOT.argmax(axis=1)), SAME_TRAINING,
    ),
    "a column of labels": (
        lambda: trained(y.reshape(-1, 1)), "write y.ravel().astype(int)",
        lambda: trained(y.reshape(-1, 1).ravel().astype(int)), SAME_TRAINING,
    ),
    "labels as floats": (
        lambda: trained(y.astype(float)), "write y.astype(int)",
        lambda: trained(y.astype(float).astype(int)), SAME_TRAINING,
    ),
    "names as labels": (
        lambda: cross_entropy([Value(1.0), Value(2.0)], "yes"), "names, y = np.unique(y, return_inverse=True)",
        lambda: trained(np.unique(NAMES, return_inverse=True)[1]), SAME_TRAINING,
    ),
    "softmax of a matrix": (
        lambda: softmax(X), "write [softmax(row) for row in logits]",
        lambda: [numbers(softmax(row)) for row in X[:2]], (np.exp(X[:2]) / np.exp(X[:2]).sum(1)[:, None]).tolist(),
    ),
    "logsumexp of a matrix": (
        lambda: cr.logsumexp(X), "write [logsumexp(row) for row in ...]",
        lambda: [cr.logsumexp(row) for row in X], np.log(np.exp(X).sum(axis=1)).tolist(),
    ),
    "total of a matrix": (
        lambda: cr.total(X), "for all numbers together .ravel()", lambda: cr.total(X.ravel()), X.sum(),
    ),
    "cross_entropy of all examples": (
        lambda: cross_entropy(X, y), "write [cross_entropy(row, label) for row, label in zip(logits, labels)]",
        lambda: [float(cross_entropy(row, label)) for row, label in zip(X, y)],
        (np.log(np.exp(X).sum(axis=1)) - X[np.arange(12), y]).tolist(),
    ),
    "cross_entropy with its arguments swapped": (
        lambda: cross_entropy(1, [Value(1.0), Value(2.0)]), "write cross_entropy(logits, label)",
        lambda: cross_entropy([Value(1.0), Value(2.0)], 1).data, np.log1p(np.exp(-1.0)),
    ),
    "a number of test rows": (
        lambda: cr.train_test_split(X, y, test_size=4), "for 4 of these 12 examples, write test_size=4 / 12",
        lambda: len(cr.train_test_split(X, y, test_size=4 / 12)[1]), 4,
    ),
    "predict of one example": (
        lambda: model().predict([1.0, 2.0]), "for the outputs of one example, write model(x) or predict([x])",
        lambda: model().predict([[1.0, 2.0]])[0].tolist(), numbers(model()([1.0, 2.0])),
    ),
    "a model called with all examples": (
        lambda: model()(X), "for many examples, call predict",
        lambda: model().predict(X).tolist(), [numbers(model()(x)) for x in X],
    ),
    "a tensor of one number": (
        lambda: Value(Tensor(3.0)), "write .item() behind it, as in Value(x.item())",
        lambda: Value(Tensor(3.0).item()).data, 3.0,
    ),
    "a tensor of one number in a function": (
        lambda: cr.exp(Tensor(0.0)), "write .item() behind it", lambda: cr.exp(Tensor(0.0).item()), 1.0,
    ),
    "a vector": (
        lambda: Value(np.array([1.0, 2.0])), "write [Value(x) for x in array.tolist()]",
        lambda: [Value(x).data for x in np.array([1.0, 2.0]).tolist()], [1.0, 2.0],
    ),
    "a tensor of several numbers": (
        lambda: Value(Tensor([1.0, 2.0])), "write [Value(x) for x in array.tolist()]",
        lambda: [Value(x).data for x in Tensor([1.0, 2.0]).tolist()], [1.0, 2.0],
    ),
    "a matrix": (
        lambda: Value(X), "write [[Value(x) for x in row] for row in array.tolist()]",
        lambda: [[Value(x).data for x in row] for row in X.tolist()], X.tolist(),
    ),
    "a list": (lambda: Value([1.0]), "write [Value(x) for x in ...]", lambda: [Value(x).data for x in [1.0]], [1.0]),
    "a dict": (
        lambda: Value({"a": 1.0}), "write {name: Value(x) for name, x in numbers.items()}",
        lambda: {name: Value(x).data for name, x in {"a": 1.0}.items()}, {"a": 1.0},
    ),
    "text": (lambda: Value("2"), "write Value(float('2'))", lambda: Value(float("2")).data, 2.0),
    "bytes": (lambda: Value(b"2"), "write Value(float(b'2'))", lambda: Value(float(b"2")).data, 2.0),
    "text in a function": (lambda: cr.exp("0"), "write float('0')", lambda: cr.exp(float("0")), 1.0),
    "a Decimal": (lambda: Value(Decimal(2)), "write Value(float(...))", lambda: Value(float(Decimal(2))).data, 2.0),
    "a bool": (lambda: Value(True), "write Value(1.0)", lambda: Value(1.0).data, 1.0),
    "a branch": (
        lambda: compiled(branching), "in place of `if x > 0`, where(step(x), a, b)",
        lambda: compiled(lambda x: where(step(x[0]), x[0] * x[0], -x[0])), [branching(x) for x in X],
    ),
    "a branch around what has no value": (
        lambda: compiled(root_by_if), "where(step(x), x, 1.0) in place of x wherever a has no value at x <= 0",
        lambda: compiled(lambda x: where(step(x[0]), sqrt(where(step(x[0]), x[0], 1.0)), 0.0)),
        [float(root_by_if(x)) for x in X],
    ),
    "a softmax with max() and .data": (
        lambda: compiled(largest_by_max), "logsumexp(values) in place of max()",
        lambda: compiled(lambda x: x[0] * 2.0 - cr.logsumexp([x[0] * 2.0, x[1] + 1.0])), by_hand(X).tolist(),
    ),
    "max()": (
        lambda: compiled(lambda x: max(x[0], x[1])), "maximum(a, b)",
        lambda: compiled(lambda x: cr.maximum(x[0], x[1])), X.max(axis=1).tolist(),
    ),
    "an index": (
        lambda: cr.compile(lambda i: [1.0, 2.0, 3.0][i])(np.array([2, 0])), "write pick(values, index)",
        lambda: cr.compile(lambda i: cr.pick([1.0, 2.0, 3.0], i))(np.array([2, 0])).tolist(), [3.0, 1.0],
    ),
    "lr": (
        lambda: trained(lr=0.1), "write learning_rate=0.1", lambda: trained(learning_rate=0.1),
        trained(optimiser=lambda params, **given: Adam(params, 0.1)),
    ),
    "optimizer": (lambda: trained(optimizer=Adam), "write optimiser=", lambda: trained(optimiser=Adam), SAME_TRAINING),
    "batchsize": (lambda: trained(batchsize=16), "write batch_size=16", lambda: trained(batch_size=16), SAME_TRAINING),
    "random_state": (lambda: trained(random_state=0), "write seed=0", lambda: trained(seed=0), SAME_TRAINING),
    "verbose": (
        lambda: fit(model(), cross_entropy, X, y, verbose=0), "write progress=False",
        lambda: fit(model(), cross_entropy, X, y, epochs=1, progress=0).epochs, [0, 1],
    ),
    "early_stopping": (
        lambda: trained(early_stopping=True), "write patience=10, which ends after so many epochs without a lower loss",
        lambda: trained(patience=10), SAME_TRAINING,
    ),
    "momentum": (
        lambda: trained(momentum=0.9), "write optimiser=nn.SGD(model, learning_rate=..., momentum=...)",
        lambda: len(trained(optimiser=lambda params, **given: cr.SGD(params, learning_rate=0.1, momentum=0.9))), 17,
    ),
    "ReLU": (
        lambda: model([3, 2], activation="ReLU"), "write activation='relu'",
        lambda: repr(model([3, 2], activation="relu")), repr(model([3, 2])),
    ),
    "no activation": (
        lambda: Neuron(2, activation=None), "write activation='linear'",
        lambda: repr(Neuron(2, activation="linear")), "LinearNeuron(2)",
    ),
    "betas": (
        lambda: Adam(model(), 0.1, (0.8, 0.9)), "write beta1=0.8, beta2=0.9",
        lambda: vars(Adam(model(), 0.1, beta1=0.8, beta2=0.9))["beta2"], 0.9,
    ),
    "accuracy of scores": (
        lambda: cr.accuracy([0.7, 0.2], [1, 0]), "threshold=0.5 for probabilities",
        lambda: cr.accuracy([0.7, 0.2], [1, 0], threshold=0.5), 1.0,
    ),
    "names in accuracy": (
        lambda: cr.accuracy(["no", "yes"], [0, 1]), "write their numbers: names.index(name)",
        lambda: cr.accuracy([["no", "yes"].index(name) for name in ("no", "yes")], [0, 1]), 1.0,
    ),
    "one output and softmax": (
        lambda: model([3, 1], output="softmax"), "write output='sigmoid'",
        lambda: 0.0 < model([3, 1], output="sigmoid")([1.0, 2.0]).data < 1.0, True,
    ),
    "no layers": (lambda: model([]), "write MLP(4, [16, 3])", lambda: len(MLP(4, [16, 3])([1.0] * 4)), 3),
    "the class in place of an optimiser's model": (
        lambda: fit(model(), cross_entropy, X, y, optimiser=cr.SGD(model(), 0.1)), "write SGD(model)",
        lambda: (lambda m: fit(m, cross_entropy, X, y, epochs=1, progress=False, optimiser=cr.SGD(m)).epochs)(model()),
        [0, 1],
    ),
    "a derivative of a Value": (
        lambda: grad(Value(3.0)), "for a Value write gradients(y, xs)",
        lambda: (lambda x: cr.gradients(x * x, [x])[0].data)(Value(3.0)), 6.0,
    ),
    "gradients to a model": (
        lambda: cr.gradients(model()([1.0, 2.0])[0], [model()]), "of a model, give .parameters()",
        lambda: (lambda m: len(cr.gradients(m([1.0, 2.0])[0], m.parameters())))(model()), 17,
    ),
    "grad of several outputs": (
        lambda: grad(lambda x: [x, x * x])(3.0), "is jacobian meant?",
        lambda: cr.jacobian(lambda x: [x, x * x])(3.0).tolist(), [1.0, 6.0],
    ),
    "changed data": (lambda: changed(), "call y.refresh()", lambda: changed(refresh=True), 10.0),
    "params with one Value": (
        lambda: cr.compile(lambda x: x, params=Value(1.0)), "write params=[...], with the Value in a list",
        lambda: cr.compile(lambda x: x, params=[Value(1.0)]).parameters().tolist(), [1.0],
    ),
    "parameters without ()": (
        lambda: cr.compile(lambda x: x, params=model().parameters), "write params=model.parameters(), with ()",
        lambda: len(cr.compile(lambda x: x, params=model().parameters()).parameters()), 17,
    ),
    "no parameters": (
        lambda: cr.compile(lambda x: x * x)(X[:, 0]) is None or cr.compile(lambda x: x * x).value_and_grad(X[:, 0]),
        "use input_gradients", lambda: cr.compile(lambda x: x * x).input_gradients(X[:, 0]).tolist(),
        (2.0 * X[:, 0]).tolist(),
    ),
    "an array of objects": (
        lambda: compiled(lambda x: x[0], X.astype(object)), "write x.astype(float)",
        lambda: compiled(lambda x: x[0], X.astype(object).astype(float)), X[:, 0].tolist(),
    ),
    "a cleared gradient": (
        lambda: cleared(None), "to clear a gradient, set it to 0.0", lambda: cleared(0.0), 6.0,
    ),
    "a rounded number in a derivative": (
        lambda: grad(rounding)(2.4), "write cr.floor, cr.ceil, cr.trunc or cr.rint, which take Values",
        lambda: grad(lambda x: x * cr.rint(x))(2.4), 2.0,
    ),
    "a model in place of a loss, stepped through": (
        lambda: cr.steps(model()), "got MLP; call it with an example, and take the Value that it gives",
        lambda: repr(cr.steps(model()([1.0, 2.0])[0]))[:10], "<Page: h2_",
    ),
    "a list in place of a loss, stepped through": (
        lambda: cr.steps(model()([1.0, 2.0])), "take one of its entries",
        lambda: repr(cr.steps(model()([1.0, 2.0])[0]))[:10], "<Page: h2_",
    ),
    "a plain number that is drawn": (
        lambda: cr.draw(6.0), "compute with Values, as in Value(2.0) * 3",
        lambda: repr(cr.draw(Value(2.0) * 3)), "<Drawing: v2 = 6, computed from 1 value>",
    ),
    "a check of nothing": (
        lambda: cr.gradcheck(lambda: Value(1.0)), "no numbers to check it at; write gradcheck(f, 2.0)",
        lambda: bool(cr.gradcheck(lambda x: x * x, 2.0)), True,
    ),
    "a check of no function": (
        lambda: cr.gradcheck(Value(2.0)), "as f; write gradcheck(f, 2.0), with a function f",
        lambda: bool(cr.gradcheck(lambda x: x * x, 2.0)), True,
    ),
    "more outputs than classes": (
        lambda: fit(MLP(2, [3]), cross_entropy, cr.moons(10), epochs=1, progress=False),
        "the model has 3 outputs, and the data have 2 classes: 'upper', 'lower'; write MLP(…, [16, 2])",
        lambda: trained_on_moons(MLP(2, [16, 2], rng=0)), trained_on_moons(MLP(2, [16, cr.moons(10).outputs], rng=0)),
    ),
    "a text beside an operator": (
        lambda: Value(2.0) * "3", "multiply takes numbers and Values, got str '3'; write float('3')",
        lambda: (Value(2.0) * float("3")).data, 6.0,
    ),
    "a text before an operator": (
        lambda: "3" + Value(2.0), "add takes numbers and Values, got str '3'; write float('3')",
        lambda: (float("3") + Value(2.0)).data, 5.0,
    ),
    "a list beside an operator": (
        lambda: [1.0, 2.0] * Value(2.0), "got list [1.0, 2.0]; take its elements one by one",
        lambda: [(x * Value(2.0)).data for x in [1.0, 2.0]], [2.0, 4.0],
    ),
    "a hat for a power": (lambda: Value(3.0) ^ 2, "for a power, write x ** y", lambda: (Value(3.0) ** 2).data, 9.0),
    "sizes of an MLP in one list": (
        lambda: MLP([2, 3, 1]), "write MLP(2, [3, 1])", lambda: len(MLP(2, [3, 1]).parameters()), 13,
    ),
    "a loss by its name": (
        lambda: trained(loss="cross-entropy"), "; write nn.cross_entropy",
        lambda: trained(loss=cr.nn.cross_entropy), trained(),
    ),
    "an optimiser by its name": (
        lambda: trained(optimiser="adam"), "; write nn.Adam", lambda: trained(optimiser=cr.nn.Adam), trained(),
    ),
    "a metric by its name": (
        lambda: trained(metrics="accuracy"), "; write nn.accuracy",
        lambda: trained(metrics=cr.nn.accuracy), trained(),
    ),
    "a loss for each output": (
        lambda: trained(ONE_HOT, lambda p, t: [(a - b) ** 2 for a, b in zip(p, t)]), "one Value, as their mean",
        lambda: trained(ONE_HOT, lambda p, t: sum((a - b) ** 2 for a, b in zip(p, t)) / 2), trained(ONE_HOT, mse),
    ),
}  # fmt: skip


def changed(refresh=False):
    x = Value(2.0)
    squared = x * x
    x.data = 5.0
    if refresh:
        squared.refresh()
    return cr.gradients(squared, [x])[0].data


def cleared(with_what):
    x = Value(3.0)
    x.grad = with_what
    (x * x).backward()
    return x.grad


@pytest.mark.parametrize("name", ADVICE)
@pytest.mark.filterwarnings("ignore:.*cannot be compiled:RuntimeWarning")
def test_obeyed_advice_works_and_means_the_same(name):
    written, said, obeyed, expected = ADVICE[name]
    with pytest.raises((TypeError, ValueError), match=re.escape(said)):
        written()
    result = obeyed()
    if isinstance(expected, (float, list)):
        np.testing.assert_allclose(numbers(result), expected, rtol=1e-12, atol=1e-12)
    else:
        assert result == expected


# An argument that is in the wrong place, the right spelling, and what that is.
MISPLACED = {
    "Neuron(2, 'tanh')": (lambda: Neuron(2, "tanh"), "write activation='tanh'"),
    "Neuron(2, tanh)": (lambda: Neuron(2, cr.tanh), "write activation='tanh'"),
    "Neuron(2, function)": (lambda: Neuron(2, branching), "write activation=branching"),
    "Neuron(2, 3)": (lambda: Neuron(2, 3), "write Layer(inputs, neurons)"),
    "Neuron(2, None)": (lambda: Neuron(2, None), "True or False; got None"),
    "Layer(2, 3, nonlin='tanh')": (lambda: Layer(2, 3, nonlin="tanh"), "write activation='tanh'"),
    "MLP(2, 3, 1)": (lambda: MLP(2, 3, 1), "write MLP(2, [3, 1])"),
    "MLP(2, [3, 4], 1)": (lambda: MLP(2, [3, 4], 1), "write MLP(2, [3, 4, 1])"),
    "MLP(2, 3, [4, 1])": (lambda: MLP(2, 3, [4, 1]), "write MLP(2, [3, 4, 1])"),
    "MLP(2, 3, True)": (lambda: MLP(2, 3, True), "the third argument of an MLP is its activation, got True"),
    "MLP(2, 3, 'nonsense')": (lambda: MLP(2, 3, "nonsense"), "activation='nonsense' is not one of"),
    "MLP(2, 3, 4, 1)": (lambda: MLP(2, 3, 4, 1), "positional arguments"),
    "MLP(2, 3, 'Tanh')": (lambda: MLP(2, 3, "Tanh"), "write activation='tanh'"),
    "Layer(2, 3, 'tanh')": (lambda: Layer(2, 3, "tanh"), "positional arguments"),
    "Adam(model, 0.1, betas)": (lambda: Adam(model(), 0.1, (0.9, 0.99)), "write beta1=0.9, beta2=0.99"),
    "SGD(model, 0.1, True)": (lambda: cr.SGD(model(), 0.1, True), "write momentum=0.9"),
    "SGD(0.1, model)": (lambda: cr.SGD(0.1, model()), "SGD takes a model or a list of Values, got float 0.1"),
    "Value(1.0, 'a')": (lambda: Value(1.0, "a"), "a name is label=..."),
    "train_test_split(X, y, 3)": (lambda: cr.train_test_split(X, y, 3), "write test_size=3 / 12"),
    "train_test_split(X, y, True)": (lambda: cr.train_test_split(X, y, True), "test_size is a share"),
    "grad(f, x)": (lambda: grad(lambda x: x, 3.0), "float"),
    "grad(f, True)": (lambda: grad(lambda x, y: x * y, True), "argnums"),
    "jacobian(f, x)": (lambda: cr.jacobian(lambda x: x, 3.0), "positional argument"),
    "gradients(xs, y)": (lambda: cr.gradients([Value(1.0)], Value(2.0)), "gradients: y is list"),
    "diagnose(params, loss)": (lambda: cr.diagnose([Value(1.0)], Value(2.0)), "the loss is list"),
    "pick(index, values)": (lambda: cr.pick(1, [Value(1.0), Value(2.0)]), "pick takes lists"),
    "logsumexp(a, b)": (lambda: cr.logsumexp(1.0, 2.0), "takes 1 positional argument"),
    "maximum(list)": (lambda: cr.maximum([1.0, 2.0]), "maximum takes 2 arguments, got 1"),
    "fit(model, loss, X, y, 50)": (lambda: fit(model(), cross_entropy, X, y, 50), "positional arguments"),
    "fit(model, X, y, loss)": (lambda: fit(model(), X, y, cross_entropy), "the loss is a function"),
    "compile(f, X)": (lambda: cr.compile(lambda x: x, X), "not a Value"),
    "draw_dot(root, 'LR')": (lambda: cr.draw_dot(Value(1.0), "LR"), "format"),
    "draw(value, 'dark')": (lambda: cr.draw(Value(1.0), "dark"), "positional argument"),
    "uniform(1, -1)": (lambda: cr.init.uniform(1, -1), "low"),
    "mse of a label first": (lambda: mse(1.0, [1.0, 2.0]), "mse got 1 prediction and 2 targets"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISPLACED)
def test_an_argument_in_the_wrong_place_is_refused_with_the_right_spelling(name):
    written, said = MISPLACED[name]
    with pytest.raises((TypeError, ValueError), match=re.escape(said)):
        written()


def test_what_stands_in_the_right_place_is_taken():
    taken = [Neuron(2, nonlin).nonlin for nonlin in (True, False, np.bool_(True), 1, 0)]
    assert taken == [True, False, True, True, False]
    assert repr(MLP(2, 1, "tanh")) == repr(MLP(2, [1], cr.tanh)) == "MLP of [Layer of [LinearNeuron(2)]]"


def test_the_help_of_step_says_that_steps_is_the_picture():
    assert "`steps` is the page that shows backward() step by step" in cr.step.__doc__
    assert "`steps` is the page" in Value.step.__doc__


FLOORS = {"cr": cr, "nn": cr.nn, "engine": cr.engine, "viz": cr.viz}
THEIRS = {"nn.Linear"}  # a part of PyTorch's


def test_each_name_that_a_text_of_ours_tells_to_write_is_there():
    """Errors, docstrings and notices: what is written as `cr.name` or `nn.name` in them exists."""
    missing, found = [], 0
    for floor in FLOORS.values():
        for path in Path(floor.__file__).parent.rglob("*.py"):
            texts = [
                node.value for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Constant)
            ]
            for written in re.findall(
                r"\b(?:cr|nn)(?:\.[A-Za-z]\w*)+", "\n".join([t for t in texts if isinstance(t, str)])
            ):
                base, *names = written.split(".")
                thing = FLOORS[base]
                for name in names:
                    thing = getattr(thing, name, None)
                found += 1
                missing += [f"{path.name}: {written}"] * (thing is None and written not in THEIRS)
    assert missing == [] and found > 100
