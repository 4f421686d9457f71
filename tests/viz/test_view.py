"""Pages in a real browser: they fit their window, can be zoomed, moved, walked through by keys, and printed."""

from __future__ import annotations

import base64
import functools
import html
import re
from types import SimpleNamespace

import pytest
from picture_helpers import network, neuron
from picture_kinds import KINDS

from chainrule import nn, viz
from chainrule.engine import Value
from chainrule.viz.common.text import text_width

READABLE = 11.0  # pixels
WIDTHS = (700, 1600)


def after_backward(root):
    root.backward()
    return root


@functools.cache
def drawn_network():
    return viz.draw(after_backward(network([4, 16, 16, 3])))


@pytest.fixture
def window(browser):
    """A function that opens a page in a window of a size, with media features such as prefers_color_scheme="dark"."""

    def open_(page, folder, width=1300, height=700, **features):
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        named = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": named})
        path = folder / "page.html"
        path.write_text(page if isinstance(page, str) else page.html, encoding="utf-8")
        browser.get(path.as_uri())
        browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
        return browser

    yield open_
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})


def box(browser, selector):
    script = (
        "const b = document.querySelector(arguments[0]).getBoundingClientRect(); return [b.x, b.y, b.width, b.height]"
    )
    return browser.execute_script(script, selector)


def press(browser, *keys):
    """Press keys wherever the focus is; each is the name that the browser gives it."""
    for key in keys:
        for kind in ("keyDown", "keyUp"):
            event = {"type": kind, "key": key, **({"text": key} if len(key) == 1 and kind == "keyDown" else {})}
            code = {"Tab": 9, "Enter": 13}.get(key)
            if code:
                event["windowsVirtualKeyCode"] = code
            browser.execute_cdp_cmd("Input.dispatchKeyEvent", event)


def focused(browser):
    script = "const e = document.activeElement; return e.id || e.getAttribute('aria-label') || e.textContent"
    return browser.execute_script(script)


PAGES = {name: kind for name, kind in KINDS.items() if kind.has_view and kind.can_be_made}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", [*PAGES, "network"])
def test_at_the_start_all_text_can_be_read_and_the_result_or_the_first_step_is_in_sight(name, width, window, tmp_path):
    page = drawn_network() if name == "network" else PAGES[name].picture("a")
    browser = window(page, tmp_path, width)
    sizes = browser.execute_script("""
        const scale = chainrule.view.scale();
        return [...document.querySelectorAll("#view text")].map((t) => scale * parseFloat(getComputedStyle(t).fontSize))
    """)
    assert min(sizes) >= READABLE - 0.01
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")  # only the view scrolls
    if browser.execute_script("return document.getElementById('skip') !== null"):  # the forward pass begins at the left
        where = "return [chainrule.view.element.scrollLeft, chainrule.view.element.scrollTop]"
        assert browser.execute_script(where) == [0, 0]
    elif browser.execute_script("return document.querySelector('#view .root') !== null"):
        x, y, wide, high = box(browser, "#view .root .rim")
        left, top, across, down = box(browser, "#view")
        assert left <= x and x + wide <= left + across and top <= y and y + high <= top + down
    assert are_apart(browser)
    hidden = browser.execute_script("return document.querySelector('.overview').hidden")
    (wide, high), (across, down) = box(browser, "#view svg")[2:], box(browser, "#view")[2:]
    in_sight = min(1, across / wide) * min(1, down / high)
    assert in_sight > 0.94 if hidden else in_sight < 0.98  # the scroll bars take some of the view
    assert not hidden or in_sight > 0.77
    assert browser.get_log("browser") == []


def are_apart(browser):
    """Whether the overview stands below the view and inside the window, or is not there."""
    return browser.execute_script("""
        const [overview, zoom] = [".overview", ".zoom"].map((name) => document.querySelector(name));
        const boxes = [chainrule.view.element, overview, zoom].map((one) => one.getBoundingClientRect());
        const [view, small, buttons] = boxes;
        return overview.hidden
            || (view.bottom <= small.top && view.bottom <= buttons.top && small.right <= buttons.left
                && small.bottom <= innerHeight)""")


