"""fit(backend="c") takes the steps that NumPy takes, in whole epochs, and is as easily stopped."""

import math
import re
import threading
import warnings

import numpy as np
import pytest

import chainrule as cr
from chainrule.engine.compiler.run import compilers
from chainrule.nn import SGD, Adagrad, Adam, AdamW, Dropout, Optimiser, RMSProp, Sequential, schedules
from chainrule.nn.datasets import iris
from chainrule.nn.epochs import InC, Untraceable, rule_of
from chainrule.nn.progress import Progress

try:
    compilers.compiler()
except compilers.NoCompiler as problem:
    pytest.skip(f"these tests compile C: {problem}", allow_module_level=True)

OPTIMISERS = {
    "SGD": lambda p: SGD(p, 0.05),
    "momentum": lambda p: SGD(p, 0.02, momentum=0.9, weight_decay=0.01),
    "Nesterov": lambda p: SGD(p, 0.02, momentum=0.9, nesterov=True),
    "Adam": lambda p: Adam(p, 0.01),
    "Adam with decay": lambda p: Adam(p, 0.01, beta1=0.8, beta2=0.99, weight_decay=0.1),
    "AdamW": lambda p: AdamW(p, 0.01),
    "RMSProp": lambda p: RMSProp(p, 0.01, momentum=0.5, epsilon=1e-3),
    "Adagrad": lambda p: Adagrad(p, 0.1),
    "a schedule": lambda p: Adam(p, 0.01, schedule=schedules.cosine()),
}


@pytest.fixture(autouse=True, scope="module")
def a_cache_of_its_own(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHAINRULE_CACHE", str(tmp_path_factory.mktemp("libraries")))
        patch.setattr(compilers, "FLAGS", tuple("-O0" if flag == "-O3" else flag for flag in compilers.FLAGS))
        yield


@pytest.fixture
def in_c(monkeypatch):
    """How many steps were taken in C, call by call."""
    taken, original = [], InC.steps

    def steps(self, *arguments):
        taken.append(original(self, *arguments))
        return taken[-1]

    monkeypatch.setattr(InC, "steps", steps)
    return taken


def trained(backend, make, model=None, **settings):
    model = model or cr.MLP(4, [5, 3], "tanh", rng=0)
    data, optimiser = iris(), make(model.parameters())
    settings = {"epochs": 4, **settings}
    history = cr.fit(model, cr.cross_entropy, data, optimiser=optimiser, progress=False, backend=backend, **settings)
    return np.array([p.data for p in model.parameters()]), history, optimiser


@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIMISERS)
def test_whole_epochs_in_c_are_the_steps_of_numpy(name, in_c):
    # Roundings grow from step to step, where a rule divides by small gradients; so there are two epochs.
    wanted, history, optimiser = trained("numpy", OPTIMISERS[name], epochs=2)
    got, other, in_c_too = trained("c", OPTIMISERS[name], epochs=2)
    assert sum(in_c) == 2 * 10 - 1  # but the first step, whose gradient the history has on its own
    assert np.abs(got - wanted).max() <= 1e-10 and np.allclose(history.train_loss, other.train_loss, rtol=1e-11)
    for layer, sizes in history.gradient_sizes.items():
        assert np.allclose(other.gradient_sizes[layer], sizes, rtol=1e-10)
    assert in_c_too.steps == optimiser.steps == 20
    for key, array in optimiser.state_dict()["memory"].items():
        assert np.abs(in_c_too.state_dict()["memory"][key] - array).max() <= 1e-10
    for one, other_one in zip(optimiser._last, in_c_too._last, strict=True):
        assert np.allclose(one, other_one, atol=1e-10)
    p, q = optimiser.params[3], in_c_too.params[3]
    assert str(in_c_too.explain(q))[:40] == str(optimiser.explain(p))[:40]


class Sign(Optimiser):
    """A rule of a user's own, which makes new arrays."""

    memory = ("mean",)

    def update(self, theta, gradient):
        self.mean = 0.9 * self.mean + 0.1 * gradient
        return theta - self.rate * np.sign(self.mean)


class Careful(Optimiser):
    """A rule that looks at all parameters at once."""

    def update(self, theta, gradient):
        return theta - self.rate * gradient if np.abs(gradient).max() < 1e3 else theta


class Counting(Optimiser):
    """A rule with a count of its own, which no step of others changes."""

    count = 0

    def update(self, theta, gradient):
        self.count = self.count + 1
        return theta - self.rate / self.count * gradient


class AtOneStep(Optimiser):
    """A rule that does something else in its fifth step."""

    def update(self, theta, gradient):
        return theta + gradient if self.steps == 4 else theta - self.rate * gradient


class AtFirst(Optimiser):
    """A rule that does something else in its first step."""

    def update(self, theta, gradient):
        return theta - self.rate * gradient if self.steps else theta


class Slower(Optimiser):
    """A rule that stands still when the rate is 0."""

    def update(self, theta, gradient):
        return theta - self.rate * gradient if self.rate else theta


class Logarithmic(Optimiser):
    """A rule with a logarithm to the base of 2, for which C has no word."""

    def update(self, theta, gradient):
        return theta - self.rate / math.log(self.steps + 2, 2) * gradient


