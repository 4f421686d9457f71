"""Laws of the places in a drawing, over many random graphs: nothing overlaps, all leads on, few edges cross."""

from __future__ import annotations

import random
import re
import shutil
from itertools import combinations, pairwise

import pytest
from picture_helpers import OVERLAPS, SVG, attention, boxes_of_cards, cell_of_matrices, marked, network
from picture_kinds import KINDS

from chainrule import nn, viz
from chainrule.engine import Value
from chainrule.engine.graph import topological_order
from chainrule.viz.graph.layout.layered import Layout, arrange
from chainrule.viz.graph.layout.with_dot import arrange_with_dot


def random_graph(seed: int) -> Value:
    """A graph of up to 60 operations, whose values are used near to where they were made, or far away."""
    chance = random.Random(seed)
    values = [
        Value(chance.uniform(-1, 1), label=chance.choice(["", f"x{i}", "a long label of a value"])) for i in range(3)
    ]
    for _ in range(chance.randint(2, 60)):
        one, other = values[-chance.randint(1, min(3, len(values)))], chance.choice(values)
        made = chance.choice([lambda a, b: a + b, lambda a, b: a * b, lambda a, _: a.tanh(), lambda a, b: b - a])
        values.append(made(one, other))
    return values[-1]


def loop(steps: int) -> Value:
    """A recurrent cell over some steps."""
    w, b, h = Value(0.5, label="w"), Value(0.1, label="b"), Value(0.0, label="h0")
    for step in range(steps):
        h = (w * h + Value(step / 8, label=f"x{step + 1}") * b).tanh()
        h.label = f"h{step + 1}"
    return h


def batch(model: nn.Module, examples: int, inputs: int) -> Value:
    chance = random.Random(1)
    rows = [[chance.uniform(-1, 1) for _ in range(inputs)] for _ in range(examples)]
    return sum((model(row) - 1.0) ** 2 for row in rows) / examples


DRAWN = {
    **{f"random {seed}": lambda seed=seed: random_graph(seed) for seed in range(30)},
    "loop": lambda: loop(30),
    "attention": attention,
    "matrices": lambda: cell_of_matrices(12),
    "network": lambda: network([2, 3, 1]),
    "tables": lambda: nn.cross_entropy(nn.MLP(4, [16, 9, 3], rng=0)([0.5, -0.5, 1.0, 2.0]), 1),
    "batch": lambda: batch(nn.MLP(2, [4, 1], "tanh", rng=0), 20, 2),
    "long sum": lambda: sum((Value(i / 8) * 0.5 for i in range(1, 40)), Value(0.0)),
    "several": lambda: nn.MLP(3, [9, 4], rng=0)([Value(1.0, label="x1"), 0.5, -1.0]),
    "model": lambda: nn.MLP(3, [9, 4, 2], rng=0),
}


def drawings():
    for name, make in DRAWN.items():
        root = make()
        if isinstance(root, Value):
            root.backward()
        for fold in ("none",) if name.startswith("random") else ("auto", "neurons", "layers"):
            yield f"{name}, {fold}", viz.draw(root, fold=fold)
    yield "loop, none", viz.draw(loop(12), fold="none")


@pytest.fixture(scope="module")
def all_drawings():
    return dict(drawings())


def apart(one, other):
    (x, y, wide, high), (other_x, other_y, other_wide, other_high) = one, other
    return x >= other_x + other_wide or other_x >= x + wide or y >= other_y + other_high or other_y >= y + high


def test_no_two_cards_overlap_and_all_are_inside(all_drawings):
    for name, drawing in all_drawings.items():
        boxes = boxes_of_cards(drawing.svg)
        assert all(apart(one, other) for one, other in combinations(boxes, 2)), name
        for x, y, wide, high in boxes:
            assert x >= 0 and y >= 0 and x + wide <= drawing.width and y + high <= drawing.height, name


def test_edges_begin_and_end_at_their_cards_and_lead_to_the_right_or_to_the_next_line(all_drawings):
    for name, drawing in all_drawings.items():
        boxes = boxes_of_cards(drawing.svg)
        for edge in marked(drawing.svg, "edge"):
            start, end = (boxes[int(number)] for number in edge.attrib["data-ends"].split())
            line, tip = (edge.find(f"{SVG}path[@class='{part}']").attrib["d"] for part in ("line", "tip"))
            x, y = map(float, re.findall(r"-?[\d.]+", tip)[:2])
            assert abs(x - end[0]) < 60 and end[1] <= y <= end[1] + end[3], name
            at_x, at_y = map(float, re.findall(r"-?[\d.]+", line)[:2])
            is_branch = at_x > start[0] + start[2] + 1  # it leaves a longer edge of the same card
            assert is_branch or (abs(at_x - start[0] - start[2]) < 1 and start[1] <= at_y <= start[1] + start[3]), name
            assert at_x < x or at_y < y, name
            if "q" not in line:  # it stays in its line
                assert start[0] + start[2] < end[0], name


