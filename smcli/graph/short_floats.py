"""bfloat16 products and convolutions with the bias and the activation behind them, rounded once, as TensorFlow's
optimiser fuses them for oneDNN (tensorflow/core/grappler/optimizers/remapper.cc).

It is not done for speed: op by op, each result would be rounded to eight bits. float16 is not fused on processors
without arithmetic of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from smcli.errors import SmcliError
from smcli.graph.binding import bind_attrs, find_kernel
from smcli.graph.graph import Body, Edge, Graph, Node
from smcli.graph.rewrites import PRODUCERS
from smcli.graph.rewriting import BFLOAT16, Uses, has_type, replaced
from smcli.kernels.context import Array

_BIASES = frozenset({"BiasAdd", "AddV2", "Add"})
_ACTIVATIONS = frozenset({"Relu", "Relu6", "Elu", "LeakyRelu", "Sigmoid", "Tanh"})

Function = Callable[..., Any]


def round_once(body: Body, graph: Graph) -> Body:
    """The body with each bfloat16 product or convolution, its bias and its activation as one node."""
    uses = Uses(body)
    made: dict[Node, Node] = {}
    gone: set[Node] = set()
    for node in body.nodes:
        if (
            node.op not in PRODUCERS
            or not has_type(node, BFLOAT16)
            or node.value is not None
            or node.function is not None
        ):
            continue
        added = uses.only(node)
        bias = None if added is None else _bias(added, node)
        if added is None or bias is None:
            continue
        chain = [node, added]
        following = uses.only(added)
        if following is not None and following.op in _ACTIVATIONS and following.function is None:
            chain.append(following)
        functions = [_function(each, graph) for each in chain]
        if None not in functions:
            joined = _once_rounded([each for each in functions if each is not None])
            made[chain[-1]] = Node(node.name, node.op, node.attrs, [*node.inputs, bias], function=joined)
            gone.update(chain)
    return replaced(body, made, gone)


def _bias(node: Node, product: Node) -> Edge | None:
    """What a node adds to a product before it when that is one number a channel. A sum is known to be that where the
    number of channels of the weights is known."""
    if node.op not in _BIASES or node.function is not None or node.value is not None or len(node.inputs) != 2:
        return None
    first, second = node.inputs
    if node.op == "BiasAdd":
        return second if first == (product, 0) else None
    bias = second if first == (product, 0) else first
    weights, value = product.inputs[1][0].value, bias[0].value
    if weights is None or value is None or product.op == "DepthwiseConv2dNative":
        return None
    transposed = "transpose_b" in product.attrs and product.attrs["transpose_b"].b
    channels = weights.shape[0 if transposed else -1]
    return bias if value.size == channels == value.shape[-1] and value.ndim <= 2 else None


def _function(node: Node, graph: Graph) -> Function | None:
    """The kernel of a node with its attrs; None where it can not be had."""
    kernel = find_kernel(node, graph)
    if kernel is None or kernel.needs_context:
        return None
    try:
        attrs = bind_attrs(node, kernel)
    except SmcliError:
        return None
    return lambda *inputs: kernel.function(*inputs, **attrs)


def _once_rounded(functions: list[Function]) -> Function:
    """Product, bias and activation of bfloat16 in float32, rounded to bfloat16 at the end."""
    product, add, *activation = functions

    def compute(x: Array, weights: Array, bias: Array) -> Array:
        result = product(x.astype(np.float32), weights.astype(np.float32))
        result = add(result, bias.astype(np.float32))
        for each in activation:
            result = each(result)
        return np.asarray(result).astype(x.dtype)

    return compute
