"""The compiler: from the scalar code of one example to a NumPy program over all examples.

README.md lists the passes in order, with their signatures, and says where to begin reading. The rooms: trace/ runs the
function once and writes down what it does; scalar/ holds that as instructions on scalars; arrays/ does equal scalar
work side by side; emit/ writes the text of programs; run/ calls them on arrays. program.py is what users hold.
"""

from .program import Program, compile  # noqa: A004  always written qualified: engine.compile
from .run.specialisation import Instruction
from .trace.table import Table
from .trace.tape import Frozen, TraceError

__all__ = ["Frozen", "Instruction", "Program", "Table", "TraceError", "compile"]
