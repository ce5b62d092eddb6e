"""Conditionals and assertions whose condition is a constant: the branch that is taken stands for an If or Case, and an
Assert of what is true is dropped."""

from __future__ import annotations

from smcli.graph.binding import MakeContext
from smcli.graph.constants import fold
from smcli.graph.graph import Body, Graph, Node
from smcli.graph.inline import inline
from smcli.graph.rewrites import CONDITIONALS
from smcli.graph.signatures import check_call
from smcli.kernels.context import Array
from smcli.proto.graph_pb2 import AttrValue, NameAttrList

MAX_ROUNDS = 8  # conditionals in conditionals; those further in choose in the run


def take_known_branches(body: Body, graph: Graph, make_context: MakeContext) -> Body:
    """The body with the branch that is taken, call by call replaced, in the place of each conditional whose condition
    constants decide.

    Raises what a misfit of any of its branches raises. Variables are no constants here.
    """
    if any(node.guard or node.function is not None for node in body.nodes):  # which copies of the nodes would lack
        return body
    for _ in range(MAX_ROUNDS):
        if body.has_frames or CONDITIONALS.isdisjoint(body.ops()):
            break
        fold(body, graph, make_context, lambda node: None)
        known = [node for node in body.nodes if node.op in CONDITIONALS and _is_known(node)]
        if not known:
            break
        for node in known:
            check_call(node, graph)
            branch = _taken(node, node.inputs[0][0].value)
            if branch is None:
                return body  # the kernel says what is wrong
            node.op = "StatefulPartitionedCall"
            node.attrs = {**{name: node.attrs[name] for name in ("Tin", "Tout") if name in node.attrs}, "f": branch}
            node.inputs = node.inputs[1:]
        body = inline(body, graph)
    return body


def _is_known(node: Node) -> bool:
    return bool(node.inputs) and node.inputs[0][0].value is not None and node.inputs[0][1] == 0


def _taken(node: Node, condition: Array) -> AttrValue | None:
    """The function that a conditional calls, or None for one that it can not choose between."""
    if node.op in ("If", "StatelessIf"):
        # A number or a string is true when it is not zero or empty, another tensor when it has elements.
        true = bool(condition[()]) if condition.ndim == 0 else bool(condition.size)
        function = node.attrs.get("then_branch" if true else "else_branch")
        return function if function is not None and function.WhichOneof("value") == "func" else None
    branches = node.attrs.get("branches")
    if branches is None or condition.ndim or not branches.list.func:
        return None
    index = int(condition)
    chosen: NameAttrList = branches.list.func[index if 0 <= index < len(branches.list.func) else -1]
    return AttrValue(func=chosen)


def without_true_asserts(body: Body) -> Body:
    """The body without the Asserts of a constant that is true."""
    nodes = [node for node in body.nodes if not (node.op == "Assert" and _is_true(node))]
    if len(nodes) == len(body.nodes):
        return body
    return Body(body.name, nodes, body.inputs, body.outputs, body.has_frames)


def _is_true(node: Node) -> bool:
    condition = node.inputs[0][0].value if _is_known(node) else None
    return condition is not None and condition.ndim == 0 and condition.dtype.kind == "b" and bool(condition)
