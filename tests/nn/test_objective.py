"""fit trains by compiled programs as by eager code; where it cannot, it uses eager code and warns."""

import math
import random
import warnings

import numpy as np
import pytest

import chainrule.nn.objective
from chainrule.engine import DomainError, Value
from chainrule.nn import MLP, SGD, Adam, Layer, Module, accuracy, cross_entropy, fit, mse

X = np.random.default_rng(0).uniform(-1, 1, (11, 2))
CLASSES = np.arange(11) % 3
LINE = X[:, 0] - 2 * X[:, 1]


def trained(make, loss, X, y, compiled, **options):
    net = make()
    history = fit(net, loss, X, y, **{"epochs": 3, "batch_size": 4, "progress": False, "compiled": compiled, **options})
    return net, history


def numbers(net):
    return [p.data for p in net.parameters()]


def assert_same(one, other):
    (net, history), (twin, expected) = one, other
    # The numbers are about 1; rounding errors of 1e-16 grow over 9 steps, and 1e-9 leaves room.
    np.testing.assert_allclose(numbers(net), numbers(twin), rtol=1e-9, atol=1e-9)
    assert history.epochs == expected.epochs
    for name in ("train_loss", "test_loss"):
        np.testing.assert_allclose(getattr(history, name), getattr(expected, name), rtol=1e-9, atol=1e-9)
    assert history.metrics == expected.metrics


def classifier():
    return MLP(2, [4, 3], activation="tanh", rng=0)


def frozen():
    net = classifier()
    for p in net.layers[0].parameters():
        p.requires_grad = False
    return net


CASES = {
    "classes": (classifier, cross_entropy, X, CLASSES, {"metrics": [accuracy], "validation": (X[:3], CLASSES[:3])}),
    "one output": (lambda: MLP(2, [4, 1], rng=1), mse, X, LINE, {}),
    "one number in": (lambda: MLP(1, [4, 1], activation="tanh", rng=1), mse, X[:, 0], LINE, {"optimiser": SGD}),
    "several outputs": (lambda: MLP(2, [4, 2], activation="tanh", rng=1), mse, X, X[:, ::-1], {"batch_size": 1}),
    "softmax": (lambda: MLP(2, [4, 2], output="softmax", rng=1), mse, X, X, {"optimiser": Adam}),
    "frozen": (frozen, cross_entropy, X, CLASSES, {}),
    "a loss of one's own": (classifier, lambda p, t: abs(p[0] - t) + p[1] * p[2], X, CLASSES, {}),
    "one row": (classifier, cross_entropy, X[:1], CLASSES[:1], {}),
}


@pytest.mark.parametrize("name", CASES)
def test_compiled_training_gives_the_numbers_of_eager_training(name):
    *case, options = CASES[name]
    assert_same(trained(*case, True, **options), trained(*case, False, **options))


def test_an_optimiser_of_the_last_layer_moves_only_that_layer():
    nets = [classifier(), classifier()]
    for net, compiled in zip(nets, [True, False]):
        optimiser = SGD(net.layers[-1], 0.1)
        fit(net, cross_entropy, X, CLASSES, epochs=2, optimiser=optimiser, progress=False, compiled=compiled)
    assert numbers(nets[0]) == pytest.approx(numbers(nets[1]), abs=1e-12)
    assert numbers(nets[0].layers[0]) == numbers(classifier().layers[0])


def test_large_batches_are_computed_in_parts(monkeypatch):
    whole = trained(classifier, cross_entropy, X, CLASSES, True, batch_size=11)
    monkeypatch.setattr(chainrule.nn.objective, "CHUNK", 3)
    assert_same(trained(classifier, cross_entropy, X, CLASSES, True, batch_size=11), whole)


class Counting(Module):
    def __init__(self):
        self.net, self.calls, self.factor = classifier(), 0, 1.0

    def __call__(self, x):
        self.calls += 1
        return [self.factor * score for score in self.net(x)]


def test_compiled_training_calls_the_model_only_to_trace_and_to_check():
    net, _ = trained(Counting, cross_entropy, X, CLASSES, True, epochs=50, every=50)
    assert net.calls < 60 < 50 * 11


def by_data(prediction, target):
    return prediction[0] * (2.0 if prediction[1].data > 0 else 1.0)


def by_target(prediction, target):
    return prediction[0] * (2.0 if target == 2 else 1.0)


def by_kind(prediction, target):
    return prediction[0] * (2.0 if isinstance(target, int) else 1.0)


