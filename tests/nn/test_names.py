"""Each module of nn lists its public names, on which the tests of laws rely, and nn hands on those for users."""

import importlib
import inspect
import pkgutil

import pytest

from chainrule import nn

MODULES = [module.name for module in pkgutil.iter_modules(nn.__path__) if not module.ispkg]
INTERNAL = {  # parts of fit, of models, of optimisers and of saving, which nn does not hand on
    "activations", "advice", "arguments", "callbacks", "checks", "elsewhere", "epochs", "kinds", "last_step", "loop",
    "masks", "modes", "objective", "parameters", "predicting", "progress", "saving", "settings", "stepping",
}  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_each_module_of_nn_lists_its_public_names(name):
    module = importlib.import_module(f"chainrule.nn.{name}")
    defined = {
        key for key, thing in vars(module).items()
        if (inspect.isfunction(thing) or inspect.isclass(thing)) and thing.__module__ == module.__name__
        and not key.startswith("_")
    }  # fmt: skip
    assert defined <= set(module.__all__)
    assert all(hasattr(module, key) for key in module.__all__)


@pytest.mark.parametrize("name", sorted({*MODULES} - INTERNAL - {"init", "schedules"}))  # used as nn.init.uniform
def test_nn_hands_on_the_public_names_of_its_modules(name):
    module = importlib.import_module(f"chainrule.nn.{name}")
    for key in module.__all__:
        if not key.startswith(("check", "is_")):
            said = f"import {key} in nn/__init__.py, name it in its __all__, and run python tools/table.py"
            assert key in nn.__all__ and getattr(nn, key) is getattr(module, key), said
