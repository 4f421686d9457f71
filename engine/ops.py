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

import numpy as np

from .op import ANYWHERE, NOT_RUN, OPS, Case, Op, Rule, no_such_index

SQRT_2, SQRT_PI = math.sqrt(2.0), math.sqrt(math.pi)
LOG_2, LOG2_E, LOG10_E = math.log(2.0), 1.0 / math.log(2.0), 1.0 / math.log(10.0)
EDGE = 1e-3  # tests that take finite differences stay this far from a kink
POSITIVE = ((0.1, 10.0),)

# --- the branch that an operation takes, in words


def _side(a: float, at: str = "where there is a kink", below: tuple[Rule, ...] = ()) -> Case | None:
    """Which side of 0 the argument is on; `below`: the slopes there."""
    if a == 0.0:
        return Case("{0} is 0, " + at if at else "{0} is 0", slopes=below)
    if a > 0.0:
        return Case("{0} is positive", "{0} > 0")
    return Case("{0} is negative", "{0} < 0", below) if a < 0.0 else None


def _smaller(a: float, b: float) -> Case | None:
    if a == b:
        return Case("{0} and {1} are equal", "{0} = {1}")
    if a < b:
        return Case("{0} is smaller", "{0} < {1}")
    return Case("{1} is smaller", "{1} < {0}") if b < a else None


def _larger(a: float, b: float) -> Case | None:
    if a == b:
        return Case("{0} and {1} are equal", "{0} = {1}")
    if a > b:
        return Case("{0} is larger", "{0} > {1}")
    return Case("{1} is larger", "{1} > {0}") if b > a else None


def _clipped(x: float, low: float, high: float) -> Case | None:
    if not low < high:
        return None
    if x < low:
        return Case("{0} is below {1}", "{0} < {1}")
    if x > high:
        return Case("{0} is above {2}", "{0} > {2}")
    at = 1 if x == low else 2
    return Case("{0} is between {1} and {2}") if low < x < high else Case(f"{{0}} and {{{at}}} are equal")


def _chosen(condition: float, a: float, b: float) -> Case:
    if condition:
        return Case("{0} is not 0, so {1} is chosen", "{0} ≠ 0")
    return Case("{0} is 0, so {2} is chosen")


def _index_chooses(*values: float) -> Case:
    index = int(values[-1])
    return Case(f"the index is {index}, counted from 0, so {{{index}}} is picked")


def _at_the_base(a: float, b: float) -> Case | None:
    """Where the formula of a power's slope in its exponent has no value, because its logarithm has none."""
    if a == 0.0:
        return Case(("", "{0} is 0, and 0 × log(0) counts as its limit, which is 0"))
    return Case(("", "{0} is negative, so the power exists at whole exponents only"), "{0} < 0") if a < 0.0 else None


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
    why=(
        "the first number of a difference gets the gradient unchanged",
        "the second number of a difference is subtracted, so it gets the gradient with its sign changed",
    ),
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
    why="the local derivative of a product through one factor is the other factor",
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
    why=(
        "when the top changes, the quotient changes by that over the bottom",
        "when the bottom changes a little, the quotient changes by that times minus the top over the bottom squared",
    ),
    slopes=(lambda out, a, b: 1.0 / b, lambda out, a, b: -a / power(b, 2.0)),
    domain=lambda a, b: b != 0.0,
    everyday=(ANYWHERE, (0.1, 10.0)),
    neutral=(None, 1.0),
)


def _power(a: float, b: float) -> float:
    """a to the power of b; a square is a product, which is right to the last bit and quicker."""
    return a * a if b == 2.0 else math.pow(a, b)  # `**` would turn (-8.0) ** (1 / 3) into a complex number


def _power_slope(out: Any, a: Any, b: Any) -> Any:
    if isinstance(b, float) and b == 0.0:
        return 0.0  # a constant exponent 0 makes a constant, at base 0 too
    base = a if isinstance(b, float) else where(b, a, where(a, a, 1.0))  # 0.0 * power(0.0, -1.0) has no value
    slope = b * power(base, b - 1.0)
    if isinstance(slope, float) and math.isinf(slope) and 0.0 < abs(a) < math.inf:
        return out * (b / a)  # the same slope; above, the power overflows, although a small b makes it finite
    return slope


