"""The architecture of a model: the same cards as for an example, with weights in the place of numbers and gradients."""

from __future__ import annotations

from collections import Counter

from chainrule.engine import Value, enable_grad
from chainrule.nn import MLP, Layer, Module, Neuron

from ..common.text import full, short
from ..common.values import values_of
from .folding import folded_scene
from .groups import MANY_NEURONS
from .neurons import units_of
from .scene import Card, Row, Scene

ANY_INPUT = 0.5  # the numbers are not shown


def architecture(model: Module) -> Scene:
    """What a model computes, without an example: its inputs, its neurons and their weights.

    Errors: TypeError for a model of one's own, which may read any inputs.
    """
    inputs = _input_count(model)
    with enable_grad():
        outputs = model([Value(ANY_INPUT, label=f"x{i}") for i in range(1, inputs + 1)])
    results = [outputs] if isinstance(outputs, Value) else list(outputs)
    order = list(dict.fromkeys([value for result in results for value in values_of(result)]))
    number = {value: index for index, value in enumerate(order)}
    units = units_of(order)
    sizes = Counter([layer for layer, _ in dict.fromkeys(filter(None, units_of(model.parameters())))])
    roots = sorted({number[result] for result in results})
    by = "layers" if max(sizes.values()) > MANY_NEURONS else "neurons"
    scene = folded_scene(order, None, units, by, grads=[0.0] * len(order), roots=roots)
    for card in scene.cards:
        _make_bare(card)
    for edge in scene.edges:
        edge.passed, edge.label = edge.local if scene.cards[edge.end].is_fold else 0.0, ""
        edge.detail = f"weight {full(edge.local)}" if scene.cards[edge.end].is_fold else ""
    count = len(model.parameters())
    scene.title = f"{inputs} inputs → {' → '.join(map(str, sizes.values()))}, {count:,} parameters"
    scene.shows, scene.notices = "weight", []
    scene.hints = [f"{scene.title}; draw(model(x)) draws an example with its numbers."]
    return scene


def _input_count(model: Module) -> int:
    part: Module = model
    if isinstance(part, MLP):
        part = part.layers[0]
    if isinstance(part, Layer):
        part = part.neurons[0]
    if isinstance(part, Neuron):
        return len(part.w)
    raise TypeError(
        f"draw(model) draws an MLP, a Layer or a Neuron; what a {type(model).__name__} reads, only its __call__ knows: "
        "draw what it returns for an example, draw(model(x))"
    )


def _make_bare(card: Card) -> None:
    """Leave out the numbers that belong to an example, and tint weights in place of gradients."""
    card.data = card.grad = ""
    card.strength, card.is_bare, card.bars = 0.0, not card.is_table, []
    card.detail = card.name
    for row in card.rows:
        if card.is_table:
            row.data = row.grad = ""
            row.detail = row.name
        else:
            _show_weight(row)


def _show_weight(row: Row) -> None:
    weight = float(row.data.replace("−", "-"))
    row.detail = row.detail.partition("\ngrad")[0]
    row.data, row.grad, row.strength = "", short(weight), weight
