"""`sweep`: one training for each combination of settings, here, in threads, in processes or on a cluster."""

from __future__ import annotations

import itertools
import math
import pickle
import reprlib
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from .arguments import given, switch
from .callbacks import wants_an_end
from .checks import checked_functions
from .elsewhere import refuse_keywords

if TYPE_CHECKING:  # elsewhere where it is needed, since few sweep and everybody waits for an import
    from concurrent.futures import Executor, Future

__all__ = ["Run", "Sweep", "sweep"]

Settings = dict[str, Any]
Grid = Mapping[str, Iterable[Any]] | Iterable[Mapping[str, Any]]
Outcome = tuple[Any, str, str, float]  # result, error, where it was raised, seconds
LOST = ("KilledWorker",)  # what Dask raises when the worker of a task has died again and again


@dataclass
class Run:
    """One training of a sweep: its settings, and what it returned, or the error that ended it.

    Units: `seconds` as measured by the worker, 0 for a run whose worker died. `attempts` is 2 for a run that was
    repeated because its worker died.

    >>> from chainrule import sweep
    >>> [run] = sweep(lambda rate: rate * 2, {"rate": [3]}, progress=False)
    >>> run.settings, run.result, run.error
    ({'rate': 3}, 6, '')
    """

    settings: Settings
    result: Any = None
    error: str = ""  # "ValueError: …"; empty for a run that finished
    where: str = field(default="", repr=False)  # the traceback of the error
    seconds: float = 0.0
    attempts: int = 0

    @property
    def finished(self) -> bool:
        """Whether the run returned a result."""
        return self.attempts > 0 and not self.error


@dataclass
class Sweep:
    """What `sweep` returns: a list of runs in the order of the grid. `str(sweep)` is a table.

    `interrupted` is True if Ctrl-C or a callback ended the sweep; runs that had not been made then have 0 attempts.

    >>> from chainrule import sweep
    >>> found = sweep(lambda rate: rate * 2, {"rate": [3, 4]}, progress=False)
    >>> [run.result for run in found]
    [6, 8]
    """

    runs: list[Run]
    interrupted: bool = False

    def __iter__(self) -> Iterator[Run]:
        return iter(self.runs)

    def __len__(self) -> int:
        return len(self.runs)

    def __getitem__(self, index: int) -> Run:
        return self.runs[index]

    @property
    def finished(self) -> list[Run]:
        """The runs that returned a result."""
        return [run for run in self.runs if run.finished]

    @property
    def failed(self) -> list[Run]:
        """The runs that ended with an error."""
        return [run for run in self.runs if run.error]

    def best(self, key: Callable[[Any], float] | str | None = None, *, largest: bool = False) -> Run:
        """The finished run with the smallest result, or with the largest; nan is never the best.

        `key` says which number of a result counts: a function of the result, or a key of a result that is a dict.
        Errors: ValueError if no run finished, TypeError if a result is no number and there is no key.
        """
        if not (key is None or isinstance(key, str) or callable(key)):
            raise TypeError(f"key is a function of a result, or a key of results that are dicts; got {given(key)}")
        largest = switch("largest", largest)
        scored = [(_score(run, key), run) for run in self.finished]
        scored = [(score, run) for score, run in scored if not math.isnan(score)]
        if not scored:
            first = f"; the first error is {self.failed[0].error}" if self.failed else ""
            raise ValueError(f"none of the {len(self.runs)} runs finished with a number{first}")
        return (max if largest else min)(scored, key=lambda pair: pair[0])[1]

    def __str__(self) -> str:
        names = list(dict.fromkeys(name for run in self.runs for name in run.settings))
        lines = [[*names, "result"]]
        lines += [[*(reprlib.repr(run.settings[name]) if name in run.settings else "" for name in names),
                   _told(run)] for run in self.runs]  # fmt: skip
        widths = [max(len(line[i]) for line in lines) for i in range(len(names))]
        rows = ["  ".join([*(text.rjust(width) for text, width in zip(line, widths)), line[-1]]) for line in lines]
        return "\n".join([*rows, *(["interrupted"] if self.interrupted else [])])


Callback = Callable[[Run, Sweep], object]  # called with (run, sweep) for each run as it ends; True ends the sweep


