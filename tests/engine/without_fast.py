"""A pytest plugin: `pytest -p without_fast` runs tests with all that engine/fast/ has switched off."""

from operator import mul

from chainrule.engine import graph, transforms, value
from chainrule.engine.compiler import program
from chainrule.engine.compiler.scalar import eager
from chainrule.engine.fast.operators import FastOperators
from chainrule.nn import loop, modules, objective, stepping


def apply_by_row(cls, op, arguments):
    return cls._from_row(op, arguments)


def all_nodes(root):
    order = graph.topological_order(root)
    return order, len(order)


def sum_by_operators(weights, inputs, start):
    return sum(map(mul, weights, inputs), start)


def read_one_by_one(leaves):
    return [leaf.data for leaf in leaves]


def write_one_by_one(leaves, numbers):
    for leaf, number in zip(leaves, numbers, strict=True):
        if leaf.requires_grad:
            leaf.data = number


# For each (module, name that it imports from fast/), what takes its place. FusedSum and SharedInputs are missing, since
# only weighted_sum puts them into a graph; pytest_configure removes the operators.
GENERAL = {
    (value, "backpropagate"): graph.backpropagate,
    (value, "refresh"): graph.refresh,
    (transforms, "derivatives"): lambda root, leaves, unchanged: None,
    (modules, "weighted_sum"): sum_by_operators,
    (objective, "whole_sums"): all_nodes,
    **{(module, "data_of"): read_one_by_one for module in (eager, loop, objective, program, stepping)},
    (stepping, "put_data"): write_one_by_one,
}


def pytest_configure():
    for (module, name), general in GENERAL.items():
        setattr(module, name, general)
    for name, made in list(vars(FastOperators).items()):
        if callable(made) and name != "__init_subclass__":
            delattr(FastOperators, name)
    FastOperators.__apply__ = classmethod(apply_by_row)
