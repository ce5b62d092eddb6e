"""Reading SavedModel directories: which file counts, how little is decoded, what is refused."""

from __future__ import annotations

import os
import shutil
import tracemalloc
from pathlib import Path

import pytest

from smcli.errors import SmcliError
from smcli.proto.saved_model_pb2 import MetaGraphDef
from smcli.proto.saved_model_pb2 import SavedModel as SavedModelProto
from smcli.savedmodel import read_saved_model
from smcli.savedmodel.meta_graph import find_signature, split_items
from smcli.savedmodel.wire import written_varint

MODELS = Path(__file__).resolve().parents[2] / "fixtures" / "golden" / "models"


def _write(directory: Path, *tag_sets: list[str]) -> Path:
    model = SavedModelProto()
    for tags in tag_sets:
        model.meta_graphs.add(meta_info_def=MetaGraphDef.MetaInfoDef(tags=tags))
    directory.mkdir(exist_ok=True)
    (directory / "saved_model.pb").write_bytes(model.SerializeToString())
    return directory


def test_parts_of_a_meta_graph() -> None:
    [graph] = read_saved_model(MODELS / "half_plus_two").meta_graphs
    assert graph.tags == ["serve"]
    assert "regress_x_to_y" in graph.signatures
    assert graph.directory == str(MODELS / "half_plus_two")
    assert graph.saver_def is not None and graph.saver_def.restore_op_name
    assert len(graph.graph_def().node) > 10
    assert graph.graph_def() is graph.graph_def()
    assert not graph.has_object_graph and not graph.object_graph().nodes


def test_assets_and_collections() -> None:
    [graph] = read_saved_model(MODELS / "table_tf2").meta_graphs
    assert [asset.filename for asset in graph.asset_file_defs] == ["_vocab2.txt"]
    assert graph.has_object_graph
    assert "saved_model_assets" in read_saved_model(MODELS / "table_tf1").meta_graphs[0].collections


def test_pb_is_read_before_pbtxt_and_pbtxt_before_cpb(tmp_path: Path) -> None:
    _write(tmp_path, ["from_pb"])
    (tmp_path / "saved_model.pbtxt").write_text('meta_graphs { meta_info_def { tags: "from_text" } }')
    (tmp_path / "saved_model.cpb").write_bytes(b"not riegeli")
    assert read_saved_model(tmp_path).meta_graphs[0].tags == ["from_pb"]
    (tmp_path / "saved_model.pb").unlink()
    assert read_saved_model(tmp_path).meta_graphs[0].tags == ["from_text"]
    (tmp_path / "saved_model.pbtxt").unlink()
    with pytest.raises(SmcliError, match=r"saved_model\.cpb"):
        read_saved_model(tmp_path)


def test_text_may_have_fields_that_smcli_does_not_read(tmp_path: Path) -> None:
    text = 'meta_graphs { graph_def { node { name: "n" op: "NoOp" experimental_type { type_id: TFT_TENSOR } } } }'
    (tmp_path / "saved_model.pbtxt").write_text(text)
    assert read_saved_model(tmp_path).meta_graphs[0].graph_def().node[0].op == "NoOp"


def test_parts_of_a_split_message_field_are_merged(tmp_path: Path) -> None:
    def part(**fields: object) -> bytes:
        return MetaGraphDef(**fields).SerializeToString()  # type: ignore[arg-type]

    first = part(meta_info_def={"tags": ["a"]}, graph_def={"node": [{"name": "x"}]})
    second = part(meta_info_def={"tags": ["b"]}, graph_def={"node": [{"name": "y"}]})
    graph = first + second
    (tmp_path / "saved_model.pb").write_bytes(b"\x12" + bytes([len(graph)]) + graph)
    [read] = read_saved_model(tmp_path).meta_graphs
    assert read.tags == ["a", "b"]
    assert [node.name for node in read.graph_def().node] == ["x", "y"]


