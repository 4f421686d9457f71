"""curves(): the curves of a training, as a picture and as a page."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from picture_helpers import SVG, page_data, parsed

from chainrule import viz
from chainrule.viz.common.ticks import power_ticks, round_ticks
from chainrule.viz.plots.axes import axis_for


def history(**changes: Any) -> SimpleNamespace:
    numbers = {
        "epochs": [1, 2, 3, 4],
        "train_loss": [1.0, 0.6, 0.4, 0.3],
        "test_loss": [1.1, 0.7, 0.5, 0.45],
        "metrics": {"train accuracy": [0.3, 0.6, 0.8, 0.9], "test accuracy": [0.3, 0.5, 0.7, 0.85]},
    }
    return SimpleNamespace(**{**numbers, **changes})


def seen(svg: str) -> list[ElementTree.Element]:
    """The elements of a picture, without those of the axis that is not shown."""
    root = parsed(svg)
    hidden = {id(one) for group in root.iter() if group.attrib.get("display") == "none" for one in group.iter()}
    return [one for one in root.iter() if id(one) not in hidden]


def texts(svg: str) -> list[str]:
    return [one.text or "" for one in seen(svg) if one.tag == f"{SVG}text"]


def test_lines_are_labelled_at_their_ends():
    shown = texts(viz.curves(history()).svg)
    assert shown.count("train") == shown.count("test") == 2
    assert {"loss", "accuracy", "epoch", "0.3", "0.45", "0.9", "0.85"} <= set(shown)


def test_the_page_has_the_numbers_of_each_epoch():
    data = page_data(viz.curves(history()).html)
    assert data["lines"][1] == "train loss 0.6 · test loss 0.7 · train accuracy 0.6 · test accuracy 0.5"
    assert data["x"] == sorted(data["x"])


@pytest.mark.parametrize(
    "changes",
    [
        {"test_loss": [], "metrics": {}},
        {"epochs": [7], "train_loss": [0.5], "test_loss": [], "metrics": {}},
        {"train_loss": [1.0, math.inf, math.nan, 0.3]},
        {"train_loss": [math.nan] * 4, "test_loss": [], "metrics": {}},
        {"train_loss": [0.0] * 4, "test_loss": []},
        {"train_loss": [], "test_loss": [], "metrics": {}},
        {"metrics": {"</svg><script>": [1e308, -1e308], "f1": [0.5] * 4}},
    ],
)
def test_every_kind_of_history_gives_a_picture(changes):
    page = viz.curves(history(**changes))
    attributes = [pair for element in parsed(page.svg).iter() for pair in element.attrib.items()]
    assert not [text for name, text in attributes if name != "id" and ("nan" in text or "inf" in text)]
    assert page.html.count("<script") == 2


def test_the_error_about_a_history_that_cannot_be_drawn_says_why():
    with pytest.raises(ValueError, match="no epochs"):
        viz.curves(history(epochs=[]))
    with pytest.raises(ValueError, match="train has 4 numbers for 2 epochs; give at most one number for each epoch"):
        viz.curves(history(epochs=[1, 2]))


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_ticks_are_few_even_and_cover_the_range(one, other):
    low, high = min(one, other), max(one, other)
    ticks = round_ticks(low, high)
    size = ticks[1] - ticks[0]
    assert 2 <= len(ticks) <= 8
    # Ticks are rounded to the digits of their distance, and may miss the ends of the range by 1e-9 of that distance.
    assert ticks[0] <= low + size * 1e-6 and high - size * 1e-6 <= ticks[-1]


def test_the_page_of_a_training_answers_to_keys(browser, tmp_path):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    browser.get(viz.curves(history()).save(tmp_path / "training.html").as_uri())
    numbers = browser.find_element(By.ID, "numbers")
    assert numbers.text.startswith("train loss 0.3")
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.ARROW_LEFT)
    assert numbers.text.startswith("train loss 0.4")
    browser.find_element(By.ID, "slider").send_keys(Keys.HOME)
    assert numbers.text.startswith("train loss 1 ")
    assert browser.get_log("browser") == []


def marks(svg: str, kind: str) -> list[str]:
    """The tooltips of what is marked on the curves."""
    found = [one for one in seen(svg) if one.attrib.get("class", "").split(" ")[0] == kind]
    return [title.text or "" for one in found for title in one.iter(f"{SVG}title")]


def test_the_epoch_of_the_lowest_test_loss_is_marked_and_named():
    svg = viz.curves(history(test_loss=[1.1, 0.5, 0.4, 0.6])).svg
    assert marks(svg, "ring") == ["test loss is lowest at epoch 3: 0.4"]
    assert "best: epoch 3, test loss 0.4" in texts(svg)
    assert "best: epoch 4, train loss 0.3" in texts(viz.curves(history(test_loss=[])).svg)


@pytest.mark.parametrize(
    ("losses", "epoch"),
    [
        ([1.0, math.nan, math.nan, math.nan], 2),
        ([1.0, 2.0, math.inf, 1.0], 3),
        ([1.0, 0.5, 40.0, 1e70], 3),
        ([1.0, 40.0, 30.0, 20.0], 2),
    ],
)
def test_a_training_that_diverged_says_where_and_has_no_best_epoch(losses, epoch):
    page = viz.curves(history(train_loss=losses, test_loss=[]))
    assert f"diverged at epoch {epoch}" in texts(page.svg) and len(marks(page.svg, "fall")) == 1
    assert not marks(page.svg, "ring")
    assert f"It diverged at epoch {epoch}: the train loss is " in page.html


@pytest.mark.parametrize("losses", [[1.0, 3.0, 2.0, 1.1], [1.0, 30.0, 0.5, 0.4], [-1.0, -2.0, -3.0, -50.0], [0.0] * 4])
def test_a_training_that_did_not_diverge_is_not_said_to_have(losses):
    assert "diverged at" not in viz.curves(history(train_loss=losses, test_loss=[])).html


def tick_texts(svg: str) -> list[str]:
    return [one.text or "" for one in seen(svg) if one.attrib.get("class") == "tick end"]


def test_the_axis_is_logarithmic_where_the_range_asks_for_it_and_never_below_zero():
    wide = history(train_loss=[100.0, 1.0, 0.1, 0.01], test_loss=[], metrics={})
    assert tick_texts(viz.curves(wide).svg) == ["0.01", "0.1", "1", "10", "100"]
    assert "0" in tick_texts(viz.curves(history(metrics={})).svg)
    for odd in ([1000.0, 1.0, 0.0, 0.5], [1000.0, 1.0, -1.0, 0.5]):
        assert "0" in tick_texts(viz.curves(history(train_loss=odd, test_loss=[], metrics={})).svg)


@given(st.floats(1e-300, 1.7e308), st.floats(1e-300, 1.7e308))
@example(5e-324, 5e-324)
def test_a_logarithmic_axis_covers_its_range_at_even_powers_of_ten(one, other):
    low, high = min(one, other), max(one, other)
    ticks = power_ticks(low, high)
    assert ticks[0] <= max(low, 1e-323) and ticks[-1] >= high and 2 <= len(ticks) <= 8
    axis = axis_for([low, high], is_log=True, with_zero=False)
    assert low < 1e-300 or -1e-9 <= axis.share(low) <= axis.share(high) <= 1.0 + 1e-9


def test_several_trainings_lie_over_each_other_with_their_names():
    one, other = history(), history(epochs=[1, 2], train_loss=[2.0, 1.5], test_loss=[], metrics={})
    page = viz.curves(one, other, labels=["slow", "fast"])
    assert texts(page.svg).count("slow") == 2 and texts(page.svg).count("fast") == 1
    assert "loss (dashed: test)" in texts(page.svg)
    lines = page_data(page.html)["lines"]
    assert lines[0].startswith("slow train loss 1 · slow test loss 1.1") and lines[0].endswith("fast train loss 2")
    assert "fast" not in lines[3]  # its training was over
    curved = [path.attrib["class"] for path in seen(page.svg) if "curve" in path.attrib.get("class", "")]
    assert curved == ["curve c0", "curve c0 dashed", "curve c1", "curve c0", "curve c0 dashed"]
    assert "run 1" in viz.curves(one, other).html


def test_labels_and_histories_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="there are 1 label for 2 histories; give one for each"):
        viz.curves(history(), history(), labels=["a"])
    with pytest.raises(TypeError, match=r"labels is the text 'ab'"):
        viz.curves(history(), history(), labels="ab")
    with pytest.raises(TypeError, match=r"curves\(\) got list, which has no epochs.*curves\(h1, h2\)"):
        viz.curves([history(), history()])
    with pytest.raises(ValueError, match="needs a history"):
        viz.curves()


def test_the_gradient_size_of_each_layer_has_a_panel_with_a_logarithmic_axis():
    sizes = {"layers.0": [0.5, 0.25, 0.125, 0.1], "layers.1": [5.0, 4.0, 3.0, 2.0]}
    page = viz.curves(history(gradient_sizes=sizes))
    assert {"gradient size of each layer", "layer 1", "layer 2"} <= set(texts(page.svg))  # as draw() calls them
    assert "layer 2 gradient size 3" in page_data(page.html)["lines"][2]
    assert "10" in tick_texts(page.svg)
    later = viz.curves(history(gradient_sizes={"layers.0": [0.25, 0.125, 0.1]}))  # before the first step there is none
    assert ["gradient size" in line for line in page_data(later.html)["lines"]] == [False, True, True, True]
    assert "gradient size" not in viz.curves(history(gradient_sizes={})).html


@pytest.mark.parametrize("count", [1, 6, 7, 12, 15, 40])
@pytest.mark.parametrize("alike", [True, False])
def test_the_names_of_many_layers_stand_in_their_panel_and_their_lines_can_be_told_apart(count, alike):
    sizes = {f"layers.{i}": [2.0**-i] * 3 + [1.0 if alike else 2.0**-i] for i in range(count)}
    svg = viz.curves(history(gradient_sizes=sizes, metrics={})).svg
    names = [one for one in seen(svg) if one.tag == f"{SVG}text" and (one.text or "").startswith("layer ")]
    heights = sorted(float(one.attrib["y"]) for one in names)
    assert {"layer 1", f"layer {count}"} <= {one.text for one in names} and len(names) >= min(count, 12)
    assert heights[0] >= 60 and heights[-1] <= 304 and all(b - a >= 14.9 for a, b in pairwise(heights))
    groups = [one for one in seen(svg) if one.tag == f"{SVG}g" and "gradient" in (one.findtext(f"{SVG}title") or "")]
    lines = [one.find(f"{SVG}path").attrib["class"] for one in groups]
    assert len(lines) == count and len(set(lines)) == min(count, 24)


def test_two_panels_fit_a_window_of_700_pixels_with_texts_of_11():
    page = viz.curves(history())
    assert (page.width, 13 * (700 - 16) / page.width >= 11) == (800, True)


def test_a_reader_can_switch_the_axes(browser, tmp_path):
    wide = history(train_loss=[100.0, 1.0, 0.1, 0.01], test_loss=[], metrics={})
    browser.get(viz.curves(wide).save(tmp_path / "training.html").as_uri())
    shown = """return [...document.querySelectorAll('[data-scale]')]
        .filter(one => !one.getAttribute('display')).map(one => one.dataset.scale)"""
    assert browser.execute_script(shown) == ["log"]
    browser.find_element("id", "log").click()
    assert browser.execute_script(shown) == ["linear"]
    browser.find_element("tag name", "body").send_keys("l")
    assert browser.execute_script(shown) == ["log"]
    assert browser.find_element("id", "log").get_attribute("aria-pressed") == "true"
    browser.get(
        viz.curves(history(train_loss=[0.0] * 4, test_loss=[], metrics={})).save(tmp_path / "flat.html").as_uri()
    )
    assert not browser.find_elements("id", "log") and browser.get_log("browser") == []


def test_a_note_stands_on_the_page_as_it_is_written():
    html = viz.curves(history(), notes=["37 of 38 <b>flowers</b>"]).html
    assert "37 of 38 &lt;b&gt;flowers&lt;/b&gt;" in html
