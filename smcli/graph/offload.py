"""Hands fused nodes to oneDNN, where it is installed.

Its activations turn NaN into numbers. Where a run can be repeated, because nothing in it has an effect, they are used
all the same, a few tensors are looked at as it goes (`smcli.graph.bounds`), and a run that meets NaN, infinities or
huge numbers is repeated by NumPy. Elsewhere these activations are left to NumPy.
"""

from __future__ import annotations

from smcli.graph.binding import find_kernel
from smcli.graph.bounds import find_bounds
from smcli.graph.graph import Body, Graph, Node
from smcli.kernels._stages import Activation, Fused

# Ops with state that only read it.
_READING = frozenset(
    {"VarHandleOp", "ReadVariableOp", "ResourceGather", "ResourceGatherNd", "VariableShape", "VarIsInitializedOp"}
    | {"HashTableV2", "LookupTableFindV2", "LookupTableSizeV2"}
)


def offload(body: Body, graph: Graph, run_once: bool) -> list[Node]:
    """Give fused nodes functions that use oneDNN. Returns the nodes so changed; `restore` gives them their own back.

    run_once: the body is run once only, so that a primitive has to pay for its making at once.
    """
    nodes = [node for node in body.nodes if isinstance(node.function, Fused)]
    if not nodes:
        return []
    from smcli.kernels.onednn import fused

    if not fused.may_be_used():
        return []
    # Finding bounds reads all weights: too much for one run.
    checked_run = not run_once and not any(_has_effect(node, graph) for node in body.nodes)
    bounds = find_bounds(body, fused.FINITE_ONLY) if checked_run else None
    cost = fused.ONE_RUN if run_once else fused.MANY_RUNS
    for node in nodes:
        checked = bounds.checks.get(node) if bounds is not None else None
        node.function = fused.Offloaded(node.function, checked or (), checked is None, cost)  # type: ignore[arg-type]
    return nodes


def restore(nodes: list[Node]) -> None:
    """Undo `offload`."""
    for node in nodes:
        node.function = node.function.plain  # type: ignore[union-attr]


def _has_effect(node: Node, graph: Graph) -> bool:
    """Whether running a node twice may differ from running it once."""
    if node.value is not None or node.op in _READING or isinstance(node.function, Fused | Activation):
        return False
    kernel = find_kernel(node, graph)
    return kernel is not None and (kernel.stateful or kernel.needs_context)