def test_no_edge_runs_below_a_line_of_text_that_it_does_not_lead_to(all_drawings):
    """Straight parts of edges pass between cards."""
    for name, drawing in all_drawings.items():
        boxes = boxes_of_cards(drawing.svg)
        for edge in marked(drawing.svg, "edge"):
            path = edge.find(f"{SVG}path[@class='line']").attrib["d"]
            at = (0.0, 0.0)
            for sign, text in re.findall(r"([MCHVq])([^MCHVq]*)", path):
                numbers = [float(one) for one in re.findall(r"-?[\d.]+", text)]
                if sign == "H":
                    low, high = sorted((at[0], numbers[0]))
                    hit = [b for b in boxes if b[0] < high - 1 and b[0] + b[2] > low + 1 and b[1] < at[1] < b[1] + b[3]]
                    assert not hit, f"{name}: {path} runs through {hit[0]}"
                    at = (numbers[0], at[1])
                elif sign == "V":
                    at = (at[0], numbers[0])
                else:
                    at = (at[0] + numbers[2], at[1] + numbers[3]) if sign == "q" else (numbers[-2], numbers[-1])


def test_values_of_one_layer_share_a_column():
    for fold in ("none", "neurons"):
        svg = viz.draw(network([3, 4, 4, 2]), fold=fold).svg
        places = {}
        for card, (x, _, _, _) in zip(marked(svg, "card"), boxes_of_cards(svg)):
            places.setdefault(card.findtext(f"{SVG}text")[:3], set()).add(x)
        assert [len(places[f"h{layer}_"]) for layer in (1, 2, 3)] == [1, 1, 1]


def test_no_line_of_a_long_drawing_is_wide(all_drawings):
    for name, drawing in all_drawings.items():
        assert drawing.width < 2150, f"{name} is {drawing.width} wide"


def texts_on_each_other(browser, folder, svg):
    """Pairs of texts of a picture that lie on each other, as a browser draws them."""
    path = folder / "picture.html"
    path.write_text(f'<!doctype html><meta charset="utf-8">{svg}', encoding="utf-8")
    browser.get(path.as_uri())
    return browser.execute_script(OVERLAPS)


def random_network(seed):
    """A network of one to three layers, with its loss."""
    chance = random.Random(seed)
    inputs = chance.randint(2, 5)
    layers = [chance.randint(1, chance.choice([4, 8, 20])) for _ in range(chance.randint(1, 3))]
    model = nn.MLP(inputs, layers, chance.choice(["relu", "tanh", "sigmoid"]), rng=seed)
    outputs = model([round(chance.uniform(-1, 1), 2) for _ in range(inputs)])
    loss = nn.cross_entropy(outputs, 0) if layers[-1] > 1 else nn.mse(outputs, 1.0)
    loss.backward()
    return model, loss


def test_texts_on_each_other_are_seen(browser, tmp_path):
    svg = '<svg width="99" height="40"><text y="20">one</text><text y="20" x="{}">other</text></svg>'
    assert texts_on_each_other(browser, tmp_path, svg.format(10)) == ["one on other"]
    assert texts_on_each_other(browser, tmp_path, svg.format(60)) == []


@pytest.mark.parametrize("label", ["v1", "a long label of a value"])
@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.can_be_made and kind.is_ours])
def test_no_two_texts_overlap_on_any_kind_of_picture(name, label, browser, tmp_path):
    if ".svg" in KINDS[name].endings:
        assert texts_on_each_other(browser, tmp_path, KINDS[name].picture(label).svg) == []


def test_no_two_texts_overlap_in_random_graphs(all_drawings, browser, tmp_path):
    for name, drawing in all_drawings.items():
        assert texts_on_each_other(browser, tmp_path, drawing.svg) == [], name


@pytest.mark.parametrize("seed", [0, 3])
def test_no_two_texts_overlap_at_any_step(seed, browser, tmp_path):
    """Numbers grow longer: 0.5 is 0.001234 after the update."""
    root = attention() if seed == 0 else random_network(seed)[1]
    path = viz.steps(root, learning_rate=0.0123).save(str(tmp_path / "steps.html"))
    browser.get(f"file://{path}")
    count = int(browser.find_element("id", "slider").get_attribute("max"))
    for step in {*range(0, count, 7), count}:
        browser.execute_script(
            "let s = document.getElementById('slider'); s.value = arguments[0]; s.dispatchEvent(new Event('input'))",
            step,
        )
        assert browser.execute_script(OVERLAPS) == [], step


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30))
def test_no_two_texts_overlap_in_networks(seed, browser, tmp_path):
    model, loss = random_network(seed)
    for root, fold in ((model, "auto"), (loss, "auto"), (loss, "neurons"), (loss, "none")):
        assert texts_on_each_other(browser, tmp_path, viz.draw(root, fold=fold).svg) == [], fold


