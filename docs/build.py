"""Write the site: `python docs/build.py [FOLDER]`, by default into site/. It needs the extra [docs], and no network.

api/ is the help of every public name, by pdoc; gallery/ runs each file of docs/gallery/ and shows what it made beside
the lines that made it; notebooks/ are the notebooks as they are stored; the pages in Markdown and the inventory are
there, too. `--picture` writes docs/live.png anew,
the picture of README.md, which needs Chromium, selenium and pillow.
"""

from __future__ import annotations

import argparse
import ast
import html
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
ORDER = ("neuron", "network", "stepper", "moons", "iris", "digits", "wishes", "walk", "worksheet", "check")
PACKAGES = ("chainrule", "chainrule.engine", "chainrule.nn", "chainrule.viz")
HIDDEN = r"!chainrule\.(engine|viz)\..*|chainrule\.nn\.wishes"  # modules that are named like a function in them
PAGES = {
    "architecture.md": "The map of the code, with a glossary",
    "compiler.md": "Two moons through the compiler",
    "keeping.md": "Keeping a model, taking it elsewhere, trying many",
    "micrograd.md": "What you type for micrograd",
    "misconceptions.md": "What people believe of backpropagation",
    "style.md": "How the code is written",
}
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
API = """
import sys
from pathlib import Path
import chainrule, pdoc
for name in chainrule.__all__:
    getattr(chainrule, name)  # pdoc sees only what has been imported
pdoc.render.configure(docformat="markdown", show_source=False)
pdoc.pdoc(*sys.argv[2:], output_directory=Path(sys.argv[1]))
"""


