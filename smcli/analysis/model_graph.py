"""A model as plain data to be drawn: views of nodes, the edges between them, dtypes and shapes of what flows there.

A view is what a signature runs of the main graph, all of the main graph, or the body of a function; nodes that call a
function name its view. Shapes are what the file says of them (`_output_shapes`, which TensorFlow writes into each
SavedModel, the attrs of placeholders, constants and variables); where it says nothing they are unknown. Nothing runs.
"""

from __future__ import annotations

import difflib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from smcli.analysis.attr_text import Shape, attr_texts, cut, dtype_text, few_values, shape_of, shape_text
from smcli.errors import InvalidArgumentError, SmcliError
from smcli.graph import attrs as attr_values
from smcli.graph.graph import REFERENCE_VARIABLES, Body, Graph, Node, arg_count
from smcli.graph.schema import Schema, find_schema
from smcli.kernels.context import FunctionRef
from smcli.proto.graph_pb2 import AttrValue, FunctionDef
from smcli.proto.saved_model_pb2 import SignatureDef, TensorInfo
from smcli.savedmodel import MetaGraph
from smcli.savedmodel.functions import root_functions
from smcli.savedmodel.meta_graph import tensor_names

INPUT, OUTPUT = "Input", "Output"  # the ops of nodes that stand for what goes in and comes out
MOST_NODES = 50_000
_EDGES_A_NODE = 20  # edges and outputs that a picture may have for each node that it may have
_PRUNED = 10  # how many times larger a graph may be of which a part is drawn
_VARIABLES = frozenset({"VarHandleOp", "VarHandlesOp", *REFERENCE_VARIABLES})
_SAME_SHAPE = frozenset({"Identity", "ReadVariableOp", "StopGradient", "Enter", "RefEnter", "Exit", "RefExit"})
_WRAPPING = frozenset({"Identity", "IdentityN", "NoOp", "Const", INPUT, OUTPUT, "Placeholder", "VarHandleOp"})


class TensorType(NamedTuple):
    """dtype: empty where it is not known. shape: None where the rank is not, with None for unknown dims."""

    dtype: str
    shape: Shape | None

    def __str__(self) -> str:
        if self.dtype in ("resource", "variant"):  # handles, whose own shape says nothing
            return self.dtype
        return f"{self.dtype or 'unknown dtype'} {shape_text(self.shape)}"


@dataclass(slots=True)
class ViewNode:
    """inputs: (place of the producer in the view, its output). controls: places. arguments: a name for each input, as
    far as they are known. calls: attr → place of the view that is called. note: the values of a small constant, the
    name of a variable."""

    name: str
    op: str
    inputs: list[tuple[int, int]] = field(default_factory=list)
    controls: list[int] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    outputs: list[TensorType] = field(default_factory=list)
    attrs: dict[str, str] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    note: str = ""


@dataclass(slots=True)
class View:
    """nodes: each after what it depends on, but for the loops that NextIteration closes. Inputs come first and outputs
    last."""

    title: str
    nodes: list[ViewNode]


@dataclass(slots=True)
class ModelGraph:
    """views: the first is what was asked for; the others are the functions that it can call."""

    title: str
    views: list[View]

    def first_path(self) -> list[int]:
        """Where a look at the model begins: the first view, or what is called where a view only passes on a call."""
        path = [0]
        while True:
            busy = [node for node in self.views[path[-1]].nodes if node.op not in _WRAPPING]
            called = list(busy[0].calls.values()) if len(busy) == 1 else []
            if len(called) != 1 or called[0] in path:
                return path
            path.append(called[0])


def signature_graph(meta_graph: MetaGraph, key: str, signature: SignatureDef, most: int = MOST_NODES) -> ModelGraph:
    """What the signature runs. Raises SmcliError when the graph is broken or has more than `most` nodes."""
    graph = _checked_graph(meta_graph, most)
    outputs = [(name, text) for name, info in sorted(signature.outputs.items()) for text in tensor_names(info)]
    body = graph.body([text for _, text in outputs])
    reader = _Reader(graph, most)
    inputs = {
        text.partition(":")[0]: (name, info) for name, info in signature.inputs.items() for text in tensor_names(info)
    }
    reader.add_main(f"signature {cut(key, 80)}", body, [name for name, _ in outputs], inputs)
    return reader.finish(cut(key))


