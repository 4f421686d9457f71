"""The meaning of each row of the table, stated a second time with mpmath, and points at which to try the rows."""

import functools
import itertools
import math
from random import Random

import mpmath
import pytest
from hypothesis import strategies as st
from mpmath import mp, mpf

from chainrule.engine import Value

EPS = 2.0**-52
LARGEST = mpf(2) ** 1024 - mpf(2) ** 970  # from here on a number rounds to inf


@functools.lru_cache(maxsize=64)
def exponential(value, precision):
    """exp(value), remembered, since differences move one argument at a time and leave the others.

    `precision` is mp.prec; it makes the result at another precision another entry of the cache.
    """
    return mp.exp(value)


def stirling(a):
    """log(Γ(a)) for an a so large that Stirling's series is at its end here."""
    return (a - 0.5) * mp.log(a) - a + mp.log(2 * mp.pi) / 2


def trigamma(a):
    """mpmath takes a step for each unit below 0, and forever at large numbers."""
    if a < 0:
        return (mp.pi / mp.sin(mp.pi * a)) ** 2 - trigamma(1 - a)
    if a > 1e6:
        return 1 / a + 1 / (2 * a**2) + 1 / (6 * a**3) - 1 / (30 * a**5)
    return mp.psi(1, a) if a > 1e-20 else 1 / a**2


class Meanings(dict):
    """What each row is in mpmath, by its name."""

    def __missing__(self, name):
        line = f'"{name}": mp.{name},' if hasattr(mp, name) else f'"{name}": lambda a: ... in terms of mpmath,'
        pytest.fail(f"add a line to MEANING in tests/engine/mathematics.py: what {name} is in mpmath, as in  {line}")


