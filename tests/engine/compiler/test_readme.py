"""The README of the compiler agrees with the code: its files, the signatures of the passes, and its example."""

import doctest
import importlib
import inspect
import re
from pathlib import Path

import pytest

from chainrule.engine import compiler

ROOM = Path(compiler.__file__).parent
README = ROOM / "README.md"
DOCS = Path(__file__).resolve().parents[3] / "docs"
TEXT = README.read_text(encoding="utf-8")
FILE = r"`((?:\w+/)?\w+\.py)`"
SIGNATURE = r"`([\w.]+)(\(.*\) -> .*)`"


def signatures(text):
    """(file, name, signature) for each signature in the text; it belongs to the file that was named last."""
    file = None
    for found in re.finditer(f"{FILE}|{SIGNATURE}", text):
        file = found[1] or file
        if found[2]:
            yield file, found[2], found[3]


def signature_in_code(file, name):
    found = importlib.import_module(f"{compiler.__name__}.{file.removesuffix('.py').replace('/', '.')}")
    for part in name.split("."):
        found = getattr(found, part)
    return str(inspect.signature(found)).replace("'", "").replace("(self, ", "(")


def test_the_readme_names_each_file_once():
    files = [path.relative_to(ROOM).as_posix() for path in ROOM.rglob("*.py") if path.name != "__init__.py"]
    assert sorted(re.findall(FILE, TEXT)) == sorted(files)


@pytest.mark.parametrize(("file", "name", "signature"), list(signatures(TEXT)), ids=lambda part: part.split("(")[0])
def test_each_signature_of_the_readme_is_that_of_the_code(file, name, signature):
    assert signature == signature_in_code(file, name)


def test_the_readme_has_a_signature_for_each_pass():
    passes = re.split(r"^\d+\. ", TEXT.split("## The passes, in order")[1].split("\n## ")[0], flags=re.MULTILINE)[1:]
    assert len(passes) > 10
    assert [one for one in passes if not re.search(SIGNATURE, one)] == []


@pytest.mark.parametrize("page", [README, DOCS / "compiler.md"], ids=lambda page: page.name)
def test_the_example_of_the_page_runs(page):
    if not page.is_file():
        pytest.skip("no source tree beside these tests")
    text = re.sub(r"^```.*$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    examples = doctest.DocTestParser().get_doctest(text, {"__name__": "__main__"}, page.name, str(page), 0)
    assert examples.examples and doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(examples).failed == 0
