"""The variables of a flat graph turned into constants: the second half of what `freeze_model` does to a graph.

A variable's handle becomes its value wherever it flows: through ops that pass it on, into the ops that read it, and
into the functions that If, While and other callers hand it to. Such a function is copied once for each set of arguments
that become values (as tensorflow/python/framework/convert_to_constants.py does); what else calls it is not touched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from smcli.errors import InvalidArgumentError, ResourceExhaustedError, UnimplementedError
from smcli.graph import attrs as attr_values
from smcli.graph.graph import REFERENCE_VARIABLES
from smcli.proto.graph_pb2 import AttrValue, FunctionDef, GraphDef, NodeDef
from smcli.tensors import wire
from smcli.tensors.types import DataType

VARIABLE = "VarHandleOp"
MAX_DEPTH = 100  # of functions that hand a variable to functions
MAX_COPIES = 10_000  # of functions

# Ops whose outputs are their inputs, with the outputs that pass a handle on: (name, index in the flat list of outputs).
_PASSING = {
    "Identity": (("output", 0),),
    "Enter": (("output", 0),),
    "Exit": (("output", 0),),
    "NextIteration": (("output", 0),),
    "Merge": (("output", 0),),
    "Switch": (("output_false", 0), ("output_true", 1)),
}
_REFERENCE_OPS = {f"Ref{op}": op for op in _PASSING}


class Caller(NamedTuple):
    """How an op hands its inputs to functions: the attr that lists their types, how many inputs come before them, and
    the attrs that name the functions. They are the last arguments of each function."""

    types: str
    before: int
    functions: tuple[str, ...]


_CALLERS = {
    "If": Caller("Tin", 1, ("then_branch", "else_branch")),
    "Case": Caller("Tin", 1, ("branches",)),
    "While": Caller("T", 0, ("cond", "body")),
    "PartitionedCall": Caller("Tin", 0, ("f",)),
    "StatefulPartitionedCall": Caller("Tin", 0, ("f",)),
    "RemoteCall": Caller("Tin", 1, ("f",)),
    "For": Caller("T", 3, ("body",)),
    "MapDataset": Caller("Targuments", 1, ("f",)),
    "ParallelMapDataset": Caller("Targuments", 1, ("f",)),
    "ParallelMapDatasetV2": Caller("Targuments", 1, ("f",)),
    "FlatMapDataset": Caller("Targuments", 1, ("f",)),
    "FilterDataset": Caller("Targuments", 1, ("predicate",)),
}
_CALLERS |= {f"Stateless{op}": _CALLERS[op] for op in ("If", "Case", "While")}
_RESULT_TYPES = {op: "T" if op.endswith("While") or op == "For" else "Tout" for op in _CALLERS if "Dataset" not in op}

Values = dict[str, DataType]  # by reference: what carries a value now, and of which type


def folded(graph_def: GraphDef, values: Mapping[str, Any]) -> GraphDef:
    """A flat graph with the variables in `values` ({name: array}) as constants and their reads as plain ops.

    An op that changes such a variable stays as it is. Raises UnimplementedError when an op hands one to a function in a
    way that is not known here.
    """
    result = GraphDef()
    result.CopyFrom(graph_def)
    handles: Values = {}
    references: Values = {}
    for node in result.node:
        if node.name in values and node.op in (VARIABLE, *REFERENCE_VARIABLES):
            found = handles if node.op == VARIABLE else references
            found[node.name] = attr_values.data_type(node.attr["dtype"].type)
            _make_constant(node, values[node.name])
    scope = _Scope(result.node, None)
    _follow_references(scope, references)
    folder = _Folder(result.library.function)
    folder.fold(scope, handles)
    result.node.extend(scope.added)
    _keep_called(result, [*result.library.function, *folder.copies.values()])
    return result


def _make_constant(node: NodeDef, value: Any) -> None:
    dtype = attr_values.data_type(node.attr["dtype"].type)
    node.op = "Const"
    del node.input[:]
    node.attr.clear()
    node.attr["dtype"].type = dtype.value  # type: ignore[assignment]
    node.attr["value"].tensor.CopyFrom(wire.to_proto(value, dtype))


class _Scope:
    """The nodes of a graph or of a function, by what they read.

    Each reference is written in one way: `node` or `node:1` in a graph, `argument` or `node:output:1` in a function.
    added: nodes that have come in, to be put behind the others.
    """

    def __init__(self, nodes: Iterable[NodeDef], function: FunctionDef | None) -> None:
        self.function = function
        self.arguments = {arg.name for arg in function.signature.input_arg} if function is not None else set()
        self.added: list[NodeDef] = []
        self.names: set[str] = set()
        self.readers: dict[str, list[tuple[NodeDef, int]]] = defaultdict(list)
        for node in nodes:
            self.names.add(node.name)
            for position, text in enumerate(node.input):
                if not text.startswith("^"):
                    self.readers[self.plain(text)].append((node, position))

    def plain(self, text: str) -> str:
        """The reference that `text` is."""
        if self.function is None:
            return text.removesuffix(":0")
        name, _, rest = text.partition(":")
        if name in self.arguments:
            return name
        return text if ":" in rest else f"{text}:0"

    def output(self, node: NodeDef, name: str, flat: int, index: int = 0) -> str:
        """The reference to an output of `node`: number `index` of the output `name`, `flat` among all."""
        if self.function is None:
            return f"{node.name}:{flat}" if flat else node.name
        return f"{node.name}:{name}:{index}"

    def rename_output(self, node: NodeDef, old: str, new: str) -> None:
        """Point the readers of an op's single output to the name that the output of another op has."""
        if self.function is None or old == new:
            return
        before, after = f"{node.name}:{old}:0", f"{node.name}:{new}:0"
        for reader, position in self.readers[before]:
            reader.input[position] = after
        for key, text in self.function.ret.items():
            if self.plain(text) == before:
                self.function.ret[key] = after

    def add_constant(self, name: str, value: Any, dtype: DataType) -> str:
        """A new constant; returns the reference to it."""
        while name in self.names:
            name += "_"
        self.names.add(name)
        node = NodeDef(name=name)
        node.attr["dtype"].type = dtype.value  # type: ignore[assignment]
        _make_constant(node, value)
        self.added.append(node)
        return self.output(node, "output", 0)


