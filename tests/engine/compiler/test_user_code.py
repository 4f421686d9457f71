"""Functions as people write them compile to the numbers of eager code, or an error names the line."""

import asyncio
import collections
import contextlib
import copy
import dataclasses
import functools
import gc
import heapq
import itertools
import math
import operator
import random
import statistics
import threading
import time
from pathlib import Path
from types import FunctionType

import numpy as np
import pytest
from eager import assert_same

from chainrule import engine
from chainrule.engine import Table, TraceError, Value, exp, gradients, log, logsumexp, pick, tanh, where
from chainrule.engine.fast.operators import FastOperators
from chainrule.nn import MLP, softmax

HERE = Path(__file__).name
W = [Value(0.5, label="w0"), Value(-1.5, label="w1"), Value(2.0, label="w2")]
X = np.array([[0.3, -0.7, 1.1], [1.2, 0.4, -0.6], [0.9, -0.2, 0.8]])
Y = np.array([0, 2, 1])
EARLIER = W[0] * W[1]


def linear(x):
    return sum(w * v for w, v in zip(W, x))


class Linear:
    def __init__(self):
        self.calls = 0

    def __call__(self, x):
        self.calls += 1
        self.last = linear(x)
        return self.last * 2


@dataclasses.dataclass
class Cell:
    hidden: object = 0.0
    memory: object = 1.0


def recurrent(x, y):
    cell = Cell()
    for v in x:
        cell = dataclasses.replace(cell, hidden=tanh(cell.hidden * W[0] + v), memory=cell.memory * 0.5 + cell.hidden)
    return cell.memory + cell.hidden


def recursive(x, depth):
    return x if depth == 0 else recursive((x * W[0] + 0.1).tanh(), depth - 1)


def generated(x):
    for v in x:
        yield v * W[1]


def default_dictionary(x, y):
    sums = collections.defaultdict(float)
    for i, v in enumerate(x):
        sums[i % 2] += v
    return sums[0] * sums[1]


def keyed_by_values(x, y):
    places = {v: i for i, v in enumerate(x)}
    return sum(v * places[v] for v in x) * len(collections.Counter([*x, x[0]]))


def changing_its_input(x, y):
    x[0] = x[0] * 2
    x *= W[2]
    return linear(x)


def in_place(x, y):
    t = 0
    t += x[0]
    t *= W[0]
    t -= 1
    t /= 2
    t **= 2
    return t


@functools.cache
def squared(v):
    return v * v


@functools.cache
def constants():
    return [Value(0.1 * i) for i in range(3)]


def closures(x, y):
    functions = [lambda v=v: v * W[0] for v in x]
    return sum(f() for f in functions)


def gradient_penalty(x, y):
    u = linear(x).tanh()
    return u + sum(slope * slope for slope in gradients(u, list(x))) + sum(s * s for s in gradients(u, W))


def in_a_coroutine(x, y):
    async def answer():
        return linear(x)

    return asyncio.run(answer())


def marked(x, y):
    z = linear(x)
    z.label, z.note = "z", "seen"
    return z * len(z.note)


def backpropagation_by_hand(x, y):
    """The backward pass as in a lecture, which keeps its marks and gradients as attributes of the nodes."""
    order, root = [], (linear(x) * x[0]).tanh()

    def visit(node):
        if not getattr(node, "visited", False):
            node.visited, node.wanted = True, 0.0
            for child in node._prev:
                visit(child)
            order.append(node)

    visit(root)
    root.wanted = 1.0
    for node in reversed(order):
        for child, slope in zip(node._prev, gradients(node, list(node._prev)) if node._prev else ()):
            child.wanted += node.wanted * slope
    wanted = x[0].wanted * W[1].wanted
    for node in order:
        del node.visited, node.wanted
    return wanted


def marks_left_behind(x, y):
    z = x[0] * W[0]
    z.marked, x[0].marked = getattr(z, "marked", 1) + 1, getattr(x[0], "marked", 1) + 1
    return z * z.marked * x[0].marked


