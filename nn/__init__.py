"""Small networks made of Values: models, losses, optimisers, data and a training loop."""

if __name__ != "chainrule.nn":  # a second copy would have classes and a table of its own
    raise ImportError(f"{__name__} is called chainrule.nn: write `from chainrule.nn import MLP`")

from . import datasets, init, kinds  # noqa: F401  kinds tells saving of the models
from .datasets import iris, train_test_split
from .losses import cross_entropy, mse
from .metrics import accuracy
from .modules import MLP, Layer, Module, Neuron, units
from .optimisers import SGD, Adam, Optimiser
from .probabilities import softmax
from .saving import ModelFileError, load
from .sweeps import Run, Sweep, sweep
from .training import History, fit

__all__ = [
    "MLP", "SGD", "Adam", "History", "Layer", "ModelFileError", "Module", "Neuron", "Optimiser", "Run", "Sweep",
    "accuracy", "cross_entropy", "datasets", "fit", "init", "iris", "load", "mse", "softmax", "sweep",
    "train_test_split", "units",
]  # fmt: skip
