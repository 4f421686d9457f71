"""The house: which copy is under test, floors that import downwards only, the size of rooms, and examples that run."""

import ast
import doctest
import fnmatch
import importlib
import importlib.metadata
import importlib.util
import io
import os
import re
import subprocess
import sys
import sysconfig
import tokenize
from collections import Counter
from pathlib import Path

import pytest

import chainrule

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest depends on it where Python has no tomllib

HERE = Path(__file__).resolve().parents[1]
FLOORS = ("engine", "nn", "viz")  # each may import itself and those before it; the façade may import all
PACKAGE = Path(importlib.util.find_spec("chainrule").origin).resolve().parent  # the folder of the façade under test
IS_CHECKOUT = (PACKAGE.parent / "pyproject.toml").is_file()
SITE_PACKAGES = Path(sysconfig.get_path("purelib")).resolve()


def house_files(package):
    """{path inside the installed package: file} for all files of chainrule, which may be installed or a checkout."""
    is_checkout = (package.parent / "pyproject.toml").is_file()
    folders = {floor: (package.parent if is_checkout else package) / floor for floor in FLOORS}
    files = {path.relative_to(package): path for path in package.rglob("*") if path.is_file()}
    for floor, folder in folders.items():
        files |= {Path(floor) / path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    return {inside: path for inside, path in sorted(files.items()) if "__pycache__" not in inside.parts}


SOURCES = {inside: path for inside, path in house_files(PACKAGE).items() if path.suffix == ".py"}


def module_name(inside):
    parts = (*inside.parent.parts, *([inside.stem] if inside.name else []))
    return ".".join(("chainrule", *parts)).removesuffix(".__init__")


MODULES = {module_name(inside): path.read_text(encoding="utf-8") for inside, path in SOURCES.items()}
MODULES_INSIDE = {module_name(inside): inside for inside in SOURCES}


def run_python(code, folder, *flags):
    """The output of a fresh interpreter that runs this code in that folder; it must not fail."""
    command = [sys.executable, *flags, "-c", code]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=CLEAN)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


CLEAN = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
source_tree = pytest.mark.skipif(not (HERE / "engine").is_dir(), reason="no source tree beside these tests")


# --- one package, imported by one name


def test_the_copy_under_test_is_this_folder_s_or_the_installed_one():
    for floor in FLOORS:
        module = importlib.import_module(f"chainrule.{floor}")
        assert Path(module.__file__).resolve() == house_files(PACKAGE)[Path(floor, "__init__.py")]
    if os.environ.get("CHAINRULE_INSTALLED") == "1":
        assert PACKAGE.parent == SITE_PACKAGES
    elif PACKAGE.parent != HERE:
        assert PACKAGE.parent == SITE_PACKAGES
        here = house_files(HERE / "chainrule")
        there = house_files(PACKAGE)
        stale = [
            str(inside)
            for inside in sorted({*here, *there})
            if not (inside in here and inside in there) or here[inside].read_bytes() != there[inside].read_bytes()
        ]
        assert not stale, f"the installed copy is not that of this folder: run pip install . again ({', '.join(stale)})"


def test_a_learner_may_have_modules_named_engine_nn_and_viz(tmp_path):
    (tmp_path / "engine.py").write_text("class Value: pass\nmine = 1\n")
    (tmp_path / "nn.py").write_text("from engine import Value\nmine = 2\n")
    (tmp_path / "viz").mkdir()
    (tmp_path / "viz" / "__init__.py").write_text("mine = 3\n")
    code = f"import sys; sys.path.append({str(PACKAGE.parent)!r})\n" * IS_CHECKOUT + (
        "import engine, nn, viz, chainrule as cr\n"
        "from chainrule.engine import Value\n"
        "assert (engine.mine, nn.mine, viz.mine) == (1, 2, 3) and engine.Value is not Value is cr.Value\n"
        "x = cr.Value(3.0); (x * x).backward(); print(x.grad, cr.__version__)"
    )
    assert run_python(code, tmp_path) == f"6.0 {chainrule.__version__}"


@source_tree
@pytest.mark.parametrize("name", ["engine", "engine.value", "nn", "viz.graph", "chainrule.chainrule"])
def test_importing_a_floor_by_its_folder_s_name_is_an_error_that_says_what_to_write(name):
    code = f"try:\n    import {name}\nexcept ImportError as error:\n    print(error)"
    said = run_python(code, HERE)
    assert "chainrule" in said and "write" in said
    advice = said.split("write ")[1].strip("`")
    assert run_python(f"{advice}\nprint('imported')", HERE) == "imported"


@pytest.mark.slow
@source_tree
def test_a_checkout_works_without_being_installed():
    code = "import chainrule.engine, sys; print(chainrule.engine.__file__); import chainrule.viz.graph.drawing"
    assert Path(run_python(code, HERE)) == HERE / "engine" / "__init__.py"
    done = subprocess.run(
        [sys.executable, "-m", "chainrule", "--help"], cwd=HERE, capture_output=True, text=True, env=CLEAN
    )
    assert done.returncode == 0 and "demo" in done.stdout


