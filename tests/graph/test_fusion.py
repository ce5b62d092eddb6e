"""Rewrites that see through aliases, join activations, and take padding, sums and products into one node."""

from __future__ import annotations

import numpy as np
import pytest

from smcli.errors import InvalidArgumentError
from smcli.graph.constants import fold
from smcli.graph.graph import Graph
from smcli.graph.rewrites import rewrite
from smcli.kernels.context import Context, NoFiles, Resources
from smcli.proto.graph_pb2 import AttrValue, GraphDef
from smcli.runtime.session import Session
from smcli.tensors.types import DataType
from tests.graphs import const, graph, node, placeholder, types

F = DataType.FLOAT
rng = np.random.default_rng(0)
ALL = "alias,tensordot,activation,padding,convolution"


def ints(*values: int) -> AttrValue:
    proto = AttrValue()
    proto.list.i.extend(values)
    return proto


def conv(name: str, x: str, w: str, op: str = "Conv2D", padding: str = "SAME"):
    return node(name, op, x, w, T=F, strides=ints(1, 1, 1, 1), padding=padding)


def left(graph_def: GraphDef, *fetches: str) -> list[str]:
    """The names of the nodes that a plan for the fetches runs."""
    indexed = Graph(graph_def)
    body = indexed.body(fetches)
    fold(body, indexed, lambda name: Context(name, Resources(), NoFiles(), lambda ref: None), lambda node: None)
    return [n.name for n in rewrite(body, indexed).nodes if n.op != "Placeholder" and n.value is None]


