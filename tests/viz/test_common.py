"""What all pictures share: shades, texts that are shortened, and the data in a page."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.viz.common.colours import STEPS, shade_of
from chainrule.viz.common.page import embedded
from chainrule.viz.common.text import shortened, text_width


@given(st.floats(allow_nan=True, allow_infinity=True), st.floats(0, 1e300))
def test_shades_are_symmetric_and_only_zero_has_none(strength, largest):
    shade = shade_of(strength, largest)
    assert shade == -shade_of(-strength, largest) and abs(shade) <= STEPS
    assert (shade == 0) == (strength == 0.0 or math.isnan(strength))


@given(st.text(), st.floats(10, 300))
def test_shortened_text_fits(text, room):
    assert text_width(shortened(text, room, 15), 15) <= room or shortened(text, room, 15) == "…"


def test_nan_never_gets_into_the_data_of_a_page():
    with pytest.raises(ValueError, match="JSON"):
        embedded({"x": math.nan})
