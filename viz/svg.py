"""draw(): a computation and its gradients as one SVG."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from itertools import pairwise

from engine import Value
from viz.cards import Card, Link, Scene, scene_of
from viz.chain import values_of
from viz.colours import STEPS, level, shade_class, style_sheet
from viz.folding import choose_fold, fold as folded
from viz.layout import BOX_ABOVE, BOX_BELOW, Layout, arrange
from viz.names import fit, markup, short, value_names, width
from viz.shown import Shown

CARD_HEIGHT, FOLD_HEIGHT = 80.0, 106.0
NARROWEST, WIDEST = 148.0, 236.0
MARGIN = 24.0
LEGEND_HEIGHT = 54.0
BADGE = 16.0           # radius
ARROW = 10.0
TWINS_APART = 18.0     # between the two edges of a + a
MOST_CARDS = 6000
FOLDS = ("auto", "none", "neurons", "layers")
LABEL_PLACES = (0.5, 0.42, 0.58, 0.34, 0.66, 0.27, 0.73)


class Drawing(Shown):
    """A drawn graph; str() is the SVG."""

    def __init__(self, svg: str, width: float, height: float, title: str) -> None:
        self._svg = svg
        self.width = width
        self.height = height
        self.title = title

    @property
    def svg(self) -> str:
        return self._svg

    @property
    def html(self) -> str:
        """A page of nothing but the picture, which scrolls where there is little room."""
        head = f'<meta charset="utf-8"><title>{markup(self.title)}</title><style>body{{margin:0}}</style>'
        return f"<!doctype html><html><head>{head}</head><body>{self.svg}</body></html>\n"

    def __str__(self) -> str:
        return self._svg

    def _repr_svg_(self) -> str:
        return self._svg


def draw(value: Value, *, fold: str = "auto", theme: str = "auto") -> Drawing:
    """The graph that `value` was computed from: a card for each value, an edge for each argument.

    `fold` is "none", "neurons", "layers" or "auto": fold by neuron or layer when the graph is large. `theme` is
    "light", "dark" or "auto": as the reader's system has it.

    Errors: ValueError for more than 6,000 cards; TypeError for what is no Value.

    >>> from engine import Value
    >>> a = Value(2.0, label="a")
    >>> draw(a * a)
    <Drawing: v1 = 4, computed from 1 values>
    """
    if fold not in FOLDS:
        raise ValueError(f"fold {fold!r}: there are {', '.join(FOLDS)}")
    order = values_of(value)
    names = value_names(order)
    by = choose_fold(order) if fold == "auto" else fold
    if by == "none":
        _check_size(len(order), order)
        return drawing_of(scene_of(order, names), theme)
    scene = folded(order, names, by)
    _check_size(len(scene.cards), order)
    return drawing_of(scene, theme)


def _check_size(cards: int, order: list[Value]) -> None:
    if cards > MOST_CARDS:
        can_fold = any(getattr(value, "unit", None) for value in order) and cards == len(order)
        hint = 'draw it with fold="neurons" or fold="layers"' if can_fold else "draw a smaller part, such as one example"
        raise ValueError(f"the graph has {cards:,} cards, too many to look at (at most {MOST_CARDS:,}): {hint}")


def drawing_of(scene: Scene, theme: str, all_shades: bool = False) -> Drawing:
    """The picture of a scene; `all_shades` for a page that will change them."""
    picture = _Picture(scene)
    body = picture.body()
    # The id comes from what is drawn: the same drawing has the same bytes, another one other rules.
    drawing = "cr-" + hashlib.sha256(f"{theme}{all_shades}{body}".encode()).hexdigest()[:10]
    shades = range(-STEPS, STEPS + 1) if all_shades else picture.shades
    size = f'viewBox="0 0 {picture.width:.0f} {picture.height:.0f}" width="{picture.width:.0f}"'
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{drawing}" {size} height="{picture.height:.0f}" role="img" '
        f'aria-label="{markup(scene.title)}">\n<style>\n{style_sheet(drawing, theme, shades)}</style>\n{body}</svg>\n'
    )
    return Drawing(svg, picture.width, picture.height, scene.title)


@dataclass(frozen=True)
class _Place:
    """Where one card is: its top left corner and its size."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


