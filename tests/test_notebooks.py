"""The notebooks: each runs in a fresh kernel, shows what is stored, and has right numbers in its prose."""

import base64
import importlib.util
import itertools
import math
import re
from collections import Counter
from pathlib import Path
from typing import ClassVar

import nbformat
import numpy as np
import pytest

import chainrule as cr

HERE = Path(__file__).resolve().parents[1]
UNDER_TEST = Path(cr.__file__).resolve().parents[1]  # the folder in which a kernel finds chainrule
NOTEBOOKS = sorted((HERE / "notebooks").glob("*.ipynb"))
BACKPROP = HERE / "notebooks" / "01-backprop-step-by-step.ipynb"
MATRICES = HERE / "notebooks" / "02-from-scalars-to-matrices.ipynb"


@pytest.fixture(scope="module")
def build():
    """The script notebooks/build.py, which belongs to no package."""
    spec = importlib.util.spec_from_file_location("notebooks_build", HERE / "notebooks" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def fresh(build, tmp_path_factory):
    """A function that runs a notebook against the copy under test, in an empty folder, once."""
    done = {}

    def run(path):
        if path not in done:
            done[path] = build.executed(path, UNDER_TEST, tmp_path_factory.mktemp(path.stem))
        return done[path]

    return run


def stored(path):
    return nbformat.read(path, as_version=4)


def texts(notebook):
    """For the id of each cell, the plain text that the cell printed or showed."""
    shown = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            text = output["text"] if output.output_type == "stream" else output.data["text/plain"] + "\n"
            shown[cell.id] = shown.get(cell.id, "") + text
    return shown


def prose(notebook):
    """The text between the cells of code, as one line."""
    return " ".join(" ".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown").split())


def unproven(text):
    """The numbers with a decimal point, and those in bold print."""
    bold = [part for part in re.findall(r"\*\*([^*]+)\*\*", text) if re.search(r"\d", part)]
    return re.findall(r"\d+\.\d+", text) + bold


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_stored_text_is_what_a_fresh_kernel_shows(path, fresh):
    assert texts(stored(path)) == texts(fresh(path)), "run python notebooks/build.py"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_fresh_run_writes_nothing_to_stderr_and_draws_in_the_same_cells(path, fresh):
    def kinds(notebook):
        return {
            cell.id: [sorted(output.get("data", [output.get("name")])) for output in cell.get("outputs", [])]
            for cell in notebook.cells
        }

    assert kinds(stored(path)) == kinds(fresh(path))
    assert not any(["stderr"] in shown for shown in kinds(stored(path)).values())


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_begin_with_prose_and_have_short_cells(path):
    cells = stored(path).cells
    assert cells[0].cell_type == "markdown"
    for cell in cells:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*(-[0-9]{1,2})?", cell.id), (
            "a random cell id changes at each build: name the cell"
        )
        assert cell.cell_type == "markdown" or len(cell.source.splitlines()) <= 15, cell.source
        if cell.cell_type == "code":  # a page of 1,000 pixels has room for 110 letters, and cuts the others off
            assert max(map(len, cell.source.splitlines())) <= 110, cell.source


WIDE = 1200  # pixels: beyond them, the smallest text is not read when the picture is as wide as a page of 1,000


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_text_tells_how_to_see_all_of_a_picture_that_is_wider_than_a_page(path):
    told = False
    for cell in stored(path).cells:
        told = told or "Run on a narrow page, the picture begins at its right end" in cell.source
        for output in cell.get("outputs", []):
            for data in re.findall(r"base64,([^\"]+)", output.get("data", {}).get("text/html", "")):
                [width] = re.findall(r'<svg[^>]*? width="(\d+)', base64.b64decode(data).decode()) or ["0"]
                # The pages of cr.steps begin at the left, as their first step does.
                assert told or int(width) <= WIDE or "cr.steps(" in cell.source, cell.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_pictures_are_images_that_any_viewer_shows(path, build):
    notebook = stored(path)
    assert path.stat().st_size < 300_000
    pictures = [out.data["text/html"] for cell in notebook.cells for out in cell.get("outputs", []) if "data" in out]
    assert pictures or path.stem == "inventory"  # which asks, and shows no pictures
    for picture in pictures:
        source = re.fullmatch(r'<img src="data:image/svg\+xml;base64,([^"]+)" alt="[^"]+" [^<>]*>', picture)
        assert base64.b64decode(source[1]).decode().startswith("<svg ")
    again = stored(path)
    build.normalise(again)
    assert again == notebook, "not written by python notebooks/build.py"


@pytest.mark.slow
def test_a_slow_machine_does_not_split_what_a_cell_prints(build, tmp_path):
    source = "import time\nprint(1, flush=True)\ntime.sleep(0.5)\nprint(2)"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, id="slow")])
    nbformat.write(notebook, tmp_path / "slow.ipynb")
    (output,) = build.executed(tmp_path / "slow.ipynb", UNDER_TEST, tmp_path).cells[0].outputs
    assert output.text == "1\n2\n"


@pytest.mark.parametrize("around", ["{}", '<div style="width:100%">{}</div>'])
def test_build_replaces_a_frame_by_the_picture_in_it(build, around):
    frame = around.format('<iframe srcdoc="&lt;p&gt;" style="border:0"><img src="data:,"></iframe>')
    data = {"text/html": frame, "image/svg+xml": "<svg/>", "text/plain": "<Drawing>"}
    cell = nbformat.v4.new_code_cell(id="a", outputs=[nbformat.v4.new_output("execute_result", data)])
    notebook = nbformat.v4.new_notebook(cells=[cell])
    build.normalise(notebook)
    assert notebook.cells[0].outputs[0].data == {"text/html": '<img src="data:,">', "text/plain": "<Drawing>"}


# --- the statements of 01-backprop-step-by-step, compared with numbers that are computed without chainrule


def classify(matrices, x, species):
    """Hidden outputs, probabilities, loss and gradients of a tanh network, by NumPy and calculus by hand."""
    (first, first_bias), (second, second_bias) = matrices
    hidden = np.tanh(first @ x + first_bias)
    scores = second @ hidden + second_bias
    probabilities = np.exp(scores) / np.exp(scores).sum()
    wanted = probabilities - np.eye(len(scores))[species]
    passed = second.T @ wanted * (1 - hidden**2)
    gradients = [(np.outer(passed, x), passed), (np.outer(wanted, hidden), wanted)]
    return hidden, probabilities, -math.log(probabilities[species]), gradients


@pytest.fixture(scope="module")
def step():
    """The notebook's training step: (before, after, how far the loss should fall)."""
    layers = cr.MLP(4, [4, 3], activation="tanh", rng=0).layers  # only its initial weights are used
    numbers = [np.array([[p.data for p in neuron.parameters()] for neuron in layer.neurons]) for layer in layers]
    matrices = [(rows[:, :-1], rows[:, -1]) for rows in numbers]
    x = np.array([7.0, 3.2, 4.7, 1.4])  # row 51 of Fisher's table, a versicolor
    before = classify(matrices, x, 1)
    moved = [(w - 0.05 * dw, b - 0.05 * db) for (w, b), (dw, db) in zip(matrices, before[3])]
    foretold = 0.05 * sum(float((part**2).sum()) for pair in before[3] for part in pair)
    return before, classify(moved, x, 1), foretold


def test_the_numbers_of_the_neuron_are_right(fresh):
    shown = texts(fresh(BACKPROP))
    bias = 6 + math.log(1 + math.sqrt(2))
    nudged = (math.tanh(2 * -2.999 + bias) - math.tanh(2 * -3.0 + bias)) / 0.001
    slope = 1 - math.tanh(bias - 6) ** 2
    leaves = {"x1": -3 * slope, "w1": 2 * slope, "x2": slope, "w2": 0.0, "b": slope}
    assert shown["neuron-values"] == f"o = {math.tanh(bias - 6):.4f}\n"
    assert shown["nudge"] == f"o moves by {nudged:.4f} for each unit of w1\n"
    by_nudge = (math.tanh(bias - 6 + 0.001) - math.tanh(bias - 6)) / 0.001
    assert shown["backward-numbers"] == (
        "".join(f"{name:>2}  {grad:+.4f}\n" for name, grad in leaves.items())
        + f"tanh by a nudge: {by_nudge:.3f}, by the formula: {slope:.3f}\n"
    )
    twice = {**{name: 2 * grad for name, grad in leaves.items()}, "n": slope, "o": 1.0}  # inner values have not doubled
    assert shown["zero"] == (
        f"w1.grad = {twice['w1']:.4f}\n\n" + "".join(f"{name:>2}  {grad:+.4f}\n" for name, grad in twice.items())
    )
    assert shown["add-explain"].count("a.grad +=") == 2 and ": 3 + 3 × 1 = 6\n" in shown["add-explain"]
    assert shown["order"].startswith("s → r → q → p\n")


def test_the_numbers_of_the_training_step_are_right(fresh, step):
    shown = texts(fresh(BACKPROP))
    (_, probabilities, loss, _), (_, _, loss_after, _), foretold = step
    assert shown["network-flower"] == "versicolor [7.0, 3.2, 4.7, 1.4]\n"
    assert shown["network-scores"].startswith(f"{4 * 4 + 4 + 3 * 4 + 3} parameters\nsetosa: ")
    scores = [float(score) for score in re.findall(r": (-?[\d.]+)\n", shown["network-scores"])]
    assert np.exp(scores) / np.exp(scores).sum() == pytest.approx(probabilities, abs=1e-4)
    listed = ", ".join(f"{p:.3f}" for p in probabilities)
    assert shown["network-softmax"] == f"by hand:    {listed}\ncr.softmax: {listed}\n"
    assert shown["network-loss"] == f"by hand: {loss:.4f}\nloss:    {loss:.4f}\n"
    assert shown["step"] == (
        f"loss before: {loss:.4f}\nloss after:  {loss_after:.4f}\n"
        f"it fell by {loss - loss_after:.4f}; foretold were {foretold:.4f}\n"
    )


def test_what_is_broken_in_the_first_notebook_goes_wrong_as_told(fresh):
    shown = texts(fresh(BACKPROP))
    assert (shown["break-add"], shown["repair-add"]) == ("a.grad = 3\n", f"a.grad = {2 * 3}\n")
    told = ""
    for order in ("srqp", "sqrp", "spqr"):
        p, q, r = 0, 0, 0  # what has arrived: s = q + r, r = 5 q, q = 2 p
        for turn in order:
            p, q, r = {"s": (p, q + 1, r + 1), "r": (p, q + 5 * r, r), "q": (p + 2 * q, q, r), "p": (p, q, r)}[turn]
        told += f"{' → '.join(order)}   p.grad = {p}\n"
    assert shown["break-order"] == told and told.startswith("s → r → q → p   p.grad = 12\n")

    def places(is_zeroed):
        w, slope, seen = 3.0, 0.0, []
        for _ in range(12):
            slope = 2 * (w - 1) + (0.0 if is_zeroed else slope)
            w -= 0.1 * slope
            seen.append(w)
        return seen

    zeroed, forgotten = places(True), places(False)
    assert shown["break-zero"] == "".join(
        f"{name:12}{' '.join(f'{w:.1f}' for w in seen)}\n"
        for name, seen in (("zeroed:", zeroed), ("forgotten:", forgotten))
    )
    assert min(forgotten) < -0.9 and max(forgotten[6:]) > 2.5, "past 1, as far as it came from, and back"
    assert zeroed == sorted(zeroed, reverse=True) and zeroed[-1] > 1


