# Written by `python tools/table.py` from engine/ops.py: change the rows there, and run it again.

from typing import Any, TypeAlias, TypeVar

import numpy as np

_Kind = TypeVar("_Kind", bound=Methods)
_Number: TypeAlias = Methods | float | np.integer[Any] | np.floating[Any] | np.bool_

class Methods:
    __slots__ = ()
    def identity(self: _Kind) -> _Kind:
        """A copy: another node that holds the same number.

        a.identity() is identity(a).
        """
    def exp(self: _Kind) -> _Kind:
        """The exponential of a: e to the power of a.

        a.exp() is exp(a).
        """
    def expm1(self: _Kind) -> _Kind:
        """exp(a) - 1, exact where a is close to 0.

        a.expm1() is expm1(a).
        """
    def exp2(self: _Kind) -> _Kind:
        """2 to the power of a.

        a.exp2() is exp2(a).
        """
    def log(self: _Kind) -> _Kind:
        """The natural logarithm of a, for a > 0.

        a.log() is log(a).
        """
    def log1p(self: _Kind) -> _Kind:
        """The natural logarithm of 1 + a, for a > -1, exact where a is close to 0.

        a.log1p() is log1p(a).
        """
    def log2(self: _Kind) -> _Kind:
        """The logarithm of a to the base 2, for a > 0.

        a.log2() is log2(a).
        """
    def log10(self: _Kind) -> _Kind:
        """The logarithm of a to the base 10, for a > 0.

        a.log10() is log10(a).
        """
    def logaddexp(self: _Kind, b: _Number) -> _Kind:
        """log(exp(a) + exp(b)), for a and b of any size.

        a.logaddexp(b) is logaddexp(a, b).
        """
    def sqrt(self: _Kind) -> _Kind:
        """The square root of a, for a ≥ 0.

        a.sqrt() is sqrt(a).
        """
    def cbrt(self: _Kind) -> _Kind:
        """The cube root of a, which has the sign of a.

        a.cbrt() is cbrt(a).
        """
    def deg2rad(self: _Kind) -> _Kind:
        """An angle of a degrees in radians.

        a.deg2rad() is deg2rad(a).
        """
    def rad2deg(self: _Kind) -> _Kind:
        """An angle of a radians in degrees.

        a.rad2deg() is rad2deg(a).
        """
    def sin(self: _Kind) -> _Kind:
        """The sine of a, an angle in radians.

        a.sin() is sin(a).
        """
    def cos(self: _Kind) -> _Kind:
        """The cosine of a, an angle in radians.

        a.cos() is cos(a).
        """
    def tan(self: _Kind) -> _Kind:
        """The tangent of a, an angle in radians.

        a.tan() is tan(a).
        """
    def asin(self: _Kind) -> _Kind:
        """The angle from -π/2 to π/2 whose sine is a, for -1 ≤ a ≤ 1.

        a.asin() is asin(a).
        """
    arcsin = asin
    def acos(self: _Kind) -> _Kind:
        """The angle from 0 to π whose cosine is a, for -1 ≤ a ≤ 1.

        a.acos() is acos(a).
        """
    arccos = acos
    def atan(self: _Kind) -> _Kind:
        """The angle between -π/2 and π/2 whose tangent is a.

        a.atan() is atan(a).
        """
    arctan = atan
    def atan2(self: _Kind, x: _Number) -> _Kind:
        """The angle of the point (x, y), from -π to π: y comes first.

        y.atan2(x) is atan2(y, x).
        """
    arctan2 = atan2
    def sinh(self: _Kind) -> _Kind:
        """The hyperbolic sine of a: (exp(a) - exp(-a)) / 2.

        a.sinh() is sinh(a).
        """
    def cosh(self: _Kind) -> _Kind:
        """The hyperbolic cosine of a: (exp(a) + exp(-a)) / 2.

        a.cosh() is cosh(a).
        """
    def asinh(self: _Kind) -> _Kind:
        """The number whose hyperbolic sine is a.

        a.asinh() is asinh(a).
        """
    arcsinh = asinh
    def acosh(self: _Kind) -> _Kind:
        """The number from 0 on whose hyperbolic cosine is a, for a ≥ 1.

        a.acosh() is acosh(a).
        """
    arccosh = acosh
    def atanh(self: _Kind) -> _Kind:
        """The number whose hyperbolic tangent is a, for -1 < a < 1.

        a.atanh() is atanh(a).
        """
    arctanh = atanh
    def hypot(self: _Kind, b: _Number) -> _Kind:
        """The length of the vector (a, b): the square root of a² + b², without overflow on the way.

        a.hypot(b) is hypot(a, b).
        """
    def cosine(self: _Kind, b: _Number) -> _Kind:
        """The cosine of the angle between the vector (a, b) and the first axis: a / hypot(a, b), and 0 at (0, 0).

        a.cosine(b) is cosine(a, b).
        """
    def erf(self: _Kind) -> _Kind:
        """The error function of a: 2 / √π times the integral of exp(-t²) from 0 to a.

        a.erf() is erf(a).
        """
    def erfc(self: _Kind) -> _Kind:
        """1 - erf(a), exact where a is large.

        a.erfc() is erfc(a).
        """
    def sech(self: _Kind) -> _Kind:
        """The hyperbolic secant of a: one over cosh(a).

        a.sech() is sech(a).
        """
    def tanh(self: _Kind) -> _Kind:
        """The hyperbolic tangent of a, which rises from -1 to 1.

        a.tanh() is tanh(a).
        """
    def sigmoid(self: _Kind) -> _Kind:
        """The logistic function of a, 1 / (1 + exp(-a)), which rises from 0 to 1.

        a.sigmoid() is sigmoid(a).
        """
    def relu(self: _Kind) -> _Kind:
        """The rectified linear unit: a where a is positive, 0 elsewhere.

        a.relu() is relu(a).
        """
    def step(self: _Kind) -> _Kind:
        """The unit step: 1 where a is positive, 0 elsewhere; `steps` is the page that shows backward() step by step.

        a.step() is step(a).
        """
    def sign(self: _Kind) -> _Kind:
        """The sign of a: 1 where a is positive, -1 where it is negative, 0 at 0.

        a.sign() is sign(a).
        """
    def floor(self: _Kind) -> _Kind:
        """The largest whole number that is not above a.

        a.floor() is floor(a).
        """
    def ceil(self: _Kind) -> _Kind:
        """The smallest whole number that is not below a.

        a.ceil() is ceil(a).
        """
    def trunc(self: _Kind) -> _Kind:
        """The whole number next to a on the way to 0.

        a.trunc() is trunc(a).
        """
    def rint(self: _Kind) -> _Kind:
        """The whole number nearest to a; the even one of two that are as near.

        a.rint() is rint(a).
        """
    def absolute(self: _Kind) -> _Kind:
        """The absolute value of a.

        a.absolute() is absolute(a).
        """
    def softplus(self: _Kind) -> _Kind:
        """log(1 + exp(a)), a relu without a kink, for a of any size.

        a.softplus() is softplus(a).
        """
    def leaky_relu(self: _Kind) -> _Kind:
        """The leaky rectified linear unit: a where a is positive, a / 100 elsewhere.

        a.leaky_relu() is leaky_relu(a).
        """
    def elu(self: _Kind) -> _Kind:
        """The exponential linear unit: a where a is positive, exp(a) - 1 elsewhere.

        a.elu() is elu(a).
        """
    def silu(self: _Kind) -> _Kind:
        """The sigmoid linear unit, also called swish: a times sigmoid(a).

        a.silu() is silu(a).
        """
    def gelu(self: _Kind) -> _Kind:
        """The Gaussian error linear unit: a times the probability that a standard normal number is below a.

        a.gelu() is gelu(a).
        """
    def minimum(self: _Kind, b: _Number) -> _Kind:
        """The smaller one of a and b.

        a.minimum(b) is minimum(a, b).
        """
    def maximum(self: _Kind, b: _Number) -> _Kind:
        """The larger one of a and b.

        a.maximum(b) is maximum(a, b).
        """
    def clip(self: _Kind, low: _Number, high: _Number) -> _Kind:
        """x, but not below low and not above high.

        x.clip(low, high) is clip(x, low, high).
        """
    def where(self: _Kind, a: _Number, b: _Number) -> _Kind:
        """a where the condition is not 0, b elsewhere.

        condition.where(a, b) is where(condition, a, b).
        """
    def digamma(self: _Kind) -> _Kind:
        """The slope of lgamma at a, for any a but 0, -1, -2, and so on.

        a.digamma() is digamma(a).
        """
    def trigamma(self: _Kind) -> _Kind:
        """The slope of digamma at a: the sum of 1 / (a + k)² over k = 0, 1, 2, …, for any a but 0, -1, -2, and so on.

        a.trigamma() is trigamma(a).
        """
    def lgamma(self: _Kind) -> _Kind:
        """The natural logarithm of |Γ(a)|, log((a - 1)!) at whole numbers; for any a but 0, -1, -2, and so on.

        a.lgamma() is lgamma(a).
        """
