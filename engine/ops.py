"""THE TABLE: one row per operation. Derivatives, symbols and spellings stand here and nowhere else.

A rule (in `partials`) gets the output and the arguments and is written with the library's own operations, so it runs
on floats (backward), on Values (higher derivatives), on names (explanations) and on tracers (the compiler).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .row import ANYWHERE, Op

EDGE = 1e-3  # tests that take finite differences stay this far from a kink
POSITIVE = ((0.1, 10.0),)

# --- arithmetic

add: Op = Op(
    name="add",
    symbol="{} + {}",
    badge="+",
    micrograd="+",
    forward=lambda a, b: a + b,
    partials=(lambda out, a, b: 1.0, lambda out, a, b: 1.0),
    numpy="{} + {}",
    why="a sum passes the gradient on unchanged",
)
subtract: Op = Op(
    name="subtract",
    symbol="{} − {}",
    badge="−",
    micrograd="-",
    forward=lambda a, b: a - b,
    partials=(lambda out, a, b: 1.0, lambda out, a, b: -1.0),
    numpy="{} - {}",
    why="a difference passes the gradient on, with a minus for what is taken away",
)
multiply: Op = Op(
    name="multiply",
    symbol="{} × {}",
    badge="×",
    micrograd="*",
    forward=lambda a, b: a * b,
    partials=(lambda out, a, b: b, lambda out, a, b: a),
    numpy="{} * {}",
    why="for a product the local derivative is the other factor",
)
divide: Op = Op(
    name="divide",
    symbol="{} ÷ {}",
    badge="÷",
    micrograd="/",
    forward=lambda a, b: a / b,
    partials=(lambda out, a, b: 1.0 / b, lambda out, a, b: -out / b),
    numpy="{} / {}",
    why="more above makes a quotient larger, more below makes it smaller",
    domain=lambda a, b: b != 0.0,
    everyday=(ANYWHERE, (0.1, 10.0)),
)
power: Op = Op(
    name="power",
    symbol="{}^{}",
    badge="xʸ",
    micrograd="**{1}",
    forward=math.pow,  # `**` would turn (-8.0) ** (1 / 3) into a complex number
    # A constant exponent 0 makes a constant, at base 0 too; log of base 0 is kept from 0 · log 0, whose limit is 0.
    partials=(
        lambda out, a, b: 0.0 if isinstance(b, float) and b == 0.0 else b * power(a, b - 1.0),
        lambda out, a, b: out * log(a + 1.0 if isinstance(a, float) and a == 0.0 else a),
    ),
    numpy="np.power({}, {})",
    why="the exponent comes down in front and is lowered by one",
    domain=lambda a, b: a > 0.0 or (a == 0.0 and b >= 0.0) or (a < 0.0 and b == math.floor(b)),
    smooth=lambda a, b: a > 0.0,
    everyday=((0.1, 5.0), (-3.0, 3.0)),
)
neg: Op = Op(
    name="neg",
    symbol="−{}",
    badge="−",
    forward=lambda a: -a,
    partials=(lambda out, a: -1.0,),
    numpy="-{}",
    why="a minus sign turns the gradient round",
)

# --- exponentials, logarithms, roots

exp: Op = Op(
    name="exp",
    symbol="exp({})",
    forward=math.exp,
    partials=(lambda out, a: out,),
    numpy="np.exp({})",
    why="the exponential is its own derivative",
)
log: Op = Op(
    name="log",
    symbol="log({})",
    forward=math.log,
    partials=(lambda out, a: 1.0 / a,),
    numpy="np.log({})",
    why="the slope of the logarithm is one over its argument",
    domain=lambda a: a > 0.0,
    everyday=POSITIVE,
)
sqrt: Op = Op(
    name="sqrt",
    symbol="√{}",
    badge="√",
    forward=math.sqrt,
    partials=(lambda out, a: 0.5 / out,),
    numpy="np.sqrt({})",
    why="the slope of a root is one over twice the root",
    domain=lambda a: a >= 0.0,
    smooth=lambda a: a > 0.0,
    everyday=POSITIVE,
)

# --- squashing functions and kinks

tanh: Op = Op(
    name="tanh",
    symbol="tanh({})",
    forward=math.tanh,
    partials=(lambda out, a: 1.0 - out * out,),
    numpy="np.tanh({})",
    why="the slope of tanh is one minus its square: flat where tanh is near ±1",
    everyday=((-2.0, 2.0),),
)
sigmoid: Op = Op(
    name="sigmoid",
    symbol="sigmoid({})",
    badge="σ",
    forward=lambda a: 1.0 / (1.0 + math.exp(-a)) if a >= 0.0 else math.exp(a) / (1.0 + math.exp(a)),
    partials=(lambda out, a: out * sigmoid(-a),),
    numpy="np.exp(-np.logaddexp(0.0, -{}))",
    why="the slope of the sigmoid is it times what is left to 1",
)
relu: Op = Op(
    name="relu",
    symbol="relu({})",
    micrograd="ReLU",
    forward=lambda a: a if a > 0.0 or a != a else 0.0,
    partials=(lambda out, a: step(a),),  # at the kink, slope 0
    numpy="np.maximum({}, 0.0)",
    why="relu lets the gradient through where its argument is positive, and blocks it elsewhere",
    smooth=lambda a: abs(a) > EDGE,
)
step: Op = Op(
    name="step",
    symbol="step({})",
    forward=lambda a: 1.0 if a > 0.0 else 0.0 if a == a else a,
    partials=(lambda out, a: 0.0,),
    numpy="np.heaviside({}, 0.0)",
    why="a step is flat on both sides",
    smooth=lambda a: abs(a) > EDGE,
)
absolute: Op = Op(
    name="absolute",
    symbol="|{}|",
    badge="|x|",
    forward=abs,
    partials=(lambda out, a: step(a) - step(-a),),  # at the kink, slope 0
    numpy="np.absolute({})",
    why="the slope of |x| is the sign of x",
    smooth=lambda a: abs(a) > EDGE,
)

# --- rows of any number of arguments


def _logsumexp(*values: float) -> float:
    largest = max(values)
    if not math.isfinite(largest):
        return sum(values) if math.isnan(sum(values)) else largest
    return largest + math.log(sum(math.exp(value - largest) for value in values))


def _values_and_index(values: Sequence[Any], index: Any) -> tuple[Any, ...]:
    values = tuple(values)
    if float(index) != int(index) or not 0 <= int(index) < len(values):
        shown = index if isinstance(index, (int, float)) else float(index)
        raise IndexError(f"pick: index {shown!r} is none of 0, …, {len(values) - 1}: there are {len(values)} values")
    return (*values, index)


def _some(values: Sequence[Any]) -> tuple[Any, ...]:
    values = tuple(values)
    if not values:
        raise ValueError("logsumexp of no values: it needs at least one")
    return values


logsumexp: Op = Op(
    name="logsumexp",
    symbol="logsumexp({})",
    badge="lse",
    flatten=_some,
    forward=_logsumexp,
    partials=lambda out, *values: [exp(value - out) for value in values],
    numpy="np.logaddexp.reduce({})",
    why="the slope to each argument is its softmax probability",
)
pick: Op = Op(
    name="pick",
    symbol="pick({})",
    flatten=_values_and_index,
    forward=lambda *values: values[int(values[-1])],
    partials=lambda out, *values: [float(i == int(values[-1])) for i in range(len(values) - 1)] + [0.0],
    numpy="np.choose(np.int64({0}[-1]), {0}[:-1])",
    why="only what is picked gets the gradient",
)
