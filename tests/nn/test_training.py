import gc
import signal

import numpy as np
import pytest

from chainrule import nn
from chainrule.engine import DomainError, Value, no_grad
from chainrule.nn import MLP, SGD, Adam, Module, Neuron, Optimiser, accuracy, cross_entropy, fit, mse

X = np.array([[0.5, -1.0], [1.5, 2.0], [-0.3, 0.8], [0.1, 0.2], [-1.0, -0.7]])
Y = np.array([0, 1, 2, 1, 0])
H = np.finfo(float).eps ** (1 / 3)  # truncation O(h²) and rounding O(eps / h) are then both about 1e-10


class Recorder(Optimiser):
    """An optimiser that keeps the gradients it gets, and moves nothing."""

    def __init__(self, params):
        super().__init__(params, 1.0)
        self.seen = []

    def update(self, theta, gradient):
        self.seen.append(gradient)
        return theta


def model():
    return MLP(2, [4, 3], activation="tanh", rng=0)


def quiet(*args, **kwargs):
    return fit(*args, progress=False, **kwargs)


def numbers(model):
    return [p.data for p in model.parameters()]


def mean_loss(net):
    return float(np.mean([cross_entropy(net(x), int(t)).data for x, t in zip(X, Y)]))


@pytest.mark.parametrize("batch_size", [5, 8])
def test_the_gradient_of_a_mini_batch_is_the_gradient_of_its_mean_loss(batch_size):
    net = model()
    recorder = Recorder(net.parameters())
    quiet(net, cross_entropy, X, Y, epochs=1, batch_size=batch_size, optimiser=recorder)
    for p, slope in zip(net.parameters(), recorder.seen[0]):
        at = p.data
        p.data = at + H
        above = mean_loss(net)
        p.data = at - H
        below = mean_loss(net)
        p.data = at
        assert slope == pytest.approx((above - below) / (2 * H), rel=1e-8, abs=1e-8)


@pytest.mark.parametrize(("batch_size", "sizes"), [(1, [1] * 5), (2, [2, 2, 1]), (5, [5]), (99, [5])])
def test_each_epoch_visits_each_example_once_in_mini_batches(batch_size, sizes):
    seen = []

    def loss(prediction, target):
        seen.append(target)
        return prediction * 1.0

    net = Neuron(1)
    recorder = Recorder(net.parameters())
    quiet(net, loss, np.arange(5.0), np.arange(5), epochs=2, batch_size=batch_size, optimiser=recorder, every=2,
          compiled=False)  # fmt: skip
    assert len(recorder.seen) == 2 * len(sizes)
    training = seen[5:-5]  # the first and the last calls record the loss
    assert sorted(training[:5]) == sorted(training[5:]) == list(range(5))
    assert training[:5] != training[5:]


def test_the_seed_decides_the_training():
    def trained(seed):
        net = model()
        quiet(net, cross_entropy, X, Y, epochs=3, batch_size=2, seed=seed)
        return numbers(net)

    state = np.random.get_state()[1].copy()  # noqa: NPY002 - it must stay untouched
    assert trained(1) == trained(1) != trained(2)
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002


def test_training_lowers_the_loss_and_records_it():
    net = model()
    history = quiet(
        net, cross_entropy, X, Y, epochs=60, batch_size=2, learning_rate=0.05, validation=(X[:2], Y[:2]),
        metrics=[accuracy], every=25,
    )  # fmt: skip
    assert history.epochs == [0, 25, 50, 60]
    assert len(history.train_loss) == len(history.test_loss) == 4
    assert history.train_loss[-1] < 0.1 < history.train_loss[0]
    assert history.train_loss[-1] == pytest.approx(mean_loss(net), rel=1e-14)
    assert list(history.metrics) == ["train accuracy", "test accuracy"]
    assert history.metrics["train accuracy"][-1] == accuracy(net.predict(X), Y) == 1.0
    assert [epoch for epoch, _ in history.snapshots] == history.epochs
    assert history.snapshots[-1][1].tolist() == numbers(net)
    assert not history.interrupted


