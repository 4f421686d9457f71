"""What fit does beside the steps: order, patience, Dropout, gradient sizes, snapshots, metrics, advice, resuming."""

import copy
import sys

import numpy as np
import pytest

import chainrule as cr
from chainrule.engine import Value
from chainrule.nn import (
    MLP,
    SGD,
    Adam,
    Dropout,
    Layer,
    Module,
    Neuron,
    Sequential,
    accuracy,
    binary_cross_entropy,
    confusion,
    cross_entropy,
    fit,
    hinge,
    mae,
    mse,
    r2,
    schedules,
)  # fmt: skip

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 2))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
both = pytest.mark.parametrize("compiled", [True, False])


def model(**keywords):
    return MLP(2, [6, 2], activation="tanh", rng=0, **keywords)


def quiet(*args, **kwargs):
    return fit(*args, progress=False, **kwargs)


def numbers(net):
    return [p.data for p in net.parameters()]


def dropping(rate=0.5):
    return Sequential(Layer(2, 8, activation="tanh", rng=0), Dropout(rate), Layer(8, 2, nonlin=False, rng=1))


# --- the order of the examples


@both
def test_without_shuffling_the_mini_batches_are_the_examples_as_they_are_given(compiled):
    net, optimiser = model(), None
    quiet(net, cross_entropy, X, Y, epochs=2, batch_size=16, shuffle=False, optimiser=SGD, learning_rate=0.1,
          compiled=compiled)  # fmt: skip
    by_hand = model()
    optimiser = SGD(by_hand, 0.1)
    for _ in range(2):
        for start in (0, 16, 32):
            optimiser.zero_grad()
            rows = range(start, min(start + 16, 40))
            for i in rows:
                (cross_entropy(by_hand(X[i]), int(Y[i])) / len(rows)).backward()
            optimiser.step()
    np.testing.assert_allclose(numbers(net), numbers(by_hand), rtol=1e-12)


@both
@pytest.mark.parametrize("make", [model, dropping])
def test_the_same_seed_gives_the_same_history_to_the_bit(make, compiled):
    first, again, other = (quiet(make(), cross_entropy, X, Y, epochs=4, seed=seed, compiled=compiled, metrics=accuracy)
                           for seed in (3, 3, 4))  # fmt: skip
    assert str(first.__dict__) == str(again.__dict__) != str(other.__dict__)


def test_large_inputs_are_gathered_in_blocks_and_give_the_same(monkeypatch):
    nets = [model(), model()]
    quiet(nets[0], cross_entropy, X, Y, epochs=3, batch_size=7)
    monkeypatch.setattr("chainrule.nn.loop.BLOCK", 1)
    quiet(nets[1], cross_entropy, X, Y, epochs=3, batch_size=7)
    assert numbers(nets[0]) == numbers(nets[1])


# --- patience


@both
def test_patience_ends_the_training_and_gives_the_best_parameters_back(compiled):
    net, seen = model(), {}
    validation = (X[:10], 1 - Y[:10])  # what is learned makes it worse
    history = quiet(net, cross_entropy, X, Y, epochs=200, learning_rate=0.05, validation=validation, patience=3,
                    callbacks=lambda m, h: seen.update({h.epochs[-1]: numbers(m)}), compiled=compiled)  # fmt: skip
    best = int(np.argmin(history.test_loss))
    assert history.best_epoch == history.epochs[best] and history.epochs[-1] == history.best_epoch + 3
    assert numbers(net) == seen[history.best_epoch] and not history.interrupted


def test_patience_counts_epochs_and_gives_the_best_back_at_the_end_too():
    net = model()
    history = quiet(net, cross_entropy, X, Y, epochs=7, every=2, learning_rate=0.3, patience=100, batch_size=4)
    assert history.epochs == [0, 2, 4, 6, 7]
    losses = dict(zip(history.epochs, history.train_loss))
    eager = np.mean([cross_entropy(net(x), int(t)).data for x, t in zip(X, Y)])
    assert eager == pytest.approx(min(losses.values()), rel=1e-12)


@pytest.mark.parametrize(("patience", "error"), [(0.5, TypeError), (-1, ValueError)])
def test_patience_is_a_number_of_epochs(patience, error):
    with pytest.raises(error, match="patience"):
        quiet(model(), cross_entropy, X, Y, patience=patience)


# --- Dropout


@both
def test_dropout_trains_and_is_not_in_the_records(compiled):
    net = dropping()
    history = quiet(net, cross_entropy, X, Y, epochs=60, learning_rate=0.05, compiled=compiled)
    assert not net.training and not net[1].training
    assert history.train_loss[-1] == pytest.approx(
        np.mean([cross_entropy(net(x), int(t)).data for x, t in zip(X, Y)]), rel=1e-12
    )


