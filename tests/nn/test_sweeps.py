"""`sweep`: the same results from every executor, and what fails, dies or hangs stops nobody else."""

import itertools
import os
import signal
import sys
import threading
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from chainrule.nn import MLP, SGD, Sweep, datasets, fit, mse, sweep, sweeps

GRID = {"width": [1, 2, 3], "rate": [0.1, 0.5]}
COMBINATIONS = [dict(zip(GRID, values)) for values in itertools.product(*GRID.values())]


def product(width, rate):
    return width * rate


def fails_at_two(width, rate):
    if width == 2:
        raise ValueError(f"no network of width {width}")
    return width * rate


def trained(width, seed):
    X, y = datasets.iris()
    model = MLP(4, [width, 1], activation="tanh", rng=seed)
    history = fit(model, mse, X[:40], y[:40], epochs=3, optimiser=SGD, learning_rate=0.01, seed=seed, progress=False)
    return history.train_loss[-1]


def kills_its_worker(number, folder, times):
    """Dies so many times at number 3: a file remembers how often it has."""
    marks = list(Path(folder).glob(f"died-{number}-*"))
    if number == 3 and len(marks) < times:
        (Path(folder) / f"died-{number}-{len(marks)}").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.05)
    return number


class ReversedExecutor(Executor):
    """An executor of somebody's own: each call ends only when the last one has been made, in reverse order."""

    def __init__(self, calls):
        self.calls, self.waiting = calls, []

    def submit(self, function, /, *arguments, **keywords):
        future = Future()
        self.waiting.append((future, function, arguments, keywords))
        if len(self.waiting) == self.calls:
            threading.Thread(target=self.run).start()
        return future

    def run(self):
        for future, function, arguments, keywords in reversed(self.waiting):
            future.set_result(function(*arguments, **keywords))


def spawned(workers):
    return ProcessPoolExecutor(workers, get_context("spawn"))  # fork and threads do not go together


def test_each_combination_is_run_once_and_kept_in_the_order_of_the_grid():
    results = sweep(product, GRID, progress=False)
    assert [run.settings for run in results] == COMBINATIONS
    assert [run.result for run in results] == [product(**settings) for settings in COMBINATIONS]
    assert all(run.finished and run.attempts == 1 and run.seconds >= 0 for run in results)
    assert not results.failed and not results.interrupted and len(results) == 6


@pytest.mark.parametrize("make", [lambda: ThreadPoolExecutor(2), lambda: ReversedExecutor(6)])
def test_every_executor_gives_the_same(make):
    with make() as executor:
        results = sweep(product, GRID, executor, progress=False)
    assert [(run.settings, run.result) for run in results] == [(one, product(**one)) for one in COMBINATIONS]


def test_a_grid_may_be_a_list_of_settings():
    assert [run.result for run in sweep(product, COMBINATIONS[1:3], progress=False)] == [0.5, 0.2]


@pytest.mark.parametrize("executor", [None, ThreadPoolExecutor])
def test_a_failed_run_is_reported_with_its_settings_and_stops_nobody(executor):
    results = sweep(fails_at_two, GRID, executor and executor(), progress=False)
    assert [run.settings for run in results.failed] == [{"width": 2, "rate": 0.1}, {"width": 2, "rate": 0.5}]
    assert all(run.error == "ValueError: no network of width 2" and "fails_at_two" in run.where
               for run in results.failed)  # fmt: skip
    assert [run.result for run in results.finished] == [0.1, 0.5, 3 * 0.1, 1.5]
    assert "2   0.1  failed: ValueError: no network of width 2" in str(results)


def test_results_come_as_they_end_and_a_callback_can_end_the_sweep():
    seen = []

    def enough(run, results):
        assert isinstance(results, Sweep) and run in results.runs
        seen.append(run.result)
        return len(seen) == 2

    results = sweep(product, GRID, progress=False, callbacks=enough)
    assert seen == [0.1, 0.5] and results.interrupted and [run.attempts for run in results] == [1, 1, 0, 0, 0, 0]
    assert str(results).count("not made") == 4 and str(results).endswith("interrupted")


def test_a_callback_may_answer_with_the_true_of_numpy_and_only_true_counts():
    for answer, made in ((np.bool_(True), 1), (True, 1), (1, 6), ("yes", 6), (np.bool_(False), 6)):
        results = sweep(product, GRID, progress=False, callbacks=lambda *_, answer=answer: answer)
        assert len(results.finished) == made
    with pytest.raises(TypeError, match=r"a callback is a function of \(run, sweep\); got int 3"):
        sweep(product, GRID, progress=False, callbacks=[3])
    with pytest.raises(TypeError, match=r"a callback is a function of \(run, sweep\); got int 3"):
        sweep(product, GRID, progress=False, callbacks=3)


def test_ctrl_c_returns_what_is_finished():
    def interrupted(width, rate):
        if width == 2:
            raise KeyboardInterrupt
        return rate

    results = sweep(interrupted, GRID, progress=False)
    assert results.interrupted and [run.result for run in results.finished] == [0.1, 0.5]


def test_the_bar_counts_the_runs_and_the_failures(capsys):
    sweep(fails_at_two, GRID)
    said = capsys.readouterr().err
    assert "6/6" in said and "2 failed" in said