class _Picture:
    """A scene on its way to SVG."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.shades = {0}
        self.largest = _largest([card.strength for card in scene.cards] + [bar for c in scene.cards for bar in c.bars])
        self.largest_passed = _largest([link.passed for link in scene.links])
        heights = [FOLD_HEIGHT if card.is_fold and card.bars else CARD_HEIGHT for card in scene.cards]
        boxes = [card.box for card in scene.cards]
        self.layout = arrange(heights, [(link.start, link.end) for link in scene.links], boxes)
        self._measure(heights)

    def _measure(self, heights: list[float]) -> None:
        layout, cards = self.layout, self.scene.cards
        tops = [y - h / 2 - (BOX_ABOVE if card.box else 0.0) for y, h, card in zip(layout.y, heights, cards)]
        bends = [y for bend in layout.bends for _, y in bend]
        self.shift = MARGIN - min(tops + bends)
        bottoms = [y + h / 2 + (BOX_BELOW if card.box else 0.0) for y, h, card in zip(layout.y, heights, cards)]
        self.bottom = max(bottoms + bends) + self.shift
        widths = [NARROWEST] * (max(layout.column) + 1)
        for card, column in zip(cards, layout.column):
            widths[column] = max(widths[column], min(WIDEST, _card_width(card)))
        self.left = [MARGIN]
        for column, gap in enumerate(self._gaps(len(widths))):
            self.left.append(self.left[-1] + widths[column] + gap)
        self.right = [left + size for left, size in zip(self.left, widths)]
        self.places = [
            _Place(self.left[column], y - h / 2 + self.shift, widths[column], h)
            for column, y, h in zip(layout.column, layout.y, heights)
        ]
        self.width = max(self.right[-1] + MARGIN, 620.0 if len(cards) > 3 else 420.0)
        self.height = self.bottom + LEGEND_HEIGHT

    def _gaps(self, columns: int) -> list[float]:
        """Steep edges get more room."""
        steepest = [0.0] * (columns - 1)
        layout = self.layout
        for link, bends in zip(self.scene.links, layout.bends):
            stops = [(0, layout.y[link.start]), *bends, (0, layout.y[link.end])]
            for place, (one, other) in enumerate(pairwise(stops), layout.column[link.start]):
                steepest[place] = max(steepest[place], abs(one[1] - other[1]))
        return [min(112.0 + max(0.0, steep - 200.0) * 0.12, 220.0) for steep in steepest]

    def body(self) -> str:
        parts = [f'<rect class="paper" width="{self.width:.0f}" height="{self.height:.0f}" rx="10"/>\n']
        parts += self._boxes()
        parts += self._edges()
        parts += [_card_svg(number, card, place, self._shade(card.strength), self._bars(card, place))
                  for number, (card, place) in enumerate(zip(self.scene.cards, self.places))]
        parts.append(self._legend())
        return "".join(parts)

    def _shade(self, strength: float) -> int:
        shade = level(strength, self.largest)
        self.shades.add(shade)
        return shade

    def _boxes(self) -> list[str]:
        members: dict[tuple[int, str], list[_Place]] = {}
        for card, place, column in zip(self.scene.cards, self.places, self.layout.column):
            if card.box is not None:
                members.setdefault((column, card.box), []).append(place)
        parts = []
        for (column, name), places in members.items():
            top = min([place.y for place in places]) - BOX_ABOVE + 4
            bottom = max([place.y + place.height for place in places]) + BOX_BELOW
            left, right = self.left[column] - BADGE - 14, self.right[column] + 14
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
        drawn: dict[tuple[int, int], int] = {}
        taken: dict[int, list[tuple[float, float, float]]] = {}
        lines, labels = [], []
        for number, (link, bends) in enumerate(zip(self.scene.links, self.layout.bends)):
            pair = (link.start, link.end)
            drawn[pair] = drawn.get(pair, 0) + 1
            aside = (drawn[pair] - (twins[pair] + 1) / 2) * TWINS_APART
            stops = self._stops(link, bends, aside)
            shade = level(link.passed, self.largest_passed)
            self.shades.add(shade)
            lines.append((abs(shade), number, _edge_svg(number, link, stops, shade)))
            if link.label:
                labels.append(_label_svg(number, link, stops, taken.setdefault(self.layout.column[link.end], [])))
        return [text for _, _, text in sorted(lines)] + labels

    def _stops(self, link: Link, bends: list[tuple[int, float]], aside: float) -> list[tuple[float, float]]:
        """The points of an edge: out of its card, through the columns between, to the badge."""
        start, end = self.places[link.start], self.places[link.end]
        stops = [(start.x + start.width, start.middle + aside)]
        for column, y in bends:
            stops += [(self.left[column], y + self.shift + aside), (self.right[column], y + self.shift + aside)]
        reach = _badge_width(self.scene.cards[link.end].badge) / 2
        # Twins meet the round badge at its rim, a little above and below its middle.
        return [*stops, (end.x - reach + abs(aside) * 0.2, end.middle + aside * 0.75)]

    def _bars(self, card: Card, place: _Place) -> str:
        if not card.bars:
            return ""
        left, room = place.x + _indent(card), place.width - _indent(card) - 14
        middle, half = place.y + 92.0, 9.0
        step = room / max(len(card.bars), 4)
        parts = []
        for index, bar in enumerate(card.bars):
            shade = self._shade(bar)
            share = 0.0 if math.isnan(bar) or not self.largest else math.sqrt(min(abs(bar) / self.largest, 1.0))
            size = max(share * half, 0.6)
            top = middle - size if bar > 0 else middle
            parts.append(
                f'<rect class="bar {shade_class(shade)}" x="{left + index * step:.1f}" y="{top:.1f}" '
                f'width="{step * 0.86:.1f}" height="{size:.1f}"/>'
            )
        axis = f'<path class="axis" d="M{left:.1f} {middle:.1f}h{room:.1f}"/>'
        return axis + "".join(parts)

    def _legend(self) -> str:
        y = self.height - 26
        if not self.scene.has_gradients:
            text = "no gradients yet: backward() fills them in"
            return f'<text class="faint" x="{MARGIN:.0f}" y="{y + 5:.1f}">{text}</text>\n'
        size = 11.0
        left = MARGIN + 104
        parts = [f'<text class="faint" x="{MARGIN:.0f}" y="{y + 5:.1f}">grad</text>',
                 f'<text class="faint end" x="{left - 8:.1f}" y="{y + 5:.1f}">−{short(self.largest, 3)}</text>']
        for shade in range(-STEPS, STEPS + 1):
            self.shades.add(shade)
            parts.append(f'<rect class="tint {shade_class(shade)}" x="{left + (shade + STEPS) * size:.1f}" '
                         f'y="{y - 6:.1f}" width="{size:.1f}" height="13"/>')
        right = left + (2 * STEPS + 1) * size
        parts.append(f'<text class="faint" x="{right + 8:.1f}" y="{y + 5:.1f}">+{short(self.largest, 3)}</text>')
        parts.append(f'<text class="faint" x="{right + 92:.1f}" y="{y + 5:.1f}">{self._legend_of_edges()}</text>\n')
        return "".join(parts)

    def _legend_of_edges(self) -> str:
        has_labels = any([link.label for link in self.scene.links])
        text = "edges: " + ("× local derivative; " if has_labels else "") + "colour and width = gradient passed back"
        return text + ("; bars: gradients of the parameters" if any([c.bars for c in self.scene.cards]) else "")


def _largest(numbers: list[float]) -> float:
    return max([abs(number) for number in numbers if math.isfinite(number)], default=0.0)


def _badge_width(badge: str) -> float:
    return max(2 * BADGE, width(badge[:12], 11, bold=True) + 12)


def _indent(card: Card) -> float:
    """How far from its left edge a card's text begins."""
    return _badge_width(card.badge) / 2 + 10 if card.badge else 14.0


