"""While loops that run as one function, beside the kernel that runs test and body in turn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from smcli.errors import InvalidArgumentError
from smcli.graph.graph import Graph
from smcli.graph.loops import hoist, while_loop
from smcli.model import open_session
from smcli.proto.graph_pb2 import FunctionDef, GraphDef, NodeDef
from smcli.runtime.session import Session
from smcli.savedmodel import read_saved_model
from smcli.tensors.types import DataType
from tests.graphs import const, counting_loop, func, function, graph, node, placeholder, types

MODELS = Path(__file__).resolve().parents[2] / "fixtures" / "models"
INT, BOOL = DataType.INT32, DataType.BOOL


def _loop(*body: NodeDef, result: str) -> GraphDef:
    """`out`: the value v after n steps of a body of (i, n, v, k), where n and k stay as they are."""
    args = {"i": INT, "n": INT, "v": INT, "k": INT}
    cond = function("cond", args, {"r": (BOOL, "less:z:0")}, node("less", "Less", "i", "n", T=INT))
    count = [const("one", 1, np.int32), node("next", "AddV2", "i", "one:output:0", T=INT)]
    outputs = {"i2": (INT, "next:z:0"), "n2": (INT, "n"), "v2": (INT, result), "k2": (INT, "k")}
    functions: tuple[FunctionDef, ...] = (cond, function("body", args, outputs, *count, *body))
    return graph(
        *(placeholder(name, np.int32) for name in "nvk"),
        const("zero", 0, np.int32),
        node("loop", "While", "zero", "n", "v", "k", cond=func("cond"), body=func("body"), T=types(*[INT] * 4)),
        node("out", "Identity", "loop:2", T=INT),
        functions=functions,
    )


def _run(proto: GraphDef, n: int, v: int = 1, k: int = 3) -> int:
    feeds = {f"{name}:0": np.array(value, np.int32) for name, value in (("n", n), ("v", v), ("k", k))}
    return int(Session.from_graph_def(proto).run(["out:0"], feeds)[0])


SQUARES = _loop(
    node("square", "Mul", "k", "k", T=INT), node("sum", "AddV2", "v", "square:z:0", T=INT), result="sum:z:0"
)


@pytest.mark.parametrize("n", [0, 1, 2, 7])
def test_both_ways_give_the_same(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _run(SQUARES, n) == 1 + 9 * n
    monkeypatch.setenv("SMCLI_DISABLE_REWRITES", "loop")
    assert _run(SQUARES, n) == 1 + 9 * n


def test_what_does_not_change_is_computed_before() -> None:
    indexed = Graph(SQUARES)
    body = indexed.body(["out:0"], ["n:0", "v:0", "k:0"])
    loop = while_loop(next(one for one in body.nodes if one.op == "While"), indexed)
    assert loop is not None
    first, rest = hoist(loop, indexed)
    assert [one.op for one in first] == ["Mul"]
    assert sorted(one.op for one in rest) == ["AddV2", "AddV2", "Const"]


def test_a_loop_that_does_not_run_computes_nothing() -> None:
    divides = _loop(
        const("zero", 0, np.int32),
        node("bad", "FloorDiv", "k", "zero:output:0", T=INT),
        node("sum", "AddV2", "v", "bad:z:0", T=INT),
        result="sum:z:0",
    )
    assert _run(divides, 0) == 1
    with pytest.raises(InvalidArgumentError, match=r"body/bad"):
        _run(divides, 1)


def test_a_body_that_swaps_its_variables() -> None:
    args = {"n": INT, "a": INT, "b": INT}
    cond = function(
        "cond", args, {"r": (BOOL, "more:z:0")}, const("z", 0, np.int32),
        node("more", "Greater", "n", "z:output:0", T=INT),
    )  # fmt: skip
    body = function(
        "body", args, {"n2": (INT, "less:z:0"), "a2": (INT, "b"), "b2": (INT, "a")}, const("one", 1, np.int32),
        node("less", "Sub", "n", "one:output:0", T=INT),
    )  # fmt: skip
    proto = graph(
        *(placeholder(name, np.int32) for name in "nab"),
        node("loop", "While", "n", "a", "b", cond=func("cond"), body=func("body"), T=types(INT, INT, INT)),
        functions=(cond, body),
    )
    session = Session.from_graph_def(proto)
    for n, expected in ((2, [5, 6]), (3, [6, 5])):
        feeds = {"n:0": np.array(n, np.int32), "a:0": np.array(5, np.int32), "b:0": np.array(6, np.int32)}
        assert [int(value) for value in session.run(["loop:1", "loop:2"], feeds)] == expected


def test_many_runs_of_one_session() -> None:
    session = Session.from_graph_def(counting_loop())
    for n in (0, 5, 3, 1000):
        assert session.run(["out:0"], {"n:0": np.array(n, np.int32)})[0] == n


@pytest.mark.parametrize("name", ["keras3_lstm", "keras3_gru", "keras3_bidirectional", "keras2_lstm", "control_flow"])
def test_joined_gates_change_no_bit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    meta_graph = read_saved_model(MODELS / name).find("serve")
    signature = meta_graph.signatures["serving_default"]
    rng = np.random.default_rng(0)
    feeds = {}
    for info in signature.inputs.values():
        dims = [3 if dim.size < 0 else dim.size for dim in info.tensor_shape.dim]
        feeds[info.name] = (rng.uniform(-2, 2, dims) if info.dtype == 1 else rng.integers(0, 9, dims)).astype(
            np.float32 if info.dtype == 1 else np.int32
        )
    names = [info.name for info in signature.outputs.values()]
    monkeypatch.setenv("SMCLI_DISABLE_REWRITES", "sequence")
    joined = open_session(meta_graph).run(names, feeds)
    monkeypatch.setenv("SMCLI_DISABLE_REWRITES", "cells,gates,loop,sequence")
    for one, other in zip(joined, open_session(meta_graph).run(names, feeds)):
        np.testing.assert_array_equal(one, other)
