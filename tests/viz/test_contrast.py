"""Whoever sees little can read the pictures: the contrasts of WCAG 2.2 hold in both themes, as a browser paints them.

Text has at least 4.5 : 1 on what is painted below it, and the marks that carry a meaning 3 : 1. Tints do not count as
marks, for the number on them says the same, and neither do lines that only guide the eye (grids, axes, boxes).
Source: https://www.w3.org/TR/WCAG22/#contrast-minimum and https://www.w3.org/TR/WCAG22/#non-text-contrast
"""

from __future__ import annotations

import math

import pytest
from picture_helpers import network
from picture_kinds import KINDS

from chainrule import viz
from chainrule.engine import Value
from chainrule.viz.live.page import LivePage

TEXT, MARK = 4.5, 3.0
WHITE = ("rgb(255, 255, 255)", "rgba(0, 0, 0, 0)")  # paper is white where nothing is painted
# Each text with its colour and the colours below five of its points, each mark with its colour and the one below it.
# What is below is the last shape before it, in the order in which they are painted, that has the point in its filling.
# Marks may lie on other marks, as an arrow's tip does on its badge: they are compared with the surfaces below them.
MEASURE = """
const filled = [];
const found = [];
const rgb = (text) => {
  const numbers = text.match(/[\\d.]+/g).map(Number);
  return text.startsWith("color(") ? numbers.map((one, i) => (i < 3 ? 255 * one : one)) : numbers; // color(srgb 1 0 0)
};
const over = (top, opacity, below) => below.map((value, i) => opacity * top[i] + (1 - opacity) * value);
const among = (document.getElementById("view") ?? document.body);
const shapes = [...among.querySelectorAll("rect, path, circle, text")].filter((shape) => shape.checkVisibility());
// The background of an element: its own and those of what it stands in, which may shine through.
const groundOf = (element) => {
  const layers = [];
  for (; element; element = element.parentElement) {
    const [red, green, blue, opacity = 1] = rgb(getComputedStyle(element).backgroundColor);
    layers.push([[red, green, blue], opacity]);
    if (opacity === 1) break;
  }
  return layers.reduceRight((below, [colour, opacity]) => over(colour, opacity, below), [255, 255, 255]);
};
const SURFACES = ["paper", "box", "face", "tint"];
const below = (x, y, among) => {
  for (let i = filled.length - 1; i >= 0; i -= 1) {
    const { element, inverse, fill, box, kind } = filled[i];
    if (among && !among.includes(kind)) continue;
    if (x < box.left || x > box.right || y < box.top || y > box.bottom) continue;
    const point = new DOMPoint(x, y).matrixTransform(inverse);
    if (element.isPointInFill(point)) return fill;
  }
  return rgb(getComputedStyle(document.body).backgroundColor);
};
for (const element of shapes) {
  const style = getComputedStyle(element);
  if (style.visibility === "hidden" || element.closest("[visibility=hidden]")) continue;
  const matrix = element.getScreenCTM();
  if (element.tagName === "text") {
    if (!element.textContent.trim()) continue;
    const box = element.getBBox();
    const grounds = new Set();
    for (const share of [0.02, 0.25, 0.5, 0.75, 0.98]) {
      const at = new DOMPoint(box.x + share * box.width, box.y + box.height / 2).matrixTransform(matrix);
      grounds.add(below(at.x, at.y).join());
    }
    for (const ground of grounds)
      found.push(["text", element.getAttribute("class") + " " + element.textContent, rgb(style.fill), rgb(ground)]);
    continue;
  }
  const kind = (element.getAttribute("class") || "").split(" ")[0];
  if (["line", "rim", "curve", "cursor"].includes(kind) || kind === "hatching") {
    const at = element.getPointAtLength(element.getTotalLength() / 2).matrixTransform(matrix);
    found.push(["mark", kind, rgb(style.stroke), below(at.x, at.y, kind === "rim" ? ["paper", "box"] : SURFACES)]);
  }
  if (["tip", "bar", "badge", "mark", "point"].includes(kind) || element.tagName === "circle") {
    const box = element.getBoundingClientRect(), own = style.fill === "none" ? style.stroke : style.fill;
    found.push(["mark", kind, rgb(own), below(box.left + box.width / 2, box.top + box.height / 2, SURFACES)]);
  }
  if (style.fill !== "none" && rgb(style.fill)[3] !== 0)
    filled.push({
      element, inverse: matrix.inverse(), fill: rgb(style.fill), box: element.getBoundingClientRect(), kind,
    });
  if (kind === "stripes") {
    // Any text above may lie on a stripe, so that the stripe counts as the whole ground.
    const box = element.getBoundingClientRect();
    const ground = below(box.left + box.width / 2, box.top + box.height / 2);
    const half = parseFloat(style.strokeWidth) / 2;
    const whole = { left: box.left, right: box.right, top: box.top - half, bottom: box.bottom + half };
    const fill = over(rgb(style.stroke), Number(style.strokeOpacity), ground);
    filled.push({ element: { isPointInFill: () => true }, inverse: matrix.inverse(), fill, box: whole });
  }
}
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const parent = walker.currentNode.parentElement;
  if (!walker.currentNode.textContent.trim() || !parent.checkVisibility() || parent.closest("svg, script, :disabled"))
    continue;
  found.push(["text", walker.currentNode.textContent, rgb(getComputedStyle(parent).color), groundOf(parent)]);
}
for (const button of document.querySelectorAll("button:enabled"))
  if (button.checkVisibility()) found.push(["mark", button.id, rgb(getComputedStyle(button).borderTopColor),
    rgb(getComputedStyle(document.body).backgroundColor)]);
return found;
"""


