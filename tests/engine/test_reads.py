"""In a derivative, a result computed from a number that was read is an error; printing and comparing are not."""

import copy
import dataclasses
import json
import math
import pickle
import random
import statistics
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pytest
import scipy.integrate

import chainrule as cr
from chainrule import Value, grad, hessian, hvp, jacobian, nn, value_and_grad
from chainrule.engine import reads


def into_zeros(x):
    o = np.zeros(2)
    o[0] = x[0] ** 2
    return o.sum()


def into_zeros_beside_a_path_that_survives(x):
    o = np.zeros(2)
    o[0] = x[0] ** 2
    return o.sum() + 0.01 * (x[0] + x[1])


def by_an_own_class(x):
    @dataclasses.dataclass
    class Point:
        across: float

    return Point(float(x[0])).across * x[1]


def in_a_thread(x):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: math.exp(x[0])).result() + x[1]


def written_into_data(x):
    p = Value(0.0)
    p.data = x[0].data
    return p * x[1]


def by_a_solver_that_chooses_its_steps(x):
    """Shifts that differ from call to call are noise to it, and its result leaps."""
    solution = scipy.integrate.solve_ivp(lambda t, y: -(x[0] + 0.5) * y, (0, 1), [1.0])
    return solution.y[0, -1] + 0.01 * (x[0] + x[1])