SAME = {
    "marks on nodes": marks_left_behind,
    "sum of a generator": lambda x, y: sum(generated(x)),
    "reduce": lambda x, y: functools.reduce(operator.mul, x),
    "accumulate": lambda x, y: list(itertools.accumulate(x))[-1],
    "math.prod": lambda x, y: math.prod(x),
    "unpacking": lambda x, y: (lambda a, *b: a * sum(b))(*x),
    "abs": lambda x, y: abs(x[0]) + abs(x[1]),
    "recursion": lambda x, y: recursive(x[0], 50),
    "a dataclass": recurrent,
    "a default dictionary": default_dictionary,
    "Values as keys": keyed_by_values,
    "a set of parameters": lambda x, y: sum({*W}, start=x[0]),
    "closures": closures,
    "an object that remembers": lambda x, y, f=Linear(): f(x),  # noqa: B008  the object is shared on purpose
    "operators in place": in_place,
    "a new constant": lambda x, y: linear(x) + Value(0.25),
    "a computed constant": lambda x, y: linear(x) * (Value(3.0) ** 0.5 / Value(2.0)),
    "cached constants": lambda x, y: sum(c * v for c, v in zip(constants(), x)),
    "a cache by identity": lambda x, y: squared(x[0]) + squared(x[1]),
    "computed before, from parameters": lambda x, y: EARLIER * x[0],
    "gradients": gradient_penalty,
    "a Hessian": lambda x, y: engine.hessian(lambda v: v[0] * v[1] * v[2])(x)[0, 1],
    "a coroutine": in_a_coroutine,
    "attributes": marked,
    "a list from an array": lambda x, y: linear(x.tolist()) + linear(np.array(list(x))) + linear(x.reshape(3, 1)[:, 0]),
    "np.exp": lambda x, y: np.exp(x).sum() + np.log(np.exp(x)).mean(),
    "np.tanh and np.dot": lambda x, y: np.tanh(np.dot(np.array(W), x)),
    "matrices": lambda x, y: (np.array([W, W[::-1]]) @ x).sum() + np.outer(x, np.array(W)).sum(),
    "np.linalg.norm": lambda x, y: np.linalg.norm(x) + np.var(x),
    "arithmetic with a label": lambda x, y: linear(x) * (2 * y - 1) - y,
    "pick": lambda x, y: -log(pick([exp(v - logsumexp(x)) for v in x], y)),
    "a Table": lambda x, y: Table(list(x))[y],
    "where": lambda x, y: where(x[0] - 0.5, linear(x), -linear(x)),
    "a plain number": lambda x, y: 1.5,
    "None as a default": lambda x, y: linear(x) if y is not None else 0.0,
    "a counted loop": lambda x, y: sum(x[i % 3] * i for i in range(len(x) * 2)),
}


@pytest.mark.parametrize("f", SAME.values(), ids=list(SAME))
def test_code_that_compiles_gives_the_numbers_of_eager_code(f):
    squared.cache_clear()
    assert_same(engine.compile(f, W), f, W, X, Y)


@pytest.mark.parametrize("f", SAME.values(), ids=list(SAME))
def test_a_number_that_is_read_while_tracing_is_that_of_eager_code(f):
    squared.cache_clear()
    read = []

    def reading(x, y):
        result = f(x, y)
        read.append(float(result))
        return result

    engine.compile(reading, W, frozen="allow")(X, Y)
    squared.cache_clear()
    eager = [f(np.array([Value(v) for v in x]), int(y)) for x, y in zip(X, Y)]
    assert [read[0], read[-1]] == [float(value) for value in eager[:2]]


def test_backpropagation_by_hand_compiles():
    expected = [backpropagation_by_hand([Value(v) for v in x], y).data for x, y in zip(X, Y)]
    assert engine.compile(backpropagation_by_hand, W)(X, Y).tolist() == pytest.approx(expected, rel=1e-12)


def test_a_function_may_change_its_input():
    assert engine.compile(changing_its_input, W)(X, Y).tolist() == pytest.approx([
        changing_its_input(x.astype(object), y).data for x, y in zip(X, Y)
    ], rel=1e-14)  # fmt: skip


def caught_reading(x, y):
    try:
        scale = float(x[0])
    except TypeError:
        scale = 1.0
    return linear(x) * scale


def suppressed_reading(x, y):
    with contextlib.suppress(Exception):
        if x[0] > 0:
            return linear(x) * 2
    return linear(x)


def followed_by_another_error(x, y):
    found = []
    with contextlib.suppress(TypeError):
        found.append(int(x[0]))
    return linear(x) * found[0]


def asserting(x, y):
    assert x[0] > 0
    return linear(x)


