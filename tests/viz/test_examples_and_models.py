"""Losses over many examples, several results, models without an example, sums, and steps that are made again."""

from __future__ import annotations

import math
import random

import pytest
from picture_helpers import SVG, attention, cell_of_matrices, marked, page_data, parsed, tooltip

from chainrule import nn, viz
from chainrule.engine import Value
from chainrule.engine.graph import topological_order
from chainrule.viz.common.text import short
from chainrule.viz.graph.folding import folded_scene, units_of


def names(drawing):
    return [card.findtext(f"{SVG}text[@class='name']") for card in marked(drawing.svg, "card")]


def texts(element):
    return ["".join(text.itertext()) for text in element.iter(f"{SVG}text")]


def loss_over(examples, model=None, hinge=True):
    """micrograd's loss of the moons: the mean of hinges, and a penalty for large parameters."""
    model = model or nn.MLP(2, [4, 4, 1], rng=0)
    chance = random.Random(0)
    losses = []
    for _ in range(examples):
        x, y = [Value(chance.uniform(-1, 1)) for _ in range(2)], chance.choice([-1, 1])
        losses.append((1 + -y * model(x)).relu() if hinge else (model(x) - y) ** 2)
    data_loss = sum(losses) * (1.0 / len(losses))
    loss = data_loss + 1e-4 * sum(p * p for p in model.parameters())
    loss.label = "loss"
    loss.backward()
    return loss, losses, data_loss


@pytest.mark.parametrize("example", [0, 3, -1])
def test_one_example_of_a_loss_is_drawn_with_the_gradients_that_it_has_in_the_whole_loss(example):
    loss, losses, data_loss = loss_over(12)
    drawing = viz.draw(loss, example=example)
    cards = dict(zip(names(drawing), marked(drawing.svg, "card")))
    assert len(cards) < 25
    (mean,) = [card for card in cards.values() if "of 12 examples" in texts(card)]
    assert short(data_loss.data) in texts(mean) and "mean" in texts(mean)
    chosen = losses[example]
    relus = [card for card in cards.values() if texts(card)[-1] == "relu" and "fold" not in card.attrib["class"]]
    assert [texts(card)[3] for card in relus] == [short(chosen.data)]
    assert [texts(card)[5] for card in relus] == [short(chosen.grad)]
    (edge,) = [edge for edge in marked(drawing.svg, "edge") if edge.attrib["data-ends"].endswith(
        f" {mean.attrib['data-card']}")]  # fmt: skip
    assert tooltip(edge).splitlines()[0].endswith(f"= {1.0 / 12!r}")


def test_the_penalty_is_one_card_with_a_strip_of_its_terms():
    loss, _, _ = loss_over(5)
    (card,) = [card for card in marked(viz.draw(loss).svg, "card") if "of 37 terms" in texts(card)]
    strip = [path for path in card.iter(f"{SVG}path") if path.attrib["class"] == "bar part"]
    assert strip[0].attrib["d"].count("M") == 37 and texts(card)[-1] == "Σ"


def test_the_parameters_of_a_layer_lead_to_a_penalty_with_one_edge():
    loss, _, _ = loss_over(5, nn.MLP(2, [9, 9, 1], rng=0))
    svg = viz.draw(loss).svg
    number = next(card.attrib["data-card"] for card in marked(svg, "card") if texts(card)[-1] == "Σ")
    into = [edge for edge in marked(svg, "edge") if edge.attrib["data-ends"].endswith(f" {number}")]
    assert [tooltip(edge).split(" ")[0] for edge in into] == ["54", "180", "20"]  # each parameter twice: p × p


def test_a_hint_says_which_example_is_drawn_and_how_to_draw_another_one():
    loss, _, _ = loss_over(12)
    said = [text.text for text in parsed(viz.draw(loss).svg).iter(f"{SVG}text") if text.attrib["class"] == "hint"]
    assert "Example 0 of 12 (0 to 11) is drawn; example=1 draws another one." in said


