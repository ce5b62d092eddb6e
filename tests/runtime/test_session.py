"""Sessions on graphs made by hand: what runs, what is refused, and what the errors say."""

from __future__ import annotations

import numpy as np
import pytest

from smcli.errors import (
    InvalidArgumentError,
    NoCpuKernelError,
    NotFoundError,
    OpError,
    ResourceExhaustedError,
    UnsupportedOpsError,
)
from smcli.runtime.session import Session
from smcli.tensors.types import DataType
from tests.graphs import const, func, function, graph, node, placeholder, shape, types

F = DataType.FLOAT
MISPLACED = "Control dependencies must come after regular dependencies"


def run(graph_def, *fetches, targets=(), **feeds):
    return Session.from_graph_def(graph_def).run(fetches, {k: np.asarray(v) for k, v in feeds.items()}, targets)


def test_feeds_and_fetches_by_tensor_name() -> None:
    add = graph(placeholder("x"), const("one", 1), node("y", "AddV2", "x", "one", T=F))
    assert run(add, "y:0", x=np.float32(2)) == [3]
    assert run(add, "y", x=np.float32(2)) == [3]


def test_any_tensor_can_be_fed() -> None:
    chain = graph(const("x", 1), node("y", "Neg", "x", T=F), node("z", "Neg", "y", T=F))
    assert run(chain, "z") == [1]
    assert run(chain, "z", **{"y:0": np.float32(5)}) == [-5]


def test_a_control_edge_from_what_is_fed_is_satisfied() -> None:
    after = graph(placeholder("p"), const("x", 1), node("y", "Neg", "x", "^p", T=F), node("z", "AddV2", "y", "p", T=F))
    assert run(after, "z", p=np.float32(5)) == [4]


def test_operands_that_do_not_broadcast_are_shown_as_tensorflow_shows_them() -> None:
    with pytest.raises(InvalidArgumentError, match=r"Incompatible shapes: \[2\] vs. \[3\]"):
        run(graph(const("a", [1, 2]), const("b", [1, 2, 3]), node("y", "Mul", "a", "b", T=F)), "y")


def test_only_what_is_needed_runs() -> None:
    assert run(graph(const("x", 1), node("y", "NoSuchOp", "x"), node("z", "Neg", "x", T=F)), "z") == [-1]


def test_missing_ops_are_all_named_with_their_nodes_before_anything_runs() -> None:
    hidden = function("hidden", {"a": F}, {"b": (F, "n:out:0")}, node("n", "Missing2", "a"))
    broken = graph(
        placeholder("x"),
        node("p", "Missing1", "x"),
        node(
            "q",
            "If",
            "p",
            "x",
            Tcond=F,
            Tin=types(F),
            Tout=types(F),
            then_branch=func("hidden"),
            else_branch=func("hidden"),
        ),
        functions=(hidden,),
    )
    with pytest.raises(UnsupportedOpsError) as caught:
        run(broken, "q", x=np.float32(1))
    assert str(caught.value) == "Op type not registered in smcli: Missing1 (p); Missing2 (hidden/n)"


def test_missing_ops_inside_functions_are_found() -> None:
    hidden = function("hidden", {"a": F}, {"b": (F, "a")}, node("n", "Missing2", "a"))
    hidden.control_ret["n"] = "n"
    call = graph(
        placeholder("x"),
        node("q", "StatefulPartitionedCall", "x", Tin=types(F), Tout=types(F), f=func("hidden")),
        functions=(hidden,),
    )
    with pytest.raises(UnsupportedOpsError, match=r"Missing2 \(hidden/n\)"):
        run(call, "q", x=np.float32(1))


def test_a_placeholder_that_is_not_fed_is_named() -> None:
    with pytest.raises(InvalidArgumentError, match="feed a value for placeholder tensor 'x' with dtype float"):
        run(graph(placeholder("x"), node("y", "Neg", "x", T=F)), "y")


