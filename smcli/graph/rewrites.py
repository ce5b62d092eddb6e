"""The rewrites of a body, in their order and by their names. SMCLI_DISABLE_REWRITES=NAME,… leaves some out, to find out
which one errs."""

from __future__ import annotations

import os

from smcli.graph.activations import join_activations
from smcli.graph.aliases import without_aliases
from smcli.graph.constants import without_dead
from smcli.graph.graph import Body, Graph
from smcli.graph.padding import take_in_padding
from smcli.graph.reciprocals import multiply_by_reciprocals

# What `smcli.graph.fusion` starts from.
PRODUCERS = frozenset({"Conv2D", "DepthwiseConv2dNative", "MatMul"})


def enabled(rewrite: str) -> bool:
    """Whether a rewrite is on."""
    return rewrite not in os.environ.get("SMCLI_DISABLE_REWRITES", "").split(",")


def rewrite(body: Body, graph: Graph) -> Body:
    """The body after all rewrites of folded constants that are on."""
    if enabled("reciprocal"):
        body = multiply_by_reciprocals(body, graph)
    body = without_dead(body)
    if enabled("alias"):
        body = without_aliases(body, graph)
    if enabled("tensordot") and any(node.op == "MatMul" for node in body.nodes):
        from smcli.graph.dense import join_tensordots

        body = join_tensordots(body)
    if enabled("activation"):
        body = join_activations(body)
    if enabled("padding"):
        body = take_in_padding(body)
    if enabled("convolution") and any(node.op in PRODUCERS for node in body.nodes):
        from smcli.graph.fusion import fuse

        body = fuse(body, graph)
    return without_dead(body)
