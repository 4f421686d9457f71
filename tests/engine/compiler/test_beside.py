"""Equal work on several small arrays is done at once: with the same numbers, by fewer instructions."""

import numpy as np
import pytest
from structures import Structure
from test_structures import inputs_of  # fmt: skip

from chainrule import engine
from chainrule.engine.compiler.arrays import beside
from chainrule.engine.compiler.arrays.ir import Number, Rows
from chainrule.engine.compiler.arrays.layout import name_the_rest
from chainrule.engine.compiler.arrays.place import needed, place
from chainrule.engine.compiler.arrays.program import Program
from chainrule.engine.compiler.arrays.spec import check
from chainrule.engine.compiler.emit.numpy import NumPy
from chainrule.engine.compiler.run.building import build
from chainrule.nn import MLP, cross_entropy, mse

FEW_ROWS = beside.FEW_ROWS
CHANCE = np.random.default_rng(0)
X = CHANCE.normal(size=(7, 3))


def network(sizes, **settings):
    model = MLP(3, sizes, rng=1, **settings)
    return (lambda x, y: cross_entropy(model(x), y)), model.parameters(), (X, np.arange(7) % sizes[-1])


def of_its_square():
    """The second layer reads the square of the first one, which so cannot wait for the square of the second."""
    one, two = MLP(3, [4], rng=1), MLP(4, [4], rng=2)

    def f(x):
        first = [h.tanh() for h in one(x)]
        second = [h.tanh() for h in two([h**2 for h in first])]
        return sum(a**2 + b**2 for a, b in zip(first, second))

    return f, one.parameters() + two.parameters(), (X,)


def two_networks():
    """Two kinds of work, each on layers of its own."""
    one, two = MLP(3, [4, 5, 1], "tanh", rng=1), MLP(3, [5, 4, 1], rng=2)
    return (lambda x, y: mse(one(x) + two(x), y)), one.parameters() + two.parameters(), (X, CHANCE.normal(size=7))


WORK = {
    "relu": lambda: network([5, 4, 3]),
    "tanh": lambda: network([5, 4, 6, 3], activation="tanh"),
    "sigmoid": lambda: network([5, 4, 3], activation="sigmoid"),
    "several activations": lambda: network([5, 4, 5, 4, 3], activation=["tanh", "relu", "tanh", "relu"]),
    "gelu": lambda: network([5, 4, 3], activation="gelu"),
    "two networks": two_networks,
    "its square": of_its_square,
}


def results(work, rows, monkeypatch):
    """The instructions, and what all functions give, as flat arrays; so many rows may be worked on at once."""
    monkeypatch.setattr(beside, "FEW_ROWS", rows)
    f, parameters, inputs = work
    program = engine.compile(f, params=parameters)
    found = [*program.value_and_grad(*inputs), program(*inputs), program.per_example(*inputs)]
    slopes = program.input_gradients(*inputs)
    found += [slope for slope in (slopes if isinstance(slopes, tuple) else [slopes]) if slope is not None]
    return program.instructions, [np.ravel(each) for each in found]


def apart_and_at_once(work, monkeypatch):
    return results(work, 0, monkeypatch), results(work, FEW_ROWS, monkeypatch)


@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_all_functions_give_the_same_numbers(work, monkeypatch):
    (_, expected), (_, found) = apart_and_at_once(work(), monkeypatch)
    assert all(np.array_equal(one, other) for one, other in zip(expected, found, strict=True))


@pytest.mark.parametrize("name", ["relu", "tanh", "several activations", "two networks"])
def test_the_program_gets_shorter_and_each_line_knows_its_nodes(name, monkeypatch):
    (apart, _), (at_once, _) = apart_and_at_once(WORK[name](), monkeypatch)
    assert len(at_once) < len(apart)
    assert {node for line in at_once for node in line.nodes} == {node for line in apart for node in line.nodes}