@pytest.mark.parametrize("path", [path for path in NOTEBOOKS if path.stem[0].isdigit()], ids=lambda path: path.stem)
def test_every_section_asks_before_it_shows_and_something_is_to_be_repaired(path):
    text = "\n\n".join(cell.source for cell in stored(path).cells if cell.cell_type == "markdown")
    numbered = [section for section in text.split("\n## ")[1:] if section[0].isdigit()]
    for section in numbered:
        asked = re.search(r"(^\d+\. |\*\*)(Guess|Choose|Repair|Break|Put in order)\b", section)
        assert asked, f"the section {section.splitlines()[0]!r} does not ask"
    assert numbered and re.search("repair", text, re.IGNORECASE)


EXPLAINED = {
    "00": "weights, partial derivative, gradient, loss, dot product, scaling",
    "01": "slope, bias, parameters, local derivatives, forward pass, argument, leaves, mini-batch, loss, "
    "learning rate, layer, logits, softmax, cross-entropy, optimiser",
    "03": "sigmoid, softmax, cosine",
    "04": "optimiser, learning rate, velocity, running mean, beta",
}


@pytest.mark.parametrize("number", EXPLAINED)
def test_the_words_of_the_field_are_in_bold_print_where_they_are_explained_and_come_first(number):
    [path] = (HERE / "notebooks").glob(f"{number}-*.ipynb")
    text = prose(stored(path)).lower()
    for word in EXPLAINED[number].split(", "):
        bold = re.search(rf"\*\*{word}\*\*", text)
        assert bold, f"{word!r} is not explained"
        before = re.search(rf"\b{word}\b", text[: bold.start()])
        assert not before, (
            f"{word!r} is used before it is explained: …{text[max(0, before.start() - 60) : before.end()]}"
        )


def test_every_number_in_the_prose_of_the_first_notebook_is_right(step):
    (hidden, _, loss, gradients), (_, _, loss_after, gradients_after), foretold = step
    bias, slope = 6 + math.log(1 + math.sqrt(2)), 1 - math.tanh(math.log(1 + math.sqrt(2))) ** 2
    flat = 1 - hidden**2
    claims = [
        f"The odd bias, 6 + ln(1 + √2), is chosen so that the output is 1/√2 = {math.tanh(bias - 6):.4f}",
        f"tanh has the slope 1 − o² = {slope:.1f} here, so `n` receives {slope:.1f}",
        f"receives 2 × {slope:.1f} = **{2 * slope:.0f}**",
        f"receives −3 × {slope:.1f} = −{3 * slope:.1f}",
        f"`w2` receives **{0 * slope:.0f}**",
        f"Nudge `a` from 3 to 3.001: a × a goes from 9 to {3.001**2:.6f}",
        f"e is a number, about {math.e:.1f}",
        f"larger than {max(abs(gradients[0][part][[0, 2]]).max() for part in (0, 1)):.4f} "
        f"(in `h1_4`, one is {abs(gradients[0][0][3]).max():.4f})",
        f"two contributions of 3, together **{3 + 3}**",
        f"With `=` it would be **{3}**",
        f"`p` gets **{2 * 1}** instead of **{2 * (1 + 5)}**",
        f"guessing would cost ln 3 = {math.log(3):.4f}",
        f"gradients of all **{sum(part.size for pair in gradients for part in pair)}** parameters",
        f"`h1_1` and `h1_3` stand at {hidden[0]:.4f} and {hidden[2]:.4f}",
        f"is {flat[0]:.4f} and {flat[2]:.4f}. They are *saturated*",
    ]
    text = prose(stored(BACKPROP))
    assert f"b = cr.Value({bias!r}" in "".join(cell.source for cell in stored(BACKPROP).cells)
    for claim in claims:
        assert claim in text
        text = text.replace(claim, "")
    assert unproven(text) == [], "a number that no test has computed"

    wanted, wanted_after = gradients[1][1], gradients_after[1][1]
    assert [score > 0 for score in wanted] == [True, False, True], "only versicolor's is orange"
    assert (abs(wanted_after) < abs(wanted))[:2].all(), "the gradients of the first two scores are smaller"
    assert loss > math.log(3), "less than one in three for the right one"
    with pytest.raises(OverflowError):
        math.exp(800)  # more than a computer can hold
    assert cr.cross_entropy([cr.Value(800.0), cr.Value(0.0)], 1).data == 800
    assert 2**30 > 1e9, "thirty forks in a row make a billion"
    assert 0 < loss - loss_after < foretold, "a little less than foretold"
    assert flat[[0, 2]].max() * 10 < flat[[1, 3]].min(), "in two hidden neurons all cells are pale"


# --- the statements of 02-from-scalars-to-matrices


def as_shown(*numbers):
    """An array as the notebook prints it."""
    with np.printoptions(precision=4, suppress=True):
        return str(np.array(numbers[0] if len(numbers) == 1 else numbers))


@pytest.fixture(scope="module")
def neuron():
    """The weighted sums, targets, losses and gradients of four examples, whose inputs end in a 1 for the bias."""
    inputs = np.array([[1, 2, 1], [2, -1, 1], [-1, 1, 1], [-2, -1, 1]], dtype=float)
    y = np.array([1.0, 1.0, -1.0, -1.0])
    sums = inputs @ [0.5, -0.5, 0.25]
    errors = np.tanh(sums) - y
    return sums, y, errors**2, (2 * errors * (1 - np.tanh(sums) ** 2))[:, None] * inputs


def petal_network(first, second, petals, species):
    """For each flower its loss, scores, and gradients to hidden outputs and inputs; the mean gradients to weights."""
    ones = np.ones((len(petals), 1))
    inputs = np.hstack([petals, ones])
    hidden = np.hstack([np.tanh(inputs @ first.T), ones])
    scores = hidden @ second.T
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    wanted = probabilities - np.eye(3)[species]
    to_hidden = wanted @ second[:, :-1]
    passed = to_hidden * (1 - hidden[:, :-1] ** 2)
    slopes = passed.T @ inputs / len(petals), wanted.T @ hidden / len(petals)
    losses = -np.log(probabilities[np.arange(len(petals)), species])
    return losses, scores, to_hidden, passed @ first[:, :-1], slopes


@pytest.fixture(scope="module")
def petals():
    """The notebook's training: (before, after, the loss at each step)."""
    layers = cr.MLP(2, [3, 3], activation="tanh", rng=0).layers  # only its initial weights are used
    weights = [np.array([[p.data for p in neuron.parameters()] for neuron in layer.neurons]) for layer in layers]
    lengths, species = cr.iris().X[:, 2:], cr.iris().y
    flowers = lengths - lengths.mean(axis=0), species
    before, losses = petal_network(*weights, *flowers), []
    for _ in range(1001):
        found = petal_network(*weights, *flowers)
        losses.append(found[0].mean())
        weights = [w - 0.5 * slope for w, slope in zip(weights, found[4])]
    return before, petal_network(*weights, *flowers), losses


def test_the_numbers_of_the_compiled_neuron_are_right(fresh, neuron):
    shown = texts(fresh(MATRICES))
    _, _, losses, gradients = neuron
    total, mean = as_shown(gradients.sum(axis=0)), as_shown(gradients.mean(axis=0))
    assert f"= {losses[0]:.4g}," in shown["neuron"]
    assert shown["sum"] == f"four times +=: {total}\nd1 @ h0.T:     {total}\n"
    assert shown["compile"] == (
        f"losses, compiled:   {as_shown(losses)}\nlosses, one by one: {as_shown(losses)}\n"
        f"mean loss, compiled: {losses.mean():.4f}, one by one: {losses.mean():.4f}\n"
        f"its gradient, compiled:   {mean}\nits gradient, one by one: {mean}\n"
    )
    assert shown["wants"].endswith(f"b\n{as_shown(gradients)}\ntheir mean: {mean}\n")


def test_the_numbers_of_the_compiled_network_are_right(fresh, petals):
    shown = texts(fresh(MATRICES))
    before, after, losses = petals
    first, *_ = before[4]
    to_hidden = as_shown(before[2][60])
    hardest, species = after[0].argmax(), cr.iris().y
    assert shown["transpose"] == f"three times +=: {to_hidden}\nW2.T @ d2:      {to_hidden}\n"
    assert shown["equal"] == (
        f"{3 * 3 + 3 * 4} numbers, the first: {first[0, 0]:.6f} compiled, {first[0, 0]:.6f} one by one\n"
        "all equal to 12 decimals: True\n"
    )
    assert shown["training"] == "".join(f"step {i:4}: loss {losses[i]:.4f}\n" for i in range(0, 1001, 250)) + (
        f"scores: (150, 3) right: {(after[1].argmax(axis=1) == species).sum()} of 150\n"
    )
    assert shown["inputs"].startswith(
        f"flower {hardest}, a virginica, has the loss {after[0][hardest]:.4f}\n"
        f"petal length and width in cm: {as_shown(cr.iris().X[hardest, 2:])}\n"
        f"gradient of its loss to them: {as_shown(after[3][hardest])}\n"
    )


def test_the_lines_of_the_compiled_network_stand_for_its_neurons(fresh):
    lines = [re.fullmatch(r".+?\s(\d+)  (\S.*)", line) for line in texts(fresh(MATRICES))["lines"].splitlines()]
    found = Counter((int(line[1]), line[2]) for line in lines)
    assert found.pop((3 * (2 + 2), "+ *")) == 2, "forwards, and the gradient of the weights"
    assert found.pop((3 * (3 + 3), "+ * h2_1 h2_2 h2_3")) == 4, (
        "and the gradients of the scores, of the weights, of the hidden outputs"
    )
    assert found.pop((3, "h1_1 h1_2 h1_3")) >= 2, "tanh and its slope"
    assert {name for _, name in found} == {"logsumexp", "pick"}


