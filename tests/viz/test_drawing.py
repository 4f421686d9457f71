"""draw(): whatever the graph and its labels, the picture is well-formed, complete, and always the same."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from picture_helpers import SVG, graphs, marked, network, neuron, parsed, tooltip

import chainrule
from chainrule import nn, viz
from chainrule.engine import Value
from chainrule.engine.graph import topological_order
from chainrule.viz.common.colours import STEPS, shade_of
from chainrule.viz.common.text import short, shortened, text_width
from chainrule.viz.graph.labels import CROWD

HOSTILE = [
    "</title><script>alert(1)</script>", '" onload="alert(1)', "' onload='x", "a & b < c > d", "\x00\x01\x1b\x7f",
    "\u202eabc", "\ud800", "x" * 5000, "many\nlines\r\nhere", "{}{0}{name}", "]]>", "<!--", "名前", "\ufffe", "&amp;",
]  # fmt: skip


def boxes_of_cards(svg: str) -> list[tuple[float, float, float, float]]:
    faces = [card.find(f"{SVG}rect[@class='face']") for card in marked(svg, "card")]
    return [tuple(float(face.attrib[name]) for name in ("x", "y", "width", "height")) for face in faces]


@given(st.one_of(st.text(), st.sampled_from(HOSTILE)))
def test_any_label_gives_well_formed_xml_with_nothing_of_its_own_in_it(label):
    a = Value(2.0, label=label)
    b = a * a
    b.label = label
    b.backward()
    svg = viz.draw(b).svg
    svg.encode("utf-8")
    elements = {element.tag.removeprefix(SVG) for element in parsed(svg).iter()}
    assert elements <= {"svg", "style", "g", "title", "rect", "path", "text"}
    attributes = {name for element in parsed(svg).iter() for name in element.attrib}
    assert not [name for name in attributes if name.startswith("on") or "href" in name]


def test_the_whole_of_a_shortened_label_is_in_the_tooltip():
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
    assert labels == len(slopes) or len(slopes) > CROWD  # only in a crowd a × 0 goes without its label


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
def test_labels_in_a_crowd_cover_no_other_label_and_no_zero_is_among_them(logits):
    labels = marked(viz.draw(flower(logits)).svg, "label")
    texts = [label.findtext(f"{SVG}text") for label in labels]
    assert len(texts) == 3 + 1 + 2 and "×0" not in texts  # of logsumexp, pick and the difference
    boxes = [[float(label.find(f"{SVG}rect").attrib[n]) for n in ("x", "y", "width", "height")] for label in labels]
    for i, (x, y, wide, high) in enumerate(boxes):
        for other_x, other_y, other_wide, other_high in boxes[:i]:
            apart = x >= other_x + other_wide or other_x >= x + wide
            assert apart or y >= other_y + other_high or other_y >= y + high


def test_where_there_is_room_a_zero_keeps_its_label():
    a = Value(-1.0, label="a")
    (label,) = marked(viz.draw(a.relu()).svg, "label")
    assert label.findtext(f"{SVG}text") == "×0"


def test_a_leaf_with_a_long_label_shows_it_and_nothing_else():
    a = Value(6.1, label="sepal length (cm) of this flower, not of that one")
    card = marked(viz.draw(a * 2.0).svg, "card")[0]
    assert card.findtext(f"{SVG}text[@class='faint end']") == ""
    assert card.findtext(f"{SVG}text[@class='name']").startswith("sepal length (cm)")


def test_a_repeated_argument_has_two_edges_that_can_be_told_apart():
    a = Value(1.5, label="a")
    lines = [edge.find(f"{SVG}path").attrib["d"] for edge in marked(viz.draw(a + a).svg, "edge")]
    assert len(set(lines)) == 2


@pytest.mark.parametrize("theme", ["auto", "light", "dark"])
def test_every_rule_is_for_this_drawing_alone(theme):
    svg = viz.draw(neuron(), theme=theme).svg
    name = parsed(svg).attrib["id"]
    style = parsed(svg).findtext(f"{SVG}style")
    inside_media = re.sub(r"@media \(prefers-color-scheme:dark\)\{(.*?)\n\}", r"\1", style, flags=re.DOTALL)
    selectors = [rule.split("{")[0] for rule in inside_media.strip().split("\n") if rule]
    assert selectors and all(selector.startswith(f"#{name} ") for selector in selectors)
    assert ("@media" in style) == (theme == "auto")
    assert re.findall(r'\bid="([^"]*)"', svg) == [name]


def test_different_drawings_have_different_names():
    names = {parsed(viz.draw(value, theme=theme).svg).attrib["id"]
             for value in (neuron(), Value(1.0)) for theme in ("auto", "dark")}  # fmt: skip
    assert len(names) == 4


PROGRAM = """
import hashlib, sys
sys.path[:0] = sys.argv[1:]
from picture_helpers import network, neuron
from chainrule import viz
loss = network([2, 4, 1])
loss.backward()
texts = [str(picture) for picture in (viz.draw(loss), viz.draw(loss, fold="none"), viz.steps(neuron()))]
texts += [viz.draw_dot(loss).source, str(viz.explain(neuron()))]
print(hashlib.sha256("".join(texts).encode()).hexdigest())
"""


def test_the_same_bytes_in_every_process():
    found = set()
    roots = [str(Path(__file__).parent), str(Path(chainrule.__file__).parents[1])]
    for seed in ("0", "1", "4242"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", PROGRAM, *roots], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        found.add(done.stdout)
    assert len(found) == 1


def test_tooltips_show_all_digits():
    o = neuron()
    o.backward()
    card = marked(viz.draw(o).svg, "card")[-1]
    assert f"data {o.data!r}" in tooltip(card)
    texts = [text.text for text in card.iter(f"{SVG}text")]
    assert texts == ["o", "tanh(n)", "data", "0.7071", "grad", "1", "tanh"]


def test_numbers_stand_in_the_expression_and_have_no_card():
    x = Value(2.0, label="x")
    cards = marked(viz.draw(x * 3 - 1).svg, "card")
    notes = [card.findtext(f"{SVG}text[@class='faint end']") for card in cards]
    assert notes == ["", "x × 3", "v1 − 1"]


def test_before_backward_nothing_is_tinted():
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


def test_a_leaf_without_gradient_says_so():
    a, b = Value(2.0, label="a", requires_grad=False), Value(3.0, label="b")
    c = a * b
    c.backward()
    svg = viz.draw(c).svg
    assert "requires_grad=False" in tooltip(marked(svg, "card")[0])
    assert ["closed" in edge.attrib["class"] for edge in marked(svg, "edge")] == [True, False]


def test_nodes_made_by_hand_are_drawn_without_inventing_their_derivative():
    a = Value(2.0, label="a")
    lecture = Value(math.tanh(2.0), (a,), "tanh", label="t")
    later = Value(4.0, (a,), (2.0,), label="s")
    (edge,) = marked(viz.draw(lecture).svg, "label")
    assert edge.findtext(f"{SVG}text") == "×?"
    (edge,) = marked(viz.draw(later).svg, "label")
    assert edge.findtext(f"{SVG}text") == "×2"


# --- folding


def test_a_small_graph_is_not_folded_and_a_large_one_is():
    small, large = network([1, 2]), network([2, 4, 4])
    assert len(marked(viz.draw(small).svg, "card")) == len(topological_order(small))
    names = [card.findtext(f"{SVG}text[@class='name']") for card in marked(viz.draw(large).svg, "card")]
    assert {"x1", "x2", "h1_1", "h1_4", "h2_1", "loss"} <= set(names) and len(names) < 20


def test_a_folded_neuron_shows_its_output_and_a_bar_for_each_parameter():
    loss = network([2, 4, 4])
    loss.backward()
    output = next(value for value in topological_order(loss) if value.label == "h1_2")
    card = next(c for c in marked(viz.draw(loss, fold="neurons").svg, "card") if c.findtext(f"{SVG}text") == "h1_2")
    assert repr(output.grad).replace("-", "−") in tooltip(card)
    assert len([rect for rect in card.iter(f"{SVG}rect") if "bar" in rect.attrib["class"]]) == 3


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_link_between_layers_shows_the_strongest_of_its_edges_and_the_sum_of_all(sign):
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
    assert min(passed) < 0 < max(passed)  # or the sign would show nothing
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
    folded = [card for card in cards if "fold" in card.attrib["class"]]
    assert len(folded) == 35 and len(cards) < 45
    bars = [rect for card in folded for rect in card.iter(f"{SVG}rect") if "bar" in rect.attrib["class"]]
    assert len(bars) == len(model.parameters())


def test_an_attribute_named_unit_that_is_none_of_nn_s_folds_nothing():
    x = Value(1.0, label="x")
    x.unit = "cm"
    y = x * x
    y.unit = "cm²"
    assert len(marked(viz.draw(y, fold="neurons").svg, "card")) == 2


def test_layers_have_boxes_and_their_neurons_stay_in_order():
    svg = viz.draw(network([4, 16, 16, 3])).svg
    titles = [text.text for text in parsed(svg).iter(f"{SVG}text") if "title" in text.attrib["class"]]
    assert titles == ["layer 1", "layer 2", "layer 3"]
    boxes = {card.findtext(f"{SVG}text"): box for card, box in zip(marked(svg, "card"), boxes_of_cards(svg))}
    heights = [boxes[f"h1_{j}"][1] for j in range(1, 17)]
    assert heights == sorted(heights)


def test_a_recurrent_neuron_folds_call_by_call():
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
    assert sorted(names) == ["h1"] * 3 + ["h2"] * 3 + ["out", "x1", "x2"]


def test_too_large_a_drawing_says_so_and_says_what_to_do():
    x = Value(1.0, label="x")
    for _ in range(6000):
        x = x + 1.0
    with pytest.raises(ValueError, match=r"6,001 cards.*draw a part"):
        viz.draw(x)
    x.unit = ("layer 1", "h1_1")
    with pytest.raises(ValueError, match=r'fold="neurons"'):
        viz.draw(x, fold="none")


def test_unknown_options_are_named_with_the_known_ones():
    with pytest.raises(ValueError, match="theme='blue' is not one of 'auto', 'light', 'dark'"):
        viz.draw(Value(1.0), theme="blue")
    with pytest.raises(ValueError, match="fold='all' is not one of 'auto', 'none', 'neurons', 'layers'"):
        viz.draw(Value(1.0), fold="all")
    with pytest.raises(ValueError, match="engine='neato' is not one of 'builtin', 'dot'"):
        viz.draw(Value(1.0), engine="neato")
    with pytest.raises(TypeError, match="list; draw one of its entries"):
        viz.draw([Value(1.0)])


# --- showing and saving


def test_drawings_save_as_svg_or_page_by_their_ending(tmp_path):
    drawing = viz.draw(neuron())
    assert drawing.save(tmp_path / "a.svg").read_text(encoding="utf-8") == str(drawing)
    page = drawing.save(str(tmp_path / "a.html")).read_text(encoding="utf-8")
    assert str(drawing).removeprefix("<svg ") in page and page.startswith("<!doctype html>")
    with pytest.raises(ValueError, match=r"'a.png'.*\.svg or \.html"):
        drawing.save(tmp_path / "a.png")


def test_a_notebook_gets_a_frame_with_a_picture_to_fall_back_on():
    shown = viz.draw(neuron())._repr_mimebundle_()["text/html"]
    assert shown.startswith("<iframe srcdoc=") and '<img src="data:image/svg+xml;base64,' in shown
    assert shown.endswith("</iframe>")


def test_ipython_stores_a_picture_once_and_programs_still_get_the_svg(tmp_path):
    program = """