def test_the_history_prints_as_a_table():
    history = quiet(model(), cross_entropy, X, Y, epochs=40, metrics={"hits": accuracy})
    lines = str(history).splitlines()
    assert lines[0].split() == ["epoch", "train", "loss", "train", "hits"]
    assert len(lines) == 12
    assert [int(line.split()[0]) for line in lines[1:]] == list(range(0, 41, 4))


def test_fit_trains_models_of_one_number_with_several_outputs():
    net = MLP(1, [4, 2], activation="tanh", rng=1)
    x = np.linspace(-1, 1, 8)
    history = quiet(net, mse, x, np.c_[x, -x], epochs=100, learning_rate=0.05)
    assert history.train_loss[-1] < 0.01


def test_fit_takes_the_class_or_an_instance_of_an_optimiser():
    for optimiser in (SGD, Adam):
        first, second = model(), model()
        quiet(first, cross_entropy, X, Y, epochs=2, optimiser=optimiser, learning_rate=0.1)
        quiet(second, cross_entropy, X, Y, epochs=2, optimiser=optimiser(second.parameters(), 0.1))
        assert numbers(first) == numbers(second)
    with pytest.raises(ValueError, match=r"learning_rate=0.1 and an optimiser whose learning_rate is 0.2; leave"):
        quiet(first, cross_entropy, X, Y, optimiser=SGD(first, 0.2), learning_rate=0.1)


def test_callbacks_see_the_model_and_the_history():
    seen = []
    net = model()
    quiet(net, cross_entropy, X, Y, epochs=4, every=2, callbacks=[lambda m, h: seen.append((m is net, h.epochs[-1]))])
    assert seen == [(True, 0), (True, 2), (True, 4)]


def stop_iteration(model, history):
    if history.epochs[-1] == 4:
        raise StopIteration


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize(
    "enough",
    [lambda m, h: h.epochs[-1] == 4, lambda m, h: np.bool_(h.epochs[-1] == 4), stop_iteration],
    ids=["True", "np.True_", "StopIteration"],
)
def test_a_callback_may_end_the_training(enough, compiled):
    seen = []
    net, twin = model(), model()
    history = quiet(net, cross_entropy, X, Y, epochs=50, every=2, compiled=compiled,
                    callbacks=[enough, lambda m, h: seen.append(h.epochs[-1])])  # fmt: skip
    assert history.epochs == seen == [0, 2, 4] and not history.interrupted
    quiet(twin, cross_entropy, X, Y, epochs=4, compiled=compiled)
    assert numbers(net) == numbers(twin)


def test_what_else_a_callback_returns_is_no_end():
    answers = iter([1, "stop", 0.5, [1], None])
    assert quiet(model(), cross_entropy, X, Y, epochs=4, callbacks=lambda m, h: next(answers)).epochs == [0, 1, 2, 3, 4]
    assert quiet(model(), cross_entropy, X, Y, epochs=4, callbacks=lambda m, h: True).epochs == [0]


def test_stop_iteration_in_a_loss_is_no_end():
    def loss(prediction, target):
        raise StopIteration

    with pytest.raises(StopIteration):
        quiet(model(), loss, X, Y, compiled=False)


class InterruptedAt(Module):
    """A model that is interrupted, as by Ctrl-C, at the given call."""

    def __init__(self, call):
        self.net, self.calls, self.at = model(), 0, call

    def __call__(self, x):
        self.calls += 1
        if self.calls == self.at:
            raise KeyboardInterrupt
        return self.net(x)


