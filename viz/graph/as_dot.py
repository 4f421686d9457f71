"""A scene in Graphviz's language DOT, for those who want to lay it out themselves."""

from __future__ import annotations

from ..common.text import clean, in_record
from .scene import Scene


def dot_of(scene: Scene) -> str:
    """A record for each card and an arrow for each edge; the file needs no graphviz package to be written."""
    lines = ["digraph {", "rankdir=LR", 'node [shape=record, fontname="sans-serif"]', 'edge [fontname="sans-serif"]']
    for number, card in enumerate(scene.cards):
        fields = [card.name, *([card.note] if card.note else []), f"data {card.data}", f"grad {card.grad}"]
        lines.append(f"{number} [label={_quoted('{' + ' | '.join(map(in_record, fields)) + '}')}]")
    for edge in scene.edges:
        lines.append(f"{edge.start} -> {edge.end} [label={_quoted(clean(edge.label))}]")
    return "\n".join([*lines, "}\n"])


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'