def test_the_error_about_an_example_that_there_is_not_names_those_that_there_are():
    loss, _, _ = loss_over(12)
    with pytest.raises(ValueError, match=r"example=12 is out of range: there are 12 examples \(0 to 11\)"):
        viz.draw(loss, example=12)
    with pytest.raises(ValueError, match=r"example=1 chooses one of the examples.*not a sum of parts that are alike"):
        viz.draw(Value(1.0) * 2.0, example=1)


def test_a_sum_over_the_outputs_of_one_network_is_no_sum_over_examples():
    outputs = nn.Layer(3, 6, rng=0)([Value(1.0), Value(2.0), Value(3.0)])
    loss = sum((out - 1.0) ** 2 for out in outputs)
    assert not any("examples" in text for text in texts(parsed(viz.draw(loss).svg)))


def test_a_chain_of_additions_is_one_card_unless_a_part_of_it_has_a_label():
    parts = [Value(float(i), label=f"a{i}") for i in range(40)]
    whole = sum(parts[:8]).tanh() * sum((p * p for p in parts[8:]), Value(1.0))
    assert names(viz.draw(whole)).count("a3") == 1 and len(names(viz.draw(whole))) < 14
    named = parts[0] + parts[1]
    named.label = "first two"
    deep = named + parts[2] + parts[3] + parts[4]
    for _ in range(30):
        deep = deep.tanh()
    assert "first two" in names(viz.draw(deep))


def test_several_results_are_drawn_together_and_none_of_them_is_marked_as_left_over():
    model = nn.MLP(3, [4, 2], "tanh", rng=0)
    outputs = model([1.0, -2.0, 0.5])
    drawing = viz.draw(outputs)
    roots = ["root" in card.attrib["class"] for card in marked(drawing.svg, "card")]
    assert [name for name, is_root in zip(names(drawing), roots) if is_root] == ["h2_1", "h2_2"]
    assert drawing.title.startswith("h2_1 = ") and "h2_2 = " in drawing.title
    (outputs[0] * outputs[1]).backward()
    after = viz.draw(outputs)
    assert "not of each result here" in after.svg and "*" not in "".join(texts(parsed(after.svg)))
    assert len(marked(viz.draw([Value(1.0, label="a"), Value(2.0, label="b")]).svg, "card")) == 2


def test_plain_inputs_stand_as_chips_and_many_of_them_share_one():
    few = viz.draw(nn.MLP(3, [4, 2], "tanh", rng=0)([1.0, -2.0, 0.5]))
    chips = [card for card in marked(few.svg, "card") if "chip" in card.attrib["class"]]
    assert [texts(card) for card in chips] == [["input 1", "1"], ["input 2", "−2"], ["input 3", "0.5"]]
    many = viz.draw(nn.MLP(30, [4, 2], rng=0)([i / 10 for i in range(30)]))
    (chip,) = [card for card in marked(many.svg, "card") if "chip" in card.attrib["class"]]
    assert texts(chip) == ["30 inputs", "0 … 2.9"]


def test_in_a_table_the_rows_of_stale_and_of_bad_numbers_are_marked():
    model = nn.MLP(2, [9, 1], "tanh", rng=0)
    out = model([Value(1.0, label="x1"), Value(2.0, label="x2")])
    out.backward()
    model.layers[0].neurons[2].w[0].data = 5.0
    model.layers[0].neurons[4].b.grad = math.nan
    svg = viz.draw(out).svg
    table = next(card for card in marked(svg, "card") if "table" in card.attrib["class"])
    kinds = [path.attrib["class"] for path in table.iter(f"{SVG}path")]
    assert kinds.count("hatching") == 1 and kinds.count("stripes low") == 1
    assert "The first nan or inf of the backward pass is b1_5.grad, nan." in svg


def test_the_users_own_label_of_a_neurons_output_wins():
    model = nn.MLP(2, [3, 1], "tanh", rng=0)
    price = model([Value(1.0, label="rooms"), Value(2.0, label="area")])
    price.label = "price"
    assert "price" in names(viz.draw(price)) and "h2_1" not in names(viz.draw(price))


