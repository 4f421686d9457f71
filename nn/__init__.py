"""Small networks made of Values: models, losses, optimisers, data and a training loop."""

if __name__ != "chainrule.nn":  # a second copy would have classes and a table of its own
    raise ImportError(f"{__name__} is called chainrule.nn: write `from chainrule.nn import MLP`")

from . import datasets, init, schedules
from .data.dataset import Dataset
from .data.preparation import Preparation
from .data.splitting import train_test_split
from .data.tables import table
from .datasets import circles, digits, gaussians, houses, iris, moons, penguins, sine, spirals, xor
from .dropout import Dropout
from .last_step import LastStep
from .losses import binary_cross_entropy, cross_entropy, hinge, huber, mae, mse
from .metrics import accuracy
from .modules import MLP, Layer, Module, Neuron, units
from .optimisers import SGD, Adagrad, Adam, AdamW, Optimiser, RMSProp
from .penalties import class_weights, l1, l2
from .probabilities import softmax
from .sequential import Sequential
from .training import History, fit

__all__ = [
    "MLP", "SGD", "Adagrad", "Adam", "AdamW", "Dataset", "Dropout", "History", "LastStep", "Layer", "Module", "Neuron",
    "Optimiser", "Preparation", "RMSProp", "Sequential", "accuracy", "binary_cross_entropy", "circles",
    "class_weights", "cross_entropy", "datasets", "digits", "fit", "gaussians", "hinge", "houses", "huber", "init",
    "iris", "l1", "l2", "mae", "moons", "mse", "penguins", "schedules", "sine", "softmax", "spirals", "table",
    "train_test_split", "units", "xor",
]  # fmt: skip