def _follow_references(scope: _Scope, references: Values) -> None:
    """Make the ops that pass a reference variable on pass on its value."""
    pending = list(references)
    seen = set(pending)
    while pending:
        for node, _ in scope.readers[pending.pop()]:
            op = _REFERENCE_OPS.get(node.op)
            if op is not None:
                node.op = op
                found = [scope.output(node, name, flat) for name, flat in _PASSING[op]]
                pending += [output for output in found if output not in seen]
                seen.update(found)


class _Folder:
    """Turns handles into values in a graph and, by copying them, in the functions that it hands them to."""

    def __init__(self, functions: Iterable[FunctionDef]) -> None:
        self._functions = {function.signature.name: function for function in functions}
        self.copies: dict[str, FunctionDef] = {}
        self._made: dict[tuple[str, tuple[tuple[int, DataType], ...]], tuple[str, dict[int, DataType]]] = {}
        self._depth = 0

    def fold(self, scope: _Scope, handles: Values) -> Values:
        """Follow the `handles` through the scope, change what takes them; returns all references that carry values."""
        values = dict(handles)
        pending = list(handles)
        calls: dict[
            str, tuple[NodeDef, NodeDef, dict[int, DataType]]
        ] = {}  # by name: node, as it was, what it is handed
        waiting: list[str] = []
        while pending or waiting:
            found: Values = {}
            if pending:
                reference = pending.pop()
                for node, position in scope.readers[reference]:
                    if node.name not in calls and not self._is_caller(node):
                        found |= self._take(scope, node, position, values[reference])
                        continue
                    if node.name not in calls:
                        calls[node.name] = (node, _copy(node), {})
                    calls[node.name][2][position] = values[reference]
                    waiting.append(node.name)
            else:
                node, original, handed = calls[waiting[-1]]
                waiting = [name for name in waiting if name != node.name]
                found = self._call(scope, node, original, handed)
            pending += [reference for reference in found if reference not in values]
            values = found | values
        return values

    def _is_caller(self, node: NodeDef) -> bool:
        return node.op in _CALLERS or node.op in self._functions

    def _take(self, scope: _Scope, node: NodeDef, position: int, dtype: DataType) -> Values:
        """Let a node that took a handle take a value; returns its outputs that are values now."""
        if node.op in _PASSING:
            node.attr["T"].type = dtype.value  # type: ignore[assignment]
            node.attr.pop("_output_shapes", None)
            return {scope.output(node, name, flat): dtype for name, flat in _PASSING[node.op]}
        if node.op == "IdentityN":
            node.attr["T"].list.type[position] = dtype.value  # type: ignore[call-overload]
            node.attr.pop("_output_shapes", None)
            return {scope.output(node, "output", position, position): dtype}
        if node.op == "ReadVariableOp":
            _become(node, "Identity", {"T": dtype.value})
            scope.rename_output(node, "value", "output")
        elif node.op in ("ResourceGather", "ResourceGatherNd"):
            _make_gather(scope, node, dtype)
        elif node.op == "VariableShape":
            out_type = node.attr["out_type"].type if "out_type" in node.attr else DataType.INT32.value
            _become(node, "Shape", {"T": dtype.value, "out_type": out_type})
        elif node.op == "VarIsInitializedOp":
            controls = [text for text in node.input if text.startswith("^")]
            node.attr.clear()
            node.attr["dtype"].type = DataType.BOOL.value  # type: ignore[assignment]
            _make_constant(node, np.array(True))
            node.input.extend(controls)
            scope.rename_output(node, "is_initialized", "output")
        elif any(value.HasField("func") or value.list.func for value in node.attr.values()):
            raise UnimplementedError(
                f"Node {node.name} ({node.op}) hands a variable to a function; smcli can not freeze that."
            )
        return {}

    def _call(self, scope: _Scope, node: NodeDef, original: NodeDef, handed: Mapping[int, DataType]) -> Values:
        """Let a node call copies of its functions that take values in place of the handles at the inputs `handed`."""
        node.op = original.op
        node.attr.clear()
        for name, value in original.attr.items():
            node.attr[name].CopyFrom(value)
        if node.op in self._functions:
            node.op, results = self._copied(original.op, handed, node)
            names = [arg.name for arg in self._functions[original.op].signature.output_arg]
            return {scope.output(node, names[index], index): dtype for index, dtype in results.items()}
        caller = _CALLERS[node.op]
        types = node.attr[caller.types].list.type
        by_type = {position - caller.before: dtype for position, dtype in handed.items()}
        if not all(0 <= index < len(types) for index in by_type):
            raise InvalidArgumentError(f"Node '{node.name}' ({node.op}) takes a variable as what is no argument")
        for index, dtype in by_type.items():
            types[index] = dtype.value  # type: ignore[call-overload]
        for name in ("output_shapes", "_output_shapes"):  # of the handles
            if "Dataset" not in node.op:
                node.attr.pop(name, None)
        found: dict[int, DataType] = {}
        for attr in caller.functions:
            value = node.attr[attr]
            for function in value.list.func if value.WhichOneof("value") == "list" else [value.func]:
                count = len(self._function(function.name, node).signature.input_arg)
                offset = count - len(types)
                function.name, results = self._copied(
                    function.name, {index + offset: dtype for index, dtype in by_type.items()}, node
                )
                if attr != "cond":
                    found |= results
        result_types = node.attr[_RESULT_TYPES[node.op]].list.type if node.op in _RESULT_TYPES else []
        for index, dtype in found.items():
            if index < len(result_types):
                result_types[index] = dtype.value  # type: ignore[call-overload]
        return {scope.output(node, "output", index, index): dtype for index, dtype in found.items()}

    def _function(self, name: str, node: NodeDef) -> FunctionDef:
        if name not in self._functions:
            raise InvalidArgumentError(f"Node '{node.name}' calls the function {name}, which is not defined")
        return self._functions[name]

    def _copied(self, name: str, handed: Mapping[int, DataType], node: NodeDef) -> tuple[str, dict[int, DataType]]:
        """The name of a copy of a function whose arguments `handed` are values, and which of its results are."""
        key = (name, tuple(sorted(handed.items())))
        if key not in self._made:
            if len(self._made) >= MAX_COPIES or self._depth >= MAX_DEPTH:
                raise ResourceExhaustedError(f"Node '{node.name}' hands a variable to too many functions")
            copy = FunctionDef()
            copy.CopyFrom(self._function(name, node))
            copy.signature.name = self._free_name(name)
            self.copies[copy.signature.name] = copy
            self._made[key] = copy.signature.name, {}
            self._depth += 1
            self._made[key] = copy.signature.name, self._fold_function(copy, handed, node)
            self._depth -= 1
        return self._made[key]

    def _free_name(self, name: str) -> str:
        number = len(self.copies)
        while (free := f"{name}_frozen_{number}") in self._functions:
            number += 1
        return free

    def _fold_function(
        self, function: FunctionDef, handed: Mapping[int, DataType], node: NodeDef
    ) -> dict[int, DataType]:
        arguments = function.signature.input_arg
        values: Values = {}
        for index, dtype in handed.items():
            if not 0 <= index < len(arguments) or arguments[index].number_attr or arguments[index].type_list_attr:
                raise UnimplementedError(
                    f"Node '{node.name}' hands a variable to function {function.signature.name}, which does not take"
                    " it as one argument; smcli can not freeze that."
                )
            argument = arguments[index]
            argument.DiscardUnknownFields()  # what is known of the handle
            argument.type = dtype.value  # type: ignore[assignment]
            function.arg_attr.pop(index, None)
            function.resource_arg_unique_id.pop(index, None)
            values[argument.name] = dtype
        function.attr.pop("_input_shapes", None)
        scope = _Scope(function.node_def, function)
        values = self.fold(scope, values)
        function.node_def.extend(scope.added)
        results = {}
        for index, result in enumerate(function.signature.output_arg):
            found = values.get(scope.plain(function.ret[result.name])) if result.name in function.ret else None
            if found is not None:
                result.DiscardUnknownFields()
                result.type = found.value  # type: ignore[assignment]
                results[index] = found
        return results


