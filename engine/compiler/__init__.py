"""From the scalar code of one example to a NumPy program over the batch: trace, lower, emit, run."""

from .lookup import Table
from .program import Instruction, Program, compile  # noqa: A004  always written qualified: engine.compile
from .tracing import Frozen, TraceError

__all__ = ["Frozen", "Instruction", "Program", "Table", "TraceError", "compile"]
