"""The live page, driven as a user does: it computes, trains and explains as Python does. These tests need a browser."""

from __future__ import annotations

import base64
import gzip
import json
import math
import re
import time
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from picture_helpers import OVERLAPS

import chainrule as cr
from chainrule import nn, viz
from chainrule.engine.graph import topological_order
from chainrule.viz.live import packing

LARGEST_FILE = 150_000


def moons_data():
    X, y = cr.moons(200, seed=0)
    return np.asarray(X), np.where(np.asarray(y) > 0, 1.0, -1.0)


def data_of(page):
    """What stands in the file."""
    found = re.search(r'id="live-data">([^<]*)<', page.html)[1]
    return json.loads(gzip.decompress(base64.urlsafe_b64decode(found)))


def few(names, quick):
    """Parameters for a test: the quick ones always, the others in the slow run."""
    return [name if name in quick else pytest.param(name, marks=pytest.mark.slow) for name in names]


def small(**keywords):
    """A page of a small network on moons, and what it was made of."""
    X, y = moons_data()
    model = cr.MLP(2, [4, 3, 1], activation="tanh", rng=0)
    keywords = {"learning_rate": 0.05, **keywords}
    return SimpleNamespace(model=model, X=X, y=y, page=cr.live(model, cr.hinge, X, y, **keywords))


READY = "return window.LIVE && !LIVE.S.until && document.querySelector('footer') !== null"


def opened(browser, page, folder, until=READY, address="#example=1"):
    """Open the page; an address that says what to look at leaves out its first training."""
    browser.get_log("browser")
    browser.get("about:blank")
    browser.get(page.save(folder / "page.html").as_uri() + address)
    wait(browser, until)
    settle(browser)
    return browser


def wait(browser, condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not browser.execute_script(condition):
        assert time.monotonic() < end, f"never: {condition}"
        time.sleep(0.02)


def settle(browser):
    """Wait until the page has drawn itself."""
    browser.execute_async_script("const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(done))")


def text(browser, selector):
    settle(browser)
    return str(browser.execute_script("return document.querySelector(arguments[0]).textContent", selector))


def element(browser, selector):
    from selenium.webdriver.common.by import By

    return browser.find_element(By.CSS_SELECTOR, selector)


def press(browser, selector, *keys):
    browser.execute_script("document.querySelector(arguments[0]).focus()", selector)
    for key in keys:
        browser.switch_to.active_element.send_keys(key)
    settle(browser)


def number(shown):
    return float(shown.replace("−", "-"))


@pytest.fixture
def moons(browser, tmp_path):
    """The opened page."""
    made = small()
    opened(browser, made.page, tmp_path)
    browser.execute_script("LIVE.reset()")
    settle(browser)
    return made


# --- the file


def test_a_network_of_337_parameters_with_200_examples_is_a_small_file():
    X, y = moons_data()
    page = cr.live(cr.MLP(2, [16, 16, 1], activation="tanh", rng=0), cr.hinge, X, y)
    assert len(page.html.encode()) < LARGEST_FILE


def test_the_recorded_training_of_the_demo_s_network_is_a_small_file_however_long_it_was():
    data = cr.iris()
    model = cr.MLP(4, [12, 3], activation="tanh", rng=0)
    history = cr.fit(model, cr.cross_entropy, data.X, data.y, epochs=120, progress=False)
    page = cr.replay(model, cr.cross_entropy, data.X, data.y, history)
    assert len(history.snapshots) > 60 and len(page.html.encode()) < LARGEST_FILE


def test_the_page_asks_for_nothing_and_its_policy_names_the_programs_by_their_hashes(browser, tmp_path):
    page = small().page
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page.html)[1]
    assert "default-src 'none'" in policy and "script-src 'sha256-" in policy and "unsafe-inline" not in policy
    assert "eval" not in page.html.partition("live-data")[0]
    opened(browser, page, tmp_path)
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert browser.get_log("browser") == []


ATTACK = "</script><img src=x onerror='window.broken = 1'><svg onload='window.broken = 1'>\"'`${window.broken = 1}"


def test_hostile_names_of_features_classes_and_parameters_run_nothing(browser, tmp_path):
    model = cr.MLP(2, [2, 2], activation="tanh", rng=0)
    for p in model.parameters():
        p.label = ATTACK + p.label
    page = cr.live(model, cr.cross_entropy, np.eye(2), [0, 1], names=[ATTACK, "b"], classes=[ATTACK, "c"])
    opened(browser, page, tmp_path)
    browser.execute_script("LIVE.chooseNeuron(0); LIVE.worksheet(); document.querySelector('#astable').click()")
    settle(browser)
    assert browser.execute_script("return window.broken") is None
    assert browser.execute_script("return document.querySelectorAll('img, [onerror], [onload]').length") == 0
    assert ATTACK in text(browser, "#numbers-table") and browser.get_log("browser") == []


def test_the_first_screen_trains_the_same_steps_each_time_and_says_so(browser, tmp_path):
    page, seen = small().page, set()
    for _ in range(2):
        opened(browser, page, tmp_path, "return document.querySelectorAll('.caption').length === 3", "")
        seen.add((text(browser, "#figure-step b"), text(browser, "#figure-train b"), text(browser, "#opening span")))
        assert not browser.execute_script("return LIVE.S.playing")
    [(steps, loss, said)] = seen
    assert int(steps) > 0 and f"trained itself for {steps} steps" in said
    element(browser, "#opening button").click()
    assert text(browser, "#figure-step b") == "0" and text(browser, "#figure-train b") != loss
    assert browser.execute_script("return Array.from(LIVE.S.theta).every((x, k) => x === Number(LIVE.D.theta[k]))")
    assert browser.execute_script("return document.querySelector('#opening').hidden")


def test_the_first_example_is_one_that_still_has_something_to_ask(browser, tmp_path):
    model = cr.Neuron(
        2, activation="relu", rng=0
    )  # where it answers 0, an example asks for nothing, however wrong it is
    X = np.random.default_rng(1).normal(size=(30, 2))
    silent = [i for i in range(30) if model(X[i].tolist()).data == 0]
    y = np.where(np.isin(np.arange(30), silent), -9.0, 1.0)
    page = cr.live(model, cr.mse, X, y, learning_rate=1e-6)
    opened(browser, page, tmp_path, "return document.querySelectorAll('.caption').length > 0", "")
    chosen = browser.execute_script("return LIVE.S.example")
    worst = browser.execute_script("return LIVE.all().table.indexOf(Math.max(...LIVE.all().table.slice(0, 30)))")
    assert worst in silent and chosen not in silent
    assert browser.execute_script("return LIVE.D.names.some((_, k) => LIVE.adjoint(LIVE.T.inputs + k) !== 0)")


def test_the_curve_ends_at_the_step_where_the_training_was_paused(moons, browser):
    browser.execute_script("LIVE.S.playing = true; for (let i = 0; i < 3; i += 1) LIVE.update(); LIVE.stop()")
    assert browser.execute_script("return LIVE.S.history.at(-1).step") == 3
    assert browser.execute_script("return LIVE.S.history.at(-1).train === LIVE.all().train")


def test_a_scale_of_the_loss_has_two_numbers_at_least_and_none_is_cut_off(moons, browser):
    ranges = [(low, low * times) for low in (1e-7, 0.0211, 0.665, 0.7) for times in (1.01, 2.0, 30.0, 1e5)]
    found = browser.execute_script(
        """
      const context = CanvasRenderingContext2D.prototype, real = context.fillText;
      let said;
      context.fillText = function (text, x, y) {
        const before = this.textAlign === 'right' ? this.measureText(text).width : 0;
        if (this.canvas.id === 'curve') said.push([text, x - before]);
        return real.call(this, text, x, y);
      };
      const all = arguments[0].map(([low, high]) => {
        said = [];
        LIVE.S.history = [high, low].map((train, step) => ({ step, train, test: NaN, sizes: [1, 1, 1] }));
        LIVE.drawAll();
        return said;
      });
      context.fillText = real;
      return all;""",
        ranges,
    )
    for (low, high), said in zip(ranges, found, strict=True):
        numbers = {one for one, _ in said if one != "0" and not one.startswith("step")}
        assert len(numbers) >= 2 and min(x for _, x in said) >= 0, (low, high, said)
        assert all(low * 0.95 <= number(one) <= high * 1.05 for one in numbers)


# --- it computes what Python computes


def test_all_losses_and_gradients_are_those_of_python(moons, browser):
    program = cr.compile(lambda x, t: cr.hinge(moons.model(x), t), moons.model.parameters())
    value, gradient = program.value_and_grad(moons.X, moons.y)
    found = browser.execute_script("""
      const into = new Float64Array(1 + LIVE.T.parameters);
      LIVE.M.gradient.means(LIVE.X, LIVE.S.theta, null, LIVE.D.train, into);
      return [LIVE.all().train, Array.from(into)];""")
    assert found[0] == pytest.approx(value, abs=1e-12) and found[1][0] == pytest.approx(value, abs=1e-12)
    assert found[1][1:] == pytest.approx(gradient.tolist(), abs=1e-12)


@pytest.mark.parametrize("penalty", [0.0, 0.01])  # what depends on parameters alone is computed apart from examples
def test_the_curve_of_each_weight_is_the_loss_that_python_computes(penalty, browser, tmp_path):
    X, y = moons_data()
    model = cr.MLP(2, [3, 1], activation="tanh", rng=0)

    def loss(out, t):
        return cr.hinge(out, t) + penalty * sum(p**2 for p in model.parameters())

    opened(browser, cr.live(model, loss if penalty else cr.hinge, X, y), tmp_path)
    program = cr.compile(lambda x, t: loss(model(x), t), model.parameters())
    theta = np.array(browser.execute_script("LIVE.reset(); return Array.from(LIVE.S.theta)"))
    for k in range(len(theta)):
        others = theta[k] + np.array([-1.5, 0.0, 0.25, 2.0])
        find = "return LIVE.M.loss.meansOver(arguments[0], arguments[1], LIVE.X, LIVE.S.theta, null, LIVE.D.train)"
        found = browser.execute_script(find, k, others.tolist())
        for other, mean in zip(others, found, strict=True):
            changed = theta.copy()
            changed[k] = other
            program.assign(changed)
            assert mean == pytest.approx(float(np.mean(program(X, y))), abs=1e-12)