@pytest.mark.parametrize("width", [700, 1200, 1600])
@pytest.mark.parametrize("name", ["draw", "steps"])
def test_in_a_frame_of_a_notebook_the_overview_has_room_of_its_own(name, width, window, tmp_path):
    picture = drawn_network() if name == "draw" else viz.steps(network([4, 16, 16, 3]))
    browser = window(f"<!doctype html><body>{picture._repr_html_()}", tmp_path, width, 1000)
    browser.switch_to.frame(0)
    try:
        browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
        across, down, is_hidden = browser.execute_script("""
            const view = chainrule.view.element;
            return [view.scrollWidth / view.clientWidth, view.scrollHeight / view.clientHeight,
                document.querySelector(".overview").hidden]""")
        assert are_apart(browser)
        assert is_hidden == (across * down < 1.24)
        assert down == 1 or picture.height * picture.readable > 700  # the overview takes no room from the picture
        assert name == "draw" or browser.execute_script("return chainrule.view.element.scrollLeft") == 0
    finally:
        browser.switch_to.default_content()


@pytest.mark.parametrize("width", [700, 800, 1200])
def test_in_a_frame_of_a_notebook_a_small_picture_above_a_panel_is_seen_down_to_its_legend(width, window, tmp_path):
    browser = window(f"<!doctype html><body>{viz.steps(neuron())._repr_html_()}", tmp_path, width, 1000)
    browser.switch_to.frame(0)
    try:
        browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
        assert browser.execute_script("const v = chainrule.view.element; return v.scrollHeight <= v.clientHeight")
    finally:
        browser.switch_to.default_content()


def test_a_picture_as_large_as_its_window_is_shown_whole_and_a_small_one_is_enlarged(window, tmp_path):
    browser = window(viz.draw(after_backward(neuron())), tmp_path, 1600, 900)
    x, y, wide, high = box(browser, "#view svg")
    assert wide > 1236 and x >= 0 and x + wide <= 1600 and y >= 0 and y + high <= 900
    assert browser.execute_script("return document.querySelector('.overview').hidden")


@pytest.mark.parametrize("width", WIDTHS)
def test_sentences_are_not_cut_off_in_a_narrow_window(width, window, tmp_path):
    a = Value(2.0, label="a")
    b, number = a * 3.0, Value(1.0, label="first")
    for _ in range(5):
        b = b * number
    b.backward()
    a.data = 5.0
    browser = window(viz.draw(b), tmp_path, width)
    told = browser.find_element("id", "told")
    assert told.is_displayed() == (width < 900)
    if told.is_displayed():
        assert told.text.startswith(
            "Hatched: computed before data changed; call v6.refresh(). grad: orange −30, blue +30;"
        )
        x, y, wide, high = box(browser, "#told")
        assert x >= 0 and x + wide <= width and y + high <= 700
        assert box(browser, "#view")[3] > 400  # there is room left for the picture


def test_on_a_phone_a_folded_stepper_leaves_room_for_its_picture_and_the_buttons_keep_their_names(window, tmp_path):
    browser = window(viz.steps(network([3, 12, 3]), fold="layers"), tmp_path, 360, 780)
    assert box(browser, "#view")[3] > 180
    first, skip, end = (box(browser, f"#{name}") for name in ("first", "skip", "end"))
    assert first[1] == skip[1] == end[1]  # in one row
    assert browser.find_element("id", "skip").accessible_name == "to the next neuron (N)"


