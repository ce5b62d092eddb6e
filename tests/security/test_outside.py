"""What a model may reach outside of itself: nothing, unless an op is allowed by name."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from smcli.analysis.check import Golden, _folder
from smcli.errors import PermissionDeniedError, SmcliError, UnsupportedOpsError
from smcli.graph.outside import ALLOWED_BY_NAME, OUTSIDE_OPS, REFUSED, REFUSED_WITH_A_FILE, WITHOUT_KERNEL
from smcli.graph.schema import find_schema
from smcli.kernels.index import MODULE_OF_OP
from smcli.model import ModelFiles
from smcli.proto.graph_pb2 import AttrValue, GraphDef, NodeDef
from smcli.proto.saved_model_pb2 import SavedModel
from smcli.runtime.session import Session
from smcli.savedmodel import read_saved_model
from smcli.savedmodel.reach import nodes_using
from smcli.tensors.types import DataType
from tests.cases.protos import descriptors
from tests.graphs import const, func, function, node, types
from tests.security import models

STRING = DataType.STRING


def text(name: str, value: bytes) -> NodeDef:
    return node(name, "Const", dtype=STRING, value=np.array(value, object))


def test_the_table_is_of_ops_that_there_are() -> None:
    assert [op for op in OUTSIDE_OPS if find_schema(op) is None] == []
    assert len(OUTSIDE_OPS) == sum(map(len, (ALLOWED_BY_NAME, REFUSED, REFUSED_WITH_A_FILE, WITHOUT_KERNEL)))
    assert {*ALLOWED_BY_NAME, *REFUSED, *REFUSED_WITH_A_FILE} <= set(MODULE_OF_OP)
    # Whoever writes a kernel for one of these has to say when it may run.
    assert set(WITHOUT_KERNEL) & set(MODULE_OF_OP) == set()


@pytest.mark.parametrize("op", sorted(set(ALLOWED_BY_NAME) - {"DecodeProtoV2", "EncodeProto"}))
def test_ops_run_when_they_are_allowed_by_name(tmp_path: Path, op: str) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"content")
    inputs = {"ReadFile": [bytes(path)], "WriteFile": [bytes(path), b"new"], "MatchingFiles": [bytes(tmp_path / "*")]}[
        op
    ]
    nodes = [*(text(f"c{i}", value) for i, value in enumerate(inputs))]
    nodes.append(node("y", op, *[one.name for one in nodes]))
    files = ModelFiles(tmp_path / "model")
    fetches, targets = ([], ["y"]) if op == "WriteFile" else (["y:0"], [])
    graph = GraphDef(node=nodes)
    with pytest.raises(PermissionDeniedError, match=f"--allow_ops {op}"):
        Session.from_graph_def(graph, files).run(fetches, {}, targets)
    assert path.read_bytes() == b"content"
    from smcli.graph.graph import Graph

    Session(Graph(graph), files, frozenset({op})).run(fetches, {}, targets)
    assert path.read_bytes() == (b"new" if op == "WriteFile" else b"content")


def test_tables_are_filled_from_elsewhere_when_allowed(tmp_path: Path) -> None:
    from smcli.graph.graph import Graph

    op = "InitializeTableFromTextFileV2"
    path = tmp_path / "words"
    path.write_bytes(b"a\nb\n")
    graph = GraphDef(node=[
        node("t", "HashTableV2", key_dtype=STRING, value_dtype=DataType.INT64, shared_name="t"),
        text("file", bytes(path)),
        node("fill", op, "t", "file", key_index=-2, value_index=-1),
        text("key", b"b"),
        const("other", -1, np.int64),
        node("y", "LookupTableFindV2", "t", "key", "other", Tin=STRING, Tout=DataType.INT64),
    ])  # fmt: skip
    files = ModelFiles(tmp_path / "model")
    with pytest.raises(PermissionDeniedError, match=f"is refused; --allow_ops {op} lets it run"):
        Session.from_graph_def(graph, files).run([], {}, ["fill"])
    session = Session(Graph(graph), files, frozenset({op}))
    session.run([], {}, ["fill"])
    assert session.run(["y:0"]) == [1]


@pytest.mark.parametrize(("op", "folder"), [("DecodeProtoV2", "elsewhere"), ("EncodeProto", "model/assets")])
def test_descriptors_are_read_from_assets_and_from_elsewhere_when_allowed(tmp_path: Path, op: str, folder: str) -> None:
    from smcli.graph.graph import Graph

    path = tmp_path / folder / "types.pb"
    path.parent.mkdir(parents=True)
    path.write_bytes(descriptors().SerializeToString())
    fields = AttrValue()
    fields.list.s.append(b"int32_v")
    names = {"field_names": fields, "message_type": "t.All", "descriptor_source": str(path)}
    graph = GraphDef(node=[
        text("serialized", b"\x28\x07"),
        node("sizes", "Const", dtype=DataType.INT32, value=np.array([[1]], np.int32)),
        node("values", "Const", dtype=DataType.INT32, value=np.array([[7]], np.int32)),
        node("DecodeProtoV2", "DecodeProtoV2", "serialized", output_types=types(DataType.INT32), **names),
        node("EncodeProto", "EncodeProto", "sizes", "values", Tinput_types=types(DataType.INT32), **names),
    ])  # fmt: skip
    files = ModelFiles(tmp_path / "model")
    if folder == "elsewhere":
        with pytest.raises(PermissionDeniedError, match=f"--allow_ops {op}"):
            Session.from_graph_def(graph, files).run([op], {})
        session = Session(Graph(graph), files, frozenset({op}))
    else:
        session = Session.from_graph_def(graph, files)
    assert session.run([op], {})[0].tolist() == ([1] if op == "DecodeProtoV2" else [b"\x28\x07"])


def test_datasets_are_not_cached_in_files(tmp_path: Path) -> None:
    shape = AttrValue()
    shape.list.shape.add()
    kind = {"output_types": types(DataType.INT64), "output_shapes": shape}
    numbers = {name: node(name, "Const", dtype=DataType.INT64, value=np.array(v)) for name, v in (("a", 0), ("b", 3))}
    graph = GraphDef(node=[
        *numbers.values(),
        text("filename", bytes(tmp_path / "cache")),
        node("range", "RangeDataset", "a", "b", "b", **kind),
        node("cache", "CacheDataset", "range", "filename", **kind),
        node("y", "DatasetToSingleElement", "cache", **kind),
    ])  # fmt: skip
    with pytest.raises(PermissionDeniedError, match="cached in a file"):
        Session.from_graph_def(graph, ModelFiles(tmp_path)).run(["y"], {})
    assert list(tmp_path.iterdir()) == []
    graph.node[2].attr["value"].tensor.string_val[0] = b""
    assert Session.from_graph_def(graph, ModelFiles(tmp_path)).run(["y"], {})[0] == 0


@pytest.mark.parametrize("op", sorted({**REFUSED, **WITHOUT_KERNEL}))
def test_other_ops_never_run(op: str) -> None:
    schema = find_schema(op)
    assert schema is not None
    made = node("y", op)
    error = (PermissionDeniedError, UnsupportedOpsError, SmcliError)
    with pytest.raises(error):
        Session.from_graph_def(GraphDef(node=[made])).run([], {}, ["y"])


def with_a_write(directory: Path) -> Path:
    """ReadFile in the main graph; WriteFile in the branch of an If, where the original's scan does not look."""
    write = function(
        "branch",
        {"x": DataType.FLOAT},
        {"r": (DataType.FLOAT, "x")},
        text("name", bytes(directory / "written")),
        text("data", b"data"),
        node("hidden", "WriteFile", "name:output:0", "data:output:0"),
    )
    write.control_ret["hidden"] = "hidden"
    write.signature.control_output.append("hidden")
    nodes = [
        const("c", 1.0),
        text("passwd", b"/etc/passwd"),
        node("read", "ReadFile", "passwd"),
        node(
            "choice", "If", "c", "c", "^read",
            Tcond=DataType.FLOAT, Tin=models.ONE, Tout=models.ONE,
            then_branch=func("branch"), else_branch=func("branch"),
        ),
        node("unused", "ReadFile", "passwd"),
    ]  # fmt: skip
    return models.write_model(directory, nodes, "choice:0", [write])


