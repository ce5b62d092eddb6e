"""The callable functions of a SavedModel's root object, decoded from the object graph.

Nothing is traced or loaded: a function's traces ("concrete functions") are listed with the arguments they were made
for.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from smcli.errors import InvalidArgumentError
from smcli.savedmodel.structured import decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from smcli.proto.graph_pb2 import AttrValue, FunctionDef, NodeDef, OpDef
    from smcli.proto.object_graph_pb2 import SavedObject, SavedObjectGraph
    from smcli.savedmodel.meta_graph import MetaGraph


class ConcreteFunction(NamedTuple):
    """One trace. name: of its FunctionDef. args: positional; kwargs: by name, sorted.

    Values are those of smcli.savedmodel.structured.decode.
    """

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class Function(NamedTuple):
    """A function of the root object. name: its attribute name. concrete_functions: in saved_model_cli's order."""

    name: str
    concrete_functions: list[ConcreteFunction]


def root_functions(meta_graph: MetaGraph) -> list[Function]:
    """The functions that are attributes of the root object, sorted by name. Empty without an object graph.

    Raises InvalidArgumentError when the object graph points to nodes or functions that are not there.
    """
    graph = meta_graph.object_graph()
    if not graph.nodes:
        return []
    traces: dict[str, list[ConcreteFunction]] = {}
    for child in graph.nodes[0].children:
        if not 0 <= child.node_id < len(graph.nodes):
            raise InvalidArgumentError(
                f"Object {child.local_name!r} is node {child.node_id} of an object graph of {len(graph.nodes)} nodes"
            )
        names = _trace_names(graph.nodes[child.node_id])
        if names is not None:
            traces[child.local_name] = [_concrete_function(graph, graph.nodes[child.node_id], name) for name in names]
    if any(len(found) > 1 for found in traces.values()):
        order = loaded_names(meta_graph)
        for found in traces.values():
            found.sort(key=lambda trace: order.get(trace.name, trace.name).encode())
    return [Function(name, traces[name]) for name in sorted(traces)]


def _trace_names(saved: SavedObject) -> list[str] | None:
    match saved.WhichOneof("kind"):
        case "function":
            return list(saved.function.concrete_functions)
        case "bare_concrete_function":
            return [saved.bare_concrete_function.concrete_function_name]
    return None


def _concrete_function(graph: SavedObjectGraph, saved: SavedObject, name: str) -> ConcreteFunction:
    if name not in graph.concrete_functions:
        raise InvalidArgumentError(f"The object graph has no concrete function {name!r}")
    signature = graph.concrete_functions[name].canonicalized_input_signature
    if signature.WhichOneof("kind") is None:  # written before TensorFlow kept structures: only names are known
        return ConcreteFunction(name, tuple(saved.bare_concrete_function.argument_keywords), {})
    arguments = decode(signature)
    if not (
        isinstance(arguments, tuple)
        and len(arguments) == 2
        and isinstance(arguments[0], tuple)
        and isinstance(arguments[1], dict)
    ):
        raise InvalidArgumentError(f"The signature of concrete function {name!r} is not a pair of args and kwargs")
    return ConcreteFunction(name, *arguments)


_FIRST_UID = 2  # 0 is the loader's graph, 1 the suffix that it gives to shared names
_CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})


def loaded_names(meta_graph: MetaGraph) -> dict[str, str]:
    """The names that TensorFlow's loader gives to the functions of the library, by their saved names.

    saved_model_cli lists traces in the byte order of these names. They end in a process-wide counter, which advances by
    one for each function graph, for each tensor in it and for each name, in the order in which the loader makes
    functions: callees first (tensorflow/python/saved_model/function_deserialization.py, `load_function_def_library`).
    """
    library = meta_graph.graph_def().library
    functions = {function.signature.name: function for function in library.function}
    gradients = {
        gradient.registered_op_type: gradient.gradient_func
        for gradient in library.registered_gradients
        if gradient.registered_op_type
    }
    ops = _Ops(functions, meta_graph.meta_info.stripped_op_list.op)
    uid = _FIRST_UID + len(gradients)
    names = {}
    for name in _callees_first(functions, gradients, ops):
        function = functions[name]
        uid += 1 + len(function.signature.input_arg)
        for node in function.node_def:
            uid += ops[node.op].output_count(node)
            if node.op == "HashTableV2" and not _attr(node, "use_node_name_sharing").b:
                uid += 1  # the loader gives it a shared name of its own
        names[name] = f"__inference_{_base_name(name)}_{uid}"
        uid += 1
    return names


