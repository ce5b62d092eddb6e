"""Conditionals and assertions whose condition is a constant."""

from __future__ import annotations

import numpy as np
import pytest

from smcli.errors import SmcliError
from smcli.graph.branches import take_known_branches, without_true_asserts
from smcli.graph.graph import Graph
from smcli.kernels.context import Context, NoFiles, Resources
from smcli.proto.graph_pb2 import AttrValue
from smcli.runtime.session import Session
from smcli.tensors.types import DataType
from tests.graph.test_rewrites import folded
from tests.graphs import const, func, function, graph, node, placeholder, types

F = DataType.FLOAT


def unary(name: str, op: str):
    return function(name, {"x": F}, {"y": (F, "r:y:0")}, node("r", op, "x", T=F))


FUNCTIONS = (unary("minus", "Neg"), unary("squared", "Square"), unary("refused", "NoSuchOp"))
ONE = types(F)
IF = {"then_branch": func("minus"), "else_branch": func("squared"), "Tin": ONE, "Tout": ONE}


def choice(condition, op: str = "If", **attrs):
    """`y`: a conditional on x by a condition that is computed from a constant."""
    dtype = np.asarray(condition).dtype
    computed = node("condition", "Identity", "constant", T=DataType.BOOL)
    return graph(
        placeholder("x"),
        const("constant", condition, dtype),
        computed,
        node("y", op, "condition", "x", **(attrs or IF)),
        functions=FUNCTIONS,
    )


def taken(graph_def) -> set[str]:
    indexed = Graph(graph_def)
    make_context = lambda name: Context(name, Resources(), NoFiles(), lambda ref: None)  # noqa: E731
    body = take_known_branches(indexed.body(["y"]), indexed, make_context)
    return {n.op for n in body.nodes if n.value is None} - {"Placeholder", "Const", "Identity"}


def branches(*names: str) -> AttrValue:
    proto = AttrValue()
    for name in names:
        proto.list.func.add(name=name)
    return proto


@pytest.mark.parametrize(
    ("condition", "op", "y"),
    [(True, "Neg", -3), (False, "Square", 9), (np.zeros(0, bool), "Square", 9), (np.zeros(2, bool), "Neg", -3)],
)
@pytest.mark.parametrize("conditional", ["If", "StatelessIf"])
def test_the_branch_that_is_taken_stands_for_an_if(conditional: str, condition, op: str, y: float) -> None:
    assert taken(choice(condition, conditional)) == {op}
    assert Session.from_graph_def(choice(condition, conditional)).run(["y"], {"x": np.float32(3)}) == [y]


@pytest.mark.parametrize(("index", "op"), [(0, "Neg"), (1, "Square"), (7, "Square"), (-1, "Square")])
def test_a_case_takes_the_last_branch_where_there_is_none(index: int, op: str) -> None:
    attrs = {"branches": branches("minus", "squared"), "Tin": ONE, "Tout": ONE}
    chosen = choice(np.int32(index), "Case", **attrs)
    chosen.node[2].attr["T"].type = DataType.INT32
    assert taken(chosen) == {op}


def test_a_condition_of_the_run_is_left_to_it() -> None:
    asked = graph(
        placeholder("x"), placeholder("p", DataType.BOOL), node("y", "If", "p", "x", **IF), functions=FUNCTIONS
    )
    assert taken(asked) == {"If"}
    session = Session.from_graph_def(asked)
    assert session.run(["y"], {"x": np.float32(3), "p": np.bool_(False)}) == [9]


def test_guards_of_conditionals_of_tensorflow_1_are_kept() -> None:
    old = choice(True)
    old.node.append(placeholder("p", DataType.BOOL))
    old.node.append(node("sides", "Switch", "y", "p", T=F))
    old.node.append(node("left", "Exp", "sides:0", T=F))
    old.node.append(node("right", "Square", "sides:1", T=F))
    old.node.append(node("z", "Merge", "left", "right", T=F, N=2))
    session = Session.from_graph_def(old)
    for predicate, z in ((False, np.exp(np.float32(-3))), (True, 9)):
        assert session.run(["z"], {"x": np.float32(3), "p": np.bool_(predicate)}) == [z]


def test_conditionals_in_conditionals() -> None:
    inner = function(
        "inner",
        {"x": F},
        {"y": (F, "again:output:0")},
        const("no", False, bool),
        node("again", "If", "no:output:0", "x", Tcond=DataType.BOOL, **IF),
    )
    nested = choice(True, **{**IF, "then_branch": func("inner")})
    nested.library.function.append(inner)
    assert taken(nested) == {"Square"}


def test_an_op_that_is_missing_is_reported_from_either_branch() -> None:
    with pytest.raises(SmcliError, match="NoSuchOp"):
        Session.from_graph_def(choice(True, **{**IF, "else_branch": func("refused")})).run(["y"], {"x": np.float32(3)})


def test_an_error_in_the_branch_is_raised() -> None:
    failing = function("failing", {"x": F}, {"y": (F, "r:product:0")}, node("r", "MatMul", "x", "x", T=F))
    wrong = choice(True, **{**IF, "then_branch": func("failing")})
    wrong.library.function.append(failing)
    with pytest.raises(SmcliError, match=r"In\[0\].*r, op MatMul"):
        Session.from_graph_def(wrong).run(["y"], {"x": np.float32(3)})


def asserted(condition):
    return graph(
        placeholder("x"),
        const("condition", condition, np.asarray(condition).dtype),
        node("check", "Assert", "condition", "x", T=ONE, summarize=3),
        node("y", "Neg", "x", "^check", T=F),
    )


def test_an_assert_of_what_is_true_is_dropped() -> None:
    body = folded(asserted(True), "y", rewrite=lambda body, graph: without_true_asserts(body))
    assert {n.op for n in body.nodes if n.value is None} == {"Placeholder", "Neg"}
    assert Session.from_graph_def(asserted(True)).run(["y"], {"x": np.float32(1)}) == [-1]


@pytest.mark.parametrize("condition", [False, [True]])
def test_an_assert_that_fails_stays(condition) -> None:
    with pytest.raises(SmcliError, match=r"\[node check, op Assert\]"):
        Session.from_graph_def(asserted(condition)).run(["y"], {"x": np.float32(1)})
