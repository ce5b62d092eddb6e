"""A view of a model as an SVG picture: scopes as boxes, those that are small unfolded, tensors as labelled edges.

Names come from files of strangers: all text is escaped, and what XML can not hold is written as Python writes it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from smcli.analysis.attr_text import cut
from smcli.analysis.model_graph import View
from smcli.analysis.scopes import Group, Scopes, scopes_of
from smcli.report.boxes import LINE, PADDING, SMALL, Box, Level, level_of, line_text, text_width
from smcli.report.frames import Frame, Point, end_shifts, frames, route_points
from smcli.report.terminal import printable

MARGIN = 24
_HEADING = 34.0


class _Place(NamedTuple):
    """Where the frame of a group is, from the upper left corner of the picture."""

    group: int
    x: float
    y: float


def svg_text(title: str, view: View, depth: int | None = None) -> str:
    """The whole file. depth: groups that lie less deep are unfolded; those that suit a page when it is None."""
    scopes = scopes_of(view)
    opened = _opened(scopes, depth)
    levels = {place: level_of(view, scopes, scopes.groups[place]) for place in opened}
    made = frames(scopes.groups, levels, opened)
    root = made[0]
    heading = escape(printable(title))
    width = max(root.width, text_width(heading, 14)) + 2 * MARGIN
    height = root.height + 2 * MARGIN + _HEADING
    style = asset("picture.css")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" role="img">\n<title>{heading}</title>\n<style>{style}</style>\n'
        '<defs><marker id="tip" viewBox="-8 -4 9 8" markerWidth="8" markerHeight="7" orient="auto">'
        '<path class="tip" d="M-7,-3.5L0,0L-7,3.5z"/></marker></defs>\n'
        f'<rect class="ground" width="100%" height="100%"/>\n'
        f'<text class="title" x="{MARGIN}" y="{MARGIN + 8}">{heading}</text>\n'
    ]
    waiting = [_Place(0, (width - root.width) / 2, MARGIN + _HEADING)]
    while waiting:
        place = waiting.pop()
        group, level = scopes.groups[place.group], levels[place.group]
        parts += _frame_text(place, group, made[place.group])
        waiting += _inner(place, group, made)
        parts += _edges(place, scopes, level, made)
        parts += _boxes(place, view, group, level, made)
    return "".join([*parts, "</svg>\n"])


def _opened(scopes: Scopes, depth: int | None) -> set[int]:
    if depth is None:
        return set(scopes.opened)
    return {place for place, group in enumerate(scopes.groups) if group.depth <= depth}


def asset(name: str) -> str:
    """A file of the package that goes into pictures: a style sheet or a script."""
    with open(os.path.join(os.path.dirname(__file__), "assets", name), encoding="utf-8") as file:
        return file.read()


def escape(text: str) -> str:
    """Text that stands for itself in XML and HTML, in elements and quoted attributes."""
    for char, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#39;")):
        text = text.replace(char, written)
    return text


def _inner(place: _Place, group: Group, made: dict[int, Frame]) -> Iterator[_Place]:
    frame = made[place.group]
    for slot, child in enumerate(group.children):
        inner = made.get(-1 - child) if child < 0 else None
        if inner is not None:
            yield _Place(-1 - child, place.x + frame.x[slot] - inner.width / 2, place.y + frame.top[slot])


def _frame_text(place: _Place, group: Group, frame: Frame) -> list[str]:
    if not place.group:
        return []
    label = escape(line_text(group.label))
    return [
        f'<rect class="frame" x="{place.x:.1f}" y="{place.y:.1f}" width="{frame.width:.1f}" '
        f'height="{frame.height:.1f}" rx="6"/>\n'
        f'<text class="soft" x="{place.x + PADDING:.1f}" y="{place.y + 15:.1f}">{label}</text>\n'
    ]


def _boxes(place: _Place, view: View, group: Group, level: Level, made: dict[int, Frame]) -> Iterator[str]:
    frame = made[place.group]
    for slot, (child, box) in enumerate(zip(group.children, level.boxes)):
        if child < 0 and -1 - child in made:
            continue
        x, y = place.x + frame.x[slot] - box.width / 2, place.y + frame.top[slot]
        hint = cut(view.nodes[child].name if child >= 0 else group.scope + box.title)
        yield f'<g class="{box.kind}" transform="translate({x:.1f},{y:.1f})"><title>{escape(printable(hint))}</title>'
        yield "".join(_box_parts(box)) + "</g>\n"


def _box_parts(box: Box) -> Iterator[str]:
    yield f'<rect class="box" width="{box.width:.0f}" height="{box.height:.0f}" rx="5"/>'
    if box.kind != "group":
        yield f'<rect class="bar" width="4" height="{box.height:.0f}" rx="2"/>'
    y = LINE
    yield f'<text class="title" x="{PADDING:.0f}" y="{y:.0f}">{escape(box.title)}</text>'
    for line in box.lines:
        y += LINE
        yield f'<text class="soft" x="{PADDING:.0f}" y="{y:.0f}">{escape(line)}</text>'
    y += 4
    for name, value, _ in box.rows:
        y += LINE
        yield f'<text x="{PADDING:.0f}" y="{y:.0f}">{escape(name)}'
        yield f'<tspan class="soft" dx="6">{escape(value)}</tspan></text>'


def _edges(place: _Place, scopes: Scopes, level: Level, made: dict[int, Frame]) -> Iterator[str]:
    group, frame = scopes.groups[place.group], made[place.group]
    ends = range(len(group.children), level.layers.count)
    for index, bundle in enumerate(group.bundles):
        shifts = end_shifts(scopes.groups, group, bundle, made)
        points = route_points(frame, level, group, index, shifts)
        if not points:
            continue
        classes = "edge" + ("" if bundle.tensors else " control") + (" back" if index in level.layers.turned else "")
        tip = "" if bundle.end in ends else ' marker-end="url(#tip)"'
        yield f'<path class="{classes}" d="{path_text(points, place.x, place.y)}"{tip}/>\n'
    for index, bundle in enumerate(group.bundles):
        label = level.labels[index]
        if not label or not level.layers.routes[index]:
            continue
        x, y = label_point(frame, level, group, index, end_shifts(scopes.groups, group, bundle, made))
        classes = "label inside" if place.group else "label"
        yield f'<text class="{classes}" x="{place.x + x:.1f}" y="{place.y + y:.1f}">{escape(printable(label))}</text>\n'


def label_point(frame: Frame, level: Level, group: Group, index: int, shifts: Point) -> Point:
    """The middle of the base line of a bundle's label: below its start, or above its end."""
    bundle = group.bundles[index]
    if level.at_start[index] and index in level.layers.turned:
        return frame.x[bundle.start] + shifts[0], frame.bands[bundle.start][0] - SMALL
    if level.at_start[index]:
        return frame.x[bundle.start] + shifts[0], frame.bands[bundle.start][1] + SMALL + 5
    return frame.x[bundle.end] + shifts[1], frame.bands[bundle.end][0] - SMALL


def path_text(points: list[tuple[Point, Point]], x: float, y: float) -> str:
    """A line that goes straight through what it passes, and in a curve from one to the next."""
    (x0, y0), _ = points[0]
    parts = [f"M{x + x0:.1f},{y + y0:.1f}"]
    for (_, (x1, y1)), ((x2, y2), _) in pairwise(points):
        middle = (y1 + y2) / 2
        parts += _line_to(x + x1, y + y1, parts[-1])
        parts.append(f"C{x + x1:.1f},{y + middle:.1f} {x + x2:.1f},{y + middle:.1f} {x + x2:.1f},{y + y2:.1f}")
    parts += _line_to(x + points[-1][1][0], y + points[-1][1][1], parts[-1])
    return "".join(parts)


def _line_to(x: float, y: float, before: str) -> list[str]:
    """Nothing for a line without length, which would leave the tip of an edge without a direction."""
    point = f"{x:.1f},{y:.1f}"
    return [] if before.endswith((f"M{point}", f" {point}")) else [f"L{point}"]
