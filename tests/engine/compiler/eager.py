"""The numbers that a compiled program has to give: those of the function itself, run on Values with backward()."""

from typing import NamedTuple

import numpy as np

from chainrule.engine import Value, topological_order

ROUNDING = 1e-12  # how exact programs are, relative to max(1, the sum of the |terms|); see docs/architecture.md


class Example(NamedTuple):
    """One example: the outputs, the gradients of the first output, and the sums of the |terms| of each."""

    outputs: list
    to_parameters: np.ndarray
    to_inputs: list
    value_terms: float
    parameter_terms: np.ndarray
    input_terms: list


def wrapped(given):
    """One input as users give it to eager code: Values for floats, plain numbers for integers and bools."""
    array = np.asarray(given)
    if array.dtype.kind != "f":
        return array if array.ndim else array.item()
    values = np.frompyfunc(lambda x: Value(float(x)), 1, 1)(array)
    return values if array.ndim else Value(float(array))


def terms(root):
    """For each node the sum over all paths from it to the root of |the product of the local derivatives|."""
    reach = {id(root): 1.0}
    for node in reversed(topological_order(root)):
        for argument, slope in zip(node._prev, node._local_grads):
            reach[id(argument)] = reach.get(id(argument), 0.0) + abs(slope) * reach.get(id(node), 0.0)
    return reach


def run(f, parameters, example):
    """Run f and backward() on one example."""
    inputs = [wrapped(given) for given in example]
    result = f(*inputs)
    several = hasattr(result, "__len__")
    outputs = [y if isinstance(y, Value) else Value(float(y)) for y in (result if several else [result])]
    for parameter in parameters:
        parameter.grad = 0.0
    outputs[0].backward()
    reach, nodes = terms(outputs[0]), [*map(np.atleast_1d, inputs)]
    slopes = [
        np.reshape([getattr(x, "grad", 0.0) for x in array.flat], np.shape(given))
        for array, given in zip(nodes, example)
    ]
    sizes = [
        np.reshape([reach.get(id(x), 0.0) for x in array.flat], np.shape(given)) for array, given in zip(nodes, example)
    ]
    leaves = [v for v in topological_order(outputs[0]) if v.operation is None]
    found = Example(
        outputs=[y.data for y in outputs],
        to_parameters=np.array([p.grad for p in parameters]),
        to_inputs=slopes,
        value_terms=sum(abs(leaf.data) * reach[id(leaf)] for leaf in leaves),
        parameter_terms=np.array([reach.get(id(p), 0.0) for p in parameters]),
        input_terms=sizes,
    )
    for parameter in parameters:
        parameter.grad = 0.0
    return found


def examples(arrays):
    """The rows of the arrays; a bare number belongs to each row."""
    length = max((len(array) for array in arrays if np.ndim(array)), default=1)
    return [[array[i] if np.ndim(array) else array for array in arrays] for i in range(length)]


def close(got, expected, sizes):
    return np.abs(np.asarray(got) - expected) <= ROUNDING * np.maximum(1.0, sizes)


def assert_same(program, f, parameters, *arrays):
    """Assert that every method of a program of one output gives the numbers of f, within ROUNDING."""
    runs = [run(f, parameters, example) for example in examples(arrays)]
    values = np.array([r.outputs[0] for r in runs])
    value_terms = np.array([r.value_terms for r in runs])
    got = program(*arrays)
    assert got.shape == values.shape and got.dtype == np.float64
    assert close(got, values, value_terms).all(), (got, values)
    if parameters:
        slopes, sizes = (np.array([r[i] for r in runs]) for i in (1, 4))
        mean, gradient = program.value_and_grad(*arrays)
        assert type(mean) is float and close(mean, values.mean(), value_terms.mean())
        assert gradient.shape == (len(parameters),) and gradient.dtype == np.float64
        assert close(gradient, slopes.mean(axis=0), sizes.mean(axis=0)).all(), (gradient, slopes.mean(axis=0))
        each = program.per_example(*arrays)
        assert each.shape == slopes.shape and close(each, slopes, sizes).all(), (each, slopes)
    assert_same_input_gradients(program, runs, arrays)


def assert_same_input_gradients(program, runs, arrays):
    gradients = program.input_gradients(*arrays)
    for i, (gradient, array) in enumerate(zip([gradients] if len(arrays) == 1 else gradients, arrays, strict=True)):
        if np.asarray(array).dtype.kind != "f":
            assert gradient is None
            continue
        slopes, sizes = (np.array([r[k][i] for r in runs]) for k in (2, 5))
        assert gradient.shape == slopes.shape and gradient.dtype == np.float64
        assert close(gradient, slopes, sizes).all(), (gradient, slopes)