def test_plus_minus_zero_and_the_buttons_zoom_and_the_middle_stays(window, tmp_path):
    browser = window(drawn_network(), tmp_path)
    scale = browser.execute_script("return chainrule.view.scale()")
    middle = """
        const [v, s] = [chainrule.view.element, chainrule.view.svg.getBoundingClientRect()];
        const p = v.getBoundingClientRect();
        return (p.x + v.clientWidth / 2 - s.x) / s.width"""
    before = browser.execute_script(middle)
    press(browser, "+")
    assert browser.execute_script("return chainrule.view.scale()") == pytest.approx(1.25 * scale)
    assert browser.execute_script(middle) == pytest.approx(before, abs=0.002)  # scroll positions are whole pixels
    browser.find_element("id", "out").click()
    assert browser.execute_script("return chainrule.view.scale()") == pytest.approx(scale)
    press(browser, "0")
    x, y, wide, high = box(browser, "#view svg")
    assert x >= 0 and x + wide <= 1300 and y >= 0 and y + high <= 700  # the whole picture
    assert browser.find_element("id", "whole").get_attribute("aria-pressed") == "true"
    press(browser, "0")
    assert browser.execute_script("return chainrule.view.scale()") == pytest.approx(scale)


def test_the_mouse_drags_the_picture_and_the_overview_moves_it(window, tmp_path):
    browser = window(drawn_network(), tmp_path, 700)
    where = "return chainrule.view.element.scrollLeft"
    before = browser.execute_script(where)
    for kind, x in (("mousePressed", 400), ("mouseMoved", 440), ("mouseMoved", 500), ("mouseReleased", 500)):
        event = {"type": kind, "x": x, "y": 400, "button": "left", "buttons": 1, "clickCount": 1}
        browser.execute_cdp_cmd("Input.dispatchMouseEvent", event)
    assert browser.execute_script(where) == pytest.approx(before - 100, abs=1)
    x, y, _, high = box(browser, ".overview img")
    for kind in ("mousePressed", "mouseReleased"):
        event = {"type": kind, "x": x + 2, "y": y + high / 2, "button": "left", "buttons": 1, "clickCount": 1}
        browser.execute_cdp_cmd("Input.dispatchMouseEvent", event)
    assert browser.execute_script(where) == 0
    browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    sight = box(browser, ".overview span")
    assert sight[0] == pytest.approx(x, abs=3)


def test_control_and_the_wheel_zoom_at_the_mouse(window, tmp_path):
    browser = window(drawn_network(), tmp_path)
    under = (
        "const s = chainrule.view.svg.getBoundingClientRect(); return [(500 - s.x) / s.width, (300 - s.y) / s.height]"
    )
    before, scale = browser.execute_script(under), browser.execute_script("return chainrule.view.scale()")
    event = {"type": "mouseWheel", "x": 500, "y": 300, "deltaX": 0, "deltaY": -400, "modifiers": 2}
    browser.execute_cdp_cmd("Input.dispatchMouseEvent", event)
    assert browser.execute_script("return chainrule.view.scale()") > 1.5 * scale
    assert browser.execute_script(under)[0] == pytest.approx(before[0], abs=0.002)


def test_the_tab_key_reaches_the_controls_first_and_then_the_picture_once(window, tmp_path):
    browser = window(viz.steps(neuron()), tmp_path)
    stops = []
    for _ in range(20):
        press(browser, "Tab")
        stops.append(focused(browser))
        if browser.execute_script("return document.activeElement.closest('#view') !== null"):
            break
    # At the beginning, the two buttons that go back do nothing.
    assert stops[:8] == ["act0", "act1", "act2", "play", "next", "skip", "end", "slider"]
    assert stops[-1] == "o, data not computed yet, gradient 0"
    assert len([one for one in stops if "data" in one]) == 1
    press(browser, "Tab")
    assert not browser.execute_script("return document.activeElement.closest('#view') !== null")


