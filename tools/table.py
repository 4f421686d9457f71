"""Write what follows from the table of operations and from the floors' lists of names: `python tools/table.py`.

It fills the lists marked as "written by tools/table.py": those in engine/__init__.py with the names of the rows, those
in chainrule/__init__.py with the names that the three floors list in their __all__. It also writes the whole of
engine/methods.pyi, in which type checkers and editors find the methods that engine/operators.py makes by a loop. With
--check it writes nothing, names the files that are out of date, and exits with 1 if there are any.
"""

import ast
import inspect
import re
import sys
import textwrap
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FLOORS = ("engine", "nn", "viz")
LISTED = re.compile(r"([(\[])(  # (\w+), written by tools/table\.py\n).*?(\n[)\]])", re.DOTALL)
STUB = """\
# Written by `python tools/table.py` from engine/ops.py: change the rows there, and run it again.

from typing import Any, TypeAlias, TypeVar

import numpy as np

_Kind = TypeVar("_Kind", bound=Methods)
_Number: TypeAlias = Methods | float | np.integer[Any] | np.floating[Any] | np.bool_

class Methods:
    __slots__ = ()
"""


def load() -> type:
    """The class with the methods. The packages are not imported, since their lists may name rows that are gone."""
    for name, folder in (("chainrule", ROOT / "chainrule"), ("chainrule.engine", ROOT / "engine")):
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = [str(folder)]
    from chainrule.engine.operators import Methods

    return Methods


def listed(text: str, names: dict[str, list[str]]) -> str:
    """The text with its marked lists filled; names are quoted in [] and bare in ()."""

    def filled(found: re.Match[str]) -> str:
        words = [f'"{name}"' if found[1] == "[" else name for name in names[found[3]]]
        lines = textwrap.fill(", ".join(words) + ",", 120, initial_indent="    ", subsequent_indent="    ")
        return found[1] + found[2] + lines + found[4]

    return LISTED.sub(filled, text)


def public_names(text: str) -> list[str]:
    """The names that a module lists in its __all__."""
    statements = [node for node in ast.parse(text).body if isinstance(node, (ast.Assign, ast.AugAssign))]
    lists = [node.value for node in statements if "__all__" in ast.unparse(node).split(" ")[0]]
    return [name for each in lists for name in ast.literal_eval(each)]


def stub(methods: type) -> str:
    """The text of methods.pyi."""
    text = STUB
    for name, method in vars(methods).items():
        if not inspect.isfunction(method):
            continue
        if name != method.__name__:
            text += f"    {name} = {method.__name__}\n"
            continue
        _, *others = inspect.signature(method).parameters
        parameters = "".join(f", {other}: _Number" for other in others)
        text += f"    def {name}(self: _Kind{parameters}) -> _Kind:\n"
        text += textwrap.indent(f'"""{method.__doc__}\n"""\n', " " * 8)
    return text


def main() -> int:
    methods = load()
    from chainrule.engine.ops import OPS

    init = {floor: ROOT / floor / "__init__.py" for floor in (*FLOORS, "chainrule")}
    texts = {floor: path.read_text(encoding="utf-8") for floor, path in init.items()}
    texts["engine"] = listed(texts["engine"], {"rows": sorted(OPS)})
    names = {floor: public_names(texts[floor]) for floor in FLOORS}
    names["all"] = list(dict.fromkeys(["__version__", *names["engine"], *names["nn"], *names["viz"]]))
    wanted = {ROOT / "engine" / "methods.pyi": stub(methods), init["engine"]: texts["engine"]}
    wanted[init["chainrule"]] = listed(texts["chainrule"], names)
    check = "--check" in sys.argv
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if not check:
        for path in stale:
            path.write_text(wanted[path], encoding="utf-8", newline="\n")
    said = "out of date; run `python tools/table.py`" if check else "written"
    print("\n".join(f"{path.relative_to(ROOT).as_posix()}: {said}" for path in stale) or "All files are up to date.")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
