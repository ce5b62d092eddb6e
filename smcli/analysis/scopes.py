"""The name scopes of a view as nested groups, with the edges as they show at each level, for pictures that fold.

At the level of a group its children are nodes and smaller groups. All tensors that flow from one child to another make
one bundle; where a bundle begins or ends outside of the group, it does so at a port of it. Constants, variables and
what reads them are no children: they are rows of the nodes that use them. Edges that only say what is first show where
a node has no others. Nothing recurses, so names may be as deep as they like, and no level has more children than can be
laid out: large ones are cut into parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from smcli.analysis.model_graph import INPUT, OUTPUT, TensorType, View, ViewNode
from smcli.graph.graph import REFERENCE_VARIABLES

MOST_CHILDREN = 120
MOST_PORTS = 40  # of a group to each side; what is more shares the last one
_PART = 60  # children of a part of what has more than that
_MOST_DEPTH = 24  # scopes within scopes; deeper ones stay in the name
_SHOWN_AT_FIRST = 48  # boxes
_VALUES = frozenset({"Const", "VarHandleOp", *REFERENCE_VARIABLES})
_READS = frozenset({"ReadVariableOp", "Identity", "Enter", "RefEnter"})

Tensor = tuple[int, int]  # a node's place in the view, and its output
End = tuple[str, int]  # ("node", place) or ("port", slot of the group's level)


@dataclass(slots=True)
class Bundle:
    """What flows between two slots of a level. start_port, end_port: the port of the group at that end, counted among
    its ports of that kind, or None where the end is no group. tensors: empty for edges that only say what is first."""

    start: int
    end: int
    tensors: list[Tensor]
    start_port: int | None = None
    end_port: int | None = None


@dataclass(slots=True)
class Group:
    """A scope, or a part of one; scope: what the names within begin with.

    Slots of its level are counted: children first, then ports where tensors come in, then ports where they go out.
    Children are places of nodes, or -1 - the place of a group. size: nodes within, at any depth.
    """

    label: str
    scope: str
    parent: int
    depth: int
    children: list[int] = field(default_factory=list)
    inputs: int = 0
    outputs: int = 0
    bundles: list[Bundle] = field(default_factory=list)
    size: int = 0


@dataclass(slots=True)
class Scopes:
    """groups: the first is the whole view; each comes after its parent. rows: node → (argument, value) pairs, where the
    value is a node that has no place of its own. opened: groups that a picture shows unfolded at first."""

    groups: list[Group]
    rows: dict[int, list[tuple[str, int]]]
    opened: list[int]


def scopes_of(view: View) -> Scopes:
    """The groups, bundles and rows of a view."""
    values = values_of(view.nodes)
    hidden = values | _waits_for_nothing(view.nodes, values)
    drawn = [place for place in range(len(view.nodes)) if place not in hidden]
    fed = {place for place in drawn if any(source not in values for source, _ in view.nodes[place].inputs)}
    feeding = {source for place in drawn for source, _ in view.nodes[place].inputs}
    groups, group_of = _tree(view, drawn)
    rows: dict[int, list[tuple[str, int]]] = {}
    edges: list[tuple[End, End, Tensor | None]] = []
    for place in drawn:
        node = view.nodes[place]
        for index, tensor in enumerate(node.inputs):
            if tensor[0] in values:
                argument = node.arguments[index] if index < len(node.arguments) else f"input {index}"
                rows.setdefault(place, []).append((argument, tensor[0]))
            else:
                edges.append((("node", tensor[0]), ("node", place), tensor))
        edges += [
            (("node", source), ("node", place), None)
            for source in node.controls
            if source not in hidden and (place not in fed or source not in feeding)
        ]
    _bundle(groups, group_of, edges)
    return Scopes(groups, rows, _opened(groups))


def values_of(nodes: Sequence[ViewNode]) -> set[int]:
    """Constants, variables and what only reads them, where something uses them."""
    found: set[int] = set()
    for place, node in enumerate(nodes):
        is_value = node.op in _VALUES or (node.op == INPUT and node.outputs[:1] and node.outputs[0].dtype == "resource")
        if is_value or (node.op in _READS and node.inputs and all(source in found for source, _ in node.inputs)):
            found.add(place)
    used: set[int] = set()
    for node in reversed(nodes):  # what a value reads is used by that value only if something uses it
        if node.op == OUTPUT:
            found -= {source for source, _ in node.inputs}
        used |= {source for source, _ in node.inputs}
    return found & used


def _waits_for_nothing(nodes: Sequence[ViewNode], values: set[int]) -> set[int]:
    """The NoOps that only wait for values: each function that reads variables has one."""
    return {
        place
        for place, node in enumerate(nodes)
        if node.op == "NoOp" and node.controls and all(source in values for source in node.controls)
    }


def _tree(view: View, drawn: Iterable[int]) -> tuple[list[Group], dict[int, int]]:
    """The groups of the nodes `drawn`, and the group of each node."""
    root: dict[str, Any] = {}
    leaves: list[tuple[dict[str, Any], str, int]] = []
    for place in drawn:
        scope = root
        *names, leaf = view.nodes[place].name.split("/", _MOST_DEPTH)
        if view.nodes[place].op in (INPUT, OUTPUT):
            names = []
        for name in names:
            scope = scope.setdefault(name + "/", {})
        key = f"{leaf}\0{place}"  # no two nodes share a key, and none has that of a scope
        scope[key] = place
        leaves.append((scope, key, place))
    for scope, key, place in leaves:  # a node of the name of a scope is what the scope is there for
        namesake = scope.get(key.rpartition("\0")[0] + "/")
        if namesake is not None and view.nodes[place].op not in (INPUT, OUTPUT):
            namesake[key] = scope.pop(key)
    groups: list[Group] = [Group("", "", -1, 0)]
    group_of: dict[int, int] = {}
    waiting: list[tuple[int, list[tuple[str, object]]]] = [(0, list(root.items()))]
    while waiting:
        place, members = waiting.pop()
        group = groups[place]
        if len(members) > MOST_CHILDREN:
            members = _parts(members)
        for name, member in members:
            if isinstance(member, int):
                group.children.append(member)
                group_of[member] = place
                continue
            name, inner = _without_only_children(name, member)
            if len(inner) == 1 and isinstance(inner[0][1], int):  # a scope of one node
                group.children.append(inner[0][1])
                group_of[inner[0][1]] = place
                continue
            label = name.removesuffix("/")
            prefix = f"{group.scope}{name}" if name.endswith("/") else group.scope
            groups.append(Group(label, prefix, place, group.depth + 1))
            group.children.append(-len(groups))
            waiting.append((len(groups) - 1, inner))
    for group in reversed(groups):
        group.size = sum(1 if child >= 0 else groups[-1 - child].size for child in group.children)
    return groups, group_of


def _without_only_children(name: str, member: object) -> tuple[str, list[tuple[str, object]]]:
    """A scope that holds nothing but another one is one with it."""
    inner = list(member.items()) if isinstance(member, dict) else member
    assert isinstance(inner, list)
    while len(inner) == 1 and isinstance(inner[0][1], dict):
        name += inner[0][0]
        inner = list(inner[0][1].items())
    return name, inner


def _parts(members: list[tuple[str, object]]) -> list[tuple[str, object]]:
    """Many children as a few scopes with a part of them each; parts of parts, if need be."""
    size = _PART
    while len(members) > size * MOST_CHILDREN:
        size *= MOST_CHILDREN
    cuts = range(0, len(members), size)
    return [(f"part {index + 1} of {len(cuts)}", members[start : start + size]) for index, start in enumerate(cuts)]


def _bundle(groups: list[Group], group_of: dict[int, int], edges: list[tuple[End, End, Tensor | None]]) -> None:
    """Fills in the bundles and ports of all groups, the outer ones first."""
    paths: list[tuple[int, ...]] = []  # the groups around a group, itself the last
    slots: dict[int, int] = {}  # child → its slot in the level of its parent
    for place, group in enumerate(groups):
        paths.append((*paths[group.parent], place) if place else (0,))
        slots |= {child: slot for slot, child in enumerate(group.children)}
    inside: dict[int, list[tuple[End, End, Tensor | None]]] = {0: edges}
    for place, group in enumerate(groups):
        depth = group.depth + 1

        def slot_of(end: End, depth: int = depth) -> int:
            if end[0] == "port":
                return end[1]
            path = paths[group_of[end[1]]]
            return slots[-1 - path[depth]] if len(path) > depth else slots[end[1]]

        found: dict[tuple[int, int], list[tuple[End, End, Tensor | None]]] = {}
        for edge in inside.pop(place, []):
            start, end = slot_of(edge[0]), slot_of(edge[1])
            if start == end and _child_group(group, start) is not None:
                inside.setdefault(_child_group(group, start), []).append(edge)  # type: ignore[arg-type]
            else:
                found.setdefault((start, end), []).append(edge)
        _make_bundles(groups, group, found, inside)


def _child_group(group: Group, slot: int) -> int | None:
    child = group.children[slot] if slot < len(group.children) else 0
    return -1 - child if child < 0 else None


def _make_bundles(
    groups: list[Group],
    group: Group,
    found: dict[tuple[int, int], list[tuple[End, End, Tensor | None]]],
    inside: dict[int, list[tuple[End, End, Tensor | None]]],
) -> None:
    ports_in: dict[tuple[int, int], int] = {}  # (group, start) → port
    ports_out: dict[tuple[int, tuple[Tensor, ...]], int] = {}  # (group, tensors) → port
    leaving: list[tuple[int, int, list[tuple[End, End, Tensor | None]]]] = []
    for (start, end), edges in found.items():
        tensors = list(dict.fromkeys([tensor for _, _, tensor in edges if tensor is not None]))
        bundle = Bundle(start, end, tensors)
        group.bundles.append(bundle)
        to = _child_group(group, end)
        if to is not None:
            bundle.end_port = ports_in.setdefault((to, start), min(groups[to].inputs, MOST_PORTS - 1))
            groups[to].inputs = max(groups[to].inputs, bundle.end_port + 1)
            slot = len(groups[to].children) + bundle.end_port
            inside.setdefault(to, []).extend([(("port", slot), last, tensor) for _, last, tensor in edges])
        source = _child_group(group, start)
        if source is not None:
            key = (source, tuple(sorted(tensors)) or ((-1, end),))
            is_new = key not in ports_out
            bundle.start_port = ports_out.setdefault(key, min(groups[source].outputs, MOST_PORTS - 1))
            if is_new:
                groups[source].outputs = max(groups[source].outputs, bundle.start_port + 1)
                leaving.append((source, bundle.start_port, edges))
    for source, port, edges in leaving:  # now it is known how many ports come before those that go out
        slot = len(groups[source].children) + groups[source].inputs + port
        inside.setdefault(source, []).extend([(first, ("port", slot), tensor) for first, _, tensor in edges])


def _opened(groups: Sequence[Group]) -> list[int]:
    """The groups that are unfolded at first: the outer and the small ones, as long as few boxes show."""
    opened, shown = [0], len(groups[0].children)
    level = [0]
    while level:
        level = [-1 - child for place in level for child in groups[place].children if child < 0]
        level.sort(key=lambda place: (len(groups[place].children), place))
        fitting = []
        for place in level:
            if shown + len(groups[place].children) > _SHOWN_AT_FIRST:
                break
            shown += len(groups[place].children)
            fitting.append(place)
        opened += fitting
        level = fitting
    return sorted(opened)


def bundle_text(view: View, tensors: Sequence[Tensor]) -> str:
    """What flows in a bundle, for the label of its edge; empty for one that only says what is first."""
    types = [type_of(view, tensor) for tensor in tensors]
    if not types:
        return ""
    if len(set(types)) > 1:
        return f"{len(types)} tensors"
    return short_text(types[0]) if len(types) == 1 else f"{len(types)} × {short_text(types[0])}"


def type_of(view: View, tensor: Tensor) -> TensorType:
    """The type of a tensor; an unknown one for an output that the node does not say it has."""
    outputs = view.nodes[tensor[0]].outputs
    return outputs[tensor[1]] if tensor[1] < len(outputs) else TensorType("", None)


def short_text(type_: TensorType) -> str:
    """`float32 [?, 16, 16, 3]`; `int64` for a scalar; only the dtype of handles."""
    if type_.dtype in ("resource", "variant") or type_.shape == ():
        return type_.dtype or "scalar"
    return str(type_) if type_.shape is not None else f"{type_.dtype or '?'}, shape unknown"