def same_without(graph_def: GraphDef, fetches: list[str], feeds, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results are the same bit for bit with the rewrites and without."""
    monkeypatch.setenv("SMCLI_DISABLE_REWRITES", "onednn")
    with_rewrites = Session.from_graph_def(graph_def).run(fetches, feeds)
    monkeypatch.setenv("SMCLI_DISABLE_REWRITES", f"onednn,{ALL}")
    without = Session.from_graph_def(graph_def).run(fetches, feeds)
    for one, other in zip(with_rewrites, without, strict=True):
        np.testing.assert_array_equal(one, other)


def weights(*shape: int):
    return rng.standard_normal(shape).astype(np.float32)


def swish_network() -> GraphDef:
    """A convolution and a swish as Keras writes it for models with gradients."""
    return graph(
        placeholder("x"),
        const("w", weights(3, 3, 3, 5)),
        conv("y", "x", "w"),
        const("beta", 1),
        node("scaled", "Mul", "beta", "y", T=F),
        node("gate", "Sigmoid", "scaled", T=F),
        node("gated", "Mul", "y", "gate", T=F),
        node("both", "IdentityN", "gated", "y", "beta", T=types(F, F, F)),
        node("out", "Identity", "both", T=F),
    )


def image(*shape: int):
    x = rng.standard_normal(shape).astype(np.float32)
    x.flat[:3] = np.nan, np.inf, -np.inf
    return x


def test_a_swish_behind_aliases_is_taken_into_the_convolution(monkeypatch: pytest.MonkeyPatch) -> None:
    assert left(swish_network(), "out") == ["y"]
    same_without(swish_network(), ["out"], {"x": image(2, 5, 6, 3)}, monkeypatch)


def test_a_swish_whose_gate_is_wanted_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    assert left(swish_network(), "out", "gate") == ["y", "gate", "gated"]
    same_without(swish_network(), ["out", "gate"], {"x": image(2, 5, 6, 3)}, monkeypatch)


def test_a_product_with_a_vector_of_ones_is_no_alias() -> None:
    ones = graph(placeholder("x"), const("one", np.ones(1, np.float32)), node("y", "Mul", "x", "one", T=F))
    assert left(ones, "y") == ["y"]
    assert Session.from_graph_def(ones).run(["y"], {"x": np.float32(3)})[0].shape == (1,)


@pytest.mark.parametrize("op", ["Conv2D", "DepthwiseConv2dNative"])
def test_zero_padding_is_taken_into_a_valid_convolution(op: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pads = const("pads", [[0, 0], [0, 1], [2, 1], [0, 0]], np.int32)
    padded = graph(
        placeholder("x"),
        pads,
        node("padded", "Pad", "x", "pads", T=F),
        const("w", weights(3, 3, 3, 1)),
        conv("y", "padded", "w", op, "VALID"),
    )
    assert left(padded, "y") == ["y"]
    assert left(padded, "y", "padded") == ["padded", "y"]
    same_without(padded, ["y"], {"x": image(2, 5, 6, 3)}, monkeypatch)


def test_padding_of_channels_stays() -> None:
    pads = const("pads", [[0, 0], [0, 1], [0, 1], [1, 0]], np.int32)
    padded = graph(
        placeholder("x"),
        pads,
        node("padded", "Pad", "x", "pads", T=F),
        const("w", weights(3, 3, 4, 2)),
        conv("y", "padded", "w", "Conv2D", "VALID"),
    )
    assert left(padded, "y") == ["padded", "y"]


def residual() -> GraphDef:
    return graph(
        placeholder("x"),
        placeholder("other"),
        const("w", weights(1, 1, 3, 3)),
        conv("y", "x", "w"),
        const("bias", weights(3)),
        node("biased", "BiasAdd", "y", "bias", T=F),
        node("sum", "AddV2", "other", "biased", T=F),
        node("out", "Relu", "sum", T=F),
    )


@pytest.mark.parametrize("shape", [(2, 4, 5, 3), (3,), (1, 4, 1, 1), (2, 2, 4, 5, 3)])
def test_a_sum_with_another_tensor_is_taken_in(shape, monkeypatch: pytest.MonkeyPatch) -> None:
    assert left(residual(), "out") == ["y"]
    same_without(residual(), ["out"], {"x": image(2, 4, 5, 3), "other": image(*shape)}, monkeypatch)


def test_two_convolutions_that_are_summed_become_two_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    both = graph(
        placeholder("x"),
        const("w", weights(1, 1, 3, 3)),
        const("v", weights(3, 3, 3, 3)),
        conv("a", "x", "w"),
        conv("b", "x", "v"),
        node("sum", "AddV2", "a", "b", T=F),
        node("out", "Relu6", "sum", T=F),
    )
    assert sorted(left(both, "out")) == ["a", "b"]
    same_without(both, ["out"], {"x": image(2, 4, 5, 3)}, monkeypatch)


@pytest.mark.parametrize("transposed", [False, True])
def test_a_product_by_constant_weights_takes_in_bias_and_activation(
    transposed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    dense = graph(
        placeholder("x"),
        const("w", weights(4, 3) if transposed else weights(3, 4)),
        node("y", "MatMul", "x", "w", T=F, transpose_b=transposed),
        const("bias", weights(4)),
        node("biased", "BiasAdd", "y", "bias", T=F),
        node("out", "Tanh", "biased", T=F),
    )
    assert left(dense, "out") == ["y"]
    same_without(dense, ["out"], {"x": image(5, 3)}, monkeypatch)


@pytest.mark.parametrize("op", ["Relu", "Relu6", "Elu", "LeakyRelu", "Sigmoid", "Tanh"])
def test_activations_in_tiles_are_those_of_the_ops(op: str, monkeypatch: pytest.MonkeyPatch) -> None:
    activated = graph(placeholder("x"), const("w", weights(2, 2, 3, 4)), conv("y", "x", "w"), node("out", op, "y", T=F))
    assert left(activated, "out") == ["y"]
    same_without(activated, ["out"], {"x": image(1, 9, 9, 3)}, monkeypatch)


def gelu(x: str) -> list:
    """tf.nn.gelu."""
    return [
        const("half", 0.5),
        const("root", 0.70710677),
        node("halved", "Mul", "half", x, T=F),
        node("minus", "Neg", x, T=F),
        node("scaled", "Mul", "minus", "root", T=F),
        node("tail", "Erfc", "scaled", T=F),
        node("out", "Mul", "halved", "tail", T=F),
    ]


def gelu_by_erf(x: str) -> list:
    """tf.nn.gelu of older TensorFlows."""
    return [
        const("half", 0.5),
        const("one", 1.0),
        const("root", 1.4142135),
        node("halved", "Mul", "half", x, T=F),
        node("scaled", "RealDiv", x, "root", T=F),
        node("error", "Erf", "scaled", T=F),
        node("rise", "AddV2", "one", "error", T=F),
        node("out", "Mul", "halved", "rise", T=F),
    ]


@pytest.mark.parametrize("form", [gelu, gelu_by_erf])
def test_a_gelu_is_one_node_and_joins_the_product_before_it(form, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = graph(placeholder("x"), *form("x"))
    assert left(alone, "out") == ["out"]
    same_without(alone, ["out"], {"x": image(300, 300)}, monkeypatch)
    monkeypatch.undo()
    dense = graph(placeholder("x"), const("w", weights(3, 4)), node("y", "MatMul", "x", "w", T=F), *form("y"))
    assert left(dense, "out") == ["y"]
    same_without(dense, ["out"], {"x": image(5, 3)}, monkeypatch)


@pytest.mark.parametrize("form", [gelu, gelu_by_erf])
def test_what_is_nearly_a_gelu_is_none(form) -> None:
    other = graph(placeholder("x"), *form("x"))
    next(n for n in other.node if n.name == "root").attr["value"].tensor.CopyFrom(const("r", 0.7).attr["value"].tensor)
    assert "out" in left(other, "out") and len(left(other, "out")) > 1
    assert len(left(graph(placeholder("x"), *form("x")), "out", "scaled")) > 1


def tensordot(rank: int = 3, **changes) -> GraphDef:
    """tf.tensordot(x, w, 1) as TensorFlow writes it, with a bias."""
    order, axes = list(range(rank)), list(range(rank - 1))
    int32 = np.int32
    parts = {
        "order": const("order", order, int32),
        "axes": const("axes", axes, int32),
        "last": const("last", [rank - 1], int32),
        "zero": const("zero", 0, int32),
        "zeros": const("zeros", [0], int32),
        "columns": const("columns", [4], int32),
    }
    parts.update(changes)
    return graph(
        placeholder("x"),
        const("w", weights(3, 4)),
        *parts.values(),
        node("ordered", "Transpose", "x", "order", T=F),
        node("sizes", "Shape", "x", T=F),
        node("free", "GatherV2", "sizes", "axes", "zero", Tparams=int32),
        node("rows", "Prod", "free", "zeros", T=int32),
        node("inner", "GatherV2", "sizes", "last", "zero", Tparams=int32),
        node("depth", "Prod", "inner", "zeros", T=int32),
        node("flat", "Pack", "rows", "depth", T=int32, N=2),
        node("matrix", "Reshape", "ordered", "flat", T=F),
        node("y", "MatMul", "matrix", "w", T=F),
        node("whole", "ConcatV2", "free", "columns", "zero", T=int32, N=2),
        node("shaped", "Reshape", "y", "whole", T=F),
        const("bias", weights(4)),
        node("out", "BiasAdd", "shaped", "bias", T=F),
    )


@pytest.mark.parametrize("shape", [(2, 5, 3), (0, 5, 3), (1, 1, 3)])
def test_a_tensordot_is_one_product(shape, monkeypatch: pytest.MonkeyPatch) -> None:
    assert left(tensordot(), "out") == ["y"]
    same_without(tensordot(), ["out"], {"x": weights(*shape)}, monkeypatch)


def test_a_tensordot_whose_parts_are_wanted_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert left(tensordot(), "out", "free") == ["sizes", "free", "y"]
    same_without(tensordot(), ["out", "free"], {"x": weights(2, 5, 3)}, monkeypatch)


@pytest.mark.parametrize("shape", [(5, 3), (2, 5, 4), (2, 2, 5, 3)])
def test_tensors_that_do_not_fit_a_tensordot_are_refused_either_way(shape, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidArgumentError):
        Session.from_graph_def(tensordot()).run(["out"], {"x": weights(*shape)})
    monkeypatch.setenv("SMCLI_DISABLE_REWRITES", ALL)
    with pytest.raises(InvalidArgumentError):
        Session.from_graph_def(tensordot()).run(["out"], {"x": weights(*shape)})


@pytest.mark.parametrize(
    "part",
    [
        const("order", [1, 0, 2], np.int32),
        const("axes", [1, 0], np.int32),
        const("last", [1], np.int32),
        const("columns", [2, 2], np.int32),
    ],
)
def test_another_order_of_axes_is_no_such_product(part) -> None:
    assert len(left(tensordot(**{part.name: part}), "out")) > 2
