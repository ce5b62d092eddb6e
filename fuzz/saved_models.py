"""Fuzz targets of a SavedModel's own files: saved_model.pb and .pbtxt, fingerprint.pb, and the protos inside."""

from __future__ import annotations

import contextlib
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

from google.protobuf import text_format
from google.protobuf.message import DecodeError

from fuzz.registry import folder, target
from smcli.analysis.difference import of_graphs
from smcli.analysis.model_graph import whole_graph
from smcli.errors import SmcliError
from smcli.proto.object_graph_pb2 import SavedObjectGraph
from smcli.proto.saved_model_pb2 import SavedModel
from smcli.proto.tensor_pb2 import TensorProto
from smcli.report import functions as function_report
from smcli.report import show
from smcli.report.dot import dot_text
from smcli.report.page import page_text
from smcli.report.svg import svg_text
from smcli.savedmodel import MetaGraph, read_saved_model, structured
from smcli.savedmodel.fingerprint import read_fingerprint
from smcli.savedmodel.functions import root_functions
from smcli.savedmodel.ops import used_ops
from smcli.savedmodel.wire import written_varint
from smcli.tensors import wire
from tests.recorded import read

FIXTURES = Path(__file__).parents[1] / "fixtures"
_SMALL = 30_000


def _model_seeds() -> list[bytes]:
    found = [*FIXTURES.glob("models/*/saved_model.pb"), *FIXTURES.glob("golden/models/*/saved_model.pb")]
    return [path.read_bytes() for path in sorted(found) if path.stat().st_size < _SMALL]


def show_everything(directory: Path) -> None:
    """What `show --all` and `scan` do."""
    for graph in read_saved_model(directory).meta_graphs:
        show.tag_sets_text([graph.tags])
        for signature in graph.signatures.values():
            "".join(show.signature_lines(signature))
        used_ops(graph.graph_def())
        function_report.functions_text(root_functions(graph))


@target("saved_model", _model_seeds)
def saved_model(data: bytes) -> None:
    with folder() as path:
        (path / "saved_model.pb").write_bytes(data)
        show_everything(path)


@target("pictures", _model_seeds)
def pictures(data: bytes) -> None:
    """What `graph` draws of a model, and what `diff` says of it and another."""
    with folder() as path:
        (path / "saved_model.pb").write_bytes(data)
        for graph in read_saved_model(path).meta_graphs[:2]:
            of_graphs(graph, MetaGraph(memoryview(_bare_graph()), 0, len(_bare_graph()), "fuzz"))
            found = whole_graph(graph, 2000)
            view = found.views[found.first_path()[-1]]
            ElementTree.fromstring(svg_text(found.title, view, len(data) % 4))
            dot_text(found.title, view)
            page_text(found)


def _text_seeds() -> list[bytes]:
    seeds = []
    for seed in _model_seeds():
        with contextlib.suppress(DecodeError):  # some of the golden models are damaged
            seeds.append(text_format.MessageToString(SavedModel.FromString(seed)).encode())
    return [seed for seed in seeds if len(seed) < _SMALL]


@target("saved_model_text", _text_seeds)
def saved_model_text(data: bytes) -> None:
    with folder() as path:
        (path / "saved_model.pbtxt").write_bytes(data)
        show_everything(path)


def _object_graph_seeds() -> list[bytes]:
    seeds = []
    for path in sorted(FIXTURES.glob("models/*")):
        try:
            graphs = read_saved_model(path).meta_graphs
        except SmcliError:
            continue
        seeds += [graph.object_graph().SerializeToString() for graph in graphs if graph.has_object_graph]
    return [seed for seed in seeds if len(seed) < _SMALL]


@cache
def _bare_graph() -> bytes:
    model = SavedModel()
    model.meta_graphs.add().meta_info_def.tags.append("t")
    return model.meta_graphs[0].SerializeToString()


@target("object_graph", _object_graph_seeds)
def object_graph(data: bytes) -> None:
    """The functions, and the arguments that they were traced for."""
    try:
        SavedObjectGraph.FromString(data)
    except DecodeError:
        return
    whole = _bare_graph() + b"\x3a" + written_varint(len(data)) + data
    graph = MetaGraph(memoryview(whole), 0, len(whole), "fuzz")
    function_report.functions_text(root_functions(graph))
    for item in graph.object_graph().nodes:
        if item.function.function_spec.HasField("fullargspec"):
            structured.decode(item.function.function_spec.fullargspec)


def _fingerprint_seeds() -> list[bytes]:
    return [path.read_bytes() for path in sorted(FIXTURES.glob("models/*/fingerprint.pb"))[:8]]


@target("fingerprint", _fingerprint_seeds)
def fingerprint(data: bytes) -> None:
    with folder() as path:
        (path / "fingerprint.pb").write_bytes(data)
        read_fingerprint(str(path))


def _tensor_seeds() -> list[bytes]:
    from smcli.proto.graph_pb2 import GraphDef

    seeds = set()
    for family in ("array", "cast", "serialization"):
        for row in list(read(family).values())[:200]:
            for node in GraphDef.FromString(row.graph).node:
                if node.op == "Const":
                    seeds.add(node.attr["value"].tensor.SerializeToString())
    for shape, field in ((2, "float_val"), (3, "half_val"), (1, "string_val")):
        proto = TensorProto(dtype={"float_val": 1, "half_val": 19, "string_val": 7}[field])  # type: ignore[arg-type]
        proto.tensor_shape.dim.add(size=shape)
        getattr(proto, field).append(b"ab" if field == "string_val" else 1)
        seeds.add(proto.SerializeToString())
    return sorted(seed for seed in seeds if len(seed) < 500)


@target("tensor_proto", _tensor_seeds)
def tensor_proto(data: bytes) -> None:
    try:
        proto = TensorProto.FromString(data)
    except DecodeError:
        return
    size = 1
    for dim in proto.tensor_shape.dim:
        size *= max(dim.size, 0)
    if size < 2**24 or size > 2**33:  # one value may fill a large array, which only takes time
        wire.from_proto(proto)