OPTIMISERS = {
    "sgd": lambda m: nn.SGD(m, 0.05),
    "momentum": lambda m: nn.SGD(m, 0.05, momentum=0.9),
    "nesterov": lambda m: nn.SGD(m, 0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adagrad": lambda m: nn.Adagrad(m, 0.05),
    "rmsprop": lambda m: nn.RMSProp(m, 0.01, momentum=0.5),
    "adam": lambda m: nn.Adam(m, 0.02, clip_norm=0.5),
    "adamw": lambda m: nn.AdamW(m, 0.02, clip_value=0.1),
}


@pytest.mark.parametrize("name", few(OPTIMISERS, ["adam", "momentum"]))
def test_each_optimiser_moves_as_that_of_nn_does_for_100_steps(browser, tmp_path, name):
    X, y = moons_data()
    model = cr.MLP(2, [3, 1], activation="tanh", rng=0)
    optimiser = OPTIMISERS[name](model)
    opened(browser, cr.live(model, cr.mse, X, y, optimiser=optimiser), tmp_path)
    gradients = np.random.default_rng(0).normal(size=(100, len(model.parameters())))
    theta = optimiser.read()
    for gradient in gradients:
        optimiser.move(theta, gradient)
    found = browser.execute_script("""
      LIVE.reset();
      for (const g of arguments[0]) LIVE.S.optimiser.update(LIVE.S.theta, Float64Array.from(g), null);
      return [LIVE.S.optimiser.name, Array.from(LIVE.S.theta)];""", gradients.tolist())  # fmt: skip
    assert found[0] == type(optimiser).__name__
    assert found[1] == pytest.approx(theta.tolist(), abs=1e-12)


@pytest.mark.parametrize("name", few(OPTIMISERS, ["nesterov", "adamw"]))
def test_the_last_step_is_explained_in_the_words_and_numbers_of_python(browser, tmp_path, name):
    X, y = moons_data()
    model = cr.MLP(2, [3, 1], activation="tanh", rng=0)
    optimiser = OPTIMISERS[name](model)
    optimiser.schedule = nn.schedules.exponential(0.9)
    opened(browser, cr.live(model, cr.mse, X, y, optimiser=optimiser), tmp_path)
    gradients = np.random.default_rng(0).normal(size=(3, len(model.parameters())))
    gradients[:, 3] = gradients[0, 3]  # a steady one
    gradients[-1, 4] = 0.0
    for gradient in gradients:
        for p, number_ in zip(model.parameters(), gradient.tolist(), strict=True):
            p.grad = number_
        optimiser.step()
    optimiser.lr = 7.0  # a rate that is changed afterwards changes nothing of it
    told = browser.execute_script("""
      LIVE.reset();
      for (const g of arguments[0]) LIVE.S.optimiser.update(LIVE.S.theta, Float64Array.from(g), null);
      const rate = document.querySelector('#rate');
      rate.value = '0.5'; rate.dispatchEvent(new Event('input'));
      return Array.from(LIVE.S.theta, (_, k) => {
        LIVE.S.weight = k; LIVE.drawAll();
        const why = document.querySelector('#why .why'), e = LIVE.S.optimiser.explain(k, '');
        const lines = [...why.querySelectorAll(':scope > p')].map((p) => p.textContent);
        const rows = [...why.querySelectorAll('tr')].map(({children}) =>
          [children[0], children[1].firstChild, children[2]].map((one) => one ? one.textContent : ''));
        return [lines, rows, e.parts.map((part) => [LIVE.withNumbers(e, part), part[2]])];
      });""", gradients.tolist())  # fmt: skip
    for p, (lines, rows, numbers) in zip(model.parameters(), told, strict=True):
        title, *parts, sentence = str(optimiser.explain(p)).replace("  (", "(").splitlines()
        aside = [parts.pop()] if parts[-1].startswith("(") else []
        assert [line.replace("−", "-") for line in lines] == [title, *aside, sentence]
        shown = [" ".join(filter(None, row)).replace("−", "-") for row in rows]
        assert shown == [part.strip() for part in parts]
        for text_, result in numbers:  # "step = −0.02 · ratio" with the ratio's number is true, too
            if text_:
                found = eval(text_.replace("·", "*"), {"__builtins__": {}})  # the page's own text
                # six digits of each number; Nesterov's two terms, below 3, may cancel: 0.05 · 3 · 5e-6
                assert found == pytest.approx(result, rel=2e-5, abs=7.5e-7)


def test_a_schedule_runs_in_the_page_as_it_does_in_python(browser, tmp_path):
    X, y = moons_data()
    model = cr.MLP(2, [3, 1], activation="tanh", rng=0)
    optimiser = nn.Adam(model, 0.02, schedule=nn.schedules.warm_up(5, then=nn.schedules.cosine(40, final=0.1)))
    page = cr.live(model, cr.mse, X, y, optimiser=optimiser)
    opened(browser, page, tmp_path)
    gradients = np.random.default_rng(0).normal(size=(60, len(model.parameters())))
    theta = optimiser.read()
    for gradient in gradients:
        optimiser.move(theta, gradient)
    found = browser.execute_script("""
      LIVE.reset();
      for (const g of arguments[0]) LIVE.S.optimiser.update(LIVE.S.theta, Float64Array.from(g), null);
      LIVE.drawAll();
      return Array.from(LIVE.S.theta);""", gradients.tolist())  # fmt: skip
    assert found == pytest.approx(theta.tolist(), abs=1e-12)
    assert text(browser, "#ratenow") == "schedule: now 0.002"
    assert len(data_of(page)["schedule"]["shares"]) == 46  # what stays the same stands once


def test_a_schedule_that_asks_for_the_length_of_the_training_gets_that_of_fit():
    X, y = moons_data()
    model = cr.MLP(2, [2, 1], rng=0)
    optimiser = nn.SGD(model, 0.1, schedule=nn.schedules.cosine())
    with pytest.raises(ValueError, match=r"write nn.schedules.cosine\(steps=1000\)"):
        cr.live(model, cr.mse, X, y, optimiser=optimiser)
    cr.fit(model, cr.mse, X, y, epochs=2, optimiser=optimiser, progress=False)
    shares = data_of(cr.live(model, cr.mse, X, y, optimiser=optimiser))["schedule"]["shares"]
    assert shares == [optimiser.schedule(step, optimiser.planned) for step in range(optimiser.planned + 1)]
    optimiser.schedule = lambda step, planned: np.nan
    with pytest.raises(ValueError, match="the schedule gives step 0 the share nan"):
        cr.live(model, cr.mse, X, y, optimiser=optimiser)


def test_a_frozen_parameter_stays_where_it_is_and_says_so(browser, tmp_path):
    model = cr.MLP(2, [3, 1], activation="tanh", rng=0)
    frozen = model.parameters()[2]
    frozen.requires_grad = False
    opened(browser, cr.live(model, cr.mse, np.eye(2), [0.0, 1.0]), tmp_path)
    theta, title, sentence = browser.execute_script("""
      for (let i = 0; i < 3; i += 1) LIVE.update();
      const e = LIVE.S.optimiser.explain(2, 'w');
      return [LIVE.S.theta[2], e.title, e.sentence];""")
    assert theta == frozen.data and title == f"The last step of w: {theta:.6g} → {theta:.6g}"
    assert sentence == "There is no step: the mean of the gradients is 0."


def test_numbers_in_those_texts_are_written_as_python_writes_them(moons, browser):
    rng = np.random.default_rng(0)
    numbers = [*(rng.normal(size=200) * 10.0 ** rng.integers(-12, 12, 200)), 0.0, -0.0, 0.125, 0.375, -0.625, 1.0625,
               1.0315, 99999.5, 999999.5, 1e-5, 9.9995e-5, 12345.678, 1e16, 0.5, 2.5, 3.5, 1.5e300, 5e-324]  # fmt: skip
    for spec in (".4g", ".6g", "g", ".3g", ".0%"):
        given = [x for x in map(float, numbers) if spec != ".0%" or abs(x) < 1e18]
        script = "return arguments[0].map((x) => LIVE.formatted(Number(x), arguments[1]))"
        found = browser.execute_script(script, [str(x) for x in given], spec)
        assert found == [format(x, spec) for x in given], spec


def hinge_with_penalty(model):
    return lambda out, t: (1.0 - t * out).relu() + 1e-4 * cr.total([p * p for p in model.parameters()])


def workload(name):
    """Model, loss, X, y, the size of the mini-batches and the optimiser of a workload of BENCHMARKS."""
    if name == "W3":
        X, y = moons_data()
        model = cr.MLP(2, [16, 16, 1], rng=0)
        return model, hinge_with_penalty(model), X[:100], y[:100], 100, nn.SGD(model, 0.1)
    if name == "W4":
        data = cr.iris().standardise()
        model = cr.MLP(4, [16, 16, 3], activation="tanh", rng=0)
        return model, cr.cross_entropy, np.asarray(data.X), np.asarray(data.y), 150, nn.SGD(model, 0.1)
    data = cr.digits()
    model = cr.MLP(64, [32, 10], rng=0)
    return model, cr.cross_entropy, np.asarray(data.X)[:320] / 16, np.asarray(data.y)[:320], 32, nn.Adam(model)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["W3", "W4", "W6"])
def test_the_page_trains_to_the_loss_of_nn_with_the_same_batches(browser, tmp_path, name):
    model, loss, X, y, batch, optimiser = workload(name)
    opened(browser, cr.live(model, loss, X, y, optimiser=optimiser, batch_size=batch), tmp_path)
    batches = [np.arange(start, start + batch) % len(X) for start in range(0, 30 * batch, batch)]
    program = cr.compile(lambda x, t: loss(model(x), t), model.parameters())
    theta = optimiser.read()
    for rows in batches:
        optimiser.move(theta, program.value_and_grad(X[rows], y[rows], at=theta)[1])
    found = browser.execute_script("""
      LIVE.reset();
      for (const rows of arguments[0]) LIVE.update(rows);
      return LIVE.all().train;""", [rows.tolist() for rows in batches])  # fmt: skip
    assert found == pytest.approx(program(X, y, at=theta).mean(), rel=1e-9)


@pytest.mark.parametrize("activation", few(["relu", "leaky_relu", "sigmoid", "elu", "silu", "gelu", "sin"], ["gelu"]))
def test_another_activation_or_loss_of_the_page_is_that_of_python(moons, browser, activation):
    other = cr.MLP(2, [4, 3, 1], activation=[activation, "tanh"], rng=0)
    program = cr.compile(lambda x, t: cr.mse(other(x), t), other.parameters())
    value, gradient = program.value_and_grad(moons.X, moons.y)
    found = browser.execute_script("""
      LIVE.S.acts[1] = arguments[0];
      LIVE.S.loss = LIVE.D.losses.indexOf("mse");
      LIVE.machines();
      const into = new Float64Array(1 + LIVE.T.parameters);
      LIVE.M.gradient.means(LIVE.X, LIVE.S.theta, null, LIVE.D.train, into);
      return Array.from(into);""", activation)  # fmt: skip
    assert found == pytest.approx([value, *gradient.tolist()], abs=1e-12)


# --- dragging


def weight_spin(row=1):
    return f"#neuron tbody tr:nth-child({row}) td:nth-child(3) .spin"


def test_a_dragged_weight_shows_prediction_truth_and_difference_and_esc_brings_it_back(moons, browser):
    from selenium.webdriver.common.keys import Keys

    browser.execute_script("LIVE.chooseNeuron(4)")
    settle(browser)
    k = browser.execute_script("return LIVE.S.weight")
    old = moons.model.parameters()[k].data
    press(browser, weight_spin(), Keys.SHIFT + Keys.ARROW_UP, Keys.SHIFT + Keys.ARROW_UP)
    new = browser.execute_script("return LIVE.S.theta[arguments[0]]", k)
    program = cr.compile(lambda x, t: cr.hinge(moons.model(x), t), moons.model.parameters())
    before, gradient = program.value_and_grad(moons.X, moons.y)
    theta = program.parameters()
    theta[k] = new
    after = program(moons.X, moons.y, at=theta).mean()
    shown = [number(one) for one in re.findall(r"= ([−\d.e]+)", text(browser, "#verdict"))]
    difference = number(re.search(r"difference([−\d.e]+)", text(browser, "#verdict"))[1])
    assert shown == pytest.approx([gradient[k] * (new - old), after - before], rel=6e-3)
    assert difference == pytest.approx(after - before - gradient[k] * (new - old), rel=6e-3)
    assert number(text(browser, weight_spin())) == pytest.approx(new, rel=1e-3)
    assert number(text(browser, "#figure-train b")) == pytest.approx(after, rel=6e-3)
    press(browser, weight_spin(), Keys.ESCAPE)
    assert browser.execute_script("return LIVE.S.theta[arguments[0]]", k) == old
    assert "Drag the dot" in text(browser, "#verdict")


