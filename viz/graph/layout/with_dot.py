"""The layout for engine="dot": Graphviz decides where the cards stand and the edges run, but does not draw them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

import numpy as np

from ...common.spacing import spread
from .layered import BEND_HEIGHT, BOX_ABOVE, BOX_BELOW, CARD_GAP, Layout, distances_between

TIME_LIMIT = 10.0  # seconds
CARD_WIDTH, COLUMN_GAP = 190.0, 112.0
INCH = 72.0


def arrange_with_dot(
    heights: Sequence[float],
    edges: Sequence[tuple[int, int]],
    boxes: Sequence[str | None],
    layers: Sequence[str | None] | None = None,
) -> Layout:
    """The same as `arrange` in layered.py, with the columns, the order and the bends that Graphviz's dot found.

    Errors: FileNotFoundError without dot; TimeoutError if it takes more than ten seconds; RuntimeError if it fails.
    Source: Gansner et al., A Technique for Drawing Directed Graphs (1993).
    """
    cards: dict[int, tuple[float, float]] = {}
    curves: dict[tuple[int, int], list[tuple[float, float]]] = {}  # the handles of each edge, from left to right
    for line in _run_dot(_source(heights, edges, boxes), len(heights)).splitlines():
        kind, *words = line.split()
        if kind == "node":
            cards[int(words[0])] = (float(words[1]) * INCH, -float(words[2]) * INCH)
        elif kind == "edge":
            numbers = [float(word) * INCH for word in words[3 : 3 + 2 * int(words[2])]]
            curves[int(words[0]), int(words[1])] = sorted([(x, -y) for x, y in zip(numbers[::2], numbers[1::2])])
    across = sorted({round(x) for x, _ in cards.values()})
    column = [across.index(round(cards[card][0])) for card in range(len(heights))]
    return _spaced(column, [cards[card][1] for card in range(len(heights))], across, curves, heights, edges, boxes)


def _source(heights: Sequence[float], edges: Sequence[tuple[int, int]], boxes: Sequence[str | None]) -> str:
    """The graph as DOT, in numbers only: nothing that a user typed gets into it."""
    import graphviz  # here, for those who never ask for this layout

    dot = graphviz.Digraph(
        graph_attr={"rankdir": "LR", "ranksep": f"{COLUMN_GAP / INCH}", "nodesep": f"{CARD_GAP / INCH}"},
        node_attr={"shape": "box", "fixedsize": "true", "label": "", "width": f"{CARD_WIDTH / INCH}"},
    )
    clusters = {name: f"cluster{number}" for number, name in enumerate(dict.fromkeys(boxes)) if name is not None}
    for card, (height, box) in enumerate(zip(heights, boxes)):
        if box is None:
            dot.node(str(card), height=f"{height / INCH}")
        else:
            with dot.subgraph(name=clusters[box], graph_attr={"margin": f"{(BOX_ABOVE + BOX_BELOW) / 2}"}) as cluster:
                cluster.node(str(card), height=f"{height / INCH}")
    for start, end in dict.fromkeys(edges):
        dot.edge(str(start), str(end), arrowhead="none")
    return str(dot.source)


def _run_dot(source: str, cards: int) -> str:
    program = shutil.which("dot")
    otherwise = 'the default, engine="builtin", needs no other program'
    if program is None:
        raise FileNotFoundError(
            'engine="dot" needs the program dot, which is not on this PATH: install Graphviz (https://graphviz.org/'
            f"download, or apt install graphviz, brew install graphviz); {otherwise}"
        )
    try:
        done = subprocess.run([program, "-Tplain"], input=source, capture_output=True, text=True, timeout=TIME_LIMIT)
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"dot took more than {TIME_LIMIT:g} s for {cards:,} cards: fold them; {otherwise}") from None
    if done.returncode:
        raise RuntimeError(f"dot failed with code {done.returncode}: {done.stderr.strip()[:200]}; {otherwise}")
    return done.stdout.replace("\\\n", "")


def _spaced(
    column: list[int],
    y: list[float],
    across: Sequence[int],
    curves: dict[tuple[int, int], list[tuple[float, float]]],
    heights: Sequence[float],
    edges: Sequence[tuple[int, int]],
    boxes: Sequence[str | None],
) -> Layout:
    """Cards and bends in dot's order, moved apart where our boxes and gaps need more room than dot's."""
    columns, wanted, tall, box = list(column), list(y), list(heights), list(boxes)
    bends: dict[tuple[int, int], list[int]] = {}
    for start, end in dict.fromkeys(edges):
        passed = range(column[start] + 1, column[end])
        bends[start, end] = list(range(len(columns), len(columns) + len(passed)))
        columns += passed
        xs, ys = zip(*curves[start, end])
        wanted += [float(np.interp(across[own], xs, ys)) for own in passed]
        tall += [BEND_HEIGHT] * len(passed)
        box += [None] * len(passed)
    for number in range(len(across)):
        members = sorted([node for node, own in enumerate(columns) if own == number], key=lambda node: wanted[node])
        gaps = distances_between(members, tall, box, len(heights))
        for node, height in zip(members, spread([wanted[node] for node in members], [1.0] * len(members), gaps)):
            wanted[node] = height
    return Layout(column, wanted[: len(y)], [[(columns[node], wanted[node]) for node in bends[edge]] for edge in edges])
