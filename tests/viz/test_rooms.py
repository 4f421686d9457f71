"""The rooms of viz import only what they may, and never in a circle, not even inside a function or for types alone."""

from __future__ import annotations

import ast
import graphlib
from pathlib import Path

import pytest

from chainrule import viz

FOLDER = Path(viz.__file__).parent
# The files beside the rooms, such as command.py, may import all of them.
MAY_IMPORT = {"common": set(), "graph": {"common"}, "stepper": {"common", "graph"}, "plots": {"common"},
              "learner": {"common", "graph"}, "live": {"common", "graph"}, "reports": {"common", "plots"}}  # fmt: skip


def module_of(path: Path) -> str:
    parts = path.relative_to(FOLDER).with_suffix("").parts
    return ".".join(("chainrule.viz", *parts)).removesuffix(".__init__")


SOURCES = {module_of(path): path.read_text(encoding="utf-8") for path in sorted(FOLDER.rglob("*.py"))}
PACKAGES = {module_of(path) for path in FOLDER.rglob("__init__.py")}


def imports_of(module: str, sources: dict[str, str]) -> set[str]:
    """The modules among the sources that a module imports, wherever in its text the import stands."""
    found = set()
    for node in ast.walk(ast.parse(sources[module])):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parts = module.split(".")
            base = ".".join(parts[: len(parts) - node.level + (module in PACKAGES)]) if node.level else ""
            origin = ".".join(filter(None, (base, node.module)))
            # In `from .graph import scene` the module is .graph.scene, in `from .graph.scene import Card` .graph.scene.
            inner = [f"{origin}.{alias.name}" for alias in node.names]
            names = [name if name in sources else origin for name in inner]
        else:
            continue
        found.update(name for name in names if name in sources)
    return found


def circle_in(sources: dict[str, str]) -> list[str]:
    """The modules of a circle of imports, with the first one again at the end; [] if there is none."""
    sorter = graphlib.TopologicalSorter({module: imports_of(module, sources) for module in sources})
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def test_no_imports_form_a_circle():
    assert circle_in(SOURCES) == []


def test_the_test_of_imports_finds_imports():
    assert "chainrule.viz.graph.drawing" in imports_of("chainrule.viz.stepper.stepping", SOURCES)
    assert "chainrule.viz.common.spacing" in imports_of("chainrule.viz.graph.layout.vertical", SOURCES)
    assert "chainrule.viz.plots.training" in imports_of("chainrule.viz", SOURCES)


@pytest.mark.parametrize("source", [
    "from ..stepper.stepping import steps",
    "def late():\n    from ..stepper import stepping",
    "if TYPE_CHECKING:\n    import chainrule.viz.stepper.stepping",
    "from chainrule.viz import steps",
])  # fmt: skip
def test_a_circle_of_imports_is_found_in_every_form(source):
    scene = "chainrule.viz.graph.scene"
    circle = circle_in({**SOURCES, scene: f"{SOURCES[scene]}\n{source}\n"})
    assert scene in circle and circle[0] == circle[-1]


def test_each_room_of_viz_imports_only_the_rooms_that_it_may():
    rooms = {path.parent.name for path in FOLDER.glob("*/__init__.py")}
    assert rooms == set(MAY_IMPORT), "say in MAY_IMPORT which rooms a new room may import"
    wrong = []
    for module in SOURCES:
        room = module.split(".")[2] if module.count(".") > 1 else ""
        for imported in imports_of(module, SOURCES) if room in MAY_IMPORT else ():
            if imported.split(".")[2:3] not in ([room], *([other] for other in MAY_IMPORT[room])):
                wrong.append(f"{module} imports {imported}")
    assert wrong == []
