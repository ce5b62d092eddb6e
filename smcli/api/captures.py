"""Where in the main graph the things are that a function of the object graph captures.

A trace in a SavedModel takes its variables, tables and constants as further arguments, given as nodes of the object
graph. The main graph of the MetaGraph holds the same things, which its restore op and its init op have filled: each
captured object is found there, so that functions and signatures share one state.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from google.protobuf.message import DecodeError

from smcli.errors import DataLossError, InvalidArgumentError, NotFoundError
from smcli.graph.graph import Graph
from smcli.proto.graph_pb2 import NodeDef
from smcli.proto.object_graph_pb2 import SavedObject, SavedObjectGraph, TrackableObjectGraph
from smcli.tensors.types import DataType
from smcli.tensors.wire import from_proto

if TYPE_CHECKING:
    from smcli.checkpoint.base import Checkpoint
    from smcli.savedmodel import MetaGraph

OBJECT_GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"  # under which a checkpoint holds its own object graph
_ASSIGNMENTS = frozenset({"AssignVariableOp", "Assign"})
_PASSED_ON = frozenset({"Identity", "Cast"})


class Captures:
    """Finds the tensors of the main graph that stand for objects of the object graph."""

    def __init__(self, meta_graph: MetaGraph, graph: Graph, checkpoint: Checkpoint | None) -> None:
        self._objects: SavedObjectGraph = meta_graph.object_graph()
        self._meta_graph = meta_graph
        self._graph = graph
        self._checkpoint = checkpoint

    def tensor(self, node_id: int) -> str:
        """The name of the tensor that object `node_id` is in the main graph.

        Raises InvalidArgumentError for a broken object graph and NotFoundError for what the main graph lacks.
        """
        if not 0 <= node_id < len(self._objects.nodes):
            raise InvalidArgumentError(
                f"A function captures object {node_id} of an object graph of {len(self._objects.nodes)} nodes"
            )
        saved = self._objects.nodes[node_id]
        kind = saved.WhichOneof("kind")
        match kind:
            case "variable":
                return self._variable(node_id, saved)
            case "constant":
                return f"{self._known(saved.constant.operation)}:0"
            case "asset":
                return self._asset(saved.asset.asset_file_def_index)
            case "resource":
                return self._resource(saved)
        raise NotFoundError(f"A function captures an object of kind {kind}, which is not supported")

    def _known(self, name: str) -> str:
        self._graph.node_def(name)
        return name

    def _variable(self, node_id: int, saved: SavedObject) -> str:
        for key in self._keys_of_objects.get(node_id, ()):
            if key in self._handles_by_key:
                return self._handles_by_key[key]
        named = self._handles_by_name.get(saved.variable.name, [])
        if len(named) == 1:
            return named[0]
        raise NotFoundError(f"The graph has no variable for the captured '{saved.variable.name}'")

    @cached_property
    def _handles_by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for node in self._graph.nodes.values():
            if node.op == "VarHandleOp":
                name = node.attr["shared_name"].s.decode("utf-8", "replace") if "shared_name" in node.attr else ""
                found.setdefault(name or node.name, []).append(f"{node.name}:0")
        return found

    @cached_property
    def _handles_by_key(self) -> dict[str, str]:
        """Checkpoint key → the variable that the restore op assigns it to."""
        found = dict(_assigned(self._graph.nodes))
        saver = self._meta_graph.saver_def
        call = self._graph.nodes.get(saver.restore_op_name) if saver is not None else None
        if call is not None and "f" in call.attr:  # TensorFlow 2 puts the restore subgraph into a function
            function = self._graph.functions.get(call.attr["f"].func.name)
            if function is not None:
                outer = dict(zip((arg.name for arg in function.signature.input_arg), call.input))
                inner = _assigned({node.name: node for node in function.node_def})
                found |= {key: outer[name] for key, name in inner if name in outer}
        return {key: _full_name(tensor) for key, tensor in found.items()}

    @cached_property
    def _keys_of_objects(self) -> dict[int, list[str]]:
        """Object → the keys of its values in the checkpoint, found by walking both object graphs side by side."""
        if self._checkpoint is None or OBJECT_GRAPH_KEY not in self._checkpoint:
            return {}
        stored = TrackableObjectGraph()
        try:
            stored.ParseFromString(self._checkpoint.tensor(OBJECT_GRAPH_KEY).numpy().item())
        except DecodeError:
            raise DataLossError("The object graph in the checkpoint is broken") from None
        return {
            here: [attribute.checkpoint_key for attribute in stored.nodes[there].attributes]
            for here, there in _side_by_side(self._objects, stored)
        }

    def _asset(self, index: int) -> str:
        assets = self._meta_graph.asset_file_defs
        if not 0 <= index < len(assets):
            raise InvalidArgumentError(f"A function captures asset {index} of {len(assets)}")
        return _full_name(assets[index].tensor_info.name)

    def _resource(self, saved: SavedObject) -> str:
        """The table whose shared name is that in the resource's `_create_resource` function."""
        creator = next((child.node_id for child in saved.children if child.local_name == "_create_resource"), None)
        if creator is not None and 0 <= creator < len(self._objects.nodes):
            for name in self._objects.nodes[creator].function.concrete_functions:
                function = self._graph.functions.get(name)
                for made in function.node_def if function is not None else ():
                    same = self._nodes_by_shared_name.get(_shared(made))
                    if same is not None:
                        return f"{same}:0"
        raise NotFoundError("A function captures a resource that the graph does not hold")

    @cached_property
    def _nodes_by_shared_name(self) -> dict[tuple[str, bytes] | None, str]:
        return {_shared(node): node.name for node in self._graph.nodes.values() if _shared(node) is not None}