power: Op = Op(
    name="power",
    eps=750.0,  # b - 1 is rounded, which counts |log a| times
    symbol="{}^{}",
    operator=True,
    badge="xʸ",
    micrograd="**{1}",
    what="a to the power of b, for a > 0; for a = 0 where b ≥ 0, and for a < 0 where b is a whole number.",
    forward=_power,
    # At base 0 the logarithm is taken of 1, so that the local derivative is the limit of 0 · log 0, which is 0.
    partials=(
        lambda out, a, b: _power_slope(out, a, b),
        lambda out, a, b: out * log((a or 1.0) if isinstance(a, float) else where(a, a, 1.0)),
    ),
    why=(
        "the exponent comes down in front, and the new exponent is lower by one",
        "a power grows in proportion to itself, and to the logarithm of its base",
    ),
    slopes=(lambda out, a, b: b * power(a, b - 1.0), lambda out, a, b: power(a, b) * log(a)),
    case=_at_the_base,
    domain=lambda a, b: a > 0.0 or (a == 0.0 and b >= 0.0) or (a < 0.0 and b == math.floor(b)),
    smooth=lambda a, b: a > 0.0,
    everyday=((0.1, 5.0), (-3.0, 3.0)),
    neutral=(None, 1.0),
)
floor_divide: Op = Op(
    name="floor_divide",
    symbol="{} // {}",
    operator=True,
    badge="//",
    what="The largest whole number that is not above a / b, for b ≠ 0.",
    forward=lambda a, b: a // b,
    partials=(lambda out, a, b: 0.0, lambda out, a, b: 0.0),
    numpy="np.floor_divide({}, {})",
    chooses=True,
    why="it is made of flat steps, so the slope is 0",
    domain=lambda a, b: b != 0.0,
    smooth=lambda a, b: _between_steps(a, b),
    everyday=(ANYWHERE, (0.5, 3.0)),
)
mod: Op = Op(
    name="mod",
    symbol="{} % {}",
    operator=True,
    badge="%",
    what="What is left of a after whole steps of b, a - b * (a // b), for b ≠ 0; it has the sign of b.",
    forward=lambda a, b: a % b,
    partials=(lambda out, a, b: 1.0, lambda out, a, b: -floor_divide(a, b)),
    numpy="np.mod({}, {})",
    why="what is left moves with a; each of the whole steps counts once, with a minus sign",
    domain=lambda a, b: b != 0.0,
    smooth=lambda a, b: _between_steps(a, b),
    everyday=(ANYWHERE, (0.5, 3.0)),
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


def _between_steps(a: float, b: float) -> bool:
    """Whether a / b keeps away from the whole numbers, and is so small that they can be told apart."""
    return abs(a) < 1e9 * abs(b) and EDGE < a % b / b < 1.0 - EDGE


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
    why="subtracting 1 changes no slope, so it is that of the exponential",
)
exp2: Op = Op(
    name="exp2",
    what="2 to the power of a.",
    forward=lambda a: math.pow(2.0, a),
    partials=(lambda out, a: LOG_2 * out,),
    why="as the exponential it is its own derivative, but for the factor log(2)",
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
    why="the slope of the logarithm is one over its argument, to which 1 is added here",
    domain=lambda a: a > -1.0,
    everyday=((-0.9, 10.0),),
)
log2: Op = Op(
    name="log2",
    what="The logarithm of a to the base 2, for a > 0.",
    forward=math.log2,
    partials=(lambda out, a: LOG2_E / a,),
    why="the slope of the natural logarithm, one over a, divided by log(2)",
    domain=lambda a: a > 0.0,
    everyday=POSITIVE,
)
log10: Op = Op(
    name="log10",
    what="The logarithm of a to the base 10, for a > 0.",
    forward=math.log10,
    partials=(lambda out, a: LOG10_E / a,),
    why="the slope of the natural logarithm, one over a, divided by log(10)",
    domain=lambda a: a > 0.0,
    everyday=POSITIVE,
)
logaddexp: Op = Op(
    name="logaddexp",
    what="log(exp(a) + exp(b)), for a and b of any size.",
    forward=lambda a, b: a + LOG_2 if a == b else max(a, b) + math.log1p(math.exp(-abs(a - b))),
    partials=(lambda out, a, b: sigmoid(a - b), lambda out, a, b: sigmoid(b - a)),
    why="the slope to each argument is its softmax probability",
)
sqrt: Op = Op(
    name="sqrt",
    symbol="√{}",
    badge="√",
    what="The square root of a, for a ≥ 0.",
    forward=math.sqrt,
    partials=(lambda out, a: 0.5 / out,),
    why="the slope of a square root is one over twice the root",
    slopes=(lambda out, a: 1.0 / (2.0 * out),),
    case=lambda a: Case("{0} is 0, where the root begins vertically") if a == 0.0 else None,
    domain=lambda a: a >= 0.0,
    smooth=lambda a: a > 0.0,
    everyday=POSITIVE,
)

