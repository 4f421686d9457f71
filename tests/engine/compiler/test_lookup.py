"""A Table is a list whose index may be a Value: it gives the same row and the same gradients as a plain integer."""

import copy
import pickle
import random

import numpy as np
import pytest
from eager import assert_same

from chainrule import engine
from chainrule.engine import Table, TraceError, Value, floor, tanh
from chainrule.nn import MLP, Module, cross_entropy

VOCABULARY, WIDTH = 5, 3


def rows_of_values(seed=0):
    chance = random.Random(seed)
    return [[Value(chance.uniform(-1.0, 1.0)) for _ in range(WIDTH)] for _ in range(VOCABULARY)]


class Bigrams(Module):
    """A model that takes two tokens and gives scores of the next one."""

    def __init__(self):
        self.embedding = Table(rows_of_values())
        self.output = rows_of_values(1)

    def __call__(self, tokens):
        summed = [sum(column) for column in zip(*[self.embedding[token] for token in tokens])]
        return [sum(w * tanh(h) for w, h in zip(row, summed)) for row in self.output]


@pytest.mark.parametrize("convert", [int, np.int64, np.uint8, np.array, Value, float], ids=lambda kind: kind.__name__)
def test_a_table_gives_the_same_row_for_an_integer_and_for_a_value(convert):
    rows = rows_of_values()
    table = Table(rows)
    for i in range(VOCABULARY):
        index = Value(convert(i)) if convert is float else convert(i)
        assert [v.data for v in table[index]] == [v.data for v in rows[i]]


@pytest.mark.parametrize("index", [3, Value(3)], ids=["integer", "Value"])
def test_only_the_row_that_was_looked_up_gets_a_gradient(index):
    rows = rows_of_values()
    sum(v * (k + 1) for k, v in enumerate(Table(rows)[index])).backward()
    assert [[v.grad for v in row] for row in rows] == [[1.0, 2.0, 3.0] if i == 3 else [0.0] * 3 for i in range(5)]


def test_compiled_lookups_agree_with_eager_code():
    model = Bigrams()
    tokens, targets = np.array([[0, 1], [2, 2], [4, 0]]), np.array([3, 1, 4])

    def loss(tokens, target):
        return cross_entropy(model(tokens), target)

    assert_same(engine.compile(loss, model), loss, model.parameters(), tokens, targets)


def test_one_program_works_for_all_indices():
    table = Table([Value(float(i * i)) for i in range(7)])
    program = engine.compile(lambda i: table[i], params=table)
    assert program(np.array([6, 0, 3])).tolist() == [36.0, 0.0, 9.0]
    assert program(np.array([5])).tolist() == [25.0]
    assert program.per_example(np.array([2])).tolist() == [[0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]]


def test_a_computed_table_and_a_computed_index_compile():
    table = Table([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])

    def f(x, i):
        scaled = Table([[x * number for number in row] for row in table])
        return scaled[2 - i][1]

    assert_same(engine.compile(f), f, [], np.array([1.0, 2.0, 3.0]), np.array([0, 1, 2]))


def test_an_index_that_parameters_give_gets_no_gradient_and_neither_do_plain_numbers():
    w, table = Value(1.2), Table([1.0, 5.0, 7.0])
    program = engine.compile(lambda x: table[floor(w)] * x, params=[w])
    assert program.value_and_grad(np.array([2.0, 4.0]))[0] == 15.0
    assert program.value_and_grad(np.array([2.0, 4.0]))[1].tolist() == [0.0]


def test_columns_of_tokens_in_no_even_order_are_looked_up_and_checked():
    model, columns = Bigrams(), [0, 1, 3]
    program = engine.compile(lambda tokens: model(tokens[columns])[0], model)
    tokens = np.array([[0, 1, 9, 2], [4, 3, -1, 2]])
    expected = [model([int(token) for token in row[columns]])[0].data for row in tokens]
    assert program(tokens) == pytest.approx(expected, rel=1e-14)
    with pytest.raises(IndexError, match="index 5 is out of range"):
        program(np.array([[0, 1, 0, 2], [4, 3, 0, 5]]))


def test_a_table_may_hold_rows_of_rows_and_arrays():
    cube = np.array([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]])
    found = engine.compile(lambda i: Table(cube)[i][1][0] * 10.0 + Table(cube[0])[i][1])(np.array([0, 1]))
    assert found.tolist() == [32.0, 74.0]