def sweep(
    train: Callable[..., Any],
    grid: Grid,
    executor: Executor | None = None,
    *,
    progress: bool = True,
    callbacks: Sequence[Callback] | Callback = (),
    **unknown: Any,
) -> Sweep:
    """Call `train(**settings)` for each combination of the settings in `grid`; return what each of them gave.

    `grid` is a dict from names to lists of values, of which all combinations are made, or a list of dicts of settings.
    Without an executor the runs follow each other here. Any `concurrent.futures.Executor` makes them side by side:

        with ProcessPoolExecutor() as executor:                        # the cores of this machine
            results = sweep(train, grid, executor)
        results = sweep(train, grid, Client(address).get_executor())   # a Dask cluster: from distributed import Client

    Processes get `train` by its name: it has to be a function at the top level of a file. What it returns is sent back,
    so return numbers, or a dict of them, or a History, rather than a whole graph.

    A bar counts the runs as they end. A callback gets each as it ends, (run, sweep); if it returns True or raises
    StopIteration, no further run is begun. A run that raises an error is kept with its settings and the error, and the
    others go on. If a worker is killed (by the system, when memory is short), the runs that it may have had are made
    once more, each in a process of its own, so that only the one to blame fails. Ctrl-C returns what is finished.

    Errors: TypeError or ValueError for a grid that has no settings, and for a `train` that processes cannot get.

    >>> def train(width, rate):
    ...     return (width - 3) ** 2 + rate
    >>> results = sweep(train, {"width": [2, 3], "rate": [0.1, 0.5]}, progress=False)
    >>> print(results)
    width  rate  result
        2   0.1  1.1
        2   0.5  1.5
        3   0.1  0.1
        3   0.5  0.5
    >>> results.best().settings
    {'width': 3, 'rate': 0.1}
    """
    from tqdm import tqdm

    refuse_keywords("sweep", unknown, ("train", "grid", "executor", "progress", "callbacks"))
    if not callable(train):
        raise TypeError(f"sweep calls train(**settings), a function; got {given(train)}")
    functions = checked_functions("a callback", "(run, sweep)", callbacks)
    progress = switch("progress", progress)
    results = Sweep([Run(settings) for settings in _combinations(grid)])
    _check_executor(executor, train)
    jobs = _Jobs(train, executor)
    ended = _here(train, results.runs) if executor is None else jobs.side_by_side(results.runs)
    try:
        with tqdm(total=len(results), unit="run", disable=not progress) as bar:
            for run in ended:
                bar.update()
                if results.failed:
                    bar.set_postfix_str(f"{len(results.failed)} failed", refresh=False)
                answers = [wants_an_end(callback, run, results) for callback in functions]  # each is called
                if any(answers):
                    results.interrupted = len(results.finished) + len(results.failed) < len(results)
                    break
    except KeyboardInterrupt:
        results.interrupted = True
    finally:
        jobs.cancel()
    return results


def _here(train: Callable[..., Any], runs: Iterable[Run]) -> Iterator[Run]:
    for run in runs:
        _keep(run, _call(train, run.settings))
        yield run


class _Jobs:
    """The runs that an executor has. What it has lost, because a worker died, is begun once more."""

    def __init__(self, train: Callable[..., Any], executor: Executor | None) -> None:
        self.train, self.executor = train, executor
        self.futures: dict[Future[Outcome], Run] = {}
        self.own: list[Executor] = []  # those made here, in place of one that broke

    def side_by_side(self, runs: Sequence[Run]) -> Iterator[Run]:
        """Each run as it ends."""
        # A pool of processes breaks as a whole, and does not say which run has killed its worker. So it never gets more
        # runs than it has workers: all that it has are suspects, and nothing else is.
        workers = getattr(self.executor, "_max_workers", None) or len(runs)
        from concurrent.futures import FIRST_COMPLETED, wait

        waiting = list(reversed(runs))
        while waiting or self.futures:
            while waiting and len(self.futures) < workers:
                self._submit(self.executor, waiting.pop())
            done, _ = wait(self.futures, return_when=FIRST_COMPLETED)
            lost = []
            for future in done:
                run, outcome = self.futures.pop(future), _outcome(future)
                if outcome is None and run.attempts < 2:
                    lost.append(run)
                    continue
                _keep(run, outcome or (None, f"the worker of this run died, {run.attempts} times", "", 0.0))
                yield run
            if lost:
                self._begin_again(lost)

    def _submit(self, executor: Any, run: Run) -> None:
        from concurrent.futures import BrokenExecutor

        run.attempts += 1
        try:
            self.futures[executor.submit(_call, self.train, run.settings)] = run
        except BrokenExecutor:  # it broke between two runs
            self.executor = self._another(self.executor)
            self.futures[self.executor.submit(_call, self.train, run.settings)] = run

    def _begin_again(self, lost: Sequence[Run]) -> None:
        if not _is_of_processes(self.executor):
            for run in lost:
                self._submit(self.executor, run)
            return
        self.executor = self._another(self.executor)
        for run in lost:
            self._submit(self._another(self.executor, workers=1), run)

    def _another(self, executor: Any, workers: int | None = None) -> Executor:
        """A new executor like the one that broke, which accepts no more."""
        from concurrent.futures import BrokenExecutor, ProcessPoolExecutor

        if not _is_of_processes(executor):
            raise BrokenExecutor(f"the executor {type(executor).__name__} has stopped; the sweep cannot go on in it")
        kept: Any = executor
        made = ProcessPoolExecutor(workers or kept._max_workers, kept._mp_context, kept._initializer, kept._initargs)
        self.own.append(made)
        return made

    def cancel(self) -> None:
        """Take back what has not begun; the executors made here end when their runs end."""
        for future in self.futures:
            future.cancel()
        for executor in self.own:
            executor.shutdown(wait=False, cancel_futures=True)


