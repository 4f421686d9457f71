"""Random programs with structure, such as layers, grids, attention, recurrences and tables, on lists of numbers.

A program runs blocks, one after the other. Each block has a seed of its own, reads the lists that exist, and makes
new ones. What it does depends on its seed and on lengths, never on numbers.
"""

import operator
import random

from mathematics import interval

from chainrule.engine import (
    OPS,
    Value,
    dot,
    exp,
    gradients,
    identity,
    logsumexp,
    maximum,
    minimum,
    multiply,
    pick,
    relu,
    sigmoid,
    sqrt,
    tanh,
    total,
    where,
)
from chainrule.nn import cross_entropy, softmax

POSITIONS, FEATURES, ROWS = 3, 3, 4
LONGEST = 6


class Run:
    """One run of a program, and the lists and matrices that exist so far."""

    def __init__(self, parameters, inputs):
        self.parameters, self.chance = parameters, random.Random(0)
        self.x, self.sequence, self.tokens, self.label, self.scalar = inputs
        self.lists = [list(self.x), *map(list, self.sequence)]
        self.matrices = []
        self.terms = []

    def any_list(self, length=None):
        """One of the lists, as it is or reversed, strided, shuffled, or with numbers or parameters in it."""
        chance, found = self.chance, self.chance.choice(self.lists[-8:])
        kind = chance.choice(["as it is"] * 8 + ["reversed", "strided", "shuffled", "longer", "mixed", "parameters",
                             "twice"])  # fmt: skip
        if kind == "reversed":
            found = found[::-1]
        elif kind == "strided":
            found = found[:: chance.choice((-2, 2))]
        elif kind == "shuffled":
            found = chance.sample(found, len(found))
        elif kind == "longer":
            found = found + chance.choice(self.lists)
        elif kind == "twice":
            found = found + found[:1]
        elif kind == "mixed":
            more = [1.0, 0.0, -0.5, Value(1.5), self.scalar, chance.choice(self.parameters)]
            found = [chance.choice((number, chance.choice(more))) for number in found]
        elif kind == "parameters":
            found = self.some_parameters(len(found))
        if length is not None:
            found = (found * length)[:length]
        return found[:LONGEST]

    def number(self):
        """A single number: from a list, an input, a parameter, or a constant."""
        chance = self.chance
        return chance.choice([chance.choice(self.any_list()), self.scalar, chance.choice(self.parameters), 0.5, -1.0])

    def some_parameters(self, count):
        start, step = self.chance.randrange(len(self.parameters)), self.chance.choice((1, 1, 1, 2, -1, 5))
        return [self.parameters[(start + i * step) % len(self.parameters)] for i in range(count)]

    def matrix(self, rows, columns):
        """A matrix of parameters: as they are, transposed, shuffled, tied, …; or of numbers computed from them."""
        chance, parameters = self.chance, self.parameters
        start, count, few = chance.randrange(len(parameters)), len(parameters), self.some_parameters(2)
        kind = chance.choice(["rows"] * 3 + ["neurons"] * 3 + ["transposed", "wide", "backwards", "shuffled", "few",
                             "earlier", "earlier", "earlier", "made", "varying", "numbers"])  # fmt: skip
        steps = {"rows": (columns, 1), "neurons": (columns + 1, 1), "transposed": (1, rows), "wide": (columns + 2, 1),
                 "backwards": (-columns, 1)}  # fmt: skip
        if kind in steps:
            down, right = steps[kind]
            made = [[parameters[(start + i * down + j * right) % count] for j in range(columns)] for i in range(rows)]
        elif kind == "shuffled":
            made = [[chance.choice(parameters) for _ in range(columns)] for _ in range(rows)]
        elif kind == "few":
            made = [[chance.choice(few) for _ in range(columns)] for _ in range(rows)]
        elif kind == "earlier" and self.matrices:
            made = chance.choice(self.matrices)
            made = list(map(list, zip(*made))) if chance.random() < 0.4 else made
            made = made[::-1] if chance.random() < 0.3 else made
            made = [[made[i % len(made)][j % len(made[0])] for j in range(columns)] for i in range(rows)]
        elif kind == "numbers":
            made = [[chance.choice([0.0, 1.0, -1.0, 0.3, *few]) for _ in range(columns)] for _ in range(rows)]
        elif kind == "varying":
            made = [self.any_list(columns) for _ in range(rows)]
        else:
            made = [[tanh(p) for p in self.some_parameters(columns)] for _ in range(rows)]
        self.matrices.append(made)
        return made

    def biases(self, count):
        """For each neuron, the terms that stand before and after its products."""
        chance = self.chance
        kind = chance.choice(["none", "front", "front", "behind", "double", "both", "constant", "one", "input",
                             "mixed"])  # fmt: skip
        before, behind = [[] for _ in range(count)], [[] for _ in range(count)]
        first, second = self.some_parameters(count), self.some_parameters(count)
        for i in range(count):
            this = chance.choice(["none", "front", "behind", "input"]) if kind == "mixed" else kind
            before[i] += [first[i]] if this in ("front", "both") else []
            behind[i] += [first[i]] if this in ("behind", "double") else [0.5] if this == "constant" else []
            behind[i] += [second[i]] if this in ("double", "both") else [first[0]] if this == "one" else []
            behind[i] += [self.number()] if this == "input" else []
        return before, behind

    def layer(self, rows, columns):
        """A function from a list to a list of sums of products, written in one of the ways in which people write it."""
        weights, (before, behind), way = self.matrix(rows, columns), self.biases(rows), self.chance.randrange(6)
        activation = self.chance.choice([tanh, relu, sigmoid, identity, tanh, None])

        def neuron(i, x):
            products = map(operator.mul, weights[i], x)
            if way == 0:
                made = total([*before[i], *products, *behind[i]])
            elif way == 1:
                made = sum(behind[i], sum(before[i], dot(weights[i], x)))
            elif way == 2:
                made = sum([xj * w for w, xj in zip(weights[i], x)] + behind[i], sum(before[i]))
            elif way == 3:
                made = 0.0
                for product in [*before[i], *products, *behind[i]]:
                    made = product + made
            elif way == 4:
                made = sum(before[i]) - sum(products) - sum(behind[i])
            else:
                made = sum(before[i]) + (sum(products) + sum(behind[i]))
            return activation(made) if activation else made

        return lambda x: [neuron(i, x) for i in range(rows)]


