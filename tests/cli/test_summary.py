"""The command summary: layers, parameters, floating point operations."""

from __future__ import annotations

import json

import numpy as np
import pytest

from smcli.analysis.summary import Seen, flops, grouped
from smcli.graph.graph import Node
from smcli.proto.graph_pb2 import AttrValue
from tests.cli.test_own_commands import MODELS, call  # noqa: F401 (a fixture)


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


def test_layers_of_a_convolution_net(call):  # noqa: F811
    code, out, _ = call("summary", MODELS / "keras3_cnn", "--format", "json")
    found = json.loads(out)
    layers = {layer["name"]: layer for layer in found["layers"]}
    assert code == 0
    assert found["parameters"] == sum(layer["parameters"] for layer in layers.values()) == 821
    assert found["parameter_bytes"] == 4 * found["parameters"]
    assert found["flops"] == sum(layer["flops"] for layer in layers.values())
    conv = layers["conv2d_1"]
    assert conv["parameters"] == 3 * 3 * 3 * 8
    assert conv["flops"] == 2 * int(np.prod(conv["shape"])) * 3 * 3 * 3
    assert found["outputs"] == {"output_0": [1, 5]}
    assert found["peak_bytes"] > 0


def test_table_ends_with_totals(call):  # noqa: F811
    _, out, _ = call("summary", "--dir", MODELS / "half_plus_two", "--batch", 5)
    assert out.startswith("Signature serving_default\n")
    assert "Inputs: x [5]\nOutputs: y [5]\nParameters: 2 (8 B)\nFLOPs: 10\n" in out


def test_shared_variables_count_once(call):  # noqa: F811
    found = json.loads(call("summary", MODELS / "keras2_lstm", "--format", "json")[1])
    assert found["parameters"] == 421


def test_scopes_are_told_apart_as_deep_as_wanted(call):  # noqa: F811
    names = [
        {
            layer["name"]
            for layer in json.loads(call("summary", MODELS / "encoder", "--format", "json", *depth)[1])["layers"]
        }
        for depth in ([], ["--depth", "2"])
    ]
    assert {name.partition("/")[0] for name in names[1]} == names[0]
    assert any("/" in name for name in names[1])


def test_signature_must_be_named_where_there_are_several(call):  # noqa: F811
    code, _, err = call("summary", MODELS / "module_signatures")
    assert code == 2
    assert "Say which signature with --signature_def: bump, constant, project" in err
    assert call("summary", MODELS / "module_signatures", "--signature_def", "project")[0] == 0
    assert call("summary", MODELS / "module_signatures", "--signature_def", "gone")[0] == 2


@pytest.mark.parametrize(
    ("op", "attrs", "args", "result", "wanted"),
    [
        ("Conv2D", {}, [ones(1, 4, 4, 3), ones(3, 3, 3, 8)], ones(1, 4, 4, 8), 2 * 128 * 27),
        ("DepthwiseConv2dNative", {}, [ones(1, 4, 4, 3), ones(3, 3, 3, 1)], ones(1, 4, 4, 3), 2 * 48 * 9),
        ("MatMul", {}, [ones(2, 3), ones(3, 5)], ones(2, 5), 2 * 2 * 3 * 5),
        ("MatMul", {"transpose_a": True}, [ones(3, 2), ones(3, 5)], ones(2, 5), 2 * 2 * 3 * 5),
        ("BatchMatMulV2", {"adj_x": False}, [ones(4, 2, 3), ones(4, 3, 5)], ones(4, 2, 5), 2 * 4 * 2 * 3 * 5),
        ("Einsum", {"equation": b"bij,bjk->bik"}, [ones(4, 2, 3), ones(4, 3, 5)], ones(4, 2, 5), 2 * 4 * 2 * 3 * 5),
        ("Einsum", {"equation": b"...i,ij->...j"}, [ones(4, 2, 3), ones(3, 5)], ones(4, 2, 5), 2 * 4 * 2 * 3 * 5),
        ("AddV2", {}, [ones(2, 3), ones(3)], ones(2, 3), 6),
        ("Reshape", {}, [ones(2, 3), ones(1)], ones(6), 0),
        ("StringUpper", {}, [np.array([b"a"], object)], np.array([b"A"], object), 0),
    ],
)
def test_operations_are_counted(op, attrs, args, result, wanted):
    values = {
        name: AttrValue(b=value) if isinstance(value, bool) else AttrValue(s=value) for name, value in attrs.items()
    }
    assert flops(Node("n", op, values), args, result) == wanted


def test_scopes_that_say_nothing_are_left_out():
    names = ["StatefulPartitionedCall/model/a/MatMul", "model/a/Add", "PartitionedCall_1/model/b/Relu", "model/b/c/Mul"]
    seen = {Node(name, "X", {}): Seen(name, parameters=1) for name in names}
    assert {layer.name: (layer.nodes, layer.parameters) for layer in grouped(seen, 1)} == {"a": (2, 2), "b": (2, 2)}
    assert [layer.name for layer in grouped(seen, 2)] == ["a", "b", "b/c"]
