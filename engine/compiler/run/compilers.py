"""C compilers: one is found, a text becomes a library that is kept in the user's cache folder, and this is loaded."""

from __future__ import annotations

import atexit
import ctypes
import functools
import hashlib
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ...telling import tell

NATIVE = "-march=native"
# -g0: what zig writes for debuggers tells of the folder, so that no two libraries of one text would be the same.
FLAGS = ("-O3", NATIVE, "-fno-math-errno", "-fno-trapping-math", "-std=gnu99", "-fPIC", "-shared", "-g0")
FLAGS_OF_CL = ("/O2", "/LD", "/std:c11", "/nologo")
KEPT = 500  # libraries in the cache folder
LEFT_BEHIND = 3600.0  # seconds: no compiler takes so long
PATIENCE = 300.0  # seconds for one library; a slow machine may need some of them
BUILDING = "chainrule-building-"  # how the names of folders begin in which libraries are built
LIBRARY = re.compile(r"chainrule-[0-9a-f]{32}-([0-9a-f]{16})\.(so|dll)")  # what was compiled, and a hash of the library
PATIENCE_UNTOLD = 10.0  # seconds that a compiler works without a word


class NoCompiler(RuntimeError):
    """There is no C compiler here, or it does not do what it should."""


class Compiler(NamedTuple):
    """A C compiler: how it is called, and what it says when it is asked for its version."""

    command: tuple[str, ...]
    version: str

    @property
    def is_cl(self) -> bool:
        return Path(self.command[0]).stem.lower() == "cl"


def compiler() -> Compiler:
    """The compiler of $CC, or else gcc, clang, cc, zig or cl, whichever is found first.

    Errors: NoCompiler if there is none.
    """
    return _compiler(os.environ.get("CC", ""), os.environ.get("PATH", ""))


@functools.lru_cache(maxsize=8)
def _compiler(wanted: str, path: str) -> Compiler:
    names = [["gcc"], ["clang"], ["cc"], ["zig", "cc"], ["cl"]]
    if wanted.strip():  # a path with spaces in it, or a command with arguments
        names = [[wanted] if shutil.which(wanted, path=path or None) else wanted.split()]
    for first, *more in names:
        found = shutil.which(first, path=path or None)
        if found:
            used = Compiler((os.path.abspath(found), *more), "")  # it is called in another folder
            with suppress(OSError, subprocess.SubprocessError):
                done = _run([*used.command, *([] if used.is_cl else ["--version"])], 20.0)
                if done.returncode == 0 or used.is_cl:
                    return used._replace(version=(done.stdout or done.stderr).strip().partition("\n")[0])
    said = f"$CC is {wanted!r}, which is" if wanted.strip() else "gcc, clang, cc, zig and cl are"
    raise NoCompiler(
        f'no C compiler was found ({said} not on the PATH, or cannot run); install one, or write backend="numpy"'
    )


