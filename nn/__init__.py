"""Small networks made of Values: models, losses, optimisers, data and a training loop."""

if __name__ != "chainrule.nn":  # a second copy would have classes and a table of its own
    raise ImportError(f"{__name__} is called chainrule.nn: write `from chainrule.nn import MLP`")

import typing as _typing

from . import datasets, init, kinds, schedules  # noqa: F401  kinds tells saving of the models
from .data.dataset import Dataset
from .data.preparation import Preparation
from .data.splitting import train_test_split
from .data.tables import table
from .datasets import circles, digits, gaussians, houses, iris, moons, penguins, sine, spirals, xor
from .dropout import Dropout
from .exports.devices import to_c, to_javascript
from .exports.numpy_source import to_numpy_source
from .exports.onnx_model import to_onnx
from .exports.pytorch import from_torch, to_torch
from .exports.scikit import from_sklearn
from .history import History
from .last_step import LastStep
from .losses import binary_cross_entropy, cross_entropy, hinge, huber, mae, mse
from .metrics import accuracy, confusion, r2
from .modules import MLP, Layer, Module, Neuron, units
from .optimisers import SGD, Adagrad, Adam, AdamW, Optimiser, RMSProp
from .penalties import class_weights, l1, l2
from .probabilities import softmax
from .saving import ModelFileError, load
from .sequential import Sequential
from .sweeps import Run, Sweep, sweep
from .training import fit
from .wishes import Wishes, wishes

__all__ = [
    "Adagrad", "Adam", "AdamW", "Dataset", "Dropout", "History", "LastStep", "Layer", "MLP", "ModelFileError", "Module",
    "Neuron", "Optimiser", "Preparation", "RMSProp", "Run", "SGD", "Sequential", "Sweep", "Wishes", "accuracy",
    "binary_cross_entropy", "circles", "class_weights", "confusion", "cross_entropy", "datasets", "digits", "fit",
    "from_sklearn", "from_torch", "gaussians", "hinge", "houses", "huber", "init", "iris", "l1", "l2", "load", "mae",
    "moons", "mse", "penguins", "r2", "schedules", "sine", "softmax", "spirals", "sweep", "table", "to_c",
    "to_javascript", "to_numpy_source", "to_onnx", "to_torch", "train_test_split", "units", "wishes", "xor",
]  # fmt: skip

if not _typing.TYPE_CHECKING:

    def __getattr__(name):
        """Names of other libraries are answered with what is written here."""
        from .elsewhere import MODULE, no_attribute

        raise AttributeError(no_attribute("module 'chainrule.nn'", name, MODULE, __all__))