def matching(x, y):
    match y:
        case 0:
            return linear(x)
        case _:
            return -linear(x)


READING = {
    "if": lambda x, y: x[0] if x[0] > 0 else -x[0],
    "or": lambda x, y: x[0] or x[1],
    "not": lambda x, y: linear(x) * (not x[0]),
    "assert": asserting,
    "max and min": lambda x, y: max(x) - min(x),
    "sorted": lambda x, y: sorted(x)[0],
    "heapq": lambda x, y: heapq.nsmallest(1, list(x))[0],
    "round": lambda x, y: linear(x) * round(x[0], 1),
    "math.floor": lambda x, y: linear(x) * math.floor(x[0]),
    "math.hypot": lambda x, y: math.hypot(*x) * x[0],
    "math.isclose": lambda x, y: linear(x) * math.isclose(x[0], 1.0),
    "statistics": lambda x, y: statistics.fmean(x) * x[0],
    "a formatted number": lambda x, y: linear(x) * len(f"{x[0]:.2f}"),
    "copies of parameters": lambda x, y: sum(w * v for w, v in zip(copy.deepcopy(W), x)),
    "a Value made of a number": lambda x, y: Value(float(x[0])) * 2,
    "np.where of a comparison": lambda x, y: np.where(x > 0, x, 0.0).sum(),
    "np.maximum": lambda x, y: np.maximum(x, 0).sum(),
    "np.argmax": lambda x, y: linear(x) * int(np.argmax(x)),
    "astype": lambda x, y: linear(x.astype(float)),
    "label ==": lambda x, y: linear(x) if y == 1 else -linear(x),
    "label !=": lambda x, y: linear(x) if y != 1 else -linear(x),
    "label in a tuple": lambda x, y: linear(x) if y in (0, 2) else -linear(x),
    "match": matching,
    "one-hot by ==": lambda x, y: sum(v * float(i == y) for i, v in enumerate(x)),
    "an array ==": lambda x, y: x[0] * (x == 0).sum(),
    "a caught error": caught_reading,
    "a suppressed error": suppressed_reading,
    "another error after it": followed_by_another_error,
}


@pytest.mark.parametrize("f", READING.values(), ids=list(READING))
def test_code_that_depends_on_a_number_is_an_error_that_names_the_line(f):
    first = f.__code__.co_firstlineno
    with pytest.raises(TraceError, match=r"was read: .*Write it with operations \(where.*\).*use compile") as caught:
        engine.compile(f, W)(X, Y)
    place, line = str(caught.value).split(": ")[0].rsplit(":", 1)
    assert Path(place).name == HERE and first <= int(line) <= first + 5


NOISE = np.random.default_rng(0)
STATE = {"calls": 0, "kept": []}


def counting(x, y):
    STATE["calls"] += 1
    return linear(x) * STATE["calls"]


def using_the_last_example(x, y):
    STATE["kept"].append(x[0])
    return linear(x) + sum(STATE["kept"][:-1])


CHANGING = {
    "random.random": lambda x, y: linear(x) * random.random(),
    "np.random": lambda x, y: linear(x) * NOISE.random(),
    "dropout": lambda x, y: sum((v for v in x if random.random() > 0.5), start=x[0] * random.random()),
    "the time": lambda x, y: linear(x) * time.perf_counter(),
    "a global counter": counting,
    "a kept Value": using_the_last_example,
}


@pytest.mark.parametrize("f", CHANGING.values(), ids=list(CHANGING))
@pytest.mark.parametrize("examples", [1, 3])
def test_code_that_changes_from_run_to_run_is_an_error_that_names_the_line(f, examples):
    STATE.update(calls=0, kept=[])
    first = f.__code__.co_firstlineno
    where = rf"{HERE}:({first}|{first + 2}): (two runs on example 0|example 0 and example 1)"
    with pytest.raises(ValueError, match=where):
        engine.compile(f, W)(X[:examples], Y[:examples])


def test_constants_computed_anew_in_each_run_need_no_further_run():
    calls = []

    def f(x):
        calls.extend([x] * hasattr(x, "original"))  # when it is traced
        return x * (Value(3.0) ** 0.5 / Value(2.0)) + EARLIER

    engine.compile(f, W)(X[:, 0])
    assert len(calls) == 2


