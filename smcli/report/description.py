"""A SavedModel as plain data, for `show --format json` and `--format table`; docs/show.schema.json says its form."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from smcli.errors import SmcliError
from smcli.report.tables import Table, write
from smcli.savedmodel.functions import root_functions
from smcli.savedmodel.ops import used_ops
from smcli.tensors.types import from_number

if TYPE_CHECKING:
    from smcli.proto.saved_model_pb2 import SignatureDef, TensorInfo
    from smcli.savedmodel.meta_graph import MetaGraph

VERSION = 1  # of the form; grows when a field changes its meaning


def description(graphs: Sequence[MetaGraph], signature: str | None) -> dict[str, Any]:
    """All that show can say of these MetaGraphs. signature: describe only this one; None for all."""
    return {"version": VERSION, "meta_graphs": [_meta_graph(graph, signature) for graph in graphs]}


def _meta_graph(graph: MetaGraph, signature: str | None) -> dict[str, Any]:
    keys = sorted(graph.signatures) if signature is None else [signature]
    return {
        "tags": list(graph.tags),
        "tensorflow_version": graph.meta_info.tensorflow_version,
        "signatures": {key: _signature(graph.signatures[key]) for key in keys},
        "ops": sorted(used_ops(graph.graph_def())),
        "functions": _functions(graph),
    }


def _signature(signature: SignatureDef) -> dict[str, Any]:
    return {
        "method_name": signature.method_name,
        "inputs": {key: _tensor(info) for key, info in sorted(signature.inputs.items())},
        "outputs": {key: _tensor(info) for key, info in sorted(signature.outputs.items())},
    }


def _tensor(info: TensorInfo) -> dict[str, Any]:
    """shape: null for an unknown rank, with null for unknown dims. name: null for composite tensors."""
    try:
        dtype = from_number(info.dtype).tf_name
    except ValueError:
        dtype = f"unknown ({info.dtype})"
    dims = [None if dim.size < 0 else dim.size for dim in info.tensor_shape.dim]
    return {
        "name": info.name if info.WhichOneof("encoding") == "name" else None,
        "dtype": dtype,
        "shape": None if info.tensor_shape.unknown_rank else dims,
    }


def _functions(graph: MetaGraph) -> list[dict[str, Any]] | None:
    """None where the model keeps none or they can not be decoded."""
    try:
        functions = root_functions(graph)
    except SmcliError:
        return None
    return [
        {
            "name": function.name,
            "traces": [
                {"args": [repr(arg) for arg in trace.args], "kwargs": {k: repr(v) for k, v in trace.kwargs.items()}}
                for trace in function.concrete_functions
            ],
        }
        for function in functions
    ]


def write_tables(described: dict[str, Any]) -> None:
    """Writes a description as tables, drawn ones on a terminal."""
    for graph in described["meta_graphs"]:
        sys.stdout.write(f"MetaGraph {', '.join(graph['tags']) or '(no tags)'}, ")
        sys.stdout.write(f"written by TensorFlow {graph['tensorflow_version'] or 'of unknown version'}\n\n")
        for table in _tables(graph):
            write(table)
            sys.stdout.write("\n")


def _tables(graph: dict[str, Any]) -> Iterator[Table]:
    for key, signature in graph["signatures"].items():
        rows = [
            [kind, name, tensor["dtype"], _shape_text(tensor["shape"]), tensor["name"]]
            for kind, tensors in (("input", signature["inputs"]), ("output", signature["outputs"]))
            for name, tensor in tensors.items()
        ]
        yield Table(f"Signature {key}", ["", "key", "dtype", "shape", "tensor"], rows)
    for function in graph["functions"] or ():
        traces = [[", ".join([*trace["args"], *_named(trace["kwargs"])])] for trace in function["traces"]]
        yield Table(f"Function {function['name']}", ["traces"], traces)
    yield Table(f"{len(graph['ops'])} ops", [""], [[", ".join(graph["ops"])]])


def _named(kwargs: dict[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in kwargs.items()]


def _shape_text(shape: list[int | None] | None) -> str:
    return "unknown" if shape is None else "[" + ", ".join("?" if dim is None else str(dim) for dim in shape) + "]"