def test_the_arrows_walk_from_card_to_edge_to_card_and_each_says_its_numbers(window, tmp_path):
    browser = window(viz.draw(after_backward(neuron())), tmp_path)
    browser.execute_script("document.querySelector('#view [tabindex=\"0\"]').focus()")
    assert focused(browser) == "o, data 0.7071, gradient 1"
    press(browser, "ArrowLeft")
    assert focused(browser) == "local derivative of o through n = 0.5, n.grad gets 0.5 × 1 = 0.5 along this edge"
    press(browser, "ArrowLeft")
    assert focused(browser) == "n, data 0.8814, gradient 0.5"
    press(browser, "ArrowLeft", "ArrowDown", "ArrowLeft")
    assert focused(browser) == "b, data 6.881, gradient 0.5"
    press(browser, "ArrowUp")
    assert focused(browser) == "s, data −6, gradient 0.5"
    press(browser, "Home")
    assert focused(browser) == "x1, data 2, gradient −1.5"
    x, _, wide, _ = box(browser, "#view [tabindex='0']")
    assert x >= 0 and x + wide <= 1300
    assert "moves o by about −1.5 × ε" in browser.find_element("id", "detail").text  # what the tooltip says
    press(browser, "End")
    assert focused(browser) == "o, data 0.7071, gradient 1"


def test_a_screen_reader_meets_each_edge_once_and_the_root_is_no_image(window, tmp_path):
    browser = window(viz.draw(after_backward(neuron())), tmp_path)
    nodes = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    named = [node["name"]["value"] for node in nodes if not node["ignored"] and node.get("name", {}).get("value")]
    assert [name for name in named if name.startswith("local derivative of o")].__len__() == 1
    assert not [name for name in named if name.strip() == "×0.5"]
    assert [name for name in named if name.startswith("w1,")] == ["w1, data −3, gradient 1"]


def read_out(browser):
    """What a screen reader meets, from top to bottom: the role, the name and the description of each part."""
    nodes = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    heard = [node for node in nodes if not node["ignored"]]
    return [[node.get(key, {}).get("value", "") for key in ("role", "name", "description")] for node in heard]


def of_folded_cards():
    return viz.draw(after_backward(nn.mse(nn.MLP(3, [4, 1], rng=0)([0.5, -1.0, 2.0]), 1.0)))


@pytest.mark.parametrize("made", [
    of_folded_cards, lambda: viz.draw(nn.MLP(3, [4, 2], rng=0)), drawn_network, lambda: viz.draw(with_an_inf()),
])  # fmt: skip
def test_a_screen_reader_hears_of_each_edge_and_row_which_one_it_is_in_a_few_digits_and_once(made, window, tmp_path):
    browser = window(made(), tmp_path)
    heard = read_out(browser)
    script = "return [...document.querySelectorAll(arguments[0])].map((one) => one.getAttribute('aria-label') || '')"
    edges, rows = [browser.execute_script(script, f"#view [data-{kind}]") for kind in ("edge", "row")]
    assert len(set(edges)) == len(edges) > 1
    for name in edges + rows:
        assert name and [[role, said] for role, heard_name, said in heard if heard_name == name] == [["image", ""]]
    names = [name for _, name, _ in heard]
    assert not [name for name in names if re.search(r"\.0*[1-9]\d{4}", name) or name.endswith("gradient ")]
    inside = "#view .card:has(.row) > :is(.name, .number)"
    assert all(one.get_attribute("aria-hidden") for one in browser.find_elements("css selector", inside))


def test_a_screen_reader_hears_the_result_of_the_stepper_when_it_is_computed(window, tmp_path):
    browser = window(viz.steps(neuron()), tmp_path)
    for is_computed in (False, True):
        heard = [name for role, name, _ in read_out(browser) if role != "image" or "local derivative" not in name]
        assert any("0.7071" in name for name in heard) == is_computed
        browser.execute_script("document.getElementById('act1').click()")


def test_a_row_in_the_stepper_says_the_numbers_of_its_step(window, tmp_path):
    browser = window(viz.steps(nn.mse(nn.MLP(3, [4, 1], "tanh", rng=0)([0.5, -1.0, 2.0]), 1.0)), tmp_path)
    row = "return document.querySelector('#view .row').getAttribute('aria-label')"
    assert re.fullmatch(r"b1_1, data \S+, gradient 0", browser.execute_script(row))
    browser.execute_script("document.getElementById('act2').click()")
    number = browser.execute_script("return document.querySelector('#view .row .grad').textContent")
    assert browser.execute_script(row).endswith(f", gradient {number}") and number != "0"


