"""A worksheet asks for every number that follows, answers none, and its key has what backward() gives."""

import html
import math
import re

import pytest

import chainrule as cr

NUMBER = re.compile(r"−?\d+(?:\.\d+)?(?:e[−+]?\d+)?(?![\w.])")


def neuron():
    x, w = cr.Value(2.0, label="x"), cr.Value(-0.75, label="w")
    h = (x * w).tanh()
    y = h * h + x / 3.0
    h.label, y.label = "h", "y"
    return x, w, h, y


def read(text):
    return float(text.replace("−", "-"))


def test_the_sheet_has_no_number_but_those_that_are_given():
    *_, h, y = neuron()
    sheet = cr.worksheet(y)
    asked = "\n".join(line for _, lines in sheet.parts for line in lines)
    assert NUMBER.findall(re.sub(r"\b[a-z]\w*|1st|2nd", "", asked)) == ["3"], "the constant of x / 3"
    assert sheet.given == "Given: x = 2, w = −0.75."
    assert asked.count("= ______") == 5 and asked.count("______, so ") == 8
    paper, key = sheet.html.split('<section class="key">')
    drawn = re.findall(r"<text[^>]*>([^<]*)</text>", paper[paper.index("<svg") : paper.index("</svg>")])
    numbers = [text for text in drawn if re.fullmatch(r"×?−?\d[\d.]*", text)]
    assert sorted(numbers) == ["2", "−0.75"], "of the picture, too"
    assert f"{h.data**2:.4f}" in key


def test_the_key_has_the_numbers_of_backward():
    x, w, h, y = neuron()
    key = cr.worksheet(y).key
    y.backward()
    forward, backward = (lines for _, lines in key)
    assert any(
        line.startswith("h = ") and read(line.split()[-1]) == pytest.approx(h.data, rel=1e-3) for line in forward
    )
    for value, name in ((x, "x"), (w, "w"), (h, "h")):
        last = [line for line in backward if line.startswith(f"{name}.grad: ")][-1]
        assert read(last.split()[-1]) == pytest.approx(value.grad, rel=1e-3)


def test_no_gradient_is_changed_and_the_title_is_text():
    *_, y = neuron()
    sheet = cr.worksheet(y, title="<script>alert(1)</script>")
    assert y.grad == 0.0 and "<script>alert" not in sheet.html and html.escape(sheet.title) in sheet.html


def test_a_graph_whose_data_changed_is_refused_since_its_key_would_not_be_true():
    x, *_, y = neuron()
    x.data = 5.0
    with pytest.raises(ValueError, match=r"v\d is stale: data changed after .*; call y\.refresh\(\) first"):
        cr.worksheet(y)
    y.refresh()
    assert cr.worksheet(y).given == "Given: x = 5, w = −0.75."
    with pytest.raises(TypeError, match="title"):
        cr.worksheet(y, title=3)


def test_what_is_too_long_for_hands_is_refused_and_what_is_too_large_for_paper_has_no_picture():
    large, larger = ([cr.Value(1.0, label=f"x{i}") for i in range(count)] for count in (40, 80))
    assert "<svg" not in cr.worksheet(sum(large[1:], large[0])).html
    with pytest.raises(ValueError, match=r"would have 237 lines .*, and 200 are the most: take a smaller model"):
        cr.worksheet(sum(larger[1:], larger[0]))


def test_the_key_follows_from_what_is_given():
    p = cr.Value(math.pi, label="p")
    sheet = cr.worksheet(p**2)
    [[line], _] = (lines for _, lines in sheet.key)
    given = sheet.given.removeprefix("Given: p ≈ ").removesuffix(".")
    assert f"{read(given) ** 2:.4g}" == line.split()[-1], "with 3.142 it would be 9.872"
    drawn = re.findall(r"<text[^>]*>([^<]*)</text>", sheet.html.partition('<section class="key">')[0])
    assert given in drawn


def test_a_sheet_does_not_tell_that_an_answer_is_infinite():
    a = cr.Value(1e200, label="a")
    sheet = cr.worksheet(a * a * 2.0)
    paper = sheet.html.partition('<section class="key">')[0]
    assert "inf" not in re.sub(r"<style>.*?</style>", "", paper, flags=re.DOTALL) and "inf" in str(sheet.key)
    frozen = cr.Value(2.0, requires_grad=False, label="k")
    assert cr.worksheet(frozen * a).notes == ("Nothing goes back to k: requires_grad is False.",)
