"""steps(): the page goes forward, backward and through an update, and says the numbers of the engine."""

from __future__ import annotations

import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from picture_helpers import graphs, marked, network, neuron, page_data, used_twice

from chainrule import nn, viz
from chainrule.engine import Value
from chainrule.engine.graph import topological_order
from chainrule.viz.common.text import short
from chainrule.viz.stepper.grouping import groups_of
from chainrule.viz.stepper.lines import lines_of


def of_kind(data, kind):
    return [step[1:] for step in data["steps"] if step[0] == kind]


def numbers_of(order):
    return [float(value.data) for value in order]


@given(graphs())
def test_the_steps_end_at_the_gradients_of_backward(value):
    order = topological_order(value)
    data = page_data(viz.steps(value).html)
    assert all(one.grad == 0.0 for one in order)
    shown = list(data["start"])
    shown[-1] = "1"
    for _, receiver, _, terms, *_ in of_kind(data, "pass"):
        shown[receiver] = terms[-1]
    value.backward()
    for one, text in zip(order, shown):
        # Four digits are shown, and a sum in another order may end in the neighbouring fourth digit.
        expected = float(short(one.grad).replace("−", "-"))
        assert float(text.replace("−", "-")) == pytest.approx(expected, rel=2e-3, abs=1e-12)


@given(graphs())
def test_there_is_one_step_for_each_value_computed_and_for_each_application_of_the_chain_rule(value):
    order = topological_order(value)
    data = page_data(viz.steps(value).html)
    edges = [edge for _, _, edge, *_ in of_kind(data, "pass")]
    assert sorted(edges) == list(range(sum(len(one._prev) for one in order)))
    assert sorted(index for index, *_ in of_kind(data, "compute")) == [i for i, one in enumerate(order) if one._prev]


@given(graphs(), st.sampled_from([1e-3, 0.05, 0.7]))
def test_the_update_ends_at_the_numbers_of_a_real_one(value, rate):
    order = topological_order(value)
    before = numbers_of(order)
    data = page_data(viz.steps(value, learning_rate=rate).html)
    assert numbers_of(order) == before  # the page only says what an update would do
    if value.operation is None:
        assert of_kind(data, "compute") == []
    value.backward()
    for leaf in order:
        if leaf.operation is None:
            leaf.data -= rate * leaf.grad
    value.refresh()
    (texts, said), = of_kind(data, "anew")  # fmt: skip
    # The gradients may be sums in another order, which the fourth digit may show.
    for text, one in zip(texts, order):
        assert float(text.replace("−", "-")) == pytest.approx(one.data, rel=2e-3, abs=1e-9)
    assert f"is {texts[-1]} now" in said


def test_the_parameters_that_move_are_those_of_neurons_or_those_named_so_or_all_leaves_or_those_that_are_given():
    def moved(loss, **options):
        data = page_data(viz.steps(loss, **options).html)
        return {data["names"][index] for index, _ in of_kind(data, "move")}

    def of(*labels):
        total = Value(1.0, requires_grad=False)
        for label in labels:
            total = total * Value(2.0, label=label)
        return moved(total)

    out = neuron()
    assert moved(out) == {"w1", "w2", "b"}
    assert moved(out, parameters=[leaf for leaf in viz_leaves(out) if leaf.label in ("x1", "b")]) == {"x1", "b"}
    assert of("x[0]", "y", "target", "input_3", "W", "bias") == {"W", "bias"}
    assert of("x₁", "theta2", "xylophone", "t") == {"theta2", "xylophone"}
    assert of("x", "y", "z") == {"x", "y", "z"}  # nothing says that these are data
    assert of("a", "b", "c") == {"a", "b", "c"}
    assert of("a", "x", "b") == {"a", "b"}
    model = nn.Neuron(2, rng=0)
    out = model([Value(1.0, label="x1"), Value(2.0, label="x2")])
    assert moved(out) == {parameter.label for parameter in model.parameters()}
    assert moved(out, parameters=model.parameters()[:1]) == {model.parameters()[0].label}
    assert moved(out, learning_rate=None) == set()
    with pytest.raises(ValueError, match="cannot be updated: it was computed, so it is no leaf"):
        viz.steps(out, parameters=[out])
    with pytest.raises(ValueError, match=r"learning_rate is -1; it has to be positive and finite, such as 0\.1"):
        viz.steps(out, learning_rate=-1)
    with pytest.raises(TypeError, match="learning_rate is 'fast'; it has to be a number"):
        viz.steps(out, learning_rate="fast")


