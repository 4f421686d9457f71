"""How many instructions a program has: its cost, counted instead of timed."""

import re

import numpy as np
import pytest
import structures
from structures import Structure
from test_structures import inputs_of

from chainrule import engine
from chainrule.engine import Value, dot, exp, logsumexp
from chainrule.nn import MLP, cross_entropy

COPIES = (".take(", "[...] =", "[...] +=", "[...] -=")


def lines_of(f, parameters, *inputs):
    program = engine.compile(f, params=parameters)
    program.value_and_grad(*inputs)
    return program.instructions


def count(lines, *texts):
    return sum(any(text in line.text for text in texts) for line in lines)


def classifier(sizes, examples=4, activation="relu"):
    """The instructions of an MLP with cross-entropy, and its labels."""
    model = MLP(3, sizes, activation=activation, rng=0)
    labels = np.arange(examples) % sizes[-1]
    return lines_of(lambda x, y: cross_entropy(model(x), y), model, np.ones((examples, 3)), labels)


def hinge_with_penalty(sizes, examples=4):
    model = MLP(2, sizes, rng=0)

    def f(x, y):
        return (1.0 - y * model(x)).relu() + 1e-4 * sum(p * p for p in model.parameters())

    return lines_of(f, model, np.ones((examples, 2)), np.ones(examples))


def test_a_layer_takes_one_product_forwards_and_two_backwards_but_the_first_takes_one():
    products = [line.text for line in hinge_with_penalty([16, 16, 1]) if ".dot(" in line.text]
    *products, returned = products
    assert returned.count(".dot(") == 2  # for the mean and for the penalty
    to_weights = [text for text in products if text.endswith(("dW1)", "dW2)", "dW3)"))]  # each has its biases, too
    to_inputs = [text for text in products if text.startswith(("W2T.", "W3T."))]
    forwards = [text for text in products if text.startswith(("W1.", "W2.", "W3."))]
    assert [len(kind) for kind in (forwards, to_weights, to_inputs)] == [3, 3, 2] and len(products) == 8


def test_a_compiled_mlp_copies_only_its_inputs():
    lines = hinge_with_penalty([16, 16, 1])
    assert [line.text for line in lines if count([line], *COPIES)] == ["h0_1[...] = x0.T", "y[...] = x1"]


@pytest.mark.parametrize("program", [hinge_with_penalty, classifier], ids=lambda program: program.__name__)
def test_the_number_of_instructions_does_not_depend_on_widths(program):
    outputs = 1 if program is hinge_with_penalty else 5
    assert len({len(program([width, width, outputs])) for width in (8, 16)}) == 1
    assert len({len(program([width, width, outputs])) for width in (32, 64)}) == 1


@pytest.mark.parametrize("program", [hinge_with_penalty, classifier], ids=lambda program: program.__name__)
def test_each_further_layer_takes_seven_instructions_or_five_if_it_is_small(program):
    # They are W @ h, relu, its local derivative in two lines, the gradient times that, and two products. The local
    # derivatives of small layers are computed together.
    outputs = 1 if program is hinge_with_penalty else 5
    for width, more in ((8, 5), (40, 7)):
        counts = [len(program([width] * depth + [outputs])) for depth in range(1, 7)]
        assert set(np.diff(counts)) == {more}


def test_the_number_of_instructions_does_not_depend_on_the_examples():
    assert len({len(classifier([8, 5], examples)) for examples in (1, 2, 30)}) == 1


def test_the_network_of_benchmark_w3_takes_24_instructions():
    # 2 copy the inputs, 5 are for the three layers, 4 for the loss and 3 for its derivative, 9 go backwards, 1 is for
    # the results. (The penalty's gradient is in the last but one.)
    assert len(hinge_with_penalty([16, 16, 1])) == 24


def test_to_change_a_sign_takes_no_instruction():
    """-y * score, as it is written in micrograd's demo, takes as many as y * score."""
    model = MLP(2, [16, 1], rng=0)
    ways = (lambda x, y: (1 + -y * model(x)).relu(), lambda x, y: (1 - y * model(x)).relu())
    plus, minus = [lines_of(way, model, np.ones((4, 2)), np.ones(4)) for way in ways]
    assert len(plus) == len(minus)


def matrix(chance, rows, columns):
    return [[Value(number) for number in row] for row in chance.normal(size=(rows, columns))]