@pytest.mark.parametrize("call", [3, 6, 12, 13, 14, 18, 40])
def test_an_interrupt_keeps_the_parameters_of_the_last_finished_step(call):
    # Calls 1 to 5 record epoch 0. Then each epoch makes 5 calls in batches of 2, 2 and 1, and 5 more to record.
    net = InterruptedAt(call)
    before = numbers(net)
    after_steps = [before]

    class Watched(SGD):
        def write(self, theta):
            super().write(theta)
            after_steps.append(theta.tolist())

    optimiser = Watched(net, 0.1)
    history = quiet(net, cross_entropy, X, Y, epochs=10, batch_size=2, optimiser=optimiser, compiled=False)
    assert history.interrupted and str(history).endswith("interrupted")
    assert numbers(net) == after_steps[-2]  # after the interrupt fit writes the last step's parameters again
    assert all(p.grad == 0 for p in net.parameters())
    assert len(history.epochs) == len(history.train_loss) == len(history.snapshots)
    net.at = 0
    assert quiet(net, cross_entropy, X, Y, epochs=1).epochs == [0, 1]  # training can go on


@pytest.mark.parametrize("compiled", [True, False])
def test_an_interrupt_while_parameters_are_written_leaves_those_of_a_finished_step(compiled):
    net, written, steps = model(), [], []

    class Halfway(SGD):
        def update(self, theta, gradient):
            steps.append(super().update(theta, gradient).tolist())
            return np.array(steps[-1])

        def write(self, theta):
            written.append(theta.tolist())
            if steps and written[-1] == steps[-1] and written.count(steps[-1]) == 1:
                self.params[0].data = theta[0]
                raise KeyboardInterrupt
            super().write(theta)

    found = quiet(net, cross_entropy, X, Y, batch_size=1, optimiser=Halfway(net, 0.1), compiled=compiled)
    assert found.interrupted and numbers(net) == steps[-1] == written[-1] == written[-2] != written[0]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timer on this system")
@pytest.mark.parametrize("compiled", [True, False])
def test_an_interrupt_at_any_moment_leaves_the_parameters_of_a_finished_step(compiled):
    states = set()

    class Watched(SGD):
        def update(self, theta, gradient):
            new = super().update(theta, gradient)
            states.add(tuple(new))
            return new

    interrupted = []
    # Python ignores exceptions in callbacks of the garbage collector, of which hypothesis has one: there an interrupt
    # would be lost.
    callbacks = gc.callbacks[:]
    gc.callbacks.clear()
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        for delay in np.linspace(1e-3, 40e-3, 30):
            net = model()
            states.add(tuple(numbers(net)))

            def arm(_, history, delay=delay):
                if history.epochs == [0]:
                    signal.setitimer(signal.ITIMER_REAL, delay)

            history = quiet(
                net, cross_entropy, X, Y, epochs=500, batch_size=1, optimiser=Watched(net, 0.1), callbacks=[arm],
                compiled=compiled,
            )  # fmt: skip
            interrupted.append(history.interrupted)
            assert tuple(numbers(net)) in states
            assert not history.interrupted or all(p.grad == 0 for p in net.parameters())
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        gc.callbacks[:] = callbacks
    assert sum(interrupted) > 15


@pytest.mark.campaign
def test_iris_is_learnt_from_any_seed():
    def share_of_right_answers(seed):
        data = nn.iris()
        X, X_test, y, y_test = nn.train_test_split(*data, seed=seed, stratify=data.y)
        net = MLP(4, [16, 16, 3], activation="tanh", rng=seed)
        quiet(net, cross_entropy, X, y, epochs=40, batch_size=16, learning_rate=0.01, seed=seed, every=40)
        return accuracy(net.predict(X_test), y_test)

    found = [share_of_right_answers(seed) for seed in range(20)]
    print(sorted(found))
    assert np.median(found) >= 0.95


