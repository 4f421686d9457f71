"""What eager code reads at each call: a program reads it too, or notices that it changed, or says so when it traces."""

import functools
import random
import weakref
from functools import cached_property

import numpy as np
import pytest
from eager import assert_same

from chainrule import engine
from chainrule.engine import DomainError, Value, log, sqrt, tanh
from chainrule.nn import MLP, Module

X = np.array([1.0, 2.0, 3.0])


# --- requires_grad


@pytest.mark.parametrize("batch", [True, False])
def test_requires_grad_is_read_at_each_call(batch):
    a, b = Value(2.0), Value(3.0, requires_grad=False)
    x = X if batch else 2.0
    program = engine.compile(lambda x: a * x + b * x * x, [a, b], batch=batch)
    slopes = np.array([np.mean(x), np.mean(np.square(x))])
    for learn in ((1, 0), (1, 1), (0, 1), (0, 0), (1, 1)):
        a.requires_grad, b.requires_grad = map(bool, learn)
        for at in (None, program.parameters()):
            assert program.value_and_grad(x, at=at)[1] == pytest.approx(slopes * learn, rel=1e-14)
        assert np.atleast_2d(program.per_example(x)).mean(axis=0) == pytest.approx(slopes * learn, rel=1e-14)


def test_a_program_does_not_keep_the_arrays_of_a_call():
    a = Value(2.0)
    one, several = engine.compile(lambda x: a * x, [a]), engine.compile(lambda x: [a * x, x], [a])
    for run in (one, several, one.value_and_grad, one.per_example, one.input_gradients, several.jacobian):
        x = np.array(X)
        kept = weakref.ref(x)
        run(x)
        del x
        assert kept() is None, run


# --- parameters and constants


class Cached(Module):
    def __init__(self):
        self.w, self.u = Value(0.5), Value(-1.5)

    @cached_property
    def norm(self):
        return self.w * self.w + self.u

    @functools.lru_cache  # noqa: B019
    def gate(self):
        return tanh(self.w)

    def __call__(self, x):
        early = self.gate()
        return x * self.u + self.norm * early

    def loss(self, x):
        return self(x) ** 2


WAYS = {
    "a model": lambda model: model,
    "a method": lambda model: model.loss,
    "a partial": lambda model: functools.partial(model.loss),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))
def test_the_parameters_of_a_model_are_found(way):
    model = Cached()
    program = engine.compile(way(model))
    assert program.value_and_grad(X)[1].shape == (2,) and program.constants == []
    before = program(X)
    model.u.data = 4.0
    assert (program(X) != before).all()


def test_an_mlp_that_learned_after_the_trace_has_new_outputs():
    model, x = MLP(2, [3, 2], rng=0), np.ones((2, 2))
    program = engine.compile(model)
    program(x)
    for p in model.parameters():
        p.data += 0.1
    assert program(x) == pytest.approx(model.predict(x), rel=1e-14)


def test_params_that_are_given_are_the_parameters():
    model = Cached()
    assert engine.compile(model, params=[model.w])(X).shape == (3,)
    with pytest.raises(ValueError, match=r"there are none \(params=\(\)\)"):
        engine.compile(model, params=()).value_and_grad(X)


@pytest.mark.parametrize("name", ["__call__", "value_and_grad", "per_example", "input_gradients"])
def test_a_constant_that_changed_is_an_error_that_names_it(name):
    w, heat = Value(2.0), Value(3.0, label="temperature")
    program = engine.compile(lambda x: w * x / heat, [w])
    for _ in range(2):  # the second call is a remembered one
        getattr(program, name)(X)
    heat.data = 5.0
    with pytest.raises(ValueError, match=r"temperature was 3.0 when the function was traced, and is 5.0 now.*params"):
        getattr(program, name)(X)
    heat.data = 3.0
    getattr(program, name)(X)


# --- what a function keeps


def test_what_a_model_caches_is_usable_after_compiling():
    model = Cached()
    assert_same(engine.compile(model, model.parameters()), model, model.parameters(), X)
    assert type(model.norm) is Value and type(model.gate()) is Value
    model(2.0).backward()
    assert (model.w.grad, model.u.grad) != (0.0, 0.0)
    expected = engine.grad(lambda w, u: 2.0 * u + (w * w + u) * tanh(w), argnums=(0, 1))(0.5, -1.5)
    assert [model.w.grad, model.u.grad] == pytest.approx([slope.item() for slope in map(np.asarray, expected)])