def attention(positions, size=4):
    """The instructions of one head of causal attention, written with growing lists."""
    chance = np.random.default_rng(0)
    query, key, value = (matrix(chance, size, size) for _ in range(3))

    def f(sequence):
        keys, values, loss = [], [], 0.0
        for x in sequence:
            q, k, v = ([dot(row, x) for row in rows] for rows in (query, key, value))
            keys.append(k)
            values.append(v)
            scores = [dot(q, k) for k in keys]
            whole = logsumexp(scores)
            weights = [exp(score - whole) for score in scores]
            loss = loss + sum(dot(weights, column) ** 2 for column in zip(*values))
        return loss

    parameters = [p for rows in (query, key, value) for row in rows for p in row]
    return lines_of(f, parameters, chance.normal(size=(3, positions, size)))


@pytest.mark.parametrize("positions", [2, 5, 8])
def test_a_layer_at_several_positions_is_one_product(positions):
    lines = attention(positions)
    forwards = [line.text for line in lines if line.text.startswith("W")]
    assert len(forwards) == 1  # it has query, key and value of all positions; the inputs need no gradient
    assert sum(line.text.endswith("dW1)") for line in lines) == 1


def test_attention_is_two_products_of_matrices_and_four_in_its_gradient():
    assert len({len(attention(positions)) for positions in (6, 9)}) == 1
    assert count(attention(6), "matmul(") == 6
    assert count(attention(6), "exp(") == 1  # a probability is a power by the sum of all powers


@pytest.mark.parametrize("shift", [True, False])
def test_the_number_of_instructions_of_gains_and_shifts_does_not_depend_on_the_width(shift):
    def gained(width):
        numbers = np.random.default_rng(0).normal(size=(2, width))
        gain, bias = ([Value(number) for number in row] for row in numbers)

        def f(x):
            return sum(engine.tanh(g * a + (b if shift else g * a * a)) for g, a, b in zip(gain, x, bias))

        return lines_of(f, gain + bias, np.ones((3, width)))

    assert len({len(gained(width)) for width in (4, 16, 40)}) == 1


def test_instructions_name_the_nodes_that_they_stand_for():
    a, b, c = (Value(number, label=name) for number, name in zip((0.5, -1.0, 2.0), "abc"))

    def f(x):
        hidden = engine.tanh(a * x + b)
        hidden.label = "hidden"
        loss = c * hidden
        loss.label = "loss"
        return loss

    lines = lines_of(f, [a, b, c], np.ones(3))
    said = {line.text: line.nodes for line in lines}
    assert [nodes for text, nodes in said.items() if text.startswith("W1.dot(")] == [("*", "+")]
    assert {nodes for text, nodes in said.items() if "h1" in text and "tanh(" in text} == {("hidden",)}
    assert any(nodes[-1:] == ("loss",) for text, nodes in said.items())
    written = [line for line in lines if "=" not in line.text.split("(")[0] and not line.text.startswith("return")]
    assert all(line.nodes for line in written)  # all but those that read inputs or return results
    assert all(str(line) == line.text + (f"  # {', '.join(line.nodes)}" if line.nodes else "") for line in lines)


def test_the_source_has_the_text_of_each_instruction():
    model = MLP(2, [3, 1], rng=0)
    program = engine.compile(lambda x: model(x), params=model)
    program.value_and_grad(np.ones((2, 2)))
    text = [line.strip() for line in program.source.splitlines()]
    assert all(any(line.startswith(said.text) for line in text) for said in program.instructions)


def test_a_matrix_that_is_used_at_several_steps_has_one_name():
    weights = [[Value(0.1 * i - 0.2 * j) for j in range(3)] for i in range(3)]

    def f(x):
        hidden = list(x)
        for _ in range(3):
            hidden = [dot(row, hidden).tanh() for row in weights]
        return sum(hidden)

    program = engine.compile(f, [w for row in weights for w in row])
    program.value_and_grad(np.ones((2, 3)))
    forwards, backwards, to_weights = (re.findall(said, program.source) for said in (
        r"# z\d = (W\d) @", r"# dh\d = (W\d)\.T @", r"# (dW\d) ="))  # fmt: skip
    assert (forwards, backwards, to_weights) == (["W1"] * 3, ["W1"] * 2, ["dW1"])


