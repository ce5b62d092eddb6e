"""What rewrites of a body have in common: who uses a tensor, and the body that is left when nodes stand for others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from smcli.graph.binding import kernel_of
from smcli.graph.graph import REFERENCE_VARIABLES, Body, Edge, Graph, Node
from smcli.graph.schema import find_schema

FLOAT, BFLOAT16 = 1, 14  # DT_FLOAT, DT_BFLOAT16


class Uses:
    """The consumers of each tensor of a body. A result of the body counts as used from outside."""

    def __init__(self, body: Body) -> None:
        self._consumers: dict[Edge, list[Node | None]] = {}
        self._users: dict[Node, list[Node | None]] = {}
        for node in body.nodes:
            if node.value is None:
                for edge in node.inputs:
                    self._add(edge, node)
        for edge in body.outputs:
            self._add(edge, None)

    def _add(self, edge: Edge, user: Node | None) -> None:
        self._consumers.setdefault(edge, []).append(user)
        self._users.setdefault(edge[0], []).append(user)

    def count(self, edge: Edge) -> int:
        """How many inputs and results the tensor is."""
        return len(self._consumers.get(edge, ()))

    def consumers(self, edge: Edge) -> list[Node | None]:
        """The consumers of a tensor, once for each input; None stands for a result of the body."""
        return self._consumers.get(edge, [])

    def users(self, node: Node) -> list[Node | None]:
        """The consumers of all outputs of a node; None stands for a result of the body."""
        return self._users.get(node, [])

    def only(self, node: Node) -> Node | None:
        """The one node that takes the first output of `node`, once; None when there are more, or a result is among
        them."""
        consumers = self._consumers.get((node, 0), [])
        return consumers[0] if len(consumers) == 1 else None


def has_type(node: Node, data_type: int) -> bool:
    """Whether the node's attr T is the data type of that number."""
    attr = node.attrs.get("T")
    return attr is not None and attr.type == data_type


def is_float32(node: Node) -> bool:
    """Whether the node's attr T is float32."""
    return has_type(node, FLOAT)


def is_pure_op(op: str, graph: Graph) -> bool:
    """Whether an op gives the same for the same inputs each time, and has no effect."""
    schema = find_schema(op)
    if schema is None or schema.stateful or any(arg.is_ref for arg in schema.inputs):
        return False
    kernel = kernel_of(op, graph)
    if kernel is None:
        return False
    return not (kernel.stateful or kernel.needs_context or kernel.boxed_inputs or kernel.boxed_outputs)


def gives_boxes(op: str, graph: Graph) -> bool:
    """Whether the outputs of an op are boxes, whose content an op behind it takes at its own time."""
    kernel = kernel_of(op, graph)
    return op in REFERENCE_VARIABLES or (kernel is not None and kernel.boxed_outputs)


def without_unused(body: Body, candidates: Collection[Node]) -> Body:
    """The body without those of the candidates that no other node takes an input from, and that are no result."""
    if not candidates:
        return body
    used = {source for source, _ in body.outputs}
    kept = []
    for node in reversed(body.nodes):
        if node in candidates and node not in used:
            continue
        kept.append(node)
        if node.value is None:
            used.update([source for source, _ in node.inputs])
    kept.reverse()
    return Body(body.name, kept, body.inputs, body.outputs, body.has_frames)


def redirected(body: Body, edges: Mapping[Edge, Edge]) -> Body:
    """The body with inputs and results that were one tensor taken from another; nodes that nothing else needs stay."""
    if not edges:
        return body

    def follow(edge: Edge) -> Edge:
        while edge in edges:
            edge = edges[edge]
        return edge

    for node in body.nodes:
        node.inputs = [follow(edge) for edge in node.inputs]
    return Body(body.name, body.nodes, body.inputs, [follow(edge) for edge in body.outputs], body.has_frames)


def replaced(body: Body, made: Mapping[Node, Node], gone: Collection[Node]) -> Body:
    """The body with each key of `made` replaced by its value, in its place, and without the nodes `gone`."""
    if not made:
        return body
    return replaced_outputs(body, {old: (new, [(old, 0)]) for old, new in made.items()}, gone)


def replaced_outputs(body: Body, made: Mapping[Node, tuple[Node, Sequence[Edge]]], gone: Collection[Node]) -> Body:
    """The body with each key of `made` replaced, in its place, by a node whose outputs stand for the tensors at the
    edges beside it, and without the nodes `gone`."""
    if not made:
        return body
    nodes = [made[node][0] if node in made else node for node in body.nodes if node in made or node not in gone]
    whole = Body(body.name, nodes, body.inputs, body.outputs, body.has_frames)
    edges = {old: (new, index) for new, olds in made.values() for index, old in enumerate(olds)}
    return redirected(whole, edges)