cbrt: Op = Op(
    name="cbrt",
    eps=6.0,  # three roundings and the root's own
    ulp=4.0,  # the C library's own is up to 2.1 off
    symbol="∛{}",
    badge="∛",
    what="The cube root of a, which has the sign of a.",
    forward=getattr(math, "cbrt", lambda a: float(np.cbrt(a))),  # Python 3.10 has none
    partials=(lambda out, a: 1.0 / (3.0 * out * out),),
    numpy="np.cbrt({})",
    why="the slope of a cube root is one over three times the square of the root",
    smooth=lambda a: a != 0.0,
    everyday=POSITIVE,
)

# --- circular and hyperbolic functions

deg2rad: Op = Op(
    name="deg2rad",
    what="An angle of a degrees in radians.",
    forward=math.radians,
    partials=(lambda out, a: math.pi / 180.0,),
    why="a degree is π / 180 radians",
)
rad2deg: Op = Op(
    name="rad2deg",
    what="An angle of a radians in degrees.",
    forward=math.degrees,
    partials=(lambda out, a: 180.0 / math.pi,),
    why="a radian is 180 / π degrees",
)
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
    why="the slope of the tangent is one plus the square of the tangent",
    slopes=(lambda out, a: 1.0 + power(out, 2.0),),
    everyday=((-1.0, 1.0),),
)
asin: Op = Op(
    name="asin",
    what="The angle from -π/2 to π/2 whose sine is a, for -1 ≤ a ≤ 1.",
    forward=math.asin,
    partials=(lambda out, a: 1.0 / sqrt((1.0 - a) * (1.0 + a)),),
    numpy="np.arcsin({})",
    why="one over the slope of the sine, which at this angle is the root of one minus the square of the sine",
    slopes=(lambda out, a: 1.0 / sqrt(1.0 - power(a, 2.0)),),
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
    why="one over the slope of the cosine, which at this angle is minus the root of one minus the square of the cosine",
    slopes=(lambda out, a: -1.0 / sqrt(1.0 - power(a, 2.0)),),
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
    why="one over the slope of the tangent, which is one plus the square of the tangent",
    slopes=(lambda out, a: 1.0 / (1.0 + power(a, 2.0)),),
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
    why=(
        "a small step of the first number turns the angle by that times the second one over the square of the distance",
        "a small step of the second number turns it by that times minus the first one over the square of the distance",
    ),
    slopes=(
        lambda out, y, x: x / (power(x, 2.0) + power(y, 2.0)),
        lambda out, y, x: -y / (power(x, 2.0) + power(y, 2.0)),
    ),
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
    why="one over the slope of sinh, which there is the root of one plus the square of sinh",
    slopes=(lambda out, a: 1.0 / sqrt(1.0 + power(a, 2.0)),),
)
acosh: Op = Op(
    name="acosh",
    what="The number from 0 on whose hyperbolic cosine is a, for a ≥ 1.",
    forward=math.acosh,
    partials=(lambda out, a: 1.0 / (sqrt(a - 1.0) * sqrt(a + 1.0)),),
    numpy="np.arccosh({})",
    why="one over the slope of cosh, which there is the root of the square of cosh minus one",
    slopes=(lambda out, a: 1.0 / sqrt(power(a, 2.0) - 1.0),),
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
    why="one over the slope of tanh, which is one minus the square of tanh",
    slopes=(lambda out, a: 1.0 / (1.0 - power(a, 2.0)),),
    domain=lambda a: -1.0 < a < 1.0,
    everyday=((-0.9, 0.9),),
)
hypot: Op = Op(
    name="hypot",
    what="The length of the vector (a, b): the square root of a² + b², without overflow on the way.",
    forward=math.hypot,
    partials=(lambda out, a, b: cosine(a, b), lambda out, a, b: cosine(b, a)),  # at (0, 0), slope 0
    why="each side counts with its share of the length",
    slopes=(lambda out, a, b: a / out, lambda out, a, b: b / out),
    case=lambda a, b: Case("Both sides are 0, where the length has a kink") if a == b == 0.0 else None,
    smooth=lambda a, b: math.hypot(a, b) > 0.0,
    everyday=((0.1, 5.0), ANYWHERE),
)


