"""Small networks made of Values: models, losses, optimisers, data and a training loop."""

if __name__ != "chainrule.nn":  # a second copy would have classes and a table of its own
    raise ImportError(f"{__name__} is called chainrule.nn: write `from chainrule.nn import MLP`")

from . import datasets, init
from .datasets import iris, train_test_split
from .losses import cross_entropy, mse
from .metrics import accuracy
from .modules import MLP, Layer, Module, Neuron, units
from .optimisers import SGD, Adam, Optimiser
from .probabilities import softmax
from .sweeps import Run, Sweep, sweep
from .training import History, fit

__all__ = [
    "MLP", "SGD", "Adam", "History", "Layer", "Module", "Neuron", "Optimiser", "accuracy", "cross_entropy", "datasets",
    "fit", "init", "iris", "mse", "softmax", "sweep", "Run", "Sweep", "train_test_split", "units",
]  # fmt: skip
