"""Where the boxes of a small directed graph go: layers from top to bottom, few crossings, straight edges.

The usual steps of layered drawing (Sugiyama, Tagawa and Toda, 1981): edges that close a cycle are turned round, each
box gets a layer by its longest path, long edges get a bend in each layer that they pass, boxes are ordered by the mean
place of their neighbours, and then moved towards that mean as far as their order lets them. `layered` does all but the
last step, which depends on sizes: `placed` does it here, and assets/page.js does the same when a group is unfolded.
The work is bounded: what would need too many bends is drawn straight.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Collection, Sequence
from dataclasses import dataclass

MOST_BENDS = 4_000
_SWEEPS = 8
_FEW_EDGES = 500  # with more of them, order is looked at less often
ROUNDS = 10  # of moving boxes; even
BEND_WEIGHT = 4  # how much more than a box's edge the straightness of a long edge counts

Edge = tuple[int, int]


@dataclass(slots=True)
class Layers:
    """rows: slots from left to right, for each layer. Slots from `count` on are bends.

    routes: for each edge the slots it passes, both ends included, from top to bottom; empty for an edge from a slot to
    itself. turned: edges that go upwards.
    """

    count: int
    rows: list[list[int]]
    routes: list[list[int]]
    turned: list[int]


def layered(count: int, edges: Sequence[Edge], first: range, last: range, back: Collection[int] = ()) -> Layers:
    """Puts slots 0 … count - 1 into ordered layers; those of `first` on top, those of `last` at the bottom.

    back: edges that are known to close a loop; where the rest has cycles, an edge of each is found.
    """
    known = [(end, start) if index in back else (start, end) for index, (start, end) in enumerate(edges)]
    down, others = _acyclic(count, known, first)
    turned = set(back) ^ set(others)
    ranks = _ranks(count, down, first, last)
    rows, routes = _with_bends(count, down, ranks)
    _order(rows, [(route[i], route[i + 1]) for route in routes for i in range(len(route) - 1)])
    return Layers(count, rows, routes, sorted(turned))


def _acyclic(count: int, edges: Sequence[Edge], first: range) -> tuple[list[Edge], list[int]]:
    """The edges, with those turned round that a walk in depth finds to close a cycle; and which they are."""
    out: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    has_source = [False] * count
    for index, (start, end) in enumerate(edges):
        out[start].append((index, end))
        has_source[end] |= start != end
    turned: list[int] = []
    state = [0] * count  # 1: on the way, 2: done
    roots = [*first, *[slot for slot in range(count) if not has_source[slot]], *range(count)]
    for root in roots:
        if state[root]:
            continue
        state[root] = 1
        stack = [(root, iter(out[root]))]
        while stack:
            slot, rest = stack[-1]
            for index, end in rest:
                if state[end] == 0:
                    state[end] = 1
                    stack.append((end, iter(out[end])))
                    break
                if state[end] == 1 and end != slot:
                    turned.append(index)
            else:
                state[slot] = 2
                stack.pop()
    down = list(edges)
    for index in turned:
        down[index] = (edges[index][1], edges[index][0])
    return down, turned


def _ranks(count: int, edges: Sequence[Edge], first: range, last: range) -> list[int]:
    """The layer of each slot: one more than that of what lies above; sources as low as what they feed lets them."""
    below: list[list[int]] = [[] for _ in range(count)]
    missing = [0] * count
    for start, end in edges:
        if start != end:
            below[start].append(end)
            missing[end] += 1
    sources = [slot for slot in range(count) if not missing[slot]]
    ranks = [1 if first else 0] * count
    ready = list(sources)
    for slot in first:
        ranks[slot] = 0
    for slot in ready:
        for end in below[slot]:
            ranks[end] = max(ranks[end], ranks[slot] + 1)
            missing[end] -= 1
            if not missing[end]:
                ready.append(end)
    for slot in sources:
        if slot not in first and below[slot]:
            ranks[slot] = max(ranks[slot], min(ranks[end] for end in below[slot]) - 1)
    _spread_lonely([slot for slot in sources if not below[slot] and slot not in first and slot not in last], ranks)
    bottom = max([rank for slot, rank in enumerate(ranks) if slot not in last], default=-1) + 1
    for slot in last:
        ranks[slot] = bottom
    return ranks


def _spread_lonely(slots: Sequence[int], ranks: list[int]) -> None:
    """Slots without edges form a block instead of a line."""
    width = max(6, int(len(slots) ** 0.5))
    for index, slot in enumerate(slots):
        ranks[slot] += index // width


def _with_bends(count: int, edges: Sequence[Edge], ranks: Sequence[int]) -> tuple[list[list[int]], list[list[int]]]:
    rows: list[list[int]] = [[] for _ in range(max(ranks, default=-1) + 1)]
    for slot in range(count):
        rows[ranks[slot]].append(slot)
    routes: list[list[int]] = [[] for _ in edges]
    slots = count
    by_length = sorted(range(len(edges)), key=lambda index: (ranks[edges[index][1]] - ranks[edges[index][0]], index))
    for index in by_length:
        start, end = edges[index]
        if start == end:
            continue
        between = range(ranks[start] + 1, ranks[end])
        if slots - count + len(between) > MOST_BENDS:
            between = range(0)
        bends = list(range(slots, slots + len(between)))
        for rank, bend in zip(between, bends):
            rows[rank].append(bend)
        slots += len(bends)
        routes[index] = [start, *bends, end]
    return [row for row in rows if row], routes


def _order(rows: list[list[int]], segments: Sequence[Edge]) -> None:
    """Orders each row so that few segments cross: by the mean place of neighbours above, then below, and again."""
    above: dict[int, list[int]] = {}
    below: dict[int, list[int]] = {}
    for start, end in segments:
        below.setdefault(start, []).append(end)
        above.setdefault(end, []).append(start)
    place = {slot: index for row in rows for index, slot in enumerate(row)}
    best, fewest = [list(row) for row in rows], _crossings(rows, below, place)
    for sweep in range(_SWEEPS if len(segments) < _FEW_EDGES else 3):
        if not fewest:
            break
        neighbours = above if sweep % 2 == 0 else below
        for row in rows if sweep % 2 == 0 else rows[::-1]:
            means = {
                slot: sum(place[other] for other in neighbours[slot]) / len(neighbours[slot])
                if slot in neighbours
                else float(place[slot])
                for slot in row
            }
            row.sort(key=lambda slot: means[slot])
            place.update({slot: index for index, slot in enumerate(row)})
        crossings = _crossings(rows, below, place)
        if crossings < fewest:
            best, fewest = [list(row) for row in rows], crossings
    rows[:] = best


def _crossings(rows: Sequence[Sequence[int]], below: dict[int, list[int]], place: dict[int, int]) -> int:
    total = 0
    for row in rows:
        seen: list[int] = []
        for slot in row:
            ends = [place[end] for end in below.get(slot, ())]
            total += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def placed(
    layers: Layers, widths: Sequence[float], shifts: Sequence[tuple[float, float]], gap: float
) -> tuple[list[float], float]:
    """The middle of each slot from left to right, and the width of all; `widths` are those of boxes, bends have none.

    shifts: how far from the middle of its boxes each edge starts and ends, in the order of its route.
    """
    bends = sum(len(row) for row in layers.rows) - layers.count
    width = [*widths, *[0.0] * bends]
    weight = [*[1.0] * layers.count, *[float(BEND_WEIGHT)] * bends]
    above: list[list[tuple[int, float, float]]] = [[] for _ in width]  # neighbour, shift, weight
    below: list[list[tuple[int, float, float]]] = [[] for _ in width]
    for route, (start_shift, end_shift) in zip(layers.routes, shifts):
        for index in range(len(route) - 1):
            top, bottom = route[index], route[index + 1]
            shift = (start_shift if index == 0 else 0.0) - (end_shift if index == len(route) - 2 else 0.0)
            pull = float(BEND_WEIGHT) if top >= layers.count and bottom >= layers.count else 1.0
            below[top].append((bottom, -shift, pull))
            above[bottom].append((top, shift, pull))
    x = [0.0] * len(width)
    for row in layers.rows:
        _settle(row, [0.0] * len(row), width, weight, gap, x)
    for round_ in range(ROUNDS):
        sides = [above] if round_ % 2 == 0 else [below]
        if round_ >= ROUNDS - 2:
            sides = [above, below]
        for row in layers.rows if round_ % 2 == 0 else layers.rows[::-1]:
            wished = []
            for slot in row:
                pulls = [pull for side in sides for pull in side[slot]]
                total = sum(pull for _, _, pull in pulls)
                wished.append(
                    sum((x[other] + shift) * pull for other, shift, pull in pulls) / total if total else x[slot]
                )
            _settle(row, wished, width, weight, gap, x)
    left = min([x[slot] - width[slot] / 2 for slot in range(len(x))], default=0.0)
    right = max([x[slot] + width[slot] / 2 for slot in range(len(x))], default=0.0)
    return [value - left for value in x], right - left


def _settle(
    row: Sequence[int],
    wished: Sequence[float],
    width: Sequence[float],
    weight: Sequence[float],
    gap: float,
    x: list[float],
) -> None:
    """Puts a row's slots as near to where they wish to be as their order and widths let them, in least squares: pools
    of neighbours that would overlap move as one."""
    offset = 0.0
    offsets: list[float] = []
    pools: list[tuple[float, float, int]] = []  # sum of weights, weighted sum of wishes, slots
    for index, slot in enumerate(row):
        if index:
            offset += (width[row[index - 1]] + width[slot]) / 2 + gap
        offsets.append(offset)
        total, wish, size = weight[slot], (wished[index] - offset) * weight[slot], 1
        while pools and pools[-1][1] / pools[-1][0] >= wish / total:
            before = pools.pop()
            total, wish, size = total + before[0], wish + before[1], size + before[2]
        pools.append((total, wish, size))
    index = 0
    for total, wish, size in pools:
        for _ in range(size):
            x[row[index]] = wish / total + offsets[index]
            index += 1
