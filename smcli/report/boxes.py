"""What stands in the boxes and on the edges of a picture of a model, and how much room it takes.

Room is taken for the widths of letters in common sans-serif fonts, since no font is at hand when a picture is made.
"""

from __future__ import annotations

from dataclasses import dataclass

from smcli.analysis.attr_text import cut
from smcli.analysis.model_graph import INPUT, OUTPUT, View
from smcli.analysis.scopes import Bundle, Group, Scopes, bundle_text, short_text, type_of
from smcli.graph.graph import BACK_EDGES, MERGES
from smcli.report.layers import Layers, layered
from smcli.report.terminal import printable

TITLE, SMALL = 12.0, 10.0  # sizes of text
MOST_LETTERS = 38  # of a line in a box
MOST_ROWS = 5
LINE = 15.0
PADDING = 9.0
HEAD = 24.0  # the line above an unfolded group
GAP_X = 22.0
GAP_Y, GAP_Y_LABEL = 26.0, 44.0  # between layers, with labels and without
_FONT_SLACK = 1.12  # DejaVu Sans is wider than Helvetica by so much
_NARROW, _WIDE = frozenset("iljtf.,:;'|!()[]/ I"), frozenset("mwMW@—")

# op → the kind that gives it its colour; what is in no set is plain
_KINDS = {
    "state": "Variable VarHandle Hash Lookup Assign Table Iterator TensorArray Restore Save Const",
    "layer": "Conv MatMul Einsum Depthwise LSTM GRU Embedding RNN Attention Gather",
    "activation": "Relu Elu Selu Sigmoid Tanh Softmax Softplus LeakyRelu Gelu LogSoftmax Swish Softsign",
    "norm": "BatchNorm LRN FusedBatchNorm L2Loss Moments Pool Max Mean Sum",
    "flow": "If While Case For Switch Merge Enter Exit NextIteration LoopCond PartitionedCall Map",
}
_EXACT = frozenset({"If", "Max", "Sum", "Mean", "For", "Case", "Map", "While"})
_PLAIN = frozenset({"Where", "Maximum", "Format"})


@dataclass(slots=True)
class Box:
    """kind: gives the colour. lines: beneath the title. rows: (argument, value, node) of values that have no box."""

    kind: str
    title: str
    lines: list[str]
    rows: list[tuple[str, str, int]]
    width: float
    height: float


@dataclass(slots=True)
class Level:
    """The inside of a group: a box for each child, folded; layers of all slots; a label for each bundle, empty for
    none, and whether it stands where the bundle starts; the room that each slot takes, with the labels below it; and
    the room that the group's own name takes above."""

    boxes: list[Box]
    layers: Layers
    labels: list[str]
    at_start: list[bool]
    room: list[float]
    head: float


def text_width(text: str, size: float) -> float:
    """About how wide a text is, in the units of its size."""
    total = 0.0
    for char in text:
        if char in _NARROW:
            total += 0.3
        elif char in _WIDE or ord(char) > 0x2000:
            total += 0.9 if char != "×" and char != "…" else 0.7
        else:
            total += 0.68 if char.isupper() else 0.56
    return total * size * _FONT_SLACK


def kind_of(op: str) -> str:
    """The kind of an op: what gives it its colour."""
    if op in (INPUT, OUTPUT) or op.startswith("Placeholder"):
        return "io"
    if op in _PLAIN:
        return "plain"
    for kind, words in _KINDS.items():
        if any(op == word if word in _EXACT else word in op for word in words.split()):
            return kind
    return "plain"


