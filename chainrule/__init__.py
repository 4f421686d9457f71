"""chainrule under one name: `import chainrule as cr; cr.Value, cr.MLP, cr.draw`."""

from pathlib import Path as _Path

if __name__ != "chainrule":
    raise ImportError(f"this package is called chainrule, not {__name__}: write import chainrule")
if (_Path(__file__).resolve().parents[1] / "pyproject.toml").is_file():  # a checkout: the floors stand beside it
    __path__.append(str(_Path(__file__).resolve().parents[1]))

from . import engine, nn, viz
from .engine import (
    OPS,
    Application,
    DomainError,
    Op,
    Operators,
    Program,
    Table,
    TraceError,
    Value,
    applications,
    check_row,
    compile,
    diagnose,
    enable_grad,
    grad,
    gradcheck,
    gradients,
    hessian,
    hvp,
    jacobian,
    no_grad,
    register,
    topological_order,
    trace,
    unregister,
    value_and_grad,
)

# isort: off
from .engine import (  # the rows, written by tools/table.py
    absolute, acos, acosh, add, asin, asinh, atan, atan2, atanh, cbrt, ceil, clip, cos, cosh, cosine, deg2rad, divide,
    dot, elu, erf, erfc, exp, exp2, expm1, floor, floor_divide, gelu, hypot, identity, leaky_relu, log, log10, log1p,
    log2, logaddexp, logsumexp, maximum, minimum, mod, multiply, neg, pick, power, rad2deg, relu, rint, sech, sigmoid,
    sign, silu, sin, sinh, softplus, sqrt, step, subtract, tan, tanh, total, trunc, where,
)  # fmt: skip

# isort: on
from .nn import (
    MLP,
    SGD,
    Adam,
    History,
    Layer,
    Module,
    Neuron,
    Optimiser,
    accuracy,
    cross_entropy,
    datasets,
    fit,
    init,
    iris,
    mse,
    softmax,
    train_test_split,
    units,
)
from .viz import (
    curves,
    draw,
    draw_dot,
    explain,
    steps,
)

__version__ = "0.2.0.dev0"

__all__ = ["__version__"]
__all__ += engine.__all__
__all__ += nn.__all__
__all__ += viz.__all__
