"""draw(): a computation and its gradients as one SVG."""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from chainrule.engine import Value

from ..common.colours import STEPS, level, shade_class, style_sheet
from ..common.picture import Drawing
from ..common.text import fit, markup, short, value_names, width
from ..stepper.chain import values_of
from .folding import choose_fold, units_of
from .folding import fold as folded
from .labels import CROWD, Labelled, Piece, has_label, labels_svg
from .layout.columns import BOX_ABOVE, BOX_BELOW, Layout, arrange
from .layout.with_dot import arrange_with_dot
from .marks import (
    BADGE,
    CARD_HEIGHT,
    FOLD_HEIGHT,
    Place,
    Point,
    badge_width,
    bars_svg,
    card_svg,
    card_width,
    edge_svg,
)
from .scene import Link, Scene, scene_of

NARROWEST, WIDEST = 148.0, 240.0  # cards
GAP, CROWDED_GAP, WIDEST_GAP = 112.0, 176.0, 220.0  # between two columns
MARGIN = 24.0
LEGEND_LINE = 26.0
BOX_ASIDE = 14.0                  # a layer's frame beside its cards
TWINS_APART = 18.0                # between the two edges of a + a
MOST_CARDS = 6000
FOLDS = ("auto", "none", "neurons", "layers")
ENGINES = {"builtin": arrange, "dot": arrange_with_dot}


def draw(value: Value, *, fold: str = "auto", theme: str = "auto", engine: str = "builtin") -> Drawing:
    """The graph that `value` was computed from: a card for each value, an edge for each argument.

    `fold` is "none", "neurons", "layers" or "auto": fold by neuron or layer when the graph is large. `theme` is
    "light", "dark" or "auto": as the reader's system has it. `engine` "dot" places the cards with Graphviz's program
    dot, where that is installed; "builtin" needs nothing and gives the same bytes everywhere.

    Errors: ValueError for more than 6,000 cards; TypeError for what is no Value; FileNotFoundError for "dot" without
    Graphviz, TimeoutError if it takes too long.

    >>> from chainrule import Value
    >>> a = Value(2.0, label="a")
    >>> draw(a * a)
    <Drawing: v1 = 4, computed from 1 value>
    """
    if fold not in FOLDS:
        raise ValueError(f"fold {fold!r}: there are {', '.join(FOLDS)}")
    if engine not in ENGINES:
        raise ValueError(f"engine {engine!r}: there are {', '.join(ENGINES)}")
    order = values_of(value)
    names = value_names(order)
    units = units_of(order)
    by = choose_fold(units) if fold == "auto" else fold
    if by == "none":
        hint = 'fold="neurons" or fold="layers"' if any(units) else "draw a part, such as one example"
        _check_size(len(order), hint)
        return drawing_of(scene_of(order, names), theme, engine=engine)
    scene = folded(order, names, units, by)
    _check_size(len(scene.cards), "draw a part, such as one example")
    return drawing_of(scene, theme, engine=engine)


def _check_size(cards: int, hint: str) -> None:
    if cards > MOST_CARDS:
        raise ValueError(f"the graph has {cards:,} cards, too many to look at (at most {MOST_CARDS:,}): {hint}")


def drawing_of(scene: Scene, theme: str, all_shades: bool = False, engine: str = "builtin") -> Drawing:
    """The picture of a scene; `all_shades` for a page that will change them."""
    picture = _Picture(scene, ENGINES[engine])
    body = picture.body()
    # The id comes from what is drawn: the same drawing has the same bytes, another one rules of its own.
    name = "cr-" + hashlib.sha256(f"{theme} {all_shades} {body}".encode()).hexdigest()[:10]
    used = range(-STEPS, STEPS + 1) if all_shades or scene.has_gradients else [0]
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{name}" viewBox="0 0 {picture.width} {picture.height}" '
        f'width="{picture.width}" height="{picture.height}" role="img" aria-label="{markup(scene.title)}">\n'
        f"<style>\n{style_sheet(name, theme, used)}</style>\n{body}</svg>\n"
    )
    return Drawing(svg, picture.width, picture.height, scene.title)


