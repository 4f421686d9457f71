"""Small networks made of Values: models, losses, optimisers, data and a training loop."""

from . import datasets, init
from .datasets import iris, train_test_split
from .losses import cross_entropy, mse, softmax
from .metrics import accuracy
from .modules import MLP, Layer, Module, Neuron, units
from .optimisers import SGD, Adam, Optimiser
from .training import History, fit

__all__ = [
    "MLP", "SGD", "Adam", "History", "Layer", "Module", "Neuron", "Optimiser", "accuracy", "cross_entropy", "datasets",
    "fit", "init", "iris", "mse", "softmax", "train_test_split", "units",
]  # fmt: skip
