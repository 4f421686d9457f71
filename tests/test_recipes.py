"""The recipes of CONTRIBUTING.md: each is applied to a copy of the tree, where the commands that it names succeed."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parents[1]
CONTRIBUTING = HERE / "CONTRIBUTING.md"
TREE = ("chainrule", "engine", "nn", "viz", "tests", "tools", "docs", "README.md", "CONTRIBUTING.md", "pyproject.toml")
# The environment without variables that would lead Python to another copy, or git to a repository around the tests.
CLEAN = {key: text for key, text in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME") and key[:4] != "GIT_"}

pytestmark = [
    pytest.mark.skipif(not CONTRIBUTING.is_file(), reason="no source tree beside these tests"),
    pytest.mark.skipif(shutil.which("git") is None, reason="git applies the diffs, and there is no git"),
]


def read_recipes():
    """{heading: (diff, commands)} of all recipes."""
    if not CONTRIBUTING.is_file():
        return {}
    recipes = {}
    for part in CONTRIBUTING.read_text(encoding="utf-8").partition("\n## Recipes\n")[2].split("\n### ")[1:]:
        heading = part.partition("\n")[0]
        [diff] = re.findall(r"^```diff\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)
        [commands] = re.findall(r"^```sh\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)
        recipes[heading] = diff, commands.splitlines()
    return recipes


def files_of(diff):
    """The diffs of the single files."""
    return re.split(r"^(?=--- )", diff, flags=re.MULTILINE)[1:]


RECIPES = read_recipes()
each_recipe = pytest.mark.parametrize("heading", RECIPES)


def run(command, folder):
    return subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", env=CLEAN, check=False)


@pytest.fixture
def tree(tmp_path):
    """A copy of the files that the recipes change and run."""
    for name in TREE:
        if (HERE / name).is_dir():
            shutil.copytree(HERE / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
        elif (HERE / name).is_file():
            shutil.copy(HERE / name, tmp_path / name)
    return tmp_path


def apply(parts, tree):
    (tree / "recipe.diff").write_text("".join(parts), encoding="utf-8", newline="\n")
    done = run(["git", "apply", "--verbose", "--ignore-whitespace", "recipe.diff"], tree)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Applied patch") == len(parts), done.stderr  # git may skip files without an error


def failure(commands, tree):
    """The output of the first command that fails; empty if none does."""
    for command in commands:
        words = shlex.split(command, comments=True)
        assert words[0] == "python", f"a recipe's commands begin with python, for they run here: {command}"
        done = run([sys.executable, *words[1:]], tree)
        if done.returncode:
            return f"$ {command}\n{done.stdout}{done.stderr}"
    return ""


def test_there_is_a_recipe_for_each_kind_of_thing():
    kinds = [heading.partition(":")[0] for heading in RECIPES]
    assert kinds == ["An operation", "A loss", "An optimiser", "A data set", "A picture", "A rule of the compiler"]


@each_recipe
def test_a_recipe_applies(heading, tree):
    """This test is quick, so that it fails as soon as somebody moves the lines that a recipe changes."""
    apply(files_of(RECIPES[heading][0]), tree)


@pytest.mark.slow
@each_recipe
def test_a_recipe_applies_and_its_commands_succeed(heading, tree):
    diff, commands = RECIPES[heading]
    apply(files_of(diff), tree)
    assert not (said := failure(commands, tree)), said
    changed = re.findall(r"^\+\+\+ b/(.*\.py)$", diff, re.MULTILINE)
    done = run([sys.executable, "-m", "ruff", "check", *changed], tree)
    assert done.returncode == 0, done.stdout


# What a command says if the last part of the recipe, which is the one for the tests, is left out.
FORGOTTEN = {
    "An operation": "add a line to MEANING in tests/engine/mathematics.py: what softsign is in mpmath",
    "A loss": 'add "log_cosh": Domain(',
    "An optimiser": 'add "SignSGD": Rule(',
    "A data set": "deselected",  # pytest ends with an error where no test has the name
    "A rule of the compiler": "add to EXAMPLES in test_rules.py what each of these rules applies to: {'sqrt'}",
    "A picture": "viz.gradient_sizes has no entry in KINDS (tests/viz/picture_kinds.py)",
}


@pytest.mark.slow
@each_recipe
def test_without_the_last_part_of_a_recipe_its_commands_say_what_is_missing(heading, tree):
    diff, commands = RECIPES[heading]
    *parts, last = files_of(diff)
    assert "+++ b/tests/" in last
    apply(parts, tree)
    said = failure(commands, tree)
    assert FORGOTTEN[heading.partition(":")[0]] in said, said
