"""The benchmarks check the gradients of the work that they time. The times are not tested: here they vary too much."""

import sys
import warnings
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from chainrule import engine

HERE = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def benchmarks():
    """The package `benchmarks` of this folder; it is not installed with the others."""
    pytest.importorskip("micrograd", reason="micrograd (in the extra [bench]) is not installed")
    if not (HERE / "benchmarks").is_dir():
        pytest.skip("no source tree beside these tests")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [*sys.path, str(HERE)])  # at the end, so that the copy under test comes first
        import benchmarks.eager
        import benchmarks.reference
        import benchmarks.training

        yield benchmarks


@pytest.mark.slow
def test_all_workloads_pass_their_checks_and_print(benchmarks, capsys):
    benchmarks.eager.main(benchmarks.eager.QUICK)
    printed = capsys.readouterr().out
    lines = [line for line in printed.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in lines}) == 1
    for work in benchmarks.eager.ALL:
        assert sum(line.startswith(f"| {work} ") for line in lines) >= 2, work  # with the collector on and off
    assert "OMP_NUM_THREADS" in printed


@pytest.mark.slow
def test_the_fence_is_timed_with_and_without_it(benchmarks, capsys):
    import benchmarks.fence

    benchmarks.fence.main(benchmarks.fence.QUICK, ["W2", "W12"])
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| W")]
    assert [row.split("|")[1].split(",")[0].strip() for row in rows] == ["W2", "W12", "W12"]


@pytest.fixture
def tasks(benchmarks):
    training = benchmarks.training
    X, y = training.moons(20)
    problem = training.Problem(X, y, (2, 4, 1), "relu", penalty=1e-4)
    return problem, {"chainrule": problem.chainrule(training.hinge)}


def check(benchmarks, problem, tasks):
    problem.check("W3", tasks, benchmarks.reference.relu, benchmarks.reference.hinge)


def test_a_gradient_that_is_off_by_a_millionth_stops_the_benchmark(benchmarks, tasks):
    problem, engines = tasks
    check(benchmarks, problem, engines)
    off = engines["chainrule"].gradients()
    off[3] *= 1 + 1e-6

    class Wrong:
        def gradients(self):
            return off

    with pytest.raises(benchmarks.reference.WrongGradient, match=r"W3, chainrule: gradient 3 is .* Nothing was timed"):
        check(benchmarks, problem, {"chainrule": Wrong()})
    off[3] = np.nan
    with pytest.raises(benchmarks.reference.WrongGradient, match="gradient 3 is nan"):
        check(benchmarks, problem, {"chainrule": Wrong()})


def test_the_allowed_error_of_a_benchmark_is_positive_and_below_a_billionth(benchmarks):
    problem = benchmarks.training.Problem(*benchmarks.training.moons(100), (2, 16, 16, 1), "relu")
    theta = np.array([p.data for p in problem.model().parameters()])
    allowed = benchmarks.reference.tolerance(theta, problem.layers, problem.X)
    assert allowed.min() > 0 and allowed.max() < 1e-9


def test_the_ratio_is_the_time_of_the_peer_over_ours(benchmarks):
    row = benchmarks.eager.Row("W", True, "peer", ours=[1.0, 2.0, 9.0], theirs=[8.0, 6.0, 6.0], bar=3.0)
    assert row.ratio == 3.0
    assert row.verdict == "met"
    assert "0.7–8.0" in row.cells()


def test_between_two_ways_in_chainrule_the_ratio_is_a_slowdown_and_the_bar_a_limit(benchmarks):
    ours, theirs = [3.0, 4.0, 9.0], [2.0, 2.0, 3.0]
    row = benchmarks.eager.Row("W", True, "without", ours, theirs, bar=2.0, at_most=True)
    assert row.ratio == 2.0
    assert row.verdict == "met"
    assert {"1.50–3.00", "≤ 2"} < {*row.cells()}
    assert benchmarks.eager.replace(row, bar=1.9).verdict == "MISSED"