import sys
from IPython.core.interactiveshell import InteractiveShell
sys.path.insert(0, sys.argv[1])
from chainrule import viz
from chainrule import Value
shell = InteractiveShell.instance()
drawing = viz.draw(Value(2.0, label="a"))
for _ in range(2):
    bundle, _ = shell.display_formatter.format(drawing)
    assert sorted(bundle) == ["text/html", "text/plain"], sorted(bundle)
assert drawing._repr_svg_() == drawing.svg
asked, _ = shell.display_formatter.format(drawing, include=["image/svg+xml"])
assert asked == {"image/svg+xml": drawing.svg}
"""
    pytest.importorskip("IPython")
    environment = {**os.environ, "IPYTHONDIR": str(tmp_path)}  # nobody's own settings
    command = [sys.executable, "-c", program, str(Path(chainrule.__file__).parents[1])]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# --- small parts


@given(st.floats(allow_nan=True, allow_infinity=True), st.floats(0, 1e300))
def test_shades_are_symmetric_and_none_is_for_zero_only(strength, largest):
    shade = shade_of(strength, largest)
    assert shade == -shade_of(-strength, largest) and abs(shade) <= STEPS
    assert (shade == 0) == (strength == 0.0 or math.isnan(strength))


@given(st.text(), st.floats(10, 300))
def test_shortened_text_fits(text, room):
    assert text_width(shortened(text, room, 15), 15) <= room or shortened(text, room, 15) == "…"
