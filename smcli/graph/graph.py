"""Graphs and functions as they stand in a GraphDef, indexed by name, and the pruned bodies that are cut out of them.

A `Graph` only indexes the protos. `Graph.body` follows the edges back from what is wanted and yields a `Body`: the
nodes that are needed, in an order in which each comes after what it depends on. Everything is iterative: chains of
100,000 nodes are fine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from sys import intern
from typing import Any

from smcli.errors import InvalidArgumentError, NotFoundError, ResourceExhaustedError
from smcli.graph import attrs as attr_values
from smcli.graph.schema import Schema, find_schema
from smcli.graph.structural import ARG as ARG
from smcli.graph.structural import FRAME_OPS as FRAME_OPS
from smcli.kernels.context import FunctionRef
from smcli.proto.graph_pb2 import AttrValue, FunctionDef, GraphDef, NodeDef

Edge = tuple["Node", int]

BACK_EDGES = frozenset({"NextIteration", "RefNextIteration"})
REFERENCE_VARIABLES = frozenset({"Variable", "VariableV2"})
MERGES = frozenset({"Merge", "RefMerge"})
WHILES = frozenset({"While", "StatelessWhile"})


class Node:
    """An op in a body. `inputs` are data edges (producer, output index); `controls` what must have run before.

    value: its single output, where folding has found it. function: what computes its outputs from `inputs`, where
    a rewrite has put it in the place of the op's kernel; it gives `results` outputs. guard: booleans of the body and
    what they have to be for the node to run at all (see smcli.graph.lowering).
    """

    __slots__ = ("attrs", "controls", "function", "guard", "inputs", "name", "op", "results", "value")

    def __init__(
        self,
        name: str,
        op: str,
        attrs: Mapping[str, AttrValue],
        inputs: list[Edge] | None = None,
        *,
        value: Any = None,
        function: Callable[..., Any] | None = None,
        results: int = 1,
    ) -> None:
        self.name = name
        self.op = op
        self.attrs = attrs
        self.inputs: list[Edge] = [] if inputs is None else inputs
        self.controls: Sequence[Node] = ()
        self.value = value
        self.function = function
        self.results = results
        self.guard: tuple[tuple[Edge, bool], ...] = ()

    def __repr__(self) -> str:
        return f"Node({self.name!r}, {self.op!r})"


class Body:
    """Nodes in dependency order, with the Arg nodes that receive inputs and the edges that are its results.

    has_frames: TF1 control flow (Switch, Merge, Enter…) is among the nodes, so the order alone does not say what runs.
    """

    __slots__ = ("has_frames", "inputs", "name", "nodes", "outputs")

    def __init__(self, name: str, nodes: list[Node], inputs: list[Node], outputs: list[Edge], has_frames: bool) -> None:
        self.name, self.nodes, self.inputs, self.outputs, self.has_frames = name, nodes, inputs, outputs, has_frames

    def ops(self) -> set[str]:
        """The ops of its nodes: what holds of an op is asked once, not for each node."""
        return {node.op for node in self.nodes}


def output_count(node: Node, graph: Graph) -> int:
    """How many outputs a node has, by its schema and attrs."""
    schema = find_schema(node.op)
    if schema is None:
        function = graph.functions.get(node.op)
        if function is None:
            raise NotFoundError(f"Op type not registered '{node.op}' (node {node.name})")
        return sum(arg_count(arg, node.attrs, None) for arg in function.signature.output_arg)
    if schema.output_count is not None:
        return schema.output_count
    return sum(arg_count(arg, node.attrs, schema) for arg in schema.outputs)


def arg_count(arg: Any, attrs: Mapping[str, AttrValue], schema: Schema | None) -> int:
    """How many tensors an argument stands for: of an op (a schema's Arg), or of a function (an OpDef.ArgDef, no
    schema)."""
    name = arg.number_attr or arg.type_list_attr
    return attr_values.count(name, attrs, schema) if name else 1


def parse_tensor_name(name: str) -> tuple[str, int]:
    """`node` or `node:3` to node name and output index. Raises InvalidArgumentError."""
    node, colon, index = name.partition(":")
    if not colon:
        return node, 0
    if not index.isdecimal() or len(index) > 9:
        raise InvalidArgumentError(f"{name!r} is no tensor name")
    return node, int(index)


# A function is read anew for each set of attrs that it is called with, of which a crafted chain of functions makes
# exponentially many.
MAX_BODY_NODES = 2_000_000
MAX_ATTR_SETS = 10_000


def _misplaced_control(node: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"Node '{node}': Control dependencies must come after regular dependencies")


def _is_below(index: str, size: int) -> bool:
    """True for the digits of a number below `size`. Python refuses to read thousands of digits."""
    return index.isdecimal() and len(index) <= 9 and int(index) < size


class Graph:
    """A GraphDef indexed by name. Raises InvalidArgumentError for duplicate node or function names."""

    def __init__(self, graph_def: GraphDef) -> None:
        self.nodes: dict[str, NodeDef] = {node.name: node for node in graph_def.node}
        if len(self.nodes) != len(graph_def.node):
            seen: set[str] = set()
            twice = next(n.name for n in graph_def.node if n.name in seen or seen.add(n.name))  # type: ignore[func-returns-value]
            raise InvalidArgumentError(f"Node '{twice}' is not unique")
        self.functions: dict[str, FunctionDef] = {f.signature.name: f for f in graph_def.library.function}
        self.flat_sizes: dict[FunctionRef, int | None] = {}  # what smcli.graph.inline has found out about functions
        self._bodies: dict[FunctionRef, Body] = {}
        self._body_nodes = 0  # in all of them
        self._keep_alive = graph_def

    def add(self, node: NodeDef) -> None:
        """Add a node to the graph. Raises InvalidArgumentError when its name is taken."""
        if node.name in self.nodes:
            raise InvalidArgumentError(f"Node '{node.name}' is not unique")
        self.nodes[node.name] = node

    def node_def(self, name: str) -> NodeDef:
        try:
            return self.nodes[name]
        except KeyError:
            raise NotFoundError(f"The graph has no node '{name}'") from None

    def body(self, fetches: Sequence[str], feeds: Sequence[str] = (), targets: Sequence[str] = ()) -> Body:
        """What must run to compute the tensors `fetches` and to run the nodes `targets`, when the tensors `feeds` are
        given."""
        cut: dict[tuple[str, int], Node] = {}
        fed = {parse_tensor_name(name)[0] for name in feeds}
        inputs = []
        for position, name in enumerate(feeds):
            arg = Node(f"feed_{position}", ARG, {})
            cut[parse_tensor_name(name)] = arg
            inputs.append(arg)

        protos = self.nodes
        made: dict[str, Node] = {}
        edges: dict[str, Edge] = {}  # by the text of an input: the consumers of a tensor share its edge

        def node_of(name: str, wanted_by: str) -> Node:
            node = made.get(name)
            if node is None:
                proto = protos.get(name)
                if proto is None:
                    raise InvalidArgumentError(f"Node '{wanted_by}': unknown input node '{name}'")
                node = made[name] = Node(name, intern(proto.op), proto.attr, [])
            return node

        def edge_of(text: str, wanted_by: str) -> Edge:
            name, index = parse_tensor_name(text) if ":" in text else (text, 0)
            given = cut.get((name, index)) if name in fed else None
            if given is not None:
                edge = (given, 0)
            elif text.startswith("^"):
                raise _misplaced_control(wanted_by)
            else:
                edge = (node_of(name, wanted_by), index)
            edges[text] = edge
            return edge

        def expand(node: Node) -> None:
            if node.op == ARG:
                return
            # A slice is a list, which protobuf makes in half the time that it takes to iterate.
            texts = protos[node.name].input[:]
            if texts and texts[-1].startswith("^"):  # controls come after all data
                start = next(at for at, text in enumerate(texts) if text.startswith("^"))
                if not all(text.startswith("^") for text in texts[start:]):
                    raise _misplaced_control(node.name)
                # What is given has no need to run first.
                node.controls = [node_of(text[1:], node.name) for text in texts[start:] if text[1:] not in fed]
                del texts[start:]
            add = node.inputs.append
            for text in texts:
                add(edges.get(text) or edge_of(text, node.name))

        outputs: list[Edge] = []
        roots: list[Node] = []
        for name in fetches:
            node_name, index = parse_tensor_name(name)
            given = cut.get((node_name, index))
            if given is not None:
                outputs.append((given, 0))
            else:
                self.node_def(node_name)
                outputs.append((node_of(node_name, name), index))
                roots.append(outputs[-1][0])
        for name in targets:
            self.node_def(name)
            roots.append(node_of(name, name))
        nodes = [node for node in _in_order(roots, expand) if node.op != ARG]
        return Body("", nodes, inputs, outputs, _has_frames(nodes))

    def function_body(self, ref: FunctionRef) -> Body:
        """The body of a library function, with the call's attrs bound. Raises NotFoundError for an unknown function."""
        body = self._bodies.get(ref)
        if body is None:
            function = self.functions.get(ref.name)
            if function is None:
                raise NotFoundError(f"Function {ref.name} is not defined.")
            if self._body_nodes > MAX_BODY_NODES or len(self._bodies) > len(self.functions) + MAX_ATTR_SETS:
                raise ResourceExhaustedError(f"Function {ref.name} and others are called with too many sets of attrs")
            body = self._bodies[ref] = _FunctionReader(self, function, attr_values.bound_attrs(ref)).body()
            self._body_nodes += len(body.nodes) + 1
        return body


