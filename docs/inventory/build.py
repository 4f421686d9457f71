"""Write the inventory in its four forms: `python docs/inventory/build.py` (with --check: only say what differs).

index.html is the page, which asks first; sheet.html is for paper, with the key on a page of its own;
../misconceptions.md is for reading; ../../notebooks/inventory.ipynb is for running. All say the same, from items.py,
and the engine computes the right answers.
"""

from __future__ import annotations

import html
import re
import sys
from pathlib import Path

import nbformat

HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from items import ITEMS, Item  # noqa: E402

NOTEBOOKS = {
    "00-which-weight-was-it": "Which weight was it?",
    "01-backprop-step-by-step": "Backprop, step by step",
    "02-from-scalars-to-matrices": "From scalars to matrices",
    "03-the-wish-list": "The wish list",
    "04-how-much-to-change": "How much to change",
    "05-two-losses": "Two losses",
    "06-iris-to-the-end": "Iris to the end",
    "07-playground": "Playground",
    "08-what-goes-wrong": "What goes wrong",
    "09-derivatives-of-derivatives": "Derivatives of derivatives",
}
INTRO = (
    "Each question is about one thing that many people believe of backpropagation. Decide first, with pencil and paper "
    "if you like; then look at what the engine gives."
)
WORDS = (
    "A `cr.Value` is a number that remembers how it was computed. After a first `y.backward()`, `x.grad` is the "
    "*gradient* of y by x, written ∂y/∂x: how fast y moves with x, all else held still. If it is 2, then raising "
    "x by 0.01 raises y by about 0.02. Other words for it are derivative and slope. The *local derivative* is "
    "that of a single operation by one of its arguments; the *upstream gradient* is how fast the end of the "
    "program moves with what the operation gives. Their product is what the operation passes back to that "
    "argument: this is the *chain rule*."
)
LETTERS = "abcd"


def marked(text: str) -> str:
    """HTML of a text with `code` and *stress* in it."""

    def tagged(found: re.Match[str]) -> str:
        return f"<code>{found[1]}</code>" if found[1] else f"<em>{found[2]}</em>"

    return re.sub(r"`([^`]+)`|\*([^*`]+)\*", tagged, html.escape(text, quote=False))


def shown(value: object) -> str:
    """A computed value, as a person writes it."""
    return f"{value:.12g}".replace("-", "−") if isinstance(value, float) else str(value)


def _choices(item: Item, number: int) -> str:
    right = item.right()
    lines = []
    for place, (text, _, belief) in enumerate(item.choices):
        thought = "" if place == right else f"This is what one finds who believes {belief}."
        lines.append(
            f'<label><input type="radio" name="q{number}" data-thought="{html.escape(thought)}"'
            f"{' data-right' if place == right else ''}> <span>{marked(text)}</span></label>"
        )
    return "\n".join(lines)


def page() -> str:
    """The page that asks before it shows."""
    questions = []
    for number, item in enumerate(ITEMS, 1):
        title = NOTEBOOKS[item.cure]
        questions.append(f"""<section aria-labelledby="t{number}">
<h2 id="t{number}">{number}. {marked(item.question)}</h2>
<pre>{html.escape(item.code)}</pre>
<fieldset><legend>Your guess</legend>
{_choices(item, number)}
</fieldset>
<button type="button" disabled>Show what the engine gives</button>
<div class="answer" role="status" hidden><p class="verdict"></p>
<p>The engine gives <code>{html.escape(item.ask)}</code> = <strong>{html.escape(shown(item.computed()))}</strong>,
answer {LETTERS[item.right()]}. {marked(item.why)}</p>
<p>Read on: <a href="../../notebooks/{item.cure}.ipynb">{title}</a></p></div>
</section>""")
    form = (HERE / "page.html").read_text("utf-8")
    return form.format(intro=INTRO, words=marked(WORDS), count=len(ITEMS), questions="\n".join(questions))


def sheet() -> str:
    """The same for paper: questions with boxes to tick, and a page with the key."""
    questions, key = [], []
    for number, item in enumerate(ITEMS, 1):
        choices = "".join(
            f"<li><span class=box></span> {LETTERS[place]}) {marked(text)}</li>"
            for place, (text, _, _) in enumerate(item.choices)
        )
        questions.append(
            f"<section><h2>{number}. {marked(item.question)}</h2><pre>{html.escape(item.code)}</pre>"
            f"<ul>{choices}</ul></section>"
        )
        key.append(f"<li><strong>{LETTERS[item.right()]}</strong>: {marked(item.why)}</li>")
    form = (HERE / "sheet_form.html").read_text("utf-8")
    return form.format(intro=INTRO, words=marked(WORDS), questions="\n".join(questions), key="\n".join(key))


