"""What is opened stands beside the picture, whole, at every width: cards of draw() and neurons of steps()."""

from __future__ import annotations

import functools

import pytest
from picture_helpers import used_twice

from chainrule import nn, viz
from chainrule.engine import Value

WIDTHS = [pytest.param(width, marks=[] if width in (700, 1500) else pytest.mark.slow)
          for width in (420, 700, 1000, 1300, 1500, 1900)]  # fmt: skip


@functools.cache
def network():
    model = nn.MLP(4, [16, 16, 3], rng=0)
    loss = nn.cross_entropy(model([Value(0.25 * i, label=f"petal width {i} (cm)") for i in range(4)]), 1)
    loss.backward()
    return loss


@functools.cache
def over_examples():
    model = nn.MLP(2, [4, 1], "tanh", rng=0)
    loss = sum((model([0.1 * i, 0.5]) - 1.0) ** 2 for i in range(60)) / 60
    loss.backward()
    return loss


@functools.cache
def loop():
    w, h = Value(0.5, label="w"), Value(0.1, label="h0")
    for step in range(40):
        h = (w * h + Value(step / 8, label=f"a long name of the input {step + 1}")).tanh()
    h.backward()
    return h


@pytest.fixture
def window(browser):
    def open_(page, folder, width, height=800):
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.get(page.save(folder / "page.html").as_uri())
        drawn(browser)
        return browser

    yield open_
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def drawn(browser):
    """Wait until the page has been laid out twice: the view follows its panel."""
    browser.execute_async_script("""
        const done = arguments[0];
        let left = 4;
        const wait = () => (left-- ? requestAnimationFrame(wait) : done());
        wait();
    """)


# The panel is inside the window, beside the view, and nothing in it is cut off at a side.
LOOK = """
    const [panel, view] = [document.getElementById(arguments[0]), document.getElementById("view")];
    const [a, b] = [panel.getBoundingClientRect(), view.getBoundingClientRect()];
    const apart = a.left >= b.right - 1 || a.top >= b.bottom - 1 || a.bottom <= b.top + 1;
    const inside = a.left >= 0 && a.right <= innerWidth + 1 && a.top >= 0 && a.bottom <= innerHeight + 1;
    const wide = panel.scrollWidth <= panel.clientWidth + 1;
    const cut = [...panel.querySelectorAll(arguments[1])].filter((one) => {
      const box = one.getBoundingClientRect();
      return box.width && (box.left < a.left || box.right > a.right + 1 || one.scrollWidth > one.clientWidth + 1);
    }).map((one) => one.textContent);
    return [apart, inside, wide, cut, document.documentElement.scrollWidth <= innerWidth];
"""


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("make", [network, over_examples, loop])
def test_an_opened_card_stands_beside_the_picture_and_covers_none_of_it(make, width, window, tmp_path):
    browser = window(viz.draw(make()), tmp_path, width)
    keys = browser.execute_script("return Object.keys(JSON.parse(document.getElementById('data').textContent).open)")
    assert keys
    for key in keys[:: max(1, len(keys) // 4)]:
        card, _, row = key.partition(".")
        selector = f"[data-card='{card}']" + (f" [data-row='{row}']" if row else "")
        click = "document.querySelector(arguments[0]).dispatchEvent(new MouseEvent('click', {bubbles: true}))"
        browser.execute_script(click, selector)
        drawn(browser)
        assert browser.execute_script(LOOK, "opening", "th, td, h2") == [True, True, True, [], True], key
        across = browser.execute_script(
            """
            const [a, b] = [document.querySelector(arguments[0]), document.getElementById("view")]
              .map((one) => one.getBoundingClientRect());
            return Math.min(a.right, b.right) - Math.max(a.left, b.left) > Math.min(a.width, b.width) / 3""",
            selector,
        )
        assert across, f"{key} was led out of sight"
    browser.find_element("id", "close").click()
    assert not browser.find_element("id", "opening").is_displayed()
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("make", [network, over_examples])
def test_the_neuron_at_work_is_shown_whole(make, width, window, tmp_path):
    page = viz.steps(make(), example=3) if make is over_examples else viz.steps(make())
    browser = window(page, tmp_path, width)
    last = int(browser.execute_script("return document.getElementById('slider').max"))
    for step in range(1, last, last // 8):
        browser.execute_script("""
            const slider = document.getElementById("slider");
            slider.value = arguments[0];
            slider.dispatchEvent(new Event("input"))""", step)  # fmt: skip
        drawn(browser)
        apart, inside, wide, cut, page_fits = browser.execute_script(LOOK, "opened", ".cell")
        assert (apart, inside, wide, cut, page_fits) == (True, True, True, [], True), step
        cells = browser.execute_script("return document.querySelectorAll('#opened .receives').length")
        assert cells >= 1, step
    assert browser.get_log("browser") == []


@pytest.mark.parametrize(("width", "height"), [(700, 800), (900, 620), (1300, 700)])
def test_what_is_said_of_a_step_fits_its_panel(width, height, window, tmp_path):
    browser = window(viz.steps(used_twice()), tmp_path, width, height)
    last = int(browser.execute_script("return document.getElementById('slider').max"))
    for step in range(last + 1):
        cut = browser.execute_script("""
            const [slider, panel] = [document.getElementById("slider"), document.querySelector(".panel")];
            slider.value = arguments[0];
            slider.dispatchEvent(new Event("input"));
            return [panel.scrollHeight - panel.clientHeight, panel.scrollWidth - panel.clientWidth]
            """, step)  # fmt: skip
        assert cut == [0, 0], step
