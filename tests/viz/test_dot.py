"""draw_dot() and trace() give what micrograd's give."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from picture_helpers import neuron

import viz
from engine import Value


def test_the_shape_of_micrograd_s_dot():
    a = Value(2.0, label="a")
    source = viz.draw_dot(a * 3.0).source
    assert "rankdir=LR" in source
    assert 'label="{ a | data 2.0000 | grad 0.0000 }" shape=record' in source
    assert "[label=\"*\"]" in source or "[label=*]" in source
    assert source.count("->") == 2  # into the operation, and out of it


def test_trace_gives_sets():
    a, b = Value(2.0), Value(3.0)
    c = a * b
    assert viz.trace(c) == ({a, b, c}, {(a, c), (b, c)})


@pytest.mark.parametrize("label", ["} | { x", '"]; evil [label="', "<b>", "a\\nb", "\\", "a\nb", "<port> x", "\\N"])
def test_labels_stay_inside_their_field(label):
    value = Value(1.0, label=label)
    source = viz.draw_dot(value * value).source
    if shutil.which("dot") is None:
        pytest.skip("no dot on this machine")
    done = subprocess.run(["dot", "-Tplain"], input=source, capture_output=True, text=True, timeout=20, check=True)
    assert len([line for line in done.stdout.splitlines() if line.startswith("node")]) == 3
    assert not done.stderr


def test_a_wrong_direction_is_named():
    with pytest.raises(ValueError, match="'XY'"):
        viz.draw_dot(neuron(), rankdir="XY")
