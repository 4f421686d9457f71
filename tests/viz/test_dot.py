"""draw_dot() and trace() give what those of micrograd give."""

from __future__ import annotations

import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest
from picture_helpers import SVG, neuron

from chainrule import viz
from chainrule.engine import Value


def test_draw_dot_gives_the_dot_that_micrograd_gives():
    a = Value(2.0, label="a")
    source = viz.draw_dot(a * 3.0).source
    assert "rankdir=LR" in source
    assert 'label="{ a | data 2.0000 | grad 0.0000 }" shape=record' in source
    assert '[label="*"]' in source or "[label=*]" in source
    assert source.count("->") == 2  # one edge into the operation, and one out of it


def test_trace_gives_two_sets():
    a, b = Value(2.0), Value(3.0)
    c = a * b
    assert viz.trace(c) == ({a, b, c}, {(a, c), (b, c)})


HOSTILE = ["} | { x", '"]; evil [label="', "<b>", "a\\nb", "\\", "<port> x", "\\N", "x &lt; y", "a\\", "two words"]


@pytest.mark.parametrize("label", HOSTILE)
def test_labels_stay_in_their_field_and_are_shown_as_they_were_typed(label):
    value = Value(1.0, label=label)
    source = viz.draw_dot(value * value).source
    if shutil.which("dot") is None:
        pytest.skip("no dot on this machine")
    done = subprocess.run(
        ["dot", "-Tsvg"], input=source, capture_output=True, encoding="utf-8", timeout=120, check=True
    )
    texts = [text.text.replace("\xa0", " ").strip() for text in ElementTree.fromstring(done.stdout).iter(f"{SVG}text")]
    assert sorted(filter(None, texts)) == sorted([label, *["data 1.0000", "grad 0.0000"] * 2, "*"])
    assert not done.stderr


def test_the_error_about_a_wrong_direction_names_the_right_ones():
    with pytest.raises(ValueError, match="rankdir='XY' is not one of 'LR', 'TB'"):
        viz.draw_dot(neuron(), rankdir="XY")
