"""The edges between the cards of groups: several become one, and the weaker ones beside a matrix are left out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from ..common.text import full, short
from .groups import Grouping
from .reading import Reading
from .scene import Card, Edge, gets_text, value_edge
from .sums import Sum

CLOSED = "nothing goes back: requires_grad is False"
MOST_LINES = 10  # into a layer that has a matrix
FULL_FAN = 24  # edges from the rows of a table to the neurons of a layer, above which the strongest alone are drawn


def edges_between(
    reading: Reading, grouping: Grouping, cards: Sequence[Card], results: Sequence[Sequence[int]]
) -> tuple[list[Edge], list[Edge]]:
    """The edges between different cards, and those that are left out beside a matrix.

    The edges into a folded card, or from several results of one, become one edge.
    """
    found: list[Edge] = []
    bundles: dict[tuple[int, int | None, int, int | None], list[tuple[int, int, int]]] = {}
    place, left_out = grouping.place, grouping.left_out
    is_alone = [not card.is_fold or group.sum is not None for card, group in zip(cards, grouping.groups)]
    has_one = [len(own) == 1 for own in results]
    for end, parents in enumerate(reading.parents):
        if end in left_out:
            continue
        into, into_row = place[end]
        for argument, start in enumerate(parents):
            out, out_row = place[start]
            if out == into:
                continue
            if cards[out].is_fold and not reading.parents[start]:
                out_row = None  # parameters that are used outside of their neurons, as in a penalty: one edge for all
                bundles.setdefault((out, out_row, into, into_row), []).append((start, end, argument))
            elif grouping.groups[out].kind == "leaves" and grouping.groups[into].kind in ("sum", "repeat"):
                bundles.setdefault((out, out_row, into, into_row), []).append((start, end, argument))
            elif is_alone[into] and (has_one[out] or cards[out].is_table):
                one = grouping.groups[into].sum
                edge = (
                    term_edge(reading, start, end, argument, one) if one else value_edge(reading, start, end, argument)
                )
                found.append(replace(edge, start=out, end=into, start_row=out_row))
            else:
                bundles.setdefault((out, out_row, into, into_row), []).append((start, end, argument))
    bundled = [_bundle(reading, between, bundle) for between, bundle in bundles.items()]
    from_rows = [grouping.groups[out].kind == "leaves" for out, *_ in bundles]  # the rows of a sum name them
    kept = _fewer([edge for edge, named in zip(bundled, from_rows) if not named], cards, reading.has_gradients)
    drawn = set(map(id, kept))
    return found + kept, [edge for edge in bundled if id(edge) not in drawn]


def term_edge(reading: Reading, start: int, end: int, argument: int, one: Sum) -> Edge:
    """The edge from a term to its sum, as if the sum were one operation."""
    if end == one.scaled:
        return value_edge(reading, start, end, argument)
    edge = value_edge(reading, start, end, argument)
    share = reading.slopes[one.scaled][0] if one.scaled is not None else 1.0
    edge.local = edge.local * share
    edge.label = f"×{short(edge.local, 3)}"
    top, name = reading.names[one.top], reading.names[start]
    lines = [f"local derivative of {top} through {name} = {full(edge.local)}"]
    if edge.is_open and reading.has_gradients:
        lines.append(gets_text(name, edge.local, reading.shown[one.top], edge.passed))
    edge.detail = "\n".join(
        lines if edge.is_open else [*lines, "nothing goes back along this edge: requires_grad is False"]
    )
    return edge


def _bundle(
    reading: Reading, between: tuple[int, int | None, int, int | None], bundle: Sequence[tuple[int, int, int]]
) -> Edge:
    passed = [reading.passed(*one) for one in bundle]
    greatest = strongest(passed)
    slopes = [reading.slopes[end][argument] for _, end, argument in bundle]
    sizes = passed if reading.has_gradients else slopes
    most = strongest(sizes)
    place = next(i for i, one in enumerate(sizes) if one is most or one == most)
    (start, end, _), local = bundle[place], slopes[place]
    names = reading.names
    if not (is_open := any(reading.is_open(one, other) for one, other, _ in bundle)):
        detail = CLOSED
    else:
        detail = f"{names[end]} passes {full(greatest)} back to {names[start]}"
    if len(bundle) > 1 and is_open:
        total = math.fsum(map(abs, passed))
        detail = f"{len(bundle)} edges; the strongest is drawn: {detail}\nsum of |gradient| over all: {short(total)}"
    out, out_row, into, into_row = between
    return Edge(out, into, greatest, "", local, detail, is_open, start_row=out_row, end_row=into_row)


def _fewer(edges: list[Edge], cards: Sequence[Card], has_gradients: bool) -> list[Edge]:
    """The edges without the weaker ones of those that lead into a table, where its matrix shows them all.

    The same goes for many edges from the rows of a table to the neurons of a layer, whose bars show all parameters.
    """
    kept: list[Edge] = []
    into: dict[int, list[Edge]] = {}
    fans: dict[tuple[int, str], list[Edge]] = {}
    for edge in edges:
        if cards[edge.end].matrix:
            into.setdefault(edge.end, []).append(edge)
        elif edge.start_row is not None and edge.is_open and cards[edge.end].terms:
            fans.setdefault((edge.start, cards[edge.end].layer), []).append(edge)
        else:
            kept.append(edge)
    for fan in fans.values():
        ranked = sorted(fan, key=lambda edge: _weight_of(edge, has_gradients), reverse=True)
        of_each_neuron = {edge.end: edge for edge in reversed(ranked)}
        wanted = {id(edge) for edge in [*ranked[:MOST_LINES], *of_each_neuron.values()]}
        kept += [edge for edge in fan if len(fan) <= FULL_FAN or id(edge) in wanted]
    for every in into.values():
        among = [edge for edge in every if edge.is_open]
        closed = {(edge.start, edge.start_row): edge for edge in reversed(every) if not edge.is_open}
        # Nothing goes back along these: one line to all neurons says as much as one to each.
        kept += [
            replace(edge, end_row=None, detail=CLOSED)
            for _, edge in sorted(closed.items(), key=lambda pair: pair[0][0])
        ]
        ranked = sorted(among, key=lambda edge: _weight_of(edge, has_gradients), reverse=True)
        needed = {edge.start: edge for edge in reversed(ranked)}  # the strongest one of each card
        wanted = {id(edge) for edge in [*ranked[:MOST_LINES], *needed.values()]}
        left = [edge for edge in among if id(edge) in wanted]
        kept += sorted(left, key=lambda edge: (edge.start, edge.end_row or 0))
    return kept


def _weight_of(edge: Edge, has_gradients: bool) -> float:
    number = edge.passed if has_gradients else edge.local
    return math.inf if number != number else abs(number)


def strongest(numbers: Sequence[float]) -> float:
    """The number that is farthest from 0; nan comes before all."""
    return max(numbers, key=lambda number: math.inf if number != number else abs(number))