def viz_leaves(root):
    return [value for value in topological_order(root) if value.operation is None]


def test_the_page_says_which_leaves_stay_and_how_others_are_chosen():
    def said(loss, **options):
        return page_data(viz.steps(loss, **options).html)["stays"]

    how = "; steps(…, parameters=[…]) says what moves instead."
    assert said(neuron()) == f"x1 and x2 are taken for data and stay as they are{how}"
    one = Value(2.0, label="x") * Value(3.0, label="w")
    assert said(one) == f"x is taken for data and stays as it is{how}"
    assert said(one, parameters=viz_leaves(one)) == "" == said(one, learning_rate=None)
    two = Value(2.0, label="p") * Value(3.0, label="q")
    assert said(two) == "All leaves move; with steps(…, parameters=[…]) only those that are named."
    assert said(Value(2.0, label="p") * 3.0) == ""


def test_a_step_that_is_too_large_is_called_that_and_one_to_no_value_as_well():
    x = Value(1.0, label="x")
    (_, said), = of_kind(page_data(viz.steps(x * x * x * x, learning_rate=1.0).html), "anew")  # fmt: skip
    assert "It went up: the moves were too large; try a smaller learning rate." in said
    (texts, said), = of_kind(page_data(viz.steps((x * 1.0).log(), learning_rate=2.0).html), "anew")  # fmt: skip
    assert texts is None and "has no value: " in said and "-1" in said


def test_the_first_and_the_second_use_of_a_value_are_told_apart():
    data = page_data(viz.steps(used_twice()).html)
    said = [" ".join(data["texts"][text] for text in step[-1]) for step in of_kind(data, "pass")]
    uses = [text.partition("a is used twice; ")[2] for text in said if "a is used twice" in text]
    assert uses == [
        "this is the 1st contribution to its gradient",
        "this is the 2nd contribution to its gradient, and contributions add up: that is why it is +=",
    ]
    assert all(step[3][0] == "0" or "2nd contribution" in text for step, text in zip(of_kind(data, "pass"), said))


@pytest.mark.slow
def test_there_is_no_limit_of_400_but_one_of_what_a_browser_takes_and_its_error_says_what_to_do():
    assert len(of_kind(page_data(viz.steps(network([4, 16, 16])).html), "pass")) > 1000
    x = Value(1.0, label="x")
    y = x
    for _ in range(20_001):
        y = y * 1.0
    with pytest.raises(
        ValueError, match=r"20,001 applications.*at most 20,000.*loss of one example.*explain\(result, w"
    ):
        viz.steps(y)


@pytest.mark.parametrize("fold", ["neurons", "layers"])
def test_of_a_network_each_neuron_is_a_group_and_its_lines_hold_each_of_its_values(fold):
    loss = network([2, 3, 2])
    order = topological_order(loss)
    data = page_data(viz.steps(loss, fold=fold).html)
    computed = [index for index, *_ in of_kind(data, "compute")]
    groups = [data["group"][index] for index in computed]
    assert groups == sorted(groups)  # a group is gone through as a whole
    by_group = {}
    for index in computed:
        by_group.setdefault(data["group"][index], set()).add(index)
    for number, members in by_group.items():
        units = {getattr(order[index], "unit", None) for index in members} - {None}
        assert len(units) <= 1
        lines = data["groups"][number]["lines"]
        results = [part[-1] for line in lines for part in line]
        assert sorted(results) == sorted(members)
        shown = {piece for line in lines for part in line for piece in part if isinstance(piece, int)}
        assert {order.index(parent) for index in members for parent in order[index]._prev} <= shown


