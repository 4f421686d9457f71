"""Pictures of computations and of trainings: drawn, stepped through, explained."""

from viz.dot import draw_dot, trace
from viz.explanations import explain
from viz.plots import curves
from viz.stepper import steps
from viz.svg import draw

__all__ = ["curves", "draw", "draw_dot", "explain", "steps", "trace"]
