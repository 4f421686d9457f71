"""The architecture of a model: the same cards as for an example, with weights in the place of numbers and gradients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from chainrule.engine import Value, enable_grad
from chainrule.engine.numeric import counted
from chainrule.nn import MLP, Layer, Module, Neuron

from ..common.text import full, short
from ..common.values import values_of
from .bundles import MOST_LINES
from .folding import bars_of, folded_scene
from .groups import FEW_NEURONS, MANY_NEURONS
from .neurons import units_of
from .scene import Card, Row, Scene

ANY_INPUT = 0.5  # the numbers are not shown


def architecture(model: Module) -> Scene:
    """What a model computes, without an example: its inputs, its neurons and their weights.

    Errors: TypeError for a model of one's own, which may read any inputs.
    """
    inputs = _input_count(model)
    given = [Value(ANY_INPUT, label=f"x{i}") for i in range(1, inputs + 1)]
    with enable_grad():
        outputs = model(given)
    results = [outputs] if isinstance(outputs, Value) else list(outputs)
    order = list(dict.fromkeys([value for result in results for value in values_of(result)]))
    number = {value: index for index, value in enumerate(order)}
    units = units_of(order)
    sizes = Counter([layer for layer, _ in dict.fromkeys(filter(None, units_of(model.parameters())))])
    roots = sorted({number[result] for result in results})
    by = "layers" if max(sizes.values()) > MANY_NEURONS else "neurons"
    scene = folded_scene(order, None, units, by, grads=[0.0] * len(order), roots=roots)
    weights: dict[str, list[float]] = {}
    for value, unit in zip(order, units):
        if unit and value.operation is None:
            weights.setdefault(unit[0], []).append(value.data)
    for card in scene.cards:
        own = [order[row.value].data for row in card.terms if row.value is not None]
        _make_bare(card, weights.get(card.layer, []) if by == "layers" else own)
    for edge in scene.edges:
        edge.passed, edge.label = edge.local if scene.cards[edge.end].is_fold else 0.0, ""
        edge.detail = f"weight {full(edge.local)}" if scene.cards[edge.end].is_fold else ""
    if inputs > FEW_NEURONS:
        _join_inputs(scene, {scene.card_of[number[one]][0] for one in given if one in number})
    count = len(model.parameters())
    scene.title = f"{counted(inputs, 'input')} → {' → '.join(map(str, sizes.values()))}, {count:,} parameters"
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
        "draw(model) draws an MLP, a Layer or a Neuron; "
        f"only the __call__ of {type(model).__name__} knows what it reads: "
        "draw what it returns for an example, draw(model(x))"
    )


def _join_inputs(scene: Scene, inputs: set[int]) -> None:
    """Make one card of many inputs; of its edges to a card or a row, the one with the strongest weight stays."""
    kept = [number for number in range(len(scene.cards)) if number not in inputs]
    place = dict.fromkeys(inputs, 0) | {number: at for at, number in enumerate(kept, 1)}
    names = [scene.cards[number].name for number in sorted(inputs)]
    joined = Card(
        counted(len(names), "input"),
        "",
        "",
        0.0,
        f"{counted(len(names), 'input')}: {names[0]}, …, {names[-1]}",
        is_chip=True,
    )
    scene.cards = [joined, *[scene.cards[number] for number in kept]]
    scene.card_of = [(place[card], row) for card, row in scene.card_of]
    for edge in [*scene.edges, *scene.faint]:
        edge.start, edge.end = place[edge.start], place[edge.end]
    strongest = sorted([edge for edge in scene.edges if edge.start == 0], key=lambda edge: -abs(edge.passed))
    first = {(edge.end, edge.end_row): edge for edge in reversed(strongest)}
    shown = sorted(first.values(), key=lambda edge: -abs(edge.passed))[:MOST_LINES]
    for edge in shown:
        edge.detail = f"the strongest of the weights: {edge.detail}"
    scene.edges = sorted(shown, key=lambda edge: edge.end_row or 0) + [edge for edge in scene.edges if edge.start]
    scene.faint = [edge for edge in scene.faint if edge.start]


def _make_bare(card: Card, weights: Sequence[float]) -> None:
    """Leave out the numbers that belong to an example, and show weights in place of gradients."""
    card.data = card.grad = ""
    card.strength, card.is_bare, card.bars = 0.0, not card.is_table, bars_of(weights)
    card.detail = f"{card.name}: {len(weights):,} parameters" if weights else card.name
    for row in card.rows:
        if card.is_table:
            row.data = row.grad = ""
            row.detail = row.name
        else:
            _show_weight(row)
        for term in row.terms:
            _show_weight(term)
    for term in card.terms:
        _show_weight(term)


def _show_weight(row: Row) -> None:
    weight = float(row.data.replace("−", "-"))
    row.detail = row.detail.partition("\ngrad")[0]
    row.data, row.grad, row.strength = "", short(weight), weight
