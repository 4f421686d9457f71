"""Lines of the user's own code: which one runs, and whether it only shows a number or compares it."""

from __future__ import annotations

import ast
import linecache
import os
import site
import sysconfig
from dataclasses import dataclass
from types import FrameType

PACKAGE = __name__.partition(".")[0] + "."
LIBRARIES = tuple(
    {os.path.dirname(os.__file__) + os.sep, *[folder + os.sep for folder in site.getsitepackages()],
     *[sysconfig.get_path(name) + os.sep for name in ("purelib", "platlib")], site.getusersitepackages() + os.sep}
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A line of the user's code."""

    file: str
    number: int

    def __str__(self) -> str:
        return f"{self.file}:{self.number}"

    @property
    def text(self) -> str:
        return linecache.getline(self.file, self.number).strip()

    @property
    def only_shows_or_compares(self) -> bool:
        """Whether the statement on this line prints the number or compares it, as far as its text can be found."""
        try:
            tree = ast.parse("".join(linecache.getlines(self.file)))
        except (SyntaxError, ValueError):
            return False
        around = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.stmt) and node.lineno <= self.number <= (node.end_lineno or node.lineno)
        ]
        around = [statement for statement in around if not isinstance(statement, (ast.Pass, ast.Break, ast.Continue))]
        return bool(around) and _harmless(around[-1], self.number)


SHOWING = {"print", "debug", "info", "warning", "error", "write", "log", "set_description", "set_postfix", "add_scalar"}


def _harmless(statement: ast.stmt, line: int) -> bool:
    if isinstance(statement, (ast.If, ast.While, ast.Assert)):
        return line <= (statement.test.end_lineno or line)
    value = getattr(statement, "value", None)
    if isinstance(statement, ast.Expr) and isinstance(value, ast.Call):
        return getattr(value.func, "id", getattr(value.func, "attr", "")) in SHOWING
    return isinstance(value, (ast.Compare, ast.JoinedStr))


def is_in(frame: FrameType, modules: str | tuple[str, ...]) -> bool:
    """Whether the code that runs in this frame belongs to a module whose name begins so."""
    return (frame.f_globals.get("__name__") or "").startswith(modules)


def line_of(frame: FrameType) -> Line:
    """The line in the user's own code that runs in this frame, or that called what does."""
    found: FrameType | None = frame
    while found and (is_in(found, PACKAGE) or found.f_code.co_filename.startswith(LIBRARIES)):
        found = found.f_back
    found = found or frame
    return Line(found.f_code.co_filename, found.f_lineno)