@given(st.data())
def test_groups_come_after_those_that_they_need_whatever_the_cards_are(data):
    size = data.draw(st.integers(1, 12))
    parents = [data.draw(st.lists(st.integers(0, i - 1), max_size=3)) if i else [] for i in range(size)]
    cards = data.draw(st.lists(st.integers(0, 3), min_size=size, max_size=size))
    named = data.draw(st.lists(st.booleans(), min_size=size, max_size=size))
    groups = groups_of(parents, cards, named)
    walk = [index for group in groups for index in group]
    assert sorted(walk) == [index for index in range(size) if parents[index]]
    place = {index: at for at, index in enumerate(walk)}
    assert all(place[parent] < place[index] for index in walk for parent in parents[index] if parents[parent])
    assert all(len({cards[index] for index in group}) == 1 for group in groups)


def test_a_neuron_that_is_called_several_times_is_a_group_for_each_call():
    model = nn.Neuron(1, rng=0)
    loss = model([Value(1.0)]) + model([Value(2.0)]) + model([Value(3.0)])
    data = page_data(viz.steps(loss, fold="neurons").html)
    titles = [group["title"] for group in data["groups"]]
    assert [title for title in titles if " of 3" in title] == ["h, 1 of 3", "h, 2 of 3", "h, 3 of 3"]


def squares(model, inputs):
    return [(model(x) - 1.0) ** 2 for x in inputs]


INPUTS = [[0.1, 0.2], [0.3, -0.4], [-0.5, 0.6], [0.7, 0.8]]


@pytest.mark.parametrize("fold", ["auto", "none", "layers"])
@pytest.mark.parametrize("example", [0, 2, -1])
def test_of_one_example_the_steps_are_its_own_and_those_of_the_others_are_one_step(example, fold):
    model = nn.MLP(2, [3, 1], "tanh", rng=0)
    parts = squares(model, INPUTS)
    loss = sum(parts[1:], parts[0]) / 4 + 0.1 * sum((p * p for p in model.parameters()), Value(0.0))
    data = page_data(viz.steps(loss, example=example, fold=fold).html)
    alone = page_data(viz.steps(squares(model, [INPUTS[example]])[0], fold=fold).html)
    penalty = len(topological_order(loss)) - len(topological_order(sum(parts[1:], parts[0]) / 4))
    computed = len(of_kind(data, "compute")) - len(of_kind(alone, "compute"))
    assert 2 <= computed <= 4 + penalty + 1  # besides: the sums with this example in them, the quotient, the penalty
    assert data["others"] == 3 and f"example {example % 4} of 4 (0 to 3)" in data["steps"][0][1][0]
    # What the others bring is what their part of the loss brings.
    ((_, brought),) = of_kind(data, "others")
    others = [part for place, part in enumerate(squares(model, INPUTS)) if place != example % 4]
    model.zero_grad()
    (sum(others[1:], others[0]) / 4).backward()
    wanted = {p.label: p.grad for p in model.parameters()}
    told = {data["names"][index]: float(grad.replace("−", "-")) for index, grad, _ in brought}
    assert {name: told[name] for name in wanted} == pytest.approx(wanted, rel=1e-3, abs=1e-12)
    # In the end each parameter has the gradient of the whole loss, and the update is a real one.
    shown = dict(zip(data["names"], data["start"]))
    shown.update((data["names"][receiver], terms[-1]) for _, receiver, _, terms, *_ in of_kind(data, "pass"))
    model.zero_grad()
    loss.backward()
    for p in model.parameters():
        assert float(shown[p.label].replace("−", "-")) == pytest.approx(p.grad, rel=2e-3, abs=1e-12)
        p.data -= 0.1 * p.grad
    loss.refresh()
    ((texts, _),) = of_kind(data, "anew")
    assert float(texts[-1].replace("−", "-")) == pytest.approx(loss.data, rel=2e-3)


