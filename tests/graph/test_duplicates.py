"""Common subexpressions: what is merged, and what has to stay apart."""

from __future__ import annotations

import numpy as np
import pytest

from smcli.errors import SmcliError
from smcli.graph.duplicates import merge_duplicates
from smcli.graph.graph import Graph
from smcli.runtime.session import Session
from smcli.tensors.types import DataType
from tests.graph.test_rewrites import folded
from tests.graphs import const, graph, node, placeholder, shape

F = DataType.FLOAT


def merged(graph_def, *fetches: str) -> set[str]:
    """The names of the nodes that are left and compute something."""
    return {n.name for n in folded(graph_def, *fetches, rewrite=merge_duplicates).nodes if n.value is None}


def test_the_same_op_on_the_same_inputs_is_computed_once() -> None:
    twice = graph(
        placeholder("x"),
        const("one", 1),
        const("uno", 1),
        node("a", "AddV2", "x", "one", T=F),
        node("b", "AddV2", "x", "uno", T=F),
        node("c", "Neg", "a", T=F),
        node("d", "Neg", "b", T=F),
        node("y", "Mul", "c", "d", T=F),
    )
    assert merged(twice, "y") == {"x", "a", "c", "y"}
    assert Session.from_graph_def(twice).run(["y"], {"x": np.float32(2)}) == [9]


def test_outputs_are_redirected_too() -> None:
    twice = graph(placeholder("x"), node("a", "Neg", "x", T=F), node("b", "Neg", "x", T=F))
    assert merged(twice, "a", "b") == {"x", "a"}
    assert Session.from_graph_def(twice).run(["a", "b"], {"x": np.float32(2)}) == [-2, -2]


@pytest.mark.parametrize(("left", "right"), [(0.0, -0.0), (1, [1])])
def test_constants_that_differ_in_sign_or_shape_stay_apart(left: object, right: object) -> None:
    pair = graph(
        placeholder("x"),
        const("l", left),
        const("r", right),
        node("a", "Div", "x", "l", T=F),
        node("b", "Div", "x", "r", T=F),
        node("y", "Pack", "a", "b", T=F, N=2, axis=0),
    )
    assert {"a", "b"} <= merged(pair, "y")


def test_strings_are_the_same_by_their_bytes() -> None:
    words = graph(
        placeholder("x", DataType.STRING),
        *(const(name, np.array([text], object), object) for name, text in (("a", b"w"), ("b", b"w"), ("c", b"v"))),
        *(node(f"is_{name}", "Equal", "x", name, T=DataType.STRING) for name in "abc"),
        node("ab", "LogicalAnd", "is_a", "is_b"),
        node("abc", "LogicalAnd", "ab", "is_c"),
    )
    assert merged(words, "abc") == {"x", "is_a", "is_c", "ab", "abc"}


def test_attrs_tell_nodes_apart_and_notes_do_not() -> None:
    sums = graph(
        placeholder("x"),
        const("axis", [0], np.int32),
        node("keep", "Sum", "x", "axis", T=F, Tidx=DataType.INT32, keep_dims=True),
        node("drop", "Sum", "x", "axis", T=F, Tidx=DataType.INT32, keep_dims=False),
        node("also", "Sum", "x", "axis", T=F, Tidx=DataType.INT32, keep_dims=False, _class="note"),
        node("y", "AddV2", "keep", "drop", T=F),
        node("z", "AddV2", "y", "also", T=F),
    )
    assert merged(sums, "z") == {"x", "keep", "drop", "y", "z"}


def test_random_numbers_are_drawn_twice() -> None:
    draws = [node(name, "RandomUniform", "n", T=DataType.INT32, dtype=F) for name in "ab"]
    body = merged(graph(const("n", [2], np.int32), *draws, node("y", "Sub", "a", "b", T=F)), "y")
    assert {"a", "b"} <= body


def test_a_reference_variable_may_change_between_two_readers() -> None:
    assigned = graph(
        const("one", 1),
        const("five", 5),
        node("v", "VariableV2", dtype=F, shape=shape()),
        node("init", "Assign", "v", "one", T=F),
        node("before", "AddV2", "v", "one", "^init", T=F),
        node("set", "Assign", "v", "five", "^before", T=F),
        node("after", "AddV2", "v", "one", "^set", T=F),
        node("y", "Pack", "before", "after", T=F, N=2, axis=0),
    )
    assert {"before", "after"} <= merged(assigned, "y")
    (y,) = Session.from_graph_def(assigned).run(["y"])
    assert y.tolist() == [2, 6]


def test_the_error_is_that_of_the_first_of_two() -> None:
    failing = graph(
        placeholder("x"),
        node("first", "MatMul", "x", "x", T=F),
        node("second", "MatMul", "x", "x", T=F),
        node("y", "AddV2", "second", "first", T=F),
    )
    session = Session.from_graph_def(failing)
    with pytest.raises(SmcliError, match=r"\[node second, op MatMul\]"):
        session.run(["y"], {"x": np.ones((2, 3), np.float32)})


def test_long_chains_are_merged_from_end_to_end() -> None:
    count = 3000
    nodes = [placeholder("x")]
    for side in "ab":
        nodes += [node(f"{side}{i}", "Neg", f"{side}{i - 1}" if i else "x", T=F) for i in range(count)]
    chains = graph(*nodes, node("y", "AddV2", f"a{count - 1}", f"b{count - 1}", T=F))
    assert len(merged(chains, "y")) == count + 2


def test_many_nodes_that_differ_in_an_attr_only_are_told_apart() -> None:
    sums = [node(f"s{i}", "LeakyRelu", "x", T=F, alpha=i / 8) for i in range(100)]
    names = [proto.name for proto in sums]
    body = Graph(graph(placeholder("x"), *sums, *[node(f"t{i}", "LeakyRelu", "x", T=F, alpha=i / 8) for i in range(9)]))
    fetched = body.body([*names, *(f"t{i}" for i in range(9))])
    assert {n.name for n in merge_duplicates(fetched, body).nodes} == {"x", *names}