@pytest.mark.slow
def test_importing_chainrule_imports_no_picture_no_bar_and_no_processes(tmp_path):
    code = f"import sys; sys.path.append({str(PACKAGE.parent)!r})\n" * IS_CHECKOUT + (
        "import chainrule as cr\n"
        "def slow():\n"
        "    names = ('chainrule.viz', 'tqdm', 'graphviz', 'concurrent.futures.process', 'pandas', 'torch', 'onnx')\n"
        "    return [name for name in names if name in sys.modules]\n"
        "import sys\n"
        "model = cr.MLP(2, [4, 1], rng=0)\n"
        "cr.fit(model, cr.mse, [[0.0, 1.0], [1.0, 0.0]], [0.0, 1.0], epochs=2, progress=False)\n"
        "print(slow())\n"
        "assert {'draw', 'viz', 'Value'} <= set(dir(cr)) and hasattr(cr.draw(cr.Value(1.0) * 2.0), 'svg')\n"
        "print(slow(), cr.viz.draw is cr.draw)\n"
    )
    assert run_python(code, tmp_path).splitlines() == ["[]", "['chainrule.viz'] True"]


def test_a_name_that_the_facade_lacks_is_an_attribute_error():
    assert not hasattr(chainrule, "drawn")
    with pytest.raises(AttributeError, match="module 'chainrule' has no attribute 'drawn'"):
        chainrule.drawn  # noqa: B018


def test_installing_puts_only_chainrule_into_site_packages():
    if IS_CHECKOUT:
        pytest.skip("the copy under test is not installed")
    top = {path.parts[0] for path in importlib.metadata.files("chainrule") if ".dist-info" not in path.parts[0]}
    assert {name for name in top if not name.startswith("..")} == {"chainrule"}  # "..": the script in bin/
    assert importlib.metadata.version("chainrule") == chainrule.__version__


@source_tree
def test_pyproject_lists_each_package_and_packs_each_file():
    settings = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    files = house_files(HERE / "chainrule")
    folders = {module_name(inside.parent) for inside in files if inside.name == "__init__.py"}
    assert settings["packages"] == sorted(folders)
    assert settings["package-dir"] == {"chainrule": "chainrule", **{f"chainrule.{floor}": floor for floor in FLOORS}}
    patterns = settings["package-data"]["*"]
    data = [inside for inside in files if inside.suffix != ".py"]
    assert data and all(module_name(inside.parent) in folders for inside in data)
    assert [str(inside) for inside in data if not any(fnmatch.fnmatch(inside.name, one) for one in patterns)] == []


# --- the floors


def imported_modules(source, module, is_package=False):
    """(line, absolute module name) for each import in the source, also inside functions and by import_module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = module.split(".")
            package = parts[: len(parts) - node.level + is_package] if node.level else []
            base = ".".join([*package, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("import_module", "__import__"):
                yield node.lineno, str(node.args[0].value)


def floor_of(module):
    """0, 1 or 2 for the floors, 3 for the façade, None for modules that are not chainrule's."""
    first, _, rest = module.partition(".")
    floor = rest.split(".")[0]
    return None if first != "chainrule" else FLOORS.index(floor) if floor in FLOORS else len(FLOORS)


def upward_imports(source, module, is_package=False):
    return [
        f"{module}:{line} imports {name}"
        for line, name in imported_modules(source, module, is_package)
        if floor_of(name) is not None and floor_of(name) > floor_of(module)
    ]


@pytest.mark.parametrize("inside", SOURCES, ids=str)
def test_imports_run_downwards_only(inside):
    module = module_name(inside)
    assert upward_imports(MODULES[module], module, inside.name == "__init__.py") == []


@pytest.mark.parametrize(
    ("source", "module", "upwards"),
    [
        ("import chainrule.viz", "chainrule.engine.value", True),
        ("def f():\n    from chainrule.nn.modules import MLP", "chainrule.engine.value", True),
        ("from ..nn import x", "chainrule.engine.value", True),
        ("from ...nn import x", "chainrule.engine.compiler.program", True),
        ("if TYPE_CHECKING:\n    import chainrule.viz.dot as dot", "chainrule.nn.training", True),
        ("import importlib\nimportlib.import_module('chainrule.nn')", "chainrule.engine.graph", True),
        ("import chainrule", "chainrule.viz.command", True),
        ("from chainrule import nn", "chainrule.engine.op", True),
        ("from chainrule.engine import Value", "chainrule.nn.losses", False),
        ("from . import viz", "chainrule.nn.losses", False),
        ("from ..op import Op", "chainrule.engine.compiler.program", False),
        ("from .nn import MLP", "chainrule.__main__", False),
        ("import numpy, vizier", "chainrule.engine.ops", False),
    ],
)
def test_the_rule_about_imports_sees_every_form_of_import(source, module, upwards):
    assert bool(upward_imports(source, module)) is upwards