def _copy(node: NodeDef) -> NodeDef:
    copy = NodeDef()
    copy.CopyFrom(node)
    return copy


def _become(node: NodeDef, op: str, types: Mapping[str, int]) -> None:
    node.op = op
    node.attr.clear()
    for name, number in types.items():
        node.attr[name].type = number  # type: ignore[assignment]


def _make_gather(scope: _Scope, node: NodeDef, dtype: DataType) -> None:
    indices = node.attr["Tindices"].type
    batch_dims = node.attr["batch_dims"].i if "batch_dims" in node.attr else 0
    is_nd = node.op == "ResourceGatherNd"
    types = {"Tparams": dtype.value, "Tindices": indices}
    if is_nd:
        _become(node, "GatherNd", types)
        return
    _become(node, "GatherV2", types | {"Taxis": DataType.INT32.value})
    if batch_dims:
        node.attr["batch_dims"].CopyFrom(AttrValue(i=batch_dims))
    axis = scope.add_constant(f"{node.name}/axis", np.array(batch_dims, np.int32), DataType.INT32)
    node.input.insert(2, axis)


def _keep_called(graph_def: GraphDef, functions: Sequence[FunctionDef]) -> None:
    """Leave in the library those of `functions` that the nodes, or functions kept, call."""
    by_name = {function.signature.name: function for function in functions}
    gradients = {gradient.function_name: gradient.gradient_func for gradient in graph_def.library.gradient}
    kept: dict[str, FunctionDef] = {}
    pending: list[Iterable[NodeDef]] = [graph_def.node]
    while pending:
        for node in pending.pop():
            called = [node.op]
            for value in node.attr.values():
                called += [function.name for function in (value.func, *value.list.func)]
            for name in called + [gradients[name] for name in called if name in gradients]:
                if name in by_name and name not in kept:
                    kept[name] = by_name[name]
                    pending.append(by_name[name].node_def)
    copies = [_copy_function(kept[name]) for name in sorted(kept)]
    del graph_def.library.function[:]
    graph_def.library.function.extend(copies)


def _copy_function(function: FunctionDef) -> FunctionDef:
    copy = FunctionDef()
    copy.CopyFrom(function)
    return copy
