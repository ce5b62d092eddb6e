"""Layered drawing: what holds of every picture, whatever the graph."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smcli.report.layers import MOST_BENDS, Layers, layered, placed

GAP = 10.0


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]], range, range]:
    """Slots, edges and the ports that come first and last."""
    children, first, last = draw(st.integers(0, 12)), draw(st.integers(0, 3)), draw(st.integers(0, 3))
    count = children + first + last
    ends = st.integers(0, count - 1) if count else st.nothing()
    edges = draw(st.lists(st.tuples(ends, ends), max_size=30, unique=True)) if count else []
    inputs, outputs = range(children, children + first), range(children + first, count)
    return count, [edge for edge in edges if edge[1] not in inputs and edge[0] not in outputs], inputs, outputs


def rows_of(layers: Layers) -> dict[int, int]:
    return {slot: index for index, row in enumerate(layers.rows) for slot in row}


@settings(max_examples=200, deadline=None)
@given(graphs())
def test_edges_lead_down_and_slots_do_not_overlap(drawn: tuple[int, list[tuple[int, int]], range, range]) -> None:
    count, edges, first, last = drawn
    layers = layered(count, edges, first, last)
    row = rows_of(layers)
    assert sorted(slot for slot in row if slot < count) == list(range(count))
    for index, (edge, route) in enumerate(zip(edges, layers.routes)):
        if edge[0] == edge[1]:
            assert route == []
            continue
        assert (route[0], route[-1]) == (edge[::-1] if index in layers.turned else edge)
        assert [row[b] - row[a] for a, b in pairwise(route)] == [1] * (len(route) - 1)
    widths = [20.0 + 5 * slot for slot in range(count)]
    x, width = placed(layers, widths, [(0.0, 0.0)] * len(edges), GAP)
    half = [size / 2 for size in widths] + [0.0] * (len(x) - count)
    for slots in layers.rows:
        assert all(x[b] - x[a] >= half[a] + half[b] + GAP - 1e-6 for a, b in pairwise(slots))
    assert all(x[s] - half[s] >= -1e-6 and x[s] + half[s] <= width + 1e-6 for s in row)


def test_ports_lie_at_the_edges() -> None:
    layers = layered(5, [(3, 0), (0, 1), (1, 4), (3, 2)], range(3, 4), range(4, 5))
    assert layers.rows[0] == [3]
    assert layers.rows[-1][:1] == [4] or 4 in layers.rows[-1]


def test_only_what_closes_a_cycle_is_turned() -> None:
    edges = [(0, 1), (1, 2), (2, 0), (2, 3)]
    assert layered(4, edges, range(0), range(0)).turned == [2]
    assert layered(4, edges, range(0), range(0), back=[0]).turned == [0]


def test_a_chain_is_a_straight_line() -> None:
    layers = layered(6, [(i, i + 1) for i in range(5)] + [(0, 5)], range(0), range(0))
    x, _ = placed(layers, [40.0] * 6, [(0.0, 0.0)] * 6, GAP)
    assert max(x[:6]) - min(x[:6]) < 30


def test_edges_start_at_their_ports() -> None:
    layers = layered(2, [(0, 1)], range(0), range(0))
    x, _ = placed(layers, [100.0, 20.0], [(30.0, 0.0)], GAP)
    assert x[1] == pytest.approx(x[0] + 30)


def test_crossings_are_undone() -> None:
    layers = layered(4, [(0, 3), (1, 2)], range(0), range(0))
    top, bottom = layers.rows
    assert [top.index(0), top.index(1)] == [bottom.index(3), bottom.index(2)]


def test_slots_without_edges_form_a_block() -> None:
    rows = layered(100, [], range(0), range(0)).rows
    assert len(rows) == 10
    assert all(len(row) == 10 for row in rows)


def test_bends_are_bounded() -> None:
    count = 120
    edges = [(a, b) for a in range(count) for b in range(a + 1, count)]
    layers = layered(count, edges, range(0), range(0))
    assert sum(len(row) for row in layers.rows) <= count + MOST_BENDS