def _cosine(a: float, b: float) -> float:
    length = math.hypot(a, b)
    return a / length if length else 0.0


cosine: Op = Op(
    name="cosine",
    what="The cosine of the angle between the vector (a, b) and the first axis: a / hypot(a, b), and 0 at (0, 0).",
    forward=_cosine,
    # In the cosine of the other argument no term cancels, so derivatives of any order are right to the last digits.
    partials=(
        lambda out, a, b: cosine(b, a) * cosine(b, a) / hypot(a, b),
        lambda out, a, b: -out * cosine(b, a) / hypot(a, b),
    ),
    numpy="{0} / np.where(np.hypot({0}, {1}), np.hypot({0}, {1}), 1.0)",
    why="only what moves the vector sideways turns it, and the farther out, the less",
    smooth=lambda a, b: math.hypot(a, b) > 0.0,
    everyday=((0.1, 5.0), ANYWHERE),
)
erf: Op = Op(
    name="erf",
    what="The error function of a: 2 / √π times the integral of exp(-t²) from 0 to a.",
    forward=math.erf,
    partials=(lambda out, a: 2.0 / SQRT_PI * exp(-a * a),),
    numpy="np.vectorize(math.erf, otypes=[float])({})",
    why="the slope of erf is a bell curve: exp of minus the square, times 2 over the root of π, which is 1.128",
    slopes=(lambda out, a: 2.0 / SQRT_PI * exp(-power(a, 2.0)),),
    everyday=((-2.0, 2.0),),
)

erfc: Op = Op(
    name="erfc",
    ulp=4.0,  # what C libraries give; 2.2 was measured
    what="1 - erf(a), exact where a is large.",
    forward=math.erfc,
    partials=(lambda out, a: -2.0 / SQRT_PI * exp(-a * a),),
    numpy="np.vectorize(math.erfc, otypes=[float])({})",
    why="the slope of erfc is a bell curve with a minus sign",
    everyday=((-2.0, 2.0),),
)

# --- squashing functions and kinks

sech: Op = Op(
    name="sech",
    what="The hyperbolic secant of a: one over cosh(a).",
    forward=lambda a: 1.0 / math.cosh(a) if abs(a) < 700.0 else 2.0 * math.exp(-abs(a)),  # beyond, cosh overflows
    partials=(lambda out, a: -out * tanh(a),),
    numpy="1.0 / np.cosh({})",
    why="a bell that falls like exp(-|a|): the slope is minus itself times tanh",
    everyday=((-2.0, 2.0),),
)

