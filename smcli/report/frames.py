"""Where everything of a picture lies, once it is known which groups are unfolded."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from smcli.analysis.scopes import Bundle, Group
from smcli.report.boxes import GAP_X, GAP_Y, GAP_Y_LABEL, HEAD, PADDING, Level
from smcli.report.layers import placed

Point = tuple[float, float]


@dataclass(slots=True)
class Frame:
    """The inside of an unfolded group, from its upper left corner. x: middles of slots; top, bottom: of slots; bands:
    top and bottom of the row that each slot is in. Ports lie on the edge of the frame."""

    width: float
    height: float
    x: list[float]
    top: list[float]
    bottom: list[float]
    bands: list[Point]


def frames(groups: Sequence[Group], levels: Mapping[int, Level], opened: Collection[int]) -> dict[int, Frame]:
    """The frames of the groups that are unfolded, and whose parents all are."""
    showing: dict[int, None] = {}
    for place, group in enumerate(groups):  # parents come first
        if place in opened and (group.parent < 0 or group.parent in showing):
            showing[place] = None
    made: dict[int, Frame] = {}
    for place in reversed(showing):
        made[place] = _frame(groups, place, levels[place], made)
    return made


def _frame(groups: Sequence[Group], place: int, level: Level, made: dict[int, Frame]) -> Frame:
    group, layers = groups[place], level.layers
    children = len(group.children)
    inner = [made.get(-1 - child) for child in group.children]
    widths = [
        max(frame.width if frame else box.width, room) for frame, box, room in zip(inner, level.boxes, level.room)
    ]
    heights = [frame.height if frame else box.height for frame, box in zip(inner, level.boxes)]
    shifts = [end_shifts(groups, group, bundle, made) for bundle in group.bundles]
    down = [shift[::-1] if index in layers.turned else shift for index, shift in enumerate(shifts)]
    x, width = placed(layers, [*widths, *level.room[children:]], down, GAP_X)
    labelled = _labelled(group, level)
    top, bottom, bands = [0.0] * len(x), [0.0] * len(x), [(0.0, 0.0)] * len(x)
    y = HEAD if place else 0.0
    for index, row in enumerate(layers.rows):
        height = max([heights[slot] for slot in row if slot < children], default=0.0)
        for slot in row:
            size = heights[slot] if slot < children else height
            top[slot], bottom[slot] = y + (height - size) / 2, y + (height + size) / 2
            bands[slot] = (y, y + height)
        y += height
        if index < len(layers.rows) - 1:
            above = any(-1 - slot in labelled for slot in layers.rows[index + 1])
            y += GAP_Y_LABEL if above or any(slot in labelled for slot in row) else GAP_Y
    if not place:
        return Frame(width, y, x, top, bottom, bands)
    y += PADDING
    for slot in range(children, children + group.inputs):
        top[slot] = bottom[slot] = 0.0
    for slot in range(children + group.inputs, layers.count):
        top[slot] = bottom[slot] = y
        bands[slot] = (y, y)
    return Frame(max(width, level.head) + 2 * PADDING, y, _centred(x, width, level.head), top, bottom, bands)


def _centred(x: list[float], width: float, least: float) -> list[float]:
    return [value + PADDING + max(0.0, least - width) / 2 for value in x]


def _labelled(group: Group, level: Level) -> set[int]:
    """Slots with a label below them, and -1 - slot for those with one above."""
    found: set[int] = set()
    for bundle, label, at_start in zip(group.bundles, level.labels, level.at_start):
        if label:
            found.add(bundle.start if at_start else -1 - bundle.end)
    return found


def end_shifts(groups: Sequence[Group], group: Group, bundle: Bundle, made: dict[int, Frame]) -> Point:
    """How far from the middles of the boxes at its ends a bundle starts and ends: at ports of unfolded groups."""
    start = _port_shift(groups, group, bundle.start, bundle.start_port, made, is_input=False)
    return start, _port_shift(groups, group, bundle.end, bundle.end_port, made, is_input=True)


def _port_shift(
    groups: Sequence[Group], group: Group, slot: int, port: int | None, made: dict[int, Frame], *, is_input: bool
) -> float:
    place = -1 - group.children[slot] if port is not None else 0
    if port is None or place not in made:
        return 0.0
    inner = groups[place]
    first = len(inner.children) + (0 if is_input else inner.inputs)
    return made[place].x[first + port] - made[place].width / 2


def route_points(frame: Frame, level: Level, group: Group, index: int, shifts: Point) -> list[tuple[Point, Point]]:
    """What a bundle passes on its way from start to end: for each slot where it comes in and where it leaves."""
    bundle, route = group.bundles[index], level.layers.routes[index]
    if not route:
        return []
    is_turned = index in level.layers.turned
    slots = route[::-1] if is_turned else route
    points: list[tuple[Point, Point]] = []
    for slot in slots:
        shift = shifts[0] if slot == bundle.start else shifts[1] if slot == bundle.end else 0.0
        x = frame.x[slot] + shift
        above, below = frame.bands[slot]
        if slot == bundle.start:
            points.append(
                ((x, frame.bottom[slot]), (x, below)) if not is_turned else ((x, frame.top[slot]), (x, above))
            )
        elif slot == bundle.end:
            points.append(
                ((x, above), (x, frame.top[slot])) if not is_turned else ((x, below), (x, frame.bottom[slot]))
            )
        else:
            points.append(((x, below), (x, above)) if is_turned else ((x, above), (x, below)))
    return points