def test_what_a_cache_holds_may_have_been_computed_in_another_order():
    kept = {}

    def f(x):
        if not kept:
            kept["first"], kept["second"] = sqrt(w * w + 1.0), tanh(w)
        return (x * kept["second"]).tanh() * kept["first"] + kept["second"]

    w = Value(0.7)
    assert_same(engine.compile(f, [w]), f, [w], X)


# --- control flow that reads no number


def tried(x):
    try:
        return log(x)
    except DomainError:
        return x * 0.0 - 5.0


SILENT = {
    "try": (tried, np.array([-1.0, 2.0])),
    "type(x) is Value": (lambda x: x * 2 if type(x) is Value else x * 3, X),
    "isinstance(label, int)": (lambda x, y: x * 2 if isinstance(y, int) else x * 3, X, np.array([0, 1, 2])),
    "isinstance of a sum": (lambda x: x * 2 if type(x + 1.0) is not Value else x * 3, X),
    "repr": (lambda x: x * 2 if "Traced" in repr(x) else x * 3, X),
    "a class attribute": (lambda x: x * 2 if hasattr(x, "original") else x * 3, X),
}


@pytest.mark.parametrize(("f", "inputs"), [(f, rest) for f, *rest in SILENT.values()], ids=list(SILENT))
@pytest.mark.parametrize("batch", [True, False])
def test_control_flow_that_reads_no_number_is_noticed(f, inputs, batch):
    with pytest.raises(ValueError, match=r"example 0: run eagerly, the function gives .*, and as it was traced .*"):
        engine.compile(f, batch=batch)(*(inputs if batch else [array[0] for array in inputs]))


def test_the_second_example_is_looked_at_too():
    with pytest.raises(ValueError, match="example 1: run eagerly"):
        engine.compile(tried)(np.array([1.0, -1.0]))


def test_a_function_of_plain_numbers_or_of_labels_that_are_values_compiles():
    assert engine.compile(lambda x: engine.exp(x.tanh()))(np.array([0, 1])).shape == (2,)
    assert engine.compile(lambda x: sum(a * a for a in x.tolist()))(np.ones((2, 3))).tolist() == [3.0, 3.0]


def test_where_eager_code_has_no_value_the_program_follows_numpy():
    assert engine.compile(lambda x: log(x))(np.array([0.0, 1.0])).tolist() == [-np.inf, 0.0]


def test_chaos_is_no_disagreement():
    """A rounding error grows to the size of the result: eager code and the program are then both right."""

    def logistic(x):
        for _ in range(100):
            x = engine.exp(Value(1.37)) * x * (1.0 - x)
        return x

    assert engine.compile(logistic)(np.array([0.3, 0.4])).shape == (2,)


# --- chance

HIDDEN = random.Random(0)
OLD = np.random.RandomState(0)


class Dropout(Module):
    def __init__(self):
        self.chance = np.random.default_rng(0)

    def noise(self):
        return 2.0 if self.chance.random() < 0.01 else 3.0

    def __call__(self, x):
        return x * self.noise()


def drawing(draw):
    return lambda x: x * (2.0 if draw() < 0.01 else 3.0)


def helper():
    return HIDDEN.random()


CHANCES = {
    "random": drawing(random.random),
    "numpy.random": lambda x: x * (2.0 if np.random.rand() < 0.01 else 3.0),  # noqa: NPY002
    "a generator in a closure": drawing(random.Random(1).random),
    "a global generator": lambda x: x * (2.0 if HIDDEN.random() < 0.01 else 3.0),
    "a helper's global generator": lambda x: x * (2.0 if helper() < 0.01 else 3.0),
    "NumPy's RandomState": lambda x: x * (2.0 if OLD.rand() < 0.01 else 3.0),
    "an attribute of a model": Dropout(),
    "a function of a model": lambda x, model=Dropout(): model(x),  # noqa: B008
}


@pytest.mark.parametrize("f", CHANCES.values(), ids=list(CHANCES))
def test_chance_is_noticed_however_rarely_it_decides(f):
    with pytest.raises(ValueError, match=r"draws random numbers each time it runs.*hand them in as inputs|example"):
        engine.compile(f)(X)


def test_a_function_that_draws_its_weights_at_the_first_run_alone_compiles():
    kept = []

    def f(x):
        if not kept:
            kept.append(Value(random.random()))
        return kept[0] * x

    assert engine.compile(f)(X) == pytest.approx(kept[0].data * X, rel=1e-15)
