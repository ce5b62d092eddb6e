"""Division by a constant as multiplication by its reciprocal, as TensorFlow's optimiser has it before it runs a graph
(`ReduceDivToReciprocalMul` in tensorflow/core/grappler/optimizers/constant_folding.cc).

It does so in functions, branches and loops too, but not in functions that datasets call. It is not done for speed: the
last digit of a quotient depends on it, and TensorFlow's answer is the measure.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from smcli.graph.graph import Graph, Node
from smcli.graph.plan import constant
from smcli.kernels.context import Array
from smcli.proto.graph_pb2 import NodeDef

_INEXACT = frozenset({1, 2, 8, 14, 18, 19})  # DT_FLOAT, DT_DOUBLE, DT_COMPLEX64, DT_BFLOAT16, DT_COMPLEX128, DT_HALF
_DIVISIONS = {"Div": "Mul", "RealDiv": "Mul", "Xdivy": "MulNoNan"}


def with_reciprocals(body: Sequence[Node]) -> list[Node]:
    """The nodes of a body, or of a part of one, with their divisions by constants as products. A variable is none, even
    where its value is known."""
    constants: set[Node] = set()
    nodes: list[Node] = []
    for node in body:
        if node.op == "Const" or (node.value is not None and _all_in(node, constants)):
            constants.add(node)
        elif node.op in _DIVISIONS and node.value is None and node.function is None:
            divisor = _divisor(node, constants)
            if divisor is not None:
                inverse = Node(f"{node.name}/reciprocal", "Const", {}, value=_reciprocal(divisor))
                nodes += [inverse, _product(node, inverse)]
                continue
        nodes.append(node)
    return nodes


def is_called_by_datasets(function: str, graph: Graph) -> bool:
    """Whether a node of the graph or of its library hands a function of that name to a dataset."""
    everywhere = [*graph.nodes.values(), *(node for each in graph.functions.values() for node in each.node_def)]
    return any("Dataset" in node.op and _names(node, function) for node in everywhere)


def _names(node: NodeDef, function: str) -> bool:
    return any(value.WhichOneof("value") == "func" and value.func.name == function for value in node.attr.values())


def _all_in(node: Node, constants: set[Node]) -> bool:
    return bool(node.inputs) and all(source in constants for source, _ in node.inputs)


def _divisor(node: Node, constants: set[Node]) -> Array | None:
    attr = node.attrs.get("T")
    if attr is None or attr.type not in _INEXACT or len(node.inputs) != 2:
        return None
    source, index = node.inputs[1]
    if source not in constants or index != 0:
        return None
    return np.asarray(constant(source) if source.value is None else source.value)


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
