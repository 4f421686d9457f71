"""A report says of a model what is so: counts, errors and rows, compared with NumPy."""

import re

import numpy as np
import pytest
from picture_helpers import SVG, parsed

import chainrule as cr
from chainrule.viz.reports.findings import GRID, decided, findings, plane, rounded
from chainrule.viz.reports.panels import confusion


@pytest.fixture(scope="module")
def learned():
    """A model of the moons, its history, and the two parts."""
    train, test = cr.moons(120, noise=0.3).standardise().split()
    model = cr.MLP(2, [4, 2], activation="tanh", rng=0)
    return model, cr.fit(model, cr.cross_entropy, train, validation=test, epochs=8, progress=False), train, test


def texts(svg):
    return [element.text for element in parsed(svg).iter(f"{SVG}text")]


def test_the_confusion_matrix_counts_truth_and_prediction(learned):
    model, history, train, test = learned
    found, labels = findings(model, test), model.predict(test).argmax(axis=1)
    assert found.counts.tolist() == [[int(((test.y == i) & (labels == j)).sum()) for j in (0, 1)] for i in (0, 1)]
    page = cr.report(model, history, train, test)
    assert [text for text in texts(page.svg) if text.isdigit()] == [str(count) for count in found.counts.ravel()]
    told = parsed(page.svg).attrib["aria-label"]  # all that a screen reader says of an image
    every = [(i, j, found.counts[i, j]) for i in (0, 1) for j in (0, 1)]
    assert all(f"{test.target_names[i]} taken for {test.target_names[j]}: {n}" in told for i, j, n in every if n)
    right = int((labels == test.y).sum())
    assert (
        f"{right} of 30 are right: {100 * right / 30:.1f} %" in page.html
        and "rows that it was not trained on" in page.html
    )


def test_the_names_above_a_confusion_matrix_are_written_in_full_where_there_is_room():
    names = ["setosa", "versicolor", "virginica"]
    said = texts(confusion(np.diag([3, 2, 1]), names, "light").svg)
    assert all(said.count(name) == 2 for name in names)


def test_the_worst_rows_are_wrong_and_named_by_their_number(learned):
    model, history, train, test = learned
    found = findings(model, test)
    scores = np.exp(model.predict(test))
    wrong = [row for row in range(30) if scores[row].argmax() != test.y[row]]
    sure = {row: scores[row].max() / scores[row].sum() for row in wrong}
    assert found.worst == sorted(wrong, key=lambda row: -sure[row])[:6] and found.worst
    html = cr.report(model, history, train, test).html
    first = found.worst[0]
    assert f"<td>{test.rows[first]}</td><td>{['upper', 'lower'][test.y[first]]}</td>" in html


def test_the_map_is_what_the_model_says_there(learned):
    model, _, train, test = learned
    field = plane(model, train, test)
    for i, j in ((0, 0), (GRID - 1, 3), (7, GRID - 1)):
        x = [low + (high - low) * k / (GRID - 1) for (low, high), k in zip(field.spans, (j, i))]
        assert field.answers[i, j] == model.predict([x]).argmax()
    assert plane(model, *cr.iris().split()) is None


def test_numbers_have_residuals_and_lines_of_their_file(tmp_path):
    data = cr.houses(60)
    lines = [",".join(f"{one:g}" for one in (*x, y)) for x, y in zip(*data)]
    (tmp_path / "h.csv").write_text("area,bedrooms,age,price\n\n" + "\n".join(lines))
    train, test = cr.table(tmp_path / "h.csv", "price").standardise().split()
    model = cr.MLP(3, [6, 1], activation="tanh", rng=0)
    history = cr.fit(model, cr.mse, train, epochs=10, progress=False)
    page = cr.report(model, history, train, test)
    errors = np.ravel(model.predict(test)) - test.y
    worst = int(np.abs(errors).argmax())
    assert (
        f"<td>{test.rows[worst] + 3}</td><td>{rounded(test.y[worst])}</td>" in page.html
    )  # line 1 is the header, 2 empty
    r2, missed = cr.r2(model.predict(test), test.y), np.abs(errors).mean()
    said = f"r² is {r2:.3g}; the mean absolute error is {rounded(missed, 3)}"
    assert said in page.html
    assert {"predictions and truth", "residuals"} <= set(re.findall(r'class="heading"[^>]*>([^<]*)<', page.html))
    assert "rows. On the rows that it was trained on, <strong>" in cr.report(model, history, train).html


def test_a_function_of_one_number_is_a_curve():
    train, test = cr.sine(40).split()
    model = cr.MLP(1, [4, 1], activation="tanh", rng=0)
    page = cr.report(model, cr.fit(model, cr.mse, train, epochs=2, progress=False), train, test)
    assert page.html.count('class="answer"') == 1


def test_scores_and_probabilities_decide_alike():
    scores = np.array([[1.0, 3.0], [2.0, -900.0]])
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    for outputs in (scores, shares):
        labels, probabilities = decided(outputs, 2)
        assert labels.tolist() == [1, 0] and probabilities == pytest.approx(shares, rel=1e-12)
    labels, probabilities = decided(np.array([0.5, -2.0]), 2)
    assert labels.tolist() == [1, 0] and probabilities[0, 1] == pytest.approx(1 / (1 + np.exp(-0.5)), rel=1e-12)


BROKEN = """
const found = [];
for (const cell of document.querySelectorAll("th, td")) {
  const walk = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode())
    for (const { 0: word, index } of node.data.matchAll(/\\S+/g)) {
      const range = document.createRange();
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      if (range.getClientRects().length > 1) found.push(word);
    }
}
return found;
"""


@pytest.mark.parametrize(("width", "media"), [(1300, "screen"), (700, "screen"), (390, "screen"), (700, "print")])
def test_no_word_of_a_table_is_broken(width, media, browser, tmp_path):
    """In a narrow window a wide table scrolls; on paper its letters are smaller."""
    train, test = cr.iris().standardise().split()
    model = cr.MLP(4, [3], rng=0)
    page = cr.report(model, cr.fit(model, cr.cross_entropy, train, epochs=2, progress=False), train, test)
    size = {"width": width, "height": 700, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media})
    try:
        browser.get(page.save(tmp_path / "report.html").as_uri())
        assert browser.execute_script(BROKEN) == []
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})


SMALLEST = """
return Math.min(...[...document.querySelectorAll('.pictures text, main svg text')].map((one) =>
  parseFloat(getComputedStyle(one).fontSize) * one.ownerSVGElement.getScreenCTM().a));
"""


@pytest.mark.parametrize("kind", ["report", "worksheet"])
def test_on_a_phone_the_pictures_of_a_page_of_text_can_be_read_and_the_page_is_not_wider(
    kind, learned, browser, tmp_path
):
    a, b, c = (cr.Value(x, label=label) for x, label in ((2.0, "a"), (-3.0, "b"), (0.5, "c")))
    page = cr.worksheet(((a * b + c).tanh() * a).exp()) if kind == "worksheet" else cr.report(*learned)
    size = {"width": 360, "height": 700, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        browser.get(page.save(tmp_path / "page.html").as_uri())
        assert browser.execute_script(SMALLEST) > 8.0  # pixels
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 360
        if kind == "report":
            inside = (
                "return document.querySelector('.columns').offsetWidth <= document.querySelector('.wide').clientWidth"
            )
            assert browser.execute_script(inside)
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
