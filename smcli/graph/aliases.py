"""Ops whose output is their input: what uses them takes the input instead, so that patterns see through them."""

from __future__ import annotations

import numpy as np

from smcli.graph.graph import Body, Edge, Graph, Node
from smcli.graph.plan import ALIASES
from smcli.graph.rewriting import Uses, gives_boxes, redirected


def without_aliases(body: Body, graph: Graph) -> Body:
    """The body without Identity and its like, IdentityN, and products with the constant 1."""
    edges: dict[Edge, Edge] = {}
    gone = set()
    for node in body.nodes:
        sources = _sources(node, graph)
        if sources is not None:
            edges.update({(node, index): source for index, source in enumerate(sources)})
            gone.add(node)
    if not gone:
        return body
    uses = Uses(body)
    # A node that nothing uses was asked for by itself; it stays, for the error that it may raise.
    gone = {node for node in gone if any(uses.count((node, index)) for index in range(len(node.inputs)))}
    whole = redirected(body, {edge: source for edge, source in edges.items() if edge[0] in gone})
    nodes = [node for node in whole.nodes if node not in gone]
    return Body(whole.name, nodes, whole.inputs, whole.outputs, whole.has_frames)


def _sources(node: Node, graph: Graph) -> list[Edge] | None:
    """The tensors that the outputs of a node are, or None when it computes something."""
    if node.value is not None or not node.inputs:
        return None
    if (node.op in ALIASES and len(node.inputs) == 1) or node.op == "IdentityN":
        return None if any(gives_boxes(source.op, graph) for source, _ in node.inputs) else node.inputs
    if node.op == "Mul" and len(node.inputs) == 2:
        first, second = node.inputs
        for one, other in ((first, second), (second, first)):
            value = one[0].value
            # A number without axes leaves the shape alone, and a float times one is the float.
            if value is not None and np.shape(value) == () and value.dtype.kind == "f" and value == 1:
                return [other]
    return None