class TestErrors:
    @pytest.mark.parametrize(
        ("arguments", "options", "message"),
        [
            ((X, Y[:4]), {}, "X has 5 rows and y has 4 rows; each example needs both"),
            ((X, 3), {}, "X has 5 rows and y has the single value 3"),
            ((X[:0], Y[:0]), {}, r"X is empty: its shape is \(0, 2\)"),
            ((X, Y), {"validation": (X, Y[:1])}, "validation X has 5 rows and validation y has 1 row;"),
            ((X, Y), {"batch_size": 0}, "batch_size must be at least 1, got 0"),
            ((X, Y), {"epochs": 0}, "epochs must be at least 1, got 0"),
            ((X, Y), {"every": -1}, "every must be at least 1, got -1"),
            ((X, Y), {"learning_rate": 0.0}, "learning_rate must be a positive number, got 0.0"),
            ((X[:, :1], Y), {}, r"TanhNeuron\(2\) got 1 input; it has 2 weights"),
            ((np.where(X == 2.0, np.nan, X), Y), {}, "row 1 of X holds nan"),
            ((X, np.where(Y == 2, -np.inf, Y)), {}, "row 2 of y holds -inf"),
            ((X, Y), {"validation": (X * np.inf, Y)}, "row 0 of validation X holds inf"),
            (([[1, 2], [3]], [0, 1]), {}, r"rows of X differ: row 0 has the shape \(2,\), row 1 has \(1,\)"),
            ((X, Y), {"metrics": [lambda p, t: 0.0, lambda p, t: 1.0]}, "two metrics are called '<lambda>'"),
            ((X, Y), {"optimiser": SGD(MLP(1, [2]))}, "4 parameters, and none of them is among the 27 of this model"),
        ],
    )
    def test_data_and_settings_that_do_not_fit_are_refused(self, arguments, options, message):
        with pytest.raises(ValueError, match=message):
            quiet(model(), cross_entropy, *arguments, **options)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"loss": lambda p, t: 1.5}, "the loss returned float 1.5, not a Value"),
            ({"loss": lambda p, t: p}, "the loss returned 3 numbers: it has to return one Value, as their mean"),
            ({"loss": "mse"}, "the loss is a function of .* got str 'mse'"),
            ({"model": lambda x: x}, "fit trains a model: .* got the function <lambda>"),
            ({"model": MLP}, "fit trains a model: .* got the class MLP"),
            ({"optimiser": "adam"}, r"like nn.Adam or nn.SGD\(model, 0.1\); got str 'adam'"),
            ({"metrics": ["accuracy"]}, "a metric is a function of .* got str 'accuracy'"),
            ({"metrics": "accuracy"}, "a metric is a function of .* got str 'accuracy'"),
            ({"callbacks": 3}, "a callback is a function of .* got int 3"),
            ({"validation": X}, r"validation is a pair \(X, y\), got ndarray of shape \(5, 2\)"),
            ({"batch_size": None}, "batch_size is a whole number, got NoneType None"),
            ({"epochs": "3"}, "epochs is a whole number, got str '3'"),
            ({"learning_rate": "a"}, "learning_rate must be a number, got str 'a'"),
        ],
    )
    def test_fit_refuses_arguments_of_the_wrong_kind(self, options, message):
        with pytest.raises(TypeError, match=message):
            quiet(**{"model": model(), "loss": cross_entropy, "X": X, "y": Y, **options})

    def test_fit_raises_the_error_about_a_label_out_of_range(self):
        with pytest.raises(IndexError, match="label 3 is not a class"):
            quiet(model(), cross_entropy, X, Y + 1)

    def test_the_error_about_a_loss_that_is_not_finite_names_the_epoch_and_the_example(self):
        net = model()
        history = quiet(net, cross_entropy, X, Y, epochs=1)
        before = numbers(net)

        def loss(prediction, target):
            return prediction[0] * (float("inf") if target == 2 else 1.0)

        message = r"the loss of example 2 is (nan|-?inf) in epoch 0; .*; the model keeps"
        with pytest.raises(FloatingPointError, match=message):
            quiet(net, loss, X, Y, batch_size=5, compiled=False)
        assert numbers(net) == before == history.snapshots[-1][1].tolist()
        assert all(p.grad == 0 for p in net.parameters())

    @pytest.mark.parametrize("compiled", [True, False])
    @pytest.mark.parametrize("optimiser", [SGD, Adam])
    def test_no_record_holds_a_loss_that_is_not_finite(self, optimiser, compiled):
        net, seen = MLP(2, [3, 1], rng=0), []
        with pytest.raises(
            FloatingPointError, match=r"the loss of example 0 is (inf|nan) in epoch 1; the first \S+ is"
        ):
            quiet(net, mse, X, Y, epochs=1, batch_size=5, learning_rate=1e200, optimiser=optimiser, compiled=compiled,
                  callbacks=lambda m, h: seen.append(list(h.train_loss)))  # fmt: skip
        assert len(seen) == 1 and np.isfinite(seen).all() and np.isfinite(numbers(net)).all()

    @pytest.mark.parametrize("compiled", [True, False])
    def test_a_validation_loss_that_is_not_finite_is_named(self, compiled):
        huge = (np.array([[1.0, 1.0], [1e200, 0.0]]), np.array([0.0, 0.0]))
        with pytest.raises(
            FloatingPointError, match=r"the loss of validation example 1 is inf in epoch 0; .* first step"
        ):
            quiet(MLP(2, [1], rng=0), mse, X, Y, epochs=1, validation=huge, compiled=compiled)

    def test_a_mean_that_overflows_is_named(self):
        with pytest.raises(FloatingPointError, match="the mean of the train losses is inf in epoch 0"):
            quiet(Neuron(1, nonlin=False, init=lambda n, rng: 1.0), mse, [1.3e154, 1.3e154], [0.0, 0.0])

    def test_a_step_that_overflows_keeps_the_last_finite_parameters(self):
        net = Neuron(1, nonlin=False)
        with pytest.raises(FloatingPointError, match=r"in epoch 1; .* Try a smaller learning_rate"):
            quiet(net, mse, [1e100, 2.0], [0.0, 0.0], optimiser=SGD, learning_rate=1e200, batch_size=1)
        assert np.isfinite(numbers(net)).all()

    def test_fit_raises_the_domain_error_of_a_loss(self):
        net = Neuron(1, nonlin=False)
        with pytest.raises(DomainError):
            quiet(net, lambda p, t: (p - p).log(), [1.0], [1.0])


