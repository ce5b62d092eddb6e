"""Pad before a convolution: the convolution pads by itself, and no padded copy of the image is made."""

from __future__ import annotations

import numpy as np

from smcli.graph.graph import Body, Node
from smcli.graph.rewriting import Uses, replaced
from smcli.kernels.context import Array
from smcli.proto.graph_pb2 import AttrValue

_CONVOLUTIONS = frozenset({"Conv2D", "DepthwiseConv2dNative"})


def take_in_padding(body: Body) -> Body:
    """The body with each zero padding of rows and columns that only one VALID convolution takes as part of it."""
    uses = Uses(body)
    made: dict[Node, Node] = {}
    gone = set()
    for node in body.nodes:
        if node.op != "Pad" or node.value is not None or len(node.inputs) != 2:
            continue
        following = uses.only(node)
        pairs = _spatial_pairs(node.inputs[1][0].value)
        if following is not None and pairs is not None and _takes_padding(following, node):
            made[following] = _padded(following, node, pairs)
            gone.add(node)
    return replaced(body, made, gone)


def _spatial_pairs(paddings: Array | None) -> list[int] | None:
    """The flat explicit_paddings of a (4, 2) array that pads rows and columns only, or None."""
    if paddings is None or np.shape(paddings) != (4, 2) or paddings.dtype.kind != "i":
        return None
    if paddings.min() < 0 or paddings.max() > 2**16 or paddings[0].any() or paddings[3].any():
        return None
    return [int(number) for number in paddings.reshape(-1)]


def _takes_padding(node: Node, pad: Node) -> bool:
    if node.op not in _CONVOLUTIONS or len(node.inputs) != 2 or node.inputs[0] != (pad, 0):
        return False
    layout, padding = node.attrs.get("data_format"), node.attrs.get("padding")
    channels_last = layout is None or layout.s == b"NHWC"
    return channels_last and padding is not None and padding.s == b"VALID" and node.function is None


def _padded(node: Node, pad: Node, pairs: list[int]) -> Node:
    padding, explicit = AttrValue(s=b"EXPLICIT"), AttrValue()
    explicit.list.i.extend(pairs)
    attrs = {**node.attrs, "padding": padding, "explicit_paddings": explicit}
    return Node(node.name, node.op, attrs, [pad.inputs[0], node.inputs[1]])
