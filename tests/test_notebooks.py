"""The notebooks: each runs in a fresh kernel, shows what is stored, and says nothing that is not so."""

import base64
import importlib.util
import math
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

import chainrule as cr

HERE = Path(__file__).resolve().parents[1]
UNDER_TEST = Path(cr.__file__).resolve().parent
NOTEBOOKS = sorted((HERE / "notebooks").glob("*.ipynb"))
BACKPROP = HERE / "notebooks" / "01-backprop-step-by-step.ipynb"


@pytest.fixture(scope="module")
def build():
    """notebooks/build.py, which is a script and in no package."""
    spec = importlib.util.spec_from_file_location("notebooks_build", HERE / "notebooks" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def fresh(build, tmp_path_factory):
    """Notebooks run anew against the copy under test, in an empty folder; each once."""
    done = {}

    def run(path):
        if path not in done:
            done[path] = build.executed(path, UNDER_TEST, tmp_path_factory.mktemp(path.stem))
        return done[path]

    return run


def stored(path):
    return nbformat.read(path, as_version=4)


def texts(notebook):
    """Cell id -> what the cell printed or showed, as plain text."""
    shown = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            text = output["text"] if output.output_type == "stream" else output.data["text/plain"] + "\n"
            shown[cell.id] = shown.get(cell.id, "") + text
    return shown


def prose(notebook):
    """The text between the code, in one line."""
    return " ".join(" ".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown").split())


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_text_is_what_a_fresh_kernel_shows(path, fresh):
    assert texts(stored(path)) == texts(fresh(path)), "run python notebooks/build.py"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_run_is_silent_on_stderr_and_draws_where_the_stored_one_does(path, fresh):
    def kinds(notebook):
        return {
            cell.id: [sorted(output.get("data", [output.get("name")])) for output in cell.get("outputs", [])]
            for cell in notebook.cells
        }

    assert kinds(stored(path)) == kinds(fresh(path))
    assert not any(["stderr"] in shown for shown in kinds(stored(path)).values())


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_prose_comes_first_and_cells_are_short(path):
    cells = stored(path).cells
    assert cells[0].cell_type == "markdown"
    for cell in cells:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", cell.id), "a random cell id changes at each build: name the cell"
        assert cell.cell_type == "markdown" or len(cell.source.splitlines()) <= 12, cell.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_pictures_are_images_that_every_page_shows(path, build):
    notebook = stored(path)
    assert path.stat().st_size < 1_500_000
    pictures = [out.data["text/html"] for cell in notebook.cells for out in cell.get("outputs", []) if "data" in out]
    assert pictures
    for picture in pictures:
        source = re.fullmatch(r'<img src="data:image/svg\+xml;base64,([^"]+)" alt="[^"]+" [^<>]*>', picture)
        assert base64.b64decode(source[1]).decode().startswith("<svg ")
    again = stored(path)
    build.normalise(again)
    assert again == notebook, "not written by python notebooks/build.py"


def test_a_slow_machine_does_not_split_what_a_cell_prints(build, tmp_path):
    source = "import time\nprint(1, flush=True)\ntime.sleep(0.5)\nprint(2)"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, id="slow")])
    nbformat.write(notebook, tmp_path / "slow.ipynb")
    (output,) = build.executed(tmp_path / "slow.ipynb", UNDER_TEST, tmp_path).cells[0].outputs
    assert output.text == "1\n2\n"


@pytest.mark.parametrize("around", ["{}", '<div style="width:100%">{}</div>'])
def test_the_frame_goes_and_the_picture_in_it_stays(build, around):
    frame = around.format('<iframe srcdoc="&lt;p&gt;" style="border:0"><img src="data:,"></iframe>')
    data = {"text/html": frame, "image/svg+xml": "<svg/>", "text/plain": "<Drawing>"}
    cell = nbformat.v4.new_code_cell(id="a", outputs=[nbformat.v4.new_output("execute_result", data)])
    notebook = nbformat.v4.new_notebook(cells=[cell])
    build.normalise(notebook)
    assert notebook.cells[0].outputs[0].data == {"text/html": '<img src="data:,">', "text/plain": "<Drawing>"}


# --- what 01-backprop-step-by-step says, against numbers that chainrule has no part in