def test_the_numbers_of_branches_tables_and_curves_are_right(fresh, neuron):
    shown = texts(fresh(MATRICES))
    (branch,) = [cell.source.splitlines() for cell in stored(MATRICES).cells if cell.id == "branch"]
    (line,) = [i for i, text in enumerate(branch, start=1) if text.strip().startswith("if ")]
    assert shown["branch"].startswith(f"line {line} of this cell: ") and "where" in shown["branch"]
    errors = abs(neuron[0] - neuron[1])
    losses = as_shown([e * e / 2 if e < 1 else e - 0.5 for e in errors.tolist()])
    assert (errors < 1).any() and (errors > 1).any()
    assert shown["where"] == f"if:    {losses}\nwhere: {losses}\n"
    pairs, firsts = Counter(zip("abracadabra", "bracadabra")), Counter("abracadabr")
    assert shown["table"] == "".join(
        f"{a} → {'  '.join(f'{b} {pairs[a, b] / firsts[a]:.2f}' for b in 'abcdr')}\n" for a in "abcdr"
    )
    assert shown["bend"] == "".join(
        f"t = {t}: u = {math.sin(t):.2f}, sin t = {math.sin(t):.2f}\n" for t in (0.4, 0.8, 1.2, 1.6)
    )


def test_every_number_in_the_prose_of_the_second_notebook_is_right(fresh, neuron, petals):
    text, shown = prose(stored(MATRICES)), texts(fresh(MATRICES))
    quoted = re.findall(r"`([a-zA-Z]\w* = [^`]+|W2\.T @ d2)`", text)
    assert {"z1 = W1 @ h0", "h1 = tanh(z1)", "dW1 = d1 @ h0.T", "W2.T @ d2"} == set(quoted)
    for line in quoted:
        assert line in shown["network"], "the prose quotes a line that the program has not"
    assert "z1 = W1 @ h0" in shown["source"] and "dW1 = " in shown["source"]
    assert shown["source"].count(" @ ") == 2, "one product forwards, one backwards"
    firsts, pairs = Counter("abracadabr"), Counter(zip("abracadabra", "bracadabra"))
    claims = [
        f"three neurons of **{2}** products and **{2}** sums each",
        f"the same **{3 * (2 + 2)}** operations",
        f"for all **{len(cr.iris().y)}** flowers",
        f"of the **{firsts['a']}** letters that follow an a, **{pairs['a', 'b']}** are b, "
        f"**{pairs['a', 'c']}** is c and **{pairs['a', 'd']}** is d",
    ]
    for claim in claims:
        assert claim in text
        text = text.replace(claim, "")
    assert unproven(text) == [], "a number that no test has computed"

    _, _, losses, gradients = neuron
    assert (gradients[:, 0] < 0).all(), "all four examples want a larger w1"
    assert ((gradients[:, 1:] < 0).sum(axis=0) == 2).all(), "two against two"
    assert losses.argmax() == 0 and (gradients[0] * gradients.mean(axis=0) > 0).all(), "the mean sides with the first"
    _, after, _ = petals
    X, species, hardest = cr.iris().X[:, 2:], cr.iris().y, after[0].argmax()
    assert (after[3][hardest] < 0).all() and (X[hardest] < X[species == 2].mean(axis=0)).all()
    assert (species[hardest], after[1][hardest].argmax()) == (2, 1), "a virginica taken for a versicolor"


# --- the statements of 00-which-weight-was-it, compared with products of matrices


WHICH = HERE / "notebooks" / "00-which-weight-was-it.ipynb"
HOUSE = np.array([1.0, 2.0])


def blame(first, second, wanted):
    """The price, and the blame of each weight, of two layers without activations: by matrices."""
    hidden = first @ HOUSE
    price = float(second @ hidden)
    return price, np.concatenate([np.outer(second, HOUSE).ravel(), hidden]) * (price - wanted)


def priced(sign, rate, wanted, scale, steps):
    """The prices before each step."""
    weights = np.array([0.5, 0.25, 1.0, -0.25, 1.25 * scale, 0.5 * scale])
    prices = []
    for _ in range(steps):
        price, slopes = blame(weights[:4].reshape(2, 2), weights[4:], wanted)
        prices.append(price)
        weights = weights + sign * rate * slopes
    return prices


def test_the_numbers_of_the_house_are_right(fresh):
    shown = texts(fresh(WHICH))
    first, second = np.array([[0.5, 0.25], [1.0, -0.25]]), np.array([1.25, 0.5])
    names = ["w1_11", "w1_21", "w1_12", "w1_22", "w2_11", "w2_21"]  # layer, from, to
    price, slopes = blame(first, second, 1.0)
    speeds = slopes / 0.5
    assert shown["house"] == f"the network says {price * 1e5:,.0f}\n"
    assert shown["nudge"] == "".join(
        f"{name} + 0.01: the price moves by {speed * 1e3:+7,.0f}, {speed:.2f} for each unit\n"
        for name, speed in zip(names, speeds)
    )
    assert shown["loss"] == "".join(  # the slope of e² / 2 is e
        f"error {e:+.1f}: the loss moves by {e:+.2f} for each unit of the price\n" for e in (0.5, 0.2, -0.3)
    )
    assert shown["blame"] == "".join(f"blame of {n}: {s:+.3f}\n" for n, s in zip(names, slopes))
    assert [p.label for p in cr.MLP(2, [2, 1], rng=0).parameters() if p.label[0] == "w"] == names, "one naming for all"
    assert names[speeds.argmax()] == "w1_21" and abs(speeds).max() == 2.5
    down, up = priced(-1, 0.05, 1.0, 1.0, 6), priced(1, 0.05, 1.0, 1.0, 6)
    assert shown["update"] == (
        f"foretold: {(price - 0.05 * slopes @ speeds) * 1e5:,.0f}\nit is:    {down[1] * 1e5:,.0f}\n"
    )
    assert shown["signs"] == "".join(
        f"{word:<6} {', '.join(f'{p * 1e5:,.0f}' for p in prices)}\n"
        for word, prices in (("minus:", down), ("plus:", up))
    )
    assert shown["scale"] == ", ".join(f"{p:.3g}" for p in priced(-1, 0.05, 1e5, 1e5, 4)) + "\n"


def test_the_prose_about_the_house_is_right():
    first, second = np.array([[0.5, 0.25], [1.0, -0.25]]), np.array([1.25, 0.5])
    _, slopes = blame(first, second, 1.0)
    price, in_euros = blame(first, second * 1e5, 1e5)
    text, down = prose(stored(WHICH)), priced(-1, 0.05, 1.0, 1.0, 6)
    way_back = [0.5, 2 * 0.5, 1, 1, 1.25, 1, 2]  # ÷ 2, the square, − 1, the sum, × w2_11, the sum, × the age
    assert np.prod(way_back[:3]) == 0.5 and "1 × 0.5 × 1 × 1 = 0.5, the error" in text
    assert np.prod(way_back) == slopes[1] and "0.5 × 1 × 1.25 × 1 × 2 = 1.25" in text
    assert slopes[1] == 5 * slopes[2] and "which matters five times as much" in text
    assert price - 1e5 == 50_000 and in_euros[1] / 50_000 == 250_000 and "moves the price by 250,000" in text
    assert f"its blame is {in_euros[1]:,.0f}" in text
    assert in_euros[4] == 50_000 > in_euros[5] and "whose blame is only 50,000 and less" in text
    assert 0.24 < down[1] - 1 < 0.25, "half of the error is gone"
    assert down[1] > 1.5 - 0.05 * slopes @ (slopes / 0.5), "a little less than foretold"


# --- the statements of 05-two-losses, compared with torch


LOSSES = HERE / "notebooks" / "05-two-losses.ipynb"


def both_losses(score):
    """(loss, slope) of the squared error and of cross-entropy at a score whose answer is yes, by torch."""
    torch = pytest.importorskip("torch")
    found = []
    for loss in (
        lambda s: (torch.sigmoid(s) - 1) ** 2,
        lambda s: torch.nn.functional.binary_cross_entropy_with_logits(s, torch.ones_like(s)),
    ):
        s = torch.tensor(score, dtype=torch.float64, requires_grad=True)
        value = loss(s)
        value.backward()
        found.append((value.item(), s.grad.item()))
    return found


@pytest.mark.slow
def test_the_two_losses_are_as_torch_has_them(fresh):
    shown = texts(fresh(LOSSES))
    (square, by_square), (entropy, by_entropy) = both_losses(-6.0)
    assert (f"{by_square:.4f}", f"{by_entropy:.4f}") == ("-0.0049", "-0.9975")
    assert shown["score"] == f"{1 / (1 + math.exp(6)):.4f}\n"
    assert shown["slopes"] == (
        f"squared error {square:.4f}: slope {by_square:.4f}\ncross-entropy {entropy:.4f}: slope {by_entropy:.4f}\n"
    )
    assert shown["table"] == "".join(
        f"score {s:+.0f}: squared error {both_losses(s)[0][1]:+.4f}, cross-entropy {both_losses(s)[1][1]:+.4f}\n"
        for s in (-6.0, -4.0, -2.0, -1.0, 0.0, 2.0, 6.0)
    )
    value, slope = both_losses(-800.0)[1]
    p = math.exp(-800) / (1 + math.exp(-800))  # 0 in floats
    told = f"loss {-math.log(p + 1e-12):.0f}, slope {0.0 - p * (1 - p) / (p + 1e-12):.4f}\n"
    assert shown["repair-run"] == f"{told}loss {value:.0f}, slope {slope:.4f}\n"


def test_the_race_of_the_two_losses_ends_as_told(fresh):
    def steps(slope):
        score, count = -6.0, 0
        while score < 0:
            score, count = score - slope(1 / (1 + math.exp(-score))), count + 1
        return count

    entropy, square = steps(lambda p: p - 1), steps(lambda p: 2 * (p - 1) * p * (1 - p))
    assert texts(fresh(LOSSES))["race"] == f"cross-entropy: {entropy}\nsquared error: {square}\n"
    text, p = prose(stored(LOSSES)), 1 / (1 + math.exp(6))
    assert entropy == 7 and "cross-entropy needs seven steps" in text
    assert 190 < 1 / (2 * p * (1 - p)) < 210 and "about two hundred times as hard" in text
    assert f"2 × ({p:.4f} − 1)" in text


# --- the statements of 04-how-much-to-change, compared with torch's optimisers


HOW_MUCH = HERE / "notebooks" / "04-how-much-to-change.ipynb"


def places(kind, loss, steps, start=3.0, **settings):
    """Where torch's optimiser is before the first step and after each."""
    torch = pytest.importorskip("torch")
    w = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimiser, seen = getattr(torch.optim, kind)([w], **settings), [start]
    for turn in range(steps):
        optimiser.zero_grad()
        loss(w, turn).backward()
        optimiser.step()
        seen.append(w.item())
    return seen


def parabola(w, turn):
    return (w - 1) ** 2


def last(name, seen):
    return f"The last step of {name}: {seen[-2]:.6g} → {seen[-1]:.6g}\n"


