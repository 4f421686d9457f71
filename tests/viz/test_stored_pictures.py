"""The stored pictures, which include the one of the README, are what this version draws, byte by byte."""

from __future__ import annotations

import pytest
from store_pictures import FOLDER, ROOT, STORED

ANEW = "look at what changed; if it is meant, write the pictures anew: python tests/viz/store_pictures.py"


@pytest.mark.parametrize("path", STORED, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_stored_picture_is_what_this_version_draws(path):
    if path.parent != FOLDER and not path.parent.exists():
        pytest.skip("no docs/ beside these tests: the installed package is under test")
    name = path.relative_to(ROOT)
    assert path.exists(), f"{name} is missing: {ANEW}"
    drawn = STORED[path]().encode("utf-8")
    if path.read_bytes() != drawn:  # not by assert, whose message would show the whole picture
        stored_lines, drawn_lines = path.read_bytes().splitlines(), drawn.splitlines()
        changed = [number for number, pair in enumerate(zip(stored_lines, drawn_lines), 1) if pair[0] != pair[1]]
        first = changed[0] if changed else min(len(stored_lines), len(drawn_lines)) + 1
        pytest.fail(f"{name} differs from what is drawn, first in line {first}: {ANEW}", pytrace=False)


def test_each_file_in_the_folder_is_one_of_the_stored_pictures():
    others = sorted(path.name for path in set(FOLDER.iterdir()) - set(STORED))
    assert not others, f"nothing draws {others[0]} in {FOLDER.relative_to(ROOT)}: {ANEW}"