def test_computed_constants_that_differ_from_run_to_run_are_an_error():
    chance = random.Random(0)
    with pytest.raises(ValueError, match="random number"):
        engine.compile(lambda x: x * (Value(chance.random()) ** 0.5))(X[:, 0])


@pytest.mark.parametrize("was_on", [True, False])
def test_compile_leaves_the_garbage_collector_as_it_was(was_on):
    before = gc.isenabled()
    try:
        (gc.enable if was_on else gc.disable)()
        engine.compile(linear, W)(X)
        with pytest.raises(ZeroDivisionError):
            engine.compile(lambda x: 1 // 0)(X)
        assert gc.isenabled() is was_on
    finally:
        (gc.enable if before else gc.disable)()


def test_the_error_about_a_list_of_one_loss_says_what_to_return():
    program = engine.compile(lambda x: [linear(x)], W)
    assert program(X).shape == (3, 1)
    with pytest.raises(ValueError, match="this one returns a list of 1; return the loss itself, not a list"):
        program.value_and_grad(X)


def test_a_value_kept_from_an_earlier_trace_is_an_error():
    kept = []

    def f(x):
        kept.append(x * 2)
        return kept[0]

    with pytest.raises(TraceError, match=r"belongs to a function that was traced.*cannot keep Values.*hand them"):
        for _ in range(2):
            engine.compile(f)(np.ones(2))
    for use in (float, lambda v: v * 2, lambda v: v > 0, lambda v: v.backward()):
        with pytest.raises(TraceError, match="has no number here"):
            use(kept[0])
    assert repr(kept[0]) == "Traced(*)" and repr(kept[0].arguments) == "(Traced(x0), 2.0)"


def test_runs_may_differ_in_work_that_no_output_depends_on():
    def f(x):
        unused = x * time.perf_counter()  # noqa: F841
        return x * 2

    assert engine.compile(f)(np.ones(2)).tolist() == [2.0, 2.0]


def test_values_computed_before_compile_are_computed_anew_from_the_parameters():
    w = Value(2.0)
    norm = w * w
    program = engine.compile(lambda x: norm * x, params=[w])
    program(X[:, 0])
    w.data = 3.0
    value, gradient = program.value_and_grad(np.ones(2))
    assert (norm.data, value, gradient.tolist()) == (4.0, 9.0, [6.0])
    norm.refresh()
    assert norm.data == value


def test_printing_a_traced_value_shows_its_name_and_reads_no_number(capsys):
    def f(x):
        y = x * W[0]
        print(x, y, f"{W[0]} {y}")
        return y

    engine.compile(f, W)(X[:, 0])
    assert capsys.readouterr().out.splitlines()[0] == "Traced(x0) Traced(*) Traced(w0) Traced(*)"


# --- other threads while a function is traced


class Weight(Value):
    """A Value with a slot, a method and an operator of its own."""

    __slots__ = ("mask",)

    def masked(self):
        return self * self.mask

    def __matmul__(self, other):
        return self * other


def while_tracing(w, job):
    """The result of job() in this thread while another one traces a function of w."""
    begun, end = threading.Event(), threading.Event()

    def f(x):
        begun.set()
        assert end.wait(10.0)
        return w * x

    program = engine.compile(f, params=[w])
    thread = threading.Thread(target=lambda: program(np.ones(1)))
    thread.start()
    try:
        assert begun.wait(10.0)
        return job()
    finally:
        end.set()
        thread.join()


JOBS = {
    "a product": lambda w: (type(w * 3.0), (w * 3.0).data, w.data),
    "both sides": lambda w: [y.data for y in (w + 1, 1 - w, w / 2, 2 / w, w**2, 2**w, -w, w * w, Value(2.0) * w)],
    "functions": lambda w: [y.data for y in (w.tanh(), exp(w), w.relu(), engine.dot([w], [w]), *np.exp(np.array([w])))],
    "reading": lambda w: (w > 1, float(w), f"{w:.2f}", repr(w), w == 2.0, {w: 1}[w], w.name(), w._prev, w._local_grads),
    "a comparison with ==": lambda w: (w == w, w == Value(2.0), w in [2.0], w != 2.0),
    "derivatives": lambda w: ([g.data for g in gradients(w * w, [w])], engine.grad(lambda v: v * w)(3.0)),
    "copies": lambda w: [(type(v), v.data) for v in (copy.deepcopy(w), copy.copy(w), copy.deepcopy(w * w))],
    "no_grad": lambda w: engine.no_grad()(lambda: (type(w * w), (w * w)._prev))(),
}


def backwards(w):
    w.grad = 0.0
    y = w * w + w.tanh()
    y.backward()
    w.backward()
    return w.grad, [v.grad for v in y._prev]


def changed(w):
    y = w * w
    w.data = 5.0
    y.refresh()
    return y.data, w.data


@pytest.mark.parametrize("kind", [Value, Weight])
@pytest.mark.parametrize("job", [*JOBS.values(), backwards, changed], ids=[*JOBS, "backward", "changing data"])
def test_eager_code_runs_as_usual_while_another_thread_traces(job, kind):
    expected, w = job(kind(2.0)), kind(2.0)
    assert while_tracing(w, lambda: job(w)) == expected
    assert type(w) is kind


def test_a_parameter_of_a_users_own_class_keeps_its_slots_and_methods():
    w = Weight(3.0)
    w.mask = 0.5

    def f(x):
        assert isinstance(w, Weight) and isinstance(w * x, Weight)
        return (w.masked() + w @ x) * x

    assert_same(engine.compile(f, [w]), f, [w], X[:, 0].copy())
    assert (type(w), type(w * 2), w.mask) == (Weight, Weight, 0.5)


def test_a_constant_may_be_of_a_users_own_class():
    c, w = Weight(3.0), Weight(2.0)

    def f(x):
        return c * x + x / c - exp(c) * x + c * c * w * x + engine.dot([c, x], [x, c]) + w * c * x

    assert_same(engine.compile(f, [w]), f, [w], X[:, 0].copy())


# --- copies of programs


class Model:
    def __init__(self):
        self.w = Value(2.0)
        self.program = engine.compile(self.loss, params=[self.w])

    def loss(self, x):
        return self.w * x


def test_a_copied_model_has_a_program_with_the_parameters_of_the_copy():
    model = Model()
    model.program(np.ones(2))
    for twin in (copy.deepcopy(model), copy.deepcopy(model.program)._f.__self__):
        twin.w.data = 5.0
        assert twin.program(np.ones(2)).tolist() == [5.0, 5.0] and twin.program.parameters().tolist() == [5.0]
        twin.program.assign([7.0])
        assert (twin.w.data, model.w.data, model.program(np.ones(1)).tolist()) == (7.0, 2.0, [2.0])


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy], ids=["copy", "deepcopy"])
def test_a_copied_program_of_a_function_keeps_the_same_parameters(copied):
    w = Value(2.0)
    program = engine.compile(lambda x: w * x, params=[w])
    program(np.ones(2))
    twin = copied(program)
    w.data = 3.0
    assert twin(np.ones(2)).tolist() == [3.0, 3.0] and twin(np.ones((2, 1)))[0, 0] == 3.0
    assert twin.source and twin.value_and_grad(np.ones(2))[1].tolist() == [1.0]