def test_the_progress_bar_is_written_to_stderr(capsys):
    fit(model(), cross_entropy, X, Y, epochs=2, batch_size=5)
    captured = capsys.readouterr()
    assert captured.out == "" and "2/2" in captured.err
    quiet(model(), cross_entropy, X, Y, epochs=2)
    assert capsys.readouterr().err == ""


def test_one_metric_and_one_callback_may_be_given_without_a_list():
    seen = []
    history = quiet(model(), cross_entropy, X, Y, epochs=1, metrics=accuracy, callbacks=lambda m, h: seen.append(m))
    assert list(history.metrics) == ["train accuracy"] and len(seen) == 2


def test_fit_trains_inside_no_grad_too():
    inside, outside = model(), model()
    with no_grad():
        quiet(inside, cross_entropy, X, Y, epochs=2)
    quiet(outside, cross_entropy, X, Y, epochs=2)
    assert numbers(inside) == numbers(outside) != numbers(model())


def test_fit_trains_any_callable_that_has_parameters():
    class Line:
        def __init__(self):
            self.slope = Value(0.0)

        def __call__(self, x):
            return self.slope * x

        def parameters(self):
            return [self.slope]

    line = Line()
    quiet(line, mse, [1.0, 2.0], [3.0, 6.0], epochs=200, learning_rate=0.1)
    assert line.slope.data == pytest.approx(3.0, abs=1e-3)