def function_graph(meta_graph: MetaGraph, name: str, most: int = MOST_NODES) -> ModelGraph:
    """The body of a function: one of the library, or an attribute of the root object that has one trace.

    Raises SmcliError as signature_graph does, and for a name that is none or stands for several traces.
    """
    graph = _checked_graph(meta_graph, most)
    reader = _Reader(graph, most)
    reader.view_of(FunctionRef(_find_function(meta_graph, graph, name)))
    return reader.finish(cut(name))


def whole_graph(meta_graph: MetaGraph, most: int = MOST_NODES) -> ModelGraph:
    """All nodes of the MetaGraph: also those that save, restore and initialise. Raises as signature_graph does."""
    graph = _checked_graph(meta_graph, most)
    reader = _Reader(graph, most)
    reader.add_main("all nodes", graph.body([], targets=list(graph.nodes)), [], {})
    return reader.finish(cut(",".join(meta_graph.tags)))


def _checked_graph(meta_graph: MetaGraph, most: int) -> Graph:
    """Looks at the number of nodes before anything is made of them. A graph is pruned before it is drawn, so that it
    may be larger than what is drawn, but not without end."""
    graph_def = meta_graph.graph_def()
    count = len(graph_def.node)
    if count > _PRUNED * most:
        raise _too_large(count, most)
    return Graph(graph_def)


def _too_large(count: int, most: int, what: str = "nodes") -> SmcliError:
    return SmcliError(
        f"The picture would have {count:,} {what} or more; the limit is {most:,}",
        hint="--function draws one function; --max_nodes sets the limit.",
    )


def _find_function(meta_graph: MetaGraph, graph: Graph, name: str) -> str:
    if name in graph.functions:
        return name
    traces = {
        function.name: [trace.name for trace in function.concrete_functions] for function in root_functions(meta_graph)
    }
    found = traces.get(name, [])
    if len(found) == 1 and found[0] in graph.functions:
        return found[0]
    if found:
        raise SmcliError(f"Function {name} has {len(found)} traces; choose one of: {', '.join(found)}")
    near = difflib.get_close_matches(name, [*traces, *graph.functions], 5, 0.3)
    said = f"; the nearest are: {', '.join(cut(one, 80) for one in near)}" if near else ""
    raise SmcliError(f"The model has no function {cut(name, 80)}{said}")