@pytest.mark.parametrize("classes", [3, 20])
def test_every_line_of_a_compiled_classifier_has_a_comment_that_names_its_values(classes):
    model = MLP(2, [4, classes], activation="tanh", rng=0)
    program = engine.compile(lambda x, y: cross_entropy(model(x), y), model)
    program.value_and_grad(np.ones((2, 2)), np.array([0, 1]))
    lines = re.findall(r"^        (?!return)(.*?) +# (.*) \(.*?\)$", program.source, re.MULTILINE)
    assert len(lines) == len(program.instructions) - 1  # all but the one that returns
    assert all(" = " in said or " -= " in said for _, said in lines)


@pytest.mark.parametrize(("classes", "factors"), [(3, 1), (8, 1), (9, 2)])
def test_a_softmax_of_few_classes_is_divided_by_an_array_of_its_shape(classes, factors):
    lines = classifier([4, classes])  # of more classes, it is multiplied by a row of reciprocals
    assert count(lines, "divide(") == 1 and count(lines, "multiply(") == factors


def test_a_softmax_by_the_logsumexp_of_other_values_is_computed_as_it_is_written():
    w = [Value(0.5), Value(-1.0), Value(2.0)]

    def f(x):
        scores = [p * x for p in w]
        whole = logsumexp([2.0 * score for score in scores])
        return dot([exp(score - whole) for score in scores], [1.0, 2.0, 3.0])

    program, given = engine.compile(f, w), np.array([0.3, -1.2])
    assert program(given) == pytest.approx([f(x).data for x in given], rel=1e-14)


def test_the_number_of_instructions_does_not_depend_on_the_number_of_classes():
    assert len({len(classifier([4, classes], activation="tanh")) for classes in (9, *range(10, 64, 3))}) == 1


@pytest.mark.parametrize("batch", [True, False])
def test_instructions_name_the_line_of_the_users_own_code(batch):
    model = MLP(2, [3, 1], activation="tanh", rng=0)

    def f(x):
        # in two lines
        out = model(x)
        return exp(out) * 2.0

    program = engine.compile(f, model, batch=batch)
    program.value_and_grad(np.ones((2, 2)) if batch else np.ones(2))
    first = f.__code__.co_firstlineno
    found = {place for line in program.instructions for place in line.where}
    assert found == {f"{__file__}:{first + 2}", f"{__file__}:{first + 3}"}
    if batch:
        [line] = [line for line in program.instructions if line.text.startswith("exp(")]
        assert line.where == (f"{__file__}:{first + 3}",)


def with_a_number(x):
    return sum((w * v for w, v in zip(W, x)), 0.5)


def with_a_penalty(x):
    return engine.tanh(dot(W, list(x))) + 0.1 * sum(w * w for w in W)


def used_twice(x):
    return (W[0] * x[0] + W[1]) * W[0] + W[0] * W[1]


def of_products(x):
    return dot(list(x), list(x)) * W[0] + 1.0


def gained(x):
    return sum(engine.tanh(w * v + u) for w, v, u in zip(W, x, W[::-1]))


def in_steps(x):
    h = 0.1
    for v in x:
        h = engine.tanh(W[0] * h + W[1] * v)
    return h


W = [Value(0.5), Value(-0.3), Value(0.8)]
SAID_BY_NO_LINE = re.compile(r"return |\w+\[\.\.\.\] = ([xcu]\d|h0|y$)")  # what copies inputs and constants, or returns


@pytest.mark.parametrize("batch", [True, False])
@pytest.mark.parametrize("f", [with_a_number, with_a_penalty, used_twice, of_products, gained, in_steps, *range(12)])
def test_each_line_that_computes_names_a_line_of_the_users_own_code(f, batch):
    parameters, inputs, file = W, [np.random.default_rng(0).normal(size=(4, 3))], __file__
    if isinstance(f, int):
        f = Structure(f)
        parameters, inputs, file = f.parameters, inputs_of(np.random.default_rng(0), 4), structures.__file__
    inputs = inputs if batch else [array[0] if np.ndim(array) else array for array in inputs]
    program = engine.compile(f, parameters, batch=batch)
    for gradient in (program.input_gradients, program.value_and_grad):
        gradient(*inputs)
        for line in program.instructions:
            assert line.where or SAID_BY_NO_LINE.match(line.text), line
            assert all(place.startswith(f"{file}:") for place in line.where), line
