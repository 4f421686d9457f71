"""The pages about the project: files and names on them exist, their links lead somewhere, and their examples run."""

import doctest
import importlib.util
import pkgutil
import re
import sys
from collections import Counter
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest depends on it where Python has no tomllib

HERE = Path(__file__).resolve().parents[1]
ARCHITECTURE = HERE / "docs" / "architecture.md"
TOP = [HERE / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
PAGES = [*TOP, *sorted((HERE / "docs").glob("*.md"))]
FLOORS = ("chainrule", "engine", "nn", "viz")

pytestmark = pytest.mark.skipif(not ARCHITECTURE.is_file(), reason="no source tree beside these tests")
ROOMS = sorted(path for room in ("engine", "nn", "viz", "benchmarks") for path in (HERE / room).rglob("*.md"))
each_page = pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
each_page_and_readme = pytest.mark.parametrize(
    "page", [*PAGES, *ROOMS], ids=lambda page: page.relative_to(HERE).as_posix()
)


def text_of(page):
    return page.read_text(encoding="utf-8")


def test_the_lines_of_the_changelog_are_no_longer_than_those_of_the_code():
    assert [line for line in text_of(HERE / "CHANGELOG.md").splitlines() if len(line) > 120] == []


def section(page, heading):
    """The text under that heading of the second level."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text_of(page), re.MULTILINE | re.DOTALL)
    assert found, f"{page.name} has no heading ## {heading}"
    return found[1]


def prose(page):
    """The page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", text_of(page), flags=re.MULTILINE | re.DOTALL)


# --- the house


def rooms_on_the_page():
    """{folder: modules} as docs/architecture.md lists them."""
    rooms = {}
    for part in section(ARCHITECTURE, "The house").split("\n### ")[1:]:
        heading, _, body = part.partition("\n")
        rooms[heading.strip("`/")] = re.findall(r"^- `([^`]+)`", body, re.MULTILINE)
    return rooms


def rooms_in_the_tree():
    files = [path.relative_to(HERE) for floor in FLOORS for path in (HERE / floor).rglob("*.py")]
    rooms = {path.parent.as_posix(): [] for path in files}
    for path in files:
        if path.name != "__init__.py":
            rooms[path.parent.as_posix()].append(path.name)
    return rooms


def test_the_architecture_page_names_exactly_the_rooms_and_modules_that_exist():
    page, tree = rooms_on_the_page(), rooms_in_the_tree()
    named = {f"{room}/{module}" for room, modules in page.items() for module in ["", *modules]}
    there = {f"{room}/{module}" for room, modules in tree.items() for module in ["", *modules]}
    missing, gone = sorted(there - named), sorted(named - there)
    assert not missing, f"docs/architecture.md, The house, does not list these: {', '.join(missing)}"
    assert not gone, f"docs/architecture.md, The house, lists these, which do not exist: {', '.join(gone)}"
    assert all(len(modules) == len(set(modules)) for modules in page.values())


@each_page_and_readme
def test_each_path_that_a_page_names_exists(page):
    if page.name == "CHANGELOG.md":
        pytest.skip("the change log names files that are gone, too")
    tops = "|".join(re.escape(path.name) for path in HERE.iterdir() if path.is_dir() and path.name != "build")
    paths = re.findall(rf"`((?:{tops})/[\w./-]*)`", prose(page))
    gone = [path for path in paths if not (HERE / path).exists()]
    assert not gone, f"{page.name} names files that do not exist: {', '.join(gone)}"


# --- the glossary


def glossary():
    """A list of (word, meaning, names in the code)."""
    rows = re.findall(r"^\| \*\*(.+?)\*\* \| (.+) \| (.+) \|$", section(ARCHITECTURE, "Glossary"), re.MULTILINE)
    assert len(rows) > 20
    return [(word, meaning, re.findall(r"`([^`]+)`", names)) for word, meaning, names in rows]


def test_each_word_of_the_glossary_has_one_meaning():
    for kind in (0, 1):
        twice = [said for said, times in Counter(entry[kind] for entry in glossary()).items() if times > 1]
        assert not twice, f"the glossary has these more than once: {twice}"


@pytest.mark.parametrize("word", [word for word, _, _ in glossary()] if ARCHITECTURE.is_file() else [])
def test_the_code_has_each_name_of_the_glossary(word):
    [names] = [names for entry, _, names in glossary() if entry == word]
    assert names
    for name in names:
        pkgutil.resolve_name(f"chainrule.{name}")  # the error names what does not exist


# --- links


def anchors(page):
    """The anchors that GitHub gives to the headings of a page."""
    counts = Counter()
    found = set()
    for heading in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        found.add(f"{anchor}-{counts[anchor]}" if counts[anchor] else anchor)
        counts[anchor] += 1
    return found


def broken_links(page):
    broken = []
    text = re.sub(r"https://(github\.com/[\w.-]+/chainrule/blob|raw\.[\w.]+/[\w.-]+/chainrule)/main/", "", prose(page))
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue  # it leads to another site
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    return broken


@each_page_and_readme
def test_the_links_of_a_page_lead_to_files_and_headings_that_exist(page):
    assert broken_links(page) == []


def test_a_broken_link_is_noticed(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# The `house`, it is\n[a](#the-house-it-is) [b](#no) [c](no.md) [d](page.md#no) [e](https://no.no)\n"
    )
    assert broken_links(page) == ["#no", "no.md", "page.md#no"]


README_PARTS = """# A
![picture](docs/a.png) [a page](docs/a.md#b) [there](https://there.org/x.md) [here](#a) <img alt="" src="docs/b.png">
"""


def test_the_links_of_the_readme_become_absolute_for_a_package_index(tmp_path, monkeypatch):
    links = importlib.util.spec_from_file_location("links", HERE / "tools" / "links.py")
    tool = importlib.util.module_from_spec(links)
    links.loader.exec_module(tool)
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    settings = (HERE / "pyproject.toml").read_text(encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(settings, encoding="utf-8")
    (tmp_path / "README.md").write_text(README_PARTS, encoding="utf-8")
    for address in ("https://github.com/some/one", "https://github.com/some/one-else/", "https://github.com/some/one"):
        tool.main(address)
        page, raw = (
            f"{address.rstrip('/')}/blob/main",
            f"https://raw.githubusercontent.com{address[18:].rstrip('/')}/main",
        )
        assert text_of(tmp_path / "README.md") == (
            f"# A\n![picture]({raw}/docs/a.png) [a page]({page}/docs/a.md#b) [there](https://there.org/x.md) "
            f'[here](#a) <img alt="" src="{raw}/docs/b.png">\n'
        )
        written = tomllib.loads(text_of(tmp_path / "pyproject.toml"))["project"]
        assert written.pop("urls")["Repository"] == address.rstrip("/")
        assert written == {key: kept for key, kept in tomllib.loads(settings)["project"].items() if key != "urls"}
    with pytest.raises(SystemExit, match=r"https://github\.com/OWNER/NAME"):
        tool.main("some/one")


def test_the_links_of_the_readme_are_absolute_once_the_project_has_an_address():
    address = tomllib.loads(text_of(HERE / "pyproject.toml"))["project"].get("urls", {}).get("Repository")
    relative = [link for link in re.findall(r"\]\(([^)\s#]+)\)", prose(TOP[0])) if not re.match(r"[a-z]+:", link)]
    assert not (address and relative), f"run python tools/links.py {address}"


# --- figures


def measured(work):
    """The first cells of the rows of benchmarks/README.md that begin with these words."""
    rows = re.findall(rf"^\| {re.escape(work)} [^|]*\|(.+)$", text_of(HERE / "benchmarks" / "README.md"), re.MULTILINE)
    cells = [[cell.strip() for cell in row.split("|")] for row in rows]
    return {cell for row in cells for cell in row[:3]}


def test_the_times_in_the_readme_are_those_of_the_benchmarks():
    text = text_of(TOP[0])
    [names, times] = re.findall(r"^(\| micrograd \|.+)\n\|[-|]+\|\n(.+)$", text, re.MULTILINE)[0]
    names, times = ([cell.strip() for cell in row.strip("|").split("|")] for row in (names, times))
    eager, compiled = measured("W3 moons, a step"), measured("W3 moons, 100 at once: step of SGD")
    micrograd, *ours, torch, jax, scan, in_c = times
    assert names[0] == "micrograd" and names[3:5] == ["PyTorch", "JAX"] and len(ours) == 2
    assert "lax.scan" in names[5] and names[6] == "chainrule in C"
    assert {in_c, f"{scan} JAX, in a scan"} <= measured("W3 moons, 100 at once: a step of a whole training")
    assert {f"{micrograd} micrograd", ours[0]} <= eager
    assert {ours[1], f"{torch} PyTorch", f"{jax} JAX"} <= compiled
    hand, chainrule = re.search(r"by hand .+?: ([\d.]+ µs) against ([\d.]+ µs)", text).groups()
    assert {f"{hand} NumPy by hand", chainrule} <= measured("W3 moons, 100 at once: loss and gradient")


def test_what_c_gains_in_the_readme_is_that_of_the_benchmarks_to_one_digit():
    rows = re.findall(
        r"^\| (W\d+|RK4)([^|]*)\|[^|]*\|[^|]*our NumPy *\| ([\d.]+)", text_of(HERE / "benchmarks" / "README.md"), re.M
    )
    trainings = [float(ratio) for _, what, ratio in rows if "whole training" in what]
    calls = [float(ratio) for name, what, ratio in rows if what.rstrip().endswith("a call") and name != "RK4"]
    [rk4] = [float(ratio) for name, _, ratio in rows if name == "RK4"]
    said = [*(f"{end(part):.0f}" for part in (trainings, calls) for end in (min, max)), f"{float(f'{rk4:.1g}'):.0f}"]
    words = {"1": "one", "3": "three", "5": "five", "9": "nine"}
    first, last, low, high, steps = (words.get(each, each) for each in said)
    text = " ".join(text_of(TOP[0]).split())
    assert f"about {first} to {last} times as fast as in NumPy, single calls {low} to {high} times" in text
    assert f"1,000 steps of RK4 about {steps} times" in text


def test_the_heart_of_the_engine_is_as_long_as_the_readme_says():
    files, lines = re.search(
        r"heart is read in an evening \((.+?) in `engine/`, ([\d,]+) lines\)", text_of(TOP[0]), re.S
    ).groups()
    length = sum(len(text_of(HERE / "engine" / name).splitlines()) for name in re.findall(r"`(\w+\.py)`", files))
    assert round(length, -2) == int(lines.replace(",", ""))


# --- examples


@each_page
def test_the_examples_of_a_page_run(page, tmp_path, monkeypatch):
    if page.name == "README.md":
        pytest.skip("test_house.py runs them, also where there is no source tree")
    monkeypatch.chdir(tmp_path)
    # Fences become empty lines, which end the output of an example; line numbers stay as they are.
    text = re.sub(r"^```.*$", "", text_of(page), flags=re.MULTILINE)
    examples = doctest.DocTestParser().get_doctest(text, {"__name__": "__main__"}, page.name, str(page), 0)
    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(examples).failed == 0
