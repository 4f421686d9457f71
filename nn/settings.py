"""The settings of an optimiser: which names it has, and what is meant by one that it does not have."""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any

__all__ = ["is_known", "no_setting"]


OTHER_NAMES = {  # what other libraries call the settings
    "learning_rate": ["alpha", "eta", "rate", "step_size", "learningRate", "base_lr", "eta0"],
    "momentum": ["mu", "beta", "nu"],
    "beta": ["alpha", "rho", "decay", "decay_rate"],
    "beta1": ["betas", "beta_1", "b1"],
    "beta2": ["betas", "beta_2", "b2"],
    "epsilon": ["eps"],
    "weight_decay": ["decay", "l2", "wd", "lambda_"],
    "clip_norm": ["clip", "clipnorm", "max_norm", "max_grad_norm", "grad_clip", "clip_grad_norm"],
    "clip_value": ["clipvalue", "clip_grad_value"],
    "schedule": ["scheduler", "lr_scheduler", "lr_schedule"],
    "nesterov": ["nesterovs_momentum"],
    "params": ["parameters", "param_groups", "variables", "trainable_variables"],
}


def is_known(kind: type, name: str) -> bool:
    return name.startswith("_") or hasattr(kind, name) or name in _own_names(kind)


@lru_cache(64)
def _own_names(kind: type) -> set[str]:
    """The attributes that the methods of a class name, and of the classes it is made from: a rule may keep anything."""
    names = set[str]()
    for base in kind.__mro__:
        for method in vars(base).values():
            codes = [method.__code__] if isinstance(method, FunctionType) else []
            while codes:
                code = codes.pop()
                names.update(code.co_names)
                codes += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return names


def no_setting(optimiser: Any, name: str) -> str:
    has = list(optimiser.settings)
    spelled = [each for each in (*has, "params") if name in OTHER_NAMES.get(each, ())]
    meant = spelled or get_close_matches(name, [*has, "params"], 1)
    hint = f"write {' and '.join(meant)}" if meant else f"it has {', '.join(has)}"
    kind = optimiser if isinstance(optimiser, type) else type(optimiser)
    return f"{kind.__name__} has no setting {name}; {hint}"