class _FunctionReader:
    """Cuts the body out of a FunctionDef, whose edges read `arg`, `arg:index` or `node:output_name:index`."""

    def __init__(self, graph: Graph, function: FunctionDef, bound: dict[str, AttrValue]) -> None:
        self.graph = graph
        self.function = function
        self.name = function.signature.name
        self.bound = bound
        self.protos = {node.name: node for node in function.node_def[:]}  # see Graph.body of slices
        self.made: dict[str, Node] = {}
        self.inputs: list[Node] = []
        self.args: dict[str, list[Node]] = {}
        self.ranges: dict[tuple[Node, str], tuple[int, int]] = {}
        self.single: dict[str, Edge] = {}  # by the text of an input that is one tensor
        for arg in function.signature.input_arg:
            nodes = [Node(arg.name, ARG, {}) for _ in range(arg_count(arg, bound, None))]
            self.args[arg.name] = nodes
            self.inputs += nodes

    def body(self) -> Body:
        outputs: list[Edge] = []
        for arg in self.function.signature.output_arg:
            if arg.name not in self.function.ret:
                raise InvalidArgumentError(f"Function {self.name}: output '{arg.name}' has no value")
            outputs += self.edges(self.function.ret[arg.name], arg_count(arg, self.bound, None), arg.name)
        roots = [node for node, _ in outputs]
        roots += [self.node_of(name, "control_ret") for name in self.function.control_ret.values()]
        if not self.function.control_ret:
            # A function from before control returns existed: what has effects runs, whether or not a result needs it.
            for proto in self.function.node_def:
                if proto.op not in _EFFECT_FREE_STATEFUL and self._is_stateful(proto.op):
                    roots.append(self.node_of(proto.name, self.name))
        nodes = [node for node in _in_order(roots, self.expand) if node.op != ARG]
        return Body(self.name, nodes, self.inputs, outputs, _has_frames(nodes))

    def _is_stateful(self, op: str) -> bool:
        schema = find_schema(op)
        if schema is None:
            function = self.graph.functions.get(op)
            return function is not None and function.signature.is_stateful
        return schema.stateful

    def node_of(self, name: str, wanted_by: str) -> Node:
        node = self.made.get(name)
        if node is None:
            proto = self.protos.get(name)
            if proto is None:
                raise InvalidArgumentError(f"Function {self.name}, node '{wanted_by}': unknown input '{name}'")
            node = self.made[name] = Node(name, intern(proto.op), self.bind(proto), [])
        return node

    def bind(self, proto: NodeDef) -> Mapping[str, AttrValue]:
        """The node's attrs, with placeholders replaced by what the call binds."""
        if not self.bound:
            return proto.attr
        attrs = dict(proto.attr)
        for key, value in attrs.items():
            if value.WhichOneof("value") == "placeholder" and value.placeholder in self.bound:
                attrs[key] = self.bound[value.placeholder]
        return attrs

    def expand(self, node: Node) -> None:
        if node.op == ARG:
            return
        controls = []
        single = self.single
        for text in self.protos[node.name].input[:]:
            if text.startswith("^"):
                name = text[1:]
                if name not in self.args:
                    controls.append(self.node_of(name, node.name))
            elif controls:
                raise _misplaced_control(node.name)
            elif text in single:
                node.inputs.append(single[text])
            else:
                edges = self.edges(text, None, node.name)
                node.inputs += edges
                if len(edges) == 1:
                    single[text] = edges[0]
        if controls:
            node.controls = controls

    def edges(self, text: str, expected: int | None, wanted_by: str) -> list[Edge]:
        """What a reference stands for: one edge, or all of an output when no index is given and several are
        expected."""
        name, _, rest = text.partition(":")
        if name in self.args:
            nodes = self.args[name]
            if rest:
                return [(self._pick(nodes, rest, text), 0)]
            return [(node, 0) for node in nodes]
        node = self.node_of(name, wanted_by)
        output, _, index = rest.partition(":")
        start, size = _fixed_range(node.op, output) or self._output_range(node, output)
        if index:
            if not _is_below(index, size):
                raise InvalidArgumentError(f"Function {self.name}, node '{wanted_by}': no output {text}")
            return [(node, start + int(index))]
        if expected is not None and expected > 1:
            return [(node, start + i) for i in range(size)]
        return [(node, start)]

    def _pick(self, nodes: list[Node], index: str, text: str) -> Node:
        if not _is_below(index, len(nodes)):
            raise InvalidArgumentError(f"Function {self.name}: no argument {text}")
        return nodes[int(index)]

    def _output_range(self, node: Node, output: str) -> tuple[int, int]:
        """First index and number of the outputs that an output argument stands for."""
        found = self.ranges.get((node, output))
        if found is None:
            found = self.ranges[node, output] = self._find_range(node, output)
        return found

    def _find_range(self, node: Node, output: str) -> tuple[int, int]:
        schema = find_schema(node.op)
        declared: Iterable[Any]
        if schema is not None:
            declared = schema.outputs
        elif node.op in self.graph.functions:
            declared = self.graph.functions[node.op].signature.output_arg
        else:  # reported with all other missing ops before anything runs
            return 0, 1
        start = 0
        for arg in declared:
            size = arg_count(arg, node.attrs, schema)
            if arg.name == output or not output:
                return start, size
            start += size
        raise InvalidArgumentError(f"Function {self.name}: op {node.op} has no output '{output}' (node {node.name})")