@pytest.mark.slow
def test_one_example_of_very_many_is_a_small_page():
    model = nn.MLP(4, [8, 3], rng=0)
    parts = [nn.cross_entropy(model([0.1 * i, 0.5, -0.2, 0.3]), i % 3) for i in range(150)]
    loss = sum(parts[1:], parts[0]) / 150
    with pytest.raises(ValueError, match=r"step through one of its examples, steps\(loss, example=0\), or through"):
        viz.steps(loss)
    page = viz.steps(loss, example=149)
    data = page_data(page.html)
    assert len(page.html) < 300_000 and len(data["names"]) < 400
    assert all(0 <= step[1] < len(data["names"]) for step in data["steps"] if step[0] in ("compute", "pass", "move"))


@pytest.mark.parametrize(("example", "error", "said"), [
    (4, ValueError, "example=4 is out of range: there are 4 examples"),
    (1.5, TypeError, "example is 1.5; it has to be a whole"),
    ("first", TypeError, "example is 'first'; it has to be a whole number"),
])  # fmt: skip
def test_an_example_that_there_is_not_is_an_error_that_says_which_there_are(example, error, said):
    parts = squares(nn.MLP(2, [3, 1], "tanh", rng=0), INPUTS)
    for picture in (viz.steps, viz.draw):
        with pytest.raises(error, match=re.escape(said)):
            picture(sum(parts[1:], parts[0]) / 4, example=example)


def test_a_stepper_is_saved_as_an_animation_and_other_pictures_say_that_they_do_not_move(tmp_path):
    path = viz.steps(neuron(), theme="dark").save(tmp_path / "walk.svg", animated=True)
    assert path.read_text(encoding="utf-8") == viz.walk(neuron(), theme="dark").svg and "@keyframes" in path.read_text()
    with pytest.raises(ValueError, match=r"cannot save as 'walk.html': the name has to end in \.svg"):
        viz.steps(neuron()).save(tmp_path / "walk.html", animated=True)
    with pytest.raises(ValueError, match=r"<Drawing: o = .*> does not move: animated=True is for steps\(loss\)"):
        viz.draw(neuron()).save(tmp_path / "draw.svg", animated=True)


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan, 1e308])
def test_numbers_that_are_not_finite_are_stepped_through(number):
    def refuse(name):
        raise ValueError(f"{name} is no JSON")

    a, b = Value(number, label="a"), Value(2.0, label="b")
    c = a * b + a
    loss = c * c
    html = viz.steps(loss).html
    data = json.loads(html.partition('id="data">')[2].partition("</script>")[0], parse_constant=refuse)
    loss.backward()
    shown = dict(zip(data["names"], data["start"]))
    shown.update((data["names"][receiver], terms[-1]) for _, receiver, _, terms, *_ in of_kind(data, "pass"))
    assert [shown["a"], shown["b"]] == [short(a.grad), short(b.grad)]


def test_the_svg_of_a_page_has_all_gradients():
    o = neuron()
    svg = viz.steps(o).svg
    o.backward()
    texts = ["".join(card.itertext()) for card in marked(svg, "card")]
    assert all(short(value.grad) in text for value, text in zip(topological_order(o), texts))


# --- in a browser


def card_texts(browser, kind) -> list[str]:
    script = """return [...document.querySelectorAll('#view [data-card]')].sort((one, other) =>
        one.dataset.card - other.dataset.card).map(card => card.querySelector(arguments[0]).textContent)"""
    return list(browser.execute_script(script, ".grad" if kind == "grad" else ".number:not(.grad)"))


def text(browser, selector: str) -> str:
    return str(browser.execute_script("return document.querySelector(arguments[0]).textContent", selector))


def step_of(browser) -> int:
    return int(browser.execute_script("return document.getElementById('slider').value"))


@pytest.fixture
def page(browser, tmp_path):
    """The page of the neuron, open in the browser; at the end its console has to be empty."""
    browser.get(viz.steps(neuron()).save(tmp_path / "steps.html").as_uri())
    yield browser
    assert browser.get_log("browser") == []


def press(browser, *keys: str) -> None:
    from selenium.webdriver.common.by import By

    for key in keys:
        browser.find_element(By.TAG_NAME, "body").send_keys(key)


