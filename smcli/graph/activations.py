"""Activations that models write as several ops, found and computed as one: x · sigmoid(x) is `swish`, and the ways in
which `gelu` is written have names too.

The function keeps the arithmetic of the ops, block by block, and convolutions take it in as they do a Relu. A swish of
bfloat16 is rounded once, as TensorFlow's optimiser has oneDNN compute it (remapper.cc).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from smcli.graph.graph import Body, Edge, Node
from smcli.graph.rewriting import BFLOAT16, Uses, has_type, is_float32, replaced
from smcli.kernels._stages import Activation

_ROOT = 0.7071067811865476
Found = tuple[Edge, list[Node]]  # the input of an activation, and the nodes that disappear besides its last


def join_activations(body: Body) -> Body:
    """The body with each activation that is written as several ops as one node."""
    uses = Uses(body)
    made: dict[Node, Node] = {}
    gone: set[Node] = set()
    for node in body.nodes:
        if node.op != "Mul" or node.value is not None or len(node.inputs) != 2:
            continue
        for name, find in _forms(node).items():
            found = find(node)
            if found is not None and _is_private(node, found, uses):
                made[node] = Node(node.name, node.op, node.attrs, [found[0]], function=Activation(name))
                gone.update(found[1])
                break
    return replaced(body, made, gone)


def _forms(node: Node) -> dict[str, Callable[[Node], Found | None]]:
    if is_float32(node):
        return _FORMS
    return {"swish": _swish} if has_type(node, BFLOAT16) else {}


def _is_private(last: Node, found: Found, uses: Uses) -> bool:
    """Whether what disappears is used by nothing but the activation itself."""
    inside = {last, *found[1]}
    return all(user in inside for node in found[1] for user in uses.users(node))


def _pairs(node: Node, op: str | None = None) -> Iterator[tuple[Edge, Edge]]:
    """The inputs of a node of two, in either order; none when it is another op."""
    if (op is None or node.op == op) and node.value is None and node.function is None and len(node.inputs) == 2:
        yield node.inputs[0], node.inputs[1]
        yield node.inputs[1], node.inputs[0]


def _unary(edge: Edge, op: str) -> Edge | None:
    """What `op` at an edge is applied to."""
    node = edge[0]
    fits = node.op == op and node.value is None and node.function is None and len(node.inputs) == 1
    return node.inputs[0] if fits else None


def _is_number(edge: Edge, number: float) -> bool:
    value = edge[0].value
    fits = value is not None and np.shape(value) == () and value.dtype in ("float32", "bfloat16")
    return bool(fits and value == np.float32(number))


def _scaled(edge: Edge, number: float, op: str = "Mul") -> Edge | None:
    """What is multiplied by (or added to) a constant at an edge."""
    for constant, other in _pairs(edge[0], op):
        if _is_number(constant, number):
            return other
    return None


def _swish(node: Node) -> Found | None:
    """x · sigmoid(x), or x · sigmoid(1 · x) as tf.nn.silu writes it."""
    for gate, other in _pairs(node):
        inner = _unary(gate, "Sigmoid")
        if inner == other:
            return other, [gate[0]]
        if inner is not None and _scaled(inner, 1.0) == other:
            return other, [gate[0], inner[0]]
    return None


def _gelu(node: Node) -> Found | None:
    """(0.5 · x) · erfc(−x · √0.5): tf.nn.gelu of TensorFlow 2.12 and later."""
    for half, tail in _pairs(node):
        x, scaled = _scaled(half, 0.5), _unary(tail, "Erfc")
        negative = _scaled(scaled, _ROOT) if scaled is not None else None
        if x is not None and scaled is not None and negative is not None and _unary(negative, "Neg") == x:
            return x, [half[0], tail[0], scaled[0], negative[0]]
    return None


def _gelu_erf(node: Node) -> Found | None:
    """(0.5 · x) · (1 + erf(x · √0.5)): tf.nn.gelu before, whose division by √2 is a product by now."""
    for half, sum_ in _pairs(node):
        x, error = _scaled(half, 0.5), _scaled(sum_, 1.0, "AddV2")
        inner = _unary(error, "Erf") if error is not None else None
        if error is not None and inner is not None and x is not None and _scaled(inner, _ROOT) == x:
            return x, [half[0], sum_[0], error[0], inner[0]]
    return None


_FORMS: dict[str, Callable[[Node], Found | None]] = {"swish": _swish, "gelu": _gelu, "gelu_erf": _gelu_erf}
