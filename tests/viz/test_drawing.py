"""draw(): the picture has every value and every argument of any graph, and no card overlaps another."""

from __future__ import annotations

import math
import random
import re

import pytest
from hypothesis import given
from picture_helpers import SVG, boxes_of_cards, graphs, marked, neuron, parsed, tooltip

from chainrule import nn, viz
from chainrule.engine import Value
from chainrule.engine.graph import topological_order
from chainrule.viz.graph.labels import CROWD


def test_the_tooltip_has_the_whole_of_a_shortened_label():
    a = Value(2.0, label="the learning rate of the first layer, before the warm-up")
    (card,) = marked(viz.draw(a).svg, "card")
    assert tooltip(card).startswith("the learning rate of the first layer, before the warm-up")
    assert card.findtext(f"{SVG}text[@class='name']").endswith("…")


@given(graphs())
def test_every_value_has_a_card_and_every_argument_an_edge(value):
    svg = viz.draw(value, fold="none").svg
    order = topological_order(value)
    assert len(marked(svg, "card")) == len(order)
    assert len(marked(svg, "edge")) == sum(len(one._prev) for one in order)
    slopes = [slope for one in order for slope in one._local_grads]
    labels = len(marked(svg, "label"))
    assert len(slopes) - slopes.count(0.0) <= labels <= len(slopes)
    assert labels == len(slopes) or len(slopes) > CROWD  # only in a crowd is the label × 0 left out


@given(graphs())
def test_no_two_cards_overlap_and_edges_lead_to_the_right(value):
    drawing = viz.draw(value, fold="none")
    boxes = boxes_of_cards(drawing.svg)
    for i, (x, y, wide, high) in enumerate(boxes):
        assert x >= 0 and y >= 0 and x + wide <= drawing.width and y + high <= drawing.height
        for other_x, other_y, other_wide, other_high in boxes[:i]:
            beside = x >= other_x + other_wide or other_x >= x + wide
            assert beside or y >= other_y + other_high or other_y >= y + high
    for edge in marked(drawing.svg, "edge"):
        line = edge.find(f"{SVG}path[@class='line']").attrib["d"]
        start = float(re.match(r"M([\d.]+)", line)[1])
        tip = edge.find(f"{SVG}path[@class='tip']").attrib["d"]
        assert start < float(re.match(r"M([\d.]+)", tip)[1])


def flower(logits=(-5.834, 2.036, 4.057), target=1):
    scores = [Value(logit, label=f"h3_{i}") for i, logit in enumerate(logits, 1)]
    loss = nn.cross_entropy(scores, target)
    loss.backward()
    return loss


@pytest.mark.parametrize("logits", [(-5.834, 2.036, 4.057), (-1.914, 4.947, -1.729), (0.0, 0.0, 0.0), (9.0, 1.0, 5.0)])
def test_labels_in_a_crowd_do_not_overlap_and_leave_out_zeros(logits):
    labels = marked(viz.draw(flower(logits)).svg, "label")
    texts = [label.findtext(f"{SVG}text") for label in labels]
    assert len(texts) == 3 + 1 + 2 and "×0" not in texts  # for logsumexp, pick and the difference
    boxes = [[float(label.find(f"{SVG}rect").attrib[n]) for n in ("x", "y", "width", "height")] for label in labels]
    for i, (x, y, wide, high) in enumerate(boxes):
        for other_x, other_y, other_wide, other_high in boxes[:i]:
            apart = x >= other_x + other_wide or other_x >= x + wide
            assert apart or y >= other_y + other_high or other_y >= y + high


def test_a_zero_has_a_label_where_there_is_room():
    a = Value(-1.0, label="a")
    (label,) = marked(viz.draw(a.relu()).svg, "label")
    assert label.findtext(f"{SVG}text") == "×0"


def test_a_leaf_with_a_long_label_shows_only_the_label():
    a = Value(6.1, label="sepal length (cm) of this flower, not of that one")
    card = marked(viz.draw(a * 2.0).svg, "card")[0]
    assert card.findtext(f"{SVG}text[@class='faint end']") == ""
    assert card.findtext(f"{SVG}text[@class='name']").startswith("sepal length (cm)")