def test_stepping_through_the_acts_fills_in_data_then_gradients_then_new_data(page):
    from selenium.webdriver.common.keys import Keys

    o = neuron()
    order = topological_order(o)
    assert card_texts(page, "grad") == ["0"] * len(order)
    assert card_texts(page, "data") == ["" if value._prev else short(value.data) for value in order]
    press(page, *[Keys.ARROW_RIGHT] * 5)
    assert card_texts(page, "data") == [short(value.data) for value in order]
    assert card_texts(page, "grad") == ["0"] * len(order)
    press(page, *[Keys.ARROW_RIGHT] * 10)
    o.backward()
    assert card_texts(page, "grad") == [short(value.grad) for value in order]
    press(page, Keys.END)
    assert text(page, "#counter") == "step 19 of 19"
    for value in order:
        if value.label in ("w1", "w2", "b"):
            value.data -= 0.1 * value.grad
    o.refresh()
    assert card_texts(page, "data") == [short(value.data) for value in order]
    press(page, Keys.ARROW_RIGHT, Keys.HOME)
    assert card_texts(page, "grad") == ["0"] * len(order)


def test_each_step_marks_the_giver_and_the_receiver_and_the_words_stand_under_their_numbers(page):
    page.find_element("id", "act1").click()
    assert text(page, "#update") == "o.grad = 1" and step_of(page) == 6
    page.find_element("id", "next").click()
    assert [text(page, f"#view .{role} .name") for role in ("gives", "receives")] == ["o", "n"]
    assert page.execute_script("return document.querySelectorAll('.edge.active').length") == 1
    assert text(page, "#update") == "n.grad += local derivative × o.grad"
    words = page.execute_script("""return [...document.querySelectorAll('#numbers .term')].map(term =>
        [term.firstChild.textContent, term.querySelector('small').textContent, getComputedStyle(term).color])""")
    assert [word[:2] for word in words] == [["0", "at first"], ["0.5", "local derivative"], ["1", "upstream gradient"],
                                            ["0.5", "n.grad"]]  # fmt: skip
    colours = page.execute_script("""return ['slope', 'giver'].map(kind =>
        getComputedStyle(document.querySelector('#update .' + kind)).color)""")
    assert [words[1][2], words[2][2]] == colours and len(set(colours)) == 2
    page.find_element("id", "back").click()
    assert text(page, "#update") == "o.grad = 1"


def test_cards_buttons_and_the_slider_go_to_their_steps(page):
    from selenium.webdriver.common.keys import Keys

    card = page.find_element("css selector", "[data-card='0']")
    page.execute_script("arguments[0].focus()", card)
    card.send_keys(Keys.ENTER)
    there = step_of(page)
    assert there > 6 and page.execute_script("return arguments[0].classList.contains('receives')", card)
    page.find_element("id", "back").click()
    assert step_of(page) == there - 1
    page.find_element("id", "act2").click()
    assert text(page, "#update").endswith(".data −= learning rate × w1.grad")
    assert "x1 and x2 are taken for data and stay as they are" in text(page, "#why")
    page.find_element("id", "end").click()
    assert step_of(page) == 19
    page.find_element("id", "slider").send_keys(Keys.HOME)
    assert step_of(page) == 0
    press(page, " ")
    assert "Pause" in page.find_element("id", "play").text
    press(page, " ")
    assert "Play" in page.find_element("id", "play").text


def test_the_address_names_the_step_and_a_step_in_the_address_is_gone_to(browser, tmp_path):
    address = viz.steps(neuron()).save(tmp_path / "steps.html").as_uri()
    browser.get(f"{address}?step=7")
    assert step_of(browser) == 7 and text(browser, "#update").startswith("n.grad +=")
    press(browser, "n")
    assert browser.current_url.endswith(f"?step={step_of(browser)}") and step_of(browser) == 8
    for odd in ("?step=abc", "?step=-3", "?step=999", "?other=1"):
        browser.get(address + odd)
        assert step_of(browser) == (19 if odd == "?step=999" else 0)
    assert browser.get_log("browser") == []


