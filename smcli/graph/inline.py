"""Function calls replaced by the functions' bodies, so that a plan is one flat list of steps.

Bodies with TF1 control flow stay calls: their nodes do not run in one fixed order. So do calls that would make the
result larger than MAX_NODES (functions that call functions twice, twenty deep), which then run as plans of their own,
and calls nested deeper than MAX_DEPTH, whose names would grow with their depth. Each node is copied once, into the
place where it ends up, so the work is linear in the result.
"""

from __future__ import annotations

from collections.abc import Iterator

from smcli.errors import InvalidArgumentError
from smcli.graph import attrs as attr_values
from smcli.graph.graph import Body, Edge, Graph, Node
from smcli.graph.signatures import check_call
from smcli.kernels.context import FunctionRef

MAX_NODES = 500_000
MAX_DEPTH = 100
CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})


def callee(node: Node, graph: Graph) -> FunctionRef | None:
    """The function that a node calls outright (not one that If or While may call), or None."""
    if node.op in CALLS:
        value = node.attrs.get("f")
        if value is None or value.WhichOneof("value") != "func":
            raise InvalidArgumentError(f"Node '{node.name}': Attr 'f' is not a function")
        return attr_values.function_ref(value.func)
    if node.op in graph.functions:
        return attr_values.bind(node.op, node.attrs)
    return None


def inline(body: Body, graph: Graph) -> Body:
    """The body with all calls replaced, as far as the rules above allow. Raises InvalidArgumentError for endless
    recursion."""
    if body.has_frames:
        return body
    if not any(True for _ in _calls(body, graph)):
        return body
    sizes = _flat_sizes(body, graph)
    nodes: list[Node] = []
    left = MAX_NODES - len(body.nodes)
    opened = [_Opened(body, "", {}, None)]
    while True:
        top = opened[-1]
        for node in top.rest:
            copy = Node(top.prefix + node.name, node.op, node.attrs, [top.follow(edge) for edge in node.inputs])
            ref = callee(node, graph)
            size = sizes.get(ref) if ref is not None else None
            if ref is not None and size is not None and size <= left and len(opened) <= MAX_DEPTH:
                left -= size
                check_call(node, graph)
                inner = graph.function_body(ref)
                opened.append(_Opened(inner, f"{copy.name}/", _arguments(copy, inner), node))
                break
            nodes.append(copy)
            top.results[node] = copy
        else:
            opened.pop()
            outputs = [top.follow(edge) for edge in top.body.outputs]
            if not opened:
                return Body(body.name, nodes, body.inputs, outputs, body.has_frames)
            assert top.call is not None
            opened[-1].results[top.call] = outputs


class _Opened:
    """A body whose nodes are being copied. results: what stands for a node that is done: its copy or, of a call, the
    edges of its outputs."""

    __slots__ = ("arguments", "body", "call", "prefix", "rest", "results")

    def __init__(self, body: Body, prefix: str, arguments: dict[Node, Edge], call: Node | None) -> None:
        self.body = body
        self.prefix = prefix
        self.arguments = arguments
        self.call = call
        self.rest = iter(body.nodes)
        self.results: dict[Node, Node | list[Edge]] = {}

    def follow(self, edge: Edge) -> Edge:
        """The edge of the copy that stands for this one."""
        node, index = edge
        found = self.results.get(node)
        if found is None:
            return self.arguments.get(node, edge)
        if isinstance(found, Node):
            return found, index
        if index >= len(found):
            raise InvalidArgumentError(f"Node '{node.name}' has {len(found)} outputs, not {index + 1}")
        return found[index]


def _flat_sizes(body: Body, graph: Graph) -> dict[FunctionRef, int | None]:
    """How many nodes each function that the body calls has once all calls in it are replaced; None for those that stay
    calls. Raises InvalidArgumentError for endless recursion."""
    sizes = graph.flat_sizes
    opened: set[FunctionRef] = set()
    pending = [ref for _, ref in _calls(body, graph)]
    while pending:
        ref = pending[-1]
        found = graph.function_body(ref)
        if ref in sizes or found.has_frames:
            sizes.setdefault(ref, None)
            pending.pop()
        elif ref in opened:
            total = len(found.nodes) + sum(sizes[inner] or 0 for _, inner in _calls(found, graph))
            sizes[ref] = min(total, MAX_NODES + 1)  # the sizes of functions that call others twice double at each step
            opened.remove(ref)
        else:
            opened.add(ref)
            for node, inner in _calls(found, graph):
                if inner in opened:
                    raise InvalidArgumentError(f"Function {inner.name} calls itself without end (node '{node.name}')")
                if inner not in sizes:
                    pending.append(inner)
    return sizes


def _calls(body: Body, graph: Graph) -> Iterator[tuple[Node, FunctionRef]]:
    if not any(op in CALLS or op in graph.functions for op in body.ops()):
        return
    for node in body.nodes:
        ref = callee(node, graph)
        if ref is not None:
            yield node, ref


def _arguments(call: Node, inner: Body) -> dict[Node, Edge]:
    """What the argument nodes of `inner` stand for in a call."""
    if len(call.inputs) != len(inner.inputs):
        raise InvalidArgumentError(
            f"Node '{call.name}' gives {len(call.inputs)} arguments to function {inner.name}, "
            f"which takes {len(inner.inputs)}"
        )
    return dict(zip(inner.inputs, call.inputs))