def test_after_an_edit_no_line_shows_the_gradient_of_before(moons, browser):
    browser.execute_script("LIVE.update(); LIVE.setParameter(0, 2.5)")
    shown, batch, theta = browser.execute_script(
        "return [Array.from(LIVE.gradient), Array.from(LIVE.S.rows), Array.from(LIVE.S.theta)]")  # fmt: skip
    program = cr.compile(lambda x, t: cr.hinge(moons.model(x), t), moons.model.parameters())
    _, gradient = program.value_and_grad(moons.X[batch], moons.y[batch], at=np.array(theta))
    assert shown[1:] == pytest.approx(gradient.tolist(), abs=1e-12)


def test_a_number_can_be_typed_and_kept(moons, browser):
    from selenium.webdriver.common.keys import Keys

    browser.execute_script("LIVE.chooseNeuron(0)")
    settle(browser)
    press(browser, weight_spin(2), *"-1.25", Keys.ENTER)
    k = browser.execute_script("return LIVE.S.weight")
    assert browser.execute_script("return LIVE.S.theta[arguments[0]]", k) == -1.25
    assert number(text(browser, weight_spin(2))) == -1.25
    element(browser, "#keep").click()
    settle(browser)
    press(browser, weight_spin(2), Keys.ESCAPE)
    assert browser.execute_script("return LIVE.S.theta[arguments[0]]", k) == -1.25


def test_letters_and_numbers_too_large_are_refused_in_words(moons, browser):
    from selenium.webdriver.common.keys import Keys

    browser.execute_script("LIVE.chooseNeuron(4)")
    settle(browser)
    before = browser.execute_script("return Array.from(LIVE.S.theta)")
    for keys, said in (
        ("h", "type a number"),
        ("1e400" + Keys.ENTER, "1e400 is not a number"),
        ("5x", "type a number"),
    ):
        press(browser, weight_spin(), *keys)
        hint = browser.execute_script("return document.querySelector(arguments[0]).dataset.hint", weight_spin())
        assert hint is not None and said in hint
        press(browser, weight_spin(), Keys.ESCAPE)
    assert browser.execute_script("return Array.from(LIVE.S.theta)") == before


def test_escape_closes_what_a_question_mark_opened_and_each_says_what_it_asks(moons, browser):
    from selenium.webdriver.common.keys import Keys

    names = browser.execute_script("return [...document.querySelectorAll('.ask')].map((one) => one.ariaLabel)")
    assert len(set(names)) == len(names) > 5 and all("undefined" not in name for name in names)
    element(browser, "#curves .ask").click()
    assert element(browser, "#help-curves").is_displayed()
    browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not element(browser, "#help-curves").is_displayed()


def test_a_layer_whose_gradient_is_0_is_named_where_its_line_is_missing(browser, tmp_path):
    X, y = moons_data()
    model = cr.MLP(2, [4, 3, 1], activation="relu", rng=0)
    for p in model.layers[1].parameters():
        p.data = -100.0
    opened(browser, cr.live(model, cr.mse, X, y + 0.5), tmp_path)
    browser.execute_script("LIVE.reset()")
    assert "The gradient of layer 1, layer 2 is exactly 0 now" in text(browser, "#nosize")
    assert "layer 3" not in text(browser, "#nosize")


def test_three_gradients_of_one_weight_say_of_which_examples_each_is(moons, browser):
    element(browser, "#one").click()
    assert "(mean of the last mini-batch, 16 examples, before the step)" in text(browser, "#why tr")
    assert "mean of all training examples" in text(browser, "#verdict")
    assert "this example" in text(browser, "#neuron thead")


def test_the_row_of_the_bias_chooses_the_bias_and_keeps_an_edited_weight(moons, browser):
    from selenium.webdriver.common.keys import Keys

    browser.execute_script("LIVE.chooseNeuron(0)")
    settle(browser)
    press(browser, weight_spin(), *"-1.25", Keys.ENTER)
    element(browser, "#neuron tbody tr:nth-child(3) button").click()
    settle(browser)
    chosen = browser.execute_script("return [LIVE.D.names[LIVE.S.weight], LIVE.S.ghost, LIVE.S.theta[0]]")
    assert chosen == [moons.model.layers[0].neurons[0].b.label, None, -1.25]
    assert moons.model.layers[0].neurons[0].b.label in text(browser, "#whatif-panel h2")


def test_the_table_of_a_neuron_holds_the_chain_rule_of_the_chosen_example(moons, browser):
    browser.execute_script("LIVE.chooseNeuron(5); LIVE.chooseExample(7)")
    settle(browser)
    loss = cr.hinge(moons.model(moons.X[7]), moons.y[7])
    loss.backward()
    neuron = moons.model.layers[1].neurons[1]
    cells = browser.execute_script(
        "return [...document.querySelectorAll('#neuron tbody tr')].map(r => [...r.children].map(c => c.textContent))"
    )
    for row, weight in zip(cells, [*neuron.w, neuron.b], strict=True):
        assert number(row[2]) == pytest.approx(weight.data, rel=1e-3)
        assert number(row[6]) == pytest.approx(weight.grad, rel=1e-3, abs=1e-9)
        assert number(row[1]) * number(row[2]) == pytest.approx(number(row[3]), rel=2e-3, abs=1e-9)
        assert number(row[4]) * number(row[5]) == pytest.approx(number(row[6]), rel=2e-3, abs=1e-9)


# --- training


def test_a_weight_with_a_penalty_has_the_gradient_of_python_and_says_what_its_other_uses_give(browser, tmp_path):
    X, y = moons_data()
    model = cr.MLP(2, [3, 1], activation="tanh", rng=0)

    def loss(out, t):
        return (out - t) ** 2 + 0.05 * cr.total([p * p for p in model.parameters()])

    opened(browser, cr.live(model, loss, X[:9], y[:9]), tmp_path, address="#neuron=h1_2&example=4")
    loss(model(X[3].tolist()), y[3]).backward()
    neuron = model.layers[0].neurons[1]
    rows = [
        [cell.text for cell in row.find_elements("css selector", "th, td")]
        for row in browser.find_elements("css selector", "#neuron tbody tr")
    ]
    heads = [one.text for one in browser.find_elements("css selector", "#neuron thead th")]
    slope, up, others, whole = (next(i for i, head in enumerate(heads) if name in head)
                                for name in ("∂z/∂w", "∂loss/∂z", "other uses", "w.grad"))  # fmt: skip
    for row, p in zip(rows, [*neuron.w, neuron.b], strict=True):
        assert number(row[whole]) == pytest.approx(p.grad, rel=1e-3)
        assert number(row[slope]) * number(row[up]) + number(row[others]) == pytest.approx(p.grad, rel=2e-3, abs=1e-6)
    assert any(number(row[others]) for row in rows)


def test_train_and_pause(moons, browser):
    element(browser, "#play").click()
    wait(browser, "return LIVE.S.step > 5")
    element(browser, "#play").click()
    before = browser.execute_script("return LIVE.S.step")
    time.sleep(0.1)
    assert browser.execute_script("return LIVE.S.step") == before
    assert browser.execute_script("return LIVE.all().train < LIVE.S.history[0].train")


def test_while_it_trains_no_element_of_the_network_is_made_again_or_styled_again(moons, browser):
    changed = browser.execute_script("""
      const seen = new MutationObserver(() => {}), all = {attributes: true, childList: true, subtree: true};
      seen.observe(document.querySelector('.net'), all);
      const pixels = () => document.querySelector('.drawn').toDataURL(), before = pixels();
      LIVE.S.playing = true;
      for (let i = 0; i < 12; i += 1) LIVE.frame(2);
      LIVE.S.playing = false;
      return [seen.takeRecords().map((one) => one.type + one.target.className), pixels() !== before];""")
    assert changed == [[], True]


def test_a_loss_that_is_not_finite_stops_and_offers_a_way_back(browser, tmp_path):
    model = cr.MLP(1, [1], rng=0)
    page = cr.live(model, cr.mse, [1.0, 200.0], [0.0, 1.0], optimiser=cr.SGD, learning_rate=0.9)
    opened(browser, page, tmp_path, "return window.LIVE && LIVE.S.said !== ''", "")
    said = text(browser, ".message")
    assert "Stopped at step" in said and "example" in said and ("inf" in said or "nan" in said)
    assert browser.execute_script("return LIVE.S.theta.every(Number.isFinite)")
    step = browser.execute_script("return LIVE.S.optimiser.settings.rate")
    element(browser, ".message button").click()
    assert browser.execute_script("return LIVE.S.optimiser.settings.rate") == step / 2


def test_going_back_from_a_loss_that_is_not_finite_takes_the_steps_and_the_curve_back_too(moons, browser):
    browser.execute_script("""
      LIVE.S.playing = true;
      for (let i = 0; i < 25; i += 1) LIVE.frame(1);
      LIVE.S.optimiser.settings.rate = 1e308;
      while (LIVE.update());""")
    stopped = browser.execute_script("return LIVE.S.step")
    settle(browser)
    element(browser, ".message button").click()
    step, last, finite = browser.execute_script(
        "return [LIVE.S.step, LIVE.S.history.at(-1).step, Number.isFinite(LIVE.all().train)]"
    )
    assert stopped - 11 <= step < stopped and last <= step and finite
    assert text(browser, "#figure-step b") == str(step)


def test_the_table_of_all_numbers_follows_an_edit_and_the_first_note_goes_when_somebody_trains(browser, tmp_path):
    opened(browser, small().page, tmp_path, "return document.querySelectorAll('.caption').length === 3", "")
    assert not browser.execute_script("return document.querySelector('#opening').hidden")
    element(browser, "#one").click()
    assert browser.execute_script("return document.querySelector('#opening').hidden")
    browser.execute_script("document.querySelector('#astable').click(); LIVE.setParameter(2, 0.625)")
    settle(browser)
    shown, slope = browser.execute_script("""
      const cells = document.querySelectorAll('#numbers-table tbody tr')[2].children;
      return [cells[1].textContent, [cells[2].textContent, LIVE.adjoint(LIVE.T.inputs + 2)]];""")
    assert shown == "0.625" and number(slope[0]) == pytest.approx(slope[1], rel=1e-5)


def test_the_wishes_are_minus_the_gradients_of_the_examples_and_their_mean_is_the_gradient(moons, browser):
    browser.execute_script("LIVE.chooseNeuron(5)")
    settle(browser)
    k, wished = browser.execute_script("const f = LIVE.wishes(); return [LIVE.S.weight, Array.from(f.gradients)]")
    program = cr.compile(lambda x, t: cr.hinge(moons.model(x), t), moons.model.parameters())
    assert wished == pytest.approx(program.per_example(moons.X, moons.y)[:, k].tolist(), abs=1e-12)
    shown = number(re.search(r"asks for ([−\d.e]+)", text(browser, "#wishtext"))[1])
    assert shown == pytest.approx(-program.value_and_grad(moons.X, moons.y)[1][k], rel=1e-3)


def test_the_optimiser_is_explained_with_the_numbers_of_its_last_step(moons, browser):
    browser.execute_script("LIVE.chooseNeuron(5)")
    element(browser, "#one").click()
    said = text(browser, "#why")
    before, after = browser.execute_script("return [Number(LIVE.D.theta[LIVE.S.weight]), LIVE.S.theta[LIVE.S.weight]]")
    shown = re.search(r"The last step of \S+: ([−\d.e]+) → ([−\d.e]+)", said)
    assert [number(one) for one in shown.groups()] == pytest.approx([before, after], rel=1e-5)
    assert "There is one gradient so far" in said and "plain gradient descent would have taken" in said


# --- scalar steps