def by_quadrature(x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return scipy.integrate.quad(lambda t: (x[0] + 0.5) * t, 0, 1)[0] * x[1]


LOST = {
    "a solver, and a path": by_a_solver_that_chooses_its_steps,
    "quadrature, and a path": by_quadrature,
    "an array of floats": into_zeros,
    "an array, and a path": into_zeros_beside_a_path_that_survives,
    "math.sin": lambda x: math.sin(x[0]) * (x[0] + 1.0),
    "np.array": lambda x: (np.array([x[0]], float) * x[1])[0],
    "np.asarray": lambda x: np.asarray(x, dtype=np.float64).sum() + x[0],
    "astype": lambda x: x.astype(float).sum() + x[0],
    "np.float64": lambda x: np.float64(x[0]) * x[1],
    "float": lambda x: float(x[0]) * x[1],
    "data": lambda x: x[0].data * x[1],
    "item": lambda x: x[0].item() * x[1],
    "int": lambda x: int(x[0]) * x[1],
    "round": lambda x: round(x[0]) * x[1],
    "round to digits": lambda x: round(x[0], 1) * x[1],
    "math.floor": lambda x: math.floor(x[0]) * x[1],
    "a format": lambda x: float(f"{x[0]:.17g}") * x[1],
    "str": lambda x: float(str(x[0])[11:].split(",")[0]) * x[1],
    "json": lambda x: json.loads(json.dumps(list(x), default=float))[0] * x[1],
    "Fraction": lambda x: float(Fraction(float(x[0])) * 3) * x[1],
    "fmean": lambda x: statistics.fmean(x) * x[1],
    "fsum": lambda x: math.fsum(x) * x[1],
    "Value": lambda x: Value(x[0].data) * x[1],
    "complex": lambda x: complex(x[0]).real * x[1],
    "a class": by_an_own_class,
    "a thread": in_a_thread,
    "written data": written_into_data,
    "of a node": lambda x: math.sqrt(x[0] * x[0] + x[1]) + x[0],
    "equal numbers that cancel": lambda x: float(x[0]) - float(x[0] + 0.0) + x[1],
    "a small part": lambda x: 1e-7 * math.exp(x[0]) + x[0] * x[1],
    "a constant result": lambda x: math.exp(x[0]),
}


@pytest.mark.parametrize("transform", [grad, value_and_grad, jacobian, hessian], ids=lambda t: t.__name__)
@pytest.mark.parametrize("name", LOST)
@pytest.mark.parametrize("at", [(1.5, 2.25), (3.0, 3.0), (0.0, 4.0)], ids=str)
def test_a_result_that_lost_a_path_is_an_error_that_names_the_line(name, transform, at):
    f = LOST[name]
    lines, start = f.__code__.co_lines(), f.__code__.co_firstlineno
    with pytest.raises(TypeError, match=r"was read .*, and the result is computed from it.*\.detach\(\)") as error:
        transform(f)(list(at))
    file, line = str(error.value).split(": ")[0].rsplit(":", 1)
    assert file == __file__ and start <= int(line) <= max(line for *_, line in lines if line) + 6


def test_a_product_with_a_vector_needs_all_paths_too():
    with pytest.raises(TypeError, match="was read"):
        hvp(LOST["float"])([1.5, 2.0], [1.0, 0.0])


@pytest.mark.parametrize(
    "f, instead",
    [
        (lambda x: math.sin(x) * x, "write cr.sin"),
        (lambda x: np.float64(x) * x, r"np.empty\(n, dtype=object\), or a list"),
        (lambda x: int(x) * x, "write cr.floor"),
        (lambda x: x.data * x, "use the Value itself"),
    ],
)
def test_the_error_says_what_to_write(f, instead):
    with pytest.raises(TypeError, match=instead):
        grad(f)(3.0)


def test_what_the_error_says_works():
    assert grad(lambda x: cr.sin(x) * x)(1.0) == pytest.approx(math.sin(1) + math.cos(1), rel=1e-15)
    assert grad(lambda x: cr.floor(x) * x)(3.5) == 3.0

    def with_objects(x):
        o = np.empty(2, dtype=object)
        o[0], o[1] = x[0] ** 2, 0.0
        return o.sum()

    assert grad(with_objects)([3.0, 4.0]).tolist() == [6.0, 0.0]
    assert grad(lambda x: math.sin(x.detach()) * x)(1.0) == math.sin(1.0)
    assert grad(lambda x: int(x.detach()) * x)(3.5) == 3.0


def newton(x):
    y = x * 1.0
    for _ in range(100):
        r = y * y - x
        if abs(float(r)) < 1e-9:
            break
        y = y - r / (2.0 * y)
    return y


def newton_until_zero(x):
    y = x * 1.0
    while (y * y - x).data > 0.0:
        y = y - (y * y - x) / (2.0 * y)
    return y


def shifted_softmax(x):
    largest = max(value.data for value in x)  # the shift changes nothing but rounding
    exps = [(value - largest).exp() for value in x]
    return exps[0] / sum(exps)


def branches(x):
    if float(x[0]) >= 2.0 and int(x[1]) == 1:
        return x[0] * x[1]
    return x[0] ** 3


def prints(x):
    print(f"{x[0]:.3f}", float(x[1]), x, sep=";")
    print(x[0].data, file=sys.stderr)
    return x[0] * x[1]


ALLOWED = [
    (newton, 2.0, 0.5 / math.sqrt(2.0)),
    (newton, 9.0, 1.0 / 6.0),
    (newton_until_zero, 4.0, 0.25),
    (shifted_softmax, [0.0, 0.0], [0.25, -0.25]),
    (branches, [2.0, 1.5], [1.5, 2.0]),
    (branches, [1.5, 1.5], [3 * 1.5**2, 0.0]),
    (prints, [2.0, 3.0], [3.0, 2.0]),
    (lambda x: sorted(x, key=float)[0] * 2.0, [1.0, 1.0, 3.0], [2.0, 0.0, 0.0]),
    (lambda x: x[int(np.argmax(x.astype(float)))] * 3.0, [1.0, 5.0, 2.0], [0.0, 3.0, 0.0]),
    (lambda x: x * 2.0 if float(x) == 3.0 else x**3, 3.0, 2.0),
    (lambda x: x * 2.0 if x == 3.0 else x**3, 3.0, 2.0),
    (lambda x: 5.0 if float(x) > 1.0 else 6.0, 3.0, 0.0),
    (lambda x: x * (1.0 if round(x) > 2 else 2.0), 3.0, 1.0),
    (lambda x: x * float(Value(2.0)), 3.0, 2.0),
]


@pytest.mark.parametrize("f, x, expected", ALLOWED)
def test_reading_a_number_to_print_or_to_compare_it_is_allowed(f, x, expected):
    assert np.asarray(grad(f)(x)).tolist() == pytest.approx(np.asarray(expected).tolist(), rel=1e-6)


@pytest.mark.parametrize("seed", range(30))
def test_a_shift_that_is_right_for_any_number_is_no_lost_path(seed):
    x = np.random.default_rng(seed).normal(size=5) * 10

    def logsumexp(x):
        largest = max(float(value) for value in x)
        return largest + cr.log(sum(cr.exp(value - largest) for value in x))

    weights = np.exp(x - x.max())
    weights /= weights.sum()
    # largest + log(...): its own number is read, and so it is not told apart from a lost path but by its sum
    found = grad(lambda x: logsumexp(x))(x)
    assert found == pytest.approx(weights, rel=1e-9)


def test_what_the_function_prints_is_printed_once(capsys):
    grad(prints)([2.0, 3.0])
    captured = capsys.readouterr()
    assert captured.out.count("2.000;3.0;") == 1 and captured.out.count("\n") == 1
    assert captured.err == "2.0\n"


def test_a_function_that_reads_nothing_runs_once_and_one_that_reads_runs_twice():
    runs = []
    grad(lambda x: runs.append(0) or x * x)(3.0)
    assert len(runs) == 1
    grad(lambda x: runs.append(float(x)) or x * x)(3.0)
    assert len(runs) == 3


def test_random_numbers_go_on_as_if_the_function_had_run_once():
    def noisy(x):
        return (float(x), x * random.random() * np.random.normal())[1]  # noqa: NPY002

    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    slope, then = grad(noisy)(3.0), (random.random(), np.random.normal())  # noqa: NPY002
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    assert slope == random.random() * np.random.normal()  # noqa: NPY002
    assert then == (random.random(), np.random.normal())  # noqa: NPY002


def test_data_that_the_function_writes_are_those_of_one_run():
    counter = Value(0.0)

    def counts(x):
        counter.data = counter.data + 1.0
        return (float(x), x * 2.0)[1]

    assert grad(counts)(3.0) == 2.0 and counter.data == 1.0


def test_a_loop_that_shifted_numbers_keep_running_is_left():
    def until_it_is_zero(x):
        n, y = float(x), x * 1.0
        while n != 0.0:
            n, y = float(y - 1.0) if n > 1.0 else 0.0, y - 1.0
        return x * 2.0

    assert grad(until_it_is_zero)(4.0) == 2.0


def test_an_error_of_the_function_is_that_of_its_own_run():
    with pytest.raises(ZeroDivisionError):
        grad(lambda x: float(x) / 0 * x)(3.0)
    assert not reads.watching


def test_derivatives_inside_derivatives_keep_the_paths_to_all_variables():
    assert grad(lambda x: x * grad(lambda y: y * y * x)(2.0))(3.0) == 24.0
    with pytest.raises(TypeError, match="was read"):
        grad(lambda x: x * grad(lambda y: y * float(x))(2.0))(3.0)
    with pytest.raises(TypeError, match="was read"):  # at 0 the first derivative is right, the second is not
        hessian(lambda x: float(x) * x)(0.0)


def test_derivatives_at_values_are_watched_too():
    x = Value(3.0)
    with pytest.raises(TypeError, match="was read"):
        grad(lambda x: math.exp(x) * x)(x)
    assert grad(newton)(Value(2.0)).data == pytest.approx(0.5 / math.sqrt(2.0), rel=1e-6)


def test_threads_that_take_derivatives_at_the_same_time_do_not_see_each_other():
    barrier, found = threading.Barrier(2), {}

    def of(name, f):
        def waits(x):
            barrier.wait(10)
            y = f(x)
            barrier.wait(10)
            return y

        try:
            found[name] = grad(
                lambda x: (
                    f(x) if name in found.get("ran", ()) else (found.setdefault("ran", []).append(name), waits(x))[1]
                )
            )(3.0)
        except TypeError as error:
            found[name] = error

    threads = [
        threading.Thread(target=of, args=pair)
        for pair in (("plain", lambda x: x * x), ("lost", lambda x: float(x) * x))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found["plain"] == 6.0 and isinstance(found["lost"], TypeError) and not reads.watching


def test_a_compiled_function_still_refuses_what_it_reads():
    with pytest.raises(cr.TraceError, match="was read"):
        cr.compile(lambda x: math.exp(x) * x)(np.array([1.0, 2.0]))
    program = cr.compile(lambda x: grad(lambda y: y * y * x)(x))
    assert program(np.array([1.0, 2.0])).tolist() == [2.0, 8.0]


def test_a_fit_that_falls_back_names_parameters_that_numbers_were_read_of_through_nodes():
    class Reads(nn.Module):
        def __init__(self):
            self.w, self.b = Value(0.5, label="w"), Value(0.1, label="b")

        def __call__(self, x):
            return self.w * x[0] + math.exp(self.b * 2.0) + self.b

    class Branches(Reads):
        def __call__(self, x):
            return self.w * x[0] + (self.b if self.b > 0.0 else -self.b)

    X, y = np.linspace(-1, 1, 8).reshape(-1, 1), np.linspace(0, 1, 8)
    with pytest.warns(
        RuntimeWarning, match=r"b gets no gradient: where the loss depends on it \(.*test_reads.py:\d+\)"
    ):
        nn.fit(Reads(), nn.mse, X, y, epochs=1, progress=False)
    with pytest.warns(RuntimeWarning) as seen:
        nn.fit(Branches(), nn.mse, X, y, epochs=1, progress=False)
    assert "gets no gradient" not in str(seen[0].message)


# --- copies


@dataclasses.dataclass
class Pair:
    first: object
    second: object


class Net(nn.Module):
    def __init__(self, w):
        self.w = w

    def __call__(self, x):
        return self.w * self.w * x


def through_pickle(x):
    return pickle.loads(pickle.dumps(x))


COPIES = {
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "pickle": through_pickle,
    "old pickle": lambda x: pickle.loads(pickle.dumps(x, protocol=2)),
    "list": lambda x: copy.deepcopy([x, x])[1],
    "dict": lambda x: copy.deepcopy({"a": (x,)})["a"][0],
    "asdict": lambda x: dataclasses.asdict(Pair(x, [x]))["second"][0],
    "replace": lambda x: dataclasses.replace(Pair(1.0, x), first=2.0).second,
    "a pickled list": lambda x: through_pickle([x, [x]])[1][0],
    "an array": lambda x: copy.deepcopy(np.array([x, 1.0], dtype=object))[0],
    "model": lambda x: copy.deepcopy(Net(x)).w,
    "pickled model": lambda x: through_pickle(Net(x)).w,
    "of a copy": lambda x: copy.deepcopy(copy.deepcopy(x)),
}


@pytest.mark.parametrize("name", COPIES)
@pytest.mark.parametrize("made", [lambda x: x, lambda x: x * 1.0, lambda x: cr.exp(cr.log(x))], ids=range(3))
def test_a_copy_in_a_derivative_is_the_value_itself(name, made):
    duplicate = COPIES[name]
    found = grad(lambda x: duplicate(made(x)) ** 2)(3.0)
    assert type(found) is float and found == pytest.approx(6.0, rel=1e-12)
    assert value_and_grad(lambda x: (duplicate(made(x)), x**2)[1])(3.0) == (9.0, 6.0)  # it takes no part
    assert hessian(lambda x: duplicate(made(x)) ** 3)(3.0) == pytest.approx(18.0, rel=1e-12)
    assert grad(lambda x: duplicate(made(x)) ** 2)(Value(3.0)).data == pytest.approx(6.0, rel=1e-12)


def test_what_does_not_depend_on_a_variable_is_copied_as_ever():
    w = Value(2.0, label="w")
    w.note = "kept"

    def f(x):
        twin, node = copy.deepcopy(w), copy.deepcopy(w * 3.0)
        assert twin is not w and twin.note == "kept" and node.arguments[0] is not w
        assert through_pickle(w) is not w
        return x * twin

    assert grad(f)(3.0) == 2.0


def test_what_was_pickled_in_a_derivative_is_a_copy_later():
    kept = []
    grad(lambda x: (kept.append(pickle.dumps([x, x * 2.0])), x)[1])(3.0)
    x, node = pickle.loads(kept[0])
    assert (x.data, node.data) == (3.0, 6.0) and node.operation is cr.multiply
    node.backward()
    assert not hasattr(x, "_reads") and "_variable" not in vars(x)
    assert grad(lambda x: (pickle.loads(kept[0]), x * x)[1])(3.0) == 6.0


# --- == with a number


@pytest.mark.parametrize(
    "two",
    [2, 2.0, np.float64(2), np.float32(2), np.int64(2), np.array(2.0), Fraction(2), __import__("decimal").Decimal(2)],
    ids=lambda number: type(number).__name__,
)
def test_a_value_equals_its_number(two):
    a = Value(2.0)
    assert a == two and two == a and (a != two, two != a) == (False, False)
    assert a + 1.0 != two and two != a + 1.0
    assert a <= two and a >= two


def test_values_equal_themselves_alone():
    a, b = Value(2.0), Value(2.0)
    assert a == a and a != b and hash(a) != hash(b) and len({a, b}) == 2 and a in [b, a] and a not in [b]
    assert [b, a].index(a) == 1 and {a: 1, b: 2}[b] == 2
    assert a in [2.0] and 2.0 in [a] and Value(1.0) == True and a != "2" and a != None  # noqa: E711, E712
    assert Value(math.nan) != math.nan and Value(0.0) == -0.0


def test_arrays_of_values_compare_with_numbers():
    array = np.array([Value(2.0), Value(3.0)])
    assert (array == 2.0).tolist() == [True, False] and (array != 2.0).tolist() == [False, True]
    assert (np.array([2.0, 3.0]) == Value(2.0)).tolist() == [True, False]
    assert (Value(2.0) == np.array([2.0, 3.0])).tolist() == [True, False]


def test_a_removable_singularity_as_people_write_it():
    def sinc(x):
        return 1.0 + 0.0 * x if x == 0 else cr.sin(x) / x

    assert sinc(Value(0.0)).data == 1.0 and grad(sinc)(0.0) == 0.0
    assert grad(sinc)(1.0) == pytest.approx(math.cos(1.0) - math.sin(1.0), rel=1e-12)
    with pytest.raises(cr.TraceError, match="was read"):
        cr.compile(sinc)(np.array([0.0, 1.0]))