def _run(command: Sequence[str], patience: float, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command, which reads nothing; what it says may be in any encoding."""
    with STARTING:
        if ENDED.is_set():
            raise SystemExit  # it ends this thread without a word
        work = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
            stdin=subprocess.DEVNULL, cwd=folder, start_new_session=os.name == "posix",
        )  # fmt: skip
        RUNNING.append(work)
    try:
        try:
            said = work.communicate(timeout=min(patience, PATIENCE_UNTOLD))
        except subprocess.TimeoutExpired:
            if patience > PATIENCE_UNTOLD:
                tell(f"{command[0]} has been at work for {PATIENCE_UNTOLD:g} s; after {patience:g} s it is stopped, "
                     "and NumPy runs")  # fmt: skip
            said = work.communicate(timeout=max(0.0, patience - PATIENCE_UNTOLD))
    except BaseException as problem:
        _kill(work)
        work.wait()
        for stream in (work.stdout, work.stderr):
            if stream:
                stream.close()
        if isinstance(problem, subprocess.TimeoutExpired):
            raise TimeoutError(f"it was stopped, because it had not ended after {patience:g} s") from None
        if isinstance(problem, KeyboardInterrupt):
            raise KeyboardInterrupt(f"{command[0]} was at work, and is stopped") from None
        raise
    finally:
        RUNNING.remove(work)
    if ENDED.is_set():
        raise SystemExit
    return subprocess.CompletedProcess(command, work.returncode, *said)


RUNNING: list[subprocess.Popen[str]] = []
STARTING, ENDED = threading.Lock(), threading.Event()  # ENDED: Python ends, so no compiler is started any more
BUILT_IN: set[str] = set()  # the folders in which libraries are being built


def _kill(work: subprocess.Popen[str]) -> None:
    """End a compiler, and what it has started."""
    with suppress(OSError):  # they may have ended
        if os.name == "posix":
            os.killpg(work.pid, signal.SIGKILL)
        else:
            work.kill()


@atexit.register
def _end() -> None:
    """Threads may be building when Python ends: their compilers end, too, and leave nothing behind."""
    with STARTING:
        ENDED.set()
    for work in list(RUNNING):
        _kill(work)
    for folder in list(BUILT_IN):
        shutil.rmtree(folder, ignore_errors=True)


def _forked() -> None:
    RUNNING.clear()  # they are the parent's
    BUILT_IN.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def cache_folder() -> Path:
    """Where libraries are kept: $CHAINRULE_CACHE, or the user's cache folder.

    A library that is loaded can do anything. So, if others may write to that folder, or this process may not, it is a
    temporary folder, which is removed when Python ends.
    """
    folder: Path | str = "the user's cache folder"
    try:
        folder = _wanted_folder()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not os.access(folder, os.W_OK | os.X_OK):
            why = "this user may not write there"
        elif _is_own(folder):
            return folder
        else:
            why = "others may write there, or own it"
    except (OSError, RuntimeError) as problem:  # RuntimeError: there is no home folder
        why = getattr(problem, "strerror", None) or str(problem)
    return _temporary(str(folder), why)


def _wanted_folder() -> Path:
    if given := os.environ.get("CHAINRULE_CACHE"):
        return Path(given).absolute()  # the compiler is called in another folder
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "chainrule"
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/chainrule"
    given = os.environ.get("XDG_CACHE_HOME", "")
    return Path(given if os.path.isabs(given) else Path.home() / ".cache") / "chainrule"


def _is_own(path: Path) -> bool:
    """Whether this user owns a folder or a file, and nobody else can write to it."""
    if not hasattr(os, "getuid"):
        return True
    found = path.stat()
    return found.st_uid == os.getuid() and not found.st_mode & 0o022


@functools.cache
def _temporary(instead_of: str, why: str) -> Path:
    tell(f"libraries in C cannot be kept in {instead_of} ({why}), so they are built anew each time that Python runs; "
         "set $CHAINRULE_CACHE to a folder of your own")  # fmt: skip
    folder = tempfile.mkdtemp(prefix="chainrule-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


@functools.cache
def processor() -> str:
    """What a library for this processor alone depends on."""
    said = [platform.machine(), platform.processor(), sys.platform]
    if sys.platform == "darwin":  # there, platform.processor() says no more than "arm" or "i386"
        with suppress(OSError, subprocess.SubprocessError):
            said.append(_run(["sysctl", "-n", "machdep.cpu.brand_string"], 5.0).stdout)
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        said += dict.fromkeys(line for line in lines if line.startswith(("model name", "flags", "Features")))
    return " ".join(said)


def library(text: str, flags: Sequence[str] | None = None) -> ctypes.CDLL:
    """The library of this text. It is compiled if no earlier process has done so.

    Whoever looks for it finds the whole library or none: it is written under another name, and renamed. So two
    processes may build it at the same time, and a compiler may be killed.

    Errors: NoCompiler where there is no compiler, where it fails, or where the library cannot be kept or loaded.
    """
    used = compiler()
    flags = tuple((FLAGS_OF_CL if used.is_cl else FLAGS) if flags is None else flags)
    key = "\0".join([text, *flags, *used.command, used.version, processor()])
    name = f"chainrule-{hashlib.sha256(key.encode()).hexdigest()[:32]}"
    try:
        folder = cache_folder()
        for path in folder.glob(f"{name}-*"):
            if path.is_file() and _is_own(path):
                with suppress(OSError):
                    if _is_whole(path):
                        found = ctypes.CDLL(str(path))
                        with suppress(OSError):
                            os.utime(path)  # it was used now
                        return found
                    path.unlink()
        path = _build(used, text, flags, folder, name)
    except OSError as problem:
        if ENDED.is_set():
            raise SystemExit from None
        raise NoCompiler(f"the compiled program cannot be kept: {problem.strerror or problem}") from None
    try:
        return ctypes.CDLL(str(path))
    except OSError as problem:
        said = str(problem).replace(str(path), "the library")  # the same words for all libraries: they are said once
        raise NoCompiler(f"the compiled program cannot be loaded from {path.parent}: {said}") from None


def _is_whole(path: Path) -> bool:
    """Whether a library is as it was built: to load a half of it, as a full disk may leave, would kill Python."""
    named = LIBRARY.fullmatch(path.name)
    return named is not None and named[1] == _hash(path)


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _build(used: Compiler, text: str, flags: Sequence[str], kept: Path, name: str) -> Path:
    _tidy(kept)
    folder = tempfile.mkdtemp(prefix=BUILDING, dir=kept)
    BUILT_IN.add(folder)
    try:
        source, made = Path(folder, "program.c"), Path(folder, f"program.{'dll' if sys.platform == 'win32' else 'so'}")
        source.write_text(text, encoding="utf-8")
        _compile(used, flags, source, made)
        made.chmod(0o700)
        return made.replace(kept / f"{name}-{_hash(made)}{made.suffix}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        BUILT_IN.discard(folder)


def _compile(used: Compiler, flags: Sequence[str], source: Path, made: Path) -> None:
    """Call the compiler; once more without -march=native, where it does not know that.

    Both kinds of library may be kept under the same key: the compiler, of which the key tells, decides which it is.
    """
    if used.is_cl:
        command = [*used.command, *flags, str(source), f"/Fe:{made}"]
    else:
        command = [*used.command, *flags, str(source), "-o", str(made), *(["-lm"] if sys.platform != "win32" else [])]
    try:
        done = _run(command, PATIENCE, source.parent)
    except (OSError, subprocess.SubprocessError) as problem:
        raise NoCompiler(f"{used.command[0]} did not compile the program: {problem}") from None
    if done.returncode and NATIVE in flags and "march" in done.stderr:
        return _compile(used, [flag for flag in flags if flag != NATIVE], source, made)
    if done.returncode or not made.is_file():
        ended = f"it ended with {done.returncode}" if done.returncode else "it ended as if all were well"
        said = (done.stderr or done.stdout).strip()[:1000] or f"{ended}, and wrote no library"
        raise NoCompiler(f"{' '.join(used.command)} did not compile the program: {said}")


def _tidy(folder: Path) -> None:
    """Remove what killed compilers have left behind, and the libraries that were not used for longest.

    The folder may hold other things of the user's, which stay.
    """
    with suppress(OSError):  # another process may be quicker
        for left in folder.glob(f"{BUILDING}*"):
            if time.time() - left.stat().st_mtime > LEFT_BEHIND:
                shutil.rmtree(left, ignore_errors=True)
        libraries = sorted((one for one in folder.iterdir() if LIBRARY.fullmatch(one.name)), key=_used)
        for old in libraries[: max(0, len(libraries) - KEPT)]:
            old.unlink(missing_ok=True)


def _used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