@pytest.mark.parametrize(
    ("loss", "y", "why"),
    [
        (by_data, CLASSES, "TraceError: .*test_objective.py.* was read"),
        (by_target, CLASSES, "TraceError: .*test_objective.py.* was read"),
        (
            by_kind,
            CLASSES,
            "ValueError: example 0: run eagerly, the function gives .*, and as it was traced .* isinstance",
        ),
    ],
)
def test_a_loss_that_cannot_be_traced_trains_eagerly_with_one_warning(loss, y, why):
    said = rf"fit trains with eager code.*: the loss cannot be compiled: .*{why}"
    with pytest.warns(RuntimeWarning, match=said) as seen:
        found = trained(classifier, loss, X, y, True)
    assert len(seen) == 1 and seen[0].filename == __file__
    twin = trained(classifier, loss, X, y, False)
    assert numbers(found[0]) == numbers(twin[0]) and found[1].train_loss == twin[1].train_loss


def test_a_model_with_random_numbers_trains_eagerly():
    class Dropout(Counting):
        def __call__(self, x):
            self.factor = float(source.random() < 0.5)
            return super().__call__(x)

    source = random.Random(0)
    with pytest.warns(RuntimeWarning, match="fit trains with eager code"):
        net, _ = trained(Dropout, cross_entropy, X, CLASSES, True)
    assert net.calls > 4 * 11


def test_a_change_of_the_model_by_a_callback_is_noticed():
    def hotter(net, history):
        net.factor = 1.0 + history.epochs[-1]

    with pytest.warns(
        RuntimeWarning, match="the loss has changed since it was compiled: the loss of example 1 is"
    ) as seen:
        found = trained(Counting, cross_entropy, X, CLASSES, True, callbacks=hotter)
    assert len(seen) == 1
    assert_same(found, trained(Counting, cross_entropy, X, CLASSES, False, callbacks=hotter))


def test_compiled_false_warns_of_nothing():
    with warnings.catch_warnings(record=True) as seen:
        trained(classifier, by_data, X, CLASSES, False)
    assert not seen


class Log(Module):
    """log(w·x), which is undefined once a step has made w negative."""

    def __init__(self):
        self.w = Value(1.0, label="w")

    def __call__(self, x):
        return (self.w * x).log()


@pytest.mark.parametrize("compiled", [True, False])
def test_the_error_about_a_step_out_of_the_domain_names_the_example_and_the_formula(compiled):
    net = Log()
    with pytest.raises(DomainError, match=r"example [01]: log\(-\d.* has no real value"):
        fit(net, lambda p, t: p, [1.0, 2.0], [0, 0], optimiser=SGD(net, 5.0), progress=False, compiled=compiled)
    assert np.isfinite(net.w.data) and net.w.grad == 0.0


@pytest.mark.parametrize("compiled", [True, False])
def test_the_error_about_a_loss_that_overflows_names_the_example_and_the_node(compiled):
    net = Layer(1, 1, nonlin=False, rng=0)
    with pytest.raises(
        FloatingPointError, match=r"the loss of example 0 is inf in epoch \d+; the first inf is .*\*\*2"
    ):
        fit(net, mse, [1e3], [0.0], epochs=99, optimiser=SGD(net, 1e3), progress=False, compiled=compiled)
    assert np.isfinite(numbers(net)).all()


@pytest.mark.parametrize("compiled", [True, False])
def test_the_error_about_a_gradient_that_is_nan_names_the_example_and_the_node(compiled):
    class Root(Module):
        def __init__(self):
            self.w = Value(0.0, label="w")

        def __call__(self, x):
            return (self.w**2 + x) ** 0.5

    net = Root()
    with pytest.raises(
        FloatingPointError, match=r"the gradient of example 1 is nan in epoch 1; it starts where .*0\.0"
    ):
        fit(net, lambda y, _: y, [1.0, 0.0, 2.0], [1.0] * 3, progress=False, batch_size=3, compiled=compiled)
    assert (net.w.data, net.w.grad) == (0.0, 0.0)


def test_an_interrupt_in_a_compiled_step_keeps_the_last_finished_step():
    after = []

    class Interrupted(SGD):
        def update(self, theta, gradient):
            if len(after) == 5:
                raise KeyboardInterrupt
            after.append(super().update(theta, gradient).tolist())
            return np.array(after[-1])

    net = classifier()
    history = fit(net, cross_entropy, X, CLASSES, batch_size=2, optimiser=Interrupted(net, 0.1), progress=False)
    assert history.interrupted and numbers(net) == after[-1]
    assert all(p.grad == 0 and type(p) is Value for p in net.parameters())