def test_a_model_is_drawn_with_its_weights_and_without_numbers_of_an_example():
    model = nn.MLP(2, [3, 1], "tanh", rng=0)
    drawing = viz.draw(model)
    assert "2 inputs → 3 → 1, 13 parameters" in drawing.title
    shown = texts(parsed(drawing.svg))
    assert all(short(p.data) in shown for p in model.parameters()) and "grad" not in shown and "data" not in shown
    assert [p.grad for p in model.parameters()] == [0.0] * 13
    passed = [tooltip(edge) for edge in marked(drawing.svg, "edge")]
    weights = [f"weight {w.data!r}".replace("-", "−") for layer in model.layers for n in layer.neurons for w in n.w]
    assert sorted(passed) == sorted(weights)
    large = viz.draw(nn.MLP(4, [16, 16, 3], rng=0))
    assert len([card for card in marked(large.svg, "card") if "table" in card.attrib["class"]]) == 2


@pytest.mark.parametrize("sizes", [[16, 5], [3, 1], [128, 10]])
def test_many_inputs_of_a_model_are_one_card_and_its_weights_can_be_seen(sizes):
    model = nn.MLP(20, sizes, rng=0)
    drawing = viz.draw(model)
    cards = marked(drawing.svg, "card")
    assert texts(cards[0])[0] == "20 inputs" and "x1" not in names(drawing) and drawing.height < 600
    shapes = [one.attrib.get("class", "").split(" ")[0] for one in parsed(drawing.svg).iter()]
    assert "cell" in shapes or "bar" in shapes
    first = [edge for edge in marked(drawing.svg, "edge") if edge.attrib["data-ends"].startswith("0 ")]
    inputs = [w.data for neuron in model.layers[0].neurons for w in neuron.w]
    strongest = max(inputs, key=abs)
    assert 1 <= len(first) <= 10 and f"weight {strongest!r}".replace("-", "−") in "".join(map(tooltip, first))
    if sizes[0] <= 40:
        data = page_data(drawing.html)
        _, rows = next(iter(data["open"].values()))
        assert [row[2:4] for row in rows[1:]] == [["", short(w.data)] for w in model.layers[0].neurons[0].w]
        assert data["heads"] == ["", "weight"]


def test_the_error_about_a_model_of_ones_own_says_to_draw_what_it_returns():
    class Mine(nn.Module):
        def __init__(self):
            self.w = Value(1.0)

        def __call__(self, x):
            return self.w * x

    with pytest.raises(TypeError, match=r"__call__ of Mine knows what it reads.*draw\(model\(x\)\)"):
        viz.draw(Mine())
    assert marked(viz.draw(Mine()(2.0)).svg, "card")


def recurrent(steps):
    w, b, h = Value(0.5, label="w"), Value(0.1, label="b"), Value(0.0, label="h0")
    for step in range(1, steps + 1):
        h = (w * h + Value(math.sin(step), label=f"x{step}") * b).tanh()
        h.label = f"h{step}"
    return h


@pytest.mark.parametrize("steps", [8, 12, 100])
def test_steps_that_are_alike_are_drawn_once_and_then_folded_with_what_changes(steps):
    last = recurrent(steps)
    last.backward()
    drawing = viz.draw(last)
    assert f"× {steps - 1}" in names(drawing) and "h1" in names(drawing) and len(names(drawing)) < 16
    card = marked(drawing.svg, "card")[-1]
    rows = [texts(row) for row in card.iter(f"{SVG}g") if "data-row" in row.attrib]
    assert [row[0] for row in rows] == [f"h2 … h{steps}", f"x2 … x{steps}"]
    assert rows[0][1].endswith(f"→ {short(last.data)}") and "root" in card.attrib["class"]
    assert len(marked(viz.draw(last, fold="none").svg, "card")) == 5 * steps + 3


