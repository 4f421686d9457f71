"""steps(): the page goes through backward() and ends at its gradients. Some tests need a browser."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from picture_helpers import graphs, marked, network, neuron, page_data, used_twice

from chainrule import viz
from chainrule.engine import Value
from chainrule.engine.graph import topological_order
from chainrule.viz.common.text import short


@given(graphs())
def test_the_steps_end_at_the_gradients_of_backward(value):
    order = topological_order(value)
    data = page_data(viz.steps(value).html)
    assert all(one.grad == 0.0 for one in order)
    shown = list(data["start"])
    for step in data["steps"]:
        if step["receiver"] is not None:
            shown[step["receiver"]] = step["grad"]
    value.backward()
    for one, text in zip(order, shown):
        # Four digits are shown, and a sum in another order may end in the neighbouring fourth digit.
        expected = float(short(one.grad).replace("−", "-"))
        assert float(text.replace("−", "-")) == pytest.approx(expected, rel=2e-3, abs=1e-12)


@given(graphs())
def test_there_is_one_step_for_each_application_of_the_chain_rule(value):
    data = page_data(viz.steps(value).html)
    edges = [step["edge"] for step in data["steps"] if step["edge"] is not None]
    assert sorted(edges) == list(range(sum(len(one._prev) for one in topological_order(value))))


def test_the_page_explains_the_second_use_of_a_value():
    texts = ["".join(text for _, text in step["why"]) for step in page_data(viz.steps(used_twice()).html)["steps"]]
    assert [text for text in texts if "add up" in text and "that is why it is +=" in text] == texts[-2:]


def test_the_error_about_too_many_steps_has_their_number():
    with pytest.raises(ValueError, match=r"loss needs 1,\d\d\d applications.*at most 400.*explain\(loss\)"):
        viz.steps(network([4, 16, 16]))


def shown_gradients(browser) -> list[str]:
    script = "return [...document.querySelectorAll('[data-card] .grad')].map(grad => grad.textContent)"
    return list(browser.execute_script(script))


def text(browser, selector: str) -> str:
    return str(browser.execute_script("return document.querySelector(arguments[0]).textContent", selector))


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


def test_stepping_to_the_end_fills_in_every_gradient(page):
    from selenium.webdriver.common.keys import Keys

    o = neuron()
    order = topological_order(o)
    assert shown_gradients(page) == ["0"] * len(order)
    press(page, *[Keys.ARROW_RIGHT] * 10)
    o.backward()
    assert shown_gradients(page) == [short(value.grad) for value in order]
    assert text(page, "#counter") == "step 10 of 10"
    press(page, Keys.ARROW_RIGHT, Keys.HOME)
    assert shown_gradients(page) == ["0"] * len(order)


def test_each_step_marks_the_giver_and_the_receiver(page):
    from selenium.webdriver.common.keys import Keys

    press(page, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert [text(page, f".{role} .name") for role in ("gives", "receives")] == ["o", "n"]
    assert page.execute_script("return document.querySelectorAll('.edge.active').length") == 1
    assert text(page, "#update") == "n.grad += local derivative × o.grad"
    assert text(page, "#numbers") == "0.5 × 1 = 0.5"
    press(page, Keys.ARROW_LEFT)
    assert text(page, "#update") == "o.grad = 1"


def test_cards_buttons_and_the_slider_go_to_their_steps(page):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    step = "return Number(document.getElementById('slider').value)"
    card = page.find_element(By.CSS_SELECTOR, "[data-card='0']")
    page.execute_script("arguments[0].focus()", card)
    card.send_keys(Keys.ENTER)
    there = page.execute_script(step)
    assert there > 1 and page.execute_script("return arguments[0].classList.contains('receives')", card)
    page.find_element(By.ID, "back").click()
    assert page.execute_script(step) == there - 1
    page.find_element(By.ID, "end").click()
    assert page.execute_script(step) == 10
    page.find_element(By.ID, "slider").send_keys(Keys.HOME)
    assert page.execute_script(step) == 0
    press(page, " ")
    assert "Pause" in page.find_element(By.ID, "play").text
    press(page, " ")
    assert "Play" in page.find_element(By.ID, "play").text


def test_the_svg_of_a_page_has_all_gradients():
    o = neuron()
    svg = viz.steps(o).svg
    o.backward()
    texts = ["".join(card.itertext()) for card in marked(svg, "card")]
    assert all(short(value.grad) in text for value, text in zip(topological_order(o), texts))


def test_a_frame_in_a_notebook_is_as_high_as_its_page(browser, tmp_path):
    widths = (1400, 1236, 1100, 1000, 900, 800)
    shown = viz.steps(neuron())._repr_html_()
    cells = "".join(f'<div style="width:{width}px">{shown}</div>' for width in widths)
    (tmp_path / "notebook.html").write_text(f'<!doctype html><meta charset="utf-8">{cells}', encoding="utf-8")
    browser.get((tmp_path / "notebook.html").as_uri())
    script = """
        document.getElementById("end").click();
        const foot = document.querySelector(".keys").getBoundingClientRect().bottom;
        return [innerHeight - foot, document.documentElement.scrollHeight - innerHeight];
    """
    for width, frame in zip(widths, browser.find_elements("tag name", "iframe")):
        browser.switch_to.frame(frame)
        blank, hidden = browser.execute_script(script)
        browser.switch_to.default_content()
        assert blank <= 50 and hidden <= 0, f"{width} px wide: {blank} px blank, {hidden} px out of sight"


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
    shown.update((data["names"][step["receiver"]], step["grad"]) for step in data["steps"] if step["edge"] is not None)
    assert [shown["a"], shown["b"]] == [short(a.grad), short(b.grad)]