class Held(Module):
    """w·x + b, where no list holds b."""

    def __init__(self, b):
        self.w, self.held = Value(0.5, label="w"), {b}

    def __call__(self, x):
        return self.w * x[0] + next(iter(self.held))


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("rows", [1, 11])
def test_a_leaf_that_no_list_holds_is_named_once_by_the_line_that_called_fit(compiled, rows):
    b = Value(0.25, label="b")
    said = (
        r"the loss depends on b, which no list of parameters holds, so fit does not train it; if it is to learn, keep"
    )
    with pytest.warns(RuntimeWarning, match=said) as seen:
        fit(Held(b), mse, X[:rows], LINE[:rows], epochs=3, progress=False, compiled=compiled)
    assert len(seen) == 1 and seen[0].filename == __file__ and b.data == 0.25
    with warnings.catch_warnings():  # what it advises
        warnings.simplefilter("error")
        for net in (Held(0.25), Held(Value(0.25, requires_grad=False))):
            fit(net, mse, X[:rows], LINE[:rows], epochs=3, progress=False, compiled=compiled)
        net = Held(b)
        net.kept = [b]
        fit(net, mse, X[:rows], LINE[:rows], epochs=3, progress=False, compiled=compiled)
    assert b.data != 0.25


def test_inputs_and_targets_that_are_made_values_are_no_forgotten_parameters():
    class Wrapping(Module):
        def __init__(self):
            self.w = Value(0.5)

        def __call__(self, x):
            return self.w * Value(float(x[0])) + Value(1.0)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(Wrapping(), mse, X, LINE, epochs=2, progress=False, compiled=False)


@pytest.mark.parametrize("compiled", [True, False])
def test_a_softmax_model_learns_classes_as_its_scores_do(compiled):
    nets = [MLP(2, [4, 3], activation="tanh", output=output, rng=0) for output in ("softmax", "linear")]
    histories = [fit(net, cross_entropy, X, CLASSES, epochs=3, progress=False, compiled=compiled) for net in nets]
    assert numbers(nets[0]) == numbers(nets[1]) and histories[0].train_loss == histories[1].train_loss
    np.testing.assert_allclose(nets[0].predict(X).sum(axis=1), 1.0, rtol=1e-14)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize(
    ("output", "loss", "said"),
    [
        (
            "softmax",
            lambda p, t: cross_entropy([1.0 * each for each in p], t),
            "softmax twice: .* take it of the scores",
        ),
        ("sigmoid", cross_entropy, "sigmoid before softmax: .* leave the last sigmoid out: output='linear'"),
    ],
    ids=["softmax", "sigmoid"],
)
def test_a_loss_of_scores_that_gets_probabilities_is_named(output, loss, said, compiled):
    net = MLP(2, [4, 3], activation="tanh", output=output, rng=0)
    with pytest.warns(RuntimeWarning, match=said) as seen:
        fit(net, loss, X, CLASSES, epochs=1, progress=False, compiled=compiled)
    assert len(seen) == 1 and seen[0].filename == __file__


class Reading(Module):
    def __init__(self, read):
        self.w, self.b, self.read = Value(0.5, label="w"), Value(0.1, label="b"), read

    def __call__(self, x):
        return self.w * x[0] + self.read(self.b)


@pytest.mark.parametrize("read", [math.exp, float, lambda b: b.data, lambda b: math.exp(b) + b], ids=range(4))
def test_a_parameter_whose_number_is_read_is_said_not_to_learn_from_it(read):
    said = (
        r"the number of b was read.*From a number that is read, b gets no gradient: .* b does not learn.*chainrule.exp"
    )
    with pytest.warns(RuntimeWarning, match=said):
        fit(Reading(read), mse, X, LINE, epochs=1, progress=False)
    net = Reading(lambda b: b.exp())
    fit(net, mse, X, LINE, epochs=1, progress=False)
    assert net.b.data != 0.1


def test_rounding_in_a_training_that_diverges_is_no_branch():
    class Cancelling(Module):
        """Near w = 1e8 the loss keeps hardly a digit: compiled and eager code may differ in all of them."""

        def __init__(self):
            self.w = Value(1.0)

        def __call__(self, x):
            return ((self.w + x) ** 2 - self.w**2 - 2.0 * self.w * x) * 1e6

    net = Cancelling()

    def far(model, history):
        net.w.data = 1e12 + history.epochs[-1]

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(net, lambda p, t: p, X[:, 0], LINE, epochs=20, optimiser=SGD(net, 1e-300), progress=False, callbacks=far)
