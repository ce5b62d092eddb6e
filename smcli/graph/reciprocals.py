"""Division by a constant as multiplication by its reciprocal, as TensorFlow's optimiser has it before it runs a graph
(`ReduceDivToReciprocalMul` in tensorflow/core/grappler/optimizers/constant_folding.cc).

It is not done for speed: the last digit of a quotient depends on it, and TensorFlow's answer is the measure.
"""

from __future__ import annotations

import numpy as np

from smcli.graph.graph import Body, Graph, Node
from smcli.kernels.context import Array

MIN_GRAPH_NODES = 4  # the optimiser leaves smaller graphs alone

_INEXACT = frozenset({1, 2, 8, 14, 18, 19})  # DT_FLOAT, DT_DOUBLE, DT_COMPLEX64, DT_BFLOAT16, DT_COMPLEX128, DT_HALF
_DIVISIONS = {"Div": "Mul", "RealDiv": "Mul", "Xdivy": "MulNoNan"}


def multiply_by_reciprocals(body: Body, graph: Graph) -> Body:
    """The body with its divisions by constants as products. A variable is none, even where its value is known."""
    if len(graph.nodes) < MIN_GRAPH_NODES:
        return body
    constants: set[Node] = set()
    nodes: list[Node] = []
    for node in body.nodes:
        if node.value is not None and (node.op == "Const" or _all_in(node, constants)):
            constants.add(node)
        elif node.op in _DIVISIONS and node.value is None and node.function is None:
            divisor = _divisor(node, constants)
            if divisor is not None:
                inverse = Node(f"{node.name}/reciprocal", "Const", {}, value=_reciprocal(divisor))
                nodes += [inverse, _product(node, inverse)]
                continue
        nodes.append(node)
    return Body(body.name, nodes, body.inputs, body.outputs, body.has_frames)


def _all_in(node: Node, constants: set[Node]) -> bool:
    return bool(node.inputs) and all(source in constants for source, _ in node.inputs)


def _divisor(node: Node, constants: set[Node]) -> Array | None:
    attr = node.attrs.get("T")
    if attr is None or attr.type not in _INEXACT or len(node.inputs) != 2:
        return None
    source, index = node.inputs[1]
    return np.asarray(source.value) if source in constants and index == 0 else None


def _reciprocal(divisor: Array) -> Array:
    with np.errstate(all="ignore"):
        quotient: Array = np.ones((), divisor.dtype) / divisor
        return np.asarray(quotient)


def _product(node: Node, inverse: Node) -> Node:
    """The node itself, which now multiplies: edges to it stay as they are."""
    edge = (inverse, 0)
    node.inputs = [edge, node.inputs[0]] if node.op == "Xdivy" else [node.inputs[0], edge]
    node.op = _DIVISIONS[node.op]
    return node
