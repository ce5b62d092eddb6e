"""Each file of a small SavedModel cut short at every byte, and with one bit flipped at every byte: the right answer,
or a clear error."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from smcli.errors import SmcliError
from smcli.graph.graph import Graph
from smcli.model import open_session
from smcli.proto.saved_model_pb2 import SavedModel
from smcli.savedmodel import read_saved_model
from smcli.savedmodel.meta_graph import find_signature

MODEL = Path(__file__).resolve().parents[2] / "fixtures" / "golden" / "models" / "pb_and_pbtxt"
X = np.ones((1, 3), np.float32)


def small_model(directory: Path) -> None:
    """MODEL with what its signature needs alone: one bit of each byte is flipped, so each byte costs a run."""
    model = SavedModel.FromString((MODEL / "saved_model.pb").read_bytes())
    graph = model.meta_graphs[0]
    graph.meta_info_def.ClearField("stripped_op_list")
    signature = graph.signature_def["serving_default"]
    whole = Graph(graph.graph_def)
    fetches = [info.name for info in signature.outputs.values()]
    feeds = [info.name for info in signature.inputs.values()] + [graph.saver_def.filename_tensor_name]
    needed = {node.name for node in whole.body(fetches, (), [graph.saver_def.restore_op_name]).nodes}
    needed |= {feed.partition(":")[0] for feed in feeds}
    kept = [node for node in graph.graph_def.node if node.name in needed]
    for node in kept:
        for name in [name for name in node.attr if name.startswith("_")]:
            del node.attr[name]
    del graph.graph_def.node[:]
    graph.graph_def.node.extend(kept)
    (directory / "saved_model.pb").write_bytes(model.SerializeToString())


def answer(directory: Path) -> list[np.ndarray]:
    meta_graph = read_saved_model(directory).find("serve")
    signature = find_signature(meta_graph, "serving_default")
    session = open_session(meta_graph)
    names = [signature.outputs[key].name for key in sorted(signature.outputs)]
    feeds = {info.name: X if key == "x" else np.float32(2) for key, info in signature.inputs.items()}
    return session.run(names, feeds)


def damaged(data: bytes) -> Iterator[tuple[str, bytes]]:
    for place in range(len(data)):
        yield f"cut at {place}", data[:place]
        flipped = bytearray(data)
        flipped[place] ^= 1 << place % 8
        yield f"bit flipped at {place}", bytes(flipped)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    shutil.copytree(MODEL / "variables", tmp_path / "m" / "variables")
    small_model(tmp_path / "m")
    return tmp_path / "m"


@pytest.mark.parametrize(
    "name", ["saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"]
)
def test_a_damaged_file(model: Path, name: str) -> None:
    warnings.simplefilter("ignore")
    right = answer(model)
    whole = (model / name).read_bytes()
    answered = refused = 0
    for _, data in damaged(whole):
        (model / name).write_bytes(data)
        try:
            answer(model)  # a flipped bit of a constant, or of a name, is another model
            answered += 1
        except SmcliError as error:
            assert error.message
            refused += 1
    assert refused > len(whole), "damage is not seen"
    (model / name).write_bytes(whole)
    for got, want in zip(answer(model), right):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("name", ["variables/variables.index", "variables/variables.data-00000-of-00001"])
def test_what_has_checksums_never_answers_wrongly(model: Path, name: str) -> None:
    right = answer(model)
    for what, data in damaged((model / name).read_bytes()):
        (model / name).write_bytes(data)
        try:
            got = answer(model)
        except SmcliError as error:
            assert "variables" in error.message, what
        else:
            for a, b in zip(got, right):
                np.testing.assert_array_equal(a, b, err_msg=what)


@pytest.mark.parametrize(
    "missing", ["saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"]
)
def test_a_missing_file_is_named(model: Path, missing: str) -> None:
    (model / missing).unlink()
    with pytest.raises(SmcliError) as raised:
        answer(model)
    assert "variables" in raised.value.message or str(model) in raised.value.message