def test_signatures_of_a_large_file_take_little_memory(tmp_path: Path) -> None:
    signature = MetaGraphDef(meta_info_def={"tags": ["serve"]})  # type: ignore[arg-type]
    signature.signature_def["s"].method_name = "m"
    small = signature.SerializeToString()
    hole = 2**31  # bytes of graph_def, which the file system need not store
    length = 1 + 5 + hole + len(small)
    head = b"\x12" + written_varint(length) + b"\x12" + written_varint(hole)
    assert len(written_varint(hole)) == 5
    file = tmp_path / "saved_model.pb"
    with open(file, "wb") as out:
        out.write(head)
        out.truncate(len(head) + hole)
        out.seek(0, os.SEEK_END)
        out.write(small)
    tracemalloc.start()
    try:
        [graph] = read_saved_model(tmp_path).meta_graphs
        assert find_signature(graph, "s").method_name == "m"
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("asked", "found"),
    [("serve", 0), ("gpu,serve", 1), ("serve,gpu", 1), (",,serve,,", 0), ("serve,serve", 0), ("train", 2), ("", 3)],
)
def test_tag_sets(tmp_path: Path, asked: str, found: int) -> None:
    model = read_saved_model(_write(tmp_path, ["serve"], ["serve", "gpu"], ["train"], []))
    assert model.find(asked) is model.meta_graphs[found]


@pytest.mark.parametrize("asked", [" serve", "gpu", "SERVE", "serve gpu", "serve,gpu,x"])
def test_tag_sets_that_are_not_there(tmp_path: Path, asked: str) -> None:
    model = read_saved_model(_write(tmp_path, ["serve"], ["serve", "gpu"]))
    with pytest.raises(SmcliError) as error:
        model.find(asked)
    assert error.value.message == (
        f"MetaGraphDef associated with tag-set {asked} could not be found in the SavedModel. "
        "Please use one of the following tag-sets: ['serve', 'gpu,serve']"
    )


def test_find_signature_adds_none() -> None:
    [graph] = read_saved_model(MODELS / "simple_save").meta_graphs
    with pytest.raises(SmcliError, match=r'Could not find signature "x"\. Please choose from: serving_default'):
        find_signature(graph, "x")
    assert list(graph.signatures) == ["serving_default"]


def test_split_items() -> None:
    assert split_items(" a ,,b c, ", "tag_set") == ["a", "b c"]
    with pytest.raises(SmcliError, match=r"tag_set must contain at least one non-empty item\."):
        split_items(" , ", "tag_set")


def test_missing_directory_and_its_hints(tmp_path: Path) -> None:
    with pytest.raises(SmcliError, match="SavedModel file does not exist at: ") as error:
        read_saved_model(tmp_path / "nope")
    assert error.value.hint is None
    _write(tmp_path / "1", ["serve"])
    with pytest.raises(SmcliError) as error:
        read_saved_model(tmp_path)
    assert error.value.hint is not None and error.value.hint.endswith("subdirectories: 1")
    with pytest.raises(SmcliError) as error:
        read_saved_model(tmp_path / "1" / "saved_model.pb")
    assert error.value.hint is not None and "is a file" in error.value.hint


def test_things_that_are_not_files_are_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").mkdir()
    with pytest.raises(SmcliError, match="Is a directory"):
        read_saved_model(tmp_path)
    (tmp_path / "saved_model.pb").rmdir()
    os.mkfifo(tmp_path / "saved_model.pb")
    with pytest.raises(SmcliError, match="not a regular file"):
        read_saved_model(tmp_path)
    (tmp_path / "saved_model.pb").unlink()
    (tmp_path / "saved_model.pb").symlink_to("nowhere")
    with pytest.raises(SmcliError, match="No such file"):
        read_saved_model(tmp_path)


@pytest.mark.parametrize("name", ["simple_save", "tf2_sigs"])
def test_truncated_files_are_refused_or_shorter(tmp_path: Path, name: str) -> None:
    shutil.copy(MODELS / name / "saved_model.pb", tmp_path)
    data = (tmp_path / "saved_model.pb").read_bytes()
    for length in range(0, len(data), 7):
        (tmp_path / "saved_model.pb").write_bytes(data[:length])
        if length < 3:
            continue
        with pytest.raises(SmcliError, match=r"Cannot parse proto file .*: Wire format was corrupt"):
            read_saved_model(tmp_path)


def test_flipped_bits_never_escape_as_other_errors(tmp_path: Path) -> None:
    data = bytearray((MODELS / "fn_order" / "saved_model.pb").read_bytes())
    from smcli.report.functions import functions_text
    from smcli.savedmodel.functions import root_functions

    for place in range(0, len(data), 5):
        data[place] ^= 1 << place % 8
        (tmp_path / "saved_model.pb").write_bytes(data)
        data[place] ^= 1 << place % 8
        try:
            for graph in read_saved_model(tmp_path).meta_graphs:
                graph.graph_def()
                functions_text(root_functions(graph))
        except SmcliError:
            pass
