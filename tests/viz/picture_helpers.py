"""What the tests of pictures share: graphs to draw, and ways to read a drawing."""

from __future__ import annotations

import json
import random
import re
import xml.etree.ElementTree as ElementTree
from typing import Any

from hypothesis import strategies as st

from chainrule.engine import Value

SVG = "{http://www.w3.org/2000/svg}"

# For a browser: the pairs of texts in its pictures that lie on each other.
OVERLAPS = """
const marks = Array.from(document.querySelectorAll("svg text"), (text) => {
  const { left, right, top, bottom } = text.getBoundingClientRect();
  const half = Math.min(bottom - top, 0.72 * parseFloat(getComputedStyle(text).fontSize)) / 2; // what letters fill
  return { text: text.textContent, left, right, top: (top + bottom) / 2 - half, bottom: (top + bottom) / 2 + half };
}).filter((mark) => mark.text.trim());
return marks.flatMap((one, index) => marks.slice(index + 1)
  .filter((other) => Math.min(one.right, other.right) - Math.max(one.left, other.left) > 1
                  && Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 0)
  .map((other) => `${one.text} on ${other.text}`));
"""


def neuron() -> Value:
    """The neuron of micrograd's lecture, with o = 0.7071."""
    x1, x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
    w1, w2 = Value(-3.0, label="w1"), Value(1.0, label="w2")
    b = Value(6.8813735870195432, label="b")
    x1w1, x2w2 = x1 * w1, x2 * w2
    s = x1w1 + x2w2
    n = s + b
    o = n.tanh()
    for value, label in ((x1w1, "x1w1"), (x2w2, "x2w2"), (s, "s"), (n, "n"), (o, "o")):
        value.label = label
    return o


def used_twice() -> Value:
    """f = (a × b) × (a + b), where a and b get two contributions each."""
    a, b = Value(3.0, label="a"), Value(-2.0, label="b")
    d, e = a * b, a + b
    f = d * e
    for value, label in ((d, "d"), (e, "e"), (f, "f")):
        value.label = label
    return f


def network(sizes: list[int], inputs: list[Any] | None = None) -> Value:
    """The loss of a small network, marked as nn marks its values."""
    numbers = random.Random(0)
    xs = inputs or [Value(numbers.uniform(-1, 1), label=f"x{i}") for i in range(1, sizes[0] + 1)]
    for layer, width in enumerate(sizes[1:], 1):
        xs = [_unit(xs, f"layer {layer}", f"h{layer}_{j}", numbers) for j in range(1, width + 1)]
    loss = sum((x * x for x in xs[1:]), xs[0])
    loss.label = "loss"
    return loss


def _unit(xs: list[Value], layer: str, name: str, numbers: random.Random) -> Value:
    total = Value(0.0, label=f"b{name[1:]}")
    total.unit = (layer, name)
    for i, x in enumerate(xs, 1):
        weight = Value(numbers.uniform(-1, 1), label=f"w{name[1:]}{i}")
        product = weight * x
        total = total + product
        weight.unit = product.unit = total.unit = (layer, name)
    out = total.tanh()
    out.unit, out.label = (layer, name), name
    return out


def attention() -> Value:
    """One query that attends to three keys; its dot products are written by hand."""
    query = [Value(0.25 * (i + 1), label=f"q{i}") for i in range(3)]
    keys = [[Value(0.5 * i - 0.25 * j, label=f"k{i}{j}") for j in range(3)] for i in range(3)]
    scores = [sum(one * other for one, other in zip(query, key)) for key in keys]
    total = sum(score.exp() for score in scores)
    return sum(score.exp() / total * Value(i + 1.0, label=f"v{i}") for i, score in enumerate(scores))


def cell_of_matrices(steps: int, units: int = 3) -> Value:
    """A recurrent cell over some steps, whose products of a matrix and a vector are written by hand."""
    weights = [[Value(0.1 * (i - j) + 0.25, label=f"W{i}{j}") for j in range(units)] for i in range(units)]
    inputs, state = [Value(0.5 * i - 0.25, label=f"u{i}") for i in range(units)], [Value(0.0)] * units
    for step in range(steps):
        state = [(sum(w * h for w, h in zip(row, state)) + u * (step / 8)).tanh() for row, u in zip(weights, inputs)]
    return (sum(h * Value(0.5 - i, label=f"o{i}") for i, h in enumerate(state)) - 1.0) ** 2


@st.composite
def graphs(draw: st.DrawFn) -> Value:
    """A small graph, whose values are used any number of times."""
    values = [Value(draw(st.floats(-2, 2)), label=draw(st.sampled_from(["", "a", "b"]))) for _ in range(3)]
    for kind in draw(st.lists(st.sampled_from("+*-t"), min_size=1, max_size=12)):
        left = values[draw(st.integers(0, len(values) - 1))]
        right = values[draw(st.integers(0, len(values) - 1))]
        values.append({"+": left + right, "*": left * right, "-": left - right, "t": left.tanh()}[kind])
    return values[-1]


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def marked(svg: str, kind: str) -> list[ElementTree.Element]:
    """The groups of an SVG that are marked data-card, data-edge or data-label, in the order of their numbers."""
    found = [group for group in parsed(svg).iter(f"{SVG}g") if f"data-{kind}" in group.attrib]
    return sorted(found, key=lambda group: int(group.attrib[f"data-{kind}"]))


def boxes_of_cards(svg: str) -> list[tuple[float, ...]]:
    """x, y, width and height of each card."""
    found = []
    for card in marked(svg, "card"):
        face = card.find(f"{SVG}rect[@class='face']")
        x, y = re.findall(r"-?[\d.]+", card.attrib["transform"])
        found.append((float(x), float(y), float(face.attrib["width"]), float(face.attrib["height"])))
    return found


def tooltip(group: ElementTree.Element) -> str:
    return group.findtext(f"{SVG}title") or ""


def page_data(html: str) -> Any:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    assert found
    return json.loads(found[1])