def test_the_steps_of_the_optimisers_are_as_torch_takes_them(fresh):
    shown = texts(fresh(HOW_MUCH))
    assert shown["sgd"].startswith(last("w", places("SGD", parabola, 1, lr=0.1)))
    told = ""
    for rate in (0.01, 0.1, 0.5, 1.0, 1.1):
        seen = places("SGD", parabola, 10, lr=rate)
        told += f"rate {rate}: after 1, 2, 3 and 10 steps: {', '.join(f'{seen[n]:.4g}' for n in (1, 2, 3, 10))}\n"
    assert shown["rates"] == told
    plain = places("SGD", parabola, 3, lr=0.1)[-1]
    assert shown["momentum"].startswith(
        f"without momentum: {plain:.4f}\n\n" + last("w", places("SGD", parabola, 3, lr=0.1, momentum=0.9))
    )
    later = places("SGD", parabola, 5, lr=0.1, momentum=0.9)
    assert shown["momentum-later"].startswith(last("w", later))
    assert later[3] < plain and later[-1] < 1, "further, and past 1"
    steep = places("RMSprop", lambda w, turn: 1000 * (w - 1) ** 2, 1, lr=0.01, alpha=0.99)
    gentle = places("RMSprop", parabola, 1, lr=0.01, alpha=0.99)
    assert shown["rmsprop"].startswith(last("steep", steep)) and "\n\n" + last("gentle", gentle) in shown["rmsprop"]
    assert steep[-1] == pytest.approx(gentle[-1], abs=1e-8), "neither step is longer"
    assert shown["adam"].startswith(last("w", places("Adam", parabola, 1, lr=0.1)))
    assert places("Adam", lambda w, turn: 1000 * parabola(w, turn), 1, lr=0.1)[-1] == pytest.approx(2.9)
    noise = places("Adam", lambda w, turn: w * (4.0 if turn % 2 else -4.0), 20, start=0.0, lr=0.1)
    assert shown["noise"].startswith(last("w", noise)) and abs(noise[-1] - noise[-2]) < 0.01


def test_the_picture_behind_the_bottom_has_the_slope_of_that_place_alone():
    [picture] = re.findall(r'base64,([^"]+)"', HOW_MUCH.read_text(encoding="utf-8").replace("\\", ""))
    drawn = base64.b64decode(picture).decode()
    assert "not what the edges bring" not in drawn and "−4.8" in drawn  # 2 (−1.4 − 1), steeper than 4


def test_the_reasons_for_the_steps_are_right(fresh):
    text, shown = prose(stored(HOW_MUCH)), texts(fresh(HOW_MUCH))
    slope = 2 * (places("SGD", parabola, 2, lr=0.1, momentum=0.9)[-1] - 1)
    velocity = 0.0
    for w in places("SGD", parabola, 2, lr=0.1, momentum=0.9):
        velocity = 0.9 * velocity + 2 * (w - 1)
    limit = slope / (1 - 0.9)
    assert f"at {slope:.2f} / (1 − 0.9) = {limit:.1f}. It is {velocity:.2f}, and that is {velocity / limit:.0%}" in text
    assert f"{velocity / limit:.0%} of" in shown["momentum"]
    mean = 0.99 * 0 + 0.01 * 4000**2
    assert f"0.01 × 4000² = {mean:,.0f}. Its root is {math.sqrt(mean):.0f}, a tenth of the gradient" in text
    assert f" = {math.sqrt(mean):.0f}\n" in shown["rmsprop"]
    for rate in (0.01, 0.1, 0.5, 1.0, 1.1):  # each step multiplies the distance to 1 by 1 - 2 × rate
        assert places("SGD", parabola, 3, lr=rate)[-1] == pytest.approx(1 + 2 * (1 - 2 * rate) ** 3)
    assert shown["adam"].count(" = 4\n") == 3, "the gradient, its mean and its size"
    assert "holds 0.1 of it, 1 − 0.9," in text and "holds 0.001 of it" in text


def test_the_repair_of_the_rate_is_right():
    text = prose(stored(HOW_MUCH))
    assert "3 → 1.4 → 1.08 → 1.016" in text and "3 → −13 → 99" in text
    assert places("SGD", parabola, 3, lr=0.4) == pytest.approx([3, 1.4, 1.08, 1.016])
    assert places("SGD", parabola, 2, lr=4.0) == pytest.approx([3, -13, 99])


# --- the statements of 03-the-wish-list, compared with matrices


WISHES = HERE / "notebooks" / "03-the-wish-list.ipynb"


def wished(images, labels):
    """Hidden activities, probabilities, and each image's wishes for outputs, hidden layer and all parameters."""
    layers = cr.MLP(64, [12, 10], activation="sigmoid", rng=0).layers  # only its initial weights are used
    first, second = (np.array([[p.data for p in n.parameters()] for n in layer.neurons]) for layer in layers)
    ones = np.ones((len(images), 1))
    inputs = np.hstack([images, ones])
    hidden = 1 / (1 + np.exp(-inputs @ first.T))
    scores = np.hstack([hidden, ones]) @ second.T
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    outputs = np.eye(10)[labels] - probabilities
    below = outputs @ second[:, :-1]
    passed, active = below * hidden * (1 - hidden), np.hstack([hidden, ones])
    parts = passed[:, :, None] * inputs[:, None], outputs[:, :, None] * active[:, None]
    return second, hidden, probabilities, outputs, below, np.hstack([p.reshape(len(images), -1) for p in parts])


def test_the_wishes_are_as_matrices_give_them(fresh):
    shown, digits = texts(fresh(WISHES)), cr.digits()
    X, y = digits.X / 16, digits.y
    two = list(y).index(2)
    second, hidden, probabilities, outputs, below, _ = wished(X[[two]], y[[two]])
    assert shown["scores"] == "".join(f"{d}: {p:.3f}\n" for d, p in enumerate(probabilities[0]))
    assert shown["outputs"] == "".join(f"{d}: {o:+.3f}\n" for d, o in enumerate(outputs[0]))
    assert shown["weights"] == "".join(
        f"hidden {p:2}: activity {hidden[0, p]:.3f}, "
        f"its weight to the two is asked {outputs[0, 2] * hidden[0, p]:+.3f}\n"
        for p in np.argsort(-hidden[0])
    )
    assert shown["hidden"] == "".join(
        f"hidden {p:2}: {b:+.3f} by hand, {b:+.3f} asked\n" for p, b in enumerate(below[0])
    )
    assert (np.sign(second[2, :-1]) == np.sign(below[0])).mean() > 0.8, "mostly the weight to the two"
    assert 0 < (second[:, 0] > 0).sum() < 10, "hidden 0 has weights of both signs"


def test_the_mean_of_the_wishes_is_as_matrices_give_it(fresh):
    shown, digits = texts(fresh(WISHES)), cr.digits()
    X, y = digits.X / 16, digits.y
    two, everyone = list(y).index(2), wished(X, y)
    bias = everyone[3][:32, 2]
    assert shown["mean"] == (
        f"{(bias > 0).sum()} of 32 ask for more, {(y[:32] == 2).sum()} of them are twos\n"
        f"our two asks {bias[two]:+.3f}, the mean is {bias.mean():+.3f}\n"
    )
    mean, told = everyone[5].mean(axis=0), ""
    for size in (1, 8, 32, 256):
        part = everyone[5][:size].mean(axis=0)
        told += f"the first {size:3}: {part @ mean / np.linalg.norm(part) / np.linalg.norm(mean):.2f}\n"
    assert shown["walk"] == told
    assert round(len(y) / 32) == 56 and "at 56 times the price" in prose(stored(WISHES))


def test_the_two_walks_over_the_surface_go_as_matrices_say(fresh):
    shown, digits = texts(fresh(WISHES)), cr.digits()
    X, y = digits.X / 16, digits.y
    second, hidden, *_ = wished(X, y)
    still = hidden @ second[:, :-1].T  # the untrained biases are 0
    assert not second[:, -1].any()

    def scores_at(biases):
        return still + np.eye(10)[2] * biases[0] + np.eye(10)[8] * biases[1]

    def loss_at(biases):
        scores = scores_at(biases)
        return (np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(len(y)), y]).mean()

    def walked(size, steps, rate):
        order, way = np.random.default_rng(0).permutation(len(y)), [np.array([-3.0, 3.0])]
        for step in range(steps):
            rows = order[step * size % len(y) :][:size]
            scores = scores_at(way[-1])[rows]
            wanted = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True) - np.eye(10)[y[rows]]
            way.append(way[-1] - rate * wanted.mean(axis=0)[[2, 8]])
        return way

    told, found = "", []
    for name, size, way in (("all 1,797", len(y), walked(len(y), 20, 2.0)), ("8 at a time", 8, walked(8, 60, 2.0))):
        losses = [loss_at(biases) for biases in way]
        steps = int(np.argmax(np.array(losses) < 2.42))
        told += f"{name}: below 2.42 after {steps} steps, which asked {steps * size:,} digits; "
        told += f"at the end {losses[-1]:.3f}\n"
        found.append((steps * size, losses[-1]))
    assert shown["two-walks-told"] == told
    (_, careful), (asked, drunk) = found
    bottom = loss_at(walked(len(y), 400, 2.0)[-1])
    assert f"({careful:.3f} after 20 steps, {bottom:.3f} in the end)" in prose(stored(WISHES))
    assert asked < len(y) and careful < drunk, "down before the other's first step, and stumbling about at the bottom"
    told = ""
    for name, rate in (("rate 2", 2.0), ("rate 0.2", 0.2)):
        losses = [loss_at(biases) for biases in walked(8, 224, rate)[-50:]]
        told += f"{name}: the last 50 losses are between {min(losses):.4f} and {max(losses):.4f}\n"
    assert shown["settle"] == told
    assert f"(the bottom is at {min(losses):.2f})" in prose(stored(WISHES))


# --- the statements of 06-iris-to-the-end: trained again, and judged by scikit-learn and matrices


IRIS = HERE / "notebooks" / "06-iris-to-the-end.ipynb"


def test_the_training_on_iris_ends_as_told(fresh):
    metrics = pytest.importorskip("sklearn.metrics")
    scaler = pytest.importorskip("sklearn.preprocessing").StandardScaler()
    shown, (train, test) = texts(fresh(IRIS)), cr.iris().split(test_size=0.5, seed=0)
    scaled, judged = scaler.fit_transform(train.X), scaler.transform(test.X)
    assert f"train: 0.00 test: {judged[:, 0].mean():.2f}\n" in shown["split"]

    def answers(epochs):
        """Probabilities for the flowers of each part, by matrices, after so many epochs."""
        model = cr.MLP(4, [32, 32, 3], activation="tanh", rng=0)
        cr.fit(model, cr.cross_entropy, scaled, train.y, epochs=epochs, learning_rate=0.01, progress=False)
        outputs = []
        for values in (scaled, judged):
            for place, layer in enumerate(model.layers):
                rows = np.array([[p.data for p in neuron.parameters()] for neuron in layer.neurons])
                values = values @ rows[:, :-1].T + rows[:, -1]
                values = np.tanh(values) if place < 2 else values
            outputs.append(np.exp(values) / np.exp(values).sum(axis=1, keepdims=True))
        return outputs

    best = int(re.search(r"epoch +(\d+): train", shown["overfit"])[1])
    told, losses = f"parameters: {5 * 32 + 33 * 32 + 33 * 3}\n", []
    for epochs in (best, 100):
        (of_train, of_test) = answers(epochs)
        losses.append((metrics.log_loss(train.y, of_train), metrics.log_loss(test.y, of_test)))
        told += f"epoch {epochs:3}: train {losses[-1][0]:.2f}, test {losses[-1][1]:.2f}\n"
        if epochs == best:
            table = metrics.confusion_matrix(test.y, of_test.argmax(axis=1))
    assert shown["overfit"] == told
    assert losses[1][0] < losses[0][0] and losses[1][1] > 2 * losses[0][1], "the test loss turned"
    assert shown["patience"] == (
        f"ended after epoch {best + 10}\n"
        f"test loss of the model that is kept: {losses[0][1]:.2f}, the lowest on record: {losses[0][1]:.2f}\n"
    )
    assert shown["confusion"] == f"{table}\n{table.trace()} of {table.sum()} are right\n"
    assert table[0].sum() == table[0, 0] == table[:, 0].sum(), "setosa is never mistaken"