# --- Value(x) of what is a plain number in eager code


class Named(Value):
    """A class of one's own, as in micrograd's exercises."""


WRAPPED = {
    "a comprehension": lambda x, y: linear([Value(v) for v in x]).tanh(),
    "map": lambda x, y: linear(list(map(Value, x))),
    "a label": lambda x, y: Value(x[0], label="first") * W[0],
    "a computed number": lambda x, y: Value(x[0] * 2 + 1) * W[0] + x[1],
    "a class label": lambda x, y: Value(y) * linear(x),
    "twice": lambda x, y: linear([Value(v) * Value(v) for v in x]),
    "a class of one's own": lambda x, y: linear([Named(v) for v in x]),
    "its derivative": lambda x, y: gradients((v := Value(x[0])) ** 3 * W[0], [v])[0],
}


@pytest.mark.parametrize("f", WRAPPED.values(), ids=list(WRAPPED))
def test_a_value_of_an_input_compiles(f):
    runs = []

    def counted(x, y):
        runs.append(hasattr(x[0], "original"))
        return f(x, y)

    program = engine.compile(counted, W)
    assert program(X, Y) == pytest.approx([f(x.tolist(), int(y)).data for x, y in zip(X, Y)], rel=1e-14)
    assert sum(runs) == 2, "both runs gave the same nodes"
    slopes = []
    for x, y in zip(X, Y):
        slopes.append([slope.data for slope in gradients(f(x.tolist(), int(y)), W)])
    assert program.value_and_grad(X, Y)[1] == pytest.approx(np.mean(slopes, axis=0), rel=1e-13)
    one = engine.compile(f, W, batch=False)
    assert one(X[0], Y[0]) == pytest.approx(program(X, Y)[0], rel=1e-14)