def test_what_is_needed_at_once_is_not_put_off(monkeypatch):
    _, (lines, _) = apart_and_at_once(of_its_square(), monkeypatch)
    places = {text: i for i, text in enumerate(line.text for line in lines)}
    squares = [i for text, i in places.items() if text.startswith("square(")]
    assert min(squares) < next(i for text, i in places.items() if text.startswith("W2."))


@pytest.mark.parametrize("seed", range(40))
def test_it_changes_no_number_of_any_structure(seed, monkeypatch):
    f = Structure(seed)
    work = f, f.parameters, inputs_of(np.random.default_rng(seed), 3)
    (_, expected), (_, found) = apart_and_at_once(work, monkeypatch)
    assert all(np.array_equal(one, other, equal_nan=True) for one, other in zip(expected, found, strict=True))


def hand_written(between):
    """Two arrays with a square each; `between` makes the second one of the first one's square."""
    program = Program()
    x = program.write("input", (), 3, True, "x", False)
    first = program.ufunc("tanh", x)
    second = program.ufunc("exp", program.ufunc("square", first) if between else first)
    ends = [program.ufunc("add", program.ufunc("square", one), Number(1.0)) for one in (first, second)]
    return program.code, [end.array for end in ends]


def test_the_instructions_are_well_formed_and_stand_in_order():
    code, roots = hand_written(False)
    made = needed(beside.beside(needed(code, roots), roots), roots)
    check(made)
    words = [array.op for array in made]
    assert words.count("square") == 1 and words.count("beside") == 1
    [whole] = [array for array in made if array.op == "beside"]
    reads = [a for array in made if array.op == "add" for a in array.args if isinstance(a, Rows)]
    assert [(a.start, a.count) for a in reads] == [(0, 3), (3, 3)] and whole.lanes == 6


def test_nothing_is_done_at_once_where_one_depends_on_the_other():
    code, roots = hand_written(True)
    made = beside.beside(needed(code, roots), roots)
    assert made == needed(code, roots)


@pytest.mark.parametrize("fixed", [True, False])
def test_what_has_its_own_place_in_memory_keeps_it(fixed):
    code, roots = hand_written(False)
    elsewhere = [array for array in code if array.op == "tanh"] * fixed
    made = beside.beside(needed(code, roots), roots, elsewhere)
    assert ("beside" in [array.op for array in made]) is not fixed


def test_one_row_beside_several_is_no_member_of_a_family():
    """Families of 3 + 3 and of 3 + 1 + 2 rows begin alike; one row is spread over three."""
    program, chance, n = Program(), np.random.default_rng(0), 4
    lanes = (3, 3, 3, 1, 2)
    given = [program.write("input", (), count, True, f"x{i}.T", False) for i, count in enumerate(lanes)]
    a, b, c, d, e = [program.ufunc("tanh", x) for x in given]
    squares, next_whole = [program.ufunc("square", x) for x in (a, b)], [program.ufunc("ceil", x) for x in (c, d, e)]
    ends = [program.ufunc("multiply", one, other) for one, other in zip(squares, next_whole)]
    ends.append(program.ufunc("add", next_whole[2], Number(1.0)))
    results = [program.ufunc("add", end, Number(0.5)) for end in ends]
    roots = [result.array for result in results]
    name_the_rest(program.code, constants="c")
    code = beside.beside(needed(program.code, roots), roots)
    check(code)
    text = NumPy(code, place(code, roots, ()))
    text.line(f"return [{', '.join(text.of(result, True) for result in results)}]")
    value = build("bind", text.function("value(x0, x1, x2, x3, x4)"))(n, np.empty(0))
    X = [chance.normal(size=(n, count)) for count in lanes]
    p, q, r, s, t = [np.tanh(x.T) for x in X]
    expected = [p**2 * np.ceil(r) + 0.5, q**2 * np.ceil(s) + 0.5, np.ceil(t) + 1.0 + 0.5]
    for found, wanted in zip(value(*X), expected, strict=True):
        assert found == pytest.approx(wanted, rel=1e-15)
