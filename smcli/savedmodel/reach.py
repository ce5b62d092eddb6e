"""Which nodes of a MetaGraph can run at all: those that a signature, the init op or the restore op leads to.

Unlike `used_ops`, which answers as saved_model_cli does, this looks into the branches of an If and the body of a While,
and leaves out what only the saver would run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from smcli.graph.outside import stays_inside
from smcli.savedmodel.meta_graph import MetaGraph, tensor_names

if TYPE_CHECKING:
    from smcli.proto.graph_pb2 import NodeDef

_INIT_COLLECTIONS = ("saved_model_main_op", "legacy_init_op")


def nodes_using(meta_graph: MetaGraph, ops: Collection[str]) -> dict[str, list[str]]:
    """Op → the nodes that use it, those of functions as `function/node`, in the order of the file.

    Nodes of ops that reach outside of the model only when they name a file are left out when they name none.
    """
    graph = meta_graph.graph_def()
    functions = {function.signature.name: function for function in graph.library.function}
    reached: set[str] = set()
    pending: list[str] = []
    found: dict[str, list[str]] = {}

    def look(nodes: Sequence[NodeDef], prefix: str) -> None:
        for node in nodes:
            if node.op in ops and not stays_inside(node, nodes):
                found.setdefault(node.op, []).append(prefix + node.name)
            for name in _called(node):
                if name in functions and name not in reached:
                    reached.add(name)
                    pending.append(name)

    look(_main_nodes(meta_graph), "")
    while pending:
        name = pending.pop()
        look(functions[name].node_def, f"{name}/")
    return found


def _main_nodes(meta_graph: MetaGraph) -> list[NodeDef]:
    graph = meta_graph.graph_def()
    nodes = {node.name: node for node in graph.node}
    reached: set[str] = set()
    pending = [name for name in _roots(meta_graph) if name in nodes]
    while pending:
        name = pending.pop()
        if name not in reached:
            reached.add(name)
            pending += [source for source in map(_node_name, nodes[name].input) if source in nodes]
    return [node for node in graph.node if node.name in reached]


def _roots(meta_graph: MetaGraph) -> Iterator[str]:
    for signature in meta_graph.signatures.values():
        for info in signature.outputs.values():
            yield from map(_node_name, tensor_names(info))
    for key in _INIT_COLLECTIONS:
        if key in meta_graph.collections:
            yield from map(_node_name, meta_graph.collections[key].node_list.value)
    if meta_graph.saver_def is not None:
        yield _node_name(meta_graph.saver_def.restore_op_name)


def _node_name(text: str) -> str:
    return text.removeprefix("^").partition(":")[0]


def _called(node: NodeDef) -> Iterator[str]:
    """The functions that a node may call: by its op, or through its attrs."""
    yield node.op
    for value in node.attr.values():
        kind = value.WhichOneof("value")
        if kind == "func":
            yield value.func.name
        elif kind == "list":
            for func in value.list.func:
                yield func.name
