"""The cards of a drawing with their badges and bars, as SVG."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..common.colours import class_of
from ..common.text import markup, shortened, text_width
from .scene import Card

CARD_HEIGHT, FOLD_HEIGHT = 80.0, 108.0
BADGE = 16.0  # radius
NAME_SIZE, NOTE_SIZE, DIGIT_WIDTH = 15.0, 12.5, 9.3
PADDING = 12.0
LONGEST_SIGN = 12  # characters in a badge
SMALL_SIGN = 12


@dataclass(frozen=True)
class Rectangle:
    """Where a card stands: its top left corner and its size."""

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
    """How wide a badge is: it is round, and longer for a longer name."""
    return max(2 * BADGE, text_width(badge[:LONGEST_SIGN], SMALL_SIGN, bold=True) + 12)


def indent(card: Card) -> float:
    """How far from the left edge of a card its text begins."""
    return badge_width(card.badge) / 2 + 10 if card.badge else 14.0


def card_width(card: Card) -> float:
    """The width at which nothing on the card has to be shortened."""
    head = text_width(card.name, NAME_SIZE, bold=True) + (text_width(card.note, NOTE_SIZE) + 14 if card.note else 0.0)
    rows = (46 if card.is_left_over else 34) + DIGIT_WIDTH * max(len(card.data), len(card.grad))
    return indent(card) + max(head, rows) + PADDING + 4


def card_svg(number: int, card: Card, at: Rectangle, shade: str, bars: str) -> str:
    """One card; `shade` is the CSS class of its gradient, and `bars` the SVG of the bars in it."""
    text, right, y = at.x + indent(card), at.right - PADDING, at.y
    kinds = (("leaf", not card.badge), ("root", card.is_root), ("fold", card.is_fold))
    kind = " ".join(["card", *[name for name, holds in kinds if holds]])
    frame = f'x="{at.x:.1f}" y="{y:.1f}" width="{at.width:.1f}" height="{at.height:.1f}" rx="9"'
    room = right - text
    for_name = max(room * 0.5, room - text_width(card.note, NOTE_SIZE) - 14) if card.note else room
    name = shortened(card.name, for_name, NAME_SIZE, bold=True)
    note = shortened(card.note, room - text_width(name, NAME_SIZE, bold=True) - 12, NOTE_SIZE)
    faint = " faint" if card.grad in ("0", "—") else ""
    patterns = _hatching(at) if card.is_stale else ""
    patterns += _stripes(at, 29.0, 22.0) if card.has_odd_data else ""
    odd_strip = _stripes(at, 54.5, 24.0) if shade == "odd" else ""
    return (
        f'<g class="{kind}" data-card="{number}" aria-label="{markup(spoken(card))}">'
        f"<title>{markup(card.detail)}</title>"
        f'<rect class="face" {frame}/>{patterns}{_strip(at, shade)}{odd_strip}{bars}<rect class="rim" {frame}/>'
        f'<text class="name" x="{text:.1f}" y="{y + 22:.1f}">{markup(name)}</text>'
        f'<text class="faint end" x="{right:.1f}" y="{y + 22:.1f}">{markup(note)}</text>'
        f'<text class="soft" x="{text:.1f}" y="{y + 43:.1f}">data</text>'
        f'<text class="number" x="{right:.1f}" y="{y + 43:.1f}">{card.data}</text>'
        f'<text class="word" x="{text:.1f}" y="{y + 71:.1f}">grad{" *" * card.is_left_over}</text>'
        f'<text class="number grad{faint}" x="{right:.1f}" y="{y + 71:.1f}">{card.grad}</text>'
        f"{_badge_svg(card.badge, at.x, at.middle)}</g>\n"
    )


def spoken(card: Card) -> str:
    """The name of a card with its numbers, as a screen reader says it; the gradient is its last word."""
    return f"{card.name}, data {card.data}, gradient {card.grad if card.grad != '—' else 'none'}"


def _strip(at: Rectangle, shade: str) -> str:
    """The tinted row; where it is the last one, it has the round corners of the card."""
    top, across = at.y + 53, at.width
    if at.height == CARD_HEIGHT:
        ending = f"v{CARD_HEIGHT - 62:.1f}a9 9 0 0 1 -9 9h{18 - across:.1f}a9 9 0 0 1 -9 -9z"
    else:
        ending = f"v26h{-across:.1f}z"
    return f'<path class="tint {shade}" d="M{at.x:.1f} {top:.1f}h{across:.1f}{ending}"/>'


def _stripes(at: Rectangle, top: float, height: float) -> str:
    """Upright stripes behind a number that is nan or inf: a thick line of short dashes."""
    return f'<path class="stripes" d="M{at.x + 3:.1f} {at.y + top + height / 2:.1f}h{at.width - 6:.1f}"/>'


def _hatching(at: Rectangle) -> str:
    """Slanting lines across the upper part of a card, whose number is stale."""
    high, apart = 44.0, 9.0
    first, last = at.x + 4, at.right - high - 4
    starts = [first + apart * i for i in range(int((last - first) / apart) + 1)]
    lines = "".join([f"M{x:.1f} {at.y + high + 5:.1f}l{high:.1f} {-high:.1f}" for x in starts])
    return f'<path class="hatching" d="{lines}"/>'


def _badge_svg(badge: str, x: float, y: float) -> str:
    if not badge:
        return ""
    sign = badge if len(badge) <= LONGEST_SIGN else badge[: LONGEST_SIGN - 1] + "…"
    across = badge_width(badge)
    size = 19 if len(sign) == 1 else 13 if len(sign) == 2 else SMALL_SIGN
    return (
        f'<rect class="badge" x="{x - across / 2:.1f}" y="{y - BADGE:.1f}" width="{across:.1f}" '
        f'height="{2 * BADGE:.1f}" rx="{BADGE:.1f}"/><text class="sign" style="font-size:{size}px" x="{x:.1f}" '
        f'y="{y + size * 0.35:.1f}">{markup(sign)}</text>'
    )


def bars_svg(card: Card, at: Rectangle, largest: float) -> str:
    """A bar for the gradient of each parameter, upwards for a positive one; `largest` has the full height."""
    left, room = at.x + indent(card), at.width - indent(card) - PADDING
    middle, half = at.y + 93.5, 10.0
    step = room / max(len(card.bars), 4)
    parts = [f'<path class="axis" d="M{left:.1f} {middle:.1f}h{room:.1f}"/>']
    for index, bar in enumerate(card.bars):
        share = 1.0 if not math.isfinite(bar) else math.sqrt(min(abs(bar) / largest, 1.0)) if largest else 0.0
        size = max(share * half, 0.6)
        parts.append(
            f'<rect class="bar {class_of(bar, largest)}" x="{left + index * step:.1f}" '
            f'y="{middle - size if bar > 0 else middle:.1f}" width="{step * 0.86:.1f}" height="{size:.1f}"/>'
        )
    return "".join(parts)