def test_the_best_run_is_that_of_the_smallest_or_the_largest_number():
    results = sweep(fails_at_two, GRID, progress=False)
    assert results.best().settings == {"width": 1, "rate": 0.1}
    assert results.best(largest=True).settings == {"width": 3, "rate": 0.5}
    assert results.best(lambda result: abs(result - 0.29)).settings == {"width": 3, "rate": 0.1}
    by_name = sweep(lambda width, rate: {"loss": width, "score": float("nan") if width == 3 else rate}, GRID,
                    progress=False)  # fmt: skip
    assert by_name.best("score", largest=True).settings == {"width": 1, "rate": 0.5}
    assert "loss 1, score 0.1" in str(by_name)
    with pytest.raises(TypeError, match="no number; say which"):
        by_name.best()
    with pytest.raises(TypeError, match="has no 'accuracy'"):
        by_name.best("accuracy")
    with pytest.raises(ValueError, match="none of the 6 runs finished with a number"):
        sweep(lambda **settings: 1 / 0, GRID, progress=False).best()


@pytest.mark.parametrize(
    ("grid", "error", "said"),
    [
        ({}, ValueError, "the grid is empty"),
        ([], ValueError, "the grid is empty"),
        ({"rate": []}, ValueError, "no value for 'rate'"),
        ({"rate": 0.1}, TypeError, r"single value 0.1; write \[0.1\]"),
        ({"activation": "tanh"}, TypeError, r"write \['tanh'\]"),
        ({1: [2]}, TypeError, "names in a grid are those of train's arguments, got 1"),
        ([1], TypeError, "a list holds dicts of settings"),
        ("rate", TypeError, "a dict from names to lists"),
        (3, TypeError, "a dict from names to lists"),
    ],
)
def test_a_wrong_grid_is_refused_before_anything_runs(grid, error, said):
    with pytest.raises(error, match=said):
        sweep(pytest.fail, grid, progress=False)


def test_what_is_no_executor_or_no_function_is_refused():
    with pytest.raises(TypeError, match="has a method submit"):
        sweep(product, GRID, 4)
    with pytest.raises(TypeError, match="has a method submit"):
        sweep(product, GRID, ProcessPoolExecutor)
    with pytest.raises(TypeError, match="sweep calls train"):
        sweep(3, GRID)
    with spawned(1) as executor, pytest.raises(TypeError, match="write it with def at the top level"):
        sweep(lambda **settings: 0, GRID, executor)


@pytest.fixture
def importable(monkeypatch):
    """This file under a name by which a new process finds it, as it finds a user's own file."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(Path(__file__).parent), str(Path.cwd())])))
    import test_sweeps

    yield test_sweeps
    sys.modules.pop("test_sweeps", None)


@pytest.mark.slow
def test_processes_train_the_same_models_as_this_one(importable):
    grid = {"width": [2, 4], "seed": [0, 1]}
    with spawned(2) as executor:
        results = sweep(importable.trained, grid, executor, progress=False)
    assert [run.result for run in results] == [run.result for run in sweep(trained, grid, progress=False)]


@pytest.mark.slow
@pytest.mark.parametrize(("times", "failed"), [(1, []), (2, [3])])
def test_a_run_whose_worker_is_killed_is_made_once_more_and_no_other_run_suffers(importable, tmp_path, times, failed):
    grid = {"number": list(range(8)), "folder": [str(tmp_path)], "times": [times]}
    with spawned(2) as executor:
        results = sweep(importable.kills_its_worker, grid, executor, progress=False)
    assert [run.settings["number"] for run in results.failed] == failed
    assert [run.result for run in results.finished] == [n for n in range(8) if n not in failed]
    assert results[3].attempts == 2 and len(list(tmp_path.iterdir())) == times
    assert all(run.error == "the worker of this run died, 2 times" for run in results.failed)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # Dask's own warnings are not ours
def test_a_real_dask_cluster_gives_the_same_and_survives_the_death_of_a_worker(importable, tmp_path):
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        with client.get_executor() as executor:
            results = sweep(importable.fails_at_two, GRID, executor, progress=False)
        assert [run.settings for run in results.failed] == [{"width": 2, "rate": 0.1}, {"width": 2, "rate": 0.5}]
        assert [run.result for run in results.finished] == [0.1, 0.5, 3 * 0.1, 1.5]
        with client.get_executor() as executor:
            grid = {"number": [1, 2, 3], "folder": [str(tmp_path)], "times": [1]}
            results = sweep(importable.kills_its_worker, grid, executor, progress=False)
        assert [run.result for run in results] == [1, 2, 3]
        with pytest.raises(TypeError, match=r"write client.get_executor\(\)"):
            sweep(product, GRID, client)


def test_the_table_shows_each_kind_of_result():
    shown = str(
        sweep(lambda kind: {"n": 0.5, "l": [1, 2], "d": {"r2": 0.25}}[kind], {"kind": ["n", "l", "d"]}, progress=False)
    )
    assert [line.split(maxsplit=1)[1] for line in shown.splitlines()[1:]] == ["0.5", "[1, 2]", "r2 0.25"]


@pytest.mark.parametrize("name", [*sweeps.LOST, "ValueError"])
def test_what_a_cluster_calls_a_worker_that_died_is_known_by_its_name_and_all_else_is_an_error(name):
    future = Future()
    future.set_exception(type(name, (Exception,), {})("at work"))
    found = sweeps._outcome(future)
    assert found is None if name in sweeps.LOST else found[:2] == (None, f"{name}: at work")
