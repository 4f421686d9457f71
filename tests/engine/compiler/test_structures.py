"""Random structured programs (layers, grids, attention, tables, …) against the same code run eagerly."""

import numpy as np
import pytest
from eager import assert_same, close, examples, run
from structures import FEATURES, POSITIONS, ROWS, Structure

import engine


def inputs_of(chance, how_many):
    """Arrays for a Structure, of any type and layout."""
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
    if seed % 4 == 2:
        assert_outputs_are_eager_code(f, inputs_of(chance, 2))


def assert_outputs_are_eager_code(f, inputs):
    got = engine.compile(f.outputs, params=f.parameters)(*inputs)
    for row, example in zip(got, examples(inputs)):
        expected = run(f.outputs, f.parameters, example)
        assert close(row, expected.outputs, expected.value_terms).all()


@pytest.mark.parametrize("start", range(0, 120, 20))
def test_a_random_structure_gives_what_eager_code_gives(start):
    for seed in range(start, start + 20):
        assert_structure_is_eager_code(seed)


@pytest.mark.campaign
def test_thousands_of_random_structures_give_what_eager_code_gives():
    for seed in range(5000):
        assert_structure_is_eager_code(seed)