def _card_width(card: Card) -> float:
    head = width(card.name, 15, bold=True) + (width(card.note, 12.5) + 14 if card.note else 0.0)
    rows = 34 + 9.3 * max(len(card.data), len(card.grad))
    return _indent(card) + max(head, rows) + 16


def _card_svg(number: int, card: Card, place: _Place, shade: int, bars: str) -> str:
    x, y, right = place.x, place.y, place.x + place.width
    text = x + _indent(card)
    kind = " ".join([name for name, holds in (("leaf", not card.badge), ("root", card.is_root), ("fold", card.is_fold))
                     if holds])
    frame = f'x="{x:.1f}" y="{y:.1f}" width="{place.width:.1f}" height="{place.height:.1f}" rx="9"'
    room = right - 12 - text
    name = fit(card.name, room if not card.note else max(room * 0.5, room - width(card.note, 12.5) - 14), 15, bold=True)
    note = fit(card.note, room - width(name, 15, bold=True) - 12, 12.5)
    faint = "" if card.strength or card.grad not in ("0", "—") else " faint"
    return (
        f'<g class="card {kind}" data-card="{number}"><title>{markup(card.detail)}</title>'
        f'<rect class="face" {frame}/>{_strip(place, shade)}{bars}<rect class="rim" {frame}/>'
        f'<text class="name" x="{text:.1f}" y="{y + 22:.1f}">{markup(name)}</text>'
        f'<text class="faint end" x="{right - 12:.1f}" y="{y + 22:.1f}">{markup(note)}</text>'
        f'<text class="soft" x="{text:.1f}" y="{y + 43:.1f}">data</text>'
        f'<text class="number" x="{right - 12:.1f}" y="{y + 43:.1f}">{card.data}</text>'
        f'<text class="soft" x="{text:.1f}" y="{y + 71:.1f}">grad</text>'
        f'<text class="number grad{faint}" x="{right - 12:.1f}" y="{y + 71:.1f}">{card.grad}</text>'
        f"{_badge_svg(card.badge, x, place.middle)}</g>\n"
    )