@pytest.mark.slow
def test_microgpt_trains_alike_with_either_class_of_numbers(benchmarks):
    microgpt, transformer = benchmarks.eager.microgpt, benchmarks.eager.microgpt.transformer
    theta, text = transformer.parameters(microgpt.BLOCK), microgpt.tokens("bo")
    models = [microgpt.MicroGPT(kind, theta) for kind in (engine.Value, microgpt.microgpt_peer.Value)]
    for model in models:
        before = model.loss(text).data
        model.step(text)
        model.step(text)
        assert model.loss(text).data < before
        assert not any(p.grad for p in model.parameters)
    ours, theirs = (np.array([p.data for p in model.parameters]) for model in models)
    # Adam divides a gradient that is nearly 0 by TINY, and with it the rounding error in which the two may differ.
    rounding = transformer.tolerance(np.ones(1))
    assert ours == pytest.approx(theirs, rel=0, abs=2 * microgpt.LEARNING_RATE * rounding / microgpt.TINY)


@pytest.mark.slow
def test_a_gradient_of_microgpt_that_is_off_by_a_millionth_stops_the_benchmark(benchmarks, monkeypatch):
    microgpt = benchmarks.eager.microgpt
    kind = microgpt.microgpt_peer.Value
    theta, text = microgpt.transformer.parameters(microgpt.BLOCK), microgpt.tokens("bo")
    microgpt.check({"right": microgpt.MicroGPT(kind, theta)}, theta, text)
    monkeypatch.setattr(kind, "relu", lambda v: kind(max(0, v.data), (v,), ((v.data > 0) * (1 + 1e-6),)))
    with pytest.raises(benchmarks.reference.WrongGradient, match=r"W13, wrong: gradient \d+ is .* Nothing was timed"):
        microgpt.check({"wrong": microgpt.MicroGPT(kind, theta)}, theta, text)


def test_users_outside_the_graph_of_a_benchmark_do_not_change_its_loss(benchmarks):
    users = benchmarks.eager.users
    for case in users.CASES:
        assert users.check(case, users.Lines(2)) > 200, case.title


@pytest.mark.slow
def test_the_runs_of_two_works_alternate(benchmarks):
    seen = []
    works = {name: benchmarks.eager.one_phase(lambda name=name: seen.append(name)) for name in "AB"}
    times = benchmarks.eager.alternate(works, runs=3, collector=True, repeats=2)
    assert seen == list("AABBAABBAABB")
    assert [len(runs) for runs in times.values()] == [3, 3]


brings_peers = pytest.mark.slow  # since importing PyTorch and JAX is


