"""Each module of nn lists its public names, and nn hands on those that users need: the laws are found by them."""

import importlib
import inspect
import pkgutil

import pytest

from chainrule import nn

MODULES = [module.name for module in pkgutil.iter_modules(nn.__path__) if not module.ispkg]
INTERNAL = {"checks", "objective"}  # what fit is made of


@pytest.mark.parametrize("name", MODULES)
def test_a_module_lists_what_it_defines(name):
    module = importlib.import_module(f"chainrule.nn.{name}")
    defined = {
        key for key, thing in vars(module).items()
        if (inspect.isfunction(thing) or inspect.isclass(thing)) and thing.__module__ == module.__name__
        and not key.startswith("_")
    }  # fmt: skip
    assert defined <= set(module.__all__)
    assert all(hasattr(module, key) for key in module.__all__)


@pytest.mark.parametrize("name", sorted({*MODULES} - INTERNAL - {"init"}))  # init is used as nn.init.uniform
def test_nn_hands_on_the_names_of_its_modules(name):
    module = importlib.import_module(f"chainrule.nn.{name}")
    for key in module.__all__:
        if not key.startswith("check"):
            assert key in nn.__all__ and getattr(nn, key) is getattr(module, key)