@both
def test_the_steps_of_dropout_follow_on_average_the_gradient_of_its_published_objective(compiled):
    """Srivastava et al. (2014), section 9.1: a linear model with Dropout minimises, on average, a ridge regression."""
    rate, steps, seen = 0.3, 1000, []

    class Still(cr.Optimiser):
        def update(self, theta, gradient):
            seen.append(gradient.copy())
            return theta

    source = np.random.default_rng(1)
    inputs = source.normal(size=(10, 3))
    targets = inputs @ [1.0, -2.0, 0.5] + 0.3
    neuron = Neuron(3, nonlin=False, rng=0)
    for p, number in zip(neuron.w, [1.0, -1.0, 1.0]):
        p.data = number
    quiet(Sequential(Dropout(rate), neuron), mse, inputs, targets, epochs=steps, batch_size=10, optimiser=Still,
          every=steps, compiled=compiled)  # fmt: skip
    w = np.array([p.data for p in neuron.w])
    residual = inputs @ w + neuron.b.data - targets
    ridge = 2 * w * rate / (1 - rate) * (inputs**2).mean(axis=0)
    right = np.append(2 * (residual[:, None] * inputs).mean(axis=0) + ridge, 2 * residual.mean())
    error = np.std(seen, axis=0, ddof=1) / np.sqrt(steps)
    assert len(seen) == steps and (np.abs(np.mean(seen, axis=0) - right) < 5 * error).all()
    assert (np.abs(ridge) > 10 * error[:3]).all()  # plain training would be told from it


def test_dropout_drops_the_same_in_compiled_and_in_eager_training():
    nets = [dropping(), dropping()]
    for net, compiled in zip(nets, (True, False)):
        quiet(net, cross_entropy, X, Y, epochs=3, batch_size=16, compiled=compiled)
    np.testing.assert_allclose(numbers(nets[0]), numbers(nets[1]), rtol=1e-9, atol=1e-12)
    plain = dropping(0.0)
    quiet(plain, cross_entropy, X, Y, epochs=3, batch_size=16)
    assert numbers(plain) != numbers(nets[0])


@both
def test_a_step_takes_the_mean_over_all_that_dropout_may_keep(compiled):
    # With one neuron that is kept with the probability 1/2 and then doubled, the gradient of w·h is 2·h or 0, and its
    # mean over many examples is h: its standard error over 4,000 draws is h / √4000.
    net = Sequential(Dropout(0.5), Neuron(1, nonlin=False, init=lambda n, rng: 0.0))
    n = 4000 if compiled else 400
    quiet(net, lambda p, t: p - t, np.ones(n), np.zeros(n), epochs=1, batch_size=n, optimiser=SGD, learning_rate=1.0,
          compiled=compiled)  # fmt: skip
    assert numbers(net)[0] == pytest.approx(-1.0, abs=5 / np.sqrt(n)) and numbers(net)[0] != -1.0
    assert numbers(net)[1] == pytest.approx(-1.0, rel=1e-12)


class Noisy(Module):
    """It scales while it is trained, and does not otherwise."""

    def __init__(self):
        self.net = model()

    def __call__(self, x):
        return [score * 3.0 for score in self.net(x)] if self.training else self.net(x)


def test_a_model_that_asks_for_its_mode_is_trained_in_it():
    nets = [Noisy(), Noisy()]
    histories = [
        quiet(net, cross_entropy, X, Y, epochs=3, compiled=compiled) for net, compiled in zip(nets, (True, False))
    ]
    np.testing.assert_allclose(numbers(nets[0]), numbers(nets[1]), rtol=1e-9)
    np.testing.assert_allclose(histories[0].train_loss, histories[1].train_loss, rtol=1e-9)
    twin = model()
    quiet(twin, lambda p, t: cross_entropy([score * 3.0 for score in p], t), X, Y, epochs=3)
    np.testing.assert_allclose(numbers(nets[0]), numbers(twin), rtol=1e-9)
    assert histories[0].train_loss[0] == pytest.approx(quiet(model(), cross_entropy, X, Y, epochs=1).train_loss[0])


# --- what is recorded


