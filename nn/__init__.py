"""Small networks made of Values: models, losses, optimisers, data and a training loop."""

if __name__ != "chainrule.nn":  # a second copy would have classes and a table of its own
    raise ImportError(f"{__name__} is called chainrule.nn: write `from chainrule.nn import MLP`")

from . import datasets, init
from .data.dataset import Dataset
from .data.preparation import Preparation
from .data.splitting import train_test_split
from .data.tables import table
from .datasets import circles, digits, gaussians, houses, iris, moons, penguins, sine, spirals, xor
from .losses import cross_entropy, mse
from .metrics import accuracy
from .modules import MLP, Layer, Module, Neuron, units
from .optimisers import SGD, Adam, Optimiser
from .probabilities import softmax
from .training import History, fit

__all__ = [
    "MLP", "SGD", "Adam", "Dataset", "History", "Layer", "Module", "Neuron", "Optimiser", "Preparation", "accuracy",
    "circles", "cross_entropy", "datasets", "digits", "fit", "gaussians", "houses", "init", "iris", "moons", "mse",
    "penguins", "sine", "softmax", "spirals", "table", "train_test_split", "units", "xor",
]  # fmt: skip