@pytest.fixture(scope="module")
def compiled(benchmarks):
    """The module of `python -m benchmarks compiled`, which imports PyTorch and JAX where they are installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("default")  # for the warnings that they give when they are imported
        import benchmarks.compiled
    return benchmarks.compiled


@brings_peers
def test_compiled_programs_and_all_peers_pass_their_checks_and_print(compiled, capsys):
    compiled.main(compiled.QUICK)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in lines}) == 1
    for work in compiled.ALL:
        assert any(line.startswith(f"| {work} ") for line in lines), work
    for peer in ("NumPy by hand", *compiled.PEERS):
        assert any(peer in line for line in lines), peer


@brings_peers
@pytest.mark.parametrize("name", ["W3", "W4", "W5", "W6", "W7"])
def test_numpy_by_hand_gives_the_loss_of_the_formula(compiled, name):
    problem = compiled.networks.problems(small=True)[name]
    theta = problem.theta()
    for X, y in problem.batches:
        value, _ = problem.by_hand(theta, len(X))(X, y)
        # These are sums of fewer than 1,000 terms of about 1.
        assert value == pytest.approx(problem.formula(theta, X, y), rel=0, abs=1000 * compiled.reference.EPS)


@brings_peers
def test_adam_by_hand_agrees_with_chainrule_s_adam(compiled):
    from chainrule.nn import Adam

    random = np.random.default_rng(0)
    theta = random.normal(size=5)
    parameters = [engine.Value(number) for number in theta]
    update, ours = compiled.networks.by_hand.adam(theta), Adam(parameters)
    expected = theta.copy()
    for _ in range(20):
        gradient = random.normal(size=5)
        update(gradient)
        ours.move(expected, gradient)
    # A step is at most about 0.001 and has fewer than 20 roundings.
    assert theta == pytest.approx(expected, rel=0, abs=20 * 20 * 0.001 * compiled.reference.EPS + 20 * 2.0**-52)


@brings_peers
def test_a_step_in_pytorch_or_jax_leads_to_the_same_parameters_as_ours(compiled):
    problem = compiled.networks.problems(small=True)["W3"]
    [(X, y)] = problem.batches
    for peer in compiled.PEERS.values():
        theta = problem.theta()
        network = peer.Network(theta, problem.sizes, problem.activation, problem.penalty)
        network.step(*peer.tensors(X, y), 0.01)
        stepped = theta - 0.01 * problem.by_hand(theta, len(X))(X, y)[1]
        found = network.gradient(*peer.tensors(X, y))
        expected = problem.by_hand(stepped, len(X))(X, y)[1]
        assert found == pytest.approx(expected, rel=0, abs=1e-12)


@brings_peers
def test_a_result_is_met_if_both_its_ratio_and_its_limit_are(compiled):
    result = compiled.Result("W", [1.0, 2.0, 9.0], "peer", [8.0, 6.0, 6.0], bar=3.0, limit=2.0)
    assert result.ratio == 3.0
    assert result.verdict == "met"
    assert compiled.replace(result, limit=1.9).verdict == compiled.replace(result, bar=3.1).verdict == "MISSED"
    assert compiled.replace(result, bar=None, limit=None).verdict == ""


@pytest.mark.slow
def test_networks_for_devices_are_measured_beside_their_peers(benchmarks, capsys, tmp_path, monkeypatch):
    pytest.importorskip("sklearn")
    import benchmarks.devices
    from chainrule.engine.compiler.run import compilers

    try:
        compilers.compiler()
    except compilers.NoCompiler as problem:
        pytest.skip(str(problem))
    monkeypatch.chdir(tmp_path)
    benchmarks.devices.main(benchmarks.devices.QUICK, ["iris"])
    assert not list(tmp_path.iterdir())  # emlearn leaves files in the current folder
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    rows = {row[1]: row for row in cells[2:]}
    sizes = {name: int(rows[f"chainrule, {name}"][2]) for name in ("float64", "float32", "int8")}
    assert sizes["int8"] < sizes["float32"] < sizes["float64"]
    errors = [float(rows[f"chainrule, {name}"][5]) for name in ("float64", "float32", "int8")]
    assert errors[0] < 1e-14 < errors[1] < 1e-5 < errors[2] < 0.1
    if "m2cgen, the network" in rows:
        assert rows["m2cgen, the network"][6].startswith("refused")


def test_growth_is_one_well_formed_drawing(benchmarks):
    import benchmarks.growth as growth

    series = {"call": [1e-5, 2e-5, 8e-5], "first call": [1e-3, 2e-3, 5e-3], "memory": [1e5, 2e5, 4e5]}
    name = "hidden layers of 16"
    text = growth.drawing({name: series})
    root = ElementTree.fromstring(text)
    assert [line.get("stroke") for line in root.iter("{http://www.w3.org/2000/svg}polyline")] == [
        *growth.LINES.values()
    ]
    assert name in text and "call 2.00" in text and "memory 1.00" in text
    assert growth.exponent([1, 10, 100], [1.0, 10.0, 1000.0]) == pytest.approx(2.0)


@pytest.mark.slow
def test_the_derivatives_that_once_lost_their_digits_keep_them(benchmarks, capsys):
    """tanh′ at ±8, gelu′ far below 0, and the second and third derivative of hypot."""
    import benchmarks.accuracy as accuracy

    accuracy.main(accuracy.Sizes(), ["tanh", "gelu", "hypot"])
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == 1 + 9 and "MISSED" not in "".join(rows)
