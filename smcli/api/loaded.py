"""`smcli.load`: a SavedModel as a Python object, as tf.saved_model.load gives it.

    model = smcli.load("model")
    model.signatures["serving_default"](x=np.ones((1, 3), np.float32))
    model.f(x, training=False)

Signatures and functions run in one session, so they share variables and tables.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType, TracebackType
from typing import Any

import numpy as np

from smcli.api.captures import Captures
from smcli.api.functions import (
    Call,
    ConcreteFunction,
    Parameters,
    RestoredFunction,
    Signature,
    bare_arguments,
)
from smcli.api.variables import Variable
from smcli.checkpoint import open_checkpoint
from smcli.errors import InvalidArgumentError, NotFoundError, SmcliError
from smcli.graph.graph import REFERENCE_VARIABLES
from smcli.inputs.feeding import as_fed, check_shape, to_tensor
from smcli.kernels import context
from smcli.kernels.context import Array
from smcli.model import INIT_SIGNATURE, VARIABLES, assets_of, open_session
from smcli.proto.graph_pb2 import GraphDef, NodeDef
from smcli.proto.object_graph_pb2 import SavedObject
from smcli.savedmodel import MetaGraph, read_saved_model
from smcli.savedmodel.structured import decode
from smcli.tensors.types import DataType

_TRAIN_SIGNATURE = "__saved_model_train_op"
_LISTS = frozenset({"trackable_list_wrapper", "trackable_tuple_wrapper"})
_DICTS = frozenset({"trackable_dict_wrapper", "signature_map"})


def load(
    directory: str | os.PathLike[str], tags: str | Sequence[str] | None = None, allow_ops: Sequence[str] = ()
) -> LoadedModel:
    """Loads a SavedModel: restores its variables, fills its tables.

    tags: those of the MetaGraph; not needed when there is only one. allow_ops: ops that may touch files outside of the
    model. Raises SmcliError for a directory, file or tag-set that is not there or broken.
    """
    return LoadedModel(os.fspath(directory), tags, allow_ops)


class TrackableObject:
    """An object of the model. Its attributes are those of the Python object that was saved, as far as they were
    tracked: functions, variables, other objects, lists and dicts of them."""

    def __init__(self, model: LoadedModel, node_id: int) -> None:
        self._model = model
        self._node_id = node_id

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        node_id = self._model._children(self._node_id).get(name)
        if node_id is None:
            known = ", ".join(dir(self))
            raise AttributeError(f"the model has no {name!r} here; it has: {known or 'nothing'}")
        return self._model._object(node_id, name)

    def __dir__(self) -> list[str]:
        return sorted(name for name in self._model._children(self._node_id) if not name.startswith("_"))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the object, where a `__call__` was saved. Raises SmcliError, shown as TypeError, where none was."""
        node_id = self._model._children(self._node_id).get("__call__")
        if node_id is None:
            raise SmcliError("This object of the model can not be called", shown_as="TypeError")
        return self._model._object(node_id, "__call__")(*args, **kwargs)


class GraphView:
    """The main graph of a loaded model, to look at."""

    def __init__(self, graph_def: GraphDef) -> None:
        self._graph_def = graph_def

    @property
    def nodes(self) -> Mapping[str, NodeDef]:
        """Nodes by name."""
        return MappingProxyType({node.name: node for node in self._graph_def.node})

    @property
    def functions(self) -> list[str]:
        """The names of the library's functions."""
        return [function.signature.name for function in self._graph_def.library.function]

    def as_graph_def(self) -> GraphDef:
        """A copy of the GraphDef, with TensorFlow's wire format."""
        copied = GraphDef()
        copied.CopyFrom(self._graph_def)
        return copied


