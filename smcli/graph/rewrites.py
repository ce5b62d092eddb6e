"""The rewrites of a body, in their order and by their names. SMCLI_DISABLE_REWRITES=NAME,… leaves some out, to find out
which one errs."""

from __future__ import annotations

import os

from smcli.graph.constants import without_dead
from smcli.graph.graph import Body, Graph, Node

# What rewrites start from. A body without them is spared the import of a rewrite's module, and a walk.
CONDITIONALS = frozenset({"If", "StatelessIf", "Case", "StatelessCase"})
DIVISIONS = frozenset({"Div", "RealDiv", "Xdivy"})
GATES = frozenset({"Sigmoid", "Erf", "Erfc", "Tanh"})
FREE = frozenset({"Identity", "NoOp"})  # ops that cost nothing
MIN_GRAPH_NODES = 4  # TensorFlow's optimiser leaves smaller graphs alone
PRODUCERS = frozenset({"Conv2D", "DepthwiseConv2dNative", "MatMul"})


def enabled(rewrite: str) -> bool:
    """Whether a rewrite is on."""
    return rewrite not in os.environ.get("SMCLI_DISABLE_REWRITES", "").split(",")


def divided(nodes: list[Node]) -> list[Node]:
    """The nodes of a body, or of a part of one, with divisions by constants as TensorFlow computes them."""
    if not _divide(nodes):
        return nodes
    from smcli.graph.reciprocals import with_reciprocals

    return with_reciprocals(nodes)


def divided_function(name: str, body: Body, graph: Graph) -> Body:
    """The body of a function as `divided`; that of a dataset's, which TensorFlow does not optimise, as it is."""
    if not _divide(body.nodes):
        return body
    from smcli.graph.reciprocals import is_called_by_datasets, with_reciprocals

    if is_called_by_datasets(name, graph):
        return body
    return Body(body.name, with_reciprocals(body.nodes), body.inputs, body.outputs, body.has_frames)


def _divide(nodes: list[Node]) -> bool:
    return enabled("reciprocal") and any(node.op in DIVISIONS for node in nodes)


def rewrite(body: Body, graph: Graph) -> Body:
    """The body after all rewrites of folded constants that are on."""
    ops = body.ops()
    if graph.functions or len(graph.nodes) >= MIN_GRAPH_NODES:
        body.nodes = divided(body.nodes)
    body = without_dead(body)
    if enabled("alias") and ops & (PRODUCERS | GATES):
        from smcli.graph.aliases import without_aliases

        body = without_aliases(body, graph)
    if enabled("assert") and "Assert" in ops:
        from smcli.graph.branches import without_true_asserts

        body = without_true_asserts(body)
    if enabled("cast") and "Cast" in ops:
        from smcli.graph.pairs import join_casts

        body = join_casts(body, graph)
    if enabled("transpose") and "Transpose" in ops:
        from smcli.graph.pairs import join_transposes

        body = join_transposes(body, graph)
    if enabled("cse") and _repeats_an_op(body):
        from smcli.graph.duplicates import merge_duplicates

        body = merge_duplicates(body, graph)
    if enabled("tensordot") and "MatMul" in ops:
        from smcli.graph.dense import join_tensordots

        body = join_tensordots(body)
    if enabled("activation") and ops & GATES:
        from smcli.graph.activations import join_activations

        body = join_activations(body)
    if enabled("padding") and "Pad" in ops:
        from smcli.graph.padding import take_in_padding

        body = take_in_padding(body)
    if enabled("bfloat16") and ops & PRODUCERS:
        from smcli.graph.rewriting import BFLOAT16, has_type

        if any(node.op in PRODUCERS and has_type(node, BFLOAT16) for node in body.nodes):
            from smcli.graph.short_floats import round_once

            body = round_once(body, graph)
    if enabled("convolution") and ops & PRODUCERS:
        from smcli.graph.fusion import fuse

        body = fuse(body, graph)
    return without_dead(body)


def _repeats_an_op(body: Body) -> bool:
    computed = [node.op for node in body.nodes if node.value is None and node.op not in FREE]
    return len(set(computed)) < len(computed)