# --- the statements of 08-what-goes-wrong, compared with calculus by hand


WRONG = HERE / "notebooks" / "08-what-goes-wrong.ipynb"


def test_each_mistake_has_the_numbers_of_calculus_and_is_named(fresh):
    shown = texts(fresh(WRONG))
    inside = 0.5 * 2 + math.e  # of the square of w × 2 + exp(b)
    assert (
        shown["left"].startswith(f"{2 * 3.0 + 2 * 3.0}\n") and "\n- gradients left over: w.grad is 12 " in shown["left"]
    )
    by_w, by_b = map(float, shown["lost"].splitlines()[0].split())
    assert by_w == pytest.approx(2 * inside * 2, rel=1e-14) and by_b == 0
    assert "\n- unreached parameter: the loss does not depend on b;" in shown["lost"]
    assert shown["lost-repaired"].startswith(f"{2 * inside * 2:.4f} {2 * inside * math.e:.4f}\n")
    assert shown["lost-repaired"].endswith(": all is well\n")
    assert shown["changed"].startswith(f"{2.0 * 3.0}\n") and f"with a = 10.0, c = 3.0 is {10.0 * 3}" in shown["changed"]
    assert "\n- data changed after the forward pass: " in shown["changed"]
    assert f"= {10 * 3}, computed from" in shown["picture"]


# --- the statements of 07-playground: trained again by matrices


PLAYGROUND = HERE / "notebooks" / "07-playground.ipynb"
BENDS = {  # an activation, and its slope by what it gives
    "linear": (lambda z: z, np.ones_like),
    "tanh": (np.tanh, lambda h: 1 - h * h),
    "relu": (lambda z: np.maximum(z, 0), lambda h: (h > 0) * 1.0),
    "leaky_relu": (lambda z: np.where(z > 0, z, 0.01 * z), lambda h: np.where(h > 0, 1.0, 0.01)),
    "elu": (lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))), lambda h: np.where(h > 0, 1.0, h + 1)),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda h: h * (1 - h)),
}


class ByMatrices:
    """A network with its bias in the last column of each matrix, trained as `fit` says it trains.

    Its loss is cross-entropy, or the squared error of the probabilities that softmax or sigmoid give.
    """

    def __init__(self, inputs, hidden, activation="tanh", rng=0, init=None, classes=2, squared=""):
        layers = cr.MLP(inputs, [*hidden, classes], activation="tanh", rng=rng, init=init).layers  # initial weights
        self.weights = [np.array([[p.data for p in n.parameters()] for n in layer.neurons]) for layer in layers]
        self.bend, self.slope = BENDS[activation]
        self.squared = squared

    def answers(self, X):
        """What each layer gives, the inputs first. Shapes: (n, neurons + 1), and (n, classes) at the end."""
        found = [np.column_stack([X, np.ones(len(X))])]
        for W in self.weights[:-1]:
            found.append(np.column_stack([self.bend(found[-1] @ W.T), np.ones(len(X))]))
        return [*found, found[-1] @ self.weights[-1].T]

    def losses(self, X, y):
        scores = self.answers(X)[-1]
        return np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(len(X)), y]

    def gradients(self, X, y):
        *below, scores = self.answers(X)
        wanted = np.eye(scores.shape[1])[y]
        p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        if self.squared == "sigmoid":
            p = 1 / (1 + np.exp(-scores))
        to_p = 2 * (p - wanted) / scores.shape[1]
        upstream = {
            "": p - wanted,
            "softmax": p * (to_p - (to_p * p).sum(axis=1, keepdims=True)),
            "sigmoid": to_p * p * (1 - p),
        }[self.squared]
        found = []
        for W, under in zip(self.weights[::-1], below[::-1]):
            found.insert(0, upstream.T @ under / len(X))
            upstream = (upstream @ W[:, :-1]) * self.slope(under[:, :-1])
        return found

    def train(self, X, y, epochs=60, rate=0.03, penalty=lambda W: 0.0, adam=True, after=lambda: None):
        order = np.random.default_rng(0)
        means = [[np.zeros_like(W), np.zeros_like(W)] for W in self.weights]
        turn = 0
        for _ in range(epochs):
            rows = order.permutation(len(X))
            for first in range(0, len(X), 16):
                batch, turn = rows[first : first + 16], turn + 1
                for W, gradient, mean in zip(self.weights, self.gradients(X[batch], y[batch]), means):
                    gradient = gradient + penalty(W)
                    if adam:
                        mean[0] += 0.1 * (gradient - mean[0])
                        mean[1] += 0.001 * (gradient**2 - mean[1])
                        step = mean[0] / (1 - 0.9**turn) / (np.sqrt(mean[1] / (1 - 0.999**turn)) + 1e-8)
                    W -= rate * (step if adam else gradient)
            after()
        return self

    def right(self, X, y):
        return (self.answers(X)[-1].argmax(axis=1) == y).mean()

    def share(self, X, y):
        """The share that is right, as the notebook prints it."""
        return f"{self.right(X, y):4.0%}"


def best_line(X, y):
    """The largest share of the points that a straight line is right about: each line through two points is tried."""
    i, j = np.triu_indices(len(X), 1)
    across = (X[j] - X[i])[:, ::-1] * [-1, 1]
    sides = across @ X.T - (across * X[i]).sum(axis=1)[:, None]
    shares = np.concatenate([(side == y).mean(axis=1) for side in (sides > 1e-12, sides > -1e-12)])
    return max(shares.max(), 1 - shares.min())


def test_the_networks_of_the_playground_learn_what_matrices_learn(fresh):
    shown = texts(fresh(PLAYGROUND))
    four = {"clouds": cr.gaussians(200, classes=2), "circles": cr.circles(200), "xor": cr.xor(200)}
    four["spirals"] = cr.spirals(200)
    told = {name: ByMatrices(2, []).train(*data).share(*data) for name, data in four.items()}
    assert shown["sets"] == "".join(f"{name:8} {share} right\n" for name, share in told.items())
    lines = {name: best_line(*data) for name, data in four.items()}
    assert lines.pop("clouds") == 1 and max(lines.values()) < 0.75, "a line is right about three quarters at most"
    assert 0.45 < float(told["circles"].strip(" %")) / 100 < 0.55 < lines["circles"], "a coin's success"
    X, y = four["circles"]
    assert shown["width"] == "".join(
        f"{n} hidden: {ByMatrices(2, [n]).train(X, y).share(X, y)} right\n" for n in (1, 2, 3, 4)
    )
    told = ""
    for name in ("circles", "xor"):
        (x1, x2), labels = four[name].X.T, four[name].y
        views = {"x1², x2²": (x1**2, x2**2), "x1·x2": (x1 * x2,), "sin x1, sin x2": (np.sin(x1), np.sin(x2))}
        for seen, columns in views.items():
            inputs = np.column_stack(columns)
            share = ByMatrices(len(columns), []).train(inputs, labels).share(inputs, labels)
            told += f"{name:8} {seen:15} {share} right\n"
    assert shown["features"] == told
    linear = ByMatrices(2, [8, 8], "linear").train(X, y)
    assert abs(linear.losses(X, y).mean() - ByMatrices(2, []).train(X, y).losses(X, y).mean()) < 0.01
    assert shown["activation"].startswith(f"linear   {linear.share(X, y)} right\n")
    assert shown["activation"].count("100% right\n") == 4 and shown["collapse"].endswith(": True\n")


def test_depth_helps_as_far_as_told(fresh):
    train, test = cr.spirals(400).split(test_size=0.5, seed=0)
    for line, hidden in zip(texts(fresh(PLAYGROUND))["depth"].splitlines(), ([24], [8, 8], [6, 6, 6], [4, 4, 4, 4])):
        sizes = [2, *hidden, 2]
        count = sum((below + 1) * above for below, above in itertools.pairwise(sizes))
        shares = [ByMatrices(2, hidden, rng=rng).train(*train, 60, 0.02).share(*test) for rng in (1, 2)]
        assert line.startswith(f"{count:3} parameters in {hidden}: {shares[0]}, {shares[1]}, ")
    found = [[int(n) for n in re.findall(r"(\d+)%", line)] for line in texts(fresh(PLAYGROUND))["depth"].splitlines()]
    found = [numbers[-5:] for numbers in found]
    assert min(found[1] + found[2]) > max(found[0]), "the second layer helps"
    assert np.mean(found[3]) < min(np.mean(found[1]), np.mean(found[2])), "four thin ones are worse on average"
    best = ByMatrices(2, [8, 8], rng=1).train(*train, 60, 0.02)
    assert best.share(*train) == "100%"


def test_the_beginnings_and_the_slopes_of_the_playground_are_right(fresh):
    shown, (X, y) = texts(fresh(PLAYGROUND)), cr.circles(200)
    begin = {"all 0": cr.init.uniform(0, 0), "all 0.5": cr.init.uniform(0.5, 0.5)}
    begin |= {"small": cr.init.fan_in(), "large": cr.init.uniform(-50, 50)}
    told = ""
    for name, init in begin.items():
        network = ByMatrices(2, [8], init=init)
        before = network.losses(X, y).mean()
        after = network.train(X, y).losses(X, y).mean()
        different = len(np.unique(network.weights[0][:, :-1].round(6), axis=0))
        told += f"{name:8} {network.share(X, y)} right with {different} different neurons, "
        told += f"loss {before:.2f} → {after:.2f}\n"
    assert shown["init"] == told
    assert shown["saturation"] == "".join(
        f"{name}: mean slope {slopes.mean():.2f}, nearly flat (below 0.01): {(slopes < 0.01).mean():.0%}\n"
        for name in ("small", "large")
        for slopes in [1 - ByMatrices(2, [8], init=begin[name]).answers(X)[1][:, :-1] ** 2]
    )
    batch = np.random.default_rng(0).permutation(len(X))[:16]
    for line, activation in zip(shown["vanishing"].splitlines(), ("sigmoid", "tanh", "relu")):
        gradients = ByMatrices(2, [8] * 6, activation).gradients(X[batch], y[batch])
        sizes = [math.sqrt((g**2).mean()) for g in gradients]
        told = f"{activation:8}" + " ".join(f"{size:.0e}" for size in sizes)
        assert line.startswith(f"{told}, last / first: {sizes[-1] / sizes[0]:,.0f};")
    shares = [line[-10:] for line in shown["vanishing"].splitlines()]
    assert shares == [" 50% right", "100% right", "100% right"], "the sigmoids stand still"


