"""THE TABLE: one row per operation. Derivatives, symbols and spellings stand here and nowhere else.

A rule (in `partials`) gets the output and the arguments and is written with the library's own operations, so it runs
on floats (backward), on Values (higher derivatives), on names (explanations) and on tracers (the compiler). Its
parameters name the arguments in the row's help; `flatten` names those of a row that takes lists.

A new operation is a row here, the command `python tools/table.py`, which writes the lists of names and the stub
methods.pyi, and a line in MEANING in tests/engine/mathematics.py. Tests say which of these is missing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import mul
from typing import Any

from .op import ANYWHERE, OPS, Op, no_such_index

SQRT_2, SQRT_PI = math.sqrt(2.0), math.sqrt(math.pi)
EDGE = 1e-3  # tests that take finite differences stay this far from a kink
POSITIVE = ((0.1, 10.0),)

# --- arithmetic

add: Op = Op(
    name="add",
    symbol="{} + {}",
    operator=True,
    badge="+",
    micrograd="+",
    what="The sum of a and b.",
    forward=lambda a, b: a + b,
    partials=(lambda out, a, b: 1.0, lambda out, a, b: 1.0),
    numpy="{} + {}",
    why="a sum passes the gradient on unchanged",
    neutral=(0.0, 0.0),
)
subtract: Op = Op(
    name="subtract",
    symbol="{} − {}",
    operator=True,
    badge="−",
    micrograd="-",
    what="The difference a - b.",
    forward=lambda a, b: a - b,
    partials=(lambda out, a, b: 1.0, lambda out, a, b: -1.0),
    numpy="{} - {}",
    why="a difference passes the gradient on unchanged, with a minus sign for what is subtracted",
    neutral=(None, 0.0),
)
multiply: Op = Op(
    name="multiply",
    symbol="{} × {}",
    operator=True,
    badge="×",
    micrograd="*",
    what="The product of a and b.",
    forward=lambda a, b: a * b,
    partials=(lambda out, a, b: b, lambda out, a, b: a),
    numpy="{} * {}",
    why="for a product the local derivative is the other factor",
    neutral=(1.0, 1.0),
)
divide: Op = Op(
    name="divide",
    symbol="{} ÷ {}",
    operator=True,
    badge="÷",
    micrograd="/",
    what="The quotient a / b, for b ≠ 0.",
    forward=lambda a, b: a / b,
    partials=(lambda out, a, b: 1.0 / b, lambda out, a, b: -out / b),
    numpy="{} / {}",
    why="the slope to the top is one over the bottom, the slope to the bottom minus the quotient over the bottom",
    domain=lambda a, b: b != 0.0,
    everyday=(ANYWHERE, (0.1, 10.0)),
    neutral=(None, 1.0),
)


def _power_slope(out: Any, a: Any, b: Any) -> Any:
    if isinstance(b, float) and b == 0.0:
        return 0.0  # a constant exponent 0 makes a constant, at base 0 too
    base = a if isinstance(b, float) else where(b, a, where(a, a, 1.0))  # 0.0 * power(0.0, -1.0) has no value
    slope = b * power(base, b - 1.0)
    if isinstance(slope, float) and math.isinf(slope) and a != 0.0:
        return out * (b / a)  # the same number; above, the power overflows before a small b makes it finite again
    return slope


power: Op = Op(
    name="power",
    eps=750.0,  # b - 1 is rounded, which counts |log a| times
    symbol="{}^{}",
    operator=True,
    badge="xʸ",
    micrograd="**{1}",
    what="a to the power of b, for a > 0; for a = 0 where b ≥ 0, and for a < 0 where b is a whole number.",
    forward=math.pow,  # `**` would turn (-8.0) ** (1 / 3) into a complex number
    # At base 0 the logarithm is taken of 1, so that the local derivative is the limit of 0 · log 0, which is 0.
    partials=(
        lambda out, a, b: _power_slope(out, a, b),
        lambda out, a, b: out * log((a or 1.0) if isinstance(a, float) else where(a, a, 1.0)),
    ),
    why="the exponent comes down in front and is lowered by one",
    domain=lambda a, b: a > 0.0 or (a == 0.0 and b >= 0.0) or (a < 0.0 and b == math.floor(b)),
    smooth=lambda a, b: a > 0.0,
    everyday=((0.1, 5.0), (-3.0, 3.0)),
    neutral=(None, 1.0),
)
neg: Op = Op(
    name="neg",
    symbol="−{}",
    operator=True,
    badge="−",
    what="The number a with its sign changed.",
    forward=lambda a: -a,
    partials=(lambda out, a: -1.0,),
    numpy="-{}",
    why="a minus sign changes the sign of the gradient",
)
identity: Op = Op(
    name="identity",
    symbol="{}",
    badge="=",
    what="A copy: another node that holds the same number.",
    forward=lambda a: a,
    partials=(lambda out, a: 1.0,),
    numpy="+{}",
    why="a copy passes the gradient on unchanged",
)

# --- exponentials, logarithms, roots

exp: Op = Op(
    name="exp",
    what="The exponential of a: e to the power of a.",
    forward=math.exp,
    partials=(lambda out, a: out,),
    why="the exponential is its own derivative",
)
expm1: Op = Op(
    name="expm1",
    what="exp(a) - 1, exact where a is close to 0.",
    forward=math.expm1,
    partials=(lambda out, a: exp(a),),
    why="the same as for the exponential: subtracting 1 changes no slope",
)
log: Op = Op(
    name="log",
    what="The natural logarithm of a, for a > 0.",
    forward=math.log,
    partials=(lambda out, a: 1.0 / a,),
    why="the slope of the logarithm is one over its argument",
    domain=lambda a: a > 0.0,
    everyday=POSITIVE,
)
log1p: Op = Op(
    name="log1p",
    what="The natural logarithm of 1 + a, for a > -1, exact where a is close to 0.",
    forward=math.log1p,
    partials=(lambda out, a: 1.0 / (1.0 + a),),
    why="the slope of the logarithm is one over its argument, which is 1 + a",
    domain=lambda a: a > -1.0,
    everyday=((-0.9, 10.0),),
)
sqrt: Op = Op(
    name="sqrt",
    symbol="√{}",
    badge="√",
    what="The square root of a, for a ≥ 0.",
    forward=math.sqrt,
    partials=(lambda out, a: 0.5 / out,),
    why="the slope of a square root is one over twice the root",
    domain=lambda a: a >= 0.0,
    smooth=lambda a: a > 0.0,
    everyday=POSITIVE,
)

# --- circular and hyperbolic functions

sin: Op = Op(
    name="sin",
    what="The sine of a, an angle in radians.",
    forward=math.sin,
    partials=(lambda out, a: cos(a),),
    why="the slope of the sine is the cosine",
)
cos: Op = Op(
    name="cos",
    what="The cosine of a, an angle in radians.",
    forward=math.cos,
    partials=(lambda out, a: -sin(a),),
    why="the slope of the cosine is minus the sine",
)
tan: Op = Op(
    name="tan",
    what="The tangent of a, an angle in radians.",
    forward=math.tan,
    partials=(lambda out, a: 1.0 + out * out,),
    why="the slope of the tangent is one plus its square",
    everyday=((-1.0, 1.0),),
)
asin: Op = Op(
    name="asin",
    what="The angle from -π/2 to π/2 whose sine is a, for -1 ≤ a ≤ 1.",
    forward=math.asin,
    partials=(lambda out, a: 1.0 / sqrt((1.0 - a) * (1.0 + a)),),
    numpy="np.arcsin({})",
    why="the curve gets steeper towards the ends, -1 and 1",
    domain=lambda a: -1.0 <= a <= 1.0,
    smooth=lambda a: -1.0 < a < 1.0,
    everyday=((-0.9, 0.9),),
)
acos: Op = Op(
    name="acos",
    what="The angle from 0 to π whose cosine is a, for -1 ≤ a ≤ 1.",
    forward=math.acos,
    partials=(lambda out, a: -1.0 / sqrt((1.0 - a) * (1.0 + a)),),
    numpy="np.arccos({})",
    why="the curve falls, and more steeply towards the ends, -1 and 1",
    domain=lambda a: -1.0 <= a <= 1.0,
    smooth=lambda a: -1.0 < a < 1.0,
    everyday=((-0.9, 0.9),),
)
atan: Op = Op(
    name="atan",
    what="The angle between -π/2 and π/2 whose tangent is a.",
    forward=math.atan,
    partials=(lambda out, a: 1.0 / (1.0 + a * a),),
    numpy="np.arctan({})",
    why="the slope flattens with the square of the argument",
)
atan2: Op = Op(
    name="atan2",
    what="The angle of the point (x, y), from -π to π: y comes first.",
    forward=math.atan2,
    partials=(
        lambda out, y, x: x / hypot(y, x) / hypot(y, x),
        lambda out, y, x: -y / hypot(y, x) / hypot(y, x),
    ),
    numpy="np.arctan2({}, {})",
    why="an angle turns the slower the farther away the point is",
    smooth=lambda y, x: math.hypot(y, x) > 0.0 and (y != 0.0 or x > 0.0),
    everyday=((0.1, 5.0), (-5.0, 5.0)),
)
sinh: Op = Op(
    name="sinh",
    what="The hyperbolic sine of a: (exp(a) - exp(-a)) / 2.",
    forward=math.sinh,
    partials=(lambda out, a: cosh(a),),
    why="the slope of sinh is cosh",
)
cosh: Op = Op(
    name="cosh",
    what="The hyperbolic cosine of a: (exp(a) + exp(-a)) / 2.",
    forward=math.cosh,
    partials=(lambda out, a: sinh(a),),
    why="the slope of cosh is sinh",
)
asinh: Op = Op(
    name="asinh",
    what="The number whose hyperbolic sine is a.",
    forward=math.asinh,
    partials=(lambda out, a: 1.0 / hypot(1.0, a),),
    numpy="np.arcsinh({})",
    why="the slope is 1 at 0 and approaches one over |a| far away, like the logarithm's",
)
acosh: Op = Op(
    name="acosh",
    what="The number from 0 on whose hyperbolic cosine is a, for a ≥ 1.",
    forward=math.acosh,
    partials=(lambda out, a: 1.0 / (sqrt(a - 1.0) * sqrt(a + 1.0)),),
    numpy="np.arccosh({})",
    why="the curve starts vertically at 1, and its slope approaches one over a, like the logarithm's",
    domain=lambda a: a >= 1.0,
    smooth=lambda a: a > 1.0,
    everyday=((1.1, 10.0),),
)
atanh: Op = Op(
    name="atanh",
    what="The number whose hyperbolic tangent is a, for -1 < a < 1.",
    forward=math.atanh,
    partials=(lambda out, a: 1.0 / ((1.0 - a) * (1.0 + a)),),
    numpy="np.arctanh({})",
    why="the curve gets steeper towards the poles, -1 and 1",
    domain=lambda a: -1.0 < a < 1.0,
    everyday=((-0.9, 0.9),),
)
hypot: Op = Op(
    name="hypot",
    what="The length of the vector (a, b): the square root of a² + b², without overflow on the way.",
    forward=math.hypot,
    partials=(lambda out, a, b: a / out, lambda out, a, b: b / out),
    why="each side counts with its share of the length",
    smooth=lambda a, b: math.hypot(a, b) > 0.0,
    everyday=((0.1, 5.0), ANYWHERE),
)
erf: Op = Op(
    name="erf",
    what="The error function of a: 2 / √π times the integral of exp(-t²) from 0 to a.",
    forward=math.erf,
    partials=(lambda out, a: 2.0 / SQRT_PI * exp(-a * a),),
    numpy="np.vectorize(math.erf, otypes=[float])({})",
    why="the slope of erf is a bell curve",
    everyday=((-2.0, 2.0),),
)

# --- squashing functions and kinks

tanh: Op = Op(
    name="tanh",
    what="The hyperbolic tangent of a, which rises from -1 to 1.",
    forward=math.tanh,
    partials=(lambda out, a: 1.0 - out * out,),
    why="the slope of tanh is one minus its square: flat where tanh is near ±1",
    everyday=((-2.0, 2.0),),
)
sigmoid: Op = Op(
    name="sigmoid",
    badge="σ",
    what="The logistic function of a, 1 / (1 + exp(-a)), which rises from 0 to 1.",
    forward=lambda a: 1.0 / (1.0 + math.exp(-a)) if a > -709.0 else math.exp(a),  # below, e^-a overflows
    partials=(lambda out, a: out * sigmoid(-a),),
    numpy="np.exp(-np.logaddexp(0.0, -{}))",
    why="the slope of the sigmoid is its value times one minus its value",
)
relu: Op = Op(
    name="relu",
    micrograd="ReLU",
    what="The rectified linear unit: a where a is positive, 0 elsewhere.",
    forward=lambda a: a if a > 0.0 or a != a else 0.0,
    partials=(lambda out, a: step(a),),  # 0 at the kink
    numpy="np.maximum({}, 0.0)",
    why="relu lets the gradient through where its argument is positive, and blocks it elsewhere",
    smooth=lambda a: abs(a) > EDGE,
)
step: Op = Op(
    name="step",
    what="The unit step: 1 where a is positive, 0 elsewhere; `steps` is the page that shows backward() step by step.",
    forward=lambda a: 1.0 if a > 0.0 else 0.0 if a == a else a,
    partials=(lambda out, a: 0.0,),
    numpy="np.sign(np.maximum({}, 0.0))",
    why="a step is flat on both sides",
    smooth=lambda a: abs(a) > EDGE,
)
absolute: Op = Op(
    name="absolute",
    symbol="|{}|",
    badge="|x|",
    what="The absolute value of a.",
    forward=abs,
    partials=(lambda out, a: step(a) - step(-a),),  # 0 at the kink
    why="the slope of |x| is the sign of x",
    smooth=lambda a: abs(a) > EDGE,
)
softplus: Op = Op(
    name="softplus",
    what="log(1 + exp(a)), a relu without a kink, for a of any size.",
    forward=lambda a: max(a, 0.0) + math.log1p(math.exp(-abs(a))),
    partials=(lambda out, a: sigmoid(a),),
    numpy="np.logaddexp({}, 0.0)",
    why="the slope of softplus is the sigmoid",
)
leaky_relu: Op = Op(
    name="leaky_relu",
    badge="leaky",
    what="The leaky rectified linear unit: a where a is positive, a / 100 elsewhere.",
    forward=lambda a: a if a > 0.0 else 0.01 * a,
    partials=(lambda out, a: 0.01 + 0.99 * step(a),),
    numpy="np.where({0} > 0.0, {0}, 0.01 * {0})",
    why="the slope is 1 where the argument is positive, a hundredth elsewhere",
    smooth=lambda a: abs(a) > EDGE,
)
elu: Op = Op(
    name="elu",
    what="The exponential linear unit: a where a is positive, exp(a) - 1 elsewhere.",
    forward=lambda a: a if a > 0.0 else math.expm1(a),
    partials=(lambda out, a: exp(minimum(a, 0.0)),),
    numpy="np.where({0} > 0.0, {0}, np.expm1(np.minimum({0}, 0.0)))",
    why="the slope is 1 above 0 and the exponential below",
    smooth=lambda a: abs(a) > EDGE,
)
silu: Op = Op(
    name="silu",
    what="The sigmoid linear unit, also called swish: a times sigmoid(a).",
    forward=lambda a: a / (1.0 + math.exp(-a)) if a > -709.0 else math.exp(a / 2.0) * a * math.exp(a / 2.0),
    partials=(lambda out, a: sigmoid(a) * (1.0 + a * sigmoid(-a)),),
    numpy="{0} * np.exp(-np.logaddexp(0.0, -{0}))",
    why="the gate sigmoid(a), and how much opening it further adds",
    everyday=((-1.0, 5.0),),
)
gelu: Op = Op(
    name="gelu",
    ulp=1500.0,  # the rounding of a / √2 counts a² times, and it underflows at -38
    what="The Gaussian error linear unit: a times the probability that a standard normal number is below a.",
    forward=lambda a: 0.5 * a * math.erfc(-a / SQRT_2),
    partials=(lambda out, a: 0.5 * (1.0 + erf(a / SQRT_2)) + a * exp(-0.5 * a * a) / (SQRT_2 * SQRT_PI),),
    numpy="0.5 * {0} * np.vectorize(math.erfc, otypes=[float])(-{0} / math.sqrt(2.0))",
    why="the gate (a normal distribution), and how much opening it further adds",
    everyday=((-0.5, 2.0),),
)


def _ahead(a: Any, b: Any) -> Any:
    """1 where a is larger, 0 where b is larger, one half at a tie."""
    return 0.5 * (1.0 + step(a - b) - step(b - a))


minimum: Op = Op(
    name="minimum",
    symbol="min({}, {})",
    badge="min",
    what="The smaller one of a and b.",
    forward=lambda a, b: a if a <= b or a != a else b,
    partials=(lambda out, a, b: _ahead(b, a), lambda out, a, b: _ahead(a, b)),
    why="only the smaller one gets the gradient; at a tie, half each",
    smooth=lambda a, b: abs(a - b) > EDGE,
)
maximum: Op = Op(
    name="maximum",
    symbol="max({}, {})",
    badge="max",
    what="The larger one of a and b.",
    forward=lambda a, b: a if a >= b or a != a else b,
    partials=(lambda out, a, b: _ahead(a, b), lambda out, a, b: _ahead(b, a)),
    why="only the larger one gets the gradient; at a tie, half each",
    smooth=lambda a, b: abs(a - b) > EDGE,
)
where: Op = Op(
    name="where",
    what="a where the condition is not 0, b elsewhere.",
    forward=lambda condition, a, b: a if condition else b,
    partials=(
        lambda out, condition, a, b: 0.0,
        lambda out, condition, a, b: where(condition, 1.0, 0.0),
        lambda out, condition, a, b: where(condition, 0.0, 1.0),
    ),
    why="only what is chosen gets the gradient",
    smooth=lambda condition, a, b: abs(condition) > EDGE,
    everyday=(ANYWHERE, ANYWHERE, ANYWHERE),
)

# --- rows that take any number of arguments


def _logsumexp(*values: float) -> float:
    largest = max(values)
    if not math.isfinite(largest):
        return sum(values) if math.isnan(sum(values)) else largest
    return largest + math.log(sum(math.exp(value - largest) for value in values))


def _pick(*values: float) -> float:
    *choices, index = values
    if index not in range(len(choices)):
        raise no_such_index(index, len(choices))
    return choices[int(index)]


def _indicators(index: Any, count: int) -> list[Any]:
    """1.0 at the index, 0.0 elsewhere."""
    if index.__class__ is float:
        return [float(i == index) for i in range(count)]  # the same as the next line, which applies 3·count operations
    return [1.0 - step(absolute(index - i)) for i in range(count)]


def _some(values: Sequence[Any]) -> tuple[Any, ...]:
    values = tuple(values)
    if not values:
        raise ValueError("logsumexp needs at least one value, got none")
    return values


def _softmax(out: Any, *values: Any) -> list[Any]:
    weights = [exp(value - out) for value in values]
    whole = total(weights)  # 1, except for the rounding of `out`, which at 1e20 is large
    return [weight / whole for weight in weights]


def _exact_sum(terms: Sequence[float]) -> float:
    """The sum, rounded once at the end; where terms are infinite or a sum overflows, what IEEE 754 says."""
    try:
        return math.fsum(terms)
    except (OverflowError, ValueError):
        return sum(terms)


def _pairs(left: Sequence[Any], right: Sequence[Any]) -> tuple[Any, ...]:
    left, right = tuple(left), tuple(right)
    if len(left) != len(right):
        raise ValueError(f"dot got {len(left)} and {len(right)} values; both sides need the same number of them")
    return left + right


logsumexp: Op = Op(
    name="logsumexp",
    badge="lse",
    what="The logarithm of the sum of exp(value) over a list or an array of values, without overflow.",
    flatten=_some,
    forward=_logsumexp,
    partials=_softmax,
    numpy="np.logaddexp.reduce(np.broadcast_arrays(*{}))",
    why="the slope to each argument is its softmax probability",
)
pick: Op = Op(
    name="pick",
    what="The value at that index of a list or an array of values; the index is a whole number, counted from 0.",
    flatten=lambda values, index: (*values, index),
    forward=_pick,
    partials=lambda out, *values: [*_indicators(values[-1], len(values) - 1), 0.0],
    numpy="picked({0}[:-1], {0}[-1])",
    why="only what is picked gets the gradient",
)
total: Op = Op(
    name="total",
    symbol="sum({})",
    badge="Σ",
    what="The sum of a list or an array of values, rounded once.",
    flatten=tuple,
    forward=lambda *values: _exact_sum(values),
    partials=lambda out, *values: [1.0] * len(values),
    numpy="sum({})",
    why="a sum passes the gradient on unchanged",
)
dot: Op = Op(
    name="dot",
    badge="·",
    what="The sum of the products left[i] × right[i] of two lists or arrays of the same length.",
    flatten=_pairs,
    forward=lambda *values: _exact_sum([*map(mul, values[: len(values) // 2], values[len(values) // 2 :])]),
    partials=lambda out, *values: [*values[len(values) // 2 :], *values[: len(values) // 2]],
    numpy="sum(a * b for a, b in zip({0}[: len({0}) // 2], {0}[len({0}) // 2 :]))",
    why="in each product the local derivative is the other factor",
)

OPS.update({row.name: row for row in list(globals().values()) if isinstance(row, Op)})
