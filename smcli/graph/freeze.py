"""A graph with the calls of functions replaced by their bodies, as a GraphDef: the first half of what `freeze_model`
does, so that reads of variables stand in the open. `smcli.graph.freeze_values` is the second half.

Nothing is simplified beyond that: TensorFlow does so itself when it loads the graph.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from smcli.errors import UnimplementedError
from smcli.graph.freeze_values import VARIABLE
from smcli.graph.graph import ARG, Edge, Graph, Node, output_count, parse_tensor_name
from smcli.graph.inline import callee, inline
from smcli.graph.schema import find_schema
from smcli.proto.graph_pb2 import AttrValue, GraphDef, NodeDef

PASSING = frozenset({"Identity", "IdentityN", "Enter", "Exit", "Switch", "Merge", "NextIteration"})
READING = frozenset({"ReadVariableOp", "ResourceGather", "ResourceGatherNd"})
# What tensorflow/python/tools/saved_model_aot_compile.py takes for reading; all else changes a variable.
_ONLY_READING = READING | {"IsVariableInitializedOp", "VariableShape"}
_ALIASES = frozenset({"Identity", "IdentityN"})


def flattened(graph_def: GraphDef, names: Iterable[str]) -> GraphDef:
    """The nodes that `names` (of nodes or of tensors) need, with calls replaced by the bodies of their functions.

    A node of that name remains for each call in `names`. Control edges keep the order of ops on the same variable.
    """
    graph = Graph(graph_def)
    roots = list(dict.fromkeys(parse_tensor_name(name)[0] for name in names))
    calls = {name: _outputs_of_call(graph, name) for name in roots}
    fetches = [f"{name}:{index}" for name, count in calls.items() for index in range(count)]
    body = inline(graph.body(fetches, targets=[name for name in roots if not calls[name]]), graph)
    results = iter(body.outputs)
    flat = GraphDef(versions=graph_def.versions)
    order = _Order(graph)
    for node in body.nodes:
        if node.op != ARG:
            _add(flat, node.name, node.op, node.attrs, node.inputs, order.before(node))
    present = {node.name for node in flat.node}
    for name, count in calls.items():
        edges = [next(results) for _ in range(count)]
        if count and name not in present:
            types = AttrValue()
            types.list.type.extend([_edge_type(edge) for edge in edges])  # type: ignore[misc]
            _add(flat, name, "IdentityN", {"T": types}, edges, [])
    _drop_dangling_controls(flat)
    if any(_has_function(node) for node in flat.node):
        flat.library.CopyFrom(graph_def.library)
    return flat


def _drop_dangling_controls(flat: GraphDef) -> None:
    """Take away control edges from calls that have been replaced."""
    present = {node.name for node in flat.node}
    for node in flat.node:
        if any(text.startswith("^") and text[1:] not in present for text in node.input):
            kept = [text for text in node.input if not text.startswith("^") or text[1:] in present]
            del node.input[:]
            node.input.extend(kept)


def _outputs_of_call(graph: Graph, name: str) -> int:
    """How many outputs the call `name` has; 0 for any other node."""
    proto = graph.node_def(name)
    node = Node(name, proto.op, proto.attr)
    return output_count(node, graph) if callee(node, graph) is not None else 0


def _add(
    flat: GraphDef, name: str, op: str, attrs: Mapping[str, AttrValue], edges: Sequence[Edge], after: Sequence[str]
) -> None:
    proto = flat.node.add(name=name, op=op)
    proto.input.extend([f"{node.name}:{index}" if index else node.name for node, index in edges])
    proto.input.extend([f"^{earlier}" for earlier in after])
    for key, value in attrs.items():
        proto.attr[key].CopyFrom(value)


class _Order:
    """Which nodes a node has to wait for, apart from those whose outputs it takes.

    A node of the main graph keeps its own control edges. What a call has been replaced by takes the variables in turn,
    as the nodes of a function do: reads after the last change, changes after all before.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._writers: dict[tuple[str, str], str] = {}  # by call and variable
        self._readers: dict[tuple[str, str], list[str]] = defaultdict(list)  # since the last change
        self._changes: dict[str, bool] = {}  # by function: whether it may change a variable

    def before(self, node: Node) -> list[str]:
        """The names of the nodes that must run before `node`. To be asked for each node in turn."""
        proto = self._graph.nodes.get(node.name)
        if proto is not None and callee(node, self._graph) is None:
            return [text[1:] for text in proto.input if text.startswith("^")]
        call = self._call_of(node.name)
        found: list[str] = []
        for handle, _ in node.inputs if node.op not in PASSING else ():
            variable = _root(handle)
            if variable is None:
                continue
            key = (call, variable)
            if key in self._writers:
                found.append(self._writers[key])
            if self._is_reader(node):
                self._readers[key].append(node.name)
            else:
                found += self._readers.pop(key, [])
                self._writers[key] = node.name
        return [name for name in dict.fromkeys(found) if name != node.name]

    def _call_of(self, name: str) -> str:
        """The call in the main graph whose function the node called `name` comes from."""
        end = name.find("/")
        while end >= 0 and name[:end] not in self._graph.nodes:
            end = name.find("/", end + 1)
        return name[:end] if end >= 0 else name

    def _is_reader(self, node: Node) -> bool:
        names = _functions_of(node.attrs.values())
        return not self._may_change(names) if names else node.op in READING

    def _may_change(self, names: list[str]) -> bool:
        """Whether one of the functions, or one that they call, has an op that may change a resource."""
        pending = list(names)
        seen = set(names)
        while pending:
            name = pending.pop()
            function = self._graph.functions.get(name)
            known = self._changes.get(name)
            if known is False or function is None:
                continue
            if known or any(_takes_resource(node.op) and node.op not in READING for node in function.node_def):
                self._changes |= dict.fromkeys(names, True)
                return True
            called = {callee for node in function.node_def for callee in _functions_of(node.attr.values())}
            pending += called - seen
            seen |= called
        self._changes |= dict.fromkeys(seen, False)
        return False