# Functions with a kink are stated at the kink, too. A new row needs one line here and no other line in the tests.
MEANING = Meanings({
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "power": lambda a, b: mpf(1) if b == 0 else mp.power(a, b),
    "mod": lambda a, b: a - b * mp.floor(a / b),
    "floor_divide": lambda a, b: mp.floor(a / b),
    "neg": lambda a: -a,
    "identity": lambda a: a,
    "absolute": abs,
    "minimum": lambda a, b: min(a, b),
    "maximum": lambda a, b: max(a, b),
    "exp": mp.exp,
    "expm1": mp.expm1,
    "log": mp.log,
    "exp2": lambda a: mp.power(2, a),
    "log1p": mp.log1p,
    "log2": lambda a: mp.log(a, 2),
    "log10": mp.log10,
    "logaddexp": lambda a, b: max(a, b) + mp.log1p(mp.exp(-abs(a - b))),
    "cbrt": lambda a: mp.sign(a) * mp.cbrt(abs(a)),
    "deg2rad": mp.radians,
    "rad2deg": mp.degrees,
    "sqrt": mp.sqrt,
    "sin": mp.sin,
    "cos": mp.cos,
    "tan": mp.tan,
    "asin": mp.asin,
    "acos": mp.acos,
    "atan": mp.atan,
    "atan2": mp.atan2,
    "sinh": mp.sinh,
    "cosh": mp.cosh,
    "tanh": mp.tanh,
    "asinh": lambda a: mp.sign(a) * mp.asinh(abs(a)),
    "acosh": mp.acosh,
    "atanh": mp.atanh,
    "hypot": mp.hypot,
    "cosine": lambda a, b: a / mp.hypot(a, b),
    "erf": mp.erf,
    "erfc": lambda a: mpf(0) if a > 1e4 else mpf(2) if a < -1e4 else mp.erfc(a),
    "lgamma": lambda a: stirling(a) if a > 1e20 else mp.re(mp.loggamma(a)) if abs(a) > 1e-20 else -mp.log(abs(a)),
    "digamma": lambda a: mp.log(a) - 1 / (2 * a) if a > 1e20 else mp.digamma(a) if abs(a) > 1e-20 else -1 / a,
    "trigamma": lambda a: trigamma(a),
    "sech": mp.sech,
    "sign": mp.sign,
    "floor": mp.floor,
    "ceil": mp.ceil,
    "trunc": lambda a: mp.sign(a) * mp.floor(abs(a)),
    "rint": mp.nint,
    "clip": lambda x, low, high: min(max(x, low), high),
    "sigmoid": lambda a: 1 / (1 + mp.exp(-a)),
    "softplus": lambda a: mp.log1p(mp.exp(a)),
    "relu": lambda a: a if a > 0 else mpf(0),
    "leaky_relu": lambda a, slope=0.01: a if a > 0 else slope * a,
    "elu": lambda a: a if a > 0 else mp.expm1(a),
    "silu": lambda a: a / (1 + mp.exp(-a)),
    "gelu": lambda a: mpf(0) if a < -1e4 else a if a > 1e4 else a * mp.erfc(-a / mp.sqrt(2)) / 2,
    "step": lambda a: mpf(1) if a > 0 else mpf(0),
    "where": lambda condition, a, b: a if condition else b,
    "total": lambda *values: mp.fsum(values),
    "dot": lambda *values: mp.fdot(values[: len(values) // 2], values[len(values) // 2 :]),
    "logsumexp": lambda *values: mp.log(mp.fsum(exponential(value, mp.prec) for value in values)),
    "pick": lambda *values: values[int(values[-1])],
})  # fmt: skip


def call(op, numbers, wrap=Value):
    """Call the row as users do, with the arguments of its node; `wrap` is applied to each of them but an index."""
    if op.name == "pick":
        return op([wrap(number) for number in numbers[:-1]], int(numbers[-1]))
    if op.name == "dot":
        half = len(numbers) // 2
        return op([wrap(number) for number in numbers[:half]], [wrap(number) for number in numbers[half:]])
    if op.variadic:
        return op([wrap(number) for number in numbers])
    return op(*map(wrap, numbers))


def differentiable(op, numbers):
    """The places of the arguments that have a derivative: all but an index."""
    return range(len(numbers) - (op.name == "pick"))


def interval(op, place):
    return op.intervals(place + 1)[place]


def holds(op, numbers):
    """Whether the row has a value at these arguments, and its rules hold there."""
    return bool(op.domain(*numbers) and op.smooth(*numbers))


def counts(op):
    """(fewest, most): how many arguments a node of the row has in these tests."""
    if not op.variadic:
        return op.arity, op.arity
    return (2, 5) if op.name in ("pick", "dot") else (1, 4)


def everyday_points(op):
    """A strategy that draws arguments from the row's everyday intervals, where its rules hold."""

    def of_length(length):
        if op.name == "dot":
            length += length % 2
        places = [st.floats(*interval(op, place)) for place in range(length)]
        if op.name == "pick":
            places[-1] = st.integers(0, length - 2).map(float)
        return st.tuples(*places).filter(lambda numbers: holds(op, numbers))

    return st.integers(*counts(op)).flatmap(of_length)


EXTREMES = [0.0, 5e-324, 1e-300, 1e-16, 1e-8, 0.5, 1.0 - EPS / 2, 1.0, 1.0 + EPS, 2.0, 20.0, 36.75, 709.7, 745.2, 1e8,
            1e16, 1e154, 1e300, 1.7976931348623157e308]  # fmt: skip
EXTREMES += [-x for x in EXTREMES[1:]]


def extreme_points(op, random, most):
    """Very large and very small arguments at which the row's rules hold: at most `most`, chosen at random."""
    length = min(counts(op)[1], 3 + (op.name == "dot"))
    most = most // 4 if op.variadic else most
    if op.name == "pick":
        points = [(*head, float(i % 3)) for i, head in enumerate(itertools.product(EXTREMES, repeat=3))]
    else:
        points = list(itertools.product(EXTREMES, repeat=length if length < 3 else 2))
        if length >= 3:
            points = [tuple(random.choice(EXTREMES) for _ in range(length)) for _ in range(most)]
    points = [point for point in points if holds(op, point)]
    return random.sample(points, most) if len(points) > most else points


def everyday_sample(op, how_many):
    """So many arguments from the row's everyday intervals, the same ones at each run."""
    random = Random(op.name)
    points = []
    while len(points) < how_many:
        points += [point for point in random_points(op, random, 10) if at_home(op, point)]
    return points[:how_many]


def at_home(op, numbers):
    return op.name == "pick" or all(
        low <= number <= high for number, (low, high) in zip(numbers, (interval(op, i) for i in range(len(numbers))))
    )


def random_points(op, random, how_many):
    """Arguments at which the row's rules hold: half from its everyday intervals, half of any magnitude."""
    points = []
    for attempt in range(50 * how_many):
        if len(points) == how_many:
            break
        length = random.randint(*counts(op))
        length += op.name == "dot" and length % 2
        if attempt % 2:
            numbers = [random.uniform(*interval(op, place)) for place in range(length)]
        else:
            numbers = [random.choice((-1, 1)) * 10 ** random.uniform(*random.choice([(-3, 3), (-300, 300)]))
                       for _ in range(length)]  # fmt: skip
        if op.name == "pick":
            numbers[-1] = float(random.randrange(length - 1))
        if holds(op, numbers):
            points.append(tuple(numbers))
    return points


def precision_for(numbers):
    """How many bits hold the largest argument exactly beside a step far below the smallest, and 60 for the result."""
    exponents = [abs(math.frexp(number)[1]) for number in numbers if number]
    return 120 + 2 * max(exponents, default=0)


def true_value(op, numbers):
    """The value, to far more digits than a float has."""
    with mpmath.workprec(precision_for(numbers)):
        return mpf(MEANING[op.name](*map(mpf, numbers)))


def true_derivative(op, numbers, place, order=1):
    """The derivative to one argument, from differences in many digits: no rule of the table is used."""
    # In a scalar product, a step in one factor is added to products of any size.
    with mpmath.workprec(precision_for(numbers) * (1 + (op.name == "dot"))):
        exact = [mpf(number) for number in numbers]

        def of_one(x):
            return MEANING[op.name](*exact[:place], x, *exact[place + 1 :])

        return mp.diff(of_one, exact[place], order, relative=numbers[place] != 0.0)


def as_float(exact):
    if abs(exact) >= LARGEST:
        return math.copysign(math.inf, exact)
    return float(exact)


# Sums, whose result may be far smaller than what was added. In digamma it is a logarithm beside quotients, in lgamma
# what the C library adds: Lanczos's constant and the two factors of Stirling's formula.
CANCELLING = {"total", "dot", "logsumexp", "logaddexp", "digamma", "lgamma"}


def terms(op, numbers):
    """The sum of the |terms| that are added up."""
    with mpmath.workprec(precision_for(numbers)):
        if op.name in ("digamma", "lgamma"):
            size = abs(mpf(numbers[0]))
            return mp.log(size + 10) if op.name == "digamma" else 6 + size * mp.log(size + 6)
        return mpf(MEANING["dot" if op.name == "dot" else "total"](*(abs(mpf(number)) for number in numbers)))


def ulps_apart(got, exact):
    """How many units in the last place the number is off the true one; 0 where both overflow."""
    nearest = as_float(exact)
    if math.isinf(nearest) or math.isinf(got):
        return 0.0 if got == nearest or abs(got) == 1.7976931348623157e308 else math.inf
    return float(abs(mpf(got) - exact) / math.ulp(nearest))
