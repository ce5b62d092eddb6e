"""Casts and transposes in a row as one: a cast to the dtype that a tensor has, a cast that loses nothing before
another, and one permutation after another."""

from __future__ import annotations

import numpy as np

from smcli.graph.graph import Body, Edge, Graph, Node
from smcli.graph.rewriting import Uses, gives_boxes, redirected, without_unused
from smcli.tensors.types import DataType

_SIGNED: dict[int, int] = {DataType.INT8: 8, DataType.INT16: 16, DataType.INT32: 32, DataType.INT64: 64}
_UNSIGNED: dict[int, int] = {DataType.UINT8: 8, DataType.UINT16: 16, DataType.UINT32: 32, DataType.UINT64: 64}
# How many binary digits a float holds.
_DIGITS: dict[int, int] = {DataType.HALF: 11, DataType.BFLOAT16: 8, DataType.FLOAT: 24, DataType.DOUBLE: 53}
_WIDE = frozenset({DataType.FLOAT, DataType.DOUBLE})


def join_casts(body: Body, graph: Graph) -> Body:
    """The body without casts that change nothing, and with casts in a row as one where the first loses nothing."""
    edges: dict[Edge, Edge] = {}
    touched: set[Node] = set()
    for node in body.nodes:
        if not _is_plain(node, "Cast", 1):
            continue
        source, target = _types(node)
        before = node.inputs[0] = edges.get(node.inputs[0], node.inputs[0])
        inner = before[0]
        if _is_plain(inner, "Cast", 1) and before[1] == 0 and not gives_boxes(inner.inputs[0][0].op, graph):
            first, between = _types(inner)
            if between == source and _is_the_same(first, between, target):
                touched.add(inner)
                node.inputs = [inner.inputs[0]]
                node.attrs = {**node.attrs, "SrcT": inner.attrs["SrcT"]}
                source, inner = first, inner.inputs[0][0]
        if source == target and not gives_boxes(inner.op, graph):
            edges[node, 0] = node.inputs[0]
            touched.add(node)
    return without_unused(redirected(body, edges), touched)


def _is_plain(node: Node, op: str, inputs: int) -> bool:
    return node.op == op and node.value is None and node.function is None and len(node.inputs) == inputs


def _types(node: Node) -> tuple[int, int]:
    """What a cast takes and gives; a cast that drops bits, or that lacks a type, is of no type to any other."""
    attrs = node.attrs
    drops_bits = "Truncate" in attrs and attrs["Truncate"].b
    if drops_bits or "SrcT" not in attrs or "DstT" not in attrs:
        return 0, -1
    return attrs["SrcT"].type, attrs["DstT"].type


def _is_the_same(first: int, between: int, last: int) -> bool:
    """Whether casting from `first` to `last` by way of `between` is casting at once."""
    if not _loses_nothing(first, between):
        return False
    if first == last or last == DataType.BOOL:
        return True
    whole = first == DataType.BOOL or first in _SIGNED or first in _UNSIGNED
    if last in _SIGNED or last in _UNSIGNED:  # of floats, what does not fit depends on the dtype that they come from
        return whole and (between not in _DIGITS or _loses_nothing(first, last))
    return last in _WIDE


def _loses_nothing(source: int, target: int) -> bool:
    """Whether each value of a dtype is one of another."""
    if source == target:
        return True
    if source == DataType.BOOL:
        return target in _SIGNED or target in _UNSIGNED or target in _DIGITS
    if source in _DIGITS:
        return target in _WIDE and _DIGITS[source] < _DIGITS[target]
    bits = _SIGNED.get(source) or _UNSIGNED.get(source)
    if bits is None:
        return False
    if target in _WIDE:
        return bits <= _DIGITS[target]
    if source in _SIGNED:
        return bits < _SIGNED.get(target, 0)
    return bits < _SIGNED.get(target, 0) or bits < _UNSIGNED.get(target, 0)


def join_transposes(body: Body, graph: Graph) -> Body:
    """The body with two transposes in a row, by permutations that are known, as one."""
    uses = Uses(body)
    touched: set[Node] = set()
    nodes: list[Node] = []
    for node in body.nodes:
        if _is_plain(node, "Transpose", 2):
            inner, index = node.inputs[0]
            if index == 0 and _is_plain(inner, "Transpose", 2) and uses.only(inner) is node:
                first, second = _permutation(inner), _permutation(node)
                boxed = gives_boxes(inner.inputs[0][0].op, graph)
                if first is not None and second is not None and len(first) == len(second) and not boxed:
                    both = np.array([first[axis] for axis in second], np.int32)
                    constant = Node(f"{node.name}/perm", "Const", {}, value=both)
                    nodes.append(constant)
                    node.inputs = [inner.inputs[0], (constant, 0)]
                    node.name = inner.name  # which is where a tensor of another rank would have been found
                    touched.add(inner)
        nodes.append(node)
    if not touched:
        return body
    return without_unused(Body(body.name, nodes, body.inputs, body.outputs, body.has_frames), touched)


def _permutation(node: Node) -> list[int] | None:
    """The known permutation of a Transpose, or None when it is none."""
    source, index = node.inputs[1]
    value = source.value
    if value is None or index or value.ndim != 1 or value.dtype.kind != "i":
        return None
    axes = [int(axis) for axis in value]
    return axes if sorted(axes) == list(range(len(axes))) else None
