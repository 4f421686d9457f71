"""`to_torch` and `from_torch`: networks of PyTorch. It is imported when one of them is called."""

from __future__ import annotations

from typing import Any

import numpy as np

from .stages import Activation, Affine, folded, network, stages

__all__ = ["from_torch", "to_torch"]

# The modules of PyTorch that do what a row of the table does, with the settings that make them equal.
MODULES: dict[str, tuple[str, dict[str, Any]]] = {
    "elu": ("ELU", {"alpha": 1.0}),
    "gelu": ("GELU", {"approximate": "none"}),
    "identity": ("Identity", {}),
    "leaky_relu": ("LeakyReLU", {"negative_slope": 0.01}),
    "relu": ("ReLU", {}),
    "sigmoid": ("Sigmoid", {}),
    "silu": ("SiLU", {}),
    "softmax": ("Softmax", {"dim": -1}),
    "softplus": ("Softplus", {"beta": 1.0, "threshold": 700.0}),  # from 20 on, PyTorch's own drops e^-20
    "tanh": ("Tanh", {}),
}
PASSED = ("Dropout", "Identity", "Flatten")  # they do nothing to one example while a model predicts


def to_torch(model: Any) -> Any:
    """A torch.nn.Sequential of float64 that predicts what the model predicts, in eval mode.

    The scaling of a model that was trained on a Dataset goes along, folded into the first and the last matrix: the
    inputs are numbers as they stand in the table (1 and 0 for the categories, in the order of
    preparation.feature_names).

    Shapes: its inputs are (n, features), its outputs (n, outputs), also where there is one.
    Errors: TypeError for a Module of one's own, ValueError for an activation that PyTorch has no module for;
    ImportError without PyTorch: pip install "chainrule[export]".
    """
    torch = _torch()
    found = stages(model, "to_torch")
    parts = []
    for stage in folded(found):
        if isinstance(stage, Affine):
            outputs, inputs = stage.weights.shape
            linear = torch.nn.Linear(inputs, outputs, dtype=torch.float64)
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(stage.weights))
                linear.bias.copy_(torch.from_numpy(stage.biases))
            parts.append(linear)
        elif stage.name in MODULES:
            name, settings = MODULES[stage.name]
            parts.append(getattr(torch.nn, name)(**settings))
        else:
            known = ", ".join(sorted(MODULES))
            raise ValueError(f"PyTorch has no module for the activation {stage.name!r}; to_torch knows {known}")
    return torch.nn.Sequential(*parts).eval()


def from_torch(module: Any) -> Any:
    """An MLP (or a Sequential) that predicts what this network of PyTorch predicts, to be drawn, stepped and explained.

    It takes torch.nn.Linear, Sequential of it, and ELU, GELU, Identity, LeakyReLU, ReLU, Sigmoid, SiLU, Softmax,
    Softplus and Tanh; Dropout and Flatten are left out. The numbers become Python floats, exactly.

    Errors: TypeError for another module, with its place; ValueError for one with settings that no operation here has.
    """
    torch = _torch()
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"from_torch takes a torch.nn.Module, got {type(module).__name__} {module!r:.80}")
    found: list[Affine | Activation] = []
    leaves = [(name or "the model", each) for name, each in module.named_modules() if not list(each.children())]
    boxes = [(name or "the model", each) for name, each in module.named_modules() if list(each.children())]
    for name, each in boxes:
        if type(each) is not torch.nn.Sequential:
            raise TypeError(
                f"{name} is a {type(each).__name__} with a forward() of its own, which from_torch cannot read; put its "
                "layers into a torch.nn.Sequential, in their order"
            )
    for name, each in leaves:
        if isinstance(each, torch.nn.Linear):
            weights = each.weight.detach().cpu().double().numpy()
            biases = np.zeros(len(weights)) if each.bias is None else each.bias.detach().cpu().double().numpy()
            found.append(Affine(weights, biases))
        elif type(each).__name__ not in PASSED:
            found.append(Activation(_activation(name, each)))
    if not any(isinstance(stage, Affine) for stage in found):
        raise TypeError("from_torch needs at least one torch.nn.Linear; there is none")
    return network(found)


def _activation(name: str, module: Any) -> str:
    for operation, (kind, settings) in MODULES.items():
        if type(module).__name__ == kind:
            for setting, wanted in settings.items():
                given = getattr(module, setting)
                loose = setting == "threshold" or (setting == "dim" and given in (None, 1))
                if given != wanted and not loose:
                    raise ValueError(f"{name} is {module}; chainrule's {operation} has {setting}={wanted!r} only")
            return operation
    raise TypeError(f"{name} is a {type(module).__name__}; from_torch knows Linear and {', '.join(sorted(MODULES))}")


def _torch() -> Any:
    try:
        import torch
    except ImportError:
        raise ImportError('PyTorch is not installed; run pip install "chainrule[export]"') from None
    return torch
