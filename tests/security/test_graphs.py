"""Graphs that are deep, endless or explode: one clear error each, or the answer; no recursion limit, no hang."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from smcli.errors import InvalidArgumentError, ResourceExhaustedError, SmcliError
from smcli.graph.freeze import flattened
from smcli.proto.graph_pb2 import AttrValue, FunctionDef, GraphDef, NodeDef
from smcli.runtime.session import Session
from smcli.tensors.types import DataType
from tests.graphs import const, func, function, node, types
from tests.security import models

ONE = models.ONE
FLOAT = DataType.FLOAT


def chain(length: int) -> list[NodeDef]:
    return [const("n0", 1.0), *(node(f"n{i + 1}", "Neg", f"n{i}", T=FLOAT) for i in range(length))]


def of_one(name: str, *nodes: NodeDef, result: str) -> FunctionDef:
    return function(name, {"x": FLOAT}, {"r": (FLOAT, result)}, *nodes)


def call(name: str, callee: str, argument: str) -> NodeDef:
    return node(name, "PartitionedCall", argument, f=func(callee), Tin=ONE, Tout=ONE)


def library(*functions: FunctionDef, nodes: list[NodeDef] | None = None) -> GraphDef:
    first = functions[0].signature.name
    graph = GraphDef(node=nodes or [const("c", 1.0), call("y", first, "c")])
    graph.library.function.extend(functions)
    return graph


@pytest.mark.parametrize(
    "args",
    [["run", "--tag_set", "serve", "--signature_def", "s"], ["show", "--all"], ["scan"]],
    ids=lambda args: args[0],
)
def test_a_chain_of_100_000_nodes(tmp_path: Path, args: list[str]) -> None:
    directory = models.write_model(tmp_path, chain(100_000), "n100000:0")
    done = models.smcli(args[0], "--dir", str(directory), *args[1:])
    assert (done.returncode, done.stderr) == (0, "")
    assert args[0] != "run" or done.stdout == "Result for output key y:\n1.0\n"


def test_a_cycle_outside_of_a_frame() -> None:
    with pytest.raises(InvalidArgumentError, match="cycle"):
        Session.from_graph_def(GraphDef(node=[node("a", "Neg", "b", T=FLOAT), node("b", "Neg", "a", T=FLOAT)])).run(
            ["a:0"]
        )


@pytest.mark.parametrize("text", ["nowhere", "nowhere:0", "^nowhere", "c:7", "c:99999999999", "c:-1", ":0", ""])
def test_an_edge_to_nowhere(text: str) -> None:
    with pytest.raises(SmcliError):
        Session.from_graph_def(GraphDef(node=[const("c", 1.0), node("y", "Neg", text, T=FLOAT)])).run(["y:0"])


def test_two_nodes_of_one_name() -> None:
    with pytest.raises(InvalidArgumentError, match="'c' is not unique"):
        Session.from_graph_def(GraphDef(node=[const("c", 1.0), const("c", 2.0)])).run(["c:0"])


ATTRS = [
    (node("y", "Const", dtype=FLOAT), "Const has no tensor"),
    (node("y", "Const", value=1.5, dtype=FLOAT), "Const has no tensor"),
    (node("y", "Cast", "c", SrcT=FLOAT), "missing attr 'DstT' from Op Cast"),
    (node("y", "VarHandleOp"), "from Op VarHandleOp"),
    (node("y", "AddN", "c", "c", T=FLOAT), "Attr 'N' is missing"),
    (node("y", "AddN", "c", "c", N=3, T=FLOAT), "takes 3 inputs but got 2"),
    (node("y", "AddN", "c", "c", N=-1, T=FLOAT), "Attr 'N' is no count of tensors"),
    (node("y", "AddN", "c", "c", N=2**62, T=FLOAT), "Attr 'N' is no count of tensors"),
    (node("y", "Sum", "c", "c", T=FLOAT, keep_dims="yes"), "'keep_dims' is not of type bool"),
    (node("y", "MaxPool", "c", T=FLOAT, ksize=3, strides=3, padding=1), "is not of type list"),
    (node("y", "If", "c", "c", then_branch="f", else_branch="f"), "Attr 'Tin' is missing"),
    (node("y", "PartitionedCall"), "Attr 'f' is not a function"),
    (node("y", "Split", "c", "c", T=FLOAT, num_split=0), "'num_split' must be at least 1"),
    (node("y", "Neg", T=FLOAT), "takes 1 inputs but got 0"),
]


@pytest.mark.parametrize(("bad", "message"), ATTRS)
def test_attrs_that_are_missing_of_another_kind_or_out_of_range(bad: NodeDef, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=re.escape(message)):
        Session.from_graph_def(GraphDef(node=[const("c", 1.0), bad])).run(["y:0"])


def test_functions_that_call_each_other() -> None:
    graph = library(
        of_one("f", call("y", "g", "x"), result="y:output:0"), of_one("g", call("y", "f", "x"), result="y:output:0")
    )
    with pytest.raises(InvalidArgumentError, match="calls itself without end"):
        Session.from_graph_def(graph).run(["y:0"])


def test_functions_that_call_each_other_through_if() -> None:
    """What calls whom is only known while it runs, so this ends when calls are too deep."""
    again = node("y", "If", "x", "x", Tcond=FLOAT, Tin=ONE, Tout=ONE, then_branch=func("f"), else_branch=func("f"))
    with pytest.raises(ResourceExhaustedError, match="nested too deeply"):
        Session.from_graph_def(library(of_one("f", again, result="y:output:0"))).run(["y:0"])


def doubling(levels: int) -> GraphDef:
    """Functions that call the next one twice: 2 to the power of `levels` calls of the last."""
    middle = [
        of_one(f"f{i}", call("a", f"f{i + 1}", "x"), call("b", f"f{i + 1}", "a:output:0"), result="b:output:0")
        for i in range(levels)
    ]
    return library(*middle, of_one(f"f{levels}", node("n", "Neg", "x", T=FLOAT), result="n:y:0"))


def test_calls_that_double_at_each_level() -> None:
    assert Session.from_graph_def(doubling(12)).run(["y:0"])[0] == 1.0


@pytest.mark.parametrize("levels", [40, 90])
def test_calls_that_double_without_end_are_a_matter_of_time_alone(tmp_path: Path, levels: int) -> None:
    model = doubling(levels)
    directory = models.write_model(tmp_path, model.node, "y:0", model.library.function)
    for args in (["show", "--all"], ["scan"]):
        assert models.smcli(args[0], "--dir", str(directory), *args[1:]).returncode == 0
    done = models.run_model(directory, "--timeout", "4", "--memory_limit", "1500M")
    assert done.returncode == 124, done.stderr


def test_freezing_calls_that_double() -> None:
    """Freezing takes the calls out, but not beyond what a graph may hold."""
    try:
        flat = flattened(doubling(30), ["y"])
    except SmcliError:
        return
    assert len(flat.node) < 1_000_000


def test_a_function_that_is_not_there() -> None:
    with pytest.raises(SmcliError, match="nowhere"):
        Session.from_graph_def(GraphDef(node=[const("c", 1.0), call("y", "nowhere", "c")])).run(["y:0"])


STRING = DataType.STRING


def text(name: str, value: bytes) -> NodeDef:
    return node(name, "Const", dtype=STRING, value=np.array(value, object))


def ints(name: str, *values: int) -> NodeDef:
    return node(name, "Const", dtype=DataType.INT64, value=np.array(values, np.int64))


def int32(name: str, value: object) -> NodeDef:
    return node(name, "Const", dtype=DataType.INT32, value=np.array(value, np.int32))


WIDE = 2**38
ALLOCATING = {
    "Fill": [ints("d", WIDE), const("v", 1.0), node("y", "Fill", "d", "v", T=FLOAT, index_type=DataType.INT64)],
    "Tile": [
        const("v", [1.0, 2.0]), ints("d", WIDE),
        node("t", "Tile", "v", "d", T=FLOAT, Tmultiples=DataType.INT64),
        node("y", "Neg", "t", T=FLOAT),
    ],
    "BroadcastTo and add": [
        const("v", [1.0]),
        ints("d", WIDE),
        node("b", "BroadcastTo", "v", "d", T=FLOAT, Tidx=DataType.INT64),
        node("y", "AddV2", "b", "v", T=FLOAT),
    ],
    "OneHot": [
        int32("i", [1]), int32("d", 2**31 - 1), const("a", 1.0), const("b", 0.0),
        node("k", "OneHot", "i", "d", "a", "b", T=FLOAT, TI=DataType.INT32),
        ints("m", 200, 1),
        node("y", "Tile", "k", "m", T=FLOAT, Tmultiples=DataType.INT64),
    ],
    "Pad": [
        const("v", [1.0]),
        node("d", "Const", dtype=DataType.INT64, value=np.array([[WIDE, WIDE]])),
        node("y", "Pad", "v", "d", T=FLOAT, Tpaddings=DataType.INT64),
    ],
    "RandomUniform": [ints("d", WIDE), node("y", "RandomUniform", "d", T=DataType.INT64, dtype=FLOAT)],
    "Range": [
        *(node(n, "Const", dtype=DataType.INT64, value=np.array(v)) for n, v in (("a", 0), ("b", WIDE), ("d", 1))),
        node("y", "Range", "a", "b", "d", Tidx=DataType.INT64),
    ],
    "RaggedRange": [
        ints("a", 0), ints("b", WIDE), ints("d", 1),
        node("r", "RaggedRange", "a", "b", "d", T=DataType.INT64, Tsplits=DataType.INT64),
        node("y", "Identity", "r:1", T=DataType.INT64),
    ],
    "TensorListReserve": [
        int32("s", []), int32("n", 2**31 - 1),
        node("l", "TensorListReserve", "s", "n", element_dtype=FLOAT, shape_type=DataType.INT32),
        node("y", "TensorListStack", "l", "s", element_dtype=FLOAT, num_elements=-1),
    ],
    "StringFormat": [
        const("v", np.zeros((100, 100))),
        node("y", "StringFormat", "v", template="%s" * 100_000, placeholder="%s", summarize=-1),
    ],
    "ReduceJoin": [
        text("t", b"x" * 100_000), ints("d", 1_000_000),
        node("b", "BroadcastTo", "t", "d", T=STRING, Tidx=DataType.INT64),
        int32("a", [0]),
        node("y", "ReduceJoin", "b", "a"),
    ],
    "Const": [node("y", "Const", dtype=FLOAT)],
    "SparseToDense": [
        node("i", "Const", dtype=DataType.INT64, value=np.array([0])),
        ints("d", WIDE), const("v", 1.0), const("z", 0.0),
        node("y", "SparseToDense", "i", "d", "v", "z", T=FLOAT, Tindices=DataType.INT64),
    ],
    "MatrixDiag": [
        const("v", np.ones(600_000)),
        node("y", "MatrixDiag", "v", T=FLOAT),
    ],
    "ResizeNearestNeighbor": [
        const("v", np.ones((1, 1, 1, 1))), int32("s", [2**20, 2**20]),
        node("y", "ResizeNearestNeighbor", "v", "s", T=FLOAT),
    ],
    "DecodePaddedRaw": [
        text("t", b"abcd"), int32("n", 2**31 - 1),
        node("r", "DecodePaddedRaw", "t", "n", out_type=DataType.UINT8),
        ints("m", 500),
        node("y", "Tile", "r", "m", T=DataType.UINT8, Tmultiples=DataType.INT64),
    ],
    "UnsortedSegmentSum": [
        const("v", [1.0]), int32("i", [0]), int32("n", 2**31 - 1),
        node("k", "UnsortedSegmentSum", "v", "i", "n", T=FLOAT, Tindices=DataType.INT32, Tnumsegments=DataType.INT32),
        ints("m", 500),
        node("y", "Tile", "k", "m", T=FLOAT, Tmultiples=DataType.INT64),
    ],
}  # fmt: skip
_full = ALLOCATING["Const"][0].attr["value"].tensor
_full.dtype = 1  # type: ignore[assignment]
_full.tensor_shape.dim.add(size=2**30)
_full.float_val.append(1.0)
ALLOCATING["StringFormat"][1].attr["T"].list.type.append(1)


@pytest.mark.parametrize("name", ALLOCATING)
def test_what_would_take_all_the_memory(tmp_path: Path, name: str) -> None:
    directory = models.write_model(tmp_path, ALLOCATING[name], "y:0")
    done = models.run_model(directory, "--memory_limit", "400M", "--timeout", "40")
    assert done.returncode in (1, 125), done.stderr
    assert "ResourceExhaustedError" in models.last_line(done) or "InvalidArgumentError" in models.last_line(done)
    assert "This is a bug" not in done.stderr


def deep_datasets(op: str, *more: str, depth: int) -> GraphDef:
    """A range of two numbers, and `depth` datasets each made of the one before."""
    shape = AttrValue()
    shape.list.shape.add()
    kind = {"output_types": types(DataType.INT64), "output_shapes": shape}
    nodes = [node(name, "Const", dtype=DataType.INT64, value=np.array(i)) for i, name in enumerate(("zero", "one"))]
    nodes += [node("d0", "RangeDataset", "zero", "one", "one", **kind)]
    nodes += [node(f"d{i + 1}", op, f"d{i}", *more, **kind) for i in range(depth)]
    return GraphDef(node=[*nodes, node("y", "DatasetToSingleElement", f"d{depth}", **kind)])


@pytest.mark.parametrize(("op", "more"), [("TakeDataset", ["one"]), ("ZipDataset", []), ("RepeatDataset", ["one"])])
def test_datasets_made_of_datasets_are_refused_when_too_deep(op: str, more: list[str]) -> None:
    graph = deep_datasets(op, *more, depth=3000)
    for made in graph.node:
        if made.op == "ZipDataset":
            made.attr["N"].i = 1
    with pytest.raises(ResourceExhaustedError, match="nested too deeply"):
        Session.from_graph_def(graph).run(["y:0"])


JOINED = """
import numpy as np
from smcli.kernels._datasets import dataset_of
from smcli.kernels.datasets import concatenate_dataset, range_dataset
first = joined = range_dataset(np.int64(0), np.int64(1), np.int64(1), output_types=(DataType.INT64,))
for _ in range(300_000):
    joined = concatenate_dataset(joined, first)
print(sum(1 for _ in dataset_of(joined).elements()))
"""


def test_any_number_of_datasets_is_joined() -> None:
    """So many iterators inside of each other would overflow the stack of C."""
    code = f"from smcli.tensors.types import DataType\n{JOINED}"
    done = subprocess.run([sys.executable, "-c", code], env=models.environment(), capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "300001\n"), done.stderr