def luminance(colour):
    linear = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def opened(browser, picture, folder):
    """Open the page, and wait until it stands: a live page makes itself."""
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get("about:blank")
    browser.get(picture.save(folder / "picture.html").as_uri() + "#example=1")
    if isinstance(picture, LivePage):
        WebDriverWait(browser, 300).until(lambda b: b.execute_script("return Boolean(window.LIVE && LIVE.D)"))
    browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")


def low_contrasts(browser, picture, folder):
    opened(browser, picture, folder)
    return low_now(browser)


def low_now(browser):
    found = browser.execute_script(MEASURE)
    assert "text" in {kind for kind, *_ in found}
    least = {"text": TEXT, "mark": MARK}
    return sorted(
        {
            (round(contrast(colour, ground), 2), kind, name, str(colour), str(ground))
            for kind, name, colour, ground in found
            if contrast(colour, ground) < least[kind]
        }
    )


def test_the_measure_is_that_of_the_standard():
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.005)  # its well-known example, #777


def striped() -> Value:
    a = Value(math.inf, label="a")
    b = a * 2.0
    b.backward()
    return b


def stale() -> Value:
    a = Value(2.0, label="a")
    b = a * 3.0 + 1.0
    b.backward()
    b.backward()
    a.data = 5.0
    return b


def shaded() -> Value:
    """A sum whose terms have gradients of all shades on both sides of zero."""
    total = Value(0.0, label="t")
    for number in range(-8, 9):
        total = total + Value(1.0, label=f"x{number}") * (number * abs(number) / 64.0)
    total.backward()
    return total


def learned(sizes: list[int]) -> Value:
    loss = network(sizes)
    loss.backward()
    return loss


MORE = {
    "all shades": lambda theme: viz.draw(shaded(), fold="none", theme=theme),
    "nan and inf": lambda theme: viz.draw(striped(), theme=theme),
    "stale": lambda theme: viz.draw(stale(), theme=theme),
    "a small network": lambda theme: viz.draw(learned([2, 3, 1]), theme=theme),
    "tables and a matrix": lambda theme: viz.draw(learned([4, 16, 16, 3]), theme=theme),
    "layers": lambda theme: viz.draw(learned([2, 4, 2]), fold="layers", theme=theme),
}
for name, kind in KINDS.items():
    if kind.has_themes and kind.can_be_made:
        MORE[name] = lambda theme, kind=kind: kind.picture("a", theme)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", MORE)
def test_text_and_marks_can_be_told_from_what_is_below_them(name, theme, browser, tmp_path):
    assert low_contrasts(browser, MORE[name](theme), tmp_path) == []


@pytest.mark.parametrize("name", MORE)
def test_on_paper_nothing_is_cut_off_and_all_text_can_be_read_whatever_the_theme(name, browser, tmp_path):
    opened(browser, MORE[name]("dark"), tmp_path)
    try:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        assert browser.execute_script("return getComputedStyle(document.body).backgroundColor") in WHITE
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        assert [one for one in low_now(browser) if one[1] == "text"] == []
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_each_step_of_the_stepper_can_be_read(theme, browser, tmp_path):
    assert low_contrasts(browser, viz.steps(shaded(), theme=theme), tmp_path) == []
    for key in ("next", "next", "end"):
        browser.find_element("id", key).click()
        low = browser.execute_script(MEASURE)
        bad = [one for one in low if contrast(one[2], one[3]) < (TEXT if one[0] == "text" else MARK)]
        assert bad == []
