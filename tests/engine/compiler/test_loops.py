"""What repeats in a long chain is written as a loop, which gives the same numbers as a line for each scalar."""

import random
from functools import partial

import numpy as np
import pytest
from test_long_chains import K, of_many_kinds, runge_kutta

from chainrule import engine
from chainrule.engine import Value, sin, tanh, where
from chainrule.engine.compiler.emit import loops, python
from chainrule.engine.compiler.scalar import repeats

X = np.array([0.3, -0.4, 0.9])


def momentum(x):
    """Gradient descent on (x² - w)²: what is read twice, and numbers of the step before."""
    m = 0.0 * x
    for _ in range(60):
        m = 0.9 * m + 0.1 * (x * x - K[0])
        x = x - 0.1 * m
    return x


def swapped(x):
    """Each of two numbers becomes what the other one was before."""
    y = x * 0.5
    for _ in range(100):
        x, y = y * K[1] + 0.1, x * K[0]
    return x + y


def with_a_delay(x, delay):
    history = [x * 0.1 * i for i in range(delay)]
    for _ in range(200):
        history.append(tanh(history[-1] * K[0] - history[-delay] * K[1] + 0.01))
    return history[-1]


def of_random_places(x):
    """It looks alike everywhere, and repeats nowhere."""
    chance, history = random.Random(0), [x * 0.1 * i for i in range(5)]
    for _ in range(300):
        history.append(tanh(history[-1] * K[0] - chance.choice(history)))
    return history[-1]


def nested(x):
    for _ in range(20):
        for _ in range(8):
            x = x * K[0] + 0.1
        x = sin(x) - where(x - 0.2, x * x, K[2])
    return x


def sum_of_all(x):
    total = 0.0
    for _ in range(200):
        x = tanh(x * K[0] + 0.3)
        total = total + x * x
    return total


def of_many_outputs(x):
    history = [x]
    for _ in range(200):
        history.append(sin(history[-1]) * K[0] + 0.1)
    return [history[-1], history[0], history[57], history[99] * history[100], history[57], K[1], 2.0]


FUNCTIONS = {
    "momentum": (momentum, (X,)),
    "swapped": (swapped, (X,)),
    "a delay of 2": (partial(with_a_delay, delay=2), (X,)),
    "a delay of 5": (partial(with_a_delay, delay=5), (X,)),
    "random places": (of_random_places, (X,)),
    "nested": (nested, (X,)),
    "a sum of all": (sum_of_all, (X,)),
    "many outputs": (of_many_outputs, (X,)),
    "Runge-Kutta": (runge_kutta(30), (np.array([1.0, 1.2, 0.7]), np.array([0.5, 0.4, 0.9]))),
    "many kinds": (of_many_kinds, (np.array([[0.3, 0.7], [-0.4, 1.1]]), np.array([2, 0]))),
}