def test_the_dead_neurons_of_the_playground_are_dead(fresh):
    shown, (X, y) = texts(fresh(PLAYGROUND)), cr.circles(200)

    def alive(network):
        return ((network.answers(X)[1][:, :-1] > 0).any(axis=0)).sum()

    network = ByMatrices(2, [8], "relu")
    told = f"before: {alive(network)} of 8 answer to some point\n"
    told += f"after the large rate: {alive(network.train(X, y, 2, 5.0, adam=False))}\n"
    told += f"after the good one: {alive(network.train(X, y, 60, 0.1, adam=False))} and {network.share(X, y)} right\n"
    assert shown["dead"].startswith(told) and "neurons of layer 1 got no gradient (dead ReLUs)" in shown["dead"]
    dead, told = [W.copy() for W in network.weights], ""
    for activation in ("relu", "leaky_relu", "elu"):
        network.weights, (network.bend, network.slope) = [W.copy() for W in dead], BENDS[activation]
        assert (np.abs(network.gradients(X, y)[0]).max() == 0) == (activation == "relu"), "leaky_relu has a way back"
        told += f"{activation:10} {alive(network.train(X, y, 60, 0.1, adam=False))} of 8 alive, "
        told += f"{network.share(X, y)} right\n"
    assert shown["dead-repaired"] == told
    assert ByMatrices(2, [8], "relu").train(X, y, 60, 0.1, adam=False).share(X, y) == "100%"


def test_what_penalties_do_to_the_moons_is_as_told(fresh):
    train, test = cr.moons(100, noise=0.3).split(test_size=0.6, seed=0)
    assert (len(train), len(test)) == (40, 60)
    told, found = "", {}
    slopes = {"l2": lambda W: 2 * W, "l1": np.sign}
    for kind, strength in (("l2", 0.0), ("l2", 0.001), ("l2", 0.01), ("l2", 0.1), ("l1", 0.01)):
        network = ByMatrices(2, [16, 16])
        network.train(*train, 200, 0.01, lambda W, kind=kind, strength=strength: strength * slopes[kind](W))
        losses = [network.losses(*part).mean() for part in (train, test)]
        weights = np.concatenate([W.ravel() for W in network.weights])
        small = (abs(weights) < 0.01).sum()
        told += f"{kind} {strength:5}: train {losses[0]:.2f}, test {losses[1]:.2f}, "
        told += f"nearly 0: {small} of {len(weights)}\n"
        found[kind, strength] = (*losses, small)
    assert texts(fresh(PLAYGROUND))["regular"] == told
    none, some, much = found["l2", 0.0], found["l2", 0.01], found["l2", 0.1]
    assert none[0] < some[0] < much[0] and some[1] < much[1] < none[1], "a little is best on the test"
    assert found["l1", 0.01][2] > 300 > 30 > some[2], "l1 leaves most of them at nearly nothing"


def test_the_boundary_on_iris_warps_as_far_as_matrices_say(fresh):
    shown, (train, test) = texts(fresh(IRIS)), cr.iris().standardise().split(test_size=0.5, seed=0)
    parts = (train.X[:, :2], train.y), (test.X[:, :2], test.y)
    network, losses = ByMatrices(2, [32, 32], classes=3), []
    network.train(*parts[0], 180, 0.02, after=lambda: losses.append([network.losses(*part).mean() for part in parts]))
    for cell, epoch in (("warp", 10), ("warp-end", 180)):
        first, second = losses[epoch - 1]
        assert shown[cell].startswith(f"epoch {epoch}: train {first:.2f}, test {second:.2f}\n")
    assert losses[179][0] < losses[9][0] and losses[179][1] > 1.5 * losses[9][1], "learned by heart"


def test_the_three_losses_on_iris_end_as_matrices_say(fresh):
    shown, (train, test) = texts(fresh(IRIS)), cr.iris().standardise().split(test_size=0.5, seed=0)
    ways = {"softmax, squared": "softmax", "sigmoid, squared": "sigmoid", "softmax, cross-entropy": ""}
    for cell, biases in (("losses-told", 0.0), ("losses-sure", [6.0, 0.0, -6.0])):
        told, firsts = "", []
        for name, squared in ways.items():
            network, right = ByMatrices(4, [8], classes=3, squared=squared), []
            network.weights[-1][:, -1] = biases
            assert cell == "losses-told" or network.share(test.X, np.zeros(len(test), int)) == "100%", "all setosa"
            network.train(
                *train, 60, 0.1, adam=False, after=lambda n=network, right=right: right.append(n.right(*test))
            )
            firsts.append(int(np.argmax(np.array(right) >= 0.8)) + 1)
            told += f"{name:23}" + ("" if biases else f"four of five after {firsts[-1]} epochs, ")
            told += f"at the end {right[-1]:.0%}\n"
        assert shown[cell].startswith(told)
        assert biases or firsts[2] < min(firsts[:2]), "cross-entropy is first"


# --- the statements of 09-derivatives-of-derivatives: by calculus on paper, mpmath, torch, SciPy, small steps of time


BENT = HERE / "notebooks" / "09-derivatives-of-derivatives.ipynb"


def test_the_derivatives_of_derivatives_are_right(fresh):
    mpmath = pytest.importorskip("mpmath")
    shown = texts(fresh(BENT))
    names = ["x³ itself", *(f"derivative {n}" for n in range(1, 5))]
    exact = [round(float(mpmath.diff(lambda x: x**3, 2, n)), 9) for n in range(5)]
    assert shown["graph"] == "".join(f"{name}: {abs(number)}\n" for name, number in zip(names, exact))
    told, errors = "", []
    for h in (10.0**-n for n in range(1, 9)):
        up, here, down = (v * v * v * v for v in map(np.float64, (1.3 + h, 1.3, 1.3 - h)))
        found = ((up - here) - (here - down)) / h**2
        told += f"h = {h:.0e}: {found:.8f}\n"
        errors.append(abs(found - 12 * 1.3**2))
    assert shown["nudge"] == f"{told}exact:     {12 * 1.3**2:.8f}\n"
    assert f"x⁴ at 1.3 has the curvature 12 × 1.3² = {12 * 1.3**2:.2f}" in prose(stored(BENT))
    best = int(np.argmin(errors))
    assert errors[: best + 1] == sorted(errors[: best + 1], reverse=True) and errors[best:] == sorted(errors[best:])
    assert 1 < best < 6 and errors[-1] > 1, "it gets better, and then worse"


def test_the_steps_by_curvature_are_right(fresh):
    shown = texts(fresh(BENT))
    told = "curvature: 10.0\n"  # of 5 (w - 1)²
    for rate in (0.05, 0.1, 0.15, 0.2, 0.25):
        told += f"rate {rate}: 3 → {' → '.join(f'{1 + 2 * (1 - 10 * rate) ** n:.4g}' for n in range(1, 5))}\n"
    assert shown["rate"] == told and 2 / 10 == 0.2, "the border"
    told, newton, plain, bottom, errors = "", 3.0, 3.0, math.log(2), []
    for step in range(7):
        told += f"step {step}: off by {abs(newton - bottom):.1e}, plain: {abs(plain - bottom):.1e}\n"
        errors.append(abs(newton - bottom))
        newton -= 1 - 2 * math.exp(-newton)  # (eˣ - 2) / eˣ
        plain -= 0.1 * (math.exp(plain) - 2)
    assert shown["newton"] == told
    assert errors[5] < errors[4] ** 2 and errors[6] < errors[5] ** 2, "each step squares the error"
    told = f"curvature at 0.3: {12 * 0.3**2 - 4:.2f}\n"
    for name, size in (("curvature", float), ("|curvature|", abs)):
        places = [0.3]
        for _ in range(6):
            w = places[-1]
            places.append(w - (4 * w**3 - 4 * w) / size(12 * w**2 - 4))
        told += f"{name:11} 0.3 → {' → '.join(f'{w:.3f}' for w in places[1:])}\n"
    assert shown["hill"] == told and abs(places[-1] - 1) < 1e-3, "the repaired step ends in a valley"


def test_the_curvatures_of_the_valley_are_those_of_linear_algebra(fresh):
    shown, x, told = texts(fresh(BENT)), np.arange(1.0, 6.0), ""
    for name, inputs in (("raw", x), ("centred", x - 3)):
        columns = np.column_stack([inputs, np.ones(5)])
        H = 2 * columns.T @ columns / 5
        small, large = np.linalg.eigvalsh(H)
        told += f"{name:8}{H.tolist()}, curvatures {small:.3f} and {large:.3f}: {large / small:.0f} times; "
        told += f"rates up to {2 / large:.3f}\n"
    assert shown["hessian"] == told and "2, 10, 70?" in prose(stored(BENT))
    columns, y, plain = np.column_stack([x, np.ones(5)]), 2 * x + 1, np.array([4.0, -5.0])
    for _ in range(25):
        plain = plain - 0.08 * 2 * columns.T @ (columns @ plain - y) / 5
    bottom = np.linalg.lstsq(columns, y, rcond=None)[0]
    assert shown["walks"].startswith(f"plain:  {plain.round(3)}\nNewton: {bottom.round(3)}\n")
    assert bottom == pytest.approx([2, 1]) and 0.08 < 2 / 23.662, "a rate that does not fly away"


def test_the_forecasts_of_the_first_step_are_those_of_torch(fresh, step):
    torch = pytest.importorskip("torch")
    shown, ((_, _, loss, gradients), (_, _, loss_after, _), foretold) = texts(fresh(BENT)), step
    layers = cr.MLP(4, [4, 3], activation="tanh", rng=0).layers  # only its initial weights are used
    rows = [torch.tensor([[p.data for p in n.parameters()] for n in layer.neurons]).double() for layer in layers]
    slopes = [torch.tensor(np.column_stack(pair)) for pair in gradients]

    def fallen_to(rate):
        signal = torch.tensor([7.0, 3.2, 4.7, 1.4], dtype=torch.float64)
        for place, (row, slope) in enumerate(zip(rows, slopes)):
            moved = row - rate * slope
            signal = moved[:, :-1] @ signal + moved[:, -1]
            signal = signal.tanh() if place == 0 else signal
        return torch.logsumexp(signal, 0) - signal[1]

    rate = torch.zeros((), dtype=torch.float64, requires_grad=True)
    [slope] = torch.autograd.grad(fallen_to(rate), rate, create_graph=True)
    [curvature] = torch.autograd.grad(slope, rate)
    slope, curvature = slope.item(), curvature.item()
    assert shown["foretold"] == f"slope {slope:.3f}, curvature {curvature:.2f}\n"
    assert -0.05 * slope == pytest.approx(foretold)
    told, off = "", []
    for rate in (0.05, 0.1, 0.2, 0.5):
        bent, true = -slope * rate - curvature * rate**2 / 2, loss - fallen_to(rate).item()
        told += f"rate {rate:4}: straight {-slope * rate:.4f}, bent {bent:+.4f}, true {true:.4f}\n"
        off.append(abs(bent - true))
    assert shown["rates"] == told
    text = prose(stored(BENT))
    assert f"would fall by {foretold:.4f}. It fell by {loss - loss_after:.4f}" in text
    assert off[0] < 0.01 * foretold and off == sorted(off), "nearly right for 0.05, and worse from rate to rate"
    assert bent < 0 < true and "says that the loss would *rise*" in text


