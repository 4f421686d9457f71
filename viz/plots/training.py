"""curves(): the losses, the metrics and the sizes of the gradients of a training, over its epochs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from chainrule.engine.numeric import counted

from ..common.choices import check_choice, list_of_texts
from ..common.colours import THEMES
from ..common.icons import button
from ..common.page import page_html
from ..common.picture import Drawing, Page
from ..common.svg import drawing_id, svg_document, themed_rules
from ..common.text import markup, short
from ..common.values import unlike
from .panels import HEIGHT, PANEL, Panel, across, panel_svg, rules
from .runs import HistoryLike, Run, Series, may_be_log, wants_log

FOOT_HEIGHT = 150.0
PER_ROW = 2  # panels side by side: three do not fit a notebook


def curves(*histories: HistoryLike, labels: Sequence[str] | None = None, notes: Sequence[str] = (),
           theme: str = "auto") -> Page:  # fmt: skip
    """A page with the losses over the epochs and, beside them, the metrics and the size of each layer's gradient.

    Several trainings lie over each other, each in a colour of its own and named by `labels`; test losses are dashed.
    An axis is logarithmic where the largest number is a hundred times the smallest one; the page can switch it. The
    epoch of the lowest test loss has a ring, and the epoch at which a training diverged has a line. `notes` are
    sentences of your own, which the page shows under its own.
    `theme` is "light", "dark" or "auto": as the reader's system has it.

    Errors: ValueError for a history without epochs, for a list that is longer than its epochs, for labels that are not
    as many as the histories, for an unknown theme; TypeError for what is no history.

    >>> from chainrule import History
    >>> history = History()
    >>> history.epochs, history.train_loss = [1, 2], [0.5, 0.25]
    >>> curves(history)
    <Page: training, epochs 1 to 2>
    >>> curves(history, history, labels=["slow", "fast"])
    <Page: 2 trainings, epochs 1 to 2>
    """
    check_choice("theme", theme, THEMES)
    runs = _runs(histories, labels)
    panels = _panels(runs)
    epochs = sorted({epoch for run in runs for epoch in run.epochs})
    many = f"{len(runs)} trainings" if len(runs) > 1 else "training"
    title = f"{many}, epochs {epochs[0]} to {epochs[-1]}"
    picture = _picture(panels, epochs, title, theme)
    data: dict[str, Any] = {
        "epochs": epochs,
        "lines": _lines(runs, epochs),
        "x": [round(x, 1) for x in across(epochs, epochs)],
        "panel": PANEL,
    }
    said = [*[sentence for run in runs for sentence in run.said()], *list_of_texts("notes", notes)]
    html = page_html(title, _body(picture, data["lines"][-1], said, panels), data, "plots", "curves", theme,
                     shape=(picture.width, picture.height))  # fmt: skip
    return Page(html, picture, FOOT_HEIGHT)


def panel_pictures(history: HistoryLike, theme: str) -> list[Drawing]:
    """The panels of one training, each as a picture of its own, for a page of text.

    Errors: as curves.
    """
    runs = _runs([history], None)
    return [_picture([panel], sorted(runs[0].epochs), panel.heading, theme) for panel in _panels(runs)]


def _runs(histories: Sequence[HistoryLike], labels: Sequence[str] | None) -> list[Run]:
    if not histories:
        raise ValueError("there is nothing to draw: curves() needs a history, such as fit() returns")
    for history in histories:
        if missing := [name for name in ("epochs", "train_loss", "test_loss", "metrics") if not hasattr(history, name)]:
            raise TypeError(f"curves() got {type(history).__name__}, which has no {missing[0]}: it needs a history, "
                            "such as fit() returns; write curves(h1, h2) for several")  # fmt: skip
    texts = None if labels is None else list_of_texts("labels", labels)
    if texts is not None and len(texts) != len(histories):
        raise ValueError(f"there are {counted(len(texts), 'label')} for {len(histories)} histories; give one for each")
    if len(histories) == 1:
        return [Run(histories[0], texts[0] if texts else "", None)]
    given = texts or [f"run {i}" for i in range(1, len(histories) + 1)]
    return [Run(history, label, colour) for colour, (history, label) in enumerate(zip(histories, unlike(given)))]


def _panels(runs: Sequence[Run]) -> list[Panel]:
    losses = [series for run in runs for series in run.losses]
    metrics = [series for run in runs for series in run.metrics]
    best = [mark for run in runs if (mark := run.best()) is not None and run.diverged() is None]
    diverged = [mark for run in runs if (mark := run.diverged()) is not None]
    dashed = " (dashed: test)" if any(series.is_dashed for series in (*losses, *metrics)) else ""
    panels = []
    if losses:
        shown = [replace(series, name=series.run) for series in losses] if len(runs) > 1 else losses
        panels.append(Panel("loss" + dashed, shown, wants_log(losses), may_be_log(losses), True, best, diverged))
    if metrics:
        words = set(metrics[0].name.split()).intersection(*[series.name.split() for series in metrics])
        common = [word for word in metrics[0].name.split() if word in words - {"train", "test"}]
        shown = [_briefly_named(series, common, len(runs) > 1) for series in metrics]
        panels.append(Panel((" ".join(common) or "metrics") + dashed, shown, wants_log(metrics), may_be_log(metrics)))
    if len(runs) == 1 and (sizes := runs[0].sizes):  # of several trainings, nobody could tell the layers apart
        panels.append(Panel("gradient size of each layer", sizes, may_be_log(sizes), may_be_log(sizes)))
    return panels


def _briefly_named(series: Series, common: Sequence[str], are_several: bool) -> Series:
    """Under the heading "accuracy", "train accuracy" is "train"; of several trainings, the name of its training."""
    name = " ".join([word for word in series.name.split() if word not in (*common, *("train", "test") * are_several)])
    return replace(series, name=f"{series.run} {name}".strip() if are_several else name or series.name)


def _lines(runs: Sequence[Run], epochs: Sequence[int]) -> list[str]:
    """The numbers of each epoch, with their names."""
    shown = [series for run in runs for series in (*run.losses, *run.metrics)] + (
        runs[0].sizes if len(runs) == 1 else []
    )
    tables = [(series.full_name, dict(zip(series.epochs, series.numbers))) for series in shown]
    return [
        " · ".join([f"{name} {short(numbers[epoch])}" for name, numbers in tables if epoch in numbers])
        for epoch in epochs
    ]


def _picture(panels: Sequence[Panel], epochs: Sequence[int], title: str, theme: str) -> Drawing:
    width, height = PANEL * max(min(len(panels), PER_ROW), 1), HEIGHT * max(math.ceil(len(panels) / PER_ROW), 1)
    body = f'<rect class="paper" width="{width:.0f}" height="{height:.0f}" rx="10"/>\n'
    for index, panel in enumerate(panels):
        down, right = divmod(index, PER_ROW)
        place = f"translate({right * PANEL:.0f},{down * HEIGHT:.0f})"
        body += f'<g transform="{place}">\n{panel_svg(panel, epochs)}</g>\n'
    name = drawing_id(theme + body)
    svg = svg_document(name, width, height, title, themed_rules(name, theme, rules), body)
    return Drawing(svg, width, height, title, theme)


def _body(picture: Drawing, line: str, said: Sequence[str], panels: Sequence[Panel]) -> str:
    switch = ""
    if any(panel.may_be_log for panel in panels):
        pressed = str(any(panel.is_log for panel in panels)).lower()
        switch = (f'<button type="button" id="log" aria-pressed="{pressed}" aria-label="logarithmic axes" '
                  'title="logarithmic axes (L)">'
                  "logarithmic</button>")  # fmt: skip
    told = f'<p class="said">{markup(" ".join(said))}</p>' if said else ""
    return (
        f'<section class="foot" aria-label="epochs"><div class="controls">{button("back", "one epoch back", "back")}'
        f'{button("next", "one epoch on", "next")}<input type="range" id="slider" min="0" max="0" value="0" '
        f'step="1" aria-label="epoch"><output id="counter" for="slider"></output>{switch}</div>'
        f'<p class="numbers" id="numbers" aria-live="polite">{markup(line)}</p>{told}</section>\n{picture.view}'
    )