def test_of_a_network_the_neuron_at_work_is_opened_and_the_next_one_is_a_key_away(browser, tmp_path):
    loss = network([2, 3, 2])
    data = page_data(viz.steps(loss, fold="neurons").html)
    browser.get(viz.steps(loss, fold="neurons").save(tmp_path / "steps.html").as_uri())
    seen = []
    for _ in range(60):
        seen.append((text(browser, "#opened h2").removesuffix(", opened"), step_of(browser)))
        press(browser, "n")
        if step_of(browser) == len(data["steps"]) - 1:
            break
    titles = [group["title"] for group in data["groups"]]
    assert [title for title, _ in seen[: len(titles)]] == titles  # forward, each neuron once
    browser.get(browser.current_url.partition("?")[0] + f"?step={seen[-1][1]}")
    order = topological_order(loss)
    loss.backward()
    for index, value in enumerate(order):
        cells = browser.execute_script("""return [...document.querySelectorAll('#opened .cell')].filter(cell =>
            cell.firstChild.textContent === arguments[0]).map(cell => cell.querySelector('[data-grad]').textContent)""",
            data["names"][index])  # fmt: skip
        assert set(cells) <= {short(value.grad)}
    where = browser.execute_script("""return [...document.querySelectorAll('#view .receives, #opened .receives')]
        .map(one => { const box = one.getBoundingClientRect(); return box.left >= 0 && box.right <= innerWidth + 1 &&
        box.top >= 0 && box.bottom <= innerHeight; })""")
    assert where and all(where)
    assert browser.get_log("browser") == []


def test_nothing_is_shown_before_the_step_that_makes_it(browser, tmp_path):
    """Squares and bars of gradients wait for the end of the backward pass, a local derivative for its value."""
    model = nn.MLP(4, [12, 3], activation="tanh", rng=0)
    browser.get(viz.steps(nn.cross_entropy(model([0.5, -1.0, 2.0, 0.1]), 1)).save(tmp_path / "steps.html").as_uri())
    script = """return [...document.querySelectorAll('#view svg ' + arguments[0])]
        .filter(one => getComputedStyle(one).visibility === 'visible').length"""
    seen = []
    for act in range(3):
        browser.execute_script("document.querySelectorAll('.acts button')[arguments[0]].click()", act)
        seen.append([browser.execute_script(script, kind) for kind in (".cell", ".bar", ".tag")])
    cells, bars, labels = (list(of_one_kind) for of_one_kind in zip(*seen))
    assert cells[0] == bars[0] == labels[0] == 0  # the beginning of the forward pass
    assert cells[1] == bars[1] == 0 < labels[1]  # all values are computed, and no gradient
    assert cells[2] > 0 < bars[2] and labels[2] == labels[1]
    browser.execute_script("document.getElementById('slider').value = 1e6")
    browser.execute_script("document.getElementById('slider').dispatchEvent(new Event('input'))")
    assert text(browser, "#update").endswith("with the new numbers")
    assert browser.execute_script(script, ".tag") == 0 < browser.execute_script(script, ".cell")  # as .grad stays
    assert browser.get_log("browser") == []


def test_tooltips_say_when_their_numbers_are_not_those_of_the_step(browser, tmp_path):
    from selenium.webdriver.common.keys import Keys

    a = Value(2.0, label="a")
    loss = a * a
    browser.get(viz.steps(loss).save(tmp_path / "steps.html").as_uri())
    order, data = topological_order(loss), page_data(viz.steps(loss).html)
    end = max(place for place, step in enumerate(data["steps"]) if step[0] == "pass")
    for place in range(len(data["steps"])):
        said = browser.execute_script(
            "return [...document.querySelectorAll('#view svg title')].map(t => t.textContent)"
        )
        notes = [text.endswith("\n(the numbers at the end of the backward pass)") for text in said[-len(order) :]]
        assert all(notes) if place != end else not any(notes)
        press(browser, Keys.ARROW_RIGHT)