def test_operations_in_no_order_are_not_folded():
    chance, x = random.Random(3), Value(0.5, label="x")
    for _ in range(60):
        x = chance.choice([x.tanh(), x * 2.0, x.exp(), -x])
    assert len(names(viz.draw(x))) > 40


def test_a_drawing_that_is_large_says_so_and_what_to_do():
    x = Value(1.0)
    for _ in range(600):
        x = (x * 1.01).tanh()
    assert "draw a part of it, or fold it" in viz.draw(x, fold="none").svg
    assert "draw a part" not in viz.draw(x).svg
    rows = [[Value(1.0) for _ in range(30)] for _ in range(30)]  # folded, and large all the same
    folded = viz.draw([sum(one.exp() * number for number, one in enumerate(row, 1)) for row in rows]).svg
    assert "draw a part of it." in folded and "fold it" not in folded


def rows_of(card):
    return [row.findtext(f"{SVG}text[@class='key']") for row in card.iter(f"{SVG}g") if row.attrib["class"] == "row"]


def test_dot_products_written_by_hand_have_their_products_on_their_cards():
    out = attention()
    out.label = "out"
    out.backward()
    cards = {texts(card)[0]: card for card in marked(viz.draw(out).svg, "card")}
    sums = [card for card in cards.values() if texts(card)[-1] == "Σ"]
    assert [rows_of(card) for card in sums[:3]] == [[f"q{j} × k{i}{j}" for j in range(3)] for i in range(3)]
    assert len(cards) < 35 and len(marked(viz.draw(out, fold="none").svg, "card")) > 40


@pytest.mark.parametrize("make", [attention, lambda: cell_of_matrices(3)])
def test_what_the_lines_bring_that_are_drawn_or_named_by_a_sum_is_the_gradient(make):
    root = make()
    root.backward()
    order = topological_order(root)
    scene = folded_scene(order, None, units_of(order), "auto")
    assert not any(card.name.startswith("×") for card in scene.cards)  # there, a line stands for several
    for index, value in enumerate(order):
        if value.operation is None:
            edges = [
                edge for edge in [*scene.edges, *scene.faint] if (edge.start, edge.start_row) == scene.card_of[index]
            ]
            assert sum(edge.passed for edge in edges) == pytest.approx(value.grad, rel=1e-9, abs=1e-15), value.label


def test_a_recurrent_cell_of_matrices_fits_a_slide():
    root = cell_of_matrices(12)
    root.backward()
    drawing = viz.draw(root)
    cards = marked(drawing.svg, "card")
    assert drawing.width < 1800 and drawing.height < 1450 and len(cards) < 25  # it was 1,658 × 5,992
    (table,) = [card for card in cards if "table" in card.attrib["class"]]
    leaves = {value.label: value for value in topological_order(root) if value.label[:1] in ("W", "u")}
    assert rows_of(table) and set(rows_of(table)) == set(leaves)
    for row in marked(drawing.svg, "row"):
        if (name := row.findtext(f"{SVG}text[@class='key']")) in leaves:
            assert texts(row)[1:] == [short(leaves[name].data), short(leaves[name].grad)]
    assert any(texts(card)[0] == "× 10" for card in cards)
    assert "No lines are drawn from the shared leaves: the sums name them." in drawing.svg


@pytest.mark.parametrize("example", [0, 2])
@pytest.mark.parametrize("has_neurons", [True, False])
def test_the_zero_with_which_a_sum_begins_is_no_example(has_neurons, example):
    model = nn.MLP(2, [3, 1], rng=0) if has_neurons else lambda x: (Value(0.5, label="w") * x[0] + x[1]).tanh()
    losses = [(model([Value(0.25 * i), 0.5]) - 1.0) ** 2 for i in range(12)]
    loss = sum(losses, Value(0.0)) / 12
    loss.backward()
    drawing = viz.draw(loss, example=example)
    (mean,) = [card for card in marked(drawing.svg, "card") if "of 12 examples" in texts(card)]
    assert "mean" in texts(mean)
    assert short(losses[example].data) in " ".join("".join(card.itertext()) for card in marked(drawing.svg, "card"))
    assert page_data(viz.steps(loss, example=example).html)["others"] == 11


