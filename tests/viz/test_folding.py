"""Folding: the values of a neuron or of a layer become one card, which shows what they have in common."""

from __future__ import annotations

import pytest
from picture_helpers import SVG, boxes_of_cards, marked, network, parsed, tooltip

from chainrule import nn, viz
from chainrule.engine import Value
from chainrule.engine.graph import topological_order
from chainrule.viz.common.text import short


def test_a_small_graph_is_not_folded_and_a_large_one_is():
    small, large = network([1, 2]), network([2, 4, 4])
    assert len(marked(viz.draw(small).svg, "card")) == len(topological_order(small))
    names = [card.findtext(f"{SVG}text[@class='name']") for card in marked(viz.draw(large).svg, "card")]
    assert {"x1", "x2", "h1_1", "h1_4", "h2_1", "loss"} <= set(names) and len(names) < 20


def test_a_folded_neuron_shows_its_output_and_a_bar_for_each_of_many_parameters():
    loss = network([6, 4, 4])
    loss.backward()
    output = next(value for value in topological_order(loss) if value.label == "h1_2")
    card = next(c for c in marked(viz.draw(loss, fold="neurons").svg, "card") if c.findtext(f"{SVG}text") == "h1_2")
    assert repr(output.grad).replace("-", "−") in tooltip(card)
    assert len([rect for rect in card.iter(f"{SVG}rect") if "bar" in rect.attrib["class"]]) == 7


def test_a_folded_neuron_with_few_parameters_names_them_with_their_numbers_and_what_they_are_multiplied_with():
    loss = network([2, 4, 4])
    loss.backward()
    values = {value.label: value for value in topological_order(loss)}
    card = next(c for c in marked(viz.draw(loss, fold="neurons").svg, "card") if c.findtext(f"{SVG}text") == "h1_2")
    rows = [[t.text for t in group.iter(f"{SVG}text")] for group in card.iter(f"{SVG}g") if "data-row" in group.attrib]
    numbers = {name: [short(values[name].data), short(values[name].grad)] for name in ("b1_2", "w1_21", "w1_22")}
    assert rows == [
        ["b1_2", *numbers["b1_2"]], ["w1_21", "× x1", *numbers["w1_21"]], ["w1_22", "× x2", *numbers["w1_22"]]
    ]  # fmt: skip


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_link_between_layers_shows_its_strongest_edge_and_the_sum_of_all(sign):
    loss = network([2, 3, 3]) * sign
    loss.backward()
    passed = []
    for value in topological_order(loss):
        if getattr(value, "unit", ("",))[0] == "layer 2":
            for argument, local in zip(value._prev, value._local_grads):
                if getattr(argument, "unit", ("",))[0] == "layer 1":
                    passed.append(local * value.grad)
    edges = [edge for edge in marked(viz.draw(loss, fold="layers").svg, "edge") if "back to h1" in tooltip(edge)]
    (edge,) = [edge for edge in edges if tooltip(edge).startswith(f"{len(passed)} edges")]
    strongest = max(passed, key=abs)
    assert min(passed) < 0 < max(passed)  # otherwise the test of the sign would prove nothing
    assert repr(strongest).replace("-", "−") in tooltip(edge)
    assert tooltip(edge).endswith(f"over all: {short(sum(map(abs, passed)))}")
    assert (" p" in edge.attrib["class"]) == (strongest > 0)


@pytest.mark.parametrize("fold", ["neurons", "layers"])
def test_links_between_folded_cards_show_the_strongest_gradient_and_the_sum(fold):
    loss = network([2, 3, 3])
    loss.backward()
    tips = [tooltip(edge) for edge in marked(viz.draw(loss, fold=fold).svg, "edge")]
    assert any("sum of |gradient|" in tip for tip in tips) == (fold == "layers")
    assert all("passes" in tip or "along this edge" in tip for tip in tips)


def test_a_model_of_nn_folds_into_its_neurons():
    model = nn.MLP(4, [16, 16, 3], rng=0)
    inputs = [Value(number, label=f"x{i}") for i, number in enumerate((5.1, 3.5, 1.4, 0.2), 1)]
    loss = nn.cross_entropy(model(inputs), 1)
    loss.backward()
    cards = marked(viz.draw(loss).svg, "card")
    tables = [card for card in cards if card.find(f"{SVG}g[@class='matrix gradients']") is not None]
    rows = [[group for group in card.iter(f"{SVG}g") if "data-row" in group.attrib] for card in tables]
    assert [len(own) for own in rows] == [16, 16]
    assert [row.findtext(f"{SVG}text") for row in rows[1]] == [f"h2_{j}" for j in range(1, 17)]
    folded = [card for card in cards if "fold" in card.attrib["class"] and card not in tables]
    bars = [rect for card in folded for rect in card.iter(f"{SVG}rect") if "bar" in rect.attrib["class"]]
    assert len(folded) == 3 and len(cards) == 12 and len(bars) == 3 * 17
    paths = [path for card in tables for path in card.find(f"{SVG}g[@class='matrix gradients']").iter(f"{SVG}path")]
    squares = [path.attrib["d"].count("M") for path in paths]
    assert sum(squares) + len(bars) == len(model.parameters()) - 2 * 16  # the biases of the two tables have no square


def test_an_attribute_named_unit_that_nn_did_not_set_folds_nothing():
    x = Value(1.0, label="x")
    x.unit = "cm"
    y = x * x
    y.unit = "cm²"
    assert len(marked(viz.draw(y, fold="neurons").svg, "card")) == 2


def test_layers_have_boxes_with_their_neurons_in_order():
    svg = viz.draw(network([4, 8, 7, 3])).svg
    titles = [text.text for text in parsed(svg).iter(f"{SVG}text") if "title" in text.attrib["class"]]
    assert titles == ["layer 1", "layer 2", "layer 3"]
    boxes = {card.findtext(f"{SVG}text"): box for card, box in zip(marked(svg, "card"), boxes_of_cards(svg))}
    heights = [boxes[f"h1_{j}"][1] for j in range(1, 9)]
    assert heights == sorted(heights)


def test_each_call_of_a_recurrent_neuron_is_a_card_of_its_own():
    weights = {"h1": Value(0.5, label="w1"), "h2": Value(-0.5, label="w2")}
    states = [Value(1.0, label="x1"), Value(2.0, label="x2")]
    for _ in range(3):
        following = []
        for name, weight in weights.items():
            total = weight * (states[0] + states[1])
            state = total.tanh()
            weight.unit = total.unit = state.unit = total._prev[1].unit = ("cell", name)
            state.label = name
            following.append(state)
        states = following
    out = states[0] * states[1]
    out.label = "out"
    names = [card.findtext(f"{SVG}text") for card in marked(viz.draw(out, fold="neurons").svg, "card")]
    calls = ["h1", "h1 (2)", "h1 (3)", "h2", "h2 (2)", "h2 (3)"]
    assert sorted(names) == [*calls, "out", "x1", "x2"]
