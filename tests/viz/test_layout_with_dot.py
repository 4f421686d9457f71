"""engine="dot": Graphviz places the cards, and all the rest of the drawing stays as it is."""

from __future__ import annotations

import shutil
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from picture_helpers import SVG, boxes_of_cards, graphs, marked, network, neuron, tooltip

from chainrule import viz
from chainrule.engine import Value
from chainrule.engine.graph import topological_order
from chainrule.viz.graph.layout import with_dot as graphviz_layout
from chainrule.viz.graph.layout.layered import CARD_GAP
from chainrule.viz.graph.layout.with_dot import arrange_with_dot

with_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="no dot on this machine")


@with_dot
@given(graphs())
def test_columns_lead_to_the_right_and_cards_keep_their_distance(value):
    number = {}
    for one in topological_order(value):
        number[one] = len(number)
    edges = [(number[parent], number[one]) for one in number for parent in one._prev]
    heights = [80.0 + 28.0 * (place % 2) for place in range(len(number))]
    layout = arrange_with_dot(heights, edges, [None] * len(heights))
    for (start, end), bends in zip(edges, layout.bends):
        passed = [column for column, _ in bends]
        assert passed == list(range(layout.column[start] + 1, layout.column[end]))
        assert layout.column[start] < layout.column[end]
    for column in set(layout.column):
        cards = sorted([(y, high) for own, y, high in zip(layout.column, layout.y, heights) if own == column])
        for (upper, high), (lower, other_high) in pairwise(cards):
            assert lower - upper >= (high + other_high) / 2 + CARD_GAP - 1e-9


@with_dot
@pytest.mark.parametrize("fold", ["none", "neurons", "layers"])
def test_dot_draws_the_same_cards_and_edges_as_the_default(fold):
    loss = network([2, 3, 3])
    loss.backward()
    ours, dots = viz.draw(loss, fold=fold).svg, viz.draw(loss, fold=fold, engine="dot").svg
    for kind in ("card", "edge"):
        assert [tooltip(mark) for mark in marked(ours, kind)] == [tooltip(mark) for mark in marked(dots, kind)]
    assert ours != dots


@with_dot
def test_the_box_of_a_layer_holds_only_its_own_cards():
    svg = viz.draw(network([4, 6, 6, 3]), engine="dot", fold="neurons").svg
    places = {}
    for card, (x, y, _, _) in zip(marked(svg, "card"), boxes_of_cards(svg)):
        places[card.findtext(f"{SVG}text")] = (x, y)
    columns = [{places[f"h{layer}_{j}"][0] for j in range(1, size + 1)} for layer, size in ((1, 6), (2, 6), (3, 3))]
    assert [len(column) for column in columns] == [1, 1, 1]
    for layer, column in enumerate(columns, 1):
        heights = sorted((y, name.startswith(f"h{layer}_")) for name, (x, y) in places.items() if x in column)
        own = [is_own for _, is_own in heights]
        assert own == sorted(own) or own == sorted(own, reverse=True)


@with_dot
@given(st.sampled_from(['"];x [label="', "\\N", "<b>", "} | {", "a\nb"]))
def test_labels_are_not_given_to_dot(label):
    value = Value(1.0, label=label)
    assert len(marked(viz.draw(value * value, engine="dot").svg, "card")) == 2


def test_the_error_about_a_missing_dot_names_graphviz_and_the_default(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(FileNotFoundError, match=r'engine="dot".*install Graphviz.*"builtin", needs no other program'):
        viz.draw(neuron(), engine="dot")
    assert viz.draw(neuron()).svg


@with_dot
def test_dot_has_a_time_limit(monkeypatch):
    monkeypatch.setattr(graphviz_layout, "TIME_LIMIT", 1e-6)
    with pytest.raises(TimeoutError, match=r"more than 1e-06 s for 10 cards: fold them.*builtin"):
        viz.draw(neuron(), engine="dot")
