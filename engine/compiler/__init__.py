"""From the scalar code of one example to a NumPy program over the batch, in four stages.

1. Trace: what the function does, on a tape (tracing, tape; lookup: tables of rows that a traced number may index).
2. Lower: simplified instructions on scalars, their gradients (lowering); the same work side by side in arrays (lanes).
3. Emit: one line for each scalar (straight), or for each array: its memory (buffers), windows and lines (arrays), each
   kind of instruction with its adjoint (kinds, picks), gradients on their way (terms) and where they add up (adjoints),
   one line for what is done to several (joining), whole functions (functions). Common to both: emitting.
4. Run: programs bound to arrays (program, versions), their buffers and calls (running), files of their own (saving).
"""

from .program import Program, compile  # noqa: A004  always written qualified: engine.compile
from .run.specialisation import Instruction
from .trace.table import Table
from .trace.tape import Frozen, TraceError

__all__ = ["Frozen", "Instruction", "Program", "Table", "TraceError", "compile"]