def modules_it_imports(module):
    """The modules of chainrule that a module imports, also inside functions; `from . import x` imports x."""
    is_package = MODULES_INSIDE[module].name == "__init__.py"
    for _, name in imported_modules(MODULES[module], module, is_package):
        found = next((known for known in (name, name.rpartition(".")[0]) if known in MODULES), None)
        if found not in (None, module):
            yield found


def circle_in(graph):
    """The nodes of a circle, in order; [] if there is none."""
    done = set()

    def walk(node, path):
        if node in path:
            return path[path.index(node) :]
        if node not in done:
            for other in graph[node]:
                if circle := walk(other, [*path, node]):
                    return circle
            done.add(node)
        return []

    return next(filter(None, (walk(node, []) for node in graph)), [])


def test_no_modules_import_each_other_in_a_circle():
    graph = {module: sorted(set(modules_it_imports(module))) for module in MODULES}
    assert graph["chainrule.engine.value"] and graph["chainrule.viz.command"]
    assert circle_in(graph) == []


def test_a_circle_is_found():
    assert circle_in({"a": ["b"], "b": ["c"], "c": ["b"]}) == ["b", "c"]


ORDER_OF_THE_CORE = [
    *["telling", "user_code", "recording", "reads", "numeric"],
    *["gate", "op", "ops", "lost_paths", "methods", "operators", "node", "graph", "copying"],
    *[
        f"fast.{name}"
        for name in ("leaves", "waiting", "operators", "neurons", "backward", "refreshing", "derivatives")
    ],
    *["micrograd", "value", "applications", "higher_orders", "transforms"],
    *["reports", "checking", "registering", "misuse", "diagnosis"],
]


def test_the_core_of_the_engine_reads_from_top_to_bottom():
    """docs/architecture.md has this order: a module imports only those that stand before it."""
    names = [f"chainrule.engine.{name}" for name in ORDER_OF_THE_CORE]
    core = {name for name in MODULES if name.startswith("chainrule.engine.") and ".compiler" not in name}
    assert core - {"chainrule.engine.fast"} == {*names}
    for place, name in enumerate(names):
        assert [other for other in modules_it_imports(name) if other not in names[:place]] == []


# Of each room of viz, the rooms that it may import. The files beside the rooms, such as command.py, may import all.
ROOMS_OF_VIZ = {"common": set(), "graph": {"common"}, "stepper": {"common", "graph"}, "plots": {"common"},
                "learner": {"common", "graph"}, "live": {"common", "graph"},
                "reports": {"common", "plots"}}  # fmt: skip


def test_each_room_of_viz_imports_only_the_rooms_that_it_may():
    room_of_module = {name: name.split(".")[2] for name in MODULES if name.startswith("chainrule.viz.")}
    rooms = {room for name, room in room_of_module.items() if name.count(".") > 2}
    assert rooms == set(ROOMS_OF_VIZ), "say in ROOMS_OF_VIZ which rooms a new room may import"
    wrong = [
        f"{module} imports {name}"
        for module, room in room_of_module.items()
        for name in (modules_it_imports(module) if room in rooms else ())
        if name.startswith("chainrule.viz") and room_of_module.get(name) not in (room, *ROOMS_OF_VIZ[room])
    ]
    assert wrong == []


# --- the size of the rooms, which is printed for reviews and limits nothing


def code_lines(source):
    """The number of lines without blank lines, comments and docstrings, for it must never pay to save those."""
    prose = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            prose |= set(range(node.lineno, node.end_lineno + 1))
    silent = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    tokens = [t for t in tokenize.generate_tokens(io.StringIO(source).readline) if t.type not in silent]
    return len({line for t in tokens for line in range(t.start[0], t.end[0] + 1)} - prose)


def room_of(inside):
    """The room of a file: its folder below a floor, or the floor."""
    return "/".join(inside.parts[: min(2, len(inside.parts) - 1)]) or "chainrule"


@pytest.mark.slow
def test_lines_of_code_by_room(capsys):
    rooms = Counter()
    for inside, path in SOURCES.items():
        rooms[room_of(inside)] += code_lines(path.read_text(encoding="utf-8"))
    with capsys.disabled():
        print("\nlines of code: " + ", ".join(f"{room} {lines:,}" for room, lines in sorted(rooms.items())), end=" ")
    assert sum(rooms.values()) > 0 and set(FLOORS) <= set(rooms)


# --- examples


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__main__")])
def test_docstring_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS).failed == 0


def test_readme_examples_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # Fences become empty lines, which end the output of an example; line numbers stay as they are.
    text = re.sub(r"^```.*$", "", (HERE / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    examples = doctest.DocTestParser().get_doctest(text, {"__name__": "__main__"}, "README.md", "README.md", 0)
    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(examples).failed == 0


def test_readme_has_each_command_on_one_line():
    lines = [line.split("  #")[0].rstrip() for line in (HERE / "README.md").read_text(encoding="utf-8").splitlines()]
    assert "python3 -m venv .venv && . .venv/bin/activate && pip install . && chainrule demo" in lines
    assert 'pip install ".[test]" && pytest -n auto' in lines