def test_scipy_needs_as_many_calls_with_its_own_derivatives(fresh):
    optimize = pytest.importorskip("scipy.optimize")
    first = {"jac": optimize.rosen_der}
    ways = [("none", "Nelder-Mead", {}), ("nudged", "BFGS", {}), ("gradient", "BFGS", first)]
    ways.append(("and Hessian", "trust-exact", {**first, "hess": optimize.rosen_hess}))
    lines = texts(fresh(BENT))["scipy"].splitlines()
    calls = []
    for (name, method, given), line in zip(ways, lines):
        found = optimize.minimize(optimize.rosen, [-1.2, 1.0], method=method, **given)
        assert line.startswith(name) and line.endswith(" calls, at 1.0000, 1.0000")
        calls.append(int(line[12:16]))
        # what nudging finds depends on how the same polynomial is rounded
        assert abs(found.nfev - calls[-1]) <= (0 if given else 0.1 * found.nfev)
    assert calls == sorted(calls, reverse=True), "what one tells it, it need not find out"


def test_the_pendulum_swings_as_small_steps_of_time_say(fresh):
    shown = texts(fresh(BENT))

    def swung(end, steps=2400):
        """The angle after so long, by the method of Runge and Kutta."""
        state, h = np.array([2.0, 0.0]), end / steps

        def change(s):
            return np.array([s[1], -math.sin(s[0])])

        for _ in range(steps):
            a = change(state)
            b = change(state + h / 2 * a)
            c = change(state + h / 2 * b)
            d = change(state + h * c)
            state = state + h / 6 * (a + 2 * b + 2 * c + d)
        return state[0]

    true = {t: swung(t) for t in (0.6, 1.2, 1.8, 2.4)}
    assert shown["pendulum-run"] == "".join(
        f"t = {t}: network {angle:+.2f}, small-angle formula {2 * math.cos(t):+.2f}\n" for t, angle in true.items()
    )
    assert all(angle > 2 * math.cos(t) for t, angle in true.items()), "slower"
    relu, *curved = [line.split(", ") for line in shown["relu"].splitlines()]
    assert relu[0] == "relu     loss 0.05" and relu[2].endswith(": +0.00 +0.00 +0.00")
    assert abs(float(relu[1].split("= ")[1]) - true[2.4]) > 0.1, "the curve is wrong"
    for loss, end, curvatures in curved:
        assert loss.endswith("loss 0.00") and end == f"u(2.4) = {true[2.4]:+.1f}"
        assert any(abs(float(number)) > 0.01 for number in curvatures.split(": ")[1].split())


class Layers:
    """A network of one hidden layer, by matrices: its initial weights are chainrule's, all else is not."""

    SLOPES: ClassVar = {  # from outputs
        "tanh": (np.tanh, lambda h: 1 - h * h),
        "relu": (lambda z: np.maximum(z, 0), lambda h: (h > 0) * 1.0),
        "leaky_relu": (lambda z: np.where(z > 0, z, 0.01 * z), lambda h: np.where(h > 0, 1, 0.01)),
        "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda h: h * (1 - h)),
        "linear": (lambda z: z, np.ones_like),
    }

    def __init__(self, activation, output="linear"):
        layers = cr.MLP(4, [8, 3], activation=activation, output=output, rng=0).layers
        self.weights = [np.array([[p.data for p in n.parameters()] for n in layer.neurons]) for layer in layers]
        self.functions = [self.SLOPES[activation], self.SLOPES[output]]

    def outputs(self, X):
        found = [X]
        for weights, (function, _) in zip(self.weights, self.functions):
            found.append(function(found[-1] @ weights[:, :-1].T + weights[:, -1]))
        return found

    def descend(self, X, y, rate, steps):
        """The mean cross-entropy, in the end."""
        for _ in range(steps):
            x, hidden, scores = self.outputs(X)
            wanted = (softmax_rows(scores) - np.eye(3)[y]) / len(y) * self.functions[1][1](scores)
            passed = wanted @ self.weights[1][:, :-1] * self.functions[0][1](hidden)
            for weights, above, below in zip(self.weights, (passed, wanted), (x, hidden)):
                weights -= rate * np.hstack([above.T @ below, above.sum(axis=0)[:, None]])
        return -np.log(softmax_rows(self.outputs(X)[-1])[np.arange(len(y)), y]).mean()


def softmax_rows(scores):
    exps = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exps / exps.sum(axis=1, keepdims=True)


def test_a_nan_begins_at_the_edge_that_is_named(fresh):
    shown = texts(fresh(WRONG))
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.float64(0.5) / np.sqrt(np.float64(0.0))
        told = f"distance {0.0}, x.grad {root * 2 * 0.0}, x after one step {0.0 - 0.1 * (root * 2 * 0.0)}\n"
    assert shown["nan"].startswith(told) and f"the local derivative {root} times the gradient 1.0" in shown["nan"]
    assert math.isinf(root) and "∞ × 0 is `nan`" in prose(stored(WRONG))
    nearby = [(math.hypot(h, 0.0) - math.hypot(-h, 0.0)) / (2 * h) for h in (1e-3, 1e-6)]
    assert shown["nan-repaired"] == f"a (nan, nan)\nb {(nearby[0], nearby[1])}\nc {(2 * 0.0, 2 * 0.0)}\n"


def test_saturated_neurons_are_counted_and_cost_what_guessing_costs(fresh):
    shown, iris = texts(fresh(WRONG)), cr.iris()
    scaled = (iris.X - iris.X.mean(axis=0)) / iris.X.std(axis=0)
    told = []
    for name, X in (("millimetres", iris.X * 10), ("scaled", scaled)):
        network = Layers("tanh")
        flat = ((1 - network.outputs(X[::10])[1] ** 2).max(axis=0) <= 1e-3).sum()
        told.append((name, flat, network.descend(X, iris.y, 0.1, 100)))
        assert f"\n{name}: loss {told[-1][2]:.4f}\n" in shown["saturated"]
    (_, flat, guessing), (_, none, learned) = told
    assert f"- saturated: {flat} of 8 tanh neurons" in shown["saturated"] and flat > 4 and none == 0
    assert f"{guessing:.4f}" == f"{math.log(3):.4f}" and learned < 0.5 and "ln 3 = 1.0986" in prose(stored(WRONG))
    assert shown["saturated"].count("all is well") == 1


def test_dead_neurons_answer_all_flowers_alike_and_only_the_leaky_come_back(fresh):
    shown, iris = texts(fresh(WRONG)), cr.iris()
    network = Layers("relu")
    assert shown["dead"].startswith(f"after 3 steps: {network.descend(iris.X, iris.y, 1.0, 3):.4f}\n")
    assert not network.outputs(iris.X)[1].any() and "\n- dead: 8 of 8 relu neurons " in shown["dead"]
    leaky, anew = Layers("leaky_relu"), Layers("relu")
    dead = [weights.copy() for weights in network.weights]
    told = f"\nafter 300 more: {network.descend(iris.X, iris.y, 1.0, 300):.4f}\n"
    for flower in (0, 75, 149):
        answer = softmax_rows(network.outputs(iris.X)[-1])[flower]
        told += f"{iris.target_names[iris.y[flower]]} {[f'{p:.2f}' for p in answer]}\n"
    assert shown["dead"].endswith(told)
    assert (network.weights[0] == dead[0]).all(), "they stay as they are for ever"
    leaky.weights = [weights.copy() for weights in network.weights]
    ends = [each.descend(iris.X, iris.y, 0.05, 1000) for each in (network, anew, leaky)]
    assert shown["dead-repaired"] == "".join(f"{name}: {loss:.4f}\n" for name, loss in zip("abc", ends))
    assert ends[0] == pytest.approx(math.log(3)) and ends[1] < ends[2] < 0.5


def test_a_sigmoid_before_cross_entropy_has_a_floor(fresh):
    shown, iris = texts(fresh(WRONG)), cr.iris()
    scaled, floor = (iris.X - iris.X.mean(axis=0)) / iris.X.std(axis=0), math.log(1 + 2 / math.e)
    assert shown["output"].startswith(f"the best case: {floor:.4f}\n")
    for output in ("sigmoid", "linear"):
        network = Layers("tanh", output)
        loss = network.descend(scaled, iris.y, 1.0, 2000)
        right = (network.outputs(scaled)[-1].argmax(axis=1) == iris.y).mean()
        assert f"\n{output}: loss {loss:.4f}, {right:.0%} right\n" in shown["output"]
        assert (loss > floor) == (output == "sigmoid") and right > 0.9
    assert shown["output"].count("- sigmoid before softmax: ") == 1 and shown["output"].endswith(": all is well\n")


# --- the statements of 10-a-tiny-language-model, compared with matrices, which torch trains


TINY = HERE / "notebooks" / "10-a-tiny-language-model.ipynb"
WORDS = ["." + x + y + z + z + y + x for x in "abcde" for y in "abcde" for z in "abcde"]
TEXTS = np.array([["abcde.".index(letter) for letter in WORDS[i]] for i in np.random.default_rng(0).permutation(125)])


def tiny_scores(w, texts, heads=(0, 1), ahead=0):
    """The scores (texts, places, 5) of matrices of torch, and the looks and values of each head."""
    torch = pytest.importorskip("torch")
    x = w["letter"][texts] + w["place"][: texts.shape[1]]
    query, key, value = (x @ w[name].T for name in ("query", "key", "value"))
    hidden = torch.ones(texts.shape[1], texts.shape[1], dtype=torch.bool).triu(1 + ahead)
    found, looks = [], []
    for head in (0, 1):
        part = slice(4 * head, 4 * head + 4)
        dots = query[..., part] @ key[..., part].transpose(1, 2) / 2
        looks.append((dots.masked_fill(hidden, -math.inf).softmax(dim=2), dots, value[..., part]))
        found.append(looks[head][0] @ value[..., part] * (head in heads))
    return (x + torch.cat(found, dim=2) @ w["out"].T) @ w["next"].T, looks