def test_a_table_can_be_used_like_a_list():
    rows = rows_of_values()
    table = Table(rows)
    assert len(table) == 5 and list(table) == rows and table[-1] is rows[-1] and isinstance(table, list)
    assert type(table[1:3]) is Table and table[1:3][Value(0)][0].data == rows[1][0].data
    table.append(rows[0])
    assert table[Value(5)][1].data == rows[0][1].data
    for twin in (copy.deepcopy(table), pickle.loads(pickle.dumps(table))):
        assert type(twin) is Table and [v.data for v in twin[Value(2)]] == [v.data for v in rows[2]]


def test_a_module_finds_the_parameters_in_a_table():
    model = Bigrams()
    assert len(model.parameters()) == 2 * VOCABULARY * WIDTH
    assert model.parameters()[0] is model.embedding[0][0]


WRONG = {
    "beyond the end": (lambda t: t[5], IndexError, r"index 5 is out of range: the Table has 5 rows \(indices 0 to 4\)"),
    "beyond the only row": (lambda t: t[:1][1], IndexError, r"index 1 is out of range: .* 1 row \(index 0\)"),
    "beyond no rows": (lambda t: t[:0][0], IndexError, "index 0 is out of range: the Table has no rows"),
    "a Value beyond the end": (lambda t: t[Value(5)], IndexError, "index 5 is out of range: pick has 5 values"),
    "a negative Value": (lambda t: t[Value(-1)], IndexError, "index -1 is out of range: pick has 5 values"),
    "a fraction": (lambda t: t[0.5], TypeError, "the index of a Table is one integer or Value, got float 0.5"),
    "a Value that is a fraction": (lambda t: t[Value(0.5)], IndexError, "index 0.5 is not a whole number: pick has 5"),
    "several": (lambda t: t[np.array([0, 1])], TypeError, r"for several rows, write \[table\[i\] for i in \.\.\.\]"),
    "row and column": (lambda t: t[0, 1], TypeError, r"one integer .*, got tuple \(0, 1\)"),
    "a word": (lambda t: t["a"], TypeError, "got str 'a'"),
    "rows that differ": (lambda t: Table([[1.0], [1.0, 2.0]])[Value(0)], ValueError,
                         "row 0 of this Table holds 1 .* and row 1 holds 2 numbers; all rows need the same number"),
    "a row and a number": (lambda t: Table([[1.0], 2.0])[Value(0)], ValueError,
                           "row 0 of this Table holds 1 .* and row 1 holds one number"),
    "words": (lambda t: Table(["ab", "cd"])[Value(0)], TypeError, "takes numbers and Values, got str 'ab'"),
    "nothing": (lambda t: Table([])[Value(0)], IndexError, "this Table has no rows to look up"),
}  # fmt: skip


@pytest.mark.parametrize(("look_up", "error", "said"), WRONG.values(), ids=list(WRONG))
def test_a_wrong_lookup_is_an_error_that_names_the_index(look_up, error, said):
    with pytest.raises(error, match=said):
        look_up(Table(rows_of_values()))


def test_a_token_without_a_row_is_an_error_when_the_program_runs():
    program = engine.compile(lambda i: Table([1.0, 2.0])[i])
    program(np.array([0, 1]))
    for wrong in (2, -1):
        said = rf"index {wrong} is out of range: pick has 2 values \(indices 0 to 1\), in example 1"
        with pytest.raises(IndexError, match=said):
            program(np.array([0, wrong]))


def test_the_error_about_a_list_that_a_traced_integer_indexes_names_table():
    with pytest.raises(TraceError, match=r"pick\(values, index\), or Table\(rows\)\[index\]"):
        engine.compile(lambda i: [1.0, 2.0][i])(np.array([0, 1]))


@pytest.mark.parametrize("name", ["backward", "data", "grad", "tanh", "refresh"])
def test_what_one_value_has_is_an_error_that_says_what_to_write(name):
    outputs = MLP(2, [3, 2], rng=0)([1.0, 2.0])
    with pytest.raises(AttributeError, match=rf"list of 2: write it of one of them, as in outputs\[0\]\.{name}"):
        getattr(outputs, name)
    assert hasattr(outputs[0], name) and hasattr(cross_entropy(outputs, 1), name)  # what the error says works
    with pytest.raises(AttributeError, match=r"has no \.nothing$"):
        outputs.nothing  # noqa: B018