class LoadedModel(TrackableObject):
    """A model that is ready to run. Made by `smcli.load`.

    signatures: callables by key. Thread-safe: runs take turns. Pickling keeps the directory and tags, not the state:
    the copy loads the model anew.
    """

    def __init__(self, directory: str, tags: str | Sequence[str] | None, allow_ops: Sequence[str]) -> None:
        super().__init__(self, 0)
        self._arguments = (directory, tags, tuple(allow_ops))
        self._lock = threading.RLock()
        self._meta_graph = _find(directory, tags)
        self._session = open_session(self._meta_graph, frozenset(allow_ops))
        self._objects: dict[int, Any] = {}
        self._calls = 0
        self._captures_found: Captures | None = None
        hidden = {INIT_SIGNATURE, _TRAIN_SIGNATURE}
        self.signatures: Mapping[str, Signature] = MappingProxyType(
            {
                key: Signature(key, definition, self._run)
                for key, definition in sorted(self._meta_graph.signatures.items())
                if key not in hidden
            }
        )

    @property
    def directory(self) -> str:
        return self._arguments[0]

    @property
    def tags(self) -> list[str]:
        return self._meta_graph.tags

    @property
    def graph(self) -> GraphView:
        return GraphView(self._meta_graph.graph_def())

    @property
    def asset_paths(self) -> list[str]:
        """The files that the model brings along."""
        directory = str(self._meta_graph.directory)
        return [os.path.join(directory, "assets", asset.filename) for asset in assets_of(self._meta_graph)]

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The variables of the model, in the order of the graph. Those without a value are left out."""
        trainable = {
            saved.variable.name: saved.variable.trainable
            for saved in self._meta_graph.object_graph().nodes
            if saved.WhichOneof("kind") == "variable"
        }
        found = []
        for node in list(self._session.graph.nodes.values()):
            if node.op == "VarHandleOp" or node.op in REFERENCE_VARIABLES:
                variable = self._variable(node)
                if variable is not None and variable.value is not None:
                    found.append(Variable(_always(variable), trainable.get(variable.name)))
        return tuple(found)

    def prune(self, feeds: Any, fetches: Any) -> PrunedFunction:
        """A function of any part of the main graph.

        feeds: names of tensors, in order, or a dict of them (then the function takes keyword arguments). fetches: a
        name or nested lists, tuples and dicts of names; the result has the same structure. Raises NotFoundError for a
        name that is not in the graph.
        """
        return PrunedFunction(self, feeds, fetches)

    def __enter__(self) -> LoadedModel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of variables, tables and plans. Calls after this raise SmcliError."""
        with self._lock:
            self._session.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return load, self._arguments

    def __repr__(self) -> str:
        return f"<smcli.LoadedModel {self.directory!r} tags={self.tags} signatures={list(self.signatures)}>"

    def _run(self, fetches: Sequence[str], feeds: Mapping[str, Array]) -> list[Array]:
        with self._lock:
            return self._session.run(fetches, feeds)

    def _variable(self, node: NodeDef) -> context.Variable | None:
        name, container = (
            node.attr[key].s.decode("utf-8", "surrogateescape") if key in node.attr else ""
            for key in ("shared_name", "container")
        )
        found = self._session.resources.find("variable", container, name or node.name)
        return found if isinstance(found, context.Variable) else None

    def _children(self, node_id: int) -> dict[str, int]:
        nodes = self._meta_graph.object_graph().nodes
        if not 0 <= node_id < len(nodes):
            return {}
        return {child.local_name: child.node_id for child in nodes[node_id].children}

    def _object(self, node_id: int, name: str) -> Any:
        with self._lock:
            if node_id not in self._objects:
                nodes = self._meta_graph.object_graph().nodes
                if not 0 <= node_id < len(nodes):
                    raise InvalidArgumentError(f"Object {name!r} is node {node_id} of {len(nodes)}")
                self._objects[node_id] = self._made(node_id, nodes[node_id], name)
            return self._objects[node_id]

    def _made(self, node_id: int, saved: SavedObject, name: str) -> Any:
        match saved.WhichOneof("kind"):
            case "function":
                spec = saved.function.function_spec
                parameters = Parameters.from_spec(decode(spec.fullargspec), spec.is_method)
                traces = [self._trace(trace, ()) for trace in saved.function.concrete_functions]
                return RestoredFunction(name, traces, parameters)
            case "bare_concrete_function":
                bare = saved.bare_concrete_function
                return self._trace(bare.concrete_function_name, tuple(bare.argument_keywords))
            case "variable":
                return self._saved_variable(node_id, saved)
            case "constant":
                return self._run([self._captures().tensor(node_id)], {})[0]
            case "asset":
                return self.asset_paths[saved.asset.asset_file_def_index]
            case "user_object" if saved.user_object.identifier in _LISTS:
                numbered = sorted(
                    (int(key), child) for key, child in self._children(node_id).items() if key.isdecimal()
                )
                items = [self._object(child, str(index)) for index, child in numbered]
                return tuple(items) if saved.user_object.identifier == "trackable_tuple_wrapper" else items
            case "user_object" if saved.user_object.identifier in _DICTS:
                return {key: self._object(child, key) for key, child in self._children(node_id).items()}
        return TrackableObject(self, node_id)

    def _saved_variable(self, node_id: int, saved: SavedObject) -> Variable:
        handle = self._captures().tensor(node_id)
        variable = self._variable(self._session.graph.node_def(handle.partition(":")[0]))
        if variable is None:
            raise NotFoundError(f"Variable {saved.variable.name} has no value")
        return Variable(_always(variable), saved.variable.trainable)

    def _captures(self) -> Captures:
        if self._captures_found is None:
            checkpoint = None
            with suppress(SmcliError):  # a model without variables has no checkpoint
                checkpoint = open_checkpoint(os.path.join(str(self._meta_graph.directory), *VARIABLES))
            self._captures_found = Captures(self._meta_graph, self._session.graph, checkpoint)
        return self._captures_found

    def _trace(self, name: str, keywords: tuple[str, ...]) -> ConcreteFunction:
        objects = self._meta_graph.object_graph()
        function = self._session.graph.functions.get(name)
        if name not in objects.concrete_functions or function is None:
            raise InvalidArgumentError(f"The model has no concrete function {name!r}")
        saved = objects.concrete_functions[name]
        types = [arg.type for arg in function.signature.input_arg]
        if saved.canonicalized_input_signature.WhichOneof("kind") is None:
            arguments: Any = (bare_arguments(keywords, types), {})
        else:
            arguments = decode(saved.canonicalized_input_signature)
        args, kwargs = _pair(arguments, name)
        output = decode(saved.output_signature) if saved.output_signature.WhichOneof("kind") else None
        return ConcreteFunction(name, args, kwargs, output, self._caller(name, list(saved.bound_inputs)))

    def _caller(self, name: str, bound: list[int]) -> Call:
        """A function of flat tensors that calls the library function `name` with its captures."""
        names: tuple[list[str], list[str]] | None = None

        def call(tensors: Sequence[Array]) -> list[Array]:
            nonlocal names
            with self._lock:
                if names is None:
                    names = self._add_call(name, bound)
                feeds, fetches = names
                if len(tensors) != len(feeds):
                    raise InvalidArgumentError(f"{name} takes {len(feeds)} tensors, got {len(tensors)}")
                return self._session.run(fetches, dict(zip(feeds, tensors)))

        return call

    def _add_call(self, name: str, bound: list[int]) -> tuple[list[str], list[str]]:
        """Adds a call of the function to the graph. Returns the tensors to feed and those to fetch."""
        signature = self._session.graph.functions[name].signature
        given = len(signature.input_arg) - len(bound)
        if given < 0:
            raise InvalidArgumentError(f"{name} captures {len(bound)} tensors but takes {len(signature.input_arg)}")
        self._calls += 1
        node = NodeDef(name=f"smcli/call_{self._calls}", op="StatefulPartitionedCall")
        feeds = [f"{node.name}/arg_{position}:0" for position in range(given)]
        node.input.extend(feeds)
        node.input.extend(self._captures().tensor(captured) for captured in bound)
        node.attr["Tin"].list.type.extend(arg.type for arg in signature.input_arg)
        node.attr["Tout"].list.type.extend(arg.type for arg in signature.output_arg)
        node.attr["f"].func.name = name
        self._session.graph.add(node)
        return feeds, [f"{node.name}:{index}" for index in range(len(signature.output_arg))]


