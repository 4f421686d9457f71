"""Products of which both sides vary: where they are found, and that they hold the numbers of eager code."""

import numpy as np
import pytest
from eager import assert_same, close, examples, run

from chainrule import engine
from chainrule.engine import Value, dot, exp, logsumexp, sqrt, tanh, where
from chainrule.engine.compiler.arrays import pack, products
from chainrule.engine.compiler.arrays.ir import Rows
from chainrule.engine.compiler.arrays.layout import name_the_rest
from chainrule.engine.compiler.arrays.place import place
from chainrule.engine.compiler.arrays.program import Program
from chainrule.engine.compiler.emit.numpy import NumPy
from chainrule.engine.compiler.run.building import build

WIDTH, HEADS = 4, 2


def matrix(chance, rows=WIDTH, columns=WIDTH):
    return [[Value(number) for number in row] for row in chance.normal(size=(rows, columns))]


def softmax(scores):
    whole = logsumexp(scores)
    return [exp(score - whole) for score in scores]


def attention(chance, sees, swapped=False, out=lambda t, mixed: sum(mixed), squashed=False):
    """A loss of attention in which position t sees the positions sees(t, how many there are)."""
    weights = [matrix(chance) for _ in range(3)]

    def f(sequence):
        queries, keys, values = ([[dot(row, x) for row in rows] for x in sequence] for rows in weights)
        losses = []
        for t, q in enumerate(queries):
            mixed = []
            for start in range(0, WIDTH, WIDTH // HEADS):
                part = slice(start, start + WIDTH // HEADS)
                seen = sees(t, len(queries))
                scores = [sum(a * b for a, b in zip(q[part], keys[s][part])) / 2.0 for s in seen]
                shares = softmax([tanh(score) for score in scores] if squashed else scores)
                for j in range(part.start, part.stop):
                    pairs = [(share, values[s][j]) for share, s in zip(shares, seen)]
                    mixed.append(sum(b * a if swapped else a * b for a, b in pairs))
            losses.append(out(t, mixed))
        return sum(losses)

    return f, [p for rows in weights for row in rows for p in row]


def causal(t, count):
    return range(t + 1)


KINDS = {
    "causal": {"sees": causal},
    "causal, the values first": {"sees": causal, "swapped": True},
    "causal, squashed": {"sees": causal, "squashed": True},
    "all": {"sees": lambda t, count: range(count)},
    "all, squares": {"sees": lambda t, count: range(count), "out": lambda t, mixed: dot(mixed, mixed)},
    "those after it": {"sees": lambda t, count: range(t, count)},
    "every second": {"sees": lambda t, count: range(t % 2, t + 1, 2)},
    "the last three": {"sees": lambda t, count: range(max(0, t - 2), t + 1)},
    "itself": {"sees": lambda t, count: [t]},
}
SPARSE = {("the last three", 11), ("itself", 8), ("itself", 11)}


def stage(program, name="forward"):
    return program.stages[name]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("positions", [8, 11])
def test_attention_is_products_of_matrices_with_the_numbers_of_eager_code(kind, positions):
    chance = np.random.default_rng(positions)
    f, parameters = attention(chance, **KINDS[kind])
    program = engine.compile(f, params=parameters)
    assert_same(program, f, parameters, chance.normal(size=(3, positions, WIDTH)))
    assert ("einsum" in stage(program)) is ((kind, positions) not in SPARSE)


def test_the_source_does_not_grow_with_the_positions():
    sizes = []
    for positions in (5, 20):
        f, parameters = attention(np.random.default_rng(0), causal)
        program = engine.compile(f, params=parameters)
        program.value_and_grad(np.ones((1, positions, WIDTH)))
        sizes.append(program.source.count("\n"))
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize("change", ["no products", "no order"])
def test_the_passes_change_no_number(change, monkeypatch):
    chance = np.random.default_rng(1)
    f, parameters = attention(chance, causal, out=lambda t, mixed: dot(mixed, mixed))
    given = chance.normal(size=(3, 6, WIDTH))
    with_it = engine.compile(f, params=parameters).value_and_grad(given)
    if change == "no products":
        monkeypatch.setattr(pack, "find_products", lambda flat: None)
    else:
        monkeypatch.setattr(pack, "reorder", lambda steps, outputs: outputs)
    without = engine.compile(f, params=parameters).value_and_grad(given)
    for one, other in zip(with_it, without):
        assert np.asarray(one) == pytest.approx(np.asarray(other), rel=1e-12, abs=1e-13)


def test_two_layers_of_attention_are_products_of_their_own():
    chance = np.random.default_rng(2)
    first, second = matrix(chance), matrix(chance)

    def f(sequence):
        lists = [list(x) for x in sequence]
        for rows in (first, second):
            queries = [[dot(row, x) for row in rows] for x in lists]
            made = []
            for t, q in enumerate(queries):
                shares = softmax([dot(q, k) for k in queries[: t + 1]])
                made.append([sum(a * x[j] for a, x in zip(shares, lists)) for j in range(WIDTH)])
            lists = made
        return sum(tanh(a) for x in lists for a in x)

    program = engine.compile(f, params=[p for rows in (first, second) for row in rows for p in row])
    parameters = [p for rows in (first, second) for row in rows for p in row]
    assert_same(program, f, parameters, 0.3 * chance.normal(size=(2, 5, WIDTH)))
    assert stage(program).count("einsum") == 4


def test_what_needs_a_result_for_a_factor_is_no_product_of_matrices():
    """A state that attends to all states before it: there is no moment at which all factors are known."""
    chance = np.random.default_rng(3)
    rows = matrix(chance)

    def f(sequence):
        states = [list(sequence[0])]
        for x in sequence[1:]:
            q = [tanh(dot(row, states[-1])) for row in rows]
            shares = softmax([dot(q, state) for state in states])
            states.append([tanh(a + sum(p * s[j] for p, s in zip(shares, states))) for j, a in enumerate(x)])
        return sum(states[-1])

    parameters = [p for row in rows for p in row]
    program = engine.compile(f, params=parameters)
    assert_same(program, f, parameters, chance.normal(size=(2, 6, WIDTH)))
    assert "einsum" not in stage(program)


def outputs_of(f):
    return lambda sequence: [f(sequence[: t + 1]) for t in range(len(sequence))]


@pytest.mark.parametrize("odd", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("row", [2, 5])
def test_what_a_position_does_not_see_does_not_matter_to_it(odd, row):
    """A later position is infinite: 0 times that would be nan."""
    chance = np.random.default_rng(4)
    losses = []
    f, parameters = attention(chance, causal, out=lambda t, mixed: losses.append(sum(mixed)) or losses[-1])

    def outputs(sequence):
        losses.clear()
        f(sequence)
        return list(losses)

    given = chance.normal(size=(2, 6, WIDTH))
    given[1, row] = odd
    program = engine.compile(outputs, params=parameters)
    with np.errstate(all="ignore"):
        expected = [run(outputs, parameters, example) for example in examples((given,))]
    for got, eager in zip(program(given), expected):
        same = np.isnan(got) & np.isnan(eager.outputs)
        assert (same | close(got, eager.outputs, eager.value_terms)).all()
    assert np.isfinite(program(given)[1, :row]).all() and "einsum" in program.stages["forward"]


@pytest.mark.parametrize("before", [False, True])
def test_attention_that_is_not_chosen_passes_nothing_back(before):
    """Behind the root of 0, 0 times an infinite slope would be nan; so would 0 times a factor that is infinite."""
    chance = np.random.default_rng(5)
    f, parameters = attention(chance, causal, out=lambda t, mixed: mixed[0] if before else sqrt(mixed[0] * mixed[0]))

    def chosen(sequence, side):
        given = [[1.0 / number for number in x] for x in sequence] if before else sequence
        return where(side, f(given), sum(sum(x) for x in sequence))

    given, sides = chance.normal(size=(3, 5, WIDTH)), np.array([1.0, 0.0, 1.0])
    given[1] = 0.0
    program = engine.compile(chosen, params=parameters)
    gradient = program.value_and_grad(given, sides)[1]
    assert 3 * gradient == pytest.approx(2 * program.value_and_grad(given[::2], sides[::2])[1], rel=1e-12)
    assert np.isfinite(gradient).all() and gradient.any() and "einsum" in stage(program)
    assert (program.input_gradients(given, sides)[0][1] == 1.0).all()


@pytest.mark.parametrize("seed", range(8))
def test_any_sums_of_products_are_those_of_eager_code(seed, monkeypatch):
    """Which factors a sum has is left to chance, so that few of them make up matrices."""
    monkeypatch.setattr(products, "FEWEST", 1)
    monkeypatch.setattr(products, "DENSITY", 0.0)
    chance = np.random.default_rng(seed)
    weights = [Value(number) for number in chance.normal(size=3)]
    sides = [[tuple(sorted(chance.choice(6, chance.integers(1, 4), replace=False))) for _ in range(3)] for _ in "ab"]
    starts = chance.integers(0, 2, size=3)

    def f(x, y):
        left, right = [tanh(a) * weights[0] for a in x], [tanh(a) + weights[1] for a in y]
        out = weights[2] * 0.0
        for one in sides[0]:
            for other, start in zip(sides[1], starts):
                count = min(len(one), len(other) - start)
                pairs = zip(one[:count], other[start : start + count])
                out = out + tanh(sum(left[i] * right[j] for i, j in pairs))
        return out

    program = engine.compile(f, params=weights)
    assert_same(program, f, weights, chance.normal(size=(2, 6)), chance.normal(size=(2, 6)))


# --- the text of what stands between a product and what reads rows of it

ROWS = [Rows(None, 0, 1, 8), Rows(None, 4, 1, 4), Rows(None, 1, 2, 4), Rows(None, 2, 1, 5)]


@pytest.mark.parametrize("rows", ROWS, ids=lambda rows: f"{rows.start}:{rows.step}:{rows.count}")
def test_rows_of_a_product_are_taken_wherever_they_stand(rows):
    """In memory the examples come first, in which a product is computed; its rows are columns there."""
    program, chance, n = Program(), np.random.default_rng(0), 3
    one, other = (program.write("input", (), 8, True, f"{name}.T", False) for name in ("x0", "x1"))
    sizes = (("g", 2), ("i", 2), ("j", 2), ("k", 2))
    product = program.write("einsum", [one, other], 8, True, "gik", "gjk", "gij", sizes)
    order = tuple(chance.permutation(rows.count).tolist())
    taken = program.write("take", [rows._replace(array=product.array)], rows.count, True, order)
    name_the_rest(program.code, constants="c")
    placement = place(program.code, [taken.array], ())
    assert product.array in placement.first
    text = NumPy(program.code, placement)
    text.line(f"return {text.of(taken, True)}")
    value = build("bind", text.function("value(x0, x1)"))(n, np.empty(0))
    x0, x1 = (chance.normal(size=(n, 8)) for _ in range(2))
    expected = np.einsum("ngik,ngjk->ngij", x0.reshape(n, 2, 2, 2), x1.reshape(n, 2, 2, 2)).reshape(n, 8).T
    assert value(x0, x1) == pytest.approx(expected[list(rows.places)][list(order)], rel=1e-15)


def test_a_gathering_is_for_products_alone_only_if_all_of_it_is_read():
    """A part of what has its examples first would be a part of the examples."""
    program = Program()
    x = program.write("input", (), 4, True, "x0.T", False)
    part = program.ufunc("tanh", x)
    gathered = program.write("scatter", [part], 8, True, ((6, 1, 4, 3),))
    sizes = (("g", 1), ("i", 2), ("j", 2), ("k", 2))
    sides = [gathered.array.whole._replace(start=start, count=4) for start in (0, 4)]
    product = program.write("einsum", sides, 4, True, "gik", "gjk", "gij", sizes)
    assert gathered.array not in place(program.code, [product.array], ()).first
