"""One program that is called again and again, with other batches and types, wrong labels, or from several threads."""

import numpy as np
import pytest
from eager import assert_same
from test_programs import in_threads

from chainrule import engine
from chainrule.nn import MLP, cross_entropy

CLASSES = 4
model = MLP(3, [5, CLASSES], activation="tanh", rng=1)


def loss(x, y):
    return cross_entropy(model(x), y)


def batch(chance, examples):
    return chance.normal(size=(examples, 3)), chance.integers(0, CLASSES, examples)


def compiled():
    return engine.compile(loss, params=model)


def everything(program, *inputs, at=None):
    """The results of all methods that run the program."""
    value, gradient = program.value_and_grad(*inputs, at=at)
    to_x, nothing = program.input_gradients(*inputs, at=at)
    assert nothing is None
    return [program(*inputs, at=at), np.array(value), gradient, to_x, program.per_example(*inputs, at=at)]


def equal(these, those):
    return all(np.array_equal(a, b) for a, b in zip(these, those, strict=True))


def test_results_do_not_depend_on_the_sizes_of_the_batches_before():
    chance, program = np.random.default_rng(0), compiled()
    for examples in [1, 2, 7, 1, 7, *range(1, 25), 7, 2, 1]:
        inputs = batch(chance, examples)
        expected = everything(compiled(), *inputs)
        assert equal(everything(program, *inputs), expected)
        assert equal(everything(program, *inputs, at=program.parameters()), expected)


def test_later_calls_do_not_change_the_arrays_that_earlier_ones_returned():
    chance, program = np.random.default_rng(0), compiled()
    results = [everything(program, *batch(chance, 7), at=program.parameters()) for _ in range(4)]
    copies = [[array.copy() for array in each] for each in results]
    everything(program, *batch(chance, 7))
    assert all(map(equal, results, copies))
    flat = [array for each in results for array in each]
    assert not any(np.shares_memory(a, b) for i, a in enumerate(flat) for b in flat[:i])


WAYS = [engine.Program.__call__, engine.Program.value_and_grad, engine.Program.per_example,
        engine.Program.input_gradients]  # fmt: skip


@pytest.mark.parametrize("wrong", [CLASSES, 255, -1, 2**40, 2**63, 0.5, np.nan, np.inf])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_wrong_label_is_an_error_at_each_call_and_does_not_disturb_later_ones(way, wrong):
    chance, program = np.random.default_rng(0), compiled()
    x, y = batch(chance, 3)
    theta, expected = program.parameters(), everything(program, x, y)
    labels = np.array([0, 1, wrong])
    assert labels.dtype.kind in "fiu"
    for at in (None, theta, theta):
        with pytest.raises(IndexError):
            way(program, x, labels, at=at)
        assert equal(everything(program, x, y, at=at), expected)


@pytest.mark.parametrize("kind", ["int32", "uint8", "int8", "uint64", ">i4", "bool"])
def test_labels_of_any_integer_type_give_the_same_results(kind):
    x, y = batch(np.random.default_rng(0), 5)
    y %= 2
    program = compiled()
    expected = everything(program, x, y)
    for _ in range(2):  # the first call checks the labels, the second does not
        assert equal(everything(program, x, y.astype(kind), at=program.parameters()), expected)


def test_labels_may_be_floats_that_are_whole_numbers():
    program, (x, y) = compiled(), batch(np.random.default_rng(0), 5)
    value, gradient = program.value_and_grad(x, y.astype(float))
    expected = program.value_and_grad(x, y)
    assert value == pytest.approx(expected[0], rel=1e-14)
    assert gradient == pytest.approx(expected[1], rel=1e-13, abs=1e-15)
    to_x, to_label = program.input_gradients(x, y.astype(float))
    assert to_x == pytest.approx(program.input_gradients(x, y)[0], rel=1e-13, abs=1e-15)
    assert (to_label == 0.0).all()


def test_one_label_may_stand_for_all_examples():
    program, (x, _) = compiled(), batch(np.random.default_rng(0), 5)
    assert_same(program, loss, model.parameters(), x, 2)
    assert equal(program.value_and_grad(x, 2), program.value_and_grad(x, np.full(5, 2)))


LAYOUTS = [np.asfortranarray, lambda x: np.repeat(x, 2, axis=1)[:, ::2], lambda x: x[::-1][::-1], np.longdouble,
           lambda x: x.astype(">f8"), np.ndarray.tolist]  # fmt: skip


@pytest.mark.parametrize("laid", LAYOUTS)
def test_the_layout_of_the_inputs_in_memory_makes_no_difference(laid):
    program, (x, y) = compiled(), batch(np.random.default_rng(0), 5)
    expected = everything(program, x, y)
    for _ in range(2):
        assert equal(everything(program, laid(x), y, at=program.parameters()), expected)


