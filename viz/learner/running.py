"""Runs a learner's file in a process of its own: a hang or a crash is a finding, not an end."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import Any

from . import worker
from .ladder import CHECKS

__all__ = ["run_class", "run_file"]

Results = list[dict[str, Any]]
PATIENCE = 3  # after so many checks that do not end, the others are left out


def run_class(V: Any) -> Results:
    """The result of each check, in this process."""
    return [worker.run_often(check, V) for check in CHECKS]


def run_file(path: str | os.PathLike[str], name: str, seconds: float) -> Results | dict[str, Any]:
    """The result of each check; or one failure, if the file could not be read. `seconds` is the limit of one check."""
    results: Results = []
    while len(results) < len(CHECKS):
        ended = _one_process(os.path.abspath(path), name, results, seconds)
        if ended == "done":
            break
        if isinstance(ended, dict):
            return ended
        if sum(result.get("kind") == "Hang" for result in results) >= PATIENCE:
            left_out = {"skipped": "so many checks before it did not end", "counts": True}
            results += [left_out] * (len(CHECKS) - len(results))
    return results


def _one_process(path: str, name: str, results: Results, seconds: float) -> Any:
    """Add results until all are there, or until a check hangs or ends the process; then its result says so."""
    command = [sys.executable, worker.__file__, path, name, str(len(results))]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                               cwd=os.path.dirname(path) or None, start_new_session=True)  # fmt: skip
    lines: queue.Queue[bytes | None] = queue.Queue()
    reader = threading.Thread(target=_read, args=(process, lines), daemon=True)
    reader.start()
    reading = True  # the learner's file, until the first check begins
    try:
        limit = max(seconds, 10.0)  # a file may import large libraries
        deadline = time.monotonic() + limit
        while True:
            try:
                line = lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                said = f"it does not end within {limit:g} seconds"
                if reading:
                    said += f" when it is imported; {worker.MAIN}"
                return _ended(results, reading, {"error": said, "kind": "Hang", "stage": "running", "line": None})
            if line is None:
                code = process.wait()
                said = f"the process ended in the middle of it, with code {code}"
                return _ended(results, reading, {"error": said, "kind": "Crash", "stage": "running", "line": None})
            message = _message(line)
            if "unread" in message:
                return message["unread"]
            if message.get("done"):
                return "done"
            if "begins" in message:
                reading, limit = False, seconds
                deadline = time.monotonic() + limit
            elif message.get("number") == len(results):
                results.append(message["result"])
    finally:
        _end(process)
        reader.join(timeout=1.0)
        if process.stdout:
            process.stdout.close()


def _message(line: bytes) -> dict[str, Any]:
    """What the worker says in a line; {} for what the learner's code may have written between its lines."""
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process, and those that the learner's code has started: they hold the other end of the pipe."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def _ended(results: Results, reading: bool, failure: dict[str, Any]) -> Any:
    if reading:
        return failure
    results.append(failure)
    return "again"


def _read(process: subprocess.Popen[bytes], lines: queue.Queue[bytes | None]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line)
    lines.put(None)