def level_of(view: View, scopes: Scopes, group: Group) -> Level:
    """The level of a group of a view."""
    boxes = [
        node_box(view, scopes, child, group.scope) if child >= 0 else _group_box(scopes.groups[-1 - child])
        for child in group.children
    ]
    children = len(boxes)
    ports = range(children, children + group.inputs)
    ends = range(ports.stop, ports.stop + group.outputs)
    back = [index for index, bundle in enumerate(group.bundles) if _closes_loop(view, group, bundle)]
    layers = layered(ends.stop, [(bundle.start, bundle.end) for bundle in group.bundles], ports, ends, back)
    labels, at_start = _labels(view, group, ports, ends)
    room = [box.width for box in boxes] + [8.0] * (group.inputs + group.outputs)
    for bundle, label, here in zip(group.bundles, labels, at_start):
        slot = bundle.start if here else bundle.end
        room[slot] = max(room[slot], text_width(label, SMALL) + 8 if label else 0.0)
    return Level(boxes, layers, labels, at_start, room, text_width(line_text(group.label), SMALL) + 24)


def _closes_loop(view: View, group: Group, bundle: Bundle) -> bool:
    ends = [group.children[slot] if slot < len(group.children) else -1 for slot in (bundle.start, bundle.end)]
    return min(ends) >= 0 and view.nodes[ends[0]].op in BACK_EDGES and view.nodes[ends[1]].op in MERGES


def _labels(view: View, group: Group, ports: range, ends: range) -> tuple[list[str], list[bool]]:
    """Where all that leaves a slot is the same, it is said there once; else at the other ends of the edges."""
    leaving: dict[int, set[tuple[tuple[int, int], ...]]] = {}
    for bundle in group.bundles:
        if bundle.tensors:
            leaving.setdefault(bundle.start, set()).add(tuple(bundle.tensors))
    labels, at_start = [], []
    said: set[int] = set()
    for bundle in group.bundles:
        once = len(leaving.get(bundle.start, ())) == 1
        is_said = bundle.end in ends or (once and (bundle.start in ports or bundle.start in said))
        labels.append("" if is_said else bundle_text(view, bundle.tensors))
        at_start.append(once)
        if once and labels[-1]:
            said.add(bundle.start)
    return labels, at_start


def node_box(view: View, scopes: Scopes, place: int, scope: str) -> Box:
    """The box of a node; scope: what is left out of its name."""
    node = view.nodes[place]
    is_namesake = f"{node.name}/" == scope
    name = line_text(node.name.rpartition("/")[2] if is_namesake else node.name.removeprefix(scope))
    if node.op in (INPUT, OUTPUT):
        types = [short_text(type_) for type_ in node.outputs[:1]]
        title = line_text(node.note) if node.op == INPUT and node.note else name
        return _sized(Box("io", title, [f"{node.op.lower()} {text}" for text in types] or [node.op.lower()], [], 0, 0))
    rows = [(argument, _value_text(view, value), value) for argument, value in scopes.rows.get(place, ())]
    if len(rows) > MOST_ROWS:
        more = len(rows) - MOST_ROWS + 1
        rows = [*rows[: MOST_ROWS - 1], (f"and {more} more", "", -1)]
    return _sized(
        Box(kind_of(node.op), line_text(node.op), [name], [(line_text(a), line_text(v), n) for a, v, n in rows], 0, 0)
    )


def _value_text(view: View, place: int) -> str:
    """What is said of a constant or variable in a row: its value when that is short, else dtype and shape."""
    node = view.nodes[place]
    if node.op == "Const" and node.note and len(node.note) <= 24:
        return node.note
    return short_text(type_of(view, (place, 0)))


def _group_box(group: Group) -> Box:
    return _sized(Box("group", line_text(group.label), [f"{group.size:,} nodes"], [], 0, 0))


def line_text(text: str) -> str:
    """A name as a line of a box: printable, and not too long."""
    return cut(printable(text), MOST_LETTERS)


def _sized(box: Box) -> Box:
    sign = 12.0 if box.kind in ("group", "flow") else 0.0  # what says that there is more inside
    widths = [text_width(box.title, TITLE) * 1.06 + sign, *[text_width(line, SMALL) for line in box.lines]]
    widths += [text_width(f"{name}  {value}", SMALL) for name, value, _ in box.rows]
    box.width = max(64.0, round(max(widths) + 2 * PADDING))
    box.height = 21.0 + LINE * (len(box.lines) + len(box.rows)) + (4.0 if box.rows else 0.0)
    return box