tanh: Op = Op(
    name="tanh",
    what="The hyperbolic tangent of a, which rises from -1 to 1.",
    forward=math.tanh,
    partials=(lambda out, a: sech(a) * sech(a),),  # 1 - out * out loses its digits where tanh is near ±1
    quick=(lambda out, a: 1.0 - out * out,),
    why="the slope of tanh is one minus the square of tanh, so it is flat where tanh is near 1 or −1",
    slopes=(lambda out, a: 1.0 - power(out, 2.0),),
    everyday=((-2.0, 2.0),),
)
sigmoid: Op = Op(
    name="sigmoid",
    badge="σ",
    what="The logistic function of a, 1 / (1 + exp(-a)), which rises from 0 to 1.",
    forward=lambda a: 1.0 / (1.0 + math.exp(-a)) if a > -709.0 else math.exp(a),  # below, e^-a overflows
    partials=(lambda out, a: out * sigmoid(-a),),
    numpy="np.exp(-np.logaddexp(0.0, -{}))",
    why="the slope of the sigmoid is the sigmoid times one minus the sigmoid",
    slopes=(lambda out, a: out * (1.0 - out),),
)
relu: Op = Op(
    name="relu",
    micrograd="ReLU",
    what="The rectified linear unit: a where a is positive, 0 elsewhere.",
    forward=lambda a: a if a > 0.0 or a != a else 0.0,
    partials=(lambda out, a: step(a),),  # 0 at the kink
    numpy="np.maximum({}, 0.0)",
    why="relu lets the gradient through where its argument is positive, and blocks it elsewhere",
    case=_side,
    smooth=lambda a: abs(a) > EDGE,
)
step: Op = Op(
    name="step",
    what="The unit step: 1 where a is positive, 0 elsewhere; `steps` is the page that shows backward() step by step.",
    forward=lambda a: 1.0 if a > 0.0 else 0.0 if a == a else a,
    partials=(lambda out, a: 0.0,),
    numpy="np.sign(np.maximum({}, 0.0))",
    chooses=True,
    why="a step is flat on both sides of its jump",
    case=lambda a: Case("{0} is 0, where the step jumps") if a == 0.0 else None,
    smooth=lambda a: abs(a) > EDGE,
)
sign: Op = Op(
    name="sign",
    what="The sign of a: 1 where a is positive, -1 where it is negative, 0 at 0.",
    forward=lambda a: 1.0 if a > 0.0 else -1.0 if a < 0.0 else a,
    partials=(lambda out, a: 0.0,),
    chooses=True,
    why="a sign is flat on both sides, so the slope is 0",
    smooth=lambda a: abs(a) > EDGE,
)
floor: Op = Op(
    name="floor",
    symbol="⌊{}⌋",
    badge="⌊x⌋",
    what="The largest whole number that is not above a.",
    forward=lambda a: float(math.floor(a)),
    partials=(lambda out, a: 0.0,),
    chooses=True,
    why="it is made of flat steps, so the slope is 0",
    smooth=lambda a: _between_steps(a, 1.0),
)
ceil: Op = Op(
    name="ceil",
    symbol="⌈{}⌉",
    badge="⌈x⌉",
    what="The smallest whole number that is not below a.",
    forward=lambda a: float(math.ceil(a)),
    partials=(lambda out, a: 0.0,),
    chooses=True,
    why="it is made of flat steps, so the slope is 0",
    smooth=lambda a: _between_steps(a, 1.0),
)
trunc: Op = Op(
    name="trunc",
    what="The whole number next to a on the way to 0.",
    forward=lambda a: float(math.trunc(a)),
    partials=(lambda out, a: 0.0,),
    chooses=True,
    why="it is made of flat steps, so the slope is 0",
    smooth=lambda a: _between_steps(a, 1.0),
)
rint: Op = Op(
    name="rint",
    what="The whole number nearest to a; the even one of two that are as near.",
    forward=lambda a: float(round(a)),
    partials=(lambda out, a: 0.0,),
    chooses=True,
    why="it is made of flat steps, so the slope is 0",
    smooth=lambda a: _between_steps(a + 0.5, 1.0),
)
absolute: Op = Op(
    name="absolute",
    symbol="|{}|",
    badge="|x|",
    what="The absolute value of a.",
    forward=abs,
    partials=(lambda out, a: step(a) - step(-a),),  # 0 at the kink
    why="the slope of an absolute value is 1 above 0 and −1 below",
    case=_side,
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
    why="the slope is 1 where the argument is positive, and a hundredth elsewhere",
    case=_side,
    smooth=lambda a: abs(a) > EDGE,
)
elu: Op = Op(
    name="elu",
    what="The exponential linear unit: a where a is positive, exp(a) - 1 elsewhere.",
    forward=lambda a: a if a > 0.0 else math.expm1(a),
    partials=(lambda out, a: exp(minimum(a, 0.0)),),
    numpy="np.where({0} > 0.0, {0}, np.expm1(np.minimum({0}, 0.0)))",
    why="the slope is 1 above 0, and the exponential below",
    case=lambda a: _side(a, "", (lambda out, a: exp(a),)),
    smooth=lambda a: abs(a) > EDGE,
)
silu: Op = Op(
    name="silu",
    what="The sigmoid linear unit, also called swish: a times sigmoid(a).",
    forward=lambda a: a / (1.0 + math.exp(-a)) if a > -709.0 else math.exp(a / 2.0) * a * math.exp(a / 2.0),
    partials=(lambda out, a: sigmoid(a) * (1.0 + a * sigmoid(-a)),),
    numpy="{0} * np.exp(-np.logaddexp(0.0, -{0}))",
    why="silu is a number times its sigmoid: the slope is the sigmoid, plus the number times the slope of the sigmoid",
    slopes=(lambda out, a: sigmoid(a) + a * (sigmoid(a) * (1.0 - sigmoid(a))),),
    everyday=((-1.0, 5.0),),
)
gelu: Op = Op(
    name="gelu",
    ulp=1500.0,  # the rounding of a / √2 counts a² times, and it underflows at -38
    what="The Gaussian error linear unit: a times the probability that a standard normal number is below a.",
    forward=lambda a: 0.5 * a * math.erfc(-a / SQRT_2),
    partials=(lambda out, a: 0.5 * erfc(-a / SQRT_2) + a * exp(-0.5 * a * a) / (SQRT_2 * SQRT_PI),),
    numpy="0.5 * {0} * np.vectorize(math.erfc, otypes=[float])(-{0} / math.sqrt(2.0))",
    why="gelu is a number times a probability: the slope is the probability, plus the number times a bell curve",
    slopes=(lambda out, a: 0.5 * (1.0 + erf(a / SQRT_2)) + a * exp(-0.5 * power(a, 2.0)) / (SQRT_2 * SQRT_PI),),
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
    chooses=True,
    why="only the smaller one gets the gradient; at a tie, each gets half of it",
    case=_smaller,
    smooth=lambda a, b: abs(a - b) > EDGE,
)
maximum: Op = Op(
    name="maximum",
    symbol="max({}, {})",
    badge="max",
    what="The larger one of a and b.",
    forward=lambda a, b: a if a >= b or a != a else b,
    partials=(lambda out, a, b: _ahead(a, b), lambda out, a, b: _ahead(b, a)),
    chooses=True,
    why="only the larger one gets the gradient; at a tie, each gets half of it",
    case=_larger,
    smooth=lambda a, b: abs(a - b) > EDGE,
)
clip: Op = Op(
    name="clip",
    what="x, but not below low and not above high.",
    forward=lambda x, low, high: minimum.forward(maximum.forward(x, low), high),
    partials=(
        lambda out, x, low, high: _ahead(x, low) * _ahead(high, maximum(x, low)),
        lambda out, x, low, high: _ahead(low, x) * _ahead(high, maximum(x, low)),
        lambda out, x, low, high: _ahead(maximum(x, low), high),
    ),
    chooses=True,
    why="between the limits x gets the gradient, beyond them the limit gets it; at a tie, each gets half of it",
    case=_clipped,
    smooth=lambda x, low, high: min(abs(x - low), abs(x - high), abs(low - high)) > EDGE,
    everyday=(ANYWHERE, (-5.0, 0.0), (0.0, 5.0)),
)


