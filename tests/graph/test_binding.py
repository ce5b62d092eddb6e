"""Kernels bound to nodes: which nodes share one, and which must not."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from smcli.errors import InvalidArgumentError
from smcli.graph.binding import Binder, find_kernel
from smcli.graph.graph import Graph, Node
from smcli.kernels.context import Context, NoFiles, Resources
from smcli.runtime.session import Session
from smcli.tensors.types import DataType
from tests.graphs import const, graph, node, placeholder

F, INT32 = DataType.FLOAT, DataType.INT32


def _bound(*protos: Any) -> tuple[list[Any], list[str]]:
    """What each node's kernel is bound to by one Binder, and the nodes that a context was made for."""
    asked: list[str] = []

    def make_context(name: str) -> Context:
        asked.append(name)
        return Context(name, Resources(), NoFiles(), lambda ref: lambda arguments: [])

    binder, empty = Binder(make_context), Graph(graph())
    found = []
    for proto in protos:
        one = Node(proto.name, proto.op, proto.attr)
        kernel = find_kernel(one, empty)
        assert kernel is not None
        found.append(binder.bind(one, kernel))
    return found, asked


def test_nodes_of_one_op_with_equal_attrs_share_a_kernel() -> None:
    (first, second), asked = _bound(
        node("a", "Cast", "x", SrcT=F, DstT=INT32, Truncate=True),
        node("b", "Cast", "y", SrcT=F, DstT=INT32, Truncate=True),
    )
    assert first is second
    assert not asked


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (node("a", "Cast", "x", SrcT=F, DstT=INT32), node("b", "Cast", "x", SrcT=F, DstT=F)),
        (node("a", "Cast", "x", SrcT=F, DstT=INT32), node("b", "Cast", "x", SrcT=F, DstT=INT32, Truncate=True)),
        (node("a", "LeakyRelu", "x", T=F, alpha=0.5), node("b", "LeakyRelu", "x", T=F)),
        (node("a", "Sum", "x", "i", T=F, keep_dims=True), node("b", "Max", "x", "i", T=F, keep_dims=True)),
    ],
)
def test_other_attrs_or_ops_are_bound_apart(first: Any, second: Any) -> None:
    (one, other), _ = _bound(first, second)
    assert one is not other
    parts = [(getattr(each, "func", each), getattr(each, "keywords", {})) for each in (one, other)]
    assert parts[0] != parts[1]


def test_attrs_that_the_kernel_does_not_name_do_not_count() -> None:
    (one, other), _ = _bound(node("a", "AddV2", "x", "y", T=F), node("b", "AddV2", "x", "y", T=INT32))
    assert one is other
    assert not isinstance(one, partial)


def test_kernels_that_keep_state_are_bound_to_each_node() -> None:
    attrs = {"dtype": F, "T": INT32, "seed": 7, "seed2": 3}
    (one, other), asked = _bound(node("a", "RandomUniform", "s", **attrs), node("b", "RandomUniform", "s", **attrs))
    assert one is not other
    assert asked == ["a", "b"]
    assert (one.keywords["context"].node, other.keywords["context"].node) == ("a", "b")


def test_generators_with_equal_attrs_draw_each_for_itself() -> None:
    attrs = {"dtype": F, "T": INT32, "seed": 7, "seed2": 3}
    two = graph(
        const("shape", [4], np.int32),
        node("a", "RandomUniform", "shape", **attrs),
        node("b", "RandomUniform", "shape", **attrs),
    )
    session = Session.from_graph_def(two)
    first, second = session.run(["a", "b"])
    assert (first == second).all()  # one seed, and both at their start
    assert (session.run(["a"])[0] != first).any()
    (again,) = session.run(["b"])
    assert (again == session.run(["a", "b"])[1]).sum() == 0  # and each goes on from where it was


@pytest.mark.parametrize(
    ("proto", "message"),
    [
        (node("n", "Cast", "x", SrcT=F), r"NodeDef missing attr 'DstT' from Op Cast \[node n, op Cast\]"),
        # of several the first that the op declares
        (node("n", "MaxPool", "x", T=F, ksize=3, strides=3, padding=1), "Attr 'ksize' is not of type list"),
        (node("n", "MaxPool", "x", T=F, padding=1), "missing attr 'ksize'"),
        (node("n", "Cast", "x", SrcT=F, DstT=3), r"Attr 'DstT' is not of type type \[node n, op Cast\]"),
    ],
)
def test_a_node_that_can_not_be_bound_is_named(proto: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        _bound(proto)


def test_nodes_that_share_a_kernel_compute_by_themselves() -> None:
    both = graph(placeholder("x"), placeholder("y"), node("a", "Elu", "x", T=F), node("b", "Elu", "y", T=F))
    a, b = Session.from_graph_def(both).run(["a", "b"], {"x": np.float32(1), "y": np.float32(2)})
    assert (float(a), float(b)) == (1, 2)