class PrunedFunction:
    """A part of a model's graph as a function. Made by `LoadedModel.prune`."""

    def __init__(self, model: LoadedModel, feeds: Any, fetches: Any) -> None:
        self._model = model
        self._feeds: dict[str, str] | list[str]
        if isinstance(feeds, Mapping):
            self._feeds = {key: _tensor_name(name) for key, name in feeds.items()}
        else:
            self._feeds = [_tensor_name(name) for name in _several(feeds)]
        self._fetches = fetches
        self._names = [_tensor_name(name) for name in _flat(fetches)]
        for name in self._names:
            model._session.graph.node_def(name.partition(":")[0])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The fetches, for these values of the feeds. Raises SmcliError, shown as TypeError, for a wrong number."""
        if isinstance(self._feeds, dict):
            wanted, given = self._feeds, kwargs
            if args or set(given) != set(wanted):
                raise SmcliError(f"Takes the keyword arguments {', '.join(sorted(wanted))}", shown_as="TypeError")
            feeds = {name: given[key] for key, name in wanted.items()}
        else:
            if kwargs or len(args) != len(self._feeds):
                raise SmcliError(f"Takes {len(self._feeds)} positional arguments", shown_as="TypeError")
            feeds = dict(zip(self._feeds, args))
        arrays = {name: self._as_fed(name, value) for name, value in feeds.items()}
        return _like(self._fetches, iter(self._model._run(self._names, arrays)))

    def _as_fed(self, name: str, value: Any) -> Array:
        dtype, shape = self._model._session.placeholder(name)
        if dtype is DataType.INVALID:
            return np.asarray(value)
        array = as_fed(value, dtype)
        check_shape(array, name, shape)
        return to_tensor(array, dtype)


def _find(directory: str, tags: str | Sequence[str] | None) -> MetaGraph:
    saved_model = read_saved_model(directory)
    if tags is not None:
        return saved_model.find(tags if isinstance(tags, str) else ",".join(tags))
    if len(saved_model.meta_graphs) != 1:
        present = [",".join(sorted(set(meta_graph.tags))) for meta_graph in saved_model.meta_graphs]
        raise SmcliError(f"The SavedModel has several MetaGraphs; choose by tags: {present}", shown_as="ValueError")
    return saved_model.meta_graphs[0]


def _always(variable: context.Variable) -> Any:
    return lambda: variable


def _pair(arguments: Any, name: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    match arguments:
        case (tuple() as args, dict() as kwargs):
            return args, kwargs
    raise InvalidArgumentError(f"The signature of concrete function {name!r} is not a pair of args and kwargs")


def _tensor_name(name: str) -> str:
    return name if ":" in name else f"{name}:0"


def _several(names: Any) -> Sequence[str]:
    return [names] if isinstance(names, str) else list(names)


def _flat(fetches: Any) -> Iterator[str]:
    if isinstance(fetches, str):
        yield fetches
    elif isinstance(fetches, Mapping):
        for item in fetches.values():
            yield from _flat(item)
    else:
        for item in fetches:
            yield from _flat(item)


def _like(fetches: Any, values: Iterator[Array]) -> Any:
    if isinstance(fetches, str):
        return next(values)
    if isinstance(fetches, Mapping):
        return {key: _like(item, values) for key, item in fetches.items()}
    return type(fetches)([_like(item, values) for item in fetches])
