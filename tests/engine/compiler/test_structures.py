"""Random structured programs (layers, grids, attention, tables, …) agree with the same code run eagerly."""

import re
from collections import Counter

import numpy as np
import pytest
from eager import assert_same, close, examples, run
from structures import FEATURES, POSITIONS, ROWS, Structure

from chainrule import engine
from chainrule.engine import Value, dot, exp, gradients, pick, tanh, total
from chainrule.engine.compiler.arrays import layout
from chainrule.engine.compiler.arrays.beside import beside
from chainrule.engine.compiler.arrays.derive import differentiate
from chainrule.engine.compiler.arrays.forward import array_program
from chainrule.engine.compiler.arrays.ir import Rows
from chainrule.engine.compiler.arrays.mean import mean, mean_parts
from chainrule.engine.compiler.arrays.place import needed
from chainrule.engine.compiler.arrays.plan import Lane
from chainrule.engine.compiler.arrays.spec import check
from chainrule.engine.compiler.emit import functions


@pytest.fixture(autouse=True)
def garbage_in_new_memory(monkeypatch):
    """New buffers hold nan or indices out of range, so that reading before writing cannot be right by luck."""

    def empty(shape, dtype=float):
        made = new(shape, dtype)
        made[...] = {"f": np.nan, "i": 1 << 60}.get(made.dtype.kind)
        return made

    new = np.empty
    monkeypatch.setattr(np, "empty", empty)


def inputs_of(chance, how_many):
    """Arrays of any type and layout for a Structure."""
    x = chance.normal(size=(how_many, FEATURES))
    sequence = chance.normal(size=(2 * how_many, POSITIONS, FEATURES))[::2]
    if chance.random() < 0.2:
        x, sequence = x.astype(np.float32), np.asfortranarray(sequence)
    whole = [np.intp, np.int32, np.uint8, np.int64][chance.integers(4)]
    tokens = chance.integers(0, ROWS, (POSITIONS, how_many)).astype(whole).T
    if chance.random() < 0.3:
        tokens[:] = tokens[:, :1]
    label = chance.integers(0, ROWS, how_many)
    return x, sequence, tokens, label if chance.random() < 0.8 else label % 2 == 1, chance.normal(size=how_many)


def assert_structure_is_eager_code(seed):
    chance, f = np.random.default_rng(seed), Structure(seed)
    program = engine.compile(f, params=f.parameters)
    for how_many in {0: (2, 1), 1: (1, 3)}.get(seed % 4, (2,)):
        assert_same(program, f, f.parameters, *inputs_of(chance, how_many))
    assert_laws_of_array_programs(program)
    made = re.findall(r"^    (\w+) = ", program.source, re.MULTILINE)
    assert len(made) == len(set(made)), "each name is assigned once"
    text = program._latest().text("input_gradients")
    words = Counter(re.findall(r"\w+", re.sub(r"#.*", "", text)))
    assert all(words[name] > 1 for name in re.findall(r"^    (\w+) = ", text, re.MULTILINE)), "nothing is made in vain"
    if seed % 4 == 2:
        assert_outputs_are_eager_code(engine.compile(f.outputs, params=f.parameters), f, inputs_of(chance, 2))
    elif seed % 4 == 3:
        program = engine.compile(f, params=f.parameters, batch=False)
        assert_one_example_is_eager_code(program, f, examples(inputs_of(chance, 1))[0])


def assert_laws_of_array_programs(program):
    """After each pass the array program is well-formed."""
    plan = program._latest().array_plan()
    forward = array_program(plan, mean_parts(plan))
    check(forward.program.code)
    if isinstance(plan.outputs[0], Lane):
        output = Rows(forward.arrays[plan.outputs[0].array], plan.outputs[0].index, 1, 1)
        found = differentiate(forward, output, [forward.theta], -1)
        check(forward.program.code)
        mean(forward, output)
        check(forward.program.code)
        roots = [g.array for g in found if isinstance(g, Rows)]
        kept = needed(forward.program.code, roots)
        check(kept)
        check(beside(kept, roots))


