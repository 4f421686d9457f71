"""Pictures of computations and of trainings: drawn, stepped through, explained."""

if __name__ != "chainrule.viz":  # a second copy of every class and of the table would not know the first
    raise ImportError(f"{__name__} is called chainrule.viz: write `from chainrule.viz import draw`")

from .dot import draw_dot, trace
from .graph.drawing import draw
from .plots.training import curves
from .stepper.stepping import steps
from .stepper.words import explain

__all__ = ["curves", "draw", "draw_dot", "explain", "steps", "trace"]