def test_scan_names_the_nodes_whose_ops_run_refuses(tmp_path: Path) -> None:
    directory = with_a_write(tmp_path)
    graph = read_saved_model(directory).meta_graphs[0]
    assert nodes_using(graph, OUTSIDE_OPS) == {"ReadFile": ["read"], "WriteFile": ["branch/hidden"]}
    done = models.smcli("scan", "--dir", str(directory))
    assert done.stdout == "MetaGraph with tag set ['serve'] contains the following denylisted ops: {'ReadFile'}\n"
    assert done.stderr == (
        "ReadFile reads any file: read (--allow_ops ReadFile lets it run)\n"
        "WriteFile writes any file: branch/hidden (--allow_ops WriteFile lets it run)\n"
    )
    refused = models.run_model(directory)
    assert "PermissionDeniedError: ReadFile" in models.last_line(refused)
    refused = models.run_model(directory, "--allow_ops", "ReadFile")
    assert "PermissionDeniedError: WriteFile" in models.last_line(refused)
    assert not (directory / "written").exists()
    assert models.run_model(directory, "--allow_ops", "ReadFile,WriteFile").returncode == 0
    assert (directory / "written").read_bytes() == b"data"


def with_sources(op: str, source: str) -> GraphDef:
    """One node, `y`, of an op that reaches outside when it names a file."""
    shape = AttrValue()
    shape.list.shape.add()
    kind = {"output_types": types(DataType.INT64), "output_shapes": shape}
    if op == "PrintV2":
        return GraphDef(node=[text("t", b"said"), node("y", op, "t", output_stream=source)])
    if op.startswith("CacheDataset"):
        numbers = [node(name, "Const", dtype=DataType.INT64, value=np.array(i)) for i, name in enumerate("ab")]
        made = node("y", op, "range", "file", *["memory"] * op.endswith("V2"), **kind)
        more = [node("memory", "DummyMemoryCache")] if op.endswith("V2") else []
        ranged = node("range", "RangeDataset", "a", "b", "b", **kind)
        return GraphDef(node=[*numbers, text("file", source.encode()), ranged, *more, made])
    fields = AttrValue()
    fields.list.s.append(b"dtype")
    names = {"field_names": fields, "message_type": "tensorflow.TensorProto", "descriptor_source": source}
    if op == "DecodeProtoV2":
        return GraphDef(node=[text("t", b""), node("y", op, "t", output_types=types(DataType.INT32), **names)])
    ones = [node(name, "Const", dtype=DataType.INT32, value=np.array([[1]], np.int32)) for name in ("sizes", "v")]
    return GraphDef(node=[*ones, node("y", op, "sizes", "v", Tinput_types=types(DataType.INT32), **names)])