def site(folder: Path) -> None:
    """Write all of it into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    api(folder / "api")
    gallery(folder / "gallery")
    shutil.copytree(
        HERE / "inventory", folder / "inventory", ignore=shutil.ignore_patterns("*.py", "*page.html", "*_form*")
    )
    inventory = folder / "inventory" / "index.html"
    inventory.write_text(_moved(inventory.read_text("utf-8"), HERE / "inventory"), "utf-8")
    (folder / "notebooks").mkdir()
    for path in NOTEBOOKS:
        body = _moved(notebook(path), path.parent)
        (folder / "notebooks" / path.name).with_suffix(".html").write_text(_page(_title(path), body, "../"), "utf-8")
    for name, title in PAGES.items():
        body = _markdown((HERE / name).read_text("utf-8"))
        (folder / name).with_suffix(".html").write_text(_page(title, _moved(body, HERE)), "utf-8")
    (folder / "index.html").write_text(_page("chainrule", front()), "utf-8")


def notebook(path: Path) -> str:
    """A notebook as it is stored: its text, its lines, what they printed, and its pictures."""
    parts = []
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        source = "".join(cell["source"])
        parts.append(_markdown(source) if cell["cell_type"] == "markdown" else f"<pre>{html.escape(source)}</pre>")
        for output in cell.get("outputs", ()):
            data = output.get("data", {"text/plain": output.get("text", "")})
            printed = f'<pre class="printed">{html.escape("".join(data["text/plain"]))}</pre>'
            shown = "".join(data.get("text/html", printed))
            parts.append(f'<div class="picture">{shown}</div>' if "<img " in shown else shown)
    return "\n".join(parts)


def _title(path: Path) -> str:
    """The first heading of a notebook."""
    return "".join(json.loads(path.read_text("utf-8"))["cells"][0]["source"]).splitlines()[0].removeprefix("# ")


def api(folder: Path) -> None:
    """The help of every public name. The floors are copied into one package, as pip would do."""
    with tempfile.TemporaryDirectory() as copy:
        skip = shutil.ignore_patterns("__pycache__")
        for floor in ("", "engine", "nn", "viz"):
            shutil.copytree(ROOT / (floor or "chainrule"), Path(copy, "chainrule", floor), ignore=skip)
        command = [sys.executable, "-c", API, str(folder.resolve()), *PACKAGES, HIDDEN]
        subprocess.run(command, cwd=copy, check=True)
    for page in folder.rglob("*.html"):
        page.write_text(_without_dead_anchors(page.read_text("utf-8")), "utf-8")


def _without_dead_anchors(page: str) -> str:
    """pdoc links the names of members that a class inherits, but has them on the page of the base class only."""
    there = set(re.findall(r'\bid="([^"]+)"', page))
    dead = re.compile(r'<a href="#([^"]+)">([^<]*)</a>')
    return dead.sub(lambda found: found[0] if found[1] in there else found[2], page)


def gallery(folder: Path) -> None:
    """Run each file of docs/gallery/ there, and write the page that shows what it made and its lines."""
    folder.mkdir(parents=True, exist_ok=True)
    sys.path[:0] = [str(ROOT)]
    back = Path.cwd()
    os.chdir(folder)
    try:
        for name in ORDER:
            runpy.run_path(str(HERE / "gallery" / f"{name}.py"))
    finally:
        os.chdir(back)
        sys.path.remove(str(ROOT))
    parts = [_exhibit(name, next(folder.glob(f"{name}.*")).name) for name in ORDER]
    parts.append(
        '<h2 id="questions">Questions</h2>\n<p>What people believe of backpropagation, for paper, with the key: '
        "<code>python docs/inventory/build.py</code> made it. "
        '<a href="../inventory/sheet.html">Open it alone</a>.</p>\n'
        '<iframe loading="lazy" title="Questions" src="../inventory/sheet.html"></iframe>'
    )
    (folder / "index.html").write_text(_page("Gallery", "<h1>Gallery</h1>\n" + "\n".join(parts), "../"), "utf-8")


def _exhibit(name: str, file: str) -> str:
    source = (HERE / "gallery" / f"{name}.py").read_text("utf-8")
    title, _, sentence = str(ast.get_docstring(ast.parse(source))).partition(". ")
    said = re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(sentence))
    lines = source.partition('"""\n\n')[2]
    picture = f'<iframe loading="lazy" title="{title}" src="{file}"></iframe>'
    if file.endswith(".svg"):
        picture = f'<a class="picture" href="{file}"><img alt="{title}" src="{file}"></a>'
    return (
        f'<h2 id="{name}">{title}</h2>\n<p>{said} <a href="{file}">Open it alone</a>.</p>\n'
        f"<pre>{html.escape(lines)}</pre>\n{picture}"
    )


def front() -> str:
    """The first page."""
    pages = "\n".join(f'<li><a href="{Path(name).stem}.html">{title}</a></li>' for name, title in PAGES.items())
    *books, inventory = (f'<a href="notebooks/{path.stem}.html">{html.escape(_title(path))}</a>' for path in NOTEBOOKS)
    items = "\n".join(f"<li>{book}</li>" for book in books)
    return (
        "<h1>chainrule</h1>\n<p>Glass-box backpropagation: a scalar autograd engine in which every step of the chain "
        f"rule can be seen.</p>\n<p>Never seen a derivative? Begin with notebook 0: {books[0]}</p>\n<ul>\n"
        '<li><a href="gallery/index.html">The gallery</a>: pictures and pages, each with the lines that made it</li>\n'
        '<li><a href="api/index.html">The help of every name</a></li>\n'
        f'<li><a href="inventory/index.html">Questions about backpropagation</a></li>\n{pages}\n</ul>\n'
        f'<h2>The notebooks</h2>\n<ol start="0">\n{items}\n</ol>\n<p>{inventory}</p>'
    )