def _strip(place: _Place, shade: int) -> str:
    """The tinted row; where it is the last one, it has the card's round corners."""
    top, across = place.y + 53, place.width
    last = place.height == CARD_HEIGHT
    down = place.y + place.height - top if last else 26.0
    corners = f"v{down - 9:.1f}a9 9 0 0 1 -9 9h{18 - across:.1f}a9 9 0 0 1 -9 -9z" if last else f"v{down:.1f}h{-across:.1f}z"
    return f'<path class="tint {shade_class(shade)}" d="M{place.x:.1f} {top:.1f}h{across:.1f}{corners}"/>'


def _badge_svg(badge: str, x: float, y: float) -> str:
    if not badge:
        return ""
    sign = badge if len(badge) <= 12 else badge[:11] + "…"
    across = _badge_width(badge)
    size = 19 if len(sign) == 1 else 13 if len(sign) == 2 else 11
    return (
        f'<rect class="badge" x="{x - across / 2:.1f}" y="{y - BADGE:.1f}" width="{across:.1f}" '
        f'height="{2 * BADGE:.1f}" rx="{BADGE:.1f}"/><text class="sign" style="font-size:{size}px" x="{x:.1f}" '
        f'y="{y + size * 0.35:.1f}">{markup(sign)}</text>'
    )


def _edge_svg(number: int, link: Link, stops: list[tuple[float, float]], shade: int) -> str:
    (x, y), (tip_x, tip_y) = stops[0], stops[-1]
    path = f"M{x:.1f} {y:.1f}"
    ends = [*stops[:-1], (tip_x - ARROW * 0.7, tip_y)]
    for place, ((x, y), (to_x, to_y)) in enumerate(pairwise(ends)):
        # Every second piece runs straight through a column.
        half = (to_x - x) / 2
        path += f"H{to_x:.1f}" if place % 2 else f"C{x + half:.1f} {y:.1f} {to_x - half:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"
    high = 4.0 + 0.25 * abs(shade)
    tip = f"M{tip_x:.1f} {tip_y:.1f}l{-ARROW:.1f} {-high:.1f}v{2 * high:.1f}z"
    closed = "" if link.is_open else " closed"
    return (
        f'<g class="edge {shade_class(shade)}{closed}" data-edge="{number}"><title>{markup(link.detail)}</title>'
        f'<path class="line" d="{path}"/><path class="tip" d="{tip}"/></g>\n'
    )


def _label_svg(
    number: int, link: Link, stops: list[tuple[float, float]], taken: list[tuple[float, float, float]]
) -> str:
    """The label on the last piece of its edge, at the first of a few places where it covers no other."""
    (x, y), (to_x, to_y) = stops[-2], stops[-1]
    half = len(link.label) * 3.7 + 3
    chosen = None
    for t in LABEL_PLACES:
        at_x, at_y = _on_curve(x, to_x, t), y + (to_y - y) * t * t * (3 - 2 * t)
        if all([abs(at_x - other_x) > half + other_half or abs(at_y - other_y) > 15
                for other_x, other_y, other_half in taken[-200:]]):
            chosen = (at_x, at_y)
            break
    at_x, at_y = chosen or (_on_curve(x, to_x, 0.5), (y + to_y) / 2)
    taken.append((at_x, at_y, half))
    soft = " faint" if link.label in ("×1", "×−1") else ""
    return (
        f'<g data-label="{number}"><title>{markup(link.detail)}</title>'
        f'<rect class="paper" x="{at_x - half:.1f}" y="{at_y - 8:.1f}" width="{2 * half:.1f}" height="16" rx="4"/>'
        f'<text class="label{soft}" x="{at_x:.1f}" y="{at_y + 4:.1f}">{link.label}</text></g>\n'
    )


def _on_curve(x: float, to_x: float, t: float) -> float:
    """Across: the handles of the curve lie in the middle."""
    return x + (to_x - x) * (1.5 * t * (1 - t) + t * t * t)
