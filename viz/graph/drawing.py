"""draw(): a computation and its gradients as one SVG."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import pairwise

from chainrule.engine import Value

from ..common.choices import check_choice
from ..common.colours import STEPS, THEMES, class_of, shade_class, shade_of
from ..common.picture import Drawing
from ..common.svg import Point, drawing_id, svg_document
from ..common.text import markup, short, shortened, text_width
from ..common.values import value_names, values_of
from .as_dot import dot_of
from .cards import (
    BADGE,
    CARD_HEIGHT,
    FOLD_HEIGHT,
    Rectangle,
    badge_width,
    bars_svg,
    card_svg,
    card_width,
)
from .edges import edge_svg
from .folding import choose_fold, folded_scene, units_of
from .labels import CROWD, Labelled, Piece, has_label, labels_svg
from .layout.layered import BOX_ABOVE, BOX_BELOW, Layout, arrange
from .layout.with_dot import arrange_with_dot
from .scene import Edge, Scene, scene_of
from .style import MARKS, style_sheet

NARROWEST, WIDEST = 148.0, 240.0  # cards
GAP, CROWDED_GAP, WIDEST_GAP = 112.0, 176.0, 220.0  # between two columns
MARGIN = 24.0
LEGEND_LINE = 26.0
NOTICE_LINE = 20.0
BOX_ASIDE = 14.0  # between a box and the cards in it
TWINS_APART = 18.0  # between the two edges of a + a
MOST_CARDS = 6000
FOLDS = ("auto", "none", "neurons", "layers")
ENGINES = {"builtin": arrange, "dot": arrange_with_dot}


def draw(value: Value, *, fold: str = "auto", theme: str = "auto", engine: str = "builtin") -> Drawing:
    """The graph that `value` was computed from: a card for each value, an edge for each argument.

    `fold` is "none", "neurons" or "layers", which make one card of each neuron or layer, or "auto", which folds large
    graphs. `theme` is "light", "dark" or "auto": as the reader's system has it. `engine` says who places the cards:
    "builtin" needs no other program and gives the same bytes everywhere; "dot" is Graphviz's program, if installed.

    Errors: ValueError for more than 6,000 cards and for an unknown fold, theme or engine; TypeError for what is not a
    Value; for "dot", FileNotFoundError where Graphviz is missing and TimeoutError where it takes too long.

    >>> from chainrule import Value
    >>> a = Value(2.0, label="a")
    >>> draw(a * a)
    <Drawing: v1 = 4, computed from 1 value>
    """
    check_choice("fold", fold, FOLDS)
    check_choice("theme", theme, THEMES)
    check_choice("engine", engine, ENGINES)
    order = values_of(value)
    names = value_names(order)
    units = units_of(order)
    by = choose_fold(units) if fold == "auto" else fold
    if by == "none":
        hint = 'fold="neurons" or fold="layers"' if any(units) else "draw a part, such as one example"
        _check_size(len(order), hint)
        return drawing_of(scene_of(order, names), theme, engine=engine)
    scene = folded_scene(order, names, units, by)
    _check_size(len(scene.cards), "draw a part, such as one example")
    return drawing_of(scene, theme, engine=engine)


def _check_size(cards: int, hint: str) -> None:
    if cards > MOST_CARDS:
        raise ValueError(f"the graph has {cards:,} cards, too many to look at (at most {MOST_CARDS:,}): {hint}")


def drawing_of(scene: Scene, theme: str, all_shades: bool = False, engine: str = "builtin") -> Drawing:
    """The picture of a scene; `all_shades` is for a page that will change the shades."""
    picture = _SceneDrawing(scene, ENGINES[engine])
    body = picture.body()
    name = drawing_id(f"{theme} {all_shades} {body}")
    used = range(-STEPS, STEPS + 1) if all_shades or scene.has_gradients else [0]
    marks = [mark for mark in MARKS if f" {mark}" in body.replace('class="', " ")]
    style = style_sheet(name, theme, used, marks)
    svg = svg_document(name, picture.width, picture.height, scene.title, style, body)
    return Drawing(svg, picture.width, picture.height, scene.title, theme, partial(dot_of, scene))


class _SceneDrawing:
    """A scene with the measures that its SVG needs."""

    def __init__(self, scene: Scene, arranged_by: Callable[..., Layout]) -> None:
        self.scene = scene
        self.largest = _largest([card.strength for card in scene.cards])
        self.largest_passed = _largest([edge.passed for edge in scene.edges])
        heights = [FOLD_HEIGHT if card.is_fold and card.bars else CARD_HEIGHT for card in scene.cards]
        edges = [(edge.start, edge.end) for edge in scene.edges]
        self.layout = arranged_by(heights, edges, [card.box for card in scene.cards])
        self.rectangles: list[Rectangle] = []
        self.crowd = Counter([self.layout.column[edge.end] for edge in scene.edges if edge.label])
        self._measure(heights)
        self.legend = self._legend_texts()
        room = self.right[-1] + MARGIN + (BOX_ASIDE if scene.cards[-1].box else 0.0)
        alone = 300.0 + (92.0 if scene.has_gradients else 0.0)
        beside = alone + text_width(self.legend[-1], 13)
        self.is_legend_on_one_line = beside <= room
        self.notices = scene.notices
        below = max([text_width(line, 13) for line in (self.legend[-1], *self.notices)])
        self.width = math.ceil(max(room, alone, MARGIN * 2 + below))
        for_legend = LEGEND_LINE * (2 if self.is_legend_on_one_line else 3) - 4
        self.notice_top = self.bottom + for_legend
        self.height = math.ceil(self.notice_top + NOTICE_LINE * len(self.notices))

    def _measure(self, heights: list[float]) -> None:
        layout, cards = self.layout, self.scene.cards
        bends = [y for bend in layout.bends for _, y in bend]
        tops = [y - h / 2 - (BOX_ABOVE if card.box else 0.0) for y, h, card in zip(layout.y, heights, cards)]
        bottoms = [y + h / 2 + (BOX_BELOW if card.box else 0.0) for y, h, card in zip(layout.y, heights, cards)]
        self.shift = MARGIN - min(tops + bends)
        self.bottom = max(bottoms + bends) + self.shift
        widths = [NARROWEST] * (max(layout.column) + 1)
        for card, column in zip(cards, layout.column):
            widths[column] = max(widths[column], min(WIDEST, card_width(card)))
        at_edge = [card for card, column in zip(cards, layout.column) if column == 0]
        overhang = max([BOX_ASIDE + BADGE if card.box else badge_width(card.badge) / 2 for card in at_edge])
        self.left = [MARGIN + (overhang if any(card.badge for card in at_edge) else 0.0)]
        for size, gap in zip(widths, self._gaps(len(widths))):
            self.left.append(self.left[-1] + size + gap)
        self.right = [left + size for left, size in zip(self.left, widths)]
        for column, y, height in zip(layout.column, layout.y, heights):
            self.rectangles.append(Rectangle(self.left[column], y - height / 2 + self.shift, widths[column], height))

    def _gaps(self, columns: int) -> list[float]:
        """The room between columns: steep edges and many labels get more of it."""
        steepest = [0.0] * (columns - 1)
        layout = self.layout
        for edge, bends in zip(self.scene.edges, layout.bends):
            points = [*bends, (layout.column[edge.end], layout.y[edge.end])]
            if not bends or bends[0][0] == layout.column[edge.start] + 1:
                points = [(layout.column[edge.start], layout.y[edge.start]), *points]
            for (gap, one), (_, other) in pairwise(points):
                steepest[gap] = max(steepest[gap], abs(one - other))
        least = [CROWDED_GAP if self.crowd[gap + 1] > CROWD else GAP for gap in range(columns - 1)]
        return [min(gap + max(0.0, steep - 200.0) * 0.12, WIDEST_GAP) for gap, steep in zip(least, steepest)]

    def body(self) -> str:
        parts = [f'<rect class="paper" width="{self.width}" height="{self.height}" rx="10"/>\n', *self._boxes()]
        parts += self._edges()
        largest_bars = self._largest_bars()
        for number, (card, rectangle) in enumerate(zip(self.scene.cards, self.rectangles)):
            bars = bars_svg(card, rectangle, largest_bars[card.layer]) if card.bars else ""
            parts.append(card_svg(number, card, rectangle, class_of(card.strength, self.largest), bars))
        return "".join([*parts, self._legend(), *self._notices()])

    def _largest_bars(self) -> dict[str, float]:
        """The largest bar of each layer: the bars of one layer share a scale."""
        bars: dict[str, list[float]] = {}
        for card in self.scene.cards:
            bars.setdefault(card.layer, []).extend(card.bars)
        return {name: _largest(numbers) for name, numbers in bars.items()}

    def _boxes(self) -> list[str]:
        members: dict[tuple[int, str], list[Rectangle]] = {}
        for card, rectangle, column in zip(self.scene.cards, self.rectangles, self.layout.column):
            if card.box is not None:
                members.setdefault((column, card.box), []).append(rectangle)
        parts = []
        for (column, name), rectangles in members.items():
            top = min([one.y for one in rectangles]) - BOX_ABOVE + 4
            bottom = max([one.y + one.height for one in rectangles]) + BOX_BELOW
            left, right = self.left[column] - BADGE - BOX_ASIDE, self.right[column] + BOX_ASIDE
            parts.append(
                f'<rect class="box" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" '
                f'height="{bottom - top:.1f}" rx="14"/><text class="title faint" x="{left + 14:.1f}" '
                f'y="{top + 20:.1f}">{markup(shortened(name, right - left - 28, 13, bold=True))}</text>\n'
            )
        return parts

    def _edges(self) -> list[str]:
        """The edges, strong ones over weak ones, and the labels over all of them."""
        twins: dict[tuple[int, int], int] = {}
        for edge in self.scene.edges:
            twins[edge.start, edge.end] = twins.get((edge.start, edge.end), 0) + 1
        drawn = dict.fromkeys(twins, 0)
        columns = [self.layout.column[edge.end] for edge in self.scene.edges]
        pieces: dict[int, list[Piece]] = {}
        labelled: dict[int, list[Labelled]] = {column: [] for column in columns}
        lines = []
        for number, (edge, bends) in enumerate(zip(self.scene.edges, self.layout.bends)):
            pair = (edge.start, edge.end)
            aside = (drawn[pair] - (twins[pair] - 1) / 2) * TWINS_APART
            drawn[pair] += 1
            stops = self._stops(edge, bends, aside)
            shade = shade_of(edge.passed, self.largest_passed)
            lines.append((abs(shade), number, edge_svg(number, edge, stops, shade)))
            for piece in zip(stops[::2], stops[1::2]):
                pieces.setdefault(bisect_left(self.right, piece[0][0]) + 1, []).append(piece)
            if has_label(edge, self.crowd[columns[number]]):
                labelled[columns[number]].append((number, edge, (stops[-2], stops[-1])))
        labels = [labels_svg(members, pieces[column]) for column, members in labelled.items()]
        return ["<g>\n", *[text for _, _, text in sorted(lines)], "</g>\n", *labels]

    def _stops(self, edge: Edge, bends: Sequence[tuple[int, float]], aside: float) -> list[Point]:
        """The points of an edge: out of its card, into and out of each column on the way, and to the badge."""
        start, end = self.rectangles[edge.start], self.rectangles[edge.end]
        # The twin edges of a + a part on the way and meet the badge a little above and below its middle.
        limit = min(max(aside, -30.0), 30.0)
        stops = [(start.right, start.middle + limit)]
        if bends and bends[0][0] > self.layout.column[edge.start] + 1:  # it branches off from a longer edge
            (column, y), *bends = bends
            stops = [(self.right[column], y + self.shift + aside)]
        for column, y in bends:
            stops += [(self.left[column], y + self.shift + aside), (self.right[column], y + self.shift + aside)]
        reach = badge_width(self.scene.cards[edge.end].badge) / 2
        return [*stops, (end.x - reach + abs(limit) * 0.2, end.middle + limit * 0.45)]

    def _legend_texts(self) -> list[str]:
        if not self.scene.has_gradients:
            return ["no gradients yet: backward() fills them in"]
        has_labels = any(edge.label for edge in self.scene.edges)
        text = "edges: " + ("× local derivative; " if has_labels else "") + "colour and width = gradient passed back"
        bars = "; bars: gradients of its parameters, one scale for each layer"
        return ["grad", text + (bars if any(card.bars for card in self.scene.cards) else "")]

    def _notices(self) -> list[str]:
        lines = [(self.notice_top + NOTICE_LINE * i + 8, line) for i, line in enumerate(self.notices)]
        return [f'<text class="notice" x="{MARGIN:.1f}" y="{y:.1f}">{markup(line)}</text>\n' for y, line in lines]

    def _legend(self) -> str:
        y = self.bottom + LEGEND_LINE + 4
        if not self.scene.has_gradients:
            return f'<text class="faint" x="{MARGIN:.1f}" y="{y:.1f}">{self.legend[0]}</text>\n'
        size, left = 11.0, MARGIN + 104
        right = left + (2 * STEPS + 1) * size
        parts = [
            f'<text class="faint" x="{MARGIN:.1f}" y="{y:.1f}">{self.legend[0]}</text>',
            f'<text class="faint end" x="{left - 8:.1f}" y="{y:.1f}">−{short(self.largest, 3)}</text>',
            f'<text class="faint" x="{right + 8:.1f}" y="{y:.1f}">+{short(self.largest, 3)}</text>',
        ]
        for shade in range(-STEPS, STEPS + 1):
            parts.append(
                f'<rect class="tint {shade_class(shade)}" x="{left + (shade + STEPS) * size:.1f}" '
                f'y="{y - 11:.1f}" width="{size:.1f}" height="13"/>'
            )
        x, y = (right + 92, y) if self.is_legend_on_one_line else (MARGIN, y + LEGEND_LINE - 2)
        return "".join([*parts, f'<text class="faint" x="{x:.1f}" y="{y:.1f}">{self.legend[1]}</text>\n'])


def _largest(numbers: Iterable[float]) -> float:
    return max([abs(number) for number in numbers if math.isfinite(number)], default=0.0)
