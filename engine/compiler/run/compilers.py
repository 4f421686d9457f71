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
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

NATIVE = "-march=native"
FLAGS = ("-O3", NATIVE, "-fno-math-errno", "-fno-trapping-math", "-std=gnu99", "-fPIC", "-shared")
FLAGS_OF_CL = ("/O2", "/LD", "/std:c11", "/nologo")
KEPT = 500  # libraries in the cache folder
LEFT_BEHIND = 3600.0  # seconds: no compiler takes so long
PATIENCE = 300.0  # seconds for one library
BUILDING = "chainrule-building-"  # how the names of folders begin in which libraries are built
LIBRARY = re.compile(r"chainrule-[0-9a-f]{32}\.(so|dll)")  # the names of libraries


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
                done = _run([*used.command, *([] if used.is_cl else ["--version"])], 60.0)
                if done.returncode == 0 or used.is_cl:
                    return used._replace(version=(done.stdout or done.stderr).strip().partition("\n")[0])
    said = f"$CC is {wanted!r}, which is" if wanted.strip() else "gcc, clang, cc, zig and cl are"
    raise NoCompiler(
        f'no C compiler was found ({said} not on the PATH, or cannot run); install one, or write backend="numpy"'
    )


def _run(command: Sequence[str], patience: float, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command, which reads nothing; what it says may be in any encoding."""
    return subprocess.run(
        command, capture_output=True, text=True, errors="replace", timeout=patience, stdin=subprocess.DEVNULL,
        cwd=folder,
    )  # fmt: skip


def cache_folder() -> Path:
    """Where libraries are kept: $CHAINRULE_CACHE, or the user's cache folder.

    A library that is loaded can do anything. So, if others may write to that folder, or this process may not, it is a
    temporary folder, which is removed when Python ends.
    """
    with suppress(OSError, RuntimeError):  # RuntimeError: there is no home folder
        folder = _wanted_folder()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.access(folder, os.W_OK | os.X_OK) and _is_own(folder):
            return folder
    return _temporary()


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
def _temporary() -> Path:
    folder = tempfile.mkdtemp(prefix="chainrule-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


@functools.cache
def processor() -> str:
    """What a library for this processor alone depends on."""
    said = [platform.machine(), platform.processor(), sys.platform]
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
    name = f"chainrule-{hashlib.sha256(key.encode()).hexdigest()[:32]}.{'dll' if sys.platform == 'win32' else 'so'}"
    try:
        path = cache_folder() / name
        if path.is_file() and _is_own(path):
            with suppress(OSError):  # a full disk or a broken copy may have left it: then it is built again
                found = ctypes.CDLL(str(path))
                with suppress(OSError):
                    os.utime(path)  # it was used now
                return found
        _build(used, text, flags, path)
        return ctypes.CDLL(str(path))
    except OSError as problem:
        raise NoCompiler(f"the compiled program cannot be kept or loaded: {problem}") from None


def _build(used: Compiler, text: str, flags: Sequence[str], path: Path) -> None:
    _tidy(path.parent)
    with tempfile.TemporaryDirectory(prefix=BUILDING, dir=path.parent, ignore_cleanup_errors=True) as folder:
        source, made = Path(folder, "program.c"), Path(folder, f"program{path.suffix}")
        source.write_text(text, encoding="utf-8")
        _compile(used, flags, source, made)
        made.chmod(0o700)
        made.replace(path)


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
        raise NoCompiler(f"{used.command[0]} did not run: {problem}") from None
    if done.returncode and NATIVE in flags and "march" in done.stderr:
        return _compile(used, [flag for flag in flags if flag != NATIVE], source, made)
    if done.returncode or not made.is_file():
        said = (done.stderr or done.stdout).strip()[:1000] or f"it ended with {done.returncode}"
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