# --- the page


def clicked(browser, selector):
    browser.execute_script(
        "document.querySelector(arguments[0]).dispatchEvent(new MouseEvent('click', {bubbles: true}))", selector
    )


def test_a_card_opens_to_its_terms_by_a_click_and_closes_by_another(browser, tmp_path):
    loss, losses, _ = loss_over(12)
    drawing = viz.draw(loss)
    number = next(c.attrib["data-card"] for c in marked(drawing.svg, "card") if "of 12 examples" in texts(c))
    browser.get(drawing.save(tmp_path / "loss.html").as_uri())
    clicked(browser, f"[data-card='{number}']")
    shown = browser.execute_script(
        "return [...document.querySelectorAll('#rows th, #rows td')].map((t) => t.textContent)"
    )
    assert all(f"example {i}" in shown and short(one.data) in shown for i, one in enumerate(losses))
    clicked(browser, f"[data-card='{number}']")
    assert not browser.find_element("id", "opening").is_displayed()
    assert browser.get_log("browser") == []


@pytest.mark.parametrize(("neurons", "drawn"), [(1, 16), (2, None), (3, None)])
def test_of_many_edges_from_a_table_to_neurons_the_strongest_are_drawn_and_an_opened_neuron_has_all(
    neurons, drawn, browser, tmp_path
):
    outputs = nn.MLP(2, [16, neurons], rng=0)([Value(0.5), Value(-1.0)])
    loss = nn.cross_entropy(outputs, 0) if neurons > 1 else outputs * outputs
    loss.backward()
    picture = viz.draw(loss)
    (table,) = [c.attrib["data-card"] for c in marked(picture.svg, "card") if "table" in c.attrib["class"]]
    fan = [e.attrib["data-ends"].split() for e in marked(picture.svg, "edge")]
    fan = [ends for ends in fan if ends[0] == table]
    ends = {end for _, end in fan}
    assert len(ends) == neurons  # none of them stands without an edge
    assert len(fan) == drawn or 10 <= len(fan) < 10 + neurons
    assert "only the strongest are drawn" in picture.svg  # of those into the matrix, too
    browser.get(picture.save(tmp_path / "loss.html").as_uri())
    for end in ends if drawn is None else ():
        card = browser.find_element("css selector", f"[data-card='{end}']")
        browser.execute_script("arguments[0].dispatchEvent(new Event('click'))", card)
        chosen = browser.execute_script("return document.querySelectorAll('.edge.chosen').length")
        assert chosen + sum(other == end for _, other in fan) == 16


def test_the_lines_of_a_chosen_neuron_are_drawn_and_a_matrix_switches_to_weights(browser, tmp_path):
    loss = nn.cross_entropy(nn.MLP(4, [16, 16, 3], rng=0)([Value(0.5, label=f"x{i}") for i in range(4)]), 1)
    loss.backward()
    drawing = viz.draw(loss)
    tables = [c.attrib["data-card"] for c in marked(drawing.svg, "card") if "table" in c.attrib["class"]]
    browser.get(drawing.save(tmp_path / "loss.html").as_uri())
    clicked(browser, f"[data-card='{tables[1]}'] [data-row='4']")
    drawn = browser.execute_script("return document.querySelectorAll('.edge.chosen').length")
    strongest = [edge for edge in marked(drawing.svg, "edge") if edge.attrib["data-ends"] == " ".join(tables)]
    assert 6 <= drawn <= 16 + 3 and len(strongest) == 10  # from 16 neurons before it, and to 3 after it
    before = browser.execute_script("return document.querySelectorAll('.matrix')[1].innerHTML")
    clicked(browser, f"[data-card='{tables[1]}'] .matrix")
    after = browser.execute_script("return document.querySelectorAll('.matrix')[1].innerHTML")
    assert before != after and before.count("<path") > 3 and after.count("<path") > 3
    assert browser.get_log("browser") == []