class _Reader:
    """Makes views of bodies, and of the functions that they call, each once."""

    def __init__(self, graph: Graph, most: int) -> None:
        self.graph = graph
        self.most = most
        self.views: list[View] = []
        self._places: dict[FunctionRef, int] = {}
        self._waiting: deque[tuple[int, FunctionRef, list[str]]] = deque()
        self._nodes = self._edges = 0

    def finish(self, title: str) -> ModelGraph:
        """Reads the functions that are waiting, and those that they call."""
        while self._waiting:
            place, ref, captures = self._waiting.popleft()
            self.views[place] = self._function_view(ref, captures)
        return ModelGraph(title, self.views)

    def view_of(self, ref: FunctionRef, captures: Sequence[str] = ()) -> int:
        """The place of a function's view, which is read later. captures: what its arguments are called by the first
        caller; empty where that does not know."""
        place = self._places.get(ref)
        if place is None:
            place = self._places[ref] = len(self.views)
            self._spend(1, 0)
            self.views.append(View(cut(ref.name), []))
            self._waiting.append((place, ref, list(captures)))
        return place

    def add_main(
        self, title: str, body: Body, keys: Sequence[str], inputs: Mapping[str, tuple[str, TensorInfo]]
    ) -> None:
        """The view of nodes of the main graph. keys: of the body's outputs. inputs: node → key and type of an input."""
        view = View(title, [])
        self.views.append(view)
        places = self._fill(view, body)
        for name, (key, info) in inputs.items():
            node = places.get(name)
            if node is not None:
                node.op, node.note = INPUT, cut(key)
                if not node.outputs:
                    node.outputs = [TensorType(dtype_text(info.dtype), shape_of(info.tensor_shape))]
        self._add_outputs(view, body, keys)

    def _function_view(self, ref: FunctionRef, captures: Sequence[str]) -> View:
        body = self.graph.function_body(ref)
        function = self.graph.functions[ref.name]
        view = View(cut(ref.name), [])
        types = _argument_types(function, body)
        notes = [*captures, *[""] * len(types)]
        inputs = [
            ViewNode(node.name, INPUT, outputs=[type_], note=note)
            for node, type_, note in zip(body.inputs, types, notes)
        ]
        self._fill(view, body, inputs)
        self._add_outputs(view, body, [arg.name for arg in function.signature.output_arg])
        return view

    def _spend(self, nodes: int, edges: int) -> None:
        self._nodes += nodes
        self._edges += edges
        if self._nodes > self.most:
            raise _too_large(self._nodes, self.most)
        if self._edges > self.most * _EDGES_A_NODE:
            raise _too_large(self._edges, self.most * _EDGES_A_NODE, "edges")

    def _fill(self, view: View, body: Body, inputs: Sequence[ViewNode] = ()) -> dict[str, ViewNode]:
        """Adds the body's nodes to the view, after `inputs`, which stand for the body's; gives them by name."""
        nodes = [*body.inputs, *body.nodes]
        self._spend(len(nodes), sum(len(node.inputs) + len(node.controls) for node in nodes))
        places = {node: place for place, node in enumerate(nodes)}
        made = [ViewNode(node.name, node.op) for node in body.nodes]
        view.nodes += [*inputs, *made]
        for node, drawn in zip(body.nodes, made):
            drawn.inputs = [(places[source], output) for source, output in node.inputs if source in places]
            drawn.controls = [places[source] for source in node.controls if source in places]
            schema = find_schema(node.op)
            try:
                drawn.arguments = self._argument_names(node, schema)
                drawn.outputs = self._output_types(node, schema, view, drawn)
            except InvalidArgumentError as error:  # an attr that says how many there are is wrong
                raise SmcliError(f"Node {cut(node.name, 80)}: {error.message}") from None
            drawn.attrs = attr_texts(node.attrs)
            drawn.note = _note(node)
            drawn.calls = self._calls(node, view, drawn)
        return {drawn.name: drawn for drawn in made}

    def _add_outputs(self, view: View, body: Body, keys: Sequence[str]) -> None:
        """A node for each output; sources come from where the body's nodes stand in the view."""
        places = {node: place for place, node in enumerate([*body.inputs, *body.nodes])}
        self._spend(len(body.outputs), len(body.outputs))
        taken = {node.name for node in view.nodes}
        for index, (source, output) in enumerate(body.outputs):
            key = cut(keys[index]) if index < len(keys) else f"output {index}"
            types = view.nodes[places[source]].outputs
            name = key if key not in taken else f"{key} (output)"
            view.nodes.append(
                ViewNode(name, OUTPUT, [(places[source], output)], outputs=list(types[output : output + 1]))
            )

    def _argument_names(self, node: Node, schema: Schema | None) -> list[str]:
        """A name for each input, as far as its op is known."""
        names: list[str] = []
        for arg in self._declared(node, schema, "inputs"):
            count = min(arg_count(arg, node.attrs, schema), len(node.inputs) - len(names))
            is_list = arg.number_attr or arg.type_list_attr
            names += [f"{arg.name}[{place}]" for place in range(count)] if is_list else [arg.name] * count
        return names

    def _declared(self, node: Node, schema: Schema | None, which: str) -> Sequence[Any]:
        """The arguments `inputs` or `outputs` of a node's op, or of the function that it calls by its name."""
        if schema is not None:
            return getattr(schema, which)  # type: ignore[no-any-return]
        function = self.graph.functions.get(node.op)
        if function is None:
            return ()
        return function.signature.input_arg if which == "inputs" else function.signature.output_arg

    def _output_types(self, node: Node, schema: Schema | None, view: View, drawn: ViewNode) -> list[TensorType]:
        dtypes = self._output_dtypes(node, schema)
        shapes = _stated_shapes(node)
        if not shapes and node.op in _SAME_SHAPE and drawn.inputs:
            source, output = drawn.inputs[0]
            known = view.nodes[source].outputs
            shapes = [known[output].shape] if output < len(known) else []
        count = len(dtypes) if schema is not None else max(len(dtypes), len(shapes))
        return [
            TensorType(dtypes[place] if place < len(dtypes) else "", shapes[place] if place < len(shapes) else None)
            for place in range(count)
        ]

    def _output_dtypes(self, node: Node, schema: Schema | None) -> list[str]:
        dtypes: list[str] = []
        for arg in self._declared(node, schema, "outputs"):
            count = arg_count(arg, node.attrs, schema)
            self._spend(0, count)
            dtypes += _argument_dtypes(arg, node.attrs, schema, count)
        return dtypes

    def _calls(self, node: Node, view: View, drawn: ViewNode) -> dict[str, int]:
        refs = dict(_function_attrs(node.attrs))
        if node.op in self.graph.functions:
            refs["op"] = attr_values.bind(node.op, node.attrs)
        captures = [_capture(view.nodes[source]) for source, _ in drawn.inputs]
        skipped = 1 if node.op in ("If", "StatelessIf", "Case", "StatelessCase") else 0  # the branch's number
        return {
            cut(name): self.view_of(ref, captures[skipped:])
            for name, ref in refs.items()
            if ref.name in self.graph.functions
        }


