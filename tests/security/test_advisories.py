"""TensorFlow's security advisories, rebuilt: each answers with an error or with the right answer, and nothing else.

Most are rows of tests/cases/advisories.py, whose answers of TensorFlow are recorded. Here is the rest: those that
TensorFlow 2.21 refuses while it builds the graph, dies of to this day (RFFT), or that are about graphs and files.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from docs import make_security
from smcli.checkpoint import open_checkpoint
from smcli.errors import DataLossError, InvalidArgumentError, OpError, SmcliError
from smcli.proto.graph_pb2 import AttrValue, GraphDef, NodeDef
from smcli.runtime.session import Session
from smcli.savedmodel import read_saved_model
from smcli.tensors.types import DataType
from tests import cases, recorded
from tests.cases.advisories import ADVISORIES, f32, i32, i64
from tests.checkpoint.table_writer import MAGIC, varint
from tests.graphs import const, function, node
from tests.kernels.test_recorded import check

RECORDED = recorded.read("advisories")


def floats(*values: float) -> AttrValue:
    made = AttrValue()
    made.list.f.extend(values)
    return made


def fed(op: str, *inputs: Any, **attrs: Any) -> list[NodeDef]:
    """One node `y` on constants. Inputs are arrays, or strings."""
    constants = [
        node(f"c{i}", "Const", dtype=DataType.STRING, value=np.array(value, object))
        if isinstance(value, bytes)
        else const(f"c{i}", value, np.asarray(value).dtype)
        for i, value in enumerate(inputs)
    ]
    return [*constants, node("y", op, *[one.name for one in constants], **attrs)]


def quantized(value: np.ndarray) -> NodeDef:
    made = const("c0", value, np.uint8)
    made.attr["dtype"].type = made.attr["value"].tensor.dtype = int(DataType.QUINT8)  # type: ignore[assignment]
    return made


def dequantize() -> list[NodeDef]:
    attrs = {"T": DataType.QUINT8, "dtype": DataType.FLOAT, "mode": "SCALED", "narrow_range": True, "axis": 0}
    ranges = [const("c1", f32(-10)), const("c2", f32(24, 758, 758, 758, 758))]
    return [quantized(np.full((5, 10), 75)), *ranges, node("y", "Dequantize", "c0", "c1", "c2", **attrs)]


def const_with_other_attrs(name: str) -> list[NodeDef]:
    made = const("y", [1.0, 2.0])
    made.attr["other"].CopyFrom(made.attr[name])
    del made.attr[name]
    return [made]


def calls_itself() -> GraphDef:
    one = {"T": DataType.FLOAT}
    again = function(
        "f", {"x": DataType.FLOAT}, {"r": (DataType.FLOAT, "2:r:0")}, node("1", "f", "x"), node("2", "f", "1:r:0")
    )
    graph = GraphDef(node=[const("c", 1.0), node("y", "f", "c", **one)])
    graph.library.function.append(again)
    return graph


def of(nodes: Callable[..., list[NodeDef]], *args: Any, **attrs: Any) -> Callable[[], GraphDef]:
    return lambda: GraphDef(node=nodes(*args, **attrs))


FLOAT = {"T": DataType.FLOAT}
RANGES = (np.float32(-10), np.float32(-10))
# (advisory, graph whose output is y:0, class of the error)
GRAPHS: list[tuple[str, Callable[[], GraphDef], type[OpError]]] = [
    *[("TFSA-2020-010", of(const_with_other_attrs, name), InvalidArgumentError) for name in ("value",)],
    ("TFSA-2021-070", of(dequantize), InvalidArgumentError),
    (
        "TFSA-2021-099",
        of(fed, "QuantizeAndDequantizeV2", f32(0), *RANGES, **FLOAT, num_bits=1, signed_input=False, axis=-2),
        InvalidArgumentError,
    ),
    (
        "TFSA-2021-109",
        of(
            fed,
            "SparseReduceSum",
            np.full((2, 3), 773, np.int64),
            i32(1, 1),
            i64(337, 337, 337),
            i32(1),
            T=DataType.INT32,
        ),
        OpError,
    ),
    *[
        (
            "TFSA-2021-113",
            of(fed, "Restore", b"/tmp", names, dt=DataType.INT32, preferred_shard=shard),
            OpError,
        )
        for names, shard in ((np.empty(0, object), 1), (b"x", 42))
    ],
    (
        "TFSA-2021-119",
        of(fed, "QuantizeAndDequantizeV4Grad", f32(1, 2), f32(1, 1), f32(0), f32(10), **FLOAT, axis=-100),
        InvalidArgumentError,
    ),
    ("TFSA-2022-054", calls_itself, InvalidArgumentError),
    *[
        (
            "TFSA-2022-165",
            of(fed, op, np.ones((1, 4, 4, 1), np.float32), **FLOAT, pooling_ratio=floats(*ratio)),
            InvalidArgumentError,
        )
        for op in ("FractionalMaxPool", "FractionalAvgPool")
        for ratio in ((1.0, 0.5, 0.5, 1.0), (1.0, 1e-38, 2.0, 1.0), (1.0, -1.0, 1.0, 1.0))
    ],
    (
        "CVE-2021-41207",
        of(fed, "ParallelConcat", f32(1).reshape(1, 1), f32(2).reshape(1, 1), **FLOAT, N=2),
        InvalidArgumentError,
    ),
]


@pytest.mark.parametrize("row", RECORDED.values(), ids=list(RECORDED))
def test_answers_as_tensorflow_does_today(row: recorded.Recorded) -> None:
    check(row)


@pytest.mark.parametrize(
    ("make", "error"), [row[1:] for row in GRAPHS], ids=[f"{row[0]}-{i}" for i, row in enumerate(GRAPHS)]
)
def test_is_refused(make: Callable[[], GraphDef], error: type[OpError]) -> None:
    with pytest.raises(error) as caught:
        Session.from_graph_def(make()).run(["y:0"])
    assert isinstance(caught.value, SmcliError)


def nested(depth: int) -> str:
    """TFSA-2021-103: a function attr that holds a function attr, and so on."""
    call = 'attr {{ key: "f" value {{ func {{ name: "f" {} }} }} }}'
    before, _, after = call.format("|").partition("|")
    text = before * depth + after * depth
    return f'meta_graphs {{ graph_def {{ node {{ name: "n" op: "NoOp" {text} }} }} }}'


@pytest.mark.parametrize("depth", [5, 100, 2000, 100_000])
def test_nested_attrs_are_read_or_refused(tmp_path: Path, depth: int) -> None:
    (tmp_path / "saved_model.pbtxt").write_text(nested(depth))
    if depth == 5:
        assert len(read_saved_model(tmp_path).meta_graphs[0].graph_def().node) == 1
        return
    with pytest.raises(SmcliError, match=r"saved_model\.pbtxt"):
        read_saved_model(tmp_path).meta_graphs[0].graph_def()


@pytest.mark.parametrize("size", [2**64 - 1, 2**63 - 1, 2**63, 2**32])
def test_block_of_nearly_all_the_bytes_there_are(tmp_path: Path, size: int) -> None:
    """TFSA-2018-004: the sum of where a block begins and how long it is goes over."""
    handles = varint(0) + varint(0) + varint(16) + varint(size)
    (tmp_path / "ck.index").write_bytes(bytes(64) + handles.ljust(40, b"\0") + MAGIC)
    (tmp_path / "ck.data-00000-of-00001").write_bytes(b"")
    with pytest.raises(DataLossError), open_checkpoint(tmp_path / "ck") as checkpoint:
        checkpoint.keys()


def test_rfft_of_length_0() -> None:
    """TFSA-2021-051: TensorFlow 2.21 dies of an assertion; the answer is one without elements."""
    result = Session.from_graph_def(GraphDef(node=fed("RFFT", f32(1), i32(0)))).run(["y:0"])[0]
    assert (result.shape, result.dtype) == ((0,), np.complex64)


def test_every_advisory_has_a_row() -> None:
    labels = {row.label for row in cases.load("advisories")} | {row[0] for row in GRAPHS}
    assert labels | {"TFSA-2018-004", "TFSA-2021-103"} == set(ADVISORIES)
    assert len(ADVISORIES) >= 40


def test_every_row_is_recorded() -> None:
    assert {row.id for row in cases.load("advisories")} == set(RECORDED)


def test_the_page_shows_the_table() -> None:
    assert make_security.advisory_table() in make_security.PAGE.read_text(encoding="utf-8")
