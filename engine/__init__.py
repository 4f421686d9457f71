"""Numbers that know their derivatives."""

from .graph import topological_order, trace
from .operators import Operators
from .ops import (
    absolute,
    add,
    divide,
    exp,
    log,
    logsumexp,
    multiply,
    neg,
    pick,
    power,
    relu,
    sigmoid,
    sqrt,
    step,
    subtract,
    tanh,
)  # fmt: skip
from .recording import no_grad
from .row import OPS, DomainError, Op
from .value import Value

__all__ = [
    "OPS", "DomainError", "Op", "Operators", "Value", "absolute", "add", "divide", "exp", "log", "logsumexp",
    "multiply", "neg", "no_grad", "pick", "power", "relu", "sigmoid", "sqrt", "step", "subtract", "tanh",
    "topological_order", "trace",
]  # fmt: skip
