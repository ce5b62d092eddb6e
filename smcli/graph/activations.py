"""Activations that models write as several ops, found and computed as one: x · sigmoid(x) is `swish`.

The function keeps the arithmetic of the ops, block by block, and convolutions take it in as they do a Relu.
"""

from __future__ import annotations

from smcli.graph.graph import Body, Node
from smcli.graph.rewriting import Uses, is_float32, replaced
from smcli.kernels._stages import Activation


def join_activations(body: Body) -> Body:
    """The body with each activation that is written as several ops as one node."""
    uses = Uses(body)
    made: dict[Node, Node] = {}
    gone = set()
    for node in body.nodes:
        if node.op == "Mul" and node.value is None and len(node.inputs) == 2 and is_float32(node):
            gate = _swish_gate(node, uses)
            if gate is not None:
                made[node] = Node(node.name, node.op, node.attrs, list(gate.inputs), function=Activation("swish"))
                gone.add(gate)
    return replaced(body, made, gone)


def _swish_gate(node: Node, uses: Uses) -> Node | None:
    """The Sigmoid of x in x · Sigmoid(x), used nowhere else; None when `node` is no such product."""
    for (gate, index), other in (node.inputs, node.inputs[::-1]):
        if gate.op == "Sigmoid" and gate.value is None and index == 0 and gate.inputs == [other]:
            return gate if uses.only(gate) is node else None
    return None