@both
def test_gradient_sizes_are_root_mean_squares_by_layer(compiled):
    net = model()
    history = quiet(net, cross_entropy, X, Y, epochs=3, batch_size=40, optimiser=SGD, learning_rate=0.1, shuffle=False,
                    compiled=compiled)  # fmt: skip
    by_hand, expected = model(), {"layers.0": [], "layers.1": []}
    optimiser = SGD(by_hand, 0.1)
    for _ in range(3):
        optimiser.zero_grad()
        for x, t in zip(X, Y):
            (cross_entropy(by_hand(x), int(t)) / 40).backward()
        for name, layer in zip(expected, by_hand.layers):
            expected[name].append(float(np.sqrt(np.mean([p.grad**2 for p in layer.parameters()]))))
        optimiser.step()
    assert list(history.gradient_sizes) == ["layers.0", "layers.1"]
    for name, sizes in expected.items():  # the entry of epoch 0 is that of the first step, which is epoch 1's here
        np.testing.assert_allclose(history.gradient_sizes[name], [sizes[0], *sizes], rtol=1e-10)


def test_snapshots_are_thinned_and_keep_the_first_and_the_last():
    net = Neuron(1, nonlin=False, rng=0)
    history = quiet(net, mse, [0.0, 1.0], [0.0, 1.0], epochs=1000)
    epochs = [epoch for epoch, _ in history.snapshots]
    assert len(epochs) <= 200 and epochs[0] == 0 and epochs[-1] == 1000 == history.epochs[-1]
    assert len(history.epochs) == 1001 and epochs == sorted(set(epochs))
    assert set(np.diff(epochs)[:-1]) == {8}
    assert history.snapshots[-1][1].tolist() == numbers(net)


def test_metrics_of_one_score_are_those_of_its_classes():
    signs = 2 * Y - 1
    for net, loss, y in [
        (MLP(2, [8, 1], activation="tanh", rng=0), hinge, signs),
        (MLP(2, [8, 1], activation="tanh", output="sigmoid", rng=0), binary_cross_entropy, Y),
        (MLP(2, [8, 1], activation="tanh", rng=0), binary_cross_entropy, Y),
    ]:
        history = quiet(net, loss, X, y, epochs=150, learning_rate=0.05, metrics=[accuracy, confusion])
        found = net.predict_class(X)
        assert set(found.tolist()) <= set(y.tolist())
        assert history.metrics["train accuracy"][-1] == np.mean(found == y) > 0.9
        table = history.tables["train confusion"][-1]
        assert table.sum() == 40 and np.trace(table) == round(40 * np.mean(found == y))
        assert "confusion" not in str(history)


def test_names_go_in_and_come_back():
    names = np.array(["no", "yes"])[Y]
    net = model()
    history = quiet(net, cross_entropy, X, names, epochs=200, learning_rate=0.05, metrics=accuracy)
    assert set(net.predict_class(X).tolist()) == {"no", "yes"}
    assert accuracy(net.predict_class(X), names) == history.metrics["train accuracy"][-1] > 0.9
    assert confusion(net.predict_class(X), names).sum() == 40


def test_losses_and_r2_are_metrics_of_regression():
    target = X[:, 0] - 2 * X[:, 1]
    net = MLP(2, [1])
    history = quiet(net, mse, X, target, epochs=300, learning_rate=0.05, metrics=[r2, mae, mse])
    outputs = net.predict(X)
    assert history.metrics["train mae"][-1] == pytest.approx(np.abs(outputs - target).mean(), rel=1e-12)
    assert history.metrics["train mse"][-1] == pytest.approx(history.train_loss[-1], rel=1e-12)
    assert history.metrics["train r2"][-1] == pytest.approx(1 - np.var(outputs - target) / np.var(target), abs=1e-3)
    several = quiet(MLP(2, [2]), mse, X, X, epochs=1, metrics=[r2, mae]).metrics
    assert all(np.isfinite(found).all() for found in several.values())


# --- going on, and schedules


@both
def test_a_training_in_two_parts_is_the_whole_training(compiled):
    whole, part = model(), model()
    options = dict(batch_size=8, shuffle=False, compiled=compiled)
    quiet(whole, cross_entropy, X, Y, epochs=6, optimiser=Adam(whole, 0.01), **options)
    optimiser = Adam(part, 0.01)
    quiet(part, cross_entropy, X, Y, epochs=2, optimiser=optimiser, **options)
    state, weights, twin = copy.deepcopy(optimiser.state_dict()), part.state_dict(), model()
    twin.load_state_dict(weights)
    other = Adam(twin, 0.5)
    other.load_state_dict(state)
    quiet(twin, cross_entropy, X, Y, epochs=4, optimiser=other, **options)
    assert numbers(twin) == numbers(whole)


