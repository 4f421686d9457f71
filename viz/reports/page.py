"""`report`: a page with the data, the training, and what the model makes of rows that it was not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.engine.numeric import counted
from chainrule.nn import Dataset

from ..common.choices import check_choice, check_kind
from ..common.colours import THEMES
from ..common.page import page_html
from ..common.picture import Drawing, Page
from ..common.text import clean, markup
from ..plots.runs import HistoryLike
from ..plots.training import panel_pictures
from .findings import Findings, Predicting, findings, plane, rounded, text_of
from .panels import beside_the_truth, confusion, mapped, residuals

__all__ = ["report"]

BARS = 24  # of a histogram
BAR_WIDTH, BAR_HEIGHT = 6, 26
MOST_BARS = 12  # categories that get a bar
MOST_COLUMNS = 40  # of the table that are listed
SHOWN_COLUMNS = 8  # of a row that is listed
FRAME = 900.0  # pixels of a notebook that the page takes below its picture


def report(
    model: Predicting, history: HistoryLike, train: Dataset, test: Dataset | None = None, *, theme: str = "auto"
) -> Page:
    """A page about a model that was trained on a Dataset: the data, the curves, and how it does on the rows for tests.

    There is a confusion matrix for classes, and predictions beside the truth for numbers; where the data have two
    columns of numbers, a map of what the model says, and the rows it is most wrong about. Without `test`, it is
    the rows for training that it is judged by, and the page says so.

    Errors: ValueError for a history without epochs, for an unknown theme; TypeError for a model that does not predict,
    and for data that are no Dataset.

    >>> import chainrule as cr
    >>> train, test = cr.moons().split()
    >>> model = cr.MLP(2, [8, 2], activation="tanh", rng=0)
    >>> history = cr.fit(model, cr.cross_entropy, train, validation=test, epochs=5, progress=False)
    >>> report(model, history, train, test)
    <Page: report on moons>
    """
    check_choice("theme", theme, THEMES)
    check_kind("model", model, callable(getattr(model, "predict", None)), "a model that has predict(X)")
    check_kind("train", train, isinstance(train, Dataset), "a Dataset, such as cr.table makes")
    check_kind("test", test, test is None or isinstance(test, Dataset), "a Dataset, or None")
    judged = train if test is None else test
    found = findings(model, judged)
    pictures = _pictures(model, train, judged, found, theme)
    training = _flowing(panel_pictures(history, theme))
    whose = (
        f"{counted(len(judged), 'row')} that it was not trained on"
        if test is not None
        else "the rows that it was trained on"
    )
    target = clean(train.table.target)
    count = len(train.table.columns)
    columns = counted(count, "column")
    title = f"report on {clean(train.name)}"
    body = (
        f"<header><h1>{markup(clean(train.name))}</h1>"
        f"<p>To predict {markup(target)} from {columns}, a model learned from {len(train)} "
        f"rows. On {whose}, <strong>{markup(found.headline)}</strong>.</p></header>\n"
        f'<section><h2>The result</h2><div class="pictures">{_flowing(pictures)}</div>\n'
        f"{_worst(judged, found)}</section>\n"
        f'<section><h2>The training</h2><div class="pictures">{training}</div></section>\n'
        f"<section><h2>The data</h2>{_data(train, judged if test is not None else None)}</section>\n"
    )
    html = page_html(title, f"<main>\n{body}</main>", None, "reports", "reports", theme)
    first = pictures[0]
    return Page(html, Drawing(first.svg, first.width, first.height, title), FRAME)


def _flowing(pictures: Sequence[Drawing]) -> str:
    return "".join([one.in_text for one in pictures])


def _pictures(model: Predicting, train: Dataset, judged: Dataset, found: Findings, theme: str) -> list[Drawing]:
    target = clean(train.table.target)
    if found.counts is not None:
        pictures = [confusion(found.counts, train.target_names, theme)]
    else:
        pictures = [
            beside_the_truth(found.truth, found.answers, target, theme),
            residuals(found.truth, found.answers, theme),
        ]
    field = plane(model, train, judged)
    if field is not None:
        cells, _ = judged.raw_cells()
        points = [cells[name] for name in field.names]
        pictures.append(mapped(field, points, found.truth, train.target_names, target, theme))
    return pictures


def _worst(data: Dataset, found: Findings) -> str:
    """A table of the rows that the model is most wrong about."""
    if not found.worst:
        return "<p>It is wrong about none of them.</p>"
    cells, source = data.raw_cells()
    names, classes = list(cells)[:SHOWN_COLUMNS], data.target_names
    heads = [source.what, "truth", "prediction", "sure to" if classes else "error", *names]
    rows = []
    for row in found.worst:
        truth, answer = found.truth[row], found.answers[row]
        if classes:
            told = [str(classes[truth]), str(classes[answer]), f"{100 * found.sureness[row]:.0f}\u00a0%"]
        else:
            told = [rounded(truth), rounded(answer), rounded(answer - truth, 3)]
        number = row if source.numbers is None else int(source.numbers[row])
        rows.append([str(number), *told, *[text_of(cells[name][row]) for name in names]])
    return "<h3>Where it is most wrong</h3>" + _table(heads, rows)


def _data(train: Dataset, test: Dataset | None) -> str:
    """A table of the columns: what is in each, and how it is spread."""
    *told, (target, said_of_target) = train.told()
    cells, _ = train.raw_cells()
    rows = [_column(name, cells[name], said) for name, said in told[:MOST_COLUMNS]]
    if len(told) > MOST_COLUMNS:
        rows.append(f"<tr><th>…</th><td></td><td>and {len(told) - MOST_COLUMNS} more columns</td></tr>\n")
    classes = train.target_names
    goal = np.array([str(classes[label]) for label in train.y], dtype=object) if classes else train.y
    rows.append(_column(target, goal, said_of_target))
    notes = "".join([f"<p>{markup(clean(note))}</p>" for note in train.table.notes])
    parts = f"{counted(len(train), 'row')} for training" + (f" and {len(test)} for tests" if test is not None else "")
    table = f'<div class="wide"><table class="columns">\n{"".join(rows)}</table></div>'
    return f"<p>{parts}; what follows is of the first.</p>\n{table}\n{notes}"


def _column(name: str, cells: NDArray[Any], said: str) -> str:
    shown = markup(clean(name))
    return f"<tr><th>{shown}</th><td>{_histogram(cells, name)}</td><td>{markup(clean(said))}</td></tr>\n"


def _histogram(cells: NDArray[Any], name: str) -> str:
    """How often the numbers of each range occur, or each word, as bars."""
    if cells.dtype == object:
        _, counted = np.unique([one for one in cells.tolist() if one is not None] or [""], return_counts=True)
        counts = counted.tolist()[:MOST_BARS]
    else:
        held = cells[np.isfinite(cells.astype(np.float64))].astype(np.float64)
        low, high = (float(held.min()), float(held.max())) if len(held) else (0.0, 1.0)
        places = (held - low) / (high - low) * (BARS - 1) if high > low else np.zeros(len(held))
        counts = np.bincount(places.round().astype(int), minlength=BARS if high > low else 1).tolist()
    largest = max([*counts, 1])
    bars = "".join([
        f'<rect x="{place * BAR_WIDTH}" y="{BAR_HEIGHT - BAR_HEIGHT * count / largest:.1f}" width="{BAR_WIDTH - 1}" '
        f'height="{BAR_HEIGHT * count / largest:.1f}"/>'
        for place, count in enumerate(counts)
    ])  # fmt: skip
    width = BAR_WIDTH * max(len(counts), 1)
    said = markup(f"how {clean(name)} is spread")
    size = f'viewBox="0 0 {width} {BAR_HEIGHT}" width="{width}" height="{BAR_HEIGHT}"'
    return f'<svg class="bars" {size} role="img" aria-label="{said}">{bars}</svg>'


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join([f"<th>{markup(clean(head))}</th>" for head in heads])
    lines = ["<tr>" + "".join([f"<td>{markup(clean(cell))}</td>" for cell in row]) + "</tr>\n" for row in rows]
    return f'<div class="wide"><table><tr>{top}</tr>\n{"".join(lines)}</table></div>\n'
