"""The cards of a drawing, as SVG; each is a group of its own, whose origin is its upper left corner."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..common.colours import class_of
from ..common.text import markup, shortened, text_width
from .scene import Card
from .tables import (
    ROW,
    bars_svg,
    row_widths,
    rows_svg,
    strip_svg,
    table_height,
    table_svg,
    table_width,
)

CARD_HEIGHT, CHIP_HEIGHT, BARE_HEIGHT = 80.0, 34.0, 40.0
BARS_HEIGHT, STRIP_HEIGHT, CHIP_STRIP = 28.0, 40.0, 26.0  # what these add to a card
BADGE = 16.0  # radius
NAME_SIZE, NOTE_SIZE, DIGIT_WIDTH = 15.0, 14.0, 9.3
PADDING = 12.0
LONGEST_SIGN = 12  # characters in a badge
SMALL_SIGN = 14
NARROWEST, WIDEST, WIDEST_FOLD, WIDEST_WITH_ROWS = 132.0, 240.0, 300.0, 600.0


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
    return max(2 * BADGE, text_width(badge[:LONGEST_SIGN], SMALL_SIGN, bold=True) + 12) if badge else 0.0


def indent(card: Card) -> float:
    """How far from the left edge of a card its text begins."""
    return badge_width(card.badge) / 2 + 10 if card.badge else 14.0


def badge_middle(card: Card, at: Rectangle) -> float:
    """The height of the middle of a card's badge below its upper edge: a table has it beside its name."""
    return 20.0 if card.is_table else at.height / 2


def card_height(card: Card) -> float:
    if card.is_table:
        return table_height(card)
    if card.is_chip:
        return CHIP_HEIGHT + (CHIP_STRIP if card.strip else 0.0)
    if card.is_bare:
        return BARE_HEIGHT + (8 + ROW * len(card.rows) if card.rows else BARS_HEIGHT if card.bars else 0.0)
    height = CARD_HEIGHT + (STRIP_HEIGHT if card.strip else 0.0)
    return height + (8 + ROW * len(card.rows) if card.rows else BARS_HEIGHT if card.bars else 0.0)


def card_width(card: Card) -> float:
    """The width of a card: the one at which nothing has to be shortened, or the widest that there is."""
    if card.is_table:
        return table_width(card, indent(card))
    if card.is_chip:
        return min(29 + text_width(card.name, 14) + 12 + DIGIT_WIDTH * len(card.data), WIDEST)
    head = text_width(card.name, NAME_SIZE, bold=True) + (text_width(card.note, NOTE_SIZE) + 18 if card.note else 0.0)
    rows = (46 if card.is_left_over else 34) + DIGIT_WIDTH * max(len(card.data), len(card.grad), card.room)
    needed = min(indent(card) + max(head, rows) + PADDING + 4, WIDEST_FOLD if card.is_fold else WIDEST)
    if card.rows:
        needed = max(needed, min(indent(card) + math.fsum(row_widths(card.rows)) + PADDING, WIDEST_WITH_ROWS))
    return max(NARROWEST, needed)


def card_svg(number: int, card: Card, at: Rectangle, largest: float, largest_bar: float) -> str:
    """One card; the strongest shade stands for `largest`, and among bars for `largest_bar`."""
    kinds = (
        ("leaf", not card.badge),
        ("root", card.is_root),
        ("fold", card.is_fold),
        ("chip", card.is_chip),
        ("table", card.is_table),
    )
    kind = " ".join(["card", *[name for name, holds in kinds if holds]])
    frame = f'width="{at.width:.0f}" height="{at.height:.0f}" rx="{17 if card.is_chip else 9}"'
    inside = _inside(card, at, largest, largest_bar)
    return (
        f'<g class="{kind}" data-card="{number}" aria-label="{markup(spoken(card))}" '
        f'transform="translate({at.x:.1f},{at.y:.1f})">'
        f'<title>{markup(card.detail)}</title><rect class="face" {frame}/>{inside[0]}'
        f'<rect class="rim" {frame}/>{inside[1]}{_badge_svg(card.badge, badge_middle(card, at))}</g>\n'
    )