def test_cosine_without_a_number_takes_the_whole_training():
    nets = [model(), model()]
    steps = 5 * 3
    for net, schedule in zip(nets, (schedules.cosine(), schedules.cosine(steps))):
        optimiser = SGD(net, 0.1, schedule=schedule)
        quiet(net, cross_entropy, X, Y, epochs=5, batch_size=16, optimiser=optimiser)
        assert optimiser.steps == steps and optimiser.rate == 0.0
    assert numbers(nets[0]) == numbers(nets[1])


def test_the_optimiser_of_a_training_explains_its_last_step():
    net = model()
    optimiser = Adam(net, 0.01)
    quiet(net, cross_entropy, X, Y, epochs=3, optimiser=optimiser)
    found = optimiser.explain(net.parameters()[0])
    assert found.parameter == "w1_11" and found.after == pytest.approx(net.parameters()[0].data, rel=1e-12)


# --- the bar


def test_fit_needs_no_stderr_and_no_bar(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    assert fit(model(), cross_entropy, X, Y, epochs=1).epochs == [0, 1]


# --- advice


class TestAdvice:
    def test_there_is_none_where_something_is_learned(self):
        history = quiet(model(), cross_entropy, X, Y, epochs=100, learning_rate=0.05)
        assert history.advice == ""

    def test_columns_that_are_not_scaled_are_named(self, capsys):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame({"age": X[:, 0], "income": 30_000 + 9_000 * X[:, 1]})
        net = MLP(2, [6, 2], activation="tanh", rng=1)
        history = fit(net, cross_entropy, frame, Y, epochs=20)
        assert history.advice.startswith("Nothing was learned (the loss went from ")
        assert "column 'income' (mean 3" in history.advice and "'age'" not in history.advice
        assert "X = (X - X.mean(axis=0)) / X.std(axis=0)" in history.advice
        assert history.advice in str(history).splitlines()[-1] and history.advice in capsys.readouterr().err
        scaled = (frame - frame.mean(axis=0)) / frame.std(axis=0)
        assert quiet(net, cross_entropy, scaled, Y, epochs=20).advice.count("scaled") == 0

    def test_dead_relus_are_counted(self):
        net = MLP(2, [6, 2], rng=0)
        for neuron in net.layers[0].neurons:
            neuron.b.data = -50.0
        advice = quiet(net, cross_entropy, X, Y, epochs=10).advice
        assert "6 of 6 neurons of layer 1 got no gradient (dead ReLUs)" in advice and "activation='tanh'" in advice

    @pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
    def test_neurons_that_are_flat_on_both_sides_are_saturated_and_not_dead_relus(self, activation):
        net = MLP(2, [6, 2], activation=activation, rng=0)
        for neuron in net.layers[0].neurons:
            neuron.b.data = 1e4
        advice = quiet(net, cross_entropy, X, Y, epochs=10).advice
        assert f"6 of 6 neurons of layer 1 got no gradient ({activation} is saturated" in advice
        assert "ReLU" not in advice and "activation=" not in advice

    def test_nothing_was_learned_is_not_said_of_a_model_that_is_right(self):
        labels = np.repeat([0, 1, 2], 40)
        inputs = 3.0 * np.array([[1, 0], [0, 1], [-1, -1]])[labels] + np.random.default_rng(1).normal(size=(120, 2))
        net = MLP(2, [16, 3], activation="tanh", rng=0)
        history = quiet(net, cross_entropy, inputs, labels, epochs=8, learning_rate=100.0, metrics=cr.accuracy)
        first, last = history.train_loss[0], history.train_loss[-1]
        assert last > first and history.metrics["train accuracy"][-1] > 0.8
        assert history.advice.startswith(f"The loss went from {first:.4g} to {last:.4g}: ")
        assert "learning_rate=10" in history.advice

    def test_overfitting_is_named_and_patience_ends_it(self):
        rng = np.random.default_rng(0)
        inputs = rng.normal(size=(60, 4))
        noisy = (inputs[:, 0] + 1.5 * rng.normal(size=60) > 0).astype(int)
        keywords = {"validation": (inputs[30:], noisy[30:]), "epochs": 150, "learning_rate": 0.03}
        net = MLP(4, [24, 2], activation="tanh", rng=0)
        history = quiet(net, cross_entropy, inputs[:30], noisy[:30], **keywords)
        lowest = min(history.test_loss)
        assert history.test_loss[-1] > 1.5 * lowest and history.train_loss[-1] < history.train_loss[0] / 4
        assert f"it overfits): since epoch {history.best_epoch} the test loss has risen from {lowest:.4g}" in (
            history.advice
        )
        net = MLP(4, [24, 2], activation="tanh", rng=0)
        obeyed = quiet(net, cross_entropy, inputs[:30], noisy[:30], patience=10, **keywords)
        assert "patience=10" in history.advice and obeyed.advice == ""
        assert len(obeyed.epochs) < len(history.epochs) and min(obeyed.test_loss) == lowest

    def test_a_rate_that_is_too_small_or_too_large_is_named(self):
        assert "try learning_rate=1e-06, or more epochs" in quiet(
            model(), cross_entropy, X, Y, epochs=10, learning_rate=1e-7
        ).advice  # fmt: skip
        assert "the loss has risen on the way: try learning_rate=0.5" in quiet(
            model(), cross_entropy, X, Y, epochs=10, learning_rate=5.0
        ).advice  # fmt: skip

    def test_targets_that_do_not_depend_on_the_inputs_are_suspected(self):
        target = np.random.default_rng(5).permutation(np.repeat([0, 1], 100))
        inputs = np.random.default_rng(6).normal(size=(200, 2))
        advice = {}
        for name, y in (("apart", target), ("dependent", (inputs @ [1.0, 2.0] > 0).astype(int))):
            net = MLP(2, [2], rng=0)
            for p in net.parameters():
                p.data = 0.0  # the first loss is ln 2, that of a guess: without a relation, none is far below it
            advice[name] = quiet(net, cross_entropy, inputs, y, epochs=40, learning_rate=0.003).advice
        assert advice["apart"].startswith("Nothing was learned (the loss went from 0.6931 to 0.6")
        assert advice["apart"].endswith(
            "do the targets depend on these inputs? Otherwise try another learning_rate, or a larger model."
        )
        assert advice["dependent"] == ""


def test_a_user_s_optimiser_that_returns_a_new_array_trains_in_fit():
    class Sign(cr.Optimiser):
        def update(self, theta, gradient):
            return theta - self.rate * np.sign(gradient)

    net = Neuron(1, nonlin=False, rng=0)
    net.extra = Value(1.0)
    history = quiet(net, mse, [0.0, 1.0], [1.0, 3.0], epochs=200, optimiser=Sign, learning_rate=0.01)
    assert history.train_loss[-1] < 0.01


# --- what the Values hold while numbers are moved in arrays


@both
def test_a_metric_and_a_callback_see_the_parameters_that_their_record_is_about(compiled):
    net, seen = model(), []

    def first(outputs, targets):
        seen.append(numbers(net))
        return 0.0

    def callback(trained, history):
        assert numbers(trained) == seen[-1] == history.snapshots[-1][1].tolist()

    quiet(net, cross_entropy, X, Y, epochs=3, metrics=first, callbacks=callback, compiled=compiled)
    assert len(seen) == 4 and numbers(net) == seen[-1] and seen[0] != seen[1]


@both
def test_a_callback_that_computes_gradients_or_moves_a_parameter_does_so_for_the_next_step(compiled):
    def train(callback):
        net = model()
        quiet(net, cross_entropy, X, Y, epochs=3, callbacks=callback, compiled=compiled, optimiser=SGD)
        return net

    def computes(net, history):
        cross_entropy(net(X[0]), int(Y[0])).backward()

    def moves(net, history):
        net.parameters()[0].data = 3.0

    plain = train(())
    assert numbers(train(computes)) == numbers(plain) and all(p.grad == 0 for p in plain.parameters())
    assert train(moves).parameters()[0].data == 3.0


class Jumps(SGD):
    """The third step makes a parameter infinite, which tanh makes a finite number of."""

    def update(self, theta, gradient):
        if self.steps == 2:
            self.before = theta.copy()
            theta[0] = np.inf
        return theta if self.steps == 2 else super().update(theta, gradient)


@both
@pytest.mark.parametrize("batch_size", [10, 14])  # the third of four steps, and the last of an epoch
def test_a_parameter_that_is_infinite_behind_a_finite_loss_is_noticed_and_taken_back(compiled, batch_size):
    class Saturating(Module):
        def __init__(self):
            self.w, self.v = Value(0.1), Value(0.5)

        def __call__(self, x):
            return (self.w + 0.0 * self.v).tanh() * self.v * x

    net = Saturating()
    optimiser = Jumps(net, 0.1)
    with pytest.raises(FloatingPointError, match=r"a parameter after examples \[.*\] is inf in epoch 1"):
        quiet(net, mse, X[:, 0], X[:, 1], batch_size=batch_size, optimiser=optimiser, compiled=compiled)
    assert numbers(net) == optimiser.before.tolist()