def test_the_three_acts_go_from_the_values_to_the_gradients_and_the_update(moons, browser):
    from selenium.webdriver.common.by import By

    browser.execute_script("LIVE.chooseExample(7); LIVE.chooseNeuron(5); LIVE.scalar.go('backward', 0)")
    settle(browser)
    lines = []
    for _ in range(browser.execute_script("return LIVE.scalar.state.list.length")):
        lines.append((text(browser, ".update"), text(browser, ".numbers"), text(browser, ".reason")))
        element(browser, "#scalarnext").click()
        settle(browser)
    assert all("local derivative × " in line for line, _, _ in lines)
    assert any(numbers.startswith("0 + ") for _, numbers, _ in lines)
    loss = cr.hinge(moons.model(moons.X[7]), moons.y[7])
    loss.backward()
    neuron = moons.model.layers[1].neurons[1]
    table = {
        row.split("\t")[0]: row.split("\t")[2]
        for row in browser.execute_script(
            "return [...document.querySelectorAll('.values tbody tr')]"
            ".map(r => [...r.children].map(c => c.textContent).join('\\t'))"
        )
    }
    for weight in (*neuron.w, neuron.b):
        assert number(table[weight.label]) == pytest.approx(weight.grad, rel=1e-3, abs=1e-9)
    assert browser.execute_script("return LIVE.scalar.state.act") == "update"
    tabs = browser.find_elements(By.CSS_SELECTOR, "#steps [role=tab]")
    assert [tab.text for tab in tabs] == ["forward", "backward", "update"]


def test_a_number_is_hidden_until_somebody_has_guessed(moons, browser):
    browser.execute_script("LIVE.chooseNeuron(5); LIVE.scalar.go('forward', 0)")
    element(browser, "#predict").click()
    assert text(browser, ".numbers b") == "?"
    true = browser.execute_script("return LIVE.scalar.tell(0).result")
    element(browser, ".guess input").send_keys(str(true * 1.01))
    element(browser, ".guess button").click()
    assert number(text(browser, ".numbers b")) == pytest.approx(true, rel=1e-3)
    assert "Right" in text(browser, ".score") and "1 of 1" in text(browser, ".score")


def test_a_wrong_guess_may_be_mended_and_gives_nothing_away(moons, browser):
    browser.execute_script("LIVE.chooseNeuron(5); LIVE.scalar.go('forward', 0)")
    element(browser, "#predict").click()
    true = browser.execute_script("return LIVE.scalar.tell(0).result")
    shown = browser.execute_script("return LIVE.scalar.tell(0).result.toPrecision(3)").replace("-", "−")
    for wrong, said in ((true * 1.2, "Near"), (true * 9, "Not yet"), (-true, "The sign is the other one")):
        element(browser, ".guess input").send_keys(str(wrong))
        element(browser, ".guess button").click()
        answer = text(browser, ".score")
        assert said in answer and shown not in answer and text(browser, ".numbers b") == "?"
        if said != "The sign is the other one":
            assert ("too small" in answer) == (wrong < true)
    element(browser, ".guess input").send_keys(str(true))
    element(browser, ".guess button").click()
    assert "Score: 1 of 1" in text(browser, ".score"), "one question, in four guesses"


def test_who_gives_up_sees_how_far_off_the_last_guess_was(moons, browser):
    browser.execute_script("LIVE.chooseNeuron(5); LIVE.scalar.go('forward', 0)")
    element(browser, "#predict").click()
    true = browser.execute_script("return LIVE.scalar.tell(0).result")
    for wrong in (true * 9, true * 2):
        element(browser, ".guess input").send_keys(str(wrong))
        element(browser, ".guess button").click()
    element(browser, ".guess button:last-child").click()
    found = re.fullmatch(r"Shown: your (.+), true (.+), off by (.+)\. Score: 0 of 1\.", text(browser, ".score"))
    assert [number(part) for part in found.groups()] == pytest.approx([true * 2, true, abs(true)], rel=0.01)


def test_a_scalar_of_another_part_is_named_after_the_neuron_that_it_is_in(moons, browser):
    told = browser.execute_script("""
      return LIVE.D.neurons.flatMap((_, n) => {
        LIVE.chooseNeuron(n);
        return ['forward', 'backward'].flatMap((act) => {
          LIVE.scalar.go(act, 0);
          return LIVE.scalar.state.list.map((_, i) => {
            const one = LIVE.scalar.tell(i);
            return [...one.line, ...one.numbers].map((part) => part.textContent ?? part).join('') + ' ' + one.why;
          });
        });
      });""")  # fmt: skip
    assert [line for line in told if re.search(r"\b[a-z]+ \d+(\.grad| =)", line)] == []
    assert any(" of h2_1.grad" in line and "This comes from h2_1, which uses h1_1." in line for line in told), told[:9]


# --- replay, data, and out again


def test_the_replay_has_the_parameters_of_python_at_each_epoch(browser, tmp_path):
    X, y = moons_data()
    model = cr.MLP(2, [3, 1], activation="tanh", rng=0)
    history = cr.fit(model, cr.mse, X, y, epochs=6, progress=False)
    opened(browser, cr.replay(model, cr.mse, X, y, history), tmp_path)
    assert f"epoch {history.snapshots[-1][0]}" in text(browser, ".replay output")  # the model was trained to its end
    for i, (epoch, theta) in enumerate(history.snapshots):
        browser.execute_script("""
          const film = document.querySelector('#film');
          film.value = String(arguments[0]); film.dispatchEvent(new Event('input'));""", i)  # fmt: skip
        assert f"epoch {epoch}" in text(browser, ".replay output")
        assert browser.execute_script("return Array.from(LIVE.S.theta)") == theta.tolist()
        shown = number(text(browser, "#figure-train b"))
        assert shown == pytest.approx(history.train_loss[history.epochs.index(epoch)], rel=6e-3)
    element(browser, "#trainon").click()
    wait(browser, "return LIVE.S.step > 3")
    browser.execute_script("LIVE.stop()")


STEPS = "return LIVE.S.history.map((one) => one.step)"


def test_training_goes_on_after_a_recorded_one_on_a_curve_of_its_own(browser, tmp_path):
    X, y = moons_data()
    model = cr.MLP(2, [4, 1], activation="tanh", rng=0)
    history = cr.fit(model, cr.hinge, X, y, epochs=5, progress=False)
    opened(browser, cr.replay(model, cr.hinge, X, y, history), tmp_path)
    assert text(browser, "#figure-step") == "epoch5" and text(browser, ".replay output") == "epoch 5"
    for _ in range(3):
        element(browser, "#one").click()
    assert browser.execute_script(STEPS) == [0, 1, 2, 3]
    assert text(browser, "#figure-step") == "new steps3" and text(browser, ".replay output") == "3 steps after epoch 5"
    press(browser, "#film", "\ue011", "\ue014")  # Home, and one to the right
    assert browser.execute_script(STEPS) == [one for one, _ in history.snapshots]
    assert text(browser, "#figure-step") == "epoch1" and text(browser, ".replay output") == "epoch 1"
    assert "moment of the replay" in text(browser, "#why")
    element(browser, "#one").click()
    assert browser.execute_script(STEPS) == [0, 1] and text(browser, ".replay output") == "1 step after epoch 1"
    assert element(browser, "#film").get_attribute("value") == "1"
    press(browser, "#film", "\ue010")  # End
    before = browser.execute_script("return LIVE.S.history.map((one) => one.train)")
    element(browser, "header select[aria-label=loss] option[value='1']").click()
    settle(browser)
    name = browser.execute_script("return LIVE.D.losses[LIVE.S.loss]")
    after = browser.execute_script("return LIVE.S.history.map((one) => one.train)")
    for (_, theta), seen, other in zip(history.snapshots, after, before, strict=True):
        for p, data in zip(model.parameters(), theta, strict=True):
            p.data = data
        losses = [float(getattr(cr, name)(model(x.tolist()), t)) for x, t in zip(X, y, strict=True)]
        assert seen == pytest.approx(np.mean(losses), rel=1e-12) and seen != other


def test_training_goes_on_from_an_earlier_step_as_if_the_later_ones_had_not_been(moons, browser):
    for _ in range(6):
        element(browser, "#one").click()
    there = browser.execute_script("return [Array.from(LIVE.S.film[2].theta), LIVE.S.film[2].step]")
    press(browser, "#film", "\ue011", "\ue014", "\ue014")
    assert text(browser, "#figure-step") == "step2" and text(browser, ".replay output") == "step 2"
    assert browser.execute_script("return Array.from(LIVE.S.theta)") == there[0] and there[1] == 2
    element(browser, "#one").click()
    assert text(browser, "#figure-step") == "step3" and browser.execute_script(STEPS) == [0, 1, 2, 3]
    assert browser.execute_script("return LIVE.S.film.map((one) => one.step)") == [0, 1, 2, 3]
    element(browser, "#reset").click()
    assert text(browser, "#figure-step") == "step0" and text(browser, ".replay output") == "step 0"


def test_points_are_added_moved_and_deleted(moons, browser):
    from selenium.webdriver.common.action_chains import ActionChains

    count = browser.execute_script("return LIVE.D.train")
    buttons = {
        one: f"#data-panel .tools button:nth-child({i})" for i, one in enumerate(["choose", "add", "move", "delete"], 1)
    }
    element(browser, buttons["add"]).click()
    ActionChains(browser).move_to_element_with_offset(element(browser, "#field"), 12, 34).click().perform()
    settle(browser)
    assert browser.execute_script("return LIVE.D.train") == count + 1
    assert "200" not in text(browser, "#figure-right") and "201" in text(browser, "#figure-right")
    element(browser, buttons["delete"]).click()
    ActionChains(browser).move_to_element_with_offset(element(browser, "#field"), 12, 34).click().perform()
    settle(browser)
    assert browser.execute_script("return LIVE.D.train") == count


def dragged(browser, selector, start, by, tool):
    """Press the tool, then drag on the field from `start`, an offset from its middle."""
    from selenium.webdriver.common.action_chains import ActionChains

    [button] = [one for one in browser.find_elements("css selector", "#data-panel .tools button") if one.text == tool]
    button.click()
    hand = ActionChains(browser).move_to_element_with_offset(element(browser, selector), *start).click_and_hold()
    hand.move_by_offset(*by).release().perform()
    settle(browser)


def test_the_examples_of_a_curve_are_added_and_moved_too(browser, tmp_path):
    model = cr.MLP(1, [3, 1], activation="tanh", rng=0)
    opened(browser, cr.live(model, cr.mse, [0.0, 1.0, 2.0], [0.0, 1.0, 0.5]), tmp_path)
    dragged(browser, "#field", (0, -40), (0, 0), "add")
    x, y = browser.execute_script("return Array.from(LIVE.X).slice(-2)")
    assert abs(x - 1.0) < 0.1 and 0.5 < y < 1.0
    dragged(browser, "#field", (0, -40), (30, 60), "move")
    moved = browser.execute_script("return Array.from(LIVE.X).slice(-2)")
    assert moved[0] > x and moved[1] < y
    loss = np.mean([float(cr.mse(model(x), y)) for x, y in [(0.0, 0.0), (1.0, 1.0), (2.0, 0.5), moved]])
    assert browser.execute_script("return LIVE.all().train") == pytest.approx(loss, rel=1e-14)


