"""draw(): a computation and its gradients as one SVG."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from chainrule.engine import Value
from chainrule.nn import Module

from ..common.choices import check_choice
from ..common.colours import STEPS, THEMES, shade_class, shade_of
from ..common.picture import Drawing
from ..common.svg import Point, drawing_id, svg_document
from ..common.text import markup, short, shortened, text_width
from ..common.values import values_of
from .architecture import architecture
from .as_dot import dot_of
from .cards import BADGE, card_svg
from .edges import BEFORE_TIP, edge_svg
from .folding import choose_fold, folded_scene, units_of
from .labels import Labelled, Piece, has_label, labels_svg
from .layout.layered import BOX_ABOVE, BOX_BELOW, Layout, arrange
from .layout.with_dot import arrange_with_dot
from .opening import opening_of, opening_panel, shades_in
from .placing import BOX_ASIDE, MARGIN, Placing, Return, ends_of
from .scene import Card, Scene
from .style import MARKS, style_sheet

LEGEND_LINE = 26.0
NOTICE_LINE = 20.0
LARGE = 4000.0  # pixels; a drawing says so when it is larger
USUAL, MUCH = 0.85, 20.0  # tints are made for this share of the gradients, where the rest are so much larger
MOST_CARDS = 6000
FOLDS = ("auto", "none", "neurons", "layers")
ENGINES = {"builtin": arrange, "dot": arrange_with_dot}


def draw(
    value: Any, *, fold: str = "auto", example: int | None = None, theme: str = "auto", engine: str = "builtin"
) -> Drawing:
    """The graph that `value` was computed from: a card for each value, an edge for each argument.

    `value` may be one Value, or several results (a list, a tuple, an array), such as what a model returns; a model
    itself is drawn without numbers of an example, with its weights.
    `fold` is "none", "neurons" or "layers", which make one card of each neuron or layer, or "auto", which folds large
    graphs. Of a loss over many examples one is drawn: the first, or `example`. `theme` is "light", "dark" or "auto":
    as the reader's system has it. `engine` says who places the cards: "builtin" needs no other program and gives the
    same bytes everywhere; "dot" is Graphviz's program, if installed.

    Errors: ValueError for more than 6,000 cards, for an example that there is not and for an unknown fold, theme or
    engine; TypeError for what is not a Value; for "dot", FileNotFoundError where Graphviz is missing and TimeoutError
    where it takes too long.

    >>> from chainrule import Value
    >>> a = Value(2.0, label="a")
    >>> draw(a * a)
    <Drawing: v1 = 4, computed from 1 value>
    """
    check_choice("fold", fold, FOLDS)
    check_choice("theme", theme, THEMES)
    check_choice("engine", engine, ENGINES)
    if isinstance(value, Module):
        return drawing_of(architecture(value), theme, engine=engine)
    order, roots = _order_of(value)
    units = units_of(order)
    by = choose_fold(units) if fold == "auto" else fold
    if by == "none" and example is None:
        _check_size(len(order), 'fold="auto" folds neurons, sums and steps that are alike')
    scene = folded_scene(order, None, units, by, roots=roots, example=example)
    _check_size(len(scene.cards), "draw a part, such as one example")
    return drawing_of(scene, theme, engine=engine)


def _order_of(value: Any) -> tuple[list[Value], list[int]]:
    """All values in topological order, and the numbers of the results."""
    if isinstance(value, Value) or not hasattr(value, "__iter__"):
        order = values_of(value)
        return order, [len(order) - 1]
    results = list(value.flat) if hasattr(value, "flat") else list(value)
    if not results:
        raise ValueError("there is nothing to draw: the list of results is empty")
    found: dict[Value, None] = {}
    for result in results:
        found.update(dict.fromkeys(values_of(result)))
    order = list(found)
    number = {value: index for index, value in enumerate(order)}
    return order, sorted({number[result] for result in results})


def _check_size(cards: int, hint: str) -> None:
    if cards > MOST_CARDS:
        raise ValueError(f"the graph has {cards:,} cards, too many to look at (at most {MOST_CARDS:,}): {hint}")


def drawing_of(scene: Scene, theme: str, all_shades: bool = False, engine: str = "builtin") -> Drawing:
    """The picture of a scene; `all_shades` is for a page that will change the shades."""
    picture = _SceneDrawing(scene, ENGINES[engine])
    body = picture.body()
    name = drawing_id(f"{theme} {all_shades} {body}")
    classes = set(re.findall(r"[\w-]+", " ".join(set(re.findall(r'class="([^"]*)"', body)))))
    opening = picture.opening()
    if has_script := any(opening.values()):
        classes.update(["key", *shades_in(opening)])
    used = [shade for shade in range(-STEPS, STEPS + 1) if all_shades or shade_class(shade) in classes]
    marks = [mark for mark in MARKS if mark in classes]
    style = style_sheet(name, theme, used, marks)
    svg = svg_document(name, picture.width, picture.height, scene.title, style, body)
    script = ("graph", "opening", opening, opening_panel(theme)) if has_script else ("", "", None, "")
    return Drawing(svg, picture.width, picture.height, scene.title, theme, partial(dot_of, scene), script)


class _SceneDrawing:
    """A scene with the measures that its SVG needs."""

    def __init__(self, scene: Scene, arranged_by: Callable[..., Layout]) -> None:
        self.scene = scene
        self.has_scale = scene.has_gradients or scene.shows == "weight"
        self.largest = _scale(scene.cards)
        has_rows = any(card.rows for card in scene.cards)
        self.largest_passed = _robust([edge.passed for edge in scene.edges], has_rows)
        if scene.shows == "weight":  # of edges, rows and squares, one scale for all
            numbers = [one for card in scene.cards if card.matrix for row in card.matrix.weights for one in row]
            self.largest = max(self.largest, _largest([one for one in numbers if one is not None]))
            self.largest_passed = self.largest = max(self.largest, self.largest_passed)
        self.placing = Placing(scene, arranged_by)
        self.legend = self._legend_texts()
        room = self.placing.width
        ends = text_width(self.legend[0], 14) + text_width(f"−{short(self.largest, 3)}", 14)
        self.scale_left = MARGIN + max(104.0, ends + 20)
        alone = 196.0 + self.scale_left - MARGIN + (92.0 if self.has_scale else 0.0)
        beside = alone + text_width(self.legend[-1], 14)
        self.is_legend_on_one_line = beside <= room
        hints = [*scene.hints, *self._size_hint()]
        self.notices = [("notice", line) for line in scene.notices] + [("hint", line) for line in hints]
        below = max([text_width(line, 14) for line in (self.legend[-1], *[line for _, line in self.notices])])
        self.width = math.ceil(max(room, alone, MARGIN * 2 + below))
        for_legend = LEGEND_LINE * (2 if self.is_legend_on_one_line else 3) - 4
        self.notice_top = self.placing.bottom + for_legend
        self.height = math.ceil(self.notice_top + NOTICE_LINE * len(self.notices))

    def body(self) -> str:
        parts = [f'<rect class="paper" width="{self.width}" height="{self.height}" rx="10"/>\n', *self._boxes()]
        parts += self._edges()
        largest_bars = self._largest_bars()
        for number, (card, rectangle) in enumerate(zip(self.scene.cards, self.placing.rectangles)):
            parts.append(card_svg(number, card, rectangle, self.largest, largest_bars[card.layer]))
        return "".join([*parts, self._legend(), *self._notices()])

    def _size_hint(self) -> list[str]:
        """What is said of a drawing that nobody can look at as a whole."""
        width, height = self.placing.width, self.placing.bottom
        if max(width, height) <= LARGE:
            return []
        or_fold = ', or fold it (fold="auto")' if self.scene.fold == "none" else ""
        return [f"This drawing is {width:,.0f} × {height:,.0f} pixels: draw a part of it{or_fold}."]

    def opening(self) -> dict[str, Any]:
        """The data of the script that opens cards."""
        return opening_of(self.scene, self.placing, self.largest, self.largest_passed)

    def _largest_bars(self) -> dict[str, float]:
        """The largest bar of each layer: the bars of one layer share a scale."""
        bars: dict[str, list[float]] = {}
        for card in self.scene.cards:
            bars.setdefault(card.layer, []).extend(card.bars)
            if card.matrix:
                has_gradients = any(map(any, card.matrix.gradients))
                for row in card.matrix.gradients if has_gradients else card.matrix.weights:
                    bars[card.layer] += [number for number in row if number is not None]
        return {name: _largest(numbers) for name, numbers in bars.items()}

    def _boxes(self) -> list[str]:
        parts = []
        for (column, name), rectangles in self.placing.members_of_boxes().items():
            top = min([one.y for one in rectangles]) - BOX_ABOVE + 4
            bottom = max([one.y + one.height for one in rectangles]) + BOX_BELOW
            left, right = self.placing.left[column] - BADGE - BOX_ASIDE, self.placing.right[column] + BOX_ASIDE
            parts.append(
                f'<rect class="box" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" '
                f'height="{bottom - top:.1f}" rx="14"/><text class="title faint" x="{left + 14:.1f}" '
                f'y="{top + 20:.1f}">{markup(shortened(name, right - left - 28, 14, bold=True))}</text>\n'
            )
        return parts

    def _edges(self) -> list[str]:
        """The edges, strong ones over weak ones, and the labels over all of them."""
        placing = self.placing
        drawn: Counter[tuple[int, int | None, int, int | None]] = Counter()
        columns = [placing.layout.column[edge.end] for edge in self.scene.edges]
        pieces: dict[int, list[Piece]] = {}
        labelled: dict[int, list[Labelled]] = {column: [] for column in columns}
        lines = []
        for number, edge in enumerate(self.scene.edges):
            places = placing.stops(number, drawn[ends_of(edge)])
            drawn[ends_of(edge)] += 1
            stops = [point for _, point in places]
            returns = [placing.way_back(number, column) for column, _ in places[:-1:2]]
            shade = shade_of(edge.passed, self.largest_passed)
            lines.append((abs(shade), number, edge_svg(number, edge, stops, shade, returns)))
            own = [_piece(one, other, back) for one, other, back in zip(stops[::2], stops[1::2], returns)]
            for (column, _), piece in zip(places[1::2], own):
                pieces.setdefault(column, []).append(piece)
            if has_label(edge, placing.crowd[columns[number]]):
                labelled[columns[number]].append((number, edge, own[-1]))
        labels = [labels_svg(members, pieces[column]) for column, members in labelled.items()]
        return ["<g>\n", *[text for _, _, text in sorted(lines)], "</g>\n", *labels]

    def _legend_texts(self) -> list[str]:
        if self.scene.shows == "weight":
            squares = (
                "; squares: weights (row: to, column: from)" if any(one.matrix for one in self.scene.cards) else ""
            )
            bars = "; bars: weights" if any(one.bars for one in self.scene.cards) else ""
            return ["weight", f"edges: colour and width = weight{squares}{bars}"]
        if not self.scene.has_gradients:
            return ["no gradients yet: backward() fills them in"]
        has_labels = any(edge.label for edge in self.scene.edges)
        text = "edges: " + ("× local derivative; " if has_labels else "") + "colour and width = gradient passed back"
        bars = "; bars: gradients of its parameters"
        if any(card.matrix for card in self.scene.cards):
            text += "; squares: gradients of weights (row: to, column: from)"
        text += bars if any(card.bars for card in self.scene.cards) else ""
        return ["grad", text + ("; …: some gradients are larger" if self._has_larger() else "")]

    def _has_larger(self) -> bool:
        return any(abs(card.strength) > self.largest for card in self.scene.cards)

    def _notices(self) -> list[str]:
        heights = [self.notice_top + NOTICE_LINE * place + 8 for place in range(len(self.notices))]
        return [
            f'<text class="{kind}" x="{MARGIN:.0f}" y="{y:.0f}">{markup(line)}</text>\n'
            for y, (kind, line) in zip(heights, self.notices)
        ]

    def _legend(self) -> str:
        y = self.placing.bottom + LEGEND_LINE + 4
        if not self.has_scale:
            return f'<text class="faint" x="{MARGIN:.1f}" y="{y:.1f}">{self.legend[0]}</text>\n'
        size, left = 11.0, self.scale_left
        more = " …" if self._has_larger() else ""
        right = left + (2 * STEPS + 1) * size
        parts = [
            f'<text class="faint" x="{MARGIN:.1f}" y="{y:.1f}">{self.legend[0]}</text>',
            f'<text class="faint end" x="{left - 8:.1f}" y="{y:.1f}">−{short(self.largest, 3)}</text>',
            f'<text class="faint" x="{right + 8:.1f}" y="{y:.1f}">+{short(self.largest, 3)}{more}</text>',
        ]
        for shade in range(-STEPS, STEPS + 1):
            parts.append(
                f'<rect class="tint {shade_class(shade)}" x="{left + (shade + STEPS) * size:.1f}" '
                f'y="{y - 11:.1f}" width="{size:.1f}" height="13"/>'
            )
        x, y = (right + 92, y) if self.is_legend_on_one_line else (MARGIN, y + LEGEND_LINE - 2)
        word, largest = self.legend[0], short(self.largest, 3)
        scale = markup(f"{word}: orange −{largest}, blue +{largest}; {self.legend[1]}.")
        parts.append(f'<text class="faint" data-told="{scale}" x="{x:.1f}" y="{y:.1f}">{self.legend[1]}</text>\n')
        return "".join(parts)


def _largest(numbers: Iterable[float]) -> float:
    return max([abs(number) for number in numbers if math.isfinite(number)], default=0.0)


def _scale(cards: Sequence[Card]) -> float:
    """The gradient that has the strongest tint; a result's, mostly 1, counts where others are as large."""
    rows = [row.strength for card in cards for row in card.rows]
    others = _robust([card.strength for card in cards if not card.is_root] + rows, bool(rows))
    roots = _largest([card.strength for card in cards if card.is_root])
    return others if 0.0 < others < roots / 4 else max(others, roots)


def _robust(numbers: Sequence[float], is_network: bool) -> float:
    """The largest number; in a network without the few at its end that would make all others pale."""
    largest = _largest(numbers)
    sizes = sorted([abs(number) for number in numbers if number and math.isfinite(number)])
    usual = sizes[int(len(sizes) * USUAL)] if is_network and sizes else largest
    return usual if largest > MUCH * usual else largest


def _piece(start: Point, end: Point, back: Return | None) -> Piece:
    """The part of an edge between two columns on which a label may stand."""
    if back is None:
        return start, end
    y = end[1] + back.aside
    return (back.left, y), (end[0] - BEFORE_TIP * (back.aside != 0.0), y)
