"""Pictures of computations and of trainings: graphs are drawn, stepped through and explained; trainings are plotted."""

if __name__ != "chainrule.viz":  # a second copy would have classes and a table of its own
    raise ImportError(f"{__name__} is called chainrule.viz: write `from chainrule.viz import draw`")

from .dot import draw_dot, trace
from .graph.drawing import draw
from .live.live import live, replay
from .live.panels import boundary, confusion_table, landscape, wish_bars
from .live.reading import load_numbers
from .plots.training import curves
from .reports.page import report
from .stepper.explanation import explain
from .stepper.film import walk
from .stepper.stepping import steps
from .stepper.worksheet import worksheet

__all__ = [
    "boundary", "confusion_table", "curves", "draw", "draw_dot", "explain", "landscape", "live", "load_numbers",
    "replay", "report", "steps", "trace", "walk", "wish_bars", "worksheet",
]  # fmt: skip
