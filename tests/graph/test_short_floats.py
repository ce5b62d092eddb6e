"""bfloat16 products and convolutions with bias and activation are rounded once; recorded with TensorFlow 2.21, whose
optimiser fuses them for oneDNN."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from smcli.runtime.session import Session
from smcli.tensors.types import DataType
from tests.graph.test_fusion import ints, left
from tests.graphs import const, graph, node, placeholder

BF = DataType.BFLOAT16
B = ml_dtypes.bfloat16
rng = np.random.default_rng(5)


def draw(*shape: int):
    return rng.standard_normal(shape).astype(B)


def wide(x):
    return x.astype(np.float32)


WEIGHTS, BIAS, X = draw(9, 7), draw(7), draw(5, 9)
ACTIVATIONS = {
    None: lambda x: x,
    "Relu": lambda x: np.maximum(x, 0),
    "Tanh": np.tanh,
    "Sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}


def dense(add: str, activation: str | None, bias=BIAS):
    nodes = [
        placeholder("x", BF),
        const("w", WEIGHTS, B),
        const("b", bias, B),
        node("p", "MatMul", "x", "w", T=BF),
        node("y", add, "p", "b", T=BF),
    ]
    return graph(*nodes, *([node("z", activation, "y", T=BF)] if activation else []))


@pytest.mark.parametrize("add", ["BiasAdd", "AddV2", "Add"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_product_with_bias_and_activation_is_rounded_once(add: str, activation: str | None) -> None:
    out = "z:0" if activation else "y:0"
    [got] = Session.from_graph_def(dense(add, activation)).run([out], {"x:0": X})
    sums = wide(X) @ wide(WEIGHTS) + wide(BIAS)
    wanted = ACTIVATIONS[activation](sums).astype(B)
    op_by_op = ACTIVATIONS[activation](wide((wide((wide(X) @ wide(WEIGHTS)).astype(B)) + wide(BIAS)).astype(B)))
    assert got.dtype == B
    np.testing.assert_array_equal(got, wanted)
    assert (got != op_by_op.astype(B)).any()


@pytest.mark.parametrize("swapped", [False, True])
def test_a_row_is_a_bias_on_either_side(swapped: bool) -> None:
    model = dense("AddV2", None, BIAS[np.newaxis])
    if swapped:
        model.node[-1].input[:] = ["b", "p"]
    [got] = Session.from_graph_def(model).run(["y:0"], {"x:0": X})
    np.testing.assert_array_equal(got, (wide(X) @ wide(WEIGHTS) + wide(BIAS)).astype(B))


@pytest.mark.parametrize("bias", [draw(5, 7), draw(1), draw(5, 1)])
def test_other_sums_are_rounded_before(bias) -> None:
    [got] = Session.from_graph_def(dense("AddV2", None, bias)).run(["y:0"], {"x:0": X})
    np.testing.assert_array_equal(got, (wide((wide(X) @ wide(WEIGHTS)).astype(B)) + wide(bias)).astype(B))


def test_a_product_that_is_wanted_itself_stays() -> None:
    both = left(dense("BiasAdd", None), "p:0", "y:0")
    assert both == ["p", "y"]


@pytest.mark.parametrize("op", ["Conv2D", "DepthwiseConv2dNative"])
def test_a_convolution_is_one_node(op: str) -> None:
    weights, image = draw(3, 3, 4, 4 if op == "Conv2D" else 1), draw(1, 6, 6, 4)
    convolution = graph(
        placeholder("x", BF),
        const("w", weights, B),
        const("b", BIAS[:4], B),
        node("p", op, "x", "w", T=BF, strides=ints(1, 1, 1, 1), padding="SAME"),
        node("y", "BiasAdd", "p", "b", T=BF),
        node("z", "Relu", "y", T=BF),
    )
    assert left(convolution, "z:0") == ["p"]
    [got] = Session.from_graph_def(convolution).run(["z:0"], {"x:0": image})
    wide_graph = graph(
        placeholder("x", DataType.FLOAT),
        const("w", wide(weights)),
        node("p", op, "x", "w", T=DataType.FLOAT, strides=ints(1, 1, 1, 1), padding="SAME"),
    )
    [sums] = Session.from_graph_def(wide_graph).run(["p:0"], {"x:0": wide(image)})
    np.testing.assert_array_equal(got, np.maximum(sums + wide(BIAS[:4]), 0).astype(B))


@pytest.mark.parametrize("beta", [False, True])
def test_a_swish_is_rounded_once(beta: bool) -> None:
    nodes = [
        placeholder("x", BF),
        const("one", np.array(1, B), B),
        node("scaled", "Mul", "one", "x", T=BF),
        node("gate", "Sigmoid", "scaled" if beta else "x", T=BF),
        node("y", "Mul", "x", "gate", T=BF),
    ]
    x = draw(4, 64)
    assert left(graph(*nodes), "y:0") == ["y"]
    [got] = Session.from_graph_def(graph(*nodes)).run(["y:0"], {"x:0": x})
    np.testing.assert_array_equal(got, (wide(x) / (1 + np.exp(-wide(x)))).astype(B))