def _assigned(nodes: Mapping[str, NodeDef]) -> Iterator[tuple[str, str]]:
    """(checkpoint key, variable) for what nodes of one scope assign out of a RestoreV2."""
    for node in nodes.values():
        if node.op in _ASSIGNMENTS and len(node.input) >= 2:
            key = _restored_key(nodes, node.input[1])
            if key is not None:
                yield key, node.input[0]


def _restored_key(nodes: Mapping[str, NodeDef], tensor: str) -> str | None:
    """The checkpoint key of a tensor, written `node:1` or, in functions, `node:output:1`; None if it has none."""
    for _ in range(len(_PASSED_ON) + 1):
        name, _, rest = tensor.partition(":")
        node = nodes.get(name)
        if node is None:
            return None
        if node.op == "RestoreV2" and len(node.input) >= 2:
            keys = _strings(nodes.get(node.input[1].partition(":")[0]))
            index = rest.rpartition(":")[2] or "0"
            return keys[int(index)] if index.isdecimal() and len(index) < 9 and int(index) < len(keys) else None
        if node.op not in _PASSED_ON or not node.input:
            return None
        tensor = node.input[0]
    return None


def _strings(node: NodeDef | None) -> list[str]:
    """The values of a string constant."""
    if node is None or node.op != "Const" or node.attr["value"].tensor.dtype != DataType.STRING.value:
        return []
    return [key.decode("utf-8", "replace") for key in np.ravel(from_proto(node.attr["value"].tensor)).tolist()]


def _shared(node: NodeDef) -> tuple[str, bytes] | None:
    if "shared_name" not in node.attr or not node.attr["shared_name"].s:
        return None
    return node.op, node.attr["shared_name"].s


def _full_name(tensor: str) -> str:
    return tensor if ":" in tensor else f"{tensor}:0"


def _side_by_side(saved: SavedObjectGraph, stored: TrackableObjectGraph) -> Iterator[tuple[int, int]]:
    """Pairs of nodes that the same path of attribute names leads to, from the root."""
    seen = {0}
    waiting = [(0, 0)] if saved.nodes and stored.nodes else []
    while waiting:
        here, there = waiting.pop()
        yield here, there
        targets = {child.local_name: child.node_id for child in stored.nodes[there].children}
        for child in saved.nodes[here].children:
            target = targets.get(child.local_name, -1)
            if child.node_id in seen or not 0 <= child.node_id < len(saved.nodes):
                continue
            if 0 <= target < len(stored.nodes):
                seen.add(child.node_id)
                waiting.append((child.node_id, target))
