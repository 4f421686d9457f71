"""The house: floors that import downwards only, their budgets, examples that run, and which copy all this is about."""

import ast
import doctest
import fnmatch
import importlib
import importlib.util
import io
import os
import re
import sys
import sysconfig
import tokenize
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest brings it where Python has none

HERE = Path(__file__).resolve().parents[1]
FLOORS = ("engine", "nn", "viz", "chainrule")  # each may import itself and what stands before it
UNDER_TEST = Path(importlib.util.find_spec("chainrule").origin).resolve().parent
SITE_PACKAGES = Path(sysconfig.get_path("purelib")).resolve()


def house_files(root):
    """Paths of the files of the house under a folder, relative to it."""
    files = [path for floor in FLOORS[:-1] for path in (root / floor).rglob("*") if path.is_file()]
    return sorted(path.relative_to(root) for path in [*files, root / "chainrule.py"] if "__pycache__" not in path.parts)


SOURCES = [path for path in house_files(UNDER_TEST) if path.suffix == ".py"]
MODULES = [".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in SOURCES]


def test_the_copy_under_test_is_the_one_meant():
    for floor in FLOORS:
        module = importlib.import_module(floor)
        assert UNDER_TEST in Path(module.__file__).resolve().parents, f"{floor} comes from {module.__file__}"
    if os.environ.get("CHAINRULE_INSTALLED") == "1":
        assert UNDER_TEST == SITE_PACKAGES
    elif UNDER_TEST != HERE:
        assert UNDER_TEST == SITE_PACKAGES
        stale = [
            str(path)
            for path in sorted({*house_files(HERE), *house_files(UNDER_TEST)})
            if not ((HERE / path).is_file() and (UNDER_TEST / path).is_file())
            or (HERE / path).read_bytes() != (UNDER_TEST / path).read_bytes()
        ]
        assert not stale, f"the installed copy is another than this folder's: pip install . again ({', '.join(stale)})"


def imported_modules(source, module):
    """(line, absolute module name) for each import in the source: also inside functions, and by name at run time."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = module.rsplit(".", node.level)[0] if node.level else ""
            yield node.lineno, f"{package}.{node.module or ''}".strip(".")
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("import_module", "__import__"):
                yield node.lineno, str(node.args[0].value)


def upward_imports(source, module):
    allowed = FLOORS[: FLOORS.index(module.split(".")[0]) + 1]
    return [
        f"{module}:{line} imports {name}"
        for line, name in imported_modules(source, module)
        if name.split(".")[0] in FLOORS and name.split(".")[0] not in allowed
    ]


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_imports_run_downwards_only(path):
    module = ".".join(path.with_suffix("").parts)
    assert upward_imports((UNDER_TEST / path).read_text(encoding="utf-8"), module) == []


@pytest.mark.parametrize(
    ("source", "module", "upwards"),
    [
        ("import viz", "engine.value", True),
        ("def f():\n    from nn.modules import MLP", "engine.value", True),
        ("if TYPE_CHECKING:\n    import viz.svg as svg", "nn.training", True),
        ("import importlib\nimportlib.import_module('nn')", "engine.graph", True),
        ("import chainrule", "viz.cli", True),
        ("from engine import Value", "nn.losses", False),
        ("from . import viz", "nn.losses", False),
        ("from ..nn import x", "engine.compiler.emit", False),
        ("import numpy, vizier", "engine.ops", False),
    ],
)
def test_the_import_rule_sees_every_form(source, module, upwards):
    assert bool(upward_imports(source, module)) is upwards


def all_lines(source):
    return len(source.splitlines())


def code_lines(source):
    """Without blank lines, comments and docstrings: those must never be the cheapest lines to save."""
    prose = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            prose |= set(range(node.lineno, node.end_lineno + 1))
    silent = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    tokens = [t for t in tokenize.generate_tokens(io.StringIO(source).readline) if t.type not in silent]
    return len({line for t in tokens for line in range(t.start[0], t.end[0] + 1)} - prose)


# The table is data: it grows by a row with every operation, so the engine's budget is for what works on it. sums.py
# folds the sum of each neuron into one node: two to three times the speed of eager training.
BUDGETS = {
    "engine without its table and compiler": (
        1500, code_lines, lambda path: path.parts[0] == "engine" and path.parts[1] not in ("compiler", "ops.py"),
    ),
    "engine/value.py": (180, all_lines, lambda path: path.parts == ("engine", "value.py")),
    # What a prototype of 800 lines had not: notice of numbers that are read, two runs that have to agree, picks, saved
    # programs, programs on floats, threads, and errors that say what to write; 200 lines for the last tenth.
    "engine/compiler": (2775, code_lines, lambda path: path.parts[:2] == ("engine", "compiler")),
    "nn": (1000, code_lines, lambda path: path.parts[0] == "nn"),
}  # fmt: skip


@pytest.mark.parametrize("name", BUDGETS)
def test_line_budget(name, capsys):
    budget, count, belongs = BUDGETS[name]
    lines = sum(count((UNDER_TEST / path).read_text(encoding="utf-8")) for path in SOURCES if belongs(path))
    with capsys.disabled():
        print(f"\n{name}: {lines} of {budget} lines", end=" ")
    assert lines <= budget


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__main__")])
def test_docstring_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS).failed == 0


def test_readme_examples_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # a fence ends an example's output as an empty line does; line numbers stay
    text = re.sub(r"^```.*$", "", (HERE / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    examples = doctest.DocTestParser().get_doctest(text, {"__name__": "__main__"}, "README.md", "README.md", 0)
    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(examples).failed == 0


def test_readme_has_each_command_on_one_line():
    lines = [line.split("  #")[0].rstrip() for line in (HERE / "README.md").read_text(encoding="utf-8").splitlines()]
    assert "python3 -m venv .venv && . .venv/bin/activate && pip install . && chainrule demo" in lines
    assert "pip install '.[test]' && pytest" in lines


def test_every_data_file_is_packaged():
    if not (HERE / "engine").is_dir():
        pytest.skip("no source tree beside these tests: .ci/run compares the wheel's files itself")
    project = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["*"]
    data = [path for path in house_files(HERE) if path.suffix != ".py"]
    assert data
    assert [str(path) for path in data if not any(fnmatch.fnmatch(path.name, pattern) for pattern in patterns)] == []