@pytest.mark.parametrize(
    "graph_def, message",
    [
        (graph(node("x", "Neg", "y", T=F), node("y", "Neg", "x", T=F)), "cycle"),
        (graph(node("x", "Neg", "x", T=F)), "cycle"),
        (graph(node("x", "Neg", "nowhere", T=F)), "unknown input node 'nowhere'"),
        (graph(const("c", 1), node("x", "Neg", "c:7", T=F)), "no output 7"),
        (graph(const("c", 1), node("x", "Neg", "c:-1", T=F)), "no tensor name"),
        (graph(const("c", 1), node("x", "AddV2", "c", T=F)), "takes 2 inputs but got 1"),
        (graph(const("c", 1), node("x", "Cast", "c", SrcT=F, DstT="float")), "Attr 'DstT' is not of type type"),
        (graph(const("c", 1), node("x", "Cast", "c", SrcT=F)), "missing attr 'DstT'"),
        (graph(const("c", 1), const("c", 2), node("x", "Neg", "c", T=F)), "not unique"),
        (graph(node("x", "Const", dtype=F)), "no tensor"),
        # in the words of TensorFlow's importer
        (graph(const("c", 1), node("x", "Neg", "^c", "c", T=F)), f"Node 'x': {MISPLACED}"),
        (graph(const("c", 1), node("x", "AddV2", "c", "^c", "c", T=F)), f"Node 'x': {MISPLACED}"),
        (graph(const("c", 1), node("x", "AddV2", "c", "^c", "c", "^c", T=F)), f"Node 'x': {MISPLACED}"),
    ],
)
def test_a_broken_graph_gets_one_clear_error(graph_def, message) -> None:
    with pytest.raises(OpError, match=message):
        run(graph_def, "x")


@pytest.mark.parametrize("inputs", [("^c", "a"), ("^c", "a", "^c")])
def test_controls_before_data_inside_functions_are_refused(inputs) -> None:
    wrong = function("f", {"a": F}, {"b": (F, "n:y:0")}, const("c", 1), node("n", "Neg", *inputs, T=F))
    call = node("q", "PartitionedCall", "x", Tin=types(F), Tout=types(F), f=func("f"))
    with pytest.raises(InvalidArgumentError, match=f"Node 'n': {MISPLACED}"):
        run(graph(placeholder("x"), call, functions=(wrong,)), "q", x=np.float32(1))


def test_fetching_what_is_not_there() -> None:
    with pytest.raises(NotFoundError, match="no node 'nope'"):
        run(graph(const("x", 1)), "nope:0")


def test_errors_of_kernels_name_the_node() -> None:
    bad = graph(const("a", [[1.0]]), const("b", [[1.0], [2.0]]), node("product", "MatMul", "a", "b", T=F))
    with pytest.raises(InvalidArgumentError, match="node product, op MatMul"):
        run(bad, "product")


def test_a_chain_of_100_000_nodes() -> None:
    nodes = [const("n0", 0), const("one", 1)]
    nodes += [node(f"n{i}", "AddV2", f"n{i - 1}", "one", T=F) for i in range(1, 100_001)]
    assert run(graph(*nodes), "n100000") == [100_000]


def test_functions_that_call_each_other_without_end_are_refused() -> None:
    def calls(name: str, other: str):
        inner = node("c", "PartitionedCall", "a", Tin=types(F), Tout=types(F), f=func(other))
        return function(name, {"a": F}, {"b": (F, "c:output:0")}, inner)

    endless = graph(
        const("x", 1),
        node("y", "PartitionedCall", "x", Tin=types(F), Tout=types(F), f=func("f")),
        functions=(calls("f", "g"), calls("g", "f")),
    )
    with pytest.raises(InvalidArgumentError, match="without end"):
        run(endless, "y")


