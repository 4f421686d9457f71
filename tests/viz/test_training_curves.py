"""curves(): the curves of a training, as a picture and as a page."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from picture_helpers import SVG, page_data, parsed

from chainrule import viz
from chainrule.viz.plots.ticks import round_ticks


def history(**changes: Any) -> SimpleNamespace:
    numbers = {
        "epochs": [1, 2, 3, 4],
        "train_loss": [1.0, 0.6, 0.4, 0.3],
        "test_loss": [1.1, 0.7, 0.5, 0.45],
        "metrics": {"train accuracy": [0.3, 0.6, 0.8, 0.9], "test accuracy": [0.3, 0.5, 0.7, 0.85]},
    }
    return SimpleNamespace(**{**numbers, **changes})


def texts(svg: str) -> list[str]:
    return [text.text or "" for text in parsed(svg).iter(f"{SVG}text")]


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
