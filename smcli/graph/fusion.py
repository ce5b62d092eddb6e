"""Convolutions and matrix products by constant weights, with what follows them: bias, batch norm, activation and sums
are applied to each tile while it is in cache.

The arithmetic is that of the separate ops, in their order, so results do not change; what is saved is a pass over
memory for each op. A chain is taken while each tensor in it has one use.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from smcli.errors import SmcliError
from smcli.graph.binding import bind_attrs, find_kernel
from smcli.graph.graph import Body, Edge, Graph, Node
from smcli.graph.rewrites import PRODUCERS
from smcli.graph.rewriting import Uses, is_float32, replaced
from smcli.kernels._stages import Activation, AddInput, ByChannel, Fused, Stage
from smcli.kernels.context import Array

_CONVOLUTIONS = frozenset({"Conv2D", "DepthwiseConv2dNative"})
_NORMS = frozenset({"FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"})
_ACTIVATIONS = {"Relu": "relu", "Relu6": "relu6", "Elu": "elu", "Sigmoid": "sigmoid", "Tanh": "tanh"}
_UFUNCS = {"BiasAdd": np.add, "AddV2": np.add, "Add": np.add, "Mul": np.multiply, "Sub": np.subtract}
_SUMS = frozenset({"AddV2", "Add"})


def fuse(body: Body, graph: Graph) -> Body:
    """The body with each convolution or product by constant weights, and the chain behind it, as one node."""
    uses = Uses(body)
    made: dict[Node, Node] = {}  # last node of a chain → the one that stands for it
    gone: set[Node] = set()
    for node in body.nodes:
        if node.op in PRODUCERS and _is_plain(node):
            chain = _Chain(node, uses, graph, gone)
            fused = chain.fused()
            if fused is not None:
                made[chain.last] = fused
                gone.update(chain.absorbed)
    return replaced(body, made, gone)


def _is_plain(node: Node) -> bool:
    """A float32, channels-last convolution or a product, by weights whose value is known."""
    if len(node.inputs) != 2 or node.value is not None or _replaced(node):
        return False
    weights = node.inputs[1][0].value
    layout = node.attrs.get("data_format")
    channels_last = layout is None or layout.s == b"NHWC"
    rank = 4 if node.op in _CONVOLUTIONS else 2
    known = weights is not None and weights.dtype == np.float32 and weights.ndim == rank
    return known and channels_last and is_float32(node)


def _replaced(node: Node) -> bool:
    """Whether something else than the op's kernel computes a node, tensordot's product apart."""
    return node.function is not None and _rank(node) is None


def _rank(node: Node) -> int | None:
    """The rank of the tensor whose last axis a node multiplies, if it does."""
    if node.op != "MatMul" or node.function is None:
        return None
    from smcli.kernels.matmul import LastAxis

    return node.function.rank if isinstance(node.function, LastAxis) else None


def _channels(node: Node) -> int:
    """How many channels the result of a producer has."""
    shape = node.inputs[1][0].value.shape
    if node.op == "DepthwiseConv2dNative":
        return int(shape[2] * shape[3])
    transposed = node.op == "MatMul" and "transpose_b" in node.attrs and node.attrs["transpose_b"].b
    return int(shape[0] if transposed else shape[-1])


class _Chain:
    """What can be taken in behind one producer: the stages, the nodes that disappear, and the last of them."""

    def __init__(self, first: Node, uses: Uses, graph: Graph, gone: set[Node]) -> None:
        self.first, self.last = first, first
        self.uses, self.graph = uses, graph
        self.channels = _channels(first)
        self.rank = 4 if first.op in _CONVOLUTIONS else _rank(first) or 2
        self.stages: list[Stage] = []
        self.others: list[Edge] = []  # the inputs of AddInput stages
        self.absorbed = [first]
        following = uses.only(first)
        while following is not None and following not in gone:
            stages = self._stages(following)
            if stages is None:
                break
            self.stages += stages
            self.absorbed.append(following)
            self.last = following
            following = uses.only(following)

    def _stages(self, node: Node) -> list[Stage] | None:
        """What `node` does to its input from the chain, or None when it can not be taken in."""
        if isinstance(node.function, Activation):
            return [node.function]
        if node.function is not None or node.value is not None:
            return None
        if node.op in _ACTIVATIONS:
            return [Activation(_ACTIVATIONS[node.op])]
        if node.op == "LeakyRelu":
            alpha = node.attrs.get("alpha")
            return [Activation("leaky_relu", alpha.f if alpha is not None else 0.20000000298023224)]
        if node.op in _NORMS:
            return self._norm(node) if node.inputs[0] == (self.last, 0) else None
        if node.op == "BiasAdd":
            layout = node.attrs.get("data_format")
            if layout is not None and layout.s == b"NCHW":
                return None
        elif node.op not in _UFUNCS:
            return None
        if len(node.inputs) != 2:
            return None
        first, second = node.inputs
        other = second if first == (self.last, 0) else first
        if other is first and node.op in ("Sub", "BiasAdd"):
            return None
        if other[0].value is None:
            return self._sum(node, other)
        vector = self._vector(other)
        if vector is None or self.others:  # a sum may have changed the shape
            return None
        return [ByChannel(_UFUNCS[node.op], vector)]

    def _sum(self, node: Node, other: Edge) -> list[Stage] | None:
        """A sum with a tensor that is computed in the run."""
        if node.op not in _SUMS or other == (self.last, 0) or not is_float32(node):
            return None
        self.others.append(other)
        return [AddInput()]

    def _vector(self, edge: Edge) -> Array | None:
        """The known value at an edge as one number a channel, or None when it is none of that kind."""
        value = edge[0].value
        if value is None or edge[1] != 0 or value.dtype != np.float32 or value.ndim > self.rank:
            return None
        if value.size == 1:
            return np.full(self.channels, value.reshape(()), np.float32)
        return value.reshape(self.channels) if value.size == self.channels == value.shape[-1] else None

    def _norm(self, node: Node) -> list[Stage] | None:
        """Batch norm in inference mode, when only its first output is used."""
        kernel = find_kernel(node, self.graph)
        if kernel is None or len(node.inputs) != 5 or any(self.uses.count((node, index)) for index in range(1, 6)):
            return None
        try:
            attrs = {**kernel.defaults, **bind_attrs(node, kernel)}
        except SmcliError:
            return None
        vectors = [self._vector(edge) for edge in node.inputs[1:]]
        if attrs["is_training"] or attrs["data_format"] != "NHWC" or self.others or any(v is None for v in vectors):
            return None
        if any(edge[0].value.shape != (self.channels,) for edge in node.inputs[1:]):
            return None
        scale, offset, mean, variance = vectors
        with np.errstate(all="ignore"):
            factor = scale / np.sqrt(variance + np.float32(attrs["epsilon"]))  # type: ignore[operator]
            shift = offset - mean * factor  # type: ignore[operator]
        return [ByChannel(np.multiply, factor), ByChannel(np.add, shift)]

    def fused(self) -> Node | None:
        """One node for the chain; None when it would be no better, or when its kernel refuses it."""
        node = self.first
        kernel = find_kernel(node, self.graph)
        if kernel is None:
            return None
        try:
            attrs = bind_attrs(node, kernel)
            if node.op == "MatMul":
                attrs["rank"] = self.rank
            function = Fused(node.op, node.inputs[1][0].value, attrs, self.stages, _preparation(node.op))
        except SmcliError:
            return None
        return Node(node.name, node.op, node.attrs, [node.inputs[0], *self.others], function=function)


def _preparation(op: str) -> Any:
    """The function that prepares an op by its weights, attrs and epilogue."""
    if op == "Conv2D":
        from smcli.kernels.conv import prepare_conv2d

        return prepare_conv2d
    if op == "DepthwiseConv2dNative":
        from smcli.kernels.depthwise import prepare_depthwise

        return prepare_depthwise
    from smcli.kernels.matmul import prepare_matmul

    return prepare_matmul
