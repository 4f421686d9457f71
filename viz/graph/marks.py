"""The marks of a drawing: cards, badges and edges, as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..common.colours import level, shade_class
from ..common.text import fit, markup, width
from .scene import Card, Link

CARD_HEIGHT, FOLD_HEIGHT = 80.0, 108.0
BADGE = 16.0  # radius
ARROW = 10.0
NAME_SIZE, NOTE_SIZE, DIGIT_WIDTH = 15.0, 12.5, 9.3
PADDING = 12.0
LONGEST_SIGN = 12  # letters in a badge

Point = tuple[float, float]


@dataclass(frozen=True)
class Place:
    """Where one card is: its top left corner and its size."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


def badge_width(badge: str) -> float:
    """How wide a badge is: round, or longer for a longer name."""
    return max(2 * BADGE, width(badge[:LONGEST_SIGN], 11, bold=True) + 12)


def indent(card: Card) -> float:
    """How far from its left edge a card's text begins."""
    return badge_width(card.badge) / 2 + 10 if card.badge else 14.0


def card_width(card: Card) -> float:
    """The width that shows all of a card."""
    head = width(card.name, NAME_SIZE, bold=True) + (width(card.note, NOTE_SIZE) + 14 if card.note else 0.0)
    rows = 34 + DIGIT_WIDTH * max(len(card.data), len(card.grad))
    return indent(card) + max(head, rows) + PADDING + 4


def card_svg(number: int, card: Card, place: Place, shade: int, bars: str) -> str:
    """One card; `bars` is the SVG of the bars in it."""
    text, right, y = place.x + indent(card), place.right - PADDING, place.y
    kinds = (("leaf", not card.badge), ("root", card.is_root), ("fold", card.is_fold))
    kind = " ".join(["card", *[name for name, holds in kinds if holds]])
    frame = f'x="{place.x:.1f}" y="{y:.1f}" width="{place.width:.1f}" height="{place.height:.1f}" rx="9"'
    room = right - text
    for_name = max(room * 0.5, room - width(card.note, NOTE_SIZE) - 14) if card.note else room
    name = fit(card.name, for_name, NAME_SIZE, bold=True)
    note = fit(card.note, room - width(name, NAME_SIZE, bold=True) - 12, NOTE_SIZE)
    faint = " faint" if card.grad in ("0", "—") else ""
    return (
        f'<g class="{kind}" data-card="{number}"><title>{markup(card.detail)}</title>'
        f'<rect class="face" {frame}/>{_strip(place, shade)}{bars}<rect class="rim" {frame}/>'
        f'<text class="name" x="{text:.1f}" y="{y + 22:.1f}">{markup(name)}</text>'
        f'<text class="faint end" x="{right:.1f}" y="{y + 22:.1f}">{markup(note)}</text>'
        f'<text class="soft" x="{text:.1f}" y="{y + 43:.1f}">data</text>'
        f'<text class="number" x="{right:.1f}" y="{y + 43:.1f}">{card.data}</text>'
        f'<text class="soft" x="{text:.1f}" y="{y + 71:.1f}">grad</text>'
        f'<text class="number grad{faint}" x="{right:.1f}" y="{y + 71:.1f}">{card.grad}</text>'
        f"{_badge_svg(card.badge, place.x, place.middle)}</g>\n"
    )


def _strip(place: Place, shade: int) -> str:
    """The tinted row; where it is the last one, it has the card's round corners."""
    top, across = place.y + 53, place.width
    if place.height == CARD_HEIGHT:
        ending = f"v{CARD_HEIGHT - 62:.1f}a9 9 0 0 1 -9 9h{18 - across:.1f}a9 9 0 0 1 -9 -9z"
    else:
        ending = f"v26h{-across:.1f}z"
    return f'<path class="tint {shade_class(shade)}" d="M{place.x:.1f} {top:.1f}h{across:.1f}{ending}"/>'


def _badge_svg(badge: str, x: float, y: float) -> str:
    if not badge:
        return ""
    sign = badge if len(badge) <= LONGEST_SIGN else badge[: LONGEST_SIGN - 1] + "…"
    across = badge_width(badge)
    size = 19 if len(sign) == 1 else 13 if len(sign) == 2 else 11
    return (
        f'<rect class="badge" x="{x - across / 2:.1f}" y="{y - BADGE:.1f}" width="{across:.1f}" '
        f'height="{2 * BADGE:.1f}" rx="{BADGE:.1f}"/><text class="sign" style="font-size:{size}px" x="{x:.1f}" '
        f'y="{y + size * 0.35:.1f}">{markup(sign)}</text>'
    )


def bars_svg(card: Card, place: Place, largest: float) -> str:
    """A bar for each parameter's gradient, up for positive; `largest` has the full height."""
    left, room = place.x + indent(card), place.width - indent(card) - PADDING
    middle, half = place.y + 93.5, 10.0
    step = room / max(len(card.bars), 4)
    parts = [f'<path class="axis" d="M{left:.1f} {middle:.1f}h{room:.1f}"/>']
    for index, bar in enumerate(card.bars):
        share = 0.0 if math.isnan(bar) or not largest else math.sqrt(min(abs(bar) / largest, 1.0))
        size = max(share * half, 0.6)
        parts.append(
            f'<rect class="bar {shade_class(level(bar, largest))}" x="{left + index * step:.1f}" '
            f'y="{middle - size if bar > 0 else middle:.1f}" width="{step * 0.86:.1f}" height="{size:.1f}"/>'
        )
    return "".join(parts)


def edge_svg(number: int, link: Link, stops: Sequence[Point], shade: int) -> str:
    """One edge through its stops: a curve between columns, straight on through a column, a curve …"""
    tip_x, tip_y = stops[-1]
    path = f"M{stops[0][0]:.1f} {stops[0][1]:.1f}"
    for place, ((x, y), (to_x, to_y)) in enumerate(pairwise([*stops[:-1], (tip_x - ARROW * 0.7, tip_y)])):
        middle = (x + to_x) / 2
        curve = f"C{middle:.1f} {y:.1f} {middle:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"
        path += f"H{to_x:.1f}" if place % 2 else curve
    high = 4.0 + 0.25 * abs(shade)
    tip = f"M{tip_x:.1f} {tip_y:.1f}l{-ARROW:.1f} {-high:.1f}v{2 * high:.1f}z"
    closed = "" if link.is_open else " closed"
    return (
        f'<g class="edge {shade_class(shade)}{closed}" data-edge="{number}"><title>{markup(link.detail)}</title>'
        f'<path class="line" d="{path}"/><path class="tip" d="{tip}"/></g>\n'
    )
