"""The README's picture is what its code draws."""

from pathlib import Path

import pytest

from chainrule.engine import Value
from chainrule.viz import draw

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "neuron.svg"


def neuron():
    x1, w1, x2, w2 = (Value(v, label=n) for v, n in ((2.0, "x1"), (-3.0, "w1"), (0.0, "x2"), (1.0, "w2")))
    x1w1, x2w2 = x1 * w1, x2 * w2
    x1w1.label, x2w2.label = "x1w1", "x2w2"
    s = x1w1 + x2w2
    s.label = "s"
    n = s + Value(6.8813735870195432, label="b")
    n.label = "n"
    o = n.tanh()
    o.label = "o"
    o.backward()
    return o


def test_the_picture_in_the_readme_is_drawn_by_this_version():
    if not PICTURE.exists():
        pytest.skip("no docs/ beside these tests: the installed package is under test")
    assert PICTURE.read_text(encoding="utf-8") == draw(neuron(), theme="light").svg, (
        "draw it again: python tests/viz/test_readme_picture.py"
    )


if __name__ == "__main__":
    PICTURE.write_text(draw(neuron(), theme="light").svg, encoding="utf-8")
