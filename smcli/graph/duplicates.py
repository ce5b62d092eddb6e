"""Common subexpressions: nodes that compute the same as one before them, by op, attrs and inputs. What uses them takes
the first one's results instead.

Constants are the same when all their bits are, so that 0.0 and -0.0 stay apart. An error is that of the first node,
which would have met it first in any case.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from smcli.graph.graph import Body, Edge, Graph, Node
from smcli.graph.rewriting import gives_boxes, is_pure_op
from smcli.kernels.context import Array

MAX_BYTES = 4096  # of a constant that is compared by its content; of larger ones only the same array is the same

Key = tuple[Any, ...]


def merge_duplicates(body: Body, graph: Graph) -> Body:
    """The body without the nodes that compute what another does. Linear in the nodes."""
    mergeable = {op for op in body.ops() if is_pure_op(op, graph)}
    boxes = {op for op in body.ops() if gives_boxes(op, graph)}
    first = _Firsts()
    same: dict[Node, Node] = {}  # a node that is not needed, and the one that stands for it
    consumed: set[Node] | None = None
    for node in body.nodes:
        if node.value is not None:
            original = first.constant(node)
        elif node.op not in mergeable or node.function is not None or not node.inputs:
            continue
        else:
            if same:
                node.inputs = _followed(node.inputs, same)
            if boxes and any(source.op in boxes for source, _ in node.inputs):
                continue  # what is in the box may change between the two
            original = first.node(node)
        if original is not node:
            if consumed is None:
                consumed = {source for other in body.nodes for source, _ in other.inputs}
                consumed.update(source for source, _ in body.outputs)
            if node in consumed:  # another one was asked for by itself, and stays
                same[node] = original
    if not same:
        return body
    for node in body.nodes:
        node.inputs = _followed(node.inputs, same)
    nodes = [node for node in body.nodes if node not in same]
    return Body(body.name, nodes, body.inputs, _followed(body.outputs, same), body.has_frames)


def _followed(edges: list[Edge], same: dict[Node, Node]) -> list[Edge]:
    return [(same[edge[0]], edge[1]) if edge[0] in same else edge for edge in edges]


class _Firsts:
    """The first node of each kind. Attrs are looked at only where op and inputs agree, which is seldom."""

    def __init__(self) -> None:
        self._constants: dict[Key, Node] = {}
        self._nodes: dict[Key, Node | dict[Key, Node]] = {}

    def constant(self, node: Node) -> Node:
        """The first node with this value."""
        return self._constants.setdefault(_content(node.value), node)

    def node(self, node: Node) -> Node:
        """The first node that computes the same."""
        key = (node.op, *node.inputs)
        found = self._nodes.setdefault(key, node)
        if isinstance(found, Node):
            if found is node:
                return node
            found = self._nodes[key] = {_attrs(found): found}
        return found.setdefault(_attrs(node), node)


def _content(value: Array) -> Key:
    """A key that two constants share when they are the same."""
    value = np.asarray(value)
    if value.dtype.kind == "O":  # of strings, or of handles, each of which is like itself only
        small = value.size <= MAX_BYTES // 8
        return ("O", value.shape, tuple(value.ravel().tolist())) if small and _are_strings(value) else (id(value),)
    if value.nbytes > MAX_BYTES:
        return (id(value),)
    return (value.dtype, value.shape, value.tobytes())


def _are_strings(value: Array) -> bool:
    return all(type(item) is bytes for item in value.flat)


def _attrs(node: Node) -> Key:
    """A key that two nodes of one op share when their attrs are the same. Names with a `_` in front are notes."""
    names = sorted(name for name in node.attrs if not name.startswith("_"))
    return tuple([(name, node.attrs[name].SerializeToString(deterministic=True)) for name in names])