def test_nan_in_one_example_does_not_reach_other_examples_or_later_calls():
    program, (x, y) = compiled(), batch(np.random.default_rng(0), 5)
    expected, spoilt = everything(program, x, y), x.copy()
    spoilt[2, 1] = np.nan
    values, _, _, to_x, each = everything(program, spoilt, y)
    assert np.isnan(values[2])
    others = [0, 1, 3, 4]
    assert equal([a[others] for a in (values, to_x, each)], [expected[i][others] for i in (0, 3, 4)])
    assert equal(everything(program, x, y), expected)


LOSSES = {
    "terms in another order": lambda z, y, w: (w + engine.logsumexp(z)) - (w * w + engine.pick(z, y)),
    "one pick, two sums": lambda z, y, w: (w + engine.logsumexp(z)) + (engine.logsumexp(z[:2]) - engine.pick(z, y)),
    "two numbers of choices": lambda z, y, w: cross_entropy(z[:3], y) - engine.pick(z, y) + w,
    "the difference the other way": lambda z, y, w: engine.pick(z, y) - engine.logsumexp(z),
    "minus itself": lambda z, y, w: cross_entropy(z, y) - (w - cross_entropy(z, y)),
}


@pytest.mark.parametrize("column", [False, True])
@pytest.mark.parametrize("name", LOSSES)
def test_programs_agree_with_eager_code_on_the_parts_of_cross_entropies(name, column):
    def f(x, y):
        return LOSSES[name](model(x), y[0] if column else y, model.parameters()[0])

    x, y = batch(np.random.default_rng(0), 5)
    y %= 3
    program = engine.compile(f, params=model)
    for _ in range(2):
        assert_same(program, f, model.parameters(), x, y[:, None] if column else y)


@pytest.mark.parametrize("wide", [False, True])
def test_a_program_of_one_example_takes_infinite_logits_and_refuses_wrong_labels(wide):
    w = [engine.Value(0.3 - 0.01 * i) for i in range(40 * 20)]

    def f(mask, y):
        scores = [sum(w[20 * i : 20 * i + 20 if wide else 20 * i + 1], 0.0) for i in range(40)]
        return cross_entropy([score + engine.log(masked) for score, masked in zip(scores, mask)], y)

    program, mask = engine.compile(f, params=w, batch=False), np.ones(40)
    mask[1] = 0.0
    loss = program(mask, 2)
    mean, gradient = program.value_and_grad(mask, 2)
    assert np.isfinite(loss) and mean == pytest.approx(loss, rel=1e-14)
    assert np.isfinite(gradient).all() and (program.per_example(mask, 2) == gradient).all()
    for run in (program, program.value_and_grad, program.per_example):
        with pytest.raises(IndexError, match="index 40 is out of range"):
            run(mask, 40)


def test_numbers_that_lie_64_bytes_apart_are_negated_rightly():
    program = engine.compile(lambda x: sum(-x[i] * (i + 1.0) for i in (3, 11, 19)))
    x = np.arange(24.0)[None]
    assert program(x).tolist() == [-(3 * 4.0 + 11 * 12.0 + 19 * 20.0)]
    assert [np.flatnonzero(row).tolist() for row in program.input_gradients(x)] == [[3, 11, 19]]


def test_zero_and_minus_zero_stay_different_constants():
    program = engine.compile(lambda x: [x * 0.0, x * -0.0])
    assert np.copysign(1.0, program(np.array([1.0, 2.0]))).tolist() == [[1.0, -1.0]] * 2