def test_recursion_through_if_ends_or_is_stopped() -> None:
    """f(n) = n <= 0 ? n : f(n - 1)"""
    again = function(
        "again",
        {"n": F},
        {"r": (F, "call:output:0")},
        const("one", 1),
        node("less", "Sub", "n", "one:output:0", T=F),
        node("call", "PartitionedCall", "less:z:0", Tin=types(F), Tout=types(F), f=func("f")),
    )
    stop = function("stop", {"n": F}, {"r": (F, "n")})
    f = function(
        "f",
        {"n": F},
        {"r": (F, "if:output:0")},
        const("zero", 0),
        node("done", "LessEqual", "n", "zero:output:0", T=F),
        node(
            "if", "If", "done:z:0", "n",
            Tcond=DataType.BOOL, Tin=types(F), Tout=types(F), then_branch=func("stop"), else_branch=func("again"),
        ),
    )  # fmt: skip
    recursive = graph(
        placeholder("n"),
        node("y", "PartitionedCall", "n", Tin=types(F), Tout=types(F), f=func("f")),
        functions=(f, again, stop),
    )
    assert run(recursive, "y", n=np.float32(20)) == [0]
    with pytest.raises(ResourceExhaustedError, match="nested too deeply"):
        run(recursive, "y", n=np.float32(10**6))


def test_calls_that_double_at_each_level_do_not_blow_up_the_plan() -> None:
    """f0 doubles; f(k) applies f(k-1) twice: 2^25 nodes when inlined, so deeper levels stay calls."""
    functions = [function("f0", {"a": F}, {"b": (F, "s:z:0")}, node("s", "AddV2", "a", "a", T=F))]
    for level in range(1, 26):
        name = f"f{level - 1}"
        first = node("c1", "PartitionedCall", "a", Tin=types(F), Tout=types(F), f=func(name))
        second = node("c2", "Identity", "c1:output:0", T=F)
        functions.append(function(f"f{level}", {"a": F}, {"b": (F, "c2:output:0")}, first, second))
    doubling = graph(
        const("x", 1),
        node("y", "PartitionedCall", "x", Tin=types(F), Tout=types(F), f=func("f25")),
        functions=tuple(functions),
    )
    assert run(doubling, "y") == [2]


def test_a_function_called_by_its_name() -> None:
    twice = function("Twice", {"a": F}, {"b": (F, "s:z:0")}, node("s", "AddV2", "a", "a", T=F))
    assert run(graph(const("x", 3), node("y", "Twice", "x"), functions=(twice,)), "y") == [6]


def test_state_lasts_from_run_to_run() -> None:
    counter = graph(
        node("v", "VarHandleOp", dtype=F, shape=shape(), shared_name="v"),
        const("one", 1),
        node("init", "AssignVariableOp", "v", "one", dtype=F),
        node("bump", "AssignAddVariableOp", "v", "one", dtype=F),
        node("read", "ReadVariableOp", "v", "^bump", dtype=F),
    )
    session = Session.from_graph_def(counter)
    session.run([], {}, ["init"])
    assert [session.run(["read"])[0] for _ in range(3)] == [2, 3, 4]


def test_ops_without_a_kernel_for_the_cpu_are_refused_as_tensorflow_does() -> None:
    lstm = graph(node("p", "CudnnRNNParamsSize"), node("q", "TPUOrdinalSelector"))
    with pytest.raises(NoCpuKernelError) as caught:
        run(lstm, "p", "q")
    assert isinstance(caught.value, InvalidArgumentError)
    assert "Op 'CudnnRNNParamsSize' used by p (registered devices: [CPU], registered kernels: GPU)" in str(caught.value)
    assert "Op 'TPUOrdinalSelector' used by q (registered devices: [CPU], registered kernels: none)" in str(
        caught.value
    )
    with pytest.raises(UnsupportedOpsError, match=r"smcli: Missing1 \(r\)$"):
        run(graph(node("p", "CudnnRNNParamsSize"), node("r", "Missing1")), "p", "r")