@pytest.mark.parametrize(
    ("op", "inside", "outside"),
    [
        ("PrintV2", "stderr", "file:///tmp/x"),
        ("DecodeProtoV2", "local://", "/etc/passwd"),
        ("EncodeProto", "local://", "file:///etc/passwd"),
        ("CacheDataset", "", "/tmp/x"),
        ("CacheDatasetV2", "", "/tmp/x"),
    ],
)
def test_scan_names_what_names_a_file(tmp_path: Path, op: str, inside: str, outside: str) -> None:
    """As `run` does: nothing without a file, refused with one."""
    output = "y" if op == "PrintV2" else "y:0"
    for source, wanted in ((inside, {}), (outside, {op: ["y"]})):
        graph = with_sources(op, source)
        directory = models.write_model(tmp_path / str(bool(wanted)), graph.node, output)
        assert nodes_using(read_saved_model(directory).meta_graphs[0], OUTSIDE_OPS) == wanted
        session = Session.from_graph_def(graph, ModelFiles(directory))
        fetches, targets = ([], ["y"]) if op == "PrintV2" else (["y:0"], [])
        if wanted:
            with pytest.raises(PermissionDeniedError):
                session.run(fetches, {}, targets)
        else:
            session.run(fetches, {}, targets)


@pytest.mark.parametrize("kind", ["coo_sparse", "composite_tensor"])
def test_scan_looks_behind_outputs_of_several_tensors(tmp_path: Path, kind: str) -> None:
    directory = models.write_model(tmp_path, [text("c", b"/etc/passwd"), node("read", "ReadFile", "c")], "c:0")
    model = SavedModel.FromString((directory / "saved_model.pb").read_bytes())
    output = model.meta_graphs[0].signature_def["s"].outputs["y"]
    if kind == "coo_sparse":
        output.coo_sparse.values_tensor_name = "read:0"
    else:
        output.composite_tensor.components.add(name="read:0")
    (directory / "saved_model.pb").write_bytes(model.SerializeToString())
    assert nodes_using(read_saved_model(directory).meta_graphs[0], OUTSIDE_OPS) == {"ReadFile": ["read"]}


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "assets/../../x", "assets/link", "assets/\0"])
def test_assets_stay_in_the_model(tmp_path: Path, path: str) -> None:
    model = tmp_path / "m"
    (model / "assets").mkdir(parents=True)
    (tmp_path / "x").write_text("secret")
    (model / "assets" / "link").symlink_to(tmp_path / "x")
    (model / "assets" / "good").write_text("good")
    files = ModelFiles(model)
    assert files.read_bytes(os.fsencode(model / "assets" / "good")) == b"good"
    with pytest.raises(PermissionDeniedError, match="outside of the SavedModel"):
        files.read_bytes(os.path.join(os.fsencode(model), path.encode()))
    with pytest.raises(SmcliError):
        files.open_checkpoint(os.path.join(os.fsencode(model), path.encode()))


@pytest.mark.parametrize("key", ["..", ".", "", "../..", "/etc", "a\0b", "plain"])
def test_recorded_answers_stay_in_their_folder(key: str) -> None:
    golden = Golden("/g", False, 0.0, 0.0)
    folder = os.path.normpath(_folder(golden, key, "inputs"))
    assert folder.startswith("/g/") and folder.count("/") == 3