@pytest.mark.parametrize("f", [lambda x: Value(W[0]) * x, lambda x: Value(W[0] * x)], ids=["parameter", "product"])
def test_a_value_of_a_value_is_the_error_of_eager_code(f):
    with pytest.raises(TypeError, match=r"a Value holds one number, got Value .*use it as it is"):
        engine.compile(f, W)(X[:, 0])


# --- what softmax and models return


MODEL, SOFT = MLP(3, [4, 3], rng=0), MLP(3, [3], output="softmax", rng=1)
BY_LABEL = {
    "softmax": lambda x, y: -log(softmax(x)[y]),
    "a model": lambda x, y: MODEL(x)[y],
    "a model of probabilities": lambda x, y: SOFT(x)[y].log(),
    "a slice of a layer": lambda x, y: MODEL.layers[0](x)[1:][y],
}


@pytest.mark.parametrize("f", BY_LABEL.values(), ids=list(BY_LABEL))
def test_what_softmax_and_models_return_is_indexed_by_a_label(f):
    parameters = MODEL.parameters() + SOFT.parameters()
    assert_same(engine.compile(f, parameters), f, parameters, X, Y)


# --- the Jacobian of several outputs


def several(x):
    return [x[0] * x[1] * W[0], x[2] ** 2, W[1] * 1.0, Value(3.0), (x[0] + W[2]).tanh()]


def test_the_jacobian_has_a_row_for_each_output():
    expected = np.array([engine.jacobian(several)(x) for x in X])
    program = engine.compile(several, W)
    assert program.jacobian(X) == pytest.approx(expected, rel=1e-13)
    assert engine.compile(several, W, batch=False).jacobian(X[0]) == pytest.approx(expected[0], rel=1e-13)
    other = np.array([0.1, 0.2, 0.3])
    assert program.jacobian(X, at=other)[:, 0] == pytest.approx(expected[:, 0] * 0.1 / W[0].data, rel=1e-13)


def test_the_jacobian_has_the_shape_of_each_input():
    program = engine.compile(lambda x, y, z: [x * z[0, 1], pick([x, x * x, x * 3], y) * z[1, 1]])
    x, z = X[:, 0].copy(), np.arange(12.0).reshape(3, 2, 2)
    to_x, to_y, to_z = program.jacobian(x, Y, z)
    assert (to_x.shape, to_y, to_z.shape) == ((3, 2), None, (3, 2, 2, 2))
    assert to_x[:, 0].tolist() == z[:, 0, 1].tolist() and to_z[:, 0, 0, 1].tolist() == x.tolist()
    assert engine.compile(lambda x: [x * 2])(x).shape == (3, 1) == engine.compile(lambda x: [x * 2]).jacobian(x).shape
    assert engine.compile(lambda x: x * 2).jacobian(x).tolist() == [2.0] * 3


WRITTEN_OUT = ["__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__truediv__", "__rtruediv__",
               "__pow__", "__neg__", "tanh", "relu"]  # fmt: skip


@pytest.mark.parametrize("kind", ["Value", "own"])
@pytest.mark.parametrize("name", [*WRITTEN_OUT, "exp", "sigmoid"])
def test_a_method_may_be_called_as_that_of_the_class(name, kind):
    class Own(Value):
        """Its methods call those of Value."""

    method = getattr(Value, name)
    setattr(Own, name, lambda self, *others: getattr(super(Own, self), name)(*others))
    w = (Own if kind == "own" else Value)(0.7, label="w")
    others = method.__code__.co_argcount - 1
    assert {name for name, one in vars(FastOperators).items() if isinstance(one, FunctionType)} <= set(WRITTEN_OUT)

    def f(x):
        u = w * x[0] + 2.0
        given = [[u], [u, u * x[1] + 3.0], [u, 1.5], [u, 2]] if others else [[u]]
        return sum((method(*arguments[: 1 + others]) for arguments in given if len(arguments) == 1 + others), u)

    assert_same(engine.compile(f, [w]), f, [w], np.array([[0.3, 0.4], [1.2, -0.7]]))
