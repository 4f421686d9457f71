"""The functions of the prelude in C against mpmath: each is as exact as the comment beside it says."""

import ctypes
import math
import re

import mpmath
import numpy as np
import pytest

from chainrule.engine.compiler.emit.c_words import POWERS, prelude, whole
from chainrule.engine.compiler.run import compilers
from chainrule.engine.compiler.run.native import HEAD

try:
    compilers.compiler()
except compilers.NoCompiler as problem:
    pytest.skip(f"these tests compile C: {problem}", allow_module_level=True)

TINY = math.ulp(0.0)
ONE = {  # the exact function, and everyday and extreme arguments
    "cr_exp": (mpmath.exp, [(-745.0, 709.7), (-1.0, 1.0), (-1e-9, 1e-9), (-708.0, -700.0), (0.3, 0.4)]),
    "cr_expm1": (
        mpmath.expm1,
        [(-50.0, 709.7), (-1.0, 1.0), (-1e-9, 1e-9), (0.34, 0.36), (-0.36, -0.34), (39.0, 41.0)],
    ),
    "cr_tanh": (mpmath.tanh, [(-30.0, 30.0), (-1.0, 1.0), (-1e-9, 1e-9), (0.17, 0.18), (18.0, 20.0)]),
    "cr_log": (mpmath.log, [(1e-300, 1e300), (0.5, 2.0), (1.0 - 1e-9, 1.0 + 1e-9), (TINY, 1e-307), (0.70, 0.71)]),
    "cr_log1p": (mpmath.log1p, [(-0.999, 1e3), (-1e-3, 1e-3), (-1e-15, 1e-15), (0.0, 1.0), (-0.3, -0.29)]),
}
EDGES = [
    0.0,
    -0.0,
    np.inf,
    -np.inf,
    np.nan,
    710.0,
    -746.0,
    1e308,
    -1e308,
    TINY,
    -TINY,
    1.0,
    -1.0,
    20.0,
    -20.0,
    2.2e-308,
]
NUMPY = {"cr_exp": np.exp, "cr_expm1": np.expm1, "cr_tanh": np.tanh, "cr_log": np.log, "cr_log1p": np.log1p}