def _inside(card: Card, at: Rectangle, largest: float, largest_bar: float) -> tuple[str, str]:
    """What is below the rim of a card, and what is above it."""
    if card.is_chip:
        return "", _chip_texts(card, at)
    if card.is_table:
        return table_svg(card, at.width, indent(card), largest, largest_bar)
    text, right = indent(card), at.width - PADDING
    if card.is_bare:
        below, above = rows_svg(card.rows, text, right, BARE_HEIGHT, largest)
        below += bars_svg(card.bars, text, right - text, BARE_HEIGHT + 9.5, largest_bar) if card.bars else ""
        return below, _head(card, text, right, 26) + above
    shade = class_of(card.strength, largest)
    beside = text + text_width("data *", 14)  # no pattern below words
    patterns = _hatching(at, beside) if card.is_stale else ""
    patterns += _stripes(at, 29.0, 22.0, beside, "data") if card.has_odd_data else ""
    odd_strip = _stripes(at, 54.5, 24.0, beside, "grad") if shade == "odd" else ""
    below = f"{patterns}{_strip(at, shade)}{odd_strip}"
    top = CARD_HEIGHT
    if card.strip:
        below += strip_svg(card.strip, card.chosen, text, right - text, top + 4)
        top += STRIP_HEIGHT
    if card.bars:
        below += bars_svg(card.bars, text, right - text, top + 13.5, largest_bar)
    texts = rows_svg(card.rows, text, right, top + 4, largest)
    faint = " faint" if card.grad in ("0", "—") else ""
    return below + texts[0], (
        f"{_head(card, text, right, 22)}"
        f'<text class="soft" x="{text:.1f}" y="43">data</text>'
        f'<text class="number" x="{right:.1f}" y="43">{card.data}</text>'
        f'<text class="word" x="{text:.1f}" y="71">grad{" *" * card.is_left_over}</text>'
        f'<text class="number grad{faint}" x="{right:.1f}" y="71">{card.grad}</text>{texts[1]}'
    )


def _head(card: Card, left: float, right: float, y: float) -> str:
    """The name of a card and, at its right, what it was computed from."""
    room = right - left
    for_name = max(room * 0.5, room - text_width(card.note, NOTE_SIZE) - 14) if card.note else room
    name = shortened(card.name, for_name, NAME_SIZE, bold=True)
    note = shortened(card.note, room - text_width(name, NAME_SIZE, bold=True) - 12, NOTE_SIZE)
    return (
        f'<text class="name" x="{left:.1f}" y="{y:.0f}">{markup(name)}</text>'
        f'<text class="faint end" x="{right:.1f}" y="{y:.0f}">{markup(note)}</text>'
    )


def _chip_texts(card: Card, at: Rectangle) -> str:
    right = at.width - 14
    name = shortened(card.name, right - 26 - DIGIT_WIDTH * len(card.data), 14)
    strip = strip_svg(card.strip, None, 14, right - 14, CHIP_HEIGHT - 8) if card.strip else ""
    return (
        f'<text class="soft" x="14" y="22">{markup(name)}</text>'
        f'<text class="number" x="{right:.1f}" y="22">{card.data}</text>{strip}'
    )


def spoken(card: Card) -> str:
    """The name of a card with its numbers, as a screen reader says it; the gradient is its last word."""
    data = f", data {card.data}" if card.data else ""
    grad = "none" if card.is_chip and card.data else card.grad.replace("—", "none")
    return f"{card.name}{data}" + (f", gradient {grad}" if grad else "")


def _strip(at: Rectangle, shade: str) -> str:
    """The tinted row; where it is the last one, it has the round corners of the card."""
    across = at.width
    if at.height == CARD_HEIGHT:
        ending = f"v18a9 9 0 0 1 -9 9h{18 - across:.0f}a9 9 0 0 1 -9 -9z"
    else:
        ending = f"v27h{-across:.0f}z"
    return f'<path class="tint {shade}" d="M0 53h{across:.0f}{ending}"/>'


def _stripes(at: Rectangle, top: float, height: float, left: float, of: str) -> str:
    """Upright stripes behind a number that is nan or inf: a thick line of short dashes."""
    return f'<path class="stripes" data-of="{of}" d="M{left:.1f} {top + height / 2:.1f}h{at.width - 3 - left:.1f}"/>'


def _hatching(at: Rectangle, left: float) -> str:
    """Slanting lines behind a number that is stale."""
    top, high, apart = 30.0, 20.0, 9.0
    starts = [left + apart * i for i in range(int((at.width - high - 3 - left) / apart) + 1)]
    lines = "".join([f"M{x:.0f} {top + high:.0f}l{high:.0f} {-high:.0f}" for x in starts])
    return f'<path class="hatching" data-of="data" d="{lines}"/>'


def _badge_svg(badge: str, y: float) -> str:
    if not badge:
        return ""
    sign = badge if len(badge) <= LONGEST_SIGN else badge[: LONGEST_SIGN - 1] + "…"
    across = badge_width(badge)
    size = 19 if len(sign) == 1 else 14 if len(sign) == 2 else SMALL_SIGN
    return (
        f'<rect class="badge" x="{-across / 2:.1f}" y="{y - BADGE:.1f}" width="{across:.1f}" '
        f'height="{2 * BADGE:.0f}" rx="{BADGE:.0f}"/><text class="sign" style="font-size:{size}px" '
        f'y="{y + size * 0.35:.1f}">{markup(sign)}</text>'
    )