def _function_attrs(attrs: Mapping[str, AttrValue]) -> Iterator[tuple[str, FunctionRef]]:
    for name in sorted(attrs):
        kind = attrs[name].WhichOneof("value")
        if kind == "func":
            yield name, attr_values.function_ref(attrs[name].func)
        elif kind == "list":
            for place, value in enumerate(attrs[name].list.func):
                yield f"{name}[{place}]", attr_values.function_ref(value)


def _capture(node: ViewNode) -> str:
    """What a variable that a function is called with is named by the caller; nothing for other tensors."""
    is_resource = bool(node.outputs) and node.outputs[0].dtype == "resource"
    return node.note or cut(node.name) if is_resource else ""


def _argument_dtypes(arg: Any, attrs: Mapping[str, AttrValue], schema: Schema | None, count: int) -> list[str]:
    """The dtypes of the `count` tensors of one declared output; empty strings where the attrs do not say them."""
    if arg.type_list_attr:
        listed = attrs[arg.type_list_attr].list.type[:count] if arg.type_list_attr in attrs else []
        return [dtype_text(number) for number in listed] + [""] * (count - len(listed))
    if arg.type_attr:
        default = schema.attrs.get(arg.type_attr, {}).get("default") if schema is not None else None
        return [dtype_text(attrs[arg.type_attr].type) if arg.type_attr in attrs else str(default or "")] * count
    return [arg.type if isinstance(arg.type, str) else dtype_text(arg.type)] * count


def _argument_types(function: FunctionDef, body: Body) -> list[TensorType]:
    """Of a function's arguments, as far as the file says them."""
    types: list[TensorType] = []
    args = function.signature.input_arg
    for index, arg in enumerate(args):
        attrs = function.arg_attr[index].attr if index in function.arg_attr else {}
        shapes = [shape_of(shape) for shape in attrs["_output_shapes"].list.shape] if "_output_shapes" in attrs else []
        types.append(TensorType(dtype_text(arg.type) if arg.type else "", shapes[0] if shapes else None))
    if len(body.inputs) == len(args):
        return types
    return [TensorType("", None)] * len(body.inputs)  # arguments that are lists of tensors


def _stated_shapes(node: Node) -> list[Shape | None]:
    """The shapes of a node's outputs, as far as its attrs say them."""
    attrs = node.attrs
    if "_output_shapes" in attrs and node.op not in _VARIABLES:
        return [shape_of(shape) for shape in attrs["_output_shapes"].list.shape]
    if node.op == "Const" and "value" in attrs:
        return [shape_of(attrs["value"].tensor.tensor_shape)]
    if "shape" in attrs and (node.op in _VARIABLES or node.op.startswith("Placeholder")):
        return [shape_of(attrs["shape"].shape)]
    return []


def _note(node: Node) -> str:
    if node.op == "Const" and "value" in node.attrs:
        return few_values(node.attrs["value"].tensor) or ""
    if node.op in _VARIABLES:
        shared = node.attrs["shared_name"].s.decode("utf-8", "backslashreplace") if "shared_name" in node.attrs else ""
        return cut(shared or node.name)
    return ""