def assert_outputs_are_eager_code(program, f, inputs):
    for row, example in zip(program(*inputs), examples(inputs)):
        expected = run(f.outputs, f.parameters, example)
        assert close(row, expected.outputs, expected.value_terms).all()


def assert_one_example_is_eager_code(program, f, example):
    expected = run(f, f.parameters, example)
    value, gradient = program.value_and_grad(*example)
    assert close(value, expected.outputs[0], expected.value_terms)
    assert close(gradient, expected.to_parameters, expected.parameter_terms).all()
    for slope, wanted, sizes in zip(program.input_gradients(*example), expected.to_inputs, expected.input_terms):
        assert slope is None or close(slope, wanted, sizes).all()


@pytest.mark.parametrize("start", [0, 20, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(40, 200, 20))])
def test_random_structures_agree_with_eager_code(start, monkeypatch):
    for seed in range(start, start + 20):
        monkeypatch.setattr(layout, "MANY_FEATURES", 1 + 31 * (seed % 2))  # examples as rows, or as columns
        monkeypatch.setattr(functions, "LARGE", 0 if seed % 3 == 0 else 10_000)  # as for many parameters
        assert_structure_is_eager_code(seed)


@pytest.mark.campaign
def test_thousands_of_random_structures_agree_with_eager_code(monkeypatch):
    for seed in range(5000):
        monkeypatch.setattr(layout, "MANY_FEATURES", 1 + 31 * (seed // 2 % 2))
        monkeypatch.setattr(functions, "LARGE", 0 if seed % 3 == 0 else 10_000)
        assert_structure_is_eager_code(seed)


# --- programs that once failed


def test_rows_are_taken_out_of_a_part_of_a_product():
    assert_structure_is_eager_code(20680)


def products_into_every_second_row(chance):
    w = [Value(number) for number in chance.normal(size=4)]
    return lambda x: tanh(dot(w[:2], x[::2])) * tanh(dot(w[2:], x[::2])), w, (chance.normal(size=(3, 3)),)


def squares_in_several_sums(chance):
    w = [Value(number) for number in chance.normal(size=6)]
    return lambda x: x * total([p * p for p in w[:3]]) * exp(total([p * p for p in w[3:]])), w, (chance.normal(size=3),)


def parameters_and_numbers_picked_alike(chance):
    w = [Value(number) for number in chance.normal(size=3)]

    def f(x, label):
        first, second = ([numbers[i] for i in (0, 1, 2, 0)] for numbers in (w, [tanh(a) for a in x]))
        return pick(first, label) * pick(second, label)

    return f, w, (chance.normal(size=(4, 3)), chance.integers(0, 4, 4))


def what_is_picked_doubled_twice(chance):
    w = [Value(number) for number in chance.normal(size=3)]

    def f(label):
        double = pick(w, label) + pick(w, label)
        return double + double

    return f, w, (chance.integers(0, 3, 4),)


def neuron_of_one_input_beside_one_of_two(chance):
    a, b, c, d = w = [Value(number) for number in chance.normal(size=4)]
    return lambda x: tanh(a * x[0] + b) + tanh(c * x[0] + d * x[1]), w, (chance.normal(size=(3, 2)),)


def derivative_at_a_constant(chance):
    w = Value(0.5)

    def f(x):
        t = Value(1.5)
        return gradients(tanh(w * t * x), [t])[0] + gradients(dot([w, t], [t, x]), [t])[0]

    return f, [w], (chance.normal(size=3),)


FOUND = [products_into_every_second_row, squares_in_several_sums, parameters_and_numbers_picked_alike,
         what_is_picked_doubled_twice, neuron_of_one_input_beside_one_of_two, derivative_at_a_constant]  # fmt: skip


@pytest.mark.parametrize("kind", FOUND, ids=lambda kind: kind.__name__)
def test_structures_that_once_failed_agree_with_eager_code(kind):
    f, parameters, inputs = kind(np.random.default_rng(0))
    assert_same(engine.compile(f, params=parameters), f, parameters, *inputs)
