"""Mutated graphs are answered or refused: a few fixed ones in which something else happened, and a small random lot.

The search that finds such graphs is `python fuzz/models.py`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from smcli.errors import InvalidArgumentError, ResourceExhaustedError
from smcli.graph.freeze_values import folded
from smcli.proto.graph_pb2 import FunctionDef, GraphDef, NodeDef
from smcli.runtime.session import Session
from smcli.tensors.types import DataType
from tests.graphs import const, func, node, types

ROOT = Path(__file__).resolve().parents[2]


def session(*nodes: NodeDef) -> Session:
    return Session.from_graph_def(GraphDef(node=nodes))


def test_random_mutations_are_answered_or_refused() -> None:
    done = subprocess.run(
        [sys.executable, "fuzz/models.py", "--count", "400", "--seed", "7"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    counts = {
        what: int(count)
        for count, what in (part.split(" ", 1) for part in done.stdout.split(": ")[-1].strip().split(", "))
    }
    assert counts["answered"] > 50 and counts["refused"] > 50, "the mutations do not reach what they are for"


@pytest.mark.parametrize("number", [99, -1, 2**31 - 1])
def test_placeholder_of_an_unknown_data_type(number: int) -> None:
    bad = node("x", "Placeholder")
    bad.attr["dtype"].type = number  # type: ignore[assignment]
    with pytest.raises(InvalidArgumentError, match="unknown data type"):
        session(bad).placeholder("x:0")


def test_freezing_a_variable_of_an_unknown_data_type() -> None:
    bad = node("v", "VarHandleOp")
    bad.attr["dtype"].type = 99  # type: ignore[assignment]
    with pytest.raises(InvalidArgumentError, match="unknown data type"):
        folded(GraphDef(node=[bad]), {"v": np.float32(1)})


def test_constant_beyond_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(shape: tuple[int, ...], *_: object) -> np.ndarray:
        raise MemoryError(f"Unable to allocate an array with shape {shape}")

    monkeypatch.setattr(np, "full", full)
    bad = node("c", "Const")
    tensor = bad.attr["value"].tensor
    tensor.dtype = 1  # type: ignore[assignment]
    tensor.tensor_shape.dim.add(size=2**31 - 1)
    tensor.float_val.append(1.0)
    with pytest.raises(ResourceExhaustedError, match="Unable to allocate"):
        session(bad).run(["c:0"])


ONE = types(DataType.FLOAT)


def call(name: str, function: str, argument: str) -> NodeDef:
    return node(name, "PartitionedCall", argument, f=func(function), Tin=ONE, Tout=ONE)


def function(name: str, *nodes: NodeDef, result: str) -> FunctionDef:
    """A function of one float `x` with one float result."""
    made = FunctionDef(node_def=nodes, ret={"r": result})
    made.signature.name = name
    made.signature.input_arg.add(name="x", type=1)
    made.signature.output_arg.add(name="r", type=1)
    return made


def calling(*functions: FunctionDef) -> Session:
    graph = GraphDef(node=[const("c", 1.0), call("m", functions[0].signature.name, "c")])
    graph.library.function.extend(functions)
    return Session.from_graph_def(graph)


def test_a_long_chain_of_functions() -> None:
    # Copying each function into its caller, over and over, took gigabytes.
    chain = [
        function(f"f{i}", node("a", "Neg", "x", T=DataType.FLOAT), call("y", f"f{i + 1}", "a:y:0"), result="y:output:0")
        for i in range(2000)
    ]
    last = function("f2000", node("y", "Neg", "x", T=DataType.FLOAT), result="y:y:0")
    assert calling(*chain, last).run(["m:0"])[0] == -1.0


@pytest.mark.parametrize("result", ["x:" + "9" * 5000, "a:y:" + "1" * 5000, "a:y:-1"])
def test_output_numbers_that_are_none(result: str) -> None:
    with pytest.raises(InvalidArgumentError, match="Function f"):
        calling(function("f", node("a", "Neg", "x", T=DataType.FLOAT), result=result)).run(["m:0"])


@pytest.mark.parametrize("declared, fetch", [(2, "m:1"), (2, "m:0"), (3, "m:2")])
def test_function_that_returns_too_little(declared: int, fetch: str) -> None:
    # The missing output was answered with None.
    outputs = types(*[DataType.FLOAT] * declared)
    branches = {"then_branch": func("f"), "else_branch": func("f")}
    graph = GraphDef(
        node=[
            node("p", "Placeholder", dtype=DataType.FLOAT),
            node("m", "If", "p", "p", Tcond=DataType.FLOAT, Tin=ONE, Tout=outputs, **branches),
        ]
    )
    graph.library.function.append(function("f", node("y", "Neg", "x", T=DataType.FLOAT), result="y:y:0"))
    with pytest.raises(InvalidArgumentError, match=f"Got 1 outputs where {declared} are declared"):
        Session.from_graph_def(graph).run([fetch], {"p:0": np.float32(1)})


def in_a_frame(name: str, source: str, frame: Any) -> NodeDef:
    return node(name, "Enter", source, T=DataType.FLOAT, frame_name=frame)


def test_function_that_returns_too_much_in_a_frame() -> None:
    # The surplus output was an IndexError of the executor.
    graph = GraphDef(
        node=[
            const("c", 1.0),
            in_a_frame("e", "c", "f"),
            call("m", "two", "e"),
            node("x", "Exit", "m", T=DataType.FLOAT),
        ]
    )
    two = function("two", node("y", "Neg", "x", T=DataType.FLOAT), result="y:y:0")
    two.signature.output_arg.add(name="s", type=1)
    two.ret["s"] = "x"
    graph.library.function.append(two)
    with pytest.raises(InvalidArgumentError, match="Got 2 outputs where 1 are declared"):
        Session.from_graph_def(graph).run(["x:0"])


def test_frames_nested_without_bound() -> None:
    deep = [in_a_frame(f"e{i + 1}", f"e{i}", "f") for i in range(5000)]
    with pytest.raises(InvalidArgumentError, match="nested more than 100 deep"):
        session(const("e0", 1.0), *deep, node("x", "Exit", "e5000", T=DataType.FLOAT)).run(["x:0"])


def test_frame_that_enters_itself() -> None:
    # Each round entered one frame more, without end.
    again = node("n", "NextIteration", "e", T=DataType.FLOAT)
    merge = node("m", "Merge", "c", "n", N=2, T=DataType.FLOAT)
    with pytest.raises(InvalidArgumentError, match="nested more than 100 deep"):
        session(const("c", 1.0), in_a_frame("e", "m", "f"), merge, again).run(["m:0"])


def test_frame_name_that_is_no_name() -> None:
    bad = [const("c", 1.0), in_a_frame("e", "c", np.zeros(2, np.float32)), node("x", "Exit", "e", T=DataType.FLOAT)]
    with pytest.raises(InvalidArgumentError, match="frame_name"):
        session(*bad).run(["x:0"])


def test_functions_called_with_exponentially_many_sets_of_attrs() -> None:
    def calls(level: int, name: str, source: str, value: int) -> NodeDef:
        made = node(name, f"f{level + 1}", source, **{f"a{level}": value})
        for outer in range(level):
            made.attr[f"a{outer}"].placeholder = f"a{outer}"
        return made

    chain = [function(f"f{i}", calls(i, "a", "x", 0), calls(i, "y", "a:r:0", 1), result="y:r:0") for i in range(30)]
    last = function("f30", node("y", "Neg", "x", T=DataType.FLOAT), result="y:y:0")
    with pytest.raises(ResourceExhaustedError, match="too many sets of attrs"):
        calling(*chain, last).run(["m:0"])


def test_nodes_that_claim_millions_of_outputs() -> None:
    constants = [const(f"c{i}", [float(i)]) for i in range(6)]
    bad = [node(f"u{i}", "Unpack", f"c{i}", num=1_000_000, T=DataType.FLOAT) for i in range(6)]
    total = node("a", "AddN", *[one.name for one in bad], N=6, T=DataType.FLOAT)
    with pytest.raises(ResourceExhaustedError, match="tensors"):
        session(*constants, *bad, total).run(["a:0"])