def tiny_costs(w, texts, **how):
    torch = pytest.importorskip("torch")
    scores, texts = tiny_scores(w, texts[:, :-1], **how)[0], torch.tensor(texts)
    return torch.nn.functional.cross_entropy(scores.transpose(1, 2), texts[:, 1:], reduction="none")


@pytest.fixture(scope="module")
def tiny():
    """The initial matrices, those of the notebook's model after its training, and those of the proud one after it."""
    torch = pytest.importorskip("torch")

    def trained(steps, ahead):
        draw = np.random.default_rng(0).normal
        rows = {"letter": 6, "place": 6, "query": 8, "key": 8, "value": 8, "out": 8, "next": 5}
        w = {name: torch.tensor(draw(scale=0.3, size=(n, 8)), requires_grad=True) for name, n in rows.items()}
        optimiser = torch.optim.Adam(w.values(), lr=0.02)
        for _ in range(steps):
            optimiser.zero_grad()
            tiny_costs(w, TEXTS[:100], ahead=ahead).mean().backward()
            optimiser.step()
        return {name: matrix.detach() for name, matrix in w.items()}

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # on a busy machine, two threads wait for each other at each of these small steps
    yield trained(0, 0), trained(200, 0), trained(200, 1)
    torch.set_num_threads(threads)


def test_what_the_language_costs_is_counted_right(fresh):
    shown, text = texts(fresh(TINY)), prose(stored(TINY))
    now, after = TEXTS[:100, :-1].ravel(), TEXTS[:100, 1:].ravel()
    table = np.zeros((6, 5))
    np.add.at(table, (now, after), 1)
    probabilities = table / table.sum(axis=1, keepdims=True)
    counted = -np.log(probabilities[now, after]).mean()
    costs = re.findall(r": +(\d\.\d{4})$", shown["words"], re.MULTILINE)
    assert costs == [f"{cost:.4f}" for cost in (math.log(5), counted, 3 * math.log(5) / 6)]
    assert all(word == "." + word[:0:-1] for word in re.findall(r"\.[a-e]+", shown["words"]))
    assert f"it knows nothing, ln 5 = {math.log(5):.4f}." in text and f"ln 100 / 6 = {math.log(100) / 6:.4f}" in text
    assert f"knows the mirror, {math.log(125) / 6:.4f}" in text and f"not told: {costs[2]} is the least" in text
    assert shown["weights"] == f"{6 * 8 + 6 * 8 + 4 * 8 * 8 + 5 * 8} parameters\n"


@pytest.mark.slow
def test_the_language_model_learns_what_torch_learns(fresh, tiny):
    shown, (start, model, proud) = texts(fresh(TINY)), tiny
    told = ""
    for when, w in (("at the start:", start), ("after 200 steps:", model)):
        learned, unseen = (tiny_costs(w, part).mean().item() for part in (TEXTS[:100], TEXTS[100:]))
        told += f"{when} {learned:.4f} on learned words, {unseen:.4f} on unseen ones\n"
    assert shown["train-run"] == told
    assert math.log(100) / 6 < learned < math.log(5) / 2 < unseen < 0.7 * math.log(5), "larger, but far from guessing"
    costs, scores = tiny_costs(model, TEXTS[100:]).mean(dim=0), tiny_scores(model, TEXTS[100:, :-1])[0]
    right = (scores.argmax(dim=2).numpy() == TEXTS[100:, 1:]).sum(axis=0)
    assert shown["places"] == "".join(
        f"letter {place}: costs {cost:.3f}, right in {count} of 25 unseen words\n"
        for place, (cost, count) in enumerate(zip(costs.tolist(), right), start=1)
    )
    assert right[3:].tolist() == [25, 25, 25] and math.log(5) < costs[0] < costs[1] < costs[2]
    learned, unseen = (tiny_costs(proud, part, ahead=1).mean().item() for part in (TEXTS[:100], TEXTS[100:]))
    assert shown["ahead"] == f"{learned:.4f} on learned words, {unseen:.4f} on unseen ones\n"
    assert unseen < math.log(5) / 2, "it has read the answer"


def test_where_the_language_model_looks_is_where_matrices_look(fresh, tiny):
    shown, model, text = texts(fresh(TINY)), tiny[1], TEXTS[100:101]
    _, looks = tiny_scores(model, text[:, :-1])
    told = f"the word: {' '.join('abcde.'[code] for code in text[0])}\n"
    told += "it has read    head  looks at places 0, 1, 2, …\n"
    for n in range(6):
        read = " ".join("abcde."[code] for code in text[0, : n + 1])
        for head in (0, 1):
            shares = "  ".join(f"{look:.2f}" for look in looks[head][0][0, n, : n + 1].tolist())
            told += f"{read:14} {head + 1:4}  {shares}\n"
    assert shown["look"] == told
    assert [looks[0][0][0, n].argmax().item() for n in (3, 4, 5)] == [3, 2, 1], "the mirrored place"
    lines, largest = [f"score {place}:" for place in range(5)], []
    for head, (shares, dots, values) in enumerate(looks):
        look, value = shares[0, 4, :5], values[0, :5, 0]
        slopes = look * (value - look @ value)  # the derivative of a softmax, by hand
        largest.append(slopes.abs().max())
        for place in range(5):
            lines[place] += f" {dots[0, 4, place]:+{7 + head}.2f} {slopes[place]:+9.4f}"
    assert shown["gradient"].splitlines()[1:] == lines
    assert largest[0] < 1e-3 and largest[1] > 0.5, "the head that is sure does not learn any more"


def test_the_first_head_does_the_work_and_only_the_model_writes_different_mirrors(fresh, tiny):
    shown, (_, model, proud), told = texts(fresh(TINY)), tiny, ""
    for name, heads in (
        ("both heads", (0, 1)),
        ("without head 1", (1,)),
        ("without head 2", (0,)),
        ("without both", ()),
    ):
        scores = tiny_scores(model, TEXTS[100:, :-1], heads=heads)[0]
        counts = (scores.argmax(dim=2).numpy() == TEXTS[100:, 1:]).sum(axis=0)
        told += f"{name:14}{counts[3]:10}{counts[4]:10}{counts[5]:10}\n"
        assert (counts[3:] > 20).all() == (0 in heads) and ((counts[3:] < 9).all() or 0 in heads)
    assert shown["heads"] == "right, of 25:   letter 4  letter 5  letter 6\n" + told
    told = ""
    for name, w in (("the model", model), ("the proud one", proud)):
        rng, words = np.random.default_rng(0), []
        for _ in range(40):
            text = [5]
            while len(text) < 7:
                probabilities = tiny_scores(w, np.array([text]))[0][0, -1].softmax(dim=0).numpy()
                text.append(int(rng.choice(5, p=probabilities)))
            words.append("".join("abcde"[code] for code in text[1:]))
        mirrors = [word for word in words if word == word[::-1]]
        told += f"{name}: {len(mirrors)} mirrors, {len(set(mirrors))} different ones: {', '.join(words[:5])}, …\n"
    assert shown["write"] == told and len(set(words)) == 1, "the proud one writes the same word again and again"


# --- the statements of 11-build-it-yourself, compared with calculus by hand and with NumPy


BUILD_IT = HERE / "notebooks" / "11-build-it-yourself.ipynb"


def test_each_rung_of_the_home_made_engine_ends_as_told(fresh):
    shown = texts(fresh(BUILD_IT))
    rungs = re.findall(r"^ +(right|wrong|not yet|left out) +(\d+) ", shown["number"], re.MULTILINE)
    assert [int(number) for _, number in rungs] == list(range(1, 12)), "the ladder has eleven rungs"
    assert [state for state, _ in rungs].count("right") == 2 and "no backward: " in shown["number"]
    a, b, c = 2.0, -3.0, 10.0
    assert (
        shown["back"].startswith("['overwrites'] ") and f"-> a.grad is {c}, and {b + c:.0f} is right" in shown["back"]
    )
    early, right = c * b + (c + 1) * b, (c + 1) * b  # h hands on 10 and then 11, where 11 alone is right
    told = (
        f"-> a.grad is {early}, and {right:.0f} is right; b.grad is {early / b * a}, and {right / b * a:.0f} is right"
    )
    assert shown["add"].startswith("['wrong order'] ") and told in shown["add"]
    assert shown["order-backward"].startswith("['plain numbers are no arguments'] ")
    assert shown["plain"] == "['missing __radd__', 'missing __rmul__']\n[]\n"
    assert f"-> a.grad is 1.0, and -1 is right; y.data is {a - 1}, and {1 - a:.0f} is right" in shown["minus"]
    assert f"a.grad is {1 / 3}, and {-3 / 4**2} is right; y.data is {4 / 3}, and {3 / 4} is right" in shown["minus"]
    assert shown["minus-repair"] == "[]\n"
    notes = re.findall(r"^  (\S[\w ]+): ", shown["functions"], re.MULTILINE)
    assert notes == ["backward not idempotent", "gradients left over", "recursion limit", "tanh overflows"]
    found, counted = re.fullmatch(r"True \((\d+), (\d+)\)", shown["functions"].splitlines()[0]).groups()
    assert found == counted and shown["mend-backward"].startswith(f"Value: {counted} of {counted} checks are right\n")
    assert shown["mend-backward"].count(" right ") == 11 and "Worth knowing" not in shown["mend-backward"]
    assert "argument counted once: " in shown["command"] and f"a.grad is 1.0, and {1 + 1} is right" in shown["command"]


def test_the_prose_about_the_home_made_engine_is_right():
    text = prose(stored(BUILD_IT))
    assert f"10 × −3 + 11 × −3 = **−{30 + 33}**, where 11 × −3 = **−{33}**" in text
    assert "−3 from the one, 10 from the other" in text
    assert math.tanh(1000) == 1.0 and "The right answer is 1." in text
    with pytest.raises(OverflowError):
        math.exp(2000)


def test_the_home_made_engine_trains_as_matrices_do(fresh):
    shown = texts(fresh(BUILD_IT))
    X, y = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], dtype=float), np.array([-1.0, 1.0, 1.0, 1.0])
    weights = np.zeros(3)
    for _ in range(50):
        outputs = np.tanh(X @ weights)
        loss = ((outputs - y) ** 2).sum()
        weights = weights - 0.1 * X.T @ (2 * (outputs - y) * (1 - outputs**2))
    outputs = np.tanh(X @ weights)
    assert shown["train"] == f"{[f'{output:+.2f}' for output in outputs]} loss {loss:.3f}\n"
    assert abs(outputs - y).argmax() == 0 and weights[2] < 0 < weights[:2].min(), (
        "the first; the others use the weights"
    )
    slope = 2 * (outputs[0] - y[0]) * (1 - outputs[0] ** 2)
    assert shown["train-picture"].startswith(f"b.grad: {slope:.6f} by your engine, {slope:.6f} by chainrule\n")