@lru_cache(maxsize=4096)
def _fixed_range(op: str, output: str) -> tuple[int, int] | None:
    """First index and number of the outputs that an output argument stands for, where attrs have no say."""
    schema = find_schema(op)
    for index, arg in enumerate(schema.outputs if schema is not None else ()):
        if arg.number_attr or arg.type_list_attr:
            return None
        if arg.name == output or not output:
            return index, 1
    return None


# Stateful by their schema, but only a handle or a read: no reason to run them by themselves.
_EFFECT_FREE_STATEFUL = frozenset(
    {
        ARG,
        "VarHandleOp",
        "ReadVariableOp",
        "HashTableV2",
        "MutableHashTableV2",
        "Placeholder",
        "VariableV2",
        "ResourceGather",
    }
    | {"LookupTableFindV2", "LookupTableSizeV2", "_Retval", "VarIsInitializedOp"}
)


def _has_frames(nodes: Iterable[Node]) -> bool:
    return not FRAME_OPS.isdisjoint({node.op for node in nodes})


def in_order(nodes: Iterable[Node]) -> list[Node]:
    """Nodes that are linked already, and all that they depend on, each after its dependencies."""
    return _in_order(nodes, lambda node: None)


def _in_order(roots: Iterable[Node], expand: Callable[[Node], None]) -> list[Node]:
    """All nodes that the roots depend on, each after its dependencies. Raises InvalidArgumentError for a cycle.

    The only edge that may close a cycle is one from a NextIteration into a Merge; it does not count as a dependency,
    but what stands behind it is included.
    """
    done: list[Node] = []
    finished: dict[Node, bool] = {}  # False while what a node depends on is being visited
    later = list(reversed(list(roots)))
    while later:
        stack = [later.pop()]
        while stack:
            node = stack[-1]
            seen = finished.get(node)
            if seen is not None:
                stack.pop()
                if not seen:
                    finished[node] = True
                    done.append(node)
                continue
            finished[node] = False
            expand(node)
            needed = [source for source, _ in node.inputs]
            if node.op in MERGES:
                later += [source for source in needed if source.op in BACK_EDGES]
                needed = [source for source in needed if source.op not in BACK_EDGES]
            if node.controls:
                needed += node.controls
            needed.reverse()
            for source in needed:
                before = finished.get(source)
                if before is None:
                    stack.append(source)
                elif not before:
                    raise InvalidArgumentError(f"Graph has a cycle through node '{source.name}'")
    return done