def test_a_repeated_argument_has_two_edges_at_different_places():
    a = Value(1.5, label="a")
    lines = [edge.find(f"{SVG}path").attrib["d"] for edge in marked(viz.draw(a + a).svg, "edge")]
    assert len(set(lines)) == 2


def test_tooltips_show_all_digits():
    o = neuron()
    o.backward()
    card = marked(viz.draw(o).svg, "card")[-1]
    assert f"data {o.data!r}" in tooltip(card)
    texts = [text.text for text in card.iter(f"{SVG}text")]
    assert texts == ["o", "tanh(n)", "data", "0.7071", "grad", "1", "tanh"]


def test_numbers_are_shown_in_the_expression_and_have_no_card():
    x = Value(2.0, label="x")
    cards = marked(viz.draw(x * 3 - 1).svg, "card")
    notes = [card.findtext(f"{SVG}text[@class='faint end']") for card in cards]
    assert notes == ["", "x × 3", "v1 − 1"]


def test_before_backward_no_edge_is_tinted():
    svg = viz.draw(neuron()).svg
    assert "no gradients yet" in svg
    classes = {path.attrib["class"] for path in parsed(svg).iter(f"{SVG}path")}
    assert {name for name in classes if "tint" in name} == {"tint z"}


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan, 1e308, 5e-324, -0.0])
def test_any_number_can_be_drawn(number):
    a, b = Value(number, label="a"), Value(2.0, label="b")
    c = a * b + a
    c.backward()
    a.grad = number
    svg = viz.draw(c).svg
    coordinates = re.findall(r'(?:\b(?:x|y|width|height)|d)="([^"]*)"', svg)
    assert not [text for text in coordinates if "nan" in text or "inf" in text]
    assert not math.isnan(sum(sum(box) for box in boxes_of_cards(svg)))


def test_the_tooltip_of_a_leaf_without_gradient_says_so():
    a, b = Value(2.0, label="a", requires_grad=False), Value(3.0, label="b")
    c = a * b
    c.backward()
    svg = viz.draw(c).svg
    assert "requires_grad=False" in tooltip(marked(svg, "card")[0])
    assert ["closed" in edge.attrib["class"] for edge in marked(svg, "edge")] == [True, False]


def test_the_unknown_local_derivative_of_a_node_made_by_hand_is_drawn_as_a_question_mark():
    a = Value(2.0, label="a")
    lecture = Value(math.tanh(2.0), (a,), "tanh", label="t")
    later = Value(4.0, (a,), (2.0,), label="s")
    (edge,) = marked(viz.draw(lecture).svg, "label")
    assert edge.findtext(f"{SVG}text") == "×?"
    (edge,) = marked(viz.draw(later).svg, "label")
    assert edge.findtext(f"{SVG}text") == "×2"


@pytest.mark.slow
def test_the_error_about_too_large_a_drawing_says_what_to_do():
    x = Value(1.0, label="x")
    for _ in range(6000):
        x = x + 1.0
    with pytest.raises(ValueError, match=r'6,001 cards.*fold="auto"'):
        viz.draw(x, fold="none")
    assert len(marked(viz.draw(x).svg, "card")) < 10
    chance = random.Random(0)
    for _ in range(9000):
        x = chance.choice([x + 1.0, x * 2.0, -x, x.tanh()])
    with pytest.raises(ValueError, match=r"cards.*draw a part"):
        viz.draw(x)


def test_the_error_about_an_unknown_option_names_the_known_ones():
    with pytest.raises(ValueError, match="fold='all' is not one of 'auto', 'none', 'neurons', 'layers'"):
        viz.draw(Value(1.0), fold="all")
    with pytest.raises(ValueError, match="engine='neato' is not one of 'builtin', 'dot'"):
        viz.draw(Value(1.0), engine="neato")
    with pytest.raises(TypeError, match="a picture starts from one Value, got float"):
        viz.draw([Value(1.0), 2.0])
    with pytest.raises(ValueError, match="the list of results is empty"):
        viz.draw([])