RULES = [(Sign, True), *[(kind, False) for kind in (Careful, Logarithmic, Counting, AtOneStep, AtFirst, Slower)]]


@pytest.mark.parametrize(("kind", "traced"), RULES)
def test_a_rule_of_a_user_runs_in_c_or_in_numpy(kind, traced, in_c):
    wanted = trained("numpy", lambda p: kind(p, 0.01))[0]
    assert np.abs(trained("c", lambda p: kind(p, 0.01))[0] - wanted).max() <= 1e-12
    assert (sum(in_c) > 0) is traced


@pytest.mark.parametrize("setting", ["clip_norm", "clip_value"])
def test_clipping_is_done_in_numpy(setting, in_c):
    def make(p):
        return Adam(p, 0.01, **{setting: 0.1})

    with pytest.raises(Untraceable, match="it clips the gradient"):
        rule_of(make(cr.MLP(2, [1], rng=0).parameters()))
    assert np.abs(trained("c", make)[0] - trained("numpy", make)[0]).max() <= 1e-10
    assert sum(in_c) == 0


def test_dropout_drops_the_same_numbers(in_c):
    def model():
        return Sequential(cr.MLP(4, [6], "tanh", rng=0), Dropout(0.5, rng=1), cr.MLP(6, [3], rng=2))

    wanted, got = (trained(backend, OPTIMISERS["Adam"], model())[0] for backend in ("numpy", "c"))
    assert np.abs(got - wanted).max() <= 1e-10 and sum(in_c) == 39


def test_a_frozen_parameter_stays_as_it_is(in_c):
    def model():
        made = cr.MLP(4, [5, 3], "tanh", rng=0)
        made.parameters()[2].requires_grad = False
        return made

    start = [p.data for p in model().parameters()]
    wanted, got = (trained(backend, OPTIMISERS["momentum"], model())[0] for backend in ("numpy", "c"))
    assert got[2] == start[2] and np.abs(got - wanted).max() <= 1e-10


def test_a_callback_and_ctrl_c_end_a_training_between_epochs():
    def stop(model, history):
        return history.epochs[-1] == 2

    def interrupt(model, history):
        if history.epochs[-1] == 2:
            raise KeyboardInterrupt

    for callback in (stop, interrupt):
        (wanted, first, _), (got, second, _) = (
            trained(backend, OPTIMISERS["Adam"], callbacks=callback) for backend in ("numpy", "c")
        )
        assert first.epochs == second.epochs == [0, 1, 2] and first.interrupted == second.interrupted
        assert np.abs(got - wanted).max() <= 1e-10


def test_what_is_not_finite_is_the_same_error_and_leaves_the_same_parameters():
    ends = []
    for backend in ("numpy", "c"):
        model = cr.MLP(4, [5, 3], "relu", rng=0)
        with pytest.raises(FloatingPointError) as caught, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            cr.fit(model, lambda out, y: (out[0] - y) ** 2 * 1e3, iris().X, iris().y.astype(float), epochs=9,
                   optimiser=SGD(model.parameters(), 10.0), progress=False, backend=backend)  # fmt: skip
        said = re.sub(r"\d+\.\d+", "…", str(caught.value))  # the last digits of the numbers are those of roundings
        ends.append((said, [p.data for p in model.parameters()]))
    assert ends[0][0] == ends[1][0] and np.allclose(ends[0][1], ends[1][1], rtol=1e-6)


def test_auto_trains_whether_c_is_there_in_time_or_not():
    wanted, got = (trained(backend, OPTIMISERS["Adam"])[0] for backend in ("numpy", "auto"))
    assert np.abs(got - wanted).max() <= 1e-10


def test_without_a_compiler_one_warning_says_so(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CC", raising=False)
    with pytest.warns(RuntimeWarning, match="runs in NumPy, not in C: no C compiler was found"):
        got = trained("c", OPTIMISERS["Adam"])[0]
    assert (got == trained("numpy", OPTIMISERS["Adam"])[0]).all()


def test_an_unknown_backend_is_named():
    with pytest.raises(ValueError, match="backend='rust' is not one of 'numpy', 'c', 'auto'"):
        trained("rust", OPTIMISERS["Adam"])


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["c", "auto", "numpy"])
def test_the_bar_says_compiling_until_c_is_there(monkeypatch, backend):
    told = []
    monkeypatch.setattr(Progress, "tell", lambda self, text, now=False: told.append((text, now)))
    cr.fit(cr.MLP(4, [3], rng=0), cr.cross_entropy, iris(), epochs=2, backend=backend)
    compiling = [("compiling", True)] * (backend == "c")
    assert told[: len(compiling) + 1] == [*compiling, ("", False)] and told[-1][0].startswith("epoch 2")


@pytest.mark.parametrize("backend", ["c", "auto"])
def test_a_fit_without_a_compiler_warns_once_at_the_line_of_the_user(monkeypatch, backend):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CC", raising=False)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("default")
        trained(backend, OPTIMISERS["Adam"])
        for thread in threading.enumerate():
            if thread.name.startswith("chainrule builds"):
                thread.join()
    assert [one.filename for one in seen] == [__file__], [str(one.message) for one in seen]
