"""Programs of all kinds that are saved: each gives (f, parameters, inputs, whether they are batches)."""

from chainrule.engine import Value, erf, exp, gelu, log, logsumexp, pick, relu, sin, tanh, total
from chainrule.nn import MLP, cross_entropy


def moons_like(chance):
    model = MLP(2, [16, 16, 1], activation="relu", rng=0)
    x, y = chance.normal(size=(9, 2)), chance.choice([-1.0, 1.0], size=9)
    return lambda x, y: relu(1.0 - y * model(x)), model.parameters(), (x, y), True


def iris_like(chance):
    model = MLP(4, [16, 16, 3], activation="tanh", rng=0)
    x, y = chance.normal(size=(9, 4)), chance.integers(0, 3, size=9)
    return lambda x, y: cross_entropy(model(x), y), model.parameters(), (x, y), True


def many_rows(chance):
    weights = [Value(number) for number in chance.normal(size=4)]

    def f(x, k):
        h = [gelu(w * xi) + erf(xi) for w, xi in zip(weights, x)]
        return pick(h, k) + logsumexp(h) + total(h) + pick([weights[0], 2.0, x[0]], 1)

    return f, weights, (chance.normal(size=(7, 4)), chance.integers(0, 4, size=7)), True


def several_outputs(chance):
    w = Value(0.5)
    return lambda x: [w * x[0], sin(x[1]), 3.0], [w], (chance.normal(size=(5, 2)),), True


def three_inputs_without_parameters(chance):
    return (lambda x, t, z: relu(x) * t + z[0][1] / 3.0, [],
            (chance.normal(size=4), 0.5, chance.normal(size=(4, 2, 2))), True)  # fmt: skip


def no_example_depends_on(chance):
    w = Value(0.1)
    return lambda x: exp(w) * 1e-300, [w], (chance.normal(size=3),), True


def kept_parameter(chance):
    weights = [Value(2.0), Value(3.0, requires_grad=False)]
    return lambda x: weights[0] * weights[1] * x, weights, (chance.normal(size=3),), True


def numbers_of_one_example(chance):
    w = [Value(0.3), Value(-0.2)]
    return lambda x, k: tanh(w[0] * x) * k + w[1] / x, w, (1.5, 2), False


def array_of_one_example(chance):
    w = [Value(number) for number in chance.normal(size=6)]
    return lambda x: total(wi * log(xi * xi) for wi, xi in zip(w, x.ravel())), w, (chance.normal(size=(2, 3)),), False


def several_outputs_of_one_example(chance):
    return lambda x: [x[0] * x[1], x[0] - 1.0], [], (chance.normal(size=2),), False


def parameters_alone(chance):
    w = Value(0.3)
    return lambda: w * w + 1.0, [w], (), False


KINDS = [moons_like, iris_like, many_rows, several_outputs, three_inputs_without_parameters, no_example_depends_on,
         kept_parameter, numbers_of_one_example, array_of_one_example, several_outputs_of_one_example,
         parameters_alone]  # fmt: skip
