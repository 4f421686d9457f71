"""The inventory of beliefs: the engine computes each right answer, and all four forms give the same one."""

import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parents[1]
FOLDER = HERE / "docs" / "inventory"
if not FOLDER.exists():
    pytest.skip("there is no source tree", allow_module_level=True)


def _module(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


items, build = _module("items"), _module("build")
ITEMS = items.ITEMS


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.belief)
def test_the_engine_gives_one_of_the_choices_and_that_one_is_called_right(item):
    assert [choice[2] == "right" for choice in item.choices].index(True) == item.right()
    assert sum(choice[2] == "right" for choice in item.choices) == 1


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.belief)
def test_no_two_choices_are_the_same(item):
    assert len({text for text, _, _ in item.choices}) == len(item.choices)
    for place, (_, value, _) in enumerate(item.choices):
        assert not any(items.same(value, other) for _, other, _ in item.choices[:place])


def test_a_choice_that_is_not_computed_is_noticed():
    wrong = items.Item("", "2 · 3?", "y = cr.Value(2.0) * 3.0", "y.data", (("5", 5.0, "right"),), "", "")
    with pytest.raises(ValueError, match=r"y.data gives 6.0; 0 choices"):
        wrong.right()


def test_the_files_are_what_the_builder_writes():
    for path, text in build.files().items():
        assert path.read_text("utf-8") == text, f"{path.name}: run python docs/inventory/build.py"


def test_there_is_a_question_for_each_common_belief():
    """The beliefs that studies and teachers report, by a word that stands in the item for it."""
    words = (
        "is learning", "used once", "any order", "start at zero", "again changes nothing", "gradients are there",
        "weights change while", "answer was right", "f′(x) · g′(x)", "is a formula", "nearly right", "More layers",
        "`where`", "`float()`", "made after the forward", "Finite differences", "is the step", "rules of their own",
        "computer decides",
    )  # fmt: skip
    for word in words:
        assert sum(word in item.belief for item in ITEMS) == 1, word
    assert len(ITEMS) >= 20


def test_the_key_of_the_sheet_has_the_computed_letters():
    key = build.sheet().partition("<h1>Key</h1>")[2]
    assert re.findall(r"<li><strong>(.)</strong>", key) == [build.LETTERS[item.right()] for item in ITEMS]


@pytest.mark.parametrize("number", range(1, len(ITEMS) + 1))
def test_a_cell_of_the_notebook_answers_a_guess(number, capsys):
    book = json.loads(build.notebook())
    cells = {cell["id"]: "".join(cell["source"]) for cell in book["cells"]}
    for guess, (text, _, _) in zip(build.LETTERS, ITEMS[number - 1].choices):
        names = {}
        exec(cells["helper"], names)
        exec(cells[f"cell-{number}"].replace('guess = ""', f'guess = "{guess}"'), names)
        said = capsys.readouterr().out
        assert said == f"The engine gives {ITEMS[number - 1].computed()}. You chose {text}.\n"


def test_the_page_shows_nothing_before_a_guess_and_then_counts(browser):
    browser.get((FOLDER / "index.html").as_uri())
    sections = browser.find_elements("tag name", "section")
    assert len(sections) == len(ITEMS)
    for number, (section, item) in enumerate(zip(sections, ITEMS), 1):
        button = section.find_element("tag name", "button")
        answer = section.find_element("class name", "answer")
        assert not button.is_enabled() and not answer.is_displayed()
        chosen = item.right() if number % 2 else (item.right() + 1) % len(item.choices)
        browser.execute_script("arguments[0].click()", section.find_elements("tag name", "input")[chosen])
        browser.execute_script("arguments[0].click()", button)
        assert answer.is_displayed()
        assert answer.text.startswith("✓ So it is." if number % 2 else "✗ Not so. This is what one finds who believes ")
    score = browser.find_element("id", "score").text
    assert score == f"{len(ITEMS)} of {len(ITEMS)} answered, {(len(ITEMS) + 1) // 2} right at first"