def test_a_product_of_ones_is_no_line_of_a_sum():
    x, w, b = Value(1.0), Value(1.0), Value(1.0)
    term = x * w
    order = [x, w, b, term, term * b]
    lines = lines_of([3, 4], order, [[], [], [], [0, 1], [3, 2]], [1, 1, 1, 1, 0])
    assert lines == [[[0, " × ", 1, " = ", 3]], [[3, " × ", 2, " = ", 4]]]


@pytest.mark.parametrize("make", [neuron, lambda: network([2, 3, 2])], ids=["neuron", "network"])
def test_on_paper_there_is_one_line_for_each_step_and_the_picture_with_all_gradients(browser, tmp_path, make):
    loss = make()
    data = page_data(viz.steps(loss).html)
    browser.get(viz.steps(loss).save(tmp_path / "steps.html").as_uri())
    browser.execute_script("window.dispatchEvent(new Event('beforeprint'))")
    lines = browser.execute_script("""return [...document.querySelectorAll('#printed li:not(.act)')].map(line =>
        [line.value, line.textContent])""")
    assert [number for number, _ in lines] == list(range(1, len(data["steps"])))
    for (_, line), step in zip(lines, data["steps"][1:]):
        if step[0] == "pass":
            names, terms = data["names"], step[4]
            update = f"{names[step[2]]}.grad += local derivative × {names[step[1]]}.grad"
            assert line == f"{update}: {terms[0]} + {terms[1]} × {terms[2]} {terms[3]} {terms[4]}"
        if step[0] == "compute":
            assert line == f"{data['made'][step[1]]}: {step[2]}"
    browser.execute_script("window.dispatchEvent(new Event('afterprint'))")
    assert step_of(browser) == 0


@pytest.mark.parametrize("size", [(1600, 900), (700, 900)])
def test_everything_of_a_step_is_in_the_window(browser, tmp_path, size):
    for number, make in enumerate((neuron, lambda: network([3, 4, 2]))):
        browser.get(viz.steps(make()).save(tmp_path / f"steps{number}.html").as_uri())
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        try:
            press(browser, "n", "n")
            hidden = browser.execute_script("""return [document.documentElement.scrollHeight - innerHeight,
                document.documentElement.scrollWidth - innerWidth,
                ...['#numbers', '#why', '#slider'].map(one => Math.max(0,
                    document.querySelector(one).getBoundingClientRect().bottom - innerHeight))]""")
        finally:
            browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        assert max(hidden) <= 0


def test_a_frame_in_a_notebook_shows_its_whole_page(browser, tmp_path):
    widths = (1400, 1236, 1000, 800)
    shown = viz.steps(neuron())._repr_html_()
    cells = "".join(f'<div style="width:{width}px">{shown}</div>' for width in widths)
    (tmp_path / "notebook.html").write_text(f'<!doctype html><meta charset="utf-8">{cells}', encoding="utf-8")
    browser.get((tmp_path / "notebook.html").as_uri())
    script = """
        document.getElementById("end").click();
        const view = document.getElementById("view");
        const panel = document.querySelector(".panel");
        return [document.documentElement.scrollHeight - innerHeight, panel.scrollHeight - panel.clientHeight,
                panel.getBoundingClientRect().bottom - innerHeight, view.clientHeight];
    """
    for width, frame in zip(widths, browser.find_elements("tag name", "iframe")):
        browser.switch_to.frame(frame)
        hidden, cut, below, high = browser.execute_script(script)
        browser.switch_to.default_content()
        assert hidden <= 0 and cut <= 0 and below <= 0 and high >= 180, (
            f"{width} px wide: {hidden}, {cut}, {below}, {high}"
        )


def test_the_cards_of_a_folded_stepper_have_the_names_that_the_same_picture_has_elsewhere():
    model = nn.MLP(2, [2, 2], activation="tanh", rng=0)
    loss = nn.cross_entropy(model([1.0, 2.0]), 0)
    loss.label = "loss"
    stepped, drawn = (
        re.findall(r'class="name"[^>]*>([^<]*)<', page(loss, fold="neurons").svg) for page in (viz.steps, viz.draw)
    )
    assert stepped == drawn == ["h1_1", "h1_2", "h2_1", "h2_2", "v1", "v2", "loss"]
