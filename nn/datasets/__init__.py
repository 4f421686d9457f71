"""Small data sets that come with the package: measured ones (see LICENCES.md beside this file), and generated ones."""

from ..data.dataset import Dataset
from ..data.splitting import train_test_split
from .generated import circles, gaussians, houses, moons, sine, spirals, xor
from .measured import digits, iris, penguins

__all__ = [
    "Dataset", "circles", "digits", "gaussians", "houses", "iris", "moons", "penguins", "sine", "spirals",
    "train_test_split", "xor",
]  # fmt: skip