def test_keys_open_a_card_turn_its_matrix_and_are_back_on_it_when_it_is_closed(window, tmp_path):
    loss = nn.mse(nn.MLP(8, [16, 1], "tanh", rng=0)([0.1 * i for i in range(8)]), 1.0)
    browser = window(viz.draw(after_backward(loss)), tmp_path)
    press(browser, "Tab")  # a reader with keys, for whom the focus is seen
    browser.execute_script("document.querySelector('#view .card.table').focus()")
    table = focused(browser)
    assert table.startswith("layer 1") and "W: weights" in browser.find_element("id", "detail").text
    look = "const m = document.querySelector('.card.table .matrix'); return m.innerHTML"
    gradients = browser.execute_script(look)
    press(browser, "w")
    assert browser.execute_script(look) != gradients
    press(browser, "w")
    assert browser.execute_script(look) == gradients
    for is_button in (True, False):
        press(browser, "Enter")
        panel = browser.find_element("id", "opening")
        assert panel.is_displayed() and focused(browser) == table
        press(browser, "Tab")
        assert focused(browser) == "close"
        if is_button:
            browser.switch_to.active_element.send_keys("\n")
        else:
            press(browser, "Escape")
        assert not panel.is_displayed() and focused(browser) == table


def test_enter_on_a_card_of_the_stepper_goes_to_its_step_and_its_name_has_the_new_gradient(window, tmp_path):
    browser = window(viz.steps(neuron()), tmp_path)
    browser.execute_script("document.querySelector('#view [tabindex=\"0\"]').focus()")
    press(browser, "Enter")  # the step that computes it
    assert focused(browser) == "o, data 0.7071, gradient 0"
    forward = browser.find_element("id", "counter").text
    press(browser, "Enter")  # the step that brings its gradient
    assert focused(browser) == "o, data 0.7071, gradient 1"
    assert browser.find_element("id", "counter").text != forward


def with_an_inf():
    a, c = Value(1e308, label="a"), Value(float("nan"), label="c")
    return a * 10.0 + c


def with_a_stale_value():
    x = Value(2.0, label="x")
    root = x * x + 1.0
    x.data = 3.0
    return root


def neuron_with_an_inf():
    layer = nn.Layer(2, 2, rng=0)
    layer.neurons[0].w[0].data = float("inf")
    return nn.mse(layer([1.0, 2.0])[0], 1.0)


@pytest.mark.parametrize("made", [with_an_inf, with_a_stale_value, neuron_with_an_inf])
def test_the_stepper_shows_stripes_and_hatching_no_sooner_than_the_numbers_before_them(made, window, tmp_path):
    browser = window(viz.steps(made()), tmp_path)
    seen = []
    for _ in range(int(browser.find_element("id", "slider").get_attribute("max")) + 1):
        seen.append(browser.execute_script(BEHIND))
        browser.execute_script("document.getElementById('next').click()")
    assert max(map(len, seen)) > 0 and len({len(one) for one in seen}) > 1  # some come on the way
    for stripes, text in [pattern for one in seen for pattern in one]:
        assert re.search("nan|inf", text) if stripes else text, (stripes, text)


def test_the_stepper_names_the_first_nan_or_inf_when_it_comes(window, tmp_path):
    c = Value(float("nan"), label="c")
    browser = window(viz.steps(c * 2.0), tmp_path, width=500)  # narrow: the sentence stands below, too
    name = "The first nan or inf of the forward pass is c, nan."
    assert name in browser.find_element("tag name", "body").text  # a leaf has its number from the start
    a = Value(1e308, label="a")
    browser = window(viz.steps(a * 10.0 * 2.0), tmp_path, width=500)
    said = []
    for _ in range(3):
        said.append("first nan or inf" in browser.find_element("tag name", "body").text)
        browser.execute_script("document.getElementById('next').click()")
    assert said == [False, True, True]