@pytest.fixture(scope="module")
def called(tmp_path_factory):
    """A function that applies one of the prelude to arrays, in the way compiled programs do: in a loop of vectors."""
    names = [*ONE, "cr_logaddexp", "cr_mod", "cr_floor_divide", "cr_maximum", "cr_minimum"]
    powers = {f"power_{i}": text.format("a[i]") for i, text in enumerate(POWERS.values())}
    calls = {name: f"{name}(a[i]{', b[i]' * (name not in ONE)})" for name in names} | powers
    loops = "\n".join(
        f"CR_EXPORT void all_{name}(long n, const double *a, const double *b, double *out) {{ (void)b; "
        f"CR_LOOP for (long i = 0; i < n; i++) out[i] = {text}; }}" for name, text in calls.items()
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHAINRULE_CACHE", str(tmp_path_factory.mktemp("libraries")))
        library = compilers.library("\n".join([HEAD, prelude(loops), loops]))

    def call(name, a, b=0.0):
        a, b = (np.ascontiguousarray(x, float) for x in np.broadcast_arrays(a, b))
        out = np.empty(a.shape)
        pointers = [ctypes.c_void_p(x.ctypes.data) for x in (a, b, out)]
        getattr(library, f"all_{name}")(ctypes.c_long(a.size), *pointers)
        return out

    return call


def stated(name):
    """How many ulp the comment above a function allows."""
    found = re.search(
        rf"/\* (?:(?!\*/).)*?within (\d) ulp(?:(?!\*/).)*\*/\nstatic inline double {name}\(",
        whole("prelude.c"),
        re.I | re.S,
    )
    return int(found[1])


def spread(low, high, count=400):
    chance = np.random.default_rng(0)
    points = chance.uniform(low, high, count)
    if low > 0.0 and high / low > 1e6:
        points = np.exp(chance.uniform(np.log(low), np.log(high), count))
    return np.concatenate([points, [low, high]])


@pytest.mark.parametrize("name", ONE)
def test_errors_are_those_that_the_comments_state(name, called):
    exact, intervals = ONE[name]
    points = np.concatenate([spread(*interval) for interval in intervals])
    got, worst = called(name, points), 0.0
    with mpmath.workdps(40):
        for x, y in zip(points.tolist(), got.tolist()):
            wanted = exact(mpmath.mpf(x))
            worst = max(worst, float(abs(mpmath.mpf(y) - wanted) / mpmath.mpf(math.ulp(float(wanted)))))
    assert worst <= stated(name), worst


@pytest.mark.parametrize("name", ONE)
def test_edges_are_what_numpy_says(name, called):
    with np.errstate(all="ignore"):
        wanted = NUMPY[name](np.array(EDGES))
    got = called(name, EDGES)
    assert np.array_equal(np.isnan(got), np.isnan(wanted)) and np.array_equal(np.isinf(got), np.isinf(wanted))
    assert np.allclose(got, wanted, rtol=1e-15, atol=0.0, equal_nan=True)
    assert (np.signbit(got) == np.signbit(wanted))[~np.isnan(wanted)].all()


def test_logaddexp_is_exact_to_the_larger_number(called):
    chance = np.random.default_rng(0)
    a, b = chance.uniform(-40.0, 40.0, 500), chance.uniform(-40.0, 40.0, 500)
    b[:50] = a[:50] + chance.uniform(-1e-9, 1e-9, 50)
    got = called("cr_logaddexp", a, b)
    with mpmath.workdps(40):
        for x, y, found in zip(a.tolist(), b.tolist(), got.tolist()):
            wanted = mpmath.log(mpmath.exp(mpmath.mpf(x)) + mpmath.exp(mpmath.mpf(y)))
            unit = math.ulp(max(abs(x), abs(y), math.log(2.0)))
            assert abs(mpmath.mpf(found) - wanted) <= stated("cr_logaddexp") * unit
    pairs = np.array([(x, y) for x in EDGES for y in EDGES]).T
    with np.errstate(all="ignore"):
        wanted = np.logaddexp(*pairs)
    assert np.allclose(called("cr_logaddexp", *pairs), wanted, rtol=1e-15, atol=0.0, equal_nan=True)


@pytest.mark.parametrize(("name", "function"), [("cr_mod", np.mod), ("cr_floor_divide", np.floor_divide),
                                                ("cr_maximum", np.maximum), ("cr_minimum", np.minimum)])  # fmt: skip
def test_what_has_two_arguments_is_what_numpy_says(name, function, called):
    numbers = [*EDGES, 0.1, 0.3, -0.3, 7.5, -7.5, 1e17, 5e-324]
    pairs = np.array([(x, y) for x in numbers for y in numbers]).T
    with np.errstate(all="ignore"):
        wanted = function(*pairs)
    assert np.array_equal(called(name, *pairs), wanted, equal_nan=True)


@pytest.mark.parametrize("place", range(len(POWERS)))
def test_powers_that_are_written_out_are_those_of_the_c_library(place, called):
    exponent = list(POWERS)[place]
    numbers = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.3, 2.5, -2.5, 1e-100, 1e100, 3e-7]
    numbers += [1e160, -1e160, 1e206, 1e-160, 1e-310, 5e-324]  # where a square or a root of it is no normal number
    with np.errstate(all="ignore"):
        wanted = np.power(numbers, np.full(len(numbers), exponent))
    wanted[numbers.index(-np.inf)] = math.pow(-np.inf, exponent)  # NumPy takes the square root, and gets nan
    assert np.allclose(called(f"power_{place}", numbers), wanted, rtol=1e-15, atol=0.0, equal_nan=True)