def _base_name(saved: str) -> str:
    """`f` for a saved name `__inference_f_12`, else the whole name."""
    head, _, digits = saved.rpartition("_")
    if saved.startswith("__inference_") and head != "__inference" and digits.isdecimal():
        return head.removeprefix("__inference_")
    return saved


def _callees_first(functions: Mapping[str, FunctionDef], gradients: Mapping[str, str], ops: _Ops) -> list[str]:
    callers: dict[str, list[str]] = defaultdict(list)
    waiting: dict[str, int] = {}
    for name, function in functions.items():
        callees: set[str] = set()
        for node in function.node_def:
            op = ops[node.op]
            if gradients or op.is_function or op.function_attrs:
                callees.update(_callees(node, op, gradients))
        callees &= functions.keys()
        waiting[name] = len(callees)
        for callee in callees:
            callers[callee].append(name)
    ready = [name for name, count in waiting.items() if not count]
    order = []
    while ready:
        name = ready.pop()
        order.append(name)
        for caller in callers[name]:
            waiting[caller] -= 1
            if not waiting[caller]:
                ready.append(caller)
    return order


def _callees(node: NodeDef, op: _Op, gradients: Mapping[str, str]) -> list[str]:
    if op.is_function:
        return [node.op]
    if gradients and node.op not in _CALLS:
        gradient = _attr(node, "_gradient_op_type").s.decode(errors="replace")
        if gradient in gradients:
            return [gradients[gradient]]
    if not op.function_attrs:
        return []
    attrs = [_attr(node, name) for name in op.function_attrs]
    return [attr.func.name for attr in attrs] + [func.name for attr in attrs for func in attr.list.func]


class _Op:
    """What must be known of an op: how many outputs its nodes have, and which attrs name functions."""

    __slots__ = ("fixed_outputs", "function_attrs", "is_function", "number_attrs", "type_list_attrs")

    def __init__(self, outputs: Iterable[tuple[str | None, str | None]], function_attrs: Iterable[str]) -> None:
        """outputs: for each, the attr that says how many tensors it is, and that which lists their types."""
        self.fixed_outputs = 0
        self.number_attrs: list[str] = []
        self.type_list_attrs: list[str] = []
        self.function_attrs = list(function_attrs)
        self.is_function = False
        for number_attr, type_list_attr in outputs:
            if number_attr:
                self.number_attrs.append(number_attr)
            elif type_list_attr:
                self.type_list_attrs.append(type_list_attr)
            else:
                self.fixed_outputs += 1

    def output_count(self, node: NodeDef) -> int:
        count = self.fixed_outputs
        for name in self.number_attrs:
            count += _attr(node, name).i
        for name in self.type_list_attrs:
            count += len(_attr(node, name).list.type)
        return count


class _Ops(dict[str, _Op]):
    """Ops by name, looked up when first needed: functions, ops that the model describes, ops that TensorFlow has."""

    def __init__(self, functions: Mapping[str, FunctionDef], described: Iterable[OpDef]) -> None:
        super().__init__()
        self._functions = functions
        self._described = {op.name: op for op in described}

    def __missing__(self, name: str) -> _Op:
        self[name] = op = self._find(name)
        return op

    def _find(self, name: str) -> _Op:
        if name in self._functions:
            op = _Op([(None, None)] * len(self._functions[name].signature.output_arg), ())
            op.is_function = True
            return op
        if name in self._described:
            described = self._described[name]
            outputs = [(arg.number_attr, arg.type_list_attr) for arg in described.output_arg]
            return _Op(outputs, [attr.name for attr in described.attr if attr.type in _FUNCTION_TYPES])
        from smcli.graph.schema import find_schema

        schema = find_schema(name)
        if schema is None:  # a custom op that the model does not describe
            return _Op([(None, None)], ())
        function_attrs = [attr for attr, about in schema.attrs.items() if about["type"] in _FUNCTION_TYPES]
        return _Op([(arg.number_attr, arg.type_list_attr) for arg in schema.outputs], function_attrs)


_FUNCTION_TYPES = frozenset({"func", "list(func)"})


def _attr(node: NodeDef, name: str) -> AttrValue:
    # Indexing the map with a missing key would add it to the graph.
    if name in node.attr:
        return node.attr[name]
    from smcli.proto.graph_pb2 import AttrValue

    return AttrValue()