BEHIND = """
const numbers = [...document.querySelectorAll("#view .number, #view .figure")]
  .map((number) => [number, number.getBoundingClientRect()]);
return [...document.querySelectorAll("#view .stripes, #view .hatching")]
  .filter((pattern) => getComputedStyle(pattern).visibility === "visible")
  .map((pattern) => {
    const box = pattern.getBoundingClientRect(), y = (box.top + box.bottom) / 2, card = pattern.closest("[data-card]");
    const [before] = numbers
      .filter(([n, at]) => card.contains(n) && at.right > box.left && at.left < box.right + 12)
      .sort(([, a], [, b]) => Math.abs((a.top + a.bottom) / 2 - y) - Math.abs((b.top + b.bottom) / 2 - y));
    return [pattern.classList.contains("stripes"), before ? before[0].textContent : ""];
  });
"""


def luminance_of_paper(browser, frame=None):
    color = browser.execute_script(
        "const w = arguments[0] ? arguments[0].contentWindow : window;"
        "return w.getComputedStyle(w.document.querySelector('.paper')).fill", frame)  # fmt: skip
    return sum(map(int, re.findall(r"\d+", color)))


@pytest.mark.parametrize("system", ["light", "dark"])
@pytest.mark.parametrize(("body", "is_dark"), [
    ('data-jp-theme-light="false"', True), ('data-jp-theme-light="true"', False),
    ('data-vscode-theme-kind="vscode-dark"', True), ('data-vscode-theme-kind="vscode-light"', False),
    ('style="background:#111"', True), ('style="background:#fff"', False),
])  # fmt: skip
def test_a_picture_in_a_notebook_has_the_theme_of_the_notebook(body, is_dark, system, window, tmp_path):
    from selenium.webdriver.support.ui import WebDriverWait

    shown = viz.draw(after_backward(neuron()))._repr_html_()
    browser = window(f"<!doctype html><body {body}>{shown}", tmp_path, prefers_color_scheme=system)
    frame = browser.find_element("tag name", "iframe")
    assert (luminance_of_paper(browser, frame) < 300) == is_dark
    browser.execute_script("document.body.dataset.jpThemeLight = arguments[0]", "true" if is_dark else "false")
    WebDriverWait(browser, 60).until(lambda _: (luminance_of_paper(browser, frame) < 300) != is_dark)  # the reader did


@pytest.mark.parametrize("system", ["light", "dark"])
def test_a_page_of_its_own_follows_the_system(system, window, tmp_path):
    browser = window(viz.draw(after_backward(neuron())), tmp_path, prefers_color_scheme=system)
    assert (luminance_of_paper(browser) < 300) == (system == "dark")


@pytest.mark.parametrize("theme", ["auto", "dark"])
@pytest.mark.parametrize("name", ["draw", "steps", "curves"])
def test_a_printed_page_is_light_as_wide_as_its_paper_and_without_controls(name, theme, window, tmp_path):
    browser = window(KINDS[name].picture("a", theme), tmp_path, prefers_color_scheme="dark")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": []})
    assert luminance_of_paper(browser) == 3 * 255
    assert browser.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for selector in (".zoom", ".controls", ".overview", ".keys"):
        found = browser.find_elements("css selector", selector)
        assert not [one for one in found if one.is_displayed()], selector
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")