def one_layer(run):
    x = run.any_list()
    run.lists.append(run.layer(run.chance.randint(1, 4), len(x))(x))


def grid(run):
    """A layer that is applied at several positions; perhaps a second one, too."""
    length = run.chance.randint(1, 4)
    places = [run.any_list(length) for _ in range(run.chance.randint(2, 4))]
    for _ in range(run.chance.choice((1, 1, 2))):
        layer = run.layer(run.chance.randint(1, 4), length)
        made = [layer(x) for x in places]
        turned, flat = list(map(list, zip(*made))), [a for row in made for a in row]
        run.lists += run.chance.choice((made, turned, [flat], made[::-1]))


def two_layers(run):
    x = run.any_list()
    wide = run.chance.randint(2, 4)
    first, second = run.layer(wide, len(x)), run.layer(len(x), wide)
    run.lists.append([a + b for a, b in zip(x, second(first(x)))])


def residual(run):
    x = run.any_list()
    made, sign = run.layer(len(x), len(x))(x), run.chance.choice((operator.add, operator.sub))
    run.lists.append([sign(a, b) for a, b in zip(x, made)])


def element_wise(run):
    """One row of the table on each number, or on two or three lists."""
    op = run.chance.choice([op for op in OPS.values() if not op.variadic])
    first = run.any_list()
    lists = [first]
    for _ in range(op.arity - 1):
        lists.append(run.chance.choice((run.any_list(len(first)), [run.number()] * len(first), first, first[::-1])))

    def inside(x, place):
        low, high = interval(op, place)
        if (low, high) == (-5.0, 5.0) and op.name not in ("exp", "sinh", "cosh", "expm1"):
            return x
        return (low + high) / 2.0 + 0.4 * (high - low) * tanh(x)

    run.lists.append([op(*(inside(x, place) for place, x in enumerate(xs))) for xs in zip(*lists)])


def arithmetic(run):
    x, sign = run.any_list(), run.chance.choice((operator.add, operator.sub, operator.mul))
    other = run.chance.choice((run.any_list(len(x)), [run.number()] * len(x), x, x[::-1]))
    run.lists.append([sign(a, b) for a, b in zip(x, other)])