def _taken(side: float) -> float:
    if side is NOT_RUN:
        raise LookupError(
            "the condition of a where has changed sides, and the side that is taken now is a function that did not run "
            "at the forward pass: compute the result anew instead of refreshing it"
        )
    return side


where: Op = Op(
    name="where",
    what="a where the condition is not 0, b elsewhere.",
    forward=lambda condition, a, b: _taken(a if condition else b),
    partials=(
        lambda out, condition, a, b: 0.0,
        lambda out, condition, a, b: where(condition, 1.0, 0.0),
        lambda out, condition, a, b: where(condition, 0.0, 1.0),
    ),
    chooses=True,
    lazy=True,
    why=(
        "the condition only chooses, so it gets no gradient",
        "a gets the gradient where the condition is not 0",
        "b gets the gradient where the condition is 0",
    ),
    case=_chosen,
    smooth=lambda condition, a, b: abs(condition) > EDGE,
    everyday=(ANYWHERE, ANYWHERE, ANYWHERE),
)

# --- rows that take any number of arguments


def _logsumexp(*values: float) -> float:
    largest = max(values)
    if not math.isfinite(largest):
        return math.nan if any(map(math.isnan, values)) else largest
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


def _not_empty(values: Sequence[Any]) -> tuple[Any, ...]:
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
    # The error is below ulp units of the largest value's last place: near 0, that value and the logarithm cancel.
    what="The logarithm of the sum of exp(value) over a list or an array of values, without overflow.",
    flatten=_not_empty,
    example=([1.0, 2.0, 3.0],),
    forward=_logsumexp,
    partials=_softmax,
    numpy="np.logaddexp.reduce(np.broadcast_arrays(*{}))",
    why="the local derivative through each value is its softmax probability, the share of its exp in the sum of all",
    slopes=lambda out, *values: [exp(value - out) for value in values],
)
pick: Op = Op(
    name="pick",
    what="The value at that index of a list or an array of values; the index is a whole number, counted from 0.",
    flatten=lambda values, index: (*values, index),
    example=([1.0, 2.0, 3.0], 1),
    forward=_pick,
    partials=lambda out, *values: [*_indicators(values[-1], len(values) - 1), 0.0],
    numpy="picked({0}[:-1], {0}[-1])",
    chooses=True,
    why="only the value that is picked gets the gradient; the index gets none",
    case=_index_chooses,
)
total: Op = Op(
    name="total",
    symbol="sum({})",
    badge="Σ",
    what="The sum of a list or an array of values, rounded once.",
    flatten=tuple,
    example=([1.0, 2.0, 3.0],),
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
    example=([1.0, 2.0], [3.0, 4.0]),
    forward=lambda *values: _exact_sum([*map(mul, values[: len(values) // 2], values[len(values) // 2 :])]),
    partials=lambda out, *values: [*values[len(values) // 2 :], *values[: len(values) // 2]],
    numpy="sum(a * b for a, b in zip({0}[: len({0}) // 2], {0}[len({0}) // 2 :]))",
    why="the local derivative through each number is its partner in the products",
)

# --- the gamma function

# Bernoulli's numbers B2, B4, … B16, of Stirling's series.
BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)


def _stirling(order: int, a: Any) -> Any:
    """The derivative of lgamma of that order: lgamma itself for 0, digamma, trigamma, and the slope of that for 3.

    Stirling's series gives it at a + 10, where eight terms are enough; ten steps of the recurrence lead back to a.
    Below 0 it follows from that at 1 - a, since Γ(a) Γ(1 - a) = π / sin(πa).

    Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 6.1.17, 6.1.41, 6.4.6, 6.4.7 and 6.4.11.
    """
    positive = maximum(a, 0.0)  # where a is above 0, this is not 0
    z = where(positive, a, 1.0 - a)
    y = z + 10.0
    series: Any = 0.0
    for k, number in reversed(list(enumerate(BERNOULLI, 1))):
        series = (series + number * math.factorial(2 * k + order - 2) / math.factorial(2 * k)) * power(y, -2.0)
    steps = [log(z + float(i)) if order == 0 else power(z + float(i), -float(order)) for i in range(9, -1, -1)]
    passed, beside = sum(steps[1:], steps[0]), where(positive, 0.25, a)  # 0.25: not used, and far from the poles
    angle = math.pi * (beside - rint(beside))  # from the nearest pole, for sin and tan are not exact at multiples of π
    if order == 0:
        rising = (y - 0.5) * log(y) - y + 0.5 * math.log(2.0 * math.pi) + series * y - passed
        return where(positive, 1.0, -1.0) * rising + where(positive, 0.0, lambda: log(math.pi / absolute(sin(angle))))
    if order == 1:
        return log(y) - 0.5 / y - series - passed - where(positive, 0.0, lambda: math.pi / tan(angle))
    if order == 2:
        rising = 1.0 / y + 0.5 * power(y, -2.0) + series / y + passed
        return where(positive, 1.0, -1.0) * rising + where(positive, 0.0, lambda: power(math.pi / sin(angle), 2.0))
    rising = -power(y, -2.0) - power(y, -3.0) - series * power(y, -2.0) - 2.0 * passed
    return rising - where(positive, 0.0, lambda: 2.0 * power(math.pi / sin(angle), 3.0) * cos(angle))


class _Spelled:
    """Stands for an array in a computation: what comes out is the text of the same computation in NumPy."""

    def __init__(self, text: str) -> None:
        self.text = text

    @classmethod
    def __apply__(cls, op: Op, arguments: Sequence[Any]) -> _Spelled:
        return cls(f"({op.numpy.format(*(getattr(one, 'text', one) for one in arguments))})")

    def __neg__(self) -> Any:
        return neg(self)


for _sign, _row in (("add", add), ("sub", subtract), ("mul", multiply), ("truediv", divide)):
    setattr(_Spelled, f"__{_sign}__", lambda self, other, row=_row: row(self, other))
    setattr(_Spelled, f"__r{_sign}__", lambda self, other, row=_row: row(other, self))


def _between_poles(a: float) -> bool:
    return a > 0.0 or a != math.floor(a)


digamma: Op = Op(
    name="digamma",
    ulp=8.0,  # ten quotients are added; 3.7 was measured
    badge="ψ",
    what="The slope of lgamma at a, for any a but 0, -1, -2, and so on.",
    forward=lambda a: _stirling(1, a),
    partials=(lambda out, a: trigamma(a),),
    numpy=_stirling(1, _Spelled("{0}")).text,
    why="its slope has a name of its own, trigamma",
    domain=_between_poles,
    everyday=((2.0, 10.0),),
)
trigamma: Op = Op(
    name="trigamma",
    ulp=8.0,  # as for digamma; 2.4 was measured
    eps=64.0,  # on the negative side of 0, where two numbers nearly cancel; 46 was measured
    badge="ψ′",
    what="The slope of digamma at a: the sum of 1 / (a + k)² over k = 0, 1, 2, …, for any a but 0, -1, -2, and so on.",
    forward=lambda a: _stirling(2, a),
    partials=(lambda out, a: _stirling(3, a),),
    numpy=_stirling(2, _Spelled("{0}")).text,
    why="each of the 1 / (a + k)² that it is the sum of has the slope −2 / (a + k)³",
    domain=_between_poles,
    everyday=POSITIVE,
)
lgamma: Op = Op(
    name="lgamma",
    ulp=8.0,  # the C library's own; 3.2 was measured
    eps=16.0,  # digamma on the negative side of 0, where two numbers nearly cancel; 7.9 was measured
    what="The natural logarithm of |Γ(a)|, log((a - 1)!) at whole numbers; for any a but 0, -1, -2, and so on.",
    forward=math.lgamma,
    partials=(lambda out, a: digamma(a),),
    numpy=_stirling(0, _Spelled("{0}")).text,
    why="the slope of the logarithm of the gamma function has a name of its own, digamma",
    domain=_between_poles,
    everyday=((2.5, 10.0),),
)

OPS.update({row.name: row for row in list(globals().values()) if isinstance(row, Op)})
for _row in OPS.values():
    _row.add_example()