def address() -> str:
    """Where the repository is, as pyproject.toml or the workflow that publishes it says; "" where neither does."""
    found = re.search(r'^Repository = "(.+)"', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    name = os.environ.get("GITHUB_REPOSITORY")
    return found[1] if found else f"{os.environ['GITHUB_SERVER_URL']}/{name}" if name else ""


def _moved(page: str, folder: Path) -> str:
    """Links between pages lead to pages, links to other files into the repository, or nowhere if it has no address.

    `folder` is where the page, or what it was made from, stands in the repository.
    """
    places = {HERE: ".", HERE / "inventory": "inventory", ROOT / "notebooks": "notebooks"}
    places |= {HERE / name: f"{Path(name).stem}.html" for name in PAGES}
    places |= {path: f"notebooks/{path.stem}.html" for path in NOTEBOOKS}
    places |= {path: f"inventory/{path.name}" for path in (HERE / "inventory").glob("*.html")}

    def moved(found: re.Match[str]) -> str:
        path, _, anchor = found[1].partition("#")
        if not path or re.match(r"[a-z]+:", path):
            return found[0]
        target = (folder / path).resolve()
        if target in places:
            link = os.path.relpath(places[target], places[folder]) + (f"#{anchor}" if anchor else "")
            return found[0].replace(found[1], link, 1)
        inside = target.relative_to(ROOT).as_posix() + (f"#{anchor}" if anchor else "")
        return f'<a href="{address()}/blob/main/{inside}">{found[2]}</a>' if address() else found[2]

    return re.sub(r'<a\s[^>]*?href="([^"]+)"[^>]*>(.*?)</a>', moved, page, flags=re.DOTALL)


def _markdown(text: str) -> str:
    """The HTML of Markdown, with the anchors of GitHub."""
    import markdown2

    body = markdown2.markdown(text, extras=["fenced-code-blocks", "tables", "cuddled-lists"])

    def with_anchor(found: re.Match[str]) -> str:
        words = html.unescape(re.sub(r"<[^>]+>", "", found[2])).strip().lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        return f'<h{found[1]} id="{anchor}">{found[2]}</h{found[1]}>'

    body = re.sub(r"<p>(<details><summary>.*?</summary>|</details>)</p>", r"\1", str(body))  # they are no paragraphs
    return re.sub(r"<h(\d)[^>]*>(.*?)</h\1>", with_anchor, body, flags=re.DOTALL)


def _page(title: str, body: str, up: str = "") -> str:
    links = {
        "index.html": "chainrule",
        "gallery/index.html": "gallery",
        "api/index.html": "help",
        "inventory/index.html": "questions",
    }
    style = (HERE / "site.css").read_text("utf-8")
    menu = " ".join(f'<a href="{up}{path}">{name}</a>' for path, name in links.items())
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{style}</style>\n<nav>{menu}</nav>\n{body}\n</html>\n"
    )


def live_picture(path: Path, seconds: float = 3.0) -> None:
    """A picture of the live page of two moons, after it has begun, and then trained, for so long."""
    from PIL import Image
    from selenium import webdriver

    with tempfile.TemporaryDirectory() as folder:
        gallery(Path(folder))
        options = webdriver.ChromeOptions()
        for word in ("headless", "no-sandbox", "disable-gpu", "hide-scrollbars", "window-size=1200,900"):
            options.add_argument(f"--{word}")
        browser = webdriver.Chrome(options=options)
        try:
            browser.get(Path(folder, "moons.html").as_uri())
            time.sleep(seconds)  # in which the page trains itself for its first steps
            browser.execute_script("document.getElementById('opening').hidden = true")
            browser.find_element("css selector", "button.main").click()  # Train
            time.sleep(seconds)
            browser.save_screenshot(str(path))
        finally:
            browser.quit()
    Image.open(path).convert("RGB").crop((0, 0, 1200, 616)).quantize(128, dither=Image.Dither.NONE).save(
        path, optimize=True
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=str(__doc__), formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default=ROOT / "site", help="where the site goes; by default site/")
    parser.add_argument("--picture", action="store_true", help="write docs/live.png anew, and no site")
    given = parser.parse_args()
    if given.picture:
        live_picture(HERE / "live.png")
    else:
        target = Path(given.folder).resolve()
        if target.exists():
            shutil.rmtree(target) if (target / "api").is_dir() else sys.exit(f"{target} exists, and is no site of ours")
        site(target)
        print(f"{target / 'index.html'}")