def scaled(run):
    """Numbers times large and small factors, which the backward pass carries along; large ones are divided out."""
    x, factor = run.any_list(), run.chance.choice((-1.0, 3.0, 1e-6, -1e5, 1e-3, 0.0, 0.5))
    made = [tanh(a) * factor if run.chance.random() < 0.8 else a for a in x]
    run.lists.append([a * 1e-5 for a in made] if factor == -1e5 else made)


def large_table(run):
    """A table with so many rows that a row is not found by a product with ones and zeros."""
    table = [p * a for p in run.parameters[:7] for a in run.any_list(10)]
    run.lists.append([pick(table, run.label), pick(table[::-1], run.tokens[0])])


def layer_norm(run):
    x = run.any_list()
    centre = sum(x) / len(x) if run.chance.random() < 0.5 else 0.0
    spread = sqrt(sum((a - centre) ** 2 for a in x) / len(x) + 0.1)
    gain, shift = run.some_parameters(len(x)), run.some_parameters(len(x))
    run.lists.append([g * (a - centre) / spread + s for a, g, s in zip(x, gain, shift)])


def root_mean_square(run):
    places = [run.any_list(3) for _ in range(run.chance.randint(1, 3))]
    for x in places:
        scale = (dot(x, x) / len(x) + 0.1) ** -0.5
        run.lists.append([a * scale for a in x])


def softmax_by_hand(run):
    x = [tanh(a) for a in run.any_list()]
    powers = [exp(a) for a in x]
    whole = sum(powers)
    run.lists.append([a / whole for a in powers] if run.chance.random() < 0.5 else softmax(x))


def attention(run):
    """Causal attention with growing lists and one or two heads."""
    heads, size = run.chance.choice((1, 2)), run.chance.choice((1, 2))
    places = [run.any_list(heads * size) for _ in range(run.chance.randint(2, 3))]
    query, key, value = (run.layer(heads * size, heads * size) for _ in range(3))
    if run.chance.random() < 0.3:
        key = query
    keys, values = [], []
    for x in places:
        q = query(x)
        keys.append(key(x))
        values.append(value(x))
        out = []
        for head in range(heads):
            part = slice(head * size, (head + 1) * size)
            scores = [dot(q[part], k[part]) / size**0.5 for k in keys]
            weights = softmax([tanh(s) for s in scores]) if run.chance.random() < 0.3 else softmax(scores)
            out += [dot(weights, [v[part][j] for v in values]) for j in range(size)]
        run.lists.append(out)


def recurrent(run):
    size = run.chance.randint(1, 3)
    places = [run.any_list(2) for _ in range(run.chance.randint(2, 4))]
    inner, outer, state = run.layer(size, size), run.layer(size, 2), [0.0] * size
    for x in places:
        state = [tanh(a + b) for a, b in zip(inner(state), outer(x))]
        if run.chance.random() < 0.3:
            run.lists.append(state)
    run.lists.append(state)


def long_short_term_memory(run):
    size = run.chance.randint(1, 2)
    gates = [run.layer(size, 2 + size) for _ in range(4)]
    cell, state = [0.0] * size, [run.number()] * size
    for x in [run.any_list(2) for _ in range(2)]:
        forget, update, out, new = (gate(x + state) for gate in gates)
        cell = [sigmoid(f) * c + sigmoid(u) * tanh(n) for f, c, u, n in zip(forget, cell, update, new)]
        state = [sigmoid(o) * tanh(c) for o, c in zip(out, cell)]
    run.lists += [cell, state]


def embedding(run):
    """Rows of a table, whose entries may be parameters, and which may be tied with other layers."""
    table = run.matrix(ROWS, run.chance.randint(1, 3))
    tokens = run.chance.choice((list(run.tokens), [run.tokens[0]] * 2, list(run.tokens[::-1]), [run.label]))
    made = [[pick(column, token) for column in zip(*table)] for token in tokens]
    if run.chance.random() < 0.4:
        made = [[a + b for a, b in zip(*rows)] for rows in zip(made, made[::-1])]
    run.lists += made


def picked(run):
    """Picks from lists of computed numbers, by an index that is an input or is computed."""
    for _ in range(run.chance.randint(1, 3)):
        token = run.chance.choice((run.label, run.tokens[0], run.tokens[1]))
        run.lists.append([pick(run.any_list(ROWS), token), pick(run.any_list(ROWS), token)])
    if run.chance.random() < 0.3:
        run.lists.append([pick(run.any_list(2), (run.number() + 0.0 * run.scalar).step())])