def test_values_that_are_not_picked_may_be_infinite():
    program = engine.compile(lambda x, y: engine.pick(list(x), y))
    x, y = np.array([[1.0, np.inf, np.nan], [-np.inf, np.nan, 2.0]]), np.array([0, 2])
    assert program(x, y).tolist() == [1.0, 2.0]
    assert program.input_gradients(x, y)[0].tolist() == [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    w = engine.Value(1.0)
    program = engine.compile(lambda x, y: w + engine.pick(list(x), y), params=[w])
    value, gradient = program.value_and_grad(x, y)
    assert value == 2.5 and gradient.tolist() == [1.0]


@pytest.mark.parametrize("logits", [
    [[-np.inf, 0.5, 1.0], [0.0, 1.0, -np.inf]], [[-np.inf, -np.inf, 1.0], [0.0, 1.0, 2.0]],
    [[np.inf, 0.0, 1.0], [0.0, 1.0, 2.0]], [[-np.inf] * 3, [0.0, 1.0, 2.0]], [[np.nan, 0.0, 1.0], [0.0, 1.0, 2.0]],
    [[1e308, -1e308, 1e308], [-1e308, -1e308, 0.0]],
])  # fmt: skip
@pytest.mark.parametrize("label", [0, 1, 2])
def test_infinite_logits_have_the_mean_and_the_gradients_of_eager_code(logits, label):
    shifts = [engine.Value(number) for number in (0.25, -0.5, 1.0)]

    def f(x, y):
        return cross_entropy([shift + logit for shift, logit in zip(shifts, x)], y)

    program, theta = engine.compile(f, params=shifts), np.array([0.25, -0.5, 1.0])
    logits, labels = np.array(logits), np.array([label, 1])
    for x in (np.zeros((2, 3)), logits, np.zeros((2, 3)), logits):  # they need other lines
        eager = [f(row.tolist(), int(each)) for row, each in zip(x, labels)]
        slopes = np.mean([[slope.data for slope in engine.gradients(loss, shifts)] for loss in eager], axis=0)
        value, gradient = program.value_and_grad(x, labels, at=theta)
        assert value == pytest.approx(np.mean([loss.data for loss in eager]), rel=1e-15, nan_ok=True)
        finite = np.isfinite(slopes)
        assert gradient[finite] == pytest.approx(slopes[finite], rel=1e-14, abs=1e-16)
        assert finite.all() or not np.isfinite(gradient).all()


@pytest.mark.parametrize("given, said", [
    (([[1.0, 2.0, 3.0], [1.0, 2.0]], [0, 1]), r"rows of input 0 differ: row 0 has the shape \(3,\), row 1"),
    ((np.ones((2, 3)), [0, CLASSES]), r"pick has 4 values \(indices 0 to 3\), in example 1"),
    ((np.ones((2, 3)), [0, 1], "abc"), "theta needs numbers, .* got str 'abc'"),
])  # fmt: skip
def test_errors_about_inputs_name_the_input_and_what_it_needs(given, said):
    inputs, at = given[:2], given[2] if given[2:] else None
    with pytest.raises((ValueError, IndexError), match=said):
        compiled().value_and_grad(*inputs, at=at)


def test_the_method_parameters_in_place_of_a_list_is_an_error():
    said = r"params is a function, parameters; call it: write params=model.parameters\(\), with"
    with pytest.raises(TypeError, match=said):
        engine.compile(loss, params=model.parameters)


@pytest.mark.skipif(not hasattr(Exception, "add_note"), reason="notes are new in Python 3.11")
def test_one_example_without_the_axis_of_examples_is_an_error():
    with pytest.raises(ValueError, match="got 1 input;") as failed:
        compiled()(np.ones(3), 1)
    assert "For one example of several numbers, write x[None]" in failed.value.__notes__[0]


def test_whole_numbers_too_large_for_an_index_are_an_error():
    program, (x, _) = compiled(), batch(np.random.default_rng(0), 2)
    with pytest.raises(ValueError, match=r"input 1 has integers above 2\*\*63 - 1; write x.astype\(float\)"):
        program(x, np.array([0, 2**63], np.uint64))
    with pytest.raises(ValueError, match="above 2"):
        program(x, np.array([0, 2**63], ">u8"))


@pytest.mark.parametrize("calls", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_threads_with_batches_of_many_sizes_do_not_disturb_each_other(calls):
    w, numbers, theta = engine.Value(2.0), np.arange(60.0), np.array([3.0])
    program = engine.compile(lambda x: w * x, params=[w])

    def work(seed):
        for n in np.random.default_rng(seed).integers(1, 61, calls):
            assert (program(numbers[:n]) == 2.0 * numbers[:n]).all()
            assert program.value_and_grad(numbers[:n], at=theta)[1] == pytest.approx(numbers[:n].mean())
        return "done"

    for first in range(0, 12, 4):
        assert in_threads([lambda seed=seed: work(seed) for seed in range(first, first + 4)]) == ["done"] * 4


@pytest.mark.parametrize("n", [4095, 4096, 5000])
def test_many_examples_run_in_chunks_and_give_the_same(n):
    chance = np.random.default_rng(0)
    model = MLP(2, [4, 3], activation="tanh", rng=0)
    X, y = chance.normal(size=(n, 2)), chance.integers(0, 3, n)
    program = engine.compile(lambda x, scale, y: cross_entropy(model(x), y) * scale, model)
    for scale in (2.0, chance.normal(size=n)):  # one number for all examples, or one for each
        each = program.per_example(X, scale, y)
        for _ in range(2):
            mean, gradient = program.value_and_grad(X, scale, y)
            assert mean == pytest.approx(program(X, scale, y).mean(), rel=1e-13)
            assert gradient == pytest.approx(each.mean(axis=0), rel=1e-11, abs=1e-14)


def test_a_label_out_of_range_is_named_by_its_place_among_many_examples():
    model, labels = MLP(2, [3], rng=0), np.zeros(5000, int)
    program = engine.compile(lambda x, y: cross_entropy(model(x), y), model)
    program.value_and_grad(np.ones((5000, 2)), labels)
    labels[4321] = 3
    with pytest.raises(IndexError, match="example 4321"):
        program.value_and_grad(np.ones((5000, 2)), labels)