def _functions_of(attrs: Iterable[AttrValue]) -> list[str]:
    return [function.name for value in attrs for function in (value.func, *value.list.func) if function.name]


def _takes_resource(op: str) -> bool:
    schema = find_schema(op)
    return schema is not None and any(arg.type == "resource" for arg in schema.inputs)


def _root(node: Node) -> str | None:
    """The variable whose handle comes through `node`, or None."""
    seen: set[Node] = set()  # loops are circles
    while node.op in PASSING and node.inputs and node not in seen:
        seen.add(node)
        node = node.inputs[0][0]
    return node.name if node.op == VARIABLE else None


def _edge_type(edge: Edge) -> int:
    """The dtype of an edge, from the attr that names it. Raises UnimplementedError where it is not on the node."""
    node, index = edge
    schema = find_schema(node.op)
    types: list[int] = []
    for arg in schema.outputs if schema is not None else ():
        if arg.type_list_attr is not None:
            types += node.attrs[arg.type_list_attr].list.type
            continue
        count = node.attrs[arg.number_attr].i if arg.number_attr is not None else 1
        one = node.attrs[arg.type_attr].type if arg.type_attr is not None else _fixed_type(str(arg.type))
        types += [one] * count
    if index >= len(types) or not types[index]:
        raise UnimplementedError(f"The data type of output {index} of node {node.name} ({node.op}) is not known.")
    return types[index]


def _fixed_type(name: str) -> int:
    from smcli.tensors.types import by_name

    try:
        return by_name(name).value
    except KeyError:
        return 0


def _has_function(node: NodeDef) -> bool:
    return any(value.HasField("func") or value.list.func for value in node.attr.values())


def variables(graph_def: GraphDef) -> dict[str, tuple[NodeDef, bool]]:
    """{name: (VarHandleOp, whether anything but a read or an identity uses it)} of the variables of a flat graph."""
    nodes = {node.name: node for node in graph_def.node}
    found = {node.name: (node, False) for node in graph_def.node if node.op == VARIABLE}
    for node in graph_def.node:
        if node.op in _ONLY_READING or node.op in _ALIASES:
            continue
        for name in node.input:
            variable = _root_name(name, nodes)
            if variable in found:
                found[variable] = (found[variable][0], True)
    return found


def _root_name(name: str, nodes: Mapping[str, NodeDef]) -> str:
    """The name of the node from which `name` comes through nodes that only pass it on."""
    name = "" if name.startswith("^") else name.partition(":")[0]
    while name in nodes and nodes[name].op in _ALIASES and nodes[name].input:
        name = nodes[name].input[0].partition(":")[0]
    return name


def pruned(graph_def: GraphDef, names: Iterable[str]) -> GraphDef:
    """The nodes of a flat graph that the nodes `names` need, in their order."""
    nodes = {node.name: node for node in graph_def.node}
    needed: set[str] = set()
    pending = [parse_tensor_name(name)[0] for name in names]
    while pending:
        name = pending.pop()
        if name not in needed and name in nodes:
            needed.add(name)
            pending.extend(text.removeprefix("^").partition(":")[0] for text in nodes[name].input)
    result = GraphDef(versions=graph_def.versions, library=graph_def.library)
    result.node.extend([node for node in graph_def.node if node.name in needed])
    return result
