"""The planner's rewrites, one at a time, and that results do not depend on them."""

from __future__ import annotations

import numpy as np
import pytest

from smcli.graph.constants import fold, without_dead
from smcli.graph.fusion import fuse
from smcli.graph.graph import Graph
from smcli.kernels.context import Context, NoFiles, Resources
from smcli.proto.graph_pb2 import AttrValue
from smcli.runtime.session import Session
from smcli.tensors.types import DataType
from tests.graphs import const, graph, node, placeholder, shape

F = DataType.FLOAT
rng = np.random.default_rng(0)


def ints(*values: int) -> AttrValue:
    proto = AttrValue()
    proto.list.i.extend(values)
    return proto


def folded(graph_def, *fetches: str, rewrite=None):
    indexed = Graph(graph_def)
    body = indexed.body(fetches)
    fold(body, indexed, lambda name: Context(name, Resources(), NoFiles(), lambda ref: None), lambda node: None)
    body = without_dead(body)
    return without_dead(rewrite(body, indexed)) if rewrite else body


def conv(name: str, x: str, w: str, op: str = "Conv2D"):
    return node(name, op, x, w, T=F, strides=ints(1, 1, 1, 1), padding="SAME")


def test_what_is_computed_from_constants_alone_is_a_constant() -> None:
    sums = graph(const("a", 1), const("b", 2), node("c", "AddV2", "a", "b", T=F), node("d", "Neg", "c", T=F))
    body = folded(sums, "d")
    assert [(n.name, float(n.value)) for n in body.nodes] == [("d", -3.0)]


def test_random_numbers_and_failures_are_left_for_the_run() -> None:
    shape = const("shape", [2], np.int32)
    draw = node("r", "RandomUniform", "shape", T=DataType.INT32, dtype=F)
    bad = node("m", "MatMul", "r2", "r2", T=F)
    body = folded(graph(shape, draw, const("r2", [1, 2]), bad), "r", "m")
    assert {n.name for n in body.nodes if n.value is None} == {"r", "m"}


def test_large_results_are_left_for_the_run() -> None:
    fill = graph(const("n", [10_000, 10_000], np.int32), const("v", 1), node("f", "Fill", "n", "v", T=F))
    assert any(n.name == "f" and n.value is None for n in folded(fill, "f").nodes)


def chain(op: str = "Conv2D"):
    channels = 3
    multiplier = rng.standard_normal((3, 3, channels, 1 if op != "Conv2D" else 5)).astype(np.float32)
    out = 5 if op == "Conv2D" else channels
    vector = rng.standard_normal(out).astype(np.float32)
    return graph(
        placeholder("x"),
        const("w", multiplier),
        conv("y", "x", "w", op),
        const("scale", vector),
        const("shift", vector.reshape(1, 1, 1, out)),
        const("two", 2),
        node("scaled", "Mul", "y", "scale", T=F),
        node("shifted", "AddV2", "shift", "scaled", T=F),
        node("less", "Sub", "shifted", "two", T=F),
        node("biased", "BiasAdd", "less", "scale", T=F),
        node("out", "Relu6", "biased", T=F),
    )


@pytest.mark.parametrize("op", ["Conv2D", "DepthwiseConv2dNative"])
def test_a_convolution_takes_in_what_follows_it(op: str, monkeypatch: pytest.MonkeyPatch) -> None:
    body = folded(chain(op), "out", rewrite=fuse)
    assert [n.name for n in body.nodes if n.op not in ("Placeholder",)] == ["y"]
    x = {"x": rng.standard_normal((2, 6, 7, 3)).astype(np.float32)}
    monkeypatch.setenv("SMCLI_DISABLE_REWRITES", "onednn")
    (with_rewrites,) = Session.from_graph_def(chain_copy := chain(op)).run(["out"], x)
    monkeypatch.setenv("SMCLI_DISABLE_REWRITES", "onednn,fold,convolution")
    (without,) = Session.from_graph_def(chain_copy).run(["out"], x)
    np.testing.assert_array_equal(with_rewrites, without)