@pytest.mark.parametrize("sizes", [[6, 4], [12, 11]])
def test_neurons_of_a_layer_stand_in_the_order_of_their_numbers_whichever_is_used_first(sizes):
    model = nn.MLP(2, sizes, rng=0)
    scores = model([Value(0.5, label="x1"), Value(-0.5, label="x2")])
    svg = viz.draw(scores[2] - nn.softmax(scores)[3], fold="neurons").svg
    tall = {}
    for card, (_, y, _, _) in zip(marked(svg, "card"), boxes_of_cards(svg)):
        tall.update({card.findtext(f"{SVG}text"): y})
        rows = [row.findtext(f"{SVG}text[@class='key']") for row in marked(svg, "row")]
    for layer, count in enumerate(sizes, 1):
        names = [f"h{layer}_{number}" for number in range(1, count + 1)]
        assert [name for name in rows if name in names] == names if count > 8 else sorted(names, key=tall.get) == names
    assert tall["x1"] < tall["x2"]


def test_edges_that_come_from_the_line_before_meet_their_card_apart(all_drawings):
    """Otherwise they are one line, and their labels one text: ×0.9-×0.9."""
    met = 0
    for name, drawing in all_drawings.items():
        ends: dict[int, list[float]] = {}
        for edge in marked(drawing.svg, "edge"):
            line, tip = (edge.find(f"{SVG}path[@class='{part}']").attrib["d"] for part in ("line", "tip"))
            if "q" in line.rsplit("C", 1)[-1]:  # it turns around corners after its last curve
                end = int(edge.attrib["data-ends"].split()[1])
                ends.setdefault(end, []).append(float(re.findall(r"-?[\d.]+", tip)[1]))
        cards = marked(drawing.svg, "card")
        for end, heights in ends.items():
            if len(heights) == 2 and "table" not in cards[end].attrib["class"]:
                assert abs(heights[0] - heights[1]) >= 17, name  # a label is 16 high
                met += 1
    assert met > 10


def crossings(layout, edges, is_merged):
    """How many pairs of lines cross between two columns.

    Edges of one value may run on one line for a while. Merged, such a line counts once, as the eye sees it; if not, it
    counts once for each of its edges, which is harder on a layout that shares lines than on Graphviz's, which does not.
    """
    pieces: dict[int, list[tuple[float, float]]] = {}
    for (start, end), bends in zip(edges, layout.bends):
        points = [(layout.column[start], layout.y[start]), *bends, (layout.column[end], layout.y[end])]
        for (column, y), (_, to_y) in pairwise(points):
            pieces.setdefault(column, []).append((y, to_y))
    among = [set(own) if is_merged else own for own in pieces.values()]
    pairs = [pair for own in among for pair in combinations(own, 2)]
    return sum((one[0] - other[0]) * (one[1] - other[1]) < 0 for one, other in pairs)


def test_lines_that_cross_are_counted():
    edges = [(0, 3), (1, 4), (0, 5)]
    bent = Layout([0, 0, 0, 2, 2, 2], [0.0, 9.0, 5.0, 9.0, 0.0, 7.0], [[(1, 5.0)], [(1, 2.0)], [(1, 5.0)]])
    assert crossings(bent, edges, True) == 1 and crossings(bent, edges, False) == 2  # 0 to 5 and 9 to 2 in column 0


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("dot") is None, reason="no dot on this machine")
def test_edges_cross_hardly_more_often_than_in_graphviz():
    merged, singly = [0, 0], [0, 0]
    for seed in range(40):
        order = topological_order(random_graph(seed))
        number = {value: index for index, value in enumerate(order)}
        edges = list(dict.fromkeys((number[parent], number[value]) for value in order for parent in value._prev))
        heights = [80.0] * len(order)
        layouts = arrange(heights, edges), arrange_with_dot(heights, edges, [None] * len(order))
        for place, layout in enumerate(layouts):
            merged[place] += crossings(layout, edges, True)
            singly[place] += crossings(layout, edges, False)
    assert merged[0] <= merged[1] and singly[0] <= 1.2 * singly[1], (merged, singly)