def random_chain(seed):
    """Some numbers, and steps that change them: each time the same ones, but for some of the steps."""
    chance = random.Random(seed)
    parameters = [Value(chance.uniform(-0.9, 0.9)) for _ in range(chance.randint(1, 4))]
    kinds = (lambda a, b: a + b, lambda a, b: a * b, lambda a, b: a - b * b, lambda a, b: sin(a) * b,
             lambda a, b: where(a - 0.1, b, a), lambda a, b: -a)  # fmt: skip
    count, delay, every = chance.randint(1, 4), chance.choice((0, 0, 1, 3)), chance.choice((0, 0, 5, 13))

    def lines():
        return [
            (
                chance.randrange(count),
                chance.choice(kinds),
                chance.choice(kinds),
                *(chance.randrange(99) for _ in "abc"),
            )
            for _ in range(chance.randint(1, 6))
        ]

    often, seldom, steps, summed = lines(), lines(), chance.randint(8, 60), chance.random() < 0.4

    def f(x):
        state, history, seen = [x * 0.3 + 0.1 * i for i in range(count)], [], []
        for step in range(steps):
            for to, outer, inner, *which in seldom if every and step % every == 0 else often:
                old = history[-1 - delay] if len(history) > delay else state
                known = [*state, *parameters, 0.7, *state, old[to]]
                a, b, c = (known[place % len(known)] for place in which)
                state[to] = tanh(outer(state[to], inner(x * a, b)) * 0.7 + c)
            history.append(list(state))
            seen.append(state[0])
        return sum(state, 0.0) + history[steps // 2][0] + (sum(y * y for y in seen) if summed else 0.0)

    return f, parameters


def results(f, parameters, inputs, batch):
    """What all functions give, as flat arrays, and the nodes that the lines stand for."""
    given = inputs if batch else [array[0] for array in inputs]
    program = engine.compile(f, parameters, batch=batch)
    found = [np.ravel(program(*given))]
    if not program._latest().several:
        value, gradient = program.value_and_grad(*given)
        slopes = [slope for slope in program.input_gradients(*given) if slope is not None] if len(given) > 1 else [
            program.input_gradients(*given)]  # fmt: skip
        found += [np.ravel(value), gradient, *map(np.ravel, slopes)]
    traced = program._latest()
    texts = [traced.text(name) for name in traced.names]
    lines = python.lines(traced.code, traced.results(traced.names[-1]), not batch)
    return np.concatenate(found), texts, sorted(place for _, places in lines for place in places)


def assert_loops_change_no_number(f, parameters, inputs, batch, monkeypatch):
    monkeypatch.setattr(repeats, "WORTH", 20)
    monkeypatch.setattr(loops, "MANY", (10**9, 10**9))
    straight, _, places = results(f, parameters, inputs, batch)
    monkeypatch.setattr(loops, "MANY", (30, 30))
    found, texts, in_loops = results(f, parameters, inputs, batch)
    assert np.array_equal(found, straight, equal_nan=True)
    assert in_loops == places, "each instruction is in one line"
    return texts


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize(("f", "inputs"), FUNCTIONS.values(), ids=list(FUNCTIONS))
def test_a_loop_gives_the_numbers_of_straight_lines_bit_for_bit(f, inputs, batch, monkeypatch):
    for text in assert_loops_change_no_number(f, K, inputs, batch, monkeypatch):
        assert ("for " in text) is (f is not of_random_places)


@pytest.mark.parametrize("seed", [*range(12), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(12, 60))])
def test_random_chains_give_the_numbers_of_straight_lines_bit_for_bit(seed, monkeypatch):
    assert_loops_change_no_number(*random_chain(seed), [X], seed % 3 == 0, monkeypatch)


def test_a_long_chain_reads_as_its_steps(monkeypatch):
    monkeypatch.setattr(loops, "MANY", (300, 300))

    def f(x):
        for _ in range(300):
            x = tanh(x * K[0] + 0.1)
        return x

    program = engine.compile(f, K, batch=False)
    program.value_and_grad(0.3)
    assert program.source.count("\n") < 30
    assert (
        "    for _ in range(299):\n"
        "        v903 = tanh(v903 * p0 + 0.1)\n"
        "        v903s.append(v903)\n"
    ) in program.source  # fmt: skip
    assert (
        "        v2689 = v2689 + v9 * v2692\n"
        "        v2692 = (1.0 - v9 * v9) * (p0 * v2692)\n"
    ) in program.source  # fmt: skip


def test_the_length_of_a_text_does_not_depend_on_the_number_of_steps():
    found = []
    for steps in (200, 400):
        program = engine.compile(runge_kutta(steps), K, batch=False)
        program.value_and_grad(1.0, 0.5)
        found.append(program.source.count("\n"))
    assert found[0] == found[1] < 300


def test_the_nodes_of_all_repetitions_are_known_to_the_line():
    program = engine.compile(sum_of_all, K)
    program.value_and_grad(X)
    nodes = [node for line in program.instructions for node in line.nodes]
    assert nodes.count("tanh") == 200
    [line] = [line for line in program.instructions if line.nodes.count("tanh") > 100]
    assert [where.split(":")[0].split("/")[-1] for where in line.where] == ["test_loops.py"]
