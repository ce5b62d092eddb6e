"""How large values can get, and which tensors have to be looked at."""

from __future__ import annotations

import math

import numpy as np
import pytest

from smcli.graph.bounds import CHECKED, find_bounds
from smcli.graph.constants import fold
from smcli.graph.graph import Graph, Node
from smcli.graph.rewrites import rewrite
from smcli.kernels.context import Context, NoFiles, Resources
from tests.graph.test_fusion import F, conv
from tests.graphs import const, graph, node, placeholder

RELU = frozenset({"relu", "relu6"})


def body_of(graph_def, fetch: str):
    indexed = Graph(graph_def)
    body = indexed.body([fetch])
    fold(body, indexed, lambda name: Context(name, Resources(), NoFiles(), lambda ref: None), lambda node: None)
    return rewrite(body, indexed)


def network(layers: int, activation: str, size: float = 1.0):
    nodes = [placeholder("y0"), const("w", np.full((1, 1, 4, 4), size, np.float32))]
    for i in range(layers):
        nodes += [conv(f"c{i}", f"y{i}", "w"), node(f"y{i + 1}", activation, f"c{i}", T=F)]
    return body_of(graph(*nodes), f"y{layers}")


def checks(body) -> list[tuple[int, ...]]:
    with np.errstate(all="ignore"):  # as a session has it
        return list(find_bounds(body, RELU).checks.values())


def test_the_first_input_is_looked_at_and_a_relu6_bounds_what_follows() -> None:
    assert checks(network(50, "Relu6")) == [(0,), *[()] * 49]


def test_with_relu_the_bound_grows_until_a_tensor_is_looked_at_again() -> None:
    found = checks(network(50, "Relu", 100.0))
    assert found[0] == (0,) and 3 < found.count((0,)) < 25


def test_a_bound_holds() -> None:
    body = network(3, "Relu", 2.0)
    bound = find_bounds(body, RELU).of(body.outputs[0])
    assert CHECKED * 8**3 <= bound < math.inf


def test_nothing_is_looked_at_for_activations_that_keep_nan() -> None:
    assert checks(network(3, "Tanh")) == []


@pytest.mark.parametrize("size", [np.nan, np.inf, 3e38])
def test_weights_that_may_overflow_have_no_bound(size: float) -> None:
    assert checks(network(1, "Relu", size)) == []


def test_both_terms_of_a_sum_are_looked_at() -> None:
    body = body_of(
        graph(
            placeholder("x"),
            placeholder("other"),
            const("w", np.ones((1, 1, 4, 4), np.float32)),
            conv("y", "x", "w"),
            node("sum", "AddV2", "y", "other", T=F),
            node("out", "Relu", "sum", T=F),
        ),
        "out",
    )
    assert checks(body) == [(0, 1)]


def test_ops_between_keep_bounds_or_lose_them() -> None:
    def through(op: str, **attrs):
        return body_of(
            graph(
                placeholder("x"),
                const("w", np.ones((1, 1, 4, 4), np.float32)),
                conv("a", "x", "w"),
                node("r", "Relu6", "a", T=F),
                node("between", op, "r", T=F, **attrs),
                conv("b", "between", "w"),
                node("out", "Relu", "b", T=F),
            ),
            "out",
        )

    assert checks(through("Neg")) == [(0,), ()]
    assert checks(through("Exp")) == [(0,), (0,)]


@pytest.mark.parametrize("op", ["Sigmoid", "Relu6"])
def test_nan_goes_through_what_limits_numbers(op: str) -> None:
    body = body_of(
        graph(
            placeholder("x"),
            const("w", np.ones((1, 1, 4, 4), np.float32)),
            node("limited", op, "x", T=F),
            conv("y", "limited", "w"),
            node("out", "Relu", "y", T=F),
        ),
        "out",
    )
    assert checks(body) == [(0,)]


@pytest.mark.parametrize("op", ["Mul", "ConcatV2", "AddV2"])
def test_nodes_with_too_few_inputs_are_left_to_the_plan(op: str) -> None:
    body = network(1, "Relu")
    body.nodes.append(Node("odd", op, {}, [(body.nodes[0], 0)]))
    assert checks(body) == [(0,)]