class _Picture:
    """A scene on its way to SVG."""

    def __init__(self, scene: Scene, place: Callable[..., Layout]) -> None:
        self.scene = scene
        self.largest = _largest([card.strength for card in scene.cards])
        self.largest_passed = _largest([link.passed for link in scene.links])
        heights = [FOLD_HEIGHT if card.is_fold and card.bars else CARD_HEIGHT for card in scene.cards]
        edges = [(link.start, link.end) for link in scene.links]
        self.layout = place(heights, edges, [card.box for card in scene.cards])
        self.places: list[Place] = []
        self.crowd = Counter([self.layout.column[link.end] for link in scene.links if link.label])
        self._measure(heights)
        self.legend = self._legend_texts()
        room = self.right[-1] + MARGIN + (BOX_ASIDE if scene.cards[-1].box else 0.0)
        alone = 300.0 + (92.0 if scene.has_gradients else 0.0)
        beside = alone + width(self.legend[-1], 13)
        self.is_legend_on_one_line = beside <= room
        self.width = math.ceil(max(room, alone, MARGIN * 2 + width(self.legend[-1], 13)))
        self.height = math.ceil(self.bottom + LEGEND_LINE * (2 if self.is_legend_on_one_line else 3) - 4)

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
            self.places.append(Place(self.left[column], y - height / 2 + self.shift, widths[column], height))

    def _gaps(self, columns: int) -> list[float]:
        """Steep edges and many labels get more room."""
        steepest = [0.0] * (columns - 1)
        layout = self.layout
        for link, bends in zip(self.scene.links, layout.bends):
            points = [*bends, (layout.column[link.end], layout.y[link.end])]
            if not bends or bends[0][0] == layout.column[link.start] + 1:
                points = [(layout.column[link.start], layout.y[link.start]), *points]
            for (gap, one), (_, other) in pairwise(points):
                steepest[gap] = max(steepest[gap], abs(one - other))
        least = [CROWDED_GAP if self.crowd[gap + 1] > CROWD else GAP for gap in range(columns - 1)]
        return [min(gap + max(0.0, steep - 200.0) * 0.12, WIDEST_GAP) for gap, steep in zip(least, steepest)]

    def body(self) -> str:
        parts = [f'<rect class="paper" width="{self.width}" height="{self.height}" rx="10"/>\n', *self._boxes()]
        parts += self._edges()
        largest_bars = self._largest_bars()
        for number, (card, place) in enumerate(zip(self.scene.cards, self.places)):
            bars = bars_svg(card, place, largest_bars[card.box or card.name]) if card.bars else ""
            parts.append(card_svg(number, card, place, level(card.strength, self.largest), bars))
        return "".join([*parts, self._legend()])

    def _largest_bars(self) -> dict[str, float]:
        """The bars of one layer share a scale."""
        bars: dict[str, list[float]] = {}
        for card in self.scene.cards:
            bars.setdefault(card.box or card.name, []).extend(card.bars)
        return {name: _largest(numbers) for name, numbers in bars.items()}

    def _boxes(self) -> list[str]:
        members: dict[tuple[int, str], list[Place]] = {}
        for card, place, column in zip(self.scene.cards, self.places, self.layout.column):
            if card.box is not None:
                members.setdefault((column, card.box), []).append(place)
        parts = []
        for (column, name), places in members.items():
            top = min([place.y for place in places]) - BOX_ABOVE + 4
            bottom = max([place.y + place.height for place in places]) + BOX_BELOW
            left, right = self.left[column] - BADGE - BOX_ASIDE, self.right[column] + BOX_ASIDE
            parts.append(
                f'<rect class="box" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" '
                f'height="{bottom - top:.1f}" rx="14"/><text class="title faint" x="{left + 14:.1f}" '
                f'y="{top + 20:.1f}">{markup(fit(name, right - left - 28, 13, bold=True))}</text>\n'
            )
        return parts

    def _edges(self) -> list[str]:
        """Strong edges over weak ones; labels over all of them."""
        twins: dict[tuple[int, int], int] = {}
        for link in self.scene.links:
            twins[link.start, link.end] = twins.get((link.start, link.end), 0) + 1
        drawn = dict.fromkeys(twins, 0)
        columns = [self.layout.column[link.end] for link in self.scene.links]
        pieces: dict[int, list[Piece]] = {}
        labelled: dict[int, list[Labelled]] = {column: [] for column in columns}
        lines = []
        for number, (link, bends) in enumerate(zip(self.scene.links, self.layout.bends)):
            pair = (link.start, link.end)
            aside = (drawn[pair] - (twins[pair] - 1) / 2) * TWINS_APART
            drawn[pair] += 1
            stops = self._stops(link, bends, aside)
            shade = level(link.passed, self.largest_passed)
            lines.append((abs(shade), number, edge_svg(number, link, stops, shade)))
            for piece in zip(stops[::2], stops[1::2]):
                pieces.setdefault(bisect_left(self.right, piece[0][0]) + 1, []).append(piece)
            if has_label(link, self.crowd[columns[number]]):
                labelled[columns[number]].append((number, link, (stops[-2], stops[-1])))
        labels = [labels_svg(members, pieces[column]) for column, members in labelled.items()]
        return ["<g>\n", *[text for _, _, text in sorted(lines)], "</g>\n", *labels]

    def _stops(self, link: Link, bends: Sequence[tuple[int, float]], aside: float) -> list[Point]:
        """The points of an edge: out of its card, in and out of the columns between, to the badge."""
        start, end = self.places[link.start], self.places[link.end]
        # The twin edges of a + a part on the way and meet the badge a little above and below its middle.
        limit = min(max(aside, -30.0), 30.0)
        stops = [(start.right, start.middle + limit)]
        if bends and bends[0][0] > self.layout.column[link.start] + 1:  # it branches off from a longer edge
            (column, y), *bends = bends
            stops = [(self.right[column], y + self.shift + aside)]
        for column, y in bends:
            stops += [(self.left[column], y + self.shift + aside), (self.right[column], y + self.shift + aside)]
        reach = badge_width(self.scene.cards[link.end].badge) / 2
        return [*stops, (end.x - reach + abs(limit) * 0.2, end.middle + limit * 0.45)]

    def _legend_texts(self) -> list[str]:
        if not self.scene.has_gradients:
            return ["no gradients yet: backward() fills them in"]
        has_labels = any(link.label for link in self.scene.links)
        text = "edges: " + ("× local derivative; " if has_labels else "") + "colour and width = gradient passed back"
        bars = "; bars: gradients of its parameters, one scale for each layer"
        return ["grad", text + (bars if any(card.bars for card in self.scene.cards) else "")]

    def _legend(self) -> str:
        y = self.bottom + LEGEND_LINE + 4
        if not self.scene.has_gradients:
            return f'<text class="faint" x="{MARGIN:.1f}" y="{y:.1f}">{self.legend[0]}</text>\n'
        size, left = 11.0, MARGIN + 104
        right = left + (2 * STEPS + 1) * size
        parts = [f'<text class="faint" x="{MARGIN:.1f}" y="{y:.1f}">{self.legend[0]}</text>',
                 f'<text class="faint end" x="{left - 8:.1f}" y="{y:.1f}">−{short(self.largest, 3)}</text>',
                 f'<text class="faint" x="{right + 8:.1f}" y="{y:.1f}">+{short(self.largest, 3)}</text>']
        for shade in range(-STEPS, STEPS + 1):
            parts.append(f'<rect class="tint {shade_class(shade)}" x="{left + (shade + STEPS) * size:.1f}" '
                         f'y="{y - 11:.1f}" width="{size:.1f}" height="13"/>')
        x, y = (right + 92, y) if self.is_legend_on_one_line else (MARGIN, y + LEGEND_LINE - 2)
        return "".join([*parts, f'<text class="faint" x="{x:.1f}" y="{y:.1f}">{self.legend[1]}</text>\n'])


def _largest(numbers: Iterable[float]) -> float:
    return max([abs(number) for number in numbers if math.isfinite(number)], default=0.0)