def test_where_numbers_are_predicted_in_the_plane_a_point_has_the_colour_of_its_target(browser, tmp_path):
    X = [[-1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]
    model = cr.MLP(2, [3, 1], activation="tanh", rng=0)
    opened(browser, cr.live(model, cr.mse, X, [-2.0, 2.0, 0.1]), tmp_path, address="#example=3")
    colours = browser.execute_script("""
      const field = document.querySelector('#field'), c = field.getContext('2d');
      const at = (x) => Math.round(field.width * (0.5 + x / 2.4));
      return [[-1, -1], [1, 1]].map(([x, y]) => Array.from(c.getImageData(at(x), at(-y), 1, 1).data));""")
    (red, _, blue, _), (red_2, _, blue_2, _) = colours
    assert red > blue + 60 and blue_2 > red_2 + 60  # orange below 0, blue above
    assert "target" in text(browser, "#data-panel .legend") and "from −1.2 to 1.2" in text(browser, ".legend")
    browser.execute_script("document.querySelector('#newtarget').select()")
    element(browser, "#newtarget").send_keys("1.25")
    dragged(browser, "#field", (10, 10), (0, 0), "add")
    assert browser.execute_script("return LIVE.X[LIVE.X.length - 1]") == 1.25


def test_a_page_of_a_scaled_table_reads_and_tells_the_units_of_the_table(browser, tmp_path):
    data = cr.houses().standardise()
    model = cr.MLP(data.inputs, [3, 1], activation="tanh", rng=0)
    opened(browser, cr.live(model, cr.mse, data), tmp_path)
    raw = cr.houses()
    area, price = np.asarray(raw.X)[0, 0], np.asarray(raw.y)[0]
    assert f"area {area:g}" in text(browser, "#units") and f"target {price:g}" in text(browser, "#units")
    rows = [",".join(map(repr, [*map(float, x), float(y)])) for x, y in zip(np.asarray(raw.X), np.asarray(raw.y))]
    before = browser.execute_script("return Array.from(LIVE.X)")
    assert browser.execute_script("return LIVE.pasted(arguments[0])", "\n".join(rows)) == ""
    assert browser.execute_script("return Array.from(LIVE.X)") == before
    assert "units of your table" in text(browser, "dialog")


def test_a_pasted_table_is_taken_or_refused_with_its_line(moons, browser):
    def pasted(rows):
        return browser.execute_script("return LIVE.pasted(arguments[0])", rows)

    assert pasted("1,2,1\n1,x,1") == "Line 2: x is not a number."
    assert pasted("1,2,1\n1,2") == "Line 2 has 2 entries, not 3."
    assert pasted("1,2,1\n1,,1") == "Line 2: an empty entry is not a number."
    assert pasted(",2,1\n1,2,1") == "Line 1: an empty entry is not a number."
    assert "Line 2: an empty entry is none of the classes" in pasted("1,2,1\n1,2,")
    assert pasted("1,2,7\n1,2,1") == "Line 1: 7 is none of the classes −1, 1."
    assert "2,000" in pasted("\n".join(["1,2,1"] * 2002))
    assert pasted("x1;x2;y\n0,5;1;1\n-1;2;-1\n3;4;1") == ""
    assert browser.execute_script("return [LIVE.D.train, Array.from(LIVE.X)]") == [3, [0.5, 1, 1, -1, 2, -1, 3, 4, 1]]


def test_numbers_go_back_into_the_model_with_all_their_digits(moons, browser):
    browser.execute_script("for (let i = 0; i < 7; i += 1) LIVE.update()")
    told, theta = browser.execute_script("return [LIVE.numbersAsText(), Array.from(LIVE.S.theta)]")
    cr.load_numbers(moons.model, told)
    assert [p.data for p in moons.model.parameters()] == theta


@pytest.mark.parametrize("given", ["", "{}", "[1]", '{"chainrule": "parameters", "parameters": {"w1": 1.0}}', "x" * 99])
def test_other_texts_are_refused_and_change_nothing(given):
    model = cr.MLP(1, [2, 1], rng=0)
    before = [p.data for p in model.parameters()]
    with pytest.raises(ValueError, match=r"not a page's numbers|another model"):
        cr.load_numbers(model, given)
    names = {p.label: "1.0" for p in model.parameters()}
    with pytest.raises(ValueError, match="no finite number"):
        cr.load_numbers(model, json.dumps({"chainrule": "parameters", "parameters": names}))
    for odd in ("1" + "0" * 400, "NaN", "1e999", "true"):
        with pytest.raises(ValueError, match="no finite number"):
            cr.load_numbers(model, json.dumps({"chainrule": "parameters", "parameters": names}).replace('"1.0"', odd))
    assert [p.data for p in model.parameters()] == before


def test_the_picture_that_is_saved_is_a_well_formed_svg(moons, browser):
    svg = ElementTree.fromstring(browser.execute_script("return LIVE.pictureAsSvg()"))
    assert len(svg.findall(".//{http://www.w3.org/2000/svg}image")) >= 8


def test_the_picture_says_which_loss_and_how_many_examples_it_is_of_now(moons, browser):
    browser.execute_script("""
      LIVE.pasted("0,0,1\\n1,1,-1\\n2,1,1");
      const loss = [...document.querySelectorAll('header select')].find((one) => one.ariaLabel === 'loss');
      loss.value = String(LIVE.D.losses.indexOf('mse')); loss.dispatchEvent(new Event('change'));""")
    said = browser.execute_script("return LIVE.pictureAsSvg()")
    assert "live: MLP of 31 parameters, mse of 3 examples; step 0" in said


def test_the_worksheet_has_blanks_and_a_key_with_the_numbers(moons, browser):
    browser.execute_script("LIVE.chooseNeuron(5); LIVE.worksheet()")
    blank, key = browser.execute_script("return [...document.querySelectorAll('.sheet')].map(s => s.textContent)")
    count = blank.count("________")
    assert (
        count >= 10
        and "____" not in key
        and browser.execute_script("return document.querySelectorAll('.sheet:last-child li b.num').length") == count
    )


@pytest.mark.parametrize("neuron", [0, 5, 7])
def test_a_line_of_the_worksheet_can_be_computed_and_prints_no_answer_of_another(moons, browser, neuron):
    browser.execute_script(f"LIVE.chooseExample(7); LIVE.chooseNeuron({neuron}); LIVE.worksheet()")
    blank, key = browser.execute_script("""
      return [...document.querySelectorAll('.sheet')].map((sheet) => [...sheet.querySelectorAll('ol')].map((part) =>
        [...part.children].map((one) => one.textContent.replace('________', ''))));""")
    answers = browser.execute_script("""
      return [...document.querySelectorAll('.sheet:last-of-type ol')].map((part) =>
        [...part.querySelectorAll('b.num')].map((one) => one.textContent));""")
    assert [len(part) for part in blank] == [len(part) for part in key] == [len(part) for part in answers]
    known, references = {"tanh": math.tanh}, 0
    for act, (lines, results) in enumerate(zip(blank, answers, strict=True)):
        for line, result in zip(lines, results, strict=True):
            asked = line.rsplit(":", 1)[-1] if act else line.split(" = ")[2]
            asked = asked.strip().rstrip("=≈ ")
            if not asked or asked == line.strip():
                continue  # the seed of the loss
            assert "…" not in asked
            references += asked.count("line ")
            asked = re.sub(r"line (\d+)", lambda m, found=results: f"({found[int(m[1]) - 1]})", asked)
            asked = asked.replace("−", "-").replace("×", "*").replace("^", "**")
            found = eval(asked, {"__builtins__": {}}, known)  # the page's own text
            assert found == pytest.approx(number(result), rel=5e-3, abs=1e-6), line
            if not act:
                known[line.split(" = ")[0].strip()] = number(result)
    assert references >= len(blank[1]) - 4, "the later lines go on from the earlier ones"


# --- for everybody

# Texts, fields and pictures that lie outside of the page, or of something around them that cuts off what lies outside
# of it and cannot be scrolled. What ends in three dots has its whole text as a title.
CUT_OFF = """
const found = [], round = 1.5, root = document.documentElement;
const boxes = (e) => {
  const texts = [...e.childNodes].filter((n) => n.nodeType === 3 && n.textContent.trim()).flatMap((n) => {
    const range = document.createRange();
    range.selectNodeContents(n);
    return [...range.getClientRects()];
  });
  return texts.length ? texts : /^(BUTTON|SELECT|INPUT|CANVAS)$/.test(e.tagName) ? [e.getBoundingClientRect()] : [];
};
for (const e of document.querySelectorAll('#live *')) {
  if (!e.checkVisibility() || e.closest('.unseen, svg, option, dialog')) continue;
  if (e.tagName === 'SELECT') {
    const pen = document.createElement('canvas').getContext('2d');
    pen.font = getComputedStyle(e).font;
    const room = e.clientWidth - 20, wide = pen.measureText(e.selectedOptions[0].text).width;
    if (wide > room) found.push(['the choice', e.selectedOptions[0].text, wide, room]);
  }
  for (const box of boxes(e)) {
    if (!box.width || !box.height) continue;
    let at = e;
    for (; at !== root; at = at.parentElement) {
      const style = getComputedStyle(at), own = at.getBoundingClientRect();
      if (at !== e && /auto|scroll/.test(style.overflowX)) break;
      const cuts = /hidden|clip/.test(style.overflowX) || /^(BUTTON|TD|TH)$/.test(at.tagName);
      if (cuts && style.textOverflow === 'ellipsis' && at.title) break;
      if (!cuts) continue;
      if (box.left < own.left - round || box.right > own.right + round || box.bottom > own.bottom + round + 3)
        found.push([at.className || at.tagName, e.textContent.slice(0, 30), box.left, box.right, own.left, own.right]);
    }
    if (at === root && (box.left < -round || box.right > root.clientWidth + round))
      found.push(['the page', e.textContent.slice(0, 30) || e.id || e.className, box.left, box.right]);
  }
}
const heads = [...document.querySelectorAll('.column > *')].filter((e) => e.checkVisibility());
heads.forEach((e, i) => {
  const [a, b] = [e, heads[i + 1] ?? e].map((one) => one.getBoundingClientRect());
  if (a.right > b.left + round && a.left < b.right - round && e !== (heads[i + 1] ?? e))
    found.push(['one on the other', e.textContent, heads[i + 1].textContent, a.right, b.left]);
});
return found;"""


def some_digits(examples):
    data = cr.digits()
    return np.asarray(data.X)[:examples] / 16, np.asarray(data.y)[:examples]


def named_parameters():
    model = Own()
    model.a.label, model.b.label = LONG[2:]
    return model


LONG = ["a rather long name of a feature", "</script>'" + '"`', "\u202eעברית 👩‍👩‍👧", "x" * 500]
KINDS = {  # of each kind of page one
    "plane": lambda: small(validation=tuple(part[:20] for part in moons_data())).page,
    "classes": lambda: cr.live(cr.MLP(4, [8, 3], activation="leaky_relu", rng=0), cr.cross_entropy,
                               cr.iris().standardise()),
    "long names": lambda: cr.live(cr.MLP(4, [2], rng=0), cr.cross_entropy, np.eye(4), [0, 1, 1, 0], names=LONG,
                                  classes=["nothing that anybody ever wanted", "y" * 500]),
    "long labels": lambda: cr.live(named_parameters(), cr.mse, [0.0, 1.0, 2.0], [0.0, 1.0, 0.5]),
    "deep": lambda: cr.live(cr.MLP(2, [4] * 12 + [1], rng=0), cr.mse, np.eye(2), [0.0, 1.0]),
    "many classes": lambda: cr.live(cr.MLP(5, [8, 60], rng=0), cr.cross_entropy, np.eye(5), [0, 1, 59, 3, 4]),
    "many features": lambda: cr.live(cr.MLP(200, [3, 1], rng=0), cr.mse, np.ones((2, 200)), [0.0, 1.0]),
    "one example": lambda: cr.live(cr.MLP(2, [1], rng=0), cr.mse, [[1.0, 2.0]], [0.5]),
    "one class": lambda: cr.live(cr.MLP(2, [3, 2], rng=0), cr.cross_entropy, np.eye(2), [1, 1]),
    "pictures": lambda: cr.live(cr.MLP(64, [32, 10], rng=0), cr.cross_entropy, *some_digits(50)),
    "line": lambda: cr.live(cr.MLP(1, [8, 8, 1], rng=0), cr.mse, [0.0, 1.0, 2.0], [123456.789, 0.0, 1.0]),
    "own": lambda: cr.live(Own(), cr.mse, [0.0, 1.0, 2.0], [0.0, 1.0, 0.5]),
    "value": lambda: cr.live((cr.Value(0.123456, label="a") * -3.14159e-7).tanh()),
}  # fmt: skip


@pytest.mark.parametrize("kind", few(KINDS, ["plane"]))
def test_on_paper_the_page_is_one_column_of_which_nothing_is_cut_off(browser, tmp_path, wide, kind):
    opened(browser, KINDS[kind](), tmp_path)
    browser.execute_script("LIVE.update(); LIVE.drawAll()")
    wide(700)  # a sheet of A4 without its margins
    try:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        browser.execute_script("dispatchEvent(new Event('beforeprint'))")
        settle(browser)
        assert browser.execute_script(CUT_OFF) == []
        places = browser.execute_script("return [...document.querySelectorAll('main > .panel')].map(e => e.offsetLeft)")
        assert len(set(places)) == 1 and not browser.execute_script(
            "return document.querySelector('#foot').offsetParent"
        )
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    browser.execute_script("dispatchEvent(new Event('afterprint'))")
    settle(browser)
    assert browser.execute_script("return document.querySelector('#foot').offsetParent !== null")


@pytest.mark.parametrize("kind", few(KINDS, ["plane", "value"]))
def test_in_a_printed_notebook_the_frame_holds_whole_panels_within_its_column(browser, tmp_path, kind):
    file = tmp_path / "notebook.html"
    file.write_text(f'<!doctype html><body style="width:545px">{KINDS[kind]()._repr_html_()}', encoding="utf-8")
    browser.get(file.as_uri())
    browser.switch_to.frame(0)
    try:
        for _ in range(100):
            if browser.execute_script("return document.querySelector('#foot') !== null"):
                break
            time.sleep(0.1)
        browser.execute_script("dispatchEvent(new Event('beforeprint'))")
        settle(browser)
        high, columns, panels = browser.execute_script("""
            const boxes = [...document.querySelectorAll("main > .panel")].map((one) => one.getBoundingClientRect());
            const right = Math.max(...boxes.map((box) => box.right));
            return [frameElement.clientHeight, right, boxes.map((box) => box.bottom)]
        """)
        assert columns <= 545 and high < 2000
        held = [bottom for bottom in panels if bottom <= high]
        assert len(held) >= min(2, len(panels)) and high - held[-1] < 20  # no panel is cut
        browser.execute_script("dispatchEvent(new Event('afterprint'))")
        settle(browser)
        assert browser.execute_script("return frameElement.style.height + document.body.style.zoom") == "900px"
    finally:
        browser.switch_to.default_content()


@pytest.mark.parametrize("kind", few(KINDS, ["plane", "value"]))
def test_each_part_says_what_it_is_for(browser, tmp_path, kind):
    opened(browser, KINDS[kind](), tmp_path)
    browser.execute_script("document.querySelectorAll('.ask').forEach((one) => one.click())")
    told = browser.execute_script("""
      const of = (one) => one.closest('.panel')?.id ?? one.closest('header, footer').className;
      return [[...document.querySelectorAll('.help')].map((one) => [of(one), one.checkVisibility(), one.textContent]),
              [...document.querySelectorAll('header, .panel, footer')].map(of)];""")
    assert [part for part, _, _ in told[0]] == told[1] and len({words for _, _, words in told[0]}) == len(told[1])
    assert all(seen and len(words) > 60 and "undefined" not in words for _, seen, words in told[0])
    assert browser.execute_script(CUT_OFF) == [] and browser.get_log("browser") == []


def test_controls_come_first_and_the_network_is_one_stop_of_the_tab_key(moons, browser):
    order = browser.execute_script("""
      return [...document.querySelectorAll('button, select, input, [tabindex]')]
        .filter(e => e.tabIndex >= 0 && e.offsetParent)
        .map(e => e.closest('header') ? 'bar' : e.classList.contains('node') ? 'node' : 'other');""")
    assert order[0] == "bar" and order.count("node") == 1 and "bar" not in order[order.index("node") :]
    unnamed = browser.execute_script("""
      return [...document.querySelectorAll('button, select, input, textarea, [role=spinbutton], canvas[role]')]
        .filter(e => !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length))
        .map(e => e.outerHTML);""")
    assert unnamed == []


def test_a_heading_is_read_without_the_controls_beside_it(moons, browser):
    nodes = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    headings = [node["name"]["value"] for node in nodes if node.get("role", {}).get("value") == "heading"]
    assert "Loss" in headings and not [name for name in headings if "what is this" in name]
    neuron = browser.execute_script("return document.querySelector('#neuron h2 span').textContent")
    assert " ".join(neuron.split()) in headings


def test_arrow_keys_walk_through_the_network(moons, browser):
    from selenium.webdriver.common.keys import Keys

    browser.execute_script("LIVE.chooseNeuron(0)")
    press(browser, ".node.chosen", Keys.ARROW_DOWN, Keys.ARROW_RIGHT)
    name = browser.switch_to.active_element.get_attribute("aria-label")
    assert re.match(r"neuron h2_\d, [−\d.]+ for the example", name)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_has_enough_contrast_in_both_themes(browser, tmp_path, theme):
    opened(browser, small(theme=theme).page, tmp_path)
    low = browser.execute_script("""
      const rgb = (c) => c.match(/[\\d.]+/g).map(Number), part = (x) => (x / 255 <= 0.03928 ? x / 255 / 12.92
        : ((x / 255 + 0.055) / 1.055) ** 2.4);
      const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
      const behind = (e) => {
        for (; e; e = e.parentElement) {
          const c = getComputedStyle(e).backgroundColor;
          if (/^rgb\\(/.test(c)) return rgb(c);
        }
        return [255, 255, 255];
      };
      const found = [];
      for (const e of document.querySelectorAll('#live *')) {
        const says = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
        if (!says || !e.offsetParent || e.disabled || e.closest('.confusion, svg, :disabled')) continue;
        const a = light(rgb(getComputedStyle(e).color)), b = light(behind(e));
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) found.push([e.tagName, e.className, e.textContent.slice(0, 30), ratio]);
      }
      return found;""")
    assert low == []


@pytest.fixture
def wide(browser):
    """A function that gives the window a width."""

    def to(width, height=900):
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    yield to
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize("width", few([1600, 1180, 700, 390], [390]))
@pytest.mark.parametrize("kind", few(KINDS, ["plane", "long names"]))
def test_nothing_is_cut_off_at_any_width(browser, tmp_path, wide, kind, width):
    wide(width)
    opened(browser, KINDS[kind](), tmp_path)
    wait(browser, "return !document.querySelector('.net') || document.querySelector('.net .column') !== null")
    tabs = browser.execute_script("return document.querySelectorAll('.jump button').length") if width < 760 else 0
    browser.execute_script("LIVE.update(); LIVE.drawAll()")
    for tab in range(max(1, tabs)):
        browser.execute_script("document.querySelectorAll('.jump button')[arguments[0]]?.click()", tab)
        settle(browser)
        assert browser.execute_script(CUT_OFF) == []
        page = "document.documentElement"  # its scroll bar is a part of the window's width
        assert browser.execute_script(f"return {page}.scrollWidth - {page}.clientWidth") == 0


def test_on_a_phone_a_tab_shows_its_own_parts_alone_and_a_neuron_opens_its_tab(browser, tmp_path, wide):
    wide(390)
    opened(browser, KINDS["plane"](), tmp_path)
    seen = "[...document.querySelectorAll('main > .panel')].filter((one) => one.offsetParent).map((one) => one.id)"
    for tab in browser.find_elements("css selector", ".jump button"):
        tab.click()
        settle(browser)
        assert browser.execute_script(f"return {seen}.join(' ')") == tab.get_attribute("data-shows")
    browser.find_elements("css selector", ".jump button")[0].click()
    settle(browser)
    browser.find_elements("css selector", "button.node")[2].click()
    settle(browser)
    assert browser.execute_script(f"return {seen}") == ["neuron"]


# --- one Value, other models, errors


def test_the_page_of_one_value_follows_a_dragged_leaf_with_every_number(browser, tmp_path):
    from selenium.webdriver.common.keys import Keys

    def graph(a):
        a, b = cr.Value(a, label="a"), cr.Value(-3.0, label="b")
        c = a * b
        out = (c + c * a * 1.0 + a * b).tanh() + a / 2
        out.label = "out"
        out.backward()
        return out

    opened(browser, cr.live(graph(0.5)), tmp_path)
    press(browser, "#neuron tbody tr:nth-child(1) .spin", *"0.25", Keys.ENTER)
    order = topological_order(graph(0.25))
    shown = browser.execute_script("""
      return [...document.querySelectorAll('[data-card]')].sort((a, b) => a.dataset.card - b.dataset.card)
        .map(c => [...c.querySelectorAll('.number')].map(n => n.textContent));""")
    for value, (data, grad) in zip(order, shown, strict=True):
        assert number(data) == pytest.approx(value.data, rel=1e-3)
        assert number(grad) == pytest.approx(value.grad, rel=1e-3)
    faint = browser.execute_script("return [...document.querySelectorAll('#picture .faint')].map(e => e.textContent)")
    scale, largest = [one for one in faint if re.match(r"[−+]\d", one)], max(abs(value.grad) for value in order)
    assert [number(one) for one in scale] == pytest.approx([-largest, largest], rel=6e-3)
    assert browser.get_log("browser") == []


class Own(nn.Module):
    """A model without neurons."""

    def __init__(self):
        self.a, self.b = cr.Value(0.5, label="a"), cr.Value(2.0)

    def __call__(self, x):
        return self.a * (self.b * x).sin()


class Recurrent(nn.Module):
    """One layer that is used at each letter."""

    def __init__(self):
        self.cell = cr.Layer(3, 2, activation="tanh", rng=0)
        self.head = cr.Neuron(2, nonlin=False, rng=1)

    def __call__(self, x):
        h = [0.0, 0.0]
        for one in x:
            h = self.cell([one, *h])
        return self.head(h)


@pytest.mark.parametrize(("model", "loss", "X", "y"), [
    (Own(), cr.mse, [0.0, 1.0, 2.0], [0.0, 1.0, 0.5]),
    (Recurrent(), cr.mse, [[0.0, 1.0, 2.0], [1.0, 0.5, 0.0]], [1.0, 0.0]),
    (cr.MLP(3, [4, 2], output="softmax", rng=0), cr.cross_entropy, np.eye(3), [0, 1, 1]),
    (cr.MLP(20, [3, 1], rng=0), cr.mse, np.arange(60.0).reshape(3, 20) / 60, [0.1, 0.2, 0.3]),
    (cr.Neuron(1, nonlin=False, rng=0), cr.mse, [0.0, 1.0], [1.0, 3.0]),
], ids=["own module", "recurrent", "softmax", "many inputs", "line"])  # fmt: skip
def test_pages_of_all_kinds_of_models_train_without_a_complaint(browser, tmp_path, model, loss, X, y):
    opened(browser, cr.live(model, loss, X, y), tmp_path)
    program = cr.compile(lambda x, t: loss(model(x), t), model.parameters())
    value, gradient = program.value_and_grad(np.asarray(X), np.asarray(y))
    found = browser.execute_script("""
      LIVE.reset();
      const into = new Float64Array(1 + LIVE.T.parameters);
      LIVE.M.gradient.means(LIVE.X, LIVE.S.theta, null, LIVE.D.train, into);
      const first = LIVE.all().train;
      for (let i = 0; i < 20; i += 1) LIVE.update();
      LIVE.drawAll();
      for (const act of ['forward', 'backward', 'update']) { LIVE.scalar.go(act, 0); LIVE.drawAll(); }
      return [Array.from(into), first, LIVE.all().train];""")
    assert found[0] == pytest.approx([value, *gradient.tolist()], abs=1e-12)
    assert found[2] < found[1]
    assert browser.get_log("browser") == []


def test_the_data_set_brings_its_names():
    data = cr.iris().standardise()
    model = cr.MLP(4, [3], rng=0)
    page = cr.live(model, cr.cross_entropy, data)
    assert repr(page) == "<LivePage: live: MLP of 15 parameters, cross_entropy of 150 examples>"


@pytest.mark.parametrize(("arguments", "said"), [
    ((cr.MLP(2, [2, 1]), cr.mse), "needs the loss and the data"),
    ((cr.Value(2.0),), "is a leaf"),
    ((cr.MLP(100, [110, 1]), cr.mse, np.zeros((2, 100)), [0.0, 1.0]), "at most 10,000: make its layers smaller"),
    ((cr.MLP(2, [2]), cr.cross_entropy, np.eye(2), [0, 5]), "label 5 is not a class|not a class"),
    ((cr.MLP(2, [1]), cr.mse, [[0.0, np.nan]], [1.0]), "nan"),
    ((cr.MLP(2, [1]), lambda out, t: out * float(out), np.eye(2), [0.0, 1.0]), "was read"),
])  # fmt: skip
def test_errors_say_in_one_line_what_to_do(arguments, said):
    with pytest.raises((TypeError, ValueError, IndexError), match=said) as caught:
        viz.live(*arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("keywords", "said"), [
    ({"batch_size": 0}, "batch_size must be at least 1"),
    ({"batch_size": "16"}, "batch_size is a whole number"),
    ({"seed": 0.5}, "seed is a whole number"),
    ({"history": [1]}, "the history is what fit returns, got list"),
    ({"show": 5}, "show=5 is not one of"),
    ({"names": "ab"}, "names is a list of texts, one for each, got str 'ab'"),
    ({"classes": 2}, "classes is a list of texts, one for each, got int 2"),
])  # fmt: skip
def test_settings_of_the_wrong_kind_are_refused_by_name(keywords, said):
    with pytest.raises((TypeError, ValueError), match=said):
        viz.live(cr.MLP(2, [1], rng=0), cr.mse, np.eye(2), [0.0, 1.0], **keywords)


def test_a_page_of_a_parameter_that_is_nan_says_which_and_what_to_do(browser, tmp_path):
    model = cr.MLP(2, [2, 1], rng=0)
    model.parameters()[4].data = float("nan")
    opened(browser, cr.live(model, cr.mse, np.eye(2), [0.0, 1.0]), tmp_path, "return window.LIVE && LIVE.S.said", "")
    name = model.parameters()[4].label
    assert text(browser, ".message") == f"{name} is nan, so nothing can be computed: give it another number."
    assert name in text(browser, "#whatif-panel h2") and "has no slope" in text(browser, "#verdict")
    assert "nan" in text(browser, "#wishtext") and "for nothing" not in text(browser, "#wishtext")
    assert browser.execute_script("return document.querySelector('#opening').hidden")
    browser.execute_script("LIVE.setParameter(4, 0.5); LIVE.dropGhost(true)")
    assert browser.execute_script("return document.querySelector('.message').hidden")
    element(browser, "#one").click()
    assert browser.execute_script("return LIVE.S.step") == 1 and browser.get_log("browser") == []


def test_numbers_of_numpy_and_a_training_that_left_the_finite_numbers_make_a_page(browser, tmp_path):
    model = cr.MLP(2, [1], rng=0)
    history = SimpleNamespace(snapshots=[(0, [0.5, 0.25, 0.0]), (1, [np.nan, np.inf, 1.0])])
    page = cr.live(model, cr.mse, np.eye(2), [0.0, 1.0], history=history, seed=np.int64(-1), batch_size=np.int64(2))
    opened(browser, page, tmp_path)
    assert browser.execute_script("return LIVE.S.film.map(one => Array.from(one.theta, String))") == [
        ["0.5", "0.25", "0"], ["NaN", "Infinity", "1"]
    ]  # fmt: skip
    assert browser.get_log("browser") == []


def test_only_losses_of_all_outputs_that_yours_has_are_offered():
    def first(out, target):
        return (out[0] - target) ** 2

    page = cr.live(cr.MLP(2, [3, 2], rng=0), first, np.eye(2), [0, 1])
    assert data_of(page)["losses"] == ["first"]


def test_an_activation_that_is_its_own_slope_is_not_exchanged(browser, tmp_path):
    model = cr.MLP(2, [3, 2, 1], activation=["exp", "tanh", "identity"], rng=0)
    opened(browser, cr.live(model, cr.mse, np.eye(2), [0.0, 1.0]), tmp_path)
    offered = browser.execute_script("""
      return [...document.querySelectorAll('.column select')].map(one => one.getAttribute('aria-label'));""")
    assert offered == ["activation of layer 2"]


def test_the_error_about_an_operation_without_a_spelling_names_it():
    odd = cr.Op(name="odd", forward=lambda a: a * a, partials=(lambda out, a: 2.0 * a,), numpy="np.i0({})")
    with pytest.raises(ValueError, match="the operation odd has no spelling"):
        cr.live(cr.MLP(1, [1], rng=0), lambda out, t: odd(out - t), [0.0, 1.0], [1.0, 0.0])


def test_numbers_that_have_become_longer_stay_apart_and_inside_their_paper(browser, tmp_path):
    """On the page of one Value, whose cards and labels were made for its first numbers."""
    model = cr.MLP(2, [2, 1], activation="tanh", rng=0)
    opened(browser, cr.live((model([0.5, -1.0]) - 1.0) ** 2), tmp_path)
    for scale in (1.0, 3.217, -0.0123, 4567.0):
        change = (
            "for (let k = 0; k < LIVE.T.parameters; k += 1) LIVE.setParameter(k, Math.sin(7 * k + 1) * arguments[0])"
        )
        browser.execute_script(change, scale)
        settle(browser)
        assert browser.execute_script(OVERLAPS) == []
        wide = """return Array.from(document.querySelectorAll("svg .tag"), (tag) => {
          const [paper, text] = ["rect", "text"].map((name) => tag.querySelector(name).getBoundingClientRect().width);
          return text > paper ? tag.textContent : "";
        }).filter((text) => text);"""
        assert browser.execute_script(wide) == []


# --- its panels as pictures that stand still


def test_the_boundary_is_where_the_model_changes_its_answer():
    model = cr.MLP(2, [2], rng=0)
    for p, data in zip(model.parameters(), [1.0, 0.0, 0.0, -1.0, 0.0, 0.0], strict=True):
        p.data = data  # class 0 where the first input is positive
    svg = ElementTree.fromstring(viz.boundary(model, [[-1.0, 0.0], [1.0, 1.0]], [1, 0]).svg)
    _, *rects = [one.attrib for one in svg.iter("{http://www.w3.org/2000/svg}rect")]  # the first one is the paper
    left, right = 56.0, 56.0 + 360.0
    for rect, kind in zip(rects[-2:], ("f0", "f1"), strict=True):  # of the legend
        assert rect["class"] == kind
    for rect in rects[:-2]:
        middle = float(rect["x"]) + float(rect["width"]) / 2
        assert rect["class"] == ("f1" if middle < (left + right) / 2 else "f0")


@pytest.mark.parametrize("outputs", [1, 2, 3])
def test_the_boundary_can_be_read_without_its_colours(outputs):
    X, y = np.random.default_rng(0).normal(size=(20, 2)), np.arange(20) % max(outputs, 2)
    model = cr.MLP(2, [outputs], rng=0)
    svg = viz.boundary(model, X, y).svg
    hatched = re.findall(r'<path class="hatch" d="([^"]+)"', svg)
    slopes = set(re.findall(r"l[\d.]+ (-?)[\d.]", "".join(hatched)))
    assert slopes == ({"-"} if outputs < 3 else {"-", ""})  # "/" of the second class, "\\" of the third
    assert len(set(re.findall(r'<path class="point \w+" [^>]*d="([^"]+)"', svg))) == max(outputs, 2)


@pytest.mark.parametrize("labels", [(-1, 1), (-1.0, 1.0), (1, 2), (0, 1), (0.25, 0.75)])
def test_the_legend_of_a_boundary_has_the_two_numbers_of_y(labels):
    y = np.array(labels)[np.arange(20) % 2]
    svg = viz.boundary(cr.MLP(2, [1], rng=0), np.random.default_rng(0).normal(size=(20, 2)), y).svg
    named = re.findall(r">([^<>]+)</text>", svg)[5:]  # after the title and the ends of the axes
    assert named == [f"{label:g}".replace("-", "−") for label in labels]


def test_the_confusion_table_counts_what_sklearn_would_count():
    data = cr.iris().standardise()
    model = cr.MLP(4, [3], rng=0)
    X, y = np.asarray(data.X), np.asarray(data.y)
    predicted = model.predict(X).argmax(axis=1)
    wanted = [str(n) if n else "·" for n in [np.sum((y == r) & (predicted == c)) for r in range(3) for c in range(3)]]
    svg = ElementTree.fromstring(viz.confusion_table(model, data).svg)
    shown = [one.text for one in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert [text for text in shown if text == "·" or text.isdigit()] == wanted


def test_the_landscape_s_arrow_is_the_gradient_and_its_ends_are_losses():
    X, y = moons_data()
    model = cr.MLP(2, [2, 1], activation="tanh", rng=0)
    picture = viz.landscape(model, cr.mse, X, y, parameters=("w1_11", "b2_1"))
    program = cr.compile(lambda x, t: cr.mse(model(x), t), model.parameters())
    labels, theta = [p.label for p in model.parameters()], program.parameters()
    _, gradient = program.value_and_grad(X, y)
    first, second = labels.index("w1_11"), labels.index("b2_1")
    dx, dy = map(float, re.search(r'class="down" d="M[\d. ]+l([-\d.]+) ([-\d.]+)l', picture.svg).groups())
    reach = [max(1.0, abs(theta[k])) for k in (first, second)]
    assert dx * gradient[second] / reach[0] == pytest.approx(-dy * gradient[first] / reach[1], rel=0.02)
    with pytest.raises(ValueError, match="two different labels"):
        viz.landscape(model, cr.mse, X, y, parameters=("w1_11", "w9"))


@pytest.mark.parametrize("picture", ["boundary", "confusion_table", "landscape", "wish_bars"])
def test_the_panels_bring_their_own_paper_for_a_reader_whose_system_is_dark_on_a_light_page(picture):
    data, model = cr.moons(20), cr.MLP(2, [2, 2], rng=0)
    loss = [cr.cross_entropy] if picture in ("landscape", "wish_bars") else []
    for svg in (getattr(viz, picture)(model, *loss, data).svg, viz.live(model, cr.cross_entropy, data.X, data.y).svg):
        root = ElementTree.fromstring(svg)
        paper = root.find(".//{http://www.w3.org/2000/svg}rect")
        assert paper.get("class") == "paper", "below everything else"
        width, height = map(float, root.get("viewBox").split()[2:])
        assert (float(paper.get("width")), float(paper.get("height"))) == pytest.approx((width, height), abs=1)


def test_the_landscape_has_numbers_on_its_sides_and_a_scale_of_its_shades():
    X, y = moons_data()
    model = cr.MLP(2, [2, 1], activation="tanh", rng=0)
    labels = [p.label for p in model.parameters()]
    theta = np.array([p.data for p in model.parameters()])
    walk = np.tile(theta, (3, 1))
    walk[2, labels.index("w1_11")] += 4.0
    pair = ("w1_11", "b2_1")
    svg = viz.landscape(model, cr.mse, X, y, parameters=pair, walks={"one": walk, "other": walk[::2]}).svg
    root = ElementTree.fromstring(svg)
    texts = [(one.text, float(one.get("x"))) for one in root.iter("{http://www.w3.org/2000/svg}text")]
    ticks = [(number(text), x) for text, x in texts if re.fullmatch(r"[-−]?[\d.]+", text) and 56 < x < 416]
    assert len(ticks) >= 3
    way = re.search(r'class="way w0" d="M([\d.]+) .*L([\d.]+) ', svg)
    start, end = float(way[1]), float(way[2])
    for tick, x in ticks:  # on the same line as the walk of 4
        at = theta[labels.index("w1_11")]
        assert x == pytest.approx(start + (tick - at) / 4.0 * (end - start), abs=0.5)
    least, most = re.search(r"mean loss, (\S+) to (\S+)<", svg).groups()
    scale = [text for text, x in texts if x > 420]
    assert [scale[0], scale[-1]] == [least, most]
    assert svg.count("scale(2)") == 1, "of two marks at one place the lower one is the larger one"


def test_a_walk_over_the_landscape_goes_where_its_parameters_went():
    X, y = moons_data()
    model = cr.MLP(2, [2, 1], activation="tanh", rng=0)
    start = np.array([p.data for p in model.parameters()])
    labels = [p.label for p in model.parameters()]
    pair = [labels.index("w1_11"), labels.index("b2_1")]
    walk = np.tile(start, (3, 1))
    walk[1, pair[0]] += 2.0
    walk[2, pair] += [2.0, -2.0]
    pictured = {"there <b>": walk, "only here": walk[:1]}
    picture = viz.landscape(model, cr.mse, X, y, parameters=("w1_11", "b2_1"), walks=pictured)
    first, middle, last = [
        tuple(map(float, place.split()))
        for place in re.search(r'class="way w0" d="M([^h"]+)"', picture.svg)[1].split("L")
    ]
    assert middle[0] - first[0] == pytest.approx(last[1] - middle[1], abs=0.2) and middle[0] - first[0] > 100
    assert middle[1] == first[1] and last[0] == middle[0], "to the right, then down"
    assert "there &lt;b&gt;: 2 steps" in picture.svg and "only here: 0 steps" in picture.svg
    here = re.search(r'class="here" cx="([\d.]+)" cy="([\d.]+)"', picture.svg).groups()
    assert tuple(map(float, here)) == first, "the model stands where the walk began"
    for wrong in (walk[:, :3], walk[0], walk * np.nan):
        with pytest.raises(ValueError, match=r"the walk 'a' has the shape .* such as \[theta for"):
            viz.landscape(model, cr.mse, X, y, walks={"a": wrong})
    with pytest.raises(ValueError, match="at most 4 walks, got 5"):
        viz.landscape(model, cr.mse, X, y, walks=dict.fromkeys("abcde", walk))


def test_the_bars_of_wishes_have_the_sizes_and_signs_of_minus_the_gradients():
    X, y = moons_data()
    model = cr.MLP(2, [2, 1], activation="tanh", rng=0)
    asked = np.sort(cr.wishes(model, cr.mse, X, y).of("layers.1.neurons.0.b"))
    by_name, by_label = (
        viz.wish_bars(model, cr.mse, X, y, parameter=name).svg for name in ("layers.1.neurons.0.b", "b2_1")
    )
    assert by_name == by_label and ">b2_1<" in by_label  # the name that landscape() and draw() have for it
    svg = ElementTree.fromstring(by_label)
    _, *bars = [one.attrib for one in svg.iter("{http://www.w3.org/2000/svg}rect")]  # the first one is the paper
    assert [bar["class"] for bar in bars] == ["n8" if one < 0 else "p8" for one in asked]
    heights = np.array([float(bar["height"]) for bar in bars])
    assert (heights / 90.0) ** 2 == pytest.approx(np.abs(asked) / np.abs(asked).max(), abs=2e-3)


# --- the walk as an SVG that moves


def test_each_step_of_the_walk_shows_the_gradients_of_that_moment(browser, tmp_path):
    a, b = cr.Value(2.0, label="a<b"), cr.Value(-3.0, label="b&")
    out = (a * b + a).tanh() + a * a
    out.label = "out"
    steps = list(cr.applications(out))
    order = topological_order(out)
    browser.get(cr.walk(out, seconds=1.0).save(tmp_path / "walk.svg").as_uri())
    grads = {id(value): 0.0 for value in order} | {id(out): 1.0}
    for moment in range(len(steps) + 1):
        if moment:
            grads[id(steps[moment - 1].argument)] = steps[moment - 1].after
        shown, said, edges = browser.execute_script("""
          document.getAnimations().forEach(a => { a.pause(); a.currentTime = 1000 * arguments[0] + 500; });
          const seen = (e) => getComputedStyle(e).opacity === '1';
          const cards = [...document.querySelectorAll('[data-card]')].sort((a, b) => a.dataset.card - b.dataset.card);
          return [cards.map(c => [...c.querySelectorAll('.grad')].filter(seen).map(e => e.textContent)),
                  [...document.querySelectorAll('.caption')].filter(seen).map(e => e.textContent),
                  ['.edge[data-edge]', '.edge:not([data-edge])'].map(
                    kind => [...document.querySelectorAll(kind)].filter(seen).length)];
          """, moment)  # fmt: skip
        assert edges == [moment, len(steps) - moment]  # an edge is coloured and wide once a gradient has passed it
        assert [len(one) for one in shown] == [1] * len(order) and len(said) == 1
        for value, (text_,) in zip(order, shown):
            assert number(text_) == pytest.approx(grads[id(value)], rel=1e-3)
    assert browser.get_log("browser") == []
    with pytest.raises(ValueError, match="at most 60"):
        cr.walk(cr.mse(cr.MLP(3, [8, 8, 1])([1.0, 2.0, 3.0]), 0.0))


def test_equations_of_the_scalar_steps_are_true_to_the_digits_that_are_printed(moons, browser):
    def told(act):
        return browser.execute_script("""
          LIVE.chooseNeuron(5); LIVE.scalar.go(arguments[0], 0);
          return LIVE.scalar.state.list.map((_, i) => { const one = LIVE.scalar.tell(i);
            return [one.numbers.map(x => x.textContent ?? x).join(''), one.result]; });""", act)  # fmt: skip

    for example in (3, 60, 111):
        browser.execute_script("LIVE.chooseExample(arguments[0])", example)
        for numbers, result in [*told("forward"), *told("backward")]:
            left, sign = re.fullmatch(r"(?:= )?(.*) ([=≈]) ", numbers).groups()
            plain = left.replace("−", "-").replace("×", "*")
            value = eval(plain, {"__builtins__": {}, "tanh": np.tanh})  # the page's own text, of this test's own model
            if sign == "=":
                assert float(f"{value:.4g}") == pytest.approx(float(f"{result:.4g}"), rel=2e-9, abs=1e-12), numbers
            else:
                assert value == pytest.approx(result, rel=1e-2)


PARTS = ["data", "optimiser", "what if", "wishes", "replay", "scalar", "quiz"]


@pytest.mark.parametrize("part", few(PARTS, ["scalar"]))
def test_a_page_for_a_lesson_shows_the_parts_that_are_asked_for(browser, tmp_path, part):
    opened(browser, small(show={part}).page, tmp_path)
    browser.execute_script("LIVE.update(); LIVE.drawAll(); LIVE.chooseNeuron(5); LIVE.drawAll()")
    shown = browser.execute_script("""
      const there = {data: '.tools', optimiser: '#why .why', 'what if': '#whatif', wishes: '#wishes', replay: '#film',
                     scalar: '#steps'};
      return Object.keys(there).filter(part => document.querySelector(there[part]));""")
    assert shown == [one for one in [part] if one != "quiz"] and browser.get_log("browser") == []


def test_enter_on_a_neuron_goes_to_its_steps_and_escape_goes_back(moons, browser):
    from selenium.webdriver.common.keys import Keys

    browser.execute_script("LIVE.chooseNeuron(1)")
    press(browser, ".node.chosen", Keys.ENTER)
    assert browser.switch_to.active_element.get_attribute("id") == "scalarnext"
    assert "h1_2" in text(browser, ".crumbs")
    browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert "neuron h1_2" in browser.switch_to.active_element.get_attribute("aria-label")


def test_the_address_holds_what_is_looked_at(moons, browser, tmp_path):
    browser.execute_script("LIVE.chooseNeuron(5, 2); LIVE.chooseExample(11)")
    address = browser.current_url
    weight = browser.execute_script("return LIVE.D.names[LIVE.S.weight]")
    browser.get("about:blank")
    browser.get(address)
    wait(browser, READY)
    assert browser.execute_script("return [LIVE.S.neuron, LIVE.D.names[LIVE.S.weight], LIVE.S.example]") == [
        5,
        weight,
        11,
    ]


def test_several_targets_for_each_example(browser, tmp_path):
    X, y = np.arange(12.0).reshape(6, 2) / 12, np.arange(12.0).reshape(6, 2)[::-1] / 12
    opened(browser, cr.live(cr.MLP(2, [3, 2], activation="tanh", rng=0), cr.mse, X, y), tmp_path)
    before, after = browser.execute_script("""
      const first = LIVE.all().train;
      for (let i = 0; i < 50; i += 1) LIVE.update();
      LIVE.drawAll();
      return [first, LIVE.all().train];""")
    assert after < before and browser.get_log("browser") == []


def test_many_lines_between_two_layers_are_a_matrix_with_a_cell_for_each_weight(browser, tmp_path):
    X, y = moons_data()
    model = cr.MLP(2, [20, 18, 1], activation="tanh", rng=0)
    opened(browser, cr.live(model, cr.mse, X, y), tmp_path)
    browser.execute_script("LIVE.chooseNeuron(24); LIVE.drawAll()")
    size, lines = browser.execute_script("""
      const canvas = document.querySelector('.matrix');
      return [[canvas.width, canvas.height], document.querySelectorAll('.lines path').length];""")
    assert size == [20, 18] and lines == 2 * 20 + 20 + 18  # those of the chosen neuron alone, in the middle
    cell = (
        "const b = arguments[0].getBoundingClientRect(); arguments[0].dispatchEvent(new MouseEvent('click', {clientX: "
    )
    cell += "b.left + b.width * 3.5 / 20, clientY: b.top + b.height * 7.5 / 18})); return LIVE.D.names[LIVE.S.weight];"
    assert browser.execute_script(cell, element(browser, ".matrix")) == model.layers[1].neurons[7].w[3].label
    assert browser.get_log("browser") == []


def test_a_warning_of_nn_names_the_line_that_called_the_picture():
    data = cr.iris().standardise()
    model = cr.MLP(4, [3], rng=0)
    cr.fit(model, cr.cross_entropy, data, epochs=1, progress=False)
    with pytest.warns(RuntimeWarning, match="X seems to be scaled already") as told:
        cr.wish_bars(model, cr.cross_entropy, np.asarray(data.X), data.y)
    assert {one.filename for one in told} == {__file__}


@given(st.lists(st.integers(0, 3), max_size=8), st.lists(st.integers(0, 3), max_size=8))
def test_a_list_that_is_stored_as_its_difference_from_the_first_one_can_be_put_together_again(own, first):
    start, end, between = packing._less(own, first)
    assert first[:start] + between + first[len(first) - end :] == own
    unshared = first[start : len(first) - end]
    assert not (between and unshared) or (between[0] != unshared[0] and between[-1] != unshared[-1])