def classify(matrices, x, species):
    """Hidden outputs, probabilities, loss and gradients of a tanh network, as NumPy and calculus by hand have them."""
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
    layers = cr.MLP(4, [4, 3], activation="tanh", rng=0).layers  # only its first numbers
    numbers = [np.array([[p.data for p in neuron.parameters()] for neuron in layer.neurons]) for layer in layers]
    matrices = [(rows[:, :-1], rows[:, -1]) for rows in numbers]
    x = np.array([7.0, 3.2, 4.7, 1.4])  # row 51 of Fisher's table, a versicolor
    before = classify(matrices, x, 1)
    moved = [(w - 0.05 * dw, b - 0.05 * db) for (w, b), (dw, db) in zip(matrices, before[3])]
    foretold = 0.05 * sum(float((part**2).sum()) for pair in before[3] for part in pair)
    return before, classify(moved, x, 1), foretold


def test_numbers_of_the_neuron(fresh):
    shown = texts(fresh(BACKPROP))
    bias = 6 + math.log(1 + math.sqrt(2))
    nudged = (math.tanh(2 * -2.999 + bias) - math.tanh(2 * -3.0 + bias)) / 0.001
    slope = 1 - math.tanh(bias - 6) ** 2
    leaves = {"x1": -3 * slope, "w1": 2 * slope, "x2": slope, "w2": 0.0, "b": slope}
    assert shown["neuron-values"] == f"o = {math.tanh(bias - 6):.4f}\n"
    assert shown["nudge"] == f"o moves by {nudged:.4f} for each unit of w1\n"
    assert shown["backward-numbers"] == "".join(f"{name:>2}  {grad:+.4f}\n" for name, grad in leaves.items())
    assert shown["zero"].startswith(f"w1.grad = {2 * leaves['w1']:.4f}\n")
    assert shown["add-explain"].count("a.grad +=") == 2 and "= 3 + 3 × 1 = 6\n" in shown["add-explain"]
    assert shown["order"].startswith("s → r → q → p\n")


def test_numbers_of_the_training_step(fresh, step):
    shown = texts(fresh(BACKPROP))
    (_, probabilities, loss, _), (_, _, loss_after, _), foretold = step
    assert shown["network-flower"] == "versicolor [7.0, 3.2, 4.7, 1.4]\n"
    assert shown["network-loss"] == (
        f"{4 * 4 + 4 + 3 * 4 + 3} parameters\n"
        f"probabilities: {', '.join(f'{p:.3f}' for p in probabilities)}\nloss: {loss:.4f}\n"
    )
    assert shown["step"] == (
        f"loss before: {loss:.4f}\nloss after:  {loss_after:.4f}\n"
        f"it fell by {loss - loss_after:.4f}; foretold were {foretold:.4f}\n"
    )


def test_every_number_in_the_prose_is_so(step):
    (hidden, _, loss, gradients), (_, _, loss_after, gradients_after), foretold = step
    bias, slope = 6 + math.log(1 + math.sqrt(2)), 1 - math.tanh(math.log(1 + math.sqrt(2))) ** 2
    flat = 1 - hidden**2
    claims = [
        f"The odd bias, 6 + ln(1 + √2), is chosen so that the output is 1/√2 = {math.tanh(bias - 6):.4f}",
        f"tanh has the slope 1 − o² = {slope:.1f} here, so `n` receives {slope:.1f}",
        f"receives 2 × {slope:.1f} = **{2 * slope:.0f}**",
        f"receives −3 × {slope:.1f} = −{3 * slope:.1f}",
        f"`w2` receives **{0 * slope:.0f}**",
        f"two contributions of 3, together **{3 + 3}**",
        f"With `=` it would be **{3}**",
        f"`p` would have got **{2 * 1}** instead of **{2 * (1 + 5)}**",
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
    assert re.findall(r"\d+\.\d+|\*\*[^*]*\d[^*]*\*\*", text) == [], "a number that no test has computed"

    wanted, wanted_after = gradients[1][1], gradients_after[1][1]
    assert [score > 0 for score in wanted] == [True, False, True], "only versicolor's is orange"
    assert (abs(wanted_after) < abs(wanted))[:2].all(), "the gradients of the first two scores are smaller"
    assert 2**30 > 1e9, "thirty forks in a row make a billion"
    assert 0 < loss - loss_after < foretold, "a little less than foretold"
    assert flat[[0, 2]].max() * 10 < flat[[1, 3]].min(), "two hidden neurons show hardly any bars"