def cross_entropies(run):
    layer = run.layer(ROWS, 3)
    losses = [cross_entropy(layer(run.any_list(3)), token) for token in run.tokens[: run.chance.randint(1, 3)]]
    run.lists.append(losses)
    run.terms.append(sum(losses) / len(losses))


def log_of_sums(run):
    groups = [run.any_list() for _ in range(run.chance.randint(1, 4))]
    run.lists.append([logsumexp(group) for group in groups])


def sums(run):
    """Sums of different lengths."""
    groups = [run.any_list()[: run.chance.randint(1, 5)] for _ in range(run.chance.randint(1, 4))]
    run.lists.append([sum(group) if run.chance.random() < 0.5 else total(group) for group in groups])


def products_of_sums(run):
    run.lists.append([sum(run.any_list()) * total(run.any_list()) for _ in range(run.chance.randint(1, 3))])


def scalar_products(run):
    """Scalar products of two lists that both vary from example to example."""
    x = [run.any_list(3) for _ in range(run.chance.randint(1, 3))]
    run.lists.append([dot(a, b) for a in x for b in x])


def penalty(run):
    some = run.chance.choice((run.parameters, run.parameters[2:9], run.some_parameters(5), run.parameters[::-1]))
    kind = run.chance.randrange(4)
    made = [p * p if kind == 0 else p**2 if kind == 1 else abs(p) if kind == 2 else multiply(p, some[0]) for p in some]
    factor = run.chance.choice((1e-4, 0.5, 0.5 / len(some)))
    run.terms.append(factor * sum(made) if run.chance.random() < 0.5 else sum(factor * a for a in made))


def means(run):
    places = [run.any_list(3) for _ in range(run.chance.randint(2, 4))]
    run.lists.append([sum(column) / len(places) for column in zip(*places)])


def extremes(run):
    choose = run.chance.choice((maximum, minimum))
    for x in [run.any_list() for _ in range(run.chance.randint(1, 2))]:
        found = x[0]
        for a in x[1:]:
            found = choose(found, a)
        run.lists.append([found])


def branches(run):
    x = run.any_list()
    condition = run.chance.choice((x, run.any_list(len(x)), [run.scalar] * len(x), list(map(relu, x))))
    run.lists.append([where(c if c is not a else a - 0.1, a, -a) for c, a in zip(condition, x)])


def gradients_inside(run):
    x = run.any_list()
    y = sum(tanh(a) for a in run.layer(2, len(x))(x))
    if isinstance(y, Value):
        wanted = [a for a in run.chance.choice((x, run.some_parameters(3))) if isinstance(a, Value)]
        run.lists.append([*gradients(y, wanted), y])


BLOCKS = (one_layer, grid, two_layers, residual, element_wise, element_wise, arithmetic, scaled, large_table,
          layer_norm, root_mean_square, softmax_by_hand, attention, recurrent, long_short_term_memory, embedding,
          picked, cross_entropies, log_of_sums, sums, products_of_sums, scalar_products, penalty, means, extremes,
          branches, gradients_inside)  # fmt: skip


class Structure:
    """A random program of one example: a function of (x, sequence, tokens, label, scalar)."""

    def __init__(self, seed):
        chance = random.Random(seed)
        self.seed = seed
        self.parameters = [Value(chance.uniform(-0.9, 0.9)) for _ in range(chance.choice((7, 20, 45)))]
        for parameter in chance.sample(self.parameters, 2) if chance.random() < 0.2 else []:
            parameter.requires_grad = False
        self.blocks = [(chance.choice(BLOCKS), chance.random()) for _ in range(chance.randint(1, 6))]
        self.ends = chance.choice(("all", "last", "last", "two", "product", "product"))

    def __call__(self, *inputs):
        return self.outputs(*inputs)[0]

    def outputs(self, *inputs):
        """A list of the number to differentiate and some other numbers."""
        run = Run(self.parameters, inputs)
        for block, seed in self.blocks:
            run.chance = random.Random(seed)
            block(run)
        rows = {"all": run.lists, "last": run.lists[-1:]}.get(self.ends, run.lists[-2:])
        ends = [a for row in rows for a in row]
        loss = sum(ends, 0.0) if self.ends != "product" else sum(a * a for a in ends) / len(ends)
        return [sum(run.terms, 0.0) + loss + 0.0, *run.lists[-1], run.x[0], self.parameters[0], 2.0, run.label]
