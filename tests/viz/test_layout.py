"""What the layout promises holds for any graph."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.viz.common.spacing import spread
from chainrule.viz.graph.layout.layered import arrange
from chainrule.viz.graph.layout.ordering import order_columns


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[float], list[tuple[int, int]], list[str | None]]:
    count = draw(st.integers(1, 25))
    heights = draw(st.lists(st.sampled_from([80.0, 108.0]), min_size=count, max_size=count))
    pairs = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda pair: pair[0] < pair[1])
    edges = draw(st.lists(pairs, max_size=60)) if count > 1 else []
    groups = draw(st.lists(st.sampled_from([None, None, "layer 1", "layer 2"]), min_size=count, max_size=count))
    return heights, edges, groups


@given(graphs())
def test_edges_lead_to_the_right_and_bend_once_in_each_column_between(graph):
    heights, edges, groups = graph
    layout = arrange(heights, edges, groups)
    for (start, end), bends in zip(edges, layout.bends):
        assert [column for column, _ in bends] == list(range(layout.column[start] + 1, layout.column[end]))
        assert layout.column[start] < layout.column[end]


@given(graphs())
def test_no_two_cards_touch_and_no_edge_runs_through_a_card(graph):
    heights, edges, groups = graph
    layout = arrange(heights, edges, groups)
    columns: dict[int, list[tuple[float, float]]] = {}
    for column, y, height in zip(layout.column, layout.y, heights):
        columns.setdefault(column, []).append((y - height / 2, y + height / 2))
    for spans in columns.values():
        for (_, bottom), (top, _) in pairwise(sorted(spans)):
            assert top >= bottom + 19.0  # CARD_GAP is 20, and positions are sums of floats
    for bends in layout.bends:
        for column, y in bends:
            assert all(y < top or y > bottom for top, bottom in columns.get(column, []))


@given(graphs())
def test_cards_of_one_box_stand_together(graph):
    heights, edges, groups = graph
    layout = arrange(heights, edges, groups)
    for column in set(layout.column):
        members = sorted((layout.y[i], groups[i]) for i in range(len(heights)) if layout.column[i] == column)
        boxes = [box for (_, box), (_, following) in pairwise([*members, (0.0, "end")]) if box and box != following]
        assert len(boxes) == len(set(boxes))


@given(graphs())
def test_a_graph_has_the_same_layout_each_time(graph):
    assert arrange(*graph) == arrange(*graph)


@pytest.mark.slow
def test_the_size_of_a_layout_is_not_quadratic_in_the_uses_of_a_value():
    edges = [edge for end in range(2, 2000) for edge in ((0, end), (end - 1, end))]
    layout = arrange([80.0] * 2000, edges)
    assert sum(map(len, layout.bends)) < 20 * 2000
    assert max(map(len, layout.bends)) == layout.column[-1] - layout.column[0] - 1


def test_leaves_stand_next_to_their_user():
    # The graph is x -> a -> b -> c, with a leaf that only c uses.
    layout = arrange([80.0] * 5, [(0, 1), (1, 2), (2, 4), (3, 4)])
    assert layout.column == [0, 1, 2, 2, 3]


def test_a_tree_is_drawn_without_crossings():
    # The tree is the sum of two products of two leaves each.
    layout = arrange([80.0] * 7, [(0, 4), (1, 4), (2, 5), (3, 5), (4, 6), (5, 6)])
    assert layout.y[0] < layout.y[1] < layout.y[2] < layout.y[3]
    assert layout.y[4] == pytest.approx((layout.y[0] + layout.y[1]) / 2, abs=5)


def test_the_error_about_an_edge_that_leads_backwards_names_it():
    with pytest.raises(ValueError, match=r"edge \(1, 0\)"):
        arrange([80.0, 80.0], [(1, 0)])


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(5, 9)), max_size=15, unique=True))
def test_reordering_never_adds_crossings_and_removes_those_of_a_matching(links):
    def crossings(columns: list[list[int]], drawn: list[tuple[int, int]]) -> int:
        place = {node: index for column in columns for index, node in enumerate(column)}
        pairs = [(place[a] - place[c]) * (place[b] - place[d]) for a, b in drawn for c, d in drawn]
        return sum(product < 0 for product in pairs) // 2

    def ordered(drawn: list[tuple[int, int]]) -> list[list[int]]:
        before, after = ([[] for _ in range(10)] for _ in range(2))
        for start, end in drawn:
            after[start].append(end)
            before[end].append(start)
        return order_columns([[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]], before, after, [None] * 10)

    start = [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
    assert [sorted(column) for column in ordered(links)] == start
    assert crossings(ordered(links), links) <= crossings(start, links)
    matching = [(left, 9 - left) for left in range(5)]
    assert crossings(start, matching) == 10 and crossings(ordered(matching), matching) == 0


positions = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=12)


@given(positions, st.data())
def test_spread_moves_the_cards_as_little_as_possible(desired, data):
    """No position can come closer to the desired one by moving, alone or with its neighbours."""
    weight = data.draw(st.lists(st.floats(0.5, 8), min_size=len(desired), max_size=len(desired)))
    distance = data.draw(st.lists(st.floats(0, 50), min_size=len(desired) - 1, max_size=len(desired) - 1))
    found = spread(desired, weight, distance)
    for (upper, lower), least in zip(pairwise(found), distance):
        assert lower - upper >= least - 1e-9
    # The result y is a projection onto a convex set if sum w (d - y) (z - y) <= 0 for every allowed z. The z that are
    # tried here span the others.
    tolerance = 1e-9 * 8 * len(desired) * 2e3 * 2e3
    for start in range(len(desired)):
        for sign in (1.0, -1.0):
            moved = [y + (sign if (index >= start) == (sign > 0) else 0.0) for index, y in enumerate(found)]
            terms = [w * (d - y) * (z - y) for w, d, y, z in zip(weight, desired, found, moved)]
            assert sum(terms) <= tolerance