def misconceptions() -> str:
    """One short section for each belief, as Markdown."""
    parts = [
        "# What people believe of backpropagation, and what is so\n",
        "Written by `docs/inventory/build.py`; the numbers are the engine's. To be asked before you are told, open "
        "[the inventory](inventory/index.html) or [its notebook](../notebooks/inventory.ipynb).\n",
        f"{WORDS}\n",
    ]
    for number, item in enumerate(ITEMS, 1):
        right = item.choices[item.right()][0]
        wrong = "\n".join(
            f"- “{text}”: {belief}" for place, (text, _, belief) in enumerate(item.choices) if place != item.right()
        )
        parts.append(
            f"## {number}. “{item.belief}”\n\n```python\n{item.code}\n```\n\n{item.question}\n\n**{right}.** "
            f"{item.why}\n\nWho gives another answer believes\n\n{wrong}\n\n"
            f"Read on: [{NOTEBOOKS[item.cure]}](../notebooks/{item.cure}.ipynb).\n"
        )
    return "\n".join(parts)


HELPER = '''import math

import chainrule as cr


def answer(guess, value, **choices):
    """Compare a guess with what the engine gave."""
    if guess not in choices:
        print(f"Write one of {', '.join(choices)} between the quotes of guess, and run the cell again.")
    else:
        print(f"The engine gives {value}. You chose {choices[guess]}.")'''


def notebook() -> str:
    """A notebook with a cell for each question; it answers when a guess is there."""
    cells = [
        nbformat.v4.new_markdown_cell(
            "# Inventory: what do you believe of backpropagation?\n\n"
            + INTRO
            + " Write your letter into `guess` and run "
            f"the cell; it answers only then.\n\nThe explanations are folded away below each cell.\n\n{WORDS}",
            id="title",
        ),
        nbformat.v4.new_code_cell(HELPER, id="helper"),
    ]
    for number, item in enumerate(ITEMS, 1):
        choices = "\n".join(f"- **{LETTERS[p]}**: {text}" for p, (text, _, _) in enumerate(item.choices))
        asked = [f"answer(guess, {item.ask}"]
        for place, (text, _, _) in enumerate(item.choices):
            more = f"{LETTERS[place]}={text!r}"
            fits = len(asked[-1]) + len(more) < 100
            asked[-1] += ", " + more if fits else ","
            asked += [] if fits else [" " * 7 + more]
        cells += [
            nbformat.v4.new_markdown_cell(f"## {number}. {item.question}\n\n{choices}", id=f"question-{number}"),
            nbformat.v4.new_code_cell(f'guess = ""\n\n{item.code}\n\n' + "\n".join(asked) + ")", id=f"cell-{number}"),
            nbformat.v4.new_markdown_cell(
                f"<details><summary>Why?</summary>\n\n{item.why} Read on: "
                f"[{NOTEBOOKS[item.cure]}]({item.cure}.ipynb).\n\n</details>",
                id=f"why-{number}",
            ),
        ]
        cells[-2].outputs = [
            nbformat.v4.new_output(
                "stream",
                name="stdout",
                text=f"Write one of {', '.join(LETTERS[: len(item.choices)])} between the quotes of guess, "
                "and run the cell again.\n",
            )
        ]
    book = nbformat.v4.new_notebook(cells=cells)
    count = 0
    for cell in book.cells:
        if cell.cell_type == "code":
            count += 1
            cell.execution_count = count
    book.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return nbformat.writes(book) + "\n"


def files() -> dict[Path, str]:
    """The text of each file."""
    return {
        HERE / "index.html": page(),
        HERE / "sheet.html": sheet(),
        HERE.parent / "misconceptions.md": misconceptions(),
        HERE.parents[1] / "notebooks" / "inventory.ipynb": notebook(),
    }


if __name__ == "__main__":
    texts = files()
    old = [path for path, text in texts.items() if not path.exists() or path.read_text("utf-8") != text]
    if "--check" in sys.argv[1:]:
        sys.exit("\n".join(f"{path.name} differs; run python docs/inventory/build.py" for path in old) or 0)
    for path in old:
        path.write_text(texts[path], "utf-8")