def test_a_tensor_that_is_used_twice_is_not_taken_in() -> None:
    body = folded(chain(), "out", "scaled", rewrite=fuse)
    assert {"y", "shifted", "less", "biased", "out"} <= {n.name for n in body.nodes}
    x = rng.standard_normal((1, 4, 4, 3)).astype(np.float32)
    out, scaled = Session.from_graph_def(chain()).run(["out", "scaled"], {"x": x})
    assert out.shape == scaled.shape == (1, 4, 4, 5)


def test_subtracting_the_convolution_from_something_is_not_taken_in() -> None:
    reverse = chain()
    next(n for n in reverse.node if n.name == "less").input[:] = ["two", "shifted"]
    body = folded(reverse, "out", rewrite=fuse)
    assert "less" in {n.name for n in body.nodes}


def variable_graph():
    return graph(
        placeholder("x"),
        const("one", 1),
        node("v", "VarHandleOp", dtype=F, shape=shape(), shared_name="v"),
        node("init", "AssignVariableOp", "v", "one", dtype=F),
        node("set", "AssignVariableOp", "v", "x", dtype=F),
        node("read", "ReadVariableOp", "v", dtype=F),
        node("y", "Neg", "read", T=F),
        node("read_after", "ReadVariableOp", "v", "^set", dtype=F),
        node("z", "Neg", "read_after", T=F),
    )


def test_a_variable_that_changes_between_runs_is_read_again() -> None:
    session = Session.from_graph_def(variable_graph())
    session.run([], {}, ["init"])
    assert session.run(["y"]) == [-1]
    session.run([], {"x": np.float32(7)}, ["set"])
    assert session.run(["y"]) == [-7]
    session.run([], {"x": np.float32(8)}, ["set"])
    assert session.run(["y"]) == [-8]


def test_a_variable_that_changes_within_a_run_is_not_folded() -> None:
    session = Session.from_graph_def(variable_graph())
    session.run([], {}, ["init"])
    assert session.run(["z"], {"x": np.float32(3)}) == [-3]
    assert session.run(["z"], {"x": np.float32(4)}) == [-4]


def test_a_handle_passed_on_is_no_value() -> None:
    passed = variable_graph()
    passed.node.append(node("same", "Identity", "v", T=DataType.RESOURCE))
    passed.node.append(node("read2", "ReadVariableOp", "same", dtype=F))
    session = Session.from_graph_def(passed)
    session.run([], {}, ["init"])
    assert session.run(["read2"]) == [1]


def test_division_by_a_constant_multiplies_by_its_reciprocal() -> None:
    x = np.arange(2000, dtype=np.float32)
    half = node("half", "Mul", "seven", "one", T=F)
    divided = graph(
        placeholder("x", F),
        const("seven", np.float32(7)),
        const("one", np.float32(1)),
        half,
        node("y", "RealDiv", "x", "half", T=F),
        node("z", "RealDiv", "x", "x", T=F),
    )
    (y,) = Session.from_graph_def(divided).run(["y"], {"x": x})
    np.testing.assert_array_equal(y, x * (np.float32(1) / np.float32(7)))
    assert (y != x / np.float32(7)).any()


def test_small_graphs_and_integers_are_divided() -> None:
    x = np.arange(2000, dtype=np.float32)
    small = graph(placeholder("x", F), const("seven", np.float32(7)), node("y", "RealDiv", "x", "seven", T=F))
    (y,) = Session.from_graph_def(small).run(["y"], {"x": x})
    np.testing.assert_array_equal(y, x / np.float32(7))
    whole = graph(
        placeholder("x", DataType.INT32),
        const("seven", 7, np.int32),
        const("a", 1),
        const("b", 1),
        node("y", "Div", "x", "seven", T=DataType.INT32),
    )
    (y,) = Session.from_graph_def(whole).run(["y"], {"x": np.arange(20, dtype=np.int32)})
    np.testing.assert_array_equal(y, np.arange(20) // 7)
