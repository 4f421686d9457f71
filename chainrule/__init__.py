"""chainrule: glass-box backpropagation. `import chainrule as cr` hands on the names of its three floors.

Numbers that know their derivatives (chainrule.engine): Value; grad, value_and_grad, jacobian, hessian, hvp, gradients;
compile; no_grad; diagnose, gradcheck; register; and an operation for each row of the table, such as exp, tanh, where.

Networks made of them (chainrule.nn): Neuron, Layer, MLP, Module; cross_entropy, mse, softmax; SGD, Adam; fit, accuracy,
r2; sweep; table (a CSV file or a frame), iris, train_test_split; load, which reads what model.save("model.json") wrote;
to_numpy_source, to_onnx, to_torch, to_javascript, to_c.

Pictures (chainrule.viz): draw, steps, explain, curves, draw_dot; live, a network to play with in the browser; report, a
page about data, training and result; worksheet, the chain rule on paper.

>>> import chainrule as cr
>>> x = cr.Value(3.0, label="x")
>>> y = x * x + 1
>>> y.backward()
>>> x.grad
6.0
"""

import typing as _typing
from importlib import import_module as _import_module
from pathlib import Path as _Path

if __name__ != "chainrule":
    raise ImportError(f"this package is called chainrule, not {__name__}: write import chainrule")
if (_Path(__file__).resolve().parents[1] / "pyproject.toml").is_file():  # a checkout: the floors stand beside it
    __path__.append(str(_Path(__file__).resolve().parents[1]))

# isort: off
from .engine import (  # engine, written by tools/table.py
    Value, DomainError, no_grad, enable_grad, grad, value_and_grad, jacobian, hessian, hvp, gradients, Application,
    applications, gradcheck, diagnose, compile, Program, Table, TraceError, OPS, Op, Operators, register, unregister,
    check_row, topological_order, trace, absolute, acos, acosh, add, asin, asinh, atan, atan2, atanh, cbrt, ceil, clip,
    cos, cosh, cosine, deg2rad, digamma, divide, dot, elu, erf, erfc, exp, exp2, expm1, floor, floor_divide, gelu,
    hypot, identity, leaky_relu, lgamma, log, log10, log1p, log2, logaddexp, logsumexp, maximum, minimum, mod, multiply,
    neg, pick, power, rad2deg, relu, rint, sech, sigmoid, sign, silu, sin, sinh, softplus, sqrt, step, subtract, tan,
    tanh, total, trigamma, trunc, where,
)  # fmt: skip
from .nn import (  # nn, written by tools/table.py
    Adagrad, Adam, AdamW, Dataset, Dropout, History, LastStep, Layer, MLP, ModelFileError, Module, Neuron, Optimiser,
    Preparation, RMSProp, Run, SGD, Sequential, Sweep, Wishes, accuracy, binary_cross_entropy, circles, class_weights,
    confusion, cross_entropy, datasets, digits, fit, from_sklearn, from_torch, gaussians, hinge, houses, huber, init,
    iris, l1, l2, load, mae, moons, mse, penguins, r2, schedules, sine, softmax, spirals, sweep, table, to_c,
    to_javascript, to_numpy_source, to_onnx, to_torch, train_test_split, units, wishes, xor,
)  # fmt: skip

if _typing.TYPE_CHECKING:  # pictures are imported when one is asked for, as they take a third of the time
    from .viz import *  # noqa: F403  by its names, mypy would take the folder viz/live for the function live

__version__ = "0.2.0"

__all__ = [  # all, written by tools/table.py
    "__version__", "Value", "DomainError", "no_grad", "enable_grad", "grad", "value_and_grad", "jacobian", "hessian",
    "hvp", "gradients", "Application", "applications", "gradcheck", "diagnose", "compile", "Program", "Table",
    "TraceError", "OPS", "Op", "Operators", "register", "unregister", "check_row", "topological_order", "trace",
    "absolute", "acos", "acosh", "add", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil", "clip", "cos",
    "cosh", "cosine", "deg2rad", "digamma", "divide", "dot", "elu", "erf", "erfc", "exp", "exp2", "expm1", "floor",
    "floor_divide", "gelu", "hypot", "identity", "leaky_relu", "lgamma", "log", "log10", "log1p", "log2", "logaddexp",
    "logsumexp", "maximum", "minimum", "mod", "multiply", "neg", "pick", "power", "rad2deg", "relu", "rint", "sech",
    "sigmoid", "sign", "silu", "sin", "sinh", "softplus", "sqrt", "step", "subtract", "tan", "tanh", "total",
    "trigamma", "trunc", "where", "Adagrad", "Adam", "AdamW", "Dataset", "Dropout", "History", "LastStep", "Layer",
    "MLP", "ModelFileError", "Module", "Neuron", "Optimiser", "Preparation", "RMSProp", "Run", "SGD", "Sequential",
    "Sweep", "Wishes", "accuracy", "binary_cross_entropy", "circles", "class_weights", "confusion", "cross_entropy",
    "datasets", "digits", "fit", "from_sklearn", "from_torch", "gaussians", "hinge", "houses", "huber", "init", "iris",
    "l1", "l2", "load", "mae", "moons", "mse", "penguins", "r2", "schedules", "sine", "softmax", "spirals", "sweep",
    "table", "to_c", "to_javascript", "to_numpy_source", "to_onnx", "to_torch", "train_test_split", "units", "wishes",
    "xor", "boundary", "confusion_table", "curves", "draw", "draw_dot", "explain", "landscape", "live", "load_numbers",
    "replay", "report", "steps", "walk", "wish_bars", "worksheet",
]  # fmt: skip

if not _typing.TYPE_CHECKING:

    def __getattr__(name: str) -> _typing.Any:
        """The package `viz`, and the names of it, when they are first asked for."""
        if name != "viz" and name not in __all__:
            from .nn.elsewhere import MODULE, no_attribute

            raise AttributeError(no_attribute("module 'chainrule'", name, MODULE, __all__))
        module = _import_module("chainrule.viz")
        return module if name == "viz" else globals().setdefault(name, getattr(module, name))

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__, "viz"})
