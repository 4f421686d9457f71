"""The site that docs/build.py writes: all names, all exhibits with the lines that made them, and no broken link."""

import html
import importlib.util
import re
import types
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest

import chainrule

HERE = Path(__file__).resolve().parents[1]
if not (HERE / "docs" / "build.py").is_file():
    pytest.skip("there is no source tree", allow_module_level=True)
pytest.importorskip("pdoc", reason="the extra [docs] is not installed")

LINK = re.compile(r"\b(?:href|src)=\"([^\"]+)\"")


def _build():
    spec = importlib.util.spec_from_file_location("build_site", HERE / "docs" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


build = _build()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    build.site(folder)
    return folder


def broken_links(folder):
    pages = {path: path.read_text(encoding="utf-8") for path in folder.rglob("*.html")}
    broken = []
    for page, text in pages.items():
        for link in map(html.unescape, LINK.findall(re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL))):
            if re.match(r"[a-z]+:", link):
                continue  # it leads to another site
            path, _, anchor = unquote(link).partition("#")
            target = (page.parent / path).resolve() if path else page
            target = target / "index.html" if target.is_dir() else target
            is_there = target.is_file() and (not anchor or target not in pages or f'id="{anchor}"' in pages[target])
            if not is_there or folder.resolve() not in target.resolve().parents:
                broken.append(f"{page.relative_to(folder)}: {link}")
    return broken


@pytest.mark.slow
def test_no_link_of_the_site_is_broken(site):
    assert len(list(site.rglob("*.html"))) > 15
    assert broken_links(site) == []


def test_a_broken_link_of_a_site_is_noticed(tmp_path):
    (tmp_path / "a.html").write_text(
        '<p id="x"><a href="#x"> <a href="#y"> <a href="b.html"> <img src="https://c.d/e">'
    )
    assert broken_links(tmp_path) == ["a.html: #y", "a.html: b.html"]


@pytest.mark.slow
def test_the_help_of_every_public_name_is_on_the_site(site):
    page = (site / "api" / "chainrule.html").read_text(encoding="utf-8")
    modules = {name for name in chainrule.__all__ if isinstance(getattr(chainrule, name), types.ModuleType)}
    assert [name for name in chainrule.__all__ if name not in modules and f'id="{name}"' not in page] == []
    assert modules == {path.stem for path in (site / "api" / "chainrule" / "nn").glob("*.html")}


def test_each_page_in_markdown_is_on_the_site(site):
    assert sorted(build.PAGES) == sorted(path.name for path in (HERE / "docs").glob("*.md"))
    assert {Path(name).with_suffix(".html").name for name in build.PAGES} <= {path.name for path in site.iterdir()}


def test_each_notebook_is_on_the_site_with_its_pictures_and_the_links_between_pages_lead_to_it(site):
    for path in build.NOTEBOOKS:
        page = (site / "notebooks" / f"{path.stem}.html").read_text(encoding="utf-8")
        cells = nbformat.read(path, as_version=4).cells
        shown = [output for cell in cells for output in cell.get("outputs", [])]
        assert page.count("<img ") == sum("text/html" in output.get("data", {}) for output in shown)
        assert all(html.escape(output.text) in page for output in shown if "text" in output)
        assert page.count("<pre>") >= sum(cell.cell_type == "code" for cell in cells) and ".ipynb" not in page
        answers = sum(cell.source.count("<details>") for cell in cells if cell.cell_type == "markdown")
        assert len(re.findall(r"^<details><summary>.*?</summary>$.*?^</details>$", page, re.M | re.S)) == answers
    front = (site / "index.html").read_text(encoding="utf-8")
    assert 'Begin with notebook 0: <a href="notebooks/00-which-weight-was-it.html">' in front
    for name in ("misconceptions.html", "inventory/index.html"):
        assert re.search(r'href="(\.\./)?notebooks/01-backprop-step-by-step.html', (site / name).read_text("utf-8"))


def test_the_gallery_shows_each_file_of_its_folder_and_the_lines_that_made_it(site):
    page = html.unescape((site / "gallery" / "index.html").read_text(encoding="utf-8"))
    files = sorted((HERE / "docs" / "gallery").glob("*.py"))
    assert sorted(build.ORDER) == [path.stem for path in files]
    for path in files:
        assert path.read_text(encoding="utf-8").partition('"""\n\n')[2] in page
        [made] = (site / "gallery").glob(f"{path.stem}.*")
        assert f'src="{made.name}"' in page and made.stat().st_size > 5_000


@pytest.mark.slow
def test_on_a_phone_no_page_of_the_site_is_wider_than_the_window_and_pictures_are_not_shrunk(site, browser):
    size = {"width": 360, "height": 700, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        for page in ("index", "keeping", "style", "gallery/index", "notebooks/06-iris-to-the-end"):
            browser.get((site / f"{page}.html").as_uri())
            assert browser.execute_script("return document.documentElement.scrollWidth") <= 360, page
        scales = "return [...document.querySelectorAll('.picture img')].map((one) => one.width / one.naturalWidth)"
        shown = browser.execute_script(scales)
        assert len(shown) > 1 and min(shown) > 0.7
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