def test_a_wide_picture_is_printed_on_one_page(window, tmp_path):
    browser = window(drawn_network(), tmp_path)
    made = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"]
    pdf = base64.b64decode(made)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
    wide, high = map(float, re.findall(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", pdf)[0])
    assert wide > high


def test_forced_colours_reach_text_and_shapes(window, tmp_path):
    browser = window(viz.draw(after_backward(neuron())), tmp_path, forced_colors="active", prefers_color_scheme="dark")
    colours = browser.execute_script("""
        const fill = (selector) => getComputedStyle(document.querySelector("#view " + selector)).fill;
        return ["text.name", ".face", ".card .tint", ".badge", ".sign"].map(fill)""")
    text, face, tint, badge, sign = colours
    assert face == tint == sign and text == badge and text != face


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_what_only_a_colour_tells_keeps_it_among_forced_colours(scheme, window, tmp_path):
    """Which edges pass a negative gradient, what the scale is of, and which curve has which name."""
    script = "return Array.from(document.querySelectorAll(arguments[0]), (e) => getComputedStyle(e)[arguments[1]])"
    features = {"forced_colors": "active", "prefers_color_scheme": scheme}
    browser = window(viz.draw(after_backward(neuron())), tmp_path, **features)
    below, above = ({*browser.execute_script(script, f".edge[class*=' {sign}'] .line", "stroke")} for sign in "np")
    assert below and above and not below & above
    scale = browser.execute_script(script, "#view .tint", "fill")[-17:]  # the legend stands below the cards
    assert len(set(scale)) >= 16
    history = SimpleNamespace(epochs=[1, 2], train_loss=[1.0, 0.5], test_loss=[1.0, 0.75], metrics={},
                              gradient_sizes={"a": [0.5, 0.25], "b": [0.25, 0.5], "c": [1.0, 2.0]})  # fmt: skip
    browser = window(viz.curves(history), tmp_path, **features)
    curves, names = (
        browser.execute_script(script, ".curve", "stroke"),
        browser.execute_script(script, ".end-label", "fill"),
    )
    assert len({*curves}) >= 3 and {*names} == {*curves}


def test_nothing_moves_by_itself():
    """Readers who asked for less motion need no rules of their own: no page has a transition or an animation."""
    for kind in PAGES.values():
        assert not re.search(r"\b(transition|animation)\b|@keyframes|smooth", kind.picture("a").html)


def test_without_a_script_the_picture_shrinks_as_far_as_it_can_be_read(window, tmp_path):
    page = re.sub(r"<script>.*?</script>", "", drawn_network().html, flags=re.DOTALL)
    browser = window(page, tmp_path, 700)
    _, _, wide, _ = box(browser, "#view svg")
    assert wide == pytest.approx(drawn_network().width * drawn_network().readable, abs=1)


def test_the_corners_of_a_frame_are_those_of_the_picture():
    shown = viz.draw(neuron())._repr_html_()
    (style,) = re.findall(r'<iframe [^>]*style="([^"]*)"', shown)
    assert "border-radius:10px" in html.unescape(style) and "border:0" in style


def test_texts_are_measured_as_wide_as_the_browser_draws_them_or_a_little_wider(window, tmp_path):
    """Compared with the fonts that this machine has; DejaVu is the widest of all that pictures name."""
    texts = [
        "x1w1 + x2w2", "data", "gradient −0.0004", "v114 = v112 × v113", "petal length (cm)", "WWWMMM", "illicit",
        "größe", "Жёлтый", "∂loss/∂w ≈ ½·α → σ(z)", "tanh(n)",
        "edges: × local derivative; colour and width = gradient passed back",
    ]  # fmt: skip
    browser = window("<!doctype html><title>fonts</title>", tmp_path)
    measure = """
        const pen = document.createElement("canvas").getContext("2d");
        pen.font = arguments[0];
        return arguments[1].map((text) => pen.measureText(text).width)"""
    for bold in (False, True):
        for family in ("system-ui", "'Segoe UI'", "'Noto Sans'", "'DejaVu Sans'", "'Liberation Sans'", "sans-serif"):
            drawn = browser.execute_script(measure, f"{'bold ' * bold}20px {family}", texts)
            for text, width in zip(texts, drawn):
                assert width <= text_width(text, 20, bold), (text, family)
        widest = browser.execute_script(measure, f"{'bold ' * bold}20px 'DejaVu Sans'", texts)
        for text, width in zip(texts, widest):
            assert text_width(text, 20, bold) < 1.1 * width or width == 0, text  # no room is wasted
