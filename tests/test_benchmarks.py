"""The benchmarks check what they time. No times are asserted: a shared machine has none to offer."""

import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def benchmarks():
    """The package `benchmarks` of this folder; it is not installed with the others."""
    pytest.importorskip("micrograd", reason="micrograd (in the extra [bench]) is not installed")
    if not (HERE / "benchmarks").is_dir():
        pytest.skip("no source tree beside these tests")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [*sys.path, str(HERE)])  # last: the copy under test comes first
        import benchmarks.eager
        import benchmarks.reference
        import benchmarks.training

        yield benchmarks


def test_all_workloads_pass_their_checks_and_print(benchmarks, capsys):
    benchmarks.eager.main(benchmarks.eager.QUICK)
    printed = capsys.readouterr().out
    lines = [line for line in printed.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in lines}) == 1
    for work in ("W1", "W2", "W3", "W4", "W5"):
        assert sum(line.startswith(f"| {work}") for line in lines) >= 2, work  # collector on, collector off
    assert "OMP_NUM_THREADS" in printed


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


def test_the_allowed_error_is_rounding(benchmarks):
    problem = benchmarks.training.Problem(*benchmarks.training.moons(100), (2, 16, 16, 1), "relu")
    theta = np.array([p.data for p in problem.model().parameters()])
    allowed = benchmarks.reference.tolerance(theta, problem.layers, problem.X)
    assert allowed.min() > 0 and allowed.max() < 1e-9


def test_ratio_is_the_peers_time_over_ours(benchmarks):
    row = benchmarks.eager.Row("W", True, "peer", ours=[1.0, 2.0, 9.0], theirs=[8.0, 6.0, 6.0], bar=3.0)
    assert row.ratio == 3.0
    assert row.verdict == "met"
    assert "0.7–8.0" in row.cells()


def test_runs_alternate(benchmarks):
    seen = []
    works = {name: benchmarks.eager.one_phase(lambda name=name: seen.append(name)) for name in "AB"}
    times = benchmarks.eager.alternate(works, runs=3, collector=True, repeats=2)
    assert seen == list("AABBAABBAABB")
    assert [len(runs) for runs in times.values()] == [3, 3]
