"""Give the project its address: `python tools/links.py https://github.com/OWNER/NAME`.

It writes the address into pyproject.toml, and makes the links and pictures of README.md absolute, since a package index
shows that page without the files beside it. A second run, with another address, moves both.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ADDRESS = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+?)/?")
LINK = re.compile(r"(?P<shown>!?)(?P<open>\[[^]]*\]\(|<img [^>]*?src=\")(?P<path>[^)\s\"#]+)")
URLS = re.compile(r"\[project\.urls\]\n.*?\n\n", re.DOTALL)


def absolute(readme: str, address: str, old: str = "") -> str:
    """The text whose links within the repository begin with the address; `old` is the one that they have now."""
    places = {True: f"https://raw.githubusercontent.com/{owned(address)}/main/", False: f"{address}/blob/main/"}
    if old:
        readme = readme.replace(f"{old}/blob/main/", "")
        readme = readme.replace(f"https://raw.githubusercontent.com/{owned(old)}/main/", "")

    def moved(found: re.Match[str]) -> str:
        if re.match(r"[a-z]+:", found["path"]):
            return found[0]  # it leads to another site
        is_picture = bool(found["shown"]) or found["open"].startswith("<")
        return found["shown"] + found["open"] + places[is_picture] + found["path"]

    return LINK.sub(moved, readme)


def owned(address: str) -> str:
    """OWNER/NAME of the address."""
    found = ADDRESS.fullmatch(address)
    if not found:
        raise SystemExit(f"the address looks like https://github.com/OWNER/NAME, got {address!r}")
    return found[1]


def with_urls(settings: str, address: str) -> str:
    """The text of pyproject.toml with the addresses that a package index shows."""
    urls = f'[project.urls]\nRepository = "{address}"\nChangelog = "{address}/blob/main/CHANGELOG.md"\n\n'
    return URLS.sub("", settings).replace("[project.scripts]", urls + "[project.scripts]")


def main(address: str) -> None:
    address = f"https://github.com/{owned(address)}"
    readme, settings = ROOT / "README.md", ROOT / "pyproject.toml"
    text = settings.read_text(encoding="utf-8")
    old = re.search(r'^Repository = "(.+)"', text, re.MULTILINE)
    pages = {settings: with_urls(text, address)}
    pages[readme] = absolute(readme.read_text(encoding="utf-8"), address, old[1] if old else "")
    for path, page in pages.items():
        path.write_text(page, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(sys.argv[1])
