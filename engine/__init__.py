"""Numbers that know their derivatives."""

if __name__ != "chainrule.engine":  # a second copy of every class and of the table would not know the first
    raise ImportError(f"{__name__} is called chainrule.engine: write `from chainrule.engine import Value`")

from .applications import Application, applications
from .checking import check_row, gradcheck
from .compiler import Program, Table, TraceError, compile  # noqa: A004  always written qualified: engine.compile
from .diagnosis import diagnose
from .graph import topological_order, trace
from .higher_orders import gradients
from .operators import Operators

# isort: off
from .ops import (  # rows, written by tools/table.py
    absolute, acos, acosh, add, asin, asinh, atan, atan2, atanh, cbrt, ceil, clip, cos, cosh, cosine, deg2rad, digamma,
    divide, dot, elu, erf, erfc, exp, exp2, expm1, floor, floor_divide, gelu, hypot, identity, leaky_relu, lgamma, log,
    log10, log1p, log2, logaddexp, logsumexp, maximum, minimum, mod, multiply, neg, pick, power, rad2deg, relu, rint,
    sech, sigmoid, sign, silu, sin, sinh, softplus, sqrt, step, subtract, tan, tanh, total, trigamma, trunc, where,
)  # fmt: skip

# isort: on
from .op import OPS, DomainError, Op
from .recording import enable_grad, no_grad
from .registering import register, unregister
from .transforms import grad, hessian, hvp, jacobian, value_and_grad
from .value import Value

__all__ = [
    "Value", "DomainError", "no_grad", "enable_grad", "grad", "value_and_grad", "jacobian", "hessian", "hvp",
    "gradients", "Application", "applications",
    "gradcheck", "diagnose", "compile", "Program", "Table", "TraceError", "OPS", "Op", "Operators",
    "register", "unregister", "check_row", "topological_order", "trace",
]  # fmt: skip
__all__ += [  # rows, written by tools/table.py
    "absolute", "acos", "acosh", "add", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil", "clip", "cos",
    "cosh", "cosine", "deg2rad", "digamma", "divide", "dot", "elu", "erf", "erfc", "exp", "exp2", "expm1", "floor",
    "floor_divide", "gelu", "hypot", "identity", "leaky_relu", "lgamma", "log", "log10", "log1p", "log2", "logaddexp",
    "logsumexp", "maximum", "minimum", "mod", "multiply", "neg", "pick", "power", "rad2deg", "relu", "rint", "sech",
    "sigmoid", "sign", "silu", "sin", "sinh", "softplus", "sqrt", "step", "subtract", "tan", "tanh", "total",
    "trigamma", "trunc", "where",
]  # fmt: skip