def _call(train: Callable[..., Any], settings: Settings) -> Outcome:
    """One run, in a worker. Its error is caught here, since not every exception survives being sent."""
    start = time.perf_counter()
    try:
        return train(**settings), "", "", time.perf_counter() - start
    except (Exception, SystemExit) as error:
        said = f"{type(error).__name__}: {error}".rstrip(": ")
        return None, said, traceback.format_exc(), time.perf_counter() - start


def _outcome(future: Future[Outcome]) -> Outcome | None:
    """What a run gave; None if its worker died."""
    from concurrent.futures import BrokenExecutor

    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, BrokenExecutor) or type(error).__name__ in LOST:
        return None
    return None, f"{type(error).__name__}: {error}".rstrip(": "), "".join(traceback.format_exception(error)), 0.0


def _keep(run: Run, outcome: Outcome) -> None:
    run.result, run.error, run.where, run.seconds = outcome
    run.attempts = run.attempts or 1


def _combinations(grid: Any) -> list[Settings]:
    """The settings of each run."""
    if isinstance(grid, Mapping):
        for name, values in grid.items():
            if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
                raise TypeError(f"the grid has for {name!r} the single value {values!r}; write [{values!r}]")
        lists = {_checked_name(name): list(values) for name, values in grid.items()}
        if empty := [name for name, values in lists.items() if not values]:
            raise ValueError(f"the grid has no value for {empty[0]!r}, so there is no run")
        made = [dict(zip(lists, values)) for values in itertools.product(*lists.values())]
    elif isinstance(grid, Iterable) and not isinstance(grid, (str, bytes)):
        made = [{_checked_name(name): value for name, value in _checked_settings(each).items()} for each in grid]
    else:
        raise TypeError(f"the grid is a dict from names to lists of values, got {type(grid).__name__} {grid!r}")
    if not made or made == [{}]:
        raise ValueError("the grid is empty; write for example {'learning_rate': [0.01, 0.1]}")
    return made


def _checked_settings(settings: Any) -> Mapping[Any, Any]:
    if not isinstance(settings, Mapping):
        said = f"{type(settings).__name__} {settings!r}"
        raise TypeError(f"a grid that is a list holds dicts of settings, like {{'learning_rate': 0.1}}; got {said}")
    return settings


def _checked_name(name: Any) -> str:
    if not (isinstance(name, str) and name.isidentifier()):
        raise TypeError(f"the names in a grid are those of train's arguments, got {name!r}")
    return name


def _is_of_processes(executor: Any) -> bool:
    # It is imported here, because that takes a tenth of the time that chainrule takes to import.
    from concurrent.futures import ProcessPoolExecutor

    return isinstance(executor, ProcessPoolExecutor)


def _check_executor(executor: Any, train: Callable[..., Any]) -> None:
    """TypeError for what is no executor, and for a function that processes cannot get."""
    if executor is None:
        return
    if not callable(getattr(executor, "submit", None)) or isinstance(executor, type):
        hint = "; write executor.get_executor()" if hasattr(executor, "get_executor") else ""
        said = getattr(executor, "__name__", type(executor).__name__)
        raise TypeError(f"the executor has a method submit, like ProcessPoolExecutor(); got {said}{hint}")
    if hasattr(executor, "get_executor"):
        raise TypeError(f"{type(executor).__name__} is no concurrent.futures.Executor; write client.get_executor()")
    if _is_of_processes(executor):
        try:
            pickle.dumps(train)
        except Exception as problem:
            name = getattr(train, "__qualname__", repr(train))
            raise TypeError(
                f"processes cannot get {name} ({problem}): they import train by its name, so write it with def at the "
                "top level of a file, or use threads, ThreadPoolExecutor()"
            ) from None


def _score(run: Run, key: Callable[[Any], float] | str | None) -> float:
    found = run.result
    if isinstance(key, str):
        try:
            found = found[key]
        except (KeyError, TypeError, IndexError):
            raise TypeError(f"the result {reprlib.repr(found)} of {run.settings} has no {key!r}") from None
    elif key is not None:
        found = key(found)
    if not isinstance(found, (Real, np.number)):
        raise TypeError(
            f"the result of {run.settings} is {type(found).__name__} {reprlib.repr(found)}, no number; say which of "
            "its numbers counts: best(key=lambda result: ...), or best('accuracy') where it is a dict"
        )
    return float(found)


def _told(run: Run) -> str:
    if run.error:
        return f"failed: {run.error}".splitlines()[0]
    if not run.attempts:
        return "not made"
    if isinstance(run.result, (float, np.floating)):
        return f"{run.result:.6g}"
    if isinstance(run.result, Mapping):
        return ", ".join(f"{name} {_short(value)}" for name, value in run.result.items())
    return reprlib.repr(run.result)


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, (float, np.floating)) else reprlib.repr(value)
